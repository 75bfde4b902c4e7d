/* SPDX-License-Identifier: Apache-2.0
 *
 * A task of a channel done from its first call to its last by a thread that may wait: rounds (flow/round.h) until the verdict is not
 * VERDICT_NEXT. Messages are not sent so, but by the dispatcher, which waits for nobody.
 *
 *     struct tasks *tasks = tasks_new (client);
 *     struct verdict verdict;
 *     tasks_run (tasks, channel, &task, take_page, data, &verdict);
 *     …
 *     verdict_clear (&verdict);
 */
#pragma once
#include "model/channel.h"
#include "model/task.h"
#include "net/http_client.h"

struct tasks;

/* client outlives them. */
struct tasks *tasks_new (struct http_client *client);
/* No call is begun from now on; what is under way ends with the client. Any thread, before http_client_stop. */
void tasks_halt (struct tasks *tasks);
bool tasks_halted (struct tasks *tasks);
/* Once nobody runs one any more. */
void tasks_free (struct tasks *tasks);

/* Blocks. round: called with the verdict of each round, the last one too; false: it is enough, the verdict stays as it is. NULL: none. Where no
 * call was to be made, verdict is VERDICT_SENT. */
void tasks_run (struct tasks *tasks, const struct channel *channel, const struct task *task,
                bool (*round) (struct verdict *verdict, void *data), void *data, struct verdict *verdict);
