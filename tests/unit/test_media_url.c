/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/media_url.h"

#include <string.h>

#define NOW INT64_C (1795494525123456)

static const struct id file = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

static GBytes *secret_of (char byte)
{
    char bytes[48];
    memset (bytes, byte, sizeof bytes);
    return g_bytes_new (bytes, sizeof bytes);
}

static bool opens (GBytes *secret, const char *token, int64_t now)
{
    int64_t account = -1;
    struct id id = {{0}};
    bool opened = media_url_check (secret, token, now, &account, &id);
    g_assert_cmpint (account, ==, opened ? 7 : -1);
    if (opened) g_assert_cmpmem (id.bytes, 16, file.bytes, 16);
    return opened;
}

static void test_a_token_opens_its_file (void)
{
    g_autoptr (GBytes) secret = secret_of ('a');
    g_autofree char *token = media_url_make (secret, 7, &file, NOW + 1);
    g_assert_cmpuint (strlen (token), ==, 64);
    g_assert_cmpuint (strspn (token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), ==, 64);
    g_assert_true (opens (secret, token, NOW));
}

static void test_until_it_expires (void)
{
    g_autoptr (GBytes) secret = secret_of ('a');
    g_autofree char *token = media_url_make (secret, 7, &file, NOW);
    g_assert_true (opens (secret, token, NOW - 1));
    g_assert_false (opens (secret, token, NOW));
    g_assert_false (opens (secret, token, INT64_MAX));
}

static void test_whoever_changes_anything_has_none (void)
{
    g_autoptr (GBytes) secret = secret_of ('a'), other = secret_of ('b');
    g_autofree char *token = media_url_make (secret, 7, &file, NOW + 1);
    g_assert_false (opens (other, token, NOW));
    for (size_t i = 0; i < strlen (token); i++) {
        g_autofree char *forged = g_strdup (token);
        forged[i] = forged[i] == 'A' ? 'B' : 'A';
        g_assert_false (opens (secret, forged, NOW));
    }
}

static void test_other_texts_are_none (void)
{
    g_autoptr (GBytes) secret = secret_of ('a');
    g_autofree char *token = media_url_make (secret, 7, &file, NOW + 1);
    g_autofree char *longer = g_strconcat (token, "A", NULL), *padded = g_strconcat (token, "=", NULL);
    g_autofree char *shorter = g_strndup (token, 63), *spaced = g_strdup (token);
    spaced[3] = ' ';
    const char *const texts[] = {
        "", "A", longer, padded, shorter, spaced, "................................................................"};
    for (size_t i = 0; i < G_N_ELEMENTS (texts); i++) g_assert_false (opens (secret, texts[i], NOW));
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/media url/a token opens its file", test_a_token_opens_its_file);
    g_test_add_func ("/media url/until it expires", test_until_it_expires);
    g_test_add_func ("/media url/whoever changes anything has none", test_whoever_changes_anything_has_none);
    g_test_add_func ("/media url/other texts are none", test_other_texts_are_none);
    return g_test_run ();
}
