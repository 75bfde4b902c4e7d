/* SPDX-License-Identifier: Apache-2.0 */
#include "base/metrics.h"

#include <stdatomic.h>

#define BUCKETS_MOST 14

static const struct {
    const char *name, *labels, *help;
} counters[METRIC_N] = {
    [METRIC_INGEST_STORED] = {"gw_ingest_requests_total", "outcome=\"stored\"", "requests of providers by what became of them"},
    [METRIC_INGEST_QUARANTINED] = {"gw_ingest_requests_total", "outcome=\"quarantined\"", NULL},
    [METRIC_INGEST_REFUSED] = {"gw_ingest_requests_total", "outcome=\"refused\"", NULL},
    [METRIC_INGEST_BUSY] = {"gw_ingest_requests_total", "outcome=\"busy\"", NULL},
    [METRIC_INGEST_DUPLICATE] = {"gw_ingest_duplicates_total", "", "messages that came again and changed nothing"},
    [METRIC_EVENTS_STREAMED] = {"gw_events_streamed_total", "", "events written to event streams"},
    [METRIC_SEND_SENT] = {"gw_send_attempts_total", "class=\"sent\"",
                          "attempts to send a message, or a part of one, by what became of them"},
    [METRIC_SEND_PROGRESS] = {"gw_send_attempts_total", "class=\"progress\"", NULL},
    [METRIC_SEND_RETRY] = {"gw_send_attempts_total", "class=\"retry\"", NULL},
    [METRIC_SEND_FAILED] = {"gw_send_attempts_total", "class=\"failed\"", NULL},
    [METRIC_SEND_OPTED_OUT] = {"gw_send_attempts_total", "class=\"opted_out\"", NULL},
    [METRIC_SEND_UNCERTAIN] = {"gw_send_attempts_total", "class=\"uncertain\"", NULL},
    [METRIC_MEDIA_STORED] = {"gw_media_fetch_total", "outcome=\"stored\"", "tries to fetch a file of an incoming message"},
    [METRIC_MEDIA_RETRY] = {"gw_media_fetch_total", "outcome=\"retry\"", NULL},
    [METRIC_MEDIA_FAILED] = {"gw_media_fetch_total", "outcome=\"failed\"", NULL},
};

static const struct {
    const char *name, *help;
    size_t n;
    double bounds[BUCKETS_MOST];
} histograms[HISTOGRAM_N] = {
    [HISTOGRAM_BATCH_SIZE] = {"gw_ingest_commit_batch_size", "requests in one transaction", 9, {1, 2, 4, 8, 16, 32, 64, 128, 256}},
    [HISTOGRAM_COMMIT_SECONDS] = {"gw_ingest_commit_seconds",
                                  "time of one intake transaction",
                                  10,
                                  {.001, .0025, .005, .01, .025, .05, .1, .25, 1, 30}},
    [HISTOGRAM_API_SECONDS] = {"gw_http_request_duration_seconds",
                               "time of API requests",
                               11,
                               {.001, .0025, .005, .01, .025, .05, .1, .25, 1, 5, 30}},
};

static atomic_uint_fast64_t counts[METRIC_N];
static struct {
    atomic_uint_fast64_t buckets[BUCKETS_MOST], n, sum; /* sum in millionths */
} observed[HISTOGRAM_N];

/* Requests by route, method and status: as many as there are routes with their answers, so the list stays short. Only its head ever changes. */
struct series {
    const char *route, *method;
    unsigned status;
    atomic_uint_fast64_t count;
    struct series *next;
};
static _Atomic (struct series *) requests;

/* until (not included): where an earlier search began. */
static struct series *find_series (struct series *from, const struct series *until, const char *route, const char *method, unsigned status)
{
    for (; from != until; from = from->next)
        if (from->status == status && g_str_equal (from->route, route) && g_str_equal (from->method, method)) return from;
    return NULL;
}

void metrics_http (const char *route, const char *method, unsigned status)
{
    struct series *head = atomic_load (&requests), *found = find_series (head, NULL, route, method, status), *fresh = NULL;
    while (!found) {
        if (!fresh) {
            fresh = g_new0 (struct series, 1);
            *fresh = (struct series){.route = route, .method = method, .status = status};
        }
        struct series *seen = fresh->next = head;
        if (atomic_compare_exchange_strong (&requests, &head, fresh))
            found = g_steal_pointer (&fresh);
        else /* another thread was faster, perhaps with the same one */
            found = find_series (head, seen, route, method, status);
    }
    g_free (fresh);
    atomic_fetch_add_explicit (&found->count, 1, memory_order_relaxed);
}

static void format_requests (GString *out)
{
    g_string_append (out, "# HELP gw_http_requests_total requests of the API by their answers\n# TYPE gw_http_requests_total counter\n");
    for (struct series *one = atomic_load (&requests); one; one = one->next)
        g_string_append_printf (out, "gw_http_requests_total{route=\"%s\",method=\"%s\",code=\"%u\"} %" G_GUINT64_FORMAT "\n", one->route,
                                one->method, one->status, (uint64_t) atomic_load (&one->count));
}

void metrics_add (enum metric metric, uint64_t n)
{
    atomic_fetch_add_explicit (&counts[metric], n, memory_order_relaxed);
}

void metrics_count (enum metric metric)
{
    metrics_add (metric, 1);
}

uint64_t metrics_counted (enum metric metric)
{
    return atomic_load_explicit (&counts[metric], memory_order_relaxed);
}

void metrics_observe (enum histogram h, double value)
{
    size_t i = 0;
    while (i < histograms[h].n && value > histograms[h].bounds[i]) i++;
    if (i < histograms[h].n) atomic_fetch_add_explicit (&observed[h].buckets[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit (&observed[h].n, 1, memory_order_relaxed);
    atomic_fetch_add_explicit (&observed[h].sum, (uint64_t) (value * 1000000), memory_order_relaxed);
}

static void format_histogram (GString *out, enum histogram h)
{
    const char *name = histograms[h].name;
    uint64_t below = 0, n = atomic_load (&observed[h].n);
    g_string_append_printf (out, "# HELP %s %s\n# TYPE %s histogram\n", name, histograms[h].help, name);
    for (size_t i = 0; i < histograms[h].n; i++) {
        below += atomic_load (&observed[h].buckets[i]);
        g_string_append_printf (out, "%s_bucket{le=\"%g\"} %" G_GUINT64_FORMAT "\n", name, histograms[h].bounds[i], below);
    }
    g_string_append_printf (out, "%s_bucket{le=\"+Inf\"} %" G_GUINT64_FORMAT "\n%s_sum %.15g\n%s_count %" G_GUINT64_FORMAT "\n", name,
                            MAX (n, below), name, (double) atomic_load (&observed[h].sum) / 1000000, name, MAX (n, below));
}

void metrics_format (GString *out)
{
    for (size_t i = 0; i < METRIC_N; i++) {
        if (counters[i].help)
            g_string_append_printf (out, "# HELP %s %s\n# TYPE %s counter\n", counters[i].name, counters[i].help, counters[i].name);
        g_string_append_printf (out, *counters[i].labels ? "%s{%s} %" G_GUINT64_FORMAT "\n" : "%s%s %" G_GUINT64_FORMAT "\n",
                                counters[i].name, counters[i].labels, (uint64_t) atomic_load (&counts[i]));
    }
    format_requests (out);
    for (size_t h = 0; h < HISTOGRAM_N; h++) format_histogram (out, (enum histogram) h);
}

void metrics_gauge (GString *out, const char *name, const char *help, double value)
{
    g_string_append_printf (out, "# HELP %s %s\n# TYPE %s gauge\n%s %.15g\n", name, help, name, name, value);
}
