/* SPDX-License-Identifier: Apache-2.0
 *
 * Twilio, sending (twilio.com/docs/messaging/api/message-resource#create-a-message-resource). A message with more files than one of Twilio's
 * takes goes in parts: the text with the first. A template is Twilio's own content, named by its SID, with its variables
 * (…/docs/content/send-templates-created-with-the-content-template-builder). Twilio has no key against sending twice, so a lost answer is uncertain; the callback URL
 * carries our message's id, so that its receipt tells.
 */
#include "twilio.h"

#include <string.h>

static void add (GString *body, const char *name, const char *value)
{
    if (value == NULL || value[0] == '\0') return;
    if (body->len > 0) g_string_append_c (body, '&');
    g_string_append (body, name);
    g_string_append_c (body, '=');
    g_string_append_uri_escaped (body, value, NULL, FALSE);
}

/* ---- parts ---- */

static const struct outgoing_file *file_at (const struct task *task, guint i)
{
    return g_ptr_array_index (task->files, i);
}

/* Where the part that begins with the file `first` ends: ten files, 5 MB, or, as WhatsApp wants it, one file. A file too large goes alone. */
static guint part_end (const struct task *task, guint first)
{
    guint most = g_str_has_prefix (task->to, "whatsapp:") ? 1 : MEDIA_MAX, at = first;
    for (int64_t left = PART_BYTES_MOST; at < task->files->len && at - first < most; at++) {
        int64_t size = file_at (task, at)->size;
        if (size > left && at > first) break;
        left -= MIN (size, left);
    }
    return at;
}

/* On WhatsApp a longer text than a file can have beside it comes after the files, as a part of its own. */
static bool has_text_apart (const struct task *task)
{
    return g_str_has_prefix (task->to, "whatsapp:") && task->files != NULL && task->files->len > 0 &&
           g_utf8_strlen (task->text, -1) > WHATSAPP_CAPTION_MOST;
}

/* The files [*first, *end) of a part. False: there is no such part. */
static bool find_part (const struct task *task, int part, guint *first, guint *end)
{
    guint n = task->files == NULL ? 0 : task->files->len;
    *first = *end = 0;
    for (int i = 0; i <= part; i++) {
        *first = *end;
        if (*first == n) return i == part && (i == 0 || has_text_apart (task));
        *end = part_end (task, *first);
    }
    return part >= 0;
}

int twilio_send_count_parts (const struct channel *channel, const struct task *task)
{
    (void) channel;
    guint first, end;
    int n = 1;
    while (find_part (task, n, &first, &end)) n++;
    return n;
}

/* ---- content ---- */

/* Params as Twilio numbers them: {"1":"Ana","2":"17"}; named ones go as they are. */
static json_t *variables_of (json_t *params)
{
    size_t i;
    json_t *value, *variables;
    if (!json_is_array (params)) return json_incref (params);
    variables = json_object ();
    json_array_foreach (params, i, value)
    {
        char number[16];
        g_snprintf (number, sizeof number, "%zu", i + 1);
        json_object_set (variables, number, value);
    }
    return variables;
}

static void add_template (GString *body, const json_t *content)
{
    json_auto_t *variables = variables_of (json_object_get (content, "params"));
    g_autofree char *text = json_object_size (variables) == 0 ? NULL : json_write (variables);
    add (body, "ContentSid", json_text (content, "name"));
    add (body, "ContentVariables", text);
}

static bool is_template (const json_t *content)
{
    return g_strcmp0 (json_text (content, "kind"), "template") == 0;
}

/* Whom it goes to, from whom, and who is told what becomes of it are not the sender's to say. */
static bool is_ours (const char *name)
{
    static const char *const names[] = {"To", "From", "MessagingServiceSid", "StatusCallback", NULL};
    return g_strv_contains (names, name);
}

static void add_value (GString *body, const char *name, const json_t *value)
{
    g_autofree char *text = json_is_string (value) ? NULL : json_write (value);
    add (body, name, text == NULL ? json_string_value (value) : text);
}

static void add_native (GString *body, json_t *native)
{
    const char *name;
    json_t *value, *one;
    size_t i;
    json_object_foreach (native, name, value)
    {
        if (is_ours (name)) continue;
        if (!json_is_array (value)) add_value (body, name, value);
        json_array_foreach (value, i, one) add_value (body, name, one);
    }
}

/* Twilio's own fields, of a message's first part. Those that say something take the place of our words. */
static json_t *native_of (const json_t *content, int part)
{
    json_t *native = json_object_get (json_object_get (content, "native"), "twilio");
    return part == 0 && json_is_object (native) ? native : NULL;
}

static void add_words (GString *body, const struct task *task, const json_t *content, bool has_files)
{
    json_t *native = native_of (content, task->part);
    bool says = json_object_get (native, "Body") != NULL || json_object_get (native, "ContentSid") != NULL;
    if (!says && is_template (content))
        add_template (body, content);
    else if (!says && (has_text_apart (task) ? !has_files : task->part == 0))
        add (body, "Body", task->text);
    add_native (body, native);
}

/* ---- compose ---- */

static char *status_callback (const struct channel *channel, const struct task *task)
{
    return g_strdup_printf ("%s?message=%s&part=%d", channel->callback_url, task->reference, task->part);
}

bool twilio_send_compose (const struct channel *channel, const struct task *task, struct call_request *call)
{
    guint first, end;
    g_autofree char *to = twilio_phone (task->to);
    json_auto_t *content = json_parse_text (task->content, strlen (task->content), NULL);
    if (to == NULL || !find_part (task, task->part, &first, &end)) return false;
    if (is_template (content) && end > first) return false; /* its files are among its variables, or of the template itself */
    g_autofree char *from = twilio_own_phone (channel), *callback = status_callback (channel, task);
    GString *body = g_string_new (NULL);
    add (body, "To", to);
    add (body, "From", from);
    add (body, "MessagingServiceSid", values_text (channel->values, MESSAGING_SERVICE_SID));
    add_words (body, task, content, end > first);
    for (guint i = first; i < end; i++) add (body, "MediaUrl", file_at (task, i)->url);
    add (body, "StatusCallback", callback);
    call->method = "POST";
    call->url = twilio_account_url (channel, "/Messages.json");
    twilio_sign_in (channel, call);
    call->content_type = "application/x-www-form-urlencoded";
    call->body = g_string_free_to_bytes (body);
    call->visible = true;
    call->answer_most = ANSWER_MOST;
    return true;
}

/* ---- judge ---- */

static bool has_failed (const json_t *said)
{
    const char *status = json_text (said, "status");
    return g_strcmp0 (status, "failed") == 0 || g_strcmp0 (status, "undelivered") == 0 || g_strcmp0 (status, "canceled") == 0;
}

static void say (struct verdict *verdict, enum verdict_kind kind, const char *code, const char *title)
{
    verdict->kind = kind;
    verdict->code = code;
    verdict->title = title;
}

/* Twilio made a message of it; perhaps one that failed at once. */
static void judge_created (const struct channel *channel, const struct task *task, const struct call_answer *answer, const json_t *said,
                           const char *sid, int64_t now, struct verdict *verdict)
{
    if (!has_failed (said) && json_integer_value (json_object_get (said, "error_code")) == 0) {
        verdict->kind = VERDICT_SENT;
        verdict->external_id = g_strdup (sid);
    } else if (!twilio_judge_code (channel, task, answer, said, "error_code", "error_message", now, verdict)) {
        say (verdict, VERDICT_REFUSED, "not_delivered", "the provider took the message and could not deliver it");
    }
}

void twilio_send_judge (const struct channel *channel, const struct task *task, const struct call_answer *answer, int64_t now,
                        struct verdict *verdict)
{
    json_auto_t *said = judge_object (answer);
    const char *sid = json_text (said, "sid");
    if (answer->status / 100 != 2)
        twilio_judge_fault (channel, task, answer, said, now, verdict);
    else if (sid != NULL && twilio_is_sid (sid, strlen (sid)))
        judge_created (channel, task, answer, said, sid, now, verdict);
    else if (!twilio_judge_code (channel, task, answer, said, "code", "message", now, verdict)) /* an error under a wrong status */
        say (verdict, VERDICT_UNCERTAIN, "unclear_answer", "the provider's answer does not say what became of it");
}
