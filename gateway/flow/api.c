/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/api.h"

#include "base/clock.h"
#include "base/keys.h"
#include "base/pulse.h"
#include "flow/call.h"
#include "flow/keyring.h"
#include "flow/media_url.h"
#include "flow/problem.h"
#include "store/schema.h"

#include <stdatomic.h>
#include <string.h>

/* A worker without a connection tries again this often, and answers 503 meanwhile. */
#define RECONNECT_PAUSE (500 * G_TIME_SPAN_MILLISECOND)

struct api_worker {
    struct api *api;
    GThread *thread;
    struct db *db;
    atomic_bool connected; /* as last seen */
    int64_t next_try;      /* monotonic; not before it a lost connection is tried again */
};

struct api {
    struct config *(*current) (void *data);
    void (*committed) (int64_t account_id, void *data);
    void *data;
    GBytes *media_secret;
    struct intake *intake;
    struct feed *feed;
    struct signals *signals;
    struct keyring *keyring;
    size_t queue_max;
    struct api_worker *workers;
    unsigned n_workers;

    GMutex lock;
    GCond wake;
    struct call *first, **last; /* waiting, oldest first */
    size_t n_waiting;
    bool stopping;
};

/* One text for all: whether a key was ever there is nobody's business. */
static const char no_key[] = "no key that is valid: Authorization is Bearer and a key";

/* '{a,b}' as PostgreSQL prints it; NULL may do everything. */
static bool may (const char *scopes, const char *scope)
{
    if (!scopes) return true;
    g_autofree char *inside = g_strndup (scopes + 1, strlen (scopes) - 2);
    g_auto (GStrv) list = g_strsplit (inside, ",", -1);
    return g_strv_contains ((const char *const *) list, scope) || g_strv_contains ((const char *const *) list, "admin");
}

/* Finds the account of the call's key and what the key may do; false: answered. *scopes is to be freed. */
static bool find_key (struct keyring *ring, struct call *call, char **scopes)
{
    int64_t now = g_get_monotonic_time ();
    if (keyring_find (ring, call->key_hash, now, &call->account_id, &call->key_id, scopes)) return true;
    g_autoptr (GError) error = NULL;
    g_autoptr (db_result) r = keyring_ask (call->db, call->key_hash, &error);
    if (!r) {
        call_database_problem (call, error);
        return false;
    }
    if (!db_rows (r)) {
        call_problem (call, 401, no_key, NULL);
        return false;
    }
    call->account_id = db_int64 (r, 0, 0);
    db_id (r, 0, 1, &call->key_id);
    *scopes = db_null (r, 0, 2) ? NULL : g_strdup (db_text (r, 0, 2));
    keyring_add (ring, call->key_hash, now, call->account_id, &call->key_id, *scopes);
    return true;
}

/* Finds the key's account and checks its scope; false: answered. */
static bool authenticate (struct keyring *ring, struct call *call)
{
    g_autofree char *scopes = NULL;
    if (!find_key (ring, call, &scopes)) return false;
    if (may (scopes, call->route->scope)) return true;
    g_autofree char *detail = g_strdup_printf ("the key lacks the scope %s", call->route->scope);
    call_problem (call, 403, detail, NULL);
    return false;
}

static bool is_connected (struct api_worker *worker)
{
    if (db_alive (worker->db)) return true;
    worker->connected = false;
    if (g_get_monotonic_time () < worker->next_try) return false;
    worker->connected = db_reopen (worker->db, NULL);
    if (!worker->connected) worker->next_try = g_get_monotonic_time () + RECONNECT_PAUSE;
    return worker->connected;
}

static void work (struct api_worker *worker, struct call *call)
{
    call->db = worker->db;
    if (!is_connected (worker)) {
        call_problem (call, 503, "the database is not available", NULL);
        return;
    }
    if (call->go_on)
        call->go_on (call);
    else if (!call->route->scope || authenticate (worker->api->keyring, call))
        endpoint_handle (call);
}

static struct call *take (struct api *api)
{
    g_mutex_lock (&api->lock);
    pulse_wait ();
    while (!api->first && !api->stopping) g_cond_wait (&api->wake, &api->lock);
    pulse_work ();
    struct call *call = api->first;
    if (call) {
        api->first = call->next;
        if (!api->first) api->last = &api->first;
        api->n_waiting--;
    }
    g_mutex_unlock (&api->lock);
    return call;
}

static void *run (void *data)
{
    struct api_worker *worker = data;
    struct call *call;
    pulse_start ("api");
    is_connected (worker); /* each in its own thread: a server that forks slowly makes nobody wait for all of them */
    while ((call = take (worker->api))) work (worker, call);
    return NULL;
}

/* Under lock. */
static void append (struct api *api, struct call *call)
{
    call->next = NULL;
    *api->last = call;
    api->last = &call->next;
    api->n_waiting++;
    g_cond_signal (&api->wake);
}

static bool push (struct api *api, struct call *call)
{
    g_mutex_lock (&api->lock);
    bool room = api->n_waiting < api->queue_max && !api->stopping;
    if (room) append (api, call);
    g_mutex_unlock (&api->lock);
    return room;
}

void call_committed (const struct call *call)
{
    call->api->committed (call->account_id, call->api->data);
}

void call_resume (struct call *call, void (*go_on) (struct call *call))
{
    struct api *api = call->api;
    call->go_on = go_on;
    g_mutex_lock (&api->lock);
    append (api, call);
    g_mutex_unlock (&api->lock);
}

/* The client's own id if it is one, else a new one. */
static char *request_id (const struct http_request *request)
{
    const char *given = http_request_header (request, "X-Request-Id");
    if (given && *given && strlen (given) <= 128 &&
        strspn (given, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == strlen (given))
        return g_strdup (given);
    struct id id = id_new (clock_now ());
    char text[ID_TEXT_SIZE];
    id_format (&id, text);
    return g_strdup (text);
}

static void reply_other_method (struct call *call, const char *allow)
{
    struct http_response *response = problem_new (405, NULL, NULL, call->request_id);
    http_response_add (response, "Allow", allow);
    call_reply (call, response);
}

static void reply_openapi (struct call *call)
{
    call_reply (call, http_response_new (200, "application/json", g_bytes_new_static (openapi.data, openapi.size)));
}

/* The key, if Authorization holds something of its form; else NULL. */
static const char *bearer (const struct http_request *request)
{
    const char *authorization = http_request_header (request, "Authorization");
    return authorization && g_ascii_strncasecmp (authorization, "Bearer ", 7) == 0 && key_check (authorization + 7) ? authorization + 7
                                                                                                                    : NULL;
}

/* A file's room is for those who show something of a key's form: its holder is looked up only when all has come. */
size_t api_body_max (const struct http_request *head, const struct config *config)
{
    bool upload = g_str_equal (head->method, "POST") && g_str_equal (head->path, "/v1/attachments") && bearer (head);
    return (size_t) values_number (config->limits, upload ? LIMITS_UPLOAD_BODY : LIMITS_API_BODY);
}

static void refuse_stranger (struct call *call)
{
    bool api = g_str_has_prefix (call->request->path, "/v1/");
    call_problem (call, api ? 401 : 404, api ? no_key : NULL, NULL);
}

/* What needs a key. False: answered. */
static bool admit (struct call *call, bool found)
{
    g_autofree char *wrong = NULL;
    const char *key = bearer (call->request);
    /* Who has no key learns nothing, not even which paths there are. */
    if (!key)
        refuse_stranger (call);
    else if (!found)
        call_problem (call, 404, NULL, NULL);
    else if ((call->query = route_query (call->route, call->request->query, &wrong)))
        key_hash (key, call->key_hash);
    else
        call_problem (call, 422, "not a parameter of this path, or given twice, or not UTF-8", wrong);
    return key && found && !wrong;
}

void api_handle (struct api *api, struct http_exchange *exchange)
{
    struct call *call = g_new0 (struct call, 1);
    call->exchange = exchange;
    call->request = http_exchange_request (exchange);
    call->request_id = request_id (call->request);
    call->began = g_get_monotonic_time ();
    call->api = api;
    call->intake = api->intake;
    call->feed = api->feed;
    call->signals = api->signals;
    call->media_secret = api->media_secret;
    g_autofree char *allow = NULL;
    enum route_result found = route_find (call->request->method, call->request->path, &call->route, &call->id, &allow);
    if (found == ROUTE_OTHER_METHOD) {
        reply_other_method (call, allow);
        return;
    }
    if (found == ROUTE_FOUND && call->route->endpoint == GET_OPENAPI) {
        reply_openapi (call);
        return;
    }
    bool open = found == ROUTE_FOUND && !call->route->scope;
    if (!open && !admit (call, found == ROUTE_FOUND)) return;
    call->config = api->current (api->data);
    if (!push (api, call)) { call_problem (call, 503, "too many requests wait", NULL); }
}

void api_look (struct api *api, struct api_state *state)
{
    g_mutex_lock (&api->lock);
    state->waiting = api->n_waiting;
    g_mutex_unlock (&api->lock);
    state->connections = api->n_workers;
    state->connected = 0;
    for (unsigned i = 0; i < api->n_workers; i++) state->connected += api->workers[i].connected;
}

struct api *api_start (struct config *(*current) (void *data), void (*committed) (int64_t account_id, void *data), void *data,
                       struct intake *intake, struct feed *feed, struct signals *signals, GError **error)
{
    g_autoptr (struct_config) config = current (data);
    struct api *api = g_new0 (struct api, 1);
    api->current = current;
    api->committed = committed;
    api->data = data;
    api->intake = intake;
    api->feed = feed;
    api->signals = signals;
    api->keyring = keyring_new ();
    api->queue_max = (size_t) values_number (config->limits, LIMITS_API_QUEUE);
    api->last = &api->first;
    g_mutex_init (&api->lock);
    g_cond_init (&api->wake);
    api->n_workers = (unsigned) values_number (config->database, DATABASE_CONNECTIONS);
    api->workers = g_new0 (struct api_worker, api->n_workers);
    for (unsigned i = 0; i < api->n_workers; i++) {
        struct db *db = db_new (values_text (config->database, DATABASE_URL), "switchboard api", "-c statement_timeout=10000 -c jit=off");
        api->workers[i] = (struct api_worker){.api = api, .db = db};
    }
    /* The first of them shows that there is a database. */
    struct api_worker *first = &api->workers[0];
    first->connected = db_reopen (first->db, error);
    if (!first->connected || !(api->media_secret = media_url_secret (first->db, error))) {
        api_free (api);
        return NULL;
    }
    for (unsigned i = 0; i < api->n_workers; i++) api->workers[i].thread = g_thread_new ("api", run, &api->workers[i]);
    return api;
}

void api_stop (struct api *api)
{
    if (!api) return;
    g_mutex_lock (&api->lock);
    api->stopping = true;
    g_cond_broadcast (&api->wake);
    g_mutex_unlock (&api->lock);
    for (unsigned i = 0; i < api->n_workers; i++) g_thread_join (api->workers[i].thread);
}

void api_free (struct api *api)
{
    if (!api) return;
    for (unsigned i = 0; i < api->n_workers; i++) db_close (api->workers[i].db);
    keyring_free (api->keyring);
    g_mutex_clear (&api->lock);
    g_cond_clear (&api->wake);
    g_clear_pointer (&api->media_secret, g_bytes_unref);
    g_free (api->workers);
    g_free (api);
}
