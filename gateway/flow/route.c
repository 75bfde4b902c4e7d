/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/route.h"

#include <string.h>

#define PARAMETERS(...) \
    (const char *const[]) \
    { \
        __VA_ARGS__, NULL \
    }
#define NO_PARAMETERS \
    (const char *const[]) \
    { \
        NULL \
    }

static const struct route routes[] = {
    {GET_TICKETS, "GET", "/v1/tickets", "tickets:read", PARAMETERS ("status", "channel", "limit", "cursor")},
    {GET_TICKET, "GET", "/v1/tickets/{id}", "tickets:read", NO_PARAMETERS},
    {PATCH_TICKET, "PATCH", "/v1/tickets/{id}", "tickets:write", NO_PARAMETERS},
    {GET_TICKET_MESSAGES, "GET", "/v1/tickets/{id}/messages", "tickets:read", PARAMETERS ("order", "limit", "cursor")},
    {POST_TICKET_MESSAGE, "POST", "/v1/tickets/{id}/messages", "messages:send", PARAMETERS ("dry_run")},
    {POST_SIGNAL, "POST", "/v1/tickets/{id}/signals", "messages:send", NO_PARAMETERS},
    {GET_MESSAGES, "GET", "/v1/messages", "tickets:read", PARAMETERS ("reference", "status", "since", "limit", "cursor")},
    {POST_MESSAGE, "POST", "/v1/messages", "messages:send", PARAMETERS ("dry_run")},
    {GET_MESSAGE, "GET", "/v1/messages/{id}", "tickets:read", NO_PARAMETERS},
    {POST_CANCEL, "POST", "/v1/messages/{id}/cancel", "messages:send", NO_PARAMETERS},
    {POST_SETTLE, "POST", "/v1/messages/{id}/settle", "messages:send", NO_PARAMETERS},
    {GET_CONTACT, "GET", "/v1/contacts/{id}", "tickets:read", NO_PARAMETERS},
    {PATCH_CONTACT, "PATCH", "/v1/contacts/{id}", "tickets:write", NO_PARAMETERS},
    {GET_OPT_OUTS, "GET", "/v1/opt-outs", "tickets:read", PARAMETERS ("limit", "cursor")},
    {POST_OPT_OUT, "POST", "/v1/opt-outs", "tickets:write", NO_PARAMETERS},
    {DELETE_OPT_OUT, "DELETE", "/v1/opt-outs/{id}", "tickets:write", NO_PARAMETERS},
    {GET_CHANNELS, "GET", "/v1/channels", "tickets:read", NO_PARAMETERS},
    {GET_TEMPLATES, "GET", "/v1/channels/{slug}/templates", "tickets:read", NO_PARAMETERS},
    {POST_ATTACHMENT, "POST", "/v1/attachments", "messages:send", PARAMETERS ("name")},
    {GET_ATTACHMENT, "GET", "/v1/attachments/{id}", "tickets:read", NO_PARAMETERS},
    {GET_MEDIA, "GET", "/media/{token}", NULL, NO_PARAMETERS},
    {GET_QUARANTINE, "GET", "/v1/quarantine", "quarantine:manage", PARAMETERS ("status", "limit", "cursor")},
    {POST_REPROCESS, "POST", "/v1/quarantine/{id}/reprocess", "quarantine:manage", NO_PARAMETERS},
    {GET_EVENTS, "GET", "/v1/events", "tickets:read", PARAMETERS ("after", "limit")},
    {GET_OPENAPI, "GET", "/openapi.json", NULL, NO_PARAMETERS},
};

static bool matches_id (const char *text, const char *tail, struct id *id)
{
    char one[ID_TEXT_SIZE];
    if (strlen (text) < ID_TEXT_SIZE - 1) return false;
    g_strlcpy (one, text, sizeof one);
    return g_str_equal (text + ID_TEXT_SIZE - 1, tail) && id_parse (one, id);
}

/* As long as a channel's name goes on there. */
static size_t slug_length (const char *text)
{
    return strspn (text, "abcdefghijklmnopqrstuvwxyz0123456789-");
}

static bool matches_slug (const char *text, const char *tail)
{
    size_t length = slug_length (text);
    return length && g_str_equal (text + length, tail);
}

static bool matches (const char *template, const char *path, struct id *id)
{
    const char *brace = strchr (template, '{');
    if (!brace) return g_str_equal (template, path);
    size_t head = (size_t) (brace - template);
    if (strncmp (template, path, head) != 0) return false;
    if (g_str_equal (brace, "{token}")) return true;
    const char *text = path + head, *tail = strchr (brace, '}') + 1;
    return g_str_has_prefix (brace, "{slug}") ? matches_slug (text, tail) : matches_id (text, tail, id);
}

char *route_slug (const struct route *route, const char *path)
{
    const char *text = path + strcspn (route->template, "{");
    return g_strndup (text, slug_length (text));
}

enum route_result route_find (const char *method, const char *path, const struct route **route, struct id *id, char **allow)
{
    g_autoptr (GString) methods = g_string_new (NULL);
    if (g_str_equal (method, "HEAD")) method = "GET";
    for (size_t i = 0; i < G_N_ELEMENTS (routes); i++) {
        if (!matches (routes[i].template, path, id)) continue;
        if (g_str_equal (routes[i].method, method)) {
            *route = &routes[i];
            return ROUTE_FOUND;
        }
        g_string_append_printf (methods, "%s%s", methods->len ? ", " : "", routes[i].method);
        if (g_str_equal (routes[i].method, "GET")) g_string_append (methods, ", HEAD");
    }
    if (!methods->len) return ROUTE_UNKNOWN;
    *allow = g_strdup (methods->str);
    return ROUTE_OTHER_METHOD;
}

GHashTable *route_query (const struct route *route, const char *query, char **wrong)
{
    g_autoptr (GHashTable) values = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
    g_auto (GStrv) pairs = g_strsplit (query, "&", 64);
    for (char **pair = pairs; *pair; pair++) {
        if (!**pair) continue;
        char *equals = strchr (*pair, '=');
        if (equals) *equals = '\0';
        char *value = g_uri_unescape_string (equals ? equals + 1 : "", NULL);
        if (!value || !g_utf8_validate (value, -1, NULL) || !g_strv_contains (route->parameters, *pair) ||
            g_hash_table_contains (values, *pair)) {
            g_free (value);
            *wrong = g_utf8_make_valid (*pair, 64 < strlen (*pair) ? 64 : -1);
            return NULL;
        }
        g_hash_table_insert (values, g_strdup (*pair), value);
    }
    return g_steal_pointer (&values);
}
