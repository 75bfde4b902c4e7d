/* SPDX-License-Identifier: Apache-2.0 */
#include "base/signature.h"

#include <sodium.h>
#include <stdint.h>
#include <string.h>

enum { DIGEST_MAX = 32 };

GHmac *signature_start (GChecksumType type, const char *key)
{
    g_assert (type == G_CHECKSUM_SHA1 || type == G_CHECKSUM_SHA256);
    return g_hmac_new (type, (const guchar *) key, strlen (key));
}

static void to_hex (const uint8_t *digest, size_t length, char *text)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < length; i++) {
        *text++ = digits[digest[i] >> 4];
        *text++ = digits[digest[i] & 15];
    }
    *text = '\0';
}

static size_t finish (GHmac *hmac, uint8_t digest[DIGEST_MAX])
{
    gsize length = DIGEST_MAX;
    g_hmac_get_digest (hmac, digest, &length);
    g_hmac_unref (hmac);
    return length;
}

void signature_base64 (GHmac *hmac, char text[SIGNATURE_TEXT_SIZE])
{
    uint8_t digest[DIGEST_MAX];
    size_t length = finish (hmac, digest);
    int state = 0, save = 0;
    size_t n = g_base64_encode_step (digest, length, FALSE, text, &state, &save);
    n += g_base64_encode_close (FALSE, text + n, &state, &save);
    text[n] = '\0';
}

void signature_hex (GHmac *hmac, char text[SIGNATURE_TEXT_SIZE])
{
    uint8_t digest[DIGEST_MAX];
    size_t length = finish (hmac, digest);
    to_hex (digest, length, text);
}

void signature_sha256 (const void *bytes, size_t length, uint8_t digest[32])
{
    crypto_hash_sha256 (digest, bytes, length);
}

void signature_sha256_hex (const void *bytes, size_t length, char text[SIGNATURE_TEXT_SIZE])
{
    uint8_t digest[DIGEST_MAX];
    signature_sha256 (bytes, length, digest);
    to_hex (digest, DIGEST_MAX, text);
}

bool signature_equal (const char *expected, const char *given)
{
    size_t length = strlen (expected);
    if (strlen (given) != length) return false;
    /* volatile: the compiler may not leave the loop at the first difference */
    volatile uint8_t difference = 0;
    for (size_t i = 0; i < length; i++) difference |= (uint8_t) (expected[i] ^ given[i]);
    return difference == 0;
}
