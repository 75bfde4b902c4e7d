/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_private.h"

#include <string.h>

/* libmicrohttpd keeps such a buffer for each; in use with HTTP/1.0 alone. */
#define BLOCK 1024

/*
 * Two own it: the caller, until http_stream_close, and the connection, until libmicrohttpd lets go of the response. While asleep the
 * connection is suspended, so it cannot go; connection and peer are good until gone.
 */
struct http_stream {
    struct http_wake wake;
    struct http_server *server;
    struct http_peer *peer;
    const char *content_type;
    GList link;
    _Atomic unsigned references;
    GMutex lock;   /* all below */
    GQueue queue;  /* of GBytes */
    size_t offset; /* how much of the first is sent */
    _Atomic size_t pending;
    _Atomic bool closed; /* nothing more is queued: by the caller, or as the peer is gone */
    bool asleep, gone;
};

static void drop_queue (struct http_stream *stream)
{
    GBytes *bytes;
    while ((bytes = g_queue_pop_head (&stream->queue))) g_bytes_unref (bytes);
    atomic_store (&stream->pending, 0);
}

static void unref (struct http_stream *stream)
{
    if (atomic_fetch_sub (&stream->references, 1) != 1) return;
    drop_queue (stream);
    g_mutex_clear (&stream->lock);
    g_free (stream);
}

struct http_stream *http_stream_new (struct http_server *server, struct MHD_Connection *connection, struct http_peer *peer,
                                     const char *content_type)
{
    struct http_stream *stream = g_new0 (struct http_stream, 1);
    stream->wake.connection = connection;
    stream->server = server;
    stream->peer = peer;
    stream->content_type = content_type;
    stream->link.data = stream;
    stream->references = 2;
    g_mutex_init (&stream->lock);
    g_mutex_lock (&server->lock);
    g_queue_push_tail_link (&server->streams, &stream->link);
    atomic_store (&server->n_streams, server->streams.length);
    g_mutex_unlock (&server->lock);
    return stream;
}

/* With the lock held. */
static void wake_up (struct http_stream *stream)
{
    if (!stream->asleep) return;
    stream->asleep = false;
    http_wake_push (stream->server, &stream->wake);
}

static size_t take (struct http_stream *stream, char *out, size_t max)
{
    size_t n = 0;
    GBytes *bytes;
    while (n < max && (bytes = g_queue_peek_head (&stream->queue))) {
        gsize size;
        const char *from = g_bytes_get_data (bytes, &size);
        size_t part = MIN (size - stream->offset, max - n);
        memcpy (out + n, from + stream->offset, part);
        n += part;
        stream->offset += part;
        if (stream->offset < size) break;
        stream->offset = 0;
        g_bytes_unref (g_queue_pop_head (&stream->queue));
    }
    atomic_fetch_sub (&stream->pending, n);
    return n;
}

static ssize_t send_some (void *data, uint64_t position, char *out, size_t max)
{
    (void) position;
    struct http_stream *stream = data;
    http_wake_carry_out (stream->server);
    g_mutex_lock (&stream->lock);
    ssize_t n = (ssize_t) take (stream, out, max);
    if (n == 0 && stream->closed) {
        n = MHD_CONTENT_READER_END_OF_STREAM;
    } else if (n == 0) {
        /* under the lock, lest somebody wakes what does not sleep yet */
        MHD_suspend_connection (stream->wake.connection);
        stream->asleep = true;
    }
    g_mutex_unlock (&stream->lock);
    return n;
}

void http_stream_abandon (struct http_stream *stream)
{
    struct http_server *server = stream->server;
    g_mutex_lock (&stream->lock);
    stream->gone = true;
    stream->closed = true;
    drop_queue (stream);
    g_mutex_unlock (&stream->lock);
    g_mutex_lock (&server->lock);
    g_queue_unlink (&server->streams, &stream->link);
    atomic_store (&server->n_streams, server->streams.length);
    g_mutex_unlock (&server->lock);
    unref (stream);
}

static void let_go (void *data)
{
    http_stream_abandon (data);
}

struct MHD_Response *http_stream_respond (struct http_stream *stream)
{
    struct MHD_Response *response = MHD_create_response_from_callback (MHD_SIZE_UNKNOWN, BLOCK, send_some, stream, let_go);
    g_assert (response);
    MHD_add_response_header (response, "Content-Type", stream->content_type);
    MHD_add_response_header (response, "Cache-Control", "no-cache, no-transform");
    MHD_add_response_header (response, "X-Accel-Buffering", "no");
    return response;
}

bool http_stream_write (struct http_stream *stream, GBytes *bytes, size_t limit)
{
    g_mutex_lock (&stream->lock);
    bool taken = !stream->closed && stream->pending <= limit;
    if (taken && g_bytes_get_size (bytes) > 0) {
        g_queue_push_tail (&stream->queue, g_bytes_ref (bytes));
        atomic_fetch_add (&stream->pending, g_bytes_get_size (bytes));
        wake_up (stream);
    }
    g_mutex_unlock (&stream->lock);
    return taken;
}

size_t http_stream_pending (const struct http_stream *stream)
{
    return atomic_load (&stream->pending);
}

bool http_stream_closed (const struct http_stream *stream)
{
    return atomic_load (&stream->closed);
}

/* A peer that does not read what is left is cut in the end. */
static void end (struct http_stream *stream)
{
    g_mutex_lock (&stream->lock);
    stream->closed = true;
    if (!stream->gone) {
        int64_t time = stream->server->options.request_time + stream->server->options.idle_time;
        atomic_store (&stream->peer->deadline, g_get_monotonic_time () + time);
    }
    wake_up (stream);
    g_mutex_unlock (&stream->lock);
}

void http_stream_close (struct http_stream *stream)
{
    end (stream);
    unref (stream);
}

void http_stream_end_all (struct http_server *server)
{
    g_mutex_lock (&server->lock);
    for (GList *link = server->streams.head; link; link = link->next) end (link->data);
    g_mutex_unlock (&server->lock);
}
