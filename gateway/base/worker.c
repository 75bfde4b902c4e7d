/* SPDX-License-Identifier: Apache-2.0 */
#include "base/worker.h"

#include "base/pulse.h"

static void *go_round (void *data)
{
    struct worker *worker = data;
    pulse_start (worker->name);
    worker->run (worker->data);
    return NULL;
}

void worker_start (struct worker *worker, const char *name, void (*run) (void *data), void *data)
{
    *worker = (struct worker){.name = name, .run = run, .data = data};
    g_mutex_init (&worker->lock);
    g_cond_init (&worker->wake);
    worker->thread = g_thread_new (name, go_round, worker);
}

bool worker_wait (struct worker *worker, int64_t until)
{
    g_mutex_lock (&worker->lock);
    pulse_wait ();
    while (!worker->woken && !worker->stopping) {
        if (until == WORKER_FOR_EVER)
            g_cond_wait (&worker->wake, &worker->lock);
        else if (!g_cond_wait_until (&worker->wake, &worker->lock, until))
            break;
    }
    pulse_work ();
    worker->woken = false;
    bool go_on = !worker->stopping;
    g_mutex_unlock (&worker->lock);
    return go_on;
}

void worker_wake_locked (struct worker *worker)
{
    worker->woken = true;
    g_cond_signal (&worker->wake);
}

void worker_wake (struct worker *worker)
{
    g_mutex_lock (&worker->lock);
    worker_wake_locked (worker);
    g_mutex_unlock (&worker->lock);
}

void worker_halt (struct worker *worker)
{
    g_mutex_lock (&worker->lock);
    worker->stopping = true;
    g_cond_signal (&worker->wake);
    g_mutex_unlock (&worker->lock);
}

void worker_stop (struct worker *worker)
{
    worker_halt (worker);
    g_thread_join (worker->thread);
}

void worker_clear (struct worker *worker)
{
    g_mutex_clear (&worker->lock);
    g_cond_clear (&worker->wake);
}
