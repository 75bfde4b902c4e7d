/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_transfer.h"

#include "net/http_address.h"

#include <string.h>
#include <sys/socket.h>

#define URL_MOST 8192
/* Bytes of an answer's head; curl keeps it all. */
#define HEAD_MOST 65536
/* No provider thinks for longer before it answers; slower than that is a drip. */
#define SLOW_TIME 30
#define SLOW_SPEED 32
/* A connection is not kept for longer, so that a host that has moved is found. */
#define CONNECTION_LIFE 600
#define UPLOAD_BUFFER 16384
/* Who asks for more, by mistake or for a day's quota, is asked again every hour. */
#define RETRY_AFTER_MOST G_TIME_SPAN_HOUR

struct http_transfer *http_transfer_new (struct call_request *call, const struct http_client_limits *limits,
                                         void (*done) (const struct call_outcome *outcome, void *data), void *data)
{
    struct http_transfer *transfer = g_new0 (struct http_transfer, 1);
    transfer->link.data = transfer;
    transfer->call = *call;
    memset (call, 0, sizeof *call);
    transfer->limits = *limits;
    transfer->asked_at = g_get_monotonic_time ();
    transfer->done = done;
    transfer->data = data;
    return transfer;
}

void http_transfer_free (struct http_transfer *transfer)
{
    if (!transfer) return;
    call_request_clear (&transfer->call);
    curl_slist_free_all (transfer->headers);
    if (transfer->body) g_byte_array_unref (transfer->body);
    g_free (transfer);
}

static bool has_line_break (const struct call_request *call)
{
    for (guint i = 0; call->headers && i < call->headers->len; i++)
        if (strpbrk (call->headers->pdata[i], "\r\n")) return true;
    return false;
}

char *http_transfer_host (const struct http_transfer *transfer, const char **words)
{
    char *host = NULL, *port = NULL, *key = NULL;
    CURLU *url = curl_url ();
    CURLUcode code = curl_url_set (url, CURLUPART_URL, transfer->call.url, CURLU_DISALLOW_USER);
    if (code == CURLUE_OK) code = curl_url_get (url, CURLUPART_HOST, &host, 0);
    if (code == CURLUE_OK) code = curl_url_get (url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
    if (code != CURLUE_OK)
        *words = curl_url_strerror (code);
    else if (strlen (transfer->call.url) > URL_MOST)
        *words = "the URL is too long";
    else if (has_line_break (&transfer->call))
        *words = "a header holds a line break";
    else {
        g_autofree char *folded = g_ascii_strdown (host, -1);
        key = g_strconcat (folded, ":", port, NULL);
    }
    curl_free (host);
    curl_free (port);
    curl_url_cleanup (url);
    return key;
}

/* ---- what curl asks while it is at work ---- */

/* Whether the other side may have seen anything of it: yes when in doubt. */
static bool was_sent (const struct http_transfer *transfer)
{
    long size = 0;
    if (transfer->easy) curl_easy_getinfo (transfer->easy, CURLINFO_REQUEST_SIZE, &size);
    return size > 0 || transfer->uploading;
}

static curl_socket_t open_socket (void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct http_transfer *transfer = data;
    if (purpose != CURLSOCKTYPE_IPCXN || (!transfer->limits.allow_private && http_address_is_private (&address->addr))) {
        transfer->refused = true;
        return CURL_SOCKET_BAD;
    }
    transfer->tried = true;
    return socket (address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/*
 * Called when there is a connection, new or kept, and the request is about to be sent. A kept one may have been opened by a call that may
 * reach private addresses. And curl sends a request once more where a kept connection ends without a byte of an answer, though it may have been
 * carried out: that is for the caller to decide.
 */
static int before_request (void *data, char *address, char *own_address, int port, int own_port)
{
    (void) own_address, (void) port, (void) own_port;
    struct http_transfer *transfer = data;
    if (!transfer->limits.allow_private && http_address_text_is_private (address)) {
        transfer->refused = true;
        transfer->tried = false;
        return CURL_PREREQFUNC_ABORT;
    }
    transfer->ended_unanswered = was_sent (transfer);
    return transfer->ended_unanswered ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static size_t read_body (char *into, size_t size, size_t n, void *data)
{
    struct http_transfer *transfer = data;
    size_t length;
    const char *bytes = g_bytes_get_data (transfer->call.body, &length);
    size_t some = MIN (size * n, length - transfer->asked);
    memcpy (into, bytes + transfer->asked, some);
    transfer->asked += some;
    transfer->uploading = true;
    return some;
}

/* Without this curl would take a body from its start for the second sending, too. */
static int refuse_seek (void *data, curl_off_t offset, int origin)
{
    (void) data, (void) offset, (void) origin;
    return CURL_SEEKFUNC_FAIL;
}

/* Whole lines. curl takes a connection that ends within the head for the end of the answer. */
static size_t take_head (char *bytes, size_t size, size_t n, void *data)
{
    struct http_transfer *transfer = data;
    size_t given = size * n;
    if (given >= 5 && memcmp (bytes, "HTTP/", 5) == 0) transfer->headed = false; /* after 100 Continue comes another */
    if (given > 0 && (*bytes == '\r' || *bytes == '\n')) transfer->headed = true;
    transfer->head_size += given;
    return transfer->head_size > HEAD_MOST ? 0 : given;
}

static size_t take_body (char *bytes, size_t size, size_t n, void *data)
{
    struct http_transfer *transfer = data;
    size_t given = size * n, room = transfer->call.answer_most - transfer->body->len;
    g_byte_array_append (transfer->body, (const guint8 *) bytes, (guint) MIN (given, room));
    transfer->cut = given > room;
    return transfer->cut ? 0 : given;
}

/* ---- the beginning ---- */

/* A libcurl that does not know an option would leave a guard out. */
#define SET(option, value) \
    do { \
        CURLcode set = curl_easy_setopt (easy, option, value); \
        g_assert (set == CURLE_OK); \
    } while (0)

static void set_guards (struct http_transfer *transfer, CURL *easy)
{
    SET (CURLOPT_NOSIGNAL, 1L);
    SET (CURLOPT_PROTOCOLS_STR, "http,https");
    SET (CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    SET (CURLOPT_PROXY, "");
    SET (CURLOPT_FOLLOWLOCATION, 0L);
    SET (CURLOPT_OPENSOCKETFUNCTION, open_socket);
    SET (CURLOPT_OPENSOCKETDATA, transfer);
    SET (CURLOPT_PREREQFUNCTION, before_request);
    SET (CURLOPT_PREREQDATA, transfer);
    SET (CURLOPT_MAXLIFETIME_CONN, (long) CONNECTION_LIFE);
    /* one request a connection: what ends it, ends no other */
    SET (CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
}

/* Rounded up: curl takes 0 for its own default. */
static long milliseconds (int64_t time)
{
    return (long) CLAMP ((time + 999) / 1000, 1, G_MAXINT32);
}

static void set_times (const struct http_transfer *transfer, CURL *easy)
{
    SET (CURLOPT_CONNECTTIMEOUT_MS, milliseconds (transfer->limits.connect));
    SET (CURLOPT_TIMEOUT_MS, milliseconds (transfer->limits.whole));
    /* a lookup that takes too long is left alone; curl would wait for it, and all other calls with it */
    SET (CURLOPT_QUICK_EXIT, 1L);
    SET (CURLOPT_LOW_SPEED_TIME, (long) SLOW_TIME);
    SET (CURLOPT_LOW_SPEED_LIMIT, (long) SLOW_SPEED);
}

static void add_header (struct http_transfer *transfer, const char *name, const char *value)
{
    /* curl wants a semicolon where there is no value; a colon and no value would leave its own header out */
    g_autofree char *line = *value ? g_strconcat (name, ": ", value, NULL) : g_strconcat (name, ";", NULL);
    transfer->headers = curl_slist_append (transfer->headers, line);
}

static void set_headers (struct http_transfer *transfer, CURL *easy, const char *user_agent)
{
    const struct call_request *call = &transfer->call;
    for (guint i = 0; call->headers && i + 1 < call->headers->len; i += 2)
        add_header (transfer, call->headers->pdata[i], call->headers->pdata[i + 1]);
    if (call->content_type)
        add_header (transfer, "Content-Type", call->content_type);
    else
        transfer->headers = curl_slist_append (transfer->headers, "Content-Type:");
    transfer->headers = curl_slist_append (transfer->headers, "Expect:");
    SET (CURLOPT_HTTPHEADER, transfer->headers);
    SET (CURLOPT_USERAGENT, user_agent);
    if (!call->user && !call->password) return;
    SET (CURLOPT_HTTPAUTH, (long) CURLAUTH_BASIC);
    SET (CURLOPT_USERNAME, call->user ? call->user : "");
    SET (CURLOPT_PASSWORD, call->password ? call->password : "");
}

static void set_body (struct http_transfer *transfer, CURL *easy)
{
    const struct call_request *call = &transfer->call;
    size_t size = call->body ? g_bytes_get_size (call->body) : 0;
    bool asks = strcmp (call->method, "GET") == 0 || strcmp (call->method, "DELETE") == 0;
    if (strcmp (call->method, "HEAD") == 0) {
        SET (CURLOPT_NOBODY, 1L);
    } else if (size > 0 || !asks) {
        SET (CURLOPT_POST, 1L);
        SET (CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) size);
        SET (CURLOPT_UPLOAD_BUFFERSIZE, (long) UPLOAD_BUFFER);
        SET (CURLOPT_READFUNCTION, read_body);
        SET (CURLOPT_READDATA, transfer);
        SET (CURLOPT_SEEKFUNCTION, refuse_seek);
    }
    SET (CURLOPT_CUSTOMREQUEST, call->method);
}

void http_transfer_begin (struct http_transfer *transfer, CURL *easy, const char *user_agent)
{
    transfer->easy = easy;
    transfer->began = g_get_monotonic_time ();
    transfer->body = g_byte_array_new ();
    SET (CURLOPT_PRIVATE, transfer);
    SET (CURLOPT_URL, transfer->call.url);
    SET (CURLOPT_HEADERFUNCTION, take_head);
    SET (CURLOPT_HEADERDATA, transfer);
    SET (CURLOPT_WRITEFUNCTION, take_body);
    SET (CURLOPT_WRITEDATA, transfer);
    set_guards (transfer, easy);
    set_times (transfer, easy);
    set_headers (transfer, easy, user_agent);
    set_body (transfer, easy);
}

/* ---- the end ---- */

/* Seconds or a date (RFC 9110 §10.2.3). curl's own reading does not tell "0" from what it did not understand. */
static int64_t read_retry_after (CURL *easy)
{
    struct curl_header *header;
    if (curl_easy_header (easy, "Retry-After", 0, CURLH_HEADER, -1, &header) != CURLHE_OK || !*header->value) return -1;
    uint64_t most = RETRY_AFTER_MOST / G_TIME_SPAN_SECOND;
    if (strspn (header->value, "0123456789") == strlen (header->value))
        return (int64_t) MIN (g_ascii_strtoull (header->value, NULL, 10), most) * G_TIME_SPAN_SECOND;
    int64_t date = curl_getdate (header->value, NULL);
    if (date < 0) return -1;
    return CLAMP (date * G_TIME_SPAN_SECOND - g_get_real_time (), 0, RETRY_AFTER_MOST);
}

static int64_t time_taken (const struct http_transfer *transfer)
{
    return transfer->easy ? g_get_monotonic_time () - transfer->began : 0;
}

static void tell_answer (struct http_transfer *transfer, unsigned status)
{
    CURL *easy = transfer->easy;
    const char *type = NULL, *location = NULL;
    curl_easy_getinfo (easy, CURLINFO_CONTENT_TYPE, &type);
    curl_easy_getinfo (easy, CURLINFO_REDIRECT_URL, &location);
    g_autoptr (GBytes) body = g_byte_array_free_to_bytes (g_steal_pointer (&transfer->body));
    struct call_outcome outcome = {
        .result = CALL_ANSWERED,
        .answer =
            {
                .status = status,
                .content_type = type ? type : "",
                .location = location,
                .body = body,
                .cut = transfer->cut,
                .retry_after = read_retry_after (easy),
            },
        .words = "",
        .took = time_taken (transfer),
    };
    transfer->done (&outcome, transfer->data);
}

static void tell_fault (struct http_transfer *transfer, const char *words, const char *host)
{
    enum call_result result = was_sent (transfer) ? CALL_UNKNOWN : CALL_NOT_SENT;
    bool forbidden = result == CALL_NOT_SENT && transfer->refused && !transfer->tried;
    if (forbidden) words = "the address is private";
    g_autofree char *where = host ? g_strdup_printf ("%s (%.200s)", words, host) : g_strdup (words);
    struct call_outcome outcome = {
        .result = result, .words = where, .forbidden = forbidden, .late = transfer->late, .took = time_taken (transfer)};
    transfer->done (&outcome, transfer->data);
}

void http_transfer_end (struct http_transfer *transfer, CURLcode code, const char *host)
{
    long status = 0;
    curl_easy_getinfo (transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 200 && transfer->headed && (code == CURLE_OK || (code == CURLE_WRITE_ERROR && transfer->cut))) {
        tell_answer (transfer, (unsigned) status);
        return;
    }
    /* what curl says of these is about our guard, not about what happened */
    if (code == CURLE_SEND_FAIL_REWIND || transfer->ended_unanswered) code = CURLE_GOT_NOTHING;
    /* and to curl it is no fault that a connection ends within the head, or goes on with another protocol */
    if (code == CURLE_OK) code = CURLE_WEIRD_SERVER_REPLY;
    tell_fault (transfer, transfer->head_size > HEAD_MOST ? "the answer's head is too long" : curl_easy_strerror (code), host);
}

void http_transfer_break (struct http_transfer *transfer, const char *words, const char *host)
{
    tell_fault (transfer, words, host);
}
