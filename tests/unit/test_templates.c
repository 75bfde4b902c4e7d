/* SPDX-License-Identifier: Apache-2.0
 *
 * The lists of templates that a provider gives page by page, kept in a real PostgreSQL: SB_TEST_DATABASE as in test_intake.c.
 */
#include "flow/templates.h"

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
#define LEASE \
    "insert into gateway.channel_lease (account_id, channel_id, gateway_id, until) select account_id, channel_id, $2, now () + interval " \
    "'1 hour' " \
    "from gateway.channel where channel_id = $1"
#define SAY \
    "insert into gateway.notice (account_id, notice_id, channel_id, topic, title, at) select account_id, $2, channel_id, 'template', " \
    "'x', now () " \
    "from gateway.channel where channel_id = $1"
#define NAMES "select coalesce (string_agg (name || '/' || lang, ' ' order by name), '') from gateway.template where channel_id = $1"
#define LISTED "select count (*)::text from gateway.channel_state where channel_id = $1 and templates_at is not null"

static const char *database;

/* ---- a provider whose list has two pages ---- */

enum mood { WELL, CHANGED, BROKEN, WITHOUT };
static _Atomic enum mood mood;
static atomic_int calls;

static bool compose (const struct channel *channel, const struct task *task, const char *notes, int64_t now, struct call_request *call)
{
    (void) notes, (void) now;
    g_assert_cmpint (task->kind, ==, TASK_TEMPLATES);
    calls++;
    if (mood == WITHOUT) return false;
    call->method = "GET";
    call->url = g_strconcat (values_text (channel->common, CHANNEL_API_URL), "/now", NULL);
    call->answer_most = 1000;
    return true;
}

static void judge (const struct channel *channel, const struct task *task, const char *notes, const struct call_answer *answer, int64_t now,
                   struct verdict *verdict)
{
    (void) channel, (void) task, (void) answer, (void) now;
    struct provider_template *template = provider_template_new ();
    template->name = g_strdup (notes ? "second" : mood == CHANGED ? "other" : "first");
    template->lang = g_strdup ("en");
    template->status = g_strdup ("APPROVED");
    template->components = g_strdup ("[]");
    verdict->templates = g_ptr_array_new_with_free_func ((GDestroyNotify) provider_template_free);
    g_ptr_array_add (verdict->templates, template);
    verdict->kind = notes ? VERDICT_SENT : VERDICT_NEXT;
    if (notes && mood == BROKEN) verdict->kind = VERDICT_RETRY;
    verdict->notes = g_strdup ("page 2");
}

static const struct carries *carries (const struct channel *channel)
{
    static const struct carries fake = {.templates = true};
    (void) channel;
    return &fake;
}

static const struct adapter fake = {.name = "fake", .compose = compose, .judge = judge, .carries = carries};

/* ---- a channel of it ---- */

struct fixture {
    struct wire *wire;
    struct http_client *client;
    struct config *config;
    struct values *common;
    struct channel channel;
    struct db *db;
    struct id gateway;
    struct templates *templates;
};

static void make_channel (struct fixture *f)
{
    g_autoptr (GError) error = NULL;
    char slug[ID_TEXT_SIZE];
    id_format (&f->gateway, slug);
    g_autoptr (params) p = params_new (1);
    params_text (p, slug);
    g_autoptr (db_result) r = db_call (f->db, CHANNEL, p, &error);
    g_assert_no_error (error);
    f->channel = (struct channel){.account = "acme", .slug = "fake", .adapter = &fake, .common = f->common};
    f->channel.account_id = db_int64 (r, 0, 0);
    f->channel.channel_id = db_int64 (r, 0, 1);
}

/* The channel is that gateway's to send on. */
static void lease (struct fixture *f, const struct id *gateway)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (params) p = params_new (2);
    params_int64 (p, f->channel.channel_id);
    params_uuid (p, gateway);
    g_autoptr (db_result) r = db_call (f->db, LEASE, p, &error);
    g_assert_no_error (error);
}

/* The provider says that something about its templates has changed. */
static void say (struct fixture *f)
{
    g_autoptr (GError) error = NULL;
    struct id notice = id_new (clock_now ());
    g_autoptr (params) p = params_new (2);
    params_int64 (p, f->channel.channel_id);
    params_uuid (p, &notice);
    g_autoptr (db_result) r = db_call (f->db, SAY, p, &error);
    g_assert_no_error (error);
}

static struct config *current (void *data)
{
    struct fixture *f = data;
    return config_ref (f->config);
}

static void set_up (struct fixture *f, const void *unused)
{
    (void) unused;
    g_autoptr (GError) error = NULL;
    g_autoptr (GPtrArray) faults = g_ptr_array_new ();
    g_autofree char *yaml =
        g_strdup_printf ("listen: {public_url: 'http://127.0.0.1'}\ndatabase: {url: \"%s\"}\naccounts: {acme: {name: Acme}}\n", database);
    size_t n;
    mood = WELL;
    calls = 0;
    f->gateway = id_new (clock_now ());
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
}

static void tear_down (struct fixture *f, const void *unused)
{
    (void) unused;
    templates_halt (f->templates);
    http_client_stop (f->client);
    templates_stop (f->templates);
    http_client_free (f->client);
    g_ptr_array_steal_index (((struct account *) f->config->accounts->pdata[0])->channels, 0); /* it is the fixture's */
    config_unref (f->config);
    values_unref (f->common);
    db_close (f->db);
    wire_stop (f->wire);
}

static void start (struct fixture *f)
{
    f->templates = templates_start (current, f, &f->gateway, f->client);
}

/* sql is a literal; to be freed. */
static char *ask (struct fixture *f, const char *sql)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (params) p = params_new (1);
    params_int64 (p, f->channel.channel_id);
    g_autoptr (db_result) r = db_call (f->db, sql, p, &error);
    g_assert_no_error (error);
    return g_strdup (db_text (r, 0, 0));
}

static void await_names (struct fixture *f, const char *names)
{
    int64_t until = g_get_monotonic_time () + 60 * G_TIME_SPAN_SECOND;
    for (;;) {
        g_autofree char *now = ask (f, NAMES);
        if (g_str_equal (now, names)) return;
        g_assert_cmpint (g_get_monotonic_time (), <, until);
    }
}

/* The adapter was asked for so many calls; looks at the database meanwhile. */
static void await_calls (struct fixture *f, int n)
{
    int64_t until = g_get_monotonic_time () + 60 * G_TIME_SPAN_SECOND;
    while (calls < n) {
        g_free (ask (f, LISTED));
        g_assert_cmpint (g_get_monotonic_time (), <, until);
    }
}

static void all_pages_are_kept (struct fixture *f, const void *unused)
{
    (void) unused;
    lease (f, &f->gateway);
    start (f);
    await_names (f, "first/en second/en");
    mood = CHANGED;
    say (f);
    await_names (f, "other/en second/en");
}

static void what_fails_changes_nothing (struct fixture *f, const void *unused)
{
    (void) unused;
    lease (f, &f->gateway);
    start (f);
    await_names (f, "first/en second/en");
    int before = calls;
    mood = BROKEN;
    say (f);
    await_calls (f, before + 3); /* two pages, and the first again */
    await_names (f, "first/en second/en");
}

/* Of a channel that another gateway sends on nothing is asked. */
static void others_lists_are_theirs (struct fixture *f, const void *unused)
{
    (void) unused;
    struct id other = id_new (clock_now ());
    lease (f, &other);
    say (f);
    start (f);
    struct templates *theirs = templates_start (current, f, &other, f->client);
    await_names (f, "first/en second/en");
    templates_halt (theirs);
    g_assert_cmpint (calls, ==, 2);
    templates_stop (theirs);
}

static void without_a_call_nothing_is_known (struct fixture *f, const void *unused)
{
    (void) unused;
    mood = WITHOUT;
    lease (f, &f->gateway);
    start (f);
    await_calls (f, 1);
    templates_halt (f->templates);
    g_autofree char *listed = ask (f, LISTED);
    g_assert_cmpstr (listed, ==, "0");
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    database = database_make ("sb_templates");
#define ADD(path, test) g_test_add (path, struct fixture, NULL, set_up, test, tear_down)
    ADD ("/templates/all pages of a list are kept, and read again when something has changed", all_pages_are_kept);
    ADD ("/templates/a list that cannot be read leaves the old one, and is tried again", what_fails_changes_nothing);
    ADD ("/templates/whoever sends on a channel lists its templates, and nobody else", others_lists_are_theirs);
    ADD ("/templates/a channel that can ask for none knows of none", without_a_call_nothing_is_known);
    int status = g_test_run ();
    database_drop ();
    return status;
}
