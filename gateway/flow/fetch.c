/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/fetch.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/signature.h"
#include "base/worker.h"
#include "flow/round.h"
#include "flow/waiting_file.h"
#include "model/http.h"
#include "store/files.h"

/* Files that another gateway's intake took in, and tries that are due, are found by looking. */
#define POLL G_TIME_SPAN_SECOND
#define RECONNECT_PAUSE (500 * G_TIME_SPAN_MILLISECOND)
/* What a gateway that is no more had begun is begun again after so long. */
#define LEASE (10 * G_TIME_SPAN_SECOND)
#define RENEW (3 * G_TIME_SPAN_SECOND)

/* A file on its way; the HTTP client's data. */
struct flight {
    struct fetch *fetch;
    struct config *config;         /* a reference: a reload does not touch what is under way */
    const struct channel *channel; /* of that configuration */
    struct waiting_file *file;
    char *notes;                 /* of the task */
    struct call_outcome outcome; /* kept */
    struct flight *next;
};

struct fetch {
    struct config *(*current) (void *data);
    void (*changed) (void *data);
    void *data;
    struct http_client *client;
    struct worker worker;
    struct db *db;
    char *directory;
    int most;
    int64_t give_up;
    struct id claim;         /* this run of the program */
    GPtrArray *under_way;    /* of struct flight, borrowed: the client has them */
    GPtrArray *settled;      /* of struct waiting_file: to be reported */
    int64_t next_renewal;    /* monotonic */
    struct flight *finished; /* under the worker's lock */
};

static void flight_free (struct flight *flight)
{
    config_unref (flight->config);
    waiting_file_free (flight->file);
    g_free (flight->notes);
    call_outcome_clear (&flight->outcome);
    g_free (flight);
}

/* ---- calls ---- */

/* On the client's thread. */
static void landed (const struct call_outcome *outcome, void *data)
{
    struct flight *flight = data;
    struct fetch *fetch = flight->fetch;
    call_outcome_clear (&flight->outcome);
    call_outcome_keep (outcome, &flight->outcome);
    g_mutex_lock (&fetch->worker.lock);
    flight->next = fetch->finished;
    fetch->finished = flight;
    worker_wake_locked (&fetch->worker);
    g_mutex_unlock (&fetch->worker.lock);
}

/* Hands the next call of the flight's task to the client; false: there is none. */
static bool take_off (struct flight *flight)
{
    struct call_request call;
    bool is_call = round_compose (flight->channel, &flight->file->task, flight->notes, &call);
    if (is_call) round_perform (flight->fetch->client, flight->channel, &call, 0, landed, flight);
    return is_call;
}

/* ---- what became of them ---- */

/* The bytes are on disk before the database knows of them. A disk that takes none may take them later. */
static void store (struct flight *flight, struct verdict *verdict)
{
    struct waiting_file *file = flight->file;
    const struct call_answer *answer = &flight->outcome.answer;
    g_autoptr (GError) error = NULL;
    g_autofree char *name = files_put (flight->fetch->directory, answer->body, &error);
    if (!name) {
        log_error ("fetch.unstorable", "%s", error->message);
        verdict->kind = VERDICT_RETRY;
        verdict->code = "not_stored";
        return;
    }
    gsize size;
    const void *bytes = g_bytes_get_data (answer->body, &size);
    signature_sha256 (bytes, size, file->sha256);
    file->size = (int64_t) size;
    file->mime = http_media_type (answer->content_type);
}

static void count (enum file_outcome outcome)
{
    if (outcome != FILE_RELEASED)
        metrics_count (outcome == FILE_STORED ? METRIC_MEDIA_STORED : outcome == FILE_RETRY ? METRIC_MEDIA_RETRY : METRIC_MEDIA_FAILED);
}

/* The flight is over; its file is to be reported. */
static void end (struct flight *flight, struct verdict *verdict)
{
    struct waiting_file *file = flight->file;
    if (verdict->kind == VERDICT_SENT) store (flight, verdict);
    waiting_file_judge (file, verdict, flight->notes != NULL, clock_now (), g_random_int ());
    count (file->outcome);
    if (file->outcome == FILE_FAILED)
        log_warning ("fetch.failed", "a file of channel %s cannot be fetched: %s", flight->channel->slug, file->error);
    g_ptr_array_add (flight->fetch->settled, g_steal_pointer (&flight->file));
    flight_free (flight);
}

static void refuse_address (struct verdict *verdict)
{
    verdict->kind = VERDICT_REFUSED;
    verdict->code = "bad_address";
}

/* True: another round of it is under way. */
static bool goes_on (struct flight *flight, struct verdict *verdict)
{
    if (verdict->kind != VERDICT_NEXT) return false;
    g_free (flight->notes);
    flight->notes = g_steal_pointer (&verdict->notes);
    if (take_off (flight)) return true;
    refuse_address (verdict);
    return false;
}

static void judge (struct fetch *fetch, struct flight *flight)
{
    struct verdict verdict;
    round_judge (flight->channel, &flight->file->task, flight->notes, &flight->outcome, false, &verdict);
    if (!goes_on (flight, &verdict)) {
        g_ptr_array_remove_fast (fetch->under_way, flight);
        end (flight, &verdict);
    }
    verdict_clear (&verdict);
}

static struct flight *take_finished (struct fetch *fetch)
{
    g_mutex_lock (&fetch->worker.lock);
    struct flight *finished = g_steal_pointer (&fetch->finished);
    g_mutex_unlock (&fetch->worker.lock);
    return finished;
}

static void judge_finished (struct fetch *fetch)
{
    struct flight *flight = take_finished (fetch);
    for (struct flight *next; flight; flight = next) {
        next = flight->next;
        judge (fetch, flight);
    }
}

/* ---- the database ---- */

static bool settle (struct fetch *fetch, GError **error)
{
    if (!fetch->settled->len) return true;
    if (!waiting_file_settle (fetch->db, &fetch->claim, fetch->settled, clock_now (), error)) return false;
    g_ptr_array_set_size (fetch->settled, 0);
    fetch->changed (fetch->data);
    return true;
}

static bool renew (struct fetch *fetch, GError **error)
{
    int64_t now = g_get_monotonic_time ();
    if (now < fetch->next_renewal || !fetch->under_way->len) return true;
    g_autoptr (GPtrArray) files = g_ptr_array_new ();
    for (guint i = 0; i < fetch->under_way->len; i++) {
        const struct flight *flight = fetch->under_way->pdata[i];
        g_ptr_array_add (files, flight->file);
    }
    if (!waiting_file_renew (fetch->db, &fetch->claim, files, LEASE, error)) return false;
    fetch->next_renewal = now + RENEW;
    return true;
}

/* ---- beginning ---- */

static void begin (struct fetch *fetch, struct config *config, const struct channel *channel, struct waiting_file *file)
{
    struct flight *flight = g_new0 (struct flight, 1);
    flight->fetch = fetch;
    flight->config = config_ref (config);
    flight->channel = channel;
    flight->file = file;
    if (take_off (flight)) {
        g_ptr_array_add (fetch->under_way, flight);
        return;
    }
    struct verdict verdict = {.after = -1};
    refuse_address (&verdict);
    end (flight, &verdict);
}

/* How many more of the channel's files may be begun. */
static int room_of (const struct fetch *fetch, const struct channel *channel)
{
    int room = MAX (1, fetch->most / 2);
    for (guint i = 0; i < fetch->under_way->len; i++) {
        const struct flight *flight = fetch->under_way->pdata[i];
        room -= flight->file->channel_id == channel->channel_id;
    }
    return MAX (room, 0);
}

/* The channels that may have files, by their id. */
static GHashTable *channels_of (const struct config *config)
{
    GHashTable *channels = g_hash_table_new (g_int64_hash, g_int64_equal);
    for (guint i = 0; i < config->accounts->len; i++) {
        const struct account *account = config->accounts->pdata[i];
        for (guint k = 0; k < account->channels->len; k++) {
            struct channel *channel = account->channels->pdata[k];
            if (channel->adapter->compose) g_hash_table_insert (channels, &channel->channel_id, channel);
        }
    }
    return channels;
}

static GPtrArray *claim_of (struct fetch *fetch, GHashTable *channels, GError **error)
{
    guint most = g_hash_table_size (channels), n = 0;
    g_autofree int64_t *accounts = g_new (int64_t, most + 1), *ids = g_new (int64_t, most + 1);
    g_autofree int *counts = g_new (int, most + 1);
    GHashTableIter iter;
    void *value;
    g_hash_table_iter_init (&iter, channels);
    while (g_hash_table_iter_next (&iter, NULL, &value)) {
        const struct channel *channel = value;
        accounts[n] = channel->account_id;
        ids[n] = channel->channel_id;
        counts[n++] = room_of (fetch, channel);
    }
    return waiting_file_claim (fetch->db, accounts, ids, counts, n, fetch->most - (int) fetch->under_way->len, &fetch->claim, LEASE,
                               fetch->give_up, error);
}

static bool claim (struct fetch *fetch, GError **error)
{
    if ((int) fetch->under_way->len >= fetch->most) return true;
    g_autoptr (struct_config) config = fetch->current (fetch->data);
    g_autoptr (GHashTable) channels = channels_of (config);
    if (!fetch->under_way->len) fetch->next_renewal = g_get_monotonic_time () + RENEW;
    g_autoptr (GPtrArray) files = claim_of (fetch, channels, error);
    if (!files) return false;
    for (guint i = 0; i < files->len; i++) {
        struct waiting_file *file = g_steal_pointer (&files->pdata[i]);
        const struct channel *channel = g_hash_table_lookup (channels, &file->channel_id);
        file->give_up_at += MAX (0, channel->adapter->carries (channel)->file_life - fetch->give_up);
        begin (fetch, config, channel, file);
    }
    return true;
}

/* ---- the thread ---- */

static bool turn (struct fetch *fetch, GError **error)
{
    judge_finished (fetch);
    if (!db_connected (fetch->db) && !db_reopen (fetch->db, error)) return false;
    return settle (fetch, error) && renew (fetch, error) && claim (fetch, error) && settle (fetch, error);
}

/* Whoever comes next need not wait for the lease's end. */
static void give_back (struct fetch *fetch)
{
    g_autoptr (GError) error = NULL;
    judge_finished (fetch);
    g_autoptr (GPtrArray) files = g_ptr_array_new ();
    for (guint i = 0; i < fetch->settled->len; i++) g_ptr_array_add (files, fetch->settled->pdata[i]);
    for (guint i = 0; i < fetch->under_way->len; i++) {
        struct flight *flight = fetch->under_way->pdata[i];
        flight->file->outcome = FILE_RELEASED;
        g_ptr_array_add (files, flight->file);
    }
    if (files->len && db_connected (fetch->db) && !waiting_file_settle (fetch->db, &fetch->claim, files, clock_now (), &error))
        log_warning ("fetch.unsettled", "%s", error->message);
}

static void run (void *data)
{
    struct fetch *fetch = data;
    bool told = false;
    int64_t pause = 0;
    while (worker_wait (&fetch->worker, g_get_monotonic_time () + pause)) {
        g_autoptr (GError) error = NULL;
        bool ok = turn (fetch, &error);
        if (!ok && !told) log_warning ("fetch.disconnected", "%s", error->message);
        told = !ok;
        pause = ok ? POLL : RECONNECT_PAUSE;
    }
    give_back (fetch);
}

struct fetch *fetch_start (struct config *(*current) (void *data), void (*changed) (void *data), void *data, struct http_client *client,
                           GError **error)
{
    g_autoptr (struct_config) config = current (data);
    struct db *db = db_open (values_text (config->database, DATABASE_URL), "switchboard fetch",
                             "-c statement_timeout=10000 -c lock_timeout=10000 -c jit=off", error);
    if (!db) return NULL;
    struct fetch *fetch = g_new0 (struct fetch, 1);
    fetch->current = current;
    fetch->changed = changed;
    fetch->data = data;
    fetch->client = client;
    fetch->db = db;
    fetch->directory = g_strdup (values_text (config->storage, STORAGE_DIRECTORY));
    fetch->most = (int) CLAMP (values_number (config->limits, LIMITS_FETCHES), 1, G_MAXINT);
    fetch->give_up = values_number (config->limits, LIMITS_FETCH_GIVE_UP);
    fetch->claim = id_new (clock_now ());
    fetch->under_way = g_ptr_array_new ();
    fetch->settled = g_ptr_array_new_with_free_func ((GDestroyNotify) waiting_file_free);
    worker_start (&fetch->worker, "fetch", run, fetch);
    return fetch;
}

void fetch_wake (struct fetch *fetch)
{
    worker_wake (&fetch->worker);
}

void fetch_stop (struct fetch *fetch)
{
    if (!fetch) return;
    worker_stop (&fetch->worker);
}

void fetch_free (struct fetch *fetch)
{
    if (!fetch) return;
    for (guint i = 0; i < fetch->under_way->len; i++) flight_free (fetch->under_way->pdata[i]);
    db_close (fetch->db);
    g_ptr_array_unref (fetch->under_way);
    g_ptr_array_unref (fetch->settled);
    g_free (fetch->directory);
    worker_clear (&fetch->worker);
    g_free (fetch);
}
