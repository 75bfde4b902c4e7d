/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/delivery.h"

#include "base/clock.h"
#include "base/json.h"
#include "flow/media_url.h"
#include "store/files.h"

#include <string.h>

/* A provider that has taken a message may fetch its files for so long. */
#define MEDIA_TIME (4 * G_TIME_SPAN_HOUR)

#define CLAIM \
    "select account_id, channel_id, uri, position, message_id, lane, attempt, part, n_parts, weight, lost, refusal, give_up_at, text, " \
    "content, attachments, notes, reply_to from claim ($1, $2, $3, $4, $5, $6 * interval '1 microsecond')"
#define SETTLE \
    "select settle ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, " \
    "$23, $24, $25, $26)"

void delivery_free (struct delivery *delivery)
{
    if (!delivery) return;
    g_free (delivery->uri);
    g_free (delivery->refusal);
    g_free (delivery->files);
    g_free (delivery->notes);
    task_clear (&delivery->task);
    g_free (delivery);
}

struct settlement *settlement_release (struct delivery *delivery)
{
    struct settlement *s = g_new0 (struct settlement, 1);
    s->delivery = delivery;
    s->outcome = OUTCOME_RELEASE;
    return s;
}

void settlement_free (struct settlement *settlement)
{
    if (!settlement) return;
    delivery_free (settlement->delivery);
    g_free (settlement->external_id);
    g_free (settlement->detail);
    g_free (settlement->provider_code);
    g_free (settlement->notes);
    g_clear_pointer (&settlement->learned, g_ptr_array_unref);
    g_free (settlement);
}

static char *text_of (const db_result *r, int row, int column)
{
    return db_null (r, row, column) ? NULL : g_strdup (db_text (r, row, column));
}

static struct delivery *read_row (const db_result *r, int row)
{
    struct delivery *d = g_new0 (struct delivery, 1);
    char reference[ID_TEXT_SIZE];
    d->account_id = db_int64 (r, row, 0);
    d->channel_id = db_int64 (r, row, 1);
    d->uri = text_of (r, row, 2);
    d->position = db_int64 (r, row, 3);
    db_id (r, row, 4, &d->message_id);
    d->lane = (int) db_int64 (r, row, 5);
    d->attempt = (int) db_int64 (r, row, 6);
    d->n_parts = (int) db_int64 (r, row, 8);
    d->weight = (int) db_int64 (r, row, 9);
    d->lost = db_int64 (r, row, 10) != 0;
    d->refusal = text_of (r, row, 11);
    d->give_up_at = db_time (r, row, 12);
    d->files = text_of (r, row, 15);
    d->notes = text_of (r, row, 16);
    id_format (&d->message_id, reference);
    d->task = (struct task){
        .kind = TASK_SEND,
        .to = g_strdup (d->uri),
        .text = db_null (r, row, 13) ? g_strdup ("") : text_of (r, row, 13),
        .content = text_of (r, row, 14),
        .reference = g_strdup (reference),
        .part = (int) db_int64 (r, row, 7),
        .reply_to = text_of (r, row, 17),
    };
    return d;
}

GPtrArray *delivery_claim (struct db *db, const int64_t *accounts, const int64_t *channels, const int *counts, size_t n, int lane,
                           const struct id *claim, int64_t lease, GError **error)
{
    g_autoptr (params) p = params_new (6);
#define COLUMN(type, add) \
    params_array (p, type); \
    for (size_t i = 0; i < n; i++) add; \
    params_array_end (p)
    COLUMN ("int8", array_int64 (p, accounts[i]));
    COLUMN ("int8", array_int64 (p, channels[i]));
    COLUMN ("int4", array_int32 (p, lane));
    COLUMN ("int4", array_int32 (p, counts[i]));
#undef COLUMN
    params_uuid (p, claim);
    params_int64 (p, lease);
    g_autoptr (db_result) r = db_call (db, CLAIM, p, error);
    if (!r) return NULL;
    GPtrArray *deliveries = g_ptr_array_new_with_free_func ((GDestroyNotify) delivery_free);
    for (int row = 0; row < db_rows (r); row++) g_ptr_array_add (deliveries, read_row (r, row));
    return deliveries;
}

const char *delivery_refusal_title (const char *refusal)
{
    if (g_str_equal (refusal, "expired")) return "it could not be sent before expires_at";
    return g_str_equal (refusal, "blocked") ? "the contact is blocked" : "the contact has opted out";
}

static struct outgoing_file *file_of (const json_t *one, const char *directory)
{
    struct outgoing_file *file = g_new0 (struct outgoing_file, 1);
    file->mime = g_strdup (json_text (one, "mime"));
    file->name = g_strdup (json_text (one, "name"));
    file->size = json_integer_value (json_object_get (one, "size"));
    file->sha256 = g_strdup (json_text (one, "sha256"));
    file->known = g_strdup (json_text (one, "known"));
    if (directory && file->sha256 && !file->known) file->bytes = files_map (directory, file->sha256, NULL);
    return file;
}

void delivery_add_files (struct delivery *delivery, GBytes *secret, const char *public_url, const char *directory)
{
    if (!delivery->files) return;
    json_auto_t *files = json_parse_text (delivery->files, strlen (delivery->files), NULL);
    size_t i;
    json_t *one;
    delivery->task.files = g_ptr_array_new_with_free_func ((GDestroyNotify) outgoing_file_free);
    json_array_foreach (files, i, one)
    {
        struct id id;
        const char *text = json_text (one, "id");
        if (!text || !id_parse (text, &id)) continue;
        g_autofree char *token = media_url_make (secret, delivery->account_id, &id, clock_now () + MEDIA_TIME);
        struct outgoing_file *file = file_of (one, directory);
        file->url = g_strconcat (public_url, MEDIA_URL_PATH, token, NULL);
        g_ptr_array_add (delivery->task.files, file);
    }
}

static const char *outcome_name (enum outcome outcome)
{
    static const char *const names[] = {"sent", "progress", "retry", "failed", "opted_out", "uncertain", "release"};
    return names[outcome];
}

/* What all of them learned: whose channel, key, value and until when. */
static void put_learned (params *p, const GPtrArray *settlements)
{
#define COLUMN(type, add) \
    params_array (p, type); \
    for (guint i = 0; i < settlements->len; i++) { \
        const struct settlement *s = settlements->pdata[i]; \
        for (guint k = 0; s->learned && k < s->learned->len; k++) { \
            G_GNUC_UNUSED const struct channel_note *note = s->learned->pdata[k]; \
            add; \
        } \
    } \
    params_array_end (p)
    COLUMN ("int8", array_int64 (p, s->delivery->account_id));
    COLUMN ("int8", array_int64 (p, s->delivery->channel_id));
    COLUMN ("text", array_text (p, note->key));
    COLUMN ("text", array_text (p, note->value));
    COLUMN ("timestamptz", array_time (p, note->expires));
#undef COLUMN
}

bool delivery_settle (struct db *db, const struct id *claim, const GPtrArray *settlements, int64_t now, GError **error)
{
    g_autoptr (params) p = params_new (26);
    uint8_t hash[16];
    params_uuid (p, claim);
    params_time (p, now);
#define COLUMN(type, add) \
    params_array (p, type); \
    for (guint i = 0; i < settlements->len; i++) { \
        const struct settlement *s = settlements->pdata[i]; \
        G_GNUC_UNUSED const struct delivery *d = s->delivery; \
        add; \
    } \
    params_array_end (p)
    COLUMN ("int8", array_int64 (p, d->account_id));
    COLUMN ("int8", array_int64 (p, d->channel_id));
    COLUMN ("text", array_text (p, d->uri));
    COLUMN ("int8", array_int64 (p, d->position));
    COLUMN ("uuid", array_uuid (p, &d->message_id));
    COLUMN ("int4", array_int32 (p, d->attempt));
    COLUMN ("int4", array_int32 (p, d->task.part));
    COLUMN ("text", array_text (p, outcome_name (s->outcome)));
    COLUMN ("text", array_text (p, s->external_id));
    COLUMN ("bytea", if (s->external_id) message_hash_id (s->external_id, hash); array_bytes (p, s->external_id ? hash : NULL, 16));
    COLUMN ("text", array_text (p, s->code));
    COLUMN ("text", array_text (p, s->title));
    COLUMN ("text", array_text (p, s->detail));
    COLUMN ("text", array_text (p, s->provider_code));
    COLUMN ("int4", array_int32 (p, s->http_status));
    COLUMN ("int4", array_int32 (p, (int32_t) (s->took / G_TIME_SPAN_MILLISECOND)));
    COLUMN ("timestamptz", array_time (p, s->retry_at));
    COLUMN ("text", array_text (p, s->notes));
    COLUMN ("uuid", const struct id id = id_new (now); array_uuid (p, &id));
#undef COLUMN
    put_learned (p, settlements);
    g_autoptr (db_result) r = db_call (db, SETTLE, p, error);
    return r != NULL;
}
