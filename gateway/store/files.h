/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes too large for the database, under storage.directory by the SHA-256 of their content: "ab/abcdef…". Written once, fsynced with
 * their folder before the name is returned. Any thread.
 */
#pragma once
#include <glib.h>
#include <stdbool.h>

/* Stores bytes; the same bytes again are no work. Returns 64 hex digits, to be freed; NULL with *error set. */
char *files_put (const char *directory, GBytes *bytes, GError **error);

/* name: 64 lower-case hex digits, anything else is refused. */
GBytes *files_get (const char *directory, const char *name, GError **error);
/* The same without reading them: pages come from the disk as they are used. */
GBytes *files_map (const char *directory, const char *name, GError **error);

/* Makes directory if it is missing and checks that it can be written to. */
bool files_prepare (const char *directory, GError **error);
