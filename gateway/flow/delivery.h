/* SPDX-License-Identifier: Apache-2.0
 *
 * Deliveries between the database and the dispatcher: rows that were claimed, and what became of their attempts. No decisions here.
 */
#pragma once
#include "base/ids.h"
#include "model/task.h"
#include "store/db.h"

/* One claimed delivery. Owns its strings. */
struct delivery {
    int64_t account_id, channel_id, position;
    char *uri;
    struct id message_id;
    int lane, attempt, n_parts, weight;
    bool lost;     /* a gateway ended during its last attempt: what became of that is not known */
    char *refusal; /* "expired", "opted_out", "blocked": it must not be sent any more; NULL: it may */
    int64_t give_up_at;
    int64_t claimed_until; /* monotonic µs; its claim holds at least until then */
    struct task task;      /* TASK_SEND; task.part is the part to send; its files are added later */
    char *files;           /* JSON of the database: [{"id","mime","name","size","sha256","known"}]; NULL: none */
    char *notes;           /* what an attempt before this one learned of this part; NULL: nothing */
};

void delivery_free (struct delivery *delivery);

enum outcome { OUTCOME_SENT, OUTCOME_PROGRESS, OUTCOME_RETRY, OUTCOME_FAILED, OUTCOME_OPTED_OUT, OUTCOME_UNCERTAIN, OUTCOME_RELEASE };

/* What became of an attempt. Owns delivery and its strings but the static ones. */
struct settlement {
    struct delivery *delivery;
    enum outcome outcome;
    char *external_id;        /* OUTCOME_SENT, OUTCOME_PROGRESS */
    const char *code, *title; /* static; ours */
    char *detail, *provider_code;
    int http_status;    /* 0: no answer */
    int64_t took;       /* µs */
    int64_t retry_at;   /* µs since 1970; 0: not. OUTCOME_PROGRESS: until then the claim holds */
    char *notes;        /* what it learned, for the next one; NULL: nothing new */
    GPtrArray *learned; /* of struct channel_note, for everyone on its channel; NULL: nothing */
};

/* Of what was claimed and never begun; takes delivery. */
struct settlement *settlement_release (struct delivery *delivery);

void settlement_free (struct settlement *settlement);

/* Up to counts[i] due ones of each channel in one lane, as elements of a new array of struct delivery. */
GPtrArray *delivery_claim (struct db *db, const int64_t *accounts, const int64_t *channels, const int *counts, size_t n, int lane,
                           const struct id *claim, int64_t lease, GError **error);

/* Why a claim let one out that must not be sent. Static. */
const char *delivery_refusal_title (const char *refusal);

/* Gives each of its files a URL below public_url, under which the provider may fetch it for a while; secret is media_url's. directory: where their
 * bytes are, for an adapter that uploads those that its provider does not know yet; NULL: they are not needed. */
void delivery_add_files (struct delivery *delivery, GBytes *secret, const char *public_url, const char *directory);

/* A claim ends by itself after so much more than its call may take. */
#define DELIVERY_MARGIN (60 * G_TIME_SPAN_SECOND)

/* Reports settlements (of struct settlement), at most DELIVERY_BATCH at once; false: nothing is known to be stored, so ask again. */
#define DELIVERY_BATCH 200
bool delivery_settle (struct db *db, const struct id *claim, const GPtrArray *settlements, int64_t now, GError **error);
