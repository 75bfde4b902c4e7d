/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <string.h>

static void expect_refused (const char *text, size_t length, const char *words)
{
    g_autoptr (GError) error = NULL;
    g_assert_null (json_parse_text (text, length, &error));
    g_assert_error (error, JSON_FAULT, (int) (strstr (words, "nested") || strstr (words, "larger") ? JSON_FAULT_LIMIT : JSON_FAULT_SYNTAX));
    g_assert_nonnull (strstr (error->message, words));
    g_assert_null (strstr (error->message, "hunter2"));
}

static void test_strict (void)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"", "too early"},
        {"{\"hunter2\"", "too early"},
        {"hunter2", "not well formed"},
        {"{\"a\":1,\"a\":2}", "given twice"},
        {"{} hunter2", "follows its end"},
        {"[\"\\u0000\"]", "NUL"},
        {"[\"\\ud800\"]", "not well formed"},
        {"[\"\xff\"]", "not UTF-8"},
        {"[99999999999999999999]", "too large"},
        {"[1e400]", "too large"},
        {"\"hunter2\"", "not well formed"},
        {"[NaN]", "not well formed"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) expect_refused (cases[i].text, strlen (cases[i].text), cases[i].words);
    expect_refused (NULL, 0, "too early");
    g_autofree char *large = g_strnfill (JSON_BYTES_MOST + 1, ' ');
    expect_refused (large, JSON_BYTES_MOST, "too early");
    expect_refused (large, JSON_BYTES_MOST + 1, "larger");
}

static void test_depth (void)
{
    for (unsigned depth = JSON_DEPTH_MOST; depth <= JSON_DEPTH_MOST + 1; depth++) {
        g_autoptr (GString) text = g_string_new (NULL);
        for (unsigned i = 0; i < depth; i++) g_string_append (text, i % 2 ? "{\"[\\\"[\":" : "[");
        g_string_append (text, "1");
        for (unsigned i = depth; i-- > 0;) g_string_append (text, i % 2 ? "}" : "]");
        json_auto_t *value = json_parse_text (text->str, text->len, NULL);
        g_assert_true ((value != NULL) == (depth == JSON_DEPTH_MOST));
    }
    g_autofree char *endless = g_strnfill (1 << 20, '[');
    expect_refused (endless, 1 << 20, "nested");
}

static void test_members (void)
{
    static const char text[] = "{\"text\":\"x\",\"n\":3,\"flag\":false,\"nothing\":null,\"a/b~c\":1}";
    static const char *const all[] = {"text", "n", "flag", "nothing", "a/b~c", NULL};
    json_auto_t *object = json_parse_text (text, strlen (text), NULL);
    json_auto_t *list = json_array ();
    char *pointer = NULL;
    g_assert_true (json_only (object, all, &pointer));
    g_assert_false (json_only (object, (const char *const[]){"text", "n", "flag", "nothing", NULL}, &pointer));
    g_assert_cmpstr (pointer, ==, "/a~1b~0c");
    g_clear_pointer (&pointer, g_free);
    g_assert_false (json_only (list, all, &pointer));
    g_assert_cmpstr (pointer, ==, "");
    g_clear_pointer (&pointer, g_free);

    json_t *value;
    g_assert_true (json_member (object, "text", JSON_STRING, true, &value, &pointer));
    g_assert_cmpstr (json_string_value (value), ==, "x");
    g_assert_true (json_member (object, "flag", JSON_TRUE, true, &value, &pointer));
    g_assert_true (json_is_false (value));
    g_assert_true (json_member (object, "n", JSON_REAL, true, &value, &pointer));
    g_assert_true (json_member (object, "nothing", JSON_STRING, false, &value, &pointer));
    g_assert_null (value);
    g_assert_true (json_member (object, "absent", JSON_STRING, false, &value, &pointer));
    g_assert_null (value);
    g_assert_false (json_member (object, "nothing", JSON_STRING, true, &value, &pointer));
    g_assert_cmpstr (pointer, ==, "/nothing");
    g_clear_pointer (&pointer, g_free);
    g_assert_false (json_member (object, "n", JSON_STRING, false, &value, &pointer));
    g_assert_cmpstr (pointer, ==, "/n");
    g_assert_null (value);
    g_free (pointer);
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/json/what is not strictly JSON is refused without telling its words", test_strict);
    g_test_add_func ("/json/deep documents are refused before they are read", test_depth);
    g_test_add_func ("/json/a wrong member is pointed at", test_members);
    return g_test_run ();
}
