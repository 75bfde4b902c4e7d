/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sender.h"

#include "model/adapter.h"

/* So long a channel that has become ours waits for its first probe. */
#define FIRST_PROBE_TIME (5 * G_TIME_SPAN_SECOND)
/* Probes in vain that make a channel one that is down, and the pause between them. */
#define PROBES_MOST 3
#define PROBE_AGAIN (2 * G_TIME_SPAN_SECOND)
/* While messages are tried one by one they tell how the channel fares; a probe does where there are none. */
#define PROBE_DOUBTED G_TIME_SPAN_MINUTE

/* A call waits for its turn for so long at most, and is begun while its claim is sure to hold. */
#define PATIENCE (45 * G_TIME_SPAN_SECOND)
G_STATIC_ASSERT (PATIENCE < DELIVERY_MARGIN);
/* The pause of one line grows fourfold with every attempt, so often. */
#define PAIR_GROWS 8

void sender_configure (struct sender *sender, const struct channel *channel)
{
    sender->channel = channel;
    if (!channel) return;
    pace_set (&sender->pace, values_number (channel->common, CHANNEL_RATE), (int) values_number (channel->common, CHANNEL_CONCURRENCY));
    sender->probes = 0;
    sender->probe_at = 0; /* what was wrong may be mended */
}

void sender_take (struct sender *sender, bool down, int64_t monotonic)
{
    sender->down = sender->told_down = down;
    sender->doubted = sender->trying = false;
    sender->probes = 0;
    sender->probe_at = 0;
    sender->hold_until = monotonic + FIRST_PROBE_TIME;
}

int sender_room (struct sender *sender, int64_t monotonic)
{
    bool may = sender->channel && sender->ours && monotonic < sender->own_until && !sender->paused && monotonic >= sender->hold_until;
    int room = may ? pace_room (&sender->pace, monotonic) : 0;
    if (!sender->down) return room;
    return sender->trying && sender->pace.under_way == 0 ? MIN (room, 1) : 0;
}

int64_t sender_patience (const struct sender *sender, const struct channel *channel, int64_t claimed_until, int64_t monotonic)
{
    int64_t latest = claimed_until - values_number (channel->common, CHANNEL_TIMEOUT);
    return monotonic < sender->own_until ? CLAMP (latest - monotonic, 0, PATIENCE) : 0;
}

/* Whether a probe that succeeds says that the channel works. Where sends failed it does not, unless each of them would have been tried again
 * since: then nothing waits, and nothing but a probe can tell. */
static bool is_proof (const struct sender *sender, int64_t monotonic)
{
    int64_t pause = PACE_BACKOFF_MOST + values_number (sender->channel->common, CHANNEL_UNCERTAIN_WAIT);
    return !sender->doubted || (sender->trying && monotonic - sender->failed_at > pause);
}

/* When the next try of an attempt that may be repeated is due; 0: that would be too late. */
static int64_t next_try (const struct delivery *delivery, int64_t after, int64_t now, uint32_t random)
{
    int64_t pause = pace_pause (delivery->attempt, after, random);
    return now + pause <= delivery->give_up_at ? now + pause : 0;
}

/* Who has had too much on one line has to wait for longer each time, and nobody else has ("pair rate limit": 4^X seconds). */
static int64_t pair_pause (int attempt, int64_t after)
{
    return pace_asked (after) << 2 * CLAMP (attempt - 1, 0, PAIR_GROWS);
}

static void retry (struct settlement *s, const struct verdict *verdict, int64_t now, uint32_t random)
{
    bool is_of_pair = verdict->kind == VERDICT_RETRY && verdict->scope == SCOPE_PAIR && verdict->after >= 0;
    int64_t after = is_of_pair ? pair_pause (s->delivery->attempt, verdict->after) : verdict->after;
    s->outcome = OUTCOME_RETRY;
    s->retry_at = next_try (s->delivery, after, now, random);
    if (s->retry_at) return;
    s->outcome = OUTCOME_FAILED;
    s->code = "given_up";
    s->title = "it could not be sent within the channel's give_up_after";
}

/* A message of several parts: each may take as long as a call may. */
static void sent (struct settlement *s, const struct channel *channel, int64_t now)
{
    bool more = s->delivery->task.part + 1 < s->delivery->n_parts;
    s->outcome = more ? OUTCOME_PROGRESS : OUTCOME_SENT;
    if (more) s->retry_at = now + values_number (channel->common, CHANNEL_TIMEOUT) + DELIVERY_MARGIN;
}

/* What may have happened is tried again after a while, in which a receipt may settle it; or it waits for a hand. */
static void unsure (struct settlement *s, const struct channel *channel, int64_t now)
{
    s->outcome = OUTCOME_UNCERTAIN;
    bool hold = g_str_equal (values_text (channel->common, CHANNEL_ON_UNCERTAIN), "hold");
    int64_t again = now + values_number (channel->common, CHANNEL_UNCERTAIN_WAIT);
    s->retry_at = hold || again > s->delivery->give_up_at ? 0 : again;
}

struct settlement *sender_judge (const struct channel *channel, struct delivery *delivery, struct verdict *verdict, int64_t now,
                                 uint32_t random)
{
    struct settlement *s = g_new0 (struct settlement, 1);
    s->delivery = delivery;
    s->code = verdict->code;
    s->title = verdict->title;
    s->detail = g_steal_pointer (&verdict->detail);
    s->provider_code = g_steal_pointer (&verdict->provider_code);
    s->external_id = g_steal_pointer (&verdict->external_id);
    if (verdict->kind != VERDICT_SENT) s->notes = g_steal_pointer (&verdict->notes); /* of this part only */
    switch (verdict->kind) {
    case VERDICT_SENT: sent (s, channel, now); break;
    case VERDICT_REFUSED: s->outcome = OUTCOME_FAILED; break;
    case VERDICT_OPTED_OUT: s->outcome = OUTCOME_OPTED_OUT; break;
    case VERDICT_UNCERTAIN: unsure (s, channel, now); break;
    case VERDICT_RETRY:
    case VERDICT_CHANNEL_DOWN: retry (s, verdict, now, random); break;
    case VERDICT_NEXT:
    case VERDICT_DEGRADED: g_assert_not_reached ();
    }
    return s;
}

static const char *comes_up (struct sender *sender, const char *health)
{
    sender->down = sender->doubted = sender->trying = false;
    sender->probes = 0;
    pace_worked (&sender->pace);
    return health;
}

static const char *goes_down (struct sender *sender, int64_t monotonic)
{
    sender->down = sender->doubted = true;
    sender->probes = 0;
    sender->probe_at = monotonic + G_TIME_SPAN_SECOND;
    return "down";
}

void sender_told (struct sender *sender, bool down, int64_t monotonic)
{
    if (down == sender->told_down) return;
    sender->told_down = down;
    if (down == sender->down) return;
    if (down) {
        sender->failed_at = monotonic;
        goes_down (sender, monotonic);
    } else {
        comes_up (sender, "up");
        sender->probe_at = monotonic; /* whether it is a degraded one, a probe knows */
    }
}

const char *sender_learn (struct sender *sender, const struct verdict *verdict, int64_t monotonic, uint32_t random)
{
    bool failed = verdict->scope == SCOPE_PROVIDER || verdict->kind == VERDICT_CHANNEL_DOWN, tried = sender->trying;
    if (verdict->kind == VERDICT_RETRY && verdict->scope == SCOPE_CHANNEL && verdict->after >= 0)
        pace_wait (&sender->pace, monotonic + pace_asked (verdict->after));
    if (!failed) {
        pace_worked (&sender->pace);
        if (tried) sender->probe_at = monotonic; /* whether it is a degraded one, a probe knows */
        return tried ? comes_up (sender, "up") : NULL;
    }
    sender->failed_at = monotonic;
    if (tried) {
        sender->trying = false;
        sender->probe_at = monotonic + pace_backoff (++sender->probes, random);
    }
    bool opens = verdict->kind == VERDICT_CHANNEL_DOWN || pace_failed (&sender->pace);
    return opens && !sender->down ? goes_down (sender, monotonic) : NULL;
}

bool sender_probe_due (const struct sender *sender, int64_t monotonic)
{
    return sender->channel && sender->ours && !sender->probing && monotonic >= sender->probe_at;
}

const char *sender_probed (struct sender *sender, const struct verdict *verdict, int64_t monotonic, uint32_t random)
{
    sender->probing = false;
    sender->hold_until = 0;
    if (verdict->kind == VERDICT_SENT || verdict->kind == VERDICT_DEGRADED) {
        bool proven = is_proof (sender, monotonic);
        sender->trying = !proven;
        sender->probe_at = monotonic + (proven ? values_number (sender->channel->common, CHANNEL_PROBE_EVERY) : PROBE_DOUBTED);
        return proven ? comes_up (sender, verdict->kind == VERDICT_SENT ? "up" : "degraded") : NULL;
    }
    sender->trying = false;
    bool is_there = verdict->kind == VERDICT_RETRY && verdict->scope == SCOPE_CHANNEL;
    bool sure = ++sender->probes >= PROBES_MOST || sender->down || verdict->kind != VERDICT_RETRY;
    sender->probe_at = monotonic + (sure || is_there ? pace_backoff (sender->probes, random) : PROBE_AGAIN);
    if (is_there || !sure) return NULL;
    sender->down = true;
    return "down";
}
