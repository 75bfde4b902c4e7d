/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/keyring.h"

#define KEY_FIND "select account_id, key_id, scopes from key_find ($1)"

struct entry {
    int64_t asked, account_id;
    struct id key_id;
    char *scopes;
};

struct keyring {
    GMutex lock;
    GHashTable *entries; /* under lock: hash as GBytes → struct entry */
};

static void entry_free (void *data)
{
    struct entry *entry = data;
    g_free (entry->scopes);
    g_free (entry);
}

db_result *keyring_ask (struct db *db, const uint8_t hash[32], GError **error)
{
    g_autoptr (params) p = params_new (1);
    params_bytes (p, hash, 32);
    return db_call (db, KEY_FIND, p, error);
}

struct keyring *keyring_new (void)
{
    struct keyring *ring = g_new0 (struct keyring, 1);
    g_mutex_init (&ring->lock);
    ring->entries = g_hash_table_new_full (g_bytes_hash, g_bytes_equal, (GDestroyNotify) g_bytes_unref, entry_free);
    return ring;
}

void keyring_free (struct keyring *ring)
{
    if (!ring) return;
    g_hash_table_unref (ring->entries);
    g_mutex_clear (&ring->lock);
    g_free (ring);
}

bool keyring_find (struct keyring *ring, const uint8_t hash[32], int64_t now, int64_t *account_id, struct id *key_id, char **scopes)
{
    g_autoptr (GBytes) key = g_bytes_new (hash, 32);
    g_mutex_lock (&ring->lock);
    const struct entry *entry = g_hash_table_lookup (ring->entries, key);
    bool fresh = entry && now - entry->asked < KEYRING_AGE;
    if (fresh) {
        *account_id = entry->account_id;
        *key_id = entry->key_id;
        *scopes = g_strdup (entry->scopes);
    }
    g_mutex_unlock (&ring->lock);
    return fresh;
}

static gboolean is_old (void *key, void *value, void *now)
{
    (void) key;
    const struct entry *entry = value;
    return *(const int64_t *) now - entry->asked >= KEYRING_AGE;
}

void keyring_add (struct keyring *ring, const uint8_t hash[32], int64_t asked, int64_t account_id, const struct id *key_id,
                  const char *scopes)
{
    struct entry *entry = g_new (struct entry, 1);
    *entry = (struct entry){asked, account_id, *key_id, g_strdup (scopes)};
    GBytes *key = g_bytes_new (hash, 32);
    g_mutex_lock (&ring->lock);
    if (g_hash_table_size (ring->entries) >= KEYRING_MOST) g_hash_table_foreach_remove (ring->entries, is_old, &asked);
    bool room = g_hash_table_size (ring->entries) < KEYRING_MOST || g_hash_table_contains (ring->entries, key);
    if (room) g_hash_table_replace (ring->entries, key, entry);
    g_mutex_unlock (&ring->lock);
    if (room) return;
    g_bytes_unref (key);
    entry_free (entry);
}

unsigned keyring_size (struct keyring *ring)
{
    g_mutex_lock (&ring->lock);
    unsigned n = g_hash_table_size (ring->entries);
    g_mutex_unlock (&ring->lock);
    return n;
}
