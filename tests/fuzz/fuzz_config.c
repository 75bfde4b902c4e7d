/* SPDX-License-Identifier: Apache-2.0
 *
 * A configuration file of any bytes is read, or refused with faults that stand inside it.
 */
#include "model/config.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    g_autoptr (GPtrArray) faults = faults_new ();
    struct config *config = config_parse ("fuzz.yaml", (const char *) data, size, faults);
    g_assert_true ((config != NULL) == (faults->len == 0));
    for (unsigned i = 0; i < faults->len; i++) {
        const struct fault *fault = faults->pdata[i];
        g_assert_true (fault->line >= 1 && fault->line <= size + 2 && fault->column >= 1 && fault->column <= size + 2);
        g_assert_true (g_utf8_validate (fault->message, -1, NULL) && (!fault->hint || g_utf8_validate (fault->hint, -1, NULL)));
    }
    if (config) g_assert_null (config_channel (config, "/", 1, "", 0));
    config_unref (config);
    return 0;
}
