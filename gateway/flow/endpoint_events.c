/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/endpoint_private.h"

#include "base/metrics.h"

#include <string.h>

#define EVENTS "select number, type, body from api_events ($1, $2, $3::int8::int4)"
#define EVENT_AT "select event_at ($1)"

/* Where a stream begins: Last-Event-ID is the resuming client's own, so it wins. False: answered. */
static bool read_after (struct call *call, int64_t *after)
{
    const char *id = http_request_header (call->request, "Last-Event-ID"), *query = endpoint_parameter (call, "after");
    const char *text = id ? id : query;
    if (!text || endpoint_number (text, 0, INT64_MAX, after)) return true;
    call_problem (call, 422, "the number of an event is expected", id ? "Last-Event-ID" : "after");
    return false;
}

static int64_t event_at (struct call *call, GError **error)
{
    g_autoptr (params) p = params_new (1);
    params_int64 (p, call->account_id);
    g_autoptr (db_result) r = db_call (call->db, EVENT_AT, p, error);
    return r ? db_int64 (r, 0, 0) : -1;
}

/* Without a position a stream begins with what is committed from here on: before its head is sent, so that nothing falls between. */
static void stream_events (struct call *call)
{
    int64_t after = -1;
    g_autoptr (GError) error = NULL;
    if (!read_after (call, &after)) return;
    if (after < 0 && (after = event_at (call, &error)) < 0) {
        call_database_problem (call, error);
        return;
    }
    if (!feed_add (call->feed, call->exchange, call->account_id, call->key_hash, after)) {
        call_problem (call, 503, "too many event streams", NULL);
        return;
    }
    metrics_http (call->route->template, call->route->method, 200);
    call_free (call);
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
    call_reply (call, endpoint_json (200, body));
}

static void list_events (struct call *call)
{
    int64_t after = 0, limit;
    if (!read_after (call, &after) || !endpoint_limit (call, &limit)) return;
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

void endpoint_events (struct call *call)
{
    const char *accept = http_request_header (call->request, "Accept");
    if (accept && strstr (accept, "text/event-stream"))
        stream_events (call);
    else
        list_events (call);
}
