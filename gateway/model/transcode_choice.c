/* SPDX-License-Identifier: Apache-2.0 */
#include "model/transcode_private.h"

#include "model/text.h"

#include <stdint.h>
#include <string.h>

#define OPTIONS "/content/options"

/* One of the two ways in which options that are answered go. */
struct style {
    const char *name;
    size_t most, title_most, id_most, description_most, text_most;
    size_t sections_most, section_title_most;
    bool unique; /* titles differ */
    bool header; /* a file may stand before the question */
    bool label;  /* it is opened by a button */
};

/* A choice on its way into one form; what comes of it counts only if it fits. */
struct attempt {
    json_t *content;
    GString *text;    /* the question, and what finds no place elsewhere */
    GPtrArray *steps; /* place, step, place, step … static */
};

static const char *type_of (const json_t *option)
{
    const char *type = json_text (option, "type");
    return type ? type : "reply";
}

static void step (struct attempt *a, const char *place, const char *name)
{
    for (guint i = 1; i < a->steps->len; i += 2)
        if (g_str_equal (a->steps->pdata[i], name)) return;
    g_ptr_array_add (a->steps, (char *) (uintptr_t) place);
    g_ptr_array_add (a->steps, (char *) (uintptr_t) name);
}

static void add_line (struct attempt *a, const char *title, const char *more)
{
    g_string_append_printf (a->text, "\n%s%s%s", title, more ? ": " : "", more ? more : "");
}

static void attempt_begin (struct attempt *a, const json_t *choice)
{
    a->content = json_deep_copy (choice);
    a->text = g_string_new (json_text (choice, "text"));
    a->steps = g_ptr_array_new ();
}

static void attempt_clear (struct attempt *a)
{
    json_decref (a->content);
    g_string_free (a->text, TRUE);
    g_ptr_array_unref (a->steps);
}

/* Cuts a member to so many characters. True: it was longer. */
static bool cut (struct attempt *a, json_t *object, const char *name, size_t most, const char *place, const char *done)
{
    const char *text = json_text (object, name);
    if (!text || text_length (text) <= most) return false;
    g_autofree char *shorter = text_cut (text, most);
    json_object_set_new (object, name, json_string (shorter));
    step (a, place, done);
    return true;
}

/* The whole of what is cut, or of what has no place, goes into the text. */
static void fit_option (struct attempt *a, json_t *option, const struct style *style)
{
    g_autofree char *title = g_strdup (json_text (option, "title")), *description = g_strdup (json_text (option, "description"));
    bool whole = !cut (a, option, "title", style->title_most, OPTIONS, "title cut");
    if (description && !style->description_most) {
        json_object_del (option, "description");
        step (a, OPTIONS, "description→text");
        whole = false;
    } else if (cut (a, option, "description", style->description_most, OPTIONS, "description cut")) {
        whole = false;
    } else {
        g_clear_pointer (&description, g_free); /* it stands where it belongs */
    }
    if (!whole) add_line (a, title, description);
    if (style->sections_most)
        cut (a, option, "section", style->section_title_most, OPTIONS, "section cut");
    else if (json_object_del (option, "section") == 0)
        step (a, OPTIONS, "section left out");
}

static void fit_footer (struct attempt *a, size_t most)
{
    const char *footer = json_text (a->content, "footer");
    if (!footer || text_length (footer) <= most) return;
    add_line (a, footer, NULL);
    json_object_del (a->content, "footer");
    step (a, "/content/footer", "footer→text");
}

/* One file that can be shown stands above a question; others go before it, as messages of their own. */
static void fit_files (const struct transcoding *t, struct attempt *a, bool header)
{
    static const char *const kinds[] = {"image", "video", "document", NULL};
    if (!t->media || (header && json_array_size (t->media) == 1 && g_strv_contains (kinds, transcode_file_kind (t, 0)))) return;
    step (a, "/attachments", "header→message");
}

/* Takes what leads away out of the options, as lines of the text; what is answered gets its id, and is answered as a reply. */
static void part_options (struct attempt *a)
{
    json_t *options = json_object_get (a->content, "options"), *answers = json_array (), *option;
    size_t i;
    json_array_foreach (options, i, option)
    {
        if (content_leads (option)) {
            step (a, OPTIONS, g_str_equal (type_of (option), "url") ? "url→text" : "call→text");
            add_line (a, json_text (option, "title"), json_text (option, "value"));
            continue;
        }
        char number[24];
        g_snprintf (number, sizeof number, "%zu", json_array_size (answers) + 1);
        if (!json_text (option, "id")) json_object_set_new (option, "id", json_string (number));
        if (g_str_equal (type_of (option), "location")) step (a, OPTIONS, "location→reply");
        if (g_str_equal (type_of (option), "contact")) step (a, OPTIONS, "contact→reply");
        if (g_str_equal (type_of (option), "flow")) step (a, OPTIONS, "flow→reply");
        json_object_set_new (option, "type", json_string ("reply"));
        json_array_append (answers, option);
    }
    json_object_set_new (a->content, "options", answers);
}

static bool ids_fit (const json_t *options, const struct style *style)
{
    size_t i;
    json_t *option;
    json_array_foreach (options, i, option) if (strlen (json_text (option, "id")) > style->id_most) return false;
    return true;
}

static bool titles_differ (const json_t *options)
{
    g_autoptr (GHashTable) titles = g_hash_table_new (g_str_hash, g_str_equal);
    size_t i;
    json_t *option;
    json_array_foreach (options, i, option) if (!g_hash_table_add (titles, (char *) (uintptr_t) json_text (option, "title"))) return false;
    return true;
}

static size_t count_sections (const json_t *options)
{
    g_autoptr (GHashTable) sections = g_hash_table_new (g_str_hash, g_str_equal);
    size_t i;
    json_t *option;
    json_array_foreach (options, i, option) if (json_text (option, "section"))
        g_hash_table_add (sections, (char *) (uintptr_t) json_text (option, "section"));
    return g_hash_table_size (sections);
}

/* The attempt goes; its steps are the message's. */
static bool settle (struct transcoding *t, struct attempt *a, const char *style)
{
    const char *asked = json_text (t->given, "style");
    if (asked && !g_str_equal (asked, "auto") && !g_str_equal (asked, style))
        transcode_step (t->out, "/content/style", "%s→%s", asked, style);
    for (guint i = 0; i < a->steps->len; i += 2) transcode_step (t->out, a->steps->pdata[i], "%s", (const char *) a->steps->pdata[i + 1]);
    json_object_set_new (a->content, "text", json_string (a->text->str));
    json_object_set_new (a->content, "style", json_string (style));
    return transcode_as_it_is (t, json_incref (a->content));
}

/* A list is opened by a button, which needs a title; no words of ours are in any language. */
static void fit_label (struct attempt *a, size_t most)
{
    if (!json_text (a->content, "label")) json_object_set_new (a->content, "label", json_string ("☰"));
    cut (a, a->content, "label", most, "/content/label", "label cut");
}

/* False: it does not fit, and nothing has happened. */
static bool try_style (struct transcoding *t, const json_t *choice, const struct style *style)
{
    const struct carries_choice *limits = &t->carries->choice;
    struct attempt a;
    attempt_begin (&a, choice);
    part_options (&a);
    json_t *options = json_object_get (a.content, "options"), *option;
    size_t i, n = json_array_size (options);
    bool good = n > 0 && n <= style->most && ids_fit (options, style) &&
                (!style->sections_most || count_sections (options) <= style->sections_most);
    if (good) {
        json_array_foreach (options, i, option) fit_option (&a, option, style);
        fit_footer (&a, limits->footer_most);
        fit_files (t, &a, style->header);
        if (style->label) fit_label (&a, limits->label_most);
        good = text_length (a.text->str) <= style->text_most && (!style->unique || titles_differ (options)) && settle (t, &a, style->name);
    }
    attempt_clear (&a);
    return good;
}

/* ---- one option that leads somewhere ---- */

static bool carries_alone (const struct carries_choice *limits, const char *type)
{
    return (limits->url && g_str_equal (type, "url")) || (limits->location && g_str_equal (type, "location")) ||
           (limits->contact && g_str_equal (type, "contact")) || (limits->flow && g_str_equal (type, "flow"));
}

/* False: it does not fit, and nothing has happened. */
static bool try_alone (struct transcoding *t, const json_t *choice)
{
    const struct carries_choice *limits = &t->carries->choice;
    const json_t *options = json_object_get (choice, "options");
    const char *type = type_of (json_array_get (options, 0));
    bool shows_title = g_str_equal (type, "url") || g_str_equal (type, "flow");
    if (json_array_size (options) != 1 || !carries_alone (limits, type)) return false;
    const struct style style = {.title_most = shows_title ? limits->label_most : SIZE_MAX};
    struct attempt a;
    attempt_begin (&a, choice);
    json_t *option = json_array_get (json_object_get (a.content, "options"), 0);
    if (!json_text (option, "id")) json_object_set_new (option, "id", json_string ("1"));
    fit_option (&a, option, &style);
    fit_footer (&a, limits->footer_most);
    fit_files (t, &a, false);
    bool good = text_length (a.text->str) <= limits->text_most && settle (t, &a, "buttons");
    attempt_clear (&a);
    return good;
}

/* ---- words ---- */

static bool put_words (struct transcoding *t, const json_t *choice)
{
    g_autofree char *text = content_plain (choice);
    t->out->answers = content_answers (choice);
    bool asks = json_array_size (t->out->answers) > 0;
    if (!asks) g_clear_pointer (&t->out->answers, json_decref);
    transcode_step (t->out, "/content/kind", asks ? "choice→numbered" : "choice→links");
    return transcode_words (t, text);
}

/* Whether a list shows more of the options than buttons do. */
static bool has_more (const json_t *options)
{
    size_t i;
    json_t *option;
    json_array_foreach (options, i, option) if (json_text (option, "description") || json_text (option, "section")) return true;
    return false;
}

bool transcode_choice (struct transcoding *t, const json_t *choice)
{
    const struct carries_choice *limits = &t->carries->choice;
    const struct style buttons = {.name = "buttons",
                                  .most = limits->buttons_most,
                                  .title_most = limits->button_title_most,
                                  .id_most = limits->button_id_most,
                                  .text_most = limits->text_most,
                                  .unique = true,
                                  .header = limits->header};
    const struct style list = {.name = "list",
                               .most = limits->rows_most,
                               .title_most = limits->row_title_most,
                               .id_most = limits->row_id_most,
                               .description_most = limits->row_description_most,
                               .text_most = limits->list_text_most,
                               .sections_most = limits->sections_most,
                               .section_title_most = limits->section_title_most,
                               .label = true};
    if (!transcode_carries (t->carries, "choice")) return put_words (t, choice);
    const char *asked = json_text (choice, "style");
    bool list_first = !asked || g_str_equal (asked, "auto") ? has_more (json_object_get (choice, "options")) : g_str_equal (asked, "list");
    return try_alone (t, choice) || try_style (t, choice, list_first ? &list : &buttons) ||
           try_style (t, choice, list_first ? &buttons : &list) || put_words (t, choice);
}
