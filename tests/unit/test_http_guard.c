/* SPDX-License-Identifier: Apache-2.0
 *
 * What no request may look like, on the wire: each gets one refusal and the end of its connection.
 */
#include "net/http_private.h"
#include "wire.h"

#include <string.h>

static void test_old_clients (void)
{
    struct wire *wire = wire_start ((struct http_server_options){0});
    GString *answer = wire_tell (wire, "GET /tell HTTP/1.0\r\n\r\n");
    g_assert_cmpuint (wire_status (answer), ==, 200);
    g_assert_true (g_str_has_suffix (answer->str, "GET /tell /tell [] -"));
    g_string_free (answer, TRUE);
    wire_stop (wire);
}

#define REFUSED(text, status) \
    { \
        text, sizeof text - 1, status \
    }
static const struct {
    const char *bytes;
    size_t n;
    unsigned status;
} REFUSALS[] = {
    REFUSED ("POST /now HTTP/1.1\r\n" HOST "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    REFUSED ("POST /now HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n", 400),
    REFUSED ("POST /now HTTP/1.1\r\n" HOST "Content-Length: 0\r\nContent-Length: 3\r\n\r\nabc", 400),
    REFUSED ("POST /now HTTP/1.1\r\n" HOST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400),
    REFUSED ("POST /now HTTP/1.1\r\n" HOST "Content-Length: +4\r\n\r\nabcd", 400),
    REFUSED ("POST /now HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n", 400),
    REFUSED ("POST /now HTTP/1.1\r\n" HOST "Content-Length: 3, 3\r\n\r\nabc", 400),
    REFUSED ("POST /now HTTP/1.1\r\n" HOST "Content-Length: 0x3\r\n\r\nabc", 400),
    REFUSED ("POST /now HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n", 400),
    REFUSED ("POST /now HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999999\r\n\r\n", 413),
    REFUSED ("POST /now HTTP/1.1\r\n" HOST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
    REFUSED ("POST /now HTTP/1.1\r\n" HOST "Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n", 400),
    REFUSED ("POST /now HTTP/1.1\r\n" HOST "Content-Length : 3\r\n\r\nabc", 400),
    REFUSED ("GET /now HTTP/1.1\r\n" HOST ": no name\r\n\r\n", 400),
    REFUSED ("GET /now HTTP/1.1\r\n" HOST "no colon\r\n\r\n", 400),
    REFUSED ("GET /now HTTP/1.1\r\n Host: a\r\n\r\n", 400),
    REFUSED ("POST /now HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    REFUSED ("POST /now HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    REFUSED ("POST /now HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", 400),
    REFUSED ("POST /now HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    REFUSED ("POST /now HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501),
    REFUSED ("POST /now HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked \r\n\r\n0\r\n\r\n", 501),
    REFUSED ("POST /now HTTP/1.1\r\n" HOST "Transfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n", 400),
    REFUSED ("POST /now HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n", 400),
    REFUSED ("POST /now HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n", 400),
    REFUSED ("POST /now HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n-1\r\n\r\n", 400),
    REFUSED ("POST /now HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n", 413),
    REFUSED ("POST /now HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\nno colon\r\n\r\n", 400),
    REFUSED ("GET /now HTTP/1.1\r\n\r\n", 400),
    REFUSED ("GET /now HTTP/1.1\r\n" HOST HOST "\r\n", 400),
    REFUSED ("POST /now HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    REFUSED ("BREW /now HTTP/1.1\r\n" HOST "\r\n", 405),
    REFUSED ("get /now HTTP/1.1\r\n" HOST "\r\n", 405),
    REFUSED ("TRACE /now HTTP/1.1\r\n" HOST "\r\n", 405),
    REFUSED ("CONNECT a:443 HTTP/1.1\r\n" HOST "\r\n", 400),
    REFUSED ("GET /now%00 HTTP/1.1\r\n" HOST "\r\n", 400),
    REFUSED ("GET /now%00?a=b HTTP/1.1\r\n" HOST "\r\n", 400),
    REFUSED ("GET http://a%00/now HTTP/1.1\r\n" HOST "\r\n", 400),
    REFUSED ("GET /now\0x HTTP/1.1\r\n" HOST "\r\n", 400),
    REFUSED ("GET /now\0 HTTP/1.1\r\n" HOST "\r\n", 400),
    REFUSED ("GET /now?a\0b HTTP/1.1\r\n" HOST "\r\n", 400),
    REFUSED ("GET /now\tx HTTP/1.1\r\n" HOST "\r\n", 400),
    REFUSED ("GET /now\rx HTTP/1.1\r\n" HOST "\r\n", 400),
    REFUSED ("GET /now x HTTP/1.1\r\n" HOST "\r\n", 400),
    REFUSED ("GET  /now HTTP/1.1\r\n" HOST "\r\n", 400),
    REFUSED ("GET /now  HTTP/1.1\r\n" HOST "\r\n", 400),
    REFUSED ("GET now HTTP/1.1\r\n" HOST "\r\n", 400),
    REFUSED ("GET * HTTP/1.1\r\n" HOST "\r\n", 400),
    REFUSED ("G\0ET /now HTTP/1.1\r\n" HOST "\r\n", 400),
    REFUSED ("GET /now HTTP/1.1\r\n" HOST "X: a\0b\r\n\r\n", 400),
    REFUSED ("GET /now HTTP/1.1\r\n" HOST "X: a\0\r\n\r\n", 400),
    REFUSED ("GET /now HTTP/1.1\r\n" HOST "X: \0\0\r\nY: b\r\n\r\n", 400),
    REFUSED ("GET /now HTTP/1.1\r\n" HOST "X\0y: b\r\n\r\n", 400),
    REFUSED ("POST /now HTTP/1.1\r\n" HOST "\0X: y\r\nContent-Length: 3\r\n\r\nabc", 400),
    REFUSED ("GET /now HTTP/1.1\r\n" HOST "X: a\rY: b\r\n\r\n", 400),
    REFUSED ("GET /now HTTP/1.1\n" HOST "\r\n", 400),
    REFUSED ("GET /now HTTP/1.1\r\nHost: a\n\r\n", 400),
    REFUSED ("POST /now HTTP/1.1\r\n" HOST "Content-Len: 3\r\n gth\r\n\r\nabc", 400),
    REFUSED ("GET /now HTTP/1.1\r\n" HOST "X: a\r\n\tb\r\nY: c\r\n\r\n", 400),
    REFUSED ("GET /now HTTP/1.x\r\n" HOST "\r\n", 400),
    REFUSED ("GET /now HTTP/2.0\r\n" HOST "\r\n", 505),
    REFUSED ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    REFUSED ("GET /now HTTP/0.9\r\n\r\n", 505),
    REFUSED ("GET /now\r\n\r\n", 400),
};

static void test_refusals (void)
{
    struct wire *wire = wire_start ((struct http_server_options){0});
    for (size_t i = 0; i < G_N_ELEMENTS (REFUSALS); i++) wire_expect_refusal (wire, REFUSALS[i].bytes, REFUSALS[i].n, REFUSALS[i].status);
    g_assert_cmpint (wire->handled, ==, 0);
    g_assert_cmpuint (wire_counts (wire).refused, ==, G_N_ELEMENTS (REFUSALS));
    wire_stop (wire);
}

/* A line of chunked coding that libmicrohttpd's memory for the connection cannot hold is the sender's fault, whatever it says itself. */
static void test_long_chunk_lines (void)
{
    struct wire *wire = wire_start ((struct http_server_options){0});
    static const struct {
        const char *beginning, *end;
        char filler;
    } lines[] = {{"5;", "", 'a'}, {"5;a=\"", "\"", 'a'}, {"", "5", '0'}};
    for (size_t i = 0; i < G_N_ELEMENTS (lines); i++)
        for (size_t length = 100; length < 2 * HTTP_CONNECTION_MEMORY; length += 3001) {
            g_autofree char *filling = g_strnfill (length, lines[i].filler);
            g_autofree char *text = g_strdup_printf ("POST /now HTTP/1.1\r\n" HOST
                                                     "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n%s%s%s\r\nhello\r\n0\r\n\r\n",
                                                     lines[i].beginning, filling, lines[i].end);
            GString *answer = wire_tell (wire, text);
            if (wire_status (answer) == 200 && length < HTTP_CONNECTION_MEMORY)
                g_string_free (answer, TRUE);
            else
                wire_expect_problem (answer, 400, text);
        }
    wire_stop (wire);
}

/* A zero byte in a query is the adapter's to judge: it may be in what a customer wrote. */
static void test_zero_in_query (void)
{
    struct wire *wire = wire_start ((struct http_server_options){0});
    g_autoptr (GString) answer = wire_tell (wire, "GET /tell?a=b%00c HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    g_assert_true (g_str_has_suffix (answer->str, "GET /tell?a=b%00c /tell [a=b%00c] -"));
    wire_stop (wire);
}

/* The refusal ends the connection, also where the other side leaves its own end open. */
static void test_refused_is_over (void)
{
    struct wire *wire = wire_start ((struct http_server_options){0});
    for (size_t i = 0; i < G_N_ELEMENTS (REFUSALS); i++) {
        int fd = wire_reach (wire);
        wire_say_bytes (fd, REFUSALS[i].bytes, REFUSALS[i].n);
        wire_await_no_connections (wire);
        wire_expect_problem (wire_hear_all (fd), REFUSALS[i].status, REFUSALS[i].bytes);
    }
    wire_stop (wire);
}

/*
 * A first line without a blank, as the greeting of TLS or of mail, is no request: nobody is there who would understand an answer. None can
 * be given either: libmicrohttpd closes such a connection before it calls anybody, and its writing end first.
 */
static void test_not_http (void)
{
    struct wire *wire = wire_start ((struct http_server_options){0});
    static const char *const lines[] = {"GET\r\n\r\n", "\x16\x03\x01\x02\r\n\r\n", "QUIT\n"};
    for (size_t i = 0; i < G_N_ELEMENTS (lines); i++) {
        g_autoptr (GString) answer = wire_tell (wire, lines[i]);
        g_assert_cmpuint (answer->len, ==, 0);
    }
    g_assert_cmpint (wire->handled, ==, 0);
    wire_stop (wire);
}

/* An answer to HEAD has no body, nor has a refusal. */
static void test_refused_head (void)
{
    struct wire *wire = wire_start ((struct http_server_options){0});
    GString *answer = wire_tell (wire, "HEAD /now HTTP/1.1\r\n\r\n");
    g_assert_cmpuint (wire_status (answer), ==, 400);
    g_assert_true (g_str_has_suffix (answer->str, "\r\n\r\n"));
    g_string_free (answer, TRUE);
    wire_stop (wire);
}

/* libmicrohttpd notes each argument in the connection's memory; there may be more than fit. */
static void test_many_arguments (void)
{
    struct wire *wire = wire_start ((struct http_server_options){0});
    for (int n = 50; n < 3000; n += 50) {
        g_autoptr (GString) text = g_string_new ("GET /tell?");
        for (int i = 0; i < n; i++) g_string_append (text, "a&");
        g_string_append (text, " HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
        GString *answer = wire_tell_bytes (wire, text->str, text->len);
        if (wire_status (answer) != 200) g_error ("%d arguments: %s", n, answer->str);
        g_string_free (answer, TRUE);
    }
    wire_stop (wire);
}

/* Cookies likewise, and when they did not fit it went on in memory that it had freed. */
static void test_many_cookies (void)
{
    struct wire *wire = wire_start ((struct http_server_options){0});
    for (size_t length = 100; length < HTTP_HEAD_MAX + 2000; length += 499) {
        g_autoptr (GString) text = g_string_new ("GET /now HTTP/1.1\r\n" HOST "Connection: close\r\nCookie: a=b");
        while (text->len < length) g_string_append (text, ";a");
        g_string_append (text, "\r\n\r\n");
        unsigned status = text->len + 3 * HTTP_HEADER_NOTE > HTTP_HEAD_MAX ? 431 : 200;
        g_autoptr (GString) answer = wire_tell_bytes (wire, text->str, text->len);
        if (wire_status (answer) != status) g_error ("%zu bytes with cookies: %s", text->len, answer->str);
    }
    wire_stop (wire);
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/http_guard/old-clients", test_old_clients);
    g_test_add_func ("/http_guard/refusals", test_refusals);
    g_test_add_func ("/http_guard/long-chunk-lines", test_long_chunk_lines);
    g_test_add_func ("/http_guard/zero-in-query", test_zero_in_query);
    g_test_add_func ("/http_guard/refused-is-over", test_refused_is_over);
    g_test_add_func ("/http_guard/not-http", test_not_http);
    g_test_add_func ("/http_guard/refused-head", test_refused_head);
    g_test_add_func ("/http_guard/many-arguments", test_many_arguments);
    g_test_add_func ("/http_guard/many-cookies", test_many_cookies);
    return g_test_run ();
}
