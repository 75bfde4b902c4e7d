/* SPDX-License-Identifier: Apache-2.0
 *
 * The HTTP server over real sockets: requests and their answers, from whatever thread, and its start and end.
 */
#include "wire.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void test_plain (void)
{
    struct wire *wire = wire_start ((struct http_server_options){0});
    GString *answer =
        wire_tell (wire, "GET /tell/%41b?x=1&y=%20 HTTP/1.1\r\n" HOST "X:  a b, \xc3\xa9\r\nEmpty:\r\nConnection: close\r\n\r\n");
    g_assert_true (g_str_has_prefix (answer->str, OK));
    g_assert_nonnull (strstr (answer->str, "\r\nX-Content-Type-Options: nosniff\r\n"));
    g_assert_nonnull (strstr (answer->str, "\r\nX-Peer: 127.0.0.1\r\n"));
    g_assert_true (g_str_has_suffix (answer->str, "\r\n\r\nGET /tell/%41b?x=1&y=%20 /tell/%41b [x=1&y=%20] a b, \xc3\xa9"));
    g_string_free (answer, TRUE);
    answer = wire_tell (wire, "GET http://a/tell?q HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    g_assert_true (g_str_has_suffix (answer->str, "GET http://a/tell?q /tell [q] -"));
    g_string_free (answer, TRUE);
    answer = wire_tell (wire, "GET http://a HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    g_assert_cmpuint (wire_status (answer), ==, 200);
    g_string_free (answer, TRUE);
    answer = wire_tell (wire, "HEAD /tell HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    g_assert_cmpuint (wire_status (answer), ==, 200);
    g_assert_nonnull (strstr (answer->str, "Content-Length: "));
    g_assert_true (g_str_has_suffix (answer->str, "\r\n\r\n"));
    g_string_free (answer, TRUE);
    g_assert_cmpuint (wire_counts (wire).requests, ==, 4);
    g_assert_cmpuint (wire_counts (wire).refused, ==, 0);
    wire_stop (wire);
}

static GString *post (size_t length, const char *head)
{
    GString *text = g_string_new (NULL);
    g_string_printf (text, "POST /now HTTP/1.1\r\n" HOST "Connection: close\r\n%sContent-Length: %zu\r\n\r\n", head, length);
    for (size_t i = 0; i < length; i++) g_string_append_c (text, (char) ('a' + i % 26));
    return text;
}

static GString *post_chunked (size_t length, size_t chunk)
{
    GString *text = g_string_new ("POST /now HTTP/1.1\r\n" HOST "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (size_t at = 0; at < length; at += chunk) {
        size_t n = MIN (chunk, length - at);
        g_string_append_printf (text, "%zx\r\n", n);
        for (size_t i = at; i < at + n; i++) g_string_append_c (text, (char) ('a' + i % 26));
        g_string_append (text, "\r\n");
    }
    return g_string_append (text, "0\r\n\r\n");
}

static void expect_echo (const struct wire *wire, GString *text, size_t length)
{
    GString *answer = wire_tell_bytes (wire, text->str, text->len);
    g_assert_cmpuint (wire_status (answer), ==, 200);
    const char *body = strstr (answer->str, "\r\n\r\n") + 4;
    g_assert_cmpuint (strlen (body), ==, length);
    for (size_t i = 0; i < length; i++) g_assert_cmpint (body[i], ==, (char) ('a' + i % 26));
    g_string_free (answer, TRUE);
    g_string_free (text, TRUE);
}

static void test_body_sizes (void)
{
    struct wire *wire = wire_start ((struct http_server_options){0});
    static const size_t lengths[] = {0, 1, 4095, 4096, 4097, 8192, 20000, BODY_MAX};
    for (size_t i = 0; i < G_N_ELEMENTS (lengths); i++) {
        expect_echo (wire, post (lengths[i], ""), lengths[i]);
        expect_echo (wire, post_chunked (lengths[i], 1000), lengths[i]);
    }
    expect_echo (wire, post_chunked (3000, 1), 3000);
    expect_echo (wire, post_chunked (BODY_MAX, BODY_MAX), BODY_MAX);
    wire_stop (wire);
}

static void test_expect_continue (void)
{
    struct wire *wire = wire_start ((struct http_server_options){0});
    int fd = wire_reach (wire);
    g_autoptr (GString) heard = g_string_new (NULL);
    wire_say (fd, "POST /now HTTP/1.1\r\n" HOST "Content-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n");
    wire_hear_until (fd, heard, "HTTP/1.1 100 Continue\r\n\r\n");
    wire_say (fd, "abc");
    wire_hear_until (fd, heard, "\r\n\r\nabc");
    close (fd);
    wire_stop (wire);
}

static void test_pipelined (void)
{
    struct wire *wire = wire_start ((struct http_server_options){0});
    static const char *const paths[] = {"now", "later"};
    for (size_t i = 0; i < 2; i++) {
        g_autofree char *text = g_strdup_printf ("POST /%s HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabcPOST /%s HTTP/1.1\r\n" HOST
                                                 "Content-Length: 3\r\nConnection: close\r\n\r\ndef",
                                                 paths[i], paths[i]);
        GString *answer = wire_tell (wire, text);
        g_assert_cmpint (wire_answers (answer), ==, 2);
        char *first = strstr (answer->str, "\r\n\r\nabc" OK);
        g_assert_nonnull (first);
        g_assert_true (g_str_has_suffix (answer->str, "\r\n\r\ndef"));
        g_string_free (answer, TRUE);
    }
    wire_stop (wire);
}

#define RACERS 8
#define ROUNDS 1000

struct racer {
    const struct wire *wire;
    int number;
};

/* Until the end of the answer, told by its body; without GLib's slices, whose locks TSan does not see. */
static void hear_body (int fd, const char *body)
{
    char heard[4096];
    size_t n = 0;
    do {
        ssize_t more = recv (fd, heard + n, sizeof heard - 1 - n, 0);
        g_assert_cmpint (more, >, 0);
        n += (size_t) more;
        heard[n] = '\0';
    } while (!strstr (heard, body));
}

static void *race (void *data)
{
    struct racer *racer = data;
    int fd = wire_reach (racer->wire);
    for (int i = 0; i < ROUNDS; i++) {
        char text[200], tail[64];
        g_snprintf (tail, sizeof tail, "\r\n\r\n%03d-%06d", racer->number, i);
        g_snprintf (text, sizeof text, "POST /later HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\n%s", tail + 4);
        wire_say (fd, text);
        hear_body (fd, tail);
    }
    close (fd);
    return NULL;
}

/* A reply may come before the handler has returned, before the connection sleeps, or after: none is lost. */
static void test_races (void)
{
    for (unsigned threads = 1; threads <= 3; threads += 2) {
        struct wire *wire = wire_start ((struct http_server_options){.threads = threads});
        struct racer racers[RACERS];
        GThread *running[RACERS];
        for (int i = 0; i < RACERS; i++) {
            racers[i] = (struct racer){wire, i};
            running[i] = g_thread_new ("racer", race, &racers[i]);
        }
        for (int i = 0; i < RACERS; i++) g_thread_join (running[i]);
        g_assert_cmpuint (wire_counts (wire).requests, ==, RACERS * ROUNDS);
        wire_stop (wire);
    }
}

/* 128 sleep; one thread answers all of them in a row; and the client that left meanwhile hurts nobody. */
static void test_burst (void)
{
    struct wire *wire = wire_start ((struct http_server_options){.threads = 2});
    int fds[128];
    for (int round = 0; round < 20; round++) {
        for (guint i = 0; i < G_N_ELEMENTS (fds); i++) {
            fds[i] = wire_reach (wire);
            wire_say (fds[i], "GET /kept HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
        }
        wire_await (wire, G_N_ELEMENTS (fds));
        close (fds[round]);
        for (guint i = 0; i < G_N_ELEMENTS (fds); i++) http_exchange_reply (wire->kept->pdata[i], http_response_new (204, NULL, NULL));
        g_ptr_array_set_size (wire->kept, 0);
        for (int i = 0; i < (int) G_N_ELEMENTS (fds); i++) {
            if (i == round) continue;
            GString *answer = wire_hear_all (fds[i]);
            g_assert_cmpuint (wire_status (answer), ==, 204);
            g_string_free (answer, TRUE);
        }
    }
    wire_stop (wire);
}

/* They ask while the thread is busy: then it finds the requests of all of them at once. */
static void ask_together (struct wire *wire, const int *fds, guint n, int gate)
{
    uint64_t before = wire_counts (wire).requests;
    g_mutex_lock (&wire->lock); /* the handler waits for it */
    wire_say (gate, "GET /now HTTP/1.1\r\n" HOST "\r\n");
    while (wire_counts (wire).requests == before) g_thread_yield ();
    for (guint i = 0; i < n; i++) wire_say (fds[i], "POST /now HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nall!");
    g_mutex_unlock (&wire->lock);
    for (guint i = 0; i < n; i++) {
        g_autoptr (GString) heard = g_string_new (NULL);
        wire_hear_until (fds[i], heard, "\r\n\r\nall!");
    }
}

/* As many as libmicrohttpd takes from the kernel in one look, or in two, are answered though nobody else comes. */
static void test_full_look (void)
{
    struct wire *wire = wire_start ((struct http_server_options){.threads = 1});
    int fds[256], gate = wire_reach (wire);
    for (guint i = 0; i < G_N_ELEMENTS (fds); i++) fds[i] = wire_reach (wire);
    static const guint sizes[] = {127, 128, 129, 256};
    for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
        ask_together (wire, fds, sizes[i], gate);
        g_autoptr (GString) heard = g_string_new (NULL);
        wire_hear_until (gate, heard, OK);
    }
    close (gate);
    for (guint i = 0; i < G_N_ELEMENTS (fds); i++) close (fds[i]);
    wire_stop (wire);
}

static void test_quiesce (void)
{
    struct wire *wire = wire_start ((struct http_server_options){.threads = 2});
    int fd = wire_reach (wire);
    g_autoptr (GString) heard = g_string_new (NULL);
    wire_say (fd, "GET /tell/1 HTTP/1.1\r\n" HOST "\r\n");
    wire_hear_until (fd, heard, "/tell/1 []");
    g_assert_null (strstr (heard->str, "Connection: close"));
    http_server_quiesce (wire->server);
    http_server_quiesce (wire->server);
    g_assert_cmpint (wire_reach (wire), ==, -1);
    wire_say (fd, "GET /tell/2 HTTP/1.1\r\n" HOST "\r\n");
    GString *last = wire_hear_all (fd);
    g_assert_cmpuint (wire_status (last), ==, 200);
    g_assert_nonnull (strstr (last->str, "\r\nConnection: close\r\n"));
    g_string_free (last, TRUE);
    wire_stop (wire);
}

/* The last answers go out; streams are ended; who is in the middle of a request is not waited for. */
static void test_stop (void)
{
    struct wire *wire = wire_start ((struct http_server_options){.threads = 2});
    int asked = wire_reach (wire), streaming = wire_reach (wire), half = wire_reach (wire);
    wire_say (half, "GET /no");
    wire_say (asked, "GET /kept HTTP/1.1\r\n" HOST "\r\n");
    wire_await (wire, 1);
    wire_say (streaming, "GET /stream HTTP/1.1\r\n" HOST "\r\n");
    wire_await (wire, 2);
    struct http_stream *stream = wire->kept->pdata[1];
    g_autoptr (GBytes) bytes = g_bytes_new (": bye\n\n", 7);
    g_assert_true (http_stream_write (stream, bytes, 1000));
    http_exchange_reply (wire->kept->pdata[0], http_response_new (204, NULL, NULL));
    int64_t began = g_get_monotonic_time ();
    wire_stop (wire);
    g_assert_cmpint (g_get_monotonic_time () - began, <, 10 * G_TIME_SPAN_SECOND);
    g_assert_true (http_stream_closed (stream));
    http_stream_close (stream);
    GString *answer = wire_hear_all (asked), *events = wire_hear_all (streaming), *nothing = wire_hear_all (half);
    g_assert_cmpuint (wire_status (answer), ==, 204);
    g_assert_nonnull (strstr (events->str, ": bye\n\n\r\n0\r\n\r\n"));
    g_assert_cmpuint (nothing->len, ==, 0);
    g_string_free (answer, TRUE);
    g_string_free (events, TRUE);
    g_string_free (nothing, TRUE);
}

static void expect_no_start (const char *listen_text, const char *words)
{
    GError *error = NULL;
    struct http_server_options options = {.listen = listen_text, .threads = 1, .connections = 10, .request_time = 1, .idle_time = 1};
    g_assert_null (http_server_start (&options, &error));
    g_assert_nonnull (error);
    g_assert_nonnull (strstr (error->message, words));
    g_error_free (error);
}

static void test_listen (void)
{
    struct wire *wire = wire_start ((struct http_server_options){0});
    g_autofree char *taken = g_strdup_printf ("127.0.0.1:%u", http_server_port (wire->server));
    expect_no_start (taken, "could not listen on 127.0.0.1:");
    expect_no_start ("127.0.0.1", "is not HOST:PORT");
    expect_no_start (":80", "is not HOST:PORT");
    expect_no_start ("::1:80", "is not HOST:PORT");
    expect_no_start ("127.0.0.1:port", "could not resolve");
    wire_stop (wire);
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/http_server/plain", test_plain);
    g_test_add_func ("/http_server/body-sizes", test_body_sizes);
    g_test_add_func ("/http_server/expect-continue", test_expect_continue);
    g_test_add_func ("/http_server/pipelined", test_pipelined);
    g_test_add_func ("/http_server/races", test_races);
    g_test_add_func ("/http_server/burst", test_burst);
    g_test_add_func ("/http_server/full-look", test_full_look);
    g_test_add_func ("/http_server/quiesce", test_quiesce);
    g_test_add_func ("/http_server/stop", test_stop);
    g_test_add_func ("/http_server/listen", test_listen);
    return g_test_run ();
}
