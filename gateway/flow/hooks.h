/* SPDX-License-Identifier: Apache-2.0
 *
 * /hooks/{account}/{channel}[/{secret}]: what providers call. The channel's adapter verifies and translates on the HTTP thread, the intake
 * stores, and only after COMMIT the adapter's reply goes out. A stranger and an unknown channel get the same 403. An item that names another
 * channel (struct routing) is that one's; where there is no such channel the item is left out and its request waits in the quarantine, too.
 */
#pragma once
#include "flow/intake.h"
#include "model/config.h"
#include "net/http_server.h"

/* config: borrowed for the call. Takes exchange. HTTP thread. */
void hooks_handle (struct intake *intake, const struct config *config, struct http_exchange *exchange);

/* Runs a quarantined request again, as one of today: raw as the journal has it, at when it first came. NULL: done is called with data, later,
 * or at once with INTAKE_BUSY where the intake takes nothing now, and with INTAKE_QUARANTINED where part of it still is not understood; else the
 * reason why nothing of it is, to be freed. */
char *hooks_reprocess (struct intake *intake, const struct config *config, const struct channel *channel, GBytes *raw, int64_t at,
                       void (*done) (struct intake_job *job, enum intake_outcome outcome), void *data);
