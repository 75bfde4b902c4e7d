/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <glib.h>

static void test_format (void)
{
    static const struct {
        int64_t at;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000000Z"},
        {INT64_C (1795494525123456), "2026-11-24T04:28:45.123456Z"},
        {INT64_C (951782400000001), "2000-02-29T00:00:00.000001Z"},
        {-1, "1969-12-31T23:59:59.999999Z"},
        {-1000000, "1969-12-31T23:59:59.000000Z"},
        {INT64_C (-30610224000000000), "1000-01-01T00:00:00.000000Z"},
        {INT64_C (-30610224000000001), "0999-12-31T23:59:59.999999Z"},
        {INT64_MAX, "9999-12-31T23:59:59.999999Z"},
        {INT64_MIN, "0000-01-01T00:00:00.000000Z"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        char text[CLOCK_TEXT_SIZE];
        clock_format (cases[i].at, text);
        g_assert_cmpstr (text, ==, cases[i].text);
    }
}

static void test_now (void)
{
    int64_t before = g_get_real_time (), now = clock_now (), after = g_get_real_time ();
    g_assert_cmpint (now, >=, before);
    g_assert_cmpint (now, <=, after);
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/clock/an instant is written as RFC 3339 in UTC with microseconds", test_format);
    g_test_add_func ("/clock/now is microseconds since 1970", test_now);
    return g_test_run ();
}
