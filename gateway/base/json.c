/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <string.h>

G_DEFINE_QUARK (json - fault, json_fault)

/* jansson recurses up to 2,048 levels; ours is checked before, outside of strings. What is no JSON at all is left to jansson. */
static bool too_deep (const char *data, size_t length)
{
    unsigned depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < length; i++) {
        char c = data[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '{' || c == '[') && ++depth > JSON_DEPTH_MOST)
            return true;
        else if (!quoted && (c == '}' || c == ']') && depth)
            depth--;
    }
    return false;
}

/* Our own words, for jansson's quote the text. */
static const char *reason (enum json_error_code code)
{
    switch (code) {
    case json_error_premature_end_of_input: return "it ends too early";
    case json_error_end_of_input_expected: return "something follows its end";
    case json_error_invalid_utf8: return "a string is not UTF-8";
    case json_error_duplicate_key: return "a member is given twice";
    case json_error_numeric_overflow: return "a number is too large";
    case json_error_null_character:
    case json_error_null_byte_in_key: return "a string holds a NUL character";
    default: return "it is not well formed";
    }
}

json_t *json_parse_text (const char *data, size_t length, GError **error)
{
    if (length > JSON_BYTES_MOST) {
        g_set_error (error, JSON_FAULT, JSON_FAULT_LIMIT, "could not read JSON: it is larger than %d bytes", JSON_BYTES_MOST);
        return NULL;
    }
    if (too_deep (data, length)) {
        g_set_error (error, JSON_FAULT, JSON_FAULT_LIMIT, "could not read JSON: it is nested more than %d levels deep", JSON_DEPTH_MOST);
        return NULL;
    }
    json_error_t fault;
    json_t *value = json_loadb (length ? data : "", length, JSON_REJECT_DUPLICATES, &fault);
    if (!value)
        g_set_error (error, JSON_FAULT, JSON_FAULT_SYNTAX, "could not read JSON: %s (line %d, column %d)",
                     reason (json_error_code (&fault)), fault.line, fault.column);
    return value;
}

char *json_pointer (const char *parent, const char *name)
{
    GString *pointer = g_string_new (parent);
    g_string_append_c (pointer, '/');
    for (const char *c = name; *c; c++) {
        if (*c == '~')
            g_string_append (pointer, "~0");
        else if (*c == '/')
            g_string_append (pointer, "~1");
        else
            g_string_append_c (pointer, *c);
    }
    return g_string_free (pointer, FALSE);
}

bool json_only (json_t *object, const char *const *names, char **pointer)
{
    if (!json_is_object (object)) {
        *pointer = g_strdup ("");
        return false;
    }
    const char *name;
    json_t *value;
    json_object_foreach (object, name, value)
    {
        if (!g_strv_contains (names, name)) {
            *pointer = json_pointer ("", name);
            return false;
        }
    }
    return true;
}

static bool is_type (const json_t *value, json_type type)
{
    switch (type) {
    case JSON_TRUE:
    case JSON_FALSE: return json_is_boolean (value);
    case JSON_REAL: return json_is_number (value);
    default: return json_typeof (value) == type;
    }
}

bool json_member (json_t *object, const char *name, json_type type, bool required, json_t **value, char **pointer)
{
    json_t *found = json_object_get (object, name);
    if (json_is_null (found)) found = NULL;
    *value = found;
    if (found ? is_type (found, type) : !required) return true;
    *value = NULL;
    *pointer = json_pointer ("", name);
    return false;
}

void json_quote (GString *out, const char *text)
{
    g_string_append_c (out, '"');
    for (const char *from = text, *at = text;; at++) {
        unsigned char c = (unsigned char) *at;
        if (c >= 0x20 && c != 0x7f && c != '"' && c != '\\') continue;
        g_string_append_len (out, from, at - from);
        from = at + 1;
        if (c == '\0') break;
        g_string_append_c (out, '\\');
        if (c == '"' || c == '\\')
            g_string_append_c (out, (char) c);
        else if (c == '\n')
            g_string_append_c (out, 'n');
        else if (c == '\r')
            g_string_append_c (out, 'r');
        else if (c == '\t')
            g_string_append_c (out, 't');
        else
            g_string_append_printf (out, "u%04x", c);
    }
    g_string_append_c (out, '"');
}

const char *json_text (const json_t *object, const char *name)
{
    return json_string_value (json_object_get (object, name));
}

static int append (const char *bytes, size_t length, void *out)
{
    g_string_append_len (out, bytes, (gssize) length);
    return 0;
}

char *json_write (const json_t *value)
{
    GString *out = g_string_sized_new (256);
    json_dump_callback (value, append, out, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION (15));
    return g_string_free (out, FALSE);
}
