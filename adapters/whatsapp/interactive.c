/* SPDX-License-Identifier: Apache-2.0
 *
 * Choices and cards: Meta's "interactive" messages (developers.facebook.com/docs/whatsapp/cloud-api/messages/interactive-…).
 */
#include "model/text.h"
#include "whatsapp.h"

static json_t *interactive (const struct outbound *o, const char *type, json_t *header, json_t *action)
{
    const char *words = json_text (o->content, "footer");
    json_t *footer = words == NULL ? NULL : json_pack ("{s:s}", "text", words);
    return json_pack ("{s:s, s:{s:s, s:o*, s:{s:s}, s:o*, s:o}}", "type", "interactive", "interactive", "type", type, "header", header,
                      "body", "text", whatsapp_outbound_text (o), "footer", footer, "action", action);
}

/* Its own, or its number. */
static json_t *id_of (const json_t *option, size_t i)
{
    const char *id = json_text (option, "id");
    return id == NULL ? json_sprintf ("%zu", i + 1) : json_string (id);
}

static const char *title_of (const json_t *option)
{
    const char *title = json_text (option, "title");
    return title == NULL ? "" : title;
}

static json_t *write_buttons (const struct outbound *o, json_t *options)
{
    json_t *header = whatsapp_choice_has_header (o) ? whatsapp_outbound_file (o, 0, NULL) : NULL;
    json_t *buttons = json_array (), *option;
    size_t i;
    json_array_foreach (options, i, option)
    {
        json_t *reply = json_pack ("{s:o, s:s}", "id", id_of (option, i), "title", title_of (option));
        json_array_append_new (buttons, json_pack ("{s:s, s:o}", "type", "reply", "reply", reply));
    }
    return interactive (o, "button", header, json_pack ("{s:o}", "buttons", buttons));
}

/* The rows of a section, which is made where it is not there yet. */
static json_t *rows_of (json_t *sections, const char *title)
{
    json_t *section;
    size_t i;
    json_array_foreach (sections, i, section)
    {
        if (g_strcmp0 (json_text (section, "title"), title) == 0) return json_object_get (section, "rows");
    }
    section = json_pack ("{s:s*, s:[]}", "title", title, "rows");
    json_array_append_new (sections, section);
    return json_object_get (section, "rows");
}

static json_t *write_list (const struct outbound *o, json_t *options)
{
    json_t *sections = json_array (), *option;
    const char *label = json_text (o->content, "label");
    size_t i;
    json_array_foreach (options, i, option)
    {
        json_t *row = json_pack ("{s:o, s:s, s:s*}", "id", id_of (option, i), "title", title_of (option), "description",
                                 json_text (option, "description"));
        json_array_append_new (rows_of (sections, json_text (option, "section")), row);
    }
    return interactive (o, "list", NULL, json_pack ("{s:s, s:o}", "button", label == NULL ? "☰" : label, "sections", sections));
}

static json_t *open_url (const json_t *option)
{
    const char *url = json_text (option, "value");
    return json_pack ("{s:s, s:{s:s, s:s*}}", "name", "cta_url", "parameters", "display_text", title_of (option), "url", url);
}

static json_t *open_flow (const json_t *option)
{
    return json_pack ("{s:s, s:{s:s, s:s*, s:s}}", "name", "flow", "parameters", "flow_message_version", "3", "flow_id",
                      json_text (option, "value"), "flow_cta", title_of (option));
}

/* The type of a choice's only option, where that goes as Meta's own kind of message; NULL: these are options to choose from. */
static const char *special_type (json_t *options)
{
    static const char *const special[] = {"url", "flow", "location", "contact", NULL};
    const char *type = json_text (json_array_get (options, 0), "type");
    return json_array_size (options) == 1 && type != NULL && g_strv_contains (special, type) ? type : NULL;
}

static json_t *write_special (const struct outbound *o, const char *type, const json_t *option)
{
    if (g_str_equal (type, "url")) return interactive (o, "cta_url", NULL, open_url (option));
    if (g_str_equal (type, "flow")) return interactive (o, "flow", NULL, open_flow (option));
    if (g_str_equal (type, "location"))
        return interactive (o, "location_request_message", NULL, json_pack ("{s:s}", "name", "send_location"));
    return interactive (o, "request_contact_info", NULL, json_pack ("{s:s}", "name", "request_contact_info"));
}

/* What has no place beside a button, or is too long for one, makes a list. */
static bool fits_buttons (const struct outbound *o, json_t *options)
{
    const struct carries_choice *most = &whatsapp_outbound_limits (o)->choice;
    const char *style = json_text (o->content, "style");
    if (g_strcmp0 (style, "buttons") == 0 || g_strcmp0 (style, "list") == 0) return g_str_equal (style, "buttons");
    bool fits = json_array_size (options) <= most->buttons_most && text_length (whatsapp_outbound_text (o)) <= most->text_most;
    json_t *option;
    size_t i;
    json_array_foreach (options, i, option)
    {
        fits &= text_length (title_of (option)) <= most->button_title_most && json_text (option, "description") == NULL &&
                json_text (option, "section") == NULL;
    }
    return fits;
}

json_t *whatsapp_write_choice (const struct outbound *o)
{
    json_t *options = json_object_get (o->content, "options");
    const char *special = special_type (options);
    if (special != NULL) return write_special (o, special, json_array_get (options, 0));
    return fits_buttons (o, options) ? write_buttons (o, options) : write_list (o, options);
}

bool whatsapp_choice_has_header (const struct outbound *o)
{
    json_t *options = json_object_get (o->content, "options");
    return whatsapp_outbound_files (o) == 1 && whatsapp_outbound_can_be_header (o, 0) && special_type (options) == NULL &&
           fits_buttons (o, options);
}

/* ---- cards ---- */

bool whatsapp_file_of_card (const struct outbound *o, const json_t *card, guint *file)
{
    const json_t *index = json_object_get (card, "file");
    json_int_t i = json_is_integer (index) ? json_integer_value (index) : -1;
    *file = (guint) i;
    return i >= 0 && i < whatsapp_outbound_files (o);
}

static json_t *body_of_card (const json_t *card)
{
    const char *title = title_of (card), *text = json_text (card, "text");
    return text == NULL ? json_string (title) : json_sprintf ("%s%s%s", title, title[0] == '\0' ? "" : "\n", text);
}

/* A card leads to one URL: others go as words (model/transcode.h). */
static json_t *write_card (const struct outbound *o, const json_t *card, size_t i)
{
    guint file;
    json_t *header = whatsapp_file_of_card (o, card, &file) ? whatsapp_outbound_file (o, file, NULL) : NULL;
    return json_pack ("{s:I, s:s, s:o*, s:{s:o}, s:o}", "card_index", (json_int_t) i, "type", "cta_url", "header", header, "body", "text",
                      body_of_card (card), "action", open_url (json_array_get (json_object_get (card, "options"), 0)));
}

/* A carousel must say something of its own: where the content does not, it is the first card's title. */
json_t *whatsapp_write_cards (const struct outbound *o)
{
    json_t *items = json_object_get (o->content, "items"), *cards = json_array (), *card;
    const char *text = whatsapp_outbound_text (o)[0] == '\0' ? title_of (json_array_get (items, 0)) : whatsapp_outbound_text (o);
    size_t i;
    json_array_foreach (items, i, card)
    {
        json_array_append_new (cards, write_card (o, card, i));
    }
    return json_pack ("{s:s, s:{s:s, s:{s:s}, s:{s:o}}}", "type", "interactive", "interactive", "type", "carousel", "body", "text", text,
                      "action", "cards", cards);
}
