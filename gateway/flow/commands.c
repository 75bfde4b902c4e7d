/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/commands_private.h"

#include "base/clock.h"
#include "base/keys.h"
#include "store/migrate.h"

#include <stdio.h>
#include <string.h>

#define KEY_CREATE "select key_create ($1,$2,$3,$4,$5,$6,$7,$8,$9)"
#define TRACE "select at, what, detail from trace ($1)"
#define QUARANTINE "select account, quarantine_id::text, channel, at, size, reason from quarantine_waiting ($1, $2)"
#define QUARANTINE_MOST 1000 /* entries that are printed */

void command_tell (const char *text)
{
    fprintf (stderr, "%s\n", text);
}

int command_complain (const GError *error)
{
    fprintf (stderr, "switchboard: %s\n", error->message);
    return 1;
}

struct db *command_open (const struct config *config, const char *options)
{
    g_autoptr (GError) error = NULL;
    struct db *db = db_open (values_text (config->database, DATABASE_URL), "switchboard command", options, &error);
    if (db) db_limit (db, 0); /* who waits too long can interrupt it */
    if (db && migrate_check (db, &error)) return db;
    command_complain (error);
    db_close (db);
    return NULL;
}

int command_check (const char *path)
{
    g_autoptr (struct_config) config = setup_read (path, command_tell);
    if (config) printf ("%s: no faults\n", path);
    return config ? 0 : 1;
}

int command_migrate (const char *path)
{
    g_autoptr (struct_config) config = setup_read (path, command_tell);
    if (!config) return 1;
    g_autoptr (GError) error = NULL;
    unsigned applied = 0;
    struct db *db = db_open (values_text (config->database, DATABASE_URL), "switchboard migrate", NULL, &error);
    bool ok = db && migrate_run (db, &applied, &error);
    db_close (db);
    if (!ok) return command_complain (error);
    if (!applied)
        puts ("the database is up to date already");
    else
        printf ("the database is up to date: %u new table %s applied\n", applied, applied == 1 ? "file was" : "files were");
    return 0;
}

const struct account *command_account (const struct config *config, const char *slug)
{
    g_autoptr (GPtrArray) slugs = g_ptr_array_new ();
    for (guint i = 0; i < config->accounts->len; i++) {
        const struct account *account = config->accounts->pdata[i];
        if (g_str_equal (account->slug, slug)) return account;
        g_ptr_array_add (slugs, (gpointer) (uintptr_t) account->slug);
    }
    g_ptr_array_add (slugs, NULL);
    g_autofree char *quoted = fault_quote (slug), *hint = settings_suggest (slug, (const char *const *) slugs->pdata);
    fprintf (stderr, "switchboard: there is no account %s in %s%s%s%s\n", quoted, config->path, hint ? " (" : "", hint ? hint : "",
             hint ? ")" : "");
    return NULL;
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

static bool keep_key (struct db *db, const struct config *config, const struct account *account, const char *name, const char *scopes,
                      const char *key, GError **error)
{
    uint8_t hash[32];
    struct id id = id_new (clock_now ());
    key_hash (key, hash);
    g_autoptr (params) p = params_new (9);
    params_text (p, account->slug);
    params_text (p, account->name);
    params_text (p, config->path);
    params_uuid (p, &id);
    params_text (p, name);
    params_bytes (p, hash, sizeof hash);
    params_text (p, key + strlen (key) - 4);
    put_scopes (p, scopes);
    params_time (p, 0);
    g_autoptr (db_result) r = db_call (db, KEY_CREATE, p, error);
    return r != NULL;
}

int command_key_create (const char *path, const char *slug, const char *name, const char *scopes)
{
    g_autoptr (struct_config) config = setup_read (path, command_tell);
    const struct account *account = config ? command_account (config, slug) : NULL;
    struct db *db = account ? command_open (config, NULL) : NULL;
    if (!db) return 1;
    g_autoptr (GError) error = NULL;
    char key[KEY_TEXT_SIZE];
    key_make (key);
    bool ok = keep_key (db, config, account, name, scopes, key, &error);
    db_close (db);
    if (!ok) return command_complain (error);
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
    g_autoptr (struct_config) config = setup_read (path, command_tell);
    struct db *db = config ? command_open (config, READ_ONLY) : NULL;
    if (!db) return 1;
    g_autoptr (GError) error = NULL;
    g_autoptr (params) p = params_new (1);
    params_uuid (p, &id);
    g_autoptr (db_result) r = db_call (db, TRACE, p, &error);
    db_close (db);
    if (!r) return command_complain (error);
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
    g_autoptr (struct_config) config = setup_read (path, command_tell);
    bool known = config && (!account || command_account (config, account));
    struct db *db = known ? command_open (config, READ_ONLY) : NULL;
    if (!db) return 1;
    g_autoptr (GError) error = NULL;
    g_autoptr (params) p = params_new (2);
    params_text (p, account);
    params_int32 (p, QUARANTINE_MOST + 1);
    g_autoptr (db_result) r = db_call (db, QUARANTINE, p, &error);
    db_close (db);
    if (!r) return command_complain (error);
    for (int i = 0; i < MIN (db_rows (r), QUARANTINE_MOST); i++) {
        char at[CLOCK_TEXT_SIZE];
        clock_format (db_time (r, i, 3), at);
        printf ("%s  %s/%s  %s  %" G_GINT64_FORMAT " bytes  %s\n", at, db_text (r, i, 0), db_text (r, i, 2), db_text (r, i, 1),
                db_int64 (r, i, 4), db_text (r, i, 5));
    }
    if (db_rows (r) > QUARANTINE_MOST) fprintf (stderr, "switchboard: these are the oldest %d; more wait\n", QUARANTINE_MOST);
    return 0;
}
