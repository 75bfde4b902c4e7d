/* SPDX-License-Identifier: Apache-2.0
 *
 * Twilio as a bench wants it: takes messages as fast as they come, and looks whether each pair's came in order. One thread, epoll. A body
 * begins with the message's number on its pair, 1, 2, 3 …; any other than the next is disorder, so one lost or sent twice is, too. Number 0 has no
 * order: of it a line is printed at once.
 *
 *     provider [--delay MS]        how long it thinks; below 0: for ever
 *
 * Prints {"port":P} and for each number 0 {"to":"+1555…","at":µs since 1970}. A line on standard input with a number asks for what came since
 * the last time, once there are so many: {"messages":N,"pairs":N,"disorder":N,"first":µs,"last":µs}. Ends with its standard input.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static int delay;
static const GOptionEntry entries[] = {
    {"delay", 0, 0, G_OPTION_ARG_INT, &delay, "", ""},
    G_OPTION_ENTRY_NULL,
};

/* One that closes while its answer waits is freed when that is due. */
struct connection {
    int fd;
    bool waits;
    char request[16384], to[32];
    size_t received;
    unsigned long number;
    int64_t due; /* monotonic */
};

static GHashTable *last_of; /* number → the last that came */
static GQueue thinking;     /* of struct connection; all think for as long, so the first is due first */
static int epoll;
static unsigned long n_messages, n_disorder, n_sids, wanted = ULONG_MAX;
static int64_t first_at, last_at;

/* What a field of the form begins with; percent codes are left as they are. */
static char *field (const char *body, const char *name, char *into, size_t size)
{
    const char *at = strstr (body, name);
    size_t length = at ? strcspn (at += strlen (name), "&") : 0;
    g_strlcpy (into, at ? at : "", MIN (size, length + 1));
    return into;
}

static void take (struct connection *c, const char *body)
{
    char to[32], text[16];
    field (body, "To=%2B", to, sizeof to);
    c->number = strtoul (field (body, "Body=", text, sizeof text), NULL, 10);
    g_snprintf (c->to, sizeof c->to, "+%s", to);
    last_at = g_get_real_time ();
    if (!c->number) {
        printf ("{\"to\":\"%s\",\"at\":%" G_GINT64_FORMAT "}\n", c->to, last_at);
        fflush (stdout);
        return;
    }
    if (!n_messages++) first_at = last_at;
    unsigned long last = GPOINTER_TO_SIZE (g_hash_table_lookup (last_of, c->to));
    if (c->number != last + 1) n_disorder++;
    g_hash_table_insert (last_of, g_strdup (c->to), GSIZE_TO_POINTER (c->number));
}

static void answer (struct connection *c)
{
    char body[768], whole[1024];
    int length = g_snprintf (
        body, sizeof body,
        "{\"account_sid\":\"AC00000000000000000000000000000001\",\"api_version\":\"2010-04-01\",\"body\":\"%lu\",\"date_created\":\"Thu, "
        "24 Aug "
        "2023 05:01:45 +0000\",\"date_sent\":null,\"date_updated\":\"Thu, 24 Aug 2023 05:01:45 +0000\",\"direction\":\"outbound-api\","
        "\"error_code\":null,\"error_message\":null,\"from\":\"+15550001111\",\"num_media\":\"0\",\"num_segments\":\"1\",\"price\":null,"
        "\"price_unit\":null,\"messaging_service_sid\":null,\"sid\":\"SM%08x%024lx\",\"status\":\"queued\",\"to\":\"%s\"}",
        c->number, (unsigned) getpid (), ++n_sids, c->to);
    int all = g_snprintf (whole, sizeof whole, "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
                          length, body);
    c->received = 0;
    if (write (c->fd, whole, (size_t) all) != all) perror ("write"); /* far smaller than a socket's buffer */
}

/* A probe asks for the account and for its numbers: all is well, and there are none. */
static void reassure (struct connection *c)
{
    static const char body[] = "{\"status\":\"active\",\"incoming_phone_numbers\":[]}";
    char whole[256];
    int all = g_snprintf (whole, sizeof whole, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                          sizeof body - 1, body);
    c->received = 0;
    if (write (c->fd, whole, (size_t) all) != all) perror ("write");
}

static void drop (struct connection *c)
{
    if (c->fd >= 0) close (c->fd);
    c->fd = -1;
    if (!c->waits) g_free (c);
}

/* A connection has one request at a time. */
static void pull (struct connection *c)
{
    ssize_t n = read (c->fd, c->request + c->received, sizeof c->request - 1 - c->received);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
        drop (c);
        return;
    }
    c->received += (size_t) n;
    c->request[c->received] = '\0';
    char *end = strstr (c->request, "\r\n\r\n"), *length = strcasestr (c->request, "content-length:");
    if (end && g_str_has_prefix (c->request, "GET ")) {
        if (delay >= 0) reassure (c);
        return;
    }
    if (!end || !length || c->received < (size_t) (end + 4 - c->request) + strtoul (length + 15, NULL, 10)) return;
    take (c, end + 4);
    if (!delay) {
        answer (c);
    } else if (delay > 0) {
        c->due = g_get_monotonic_time () + delay * G_TIME_SPAN_MILLISECOND;
        c->waits = true;
        g_queue_push_tail (&thinking, c);
    }
}

/* Answers what is due; milliseconds until the next is, below 0: there is none. */
static int answer_what_is_due (void)
{
    struct connection *c;
    while ((c = g_queue_peek_head (&thinking)) != NULL) {
        int64_t left = c->due - g_get_monotonic_time ();
        if (left > 0) return (int) (left / G_TIME_SPAN_MILLISECOND) + 1;
        g_queue_pop_head (&thinking);
        c->waits = false;
        if (c->fd >= 0)
            answer (c);
        else
            g_free (c);
    }
    return -1;
}

static void watch (int fd, void *data)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = data};
    epoll_ctl (epoll, EPOLL_CTL_ADD, fd, &event);
}

static void welcome (int listener)
{
    int one = 1, fd = accept4 (listener, NULL, NULL, SOCK_NONBLOCK);
    if (fd < 0) return;
    setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct connection *c = g_new0 (struct connection, 1);
    c->fd = fd;
    watch (fd, c);
}

static int listen_somewhere (void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind (fd, (struct sockaddr *) &address, size) < 0 || listen (fd, 1024) < 0) {
        perror ("listen");
        exit (1);
    }
    getsockname (fd, (struct sockaddr *) &address, &size);
    printf ("{\"port\":%d}\n", ntohs (address.sin_port));
    fflush (stdout);
    return fd;
}

/* False: standard input has ended. */
static bool ask (void)
{
    char line[64];
    ssize_t n = read (STDIN_FILENO, line, sizeof line - 1);
    if (n <= 0) return false;
    line[n] = '\0';
    wanted = strtoul (line, NULL, 10);
    return true;
}

static void report (void)
{
    printf ("{\"messages\":%lu,\"pairs\":%u,\"disorder\":%lu,\"first\":%" G_GINT64_FORMAT ",\"last\":%" G_GINT64_FORMAT "}\n", n_messages,
            g_hash_table_size (last_of), n_disorder, first_at, last_at);
    fflush (stdout);
    n_messages = n_disorder = 0;
    wanted = ULONG_MAX;
    g_hash_table_remove_all (last_of);
}

int main (int argc, char **argv)
{
    g_autoptr (GOptionContext) context = g_option_context_new (NULL);
    g_option_context_add_main_entries (context, entries, NULL);
    if (!g_option_context_parse (context, &argc, &argv, NULL)) return 2;
    last_of = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    epoll = epoll_create1 (0);
    int listener = listen_somewhere (), input = STDIN_FILENO;
    watch (listener, &listener);
    watch (input, &input);
    for (;;) {
        struct epoll_event events[256];
        int n = epoll_wait (epoll, events, G_N_ELEMENTS (events), answer_what_is_due ());
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == &listener)
                welcome (listener);
            else if (events[i].data.ptr != &input)
                pull (events[i].data.ptr);
            else if (!ask ())
                return 0;
        }
        if (n_messages >= wanted) report ();
    }
}
