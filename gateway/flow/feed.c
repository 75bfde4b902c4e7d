/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/feed.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/worker.h"
#include "flow/keyring.h"
#include "store/db.h"

#include <string.h>

/* Commits of other gateways are found by looking; our own wake at once. */
#define POLL (200 * G_TIME_SPAN_MILLISECOND)
#define HEARTBEAT (15 * G_TIME_SPAN_SECOND)
/* A reader that takes nothing for so long is cut off; it resumes where it was. */
#define PATIENCE (60 * G_TIME_SPAN_SECOND)
#define EVENTS_AT_ONCE 200
/* Streams that replay get no more of one turn than this: those that are nearly up to date come first, in every turn. */
#define REPLAY_TIME (20 * G_TIME_SPAN_MILLISECOND)
/* Keys are looked up again this often; a revoked key's streams end. */
#define KEY_CHECK (3 * G_TIME_SPAN_SECOND)
/* An account whose events cannot be read is told of this often. */
#define COMPLAINT_PAUSE (10 * G_TIME_SPAN_SECOND)

#define HEADS "select account_id, newest from event_heads ($1)"
#define BOUNDS "select oldest, newest from event_bounds ($1)"
#define EVENTS "select number, type, body, at from api_events ($1, $2, $3)"

struct client {
    int64_t account_id, position, newest;
    uint8_t key_hash[32];
    struct http_stream *stream;
    int64_t last_write; /* monotonic */
    bool placed;        /* its position was checked against what is kept */
    bool refused;       /* its key is good no more */
};

struct feed {
    struct worker worker;
    struct db *db;
    size_t buffer, streams_max;
    GPtrArray *clients;                            /* the thread's own */
    guint next_replay;                             /* its place in clients */
    int64_t next_look, next_check, next_complaint; /* monotonic */

    /* under the worker's lock */
    GPtrArray *fresh; /* streams that the thread has not met yet */
    unsigned n_streams;
    int64_t lag; /* µs from an event to its writing, the last time */
};

static void client_free (void *data)
{
    struct client *client = data;
    http_stream_close (client->stream);
    g_free (client);
}

bool feed_add (struct feed *feed, struct http_exchange *exchange, int64_t account_id, const uint8_t key_hash[32], int64_t after)
{
    g_mutex_lock (&feed->worker.lock);
    bool room = feed->n_streams < feed->streams_max && !feed->worker.stopping;
    if (room) feed->n_streams++;
    g_mutex_unlock (&feed->worker.lock);
    if (!room) return false;
    struct client *client = g_new0 (struct client, 1);
    client->account_id = account_id;
    memcpy (client->key_hash, key_hash, sizeof client->key_hash);
    client->position = after;
    client->last_write = g_get_monotonic_time ();
    client->stream = http_exchange_stream (exchange, "text/event-stream");
    g_mutex_lock (&feed->worker.lock);
    g_ptr_array_add (feed->fresh, client);
    worker_wake_locked (&feed->worker);
    g_mutex_unlock (&feed->worker.lock);
    return true;
}

void feed_wake (struct feed *feed)
{
    worker_wake (&feed->worker);
}

unsigned feed_streams (struct feed *feed)
{
    g_mutex_lock (&feed->worker.lock);
    unsigned n = feed->n_streams;
    g_mutex_unlock (&feed->worker.lock);
    return n;
}

int64_t feed_lag (struct feed *feed)
{
    g_mutex_lock (&feed->worker.lock);
    int64_t lag = feed->lag;
    g_mutex_unlock (&feed->worker.lock);
    return lag;
}

static void put (struct feed *feed, struct client *client, GBytes *bytes)
{
    if (http_stream_write (client->stream, bytes, feed->buffer)) client->last_write = g_get_monotonic_time ();
}

static void put_text (struct feed *feed, struct client *client, const char *text)
{
    g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));
    put (feed, client, bytes);
}

/* What is asked for is not kept, or never was: the client reads its lists anew and goes on from here. */
static void append_reset (GString *out, int64_t at)
{
    g_string_append_printf (out, "id: %" G_GINT64_FORMAT "\nevent: reset\ndata: {\"at\":%" G_GINT64_FORMAT "}\n\n", at, at);
}

/* Checks where a new stream wants to begin against what is kept. */
static bool place (struct feed *feed, struct client *client, GError **error)
{
    g_autoptr (params) p = params_new (1);
    params_int64 (p, client->account_id);
    g_autoptr (db_result) r = db_call (feed->db, BOUNDS, p, error);
    if (!r) return false;
    int64_t oldest = db_int64 (r, 0, 0), newest = db_int64 (r, 0, 1);
    g_autoptr (GString) head = g_string_new ("retry: 3000\n: ok\n\n");
    bool lost = client->position < oldest - 1 || client->position > newest;
    if (lost) append_reset (head, newest);
    if (lost) client->position = newest;
    client->placed = true;
    put_text (feed, client, head->str);
    return true;
}

/* The newest number of each account that has streams, into its clients. One query for all. */
static bool look (struct feed *feed, GError **error)
{
    g_autoptr (GHashTable) heads = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, g_free);
    g_autoptr (params) p = params_new (1);
    params_array (p, "int8");
    for (guint i = 0; i < feed->clients->len; i++) {
        struct client *client = feed->clients->pdata[i];
        if (g_hash_table_insert (heads, &client->account_id, g_new0 (int64_t, 1))) array_int64 (p, client->account_id);
    }
    params_array_end (p);
    g_autoptr (db_result) r = db_call (feed->db, HEADS, p, error);
    for (int row = 0; r && row < db_rows (r); row++) {
        int64_t account_id = db_int64 (r, row, 0), *newest = g_hash_table_lookup (heads, &account_id);
        if (newest) *newest = db_int64 (r, row, 1);
    }
    for (guint i = 0; r && i < feed->clients->len; i++) {
        struct client *client = feed->clients->pdata[i];
        client->newest = *(int64_t *) g_hash_table_lookup (heads, &client->account_id);
    }
    return r != NULL;
}

/* One line of data: SSE ends it at a line break, and JSON has those only between its tokens. */
static void append_data (GString *out, const char *json, size_t length)
{
    gsize from = out->len;
    g_string_append_len (out, json, (gssize) length);
    for (gsize i = from; i < out->len; i++)
        if (out->str[i] == '\n' || out->str[i] == '\r') out->str[i] = ' ';
}

/* The events after a position as one piece of stream; *last becomes the last one's number. A hole says that a reader was slower than the
 * retention of events: it goes on from newest. */
static GBytes *read_events (struct feed *feed, const struct client *reader, int64_t *last, GError **error)
{
    g_autoptr (params) p = params_new (3);
    params_int64 (p, reader->account_id);
    params_int64 (p, reader->position);
    params_int32 (p, EVENTS_AT_ONCE);
    g_autoptr (db_result) r = db_call (feed->db, EVENTS, p, error);
    if (!r) return NULL;
    GString *text = g_string_new (NULL);
    *last = reader->position;
    if (db_rows (r) && db_int64 (r, 0, 0) != reader->position + 1) {
        *last = reader->newest;
        append_reset (text, reader->newest);
        return g_string_free_to_bytes (text);
    }
    for (int i = 0; i < db_rows (r); i++) {
        *last = db_int64 (r, i, 0);
        g_string_append_printf (text, "id: %" G_GINT64_FORMAT "\nevent: %s\ndata: ", *last, db_text (r, i, 1));
        append_data (text, db_text (r, i, 2), db_length (r, i, 2));
        g_string_append (text, "\n\n");
    }
    g_mutex_lock (&feed->worker.lock);
    feed->lag = db_rows (r) ? MAX (clock_now () - db_time (r, 0, 3), 0) : 0;
    g_mutex_unlock (&feed->worker.lock);
    return g_string_free_to_bytes (text);
}

/* Does it lack events that are there, and read? */
static bool is_behind (const struct feed *feed, const struct client *client)
{
    return client->position < client->newest && http_stream_pending (client->stream) <= feed->buffer;
}

/* Every stream that stands where this one stands gets the same bytes. */
static bool advance (struct feed *feed, guint leading, GError **error)
{
    struct client *leader = feed->clients->pdata[leading];
    int64_t account_id = leader->account_id, position = leader->position, last;
    g_autoptr (GBytes) bytes = read_events (feed, leader, &last, error);
    if (!bytes) return false;
    for (guint i = 0; last > position && i < feed->clients->len; i++) {
        struct client *client = feed->clients->pdata[i];
        if (client->account_id != account_id || client->position != position || !is_behind (feed, client)) continue;
        put (feed, client, bytes);
        client->position = last;
        metrics_add (METRIC_EVENTS_STREAMED, (uint64_t) (last - position));
    }
    if (last == position) /* the log ends here after all */
        leader->newest = position;
    return true;
}

/* An account whose events cannot be read holds up nobody else's; it is tried again at the next look. */
static bool pass_over (struct feed *feed, struct client *client, GError **error)
{
    if (!g_error_matches (*error, DB_ERROR, DB_ERROR_STATEMENT)) return false;
    if (g_get_monotonic_time () >= feed->next_complaint) {
        log_error ("feed.failed", "could not read events: %s", (*error)->message);
        feed->next_complaint = g_get_monotonic_time () + COMPLAINT_PAUSE;
    }
    g_clear_error (error);
    client->newest = client->position;
    return true;
}

/* One step for every stream that it brings up to date. */
static bool serve_near (struct feed *feed, GError **error)
{
    for (guint i = 0; i < feed->clients->len; i++) {
        struct client *client = feed->clients->pdata[i];
        bool near = client->newest - client->position <= EVENTS_AT_ONCE;
        if (near && is_behind (feed, client) && !advance (feed, i, error) && !pass_over (feed, client, error)) return false;
    }
    return true;
}

/* One step for as many of the others as there is time for; the next turn goes on behind them. */
static bool serve_replays (struct feed *feed, bool *more, GError **error)
{
    int64_t limit = g_get_monotonic_time () + REPLAY_TIME;
    guint n = feed->clients->len, first = n ? feed->next_replay % n : 0;
    for (guint k = 0; k < n; k++) {
        guint i = (first + k) % n;
        struct client *client = feed->clients->pdata[i];
        if (!is_behind (feed, client)) continue;
        *more = true;
        if (g_get_monotonic_time () >= limit) break;
        if (!advance (feed, i, error) && !pass_over (feed, client, error)) return false;
        feed->next_replay = i + 1;
    }
    return true;
}

/* One step for every stream that is behind. *more: some may still be. */
static bool serve (struct feed *feed, bool *more, GError **error)
{
    for (guint i = 0; i < feed->clients->len; i++) {
        struct client *client = feed->clients->pdata[i];
        if (!client->placed && !place (feed, client, error)) return false;
    }
    if (!look (feed, error)) return false;
    return serve_near (feed, error) && serve_replays (feed, more, error);
}

static guint hash_of_key (const void *key)
{
    guint hash;
    memcpy (&hash, key, sizeof hash); /* SHA-256: any four bytes will do */
    return hash;
}

static gboolean same_key (const void *one, const void *other)
{
    return memcmp (one, other, 32) == 0;
}

/* Streams whose key was revoked or has expired end. One look-up a key. */
static bool check_keys (struct feed *feed, GError **error)
{
    if (g_get_monotonic_time () < feed->next_check) return true;
    feed->next_check = g_get_monotonic_time () + KEY_CHECK;
    g_autoptr (GHashTable) known = g_hash_table_new (hash_of_key, same_key);
    for (guint i = 0; i < feed->clients->len; i++) {
        struct client *client = feed->clients->pdata[i];
        if (!g_hash_table_contains (known, client->key_hash)) {
            g_autoptr (db_result) r = keyring_ask (feed->db, client->key_hash, error);
            if (!r) return false;
            g_hash_table_insert (known, client->key_hash, GINT_TO_POINTER (db_rows (r)));
        }
        client->refused = !g_hash_table_lookup (known, client->key_hash);
    }
    return true;
}

/* The dead go, the silent get a heartbeat: it is what finds the dead. */
static void tend (struct feed *feed)
{
    int64_t now = g_get_monotonic_time ();
    guint before = feed->clients->len;
    for (guint i = feed->clients->len; i-- > 0;) {
        struct client *client = feed->clients->pdata[i];
        bool stuck = http_stream_pending (client->stream) > 0 && now - client->last_write > PATIENCE;
        if (http_stream_closed (client->stream) || stuck || client->refused)
            g_ptr_array_remove_index_fast (feed->clients, i);
        else if (now - client->last_write >= HEARTBEAT && http_stream_pending (client->stream) == 0)
            put_text (feed, client, ": hb\n\n");
    }
    g_mutex_lock (&feed->worker.lock);
    feed->n_streams -= before - feed->clients->len;
    g_mutex_unlock (&feed->worker.lock);
}

static void meet_fresh (struct feed *feed)
{
    g_mutex_lock (&feed->worker.lock);
    g_ptr_array_extend_and_steal (feed->clients, feed->fresh);
    feed->fresh = g_ptr_array_new_with_free_func (client_free);
    g_mutex_unlock (&feed->worker.lock);
}

static void run (void *data)
{
    struct feed *feed = data;
    bool told = false;
    while (worker_wait (&feed->worker, feed->clients->len ? feed->next_look : WORKER_FOR_EVER)) {
        meet_fresh (feed);
        feed->next_look = g_get_monotonic_time () + POLL;
        g_autoptr (GError) error = NULL;
        bool more = false;
        if (feed->clients->len && check_keys (feed, &error) && serve (feed, &more, &error) && more)
            worker_wake (&feed->worker); /* the next turn comes at once, but new streams, the dead and the end have theirs in between */
        tend (feed);
        if (!error) {
            told = false;
            continue;
        }
        if (!told) log_warning ("feed.failed", "%s", error->message);
        told = true;
        if (g_error_matches (error, DB_ERROR, DB_ERROR_CONNECTION)) db_reopen (feed->db, NULL);
    }
}

struct feed *feed_start (struct config *(*current) (void *data), void *data, GError **error)
{
    g_autoptr (struct_config) config = current (data);
    struct db *db =
        db_open (values_text (config->database, DATABASE_URL), "switchboard feed", "-c statement_timeout=10000 -c jit=off", error);
    if (!db) return NULL;
    struct feed *feed = g_new0 (struct feed, 1);
    feed->db = db;
    feed->buffer = (size_t) values_number (config->limits, LIMITS_STREAM_BUFFER);
    feed->streams_max = (size_t) values_number (config->limits, LIMITS_STREAMS);
    feed->clients = g_ptr_array_new_with_free_func (client_free);
    feed->fresh = g_ptr_array_new_with_free_func (client_free);
    worker_start (&feed->worker, "feed", run, feed);
    return feed;
}

void feed_stop (struct feed *feed)
{
    if (!feed) return;
    worker_stop (&feed->worker);
    g_clear_pointer (&feed->clients, g_ptr_array_unref);
    g_clear_pointer (&feed->fresh, g_ptr_array_unref);
}

void feed_free (struct feed *feed)
{
    if (!feed) return;
    db_close (feed->db);
    worker_clear (&feed->worker);
    g_free (feed);
}
