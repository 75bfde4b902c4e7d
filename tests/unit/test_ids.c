/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ids.h"

#include <glib.h>
#include <string.h>

#define NOW INT64_C (1795494525123456)

static void test_form (void)
{
    struct id id = id_new (NOW);
    char text[ID_TEXT_SIZE];
    id_format (&id, text);
    g_assert_true (g_regex_match_simple ("^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$", text, 0, 0));
    uint64_t millis = 0;
    for (int i = 0; i < 6; i++) millis = millis << 8 | id.bytes[i];
    g_assert_cmpuint (millis, ==, NOW / 1000);
}

static void test_rise (void)
{
    /* The clock stands still, goes back, and goes on. */
    struct id last = id_new (NOW);
    for (int64_t i = 0; i < 200000; i++) {
        struct id id = id_new (i % 3 == 0 ? NOW : i % 3 == 1 ? NOW - 3600000000 : NOW + i);
        g_assert_cmpint (memcmp (last.bytes, id.bytes, sizeof id.bytes), <, 0);
        g_assert_cmpuint (id.bytes[6] >> 4, ==, 7);
        g_assert_cmpuint (id.bytes[8] >> 6, ==, 2);
        last = id;
    }
}

#define THREADS 4
#define EACH 20000

static void *make_ids (void *data)
{
    struct id *ids = data;
    for (int i = 0; i < EACH; i++) ids[i] = id_new (NOW);
    return NULL;
}

static int compare (const void *a, const void *b)
{
    return memcmp (a, b, sizeof (struct id));
}

static void test_threads (void)
{
    g_autofree struct id *ids = g_new (struct id, THREADS * EACH);
    GThread *threads[THREADS];
    for (int i = 0; i < THREADS; i++) threads[i] = g_thread_new ("ids", make_ids, ids + (size_t) i * EACH);
    for (int i = 0; i < THREADS; i++) {
        g_thread_join (threads[i]);
        for (int j = 1; j < EACH; j++) g_assert_cmpint (compare (ids + i * EACH + j - 1, ids + i * EACH + j), <, 0);
    }
    qsort (ids, THREADS * EACH, sizeof *ids, compare);
    for (int i = 1; i < THREADS * EACH; i++) g_assert_cmpint (compare (ids + i - 1, ids + i), !=, 0);
}

static void test_parse (void)
{
    struct id id, again;
    id = id_new (NOW);
    char text[ID_TEXT_SIZE];
    id_format (&id, text);
    g_assert_true (id_parse (text, &again));
    g_assert_cmpmem (&id, sizeof id, &again, sizeof again);
    g_autofree char *upper = g_ascii_strup (text, -1);
    g_assert_true (id_parse (upper, &again));
    g_assert_cmpmem (&id, sizeof id, &again, sizeof again);

    static const char *const bad[] = {
        "",
        "0",
        "0199-",
        "00000000-0000-0000-0000-00000000000",
        "00000000-0000-0000-0000-0000000000000",
        "00000000-0000-0000-0000-00000000000g",
        "00000000000000000000000000000000",
        "{00000000-0000-0000-0000-000000000000}",
        "00000000-0000-0000-00000-00000000000",
        " 0000000-0000-0000-0000-000000000000",
    };
    for (size_t i = 0; i < G_N_ELEMENTS (bad); i++) {
        g_assert_false (id_parse (bad[i], &again));
        g_assert_cmpmem (&id, sizeof id, &again, sizeof again);
    }
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/ids/an id is a UUIDv7 of its millisecond", test_form);
    g_test_add_func ("/ids/ids rise strictly, also when the clock stands or goes back", test_rise);
    g_test_add_func ("/ids/no two threads get one id", test_threads);
    g_test_add_func ("/ids/what was written is read again, and nothing else", test_parse);
    return g_test_run ();
}
