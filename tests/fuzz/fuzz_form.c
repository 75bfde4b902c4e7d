/* SPDX-License-Identifier: Apache-2.0
 *
 * Forms, texts and addresses of any bytes.
 */
#include "base/json.h"
#include "model/address.h"
#include "model/content.h"
#include "model/form.h"
#include "model/text.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void try_address (char *address)
{
    if (address == NULL) return;
    g_assert (address[0] != '\0' && strlen (address) <= ADDRESS_MAX && g_str_is_ascii (address));
    g_autofree char *again = address_check (address, NULL);
    g_assert_cmpstr (again, ==, address);
    g_free (address);
}

static void try_text (const char *bytes, size_t length)
{
    g_autofree char *text = NULL;
    GString *open = content_new ("text");
    content_text (open, bytes, length, &text);
    g_autofree char *content = content_end (open);
    g_assert (g_utf8_validate (text, -1, NULL));
    json_auto_t *json = json_parse_text (content, strlen (content), NULL);
    g_assert_cmpstr (json_string_value (json_object_get (json, "text")), ==, text);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    struct form form, again;
    const char *bytes = (const char *) data;
    try_text (bytes, size);
    try_address (address_tel (bytes, size));
    try_address (address_phone (bytes, size, bytes, MIN (size, 2)));
    if (!form_parse (bytes, size, 200, &form)) return 0;
    g_autoptr (GString) text = g_string_new (NULL), second = g_string_new (NULL);
    form_format (&form, text);
    g_assert (form_parse (text->str, text->len, 200, &again) && again.n_fields == form.n_fields);
    form_format (&again, second);
    g_assert_cmpstr (text->str, ==, second->str);
    form_clear (&form);
    form_clear (&again);
    return 0;
}
