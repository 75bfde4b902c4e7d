/* SPDX-License-Identifier: Apache-2.0
 *
 * A channel as the configuration describes it. Immutable; lives as long as its struct config.
 */
#pragma once
#include "base/settings.h"

#include <stdint.h>

struct adapter;

/* Rows of struct channel's common: what every channel takes, whatever its adapter. */
enum {
    CHANNEL_RATE,
    CHANNEL_CONCURRENCY,
    CHANNEL_ALLOW_PRIVATE,
    CHANNEL_API_URL,
    CHANNEL_ON_UNCERTAIN,
    CHANNEL_UNCERTAIN_WAIT,
    CHANNEL_GIVE_UP_AFTER,
    CHANNEL_TIMEOUT,
    CHANNEL_PROBE_EVERY,
    CHANNEL_N
};

struct channel {
    const char *account; /* slug */
    const char *slug;
    const struct adapter *adapter;
    struct values *values;          /* rows: adapter->settings */
    struct values *common;          /* rows: CHANNEL_… */
    const char *callback_url;       /* public_url + "/hooks/{account}/{slug}", no slash at the end */
    int64_t account_id, channel_id; /* given by the database when the configuration is synchronised; 0 before */
};
