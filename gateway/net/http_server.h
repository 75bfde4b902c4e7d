/* SPDX-License-Identifier: Apache-2.0
 *
 * The HTTP server: libmicrohttpd with the wire guarded (smuggling forms, NUL, two Content-Lengths, slow senders). What is no proper request is
 * answered by one problem document and the end of the connection; the handler hears nothing of it.
 * The handler is called on an HTTP thread once a request has come whole. It MUST NOT block. Exactly one of http_exchange_reply and
 * http_exchange_stream follows, inside the handler or later from any thread; until then the connection is suspended.
 */
#pragma once
#include "model/http.h"

#include <stdint.h>

struct http_server;
struct http_exchange;
struct http_stream;

struct http_server_options {
    const char *listen;               /* "127.0.0.1:8080", "[::1]:8080"; port 0 takes a free one */
    unsigned threads;                 /* ≥ 1 */
    unsigned connections;             /* at once, all threads together */
    unsigned connections_per_address; /* 0: no limit */
    int64_t request_time;             /* µs; a request that has not come whole by then is answered 408 */
    int64_t idle_time;                /* µs; who has not begun another request by then is closed without a word */
    /* Largest body for that request head (body is empty here), bytes. Over it: 413. Called on the HTTP thread. */
    size_t (*body_max) (const struct http_request *head, void *data);
    void (*handler) (struct http_exchange *exchange, void *data);
    void *data;
};

struct http_server *http_server_start (const struct http_server_options *options, GError **error);
/* The port that is listened on. */
unsigned http_server_port (const struct http_server *server);
/* No new connections; those that come back are answered with Connection: close. */
void http_server_quiesce (struct http_server *server);
/* Every exchange must have been replied to and every stream closed by then. */
void http_server_stop (struct http_server *server);

struct http_server_counts {
    uint64_t requests, refused, timed_out; /* timed out: answered 408, or too slow in reading the answer */
    unsigned connections, streams;
};
void http_server_count (const struct http_server *server, struct http_server_counts *counts);

/* Borrowed until the reply. */
const struct http_request *http_exchange_request (const struct http_exchange *exchange);
/* Textual address of the other side; behind a trusted proxy the caller reads Forwarded headers itself. */
const char *http_exchange_peer (const struct http_exchange *exchange);
/* A place for the handler's own pointer. */
void http_exchange_set_data (struct http_exchange *exchange, void *data);
void *http_exchange_data (const struct http_exchange *exchange);

/* Answers; takes response; the exchange is gone. Any thread. */
void http_exchange_reply (struct http_exchange *exchange, struct http_response *response);

/* Answers 200 with an endless body of content_type, flushed at once (Cache-Control: no-cache, no-transform; X-Accel-Buffering: no). The
 * stream holds one reference for the caller. Any thread. */
struct http_stream *http_exchange_stream (struct http_exchange *exchange, const char *content_type);
/* Queues bytes (a reference is taken). False: the reader is gone, or more than limit bytes wait already; nothing was queued. Any thread. */
bool http_stream_write (struct http_stream *stream, GBytes *bytes, size_t limit);
/* Bytes that wait to be read by the peer. */
size_t http_stream_pending (const struct http_stream *stream);
/* True once the peer is gone or the stream was closed. */
bool http_stream_closed (const struct http_stream *stream);
/* Ends the body after what is queued, and drops the caller's reference. */
void http_stream_close (struct http_stream *stream);
