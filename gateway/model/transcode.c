/* SPDX-License-Identifier: Apache-2.0 */
#include "model/transcode.h"

#include <stdlib.h>
#include <string.h>

/* What is written so far, and the first thing that was wrong; after that nothing matters any more. */
struct words {
    GString *text;
    char *place;
    const char *wrong; /* static */
};

static void fail (struct words *words, const char *parent, const char *pointer, const char *wrong)
{
    if (words->wrong) return;
    words->place = g_strconcat (parent, pointer, NULL);
    words->wrong = wrong;
}

static void check_members (struct words *words, json_t *object, const char *parent, const char *const *names)
{
    g_autofree char *pointer = NULL;
    if (!json_only (object, names, &pointer))
        fail (words, parent, pointer, *pointer ? "not a member that can be given" : "an object is expected");
}

/* A member of object, which stands at parent. */
static json_t *member (struct words *words, json_t *object, const char *parent, const char *name, json_type type, bool required)
{
    json_t *value;
    g_autofree char *pointer = NULL;
    if (!json_member (object, name, type, required, &value, &pointer))
        fail (words, parent, pointer,
              type == JSON_STRING   ? "a string is expected"
              : type == JSON_ARRAY  ? "an array is expected"
              : type == JSON_OBJECT ? "an object is expected"
                                    : "a number is expected");
    return value;
}

static const char *string (struct words *words, json_t *object, const char *parent, const char *name, bool required)
{
    json_t *value = member (words, object, parent, name, JSON_STRING, required);
    g_autofree char *pointer = g_strconcat ("/", name, NULL);
    if (value && !json_string_length (value)) fail (words, parent, pointer, "a string here has at least one character");
    return json_string_value (value);
}

/* The elements of an array; where at least one is required, there is. */
static json_t *array (struct words *words, json_t *object, const char *parent, const char *name, bool required)
{
    json_t *value = member (words, object, parent, name, JSON_ARRAY, required);
    g_autofree char *pointer = g_strconcat ("/", name, NULL);
    if (value && required && !json_array_size (value)) fail (words, parent, pointer, "at least one is expected");
    return value;
}

static void add_line (struct words *words, const char *line)
{
    if (!line) return;
    if (words->text->len) g_string_append_c (words->text, '\n');
    g_string_append (words->text, line);
}

static double degrees (struct words *words, json_t *content, const char *name, double most)
{
    json_t *value = member (words, content, "", name, JSON_REAL, true);
    double number = json_number_value (value);
    g_autofree char *pointer = g_strconcat ("/", name, NULL);
    if (!(number >= -most && number <= most)) fail (words, "", pointer, "degrees are expected: lat from -90 to 90, lon from -180 to 180");
    return number;
}

static void write_location (struct words *words, json_t *content)
{
    char lat[G_ASCII_DTOSTR_BUF_SIZE], lon[G_ASCII_DTOSTR_BUF_SIZE];
    check_members (words, content, "", (const char *const[]){"kind", "lat", "lon", "name", "address", NULL});
    g_ascii_formatd (lat, sizeof lat, "%.9g", degrees (words, content, "lat", 90));
    g_ascii_formatd (lon, sizeof lon, "%.9g", degrees (words, content, "lon", 180));
    add_line (words, string (words, content, "", "name", false));
    add_line (words, string (words, content, "", "address", false));
    g_autofree char *link = g_strdup_printf ("https://maps.google.com/?q=%s,%s", lat, lon);
    add_line (words, link);
}

static void write_strings (struct words *words, json_t *object, const char *parent, const char *name)
{
    json_t *list = array (words, object, parent, name, false);
    for (size_t i = 0; i < json_array_size (list); i++) {
        const char *text = json_string_value (json_array_get (list, i));
        g_autofree char *pointer = g_strdup_printf ("/%s/%zu", name, i);
        if (!text || !*text) fail (words, parent, pointer, "a string with at least one character is expected");
        add_line (words, text);
    }
}

static void write_contacts (struct words *words, json_t *content)
{
    check_members (words, content, "", (const char *const[]){"kind", "cards", NULL});
    json_t *cards = array (words, content, "", "cards", true);
    for (size_t i = 0; i < json_array_size (cards) && !words->wrong; i++) {
        json_t *card = json_array_get (cards, i);
        g_autofree char *place = g_strdup_printf ("/cards/%zu", i);
        check_members (words, card, place, (const char *const[]){"name", "org", "phones", "emails", NULL});
        if (i) add_line (words, "");
        add_line (words, string (words, card, place, "name", true));
        add_line (words, string (words, card, place, "org", false));
        write_strings (words, card, place, "phones");
        write_strings (words, card, place, "emails");
    }
}

/* *n counts those that can be answered by their number. */
static void write_option (struct words *words, json_t *option, const char *place, unsigned *n)
{
    check_members (words, option, place, (const char *const[]){"id", "title", "type", "value", "description", "section", NULL});
    const char *title = string (words, option, place, "title", true), *type = string (words, option, place, "type", false);
    bool leads = type && (g_str_equal (type, "url") || g_str_equal (type, "call"));
    const char *value = string (words, option, place, "value", leads), *description = string (words, option, place, "description", false);
    string (words, option, place, "id", false);
    string (words, option, place, "section", false);
    if (words->wrong) return;
    g_autofree char *line = leads         ? g_strdup_printf ("%s: %s", title, value)
                            : description ? g_strdup_printf ("%u) %s: %s", ++*n, title, description)
                                          : g_strdup_printf ("%u) %s", ++*n, title);
    add_line (words, line);
}

static void write_options (struct words *words, json_t *object, const char *parent, bool required, unsigned *n)
{
    json_t *options = array (words, object, parent, "options", required);
    for (size_t i = 0; i < json_array_size (options) && !words->wrong; i++) {
        g_autofree char *place = g_strdup_printf ("%s/options/%zu", parent, i);
        write_option (words, json_array_get (options, i), place, n);
    }
}

static void write_choice (struct words *words, json_t *content)
{
    unsigned n = 0;
    check_members (words, content, "", (const char *const[]){"kind", "text", "footer", "style", "options", NULL});
    string (words, content, "", "style", false);
    add_line (words, string (words, content, "", "text", true));
    write_options (words, content, "", true, &n);
    add_line (words, string (words, content, "", "footer", false));
}

/* Numbers go on from card to card, so that an answer means one option. */
static void write_cards (struct words *words, json_t *content)
{
    unsigned n = 0;
    check_members (words, content, "", (const char *const[]){"kind", "items", NULL});
    json_t *items = array (words, content, "", "items", true);
    for (size_t i = 0; i < json_array_size (items) && !words->wrong; i++) {
        json_t *item = json_array_get (items, i);
        g_autofree char *place = g_strdup_printf ("/items/%zu", i);
        check_members (words, item, place, (const char *const[]){"title", "text", "options", NULL});
        if (i) add_line (words, "");
        add_line (words, string (words, item, place, "title", true));
        add_line (words, string (words, item, place, "text", false));
        write_options (words, item, place, false, &n);
    }
}

static void write_template (struct words *words, json_t *content)
{
    check_members (words, content, "", (const char *const[]){"kind", "name", "lang", "params", "text", NULL});
    string (words, content, "", "name", true);
    add_line (words, string (words, content, "", "text", false));
    if (!words->text->len) fail (words, "", "/text", "the channel has no templates: a text that is sent instead is expected");
}

static void write_reaction (struct words *words, json_t *content)
{
    check_members (words, content, "", (const char *const[]){"kind", "target", "emoji", NULL});
    string (words, content, "", "target", true);
    add_line (words, string (words, content, "", "emoji", false));
    if (!words->text->len) fail (words, "", "/emoji", "that a reaction is taken back cannot be put in words");
}

static void write_form (struct words *words, json_t *content)
{
    check_members (words, content, "", (const char *const[]){"kind", "name", "data", NULL});
    add_line (words, string (words, content, "", "name", false));
    json_t *data = member (words, content, "", "data", JSON_OBJECT, true), *value;
    const char *key;
    json_object_foreach (data, key, value)
    {
        char *plain = json_is_string (value) ? NULL : json_dumps (value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION (15));
        g_autofree char *line = g_strdup_printf ("%s: %s", key, plain ? plain : json_string_value (value));
        free (plain);
        add_line (words, line);
    }
    if (!words->text->len) fail (words, "", "/data", "at least one member is expected");
}

static void write_event (struct words *words, json_t *content)
{
    (void) content;
    fail (words, "", "/kind", "an event cannot be put in words, and the channel carries none");
}

char *transcode_text (json_t *content, char **place, const char **wrong)
{
    static const struct {
        const char *kind;
        void (*write) (struct words *words, json_t *content);
    } kinds[] = {
        {"location", write_location}, {"contacts", write_contacts}, {"choice", write_choice}, {"cards", write_cards},
        {"template", write_template}, {"reaction", write_reaction}, {"form", write_form},     {"event", write_event},
    };
    struct words words = {.text = g_string_new (NULL)};
    const char *kind = json_string_value (json_object_get (content, "kind"));
    for (size_t i = 0; kind && i < G_N_ELEMENTS (kinds); i++)
        if (g_str_equal (kinds[i].kind, kind)) kinds[i].write (&words, content);
    if (!words.wrong && !words.text->len) fail (&words, "", "/kind", "not a kind that can be put in words");
    *place = words.place;
    *wrong = words.wrong;
    return g_string_free (words.text, words.wrong != NULL);
}
