/* SPDX-License-Identifier: Apache-2.0
 *
 * Counters of the whole program, by Prometheus' text format 0.0.4. One row of metrics.c is one metric; any thread counts, without a lock.
 */
#pragma once
#include <glib.h>
#include <stdint.h>

enum metric {
    METRIC_INGEST_STORED,
    METRIC_INGEST_QUARANTINED,
    METRIC_INGEST_REFUSED,
    METRIC_INGEST_BUSY,
    METRIC_INGEST_DUPLICATE,
    METRIC_EVENTS_STREAMED,
    METRIC_SEND_SENT, /* in the order of flow/delivery.h's outcomes */
    METRIC_SEND_PROGRESS,
    METRIC_SEND_RETRY,
    METRIC_SEND_FAILED,
    METRIC_SEND_OPTED_OUT,
    METRIC_SEND_UNCERTAIN,
    METRIC_MEDIA_STORED,
    METRIC_MEDIA_RETRY,
    METRIC_MEDIA_FAILED,
    METRIC_N
};

enum histogram { HISTOGRAM_BATCH_SIZE, HISTOGRAM_COMMIT_SECONDS, HISTOGRAM_API_SECONDS, HISTOGRAM_N };

void metrics_count (enum metric metric);
void metrics_add (enum metric metric, uint64_t n);
uint64_t metrics_counted (enum metric metric);
void metrics_observe (enum histogram histogram, double value);

/* One answered request of the API. route and method are static texts: the template, never the path. */
void metrics_http (const char *route, const char *method, unsigned status);

/* Appends every counter and histogram. */
void metrics_format (GString *out);
/* Appends one gauge, with its help. */
void metrics_gauge (GString *out, const char *name, const char *help, double value);
