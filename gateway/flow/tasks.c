/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/tasks.h"

#include "base/pulse.h"
#include "flow/round.h"

struct tasks {
    struct http_client *client;
    GMutex lock;
    GCond landed;
    bool halted;
};

/* A call that somebody waits for. */
struct awaited {
    struct tasks *tasks;
    struct call_outcome outcome; /* kept */
    bool over;
};

/* On the client's thread. */
static void landed (const struct call_outcome *outcome, void *data)
{
    struct awaited *awaited = data;
    struct tasks *tasks = awaited->tasks;
    call_outcome_keep (outcome, &awaited->outcome);
    g_mutex_lock (&tasks->lock);
    awaited->over = true;
    g_cond_broadcast (&tasks->landed);
    g_mutex_unlock (&tasks->lock);
}

/* False: no call is begun any more. */
static bool perform (struct tasks *tasks, const struct channel *channel, struct call_request *call, struct call_outcome *outcome)
{
    struct awaited awaited = {.tasks = tasks};
    g_mutex_lock (&tasks->lock);
    bool may = !tasks->halted;
    if (may) round_perform (tasks->client, channel, call, 0, landed, &awaited);
    pulse_wait ();
    while (may && !awaited.over) g_cond_wait (&tasks->landed, &tasks->lock);
    pulse_work ();
    g_mutex_unlock (&tasks->lock);
    *outcome = awaited.outcome;
    return may;
}

void tasks_run (struct tasks *tasks, const struct channel *channel, const struct task *task,
                bool (*round) (struct verdict *verdict, void *data), void *data, struct verdict *verdict)
{
    g_autofree char *notes = NULL;
    struct call_request call;
    *verdict = (struct verdict){.kind = VERDICT_SENT, .after = -1};
    while (round_compose (channel, task, notes, &call)) {
        struct call_outcome outcome;
        if (perform (tasks, channel, &call, &outcome)) {
            round_judge (channel, task, notes, &outcome, false, verdict);
        } else {
            call_request_clear (&call);
            verdict->kind = VERDICT_RETRY;
            verdict->title = "the gateway is stopping";
        }
        call_outcome_clear (&outcome);
        if ((round && !round (verdict, data)) || verdict->kind != VERDICT_NEXT) return;
        g_free (notes);
        notes = g_steal_pointer (&verdict->notes);
        verdict_clear (verdict);
        *verdict = (struct verdict){.kind = VERDICT_SENT, .after = -1};
    }
}

struct tasks *tasks_new (struct http_client *client)
{
    struct tasks *tasks = g_new0 (struct tasks, 1);
    tasks->client = client;
    g_mutex_init (&tasks->lock);
    g_cond_init (&tasks->landed);
    return tasks;
}

void tasks_halt (struct tasks *tasks)
{
    if (!tasks) return;
    g_mutex_lock (&tasks->lock);
    tasks->halted = true;
    g_mutex_unlock (&tasks->lock);
}

bool tasks_halted (struct tasks *tasks)
{
    g_mutex_lock (&tasks->lock);
    bool halted = tasks->halted;
    g_mutex_unlock (&tasks->lock);
    return halted;
}

void tasks_free (struct tasks *tasks)
{
    if (!tasks) return;
    g_mutex_clear (&tasks->lock);
    g_cond_clear (&tasks->landed);
    g_free (tasks);
}
