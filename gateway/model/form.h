/* SPDX-License-Identifier: Apache-2.0
 *
 * application/x-www-form-urlencoded (WHATWG URL §5.1), decoded to a flat list: order and repeated names are kept. Names and values may
 * hold any byte, NUL too, hence the lengths; each is also closed by a NUL that its length does not count. Percent signs that begin no
 * escape stand for themselves. Pieces between two '&' that are empty are no field.
 *
 *     struct form form;
 *     if (form_parse (bytes, length, 1000, &form)) … form_find (&form, "Body") …
 *     form_clear (&form);
 */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

struct form_field {
    const char *name;
    size_t name_length;
    const char *value;
    size_t value_length;
};

/* Owns the bytes that its fields point into. */
struct form {
    struct form_field *fields;
    size_t n_fields;
    char *bytes;
};
#define FORM_INIT \
    { \
        NULL, 0, NULL \
    }

/* False: more than max_fields fields; form stays empty. */
bool form_parse (const char *bytes, size_t length, size_t max_fields, struct form *form);

/* The first field of that name; NULL where there is none. */
const struct form_field *form_find (const struct form *form, const char *name);

/* Leaves an empty form. */
void form_clear (struct form *form);

/* Appends "name=value&…" as JavaScript's querystring.stringify writes it: fields of one name stand together where the first stood. */
void form_format (const struct form *form, GString *out);
