/* SPDX-License-Identifier: Apache-2.0 */
#include "model/transcode.h"

#include <string.h>

/* The words of a content; where it is refused, the place after a '!'. To be freed. */
static char *words_of (const char *json)
{
    json_auto_t *content = json_parse_text (json, strlen (json), NULL);
    g_assert_nonnull (content);
    g_autofree char *place = NULL;
    const char *wrong = NULL;
    char *text = transcode_text (content, &place, &wrong);
    g_assert_true (!text == (place && wrong));
    return text ? text : g_strconcat ("!", place, NULL);
}

static void check (const char *const (*cases)[2], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        g_autofree char *words = words_of (cases[i][0]);
        g_assert_cmpstr (words, ==, cases[i][1]);
    }
}

static void test_every_kind_has_its_words (void)
{
    static const char *const cases[][2] = {
        {"{\"kind\":\"location\",\"lat\":52.520008,\"lon\":-13.4}", "https://maps.google.com/?q=52.520008,-13.4"},
        {"{\"kind\":\"location\",\"lat\":-90,\"lon\":180,\"name\":\"Caf\\u00e9\",\"address\":\"Main St 1\"}",
         "Caf\xc3\xa9\nMain St 1\nhttps://maps.google.com/?q=-90,180"},
        {"{\"kind\":\"contacts\",\"cards\":[{\"name\":\"Ana\",\"org\":\"Acme\",\"phones\":[\"+1 555\",\"+1 "
         "556\"],\"emails\":[\"a@x.org\"]},"
         "{\"name\":\"Bob\"}]}",
         "Ana\nAcme\n+1 555\n+1 556\na@x.org\n\nBob"},
        {"{\"kind\":\"choice\",\"text\":\"When?\",\"footer\":\"Bye\",\"style\":\"list\",\"options\":[{\"id\":\"am\",\"title\":\"Morning\"},"
         "{\"title\":\"Site\",\"type\":\"url\",\"value\":\"https://x.org\"},{\"title\":\"Noon\",\"description\":\"at "
         "12\",\"type\":\"reply\"}]}",
         "When?\n1) Morning\nSite: https://x.org\n2) Noon: at 12\nBye"},
        {"{\"kind\":\"cards\",\"items\":[{\"title\":\"Red\",\"text\":\"Warm\",\"options\":[{\"title\":\"Buy\"}]},"
         "{\"title\":\"Blue\",\"options\":[{\"title\":\"Buy\"}]},{\"title\":\"None\"}]}",
         "Red\nWarm\n1) Buy\n\nBlue\n2) Buy\n\nNone"},
        {"{\"kind\":\"template\",\"name\":\"hi\",\"lang\":\"en\",\"params\":[\"x\"],\"text\":\"Hello x\"}", "Hello x"},
        {"{\"kind\":\"reaction\",\"target\":\"m1\",\"emoji\":\"\\ud83d\\udc4d\"}", "\xf0\x9f\x91\x8d"},
        {"{\"kind\":\"form\",\"name\":\"Order\",\"data\":{\"size\":\"L\",\"n\":2,\"price\":9.99,\"tags\":[\"a\",null]}}",
         "Order\nsize: L\nn: 2\nprice: 9.99\ntags: [\"a\",null]"},
    };
    check (cases, G_N_ELEMENTS (cases));
}

static void test_what_is_wrong_is_named (void)
{
    static const char *const cases[][2] = {
        {"{\"kind\":\"event\",\"type\":\"typing\"}", "!/kind"},
        {"{\"kind\":\"text\",\"text\":\"x\"}", "!/kind"},
        {"{}", "!/kind"},
        {"{\"kind\":\"location\"}", "!/lat"},
        {"{\"kind\":\"location\",\"lat\":1,\"lon\":\"2\"}", "!/lon"},
        {"{\"kind\":\"location\",\"lat\":90.1,\"lon\":0}", "!/lat"},
        {"{\"kind\":\"location\",\"lat\":0,\"lon\":-181}", "!/lon"},
        {"{\"kind\":\"location\",\"lat\":0,\"lon\":0,\"name\":\"\"}", "!/name"},
        {"{\"kind\":\"location\",\"lat\":0,\"lon\":0,\"z/z\":1}", "!/z~1z"},
        {"{\"kind\":\"contacts\",\"cards\":[]}", "!/cards"},
        {"{\"kind\":\"contacts\",\"cards\":[\"Ana\"]}", "!/cards/0"},
        {"{\"kind\":\"contacts\",\"cards\":[{\"name\":\"Ana\"},{\"org\":\"Acme\"}]}", "!/cards/1/name"},
        {"{\"kind\":\"contacts\",\"cards\":[{\"name\":\"Ana\",\"phones\":[\"1\",2]}]}", "!/cards/0/phones/1"},
        {"{\"kind\":\"choice\",\"text\":\"x\"}", "!/options"},
        {"{\"kind\":\"choice\",\"options\":[{\"title\":\"x\"}]}", "!/text"},
        {"{\"kind\":\"choice\",\"text\":\"x\",\"options\":[{\"title\":\"x\",\"type\":\"url\"}]}", "!/options/0/value"},
        {"{\"kind\":\"choice\",\"text\":\"x\",\"options\":[{\"title\":\"x\",\"odd\":1}]}", "!/options/0/odd"},
        {"{\"kind\":\"cards\",\"items\":[{\"title\":\"x\"},{\"title\":\"y\",\"options\":[{}]}]}", "!/items/1/options/0/title"},
        {"{\"kind\":\"template\",\"name\":\"hi\"}", "!/text"},
        {"{\"kind\":\"template\",\"text\":\"x\"}", "!/name"},
        {"{\"kind\":\"reaction\",\"target\":\"m1\",\"emoji\":null}", "!/emoji"},
        {"{\"kind\":\"form\",\"data\":{}}", "!/data"},
        {"{\"kind\":\"form\",\"data\":[]}", "!/data"},
    };
    check (cases, G_N_ELEMENTS (cases));
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/transcode/every kind has its words", test_every_kind_has_its_words);
    g_test_add_func ("/transcode/what is wrong is named", test_what_is_wrong_is_named);
    return g_test_run ();
}
