/* SPDX-License-Identifier: Apache-2.0
 *
 * Three functions that libmicrohttpd 0.9.75 calls through the dynamic linker, which takes the program's before a library's: two of its own, and one
 * of the system's. No option changes what they mend.
 */
#include "net/http_private.h"

#include <dlfcn.h>
#include <string.h>
#include <sys/epoll.h>

/* What stands behind ours; found at the first call. */
static void *library (_Atomic (void *) *known, const char *name)
{
    void *function = atomic_load_explicit (known, memory_order_relaxed);
    if (function) return function;
    function = dlsym (RTLD_NEXT, name);
    g_assert (function);
    atomic_store_explicit (known, function, memory_order_relaxed);
    return function;
}

/*
 * It refuses what it cannot parse by a page of HTML, whose head it sends twice where Content-Length is bad (its parse_connection_headers
 * overwrites the state that its refusal has set). But where MHD_queue_response says no, it closes the connection without a word. The gateway
 * queues by http_peer_answer, so what comes here is the library's refusal and no other. The page is left out. The status is right, but
 * where a line of chunked coding does not fit into the connection's memory: it takes that for an error of the server's, though only a bad peer
 * makes it.
 */
enum MHD_Result MHD_queue_response (struct MHD_Connection *connection, unsigned status, struct MHD_Response *page)
{
    (void) page;
    struct http_peer *peer = MHD_get_connection_info (connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    if (!http_peer_enter (peer, HTTP_OVER, 0)) return MHD_NO;
    atomic_fetch_add (&peer->server->refused, 1);
    http_peer_refuse (peer, status == 500 ? 400 : status, true);
    return MHD_NO;
}

bool http_peer_answer (struct MHD_Connection *connection, unsigned status, struct MHD_Response *response)
{
    static _Atomic (void *) known;
    enum MHD_Result (*queue) (struct MHD_Connection *, unsigned, struct MHD_Response *);
    *(void **) &queue = library (&known, "MHD_queue_response");
    return queue (connection, status, response) == MHD_YES;
}

/*
 * It would make a note of each cookie in the connection's memory; where they do not fit, it refuses, frees that memory, and reads on in it.
 * Nobody asks for them: it finds none. The header itself is kept, as every other.
 */
enum MHD_Result MHD_lookup_connection_value_n (struct MHD_Connection *connection, enum MHD_ValueKind kind, const char *key, size_t key_size,
                                               const char **value, size_t *value_size)
{
    static _Atomic (void *) known;
    enum MHD_Result (*lookup) (struct MHD_Connection *, enum MHD_ValueKind, const char *, size_t, const char **, size_t *);
    if (key && strcmp (key, MHD_HTTP_HEADER_COOKIE) == 0) return MHD_NO;
    *(void **) &lookup = library (&known, "MHD_lookup_connection_value_n");
    return lookup (connection, kind, key, key_size, value, value_size);
}

/*
 * Where a look fills its table of 128, it looks again before it deals with what it found, and waits as long as the first time: if by chance
 * that was all, those 128 stand still until somebody else comes. A second look waits for nobody.
 */
int epoll_wait (int fd, struct epoll_event *events, int most, int milliseconds)
{
    static _Atomic (void *) known;
    static _Thread_local int filled = -1;
    int (*look) (int, struct epoll_event *, int, int);
    *(void **) &look = library (&known, "epoll_wait");
    int n = look (fd, events, most, filled == fd ? 0 : milliseconds);
    filled = n == most ? fd : -1;
    return n;
}
