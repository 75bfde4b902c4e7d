/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_client.h"

#include "net/http_loop.h"
#include "net/http_transfer.h"

#include <gio/gio.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#define STOPPED "the gateway stops"

/*
 *     inbox ──> host's waiting ──> under way ──> ended
 *     any thread   the client's thread alone
 *
 * A host that has a call waiting and a connection free stands in turns, and takes one turn after the other hosts'.
 */
struct http_host {
    char *name;
    GQueue waiting; /* of struct http_transfer */
    unsigned under_way;
    bool in_turns;
    GList turn;
};

struct http_client {
    struct http_client_options options;
    char *user_agent;
    GThread *thread;

    GMutex lock; /* of these */
    GQueue inbox;
    bool stopping, ended;

    /* of the thread, and what follows, too */
    CURLM *multi;
    struct http_loop *loop;
    GHashTable *hosts;
    GQueue turns, under_way;
    GPtrArray *idle; /* easy handles, as new */

    _Atomic unsigned n_waiting, n_under_way;
};

static void host_free (void *data)
{
    struct http_host *host = data;
    g_free (host->name);
    g_free (host);
}

static void give_turn (struct http_client *client, struct http_host *host)
{
    if (host->in_turns || host->waiting.length == 0 || host->under_way >= client->options.connections_per_host) return;
    host->in_turns = true;
    g_queue_push_tail_link (&client->turns, &host->turn);
}

static struct http_host *find_host (struct http_client *client, char *name)
{
    struct http_host *host = g_hash_table_lookup (client->hosts, name);
    if (host) {
        g_free (name);
        return host;
    }
    host = g_new0 (struct http_host, 1);
    host->name = name;
    host->turn.data = host;
    g_hash_table_insert (client->hosts, host->name, host);
    return host;
}

static void refuse (struct http_client *client, struct http_transfer *transfer, const char *words)
{
    atomic_fetch_sub (&client->n_waiting, 1);
    http_transfer_break (transfer, words, NULL);
    http_transfer_free (transfer);
}

static void admit (struct http_client *client, struct http_transfer *transfer)
{
    const char *words;
    char *name = http_transfer_host (transfer, &words);
    if (!name) {
        refuse (client, transfer, words);
        return;
    }
    transfer->host = find_host (client, name);
    g_queue_push_tail_link (&transfer->host->waiting, &transfer->link);
    give_turn (client, transfer->host);
}

static void begin (struct http_client *client, struct http_transfer *transfer)
{
    CURL *easy = client->idle->len > 0 ? g_ptr_array_steal_index_fast (client->idle, client->idle->len - 1) : curl_easy_init ();
    g_assert (easy != NULL);
    http_transfer_begin (transfer, easy, client->user_agent);
    transfer->host->under_way++;
    g_queue_push_tail_link (&client->under_way, &transfer->link);
    atomic_fetch_sub (&client->n_waiting, 1);
    atomic_fetch_add (&client->n_under_way, 1);
    CURLMcode code = curl_multi_add_handle (client->multi, easy);
    g_assert (code == CURLM_OK);
}

static void forget_if_idle (struct http_client *client, struct http_host *host)
{
    if (host->under_way == 0 && host->waiting.length == 0) g_hash_table_remove (client->hosts, host->name);
}

static bool is_late (struct http_transfer *transfer)
{
    int64_t wait = transfer->limits.wait;
    transfer->late = wait != 0 && g_get_monotonic_time () - transfer->asked_at > wait;
    return transfer->late;
}

static void begin_what_can (struct http_client *client)
{
    struct http_host *host;
    while (client->under_way.length < client->options.connections && (host = g_queue_peek_head (&client->turns)) != NULL) {
        g_queue_unlink (&client->turns, &host->turn);
        host->in_turns = false;
        GList *link = g_queue_pop_head_link (&host->waiting);
        if (is_late (link->data))
            refuse (client, link->data, "too many calls to this host wait");
        else
            begin (client, link->data);
        give_turn (client, host);
        forget_if_idle (client, host);
    }
}

/* Takes it from curl, so that done finds a place free; words: NULL where curl came to the end by itself, with code. */
static void end (struct http_client *client, struct http_transfer *transfer, CURLcode code, const char *words)
{
    struct http_host *host = transfer->host;
    CURL *easy = transfer->easy;
    curl_multi_remove_handle (client->multi, easy);
    g_queue_unlink (&client->under_way, &transfer->link);
    host->under_way--;
    atomic_fetch_sub (&client->n_under_way, 1);
    if (words)
        http_transfer_break (transfer, words, host->name);
    else
        http_transfer_end (transfer, code, host->name);
    http_transfer_free (transfer);
    curl_easy_reset (easy);
    g_ptr_array_add (client->idle, easy);
    give_turn (client, host);
    forget_if_idle (client, host);
}

static void end_what_did (struct http_client *client)
{
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read (client->multi, &left)) != NULL) {
        struct http_transfer *transfer;
        curl_easy_getinfo (message->easy_handle, CURLINFO_PRIVATE, &transfer);
        end (client, transfer, message->data.result, NULL);
    }
}

/* Moves what was called to calls. False, and nothing is moved: it is over. */
static bool take_calls (struct http_client *client, GQueue *calls)
{
    g_queue_init (calls);
    g_mutex_lock (&client->lock);
    bool going = !client->stopping;
    if (going) {
        *calls = client->inbox;
        g_queue_init (&client->inbox);
    }
    g_mutex_unlock (&client->lock);
    return going;
}

/* Those that done calls again on, too. */
static void refuse_calls (struct http_client *client, bool last)
{
    g_mutex_lock (&client->lock);
    for (GList *link; (link = g_queue_pop_head_link (&client->inbox)) != NULL; g_mutex_lock (&client->lock)) {
        g_mutex_unlock (&client->lock);
        refuse (client, link->data, STOPPED);
    }
    client->ended = last;
    g_mutex_unlock (&client->lock);
}

static void end_all (struct http_client *client)
{
    GHashTableIter hosts;
    void *value;
    g_hash_table_iter_init (&hosts, client->hosts);
    while (g_hash_table_iter_next (&hosts, NULL, &value)) {
        struct http_host *host = value;
        for (GList *link; (link = g_queue_pop_head_link (&host->waiting)) != NULL;) refuse (client, link->data, STOPPED);
    }
    while (client->under_way.length > 0) end (client, client->under_way.head->data, CURLE_OK, STOPPED);
    refuse_calls (client, false);
}

/* OpenSSL writes to connections that the other side may have closed. */
static void block_pipe_signals (void)
{
    sigset_t signals;
    sigemptyset (&signals);
    sigaddset (&signals, SIGPIPE);
    pthread_sigmask (SIG_BLOCK, &signals, NULL);
}

static void *run (void *data)
{
    struct http_client *client = data;
    GQueue calls;
    block_pipe_signals ();
    while (take_calls (client, &calls)) {
        for (GList *link; (link = g_queue_pop_head_link (&calls)) != NULL;) admit (client, link->data);
        begin_what_can (client);
        http_loop_turn (client->loop);
        end_what_did (client);
    }
    end_all (client);
    g_ptr_array_set_size (client->idle, 0);
    curl_multi_cleanup (client->multi);
    return NULL;
}

/* Installing a package may change libcurl's flavour, and with it what its guards do. */
static bool check_curl (GError **error)
{
    static gsize begun;
    if (g_once_init_enter (&begun)) g_once_init_leave (&begun, 1 + (gsize) curl_global_init (CURL_GLOBAL_DEFAULT));
    const curl_version_info_data *info = curl_version_info (CURLVERSION_NOW);
    if (begun == 1 && info->ssl_version && g_str_has_prefix (info->ssl_version, "OpenSSL/") && info->features & CURL_VERSION_ASYNCHDNS)
        return true;
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                 "cannot use libcurl %s with %s: it must be the one with OpenSSL that looks names up in threads (package libcurl4)",
                 info->version, info->ssl_version ? info->ssl_version : "no TLS");
    return false;
}

static void free_easy (void *easy)
{
    curl_easy_cleanup (easy);
}

struct http_client *http_client_start (const struct http_client_options *options, GError **error)
{
    if (!check_curl (error)) return NULL;
    struct http_client *client = g_new0 (struct http_client, 1);
    client->options = *options;
    client->options.user_agent = client->user_agent = g_strdup (options->user_agent);
    client->hosts = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, host_free);
    client->idle = g_ptr_array_new_with_free_func (free_easy);
    g_mutex_init (&client->lock);
    client->multi = curl_multi_init ();
    g_assert (client->multi != NULL);
    curl_multi_setopt (client->multi, CURLMOPT_MAXCONNECTS, (long) options->connections);
    client->loop = http_loop_new (client->multi);
    client->thread = g_thread_new ("http-client", run, client);
    return client;
}

void http_client_call (struct http_client *client, struct call_request *call, const struct http_client_limits *limits,
                       void (*done) (const struct call_outcome *outcome, void *data), void *data)
{
    struct http_transfer *transfer = http_transfer_new (call, limits, done, data);
    atomic_fetch_add (&client->n_waiting, 1);
    g_mutex_lock (&client->lock);
    g_assert (!client->ended);
    g_queue_push_tail_link (&client->inbox, &transfer->link);
    bool first = client->inbox.length == 1; /* of a burst: it wakes for all */
    g_mutex_unlock (&client->lock);
    if (first) http_loop_wake (client->loop);
}

void http_client_stop (struct http_client *client)
{
    g_mutex_lock (&client->lock);
    client->stopping = true;
    g_mutex_unlock (&client->lock);
    http_loop_wake (client->loop);
    if (client->thread) g_thread_join (g_steal_pointer (&client->thread));
    refuse_calls (client, true);
}

void http_client_free (struct http_client *client)
{
    if (!client) return;
    http_client_stop (client);
    g_hash_table_unref (client->hosts);
    g_ptr_array_unref (client->idle);
    http_loop_free (client->loop);
    g_mutex_clear (&client->lock);
    g_free (client->user_agent);
    g_free (client);
}

void http_client_look (const struct http_client *client, struct http_client_counts *counts)
{
    counts->waiting = atomic_load (&client->n_waiting);
    counts->under_way = atomic_load (&client->n_under_way);
}

void call_outcome_keep (const struct call_outcome *outcome, struct call_outcome *kept)
{
    *kept = *outcome;
    kept->words = g_strdup (outcome->words);
    kept->answer.content_type = g_strdup (outcome->answer.content_type);
    kept->answer.location = g_strdup (outcome->answer.location);
    if (outcome->answer.body) g_bytes_ref (outcome->answer.body);
}

static void free_kept (const char *text)
{
    g_free ((gpointer) (uintptr_t) text);
}

void call_outcome_clear (struct call_outcome *kept)
{
    free_kept (kept->words);
    free_kept (kept->answer.content_type);
    free_kept (kept->answer.location);
    g_clear_pointer (&kept->answer.body, g_bytes_unref);
    memset (kept, 0, sizeof *kept);
}
