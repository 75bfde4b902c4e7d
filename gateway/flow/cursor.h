/* SPDX-License-Identifier: Apache-2.0
 *
 * Opaque cursors of lists: where a page ended, for one API key and one set of filters. base64url of a version byte, eight bytes of a keyed
 * checksum and the key of the last row.
 *
 * The checksum tells a cursor of another list, of other filters or of another key. It is no proof: its key is the hash of the API key, which the
 * client has, so whoever reads a row key checks its form.
 */
#pragma once
#include <glib.h>
#include <stdint.h>

/* To be freed. */
char *cursor_format (const char *row_key, const uint8_t key_hash[32], const char *filter);

/* The row key, to be freed; NULL: not a cursor of this list. */
char *cursor_parse (const char *cursor, const uint8_t key_hash[32], const char *filter);
