/* SPDX-License-Identifier: Apache-2.0 */
#include "whatsapp.h"

void whatsapp_explain (int64_t code, const char **reason, const char **title)
{
    (void) code, *reason = NULL, *title = NULL;
}

const char *whatsapp_remedy (int64_t code)
{
    (void) code;
    return NULL;
}
