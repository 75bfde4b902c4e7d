/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/receipts.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/pulse.h"
#include "store/db.h"

/* Receipts that another gateway took in, and those whose message is not known yet, are found by looking. */
#define POLL G_TIME_SPAN_SECOND
#define RECONNECT_PAUSE (500 * G_TIME_SPAN_MILLISECOND)
/* Few enough that messages' lines are not held long. */
#define AT_ONCE 200

#define MATCH "select match_receipts ($1::int8::int4, $2)"

struct receipts {
    void (*changed) (void *data);
    void *data;
    GThread *thread;
    struct db *db;
    GMutex lock;
    GCond wake;
    bool woken, stopping;
};

/* *more: a whole batch was there, so more may be. */
static bool match (struct receipts *receipts, bool *more, GError **error)
{
    if (!db_connected (receipts->db) && !db_reopen (receipts->db, error)) return false;
    g_autoptr (params) p = params_new (2);
    params_int64 (p, AT_ONCE);
    params_time (p, clock_now ());
    g_autoptr (db_result) r = db_call (receipts->db, MATCH, p, error);
    if (!r) return false;
    *more = db_int64 (r, 0, 0) == AT_ONCE;
    if (db_int64 (r, 0, 0) > 0) receipts->changed (receipts->data);
    return true;
}

static bool wait_for_work (struct receipts *receipts, int64_t pause)
{
    int64_t until = g_get_monotonic_time () + pause;
    g_mutex_lock (&receipts->lock);
    pulse_wait ();
    while (!receipts->woken && !receipts->stopping && pause)
        if (!g_cond_wait_until (&receipts->wake, &receipts->lock, until)) break;
    pulse_work ();
    receipts->woken = false;
    bool go_on = !receipts->stopping;
    g_mutex_unlock (&receipts->lock);
    return go_on;
}

static void *run (void *data)
{
    struct receipts *receipts = data;
    bool told = false;
    int64_t pause = 0;
    pulse_start ("receipts");
    while (wait_for_work (receipts, pause)) {
        g_autoptr (GError) error = NULL;
        bool more = false;
        bool ok = match (receipts, &more, &error);
        if (!ok && !told) log_warning ("receipts.failed", "%s", error->message);
        told = !ok;
        pause = ok ? (more ? 0 : POLL) : RECONNECT_PAUSE;
    }
    return NULL;
}

struct receipts *receipts_start (const struct config *config, void (*changed) (void *data), void *data, GError **error)
{
    struct db *db = db_open (values_text (config->database, DATABASE_URL), "switchboard receipts",
                             "-c statement_timeout=10000 -c lock_timeout=10000 -c jit=off", error);
    if (!db) return NULL;
    db_limit (db, DB_PATIENCE);
    struct receipts *receipts = g_new0 (struct receipts, 1);
    receipts->changed = changed;
    receipts->data = data;
    receipts->db = db;
    g_mutex_init (&receipts->lock);
    g_cond_init (&receipts->wake);
    receipts->thread = g_thread_new ("receipts", run, receipts);
    return receipts;
}

void receipts_wake (struct receipts *receipts)
{
    g_mutex_lock (&receipts->lock);
    receipts->woken = true;
    g_cond_signal (&receipts->wake);
    g_mutex_unlock (&receipts->lock);
}

void receipts_stop (struct receipts *receipts)
{
    if (!receipts) return;
    g_mutex_lock (&receipts->lock);
    receipts->stopping = true;
    g_cond_signal (&receipts->wake);
    g_mutex_unlock (&receipts->lock);
    g_thread_join (receipts->thread);
}

void receipts_free (struct receipts *receipts)
{
    if (!receipts) return;
    db_close (receipts->db);
    g_mutex_clear (&receipts->lock);
    g_cond_clear (&receipts->wake);
    g_free (receipts);
}
