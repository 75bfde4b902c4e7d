/* SPDX-License-Identifier: Apache-2.0
 *
 * What the program carries inside: the schema's files and the API's description, put here by tools/embed when the program is built. The
 * arrays end with a NULL name. data is followed by a NUL that size does not count, so it may be read as a string.
 */
#pragma once
#include <stddef.h>

struct embedded {
    const char *name;
    const unsigned char *data;
    size_t size;
};

/* schema/tables in the order of their numbers: "0001-foundation.sql" … */
extern const struct embedded schema_tables[];

/* schema/functions in the order of their names. */
extern const struct embedded schema_functions[];

/* docs/openapi.json. */
extern const struct embedded openapi;

/* "gateway_" and ten hex digits of the SHA-256 over all function files: the schema that holds the functions in the database. */
extern const char schema_build[];

/* "0.1.0", and where git tells it the commit: "0.1.0 (3f2a91c4)". */
extern const char switchboard_version[];
