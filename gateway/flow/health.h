/* SPDX-License-Identifier: Apache-2.0
 *
 * How the channels that this gateway sends on fare: providers are asked now and then whether they are set up well, those that are down, whether they
 * work again; what that says, and what sends say, goes to the database, to the log and to whoever follows the events. The dispatcher's thread.
 */
#pragma once
#include "base/worker.h"
#include "flow/senders.h"
#include "model/config.h"
#include "net/http_client.h"
#include "store/db.h"

struct health;

/* All are borrowed. worker: the dispatcher's, which is woken when a provider has answered. changed: something was committed, tell the feed. */
struct health *health_new (struct http_client *client, struct db *db, struct worker *worker, void (*changed) (void *data), void *data);
/* After http_client_stop. */
void health_free (struct health *health);

/* Asks the providers of those whose time has come. config: what senders point into. */
void health_probe (struct health *health, const struct senders *senders, struct config *config);
/* Judges what they have answered. */
void health_judge (struct health *health);
unsigned health_under_way (const struct health *health);

/* Says how a channel of that sender fares from now on: "up", "degraded", "down". of_message: the verdict is on a message. False: the database does not
 * know it. */
bool health_set (struct health *health, struct sender *sender, const struct channel *channel, const char *how,
                 const struct verdict *verdict, bool of_message);
