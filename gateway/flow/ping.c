/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/ping.h"

#include "base/log.h"
#include "base/worker.h"
#include "store/db.h"

#include <stdatomic.h>

#define PERIOD (500 * G_TIME_SPAN_MILLISECOND)
#define AGE_MOST (2 * G_TIME_SPAN_SECOND)

struct ping {
    struct worker worker;
    struct db *db;
    atomic_int_fast64_t asked; /* when the last question was put that has an answer, monotonic: a slow answer is an old one */
};

bool ping_answered (struct ping *ping)
{
    return g_get_monotonic_time () - ping->asked < AGE_MOST;
}

static bool ask (struct ping *ping, GError **error)
{
    int64_t now = g_get_monotonic_time ();
    bool answered = (db_connected (ping->db) || db_reopen (ping->db, error)) && db_ping (ping->db, AGE_MOST, error);
    if (answered) ping->asked = now;
    return answered;
}

static void run (void *data)
{
    struct ping *ping = data;
    bool well = true;
    while (worker_wait (&ping->worker, g_get_monotonic_time () + PERIOD)) {
        g_autoptr (GError) error = NULL;
        bool answered = ask (ping, &error);
        if (well && !answered) log_warning ("database.lost", "%s", error->message);
        if (!well && answered) log_info ("database.back", "the database answers again");
        well = answered;
    }
}

struct ping *ping_start (const char *database_url, GError **error)
{
    struct db *db = db_open (database_url, "switchboard ping", NULL, error);
    if (!db) return NULL;
    struct ping *ping = g_new0 (struct ping, 1);
    ping->db = db;
    ping->asked = g_get_monotonic_time ();
    worker_start (&ping->worker, "ping", run, ping);
    return ping;
}

void ping_stop (struct ping *ping)
{
    if (!ping) return;
    worker_stop (&ping->worker);
    db_close (ping->db);
    worker_clear (&ping->worker);
    g_free (ping);
}
