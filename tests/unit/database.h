/* SPDX-License-Identifier: Apache-2.0
 *
 * A database of a test program's own in a real PostgreSQL. SB_TEST_DATABASE is a connection string of one in which databases may be made;
 * tools/run-tests unit makes it.
 */
#pragma once

/* Makes it anew, as a gateway does; its connection string. */
const char *database_make (const char *name);
/* Runs SQL in the one that SB_TEST_DATABASE names. */
void database_outside (const char *sql);
/* Runs SQL in it. */
void database_run (const char *sql);
void database_drop (void);
