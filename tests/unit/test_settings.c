/* SPDX-License-Identifier: Apache-2.0 */
#include "base/expand.h"
#include "base/settings.h"

#include <glib/gstdio.h>
#include <string.h>

enum { NAME, COUNT, FLAG, TIME, SIZE, RATE, URL, LISTEN, SECRETS, N };
static const struct setting rows[] = {
    [NAME] = {"name", SETTING_STRING, NULL, 0, ""},
    [COUNT] = {"count", SETTING_INTEGER, "7", 0, ""},
    [FLAG] = {"flag", SETTING_BOOLEAN, "true", 0, ""},
    [TIME] = {"time", SETTING_DURATION, NULL, 0, ""},
    [SIZE] = {"size", SETTING_SIZE, NULL, 0, ""},
    [RATE] = {"rate", SETTING_RATE, NULL, 0, ""},
    [URL] = {"url", SETTING_URL, NULL, 0, ""},
    [LISTEN] = {"listen", SETTING_LISTEN, NULL, 0, ""},
    [SECRETS] = {"secrets", SETTING_STRING, NULL, SETTING_SECRET | SETTING_MANY, ""},
};
static const struct settings table = {rows, N};

static void test_forms (void)
{
    static const struct {
        unsigned row;
        const char *text;
        int64_t number;
    } good[] = {
        {COUNT, "0", 0},
        {COUNT, "007", 7},
        {COUNT, "9223372036854775807", INT64_MAX},
        {FLAG, "true", 1},
        {FLAG, "false", 0},
        {TIME, "250ms", 250000},
        {TIME, "10s", 10000000},
        {TIME, "5m", 300000000},
        {TIME, "2h", INT64_C (7200000000)},
        {TIME, "7d", INT64_C (604800000000)},
        {SIZE, "0", 0},
        {SIZE, "64kB", 65536},
        {SIZE, "1MB", 1048576},
        {SIZE, "17", 17},
        {RATE, "10/s", 10000},
        {RATE, "5/m", 83},
        {RATE, "100/h", 27},
        {RATE, "4/h", 1},
        {URL, "https://gw.example.com", 0},
        {URL, "http://127.0.0.1:8080/x?y=z", 0},
        {URL, "http://[::1]:80/", 0},
        {LISTEN, "127.0.0.1:0", 0},
        {LISTEN, "[::1]:8080", 0},
        {LISTEN, "localhost:65535", 0},
    };
    for (size_t i = 0; i < G_N_ELEMENTS (good); i++) {
        struct values *values = values_of (table, (const char *const[]){rows[good[i].row].name, good[i].text, NULL});
        g_test_message ("%s", good[i].text);
        g_assert_nonnull (values);
        g_assert_cmpstr (values_text (values, good[i].row), ==, good[i].text);
        g_assert_cmpint (values_number (values, good[i].row), ==, good[i].number);
        values_unref (values);
    }
    static const struct {
        unsigned row;
        const char *text;
    } bad[] = {
        {COUNT, ""},
        {COUNT, "-1"},
        {COUNT, "+1"},
        {COUNT, "1.5"},
        {COUNT, "0x10"},
        {COUNT, " 1"},
        {COUNT, "9223372036854775808"},
        {FLAG, "yes"},
        {FLAG, "True"},
        {FLAG, "1"},
        {TIME, "10"},
        {TIME, "s"},
        {TIME, "10 s"},
        {TIME, "10S"},
        {TIME, "-1s"},
        {TIME, "9223372036854775807d"},
        {SIZE, "1mb"},
        {SIZE, "64KB"},
        {SIZE, "1TB"},
        {SIZE, "9223372036854775807GB"},
        {RATE, "10"},
        {RATE, "0/s"},
        {RATE, "1/h"},
        {RATE, "10/d"},
        {RATE, "9223372036854775807/s"},
        {RATE, "9223372036854775807/h"},
        {URL, "gw.example.com"},
        {URL, "ftp://x"},
        {URL, "https://"},
        {URL, "https://u:p@x"},
        {URL, "https://u@x"},
        {URL, "https://x/#y"},
        {URL, "http://x:0"},
        {URL, "http://x:99999"},
        {URL, "http://x y/"},
        {URL, "http:///x"},
        {LISTEN, "8080"},
        {LISTEN, ":8080"},
        {LISTEN, "127.0.0.1"},
        {LISTEN, "127.0.0.1:"},
        {LISTEN, "127.0.0.1:65536"},
        {LISTEN, "::1:8080"},
        {LISTEN, "[::1:8080"},
        {LISTEN, "[x]:1"},
        {LISTEN, "a b:1"},
        {LISTEN, "[]:1"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS (bad); i++) {
        g_test_message ("%s", bad[i].text);
        g_assert_null (values_of (table, (const char *const[]){rows[bad[i].row].name, bad[i].text, NULL}));
    }
}

static void test_fallbacks (void)
{
    struct values *values = values_of (table, (const char *const[]){"secrets", "new", "secrets", "old", NULL});
    g_assert_cmpint (values_number (values, COUNT), ==, 7);
    g_assert_cmpstr (values_text (values, COUNT), ==, "7");
    g_assert_true (values_flag (values, FLAG));
    g_assert_null (values_text (values, NAME));
    g_assert_null (values_texts (values, NAME)[0]);
    g_assert_cmpint (values_number (values, TIME), ==, 0);
    g_assert_cmpstr (values_text (values, SECRETS), ==, "new");
    g_assert_cmpstr (values_texts (values, SECRETS)[1], ==, "old");
    g_assert_null (values_texts (values, SECRETS)[2]);
    struct values *second = values_ref (values);
    values_unref (values);
    g_assert_cmpstr (values_text (second, SECRETS), ==, "new");
    values_unref (second);
    values_unref (NULL);
}

static void expect_expanded (const char *text, const char *expected)
{
    g_autoptr (GError) error = NULL;
    g_autofree char *expanded = expand_text (text, &error);
    g_assert_no_error (error);
    g_assert_cmpstr (expanded, ==, expected);
}

static void expect_refused (const char *text, const char *words)
{
    g_autoptr (GError) error = NULL;
    g_assert_null (expand_text (text, &error));
    g_assert_nonnull (error);
    g_assert_nonnull (strstr (error->message, words));
}

static void test_variables (void)
{
    g_setenv ("SB_TEST_ONE", "one", TRUE);
    g_setenv ("SB_TEST_NEST", "${SB_TEST_ONE}", TRUE);
    g_setenv ("SB_TEST_LATIN", "caf\xe9", TRUE);
    g_setenv ("SB_TEST_EMPTY", "", TRUE);
    g_unsetenv ("SB_TEST_UNSET");
    expect_expanded ("", "");
    expect_expanded ("$x {y} $", "$x {y} $");
    expect_expanded ("${SB_TEST_ONE}", "one");
    expect_expanded ("a${SB_TEST_ONE}b${SB_TEST_ONE}${SB_TEST_EMPTY}c", "aonebonec");
    /* What a variable holds is not expanded again. */
    expect_expanded ("${SB_TEST_NEST}", "${SB_TEST_ONE}");
    expect_refused ("${SB_TEST_UNSET}", "SB_TEST_UNSET");
    expect_refused ("${SB_TEST_ONE} ${SB_TEST_UNSET}", "SB_TEST_UNSET");
    expect_refused ("${SB_TEST_LATIN}", "SB_TEST_LATIN");
    expect_refused ("${SB_TEST_ONE", "closing brace");
    expect_refused ("${}", "name");
    expect_refused ("${1X}", "name");
    g_autoptr (GError) error = NULL;
    g_assert_null (expand_text ("${hunter2 is secret}", &error));
    g_assert_null (strstr (error->message, "hunter2"));
}

static void test_files (void)
{
    g_autofree char *directory = g_dir_make_tmp ("sb-settings-XXXXXX", NULL);
    g_autofree char *path = g_build_filename (directory, "token", NULL);
    g_autofree char *reference = g_strdup_printf ("<${file:%s}>", path);
    static const struct {
        const char *content, *expanded;
    } cases[] = {{"secret\n", "<secret>"}, {"secret", "<secret>"}, {"secret\r\n", "<secret>"}, {"a\n\n", "<a\n>"}, {"", "<>"},
                 {" x ", "< x >"}};
    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_assert_true (g_file_set_contents (path, cases[i].content, -1, NULL));
        expect_expanded (reference, cases[i].expanded);
    }
    g_autofree char *most = g_strnfill (65536, 'x'), *large = g_strconcat (most, "x", NULL), *quoted = g_strdup_printf ("<%s>", most);
    g_assert_true (g_file_set_contents (path, most, -1, NULL));
    expect_expanded (reference, quoted);
    g_assert_true (g_file_set_contents (path, large, -1, NULL));
    expect_refused (reference, "larger than 64 kB");
    g_assert_true (g_file_set_contents (path, "a\0b", 3, NULL));
    expect_refused (reference, "no UTF-8");
    g_assert_cmpint (g_unlink (path), ==, 0);
    expect_refused (reference, path);
    expect_refused ("${file:relative}", "absolute");
    g_autofree char *folder = g_strdup_printf ("${file:%s}", directory);
    expect_refused (folder, "no regular file");
    g_rmdir (directory);
}

static void test_suggest (void)
{
    static const char *const names[] = {"account_sid", "auth_token", "from", NULL};
    static const struct {
        const char *word, *nearest;
    } cases[] = {
        {"auth_tokn", "auth_token"},
        {"auht_token", "auth_token"},
        {"authtoken", "auth_token"},
        {"form", "from"},
        {"frm", "from"},
        {"account_id", "account_sid"},
        {"colour", NULL},
        {"x", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autofree char *hint = settings_suggest (cases[i].word, names);
        g_autofree char *expected = cases[i].nearest ? g_strdup_printf ("did you mean \"%s\"?", cases[i].nearest) : NULL;
        g_assert_cmpstr (hint, ==, expected);
    }
    g_autofree char *endless = g_strnfill (100000, 'x');
    g_assert_null (settings_suggest (endless, names));
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/settings/every type takes its forms and no others", test_forms);
    g_test_add_func ("/settings/what is not given has its default", test_fallbacks);
    g_test_add_func ("/settings/variables are expanded once, and named when they are not set", test_variables);
    g_test_add_func ("/settings/a secret may stand in a file", test_files);
    g_test_add_func ("/settings/a slip of the pen gets the right name as its hint", test_suggest);
    return g_test_run ();
}
