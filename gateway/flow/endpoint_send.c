/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/endpoint_private.h"

#include "base/clock.h"
#include "flow/outgoing.h"
#include "flow/problem.h"
#include "flow/sync.h"
#include "model/content.h"
#include "model/sms.h"
#include "model/task.h"

#include <string.h>

#define TARGET "select channel_id, channel, uri, disabled, quoted from send_target ($1, $2, $3, $4, $5)"
#define FILES "select place, mime, name, size from api_files ($1, $2)"
#define SEND \
    "select status, body from api_send ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'key', $12, $13, $14, $15, $16, $17, $18, " \
    "$19, $20, null, $21, $22, $23, $24, $25, $26, $27, $28, $29)"
#define TEMPLATE "select known, status, components from find_template ($1, $2, $3, $4)"

/* What is known of a message before it is stored. */
struct sending {
    int64_t now;
    bool dry_run; /* nothing is stored */
    struct id message_id;
    struct outgoing said;
    int64_t channel_id;
    const struct channel *channel; /* NULL: a note, or the channel is not served here */
    bool disabled;
    struct task task; /* as the adapter sees it */
    int n_parts, weight;
    char *segments; /* JSON; NULL: not counted */
    char *from;
    int64_t give_up_at;
};

static void clear (struct sending *sending)
{
    outgoing_clear (&sending->said);
    task_clear (&sending->task);
    g_free (sending->segments);
    g_free (sending->from);
}

/* False, always: answered. refusal is cleared. */
static bool refuse (struct call *call, struct refusal *refusal)
{
    call_problem (call, refusal->status, refusal->detail, refusal->place);
    refusal_clear (refusal);
    return false;
}

/* False: answered. */
static bool read_dry_run (struct call *call, struct sending *sending)
{
    const char *value = endpoint_parameter (call, "dry_run");
    sending->dry_run = value && strcmp (value, "true") == 0;
    if (!value || sending->dry_run || strcmp (value, "false") == 0) return true;
    call_problem (call, 422, "dry_run is true or false", "dry_run");
    return false;
}

static bool read_said (struct call *call, enum outgoing_form form, struct sending *sending)
{
    struct refusal refusal;
    json_auto_t *body = endpoint_body (call, NULL);
    if (!body || (!outgoing_read (body, form, sending->now, &sending->said, &refusal) && !refuse (call, &refusal))) return false;
    if (!sending->dry_run || !sending->said.note) return true;
    call_problem (call, 422, "a note goes nowhere", "/note");
    return false;
}

/* Through which channel and to whom. False: answered. */
static bool find_target (struct call *call, struct sending *sending)
{
    struct outgoing *said = &sending->said;
    g_autoptr (GError) error = NULL;
    g_autoptr (params) p = params_new (5);
    params_int64 (p, call->account_id);
    params_uuid (p, said->channel ? NULL : &call->id);
    params_text (p, said->channel);
    params_text (p, said->to);
    params_uuid (p, said->is_reply ? &said->in_reply_to : NULL);
    g_autoptr (db_result) r = db_call (call->db, TARGET, p, &error);
    if (!r)
        call_database_problem (call, error);
    else if (!db_rows (r))
        call_problem (call, said->channel ? 422 : 404, said->channel ? "no such channel" : "no such ticket",
                      said->channel ? "/channel" : NULL);
    if (!r || !db_rows (r)) return false;
    sending->channel_id = db_int64 (r, 0, 0);
    sending->channel = endpoint_channel (call, db_text (r, 0, 1));
    sending->task.to = g_strdup (db_text (r, 0, 2));
    sending->disabled = db_int64 (r, 0, 3);
    said->quoted = db_null (r, 0, 4) ? NULL : g_strdup (db_text (r, 0, 4));
    return true;
}

static struct outgoing_file *file_new (db_result *r, int row)
{
    struct outgoing_file *file = g_new0 (struct outgoing_file, 1);
    file->mime = db_null (r, row, 1) ? NULL : g_strdup (db_text (r, row, 1));
    file->name = db_null (r, row, 2) ? NULL : g_strdup (db_text (r, row, 2));
    file->size = db_int64 (r, row, 3);
    return file;
}

static void put_files (params *p, const struct outgoing *said)
{
    params_array (p, "uuid");
    for (guint i = 0; i < said->files->len; i++) array_uuid (p, &g_array_index (said->files, struct id, i));
    params_array_end (p);
}

/* Looks the uploads up, in their order. False: answered. */
static bool find_files (struct call *call, struct sending *sending)
{
    sending->task.files = g_ptr_array_new_with_free_func ((GDestroyNotify) outgoing_file_free);
    if (!sending->said.files->len) return true;
    g_autoptr (GError) error = NULL;
    g_autoptr (params) p = params_new (2);
    params_int64 (p, call->account_id);
    put_files (p, &sending->said);
    g_autoptr (db_result) r = db_call (call->db, FILES, p, &error);
    if (!r) {
        call_database_problem (call, error);
        return false;
    }
    for (guint i = 0; i < sending->said.files->len; i++) {
        if ((int) i < db_rows (r) && db_int64 (r, (int) i, 0) == i) {
            g_ptr_array_add (sending->task.files, file_new (r, (int) i));
            continue;
        }
        g_autofree char *place = g_strdup_printf ("/attachments/%u", i);
        call_problem (call, 422, "not the id of an upload", place);
        return false;
    }
    return true;
}

/* What the channel's rate counts; files make a text part of an MMS, which has no segments. */
static void count_segments (struct sending *sending)
{
    sending->weight = 1;
    if (!sending->channel->adapter->carries (sending->channel)->segments || sending->task.files->len) return;
    struct sms_segments counted = sms_count (sending->task.text);
    sending->weight = counted.segments;
    sending->segments = sms_json (&counted);
}

/* Whether it can go on the channel, and in what form. False: answered. */
static bool fit_channel (struct call *call, struct sending *sending)
{
    struct outgoing *said = &sending->said;
    struct refusal refusal = {0};
    const char *closed = outgoing_closed (sending->channel, sending->disabled);
    if (closed) {
        call_problem (call, 409, closed, NULL);
        return false;
    }
    const struct carries *carries = sending->channel->adapter->carries (sending->channel);
    return (outgoing_reaches (said, carries, sending->task.to, &refusal) &&
            outgoing_adapt (said, carries, sending->channel->adapter->name, sending->task.files, &refusal)) ||
           refuse (call, &refusal);
}

/* Where the templates are known, it is one of them that may be sent, and gets what it asks for. False: answered. */
static bool fill_template (struct call *call, struct sending *sending, db_result *r)
{
    struct refusal refusal;
    const char *slug = sending->channel->slug;
    g_autofree char *detail = NULL;
    if (db_null (r, 0, 1))
        detail = g_strdup_printf ("no such template in this language, see /v1/channels/%s/templates", slug);
    else if (strcmp (db_text (r, 0, 1), "APPROVED") != 0)
        detail = g_strdup_printf ("the template is %s, see /v1/channels/%s/templates", db_text (r, 0, 1), slug);
    if (!detail) return outgoing_fill (&sending->said, db_text (r, 0, 2), &refusal) || refuse (call, &refusal);
    call_problem (call, 422, detail, "/content/name");
    return false;
}

/* False: answered. */
static bool fit_template (struct call *call, struct sending *sending)
{
    const json_t *content = sending->said.sent.content;
    if (strcmp (json_text (content, "kind"), "template") != 0) return true;
    g_autoptr (GError) error = NULL;
    g_autoptr (params) p = params_new (4);
    params_int64 (p, call->account_id);
    params_int64 (p, sending->channel_id);
    params_text (p, json_text (content, "name"));
    params_text (p, json_text (content, "lang"));
    g_autoptr (db_result) r = db_call (call->db, TEMPLATE, p, &error);
    if (r) return !db_int64 (r, 0, 0) || fill_template (call, sending, r);
    call_database_problem (call, error);
    return false;
}

/* What the channel makes of it. */
static void weigh (struct sending *sending)
{
    const struct channel *channel = sending->channel;
    sending->n_parts = channel->adapter->count_parts ? channel->adapter->count_parts (channel, &sending->task) : 1;
    count_segments (sending);
    sending->from = sync_address (channel);
    sending->give_up_at = sending->now + values_number (channel->common, CHANNEL_GIVE_UP_AFTER);
}

static void write_task (struct sending *sending)
{
    char id[ID_TEXT_SIZE];
    id_format (&sending->message_id, id);
    sending->task.kind = TASK_SEND;
    sending->task.reference = g_strdup (id);
    sending->task.text = g_strdup (sending->said.text ? sending->said.text : "");
    sending->task.content = outgoing_content (&sending->said, sending->task.files);
}

/* What is kept of how it was put, where there is anything to say, and what may be answered. */
static void put_form (params *p, const struct sending *sending)
{
    const struct outgoing *said = &sending->said;
    g_autofree char *rendering = said->note || !json_array_size (said->sent.steps) ? NULL : outgoing_rendering (said);
    g_autofree char *answers = said->sent.answers ? json_write (said->sent.answers) : NULL;
    params_json (p, rendering);
    params_json (p, answers);
    params_bool (p, sending->dry_run);
}

static db_result *store (struct call *call, const struct sending *sending, GError **error)
{
    const struct outgoing *said = &sending->said;
    struct id new_ticket = id_new (sending->now), new_contact = id_new (sending->now);
    g_autoptr (params) p = params_new (29);
    params_int64 (p, call->account_id);
    endpoint_put_once (p, call);
    params_int64 (p, sending->channel_id);
    params_text (p, sending->task.to);
    params_uuid (p, said->channel ? NULL : &call->id);
    params_uuid (p, &new_ticket);
    params_uuid (p, &new_contact);
    params_uuid (p, &sending->message_id);
    params_text (p, said->note ? "note" : "outgoing");
    params_text (p, sending->from);
    params_uuid (p, &call->key_id);
    params_text (p, said->text);
    params_json (p, sending->task.content);
    params_text (p, said->reference);
    params_json (p, said->metadata);
    params_time (p, said->expires_at);
    params_text (p, said->note ? NULL : said->bulk ? "bulk" : "normal");
    if (said->seen >= 0)
        params_int64 (p, said->seen);
    else
        params_null (p, "int8");
    params_uuid (p, said->is_reply ? &said->in_reply_to : NULL);
    put_files (p, said);
    if (said->note)
        params_null (p, "int4");
    else
        params_int32 (p, sending->n_parts);
    params_int32 (p, sending->weight);
    params_json (p, sending->segments);
    params_time (p, sending->now);
    params_time (p, sending->give_up_at);
    put_form (p, sending);
    return db_call (call->db, SEND, p, error);
}

/* What would be sent, in the words of a message where it has them. */
static void reply_dry (struct call *call, const struct sending *sending)
{
    g_autofree char *rendering = outgoing_rendering (&sending->said);
    GString *body = g_string_new ("{\"dry_run\":true");
    content_string (body, "channel", sending->channel->slug);
    content_string (body, "to", sending->task.to);
    content_json (body, "content", sending->task.content);
    if (sending->said.text)
        content_string (body, "text", sending->said.text);
    else
        content_json (body, "text", "null");
    g_string_append_printf (body, ",\"parts\":%d", sending->n_parts);
    content_json (body, "segments", sending->segments ? sending->segments : "null");
    content_json (body, "rendering", rendering);
    content_close (body);
    call_reply (call, endpoint_json (200, body));
}

/* A twin was quicker if the answer is about another message. */
static void reply_stored (struct call *call, const struct sending *sending, db_result *r)
{
    unsigned status = (unsigned) db_int64 (r, 0, 0);
    if (status == 409) {
        call_reply (call, problem_more (409, "newer messages have come in", call->request_id, db_text (r, 0, 1)));
        return;
    }
    if (sending->dry_run) {
        reply_dry (call, sending);
        return;
    }
    struct http_response *response = endpoint_json (status, g_string_new_len (db_text (r, 0, 1), (gssize) db_length (r, 0, 1)));
    if (!strstr (db_text (r, 0, 1), sending->task.reference)) http_response_add (response, "Idempotent-Replayed", "true");
    call_committed (call);
    call_reply (call, response);
}

static void take (struct call *call, enum outgoing_form form, struct sending *sending)
{
    if (!read_dry_run (call, sending) || !read_said (call, form, sending) || !find_target (call, sending) || !find_files (call, sending))
        return;
    if (!sending->said.note && (!fit_channel (call, sending) || !fit_template (call, sending))) return;
    write_task (sending);
    if (!sending->said.note) weigh (sending);
    g_autoptr (GError) error = NULL;
    g_autoptr (db_result) r = store (call, sending, &error);
    if (r)
        reply_stored (call, sending, r);
    else
        call_database_problem (call, error);
}

static void post (struct call *call, enum outgoing_form form)
{
    struct sending sending = {.now = clock_now (), .weight = 1};
    sending.message_id = id_new (sending.now);
    take (call, form, &sending);
    clear (&sending);
}

void endpoint_reply (struct call *call)
{
    post (call, OUTGOING_REPLY);
}

void endpoint_send (struct call *call)
{
    post (call, OUTGOING_FIRST);
}
