/* SPDX-License-Identifier: Apache-2.0
 *
 * Event streams (text/event-stream, WHATWG). One thread reads the events that any stream still lacks and writes them; a stream is a position in
 * its account's log, not a queue, so a slow reader costs nothing and a cut one resumes where it was. Streams at one position share one query.
 */
#pragma once
#include "model/config.h"
#include "net/http_server.h"

struct feed;

struct feed *feed_start (struct config *(*current) (void *data), void *data, GError **error);
/* Ends every stream. */
void feed_stop (struct feed *feed);
/* After feed_stop, once nobody can wake it any more. */
void feed_free (struct feed *feed);

/* Something was committed; the heads of the logs tell for whom. Any thread; cheap. */
void feed_wake (struct feed *feed);

/* Takes exchange and streams the account's events after that number, as long as the key with this hash is good. False: too many streams; the
 * exchange is still the caller's. */
bool feed_add (struct feed *feed, struct http_exchange *exchange, int64_t account_id, const uint8_t key_hash[32], int64_t after);
unsigned feed_streams (struct feed *feed);
/* How old, in µs, the oldest event of the last piece was when it was written to its streams. */
int64_t feed_lag (struct feed *feed);
