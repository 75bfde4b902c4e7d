/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/signals.h"

#include "base/log.h"
#include "flow/round.h"
#include "model/adapter.h"

/* Calls at once: they must not take messages' connections. */
#define UNDER_WAY_MOST 50
/* Later it says nothing any more. */
#define WAIT_MOST (5 * G_TIME_SPAN_SECOND)

struct signals {
    struct http_client *client;
    GMutex lock;
    unsigned under_way;  /* under lock */
    GHashTable *failing; /* under lock; set of channel ids whose last signal failed, so that this is told once */
};

/* One on its way; the HTTP client's data. */
struct flight {
    struct signals *signals;
    struct config *config;
    const struct channel *channel; /* of that configuration */
    struct task task;
};

static void flight_free (struct flight *flight)
{
    config_unref (flight->config);
    task_clear (&flight->task);
    g_free (flight);
}

static struct flight *flight_new (struct signals *signals, struct config *config, const struct channel *channel, const struct task *task)
{
    struct flight *flight = g_new0 (struct flight, 1);
    flight->signals = signals;
    flight->config = config_ref (config);
    flight->channel = channel;
    flight->task.kind = TASK_SIGNAL;
    flight->task.signal = task->signal;
    flight->task.to = g_strdup (task->to);
    flight->task.reply_to = g_strdup (task->reply_to);
    return flight;
}

/* True: this channel's signals fail from now on. */
static bool begins_to_fail (struct signals *signals, int64_t channel_id, bool failed)
{
    g_mutex_lock (&signals->lock);
    signals->under_way--;
    bool begins = failed && g_hash_table_add (signals->failing, g_memdup2 (&channel_id, sizeof channel_id));
    if (!failed) g_hash_table_remove (signals->failing, &channel_id);
    g_mutex_unlock (&signals->lock);
    return begins;
}

/* On the client's thread. */
static void landed (const struct call_outcome *outcome, void *data)
{
    struct flight *flight = data;
    const struct channel *channel = flight->channel;
    struct verdict verdict;
    round_judge (channel, &flight->task, NULL, outcome, false, &verdict);
    bool failed = verdict.kind != VERDICT_SENT;
    const char *why = verdict.title ? verdict.title : "the provider takes none";
    if (begins_to_fail (flight->signals, channel->channel_id, failed))
        log_warning ("signal.failed", "channel %s/%s: signals fail: %s", channel->account, channel->slug, why);
    else if (failed)
        log_debug ("signal.failed", "channel %s/%s: %s", channel->account, channel->slug, why);
    verdict_clear (&verdict);
    flight_free (flight);
}

static bool take_room (struct signals *signals)
{
    g_mutex_lock (&signals->lock);
    bool room = signals->under_way < UNDER_WAY_MOST;
    if (room) signals->under_way++;
    g_mutex_unlock (&signals->lock);
    return room;
}

enum signals_result signals_send (struct signals *signals, struct config *config, const struct channel *channel, const struct task *task)
{
    struct call_request call;
    if (!channel->adapter->compose || !round_compose (channel, task, NULL, &call)) return SIGNALS_NONE;
    if (!take_room (signals)) {
        call_request_clear (&call);
        return SIGNALS_FULL;
    }
    round_perform (signals->client, channel, &call, WAIT_MOST, landed, flight_new (signals, config, channel, task));
    return SIGNALS_TAKEN;
}

struct signals *signals_new (struct http_client *client)
{
    struct signals *signals = g_new0 (struct signals, 1);
    signals->client = client;
    signals->failing = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
    g_mutex_init (&signals->lock);
    return signals;
}

void signals_free (struct signals *signals)
{
    if (!signals) return;
    g_hash_table_unref (signals->failing);
    g_mutex_clear (&signals->lock);
    g_free (signals);
}
