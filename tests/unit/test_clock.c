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

static void test_parse (void)
{
    static const struct {
        const char *text, *utc; /* utc NULL: no instant */
    } cases[] = {
        {"2026-11-24T04:28:45.123456Z", "2026-11-24T04:28:45.123456Z"},
        {"2026-11-24t04:28:45z", "2026-11-24T04:28:45.000000Z"},
        {"2026-11-24T04:28:45.5+01:00", "2026-11-24T03:28:45.500000Z"},
        {"2026-11-24T23:30:00-01:30", "2026-11-25T01:00:00.000000Z"},
        {"2026-11-24T04:28:45.1234567890123456789012Z", "2026-11-24T04:28:45.123456Z"},
        {"2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000000Z"},
        {"2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000000Z"},
        {"2026-02-29T00:00:00Z", NULL},
        {"2026-13-01T00:00:00Z", NULL},
        {"2026-00-01T00:00:00Z", NULL},
        {"2026-01-00T00:00:00Z", NULL},
        {"2026-01-01T24:00:00Z", NULL},
        {"2026-01-01T00:60:00Z", NULL},
        {"2026-01-01T00:00:61Z", NULL},
        {"2026-01-01T00:00:00", NULL},
        {"2026-01-01T00:00:00.Z", NULL},
        {"2026-01-01T00:00:00Zx", NULL},
        {"2026-01-01T00:00:00+24:00", NULL},
        {"2026-01-01T00:00:00+0100", NULL},
        {"2026-01-01 00:00:00Z", NULL},
        {"2026-1-1T00:00:00Z", NULL},
        {"+2026-01-01T00:00:00Z", NULL},
        {"2026-01-01", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        int64_t at = 0;
        char text[CLOCK_TEXT_SIZE] = "";
        bool is = clock_parse (cases[i].text, &at);
        if (is) clock_format (at, text);
        g_assert_cmpstr (is ? text : NULL, ==, cases[i].utc);
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
    g_test_add_func ("/clock/an instant is read with any offset and no other form", test_parse);
    g_test_add_func ("/clock/now is microseconds since 1970", test_now);
    return g_test_run ();
}
