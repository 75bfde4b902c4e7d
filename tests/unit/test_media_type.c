/* SPDX-License-Identifier: Apache-2.0
 *
 * The media type that a Content-Type names, whoever wrote it.
 */
#include "model/http.h"

static void test_media_type (void)
{
    static const struct {
        const char *given, *type;
    } all[] = {
        {"image/png", "image/png"},
        {" Image/PNG ; q=1", "image/png"},
        {"text/plain;charset=utf-8", "text/plain"},
        {"image/svg+xml", "image/svg+xml"},
        {"", NULL},
        {"image", NULL},
        {"image/", NULL},
        {"/png", NULL},
        {"image/png/x", NULL},
        {"image/p ng", NULL},
        {"image/\xff", NULL},
        {"; image/png", NULL},
        {NULL, NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS (all); i++) {
        g_autofree char *type = http_media_type (all[i].given);
        g_assert_cmpstr (type, ==, all[i].type);
    }
    g_autofree char *longest = g_strnfill (127, 'a'), *longer = g_strnfill (128, 'a');
    longest[5] = longer[5] = '/';
    g_autofree char *good = http_media_type (longest), *bad = http_media_type (longer);
    g_assert_cmpstr (good, ==, longest);
    g_assert_null (bad);
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/media_type/of_content_type", test_media_type);
    return g_test_run ();
}
