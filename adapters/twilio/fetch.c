/* SPDX-License-Identifier: Apache-2.0
 *
 * Files of incoming messages: a URL of Twilio's API, which redirects to where the file lies. Redirects are followed one round each, and
 * credentials go to Twilio's own hosts only, or to those of api_url. Notes: twilio_notes, the redirects so far and the next URL.
 *
 * A message that was missed (backfill.c) knows how many files it has, not their URLs: then the URL is that of the list of them with the
 * file's place in it as its fragment, and the first round reads the list.
 */
#include "model/origin.h"
#include "twilio.h"

#include <string.h>

enum { REDIRECTS_MOST = 5, FILE_MOST = 16 * 1024 * 1024 };

/* ---- where may be called ---- */

static GUri *api_of (const struct channel *channel)
{
    g_autofree char *url = twilio_url (channel, TWILIO_API, "");
    return g_uri_parse (url, ORIGIN_FLAGS, NULL);
}

static bool is_https (GUri *uri)
{
    return g_str_equal (g_uri_get_scheme (uri), "https");
}

/* Plain HTTP only where the API itself is called so (a test). */
static bool may_be_called (GUri *uri, GUri *api)
{
    bool is_http = g_str_equal (g_uri_get_scheme (uri), "http");
    return (is_https (uri) || (is_http && api != NULL && !is_https (api))) && origin_is_plain (uri);
}

/* An address that may be called; NULL: none. Relative ones are resolved where base is given. */
static GUri *parse (const struct channel *channel, GUri *base, const char *url)
{
    if (url == NULL || strlen (url) > URL_MOST) return NULL;
    g_autoptr (GUri) api = api_of (channel);
    GUri *uri = g_uri_parse_relative (base, url, ORIGIN_FLAGS, NULL);
    if (uri == NULL || may_be_called (uri, api)) return uri;
    g_uri_unref (uri);
    return NULL;
}

/* Who may see our credentials. */
static bool is_trusted (const struct channel *channel, GUri *uri)
{
    g_autoptr (GUri) api = api_of (channel);
    return origin_is_below (uri, ".twilio.com") || (api != NULL && origin_is_same (uri, api));
}

/* ---- compose ---- */

/* What this round calls, and after how many others. NULL: nothing that may be called. */
static GUri *target_of (const struct channel *channel, const struct task *task, const char *notes, unsigned *n)
{
    *n = 0;
    return parse (channel, NULL, notes == NULL ? task->url : twilio_notes_read (notes, n));
}

bool twilio_fetch_compose (const struct channel *channel, const struct task *task, const char *notes, struct call_request *call)
{
    unsigned n;
    g_autoptr (GUri) uri = target_of (channel, task, notes, &n);
    if (uri == NULL) return false;
    twilio_get (call, g_uri_to_string_partial (uri, G_URI_HIDE_FRAGMENT), FILE_MOST);
    if (is_trusted (channel, uri)) twilio_sign_in (channel, call);
    return true;
}

/* ---- judge ---- */

static void follow (const struct channel *channel, GUri *from, const char *to, unsigned n, const struct call_answer *answer,
                    struct verdict *verdict)
{
    g_autoptr (GUri) uri = parse (channel, from, to);
    if (n >= REDIRECTS_MOST) {
        judge_apply (&judge_file_too_many_redirects, answer, verdict);
    } else if (uri == NULL) {
        judge_apply (&judge_file_bad_redirect, answer, verdict);
    } else {
        g_autofree char *url = g_uri_to_string (uri);
        verdict->kind = VERDICT_NEXT;
        verdict->notes = twilio_notes (n + 1, url);
    }
}

/* The place in a list of files that this URL asks for; -1: it is no list. */
static int place_in_list (const struct channel *channel, GUri *uri)
{
    const char *place = g_uri_get_fragment (uri);
    if (place == NULL || !g_ascii_isdigit (place[0]) || place[1] != '\0') return -1;
    return is_trusted (channel, uri) && g_str_has_suffix (g_uri_get_path (uri), "/Media.json") ? place[0] - '0' : -1;
}

/* {"media_list": [{"uri": "/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME1.json", …}, …]}: without .json it is the file itself. */
static void judge_list (const struct channel *channel, GUri *from, const struct call_answer *answer, int place, unsigned n,
                        struct verdict *verdict)
{
    json_auto_t *said = judge_object (answer);
    json_t *list = json_object_get (said, "media_list");
    const char *path = json_text (json_array_get (list, (size_t) place), "uri");
    if (!json_is_array (list)) {
        judge_apply (&judge_file_later, answer, verdict);
    } else if (path == NULL || path[0] != '/' || !g_str_has_suffix (path, ".json")) {
        judge_apply (&judge_file_gone, answer, verdict);
    } else {
        g_autofree char *file = g_strndup (path, strlen (path) - strlen (".json")), *url = twilio_url (channel, TWILIO_API, file);
        follow (channel, from, url, n, answer, verdict);
    }
}

static void judge_file (const struct call_answer *answer, struct verdict *verdict)
{
    if (answer->cut)
        judge_apply (&judge_file_too_large, answer, verdict);
    else
        verdict->kind = VERDICT_SENT;
}

void twilio_fetch_judge (const struct channel *channel, const struct task *task, const char *notes, const struct call_answer *answer,
                         struct verdict *verdict)
{
    unsigned n;
    g_autoptr (GUri) uri = target_of (channel, task, notes, &n);
    int place = uri == NULL ? -1 : place_in_list (channel, uri);
    if (answer->status / 100 == 2 && place >= 0)
        judge_list (channel, uri, answer, place, n, verdict);
    else if (answer->status / 100 == 2)
        judge_file (answer, verdict);
    else if (answer->status / 100 == 3 && answer->location != NULL)
        follow (channel, uri, answer->location, n, answer, verdict);
    else if (answer->status == 404 || answer->status == 410)
        judge_apply (&judge_file_gone, answer, verdict);
    else if (judge_file_passes (answer->status))
        judge_apply (&judge_file_later, answer, verdict);
    else
        judge_apply (&judge_file_refused, answer, verdict);
}
