/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_private.h"

#include <string.h>

#define FEW_HEADERS 24
/* Of a chunked body, where it grows. */
#define BODY_FIRST 4096
/* So much more than allowed is read and dropped, that a proper answer may follow. */
#define BODY_EXCESS 262144
/* Bytes a second that a reader of an answer is expected to take at least. */
#define READ_RATE 4096

/*
 *     OPEN ────────────────────> ANSWERED    inside the handler, or by another thread before it returned: no need to suspend
 *       └──> SUSPENDED ──wake──> ANSWERED    later
 *
 * The connection is suspended first, then the state says so. Whoever answers looks at what the state was.
 */
enum state { OPEN, SUSPENDED, ANSWERED };

struct http_exchange {
    struct http_wake wake; /* first */
    struct http_server *server;
    struct http_peer *peer;
    struct http_request request;
    struct http_header few[FEW_HEADERS], *many;
    const char *raw; /* in libmicrohttpd's buffer; read by its length only */
    size_t raw_length;
    char *body;
    size_t body_size, body_room, body_max, dropped;
    struct http_guard_body expected;
    bool has_head, whole, too_large, handed_over;
    _Atomic int state;
    struct http_response *response;
    struct http_stream *stream;
    void *data;
    char text[]; /* target, path */
};

/* "/path?query", or "http://host/path?query" as to a proxy (RFC 9112 §3.2.2). */
static const char *skip_authority (const char *target)
{
    if (g_ascii_strncasecmp (target, "http://", 7) != 0) return target;
    return target + 7 + strcspn (target + 7, "/?");
}

/*
 * libmicrohttpd would make a note of each argument in the connection's memory; where they do not fit, it hangs. Nobody asks for them: end
 * the line after the '?'. The line is in its buffer, and it looks at it only once we return.
 */
static void no_arguments (const char *raw)
{
    const char *mark = strchr (raw, '?');
    if (mark) ((char *) (uintptr_t) mark)[1] = '\0';
}

/*
 * After an error of the other side nobody can tell where its next request would begin: the connection is cut. Not by way of libmicrohttpd,
 * which may have no room left for the head of an answer, and answers no sooner than at the end of a body. Always false.
 */
static bool refuse (struct http_exchange *exchange, unsigned status)
{
    if (!http_peer_enter (exchange->peer, HTTP_OVER, 0)) return false;
    atomic_fetch_add (&exchange->server->refused, 1);
    http_peer_refuse (exchange->peer, status, g_strcmp0 (exchange->request.method, "HEAD") != 0);
    return false;
}

struct http_exchange *http_exchange_begin (struct http_server *server, const char *raw, struct MHD_Connection *connection)
{
    size_t length = strlen (raw);
    struct http_exchange *exchange = g_malloc (sizeof *exchange + 2 * length + 3);
    memset (exchange, 0, sizeof *exchange);
    exchange->wake.connection = connection;
    exchange->server = server;
    exchange->peer = MHD_get_connection_info (connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    exchange->raw = raw;
    exchange->raw_length = length;
    char *target = memcpy (exchange->text, raw, length + 1), *path = target + length + 1;
    no_arguments (raw);
    const char *from = skip_authority (target);
    size_t path_length = strcspn (from, "?");
    path[0] = '/';
    memcpy (path, from, path_length);
    path[MAX (path_length, (size_t) (from > target))] = '\0';
    exchange->request = (struct http_request){
        .target = target,
        .path = path,
        .query = from[path_length] ? from + path_length + 1 : "",
        .body = server->nothing,
    };
    http_peer_enter (exchange->peer, HTTP_RECEIVING, server->options.request_time);
    if (length > HTTP_TARGET_MAX) refuse (exchange, 414);
    return exchange;
}

bool http_exchange_has_head (const struct http_exchange *exchange)
{
    return exchange->has_head;
}

static void release_bytes (void *bytes)
{
    g_bytes_unref (bytes);
}

/* The body is sent from where it is. */
static struct MHD_Response *respond (struct http_response *from)
{
    gsize size = 0;
    const void *bytes = from->body ? g_bytes_get_data (from->body, &size) : NULL;
    struct MHD_Response *response = size > 0 ? MHD_create_response_from_buffer_with_free_callback_cls (
                                                   size, (void *) (uintptr_t) bytes, release_bytes, g_bytes_ref (from->body))
                                             : MHD_create_response_from_buffer_with_free_callback_cls (0, NULL, NULL, NULL);
    g_assert (response);
    if (from->content_type) MHD_add_response_header (response, "Content-Type", from->content_type);
    for (guint i = 0; from->headers && i + 1 < from->headers->len; i += 2)
        MHD_add_response_header (response, from->headers->pdata[i], from->headers->pdata[i + 1]);
    return response;
}

static bool send_answer (struct http_exchange *exchange)
{
    unsigned status = 200;
    struct MHD_Response *response;
    if (exchange->stream) {
        response = http_stream_respond (g_steal_pointer (&exchange->stream));
    } else {
        status = exchange->response->status;
        int64_t size = exchange->response->body ? (int64_t) g_bytes_get_size (exchange->response->body) : 0;
        const struct http_server_options *options = &exchange->server->options;
        http_peer_enter (exchange->peer, HTTP_ANSWERING,
                         options->request_time + options->idle_time + size / READ_RATE * G_TIME_SPAN_SECOND);
        response = respond (exchange->response);
    }
    MHD_add_response_header (response, "X-Content-Type-Options", "nosniff");
    if (atomic_load_explicit (&exchange->server->quiesced, memory_order_relaxed)) MHD_add_response_header (response, "Connection", "close");
    bool queued = http_peer_answer (exchange->wake.connection, status, response);
    MHD_destroy_response (response);
    return queued;
}

static enum MHD_Result collect (void *data, enum MHD_ValueKind kind, const char *name, size_t name_size, const char *value,
                                size_t value_size)
{
    (void) kind, (void) name_size, (void) value_size;
    struct http_exchange *exchange = data;
    struct http_header *headers = exchange->many ? exchange->many : exchange->few;
    headers[exchange->request.n_headers++] = (struct http_header){name, value ? value : ""};
    return MHD_YES;
}

bool http_exchange_take_head (struct http_exchange *exchange, const char *method, const char *version)
{
    struct http_request *request = &exchange->request;
    struct MHD_Connection *connection = exchange->wake.connection;
    exchange->has_head = true;
    request->method = method;
    int n = MHD_get_connection_values (connection, MHD_HEADER_KIND, NULL, NULL);
    if (n > HTTP_HEADERS_MAX) return refuse (exchange, 431);
    if (n > FEW_HEADERS) exchange->many = g_new (struct http_header, n);
    MHD_get_connection_values_n (connection, MHD_HEADER_KIND, collect, exchange);
    request->headers = exchange->many ? exchange->many : exchange->few;
    struct http_guard_wire wire = {
        .start = method,
        .target = exchange->raw,
        .target_end = exchange->raw + exchange->raw_length,
        .version = version,
        .size = MHD_get_connection_info (connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)->header_size,
    };
    unsigned status = http_guard_check (request, &wire, &exchange->expected);
    if (status == 0 && (exchange->expected.chunked || exchange->expected.length > 0)) {
        exchange->body_max = exchange->server->options.body_max (request, exchange->server->options.data);
        status = exchange->expected.length > exchange->body_max ? 413 : 0;
    }
    return status == 0 || refuse (exchange, status);
}

/* One allocation where the length is known. */
static void make_room (struct http_exchange *exchange, size_t n)
{
    if (exchange->body_size + n <= exchange->body_room) return;
    size_t room = exchange->expected.chunked ? MAX (MAX (exchange->body_room * 2, BODY_FIRST), exchange->body_size + n)
                                             : (size_t) exchange->expected.length;
    exchange->body = g_realloc (exchange->body, room);
    exchange->body_room = room;
}

bool http_exchange_take_body (struct http_exchange *exchange, const char *bytes, size_t n)
{
    if (n > exchange->body_max - exchange->body_size) {
        exchange->too_large = true;
        exchange->body_size = exchange->body_room = 0;
        exchange->body_max = 0;
        g_clear_pointer (&exchange->body, g_free);
    }
    if (exchange->too_large) {
        /* a refusal now might not be heard by who is still sending */
        exchange->dropped += n;
        return exchange->dropped <= BODY_EXCESS || refuse (exchange, 413);
    }
    make_room (exchange, n);
    memcpy (exchange->body + exchange->body_size, bytes, n);
    exchange->body_size += n;
    return true;
}

static void keep_body (struct http_exchange *exchange)
{
    if (exchange->body_size < exchange->body_room) exchange->body = g_realloc (exchange->body, exchange->body_size);
    if (exchange->body) exchange->request.body = g_bytes_new_take (g_steal_pointer (&exchange->body), exchange->body_size);
}

static bool hand_over (struct http_exchange *exchange)
{
    struct http_server *server = exchange->server;
    if (exchange->too_large) return refuse (exchange, 413);
    if (!http_peer_enter (exchange->peer, HTTP_ANSWERING, HTTP_NO_DEADLINE)) return false;
    exchange->whole = true;
    keep_body (exchange);
    atomic_fetch_add_explicit (&server->requests, 1, memory_order_relaxed);
    atomic_fetch_add (&server->unfinished, 1);
    atomic_fetch_add (&server->unanswered, 1);
    exchange->handed_over = true;
    server->options.handler (exchange, server->options.data);
    if (atomic_load (&exchange->state) == ANSWERED) return send_answer (exchange);
    MHD_suspend_connection (exchange->wake.connection);
    int state = OPEN;
    if (!atomic_compare_exchange_strong (&exchange->state, &state, SUSPENDED)) MHD_resume_connection (exchange->wake.connection);
    return true;
}

bool http_exchange_go_on (struct http_exchange *exchange)
{
    return exchange->whole ? send_answer (exchange) : hand_over (exchange);
}

static void settled (struct http_server *server)
{
    if (atomic_fetch_sub (&server->unfinished, 1) != 1 || !atomic_load (&server->settling)) return;
    g_mutex_lock (&server->lock);
    g_cond_signal (&server->settled);
    g_mutex_unlock (&server->lock);
}

void http_exchange_finish (struct http_exchange *exchange)
{
    if (!exchange) return;
    struct http_server *server = exchange->server;
    atomic_store (&exchange->peer->answered, g_get_monotonic_time ());
    http_peer_enter (exchange->peer, HTTP_IDLE, server->options.idle_time);
    if (exchange->stream) http_stream_abandon (exchange->stream);
    if (exchange->handed_over) settled (server);
    if (exchange->request.body != server->nothing) g_bytes_unref (exchange->request.body);
    if (exchange->response) http_response_free (exchange->response);
    g_free (exchange->body);
    g_free (exchange->many);
    g_free (exchange);
}

const struct http_request *http_exchange_request (const struct http_exchange *exchange)
{
    return &exchange->request;
}

const char *http_exchange_peer (const struct http_exchange *exchange)
{
    return exchange->peer->address;
}

void http_exchange_set_data (struct http_exchange *exchange, void *data)
{
    exchange->data = data;
}

void *http_exchange_data (const struct http_exchange *exchange)
{
    return exchange->data;
}

/* The exchange may be gone as soon as the state has changed, if it was not suspended. */
static void answer (struct http_exchange *exchange)
{
    struct http_server *server = exchange->server;
    int before = atomic_exchange (&exchange->state, ANSWERED);
    g_assert (before != ANSWERED);
    if (before == SUSPENDED) http_wake_push (server, &exchange->wake);
    atomic_fetch_sub (&server->unanswered, 1);
}

void http_exchange_reply (struct http_exchange *exchange, struct http_response *response)
{
    exchange->response = response;
    answer (exchange);
}

struct http_stream *http_exchange_stream (struct http_exchange *exchange, const char *content_type)
{
    struct http_stream *stream = http_stream_new (exchange->server, exchange->wake.connection, exchange->peer, content_type);
    exchange->stream = stream;
    answer (exchange);
    return stream;
}
