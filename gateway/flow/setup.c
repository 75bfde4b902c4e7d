/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/setup.h"

#include "store/db.h"

static bool check_database (const struct config *config, GPtrArray *faults)
{
    const char *fault = db_url_fault (values_text (config->database, DATABASE_URL));
    if (!fault) return true;
    char *hint = g_strdup ("in a URL, @ : / and % of a password are written %40 %3A %2F and %25");
    fault_add (faults, config->database_line, config->database_column, hint, "url %s", fault);
    return false;
}

struct config *setup_read (const char *path, void (*tell) (const char *text))
{
    g_autoptr (GPtrArray) faults = faults_new ();
    struct config *config = config_load (path, faults);
    if (config && !check_database (config, faults)) g_clear_pointer (&config, config_unref);
    for (guint i = 0; i < faults->len; i++) {
        const struct fault *fault = faults->pdata[i];
        g_autofree char *hint = fault->hint ? g_strdup_printf (" (%s)", fault->hint) : NULL;
        g_autofree char *text = g_strdup_printf ("%s:%u:%u: %s%s", path, fault->line, fault->column, fault->message, hint ? hint : "");
        tell (text);
    }
    return config;
}
