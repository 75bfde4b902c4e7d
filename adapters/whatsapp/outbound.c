/* SPDX-License-Identifier: Apache-2.0
 *
 * What a message is in Meta's JSON (developers.facebook.com/docs/whatsapp/cloud-api/reference/messages). WhatsApp takes one file a message, so
 * a message may be several: files first, then long texts in pieces, or what the content says. A text goes with the first file if that
 * carries one; what carries buttons, cards or a template has its own files within.
 */
#include "whatsapp.h"

#include "model/content.h"
#include "model/text.h"

#include <string.h>

/* One of its parts. */
struct part {
    enum { PART_FILE, PART_TEXT, PART_WHOLE } kind;
    guint file;       /* PART_FILE */
    const char *text; /* of a file: its caption, NULL where it has none */
    size_t length;
};

const struct carries *whatsapp_outbound_limits (const struct outbound *o)
{
    return o->channel->adapter->carries (o->channel);
}

guint whatsapp_outbound_files (const struct outbound *o)
{
    return o->task->files == NULL ? 0 : o->task->files->len;
}

const char *whatsapp_outbound_text (const struct outbound *o)
{
    const char *text = json_text (o->content, "text");
    return text == NULL ? "" : text;
}

static bool is_kind (const struct outbound *o, const char *kind)
{
    return g_strcmp0 (json_text (o->content, "kind"), kind) == 0;
}

/* ---- files ---- */

/* WhatsApp's row for a kind of file; NULL: this file cannot be sent as that. */
static const struct carries_file *row_for (const struct outbound *o, const char *kind, const struct outgoing_file *file)
{
    const struct carries_file *row = adapter_file_kind (whatsapp_outbound_limits (o), kind);
    return row != NULL && adapter_takes_type (row->types, file->mime) && file->size <= (int64_t) row->most ? row : NULL;
}

/* What the content says that a file is; NULL: it does not say. */
static const char *asked_kind (const struct outbound *o, guint i)
{
    const char *asked = json_text (o->content, "media_kind");
    json_t *media = json_object_get (o->content, "media"), *one;
    size_t k;
    if (asked != NULL) return asked;
    json_array_foreach (media, k, one)
    {
        const json_t *index = json_object_get (one, "index");
        if (json_is_integer (index) && json_integer_value (index) == i) return json_text (one, "media_kind");
    }
    return NULL;
}

/* How a file goes: as it is asked for, as its type says, or as a document, which every file can be. */
static const struct carries_file *row_of (const struct outbound *o, guint i)
{
    const struct outgoing_file *file = g_ptr_array_index (o->task->files, i);
    const struct carries_file *row = row_for (o, asked_kind (o, i), file);
    if (row == NULL) row = row_for (o, content_media_kind (file->mime), file);
    return row != NULL ? row : adapter_file_kind (whatsapp_outbound_limits (o), "document");
}

/* {"type": "image", "image": {"id": "8801", "caption": "Look!"}} */
json_t *whatsapp_outbound_file (const struct outbound *o, guint i, json_t *caption)
{
    struct outgoing_file *file = g_ptr_array_index (o->task->files, i);
    const char *kind = row_of (o, i)->kind, *id = whatsapp_media_id (file, o->ids);
    bool is_voice = g_str_equal (kind, "voice");
    const char *type = is_voice ? "audio" : kind, *name = g_str_equal (kind, "document") ? file->name : NULL;
    if (o->used != NULL) g_ptr_array_add (o->used, file);
    return json_pack ("{s:s, s:{s:s*, s:s*, s:o*, s:s*, s:o*}}", "type", type, type, "id", id, "link", id == NULL ? file->url : NULL,
                      "caption", caption, "filename", name, "voice", is_voice ? json_true () : NULL);
}

bool whatsapp_outbound_can_be_header (const struct outbound *o, guint i)
{
    const char *kind = row_of (o, i)->kind;
    return g_str_equal (kind, "image") || g_str_equal (kind, "video") || g_str_equal (kind, "document");
}

/* ---- what else a message may be ---- */

static json_t *degrees (const struct outbound *o, const char *name)
{
    char digits[G_ASCII_DTOSTR_BUF_SIZE];
    return json_string (g_ascii_formatd (digits, sizeof digits, "%.9g", json_number_value (json_object_get (o->content, name))));
}

static json_t *write_location (const struct outbound *o)
{
    return json_pack ("{s:s, s:{s:o, s:o, s:s*, s:s*}}", "type", "location", "location", "latitude", degrees (o, "lat"), "longitude",
                      degrees (o, "lon"), "name", json_text (o->content, "name"), "address", json_text (o->content, "address"));
}

/* [{"phone": "+1…"}] of ["+1…"]; NULL: there are none. */
static json_t *each_as (json_t *texts, const char *name)
{
    json_t *made = json_array_size (texts) == 0 ? NULL : json_array (), *text;
    size_t i;
    json_array_foreach (texts, i, text)
    {
        json_array_append_new (made, json_pack ("{s:O}", name, text));
    }
    return made;
}

/* A name needs one of its parts beside the whole: the first word. */
static json_t *write_contact (const json_t *card)
{
    const char *name = json_text (card, "name") == NULL ? "" : json_text (card, "name"), *org = json_text (card, "org");
    return json_pack ("{s:{s:s, s:s%}, s:o*, s:o*, s:o*}", "name", "formatted_name", name, "first_name", name, strcspn (name, " "), "org",
                      org == NULL ? NULL : json_pack ("{s:s}", "company", org), "phones",
                      each_as (json_object_get (card, "phones"), "phone"), "emails", each_as (json_object_get (card, "emails"), "email"));
}

static json_t *write_contacts (const struct outbound *o)
{
    json_t *cards = json_object_get (o->content, "cards"), *contacts = json_array (), *card;
    size_t i;
    json_array_foreach (cards, i, card)
    {
        json_array_append_new (contacts, write_contact (card));
    }
    return json_pack ("{s:s, s:o}", "type", "contacts", "contacts", contacts);
}

static json_t *write_reaction (const struct outbound *o)
{
    const char *target = o->task->reply_to == NULL ? json_text (o->content, "target") : o->task->reply_to;
    const char *emoji = json_text (o->content, "emoji");
    return json_pack ("{s:s, s:{s:s*, s:s}}", "type", "reaction", "reaction", "message_id", target, "emoji", emoji == NULL ? "" : emoji);
}

/* Without a link nothing is looked up; with one, it is shown unless that is not wanted. */
static json_t *write_text (const struct outbound *o, const struct part *part)
{
    const json_t *wanted = json_object_get (o->content, "preview");
    g_autofree char *text = g_strndup (part->text, part->length);
    bool has_link = strstr (text, "https://") != NULL || strstr (text, "http://") != NULL;
    bool preview = json_is_boolean (wanted) ? json_is_true (wanted) : has_link;
    return text[0] == '\0' ? NULL : json_pack ("{s:s, s:{s:b, s:s}}", "type", "text", "text", "preview_url", (int) preview, "body", text);
}

static const struct {
    const char *kind;
    json_t *(*write) (const struct outbound *o);
} writers[] = {
    {"location", write_location},    {"contacts", write_contacts},          {"choice", whatsapp_write_choice},
    {"cards", whatsapp_write_cards}, {"template", whatsapp_write_template}, {"reaction", write_reaction},
};

/* NULL: what is sent are words and files. */
static json_t *(*writer_of (const struct outbound *o)) (const struct outbound *)
{
    for (size_t i = 0; i < G_N_ELEMENTS (writers); i++)
        if (is_kind (o, writers[i].kind)) return writers[i].write;
    return NULL;
}

/* ---- parts ---- */

/* Whether a file stands within what the content says, and so is no part of its own. */
static bool is_within (const struct outbound *o, guint i)
{
    json_t *items = json_object_get (o->content, "items"), *card;
    size_t k;
    guint file;
    if (is_kind (o, "template")) return i == 0 && whatsapp_outbound_can_be_header (o, 0);
    if (is_kind (o, "choice")) return whatsapp_choice_has_header (o);
    if (!is_kind (o, "cards")) return false;
    json_array_foreach (items, k, card)
    {
        if (whatsapp_file_of_card (o, card, &file) && file == i) return true;
    }
    return false;
}

/* Where a piece of text ends that is no longer than WhatsApp takes: between words, if they are not too long. */
static const char *end_of_piece (const struct outbound *o, const char *text)
{
    size_t most = whatsapp_outbound_limits (o)->text_most;
    if (text_length (text) <= most) return text + strlen (text);
    const char *end = g_utf8_offset_to_pointer (text, (glong) most), *space = end;
    while (space > text && !g_ascii_isspace (*space)) space--;
    return space - text > (end - text) / 2 ? space : end;
}

static void add_text (const struct outbound *o, const char *text, GArray *parts)
{
    do {
        const char *end = end_of_piece (o, text);
        struct part part = {PART_TEXT, 0, text, (size_t) (end - text)};
        g_array_append_val (parts, part);
        text = g_ascii_isspace (*end) ? end + 1 : end;
    } while (*text != '\0');
}

/* Meta's own JSON that says what it is, and so needs nothing of the content. */
static bool has_native (const struct outbound *o)
{
    return json_is_string (json_object_get (json_object_get (json_object_get (o->content, "native"), "whatsapp"), "type"));
}

/* What the words are where the content is nothing but words and files. */
static const char *words_of (const struct outbound *o)
{
    bool has_own = is_kind (o, "media") || json_text (o->content, "text") != NULL;
    const char *text = has_own ? whatsapp_outbound_text (o) : o->task->text;
    return text == NULL ? "" : text;
}

/* Every file that stands in no other part; the first with a caption, which may be NULL. */
static void add_files (const struct outbound *o, const char *caption, GArray *parts)
{
    for (guint i = 0; i < whatsapp_outbound_files (o); i++) {
        const char *text = i == 0 ? caption : NULL;
        struct part part = {PART_FILE, i, text, text == NULL ? 0 : strlen (text)};
        if (!is_within (o, i)) g_array_append_val (parts, part);
    }
}

static void add_whole (GArray *parts)
{
    struct part part = {.kind = PART_WHOLE};
    g_array_append_val (parts, part);
}

/* Words and files: the words go with the first of them, if they may, else after them. */
static void add_plain (const struct outbound *o, GArray *parts)
{
    const char *text = words_of (o);
    bool captioned = text[0] != '\0' && whatsapp_outbound_files (o) > 0 && row_of (o, 0)->caption &&
                     text_length (text) <= whatsapp_outbound_limits (o)->caption_most;
    add_files (o, captioned ? text : NULL, parts);
    if (parts->len == 0 || (text[0] != '\0' && !captioned)) add_text (o, text, parts);
}

static GArray *parts_of (const struct outbound *o)
{
    GArray *parts = g_array_new (FALSE, FALSE, sizeof (struct part));
    bool is_plain = writer_of (o) == NULL;
    if (is_plain && !has_native (o)) {
        add_plain (o, parts);
        return parts;
    }
    if (!is_plain) add_files (o, NULL, parts);
    add_whole (parts);
    return parts;
}

/* ---- one message of Meta's ---- */

static json_t *write_part (const struct outbound *o, const struct part *part)
{
    json_t *(*write) (const struct outbound *) = writer_of (o);
    switch (part->kind) {
    case PART_FILE: return whatsapp_outbound_file (o, part->file, part->text == NULL ? NULL : json_stringn (part->text, part->length));
    case PART_TEXT: return write_text (o, part);
    case PART_WHOLE: return write == NULL ? json_object () : write (o);
    }
    g_assert_not_reached ();
}

/* The channel's own JSON goes over ours, member by member; a message of another type in place of it. */
static json_t *add_native (const struct outbound *o, json_t *message)
{
    json_t *native = json_object_get (json_object_get (o->content, "native"), "whatsapp");
    if (!json_is_object (native)) return message;
    if (message == NULL || (has_native (o) && g_strcmp0 (json_text (native, "type"), json_text (message, "type")) != 0)) {
        json_decref (message);
        return json_deep_copy (native);
    }
    json_object_update_recursive (message, native);
    return message;
}

/* Who it goes to is ours to say, whatever else was given, and that it is a message: with a status it would mark another as read. False: nobody on
 * WhatsApp. */
static bool address (json_t *message, const char *to)
{
    static const char person[] = "whatsapp:", group[] = "group:";
    if (!g_str_has_prefix (to, person)) return false;
    const char *id = to + strlen (person);
    bool is_group = g_str_has_prefix (id, group), is_number = g_ascii_isdigit (id[0]);
    if (is_group) id += strlen (group);
    if (id[0] == '\0') return false;
    json_object_del (message, "to");
    json_object_del (message, "recipient");
    json_object_del (message, "status");
    json_object_set_new (message, "messaging_product", json_string ("whatsapp"));
    json_object_set_new (message, "recipient_type", json_string (is_group ? "group" : "individual"));
    json_object_set_new (message, is_group || is_number ? "to" : "recipient", json_sprintf ("%s%s", is_number ? "+" : "", id));
    return true;
}

static void add_envelope (const struct outbound *o, json_t *message)
{
    const char *reply_to = o->task->reply_to;
    if (o->task->part == 0 && reply_to != NULL && !is_kind (o, "reaction") && json_object_get (message, "context") == NULL)
        json_object_set_new (message, "context", json_pack ("{s:s}", "message_id", reply_to));
    json_object_set_new (message, "biz_opaque_callback_data", json_sprintf ("%s/%d", o->task->reference, o->task->part));
}

static json_t *content_of (const struct task *task)
{
    json_t *content = task->content == NULL ? NULL : json_parse_text (task->content, strlen (task->content), NULL);
    return content == NULL ? json_object () : content;
}

int whatsapp_outbound_count (const struct channel *channel, const struct task *task)
{
    json_auto_t *content = content_of (task);
    const struct outbound o = {.channel = channel, .task = task, .content = content};
    g_autoptr (GArray) parts = parts_of (&o);
    return (int) parts->len;
}

json_t *whatsapp_outbound (const struct channel *channel, const struct task *task, const json_t *ids, GPtrArray *files)
{
    json_auto_t *content = content_of (task);
    const struct outbound o = {channel, task, content, ids, files};
    g_autoptr (GArray) parts = parts_of (&o);
    if (task->part < 0 || (guint) task->part >= parts->len) return NULL;
    json_t *message = write_part (&o, &g_array_index (parts, struct part, task->part));
    if ((guint) task->part + 1 == parts->len) message = add_native (&o, message);
    if (message != NULL && address (message, task->to)) {
        add_envelope (&o, message);
        return message;
    }
    json_decref (message);
    return NULL;
}
