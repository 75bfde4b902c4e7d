/* SPDX-License-Identifier: Apache-2.0
 *
 * Files of incoming messages: a URL of Twilio's API, which redirects to where the file lies. Redirects are followed one round each, and
 * credentials go to Twilio's own hosts only, or to those of api_url. Notes: twilio_notes, the redirects so far and the next URL.
 *
 * A message that was missed (backfill.c) knows how many files it has, not their URLs: then the URL is that of the list of them with the
 * file's place in it as its fragment, and the first round reads the list.
 */
#include "twilio.h"

#include <string.h>

enum { REDIRECTS_MOST = 5, FILE_MOST = 16 * 1024 * 1024 };

static const GUriFlags uri_flags = G_URI_FLAGS_ENCODED | G_URI_FLAGS_SCHEME_NORMALIZE;

/* ---- where may be called ---- */

/* Nothing that two readers of URLs may understand differently. */
static bool is_plain_host (const char *host)
{
    if (host == NULL || host[0] == '\0') return false;
    for (const char *c = host; *c != '\0'; c++)
        if (!g_ascii_isalnum (*c) && strchr (".-:", *c) == NULL) return false;
    return true;
}

static GUri *api_of (const struct channel *channel)
{
    g_autofree char *url = twilio_url (channel, TWILIO_API, "");
    return g_uri_parse (url, uri_flags, NULL);
}

static bool is_https (GUri *uri)
{
    return g_str_equal (g_uri_get_scheme (uri), "https");
}

/* Plain HTTP only where the API itself is called so (a test). */
static bool may_be_called (GUri *uri, GUri *api)
{
    bool is_http = g_str_equal (g_uri_get_scheme (uri), "http");
    return (is_https (uri) || (is_http && api != NULL && !is_https (api))) && g_uri_get_userinfo (uri) == NULL &&
           is_plain_host (g_uri_get_host (uri));
}

/* An address that may be called; NULL: none. Relative ones are resolved where base is given. */
static GUri *parse (const struct channel *channel, GUri *base, const char *url)
{
    if (url == NULL || strlen (url) > URL_MOST) return NULL;
    g_autoptr (GUri) api = api_of (channel);
    GUri *uri = g_uri_parse_relative (base, url, uri_flags, NULL);
    if (uri == NULL || may_be_called (uri, api)) return uri;
    g_uri_unref (uri);
    return NULL;
}

static bool is_twilio (GUri *uri)
{
    g_autofree char *host = g_ascii_strdown (g_uri_get_host (uri), -1);
    return is_https (uri) && g_uri_get_port (uri) == 443 && g_str_has_suffix (host, ".twilio.com");
}

static bool is_same_origin (GUri *a, GUri *b)
{
    return g_str_equal (g_uri_get_scheme (a), g_uri_get_scheme (b)) && g_uri_get_port (a) == g_uri_get_port (b) &&
           g_ascii_strcasecmp (g_uri_get_host (a), g_uri_get_host (b)) == 0;
}

/* Who may see our credentials. */
static bool is_trusted (const struct channel *channel, GUri *uri)
{
    g_autoptr (GUri) api = api_of (channel);
    return is_twilio (uri) || (api != NULL && is_same_origin (uri, api));
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

static void refuse (struct verdict *verdict, const char *code, const char *title)
{
    verdict->kind = VERDICT_REFUSED;
    verdict->code = code;
    verdict->title = title;
}

static void retry (struct verdict *verdict, const struct call_answer *answer)
{
    verdict->kind = VERDICT_RETRY;
    verdict->after = answer->retry_after;
    verdict->code = "unavailable";
    verdict->title = "the provider does not hand the file out just now";
}

static void follow (const struct channel *channel, GUri *from, const char *to, unsigned n, struct verdict *verdict)
{
    g_autoptr (GUri) uri = parse (channel, from, to);
    if (n >= REDIRECTS_MOST) {
        refuse (verdict, "too_many_redirects", "the provider redirects too often");
    } else if (uri == NULL) {
        refuse (verdict, "bad_redirect", "the provider redirects to an address that must not be called");
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
    json_auto_t *said = twilio_object (answer);
    json_t *list = json_object_get (said, "media_list");
    const char *path = twilio_member (json_array_get (list, (size_t) place), "uri");
    if (!json_is_array (list)) {
        retry (verdict, answer);
    } else if (path == NULL || path[0] != '/' || !g_str_has_suffix (path, ".json")) {
        refuse (verdict, "gone", "the provider no longer has the file");
    } else {
        g_autofree char *file = g_strndup (path, strlen (path) - strlen (".json")), *url = twilio_url (channel, TWILIO_API, file);
        follow (channel, from, url, n, verdict);
    }
}

static void judge_file (const struct call_answer *answer, struct verdict *verdict)
{
    if (answer->cut)
        refuse (verdict, "too_large", "the file is larger than is fetched");
    else
        verdict->kind = VERDICT_SENT;
}

/* 401 and 403 are tried again: the file's host may say so of a link that has expired, and whether the credentials are good is TASK_PROBE's
 * affair. */
static bool is_passing (unsigned status)
{
    static const unsigned passing[] = {401, 403, 408, 425, 429};
    for (size_t i = 0; i < G_N_ELEMENTS (passing); i++)
        if (passing[i] == status) return true;
    return status < 200 || status >= 500;
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
        follow (channel, uri, answer->location, n, verdict);
    else if (answer->status == 404 || answer->status == 410)
        refuse (verdict, "gone", "the provider no longer has the file");
    else if (is_passing (answer->status))
        retry (verdict, answer);
    else
        refuse (verdict, "refused", "the provider refuses to hand the file out");
}
