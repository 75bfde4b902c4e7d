/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of transcode share; nobody else includes it.
 *
 *     transcode.c         which kind goes how, and words        transcode_files.c   files and their kinds
 *     transcode_choice.c  buttons, lists, links                 transcode_cards.c   carousels
 */
#pragma once
#include "model/transcode.h"

/* One content on its way. */
struct transcoding {
    const json_t *given;
    const struct carries *carries;
    const GPtrArray *files;
    json_t *media; /* what "media" will be; NULL: there are no files */
    struct transcoded *out;
    struct content_fault *fault;
};

/* Notes a step; place: in the body of the POST. */
void transcode_step (struct transcoded *out, const char *place, const char *format, ...) G_GNUC_PRINTF (3, 4);

bool transcode_carries (const struct carries *carries, const char *kind);

/* content (taken) goes. */
bool transcode_as_it_is (struct transcoding *t, json_t *content);
/* text goes, with the files; what was given is kept beside it. */
bool transcode_words (struct transcoding *t, const char *text);

/* Sets t->media. False: a file cannot go. */
bool transcode_files (struct transcoding *t);
/* Which kind the file at index goes as. */
const char *transcode_file_kind (const struct transcoding *t, size_t index);
/* Notes where text does not go whole and beside the files. NULL: there is none. */
void transcode_fit_text (struct transcoding *t, const char *text);

bool transcode_choice (struct transcoding *t, const json_t *choice);
bool transcode_cards (struct transcoding *t);
