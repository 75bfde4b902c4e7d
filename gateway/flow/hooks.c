/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/hooks.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "flow/item_route.h"
#include "flow/problem.h"

#include <stdatomic.h>
#include <string.h>

/* Strangers may come as often as they like: so often at most the log says that they do. */
#define COMPLAINT_PAUSE G_TIME_SPAN_MINUTE

static void refuse_stranger (struct http_exchange *exchange)
{
    metrics_count (METRIC_INGEST_REFUSED);
    http_exchange_reply (exchange, problem_new (403, NULL, NULL, NULL));
}

/* Were it the provider, its messages would be lost: a wrong secret or public_url looks the same. */
static void tell_refused (const struct channel *channel)
{
    static atomic_int_fast64_t told; /* monotonic */
    int_fast64_t last = told, now = g_get_monotonic_time ();
    if ((last && now - last < COMPLAINT_PAUSE) || !atomic_compare_exchange_strong (&told, &last, now)) return;
    log_warning ("hook.refused",
                 "channel %s/%s: a request was not signed with its secret for listen.public_url; gw_ingest_requests_total counts all",
                 channel->account, channel->slug);
}

/* Nothing was stored: the provider comes again. */
static void refuse_busy (struct http_exchange *exchange)
{
    metrics_count (METRIC_INGEST_BUSY);
    struct http_response *response = problem_new (503, NULL, NULL, NULL);
    http_response_add (response, "Retry-After", "1");
    http_exchange_reply (exchange, response);
}

/* The channel of /hooks/{account}/{channel}[/{secret}]; NULL: none of ours. *secret: NULL where the path has none. */
static const struct channel *find_channel (const struct config *config, const char *path, const char **secret)
{
    const char *account = path + strlen ("/hooks/");
    const char *slash = strchr (account, '/');
    if (!slash) return NULL;
    const char *slug = slash + 1;
    size_t slug_length = strcspn (slug, "/");
    *secret = slug[slug_length] ? slug + slug_length + 1 : NULL;
    if (*secret && (!**secret || strchr (*secret, '/'))) return NULL;
    const struct channel *channel = config_channel (config, account, (size_t) (slash - account), slug, slug_length);
    return channel && channel->channel_id ? channel : NULL;
}

static void answer (struct intake_job *job, enum intake_outcome outcome)
{
    struct http_exchange *exchange = job->data;
    if (outcome == INTAKE_BUSY) {
        refuse_busy (exchange);
    } else {
        metrics_count (outcome == INTAKE_STORED ? METRIC_INGEST_STORED : METRIC_INGEST_QUARANTINED);
        http_exchange_reply (exchange, g_steal_pointer (&job->received.reply));
    }
    intake_job_free (job);
}

static struct intake_job *job_new (const struct channel *channel, int64_t now)
{
    struct intake_job *job = g_new0 (struct intake_job, 1);
    job->account_id = channel->account_id;
    job->channel_id = channel->channel_id;
    job->at = now;
    return job;
}

void hooks_handle (struct intake *intake, const struct config *config, struct http_exchange *exchange)
{
    struct http_request request = *http_exchange_request (exchange);
    const struct channel *channel = find_channel (config, request.path, &request.secret);
    if (!channel) {
        refuse_stranger (exchange);
        return;
    }
    int64_t now = clock_now ();
    struct received received = {0};
    channel->adapter->receive (channel, &request, false, now, &received);
    if (received.kind == RECEIVED_STRANGER) {
        tell_refused (channel);
        refuse_stranger (exchange);
    } else if (received.kind == RECEIVED_REFUSED) {
        metrics_count (METRIC_INGEST_REFUSED);
        http_exchange_reply (exchange, g_steal_pointer (&received.reply));
    } else {
        item_route (config, channel, &received);
        struct intake_job *job = job_new (channel, now);
        job->id = id_new (now);
        job->raw = http_request_format (&request);
        job->received = received;
        job->done = answer;
        job->data = exchange;
        if (!intake_push (intake, job)) {
            intake_job_free (job);
            refuse_busy (exchange);
        }
        return;
    }
    received_clear (&received);
}

/* What came now comes into today's journal and log; that it was said earlier stays known. */
static void date_back (const struct received *received, int64_t at)
{
    for (guint i = 0; received->messages && i < received->messages->len; i++) {
        struct incoming *incoming = received->messages->pdata[i];
        if (!incoming->at) incoming->at = at;
    }
    for (guint i = 0; received->receipts && i < received->receipts->len; i++) {
        struct receipt *receipt = received->receipts->pdata[i];
        if (!receipt->at) receipt->at = at;
    }
    for (guint i = 0; received->notices && i < received->notices->len; i++) {
        struct notice *notice = received->notices->pdata[i];
        if (!notice->at) notice->at = at;
    }
}

char *hooks_reprocess (struct intake *intake, const struct config *config, const struct channel *channel, GBytes *raw, int64_t at,
                       void (*done) (struct intake_job *job, enum intake_outcome outcome), void *data)
{
    g_autoptr (struct_http_request) request = http_request_parse (raw);
    if (!request) return g_strdup ("the journal entry is not a request");
    int64_t now = clock_now ();
    struct intake_job *job = job_new (channel, now);
    job->id = id_new (now);
    job->raw = g_bytes_ref (raw);
    job->done = done;
    job->data = data;
    job->again = true;
    channel->adapter->receive (channel, request, true, now, &job->received);
    item_route (config, channel, &job->received);
    date_back (&job->received, at);
    char *reason = NULL;
    if (job->received.kind != RECEIVED_ITEMS) {
        reason = g_strdup (job->received.reason ? job->received.reason : "the adapter does not take it");
        intake_job_free (job);
    } else if (!intake_push (intake, job)) {
        done (job, INTAKE_BUSY);
    }
    return reason;
}
