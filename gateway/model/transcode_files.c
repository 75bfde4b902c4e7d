/* SPDX-License-Identifier: Apache-2.0 */
#include "model/transcode_private.h"

#include "model/task.h"
#include "model/text.h"

#include <stdint.h>
#include <string.h>

enum fit { FITS, TOO_BIG, OTHER_TYPE };

static enum fit fits (const struct outgoing_file *file, const struct carries_file *kind)
{
    if (!adapter_takes_type (kind->types, file->mime)) return OTHER_TYPE;
    return (uint64_t) file->size <= kind->most ? FITS : TOO_BIG;
}

static bool refuse_kind (struct transcoding *t, const char *place, const char *name, const struct carries_file *kind, enum fit fit)
{
    if (!kind) return content_refuse (t->fault, place, "the channel takes no file of the kind %s", name);
    if (fit == TOO_BIG)
        return content_refuse (t->fault, place, "a file of the kind %s has at most %zu bytes on this channel", name, kind->most);
    g_autofree char *types = g_strjoinv (", ", (char **) (uintptr_t) kind->types);
    return content_refuse (t->fault, place, "a file of the kind %s is of one of these types on this channel: %s", name, types);
}

/* As what it is said to be, else as what its type says, else as a document. NULL: refused. */
static const char *choose_kind (struct transcoding *t, const struct outgoing_file *file, const char *place, const char *wanted)
{
    const char *natural = content_media_kind (file->mime), *names[] = {wanted ? wanted : natural, natural, "document"};
    const char *told = NULL; /* what the refusal speaks of: size before type, for that can be mended */
    enum fit how = OTHER_TYPE;
    for (size_t i = 0; i < G_N_ELEMENTS (names); i++) {
        const struct carries_file *kind = adapter_file_kind (t->carries, names[i]);
        enum fit fit = kind ? fits (file, kind) : OTHER_TYPE;
        if (fit == FITS) {
            if (!g_str_equal (names[i], names[0])) transcode_step (t->out, place, "%s→%s", names[0], names[i]);
            return names[i];
        }
        if (!told || fit == TOO_BIG) told = names[i], how = fit;
    }
    refuse_kind (t, place, told, adapter_file_kind (t->carries, told), how);
    return NULL;
}

/* What holds for files of any kind. */
static bool check_file (struct transcoding *t, const struct outgoing_file *file, const char *place)
{
    if ((uint64_t) file->size > t->carries->file_most)
        return content_refuse (t->fault, place, "a file has at most %zu bytes on this channel", t->carries->file_most);
    if (adapter_takes_type (t->carries->types, file->mime)) return true;
    g_autofree char *types = g_strjoinv (", ", (char **) (uintptr_t) t->carries->types);
    return content_refuse (t->fault, place, "a file is of one of these types on this channel: %s", types);
}

static bool add_file (struct transcoding *t, guint index, const char *wanted)
{
    const struct outgoing_file *file = t->files->pdata[index];
    g_autofree char *place = g_strdup_printf ("/attachments/%u", index);
    if (!check_file (t, file, place)) return false;
    const char *kind = wanted ? wanted : content_media_kind (file->mime);
    if (t->carries->file_kinds && !(kind = choose_kind (t, file, place, wanted))) return false;
    json_t *one = json_pack ("{ss}", "media_kind", kind);
    if (file->mime) json_object_set_new (one, "mime", json_string (file->mime));
    if (file->name) json_object_set_new (one, "name", json_string (file->name));
    json_object_set_new (one, "index", json_integer (index));
    json_array_append_new (t->media, one);
    return true;
}

bool transcode_files (struct transcoding *t)
{
    if (!t->files->len) return true;
    if (t->files->len > t->carries->files_most)
        return content_refuse (t->fault, "/attachments", "a message has at most %zu files on this channel", t->carries->files_most);
    const char *wanted = json_text (t->given, "media_kind");
    t->media = json_array ();
    for (guint i = 0; i < t->files->len; i++)
        if (!add_file (t, i, wanted)) return false;
    return true;
}

const char *transcode_file_kind (const struct transcoding *t, size_t index)
{
    return json_text (json_array_get (t->media, index), "media_kind");
}

static void fit_caption (struct transcoding *t, size_t length)
{
    const struct carries_file *kind = adapter_file_kind (t->carries, transcode_file_kind (t, 0));
    size_t most = t->carries->caption_most ? t->carries->caption_most : t->carries->text_most;
    if ((kind && !kind->caption) || length > most) transcode_step (t->out, "/content/text", "caption→text");
}

void transcode_fit_text (struct transcoding *t, const char *text)
{
    size_t length = text ? text_length (text) : 0;
    if (length && t->media) fit_caption (t, length);
    if (length > t->carries->text_most && length <= t->carries->text_longest) transcode_step (t->out, "/content/text", "text→parts");
}
