/* SPDX-License-Identifier: Apache-2.0
 *
 * Files of incoming messages between the database and whoever fetches them: rows that were claimed, what the end of a try means, and the report
 * of it.
 */
#pragma once
#include "base/ids.h"
#include "model/task.h"
#include "store/db.h"

enum file_outcome {
    FILE_STORED,
    FILE_RETRY,
    FILE_FAILED,
    FILE_RELEASED, /* was not tried to its end */
};

/* One claimed file, and what became of it. */
struct waiting_file {
    int64_t account_id, channel_id;
    struct id attachment_id;
    int attempt;
    int64_t give_up_at; /* µs since 1970; a try that would be later is not made */
    struct task task;   /* TASK_FETCH */
    /* once it has been tried */
    enum file_outcome outcome;
    const char *error; /* static; ours: "gone", "too_large" …; NULL: stored */
    char *mime;        /* stored: what the provider said; NULL: nothing that is a media type */
    int64_t size;
    uint8_t sha256[32];
    int64_t run_at; /* FILE_RETRY: µs since 1970 */
};

void waiting_file_free (struct waiting_file *file);

/* What the verdict on a try means. redirected: the provider had led the try elsewhere; an address there that must not be called is none that
 * somebody could mend. FILE_STORED: its bytes are still to be stored. now: µs since 1970. */
void waiting_file_judge (struct waiting_file *file, const struct verdict *verdict, bool redirected, int64_t now, uint32_t random);

/* Due files of n channels, counts[i] at most of each and most in all, as elements of a new array of struct waiting_file. give_up: µs after its
 * message came, where its provider does not hold it for longer. lease: µs. */
GPtrArray *waiting_file_claim (struct db *db, const int64_t *accounts, const int64_t *channels, const int *counts, size_t n, int most,
                               const struct id *claim, int64_t lease, int64_t give_up, GError **error);
/* files (of struct waiting_file) are still under way. */
bool waiting_file_renew (struct db *db, const struct id *claim, const GPtrArray *files, int64_t lease, GError **error);
/* Reports what became of files; false: nothing is known to be stored, so ask again. */
bool waiting_file_settle (struct db *db, const struct id *claim, const GPtrArray *files, int64_t now, GError **error);
