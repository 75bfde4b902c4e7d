/* SPDX-License-Identifier: Apache-2.0
 *
 * What a message carries, as the JSON object of struct incoming's content. Two of the ten kinds are written here:
 *
 *     {"kind":"text","text":"Hello"}
 *     {"kind":"media","text":"Look!","media":[{"media_kind":"image","mime":"image/jpeg","index":0}, …]}
 *
 * media_kind: image, audio, video or document, by mime, which is left out where it is not said. index: the place in incoming->files (the
 * message's attachments), from 0. Members that either may have beside these:
 *
 *     "repaired":true,"raw":"aGVs…"     text was not valid UTF-8 without NUL and is repaired (model/text.h); raw: its bytes in base64
 *     "opt_out":"STOP"                  the provider took it as an opt-out word: STOP, START or HELP
 *     "extra":{"ButtonText":"Yes"}      more that the provider says of it, by the provider's names
 *     "original":{"kind":"choice",…}    what was to be sent, where the channel cannot carry that and this goes instead
 *
 * A builder is a GString that content_new opened and content_end closes:
 *
 *     GString *content = content_new ("text");
 *     content_text (content, bytes, length, &incoming->text);
 *     incoming->content = content_end (content);
 *
 * All text given must be valid UTF-8 without NUL, but for content_text, which takes any bytes.
 */
#pragma once
#include "base/json.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

GString *content_new (const char *kind);

/* Adds "text", and "repaired" and "raw" where they are needed. *text: the (repaired) text, a new string. */
void content_text (GString *content, const char *bytes, size_t length, char **text);

/* Adds a member; name is ASCII and needs no escape. */
void content_string (GString *content, const char *name, const char *value);

/* Adds "media", one element for each of files (of struct remote_file). */
void content_media (GString *content, const GPtrArray *files);

/* Plain text of any kind, for search and previews: never NULL, "" for a removed reaction. */
char *content_plain (const json_t *content);

/* Adds a member that is JSON already. */
void content_json (GString *content, const char *name, const char *json);

/* Opens and closes an object: content_string between them adds to it. */
void content_open (GString *content, const char *name);
void content_close (GString *content);

/* The finished JSON. content is gone. */
char *content_end (GString *content);

/* "image", "audio", "video" or "document"; mime may be NULL. */
const char *content_media_kind (const char *mime);

/* What is shown of a media message where only text can be: text, or where there is none the kinds of its files: "[image] [document]". */
char *content_media_plain (const char *text, const GPtrArray *files);
