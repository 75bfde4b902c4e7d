/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/gateway.h"

#include "base/log.h"
#include "flow/api.h"
#include "flow/dispatch.h"
#include "flow/feed.h"
#include "flow/fetch.h"
#include "flow/hooks.h"
#include "flow/intake.h"
#include "flow/missed.h"
#include "flow/ops.h"
#include "flow/ping.h"
#include "flow/receipts.h"
#include "flow/schedule.h"
#include "flow/setup.h"
#include "flow/signals.h"
#include "flow/sync.h"
#include "flow/templates.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "store/files.h"
#include "store/migrate.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

/* Signatures and JSON need little of a core; more threads would take it from the database. */
#define HTTP_THREADS 2
/* Open files that no limit counts: listeners, epoll, logs, attachments being written. */
#define FILES_BESIDE 100

struct gateway {
    const char *path;
    GMutex lock;
    struct config *config; /* under lock */
    struct intake *intake;
    struct feed *feed;
    struct api *api;
    struct ping *ping;
    struct ops *ops;
    struct schedule *schedule;
    struct dispatch *dispatch;
    struct receipts *receipts;
    struct missed *missed;
    struct fetch *fetch;
    struct templates *templates;
    struct signals *signals;
    struct http_client *client;
    struct http_server *public_server, *ops_server;
};

static struct config *current (void *data)
{
    struct gateway *gateway = data;
    g_mutex_lock (&gateway->lock);
    struct config *config = config_ref (gateway->config);
    g_mutex_unlock (&gateway->lock);
    return config;
}

static void tell_fault (const char *text)
{
    log_error ("config.fault", "%s", text);
}

/* What is taken at the start only stays as it runs; what the file says of it otherwise is told. */
static void keep (struct config *fresh, const struct config *running)
{
    g_autoptr (GPtrArray) changed = g_ptr_array_new_with_free_func (g_free);
    config_keep (fresh, running, changed);
    if (!changed->len) return;
    g_ptr_array_add (changed, NULL);
    g_autofree char *names = g_strjoinv (", ", (char **) changed->pdata);
    log_warning ("config.restart", "taken at the next start only: %s", names);
}

/* The file's configuration, known to the database too; NULL: it is told in the log why not. running: NULL at the start. */
static struct config *load (const char *path, const struct config *running)
{
    g_autoptr (struct_config) config = setup_read (path, tell_fault);
    if (!config) return NULL;
    if (running) keep (config, running);
    g_autoptr (GError) error = NULL;
    struct db *db = db_open (values_text (config->database, DATABASE_URL), "switchboard setup", NULL, &error);
    bool ok = db && migrate_run (db, NULL, &error) && sync_config (db, config, &error) &&
              files_prepare (values_text (config->storage, STORAGE_DIRECTORY), &error);
    db_close (db);
    if (ok) return g_steal_pointer (&config);
    log_error ("setup.failed", "%s", error->message);
    return NULL;
}

static void reload (struct gateway *gateway)
{
    struct config *fresh = load (gateway->path, gateway->config);
    if (!fresh) {
        log_error ("config.kept", "the old configuration stays");
        return;
    }
    g_mutex_lock (&gateway->lock);
    struct config *old = gateway->config;
    gateway->config = fresh;
    g_mutex_unlock (&gateway->lock);
    config_unref (old);
    log_info ("config.reloaded", "the configuration was read again");
}

static size_t body_max (const struct http_request *head, void *data)
{
    g_autoptr (struct_config) config = current (data);
    if (g_str_has_prefix (head->path, "/hooks/")) return (size_t) values_number (config->limits, LIMITS_HOOK_BODY);
    return api_body_max (head, config);
}

static void handle_public (struct http_exchange *exchange, void *data)
{
    struct gateway *gateway = data;
    const char *path = http_exchange_request (exchange)->path;
    if (g_str_has_prefix (path, "/hooks/")) {
        g_autoptr (struct_config) config = current (gateway);
        hooks_handle (gateway->intake, config, exchange);
    } else if (g_str_equal (path, "/livez") || g_str_equal (path, "/readyz")) {
        ops_handle (gateway->ops, exchange, false);
    } else {
        api_handle (gateway->api, exchange);
    }
}

static void handle_ops (struct http_exchange *exchange, void *data)
{
    struct gateway *gateway = data;
    ops_handle (gateway->ops, exchange, true);
}

static void committed (int64_t account_id, bool receipts, bool files, void *data)
{
    (void) account_id;
    struct gateway *gateway = data;
    feed_wake (gateway->feed);
    if (receipts) receipts_wake (gateway->receipts);
    if (files) fetch_wake (gateway->fetch);
}

/* Something was sent, or a file of a message has come. */
static void changed (void *data)
{
    struct gateway *gateway = data;
    feed_wake (gateway->feed);
}

/* A receipt may have ended a delivery, so that the next of its pair is ready. */
static void matched (void *data)
{
    struct gateway *gateway = data;
    feed_wake (gateway->feed);
    dispatch_wake (gateway->dispatch);
}

/* Perhaps something that is to be sent. */
static void api_committed (int64_t account_id, void *data)
{
    (void) account_id;
    struct gateway *gateway = data;
    feed_wake (gateway->feed);
    dispatch_wake (gateway->dispatch);
}

static bool start_intake (struct gateway *gateway, GError **error)
{
    const struct values *limits = gateway->config->limits;
    gateway->intake = intake_start (
        &(struct intake_options){
            .database_url = values_text (gateway->config->database, DATABASE_URL),
            .directory = values_text (gateway->config->storage, STORAGE_DIRECTORY),
            .queue = (size_t) values_number (limits, LIMITS_INTAKE_QUEUE),
            .batch_items = (size_t) values_number (limits, LIMITS_BATCH_ITEMS),
            .batch_bytes = (size_t) values_number (limits, LIMITS_BATCH_BYTES),
            .inline_max = (size_t) values_number (limits, LIMITS_JOURNAL_INLINE),
            .wait = values_number (limits, LIMITS_INTAKE_WAIT),
            .committed = committed,
            .data = gateway,
        },
        error);
    return gateway->intake != NULL;
}

static struct http_server *start_server (struct gateway *gateway, unsigned row, unsigned threads,
                                         void (*handler) (struct http_exchange *exchange, void *data), GError **error)
{
    const struct values *limits = gateway->config->limits;
    return http_server_start (
        &(struct http_server_options){
            .listen = values_text (gateway->config->listen, row),
            .threads = threads,
            .connections = (unsigned) values_number (limits, LIMITS_CONNECTIONS),
            .connections_per_address = (unsigned) values_number (limits, LIMITS_CONNECTIONS_PER_ADDRESS),
            .request_time = values_number (limits, LIMITS_REQUEST_TIME),
            .idle_time = values_number (limits, LIMITS_IDLE_TIME),
            .body_max = body_max,
            .handler = handler,
            .data = gateway,
        },
        error);
}

static bool start_sending (struct gateway *gateway, GError **error)
{
    const struct http_client_options options = {
        .connections = (unsigned) values_number (gateway->config->limits, LIMITS_CALLS),
        .connections_per_host = (unsigned) values_number (gateway->config->limits, LIMITS_CALLS_PER_HOST),
        .user_agent = "Switchboard",
    };
    return (gateway->client = http_client_start (&options, error)) &&
           (gateway->dispatch = dispatch_start (current, changed, gateway, gateway->client, error)) &&
           (gateway->receipts = receipts_start (gateway->config, matched, gateway, error)) && /* receipts that wait wake dispatch at once */
           (gateway->fetch = fetch_start (current, changed, gateway, gateway->client, error)) &&
           (gateway->templates = templates_start (current, gateway, dispatch_id (gateway->dispatch), gateway->client)) &&
           (gateway->signals = signals_new (gateway->client));
}

static bool start_ops (struct gateway *gateway, GError **error)
{
    ops_watch (gateway->ops, gateway->public_server);
    return (gateway->ops_server = start_server (gateway, LISTEN_OPS, 1, handle_ops, error));
}

static bool start (struct gateway *gateway, GError **error)
{
    return (gateway->schedule = schedule_start (current, gateway)) && (gateway->feed = feed_start (current, gateway, error)) &&
           start_sending (gateway, error) && start_intake (gateway, error) &&
           (gateway->missed = missed_start (current, gateway, dispatch_id (gateway->dispatch), gateway->intake, gateway->client, error)) &&
           (gateway->api = api_start (current, api_committed, gateway, gateway->intake, gateway->feed, gateway->signals, error)) &&
           (gateway->ping = ping_start (values_text (gateway->config->database, DATABASE_URL), error)) &&
           (gateway->ops = ops_new (gateway->intake, gateway->feed, gateway->api, gateway->schedule, gateway->ping, gateway->dispatch,
                                    (size_t) values_number (gateway->config->limits, LIMITS_INTAKE_QUEUE))) &&
           (gateway->public_server = start_server (gateway, LISTEN_HTTP, HTTP_THREADS, handle_public, error)) && start_ops (gateway, error);
}

/* New connections stop first; then everyone who waits is answered; then the threads end. */
static void stop (struct gateway *gateway)
{
    if (gateway->ops) ops_drain (gateway->ops);
    if (gateway->public_server) http_server_quiesce (gateway->public_server);
    missed_halt (gateway->missed);
    templates_halt (gateway->templates);
    intake_stop (gateway->intake);
    api_stop (gateway->api);
    dispatch_stop (gateway->dispatch);
    receipts_stop (gateway->receipts);
    fetch_stop (gateway->fetch);
    if (gateway->client) http_client_stop (gateway->client);
    missed_stop (gateway->missed);
    templates_stop (gateway->templates);
    feed_stop (gateway->feed);
    if (gateway->ops_server) http_server_stop (gateway->ops_server);
    /* kept-alive connections may ask until here: they are told to come again */
    if (gateway->public_server) http_server_stop (gateway->public_server);
    ops_free (gateway->ops);
    ping_stop (gateway->ping);
    api_free (gateway->api);
    intake_free (gateway->intake);
    dispatch_free (gateway->dispatch);
    receipts_free (gateway->receipts);
    http_client_free (gateway->client);
    signals_free (gateway->signals);
    fetch_free (gateway->fetch);
    feed_free (gateway->feed);
    schedule_stop (gateway->schedule);
    config_unref (gateway->config);
    g_mutex_clear (&gateway->lock);
}

/* Connections are open files, and the kernel's usual 1,024 are fewer than ours. */
static void allow_files (const struct config *config)
{
    rlim_t needed = 2 * (rlim_t) values_number (config->limits, LIMITS_CONNECTIONS) /* of both listeners */ +
                    (rlim_t) values_number (config->limits, LIMITS_CALLS) +
                    (rlim_t) values_number (config->database, DATABASE_CONNECTIONS) + FILES_BESIDE;
    struct rlimit limit;
    if (getrlimit (RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed) return;
    limit.rlim_cur = MIN (needed, limit.rlim_max);
    if (setrlimit (RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < needed)
        log_warning ("gateway.files", "limits.connections and limits.calls may need %llu open files, the system allows %llu",
                     (unsigned long long) needed, (unsigned long long) limit.rlim_cur);
}

/* The host that is listened on, as a URL's authority needs it. */
static char *listen_url (const struct config *config, unsigned row, const struct http_server *server)
{
    const char *text = values_text (config->listen, row);
    const char *colon = strrchr (text, ':');
    return g_strdup_printf ("http://%.*s:%u", (int) (colon - text), text, http_server_port (server));
}

static void announce (const struct gateway *gateway)
{
    g_autofree char *public_url = listen_url (gateway->config, LISTEN_HTTP, gateway->public_server);
    g_autofree char *ops_url = listen_url (gateway->config, LISTEN_OPS, gateway->ops_server);
    printf ("ready %s ops %s\n", public_url, ops_url);
    fflush (stdout);
}

/* SIGHUP reads again, SIGTERM and SIGINT end; blocked before the first thread, so that only this one gets them. */
static void block_signals (sigset_t *signals)
{
    sigemptyset (signals);
    sigaddset (signals, SIGHUP);
    sigaddset (signals, SIGTERM);
    sigaddset (signals, SIGINT);
    pthread_sigmask (SIG_BLOCK, signals, NULL);
    signal (SIGPIPE, SIG_IGN);
}

int gateway_serve (const char *path)
{
    sigset_t signals;
    block_signals (&signals);
    struct gateway gateway = {.path = path, .config = load (path, NULL)};
    if (!gateway.config) return 1;
    g_mutex_init (&gateway.lock);
    allow_files (gateway.config);
    g_autoptr (GError) error = NULL;
    bool ok = start (&gateway, &error);
    if (ok) {
        announce (&gateway);
        int received = 0;
        while (sigwait (&signals, &received) == 0 && received == SIGHUP) reload (&gateway);
        log_info ("gateway.stopping", "answering what waits, then ending");
        /* a second signal ends at once: nothing that matters depends on an orderly end */
        signal (SIGTERM, SIG_DFL);
        signal (SIGINT, SIG_DFL);
        pthread_sigmask (SIG_UNBLOCK, &signals, NULL);
    } else {
        log_error ("gateway.failed", "%s", error->message);
    }
    stop (&gateway);
    return ok ? 0 : 1;
}
