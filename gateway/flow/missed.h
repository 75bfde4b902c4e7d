/* SPDX-License-Identifier: Apache-2.0
 *
 * Knows up to when everything that came in is known, of each channel that this gateway sends on (gateway.channel_state.seen_to), and has the
 * provider's list read where that is not now: after a start, and after requests were refused because the database was away or the queue full.
 * One thread with one connection; a few more while lists are read, so that a provider that hangs holds up no other.
 */
#pragma once
#include "base/ids.h"
#include "flow/intake.h"
#include "model/config.h"
#include "net/http_client.h"

struct missed;

/* current (data) is the configuration, a new reference. gateway: whose channels are ours (dispatch_id). */
struct missed *missed_start (struct config *(*current) (void *data), void *data, const struct id *gateway, struct intake *intake,
                             struct http_client *client, GError **error);
/* Begins nothing more. Before http_client_stop, which ends the calls that are under way. */
void missed_halt (struct missed *missed);
/* After http_client_stop. */
void missed_stop (struct missed *missed);
