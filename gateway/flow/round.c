/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/round.h"

#include "base/clock.h"
#include "model/adapter.h"

#define CONNECT_TIME (5 * G_TIME_SPAN_SECOND)

bool round_compose (const struct channel *channel, const struct task *task, const char *notes, struct call_request *call)
{
    *call = (struct call_request){0};
    if (channel->adapter->compose (channel, task, notes, clock_now (), call)) return true;
    call_request_clear (call);
    return false;
}

void round_perform (struct http_client *client, const struct channel *channel, struct call_request *call, int64_t wait,
                    void (*landed) (const struct call_outcome *outcome, void *data), void *data)
{
    const struct http_client_limits limits = {
        .allow_private = values_number (channel->common, CHANNEL_ALLOW_PRIVATE) != 0,
        .connect = CONNECT_TIME,
        .whole = values_number (channel->common, CHANNEL_TIMEOUT),
        .wait = wait,
    };
    http_client_call (client, call, &limits, landed, data);
}

/* What no adapter sees. */
static void judge_silence (const struct call_outcome *outcome, bool visible, struct verdict *verdict)
{
    verdict->detail = g_strdup (outcome->words);
    if (outcome->forbidden) {
        verdict->kind = VERDICT_CHANNEL_DOWN;
        verdict->code = "private_address";
        verdict->title = "the provider's address is a private one";
        verdict->remedy = "correct api_url, or say allow_private: true if the provider really is in your own network";
    } else if (outcome->result == CALL_NOT_SENT) {
        verdict->kind = VERDICT_RETRY;
        verdict->scope = SCOPE_PROVIDER;
        verdict->code = "no_connection";
        verdict->title = "the provider cannot be reached";
    } else {
        verdict->kind = visible ? VERDICT_UNCERTAIN : VERDICT_RETRY;
        verdict->scope = SCOPE_PROVIDER;
        verdict->code = "no_answer";
        verdict->title = "the provider did not answer";
    }
}

void round_judge (const struct channel *channel, const struct task *task, const char *notes, const struct call_outcome *outcome,
                  bool visible, struct verdict *verdict)
{
    *verdict = (struct verdict){.after = -1};
    if (outcome->result == CALL_ANSWERED)
        channel->adapter->judge (channel, task, notes, &outcome->answer, clock_now (), verdict);
    else
        judge_silence (outcome, visible, verdict);
}
