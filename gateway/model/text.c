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
