/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/ops.h"

#include "base/clock.h"
#include "base/metrics.h"
#include "base/pulse.h"
#include "flow/problem.h"
#include "store/schema.h"

#include <dirent.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

struct ops {
    struct intake *intake;
    struct feed *feed;
    struct api *api;
    const struct schedule *schedule;
    struct ping *ping;
    struct dispatch *dispatch;
    size_t queue_max;
    double started; /* seconds since 1970 */
    atomic_bool draining;
};

struct ops *ops_start (struct intake *intake, struct feed *feed, struct api *api, const struct schedule *schedule, struct ping *ping,
                       struct dispatch *dispatch, size_t queue_max)
{
    struct ops *ops = g_new0 (struct ops, 1);
    ops->intake = intake;
    ops->feed = feed;
    ops->api = api;
    ops->schedule = schedule;
    ops->ping = ping;
    ops->dispatch = dispatch;
    ops->queue_max = queue_max;
    ops->started = (double) g_get_real_time () / G_USEC_PER_SEC;
    return ops;
}

void ops_stop (struct ops *ops)
{
    g_free (ops);
}

void ops_drain (struct ops *ops)
{
    ops->draining = true;
}

static struct http_response *text_response (unsigned status, const char *type, char *text)
{
    return http_response_new (status, type, g_bytes_new_take (text, strlen (text)));
}

static struct http_response *unavailable (const char *why)
{
    struct http_response *response = problem_new (503, why, NULL, NULL);
    http_response_add (response, "Retry-After", "1");
    return response;
}

static struct http_response *live (void)
{
    const char *hung = pulse_hung (g_get_monotonic_time ());
    if (!hung) return text_response (200, "text/plain", g_strdup ("alive\n"));
    g_autofree char *why = g_strdup_printf ("the thread \"%s\" hangs", hung);
    return unavailable (why);
}

static struct http_response *ready (struct ops *ops)
{
    struct intake_state state;
    intake_look (ops->intake, &state);
    const char *why = ops->draining                                    ? "the gateway is stopping"
                      : !state.connected || !ping_answered (ops->ping) ? "the database cannot be reached"
                      : state.waiting >= ops->queue_max                ? "the intake queue is full"
                                                                       : NULL;
    return why ? unavailable (why) : text_response (200, "text/plain", g_strdup ("ready\n"));
}

static unsigned count_files (void)
{
    unsigned n = 0;
    DIR *directory = opendir ("/proc/self/fd");
    if (!directory) return 0;
    while (readdir (directory)) n++;
    closedir (directory);
    return n - MIN (n, 3); /* ".", ".." and the directory itself */
}

/* Names and units as Prometheus' own clients have them. */
static void format_process (const struct ops *ops, GString *out)
{
    unsigned long pages = 0, resident = 0;
    FILE *statm = fopen ("/proc/self/statm", "re");
    if (statm && fscanf (statm, "%lu %lu", &pages, &resident) != 2) pages = resident = 0;
    g_clear_pointer (&statm, fclose);
    struct rusage used;
    struct rlimit files;
    getrusage (RUSAGE_SELF, &used);
    getrlimit (RLIMIT_NOFILE, &files);
    double seconds =
        (double) (used.ru_utime.tv_sec + used.ru_stime.tv_sec) + (double) (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    double page = (double) sysconf (_SC_PAGESIZE);
    g_string_append_printf (out,
                            "# HELP process_cpu_seconds_total user and system time\n# TYPE process_cpu_seconds_total counter\n"
                            "process_cpu_seconds_total %.2f\n",
                            seconds);
    metrics_gauge (out, "process_resident_memory_bytes", "memory that is resident", (double) resident * page);
    metrics_gauge (out, "process_virtual_memory_bytes", "memory that is mapped", (double) pages * page);
    metrics_gauge (out, "process_open_fds", "open file descriptors", count_files ());
    metrics_gauge (out, "process_max_fds", "the most that may be open", (double) files.rlim_cur);
    metrics_gauge (out, "process_start_time_seconds", "when it was started, seconds since 1970", ops->started);
}

static struct http_response *metrics (struct ops *ops)
{
    struct intake_state intake;
    struct api_state api;
    struct dispatch_state outbox;
    intake_look (ops->intake, &intake);
    api_look (ops->api, &api);
    dispatch_look (ops->dispatch, &outbox);
    GString *out = g_string_new (NULL);
    g_string_append_printf (
        out, "# HELP gw_build_info what runs here\n# TYPE gw_build_info gauge\ngw_build_info{version=\"%s\",schema=\"%s\"} 1\n",
        switchboard_version, schema_build);
    metrics_format (out);
    metrics_gauge (out, "gw_ingest_queue_depth", "requests that wait to be stored", (double) intake.waiting);
    metrics_gauge (out, "gw_ingest_queue_oldest_seconds", "how long the oldest of them waits", (double) intake.oldest / G_USEC_PER_SEC);
    metrics_gauge (out, "gw_database_connected", "1 if the intake has its connection", intake.connected);
    metrics_gauge (out, "gw_api_queue_depth", "API requests that wait for a worker", (double) api.waiting);
    metrics_gauge (out, "gw_outbox_depth", "messages that wait to be sent, up to 100000", (double) outbox.waiting);
    metrics_gauge (out, "gw_outbox_oldest_due_seconds", "how late the oldest of them is",
                   outbox.oldest_due ? (double) MAX (clock_now () - outbox.oldest_due, 0) / G_USEC_PER_SEC : 0);
    metrics_gauge (out, "gw_sends_in_flight", "calls to providers that are not answered yet", outbox.under_way);
    metrics_gauge (out, "gw_sse_clients", "open event streams", feed_streams (ops->feed));
    metrics_gauge (out, "gw_feed_lag_seconds", "age of the event that was written to streams last",
                   (double) feed_lag (ops->feed) / G_USEC_PER_SEC);
    g_string_append_printf (out,
                            "# HELP gw_pg_connections connections of the API to PostgreSQL\n# TYPE gw_pg_connections gauge\n"
                            "gw_pg_connections{state=\"connected\"} %u\ngw_pg_connections{state=\"lost\"} %u\n",
                            api.connected, api.connections - api.connected);
    metrics_gauge (out, "gw_pg_oldest_xmin_age", "transactions since the oldest snapshot that vacuum must spare, seen once a minute",
                   (double) schedule_oldest_snapshot (ops->schedule));
    format_process (ops, out);
    return http_response_new (200, "text/plain; version=0.0.4; charset=utf-8", g_string_free_to_bytes (out));
}

void ops_handle (struct ops *ops, struct http_exchange *exchange, bool with_metrics)
{
    const char *path = http_exchange_request (exchange)->path;
    struct http_response *response;
    if (g_str_equal (path, "/livez"))
        response = live ();
    else if (g_str_equal (path, "/readyz"))
        response = ready (ops);
    else if (with_metrics && g_str_equal (path, "/metrics"))
        response = metrics (ops);
    else
        response = problem_new (404, NULL, NULL, NULL);
    http_exchange_reply (exchange, response);
}
