/* SPDX-License-Identifier: Apache-2.0 */
#include "model/sms.h"

#include <glib.h>

/* before, n times unit, after. */
static char *text_of (const char *before, int n, const char *unit, const char *after)
{
    GString *text = g_string_new (before);
    for (int i = 0; i < n; i++) g_string_append (text, unit);
    g_string_append (text, after);
    return g_string_free (text, FALSE);
}

struct expectation {
    const char *before;
    int n;
    const char *unit, *after;
    enum sms_encoding encoding;
    int units, segments;
};

static void assert_counted (const struct expectation *expected)
{
    g_autofree char *text = text_of (expected->before, expected->n, expected->unit, expected->after);
    const struct sms_segments got = sms_count (text);
    if (got.encoding != expected->encoding || got.units != expected->units || got.segments != expected->segments)
        g_test_fail_printf ("%s + %d × %s + %s: %s, %d units, %d segments", expected->before, expected->n, expected->unit, expected->after,
                            sms_encoding_name (got.encoding), got.units, got.segments);
}

static void gsm7 (void)
{
    static const struct expectation all[] = {
        {"", 0, "", "", SMS_GSM7, 0, 1},         {"", 160, "a", "", SMS_GSM7, 160, 1},  {"", 161, "a", "", SMS_GSM7, 161, 2},
        {"", 306, "a", "", SMS_GSM7, 306, 2},    {"", 307, "a", "", SMS_GSM7, 307, 3},  {"", 80, "€", "", SMS_GSM7, 160, 1},
        {"", 159, "a", "€", SMS_GSM7, 161, 2},   {"", 158, "a", "]", SMS_GSM7, 160, 1}, {"", 160, "\n", "", SMS_GSM7, 160, 1},
        {"", 1600, "a", "", SMS_GSM7, 1600, 11},
    };
    for (size_t i = 0; i < G_N_ELEMENTS (all); i++) assert_counted (&all[i]);
}

static void nothing_is_cut_in_two (void)
{
    static const struct expectation all[] = {
        /* the two septets of € would be the 153rd and the 154th: both go into the second segment */
        {"", 152, "a", "€aaaaaaa", SMS_GSM7, 161, 2}, {"", 151, "a", "€aaaaaaaa", SMS_GSM7, 161, 2},
        {"", 153, "€", "", SMS_GSM7, 306, 3},         {"", 152, "€", "", SMS_GSM7, 304, 2},
        {"a", 152, "€", "a", SMS_GSM7, 306, 2},       {"", 34, "😀", "", SMS_UCS2, 68, 1},
        {"", 35, "😀", "", SMS_UCS2, 70, 1},           {"", 36, "😀", "", SMS_UCS2, 72, 2},
        {"", 67, "😀", "", SMS_UCS2, 134, 3},          {"", 66, "ж", "😀жжж", SMS_UCS2, 71, 2},
        {"ж", 66, "😀", "ж", SMS_UCS2, 134, 2},
    };
    for (size_t i = 0; i < G_N_ELEMENTS (all); i++) assert_counted (&all[i]);
}

static void ucs2 (void)
{
    static const struct expectation all[] = {
        {"", 70, "ж", "", SMS_UCS2, 70, 1},   {"", 71, "ж", "", SMS_UCS2, 71, 2},      {"", 134, "ж", "", SMS_UCS2, 134, 2},
        {"", 135, "ж", "", SMS_UCS2, 135, 3}, {"", 70, "a", "ж", SMS_UCS2, 71, 2},     {"", 69, "a", "ж", SMS_UCS2, 70, 1},
        {"", 69, "a", "😀", SMS_UCS2, 71, 2},  {"", 1600, "ж", "", SMS_UCS2, 1600, 24},
    };
    for (size_t i = 0; i < G_N_ELEMENTS (all); i++) assert_counted (&all[i]);
}

static void the_alphabet (void)
{
    static const char one[] = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
                              "abcdefghijklmnopqrstuvwxyzäöñüà";
    static const char two[] = "\f^{}\\[~]|€";
    int found[3] = {0, 0, 0};
    for (gunichar c = 1; c <= 0x10ffff; c++) {
        char text[7] = "";
        if (c >= 0xd800 && c < 0xe000) continue;
        text[g_unichar_to_utf8 (c, text)] = '\0';
        struct sms_segments got = sms_count (text);
        int septets = g_utf8_strchr (one, -1, c) != NULL ? 1 : g_utf8_strchr (two, -1, c) != NULL ? 2 : 0;
        int units = septets != 0 ? septets : c > 0xffff ? 2 : 1;
        if (got.units != units || got.encoding != (septets != 0 ? SMS_GSM7 : SMS_UCS2)) g_test_fail_printf ("U+%04X", c);
        found[septets]++;
    }
    g_assert_cmpint (found[1], ==, 127);
    g_assert_cmpint (found[2], ==, 10);
    /* what looks as if it were in it */
    static const char *const outside[] = {
        "ç", "`", "\t", "\x1b", "’", "Á", "\xe2\x84\xa6" /* the ohm sign */, "e\xcc\x81" /* e and an accent */, "…"};
    for (size_t i = 0; i < G_N_ELEMENTS (outside); i++) g_assert_cmpint (sms_count (outside[i]).encoding, ==, SMS_UCS2);
    g_assert_cmpint (sms_count ("Ç").encoding, ==, SMS_GSM7);
}

static void as_json (void)
{
    g_autofree char *text = text_of ("", 80, "ж", "");
    const struct sms_segments long_one = sms_count (text), empty = sms_count ("");
    g_autofree char *of_long = sms_json (&long_one), *of_empty = sms_json (&empty);
    g_assert_cmpstr (of_long, ==, "{\"segments\":2,\"encoding\":\"UCS-2\",\"units\":80}");
    g_assert_cmpstr (of_empty, ==, "{\"segments\":1,\"encoding\":\"GSM-7\",\"units\":0}");
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/sms/160 septets are one message, then 153 a segment", gsm7);
    g_test_add_func ("/sms/70 units are one message, then 67 a segment", ucs2);
    g_test_add_func ("/sms/an emoji and an escaped character are not cut in two", nothing_is_cut_in_two);
    g_test_add_func ("/sms/the alphabet of GSM 03.38, and nothing else", the_alphabet);
    g_test_add_func ("/sms/as JSON", as_json);
    return g_test_run ();
}
