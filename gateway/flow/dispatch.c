/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/dispatch.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/worker.h"
#include "flow/health.h"
#include "flow/media_url.h"
#include "flow/round.h"
#include "flow/senders.h"
#include "model/adapter.h"
#include "store/db.h"

#include <string.h>

/* What others queued is found by looking; our own wakes at once. */
#define POLL (250 * G_TIME_SPAN_MILLISECOND)
/* At a stop, what is under way has so long to be answered. */
#define DRAIN (20 * G_TIME_SPAN_SECOND)
/* How much waits is counted this often, for /metrics. */
#define COUNT_PAUSE (10 * G_TIME_SPAN_SECOND)
#define RECONNECT_PAUSE (250 * G_TIME_SPAN_MILLISECOND)

#define LEAVE "select leave_channels ($1)"
#define LET_GO "select let_go ($1, $2, $3, $4)"
#define OUTBOX "select waiting, oldest_due from outbox ($1, $2)"

/* A message on its way; the HTTP client's data. */
struct flight {
    struct dispatch *dispatch;
    struct sender *sender;
    struct config *config;         /* a reference: a reload does not touch what is under way */
    const struct channel *channel; /* of that configuration */
    struct delivery *delivery;     /* NULL: its settlement has it */
    char *notes;
    GPtrArray *learned; /* of struct channel_note; NULL: nothing yet */
    bool visible;
    int64_t took; /* µs, of all rounds */
    /* what came back */
    struct call_outcome outcome; /* kept */
    struct flight *next;
};

struct dispatch {
    struct config *(*current) (void *data);
    void (*changed) (void *data);
    void *data;
    struct http_client *client;
    struct worker worker;
    struct db *db;
    GBytes *media_secret;
    struct id gateway_id; /* this run of the program; its claims carry it, too */
    struct senders *senders;
    struct health *health;
    GHashTable *held; /* set of struct delivery: what we claimed and have not reported the end of */
    struct config *config;
    GPtrArray *settled; /* of struct settlement: to be reported */
    int64_t settled_at; /* what the database is told as their time: the same when it has to be told again; 0: not told yet */
    bool claim_lost;    /* a claim was made, perhaps, and its answer did not come */
    GQueue onward;      /* of struct flight: a part was sent; the next follows when that is reported */
    int64_t next_count; /* monotonic */
    int64_t next_look;  /* monotonic; then channels are asked again that had nothing */
    int64_t next_try;   /* monotonic; not before it a lost database is asked again */
    unsigned under_way;

    /* under the worker's lock */
    struct flight *finished; /* newest first */
    bool asked;              /* something may have been queued */
    struct dispatch_state state;
};

static void flight_free (struct flight *flight)
{
    if (!flight) return;
    config_unref (flight->config);
    delivery_free (flight->delivery);
    g_free (flight->notes);
    g_clear_pointer (&flight->learned, g_ptr_array_unref);
    call_outcome_clear (&flight->outcome);
    g_free (flight);
}

static struct flight *flight_new (struct dispatch *dispatch, struct sender *sender)
{
    struct flight *flight = g_new0 (struct flight, 1);
    flight->dispatch = dispatch;
    flight->sender = sender;
    flight->config = config_ref (dispatch->config);
    flight->channel = sender->channel;
    return flight;
}

/* ---- calls ---- */

/* On the client's thread: keeps what came back and wakes the dispatcher. */
static void landed (const struct call_outcome *outcome, void *data)
{
    struct flight *flight = data;
    struct dispatch *dispatch = flight->dispatch;
    call_outcome_clear (&flight->outcome);
    call_outcome_keep (outcome, &flight->outcome);
    flight->took += outcome->took;
    g_mutex_lock (&dispatch->worker.lock);
    flight->next = dispatch->finished;
    dispatch->finished = flight;
    worker_wake_locked (&dispatch->worker);
    g_mutex_unlock (&dispatch->worker.lock);
}

/* Hands the next call of the flight's task to the client, where it waits for its turn at most so long; false: there is none. */
static bool take_off (struct flight *flight, int64_t wait)
{
    struct dispatch *dispatch = flight->dispatch;
    struct call_request call;
    if (!round_compose (flight->channel, &flight->delivery->task, flight->notes, &call)) return false;
    flight->visible = call.visible;
    dispatch->under_way++;
    round_perform (dispatch->client, flight->channel, &call, wait, landed, flight);
    return true;
}

/* ---- what became of them ---- */

static void settle_later (struct dispatch *dispatch, struct settlement *settlement, int64_t took, int http_status)
{
    settlement->took = took;
    settlement->http_status = http_status;
    if (settlement->outcome != OUTCOME_RELEASE) metrics_count (METRIC_SEND_SENT + (enum metric) settlement->outcome);
    g_ptr_array_add (dispatch->settled, settlement);
}

/* What a settlement of progress does to its claim. */
static void prolong (struct delivery *delivery, const struct channel *channel)
{
    int64_t until = g_get_monotonic_time () + values_number (channel->common, CHANNEL_TIMEOUT) + DELIVERY_MARGIN;
    delivery->claimed_until = MAX (delivery->claimed_until, until);
}

/* The attempt is over: what it means for its delivery, and what it learned. */
static struct settlement *conclude (struct flight *flight, struct verdict *verdict)
{
    if (!verdict->notes) verdict->notes = g_steal_pointer (&flight->notes);
    struct settlement *s = sender_judge (flight->channel, g_steal_pointer (&flight->delivery), verdict, clock_now (), g_random_int ());
    s->learned = g_steal_pointer (&flight->learned);
    return s;
}

static void delivered (struct dispatch *dispatch, struct flight *flight, struct verdict *verdict)
{
    struct sender *sender = flight->sender;
    int status = flight->outcome.result == CALL_ANSWERED ? (int) flight->outcome.answer.status : 0;
    const char *health = sender_learn (sender, verdict, g_get_monotonic_time (), g_random_int ());
    if (health) health_set (dispatch->health, sender, flight->channel, health, verdict, status != 0);
    struct settlement *settlement = conclude (flight, verdict);
    settle_later (dispatch, settlement, flight->took, status);
    pace_end (&sender->pace);
    if (settlement->outcome == OUTCOME_PROGRESS) {
        /* the delivery stays with its settlement until that is reported */
        prolong (settlement->delivery, flight->channel);
        g_clear_pointer (&flight->notes, g_free); /* of the part before */
        g_queue_push_tail (&dispatch->onward, flight);
    } else {
        flight_free (flight);
    }
}

/* By none of the provider's doing. */
static void end_early (struct dispatch *dispatch, struct flight *flight, struct settlement *settlement)
{
    pace_end (&flight->sender->pace);
    settle_later (dispatch, settlement, flight->took, 0);
    flight_free (flight);
}

/* There is no call to make of it: a part that an older release counted, for instance. */
static void cannot_carry (struct dispatch *dispatch, struct flight *flight)
{
    struct verdict verdict = {
        .kind = VERDICT_REFUSED, .after = -1, .code = "cannot_carry", .title = "the channel cannot carry this content"};
    end_early (dispatch, flight, conclude (flight, &verdict));
}

/* Its rounds have taken so long that the claim might end during another. What they learned is kept: the next attempt goes on from there. */
static void run_out (struct dispatch *dispatch, struct flight *flight)
{
    struct verdict verdict = {.kind = VERDICT_RETRY,
                              .scope = SCOPE_MESSAGE,
                              .after = -1,
                              .code = "no_time",
                              .title = "its calls took longer than one attempt may"};
    end_early (dispatch, flight, conclude (flight, &verdict));
}

/* A part is out, and that is known: the next one follows; but not where the database stood still meanwhile, for the channel may be another
 * gateway's, which sends it, too. */
static void go_on (struct dispatch *dispatch, struct flight *flight, struct delivery *delivery)
{
    delivery->task.part++;
    int64_t wait = sender_patience (flight->sender, flight->channel, delivery->claimed_until, g_get_monotonic_time ());
    if (!wait) {
        settle_later (dispatch, settlement_release (delivery), 0, 0);
        flight_free (flight);
        return;
    }
    flight->delivery = delivery;
    pace_begin (&flight->sender->pace, 0);
    if (!take_off (flight, wait)) cannot_carry (dispatch, flight);
}

/* So many calls waited for the provider that this one was not begun while its claim was sure to hold. */
static void put_back (struct dispatch *dispatch, struct flight *flight)
{
    struct settlement *settlement = settlement_release (g_steal_pointer (&flight->delivery));
    settlement->notes = g_steal_pointer (&flight->notes);
    settlement->learned = g_steal_pointer (&flight->learned);
    end_early (dispatch, flight, settlement);
}

static void learn (struct flight *flight, struct verdict *verdict)
{
    if (!verdict->learned) return;
    if (!flight->learned) flight->learned = g_ptr_array_new_with_free_func ((GDestroyNotify) channel_note_free);
    g_ptr_array_extend_and_steal (flight->learned, g_steal_pointer (&verdict->learned));
}

/* Another round, or the attempt is over because there is no time for one or no call. */
static void next_round (struct dispatch *dispatch, struct flight *flight, struct verdict *verdict)
{
    int64_t wait = sender_patience (flight->sender, flight->channel, flight->delivery->claimed_until, g_get_monotonic_time ());
    g_free (flight->notes);
    flight->notes = g_steal_pointer (&verdict->notes);
    if (!wait)
        run_out (dispatch, flight);
    else if (!take_off (flight, wait))
        cannot_carry (dispatch, flight);
}

static void judge (struct dispatch *dispatch, struct flight *flight)
{
    struct verdict verdict;
    dispatch->under_way--;
    if (flight->outcome.late) {
        put_back (dispatch, flight);
        return;
    }
    round_judge (flight->channel, &flight->delivery->task, flight->notes, &flight->outcome, flight->visible, &verdict);
    learn (flight, &verdict);
    if (verdict.kind == VERDICT_NEXT)
        next_round (dispatch, flight, &verdict);
    else
        delivered (dispatch, flight, &verdict);
    verdict_clear (&verdict);
}

static void judge_finished (struct dispatch *dispatch)
{
    g_mutex_lock (&dispatch->worker.lock);
    struct flight *finished = g_steal_pointer (&dispatch->finished);
    g_mutex_unlock (&dispatch->worker.lock);
    for (struct flight *next; finished; finished = next) {
        next = finished->next;
        judge (dispatch, finished);
    }
    health_judge (dispatch->health);
}

/* ---- the database ---- */

/* Reports what became of attempts. False: the database is away; they stay for later. */
static bool settle (struct dispatch *dispatch, GError **error)
{
    while (dispatch->settled->len) {
        g_autoptr (GPtrArray) batch = g_ptr_array_new ();
        for (guint i = 0; i < dispatch->settled->len && i < DELIVERY_BATCH; i++) g_ptr_array_add (batch, dispatch->settled->pdata[i]);
        if (!dispatch->settled_at) dispatch->settled_at = clock_now ();
        if (!delivery_settle (dispatch->db, &dispatch->gateway_id, batch, dispatch->settled_at, error)) return false;
        dispatch->settled_at = 0;
        for (guint i = 0; i < batch->len; i++) {
            struct settlement *settlement = batch->pdata[i];
            struct sender *sender = senders_find (dispatch->senders, settlement->delivery->channel_id);
            sender->dry = false; /* the next of its pair may be ready */
            if (settlement->outcome != OUTCOME_PROGRESS) {
                g_hash_table_remove (dispatch->held, settlement->delivery);
                continue;
            }
            /* in the order of their settlements */
            go_on (dispatch, g_queue_pop_head (&dispatch->onward), g_steal_pointer (&settlement->delivery));
        }
        g_ptr_array_remove_range (dispatch->settled, 0, batch->len);
        dispatch->changed (dispatch->data);
    }
    return true;
}

/* After a reload, senders point into the new configuration. */
static void follow_config (struct dispatch *dispatch)
{
    struct config *config = dispatch->current (dispatch->data);
    if (config == dispatch->config) {
        config_unref (config);
        return;
    }
    senders_follow (dispatch->senders, config);
    if (dispatch->config) config_unref (dispatch->config);
    dispatch->config = config;
}

/* What a claim took whose answer was lost with its connection is with nobody: it comes back at once, not when its lease ends. */
static bool let_go (struct dispatch *dispatch, GError **error)
{
    if (!dispatch->claim_lost) return true;
    g_autoptr (params) p = params_new (4);
    params_uuid (p, &dispatch->gateway_id);
    senders_put (dispatch->senders, p, false);
    params_array (p, "uuid");
    GHashTableIter iter;
    void *key;
    g_hash_table_iter_init (&iter, dispatch->held);
    while (g_hash_table_iter_next (&iter, &key, NULL)) array_uuid (p, &((const struct delivery *) key)->message_id);
    params_array_end (p);
    g_autoptr (db_result) r = db_call (dispatch->db, LET_GO, p, error);
    if (r) dispatch->claim_lost = false;
    return r != NULL;
}

/* What waits on the channels that are ours, for whoever watches. */
static bool count_waiting (struct dispatch *dispatch, GError **error)
{
    if (g_get_monotonic_time () < dispatch->next_count) return true;
    g_autoptr (params) p = params_new (2);
    senders_put (dispatch->senders, p, true);
    g_autoptr (db_result) r = db_call (dispatch->db, OUTBOX, p, error);
    if (!r) return false;
    g_mutex_lock (&dispatch->worker.lock);
    dispatch->state.waiting = db_int64 (r, 0, 0);
    dispatch->state.oldest_due = db_time (r, 0, 1);
    g_mutex_unlock (&dispatch->worker.lock);
    dispatch->next_count = g_get_monotonic_time () + COUNT_PAUSE;
    return true;
}

/* ---- beginning ---- */

static void add_files (struct dispatch *dispatch, const struct channel *channel, struct delivery *delivery)
{
    bool uploads = channel->adapter->carries (channel)->uploads;
    delivery_add_files (delivery, dispatch->media_secret, values_text (dispatch->config->listen, LISTEN_PUBLIC_URL),
                        uploads ? values_text (dispatch->config->storage, STORAGE_DIRECTORY) : NULL);
}

static void begin (struct dispatch *dispatch, struct delivery *delivery)
{
    struct sender *sender = senders_find (dispatch->senders, delivery->channel_id);
    struct verdict verdict = {.after = -1};
    int64_t wait = sender_patience (sender, sender->channel, delivery->claimed_until, g_get_monotonic_time ());
    g_hash_table_add (dispatch->held, delivery);
    sender->wanted--;
    if (delivery->lost) {
        verdict.kind = VERDICT_UNCERTAIN;
        verdict.code = "interrupted";
        verdict.title = "the gateway ended before the provider answered";
    } else if (!wait) {
        /* The database stood still meanwhile, and the channel may be another gateway's. */
        settle_later (dispatch, settlement_release (delivery), 0, 0);
        return;
    } else if (delivery->refusal) {
        verdict.kind = VERDICT_REFUSED;
        verdict.code = g_intern_string (delivery->refusal);
        verdict.title = delivery_refusal_title (delivery->refusal);
    } else {
        struct flight *flight = flight_new (dispatch, sender);
        flight->delivery = delivery;
        flight->notes = g_steal_pointer (&delivery->notes);
        add_files (dispatch, sender->channel, delivery);
        pace_begin (&sender->pace, delivery->weight);
        if (!take_off (flight, wait)) cannot_carry (dispatch, flight);
        return;
    }
    settle_later (dispatch, sender_judge (sender->channel, delivery, &verdict, clock_now (), g_random_int ()), 0, 0);
}

/* Claims what there is room for in one lane, of channels that may have something; *n: how many came. */
static bool claim_lane (struct dispatch *dispatch, int lane, guint *n, GError **error)
{
    int64_t monotonic = g_get_monotonic_time ();
    g_autoptr (struct_room) room = senders_room (dispatch->senders, monotonic);
    *n = 0;
    if (!room) return true;
    int64_t lease = room->longest + DELIVERY_MARGIN;
    g_autoptr (GPtrArray) deliveries =
        delivery_claim (dispatch->db, room->accounts, room->channels, room->counts, room->n, lane, &dispatch->gateway_id, lease, error);
    if (!deliveries) {
        dispatch->claim_lost = true;
        return false;
    }
    *n = deliveries->len;
    for (guint i = 0; i < deliveries->len; i++) {
        struct delivery *delivery = g_steal_pointer (&deliveries->pdata[i]);
        delivery->claimed_until = monotonic + lease;
        begin (dispatch, delivery);
    }
    return true;
}

/* Agents' replies first, then bulk with what room is left. *more: perhaps not all that is due was taken. */
static bool claim (struct dispatch *dispatch, bool *more, GError **error)
{
    guint normal, bulk;
    if (!claim_lane (dispatch, 0, &normal, error) || !claim_lane (dispatch, 1, &bulk, error)) return false;
    senders_note_dry (dispatch->senders);
    *more = normal + bulk > 0;
    return true;
}

/* ---- the thread ---- */

/* Monotonic µs of the next thing that the clock alone brings. */
static int64_t next_turn (struct dispatch *dispatch)
{
    int64_t now = g_get_monotonic_time (), next = MIN (now + POLL, MAX (now, dispatch->next_look));
    return senders_next (dispatch->senders, now, next);
}

static bool wait_for_work (struct dispatch *dispatch, bool more)
{
    bool go_on = worker_wait (&dispatch->worker, more ? 0 : next_turn (dispatch));
    int64_t now = g_get_monotonic_time ();
    g_mutex_lock (&dispatch->worker.lock);
    bool look = dispatch->asked || now >= dispatch->next_look;
    dispatch->asked = false;
    dispatch->state.under_way = dispatch->under_way + health_under_way (dispatch->health);
    dispatch->state.turned = now;
    g_mutex_unlock (&dispatch->worker.lock);
    if (look) {
        senders_look_again (dispatch->senders);
        dispatch->next_look = now + POLL;
    }
    return go_on;
}

static bool turn (struct dispatch *dispatch, bool *more, GError **error)
{
    judge_finished (dispatch);
    if (!settle (dispatch, error)) return false;
    follow_config (dispatch);
    if (!senders_renew (dispatch->senders, dispatch->db, error) || !let_go (dispatch, error) || !claim (dispatch, more, error))
        return false;
    health_probe (dispatch->health, dispatch->senders, dispatch->config);
    return settle (dispatch, error) && count_waiting (dispatch, error);
}

static void complain (struct dispatch *dispatch, const GError *error)
{
    if (dispatch->state.connected) log_warning ("dispatch.failed", "%s", error->message);
    g_mutex_lock (&dispatch->worker.lock);
    dispatch->state.connected = false;
    g_mutex_unlock (&dispatch->worker.lock);
    dispatch->next_try = g_get_monotonic_time () + RECONNECT_PAUSE;
}

static bool is_connected (struct dispatch *dispatch)
{
    if (g_get_monotonic_time () < dispatch->next_try) return false;
    g_autoptr (GError) error = NULL;
    if (!db_connected (dispatch->db) && !db_reopen (dispatch->db, &error)) {
        complain (dispatch, error);
        return false;
    }
    g_mutex_lock (&dispatch->worker.lock);
    dispatch->state.connected = true;
    g_mutex_unlock (&dispatch->worker.lock);
    return true;
}

/* What is under way is awaited, what is left is given back by its lease's end: nobody can say what became of it. */
static void drain (struct dispatch *dispatch)
{
    int64_t limit = g_get_monotonic_time () + DRAIN;
    while (dispatch->under_way && g_get_monotonic_time () < limit) {
        g_mutex_lock (&dispatch->worker.lock);
        while (!dispatch->finished && g_cond_wait_until (&dispatch->worker.wake, &dispatch->worker.lock, limit))
            ;
        g_mutex_unlock (&dispatch->worker.lock);
        judge_finished (dispatch);
        if (is_connected (dispatch)) settle (dispatch, NULL);
    }
    g_autoptr (params) p = params_new (1);
    params_uuid (p, &dispatch->gateway_id);
    if (!dispatch->under_way && is_connected (dispatch)) db_result_free (db_call (dispatch->db, LEAVE, p, NULL));
}

static void run (void *data)
{
    struct dispatch *dispatch = data;
    bool more = true;
    while (wait_for_work (dispatch, more)) {
        g_autoptr (GError) error = NULL;
        more = false;
        if (is_connected (dispatch)) {
            if (!turn (dispatch, &more, &error)) complain (dispatch, error);
        } else {
            judge_finished (dispatch);
        }
    }
    drain (dispatch);
}

const struct id *dispatch_id (const struct dispatch *dispatch)
{
    return &dispatch->gateway_id;
}

void dispatch_wake (struct dispatch *dispatch)
{
    g_mutex_lock (&dispatch->worker.lock);
    dispatch->asked = true;
    worker_wake_locked (&dispatch->worker);
    g_mutex_unlock (&dispatch->worker.lock);
}

void dispatch_look (struct dispatch *dispatch, struct dispatch_state *state)
{
    g_mutex_lock (&dispatch->worker.lock);
    *state = dispatch->state;
    g_mutex_unlock (&dispatch->worker.lock);
}

struct dispatch *dispatch_start (struct config *(*current) (void *data), void (*changed) (void *data), void *data,
                                 struct http_client *client, GError **error)
{
    g_autoptr (struct_config) config = current (data);
    struct db *db = db_open (values_text (config->database, DATABASE_URL), "switchboard dispatch",
                             "-c statement_timeout=10000 -c lock_timeout=10000 -c jit=off", error);
    GBytes *media_secret = db ? media_url_secret (db, error) : NULL;
    if (!media_secret) {
        db_close (db);
        return NULL;
    }
    struct dispatch *dispatch = g_new0 (struct dispatch, 1);
    dispatch->current = current;
    dispatch->changed = changed;
    dispatch->data = data;
    dispatch->client = client;
    dispatch->db = db;
    dispatch->media_secret = media_secret;
    dispatch->gateway_id = id_new (clock_now ());
    dispatch->held = g_hash_table_new (NULL, NULL);
    dispatch->senders = senders_new (&dispatch->gateway_id, values_number (config->limits, LIMITS_CHANNEL_LEASE));
    dispatch->settled = g_ptr_array_new_with_free_func ((GDestroyNotify) settlement_free);
    g_queue_init (&dispatch->onward);
    dispatch->state.connected = true;
    dispatch->health = health_new (client, db, &dispatch->worker, changed, data);
    worker_start (&dispatch->worker, "dispatch", run, dispatch);
    return dispatch;
}

void dispatch_stop (struct dispatch *dispatch)
{
    if (!dispatch) return;
    worker_stop (&dispatch->worker);
}

void dispatch_free (struct dispatch *dispatch)
{
    if (!dispatch) return;
    for (struct flight *next; dispatch->finished; dispatch->finished = next) {
        next = dispatch->finished->next;
        flight_free (dispatch->finished);
    }
    g_queue_clear_full (&dispatch->onward, (GDestroyNotify) flight_free);
    db_close (dispatch->db);
    g_bytes_unref (dispatch->media_secret);
    g_hash_table_unref (dispatch->held);
    g_ptr_array_unref (dispatch->settled);
    senders_free (dispatch->senders);
    health_free (dispatch->health);
    if (dispatch->config) config_unref (dispatch->config);
    worker_clear (&dispatch->worker);
    g_free (dispatch);
}
