/* SPDX-License-Identifier: Apache-2.0
 *
 * Brings a database to this build's schema. Tables (schema/tables) are applied once each, in order; functions live in a schema named by the
 * build, so that two versions of the gateway can run on one database. Safe when several start at once: one works, the others wait.
 */
#pragma once
#include "store/db.h"

/* What this binary counts itself as; a database whose tables ask for a newer one refuses it. */
#define MIGRATE_BINARY 1

/* db: any connection of this program. applied (may be NULL) receives the number of table files that were new. */
bool migrate_run (struct db *db, unsigned *applied, GError **error);

/* Whether db has this build's schema; only reads. An error says what to do where it has not. */
bool migrate_check (struct db *db, GError **error);

/* Notes that this build's functions are still in use, so that nobody drops them. */
bool migrate_touch (struct db *db, GError **error);
