/* SPDX-License-Identifier: Apache-2.0 */
#include "model/template.h"

#include <string.h>

#define BODY(text) "{\"type\":\"BODY\",\"text\":\"" text "\"}"
#define COUNTED "[" BODY ("Hello {{1}}, order {{2}} of {{1}}") "]"
#define NAMED "[" BODY ("Hello {{first_name}}, order {{ order }}") "]"
#define BUTTONS \
    "[" BODY ( \
        "Hi") ",{\"type\":\"BUTTONS\",\"buttons\":[{\"type\":\"QUICK_REPLY\",\"text\":\"Ok\"},{\"type\":\"URL\",\"text\":\"Open\"," \
              "\"url\":\"https://x.org/{{1}}\"},{\"type\":\"COPY_CODE\",\"example\":\"X\"},{\"type\":\"PHONE_NUMBER\",\"phone_number\":" \
              "\"+1\"}]}]"

/* content's members beside kind and name; where it is refused, NULL: it is not. */
static char *place_of (const char *components, const char *members, size_t n_files)
{
    g_autofree char *json = g_strdup_printf ("{\"kind\":\"template\",\"name\":\"t\"%s%s}", *members ? "," : "", members);
    json_auto_t *asked = json_parse_text (components, strlen (components), NULL), *content = json_parse_text (json, strlen (json), NULL);
    struct content_fault fault = {0};
    g_assert_true (asked && content && content_check (content, n_files, &fault));
    bool good = template_check (asked, content, n_files, &fault);
    g_assert_true (good == !fault.place && good == !fault.wrong);
    char *place = g_strdup (fault.place);
    content_fault_clear (&fault);
    return place;
}

static void test_what_is_missing_or_too_many_is_named (void)
{
    static const struct {
        const char *components, *members;
        size_t n_files;
        const char *place;
    } cases[] = {
        {"[]", "", 0, NULL},
        {"[" BODY ("Hi") "]", "", 0, NULL},
        {"[" BODY ("Hi") "]", "\"params\":[\"x\"]", 0, "/params/0"},
        {COUNTED, "\"params\":[\"a\",2]", 0, NULL},
        {COUNTED, "\"params\":[\"a\"]", 0, "/params/1"},
        {COUNTED, "\"params\":[\"a\",\"b\",\"c\"]", 0, "/params/2"},
        {COUNTED, "", 0, "/params/0"},
        {COUNTED, "\"params\":{\"1\":\"a\"}", 0, "/params"},
        {NAMED, "\"params\":{\"first_name\":\"a\",\"order\":1}", 0, NULL},
        {NAMED, "\"params\":{\"order\":1}", 0, "/params/first_name"},
        {NAMED, "\"params\":{\"first_name\":\"a\",\"order\":1,\"z\":1}", 0, "/params/z"},
        {NAMED, "\"params\":[\"a\",\"b\"]", 0, "/params"},
        {NAMED, "", 0, "/params/first_name"},
        {"[{\"type\":\"HEADER\",\"format\":\"TEXT\",\"text\":\"For {{1}}\"}]", "\"header\":\"Ana\"", 0, NULL},
        {"[{\"type\":\"HEADER\",\"format\":\"TEXT\",\"text\":\"For {{1}}\"}]", "", 0, "/header"},
        {"[{\"type\":\"HEADER\",\"format\":\"TEXT\",\"text\":\"For you\"}]", "\"header\":\"Ana\"", 0, "/header"},
        {"[{\"type\":\"header\",\"format\":\"image\"}]", "", 1, NULL},
        {"[{\"type\":\"HEADER\",\"format\":\"IMAGE\"}]", "", 0, "/header"},
        {"[" BODY ("Hi") "]", "", 1, "/header"},
        {BUTTONS, "\"buttons\":[{\"index\":1,\"text\":\"7\"},{\"index\":2,\"coupon_code\":\"C\"}]", 0, NULL},
        {BUTTONS, "\"buttons\":[{\"index\":0,\"payload\":\"p\"},{\"index\":1,\"text\":\"7\"},{\"index\":2,\"coupon_code\":\"C\"}]", 0,
         NULL},
        {BUTTONS, "\"buttons\":[{\"index\":1,\"text\":\"7\"}]", 0, "/buttons"},
        {BUTTONS, "", 0, "/buttons"},
        {BUTTONS, "\"buttons\":[{\"index\":1,\"payload\":\"7\"},{\"index\":2,\"coupon_code\":\"C\"}]", 0, "/buttons/0"},
        {BUTTONS, "\"buttons\":[{\"index\":1,\"text\":\"7\"},{\"index\":2,\"coupon_code\":\"C\"},{\"index\":3,\"text\":\"x\"}]", 0,
         "/buttons/2"},
        {BUTTONS, "\"buttons\":[{\"index\":1,\"text\":\"7\"},{\"index\":2,\"coupon_code\":\"C\"},{\"index\":4,\"text\":\"x\"}]", 0,
         "/buttons/2/index"},
        {BUTTONS, "\"buttons\":[{\"index\":1,\"text\":\"7\"},{\"index\":2,\"coupon_code\":\"C\"},{\"index\":1,\"text\":\"8\"}]", 0,
         "/buttons/2/index"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autofree char *place = place_of (cases[i].components, cases[i].members, cases[i].n_files);
        if (g_strcmp0 (place, cases[i].place)) g_test_message ("%zu: %s", i, cases[i].members);
        g_assert_cmpstr (place, ==, cases[i].place);
    }
}

static void test_what_is_read_is_shown (void)
{
    static const char *const cases[][3] = {
        {"[{\"type\":\"HEADER\",\"format\":\"TEXT\",\"text\":\"For {{1}}\"}," BODY (
             "Hello {{1}}, {{2}} {{") ",{\"type\":\"FOOTER\",\"text\":\"Bye\"}]",
         "{\"header\":\"Ana\",\"params\":[\"A\",1.5]}", "For Ana\nHello A, 1.5 {{\nBye"},
        {NAMED, "{\"params\":{\"first_name\":\"Ana\",\"order\":7}}", "Hello Ana, order 7"},
        {NAMED, "{}", "Hello {{first_name}}, order {{ order }}"},
        {"[]", "{}", NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        json_auto_t *components = json_loads (cases[i][0], 0, NULL), *content = json_loads (cases[i][1], 0, NULL);
        g_autofree char *plain = template_plain (components, content);
        g_assert_cmpstr (plain, ==, cases[i][2]);
    }
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/template/what is missing or too many is named", test_what_is_missing_or_too_many_is_named);
    g_test_add_func ("/template/what is read is shown", test_what_is_read_is_shown);
    return g_test_run ();
}
