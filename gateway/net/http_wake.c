/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_private.h"

/*
 *     wakes → 5 → 4 → 3 → 2 → 1      pushed in the order 1 … 5
 *                             ↑
 *                             the bottom: its pusher found the stack empty, and resumes it itself
 *
 * Whoever takes the stack leaves the bottom alone: its pusher may be about to resume it, and twice would be once too often, for it may
 * be gone by then. What is pushed after the stack was taken finds it empty again, so nothing is forgotten.
 */
void http_wake_push (struct http_server *server, struct http_wake *wake)
{
    struct MHD_Connection *connection = wake->connection;
    struct http_wake *top = atomic_load_explicit (&server->wakes, memory_order_relaxed);
    do wake->next = top;
    while (!atomic_compare_exchange_weak_explicit (&server->wakes, &top, wake, memory_order_acq_rel, memory_order_relaxed));
    if (!top) MHD_resume_connection (connection);
}

void http_wake_carry_out (struct http_server *server)
{
    if (!atomic_load_explicit (&server->wakes, memory_order_relaxed) && !atomic_load (&server->settling)) return;
    g_mutex_lock (&server->waking);
    struct http_wake *wake = atomic_exchange (&server->wakes, NULL);
    while (wake && wake->next) {
        struct http_wake *next = wake->next;
        MHD_resume_connection (wake->connection);
        wake = next;
    }
    g_mutex_unlock (&server->waking);
}
