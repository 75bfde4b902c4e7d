/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pulse.h"
#include "base/worker.h"

/* Tells of every turn, and takes its next wait's limit from the test. */
struct walker {
    struct worker worker;
    GAsyncQueue *turns, *limits;
};

static void run (void *data)
{
    struct walker *walker = data;
    int64_t *until;
    do {
        g_async_queue_push (walker->turns, walker);
        until = g_async_queue_pop (walker->limits);
    } while (worker_wait (&walker->worker, *until));
    g_async_queue_push (walker->turns, walker);
}

static void start (struct walker *walker)
{
    walker->turns = g_async_queue_new ();
    walker->limits = g_async_queue_new ();
    worker_start (&walker->worker, "walker", run, walker);
    g_async_queue_pop (walker->turns);
}

static void let_wait (struct walker *walker, int64_t *until)
{
    g_async_queue_push (walker->limits, until);
}

static void await_turn (struct walker *walker)
{
    g_async_queue_pop (walker->turns);
}

static void clear (struct walker *walker)
{
    worker_stop (&walker->worker);
    worker_clear (&walker->worker);
    g_async_queue_unref (walker->turns);
    g_async_queue_unref (walker->limits);
}

static int64_t for_ever = WORKER_FOR_EVER, no_time = 0;

static void test_its_time_comes (void)
{
    struct walker walker;
    start (&walker);
    let_wait (&walker, &no_time);
    await_turn (&walker);
    int64_t soon = g_get_monotonic_time () + 20 * G_TIME_SPAN_MILLISECOND;
    let_wait (&walker, &soon);
    await_turn (&walker);
    g_assert_cmpint (g_get_monotonic_time (), >=, soon);
    let_wait (&walker, &for_ever);
    clear (&walker);
}

static void test_a_wake_at_work_counts_for_the_next_wait (void)
{
    struct walker walker;
    start (&walker);
    worker_wake (&walker.worker);
    worker_wake (&walker.worker);
    let_wait (&walker, &for_ever);
    await_turn (&walker);
    /* and for one wait only */
    int64_t soon = g_get_monotonic_time () + 20 * G_TIME_SPAN_MILLISECOND;
    let_wait (&walker, &soon);
    await_turn (&walker);
    g_assert_cmpint (g_get_monotonic_time (), >=, soon);
    let_wait (&walker, &for_ever);
    clear (&walker);
}

static void test_who_holds_the_lock_wakes_it (void)
{
    struct walker walker;
    start (&walker);
    let_wait (&walker, &for_ever);
    g_mutex_lock (&walker.worker.lock);
    worker_wake_locked (&walker.worker);
    g_mutex_unlock (&walker.worker.lock);
    await_turn (&walker);
    let_wait (&walker, &for_ever);
    clear (&walker);
}

static void test_told_to_stop_at_work_it_waits_no_more (void)
{
    struct walker walker;
    start (&walker);
    worker_halt (&walker.worker);
    worker_wake (&walker.worker); /* which does not undo it */
    let_wait (&walker, &for_ever);
    await_turn (&walker);
    clear (&walker);
}

static void test_waiting_is_no_hang (void)
{
    struct walker walker;
    start (&walker);
    g_assert_cmpstr (pulse_hung (g_get_monotonic_time () + PULSE_LIMIT + 1), ==, "walker");
    let_wait (&walker, &for_ever);
    while (pulse_hung (g_get_monotonic_time () + PULSE_LIMIT + 1)) g_thread_yield ();
    clear (&walker);
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/worker/its time comes", test_its_time_comes);
    g_test_add_func ("/worker/a wake at work counts for the next wait", test_a_wake_at_work_counts_for_the_next_wait);
    g_test_add_func ("/worker/who holds the lock wakes it", test_who_holds_the_lock_wakes_it);
    g_test_add_func ("/worker/told to stop at work, it waits no more", test_told_to_stop_at_work_it_waits_no_more);
    g_test_add_func ("/worker/waiting is no hang", test_waiting_is_no_hang);
    return g_test_run ();
}
