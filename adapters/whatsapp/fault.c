/* SPDX-License-Identifier: Apache-2.0
 *
 * What it means that Meta refuses something: by its error code (developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes), for
 * which Meta promises more than for the HTTP status; the status counts only where no code is known, as with what others between us say.
 *
 * A code takes the whole channel down only where no message of that channel can fare better.
 */
#include "whatsapp.h"

#include <string.h>

#define CREDENTIALS \
    JUDGE_DOWN, "credentials", "WhatsApp does not accept the access token", \
        "make a new token for the system user in Meta's business settings, and give it as access_token"
#define PERMISSION \
    JUDGE_DOWN, "permission", "the access token may not do this", \
        "give the system user the number, and its token whatsapp_business_messaging and whatsapp_business_management"
#define REGISTER \
    JUDGE_DOWN, "not_registered", "the number is not registered at WhatsApp", "register the number in Meta's WhatsApp manager, with its PIN"
#define NOT_FOUND JUDGE_DOWN, "unknown_api", "there is no such API at the provider", "check api_url, version and phone_number_id"
#define TERMS JUDGE_DOWN, "terms", "terms of WhatsApp wait to be accepted", "accept them in Meta's WhatsApp manager"
#define THROTTLED JUDGE_RETRY_CHANNEL, "throttled", "WhatsApp asks to send more slowly", NULL
#define UNAVAILABLE JUDGE_RETRY_MESSAGE, "unavailable", "WhatsApp has a fault of its own", NULL
#define UNREACHABLE JUDGE_REFUSED, "unreachable", "the receiver cannot be reached on WhatsApp", NULL
#define PARAMETER JUDGE_REFUSED, "bad_parameter", "WhatsApp does not accept a part of the message", NULL
#define PARAMETERS JUDGE_REFUSED, "template_params", "the parameters are not those of the template", NULL
#define FORMAT JUDGE_REFUSED, "template_params", "a parameter of the template has the wrong format", NULL
#define FLOW JUDGE_REFUSED, "flow_blocked", "WhatsApp holds back the flow of the template", NULL
#define MARKETING JUDGE_REFUSED, "marketing_api", "the marketing API of WhatsApp does not take this template", NULL
#define GROUP JUDGE_REFUSED, "group", "WhatsApp does not take the message for this group", NULL

static const struct judge_rule codes[] = {
    {0, CREDENTIALS},
    {1, UNAVAILABLE},
    {2, UNAVAILABLE},
    {3, PERMISSION},
    {4, THROTTLED},
    {10, PERMISSION},
    {33, JUDGE_REFUSED, "unknown_object", "WhatsApp does not know what the message names", NULL},
    {100, PARAMETER},
    {190, CREDENTIALS},
    {368, JUDGE_DOWN, "account_blocked", "the account is blocked for a breach of policy",
     "see Meta's business support home why, and appeal there"},
    {613, THROTTLED},
    {80007, THROTTLED},
    {130403, JUDGE_REFUSED, "blocked", "the business has blocked the receiver", NULL},
    {130429, THROTTLED},
    {130472, JUDGE_REFUSED, "experiment", "the receiver is in an experiment of Meta's, without marketing messages", NULL},
    {130497, JUDGE_REFUSED, "country", "the account may not write to people in the receiver's country; see Meta's policy for it", NULL},
    {131000, UNAVAILABLE},
    {131005, PERMISSION},
    {131008, JUDGE_REFUSED, "bad_parameter", "a part of the message is missing", NULL},
    {131009, PARAMETER},
    {131016, UNAVAILABLE},
    {131020, GROUP},
    {131021, JUDGE_REFUSED, "to_self", "the receiver is the channel's own number", NULL},
    {131026, UNREACHABLE},
    {131030, JUDGE_REFUSED, "not_in_test_list", "a test number may write to those of its list only", NULL},
    {131031, JUDGE_DOWN, "account_locked", "the account is locked", "see Meta's business support home why, and have it unlocked"},
    {131037, JUDGE_DOWN, "name_not_approved", "the number's display name is not approved",
     "have a display name approved in Meta's WhatsApp manager"},
    {131041, GROUP},
    {131042, JUDGE_DOWN, "payment", "the account has no valid way to pay", "mend the payment method in Meta's billing settings"},
    {131045, REGISTER},
    {131047, JUDGE_REFUSED, "window_closed", "the customer's last message is more than 24 hours ago: only a template may be sent", NULL},
    {131048, JUDGE_RETRY_CHANNEL, "spam_limit", "too many messages of the number were taken for spam", NULL, 600},
    {131049, JUDGE_REFUSED, "marketing_cap", "the receiver has had as many marketing messages as WhatsApp allows; again after 24 hours",
     NULL},
    {131050, VERDICT_OPTED_OUT, SCOPE_PAIR, "opted_out", "the receiver wants no marketing messages", NULL},
    {131051, JUDGE_REFUSED, "unsupported", "WhatsApp does not take messages of this type", NULL},
    {131052, JUDGE_RETRY_MESSAGE, "media_unavailable", "WhatsApp could not hand the file out", NULL},
    {131053, JUDGE_RETRY_MESSAGE, "bad_media", "WhatsApp could not take a file of the message", NULL},
    {131056, VERDICT_RETRY, SCOPE_PAIR, "pair_throttled", "too many messages to this receiver in a short time", NULL, 4},
    {131057, JUDGE_RETRY_CHANNEL, "maintenance", "the account is in maintenance", NULL, 60},
    {131062, JUDGE_REFUSED, "number_needed", "this kind of template needs the receiver's telephone number", NULL},
    {131063, JUDGE_REFUSED, "marketing_off", "marketing templates are switched off for this API", NULL},
    {131064, JUDGE_DOWN, "restricted", "templates of this class are restricted for a while",
     "see the restriction in Meta's WhatsApp manager; it ends by itself"},
    {131201, GROUP},
    {131204, GROUP},
    {131207, GROUP},
    {131208, JUDGE_RETRY_MESSAGE, "group", "WhatsApp cannot take the message for this group just now", NULL},
    {131212, GROUP},
    {131215, GROUP},
    {132000, PARAMETERS},
    {132001, JUDGE_REFUSED, "template_unknown", "there is no such approved template in this language", NULL},
    {132005, JUDGE_REFUSED, "too_long", "the template is too long with these parameters", NULL},
    {132007, JUDGE_REFUSED, "template_policy", "the template breaks a policy of WhatsApp", NULL},
    {132008, FORMAT},
    {132012, FORMAT},
    {132015, JUDGE_REFUSED, "template_paused", "the template is paused for its quality", NULL},
    {132016, JUDGE_REFUSED, "template_disabled", "the template is disabled for its quality", NULL},
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
    {133015, JUDGE_DOWN, "not_registered", "the number was just deleted at WhatsApp",
     "wait five minutes, then register it in Meta's WhatsApp manager"},
    {133016, JUDGE_DOWN, "not_registered", "the number was registered too often",
     "wait three days, then register it in Meta's WhatsApp manager"},
    {134011, TERMS},
    {134100, MARKETING},
    {134101, MARKETING},
    {134102, MARKETING},
    {135000, PARAMETER},
    {137000, JUDGE_REFUSED, "identity_changed", "the receiver's identity is another than the one named", NULL},
};

static const struct judge_rule permission = {0, PERMISSION};

static const struct judge_rule statuses[] = {
    {401, CREDENTIALS},
    {403, PERMISSION},
    {404, NOT_FOUND},
    {405, NOT_FOUND},
    {425, JUDGE_RETRY_MESSAGE, "too_early", "the provider asks to try again", NULL},
    {429, THROTTLED},
};

static const struct judge_rule refused = {0, JUDGE_REFUSED, "refused", "WhatsApp refuses the message", NULL};
static const struct judge_rule passing = {0, UNAVAILABLE};

static const struct judge_rule *rule_of_code (json_int_t code)
{
    if (code >= 200 && code <= 299) return &permission;
    return judge_find (codes, G_N_ELEMENTS (codes), code);
}

void whatsapp_explain (int64_t code, const char **reason, const char **title)
{
    const struct judge_rule *rule = rule_of_code (code);
    *reason = rule == NULL ? NULL : rule->code;
    *title = rule == NULL ? NULL : rule->title;
}

const char *whatsapp_remedy (int64_t code)
{
    const struct judge_rule *rule = rule_of_code (code);
    return rule == NULL ? NULL : rule->remedy;
}

/* ---- reading ---- */

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
    const char *details = json_text (json_object_get (error, "error_data"), "details"), *message = json_text (error, "message");
    return details != NULL && details[0] != '\0' ? details : message != NULL ? message : "";
}

/* ---- verdicts ---- */

/* An error of Meta's whose code says nothing to us. */
static const struct judge_rule *rule_of_stranger (unsigned status, const json_t *error)
{
    if (json_is_true (json_object_get (error, "is_transient"))) return &passing;
    return status / 100 == 4 ? &refused : &judge_unclear;
}

static const struct judge_rule *rule_of_status (unsigned status)
{
    const struct judge_rule *rule = judge_find (statuses, G_N_ELEMENTS (statuses), status);
    if (rule != NULL) return rule;
    if (status / 100 == 3) return &judge_redirected;
    return status / 100 == 4 && status != 408 ? &refused : &judge_unclear;
}

static const struct judge_rule *choose (const struct call_answer *answer, const json_t *said)
{
    int64_t code = whatsapp_error_code (said);
    if (code < 0) return rule_of_status (answer->status);
    const struct judge_rule *rule = rule_of_code (code);
    return rule != NULL ? rule : rule_of_stranger (answer->status, json_object_get (said, "error"));
}

void whatsapp_judge_fault (const struct channel *channel, const struct task *task, bool visible, const struct call_answer *answer,
                           const json_t *said, struct verdict *verdict)
{
    int64_t code = whatsapp_error_code (said);
    if (code >= 0) verdict->provider_code = g_strdup_printf ("%" G_GINT64_FORMAT, code);
    judge_keep_words (task, whatsapp_error_words (said), (const char *const[]){values_text (channel->values, ACCESS_TOKEN), NULL}, verdict);
    judge_apply (choose (answer, said), answer, verdict);
    if (!visible) judge_unnoticed (answer, verdict);
}
