/* SPDX-License-Identifier: Apache-2.0
 *
 * A channel as the dispatcher sees it: its pace, whether it is ours to send on, how it fares; and the decision what an attempt's end means
 * for its delivery. The dispatcher's thread only.
 */
#pragma once
#include "flow/delivery.h"
#include "flow/pace.h"
#include "model/channel.h"

struct sender {
    int64_t account_id, channel_id;
    const struct channel *channel; /* of the dispatcher's configuration; NULL: it left the file */
    struct pace pace;
    bool ours, paused, down;
    bool told_down;     /* so the database says, as far as we know: others write it, too */
    bool doubted;       /* down because sends failed: that a probe succeeds proves little */
    bool trying;        /* down, but one message at a time may leave: an answer to it says that sending works */
    bool probing;       /* a probe is under way */
    bool dry;           /* the last claim found less than there was room for: not claimed again until something may be there */
    int wanted;         /* of a claim: how many more there was room for */
    int64_t own_until;  /* monotonic */
    int64_t hold_until; /* monotonic; before it nothing is sent, for the first probe has yet to say whether anything can be */
    int64_t probe_at;   /* monotonic; not before it the provider is asked */
    int64_t failed_at;  /* monotonic; when a send last spoke against the channel */
    int probes;         /* in vain, since one succeeded */
};

/* Takes limits from the channel's settings. */
void sender_configure (struct sender *sender, const struct channel *channel);

/* The channel becomes ours. down: that is how whoever had it before left it. */
void sender_take (struct sender *sender, bool down, int64_t monotonic);

/* What the database says now of a channel that is ours: where that has changed, somebody else heard it, of the provider itself perhaps. A channel
 * that is down by that is as doubted as one whose sends failed. */
void sender_told (struct sender *sender, bool down, int64_t monotonic);

/* How many deliveries may be begun now. */
int sender_room (struct sender *sender, int64_t monotonic);

/* How long (µs) the next call of an attempt may wait for its turn, so that the claim outlasts the call. 0: it is not begun any more: it would come too
 * late for that, or the channel may be another gateway's by now. channel: whose timeout the call has. */
int64_t sender_patience (const struct sender *sender, const struct channel *channel, int64_t claimed_until, int64_t monotonic);

/* What the end of an attempt means. delivery is taken; verdict is read, its strings may be taken. now: µs since 1970. */
struct settlement *sender_judge (const struct channel *channel, struct delivery *delivery, struct verdict *verdict, int64_t now,
                                 uint32_t random);

/* What a send's verdict says of the channel as a whole: its pause, its circuit. "down" or "up": so it is from now on, by this one; NULL: as before.
 * A circuit that failed sends have opened is closed by a send: after a probe that succeeds one is tried, and where that fails, the next only after
 * a pause that doubles. random: any 32 bits. */
const char *sender_learn (struct sender *sender, const struct verdict *verdict, int64_t monotonic, uint32_t random);

/* Whether the provider is to be asked now if the channel is set up well. */
bool sender_probe_due (const struct sender *sender, int64_t monotonic);

/* What a probe's end says: "up", "degraded" or "down"; NULL: nothing yet. One that cannot be reached is down after the third try, so that
 * a short absence alarms nobody. Of a circuit that failed sends have opened it says "up" only where none has failed for so long that none waits. */
const char *sender_probed (struct sender *sender, const struct verdict *verdict, int64_t monotonic, uint32_t random);
