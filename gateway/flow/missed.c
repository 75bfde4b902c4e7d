/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/missed.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/worker.h"
#include "flow/backfill.h"
#include "flow/pace.h"
#include "store/db.h"

/* How soon a new channel of ours, or a refusal, is seen. */
#define PERIOD (1 * G_TIME_SPAN_SECOND)
/* While nothing is refused, seen_to follows the clock in steps of so much. */
#define ADVANCE (60 * G_TIME_SPAN_SECOND)
/* Lists that are read at once. */
#define READERS 4

#define OWNED "select account_id, channel_id, seen_to from owned_channels ($1)"
#define SAW "select * from saw_channels ($1, $2, $3, $4)"
#define MISSED "select missed_channels ($1, $2, $3)"

enum reading { AT_REST, READING, READ, NOT_READ };

/* What this gateway knows of a channel of its own. */
struct watch {
    int64_t channel_id;
    bool ours;
    int64_t seen_to; /* as we wrote it; 0: what came before us is not known */
    int64_t again;   /* monotonic; not before it its list is read again */
    int tries;
    /* a reading: set before it begins, but for state, which its thread ends */
    _Atomic enum reading state;
    struct missed *missed;
    struct config *config;
    const struct channel *channel;
    int64_t since, until;
};

struct missed {
    struct config *(*current) (void *data);
    void *data;
    struct id gateway_id;
    struct intake *intake;
    struct tasks *tasks;
    struct db *db;
    struct worker worker;
    GThreadPool *readers;
    GHashTable *watches; /* channel_id → struct watch */
    struct config *config;
    bool well;             /* the database answered last time */
    uint64_t busy;         /* requests refused until the last look */
    int64_t looked_at;     /* when that was */
    int64_t refused_since; /* some were since then, and the database does not know it yet; 0: none */
};

/* ---- reading a provider's list: threads of the pool ---- */

/* From when on the list is read: what is older may be known and forgotten, and would come twice. */
static int64_t beginning (const struct watch *watch)
{
    int64_t since = watch->since - BACKFILL_MARGIN;
    int64_t horizon = backfill_horizon (watch->until, values_number (watch->config->retention, RETENTION_PROVIDER_IDS));
    if (since >= horizon) return since;
    char from[CLOCK_TEXT_SIZE], to[CLOCK_TEXT_SIZE];
    clock_format (watch->since, from);
    clock_format (horizon, to);
    log_warning ("backfill.cut",
                 "channel %s/%s: what came in from %s to %s stays with the provider: it was away for longer than "
                 "retention.provider_ids; see the provider's own list",
                 watch->channel->account, watch->channel->slug, from, to);
    return horizon;
}

static bool read_list (struct watch *watch, struct backfill_count *count, GError **error)
{
    struct missed *missed = watch->missed;
    struct db *db =
        db_open (values_text (watch->config->database, DATABASE_URL), "switchboard backfill", "-c statement_timeout=10000", error);
    const struct backfill backfill = {
        .tasks = missed->tasks,
        .intake = missed->intake,
        .db = db,
        .channel = watch->channel,
        .since = beginning (watch),
        .until = watch->until + BACKFILL_MARGIN,
    };
    bool ok = db && backfill_run (&backfill, count, error);
    db_close (db);
    return ok;
}

static void read_one (void *data, void *unused)
{
    (void) unused;
    struct watch *watch = data;
    struct missed *missed = watch->missed;
    struct backfill_count count = {0};
    g_autoptr (GError) error = NULL;
    bool ok = read_list (watch, &count, &error);
    const char *account = watch->channel->account, *slug = watch->channel->slug;
    if (!ok) log_warning ("backfill.failed", "channel %s/%s: %s; it is tried again", account, slug, error->message);
    if (count.stored) log_info ("backfill.stored", "channel %s/%s: %u messages had been missed", account, slug, count.stored);
    watch->state = ok ? READ : NOT_READ;
    worker_wake (&missed->worker);
}

/* ---- what the database knows ---- */

static bool report_refusals (struct missed *missed, GError **error)
{
    if (!missed->refused_since) return true;
    const GPtrArray *accounts = missed->config->accounts;
    g_autoptr (params) p = params_new (3);
    for (int column = 0; column < 2; column++) {
        params_array (p, "int8");
        for (guint i = 0; i < accounts->len; i++) {
            const struct account *account = accounts->pdata[i];
            for (guint k = 0; k < account->channels->len; k++) {
                const struct channel *channel = account->channels->pdata[k];
                array_int64 (p, column ? channel->channel_id : channel->account_id);
            }
        }
        params_array_end (p);
    }
    params_time (p, missed->refused_since);
    g_autoptr (db_result) r = db_call (missed->db, MISSED, p, error);
    if (r) missed->refused_since = 0;
    return r != NULL;
}

/* watches: of those whose list was read up to their until, or who followed the clock up to it. */
static bool report_seen (struct missed *missed, const GPtrArray *watches, GError **error)
{
    if (!watches->len) return true;
    g_autoptr (params) p = params_new (4);
#define COLUMN(type, add) \
    params_array (p, type); \
    for (guint i = 0; i < watches->len; i++) { \
        const struct watch *watch = watches->pdata[i]; \
        add; \
    } \
    params_array_end (p)
    COLUMN ("int8", array_int64 (p, watch->channel->account_id));
    COLUMN ("int8", array_int64 (p, watch->channel_id));
    COLUMN ("timestamptz", array_time (p, watch->since));
    COLUMN ("timestamptz", array_time (p, watch->until));
#undef COLUMN
    g_autoptr (db_result) r = db_call (missed->db, SAW, p, error);
    for (int row = 0; r && row < db_rows (r); row++) {
        int64_t channel_id = db_int64 (r, row, 0);
        struct watch *watch = g_hash_table_lookup (missed->watches, &channel_id);
        watch->seen_to = watch->until;
    }
    return r != NULL;
}

/* ---- the thread ---- */

static struct watch *watch_of (struct missed *missed, int64_t channel_id)
{
    struct watch *watch = g_hash_table_lookup (missed->watches, &channel_id);
    if (watch) return watch;
    watch = g_new0 (struct watch, 1);
    watch->channel_id = channel_id;
    watch->missed = missed;
    g_hash_table_insert (missed->watches, &watch->channel_id, watch);
    return watch;
}

static const struct channel *find_channel (const struct config *config, int64_t channel_id)
{
    for (guint i = 0; i < config->accounts->len; i++) {
        const struct account *account = config->accounts->pdata[i];
        for (guint k = 0; k < account->channels->len; k++) {
            const struct channel *channel = account->channels->pdata[k];
            if (channel->channel_id == channel_id) return channel;
        }
    }
    return NULL;
}

/* Readings that have ended. Those that were good are to be reported. */
static void collect (struct missed *missed, GPtrArray *seen)
{
    GHashTableIter iter;
    void *value;
    g_hash_table_iter_init (&iter, missed->watches);
    while (g_hash_table_iter_next (&iter, NULL, &value)) {
        struct watch *watch = value;
        enum reading state = watch->state;
        if (state == AT_REST || state == READING) continue;
        watch->state = AT_REST;
        watch->tries = state == READ ? 0 : watch->tries + 1;
        watch->again = state == READ ? 0 : g_get_monotonic_time () + pace_backoff (watch->tries, g_random_int ());
        if (state == READ) g_ptr_array_add (seen, watch);
    }
}

/* What has become ours, or lags: its list is read. What is well follows the clock. */
static void look_at (struct missed *missed, struct watch *watch, int64_t seen_to, int64_t now, GPtrArray *seen)
{
    bool follows = !seen_to || (watch->seen_to && seen_to >= watch->seen_to);
    if (follows && watch->seen_to && now - watch->seen_to < ADVANCE) return;
    if (!follows && g_get_monotonic_time () < watch->again) return;
    const struct channel *channel = find_channel (missed->config, watch->channel_id);
    if (!channel) return;
    if (watch->config) config_unref (watch->config);
    watch->config = config_ref (missed->config);
    watch->channel = channel;
    watch->since = seen_to;
    watch->until = now;
    if (follows) {
        g_ptr_array_add (seen, watch);
    } else {
        watch->state = READING;
        g_thread_pool_push (missed->readers, watch, NULL);
    }
}

static bool look (struct missed *missed, int64_t now, GError **error)
{
    g_autoptr (GPtrArray) seen = g_ptr_array_new ();
    collect (missed, seen);
    if (!report_refusals (missed, error) || !report_seen (missed, seen, error)) return false;
    g_ptr_array_set_size (seen, 0);
    g_autoptr (params) p = params_new (1);
    params_uuid (p, &missed->gateway_id);
    g_autoptr (db_result) r = db_call (missed->db, OWNED, p, error);
    if (!r) return false;
    GHashTableIter iter;
    void *value;
    g_hash_table_iter_init (&iter, missed->watches);
    while (g_hash_table_iter_next (&iter, NULL, &value)) ((struct watch *) value)->ours = false;
    for (int row = 0; row < db_rows (r); row++) {
        struct watch *watch = watch_of (missed, db_int64 (r, row, 1));
        watch->ours = true;
        if (watch->state == AT_REST) look_at (missed, watch, db_time (r, row, 2), now, seen);
    }
    g_hash_table_iter_init (&iter, missed->watches);
    while (g_hash_table_iter_next (&iter, NULL, &value)) {
        struct watch *watch = value;
        if (!watch->ours) watch->seen_to = 0; /* whoever has it follows it */
    }
    return report_seen (missed, seen, error);
}

static void follow_config (struct missed *missed)
{
    struct config *config = missed->current (missed->data);
    GHashTableIter iter;
    void *value;
    g_hash_table_iter_init (&iter, missed->watches);
    while (config != missed->config && g_hash_table_iter_next (&iter, NULL, &value)) ((struct watch *) value)->again = 0;
    if (missed->config) config_unref (missed->config);
    missed->config = config;
}

static void turn (struct missed *missed)
{
    g_autoptr (GError) error = NULL;
    int64_t now = clock_now ();
    uint64_t busy = metrics_counted (METRIC_INGEST_BUSY);
    bool refuses = busy != missed->busy;
    if (refuses && !missed->refused_since) missed->refused_since = missed->looked_at;
    missed->busy = busy;
    missed->looked_at = now;
    follow_config (missed);
    struct intake_state state;
    intake_look (missed->intake, &state);
    /* while requests are refused there is no use in reading what else was missed */
    if (refuses || !state.connected) return;
    bool well = (db_connected (missed->db) || db_reopen (missed->db, &error)) && look (missed, now, &error);
    if (missed->well && !well) log_warning ("missed.failed", "%s", error->message);
    missed->well = well;
}

static void run (void *data)
{
    struct missed *missed = data;
    do turn (missed);
    while (worker_wait (&missed->worker, g_get_monotonic_time () + PERIOD));
}

static void watch_free (void *data)
{
    struct watch *watch = data;
    if (watch->config) config_unref (watch->config);
    g_free (watch);
}

struct missed *missed_start (struct config *(*current) (void *data), void *data, const struct id *gateway, struct intake *intake,
                             struct http_client *client, GError **error)
{
    g_autoptr (struct_config) config = current (data);
    struct db *db = db_open (values_text (config->database, DATABASE_URL), "switchboard missed",
                             "-c statement_timeout=10000 -c lock_timeout=10000", error);
    if (!db) return NULL;
    struct missed *missed = g_new0 (struct missed, 1);
    missed->current = current;
    missed->data = data;
    missed->gateway_id = *gateway;
    missed->intake = intake;
    missed->tasks = tasks_new (client);
    missed->db = db;
    missed->watches = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, watch_free);
    missed->well = true;
    missed->looked_at = clock_now ();
    missed->busy = metrics_counted (METRIC_INGEST_BUSY);
    missed->readers = g_thread_pool_new (read_one, NULL, READERS, FALSE, NULL);
    worker_start (&missed->worker, "missed", run, missed);
    return missed;
}

void missed_halt (struct missed *missed)
{
    if (!missed) return;
    tasks_halt (missed->tasks);
    worker_halt (&missed->worker);
}

void missed_stop (struct missed *missed)
{
    if (!missed) return;
    tasks_halt (missed->tasks);
    worker_stop (&missed->worker);
    g_thread_pool_free (missed->readers, FALSE, TRUE);
    tasks_free (missed->tasks);
    db_close (missed->db);
    g_hash_table_unref (missed->watches);
    if (missed->config) config_unref (missed->config);
    worker_clear (&missed->worker);
    g_free (missed);
}
