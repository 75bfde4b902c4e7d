/* SPDX-License-Identifier: Apache-2.0
 *
 * libmicrohttpd's timeout starts anew with every byte; one byte a second would hold a connection for ever. So each connection has a
 * deadline, and one thread cuts those that are past it.
 */
#include "net/http_private.h"

#include <sys/socket.h>

#define LOOK_MIN (10 * G_TIME_SPAN_MILLISECOND)
#define LOOK_MAX G_TIME_SPAN_SECOND

/* A peer is in the list for as long as its descriptor is open, and the lock is held: no other connection is hit. */
static void cut_late_ones (struct http_server *server, int64_t now)
{
    for (GList *link = server->peers.head; link; link = link->next) {
        struct http_peer *peer = link->data;
        int64_t deadline = atomic_load_explicit (&peer->deadline, memory_order_relaxed);
        if (deadline > now || !atomic_compare_exchange_strong (&peer->deadline, &deadline, INT64_MAX)) continue;
        atomic_fetch_add (&server->timed_out, 1);
        shutdown (peer->fd, SHUT_RDWR);
    }
}

static void *reap (void *data)
{
    struct http_server *server = data;
    int64_t look = CLAMP (server->options.request_time / 8, LOOK_MIN, LOOK_MAX);
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
