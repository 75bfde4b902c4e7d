/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/outgoing.h"

#include "base/clock.h"
#include "model/address.h"
#include "model/content.h"
#include "model/message.h"
#include "model/task.h"
#include "model/template.h"
#include "model/text.h"

#include <string.h>

static bool refuse (struct refusal *refusal, unsigned status, const char *place, const char *format, ...) G_GNUC_PRINTF (4, 5);

static bool refuse (struct refusal *refusal, unsigned status, const char *place, const char *format, ...)
{
    va_list arguments;
    va_start (arguments, format);
    *refusal = (struct refusal){status, g_strdup_vprintf (format, arguments), g_strdup (place)};
    va_end (arguments);
    return false;
}

/* A member of object, which stands at parent. False: refused. */
static bool member (json_t *object, const char *parent, const char *name, json_type type, const char *said, json_t **value,
                    struct refusal *refusal)
{
    g_autofree char *pointer = NULL;
    if (json_member (object, name, type, false, value, &pointer)) return true;
    g_autofree char *place = g_strconcat (parent, pointer, NULL);
    return refuse (refusal, 422, place, "%s is expected", said);
}

static bool only (json_t *object, const char *parent, const char *const *names, struct refusal *refusal)
{
    g_autofree char *pointer = NULL;
    if (json_only (object, names, &pointer)) return true;
    g_autofree char *place = g_strconcat (parent, pointer, NULL);
    return refuse (refusal, 422, place, *pointer ? "not a member that can be given" : "an object is expected");
}

static bool take_text (json_t *object, const char *parent, const char *name, const char *place, struct outgoing *o, struct refusal *refusal)
{
    json_t *text;
    if (!member (object, parent, name, JSON_STRING, "a string", &text, refusal)) return false;
    if (!text) return true;
    if (!json_string_length (text)) return refuse (refusal, 422, place, "a text has at least one character");
    o->text = g_strdup (json_string_value (text));
    o->text_place = place;
    return true;
}

static bool read_address (json_t *body, struct outgoing *o, struct refusal *refusal)
{
    json_t *channel, *to;
    if (!member (body, "", "channel", JSON_STRING, "a string", &channel, refusal) ||
        !member (body, "", "to", JSON_STRING, "a string", &to, refusal))
        return false;
    if (!channel) return refuse (refusal, 422, "/channel", "the name of a channel is expected");
    if (!to) return refuse (refusal, 422, "/to", "an address is expected");
    g_autoptr (GError) error = NULL;
    o->channel = g_strdup (json_string_value (channel));
    o->to = address_check (json_string_value (to), &error);
    return o->to || refuse (refusal, 422, "/to", "%s", error->message);
}

/* What becomes of content that the channel cannot carry. */
static bool read_fallback (json_t *body, struct outgoing *o, struct refusal *refusal)
{
    static const char *const modes[] = {"strict", "adapt", "text", NULL};
    json_t *fallback, *mode, *text;
    if (!member (body, "", "fallback", JSON_OBJECT, "an object", &fallback, refusal)) return false;
    if (!fallback) return true;
    if (!only (fallback, "/fallback", (const char *const[]){"mode", "text", NULL}, refusal) ||
        !member (fallback, "/fallback", "mode", JSON_STRING, "a string", &mode, refusal) ||
        !member (fallback, "/fallback", "text", JSON_STRING, "a string", &text, refusal))
        return false;
    if (!mode || !g_strv_contains (modes, json_string_value (mode)))
        return refuse (refusal, 422, "/fallback/mode", "mode is strict, adapt or text");
    if (g_str_equal (json_string_value (mode), "text") != (text != NULL))
        return refuse (refusal, 422, "/fallback/text", "a text belongs to the mode text, and to no other");
    if (text && !json_string_length (text)) return refuse (refusal, 422, "/fallback/text", "a text has at least one character");
    o->strict = g_str_equal (json_string_value (mode), "strict");
    o->instead = g_strdup (json_string_value (text));
    return true;
}

/* What is wrong with content, as a problem; fault is cleared. */
static bool refuse_content (struct refusal *refusal, const char *parent, struct content_fault *fault)
{
    g_autofree char *place = g_strconcat (parent, fault->place, NULL);
    refuse (refusal, 422, place, "%s", fault->wrong);
    content_fault_clear (fault);
    return false;
}

/* The message that is reacted to is what it refers to. */
static bool read_target (struct outgoing *o, struct refusal *refusal)
{
    const char *target = json_text (o->content, "target");
    if (strcmp (json_text (o->content, "kind"), "reaction") != 0) return true;
    o->is_reply = true;
    return id_parse (target, &o->in_reply_to) || refuse (refusal, 422, "/content/target", "the id of a message of the ticket is expected");
}

static bool read_content (json_t *body, struct outgoing *o, struct refusal *refusal)
{
    json_t *content;
    if (!member (body, "", "content", JSON_OBJECT, "an object", &content, refusal) || !read_fallback (body, o, refusal)) return false;
    if (!content) return true;
    if (json_dumpb (content, NULL, 0, JSON_COMPACT) > OUTGOING_CONTENT_MOST)
        return refuse (refusal, 422, "/content", "content has at most %d bytes as compact JSON", OUTGOING_CONTENT_MOST);
    struct content_fault fault;
    if (!content_check (content, o->files->len, &fault)) return refuse_content (refusal, "/content", &fault);
    o->content = json_incref (content);
    const char *kind = json_text (content, "kind"), *text = json_text (content, "text");
    bool media = g_str_equal (kind, "media"), plain = media || g_str_equal (kind, "text");
    o->text_place = plain ? "/content/text" : "/content";
    if (plain) o->text = g_strdup (text);
    if (media && !o->files->len)
        return refuse (refusal, 422, "/attachments", "a file is expected: attachments are the ids that POST /v1/attachments gave");
    return read_target (o, refusal);
}

/* Text and files alone are content, too. */
static void make_content (struct outgoing *o)
{
    if (o->content || o->note) return;
    o->content = json_pack ("{ss}", "kind", o->files->len ? "media" : "text");
    if (o->text) json_object_set_new (o->content, "text", json_string (o->text));
}

static bool read_files (json_t *body, struct outgoing *o, struct refusal *refusal)
{
    json_t *files;
    if (!member (body, "", "attachments", JSON_ARRAY, "an array", &files, refusal)) return false;
    if (json_array_size (files) > OUTGOING_FILES_MOST)
        return refuse (refusal, 422, "/attachments", "a message has at most %d files", OUTGOING_FILES_MOST);
    for (size_t i = 0; i < json_array_size (files); i++) {
        g_autofree char *place = g_strdup_printf ("/attachments/%zu", i);
        const char *text = json_string_value (json_array_get (files, i));
        struct id id;
        if (!text || !id_parse (text, &id)) return refuse (refusal, 422, place, "the id of an upload is expected");
        for (guint k = 0; k < o->files->len; k++)
            if (memcmp (&g_array_index (o->files, struct id, k), &id, sizeof id) == 0)
                return refuse (refusal, 422, place, "a file is in a message once");
        g_array_append_val (o->files, id);
    }
    return true;
}

/* One of text, content and note, or files alone. */
static bool read_said (json_t *body, enum outgoing_form form, struct outgoing *o, struct refusal *refusal)
{
    static const char *const names[] = {"text", "content", "note"};
    const char *first = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS (names); i++) {
        json_t *value = json_object_get (body, names[i]);
        if (!value || json_is_null (value)) continue;
        g_autofree char *place = g_strconcat ("/", names[i], NULL);
        if (first) return refuse (refusal, 422, place, "%s is given already: one of text, content and note is expected", first);
        first = names[i];
    }
    if (!read_files (body, o, refusal) || !read_content (body, o, refusal) || !take_text (body, "", "text", "/text", o, refusal) ||
        !take_text (body, "", "note", "/note", o, refusal))
        return false;
    o->note = first && g_str_equal (first, "note");
    make_content (o);
    return first || o->files->len ||
           refuse (refusal, 422, "/text",
                   form == OUTGOING_REPLY ? "one of text, content and note is expected" : "text or content is expected");
}

static bool read_labels (json_t *body, struct outgoing *o, struct refusal *refusal)
{
    json_t *reference, *metadata;
    if (!member (body, "", "reference", JSON_STRING, "a string", &reference, refusal) ||
        !member (body, "", "metadata", JSON_OBJECT, "an object", &metadata, refusal))
        return false;
    o->reference = g_strdup (json_string_value (reference));
    if (o->reference && (!*o->reference || g_utf8_strlen (o->reference, -1) > OUTGOING_REFERENCE_MOST))
        return refuse (refusal, 422, "/reference", "a reference has 1 to %d characters", OUTGOING_REFERENCE_MOST);
    o->metadata = metadata ? json_write (metadata) : NULL;
    if (o->metadata && strlen (o->metadata) > OUTGOING_METADATA_MOST)
        return refuse (refusal, 422, "/metadata", "metadata has at most %d bytes as compact JSON", OUTGOING_METADATA_MOST);
    return true;
}

static bool read_sending (json_t *body, int64_t now, struct outgoing *o, struct refusal *refusal)
{
    json_t *expires_at, *lane;
    if (!member (body, "", "expires_at", JSON_STRING, "a time", &expires_at, refusal) ||
        !member (body, "", "lane", JSON_STRING, "a string", &lane, refusal))
        return false;
    if (expires_at && !clock_parse (json_string_value (expires_at), &o->expires_at))
        return refuse (refusal, 422, "/expires_at", "a time as in RFC 3339 is expected: 2026-11-24T04:28:45Z");
    if (expires_at && (o->expires_at <= now || o->expires_at > now + OUTGOING_EXPIRY_MOST))
        return refuse (refusal, 422, "/expires_at", "a message expires in the future, and within 30 days");
    o->bulk = lane && g_str_equal (json_string_value (lane), "bulk");
    if (lane && !o->bulk && !g_str_equal (json_string_value (lane), "normal"))
        return refuse (refusal, 422, "/lane", "lane is normal or bulk");
    return true;
}

/* What only messages have that go somewhere. */
static bool check_note (json_t *body, const struct outgoing *o, struct refusal *refusal)
{
    static const char *const names[] = {"expires_at", "lane", "fallback"};
    for (size_t i = 0; o->note && i < G_N_ELEMENTS (names); i++) {
        json_t *value = json_object_get (body, names[i]);
        g_autofree char *place = g_strconcat ("/", names[i], NULL);
        if (value && !json_is_null (value)) return refuse (refusal, 422, place, "a note goes nowhere");
    }
    if (o->note && strlen (o->text) > OUTGOING_NOTE_MOST)
        return refuse (refusal, 422, "/note", "a note has at most %d bytes", OUTGOING_NOTE_MOST);
    return true;
}

static bool read_context (json_t *body, struct outgoing *o, struct refusal *refusal)
{
    json_t *seen, *in_reply_to;
    if (!member (body, "", "seen", JSON_INTEGER, "the number of a message", &seen, refusal) ||
        !member (body, "", "in_reply_to", JSON_STRING, "the id of a message", &in_reply_to, refusal))
        return false;
    if (seen) o->seen = json_integer_value (seen);
    if (seen && o->seen < 0) return refuse (refusal, 422, "/seen", "the number of a message is expected");
    struct id id;
    if (!in_reply_to) return true;
    if (!id_parse (json_string_value (in_reply_to), &id)) return refuse (refusal, 422, "/in_reply_to", "the id of a message is expected");
    if (o->is_reply && memcmp (&id, &o->in_reply_to, sizeof id) != 0)
        return refuse (refusal, 422, "/in_reply_to", "a reaction refers to its target");
    o->is_reply = true;
    o->in_reply_to = id;
    return true;
}

bool outgoing_read (json_t *body, enum outgoing_form form, int64_t now, struct outgoing *o, struct refusal *refusal)
{
    static const char *const reply[] = {"text",       "content", "note",     "attachments", "reference",   "metadata",
                                        "expires_at", "lane",    "fallback", "seen",        "in_reply_to", NULL};
    static const char *const first[] = {"channel",  "to",         "text", "content",  "attachments", "reference",
                                        "metadata", "expires_at", "lane", "fallback", "in_reply_to", NULL};
    *o = (struct outgoing){.seen = -1, .files = g_array_new (FALSE, FALSE, sizeof (struct id))};
    *refusal = (struct refusal){0};
    return only (body, "", form == OUTGOING_REPLY ? reply : first, refusal) &&
           (form == OUTGOING_REPLY || read_address (body, o, refusal)) && read_said (body, form, o, refusal) &&
           check_note (body, o, refusal) && read_labels (body, o, refusal) && read_sending (body, now, o, refusal) &&
           read_context (body, o, refusal);
}

const char *outgoing_closed (const struct channel *channel, bool disabled)
{
    if (disabled) return "the channel is disabled";
    if (!channel) return "the channel is not in this gateway's configuration";
    return channel->adapter->compose ? NULL : "nothing can be sent on this channel";
}

static char *list (const char *const *names)
{
    return g_strjoinv (", ", (char **) (uintptr_t) names);
}

bool outgoing_reaches (const struct outgoing *o, const struct carries *carries, const char *to, struct refusal *refusal)
{
    g_autofree char *scheme = g_strndup (to, strcspn (to, ":"));
    if (g_strv_contains (carries->schemes, scheme)) return true;
    g_autofree char *schemes = g_strjoinv (": or ", (char **) (uintptr_t) carries->schemes);
    return refuse (refusal, o->to ? 422 : 409, o->to ? "/to" : NULL, "the channel writes to addresses that begin with %s:", schemes);
}

/* Its text is given, for where it cannot go as it is. */
static json_t *instead_of (const struct outgoing *o)
{
    return json_pack ("{ss ss}", "kind", o->files->len ? "media" : "text", "text", o->instead);
}

static bool use_instead (struct outgoing *o, const struct carries *carries, const char *adapter, const GPtrArray *files,
                         struct content_fault *fault)
{
    json_auto_t *instead = instead_of (o);
    transcoded_clear (&o->sent);
    content_fault_clear (fault);
    o->text_place = "/fallback/text";
    if (!transcode (instead, carries, adapter, files, &o->sent, fault)) return false;
    const char *kind = json_text (o->content, "kind");
    g_autofree char *step = g_strconcat (kind, "→given text", NULL);
    json_array_insert_new (o->sent.steps, 0, json_string (step));
    json_object_set (o->sent.content, "original", o->content);
    o->sent.native = false;
    return true;
}

static bool refuse_steps (const struct outgoing *o, const struct carries *carries, struct refusal *refusal)
{
    const char *place = g_str_equal (o->sent.place, "/content/text") ? o->text_place : o->sent.place;
    if (!o->sent.native) {
        g_autofree char *kinds = list (carries->kinds);
        return refuse (refusal, 422, place, "the channel carries it not as it is, but as %s; its kinds are: %s",
                       json_string_value (json_array_get (o->sent.steps, 0)), kinds);
    }
    return refuse (refusal, 422, place, "the channel carries it not as it is, but as %s",
                   json_string_value (json_array_get (o->sent.steps, 0)));
}

static bool is_plain (const json_t *content)
{
    const char *kind = json_text (content, "kind");
    return g_str_equal (kind, "text") || g_str_equal (kind, "media");
}

static bool text_fits (const struct outgoing *o, const struct carries *carries, struct refusal *refusal)
{
    size_t most = MAX (carries->text_most, carries->text_longest);
    return !o->text || !is_plain (o->sent.content) || text_length (o->text) <= most ||
           refuse (refusal, 422, o->text_place, "a text has at most %zu characters on this channel", most);
}

bool outgoing_adapt (struct outgoing *o, const struct carries *carries, const char *adapter, const GPtrArray *files,
                     struct refusal *refusal)
{
    struct content_fault fault;
    bool good = transcode (o->content, carries, adapter, files, &o->sent, &fault);
    if (o->instead && !is_plain (o->content) && (!good || json_array_size (o->sent.steps)))
        good = use_instead (o, carries, adapter, files, &fault);
    if (!good) return refuse_content (refusal, "", &fault);
    transcode_quote (&o->sent, carries, o->quoted);
    if (o->strict && json_array_size (o->sent.steps)) return refuse_steps (o, carries, refusal);
    g_free (o->text);
    o->text = g_strdup (o->sent.text);
    return text_fits (o, carries, refusal);
}

bool outgoing_fill (struct outgoing *o, const char *components, struct refusal *refusal)
{
    struct content_fault fault;
    json_auto_t *asked = json_loads (components, 0, NULL);
    if (!template_check (asked, o->sent.content, o->files->len, &fault)) return refuse_content (refusal, "/content", &fault);
    char *text = template_plain (asked, o->sent.content);
    if (!text) return true;
    g_free (o->text);
    o->text = text;
    return true;
}

/* As what comes in has them. */
static GPtrArray *media_of (const GPtrArray *files)
{
    GPtrArray *media = g_ptr_array_new_with_free_func ((GDestroyNotify) remote_file_free);
    for (guint i = 0; i < files->len; i++) {
        const struct outgoing_file *file = files->pdata[i];
        g_ptr_array_add (media, remote_file_new (NULL, file->mime, file->name));
    }
    return media;
}

char *outgoing_content (const struct outgoing *o, const GPtrArray *files)
{
    if (o->sent.content) return json_write (o->sent.content);
    GString *content = content_new (files->len ? "media" : "text");
    if (o->text) content_string (content, "text", o->text);
    if (files->len) {
        g_autoptr (GPtrArray) media = media_of (files);
        content_media (content, media);
    }
    return content_end (content);
}

char *outgoing_rendering (const struct outgoing *o)
{
    json_auto_t *rendering = json_pack ("{sb sO}", "native", o->sent.native, "steps", o->sent.steps);
    return json_write (rendering);
}

void outgoing_clear (struct outgoing *o)
{
    g_free (o->channel);
    g_free (o->to);
    g_free (o->text);
    g_free (o->reference);
    g_free (o->instead);
    g_free (o->quoted);
    json_decref (o->content);
    transcoded_clear (&o->sent);
    g_free (o->metadata);
    if (o->files) g_array_unref (o->files);
    *o = (struct outgoing){0};
}

void refusal_clear (struct refusal *refusal)
{
    g_free (refusal->detail);
    g_free (refusal->place);
    *refusal = (struct refusal){0};
}
