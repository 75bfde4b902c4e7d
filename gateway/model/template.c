/* SPDX-License-Identifier: Apache-2.0 */
#include "model/template.h"

#include <string.h>

/* Providers write types in capitals, and some do not. */
static bool is (const json_t *object, const char *name, const char *word)
{
    const char *value = json_text (object, name);
    return value && g_ascii_strcasecmp (value, word) == 0;
}

static const json_t *find_component (const json_t *components, const char *type)
{
    size_t i;
    json_t *component;
    json_array_foreach (components, i, component) if (is (component, "type", type)) return component;
    return NULL;
}

/* The next {{name}} of text from at: its name, a new string, *at behind it. NULL: there is none. */
static char *next_place (const char **at, const char **before)
{
    const char *open = strstr (*at, "{{"), *close = open ? strstr (open, "}}") : NULL;
    if (!close) return NULL;
    *before = open;
    *at = close + 2;
    return g_strstrip (g_strndup (open + 2, (gsize) (close - open - 2)));
}

/* The names of a text's places, each once, in their order. */
static GPtrArray *places_of (const char *text)
{
    GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
    const char *at = text ? text : "", *before;
    char *name;
    while ((name = next_place (&at, &before))) {
        if (*name && !g_ptr_array_find_with_equal_func (names, name, g_str_equal, NULL))
            g_ptr_array_add (names, name);
        else
            g_free (name);
    }
    return names;
}

static bool is_counted (const GPtrArray *names)
{
    for (guint i = 0; i < names->len; i++)
        if (strspn (names->pdata[i], "0123456789") != strlen (names->pdata[i])) return false;
    return true;
}

/* ---- check ---- */

static bool check_counted (size_t n, const json_t *params, struct content_fault *fault)
{
    size_t given = json_array_size (params);
    if (json_is_object (params))
        return content_refuse (fault, "/params", "the template counts its parameters: a list of %zu is expected", n);
    if (given == n) return true;
    g_autofree char *place = g_strdup_printf ("/params/%zu", MIN (given, n));
    return given < n ? content_refuse (fault, place, "the template has %zu parameters: this one is missing", n)
                     : content_refuse (fault, place, "the template has %zu parameters: this one is too many", n);
}

static bool check_named (GPtrArray *names, json_t *params, struct content_fault *fault)
{
    if (json_array_size (params)) return content_refuse (fault, "/params", "the template names its parameters: an object is expected");
    for (guint i = 0; i < names->len; i++) {
        json_t *value = json_object_get (params, names->pdata[i]);
        g_autofree char *place = json_pointer ("/params", names->pdata[i]);
        if (!value || json_is_null (value)) return content_refuse (fault, place, "this parameter of the template is missing");
    }
    const char *name;
    json_t *value;
    json_object_foreach (params, name, value)
    {
        g_autofree char *place = json_pointer ("/params", name);
        if (!g_ptr_array_find_with_equal_func (names, name, g_str_equal, NULL))
            return content_refuse (fault, place, "the template has no such parameter");
    }
    return true;
}

static bool check_params (const json_t *components, json_t *params, struct content_fault *fault)
{
    g_autoptr (GPtrArray) names = places_of (json_text (find_component (components, "BODY"), "text"));
    if (!names->len && !json_array_size (params) && !json_object_size (params)) return true;
    return is_counted (names) ? check_counted (names->len, params, fault) : check_named (names, params, fault);
}

/* A text where the header has a place for one, a file where it shows one. */
static bool check_header (const json_t *components, const json_t *content, size_t n_files, struct content_fault *fault)
{
    const json_t *header = find_component (components, "HEADER");
    g_autoptr (GPtrArray) names = places_of (json_text (header, "text"));
    bool file = is (header, "format", "IMAGE") || is (header, "format", "VIDEO") || is (header, "format", "DOCUMENT");
    bool given = json_text (content, "header") != NULL;
    if (names->len && !given) return content_refuse (fault, "/header", "the parameter of the template's header is missing");
    if (!names->len && given) return content_refuse (fault, "/header", "the template's header has no parameter");
    if (file && !n_files) {
        g_autofree char *kind = g_ascii_strdown (json_text (header, "format"), -1);
        return content_refuse (fault, "/header", "the template's header shows a file: an attachment (%s) is expected", kind);
    }
    return file || !n_files || content_refuse (fault, "/header", "the template's header shows no file");
}

/* What a button of the template asks for: a member of ours, or NULL. A payload may be left out. */
static const char *asked (const json_t *button, bool *required)
{
    g_autoptr (GPtrArray) names = places_of (json_text (button, "url"));
    *required = true;
    if (is (button, "type", "COPY_CODE") || is (button, "type", "OTP")) return is (button, "type", "OTP") ? "text" : "coupon_code";
    if (is (button, "type", "URL")) return names->len ? "text" : NULL;
    *required = false;
    return is (button, "type", "QUICK_REPLY") ? "payload" : NULL;
}

/* The first of those given for the button at index; their number: there is none. */
static size_t button_given (const json_t *given, size_t index)
{
    size_t i;
    json_t *one;
    json_array_foreach (given, i, one) if (json_integer_value (json_object_get (one, "index")) == (json_int_t) index) return i;
    return i;
}

/* Each one given is one that the template has, once, and has the member that is asked for. */
static bool check_given (const json_t *buttons, const json_t *given, struct content_fault *fault)
{
    size_t i;
    json_t *one;
    json_array_foreach (given, i, one)
    {
        size_t index = (size_t) json_integer_value (json_object_get (one, "index"));
        const json_t *button = json_array_get (buttons, index);
        g_autofree char *place = g_strdup_printf ("/buttons/%zu/index", i), *at = g_strdup_printf ("/buttons/%zu", i);
        if (!button) return content_refuse (fault, place, "the template has %zu buttons, counted from 0", json_array_size (buttons));
        if (button_given (given, index) != i) return content_refuse (fault, place, "this button is given already");
        bool required;
        const char *member = asked (button, &required);
        const char *type = json_text (button, "type");
        if (!member && type && strstr ("URL PHONE_NUMBER", type))
            return content_refuse (fault, at, "this button of the template has no parameter");
        if (member && !json_text (one, member)) return content_refuse (fault, at, "this button of the template takes %s", member);
    }
    return true;
}

static bool check_buttons (const json_t *components, const json_t *given, struct content_fault *fault)
{
    const json_t *buttons = json_object_get (find_component (components, "BUTTONS"), "buttons");
    size_t i;
    json_t *button;
    json_array_foreach (buttons, i, button)
    {
        bool required;
        const char *member = asked (button, &required);
        if (member && required && button_given (given, i) == json_array_size (given))
            return content_refuse (fault, "/buttons", "the parameter of the template's button %zu is missing: %s", i, member);
    }
    return check_given (buttons, given, fault);
}

bool template_check (const json_t *components, const json_t *content, size_t n_files, struct content_fault *fault)
{
    return check_params (components, json_object_get (content, "params"), fault) && check_header (components, content, n_files, fault) &&
           check_buttons (components, json_object_get (content, "buttons"), fault);
}

/* ---- words ---- */

/* A counted or named value; NULL: it is not given. */
static const json_t *value_of (const json_t *params, const char *name)
{
    if (json_is_object (params)) return json_object_get (params, name);
    guint64 number = g_ascii_strtoull (name, NULL, 10);
    return number ? json_array_get (params, (size_t) number - 1) : NULL;
}

static void add_value (GString *text, const json_t *value, const char *from, const char *to)
{
    if (json_is_string (value))
        g_string_append (text, json_string_value (value));
    else if (json_is_integer (value))
        g_string_append_printf (text, "%" JSON_INTEGER_FORMAT, json_integer_value (value));
    else if (json_is_real (value))
        g_string_append_printf (text, "%.15g", json_real_value (value));
    else
        g_string_append_len (text, from, to - from);
}

static void add_filled (GString *out, const char *text, const json_t *params, const json_t *sole)
{
    if (!text) return;
    if (out->len) g_string_append_c (out, '\n');
    const char *at = text, *last = text, *before;
    char *name;
    while ((name = next_place (&at, &before))) {
        g_string_append_len (out, last, before - last);
        add_value (out, sole ? sole : value_of (params, name), before, at);
        last = at;
        g_free (name);
    }
    g_string_append (out, last);
}

char *template_plain (const json_t *components, const json_t *content)
{
    const char *body = json_text (find_component (components, "BODY"), "text");
    if (!body) return NULL;
    GString *text = g_string_new (NULL);
    add_filled (text, json_text (find_component (components, "HEADER"), "text"), NULL, json_object_get (content, "header"));
    add_filled (text, body, json_object_get (content, "params"), NULL);
    add_filled (text, json_text (find_component (components, "FOOTER"), "text"), NULL, NULL);
    return g_string_free (text, FALSE);
}
