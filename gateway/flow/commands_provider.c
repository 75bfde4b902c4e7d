/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/commands_private.h"

#include "base/clock.h"
#include "flow/backfill.h"
#include "flow/tasks.h"

#include <stdio.h>

static struct http_client *start_client (GError **error)
{
    const struct http_client_options options = {.connections = 1, .connections_per_host = 1, .user_agent = "Switchboard"};
    return http_client_start (&options, error);
}

/* ---- probe ---- */

static void print_verdict (const struct channel *channel, const struct verdict *verdict)
{
    const char *health = verdict->kind == VERDICT_SENT ? "up" : verdict->kind == VERDICT_DEGRADED ? "degraded" : "down";
    printf ("channel %s/%s is %s\n", channel->account, channel->slug, health);
    if (verdict->title) printf ("%-12s %s\n", "cause", verdict->title);
    if (verdict->detail && *verdict->detail) printf ("%-12s %s\n", "detail", verdict->detail);
    if (verdict->remedy) printf ("%-12s %s\n", "remedy", verdict->remedy);
}

int command_channel_probe (const char *path, const char *account, const char *name)
{
    g_autoptr (struct_config) config = setup_read (path, command_tell);
    const struct channel *channel = config ? command_channel (config, account, name) : NULL;
    if (!channel) return 1;
    if (!channel->adapter->compose) {
        fprintf (stderr, "switchboard: the adapter of channel %s/%s asks nobody\n", channel->account, channel->slug);
        return 1;
    }
    g_autoptr (GError) error = NULL;
    struct http_client *client = start_client (&error);
    if (!client) return command_complain (error);
    struct tasks *tasks = tasks_new (client);
    const struct task task = {.kind = TASK_PROBE};
    struct verdict verdict;
    tasks_run (tasks, channel, &task, NULL, NULL, &verdict);
    print_verdict (channel, &verdict);
    bool up = verdict.kind == VERDICT_SENT;
    verdict_clear (&verdict);
    http_client_free (client);
    tasks_free (tasks);
    return up ? 0 : 1;
}

/* ---- backfill ---- */

/* False after telling why not. */
static bool read_since (const struct config *config, const char *text, int64_t now, int64_t *since)
{
    int64_t kept = values_number (config->retention, RETENTION_PROVIDER_IDS);
    char earliest[CLOCK_TEXT_SIZE];
    clock_format (backfill_horizon (now, kept), earliest);
    if (!clock_parse (text, since))
        fprintf (stderr, "switchboard: --since wants a time, as 2026-11-24T10:00:00Z\n");
    else if (*since > now)
        fprintf (stderr, "switchboard: --since is to come\n");
    else if (*since < backfill_horizon (now, kept))
        fprintf (stderr, "switchboard: what came in before %s would come twice (retention.provider_ids)\n", earliest);
    else
        return true;
    return false;
}

/* A running gateway's feed looks for itself. */
static void committed (int64_t account_id, bool receipts, bool files, void *data)
{
    (void) account_id, (void) receipts, (void) files, (void) data;
}

static struct intake *start_intake (const struct config *config, GError **error)
{
    return intake_start (
        &(struct intake_options){
            .database_url = values_text (config->database, DATABASE_URL),
            .directory = values_text (config->storage, STORAGE_DIRECTORY),
            .queue = (size_t) values_number (config->limits, LIMITS_INTAKE_QUEUE),
            .batch_items = (size_t) values_number (config->limits, LIMITS_BATCH_ITEMS),
            .batch_bytes = (size_t) values_number (config->limits, LIMITS_BATCH_BYTES),
            .inline_max = (size_t) values_number (config->limits, LIMITS_JOURNAL_INLINE),
            .wait = values_number (config->limits, LIMITS_INTAKE_WAIT),
            .committed = committed,
        },
        error);
}

static bool fill (const struct config *config, struct db *db, const struct channel *channel, int64_t since, int64_t now,
                  struct backfill_count *count, GError **error)
{
    struct http_client *client = start_client (error);
    struct intake *intake = client ? start_intake (config, error) : NULL;
    struct tasks *tasks = client ? tasks_new (client) : NULL;
    const struct backfill backfill = {tasks, intake, db, channel, since, now + BACKFILL_MARGIN};
    bool ok = intake && backfill_run (&backfill, count, error);
    intake_stop (intake);
    intake_free (intake);
    http_client_free (client);
    tasks_free (tasks);
    return ok;
}

int command_channel_backfill (const char *path, const char *account, const char *name, const char *since_text)
{
    g_autoptr (struct_config) config = setup_read (path, command_tell);
    struct channel *channel = config ? command_channel (config, account, name) : NULL;
    int64_t since, now = clock_now ();
    if (!channel) return 1;
    if (!read_since (config, since_text, now, &since)) return 2;
    struct db *db = command_open (config, NULL);
    if (!db) return 1;
    g_autoptr (GError) error = NULL;
    g_autoptr (db_result) r = command_channel_row (db, channel);
    struct backfill_count count = {0};
    bool ok = r && fill (config, db, channel, since, now, &count, &error);
    db_close (db);
    if (r) printf ("%u found, %u new, %u known\n", count.found, count.stored, count.found - count.stored);
    if (error) return command_complain (error);
    return ok ? 0 : 1;
}
