/* SPDX-License-Identifier: Apache-2.0
 *
 * One round of a task: its adapter composes the next call, the HTTP client performs it, the adapter judges what came back. Whoever runs the task
 * keeps its notes and goes round again while the verdict is VERDICT_NEXT. Any thread; nothing is kept here.
 *
 *     struct call_request call;
 *     if (round_compose (channel, &task, notes, &call)) round_perform (client, channel, &call, 0, landed, data);
 *     … landed keeps its outcome …
 *     round_judge (channel, &task, notes, &outcome, call.visible, &verdict);
 */
#pragma once
#include "model/channel.h"
#include "model/task.h"
#include "net/http_client.h"

/* False: there is no call to be made, and call needs no clearing. Else it is to be performed or cleared. */
bool round_compose (const struct channel *channel, const struct task *task, const char *notes, struct call_request *call);

/* Within the limits of the channel's settings; call's contents are taken. wait: it is begun within so many microseconds, or not at all: then its
 * outcome is late; 0: it waits for its turn as long as that takes. landed is http_client_call's done. */
void round_perform (struct http_client *client, const struct channel *channel, struct call_request *call, int64_t wait,
                    void (*landed) (const struct call_outcome *outcome, void *data), void *data);

/* What came back, as the adapter judges it; or, where no answer came, what that means. visible: the customer may have noticed the call.
 * verdict is written, then the caller's to clear. */
void round_judge (const struct channel *channel, const struct task *task, const char *notes, const struct call_outcome *outcome,
                  bool visible, struct verdict *verdict);
