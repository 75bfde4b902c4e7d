/* SPDX-License-Identifier: Apache-2.0
 *
 * A load of signed webhooks on loopback: Twilio's or, with --whatsapp, Meta's, whose token is the app's secret. Every request is another message
 * (a benchmark of redeliveries measures nothing), or, with --receipts, tells that one of the messages in that file (lines of "SID id +1555…") was
 * delivered; all are made and signed before the clock starts. One thread, epoll. Closed loop: every connection sends its next request when it has
 * its answer. With --rate, open loop: requests are due at even intervals, and latency counts from when one was due.
 *
 *     load --port P --url PUBLIC_URL/hooks/acme/support-sms --token T --connections C --messages N [--senders S] [--first-sender F] [--run NAME]
 *     load --port P --url PUBLIC_URL/hooks/acme/wa --token SECRET --connections C --messages N --whatsapp …
 *     load --port P --url … --token T --connections C --receipts FILE          either with [--rate R]
 *
 * Prints one JSON line: {"acknowledged":N,"refused":N,"seconds":S,"rate":R,"p50":ms,"p99":ms}
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static int port, n_messages = 10000, n_connections = 64, n_senders = 10000, first_sender, rate;
static char *url, *token, *run_name = "a", *receipts;
static gboolean whatsapp;
static const GOptionEntry entries[] = {
    {"port", 0, 0, G_OPTION_ARG_INT, &port, "", ""},
    {"messages", 0, 0, G_OPTION_ARG_INT, &n_messages, "", ""},
    {"connections", 0, 0, G_OPTION_ARG_INT, &n_connections, "", ""},
    {"senders", 0, 0, G_OPTION_ARG_INT, &n_senders, "", ""},
    {"first-sender", 0, 0, G_OPTION_ARG_INT, &first_sender, "", ""},
    {"rate", 0, 0, G_OPTION_ARG_INT, &rate, "", ""},
    {"url", 0, 0, G_OPTION_ARG_STRING, &url, "", ""},
    {"token", 0, 0, G_OPTION_ARG_STRING, &token, "", ""},
    {"run", 0, 0, G_OPTION_ARG_STRING, &run_name, "", ""},
    {"receipts", 0, 0, G_OPTION_ARG_STRING, &receipts, "", ""},
    {"whatsapp", 0, 0, G_OPTION_ARG_NONE, &whatsapp, "", ""},
    G_OPTION_ENTRY_NULL,
};

struct request {
    char *bytes;
    size_t length;
};

struct connection {
    int fd;
    bool busy;
    struct request *request;
    size_t sent, received;
    int64_t due;
    int n_answers, last_status;
    char answer[4096];
};

typedef const char *pair[2];

/* A POST of those parameters, given in the order that the signature wants. */
static struct request sign (const char *to, const pair *pairs, size_t n)
{
    g_autoptr (GString) body = g_string_new (NULL);
    GHmac *hmac = g_hmac_new (G_CHECKSUM_SHA1, (const guchar *) token, strlen (token));
    g_hmac_update (hmac, (const guchar *) to, -1);
    for (size_t k = 0; k < n; k++) {
        g_hmac_update (hmac, (const guchar *) pairs[k][0], -1);
        g_hmac_update (hmac, (const guchar *) pairs[k][1], -1);
        g_autofree char *value = g_uri_escape_string (pairs[k][1], NULL, false);
        g_string_append_printf (body, "%s%s=%s", k ? "&" : "", pairs[k][0], value);
    }
    guint8 digest[20];
    gsize size = sizeof digest;
    g_hmac_get_digest (hmac, digest, &size);
    g_hmac_unref (hmac);
    g_autofree char *signature = g_base64_encode (digest, size);
    const char *path = strstr (strstr (to, "//") + 2, "/");
    char *bytes = g_strdup_printf (
        "POST %s HTTP/1.1\r\nHost: gw.example.com\r\nUser-Agent: TwilioProxy/1.1\r\nAccept: */*\r\nX-Twilio-Signature: %s\r\n"
        "Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\nContent-Length: %zu\r\n\r\n%s",
        path, signature, body->len, body->str);
    return (struct request){bytes, strlen (bytes)};
}

/* As a real one. */
static struct request make_message (int i)
{
    g_autofree char *sid = g_strdup_printf ("SM%s%030d", run_name, i);
    g_autofree char *from = g_strdup_printf ("+1555%07d", first_sender + (int) ((int64_t) i * 7919 % n_senders));
    const pair pairs[] = {{"AccountSid", "AC00000000000000000000000000000001"},
                          {"ApiVersion", "2010-04-01"},
                          {"Body", "Hello, is my order 4711 on its way? I need it on Friday."},
                          {"From", from},
                          {"FromCity", "HOLYOKE"},
                          {"FromCountry", "US"},
                          {"FromState", "MA"},
                          {"FromZip", "01022"},
                          {"MessageSid", sid},
                          {"NumMedia", "0"},
                          {"NumSegments", "1"},
                          {"SmsMessageSid", sid},
                          {"SmsSid", sid},
                          {"SmsStatus", "received"},
                          {"To", "+15550001111"},
                          {"ToCountry", "US"}};
    return sign (url, pairs, G_N_ELEMENTS (pairs));
}

/* The same on WhatsApp. */
static struct request make_whatsapp (int i)
{
    int sender = first_sender + (int) ((int64_t) i * 7919 % n_senders);
    g_autofree char *body = g_strdup_printf (
        "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"102290129340398\",\"changes\":[{\"value\":{\"messaging_product\":"
        "\"whatsapp\","
        "\"metadata\":{\"display_phone_number\":\"15550004444\",\"phone_number_id\":\"106540352242922\"},"
        "\"contacts\":[{\"profile\":{\"name\":\"J\\u00f6rg\"},\"wa_id\":\"1555%07d\",\"user_id\":\"US.%07d\"}],"
        "\"messages\":[{\"from\":\"1555%07d\",\"from_user_id\":\"US.%07d\",\"id\":\"wamid.%s%030d\",\"timestamp\":\"%" G_GINT64_FORMAT
        "\",\"type\":\"text\","
        "\"text\":{\"body\":\"Hello, is my order 4711 on its way? I need it on Friday.\"}}]},\"field\":\"messages\"}]}]}",
        sender, sender, sender, sender, run_name, i, g_get_real_time () / G_USEC_PER_SEC);
    size_t length = strlen (body);
    g_autofree char *signature =
        g_compute_hmac_for_data (G_CHECKSUM_SHA256, (const guchar *) token, strlen (token), (const guchar *) body, length);
    const char *path = strstr (strstr (url, "//") + 2, "/");
    char *bytes = g_strdup_printf ("POST %s HTTP/1.1\r\nHost: gw.example.com\r\nUser-Agent: facebookexternalua\r\nAccept: */*\r\n"
                                   "X-Hub-Signature-256: sha256=%s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                                   path, signature, length, body);
    return (struct request){bytes, strlen (bytes)};
}

static struct request make_receipt (const char *line)
{
    g_auto (GStrv) words = g_strsplit (line, " ", 3);
    g_autofree char *to = g_strdup_printf ("%s?message=%s&part=0", url, words[1]);
    const pair pairs[] = {{"AccountSid", "AC00000000000000000000000000000001"},
                          {"ApiVersion", "2010-04-01"},
                          {"From", "+15550001111"},
                          {"MessageSid", words[0]},
                          {"MessageStatus", "delivered"},
                          {"SmsSid", words[0]},
                          {"SmsStatus", "delivered"},
                          {"To", words[2]}};
    return sign (to, pairs, G_N_ELEMENTS (pairs));
}

/* All requests; sets n_messages where the file says how many there are. */
static struct request *make_requests (void)
{
    g_autofree char *text = NULL;
    if (receipts && !g_file_get_contents (receipts, &text, NULL, NULL)) exit (2);
    g_auto (GStrv) lines = text ? g_strsplit (g_strchomp (text), "\n", -1) : NULL;
    if (lines) n_messages = (int) g_strv_length (lines);
    struct request *requests = g_new (struct request, n_messages);
    for (int i = 0; i < n_messages; i++) requests[i] = lines ? make_receipt (lines[i]) : whatsapp ? make_whatsapp (i) : make_message (i);
    return requests;
}

static int open_connection (void)
{
    int fd = socket (AF_INET, SOCK_STREAM, 0), one = 1;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons ((uint16_t) port), .sin_addr.s_addr = htonl (INADDR_LOOPBACK)};
    if (fd < 0 || connect (fd, (struct sockaddr *) &to, sizeof to) < 0) {
        perror ("connect");
        exit (1);
    }
    setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl (fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static void push (struct connection *c)
{
    while (c->sent < c->request->length) {
        ssize_t n = write (c->fd, c->request->bytes + c->sent, c->request->length - c->sent);
        if (n < 0 && errno == EAGAIN) return; /* requests are far smaller than a socket's buffer: this hardly happens, and EPOLLOUT is on */
        if (n < 0) {
            perror ("write");
            exit (1);
        }
        c->sent += (size_t) n;
    }
}

static void start (struct connection *c, struct request *request, int64_t due)
{
    c->request = request;
    c->sent = c->received = 0;
    c->due = due;
    c->busy = true;
    push (c);
}

static int n_done;

/* True: a whole answer is there. Ours all have a Content-Length. */
static bool pull (struct connection *c, int *status)
{
    ssize_t n = read (c->fd, c->answer + c->received, sizeof c->answer - 1 - c->received);
    if (n < 0 && errno == EAGAIN) return false;
    if (n <= 0) {
        c->answer[c->received] = '\0';
        fprintf (stderr,
                 "the gateway closed a connection (%s) after %d answers, of which it had %d, the last of them %d; its request was due "
                 "%" G_GINT64_FORMAT " ms ago: %s\n",
                 n ? strerror (errno) : "end", n_done, c->n_answers, c->last_status, (g_get_monotonic_time () - c->due) / 1000, c->answer);
        exit (1);
    }
    c->received += (size_t) n;
    c->answer[c->received] = '\0';
    char *end = strstr (c->answer, "\r\n\r\n"), *length = strcasestr (c->answer, "content-length:");
    if (!end || !length || c->received < (size_t) (end + 4 - c->answer) + strtoul (length + 15, NULL, 10)) return false;
    *status = c->last_status = atoi (c->answer + 9);
    c->n_answers++;
    c->busy = false;
    return true;
}

static int compare (const void *a, const void *b)
{
    int64_t x = *(const int64_t *) a, y = *(const int64_t *) b;
    return (x > y) - (x < y);
}

int main (int argc, char **argv)
{
    g_autoptr (GOptionContext) context = g_option_context_new (NULL);
    g_option_context_add_main_entries (context, entries, NULL);
    if (!g_option_context_parse (context, &argc, &argv, NULL) || !port || !url || !token) return 2;
    struct request *requests = make_requests ();
    struct connection *connections = g_new0 (struct connection, n_connections);
    int64_t *latencies = g_new (int64_t, n_messages);
    int epoll = epoll_create1 (0), next = 0, turn = 0, refused = 0;
    for (int i = 0; i < n_connections; i++) {
        connections[i].fd = open_connection ();
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = &connections[i]};
        epoll_ctl (epoll, EPOLL_CTL_ADD, connections[i].fd, &event);
    }
    int64_t began = g_get_monotonic_time ();
    while (n_done < n_messages) {
        int64_t now = g_get_monotonic_time ();
        /* In turn: a connection that nobody uses is closed. */
        for (int i = 0; i < n_connections && next < n_messages; i++) {
            int64_t due = rate ? began + (int64_t) next * G_USEC_PER_SEC / rate : now;
            if (due > now) break;
            struct connection *c = &connections[turn];
            turn = (turn + 1) % n_connections;
            if (!c->busy) start (c, &requests[next++], due);
        }
        struct epoll_event events[256];
        int n = epoll_wait (epoll, events, G_N_ELEMENTS (events), rate ? 1 : 1000);
        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            int status = 0;
            if (!c->busy) continue;
            push (c);
            if (!pull (c, &status)) continue;
            if (status != 200) refused++;
            latencies[n_done++] = g_get_monotonic_time () - c->due;
            if (!rate && next < n_messages) start (c, &requests[next++], g_get_monotonic_time ());
        }
    }
    double seconds = (double) (g_get_monotonic_time () - began) / G_USEC_PER_SEC;
    qsort (latencies, (size_t) n_messages, sizeof *latencies, compare);
    printf ("{\"acknowledged\":%d,\"refused\":%d,\"seconds\":%.3f,\"rate\":%.0f,\"p50\":%.2f,\"p99\":%.2f}\n", n_done - refused, refused,
            seconds, (n_done - refused) / seconds, (double) latencies[n_messages / 2] / 1000,
            (double) latencies[(int) (n_messages * 0.99)] / 1000);
    return refused ? 1 : 0;
}
