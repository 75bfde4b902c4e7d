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

static const struct carries *carries_of (const char *name, const char *value)
{
    const struct adapter *adapter = adapter_find ("twilio");
    const char *const pairs[] = {"account_sid", "AC1", "auth_token", "t", name, value, NULL};
    struct channel channel = {.adapter = adapter, .values = values_of ((struct settings){adapter->settings, adapter->n_settings}, pairs)};
    g_assert_nonnull (channel.values);
    const struct carries *carries = adapter->carries (&channel);
    values_unref (channel.values);
    return carries;
}

static void carries (void)
{
    const struct carries *carries = carries_of ("from", "+15550009999");
    g_assert_cmpuint (carries->text_most, ==, 1600);
    g_assert_cmpuint (carries->file_most, <=, 5000000);
    g_assert_cmpuint (carries->files_most, <=, 100); /* receipts name parts 0 to 99 */
    g_assert_true (carries->segments && carries->opt_out_words && carries->answers_words);
    g_assert_cmpint (carries->window, ==, 0);
    g_assert_false (g_strv_contains (carries->kinds, "template"));
    g_assert_false (g_strv_contains (carries->schemes, "whatsapp"));
    g_assert_true (g_strv_contains (carries_of ("messaging_service_sid", "MG1")->schemes, "whatsapp"));
}

static void whatsapp_carries (void)
{
    const struct carries *carries = carries_of ("from", "whatsapp:+15550009999");
    g_assert_cmpint (carries->window, ==, G_TIME_SPAN_DAY);
    g_assert_true (g_strv_contains (carries->kinds, "template") && carries->schemes[1] == NULL);
    g_assert_true (!carries->segments && carries->opt_out_words && !carries->answers_words && !carries->templates);
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/twilio/what a message may carry is what Twilio takes", carries);
    g_test_add_func ("/twilio/what a WhatsApp message may carry is another thing", whatsapp_carries);
    tasks_add (&twilio);
    return g_test_run ();
}
