/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/endpoint_private.h"

#include "base/clock.h"

#define OUTGOING "select data, next, at from api_outgoing ($1, $2, $3, $4, $5, $6)"
#define CANCEL "select status, body, replayed from post_cancel ($1, $2, $3, $4, $5)"
#define SETTLE "select status, body, replayed from post_settle ($1, $2, $3, $4, $5, $6)"

/* 0: from the beginning. False: answered. */
static bool read_since (struct call *call, int64_t *since)
{
    const char *text = endpoint_parameter (call, "since");
    *since = 0;
    if (!text || clock_parse (text, since)) return true;
    call_problem (call, 422, "a time as in RFC 3339 is expected: 2026-11-24T04:28:45Z", "since");
    return false;
}

void endpoint_outgoing (struct call *call)
{
    int64_t limit, since;
    const char *reference = endpoint_parameter (call, "reference"), *status = endpoint_parameter (call, "status");
    if (!endpoint_limit (call, &limit) || !read_since (call, &since)) return;
    /* a reference may hold anything: it comes last */
    g_autofree char *filter =
        g_strdup_printf ("outgoing %s %" G_GINT64_FORMAT " %s", status ? status : "", since, reference ? reference : "");
    g_autofree char *after = NULL;
    if (!endpoint_cursor (call, filter, &after)) return;
    g_autoptr (GError) error = NULL;
    g_autoptr (params) p = params_new (6);
    params_int64 (p, call->account_id);
    params_text (p, reference);
    params_text (p, status);
    params_time (p, since);
    params_int32 (p, (int32_t) limit);
    params_text (p, after);
    g_autoptr (db_result) r = db_call (call->db, OUTGOING, p, &error);
    endpoint_page (call, r, error, filter);
}

void endpoint_cancel (struct call *call)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (params) p = params_new (5);
    params_int64 (p, call->account_id);
    endpoint_put_once (p, call);
    params_uuid (p, &call->id);
    params_time (p, clock_now ());
    g_autoptr (db_result) r = db_call (call->db, CANCEL, p, &error);
    endpoint_once_reply (call, r, error);
}

void endpoint_settle (struct call *call)
{
    json_auto_t *body = endpoint_body (call, (const char *const[]){"as", NULL});
    if (!body) return;
    json_t *as;
    g_autofree char *pointer = NULL;
    if (!json_member (body, "as", JSON_STRING, true, &as, &pointer)) {
        call_problem (call, 422, "as is sent, failed or retry", pointer);
        return;
    }
    g_autoptr (GError) error = NULL;
    g_autoptr (params) p = params_new (6);
    params_int64 (p, call->account_id);
    endpoint_put_once (p, call);
    params_uuid (p, &call->id);
    params_text (p, json_string_value (as));
    params_time (p, clock_now ());
    g_autoptr (db_result) r = db_call (call->db, SETTLE, p, &error);
    endpoint_once_reply (call, r, error);
}
