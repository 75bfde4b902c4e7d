/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/cursor.h"

#include "base/base64url.h"

#include <glib.h>
#include <string.h>

#define VERSION 1
#define LENGTH_MOST 400
#define N_CHECK 8

static void check (const char *row_key, size_t length, const uint8_t key_hash[32], const char *filter, uint8_t sum[32])
{
    gsize size = 32;
    GHmac *hmac = g_hmac_new (G_CHECKSUM_SHA256, key_hash, 32);
    g_hmac_update (hmac, (const guchar *) "cursor ", -1);
    g_hmac_update (hmac, (const guchar *) filter, (gssize) strlen (filter) + 1);
    g_hmac_update (hmac, (const guchar *) row_key, (gssize) length);
    g_hmac_get_digest (hmac, sum, &size);
    g_hmac_unref (hmac);
}

char *cursor_format (const char *row_key, const uint8_t key_hash[32], const char *filter)
{
    uint8_t sum[32], version = VERSION;
    check (row_key, strlen (row_key), key_hash, filter, sum);
    g_autoptr (GByteArray) bytes = g_byte_array_new ();
    g_byte_array_append (bytes, &version, 1);
    g_byte_array_append (bytes, sum, N_CHECK);
    g_byte_array_append (bytes, (const guint8 *) row_key, (guint) strlen (row_key));
    return base64url_format (bytes->data, bytes->len);
}

char *cursor_parse (const char *cursor, const uint8_t key_hash[32], const char *filter)
{
    size_t size;
    g_autofree uint8_t *bytes = strlen (cursor) > LENGTH_MOST ? NULL : base64url_parse (cursor, &size);
    if (!bytes || size <= 1 + N_CHECK || bytes[0] != VERSION || memchr (bytes + 1 + N_CHECK, '\0', size - 1 - N_CHECK)) return NULL;
    const char *row_key = (const char *) bytes + 1 + N_CHECK;
    uint8_t sum[32];
    check (row_key, size - 1 - N_CHECK, key_hash, filter, sum);
    return memcmp (sum, bytes + 1, N_CHECK) == 0 ? g_strndup (row_key, size - 1 - N_CHECK) : NULL;
}
