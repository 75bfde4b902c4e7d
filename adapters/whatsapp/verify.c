/* SPDX-License-Identifier: Apache-2.0
 *
 * Who calls: Meta proves itself by an HMAC-SHA256 over the body, and asks by a GET with verify_token whether a webhook's URL is ours
 * (developers.facebook.com/docs/graph-api/webhooks/getting-started). Others (360dialog) pass on what Meta says without its signature: they prove
 * themselves by verify_token at the end of the URL.
 */
#include "base/signature.h"
#include "model/form.h"
#include "whatsapp.h"

#include <string.h>

enum { QUERY_FIELDS_MOST = 20 };

static bool is_signed (const struct channel *channel, const struct http_request *request)
{
    static const char prefix[] = "sha256=";
    const char *header = http_request_sole_header (request, "X-Hub-Signature-256");
    if (header == NULL || !g_str_has_prefix (header, prefix)) return false;
    gsize length;
    const guchar *body = g_bytes_get_data (request->body, &length);
    for (const char *const *secret = values_texts (channel->values, APP_SECRET); *secret != NULL; secret++) {
        GHmac *hmac = signature_start (G_CHECKSUM_SHA256, *secret);
        if (length > 0) g_hmac_update (hmac, body, (gssize) length);
        char text[SIGNATURE_TEXT_SIZE];
        signature_hex (hmac, text);
        if (signature_equal (text, header + strlen (prefix))) return true;
    }
    return false;
}

static bool knows_url (const struct channel *channel, const struct http_request *request)
{
    if (values_text (channel->values, KEY_HEADER) == NULL) return false;
    return signature_equal (values_text (channel->values, VERIFY_TOKEN), request->secret);
}

bool whatsapp_verify (const struct channel *channel, const struct http_request *request)
{
    return request->secret == NULL ? is_signed (channel, request) : knows_url (channel, request);
}

/* A field's value; NULL: it is missing, or holds a NUL and so is nothing that Meta sends. */
static const char *value_of (const struct form *form, const char *name)
{
    const struct form_field *field = form_find (form, name);
    return field == NULL || strlen (field->value) != field->value_length ? NULL : field->value;
}

static const char *challenge_of (const struct channel *channel, const struct form *query)
{
    const char *mode = value_of (query, "hub.mode"), *token = value_of (query, "hub.verify_token"),
               *challenge = value_of (query, "hub.challenge");
    if (g_strcmp0 (mode, "subscribe") != 0 || token == NULL || challenge == NULL || strlen (challenge) > CHALLENGE_MOST) return NULL;
    return signature_equal (values_text (channel->values, VERIFY_TOKEN), token) ? challenge : NULL;
}

void whatsapp_verify_url (const struct channel *channel, const struct http_request *request, struct received *received)
{
    struct form query;
    if (!form_parse (request->query, strlen (request->query), QUERY_FIELDS_MOST, &query)) return;
    const char *challenge = challenge_of (channel, &query);
    if (challenge != NULL) {
        received->kind = RECEIVED_REFUSED; /* nothing is stored */
        received->reply = http_response_new (200, "text/plain", g_bytes_new (challenge, strlen (challenge)));
    }
    form_clear (&query);
}
