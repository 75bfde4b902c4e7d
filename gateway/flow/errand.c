/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/errand.h"

#include "base/clock.h"
#include "flow/sender.h"

#define CONNECT_TIME (5 * G_TIME_SPAN_SECOND)

struct errands {
    struct http_client *client;
    GMutex lock;
    GCond landed;
    bool halted;
};

/* One call; its result is owned here. */
struct trip {
    struct errands *errands;
    struct call_outcome outcome;
    char *words, *content_type, *location;
    bool over;
};

static void landed (const struct call_outcome *outcome, void *data)
{
    struct trip *trip = data;
    struct errands *errands = trip->errands;
    trip->outcome = *outcome;
    trip->outcome.words = trip->words = g_strdup (outcome->words);
    trip->outcome.answer.content_type = trip->content_type = g_strdup (outcome->answer.content_type);
    trip->outcome.answer.location = trip->location = g_strdup (outcome->answer.location);
    if (outcome->answer.body) g_bytes_ref (outcome->answer.body);
    g_mutex_lock (&errands->lock);
    trip->over = true;
    g_cond_broadcast (&errands->landed);
    g_mutex_unlock (&errands->lock);
}

static void trip_clear (struct trip *trip)
{
    g_clear_pointer (&trip->outcome.answer.body, g_bytes_unref);
    g_free (trip->words);
    g_free (trip->content_type);
    g_free (trip->location);
}

/* False: no call is begun any more. */
static bool go (struct errands *errands, const struct channel *channel, struct call_request *call, struct trip *trip)
{
    const struct http_client_limits limits = {
        .allow_private = values_number (channel->common, CHANNEL_ALLOW_PRIVATE) != 0,
        .connect = CONNECT_TIME,
        .whole = values_number (channel->common, CHANNEL_TIMEOUT),
    };
    g_mutex_lock (&errands->lock);
    bool may = !errands->halted;
    if (may) http_client_call (errands->client, call, &limits, landed, trip);
    while (may && !trip->over) g_cond_wait (&errands->landed, &errands->lock);
    g_mutex_unlock (&errands->lock);
    return may;
}

static void judge (const struct channel *channel, const struct task *task, const char *notes, const struct call_outcome *outcome,
                   struct verdict *verdict)
{
    if (outcome->result == CALL_ANSWERED)
        channel->adapter->judge (channel, task, notes, &outcome->answer, clock_now (), verdict);
    else
        sender_verdict_of_silence (outcome, false, verdict);
}

void errands_run (struct errands *errands, const struct channel *channel, const struct task *task,
                  bool (*round) (struct verdict *verdict, void *data), void *data, struct verdict *verdict)
{
    g_autofree char *notes = NULL;
    for (;;) {
        struct call_request call = {0};
        struct trip trip = {.errands = errands};
        *verdict = (struct verdict){.kind = VERDICT_SENT, .after = -1};
        if (!channel->adapter->compose (channel, task, notes, clock_now (), &call)) {
            call_request_clear (&call);
            return;
        }
        if (go (errands, channel, &call, &trip)) {
            judge (channel, task, notes, &trip.outcome, verdict);
        } else {
            call_request_clear (&call);
            verdict->kind = VERDICT_RETRY;
            verdict->title = "the gateway is stopping";
        }
        trip_clear (&trip);
        if ((round && !round (verdict, data)) || verdict->kind != VERDICT_NEXT) return;
        g_free (notes);
        notes = g_steal_pointer (&verdict->notes);
        verdict_clear (verdict);
    }
}

struct errands *errands_new (struct http_client *client)
{
    struct errands *errands = g_new0 (struct errands, 1);
    errands->client = client;
    g_mutex_init (&errands->lock);
    g_cond_init (&errands->landed);
    return errands;
}

void errands_halt (struct errands *errands)
{
    if (!errands) return;
    g_mutex_lock (&errands->lock);
    errands->halted = true;
    g_mutex_unlock (&errands->lock);
}

bool errands_halted (struct errands *errands)
{
    g_mutex_lock (&errands->lock);
    bool halted = errands->halted;
    g_mutex_unlock (&errands->lock);
    return halted;
}

void errands_free (struct errands *errands)
{
    if (!errands) return;
    g_mutex_clear (&errands->lock);
    g_cond_clear (&errands->landed);
    g_free (errands);
}
