/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/keyring.h"

#include <string.h>

#define NOW (1000 * G_TIME_SPAN_SECOND)
#define THREADS 4
#define TIMES 20000

static const uint8_t *make_hash (unsigned n, uint8_t hash[32])
{
    memset (hash, 0, 32);
    memcpy (hash + 20, &n, sizeof n);
    return hash;
}

static const struct id a_key = {{1, 2, 3}};

/* What the ring says of a key: its account; 0 where it does not know it. */
static int64_t find (struct keyring *ring, unsigned n, int64_t now)
{
    uint8_t hash[32];
    int64_t account_id = 0;
    struct id key_id = {{0}};
    g_autofree char *scopes = NULL;
    return keyring_find (ring, make_hash (n, hash), now, &account_id, &key_id, &scopes) ? account_id : 0;
}

static void add (struct keyring *ring, unsigned n, int64_t asked, int64_t account_id)
{
    uint8_t hash[32];
    keyring_add (ring, make_hash (n, hash), asked, account_id, &a_key, "{tickets:read}");
}

static void test_a_key_is_known_with_what_it_may (void)
{
    struct keyring *ring = keyring_new ();
    uint8_t hash[32];
    int64_t account_id = 0;
    struct id key_id = {{0}};
    g_autofree char *scopes = NULL;
    g_assert_false (keyring_find (ring, make_hash (1, hash), NOW, &account_id, &key_id, &scopes));
    keyring_add (ring, hash, NOW, 7, &a_key, "{tickets:read,admin}");
    g_assert_true (keyring_find (ring, hash, NOW, &account_id, &key_id, &scopes));
    g_assert_cmpint (account_id, ==, 7);
    g_assert_cmpmem (&key_id, sizeof key_id, &a_key, sizeof a_key);
    g_assert_cmpstr (scopes, ==, "{tickets:read,admin}");
    g_clear_pointer (&scopes, g_free);
    keyring_add (ring, make_hash (2, hash), NOW, 8, &a_key, NULL);
    g_assert_true (keyring_find (ring, hash, NOW, &account_id, &key_id, &scopes));
    g_assert_cmpint (account_id, ==, 8);
    g_assert_null (scopes);
    g_assert_cmpint (find (ring, 3, NOW), ==, 0);
    keyring_free (ring);
}

static void test_a_key_is_known_for_a_moment (void)
{
    struct keyring *ring = keyring_new ();
    add (ring, 1, NOW, 7);
    g_assert_cmpint (find (ring, 1, NOW + KEYRING_AGE - 1), ==, 7);
    g_assert_cmpint (find (ring, 1, NOW + KEYRING_AGE), ==, 0);
    /* being used makes nothing younger, being asked for again does */
    add (ring, 1, NOW + KEYRING_AGE, 7);
    g_assert_cmpint (find (ring, 1, NOW + KEYRING_AGE), ==, 7);
    keyring_free (ring);
}

static void test_a_full_ring_takes_no_more_until_something_is_old (void)
{
    struct keyring *ring = keyring_new ();
    for (unsigned n = 0; n < KEYRING_MOST; n++) add (ring, n, NOW + n % 2, 7);
    add (ring, KEYRING_MOST, NOW + 1, 7);
    g_assert_cmpuint (keyring_size (ring), ==, KEYRING_MOST);
    g_assert_cmpint (find (ring, KEYRING_MOST, NOW + 1), ==, 0);
    /* one that is in it can be renewed */
    add (ring, 1, NOW + 2, 9);
    g_assert_cmpint (find (ring, 1, NOW + 2), ==, 9);
    add (ring, KEYRING_MOST, NOW + KEYRING_AGE, 7);
    g_assert_cmpint (find (ring, KEYRING_MOST, NOW + KEYRING_AGE), ==, 7);
    g_assert_cmpuint (keyring_size (ring), ==, KEYRING_MOST / 2 + 1);
    keyring_free (ring);
}

static void *use (void *ring)
{
    for (unsigned i = 0; i < TIMES; i++) {
        unsigned n = i % (KEYRING_MOST + 100);
        int64_t account_id = find (ring, n, NOW + i);
        g_assert_true (account_id == 0 || account_id == n + 1);
        if (!account_id) add (ring, n, NOW + i, n + 1);
    }
    return NULL;
}

static void test_threads_never_see_another_ones_account (void)
{
    struct keyring *ring = keyring_new ();
    GThread *threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) threads[i] = g_thread_new ("use", use, ring);
    for (size_t i = 0; i < THREADS; i++) g_thread_join (threads[i]);
    g_assert_cmpuint (keyring_size (ring), ==, KEYRING_MOST);
    keyring_free (ring);
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/keyring/a key is known with what it may", test_a_key_is_known_with_what_it_may);
    g_test_add_func ("/keyring/a key is known for a moment", test_a_key_is_known_for_a_moment);
    g_test_add_func ("/keyring/a full ring takes no more until something is old", test_a_full_ring_takes_no_more_until_something_is_old);
    g_test_add_func ("/keyring/threads never see another one's account", test_threads_never_see_another_ones_account);
    return g_test_run ();
}
