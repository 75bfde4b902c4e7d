/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the commands share; nobody else includes it.
 *
 *     commands.c            check, migrate, keys, trace, quarantine
 *     commands_channel.c    channels: what there is of them, how they fare; pause and resume
 *     commands_provider.c   channels: those that call the provider
 */
#pragma once
#include "flow/commands.h"
#include "flow/setup.h"
#include "store/db.h"

/* A session that can change nothing, whatever is called. */
#define READ_ONLY "-c default_transaction_read_only=on"

/* A line on standard error. */
void command_tell (const char *text);
/* The error on standard error; the exit status. */
int command_complain (const GError *error);
/* A connection to the database of config, which must have this build's schema; NULL after telling why not. */
struct db *command_open (const struct config *config, const char *options);

/* The account of the file; NULL after telling that there is none. */
const struct account *command_account (const struct config *config, const char *slug);
/* The channel "SLUG" or "ACCOUNT/SLUG" of the file; account: NULL if not given. NULL after telling that there is none, or several. */
struct channel *command_channel (const struct config *config, const char *account, const char *name);
/* Its row of operator_channels, and channel's ids from it. NULL after telling why not. */
db_result *command_channel_row (struct db *db, struct channel *channel);
/* Columns of operator_channels. */
#define CHANNEL_COLUMNS \
    "account, channel, account_id, channel_id, adapter, address, disabled, health, cause, remedy, since, checked_at, paused_at, seen_to, " \
    "waiting, oldest"
enum {
    COLUMN_ACCOUNT,
    COLUMN_CHANNEL,
    COLUMN_ACCOUNT_ID,
    COLUMN_CHANNEL_ID,
    COLUMN_ADAPTER,
    COLUMN_ADDRESS,
    COLUMN_DISABLED,
    COLUMN_HEALTH,
    COLUMN_CAUSE,
    COLUMN_REMEDY,
    COLUMN_SINCE,
    COLUMN_CHECKED_AT,
    COLUMN_PAUSED_AT,
    COLUMN_SEEN_TO,
    COLUMN_WAITING,
    COLUMN_OLDEST,
};
