/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/schedule.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/worker.h"
#include "store/db.h"
#include "store/migrate.h"

#include <stdatomic.h>

/* Young tables double within minutes under load, and their statistics with them; afterwards the work is a few empty look-ups. */
#define PERIOD (60 * G_TIME_SPAN_SECOND)
/* Nobody waits for it but who stops the gateway. */
#define PATIENCE (60 * G_TIME_SPAN_SECOND)
#define MICROSECONDS " * interval '1 microsecond'"
#define MAKE_PARTITIONS "select make_partitions ($1)"
#define MAINTAIN \
    "select maintain ($1, $2" MICROSECONDS ", $3" MICROSECONDS ", $4" MICROSECONDS ", $5" MICROSECONDS ", $6" MICROSECONDS \
    ", $7" MICROSECONDS ")"
#define ANALYZE_GROWN "select analyze_grown ()"
#define GIVE_UP_STRANDED "select give_up_stranded ($1, $2)"
#define OLDEST_SNAPSHOT "select oldest_snapshot ()"

struct schedule {
    struct config *(*current) (void *data);
    void *data;
    struct worker worker;
    atomic_int_fast64_t oldest_snapshot;
};

static bool make_partitions (struct db *db, GError **error)
{
    g_autoptr (params) p = params_new (1);
    params_time (p, clock_now ());
    g_autoptr (db_result) r = db_call (db, MAKE_PARTITIONS, p, error);
    return r != NULL;
}

static bool maintain (struct db *db, const struct config *config, GError **error)
{
    g_autoptr (params) p = params_new (1 + RETENTION_N);
    params_time (p, clock_now ());
    for (unsigned row = 0; row < RETENTION_N; row++) params_int64 (p, values_number (config->retention, row));
    g_autoptr (db_result) r = db_call (db, MAINTAIN, p, error);
    return r && migrate_touch (db, error);
}

static bool give_up_stranded (struct db *db, GError **error)
{
    int64_t now = clock_now ();
    struct id claim = id_new (now);
    g_autoptr (params) p = params_new (2);
    params_uuid (p, &claim);
    params_time (p, now);
    g_autoptr (db_result) r = db_call (db, GIVE_UP_STRANDED, p, error);
    if (r && db_int64 (r, 0, 0) > 0)
        log_warning ("message.stranded",
                     "%" G_GINT64_FORMAT " messages were given up that waited on channels which left the configuration, are paused or down",
                     db_int64 (r, 0, 0));
    return r != NULL;
}

static bool analyze_grown (struct db *db, GError **error)
{
    g_autoptr (params) p = params_new (0);
    g_autoptr (db_result) r = db_call (db, ANALYZE_GROWN, p, error);
    return r != NULL;
}

static bool observe (struct db *db, struct schedule *schedule, GError **error)
{
    g_autoptr (params) p = params_new (0);
    g_autoptr (db_result) r = db_call (db, OLDEST_SNAPSHOT, p, error);
    if (r) schedule->oldest_snapshot = db_int64 (r, 0, 0);
    return r != NULL;
}

/* At the start, only what is needed before the first row. */
static void work (struct schedule *schedule, bool starting)
{
    g_autoptr (struct_config) config = schedule->current (schedule->data);
    g_autoptr (GError) error = NULL;
    struct db *db = db_open (values_text (config->database, DATABASE_URL), "switchboard schedule", "-c lock_timeout=2000", &error);
    if (db) db_limit (db, PATIENCE);
    bool good = db && make_partitions (db, &error);
    if (good && !starting)
        good =
            maintain (db, config, &error) && analyze_grown (db, &error) && give_up_stranded (db, &error) && observe (db, schedule, &error);
    if (!good) log_warning ("schedule.failed", "%s", error->message);
    db_close (db);
}

static void run (void *data)
{
    struct schedule *schedule = data;
    int64_t next;
    do {
        next = g_get_monotonic_time () + PERIOD;
        work (schedule, false);
    } while (worker_wait (&schedule->worker, next));
}

struct schedule *schedule_start (struct config *(*current) (void *data), void *data)
{
    struct schedule *schedule = g_new0 (struct schedule, 1);
    schedule->current = current;
    schedule->data = data;
    work (schedule, true); /* a week's partitions are made before its first row */
    worker_start (&schedule->worker, "schedule", run, schedule);
    return schedule;
}

int64_t schedule_oldest_snapshot (const struct schedule *schedule)
{
    return schedule->oldest_snapshot;
}

void schedule_stop (struct schedule *schedule)
{
    if (!schedule) return;
    worker_stop (&schedule->worker);
    worker_clear (&schedule->worker);
    g_free (schedule);
}
