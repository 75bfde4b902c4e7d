/* SPDX-License-Identifier: Apache-2.0
 *
 * The body of a request that changes something, of any bytes: refused with a reason that holds none of them, or read into texts that the
 * database can take.
 */
#include "base/json.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void check_text (json_t *text)
{
    if (!text) return;
    const char *value = json_string_value (text);
    g_assert (g_utf8_validate (value, -1, NULL) && strlen (value) == json_string_length (text));
}

static void check_pointer (json_t *body, const char *pointer)
{
    g_assert (pointer && g_utf8_validate (pointer, -1, NULL));
    g_assert (json_is_object (body) ? *pointer == '/' : *pointer == '\0');
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    g_autoptr (GError) error = NULL;
    json_auto_t *body = json_parse_text ((const char *) data, size, &error);
    g_assert (!body == !!error);
    if (!body) {
        g_assert (g_utf8_validate (error->message, -1, NULL));
        return 0;
    }
    g_autofree char *unknown = NULL, *wrong = NULL;
    if (!json_only (body, (const char *const[]){"status", "subject", NULL}, &unknown)) {
        check_pointer (body, unknown);
        return 0;
    }
    json_t *status = NULL, *subject = NULL;
    if (json_member (body, "status", JSON_STRING, false, &status, &wrong) &&
        json_member (body, "subject", JSON_STRING, false, &subject, &wrong)) {
        check_text (status);
        check_text (subject);
    } else {
        check_pointer (body, wrong);
    }
    return 0;
}
