/* SPDX-License-Identifier: Apache-2.0
 *
 * WhatsApp, sending (developers.facebook.com/docs/whatsapp/cloud-api/guides/send-messages). A part of a message takes a round for each file
 * that Meta does not have yet, then one for the message itself, which alone the customer can notice. Meta has no key against sending twice,
 * so a lost answer to that is uncertain; biz_opaque_callback_data carries our message's id, so that its status tells.
 *
 * Notes: the ids of files (media.c). They stay for the next attempt, so that nothing is uploaded twice.
 */
#include "whatsapp.h"

#include <string.h>

/* What a round is about. */
struct round {
    json_t *ids, *message;
    GPtrArray *files;                    /* of the message, borrowed */
    const struct outgoing_file *waiting; /* that is uploaded in this round; NULL: none, the message goes */
};

static json_t *read_notes (const char *notes)
{
    json_t *ids = notes == NULL ? NULL : json_parse_text (notes, strlen (notes), NULL);
    if (json_is_object (ids)) return ids;
    json_decref (ids);
    return json_object ();
}

static void round_open (const struct channel *channel, const struct task *task, const char *notes, struct round *round)
{
    *round = (struct round){.ids = read_notes (notes), .files = g_ptr_array_new ()};
    round->message = whatsapp_outbound (channel, task, round->ids, round->files);
    for (guint i = 0; i < round->files->len && round->waiting == NULL; i++)
        if (whatsapp_media_waits (round->files->pdata[i], round->ids)) round->waiting = round->files->pdata[i];
}

static void round_close (struct round *round)
{
    json_decref (round->ids);
    json_decref (round->message);
    g_ptr_array_unref (round->files);
}

/* Whether every file of the message can be had by those who are told of it. */
static bool is_whole (const struct round *round)
{
    for (guint i = 0; i < round->files->len; i++) {
        const struct outgoing_file *file = round->files->pdata[i];
        if (file->url == NULL && whatsapp_media_id (file, round->ids) == NULL) return false;
    }
    return round->message != NULL;
}

int whatsapp_send_count_parts (const struct channel *channel, const struct task *task)
{
    return whatsapp_outbound_count (channel, task);
}

bool whatsapp_send_compose (const struct channel *channel, const struct task *task, const char *notes, struct call_request *call)
{
    struct round round;
    round_open (channel, task, notes, &round);
    bool is_call = round.message != NULL && (round.waiting != NULL || is_whole (&round));
    if (is_call && round.waiting != NULL) {
        whatsapp_upload_compose (channel, round.waiting, call);
    } else if (is_call) {
        whatsapp_post (channel, round.message, call);
        call->visible = true;
    }
    round_close (&round);
    return is_call;
}

/* ---- judge ---- */

/* {"messages": [{"id": "wamid.…"}]}; NULL: there is none. */
static const char *id_of_sent (const json_t *said)
{
    const char *id = json_text (json_array_get (json_object_get (said, "messages"), 0), "id");
    return json_object_get (said, "error") == NULL && whatsapp_is_id (id) ? id : NULL;
}

/* Whether the refusal may be about an id of a file: 131053 is about nothing else; 100 is about all sorts of things. */
static bool may_mean_file (const json_t *said)
{
    int64_t code = whatsapp_error_code (said);
    g_autofree char *words = g_ascii_strdown (whatsapp_error_words (said), -1);
    return code == 131053 || (code == 100 && strstr (words, "media") != NULL);
}

/* What the channel knew of the message's files is not to be trusted any more. False: it knew nothing, or that has been tried. */
static bool forget_known (struct round *round)
{
    bool forgot = false;
    for (guint i = 0; i < round->files->len; i++) {
        const struct outgoing_file *file = round->files->pdata[i];
        bool is_known = file->known != NULL && file->sha256 != NULL && json_object_get (round->ids, file->sha256) == NULL;
        if (is_known) json_object_set_new (round->ids, file->sha256, json_null ());
        forgot |= is_known;
    }
    return forgot && is_whole (round);
}

static void judge_message (const struct channel *channel, const struct task *task, struct round *round, const struct call_answer *answer,
                           struct verdict *verdict)
{
    json_auto_t *said = judge_object (answer);
    const char *id = answer->status / 100 == 2 ? id_of_sent (said) : NULL;
    if (id != NULL) {
        verdict->kind = VERDICT_SENT;
        verdict->external_id = g_strdup (id);
    } else if (may_mean_file (said) && forget_known (round)) {
        verdict->kind = VERDICT_NEXT;
        verdict->notes = json_write (round->ids);
    } else {
        whatsapp_judge_fault (channel, task, true, answer, said, verdict);
    }
}

void whatsapp_send_judge (const struct channel *channel, const struct task *task, const char *notes, const struct call_answer *answer,
                          int64_t now, struct verdict *verdict)
{
    struct round round;
    round_open (channel, task, notes, &round);
    if (round.waiting == NULL) {
        judge_message (channel, task, &round, answer, verdict);
    } else {
        whatsapp_upload_judge (channel, task, round.waiting, answer, now, round.ids, verdict);
        if (verdict->kind == VERDICT_NEXT) verdict->notes = json_write (round.ids);
    }
    round_close (&round);
}
