/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/unit/adapters/whatsapp: files as golden.h says; their channel is usual_channel below. A signature is made from the body alone, by
 *     openssl dgst -sha256 -hmac new-secret
 */
#include "golden.h"

#include <string.h>

static struct channel usual_channel (void)
{
    static const char *const pairs[] = {"phone_number_id",
                                        "10650001",
                                        "access_token",
                                        "EAAG1",
                                        "app_secret",
                                        "new-secret",
                                        "app_secret",
                                        "app_secret_for_test",
                                        "verify_token",
                                        "verify-me",
                                        "waba_id",
                                        "102290129340398",
                                        "from",
                                        "+1 555 000 1111",
                                        NULL};
    return golden_channel ("whatsapp", "https://gw.example.com", pairs);
}

/* What a channel has at least. */
static struct channel bare_channel (void)
{
    static const char *const pairs[] = {"phone_number_id", "10650001",     "access_token", "EAAG1", "app_secret",
                                        "new-secret",      "verify_token", "verify-me",    NULL};
    return golden_channel ("whatsapp", "https://gw.example.com", pairs);
}

static void assert_stranger (const struct channel *channel, const struct http_request *request)
{
    json_auto_t *shown = golden_receive (channel, request, false);
    g_assert_true (golden_is (shown, "stranger"));
}

/* The signature is left out, given twice or another's, or one byte of what was signed is changed: nobody may be believed. */
static void assert_forgeries_fail (const struct channel *channel, const struct http_request *request)
{
    struct http_header headers[16];
    size_t n = 0, at = request->n_headers;
    g_assert_cmpuint (request->n_headers, <, G_N_ELEMENTS (headers));
    for (size_t i = 0; i < request->n_headers; i++)
        if (g_str_equal (request->headers[i].name, "X-Hub-Signature-256"))
            at = i;
        else
            headers[n++] = request->headers[i];
    g_assert_cmpuint (at, <, request->n_headers);
    struct http_request changed = *request;
    changed.headers = headers;
    changed.n_headers = n;
    assert_stranger (channel, &changed);

    headers[n] = headers[n + 1] = request->headers[at];
    changed.n_headers = n + 2;
    assert_stranger (channel, &changed);

    g_autofree char *other_signature = g_strdup (request->headers[at].value);
    char *last = other_signature + strlen (other_signature) - 1;
    *last = *last == '0' ? '1' : '0';
    headers[n].value = other_signature;
    changed.n_headers = n + 1;
    assert_stranger (channel, &changed);

    /* Meta signs, so its URL has no secret: that the body is signed makes it no better */
    changed = *request;
    changed.secret = "more";
    assert_stranger (channel, &changed);

    gsize length;
    const char *body = g_bytes_get_data (request->body, &length);
    g_autoptr (GBytes) longer = g_bytes_new_take (g_strdup_printf ("%.*s ", (int) length, body), length + 1);
    changed = *request;
    changed.body = longer;
    assert_stranger (channel, &changed);
}

/* A body with its signature. */
static json_t *receive_signed (const struct channel *channel, const char *body, const char *signature)
{
    const struct http_header headers[] = {{"content-type", "application/json"}, {"x-hub-signature-256", signature}};
    g_autoptr (GBytes) bytes = g_bytes_new_static (body, strlen (body));
    struct http_request request = {"POST", "/hooks/acme/main", "/hooks/acme/main", "", headers, 2, bytes, NULL};
    return golden_receive (channel, &request, false);
}

/* A body that was believed once. */
static json_t *receive_trusted (const struct channel *channel, const char *body)
{
    g_autoptr (GBytes) bytes = g_bytes_new_static (body, strlen (body));
    struct http_request request = {"POST", "/hooks/acme/main", "/hooks/acme/main", "", NULL, 0, bytes, NULL};
    return golden_receive (channel, &request, true);
}

#define VECTOR \
    "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"102290129340398\",\"changes\":[{\"value\":{\"messaging_product\":" \
    "\"whatsapp\",\"metadata\":{\"display_phone_number\":\"15550783881\",\"phone_number_id\":\"106540352242922\"},\"contacts\":" \
    "[{\"profile\":{\"name\":\"J\\u00f6rg\"},\"wa_id\":\"16505551234\"}],\"messages\":[{\"from\":\"16505551234\",\"id\":\"wamid.TEST1\"," \
    "\"timestamp\":\"1749416383\",\"type\":\"text\",\"text\":{\"body\":\"mail me \\u0040 a\\u0040b.c \\ud83d\\ude00 " \
    "https:\\/\\/x.y\\/\"}}]},\"field\":\"messages\"}]}]}"
#define VECTOR_SIGNATURE "sha256=41b9514265afa1761e015fea91e5137131f25b5b8cd8cc64166027a8aa93f331"

/* 360dialog passes on what Meta says without its signature, to a URL that only it was told. */
static void who_does_not_sign_knows_the_url (void)
{
    static const char *const pairs[] = {"phone_number_id", "106540352242922", "access_token", "KEY",          "app_secret", "unused",
                                        "verify_token",    "told-to-them",    "key_header",   "D360-API-KEY", NULL};
    struct channel others = golden_channel ("whatsapp", "https://gw.example.com", pairs), meta = usual_channel ();
    static const char *const secrets[] = {"told-to-them", "told-to-the", "told-to-them1", "", "unused", NULL};
    g_autoptr (GBytes) bytes = g_bytes_new_static (VECTOR, strlen (VECTOR));
    struct http_request request = {"POST", "/hooks/acme/main", "/hooks/acme/main", "", NULL, 0, bytes, NULL};
    assert_stranger (&others, &request);
    for (size_t i = 0; secrets[i] != NULL; i++) {
        request.secret = secrets[i];
        json_auto_t *shown = golden_receive (&others, &request, false);
        g_assert_cmpint (golden_is (shown, "stranger"), ==, i > 0);
    }
    request.secret = "verify-me";
    assert_stranger (&meta, &request);
    values_unref (others.values);
    values_unref (meta.values);
}

static void escaped_bytes_are_signed (void)
{
    struct channel channel = usual_channel ();
    g_assert_cmpuint (strlen (VECTOR), ==, 468);
    json_auto_t *shown = receive_signed (&channel, VECTOR, VECTOR_SIGNATURE);
    g_assert_true (golden_is (shown, "items"));
    const json_t *message = json_array_get (json_object_get (shown, "messages"), 0);
    g_assert_cmpstr (json_string_value (json_object_get (message, "text")), ==, "mail me @ a@b.c \U0001f600 https://x.y/");
    g_assert_cmpstr (json_string_value (json_object_get (message, "name")), ==, "J\u00f6rg");

    /* the same JSON as another program would write it */
    json_auto_t *parsed = json_parse_text (VECTOR, strlen (VECTOR), NULL);
    char *again = json_dumps (parsed, JSON_COMPACT);
    g_assert_cmpuint (strlen (again), ==, 443);
    json_auto_t *forged = receive_signed (&channel, again, VECTOR_SIGNATURE);
    g_assert_true (golden_is (forged, "stranger"));
    free (again);
    values_unref (channel.values);
}

static void only_this_form_is_a_signature (void)
{
    static const char *const forms[] = {
        "",
        "sha256=",
        "41b9514265afa1761e015fea91e5137131f25b5b8cd8cc64166027a8aa93f331",
        "SHA256=41b9514265afa1761e015fea91e5137131f25b5b8cd8cc64166027a8aa93f331",
        "sha1=41b9514265afa1761e015fea91e5137131f25b5b8cd8cc64166027a8aa93f331",
        "sha256=41B9514265AFA1761E015FEA91E5137131F25B5B8CD8CC64166027A8AA93F331",
        "sha256= 41b9514265afa1761e015fea91e5137131f25b5b8cd8cc64166027a8aa93f331",
        "sha256=41b9514265afa1761e015fea91e5137131f25b5b8cd8cc64166027a8aa93f3310",
        "sha256=41b9514265afa1761e015fea91e5137131f25b5b8cd8cc64166027a8aa93f33",
    };
    struct channel channel = usual_channel ();
    for (size_t i = 0; i < G_N_ELEMENTS (forms); i++) {
        json_auto_t *shown = receive_signed (&channel, VECTOR, forms[i]);
        if (!golden_is (shown, "stranger")) g_test_fail_printf ("form %zu is taken for a signature", i);
    }
    values_unref (channel.values);
}

static json_t *get (const char *query)
{
    struct channel channel = usual_channel ();
    g_autoptr (GBytes) nothing = g_bytes_new_static ("", 0);
    g_autofree char *target = g_strconcat ("/hooks/acme/main?", query, NULL);
    struct http_request request = {"GET", target, "/hooks/acme/main", strchr (target, '?') + 1, NULL, 0, nothing, NULL};
    json_t *shown = golden_receive (&channel, &request, false);
    values_unref (channel.values);
    return shown;
}

static void a_long_challenge_is_nobodys (void)
{
    for (size_t length = 1024; length <= 1025; length++) {
        g_autofree char *challenge = g_strnfill (length, '7');
        g_autofree char *query = g_strconcat ("hub.mode=subscribe&hub.verify_token=verify-me&hub.challenge=", challenge, NULL);
        json_auto_t *shown = get (query);
        g_assert_true (golden_is (shown, length == 1024 ? "refused" : "stranger"));
    }
}

/* The envelope of a change of the usual channel's own number. */
static char *envelope (const char *field, const char *members)
{
    return g_strdup_printf (
        "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"102290129340398\",\"changes\":[{\"field\":\"%s\","
        "\"value\":{\"metadata\":{\"display_phone_number\":\"15550001111\",\"phone_number_id\":\"10650001\"},%s}}]}]}",
        field, members);
}

static char *many_statuses (size_t n)
{
    GString *list = g_string_new ("\"statuses\":[");
    for (size_t i = 0; i < n; i++)
        g_string_append_printf (list, "%s{\"id\":\"wamid.%zu\",\"status\":\"sent\",\"timestamp\":\"1699999000\"}", i == 0 ? "" : ",", i);
    g_string_append_c (list, ']');
    g_autofree char *members = g_string_free (list, FALSE);
    return envelope ("messages", members);
}

static void no_request_is_without_end (void)
{
    struct channel channel = usual_channel ();
    /* the change counts, too */
    for (size_t n = 9999; n <= 10000; n++) {
        g_autofree char *body = many_statuses (n);
        json_auto_t *shown = receive_trusted (&channel, body);
        g_assert_true (golden_is (shown, n == 9999 ? "items" : "unreadable"));
        g_assert_cmpuint (json_array_size (json_object_get (shown, "receipts")), ==, n == 9999 ? n : 0);
    }
    values_unref (channel.values);
}

static json_t *receive_text (size_t length)
{
    struct channel channel = usual_channel ();
    g_autofree char *text = g_strnfill (length, 'x');
    g_autofree char *members = g_strdup_printf (
        "\"messages\":[{\"from\":\"5511987650000\",\"id\":\"wamid.1\",\"type\":\"text\",\"text\":{\"body\":\"%s\"}}]", text);
    g_autofree char *body = envelope ("messages", members);
    json_t *shown = receive_trusted (&channel, body);
    values_unref (channel.values);
    return shown;
}

static void a_message_has_a_size (void)
{
    const size_t around = strlen ("{\"kind\":\"text\",\"text\":\"\"}"), most = 4 * 65536;
    json_auto_t *longest = receive_text (most - around), *longer = receive_text (most - around + 1);
    g_assert_true (golden_is (longest, "items"));
    g_assert_true (golden_is (longer, "unreadable"));
}

/* Meta's words of a failure, and what more it says with a status: a small status of a large request is no large row. */
static void what_a_status_says_has_a_size (void)
{
    struct channel channel = usual_channel ();
    g_autofree char *words = g_strnfill (10000, 'x');
    g_autofree char *members = g_strdup_printf ("\"statuses\":[{\"id\":\"wamid.1\",\"status\":\"failed\",\"errors\":[{\"code\":1,"
                                                "\"title\":\"é%s\",\"error_data\":{\"details\":\"%s\"}}],\"pricing\":{\"type\":\"%s\"}}]",
                                                words, words, words);
    g_autofree char *body = envelope ("messages", members);
    json_auto_t *shown = receive_trusted (&channel, body);
    const json_t *receipt = json_array_get (json_object_get (shown, "receipts"), 0);
    g_assert_cmpuint (json_string_length (json_object_get (receipt, "detail")), ==, 500);
    g_assert_null (json_object_get (receipt, "data"));
    values_unref (channel.values);
}

static void a_name_is_cut_between_characters (void)
{
    struct channel channel = usual_channel ();
    g_autofree char *start = g_strnfill (1023, 'n');
    g_autofree char *members =
        g_strdup_printf ("\"contacts\":[{\"wa_id\":\"5511987650000\",\"profile\":{\"name\":\"%s\u00e9\"}}],\"messages\":"
                         "[{\"from\":\"5511987650000\",\"id\":\"wamid.1\",\"type\":\"request_welcome\"}]",
                         start);
    g_autofree char *body = envelope ("messages", members);
    json_auto_t *shown = receive_trusted (&channel, body);
    const json_t *message = json_array_get (json_object_get (shown, "messages"), 0);
    g_assert_cmpstr (json_string_value (json_object_get (message, "name")), ==, start);
    values_unref (channel.values);
}

/* 1,000 people at once, each with a contact that stands at the other end of its list. */
static char *a_thousand_messages (void)
{
    enum { N = 1000 };
    GString *list = g_string_new ("\"contacts\":[");
    for (int i = N - 1; i >= 0; i--)
        g_string_append_printf (list, "%s{\"wa_id\":\"4915%08d\",\"profile\":{\"name\":\"N%d\"}}", i == N - 1 ? "" : ",", i, i);
    g_string_append (list, "],\"messages\":[");
    for (int i = 0; i < N; i++)
        g_string_append_printf (list, "%s{\"from\":\"4915%08d\",\"id\":\"wamid.%d\",\"type\":\"text\",\"text\":{\"body\":\"%d\"}}",
                                i == 0 ? "" : ",", i, i, i);
    g_string_append_c (list, ']');
    g_autofree char *members = g_string_free (list, FALSE);
    return envelope ("messages", members);
}

static void a_thousand_updates_are_read_in_time (void)
{
    struct channel channel = usual_channel ();
    g_autofree char *body = a_thousand_messages ();
    g_autoptr (GBytes) bytes = g_bytes_new_static (body, strlen (body));
    struct http_request request = {"POST", "/hooks/acme/main", "/hooks/acme/main", "", NULL, 0, bytes, NULL};
    struct received received;
    int64_t began = g_get_monotonic_time ();
    channel.adapter->receive (&channel, &request, true, GOLDEN_NOW, &received);
    int64_t took = g_get_monotonic_time () - began;
    g_test_message ("%" G_GINT64_FORMAT " microseconds", took);
    g_assert_cmpuint (received.messages->len, ==, 1000);
    for (guint i = 0; i < 1000; i++) {
        const struct incoming *incoming = g_ptr_array_index (received.messages, i);
        g_autofree char *name = g_strdup_printf ("N%u", i);
        g_assert_cmpstr (incoming->name, ==, name);
    }
    g_assert_cmpint (took, <, G_USEC_PER_SEC / 2);
    received_clear (&received);
    values_unref (channel.values);
}

/* Whether a change that names no number is taken for the channel's own, and may stop it. */
static void what_names_nobody_stops_nothing (void)
{
    static const char body[] =
        "{\"entry\":[{\"id\":\"102290129340398\",\"time\":1699999000,\"changes\":[{\"field\":\"account_update\",\"value\":{\"event\":"
        "\"DISABLED_UPDATE\",\"ban_info\":{\"waba_ban_state\":\"DISABLE\"}}}]}]}";
    struct channel usual = usual_channel (), bare = bare_channel ();
    json_auto_t *known = receive_trusted (&usual, body), *unknown = receive_trusted (&bare, body);
    const json_t *one = json_array_get (json_object_get (known, "notices"), 0),
                 *other = json_array_get (json_object_get (unknown, "notices"), 0);
    g_assert_cmpstr (json_string_value (json_object_get (one, "health")), ==, "down");
    g_assert_nonnull (json_object_get (one, "remedy"));
    g_assert_cmpstr (json_string_value (json_object_get (other, "title")), ==, "the WhatsApp account is banned");
    g_assert_null (json_object_get (other, "health"));
    values_unref (usual.values);
    values_unref (bare.values);
}

static void the_number_may_be_in_the_request_alone (void)
{
    struct channel channel = bare_channel ();
    static const char message[] = "\"messages\":[{\"from\":\"5511987650000\",\"id\":\"wamid.1\",\"type\":\"request_welcome\"}]";
    g_autofree char *body = envelope ("messages", message);
    json_auto_t *shown = receive_trusted (&channel, body);
    const json_t *incoming = json_array_get (json_object_get (shown, "messages"), 0);
    g_assert_cmpstr (json_string_value (json_object_get (incoming, "to")), ==, "whatsapp:15550001111");

    /* neither there nor in the settings: nobody knows to whom it was said */
    g_autofree char *nameless = g_strdup_printf (
        "{\"entry\":[{\"changes\":[{\"field\":\"messages\",\"value\":{\"metadata\":{\"phone_number_id\":\"10650001\"},%s}}]}]}", message);
    json_auto_t *lost = receive_trusted (&channel, nameless);
    g_assert_true (golden_is (lost, "unreadable"));
    values_unref (channel.values);
}

static json_t *notice_id (const char *time, const char *event)
{
    struct channel channel = usual_channel ();
    g_autofree char *body =
        g_strdup_printf ("{\"entry\":[{\"id\":\"102290129340398\",\"time\":%s,\"changes\":[{\"field\":\"message_template_status_update\","
                         "\"value\":{\"event\":\"%s\",\"message_template_id\":1}}]}]}",
                         time, event);
    json_auto_t *shown = receive_trusted (&channel, body);
    json_t *id = json_object_get (json_array_get (json_object_get (shown, "notices"), 0), "external_id");
    values_unref (channel.values);
    return json_incref (id);
}

static void a_notice_is_one_however_often_it_comes (void)
{
    json_auto_t *paused = notice_id ("1699999000", "PAUSED"), *again = notice_id ("1699999000", "PAUSED"),
                *approved = notice_id ("1699999000", "APPROVED"), *later = notice_id ("1699999001", "PAUSED");
    g_assert_true (json_equal (paused, again));
    g_assert_false (json_equal (paused, approved));
    /* what happens twice is said twice */
    g_assert_false (json_equal (paused, later));
}

static void a_notice_holds_no_more_than_it_may (void)
{
    struct channel channel = usual_channel ();
    const size_t around = strlen ("{\"event\":\"\"}"), most = 64 * 1024;
    for (size_t length = most - around; length <= most - around + 1; length++) {
        g_autofree char *event = g_strnfill (length, 'E');
        g_autofree char *body = g_strdup_printf ("{\"entry\":[{\"id\":\"102290129340398\",\"changes\":[{\"field\":\"flows\",\"value\":"
                                                 "{\"event\":\"%s\"}}]}]}",
                                                 event);
        json_auto_t *shown = receive_trusted (&channel, body);
        const json_t *notice = json_array_get (json_object_get (shown, "notices"), 0);
        g_assert_true (json_is_object (notice));
        g_assert_true ((json_object_get (notice, "data") != NULL) == (length == most - around));
    }
    values_unref (channel.values);
}

/* A message of one member beside what every message has. */
static json_t *content_of (const char *type, const char *body)
{
    struct channel channel = usual_channel ();
    g_autofree char *members =
        g_strdup_printf ("\"messages\":[{\"from\":\"5511987650000\",\"id\":\"wamid.1\",\"type\":\"%s\",\"%s\":%s}]", type, type, body);
    g_autofree char *request = envelope ("messages", members);
    json_auto_t *shown = receive_trusted (&channel, request);
    json_t *content = json_object_get (json_array_get (json_object_get (shown, "messages"), 0), "content");
    values_unref (channel.values);
    return json_incref (content);
}

static void what_is_not_what_its_type_says_is_kept (void)
{
    static const char *const bodies[][2] = {
        {"text", "{}"},
        {"text", "{\"body\":7}"},
        {"text", "null"},
        {"image", "{\"caption\":\"without an id\"}"},
        {"image", "{\"id\":\"a b\"}"},
        {"location", "{\"latitude\":\"north\",\"longitude\":1}"},
        {"contacts", "[]"},
        {"contacts", "7"},
        {"interactive", "{\"type\":\"button_reply\"}"},
        {"interactive", "{\"type\":\"button_reply\",\"button_reply\":{}}"},
        {"interactive", "{\"type\":\"of_tomorrow\",\"of_tomorrow\":{\"a\":1}}"},
        {"button", "{}"},
        {"reaction", "{\"emoji\":\"x\"}"},
        {"order", "[1]"},
        {"system", "{\"type\":\"of_tomorrow\",\"body\":\"b\"}"},
        {"edit", "{\"message\":{}}"},
        {"revoke", "{}"},
        {"of_tomorrow", "{\"a\":[1,{\"b\":null}]}"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS (bodies); i++) {
        json_auto_t *content = content_of (bodies[i][0], bodies[i][1]);
        json_auto_t *expected = json_loads (bodies[i][1], JSON_DECODE_ANY, NULL);
        g_assert_cmpstr (json_string_value (json_object_get (content, "kind")), ==, "event");
        g_assert_cmpstr (json_string_value (json_object_get (content, "type")), ==, "unsupported");
        g_assert_true (json_equal (json_object_get (json_object_get (content, "data"), bodies[i][0]), expected));
    }
}

static void a_form_may_hold_anything (void)
{
    static const struct {
        const char *response, *data;
    } forms[] = {
        {"{\\\"age\\\":\\\"32\\\"}", "{\"age\":\"32\"}"},
        {"[1,2]", "{\"response\":[1,2]}"},
        {"7", "{\"response\":\"7\"}"},
        {"{\\\"a\\\":", "{\"response\":\"{\\\"a\\\":\"}"},
        {"", "{}"},
        {"{\\\"a\\\":\\\"\\\\u0000\\\"}", "{\"response\":\"{\\\"a\\\":\\\"\\\\u0000\\\"}\"}"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS (forms); i++) {
        g_autofree char *body =
            g_strdup_printf ("{\"type\":\"nfm_reply\",\"nfm_reply\":{\"name\":\"flow\",\"response_json\":\"%s\"}}", forms[i].response);
        json_auto_t *content = content_of ("interactive", body), *expected = json_loads (forms[i].data, 0, NULL);
        g_assert_cmpstr (json_string_value (json_object_get (content, "kind")), ==, "form");
        if (!json_equal (json_object_get (content, "data"), expected)) g_test_fail_printf ("form %zu holds something else", i);
    }
    /* what is nested in a text is not as deep as what is nested around it may be */
    for (size_t depth = 32; depth <= 33; depth++) {
        g_autofree char *open = g_strnfill (depth, '['), *shut = g_strnfill (depth, ']');
        g_autofree char *body = g_strdup_printf ("{\"type\":\"nfm_reply\",\"nfm_reply\":{\"response_json\":\"%s%s\"}}", open, shut);
        json_auto_t *content = content_of ("interactive", body);
        const json_t *response = json_object_get (json_object_get (content, "data"), "response");
        g_assert_true (depth == 32 ? json_is_array (response) : json_is_string (response));
    }
}

static int64_t time_of (const char *timestamp)
{
    struct channel channel = usual_channel ();
    g_autofree char *members = g_strdup_printf ("\"statuses\":[{\"id\":\"wamid.1\",\"status\":\"sent\",\"timestamp\":%s}]", timestamp);
    g_autofree char *request = envelope ("messages", members);
    json_auto_t *shown = receive_trusted (&channel, request);
    const json_t *at = json_object_get (json_array_get (json_object_get (shown, "receipts"), 0), "at");
    int64_t time = json_integer_value (at);
    values_unref (channel.values);
    return time;
}

static void times_are_seconds_or_milliseconds (void)
{
    static const struct {
        const char *timestamp;
        int64_t at;
    } times[] = {
        {"\"1699999000\"", 1699999000000000},
        {"1699999000", 1699999000000000},
        {"\"1699999000123\"", 1699999000123000},
        {"1699999000123", 1699999000123000},
        {"\"253402300799\"", 253402300799000000},
        {"\"253402300800\"", 0},
        {"\"253402300799999\"", 253402300799999000},
        {"\"253402300800000\"", 0},
        {"9223372036854775807", 0},
        {"\"18446744073709551615\"", 0},
        {"-1", 0},
        {"\"-1\"", 0},
        {"\"\"", 0},
        {"\"soon\"", 0},
        {"null", 0},
        {"[]", 0},
    };
    for (size_t i = 0; i < G_N_ELEMENTS (times); i++) g_assert_cmpint (time_of (times[i].timestamp), ==, times[i].at);
}

static int64_t window_of (const char *timestamp)
{
    struct channel channel = usual_channel ();
    g_autofree char *members = g_strdup_printf (
        "\"messages\":[{\"from\":\"5511987650000\",\"id\":\"wamid.1\",\"type\":\"request_welcome\",\"timestamp\":\"%s\"}]", timestamp);
    g_autofree char *request = envelope ("messages", members);
    json_auto_t *shown = receive_trusted (&channel, request);
    const json_t *window = json_object_get (json_array_get (json_object_get (shown, "messages"), 0), "window_until");
    int64_t until = json_integer_value (window);
    values_unref (channel.values);
    return until;
}

static void a_window_lasts_a_day (void)
{
    g_assert_cmpint (window_of ("1699990000"), ==, 1699990000000000 + G_TIME_SPAN_DAY);
    /* a clock that is ahead opens nothing longer */
    g_assert_cmpint (window_of ("1700009000"), ==, GOLDEN_NOW + G_TIME_SPAN_DAY);
    g_assert_cmpint (window_of (""), ==, GOLDEN_NOW + G_TIME_SPAN_DAY);
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    struct golden files = {"tests/unit/adapters/whatsapp", "/whatsapp/files/", usual_channel (), 80, assert_forgeries_fail};
    g_test_add_func ("/whatsapp/who does not sign knows the URL", who_does_not_sign_knows_the_url);
    g_test_add_func ("/whatsapp/the bytes that came are signed, however they are escaped", escaped_bytes_are_signed);
    g_test_add_func ("/whatsapp/a signature is sha256= and 64 lower-case digits", only_this_form_is_a_signature);
    g_test_add_func ("/whatsapp/a challenge has at most 1024 bytes", a_long_challenge_is_nobodys);
    g_test_add_func ("/whatsapp/a request has at most 10000 items", no_request_is_without_end);
    g_test_add_func ("/whatsapp/a message is at most 256 kB", a_message_has_a_size);
    g_test_add_func ("/whatsapp/what a status says has a size", what_a_status_says_has_a_size);
    g_test_add_func ("/whatsapp/a name has at most 1024 bytes, and no half characters", a_name_is_cut_between_characters);
    g_test_add_func ("/whatsapp/1000 updates in one request are read in time, each with its own contact",
                     a_thousand_updates_are_read_in_time);
    g_test_add_func ("/whatsapp/an account that nobody here claims stops no channel", what_names_nobody_stops_nothing);
    g_test_add_func ("/whatsapp/our number stands in the request, or in from", the_number_may_be_in_the_request_alone);
    g_test_add_func ("/whatsapp/a notice that comes again is the same, one of another time is not", a_notice_is_one_however_often_it_comes);
    g_test_add_func ("/whatsapp/a notice holds at most 64 kB of what was said", a_notice_holds_no_more_than_it_may);
    g_test_add_func ("/whatsapp/what is not what its type says is kept as it is", what_is_not_what_its_type_says_is_kept);
    g_test_add_func ("/whatsapp/a form may hold anything", a_form_may_hold_anything);
    g_test_add_func ("/whatsapp/times are seconds or milliseconds, until the year 10000", times_are_seconds_or_milliseconds);
    g_test_add_func ("/whatsapp/a customer's word opens the window for a day, from its time or from now", a_window_lasts_a_day);
    golden_add_files (&files);
    int failed = g_test_run ();
    values_unref (files.channel.values);
    return failed;
}
