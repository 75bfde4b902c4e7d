/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/commands.h"

#include "base/clock.h"
#include "base/keys.h"
#include "flow/sync.h"
#include "store/migrate.h"

#include <stdio.h>
#include <string.h>

#define KEY_CREATE "select key_create ($1,$2,$3,$4,$5,$6,$7)"
#define TRACE "select at, what, detail from trace ($1)"
#define QUARANTINE "select account, quarantine_id::text, channel, at, size, reason from quarantine_waiting ($1)"

static struct config *load (const char *path)
{
    g_autoptr (GPtrArray) faults = g_ptr_array_new_with_free_func ((GDestroyNotify) fault_free);
    struct config *config = config_load (path, faults);
    for (guint i = 0; i < faults->len; i++) {
        const struct fault *fault = faults->pdata[i];
        fprintf (stderr, "%s:%u:%u: %s%s%s%s\n", path, fault->line, fault->column, fault->message, fault->hint ? " (" : "",
                 fault->hint ? fault->hint : "", fault->hint ? ")" : "");
    }
    return config;
}

static int complain (const GError *error)
{
    fprintf (stderr, "switchboard: %s\n", error->message);
    return 1;
}

/* A connection to the database of path, migrated to this build; NULL after telling why. */
static struct db *open_migrated (struct config *config, unsigned *applied)
{
    g_autoptr (GError) error = NULL;
    struct db *db = db_open (values_text (config->database, DATABASE_URL), "switchboard command", NULL, &error);
    if (db && migrate_run (db, applied, &error) && sync_config (db, config, &error)) return db;
    complain (error);
    db_close (db);
    return NULL;
}

int command_check (const char *path)
{
    g_autoptr (struct_config) config = load (path);
    if (config) printf ("%s: no faults\n", path);
    return config ? 0 : 1;
}

int command_migrate (const char *path)
{
    g_autoptr (struct_config) config = load (path);
    unsigned applied = 0;
    struct db *db = config ? open_migrated (config, &applied) : NULL;
    if (!db) return 1;
    printf (applied ? "the database is up to date; %u table files were new\n" : "the database is up to date\n", applied);
    db_close (db);
    return 0;
}

static void put_scopes (params *p, const char *scopes)
{
    if (!scopes) {
        params_null (p, "text[]");
        return;
    }
    g_auto (GStrv) list = g_strsplit (scopes, ",", 32);
    params_array (p, "text");
    for (char **scope = list; *scope; scope++) array_text (p, g_strstrip (*scope));
    params_array_end (p);
}

int command_key_create (const char *path, const char *account, const char *name, const char *scopes)
{
    g_autoptr (struct_config) config = load (path);
    struct db *db = config ? open_migrated (config, NULL) : NULL;
    if (!db) return 1;
    char key[KEY_TEXT_SIZE];
    uint8_t hash[32];
    struct id id = id_new (clock_now ());
    key_make (key);
    key_hash (key, hash);
    g_autoptr (GError) error = NULL;
    g_autoptr (params) p = params_new (7);
    params_text (p, account);
    params_uuid (p, &id);
    params_text (p, name);
    params_bytes (p, hash, sizeof hash);
    params_text (p, key + strlen (key) - 4);
    put_scopes (p, scopes);
    params_time (p, 0);
    g_autoptr (db_result) r = db_call (db, KEY_CREATE, p, &error);
    db_close (db);
    if (!r) return complain (error);
    puts (key);
    return 0;
}

int command_trace (const char *path, const char *message)
{
    struct id id;
    if (!id_parse (message, &id)) {
        fprintf (stderr, "switchboard: \"%s\" is not a message's id\n", message);
        return 2;
    }
    g_autoptr (struct_config) config = load (path);
    struct db *db = config ? open_migrated (config, NULL) : NULL;
    if (!db) return 1;
    g_autoptr (GError) error = NULL;
    g_autoptr (params) p = params_new (1);
    params_uuid (p, &id);
    g_autoptr (db_result) r = db_call (db, TRACE, p, &error);
    db_close (db);
    if (!r) return complain (error);
    for (int i = 0; i < db_rows (r); i++) {
        char at[CLOCK_TEXT_SIZE];
        clock_format (db_time (r, i, 0), at);
        printf ("%s  %-20s %s\n", at, db_text (r, i, 1), db_text (r, i, 2));
    }
    if (db_rows (r)) return 0;
    fprintf (stderr, "switchboard: no message %s\n", message);
    return 1;
}

int command_quarantine (const char *path, const char *account)
{
    g_autoptr (struct_config) config = load (path);
    struct db *db = config ? open_migrated (config, NULL) : NULL;
    if (!db) return 1;
    g_autoptr (GError) error = NULL;
    g_autoptr (params) p = params_new (1);
    params_text (p, account);
    g_autoptr (db_result) r = db_call (db, QUARANTINE, p, &error);
    db_close (db);
    if (!r) return complain (error);
    for (int i = 0; i < db_rows (r); i++) {
        char at[CLOCK_TEXT_SIZE];
        clock_format (db_time (r, i, 3), at);
        printf ("%s  %s/%s  %s  %" G_GINT64_FORMAT " bytes  %s\n", at, db_text (r, i, 0), db_text (r, i, 2), db_text (r, i, 1),
                db_int64 (r, i, 4), db_text (r, i, 5));
    }
    return 0;
}
