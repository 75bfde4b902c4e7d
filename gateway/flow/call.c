/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/call.h"

#include "base/log.h"
#include "base/metrics.h"
#include "flow/problem.h"

#include <stdlib.h>

void call_free (struct call *call)
{
    if (call->query) g_hash_table_unref (call->query);
    g_free (call->request_id);
    if (call->config) config_unref (call->config);
    g_free (call);
}

void call_reply (struct call *call, struct http_response *response)
{
    http_response_add (response, "X-Request-Id", call->request_id);
    http_response_add (response, "Cache-Control", "no-store");
    metrics_http (call->route ? call->route->template : "none", call->route ? call->route->method : "none", response->status);
    metrics_observe (HISTOGRAM_API_SECONDS, (double) (g_get_monotonic_time () - call->began) / G_USEC_PER_SEC);
    http_exchange_reply (call->exchange, response);
    call_free (call);
}

void call_problem (struct call *call, unsigned status, const char *detail, const char *place)
{
    struct http_response *response = problem_new (status, detail, place, call->request_id);
    if (status == 401) http_response_add (response, "WWW-Authenticate", "Bearer");
    if (status == 503) http_response_add (response, "Retry-After", "1");
    if (status == 415 && g_str_equal (call->route->method, "PATCH"))
        http_response_add (response, "Accept-Patch", "application/json, application/merge-patch+json");
    call_reply (call, response);
}

void call_database_problem (struct call *call, const GError *error)
{
    const char *state = db_sqlstate (call->db);
    if (g_str_has_prefix (state, "SB")) {
        call_problem (call, (unsigned) atoi (state + 2), db_message (call->db), db_constraint (call->db));
    } else if (g_error_matches (error, DB_ERROR, DB_ERROR_CONNECTION) || g_str_has_prefix (state, "57") || g_str_has_prefix (state, "53")) {
        if (g_str_equal (state, "57014")) log_warning ("api.slow", "%s %s: %s", call->route->method, call->route->template, error->message);
        call_problem (call, 503, "the database is not available", NULL);
    } else {
        log_error ("api.failed", "%s %s: %s", call->route->method, call->route->template, error->message);
        call_problem (call, 500, NULL, NULL);
    }
}
