/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes as text that stands in a URL as it is (RFC 4648 §5), without padding.
 */
#pragma once
#include <stddef.h>

/* A new string. */
char *base64url_format (const void *bytes, size_t length);

/* The bytes of text, to be freed, and how many; NULL: text was not written by base64url_format. */
void *base64url_parse (const char *text, size_t *length);
