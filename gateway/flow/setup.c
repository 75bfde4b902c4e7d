/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/setup.h"

struct config *setup_read (const char *path, void (*tell) (const char *text))
{
    g_autoptr (GPtrArray) faults = faults_new ();
    struct config *config = config_load (path, faults);
    for (guint i = 0; i < faults->len; i++) {
        const struct fault *fault = faults->pdata[i];
        g_autofree char *hint = fault->hint ? g_strdup_printf (" (%s)", fault->hint) : NULL;
        g_autofree char *text = g_strdup_printf ("%s:%u:%u: %s%s", path, fault->line, fault->column, fault->message, hint ? hint : "");
        tell (text);
    }
    return config;
}
