/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "model/content.h"
#include "model/message.h"
#include "model/text.h"

#include <string.h>

#define GOOD(text) assert_repaired (text, sizeof text - 1, text, true)
#define BAD(bytes, text) assert_repaired (bytes, sizeof bytes - 1, text, false)
static void assert_repaired (const char *bytes, size_t length, const char *expected, bool good)
{
    g_autofree char *exact = g_memdup2 (bytes, length), *text = NULL; /* no NUL after it: a read beyond it is found */
    g_assert_true (text_repair (length == 0 ? "" : exact, length, &text) == good);
    g_assert_cmpstr (text, ==, expected);
    g_assert_true (g_utf8_validate (text, -1, NULL));
}

static void valid_text_stays (void)
{
    GOOD ("");
    GOOD ("Msg");
    GOOD ("  \t\r\n\x01\x7f ");
    GOOD ("Gr\u00fc\u00dfe \U0001f44b\U0001f3fd \U0010ffff\ufffe\ufffd");
}

static void bad_bytes_become_marks (void)
{
    BAD ("\xff", "\ufffd");
    BAD ("a\0b", "a\ufffdb");
    BAD ("\0", "\ufffd");
    BAD ("\0\0", "\ufffd\ufffd");
    BAD ("caf\xe9", "caf\ufffd");
    BAD ("\xe2\x82", "\ufffd\ufffd");
    BAD ("\xe2\x82x", "\ufffd\ufffdx");
    BAD ("\xc0\xaf", "\ufffd\ufffd");
    BAD ("\xf4\x90\x80\x80", "\ufffd\ufffd\ufffd\ufffd");
    BAD ("\u00fc\xff\u00fc", "\u00fc\ufffd\u00fc");
}

static void surrogates (void)
{
    BAD ("\xed\xa0\xbd", "\ufffd");
    BAD ("\xed\xb1\x8b", "\ufffd");
    BAD ("\xed\xa0\xbd\xed\xb1\x8b", "\U0001f44b");
    BAD ("\xed\xb1\x8b\xed\xa0\xbd", "\ufffd\ufffd");
    BAD ("\xed\xa0\xbd\xed\xa0\xbd\xed\xb1\x8b", "\ufffd\U0001f44b");
    BAD ("\xed\xa0\xbd\xed\xb1", "\ufffd\ufffd\ufffd");
    BAD ("\xed\xa0", "\ufffd\ufffd");
    BAD ("\xed\xaf\xbf\xed\xbf\xbf", "\U0010ffff");
}

static json_t *parse (const char *content)
{
    g_autoptr (GError) error = NULL;
    json_t *json = json_parse_text (content, strlen (content), &error);
    g_assert_no_error (error);
    return json;
}

static void content_is_json (void)
{
    g_autofree char *text = NULL;
    GString *open = content_new ("text");
    content_text (open, "\"\\/\b\f\n\r\t\x01\x1f\u2028\U0001f44b", strlen ("\"\\/\b\f\n\r\t\x01\x1f\u2028\U0001f44b"), &text);
    content_open (open, "extra");
    content_string (open, "A", "1");
    content_string (open, "B", "");
    content_close (open);
    content_string (open, "opt_out", "STOP");
    g_autofree char *content = content_end (open);
    json_auto_t *json = parse (content);
    json_auto_t *expected = json_pack ("{s:s,s:s,s:{s:s,s:s},s:s}", "kind", "text", "text", "\"\\/\b\f\n\r\t\x01\x1f\u2028\U0001f44b",
                                       "extra", "A", "1", "B", "", "opt_out", "STOP");
    g_assert_true (json_equal (json, expected));
}

/* All 256 bytes: nothing that was sent is lost. */
static void repaired_content_keeps_the_bytes (void)
{
    char bytes[256];
    g_autofree char *text = NULL;
    for (int i = 0; i < 256; i++) bytes[i] = (char) i;
    GString *open = content_new ("text");
    content_text (open, bytes, sizeof bytes, &text);
    g_autofree char *content = content_end (open);
    json_auto_t *json = parse (content);
    g_assert_true (json_is_true (json_object_get (json, "repaired")));
    g_assert_cmpstr (json_string_value (json_object_get (json, "text")), ==, text);
    gsize length;
    g_autofree guchar *raw = g_base64_decode (json_string_value (json_object_get (json, "raw")), &length);
    g_assert_cmpmem (raw, length, bytes, sizeof bytes);
}

static void media_kinds (void)
{
    g_assert_cmpstr (content_media_kind ("image/jpeg"), ==, "image");
    g_assert_cmpstr (content_media_kind ("Audio/AMR"), ==, "audio");
    g_assert_cmpstr (content_media_kind ("video/mp4; codecs=x"), ==, "video");
    g_assert_cmpstr (content_media_kind ("images/jpeg"), ==, "document");
    g_assert_cmpstr (content_media_kind ("image"), ==, "document");
    g_assert_cmpstr (content_media_kind (""), ==, "document");
    g_assert_cmpstr (content_media_kind (NULL), ==, "document");
}

static void status_names (void)
{
    static const char *const names[] = {"queued", "uncertain", "sent", "failed", "delivered", "read"};
    for (unsigned i = 0; i < G_N_ELEMENTS (names); i++) g_assert_cmpstr (status_name (i), ==, names[i]);
}

static void test_what_is_cut_is_whole (void)
{
    static const struct {
        const char *text;
        size_t most;
        const char *cut;
    } cases[] = {
        {"", 1, ""},
        {"abc", 0, ""},
        {"abc", 3, "abc"},
        {"abcd", 3, "ab…"},
        {"ab cd", 4, "ab…"},
        {"abc", 1, "…"},
        {"ae\u0301x", 3, "a…"}, /* e and its accent */
        {"ae\u0301xy", 4, "ae\u0301…"},
        {"a\U0001F44D\U0001F3FDb", 3, "a…"},                       /* a thumb and its skin */
        {"a\U0001F468\u200D\U0001F469\u200D\U0001F467b", 6, "a…"}, /* a family */
        {"\U0001F468\u200D\U0001F469x", 3, "…"},
        {"\U0001F1E9\U0001F1EA\U0001F1EB\U0001F1F7", 3, "\U0001F1E9\U0001F1EA…"}, /* two flags */
        {"\U0001F1E9\U0001F1EA\U0001F1EB\U0001F1F7x", 4, "\U0001F1E9\U0001F1EA…"},
        {"1\uFE0F\u20E3x", 3, "…"},      /* a key */
        {"\u1112\u1161\u11ABx", 3, "…"}, /* a syllable in its letters */
        {"\uD55C\uAE00\uB9D0\uB05D", 3, "\uD55C\uAE00…"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autofree char *cut = text_cut (cases[i].text, cases[i].most);
        g_assert_cmpstr (cut, ==, cases[i].cut);
    }
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/text/valid text stays as it is", valid_text_stays);
    g_test_add_func ("/text/bad bytes and NUL become marks", bad_bytes_become_marks);
    g_test_add_func ("/text/surrogates are joined or marked", surrogates);
    g_test_add_func ("/text/content is JSON whatever the text", content_is_json);
    g_test_add_func ("/text/repaired content keeps the bytes", repaired_content_keeps_the_bytes);
    g_test_add_func ("/text/media kinds follow the type", media_kinds);
    g_test_add_func ("/text/status names", status_names);
    g_test_add_func ("/text/what is cut is whole", test_what_is_cut_is_whole);
    return g_test_run ();
}
