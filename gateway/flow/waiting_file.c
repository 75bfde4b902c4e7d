/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/waiting_file.h"

#include "flow/pace.h"

#define CLAIM \
    "select account_id, channel_id, attachment_id, url, attempt, created_at, expected_sha256 " \
    "from claim_files ($1, $2, $3, $4::int8::int4, $5, $6 * interval '1 microsecond')"
#define RENEW "select renew_files ($1, $2, $3, $4 * interval '1 microsecond')"
#define SETTLE "select settle_files ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"

void waiting_file_free (struct waiting_file *file)
{
    if (!file) return;
    task_clear (&file->task);
    g_free (file->mime);
    g_free (file);
}

void waiting_file_judge (struct waiting_file *file, const struct verdict *verdict, bool redirected, int64_t now, uint32_t random)
{
    bool is_done = verdict->kind == VERDICT_SENT;
    bool is_mendable = verdict->kind == VERDICT_RETRY || (verdict->kind == VERDICT_CHANNEL_DOWN && !redirected);
    file->error = is_done ? NULL : verdict->code;
    file->outcome = is_done ? FILE_STORED : is_mendable ? FILE_RETRY : FILE_FAILED;
    if (!is_mendable) return;
    file->run_at = now + pace_pause (file->attempt, verdict->after, random);
    if (file->run_at > file->give_up_at) file->outcome = FILE_FAILED;
}

static struct waiting_file *read_row (const db_result *r, int row, int64_t give_up)
{
    struct waiting_file *file = g_new0 (struct waiting_file, 1);
    file->account_id = db_int64 (r, row, 0);
    file->channel_id = db_int64 (r, row, 1);
    db_id (r, row, 2, &file->attachment_id);
    file->task.kind = TASK_FETCH;
    file->task.url = db_null (r, row, 3) ? NULL : g_strdup (db_text (r, row, 3));
    file->task.sha256 = db_null (r, row, 6) ? NULL : g_strdup (db_text (r, row, 6));
    file->attempt = (int) db_int64 (r, row, 4);
    file->give_up_at = db_time (r, row, 5) + give_up;
    return file;
}

GPtrArray *waiting_file_claim (struct db *db, const int64_t *accounts, const int64_t *channels, const int *counts, size_t n, int most,
                               const struct id *claim, int64_t lease, int64_t give_up, GError **error)
{
    g_autoptr (params) p = params_new (6);
#define COLUMN(type, add) \
    params_array (p, type); \
    for (size_t i = 0; i < n; i++) add; \
    params_array_end (p)
    COLUMN ("int8", array_int64 (p, accounts[i]));
    COLUMN ("int8", array_int64 (p, channels[i]));
    COLUMN ("int4", array_int32 (p, counts[i]));
#undef COLUMN
    params_int64 (p, most);
    params_uuid (p, claim);
    params_int64 (p, lease);
    g_autoptr (db_result) r = db_call (db, CLAIM, p, error);
    if (!r) return NULL;
    GPtrArray *files = g_ptr_array_new_with_free_func ((GDestroyNotify) waiting_file_free);
    for (int row = 0; row < db_rows (r); row++) g_ptr_array_add (files, read_row (r, row, give_up));
    return files;
}

/* One column of a report: an array of type, one element a file. */
#define COLUMN(type, add) \
    params_array (p, type); \
    for (guint i = 0; i < files->len; i++) { \
        const struct waiting_file *f = files->pdata[i]; \
        add; \
    } \
    params_array_end (p)

bool waiting_file_renew (struct db *db, const struct id *claim, const GPtrArray *files, int64_t lease, GError **error)
{
    g_autoptr (params) p = params_new (4);
    params_uuid (p, claim);
    COLUMN ("int8", array_int64 (p, f->account_id));
    COLUMN ("uuid", array_uuid (p, &f->attachment_id));
    params_int64 (p, lease);
    g_autoptr (db_result) r = db_call (db, RENEW, p, error);
    return r != NULL;
}

bool waiting_file_settle (struct db *db, const struct id *claim, const GPtrArray *files, int64_t now, GError **error)
{
    static const char *const names[] = {"stored", "retry", "failed", "release"};
    g_autoptr (params) p = params_new (10);
    params_uuid (p, claim);
    params_time (p, now);
    COLUMN ("int8", array_int64 (p, f->account_id));
    COLUMN ("uuid", array_uuid (p, &f->attachment_id));
    COLUMN ("text", array_text (p, names[f->outcome]));
    COLUMN ("text", array_text (p, f->error));
    COLUMN ("text", array_text (p, f->mime));
    COLUMN ("int8", array_int64 (p, f->size));
    COLUMN ("bytea", array_bytes (p, f->outcome == FILE_STORED ? f->sha256 : NULL, sizeof f->sha256));
    COLUMN ("timestamptz", array_time (p, f->run_at));
    g_autoptr (db_result) r = db_call (db, SETTLE, p, error);
    return r != NULL;
}
