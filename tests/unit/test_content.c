/* SPDX-License-Identifier: Apache-2.0 */
#include "model/content.h"

#include <string.h>

struct one {
    const char *json;
    size_t n_files;
    const char *expected;
};

/* Where it is refused; NULL: it is not. To be freed. */
static char *place_of (const struct one *one)
{
    json_auto_t *content = json_parse_text (one->json, strlen (one->json), NULL);
    struct content_fault fault = {0};
    g_assert_nonnull (content);
    bool good = content_check (content, one->n_files, &fault);
    g_assert_true (good == !fault.place && good == !fault.wrong);
    char *place = g_strdup (fault.place);
    content_fault_clear (&fault);
    return place;
}

static void check (const struct one *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        g_autofree char *place = place_of (&cases[i]);
        if (g_strcmp0 (place, cases[i].expected)) g_test_message ("%s", cases[i].json);
        g_assert_cmpstr (place, ==, cases[i].expected);
    }
}

static void test_each_kind_is_read_strictly (void)
{
    static const struct one cases[] = {
        {"{}", 0, "/kind"},
        {"{\"kind\":\"smell\"}", 0, "/kind"},
        {"{\"kind\":1}", 0, "/kind"},
        {"{\"kind\":\"text\",\"text\":\"x\",\"preview\":false}", 0, NULL},
        {"{\"kind\":\"text\"}", 0, "/text"},
        {"{\"kind\":\"text\",\"text\":null}", 0, "/text"},
        {"{\"kind\":\"text\",\"text\":\"\"}", 0, "/text"},
        {"{\"kind\":\"text\",\"text\":\"x\",\"preview\":1}", 0, "/preview"},
        {"{\"kind\":\"text\",\"text\":\"x\",\"html\":\"x\"}", 0, "/html"},
        {"{\"kind\":\"media\",\"text\":null}", 1, NULL},
        {"{\"kind\":\"media\",\"media_kind\":\"sticker\"}", 1, NULL},
        {"{\"kind\":\"media\",\"media_kind\":\"smell\"}", 1, "/media_kind"},
        {"{\"kind\":\"location\",\"lat\":-90,\"lon\":180}", 0, NULL},
        {"{\"kind\":\"location\",\"lat\":90.1,\"lon\":0}", 0, "/lat"},
        {"{\"kind\":\"location\",\"lat\":0,\"lon\":-180.1}", 0, "/lon"},
        {"{\"kind\":\"location\",\"lat\":\"0\",\"lon\":0}", 0, "/lat"},
        {"{\"kind\":\"location\",\"lat\":0}", 0, "/lon"},
        {"{\"kind\":\"location\",\"lat\":0,\"lon\":0,\"z/z\":1}", 0, "/z~1z"},
        {"{\"kind\":\"contacts\",\"cards\":[{\"name\":\"Ana\",\"phones\":[\"1\"],\"vcard\":\"BEGIN\"}]}", 0, NULL},
        {"{\"kind\":\"contacts\",\"cards\":[]}", 0, "/cards"},
        {"{\"kind\":\"contacts\",\"cards\":{}}", 0, "/cards"},
        {"{\"kind\":\"contacts\",\"cards\":[\"Ana\"]}", 0, "/cards/0"},
        {"{\"kind\":\"contacts\",\"cards\":[{\"name\":\"Ana\"},{\"org\":\"Acme\"}]}", 0, "/cards/1/name"},
        {"{\"kind\":\"contacts\",\"cards\":[{\"name\":\"Ana\",\"emails\":[\"1\",2]}]}", 0, "/cards/0/emails/1"},
        {"{\"kind\":\"choice\",\"text\":\"x\",\"style\":\"auto\",\"label\":\"L\",\"options\":[{\"title\":\"x\"}]}", 0, NULL},
        {"{\"kind\":\"choice\",\"text\":\"x\"}", 0, "/options"},
        {"{\"kind\":\"choice\",\"text\":\"x\",\"options\":[]}", 0, "/options"},
        {"{\"kind\":\"choice\",\"options\":[{\"title\":\"x\"}]}", 0, "/text"},
        {"{\"kind\":\"choice\",\"text\":\"x\",\"style\":\"grid\",\"options\":[{\"title\":\"x\"}]}", 0, "/style"},
        {"{\"kind\":\"choice\",\"text\":\"x\",\"options\":[{\"title\":\"x\",\"type\":\"odd\"}]}", 0, "/options/0/type"},
        {"{\"kind\":\"choice\",\"text\":\"x\",\"options\":[{\"title\":\"x\",\"type\":\"url\"}]}", 0, "/options/0/value"},
        {"{\"kind\":\"choice\",\"text\":\"x\",\"options\":[{\"title\":\"x\",\"type\":\"flow\"}]}", 0, "/options/0/value"},
        {"{\"kind\":\"choice\",\"text\":\"x\",\"options\":[{\"title\":\"x\",\"odd\":1}]}", 0, "/options/0/odd"},
        {"{\"kind\":\"choice\",\"text\":\"x\",\"options\":[{\"title\":\"x\",\"id\":\"2\"},{\"title\":\"y\"}]}", 0, "/options/1/id"},
        {"{\"kind\":\"choice\",\"text\":\"x\",\"options\":[{\"title\":\"x\",\"section\":\"s\"},{\"title\":\"y\"}]}", 0,
         "/options/1/section"},
        {"{\"kind\":\"choice\",\"text\":\"x\",\"options\":[{\"title\":\"x\"},{\"title\":\"y\",\"section\":\"s\"}]}", 0,
         "/options/1/section"},
        {"{\"kind\":\"cards\",\"items\":[{\"title\":\"x\",\"file\":0}]}", 1, NULL},
        {"{\"kind\":\"cards\",\"items\":[{\"title\":\"x\",\"file\":1}]}", 1, "/items/0/file"},
        {"{\"kind\":\"cards\",\"items\":[{\"title\":\"x\",\"file\":-1}]}", 1, "/items/0/file"},
        {"{\"kind\":\"cards\",\"items\":[{\"title\":\"x\"},{\"title\":\"y\",\"options\":[{}]}]}", 0, "/items/1/options/0/title"},
        {"{\"kind\":\"cards\",\"items\":[{\"title\":\"x\",\"options\":[{\"title\":\"a\",\"id\":\"i\"}]},{\"title\":\"y\",\"options\":[{"
         "\"title\":\"a\",\"id\":\"i\"}]}]}",
         0, "/items/1/options/0/id"},
        {"{\"kind\":\"template\",\"name\":\"hi\",\"params\":[\"x\",2,1.5]}", 1, NULL},
        {"{\"kind\":\"template\",\"name\":\"hi\",\"params\":{\"a\":\"x\"}}", 0, NULL},
        {"{\"kind\":\"template\",\"name\":\"hi\",\"params\":[\"x\",\"\"]}", 0, "/params/1"},
        {"{\"kind\":\"template\",\"name\":\"hi\",\"params\":{\"a\":null}}", 0, "/params/a"},
        {"{\"kind\":\"template\",\"name\":\"hi\",\"params\":\"x\"}", 0, "/params"},
        {"{\"kind\":\"template\",\"text\":\"x\"}", 0, "/name"},
        {"{\"kind\":\"template\",\"name\":\"hi\"}", 2, "/kind"},
        {"{\"kind\":\"template\",\"name\":\"hi\",\"buttons\":[{\"index\":0,\"payload\":\"p\"}]}", 0, NULL},
        {"{\"kind\":\"template\",\"name\":\"hi\",\"buttons\":[{\"index\":0}]}", 0, "/buttons/0"},
        {"{\"kind\":\"template\",\"name\":\"hi\",\"buttons\":[{\"index\":0,\"payload\":\"p\",\"text\":\"t\"}]}", 0, "/buttons/0"},
        {"{\"kind\":\"reaction\",\"target\":\"m1\",\"emoji\":null}", 0, NULL},
        {"{\"kind\":\"reaction\",\"target\":\"m1\"}", 0, "/emoji"},
        {"{\"kind\":\"reaction\",\"emoji\":\"x\"}", 0, "/target"},
        {"{\"kind\":\"reaction\",\"target\":\"m1\",\"emoji\":\"\"}", 0, "/emoji"},
        {"{\"kind\":\"reaction\",\"target\":\"m1\",\"emoji\":\"x\"}", 1, "/kind"},
        {"{\"kind\":\"form\",\"data\":{}}", 0, "/data"},
        {"{\"kind\":\"form\",\"data\":[]}", 0, "/data"},
        {"{\"kind\":\"event\",\"type\":\"typing\"}", 0, NULL},
        {"{\"kind\":\"event\"}", 0, "/type"},
        {"{\"kind\":\"text\",\"text\":\"x\",\"native\":{\"whatsapp\":{}}}", 0, NULL},
        {"{\"kind\":\"text\",\"text\":\"x\",\"native\":[]}", 0, "/native"},
        {"{\"kind\":\"text\",\"text\":\"x\",\"native\":{\"a/b\":1}}", 0, "/native/a~1b"},
    };
    check (cases, G_N_ELEMENTS (cases));
}

/* "x" n times, between commas. */
static char *times (const char *x, size_t n)
{
    GString *all = g_string_new (NULL);
    for (size_t i = 0; i < n; i++) g_string_append_printf (all, "%s%s", i ? "," : "", x);
    return g_string_free (all, FALSE);
}

static void test_lists_have_limits (void)
{
    static const struct {
        const char *before, *one, *after;
        size_t most;
        const char *place;
    } cases[] = {
        {"{\"kind\":\"choice\",\"text\":\"x\",\"options\":[", "{\"title\":\"x\"}", "]}", CONTENT_OPTIONS_MOST, "/options"},
        {"{\"kind\":\"cards\",\"items\":[", "{\"title\":\"x\"}", "]}", CONTENT_ITEMS_MOST, "/items"},
        {"{\"kind\":\"contacts\",\"cards\":[", "{\"name\":\"x\"}", "]}", CONTENT_CARDS_MOST, "/cards"},
        {"{\"kind\":\"contacts\",\"cards\":[{\"name\":\"x\",\"phones\":[", "\"1\"", "]}]}", CONTENT_LINES_MOST, "/cards/0/phones"},
        {"{\"kind\":\"template\",\"name\":\"x\",\"params\":[", "\"1\"", "]}", CONTENT_PARAMS_MOST, "/params"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
        for (size_t n = cases[i].most; n <= cases[i].most + 1; n++) {
            g_autofree char *list = times (cases[i].one, n), *json = g_strconcat (cases[i].before, list, cases[i].after, NULL);
            g_autofree char *place = place_of (&(struct one){json, 0, NULL});
            g_assert_cmpstr (place, ==, n == cases[i].most ? NULL : cases[i].place);
        }
}

static void test_an_id_has_200_bytes (void)
{
    for (size_t n = CONTENT_ID_MOST; n <= CONTENT_ID_MOST + 1; n++) {
        g_autofree char *id = g_strnfill (n, 'x');
        g_autofree char *json = g_strdup_printf ("{\"kind\":\"choice\",\"text\":\"x\",\"options\":[{\"title\":\"x\",\"id\":\"%s\"}]}", id);
        g_autofree char *place = place_of (&(struct one){json, 0, NULL});
        g_assert_cmpstr (place, ==, n == CONTENT_ID_MOST ? NULL : "/options/0/id");
    }
}

static void test_every_kind_has_its_words (void)
{
    static const char *const cases[][2] = {
        {"{\"kind\":\"text\",\"text\":\"Hi\"}", "Hi"},
        {"{\"kind\":\"media\",\"text\":\"Look\",\"media\":[{\"media_kind\":\"image\"}]}", "Look"},
        {"{\"kind\":\"media\",\"media\":[{\"media_kind\":\"image\"},{\"media_kind\":\"voice\"}]}", "[image] [voice]"},
        {"{\"kind\":\"location\",\"lat\":52.520008,\"lon\":-13.4}", "https://maps.google.com/?q=52.520008,-13.4"},
        {"{\"kind\":\"location\",\"lat\":-90,\"lon\":180,\"name\":\"Caf\\u00e9\",\"address\":\"Main St 1\"}",
         "Caf\xc3\xa9\nMain St 1\nhttps://maps.google.com/?q=-90,180"},
        {"{\"kind\":\"contacts\",\"cards\":[{\"name\":\"Ana\",\"org\":\"Acme\",\"phones\":[\"+1 555\",\"+1 "
         "556\"],\"emails\":[\"a@x.org\"]},{\"name\":\"Bob\"}]}",
         "Ana\nAcme\n+1 555\n+1 556\na@x.org\n\nBob"},
        {"{\"kind\":\"choice\",\"text\":\"When?\",\"footer\":\"Bye\",\"style\":\"list\",\"options\":[{\"id\":\"am\",\"title\":\"Morning\"},"
         "{\"title\":\"Site\",\"type\":\"url\",\"value\":\"https://x.org\"},{\"title\":\"Noon\",\"description\":\"at "
         "12\",\"type\":\"reply\"}]}",
         "When?\n1) Morning\nSite: https://x.org\n2) Noon: at 12\nBye"},
        {"{\"kind\":\"cards\",\"items\":[{\"title\":\"Red\",\"text\":\"Warm\",\"options\":[{\"title\":\"Buy\"}]},"
         "{\"title\":\"Blue\",\"options\":[{\"title\":\"Buy\"}]},{\"title\":\"None\"}]}",
         "Red\nWarm\n1) Buy\n\nBlue\n2) Buy\n\nNone"},
        {"{\"kind\":\"template\",\"name\":\"hi\",\"lang\":\"en\",\"params\":[\"x\"],\"text\":\"Hello x\"}", "Hello x"},
        {"{\"kind\":\"template\",\"name\":\"hi\",\"params\":[\"x\",2]}", "hi: x, 2"},
        {"{\"kind\":\"template\",\"name\":\"hi\",\"params\":{\"a\":\"x\",\"b\":9.99}}", "hi: x, 9.99"},
        {"{\"kind\":\"reaction\",\"target\":\"m1\",\"emoji\":\"\\ud83d\\udc4d\"}", "\xf0\x9f\x91\x8d"},
        {"{\"kind\":\"reaction\",\"target\":\"m1\",\"emoji\":null}", ""},
        {"{\"kind\":\"form\",\"name\":\"Order\",\"data\":{\"size\":\"L\",\"n\":2,\"price\":9.99,\"tags\":[\"a\",null]}}",
         "Order\nsize: L\nn: 2\nprice: 9.99\ntags: [\"a\",null]"},
        {"{\"kind\":\"event\",\"type\":\"joined\"}", "[joined]"},
        {"{\"kind\":\"event\",\"type\":\"call\",\"text\":\"missed\"}", "missed"},
        /* what came in may be anything */
        {"{\"kind\":\"location\",\"name\":1}", ""},
        {"{\"kind\":\"choice\",\"options\":[{},1]}", "1) \n2) "},
        {"{\"kind\":\"odd\",\"text\":\"x\"}", ""},
        {"{}", ""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        json_auto_t *content = json_parse_text (cases[i][0], strlen (cases[i][0]), NULL);
        g_autofree char *plain = content_plain (content);
        g_assert_cmpstr (plain, ==, cases[i][1]);
    }
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/content/each kind is read strictly", test_each_kind_is_read_strictly);
    g_test_add_func ("/content/lists have limits", test_lists_have_limits);
    g_test_add_func ("/content/an id has 200 bytes", test_an_id_has_200_bytes);
    g_test_add_func ("/content/every kind has its words", test_every_kind_has_its_words);
    return g_test_run ();
}
