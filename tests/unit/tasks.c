/* SPDX-License-Identifier: Apache-2.0 */
#include "tasks.h"

#include "base/json.h"
#include "model/adapter.h"
#include "model/task.h"

#include <string.h>

enum { PAIRS_MOST = 32 };

#define NOW (INT64_C (1700000000) * G_USEC_PER_SEC)

/* One file of them. */
struct case_of {
    const struct tasks_of *of;
    char *name;
};

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

/* Adds name, value, … to those that are there. */
static void add_pairs (const char *pairs[PAIRS_MOST + 1], const char *const *more)
{
    size_t n = 0;
    while (pairs[n] != NULL) n++;
    for (; more != NULL && *more != NULL; more++) {
        g_assert_cmpuint (n, <, PAIRS_MOST);
        pairs[n++] = *more;
    }
}

static struct channel make_channel (const struct tasks_of *of, json_t *settings)
{
    const struct adapter *adapter = adapter_find (of->adapter);
    const char *pairs[PAIRS_MOST + 1] = {NULL}, *common[3] = {NULL}, *name;
    struct setting rows[CHANNEL_N] = {
        {"a", SETTING_STRING, NULL, 0, ""}, {"b", SETTING_STRING, NULL, 0, ""}, {"c", SETTING_STRING, NULL, 0, ""}};
    json_t *value;
    rows[CHANNEL_API_URL] = api_url;
    add_pairs (pairs, of->settings);
    if (settings == NULL) add_pairs (pairs, of->usual);
    json_object_foreach (settings, name, value)
    {
        const char *pair[] = {name, json_string_value (value), NULL};
        if (g_str_equal (name, "api_url"))
            memcpy (common, pair, sizeof pair);
        else
            add_pairs (pairs, pair);
    }
    struct channel channel = {
        .account = "acme",
        .slug = of->slug,
        .adapter = adapter,
        .values = values_of ((struct settings){adapter->settings, adapter->n_settings}, pairs),
        .common = values_of ((struct settings){rows, CHANNEL_N}, common),
        .callback_url = "https://gw.example.com/hooks/acme/sms",
    };
    g_assert_nonnull (channel.values);
    g_assert_nonnull (channel.common);
    return channel;
}

static struct outgoing_file *make_file (json_t *given)
{
    struct outgoing_file *file = g_new0 (struct outgoing_file, 1);
    const char *bytes = text_of (given, "bytes");
    bool is_short = json_is_array (given);
    file->mime = g_strdup (is_short ? json_string_value (json_array_get (given, 0)) : text_of (given, "mime"));
    file->url = g_strdup (is_short ? json_string_value (json_array_get (given, 1)) : text_of (given, "url"));
    file->size = json_integer_value (is_short ? json_array_get (given, 2) : json_object_get (given, "size"));
    file->name = g_strdup (text_of (given, "name"));
    file->sha256 = g_strdup (text_of (given, "sha256"));
    file->known = g_strdup (text_of (given, "known"));
    if (bytes != NULL) file->bytes = g_bytes_new (bytes, strlen (bytes));
    return file;
}

static GPtrArray *make_files (json_t *given)
{
    GPtrArray *files = given == NULL ? NULL : g_ptr_array_new_with_free_func ((GDestroyNotify) outgoing_file_free);
    size_t i;
    json_t *one;
    json_array_foreach (given, i, one) g_ptr_array_add (files, make_file (one));
    return files;
}

static char *make_content (json_t *given)
{
    char *text = given == NULL ? NULL : json_dumps (given, JSON_COMPACT), *copy = g_strdup (text == NULL ? "{\"kind\":\"text\"}" : text);
    free (text);
    return copy;
}

static struct task make_task (const struct tasks_of *of, json_t *given)
{
    static const char *const kinds[] = {"send", "fetch", "probe", "backfill", "templates", "signal", NULL};
    struct task task = {.kind = TASK_SEND};
    while (kinds[task.kind] != NULL && !g_str_equal (kinds[task.kind], text_of (given, "kind"))) task.kind++;
    g_assert_nonnull (kinds[task.kind]);
    task.url = g_strdup (text_of (given, "url"));
    task.sha256 = g_strdup (text_of (given, "sha256"));
    task.reply_to = g_strdup (text_of (given, "reply_to"));
    task.signal = g_strcmp0 (text_of (given, "signal"), "typing") == 0 ? SIGNAL_TYPING : SIGNAL_READ;
    task.since = json_integer_value (json_object_get (given, "since")) * G_USEC_PER_SEC;
    task.until = json_integer_value (json_object_get (given, "until")) * G_USEC_PER_SEC;
    if (task.kind != TASK_SEND) return task;
    const char *to = text_of (given, "to"), *text = text_of (given, "text");
    task.to = g_strdup (to == NULL ? of->to : to);
    task.text = g_strdup (text == NULL ? "" : text);
    task.content = make_content (json_object_get (given, "content"));
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

static json_t *show_headers (const GPtrArray *headers)
{
    json_t *object = json_object ();
    for (guint i = 0; i < headers->len; i += 2) set_text (object, headers->pdata[i], headers->pdata[i + 1]);
    return object;
}

static json_t *show_body (const char *content_type, GBytes *bytes)
{
    gsize length;
    const char *data = g_bytes_get_data (bytes, &length);
    if (g_strcmp0 (content_type, "application/json") == 0) return json_parse_text (data, length, NULL);
    g_autofree char *body = g_strndup (data, length);
    g_auto (GStrv) fields = g_strsplit (body, content_type == NULL ? "\r\n" : "&", -1);
    json_t *array = json_array ();
    for (char **field = fields; *field != NULL; field++) json_array_append_new (array, json_string (*field));
    return array;
}

static json_t *show_call (const struct call_request *call)
{
    json_t *object = json_object ();
    set_text (object, "method", call->method);
    set_text (object, "url", call->url);
    g_autofree char *credentials = call->user == NULL ? NULL : g_strconcat (call->user, ":", call->password, NULL);
    set_text (object, "credentials", credentials);
    if (call->headers != NULL) json_object_set_new (object, "headers", show_headers (call->headers));
    set_text (object, "content_type", call->content_type);
    set_true (object, "visible", call->visible);
    g_assert_cmpuint (call->answer_most, >, 0);
    if (call->body != NULL) json_object_set_new (object, "body", show_body (call->content_type, call->body));
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
    if (incoming->at != 0) json_object_set_new (object, "at", json_integer (incoming->at / G_USEC_PER_SEC));
    if (incoming->window_until != 0) json_object_set_new (object, "window_until", json_integer (incoming->window_until / G_USEC_PER_SEC));
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

/* ["key", "value", seconds from now] of each. */
static void show_learned (json_t *object, const GPtrArray *learned)
{
    if (learned == NULL) return;
    json_object_set_new (object, "learned", json_array ());
    for (guint i = 0; i < learned->len; i++) {
        const struct channel_note *note = learned->pdata[i];
        json_int_t seconds = (note->expires - NOW) / G_USEC_PER_SEC;
        json_array_append_new (json_object_get (object, "learned"), json_pack ("[s, s, I]", note->key, note->value, seconds));
    }
}

static void show_templates (json_t *object, const GPtrArray *templates)
{
    if (templates == NULL) return;
    json_object_set_new (object, "templates", json_array ());
    for (guint i = 0; i < templates->len; i++) {
        const struct provider_template *template = templates->pdata[i];
        json_t *shown = json_object ();
        set_text (shown, "external_id", template->external_id);
        set_text (shown, "name", template->name);
        set_text (shown, "lang", template->lang);
        set_text (shown, "status", template->status);
        set_text (shown, "category", template->category);
        json_object_set_new (shown, "components", json_parse_text (template->components, strlen (template->components), NULL));
        json_array_append_new (json_object_get (object, "templates"), shown);
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
    show_learned (object, verdict->learned);
    show_templates (object, verdict->templates);
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
    const struct adapter *adapter = channel->adapter;
    struct call_request call = {0};
    struct verdict verdict = {0};
    json_t *expected = json_object_get (round, "call");
    bool is_call = adapter->compose (channel, task, notes, NOW, &call);
    json_auto_t *got = is_call ? show_call (&call) : json_null ();
    call_request_clear (&call);
    if (expected != NULL) assert_same (name, i, got, expected);
    if (json_object_get (round, "answer") == NULL) return NULL;
    struct call_answer answer = make_answer (json_object_get (round, "answer"));
    adapter->judge (channel, task, notes, &answer, NOW, &verdict);
    json_auto_t *shown = show_verdict (&verdict);
    assert_same (name, i, shown, json_object_get (round, "verdict"));
    char *next = g_steal_pointer (&verdict.notes);
    verdict_clear (&verdict);
    g_bytes_unref (answer.body);
    return next;
}

static void one_file (gconstpointer data)
{
    const struct case_of *one = data;
    const struct tasks_of *of = one->of;
    const char *name = one->name;
    g_autofree char *path = g_strdup_printf ("%s/%s.json", of->folder, name), *bytes = NULL, *notes = NULL;
    gsize length;
    g_autoptr (GError) error = NULL;
    g_assert_true (g_file_get_contents (path, &bytes, &length, NULL));
    json_auto_t *file = json_parse_text (bytes, length, &error);
    g_assert_no_error (error);
    struct channel channel = make_channel (of, json_object_get (file, "channel"));
    struct task task = make_task (of, json_object_get (file, "task"));
    json_t *rounds = json_object_get (file, "rounds"), *round, *parts = json_object_get (file, "parts");
    if (task.kind == TASK_SEND)
        g_assert_cmpint (channel.adapter->count_parts (&channel, &task), ==, parts == NULL ? 1 : json_integer_value (parts));
    size_t i;
    json_array_foreach (rounds, i, round)
    {
        char *next = play (name, i, &channel, &task, notes, round);
        if (next == NULL) continue; /* what was known still is */
        g_free (notes);
        notes = next;
    }
    g_assert_cmpuint (i, >=, 1);
    task_clear (&task);
    values_unref (channel.values);
    values_unref (channel.common);
}

static int compare_cases (gconstpointer a, gconstpointer b)
{
    return strcmp ((*(const struct case_of *const *) a)->name, (*(const struct case_of *const *) b)->name);
}

static void case_free (gpointer data)
{
    struct case_of *one = data;
    g_free (one->name);
    g_free (one);
}

static GPtrArray *cases_of (const struct tasks_of *of)
{
    g_autoptr (GError) error = NULL;
    GPtrArray *cases = g_ptr_array_new ();
    GDir *folder = g_dir_open (of->folder, 0, &error);
    g_assert_no_error (error);
    for (const char *name; (name = g_dir_read_name (folder)) != NULL;) {
        if (!g_str_has_suffix (name, ".json")) continue;
        struct case_of *one = g_new (struct case_of, 1);
        *one = (struct case_of){of, g_strndup (name, strlen (name) - strlen (".json"))};
        g_ptr_array_add (cases, one);
    }
    g_dir_close (folder);
    g_ptr_array_sort (cases, compare_cases);
    return cases;
}

void tasks_add (const struct tasks_of *of)
{
    g_autoptr (GPtrArray) cases = cases_of (of);
    g_assert_cmpuint (cases->len, >=, of->least);
    for (guint i = 0; i < cases->len; i++) {
        struct case_of *one = cases->pdata[i];
        g_autofree char *path = g_strdup_printf ("/%s/tasks/%s", of->adapter, one->name);
        g_test_add_data_func_full (path, one, one_file, case_free);
    }
}
