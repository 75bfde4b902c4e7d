/* SPDX-License-Identifier: Apache-2.0 */
#include "store/db.h"

#include "base/pulse.h"
#include "store/params.h"
#include "store/schema.h"

#include <libpq-fe.h>
#include <string.h>

/* A dead peer is found within seconds, not hours; the caller's own keywords win over these. */
static const struct {
    const char *keyword, *value;
} defaults[] = {
    {"connect_timeout", "3"},  {"keepalives_idle", "10"},     {"keepalives_interval", "5"},
    {"keepalives_count", "3"}, {"tcp_user_timeout", "10000"}, {"client_encoding", "UTF8"},
};

struct db {
    PGconn *connection;
    char *url, *application, *options;
    GHashTable *prepared; /* address of the SQL literal → statement name */
    int64_t patience;     /* µs that an answer may take; 0: as long as it likes */
    char sqlstate[6];
    char *message, *constraint;
};

struct db_result {
    PGresult *rows;
};

G_DEFINE_QUARK (switchboard - db - error, db_error)

static bool is_port_list (const char *text)
{
    return strspn (text, "0123456789,") == strlen (text);
}

static bool has_no_at (const char *text)
{
    return !strchr (text, '@');
}

const char *db_url_fault (const char *url)
{
    static const struct {
        const char *keyword;
        bool (*is_good) (const char *text);
        const char *fault;
    } rules[] = {
        {"host", has_no_at, "has a host with an @ in it"},
        {"hostaddr", has_no_at, "has an address with an @ in it"},
        {"port", is_port_list, "has a port that is no number"},
        {"dbname", has_no_at, "has the name of a database with an @ in it"},
    };
    PQconninfoOption *options = PQconninfoParse (url, NULL);
    const char *fault = options ? NULL : "is no connection string of PostgreSQL";
    for (const PQconninfoOption *option = options; option && option->keyword; option++)
        for (size_t i = 0; i < G_N_ELEMENTS (rules) && option->val; i++)
            if (!fault && strcmp (option->keyword, rules[i].keyword) == 0 && !rules[i].is_good (option->val)) fault = rules[i].fault;
    PQconninfoFree (options);
    return fault;
}

/* What the server says unasked, libpq would print: between the log's lines. */
static void drop_notice (void *data, const char *text)
{
    (void) data, (void) text;
}

static bool connect_now (struct db *db, GError **error)
{
    const char *fault = db_url_fault (db->url);
    if (fault) {
        g_set_error (error, DB_ERROR, DB_ERROR_CONNECTION, "the database's url %s", fault);
        return false;
    }
    const char *keywords[G_N_ELEMENTS (defaults) + 4] = {NULL}, *values[G_N_ELEMENTS (defaults) + 4] = {NULL};
    size_t n = 0;
    for (size_t i = 0; i < G_N_ELEMENTS (defaults); i++, n++) {
        keywords[n] = defaults[i].keyword;
        values[n] = defaults[i].value;
    }
    keywords[n] = "application_name", values[n++] = db->application;
    keywords[n] = "options", values[n++] = db->options;
    keywords[n] = "dbname", values[n++] = db->url; /* expanded: what it names overrides what stands before it */
    pulse_wait ();
    db->connection = PQconnectdbParams (keywords, values, 1);
    pulse_work ();
    PQsetNoticeProcessor (db->connection, drop_notice, NULL);
    /* what is sent must not wait either for a server that reads nothing */
    if (PQstatus (db->connection) == CONNECTION_OK) return PQsetnonblocking (db->connection, 1) == 0;
    g_autofree char *why = g_strstrip (g_strdup (PQerrorMessage (db->connection)));
    g_set_error (error, DB_ERROR, DB_ERROR_CONNECTION, "could not connect to the database: %s", why);
    return false;
}

struct db *db_new (const char *url, const char *application, const char *options)
{
    struct db *db = g_new0 (struct db, 1);
    db->patience = DB_PATIENCE;
    db->url = g_strdup (url);
    db->application = g_strdup (application);
    db->options = g_strdup_printf ("-c search_path=%s,pg_catalog -c timezone=UTC -c client_min_messages=warning %s", schema_build,
                                   options ? options : "");
    db->prepared = g_hash_table_new_full (NULL, NULL, NULL, g_free);
    return db;
}

struct db *db_open (const char *url, const char *application, const char *options, GError **error)
{
    struct db *db = db_new (url, application, options);
    if (connect_now (db, error)) return db;
    db_close (db);
    return NULL;
}

void db_close (struct db *db)
{
    if (!db) return;
    PQfinish (db->connection);
    g_hash_table_unref (db->prepared);
    g_free (db->url);
    g_free (db->application);
    g_free (db->options);
    g_free (db->message);
    g_free (db->constraint);
    g_free (db);
}

bool db_reopen (struct db *db, GError **error)
{
    PQfinish (db->connection);
    g_hash_table_remove_all (db->prepared);
    return connect_now (db, error);
}

bool db_connected (const struct db *db)
{
    return PQstatus (db->connection) == CONNECTION_OK;
}

bool db_alive (struct db *db)
{
    return db_connected (db) && PQconsumeInput (db->connection) == 1 && db_connected (db);
}

void db_limit (struct db *db, int64_t patience)
{
    db->patience = patience;
}

/* Waits for the socket; false: it is late (monotonic µs), or lost. */
static bool await_socket (PGconn *connection, gushort events, int64_t until)
{
    int64_t left = until - g_get_monotonic_time ();
    GPollFD socket = {.fd = PQsocket (connection), .events = events};
    if (left <= 0 || g_poll (&socket, 1, until == INT64_MAX ? -1 : (int) (left / 1000 + 1)) < 0) return false;
    return !(socket.revents & ~G_IO_OUT) || PQconsumeInput (connection);
}

/* The last result of what was sent, to be cleared; NULL: the connection is lost, or no answer has come within the limit, and so it is closed. Whoever
 * calls the database waits for it (base/pulse.h). */
static PGresult *await_result (struct db *db, bool sent, int64_t patience)
{
    int64_t until = patience ? g_get_monotonic_time () + patience : INT64_MAX;
    PGconn *connection = db->connection;
    PGresult *last = NULL, *next;
    pulse_wait ();
    int unsent = sent ? PQflush (connection) : -1;
    while (unsent > 0) unsent = await_socket (connection, G_IO_IN | G_IO_OUT, until) ? PQflush (connection) : -1;
    bool ok = unsent == 0;
    while (ok) {
        if (PQisBusy (connection)) {
            ok = await_socket (connection, G_IO_IN, until);
        } else if ((next = PQgetResult (connection))) {
            PQclear (last);
            last = next;
        } else {
            break;
        }
    }
    pulse_work ();
    /* A server that goes away has perhaps said why. But rows alone say nothing: they come before the commit, which only the end of the whole answer
     * vouches for. */
    bool lost = PQstatus (connection) == CONNECTION_BAD;
    if (last && (lost ? PQresultStatus (last) == PGRES_FATAL_ERROR : ok)) return last;
    PQclear (last);
    /* as it stands, nobody can say what the next answer would belong to */
    g_clear_pointer (&db->connection, PQfinish);
    return NULL;
}

bool db_ping (struct db *db, int64_t timeout, GError **error)
{
    PGresult *result = await_result (db, PQsendQuery (db->connection, ""), timeout);
    PQclear (result);
    if (result) return true;
    g_set_error (error, DB_ERROR, DB_ERROR_CONNECTION, "the database does not answer");
    return false;
}

const char *db_sqlstate (const struct db *db)
{
    return db->sqlstate;
}

const char *db_message (const struct db *db)
{
    return db->message ? db->message : "";
}

const char *db_constraint (const struct db *db)
{
    return db->constraint;
}

/* An SQLSTATE of class 08 or 57P0x says that the server is going away. */
static bool is_lost (const struct db *db)
{
    return PQstatus (db->connection) == CONNECTION_BAD || g_str_has_prefix (db->sqlstate, "08") || g_str_has_prefix (db->sqlstate, "57P0");
}

/* Keeps the fields of a failed result. The error's text holds SQLSTATE and primary message only for our own errors: PostgreSQL's
 * messages may quote values. */
static void fail (struct db *db, const PGresult *result, GError **error)
{
    const char *state = result ? PQresultErrorField (result, PG_DIAG_SQLSTATE) : NULL;
    g_strlcpy (db->sqlstate, state ? state : "08006", sizeof db->sqlstate);
    g_free (db->message);
    g_free (db->constraint);
    db->message = g_strdup (result ? PQresultErrorField (result, PG_DIAG_MESSAGE_PRIMARY) : NULL);
    db->constraint = g_strdup (result ? PQresultErrorField (result, PG_DIAG_CONSTRAINT_NAME) : NULL);
    if (is_lost (db))
        g_set_error (error, DB_ERROR, DB_ERROR_CONNECTION, "the connection to the database was lost (SQLSTATE %s)", db->sqlstate);
    else if (g_str_has_prefix (db->sqlstate, "SB"))
        g_set_error (error, DB_ERROR, DB_ERROR_STATEMENT, "%s", db_message (db));
    else
        g_set_error (error, DB_ERROR, DB_ERROR_STATEMENT, "the database refused a statement (SQLSTATE %s%s%s)", db->sqlstate,
                     db->constraint ? ", constraint " : "", db->constraint ? db->constraint : "");
}

static bool succeeded (const PGresult *result)
{
    ExecStatusType status = PQresultStatus (result);
    return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

bool db_run (struct db *db, const char *sql, GError **error)
{
    PGresult *result = await_result (db, PQsendQuery (db->connection, sql), db->patience);
    bool ok = succeeded (result);
    if (!ok) {
        g_autoptr (GError) brief = NULL;
        fail (db, result, &brief);
        g_autofree char *whole = g_strstrip (g_strdup (PQresultErrorMessage (result)));
        g_set_error (error, DB_ERROR, brief->code, "%s", *whole ? whole : brief->message);
    }
    PQclear (result);
    return ok;
}

/* The statement's name; prepared now if this connection has not met the literal. */
static const char *prepare (struct db *db, const char *sql, const params *p, GError **error)
{
    const char *known = g_hash_table_lookup (db->prepared, sql);
    if (known) return known;
    char *name = g_strdup_printf ("s%u", g_hash_table_size (db->prepared));
    PGresult *result = await_result (db, PQsendPrepare (db->connection, name, sql, (int) p->n, p->oids), db->patience);
    if (succeeded (result)) {
        g_hash_table_insert (db->prepared, (gpointer) (uintptr_t) sql, name);
    } else {
        fail (db, result, error);
        g_clear_pointer (&name, g_free);
    }
    PQclear (result);
    return name;
}

db_result *db_call (struct db *db, const char *sql, params *p, GError **error)
{
    const char *name = prepare (db, sql, p, error);
    if (!name) return NULL;
    for (unsigned i = 0; i < p->n; i++) p->values[i] = p->null[i] ? NULL : (const char *) p->bytes->data + p->offsets[i];
    PGresult *result =
        await_result (db, PQsendQueryPrepared (db->connection, name, (int) p->n, p->values, p->lengths, p->formats, 1), db->patience);
    if (!succeeded (result)) {
        fail (db, result, error);
        PQclear (result);
        return NULL;
    }
    db_result *rows = g_new (db_result, 1);
    rows->rows = result;
    return rows;
}

void db_result_free (db_result *result)
{
    if (!result) return;
    PQclear (result->rows);
    g_free (result);
}

int db_rows (const db_result *result)
{
    return PQntuples (result->rows);
}

bool db_null (const db_result *result, int row, int column)
{
    return PQgetisnull (result->rows, row, column);
}

const char *db_text (const db_result *result, int row, int column)
{
    return PQgetvalue (result->rows, row, column);
}

size_t db_length (const db_result *result, int row, int column)
{
    return (size_t) PQgetlength (result->rows, row, column);
}

int64_t db_int64 (const db_result *result, int row, int column)
{
    const uint8_t *bytes = (const uint8_t *) PQgetvalue (result->rows, row, column);
    int length = PQgetlength (result->rows, row, column);
    uint64_t value = length && bytes[0] & 0x80 && length > 1 ? UINT64_MAX : 0; /* sign */
    for (int i = 0; i < length; i++) value = value << 8 | bytes[i];
    return (int64_t) value;
}

int64_t db_time (const db_result *result, int row, int column)
{
    return db_null (result, row, column) ? 0 : db_int64 (result, row, column) + EPOCH_SHIFT;
}

bool db_id (const db_result *result, int row, int column, struct id *id)
{
    if (db_length (result, row, column) != sizeof id->bytes) return false;
    memcpy (id->bytes, PQgetvalue (result->rows, row, column), sizeof id->bytes);
    return true;
}
