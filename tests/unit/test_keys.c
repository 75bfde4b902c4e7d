/* SPDX-License-Identifier: Apache-2.0 */
#include "base/keys.h"

#include <glib.h>
#include <string.h>

static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static void test_made_keys_have_the_form (void)
{
    g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    for (int i = 0; i < 1000; i++) {
        char key[KEY_TEXT_SIZE];
        key_make (key);
        g_assert_cmpuint (strlen (key), ==, 39);
        g_assert_true (g_str_has_prefix (key, "sb_"));
        g_assert_cmpuint (strspn (key + 3, digits), ==, 36);
        g_assert_true (key_check (key));
        g_assert_true (g_hash_table_add (seen, g_strdup (key)));
    }
}

/* Whatever else is at these places would be noticed: thirty random digits use all of them soon. */
static void test_every_digit_is_drawn (void)
{
    bool drawn[256] = {false};
    for (int i = 0; i < 200; i++) {
        char key[KEY_TEXT_SIZE];
        key_make (key);
        for (int n = 3; n < 33; n++) drawn[(unsigned char) key[n]] = true;
    }
    for (const char *digit = digits; *digit; digit++) g_assert_true (drawn[(unsigned char) *digit]);
}

/* Computed by Python's zlib.crc32; the first sum is small enough to need a zero in front. */
static void test_known_sums (void)
{
    g_assert_true (key_check ("sb_00000000000000000000000000003S000Z7V"));
    g_assert_true (key_check ("sb_SwitchboardKeyForTheUnitTest010lMM2D"));
}

static void test_one_wrong_digit_is_noticed (void)
{
    char key[KEY_TEXT_SIZE];
    key_make (key);
    for (size_t i = 0; i < strlen (key); i++) {
        char right = key[i];
        for (const char *digit = digits; *digit; digit++) {
            key[i] = *digit;
            g_assert_cmpint (key_check (key), ==, *digit == right);
        }
        key[i] = right;
    }
}

static void test_other_texts_are_no_keys (void)
{
    char key[KEY_TEXT_SIZE];
    key_make (key);
    g_autofree char *longer = g_strconcat (key, "0", NULL), *spaced = g_strconcat (key, " ", NULL), *before = g_strconcat (" ", key, NULL);
    g_autofree char *shorter = g_strndup (key, strlen (key) - 1);
    const char *const others[] = {
        "",
        "sb_",
        "sb",
        longer,
        spaced,
        before,
        shorter,
        "sb_------------------------------000000",
        "sb_\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
        "000000"};
    for (size_t i = 0; i < G_N_ELEMENTS (others); i++) g_assert_false (key_check (others[i]));
}

/* FIPS 180-2, the message "abc". */
static void test_hash_is_sha256 (void)
{
    static const uint8_t expected[32] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
                                         0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    uint8_t hash[32];
    key_hash ("abc", hash);
    g_assert_cmpmem (hash, sizeof hash, expected, sizeof expected);
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/keys/made keys have the form", test_made_keys_have_the_form);
    g_test_add_func ("/keys/every digit is drawn", test_every_digit_is_drawn);
    g_test_add_func ("/keys/known sums", test_known_sums);
    g_test_add_func ("/keys/one wrong digit is noticed", test_one_wrong_digit_is_noticed);
    g_test_add_func ("/keys/other texts are no keys", test_other_texts_are_no_keys);
    g_test_add_func ("/keys/hash is SHA-256", test_hash_is_sha256);
    return g_test_run ();
}
