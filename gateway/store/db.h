/* SPDX-License-Identifier: Apache-2.0
 *
 * One PostgreSQL connection and calls of the functions in schema/functions. A struct db belongs to one thread at a time.
 * Parameters are collected in a struct params and sent in binary; statements are prepared once per connection.
 *
 *     g_autoptr (params) p = params_new (3);
 *     params_int64 (p, account_id); params_text (p, status); params_text (p, NULL);
 *     g_autoptr (db_result) r = db_call (db, "select tickets ($1, $2, $3)", p, &error);
 *     if (r) … db_text (r, 0, 0) …
 *
 * Errors are of domain DB_ERROR: DB_ERROR_CONNECTION (lost or refused: what was sent may or may not have happened) or DB_ERROR_STATEMENT
 * (rolled back). db_sqlstate tells the five letters of the last one. The error's text never holds customers' words.
 */
#pragma once
#include "base/ids.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define DB_ERROR (db_error_quark ())
GQuark db_error_quark (void);
enum db_error { DB_ERROR_CONNECTION, DB_ERROR_STATEMENT };

struct db;

/* What is wrong with a libpq conninfo, in words that quote nothing of it, as "has a port that is no number"; NULL: nothing that can be seen
 * without connecting. Of a URL that holds a password as it is, not percent-encoded, libpq itself would tell pieces. */
const char *db_url_fault (const char *url);

/* url: libpq conninfo. options: further settings of the session ("-c enable_seqscan=off …"), or NULL. search_path is the functions'
 * schema of this build. application names it in pg_stat_activity. */
struct db *db_open (const char *url, const char *application, const char *options, GError **error);
/* The same, not connected yet: db_reopen does that, in whichever thread it is to be used. */
struct db *db_new (const char *url, const char *application, const char *options);
void db_close (struct db *db);
/* An answer that takes longer (µs; 0: none is too long) counts as a lost connection: a server may stand still. To be more than the session's
 * statement_timeout; where nothing else is said it is DB_PATIENCE. */
void db_limit (struct db *db, int64_t patience);
#define DB_PATIENCE (12 * G_TIME_SPAN_SECOND)
/* Connects, or connects again. */
bool db_reopen (struct db *db, GError **error);
bool db_connected (const struct db *db);
/* Like db_connected, but also notices, without a round trip, that the server has closed an idle connection. */
bool db_alive (struct db *db);
/* Asks for an answer and waits for it, for at most timeout µs; a connection that gives none is closed. */
bool db_ping (struct db *db, int64_t timeout, GError **error);
const char *db_sqlstate (const struct db *db);
const char *db_message (const struct db *db); /* primary message of the last statement error; may be shown only for SQLSTATE SB… */
/* The constraint that the last statement broke; our own errors (SB…) name with it what is wrong of a request: a JSON pointer, a parameter or a
 * header. NULL: none. */
const char *db_constraint (const struct db *db);
/* Runs statements without parameters, several allowed; for migrations and tests. */
bool db_run (struct db *db, const char *sql, GError **error);

/* The only structs that are typedef'd, because g_autoptr wants a single word. */
typedef struct params params;
typedef struct db_result db_result;

params *params_new (unsigned n);
void params_reset (params *p);
void params_free (params *p);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (params, params_free)
void params_int64 (params *p, int64_t value);
void params_int32 (params *p, int32_t value);
void params_null (params *p, const char *type); /* type: "int8", "int4", "text", "uuid", "bytea", "timestamptz", "jsonb", "bool" */
void params_bool (params *p, bool value);
void params_text (params *p, const char *text);    /* NULL: null */
void params_json (params *p, const char *json);    /* jsonb; NULL: null */
void params_uuid (params *p, const struct id *id); /* NULL: null */
void params_bytes (params *p, const void *data, size_t size);
void params_time (params *p, int64_t at); /* timestamptz; 0: null */

/* One-dimensional arrays, built in place: params_array opens one of that element type, array_* add elements, params_array_end closes it. */
void params_array (params *p, const char *type);
void array_int64 (params *p, int64_t value);
void array_int32 (params *p, int32_t value);
void array_bool (params *p, bool value);
void array_text (params *p, const char *text);
void array_json (params *p, const char *json);
void array_uuid (params *p, const struct id *id);
void array_bytes (params *p, const void *data, size_t size); /* data NULL: null */
void array_time (params *p, int64_t at);
void params_array_end (params *p);

void db_result_free (db_result *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (db_result, db_result_free)

/* sql is a literal: its address names the prepared statement. NULL with *error set on failure. */
db_result *db_call (struct db *db, const char *sql, params *p, GError **error);
int db_rows (const db_result *result);
bool db_null (const db_result *result, int row, int column);
/* NUL-terminated, borrowed; for text, json and bytea columns. Of null: "". */
const char *db_text (const db_result *result, int row, int column);
size_t db_length (const db_result *result, int row, int column);
int64_t db_int64 (const db_result *result, int row, int column);          /* int2, int4, int8, bool */
int64_t db_time (const db_result *result, int row, int column);           /* timestamptz in µs since 1970; 0 for null */
bool db_id (const db_result *result, int row, int column, struct id *id); /* false: null */
