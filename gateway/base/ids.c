/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ids.h"

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/random.h>

/*   48 bits   | 4 |  12 bits | 2 |  62 bits
 *   millis    | 7 |   high   | 2 |   low        RFC 9562 §5.7; high and low are one random number that rises within a millisecond
 *                                               by a random step (§6.2, method 2), so that ids cannot be guessed from their neighbour. */
#define LOW_MAX ((UINT64_C (1) << 62) - 1)
#define HIGH_MAX 0xfff
#define MILLIS_MAX ((UINT64_C (1) << 48) - 1)

/* One call of the system serves 16 to 32 ids. getrandom never gives less than asked for up to 256 bytes. */
#define POOL_SIZE 256

static GMutex lock;
static uint64_t last_millis, last_low;
static unsigned last_high;
static uint8_t pool[POOL_SIZE];
static size_t pool_used = POOL_SIZE;

static void take_random (void *to, size_t n)
{
    if (POOL_SIZE - pool_used < n) {
        while (getrandom (pool, POOL_SIZE, 0) != POOL_SIZE) g_assert (errno == EINTR);
        pool_used = 0;
    }
    memcpy (to, pool + pool_used, n);
    memset (pool + pool_used, 0, n);
    pool_used += n;
}

static void start_millisecond (uint64_t millis)
{
    uint16_t high;
    take_random (&high, sizeof high);
    take_random (&last_low, sizeof last_low);
    last_millis = millis;
    last_high = high & (HIGH_MAX >> 1); /* the upper half is room to rise */
    last_low &= LOW_MAX;
}

static void rise (void)
{
    uint32_t step;
    take_random (&step, sizeof step);
    last_low += (uint64_t) step + 1;
    if (last_low <= LOW_MAX) return;
    last_low &= LOW_MAX;
    if (++last_high > HIGH_MAX) start_millisecond (last_millis + 1);
}

struct id id_new (int64_t now)
{
    uint64_t millis = now < 0 ? 0 : (uint64_t) now / 1000;
    if (millis > MILLIS_MAX) millis = MILLIS_MAX;
    g_mutex_lock (&lock);
    if (millis > last_millis)
        start_millisecond (millis);
    else
        rise ();
    uint64_t first = last_millis << 16 | 7 << 12 | last_high;
    uint64_t second = UINT64_C (2) << 62 | last_low;
    g_mutex_unlock (&lock);

    struct id id;
    first = GUINT64_TO_BE (first);
    second = GUINT64_TO_BE (second);
    memcpy (id.bytes, &first, 8);
    memcpy (id.bytes + 8, &second, 8);
    return id;
}

static bool hyphen_before (size_t byte)
{
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

void id_format (const struct id *id, char text[ID_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < sizeof id->bytes; i++) {
        if (hyphen_before (i)) *text++ = '-';
        *text++ = digits[id->bytes[i] >> 4];
        *text++ = digits[id->bytes[i] & 15];
    }
    *text = 0;
}

bool id_parse (const char *text, struct id *id)
{
    struct id parsed;
    for (size_t i = 0; i < sizeof parsed.bytes; i++) {
        if (hyphen_before (i) && *text++ != '-') return false;
        if (!g_ascii_isxdigit (text[0]) || !g_ascii_isxdigit (text[1])) return false;
        parsed.bytes[i] = (uint8_t) (g_ascii_xdigit_value (text[0]) << 4 | g_ascii_xdigit_value (text[1]));
        text += 2;
    }
    if (*text) return false;
    *id = parsed;
    return true;
}
