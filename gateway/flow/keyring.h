/* SPDX-License-Identifier: Apache-2.0
 *
 * The keys that the database has vouched for within the last seconds, by their hash, so that a busy client costs no look-up a request. Keys that
 * are unknown are not kept: nobody can fill it with guesses. A revoked key is good for at most KEYRING_AGE more. Any thread.
 */
#pragma once
#include "store/db.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* A revocation has to be effective within 5 s. An event stream that a remembered key opens in the last moment lives until feed.c looks its key up,
 * which it does every 3 s. */
#define KEYRING_AGE (1500 * G_TIME_SPAN_MILLISECOND)
#define KEYRING_MOST 1024

struct keyring;

struct keyring *keyring_new (void);
void keyring_free (struct keyring *ring);

/* What the database knows of a key: account_id, key_id, scopes; no row: it is good no more, or never was. NULL with *error set: it cannot be asked. */
db_result *keyring_ask (struct db *db, const uint8_t hash[32], GError **error);

/* True: known since less than KEYRING_AGE before now (monotonic µs). *scopes as they were added, to be freed. */
bool keyring_find (struct keyring *ring, const uint8_t hash[32], int64_t now, int64_t *account_id, struct id *key_id, char **scopes);

/* The database has found this key. asked: when it was asked (monotonic µs), not when it answered. scopes: "{a,b}", NULL for everything. A full
 * ring takes no more until something in it is too old. */
void keyring_add (struct keyring *ring, const uint8_t hash[32], int64_t asked, int64_t account_id, const struct id *key_id,
                  const char *scopes);
unsigned keyring_size (struct keyring *ring);
