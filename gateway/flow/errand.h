/* SPDX-License-Identifier: Apache-2.0
 *
 * A task of a channel done from its first call to its last by a thread that may wait: compose, perform, judge until the verdict is not
 * VERDICT_NEXT. Messages themselves are not sent so, but by the dispatcher, which waits for nobody.
 *
 *     struct errands *errands = errands_new (client);
 *     struct verdict verdict;
 *     errands_run (errands, channel, &task, take_page, data, &verdict);
 *     …
 *     verdict_clear (&verdict);
 */
#pragma once
#include "model/channel.h"
#include "model/task.h"
#include "net/http_client.h"

struct errands;

/* client outlives them. */
struct errands *errands_new (struct http_client *client);
/* No call is begun from now on; what is under way ends with the client. Any thread, before http_client_stop. */
void errands_halt (struct errands *errands);
bool errands_halted (struct errands *errands);
/* Once nobody runs one any more. */
void errands_free (struct errands *errands);

/* Blocks. round: called with the verdict of each round, the last one too; false: it is enough, the verdict stays as it is. NULL: none. Where no
 * call was to be made, verdict is VERDICT_SENT. */
void errands_run (struct errands *errands, const struct channel *channel, const struct task *task,
                  bool (*round) (struct verdict *verdict, void *data), void *data, struct verdict *verdict);
