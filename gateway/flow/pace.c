/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/pace.h"

#include <glib.h>

/* So much may gather while a channel is silent: a fifth of a second's worth, or one message. */
#define BURST_SECONDS 0.2

#define BACKOFF_BASE (2 * G_TIME_SPAN_SECOND)
#define BACKOFF_LEAST (G_TIME_SPAN_SECOND / 2)

/* What a provider asks for is believed within these. */
#define RETRY_AFTER_LEAST G_TIME_SPAN_SECOND
#define RETRY_AFTER_MOST G_TIME_SPAN_DAY

static double per_microsecond (const struct pace *pace)
{
    return (double) pace->rate / 1000 / G_USEC_PER_SEC;
}

static double burst (const struct pace *pace)
{
    return MAX (1, (double) pace->rate / 1000 * BURST_SECONDS);
}

void pace_set (struct pace *pace, int64_t rate, int concurrency)
{
    pace->rate = rate;
    pace->concurrency = concurrency;
}

static void fill (struct pace *pace, int64_t now)
{
    if (!pace->started) pace->tokens = burst (pace);
    if (pace->started) pace->tokens = MIN (burst (pace), pace->tokens + (double) (now - pace->filled) * per_microsecond (pace));
    pace->started = true;
    pace->filled = now;
}

int pace_room (struct pace *pace, int64_t now)
{
    if (now < pace->not_before || pace->under_way >= pace->concurrency) return 0;
    int free_calls = pace->concurrency - pace->under_way;
    if (!pace->rate) return free_calls;
    fill (pace, now);
    return pace->tokens < 1 ? 0 : MIN (free_calls, (int) pace->tokens);
}

int64_t pace_next (const struct pace *pace, int64_t now)
{
    if (pace->under_way >= pace->concurrency) return INT64_MAX;
    int64_t next = MAX (now, pace->not_before);
    if (pace->rate && pace->started && pace->tokens < 1)
        next = MAX (next, pace->filled + (int64_t) ((1 - pace->tokens) / per_microsecond (pace)) + 1);
    return next;
}

void pace_begin (struct pace *pace, int weight)
{
    pace->under_way++;
    pace->tokens -= weight;
}

void pace_end (struct pace *pace)
{
    pace->under_way--;
}

void pace_wait (struct pace *pace, int64_t until)
{
    pace->not_before = MAX (pace->not_before, until);
}

bool pace_failed (struct pace *pace)
{
    return ++pace->failures == PACE_FAILURES;
}

void pace_worked (struct pace *pace)
{
    pace->failures = 0;
}

int64_t pace_backoff (int attempt, uint32_t random)
{
    int64_t most = MIN (PACE_BACKOFF_MOST, BACKOFF_BASE << CLAMP (attempt - 1, 0, 20));
    return MAX (BACKOFF_LEAST, (int64_t) ((double) most * random / UINT32_MAX));
}

int64_t pace_asked (int64_t after)
{
    return CLAMP (after, RETRY_AFTER_LEAST, RETRY_AFTER_MOST);
}

int64_t pace_pause (int attempt, int64_t after, uint32_t random)
{
    int64_t pause = pace_backoff (attempt, random);
    return after < 0 ? pause : MAX (pause, pace_asked (after));
}
