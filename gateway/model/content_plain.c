/* SPDX-License-Identifier: Apache-2.0 */
#include "model/content.h"

/* A stand-in until the content model is merged. */
char *content_plain (const json_t *content)
{
    const char *text = json_string_value (json_object_get (content, "text"));
    return g_strdup (text == NULL ? "" : text);
}
