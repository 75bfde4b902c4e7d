/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE (20 * G_TIME_SPAN_SECOND)

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
    struct wire *wire = data;
    g_mutex_lock (&wire->lock);
    while (!wire->over) {
        gsize n;
        g_autofree gpointer *batch = g_ptr_array_steal (wire->later, &n);
        g_mutex_unlock (&wire->lock);
        for (gsize i = 0; i < n; i++) echo (batch[i]);
        g_mutex_lock (&wire->lock);
        if (wire->later->len == 0 && !wire->over) g_cond_wait (&wire->changed, &wire->lock);
    }
    g_mutex_unlock (&wire->lock);
    return NULL;
}

static void handle (struct http_exchange *exchange, void *data)
{
    struct wire *wire = data;
    const char *path = http_exchange_request (exchange)->path;
    bool later = g_str_has_prefix (path, "/later"), streams = g_str_has_prefix (path, "/stream"), kept = g_str_has_prefix (path, "/kept");
    g_mutex_lock (&wire->lock);
    wire->handled++;
    if (streams) g_ptr_array_add (wire->kept, http_exchange_stream (exchange, "text/event-stream"));
    if (kept) g_ptr_array_add (wire->kept, exchange);
    if (later) g_ptr_array_add (wire->later, exchange);
    g_cond_broadcast (&wire->changed);
    g_mutex_unlock (&wire->lock);
    if (!later && !streams && !kept) echo (exchange);
}

struct wire *wire_start (struct http_server_options options)
{
    struct wire *wire = g_new0 (struct wire, 1);
    wire->later = g_ptr_array_new ();
    wire->kept = g_ptr_array_new ();
    wire->replier = g_thread_new ("replier", reply_later, wire);
    options.listen = "127.0.0.1:0";
    options.body_max = body_max;
    options.handler = handle;
    options.data = wire;
    if (options.threads == 0) options.threads = 1;
    if (options.connections == 0) options.connections = 1000;
    if (options.request_time == 0) options.request_time = PATIENCE;
    if (options.idle_time == 0) options.idle_time = PATIENCE;
    GError *error = NULL;
    wire->server = http_server_start (&options, &error);
    g_assert_no_error (error);
    return wire;
}

void wire_stop (struct wire *wire)
{
    http_server_stop (wire->server);
    g_mutex_lock (&wire->lock);
    wire->over = true;
    g_cond_broadcast (&wire->changed);
    g_mutex_unlock (&wire->lock);
    g_thread_join (wire->replier);
    g_ptr_array_unref (wire->later);
    g_ptr_array_unref (wire->kept);
    g_mutex_clear (&wire->lock);
    g_cond_clear (&wire->changed);
    g_free (wire);
}

void wire_await (struct wire *wire, guint n)
{
    int64_t until = g_get_monotonic_time () + PATIENCE;
    g_mutex_lock (&wire->lock);
    while (wire->kept->len < n) g_assert_true (g_cond_wait_until (&wire->changed, &wire->lock, until));
    g_mutex_unlock (&wire->lock);
}

struct http_server_counts wire_counts (const struct wire *wire)
{
    struct http_server_counts counts;
    http_server_count (wire->server, &counts);
    return counts;
}

void wire_await_no_connections (const struct wire *wire)
{
    int64_t until = g_get_monotonic_time () + PATIENCE;
    while (wire_counts (wire).connections > 0) {
        g_assert_cmpint (g_get_monotonic_time (), <, until);
        g_thread_yield ();
    }
}

int wire_reach (const struct wire *wire)
{
    int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons ((uint16_t) http_server_port (wire->server))};
    to.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
    if (connect (fd, (struct sockaddr *) &to, sizeof to) != 0) {
        close (fd);
        return -1;
    }
    struct timeval patience = {.tv_sec = 20};
    setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return fd;
}

void wire_say_bytes (int fd, const void *bytes, size_t n)
{
    while (n > 0) {
        ssize_t sent = send (fd, bytes, n, MSG_NOSIGNAL);
        if (sent < 0) return; /* the other side has closed: what it answered is what counts */
        bytes = (const char *) bytes + sent;
        n -= (size_t) sent;
    }
}

void wire_say (int fd, const char *text)
{
    wire_say_bytes (fd, text, strlen (text));
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

GString *wire_hear_all (int fd)
{
    GString *all = g_string_new (NULL);
    while (hear (fd, all))
        ;
    close (fd);
    return all;
}

void wire_hear_until (int fd, GString *into, const char *text)
{
    while (!strstr (into->str, text))
        if (!hear (fd, into)) g_error ("closed before \"%s\": %s", text, into->str);
}

/* Sends it on a connection of its own and returns all until the server closes. */
GString *wire_tell_bytes (const struct wire *wire, const void *bytes, size_t n)
{
    int fd = wire_reach (wire);
    wire_say_bytes (fd, bytes, n);
    return wire_hear_all (fd);
}

GString *wire_tell (const struct wire *wire, const char *text)
{
    return wire_tell_bytes (wire, text, strlen (text));
}

unsigned wire_status (const GString *answer)
{
    return g_str_has_prefix (answer->str, "HTTP/1.") && answer->len > 12 ? (unsigned) atoi (answer->str + 9) : 0;
}

int wire_answers (const GString *text)
{
    int n = 0;
    for (const char *at = text->str; (at = strstr (at, "HTTP/1.1 ")); at++) n++;
    return n;
}

void wire_expect_problem (GString *answer, unsigned status, const char *asked)
{
    g_autofree char *member = g_strdup_printf ("\"status\":%u}", status);
    bool good = wire_status (answer) == status && wire_answers (answer) == 1 && g_str_has_suffix (answer->str, member) &&
                strstr (answer->str, "\r\n\r\n{\"type\":\"about:blank\",\"title\":\"") &&
                strstr (answer->str, "\r\nContent-Type: application/problem+json\r\n") &&
                strstr (answer->str, "\r\nConnection: close\r\n") && strstr (answer->str, "\r\nX-Content-Type-Options: nosniff\r\n");
    if (!good) g_error ("not refused by %u: %s\n-> %s", status, asked, answer->str);
    g_string_free (answer, TRUE);
}

void wire_expect_refused (const struct wire *wire, const char *text, unsigned status)
{
    wire_expect_problem (wire_tell (wire, text), status, text);
}

void wire_expect_refusal (const struct wire *wire, const void *bytes, size_t n, unsigned status)
{
    g_autoptr (GString) said = g_string_new_len (bytes, (gssize) n);
    g_string_append (said, "GET /now HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    wire_expect_problem (wire_tell_bytes (wire, said->str, said->len), status, said->str);
}
