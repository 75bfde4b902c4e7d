/* SPDX-License-Identifier: Apache-2.0
 *
 * The commands that do one thing and end. Each prints what was asked for on standard output, errors on standard error, and returns the exit
 * status: 0 done, 1 a fault that is told, 2 wrong usage.
 */
#pragma once

int command_check (const char *path);
int command_migrate (const char *path);
/* account: one of the file's; its row is made where the file was not served yet. scopes: comma-separated, NULL for everything. Prints the key
 * alone: it is shown this once. */
int command_key_create (const char *path, const char *account, const char *name, const char *scopes);
/* These two only read. */
int command_trace (const char *path, const char *message);
/* account: NULL for all. */
int command_quarantine (const char *path, const char *account);
