/* SPDX-License-Identifier: Apache-2.0 */
#include "store/migrate.h"

#include "store/schema.h"

/* Any number that no other program of this database uses: "SWBD". Session level, so that it outlives the single transactions. */
#define LOCK "select pg_advisory_lock (1398227524)"
#define UNLOCK "select pg_advisory_unlock (1398227524)"

/* The few statements that must run before there is a function to call. */
#define BOOTSTRAP \
    "create schema if not exists gateway;" \
    "create table if not exists gateway.migration (name text primary key, applied_at timestamptz not null default now ())"
#define IS_APPLIED "select exists (select from gateway.migration where name = $1)"
#define SET_APPLIED "insert into gateway.migration (name) values ($1)"
#define MIN_BINARY "select min_binary from gateway.release"
#define HAS_BUILD "select exists (select from pg_namespace where nspname = $1)"
#define SET_BUILD "insert into gateway.build (name) values ($1) on conflict (name) do update set used_at = now ()"
#define OLD_BUILDS \
    "select b.name from gateway.build b join pg_namespace n on n.nspname = b.name " \
    "where b.used_at < now () - interval '7 days' and b.name <> $1"

static db_result *call_name (struct db *db, const char *sql, const char *name, GError **error)
{
    g_autoptr (params) p = params_new (1);
    params_text (p, name);
    return db_call (db, sql, p, error);
}

static bool ask (struct db *db, const char *sql, const char *name, bool *answer, GError **error)
{
    g_autoptr (db_result) r = call_name (db, sql, name, error);
    if (r) *answer = db_int64 (r, 0, 0) != 0;
    return r != NULL;
}

static bool note_applied (struct db *db, const char *name, GError **error)
{
    g_autoptr (db_result) r = call_name (db, SET_APPLIED, name, error);
    return r != NULL;
}

/* One file of tables in one transaction; a failure rolls it back whole. */
static bool apply (struct db *db, const struct embedded *file, GError **error)
{
    if (!db_run (db, "begin; set local lock_timeout = '10s'", error)) return false;
    bool ok = db_run (db, (const char *) file->data, error) && note_applied (db, file->name, error) && db_run (db, "commit", error);
    if (!ok) {
        g_prefix_error (error, "%s: ", file->name);
        db_run (db, "rollback", NULL);
    }
    return ok;
}

static bool apply_tables (struct db *db, unsigned *applied, GError **error)
{
    for (const struct embedded *file = schema_tables; file->name; file++) {
        bool known = false;
        if (!ask (db, IS_APPLIED, file->name, &known, error)) return false;
        if (known) continue;
        if (!apply (db, file, error)) return false;
        ++*applied;
    }
    return true;
}

static bool check_release (struct db *db, GError **error)
{
    g_autoptr (params) p = params_new (0);
    g_autoptr (db_result) r = db_call (db, MIN_BINARY, p, error);
    if (!r) return false;
    if (db_int64 (r, 0, 0) <= MIGRATE_BINARY) return true;
    g_set_error (error, DB_ERROR, DB_ERROR_STATEMENT,
                 "the database was migrated for newer gateways (it asks for release %d, this is %d); install a newer switchboard",
                 (int) db_int64 (r, 0, 0), MIGRATE_BINARY);
    return false;
}

static bool make_functions (struct db *db, GError **error)
{
    g_autofree char *head =
        g_strdup_printf ("begin; create schema %s; set local search_path = %s, pg_catalog; set local check_function_bodies = off",
                         schema_build, schema_build);
    bool ok = db_run (db, head, error);
    for (const struct embedded *file = schema_functions; ok && file->name; file++) {
        ok = db_run (db, (const char *) file->data, error);
        if (!ok) g_prefix_error (error, "%s: ", file->name);
    }
    ok = ok && db_run (db, "commit", error);
    if (!ok) db_run (db, "rollback", NULL);
    return ok;
}

static bool drop_old_builds (struct db *db, GError **error)
{
    g_autoptr (db_result) old = call_name (db, OLD_BUILDS, schema_build, error);
    if (!old) return false;
    for (int i = 0; i < db_rows (old); i++) {
        g_autofree char *drop = g_strdup_printf ("drop schema if exists %s cascade", db_text (old, i, 0));
        if (!db_run (db, drop, error)) return false;
    }
    return true;
}

bool migrate_touch (struct db *db, GError **error)
{
    g_autoptr (db_result) r = call_name (db, SET_BUILD, schema_build, error);
    return r != NULL;
}

static bool migrate_locked (struct db *db, unsigned *applied, GError **error)
{
    bool has_build = false;
    if (!db_run (db, BOOTSTRAP, error) || !apply_tables (db, applied, error) || !check_release (db, error) ||
        !ask (db, HAS_BUILD, schema_build, &has_build, error))
        return false;
    if (!has_build && !make_functions (db, error)) return false;
    return migrate_touch (db, error) && drop_old_builds (db, error);
}

bool migrate_check (struct db *db, GError **error)
{
    bool has_build = false;
    if (!ask (db, HAS_BUILD, schema_build, &has_build, error)) return false;
    if (has_build) return check_release (db, error);
    g_set_error (error, DB_ERROR, DB_ERROR_STATEMENT, "the database has no schema of this version (run switchboard migrate)");
    return false;
}

bool migrate_run (struct db *db, unsigned *applied, GError **error)
{
    unsigned ignored = 0;
    db_limit (db, 0); /* another may be at it, and a large table takes its time */
    bool locked = db_run (db, LOCK, error), ok = locked && migrate_locked (db, applied ? applied : &ignored, error);
    if (locked) db_run (db, UNLOCK, NULL);
    db_limit (db, DB_PATIENCE);
    return ok;
}
