/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/intake.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/pulse.h"
#include "base/worker.h"
#include "flow/intake_batch.h"
#include "store/files.h"

#include <string.h>

/* A lost connection is tried again this often. */
#define RECONNECT_PAUSE (250 * G_TIME_SPAN_MILLISECOND)

/* A deadlock or a serialisation failure with another gateway ends by trying again. */
#define CONFLICT_TRIES 5

struct intake {
    struct intake_options options;
    char *directory;
    struct worker worker;
    struct db *db;
    struct batch *batch;

    /* under the worker's lock */
    struct intake_job *first, **last; /* waiting, oldest first */
    size_t n_waiting;
    int64_t taken; /* monotonic µs when the writer took its batch; 0: it waits for one */
    bool idle, connected;
};

void intake_job_free (struct intake_job *job)
{
    if (!job) return;
    g_clear_pointer (&job->raw, g_bytes_unref);
    received_clear (&job->received);
    g_free (job->file);
    g_free (job);
}

/* Cuts off all that waits; under lock. */
static struct intake_job *take_all (struct intake *intake)
{
    struct intake_job *jobs = intake->first;
    intake->first = NULL;
    intake->last = &intake->first;
    intake->n_waiting = 0;
    return jobs;
}

static void finish (struct intake_job *jobs, enum intake_outcome outcome)
{
    for (struct intake_job *job = jobs, *next; job; job = next) {
        next = job->next;
        job->done (job, outcome == INTAKE_STORED && job->received.reason ? INTAKE_QUARANTINED : outcome);
    }
}

bool intake_push (struct intake *intake, struct intake_job *job)
{
    job->next = NULL;
    g_mutex_lock (&intake->worker.lock);
    /* A database that holds the writer up for so long is as good as none: who waits is told so, too. */
    bool stuck = intake->taken && g_get_monotonic_time () - intake->taken > intake->options.wait;
    struct intake_job *vain = stuck ? take_all (intake) : NULL;
    bool taken = intake->connected && !intake->worker.stopping && !stuck && intake->n_waiting < intake->options.queue;
    if (taken) {
        *intake->last = job;
        intake->last = &job->next;
        intake->n_waiting++;
        if (intake->idle) g_cond_signal (&intake->worker.wake);
    }
    g_mutex_unlock (&intake->worker.lock);
    finish (vain, INTAKE_BUSY);
    return taken;
}

void intake_look (struct intake *intake, struct intake_state *state)
{
    g_mutex_lock (&intake->worker.lock);
    state->waiting = intake->n_waiting;
    state->oldest = intake->first ? MAX (clock_now () - intake->first->at, 0) : 0;
    state->connected = intake->connected;
    g_mutex_unlock (&intake->worker.lock);
}

static void set_connected (struct intake *intake, bool connected)
{
    g_mutex_lock (&intake->worker.lock);
    intake->connected = connected;
    intake->taken = 0; /* what was under way has its answer */
    g_mutex_unlock (&intake->worker.lock);
}

static size_t count (const GPtrArray *items)
{
    return items ? items->len : 0;
}

/* Waits for work and cuts off the oldest jobs that fit in one batch. NULL: stopping, and nothing waits. */
static struct intake_job *take_batch (struct intake *intake, size_t *n)
{
    g_mutex_lock (&intake->worker.lock);
    pulse_wait ();
    intake->idle = true;
    intake->taken = 0;
    while (!intake->first && !intake->worker.stopping) g_cond_wait (&intake->worker.wake, &intake->worker.lock);
    pulse_work ();
    intake->idle = false;

    struct intake_job *first = intake->first, **end = &intake->first;
    size_t items = 0, bytes = 0;
    for (*n = 0; *end; end = &(*end)->next, ++*n) {
        struct intake_job *job = *end;
        items += MAX (1, count (job->received.messages) + count (job->received.receipts) + count (job->received.notices));
        bytes += g_bytes_get_size (job->raw);
        if (*n > 0 && (items > intake->options.batch_items || bytes > intake->options.batch_bytes)) break;
    }
    struct intake_job *rest = *end;
    *end = NULL;
    intake->first = rest;
    if (!rest) intake->last = &intake->first;
    intake->n_waiting -= *n;
    intake->taken = g_get_monotonic_time ();
    g_mutex_unlock (&intake->worker.lock);
    return *n ? first : NULL;
}

static bool has_files (const struct intake_job *job)
{
    const GPtrArray *messages = job->received.messages;
    for (guint i = 0; messages && i < messages->len; i++) {
        const struct incoming *incoming = messages->pdata[i];
        if (incoming->files && incoming->files->len) return true;
    }
    return false;
}

static void tell_committed (struct intake *intake, const struct intake_job *jobs)
{
    int64_t told = 0;
    bool receipts = false, files = false;
    for (const struct intake_job *job = jobs; job; job = job->next) {
        receipts |= count (job->received.receipts) > 0;
        files |= has_files (job);
    }
    for (const struct intake_job *job = jobs; job; job = job->next) {
        if (job->account_id != told) intake->options.committed (job->account_id, receipts, files, intake->options.data);
        told = job->account_id;
    }
}

enum stored { STORED, LOST, CONFLICT, REFUSED, UNABLE };

/* What the database lacks now it may have later, for the same rows: room, time, a lock, the right to write. */
static bool is_passing (const char *state)
{
    return g_str_has_prefix (state, "53") || g_str_has_prefix (state, "55") || g_str_has_prefix (state, "57") ||
           g_str_has_prefix (state, "58") || g_str_equal (state, "25006");
}

/* One try of one transaction. LOST: it may or may not have been committed. REFUSED: something in it will never be stored. */
static enum stored try_store (struct intake *intake, const struct intake_job *jobs)
{
    g_autoptr (GError) error = NULL;
    if (batch_store (intake->batch, intake->db, jobs, &error)) return STORED;
    if (g_error_matches (error, DB_ERROR, DB_ERROR_CONNECTION)) return LOST;
    const char *state = db_sqlstate (intake->db);
    if (g_str_has_prefix (state, "40")) return CONFLICT;
    if (!is_passing (state)) return REFUSED;
    log_warning ("intake.unable", "%s", error->message);
    return UNABLE;
}

/* True: connected again before limit (monotonic µs). */
static bool reconnect (struct intake *intake, int64_t limit)
{
    g_autoptr (GError) error = NULL;
    do {
        g_clear_error (&error);
        if (db_reopen (intake->db, &error)) return true;
        g_usleep (RECONNECT_PAUSE);
    } while (g_get_monotonic_time () < limit);
    log_error ("intake.disconnected", "%s", error->message);
    return false;
}

/* Runs a transaction until it is stored or it is known why not. A connection lost after COMMIT was sent is settled by running the same
 * rows again: their ids are theirs, so what is there already is known. */
static enum stored store_certainly (struct intake *intake, const struct intake_job *jobs)
{
    int64_t limit = g_get_monotonic_time () + intake->options.wait;
    for (int tries = 1;; tries++) {
        enum stored stored = try_store (intake, jobs);
        if (stored == CONFLICT && tries >= CONFLICT_TRIES) return UNABLE;
        if (stored != LOST && stored != CONFLICT) return stored;
        if (stored == LOST && !reconnect (intake, limit)) return LOST;
    }
}

static struct intake_job *split (struct intake_job *jobs, size_t n)
{
    while (--n) jobs = jobs->next;
    struct intake_job *rest = jobs->next;
    jobs->next = NULL;
    return rest;
}

/* The one that the database refuses is kept as it came, with the reason in words that hold nothing of the customer's. */
static void quarantine (struct intake *intake, struct intake_job *job)
{
    const char *constraint = db_constraint (intake->db);
    job->received.kind = RECEIVED_UNREADABLE;
    g_free (job->received.reason);
    job->received.reason = g_strdup_printf ("the database refused it (SQLSTATE %s%s%s)", db_sqlstate (intake->db),
                                            constraint ? ", constraint " : "", constraint ? constraint : "");
    log_warning ("intake.refused", "%s", job->received.reason);
    enum stored stored = store_certainly (intake, job);
    if (stored == STORED)
        tell_committed (intake, job);
    else
        log_error ("intake.unstorable", "a request could not even be quarantined (SQLSTATE %s)", db_sqlstate (intake->db));
    finish (job, stored == STORED ? INTAKE_STORED : INTAKE_BUSY);
}

/* Stores jobs; halves them where one of them is refused, so that it takes no neighbour down. */
static void store (struct intake *intake, struct intake_job *jobs, size_t n)
{
    switch (store_certainly (intake, jobs)) {
    case STORED:
        tell_committed (intake, jobs);
        finish (jobs, INTAKE_STORED);
        return;
    case REFUSED:
        if (n == 1) {
            quarantine (intake, jobs);
            return;
        }
        struct intake_job *rest = split (jobs, n / 2);
        store (intake, jobs, n / 2);
        store (intake, rest, n - n / 2);
        return;
    case LOST:
        set_connected (intake, false);
        finish (jobs, INTAKE_BUSY);
        return;
    case CONFLICT:
    case UNABLE: finish (jobs, INTAKE_BUSY); return;
    }
}

/* Large requests go to a file first; one whose file cannot be written is answered at once and taken out of the chain. */
static struct intake_job *put_files (struct intake *intake, struct intake_job *jobs, size_t *n)
{
    for (struct intake_job **at = &jobs; *at;) {
        struct intake_job *job = *at;
        g_autoptr (GError) error = NULL;
        if (g_bytes_get_size (job->raw) <= intake->options.inline_max || (job->file = files_put (intake->directory, job->raw, &error))) {
            at = &job->next;
            continue;
        }
        log_error ("intake.file", "%s", error->message);
        *at = job->next;
        --*n;
        job->done (job, INTAKE_BUSY);
    }
    return jobs;
}

/* While the database is away, senders are told so at once; what slipped in before is answered too. */
static void wait_for_database (struct intake *intake)
{
    while (!intake->connected) {
        g_mutex_lock (&intake->worker.lock);
        struct intake_job *jobs = take_all (intake);
        bool stopping = intake->worker.stopping;
        g_mutex_unlock (&intake->worker.lock);
        finish (jobs, INTAKE_BUSY);
        if (stopping) return;
        if (db_reopen (intake->db, NULL)) {
            set_connected (intake, true);
            log_info ("intake.reconnected", "connected to the database again");
        } else {
            g_usleep (RECONNECT_PAUSE);
        }
    }
}

static void run (void *data)
{
    struct intake *intake = data;
    size_t n;
    struct intake_job *jobs;
    while ((jobs = take_batch (intake, &n))) {
        jobs = put_files (intake, jobs, &n);
        if (n) store (intake, jobs, n);
        wait_for_database (intake);
    }
}

struct intake *intake_start (const struct intake_options *options, GError **error)
{
    struct db *db =
        db_open (options->database_url, "switchboard intake", "-c statement_timeout=10000 -c lock_timeout=2000 -c jit=off", error);
    if (!db) return NULL;
    struct intake *intake = g_new0 (struct intake, 1);
    intake->options = *options;
    intake->directory = g_strdup (options->directory);
    intake->db = db;
    intake->batch = batch_new ();
    intake->connected = true;
    intake->last = &intake->first;
    worker_start (&intake->worker, "intake", run, intake);
    return intake;
}

void intake_stop (struct intake *intake)
{
    if (!intake) return;
    worker_stop (&intake->worker);
}

void intake_free (struct intake *intake)
{
    if (!intake) return;
    batch_free (intake->batch);
    db_close (intake->db);
    worker_clear (&intake->worker);
    g_free (intake->directory);
    g_free (intake);
}
