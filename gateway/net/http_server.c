/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gio/gio.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* How long a stop waits for answers that are on their way out. */
#define SETTLE_TIME (2 * G_TIME_SPAN_SECOND)

static void *begin (void *data, const char *target, struct MHD_Connection *connection)
{
    return http_exchange_begin (data, target, connection);
}

static enum MHD_Result go_on (void *data, struct MHD_Connection *connection, const char *path, const char *method, const char *version,
                              const char *bytes, size_t *n_bytes, void **context)
{
    (void) connection, (void) path;
    struct http_server *server = data;
    struct http_exchange *exchange = *context;
    http_wake_carry_out (server);
    bool good = true;
    if (!http_exchange_has_head (exchange))
        good = http_exchange_take_head (exchange, method, version);
    else if (*n_bytes > 0)
        good = http_exchange_take_body (exchange, bytes, *n_bytes);
    else
        good = http_exchange_go_on (exchange);
    *n_bytes = 0;
    return good ? MHD_YES : MHD_NO;
}

static void finish (void *data, struct MHD_Connection *connection, void **context, enum MHD_RequestTerminationCode why)
{
    (void) connection, (void) why;
    http_exchange_finish (*context);
    *context = NULL;
    http_wake_carry_out (data);
}

static void format_address (const struct sockaddr *address, char *text, socklen_t size)
{
    const void *bytes = NULL;
    int family = address->sa_family;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    if (family == AF_INET) {
        memcpy (&in, address, sizeof in);
        bytes = &in.sin_addr;
    } else if (family == AF_INET6) {
        memcpy (&in6, address, sizeof in6);
        bytes = &in6.sin6_addr;
        if (IN6_IS_ADDR_V4MAPPED (&in6.sin6_addr)) {
            bytes = in6.sin6_addr.s6_addr + 12;
            family = AF_INET;
        }
    }
    if (!bytes || !inet_ntop (family, bytes, text, size)) *text = '\0';
}

static void connect_or_close (void *data, struct MHD_Connection *connection, void **context, enum MHD_ConnectionNotificationCode what)
{
    struct http_server *server = data;
    struct http_peer *peer = *context;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        *context = peer = g_new0 (struct http_peer, 1);
        peer->link.data = peer;
        peer->server = server;
        peer->accepted = g_get_monotonic_time ();
        peer->fd = MHD_get_connection_info (connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        http_peer_enter (peer, HTTP_IDLE, server->options.request_time);
        const struct sockaddr *address = MHD_get_connection_info (connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
        format_address (address, peer->address, sizeof peer->address);
    }
    g_mutex_lock (&server->lock);
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        g_queue_push_tail_link (&server->peers, &peer->link);
    else /* the descriptor is still open */
        g_queue_unlink (&server->peers, &peer->link);
    atomic_store (&server->n_peers, server->peers.length);
    g_mutex_unlock (&server->lock);
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) g_free (peer);
}

static struct addrinfo *resolve (const char *listen_text, GError **error)
{
    const char *colon = strrchr (listen_text, ':');
    bool bracketed = colon && colon > listen_text + 2 && listen_text[0] == '[' && colon[-1] == ']';
    if (!colon || colon == listen_text || !colon[1] || (!bracketed && memchr (listen_text, ':', (size_t) (colon - listen_text)))) {
        g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "\"%s\" is not HOST:PORT", listen_text);
        return NULL;
    }
    g_autofree char *host = bracketed ? g_strndup (listen_text + 1, (size_t) (colon - listen_text - 2))
                                      : g_strndup (listen_text, (size_t) (colon - listen_text));
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM}, *found = NULL;
    int fault = getaddrinfo (host, colon + 1, &hints, &found);
    if (fault != 0)
        g_set_error (error, G_IO_ERROR, G_IO_ERROR_HOST_NOT_FOUND, "could not resolve \"%s\": %s", listen_text, gai_strerror (fault));
    return found;
}

/* A socket of our own, for libmicrohttpd does not tell why it could not listen. */
static int listen_at (const char *text, unsigned *port, GError **error)
{
    struct addrinfo *at = resolve (text, error);
    if (!at) return -1;
    int fd = socket (at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_storage bound;
    socklen_t size = sizeof bound;
    bool good = fd >= 0 && setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 && bind (fd, at->ai_addr, at->ai_addrlen) == 0 &&
                listen (fd, SOMAXCONN) == 0 && getsockname (fd, (struct sockaddr *) &bound, &size) == 0;
    int fault = errno;
    freeaddrinfo (at);
    if (!good) {
        g_set_error (error, G_IO_ERROR, (gint) g_io_error_from_errno (fault), "could not listen on %s: %s", text, g_strerror (fault));
        if (fd >= 0) close (fd);
        return -1;
    }
    char number[NI_MAXSERV];
    getnameinfo ((struct sockaddr *) &bound, size, NULL, 0, number, sizeof number, NI_NUMERICSERV);
    *port = (unsigned) g_ascii_strtoull (number, NULL, 10);
    return fd;
}

static struct MHD_Daemon *start_daemon (struct http_server *server, int fd)
{
    const struct http_server_options *options = &server->options;
    struct MHD_OptionItem items[4] = {{0}};
    size_t n = 0;
    if (options->threads > 1) items[n++] = (struct MHD_OptionItem){MHD_OPTION_THREAD_POOL_SIZE, options->threads, NULL};
    if (options->connections_per_address > 0)
        items[n++] = (struct MHD_OptionItem){MHD_OPTION_PER_IP_CONNECTION_LIMIT, options->connections_per_address, NULL};
    items[n] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
    /* the reaper comes first but where a reader of a stream is stuck */
    int64_t stuck = (options->idle_time + options->request_time) / G_TIME_SPAN_SECOND + 1;
    /* strictness is http_guard.c's;
       MHD_USE_ERROR_LOG is left out: it writes to standard error, and what strangers send would stand there */
    return MHD_start_daemon (MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC, 0, NULL, NULL, go_on, server,
                             MHD_OPTION_ARRAY, items, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_STRICT_FOR_CLIENT, 0,
                             MHD_OPTION_CONNECTION_LIMIT, options->connections, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned) stuck,
                             MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t) HTTP_CONNECTION_MEMORY, MHD_OPTION_URI_LOG_CALLBACK, begin,
                             server, MHD_OPTION_NOTIFY_COMPLETED, finish, server, MHD_OPTION_NOTIFY_CONNECTION, connect_or_close, server,
                             MHD_OPTION_END);
}

static void server_free (struct http_server *server)
{
    g_bytes_unref (server->nothing);
    g_mutex_clear (&server->lock);
    g_mutex_clear (&server->waking);
    g_cond_clear (&server->reaper_wait);
    g_cond_clear (&server->settled);
    g_free (server);
}

struct http_server *http_server_start (const struct http_server_options *options, GError **error)
{
    unsigned port;
    int fd = listen_at (options->listen, &port, error);
    if (fd < 0) return NULL;
    struct http_server *server = g_new0 (struct http_server, 1);
    server->options = *options;
    server->options.listen = NULL; /* borrowed only */
    server->port = port;
    server->listener = fd;
    server->nothing = g_bytes_new_static ("", 0);
    g_mutex_init (&server->lock);
    g_mutex_init (&server->waking);
    g_cond_init (&server->reaper_wait);
    g_cond_init (&server->settled);
    server->daemon = start_daemon (server, fd);
    if (!server->daemon) {
        g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "could not start the HTTP threads");
        close (fd);
        server_free (server);
        return NULL;
    }
    http_reaper_start (server);
    return server;
}

unsigned http_server_port (const struct http_server *server)
{
    return server->port;
}

void http_server_quiesce (struct http_server *server)
{
    if (atomic_exchange (&server->quiesced, true)) return;
    MHD_socket freed = MHD_quiesce_daemon (server->daemon);
    g_assert (freed == server->listener);
    /* refuses whoever comes, those in the backlog too; closed only at the end, as a worker may be about to accept from that number */
    shutdown (freed, SHUT_RDWR);
}

/* Lets the last answers go out, and the last bytes of streams. Whoever does not read them is not waited for. */
static void settle (struct http_server *server)
{
    int64_t until = g_get_monotonic_time () + SETTLE_TIME;
    g_mutex_lock (&server->lock);
    /* the thread that answered last may not have returned yet: it gives no signal */
    for (int64_t now = 0; now < until && (server->unfinished > 0 || server->unanswered > 0);) {
        now = g_get_monotonic_time ();
        g_cond_wait_until (&server->settled, &server->lock, MIN (until, now + 5 * G_TIME_SPAN_MILLISECOND));
    }
    g_mutex_unlock (&server->lock);
}

void http_server_stop (struct http_server *server)
{
    if (!server) return;
    http_server_quiesce (server);
    atomic_store (&server->settling, true);
    http_stream_end_all (server);
    settle (server);
    g_assert (server->unanswered == 0);
    http_wake_carry_out (server); /* libmicrohttpd aborts where it finds one suspended */
    http_reaper_stop (server);
    MHD_stop_daemon (server->daemon);
    close (server->listener);
    g_assert (server->peers.length == 0 && server->streams.length == 0);
    server_free (server);
}

void http_server_count (const struct http_server *server, struct http_server_counts *counts)
{
    counts->requests = atomic_load (&server->requests);
    counts->refused = atomic_load (&server->refused);
    counts->timed_out = atomic_load (&server->timed_out);
    counts->connections = atomic_load (&server->n_peers);
    counts->streams = atomic_load (&server->n_streams);
}
