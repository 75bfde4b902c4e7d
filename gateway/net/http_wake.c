/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_private.h"

/*
 * Pushed in the order 1 … 5:
 *
 *     wakes → 5 → 4 → 3 → 2 → PENDING     1 found nothing there: it left the mark that somebody is on the way, and was resumed
 *
 * The first is not in the stack, for it may be gone before the others are dealt with. What is pushed after the stack was taken finds
 * nothing again, and so nothing is forgotten.
 */
static struct http_wake PENDING;

void http_wake_push (struct http_server *server, struct http_wake *wake)
{
    struct http_wake *top = atomic_load_explicit (&server->wakes, memory_order_relaxed), *new_top;
    do {
        wake->next = top;
        new_top = top == NULL ? &PENDING : wake;
    } while (!atomic_compare_exchange_weak (&server->wakes, &top, new_top));
    if (new_top == &PENDING) MHD_resume_connection (wake->connection);
}

void http_wake_carry_out (struct http_server *server)
{
    if (atomic_load_explicit (&server->wakes, memory_order_relaxed) == NULL && !atomic_load (&server->settling)) return;
    g_mutex_lock (&server->waking);
    struct http_wake *wake = atomic_exchange (&server->wakes, NULL);
    while (wake != NULL && wake != &PENDING) {
        struct http_wake *next = wake->next;
        MHD_resume_connection (wake->connection);
        wake = next;
    }
    g_mutex_unlock (&server->waking);
}
