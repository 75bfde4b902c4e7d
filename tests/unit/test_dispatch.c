/* SPDX-License-Identifier: Apache-2.0
 *
 * A send of several rounds, from its row in a real PostgreSQL (database.h) to what became of it: a provider that wants something first, as an
 * upload, and then the message.
 */
#include "flow/dispatch.h"

#include "base/clock.h"
#include "database.h"
#include "model/adapter.h"
#include "model/config_tables.h"
#include "store/db.h"
#include "wire.h"

#include <stdatomic.h>
#include <string.h>

#define CHANNEL \
    "with a as (insert into gateway.account (slug, name) values ($1, $1) returning account_id), " \
    "c as (insert into gateway.channel (account_id, slug, adapter) select account_id, 'fake', 'fake' from a returning *) " \
    "select account_id, channel_id from c"
#define SEND \
    "select status from api_send ($1, null, null, $2, 'tel:+15550000001', null, gen_random_uuid (), gen_random_uuid (), $3, 'outgoing', " \
    "'tel:+15550000002', 'key', gen_random_uuid (), 'Hi', '{\"kind\":\"text\",\"text\":\"Hi\"}', null, null, null, 'normal', null, null, " \
    "null, '{}', 1, 1, null, now (), now () + interval '1 hour')"
#define STATUS "select concat_ws (' ', status, error ->> 'code') from gateway.message where account_id = $1 and message_id = $2"
#define NOTES \
    "select coalesce (string_agg (key || '=' || value, ' ' order by key), '') from gateway.channel_note where account_id = $1 and " \
    "$2::uuid is not null"

static const char *database;

/* ---- a provider that is called twice for a message ---- */

static _Atomic bool has_second_call;
static atomic_int calls;

static bool compose (const struct channel *channel, const struct task *task, const char *notes, int64_t now, struct call_request *call)
{
    (void) now;
    if (task->kind != TASK_SEND || (notes && !has_second_call)) return false;
    calls++;
    call->method = "GET";
    call->url = g_strconcat (values_text (channel->common, CHANNEL_API_URL), "/now", NULL);
    call->answer_most = 1000;
    call->visible = notes != NULL;
    return true;
}

static void judge (const struct channel *channel, const struct task *task, const char *notes, const struct call_answer *answer, int64_t now,
                   struct verdict *verdict)
{
    (void) channel, (void) task, (void) answer;
    if (notes) {
        verdict->kind = VERDICT_SENT;
        verdict->external_id = g_strdup ("theirs");
        return;
    }
    verdict->kind = VERDICT_NEXT;
    verdict->notes = g_strdup ("uploaded");
    verdict->learned = g_ptr_array_new_with_free_func ((GDestroyNotify) channel_note_free);
    g_ptr_array_add (verdict->learned, channel_note_new ("file x", "770", now + G_TIME_SPAN_DAY));
}

static const struct carries *carries (const struct channel *channel)
{
    static const struct carries fake = {.text_most = 100};
    (void) channel;
    return &fake;
}

static const struct adapter fake = {.name = "fake", .compose = compose, .judge = judge, .carries = carries};

/* ---- a channel of it ---- */

struct fixture {
    struct wire *wire;
    struct http_client *client;
    struct config *config;
    struct channel channel;
    struct values *common;
    struct db *db;
    struct dispatch *dispatch;
    struct id message;
};

/* sql is a literal, of an account and a message; to be freed. */
static char *ask (struct fixture *f, const char *sql)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (params) p = params_new (2);
    params_int64 (p, f->channel.account_id);
    params_uuid (p, &f->message);
    g_autoptr (db_result) r = db_call (f->db, sql, p, &error);
    g_assert_no_error (error);
    return g_strdup (db_text (r, 0, 0));
}

static void make_channel (struct fixture *f)
{
    g_autoptr (GError) error = NULL;
    char slug[ID_TEXT_SIZE];
    id_format (&f->message, slug);
    g_autoptr (params) p = params_new (1);
    params_text (p, slug);
    g_autoptr (db_result) r = db_call (f->db, CHANNEL, p, &error);
    g_assert_no_error (error);
    f->channel = (struct channel){.account = "acme", .slug = "fake", .adapter = &fake, .common = f->common};
    f->channel.account_id = db_int64 (r, 0, 0);
    f->channel.channel_id = db_int64 (r, 0, 1);
}

static void send (struct fixture *f)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (params) p = params_new (3);
    params_int64 (p, f->channel.account_id);
    params_int64 (p, f->channel.channel_id);
    params_uuid (p, &f->message);
    g_autoptr (db_result) r = db_call (f->db, SEND, p, &error);
    g_assert_no_error (error);
    g_assert_cmpint (db_int64 (r, 0, 0), ==, 202);
}

static struct config *current (void *data)
{
    struct fixture *f = data;
    return config_ref (f->config);
}

static void changed (void *data)
{
    (void) data;
}

static void set_up (struct fixture *f, const void *unused)
{
    (void) unused;
    g_autoptr (GError) error = NULL;
    g_autoptr (GPtrArray) faults = g_ptr_array_new ();
    g_autofree char *yaml =
        g_strdup_printf ("listen: {public_url: 'http://127.0.0.1'}\ndatabase: {url: \"%s\"}\naccounts: {acme: {name: Acme}}\n", database);
    size_t n;
    calls = 0;
    f->message = id_new (clock_now ());
    f->wire = wire_start ((struct http_server_options){.threads = 1});
    f->client = http_client_start (&(struct http_client_options){.connections = 5, .connections_per_host = 5}, NULL);
    g_autofree char *api = g_strdup_printf ("http://127.0.0.1:%u", http_server_port (f->wire->server));
    f->common = values_of (config_tables (&n)[TABLE_CHANNEL].settings, (const char *[]){"api_url", api, "allow_private", "true", NULL});
    f->config = config_parse ("x.yaml", yaml, strlen (yaml), faults);
    g_assert_nonnull (f->config);
    f->db = db_open (database, "test", NULL, &error);
    g_assert_no_error (error);
    make_channel (f);
    g_ptr_array_add (((struct account *) f->config->accounts->pdata[0])->channels, &f->channel);
    send (f);
    f->dispatch = dispatch_start (current, changed, f, f->client, &error);
    g_assert_no_error (error);
}

static void tear_down (struct fixture *f, const void *unused)
{
    (void) unused;
    dispatch_stop (f->dispatch);
    http_client_stop (f->client);
    dispatch_free (f->dispatch);
    http_client_free (f->client);
    g_ptr_array_steal_index (((struct account *) f->config->accounts->pdata[0])->channels, 0); /* it is the fixture's */
    config_unref (f->config);
    values_unref (f->common);
    db_close (f->db);
    wire_stop (f->wire);
}

static void await (struct fixture *f, const char *status)
{
    int64_t until = g_get_monotonic_time () + 60 * G_TIME_SPAN_SECOND;
    for (;;) {
        g_autofree char *now = ask (f, STATUS);
        if (g_str_equal (now, status)) return;
        g_assert_cmpint (g_get_monotonic_time (), <, until);
    }
}

static void what_a_round_learns_is_for_the_next_and_for_others (struct fixture *f, const void *unused)
{
    (void) unused;
    await (f, "sent");
    g_assert_cmpint (calls, ==, 2);
    g_autofree char *notes = ask (f, NOTES);
    g_assert_cmpstr (notes, ==, "file x=770");
}

/* That it is sent nobody may say. */
static void without_a_next_call_it_has_failed (struct fixture *f, const void *unused)
{
    (void) unused;
    await (f, "failed cannot_carry");
    g_assert_cmpint (calls, ==, 1);
    g_autofree char *notes = ask (f, NOTES);
    g_assert_cmpstr (notes, ==, "file x=770");
}

static void set_up_whole (struct fixture *f, const void *unused)
{
    has_second_call = true;
    set_up (f, unused);
}

static void set_up_half (struct fixture *f, const void *unused)
{
    has_second_call = false;
    set_up (f, unused);
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    database = database_make ("sb_dispatch");
    g_test_add ("/dispatch/what a round learns is for the next one, and for others", struct fixture, NULL, set_up_whole,
                what_a_round_learns_is_for_the_next_and_for_others, tear_down);
    g_test_add ("/dispatch/a send whose next call cannot be made has failed", struct fixture, NULL, set_up_half,
                without_a_next_call_it_has_failed, tear_down);
    int status = g_test_run ();
    database_drop ();
    return status;
}
