/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/endpoint_private.h"

#include "flow/cursor.h"

#include <errno.h>
#include <string.h>

#define LIMIT_DEFAULT 50
#define LIMIT_MOST 200

#define TICKET "select body, version from api_ticket ($1, $2)"
#define MESSAGE "select body from api_message ($1, $2)"
#define CONTACT "select body, version from api_contact ($1, $2)"

const char *endpoint_parameter (const struct call *call, const char *name)
{
    return g_hash_table_lookup (call->query, name);
}

bool endpoint_number (const char *text, int64_t least, int64_t most, int64_t *value)
{
    char *end;
    errno = 0;
    int64_t number = g_ascii_strtoll (text, &end, 10);
    if (!g_ascii_isdigit (*text) || *end || errno || number < least || number > most) return false;
    *value = number;
    return true;
}

bool endpoint_limit (struct call *call, int64_t *limit)
{
    *limit = LIMIT_DEFAULT;
    return endpoint_limit_most (call, LIMIT_MOST, limit);
}

bool endpoint_limit_most (struct call *call, int64_t most, int64_t *limit)
{
    const char *text = endpoint_parameter (call, "limit");
    if (!text || endpoint_number (text, 1, most, limit)) return true;
    g_autofree char *detail = g_strdup_printf ("limit is a number from 1 to %" G_GINT64_FORMAT, most);
    call_problem (call, 422, detail, "limit");
    return false;
}

bool endpoint_cursor (struct call *call, const char *filter, char **after)
{
    const char *text = endpoint_parameter (call, "cursor");
    *after = NULL;
    if (!text || (*after = cursor_parse (text, call->key_hash, filter))) return true;
    call_problem (call, 422, "not a cursor of this list with these filters", "cursor");
    return false;
}

struct http_response *endpoint_json (unsigned status, GString *body)
{
    return http_response_new (status, "application/json", g_string_free_to_bytes (body));
}

void endpoint_page (struct call *call, db_result *r, const GError *error, const char *filter)
{
    if (!r) {
        call_database_problem (call, error);
        return;
    }
    GString *body = g_string_sized_new (db_length (r, 0, 0) + 160);
    g_string_append (body, "{\"data\":");
    g_string_append_len (body, db_text (r, 0, 0), (gssize) db_length (r, 0, 0));
    g_string_append (body, ",\"next\":");
    if (db_null (r, 0, 1)) {
        g_string_append (body, "null");
    } else {
        g_autofree char *cursor = cursor_format (db_text (r, 0, 1), call->key_hash, filter);
        g_string_append_printf (body, "\"%s\"", cursor);
    }
    g_string_append_printf (body, ",\"at\":%" G_GINT64_FORMAT "}", db_int64 (r, 0, 2));
    call_reply (call, endpoint_json (200, body));
}

void endpoint_object (struct call *call, db_result *r, const GError *error, bool versioned)
{
    if (!r) {
        call_database_problem (call, error);
        return;
    }
    g_autofree char *tag = versioned ? g_strdup_printf ("\"v%" G_GINT64_FORMAT "\"", db_int64 (r, 0, 1)) : NULL;
    const char *known = http_request_header (call->request, "If-None-Match");
    bool fresh = tag && known && g_str_equal (call->route->method, "GET") && (strstr (known, tag) || g_str_equal (known, "*"));
    struct http_response *response = fresh ? http_response_new (304, NULL, NULL)
                                           : endpoint_json (200, g_string_new_len (db_text (r, 0, 0), (gssize) db_length (r, 0, 0)));
    if (tag) http_response_add (response, "ETag", tag);
    call_reply (call, response);
}

static void get_by_id (struct call *call, const char *sql, bool versioned)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (params) p = params_new (2);
    params_int64 (p, call->account_id);
    params_uuid (p, &call->id);
    g_autoptr (db_result) r = db_call (call->db, sql, p, &error);
    endpoint_object (call, r, error, versioned);
}

/* Merge patches only where something is patched. */
static bool is_json (const struct call *call)
{
    static const char *const types[] = {"application/json", "application/merge-patch+json"};
    const char *type = http_request_header (call->request, "Content-Type");
    size_t n = g_str_equal (call->route->method, "PATCH") ? 2 : 1;
    for (size_t i = 0; type && i < n; i++)
        if (g_ascii_strncasecmp (type, types[i], strlen (types[i])) == 0 && strchr ("; ", type[strlen (types[i])])) return true;
    return false;
}

json_t *endpoint_body (struct call *call, const char *const *names)
{
    if (!is_json (call)) {
        call_problem (call, 415, "send application/json", NULL);
        return NULL;
    }
    gsize size;
    const char *data = g_bytes_get_data (call->request->body, &size);
    g_autoptr (GError) error = NULL;
    json_t *body = json_parse_text (data ? data : "", size, &error);
    g_autofree char *pointer = NULL;
    if (!body)
        call_problem (call, 400, error->message, NULL);
    else if (!names || json_only (body, names, &pointer))
        return body;
    else
        call_problem (call, 422, *pointer ? "not a member that can be given" : "an object is expected", pointer);
    json_decref (body);
    return NULL;
}

bool endpoint_if_match (struct call *call, const char *what, int64_t *version)
{
    const char *text = http_request_header (call->request, "If-Match");
    g_autofree char *detail = NULL;
    if (!text) {
        detail = g_strdup_printf ("If-Match is required: the ETag of the %s as you read it", what);
        call_problem (call, 428, detail, NULL);
        return false;
    }
    *version = -1;
    if (g_str_equal (text, "*")) return true;
    g_autofree char *inside =
        g_str_has_prefix (text, "\"v") && g_str_has_suffix (text, "\"") ? g_strndup (text + 2, strlen (text) - 3) : NULL;
    if (inside && endpoint_number (inside, 0, INT64_MAX, version)) return true;
    detail = g_strdup_printf ("If-Match is no ETag of a %s", what);
    call_problem (call, 412, detail, NULL);
    return false;
}

void endpoint_put_version (params *p, int64_t version)
{
    if (version < 0)
        params_null (p, "int8");
    else
        params_int64 (p, version);
}

const struct channel *endpoint_channel (const struct call *call, const char *slug)
{
    for (guint i = 0; i < call->config->accounts->len; i++) {
        const struct account *account = call->config->accounts->pdata[i];
        for (guint k = 0; account->account_id == call->account_id && k < account->channels->len; k++) {
            const struct channel *channel = account->channels->pdata[k];
            if (g_str_equal (channel->slug, slug)) return channel;
        }
    }
    return NULL;
}

void endpoint_handle (struct call *call)
{
    if (g_str_equal (call->route->method, "POST") && !endpoint_once (call)) return;
    switch (call->route->endpoint) {
    case GET_TICKETS: endpoint_tickets (call); break;
    case GET_TICKET: get_by_id (call, TICKET, true); break;
    case PATCH_TICKET: endpoint_patch_ticket (call); break;
    case GET_TICKET_MESSAGES: endpoint_ticket_messages (call); break;
    case POST_TICKET_MESSAGE: endpoint_reply (call); break;
    case GET_MESSAGES: endpoint_outgoing (call); break;
    case POST_MESSAGE: endpoint_send (call); break;
    case GET_MESSAGE: get_by_id (call, MESSAGE, false); break;
    case POST_CANCEL: endpoint_cancel (call); break;
    case POST_SETTLE: endpoint_settle (call); break;
    case GET_CONTACT: get_by_id (call, CONTACT, true); break;
    case PATCH_CONTACT: endpoint_patch_contact (call); break;
    case GET_OPT_OUTS: endpoint_opt_outs (call); break;
    case POST_OPT_OUT: endpoint_opt_out (call); break;
    case DELETE_OPT_OUT: endpoint_opt_in (call); break;
    case GET_CHANNELS: endpoint_channels (call); break;
    case GET_TEMPLATES: endpoint_templates (call); break;
    case POST_SIGNAL: endpoint_signal (call); break;
    case POST_ATTACHMENT: endpoint_upload (call); break;
    case GET_ATTACHMENT: endpoint_attachment (call); break;
    case GET_MEDIA: endpoint_media (call); break;
    case GET_QUARANTINE: endpoint_quarantine (call); break;
    case POST_REPROCESS: endpoint_reprocess (call); break;
    case GET_EVENTS: endpoint_events (call); break;
    case GET_OPENAPI: /* answered without a worker */ g_assert_not_reached ();
    }
}
