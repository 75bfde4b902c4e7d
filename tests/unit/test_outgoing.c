/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/outgoing.h"

#include "base/clock.h"
#include "model/task.h"

#include <string.h>

#define NOW INT64_C (1795494525123456)

/* Where it is refused, "" for nowhere in particular; NULL: it is taken. To be freed. */
static char *place_of (const char *json, enum outgoing_form form)
{
    json_auto_t *body = json_parse_text (json, strlen (json), NULL);
    struct outgoing o;
    struct refusal refusal;
    g_assert_nonnull (body);
    bool good = outgoing_read (body, form, NOW, &o, &refusal);
    char *place = good ? NULL : g_strdup (refusal.place);
    g_assert_cmpint (good ? 0 : 422, ==, (int) refusal.status);
    outgoing_clear (&o);
    refusal_clear (&refusal);
    return place;
}

static void test_only_what_is_described_is_read (void)
{
    static const struct {
        const char *json, *reply, *first;
    } cases[] = {
        {"{\"text\":\"x\"}", NULL, "/channel"},
        {"{\"channel\":\"sms\",\"to\":\"tel:+15550001111\",\"text\":\"x\"}", "/channel", NULL},
        {"{\"channel\":\"sms\",\"to\":\"+15550001111\",\"text\":\"x\"}", "/channel", "/to"},
        {"{\"channel\":null,\"to\":\"tel:+15550001111\",\"text\":\"x\"}", "/channel", "/channel"},
        {"{\"note\":\"x\"}", NULL, "/note"},
        {"{\"note\":\"x\",\"lane\":null}", NULL, "/note"},
        {"{\"note\":\"x\",\"lane\":\"normal\"}", "/lane", "/note"},
        {"{\"text\":\"x\",\"seen\":9223372036854775807}", NULL, "/seen"},
        {"[]", "", ""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autofree char *reply = place_of (cases[i].json, OUTGOING_REPLY), *first = place_of (cases[i].json, OUTGOING_FIRST);
        g_assert_cmpstr (reply, ==, cases[i].reply);
        g_assert_cmpstr (first, ==, cases[i].first);
    }
}

static void test_it_expires_within_thirty_days (void)
{
    static const struct {
        int64_t after;
        const char *place;
    } cases[] = {
        {0, "/expires_at"},
        {1, NULL},
        {OUTGOING_EXPIRY_MOST, NULL},
        {OUTGOING_EXPIRY_MOST + 1, "/expires_at"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        char time[CLOCK_TEXT_SIZE];
        clock_format (NOW + cases[i].after, time);
        g_autofree char *json = g_strdup_printf ("{\"text\":\"x\",\"expires_at\":\"%s\"}", time);
        g_autofree char *place = place_of (json, OUTGOING_REPLY);
        g_assert_cmpstr (place, ==, cases[i].place);
    }
}

/* A message with one file of that type and size and with that text; where the channel refuses it. To be freed. */
static char *misfit (const struct carries *carries, const char *text, char *mime, int64_t size)
{
    struct outgoing_file file = {.mime = mime, .size = size};
    struct outgoing o = {.text = (char *) (uintptr_t) text, .text_place = "/text"};
    struct refusal refusal = {0};
    g_autoptr (GPtrArray) files = g_ptr_array_new ();
    if (size) g_ptr_array_add (files, &file);
    char *place = outgoing_fits (&o, carries, files, &refusal) ? NULL : g_strdup (refusal.place);
    refusal_clear (&refusal);
    return place;
}

static void test_a_channel_says_what_it_carries (void)
{
    static const char *const types[] = {"image/", "text/vcard", NULL};
    static const struct carries some = {.text_most = 3, .file_most = 10, .files_most = 1, .types = types};
    static const struct carries any = {.text_most = 3, .file_most = 10, .files_most = 1}, text_alone = {.text_most = 3}, nothing = {0};
    static char png[] = "image/png", loud[] = "IMAGE/PNG", vcard[] = "text/vcard", longer[] = "text/vcard2", shorter[] = "image";
    const struct {
        const struct carries *carries;
        const char *text;
        char *mime;
        int64_t size;
        const char *place;
    } cases[] = {
        {&some, "\xf0\x9f\x91\x8b\xc3\xbcx", NULL, 0, NULL},
        {&some, "four", NULL, 0, "/text"},
        {&some, "x", png, 10, NULL},
        {&some, "x", png, 11, "/attachments/0"},
        {&some, NULL, loud, 1, NULL},
        {&some, NULL, vcard, 1, NULL},
        {&some, NULL, longer, 1, "/attachments/0"},
        {&some, NULL, shorter, 1, "/attachments/0"},
        {&some, NULL, NULL, 1, "/attachments/0"},
        {&any, NULL, longer, 1, NULL},
        {&any, NULL, NULL, 1, NULL},
        {&text_alone, "x", NULL, 0, NULL},
        {&text_alone, "x", png, 1, "/attachments"},
        {&nothing, "x", NULL, 0, "/text"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autofree char *place = misfit (cases[i].carries, cases[i].text, cases[i].mime, cases[i].size);
        g_assert_cmpstr (place, ==, cases[i].place);
    }
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/outgoing/only what is described is read", test_only_what_is_described_is_read);
    g_test_add_func ("/outgoing/it expires within thirty days", test_it_expires_within_thirty_days);
    g_test_add_func ("/outgoing/a channel says what it carries", test_a_channel_says_what_it_carries);
    return g_test_run ();
}
