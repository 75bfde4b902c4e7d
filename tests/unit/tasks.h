/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of an adapter's tasks: each FOLDER/NAME.json is a task from its first call to its last verdict.
 *
 *     channel   settings beside those that are always given; without it: the usual ones
 *     task      kind, and what that takes; files are [mime, url, size] or {mime, name, url, size, sha256, known, bytes (text)}, times seconds
 *               since 1970
 *     parts     what count_parts says; 1 where it is left out
 *     rounds    in turn: call, the request that is composed (left out: any; null: there is none; body is JSON, or cut at each & or line's
 *               end), answer, what comes back (json, or text, or bytes in base64), and verdict. What is left out is not there, but for
 *               titles and remedies. Where a round has no answer, it is the last.
 */
#pragma once
#include <stddef.h>

/* What the files of one adapter have in common. Texts are name, value, … and NULL. */
struct tasks_of {
    const char *adapter, *folder, *slug;
    const char *to;              /* whom messages go to where the file does not say */
    const char *const *settings; /* always given */
    const char *const *usual;    /* given where the file has no channel */
    size_t least;                /* so many files there are */
};

/* Adds a test for each file. of is static. */
void tasks_add (const struct tasks_of *of);
