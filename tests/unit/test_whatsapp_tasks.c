/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/unit/adapters/whatsapp/tasks: what is asked of WhatsApp, and what is made of every answer (tasks.h).
 */
#include "tasks.h"

#include <glib.h>

static const struct tasks_of whatsapp = {
    .adapter = "whatsapp",
    .folder = "tests/unit/adapters/whatsapp/tasks",
    .slug = "wa",
    .to = "whatsapp:5511987650000",
    .settings = (const char *const[]){"phone_number_id", "106540352242922", "access_token", "EAAG-secret-token", "app_secret",
                                      "app_secret_for_test", "verify_token", "verify-me", NULL},
    .least = 300,
};

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    tasks_add (&whatsapp);
    return g_test_run ();
}
