/* SPDX-License-Identifier: Apache-2.0
 *
 * What all that is received is read with: members of Meta's objects, and a count of what was met.
 */
#include "model/address.h"
#include "whatsapp.h"

#include <string.h>

const char *whatsapp_text (const json_t *object, const char *name)
{
    const char *text = json_text (object, name);
    return text == NULL || text[0] == '\0' ? NULL : text;
}

const char *whatsapp_id (const json_t *object, const char *name)
{
    const char *id = whatsapp_text (object, name);
    size_t n = 0;
    while (id != NULL && n <= GIVEN_ID_MOST && g_ascii_isgraph (id[n])) n++;
    return id == NULL || id[n] != '\0' ? NULL : id;
}

int64_t whatsapp_time (const json_t *object, const char *name)
{
    const int64_t end_of_time = INT64_C (253402300800); /* the year 10000 */
    const int64_t first_of_milliseconds = INT64_C (1000000000000);
    const json_t *value = json_object_get (object, name);
    guint64 time = 0;
    if (json_is_integer (value)) time = (guint64) MAX (json_integer_value (value), 0);
    if (json_is_string (value)) g_ascii_string_to_unsigned (json_string_value (value), 10, 0, G_MAXINT64, &time, NULL);
    if ((int64_t) time < first_of_milliseconds) return (int64_t) time < end_of_time ? (int64_t) time * G_USEC_PER_SEC : 0;
    return (int64_t) time < end_of_time * 1000 ? (int64_t) time * 1000 : 0;
}

char *whatsapp_cut (const char *text, size_t most)
{
    if (text == NULL || strlen (text) <= most) return g_strdup (text);
    return g_strndup (text, (gsize) (g_utf8_find_prev_char (text, text + most + 1) - text));
}

char *whatsapp_address (const char *id)
{
    if (id == NULL) return NULL;
    g_autofree char *address = g_strconcat ("whatsapp:", id, NULL);
    return address_phone (address, strlen (address), NULL, 0);
}

void whatsapp_add_address (GPtrArray *addresses, const char *id)
{
    char *address = whatsapp_address (id);
    if (address == NULL || g_ptr_array_find_with_equal_func (addresses, address, g_str_equal, NULL))
        g_free (address);
    else
        g_ptr_array_add (addresses, address);
}

char *whatsapp_sha256 (const char *text)
{
    enum { HEX_LENGTH = 64, BASE64_LENGTH = 44, DIGEST_LENGTH = 32 };
    if (text == NULL) return NULL;
    if (strlen (text) == HEX_LENGTH && strspn (text, "0123456789abcdefABCDEF") == HEX_LENGTH) return g_ascii_strdown (text, -1);
    if (strlen (text) != BASE64_LENGTH) return NULL;
    gsize length;
    g_autofree guchar *digest = g_base64_decode (text, &length);
    if (length != DIGEST_LENGTH) return NULL;
    GString *hex = g_string_sized_new (HEX_LENGTH);
    for (gsize i = 0; i < length; i++) g_string_append_printf (hex, "%02x", digest[i]);
    return g_string_free (hex, FALSE);
}

bool whatsapp_count (struct reading *reading)
{
    return ++reading->n_items <= ITEMS_MOST;
}

void whatsapp_missed (struct reading *reading, const char *reason)
{
    if (reading->reason == NULL) reading->reason = reason;
}
