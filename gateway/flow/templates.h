/* SPDX-License-Identifier: Apache-2.0
 *
 * Keeps the list of templates of each channel that this gateway sends on, as its provider has it (gateway.template): read after a start and a reload,
 * every quarter of an hour, and soon after a notice of topic "template", whichever gateway took it. What cannot be read leaves the list as it was.
 * One thread, and one connection where there are such channels.
 */
#pragma once
#include "base/ids.h"
#include "model/config.h"
#include "net/http_client.h"

struct templates;

/* current (data) is the configuration, a new reference. gateway: whose channels are ours (dispatch_id). */
struct templates *templates_start (struct config *(*current) (void *data), void *data, const struct id *gateway,
                                   struct http_client *client);
/* Begins nothing more. Before http_client_stop, which ends the call that is under way. */
void templates_halt (struct templates *templates);
/* After http_client_stop. */
void templates_stop (struct templates *templates);
