/* SPDX-License-Identifier: Apache-2.0
 *
 * Which channels the items of one request belong to: one URL of a provider's may serve several numbers.
 */
#pragma once
#include "model/config.h"

#include "model/adapter.h"

/* Fills channel_id of every item of a request that came to called. An item that names no route stays there; else it is the channel's of the same
 * account and adapter that has this route and shares a secret with called (struct routing). An item of no channel is left out, and
 * received->reason says so. A notice of an account at the provider is told once for each channel of that account. */
void item_route (const struct config *config, const struct channel *called, struct received *received);
