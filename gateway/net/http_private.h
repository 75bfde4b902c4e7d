/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the HTTP server share with each other and with nobody else.
 *
 * peer      one TCP connection; lives from accept to close. Answers to what is not a request, or comes too late, are written to it directly
 * exchange  one request and its answer on it; made when the request line has come, freed when the answer is sent or the peer is gone
 * wake      asks libmicrohttpd to go on with a suspended connection. Each pass of libmicrohttpd walks all that is suspended, so wakes
 *           are collected: only the first of a burst is resumed by the thread that woke it; the HTTP thread, when it comes to that
 *           one, resumes the others at once.
 */
#pragma once
#include "net/http_server.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <stdatomic.h>

/* Of one connection: the head of a request, libmicrohttpd's notes on it, then what of the answer waits to be sent. */
#define HTTP_CONNECTION_MEMORY 40960
/* Leaves room in it for the head of an answer. Over it: 431. */
#define HTTP_HEAD_MAX 32768
#define HTTP_HEADERS_MAX 100
/* Of the path and the query, in bytes; over it: 414. A message of 1,600 characters as the query of a GET has up to 19,200, and some thousand for
 * where it comes from and its files. */
#define HTTP_TARGET_MAX 28672
/* What libmicrohttpd keeps there for each header; it counts as head. */
#define HTTP_HEADER_NOTE 64

struct http_wake {
    struct http_wake *next;
    struct MHD_Connection *connection;
};

struct http_server {
    struct http_server_options options;
    struct MHD_Daemon *daemon;
    unsigned port;
    int listener; /* ours to close, once quiesced */
    GBytes *nothing;

    struct http_wake *_Atomic wakes;
    GMutex waking; /* held while wakes are carried out */

    GMutex lock; /* peers, streams, stopping; the conditions go with it */
    GQueue peers, streams;
    bool stopping;
    GCond reaper_wait, settled;
    GThread *reaper;

    _Atomic bool quiesced, settling;
    _Atomic unsigned n_peers, n_streams;
    _Atomic uint64_t requests, refused, timed_out;
    _Atomic unsigned unanswered; /* exchanges that the handler has, or passed on */
    _Atomic unsigned unfinished; /* exchanges that came whole and are not sent yet */
};

/*
 *     IDLE ──> RECEIVING ──> ANSWERING ──┐    a request's line has come; all of it has come; its answer is sent
 *      ↑           │             │       │
 *      └───────────┼─────────────┼───────┘
 *                  └──> OVER <───┘            refused, or cut by the reaper: who comes first decides what the peer is told
 */
enum http_phase { HTTP_IDLE, HTTP_RECEIVING, HTTP_ANSWERING, HTTP_OVER };

struct http_peer {
    GList link;
    struct http_server *server;
    int fd;
    int64_t accepted; /* monotonic µs */
    _Atomic int phase;
    _Atomic int64_t deadline; /* monotonic µs: when the reaper cuts it */
    _Atomic int64_t answered; /* monotonic µs: when it had its last answer; 0: none yet */
    char address[INET6_ADDRSTRLEN];
};

/* For a wait that others bound: by the handler, by the reader of a stream. */
#define HTTP_NO_DEADLINE (G_MAXINT64 / 2)

/* Gives it time (µs) for what comes next. False: it is over. */
bool http_peer_enter (struct http_peer *peer, enum http_phase phase, int64_t time);
/* Says status as a problem document and ends the connection; libmicrohttpd finds that out and closes. The caller has entered HTTP_OVER. */
void http_peer_refuse (const struct http_peer *peer, unsigned status, bool with_body);
/* What MHD_queue_response does elsewhere; here that one is the library's, for its own refusals. */
bool http_peer_answer (struct MHD_Connection *connection, unsigned status, struct MHD_Response *response);

/* wake must be of a suspended connection that nobody else wakes. It may be gone once this returns. Any thread. */
void http_wake_push (struct http_server *server, struct http_wake *wake);
/* Resumes all that were pushed. To be called whenever libmicrohttpd comes back to a connection that was woken, or ends it. */
void http_wake_carry_out (struct http_server *server);

/* Cuts peers whose deadline has passed; one that is in the middle of a request is told so by 408. Where connections run short, those that wait
 * for a request go sooner. */
void http_reaper_start (struct http_server *server);
void http_reaper_stop (struct http_server *server);

/* What a head says about the body. */
struct http_guard_body {
    bool chunked;
    uint64_t length; /* 0 where chunked */
};
/* Where libmicrohttpd found the parts of a head in its buffer; header names and values point there, too. */
struct http_guard_wire {
    const char *start, *target, *target_end, *version;
    size_t size;
};
/* 0, or the status that the request is to be refused with. */
unsigned http_guard_check (const struct http_request *request, const struct http_guard_wire *wire, struct http_guard_body *body);

/* The life of an exchange, all on the HTTP thread. False: the connection is to be cut. */
struct http_exchange *http_exchange_begin (struct http_server *server, const char *raw, struct MHD_Connection *connection);
bool http_exchange_has_head (const struct http_exchange *exchange);
bool http_exchange_take_head (struct http_exchange *exchange, const char *method, const char *version);
bool http_exchange_take_body (struct http_exchange *exchange, const char *bytes, size_t n);
/* All has come: calls the handler. Later, once more: sends the answer. */
bool http_exchange_go_on (struct http_exchange *exchange);
void http_exchange_finish (struct http_exchange *exchange);

struct http_stream *http_stream_new (struct http_server *server, struct MHD_Connection *connection, struct http_peer *peer,
                                     const char *content_type);
/* The response that sends it; holds a reference until libmicrohttpd is done with it. HTTP thread. */
struct MHD_Response *http_stream_respond (struct http_stream *stream);
/* The peer went before there was a response. */
void http_stream_abandon (struct http_stream *stream);
void http_stream_end_all (struct http_server *server);
