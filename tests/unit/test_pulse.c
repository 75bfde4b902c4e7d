/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pulse.h"

/* A thread that does what the test tells it, one step at a time. */
struct thread {
    void (*step) (void);
    GAsyncQueue *steps, *done;
    GThread *thread;
};

static void *run (void *data)
{
    struct thread *thread = data;
    void (**step) (void);
    pulse_start ("walker");
    g_async_queue_push (thread->done, thread);
    while (*(step = g_async_queue_pop (thread->steps))) {
        (*step) ();
        g_async_queue_push (thread->done, thread);
    }
    return NULL;
}

static void start (struct thread *thread)
{
    thread->steps = g_async_queue_new ();
    thread->done = g_async_queue_new ();
    thread->thread = g_thread_new ("walker", run, thread);
    g_async_queue_pop (thread->done);
}

static void step (struct thread *thread, void (*what) (void))
{
    thread->step = what;
    g_async_queue_push (thread->steps, &thread->step);
    g_async_queue_pop (thread->done);
}

static void stop (struct thread *thread)
{
    thread->step = NULL;
    g_async_queue_push (thread->steps, &thread->step);
    g_thread_join (thread->thread);
    g_async_queue_unref (thread->steps);
    g_async_queue_unref (thread->done);
}

/* What would be told in that many seconds if nothing changed. */
static const char *hung_in (int64_t seconds)
{
    return pulse_hung (g_get_monotonic_time () + seconds * G_TIME_SPAN_SECOND);
}

static void test_work_without_end_is_a_hang (void)
{
    struct thread thread;
    start (&thread);
    g_assert_null (hung_in (0));
    g_assert_cmpstr (hung_in (31), ==, "walker");
    stop (&thread);
}

static void test_waiting_is_none (void)
{
    struct thread thread;
    start (&thread);
    step (&thread, pulse_wait);
    g_assert_null (hung_in (3600));
    step (&thread, pulse_work);
    g_assert_null (hung_in (0));
    g_assert_cmpstr (hung_in (31), ==, "walker");
    stop (&thread);
}

static void test_one_of_many_is_seen (void)
{
    struct thread good[3], bad;
    for (size_t i = 0; i < G_N_ELEMENTS (good); i++) {
        start (&good[i]);
        step (&good[i], pulse_wait);
    }
    start (&bad);
    g_assert_cmpstr (hung_in (31), ==, "walker");
    step (&bad, pulse_wait);
    g_assert_null (hung_in (31));
    stop (&bad);
    for (size_t i = 0; i < G_N_ELEMENTS (good); i++) stop (&good[i]);
}

static void test_who_has_ended_hangs_no_more (void)
{
    struct thread thread;
    start (&thread);
    stop (&thread);
    g_assert_null (hung_in (3600));
}

static void test_a_thread_without_pulse_may_say_so_too (void)
{
    pulse_wait ();
    pulse_work ();
    g_assert_null (hung_in (3600));
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/pulse/work without end is a hang", test_work_without_end_is_a_hang);
    g_test_add_func ("/pulse/waiting is none", test_waiting_is_none);
    g_test_add_func ("/pulse/one of many is seen", test_one_of_many_is_seen);
    g_test_add_func ("/pulse/who has ended hangs no more", test_who_has_ended_hangs_no_more);
    g_test_add_func ("/pulse/a thread without pulse may say so too", test_a_thread_without_pulse_may_say_so_too);
    return g_test_run ();
}
