/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/receipts.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/worker.h"
#include "store/db.h"

/* Receipts that another gateway took in, and those whose message is not known yet, are found by looking. */
#define POLL G_TIME_SPAN_SECOND
#define RECONNECT_PAUSE (500 * G_TIME_SPAN_MILLISECOND)
/* Few enough that messages' pairs are not held long. */
#define AT_ONCE 200

#define MATCH "select match_receipts ($1, $2)"

struct receipts {
    void (*changed) (void *data);
    void *data;
    struct worker worker;
    struct db *db;
};

/* *more: a whole batch was there, so more may be. */
static bool match (struct receipts *receipts, bool *more, GError **error)
{
    if (!db_connected (receipts->db) && !db_reopen (receipts->db, error)) return false;
    g_autoptr (params) p = params_new (2);
    params_int32 (p, AT_ONCE);
    params_time (p, clock_now ());
    g_autoptr (db_result) r = db_call (receipts->db, MATCH, p, error);
    if (!r) return false;
    *more = db_int64 (r, 0, 0) == AT_ONCE;
    if (db_int64 (r, 0, 0) > 0) receipts->changed (receipts->data);
    return true;
}

static void run (void *data)
{
    struct receipts *receipts = data;
    bool told = false;
    int64_t pause = 0;
    while (worker_wait (&receipts->worker, g_get_monotonic_time () + pause)) {
        g_autoptr (GError) error = NULL;
        bool more = false;
        bool ok = match (receipts, &more, &error);
        if (!ok && !told) log_warning ("receipts.failed", "%s", error->message);
        told = !ok;
        pause = ok ? (more ? 0 : POLL) : RECONNECT_PAUSE;
    }
}

struct receipts *receipts_start (const struct config *config, void (*changed) (void *data), void *data, GError **error)
{
    struct db *db = db_open (values_text (config->database, DATABASE_URL), "switchboard receipts",
                             "-c statement_timeout=10000 -c lock_timeout=10000 -c jit=off", error);
    if (!db) return NULL;
    struct receipts *receipts = g_new0 (struct receipts, 1);
    receipts->changed = changed;
    receipts->data = data;
    receipts->db = db;
    worker_start (&receipts->worker, "receipts", run, receipts);
    return receipts;
}

void receipts_wake (struct receipts *receipts)
{
    worker_wake (&receipts->worker);
}

void receipts_stop (struct receipts *receipts)
{
    if (!receipts) return;
    worker_stop (&receipts->worker);
}

void receipts_free (struct receipts *receipts)
{
    if (!receipts) return;
    db_close (receipts->db);
    worker_clear (&receipts->worker);
    g_free (receipts);
}
