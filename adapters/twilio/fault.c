/* SPDX-License-Identifier: Apache-2.0
 *
 * What it means that Twilio refuses something: by its error code (twilio.com/docs/api/errors), else by the HTTP status.
 *
 * A code takes the whole channel down only where no message of that channel can fare better. That the sender cannot write to this destination
 * (TO_SENDER) is no such: one odd destination must not stop the others, and TASK_PROBE looks after the sender itself.
 */
#include "twilio.h"

#include <string.h>

#define CREDENTIALS \
    JUDGE_DOWN, "credentials", "Twilio does not accept the credentials", "check account_sid and auth_token against the Twilio console"
#define INACTIVE \
    JUDGE_DOWN, "account_inactive", "the Twilio account is not active", "see the Twilio console why, and have the account reactivated"
#define NOT_FOUND JUDGE_DOWN, "unknown_account", "Twilio does not know this account", "check account_sid, and api_url if there is one"
#define SENDER \
    JUDGE_DOWN, "bad_sender", "Twilio does not accept the channel's sender", \
        "check from and messaging_service_sid against the Twilio console"
#define CALLBACK \
    JUDGE_DOWN, "bad_callback", "Twilio does not accept our callback URL", "set listen.public_url to a URL that Twilio can reach"
#define THROTTLED JUDGE_RETRY_CHANNEL, "throttled", "Twilio asks to send more slowly", NULL
#define TO_SENDER JUDGE_REFUSED, "bad_sender", "the channel's sender cannot write to this destination", NULL
#define UNREGISTERED JUDGE_REFUSED, "unregistered_sender", "the channel's number is not registered for this destination", NULL
#define NUMBER JUDGE_REFUSED, "invalid_number", "the receiver's number is not valid", NULL
#define UNREACHABLE JUDGE_REFUSED, "unreachable", "the receiver cannot be reached", NULL
#define EMPTY JUDGE_REFUSED, "empty", "the message is empty", NULL
#define TOO_LONG JUDGE_REFUSED, "too_long", "the text is too long", NULL
#define FILES JUDGE_REFUSED, "bad_media", "the provider does not accept a file of the message", NULL

enum { DAILY_CAP = 63038 };

static const struct judge_rule codes[] = {
    {10001, INACTIVE},
    {11200, JUDGE_REFUSED, "bad_media", "the provider could not fetch a file of the message", NULL},
    {12300, FILES},
    {20003, CREDENTIALS},
    {20005, INACTIVE},
    {20404, NOT_FOUND},
    {20429, THROTTLED},
    {21211, NUMBER},
    {21212, SENDER},
    {21217, NUMBER},
    {21408, JUDGE_REFUSED, "region_not_permitted", "the account may not send to this region", NULL},
    {21602, EMPTY},
    {21603, SENDER},
    {21604, NUMBER},
    {21605, TOO_LONG},
    {21606, TO_SENDER},
    {21608, JUDGE_REFUSED, "unverified_number", "a trial account may write to verified numbers only", NULL},
    {21609, CALLBACK},
    {21610, VERDICT_OPTED_OUT, SCOPE_PAIR, "opted_out", "the receiver wants no messages", NULL},
    {21611, JUDGE_RETRY_CHANNEL, "queue_full", "Twilio's queue for this number is full", NULL},
    {21612, UNREACHABLE},
    {21614, JUDGE_REFUSED, "unreachable", "the receiver's number is not a mobile one", NULL},
    {21617, TOO_LONG},
    {21619, EMPTY},
    {21620, FILES},
    {21621, FILES},
    {21623, FILES},
    {21635, JUDGE_REFUSED, "unreachable", "the receiver's number is a landline", NULL},
    {21659, TO_SENDER},
    {21660, SENDER},
    {21701, SENDER},
    {21703, TO_SENDER},
    {21704, SENDER},
    {21910, TO_SENDER},
    {30001, JUDGE_RETRY_CHANNEL, "queue_full", "Twilio's queue for this number is full", NULL},
    {30002, INACTIVE},
    {30003, JUDGE_RETRY_MESSAGE, "unreachable", "the receiver's telephone is off or out of reach", NULL},
    {30004, JUDGE_REFUSED, "blocked", "the receiver or the carrier blocks the message", NULL},
    {30005, UNREACHABLE},
    {30006, UNREACHABLE},
    {30007, JUDGE_REFUSED, "filtered", "the carrier takes the message for spam", NULL},
    {30008, JUDGE_RETRY_MESSAGE, "unknown", "the carrier does not say why", NULL},
    {30019, JUDGE_REFUSED, "too_large", "the files are larger than the carrier takes", NULL},
    {30032, UNREGISTERED},
    {30034, UNREGISTERED},
    {63003, NUMBER},
    {63007, TO_SENDER},
    {63016, JUDGE_REFUSED, "window_closed", "the customer's last message is too long ago for a free text: only a template can be sent",
     NULL},
    {63018, THROTTLED},
    {63024, NUMBER},
    {DAILY_CAP, JUDGE_RETRY_CHANNEL, "daily_cap", "the account has sent all that it may in a day", NULL},
};

static const struct judge_rule statuses[] = {
    {401, CREDENTIALS},
    {403, CREDENTIALS},
    {404, NOT_FOUND},
    {405, NOT_FOUND},
    {425, JUDGE_RETRY_MESSAGE, "too_early", "the provider asks to try again", NULL},
    {429, THROTTLED},
};

static const struct judge_rule refused = {0, JUDGE_REFUSED, "refused", "the provider refuses the message", NULL};

/* ---- words ---- */

/* The token, and both as the header of HTTP Basic has them. */
static GStrv secrets_of (const struct channel *channel)
{
    g_autoptr (GStrvBuilder) secrets = g_strv_builder_new ();
    for (const char *const *token = values_texts (channel->values, AUTH_TOKEN); *token != NULL; token++) {
        g_autofree char *both = g_strconcat (values_text (channel->values, ACCOUNT_SID), ":", *token, NULL);
        g_autofree char *coded = g_base64_encode ((const guchar *) both, strlen (both));
        g_strv_builder_add_many (secrets, coded, *token, NULL);
    }
    return g_strv_builder_end (secrets);
}

static void keep_words (const struct channel *channel, const struct task *task, json_int_t code, const char *words, struct verdict *verdict)
{
    g_auto (GStrv) secrets = secrets_of (channel);
    g_free (verdict->provider_code);
    verdict->provider_code = code == 0 ? NULL : g_strdup_printf ("%" JSON_INTEGER_FORMAT, code);
    judge_keep_words (task, words, (const char *const *) secrets, verdict);
}

/* ---- verdicts ---- */

/* Twilio's days are UTC's. */
static int64_t until_tomorrow (int64_t now)
{
    int64_t day = INT64_C (24) * 3600 * G_USEC_PER_SEC;
    return day - now % day;
}

static void apply (const struct judge_rule *rule, const struct call_answer *answer, int64_t now, struct verdict *verdict)
{
    judge_apply (rule, answer, verdict);
    if (rule->number == DAILY_CAP) verdict->after = MAX (answer->retry_after, until_tomorrow (now));
}

static json_int_t code_of (const json_t *said, const char *member)
{
    return json_integer_value (json_object_get (said, member));
}

bool twilio_judge_code (const struct channel *channel, const struct task *task, const struct call_answer *answer, const json_t *said,
                        const char *code_member, const char *words_member, int64_t now, struct verdict *verdict)
{
    json_int_t code = code_of (said, code_member);
    keep_words (channel, task, code, json_text (said, words_member), verdict);
    const struct judge_rule *rule = judge_find (codes, G_N_ELEMENTS (codes), code);
    if (rule != NULL) apply (rule, answer, now, verdict);
    return rule != NULL;
}

/* Of one message, whatever the status: codes of messaging, delivery and channels. */
static bool is_of_message (json_int_t code)
{
    return (code >= 21000 && code < 22000) || (code >= 30000 && code < 31000) || (code >= 63000 && code < 64000);
}

static const struct judge_rule *rule_of_status (unsigned status, json_int_t code)
{
    const struct judge_rule *rule = judge_find (statuses, G_N_ELEMENTS (statuses), status);
    if (rule != NULL && rule->kind == VERDICT_CHANNEL_DOWN && is_of_message (code)) return &refused;
    if (rule != NULL) return rule;
    if (status / 100 == 3) return &judge_redirected;
    return status / 100 == 4 && status != 408 ? &refused : &judge_unclear;
}

void twilio_judge_fault (const struct channel *channel, const struct task *task, const struct call_answer *answer, const json_t *said,
                         int64_t now, struct verdict *verdict)
{
    bool is_client_fault = answer->status / 100 == 4 && answer->status != 408;
    if (twilio_judge_code (channel, task, answer, said, "code", "message", now, verdict) && is_client_fault) return;
    apply (rule_of_status (answer->status, code_of (said, "code")), answer, now, verdict);
    if (task->kind != TASK_SEND) judge_unnoticed (answer, verdict);
}

void twilio_explain (const char *code, const char **reason, const char **title)
{
    gint64 number = code == NULL ? 0 : g_ascii_strtoll (code, NULL, 10);
    const struct judge_rule *rule = judge_find (codes, G_N_ELEMENTS (codes), number);
    *reason = rule == NULL ? NULL : rule->code;
    *title = rule == NULL ? NULL : rule->title;
}
