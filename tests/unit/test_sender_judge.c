/* SPDX-License-Identifier: Apache-2.0
 *
 * What the end of an attempt means: for its delivery, and for the channel as a whole.
 */
#include "flow/round.h"
#include "flow/sender.h"
#include "model/adapter.h"
#include "model/config_tables.h"

#include <string.h>

#define SECOND G_TIME_SPAN_SECOND
#define NOW (INT64_C (1700000000) * SECOND)
#define GIVE_UP (NOW + 3600 * SECOND)
/* The whole of the pause that jitter draws from. */
#define MOST_RANDOM UINT32_MAX

static struct channel make_channel (const char *on_uncertain)
{
    size_t n;
    const char *pairs[] = {"on_uncertain", on_uncertain, "uncertain_wait", "30s", "rate", "10/s", "concurrency", "3", NULL};
    struct channel channel = {.common = values_of (config_tables (&n)[TABLE_CHANNEL].settings, pairs)};
    g_assert_nonnull (channel.common);
    return channel;
}

static struct delivery *make_delivery (int attempt)
{
    struct delivery *delivery = g_new0 (struct delivery, 1);
    delivery->attempt = attempt;
    delivery->n_parts = 1;
    delivery->give_up_at = GIVE_UP;
    return delivery;
}

static struct settlement *judge_on (const char *on_uncertain, struct delivery *delivery, struct verdict verdict, uint32_t random)
{
    struct channel channel = make_channel (on_uncertain);
    struct settlement *settlement = sender_judge (&channel, delivery, &verdict, NOW, random);
    g_assert_true (settlement->delivery == delivery);
    verdict_clear (&verdict);
    values_unref (channel.common);
    return settlement;
}

static struct settlement *judge (struct delivery *delivery, struct verdict verdict)
{
    return judge_on ("retry", delivery, verdict, MOST_RANDOM);
}

static void test_sent (void)
{
    struct settlement *s = judge (make_delivery (1), (struct verdict){.kind = VERDICT_SENT, .external_id = g_strdup ("SM1")});
    g_assert_cmpint (s->outcome, ==, OUTCOME_SENT);
    g_assert_cmpstr (s->external_id, ==, "SM1");
    settlement_free (s);
}

static void test_parts (void)
{
    for (int part = 0; part < 3; part++) {
        struct delivery *delivery = make_delivery (1);
        delivery->n_parts = 3;
        delivery->task.part = part;
        struct settlement *s = judge (delivery, (struct verdict){.kind = VERDICT_SENT});
        g_assert_cmpint (s->outcome, ==, part < 2 ? OUTCOME_PROGRESS : OUTCOME_SENT);
        g_assert_true (part < 2 ? s->retry_at >= NOW + DELIVERY_MARGIN : s->retry_at == 0);
        settlement_free (s);
    }
}

static void test_refused (void)
{
    struct settlement *s = judge (make_delivery (1), (struct verdict){.kind = VERDICT_REFUSED,
                                                                      .code = "invalid_number",
                                                                      .title = "no",
                                                                      .provider_code = g_strdup ("21211"),
                                                                      .detail = g_strdup ("words")});
    g_assert_cmpint (s->outcome, ==, OUTCOME_FAILED);
    g_assert_cmpstr (s->code, ==, "invalid_number");
    g_assert_cmpstr (s->title, ==, "no");
    g_assert_cmpstr (s->provider_code, ==, "21211");
    g_assert_cmpstr (s->detail, ==, "words");
    settlement_free (s);
    s = judge (make_delivery (1), (struct verdict){.kind = VERDICT_OPTED_OUT});
    g_assert_cmpint (s->outcome, ==, OUTCOME_OPTED_OUT);
    settlement_free (s);
}

static char *notes_after (enum verdict_kind kind)
{
    struct settlement *s = judge (make_delivery (1), (struct verdict){.kind = kind, .after = -1, .notes = g_strdup ("media M1")});
    char *notes = g_steal_pointer (&s->notes);
    settlement_free (s);
    return notes;
}

/* What is with the provider already need not go there again. */
static void test_notes (void)
{
    static const enum verdict_kind again[] = {VERDICT_RETRY, VERDICT_CHANNEL_DOWN, VERDICT_UNCERTAIN};
    for (size_t i = 0; i < G_N_ELEMENTS (again); i++) {
        g_autofree char *notes = notes_after (again[i]);
        g_assert_cmpstr (notes, ==, "media M1");
    }
    g_assert_null (notes_after (VERDICT_SENT));
}

/* When a third attempt that is to be tried again is tried again; 0: never. */
static int64_t pause_of (enum verdict_kind kind, int64_t after, uint32_t random, int64_t give_up_at)
{
    struct delivery *delivery = make_delivery (3);
    delivery->give_up_at = give_up_at;
    struct settlement *s = judge_on ("retry", delivery, (struct verdict){.kind = kind, .after = after}, random);
    g_assert_cmpint (s->outcome, ==, s->retry_at ? OUTCOME_RETRY : OUTCOME_FAILED);
    if (!s->retry_at) g_assert_cmpstr (s->code, ==, "given_up");
    int64_t pause = s->retry_at ? s->retry_at - NOW : 0;
    settlement_free (s);
    return pause;
}

static void test_retry (void)
{
    int64_t day = 24 * 3600 * SECOND;
    g_assert_cmpint (pause_of (VERDICT_RETRY, -1, MOST_RANDOM, GIVE_UP), ==, 8 * SECOND);
    g_assert_cmpint (pause_of (VERDICT_RETRY, -1, MOST_RANDOM / 2, GIVE_UP), <=, 4 * SECOND);
    g_assert_cmpint (pause_of (VERDICT_CHANNEL_DOWN, -1, MOST_RANDOM, GIVE_UP), ==, 8 * SECOND);
    /* What the provider asks for is the least, within a second and a day. */
    g_assert_cmpint (pause_of (VERDICT_RETRY, 60 * SECOND, MOST_RANDOM, GIVE_UP), ==, 60 * SECOND);
    g_assert_cmpint (pause_of (VERDICT_RETRY, 2 * SECOND, MOST_RANDOM, GIVE_UP), ==, 8 * SECOND);
    g_assert_cmpint (pause_of (VERDICT_RETRY, 0, 0, GIVE_UP), ==, SECOND);
    g_assert_cmpint (pause_of (VERDICT_RETRY, 30 * day, 0, NOW + 2 * day), ==, day);
}

/* When an attempt of that number is made again, after the provider had asked for patience with this person. */
static int64_t pair_pause_of (int attempt, int64_t after)
{
    struct delivery *delivery = make_delivery (attempt);
    delivery->give_up_at = INT64_MAX;
    struct settlement *s = judge (delivery, (struct verdict){.kind = VERDICT_RETRY, .scope = SCOPE_PAIR, .after = after});
    g_assert_cmpint (s->outcome, ==, OUTCOME_RETRY);
    int64_t pause = s->retry_at - NOW;
    settlement_free (s);
    return pause;
}

static void test_pair (void)
{
    static const int64_t pauses[] = {4, 16, 64, 256, 1024};
    for (size_t i = 0; i < G_N_ELEMENTS (pauses); i++) g_assert_cmpint (pair_pause_of ((int) i + 1, 4 * SECOND), ==, pauses[i] * SECOND);
    g_assert_cmpint (pair_pause_of (9, 4 * SECOND), ==, G_TIME_SPAN_DAY);
    g_assert_cmpint (pair_pause_of (1000, G_TIME_SPAN_DAY), ==, G_TIME_SPAN_DAY);
    g_assert_cmpint (pair_pause_of (3, -1), ==, 8 * SECOND); /* it asks for nothing: as any other */
}

static void test_give_up (void)
{
    g_assert_cmpint (pause_of (VERDICT_RETRY, -1, MOST_RANDOM, NOW + 8 * SECOND), ==, 8 * SECOND);
    g_assert_cmpint (pause_of (VERDICT_RETRY, -1, MOST_RANDOM, NOW + 8 * SECOND - 1), ==, 0);
    g_assert_cmpint (pause_of (VERDICT_CHANNEL_DOWN, -1, MOST_RANDOM, NOW), ==, 0);
    g_assert_cmpint (pause_of (VERDICT_RETRY, 7200 * SECOND, 0, GIVE_UP), ==, 0);
}

static void test_uncertain (void)
{
    const struct verdict verdict = {.kind = VERDICT_UNCERTAIN, .code = "no_answer"};
    struct settlement *s = judge_on ("retry", make_delivery (1), verdict, 0);
    g_assert_cmpint (s->outcome, ==, OUTCOME_UNCERTAIN);
    g_assert_cmpint (s->retry_at, ==, NOW + 30 * SECOND);
    settlement_free (s);
    /* Too late to be tried again: a hand has to settle it, as where that is wanted. */
    struct delivery *late = make_delivery (1);
    late->give_up_at = NOW + 30 * SECOND - 1;
    s = judge_on ("retry", late, verdict, 0);
    g_assert_cmpint (s->outcome, ==, OUTCOME_UNCERTAIN);
    g_assert_cmpint (s->retry_at, ==, 0);
    settlement_free (s);
    s = judge_on ("hold", make_delivery (1), verdict, 0);
    g_assert_cmpint (s->outcome, ==, OUTCOME_UNCERTAIN);
    g_assert_cmpint (s->retry_at, ==, 0);
    settlement_free (s);
}

static void test_release (void)
{
    struct settlement *s = settlement_release (make_delivery (1));
    g_assert_cmpint (s->outcome, ==, OUTCOME_RELEASE);
    settlement_free (s);
}

static void test_silence (void)
{
    static const struct {
        enum call_result result;
        bool forbidden, visible;
        enum verdict_kind kind;
        const char *code;
    } cases[] = {
        {CALL_NOT_SENT, true, true, VERDICT_CHANNEL_DOWN, "private_address"},
        {CALL_NOT_SENT, false, true, VERDICT_RETRY, "no_connection"},
        {CALL_UNKNOWN, false, true, VERDICT_UNCERTAIN, "no_answer"},
        {CALL_UNKNOWN, false, false, VERDICT_RETRY, "no_answer"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        const struct call_outcome outcome = {.result = cases[i].result, .forbidden = cases[i].forbidden, .words = "refused"};
        struct verdict verdict;
        round_judge (NULL, NULL, NULL, &outcome, cases[i].visible, &verdict);
        g_assert_cmpint (verdict.kind, ==, cases[i].kind);
        g_assert_cmpstr (verdict.code, ==, cases[i].code);
        g_assert_cmpstr (verdict.detail, ==, "refused");
        g_assert_cmpint (verdict.after, ==, -1);
        g_assert_nonnull (verdict.title);
        g_assert_true ((verdict.remedy != NULL) == cases[i].forbidden);
        verdict_clear (&verdict);
    }
}

/* ---- the channel ---- */

static struct sender make_sender (struct channel *channel)
{
    struct sender sender = {.ours = true, .own_until = 10 * SECOND};
    *channel = make_channel ("retry");
    sender_configure (&sender, channel);
    return sender;
}

static void test_room (void)
{
    struct channel channel;
    struct sender sender = make_sender (&channel);
    g_assert_cmpint (sender_room (&sender, SECOND), ==, 2);
    g_assert_cmpint (sender_room (&sender, 10 * SECOND - 1), ==, 2);
    g_assert_cmpint (sender_room (&sender, 10 * SECOND), ==, 0); /* somebody else's perhaps */
    bool *const reasons[] = {&sender.paused, &sender.down};
    for (size_t i = 0; i < G_N_ELEMENTS (reasons); i++) {
        *reasons[i] = true;
        g_assert_cmpint (sender_room (&sender, SECOND), ==, 0);
        *reasons[i] = false;
    }
    sender.ours = false;
    g_assert_cmpint (sender_room (&sender, SECOND), ==, 0);
    sender.ours = true;
    sender_configure (&sender, NULL);
    g_assert_cmpint (sender_room (&sender, SECOND), ==, 0);
    values_unref (channel.common);
}

/* A call is begun only where its claim outlasts it, whatever it waits for its turn, and never on a channel that may be another's. */
static void test_claim_outlasts_calls (void)
{
    struct channel channel;
    struct sender sender = make_sender (&channel);
    int64_t timeout = values_number (channel.common, CHANNEL_TIMEOUT), claimed_until = timeout + DELIVERY_MARGIN;
    sender.own_until = INT64_MAX;
    g_assert_cmpint (sender_patience (&sender, &channel, claimed_until, 0), ==, 45 * SECOND);
    g_assert_cmpint (sender_patience (&sender, &channel, claimed_until, 20 * SECOND), ==, 40 * SECOND);
    g_assert_cmpint (sender_patience (&sender, &channel, claimed_until, DELIVERY_MARGIN - 1), ==, 1);
    g_assert_cmpint (sender_patience (&sender, &channel, claimed_until, DELIVERY_MARGIN), ==, 0);
    g_assert_cmpint (sender_patience (&sender, &channel, claimed_until, claimed_until + SECOND), ==, 0);
    sender.own_until = 10 * SECOND;
    g_assert_cmpint (sender_patience (&sender, &channel, claimed_until, 10 * SECOND - 1), >, 0);
    g_assert_cmpint (sender_patience (&sender, &channel, claimed_until, 10 * SECOND), ==, 0);
    values_unref (channel.common);
}

static const struct verdict sent = {.kind = VERDICT_SENT, .after = -1};
static const struct verdict no_connection = {.kind = VERDICT_RETRY, .scope = SCOPE_PROVIDER, .after = -1, .code = "no_connection"};
static const struct verdict no_answer = {.kind = VERDICT_UNCERTAIN, .scope = SCOPE_PROVIDER, .after = -1, .code = "no_answer"};

static const char *learn (struct sender *sender, const struct verdict *verdict)
{
    return sender_learn (sender, verdict, SECOND, UINT32_MAX);
}

static void test_circuit (void)
{
    struct channel channel;
    struct sender sender = make_sender (&channel);
    sender.probes = 7;
    for (int i = 1; i < PACE_FAILURES; i++) g_assert_null (learn (&sender, i % 2 ? &no_connection : &no_answer));
    g_assert_cmpint (sender_room (&sender, SECOND), >, 0);
    g_assert_cmpstr (learn (&sender, &no_connection), ==, "down"); /* this one broke it */
    g_assert_true (sender.down);
    g_assert_cmpint (sender.probes, ==, 0);
    g_assert_cmpint (sender.probe_at, ==, 2 * SECOND);
    g_assert_null (learn (&sender, &no_connection)); /* it was down already */
    g_assert_null (learn (&sender, &sent));          /* begun before it was */
    g_assert_true (sender.down);
    values_unref (channel.common);
}

static const char *probe_at (struct sender *sender, const struct verdict *verdict, int64_t monotonic)
{
    sender->probing = true;
    return sender_probed (sender, verdict, monotonic, UINT32_MAX);
}

static const char *probe (struct sender *sender, const struct verdict *verdict)
{
    return probe_at (sender, verdict, SECOND);
}

/* A provider whose account page works, but whose messages end in nothing: one alarm, and one message now and then. */
static void test_half_open (void)
{
    struct channel channel;
    struct sender sender = make_sender (&channel);
    pace_set (&sender.pace, 0, 2);
    for (int i = 0; i < PACE_FAILURES; i++) learn (&sender, &no_answer);
    int64_t pause = 0;
    for (int i = 0; i < 3; i++) {
        g_assert_cmpint (sender_room (&sender, SECOND), ==, 0);
        g_assert_null (probe (&sender, &sent));
        g_assert_cmpint (sender_room (&sender, SECOND), ==, 1);
        pace_begin (&sender.pace, 1);
        g_assert_cmpint (sender_room (&sender, SECOND), ==, 0);
        pace_end (&sender.pace);
        g_assert_null (learn (&sender, &no_answer));
        g_assert_cmpint (sender.probe_at, >, pause); /* each pause is longer */
        pause = sender.probe_at;
    }
    g_assert_null (probe (&sender, &sent));
    g_assert_cmpstr (learn (&sender, &sent), ==, "up");
    g_assert_cmpint (sender_room (&sender, SECOND), >, 1);
    g_assert_true (sender_probe_due (&sender, SECOND));
    values_unref (channel.common);
}

/* What has failed waits for its next try: probes prove nothing before that. Where nothing waits, they are proof enough; one in vain is not. */
static void test_half_open_idle (void)
{
    struct channel channel;
    struct sender sender = make_sender (&channel);
    for (int i = 0; i < PACE_FAILURES; i++) learn (&sender, &no_connection);
    g_assert_null (probe (&sender, &sent));
    g_assert_cmpstr (probe (&sender, &no_connection), ==, "down");
    g_assert_cmpint (sender_room (&sender, SECOND), ==, 0);
    int64_t pause = PACE_BACKOFF_MOST + 30 * SECOND; /* uncertain_wait */
    g_assert_null (probe (&sender, &sent));
    g_assert_null (probe (&sender, &sent));
    g_assert_null (probe_at (&sender, &sent, SECOND + pause));
    g_assert_true (sender.down);
    g_assert_cmpstr (probe_at (&sender, &sent, SECOND + pause + 1), ==, "up");
    values_unref (channel.common);
}

static void test_circuit_in_a_row (void)
{
    static const struct verdict refused = {.kind = VERDICT_REFUSED, .after = -1, .code = "invalid_number"};
    struct channel channel;
    struct sender sender = make_sender (&channel);
    for (int i = 0; i < 3 * PACE_FAILURES; i++) {
        g_assert_null (learn (&sender, &no_connection));
        if (i % 4 == 3) learn (&sender, i % 8 == 7 ? &sent : &refused); /* an answer, whatever it says */
    }
    g_assert_false (sender.down);
    values_unref (channel.common);
}

static void test_down (void)
{
    static const struct verdict credentials = {.kind = VERDICT_CHANNEL_DOWN, .after = -1, .code = "credentials"};
    struct channel channel;
    struct sender sender = make_sender (&channel);
    g_assert_cmpstr (learn (&sender, &credentials), ==, "down");
    g_assert_cmpint (sender_room (&sender, SECOND), ==, 0);
    g_assert_null (learn (&sender, &credentials)); /* said once */
    values_unref (channel.common);
}

/* What a probe does not ask for, a callback URL say: it succeeds, message after message is refused, and that is one alarm. */
static void test_down_unseen_by_probes (void)
{
    static const struct verdict callback = {.kind = VERDICT_CHANNEL_DOWN, .after = -1, .code = "bad_callback"};
    struct channel channel;
    struct sender sender = make_sender (&channel);
    g_assert_cmpstr (learn (&sender, &callback), ==, "down");
    for (int i = 0; i < 3; i++) {
        g_assert_null (probe (&sender, &sent));
        g_assert_cmpint (sender_room (&sender, SECOND), ==, 1);
        g_assert_null (learn (&sender, &callback));
        g_assert_cmpint (sender_room (&sender, SECOND), ==, 0);
    }
    g_assert_null (probe (&sender, &sent));
    g_assert_cmpstr (learn (&sender, &sent), ==, "up");
    values_unref (channel.common);
}

/* How long the channel is silent after a verdict at second 1, as its pace knows. */
static int64_t silence_after (struct verdict verdict)
{
    struct channel channel;
    struct sender sender = make_sender (&channel);
    learn (&sender, &verdict);
    values_unref (channel.common);
    return pace_next (&sender.pace, SECOND) - SECOND;
}

static void test_patience (void)
{
    struct verdict throttled = {.kind = VERDICT_RETRY, .scope = SCOPE_CHANNEL, .after = 5 * SECOND, .code = "throttled"};
    g_assert_cmpint (silence_after (throttled), ==, 5 * SECOND);
    throttled.after = 0;
    g_assert_cmpint (silence_after (throttled), ==, SECOND);
    throttled.after = 30 * G_TIME_SPAN_DAY;
    g_assert_cmpint (silence_after (throttled), ==, G_TIME_SPAN_DAY);
    throttled.after = -1;
    g_assert_cmpint (silence_after (throttled), ==, 0);
    throttled.after = 5 * SECOND;
    throttled.scope = SCOPE_MESSAGE; /* others need not wait */
    g_assert_cmpint (silence_after (throttled), ==, 0);
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/sender/what the provider has is sent", test_sent);
    g_test_add_func ("/sender/a message of three parts is sent with its third", test_parts);
    g_test_add_func ("/sender/what is refused has failed, and keeps why", test_refused);
    g_test_add_func ("/sender/what may be tried again is, after a pause that the provider may lengthen", test_retry);
    g_test_add_func ("/sender/a line that had too much waits four times as long each time", test_pair);
    g_test_add_func ("/sender/no call is begun that its claim may not outlast", test_claim_outlasts_calls);
    g_test_add_func ("/sender/what could be tried again only too late is given up", test_give_up);
    g_test_add_func ("/sender/what may have happened is tried again after a while, or waits for a hand", test_uncertain);
    g_test_add_func ("/sender/what was not begun is given back", test_release);
    g_test_add_func ("/sender/what an attempt learned is kept for the next", test_notes);
    g_test_add_func ("/sender/no answer is uncertain only where the customer may notice", test_silence);
    g_test_add_func ("/sender/nothing leaves on a channel that is not ours, paused, down or gone", test_room);
    g_test_add_func ("/sender/failures in a row break the circuit, once", test_circuit);
    g_test_add_func ("/sender/a circuit that failed sends have opened is closed by a send", test_half_open);
    g_test_add_func ("/sender/where nothing has waited for long a probe closes it", test_half_open_idle);
    g_test_add_func ("/sender/an answer between failures keeps it closed", test_circuit_in_a_row);
    g_test_add_func ("/sender/bad credentials take the channel down at once", test_down);
    g_test_add_func ("/sender/what only messages meet is one alarm, whatever probes say", test_down_unseen_by_probes);
    g_test_add_func ("/sender/a provider that asks for patience gets it on the whole channel, within bounds", test_patience);
    return g_test_run ();
}
