/* SPDX-License-Identifier: Apache-2.0
 *
 * Wall-clock instants are int64_t microseconds since 1970 UTC; intervals are measured with g_get_monotonic_time.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* "2026-11-24T04:28:45.123456Z" and the closing NUL. */
#define CLOCK_TEXT_SIZE 28

/* Microseconds since 1970 UTC. */
int64_t clock_now (void);

/* RFC 3339, UTC, six decimals. */
void clock_format (int64_t at, char text[CLOCK_TEXT_SIZE]);

/* The inverse, for any offset and number of decimals (RFC 3339 §5.6); what is finer than a microsecond is cut off. False: text is no instant. */
bool clock_parse (const char *text, int64_t *at);
