/* SPDX-License-Identifier: Apache-2.0
 *
 * When a channel sends, and what a probe of it means.
 */
#include "flow/sender.h"
#include "model/config.h"

#include <string.h>

#define SECOND G_TIME_SPAN_SECOND
#define NOW (1000 * SECOND)

static struct values *new_common (void)
{
    size_t n;
    const struct config_table *tables = config_tables (&n);
    for (size_t i = 0; i < n; i++)
        if (g_str_has_suffix (tables[i].place, "channels.CHANNEL"))
            return values_of (tables[i].settings, (const char *const[]){"probe_every", "10m", NULL});
    g_assert_not_reached ();
}

static const struct verdict well = {.kind = VERDICT_SENT}, degraded = {.kind = VERDICT_DEGRADED, .title = "another URL"},
                            refused = {.kind = VERDICT_CHANNEL_DOWN, .code = "credentials"},
                            away = {.kind = VERDICT_RETRY, .scope = SCOPE_PROVIDER, .code = "no_connection", .after = -1},
                            throttled = {.kind = VERDICT_RETRY, .scope = SCOPE_CHANNEL, .code = "throttled", .after = -1};

struct fixture {
    struct values *common;
    struct channel channel;
    struct sender sender;
};

static void set_up (struct fixture *f, const void *unused)
{
    (void) unused;
    f->common = new_common ();
    f->channel.common = f->common;
    sender_configure (&f->sender, &f->channel);
    f->sender.ours = true;
    f->sender.own_until = NOW + 3600 * SECOND;
    sender_take (&f->sender, false, NOW);
}

static void tear_down (struct fixture *f, const void *unused)
{
    (void) unused;
    values_unref (f->common);
}

static const char *probe (struct fixture *f, const struct verdict *verdict, int64_t at)
{
    g_assert_true (sender_probe_due (&f->sender, at));
    f->sender.probing = true;
    g_assert_false (sender_probe_due (&f->sender, at));
    return sender_probed (&f->sender, verdict, at, UINT32_MAX);
}

static void sends_after_first_probe (struct fixture *f, const void *unused)
{
    (void) unused;
    g_assert_cmpint (sender_room (&f->sender, NOW), ==, 0);
    g_assert_cmpstr (probe (f, &well, NOW), ==, "up");
    g_assert_cmpint (sender_room (&f->sender, NOW), >, 0);
    g_assert_false (sender_probe_due (&f->sender, NOW + 599 * SECOND));
    g_assert_true (sender_probe_due (&f->sender, NOW + 600 * SECOND));
}

static void waits_not_forever (struct fixture *f, const void *unused)
{
    (void) unused;
    f->sender.probing = true;
    g_assert_cmpint (sender_room (&f->sender, NOW + 5 * SECOND), >, 0);
}

static void degraded_sends (struct fixture *f, const void *unused)
{
    (void) unused;
    g_assert_cmpstr (probe (f, &degraded, NOW), ==, "degraded");
    g_assert_cmpint (sender_room (&f->sender, NOW), >, 0);
}

static void refused_is_down_at_once (struct fixture *f, const void *unused)
{
    (void) unused;
    g_assert_cmpstr (probe (f, &refused, NOW), ==, "down");
    g_assert_cmpint (sender_room (&f->sender, NOW + 3600 * SECOND - 1), ==, 0);
    g_assert_cmpstr (probe (f, &well, NOW + 600 * SECOND), ==, "up");
    g_assert_cmpint (sender_room (&f->sender, NOW + 600 * SECOND), >, 0);
}

static void absence_alarms_at_the_third_try (struct fixture *f, const void *unused)
{
    (void) unused;
    g_assert_cmpstr (probe (f, &away, NOW), ==, NULL);
    g_assert_cmpint (sender_room (&f->sender, NOW), >, 0);
    g_assert_cmpstr (probe (f, &away, NOW + 2 * SECOND), ==, NULL);
    g_assert_cmpstr (probe (f, &away, NOW + 4 * SECOND), ==, "down");
    g_assert_cmpstr (probe (f, &away, NOW + 600 * SECOND), ==, "down");
    g_assert_cmpstr (probe (f, &well, NOW + 1200 * SECOND), ==, "up");
    g_assert_cmpstr (probe (f, &away, NOW + 1800 * SECOND), ==, NULL);
}

static void patience_is_no_absence (struct fixture *f, const void *unused)
{
    (void) unused;
    for (int i = 0; i < 5; i++) g_assert_cmpstr (probe (f, &throttled, NOW + i * 600 * SECOND), ==, NULL);
    g_assert_cmpint (sender_room (&f->sender, NOW), >, 0);
}

static void reload_asks_again (struct fixture *f, const void *unused)
{
    (void) unused;
    g_assert_cmpstr (probe (f, &refused, NOW), ==, "down");
    sender_configure (&f->sender, &f->channel);
    g_assert_true (sender_probe_due (&f->sender, NOW));
}

/* By a webhook of the provider, or an operator's command. */
static void others_take_it_down (struct fixture *f, const void *unused)
{
    (void) unused;
    g_assert_cmpstr (probe (f, &well, NOW), ==, "up");
    sender_told (&f->sender, false, NOW); /* as it was */
    g_assert_cmpint (sender_room (&f->sender, NOW), >, 0);
    sender_told (&f->sender, true, NOW);
    g_assert_cmpint (sender_room (&f->sender, NOW + 3600 * SECOND - 1), ==, 0);
    /* A probe alone is no proof: it lets one message try. */
    g_assert_false (sender_probe_due (&f->sender, NOW));
    g_assert_cmpstr (probe (f, &well, NOW + SECOND), ==, NULL);
    g_assert_cmpint (sender_room (&f->sender, NOW + SECOND), ==, 1);
    g_assert_cmpstr (sender_learn (&f->sender, &well, NOW + SECOND, 0), ==, "up");
    g_assert_cmpint (sender_room (&f->sender, NOW + SECOND), >, 0);
}

static void others_take_it_up (struct fixture *f, const void *unused)
{
    (void) unused;
    g_assert_cmpstr (probe (f, &refused, NOW), ==, "down");
    f->sender.told_down = true; /* the dispatcher has said so */
    sender_told (&f->sender, true, NOW);
    g_assert_cmpint (sender_room (&f->sender, NOW + SECOND), ==, 0);
    sender_told (&f->sender, false, NOW + SECOND);
    g_assert_cmpint (sender_room (&f->sender, NOW + SECOND), >, 0);
    g_assert_true (sender_probe_due (&f->sender, NOW + SECOND));
}

/* What could not be written there is not undone by what was there before. */
static void an_old_word_is_none (struct fixture *f, const void *unused)
{
    (void) unused;
    g_assert_cmpstr (probe (f, &refused, NOW), ==, "down");
    sender_told (&f->sender, false, NOW);
    g_assert_cmpint (sender_room (&f->sender, NOW), ==, 0);
    sender_take (&f->sender, true, NOW);
    g_assert_cmpstr (probe (f, &well, NOW), ==, "up");
    sender_told (&f->sender, true, NOW);
    g_assert_cmpint (sender_room (&f->sender, NOW), >, 0);
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
#define ADD(path, test) g_test_add (path, struct fixture, NULL, set_up, test, tear_down)
    ADD ("/sender/a-channel-sends-once-its-first-probe-has-ended", sends_after_first_probe);
    ADD ("/sender/a-provider-that-hangs-holds-it-up-for-seconds-only", waits_not_forever);
    ADD ("/sender/a-degraded-channel-sends", degraded_sends);
    ADD ("/sender/refused-credentials-take-it-down-at-once", refused_is_down_at_once);
    ADD ("/sender/an-absence-alarms-at-the-third-try", absence_alarms_at_the_third_try);
    ADD ("/sender/a-provider-that-asks-for-patience-is-there", patience_is_no_absence);
    ADD ("/sender/a-reload-asks-at-once", reload_asks_again);
    ADD ("/sender/what-others-say-takes-it-down", others_take_it_down);
    ADD ("/sender/what-others-say-takes-it-up", others_take_it_up);
    ADD ("/sender/what-they-said-before-does-neither", an_old_word_is_none);
    return g_test_run ();
}
