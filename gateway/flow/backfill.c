/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/backfill.h"

#include "base/clock.h"

#define MISSING "select * from missing_messages ($1, $2, $3)"

/* Providers list the newest first, and we want the oldest first: so much is read and held before any of it is stored. */
#define SLICE G_TIME_SPAN_DAY
/* Messages that the intake holds of one backfill; the rest of its queue is for what comes in now. */
#define PUSHED_MOST 64
/* A full queue is tried again after so long. */
#define QUEUE_PAUSE (50 * G_TIME_SPAN_MILLISECOND)
#define QUEUE_TIME (30 * G_TIME_SPAN_SECOND)

/* A message that is not known, and what it was made from. */
struct missing {
    struct incoming *incoming;
    GBytes *raw;
    guint place; /* in the order of the provider */
};

struct slice {
    const struct backfill *backfill;
    struct backfill_count *count;
    GArray *missing;
    GError **error;
    bool broke; /* error is set */
    GMutex lock;
    GCond stored;
    unsigned pushed, refused; /* under lock: with the intake; not stored by it */
};

int64_t backfill_horizon (int64_t now, int64_t provider_ids)
{
    return now - provider_ids + G_TIME_SPAN_HOUR;
}

static GQuark error_quark (void)
{
    return g_quark_from_static_string ("backfill");
}

static void missing_clear (void *data)
{
    struct missing *missing = data;
    incoming_free (missing->incoming);
    if (missing->raw) g_bytes_unref (missing->raw);
}

/* ---- reading ---- */

static db_result *ask_missing (struct slice *slice, const GPtrArray *messages)
{
    const struct channel *channel = slice->backfill->channel;
    g_autoptr (params) p = params_new (3);
    params_int64 (p, channel->account_id);
    params_int64 (p, channel->channel_id);
    params_array (p, "bytea");
    for (guint i = 0; i < messages->len; i++) {
        uint8_t hash[16];
        message_hash_id (((const struct incoming *) messages->pdata[i])->external_id, hash);
        array_bytes (p, hash, sizeof hash);
    }
    params_array_end (p);
    return db_call (slice->backfill->db, MISSING, p, slice->error);
}

/* Keeps what of a page is not known. */
static bool take_page (struct verdict *verdict, void *data)
{
    struct slice *slice = data;
    GPtrArray *messages = verdict->received.messages;
    if (!messages || !messages->len) return true;
    g_autoptr (db_result) r = ask_missing (slice, messages);
    slice->broke = !r;
    if (!r) return false;
    for (int row = 0; row < db_rows (r); row++) {
        guint i = (guint) db_int64 (r, row, 0) - 1;
        struct missing missing = {messages->pdata[i], verdict->raws->pdata[i], slice->count->found + i};
        messages->pdata[i] = incoming_new ();
        g_bytes_ref (missing.raw);
        g_array_append_val (slice->missing, missing);
    }
    slice->count->found += messages->len;
    return true;
}

static bool read_slice (struct slice *slice, int64_t since, int64_t until)
{
    const struct task task = {.kind = TASK_BACKFILL, .since = since, .until = until};
    struct verdict verdict;
    tasks_run (slice->backfill->tasks, slice->backfill->channel, &task, take_page, slice, &verdict);
    if (!slice->broke && verdict.kind != VERDICT_SENT) {
        slice->broke = true;
        g_set_error (slice->error, error_quark (), 0, "%s%s%s", verdict.title ? verdict.title : "the provider's list could not be read",
                     verdict.detail && *verdict.detail ? ": " : "", verdict.detail ? verdict.detail : "");
    }
    verdict_clear (&verdict);
    return !slice->broke;
}

/* ---- storing ---- */

/* On the writer's thread. */
static void done (struct intake_job *job, enum intake_outcome outcome)
{
    struct slice *slice = job->data;
    g_mutex_lock (&slice->lock);
    slice->pushed--;
    if (outcome == INTAKE_BUSY) slice->refused++;
    g_cond_signal (&slice->stored);
    g_mutex_unlock (&slice->lock);
    intake_job_free (job);
}

static struct intake_job *job_new (struct slice *slice, struct missing *missing)
{
    struct intake_job *job = g_new0 (struct intake_job, 1);
    job->account_id = slice->backfill->channel->account_id;
    job->channel_id = slice->backfill->channel->channel_id;
    job->at = clock_now ();
    job->id = id_new (job->at);
    job->raw = g_steal_pointer (&missing->raw);
    job->received.kind = RECEIVED_ITEMS;
    job->received.messages = g_ptr_array_new_with_free_func ((GDestroyNotify) incoming_free);
    g_ptr_array_add (job->received.messages, g_steal_pointer (&missing->incoming));
    job->done = done;
    job->data = slice;
    return job;
}

/* Waits until the intake holds fewer than most; how many it could not store. */
static unsigned wait_stored (struct slice *slice, unsigned most)
{
    g_mutex_lock (&slice->lock);
    while (slice->pushed >= most) g_cond_wait (&slice->stored, &slice->lock);
    unsigned refused = slice->refused;
    g_mutex_unlock (&slice->lock);
    return refused;
}

static bool push (struct slice *slice, struct missing *missing)
{
    struct intake_job *job = job_new (slice, missing);
    int64_t limit = g_get_monotonic_time () + QUEUE_TIME;
    g_mutex_lock (&slice->lock);
    slice->pushed++;
    g_mutex_unlock (&slice->lock);
    while (!intake_push (slice->backfill->intake, job)) {
        struct intake_state state;
        intake_look (slice->backfill->intake, &state);
        if (state.connected && g_get_monotonic_time () < limit && !tasks_halted (slice->backfill->tasks)) {
            g_usleep (QUEUE_PAUSE);
            continue;
        }
        done (job, INTAKE_BUSY);
        return false;
    }
    return true;
}

static gint by_time (gconstpointer a, gconstpointer b)
{
    const struct missing *x = a, *y = b;
    if (x->incoming->at != y->incoming->at) return x->incoming->at < y->incoming->at ? -1 : 1;
    return x->place > y->place ? -1 : x->place < y->place; /* of one second, those that are listed last are the oldest */
}

/* In order: one that the intake could not store is followed by no other. */
static bool store_slice (struct slice *slice)
{
    guint n = 0;
    g_array_sort (slice->missing, by_time);
    for (; n < slice->missing->len; n++) {
        if (wait_stored (slice, PUSHED_MOST) || !push (slice, &g_array_index (slice->missing, struct missing, n))) break;
    }
    unsigned refused = wait_stored (slice, 1);
    slice->count->stored += n > refused ? n - refused : 0;
    if (!refused) return true;
    g_set_error (slice->error, error_quark (), 0, "the database is away, or the queue of what comes in is full");
    return false;
}

bool backfill_run (const struct backfill *backfill, struct backfill_count *count, GError **error)
{
    bool ok = true;
    *count = (struct backfill_count){0};
    for (int64_t from = backfill->since; ok && from < backfill->until; from += SLICE) {
        struct slice slice = {.backfill = backfill, .count = count, .error = error};
        slice.missing = g_array_new (false, false, sizeof (struct missing));
        g_array_set_clear_func (slice.missing, missing_clear);
        g_mutex_init (&slice.lock);
        g_cond_init (&slice.stored);
        ok = read_slice (&slice, from, MIN (from + SLICE, backfill->until)) && store_slice (&slice);
        g_array_unref (slice.missing);
        g_mutex_clear (&slice.lock);
        g_cond_clear (&slice.stored);
    }
    return ok;
}
