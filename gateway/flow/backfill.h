/* SPDX-License-Identifier: Apache-2.0
 *
 * What came in while nobody listened: the provider's own list is read, and the messages of it that are not known go through the intake like
 * any others, oldest first. It may run beside everything else, another backfill too: a message that comes twice is one.
 */
#pragma once
#include "flow/intake.h"
#include "flow/tasks.h"
#include "store/db.h"

/* Before a time that is asked for, so much more is read: the provider's clock and ours, and what it was just then trying to deliver. */
#define BACKFILL_MARGIN (5 * G_TIME_SPAN_MINUTE)

struct backfill {
    struct tasks *tasks;
    struct intake *intake;
    struct db *db;                 /* the caller's, to ask what is known */
    const struct channel *channel; /* with its ids */
    int64_t since, until;          /* µs since 1970 */
};

struct backfill_count {
    unsigned found, stored; /* in the provider's list; of these, those that were not known */
};

/* How far back what came in can be told from what did not, on a gateway that keeps providers' ids so long (µs); since must not be earlier. */
int64_t backfill_horizon (int64_t now, int64_t provider_ids);

/* Blocks. False: not all of it was read or stored, count says how much was; again later does no harm. */
bool backfill_run (const struct backfill *backfill, struct backfill_count *count, GError **error);
