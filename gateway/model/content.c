/* SPDX-License-Identifier: Apache-2.0 */
#include "model/content.h"

#include "base/json.h"
#include "model/message.h"
#include "model/text.h"

#include <string.h>

GString *content_new (const char *kind)
{
    GString *content = g_string_sized_new (256);
    g_string_append (content, "{\"kind\":\"");
    g_string_append (content, kind);
    g_string_append_c (content, '"');
    return content;
}

/* The comma is due unless an object was just opened. */
static void add_name (GString *content, const char *name)
{
    if (content->str[content->len - 1] != '{') g_string_append_c (content, ',');
    g_string_append_c (content, '"');
    g_string_append (content, name);
    g_string_append (content, "\":");
}

void content_string (GString *content, const char *name, const char *value)
{
    add_name (content, name);
    json_quote (content, value);
}

void content_json (GString *content, const char *name, const char *json)
{
    add_name (content, name);
    g_string_append (content, json);
}

void content_text (GString *content, const char *bytes, size_t length, char **text)
{
    bool good = text_repair (bytes, length, text);
    content_string (content, "text", *text);
    if (good) return;
    g_autofree char *raw = g_base64_encode ((const guchar *) bytes, length);
    add_name (content, "repaired");
    g_string_append (content, "true");
    content_string (content, "raw", raw);
}

void content_media (GString *content, const GPtrArray *files)
{
    add_name (content, "media");
    g_string_append_c (content, '[');
    for (guint i = 0; i < files->len; i++) {
        const struct remote_file *file = g_ptr_array_index (files, i);
        g_string_append (content, i == 0 ? "{" : ",{");
        content_string (content, "media_kind", content_media_kind (file->mime));
        if (file->mime != NULL) content_string (content, "mime", file->mime);
        if (file->name != NULL) content_string (content, "name", file->name);
        g_string_append_printf (content, ",\"index\":%u}", i);
    }
    g_string_append_c (content, ']');
}

void content_open (GString *content, const char *name)
{
    add_name (content, name);
    g_string_append_c (content, '{');
}

void content_close (GString *content)
{
    g_string_append_c (content, '}');
}

char *content_end (GString *content)
{
    g_string_append_c (content, '}');
    return g_string_free (content, FALSE);
}

const char *content_media_kind (const char *mime)
{
    static const char *const kinds[] = {"image", "audio", "video"};
    for (size_t i = 0; mime != NULL && i < G_N_ELEMENTS (kinds); i++)
        if (g_ascii_strncasecmp (mime, kinds[i], 5) == 0 && mime[5] == '/') return kinds[i];
    return "document";
}

char *content_media_plain (const char *text, const GPtrArray *files)
{
    if (text[0] != '\0') return g_strdup (text);
    GString *plain = g_string_new (NULL);
    for (guint i = 0; i < files->len; i++) {
        const struct remote_file *file = g_ptr_array_index (files, i);
        g_string_append_printf (plain, "%s[%s]", i == 0 ? "" : " ", content_media_kind (file->mime));
    }
    return g_string_free (plain, FALSE);
}
