/* SPDX-License-Identifier: Apache-2.0
 *
 * /v1, /media and /openapi.json. A request is matched and its key's form is checked on the HTTP thread; what needs the database waits in a bounded
 * queue for one of the workers, each with a connection of its own. Bodies are JSON that SQL functions built, passed through.
 */
#pragma once
#include "flow/feed.h"
#include "flow/intake.h"
#include "flow/signals.h"
#include "model/config.h"
#include "net/http_server.h"

struct api;

/* current (data) gives a reference to the configuration of the moment: any thread, for every request. committed: something of this account was stored, perhaps to be sent; any thread, must not
 * block. intake, feed and signals are borrowed until api_free. NULL with *error set: no connection to the database, or nothing to sign URLs with. */
struct api *api_start (struct config *(*current) (void *data), void (*committed) (int64_t account_id, void *data), void *data,
                       struct intake *intake, struct feed *feed, struct signals *signals, GError **error);
/* Answers what waits, then ends. After intake_stop: what the intake holds comes back here. */
void api_stop (struct api *api);
/* After api_stop, once nobody can hand it anything any more. */
void api_free (struct api *api);

/* The largest body of a request to the API. */
size_t api_body_max (const struct http_request *head, const struct config *config);

/* Takes exchange. HTTP thread. */
void api_handle (struct api *api, struct http_exchange *exchange);

struct api_state {
    size_t waiting;
    unsigned connections, connected;
};
void api_look (struct api *api, struct api_state *state);
