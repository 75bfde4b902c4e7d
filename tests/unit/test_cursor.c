/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/cursor.h"

#include <string.h>

static const uint8_t key[32] = {1}, other_key[32] = {2};

static void expect (const char *cursor, const uint8_t by[32], const char *filter, const char *row_key)
{
    g_autofree char *opened = cursor_parse (cursor, by, filter);
    g_assert_cmpstr (opened, ==, row_key);
}

static void test_sealed (void)
{
    static const char *const row_keys[] = {"7", "42", "1700000000000000,01900000-0000-7000-8000-0000000000ab"};
    for (size_t i = 0; i < G_N_ELEMENTS (row_keys); i++) {
        g_autofree char *cursor = cursor_format (row_keys[i], key, "tickets open");
        expect (cursor, key, "tickets open", row_keys[i]);
        expect (cursor, other_key, "tickets open", NULL);
        expect (cursor, key, "tickets", NULL);
        for (char *c = cursor; *c; c++) {
            char was = *c;
            *c = was == 'B' ? 'C' : 'B';
            g_autofree char *opened = cursor_parse (cursor, key, "tickets open");
            /* the last character may hold bits that stand for nothing */
            g_assert_true (!opened || (!c[1] && g_str_equal (opened, row_keys[i])));
            *c = '*';
            expect (cursor, key, "tickets open", NULL);
            *c = was;
        }
    }
}

/* Four characters are three bytes: 400 hold a version, a seal and a key of 291. */
static void test_bounded (void)
{
    for (size_t length = 291; length <= 292; length++) {
        g_autofree char *row_key = g_strnfill (length, 'x'), *cursor = cursor_format (row_key, key, "");
        g_assert_true ((strlen (cursor) <= 400) == (length == 291));
        expect (cursor, key, "", length == 291 ? row_key : NULL);
    }
    g_autofree char *endless = g_strnfill (1 << 20, 'A');
    expect (endless, key, "", NULL);
    expect ("", key, "", NULL);
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/cursor/what was sealed opens for its key and its filters alone", test_sealed);
    g_test_add_func ("/cursor/no cursor is longer than its limit", test_bounded);
    return g_test_run ();
}
