/* SPDX-License-Identifier: Apache-2.0
 *
 * A thread that goes round: it waits until it is woken or its time has come, does its work, and waits again, until it is told to stop. It has a
 * pulse (base/pulse.h) by the name of its own.
 *
 *     static void run (void *data)
 *     {
 *         struct feed *feed = data;
 *         while (worker_wait (&feed->worker, g_get_monotonic_time () + POLL)) …
 *     }
 *
 *     worker_start (&feed->worker, "feed", run, feed);    once all that run uses is there
 *     worker_wake (&feed->worker);                        any thread
 *     worker_stop (&feed->worker);
 *     worker_clear (&feed->worker);                       once nobody wakes it any more
 */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct worker {
    const char *name;
    void (*run) (void *data);
    void *data;
    GThread *thread;
    GMutex lock; /* also of what the thread shares with those who wake it */
    GCond wake;
    bool woken, stopping; /* under lock */
};

/* name: static, at most 15 bytes. */
void worker_start (struct worker *worker, const char *name, void (*run) (void *data), void *data);

/* On the thread. Until somebody wakes it, or since the last time has; until (monotonic µs) at the longest. False: it is to stop. */
bool worker_wait (struct worker *worker, int64_t until);
#define WORKER_FOR_EVER G_MAXINT64

void worker_wake (struct worker *worker);

/* The same for whoever holds the lock. */
void worker_wake_locked (struct worker *worker);

/* Tells it to stop, and does not wait for that. */
void worker_halt (struct worker *worker);

/* Returns when the thread has ended. */
void worker_stop (struct worker *worker);

void worker_clear (struct worker *worker);
