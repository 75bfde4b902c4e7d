/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers of any bytes to every task of Twilio's adapter. The input's first line says which: task, status, flags and notes or location;
 * what follows is the body:
 *
 *     fetch 307 cut https://cdn.example.com/x
 */
#include "base/json.h"
#include "model/adapter.h"
#include "model/task.h"

#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

#define TOKEN "0123456789abcdef-token"
#define FILE_URL "https://gw.example.com/media/signed"

static struct setting common[CHANNEL_N] = {{"rate", SETTING_STRING, NULL, 0, ""},
                                           {"concurrency", SETTING_STRING, NULL, 0, ""},
                                           {"allow_private", SETTING_STRING, NULL, 0, ""},
                                           {"api_url", SETTING_STRING, NULL, 0, ""}};

static const struct channel *channel_of (void)
{
    static struct channel channel = {.account = "acme", .slug = "sms", .callback_url = "https://gw.example.com/hooks/acme/sms"};
    static const char *const pairs[] = {"account_sid", "AC1", "auth_token", TOKEN, "from", "+15550009999", NULL};
    if (channel.adapter == NULL) {
        channel.adapter = adapter_find ("twilio");
        channel.values = values_of ((struct settings){channel.adapter->settings, channel.adapter->n_settings}, pairs);
        channel.common = values_of ((struct settings){common, CHANNEL_N}, (const char *const[]){NULL});
    }
    return &channel;
}

static struct task task_of (char kind, GPtrArray *files)
{
    static char to[] = "tel:+14133881111", text[] = "Hi",
                url[] = "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages/MM1/Media.json#1";
    static char reference[] = "0198c0de-0000-7000-8000-00000000000a", content[] = "{\"kind\":\"text\"}";
    struct task task = {
        .kind = TASK_SEND, .to = to, .text = text, .content = content, .reference = reference, .url = url, .until = INT64_MAX};
    task.kind = kind == 'f' ? TASK_FETCH : kind == 'p' ? TASK_PROBE : kind == 'b' ? TASK_BACKFILL : TASK_SEND;
    if (task.kind == TASK_SEND) task.files = files;
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

static void assert_messages (const struct verdict *verdict)
{
    guint n = verdict->received.messages == NULL ? 0 : verdict->received.messages->len;
    g_assert ((verdict->raws == NULL ? 0 : verdict->raws->len) == n);
    for (guint i = 0; i < n; i++) {
        const struct incoming *message = g_ptr_array_index (verdict->received.messages, i);
        g_assert (message->external_id != NULL && message->from != NULL && message->to != NULL);
        g_assert (g_utf8_validate (message->text, -1, NULL));
        json_auto_t *content = json_parse_text (message->content, strlen (message->content), NULL);
        g_assert (json_is_string (json_object_get (content, "kind")));
    }
}

static void assert_verdict (const struct task *task, const struct verdict *verdict)
{
    bool is_fine = verdict->kind == VERDICT_NEXT || verdict->kind == VERDICT_SENT;
    bool to_mend = verdict->kind == VERDICT_CHANNEL_DOWN || verdict->kind == VERDICT_DEGRADED;
    g_assert (is_fine == (verdict->title == NULL) && is_fine == (verdict->code == NULL));
    g_assert (!to_mend || verdict->remedy != NULL);
    g_assert ((verdict->notes != NULL) == (verdict->kind == VERDICT_NEXT));
    g_assert (task->kind == TASK_SEND || verdict->kind != VERDICT_UNCERTAIN);
    g_assert ((verdict->external_id != NULL) == (task->kind == TASK_SEND && verdict->kind == VERDICT_SENT));
    g_assert (verdict->after >= -1);
    assert_text (task, verdict->detail);
    assert_text (task, verdict->provider_code);
    g_assert (verdict->detail == NULL || strlen (verdict->detail) <= 500);
    assert_messages (verdict);
}

static void assert_host (const struct call_request *call)
{
    g_autoptr (GUri) uri = g_uri_parse (call->url, G_URI_FLAGS_ENCODED, NULL);
    g_assert_nonnull (uri);
    g_assert_cmpstr (g_uri_get_scheme (uri), ==, "https");
    g_autofree char *host = g_ascii_strdown (g_uri_get_host (uri), -1);
    g_assert (call->password == NULL || g_str_has_suffix (host, ".twilio.com"));
}

/* Whatever was learned, the next round has a call, and its credentials go to Twilio. */
static void assert_next (const struct task *task, const char *notes, int64_t now)
{
    struct call_request call = {0};
    if (!channel_of ()->adapter->compose (channel_of (), task, notes, now, &call)) g_assert_not_reached ();
    if (task->kind == TASK_FETCH)
        assert_host (&call);
    else
        g_assert_true (g_str_has_prefix (call.url, "https://api.twilio.com/2010-04-01/Accounts/"));
    call_request_clear (&call);
}

static void judge (const struct task *task, const char *notes, const struct call_answer *answer)
{
    struct verdict verdict = {0};
    int64_t now = INT64_C (1700000000000000);
    channel_of ()->adapter->judge (channel_of (), task, notes, answer, now, &verdict);
    assert_verdict (task, &verdict);
    if (verdict.kind == VERDICT_NEXT) assert_next (task, verdict.notes, now);
    verdict_clear (&verdict);
}

/* What the first line says of notes. */
static const char *notes_of (const struct task *task, const char *word)
{
    switch (task->kind) {
    case TASK_PROBE: return g_str_equal (word, "number") ? word : NULL;
    case TASK_BACKFILL: return g_str_equal (word, "next") ? "1 /2010-04-01/Accounts/AC1/Messages.json" : NULL;
    case TASK_FETCH: return g_str_equal (word, "next") ? "1 https://mms.twiliocdn.com/x" : NULL;
    default: return NULL;
    }
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    const uint8_t *end = memchr (data, '\n', size);
    if (end == NULL) return 0;
    g_autofree char *line = g_strndup ((const char *) data, (size_t) (end - data));
    g_auto (GStrv) words = g_strsplit (line, " ", 4);
    if (g_strv_length (words) < 3) return 0;
    struct outgoing_file file = {NULL, NULL, (char[]){FILE_URL}, 1};
    g_autoptr (GPtrArray) files = g_ptr_array_new ();
    g_ptr_array_add (files, &file);
    const struct task task = task_of (words[0][0], files);
    g_autoptr (GBytes) body = g_bytes_new (end + 1, size - (size_t) (end - data) - 1);
    const struct call_answer answer = {
        .status = (unsigned) g_ascii_strtoull (words[1], NULL, 10) % 1000,
        .content_type = "",
        .location = words[3],
        .body = body,
        .cut = g_str_equal (words[2], "cut"),
        .retry_after = g_str_equal (words[2], "later") ? 1 : -1,
    };
    judge (&task, notes_of (&task, words[2]), &answer);
    return 0;
}
