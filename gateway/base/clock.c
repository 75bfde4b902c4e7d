/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

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
