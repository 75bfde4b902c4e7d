/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of tests/corpus/config cannot say: where exactly each limit stands.
 */
#include "base/yaml.h"

#include <string.h>

static void expect_yaml (const char *text, size_t length, const char *fault)
{
    g_autoptr (GPtrArray) faults = faults_new ();
    struct yaml_document *document = yaml_parse (text, length, faults);
    g_assert_true ((document != NULL) == (fault == NULL));
    g_assert_cmpuint (faults->len, ==, fault ? 1 : 0);
    if (fault) g_assert_nonnull (strstr (((const struct fault *) faults->pdata[0])->message, fault));
    yaml_document_free (document);
}

static void test_limits (void)
{
    g_autofree char *blank = g_strnfill (YAML_BYTES_MOST + 1, '\n');
    expect_yaml (blank, YAML_BYTES_MOST, NULL);
    expect_yaml (blank, YAML_BYTES_MOST + 1, "larger than 1 MB");

    g_autofree char *opening = g_strnfill (33, '['), *closing = g_strnfill (33, ']');
    g_autofree char *deep = g_strconcat (opening, closing, NULL);
    expect_yaml (deep + 1, 64, NULL);
    expect_yaml (deep, 66, "nested too deeply");

    /* A list of 199999 words is 200000 nodes, and so is one of a list of 99998 words that stands there twice, and another word. */
    g_autoptr (GString) flat = g_string_new ("[");
    g_autoptr (GString) unfolded = g_string_new ("[&a [");
    for (unsigned i = 0; i < 199999; i++) g_string_append (flat, "x,");
    for (unsigned i = 0; i < 99998; i++) g_string_append (unfolded, "x,");
    g_string_append (unfolded, "],*a,x,");
    GString *const texts[] = {flat, unfolded};
    for (size_t i = 0; i < G_N_ELEMENTS (texts); i++) {
        g_string_append_c (texts[i], ']');
        expect_yaml (texts[i]->str, texts[i]->len, NULL);
        g_string_overwrite (texts[i], texts[i]->len - 1, "x]");
        expect_yaml (texts[i]->str, texts[i]->len, "unfold to too much");
    }
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/yaml/size, depth and unfolding end at their limits", test_limits);
    return g_test_run ();
}
