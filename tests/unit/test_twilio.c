/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/unit/adapters/twilio: files as golden.h says; their channel is usual_channel below. A signature is made, from the URL and then each
 * parameter's name and value, sorted, by
 *     printf %s 'https://gw.example.com/hooks/acme/smsAccountSidAC1…' | openssl dgst -sha1 -hmac new-token -binary | base64
 */
#include "golden.h"

#include <string.h>

static struct channel usual_channel (void)
{
    static const char *const pairs[] = {"account_sid", "AC1",  "auth_token",   "new-token", "auth_token",
                                        "old-token",   "from", "+15550009999", NULL};
    return golden_channel ("twilio", "https://gw.example.com", pairs);
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
    json_auto_t *without = golden_receive (channel, &unsigned_request, false);
    g_assert_true (golden_is (without, "stranger"));

    struct http_request changed = *request;
    g_autofree char *target = g_strconcat (request->target, request->query[0] == '\0' ? "?" : "0", NULL);
    changed.target = target;
    changed.query = strchr (target, '?') + 1;
    json_auto_t *other_target = golden_receive (channel, &changed, false);
    g_assert_true (golden_is (other_target, "stranger"));

    /* Twilio signs, so its URL has no secret: that what was called is signed makes it no better. */
    changed = *request;
    changed.secret = "more";
    json_auto_t *with_secret = golden_receive (channel, &changed, false);
    g_assert_true (golden_is (with_secret, "stranger"));

    gsize length;
    const char *body = g_bytes_get_data (request->body, &length);
    if (length == 0) return;
    char *copy = g_memdup2 (body, length);
    copy[length - 1] = copy[length - 1] == '1' ? '2' : '1';
    g_autoptr (GBytes) other = g_bytes_new_take (copy, length);
    changed = *request;
    changed.body = other;
    json_auto_t *other_body = golden_receive (channel, &changed, false);
    g_assert_true (golden_is (other_body, "stranger"));
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
    struct channel channel = golden_channel ("twilio", given->public_url, pairs);
    const struct http_header headers[] = {{"content-type", given->type}, {"x-twilio-signature", given->signature}};
    g_autoptr (GBytes) body = g_bytes_new_static (given->body, strlen (given->body));
    g_autofree char *path = g_strndup (given->target, strcspn (given->target, "?"));
    const char *query = strchr (given->target, '?');
    struct http_request request = {"POST", given->target, path, query == NULL ? "" : query + 1, headers, 2, body, NULL};
    json_auto_t *shown = golden_receive (&channel, &request, false);
    values_unref (channel.values);
    /* they are of calls, so nothing but the signature can be right */
    g_assert_true (golden_is (shown, "stranger") || golden_is (shown, "unreadable"));
    return !golden_is (shown, "stranger");
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
    json_auto_t *shown = golden_receive (&channel, &request, true);
    values_unref (channel.values);
    g_assert_true (golden_is (shown, "items") || golden_is (shown, "unreadable"));
    return golden_is (shown, "items");
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
    struct golden files = {"tests/unit/adapters/twilio", "/twilio/files/", usual_channel (), 100, assert_forgeries_fail};
    g_test_add_func ("/twilio/the provider's own vectors are authentic, and forgeries are not", published_vectors);
    g_test_add_func ("/twilio/parameters are signed sorted, equal ones once", order_does_not_matter);
    g_test_add_func ("/twilio/a channel needs its account and its token", settings_say_what_is_missing);
    g_test_add_func ("/twilio/an id has at most 128 characters, a request 1000 fields, a field 16384 bytes", limits_of_a_request);
    g_test_add_func ("/twilio/only adapters of this build are found", unknown_adapters);
    golden_add_files (&files);
    int failed = g_test_run ();
    values_unref (files.channel.values);
    return failed;
}
