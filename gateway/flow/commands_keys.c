/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/commands_private.h"

#include "base/clock.h"
#include "base/keys.h"

#include <stdio.h>
#include <string.h>

#define KEY_CREATE "select key_create ($1,$2,$3,$4,$5,$6,$7,$8,$9)"
#define KEY_LIST "select account, key_id::text, last_four, state, scopes, created_at, name from key_list ($1)"
#define KEY_REVOKE "select key_revoke ($1)"

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

int command_key_list (const char *path, const char *account)
{
    g_autoptr (struct_config) config = setup_read (path, command_tell);
    bool known = config && (!account || command_account (config, account));
    struct db *db = known ? command_open (config, READ_ONLY) : NULL;
    if (!db) return 1;
    g_autoptr (GError) error = NULL;
    g_autoptr (params) p = params_new (1);
    params_text (p, account);
    g_autoptr (db_result) r = db_call (db, KEY_LIST, p, &error);
    db_close (db);
    if (!r) return command_complain (error);
    for (int i = 0; i < db_rows (r); i++) {
        char at[CLOCK_TEXT_SIZE];
        clock_format (db_time (r, i, 5), at);
        printf ("%s  %s  %s  …%s  %-7s  %s  %s\n", at, db_text (r, i, 0), db_text (r, i, 1), db_text (r, i, 2), db_text (r, i, 3),
                db_text (r, i, 4), db_text (r, i, 6));
    }
    return 0;
}

int command_key_revoke (const char *path, const char *key)
{
    struct id id;
    if (!id_parse (key, &id)) {
        /* not quoted: it may be the key itself */
        fputs ("switchboard: key revoke wants a key's id, as key list tells it\n", stderr);
        return 2;
    }
    g_autoptr (struct_config) config = setup_read (path, command_tell);
    struct db *db = config ? command_open (config, NULL) : NULL;
    if (!db) return 1;
    g_autoptr (GError) error = NULL;
    g_autoptr (params) p = params_new (1);
    params_uuid (p, &id);
    g_autoptr (db_result) r = db_call (db, KEY_REVOKE, p, &error);
    db_close (db);
    if (!r) return command_complain (error);
    bool found = db_rows (r) && !db_null (r, 0, 0);
    if (found)
        printf ("key …%s is revoked\n", db_text (r, 0, 0));
    else
        fprintf (stderr, "switchboard: there is no key %s\n", key);
    return found ? 0 : 1;
}
