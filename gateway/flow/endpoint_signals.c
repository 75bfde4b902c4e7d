/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/endpoint_private.h"

#include "flow/outgoing.h"
#include "flow/signals.h"

#define TARGET "select channel, uri, external_id from signal_target ($1, $2)"

/* False: answered. */
static bool read_type (struct call *call, enum signal_kind *kind)
{
    json_t *type;
    g_autofree char *pointer = NULL;
    json_auto_t *body = endpoint_body (call, (const char *const[]){"type", NULL});
    if (!body) return false;
    const char *text = json_member (body, "type", JSON_STRING, true, &type, &pointer) ? json_string_value (type) : "";
    *kind = g_str_equal (text, "read") ? SIGNAL_READ : SIGNAL_TYPING;
    if (*kind == SIGNAL_READ || g_str_equal (text, "typing")) return true;
    call_problem (call, 422, "read or typing is expected", "/type");
    return false;
}

static void reply (struct call *call, enum signals_result result, enum signal_kind kind)
{
    if (result == SIGNALS_NONE)
        call_problem (call, 409, "the channel has no such signal, or nothing has come in that it could be shown for", NULL);
    else if (result == SIGNALS_FULL)
        call_problem (call, 503, "too many signals are under way", NULL);
    else
        call_reply (call, endpoint_json (202, g_string_new (kind == SIGNAL_READ ? "{\"type\":\"read\"}" : "{\"type\":\"typing\"}")));
}

/* A signal that repeats does no harm: its Idempotency-Key is kept nowhere. */
void endpoint_signal (struct call *call)
{
    enum signal_kind kind;
    if (!read_type (call, &kind)) return;
    g_autoptr (GError) error = NULL;
    g_autoptr (params) p = params_new (2);
    params_int64 (p, call->account_id);
    params_uuid (p, &call->id);
    g_autoptr (db_result) r = db_call (call->db, TARGET, p, &error);
    const struct channel *channel = r && db_rows (r) ? endpoint_channel (call, db_text (r, 0, 0)) : NULL;
    const char *closed = outgoing_closed (channel, false);
    if (!r) {
        call_database_problem (call, error);
    } else if (!db_rows (r)) {
        call_problem (call, 404, "no such ticket", NULL);
    } else if (closed) {
        call_problem (call, 409, closed, NULL);
    } else {
        struct task task = {.kind = TASK_SIGNAL, .signal = kind, .to = g_strdup (db_text (r, 0, 1))};
        task.reply_to = db_null (r, 0, 2) ? NULL : g_strdup (db_text (r, 0, 2));
        reply (call, signals_send (call->signals, call->config, channel, &task), kind);
        task_clear (&task);
    }
}
