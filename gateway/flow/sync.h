/* SPDX-License-Identifier: Apache-2.0
 *
 * Tells the database what the configuration file says, and the configuration what the database calls it.
 */
#pragma once
#include "model/config.h"
#include "store/db.h"

/* Accounts and channels of config are made or enabled; those that left its file are disabled, never deleted. Fills the ids in config, which must not
 * be shared yet. */
bool sync_config (struct db *db, struct config *config, GError **error);

/* The channel's own address as its adapter is set up. To be freed; NULL: it has none. */
char *sync_address (const struct channel *channel);
