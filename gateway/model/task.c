/* SPDX-License-Identifier: Apache-2.0 */
#include "model/task.h"

#include <string.h>

void outgoing_file_free (struct outgoing_file *file)
{
    if (!file) return;
    g_free (file->mime);
    g_free (file->name);
    g_free (file->url);
    g_free (file);
}

void task_clear (struct task *task)
{
    g_free (task->to);
    g_free (task->text);
    g_free (task->content);
    g_clear_pointer (&task->files, g_ptr_array_unref);
    g_free (task->reference);
    g_free (task->url);
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
    memset (verdict, 0, sizeof *verdict);
}
