/* SPDX-License-Identifier: Apache-2.0
 *
 * From content as it is given (model/content.h) to content as a channel carries it, by struct carries alone: no adapter decides any of this
 * again. Whatever had to be changed is a step, told to whoever sends:
 *
 *     location, contacts, form            "location→text": words, where the channel has none of that
 *     choice     as buttons or list       the style that goes is written into the content, each option has its id and type
 *                "list→buttons"           the other style, where that alone fits
 *                "title cut"              to the channel's limit; what is whole stands in the text. Likewise "description cut", "label cut",
 *                                         "section cut", "description→text", "footer→text", "url→text" (of links beside answers),
 *                                         "section left out", "flow→reply" (the option is answered instead)
 *                "header→message"         the files, where they cannot stand above it, go before it
 *                "choice→numbered"        words, whose numbers are answers; "choice→links" where nothing is answered
 *     cards      as a carousel            all with one link and one image, or one video each; body: title and text, a newline between
 *                "cards→choice"           a single one; "cards→numbered", "cards→text", "cards→media": words, with the files before them
 *     template   "template→text"          its text
 *     reaction   "reaction→text"          the emoji
 *     media      "image→document"         where it is too big or of another type; "caption→text": the text goes as a message of its own
 *     text       "text→parts"             several messages, where the channel's limit and the adapter allow that
 *     any in words   "reply_to→quote"     the message that is answered stands as a line before them, where the channel cannot name it
 *
 * With files beside it, what goes as words is media: "choice→numbered" is then one with a text. Pure.
 */
#pragma once
#include "model/adapter.h"
#include "model/content.h"

struct transcoded {
    json_t *content; /* what goes: owned; NULL where it is refused */
    char *text;      /* of it in plain text, owned; NULL: files alone */
    json_t *steps;   /* array of strings, owned; empty: it goes as it was given */
    char *place;     /* of the first step, within the body of the POST: "/content/options"; owned; NULL: no step */
    bool native;     /* the kind is the one that was given */
    json_t *answers; /* [{"id","title"}], owned: what is answered by number, title or id; NULL: nothing */
};

/* content: content_check found it right, for these files (of struct outgoing_file). adapter: the channel's, whose "native" JSON goes as it is.
 * False: fault says why it cannot go at all, with a place in the body of the POST: "/content/text", "/attachments/0". Either way
 * *transcoded is to be cleared. Lengths of texts are not looked at but where they decide between forms. */
bool transcode (const json_t *content, const struct carries *carries, const char *adapter, const GPtrArray *files,
                struct transcoded *transcoded, struct content_fault *fault);

/* quoted: the plain text of the message that is answered; NULL or "": none is. What goes as words gets its beginning as a first line, "> …", on a
 * channel that has no other way to say which message is meant. */
void transcode_quote (struct transcoded *transcoded, const struct carries *carries, const char *quoted);

void transcoded_clear (struct transcoded *transcoded);
