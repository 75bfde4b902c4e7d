/* SPDX-License-Identifier: Apache-2.0
 *
 * Ids are UUIDv7 (RFC 9562 §5.7): 48 bits of milliseconds, then random bits; within one process they rise strictly. Safe from any thread.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define ID_TEXT_SIZE 37

struct id {
    uint8_t bytes[16];
};

/* A new id for the instant now (microseconds since 1970). */
struct id id_new (int64_t now);

/* Lower case, with hyphens. */
void id_format (const struct id *id, char text[ID_TEXT_SIZE]);

/* Any version; the 36-character form only. False: text is no UUID, *id untouched. */
bool id_parse (const char *text, struct id *id);
