/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <string.h>
#include <time.h>

#define SECOND 1000000
/* What four digits of a year can say. */
#define EARLIEST (INT64_C (-62167219200) * SECOND)
#define LATEST (INT64_C (253402300800) * SECOND - 1)

int64_t clock_now (void)
{
    struct timespec now;
    clock_gettime (CLOCK_REALTIME, &now);
    return (int64_t) now.tv_sec * SECOND + now.tv_nsec / 1000;
}

static void digits (char *text, int n, int64_t number)
{
    for (int i = n - 1; i >= 0; i--, number /= 10) text[i] = (char) ('0' + number % 10);
}

void clock_format (int64_t at, char text[CLOCK_TEXT_SIZE])
{
    at = at < EARLIEST ? EARLIEST : at > LATEST ? LATEST : at;
    /* Before 1970 the fraction still counts upwards, so the division has to round down. */
    int64_t micros = at % SECOND < 0 ? at % SECOND + SECOND : at % SECOND;
    time_t seconds = (time_t) ((at - micros) / SECOND);
    struct tm day;
    gmtime_r (&seconds, &day);
    digits (text, 4, day.tm_year + 1900); /* strftime's %Y writes the years before 1000 without zeros in front */
    strftime (text + 4, CLOCK_TEXT_SIZE - 4, "-%m-%dT%H:%M:%S", &day);
    text[19] = '.';
    digits (text + 20, 6, micros);
    text[26] = 'Z';
    text[27] = 0;
}

/* So many digits, at most that number. */
static bool take_number (const char **text, int n, int most, int *number)
{
    *number = 0;
    for (int i = 0; i < n; i++, (*text)++) {
        if (**text < '0' || **text > '9') return false;
        *number = *number * 10 + (**text - '0');
    }
    return *number <= most;
}

/* One of these characters. */
static bool take_any (const char **text, const char *characters)
{
    bool is = **text && strchr (characters, **text);
    *text += is;
    return is;
}

/* Microseconds. */
static bool take_fraction (const char **text, int64_t *micros)
{
    *micros = 0;
    if (!take_any (text, ".")) return true;
    const char *first = *text;
    for (int64_t unit = SECOND / 10; **text >= '0' && **text <= '9'; (*text)++, unit /= 10) *micros += unit * (**text - '0');
    return *text > first;
}

/* Seconds east of UTC. */
static bool take_offset (const char **text, int *offset)
{
    *offset = 0;
    if (take_any (text, "Zz")) return true;
    bool west = **text == '-';
    int hours, minutes;
    if (!take_any (text, "+-") || !take_number (text, 2, 23, &hours) || !take_any (text, ":") || !take_number (text, 2, 59, &minutes))
        return false;
    *offset = (hours * 3600 + minutes * 60) * (west ? -1 : 1);
    return true;
}

bool clock_parse (const char *text, int64_t *at)
{
    struct tm given = {0};
    int64_t micros;
    int offset;
    bool read = take_number (&text, 4, 9999, &given.tm_year) && take_any (&text, "-") && take_number (&text, 2, 12, &given.tm_mon) &&
                take_any (&text, "-") && take_number (&text, 2, 31, &given.tm_mday) && take_any (&text, "Tt") &&
                take_number (&text, 2, 23, &given.tm_hour) && take_any (&text, ":") && take_number (&text, 2, 59, &given.tm_min) &&
                take_any (&text, ":") && take_number (&text, 2, 60, &given.tm_sec) && take_fraction (&text, &micros) &&
                take_offset (&text, &offset) && !*text;
    if (!read) return false;
    given.tm_year -= 1900;
    given.tm_mon -= 1;
    struct tm real = given;
    int64_t seconds = timegm (&real);
    /* a day that its month does not have, or the month 0, has become another day; a leap second may */
    if (given.tm_sec < 60 && (real.tm_mon != given.tm_mon || real.tm_mday != given.tm_mday)) return false;
    *at = (seconds - offset) * SECOND + micros;
    return true;
}
