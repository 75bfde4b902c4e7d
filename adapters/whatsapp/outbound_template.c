/* SPDX-License-Identifier: Apache-2.0
 *
 * WhatsApp, sending: a template in Meta's JSON (developers.facebook.com/docs/whatsapp/cloud-api/guides/send-message-templates).
 */
#include "whatsapp.h"

/* A value as a parameter: text, or Meta's own object as it is. name NULL: it is told by its place. */
static json_t *parameter (const char *name, json_t *value)
{
    json_t *made = json_is_object (value) ? json_copy (value) : NULL;
    g_autofree char *number = NULL;
    if (json_is_integer (value)) number = g_strdup_printf ("%" JSON_INTEGER_FORMAT, json_integer_value (value));
    if (json_is_real (value)) {
        char digits[G_ASCII_DTOSTR_BUF_SIZE];
        number = g_strdup (g_ascii_formatd (digits, sizeof digits, "%.15g", json_real_value (value)));
    }
    const char *text = json_is_string (value) ? json_string_value (value) : number != NULL ? number : "";
    if (made == NULL) made = json_pack ("{s:s, s:s}", "type", "text", "text", text);
    if (name != NULL) json_object_set_new (made, "parameter_name", json_string (name));
    return made;
}

static json_t *parameters_of (json_t *params)
{
    json_t *made = json_array (), *value;
    const char *name;
    size_t i;
    json_array_foreach (params, i, value)
    {
        json_array_append_new (made, parameter (NULL, value));
    }
    json_object_foreach (params, name, value)
    {
        json_array_append_new (made, parameter (name, value));
    }
    return made;
}

static void add_component (json_t *components, const char *type, json_t *parameters)
{
    if (json_array_size (parameters) > 0)
        json_array_append_new (components, json_pack ("{s:s, s:O}", "type", type, "parameters", parameters));
    json_decref (parameters);
}

static json_t *header_of_template (const struct outbound *o)
{
    const char *text = json_text (o->content, "header");
    if (whatsapp_outbound_files (o) > 0 && whatsapp_outbound_can_be_header (o, 0))
        return json_pack ("[o]", whatsapp_outbound_file (o, 0, NULL));
    return text == NULL ? json_array () : json_pack ("[{s:s, s:s}]", "type", "text", "text", text);
}

static json_t *button_of_template (const json_t *button)
{
    static const struct {
        const char *member, *sub_type, *type;
    } kinds[] = {{"payload", "quick_reply", "payload"}, {"text", "url", "text"}, {"coupon_code", "copy_code", "coupon_code"}};
    size_t i = 0;
    while (i + 1 < G_N_ELEMENTS (kinds) && json_text (button, kinds[i].member) == NULL) i++;
    const char *value = json_text (button, kinds[i].member);
    return json_pack ("{s:s, s:s, s:o, s:[{s:s, s:s}]}", "type", "button", "sub_type", kinds[i].sub_type, "index",
                      json_sprintf ("%" JSON_INTEGER_FORMAT, json_integer_value (json_object_get (button, "index"))), "parameters", "type",
                      kinds[i].type, kinds[i].type, value == NULL ? "" : value);
}

json_t *whatsapp_write_template (const struct outbound *o)
{
    json_t *components = json_array (), *button, *buttons = json_object_get (o->content, "buttons");
    const char *name = json_text (o->content, "name"), *lang = json_text (o->content, "lang");
    size_t i;
    add_component (components, "header", header_of_template (o));
    add_component (components, "body", parameters_of (json_object_get (o->content, "params")));
    json_array_foreach (buttons, i, button)
    {
        json_array_append_new (components, button_of_template (button));
    }
    json_t *language = lang == NULL ? NULL : json_pack ("{s:s}", "code", lang);
    json_t *made = json_pack ("{s:s, s:{s:s*, s:o*, s:O*}}", "type", "template", "template", "name", name, "language", language,
                              "components", json_array_size (components) == 0 ? NULL : components);
    json_decref (components);
    return made;
}
