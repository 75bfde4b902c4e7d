/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/endpoint_private.h"

#include "base/clock.h"
#include "flow/cursor.h"
#include "model/address.h"

#include <string.h>

#define NAME_MOST 255   /* characters */
#define CSV_LIMIT 10000 /* lines: a page of them is a few MB at most */

#define CONTACT_PATCH "select body, version from api_contact_patch ($1, $2, $3, $4, $5, $6, $7)"
#define OPT_OUTS "select data, next, at from api_opt_outs ($1, $2, $3)"
#define OPT_OUTS_CSV "select data, next from api_opt_outs_csv ($1, $2, $3)"
#define OPT_OUT "select status, body, replayed from post_opt_out ($1, $2, $3, $4, $5, $6, $7, $8)"
#define OPT_IN "select body from api_opt_in ($1, $2, $3)"

/* A member that says how a contact is to be; false: answered. A name of null is none. */
static bool read_contact (struct call *call, json_t *body, json_t **name, json_t **blocked)
{
    g_autofree char *pointer = NULL;
    if (!json_member (body, "name", JSON_STRING, false, name, &pointer))
        call_problem (call, 422, "a string is expected", pointer);
    else if (!json_member (body, "blocked", JSON_TRUE, false, blocked, &pointer))
        call_problem (call, 422, "true or false is expected", pointer);
    else if (*name && (!json_string_length (*name) || g_utf8_strlen (json_string_value (*name), -1) > NAME_MOST))
        call_problem (call, 422, "a name has 1 to " G_STRINGIFY (NAME_MOST) " characters, or is null", "/name");
    else
        return true;
    return false;
}

void endpoint_patch_contact (struct call *call)
{
    int64_t version;
    json_t *name, *blocked;
    json_auto_t *body = endpoint_body (call, (const char *const[]){"name", "blocked", NULL});
    if (!body || !read_contact (call, body, &name, &blocked) || !endpoint_if_match (call, "contact", &version)) return;
    g_autoptr (GError) error = NULL;
    g_autoptr (params) p = params_new (7);
    params_int64 (p, call->account_id);
    params_uuid (p, &call->id);
    endpoint_put_version (p, version);
    params_bool (p, json_object_get (body, "name") != NULL);
    params_text (p, json_string_value (name));
    if (blocked)
        params_bool (p, json_is_true (blocked));
    else
        params_null (p, "bool");
    params_time (p, clock_now ());
    g_autoptr (db_result) r = db_call (call->db, CONTACT_PATCH, p, &error);
    if (r) call_committed (call);
    endpoint_object (call, r, error, true);
}

/* The next page is where Link leads (RFC 8288), for a body of CSV has no place for it. */
static void reply_csv (struct call *call, db_result *r, const GError *error, int64_t limit)
{
    if (!r) {
        call_database_problem (call, error);
        return;
    }
    struct http_response *response =
        http_response_new (200, "text/csv; charset=utf-8; header=present", g_bytes_new (db_text (r, 0, 0), db_length (r, 0, 0)));
    if (!db_null (r, 0, 1)) {
        g_autofree char *cursor = cursor_format (db_text (r, 0, 1), call->key_hash, "opt-outs");
        g_autofree char *link =
            g_strdup_printf ("<%s?limit=%" G_GINT64_FORMAT "&cursor=%s>; rel=\"next\"", call->route->template, limit, cursor);
        http_response_add (response, "Link", link);
    }
    call_reply (call, response);
}

void endpoint_opt_outs (struct call *call)
{
    const char *accept = http_request_header (call->request, "Accept");
    bool csv = accept && strstr (accept, "text/csv");
    int64_t limit = CSV_LIMIT;
    g_autofree char *after = NULL;
    if (!(csv ? endpoint_limit_most (call, CSV_LIMIT, &limit) : endpoint_limit (call, &limit)) ||
        !endpoint_cursor (call, "opt-outs", &after))
        return;
    g_autoptr (GError) error = NULL;
    g_autoptr (params) p = params_new (3);
    params_int64 (p, call->account_id);
    params_int32 (p, (int32_t) limit);
    params_text (p, after);
    g_autoptr (db_result) r = csv ? db_call (call->db, OPT_OUTS_CSV, p, &error) : db_call (call->db, OPT_OUTS, p, &error);
    if (csv)
        reply_csv (call, r, error, limit);
    else
        endpoint_page (call, r, error, "opt-outs");
}

/* The canonical address, to be freed; NULL: answered. */
static char *read_opt_out (struct call *call, json_t *body, json_t **channel)
{
    json_t *address;
    g_autofree char *pointer = NULL;
    g_autoptr (GError) error = NULL;
    char *uri = NULL;
    if (!json_member (body, "address", JSON_STRING, true, &address, &pointer))
        call_problem (call, 422, "an address is expected", pointer);
    else if (!json_member (body, "channel", JSON_STRING, false, channel, &pointer))
        call_problem (call, 422, "the name of a channel is expected, or null for all of them", pointer);
    else if (!(uri = address_check (json_string_value (address), &error)))
        call_problem (call, 422, error->message, "/address");
    return uri;
}

void endpoint_opt_out (struct call *call)
{
    json_t *channel;
    json_auto_t *body = endpoint_body (call, (const char *const[]){"address", "channel", NULL});
    g_autofree char *uri = body ? read_opt_out (call, body, &channel) : NULL;
    if (!uri) return;
    int64_t now = clock_now ();
    struct id opt_out = id_new (now), contact = id_new (now);
    g_autoptr (GError) error = NULL;
    g_autoptr (params) p = params_new (8);
    params_int64 (p, call->account_id);
    endpoint_put_once (p, call);
    params_uuid (p, &opt_out);
    params_uuid (p, &contact);
    params_text (p, json_string_value (channel));
    params_text (p, uri);
    params_time (p, now);
    g_autoptr (db_result) r = db_call (call->db, OPT_OUT, p, &error);
    endpoint_once_reply (call, r, error);
}

void endpoint_opt_in (struct call *call)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (params) p = params_new (3);
    params_int64 (p, call->account_id);
    params_uuid (p, &call->id);
    params_time (p, clock_now ());
    g_autoptr (db_result) r = db_call (call->db, OPT_IN, p, &error);
    if (r) call_committed (call);
    endpoint_object (call, r, error, false);
}
