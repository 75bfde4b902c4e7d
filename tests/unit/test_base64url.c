/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64url.h"

#include <glib.h>
#include <stdint.h>
#include <string.h>

static void test_there_and_back (void)
{
    uint8_t bytes[64];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t) (i * 37 + 251);
    for (size_t n = 0; n <= sizeof bytes; n++) {
        size_t length = 99;
        g_autofree char *text = base64url_format (bytes, n);
        g_autofree uint8_t *back = base64url_parse (text, &length);
        g_assert_nonnull (back);
        g_assert_cmpmem (back, length, bytes, n);
        g_assert_null (strpbrk (text, "+/="));
    }
    g_autofree char *known = base64url_format ("\xfb\xff\xfe", 3);
    g_assert_cmpstr (known, ==, "-__-");
}

static void test_other_texts_are_refused (void)
{
    /* the last: bits that no byte needs */
    static const char *const texts[] = {"A", "AA==", "A+/A", "AA A", "AAA\n", "\xc3\xa9", "AB"};
    for (size_t i = 0; i < G_N_ELEMENTS (texts); i++) {
        size_t length;
        g_assert_null (base64url_parse (texts[i], &length));
    }
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/base64url/bytes of every length come back", test_there_and_back);
    g_test_add_func ("/base64url/other texts are refused", test_other_texts_are_refused);
    return g_test_run ();
}
