/* SPDX-License-Identifier: Apache-2.0
 *
 * Opaque cursors of lists: where a page ended, sealed for one API key and one set of filters. base64url of a version byte, eight bytes of
 * HMAC-SHA256 and the key of the last row.
 */
#pragma once
#include <glib.h>
#include <stdint.h>

char *cursor_seal (const char *row_key, const uint8_t key_hash[32], const char *filter);

/* The row key, to be freed; NULL: not a cursor that was sealed so. */
char *cursor_open (const char *cursor, const uint8_t key_hash[32], const char *filter);
