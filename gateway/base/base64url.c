/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64url.h"

#include <glib.h>
#include <sodium.h>
#include <string.h>

#define FORM sodium_base64_VARIANT_URLSAFE_NO_PADDING

char *base64url_format (const void *bytes, size_t length)
{
    size_t size = sodium_base64_encoded_len (length, FORM);
    return sodium_bin2base64 (g_malloc (size), size, bytes, length, FORM);
}

void *base64url_parse (const char *text, size_t *length)
{
    size_t most = strlen (text) / 4 * 3 + 3;
    unsigned char *bytes = g_malloc (most);
    if (sodium_base642bin (bytes, most, text, strlen (text), NULL, length, NULL, FORM) == 0) return bytes;
    g_free (bytes);
    return NULL;
}
