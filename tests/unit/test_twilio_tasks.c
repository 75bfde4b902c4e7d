/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/unit/adapters/twilio/tasks: what is asked of Twilio, and what is made of every answer (tasks.h).
 */
#include "tasks.h"

#include "model/adapter.h"

static const struct tasks_of twilio = {
    .adapter = "twilio",
    .folder = "tests/unit/adapters/twilio/tasks",
    .slug = "sms",
    .to = "tel:+14133881111",
    .settings = (const char *const[]){"account_sid", "AC1", "auth_token", "new-token", "auth_token", "old-token", NULL},
    .usual = (const char *const[]){"from", "+15550009999", NULL},
    .least = 100,
};

static void carries (void)
{
    const struct carries *carries = adapter_find ("twilio")->carries (NULL);
    g_assert_cmpuint (carries->text_most, ==, 1600);
    g_assert_cmpuint (carries->file_most, <=, 5000000);
    g_assert_cmpuint (carries->files_most, <=, 100); /* receipts name parts 0 to 99 */
    g_assert_true (carries->segments && carries->opt_out_words && carries->answers_words);
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/twilio/what a message may carry is what Twilio takes", carries);
    tasks_add (&twilio);
    return g_test_run ();
}
