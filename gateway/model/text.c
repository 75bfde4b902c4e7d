/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text.h"

#include <glib.h>
#include <stdint.h>

#define REPLACEMENT "\xef\xbf\xbd"

/* The surrogate that the three bytes at `at` encode, or 0. */
static uint32_t surrogate (const uint8_t *at, const uint8_t *end)
{
    if (end - at < 3 || at[0] != 0xed || at[1] < 0xa0 || at[1] > 0xbf || (at[2] & 0xc0) != 0x80) return 0;
    return 0xd000u | (uint32_t) (at[1] & 0x3f) << 6 | (at[2] & 0x3f);
}

/* Appends what stands for the bad bytes at `at`; returns how many they are. */
static size_t replace (GString *out, const uint8_t *at, const uint8_t *end)
{
    uint32_t high = surrogate (at, end);
    uint32_t low = high >= 0xd800 && high < 0xdc00 ? surrogate (at + 3, end) : 0;
    if (low >= 0xdc00) {
        g_string_append_unichar (out, 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00));
        return 6;
    }
    g_string_append_len (out, REPLACEMENT, 3);
    return high != 0 ? 3 : 1;
}

bool text_repair (const char *bytes, size_t length, char **text)
{
    const char *bad;
    if (g_utf8_validate_len (bytes, length, &bad)) {
        *text = g_strndup (bytes, length);
        return true;
    }
    const char *at = bytes, *end = bytes + length;
    GString *out = g_string_sized_new (length + 16);
    for (;;) {
        g_string_append_len (out, at, bad - at);
        if (bad == end) break;
        at = bad + replace (out, (const uint8_t *) bad, (const uint8_t *) end);
        (void) g_utf8_validate_len (at, (size_t) (end - at), &bad);
    }
    *text = g_string_free (out, FALSE);
    return false;
}

static bool is_flag (gunichar c)
{
    return c >= 0x1f1e6 && c <= 0x1f1ff;
}

/* Whether c belongs to what stands before it: accents, variation selectors, the joiner of emoji, their skin and their tags. */
static bool extends (gunichar c)
{
    return g_unichar_ismark (c) || c == 0x200d || (c >= 0x1f3fb && c <= 0x1f3ff) || (c >= 0xe0020 && c <= 0xe007f);
}

/* Vowels and finals of a Korean syllable. */
static bool goes_on (gunichar before, gunichar c)
{
    GUnicodeBreakType type = g_unichar_break_type (c), last = g_unichar_break_type (before);
    bool open =
        last == G_UNICODE_BREAK_HANGUL_L_JAMO || last == G_UNICODE_BREAK_HANGUL_V_JAMO || last == G_UNICODE_BREAK_HANGUL_LV_SYLLABLE;
    if (type == G_UNICODE_BREAK_HANGUL_T_JAMO)
        return open || last == G_UNICODE_BREAK_HANGUL_T_JAMO || last == G_UNICODE_BREAK_HANGUL_LVT_SYLLABLE;
    return open && (type == G_UNICODE_BREAK_HANGUL_V_JAMO ||
                    (last == G_UNICODE_BREAK_HANGUL_L_JAMO &&
                     (type == G_UNICODE_BREAK_HANGUL_L_JAMO || type == G_UNICODE_BREAK_HANGUL_LV_SYLLABLE ||
                      type == G_UNICODE_BREAK_HANGUL_LVT_SYLLABLE)));
}

/* Whether text may be cut before at: two flag letters are one flag, counted from where they begin. */
static bool may_cut (const char *text, const char *at)
{
    if (at == text || !*at) return true;
    const char *before = g_utf8_prev_char (at);
    gunichar c = g_utf8_get_char (at), last = g_utf8_get_char (before);
    if (extends (c) || last == 0x200d || (last == '\r' && c == '\n') || goes_on (last, c)) return false;
    if (!is_flag (c)) return true;
    size_t n = 0;
    for (const char *flag = at; flag > text && is_flag (g_utf8_get_char (g_utf8_prev_char (flag))); flag = g_utf8_prev_char (flag)) n++;
    return n % 2 == 0;
}

size_t text_length (const char *text)
{
    return (size_t) g_utf8_strlen (text, -1);
}

char *text_cut (const char *text, size_t most)
{
    if (text_length (text) <= most) return g_strdup (text);
    if (!most) return g_strdup ("");
    const char *end = g_utf8_offset_to_pointer (text, (glong) most - 1);
    while (!may_cut (text, end)) end = g_utf8_prev_char (end);
    while (end > text && g_unichar_isspace (g_utf8_get_char (g_utf8_prev_char (end)))) end = g_utf8_prev_char (end);
    g_autofree char *start = g_strndup (text, (gsize) (end - text));
    return g_strconcat (start, "…", NULL);
}
