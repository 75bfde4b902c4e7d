/* SPDX-License-Identifier: Apache-2.0
 *
 * Files of customers' messages: "whatsapp-media:<id>". Round one asks for the id's URL, which dies after five minutes; the next call it, and
 * follow its redirects one round each. All of it goes to Meta's hosts only, to api_url's or to media_host, each of which may see the token.
 * Where the URL is gone already, it is asked for anew. What comes must have the hash that the webhook and the first round say.
 *
 * Notes: {"url": …, "sha256": …, "redirects": 0, "asked": 1}; without url it is asked for anew.
 */
#include "whatsapp.h"

#include "base/signature.h"
#include "model/origin.h"

#include <string.h>

enum { REDIRECTS_MOST = 5, ASKED_MOST = 3, URL_MOST = 4096 };

/* What has been found out so far. */
struct search {
    json_t *notes;
    GUri *uri; /* NULL: it is to be asked for */
    json_int_t redirects, asked;
};

/* ---- where may be called ---- */

static bool is_meta (GUri *uri)
{
    return origin_is_below (uri, ".facebook.com") || origin_is_below (uri, ".fbsbx.com") || origin_is_below (uri, ".whatsapp.net");
}

/* Of an address of our own settings; then plain HTTP is no fault of the provider's (a test). */
static bool is_at (GUri *uri, const char *url)
{
    g_autoptr (GUri) own = url == NULL ? NULL : g_uri_parse (url, ORIGIN_FLAGS, NULL);
    return own != NULL && origin_is_same (uri, own);
}

static bool may_be_called (const struct channel *channel, GUri *uri)
{
    return origin_is_plain (uri) && (is_meta (uri) || is_at (uri, values_text (channel->common, CHANNEL_API_URL)) ||
                                     is_at (uri, values_text (channel->values, MEDIA_HOST)));
}

/* An address that may be called; NULL: none. Relative ones are resolved where base is given. */
static GUri *parse (const struct channel *channel, GUri *base, const char *url)
{
    GUri *uri = url == NULL || strlen (url) > URL_MOST ? NULL : g_uri_parse_relative (base, url, ORIGIN_FLAGS, NULL);
    if (uri == NULL || may_be_called (channel, uri)) return uri;
    g_uri_unref (uri);
    return NULL;
}

/* With media_host in its place. A new string. */
static char *own_url (const struct channel *channel, const char *url)
{
    static const char usual[] = "https://lookaside.fbsbx.com";
    const char *host = values_text (channel->values, MEDIA_HOST);
    bool replaced = host != NULL && g_str_has_prefix (url, usual) && strchr ("/?", url[strlen (usual)]) != NULL;
    if (!replaced) return g_strdup (url);
    size_t length = strlen (host);
    while (length > 0 && host[length - 1] == '/') length--;
    return g_strdup_printf ("%.*s%s", (int) length, host, url + strlen (usual));
}

/* ---- notes ---- */

static void search_open (const struct channel *channel, const char *notes, struct search *search)
{
    search->notes = notes == NULL ? NULL : json_parse_text (notes, strlen (notes), NULL);
    search->uri = parse (channel, NULL, json_text (search->notes, "url"));
    search->redirects = json_integer_value (json_object_get (search->notes, "redirects"));
    search->asked = json_integer_value (json_object_get (search->notes, "asked"));
}

static void search_close (struct search *search)
{
    json_decref (search->notes);
    if (search->uri != NULL) g_uri_unref (search->uri);
}

/* url, sha256 NULL: not known. */
static void go_on (const char *url, const char *sha256, json_int_t redirects, json_int_t asked, struct verdict *verdict)
{
    json_auto_t *notes = json_pack ("{s:s*, s:s*, s:I, s:I}", "url", url, "sha256", sha256, "redirects", redirects, "asked", asked);
    verdict->kind = VERDICT_NEXT;
    verdict->notes = json_write (notes);
}

/* ---- compose ---- */

/* The id of task's file, escaped; NULL: that is no file of ours. */
static char *id_of (const struct task *task)
{
    static const char scheme[] = "whatsapp-media:";
    const char *id = task->url != NULL && g_str_has_prefix (task->url, scheme) ? task->url + strlen (scheme) : NULL;
    return whatsapp_is_id (id) ? g_uri_escape_string (id, NULL, FALSE) : NULL;
}

/* Others (360dialog) know by the key which number asks. */
static char *url_of_id (const struct channel *channel, const char *id)
{
    bool others = values_text (channel->values, KEY_HEADER) != NULL;
    g_autofree char *number = g_uri_escape_string (values_text (channel->values, PHONE_NUMBER_ID), NULL, FALSE);
    g_autofree char *path = g_strconcat ("/", id, others ? "" : "?phone_number_id=", others ? "" : number, NULL);
    return whatsapp_url (channel, path);
}

bool whatsapp_fetch_compose (const struct channel *channel, const struct task *task, const char *notes, struct call_request *call)
{
    struct search search;
    g_autofree char *id = id_of (task);
    if (id == NULL) return false;
    search_open (channel, notes, &search);
    if (search.uri == NULL)
        whatsapp_get (channel, url_of_id (channel, id), ANSWER_MOST, call);
    else
        whatsapp_get (channel, g_uri_to_string_partial (search.uri, G_URI_HIDE_FRAGMENT), channel->adapter->carries (channel)->file_most,
                      call);
    search_close (&search);
    return true;
}

/* ---- judge ---- */

static const struct judge_rule bad_address = {0, JUDGE_REFUSED, "bad_address", "the provider names an address that must not be called",
                                              NULL};
static const struct judge_rule wrong_hash = {0, JUDGE_REFUSED, "wrong_hash", "what the provider hands out is not the file that was sent",
                                             NULL};

/* Whether the bytes are those that text is the digest of; what is no digest says nothing. */
static bool has_digest (GBytes *body, const char *text)
{
    char actual[SIGNATURE_TEXT_SIZE];
    gsize length;
    const void *bytes = g_bytes_get_data (body, &length);
    g_autofree char *expected = whatsapp_sha256 (text);
    if (expected == NULL) return true;
    signature_sha256_hex (bytes, length, actual);
    return g_str_equal (expected, actual);
}

/* A number, which Meta writes as a string at times. */
static bool is_too_large (const struct channel *channel, const json_t *size)
{
    int64_t bytes = json_is_string (size) ? g_ascii_strtoll (json_string_value (size), NULL, 10) : json_integer_value (size);
    return bytes > (int64_t) channel->adapter->carries (channel)->file_most;
}

static void judge_url (const struct channel *channel, const struct search *search, const json_t *said, const struct call_answer *answer,
                       struct verdict *verdict)
{
    const char *given = json_text (said, "url"), *sha256 = json_text (said, "sha256");
    g_autofree char *url = given == NULL ? NULL : own_url (channel, given), *digest = whatsapp_sha256 (sha256);
    g_autoptr (GUri) uri = parse (channel, NULL, url);
    if (given == NULL)
        judge_apply (&judge_file_later, answer, verdict);
    else if (is_too_large (channel, json_object_get (said, "file_size")))
        judge_apply (&judge_file_too_large, answer, verdict);
    else if (uri == NULL)
        judge_apply (&bad_address, answer, verdict);
    else
        go_on (url, digest == NULL ? NULL : sha256, 0, search->asked + 1, verdict);
}

static void judge_file (const struct task *task, const struct search *search, const struct call_answer *answer, struct verdict *verdict)
{
    if (answer->cut)
        judge_apply (&judge_file_too_large, answer, verdict);
    else if (!has_digest (answer->body, task->sha256) || !has_digest (answer->body, json_text (search->notes, "sha256")))
        judge_apply (&wrong_hash, answer, verdict);
    else
        verdict->kind = VERDICT_SENT;
}

static void follow (const struct channel *channel, const struct search *search, const struct call_answer *answer, struct verdict *verdict)
{
    g_autoptr (GUri) uri = parse (channel, search->uri, answer->location);
    if (search->redirects >= REDIRECTS_MOST) {
        judge_apply (&judge_file_too_many_redirects, answer, verdict);
    } else if (uri == NULL) {
        judge_apply (&judge_file_bad_redirect, answer, verdict);
    } else {
        g_autofree char *url = g_uri_to_string (uri);
        go_on (url, json_text (search->notes, "sha256"), search->redirects + 1, search->asked, verdict);
    }
}

/* The URL has died, so another one is asked for; after a few of these, later. */
static void ask_anew (const struct search *search, const struct call_answer *answer, struct verdict *verdict)
{
    if (search->asked < ASKED_MOST)
        go_on (NULL, NULL, 0, search->asked, verdict);
    else
        judge_apply (&judge_file_later, answer, verdict);
}

/* By the error's code, where one is said and known: 100 and 33 are Meta's words for an id that it does not know. */
static void judge_refusal (const struct channel *channel, const struct task *task, const struct call_answer *answer, const json_t *said,
                           struct verdict *verdict)
{
    int64_t code = whatsapp_error_code (said);
    struct verdict fault = {0};
    whatsapp_judge_fault (channel, task, false, answer, said, &fault);
    if (code == 100 || code == 33 || (code < 0 && (answer->status == 404 || answer->status == 410)))
        judge_apply (&judge_file_gone, answer, verdict);
    else if (judge_file_passes (answer->status) || (code >= 0 && fault.kind != VERDICT_REFUSED))
        judge_apply (&judge_file_later, answer, verdict);
    else
        judge_apply (&judge_file_refused, answer, verdict);
    verdict->provider_code = g_steal_pointer (&fault.provider_code);
    verdict->detail = g_steal_pointer (&fault.detail);
    verdict_clear (&fault);
}

static void judge_call (const struct channel *channel, const struct task *task, const struct search *search,
                        const struct call_answer *answer, struct verdict *verdict)
{
    json_auto_t *said = search->uri != NULL && answer->status / 100 == 2 ? NULL : judge_object (answer);
    if (search->uri == NULL && answer->status / 100 == 2 && json_object_get (said, "error") == NULL)
        judge_url (channel, search, said, answer, verdict);
    else if (answer->status / 100 == 2 && search->uri != NULL)
        judge_file (task, search, answer, verdict);
    else if (search->uri != NULL && answer->status / 100 == 3 && answer->location != NULL)
        follow (channel, search, answer, verdict);
    else if (search->uri != NULL && (answer->status == 404 || answer->status == 410))
        ask_anew (search, answer, verdict);
    else
        judge_refusal (channel, task, answer, said, verdict);
}

void whatsapp_fetch_judge (const struct channel *channel, const struct task *task, const char *notes, const struct call_answer *answer,
                           struct verdict *verdict)
{
    struct search search;
    search_open (channel, notes, &search);
    judge_call (channel, task, &search, answer, verdict);
    search_close (&search);
}
