/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/unit/adapters/twilio/tasks: NAME.json is a task of Twilio's adapter from its first call to its last verdict.
 *
 *     channel   settings beside account_sid AC1 and the tokens new-token and old-token; without it: from +15550009999
 *     task      kind, and what that takes: content of a message, signal (read, typing) and reply_to; files are [mime, url, size], times seconds since 1970
 *     parts     what count_parts says; 1 where it is left out
 *     rounds    in turn: call, the request that is composed (left out: any; null: there is none; body is cut at each &), answer, what comes
 *               back (json, or text, or bytes in base64), and verdict. What is left out is not there, but for titles and remedies.
 */
#include "base/json.h"
#include "model/adapter.h"
#include "model/task.h"

#include <stdlib.h>
#include <string.h>

#define FOLDER "tests/unit/adapters/twilio/tasks"
#define NOW (INT64_C (1700000000) * G_USEC_PER_SEC)

static const char *text_of (const json_t *object, const char *name)
{
    return json_string_value (json_object_get (object, name));
}

static void set_text (json_t *object, const char *name, const char *text)
{
    if (text != NULL) g_assert_cmpint (json_object_set_new (object, name, json_string (text)), ==, 0);
}

static void set_true (json_t *object, const char *name, bool is)
{
    if (is) json_object_set_new (object, name, json_true ());
}

/* ---- what the file gives ---- */

static const struct setting api_url = {"api_url", SETTING_URL, NULL, 0, ""};

static struct channel make_channel (json_t *settings)
{
    const struct adapter *twilio = adapter_find ("twilio");
    const char *pairs[16] = {"account_sid", "AC1", "auth_token", "new-token", "auth_token", "old-token"}, *common[3] = {NULL};
    struct setting rows[CHANNEL_N] = {
        {"a", SETTING_STRING, NULL, 0, ""}, {"b", SETTING_STRING, NULL, 0, ""}, {"c", SETTING_STRING, NULL, 0, ""}};
    size_t n = 6;
    const char *name;
    json_t *value;
    rows[CHANNEL_API_URL] = api_url;
    if (settings == NULL) {
        pairs[n++] = "from";
        pairs[n++] = "+15550009999";
    }
    json_object_foreach (settings, name, value)
    {
        const char **where = g_str_equal (name, "api_url") ? common : pairs + n;
        if (where != common) n += 2;
        where[0] = name;
        where[1] = json_string_value (value);
    }
    struct channel channel = {
        .account = "acme",
        .slug = "sms",
        .adapter = twilio,
        .values = values_of ((struct settings){twilio->settings, twilio->n_settings}, pairs),
        .common = values_of ((struct settings){rows, CHANNEL_N}, common),
        .callback_url = "https://gw.example.com/hooks/acme/sms",
    };
    g_assert_nonnull (channel.values);
    g_assert_nonnull (channel.common);
    return channel;
}

static GPtrArray *make_files (json_t *given)
{
    GPtrArray *files = given == NULL ? NULL : g_ptr_array_new_with_free_func ((GDestroyNotify) outgoing_file_free);
    size_t i;
    json_t *one;
    json_array_foreach (given, i, one)
    {
        struct outgoing_file *file = g_new0 (struct outgoing_file, 1);
        file->mime = g_strdup (json_string_value (json_array_get (one, 0)));
        file->url = g_strdup (json_string_value (json_array_get (one, 1)));
        file->size = json_integer_value (json_array_get (one, 2));
        g_ptr_array_add (files, file);
    }
    return files;
}

static struct task make_task (json_t *given)
{
    static const char *const kinds[] = {"send", "fetch", "probe", "backfill", "templates", "signal", NULL};
    struct task task = {.kind = TASK_SEND};
    while (kinds[task.kind] != NULL && !g_str_equal (kinds[task.kind], text_of (given, "kind"))) task.kind++;
    g_assert_nonnull (kinds[task.kind]);
    task.url = g_strdup (text_of (given, "url"));
    task.since = json_integer_value (json_object_get (given, "since")) * G_USEC_PER_SEC;
    task.until = json_integer_value (json_object_get (given, "until")) * G_USEC_PER_SEC;
    task.reply_to = g_strdup (text_of (given, "reply_to"));
    task.signal = g_strcmp0 (text_of (given, "signal"), "typing") == 0 ? SIGNAL_TYPING : SIGNAL_READ;
    if (task.kind != TASK_SEND) return task;
    const char *to = text_of (given, "to"), *text = text_of (given, "text");
    task.to = g_strdup (to == NULL ? "tel:+14133881111" : to);
    task.text = g_strdup (text == NULL ? "" : text);
    json_t *content = json_object_get (given, "content");
    char *dumped = content == NULL ? NULL : json_dumps (content, JSON_COMPACT);
    task.content = g_strdup (dumped == NULL ? "{\"kind\":\"text\"}" : dumped);
    free (dumped);
    task.files = make_files (json_object_get (given, "files"));
    task.reference = g_strdup ("0198c0de-0000-7000-8000-00000000000a");
    task.part = (int) json_integer_value (json_object_get (given, "part"));
    return task;
}

static GBytes *make_body (json_t *given)
{
    gsize length;
    if (text_of (given, "base64") != NULL) {
        guchar *bytes = g_base64_decode (text_of (given, "base64"), &length);
        return g_bytes_new_take (bytes, length);
    }
    json_t *document = json_object_get (given, "json");
    char *text = document == NULL ? NULL : json_dumps (document, JSON_COMPACT);
    const char *body = text != NULL ? text : text_of (given, "text") != NULL ? text_of (given, "text") : "";
    GBytes *bytes = g_bytes_new (body, strlen (body));
    free (text);
    return bytes;
}

static struct call_answer make_answer (json_t *given)
{
    json_t *retry_after = json_object_get (given, "retry_after");
    return (struct call_answer){
        .status = (unsigned) json_integer_value (json_object_get (given, "status")),
        .content_type = "",
        .location = text_of (given, "location"),
        .body = make_body (given),
        .cut = json_is_true (json_object_get (given, "cut")),
        .retry_after = retry_after == NULL ? -1 : json_integer_value (retry_after) * G_USEC_PER_SEC,
    };
}

/* ---- what the adapter makes of it ---- */

static json_t *show_call (const struct call_request *call)
{
    json_t *object = json_object ();
    set_text (object, "method", call->method);
    set_text (object, "url", call->url);
    g_autofree char *credentials = call->user == NULL ? NULL : g_strconcat (call->user, ":", call->password, NULL);
    set_text (object, "credentials", credentials);
    set_text (object, "content_type", call->content_type);
    set_true (object, "visible", call->visible);
    g_assert_cmpuint (call->answer_most, >, 0);
    if (call->body == NULL) return object;
    gsize length;
    const char *bytes = g_bytes_get_data (call->body, &length);
    g_autofree char *body = g_strndup (bytes, length);
    g_auto (GStrv) fields = g_strsplit (body, "&", -1);
    json_object_set_new (object, "body", json_array ());
    for (char **field = fields; *field != NULL; field++) json_array_append_new (json_object_get (object, "body"), json_string (*field));
    return object;
}

static json_t *show_message (const struct incoming *incoming)
{
    json_t *object = json_object ();
    set_text (object, "external_id", incoming->external_id);
    set_text (object, "from", incoming->from);
    set_text (object, "to", incoming->to);
    set_text (object, "text", incoming->text);
    set_text (object, "opt_out", opt_out_name (incoming->opt_out));
    json_object_set_new (object, "content", json_parse_text (incoming->content, strlen (incoming->content), NULL));
    if (incoming->window_until != 0) json_object_set_new (object, "window_until", json_integer (incoming->window_until / G_USEC_PER_SEC));
    if (incoming->at != 0) json_object_set_new (object, "at", json_integer (incoming->at / G_USEC_PER_SEC));
    for (guint i = 0; incoming->files != NULL && i < incoming->files->len; i++) {
        if (i == 0) json_object_set_new (object, "files", json_array ());
        json_array_append_new (json_object_get (object, "files"),
                               json_string (((struct remote_file *) g_ptr_array_index (incoming->files, i))->url));
    }
    return object;
}

static void show_messages (json_t *object, const struct verdict *verdict)
{
    if (verdict->received.messages == NULL) return;
    g_assert_cmpuint (verdict->raws->len, ==, verdict->received.messages->len);
    json_object_set_new (object, "messages", json_array ());
    for (guint i = 0; i < verdict->raws->len; i++) {
        const struct incoming *incoming = g_ptr_array_index (verdict->received.messages, i);
        gsize length;
        const char *bytes = g_bytes_get_data (g_ptr_array_index (verdict->raws, i), &length);
        json_auto_t *raw = json_parse_text (bytes, length, NULL);
        g_assert_cmpstr (text_of (raw, "sid"), ==, incoming->external_id);
        json_array_append_new (json_object_get (object, "messages"), show_message (incoming));
    }
}

/* People are told what is wrong, and where it is theirs to mend also how. */
static void assert_words (const struct verdict *verdict)
{
    bool is_fine = verdict->kind == VERDICT_NEXT || verdict->kind == VERDICT_SENT;
    bool to_mend = verdict->kind == VERDICT_CHANNEL_DOWN || verdict->kind == VERDICT_DEGRADED;
    g_assert_true (is_fine == (verdict->title == NULL) && is_fine == (verdict->code == NULL));
    g_assert_true (!to_mend || verdict->remedy != NULL);
}

static json_t *show_verdict (const struct verdict *verdict)
{
    static const char *const kinds[] = {"next", "sent", "retry", "refused", "opted_out", "channel_down", "degraded", "uncertain"};
    static const char *const scopes[] = {"message", "pair", "channel", "provider"};
    json_t *object = json_object ();
    set_text (object, "kind", kinds[verdict->kind]);
    if (verdict->kind == VERDICT_RETRY) set_text (object, "scope", scopes[verdict->scope]);
    if (verdict->kind == VERDICT_RETRY && verdict->after >= 0)
        json_object_set_new (object, "after", json_integer (verdict->after / G_USEC_PER_SEC));
    set_text (object, "external_id", verdict->external_id);
    set_text (object, "code", verdict->code);
    set_text (object, "provider_code", verdict->provider_code);
    set_text (object, "detail", verdict->detail);
    set_text (object, "notes", verdict->notes);
    show_messages (object, verdict);
    assert_words (verdict);
    return object;
}

/* ---- the files ---- */

static void assert_same (const char *name, size_t round, json_t *got, json_t *expected)
{
    if (json_equal (got, expected)) return;
    char *left = json_dumps (got, JSON_INDENT (2) | JSON_SORT_KEYS | JSON_ENCODE_ANY),
         *right = json_dumps (expected, JSON_INDENT (2) | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    g_test_message ("%s, round %zu: got %s\nexpected %s", name, round + 1, left, right);
    g_test_fail_printf ("%s, round %zu: the result is another than the file says", name, round + 1);
    free (left);
    free (right);
}

/* Gives back the notes for the next round. */
static char *play (const char *name, size_t i, const struct channel *channel, const struct task *task, const char *notes, json_t *round)
{
    const struct adapter *twilio = channel->adapter;
    struct call_request call = {0};
    struct verdict verdict = {0};
    json_t *expected = json_object_get (round, "call");
    bool is_call = twilio->compose (channel, task, notes, NOW, &call);
    json_auto_t *got = is_call ? show_call (&call) : json_null ();
    call_request_clear (&call);
    if (expected != NULL) assert_same (name, i, got, expected);
    if (json_object_get (round, "answer") == NULL) return NULL;
    struct call_answer answer = make_answer (json_object_get (round, "answer"));
    twilio->judge (channel, task, notes, &answer, NOW, &verdict);
    json_auto_t *shown = show_verdict (&verdict);
    assert_same (name, i, shown, json_object_get (round, "verdict"));
    char *next = g_steal_pointer (&verdict.notes);
    verdict_clear (&verdict);
    g_bytes_unref (answer.body);
    return next;
}

static void one_file (gconstpointer data)
{
    const char *name = data;
    g_autofree char *path = g_strdup_printf (FOLDER "/%s.json", name), *bytes = NULL, *notes = NULL;
    gsize length;
    g_autoptr (GError) error = NULL;
    g_assert_true (g_file_get_contents (path, &bytes, &length, NULL));
    json_auto_t *file = json_parse_text (bytes, length, &error);
    g_assert_no_error (error);
    struct channel channel = make_channel (json_object_get (file, "channel"));
    struct task task = make_task (json_object_get (file, "task"));
    json_t *rounds = json_object_get (file, "rounds"), *round, *parts = json_object_get (file, "parts");
    if (task.kind == TASK_SEND)
        g_assert_cmpint (channel.adapter->count_parts (&channel, &task), ==, parts == NULL ? 1 : json_integer_value (parts));
    size_t i;
    json_array_foreach (rounds, i, round)
    {
        char *next = play (name, i, &channel, &task, notes, round);
        g_free (notes);
        notes = next;
    }
    g_assert_cmpuint (i, >=, 1);
    task_clear (&task);
    values_unref (channel.values);
    values_unref (channel.common);
}

static int compare_names (gconstpointer a, gconstpointer b)
{
    return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static void add_files (GPtrArray *names)
{
    g_autoptr (GError) error = NULL;
    GDir *folder = g_dir_open (FOLDER, 0, &error);
    g_assert_no_error (error);
    for (const char *name; (name = g_dir_read_name (folder)) != NULL;)
        if (g_str_has_suffix (name, ".json")) g_ptr_array_add (names, g_strndup (name, strlen (name) - strlen (".json")));
    g_dir_close (folder);
    g_assert_cmpuint (names->len, >=, 100);
    g_ptr_array_sort (names, compare_names);
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *path = g_strconcat ("/twilio/tasks/", g_ptr_array_index (names, i), NULL);
        g_test_add_data_func (path, g_ptr_array_index (names, i), one_file);
    }
}

static const struct carries *carries_of (json_t *settings)
{
    struct channel channel = make_channel (settings);
    const struct carries *carries = channel.adapter->carries (&channel);
    values_unref (channel.values);
    values_unref (channel.common);
    return carries;
}

static void carries (void)
{
    const struct carries *carries = carries_of (NULL);
    g_assert_cmpuint (carries->text_most, ==, 1600);
    g_assert_cmpuint (carries->file_most, <=, 5000000);
    g_assert_cmpuint (carries->files_most, <=, 100); /* receipts name parts 0 to 99 */
    g_assert_true (carries->segments && carries->opt_out_words && carries->answers_words);
    g_assert_cmpint (carries->window, ==, 0);
    g_assert_false (g_strv_contains (carries->kinds, "template"));
    json_auto_t *service = json_pack ("{s:s}", "messaging_service_sid", "MG1");
    g_assert_true (carries_of (service) == carries);
}

static void whatsapp_carries (void)
{
    json_auto_t *settings = json_pack ("{s:s}", "from", "whatsapp:+15550009999");
    const struct carries *carries = carries_of (settings);
    g_assert_cmpint (carries->window, ==, G_TIME_SPAN_DAY);
    g_assert_true (g_strv_contains (carries->kinds, "template") && carries->schemes[1] == NULL);
    g_assert_true (!carries->segments && carries->opt_out_words && !carries->answers_words && !carries->templates);
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
    g_test_add_func ("/twilio/what a message may carry is what Twilio takes", carries);
    g_test_add_func ("/twilio/what a WhatsApp message may carry is another thing", whatsapp_carries);
    add_files (names);
    return g_test_run ();
}
