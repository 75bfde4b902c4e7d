/* SPDX-License-Identifier: Apache-2.0
 *
 * The one writer: what adapters made of accepted requests becomes rows, many requests in one transaction, and only after COMMIT is anyone
 * answered. One thread and one connection; jobs are pushed from any thread and belong to the intake from then until done is called.
 *
 *     job->done = answer; job->data = exchange;
 *     if (!intake_push (intake, job)) … the queue is full or the database is away: job is still the caller's …
 */
#pragma once
#include "base/ids.h"
#include "model/adapter.h"

enum intake_outcome {
    INTAKE_STORED,      /* committed, whether new or known already */
    INTAKE_QUARANTINED, /* committed, and all or part of it waits in the quarantine: job->received.reason says why */
    INTAKE_BUSY,        /* nothing was stored: the sender should come again */
};

/* One request. */
struct intake_job {
    int64_t account_id, channel_id;
    struct id id;             /* of its journal entry */
    int64_t at;               /* when it came, µs */
    GBytes *raw;              /* owned: the request as on the wire */
    struct received received; /* owned: RECEIVED_ITEMS or RECEIVED_UNREADABLE */
    bool again;               /* it is in the quarantine already: what of it is still not understood is not put there twice */
    /* Called once, on the writer's thread, or, with INTAKE_BUSY, on that of whoever pushes; takes the job. MUST NOT block. */
    void (*done) (struct intake_job *job, enum intake_outcome outcome);
    void *data;
    struct intake_job *next;
    char *file; /* owned: where raw lies if it is too large for the database */
};

void intake_job_free (struct intake_job *job);

struct intake_options {
    const char *database_url;
    const char *directory; /* for requests over inline_max bytes */
    size_t queue, batch_items, batch_bytes, inline_max;
    int64_t wait; /* µs: a job that could not be stored for so long is answered INTAKE_BUSY */
    /* Once an account and batch, after COMMIT; receipts, files: some were among what was stored. */
    void (*committed) (int64_t account_id, bool receipts, bool files, void *data);
    void *data;
};

struct intake;

/* Connects; fails if the database cannot be reached now. */
struct intake *intake_start (const struct intake_options *options, GError **error);
/* Takes job and returns true; false: full, stopping, or no database. */
bool intake_push (struct intake *intake, struct intake_job *job);
/* Stores what waits, then ends; from then on intake_push says false. */
void intake_stop (struct intake *intake);
/* After intake_stop, once nobody can push any more. */
void intake_free (struct intake *intake);

struct intake_state {
    size_t waiting;
    int64_t oldest; /* µs that the oldest job waits; 0: none */
    bool connected;
};
void intake_look (struct intake *intake, struct intake_state *state);
