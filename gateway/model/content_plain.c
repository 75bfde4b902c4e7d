/* SPDX-License-Identifier: Apache-2.0 */
#include "model/content.h"

#include <string.h>

static void add_line (GString *text, const char *line)
{
    if (!line) return;
    if (text->len) g_string_append_c (text, '\n');
    g_string_append (text, line);
}

/* A value of a form or a template; to be freed. */
static char *value_plain (const json_t *value)
{
    return json_is_string (value) ? g_strdup (json_string_value (value)) : json_write (value);
}

static void write_text (GString *text, const json_t *content)
{
    add_line (text, json_text (content, "text"));
}

/* Its text, or where there is none the kinds of its files: "[image] [document]". */
static void write_media (GString *text, const json_t *content)
{
    add_line (text, json_text (content, "text"));
    if (text->len) return;
    size_t i;
    json_t *file;
    json_array_foreach (json_object_get (content, "media"), i, file)
    {
        const char *kind = json_text (file, "media_kind");
        g_string_append_printf (text, "%s[%s]", text->len ? " " : "", kind ? kind : "document");
    }
}

static void write_location (GString *text, const json_t *content)
{
    char lat[G_ASCII_DTOSTR_BUF_SIZE], lon[G_ASCII_DTOSTR_BUF_SIZE];
    add_line (text, json_text (content, "name"));
    add_line (text, json_text (content, "address"));
    json_t *north = json_object_get (content, "lat"), *east = json_object_get (content, "lon");
    if (!json_is_number (north) || !json_is_number (east)) return;
    g_ascii_formatd (lat, sizeof lat, "%.9g", json_number_value (north));
    g_ascii_formatd (lon, sizeof lon, "%.9g", json_number_value (east));
    g_autofree char *link = g_strdup_printf ("https://maps.google.com/?q=%s,%s", lat, lon);
    add_line (text, link);
}

static void write_strings (GString *text, const json_t *list)
{
    size_t i;
    json_t *value;
    json_array_foreach (list, i, value) add_line (text, json_string_value (value));
}

static void write_contacts (GString *text, const json_t *content)
{
    size_t i;
    json_t *card;
    json_array_foreach (json_object_get (content, "cards"), i, card)
    {
        if (i) add_line (text, "");
        add_line (text, json_text (card, "name"));
        add_line (text, json_text (card, "org"));
        write_strings (text, json_object_get (card, "phones"));
        write_strings (text, json_object_get (card, "emails"));
    }
}

bool content_leads (const json_t *option)
{
    const char *type = json_text (option, "type");
    return type && (g_str_equal (type, "url") || g_str_equal (type, "call"));
}

/* *n counts those that can be answered by their number. */
static void write_options (GString *text, const json_t *options, unsigned *n)
{
    size_t i;
    json_t *option;
    json_array_foreach (options, i, option)
    {
        const char *title = json_text (option, "title"), *more = json_text (option, content_leads (option) ? "value" : "description");
        g_autofree char *number = content_leads (option) ? g_strdup ("") : g_strdup_printf ("%u) ", ++*n);
        g_autofree char *line = g_strconcat (number, title ? title : "", more ? ": " : "", more ? more : "", NULL);
        add_line (text, line);
    }
}

static void write_choice (GString *text, const json_t *content)
{
    unsigned n = 0;
    add_line (text, json_text (content, "text"));
    write_options (text, json_object_get (content, "options"), &n);
    add_line (text, json_text (content, "footer"));
}

/* Numbers go on from card to card, so that an answer means one option. */
static void write_cards (GString *text, const json_t *content)
{
    unsigned n = 0;
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get (content, "items"), i, item)
    {
        if (i) add_line (text, "");
        add_line (text, json_text (item, "title"));
        add_line (text, json_text (item, "text"));
        write_options (text, json_object_get (item, "options"), &n);
    }
}

/* Without a text of its own: "order_ready: Ana, 4711". */
static void write_template (GString *text, const json_t *content)
{
    add_line (text, json_text (content, "text"));
    if (text->len) return;
    add_line (text, json_text (content, "name"));
    json_t *params = json_object_get (content, "params"), *value;
    size_t i, n = 0;
    const char *name;
    json_array_foreach (params, i, value)
    {
        g_autofree char *plain = value_plain (value);
        g_string_append_printf (text, "%s%s", n++ ? ", " : ": ", plain);
    }
    json_object_foreach (params, name, value)
    {
        g_autofree char *plain = value_plain (value);
        g_string_append_printf (text, "%s%s", n++ ? ", " : ": ", plain);
    }
}

static void write_reaction (GString *text, const json_t *content)
{
    add_line (text, json_text (content, "emoji"));
}

static void write_form (GString *text, const json_t *content)
{
    json_t *value;
    const char *key;
    add_line (text, json_text (content, "name"));
    json_object_foreach (json_object_get (content, "data"), key, value)
    {
        g_autofree char *plain = value_plain (value), *line = g_strdup_printf ("%s: %s", key, plain);
        add_line (text, line);
    }
}

static void write_event (GString *text, const json_t *content)
{
    add_line (text, json_text (content, "text"));
    if (!text->len && json_text (content, "type")) g_string_append_printf (text, "[%s]", json_text (content, "type"));
}

char *content_plain (const json_t *content)
{
    static const struct {
        const char *kind;
        void (*write) (GString *text, const json_t *content);
    } kinds[] = {
        {"text", write_text},     {"media", write_media}, {"location", write_location}, {"contacts", write_contacts},
        {"choice", write_choice}, {"cards", write_cards}, {"template", write_template}, {"reaction", write_reaction},
        {"form", write_form},     {"event", write_event},
    };
    GString *text = g_string_new (NULL);
    const char *kind = json_text (content, "kind");
    for (size_t i = 0; kind && i < G_N_ELEMENTS (kinds); i++)
        if (g_str_equal (kinds[i].kind, kind)) kinds[i].write (text, content);
    return g_string_free (text, FALSE);
}

static void add_answers (json_t *answers, const json_t *options)
{
    size_t i;
    json_t *option;
    json_array_foreach (options, i, option)
    {
        if (content_leads (option)) continue;
        char number[24];
        g_snprintf (number, sizeof number, "%zu", json_array_size (answers) + 1);
        const char *id = json_text (option, "id"), *title = json_text (option, "title");
        json_array_append_new (answers, json_pack ("{ss ss}", "id", id ? id : number, "title", title ? title : ""));
    }
}

json_t *content_answers (const json_t *content)
{
    json_t *answers = json_array (), *item;
    size_t i;
    add_answers (answers, json_object_get (content, "options"));
    json_array_foreach (json_object_get (content, "items"), i, item) add_answers (answers, json_object_get (item, "options"));
    return answers;
}
