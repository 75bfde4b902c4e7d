/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/metrics.h"
#include "flow/call.h"
#include "flow/cursor.h"
#include "flow/hooks.h"
#include "store/files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT_DEFAULT 50
#define LIMIT_MOST 200
/* Of attachments that are served under their own; more are served as bytes. */
#define TYPES_MOST 256
#define TYPE_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$&^_.+-"

#define TICKETS "select data, next, at from api_tickets ($1, $2, $3, $4::int8::int4, $5)"
#define TICKET "select body, version from api_ticket ($1, $2)"
#define TICKET_PATCH "select body, version from api_ticket_patch ($1, $2, $3, $4, $5, $6)"
#define MESSAGES "select data, next, at from api_messages ($1, $2, $3, $4::int8::int4, $5::text::int8)"
#define MESSAGE "select body from api_message ($1, $2)"
#define CONTACT "select body, version from api_contact ($1, $2)"
#define CHANNELS "select data, next, at from api_channels ($1)"
#define ATTACHMENT "select status, mime, name, sha256, size from api_attachment ($1, $2)"
#define QUARANTINE "select data, next, at from api_quarantine ($1, $2, $3::int8::int4, $4)"
#define QUARANTINE_ENTRY "select channel, raw, file, at, reprocessed_at from api_quarantine_entry ($1, $2)"
#define QUARANTINE_DONE "select body from api_quarantine_done ($1, $2, $3)"
#define EVENTS "select number, type, body from api_events ($1, $2, $3::int8::int4)"
#define EVENT_AT "select event_at ($1)"

static const char *parameter (const struct call *call, const char *name)
{
    return g_hash_table_lookup (call->query, name);
}

/* A whole decimal number within [least, most]. */
static bool parse_number (const char *text, int64_t least, int64_t most, int64_t *value)
{
    char *end;
    errno = 0;
    int64_t number = g_ascii_strtoll (text, &end, 10);
    if (!g_ascii_isdigit (*text) || *end || errno || number < least || number > most) return false;
    *value = number;
    return true;
}

/* False: answered. */
static bool read_limit (struct call *call, int64_t *limit)
{
    *limit = LIMIT_DEFAULT;
    const char *text = parameter (call, "limit");
    if (!text || parse_number (text, 1, LIMIT_MOST, limit)) return true;
    call_problem (call, 422, "limit is a number from 1 to 200", "limit");
    return false;
}

/* *after: the key inside the cursor, to be freed; NULL: from the start. False: answered. */
static bool read_cursor (struct call *call, const char *filter, char **after)
{
    const char *text = parameter (call, "cursor");
    *after = NULL;
    if (!text || (*after = cursor_open (text, call->key_hash, filter))) return true;
    call_problem (call, 422, "not a cursor of this list with these filters", "cursor");
    return false;
}

static struct http_response *json_response (unsigned status, GString *body)
{
    return http_response_new (status, "application/json", g_string_free_to_bytes (body));
}

/* A page: data, next, at. */
static void reply_page (struct call *call, db_result *r, const GError *error, const char *filter)
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
        g_autofree char *cursor = cursor_seal (db_text (r, 0, 1), call->key_hash, filter);
        g_string_append_printf (body, "\"%s\"", cursor);
    }
    g_string_append_printf (body, ",\"at\":%" G_GINT64_FORMAT "}", db_int64 (r, 0, 2));
    call_reply (call, json_response (200, body));
}

/* One object; with a version it has an ETag, and an If-None-Match that names it is answered 304. */
static void reply_object (struct call *call, db_result *r, const GError *error, bool versioned)
{
    if (!r) {
        call_database_problem (call, error);
        return;
    }
    g_autofree char *tag = versioned ? g_strdup_printf ("\"v%" G_GINT64_FORMAT "\"", db_int64 (r, 0, 1)) : NULL;
    const char *known = http_request_header (call->request, "If-None-Match");
    bool fresh = tag && known && g_str_equal (call->route->method, "GET") && (strstr (known, tag) || g_str_equal (known, "*"));
    struct http_response *response = fresh ? http_response_new (304, NULL, NULL)
                                           : json_response (200, g_string_new_len (db_text (r, 0, 0), (gssize) db_length (r, 0, 0)));
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
    reply_object (call, r, error, versioned);
}

static void get_tickets (struct call *call)
{
    int64_t limit;
    const char *status = parameter (call, "status"), *channel = parameter (call, "channel");
    g_autofree char *filter = g_strdup_printf ("tickets %s %s", status ? status : "", channel ? channel : ""), *after = NULL;
    if (!read_limit (call, &limit) || !read_cursor (call, filter, &after)) return;
    g_autoptr (GError) error = NULL;
    g_autoptr (params) p = params_new (5);
    params_int64 (p, call->account_id);
    params_text (p, status);
    params_text (p, channel);
    params_int64 (p, limit);
    params_text (p, after);
    g_autoptr (db_result) r = db_call (call->db, TICKETS, p, &error);
    reply_page (call, r, error, filter);
}

static void get_ticket_messages (struct call *call)
{
    int64_t limit;
    const char *order = parameter (call, "order");
    char ticket[ID_TEXT_SIZE];
    id_format (&call->id, ticket);
    g_autofree char *filter = g_strdup_printf ("messages %s %s", ticket, order ? order : "asc"), *after = NULL;
    if (order && !g_str_equal (order, "asc") && !g_str_equal (order, "desc")) {
        call_problem (call, 422, "order is asc or desc", "order");
        return;
    }
    if (!read_limit (call, &limit) || !read_cursor (call, filter, &after)) return;
    g_autoptr (GError) error = NULL;
    g_autoptr (params) p = params_new (5);
    params_int64 (p, call->account_id);
    params_uuid (p, &call->id);
    params_bool (p, order && g_str_equal (order, "desc"));
    params_int64 (p, limit);
    params_text (p, after);
    g_autoptr (db_result) r = db_call (call->db, MESSAGES, p, &error);
    reply_page (call, r, error, filter);
}

static void get_channels (struct call *call)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (params) p = params_new (1);
    params_int64 (p, call->account_id);
    g_autoptr (db_result) r = db_call (call->db, CHANNELS, p, &error);
    reply_page (call, r, error, "channels");
}

static void get_quarantine (struct call *call)
{
    int64_t limit;
    const char *status = parameter (call, "status");
    g_autofree char *filter = g_strdup_printf ("quarantine %s", status ? status : ""), *after = NULL;
    if (!read_limit (call, &limit) || !read_cursor (call, filter, &after)) return;
    g_autoptr (GError) error = NULL;
    g_autoptr (params) p = params_new (4);
    params_int64 (p, call->account_id);
    params_text (p, status);
    params_int64 (p, limit);
    params_text (p, after);
    g_autoptr (db_result) r = db_call (call->db, QUARANTINE, p, &error);
    reply_page (call, r, error, filter);
}

/* The version that If-Match names. False: answered. */
static bool read_if_match (struct call *call, int64_t *version)
{
    const char *text = http_request_header (call->request, "If-Match");
    if (!text) {
        call_problem (call, 428, "If-Match is required: the ETag of the ticket as you read it", NULL);
        return false;
    }
    g_autofree char *inside =
        g_str_has_prefix (text, "\"v") && g_str_has_suffix (text, "\"") ? g_strndup (text + 2, strlen (text) - 3) : NULL;
    if (inside && parse_number (inside, 0, INT64_MAX, version)) return true;
    call_problem (call, 412, "If-Match is no ETag of a ticket", NULL);
    return false;
}

static bool is_json (const char *type)
{
    static const char *const types[] = {"application/json", "application/merge-patch+json"};
    for (size_t i = 0; type && i < G_N_ELEMENTS (types); i++)
        if (g_ascii_strncasecmp (type, types[i], strlen (types[i])) == 0 && strchr ("; ", type[strlen (types[i])])) return true;
    return false;
}

/* The body as a JSON object with no members but names. NULL: answered. */
static json_t *read_body (struct call *call, const char *const *names)
{
    if (!is_json (http_request_header (call->request, "Content-Type"))) {
        call_problem (call, 415, "send application/json or application/merge-patch+json", NULL);
        return NULL;
    }
    gsize size;
    const char *data = g_bytes_get_data (call->request->body, &size);
    g_autoptr (GError) error = NULL;
    json_t *body = json_parse_text (data ? data : "", size, &error);
    g_autofree char *pointer = NULL;
    if (!body)
        call_problem (call, 400, error->message, NULL);
    else if (json_only (body, names, &pointer))
        return body;
    else
        call_problem (call, 422, *pointer ? "not a member that can be given" : "an object is expected", pointer);
    json_decref (body);
    return NULL;
}

static void patch_ticket (struct call *call)
{
    int64_t version;
    json_auto_t *body = read_body (call, (const char *const[]){"status", "subject", NULL});
    if (!body) return;
    g_autofree char *pointer = NULL;
    json_t *status = NULL, *subject = NULL;
    if (!json_member (body, "status", JSON_STRING, false, &status, &pointer) ||
        !json_member (body, "subject", JSON_STRING, false, &subject, &pointer)) {
        call_problem (call, 422, "a string is expected", pointer);
        return;
    }
    if (subject && json_string_length (subject) > 1000) {
        call_problem (call, 422, "a subject has at most 1000 bytes", "/subject");
        return;
    }
    if (!read_if_match (call, &version)) return;
    g_autoptr (GError) error = NULL;
    g_autoptr (params) p = params_new (6);
    params_int64 (p, call->account_id);
    params_uuid (p, &call->id);
    params_int64 (p, version);
    params_text (p, json_string_value (status));
    params_text (p, json_string_value (subject));
    params_time (p, clock_now ());
    g_autoptr (db_result) r = db_call (call->db, TICKET_PATCH, p, &error);
    struct feed *feed = call->feed;
    reply_object (call, r, error, true);
    if (r) feed_wake (feed);
}

/* A name that a browser may save as: no folders, no control bytes, no quotes. */
static char *safe_name (const char *name)
{
    char *safe = g_strdup (name && *name ? name : "attachment");
    for (char *c = safe; *c; c++)
        if (g_ascii_iscntrl (*c) || strchr ("\"\\/;", *c) || *c & 0x80) *c = '_';
    return safe;
}

/* What the provider called it, if that is a media type (RFC 6838 §4.2) and not one too many: responses keep static texts only. */
static const char *safe_type (const char *type)
{
    static GMutex lock;
    static unsigned n_types;
    static GHashTable *types;
    static const char other[] = "application/octet-stream";
    const char *slash = type ? strchr (type, '/') : NULL;
    if (!slash || strlen (type) > 127 || strspn (type, TYPE_CHARACTERS "/") != strlen (type) || slash == type || !slash[1] ||
        strchr (slash + 1, '/'))
        return other;
    g_mutex_lock (&lock);
    if (!types) types = g_hash_table_new (g_str_hash, g_str_equal);
    const char *known = g_hash_table_lookup (types, type);
    if (!known && n_types < TYPES_MOST) {
        known = g_intern_string (type);
        g_hash_table_add (types, (gpointer) (uintptr_t) known);
        n_types++;
    }
    g_mutex_unlock (&lock);
    return known ? known : other;
}

static void get_attachment (struct call *call)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (params) p = params_new (2);
    params_int64 (p, call->account_id);
    params_uuid (p, &call->id);
    g_autoptr (db_result) r = db_call (call->db, ATTACHMENT, p, &error);
    if (!r) {
        call_database_problem (call, error);
        return;
    }
    if (!g_str_equal (db_text (r, 0, 0), "stored")) {
        call_problem (call, 404, "the attachment has not been fetched", NULL);
        return;
    }
    GBytes *bytes = files_get (values_text (call->config->storage, STORAGE_DIRECTORY), db_text (r, 0, 3), &error);
    if (!bytes) {
        log_error ("attachment.missing", "could not read a stored attachment: %s", error->message);
        call_problem (call, 500, NULL, NULL);
        return;
    }
    g_autofree char *name = safe_name (db_null (r, 0, 2) ? NULL : db_text (r, 0, 2));
    g_autofree char *disposition = g_strdup_printf ("attachment; filename=\"%s\"", name);
    struct http_response *response = http_response_new (200, safe_type (db_null (r, 0, 1) ? NULL : db_text (r, 0, 1)), bytes);
    http_response_add (response, "Content-Disposition", disposition);
    http_response_add (response, "Content-Security-Policy", "default-src 'none'; sandbox");
    call_reply (call, response);
}

/* The request is stored: its entry is noted as understood. Worker thread, again. */
static void finish_reprocess (struct call *call)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (params) p = params_new (3);
    params_int64 (p, call->account_id);
    params_uuid (p, &call->id);
    params_time (p, clock_now ());
    g_autoptr (db_result) r = db_call (call->db, QUARANTINE_DONE, p, &error);
    reply_object (call, r, error, false);
}

/* On the intake's thread, which has no time for more. */
static void reprocessed (struct intake_job *job, enum intake_outcome outcome)
{
    struct call *call = job->data;
    intake_job_free (job);
    switch (outcome) {
    case INTAKE_STORED: call_resume (call, finish_reprocess); break;
    case INTAKE_QUARANTINED: call_problem (call, 409, "it could not be stored", NULL); break;
    case INTAKE_BUSY: call_problem (call, 503, "the database is busy", NULL); break;
    }
}

static GBytes *entry_bytes (struct call *call, db_result *r, GError **error)
{
    if (!db_null (r, 0, 2)) return files_get (values_text (call->config->storage, STORAGE_DIRECTORY), db_text (r, 0, 2), error);
    return g_bytes_new (db_text (r, 0, 1), db_length (r, 0, 1));
}

static const struct channel *channel_of (const struct call *call, const char *slug)
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

static void post_reprocess (struct call *call)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (params) p = params_new (2);
    params_int64 (p, call->account_id);
    params_uuid (p, &call->id);
    g_autoptr (db_result) r = db_call (call->db, QUARANTINE_ENTRY, p, &error);
    if (!r) {
        call_database_problem (call, error);
        return;
    }
    const struct channel *channel = channel_of (call, db_text (r, 0, 0));
    g_autoptr (GBytes) raw = entry_bytes (call, r, &error);
    if (!db_null (r, 0, 4))
        call_problem (call, 409, "it was reprocessed already", NULL);
    else if (!channel)
        call_problem (call, 409, "its channel is not in this gateway's configuration", NULL);
    else if (!raw)
        call_problem (call, 500, NULL, NULL);
    else {
        g_autofree char *reason = hooks_reprocess (call->intake, channel, raw, &call->id, db_time (r, 0, 3), reprocessed, call);
        if (reason) call_problem (call, 409, reason, NULL);
    }
}

/* Where a stream begins: Last-Event-ID is the resuming client's own, so it wins. False: answered. */
static bool read_after (struct call *call, int64_t *after)
{
    const char *id = http_request_header (call->request, "Last-Event-ID"), *query = parameter (call, "after");
    const char *text = id ? id : query;
    if (!text || parse_number (text, 0, INT64_MAX, after)) return true;
    call_problem (call, 422, "the number of an event is expected", id ? "Last-Event-ID" : "after");
    return false;
}

static void stream_events (struct call *call)
{
    int64_t after = FEED_FROM_NOW;
    if (!read_after (call, &after)) return;
    if (!feed_add (call->feed, call->exchange, call->account_id, call->key_hash, after)) {
        call_problem (call, 503, "too many event streams", NULL);
        return;
    }
    metrics_http (call->route->template, call->route->method, 200);
    call_free (call);
}

static int64_t event_at (struct call *call, GError **error)
{
    g_autoptr (params) p = params_new (1);
    params_int64 (p, call->account_id);
    g_autoptr (db_result) r = db_call (call->db, EVENT_AT, p, error);
    return r ? db_int64 (r, 0, 0) : -1;
}

/* A number that was never given out, or one whose followers are no longer kept: a reader must not miss them without knowing. */
static const char *find_hole (db_result *r, int64_t after, int64_t at)
{
    int64_t first = db_rows (r) ? db_int64 (r, 0, 0) : at + 1;
    if (after > at) return "there is no such event yet";
    return after > 0 && first > after + 1 ? "the events after this one are no longer kept" : NULL;
}

static void reply_events (struct call *call, db_result *r, int64_t limit, int64_t at)
{
    int64_t last = db_rows (r) ? db_int64 (r, db_rows (r) - 1, 0) : 0;
    GString *body = g_string_new ("{\"data\":[");
    for (int i = 0; i < db_rows (r); i++) {
        if (i) g_string_append_c (body, ',');
        g_string_append_len (body, db_text (r, i, 2), (gssize) db_length (r, i, 2));
    }
    if (db_rows (r) == limit && last < at)
        g_string_append_printf (body, "],\"next\":%" G_GINT64_FORMAT, last);
    else
        g_string_append (body, "],\"next\":null");
    /* what was committed between both statements is in the page too */
    g_string_append_printf (body, ",\"at\":%" G_GINT64_FORMAT "}", MAX (at, last));
    call_reply (call, json_response (200, body));
}

static void list_events (struct call *call)
{
    int64_t after = 0, limit;
    if (!read_after (call, &after) || !read_limit (call, &limit)) return;
    g_autoptr (GError) error = NULL;
    int64_t at = event_at (call, &error);
    g_autoptr (params) p = params_new (3);
    params_int64 (p, call->account_id);
    params_int64 (p, after);
    params_int64 (p, limit);
    g_autoptr (db_result) r = at < 0 ? NULL : db_call (call->db, EVENTS, p, &error);
    const char *hole = r ? find_hole (r, after, at) : NULL;
    if (!r)
        call_database_problem (call, error);
    else if (hole)
        call_problem (call, 422, hole, "after");
    else
        reply_events (call, r, limit, at);
}

static void get_events (struct call *call)
{
    const char *accept = http_request_header (call->request, "Accept");
    if (accept && strstr (accept, "text/event-stream"))
        stream_events (call);
    else
        list_events (call);
}

void endpoint_handle (struct call *call)
{
    switch (call->route->endpoint) {
    case GET_TICKETS: get_tickets (call); break;
    case GET_TICKET: get_by_id (call, TICKET, true); break;
    case PATCH_TICKET: patch_ticket (call); break;
    case GET_TICKET_MESSAGES: get_ticket_messages (call); break;
    case GET_MESSAGE: get_by_id (call, MESSAGE, false); break;
    case GET_CONTACT: get_by_id (call, CONTACT, true); break;
    case GET_CHANNELS: get_channels (call); break;
    case GET_ATTACHMENT: get_attachment (call); break;
    case GET_QUARANTINE: get_quarantine (call); break;
    case POST_REPROCESS: post_reprocess (call); break;
    case GET_EVENTS: get_events (call); break;
    case GET_OPENAPI: /* answered without a worker */ g_assert_not_reached ();
    }
}
