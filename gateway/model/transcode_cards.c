/* SPDX-License-Identifier: Apache-2.0 */
#include "model/transcode_private.h"

#include "model/text.h"

#include <string.h>

/* The kind of a card's file; NULL: it has none. */
static const char *file_kind (const struct transcoding *t, const json_t *item)
{
    json_t *file = json_object_get (item, "file");
    return json_is_integer (file) ? transcode_file_kind (t, (size_t) json_integer_value (file)) : NULL;
}

/* Title and text, as they stand below each other; a new string. */
static char *body_of (const json_t *item)
{
    const char *text = json_text (item, "text");
    return g_strjoin ("\n", json_text (item, "title"), text, NULL);
}

static bool item_fits (const struct transcoding *t, const json_t *item)
{
    const struct carries_cards *limits = &t->carries->cards;
    const json_t *options = json_object_get (item, "options"), *option = json_array_get (options, 0);
    g_autofree char *body = body_of (item);
    return json_array_size (options) == 1 && g_strcmp0 (json_text (option, "type"), "url") == 0 &&
           text_length (json_text (option, "title")) <= limits->title_most && text_length (body) <= limits->text_most;
}

/* Each with a file of its own, all images or all videos, and one link. */
static bool is_carousel (const struct transcoding *t, const json_t *items)
{
    const struct carries_cards *limits = &t->carries->cards;
    const char *kind = file_kind (t, json_array_get (items, 0));
    size_t n = json_array_size (items), i;
    if (!transcode_carries (t->carries, "cards") || n < limits->least || n > limits->most || n != json_array_size (t->media)) return false;
    if (!kind || (!g_str_equal (kind, "image") && !g_str_equal (kind, "video"))) return false;
    json_t *item;
    g_autoptr (GHashTable) files = g_hash_table_new (g_direct_hash, g_direct_equal);
    json_array_foreach (items, i, item)
    {
        if (g_strcmp0 (file_kind (t, item), kind) || !item_fits (t, item)) return false;
        if (!g_hash_table_add (files, GSIZE_TO_POINTER ((gsize) json_integer_value (json_object_get (item, "file"))))) return false;
    }
    return true;
}

/* A single card with options is a question: with its text and its file. */
static json_t *as_choice (const json_t *item)
{
    g_autofree char *body = body_of (item);
    return json_pack ("{ss ss sO}", "kind", "choice", "text", body, "options", json_object_get (item, "options"));
}

static bool put_words (struct transcoding *t)
{
    g_autofree char *text = content_plain (t->given);
    t->out->answers = content_answers (t->given);
    bool asks = json_array_size (t->out->answers) > 0;
    if (!asks) g_clear_pointer (&t->out->answers, json_decref);
    transcode_step (t->out, "/content/kind", "cards→%s", asks ? "numbered" : t->media ? "media" : "text");
    return transcode_words (t, text);
}

bool transcode_cards (struct transcoding *t)
{
    json_t *items = json_object_get (t->given, "items"), *only = json_array_get (items, 0);
    if (is_carousel (t, items)) return transcode_as_it_is (t, json_deep_copy (t->given));
    bool asks = json_array_size (items) == 1 && json_array_size (json_object_get (only, "options"));
    if (!asks || !transcode_carries (t->carries, "choice")) return put_words (t);
    json_t *choice = as_choice (only);
    transcode_step (t->out, "/content/kind", "cards→choice");
    bool good = transcode_choice (t, choice);
    json_decref (choice);
    return good;
}
