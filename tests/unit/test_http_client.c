/* SPDX-License-Identifier: Apache-2.0
 *
 * The HTTP client against peers on loopback that behave, and against those that do not.
 */
#include "net/http_client.h"

#include "net/http_server.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define GOOD "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\ngood"
#define LONG (60 * G_TIME_SPAN_SECOND)
#define SHORT (200 * G_TIME_SPAN_MILLISECOND)

/* ---- a peer: a listener, and a thread for each connection ---- */

struct peer {
    void (*serve) (struct peer *peer, int fd); /* one connection, until it ends */
    const char *answer;
    int listener;
    unsigned port;
    GThread *thread;
    GPtrArray *servers;
    GMutex lock; /* of these */
    GCond changed;
    int connections, requests, open, held, round;
    bool let_go;
    size_t said;
    GString *heard; /* the last request */
};

struct accepted {
    struct peer *peer;
    int fd;
};

static void *serve (void *data)
{
    struct accepted *accepted = data;
    struct peer *peer = accepted->peer;
    peer->serve (peer, accepted->fd);
    close (accepted->fd);
    g_mutex_lock (&peer->lock);
    peer->open--;
    g_cond_broadcast (&peer->changed);
    g_mutex_unlock (&peer->lock);
    g_free (accepted);
    return NULL;
}

static void *accept_all (void *data)
{
    struct peer *peer = data;
    int fd;
    while ((fd = accept4 (peer->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        g_mutex_lock (&peer->lock);
        peer->connections++;
        peer->open++;
        g_mutex_unlock (&peer->lock);
        struct accepted *accepted = g_new0 (struct accepted, 1);
        *accepted = (struct accepted){peer, fd};
        g_ptr_array_add (peer->servers, g_thread_new ("peer", serve, accepted));
    }
    return NULL;
}

static int listen_anywhere (int backlog, unsigned *port)
{
    int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t size = sizeof at;
    at.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
    g_assert_cmpint (bind (fd, (struct sockaddr *) &at, size), ==, 0);
    g_assert_cmpint (listen (fd, backlog), ==, 0);
    g_assert_cmpint (getsockname (fd, (struct sockaddr *) &at, &size), ==, 0);
    *port = ntohs (at.sin_port);
    return fd;
}

static struct peer *peer_start (void (*how) (struct peer *peer, int fd), const char *answer)
{
    struct peer *peer = g_new0 (struct peer, 1);
    peer->serve = how;
    peer->answer = answer;
    peer->servers = g_ptr_array_new ();
    peer->heard = g_string_new (NULL);
    peer->listener = listen_anywhere (SOMAXCONN, &peer->port);
    peer->thread = g_thread_new ("listener", accept_all, peer);
    return peer;
}

/* Once the client is gone, whose end ends the connections. */
static void peer_stop (struct peer *peer)
{
    shutdown (peer->listener, SHUT_RDWR);
    g_thread_join (peer->thread);
    for (guint i = 0; i < peer->servers->len; i++) g_thread_join (peer->servers->pdata[i]);
    close (peer->listener);
    g_ptr_array_unref (peer->servers);
    g_string_free (peer->heard, TRUE);
    g_mutex_clear (&peer->lock);
    g_cond_clear (&peer->changed);
    g_free (peer);
}

static char *url_of (const struct peer *peer, const char *path)
{
    return g_strdup_printf ("http://127.0.0.1:%u%s", peer->port, path);
}

static bool say_bytes (int fd, const char *bytes, size_t n)
{
    for (size_t said = 0; said < n;) {
        ssize_t some = send (fd, bytes + said, n - said, MSG_NOSIGNAL);
        if (some < 0) return false;
        said += (size_t) some;
    }
    return true;
}

static bool say (int fd, const char *text)
{
    return say_bytes (fd, text, strlen (text));
}

static size_t length_of (const GString *head)
{
    const char *length = strstr (head->str, "\r\nContent-Length: ");
    return length ? (size_t) g_ascii_strtoull (length + 18, NULL, 10) : 0;
}

/* A whole request. False: the connection ended. */
static bool hear (struct peer *peer, int fd)
{
    g_autoptr (GString) heard = g_string_new (NULL);
    char bytes[16384], *end = NULL;
    while (!end || (size_t) (heard->str + heard->len - end - 4) < length_of (heard)) {
        ssize_t n = recv (fd, bytes, sizeof bytes, 0);
        if (n <= 0) return false;
        g_string_append_len (heard, bytes, n);
        end = strstr (heard->str, "\r\n\r\n");
    }
    g_mutex_lock (&peer->lock);
    peer->requests++;
    g_string_assign (peer->heard, heard->str);
    g_mutex_unlock (&peer->lock);
    return true;
}

static bool heard (struct peer *peer, const char *text)
{
    g_mutex_lock (&peer->lock);
    bool found = strstr (peer->heard->str, text) != NULL;
    g_mutex_unlock (&peer->lock);
    return found;
}

static void expect_counts (struct peer *peer, int connections, int requests)
{
    g_mutex_lock (&peer->lock);
    g_assert_cmpint (peer->connections, ==, connections);
    g_assert_cmpint (peer->requests, ==, requests);
    g_mutex_unlock (&peer->lock);
}

static void serve_well (struct peer *peer, int fd)
{
    while (hear (peer, fd) && say (fd, peer->answer))
        ;
}

static void serve_once (struct peer *peer, int fd)
{
    if (hear (peer, fd)) say (fd, peer->answer);
}

/* Hears and says nothing, until the other side has enough. */
static void serve_nothing (struct peer *peer, int fd)
{
    while (hear (peer, fd))
        ;
}

/* Answers nobody until it is let go. */
static void serve_held (struct peer *peer, int fd)
{
    while (hear (peer, fd)) {
        g_mutex_lock (&peer->lock);
        peer->held++;
        g_cond_broadcast (&peer->changed);
        while (!peer->let_go) g_cond_wait (&peer->changed, &peer->lock);
        peer->held--;
        g_mutex_unlock (&peer->lock);
        if (!say (fd, peer->answer)) return;
    }
}

/* Until all its connections have ended. */
static void await_end (struct peer *peer)
{
    g_mutex_lock (&peer->lock);
    while (peer->open > 0) g_cond_wait (&peer->changed, &peer->lock);
    g_mutex_unlock (&peer->lock);
}

static void await_held (struct peer *peer, int n)
{
    g_mutex_lock (&peer->lock);
    while (peer->held < n) g_cond_wait (&peer->changed, &peer->lock);
    g_mutex_unlock (&peer->lock);
}

static void let_go (struct peer *peer)
{
    g_mutex_lock (&peer->lock);
    peer->let_go = true;
    g_cond_broadcast (&peer->changed);
    g_mutex_unlock (&peer->lock);
}

/* ---- a client, and what it was told ---- */

static struct http_client *client_start (unsigned connections, unsigned per_host)
{
    GError *error = NULL;
    struct http_client *client = http_client_start (&(struct http_client_options){connections, per_host, "switchboard-test/1"}, &error);
    g_assert_no_error (error);
    return client;
}

static GMutex telling;
static GCond told_one;

struct told {
    int n;
    enum call_result result;
    unsigned status;
    char *type, *location, *words;
    GBytes *body;
    bool cut, forbidden, late;
    int64_t retry_after;
};

static void note (const struct call_outcome *outcome, void *data)
{
    struct told *told = data;
    g_mutex_lock (&telling);
    told->n++;
    told->result = outcome->result;
    told->words = g_strdup (outcome->words);
    told->forbidden = outcome->forbidden;
    told->late = outcome->late;
    g_assert_cmpint (outcome->took, >=, 0);
    if (outcome->result == CALL_ANSWERED) {
        told->status = outcome->answer.status;
        told->type = g_strdup (outcome->answer.content_type);
        told->location = g_strdup (outcome->answer.location);
        told->body = g_bytes_ref (outcome->answer.body);
        told->cut = outcome->answer.cut;
        told->retry_after = outcome->answer.retry_after;
        g_assert_cmpstr (outcome->words, ==, "");
    } else {
        g_assert_cmpstr (outcome->words, !=, "");
        g_assert_null (strstr (outcome->words, "No error"));
        g_assert_null (strstr (outcome->words, "disk")); /* nothing of ours: a head without end is the other side's */
    }
    g_cond_broadcast (&told_one);
    g_mutex_unlock (&telling);
}

static void await (struct told *told)
{
    g_mutex_lock (&telling);
    while (told->n == 0) g_cond_wait (&told_one, &telling);
    g_assert_cmpint (told->n, ==, 1);
    g_mutex_unlock (&telling);
}

static void told_clear (struct told *told)
{
    g_free (told->type);
    g_free (told->location);
    g_free (told->words);
    g_clear_pointer (&told->body, g_bytes_unref);
    *told = (struct told){0};
}

static const struct http_client_limits patient = {.allow_private = true, .connect = LONG, .whole = LONG};
static const struct http_client_limits hasty = {.allow_private = true, .connect = LONG, .whole = SHORT};
static const struct http_client_limits wary = {.allow_private = false, .connect = LONG, .whole = LONG};

/* url is taken. */
static struct call_request request (const char *method, char *url, const char *body)
{
    return (struct call_request){
        .method = method,
        .url = url,
        .content_type = body ? "text/plain" : NULL,
        .body = body ? g_bytes_new (body, strlen (body)) : NULL,
        .answer_most = 100000,
    };
}

static void ask (struct http_client *client, struct call_request call, const struct http_client_limits *limits, struct told *told)
{
    *told = (struct told){0};
    http_client_call (client, &call, limits, note, told);
    g_assert_null (call.url);
}

/* Asks, waits, and says how it ended. */
static enum call_result try (struct http_client *client, struct call_request call, const struct http_client_limits *limits)
{
    struct told told;
    ask (client, call, limits, &told);
    await (&told);
    enum call_result result = told.result;
    told_clear (&told);
    return result;
}

/* How a POST ends with a peer that behaves like that. */
static enum call_result try_peer (void (*how) (struct peer *peer, int fd), const char *answer, const struct http_client_limits *limits)
{
    struct peer *peer = peer_start (how, answer);
    struct http_client *client = client_start (10, 10);
    enum call_result result = try (client, request ("POST", url_of (peer, "/"), "hello"), limits);
    http_client_free (client);
    peer_stop (peer);
    return result;
}

static void expect_body (const struct told *told, const char *text)
{
    g_assert_cmpint (told->result, ==, CALL_ANSWERED);
    g_assert_cmpmem (g_bytes_get_data (told->body, NULL), g_bytes_get_size (told->body), text, strlen (text));
}

/* ---- the good ---- */

static void test_answer (void)
{
    struct peer *peer = peer_start (serve_well, GOOD);
    struct http_client *client = client_start (10, 10);
    struct call_request call = request ("POST", url_of (peer, "/a%20b?c=d"), "hello");
    call.headers = g_ptr_array_new_with_free_func (g_free);
    for (const char *const *word = (const char *const[]){"X-One", "1", "X-None", "", NULL}; *word; word++)
        g_ptr_array_add (call.headers, g_strdup (*word));
    struct told told;
    ask (client, call, &patient, &told);
    await (&told);
    expect_body (&told, "good");
    g_assert_cmpuint (told.status, ==, 200);
    g_assert_cmpstr (told.type, ==, "text/plain");
    g_assert_null (told.location);
    g_assert_cmpint (told.retry_after, ==, -1);
    g_assert_false (told.cut);
    told_clear (&told);
    static const char *const said[] = {"POST /a%20b?c=d HTTP/1.1\r\n",
                                       "\r\nUser-Agent: switchboard-test/1\r\n",
                                       "\r\nX-One: 1\r\n",
                                       "\r\nX-None:\r\n",
                                       "\r\nContent-Type: text/plain\r\n",
                                       "\r\nContent-Length: 5\r\n",
                                       "\r\n\r\nhello"};
    for (size_t i = 0; i < G_N_ELEMENTS (said); i++)
        if (!heard (peer, said[i])) g_error ("no %s in %s", said[i], peer->heard->str);
    g_assert_false (heard (peer, "Authorization"));
    http_client_free (client);
    peer_stop (peer);
}

static void test_methods (void)
{
    static const struct {
        const char *method, *body, *length;
    } cases[] = {{"GET", NULL, NULL}, {"HEAD", NULL, NULL}, {"DELETE", NULL, NULL}, {"POST", NULL, "0"},
                 {"PUT", NULL, "0"},  {"PUT", "abc", "3"},  {"PATCH", "abc", "3"},  {"DELETE", "abc", "3"}};
    struct peer *peer = peer_start (serve_well, "HTTP/1.1 204 No Content\r\n\r\n");
    struct http_client *client = client_start (10, 10);
    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_assert_cmpint (try (client, request (cases[i].method, url_of (peer, "/"), cases[i].body), &patient), ==, CALL_ANSWERED);
        g_autofree char *line = g_strconcat (cases[i].method, " / HTTP/1.1\r\n", NULL);
        g_autofree char *length = g_strconcat ("\r\nContent-Length: ", cases[i].length, "\r\n", NULL);
        g_assert_true (heard (peer, line));
        g_assert_true (heard (peer, cases[i].length ? length : "\r\n\r\n"));
        g_assert_true (heard (peer, "Content-Length") == (cases[i].length != NULL));
        g_assert_true (heard (peer, "Content-Type") == (cases[i].body != NULL));
    }
    http_client_free (client);
    peer_stop (peer);
}

/* Without asking first whether it may. */
static void test_large_body (void)
{
    struct peer *peer = peer_start (serve_well, GOOD);
    struct http_client *client = client_start (10, 10);
    g_autofree char *large = g_strnfill (3000000, 'x');
    g_assert_cmpint (try (client, request ("POST", url_of (peer, "/"), large), &patient), ==, CALL_ANSWERED);
    g_assert_false (heard (peer, "Expect"));
    g_assert_true (heard (peer, large));
    http_client_free (client);
    peer_stop (peer);
}

static void test_connections_are_kept (void)
{
    struct peer *peer = peer_start (serve_well, GOOD);
    struct http_client *client = client_start (10, 10);
    for (int i = 0; i < 20; i++)
        g_assert_cmpint (try (client, request (i % 2 ? "POST" : "GET", url_of (peer, "/"), i % 2 ? "x" : NULL), &patient), ==,
                         CALL_ANSWERED);
    expect_counts (peer, 1, 20);
    http_client_free (client);
    peer_stop (peer);
}

static void test_redirect_is_not_followed (void)
{
    struct peer *peer = peer_start (serve_well, "HTTP/1.1 302 Found\r\nLocation: /there?x\r\nContent-Length: 0\r\n\r\n");
    struct http_client *client = client_start (10, 10);
    struct told told;
    ask (client, request ("GET", url_of (peer, "/here"), NULL), &patient, &told);
    await (&told);
    g_autofree char *there = url_of (peer, "/there?x");
    expect_counts (peer, 1, 1);
    g_assert_cmpuint (told.status, ==, 302);
    g_assert_cmpstr (told.location, ==, there);
    g_assert_cmpstr (told.type, ==, "");
    told_clear (&told);
    http_client_free (client);
    peer_stop (peer);
}

static int64_t retry_after (const char *value)
{
    g_autofree char *answer = g_strdup_printf ("HTTP/1.1 429 Too Many Requests\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n", value);
    struct peer *peer = peer_start (serve_well, answer);
    struct http_client *client = client_start (10, 10);
    struct told told;
    ask (client, request ("GET", url_of (peer, "/"), NULL), &patient, &told);
    await (&told);
    g_assert_cmpuint (told.status, ==, 429);
    int64_t after = told.retry_after;
    told_clear (&told);
    http_client_free (client);
    peer_stop (peer);
    return after;
}

static void test_retry_after (void)
{
    g_assert_cmpint (retry_after ("120"), ==, 120 * G_TIME_SPAN_SECOND);
    g_assert_cmpint (retry_after ("0"), ==, 0);
    g_assert_cmpint (retry_after ("Wed, 21 Oct 2015 07:28:00 GMT"), ==, 0);
    g_assert_cmpint (retry_after ("3600"), ==, G_TIME_SPAN_HOUR);
    g_assert_cmpint (retry_after ("3601"), ==, G_TIME_SPAN_HOUR);
    g_assert_cmpint (retry_after ("99999999999999999999"), ==, G_TIME_SPAN_HOUR);
    g_assert_cmpint (retry_after ("Thu, 31 Dec 2099 23:59:59 GMT"), ==, G_TIME_SPAN_HOUR);
    static const char *const garbage[] = {"", "soon", "-5", "120abc", "1.5"};
    for (size_t i = 0; i < G_N_ELEMENTS (garbage); i++) g_assert_cmpint (retry_after (garbage[i]), ==, -1);
    g_autoptr (GDateTime) now = g_date_time_new_now_utc (), then = g_date_time_add_minutes (now, 30);
    g_autofree char *date = g_date_time_format (then, "%a, %d %b %Y %H:%M:%S GMT");
    int64_t after = retry_after (date);
    g_assert_cmpint (after, >, 29 * G_TIME_SPAN_MINUTE);
    g_assert_cmpint (after, <=, 30 * G_TIME_SPAN_MINUTE);
}

static void test_credentials (void)
{
    struct peer *peer =
        peer_start (serve_well, "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"a\"\r\nContent-Length: 0\r\n\r\n");
    struct http_client *client = client_start (10, 10);
    struct call_request call = request ("POST", url_of (peer, "/"), "x");
    call.user = g_strdup ("AC1");
    call.password = g_strdup ("pass:word");
    g_assert_cmpint (try (client, call, &patient), ==, CALL_ANSWERED);
    g_assert_true (heard (peer, "\r\nAuthorization: Basic QUMxOnBhc3M6d29yZA==\r\n"));
    g_assert_cmpint (try (client, request ("POST", url_of (peer, "/"), "x"), &patient), ==, CALL_ANSWERED);
    g_assert_false (heard (peer, "Authorization"));
    expect_counts (peer, 1, 2);
    http_client_free (client);
    peer_stop (peer);
}

static void test_words_hold_no_secrets (void)
{
    struct peer *peer = peer_start (serve_nothing, NULL);
    struct http_client *client = client_start (10, 10);
    g_autofree char *there = url_of (peer, "/hook/t0ken?key=t0ken"), *nowhere = g_strdup ("http://127.0.0.1:1/t0ken");
    g_autofree char *forbidden = g_strdup_printf ("http://t0ken:t0ken@127.0.0.1:%u/", peer->port);
    const char *const urls[] = {there, nowhere, forbidden, "t0ken://t0ken", "http://[t0ken"};
    for (size_t i = 0; i < G_N_ELEMENTS (urls); i++) {
        struct call_request call = request ("POST", g_strdup (urls[i]), "t0ken");
        call.user = g_strdup ("t0ken");
        call.password = g_strdup ("t0ken");
        struct told told;
        ask (client, call, &hasty, &told);
        await (&told);
        g_assert_cmpint (told.result, ==, i == 0 ? CALL_UNKNOWN : CALL_NOT_SENT);
        g_assert_null (strstr (told.words, "t0ken"));
        told_clear (&told);
    }
    http_client_free (client);
    peer_stop (peer);
}

static void test_proxy_of_environment (void)
{
    static const char *const names[] = {"http_proxy", "ALL_PROXY", "all_proxy"};
    for (size_t i = 0; i < G_N_ELEMENTS (names); i++) g_setenv (names[i], "http://127.0.0.1:1", TRUE);
    g_assert_cmpint (try_peer (serve_well, GOOD, &patient), ==, CALL_ANSWERED);
    for (size_t i = 0; i < G_N_ELEMENTS (names); i++) g_unsetenv (names[i]);
}

/* ---- nothing was sent ---- */

static void test_nobody_there (void)
{
    unsigned port;
    close (listen_anywhere (1, &port));
    struct http_client *client = client_start (10, 10);
    struct told told;
    ask (client, request ("POST", g_strdup_printf ("http://127.0.0.1:%u/", port), "x"), &patient, &told);
    await (&told);
    g_assert_cmpint (told.result, ==, CALL_NOT_SENT);
    g_assert_false (told.forbidden);
    told_clear (&told);
    /* a label longer than DNS has: no resolver asks the network for it */
    g_autofree char *label = g_strnfill (70, 'a');
    g_assert_cmpint (try (client, request ("POST", g_strdup_printf ("http://%s.invalid/", label), "x"), &wary), ==, CALL_NOT_SENT);
    http_client_free (client);
}

static void test_bad_requests (void)
{
    static const char *const urls[] = {"",           "http://",          "/path",           "file:///etc/passwd", "ftp://127.0.0.1:1/",
                                       "gopher://x", "http://a:b@host/", "http://host:0x/", "http://ho st/",      "http://host/\r\nX: y"};
    struct http_client *client = client_start (10, 10);
    for (size_t i = 0; i < G_N_ELEMENTS (urls); i++)
        g_assert_cmpint (try (client, request ("POST", g_strdup (urls[i]), "x"), &patient), ==, CALL_NOT_SENT);
    g_autofree char *path = g_strnfill (10000, 'a');
    g_assert_cmpint (try (client, request ("POST", g_strconcat ("http://127.0.0.1:1/", path, NULL), "x"), &patient), ==, CALL_NOT_SENT);
    struct call_request call = request ("POST", g_strdup ("http://127.0.0.1:1/"), "x");
    call.headers = g_ptr_array_new_with_free_func (g_free);
    g_ptr_array_add (call.headers, g_strdup ("X"));
    g_ptr_array_add (call.headers, g_strdup ("a\r\nY: b"));
    g_assert_cmpint (try (client, call, &patient), ==, CALL_NOT_SENT);
    http_client_free (client);
}

static void expect_forbidden (struct http_client *client, char *url)
{
    struct told told;
    ask (client, request ("POST", g_strdup (url), "x"), &wary, &told);
    await (&told);
    if (told.result != CALL_NOT_SENT || !told.forbidden) g_error ("%s was not forbidden: %s", url, told.words);
    told_clear (&told);
    g_free (url);
}

static void test_private_addresses (void)
{
    static const char *const hosts[] = {"127.0.0.1", "127.1", "0x7f.1", "2130706433",         "017700000001",    "0",
                                        "localhost", "[::1]", "[::]",   "[::ffff:127.0.0.1]", "169.254.169.254", "10.0.0.1"};
    struct peer *peer = peer_start (serve_well, GOOD);
    struct http_client *client = client_start (10, 10);
    for (size_t i = 0; i < G_N_ELEMENTS (hosts); i++) expect_forbidden (client, g_strdup_printf ("http://%s:%u/", hosts[i], peer->port));
    expect_counts (peer, 0, 0);
    /* nor on a connection that another call, which may, has left */
    g_assert_cmpint (try (client, request ("GET", url_of (peer, "/"), NULL), &patient), ==, CALL_ANSWERED);
    expect_forbidden (client, url_of (peer, "/"));
    expect_counts (peer, 1, 1);
    http_client_free (client);
    peer_stop (peer);
}

/* A listener whose queue is full answers no SYN. */
static void test_connecting_takes_too_long (void)
{
    unsigned port;
    int listener = listen_anywhere (0, &port), fds[8];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons ((uint16_t) port)};
    to.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
    for (size_t i = 0; i < G_N_ELEMENTS (fds); i++) {
        fds[i] = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        g_assert_true (connect (fds[i], (struct sockaddr *) &to, sizeof to) == 0 || errno == EINPROGRESS);
    }
    struct http_client *client = client_start (10, 10);
    const struct http_client_limits limits = {.allow_private = true, .connect = SHORT, .whole = LONG};
    struct call_request call = request ("POST", g_strdup_printf ("http://127.0.0.1:%u/", port), "x");
    g_assert_cmpint (try (client, call, &limits), ==, CALL_NOT_SENT);
    http_client_free (client);
    for (size_t i = 0; i < G_N_ELEMENTS (fds); i++) close (fds[i]);
    close (listener);
}

static void serve_no_tls (struct peer *peer, int fd)
{
    char bytes[4096];
    (void) peer;
    if (recv (fd, bytes, sizeof bytes, 0) > 0) say (fd, "HTTP/1.1 400 Bad Request\r\n\r\n");
}

static void test_no_tls (void)
{
    struct peer *peer = peer_start (serve_no_tls, NULL);
    struct http_client *client = client_start (10, 10);
    struct call_request call = request ("POST", g_strdup_printf ("https://127.0.0.1:%u/", peer->port), "x");
    g_assert_cmpint (try (client, call, &patient), ==, CALL_NOT_SENT);
    http_client_free (client);
    peer_stop (peer);
}

static unsigned read_port (int out)
{
    g_autoptr (GString) said = g_string_new (NULL);
    char byte;
    while (!strstr (said->str, "ACCEPT ") || said->str[said->len - 1] != '\n') {
        g_assert_cmpint (read (out, &byte, 1), ==, 1);
        g_string_append_c (said, byte);
    }
    return (unsigned) g_ascii_strtoull (strrchr (said->str, ':') + 1, NULL, 10);
}

/* A certificate that no authority has signed is anybody's. */
static void test_strange_certificate (void)
{
    GError *error = NULL;
    g_autofree char *folder = g_dir_make_tmp ("certificate-XXXXXX", &error);
    const char *const make[] = {"openssl",       "req",     "-x509", "-newkey", "rsa:2048", "-nodes", "-subj",
                                "/CN=localhost", "-keyout", "key",   "-out",    "cert",     NULL};
    const char *const run[] = {"openssl", "s_server", "-accept", "127.0.0.1:0", "-key", "key", "-cert", "cert", "-www", NULL};
    int status, out;
    GPid child;
    GSpawnFlags flags = G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL;
    g_spawn_sync (folder, (char **) (uintptr_t) make, NULL, flags | G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL, NULL, &status, &error);
    g_assert_no_error (error);
    g_assert_cmpint (status, ==, 0);
    g_spawn_async_with_pipes (folder, (char **) (uintptr_t) run, NULL, flags | G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &child, NULL, &out,
                              NULL, &error);
    g_assert_no_error (error);
    unsigned port = read_port (out);
    struct http_client *client = client_start (10, 10);
    struct told told;
    ask (client, request ("POST", g_strdup_printf ("https://localhost:%u/", port), "x"), &patient, &told);
    await (&told);
    g_assert_cmpint (told.result, ==, CALL_NOT_SENT);
    g_assert_nonnull (strstr (told.words, "certificate"));
    told_clear (&told);
    http_client_free (client);
    kill (child, SIGKILL);
    g_spawn_close_pid (child);
    close (out);
    static const char *const files[] = {"key", "cert"};
    for (size_t i = 0; i < G_N_ELEMENTS (files); i++) {
        g_autofree char *file = g_build_filename (folder, files[i], NULL);
        unlink (file);
    }
    rmdir (folder);
}

/* ---- it may have been carried out ---- */

static void test_no_whole_answer (void)
{
    static const char *const answers[] = {"",
                                          "HTTP/1.1 20",
                                          "HTTP/1.1 200 OK\r\nContent-Len",
                                          "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
                                          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf",
                                          "220 mail.example.org ESMTP\r\n",
                                          "HTTP/1.1 100 Continue\r\n\r\n",
                                          "<html>"};
    for (size_t i = 0; i < G_N_ELEMENTS (answers); i++)
        if (try_peer (serve_once, answers[i], &patient) != CALL_UNKNOWN) g_error ("not unknown after \"%s\"", answers[i]);
}

static void test_no_answer_in_time (void)
{
    g_assert_cmpint (try_peer (serve_nothing, NULL, &hasty), ==, CALL_UNKNOWN);
}

/* A byte now and then, until the other side has enough. */
static void serve_drip (struct peer *peer, int fd)
{
    if (!hear (peer, fd) || !say (fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")) return;
    struct pollfd gone = {.fd = fd, .events = POLLRDHUP};
    while (poll (&gone, 1, 20) == 0 && say (fd, "x"))
        ;
}

static void test_drip (void)
{
    g_assert_cmpint (try_peer (serve_drip, NULL, &hasty), ==, CALL_UNKNOWN);
}

static void serve_flood (struct peer *peer, int fd)
{
    g_autofree char *block = g_strnfill (65536, 'x');
    if (!hear (peer, fd) || !say (fd, peer->answer)) return;
    size_t said = 0;
    for (; said < 1 << 30 && say_bytes (fd, block, 65536); said += 65536)
        ;
    g_mutex_lock (&peer->lock);
    peer->said = said;
    g_mutex_unlock (&peer->lock);
}

/* A gigabyte, announced or not, and a head without an end. */
static void test_flood (void)
{
    static const char *const answers[] = {"HTTP/1.1 201 Created\r\nContent-Length: 1073741824\r\n\r\n", "HTTP/1.1 201 Created\r\n\r\n",
                                          "HTTP/1.1 201 Created\r\nX: "};
    for (size_t i = 0; i < G_N_ELEMENTS (answers); i++) {
        struct peer *peer = peer_start (serve_flood, answers[i]);
        struct http_client *client = client_start (10, 10);
        struct told told;
        ask (client, request ("POST", url_of (peer, "/"), "x"), &patient, &told);
        await (&told);
        if (i < 2) {
            g_assert_cmpint (told.result, ==, CALL_ANSWERED);
            g_assert_cmpuint (told.status, ==, 201);
            g_assert_true (told.cut);
            g_assert_cmpuint (g_bytes_get_size (told.body), ==, 100000);
        } else {
            g_assert_cmpint (told.result, ==, CALL_UNKNOWN);
        }
        told_clear (&told);
        http_client_free (client);
        await_end (peer);
        g_assert_cmpuint (peer->said, <, 1 << 28);
        peer_stop (peer);
    }
}

/* What fits exactly is not cut. */
static void test_answer_most (void)
{
    struct peer *peer = peer_start (serve_well, GOOD);
    struct http_client *client = client_start (10, 10);
    for (size_t most = 3; most <= 5; most++) {
        struct call_request call = request ("GET", url_of (peer, "/"), NULL);
        call.answer_most = most;
        struct told told;
        ask (client, call, &patient, &told);
        await (&told);
        expect_body (&told, most == 3 ? "goo" : "good");
        g_assert_true (told.cut == (most == 3));
        told_clear (&told);
    }
    http_client_free (client);
    peer_stop (peer);
}

/* Good the first time on a connection, silent the second. */
static void serve_then_close (struct peer *peer, int fd)
{
    if (hear (peer, fd) && say (fd, GOOD)) hear (peer, fd);
}

/* The same, but it does not even read it. */
static void serve_then_reset (struct peer *peer, int fd)
{
    char byte;
    if (!hear (peer, fd) || !say (fd, GOOD) || recv (fd, &byte, 1, MSG_PEEK) <= 0) return;
    g_mutex_lock (&peer->lock);
    peer->requests++;
    g_mutex_unlock (&peer->lock);
}

/* curl of itself would send it again, on a new connection. */
static void expect_no_resend (void (*how) (struct peer *peer, int fd), const char *method, const char *body)
{
    struct peer *peer = peer_start (how, NULL);
    struct http_client *client = client_start (10, 10);
    g_assert_cmpint (try (client, request ("GET", url_of (peer, "/"), NULL), &patient), ==, CALL_ANSWERED);
    g_assert_cmpint (try (client, request (method, url_of (peer, "/"), body), &patient), ==, CALL_UNKNOWN);
    http_client_free (client);
    await_end (peer);
    g_assert_cmpint (peer->requests, ==, 2);
    peer_stop (peer);
}

static void test_nothing_is_sent_twice (void)
{
    g_autofree char *large = g_strnfill (3000000, 'x');
    for (int i = 0; i < 20; i++) {
        expect_no_resend (serve_then_close, "POST", "hello");
        expect_no_resend (serve_then_close, "POST", NULL);
        expect_no_resend (serve_then_close, "GET", NULL);
        expect_no_resend (serve_then_reset, "POST", "hello");
        expect_no_resend (serve_then_reset, "POST", NULL);
        expect_no_resend (serve_then_reset, "POST", large);
    }
}

/* A kept connection that ended while nobody used it has carried nothing, so a new one is opened. */
static void test_ended_connections_are_found (void)
{
    struct peer *peer = peer_start (serve_once, GOOD);
    struct http_client *client = client_start (10, 10);
    for (int i = 0; i < 3; i++) {
        g_assert_cmpint (try (client, request ("POST", url_of (peer, "/"), "x"), &patient), ==, CALL_ANSWERED);
        await_end (peer);
    }
    http_client_free (client);
    peer_stop (peer);
}

/* ---- many at once ---- */

#define CAP 4

/* Answers when as many have come as may be there at once. */
static void serve_in_rounds (struct peer *peer, int fd)
{
    while (hear (peer, fd)) {
        g_mutex_lock (&peer->lock);
        int round = peer->round;
        if (++peer->held == CAP) {
            peer->held = 0;
            peer->round++;
            g_cond_broadcast (&peer->changed);
        }
        while (round == peer->round) g_cond_wait (&peer->changed, &peer->lock);
        g_mutex_unlock (&peer->lock);
        if (!say (fd, peer->answer)) return;
    }
}

static void expect_cap (unsigned connections, unsigned per_host)
{
    struct peer *peer = peer_start (serve_in_rounds, GOOD);
    struct http_client *client = client_start (connections, per_host);
    struct told told[CAP * 10];
    for (size_t i = 0; i < G_N_ELEMENTS (told); i++) ask (client, request ("POST", url_of (peer, "/"), "x"), &patient, &told[i]);
    for (size_t i = 0; i < G_N_ELEMENTS (told); i++) {
        await (&told[i]);
        expect_body (&told[i], "good");
        told_clear (&told[i]);
    }
    expect_counts (peer, CAP, CAP * 10);
    struct http_client_counts counts;
    http_client_look (client, &counts);
    g_assert_cmpuint (counts.waiting + counts.under_way, ==, 0);
    http_client_free (client);
    peer_stop (peer);
}

static void test_caps (void)
{
    expect_cap (100, CAP);
    expect_cap (CAP, 100);
}

/* What waits for longer than it may is not begun when its turn comes; what was called after it is, and its host goes on. */
static void test_late (void)
{
    struct http_client_limits brief = patient;
    brief.wait = 1;
    struct peer *peer = peer_start (serve_held, GOOD);
    struct http_client *client = client_start (10, 1);
    struct told held, late[3], last;
    ask (client, request ("POST", url_of (peer, "/"), "x"), &patient, &held);
    await_held (peer, 1);
    for (size_t i = 0; i < G_N_ELEMENTS (late); i++) ask (client, request ("POST", url_of (peer, "/"), "late"), &brief, &late[i]);
    ask (client, request ("POST", url_of (peer, "/"), "x"), &patient, &last);
    let_go (peer);
    for (size_t i = 0; i < G_N_ELEMENTS (late); i++) {
        await (&late[i]);
        g_assert_cmpint (late[i].result, ==, CALL_NOT_SENT);
        g_assert_true (late[i].late);
        told_clear (&late[i]);
    }
    await (&held);
    await (&last);
    expect_body (&held, "good");
    expect_body (&last, "good");
    g_assert_false (held.late || last.late);
    g_assert_cmpint (peer->requests, ==, 2);
    struct http_client_counts counts;
    http_client_look (client, &counts);
    g_assert_cmpuint (counts.waiting + counts.under_way, ==, 0);
    told_clear (&held);
    told_clear (&last);
    http_client_free (client);
    peer_stop (peer);
}

/* Nor does the time that a call waits for its turn count. */
static void test_slow_host (void)
{
    struct peer *slow = peer_start (serve_held, GOOD), *good = peer_start (serve_well, GOOD), *drip = peer_start (serve_drip, NULL);
    struct http_client *client = client_start (10, CAP);
    struct told told[CAP + 3], others[50];
    for (size_t i = 0; i < G_N_ELEMENTS (told); i++)
        ask (client, request ("POST", url_of (slow, "/"), "x"), i < CAP ? &patient : &hasty, &told[i]);
    await_held (slow, CAP);
    for (size_t i = 0; i < G_N_ELEMENTS (others); i++) ask (client, request ("POST", url_of (good, "/"), "x"), &patient, &others[i]);
    for (size_t i = 0; i < G_N_ELEMENTS (others); i++) {
        await (&others[i]);
        expect_body (&others[i], "good");
        told_clear (&others[i]);
    }
    struct http_client_counts counts;
    http_client_look (client, &counts);
    g_assert_cmpuint (counts.waiting, ==, 3);
    g_assert_cmpuint (counts.under_way, ==, CAP);
    /* this is as long as the three may take */
    g_assert_cmpint (try (client, request ("POST", url_of (drip, "/"), "x"), &hasty), ==, CALL_UNKNOWN);
    let_go (slow);
    for (size_t i = 0; i < G_N_ELEMENTS (told); i++) {
        await (&told[i]);
        expect_body (&told[i], "good");
        told_clear (&told[i]);
    }
    http_client_free (client);
    peer_stop (slow);
    peer_stop (good);
    peer_stop (drip);
}

static GMutex looking;
static GCond looked;
static int lookups_begun, lookups_ended;
static bool lookups_end;

/* Stands before libc's: a name of .slow takes until lookups_end. */
int getaddrinfo (const char *restrict name, const char *restrict service, const struct addrinfo *restrict hints,
                 struct addrinfo **restrict found)
{
    if (!name || !g_str_has_suffix (name, ".slow")) {
        void *real = dlsym (RTLD_NEXT, "getaddrinfo");
        return ((__typeof__ (&getaddrinfo)) (uintptr_t) real) (name, service, hints, found);
    }
    g_mutex_lock (&looking);
    lookups_begun++;
    while (!lookups_end) g_cond_wait (&looked, &looking);
    lookups_ended++;
    g_cond_broadcast (&looked);
    g_mutex_unlock (&looking);
    return EAI_NONAME;
}

/* Neither while it is looked up, nor when it has taken too long, nor at the end. */
static void test_slow_lookup (void)
{
    struct peer *peer = peer_start (serve_well, GOOD);
    struct http_client *client = client_start (10, 10);
    struct told late, last;
    ask (client, request ("POST", g_strdup ("http://host.slow/"), "x"), &hasty, &late);
    ask (client, request ("POST", g_strdup ("http://last.slow/"), "x"), &patient, &last);
    g_assert_cmpint (try (client, request ("POST", url_of (peer, "/"), "x"), &patient), ==, CALL_ANSWERED);
    await (&late);
    g_assert_cmpint (late.result, ==, CALL_NOT_SENT);
    told_clear (&late);
    http_client_free (client);
    g_assert_cmpint (last.result, ==, CALL_NOT_SENT);
    told_clear (&last);
    g_mutex_lock (&looking);
    lookups_end = true;
    g_cond_broadcast (&looked);
    while (lookups_ended < lookups_begun) g_cond_wait (&looked, &looking);
    g_mutex_unlock (&looking);
    peer_stop (peer);
}

static size_t body_max (const struct http_request *head, void *data)
{
    (void) head, (void) data;
    return 1000;
}

static void echo (struct http_exchange *exchange, void *data)
{
    (void) data;
    http_exchange_reply (exchange, http_response_new (200, "text/plain", g_bytes_ref (http_exchange_request (exchange)->body)));
}

struct caller {
    struct http_client *client;
    unsigned port;
    struct told told[50];
};

static void *call_many (void *data)
{
    struct caller *caller = data;
    for (size_t i = 0; i < G_N_ELEMENTS (caller->told); i++) {
        g_autofree char *body = g_strdup_printf ("%p", (void *) &caller->told[i]);
        ask (caller->client, request ("POST", g_strdup_printf ("http://127.0.0.1:%u/", caller->port), body), &patient, &caller->told[i]);
    }
    return NULL;
}

static void test_many_callers (void)
{
    struct http_server_options options = {.listen = "127.0.0.1:0",
                                          .threads = 2,
                                          .connections = 100,
                                          .request_time = LONG,
                                          .idle_time = LONG,
                                          .body_max = body_max,
                                          .handler = echo};
    struct http_server *server = http_server_start (&options, NULL);
    struct http_client *client = client_start (20, 10);
    struct caller callers[4] = {0};
    GThread *threads[G_N_ELEMENTS (callers)];
    for (size_t i = 0; i < G_N_ELEMENTS (callers); i++) {
        callers[i].client = client;
        callers[i].port = http_server_port (server);
        threads[i] = g_thread_new ("caller", call_many, &callers[i]);
    }
    for (size_t i = 0; i < G_N_ELEMENTS (callers); i++) {
        g_thread_join (threads[i]);
        for (size_t j = 0; j < G_N_ELEMENTS (callers[i].told); j++) {
            struct told *told = &callers[i].told[j];
            g_autofree char *body = g_strdup_printf ("%p", (void *) told);
            await (told);
            expect_body (told, body);
            told_clear (told);
        }
    }
    http_client_free (client);
    http_server_stop (server);
}

/* ---- the end ---- */

static void test_stop (void)
{
    struct peer *peer = peer_start (serve_held, GOOD);
    struct http_client *client = client_start (10, CAP);
    struct told told[CAP + 6];
    for (size_t i = 0; i < G_N_ELEMENTS (told); i++) ask (client, request ("POST", url_of (peer, "/"), "x"), &patient, &told[i]);
    await_held (peer, CAP);
    http_client_stop (client);
    for (size_t i = 0; i < G_N_ELEMENTS (told); i++) {
        g_assert_cmpint (told[i].n, ==, 1);
        g_assert_cmpint (told[i].result, ==, i < CAP ? CALL_UNKNOWN : CALL_NOT_SENT);
    }
    let_go (peer);
    http_client_free (client);
    for (size_t i = 0; i < G_N_ELEMENTS (told); i++) {
        g_assert_cmpint (told[i].n, ==, 1);
        told_clear (&told[i]);
    }
    peer_stop (peer);
    http_client_free (NULL);
}

struct again {
    struct http_client *client;
    const struct peer *peer;
    struct told first, second;
};

static void call_again (const struct call_outcome *outcome, void *data)
{
    struct again *again = data;
    note (outcome, &again->first);
    struct call_request call = request ("POST", url_of (again->peer, "/"), "x");
    http_client_call (again->client, &call, &patient, note, &again->second);
}

/* From done itself: the next round of a task. While the client stops it is answered, too. */
static void test_call_from_done (void)
{
    struct peer *peer = peer_start (serve_held, GOOD);
    for (int i = 0; i < 2; i++) {
        struct again again = {.client = client_start (1, 1), .peer = peer};
        bool stops = i == 0;
        struct call_request call = request ("POST", url_of (peer, "/"), "x");
        http_client_call (again.client, &call, &patient, call_again, &again);
        if (stops) {
            await_held (peer, 1);
            http_client_stop (again.client);
            g_assert_cmpint (again.second.n, ==, 1);
            let_go (peer);
        }
        await (&again.second);
        g_assert_cmpint (again.first.result, ==, stops ? CALL_UNKNOWN : CALL_ANSWERED);
        g_assert_cmpint (again.second.result, ==, stops ? CALL_NOT_SENT : CALL_ANSWERED);
        http_client_free (again.client);
        told_clear (&again.first);
        told_clear (&again.second);
    }
    peer_stop (peer);
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/http_client/answer", test_answer);
    g_test_add_func ("/http_client/methods", test_methods);
    g_test_add_func ("/http_client/large-body", test_large_body);
    g_test_add_func ("/http_client/connections-are-kept", test_connections_are_kept);
    g_test_add_func ("/http_client/redirect-is-not-followed", test_redirect_is_not_followed);
    g_test_add_func ("/http_client/retry-after", test_retry_after);
    g_test_add_func ("/http_client/credentials", test_credentials);
    g_test_add_func ("/http_client/words-hold-no-secrets", test_words_hold_no_secrets);
    g_test_add_func ("/http_client/proxy-of-environment", test_proxy_of_environment);
    g_test_add_func ("/http_client/nobody-there", test_nobody_there);
    g_test_add_func ("/http_client/bad-requests", test_bad_requests);
    g_test_add_func ("/http_client/private-addresses", test_private_addresses);
    g_test_add_func ("/http_client/connecting-takes-too-long", test_connecting_takes_too_long);
    g_test_add_func ("/http_client/no-tls", test_no_tls);
    g_test_add_func ("/http_client/strange-certificate", test_strange_certificate);
    g_test_add_func ("/http_client/no-whole-answer", test_no_whole_answer);
    g_test_add_func ("/http_client/no-answer-in-time", test_no_answer_in_time);
    g_test_add_func ("/http_client/drip", test_drip);
    g_test_add_func ("/http_client/flood", test_flood);
    g_test_add_func ("/http_client/answer-most", test_answer_most);
    g_test_add_func ("/http_client/nothing-is-sent-twice", test_nothing_is_sent_twice);
    g_test_add_func ("/http_client/ended-connections-are-found", test_ended_connections_are_found);
    g_test_add_func ("/http_client/caps", test_caps);
    g_test_add_func ("/http_client/late", test_late);
    g_test_add_func ("/http_client/slow-host", test_slow_host);
    g_test_add_func ("/http_client/slow-lookup", test_slow_lookup);
    g_test_add_func ("/http_client/many-callers", test_many_callers);
    g_test_add_func ("/http_client/stop", test_stop);
    g_test_add_func ("/http_client/call-from-done", test_call_from_done);
    return g_test_run ();
}
