/* SPDX-License-Identifier: Apache-2.0
 *
 * The way out: deliveries are claimed, each is composed by its channel's adapter, performed by the HTTP client, judged by the adapter, and
 * settled in batches. One thread with one connection; it owns the pace of every channel that this gateway may send on, by a lease in the
 * database. Nothing is lost when it ends at any moment: what was under way comes back as lost, and so as uncertain.
 */
#pragma once
#include "base/ids.h"
#include "model/config.h"
#include "net/http_client.h"

struct dispatch;

/* current (data) is the configuration, a new reference. changed: something was committed, tell the feed. */
struct dispatch *dispatch_start (struct config *(*current) (void *data), void (*changed) (void *data), void *data,
                                 struct http_client *client, GError **error);
/* This run of the program, as its leases name it. */
const struct id *dispatch_id (const struct dispatch *dispatch);
/* Something may be due. Any thread. */
void dispatch_wake (struct dispatch *dispatch);
/* Claims nothing more, waits a while for what is under way, gives the rest and the leases back. */
void dispatch_stop (struct dispatch *dispatch);
void dispatch_free (struct dispatch *dispatch);

struct dispatch_state {
    unsigned under_way, channels; /* calls; channels that are this gateway's to send on */
    int64_t waiting;              /* deliveries of these channels, counted up to 100,000, some seconds ago */
    int64_t oldest_due;           /* µs since 1970: since when the oldest of them could have gone; 0: none is late */
    bool connected;
    int64_t turned; /* monotonic µs of the last turn of its loop */
};
void dispatch_look (struct dispatch *dispatch, struct dispatch_state *state);
