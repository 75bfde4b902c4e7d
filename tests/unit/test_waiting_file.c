/* SPDX-License-Identifier: Apache-2.0
 *
 * What the end of a try means for a file: it is there, it is tried again, or it will never come.
 */
#include "flow/waiting_file.h"

#define SECOND ((int64_t) G_USEC_PER_SEC)
#define NOW (1000 * SECOND)

static const struct verdict done = {.kind = VERDICT_SENT, .after = -1};
static const struct verdict busy = {.kind = VERDICT_RETRY, .code = "unavailable", .after = -1};
static const struct verdict gone = {.kind = VERDICT_REFUSED, .code = "gone", .after = -1};
static const struct verdict forbidden = {.kind = VERDICT_CHANNEL_DOWN, .code = "private_address", .after = -1};

/* The end of a first try, one minute before it is given up. */
static struct waiting_file judge (const struct verdict *verdict, bool redirected)
{
    struct waiting_file file = {.attempt = 1, .give_up_at = NOW + 60 * SECOND};
    waiting_file_judge (&file, verdict, redirected, NOW, UINT32_MAX);
    return file;
}

static void assert_end (const struct verdict *verdict, bool redirected, enum file_outcome outcome, const char *error)
{
    struct waiting_file file = judge (verdict, redirected);
    g_assert_cmpint (file.outcome, ==, outcome);
    g_assert_cmpstr (file.error, ==, error);
}

static void test_ends (void)
{
    assert_end (&done, false, FILE_STORED, NULL);
    assert_end (&done, true, FILE_STORED, NULL);
    assert_end (&busy, true, FILE_RETRY, "unavailable");
    assert_end (&gone, false, FILE_FAILED, "gone");
}

/* The operator can mend the provider's own address; where a redirect leads is the provider's doing, and is not called, ever. */
static void test_private_address (void)
{
    assert_end (&forbidden, false, FILE_RETRY, "private_address");
    assert_end (&forbidden, true, FILE_FAILED, "private_address");
}

static void test_patience (void)
{
    struct verdict asks = busy;
    asks.after = 30 * SECOND;
    g_assert_cmpint (judge (&busy, false).run_at, ==, NOW + 2 * SECOND);
    g_assert_cmpint (judge (&asks, false).run_at, ==, NOW + 30 * SECOND);
}

static void test_giving_up (void)
{
    struct verdict asks = busy;
    asks.after = 60 * SECOND;
    assert_end (&asks, false, FILE_RETRY, "unavailable");
    asks.after = 61 * SECOND;
    assert_end (&asks, false, FILE_FAILED, "unavailable");
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/waiting_file/ends", test_ends);
    g_test_add_func ("/waiting_file/private_address", test_private_address);
    g_test_add_func ("/waiting_file/patience", test_patience);
    g_test_add_func ("/waiting_file/giving_up", test_giving_up);
    return g_test_run ();
}
