/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/endpoint_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "flow/hooks.h"
#include "store/files.h"

#define QUARANTINE "select data, next, at from api_quarantine ($1, $2, $3, $4)"
#define QUARANTINE_ENTRY "select channel, raw, file, at, reprocessed_at from api_quarantine_entry ($1, $2)"
#define DONE "select status, body, replayed from post_reprocessed ($1, $2, $3, $4, $5)"

void endpoint_quarantine (struct call *call)
{
    int64_t limit;
    const char *status = endpoint_parameter (call, "status");
    g_autofree char *filter = g_strdup_printf ("quarantine %s", status ? status : ""), *after = NULL;
    if (!endpoint_limit (call, &limit) || !endpoint_cursor (call, filter, &after)) return;
    g_autoptr (GError) error = NULL;
    g_autoptr (params) p = params_new (4);
    params_int64 (p, call->account_id);
    params_text (p, status);
    params_int32 (p, (int32_t) limit);
    params_text (p, after);
    g_autoptr (db_result) r = db_call (call->db, QUARANTINE, p, &error);
    endpoint_page (call, r, error, filter);
}

/* The request is stored: its entry is noted as understood. Worker thread, again. */
static void finish_reprocess (struct call *call)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (params) p = params_new (5);
    params_int64 (p, call->account_id);
    endpoint_put_once (p, call);
    params_uuid (p, &call->id);
    params_time (p, clock_now ());
    g_autoptr (db_result) r = db_call (call->db, DONE, p, &error);
    endpoint_once_reply (call, r, error);
}

/* On the intake's thread, which has no time for more. */
static void reprocessed (struct intake_job *job, enum intake_outcome outcome)
{
    struct call *call = job->data;
    switch (outcome) {
    case INTAKE_STORED: call_resume (call, finish_reprocess); break;
    case INTAKE_QUARANTINED: call_problem (call, 409, job->received.reason, NULL); break;
    case INTAKE_BUSY: call_problem (call, 503, "the database is busy", NULL); break;
    }
    intake_job_free (job);
}

static GBytes *entry_bytes (struct call *call, db_result *r, GError **error)
{
    if (!db_null (r, 0, 2)) return files_get (values_text (call->config->storage, STORAGE_DIRECTORY), db_text (r, 0, 2), error);
    return g_bytes_new (db_text (r, 0, 1), db_length (r, 0, 1));
}

void endpoint_reprocess (struct call *call)
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
    const struct channel *channel = endpoint_channel (call, db_text (r, 0, 0));
    g_autoptr (GBytes) raw = entry_bytes (call, r, &error);
    if (!db_null (r, 0, 4))
        call_problem (call, 409, "it was reprocessed already", NULL);
    else if (!channel)
        call_problem (call, 409, "its channel is not in this gateway's configuration", NULL);
    else if (!raw) {
        log_error ("quarantine.missing", "could not read a stored request: %s", error->message);
        call_problem (call, 500, NULL, NULL);
    } else {
        g_autofree char *reason = hooks_reprocess (call->intake, call->config, channel, raw, db_time (r, 0, 3), reprocessed, call);
        if (reason) call_problem (call, 409, reason, NULL);
    }
}
