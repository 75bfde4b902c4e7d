/* SPDX-License-Identifier: Apache-2.0 */
#include "model/task.h"

#include <string.h>

void outgoing_file_free (struct outgoing_file *file)
{
    if (!file) return;
    g_free (file->mime);
    g_free (file->name);
    g_free (file->url);
    g_free (file->sha256);
    g_free (file->known);
    if (file->bytes) g_bytes_unref (file->bytes);
    g_free (file);
}

struct channel_note *channel_note_new (const char *key, const char *value, int64_t expires)
{
    struct channel_note *note = g_new (struct channel_note, 1);
    *note = (struct channel_note){g_strdup (key), g_strdup (value), expires};
    return note;
}

void channel_note_free (struct channel_note *note)
{
    if (!note) return;
    g_free (note->key);
    g_free (note->value);
    g_free (note);
}

char *channel_note_file (const struct outgoing_file *file)
{
    return file->sha256 ? g_strconcat ("file ", file->sha256, NULL) : NULL;
}

struct provider_template *provider_template_new (void)
{
    return g_new0 (struct provider_template, 1);
}

void provider_template_free (struct provider_template *template)
{
    if (!template) return;
    g_free (template->external_id);
    g_free (template->name);
    g_free (template->lang);
    g_free (template->status);
    g_free (template->category);
    g_free (template->components);
    g_free (template);
}

void task_clear (struct task *task)
{
    g_free (task->to);
    g_free (task->text);
    g_free (task->content);
    g_clear_pointer (&task->files, g_ptr_array_unref);
    g_free (task->reference);
    g_free (task->url);
    g_free (task->reply_to);
    g_free (task->sha256);
    memset (task, 0, sizeof *task);
}

void call_request_clear (struct call_request *call)
{
    g_free (call->url);
    g_free (call->user);
    g_free (call->password);
    g_clear_pointer (&call->headers, g_ptr_array_unref);
    g_clear_pointer (&call->body, g_bytes_unref);
    memset (call, 0, sizeof *call);
}

void verdict_clear (struct verdict *verdict)
{
    g_free (verdict->external_id);
    g_free (verdict->provider_code);
    g_free (verdict->detail);
    g_free (verdict->notes);
    received_clear (&verdict->received);
    g_clear_pointer (&verdict->raws, g_ptr_array_unref);
    g_clear_pointer (&verdict->learned, g_ptr_array_unref);
    g_clear_pointer (&verdict->templates, g_ptr_array_unref);
    memset (verdict, 0, sizeof *verdict);
}
