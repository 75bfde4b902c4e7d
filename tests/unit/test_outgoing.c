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

static void test_a_note_has_64_kilobytes (void)
{
    for (size_t length = OUTGOING_NOTE_MOST; length <= OUTGOING_NOTE_MOST + 1; length++) {
        g_autofree char *text = g_strnfill (length, 'x'), *json = g_strdup_printf ("{\"note\":\"%s\"}", text),
                        *place = place_of (json, OUTGOING_REPLY);
        g_assert_cmpstr (place, ==, length == OUTGOING_NOTE_MOST ? NULL : "/note");
    }
}

static void test_content_has_64_kilobytes (void)
{
    static const char compact[] = "{\"kind\":\"event\",\"type\":\"\"}";
    for (size_t length = OUTGOING_CONTENT_MOST; length <= OUTGOING_CONTENT_MOST + 1; length++) {
        g_autofree char *name = g_strnfill (length - strlen (compact), 'x');
        g_autofree char *json = g_strdup_printf ("{\"content\": {\"kind\": \"event\", \"type\": \"%s\"}}", name);
        g_autofree char *place = place_of (json, OUTGOING_REPLY);
        g_assert_cmpstr (place, ==, length == OUTGOING_CONTENT_MOST ? NULL : "/content");
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
    struct outgoing o = {.text = g_strdup (text), .text_place = "/text", .content = json_pack ("{ss}", "kind", size ? "media" : "text")};
    if (text) json_object_set_new (o.content, "text", json_string (text));
    struct refusal refusal = {0};
    g_autoptr (GPtrArray) files = g_ptr_array_new ();
    if (size) g_ptr_array_add (files, &file);
    char *place = outgoing_adapt (&o, carries, "some", files, &refusal) ? NULL : g_strdup (refusal.place);
    refusal_clear (&refusal);
    outgoing_clear (&o);
    return place;
}

static void test_a_channel_says_what_it_carries (void)
{
    static const char *const types[] = {"image/", "text/vcard", NULL};
    static const char *const kinds[] = {"text", "media", NULL};
    static const struct carries some = {.kinds = kinds, .text_most = 3, .file_most = 10, .files_most = 1, .types = types};
    static const struct carries any = {.kinds = kinds, .text_most = 3, .file_most = 10, .files_most = 1},
                                text_alone = {.kinds = kinds, .text_most = 3}, nothing = {.kinds = kinds};
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

static void put_nothing (const struct channel *channel, const struct http_request *request, bool trusted, int64_t now,
                         struct received *received)
{
    (void) channel, (void) request, (void) trusted, (void) now, (void) received;
}

static bool compose_nothing (const struct channel *channel, const struct task *task, const char *notes, int64_t now,
                             struct call_request *call)
{
    (void) channel, (void) task, (void) notes, (void) now, (void) call;
    return false;
}

static void test_where_nothing_can_be_sent_it_says_why (void)
{
    static const struct adapter deaf = {.name = "deaf", .receive = put_nothing}, able = {.name = "able", .compose = compose_nothing};
    const struct channel listens = {.adapter = &deaf}, speaks = {.adapter = &able};
    g_assert_cmpstr (outgoing_closed (&listens, false), ==, "nothing can be sent on this channel");
    g_assert_cmpstr (outgoing_closed (&speaks, true), ==, "the channel is disabled");
    g_assert_cmpstr (outgoing_closed (NULL, true), ==, "the channel is disabled");
    g_assert_cmpstr (outgoing_closed (NULL, false), ==, "the channel is not in this gateway's configuration");
    g_assert_null (outgoing_closed (&speaks, false));
}

static void test_a_channel_writes_to_its_own_kind_of_address (void)
{
    static const char *const schemes[] = {"tel", "short", NULL};
    static const struct carries carries = {.schemes = schemes};
    static char to[] = "mailto:ana@x.org";
    struct outgoing reply = {0}, first = {.to = to};
    struct refusal refusal;
    g_assert_true (outgoing_reaches (&reply, &carries, "tel:+15550001111", &refusal));
    g_assert_true (outgoing_reaches (&reply, &carries, "short:US:51515", &refusal));
    g_assert_false (outgoing_reaches (&first, &carries, to, &refusal));
    g_assert_cmpuint (refusal.status, ==, 422);
    g_assert_cmpstr (refusal.place, ==, "/to");
    g_assert_nonnull (strstr (refusal.detail, "tel: or short:"));
    refusal_clear (&refusal);
    g_assert_false (outgoing_reaches (&reply, &carries, "telephone:1", &refusal));
    g_assert_cmpuint (refusal.status, ==, 409);
    refusal_clear (&refusal);
}

/* What is stored of a reply on a channel that carries these kinds; where it is refused, the place after a '!'. To be freed. */
static char *stored (const char *json, const char *const *kinds)
{
    const struct carries carries = {.kinds = kinds, .text_most = 100};
    json_auto_t *body = json_parse_text (json, strlen (json), NULL);
    struct outgoing o;
    struct refusal refusal;
    g_autoptr (GPtrArray) files = g_ptr_array_new ();
    bool good = outgoing_read (body, OUTGOING_REPLY, NOW, &o, &refusal) && outgoing_adapt (&o, &carries, "some", files, &refusal);
    char *content = good ? outgoing_content (&o, files) : g_strconcat ("!", refusal.place, NULL);
    outgoing_clear (&o);
    refusal_clear (&refusal);
    return content;
}

static void test_what_a_channel_cannot_carry_is_put_in_words (void)
{
#define PLACE "{\"kind\":\"location\",\"lat\":52.520008,\"lon\":2}"
    static const char *const plain[] = {"text", NULL}, *const able[] = {"text", "location", NULL};
    static const struct {
        const char *json, *plain, *able;
    } cases[] = {
        {"{\"content\":" PLACE "}", "{\"kind\":\"text\",\"text\":\"https://maps.google.com/?q=52.520008,2\",\"original\":" PLACE "}",
         PLACE},
        {"{\"content\":" PLACE ",\"fallback\":{\"mode\":\"text\",\"text\":\"here\"}}",
         "{\"kind\":\"text\",\"text\":\"here\",\"original\":" PLACE "}", PLACE},
        {"{\"content\":" PLACE ",\"fallback\":{\"mode\":\"strict\"}}", "!/content/kind", PLACE},
        {"{\"content\":{\"kind\":\"location\",\"lat\":1},\"fallback\":{\"mode\":\"adapt\"}}", "!/content/lon", "!/content/lon"},
        {"{\"text\":\"x\",\"fallback\":{\"mode\":\"text\",\"text\":\"y\"}}", "{\"kind\":\"text\",\"text\":\"x\"}",
         "{\"kind\":\"text\",\"text\":\"x\"}"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autofree char *words = stored (cases[i].json, plain), *whole = stored (cases[i].json, able);
        g_assert_cmpstr (words, ==, cases[i].plain);
        g_assert_cmpstr (whole, ==, cases[i].able);
    }
}

/* How a reply is put on a channel of buttons: its rendering; where it is refused, the place after a '!'. To be freed. */
static char *rendered (const char *json)
{
    static const char *const kinds[] = {"text", "media", "choice", NULL};
    static const struct carries carries = {
        .kinds = kinds,
        .text_most = 100,
        .choice = {.text_most = 50, .buttons_most = 2, .button_title_most = 5, .button_id_most = 20},
    };
    json_auto_t *body = json_parse_text (json, strlen (json), NULL);
    struct outgoing o;
    struct refusal refusal;
    g_autoptr (GPtrArray) files = g_ptr_array_new ();
    bool good = outgoing_read (body, OUTGOING_REPLY, NOW, &o, &refusal) && outgoing_adapt (&o, &carries, "some", files, &refusal);
    char *rendering = good ? outgoing_rendering (&o) : g_strconcat ("!", refusal.place, NULL);
    outgoing_clear (&o);
    refusal_clear (&refusal);
    return rendering;
}

static void test_what_is_done_to_content_is_told (void)
{
#define ASK(title) "{\"content\":{\"kind\":\"choice\",\"text\":\"x\",\"options\":[{\"title\":\"" title "\"}]}"
    static const char *const cases[][2] = {
        {ASK ("short") "}", "{\"native\":true,\"steps\":[]}"},
        {ASK ("short") ",\"fallback\":{\"mode\":\"strict\"}}", "{\"native\":true,\"steps\":[]}"},
        {ASK ("short") ",\"fallback\":{\"mode\":\"text\",\"text\":\"y\"}}", "{\"native\":true,\"steps\":[]}"},
        {ASK ("longer") "}", "{\"native\":true,\"steps\":[\"title cut\"]}"},
        {ASK ("longer") ",\"fallback\":{\"mode\":\"strict\"}}", "!/content/options"},
        {ASK ("longer") ",\"fallback\":{\"mode\":\"text\",\"text\":\"y\"}}", "{\"native\":false,\"steps\":[\"choice→given text\"]}"},
        {"{\"content\":{\"kind\":\"event\",\"type\":\"x\"},\"fallback\":{\"mode\":\"text\",\"text\":\"y\"}}",
         "{\"native\":false,\"steps\":[\"event→given text\"]}"},
        {"{\"content\":{\"kind\":\"event\",\"type\":\"x\"}}", "!/content/kind"},
        {"{\"text\":\"y\"}", "{\"native\":true,\"steps\":[]}"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autofree char *rendering = rendered (cases[i][0]);
        g_assert_cmpstr (rendering, ==, cases[i][1]);
    }
}

static void test_a_reaction_refers_to_its_target (void)
{
#define ONE "01900000-0000-7000-8000-000000000001"
#define OTHER "01900000-0000-7000-8000-000000000002"
    static const struct {
        const char *more, *place;
    } cases[] = {{"", NULL}, {",\"in_reply_to\":\"" ONE "\"", NULL}, {",\"in_reply_to\":\"" OTHER "\"", "/in_reply_to"}};
    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autofree char *json =
            g_strdup_printf ("{\"content\":{\"kind\":\"reaction\",\"target\":\"" ONE "\",\"emoji\":\"x\"}%s}", cases[i].more);
        g_autofree char *place = place_of (json, OUTGOING_REPLY);
        g_assert_cmpstr (place, ==, cases[i].place);
    }
    g_autofree char *place = place_of ("{\"content\":{\"kind\":\"reaction\",\"target\":\"wamid.1\",\"emoji\":\"x\"}}", OUTGOING_REPLY);
    g_assert_cmpstr (place, ==, "/content/target");
}

static void test_a_template_is_read_with_what_it_was_given (void)
{
    static const char *const kinds[] = {"text", "template", NULL};
    static const struct carries carries = {.kinds = kinds, .text_most = 100};
    static const char components[] = "[{\"type\":\"BODY\",\"text\":\"Hello {{1}}\"}]";
    static const char *const cases[][2] = {{"[\"Ana\"]", NULL}, {"[]", "/content/params/0"}};
    g_autoptr (GPtrArray) files = g_ptr_array_new ();
    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autofree char *json = g_strdup_printf ("{\"content\":{\"kind\":\"template\",\"name\":\"hi\",\"params\":%s}}", cases[i][0]);
        json_auto_t *body = json_parse_text (json, strlen (json), NULL);
        struct outgoing o;
        struct refusal refusal;
        g_assert_true (outgoing_read (body, OUTGOING_REPLY, NOW, &o, &refusal) && outgoing_adapt (&o, &carries, "some", files, &refusal));
        bool good = outgoing_fill (&o, components, &refusal);
        g_assert_cmpstr (good ? NULL : refusal.place, ==, cases[i][1]);
        g_assert_cmpstr (o.text, ==, good ? "Hello Ana" : "hi");
        outgoing_clear (&o);
        refusal_clear (&refusal);
    }
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/outgoing/only what is described is read", test_only_what_is_described_is_read);
    g_test_add_func ("/outgoing/a note has 65,536 bytes at most", test_a_note_has_64_kilobytes);
    g_test_add_func ("/outgoing/content has 65,536 bytes at most", test_content_has_64_kilobytes);
    g_test_add_func ("/outgoing/it expires within thirty days", test_it_expires_within_thirty_days);
    g_test_add_func ("/outgoing/a channel says what it carries", test_a_channel_says_what_it_carries);
    g_test_add_func ("/outgoing/where nothing can be sent it says why", test_where_nothing_can_be_sent_it_says_why);
    g_test_add_func ("/outgoing/a channel writes to its own kind of address", test_a_channel_writes_to_its_own_kind_of_address);
    g_test_add_func ("/outgoing/what a channel cannot carry is put in words", test_what_a_channel_cannot_carry_is_put_in_words);
    g_test_add_func ("/outgoing/what is done to content is told", test_what_is_done_to_content_is_told);
    g_test_add_func ("/outgoing/a reaction refers to its target", test_a_reaction_refers_to_its_target);
    g_test_add_func ("/outgoing/a template is read with what it was given", test_a_template_is_read_with_what_it_was_given);
    return g_test_run ();
}
