/* SPDX-License-Identifier: Apache-2.0
 *
 * libmicrohttpd's timeout starts anew with every byte; one byte a second would hold a connection for ever. So each connection has a
 * deadline, and one thread cuts those that are past it.
 */
#include "net/http_private.h"

#include <linux/tcp.h> /* <netinet/tcp.h> knows the older half of tcp_info only */
#include <sys/socket.h>

#define TICKS (20 * G_TIME_SPAN_MILLISECOND)
#define LOOK_MIN (10 * G_TIME_SPAN_MILLISECOND)
#define LOOK_MAX G_TIME_SPAN_SECOND

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

static void *reap (void *data)
{
    struct http_server *server = data;
    int64_t look = CLAMP (MIN (server->options.request_time, server->options.idle_time) / 8, LOOK_MIN, LOOK_MAX);
    g_mutex_lock (&server->lock);
    while (!server->stopping) {
        int64_t now = g_get_monotonic_time ();
        cut_late_ones (server, now);
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
