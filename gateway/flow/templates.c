/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/templates.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/worker.h"
#include "flow/pace.h"
#include "flow/tasks.h"
#include "model/adapter.h"
#include "store/db.h"

#include <string.h>

/* How soon a channel that has become ours, or a notice, is seen. */
#define LOOK (2 * G_TIME_SPAN_SECOND)
#define PERIOD (15 * G_TIME_SPAN_MINUTE)
/* Notices come in crowds, and providers count how often they are asked. */
#define NOTICE_PAUSE G_TIME_SPAN_MINUTE
/* A provider allows some thousands. */
#define TEMPLATES_MOST 20000

#define OWNED "select channel_id, notice_id from template_channels ($1, $2)"
#define REPLACE "select replace_templates ($1, $2, $3, $4, $5, $6, $7, $8, $9)"

/* What is known of a channel's list. */
struct listing {
    int64_t channel_id;
    int64_t next;     /* monotonic; then it is read again */
    int tries;        /* in vain, since it was read */
    struct id notice; /* the newest that was heeded */
    int64_t heeded;   /* monotonic; before it no other is */
};

struct templates {
    struct config *(*current) (void *data);
    void *data;
    struct id gateway_id;
    struct tasks *tasks;
    struct db *db; /* connected when it is first needed */
    struct worker worker;
    GHashTable *listings; /* channel_id → struct listing */
    struct config *config;
    bool told; /* that the database is away */
};

/* ---- reading a provider's list ---- */

/* What its pages held. */
struct list {
    GPtrArray *templates; /* of struct provider_template */
    bool asked;           /* there is a call for it */
};

static bool take_page (struct verdict *verdict, void *data)
{
    struct list *list = data;
    list->asked = true;
    if (verdict->templates) g_ptr_array_extend_and_steal (list->templates, g_steal_pointer (&verdict->templates));
    return list->templates->len <= TEMPLATES_MOST;
}

static bool replace (struct templates *templates, const struct channel *channel, const GPtrArray *list, GError **error)
{
    g_autoptr (params) p = params_new (9);
    params_int64 (p, channel->account_id);
    params_int64 (p, channel->channel_id);
#define COLUMN(type, add) \
    params_array (p, type); \
    for (guint i = 0; i < list->len; i++) { \
        const struct provider_template *template = list->pdata[i]; \
        add; \
    } \
    params_array_end (p)
    COLUMN ("text", array_text (p, template->name));
    COLUMN ("text", array_text (p, template->lang));
    COLUMN ("text", array_text (p, template->external_id));
    COLUMN ("text", array_text (p, template->status));
    COLUMN ("text", array_text (p, template->category));
    COLUMN ("jsonb", array_json (p, template->components));
#undef COLUMN
    params_time (p, clock_now ());
    g_autoptr (db_result) r = db_call (templates->db, REPLACE, p, error);
    return r != NULL;
}

static void failed (const struct channel *channel, struct listing *listing, const char *why, const char *detail)
{
    listing->next = g_get_monotonic_time () + pace_backoff (++listing->tries, g_random_int ());
    if (listing->tries == 1)
        log_warning ("templates.failed", "channel %s/%s: the templates could not be listed: %s%s%s; it is tried again", channel->account,
                     channel->slug, why, *detail ? ": " : "", detail);
}

static void succeeded (const struct channel *channel, struct listing *listing, guint n)
{
    listing->next = g_get_monotonic_time () + PERIOD;
    listing->tries = 0;
    log_debug ("templates.listed", "channel %s/%s: %u templates", channel->account, channel->slug, n);
}

static void read_list (struct templates *templates, const struct channel *channel, struct listing *listing)
{
    const struct task task = {.kind = TASK_TEMPLATES};
    g_autoptr (GPtrArray) all = g_ptr_array_new_with_free_func ((GDestroyNotify) provider_template_free);
    struct list list = {.templates = all};
    struct verdict verdict;
    g_autoptr (GError) error = NULL;
    tasks_run (templates->tasks, channel, &task, take_page, &list, &verdict);
    if (!list.asked)
        listing->next = WORKER_FOR_EVER; /* its settings name no list: a reload may */
    else if (all->len > TEMPLATES_MOST)
        failed (channel, listing, "there are too many", "");
    else if (verdict.kind != VERDICT_SENT)
        failed (channel, listing, verdict.title ? verdict.title : "the provider gives none", verdict.detail ? verdict.detail : "");
    else if (!replace (templates, channel, all, &error))
        failed (channel, listing, error->message, "");
    else
        succeeded (channel, listing, all->len);
    verdict_clear (&verdict);
}

/* ---- the thread ---- */

static struct listing *listing_of (struct templates *templates, int64_t channel_id)
{
    struct listing *listing = g_hash_table_lookup (templates->listings, &channel_id);
    if (listing) return listing;
    listing = g_new0 (struct listing, 1);
    listing->channel_id = channel_id;
    g_hash_table_insert (templates->listings, &listing->channel_id, listing);
    return listing;
}

/* The channels of the configuration that have templates. */
static GPtrArray *channels_of (const struct config *config)
{
    GPtrArray *channels = g_ptr_array_new ();
    for (guint i = 0; i < config->accounts->len; i++) {
        const struct account *account = config->accounts->pdata[i];
        for (guint k = 0; k < account->channels->len; k++) {
            struct channel *channel = account->channels->pdata[k];
            if (channel->adapter->carries (channel)->templates) g_ptr_array_add (channels, channel);
        }
    }
    return channels;
}

/* The row of a channel that is ours; -1: it is not. */
static int row_of (const db_result *owned, int64_t channel_id)
{
    for (int row = 0; row < db_rows (owned); row++)
        if (db_int64 (owned, row, 0) == channel_id) return row;
    return -1;
}

/* Something was said of its templates. What the list of a new channel is about to tell anyway is not waited for. */
static void heed (struct listing *listing, const struct id *notice)
{
    int64_t now = g_get_monotonic_time ();
    if (memcmp (notice, &listing->notice, sizeof *notice) == 0 || now < listing->heeded) return;
    listing->notice = *notice;
    if (!listing->next) return;
    listing->heeded = now + NOTICE_PAUSE;
    if (listing->next != WORKER_FOR_EVER && !listing->tries) listing->next = now;
}

/* Reads the lists that are due, of channels that are ours. */
static bool look (struct templates *templates, const GPtrArray *channels, GError **error)
{
    if (!db_connected (templates->db) && !db_reopen (templates->db, error)) return false;
    g_autoptr (params) p = params_new (2);
    params_uuid (p, &templates->gateway_id);
    params_time (p, clock_now ());
    g_autoptr (db_result) owned = db_call (templates->db, OWNED, p, error);
    for (guint i = 0; owned && i < channels->len && !tasks_halted (templates->tasks); i++) {
        const struct channel *channel = channels->pdata[i];
        struct listing *listing = listing_of (templates, channel->channel_id);
        int row = row_of (owned, channel->channel_id);
        struct id notice;
        if (row < 0) continue;
        if (db_id (owned, row, 1, &notice)) heed (listing, &notice);
        if (g_get_monotonic_time () >= listing->next) read_list (templates, channel, listing);
    }
    return owned != NULL;
}

/* After a reload all lists are read, because the settings may lead elsewhere. */
static void follow (struct templates *templates)
{
    struct config *config = templates->current (templates->data);
    if (config != templates->config) g_hash_table_remove_all (templates->listings);
    if (templates->config) config_unref (templates->config);
    templates->config = config;
}

static void run (void *data)
{
    struct templates *templates = data;
    do {
        g_autoptr (GError) error = NULL;
        follow (templates);
        g_autoptr (GPtrArray) channels = channels_of (templates->config);
        bool ok = !channels->len || look (templates, channels, &error);
        if (!ok && !templates->told) log_warning ("templates.disconnected", "%s", error->message);
        templates->told = !ok;
    } while (worker_wait (&templates->worker, g_get_monotonic_time () + LOOK));
}

struct templates *templates_start (struct config *(*current) (void *data), void *data, const struct id *gateway, struct http_client *client)
{
    g_autoptr (struct_config) config = current (data);
    struct templates *templates = g_new0 (struct templates, 1);
    templates->current = current;
    templates->data = data;
    templates->gateway_id = *gateway;
    templates->tasks = tasks_new (client);
    templates->db =
        db_new (values_text (config->database, DATABASE_URL), "switchboard templates", "-c statement_timeout=10000 -c lock_timeout=10000");
    templates->listings = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, g_free);
    worker_start (&templates->worker, "templates", run, templates);
    return templates;
}

void templates_halt (struct templates *templates)
{
    if (!templates) return;
    tasks_halt (templates->tasks);
    worker_halt (&templates->worker);
}

void templates_stop (struct templates *templates)
{
    if (!templates) return;
    tasks_halt (templates->tasks);
    worker_stop (&templates->worker);
    tasks_free (templates->tasks);
    db_close (templates->db);
    g_hash_table_unref (templates->listings);
    if (templates->config) config_unref (templates->config);
    worker_clear (&templates->worker);
    g_free (templates);
}
