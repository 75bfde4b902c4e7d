/* SPDX-License-Identifier: Apache-2.0 */
#include "base/signature.h"

#include <string.h>

static GHmac *hmac_of (GChecksumType type, const char *key, const char *message)
{
    GHmac *hmac = signature_start (type, key);
    g_hmac_update (hmac, (const guchar *) message, (gssize) strlen (message));
    return hmac;
}

/* RFC 2202 §3, case 2. */
static void sha1_as_published (void)
{
    char text[SIGNATURE_TEXT_SIZE];
    signature_hex (hmac_of (G_CHECKSUM_SHA1, "Jefe", "what do ya want for nothing?"), text);
    g_assert_cmpstr (text, ==, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    signature_base64 (hmac_of (G_CHECKSUM_SHA1, "Jefe", "what do ya want for nothing?"), text);
    g_assert_cmpstr (text, ==, "7/zfauXrL6LSdBbV8YTfnCWafHk=");
}

/* RFC 4231 §4.3. */
static void sha256_as_published (void)
{
    char text[SIGNATURE_TEXT_SIZE];
    signature_hex (hmac_of (G_CHECKSUM_SHA256, "Jefe", "what do ya want for nothing?"), text);
    g_assert_cmpstr (text, ==, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    signature_base64 (hmac_of (G_CHECKSUM_SHA256, "Jefe", "what do ya want for nothing?"), text);
    g_assert_cmpstr (text, ==, "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=");
}

/* RFC 2202 §3, case 6: a key longer than a block. */
static void long_keys_are_hashed (void)
{
    char key[81], text[SIGNATURE_TEXT_SIZE];
    memset (key, 0xaa, 80);
    key[80] = '\0';
    signature_hex (hmac_of (G_CHECKSUM_SHA1, key, "Test Using Larger Than Block-Size Key - Hash Key First"), text);
    g_assert_cmpstr (text, ==, "aa4ae5e15272d00e95705637ce8a3b55ed402112");
}

static void body_hash (void)
{
    char text[SIGNATURE_TEXT_SIZE];
    signature_sha256_hex ("", 0, text);
    g_assert_cmpstr (text, ==, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    static const char body[] = "{\"property\": \"value\", \"boolean\": true}";
    signature_sha256_hex (body, strlen (body), text);
    g_assert_cmpstr (text, ==, "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620");
}

static void equal_is_equal_only (void)
{
    g_assert_true (signature_equal ("", ""));
    g_assert_true (signature_equal ("RSOYDt4T", "RSOYDt4T"));
    g_assert_false (signature_equal ("RSOYDt4T", "RSOYDt4t"));
    g_assert_false (signature_equal ("RSOYDt4T", "rSOYDt4T"));
    g_assert_false (signature_equal ("RSOYDt4T", "RSOYDt4"));
    g_assert_false (signature_equal ("RSOYDt4T", "RSOYDt4TT"));
    g_assert_false (signature_equal ("RSOYDt4T", ""));
    g_assert_false (signature_equal ("a\x80", "a\x81"));
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/signature/HMAC-SHA1 is as published", sha1_as_published);
    g_test_add_func ("/signature/HMAC-SHA256 is as published", sha256_as_published);
    g_test_add_func ("/signature/keys longer than a block are hashed", long_keys_are_hashed);
    g_test_add_func ("/signature/SHA-256 of a body", body_hash);
    g_test_add_func ("/signature/equal texts are equal and no others", equal_is_equal_only);
    return g_test_run ();
}
