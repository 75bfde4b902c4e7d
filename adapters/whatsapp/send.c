/* SPDX-License-Identifier: Apache-2.0 */
#include "whatsapp.h"

int whatsapp_send_count_parts (const struct channel *channel, const struct task *task)
{
    (void) channel, (void) task;
    return 1;
}

bool whatsapp_send_compose (const struct channel *channel, const struct task *task, const char *notes, struct call_request *call)
{
    (void) channel, (void) task, (void) notes, (void) call;
    return false;
}

void whatsapp_send_judge (const struct channel *channel, const struct task *task, const char *notes, const struct call_answer *answer,
                          int64_t now, struct verdict *verdict)
{
    (void) channel, (void) task, (void) notes, (void) answer, (void) now, (void) verdict;
}

bool whatsapp_fetch_compose (const struct channel *channel, const struct task *task, const char *notes, struct call_request *call)
{
    (void) channel, (void) task, (void) notes, (void) call;
    return false;
}

void whatsapp_fetch_judge (const struct channel *channel, const struct task *task, const char *notes, const struct call_answer *answer,
                           struct verdict *verdict)
{
    (void) channel, (void) task, (void) notes, (void) answer, (void) verdict;
}

bool whatsapp_signal_compose (const struct channel *channel, const struct task *task, struct call_request *call)
{
    (void) channel, (void) task, (void) call;
    return false;
}

void whatsapp_signal_judge (const struct channel *channel, const struct task *task, const struct call_answer *answer,
                            struct verdict *verdict)
{
    (void) channel, (void) task, (void) answer, (void) verdict;
}

bool whatsapp_probe_compose (const struct channel *channel, const char *notes, struct call_request *call)
{
    (void) channel, (void) notes, (void) call;
    return false;
}

void whatsapp_probe_judge (const struct channel *channel, const struct task *task, const char *notes, const struct call_answer *answer,
                           struct verdict *verdict)
{
    (void) channel, (void) task, (void) notes, (void) answer, (void) verdict;
}

bool whatsapp_templates_compose (const struct channel *channel, const struct task *task, const char *notes, struct call_request *call)
{
    (void) channel, (void) task, (void) notes, (void) call;
    return false;
}

void whatsapp_templates_judge (const struct channel *channel, const struct task *task, const char *notes, const struct call_answer *answer,
                               struct verdict *verdict)
{
    (void) channel, (void) task, (void) notes, (void) answer, (void) verdict;
}
