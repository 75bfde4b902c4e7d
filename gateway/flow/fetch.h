/* SPDX-License-Identifier: Apache-2.0
 *
 * Files of incoming messages: a message is seen at once, its files come after it. They are claimed, asked for by the channel's adapter in as many
 * rounds as it takes (redirects are rounds), stored in storage.directory, and only then noted. One thread with one connection; the calls are the
 * HTTP client's. Nothing is lost when it ends at any moment: what was under way is fetched again.
 *
 * It is tried for as long as limits.fetch_give_up says, or the provider holds it, if that is longer.
 *
 * limits.fetches files are under way at once, of one channel at most half as many: a provider that is slow or dead holds up its own files only.
 */
#pragma once
#include "model/config.h"
#include "net/http_client.h"

struct fetch;

/* current (data) is the configuration, a new reference. changed: something was committed, tell the feed. */
struct fetch *fetch_start (struct config *(*current) (void *data), void (*changed) (void *data), void *data, struct http_client *client,
                           GError **error);
/* Some may have come. Any thread. */
void fetch_wake (struct fetch *fetch);
/* Gives back what is under way. */
void fetch_stop (struct fetch *fetch);
/* After the client was stopped. */
void fetch_free (struct fetch *fetch);
