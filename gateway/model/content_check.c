/* SPDX-License-Identifier: Apache-2.0 */
#include "model/content.h"

#include <stdint.h>
#include <string.h>

enum form { TEXT, TEXT_OR_NULL, WORD, TRUTH, LAT, LON, INDEX, VALUES, TEXTS, OBJECT, OBJECTS };

struct field {
    const char *name;
    enum form form;
    bool required;
    size_t most;                /* TEXT: bytes; lists: elements; 0: as many as fit into the content */
    const char *const *words;   /* WORD */
    const struct field *fields; /* OBJECTS */
};

static const char *const media_kinds[] = {"image", "audio", "voice", "video", "document", "sticker", NULL};
static const char *const styles[] = {"auto", "buttons", "list", NULL};
static const char *const types[] = {"reply", "url", "call", "location", "contact", "flow", NULL};

static const struct field text_fields[] = {{"text", TEXT, .required = true}, {"preview", TRUTH}, {0}};
static const struct field media_fields[] = {{"text", TEXT}, {"media_kind", WORD, .words = media_kinds}, {0}};
static const struct field location_fields[] = {
    {"lat", LAT, .required = true}, {"lon", LON, .required = true}, {"name", TEXT}, {"address", TEXT}, {0}};
static const struct field card_fields[] = {{"name", TEXT, .required = true},
                                           {"org", TEXT},
                                           {"phones", TEXTS, .most = CONTENT_LINES_MOST},
                                           {"emails", TEXTS, .most = CONTENT_LINES_MOST},
                                           {"vcard", TEXT},
                                           {0}};
static const struct field contacts_fields[] = {{"cards", OBJECTS, .required = true, .most = CONTENT_CARDS_MOST, .fields = card_fields},
                                               {0}};
static const struct field option_fields[] = {{"id", TEXT, .most = CONTENT_ID_MOST},
                                             {"title", TEXT, .required = true},
                                             {"type", WORD, .words = types},
                                             {"value", TEXT},
                                             {"description", TEXT},
                                             {"section", TEXT},
                                             {0}};
static const struct field choice_fields[] = {{"text", TEXT, .required = true},
                                             {"footer", TEXT},
                                             {"style", WORD, .words = styles},
                                             {"label", TEXT},
                                             {"options", OBJECTS, .required = true, .most = CONTENT_OPTIONS_MOST, .fields = option_fields},
                                             {0}};
static const struct field item_fields[] = {{"title", TEXT, .required = true},
                                           {"text", TEXT},
                                           {"options", OBJECTS, .most = CONTENT_OPTIONS_MOST, .fields = option_fields},
                                           {"file", INDEX},
                                           {0}};
static const struct field cards_fields[] = {{"items", OBJECTS, .required = true, .most = CONTENT_ITEMS_MOST, .fields = item_fields}, {0}};
static const struct field button_fields[] = {
    {"index", INDEX, .required = true}, {"payload", TEXT}, {"text", TEXT}, {"coupon_code", TEXT}, {0}};
static const struct field template_fields[] = {{"name", TEXT, .required = true},
                                               {"lang", TEXT},
                                               {"params", VALUES, .most = CONTENT_PARAMS_MOST},
                                               {"header", TEXT},
                                               {"buttons", OBJECTS, .most = CONTENT_ITEMS_MOST, .fields = button_fields},
                                               {"text", TEXT},
                                               {0}};
static const struct field reaction_fields[] = {{"target", TEXT, .required = true}, {"emoji", TEXT_OR_NULL, .required = true}, {0}};
static const struct field form_fields[] = {{"name", TEXT}, {"data", OBJECT, .required = true}, {0}};
static const struct field event_fields[] = {{"type", TEXT, .required = true}, {"target", TEXT}, {"text", TEXT}, {"data", OBJECT}, {0}};

bool content_refuse (struct content_fault *fault, const char *place, const char *format, ...)
{
    va_list arguments;
    va_start (arguments, format);
    *fault = (struct content_fault){g_strdup (place), g_strdup_vprintf (format, arguments)};
    va_end (arguments);
    return false;
}

void content_fault_clear (struct content_fault *fault)
{
    g_free (fault->place);
    g_free (fault->wrong);
    *fault = (struct content_fault){0};
}

/* ---- one member by its form; place leads to it ---- */

static bool check_text (json_t *value, const struct field *field, const char *place, struct content_fault *fault)
{
    if (!json_is_string (value)) return content_refuse (fault, place, "a string is expected");
    if (!json_string_length (value)) return content_refuse (fault, place, "a text has at least one character");
    return !field->most || json_string_length (value) <= field->most ||
           content_refuse (fault, place, "at most %zu bytes are expected", field->most);
}

static bool check_word (json_t *value, const struct field *field, const char *place, struct content_fault *fault)
{
    const char *word = json_string_value (value);
    if (word && g_strv_contains (field->words, word)) return true;
    g_autofree char *words = g_strjoinv (", ", (char **) (uintptr_t) field->words);
    return content_refuse (fault, place, "one of these is expected: %s", words);
}

static bool check_degrees (json_t *value, double most, const char *place, struct content_fault *fault)
{
    double degrees = json_number_value (value);
    return (json_is_number (value) && degrees >= -most && degrees <= most) ||
           content_refuse (fault, place, "degrees are expected: lat from -90 to 90, lon from -180 to 180");
}

/* At least one and at most as many as the field says. */
static bool check_size (size_t n, const struct field *field, const char *place, struct content_fault *fault)
{
    if (!n) return content_refuse (fault, place, "at least one is expected");
    return n <= field->most || content_refuse (fault, place, "at most %zu are expected", field->most);
}

static bool is_value (const json_t *value)
{
    return json_is_number (value) || (json_is_string (value) && json_string_length (value));
}

static bool check_texts (json_t *list, const struct field *field, const char *place, struct content_fault *fault)
{
    if (!json_is_array (list)) return content_refuse (fault, place, "an array is expected");
    size_t i;
    json_t *value;
    json_array_foreach (list, i, value)
    {
        g_autofree char *at = g_strdup_printf ("%s/%zu", place, i);
        if (!json_is_string (value) || !json_string_length (value))
            return content_refuse (fault, at, "a string with at least one character is expected");
    }
    return json_array_size (list) <= field->most || content_refuse (fault, place, "at most %zu are expected", field->most);
}

/* Values in a list, or by name. */
static bool check_values (json_t *values, const struct field *field, const char *place, struct content_fault *fault)
{
    static const char wrong[] = "a number, or a string with at least one character, is expected";
    size_t n = json_is_array (values) ? json_array_size (values) : json_object_size (values), i;
    if (!json_is_array (values) && !json_is_object (values)) return content_refuse (fault, place, "an array or an object is expected");
    if (n > field->most) return content_refuse (fault, place, "at most %zu are expected", field->most);
    json_t *value;
    const char *name;
    json_array_foreach (values, i, value)
    {
        g_autofree char *at = g_strdup_printf ("%s/%zu", place, i);
        if (!is_value (value)) return content_refuse (fault, at, wrong);
    }
    json_object_foreach (values, name, value)
    {
        g_autofree char *at = json_pointer (place, name);
        if (!is_value (value)) return content_refuse (fault, at, wrong);
    }
    return true;
}

static bool check_object (json_t *object, const struct field *fields, const char *place, struct content_fault *fault);

static bool check_objects (json_t *list, const struct field *field, const char *place, struct content_fault *fault)
{
    if (!json_is_array (list)) return content_refuse (fault, place, "an array is expected");
    if ((field->required || json_array_size (list)) && !check_size (json_array_size (list), field, place, fault)) return false;
    size_t i;
    json_t *object;
    json_array_foreach (list, i, object)
    {
        g_autofree char *at = g_strdup_printf ("%s/%zu", place, i);
        if (!check_object (object, field->fields, at, fault)) return false;
    }
    return true;
}

static bool check_value (json_t *value, const struct field *field, const char *place, struct content_fault *fault)
{
    switch (field->form) {
    case TEXT:
    case TEXT_OR_NULL: return check_text (value, field, place, fault);
    case WORD: return check_word (value, field, place, fault);
    case TRUTH: return json_is_boolean (value) || content_refuse (fault, place, "true or false is expected");
    case LAT: return check_degrees (value, 90, place, fault);
    case LON: return check_degrees (value, 180, place, fault);
    case INDEX:
        return (json_is_integer (value) && json_integer_value (value) >= 0) || content_refuse (fault, place, "a number from 0 is expected");
    case VALUES: return check_values (value, field, place, fault);
    case TEXTS: return check_texts (value, field, place, fault);
    case OBJECT: return json_is_object (value) || content_refuse (fault, place, "an object is expected");
    case OBJECTS: return check_objects (value, field, place, fault);
    }
    g_assert_not_reached ();
}

/* Null is as good as not given, where null says nothing of its own. */
static bool check_field (json_t *object, const struct field *field, const char *parent, struct content_fault *fault)
{
    json_t *value = json_object_get (object, field->name);
    g_autofree char *place = json_pointer (parent, field->name);
    if (json_is_null (value) && field->form == TEXT_OR_NULL) return true;
    if (json_is_null (value)) value = NULL;
    if (value) return check_value (value, field, place, fault);
    if (!field->required) return true;
    return field->form == TEXT_OR_NULL ? content_refuse (fault, place, "a string or null is expected")
                                       : check_value (json_null (), field, place, fault);
}

static bool check_names (json_t *object, const struct field *fields, const char *const *others, const char *parent,
                         struct content_fault *fault)
{
    const char *name;
    json_t *value;
    json_object_foreach (object, name, value)
    {
        bool known = others && g_strv_contains (others, name);
        for (const struct field *f = fields; f->name && !known; f++) known = g_str_equal (f->name, name);
        g_autofree char *place = known ? NULL : json_pointer (parent, name);
        if (!known) return content_refuse (fault, place, "not a member that can be given");
    }
    return true;
}

static bool check_fields (json_t *object, const struct field *fields, const char *place, struct content_fault *fault)
{
    for (const struct field *f = fields; f->name; f++)
        if (!check_field (object, f, place, fault)) return false;
    return true;
}

static bool check_object (json_t *object, const struct field *fields, const char *place, struct content_fault *fault)
{
    if (!json_is_object (object)) return content_refuse (fault, place, "an object is expected");
    return check_names (object, fields, NULL, place, fault) && check_fields (object, fields, place, fault);
}

/* ---- what members say together ---- */

/* ids: of the options before, whose numbers go on: in cards, too, an answer means one option. */
static bool check_option (json_t *option, const char *place, GHashTable *ids, unsigned *n, struct content_fault *fault)
{
    const char *type = json_text (option, "type"), *id = json_text (option, "id");
    bool leads = content_leads (option), flow = type && g_str_equal (type, "flow");
    if ((leads || flow) && !json_is_string (json_object_get (option, "value"))) {
        g_autofree char *at = g_strconcat (place, "/value", NULL);
        return content_refuse (fault, at, "where an option of the type %s leads to is expected", type);
    }
    if (leads) return true;
    g_autofree char *number = g_strdup_printf ("%u", ++*n), *at = g_strconcat (place, "/id", NULL);
    return g_hash_table_add (ids, g_strdup (id ? id : number)) ||
           content_refuse (fault, at, "the ids of options differ; one without has its number");
}

static bool check_options (json_t *object, const char *parent, GHashTable *ids, unsigned *n, struct content_fault *fault)
{
    json_t *options = json_object_get (object, "options"), *option;
    size_t i, n_sections = 0;
    json_array_foreach (options, i, option)
    {
        g_autofree char *place = g_strdup_printf ("%s/options/%zu", parent, i);
        if (!check_option (option, place, ids, n, fault)) return false;
        n_sections += json_is_string (json_object_get (option, "section"));
        g_autofree char *at = g_strconcat (place, "/section", NULL);
        if (n_sections && n_sections != i + 1) return content_refuse (fault, at, "all options have a section, or none");
    }
    return true;
}

static bool check_choice (json_t *content, size_t n_files, struct content_fault *fault)
{
    (void) n_files;
    unsigned n = 0;
    g_autoptr (GHashTable) ids = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    return check_options (content, "", ids, &n, fault);
}

static bool check_cards (json_t *content, size_t n_files, struct content_fault *fault)
{
    unsigned n = 0;
    g_autoptr (GHashTable) ids = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get (content, "items"), i, item)
    {
        json_t *file = json_object_get (item, "file");
        g_autofree char *place = g_strdup_printf ("/items/%zu", i), *at = g_strconcat (place, "/file", NULL);
        if (json_is_integer (file) && (size_t) json_integer_value (file) >= n_files)
            return content_refuse (fault, at, "the place of a file among the attachments is expected, from 0");
        if (!check_options (item, place, ids, &n, fault)) return false;
    }
    return true;
}

static bool check_template (json_t *content, size_t n_files, struct content_fault *fault)
{
    (void) n_files;
    size_t i;
    json_t *button;
    json_array_foreach (json_object_get (content, "buttons"), i, button)
    {
        int n = json_is_string (json_object_get (button, "payload")) + json_is_string (json_object_get (button, "text")) +
                json_is_string (json_object_get (button, "coupon_code"));
        g_autofree char *place = g_strdup_printf ("/buttons/%zu", i);
        if (n != 1) return content_refuse (fault, place, "one of payload, text and coupon_code is expected");
    }
    return true;
}

static bool check_form (json_t *content, size_t n_files, struct content_fault *fault)
{
    (void) n_files;
    return json_is_string (json_object_get (content, "name")) || json_object_size (json_object_get (content, "data")) ||
           content_refuse (fault, "/data", "at least one member is expected");
}

static bool check_native (json_t *content, struct content_fault *fault)
{
    json_t *native = json_object_get (content, "native"), *value;
    const char *name;
    if (native && !json_is_null (native) && !json_is_object (native)) return content_refuse (fault, "/native", "an object is expected");
    json_object_foreach (native, name, value)
    {
        g_autofree char *place = json_pointer ("/native", name);
        if (!json_is_object (value)) return content_refuse (fault, place, "an object is expected");
    }
    return true;
}

static const struct kind {
    const char *name;
    const struct field *fields;
    size_t files_most;
    bool (*check) (json_t *content, size_t n_files, struct content_fault *fault); /* what the fields do not say; NULL: nothing */
} kinds[] = {
    {"text", text_fields, SIZE_MAX, NULL},
    {"media", media_fields, SIZE_MAX, NULL},
    {"location", location_fields, SIZE_MAX, NULL},
    {"contacts", contacts_fields, SIZE_MAX, NULL},
    {"choice", choice_fields, SIZE_MAX, check_choice},
    {"cards", cards_fields, SIZE_MAX, check_cards},
    {"template", template_fields, 1, check_template},
    {"reaction", reaction_fields, 0, NULL},
    {"form", form_fields, SIZE_MAX, check_form},
    {"event", event_fields, 0, NULL},
};

static const struct kind *find_kind (const json_t *content)
{
    const char *name = json_text (content, "kind");
    for (size_t i = 0; name && i < G_N_ELEMENTS (kinds); i++)
        if (g_str_equal (kinds[i].name, name)) return &kinds[i];
    return NULL;
}

bool content_check (json_t *content, size_t n_files, struct content_fault *fault)
{
    static const char *const others[] = {"kind", "native", NULL};
    const struct kind *kind = find_kind (content);
    if (!kind)
        return content_refuse (fault, "/kind", "kind is text, media, location, contacts, choice, cards, template, reaction, form or event");
    return check_names (content, kind->fields, others, "", fault) && check_fields (content, kind->fields, "", fault) &&
           (!kind->check || kind->check (content, n_files, fault)) && check_native (content, fault) &&
           (n_files <= kind->files_most ||
            content_refuse (fault, "/kind", "content of the kind %s has at most %zu files", kind->name, kind->files_most));
}
