/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/intake_batch.h"

#include "base/metrics.h"
#include "base/signature.h"

#include <string.h>

#define INTAKE \
    "select known from intake " \
    "($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,$22,$23,$24,$25,$26,$27,$28,$29,$30,$31,$32,$33,$34,$35," \
    "$36,$37,$38,$39,$40,$41,$42,$43,$44,$45,$46,$47,$48,$49,$50,$51,$52,$53,$54,$55,$56,$57,$58,$59,$60)"
#define N_PARAMETERS 60

/* Places of derived ids between two messages of one request: far more than any adapter takes files. Notices' come after all messages'. */
#define FILES_MOST 4096
#define NOTICES_PLACE UINT32_C (0x80000000)

/* Positions count from one, as SQL's arrays do. */
struct flat_message {
    int request;
    const struct intake_job *job;
    const struct incoming *incoming;
    struct id id, contact, ticket;
    uint8_t hash[16];
};
struct flat_alias {
    int message;
    const char *uri;
};
struct flat_file {
    int message, position;
    const struct remote_file *file;
    struct id id;
    const struct intake_job *job;
};
struct flat_receipt {
    int request, position;
    const struct receipt *receipt;
    uint8_t hash[16];
};

struct flat_notice {
    int request;
    const struct notice *notice;
    struct id id;
    uint8_t hash[16];
};

struct batch {
    params *params;
    GArray *messages, *aliases, *files, *receipts, *notices;
};

struct batch *batch_new (void)
{
    struct batch *batch = g_new0 (struct batch, 1);
    batch->params = params_new (N_PARAMETERS);
    batch->messages = g_array_new (false, false, sizeof (struct flat_message));
    batch->aliases = g_array_new (false, false, sizeof (struct flat_alias));
    batch->files = g_array_new (false, false, sizeof (struct flat_file));
    batch->receipts = g_array_new (false, false, sizeof (struct flat_receipt));
    batch->notices = g_array_new (false, false, sizeof (struct flat_notice));
    return batch;
}

void batch_free (struct batch *batch)
{
    if (!batch) return;
    params_free (batch->params);
    g_array_unref (batch->messages);
    g_array_unref (batch->aliases);
    g_array_unref (batch->files);
    g_array_unref (batch->receipts);
    g_array_unref (batch->notices);
    g_free (batch);
}

/* Ids are derived from the journal entry's, so that the same job always becomes the same rows. */
static struct id derive (const struct intake_job *job, uint32_t place)
{
    struct id id = job->id;
    uint8_t whole[32];
    uint8_t seed[20];
    memcpy (seed, job->id.bytes, 16);
    memcpy (seed + 16, &place, sizeof place);
    signature_sha256 (seed, sizeof seed, whole);
    memcpy (id.bytes + 9, whole, 7); /* time, version, variant and the rising part stay */
    return id;
}

static void add_message (struct batch *batch, int request, const struct intake_job *job, const struct incoming *incoming, uint32_t place)
{
    struct flat_message m = {request, job, incoming, derive (job, place), derive (job, place + 1), derive (job, place + 2), {0}};
    message_hash_id (incoming->external_id, m.hash);
    g_array_append_val (batch->messages, m);
    for (guint i = 0; incoming->aliases && i < incoming->aliases->len; i++) {
        struct flat_alias a = {(int) batch->messages->len, incoming->aliases->pdata[i]};
        g_array_append_val (batch->aliases, a);
    }
    for (guint i = 0; incoming->files && i < incoming->files->len; i++) {
        struct flat_file f = {(int) batch->messages->len, (int) i, incoming->files->pdata[i], derive (job, place + 3 + i), job};
        g_array_append_val (batch->files, f);
    }
}

static void flatten (struct batch *batch, const struct intake_job *jobs)
{
    g_array_set_size (batch->messages, 0);
    g_array_set_size (batch->aliases, 0);
    g_array_set_size (batch->files, 0);
    g_array_set_size (batch->receipts, 0);
    g_array_set_size (batch->notices, 0);
    int request = 0;
    for (const struct intake_job *job = jobs; job; job = job->next) {
        request++;
        if (job->received.kind != RECEIVED_ITEMS) continue;
        for (guint i = 0; job->received.messages && i < job->received.messages->len; i++)
            add_message (batch, request, job, job->received.messages->pdata[i], i * FILES_MOST);
        for (guint i = 0; job->received.receipts && i < job->received.receipts->len; i++) {
            struct flat_receipt r = {request, (int) i, job->received.receipts->pdata[i], {0}};
            message_hash_id (r.receipt->external_id, r.hash);
            g_array_append_val (batch->receipts, r);
        }
        for (guint i = 0; job->received.notices && i < job->received.notices->len; i++) {
            struct flat_notice n = {request, job->received.notices->pdata[i], derive (job, NOTICES_PLACE + i), {0}};
            notice_hash_id (n.notice->external_id, n.hash);
            g_array_append_val (batch->notices, n);
        }
    }
}

/* One column of the batch: an array of type, one element an entry. */
#define JOBS(type, add) \
    params_array (p, type); \
    for (const struct intake_job *j = jobs; j; j = j->next) add; \
    params_array_end (p)
#define EACH(list, entry, type, add) \
    params_array (p, type); \
    for (guint i = 0; i < batch->list->len; i++) { \
        const struct entry *x = &g_array_index (batch->list, struct entry, i); \
        add; \
    } \
    params_array_end (p)
/* The same of what most items do not have: where none of the batch has it, the array is empty. */
#define FEW(list, entry, type, has, add) \
    do { \
        bool any = false; \
        for (guint i = 0; !any && i < batch->list->len; i++) { \
            const struct entry *x = &g_array_index (batch->list, struct entry, i); \
            any = (has); \
        } \
        params_array (p, type); \
        for (guint i = 0; any && i < batch->list->len; i++) { \
            const struct entry *x = &g_array_index (batch->list, struct entry, i); \
            add; \
        } \
        params_array_end (p); \
    } while (0)
#define MESSAGES(type, add) EACH (messages, flat_message, type, add)
#define FILES(type, add) EACH (files, flat_file, type, add)
#define RECEIPTS(type, add) EACH (receipts, flat_receipt, type, add)
#define FEW_MESSAGES(type, has, add) FEW (messages, flat_message, type, has, add)
#define FEW_RECEIPTS(type, has, add) FEW (receipts, flat_receipt, type, has, add)
#define NOTICES(type, add) EACH (notices, flat_notice, type, add)

static void add_raw (params *p, const struct intake_job *job)
{
    gsize size;
    const void *data = g_bytes_get_data (job->raw, &size);
    array_bytes (p, job->file ? NULL : data, size);
}

/* NULL: nothing of it is put into the quarantine. */
static const char *quarantine_reason (const struct intake_job *job)
{
    bool waits_there = job->again && job->received.kind == RECEIVED_ITEMS;
    return waits_there ? NULL : job->received.reason;
}

static void put_jobs (params *p, const struct intake_job *jobs)
{
    JOBS ("int8", array_int64 (p, j->account_id));
    JOBS ("int8", array_int64 (p, j->channel_id));
    JOBS ("uuid", array_uuid (p, &j->id));
    JOBS ("timestamptz", array_time (p, j->at));
    JOBS ("bytea", add_raw (p, j));
    JOBS ("text", array_text (p, j->file));
    JOBS ("int8", array_int64 (p, (int64_t) g_bytes_get_size (j->raw)));
    JOBS ("text", array_text (p, quarantine_reason (j)));
}

static void add_word (params *p, enum opt_out_word word)
{
    const char *name = opt_out_name (word);
    g_autofree char *lower = name ? g_ascii_strdown (name, -1) : NULL;
    array_text (p, lower);
}

/* 0: null */
static void add_channel (params *p, int64_t channel_id)
{
    if (channel_id)
        array_int64 (p, channel_id);
    else
        array_bytes (p, NULL, 0);
}

static void add_hash (params *p, const char *external_id)
{
    uint8_t hash[16];
    if (external_id) message_hash_id (external_id, hash);
    array_bytes (p, external_id ? hash : NULL, sizeof hash);
}

static void put_messages (params *p, const struct batch *batch)
{
    MESSAGES ("int4", array_int32 (p, x->request));
    MESSAGES ("bytea", array_bytes (p, x->hash, sizeof x->hash));
    MESSAGES ("text", array_text (p, x->incoming->external_id));
    MESSAGES ("uuid", array_uuid (p, &x->id));
    MESSAGES ("uuid", array_uuid (p, &x->contact));
    MESSAGES ("uuid", array_uuid (p, &x->ticket));
    MESSAGES ("text", array_text (p, x->incoming->from));
    MESSAGES ("text", array_text (p, x->incoming->to));
    MESSAGES ("text", array_text (p, x->incoming->name));
    MESSAGES ("text", array_text (p, x->incoming->text));
    MESSAGES ("jsonb", array_json (p, x->incoming->content));
    MESSAGES ("timestamptz", array_time (p, x->incoming->at));
    MESSAGES ("text", add_word (p, x->incoming->opt_out));
    FEW_MESSAGES ("int8", x->incoming->channel_id != 0, add_channel (p, x->incoming->channel_id));
    FEW_MESSAGES ("bytea", x->incoming->in_reply_to != NULL, add_hash (p, x->incoming->in_reply_to));
    FEW_MESSAGES ("timestamptz", x->incoming->window_until != 0, array_time (p, x->incoming->window_until));
    FEW_MESSAGES ("bool", x->incoming->echo, array_bool (p, x->incoming->echo));
    FEW_MESSAGES ("bool", x->incoming->quiet, array_bool (p, x->incoming->quiet));
}

static void put_aliases (params *p, const struct batch *batch)
{
    EACH (aliases, flat_alias, "int4", array_int32 (p, x->message));
    EACH (aliases, flat_alias, "text", array_text (p, x->uri));
}

static void put_files (params *p, const struct batch *batch)
{
    FILES ("int4", array_int32 (p, x->message));
    FILES ("int4", array_int32 (p, x->position));
    FILES ("uuid", array_uuid (p, &x->id));
    FILES ("text", array_text (p, x->file->url));
    FILES ("text", array_text (p, x->file->mime));
    FILES ("text", array_text (p, x->file->name));
    FEW (files, flat_file, "text", x->file->sha256 != NULL, array_text (p, x->file->sha256));
}

static void add_reference (params *p, const struct receipt *receipt)
{
    struct id id;
    array_uuid (p, receipt->reference && id_parse (receipt->reference, &id) ? &id : NULL);
}

static void put_receipts (params *p, const struct batch *batch)
{
    RECEIPTS ("int4", array_int32 (p, x->request));
    RECEIPTS ("int4", array_int32 (p, x->position));
    RECEIPTS ("bytea", array_bytes (p, x->hash, sizeof x->hash));
    RECEIPTS ("text", array_text (p, x->receipt->external_id));
    RECEIPTS ("text", array_text (p, status_name (x->receipt->status)));
    RECEIPTS ("text", array_text (p, x->receipt->code));
    RECEIPTS ("text", array_text (p, x->receipt->detail));
    RECEIPTS ("timestamptz", array_time (p, x->receipt->at));
    RECEIPTS ("uuid", add_reference (p, x->receipt));
    RECEIPTS ("int4", array_int32 (p, x->receipt->part));
    RECEIPTS ("bool", array_bool (p, x->receipt->opted_out));
    FEW_RECEIPTS ("int8", x->receipt->channel_id != 0, add_channel (p, x->receipt->channel_id));
    FEW_RECEIPTS ("text", x->receipt->reason != NULL, array_text (p, x->receipt->reason));
    FEW_RECEIPTS ("text", x->receipt->title != NULL, array_text (p, x->receipt->title));
    FEW_RECEIPTS ("jsonb", x->receipt->data != NULL, array_json (p, x->receipt->data));
}

static void put_notices (params *p, const struct batch *batch)
{
    NOTICES ("int4", array_int32 (p, x->request));
    NOTICES ("bytea", array_bytes (p, x->hash, sizeof x->hash));
    NOTICES ("uuid", array_uuid (p, &x->id));
    NOTICES ("int8", add_channel (p, x->notice->channel_id));
    NOTICES ("text", array_text (p, x->notice->topic));
    NOTICES ("text", array_text (p, x->notice->title));
    NOTICES ("jsonb", array_json (p, x->notice->data));
    NOTICES ("timestamptz", array_time (p, x->notice->at));
    NOTICES ("text", array_text (p, x->notice->health));
    NOTICES ("text", array_text (p, x->notice->remedy));
}

static unsigned count_jobs (const struct intake_job *jobs)
{
    unsigned n = 0;
    for (; jobs; jobs = jobs->next) n++;
    return n;
}

bool batch_store (struct batch *batch, struct db *db, const struct intake_job *jobs, GError **error)
{
    flatten (batch, jobs);
    params_reset (batch->params);
    put_jobs (batch->params, jobs);
    put_messages (batch->params, batch);
    put_aliases (batch->params, batch);
    put_files (batch->params, batch);
    put_receipts (batch->params, batch);
    put_notices (batch->params, batch);
    int64_t began = g_get_monotonic_time ();
    g_autoptr (db_result) result = db_call (db, INTAKE, batch->params, error);
    if (!result) return false;
    metrics_observe (HISTOGRAM_COMMIT_SECONDS, (double) (g_get_monotonic_time () - began) / G_USEC_PER_SEC);
    metrics_observe (HISTOGRAM_BATCH_SIZE, count_jobs (jobs));
    metrics_add (METRIC_INGEST_DUPLICATE, (uint64_t) db_int64 (result, 0, 0));
    return true;
}
