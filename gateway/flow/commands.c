/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/commands_private.h"

#include "base/clock.h"
#include "store/migrate.h"

#include <stdio.h>
#include <string.h>

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
