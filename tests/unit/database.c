/* SPDX-License-Identifier: Apache-2.0 */
#include "database.h"

#include "store/db.h"
#include "store/migrate.h"

static char *url, *made, *made_name;

static void run (const char *connection, const char *sql)
{
    g_autoptr (GError) error = NULL;
    struct db *db = db_open (connection, "test", NULL, &error);
    g_assert_no_error (error);
    db_run (db, sql, &error);
    g_assert_no_error (error);
    db_close (db);
}

void database_outside (const char *sql)
{
    run (url, sql);
}

void database_run (const char *sql)
{
    run (made, sql);
}

static void migrate (void)
{
    g_autoptr (GError) error = NULL;
    struct db *db = db_open (made, "test", NULL, &error);
    g_assert_no_error (error);
    migrate_run (db, NULL, &error);
    g_assert_no_error (error);
    db_close (db);
}

const char *database_make (const char *name)
{
    url = g_strdup (g_getenv ("SB_TEST_DATABASE"));
    if (!url) g_error ("SB_TEST_DATABASE is not set: tools/run-tests unit makes a database and sets it");
    made_name = g_strdup (name);
    made = g_strdup_printf ("%s dbname=%s", url, name);
    g_autofree char *drop = g_strdup_printf ("drop database if exists %s with (force)", name);
    g_autofree char *create = g_strdup_printf ("create database %s", name);
    run (url, drop);
    run (url, create);
    migrate ();
    return made;
}

void database_drop (void)
{
    g_autofree char *drop = g_strdup_printf ("drop database %s with (force)", made_name);
    run (url, drop);
    g_clear_pointer (&url, g_free);
    g_clear_pointer (&made, g_free);
    g_clear_pointer (&made_name, g_free);
}
