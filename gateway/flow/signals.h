/* SPDX-License-Identifier: Apache-2.0
 *
 * What the customer is shown beside messages: that theirs was read, that somebody types. Fire and forget: a signal goes to the provider at once or
 * never, and who asked for it does not hear what became of it.
 *
 *     switch (signals_send (signals, config, channel, &task)) …
 */
#pragma once
#include "model/config.h"
#include "model/task.h"
#include "net/http_client.h"

struct signals;

/* client outlives them. */
struct signals *signals_new (struct http_client *client);
/* After http_client_stop. */
void signals_free (struct signals *signals);

enum signals_result {
    SIGNALS_TAKEN,
    SIGNALS_NONE, /* the channel has no such signal */
    SIGNALS_FULL, /* as many are under way as may be */
};

/* task: TASK_SIGNAL with to, reply_to and signal; borrowed. channel: of config. Any thread; does not block. */
enum signals_result signals_send (struct signals *signals, struct config *config, const struct channel *channel, const struct task *task);
