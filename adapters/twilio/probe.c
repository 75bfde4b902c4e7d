/* SPDX-License-Identifier: Apache-2.0
 *
 * Is the channel set up well? Round one asks for the account: are the credentials good, is it active? Round two for the number, the short
 * code or the messaging service: is Twilio told to call us? Notes name the second round: "number", "code" or "service"; where a service
 * leaves that to its numbers, "number" or "code" follows. What Twilio keeps elsewhere (WhatsApp senders, letters as senders) has no second
 * round.
 */
#include "twilio.h"

#include <string.h>

enum { LIST_MOST = 256 * 1024 };

static bool has_service (const struct channel *channel)
{
    return values_text (channel->values, MESSAGING_SERVICE_SID) != NULL;
}

/* Which list of Twilio's has the channel's own number; NULL: none. */
static const char *own_list (const struct channel *channel)
{
    g_autofree char *phone = twilio_own_phone (channel);
    if (phone == NULL) return NULL;
    if (phone[0] == '+') return "number";
    return strspn (phone, "0123456789") == strlen (phone) ? "code" : NULL;
}

static char *url_of_number (const struct channel *channel, const char *path)
{
    g_autofree char *phone = twilio_own_phone (channel), *escaped = g_uri_escape_string (phone, NULL, FALSE);
    g_autofree char *whole = g_strconcat (path, escaped, NULL);
    return twilio_account_url (channel, whole);
}

static char *url_of_service (const struct channel *channel)
{
    g_autofree char *sid = g_uri_escape_string (values_text (channel->values, MESSAGING_SERVICE_SID), NULL, FALSE);
    g_autofree char *path = g_strconcat ("/v1/Services/", sid, NULL);
    return twilio_url (channel, "https://messaging.twilio.com", path);
}

bool twilio_probe_compose (const struct channel *channel, const char *notes, struct call_request *call)
{
    char *url = NULL;
    if (notes == NULL)
        url = twilio_account_url (channel, ".json");
    else if (g_str_equal (notes, "service") && has_service (channel))
        url = url_of_service (channel);
    else if (g_strcmp0 (own_list (channel), notes) == 0)
        url = url_of_number (channel,
                             g_str_equal (notes, "number") ? "/IncomingPhoneNumbers.json?PhoneNumber=" : "/SMS/ShortCodes.json?ShortCode=");
    if (url == NULL) return false;
    twilio_get (call, url, LIST_MOST);
    twilio_sign_in (channel, call);
    return true;
}

/* ---- judge ---- */

static void next_or_done (const char *round, struct verdict *verdict)
{
    verdict->kind = round == NULL ? VERDICT_SENT : VERDICT_NEXT;
    verdict->notes = g_strdup (round);
}

static void find_fault (struct verdict *verdict, enum verdict_kind kind, const char *code, const char *title, const char *remedy)
{
    verdict->kind = kind;
    verdict->code = code;
    verdict->title = title;
    verdict->remedy = remedy;
}

static void judge_account (const struct channel *channel, const json_t *said, struct verdict *verdict)
{
    const char *status = json_text (said, "status");
    if (status == NULL)
        find_fault (verdict, VERDICT_RETRY, "unclear_answer", "the provider's answer does not say how the account is", NULL);
    else if (!g_str_equal (status, "active"))
        find_fault (verdict, VERDICT_CHANNEL_DOWN, "account_inactive", "the Twilio account is not active",
                    "see the Twilio console why, and have the account reactivated");
    else
        next_or_done (has_service (channel) ? "service" : own_list (channel), verdict);
}

/* What Twilio calls may end in a query of the operator's, and in connection settings after '#'. */
static bool is_our_url (const struct channel *channel, const char *registered)
{
    size_t length = strlen (channel->callback_url);
    return registered != NULL && strcspn (registered, "?#") == length && strncmp (registered, channel->callback_url, length) == 0;
}

static void judge_registered (const struct channel *channel, const char *registered, struct verdict *verdict)
{
    verdict->kind = VERDICT_SENT;
    if (is_our_url (channel, registered)) return;
    find_fault (verdict, VERDICT_DEGRADED, "webhook_elsewhere", "Twilio is told to call another URL for what comes in",
                "in the Twilio console, set the webhook for incoming messages to this channel's URL");
    verdict->detail = g_strndup (channel->callback_url, 500);
}

static void judge_number (const struct channel *channel, json_t *list, struct verdict *verdict)
{
    json_t *number = json_array_get (list, 0);
    if (!json_is_array (list))
        find_fault (verdict, VERDICT_RETRY, "unclear_answer", "the provider's answer does not say how the number is", NULL);
    else if (number == NULL)
        find_fault (verdict, VERDICT_DEGRADED, "number_unknown", "the Twilio account has no such number",
                    "check from against the numbers of the account in the Twilio console");
    else
        judge_registered (channel, json_text (number, "sms_url"), verdict);
}

static void judge_service (const struct channel *channel, const json_t *said, struct verdict *verdict)
{
    if (json_text (said, "sid") == NULL)
        find_fault (verdict, VERDICT_RETRY, "unclear_answer", "the provider's answer does not say how the messaging service is", NULL);
    else if (json_is_true (json_object_get (said, "use_inbound_webhook_on_number")))
        next_or_done (own_list (channel), verdict);
    else
        judge_registered (channel, json_text (said, "inbound_request_url"), verdict);
}

/* A refusal of the account stops the channel; one of the second round only leaves it unknown what is registered. */
static void judge_refusal (const char *notes, struct verdict *verdict)
{
    bool is_service = g_strcmp0 (notes, "service") == 0;
    if (notes == NULL && verdict->kind == VERDICT_REFUSED)
        find_fault (verdict, VERDICT_CHANNEL_DOWN, "refused", "the provider refuses to say how the account is",
                    "check account_sid and api_url, and what stands between the gateway and the provider");
    else if (is_service && g_strcmp0 (verdict->code, "unknown_account") == 0)
        find_fault (verdict, VERDICT_CHANNEL_DOWN, "bad_sender", "the Twilio account has no such messaging service",
                    "check messaging_service_sid against the Twilio console");
    else if (notes != NULL && (verdict->kind == VERDICT_REFUSED || verdict->kind == VERDICT_CHANNEL_DOWN))
        find_fault (verdict, VERDICT_DEGRADED, "webhook_unknown", "the provider does not say which URL it calls for what comes in",
                    "check in the Twilio console that incoming messages go to this channel's URL");
}

void twilio_probe_judge (const struct channel *channel, const struct task *task, const char *notes, const struct call_answer *answer,
                         int64_t now, struct verdict *verdict)
{
    json_auto_t *said = judge_object (answer);
    if (answer->status / 100 != 2) {
        twilio_judge_fault (channel, task, answer, said, now, verdict);
        judge_refusal (notes, verdict);
    } else if (notes == NULL) {
        judge_account (channel, said, verdict);
    } else if (g_str_equal (notes, "service")) {
        judge_service (channel, said, verdict);
    } else {
        judge_number (channel, json_object_get (said, g_str_equal (notes, "code") ? "short_codes" : "incoming_phone_numbers"), verdict);
    }
}
