/* SPDX-License-Identifier: Apache-2.0
 *
 * The commands that do one thing and end. Each prints what was asked for on standard output, errors on standard error, and returns the exit
 * status: 0 done, 1 a fault that is told, 2 wrong usage.
 */
#pragma once
#include <stdbool.h>

int command_check (const char *path);
int command_migrate (const char *path);
/* account: one of the file's; its row is made where the file was not served yet. scopes: comma-separated, NULL for everything. Prints the key
 * alone: it is shown this once. */
int command_key_create (const char *path, const char *account, const char *name, const char *scopes);
/* Of all accounts where account is NULL; only reads. */
int command_key_list (const char *path, const char *account);
/* key: its id. Gateways refuse it within seconds. One that is revoked stays so. */
int command_key_revoke (const char *path, const char *key);
/* These two only read. */
int command_trace (const char *path, const char *message);
/* account: NULL for all. */
int command_quarantine (const char *path, const char *account);

/* Of channels; account: NULL where the file has one channel of that name only. list and show only read. */
int command_channel_list (const char *path, const char *account);
int command_channel_show (const char *path, const char *account, const char *name);
/* Whether the channel sends; a running gateway follows within seconds. */
int command_channel_pause (const char *path, const char *account, const char *name, bool paused);
/* Asks the provider whether the channel is set up well; 1 if not. Needs no database. */
int command_channel_probe (const char *path, const char *account, const char *name);
/* Has the messages that came in since a time (RFC 3339) and are not known stored, beside a gateway that runs or not. */
int command_channel_backfill (const char *path, const char *account, const char *name, const char *since);
