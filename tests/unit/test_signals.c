/* SPDX-License-Identifier: Apache-2.0
 *
 * Signals against a peer on loopback that answers when it likes.
 */
#include "flow/signals.h"
#include "model/adapter.h"
#include "model/config_tables.h"
#include "wire.h"

#include <string.h>

#define AT_ONCE 50

/* An adapter that knows one signal: it calls the path that the task names. */
static bool compose (const struct channel *channel, const struct task *task, const char *notes, int64_t now, struct call_request *call)
{
    g_assert_cmpint (task->kind, ==, TASK_SIGNAL);
    g_assert_null (notes);
    (void) now;
    if (task->signal == SIGNAL_TYPING) return false;
    call->method = "GET";
    call->url = g_strconcat (values_text (channel->common, CHANNEL_API_URL), task->reply_to, NULL);
    call->answer_most = 1000;
    return true;
}

static void judge (const struct channel *channel, const struct task *task, const char *notes, const struct call_answer *answer, int64_t now,
                   struct verdict *verdict)
{
    (void) channel, (void) task, (void) notes, (void) now;
    verdict->kind = answer->status == 200 ? VERDICT_SENT : VERDICT_REFUSED;
}

static const struct adapter knows_read = {.name = "fake", .compose = compose, .judge = judge}, receives_only = {.name = "fake"};

struct fixture {
    struct wire *wire;
    struct http_client *client;
    struct config *config;
    struct channel channel;
    struct signals *signals;
};

static void set_up (struct fixture *f, const void *unused)
{
    (void) unused;
    static const char yaml[] = "listen: {public_url: 'http://127.0.0.1'}\ndatabase: {url: 'x'}\naccounts: {}\n";
    size_t n;
    g_autoptr (GPtrArray) faults = g_ptr_array_new ();
    f->wire = wire_start ((struct http_server_options){.threads = 1});
    f->client = http_client_start (&(struct http_client_options){.connections = 2 * AT_ONCE, .connections_per_host = 2 * AT_ONCE}, NULL);
    f->config = config_parse ("x.yaml", yaml, strlen (yaml), faults);
    g_assert_nonnull (f->config);
    g_autofree char *url = g_strdup_printf ("http://127.0.0.1:%u", http_server_port (f->wire->server));
    const char *pairs[] = {"api_url", url, "allow_private", "true", NULL};
    f->channel = (struct channel){.account = "acme", .slug = "fake", .adapter = &knows_read, .channel_id = 7};
    f->channel.common = values_of (config_tables (&n)[TABLE_CHANNEL].settings, pairs);
    f->signals = signals_new (f->client);
}

static void tear_down (struct fixture *f, const void *unused)
{
    (void) unused;
    http_client_stop (f->client);
    signals_free (f->signals);
    http_client_free (f->client);
    values_unref (f->channel.common);
    config_unref (f->config);
    wire_stop (f->wire);
}

static enum signals_result send_signal (struct fixture *f, enum signal_kind kind, const char *path)
{
    struct task task = {.kind = TASK_SIGNAL, .signal = kind, .to = g_strdup ("fake:ana"), .reply_to = g_strdup (path)};
    enum signals_result result = signals_send (f->signals, f->config, &f->channel, &task);
    task_clear (&task);
    return result;
}

static void arrives (struct fixture *f, const void *unused)
{
    (void) unused;
    g_assert_cmpint (send_signal (f, SIGNAL_READ, "/kept/1"), ==, SIGNALS_TAKEN);
    wire_await (f->wire, 1);
    g_assert_cmpstr (http_exchange_request (f->wire->kept->pdata[0])->path, ==, "/kept/1");
    http_exchange_reply (g_ptr_array_remove_index (f->wire->kept, 0), http_response_new (500, NULL, NULL));
}

static void is_not_there (struct fixture *f, const void *unused)
{
    (void) unused;
    g_assert_cmpint (send_signal (f, SIGNAL_TYPING, "/now"), ==, SIGNALS_NONE);
    f->channel.adapter = &receives_only;
    g_assert_cmpint (send_signal (f, SIGNAL_READ, "/now"), ==, SIGNALS_NONE);
    g_assert_cmpint (f->wire->handled, ==, 0);
}

/* A provider that hangs is given no more until it answers. */
static void has_room (struct fixture *f, const void *unused)
{
    (void) unused;
    for (int i = 0; i < AT_ONCE; i++) g_assert_cmpint (send_signal (f, SIGNAL_READ, "/kept"), ==, SIGNALS_TAKEN);
    g_assert_cmpint (send_signal (f, SIGNAL_READ, "/kept"), ==, SIGNALS_FULL);
    wire_await (f->wire, AT_ONCE);
    g_mutex_lock (&f->wire->lock);
    while (f->wire->kept->len) http_exchange_reply (g_ptr_array_remove_index_fast (f->wire->kept, 0), http_response_new (200, NULL, NULL));
    g_mutex_unlock (&f->wire->lock);
    int64_t until = g_get_monotonic_time () + 20 * G_TIME_SPAN_SECOND;
    while (send_signal (f, SIGNAL_READ, "/now") == SIGNALS_FULL) {
        g_assert_cmpint (g_get_monotonic_time (), <, until);
        g_thread_yield ();
    }
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
#define ADD(path, test) g_test_add (path, struct fixture, NULL, set_up, test, tear_down)
    ADD ("/signals/one goes to the provider, and whoever asked waits for nothing", arrives);
    ADD ("/signals/a channel that has none says so", is_not_there);
    ADD ("/signals/so many are under way at once and no more", has_room);
    return g_test_run ();
}
