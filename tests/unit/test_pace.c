/* SPDX-License-Identifier: Apache-2.0
 *
 * How fast a channel may send: smooth, counted as the provider counts, and silent when the provider asks for it.
 */
#include "flow/pace.h"

#include <glib.h>

#define SECOND ((int64_t) G_USEC_PER_SEC)

/* Begins and ends whatever there is room for until the clock says end; what was begun. */
static int send_until (struct pace *pace, int64_t *now, int64_t end, int weight)
{
    int n = 0;
    while (*now < end) {
        for (int room = pace_room (pace, *now); room > 0; room--) {
            pace_begin (pace, weight);
            pace_end (pace);
            n++;
        }
        int64_t next = pace_next (pace, *now);
        *now = next > *now ? next : *now + SECOND / 1000;
    }
    return n;
}

static void test_rate (void)
{
    struct pace pace = {0};
    int64_t now = 1000 * SECOND;
    pace_set (&pace, 10000, 20);
    int n = send_until (&pace, &now, 1060 * SECOND, 1);
    g_assert_cmpint (n, >=, 598);
    g_assert_cmpint (n, <=, 603);
}

static void test_rate_is_smooth (void)
{
    struct pace pace = {0};
    int64_t now = 1000 * SECOND;
    pace_set (&pace, 10000, 20);
    send_until (&pace, &now, 1010 * SECOND, 1);
    now = 1100 * SECOND; /* a long silence saves nothing up but a fifth of a second's worth */
    g_assert_cmpint (pace_room (&pace, now), ==, 2);
}

static void test_weight (void)
{
    struct pace pace = {0};
    int64_t now = 1000 * SECOND;
    pace_set (&pace, 10000, 20);
    int n = send_until (&pace, &now, 1060 * SECOND, 3); /* three segments each */
    g_assert_cmpint (n, >=, 198);
    g_assert_cmpint (n, <=, 203);
}

static void test_slow_rate (void)
{
    struct pace pace = {0};
    int64_t now = 1000 * SECOND;
    pace_set (&pace, 27, 20); /* 100 an hour */
    int n = send_until (&pace, &now, now + 3600 * SECOND, 1);
    g_assert_cmpint (n, >=, 96);
    g_assert_cmpint (n, <=, 100);
}

static void test_concurrency (void)
{
    struct pace pace = {0};
    pace_set (&pace, 0, 3);
    g_assert_cmpint (pace_room (&pace, 1), ==, 3);
    for (int i = 0; i < 3; i++) pace_begin (&pace, 1);
    g_assert_cmpint (pace_room (&pace, 1), ==, 0);
    g_assert_cmpint (pace_next (&pace, 1), ==, INT64_MAX);
    pace_end (&pace);
    g_assert_cmpint (pace_room (&pace, 1), ==, 1);
}

static void test_wait (void)
{
    struct pace pace = {0};
    pace_set (&pace, 0, 3);
    pace_wait (&pace, 500);
    pace_wait (&pace, 300);
    g_assert_cmpint (pace_room (&pace, 499), ==, 0);
    g_assert_cmpint (pace_next (&pace, 100), ==, 500);
    g_assert_cmpint (pace_room (&pace, 500), ==, 3);
}

static void test_circuit (void)
{
    struct pace pace = {0};
    for (int i = 1; i < PACE_FAILURES; i++) g_assert_false (pace_failed (&pace));
    pace_worked (&pace);
    for (int i = 1; i < PACE_FAILURES; i++) g_assert_false (pace_failed (&pace));
    g_assert_true (pace_failed (&pace));
    g_assert_false (pace_failed (&pace)); /* it opens once */
}

static void test_backoff (void)
{
    g_assert_cmpint (pace_backoff (1, UINT32_MAX), ==, 2 * SECOND);
    g_assert_cmpint (pace_backoff (4, UINT32_MAX), ==, 16 * SECOND);
    g_assert_cmpint (pace_backoff (4, UINT32_MAX / 2), ==, (int64_t) (16 * SECOND * (double) (UINT32_MAX / 2) / UINT32_MAX));
    g_assert_cmpint (pace_backoff (1000, UINT32_MAX), ==, 600 * SECOND);
    g_assert_cmpint (pace_backoff (3, 0), ==, SECOND / 2);
}

static void test_pause (void)
{
    g_assert_cmpint (pace_pause (1, -1, UINT32_MAX), ==, 2 * SECOND);
    g_assert_cmpint (pace_pause (1, 30 * SECOND, UINT32_MAX), ==, 30 * SECOND);
    g_assert_cmpint (pace_pause (4, 3 * SECOND, UINT32_MAX), ==, 16 * SECOND);
    g_assert_cmpint (pace_pause (1, 0, 0), ==, SECOND);
    g_assert_cmpint (pace_asked (365 * 86400 * SECOND), ==, 86400 * SECOND);
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/pace/rate", test_rate);
    g_test_add_func ("/pace/rate_is_smooth", test_rate_is_smooth);
    g_test_add_func ("/pace/weight", test_weight);
    g_test_add_func ("/pace/slow_rate", test_slow_rate);
    g_test_add_func ("/pace/concurrency", test_concurrency);
    g_test_add_func ("/pace/wait", test_wait);
    g_test_add_func ("/pace/circuit", test_circuit);
    g_test_add_func ("/pace/backoff", test_backoff);
    g_test_add_func ("/pace/pause", test_pause);
    return g_test_run ();
}
