/* SPDX-License-Identifier: Apache-2.0
 *
 * For the tests of the HTTP server: one on loopback, and a client that says on the wire byte for byte what it is told and gives back what
 * it hears. What hangs for 20 s has failed.
 *
 *     struct wire *wire = wire_start ((struct http_server_options){.threads = 2});
 *     g_autoptr (GString) answer = wire_tell (wire, "GET /now HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
 *     wire_stop (wire);
 *
 * The path says who answers. /now: the handler, at once. /later: another thread. /kept: the test, by wire->kept. /stream: the test, by a
 * stream in wire->kept. /tell…: the handler, by what it was asked, not by the body.
 */
#pragma once
#include "net/http_server.h"

/* Of a body; 0 for paths that begin with /none. */
#define BODY_MAX 50000
#define HOST "Host: a\r\n"
#define OK "HTTP/1.1 200 OK\r\n"

struct wire {
    struct http_server *server;
    GThread *replier;
    GMutex lock;
    GCond changed;
    GPtrArray *later; /* exchanges that the replier is to answer */
    GPtrArray *kept;  /* exchanges or streams that the test answers itself */
    int handled;
    bool over;
};

/* What options leave out is one thread, 1000 connections, and times that no test comes near. */
struct wire *wire_start (struct http_server_options options);
void wire_stop (struct wire *wire);
/* Waits for n to be kept. */
void wire_await (struct wire *wire, guint n);
struct http_server_counts wire_counts (const struct wire *wire);
/* Waits for the server to have closed all of them. */
void wire_await_no_connections (const struct wire *wire);

/* A connected socket; -1 where nobody listens. */
int wire_reach (const struct wire *wire);
void wire_say_bytes (int fd, const void *bytes, size_t n);
void wire_say (int fd, const char *text);
/* Until text is heard. */
void wire_hear_until (int fd, GString *into, const char *text);
/* Until the server closes; closes. */
GString *wire_hear_all (int fd);
/* Says it on a connection of its own and hears all. */
GString *wire_tell_bytes (const struct wire *wire, const void *bytes, size_t n);
GString *wire_tell (const struct wire *wire, const char *text);

/* 0: no answer. */
unsigned wire_status (const GString *answer);
int wire_answers (const GString *text);
/* A refusal: one problem document, the end of the connection told, and not a byte more. Frees. */
void wire_expect_problem (GString *answer, unsigned status, const char *asked);
/* Said on a connection of its own. */
void wire_expect_refused (const struct wire *wire, const char *text, unsigned status);
/* The bytes are refused, and what follows them is not taken for another request. */
void wire_expect_refusal (const struct wire *wire, const void *bytes, size_t n, unsigned status);
