/* SPDX-License-Identifier: Apache-2.0
 *
 * The one writer against a real PostgreSQL: SB_TEST_DATABASE is a connection string of one in which databases may be made. Every test has an
 * account of its own; however it goes, each of its jobs must have been answered exactly once in the end.
 */
#include "flow/hooks.h"
#include "flow/intake.h"

#include "base/clock.h"
#include "database.h"
#include "store/db.h"
#include "store/files.h"
#include "store/schema.h"

#define ANA "tel:+15550000001"
#define DIRECTORY "build/media"
#define RAW_SIZE 100
#define INLINE_MAX 4096

#define ACCOUNT \
    "with a as (insert into gateway.account (slug, name) values ($1, $1) returning account_id), " \
    "c as (insert into gateway.channel (account_id, slug, adapter) select account_id, 'sms', 'twilio' from a returning *) " \
    "select account_id, channel_id from c"
#define MESSAGES "select count(*) from gateway.message where account_id = $1"
#define TEXTS "select coalesce (string_agg (text, ' ' order by number), '') from gateway.message where account_id = $1"
#define JOURNAL "select count(*) from gateway.journal where account_id = $1"
#define FILES "select count(*) from gateway.journal where account_id = $1 and file is not null and raw is null"
#define REASONS "select coalesce (string_agg (reason, '|'), '') from gateway.quarantine where account_id = $1"
#define ENTRY "select count(*) from gateway.journal where account_id = $1 and journal_id = $2"
#define CUT \
    "select pg_terminate_backend (pid, 60000) from pg_stat_activity " \
    "where datname = current_database () and application_name = 'switchboard intake'"

static const char *database;

/* ---- an account with its intake ---- */

struct fixture {
    struct intake *intake;
    struct db *db; /* under lock: not the intake's, so it sees what is committed only */
    int64_t account_id, channel_id;
    GMutex lock;
    GCond changed;
    GPtrArray *sent; /* under lock, as all that follows */
    unsigned n_answered, n_committed;
    bool holding, released;
};

/* What became of a job. */
struct sent {
    struct fixture *fixture;
    unsigned n_answers;
    enum intake_outcome outcome;
    unsigned commit; /* the number of its transaction */
    int64_t seen;    /* its journal entry, by another connection, when it was answered */
};

/* sql is a literal. */
static db_result *ask (struct fixture *fixture, const char *sql)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (params) p = params_new (1);
    params_int64 (p, fixture->account_id);
    g_mutex_lock (&fixture->lock);
    db_result *r = db_call (fixture->db, sql, p, &error);
    g_mutex_unlock (&fixture->lock);
    g_assert_no_error (error);
    return r;
}

static int64_t number (struct fixture *fixture, const char *sql)
{
    g_autoptr (db_result) r = ask (fixture, sql);
    return db_int64 (r, 0, 0);
}

/* Between two looks at what no event tells: a round trip, in which others run. */
static void breathe (struct fixture *fixture)
{
    number (fixture, JOURNAL);
}

static char *text (struct fixture *fixture, const char *sql)
{
    g_autoptr (db_result) r = ask (fixture, sql);
    return g_strdup (db_text (r, 0, 0));
}

static void committed (int64_t account_id, bool receipts, bool files, void *data)
{
    (void) receipts, (void) files;
    struct fixture *fixture = data;
    g_assert_cmpint (account_id, ==, fixture->account_id);
    g_mutex_lock (&fixture->lock);
    fixture->n_committed++;
    g_mutex_unlock (&fixture->lock);
}

static void note (struct intake_job *job, enum intake_outcome outcome)
{
    struct sent *sent = job->data;
    struct fixture *fixture = sent->fixture;
    g_mutex_lock (&fixture->lock);
    sent->n_answers++;
    sent->outcome = outcome;
    sent->commit = fixture->n_committed;
    fixture->n_answered++;
    g_cond_broadcast (&fixture->changed);
    g_mutex_unlock (&fixture->lock);
    intake_job_free (job);
}

/* The defaults, for a test to change. */
static struct intake_options usual (struct fixture *fixture)
{
    return (struct intake_options){
        .database_url = database,
        .directory = DIRECTORY,
        .queue = 100000,
        .batch_items = 128,
        .batch_bytes = 1 << 20,
        .inline_max = INLINE_MAX,
        .wait = 60 * G_TIME_SPAN_SECOND,
        .committed = committed,
        .data = fixture,
    };
}

static struct fixture *fixture_new (void)
{
    static unsigned n;
    struct fixture *fixture = g_new0 (struct fixture, 1);
    fixture->sent = g_ptr_array_new_with_free_func (g_free);
    g_autoptr (GError) error = NULL;
    fixture->db = db_open (database, "test", NULL, &error);
    g_assert_no_error (error);
    g_autofree char *slug = g_strdup_printf ("account-%u", ++n);
    g_autoptr (params) p = params_new (1);
    params_text (p, slug);
    g_autoptr (db_result) r = db_call (fixture->db, ACCOUNT, p, &error);
    g_assert_no_error (error);
    fixture->account_id = db_int64 (r, 0, 0);
    fixture->channel_id = db_int64 (r, 0, 1);
    return fixture;
}

static void start (struct fixture *fixture, const struct intake_options *options)
{
    g_autoptr (GError) error = NULL;
    fixture->intake = intake_start (options, &error);
    g_assert_no_error (error);
}

static struct fixture *start_usual (void)
{
    struct fixture *fixture = fixture_new ();
    struct intake_options options = usual (fixture);
    start (fixture, &options);
    return fixture;
}

static void finish (struct fixture *fixture)
{
    for (guint i = 0; i < fixture->sent->len; i++) g_assert_cmpuint (((struct sent *) fixture->sent->pdata[i])->n_answers, ==, 1);
    intake_free (fixture->intake);
    db_close (fixture->db);
    g_ptr_array_unref (fixture->sent);
    g_free (fixture);
}

static void stop (struct fixture *fixture)
{
    intake_stop (fixture->intake);
    finish (fixture);
}

/* ---- jobs ---- */

static struct intake_job *job_new (struct fixture *fixture)
{
    static char filler[RAW_SIZE];
    struct intake_job *job = g_new0 (struct intake_job, 1);
    job->account_id = fixture->account_id;
    job->channel_id = fixture->channel_id;
    job->at = clock_now ();
    job->id = id_new (job->at);
    job->raw = g_bytes_new_static (filler, sizeof filler);
    job->received.kind = RECEIVED_ITEMS;
    job->received.messages = g_ptr_array_new_with_free_func ((GDestroyNotify) incoming_free);
    job->done = note;
    return job;
}

static void add_message (struct intake_job *job, const char *external_id, const char *words)
{
    struct incoming *incoming = incoming_new ();
    incoming->external_id = g_strdup (external_id);
    incoming->from = g_strdup (ANA);
    incoming->text = g_strdup (words);
    incoming->content = g_strdup ("{\"kind\": \"text\"}");
    g_ptr_array_add (job->received.messages, incoming);
}

/* A job of n messages that nobody else sends. */
static struct intake_job *job_of (struct fixture *fixture, unsigned n)
{
    static gint last;
    struct intake_job *job = job_new (fixture);
    for (unsigned i = 0; i < n; i++) {
        g_autofree char *external_id = g_strdup_printf ("own-%d", g_atomic_int_add (&last, 1));
        add_message (job, external_id, "hello");
    }
    return job;
}

static struct intake_job *job_sized (struct fixture *fixture, size_t size)
{
    struct intake_job *job = job_of (fixture, 1);
    g_bytes_unref (job->raw);
    job->raw = g_bytes_new_take (g_malloc0 (size), size);
    return job;
}

/* NULL: refused, and the job is freed. */
static struct sent *try_push (struct fixture *fixture, struct intake_job *job)
{
    struct sent *sent = g_new0 (struct sent, 1);
    sent->fixture = fixture;
    job->data = sent;
    g_mutex_lock (&fixture->lock);
    g_ptr_array_add (fixture->sent, sent);
    g_mutex_unlock (&fixture->lock);
    if (intake_push (fixture->intake, job)) return sent;
    intake_job_free (job);
    g_mutex_lock (&fixture->lock);
    g_ptr_array_remove (fixture->sent, sent);
    g_mutex_unlock (&fixture->lock);
    return NULL;
}

static struct sent *push (struct fixture *fixture, struct intake_job *job)
{
    struct sent *sent = try_push (fixture, job);
    g_assert_nonnull (sent);
    return sent;
}

static void wait_for_answers (struct fixture *fixture)
{
    g_mutex_lock (&fixture->lock);
    while (fixture->n_answered < fixture->sent->len) g_cond_wait (&fixture->changed, &fixture->lock);
    g_mutex_unlock (&fixture->lock);
}

static enum intake_outcome outcome_of (struct fixture *fixture, struct intake_job *job)
{
    struct sent *sent = push (fixture, job);
    wait_for_answers (fixture);
    return sent->outcome;
}

/* No writer may block in done; this one does, so that a test can let jobs gather behind it. */
static void hold_up (struct intake_job *job, enum intake_outcome outcome)
{
    struct fixture *fixture = ((struct sent *) job->data)->fixture;
    g_mutex_lock (&fixture->lock);
    fixture->holding = true;
    g_cond_broadcast (&fixture->changed);
    while (!fixture->released) g_cond_wait (&fixture->changed, &fixture->lock);
    fixture->holding = fixture->released = false;
    g_mutex_unlock (&fixture->lock);
    note (job, outcome);
}

/* From here to release the writer takes nothing, and nothing waits yet. */
static void hold (struct fixture *fixture)
{
    struct intake_job *job = job_of (fixture, 0);
    job->done = hold_up;
    push (fixture, job);
    g_mutex_lock (&fixture->lock);
    while (!fixture->holding) g_cond_wait (&fixture->changed, &fixture->lock);
    g_mutex_unlock (&fixture->lock);
}

static void release (struct fixture *fixture)
{
    g_mutex_lock (&fixture->lock);
    fixture->released = true;
    g_cond_broadcast (&fixture->changed);
    g_mutex_unlock (&fixture->lock);
}

/* ---- what is promised ---- */

static void look_and_note (struct intake_job *job, enum intake_outcome outcome)
{
    struct sent *sent = job->data;
    struct fixture *fixture = sent->fixture;
    g_autoptr (params) p = params_new (2);
    params_int64 (p, fixture->account_id);
    params_uuid (p, &job->id);
    g_mutex_lock (&fixture->lock);
    g_autoptr (db_result) r = db_call (fixture->db, ENTRY, p, NULL);
    sent->seen = r ? db_int64 (r, 0, 0) : -1;
    g_mutex_unlock (&fixture->lock);
    note (job, outcome);
}

static void test_a_stuck_writer_keeps_nobody_waiting (void)
{
    struct fixture *fixture = fixture_new ();
    struct intake_options options = usual (fixture);
    options.wait = 20 * G_TIME_SPAN_MILLISECOND;
    start (fixture, &options);
    hold (fixture);
    struct sent *waiting = try_push (fixture, job_of (fixture, 1));
    struct sent *more;
    /* until the writer has been held up for too long, jobs are taken; then none is, and who waits is told */
    while ((more = try_push (fixture, job_of (fixture, 1)))) waiting = more;
    if (waiting) {
        g_assert_cmpuint (waiting->n_answers, ==, 1);
        g_assert_cmpint (waiting->outcome, ==, INTAKE_BUSY);
    }
    release (fixture);
    while (!(more = try_push (fixture, job_of (fixture, 1)))) g_thread_yield ();
    wait_for_answers (fixture);
    g_assert_cmpint (more->outcome, ==, INTAKE_STORED);
    stop (fixture);
}

static void test_acknowledged_means_committed (void)
{
    struct fixture *fixture = start_usual ();
    for (int i = 0; i < 200; i++) {
        struct intake_job *job = job_of (fixture, 1);
        job->done = look_and_note;
        push (fixture, job);
    }
    wait_for_answers (fixture);
    for (guint i = 0; i < fixture->sent->len; i++) {
        const struct sent *sent = fixture->sent->pdata[i];
        g_assert_cmpint (sent->outcome, ==, INTAKE_STORED);
        g_assert_cmpint (sent->seen, ==, 1);
    }
    g_assert_cmpint (number (fixture, MESSAGES), ==, 200);
    stop (fixture);
}

static void test_full_is_refused (void)
{
    struct fixture *fixture = fixture_new ();
    struct intake_options options = usual (fixture);
    options.queue = 5;
    start (fixture, &options);
    hold (fixture);
    struct intake_state state;
    for (unsigned i = 0; i < 5; i++) push (fixture, job_of (fixture, 1));
    g_assert_null (try_push (fixture, job_of (fixture, 1)));
    intake_look (fixture->intake, &state);
    g_assert_cmpuint (state.waiting, ==, 5);
    release (fixture);
    wait_for_answers (fixture);
    intake_look (fixture->intake, &state);
    g_assert_cmpuint (state.waiting, ==, 0);
    g_assert_cmpint (state.oldest, ==, 0);
    push (fixture, job_of (fixture, 1));
    wait_for_answers (fixture);
    g_assert_cmpint (number (fixture, MESSAGES), ==, 6);
    stop (fixture);
}

#define THREADS 8
#define EACH 150

/* Threads 2n and 2n + 1 send the same messages. */
static void *send_many (void *data)
{
    static gint threads;
    struct fixture *fixture = data;
    int name = g_atomic_int_add (&threads, 1) / 2;
    for (int i = 0; i < EACH; i++) {
        g_autofree char *external_id = g_strdup_printf ("twin-%d-%d", name, i);
        struct intake_job *job = job_new (fixture);
        add_message (job, external_id, "hello");
        push (fixture, job);
    }
    return NULL;
}

static void test_many_at_once_are_stored_once (void)
{
    struct fixture *fixture = start_usual ();
    GThread *threads[THREADS];
    for (int i = 0; i < THREADS; i++) threads[i] = g_thread_new ("sender", send_many, fixture);
    for (int i = 0; i < THREADS; i++) g_thread_join (threads[i]);
    wait_for_answers (fixture);
    g_assert_cmpuint (fixture->sent->len, ==, THREADS * EACH);
    for (guint i = 0; i < fixture->sent->len; i++) g_assert_cmpint (((struct sent *) fixture->sent->pdata[i])->outcome, ==, INTAKE_STORED);
    g_assert_cmpint (number (fixture, MESSAGES), ==, THREADS * EACH / 2);
    g_assert_cmpint (number (fixture, JOURNAL), ==, THREADS * EACH);
    stop (fixture);
}

static void test_poison_hurts_no_neighbour (void)
{
    database_run ("alter table gateway.message add constraint poison check (text <> 'poison')");
    struct fixture *fixture = start_usual ();
    g_autoptr (GString) expected = g_string_new (NULL);
    hold (fixture);
    struct sent *poison = NULL;
    for (int i = 0; i < 128; i++) {
        g_autofree char *external_id = g_strdup_printf ("sms-%d", i), *words = g_strdup (i == 77 ? "poison" : external_id);
        struct intake_job *job = job_new (fixture);
        add_message (job, external_id, words);
        struct sent *sent = push (fixture, job);
        if (i == 77)
            poison = sent;
        else
            g_string_append_printf (expected, "%s%s", i ? " " : "", words);
    }
    release (fixture);
    wait_for_answers (fixture);
    for (guint i = 0; i < fixture->sent->len; i++) {
        const struct sent *sent = fixture->sent->pdata[i];
        g_assert_cmpint (sent->outcome, ==, sent == poison ? INTAKE_QUARANTINED : INTAKE_STORED);
    }
    g_autofree char *texts = text (fixture, TEXTS), *reasons = text (fixture, REASONS);
    g_assert_cmpstr (texts, ==, expected->str);
    g_assert_cmpstr (reasons, ==, "the database refused it (SQLSTATE 23514, constraint poison)");
    g_assert_cmpint (number (fixture, JOURNAL), ==, 129);
    stop (fixture);
    database_run ("alter table gateway.message drop constraint poison");
}

static void test_not_understood_is_quarantined (void)
{
    struct fixture *fixture = start_usual ();
    struct intake_job *job = job_new (fixture);
    job->received.kind = RECEIVED_UNREADABLE;
    job->received.reason = g_strdup ("it has no sender");
    g_assert_cmpint (outcome_of (fixture, job), ==, INTAKE_QUARANTINED);
    g_autofree char *reasons = text (fixture, REASONS);
    g_assert_cmpstr (reasons, ==, "it has no sender");
    stop (fixture);
}

/* What was understood is stored, the rest waits; when it is run again it is not put into the quarantine twice. */
static void test_half_understood_is_stored_and_quarantined (void)
{
    struct fixture *fixture = start_usual ();
    for (int again = 0; again < 2; again++) {
        struct intake_job *job = job_new (fixture);
        add_message (job, "half", "hello");
        job->received.reason = g_strdup ("half of it makes no sense");
        job->again = again;
        g_assert_cmpint (outcome_of (fixture, job), ==, INTAKE_QUARANTINED);
    }
    g_autofree char *texts = text (fixture, TEXTS), *reasons = text (fixture, REASONS);
    g_assert_cmpstr (texts, ==, "hello");
    g_assert_cmpstr (reasons, ==, "half of it makes no sense");
    stop (fixture);
}

#define SECOND_CHANNEL "insert into gateway.channel (account_id, slug, adapter) values ($1, 'second', 'twilio') returning channel_id"
#define OF_SECOND \
    "select string_agg (m.text, ' ' order by m.text) from gateway.message m join gateway.channel c using (account_id, channel_id) " \
    "where account_id = $1 and c.slug = 'second'"
#define ANSWERS \
    "select string_agg (m.kind || ' ' || coalesce (r.text, '-') || ' ' || m.author_type, ', ' order by m.number) from gateway.message m " \
    "left join gateway.message r on r.account_id = m.account_id and r.message_id = m.in_reply_to where m.account_id = $1"
#define ADDRESSES \
    "select string_agg (a.uri, ' ' order by a.uri) from gateway.address a join gateway.contact using (account_id, contact_id) where " \
    "account_id = $1"
#define WINDOW "select count (*) from gateway.pair where account_id = $1 and window_until = '2027-01-15 08:00:00.25Z'"
#define HASHES "select count (*) from gateway.attachment where account_id = $1 and expected_sha256 = decode (repeat ('0f', 32), 'hex')"

static struct incoming *newest (struct intake_job *job)
{
    return job->received.messages->pdata[job->received.messages->len - 1];
}

static void test_what_chat_channels_say_beside_the_text (void)
{
    struct fixture *fixture = start_usual ();
    struct intake_job *job = job_new (fixture);
    add_message (job, "first", "hello");
    newest (job)->aliases = g_ptr_array_new_with_free_func (g_free);
    g_ptr_array_add (newest (job)->aliases, g_strdup ("tel:+15550000009"));
    newest (job)->window_until = INT64_C (1800000000250000);
    newest (job)->files = g_ptr_array_new_with_free_func ((GDestroyNotify) remote_file_free);
    struct remote_file *file = remote_file_new ("https://x/1", NULL, NULL);
    file->sha256 = g_strdup ("0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f");
    g_ptr_array_add (newest (job)->files, file);
    add_message (job, "second", "and");
    newest (job)->in_reply_to = g_strdup ("first");
    add_message (job, "third", "we answered");
    newest (job)->echo = true;
    add_message (job, "fourth", "with a heart");
    newest (job)->quiet = true;
    newest (job)->in_reply_to = g_strdup ("third");
    g_assert_cmpint (outcome_of (fixture, job), ==, INTAKE_STORED);
    g_autofree char *answers = text (fixture, ANSWERS), *addresses = text (fixture, ADDRESSES);
    g_assert_cmpstr (answers, ==, "incoming - contact, incoming hello contact, outgoing - human, incoming we answered contact");
    g_assert_cmpstr (addresses, ==, ANA " tel:+15550000009");
    g_assert_cmpint (number (fixture, WINDOW), ==, 1);
    g_assert_cmpint (number (fixture, HASHES), ==, 1);
    stop (fixture);
}

static void test_items_go_to_their_channels (void)
{
    struct fixture *fixture = start_usual ();
    int64_t second = number (fixture, SECOND_CHANNEL);
    struct intake_job *job = job_new (fixture);
    add_message (job, "a", "here");
    add_message (job, "b", "there");
    newest (job)->channel_id = second;
    g_assert_cmpint (outcome_of (fixture, job), ==, INTAKE_STORED);
    g_autofree char *texts = text (fixture, OF_SECOND);
    g_assert_cmpstr (texts, ==, "there");
    stop (fixture);
}

#define RECEIPTS \
    "select string_agg (concat_ws (' ', external_id, reason, title, data ->> 'price'), ', ') from gateway.receipt where account_id = $1"

static void test_receipts_are_kept_with_all_that_they_say (void)
{
    struct fixture *fixture = start_usual ();
    struct intake_job *job = job_new (fixture);
    job->received.receipts = g_ptr_array_new_with_free_func ((GDestroyNotify) receipt_free);
    struct receipt *receipt = receipt_new ("a", STATUS_FAILED);
    receipt->reason = "window_closed";
    receipt->title = "too late";
    receipt->data = g_strdup ("{\"price\": 3}");
    g_ptr_array_add (job->received.receipts, receipt);
    g_assert_cmpint (outcome_of (fixture, job), ==, INTAKE_STORED);
    g_autofree char *receipts = text (fixture, RECEIPTS);
    g_assert_cmpstr (receipts, ==, "a window_closed too late 3");
    stop (fixture);
}

#define NOTICES \
    "select string_agg (concat_ws (' ', topic, title, data ->> 'is', s.health, s.remedy), ', ') from gateway.notice n " \
    "join gateway.channel_state s using (account_id, channel_id) where account_id = $1"

static void test_notices_are_kept_once (void)
{
    struct fixture *fixture = start_usual ();
    for (int i = 0; i < 2; i++) {
        struct intake_job *job = job_new (fixture);
        job->received.notices = g_ptr_array_new_with_free_func ((GDestroyNotify) notice_free);
        struct notice *notice = notice_new ("a", "account", "it is blocked");
        notice->data = g_strdup ("{\"is\": \"so\"}");
        notice->health = "down";
        notice->remedy = "ask";
        g_ptr_array_add (job->received.notices, notice);
        g_assert_cmpint (outcome_of (fixture, job), ==, INTAKE_STORED);
    }
    g_autofree char *notices = text (fixture, NOTICES);
    g_assert_cmpstr (notices, ==, "account it is blocked so down ask");
    stop (fixture);
}

/* ---- a request of two numbers, of which one is no channel yet ---- */

enum { NUMBER, SECRET };
static const struct setting settings[] = {
    [NUMBER] = {"number", SETTING_STRING, NULL, 0, "its own"},
    [SECRET] = {"secret", SETTING_STRING, NULL, SETTING_MANY, "of both"},
};

/* One message for number 1 and one for number 2, whatever came. */
static void receive (const struct channel *channel, const struct http_request *request, bool trusted, int64_t now,
                     struct received *received)
{
    (void) channel, (void) request, (void) now;
    g_assert_true (trusted);
    *received = (struct received){RECEIVED_ITEMS};
    received->messages = g_ptr_array_new_with_free_func ((GDestroyNotify) incoming_free);
    for (unsigned i = 1; i <= 2; i++) {
        struct incoming *incoming = incoming_new ();
        incoming->external_id = g_strdup_printf ("to-%u", i);
        incoming->route = g_strdup_printf ("%u", i);
        incoming->from = g_strdup (ANA);
        incoming->text = g_strdup (incoming->external_id);
        incoming->content = g_strdup ("{\"kind\": \"text\"}");
        g_ptr_array_add (received->messages, incoming);
    }
}

static const struct adapter numbered = {
    .name = "numbered",
    .settings = settings,
    .n_settings = G_N_ELEMENTS (settings),
    .routing = &(const struct routing){NUMBER, SECRET},
    .receive = receive,
};

static struct channel channel_of (struct fixture *fixture, int64_t channel_id, const char *itsnumber)
{
    const char *const pairs[] = {"number", itsnumber, "secret", "s", NULL};
    struct values *values = values_of ((struct settings){settings, G_N_ELEMENTS (settings)}, pairs);
    return (struct channel){.adapter = &numbered, .values = values, .account_id = fixture->account_id, .channel_id = channel_id};
}

static enum intake_outcome reprocessed (struct fixture *fixture, const struct config *config, const struct channel *channel, GBytes *raw)
{
    struct sent *sent = g_new0 (struct sent, 1);
    sent->fixture = fixture;
    g_mutex_lock (&fixture->lock);
    g_ptr_array_add (fixture->sent, sent);
    g_mutex_unlock (&fixture->lock);
    g_assert_null (hooks_reprocess (fixture->intake, config, channel, raw, 1, note, sent));
    wait_for_answers (fixture);
    return sent->outcome;
}

static void test_what_was_left_out_is_stored_later_once (void)
{
    struct fixture *fixture = start_usual ();
    int64_t second = number (fixture, SECOND_CHANNEL);
    struct channel channels[] = {channel_of (fixture, fixture->channel_id, "1"), channel_of (fixture, 0, "2")};
    struct account account = {.account_id = fixture->account_id, .channels = g_ptr_array_new ()};
    struct config config = {.accounts = g_ptr_array_new ()};
    g_ptr_array_add (config.accounts, &account);
    for (unsigned i = 0; i < G_N_ELEMENTS (channels); i++) g_ptr_array_add (account.channels, &channels[i]);
    g_autoptr (GBytes) body = g_bytes_new_static ("", 0);
    g_autoptr (GBytes) raw = http_request_format (&(struct http_request){"POST", "/", "/", "", NULL, 0, body, NULL});

    g_assert_cmpint (reprocessed (fixture, &config, &channels[0], raw), ==, INTAKE_QUARANTINED);
    g_assert_cmpint (number (fixture, MESSAGES), ==, 1);
    channels[1].channel_id = second;
    for (int i = 0; i < 2; i++) g_assert_cmpint (reprocessed (fixture, &config, &channels[0], raw), ==, INTAKE_STORED);
    g_assert_cmpint (number (fixture, MESSAGES), ==, 2);
    g_autofree char *texts = text (fixture, OF_SECOND), *reasons = text (fixture, REASONS);
    g_assert_cmpstr (texts, ==, "to-2");
    g_assert_cmpstr (reasons, ==, "");

    for (unsigned i = 0; i < G_N_ELEMENTS (channels); i++) values_unref (channels[i].values);
    g_ptr_array_unref (account.channels);
    g_ptr_array_unref (config.accounts);
    stop (fixture);
}

static void *stop_intake (void *data)
{
    intake_stop (((struct fixture *) data)->intake);
    return NULL;
}

static void test_stopping_stores_what_waits (void)
{
    struct fixture *fixture = start_usual ();
    hold (fixture);
    for (int i = 0; i < 300; i++) push (fixture, job_of (fixture, 1));
    GThread *stopper = g_thread_new ("stopper", stop_intake, fixture);
    /* the queue is nowhere near full: refused means stopping */
    while (try_push (fixture, job_of (fixture, 1))) breathe (fixture);
    unsigned waiting = fixture->sent->len - 1;
    g_assert_cmpuint (waiting, <, 100000);
    release (fixture);
    g_thread_join (stopper);
    g_assert_cmpuint (fixture->n_answered, ==, waiting + 1);
    g_assert_cmpint (number (fixture, MESSAGES), ==, waiting);
    g_assert_null (try_push (fixture, job_of (fixture, 1)));
    finish (fixture);
}

/* Are both in one transaction if nothing else waits? */
static bool together (struct fixture *fixture, struct intake_job *first, struct intake_job *second)
{
    hold (fixture);
    struct sent *one = push (fixture, first), *other = push (fixture, second);
    release (fixture);
    wait_for_answers (fixture);
    g_assert_cmpint (one->outcome, ==, INTAKE_STORED);
    g_assert_cmpint (other->outcome, ==, INTAKE_STORED);
    return one->commit == other->commit;
}

static void test_a_batch_has_so_many_items (void)
{
    struct fixture *fixture = fixture_new ();
    struct intake_options options = usual (fixture);
    options.batch_items = 4;
    start (fixture, &options);
    g_assert_true (together (fixture, job_of (fixture, 1), job_of (fixture, 3)));
    g_assert_false (together (fixture, job_of (fixture, 1), job_of (fixture, 4)));
    g_assert_true (together (fixture, job_of (fixture, 0), job_of (fixture, 3))); /* a request without items counts as one */
    g_assert_false (together (fixture, job_of (fixture, 0), job_of (fixture, 4)));
    g_assert_false (together (fixture, job_of (fixture, 5), job_of (fixture, 1))); /* too large for any batch, it has its own */
    stop (fixture);
}

static void test_a_batch_has_so_many_bytes (void)
{
    struct fixture *fixture = fixture_new ();
    struct intake_options options = usual (fixture);
    options.batch_bytes = 2000;
    start (fixture, &options);
    g_assert_true (together (fixture, job_sized (fixture, 1000), job_sized (fixture, 1000)));
    g_assert_false (together (fixture, job_sized (fixture, 1000), job_sized (fixture, 1001)));
    g_assert_false (together (fixture, job_sized (fixture, 2001), job_sized (fixture, 1)));
    stop (fixture);
}

static void test_large_requests_go_to_files (void)
{
    struct fixture *fixture = start_usual ();
    g_assert_cmpint (outcome_of (fixture, job_sized (fixture, INLINE_MAX)), ==, INTAKE_STORED);
    g_assert_cmpint (number (fixture, FILES), ==, 0);
    g_assert_cmpint (outcome_of (fixture, job_sized (fixture, INLINE_MAX + 1)), ==, INTAKE_STORED);
    g_assert_cmpint (number (fixture, FILES), ==, 1);
    stop (fixture);
}

static void test_a_full_disk_hurts_no_neighbour (void)
{
    struct fixture *fixture = fixture_new ();
    struct intake_options options = usual (fixture);
    options.directory = "/dev/null/no-such-folder";
    start (fixture, &options);
    hold (fixture);
    struct sent *small = push (fixture, job_of (fixture, 1)), *large = push (fixture, job_sized (fixture, INLINE_MAX + 1)),
                *other = push (fixture, job_of (fixture, 1));
    release (fixture);
    wait_for_answers (fixture);
    g_assert_cmpint (small->outcome, ==, INTAKE_STORED);
    g_assert_cmpint (large->outcome, ==, INTAKE_BUSY);
    g_assert_cmpint (other->outcome, ==, INTAKE_STORED);
    g_assert_cmpint (number (fixture, MESSAGES), ==, 2);
    stop (fixture);
}

static void test_a_cut_connection_is_made_anew (void)
{
    struct fixture *fixture = start_usual ();
    g_assert_cmpint (outcome_of (fixture, job_of (fixture, 1)), ==, INTAKE_STORED);
    database_run (CUT);
    g_assert_cmpint (outcome_of (fixture, job_of (fixture, 1)), ==, INTAKE_STORED);
    g_assert_cmpint (number (fixture, MESSAGES), ==, 2);
    stop (fixture);
}

/* alter database would be in the way of itself: it is said from another database. */
static void allow_connections (bool allow)
{
    g_autofree char *sql = g_strdup_printf ("alter database sb_intake allow_connections %s", allow ? "true" : "false");
    database_outside (sql);
}

static void test_without_a_database_everyone_is_told_so (void)
{
    struct fixture *fixture = fixture_new ();
    struct intake_options options = usual (fixture);
    options.wait = 1;
    start (fixture, &options);
    struct intake_state state;
    allow_connections (false);
    g_mutex_lock (&fixture->lock);
    g_assert_true (db_run (fixture->db, CUT, NULL));
    g_mutex_unlock (&fixture->lock);
    g_assert_cmpint (outcome_of (fixture, job_of (fixture, 1)), ==, INTAKE_BUSY);
    g_assert_null (try_push (fixture, job_of (fixture, 1)));
    intake_look (fixture->intake, &state);
    g_assert_false (state.connected);
    g_assert_cmpint (number (fixture, MESSAGES), ==, 0);
    allow_connections (true);
    do {
        breathe (fixture);
        intake_look (fixture->intake, &state);
    } while (!state.connected);
    g_assert_cmpint (outcome_of (fixture, job_of (fixture, 1)), ==, INTAKE_STORED);
    g_assert_cmpint (number (fixture, MESSAGES), ==, 1);
    stop (fixture);
}

/* It is none: the same rows may be stored later. */
static void test_a_lock_that_is_not_had_is_no_poison (void)
{
    struct fixture *fixture = fixture_new ();
    struct intake_options options = usual (fixture);
    g_autofree char *impatient =
        g_strdup_printf ("%s options='-c search_path=%s,pg_catalog -c timezone=UTC -c lock_timeout=10ms'", database, schema_build);
    options.database_url = impatient;
    start (fixture, &options);
    g_assert_true (db_run (fixture->db, "begin; lock table gateway.message in exclusive mode", NULL));
    g_assert_cmpint (outcome_of (fixture, job_of (fixture, 1)), ==, INTAKE_BUSY);
    g_assert_true (db_run (fixture->db, "rollback", NULL));
    g_autofree char *reasons = text (fixture, REASONS);
    g_assert_cmpstr (reasons, ==, "");
    g_assert_cmpint (outcome_of (fixture, job_of (fixture, 1)), ==, INTAKE_STORED);
    g_assert_cmpint (number (fixture, JOURNAL), ==, 1);
    stop (fixture);
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    database = database_make ("sb_intake");
    g_assert_true (files_prepare (DIRECTORY, NULL));
    g_test_add_func ("/intake/acknowledged means committed", test_acknowledged_means_committed);
    g_test_add_func ("/intake/a stuck writer keeps nobody waiting", test_a_stuck_writer_keeps_nobody_waiting);
    g_test_add_func ("/intake/full is refused", test_full_is_refused);
    g_test_add_func ("/intake/many at once are stored once", test_many_at_once_are_stored_once);
    g_test_add_func ("/intake/poison hurts no neighbour", test_poison_hurts_no_neighbour);
    g_test_add_func ("/intake/not understood is quarantined", test_not_understood_is_quarantined);
    g_test_add_func ("/intake/half understood is stored and quarantined", test_half_understood_is_stored_and_quarantined);
    g_test_add_func ("/intake/what chat channels say beside the text", test_what_chat_channels_say_beside_the_text);
    g_test_add_func ("/intake/items go to their channels", test_items_go_to_their_channels);
    g_test_add_func ("/intake/receipts are kept with all that they say", test_receipts_are_kept_with_all_that_they_say);
    g_test_add_func ("/intake/notices are kept once", test_notices_are_kept_once);
    g_test_add_func ("/intake/what was left out is stored later, once", test_what_was_left_out_is_stored_later_once);
    g_test_add_func ("/intake/stopping stores what waits", test_stopping_stores_what_waits);
    g_test_add_func ("/intake/a batch has so many items", test_a_batch_has_so_many_items);
    g_test_add_func ("/intake/a batch has so many bytes", test_a_batch_has_so_many_bytes);
    g_test_add_func ("/intake/large requests go to files", test_large_requests_go_to_files);
    g_test_add_func ("/intake/a full disk hurts no neighbour", test_a_full_disk_hurts_no_neighbour);
    g_test_add_func ("/intake/a cut connection is made anew", test_a_cut_connection_is_made_anew);
    g_test_add_func ("/intake/without a database everyone is told so", test_without_a_database_everyone_is_told_so);
    g_test_add_func ("/intake/a lock that is not had is no poison", test_a_lock_that_is_not_had_is_no_poison);
    int status = g_test_run ();
    database_drop ();
    return status;
}
