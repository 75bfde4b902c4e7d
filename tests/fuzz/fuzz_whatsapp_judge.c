/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers of any bytes to every task of WhatsApp's adapter, and content of any form that it is to send. The input's first line says which: the
 * task (text, upload, known, fetch, probe, list of templates, read), status, flags and location; what follows is the body of every round's
 * answer. Or the task is content, and the body that of a message:
 *
 *     fetch 307 cut https://lookaside.fbsbx.com/x
 */
#include "base/json.h"
#include "model/adapter.h"
#include "model/task.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

#define TOKEN "EAAG0123456789abcdef-token"
#define FILE_URL "https://gw.example.com/media/signed"
#define SHA256 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

enum { ROUNDS_MOST = 250 };

static struct setting common[CHANNEL_N] = {{"rate", SETTING_STRING, NULL, 0, ""},
                                           {"concurrency", SETTING_STRING, NULL, 0, ""},
                                           {"allow_private", SETTING_STRING, NULL, 0, ""},
                                           {"api_url", SETTING_STRING, NULL, 0, ""}};

static const struct channel *channel_of (void)
{
    static struct channel channel = {.account = "acme", .slug = "wa", .callback_url = "https://gw.example.com/hooks/acme/wa"};
    static const char *const pairs[] = {"phone_number_id", "1065", "access_token", TOKEN,  "app_secret", "s",
                                        "verify_token",    "v",    "waba_id",      "1022", NULL};
    if (channel.adapter == NULL) {
        channel.adapter = adapter_find ("whatsapp");
        channel.values = values_of ((struct settings){channel.adapter->settings, channel.adapter->n_settings}, pairs);
        channel.common = values_of ((struct settings){common, CHANNEL_N}, (const char *const[]){NULL});
    }
    return &channel;
}

static enum task_kind kind_of (char word)
{
    switch (word) {
    case 'f': return TASK_FETCH;
    case 'p': return TASK_PROBE;
    case 'l': return TASK_TEMPLATES;
    case 'r': return TASK_SIGNAL;
    default: return TASK_SEND;
    }
}

static struct task task_of (char word, struct outgoing_file *file)
{
    struct task task = {.kind = kind_of (word)};
    task.reply_to = g_strdup ("wamid.A1");
    task.url = g_strdup ("whatsapp-media:770100");
    if (task.kind != TASK_SEND) return task;
    task.to = g_strdup ("whatsapp:5511987650000");
    task.text = g_strdup ("Hi");
    task.content = g_strdup ("{\"kind\":\"text\",\"text\":\"Hi\"}");
    task.reference = g_strdup ("0198c0de-0000-7000-8000-00000000000a");
    if (word == 't') return task;
    file->known = word == 'k' ? g_strdup ("8801") : NULL;
    task.files = g_ptr_array_new ();
    g_ptr_array_add (task.files, file);
    return task;
}

/* What comes back may repeat what we said; the token and the signed URLs of a task's files must not be kept. */
static void assert_text (const struct task *task, const char *text)
{
    if (text == NULL) return;
    g_assert (g_utf8_validate (text, -1, NULL));
    g_assert (strstr (text, TOKEN) == NULL);
    g_assert (task->files == NULL || strstr (text, FILE_URL) == NULL);
}

static void assert_templates (const GPtrArray *templates)
{
    for (guint i = 0; templates != NULL && i < templates->len; i++) {
        const struct provider_template *template = templates->pdata[i];
        g_assert (template->name != NULL && template->lang != NULL && template->status != NULL);
        json_auto_t *components = json_parse_text (template->components, strlen (template->components), NULL);
        g_assert (json_is_array (components));
    }
}

static void assert_verdict (const struct task *task, bool visible, const struct verdict *verdict)
{
    bool is_fine = verdict->kind == VERDICT_NEXT || verdict->kind == VERDICT_SENT;
    bool to_mend = verdict->kind == VERDICT_CHANNEL_DOWN || verdict->kind == VERDICT_DEGRADED;
    g_assert (is_fine == (verdict->title == NULL) && is_fine == (verdict->code == NULL));
    g_assert (!to_mend || verdict->remedy != NULL);
    g_assert ((verdict->notes != NULL) == (verdict->kind == VERDICT_NEXT));
    g_assert (visible || verdict->kind != VERDICT_UNCERTAIN);
    g_assert ((verdict->external_id != NULL) == (task->kind == TASK_SEND && verdict->kind == VERDICT_SENT));
    g_assert (verdict->learned == NULL || verdict->kind == VERDICT_NEXT);
    g_assert (verdict->after >= -1);
    assert_text (task, verdict->detail);
    assert_text (task, verdict->provider_code);
    g_assert (verdict->detail == NULL || strlen (verdict->detail) <= 500);
    assert_templates (verdict->templates);
}

/* The token goes to Meta alone. */
static void assert_call (const struct call_request *call)
{
    static const char *const domains[] = {".facebook.com", ".fbsbx.com", ".whatsapp.net"};
    g_autoptr (GUri) uri = g_uri_parse (call->url, G_URI_FLAGS_ENCODED, NULL);
    g_assert_nonnull (uri);
    g_assert_cmpstr (g_uri_get_scheme (uri), ==, "https");
    g_autofree char *host = g_ascii_strdown (g_uri_get_host (uri), -1);
    bool is_meta = false;
    for (size_t i = 0; i < G_N_ELEMENTS (domains); i++) is_meta |= g_str_has_suffix (host, domains[i]) != FALSE;
    g_assert_true (is_meta);
}

/* The same answer for ever: every round has a call, and there is a last one. */
static void run (const struct task *task, const struct call_answer *answer)
{
    const struct adapter *adapter = channel_of ()->adapter;
    g_autofree char *notes = NULL;
    struct verdict verdict = {.kind = VERDICT_NEXT};
    int64_t now = INT64_C (1700000000000000);
    for (int round = 0; verdict.kind == VERDICT_NEXT; round++) {
        struct call_request call = {0};
        g_assert_cmpint (round, <, ROUNDS_MOST);
        g_assert_true (adapter->compose (channel_of (), task, notes, now, &call));
        assert_call (&call);
        adapter->judge (channel_of (), task, notes, answer, now, &verdict);
        assert_verdict (task, call.visible, &verdict);
        g_free (notes);
        notes = g_steal_pointer (&verdict.notes);
        call_request_clear (&call);
        enum verdict_kind kind = verdict.kind;
        verdict_clear (&verdict);
        verdict.kind = kind;
    }
}

/* Whatever is to be said, each part is one call or none, goes to whom it should and is JSON. */
static void compose (struct task *task, GBytes *content)
{
    const struct adapter *adapter = channel_of ()->adapter;
    gsize length;
    const char *bytes = g_bytes_get_data (content, &length);
    json_auto_t *object = json_parse_text (bytes, length, NULL);
    if (!json_is_object (object)) return;
    g_free (task->content);
    task->content = g_strndup (bytes, length);
    int n = adapter->count_parts (channel_of (), task);
    g_assert_cmpint (n, >=, 1);
    for (task->part = 0; task->part <= n; task->part++) {
        struct call_request call = {0};
        bool is_call = adapter->compose (channel_of (), task, NULL, 0, &call);
        g_assert_true (task->part < n || !is_call);
        gsize size = 0;
        const char *body = call.body == NULL ? NULL : g_bytes_get_data (call.body, &size);
        json_auto_t *message = body == NULL ? NULL : json_loadb (body, size, 0, NULL);
        g_assert_true (!is_call || g_strcmp0 (json_string_value (json_object_get (message, "to")), "+5511987650000") == 0);
        call_request_clear (&call);
    }
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    const uint8_t *end = memchr (data, '\n', size);
    if (end == NULL) return 0;
    g_autofree char *line = g_strndup ((const char *) data, (size_t) (end - data));
    g_auto (GStrv) words = g_strsplit (line, " ", 4);
    if (g_strv_length (words) < 3) return 0;
    g_autoptr (GBytes) bytes = g_bytes_new_static ("PNG", 3), body = g_bytes_new (end + 1, size - (size_t) (end - data) - 1);
    struct outgoing_file file = {(char[]){"image/png"}, (char[]){"a.png"}, (char[]){FILE_URL}, 3, (char[]){SHA256}, NULL, bytes};
    bool is_content = words[0][0] == 'c';
    struct task task = task_of (is_content ? 'k' : words[0][0], &file);
    const struct call_answer answer = {
        .status = (unsigned) g_ascii_strtoull (words[1], NULL, 10) % 1000,
        .content_type = "",
        .location = words[3],
        .body = body,
        .cut = g_str_equal (words[2], "cut"),
        .retry_after = g_str_equal (words[2], "later") ? 1 : -1,
    };
    if (is_content)
        compose (&task, body);
    else
        run (&task, &answer);
    g_free (file.known);
    task_clear (&task);
    return 0;
}
