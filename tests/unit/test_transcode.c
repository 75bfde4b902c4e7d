/* SPDX-License-Identifier: Apache-2.0 */
#include "model/transcode.h"

#include "model/task.h"

#include <string.h>

/* ---- channels ---- */

static const char *const text_alone[] = {"text", "media", NULL};
static const char *const all[] = {"text", "media", "location", "contacts", "choice", "cards", "template", "reaction", NULL};
static const char *const images[] = {"image/jpeg", "image/png", NULL}, *const sounds[] = {"audio/ogg", NULL},
                         *const films[] = {"video/mp4", NULL};
static const struct carries_file kinds[] = {{"image", images, 100, true}, {"voice", sounds, 100, false}, {"audio", sounds, 100, false},
                                            {"video", films, 100, true},  {"document", NULL, 200, true}, {0}};
static const struct carries sms = {.kinds = text_alone, .text_most = 1600, .file_most = 1000, .files_most = 3};
static const struct carries rich = {.kinds = all,
                                    .text_most = 70,
                                    .text_longest = 90,
                                    .caption_most = 10,
                                    .file_most = 1000,
                                    .files_most = 10,
                                    .file_kinds = kinds,
                                    .choice = {.text_most = 60,
                                               .footer_most = 10,
                                               .buttons_most = 3,
                                               .button_title_most = 8,
                                               .button_id_most = 20,
                                               .rows_most = 4,
                                               .row_title_most = 10,
                                               .row_description_most = 12,
                                               .row_id_most = 10,
                                               .list_text_most = 100,
                                               .sections_most = 2,
                                               .section_title_most = 5,
                                               .label_most = 6,
                                               .url = true,
                                               .location = true,
                                               .header = true},
                                    .cards = {.least = 2, .most = 3, .text_most = 20, .title_most = 5},
                                    .templates = true};

static void add_file (GPtrArray *files, const char *mime, int64_t size)
{
    struct outgoing_file *file = g_new0 (struct outgoing_file, 1);
    file->mime = g_strdup (mime);
    file->size = size;
    g_ptr_array_add (files, file);
}

/* "image/png 50, video/mp4 7" */
static GPtrArray *files_of (const char *list)
{
    GPtrArray *files = g_ptr_array_new_with_free_func ((GDestroyNotify) outgoing_file_free);
    g_auto (GStrv) each = g_strsplit (list ? list : "", ", ", -1);
    for (char **one = each; *one; one++) {
        char *space = strrchr (*one, ' ');
        *space = '\0';
        add_file (files, *one, g_ascii_strtoll (space + 1, NULL, 10));
    }
    return files;
}

static char *join (const json_t *steps)
{
    GString *text = g_string_new (NULL);
    size_t i;
    json_t *step;
    json_array_foreach (steps, i, step) g_string_append_printf (text, "%s%s", i ? ", " : "", json_string_value (step));
    return g_string_free (text, FALSE);
}

/* What becomes of content: "steps | content without the original"; refused: "! place". To be freed. */
static char *put (const char *json, const struct carries *carries, const char *list)
{
    g_autoptr (GPtrArray) files = files_of (list);
    json_auto_t *content = json_parse_text (json, strlen (json), NULL);
    struct transcoded out;
    struct content_fault fault;
    g_assert_nonnull (content);
    g_assert_true (content_check (content, files->len, &fault));
    bool good = transcode (content, carries, "some", files, &out, &fault);
    g_autofree char *steps = join (out.steps), *refused = good ? NULL : g_strconcat ("! ", fault.place, NULL);
    g_assert_true (good == (out.content != NULL) && good == !fault.wrong);
    g_assert_true (!good || !*steps == !out.place);
    json_object_del (out.content, "original");
    char *said = good ? json_dumps (out.content, JSON_COMPACT | JSON_REAL_PRECISION (15)) : NULL;
    char *all_of_it = refused ? g_steal_pointer (&refused) : g_strconcat (steps, *steps ? " | " : "| ", said, NULL);
    free (said);
    transcoded_clear (&out);
    content_fault_clear (&fault);
    return all_of_it;
}

struct one {
    const char *content, *files, *becomes;
};

static void check (const struct one *cases, size_t n, const struct carries *carries)
{
    for (size_t i = 0; i < n; i++) {
        g_autofree char *became = put (cases[i].content, carries, cases[i].files);
        g_assert_cmpstr (became, ==, cases[i].becomes);
    }
}

#define CHECK(cases, carries) check (cases, G_N_ELEMENTS (cases), carries)

/* ---- tests ---- */

#define TWO "{\"id\":\"am\",\"title\":\"Morning\"},{\"title\":\"Noon\"}"
#define TWO_WHOLE "{\"id\":\"am\",\"title\":\"Morning\",\"type\":\"reply\"},{\"title\":\"Noon\",\"id\":\"2\",\"type\":\"reply\"}"
#define LINK "{\"title\":\"Site\",\"type\":\"url\",\"value\":\"https://x.org\"}"

static void test_where_there_are_only_texts_everything_is_words (void)
{
    static const struct one cases[] = {
        {"{\"kind\":\"text\",\"text\":\"x\"}", NULL, "| {\"kind\":\"text\",\"text\":\"x\"}"},
        {"{\"kind\":\"location\",\"lat\":1,\"lon\":2}", NULL,
         "location→text | {\"kind\":\"text\",\"text\":\"https://maps.google.com/?q=1,2\"}"},
        {"{\"kind\":\"choice\",\"text\":\"When?\",\"options\":[" TWO "," LINK "]}", NULL,
         "choice→numbered | {\"kind\":\"text\",\"text\":\"When?\\n1) Morning\\n2) Noon\\nSite: https://x.org\"}"},
        {"{\"kind\":\"choice\",\"text\":\"See\",\"options\":[" LINK "]}", NULL,
         "choice→links | {\"kind\":\"text\",\"text\":\"See\\nSite: https://x.org\"}"},
        {"{\"kind\":\"choice\",\"text\":\"When?\",\"options\":[" TWO "]}", "image/png 5",
         "choice→numbered | {\"kind\":\"media\",\"text\":\"When?\\n1) Morning\\n2) "
         "Noon\",\"media\":[{\"media_kind\":\"image\",\"mime\":\"image/png\",\"index\":0}]}"},
        {"{\"kind\":\"cards\",\"items\":[{\"title\":\"Red\"}]}", NULL, "cards→text | {\"kind\":\"text\",\"text\":\"Red\"}"},
        {"{\"kind\":\"cards\",\"items\":[{\"title\":\"Red\",\"options\":[{\"title\":\"Buy\"}]}]}", NULL,
         "cards→numbered | {\"kind\":\"text\",\"text\":\"Red\\n1) Buy\"}"},
        {"{\"kind\":\"template\",\"name\":\"hi\",\"text\":\"Hello\"}", NULL, "template→text | {\"kind\":\"text\",\"text\":\"Hello\"}"},
        {"{\"kind\":\"template\",\"name\":\"hi\"}", NULL, "! /content/text"},
        {"{\"kind\":\"reaction\",\"target\":\"m\",\"emoji\":\"x\"}", NULL, "reaction→text | {\"kind\":\"text\",\"text\":\"x\"}"},
        {"{\"kind\":\"reaction\",\"target\":\"m\",\"emoji\":null}", NULL, "! /content/emoji"},
        {"{\"kind\":\"event\",\"type\":\"typing\"}", NULL, "! /content/kind"},
    };
    CHECK (cases, &sms);
}

static void test_a_choice_takes_the_form_that_fits (void)
{
    static const struct one cases[] = {
        {"{\"kind\":\"choice\",\"text\":\"When?\",\"options\":[" TWO "]}", NULL,
         "| {\"kind\":\"choice\",\"text\":\"When?\",\"options\":[" TWO_WHOLE "],\"style\":\"buttons\"}"},
        {"{\"kind\":\"choice\",\"text\":\"When?\",\"style\":\"list\",\"label\":\"Open it\",\"options\":[" TWO "]}", NULL,
         "label cut | {\"kind\":\"choice\",\"text\":\"When?\",\"style\":\"list\",\"label\":\"Open…\",\"options\":[" TWO_WHOLE "]}"},
        {"{\"kind\":\"choice\",\"text\":\"N?\",\"style\":\"buttons\",\"options\":[{\"title\":\"a\"},{\"title\":\"b\"},{\"title\":\"c\"},{"
         "\"title\":\"d\"}]}",
         NULL,
         "buttons→list | {\"kind\":\"choice\",\"text\":\"N?\",\"style\":\"list\",\"options\":[{\"title\":\"a\",\"id\":\"1\",\"type\":"
         "\"reply\"},{\"title\":\"b\",\"id\":\"2\",\"type\":\"reply\"},{\"title\":\"c\",\"id\":\"3\",\"type\":\"reply\"},{\"title\":\"d\","
         "\"id\":\"4\",\"type\":\"reply\"}],\"label\":\"☰\"}"},
        {"{\"kind\":\"choice\",\"text\":\"N?\",\"options\":[{\"title\":\"a\"},{\"title\":\"b\"},{\"title\":\"c\"},{\"title\":\"d\"},{"
         "\"title\":\"e\"}]}",
         NULL, "choice→numbered | {\"kind\":\"text\",\"text\":\"N?\\n1) a\\n2) b\\n3) c\\n4) d\\n5) e\"}"},
        /* what is cut stands whole in the text */
        {"{\"kind\":\"choice\",\"text\":\"When?\",\"options\":[{\"title\":\"Tomorrow morning\"}]}", NULL,
         "title cut | {\"kind\":\"choice\",\"text\":\"When?\\nTomorrow "
         "morning\",\"options\":[{\"title\":\"Tomorro…\",\"id\":\"1\",\"type\":\"reply\"}],\"style\":\"buttons\"}"},
        /* two that are cut to the same make no buttons */
        {"{\"kind\":\"choice\",\"text\":\"When?\",\"options\":[{\"title\":\"Tomorrow a\"},{\"title\":\"Tomorrow b\"}]}", NULL,
         "| {\"kind\":\"choice\",\"text\":\"When?\",\"options\":[{\"title\":\"Tomorrow a\",\"id\":\"1\",\"type\":\"reply\"},{\"title\":"
         "\"Tomorrow b\",\"id\":\"2\",\"type\":\"reply\"}],\"label\":\"☰\",\"style\":\"list\"}"},
        /* ids are never cut */
        {"{\"kind\":\"choice\",\"text\":\"N?\",\"options\":[{\"title\":\"a\",\"id\":\"123456789012345678901\"}]}", NULL,
         "choice→numbered | {\"kind\":\"text\",\"text\":\"N?\\n1) a\"}"},
        {"{\"kind\":\"choice\",\"text\":\"N?\",\"footer\":\"more than "
         "ten\",\"options\":[{\"title\":\"a\",\"type\":\"flow\",\"value\":\"7\"}]}",
         NULL,
         "flow→reply, footer→text | {\"kind\":\"choice\",\"text\":\"N?\\nmore than "
         "ten\",\"options\":[{\"title\":\"a\",\"type\":\"reply\",\"value\":\"7\",\"id\":\"1\"}],\"style\":\"buttons\"}"},
        {"{\"kind\":\"choice\",\"text\":\"N?\",\"options\":[{\"title\":\"a\",\"description\":\"longer than "
         "twelve\",\"section\":\"Sixsix\"}]}",
         NULL,
         "description cut, section cut | {\"kind\":\"choice\",\"text\":\"N?\\na: longer than "
         "twelve\",\"options\":[{\"title\":\"a\",\"description\":\"longer "
         "than…\",\"section\":\"Sixs…\",\"id\":\"1\",\"type\":\"reply\"}],\"label\":\"☰\",\"style\":\"list\"}"},
        {"{\"kind\":\"choice\",\"text\":\"N?\",\"style\":\"buttons\",\"options\":[{\"title\":\"a\",\"description\":\"d\",\"section\":\"S\"}"
         "]}",
         NULL,
         "description→text, section left out | {\"kind\":\"choice\",\"text\":\"N?\\na: "
         "d\",\"style\":\"buttons\",\"options\":[{\"title\":\"a\",\"id\":\"1\",\"type\":\"reply\"}]}"},
        {"{\"kind\":\"choice\",\"text\":\"N?\",\"options\":[{\"title\":\"a\",\"section\":\"1\"},{\"title\":\"b\",\"section\":\"2\"},{"
         "\"title\":"
         "\"c\",\"section\":\"3\"}]}",
         NULL,
         "section left out | "
         "{\"kind\":\"choice\",\"text\":\"N?\",\"options\":[{\"title\":\"a\",\"id\":\"1\",\"type\":\"reply\"},{\"title\":"
         "\"b\",\"id\":\"2\",\"type\":\"reply\"},{\"title\":\"c\",\"id\":\"3\",\"type\":\"reply\"}],\"style\":\"buttons\"}"},
        /* links */
        {"{\"kind\":\"choice\",\"text\":\"See\",\"options\":[" LINK "]}", "image/png 5",
         "header→message | {\"kind\":\"choice\",\"text\":\"See\",\"options\":[{\"title\":\"Site\",\"type\":\"url\",\"value\":\"https://"
         "x.org\",\"id\":\"1\"}],\"style\":\"buttons\",\"media\":[{\"media_kind\":\"image\",\"mime\":\"image/png\",\"index\":0}]}"},
        {"{\"kind\":\"choice\",\"text\":\"See\",\"options\":[" LINK "," TWO "]}", NULL,
         "url→text | {\"kind\":\"choice\",\"text\":\"See\\nSite: https://x.org\",\"options\":[" TWO_WHOLE "],\"style\":\"buttons\"}"},
        {"{\"kind\":\"choice\",\"text\":\"See\",\"options\":[{\"title\":\"Us\",\"type\":\"call\",\"value\":\"+1\"}]}", NULL,
         "choice→links | {\"kind\":\"text\",\"text\":\"See\\nUs: +1\"}"},
        {"{\"kind\":\"choice\",\"text\":\"Where?\",\"options\":[{\"title\":\"Here\",\"type\":\"location\"}]}", NULL,
         "| {\"kind\":\"choice\",\"text\":\"Where?\",\"options\":[{\"title\":\"Here\",\"type\":\"location\",\"id\":\"1\"}],\"style\":"
         "\"buttons\"}"},
        /* what cannot stand above the question goes before it */
        {"{\"kind\":\"choice\",\"text\":\"When?\",\"style\":\"list\",\"options\":[" TWO "]}", "image/png 5",
         "header→message | {\"kind\":\"choice\",\"text\":\"When?\",\"style\":\"list\",\"options\":[" TWO_WHOLE
         "],\"label\":\"☰\",\"media\":[{\"media_kind\":\"image\",\"mime\":\"image/png\",\"index\":0}]}"},
        {"{\"kind\":\"choice\",\"text\":\"When?\",\"options\":[" TWO "]}", "audio/ogg 5",
         "header→message | {\"kind\":\"choice\",\"text\":\"When?\",\"options\":[" TWO_WHOLE
         "],\"style\":\"buttons\",\"media\":[{\"media_kind\":\"audio\",\"mime\":\"audio/ogg\",\"index\":0}]}"},
        {"{\"kind\":\"choice\",\"text\":\"When?\",\"options\":[" TWO "]}", "image/png 5",
         "| {\"kind\":\"choice\",\"text\":\"When?\",\"options\":[" TWO_WHOLE
         "],\"style\":\"buttons\",\"media\":[{\"media_kind\":\"image\",\"mime\":\"image/png\",\"index\":0}]}"},
    };
    CHECK (cases, &rich);
}

static void test_a_long_question_is_asked_by_a_list (void)
{
    static const struct {
        size_t length;
        const char *style;
    } cases[] = {{60, "buttons"}, {61, "list"}, {100, "list"}, {101, NULL}};
    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autofree char *text = g_strnfill (cases[i].length, 'x');
        g_autofree char *json = g_strdup_printf ("{\"kind\":\"choice\",\"text\":\"%s\",\"options\":[{\"title\":\"a\"}]}", text);
        g_autofree char *became = put (json, &rich, NULL);
        g_autofree char *style = g_strdup_printf ("\"style\":\"%s\"", cases[i].style);
        g_assert_true (cases[i].style ? strstr (became, style) != NULL : g_str_has_prefix (became, "choice→numbered"));
    }
}

static void test_a_long_text_goes_in_parts (void)
{
    static const struct {
        size_t length;
        const char *file, *steps;
    } cases[] = {
        {70, NULL, "| "}, {71, NULL, "text→parts | "}, {90, NULL, "text→parts | "}, {71, "image/png 1", "caption→text, text→parts | "}};
    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autofree char *text = g_strnfill (cases[i].length, 'x'), *json = g_strdup_printf ("{\"kind\":\"text\",\"text\":\"%s\"}", text);
        g_autofree char *became = put (json, &rich, cases[i].file);
        g_assert_true (g_str_has_prefix (became, cases[i].steps));
    }
}

#define BUY(n) "{\"title\":\"" n "\",\"file\":" n ",\"options\":[{\"title\":\"Buy\",\"type\":\"url\",\"value\":\"https://x.org\"}]}"

static void test_cards_are_a_carousel_where_all_are_alike (void)
{
    static const struct one cases[] = {
        {"{\"kind\":\"cards\",\"items\":[" BUY ("0") "," BUY ("1") "]}", "image/png 1, image/jpeg 1",
         "| {\"kind\":\"cards\",\"items\":[" BUY ("0") "," BUY (
             "1") "],\"media\":[{\"media_kind\":\"image\",\"mime\":\"image/"
                  "png\",\"index\":0},{\"media_kind\":\"image\",\"mime\":\"image/jpeg\",\"index\":1}]}"},
        {"{\"kind\":\"cards\",\"items\":[" BUY ("0") "," BUY ("1") "]}", "image/png 1, video/mp4 1",
         "cards→media, caption→text | {\"kind\":\"media\",\"text\":\"0\\nBuy: https://x.org\\n\\n1\\nBuy: "
         "https://x.org\",\"media\":[{\"media_kind\":\"image\",\"mime\":\"image/"
         "png\",\"index\":0},{\"media_kind\":\"video\",\"mime\":\"video/mp4\",\"index\":1}]}"},
        {"{\"kind\":\"cards\",\"items\":[{\"title\":\"Red\",\"text\":\"Warm\",\"options\":[{\"title\":\"Take\",\"id\":\"r\"}]}]}", NULL,
         "cards→choice | {\"kind\":\"choice\",\"text\":\"Red\\nWarm\",\"options\":[{\"title\":\"Take\",\"id\":\"r\",\"type\":\"reply\"}],"
         "\"style\":\"buttons\"}"},
        {"{\"kind\":\"cards\",\"items\":[{\"title\":\"Red\",\"options\":[{\"title\":\"Take\"}]},{\"title\":\"Blue\",\"options\":[{"
         "\"title\":"
         "\"Take\"}]}]}",
         NULL, "cards→numbered | {\"kind\":\"text\",\"text\":\"Red\\n1) Take\\n\\nBlue\\n2) Take\"}"},
    };
    CHECK (cases, &rich);
}

static void test_files_go_as_a_kind_that_takes_them (void)
{
#define MEDIA(kind, mime) "\"media\":[{\"media_kind\":\"" kind "\",\"mime\":\"" mime "\",\"index\":0}]}"
    static const struct one cases[] = {
        {"{\"kind\":\"media\"}", "image/png 100", "| {\"kind\":\"media\"," MEDIA ("image", "image/png")},
        {"{\"kind\":\"media\"}", "image/png 101", "image→document | {\"kind\":\"media\"," MEDIA ("document", "image/png")},
        {"{\"kind\":\"media\"}", "image/png 200", "image→document | {\"kind\":\"media\"," MEDIA ("document", "image/png")},
        {"{\"kind\":\"media\"}", "image/png 201", "! /attachments/0"},
        {"{\"kind\":\"media\"}", "image/gif 1", "image→document | {\"kind\":\"media\"," MEDIA ("document", "image/gif")},
        {"{\"kind\":\"media\",\"media_kind\":\"voice\"}", "audio/ogg; codecs=opus 1",
         "| {\"kind\":\"media\"," MEDIA ("voice", "audio/ogg; codecs=opus")},
        {"{\"kind\":\"media\",\"media_kind\":\"sticker\"}", "image/png 1",
         "sticker→image | {\"kind\":\"media\"," MEDIA ("image", "image/png")},
        {"{\"kind\":\"media\",\"text\":\"ten signs.\"}", "image/png 1",
         "| {\"kind\":\"media\",\"text\":\"ten signs.\"," MEDIA ("image", "image/png")},
        {"{\"kind\":\"media\",\"text\":\"eleven sign\"}", "image/png 1",
         "caption→text | {\"kind\":\"media\",\"text\":\"eleven sign\"," MEDIA ("image", "image/png")},
        {"{\"kind\":\"media\",\"text\":\"x\"}", "audio/ogg 1",
         "caption→text | {\"kind\":\"media\",\"text\":\"x\"," MEDIA ("audio", "audio/ogg")},
        {"{\"kind\":\"text\",\"text\":\"x\"}", "image/png 1", "| {\"kind\":\"media\",\"text\":\"x\"," MEDIA ("image", "image/png")},
        {"{\"kind\":\"location\",\"lat\":1,\"lon\":2}", "image/png 1",
         "location→media, caption→text | {\"kind\":\"media\",\"text\":\"https://maps.google.com/?q=1,2\"," MEDIA ("image", "image/png")},
    };
    CHECK (cases, &rich);
}

static void test_the_limit_of_a_file_is_named (void)
{
    static const struct {
        const char *file, *words;
    } cases[] = {{"image/png 201", "document has at most 200 bytes"}, {"image/png 1001", "at most 1000 bytes"}};
    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autoptr (GPtrArray) files = files_of (cases[i].file);
        json_auto_t *content = json_pack ("{ss}", "kind", "media");
        struct transcoded out;
        struct content_fault fault;
        g_assert_false (transcode (content, &rich, "some", files, &out, &fault));
        g_assert_nonnull (strstr (fault.wrong, cases[i].words));
        transcoded_clear (&out);
        content_fault_clear (&fault);
    }
}

static void test_other_kinds_go_as_they_are (void)
{
    static const struct one cases[] = {
        {"{\"kind\":\"location\",\"lat\":1,\"lon\":2}", NULL, "| {\"kind\":\"location\",\"lat\":1,\"lon\":2}"},
        {"{\"kind\":\"template\",\"name\":\"hi\",\"lang\":\"en\"}", NULL, "| {\"kind\":\"template\",\"name\":\"hi\",\"lang\":\"en\"}"},
        {"{\"kind\":\"template\",\"name\":\"hi\"}", NULL, "! /content/lang"},
        {"{\"kind\":\"reaction\",\"target\":\"m\",\"emoji\":null}", NULL, "| {\"kind\":\"reaction\",\"target\":\"m\",\"emoji\":null}"},
        {"{\"kind\":\"form\",\"name\":\"f\",\"data\":{}}", NULL, "form→text | {\"kind\":\"text\",\"text\":\"f\"}"},
    };
    CHECK (cases, &rich);
}

static void test_a_channel_s_own_json_passes (void)
{
    static const struct one cases[] = {
        {"{\"kind\":\"event\",\"type\":\"x\",\"native\":{\"some\":{\"type\":\"y\"}}}", NULL,
         "| {\"kind\":\"event\",\"type\":\"x\",\"native\":{\"some\":{\"type\":\"y\"}}}"},
        {"{\"kind\":\"event\",\"type\":\"x\",\"native\":{\"other\":{\"type\":\"y\"}}}", NULL, "! /content/kind"},
    };
    CHECK (cases, &sms);
}

static void test_what_was_given_is_kept_and_what_is_answered_told (void)
{
    g_autoptr (GPtrArray) files = files_of (NULL);
    static const char json[] = "{\"kind\":\"choice\",\"text\":\"When?\",\"options\":[" LINK "," TWO "]}";
    json_auto_t *content = json_parse_text (json, strlen (json), NULL);
    struct transcoded out;
    struct content_fault fault;
    g_assert_true (transcode (content, &sms, "some", files, &out, &fault));
    g_assert_true (json_equal (json_object_get (out.content, "original"), content));
    g_assert_false (out.native);
    g_assert_cmpstr (out.place, ==, "/content/kind");
    json_auto_t *answers = json_pack ("[{ss ss} {ss ss}]", "id", "am", "title", "Morning", "id", "2", "title", "Noon");
    g_assert_true (json_equal (out.answers, answers));
    transcoded_clear (&out);
    g_assert_true (transcode (content, &rich, "some", files, &out, &fault));
    g_assert_true (out.native && !out.answers);
    g_assert_cmpstr (out.place, ==, "/content/options");
    g_assert_cmpstr (out.text, ==, "When?\nSite: https://x.org\n1) Morning\n2) Noon");
    transcoded_clear (&out);
}

/* "steps | text" of content that answers a message with that text. */
static char *quote (const char *json, const char *list, const struct carries *carries, const char *quoted)
{
    g_autoptr (GPtrArray) files = files_of (list);
    json_auto_t *content = json_parse_text (json, strlen (json), NULL);
    struct transcoded out;
    struct content_fault fault;
    g_assert_true (transcode (content, carries, "some", files, &out, &fault));
    transcode_quote (&out, carries, quoted);
    g_assert_cmpstr (json_text (out.content, "text"), ==, out.text);
    g_autofree char *steps = join (out.steps);
    char *said = g_strconcat (steps, " | ", out.text, NULL);
    transcoded_clear (&out);
    return said;
}

static void test_what_is_answered_is_quoted_where_nothing_else_says_it (void)
{
    static const char *const forty = "0123456789012345678901234567890123456789", text[] = "{\"kind\":\"text\",\"text\":\"Yes\"}";
    const struct carries names_it = {.kinds = sms.kinds, .text_most = 100, .reply_to = true};
    g_autofree char *whole = g_strconcat ("reply_to→quote | > ", forty, "\nYes", NULL), *longer = g_strconcat (forty, "0", NULL);
    const struct {
        const char *content, *files;
        const struct carries *carries;
        const char *quoted, *becomes;
    } cases[] = {
        {text, NULL, &sms, "When?", "reply_to→quote | > When?\nYes"},
        {text, NULL, &sms, "Two\nlines", "reply_to→quote | > Two lines\nYes"},
        {text, NULL, &sms, forty, whole},
        {text, NULL, &sms, longer, "reply_to→quote | > 012345678901234567890123456789012345678…\nYes"},
        {text, NULL, &sms, "", " | Yes"},
        {text, NULL, &sms, NULL, " | Yes"},
        {text, NULL, &names_it, "When?", " | Yes"},
        {"{\"kind\":\"reaction\",\"target\":\"x\",\"emoji\":\"+\"}", NULL, &sms, "When?", "reaction→text, reply_to→quote | > When?\n+"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autofree char *becomes = quote (cases[i].content, cases[i].files, cases[i].carries, cases[i].quoted);
        g_assert_cmpstr (becomes, ==, cases[i].becomes);
    }
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/transcode/where there are only texts everything is words", test_where_there_are_only_texts_everything_is_words);
    g_test_add_func ("/transcode/a choice takes the form that fits", test_a_choice_takes_the_form_that_fits);
    g_test_add_func ("/transcode/a long question is asked by a list", test_a_long_question_is_asked_by_a_list);
    g_test_add_func ("/transcode/what is answered is quoted where nothing else says it",
                     test_what_is_answered_is_quoted_where_nothing_else_says_it);
    g_test_add_func ("/transcode/a long text goes in parts", test_a_long_text_goes_in_parts);
    g_test_add_func ("/transcode/cards are a carousel where all are alike", test_cards_are_a_carousel_where_all_are_alike);
    g_test_add_func ("/transcode/files go as a kind that takes them", test_files_go_as_a_kind_that_takes_them);
    g_test_add_func ("/transcode/the limit of a file is named", test_the_limit_of_a_file_is_named);
    g_test_add_func ("/transcode/other kinds go as they are", test_other_kinds_go_as_they_are);
    g_test_add_func ("/transcode/a channel's own JSON passes", test_a_channel_s_own_json_passes);
    g_test_add_func ("/transcode/what was given is kept and what is answered told", test_what_was_given_is_kept_and_what_is_answered_told);
    return g_test_run ();
}
