/* SPDX-License-Identifier: Apache-2.0 */
#include "store/params.h"

#include <string.h>

/* Oids of pg_type.dat: fixed for ever, so they need no look-up. */
static const struct {
    const char *name;
    uint32_t scalar, array;
} types[] = {
    {"bool", 16, 1000}, {"bytea", 17, 1001},         {"int8", 20, 1016},   {"int4", 23, 1007},
    {"text", 25, 1009}, {"timestamptz", 1184, 1185}, {"uuid", 2950, 2951}, {"jsonb", 3802, 3807},
};

enum { BOOL, BYTEA, INT8, INT4, TEXT, TIMESTAMPTZ, UUID, JSONB };

params *params_new (unsigned n)
{
    params *p = g_new0 (params, 1);
    p->capacity = n;
    p->oids = g_new0 (uint32_t, n);
    p->offsets = g_new0 (size_t, n);
    p->lengths = g_new0 (int, n);
    p->null = g_new0 (bool, n);
    p->values = g_new0 (const char *, n);
    p->formats = g_new (int, n);
    for (unsigned i = 0; i < n; i++) p->formats[i] = 1;
    p->bytes = g_byte_array_sized_new (1024);
    return p;
}

void params_reset (params *p)
{
    p->n = 0;
    g_byte_array_set_size (p->bytes, 0);
}

void params_free (params *p)
{
    if (!p) return;
    g_free (p->oids);
    g_free (p->offsets);
    g_free (p->lengths);
    g_free (p->null);
    g_free (p->values);
    g_free (p->formats);
    g_byte_array_unref (p->bytes);
    g_free (p);
}

static size_t type_find (const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS (types); i++)
        if (g_str_equal (types[i].name, name)) return i;
    g_error ("no parameter type %s", name);
}

static void put (params *p, const void *data, size_t size)
{
    g_byte_array_append (p->bytes, data, (guint) size);
}

static void put_int32 (params *p, int32_t value)
{
    uint32_t wire = GUINT32_TO_BE ((uint32_t) value);
    put (p, &wire, sizeof wire);
}

static void put_int64 (params *p, int64_t value)
{
    uint64_t wire = GUINT64_TO_BE ((uint64_t) value);
    put (p, &wire, sizeof wire);
}

static void begin (params *p, uint32_t oid)
{
    g_assert (p->n < p->capacity);
    p->oids[p->n] = oid;
    p->offsets[p->n] = p->bytes->len;
    p->null[p->n] = false;
}

static void end (params *p)
{
    p->lengths[p->n] = (int) (p->bytes->len - p->offsets[p->n]);
    p->n++;
}

static void null (params *p, size_t type)
{
    begin (p, types[type].scalar);
    p->null[p->n] = true;
    end (p);
}

void params_null (params *p, const char *type)
{
    bool is_array = g_str_has_suffix (type, "[]");
    g_autofree char *element = g_strndup (type, strlen (type) - (is_array ? 2 : 0));
    size_t t = type_find (element);
    null (p, t);
    if (is_array) p->oids[p->n - 1] = types[t].array;
}

void params_int64 (params *p, int64_t value)
{
    begin (p, types[INT8].scalar);
    put_int64 (p, value);
    end (p);
}

void params_int32 (params *p, int32_t value)
{
    begin (p, types[INT4].scalar);
    put_int32 (p, value);
    end (p);
}

void params_bool (params *p, bool value)
{
    begin (p, types[BOOL].scalar);
    put (p, value ? "\1" : "\0", 1);
    end (p);
}

static void scalar (params *p, size_t type, const void *data, size_t size)
{
    if (!data) {
        null (p, type);
        return;
    }
    begin (p, types[type].scalar);
    if (type == JSONB) put (p, "\1", 1); /* the version that jsonb_recv expects */
    put (p, data, size);
    end (p);
}

void params_text (params *p, const char *text)
{
    scalar (p, TEXT, text, text ? strlen (text) : 0);
}

void params_json (params *p, const char *json)
{
    scalar (p, JSONB, json, json ? strlen (json) : 0);
}

void params_uuid (params *p, const struct id *id)
{
    scalar (p, UUID, id, 16);
}

void params_bytes (params *p, const void *data, size_t size)
{
    scalar (p, BYTEA, data ? data : "", size);
}

void params_time (params *p, int64_t at)
{
    if (!at) {
        null (p, TIMESTAMPTZ);
        return;
    }
    begin (p, types[TIMESTAMPTZ].scalar);
    put_int64 (p, at - EPOCH_SHIFT);
    end (p);
}

/* array_recv: dimensions, has-nulls, element type, length, lower bound, then length and bytes of each element. The length is filled in at the end. */
void params_array (params *p, const char *type)
{
    size_t t = type_find (type);
    begin (p, types[t].array);
    put_int32 (p, 1);
    put_int32 (p, 1);
    put_int32 (p, (int32_t) types[t].scalar);
    put_int32 (p, 0);
    put_int32 (p, 1);
    p->n_elements = 0;
}

void params_array_end (params *p)
{
    uint8_t *head = p->bytes->data + p->offsets[p->n];
    uint32_t count = GUINT32_TO_BE (p->n_elements);
    memcpy (head + 12, &count, sizeof count);
    if (!p->n_elements) { /* an empty array has no dimension */
        memset (head, 0, 4);
        g_byte_array_set_size (p->bytes, (guint) p->offsets[p->n] + 12);
    }
    end (p);
}

void array_int64 (params *p, int64_t value)
{
    put_int32 (p, 8);
    put_int64 (p, value);
    p->n_elements++;
}

void array_int32 (params *p, int32_t value)
{
    put_int32 (p, 4);
    put_int32 (p, value);
    p->n_elements++;
}

void array_bool (params *p, bool value)
{
    put_int32 (p, 1);
    put (p, value ? "\1" : "\0", 1);
    p->n_elements++;
}

void array_bytes (params *p, const void *data, size_t size)
{
    put_int32 (p, data ? (int32_t) size : -1);
    if (data) put (p, data, size);
    p->n_elements++;
}

void array_text (params *p, const char *text)
{
    array_bytes (p, text, text ? strlen (text) : 0);
}

void array_json (params *p, const char *json)
{
    if (!json) {
        array_bytes (p, NULL, 0);
        return;
    }
    size_t size = strlen (json);
    put_int32 (p, (int32_t) size + 1);
    put (p, "\1", 1);
    put (p, json, size);
    p->n_elements++;
}

void array_uuid (params *p, const struct id *id)
{
    array_bytes (p, id, 16);
}

void array_time (params *p, int64_t at)
{
    if (!at) {
        array_bytes (p, NULL, 0);
        return;
    }
    put_int32 (p, 8);
    put_int64 (p, at - EPOCH_SHIFT);
    p->n_elements++;
}
