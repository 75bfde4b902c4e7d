/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/ping.h"

#include "base/log.h"
#include "base/pulse.h"
#include "store/db.h"

#include <stdatomic.h>

#define PERIOD (500 * G_TIME_SPAN_MILLISECOND)
#define AGE_MOST (2 * G_TIME_SPAN_SECOND)

struct ping {
    struct db *db;
    GThread *thread;
    atomic_int_fast64_t asked; /* when the last question was put that has an answer, monotonic: a slow answer is an old one */

    GMutex lock;
    GCond wake;
    bool stopping;
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

/* False: stopping. */
static bool rest (struct ping *ping)
{
    int64_t until = g_get_monotonic_time () + PERIOD;
    g_mutex_lock (&ping->lock);
    pulse_wait ();
    while (!ping->stopping && g_cond_wait_until (&ping->wake, &ping->lock, until))
        ;
    bool go_on = !ping->stopping;
    pulse_work ();
    g_mutex_unlock (&ping->lock);
    return go_on;
}

static void *run (void *data)
{
    struct ping *ping = data;
    bool well = true;
    pulse_start ("ping");
    while (rest (ping)) {
        g_autoptr (GError) error = NULL;
        bool answered = ask (ping, &error);
        if (well && !answered) log_warning ("database.lost", "%s", error->message);
        if (!well && answered) log_info ("database.back", "the database answers again");
        well = answered;
    }
    return NULL;
}

struct ping *ping_start (const char *database_url, GError **error)
{
    struct db *db = db_open (database_url, "switchboard ping", NULL, error);
    if (!db) return NULL;
    struct ping *ping = g_new0 (struct ping, 1);
    ping->db = db;
    ping->asked = g_get_monotonic_time ();
    g_mutex_init (&ping->lock);
    g_cond_init (&ping->wake);
    ping->thread = g_thread_new ("ping", run, ping);
    return ping;
}

void ping_stop (struct ping *ping)
{
    if (!ping) return;
    g_mutex_lock (&ping->lock);
    ping->stopping = true;
    g_cond_signal (&ping->wake);
    g_mutex_unlock (&ping->lock);
    g_thread_join (ping->thread);
    db_close (ping->db);
    g_mutex_clear (&ping->lock);
    g_cond_clear (&ping->wake);
    g_free (ping);
}
