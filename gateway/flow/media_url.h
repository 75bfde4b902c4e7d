/* SPDX-License-Identifier: Apache-2.0
 *
 * The last segment of /media/{token}: a file that whoever holds the URL may fetch until it expires, without a key.
 *
 *     | account 8 | attachment 16 | expiry, µs 8 | HMAC-SHA256 of these, its first 16 |   numbers big-endian, all as base64url: 64 characters
 *
 *     g_autofree char *token = media_url_make (secret, account_id, &attachment_id, clock_now () + G_TIME_SPAN_HOUR);
 *     g_autofree char *url = g_strconcat (public_url, MEDIA_URL_PATH, token, NULL);
 */
#pragma once
#include "base/ids.h"
#include "store/db.h"

#define MEDIA_URL_PATH "/media/"

/* What every gateway on this database signs with; made once, so it need not be asked for twice. NULL: *error is set. */
GBytes *media_url_secret (struct db *db, GError **error);

/* expires: µs since 1970. A new string. */
char *media_url_make (GBytes *secret, int64_t account_id, const struct id *attachment_id, int64_t expires);

/* False: token was not made with secret, or has expired at now; nothing was written then. */
bool media_url_check (GBytes *secret, const char *token, int64_t now, int64_t *account_id, struct id *attachment_id);
