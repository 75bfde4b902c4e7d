/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/ops.h"

#include "base/metrics.h"
#include "flow/problem.h"
#include "store/schema.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>

struct ops {
    struct intake *intake;
    struct feed *feed;
    struct api *api;
    size_t queue_max;
    atomic_bool draining;
};

struct ops *ops_start (struct intake *intake, struct feed *feed, struct api *api, size_t queue_max)
{
    struct ops *ops = g_new0 (struct ops, 1);
    ops->intake = intake;
    ops->feed = feed;
    ops->api = api;
    ops->queue_max = queue_max;
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

static struct http_response *ready (struct ops *ops)
{
    struct intake_state state;
    intake_look (ops->intake, &state);
    const char *why = ops->draining ? "the gateway is stopping"
                      : !state.connected ? "the database cannot be reached"
                      : state.waiting >= ops->queue_max ? "the intake queue is full"
                                                        : NULL;
    if (!why)
        return text_response (200, "application/json", g_strdup ("{\"status\":\"ready\"}"));
    return text_response (503, "application/json", g_strdup_printf ("{\"status\":\"not ready\",\"why\":\"%s\"}", why));
}

static struct http_response *metrics (struct ops *ops)
{
    struct intake_state intake;
    struct api_state api;
    struct rusage usage;
    intake_look (ops->intake, &intake);
    api_look (ops->api, &api);
    getrusage (RUSAGE_SELF, &usage);
    GString *out = g_string_new (NULL);
    g_string_append_printf (out, "# HELP gw_build_info what runs here\n# TYPE gw_build_info gauge\ngw_build_info{version=\"%s\",schema=\"%s\"} 1\n",
                            switchboard_version, schema_build);
    metrics_format (out);
    metrics_gauge (out, "gw_ingest_queue_depth", "requests that wait to be stored", (double) intake.waiting);
    metrics_gauge (out, "gw_ingest_queue_oldest_seconds", "how long the oldest of them waits", (double) intake.oldest / G_USEC_PER_SEC);
    metrics_gauge (out, "gw_database_connected", "1 if the intake has its connection", intake.connected);
    metrics_gauge (out, "gw_api_queue_depth", "API requests that wait for a worker", (double) api.waiting);
    metrics_gauge (out, "gw_sse_clients", "open event streams", feed_streams (ops->feed));
    metrics_gauge (out, "process_resident_memory_peak_bytes", "the most memory that was resident", (double) usage.ru_maxrss * 1024);
    metrics_gauge (out, "process_cpu_seconds", "user and system time", (double) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                                                                           (double) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
    return http_response_new (200, "text/plain; version=0.0.4; charset=utf-8", g_string_free_to_bytes (out));
}

void ops_handle (struct ops *ops, struct http_exchange *exchange, bool with_metrics)
{
    const char *path = http_exchange_request (exchange)->path;
    struct http_response *response;
    if (g_str_equal (path, "/livez"))
        response = text_response (200, "application/json", g_strdup ("{\"status\":\"alive\"}"));
    else if (g_str_equal (path, "/readyz"))
        response = ready (ops);
    else if (with_metrics && g_str_equal (path, "/metrics"))
        response = metrics (ops);
    else
        response = problem_new (404, NULL, NULL, NULL);
    http_exchange_reply (exchange, response);
}
