/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON from outside, read strictly, and strings written. The one home of jansson; its types are used as they are (json_t, json_auto_t). Error texts never hold
 * any of the text that was read.
 *
 *     json_auto_t *body = json_parse_text (data, length, &error);
 *     json_t *text;
 *     g_autofree char *pointer = NULL;
 *     if (!json_only (body, (const char *const[]){"text", "reference", NULL}, &pointer)
 *         || !json_member (body, "text", JSON_STRING, true, &text, &pointer))
 *         return refuse (422, pointer);
 */
#pragma once
#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

/* Deeper documents are refused before they are read: nothing that we speak with comes near. */
#define JSON_DEPTH_MOST 64
#define JSON_BYTES_MOST (16 * 1024 * 1024)

#define JSON_FAULT (json_fault_quark ())
GQuark json_fault_quark (void);
enum json_fault { JSON_FAULT_SYNTAX, JSON_FAULT_LIMIT };

/* An object or an array and nothing after it. Refuses invalid UTF-8, NUL characters, lone surrogates, members given twice and numbers out of
 * range. The error names line and column. Free with json_decref. */
json_t *json_parse_text (const char *data, size_t length, GError **error);

/* parent + "/" + name, escaped (RFC 6901 §3). parent "" is the whole document. */
char *json_pointer (const char *parent, const char *name);

/* Compact JSON of any value, a new string. 15 digits give a number back as people wrote it: -23.55. */
char *json_write (const json_t *value);

/* Appends text, which must be UTF-8, as a JSON string with its quotes; control characters are escaped, DEL too. */
void json_quote (GString *out, const char *text);

/* Is object an object with no members but names (NULL-terminated)? False: *pointer leads to the first other member, or is "" for no object. */
bool json_only (json_t *object, const char *const *names, char **pointer);

/* Borrows the member into *value; NULL where it is absent or null. False: it is required and absent, or of another type (JSON_TRUE and
 * JSON_FALSE: any boolean; JSON_REAL: any number); *pointer leads to it. */
bool json_member (json_t *object, const char *name, json_type type, bool required, json_t **value, char **pointer);

/* A member that is a string, borrowed; NULL: object has none, or is none itself. */
const char *json_text (const json_t *object, const char *name);
