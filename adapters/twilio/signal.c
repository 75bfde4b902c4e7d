/* SPDX-License-Identifier: Apache-2.0
 *
 * On WhatsApp the customer can see that somebody types, and thereby that what they wrote was read (twilio.com/docs/whatsapp/api/
 * typing-indicators-resource). Reading alone Twilio does not tell.
 */
#include "twilio.h"

#include <string.h>

#define MESSAGING_API "https://messaging.twilio.com"

bool twilio_signal_compose (const struct channel *channel, const struct task *task, struct call_request *call)
{
    if (!twilio_is_whatsapp (channel) || task->signal != SIGNAL_TYPING || task->reply_to == NULL) return false;
    json_auto_t *said = json_pack ("{s:s, s:s}", "channel", "WHATSAPP", "messageId", task->reply_to);
    char *body = json_write (said);
    call->method = "POST";
    call->url = twilio_url (channel, MESSAGING_API, "/v3/Indicators/Typing.json");
    twilio_sign_in (channel, call);
    call->content_type = "application/json";
    call->body = g_bytes_new_take (body, strlen (body));
    call->answer_most = ANSWER_MOST;
    return true;
}

void twilio_signal_judge (const struct channel *channel, const struct task *task, const struct call_answer *answer, int64_t now,
                          struct verdict *verdict)
{
    json_auto_t *said = judge_object (answer);
    if (answer->status / 100 == 2)
        verdict->kind = VERDICT_SENT;
    else
        twilio_judge_fault (channel, task, answer, said, now, verdict);
}
