/* SPDX-License-Identifier: Apache-2.0 */
#include "model/transcode_private.h"

#include "model/text.h"

#include <string.h>

/* Characters of a quoted line. */
enum { QUOTE_MOST = 40 };

void transcode_step (struct transcoded *out, const char *place, const char *format, ...)
{
    va_list arguments;
    va_start (arguments, format);
    g_autofree char *step = g_strdup_vprintf (format, arguments);
    va_end (arguments);
    json_array_append_new (out->steps, json_string (step));
    if (!out->place) out->place = g_strdup (place);
}

bool transcode_carries (const struct carries *carries, const char *kind)
{
    return g_strv_contains (carries->kinds, kind);
}

static const char *kind_of (const json_t *content)
{
    return json_text (content, "kind");
}

/* Files stand behind what was given, and what was given, where it changed, behind that. */
static void put (struct transcoding *t, json_t *content)
{
    bool plain = g_str_equal (kind_of (t->given), "text") || g_str_equal (kind_of (t->given), "media");
    if (t->media) json_object_set (content, "media", t->media);
    if (json_array_size (t->out->steps) && !plain) json_object_set_new (content, "original", json_deep_copy (t->given));
    t->out->content = content;
    t->out->native = plain || g_str_equal (kind_of (content), kind_of (t->given));
}

bool transcode_as_it_is (struct transcoding *t, json_t *content)
{
    put (t, content);
    t->out->text = content_plain (content);
    return true;
}

bool transcode_words (struct transcoding *t, const char *text)
{
    json_t *content = json_pack ("{ss ss}", "kind", t->media ? "media" : "text", "text", text);
    transcode_fit_text (t, text);
    put (t, content);
    t->out->text = g_strdup (text);
    return true;
}

/* ---- the kinds ---- */

/* What a file is said to be is what the gateway found; a text with files is media. */
static bool put_text (struct transcoding *t)
{
    const char *text = json_text (t->given, "text");
    json_t *content = json_deep_copy (t->given);
    json_object_set_new (content, "kind", json_string (t->media ? "media" : "text"));
    json_object_del (content, "media_kind");
    transcode_fit_text (t, text);
    put (t, content);
    t->out->text = g_strdup (text);
    return true;
}

/* Files go beside words, not beside these. */
static bool put_plain_kind (struct transcoding *t)
{
    const char *kind = kind_of (t->given);
    if (transcode_carries (t->carries, kind) && !t->media) return transcode_as_it_is (t, json_deep_copy (t->given));
    g_autofree char *text = content_plain (t->given);
    transcode_step (t->out, "/content/kind", "%s→%s", kind, t->media ? "media" : "text");
    return transcode_words (t, text);
}

static bool put_template (struct transcoding *t)
{
    bool carried = transcode_carries (t->carries, "template");
    if (carried && t->carries->templates && !json_is_string (json_object_get (t->given, "lang")))
        return content_refuse (t->fault, "/content/lang", "the template's language is expected, as en_US");
    if (carried) return transcode_as_it_is (t, json_deep_copy (t->given));
    if (!json_is_string (json_object_get (t->given, "text")))
        return content_refuse (t->fault, "/content/text", "the channel has no templates: a text that is sent instead is expected");
    return put_plain_kind (t);
}

static bool put_reaction (struct transcoding *t)
{
    if (!transcode_carries (t->carries, "reaction") && !json_is_string (json_object_get (t->given, "emoji")))
        return content_refuse (t->fault, "/content/emoji", "that a reaction is taken back cannot be put in words");
    return put_plain_kind (t);
}

static bool put_event (struct transcoding *t)
{
    if (!transcode_carries (t->carries, "event"))
        return content_refuse (t->fault, "/content/kind", "an event cannot be put in words, and the channel carries none");
    return put_plain_kind (t);
}

static bool put_choice (struct transcoding *t)
{
    return transcode_choice (t, t->given);
}

bool transcode (const json_t *content, const struct carries *carries, const char *adapter, const GPtrArray *files,
                struct transcoded *transcoded, struct content_fault *fault)
{
    static const struct {
        const char *kind;
        bool (*put) (struct transcoding *t);
    } kinds[] = {
        {"text", put_text},       {"media", put_text},        {"location", put_plain_kind}, {"contacts", put_plain_kind},
        {"choice", put_choice},   {"cards", transcode_cards}, {"template", put_template},   {"reaction", put_reaction},
        {"form", put_plain_kind}, {"event", put_event},
    };
    *transcoded = (struct transcoded){.steps = json_array ()};
    *fault = (struct content_fault){0};
    struct transcoding t = {.given = content, .carries = carries, .files = files, .out = transcoded, .fault = fault};
    bool good = transcode_files (&t);
    if (good && json_is_object (json_object_get (json_object_get (content, "native"), adapter)))
        good = transcode_as_it_is (&t, json_deep_copy (content));
    else
        for (size_t i = 0; good && i < G_N_ELEMENTS (kinds); i++)
            if (g_str_equal (kinds[i].kind, kind_of (content))) {
                good = kinds[i].put (&t);
                break;
            }
    json_decref (t.media);
    return good;
}

void transcode_quote (struct transcoded *transcoded, const struct carries *carries, const char *quoted)
{
    const char *kind = kind_of (transcoded->content);
    if (carries->reply_to || !quoted || !*quoted || !(g_str_equal (kind, "text") || g_str_equal (kind, "media"))) return;
    g_autofree char *line = g_strdelimit (g_strdup (quoted), "\r\n", ' '), *short_line = text_cut (line, QUOTE_MOST);
    char *text = g_strconcat ("> ", short_line, transcoded->text ? "\n" : "", transcoded->text, NULL);
    transcode_step (transcoded, "/in_reply_to", "reply_to→quote");
    json_object_set_new (transcoded->content, "text", json_string (text));
    g_free (transcoded->text);
    transcoded->text = text;
}

void transcoded_clear (struct transcoded *transcoded)
{
    json_decref (transcoded->content);
    json_decref (transcoded->steps);
    json_decref (transcoded->answers);
    g_free (transcoded->text);
    g_free (transcoded->place);
    *transcoded = (struct transcoded){0};
}
