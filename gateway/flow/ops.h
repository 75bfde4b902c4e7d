/* SPDX-License-Identifier: Apache-2.0
 *
 * What operators and their machines ask: /livez (the program's threads go round, whatever the database does), /readyz (it can take messages now) and, on the ops
 * listener alone, /metrics.
 */
#pragma once
#include "flow/api.h"
#include "flow/dispatch.h"
#include "flow/feed.h"
#include "flow/intake.h"
#include "flow/ping.h"
#include "flow/schedule.h"

struct ops;

struct ops *ops_start (struct intake *intake, struct feed *feed, struct api *api, const struct schedule *schedule, struct ping *ping,
                       struct dispatch *dispatch, size_t queue_max);
void ops_stop (struct ops *ops);

/* From now on /readyz says no, so that a proxy sends nobody here any more. */
void ops_drain (struct ops *ops);

/* Takes exchange. HTTP thread. */
void ops_handle (struct ops *ops, struct http_exchange *exchange, bool with_metrics);
