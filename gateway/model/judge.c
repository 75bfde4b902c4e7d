/* SPDX-License-Identifier: Apache-2.0 */
#include "model/judge.h"

#include <string.h>

enum { DETAIL_MOST = 500, SIGNED_NAME_LEAST = 16 };

const struct judge_rule judge_redirected = {0,
                                            JUDGE_DOWN,
                                            "redirected",
                                            "the provider's API answers with a redirect",
                                            "check api_url, and what stands between the gateway and the provider",
                                            0};
const struct judge_rule judge_unclear = {
    0, VERDICT_UNCERTAIN, SCOPE_PROVIDER, "unclear_answer", "the provider's answer does not say what became of it", NULL};

const struct judge_rule judge_file_gone = {0, JUDGE_REFUSED, "gone", "the provider no longer has the file", NULL};
const struct judge_rule judge_file_later = {0, JUDGE_RETRY_MESSAGE, "unavailable", "the provider does not hand the file out just now", NULL,
                                            0};
const struct judge_rule judge_file_refused = {0, JUDGE_REFUSED, "refused", "the provider refuses to hand the file out", NULL};
const struct judge_rule judge_file_too_large = {0, JUDGE_REFUSED, "too_large", "the file is larger than is fetched", NULL};
const struct judge_rule judge_file_bad_redirect = {0, JUDGE_REFUSED, "bad_redirect",
                                                   "the provider redirects to an address that must not be called", NULL};
const struct judge_rule judge_file_too_many_redirects = {0, JUDGE_REFUSED, "too_many_redirects", "the provider redirects too often", NULL,
                                                         0};

/* ---- rules ---- */

const struct judge_rule *judge_find (const struct judge_rule *rules, size_t n, int64_t number)
{
    for (size_t i = 0; i < n; i++)
        if (rules[i].number == number) return &rules[i];
    return NULL;
}

void judge_apply (const struct judge_rule *rule, const struct call_answer *answer, struct verdict *verdict)
{
    verdict->kind = rule->kind;
    verdict->scope = rule->scope;
    verdict->code = rule->code;
    verdict->title = rule->title;
    verdict->remedy = rule->remedy;
    if (rule->kind == VERDICT_RETRY) verdict->after = MAX (answer->retry_after, rule->after ? rule->after * G_USEC_PER_SEC : -1);
}

void judge_unnoticed (const struct call_answer *answer, struct verdict *verdict)
{
    if (verdict->kind != VERDICT_UNCERTAIN) return;
    verdict->kind = VERDICT_RETRY;
    verdict->after = answer->retry_after;
}

bool judge_file_passes (unsigned status)
{
    static const unsigned passing[] = {401, 403, 408, 425, 429};
    for (size_t i = 0; i < G_N_ELEMENTS (passing); i++)
        if (passing[i] == status) return true;
    return status < 200 || status >= 500;
}

/* ---- words ---- */

json_t *judge_object (const struct call_answer *answer)
{
    gsize length;
    const char *bytes = g_bytes_get_data (answer->body, &length);
    json_t *said = answer->cut ? NULL : json_parse_text (bytes, length, NULL);
    if (json_is_object (said)) return said;
    json_decref (said);
    return NULL;
}

static void redact (GString *words, const char *secret)
{
    if (secret && *secret) g_string_replace (words, secret, "***", 0);
}

/* Whole, and what signs it: an escaped URL, as it stands in a form, holds that as it is. */
static void redact_url (GString *words, const char *url)
{
    const char *name = url ? strrchr (url, '/') : NULL;
    redact (words, url);
    if (name && strlen (name + 1) >= SIGNED_NAME_LEAST) redact (words, name + 1);
}

void judge_keep_words (const struct task *task, const char *said, const char *const *secrets, struct verdict *verdict)
{
    if (!said || !*said) return;
    GString *words = g_string_new (said);
    for (; *secrets; secrets++) redact (words, *secrets);
    for (guint i = 0; task->files && i < task->files->len; i++)
        redact_url (words, ((const struct outgoing_file *) task->files->pdata[i])->url);
    const char *end = words->str + MIN (words->len, (gsize) DETAIL_MOST);
    if (*end) end = g_utf8_find_prev_char (words->str, end + 1);
    g_string_truncate (words, (gsize) (end - words->str));
    g_free (verdict->detail);
    verdict->detail = g_string_free (words, FALSE);
}
