/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/unit/adapters/twilio: NAME.http is a request as it comes on the wire, NAME.json what the adapter makes of it. Their channel is `channel`
 * below. A signature is made, from the URL and then each parameter's name and value, sorted, by
 *     printf %s 'https://gw.example.com/hooks/acme/smsAccountSidAC1…' | openssl dgst -sha1 -hmac new-token -binary | base64
 */
#include "base/json.h"
#include "model/adapter.h"

#include <string.h>

#define FOLDER "tests/unit/adapters/twilio"

static struct channel make_channel (const char *public_url, const char *const *pairs)
{
    const struct adapter *twilio = adapter_find ("twilio");
    struct channel channel = {
        .account = "acme",
        .slug = "sms",
        .adapter = twilio,
        .values = values_of ((struct settings){twilio->settings, twilio->n_settings}, pairs),
        .public_url = public_url,
    };
    g_assert_nonnull (channel.values);
    return channel;
}

static struct channel usual_channel (void)
{
    static const char *const pairs[] = {"account_sid", "AC1",  "auth_token",   "new-token", "auth_token",
                                        "old-token",   "from", "+15550009999", NULL};
    return make_channel ("https://gw.example.com", pairs);
}

/* What receive made of it, as JSON. */

static void set_text (json_t *object, const char *name, const char *text)
{
    if (text != NULL) g_assert_cmpint (json_object_set_new (object, name, json_string (text)), ==, 0);
}

static json_t *show_message (const struct incoming *incoming)
{
    json_t *object = json_object ();
    set_text (object, "external_id", incoming->external_id);
    set_text (object, "from", incoming->from);
    set_text (object, "to", incoming->to);
    set_text (object, "name", incoming->name);
    set_text (object, "text", incoming->text);
    g_autoptr (GError) error = NULL;
    json_object_set_new (object, "content", json_parse_text (incoming->content, strlen (incoming->content), &error));
    g_assert_no_error (error);
    g_assert_cmpint (incoming->at, ==, 0);
    set_text (object, "opt_out", opt_out_name (incoming->opt_out));
    set_text (object, "in_reply_to", incoming->in_reply_to);
    if (incoming->window_until != 0) json_object_set_new (object, "window_until", json_integer (incoming->window_until / G_USEC_PER_SEC));
    for (guint i = 0; incoming->aliases != NULL && i < incoming->aliases->len; i++) {
        if (i == 0) json_object_set_new (object, "aliases", json_array ());
        json_array_append_new (json_object_get (object, "aliases"), json_string (g_ptr_array_index (incoming->aliases, i)));
    }
    for (guint i = 0; incoming->files != NULL && i < incoming->files->len; i++) {
        const struct remote_file *file = g_ptr_array_index (incoming->files, i);
        json_t *files = json_object_get (object, "files"), *shown = json_object ();
        if (files == NULL) json_object_set_new (object, "files", files = json_array ());
        set_text (shown, "url", file->url);
        set_text (shown, "mime", file->mime);
        set_text (shown, "name", file->name);
        json_array_append_new (files, shown);
    }
    return object;
}

static json_t *show_receipt (const struct receipt *receipt)
{
    json_t *object = json_object ();
    set_text (object, "external_id", receipt->external_id);
    set_text (object, "status", status_name (receipt->status));
    set_text (object, "code", receipt->code);
    set_text (object, "detail", receipt->detail);
    g_assert_cmpint (receipt->at, ==, 0);
    set_text (object, "reference", receipt->reference);
    if (receipt->reference != NULL) json_object_set_new (object, "part", json_integer (receipt->part));
    set_text (object, "reason", receipt->reason);
    g_assert_true ((receipt->reason == NULL) == (receipt->title == NULL));
    if (receipt->opted_out) json_object_set_new (object, "opted_out", json_true ());
    return object;
}

static json_t *show_reply (const struct http_response *reply)
{
    json_t *object = json_object ();
    json_object_set_new (object, "status", json_integer (reply->status));
    set_text (object, "content_type", reply->content_type);
    gsize length;
    const char *body = g_bytes_get_data (reply->body, &length);
    json_object_set_new (object, "body", json_stringn (body, length));
    for (guint i = 0; reply->headers != NULL && i < reply->headers->len; i++) {
        if (i == 0) json_object_set_new (object, "headers", json_array ());
        json_array_append_new (json_object_get (object, "headers"), json_string (g_ptr_array_index (reply->headers, i)));
    }
    return object;
}

static json_t *show (const struct received *received)
{
    static const char *const kinds[] = {"stranger", "unreadable", "items", "refused"};
    json_t *object = json_object ();
    set_text (object, "kind", kinds[received->kind]);
    set_text (object, "reason", received->reason);
    if (received->reply != NULL) json_object_set_new (object, "reply", show_reply (received->reply));
    if (received->messages != NULL) json_object_set_new (object, "messages", json_array ());
    for (guint i = 0; received->messages != NULL && i < received->messages->len; i++)
        json_array_append_new (json_object_get (object, "messages"), show_message (g_ptr_array_index (received->messages, i)));
    if (received->receipts != NULL) json_object_set_new (object, "receipts", json_array ());
    for (guint i = 0; received->receipts != NULL && i < received->receipts->len; i++)
        json_array_append_new (json_object_get (object, "receipts"), show_receipt (g_ptr_array_index (received->receipts, i)));
    return object;
}

static json_t *receive (const struct channel *channel, const struct http_request *request, bool trusted)
{
    struct received received;
    channel->adapter->receive (channel, request, trusted, 1700000000000000, &received);
    json_t *shown = show (&received);
    received_clear (&received);
    return shown;
}

static void assert_same (const char *name, json_t *got, json_t *expected)
{
    if (json_equal (got, expected)) return;
    char *left = json_dumps (got, JSON_INDENT (2) | JSON_SORT_KEYS), *right = json_dumps (expected, JSON_INDENT (2) | JSON_SORT_KEYS);
    g_test_message ("%s: got %s\nexpected %s", name, left, right);
    g_test_fail_printf ("%s: the result is another than the file says", name);
    free (left);
    free (right);
}

static bool is_kind (json_t *shown, const char *kind)
{
    return g_str_equal (json_string_value (json_object_get (shown, "kind")), kind);
}

/* One byte of what was signed is changed, or the signature is left out: nobody may be believed. */
static void assert_forgeries_fail (const struct channel *channel, const struct http_request *request)
{
    struct http_header headers[16];
    size_t n = 0;
    for (size_t i = 0; i < request->n_headers; i++)
        if (!g_str_equal (request->headers[i].name, "X-Twilio-Signature")) headers[n++] = request->headers[i];
    struct http_request unsigned_request = *request;
    unsigned_request.headers = headers;
    unsigned_request.n_headers = n;
    json_auto_t *without = receive (channel, &unsigned_request, false);
    g_assert_true (is_kind (without, "stranger"));

    struct http_request changed = *request;
    g_autofree char *target = g_strconcat (request->target, request->query[0] == '\0' ? "?" : "0", NULL);
    changed.target = target;
    changed.query = strchr (target, '?') + 1;
    json_auto_t *other_target = receive (channel, &changed, false);
    g_assert_true (is_kind (other_target, "stranger"));

    /* Twilio signs, so its URL has no secret: that what was called is signed makes it no better. */
    changed = *request;
    changed.secret = "more";
    json_auto_t *with_secret = receive (channel, &changed, false);
    g_assert_true (is_kind (with_secret, "stranger"));

    gsize length;
    const char *body = g_bytes_get_data (request->body, &length);
    if (length == 0) return;
    char *copy = g_memdup2 (body, length);
    copy[length - 1] = copy[length - 1] == '1' ? '2' : '1';
    g_autoptr (GBytes) other = g_bytes_new_take (copy, length);
    changed = *request;
    changed.body = other;
    json_auto_t *other_body = receive (channel, &changed, false);
    g_assert_true (is_kind (other_body, "stranger"));
}

static void one_file (gconstpointer data)
{
    const char *name = data;
    g_autofree char *http = g_strdup_printf (FOLDER "/%s.http", name), *result = g_strdup_printf (FOLDER "/%s.json", name);
    g_autofree char *wire_bytes = NULL, *json_bytes = NULL;
    gsize wire_length, json_length;
    g_autoptr (GError) error = NULL;
    g_assert_true (g_file_get_contents (http, &wire_bytes, &wire_length, NULL));
    g_assert_true (g_file_get_contents (result, &json_bytes, &json_length, NULL));
    g_autoptr (GBytes) wire = g_bytes_new_static (wire_bytes, wire_length);
    g_autoptr (struct_http_request) request = http_request_parse (wire);
    g_assert_nonnull (request);
    json_auto_t *expected = json_parse_text (json_bytes, json_length, &error);
    g_assert_no_error (error);

    struct channel channel = usual_channel ();
    json_auto_t *got = receive (&channel, request, false);
    assert_same (name, got, expected);
    g_autoptr (GBytes) again = http_request_format (request);
    g_assert_true (g_bytes_equal (wire, again));
    if (is_kind (expected, "items") || is_kind (expected, "unreadable")) {
        /* replayed from the journal it gives the same */
        json_auto_t *replayed = receive (&channel, request, true);
        assert_same (name, replayed, expected);
        assert_forgeries_fail (&channel, request);
    }
    values_unref (channel.values);
}

static int compare_names (gconstpointer a, gconstpointer b)
{
    return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static void add_files (GPtrArray *names)
{
    g_autoptr (GError) error = NULL;
    GDir *folder = g_dir_open (FOLDER, 0, &error);
    g_assert_no_error (error);
    for (const char *name; (name = g_dir_read_name (folder)) != NULL;)
        if (g_str_has_suffix (name, ".http")) g_ptr_array_add (names, g_strndup (name, strlen (name) - strlen (".http")));
    g_dir_close (folder);
    g_assert_cmpuint (names->len, >=, 100);
    g_ptr_array_sort (names, compare_names);
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *path = g_strconcat ("/twilio/files/", g_ptr_array_index (names, i), NULL);
        g_test_add_data_func (path, g_ptr_array_index (names, i), one_file);
    }
}

/* The vectors of Twilio's own library (twilio-node, spec/validation.spec.js). */

#define PARAMETERS "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212"
#define JSON_BODY "{\"property\": \"value\", \"boolean\": true}"
#define JSON_HASH "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"

struct signed_request {
    const char *public_url, *target, *type, *body, *signature;
};

static bool is_authentic (const struct signed_request *given)
{
    static const char *const pairs[] = {"account_sid", "AC1", "auth_token", "12345", "from", "+18005551212", NULL};
    struct channel channel = make_channel (given->public_url, pairs);
    const struct http_header headers[] = {{"content-type", given->type}, {"x-twilio-signature", given->signature}};
    g_autoptr (GBytes) body = g_bytes_new_static (given->body, strlen (given->body));
    g_autofree char *path = g_strndup (given->target, strcspn (given->target, "?"));
    const char *query = strchr (given->target, '?');
    struct http_request request = {"POST", given->target, path, query == NULL ? "" : query + 1, headers, 2, body, NULL};
    json_auto_t *shown = receive (&channel, &request, false);
    values_unref (channel.values);
    /* they are of calls, so nothing but the signature can be right */
    g_assert_true (is_kind (shown, "stranger") || is_kind (shown, "unreadable"));
    return !is_kind (shown, "stranger");
}

static void published_vectors (void)
{
    static const char form[] = "application/x-www-form-urlencoded", target[] = "/myapp.php?foo=1&bar=2";
    static const char plain[] = "RSOYDt4T1cUTdK1PDd93/VVr8B8=", port[] = "kvajT1Ptam85bY51eRf/AJRuM3w=",
                      port80[] = "0ZXoZLH/DfblKGATFgpif+LLRf4=";
    static const char https[] = "https://mycompany.com", https443[] = "https://mycompany.com:443";
    static const char http[] = "http://mycompany.com", http80[] = "http://mycompany.com:80";
    static const struct signed_request good[] = {
        {https, target, form, PARAMETERS, plain},
        {https443, target, form, PARAMETERS, plain},
        {"https://mycompany.com:8443", target, form, PARAMETERS, plain},
        {https, target, form, PARAMETERS, port},
        {https443, target, form, PARAMETERS, port},
        {http, target, form, PARAMETERS, port80},
        {http80, target, form, PARAMETERS, port80},
        {https, "/myapp.php?foo=1&bar=2&bodySHA256=" JSON_HASH, "application/json", JSON_BODY, "a9nBmqA0ju/hNViExpshrM61xv4="},
        /* public_url with a path of its own */
        {"https://mycompany.com/myapp.php", "?foo=1&bar=2", form, PARAMETERS, plain},
        {"https://mycompany.com/myapp", ".php?foo=1&bar=2", form, PARAMETERS, port},
    };
    for (size_t i = 0; i < G_N_ELEMENTS (good); i++)
        if (!is_authentic (&good[i])) g_test_fail_printf ("vector %zu is not authentic", i);
    static const struct signed_request bad[] = {
        {http, target, form, PARAMETERS, plain},
        {https, target, form, PARAMETERS, port80},
        {http, target, form, PARAMETERS, port},
        {https, target, form, PARAMETERS "&Digits=1235", plain},
        {https, target, form, "", plain},
        {https, "/myapp.php?foo=1", form, PARAMETERS, plain},
        {https, "/myapp.php?foo=1&bar=2&bodySHA256=" JSON_HASH, "application/json", JSON_BODY " ", "a9nBmqA0ju/hNViExpshrM61xv4="},
        {"https://mycompany.com:8443", target, form, PARAMETERS, port},
        {https, target, form, PARAMETERS, "RSOYDt4T1cUTdK1PDd93/VVr8B9="},
    };
    for (size_t i = 0; i < G_N_ELEMENTS (bad); i++)
        if (is_authentic (&bad[i])) g_test_fail_printf ("forgery %zu is authentic", i);
}

/* Equal values of one name are counted once, wherever they stand. */
static void order_does_not_matter (void)
{
    static const struct signed_request requests[] = {
        {"https://mycompany.com", "/myapp.php?foo=1&bar=2", "application/x-www-form-urlencoded",
         "To=%2B18005551212&From=%2B14158675309&Digits=1234&Caller=%2B14158675309&CallSid=CA1234567890ABCDE",
         "RSOYDt4T1cUTdK1PDd93/VVr8B8="},
        {"https://mycompany.com", "/myapp.php?foo=1&bar=2", "Application/X-WWW-Form-URLEncoded ;charset=x",
         "Digits=1234&" PARAMETERS "&Digits=%31234", "RSOYDt4T1cUTdK1PDd93/VVr8B8="},
    };
    for (size_t i = 0; i < G_N_ELEMENTS (requests); i++) g_assert_true (is_authentic (&requests[i]));
}

static void settings_say_what_is_missing (void)
{
    const struct adapter *twilio = adapter_find ("twilio");
    const struct settings table = {twilio->settings, twilio->n_settings};
    g_assert_null (values_of (table, (const char *const[]){"account_sid", "AC1", "from", "+15550009999", NULL}));
    g_assert_null (values_of (table, (const char *const[]){"auth_token", "t", "from", "+15550009999", NULL}));
    struct values *values =
        values_of (table, (const char *const[]){"account_sid", "AC1", "auth_token", "t", "messaging_service_sid", "MG1", NULL});
    const char *hint = NULL;
    g_assert_null (twilio->check (values, &hint));
    values_unref (values);
    values = values_of (table, (const char *const[]){"account_sid", "AC1", "auth_token", "t", NULL});
    g_assert_cmpstr (twilio->check (values, &hint), ==, "has neither from nor messaging_service_sid");
    g_assert_nonnull (hint);
    values_unref (values);
    for (size_t i = 0; i < table.n; i++) {
        g_assert_nonnull (table.rows[i].help);
        g_assert_true (!g_str_has_suffix (table.rows[i].name, "token") || table.rows[i].flags & SETTING_SECRET);
    }
}

static bool is_read (const char *query)
{
    struct channel channel = usual_channel ();
    g_autoptr (GBytes) nothing = g_bytes_new_static ("", 0);
    g_autofree char *target = g_strconcat ("/hooks/acme/sms?", query, NULL);
    struct http_request request = {"GET", target, "", query, NULL, 0, nothing, NULL};
    json_auto_t *shown = receive (&channel, &request, true);
    values_unref (channel.values);
    g_assert_true (is_kind (shown, "items") || is_kind (shown, "unreadable"));
    return is_kind (shown, "items");
}

static void limits_of_a_request (void)
{
    static const char message[] = "AccountSid=AC1&From=%2B15550001111&To=%2B15550009999&Body=x&MessageSid=";
    for (size_t length = 128; length <= 129; length++) {
        g_autofree char *sid = g_strnfill (length, 'S'), *query = g_strconcat (message, sid, NULL);
        g_assert_true (is_read (query) == (length == 128));
    }
    for (int n = 1000; n <= 1001; n++) {
        g_autoptr (GString) query = g_string_new (message);
        g_string_append (query, "SM1");
        for (int i = 5; i < n; i++) g_string_append (query, "&x");
        g_assert_true (is_read (query->str) == (n == 1000));
    }
    static const char *const names[] = {"Body", "ProfileName", "MediaUrl0", "of-tomorrow"};
    for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
        for (size_t length = 16384; length <= 16385; length++) {
            g_autofree char *value = g_strnfill (length, 'x'), *query = g_strconcat (names[i], "=", value, "&", message, "SM1", NULL);
            g_assert_true (is_read (query) == (length == 16384));
        }
}

static void unknown_adapters (void)
{
    g_assert_null (adapter_find ("twilo"));
    g_assert_null (adapter_find (""));
    g_assert_cmpstr (adapter_find ("twilio")->name, ==, "twilio");
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
    g_test_add_func ("/twilio/the provider's own vectors are authentic, and forgeries are not", published_vectors);
    g_test_add_func ("/twilio/parameters are signed sorted, equal ones once", order_does_not_matter);
    g_test_add_func ("/twilio/a channel needs its account and its token", settings_say_what_is_missing);
    g_test_add_func ("/twilio/an id has at most 128 characters, a request 1000 fields, a field 16384 bytes", limits_of_a_request);
    g_test_add_func ("/twilio/only adapters of this build are found", unknown_adapters);
    add_files (names);
    return g_test_run ();
}
