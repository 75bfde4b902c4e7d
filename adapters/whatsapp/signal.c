/* SPDX-License-Identifier: Apache-2.0
 *
 * What the customer sees of us without a message: that theirs was read, and that somebody types
 * (developers.facebook.com/docs/whatsapp/cloud-api/typing-indicators). Both name the message that they follow; typing says read, too.
 */
#include "whatsapp.h"

bool whatsapp_signal_compose (const struct channel *channel, const struct task *task, struct call_request *call)
{
    if (!whatsapp_is_id (task->reply_to)) return false;
    json_t *typing = task->signal == SIGNAL_TYPING ? json_pack ("{s:s}", "type", "text") : NULL;
    json_auto_t *message = json_pack ("{s:s, s:s, s:s, s:o*}", "messaging_product", "whatsapp", "status", "read", "message_id",
                                      task->reply_to, "typing_indicator", typing);
    whatsapp_post (channel, message, call);
    return true;
}

void whatsapp_signal_judge (const struct channel *channel, const struct task *task, const struct call_answer *answer,
                            struct verdict *verdict)
{
    json_auto_t *said = judge_object (answer);
    if (answer->status / 100 == 2 && json_is_true (json_object_get (said, "success")))
        verdict->kind = VERDICT_SENT;
    else
        whatsapp_judge_fault (channel, task, false, answer, said, verdict);
}
