/* SPDX-License-Identifier: Apache-2.0
 *
 * One connection and what can go wrong with it: against a real PostgreSQL (SB_TEST_DATABASE is the connection string of one), and against
 * servers that fall silent.
 */
#include "store/db.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SHORT (200 * G_TIME_SPAN_MILLISECOND)

static const char *url;

static struct db *open_db (const char *options)
{
    g_autoptr (GError) error = NULL;
    struct db *db = db_open (url, "test", options, &error);
    g_assert_no_error (error);
    return db;
}

static int64_t ask (struct db *db, const char *sql, GError **error)
{
    g_autoptr (params) p = params_new (0);
    g_autoptr (db_result) r = db_call (db, sql, p, error);
    return r ? db_int64 (r, 0, 0) : -1;
}

/* ---- URLs ---- */

/* A password in which something stands that a URL would want percent-encoded: libpq then takes pieces of it for something else, and quotes them. */
static void test_passwords (void)
{
    static const char *const urls[] = {
        "postgresql://sb:S3cretPw%zz@/x",
        "postgresql://sb:S3cretPw/q@localhost/x",
        "postgresql://sb:p@S3cretPw@localhost/x",
        "postgresql://sb:p@S3cretPw@/x",
        "postgresql://sb:S3cretPw",
        "postgresql://sb:123/S3cretPw@localhost/x",
        "postgresql://sb:1,h/S3cretPw@localhost/x",
        "postgresql://sb:p@S3cretPw?x@localhost/x",
        "postgresql://sb:p@S3cretPw/x?host=a@localhost/x",
        "postgresql://sb:p@[S3cretPw@localhost/x",
        "postgresql://sb:p@h:S3cretPw@localhost/x",
        "sb:S3cretPw@localhost/x",
        "host=localhost password=p S3cretPw dbname=x",
        "host=localhost password='S3cretPw dbname=x",
        "host=localhost password=p S3cretPw=x",
        "hostaddr=S3cretPw@127.0.0.1",
    };
    for (size_t i = 0; i < G_N_ELEMENTS (urls); i++) {
        g_autoptr (GError) error = NULL;
        g_assert_null (db_open (urls[i], "test", NULL, &error));
        g_assert_error (error, DB_ERROR, DB_ERROR_CONNECTION);
        if (strstr (error->message, "S3cret") || !db_url_fault (urls[i])) g_error ("%s: %s", urls[i], error->message);
    }
}

static void test_good_urls (void)
{
    static const char *const urls[] = {
        "",
        "postgresql:///switchboard",
        "postgresql://",
        "postgres://sb:p%40S3cret%2F%25@db.internal:5432/switchboard?sslmode=verify-full",
        "postgresql://sb@a:5432,b,[::1]:5433/x?target_session_attrs=read-write",
        "postgresql://sb%40tenant:p:p@localhost/x?application_name=a@b",
        "host=/run/postgresql user=sb@tenant password='p@S3cret /x' dbname=x port=5432,",
    };
    for (size_t i = 0; i < G_N_ELEMENTS (urls); i++) g_assert_cmpstr (db_url_fault (urls[i]), ==, NULL);
    g_assert_null (db_url_fault (url));
}

/* ---- silence ---- */

/* A server that accepts and says what it is told to, and then nothing for ever; or answers once or twice more, and ends. */
struct silent {
    int fd;
    char *directory, *file, *url;
    const char *greeting;
    size_t n;
    const GByteArray *answers[2];
    GThread *thread;
};

static void *greet (void *data)
{
    struct silent *silent = data;
    g_autoptr (GArray) open = g_array_new (FALSE, FALSE, sizeof (int));
    for (int fd; (fd = accept (silent->fd, NULL, NULL)) >= 0;) {
        char startup[4096];
        if (silent->n && recv (fd, startup, sizeof startup, 0) > 0)
            g_assert_cmpint (send (fd, silent->greeting, silent->n, 0), ==, silent->n);
        for (int i = 0; i < 2 && silent->answers[i] && recv (fd, startup, sizeof startup, 0) > 0; i++) {
            g_assert_cmpint (send (fd, silent->answers[i]->data, silent->answers[i]->len, 0), ==, silent->answers[i]->len);
            if (i == 1) shutdown (fd, SHUT_WR);
        }
        g_array_append_val (open, fd);
    }
    for (guint i = 0; i < open->len; i++) close (g_array_index (open, int, i));
    return NULL;
}

static struct silent *silent_start (const char *greeting, size_t n, const GByteArray *first, const GByteArray *second)
{
    struct silent *silent = g_new0 (struct silent, 1);
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    silent->greeting = greeting;
    silent->n = n;
    silent->answers[0] = first;
    silent->answers[1] = second;
    silent->directory = g_dir_make_tmp ("sb-XXXXXX", NULL);
    silent->file = g_build_filename (silent->directory, ".s.PGSQL.5432", NULL);
    silent->url = g_strdup_printf ("host=%s port=5432 user=x dbname=x gssencmode=disable", silent->directory);
    g_strlcpy (at.sun_path, silent->file, sizeof at.sun_path);
    silent->fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint (bind (silent->fd, (struct sockaddr *) &at, sizeof at), ==, 0);
    g_assert_cmpint (listen (silent->fd, 8), ==, 0);
    silent->thread = g_thread_new ("silent", greet, silent);
    return silent;
}

static void silent_stop (struct silent *silent)
{
    shutdown (silent->fd, SHUT_RDWR);
    g_thread_join (silent->thread);
    close (silent->fd);
    unlink (silent->file);
    rmdir (silent->directory);
    g_free (silent->url);
    g_free (silent->file);
    g_free (silent->directory);
    g_free (silent);
}

/* Signed in, and ready for a query. */
static const char WELCOME[] = "R\0\0\0\10\0\0\0\0Z\0\0\0\5I";

static void test_silent_from_the_start (void)
{
    struct silent *silent = silent_start ("", 0, NULL, NULL);
    g_autoptr (GError) error = NULL;
    g_assert_null (db_open (silent->url, "test", NULL, &error));
    g_assert_error (error, DB_ERROR, DB_ERROR_CONNECTION);
    silent_stop (silent);
}

/* Rows come before the commit: of a server that ends between the two, nobody knows whether anything was committed. */
static void test_rows_without_an_end (void)
{
    static const char rows[] = "2\0\0\0\4"
                               "T\0\0\0\32\0\1n\0\0\0\0\0\0\0\0\0\0\24\0\10\377\377\377\377\0\1"
                               "D\0\0\0\22\0\1\0\0\0\10\0\0\0\0\0\0\0\7"
                               "C\0\0\0\15SELECT 1",
                      parsed[] = "1\0\0\0\4", end[] = "Z\0\0\0\5I";
    for (int whole = 0; whole < 2; whole++) {
        g_autoptr (GByteArray) prepared = g_byte_array_new (), executed = g_byte_array_new ();
        g_byte_array_append (prepared, (const guint8 *) parsed, sizeof parsed - 1);
        g_byte_array_append (prepared, (const guint8 *) end, sizeof end - 1);
        g_byte_array_append (executed, (const guint8 *) rows, sizeof rows); /* with the zero that ends "SELECT 1" */
        if (whole) g_byte_array_append (executed, (const guint8 *) end, sizeof end - 1);
        struct silent *silent = silent_start (WELCOME, sizeof WELCOME - 1, prepared, executed);
        g_autoptr (GError) error = NULL;
        struct db *db = db_open (silent->url, "test", NULL, &error);
        g_assert_no_error (error);
        int64_t n = ask (db, "insert into x default values returning n", &error);
        g_assert_cmpint (n, ==, whole ? 7 : -1);
        if (!whole) g_assert_error (error, DB_ERROR, DB_ERROR_CONNECTION);
        db_close (db);
        silent_stop (silent);
    }
}

/* A call, a ping, and what is more than the socket takes: each ends, and the connection with it. */
static void test_silent_later (void)
{
    struct silent *silent = silent_start (WELCOME, sizeof WELCOME - 1, NULL, NULL);
    g_autofree char *large = g_strnfill (16 << 20, ' ');
    for (int i = 0; i < 3; i++) {
        g_autoptr (GError) error = NULL;
        struct db *db = db_open (silent->url, "test", NULL, &error);
        g_assert_no_error (error);
        db_limit (db, SHORT);
        bool answered = i == 0 ? ask (db, "select 1", &error) == 1 : i == 1 ? db_ping (db, SHORT, &error) : db_run (db, large, &error);
        g_assert_false (answered);
        g_assert_error (error, DB_ERROR, DB_ERROR_CONNECTION);
        g_assert_false (db_connected (db));
        g_assert_false (db_alive (db));
        g_clear_error (&error);
        g_assert_cmpint (ask (db, "select 1", &error), ==, -1);
        g_assert_error (error, DB_ERROR, DB_ERROR_CONNECTION);
        db_close (db);
    }
    silent_stop (silent);
}

/* ---- a real one ---- */

/* What takes longer than the limit may or may not have happened; the connection can be had again, with the same limit. */
static void test_limit (void)
{
    struct db *db = open_db ("-c statement_timeout=20000");
    db_limit (db, SHORT);
    for (int i = 0; i < 2; i++) {
        g_autoptr (GError) error = NULL;
        g_assert_cmpint (ask (db, "select 1::int8 from pg_sleep (60)", &error), ==, -1);
        g_assert_error (error, DB_ERROR, DB_ERROR_CONNECTION);
        g_clear_error (&error);
        g_assert_true (db_reopen (db, &error));
        g_assert_cmpint (ask (db, "select 7::int8", &error), ==, 7);
        g_assert_no_error (error);
    }
    db_limit (db, 0);
    g_assert_cmpint (ask (db, "select 8::int8 from pg_sleep (0.5)", NULL), ==, 8);
    db_close (db);
}

/* Larger than what the sockets hold, in both directions. */
static void test_large (void)
{
    struct db *db = open_db (NULL);
    g_autofree char *text = g_strnfill (8 << 20, 'x');
    g_autoptr (GError) error = NULL;
    for (int i = 0; i < 3; i++) {
        g_autoptr (params) p = params_new (1);
        params_text (p, text);
        g_autoptr (db_result) r = db_call (db, "select $1 || 'y' from generate_series (1, 3)", p, &error);
        g_assert_no_error (error);
        g_assert_cmpint (db_rows (r), ==, 3);
        g_assert_cmpuint (db_length (r, 2, 0), ==, (8 << 20) + 1);
    }
    db_close (db);
}

static void test_errors (void)
{
    struct db *db = open_db (NULL);
    g_autoptr (GError) error = NULL;
    g_assert_cmpint (ask (db, "select 1 / (length (current_user) * 0)", &error), ==, -1);
    g_assert_error (error, DB_ERROR, DB_ERROR_STATEMENT);
    g_assert_cmpstr (db_sqlstate (db), ==, "22012");
    g_clear_error (&error);
    g_assert_false (db_run (db, "select 1; select no_such_thing; select 2", &error));
    g_assert_error (error, DB_ERROR, DB_ERROR_STATEMENT);
    g_assert_cmpstr (db_sqlstate (db), ==, "42703");
    g_assert_nonnull (strstr (error->message, "no_such_thing"));
    g_clear_error (&error);
    g_assert_true (db_run (db, "select 1; select 2", &error));
    g_assert_true (db_ping (db, 20 * G_TIME_SPAN_SECOND, &error));
    g_assert_cmpint (ask (db, "select 3::int8", &error), ==, 3);
    g_assert_no_error (error);
    db_close (db);
}

/* Cut off while it waits, and while it has nothing to do; the reason that the server gives is known. */
static void test_cut_off (void)
{
    struct db *db = open_db (NULL), *other = open_db (NULL);
    g_autoptr (GError) error = NULL;
    g_assert_cmpint (ask (db, "select pg_terminate_backend (pg_backend_pid ())::int4::int8", &error), ==, -1);
    g_assert_error (error, DB_ERROR, DB_ERROR_CONNECTION);
    g_assert_cmpstr (db_sqlstate (db), ==, "57P01");
    g_clear_error (&error);
    g_assert_true (db_reopen (db, &error));
    g_autoptr (params) p = params_new (1);
    params_int64 (p, ask (db, "select pg_backend_pid ()::int8", &error));
    g_autoptr (db_result) r = db_call (other, "select pg_terminate_backend ($1::int8::int4, 60000)", p, &error);
    g_assert_no_error (error);
    while (db_alive (db)) g_thread_yield ();
    db_close (db);
    db_close (other);
}

/* Notices of the server have no place in the log: neither those of the start nor the last words to a connection that is not in use. */
static void test_quiet (void)
{
    if (g_test_subprocess ()) {
        struct db *db = open_db (NULL);
        g_assert_true (db_run (db, "do $$ begin raise warning 'beware'; end $$", NULL));
        db_close (db);
        test_cut_off ();
        return;
    }
    g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
    g_test_trap_assert_passed ();
    g_test_trap_assert_stderr_unmatched ("*beware*");
    g_test_trap_assert_stderr_unmatched ("*FATAL*");
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    url = g_getenv ("SB_TEST_DATABASE");
    if (!url) g_error ("SB_TEST_DATABASE names no database");
    g_test_add_func ("/db/passwords", test_passwords);
    g_test_add_func ("/db/good-urls", test_good_urls);
    g_test_add_func ("/db/silent-from-the-start", test_silent_from_the_start);
    g_test_add_func ("/db/silent-later", test_silent_later);
    g_test_add_func ("/db/rows-without-an-end", test_rows_without_an_end);
    g_test_add_func ("/db/limit", test_limit);
    g_test_add_func ("/db/large", test_large);
    g_test_add_func ("/db/errors", test_errors);
    g_test_add_func ("/db/cut-off", test_cut_off);
    g_test_add_func ("/db/quiet", test_quiet);
    return g_test_run ();
}
