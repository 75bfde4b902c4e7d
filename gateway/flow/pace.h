/* SPDX-License-Identifier: Apache-2.0
 *
 * How fast a channel may send, and whether it may at all: a smooth token bucket that counts what the provider counts, the calls under way,
 * a pause that the provider asked for, and a circuit that opens after repeated failures. Pure: the clock is an argument (monotonic µs).
 *
 *     int n = pace_room (&pace, now);         // how many deliveries may be begun now
 *     pace_begin (&pace, weight);             // for each
 *     …
 *     pace_end (&pace);                       // when its call is over
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* Failures in a row that open the circuit. */
#define PACE_FAILURES 5
/* The longest pause of pace_backoff; µs. */
#define PACE_BACKOFF_MOST INT64_C (600000000)

struct pace {
    int64_t rate; /* thousandths a second; 0: as fast as the provider answers */
    int concurrency;
    /* the rest is pace's own */
    double tokens;
    int64_t filled; /* when tokens were last counted */
    int64_t not_before;
    int under_way, failures;
    bool started;
};

/* Sets or changes the limits; what is under way stays counted. */
void pace_set (struct pace *pace, int64_t rate, int concurrency);
/* How many deliveries may be begun now, at least 0. */
int pace_room (struct pace *pace, int64_t now);
/* When there may be room again, if nothing ends before: monotonic µs; INT64_MAX: only an end makes room. */
int64_t pace_next (const struct pace *pace, int64_t now);
/* weight: what the provider counts. A heavy one is begun with a single token and paid for afterwards. */
void pace_begin (struct pace *pace, int weight);
void pace_end (struct pace *pace);
/* Nothing is begun before until. */
void pace_wait (struct pace *pace, int64_t until);
/* True: this failure opened the circuit. */
bool pace_failed (struct pace *pace);
void pace_worked (struct pace *pace);

/* Full jitter (Brooker): a random time within base doubled by every attempt, at most a cap. random: any 32 bits. µs. */
int64_t pace_backoff (int attempt, uint32_t random);
/* What a provider asks for (µs), within what is believed of it: a second to a day. */
int64_t pace_asked (int64_t after);
/* How long to wait after a failed attempt: pace_backoff, or what the provider asks for if that is longer; after -1: it asks for nothing. */
int64_t pace_pause (int attempt, int64_t after, uint32_t random);
