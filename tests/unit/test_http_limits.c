/* SPDX-License-Identifier: Apache-2.0
 *
 * The limits of the HTTP server, each from both sides. Those of a head are constants in net/http_private.h: libmicrohttpd keeps it in memory
 * of fixed size.
 */
#include "net/http_private.h"
#include "wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SHORT (300 * G_TIME_SPAN_MILLISECOND)

/* ---- sizes ---- */

/* A head of that length with so many headers, three at least. */
static GString *head (size_t length, int headers)
{
    GString *text = g_string_new ("GET /now HTTP/1.1\r\n" HOST "Connection: close\r\n");
    for (int i = 3; i < headers; i++) g_string_append_printf (text, "Y: %d\r\n", i);
    g_string_append (text, "X: ");
    while (text->len + 4 < length) g_string_append_c (text, 'x');
    return g_string_append (text, "\r\n\r\n");
}

static void expect_taken (const struct wire *wire, const GString *text)
{
    g_autoptr (GString) answer = wire_tell_bytes (wire, text->str, text->len);
    if (wire_status (answer) != 200) g_error ("not taken: %s\n-> %s", text->str, answer->str);
}

static void test_head_bytes (void)
{
    struct wire *wire = wire_start ((struct http_server_options){0});
    static const int headers[] = {3, 20, 90};
    for (size_t i = 0; i < G_N_ELEMENTS (headers); i++) {
        size_t most = HTTP_HEAD_MAX - (size_t) headers[i] * HTTP_HEADER_NOTE;
        g_autoptr (GString) fits = head (most, headers[i]), over = head (most + 1, headers[i]);
        expect_taken (wire, fits);
        wire_expect_refused (wire, over->str, 431);
    }
    wire_stop (wire);
}

/* However far over, and wherever libmicrohttpd's own memory ends, the answer is the same. */
static void test_head_far_over (void)
{
    struct wire *wire = wire_start ((struct http_server_options){0});
    for (size_t length = HTTP_HEAD_MAX; length <= 3 * HTTP_CONNECTION_MEMORY; length += 197) {
        g_autoptr (GString) text = head (length, 3);
        wire_expect_refused (wire, text->str, 431);
    }
    g_autoptr (GString) endless = g_string_new ("GET /now HTTP/1.1\r\n" HOST "X: ");
    while (endless->len < 3 * HTTP_CONNECTION_MEMORY) g_string_append_c (endless, 'x');
    wire_expect_refused (wire, endless->str, 431);
    g_assert_cmpint (wire->handled, ==, 0);
    wire_stop (wire);
}

static void test_header_count (void)
{
    struct wire *wire = wire_start ((struct http_server_options){0});
    g_autoptr (GString) most = head (0, HTTP_HEADERS_MAX), over = head (0, HTTP_HEADERS_MAX + 1);
    expect_taken (wire, most);
    wire_expect_refused (wire, over->str, 431);
    wire_stop (wire);
}

static GString *with_target (size_t length)
{
    GString *text = g_string_new ("GET /now?");
    while (text->len < strlen ("GET ") + length) g_string_append_c (text, 'x');
    return g_string_append (text, " HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
}

static void test_target_bytes (void)
{
    struct wire *wire = wire_start ((struct http_server_options){0});
    g_autoptr (GString) most = with_target (HTTP_TARGET_MAX);
    expect_taken (wire, most);
    for (size_t length = HTTP_TARGET_MAX + 1; length < 3 * HTTP_CONNECTION_MEMORY; length += 997) {
        g_autoptr (GString) over = with_target (length);
        wire_expect_refused (wire, over->str, 414);
    }
    wire_stop (wire);
}

static void test_body_bytes (void)
{
    struct wire *wire = wire_start ((struct http_server_options){0});
    g_autofree char *bytes = g_strnfill (BODY_MAX + 1, 'x');
    g_autoptr (GString) text = g_string_new (NULL);
    for (int chunked = 0; chunked < 2; chunked++) {
        for (int over = 0; over < 2; over++) {
            int n = BODY_MAX + over;
            g_string_printf (text, "POST /now HTTP/1.1\r\n" HOST "Connection: close\r\n");
            if (chunked)
                g_string_append_printf (text, "Transfer-Encoding: chunked\r\n\r\n%x\r\n%.*s\r\n0\r\n\r\n", (unsigned) n, n, bytes);
            else
                g_string_append_printf (text, "Content-Length: %d\r\n\r\n%.*s", n, n, bytes);
            if (over)
                wire_expect_refused (wire, text->str, 413);
            else
                expect_taken (wire, text);
        }
    }
    /* at once, before any of the body */
    wire_expect_refused (wire, "POST /now HTTP/1.1\r\n" HOST "Content-Length: 50001\r\n\r\n", 413);
    wire_expect_refused (wire, "POST /none HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\n", 413);
    wire_expect_refused (wire, "POST /now HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551615\r\n\r\n", 413);
    wire_expect_refused (wire, "POST /now HTTP/1.1\r\n" HOST "Content-Length: 50001\r\nExpect: 100-continue\r\n\r\n", 413);
    wire_stop (wire);
}

/* However long it goes on, it is cut, not kept. */
static void test_endless_chunks (void)
{
    struct wire *wire = wire_start ((struct http_server_options){0});
    int fd = wire_reach (wire);
    wire_say (fd, "POST /now HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
    g_autofree char *chunk = g_strnfill (65536 + 9, 'x');
    memcpy (chunk, "10000\r\n", 7);
    memcpy (chunk + 65536 + 7, "\r\n", 2);
    size_t sent = 0;
    while (send (fd, chunk, 65536 + 9, MSG_NOSIGNAL) == 65536 + 9 && sent < 1000) sent++;
    g_assert_cmpuint (sent, <, 1000);
    wire_expect_problem (wire_hear_all (fd), 413, "chunks without end");
    g_assert_cmpint (wire->handled, ==, 0);
    wire_stop (wire);
}

/* ---- connections ---- */

/* A connection that has been answered, and stays. */
static int stay (const struct wire *wire)
{
    g_autoptr (GString) heard = g_string_new (NULL);
    int fd = wire_reach (wire);
    wire_say (fd, "GET /tell HTTP/1.1\r\n" HOST "\r\n");
    wire_hear_until (fd, heard, "/tell []");
    return fd;
}

/* A request that is not answered yet. */
static int ask (const struct wire *wire)
{
    int fd = wire_reach (wire);
    wire_say (fd, "GET /kept HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    return fd;
}

static void answer (struct wire *wire, guint i, int fd)
{
    http_exchange_reply (wire->kept->pdata[i], http_response_new (204, NULL, NULL));
    g_autoptr (GString) heard = wire_hear_all (fd);
    g_assert_cmpuint (wire_status (heard), ==, 204);
}

/* One more waits until another has been answered: nobody who waits for an answer is closed for it. */
static void test_connections (void)
{
    struct wire *wire = wire_start ((struct http_server_options){.connections = 3});
    int fds[4];
    for (guint i = 0; i < 3; i++) {
        fds[i] = ask (wire);
        wire_await (wire, i + 1);
    }
    fds[3] = ask (wire);
    g_assert_cmpint (wire->handled, ==, 3);
    for (guint i = 0; i < 4; i++) {
        answer (wire, i, fds[i]);
        wire_await (wire, 4);
    }
    wire_stop (wire);
}

/* Where connections are nearly used up, those on which nothing is asked make room for who asks. */
static void test_idle_make_room (void)
{
    struct wire *wire = wire_start ((struct http_server_options){.threads = 2, .connections = 16});
    int idle[40];
    for (size_t i = 0; i < G_N_ELEMENTS (idle); i++) idle[i] = wire_reach (wire);
    g_autoptr (GString) heard = wire_tell (wire, "GET /now HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    g_assert_cmpuint (wire_status (heard), ==, 200);
    g_assert_cmpuint (wire_counts (wire).timed_out, ==, 0);
    for (size_t i = 0; i < G_N_ELEMENTS (idle); i++) close (idle[i]);
    wire_stop (wire);
}

/* No more than is needed, and first who has been silent for longest. */
static void test_oldest_idle_first (void)
{
    struct wire *wire = wire_start ((struct http_server_options){.connections = 8});
    int fds[8];
    for (size_t i = 0; i < G_N_ELEMENTS (fds); i++) fds[i] = stay (wire);
    g_autoptr (GString) first = wire_hear_all (fds[0]);
    g_assert_cmpuint (first->len, ==, 0);
    for (size_t i = 1; i < G_N_ELEMENTS (fds); i++) {
        g_autoptr (GString) heard = g_string_new (NULL);
        wire_say (fds[i], "GET /tell/again HTTP/1.1\r\n" HOST "\r\n");
        wire_hear_until (fds[i], heard, "/tell/again []");
        close (fds[i]);
    }
    wire_stop (wire);
}

/* One more is closed at once: who comes from there has taken its share. */
static void test_connections_per_address (void)
{
    struct wire *wire = wire_start ((struct http_server_options){.connections_per_address = 2});
    int first = stay (wire), second = stay (wire);
    g_autoptr (GString) third = wire_tell (wire, "GET /now HTTP/1.1\r\n" HOST "\r\n");
    g_assert_cmpuint (third->len, ==, 0);
    g_assert_cmpint (wire->handled, ==, 2);
    close (first);
    close (second);
    wire_await_no_connections (wire);
    close (stay (wire));
    wire_stop (wire);
}

/* ---- time ---- */

/* Says text and then one byte at each tick (0: none), until the server closes. */
static GString *drip (int fd, const char *text, char byte)
{
    GString *heard = g_string_new (NULL);
    struct timeval tick = {.tv_usec = 20000};
    setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof tick);
    wire_say (fd, text);
    for (;;) {
        char bytes[1000];
        ssize_t n = recv (fd, bytes, sizeof bytes, 0);
        if (n > 0) g_string_append_len (heard, bytes, n);
        if (n == 0 || (n < 0 && errno != EAGAIN)) break;
        if (n < 0 && byte) wire_say_bytes (fd, &byte, 1);
    }
    close (fd);
    return heard;
}

static const char *const SLOW[] = {
    "G",
    "GET /",
    "GET /now HTTP/1.1\r\n" HOST "X: ",
    "POST /now HTTP/1.1\r\n" HOST "Content-Length: 1000\r\n\r\n",
    "POST /now HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3e8\r\n",
};

/* A request that was begun and has not come whole is told so, whether its sender has fallen silent or goes on byte by byte. */
static void test_request_time (void)
{
    struct wire *wire = wire_start ((struct http_server_options){.request_time = SHORT});
    for (size_t i = 0; i < G_N_ELEMENTS (SLOW); i++) {
        wire_expect_problem (drip (wire_reach (wire), SLOW[i], 'x'), 408, SLOW[i]);
        wire_expect_problem (drip (wire_reach (wire), SLOW[i], '\0'), 408, SLOW[i]);
    }
    g_assert_cmpint (wire->handled, ==, 0);
    g_assert_cmpuint (wire_counts (wire).timed_out, ==, 2 * G_N_ELEMENTS (SLOW));
    g_assert_cmpuint (wire_counts (wire).refused, ==, 0);
    wire_stop (wire);
}

/* Who waits for its answer is not slow: others are cut meanwhile, and it is answered. */
static void test_waiting_is_not_slow (void)
{
    struct wire *wire = wire_start ((struct http_server_options){.request_time = SHORT});
    int fd = wire_reach (wire);
    wire_say (fd, "GET /kept HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    wire_await (wire, 1);
    for (int i = 0; i < 2; i++) wire_expect_problem (drip (wire_reach (wire), "G", '\0'), 408, "G");
    http_exchange_reply (wire->kept->pdata[0], http_response_new (204, NULL, NULL));
    g_autoptr (GString) answer = wire_hear_all (fd);
    g_assert_cmpuint (wire_status (answer), ==, 204);
    wire_stop (wire);
}

/* In pieces, but in time. */
static void test_request_in_pieces (void)
{
    struct wire *wire = wire_start ((struct http_server_options){0});
    static const char *const pieces[] = {
        "PO", "ST /now HTTP/1.1\r\nHost", ": a\r\nConnection: close\r\nContent-Le", "ngth: 3\r\n", "\r\n", "a", "bc"};
    int fd = wire_reach (wire);
    for (size_t i = 0; i < G_N_ELEMENTS (pieces); i++) {
        wire_say (fd, pieces[i]);
        close (stay (wire)); /* the piece has been read by then: there is one HTTP thread */
    }
    g_autoptr (GString) answer = wire_hear_all (fd);
    g_assert_true (g_str_has_suffix (answer->str, "\r\n\r\nabc"));
    wire_stop (wire);
}

/* Who says nothing is told nothing, before the first request and after it; it was not late with anything. */
static void test_idle_time (void)
{
    struct wire *wire = wire_start ((struct http_server_options){.request_time = SHORT, .idle_time = SHORT});
    g_autoptr (GString) silent = drip (wire_reach (wire), "", '\0'), after = drip (stay (wire), "", '\0');
    g_assert_cmpuint (silent->len, ==, 0);
    g_assert_cmpuint (after->len, ==, 0);
    g_assert_cmpuint (wire_counts (wire).timed_out, ==, 0);
    wire_stop (wire);
}

/* Between two requests it may rest. */
static void test_idle_in_time (void)
{
    struct wire *wire = wire_start ((struct http_server_options){.request_time = SHORT});
    int fd = stay (wire);
    for (int i = 0; i < 2; i++) wire_expect_problem (drip (wire_reach (wire), "G", '\0'), 408, "G");
    g_autoptr (GString) heard = g_string_new (NULL);
    wire_say (fd, "GET /tell/again HTTP/1.1\r\n" HOST "\r\n");
    wire_hear_until (fd, heard, "/tell/again []");
    close (fd);
    wire_stop (wire);
}

/* After its first request a connection may not drip the next for ever either. */
static void test_slow_second_request (void)
{
    struct wire *wire = wire_start ((struct http_server_options){.request_time = SHORT, .idle_time = SHORT});
    for (size_t i = 0; i < G_N_ELEMENTS (SLOW); i++) wire_expect_problem (drip (stay (wire), SLOW[i], 'x'), 408, SLOW[i]);
    g_assert_cmpint (wire->handled, ==, (int) G_N_ELEMENTS (SLOW));
    wire_stop (wire);
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/http_limits/head-bytes", test_head_bytes);
    g_test_add_func ("/http_limits/head-far-over", test_head_far_over);
    g_test_add_func ("/http_limits/header-count", test_header_count);
    g_test_add_func ("/http_limits/target-bytes", test_target_bytes);
    g_test_add_func ("/http_limits/body-bytes", test_body_bytes);
    g_test_add_func ("/http_limits/endless-chunks", test_endless_chunks);
    g_test_add_func ("/http_limits/connections", test_connections);
    g_test_add_func ("/http_limits/idle-make-room", test_idle_make_room);
    g_test_add_func ("/http_limits/oldest-idle-first", test_oldest_idle_first);
    g_test_add_func ("/http_limits/connections-per-address", test_connections_per_address);
    g_test_add_func ("/http_limits/request-time", test_request_time);
    g_test_add_func ("/http_limits/waiting-is-not-slow", test_waiting_is_not_slow);
    g_test_add_func ("/http_limits/request-in-pieces", test_request_in_pieces);
    g_test_add_func ("/http_limits/idle-time", test_idle_time);
    g_test_add_func ("/http_limits/idle-in-time", test_idle_in_time);
    g_test_add_func ("/http_limits/slow-second-request", test_slow_second_request);
    return g_test_run ();
}
