/* SPDX-License-Identifier: Apache-2.0
 *
 * All channels of the configuration as the dispatcher sees them, and which of them are this gateway's to send on: a channel is one gateway's at a
 * time, by a lease in the database that its owner renews. The dispatcher's thread only.
 *
 *     struct senders *senders = senders_new (&gateway_id, lease);
 *     senders_follow (senders, config);                    // at first, and after a reload
 *     if (senders_renew (senders, db, &error)) …           // each turn
 */
#pragma once
#include "base/auto.h"
#include "base/ids.h"
#include "flow/sender.h"
#include "model/config.h"
#include "store/db.h"

struct senders {
    GHashTable *by_channel; /* channel_id → struct sender; none is ever taken out */
    /* the rest is senders' own */
    struct id gateway_id;
    int64_t lease;
    int64_t next_renewal; /* monotonic */
};

/* lease: µs. */
struct senders *senders_new (const struct id *gateway_id, int64_t lease);
void senders_free (struct senders *senders);

/* Senders point into config from now on, which is to outlive that; those whose channel left it have none. */
void senders_follow (struct senders *senders, const struct config *config);

/* NULL: there is none. */
struct sender *senders_find (const struct senders *senders, int64_t channel_id);

/* Two parameters, account_ids and channel_ids: of the channels that are configured, or only of those among them that are ours. */
void senders_put (const struct senders *senders, params *p, bool ours_only);

/* Takes and keeps what leases it can get, when that is due. What another gateway left under way on a channel that has just become ours is
 * due again, as lost. False: the database is away; leases run out by themselves. */
bool senders_renew (struct senders *senders, struct db *db, GError **error);

/* What may be begun: counts[i], more than 0, of each channel. */
struct room {
    int64_t *accounts, *channels;
    int *counts;
    size_t n;
    int64_t longest; /* the longest time (µs) that a call on one of them may take */
};
void room_free (struct room *room);
AUTO_FREE (room, room_free)

/* Of the channels that are ours and may have something; what is claimed now is taken off their sender's `wanted`. NULL: there is no room. */
struct room *senders_room (struct senders *senders, int64_t monotonic);

/* After all lanes were claimed from: where one more could have come and did not, there is none. */
void senders_note_dry (struct senders *senders);
/* Something may be there on each of them again. */
void senders_look_again (struct senders *senders);

/* When the clock alone lets one of them send or asks for a probe: at the latest at most. Monotonic µs. */
int64_t senders_next (const struct senders *senders, int64_t now, int64_t most);
