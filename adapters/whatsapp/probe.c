/* SPDX-License-Identifier: Apache-2.0
 *
 * Is the channel set up well? Meta is asked for the number: is the token good, is the number ours, and how do customers like what it sends?
 * Those who speak Meta's API for others have no such call.
 */
#include "whatsapp.h"

#include <string.h>

bool whatsapp_probe_compose (const struct channel *channel, const char *notes, struct call_request *call)
{
    if (notes != NULL || values_text (channel->values, KEY_HEADER) != NULL) return false;
    whatsapp_get (channel, whatsapp_number_url (channel, "?fields=id,display_phone_number,quality_rating"), ANSWER_MOST, call);
    return true;
}

static void find_fault (struct verdict *verdict, enum verdict_kind kind, const char *code, const char *title, const char *remedy)
{
    verdict->kind = kind;
    verdict->code = code;
    verdict->title = title;
    verdict->remedy = remedy;
}

/* A new string. */
static char *digits_of (const char *text)
{
    GString *digits = g_string_new (NULL);
    for (; *text != '\0'; text++)
        if (g_ascii_isdigit (*text)) g_string_append_c (digits, *text);
    return g_string_free (digits, FALSE);
}

/* Whether the number is the one that `from` says, however it is written; nothing is wrong where one of them is not told. */
static bool is_own (const struct channel *channel, const json_t *said)
{
    const char *from = values_text (channel->values, FROM), *shown = json_text (said, "display_phone_number");
    if (from == NULL || shown == NULL) return true;
    g_autofree char *ours = digits_of (from), *theirs = digits_of (shown);
    return g_str_equal (ours, theirs);
}

static void judge_number (const struct channel *channel, const json_t *said, struct verdict *verdict)
{
    if (json_text (said, "id") == NULL)
        find_fault (verdict, VERDICT_RETRY, "unclear_answer", "the provider's answer does not say how the number is", NULL);
    else if (!is_own (channel, said))
        find_fault (verdict, VERDICT_DEGRADED, "other_number", "phone_number_id is that of another number than from",
                    "check phone_number_id and from against Meta's WhatsApp manager");
    else if (g_strcmp0 (json_text (said, "quality_rating"), "RED") == 0)
        find_fault (verdict, VERDICT_DEGRADED, "low_quality", "customers block or report what the number sends",
                    "send to those only who want it; while the quality is low, WhatsApp may lower the number's limits");
    else
        verdict->kind = VERDICT_SENT;
}

/* What would be refused of one message only takes the channel down here: it is about the number itself. */
static void judge_refusal (struct verdict *verdict)
{
    if (verdict->kind == VERDICT_REFUSED)
        find_fault (verdict, VERDICT_CHANNEL_DOWN, "unknown_number", "the access token cannot see the number",
                    "check phone_number_id, and that the system user of access_token has the number");
}

void whatsapp_probe_judge (const struct channel *channel, const struct task *task, const struct call_answer *answer,
                           struct verdict *verdict)
{
    json_auto_t *said = judge_object (answer);
    if (answer->status / 100 == 2 && json_object_get (said, "error") == NULL) {
        judge_number (channel, said, verdict);
        return;
    }
    whatsapp_judge_fault (channel, task, false, answer, said, verdict);
    judge_refusal (verdict);
}
