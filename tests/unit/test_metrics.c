/* SPDX-License-Identifier: Apache-2.0 */
#include "base/metrics.h"

#include <string.h>

#define THREADS 8
#define TIMES 20000

static void *count (void *unused)
{
    for (unsigned i = 0; i < TIMES; i++) {
        metrics_count (METRIC_INGEST_STORED);
        metrics_http ("/v1/tickets", "GET", 200 + i % 7);
        metrics_observe (HISTOGRAM_BATCH_SIZE, i % 2 ? 3 : 1000);
    }
    return unused;
}

static void expect_once (const char *text, const char *line)
{
    g_autofree char *whole = g_strdup_printf ("\n%s\n", line);
    const char *at = strstr (text, whole);
    if (!at) g_error ("there is no line %s in:\n%s", line, text);
    g_assert_null (strstr (at + 1, whole));
}

static void test_threads_lose_nothing (void)
{
    GThread *threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++) threads[i] = g_thread_new ("count", count, NULL);
    for (unsigned i = 0; i < THREADS; i++) g_thread_join (threads[i]);
    g_autoptr (GString) out = g_string_new ("\n");
    metrics_format (out);
    expect_once (out->str, "gw_ingest_requests_total{outcome=\"stored\"} 160000");
    for (unsigned i = 0; i < 7; i++) {
        g_autofree char *line = g_strdup_printf ("gw_http_requests_total{route=\"/v1/tickets\",method=\"GET\",code=\"%u\"} %u", 200 + i,
                                                 THREADS * (TIMES / 7 + (i < TIMES % 7)));
        expect_once (out->str, line);
    }
    expect_once (out->str, "gw_ingest_commit_batch_size_bucket{le=\"2\"} 0");
    expect_once (out->str, "gw_ingest_commit_batch_size_bucket{le=\"4\"} 80000");
    expect_once (out->str, "gw_ingest_commit_batch_size_bucket{le=\"256\"} 80000");
    expect_once (out->str, "gw_ingest_commit_batch_size_bucket{le=\"+Inf\"} 160000");
    expect_once (out->str, "gw_ingest_commit_batch_size_count 160000");
}

/* rate () over a rounded sum is a staircase. */
static void test_sums_keep_their_digits (void)
{
    for (unsigned i = 0; i < 3; i++) metrics_observe (HISTOGRAM_API_SECONDS, 411522.004115);
    g_autoptr (GString) out = g_string_new ("\n");
    metrics_format (out);
    expect_once (out->str, "gw_http_request_duration_seconds_sum 1234566.012345");
}

/* Prometheus refuses a page where a family begins twice or a sample has none. */
static void test_every_family_is_described_once (void)
{
    g_autoptr (GString) out = g_string_new (NULL);
    metrics_http ("/v1/channels", "GET", 200);
    metrics_format (out);
    metrics_gauge (out, "gw_answer", "what it is", 42);
    g_assert_true (g_str_has_suffix (out->str, "# TYPE gw_answer gauge\ngw_answer 42\n"));
    g_auto (GStrv) lines = g_strsplit (out->str, "\n", -1);
    g_autoptr (GHashTable) families = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    const char *family = NULL;
    for (char **line = lines; **line; line++) {
        if (g_str_has_prefix (*line, "# TYPE ")) {
            g_auto (GStrv) words = g_strsplit (*line, " ", -1);
            g_assert_true (g_hash_table_add (families, g_strdup (words[2])));
            family = g_intern_string (words[2]);
        } else if (**line != '#') {
            g_assert_true (g_str_has_prefix (*line, family));
        }
    }
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/metrics/threads lose nothing", test_threads_lose_nothing);
    g_test_add_func ("/metrics/sums keep their digits", test_sums_keep_their_digits);
    g_test_add_func ("/metrics/every family is described once", test_every_family_is_described_once);
    return g_test_run ();
}
