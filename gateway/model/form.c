/* SPDX-License-Identifier: Apache-2.0 */
#include "model/form.h"

#include <string.h>

/* Decodes [from, end) to out, which is never ahead of from, and closes it with a NUL. Returns the length. */
static size_t decode (const char *from, const char *end, char *out)
{
    char *start = out;
    while (from < end) {
        int high, low;
        if (*from == '+') {
            *out++ = ' ';
            from++;
        } else if (*from == '%' && end - from >= 3 && (high = g_ascii_xdigit_value (from[1])) >= 0 &&
                   (low = g_ascii_xdigit_value (from[2])) >= 0) {
            *out++ = (char) (high << 4 | low);
            from += 3;
        } else {
            *out++ = *from++;
        }
    }
    *out = '\0';
    return (size_t) (out - start);
}

static size_t count_fields (const char *bytes, size_t length)
{
    size_t n = 0;
    for (const char *at = bytes, *end = bytes + length, *next; at < end; at = next + 1) {
        next = memchr (at, '&', (size_t) (end - at));
        if (next == NULL) next = end;
        n += next > at;
    }
    return n;
}

bool form_parse (const char *bytes, size_t length, size_t max_fields, struct form *form)
{
    *form = (struct form) FORM_INIT;
    if (length == 0) return true;
    size_t n = count_fields (bytes, length);
    if (n > max_fields) return false;
    form->fields = g_new (struct form_field, n + 1);
    /* a decoded name or value is no longer than it was, and '=' or '&' leaves room for its NUL; the last value takes the one byte more */
    char *out = form->bytes = g_malloc (length + 1);
    for (const char *at = bytes, *end = bytes + length, *next; at < end; at = next + 1) {
        next = memchr (at, '&', (size_t) (end - at));
        if (next == NULL) next = end;
        if (next == at) continue;
        struct form_field *field = &form->fields[form->n_fields++];
        const char *equals = memchr (at, '=', (size_t) (next - at));
        field->name = out;
        field->name_length = decode (at, equals == NULL ? next : equals, out);
        out += field->name_length;
        field->value = out; /* without '=': the NUL of the name is the empty value */
        field->value_length = 0;
        if (equals != NULL) {
            field->value = ++out;
            field->value_length = decode (equals + 1, next, out);
            out += field->value_length;
        }
        out++;
    }
    return true;
}

const struct form_field *form_find (const struct form *form, const char *name)
{
    size_t length = strlen (name);
    for (size_t i = 0; i < form->n_fields; i++)
        if (form->fields[i].name_length == length && memcmp (form->fields[i].name, name, length) == 0) return &form->fields[i];
    return NULL;
}

void form_clear (struct form *form)
{
    g_free (form->fields);
    g_free (form->bytes);
    *form = (struct form) FORM_INIT;
}

static void append_escaped (GString *out, const char *bytes, size_t length)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char) bytes[i];
        if (g_ascii_isalnum (bytes[i]) || (byte != 0 && strchr ("-_.!~*'()", byte) != NULL)) {
            g_string_append_c (out, bytes[i]);
        } else {
            char escape[3] = {'%', digits[byte >> 4], digits[byte & 15]};
            g_string_append_len (out, escape, 3);
        }
    }
}

static bool same_name (const struct form_field *a, const struct form_field *b)
{
    return a->name_length == b->name_length && memcmp (a->name, b->name, a->name_length) == 0;
}

static void append_field (GString *out, size_t start, const struct form_field *field)
{
    if (out->len > start) g_string_append_c (out, '&');
    append_escaped (out, field->name, field->name_length);
    g_string_append_c (out, '=');
    append_escaped (out, field->value, field->value_length);
}

void form_format (const struct form *form, GString *out)
{
    size_t start = out->len;
    for (size_t i = 0; i < form->n_fields; i++) {
        bool repeated = false;
        for (size_t j = 0; j < i && !repeated; j++) repeated = same_name (&form->fields[i], &form->fields[j]);
        if (repeated) continue;
        append_field (out, start, &form->fields[i]);
        for (size_t j = i + 1; j < form->n_fields; j++)
            if (same_name (&form->fields[i], &form->fields[j])) append_field (out, start, &form->fields[j]);
    }
}
