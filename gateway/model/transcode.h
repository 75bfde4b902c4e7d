/* SPDX-License-Identifier: Apache-2.0
 *
 * Content of a kind that a channel cannot carry, in plain text:
 *
 *     location   the name, the address and a link to a map
 *     contacts   {"cards":[{"name","org","phones","emails"}]}: a line for each of these
 *     choice     the text and its options, those that can be answered numbered: "1) Morning"; links and numbers to call after a colon
 *     cards      {"items":[{"title","text","options"}]}, one after the other
 *     template   its text        reaction   the emoji        form       its name and "key: value" lines
 *     event      cannot be put in words
 *
 * No words of ours are added: the customer's language is not known here. Pure.
 */
#pragma once
#include "base/json.h"

/* content: an object with "kind", one of those above. The text, never empty, to be freed. NULL: *place (to be freed) leads to what is wrong,
 * a JSON pointer within content, and *wrong (static) says what. */
char *transcode_text (json_t *content, char **place, const char **wrong);
