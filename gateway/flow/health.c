/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/health.h"

#include "base/clock.h"
#include "base/log.h"
#include "flow/round.h"

/* A probe is repeated after so long when the database could not be told what it found. */
#define PROBE_UNKNOWN (2 * G_TIME_SPAN_SECOND)

#define SET_HEALTH "select set_health ($1, $2, $3, $4, $5, $6)"

struct health {
    struct http_client *client;
    struct db *db;
    struct worker *worker;
    void (*changed) (void *data);
    void *data;
    unsigned under_way;
    struct probe *finished; /* newest first; under the worker's lock */
};

/* One on its way; the HTTP client's data. */
struct probe {
    struct health *health;
    struct sender *sender;
    struct config *config;         /* a reference: a reload does not touch what is under way */
    const struct channel *channel; /* of that configuration */
    struct task task;
    char *notes;
    struct call_outcome outcome; /* kept */
    struct probe *next;
};

static void probe_free (struct probe *probe)
{
    config_unref (probe->config);
    g_free (probe->notes);
    call_outcome_clear (&probe->outcome);
    g_free (probe);
}

/* ---- what is known ---- */

/* Health that has changed is told once, to the log and to whoever follows the events. What a provider says to a message may repeat the
 * customer's words, so that is not told: the message's attempts have it. */
static void tell (struct health *health, const struct channel *channel, const char *how, const struct verdict *verdict, bool of_message)
{
    const char *cause = verdict->title ? verdict->title : how, *detail = verdict->detail ? verdict->detail : "";
    if (of_message) detail = verdict->provider_code ? verdict->provider_code : "";
    if (g_str_equal (how, "up"))
        log_info ("channel.up", "channel %s/%s works", channel->account, channel->slug);
    else if (g_str_equal (how, "degraded"))
        log_warning ("channel.degraded", "channel %s/%s: %s: %s", channel->account, channel->slug, cause, detail);
    else
        log_error ("channel.down", "channel %s/%s: %s: %s", channel->account, channel->slug, cause, detail);
    health->changed (health->data);
}

bool health_set (struct health *health, struct sender *sender, const struct channel *channel, const char *how,
                 const struct verdict *verdict, bool of_message)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (params) p = params_new (6);
    params_int64 (p, channel->account_id);
    params_int64 (p, channel->channel_id);
    params_text (p, how);
    bool up = g_str_equal (how, "up"); /* then the verdict may be of a message */
    params_text (p, up ? NULL : verdict->title);
    params_text (p, up ? NULL : verdict->remedy);
    params_time (p, clock_now ());
    g_autoptr (db_result) r = db_call (health->db, SET_HEALTH, p, &error);
    if (r) sender->told_down = g_str_equal (how, "down");
    if (r && db_int64 (r, 0, 0)) tell (health, channel, how, verdict, of_message);
    if (!r) log_warning ("dispatch.failed", "%s", error->message);
    return r != NULL;
}

/* ---- probes ---- */

/* On the client's thread: keeps what came back and wakes the dispatcher. */
static void landed (const struct call_outcome *outcome, void *data)
{
    struct probe *probe = data;
    struct health *health = probe->health;
    call_outcome_clear (&probe->outcome);
    call_outcome_keep (outcome, &probe->outcome);
    g_mutex_lock (&health->worker->lock);
    probe->next = health->finished;
    health->finished = probe;
    worker_wake_locked (health->worker);
    g_mutex_unlock (&health->worker->lock);
}

/* False: there is no call to make. */
static bool take_off (struct probe *probe)
{
    struct call_request call;
    if (!round_compose (probe->channel, &probe->task, probe->notes, &call)) return false;
    probe->health->under_way++;
    round_perform (probe->health->client, probe->channel, &call, 0, landed, probe);
    return true;
}

/* What was asked before a reload says nothing of the channel as it is now. */
static void end (struct probe *probe, const struct verdict *verdict)
{
    struct sender *sender = probe->sender;
    int64_t now = g_get_monotonic_time ();
    if (probe->channel == sender->channel) {
        const char *how = sender_probed (sender, verdict, now, g_random_int ());
        if (how && !health_set (probe->health, sender, probe->channel, how, verdict, false)) sender->probe_at = now + PROBE_UNKNOWN;
    } else {
        sender->probing = false;
    }
    probe_free (probe);
}

/* True: another round of it is under way. */
static bool goes_on (struct probe *probe, struct verdict *verdict)
{
    if (verdict->kind != VERDICT_NEXT) return false;
    g_free (probe->notes);
    probe->notes = g_steal_pointer (&verdict->notes);
    if (take_off (probe)) return true;
    verdict->kind = VERDICT_SENT; /* nothing was left to ask */
    return false;
}

void health_judge (struct health *health)
{
    g_mutex_lock (&health->worker->lock);
    struct probe *probe = g_steal_pointer (&health->finished);
    g_mutex_unlock (&health->worker->lock);
    for (struct probe *next; probe; probe = next) {
        struct verdict verdict;
        next = probe->next;
        health->under_way--;
        round_judge (probe->channel, &probe->task, probe->notes, &probe->outcome, false, &verdict);
        if (!goes_on (probe, &verdict)) end (probe, &verdict);
        verdict_clear (&verdict);
    }
}

static void begin (struct health *health, struct sender *sender, struct config *config)
{
    struct probe *probe = g_new0 (struct probe, 1);
    probe->health = health;
    probe->sender = sender;
    probe->config = config_ref (config);
    probe->channel = sender->channel;
    probe->task.kind = TASK_PROBE;
    sender->probing = true;
    if (take_off (probe)) return;
    struct verdict verdict = {.kind = VERDICT_SENT}; /* this adapter cannot ask */
    end (probe, &verdict);
}

void health_probe (struct health *health, const struct senders *senders, struct config *config)
{
    int64_t now = g_get_monotonic_time ();
    GHashTableIter iter;
    void *value;
    g_hash_table_iter_init (&iter, senders->by_channel);
    while (g_hash_table_iter_next (&iter, NULL, &value))
        if (sender_probe_due (value, now)) begin (health, value, config);
}

unsigned health_under_way (const struct health *health)
{
    return health->under_way;
}

struct health *health_new (struct http_client *client, struct db *db, struct worker *worker, void (*changed) (void *data), void *data)
{
    struct health *health = g_new0 (struct health, 1);
    health->client = client;
    health->db = db;
    health->worker = worker;
    health->changed = changed;
    health->data = data;
    return health;
}

void health_free (struct health *health)
{
    if (!health) return;
    for (struct probe *next; health->finished; health->finished = next) {
        next = health->finished->next;
        probe_free (health->finished);
    }
    g_free (health);
}
