/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/commands_private.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

#define CHANNELS "select " CHANNEL_COLUMNS " from operator_channels ($1, $2)"
#define PAUSE "select pause_channel ($1, $2, $3)"

static db_result *read_channels (struct db *db, const char *account, const char *slug, GError **error)
{
    g_autoptr (params) p = params_new (2);
    params_text (p, account);
    params_text (p, slug);
    return db_call (db, CHANNELS, p, error);
}

/* A time of a row; "-" where there is none. Of the last call until the next. */
static const char *time_text (const db_result *r, int row, int column)
{
    static char text[CLOCK_TEXT_SIZE];
    if (db_null (r, row, column)) return "-";
    clock_format (db_time (r, row, column), text);
    return text;
}

int command_channel_list (const char *path, const char *account)
{
    g_autoptr (struct_config) config = setup_read (path, command_tell);
    bool known = config && (!account || command_account (config, account));
    struct db *db = known ? command_open (config, READ_ONLY) : NULL;
    if (!db) return 1;
    g_autoptr (GError) error = NULL;
    g_autoptr (db_result) r = read_channels (db, account, NULL, &error);
    db_close (db);
    if (!r) return command_complain (error);
    for (int i = 0; i < db_rows (r); i++) {
        g_autofree char *name = g_strdup_printf ("%s/%s", db_text (r, i, COLUMN_ACCOUNT), db_text (r, i, COLUMN_CHANNEL));
        const char *state = db_int64 (r, i, COLUMN_DISABLED) ? "disabled" : db_null (r, i, COLUMN_PAUSED_AT) ? "active" : "paused";
        printf ("%-32s %-10s %-9s %-9s %8" G_GINT64_FORMAT " waiting  oldest due %s\n", name, db_text (r, i, COLUMN_ADAPTER),
                db_text (r, i, COLUMN_HEALTH), state, db_int64 (r, i, COLUMN_WAITING), time_text (r, i, COLUMN_OLDEST));
    }
    return 0;
}

/* ---- one ---- */

static struct channel *complain_channel (const struct config *config, const char *name, guint n)
{
    g_autofree char *quoted = fault_quote (name);
    if (n)
        fprintf (stderr, "switchboard: %u accounts have a channel %s (say --account, or ACCOUNT/CHANNEL)\n", n, quoted);
    else
        fprintf (stderr, "switchboard: there is no channel %s in %s\n", quoted, config->path);
    return NULL;
}

struct channel *command_channel (const struct config *config, const char *account, const char *name)
{
    const char *slash = strchr (name, '/'), *slug = slash ? slash + 1 : name;
    g_autofree char *before = slash ? g_strndup (name, (gsize) (slash - name)) : NULL;
    const char *wanted = slash ? before : account;
    struct channel *found = NULL;
    guint n = 0;
    for (guint i = 0; i < config->accounts->len; i++) {
        const struct account *one = config->accounts->pdata[i];
        if (wanted && !g_str_equal (wanted, one->slug)) continue;
        for (guint k = 0; k < one->channels->len; k++) {
            struct channel *channel = one->channels->pdata[k];
            if (!g_str_equal (slug, channel->slug)) continue;
            found = channel;
            n++;
        }
    }
    return n == 1 ? found : complain_channel (config, name, n);
}

db_result *command_channel_row (struct db *db, struct channel *channel)
{
    g_autoptr (GError) error = NULL;
    db_result *r = read_channels (db, channel->account, channel->slug, &error);
    if (r && db_rows (r) == 1) {
        channel->account_id = db_int64 (r, 0, COLUMN_ACCOUNT_ID);
        channel->channel_id = db_int64 (r, 0, COLUMN_CHANNEL_ID);
        return r;
    }
    if (r)
        fprintf (stderr, "switchboard: channel %s/%s has never been served\n", channel->account, channel->slug);
    else
        command_complain (error);
    db_result_free (r);
    return NULL;
}

static void show_text (const char *what, const db_result *r, int column)
{
    if (!db_null (r, 0, column)) printf ("%-12s %s\n", what, db_text (r, 0, column));
}

static void show_time (const char *what, const db_result *r, int column)
{
    if (!db_null (r, 0, column)) printf ("%-12s %s\n", what, time_text (r, 0, column));
}

static void show (const struct channel *channel, const db_result *r)
{
    printf ("%-12s %s/%s\n", "channel", channel->account, channel->slug);
    show_text ("adapter", r, COLUMN_ADAPTER);
    show_text ("address", r, COLUMN_ADDRESS);
    printf ("%-12s %s\n", "register", channel->callback_url);
    show_text ("health", r, COLUMN_HEALTH);
    show_text ("cause", r, COLUMN_CAUSE);
    show_text ("remedy", r, COLUMN_REMEDY);
    show_time ("since", r, COLUMN_SINCE);
    show_time ("checked", r, COLUMN_CHECKED_AT);
    show_time ("paused", r, COLUMN_PAUSED_AT);
    show_time ("known to", r, COLUMN_SEEN_TO);
    printf ("%-12s %" G_GINT64_FORMAT "\n", "waiting", db_int64 (r, 0, COLUMN_WAITING));
    show_time ("oldest due", r, COLUMN_OLDEST);
}

int command_channel_show (const char *path, const char *account, const char *name)
{
    g_autoptr (struct_config) config = setup_read (path, command_tell);
    struct channel *channel = config ? command_channel (config, account, name) : NULL;
    struct db *db = channel ? command_open (config, READ_ONLY) : NULL;
    if (!db) return 1;
    g_autoptr (db_result) r = command_channel_row (db, channel);
    db_close (db);
    if (!r) return 1;
    show (channel, r);
    return 0;
}

static bool set_pause (struct db *db, const struct channel *channel, bool paused, GError **error)
{
    g_autoptr (params) p = params_new (3);
    params_int64 (p, channel->account_id);
    params_int64 (p, channel->channel_id);
    params_time (p, paused ? clock_now () : 0);
    g_autoptr (db_result) r = db_call (db, PAUSE, p, error);
    return r != NULL;
}

int command_channel_pause (const char *path, const char *account, const char *name, bool paused)
{
    g_autoptr (struct_config) config = setup_read (path, command_tell);
    struct channel *channel = config ? command_channel (config, account, name) : NULL;
    struct db *db = channel ? command_open (config, NULL) : NULL;
    if (!db) return 1;
    g_autoptr (GError) error = NULL;
    g_autoptr (db_result) r = command_channel_row (db, channel);
    bool ok = r && set_pause (db, channel, paused, &error);
    db_close (db);
    if (error) return command_complain (error);
    if (ok) printf ("channel %s/%s %s\n", channel->account, channel->slug, paused ? "is paused" : "sends");
    return ok ? 0 : 1;
}
