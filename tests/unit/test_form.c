/* SPDX-License-Identifier: Apache-2.0
 *
 * Forms, and requests and responses as model/http.h keeps them.
 */
#include "model/form.h"
#include "model/http.h"

#include <string.h>

/* As name=value pairs in brackets, NUL shown as \0. */
static char *show (const struct form *form)
{
    GString *out = g_string_new (NULL);
    for (size_t i = 0; i < form->n_fields; i++) {
        const struct form_field *field = &form->fields[i];
        g_assert_cmpint (field->name[field->name_length], ==, '\0');
        g_assert_cmpint (field->value[field->value_length], ==, '\0');
        g_string_append_c (out, '[');
        for (size_t j = 0; j < field->name_length; j++) g_string_append_printf (out, field->name[j] == '\0' ? "\\0" : "%c", field->name[j]);
        g_string_append_c (out, '=');
        for (size_t j = 0; j < field->value_length; j++)
            g_string_append_printf (out, field->value[j] == '\0' ? "\\0" : "%c", field->value[j]);
        g_string_append_c (out, ']');
    }
    return g_string_free (out, FALSE);
}

static void fields_in_their_order (void)
{
    static const struct {
        const char *given, *fields, *again;
    } examples[] = {
        {"", "", ""},
        {"a=1", "[a=1]", "a=1"},
        {"b=1&a=2&b=3", "[b=1][a=2][b=3]", "b=1&b=3&a=2"},
        {"a", "[a=]", "a="},
        {"a=", "[a=]", "a="},
        {"=1", "[=1]", "=1"},
        {"=", "[=]", "="},
        {"&&a=1&&", "[a=1]", "a=1"},
        {"&", "", ""},
        {"a=b=c", "[a=b=c]", "a=b%3Dc"},
        {"a+b=c+d%20e%2B", "[a b=c d e+]", "a%20b=c%20d%20e%2B"},
        {"%61%3d=%26", "[a==&]", "a%3D=%26"},
        {"a=%00b%00", "[a=\\0b\\0]", "a=%00b%00"},
        {"%00=1", "[\\0=1]", "%00=1"},
        {"a=%ff\xfe", "[a=\xff\xfe]", "a=%FF%FE"},
        {"a=%", "[a=%]", "a=%25"},
        {"a=%4", "[a=%4]", "a=%254"},
        {"a=%zz%4g", "[a=%zz%4g]", "a=%25zz%254g"},
        {"a=%4&b=1", "[a=%4][b=1]", "a=%254&b=1"},
        {"a=%e2%82%AC", "[a=\u20ac]", "a=%E2%82%AC"},
        {"a=-_.!~*'()\"", "[a=-_.!~*'()\"]", "a=-_.!~*'()%22"},
        {"a;b=1", "[a;b=1]", "a%3Bb=1"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS (examples); i++) {
        struct form form;
        size_t length = strlen (examples[i].given);
        g_autofree char *exact = g_memdup2 (examples[i].given, length); /* no NUL after it: a read beyond it is found */
        g_assert_true (form_parse (exact, length, 100, &form));
        g_autofree char *fields = show (&form);
        g_assert_cmpstr (fields, ==, examples[i].fields);
        g_autoptr (GString) again = g_string_new (NULL);
        form_format (&form, again);
        g_assert_cmpstr (again->str, ==, examples[i].again);
        form_clear (&form);
    }
}

static void fields_are_bounded (void)
{
    struct form form;
    g_assert_true (form_parse ("a=1&&b=2&", 9, 2, &form));
    g_assert_cmpuint (form.n_fields, ==, 2);
    form_clear (&form);
    g_assert_false (form_parse ("a=1&b=2&c", 9, 2, &form));
    g_assert_cmpuint (form.n_fields, ==, 0);
    form_clear (&form);
}

static void the_first_of_a_name_is_found (void)
{
    struct form form;
    static const char bytes[] = "ab=0&a=1&a=2&%00=3";
    g_assert_true (form_parse (bytes, strlen (bytes), 100, &form));
    g_assert_cmpstr (form_find (&form, "a")->value, ==, "1");
    g_assert_null (form_find (&form, "b"));
    g_assert_null (form_find (&form, ""));
    form_clear (&form);
    g_assert_null (form_find (&form, "a"));
}

static void assert_same_request (const struct http_request *a, const struct http_request *b)
{
    g_assert_cmpstr (a->method, ==, b->method);
    g_assert_cmpstr (a->target, ==, b->target);
    g_assert_cmpstr (a->path, ==, b->path);
    g_assert_cmpstr (a->query, ==, b->query);
    g_assert_cmpuint (a->n_headers, ==, b->n_headers);
    for (size_t i = 0; i < a->n_headers; i++) {
        g_assert_cmpstr (a->headers[i].name, ==, b->headers[i].name);
        g_assert_cmpstr (a->headers[i].value, ==, b->headers[i].value);
    }
    g_assert_true (g_bytes_equal (a->body, b->body));
}

static void requests_come_back_as_they_were (void)
{
    static const struct http_header headers[] = {
        {"Host", "x"},     {"X-Empty", ""},  {"X-Spaces", "  a  "},          {"X-Colons", ": a: b:"}, {"X-Bytes", "\xff\x01\x7f\xe2"},
        {"X-Twice", "1"},  {"X-Twice", "2"}, {"X-Folded", "a\r\n b\r\n\tc"}, {"X-Return", "a\r"},     {"X-Feed", "\na\n"},
        {"x-lower", "\t"},
    };
    static const struct {
        const char *target, *path, *query;
    } targets[] = {
        {"/hooks/acme/sms?x=1&y", "/hooks/acme/sms", "x=1&y"},
        {"/", "/", ""},
        {"/a?", "/a", ""},
        {"/a??b?c", "/a", "?b?c"},
        {"*", "*", ""},
        {"/%00%2f?%", "/%00%2f", "%"},
        {"/a b HTTP/1.1", "/a b HTTP/1.1", ""},
    };
    static const char *const bodies[] = {"", "a=1", "\r\n\r\n", " folded?", "\r\n"};
    for (size_t i = 0; i < G_N_ELEMENTS (targets); i++)
        for (size_t j = 0; j < G_N_ELEMENTS (bodies); j++)
            for (size_t n = 0; n <= G_N_ELEMENTS (headers); n++) {
                g_autoptr (GBytes) body = g_bytes_new_static (bodies[j], strlen (bodies[j]));
                struct http_request request = {"POST", targets[i].target, targets[i].path, targets[i].query, headers, n, body, NULL};
                g_autoptr (GBytes) wire = http_request_format (&request);
                struct http_request *back = http_request_parse (wire);
                g_assert_nonnull (back);
                assert_same_request (&request, back);
                http_request_free (back);
            }
}

static void bodies_of_any_bytes (void)
{
    g_autofree char *bytes = g_malloc (70000);
    for (size_t i = 0; i < 70000; i++) bytes[i] = (char) (i * 7);
    g_autoptr (GBytes) body = g_bytes_new_static (bytes, 70000);
    struct http_request request = {"PUT", "/", "/", "", NULL, 0, body, NULL};
    g_autoptr (GBytes) wire = http_request_format (&request);
    struct http_request *back = http_request_parse (wire);
    assert_same_request (&request, back);
    http_request_free (back);
}

static void credentials_are_not_journaled (void)
{
    static const struct http_header headers[] = {{"A", "1"}, {"AUTHORIZATION", "Basic secret"}, {"cookie", "secret"}, {"Cookie2", "2"}};
    g_autoptr (GBytes) body = g_bytes_new_static ("b", 1);
    static const struct {
        const char *target, *path, *secret, *journaled;
    } targets[] = {
        {"/hooks/a/b?c", "/hooks/a/b", NULL, "/hooks/a/b?c"},
        {"/hooks/a/b/s%2f?c=/s%2f", "/hooks/a/b/s%2f", "s%2f", "/hooks/a/b?c=/s%2f"},
        {"http://x/hooks/a/b/b", "/hooks/a/b/b", "b", "http://x/hooks/a/b"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS (targets); i++) {
        struct http_request request = {"GET", targets[i].target, targets[i].path, "", headers, G_N_ELEMENTS (headers),
                                       body,  targets[i].secret};
        g_autoptr (GBytes) wire = http_request_format (&request);
        g_autofree char *expected = g_strdup_printf ("GET %s HTTP/1.1\r\nA: 1\r\nCookie2: 2\r\n\r\nb", targets[i].journaled);
        g_assert_cmpmem (g_bytes_get_data (wire, NULL), g_bytes_get_size (wire), expected, strlen (expected));
    }
}

static void what_was_not_written_here (void)
{
#define WIRE(text) \
    { \
        text, sizeof text - 1 \
    }
    static const struct {
        const char *bytes;
        size_t length;
    } wires[] = {
        WIRE (""),
        WIRE ("GET"),
        WIRE ("GET / HTTP/1.1"),
        WIRE ("GET / HTTP/1.1\r\n"),
        WIRE ("GET / HTTP/1.0\r\n\r\n"),
        WIRE ("GET HTTP/1.1\r\n\r\n"),
        WIRE (" HTTP/1.1\r\n\r\n"),
        WIRE ("GET / HTTP/1.1\r\nA: 1\r\n"),
        WIRE ("GET / HTTP/1.1\r\nA:1\r\n\r\n"),
        WIRE ("GET / HTTP/1.1\r\nA: \0\r\n\r\n"),
        WIRE ("\r\n\r\n"),
        WIRE ("GET / HTTP/1.1\n\n"),
    };
    for (size_t i = 0; i < G_N_ELEMENTS (wires); i++) {
        g_autoptr (GBytes) wire = g_bytes_new (wires[i].bytes, wires[i].length);
        g_assert_null (http_request_parse (wire));
    }
}

static void headers_are_found_in_any_case (void)
{
    static const struct http_header headers[] = {{"a", "1"}, {"A", "2"}, {"Content-Type", "x"}};
    struct http_request request = {"GET", "/", "/", "", headers, G_N_ELEMENTS (headers), NULL, NULL};
    g_assert_cmpstr (http_request_header (&request, "A"), ==, "1");
    g_assert_cmpstr (http_request_header (&request, "content-type"), ==, "x");
    g_assert_null (http_request_header (&request, "content"));
}

static void responses_own_what_they_hold (void)
{
    struct http_response *response = http_response_new (405, "text/plain", g_bytes_new ("x", 1));
    char name[] = "Allow";
    http_response_add (response, name, "GET");
    name[0] = 'X';
    http_response_add (response, "B", "2");
    g_assert_cmpuint (response->headers->len, ==, 4);
    g_assert_cmpstr (g_ptr_array_index (response->headers, 0), ==, "Allow");
    g_assert_cmpstr (g_ptr_array_index (response->headers, 3), ==, "2");
    http_response_free (response);
    http_response_free (http_response_new (204, NULL, NULL));
    http_response_free (NULL);
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/form/fields keep their order and their bytes", fields_in_their_order);
    g_test_add_func ("/form/the number of fields is bounded", fields_are_bounded);
    g_test_add_func ("/form/the first field of a name is found", the_first_of_a_name_is_found);
    g_test_add_func ("/http/a request comes back as it was", requests_come_back_as_they_were);
    g_test_add_func ("/http/a body of any bytes comes back", bodies_of_any_bytes);
    g_test_add_func ("/http/credentials are not journaled", credentials_are_not_journaled);
    g_test_add_func ("/http/what was not written here is refused", what_was_not_written_here);
    g_test_add_func ("/http/headers are found in any case", headers_are_found_in_any_case);
    g_test_add_func ("/http/a response owns what it holds", responses_own_what_they_hold);
    return g_test_run ();
}
