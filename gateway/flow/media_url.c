/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/media_url.h"

#include "base/base64url.h"

#include <string.h>

#define SECRET "select media_secret ()"
#define N_SAID 32
#define N_PROOF 16
#define TEXT_LENGTH 64

static void prove (GBytes *secret, const uint8_t *said, uint8_t proof[32])
{
    gsize n_key, size = 32;
    const guchar *key = g_bytes_get_data (secret, &n_key);
    GHmac *hmac = g_hmac_new (G_CHECKSUM_SHA256, key, n_key);
    g_hmac_update (hmac, said, N_SAID);
    g_hmac_get_digest (hmac, proof, &size);
    g_hmac_unref (hmac);
}

static void put_number (uint8_t *bytes, int64_t number)
{
    uint64_t wire = GUINT64_TO_BE ((uint64_t) number);
    memcpy (bytes, &wire, sizeof wire);
}

static int64_t get_number (const uint8_t *bytes)
{
    uint64_t wire;
    memcpy (&wire, bytes, sizeof wire);
    return (int64_t) GUINT64_FROM_BE (wire);
}

GBytes *media_url_secret (struct db *db, GError **error)
{
    g_autoptr (params) p = params_new (0);
    g_autoptr (db_result) r = db_call (db, SECRET, p, error);
    return r ? g_bytes_new (db_text (r, 0, 0), db_length (r, 0, 0)) : NULL;
}

char *media_url_make (GBytes *secret, int64_t account_id, const struct id *attachment_id, int64_t expires)
{
    uint8_t token[N_SAID + N_PROOF], proof[32];
    put_number (token, account_id);
    memcpy (token + 8, attachment_id->bytes, 16);
    put_number (token + 24, expires);
    prove (secret, token, proof);
    memcpy (token + N_SAID, proof, N_PROOF);
    return base64url_format (token, sizeof token);
}

/* The time says nothing of where they differ. */
static bool same (const uint8_t *a, const uint8_t *b)
{
    unsigned difference = 0;
    for (size_t i = 0; i < N_PROOF; i++) difference |= a[i] ^ b[i];
    return difference == 0;
}

bool media_url_check (GBytes *secret, const char *token, int64_t now, int64_t *account_id, struct id *attachment_id)
{
    size_t size;
    uint8_t proof[32];
    g_autofree uint8_t *bytes = strlen (token) == TEXT_LENGTH ? base64url_parse (token, &size) : NULL;
    if (!bytes || size != N_SAID + N_PROOF) return false;
    prove (secret, bytes, proof);
    if (!same (proof, bytes + N_SAID) || get_number (bytes + 24) <= now) return false;
    *account_id = get_number (bytes);
    memcpy (attachment_id->bytes, bytes + 8, 16);
    return true;
}
