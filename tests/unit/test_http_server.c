/* SPDX-License-Identifier: Apache-2.0
 *
 * The HTTP server over real sockets on loopback: what is said on the wire, byte for byte, and what comes back.
 */
#include "net/http_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BODY_MAX 50000
#define HOST "Host: a\r\n"
#define OK "HTTP/1.1 200 OK\r\n"

/* ---- a server, and a thread that answers for it ---- */

struct fixture {
    struct http_server *server;
    GThread *replier;
    GMutex lock;
    GCond changed;
    GPtrArray *later;   /* exchanges that the replier is to answer */
    GPtrArray *streams; /* or exchanges that a test answers itself */
    int handled;
    bool over;
};

static size_t body_max (const struct http_request *head, void *data)
{
    (void) data;
    g_assert_cmpuint (g_bytes_get_size (head->body), ==, 0);
    return g_str_has_prefix (head->path, "/none") ? 0 : BODY_MAX;
}

/* Says what has come: the body, or for /tell method, target, path, query and the header X. */
static void echo (struct http_exchange *exchange)
{
    const struct http_request *request = http_exchange_request (exchange);
    GBytes *body = g_bytes_ref (request->body);
    if (g_str_has_prefix (request->path, "/tell")) {
        const char *x = http_request_header (request, "x");
        char *text = g_strdup_printf ("%s %s %s [%s] %s", request->method, request->target, request->path, request->query, x ? x : "-");
        g_bytes_unref (body);
        body = g_bytes_new_take (text, strlen (text));
    }
    struct http_response *response = http_response_new (200, "text/plain", body);
    http_response_add (response, "X-Peer", http_exchange_peer (exchange));
    http_exchange_reply (exchange, response);
}

/* Answers in bursts: what has gathered while it was at work. */
static void *reply_later (void *data)
{
    struct fixture *fixture = data;
    g_mutex_lock (&fixture->lock);
    while (!fixture->over) {
        gsize n;
        g_autofree gpointer *batch = g_ptr_array_steal (fixture->later, &n);
        g_mutex_unlock (&fixture->lock);
        for (gsize i = 0; i < n; i++) echo (batch[i]);
        g_mutex_lock (&fixture->lock);
        if (fixture->later->len == 0 && !fixture->over) g_cond_wait (&fixture->changed, &fixture->lock);
    }
    g_mutex_unlock (&fixture->lock);
    return NULL;
}

static void handle (struct http_exchange *exchange, void *data)
{
    struct fixture *fixture = data;
    const char *path = http_exchange_request (exchange)->path;
    bool later = g_str_has_prefix (path, "/later"), streams = g_str_has_prefix (path, "/stream"), kept = g_str_has_prefix (path, "/kept");
    g_mutex_lock (&fixture->lock);
    fixture->handled++;
    if (streams) g_ptr_array_add (fixture->streams, http_exchange_stream (exchange, "text/event-stream"));
    if (kept) g_ptr_array_add (fixture->streams, exchange);
    if (later) g_ptr_array_add (fixture->later, exchange);
    g_cond_broadcast (&fixture->changed);
    g_mutex_unlock (&fixture->lock);
    if (!later && !streams && !kept) echo (exchange);
}

static struct fixture *start_with (unsigned threads, int64_t request_time, int64_t idle_time, unsigned per_address)
{
    struct fixture *fixture = g_new0 (struct fixture, 1);
    fixture->later = g_ptr_array_new ();
    fixture->streams = g_ptr_array_new ();
    fixture->replier = g_thread_new ("replier", reply_later, fixture);
    GError *error = NULL;
    fixture->server = http_server_start (
        &(struct http_server_options){
            .listen = "127.0.0.1:0",
            .threads = threads,
            .connections = 1000,
            .connections_per_address = per_address,
            .request_time = request_time,
            .idle_time = idle_time,
            .body_max = body_max,
            .handler = handle,
            .data = fixture,
        },
        &error);
    g_assert_no_error (error);
    return fixture;
}

static struct fixture *start (unsigned threads)
{
    return start_with (threads, 20 * G_TIME_SPAN_SECOND, 20 * G_TIME_SPAN_SECOND, 0);
}

static void stop (struct fixture *fixture)
{
    http_server_stop (fixture->server);
    g_mutex_lock (&fixture->lock);
    fixture->over = true;
    g_cond_broadcast (&fixture->changed);
    g_mutex_unlock (&fixture->lock);
    g_thread_join (fixture->replier);
    g_ptr_array_unref (fixture->later);
    g_ptr_array_unref (fixture->streams);
    g_mutex_clear (&fixture->lock);
    g_cond_clear (&fixture->changed);
    g_free (fixture);
}

static void await_streams (struct fixture *fixture, guint n)
{
    int64_t until = g_get_monotonic_time () + 20 * G_TIME_SPAN_SECOND;
    g_mutex_lock (&fixture->lock);
    while (fixture->streams->len < n) g_assert_true (g_cond_wait_until (&fixture->changed, &fixture->lock, until));
    g_mutex_unlock (&fixture->lock);
}

/* ---- a client ---- */

static int reach (const struct fixture *fixture)
{
    int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons ((uint16_t) http_server_port (fixture->server))};
    to.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
    if (connect (fd, (struct sockaddr *) &to, sizeof to) != 0) {
        close (fd);
        return -1;
    }
    struct timeval patience = {.tv_sec = 20};
    setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return fd;
}

static void say_bytes (int fd, const void *bytes, size_t n)
{
    while (n > 0) {
        ssize_t sent = send (fd, bytes, n, MSG_NOSIGNAL);
        if (sent < 0) return; /* the other side has closed: what it answered is what counts */
        bytes = (const char *) bytes + sent;
        n -= (size_t) sent;
    }
}

static void say (int fd, const char *text)
{
    say_bytes (fd, text, strlen (text));
}

/* Reads more. False at the end, and where the peer reset. */
static bool hear (int fd, GString *into)
{
    char bytes[8192];
    ssize_t n = recv (fd, bytes, sizeof bytes, 0);
    g_assert_false (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)); /* a hang */
    if (n <= 0) return false;
    g_string_append_len (into, bytes, n);
    return true;
}

static GString *hear_all (int fd)
{
    GString *all = g_string_new (NULL);
    while (hear (fd, all))
        ;
    close (fd);
    return all;
}

static void hear_until (int fd, GString *into, const char *text)
{
    while (!strstr (into->str, text))
        if (!hear (fd, into)) g_error ("closed before \"%s\": %s", text, into->str);
}

/* Sends it on a connection of its own and returns all until the server closes. */
static GString *tell_bytes (const struct fixture *fixture, const void *bytes, size_t n)
{
    int fd = reach (fixture);
    say_bytes (fd, bytes, n);
    return hear_all (fd);
}

static GString *tell (const struct fixture *fixture, const char *text)
{
    return tell_bytes (fixture, text, strlen (text));
}

static unsigned status_of (const GString *answer)
{
    return g_str_has_prefix (answer->str, "HTTP/1.") && answer->len > 12 ? (unsigned) atoi (answer->str + 9) : 0;
}

static int answers_in (const GString *text)
{
    int n = 0;
    for (const char *at = text->str; (at = strstr (at, "HTTP/1.1 ")); at++) n++;
    return n;
}

/* What libmicrohttpd itself finds after the head, it answers with a page of its own whose head it sends twice; then it closes. */
static bool is_library_page (const GString *answer)
{
    return strstr (answer->str, "<html>") != NULL && strstr (answer->str, OK) == NULL;
}

/* One answer only, so what came after the bad request was not taken for another; and the connection ended. */
static void expect_refusal (const struct fixture *fixture, const void *bytes, size_t n, unsigned status)
{
    g_autoptr (GString) said = g_string_new_len (bytes, (gssize) n);
    g_string_append (said, "GET /now HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    GString *answer = tell_bytes (fixture, said->str, said->len);
    if (status_of (answer) != status || (answers_in (answer) != 1 && !is_library_page (answer)))
        g_error ("not %u: %s\n-> %s", status, said->str, answer->str);
    g_assert_nonnull (strstr (answer->str, "\r\nConnection: close\r\n"));
    g_string_free (answer, TRUE);
}

static void expect_problem (const struct fixture *fixture, const char *text, unsigned status)
{
    GString *answer = tell (fixture, text);
    g_assert_cmpuint (status_of (answer), ==, status);
    g_assert_nonnull (strstr (answer->str, "\r\nContent-Type: application/problem+json\r\n"));
    g_assert_nonnull (strstr (answer->str, "\r\nX-Content-Type-Options: nosniff\r\n"));
    g_autofree char *member = g_strdup_printf ("\"status\":%u}", status);
    g_assert_nonnull (strstr (answer->str, "{\"type\":\"about:blank\",\"title\":\""));
    g_assert_true (g_str_has_suffix (answer->str, member));
    g_string_free (answer, TRUE);
}

/* ---- the wire ---- */

static void test_plain (void)
{
    struct fixture *fixture = start (1);
    GString *answer =
        tell (fixture, "GET /tell/%41b?x=1&y=%20 HTTP/1.1\r\n" HOST "X:  a b, \xc3\xa9\r\nEmpty:\r\nConnection: close\r\n\r\n");
    g_assert_true (g_str_has_prefix (answer->str, OK));
    g_assert_nonnull (strstr (answer->str, "\r\nX-Content-Type-Options: nosniff\r\n"));
    g_assert_nonnull (strstr (answer->str, "\r\nX-Peer: 127.0.0.1\r\n"));
    g_assert_true (g_str_has_suffix (answer->str, "\r\n\r\nGET /tell/%41b?x=1&y=%20 /tell/%41b [x=1&y=%20] a b, \xc3\xa9"));
    g_string_free (answer, TRUE);
    answer = tell (fixture, "GET http://a/tell?q HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    g_assert_true (g_str_has_suffix (answer->str, "GET http://a/tell?q /tell [q] -"));
    g_string_free (answer, TRUE);
    answer = tell (fixture, "GET http://a HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    g_assert_cmpuint (status_of (answer), ==, 200);
    g_string_free (answer, TRUE);
    answer = tell (fixture, "HEAD /tell HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    g_assert_cmpuint (status_of (answer), ==, 200);
    g_assert_nonnull (strstr (answer->str, "Content-Length: "));
    g_assert_true (g_str_has_suffix (answer->str, "\r\n\r\n"));
    g_string_free (answer, TRUE);
    struct http_server_counts counts;
    http_server_count (fixture->server, &counts);
    g_assert_cmpuint (counts.requests, ==, 4);
    g_assert_cmpuint (counts.refused, ==, 0);
    stop (fixture);
}

static void test_old_clients (void)
{
    struct fixture *fixture = start (1);
    expect_problem (fixture, "GET /tell HTTP/1.1\r\n\r\n", 400);
    GString *answer = tell (fixture, "GET /tell HTTP/1.0\r\n\r\n");
    g_assert_cmpuint (status_of (answer), ==, 200);
    g_assert_true (g_str_has_suffix (answer->str, "GET /tell /tell [] -"));
    g_string_free (answer, TRUE);
    expect_problem (fixture, "GET / HTTP/1.1\r\n" HOST HOST "\r\n", 400);
    expect_problem (fixture, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400);
    stop (fixture);
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
    REFUSED ("POST /now HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501),
    REFUSED ("POST /now HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", 501),
    REFUSED ("POST /now HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501),
    REFUSED ("POST /now HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked \r\n\r\n0\r\n\r\n", 501),
    REFUSED ("POST /now HTTP/1.1\r\n" HOST "Transfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n", 400),
    REFUSED ("POST /now HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n", 400),
    REFUSED ("BREW /now HTTP/1.1\r\n" HOST "\r\n", 405),
    REFUSED ("get /now HTTP/1.1\r\n" HOST "\r\n", 405),
    REFUSED ("TRACE /now HTTP/1.1\r\n" HOST "\r\n", 405),
    REFUSED ("CONNECT a:443 HTTP/1.1\r\n" HOST "\r\n", 400),
    REFUSED ("GET /now%00 HTTP/1.1\r\n" HOST "\r\n", 400),
    REFUSED ("GET /now?a=b%00c HTTP/1.1\r\n" HOST "\r\n", 400),
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
};

static void test_refusals (void)
{
    struct fixture *fixture = start (1);
    for (size_t i = 0; i < G_N_ELEMENTS (REFUSALS); i++) expect_refusal (fixture, REFUSALS[i].bytes, REFUSALS[i].n, REFUSALS[i].status);
    expect_problem (fixture, "POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400);
    expect_problem (fixture, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n", 501);
    expect_problem (fixture, "BREW / HTTP/1.1\r\n" HOST "\r\n", 405);
    g_assert_cmpint (fixture->handled, ==, 0);
    stop (fixture);
}

static GString *with_padding (size_t length)
{
    GString *text = g_string_new ("GET /now HTTP/1.1\r\n" HOST "Connection: close\r\nX: ");
    while (text->len + 4 < length) g_string_append_c (text, 'x');
    return g_string_append (text, "\r\n\r\n");
}

static void test_head_sizes (void)
{
    struct fixture *fixture = start (1);
    for (size_t length = 100; length <= 40000; length += 97) {
        g_autoptr (GString) text = with_padding (length);
        GString *answer = tell_bytes (fixture, text->str, text->len);
        unsigned status = status_of (answer);
        if (length <= 12000 ? status != 200 : status != 431 && (status != 200 || length > 12288))
            g_error ("%zu bytes: %s", length, answer->str);
        g_string_free (answer, TRUE);
    }
    g_autoptr (GString) many = g_string_new ("GET /now HTTP/1.1\r\n" HOST);
    for (int i = 0; i < 98; i++) g_string_append_printf (many, "X-%d: 1\r\n", i);
    g_autofree char *most = g_strconcat (many->str, "Connection: close\r\n\r\n", NULL);
    expect_problem (fixture, g_string_append (many, "Y: 1\r\nY: 2\r\n\r\n")->str, 431);
    GString *answer = tell (fixture, most);
    g_assert_cmpuint (status_of (answer), ==, 200);
    g_string_free (answer, TRUE);
    stop (fixture);
}

/* libmicrohttpd notes each argument in the connection's memory; there may be more than fit. */
static void test_many_arguments (void)
{
    struct fixture *fixture = start (1);
    for (int n = 50; n < 3000; n += 50) {
        g_autoptr (GString) text = g_string_new ("GET /tell?");
        for (int i = 0; i < n; i++) g_string_append (text, "a&");
        g_string_append (text, " HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
        GString *answer = tell_bytes (fixture, text->str, text->len);
        if (status_of (answer) != 200) g_error ("%d arguments: %s", n, answer->str);
        g_string_free (answer, TRUE);
    }
    stop (fixture);
}

/* It notes cookies likewise: they count as head. */
static void test_many_cookies (void)
{
    struct fixture *fixture = start (1);
    for (int n = 10; n < 3000; n += 10) {
        g_autoptr (GString) text = g_string_new ("GET /now HTTP/1.1\r\n" HOST "Connection: close\r\nCookie: a=b");
        for (int i = 0; i < n; i++) g_string_append (text, "; a=b");
        g_string_append (text, "\r\n\r\n");
        GString *answer = tell_bytes (fixture, text->str, text->len);
        if (status_of (answer) != (n <= 50 ? 200 : 431) && (n <= 50 || status_of (answer) != 200))
            g_error ("%d cookies: %s", n, answer->str);
        g_string_free (answer, TRUE);
    }
    stop (fixture);
}

/* ---- bodies ---- */

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

static void expect_echo (const struct fixture *fixture, GString *text, size_t length)
{
    GString *answer = tell_bytes (fixture, text->str, text->len);
    g_assert_cmpuint (status_of (answer), ==, 200);
    const char *body = strstr (answer->str, "\r\n\r\n") + 4;
    g_assert_cmpuint (strlen (body), ==, length);
    for (size_t i = 0; i < length; i++) g_assert_cmpint (body[i], ==, (char) ('a' + i % 26));
    g_string_free (answer, TRUE);
    g_string_free (text, TRUE);
}

static void test_body_sizes (void)
{
    struct fixture *fixture = start (1);
    static const size_t lengths[] = {0, 1, 4095, 4096, 4097, 8192, 20000, BODY_MAX};
    for (size_t i = 0; i < G_N_ELEMENTS (lengths); i++) {
        expect_echo (fixture, post (lengths[i], ""), lengths[i]);
        expect_echo (fixture, post_chunked (lengths[i], 1000), lengths[i]);
    }
    expect_echo (fixture, post_chunked (3000, 1), 3000);
    expect_echo (fixture, post_chunked (BODY_MAX, BODY_MAX), BODY_MAX);
    g_autoptr (GString) over = post (BODY_MAX + 1, ""), over_chunked = post_chunked (BODY_MAX + 1, 1000);
    expect_problem (fixture, over->str, 413);
    expect_problem (fixture, over_chunked->str, 413);
    /* at once, before any of the body */
    expect_problem (fixture, "POST /now HTTP/1.1\r\n" HOST "Content-Length: 50001\r\n\r\n", 413);
    expect_problem (fixture, "POST /none HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\n", 413);
    expect_problem (fixture, "POST /now HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551615\r\n\r\n", 413);
    stop (fixture);
}

/* However long it goes on, it is cut, not kept. */
static void test_endless_chunks (void)
{
    struct fixture *fixture = start (1);
    int fd = reach (fixture);
    say (fd, "POST /now HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
    g_autofree char *chunk = g_strnfill (65536 + 9, 'x');
    memcpy (chunk, "10000\r\n", 7);
    memcpy (chunk + 65536 + 7, "\r\n", 2);
    size_t sent = 0;
    while (send (fd, chunk, 65536 + 9, MSG_NOSIGNAL) == 65536 + 9 && sent < 1000) sent++;
    g_assert_cmpuint (sent, <, 1000);
    GString *answer = hear_all (fd);
    g_assert_true (answer->len == 0 || status_of (answer) == 413); /* whether it is still heard is TCP's affair */
    g_string_free (answer, TRUE);
    g_assert_cmpint (fixture->handled, ==, 0);
    stop (fixture);
}

static void test_expect_continue (void)
{
    struct fixture *fixture = start (1);
    int fd = reach (fixture);
    g_autoptr (GString) heard = g_string_new (NULL);
    say (fd, "POST /now HTTP/1.1\r\n" HOST "Content-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n");
    hear_until (fd, heard, "HTTP/1.1 100 Continue\r\n\r\n");
    say (fd, "abc");
    hear_until (fd, heard, "\r\n\r\nabc");
    close (fd);
    expect_problem (fixture, "POST / HTTP/1.1\r\n" HOST "Content-Length: 99999999\r\nExpect: 100-continue\r\n\r\n", 413);
    stop (fixture);
}

/* ---- answers from elsewhere ---- */

static void test_pipelined (void)
{
    struct fixture *fixture = start (1);
    static const char *const paths[] = {"now", "later"};
    for (size_t i = 0; i < 2; i++) {
        g_autofree char *text = g_strdup_printf ("POST /%s HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabcPOST /%s HTTP/1.1\r\n" HOST
                                                 "Content-Length: 3\r\nConnection: close\r\n\r\ndef",
                                                 paths[i], paths[i]);
        GString *answer = tell (fixture, text);
        g_assert_cmpint (answers_in (answer), ==, 2);
        char *first = strstr (answer->str, "\r\n\r\nabc" OK);
        g_assert_nonnull (first);
        g_assert_true (g_str_has_suffix (answer->str, "\r\n\r\ndef"));
        g_string_free (answer, TRUE);
    }
    stop (fixture);
}

#define RACERS 8
#define ROUNDS 1000

struct racer {
    const struct fixture *fixture;
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
    int fd = reach (racer->fixture);
    for (int i = 0; i < ROUNDS; i++) {
        char text[200], tail[64];
        g_snprintf (tail, sizeof tail, "\r\n\r\n%03d-%06d", racer->number, i);
        g_snprintf (text, sizeof text, "POST /later HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\n%s", tail + 4);
        say (fd, text);
        hear_body (fd, tail);
    }
    close (fd);
    return NULL;
}

/* A reply may come before the handler has returned, before the connection sleeps, or after: none is lost. */
static void test_races (void)
{
    for (unsigned threads = 1; threads <= 3; threads += 2) {
        struct fixture *fixture = start (threads);
        struct racer racers[RACERS];
        GThread *running[RACERS];
        for (int i = 0; i < RACERS; i++) {
            racers[i] = (struct racer){fixture, i};
            running[i] = g_thread_new ("racer", race, &racers[i]);
        }
        for (int i = 0; i < RACERS; i++) g_thread_join (running[i]);
        struct http_server_counts counts;
        http_server_count (fixture->server, &counts);
        g_assert_cmpuint (counts.requests, ==, RACERS * ROUNDS);
        stop (fixture);
    }
}

/* 128 sleep; one thread answers all of them in a row; and the client that left meanwhile hurts nobody. */
static void test_burst (void)
{
    struct fixture *fixture = start (2);
    int fds[128];
    for (int round = 0; round < 20; round++) {
        for (guint i = 0; i < G_N_ELEMENTS (fds); i++) {
            fds[i] = reach (fixture);
            say (fds[i], "GET /kept HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
        }
        await_streams (fixture, G_N_ELEMENTS (fds));
        close (fds[round]);
        for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
            http_exchange_reply (fixture->streams->pdata[i], http_response_new (204, NULL, NULL));
        g_ptr_array_set_size (fixture->streams, 0);
        for (int i = 0; i < (int) G_N_ELEMENTS (fds); i++) {
            if (i == round) continue;
            GString *answer = hear_all (fds[i]);
            g_assert_cmpuint (status_of (answer), ==, 204);
            g_string_free (answer, TRUE);
        }
    }
    stop (fixture);
}

/* ---- slow senders and limits ---- */

static void expect_cut (struct fixture *fixture, const char *text, char drip)
{
    int fd = reach (fixture);
    say (fd, text);
    int64_t began = g_get_monotonic_time ();
    struct timeval tick = {.tv_usec = 20000};
    setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof tick);
    for (;;) { /* one byte at each tick, until the close is seen */
        char byte;
        ssize_t n = recv (fd, &byte, 1, 0);
        if (n == 0 || (n < 0 && errno != EAGAIN)) break;
        g_assert_cmpint (n, <, 0);
        if (drip) say_bytes (fd, &drip, 1);
        g_assert_cmpint (g_get_monotonic_time () - began, <, 10 * G_TIME_SPAN_SECOND);
    }
    g_assert_cmpint (g_get_monotonic_time () - began, >=, 250 * G_TIME_SPAN_MILLISECOND);
    close (fd);
}

static void test_slow_senders (void)
{
    struct fixture *fixture = start_with (1, 300 * G_TIME_SPAN_MILLISECOND, 5 * G_TIME_SPAN_SECOND, 0);
    expect_cut (fixture, "GET /now HTTP/1.1\r\n" HOST "X: ", 'x');
    expect_cut (fixture, "GET /", 'x');
    expect_cut (fixture, "POST /now HTTP/1.1\r\n" HOST "Content-Length: 1000\r\n\r\n", 'x');
    expect_cut (fixture, "", 0);
    g_assert_cmpint (fixture->handled, ==, 0);
    struct http_server_counts counts;
    http_server_count (fixture->server, &counts);
    g_assert_cmpuint (counts.timed_out, ==, 4);
    /* who waits for an answer is not slow */
    int fd = reach (fixture);
    say (fd, "GET /kept HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    await_streams (fixture, 1);
    expect_cut (fixture, "GET /now HTTP/1.1\r\n", 0);
    expect_cut (fixture, "GET /now HTTP/1.1\r\n", 0);
    http_exchange_reply (fixture->streams->pdata[0], http_response_new (204, NULL, NULL));
    GString *answer = hear_all (fd);
    g_assert_cmpuint (status_of (answer), ==, 204);
    g_string_free (answer, TRUE);
    stop (fixture);
}

static void test_idle_is_closed (void)
{
    struct fixture *fixture = start_with (1, 20 * G_TIME_SPAN_SECOND, G_TIME_SPAN_SECOND, 0);
    GString *answer = tell (fixture, "GET /now HTTP/1.1\r\n" HOST "\r\n");
    g_assert_cmpuint (status_of (answer), ==, 200);
    g_string_free (answer, TRUE);
    stop (fixture);
}

/* After its first request a connection may not drip the next for ever either. */
static void test_slow_second_request (void)
{
    struct fixture *fixture = start_with (1, 300 * G_TIME_SPAN_MILLISECOND, G_TIME_SPAN_SECOND, 0);
    int fd = reach (fixture);
    g_autoptr (GString) heard = g_string_new (NULL);
    say (fd, "GET /now HTTP/1.1\r\n" HOST "\r\n");
    hear_until (fd, heard, "\r\n\r\n");
    struct timeval tick = {.tv_usec = 20000};
    setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof tick);
    int64_t began = g_get_monotonic_time ();
    char byte;
    ssize_t n;
    while ((n = recv (fd, &byte, 1, 0)) < 0 && errno == EAGAIN) {
        say (fd, "G");
        g_assert_cmpint (g_get_monotonic_time () - began, <, 10 * G_TIME_SPAN_SECOND);
    }
    close (fd);
    struct http_server_counts counts;
    http_server_count (fixture->server, &counts);
    g_assert_cmpuint (counts.timed_out, ==, 1);
    stop (fixture);
}

static void test_per_address (void)
{
    struct fixture *fixture = start_with (1, 20 * G_TIME_SPAN_SECOND, 20 * G_TIME_SPAN_SECOND, 2);
    g_autoptr (GString) heard = g_string_new (NULL);
    int first = reach (fixture), second = reach (fixture);
    say (first, "GET /tell/1 HTTP/1.1\r\n" HOST "\r\n");
    hear_until (first, heard, "/tell/1 []");
    say (second, "GET /tell/2 HTTP/1.1\r\n" HOST "\r\n");
    hear_until (second, heard, "/tell/2 []");
    GString *third = tell (fixture, "GET /now HTTP/1.1\r\n" HOST "\r\n");
    g_assert_cmpuint (third->len, ==, 0);
    g_string_free (third, TRUE);
    close (first);
    close (second);
    stop (fixture);
}

/* ---- streams ---- */

static GBytes *text_bytes (const char *text)
{
    return g_bytes_new (text, strlen (text));
}

static void test_stream (void)
{
    struct fixture *fixture = start (1);
    int fd = reach (fixture);
    g_autoptr (GString) heard = g_string_new (NULL);
    say (fd, "GET /stream HTTP/1.1\r\n" HOST "\r\n");
    hear_until (fd, heard, "\r\n\r\n"); /* at once, with nothing written yet */
    g_assert_true (g_str_has_prefix (heard->str, OK));
    g_assert_nonnull (strstr (heard->str, "\r\nContent-Type: text/event-stream\r\n"));
    g_assert_nonnull (strstr (heard->str, "\r\nCache-Control: no-cache, no-transform\r\n"));
    g_assert_nonnull (strstr (heard->str, "\r\nX-Accel-Buffering: no\r\n"));
    g_assert_nonnull (strstr (heard->str, "\r\nX-Content-Type-Options: nosniff\r\n"));
    await_streams (fixture, 1);
    struct http_stream *stream = fixture->streams->pdata[0];
    g_autoptr (GBytes) first = text_bytes (": one\n\n"), second = text_bytes (": two\n\n"), none = text_bytes ("");
    g_assert_true (http_stream_write (stream, first, 1000));
    hear_until (fd, heard, ": one\n\n");
    g_assert_true (http_stream_write (stream, none, 1000));
    g_assert_true (http_stream_write (stream, second, 1000));
    hear_until (fd, heard, ": two\n\n");
    struct http_server_counts counts;
    http_server_count (fixture->server, &counts);
    g_assert_cmpuint (counts.streams, ==, 1);
    g_assert_false (http_stream_closed (stream));
    http_stream_close (stream);
    hear_until (fd, heard, "\r\n0\r\n\r\n");
    /* it was an answer as any other: the connection goes on */
    say (fd, "GET /tell/on HTTP/1.1\r\n" HOST "\r\n");
    hear_until (fd, heard, "/tell/on []");
    close (fd);
    stop (fixture);
}

/* An event larger than any buffer comes whole, and in order. */
static void test_large_events (void)
{
    struct fixture *fixture = start (1);
    int fd = reach (fixture);
    say (fd, "GET /stream HTTP/1.0\r\n\r\n");
    await_streams (fixture, 1);
    struct http_stream *stream = fixture->streams->pdata[0];
    GString *expected = g_string_new (NULL);
    for (int i = 0; i < 40; i++) {
        g_autofree char *text = g_strnfill ((gsize) (1 + i * 701), (char) ('a' + i % 26));
        g_autoptr (GBytes) bytes = text_bytes (text);
        g_assert_true (http_stream_write (stream, bytes, 10000000));
        g_string_append (expected, text);
    }
    http_stream_close (stream);
    GString *answer = hear_all (fd);
    g_assert_cmpstr (strstr (answer->str, "\r\n\r\n") + 4, ==, expected->str);
    g_string_free (answer, TRUE);
    g_string_free (expected, TRUE);
    stop (fixture);
}

static void test_head_of_stream (void)
{
    struct fixture *fixture = start (1);
    GString *answer = tell (fixture, "HEAD /stream HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    g_assert_cmpuint (status_of (answer), ==, 200);
    g_assert_true (g_str_has_suffix (answer->str, "\r\n\r\n"));
    await_streams (fixture, 1);
    g_autoptr (GBytes) bytes = text_bytes ("x");
    g_assert_true (http_stream_closed (fixture->streams->pdata[0]));
    g_assert_false (http_stream_write (fixture->streams->pdata[0], bytes, 1000));
    http_stream_close (fixture->streams->pdata[0]);
    g_string_free (answer, TRUE);
    stop (fixture);
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
    struct fixture *fixture = start (2);
    g_autofree struct listener *listeners = g_new0 (struct listener, STREAMS);
    GThread *threads[STREAMS];
    int small = 4096;
    for (guint i = 0; i < STREAMS; i++) {
        listeners[i].fd = reach (fixture);
        if (i == 0) setsockopt (listeners[i].fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
        say (listeners[i].fd, "GET /stream HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
        await_streams (fixture, i + 1);
        if (i > 0) threads[i] = g_thread_new ("listener", listen_to_end, &listeners[i]);
    }
    g_autofree char *large = g_strnfill (100000, 'x');
    g_autoptr (GBytes) flood = text_bytes (large);
    int taken = 0;
    while (http_stream_write (fixture->streams->pdata[0], flood, 1000000)) g_assert_cmpint (++taken, <, 10000);
    g_assert_cmpuint (http_stream_pending (fixture->streams->pdata[0]), >, 1000000);
    for (int event = 0; event < EVENTS; event++) {
        g_autofree char *text = g_strdup_printf ("id: %d\n\n", event);
        g_autoptr (GBytes) bytes = text_bytes (text);
        for (guint i = 1; i < STREAMS; i++) g_assert_true (http_stream_write (fixture->streams->pdata[i], bytes, 1000000));
    }
    for (guint i = 0; i < STREAMS; i++) http_stream_close (fixture->streams->pdata[i]);
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
    stop (fixture);
}

/* Peers go away while another thread writes to them: writing finds out, and nothing is touched that is gone. */
static void test_leaving_readers (void)
{
    struct fixture *fixture = start (2);
    g_autoptr (GBytes) beat = text_bytes (": hb\n\n");
    for (int round = 0; round < 10; round++) {
        int fds[20];
        for (guint i = 0; i < G_N_ELEMENTS (fds); i++) {
            fds[i] = reach (fixture);
            say (fds[i], "GET /stream HTTP/1.1\r\n" HOST "\r\n");
        }
        await_streams (fixture, G_N_ELEMENTS (fds));
        struct linger reset = {.l_onoff = 1};
        for (guint i = 0; i < G_N_ELEMENTS (fds); i++) {
            if (i % 2 == 0) setsockopt (fds[i], SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
            close (fds[i]);
            http_stream_write (fixture->streams->pdata[i], beat, 100000);
        }
        int64_t until = g_get_monotonic_time () + 10 * G_TIME_SPAN_SECOND;
        for (guint i = 0; i < G_N_ELEMENTS (fds); i++) {
            while (http_stream_write (fixture->streams->pdata[i], beat, G_MAXSIZE / 2)) {
                g_assert_cmpint (g_get_monotonic_time (), <, until);
                g_thread_yield ();
            }
            g_assert_true (http_stream_closed (fixture->streams->pdata[i]));
            http_stream_close (fixture->streams->pdata[i]);
        }
        g_ptr_array_set_size (fixture->streams, 0);
    }
    struct http_server_counts counts;
    http_server_count (fixture->server, &counts);
    g_assert_cmpuint (counts.streams, ==, 0);
    stop (fixture);
}

/* ---- the end ---- */

static void test_quiesce (void)
{
    struct fixture *fixture = start (2);
    int fd = reach (fixture);
    g_autoptr (GString) heard = g_string_new (NULL);
    say (fd, "GET /tell/1 HTTP/1.1\r\n" HOST "\r\n");
    hear_until (fd, heard, "/tell/1 []");
    g_assert_null (strstr (heard->str, "Connection: close"));
    http_server_quiesce (fixture->server);
    http_server_quiesce (fixture->server);
    g_assert_cmpint (reach (fixture), ==, -1);
    say (fd, "GET /tell/2 HTTP/1.1\r\n" HOST "\r\n");
    GString *last = hear_all (fd);
    g_assert_cmpuint (status_of (last), ==, 200);
    g_assert_nonnull (strstr (last->str, "\r\nConnection: close\r\n"));
    g_string_free (last, TRUE);
    stop (fixture);
}

/* The last answers go out; streams are ended; who is in the middle of a request is not waited for. */
static void test_stop (void)
{
    struct fixture *fixture = start (2);
    int asked = reach (fixture), streaming = reach (fixture), half = reach (fixture);
    say (half, "GET /no");
    say (asked, "GET /kept HTTP/1.1\r\n" HOST "\r\n");
    await_streams (fixture, 1);
    say (streaming, "GET /stream HTTP/1.1\r\n" HOST "\r\n");
    await_streams (fixture, 2);
    struct http_stream *stream = fixture->streams->pdata[1];
    g_autoptr (GBytes) bytes = text_bytes (": bye\n\n");
    g_assert_true (http_stream_write (stream, bytes, 1000));
    http_exchange_reply (fixture->streams->pdata[0], http_response_new (204, NULL, NULL));
    int64_t began = g_get_monotonic_time ();
    stop (fixture);
    g_assert_cmpint (g_get_monotonic_time () - began, <, 10 * G_TIME_SPAN_SECOND);
    g_assert_true (http_stream_closed (stream));
    http_stream_close (stream);
    GString *answer = hear_all (asked), *events = hear_all (streaming), *nothing = hear_all (half);
    g_assert_cmpuint (status_of (answer), ==, 204);
    g_assert_nonnull (strstr (events->str, ": bye\n\n\r\n0\r\n\r\n"));
    g_assert_cmpuint (nothing->len, ==, 0);
    g_string_free (answer, TRUE);
    g_string_free (events, TRUE);
    g_string_free (nothing, TRUE);
}

static void expect_no_start (const char *listen_text, const char *words)
{
    GError *error = NULL;
    struct http_server_options options = {
        .listen = listen_text, .threads = 1, .connections = 10, .request_time = 1, .idle_time = 1, .body_max = body_max, .handler = handle};
    g_assert_null (http_server_start (&options, &error));
    g_assert_nonnull (error);
    g_assert_nonnull (strstr (error->message, words));
    g_error_free (error);
}

static void test_listen (void)
{
    struct fixture *fixture = start (1);
    g_autofree char *taken = g_strdup_printf ("127.0.0.1:%u", http_server_port (fixture->server));
    expect_no_start (taken, "could not listen on 127.0.0.1:");
    expect_no_start ("127.0.0.1", "is not HOST:PORT");
    expect_no_start (":80", "is not HOST:PORT");
    expect_no_start ("::1:80", "is not HOST:PORT");
    expect_no_start ("127.0.0.1:port", "could not resolve");
    stop (fixture);
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/http_server/plain", test_plain);
    g_test_add_func ("/http_server/old-clients", test_old_clients);
    g_test_add_func ("/http_server/refusals", test_refusals);
    g_test_add_func ("/http_server/head-sizes", test_head_sizes);
    g_test_add_func ("/http_server/many-arguments", test_many_arguments);
    g_test_add_func ("/http_server/many-cookies", test_many_cookies);
    g_test_add_func ("/http_server/body-sizes", test_body_sizes);
    g_test_add_func ("/http_server/endless-chunks", test_endless_chunks);
    g_test_add_func ("/http_server/expect-continue", test_expect_continue);
    g_test_add_func ("/http_server/pipelined", test_pipelined);
    g_test_add_func ("/http_server/races", test_races);
    g_test_add_func ("/http_server/burst", test_burst);
    g_test_add_func ("/http_server/slow-senders", test_slow_senders);
    g_test_add_func ("/http_server/slow-second-request", test_slow_second_request);
    g_test_add_func ("/http_server/idle-is-closed", test_idle_is_closed);
    g_test_add_func ("/http_server/per-address", test_per_address);
    g_test_add_func ("/http_server/stream", test_stream);
    g_test_add_func ("/http_server/large-events", test_large_events);
    g_test_add_func ("/http_server/head-of-stream", test_head_of_stream);
    g_test_add_func ("/http_server/many-streams", test_many_streams);
    g_test_add_func ("/http_server/leaving-readers", test_leaving_readers);
    g_test_add_func ("/http_server/quiesce", test_quiesce);
    g_test_add_func ("/http_server/stop", test_stop);
    g_test_add_func ("/http_server/listen", test_listen);
    return g_test_run ();
}
