/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/endpoint_private.h"

#include "base/clock.h"

#include <string.h>

#define TICKETS "select data, next, at from api_tickets ($1, $2, $3, $4::int8::int4, $5)"
#define TICKET_PATCH "select body, version from api_ticket_patch ($1, $2, $3, $4, $5, $6)"
#define MESSAGES "select data, next, at from api_messages ($1, $2, $3, $4::int8::int4, $5::text::int8)"
#define CHANNELS "select data, next, at from api_channels ($1)"

void endpoint_tickets (struct call *call)
{
    int64_t limit;
    const char *status = endpoint_parameter (call, "status"), *channel = endpoint_parameter (call, "channel");
    g_autofree char *filter = g_strdup_printf ("tickets %s %s", status ? status : "", channel ? channel : ""), *after = NULL;
    if (!endpoint_limit (call, &limit) || !endpoint_cursor (call, filter, &after)) return;
    g_autoptr (GError) error = NULL;
    g_autoptr (params) p = params_new (5);
    params_int64 (p, call->account_id);
    params_text (p, status);
    params_text (p, channel);
    params_int64 (p, limit);
    params_text (p, after);
    g_autoptr (db_result) r = db_call (call->db, TICKETS, p, &error);
    endpoint_page (call, r, error, filter);
}

void endpoint_ticket_messages (struct call *call)
{
    int64_t limit;
    const char *order = endpoint_parameter (call, "order");
    char ticket[ID_TEXT_SIZE];
    id_format (&call->id, ticket);
    g_autofree char *filter = g_strdup_printf ("messages %s %s", ticket, order ? order : "asc"), *after = NULL;
    if (order && !g_str_equal (order, "asc") && !g_str_equal (order, "desc")) {
        call_problem (call, 422, "order is asc or desc", "order");
        return;
    }
    if (!endpoint_limit (call, &limit) || !endpoint_cursor (call, filter, &after)) return;
    g_autoptr (GError) error = NULL;
    g_autoptr (params) p = params_new (5);
    params_int64 (p, call->account_id);
    params_uuid (p, &call->id);
    params_bool (p, order && g_str_equal (order, "desc"));
    params_int64 (p, limit);
    params_text (p, after);
    g_autoptr (db_result) r = db_call (call->db, MESSAGES, p, &error);
    endpoint_page (call, r, error, filter);
}

void endpoint_channels (struct call *call)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (params) p = params_new (1);
    params_int64 (p, call->account_id);
    g_autoptr (db_result) r = db_call (call->db, CHANNELS, p, &error);
    endpoint_page (call, r, error, "channels");
}

/* Of If-Match: *, which names whatever version there is. */
#define ANY_VERSION (-1)

/* The version that If-Match names. False: answered. */
static bool read_if_match (struct call *call, int64_t *version)
{
    const char *text = http_request_header (call->request, "If-Match");
    if (!text) {
        call_problem (call, 428, "If-Match is required: the ETag of the ticket as you read it", NULL);
        return false;
    }
    *version = ANY_VERSION;
    if (g_str_equal (text, "*")) return true;
    g_autofree char *inside =
        g_str_has_prefix (text, "\"v") && g_str_has_suffix (text, "\"") ? g_strndup (text + 2, strlen (text) - 3) : NULL;
    if (inside && endpoint_number (inside, 0, INT64_MAX, version)) return true;
    call_problem (call, 412, "If-Match is no ETag of a ticket", NULL);
    return false;
}

void endpoint_patch_ticket (struct call *call)
{
    int64_t version;
    json_auto_t *body = endpoint_body (call, (const char *const[]){"status", "subject", NULL});
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
    if (version == ANY_VERSION)
        params_null (p, "int8");
    else
        params_int64 (p, version);
    params_text (p, json_string_value (status));
    params_text (p, json_is_null (json_object_get (body, "subject")) ? "" : json_string_value (subject));
    params_time (p, clock_now ());
    g_autoptr (db_result) r = db_call (call->db, TICKET_PATCH, p, &error);
    if (r) call_committed (call);
    endpoint_object (call, r, error, true);
}
