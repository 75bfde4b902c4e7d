/* SPDX-License-Identifier: Apache-2.0
 *
 * Where Meta's API is, and how it is called.
 */
#include "whatsapp.h"

#include <string.h>

#define META_API "https://graph.facebook.com"

char *whatsapp_url (const struct channel *channel, const char *path)
{
    const char *base = values_text (channel->common, CHANNEL_API_URL);
    if (base == NULL) base = META_API;
    size_t length = strlen (base);
    while (length > 0 && base[length - 1] == '/') length--;
    bool others = values_text (channel->values, KEY_HEADER) != NULL;
    return g_strdup_printf ("%.*s%s%s%s", (int) length, base, others ? "" : "/", others ? "" : values_text (channel->values, VERSION),
                            path);
}

char *whatsapp_number_url (const struct channel *channel, const char *path)
{
    if (values_text (channel->values, KEY_HEADER) != NULL) return whatsapp_url (channel, path);
    g_autofree char *id = g_uri_escape_string (values_text (channel->values, PHONE_NUMBER_ID), NULL, FALSE);
    g_autofree char *whole = g_strconcat ("/", id, path, NULL);
    return whatsapp_url (channel, whole);
}

void whatsapp_sign_in (const struct channel *channel, struct call_request *call)
{
    const char *token = values_text (channel->values, ACCESS_TOKEN), *header = values_text (channel->values, KEY_HEADER);
    if (call->headers == NULL) call->headers = g_ptr_array_new_with_free_func (g_free);
    g_ptr_array_add (call->headers, g_strdup (header == NULL ? "Authorization" : header));
    g_ptr_array_add (call->headers, header == NULL ? g_strconcat ("Bearer ", token, NULL) : g_strdup (token));
}

void whatsapp_get (const struct channel *channel, char *url, size_t answer_most, struct call_request *call)
{
    call->method = "GET";
    call->url = url;
    whatsapp_sign_in (channel, call);
    call->answer_most = answer_most;
}

void whatsapp_post (const struct channel *channel, const json_t *message, struct call_request *call)
{
    char *body = json_write (message);
    call->method = "POST";
    call->url = whatsapp_number_url (channel, "/messages");
    whatsapp_sign_in (channel, call);
    call->content_type = "application/json";
    call->body = g_bytes_new_take (body, strlen (body));
    call->answer_most = ANSWER_MOST;
}
