/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers without end.
 */
#include "wire.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static GBytes *text_bytes (const char *text)
{
    return g_bytes_new (text, strlen (text));
}

static void test_stream (void)
{
    struct wire *wire = wire_start ((struct http_server_options){0});
    int fd = wire_reach (wire);
    g_autoptr (GString) heard = g_string_new (NULL);
    wire_say (fd, "GET /stream HTTP/1.1\r\n" HOST "\r\n");
    wire_hear_until (fd, heard, "\r\n\r\n"); /* at once, with nothing written yet */
    g_assert_true (g_str_has_prefix (heard->str, OK));
    g_assert_nonnull (strstr (heard->str, "\r\nContent-Type: text/event-stream\r\n"));
    g_assert_nonnull (strstr (heard->str, "\r\nCache-Control: no-cache, no-transform\r\n"));
    g_assert_nonnull (strstr (heard->str, "\r\nX-Accel-Buffering: no\r\n"));
    g_assert_nonnull (strstr (heard->str, "\r\nX-Content-Type-Options: nosniff\r\n"));
    wire_await (wire, 1);
    struct http_stream *stream = wire->kept->pdata[0];
    g_autoptr (GBytes) first = text_bytes (": one\n\n"), second = text_bytes (": two\n\n"), none = text_bytes ("");
    g_assert_true (http_stream_write (stream, first, 1000));
    wire_hear_until (fd, heard, ": one\n\n");
    g_assert_true (http_stream_write (stream, none, 1000));
    g_assert_true (http_stream_write (stream, second, 1000));
    wire_hear_until (fd, heard, ": two\n\n");
    g_assert_cmpuint (wire_counts (wire).streams, ==, 1);
    g_assert_false (http_stream_closed (stream));
    http_stream_close (stream);
    wire_hear_until (fd, heard, "\r\n0\r\n\r\n");
    /* it was an answer as any other: the connection goes on */
    wire_say (fd, "GET /tell/on HTTP/1.1\r\n" HOST "\r\n");
    wire_hear_until (fd, heard, "/tell/on []");
    close (fd);
    wire_stop (wire);
}

/* An event larger than any buffer comes whole, and in order. */
static void test_large_events (void)
{
    struct wire *wire = wire_start ((struct http_server_options){0});
    int fd = wire_reach (wire);
    wire_say (fd, "GET /stream HTTP/1.0\r\n\r\n");
    wire_await (wire, 1);
    struct http_stream *stream = wire->kept->pdata[0];
    GString *expected = g_string_new (NULL);
    for (int i = 0; i < 40; i++) {
        g_autofree char *text = g_strnfill ((gsize) (1 + i * 701), (char) ('a' + i % 26));
        g_autoptr (GBytes) bytes = text_bytes (text);
        g_assert_true (http_stream_write (stream, bytes, 10000000));
        g_string_append (expected, text);
    }
    http_stream_close (stream);
    GString *answer = wire_hear_all (fd);
    g_assert_cmpstr (strstr (answer->str, "\r\n\r\n") + 4, ==, expected->str);
    g_string_free (answer, TRUE);
    g_string_free (expected, TRUE);
    wire_stop (wire);
}

static void test_head_of_stream (void)
{
    struct wire *wire = wire_start ((struct http_server_options){0});
    GString *answer = wire_tell (wire, "HEAD /stream HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    g_assert_cmpuint (wire_status (answer), ==, 200);
    g_assert_true (g_str_has_suffix (answer->str, "\r\n\r\n"));
    wire_await (wire, 1);
    g_autoptr (GBytes) bytes = text_bytes ("x");
    g_assert_true (http_stream_closed (wire->kept->pdata[0]));
    g_assert_false (http_stream_write (wire->kept->pdata[0], bytes, 1000));
    http_stream_close (wire->kept->pdata[0]);
    g_string_free (answer, TRUE);
    wire_stop (wire);
}

#define STREAMS 200
#define EVENTS 100

struct listener {
    int fd;
    char heard[16384];
};

static void *listen_to_end (void *data)
{
    struct listener *listener = data;
    size_t n = 0;
    ssize_t more;
    while ((more = recv (listener->fd, listener->heard + n, sizeof listener->heard - 1 - n, 0)) > 0) n += (size_t) more;
    return NULL;
}

/* The first never reads: it is told so by false, and nobody else waits for it. */
static void test_many_streams (void)
{
    struct wire *wire = wire_start ((struct http_server_options){.threads = 2});
    g_autofree struct listener *listeners = g_new0 (struct listener, STREAMS);
    GThread *threads[STREAMS];
    int small = 4096;
    for (guint i = 0; i < STREAMS; i++) {
        listeners[i].fd = wire_reach (wire);
        if (i == 0) setsockopt (listeners[i].fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
        wire_say (listeners[i].fd, "GET /stream HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
        wire_await (wire, i + 1);
        if (i > 0) threads[i] = g_thread_new ("listener", listen_to_end, &listeners[i]);
    }
    g_autofree char *large = g_strnfill (100000, 'x');
    g_autoptr (GBytes) flood = text_bytes (large);
    int taken = 0;
    while (http_stream_write (wire->kept->pdata[0], flood, 1000000)) g_assert_cmpint (++taken, <, 10000);
    g_assert_cmpuint (http_stream_pending (wire->kept->pdata[0]), >, 1000000);
    for (int event = 0; event < EVENTS; event++) {
        g_autofree char *text = g_strdup_printf ("id: %d\n\n", event);
        g_autoptr (GBytes) bytes = text_bytes (text);
        for (guint i = 1; i < STREAMS; i++) g_assert_true (http_stream_write (wire->kept->pdata[i], bytes, 1000000));
    }
    for (guint i = 0; i < STREAMS; i++) http_stream_close (wire->kept->pdata[i]);
    for (guint i = 1; i < STREAMS; i++) {
        g_thread_join (threads[i]);
        const char *at = listeners[i].heard;
        for (int event = 0; event < EVENTS; event++) {
            g_autofree char *text = g_strdup_printf ("id: %d\n\n", event);
            at = strstr (at, text);
            g_assert_nonnull (at);
        }
    }
    for (guint i = 0; i < STREAMS; i++) close (listeners[i].fd);
    wire_stop (wire);
}

/* A stream that was closed ends, also where its reader does not take what is left. */
static void test_stuck_reader (void)
{
    int64_t time = 100 * G_TIME_SPAN_MILLISECOND;
    struct wire *wire = wire_start ((struct http_server_options){.request_time = time, .idle_time = time});
    int fd = wire_reach (wire);
    wire_say (fd, "GET /stream HTTP/1.1\r\n" HOST "\r\n");
    wire_await (wire, 1);
    g_autofree char *large = g_strnfill (1000000, 'x');
    g_autoptr (GBytes) flood = text_bytes (large);
    while (http_stream_write (wire->kept->pdata[0], flood, 20000000))
        ;
    http_stream_close (wire->kept->pdata[0]);
    wire_await_no_connections (wire);
    g_assert_cmpuint (wire_counts (wire).timed_out, ==, 1);
    close (fd);
    wire_stop (wire);
}

/* Peers go away while another thread writes to them: writing finds out, and nothing is touched that is gone. */
static void test_leaving_readers (void)
{
    struct wire *wire = wire_start ((struct http_server_options){.threads = 2});
    g_autoptr (GBytes) beat = text_bytes (": hb\n\n");
    for (int round = 0; round < 10; round++) {
        int fds[20];
        for (guint i = 0; i < G_N_ELEMENTS (fds); i++) {
            fds[i] = wire_reach (wire);
            wire_say (fds[i], "GET /stream HTTP/1.1\r\n" HOST "\r\n");
        }
        wire_await (wire, G_N_ELEMENTS (fds));
        struct linger reset = {.l_onoff = 1};
        for (guint i = 0; i < G_N_ELEMENTS (fds); i++) {
            if (i % 2 == 0) setsockopt (fds[i], SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
            close (fds[i]);
            http_stream_write (wire->kept->pdata[i], beat, 100000);
        }
        int64_t until = g_get_monotonic_time () + 10 * G_TIME_SPAN_SECOND;
        for (guint i = 0; i < G_N_ELEMENTS (fds); i++) {
            while (http_stream_write (wire->kept->pdata[i], beat, G_MAXSIZE / 2)) {
                g_assert_cmpint (g_get_monotonic_time (), <, until);
                g_thread_yield ();
            }
            g_assert_true (http_stream_closed (wire->kept->pdata[i]));
            http_stream_close (wire->kept->pdata[i]);
        }
        g_ptr_array_set_size (wire->kept, 0);
    }
    g_assert_cmpuint (wire_counts (wire).streams, ==, 0);
    wire_stop (wire);
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/http_stream/stream", test_stream);
    g_test_add_func ("/http_stream/large-events", test_large_events);
    g_test_add_func ("/http_stream/head-of-stream", test_head_of_stream);
    g_test_add_func ("/http_stream/many-streams", test_many_streams);
    g_test_add_func ("/http_stream/stuck-reader", test_stuck_reader);
    g_test_add_func ("/http_stream/leaving-readers", test_leaving_readers);
    return g_test_run ();
}
