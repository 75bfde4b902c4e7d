/* SPDX-License-Identifier: Apache-2.0
 *
 * What it means that Meta refuses something: by its error code (developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes), for
 * which Meta promises more than for the HTTP status; the status counts only where no code is known, as with what others between us say.
 *
 * A code takes the whole channel down only where no message of that channel can fare better.
 */
#include "whatsapp.h"

#include <string.h>

enum { SIGNED_NAME_LEAST = 16 };

/* What is made of one code, or of one status. */
struct rule {
    int number;
    enum verdict_kind kind;
    enum verdict_scope scope; /* VERDICT_RETRY */
    const char *code, *title, *remedy;
    int after; /* VERDICT_RETRY: seconds at least; 0: as flow thinks best */
};

#define REFUSED VERDICT_REFUSED, SCOPE_MESSAGE
#define RETRY_CHANNEL VERDICT_RETRY, SCOPE_CHANNEL
#define RETRY_MESSAGE VERDICT_RETRY, SCOPE_MESSAGE
#define DOWN VERDICT_CHANNEL_DOWN, SCOPE_CHANNEL

#define CREDENTIALS \
    DOWN, "credentials", "WhatsApp does not accept the access token", \
        "make a new token for the system user in Meta's business settings, and give it as access_token"
#define PERMISSION \
    DOWN, "permission", "the access token may not do this", \
        "give the system user the number, and its token whatsapp_business_messaging and whatsapp_business_management"
#define REGISTER \
    DOWN, "not_registered", "the number is not registered at WhatsApp", "register the number in Meta's WhatsApp manager, with its PIN"
#define REDIRECTED \
    DOWN, "redirected", "the provider's API answers with a redirect", "check api_url, and what stands between the gateway and the provider"
#define NOT_FOUND DOWN, "unknown_api", "there is no such API at the provider", "check api_url, version and phone_number_id"
#define TERMS DOWN, "terms", "terms of WhatsApp wait to be accepted", "accept them in Meta's WhatsApp manager"
#define THROTTLED RETRY_CHANNEL, "throttled", "WhatsApp asks to send more slowly", NULL
#define UNAVAILABLE RETRY_MESSAGE, "unavailable", "WhatsApp has a fault of its own", NULL
#define UNREACHABLE REFUSED, "unreachable", "the receiver cannot be reached on WhatsApp", NULL
#define PARAMETER REFUSED, "bad_parameter", "WhatsApp does not accept a part of the message", NULL
#define PARAMETERS REFUSED, "template_params", "the parameters are not those of the template", NULL
#define FORMAT REFUSED, "template_params", "a parameter of the template has the wrong format", NULL
#define FLOW REFUSED, "flow_blocked", "WhatsApp holds back the flow of the template", NULL
#define MARKETING REFUSED, "marketing_api", "the marketing API of WhatsApp does not take this template", NULL
#define GROUP REFUSED, "group", "WhatsApp does not take the message for this group", NULL

static const struct rule codes[] = {
    {0, CREDENTIALS},
    {1, UNAVAILABLE},
    {2, UNAVAILABLE},
    {3, PERMISSION},
    {4, THROTTLED},
    {10, PERMISSION},
    {33, REFUSED, "unknown_object", "WhatsApp does not know what the message names", NULL},
    {100, PARAMETER},
    {190, CREDENTIALS},
    {368, DOWN, "account_blocked", "the account is blocked for a breach of policy",
     "see Meta's business support home why, and appeal there"},
    {613, THROTTLED},
    {80007, THROTTLED},
    {130403, REFUSED, "blocked", "the business has blocked the receiver", NULL},
    {130429, THROTTLED},
    {130472, REFUSED, "experiment", "the receiver is in an experiment of Meta's, without marketing messages", NULL},
    {130497, DOWN, "country", "the account may not write to people in this country", "see Meta's policy for the countries of the account"},
    {131000, UNAVAILABLE},
    {131005, PERMISSION},
    {131008, REFUSED, "bad_parameter", "a part of the message is missing", NULL},
    {131009, PARAMETER},
    {131016, UNAVAILABLE},
    {131020, GROUP},
    {131021, REFUSED, "to_self", "the receiver is the channel's own number", NULL},
    {131026, UNREACHABLE},
    {131030, REFUSED, "not_in_test_list", "a test number may write to those of its list only", NULL},
    {131031, DOWN, "account_locked", "the account is locked", "see Meta's business support home why, and have it unlocked"},
    {131037, DOWN, "name_not_approved", "the number's display name is not approved",
     "have a display name approved in Meta's WhatsApp manager"},
    {131041, GROUP},
    {131042, DOWN, "payment", "the account has no valid way to pay", "mend the payment method in Meta's billing settings"},
    {131045, REGISTER},
    {131047, REFUSED, "window_closed", "the customer's last message is more than 24 hours ago: only a template may be sent", NULL},
    {131048, RETRY_CHANNEL, "spam_limit", "too many messages of the number were taken for spam", NULL, 600},
    {131049, REFUSED, "marketing_cap", "the receiver has had as many marketing messages as WhatsApp allows; again after 24 hours", NULL},
    {131050, VERDICT_OPTED_OUT, SCOPE_PAIR, "opted_out", "the receiver wants no marketing messages", NULL},
    {131051, REFUSED, "unsupported", "WhatsApp does not take messages of this type", NULL},
    {131052, RETRY_MESSAGE, "media_unavailable", "WhatsApp could not hand the file out", NULL},
    {131053, RETRY_MESSAGE, "bad_media", "WhatsApp could not take a file of the message", NULL},
    {131056, VERDICT_RETRY, SCOPE_PAIR, "pair_throttled", "too many messages to this receiver in a short time", NULL, 4},
    {131057, RETRY_CHANNEL, "maintenance", "the account is in maintenance", NULL, 60},
    {131062, REFUSED, "number_needed", "this kind of template needs the receiver's telephone number", NULL},
    {131063, REFUSED, "marketing_off", "marketing templates are switched off for this API", NULL},
    {131064, DOWN, "restricted", "templates of this class are restricted for a while",
     "see the restriction in Meta's WhatsApp manager; it ends by itself"},
    {131201, GROUP},
    {131204, GROUP},
    {131207, GROUP},
    {131208, RETRY_MESSAGE, "group", "WhatsApp cannot take the message for this group just now", NULL},
    {131212, GROUP},
    {131215, GROUP},
    {132000, PARAMETERS},
    {132001, REFUSED, "template_unknown", "there is no such approved template in this language", NULL},
    {132005, REFUSED, "too_long", "the template is too long with these parameters", NULL},
    {132007, REFUSED, "template_policy", "the template breaks a policy of WhatsApp", NULL},
    {132008, FORMAT},
    {132012, FORMAT},
    {132015, REFUSED, "template_paused", "the template is paused for its quality", NULL},
    {132016, REFUSED, "template_disabled", "the template is disabled for its quality", NULL},
    {132018, PARAMETERS},
    {132068, FLOW},
    {132069, FLOW},
    {133000, REGISTER},
    {133004, UNAVAILABLE},
    {133005, REGISTER},
    {133006, REGISTER},
    {133008, REGISTER},
    {133009, REGISTER},
    {133010, REGISTER},
    {133015, DOWN, "not_registered", "the number was just deleted at WhatsApp",
     "wait five minutes, then register it in Meta's WhatsApp manager"},
    {133016, DOWN, "not_registered", "the number was registered too often", "wait three days, then register it in Meta's WhatsApp manager"},
    {134011, TERMS},
    {134100, MARKETING},
    {134101, MARKETING},
    {134102, MARKETING},
    {135000, PARAMETER},
    {137000, REFUSED, "identity_changed", "the receiver's identity is another than the one named", NULL},
};

static const struct rule permission = {0, PERMISSION};

static const struct rule statuses[] = {
    {401, CREDENTIALS},
    {403, PERMISSION},
    {404, NOT_FOUND},
    {405, NOT_FOUND},
    {425, RETRY_MESSAGE, "too_early", "the provider asks to try again", NULL},
    {429, THROTTLED},
};

static const struct rule redirect = {0, REDIRECTED};
static const struct rule refused = {0, REFUSED, "refused", "WhatsApp refuses the message", NULL};
static const struct rule passing = {0, UNAVAILABLE};
static const struct rule unclear = {
    0, VERDICT_UNCERTAIN, SCOPE_PROVIDER, "unclear_answer", "the provider's answer does not say what became of it", NULL};

static const struct rule *find (const struct rule *rules, size_t n, json_int_t number)
{
    for (size_t i = 0; i < n; i++)
        if (rules[i].number == number) return &rules[i];
    return NULL;
}

static const struct rule *rule_of_code (json_int_t code)
{
    if (code >= 200 && code <= 299) return &permission;
    return find (codes, G_N_ELEMENTS (codes), code);
}

void whatsapp_explain (int64_t code, const char **reason, const char **title)
{
    const struct rule *rule = rule_of_code (code);
    *reason = rule == NULL ? NULL : rule->code;
    *title = rule == NULL ? NULL : rule->title;
}

const char *whatsapp_remedy (int64_t code)
{
    const struct rule *rule = rule_of_code (code);
    return rule == NULL ? NULL : rule->remedy;
}

/* ---- reading ---- */

json_t *whatsapp_object (const struct call_answer *answer)
{
    gsize length;
    const char *bytes = g_bytes_get_data (answer->body, &length);
    json_t *said = answer->cut ? NULL : json_parse_text (bytes, length, NULL);
    if (json_is_object (said)) return said;
    json_decref (said);
    return NULL;
}

const char *whatsapp_member (const json_t *object, const char *name)
{
    return json_string_value (json_object_get (object, name));
}

bool whatsapp_is_id (const char *text)
{
    static const char others[] = "._:=+/-";
    size_t n = 0;
    for (; text != NULL && (g_ascii_isalnum (text[n]) || (text[n] != '\0' && strchr (others, text[n]) != NULL)); n++)
        if (n == ID_MOST) return false;
    return n > 0 && text[n] == '\0';
}

int64_t whatsapp_error_code (const json_t *said)
{
    const json_t *code = json_object_get (json_object_get (said, "error"), "code");
    return json_is_integer (code) ? json_integer_value (code) : -1;
}

const char *whatsapp_error_words (const json_t *said)
{
    const json_t *error = json_object_get (said, "error");
    const char *details = whatsapp_member (json_object_get (error, "error_data"), "details"), *message = whatsapp_member (error, "message");
    return details != NULL && details[0] != '\0' ? details : message != NULL ? message : "";
}

/* ---- words ---- */

static void redact (GString *words, const char *secret)
{
    if (secret != NULL && secret[0] != '\0') g_string_replace (words, secret, "***", 0);
}

/* Whole, and what signs it: an escaped URL holds that as it is. */
static void redact_url (GString *words, const char *url)
{
    const char *name = url == NULL ? NULL : strrchr (url, '/');
    redact (words, url);
    if (name != NULL && strlen (name + 1) >= SIGNED_NAME_LEAST) redact (words, name + 1);
}

/* What Meta says may repeat what we said: the token, a file's signed URL. The rest is cut at a character's end. */
static void keep_detail (const struct channel *channel, const struct task *task, const char *said, struct verdict *verdict)
{
    if (said[0] == '\0') return;
    GString *words = g_string_new (said);
    redact (words, values_text (channel->values, ACCESS_TOKEN));
    for (guint i = 0; task->files != NULL && i < task->files->len; i++)
        redact_url (words, ((const struct outgoing_file *) g_ptr_array_index (task->files, i))->url);
    g_free (verdict->detail);
    verdict->detail = whatsapp_cut (words->str, DETAIL_MOST);
    g_string_free (words, TRUE);
}

/* ---- verdicts ---- */

static void apply (const struct rule *rule, const struct call_answer *answer, struct verdict *verdict)
{
    verdict->kind = rule->kind;
    verdict->scope = rule->scope;
    verdict->code = rule->code;
    verdict->title = rule->title;
    verdict->remedy = rule->remedy;
    if (rule->kind == VERDICT_RETRY) verdict->after = MAX (answer->retry_after, rule->after == 0 ? -1 : rule->after * G_USEC_PER_SEC);
}

/* An error of Meta's whose code says nothing to us. */
static const struct rule *rule_of_stranger (unsigned status, const json_t *error)
{
    if (json_is_true (json_object_get (error, "is_transient"))) return &passing;
    return status / 100 == 4 ? &refused : &unclear;
}

static const struct rule *rule_of_status (unsigned status)
{
    const struct rule *rule = find (statuses, G_N_ELEMENTS (statuses), status);
    if (rule != NULL) return rule;
    if (status / 100 == 3) return &redirect;
    return status / 100 == 4 && status != 408 ? &refused : &unclear;
}

static const struct rule *choose (const struct call_answer *answer, const json_t *said)
{
    int64_t code = whatsapp_error_code (said);
    if (code < 0) return rule_of_status (answer->status);
    const struct rule *rule = rule_of_code (code);
    return rule != NULL ? rule : rule_of_stranger (answer->status, json_object_get (said, "error"));
}

void whatsapp_judge_fault (const struct channel *channel, const struct task *task, bool visible, const struct call_answer *answer,
                           const json_t *said, struct verdict *verdict)
{
    int64_t code = whatsapp_error_code (said);
    if (code >= 0) verdict->provider_code = g_strdup_printf ("%" G_GINT64_FORMAT, code);
    keep_detail (channel, task, whatsapp_error_words (said), verdict);
    apply (choose (answer, said), answer, verdict);
    if (verdict->kind != VERDICT_UNCERTAIN || visible) return;
    /* nobody noticed anything, so it can be done again */
    verdict->kind = VERDICT_RETRY;
    verdict->after = answer->retry_after;
}
