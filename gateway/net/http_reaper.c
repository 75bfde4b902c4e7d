/* SPDX-License-Identifier: Apache-2.0
 *
 * libmicrohttpd's timeout starts anew with every byte; one byte a second would hold a connection for ever. So each connection has a
 * deadline, and one thread cuts those that are past it.
 *
 * And where nearly all connections are taken, libmicrohttpd lets newcomers wait for as long as idle ones stay: the same thread makes room.
 */
#include "net/http_private.h"

#include <linux/tcp.h> /* <netinet/tcp.h> knows the older half of tcp_info only */
#include <sys/socket.h>

#define TICKS (20 * G_TIME_SPAN_MILLISECOND)
#define LOOK_MIN (10 * G_TIME_SPAN_MILLISECOND)
#define LOOK_MAX G_TIME_SPAN_SECOND

/* Part of the connections that is kept free, and how long one may wait for its first or next request though there is no room. */
#define RESERVE 8
#define GRACE G_TIME_SPAN_SECOND

/*
 * Whether bytes have come of which libmicrohttpd has not made a request line yet. It does not tell, but the kernel knows when the last ones
 * came, in ticks of up to 10 ms: what came sooner after the last answer is taken for a part of the request before.
 */
static bool has_begun (const struct http_peer *peer, int64_t now)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    int64_t answered = atomic_load (&peer->answered);
    if (getsockopt (peer->fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 || info.tcpi_bytes_received == 0) return false;
    return answered == 0 || now - info.tcpi_last_data_recv * G_TIME_SPAN_MILLISECOND > answered + TICKS;
}

static void cut (struct http_server *server, struct http_peer *peer, int phase, int64_t now)
{
    bool begun = phase == HTTP_RECEIVING || (phase == HTTP_IDLE && has_begun (peer, now));
    if (!atomic_compare_exchange_strong (&peer->phase, &phase, HTTP_OVER)) return;
    if (begun || phase == HTTP_ANSWERING) atomic_fetch_add (&server->timed_out, 1);
    if (begun)
        http_peer_refuse (peer, 408, true);
    else
        shutdown (peer->fd, SHUT_RDWR);
}

/* A peer is in the list for as long as its descriptor is open, and the lock is held: no other connection is hit. */
static void cut_late_ones (struct http_server *server, int64_t now)
{
    for (GList *link = server->peers.head; link; link = link->next) {
        struct http_peer *peer = link->data;
        int phase = atomic_load (&peer->phase);
        if (phase != HTTP_OVER && atomic_load (&peer->deadline) <= now) cut (server, peer, phase, now);
    }
}

/* How many have connected and are not accepted yet. */
static unsigned backlog (const struct http_server *server)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    /* of a socket that listens, that is what this field tells */
    return getsockopt (server->listener, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 ? info.tcpi_unacked : 0;
}

static int64_t idle_since (const struct http_peer *peer)
{
    return MAX (peer->accepted, atomic_load (&peer->answered));
}

static int by_age (const void *one, const void *other)
{
    int64_t a = idle_since (*(struct http_peer *const *) one), b = idle_since (*(struct http_peer *const *) other);
    return a < b ? -1 : a > b;
}

/* Cuts as many as there is no room for, of those on which nothing was asked: first who has been silent for longest. */
static void make_room (struct http_server *server, int64_t now)
{
    unsigned all = server->options.connections, most = all - MAX (all / RESERVE, 1), n = backlog (server);
    if (server->peers.length + n <= most) return;
    g_autoptr (GPtrArray) idle = g_ptr_array_new ();
    for (GList *link = server->peers.head; link; link = link->next) {
        struct http_peer *peer = link->data;
        int phase = atomic_load (&peer->phase);
        if (phase != HTTP_OVER) n++;
        if (phase == HTTP_IDLE && idle_since (peer) + GRACE <= now && !has_begun (peer, now)) g_ptr_array_add (idle, peer);
    }
    g_ptr_array_sort (idle, by_age);
    for (guint i = 0; i < idle->len && n > most; i++, n--) cut (server, idle->pdata[i], HTTP_IDLE, now);
}

static void *reap (void *data)
{
    struct http_server *server = data;
    int64_t look = CLAMP (MIN (server->options.request_time, server->options.idle_time) / 8, LOOK_MIN, LOOK_MAX);
    g_mutex_lock (&server->lock);
    while (!server->stopping) {
        int64_t now = g_get_monotonic_time ();
        cut_late_ones (server, now);
        make_room (server, now);
        g_cond_wait_until (&server->reaper_wait, &server->lock, now + look);
    }
    g_mutex_unlock (&server->lock);
    return NULL;
}

void http_reaper_start (struct http_server *server)
{
    server->reaper = g_thread_new ("http-reaper", reap, server);
}

void http_reaper_stop (struct http_server *server)
{
    g_mutex_lock (&server->lock);
    server->stopping = true;
    g_cond_signal (&server->reaper_wait);
    g_mutex_unlock (&server->lock);
    g_thread_join (server->reaper);
}
