/* SPDX-License-Identifier: Apache-2.0
 *
 * The form of API keys: "sb_", 30 random base62 digits (178 bits) and 6 base62 digits of the CRC-32 of all before them, so that a mistyped key is
 * refused without a look-up and secret scanners know one. Only the SHA-256 of a key is kept.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define KEY_TEXT_SIZE 40 /* 3 + 30 + 6 and the closing NUL */

void key_make (char key[KEY_TEXT_SIZE]);

/* Is text a key by its form and checksum? */
bool key_check (const char *text);

void key_hash (const char *key, uint8_t hash[32]);
