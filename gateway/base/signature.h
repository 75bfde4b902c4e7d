/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of webhook signatures: HMAC as base64 or hex, SHA-256 as hex, and a comparison whose time says nothing of where two texts
 * differ. Long inputs are fed piece by piece to a GHmac of GLib and closed here:
 *
 *     GHmac *hmac = signature_start (G_CHECKSUM_SHA1, token);
 *     g_hmac_update (hmac, …);
 *     char text[SIGNATURE_TEXT_SIZE];
 *     signature_base64 (hmac, text);   // hmac is gone
 *     if (signature_equal (text, header)) …
 */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for every form of every digest here: 64 hex digits and the closing NUL. */
#define SIGNATURE_TEXT_SIZE 65

/* HMAC (RFC 2104) with a NUL-terminated key; type is G_CHECKSUM_SHA1 or G_CHECKSUM_SHA256. */
GHmac *signature_start (GChecksumType type, const char *key);

/* Ends and frees hmac. base64: RFC 4648 §4 with padding; hex: lower case. */
void signature_base64 (GHmac *hmac, char text[SIGNATURE_TEXT_SIZE]);
void signature_hex (GHmac *hmac, char text[SIGNATURE_TEXT_SIZE]);

/* SHA-256 of bytes. */
void signature_sha256 (const void *bytes, size_t length, uint8_t digest[32]);

/* SHA-256 of bytes in lower-case hex. */
void signature_sha256_hex (const void *bytes, size_t length, char text[SIGNATURE_TEXT_SIZE]);

/* Whether both texts are the same. The time depends on their lengths only. */
bool signature_equal (const char *expected, const char *given);
