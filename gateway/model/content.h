/* SPDX-License-Identifier: Apache-2.0
 *
 * What a message carries: the JSON object of a message's content, one of ten kinds. A member with ? may be left out; text has at least one
 * character.
 *
 *     text      {"text", "preview"?: bool}
 *     media     {"text"?, "media_kind"?}
 *     location  {"lat", "lon", "name"?, "address"?}
 *     contacts  {"cards":[{"name", "org"?, "phones"?:[…], "emails"?:[…], "vcard"?}]}
 *     choice    {"text", "footer"?, "style"?: auto|buttons|list, "label"?, "options":[option]}
 *     cards     {"items":[{"title", "text"?, "options"?:[option], "file"?: index into the attachments}]}
 *     template  {"name", "lang"?, "params"?: [values] or {name: value}, "header"?, "buttons"?:[{"index", one of payload, text, coupon_code}],
 *                "text"?: goes instead where there are no templates}
 *     reaction  {"target", "emoji": string or null, which takes it back}
 *     form      {"name"?, "data":{…}}
 *     event     {"type", "target"?, "text"?, "data"?}
 *     option    {"id"?, "title", "type"?: reply|url|call|location|contact|flow, "value"?, "description"?, "section"?}
 *
 * media_kind: image, audio, voice, video, document or sticker. label: of the button that opens a list. value: the URL, the number, the
 * flow's id. An option is answered unless it leads away (url, call); one without id has its number among those that are answered as its
 * id. All options have a section, or none. Ids differ.
 *
 * So it is given. What is kept, sent and shown has more (model/transcode.h writes it for what goes out):
 *
 *     "media":[{"media_kind":"image","mime":"image/jpeg","name":"a.jpg","index":0}, …]
 *                                       the files, whatever the kind; index: their place among the message's attachments, from 0
 *     "style":"buttons"                 or list: of a choice that goes out as such; every option then has id and type
 *     "original":{"kind":"choice",…}    what was to be sent, where the channel cannot carry that and this goes instead
 *     "native":{"whatsapp":{…}}         one channel's own JSON by its adapter's name, which sends it in place of the rest
 *     "repaired":true,"raw":"aGVs…"     text was not valid UTF-8 without NUL and is repaired (model/text.h); raw: its bytes in base64
 *     "selected":{"id","title","source"} the option that the customer chose: source says how, as button, list, number, title or id
 *     "opt_out":"STOP"                  the provider took it as an opt-out word: STOP, START or HELP
 *     "forwarded":true  "referral":{…}  "group_id":"…"
 *                                       that it is another's, what it was that brought the customer here, where it was said
 *     "extra":{"ButtonText":"Yes"}      more that the provider says of it, by the provider's names
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

/* ---- reading (content_check.c) ---- */

#define CONTENT_OPTIONS_MOST 100 /* of one choice, or one card */
#define CONTENT_ID_MOST 200      /* bytes of an option's id */
#define CONTENT_ITEMS_MOST 10
#define CONTENT_CARDS_MOST 20
#define CONTENT_LINES_MOST 20 /* phones, or emails, of one of them */
#define CONTENT_PARAMS_MOST 100

/* Where something is wrong, a JSON pointer, and what. Owns its strings. */
struct content_fault {
    char *place, *wrong;
};

/* False, always. place: where within the content, "/options/0"; format: what is wrong. */
bool content_refuse (struct content_fault *fault, const char *place, const char *format, ...) G_GNUC_PRINTF (3, 4);
void content_fault_clear (struct content_fault *fault);

/* Is this content as it is given to be sent, with so many files? False: fault says what is not so, to be cleared. */
bool content_check (json_t *content, size_t n_files, struct content_fault *fault);

/* ---- words (content_plain.c) ---- */

/* Content of any kind, as given or as kept, in plain text, for search and previews; a new string, "" for a reaction that was taken back. No
 * words of ours are in it: the customer's language is not known. Where something is missing or odd it is passed over. */
char *content_plain (const json_t *content);

/* Whether an option leads away (url, call), so that it is never an answer. */
bool content_leads (const json_t *option);

/* The options that are answered, those of cards too, as they are numbered in content_plain: [{"id","title"}], a new reference. */
json_t *content_answers (const json_t *content);
