/* SPDX-License-Identifier: Apache-2.0
 *
 * WhatsApp, receiving: what a message says, by its type, in the kinds of model/content.h (developers.facebook.com/docs/whatsapp/cloud-api/webhooks/
 * reference/messages). Types come and go: what is not known here, or is not what its type says, is kept as it came.
 */
#include "model/content.h"
#include "whatsapp.h"

#include <string.h>

enum { FORM_DEPTH_MOST = 32, FORM_BYTES_MOST = 64 * 1024 };

/* ---- writing ---- */

static json_t *content_of (const char *kind)
{
    json_t *content = json_object ();
    json_object_set_new (content, "kind", json_string (kind));
    return content;
}

static json_t *event_of (const char *type)
{
    json_t *content = content_of ("event");
    json_object_set_new (content, "type", json_string (type));
    return content;
}

/* Nothing is added where there is nothing. */
static void put_text (json_t *object, const char *name, const char *text)
{
    if (text != NULL) json_object_set_new (object, name, json_string (text));
}

static void put (json_t *object, const char *name, json_t *value)
{
    if (value != NULL && !json_is_null (value)) json_object_set (object, name, value);
}

void whatsapp_put_extra (json_t *content, const char *name, json_t *value)
{
    if (value == NULL || json_is_null (value)) return;
    json_t *extra = json_object_get (content, "extra");
    if (extra == NULL) json_object_set_new (content, "extra", extra = json_object ());
    json_object_set (extra, name, value);
}

/* ---- text, files, places, cards ---- */

static json_t *read_text (const json_t *message, json_t *body, struct incoming *incoming)
{
    (void) message;
    const json_t *text = json_object_get (body, "body");
    if (!json_is_string (text)) return NULL;
    json_t *content = content_of ("text");
    put_text (content, "text", json_string_value (text));
    incoming->opt_out = opt_out_word (json_string_value (text));
    return content;
}

static json_t *describe (const struct remote_file *file, const char *media_kind)
{
    json_t *described = json_object ();
    put_text (described, "media_kind", media_kind);
    put_text (described, "mime", file->mime);
    put_text (described, "name", file->name);
    json_object_set_new (described, "index", json_integer (0));
    json_t *list = json_array ();
    json_array_append_new (list, described);
    return list;
}

static json_t *read_media (const json_t *message, json_t *body, struct incoming *incoming)
{
    const char *id = whatsapp_id (body, "id"), *type = whatsapp_text (message, "type");
    if (id == NULL) return NULL;
    g_autofree char *url = g_strconcat ("whatsapp-media:", id, NULL);
    struct remote_file *file = remote_file_new (url, whatsapp_text (body, "mime_type"), whatsapp_text (body, "filename"));
    file->sha256 = whatsapp_sha256 (whatsapp_text (body, "sha256"));
    incoming->files = g_ptr_array_new_with_free_func ((GDestroyNotify) remote_file_free);
    g_ptr_array_add (incoming->files, file);
    json_t *content = content_of ("media");
    put_text (content, "text", whatsapp_text (body, "caption"));
    json_object_set_new (content, "media", describe (file, json_is_true (json_object_get (body, "voice")) ? "voice" : type));
    whatsapp_put_extra (content, "animated", json_object_get (body, "animated"));
    return content;
}

static json_t *read_location (const json_t *message, json_t *body, struct incoming *incoming)
{
    (void) message, (void) incoming;
    json_t *lat = json_object_get (body, "latitude"), *lon = json_object_get (body, "longitude");
    if (!json_is_number (lat) || !json_is_number (lon)) return NULL;
    json_t *content = content_of ("location");
    put (content, "lat", lat);
    put (content, "lon", lon);
    put_text (content, "name", whatsapp_text (body, "name"));
    put_text (content, "address", whatsapp_text (body, "address"));
    put_text (content, "url", whatsapp_text (body, "url"));
    return content;
}

/* [{"phone":"+1…"}, …] as ["+1…", …]; NULL: there is none. */
static json_t *list_of (const json_t *objects, const char *name)
{
    json_t *list = NULL, *object;
    size_t i;
    json_array_foreach (objects, i, object)
    {
        const char *text = whatsapp_text (object, name);
        if (text == NULL) continue;
        if (list == NULL) list = json_array ();
        json_array_append_new (list, json_string (text));
    }
    return list;
}

static json_t *card_of (const json_t *contact)
{
    const json_t *name = json_object_get (contact, "name");
    json_t *card = json_object (), *phones = list_of (json_object_get (contact, "phones"), "phone"),
           *emails = list_of (json_object_get (contact, "emails"), "email");
    const char *shown = whatsapp_text (name, "formatted_name");
    if (shown == NULL) shown = whatsapp_text (name, "first_name");
    put_text (card, "name", shown == NULL ? "" : shown);
    put_text (card, "org", whatsapp_text (json_object_get (contact, "org"), "company"));
    if (phones != NULL) json_object_set_new (card, "phones", phones);
    if (emails != NULL) json_object_set_new (card, "emails", emails);
    put_text (card, "vcard", whatsapp_text (contact, "vcard"));
    return card;
}

static json_t *read_contacts (const json_t *message, json_t *body, struct incoming *incoming)
{
    (void) message, (void) incoming;
    if (json_array_size (body) == 0) return NULL;
    json_t *content = content_of ("contacts"), *cards = json_array (), *contact;
    size_t i;
    json_array_foreach (body, i, contact) json_array_append_new (cards, card_of (contact));
    json_object_set_new (content, "cards", cards);
    /* "contact_request": it is the customer's own number, as we asked */
    whatsapp_put_extra (content, "origin", json_object_get (json_array_get (body, 0), "origin"));
    return content;
}

/* ---- answers ---- */

/* A tap on what we offered reads like a text that says the same; which message offered it the context says (in_reply_to). */
static json_t *selection (const char *source, const char *id, const char *title)
{
    if (id == NULL) id = title;
    if (title == NULL) title = id;
    if (id == NULL) return NULL;
    json_t *content = content_of ("text"), *selected = json_object ();
    put_text (content, "text", title);
    put_text (selected, "id", id);
    put_text (selected, "title", title);
    put_text (selected, "source", source);
    json_object_set_new (content, "selected", selected);
    return content;
}

static json_t *read_button (const json_t *message, json_t *body, struct incoming *incoming)
{
    (void) message, (void) incoming;
    return selection ("button", whatsapp_text (body, "payload"), whatsapp_text (body, "text"));
}

/* Whether there are more than most levels: what is within a text was not measured when the request was read. */
static bool is_deeper (json_t *value, unsigned most)
{
    const char *name;
    json_t *member;
    size_t i;
    if (!json_is_object (value) && !json_is_array (value)) return false;
    if (most == 0) return true;
    json_array_foreach (value, i, member) if (is_deeper (member, most - 1)) return true;
    json_object_foreach (value, name, member) if (is_deeper (member, most - 1)) return true;
    return false;
}

/* What a form was filled with: JSON within a text, of an object as a rule. Never NULL. */
static json_t *form_data (const char *response)
{
    json_t *data = response == NULL || strlen (response) > FORM_BYTES_MOST ? NULL : json_parse_text (response, strlen (response), NULL);
    if (data != NULL && is_deeper (data, FORM_DEPTH_MOST)) g_clear_pointer (&data, json_decref);
    if (json_is_object (data)) return data;
    json_t *wrapped = json_object ();
    if (data != NULL)
        json_object_set_new (wrapped, "response", data);
    else
        put_text (wrapped, "response", response);
    return wrapped;
}

static json_t *read_form (const json_t *reply)
{
    json_t *content = content_of ("form");
    put_text (content, "name", whatsapp_text (reply, "name"));
    json_object_set_new (content, "data", form_data (whatsapp_text (reply, "response_json")));
    put_text (content, "text", whatsapp_text (reply, "body"));
    return content;
}

static json_t *read_interactive (const json_t *message, json_t *body, struct incoming *incoming)
{
    (void) message, (void) incoming;
    const char *type = whatsapp_text (body, "type");
    json_t *reply = type == NULL ? NULL : json_object_get (body, type), *content = NULL;
    if (!json_is_object (reply)) return NULL;
    if (g_str_equal (type, "button_reply")) content = selection ("button", whatsapp_text (reply, "id"), whatsapp_text (reply, "title"));
    if (g_str_equal (type, "list_reply")) content = selection ("list", whatsapp_text (reply, "id"), whatsapp_text (reply, "title"));
    if (g_str_equal (type, "nfm_reply")) content = read_form (reply);
    if (g_str_equal (type, "call_permission_reply")) {
        content = event_of ("call");
        json_object_set_new (content, "data", json_pack ("{sO}", type, reply));
    }
    if (content != NULL) whatsapp_put_extra (content, "description", json_object_get (reply, "description"));
    return content;
}

static json_t *read_order (const json_t *message, json_t *body, struct incoming *incoming)
{
    (void) message, (void) incoming;
    if (!json_is_object (body)) return NULL;
    json_t *content = content_of ("form");
    put_text (content, "name", "order");
    put (content, "data", body);
    put_text (content, "text", whatsapp_text (body, "text"));
    return content;
}

/* ---- what changes or marks other messages ---- */

static json_t *about (json_t *content, const char *target, struct incoming *incoming)
{
    put_text (content, "target", target);
    g_free (incoming->in_reply_to);
    incoming->in_reply_to = g_strdup (target);
    return content;
}

static json_t *read_reaction (const json_t *message, json_t *body, struct incoming *incoming)
{
    (void) message;
    const char *target = whatsapp_id (body, "message_id"), *emoji = whatsapp_text (body, "emoji");
    if (target == NULL) return NULL;
    json_t *content = about (content_of ("reaction"), target, incoming);
    json_object_set_new (content, "emoji", emoji == NULL ? json_null () : json_string (emoji));
    return content;
}

/* The text or caption of the message as it is now. */
static const char *new_text (const json_t *message)
{
    const char *type = whatsapp_text (message, "type");
    const json_t *body = type == NULL ? NULL : json_object_get (message, type);
    const char *text = whatsapp_text (body, "body");
    return text == NULL ? whatsapp_text (body, "caption") : text;
}

static json_t *read_edit (const json_t *message, json_t *body, struct incoming *incoming)
{
    (void) message;
    const char *target = whatsapp_id (body, "original_message_id");
    if (target == NULL) return NULL;
    json_t *content = about (event_of ("edited"), target, incoming);
    put_text (content, "text", new_text (json_object_get (body, "message")));
    put (content, "data", json_object_get (body, "message"));
    return content;
}

static json_t *read_revoke (const json_t *message, json_t *body, struct incoming *incoming)
{
    (void) message;
    const char *target = whatsapp_id (body, "original_message_id");
    return target == NULL ? NULL : about (event_of ("deleted"), target, incoming);
}

/* The number or the business-scoped id changed: `from` is the old one. */
static json_t *read_system (const json_t *message, json_t *body, struct incoming *incoming)
{
    static const char *const types[] = {"user_changed_number", "user_changed_user_id", "customer_changed_number",
                                        "customer_identity_changed", NULL};
    static const char *const names[] = {"wa_id", "new_wa_id", "previous_user_id", "user_id"};
    (void) message;
    const char *type = whatsapp_text (body, "type");
    if (type == NULL || !g_strv_contains (types, type)) return NULL;
    for (size_t i = 0; i < G_N_ELEMENTS (names); i++) whatsapp_add_address (incoming->aliases, whatsapp_text (body, names[i]));
    json_t *content = event_of ("identity_changed");
    put_text (content, "text", whatsapp_text (body, "body"));
    put (content, "data", body);
    return content;
}

static json_t *read_welcome (const json_t *message, json_t *body, struct incoming *incoming)
{
    (void) message, (void) body, (void) incoming;
    return event_of ("welcome");
}

/* ---- by type ---- */

static const struct {
    const char *type;
    json_t *(*read) (const json_t *message, json_t *body, struct incoming *incoming); /* NULL: the body is not what it should be */
    bool quiet;
} types[] = {
    {"text", read_text},
    {"image", read_media},
    {"audio", read_media},
    {"voice", read_media},
    {"video", read_media},
    {"document", read_media},
    {"sticker", read_media},
    {"location", read_location},
    {"contacts", read_contacts},
    {"interactive", read_interactive},
    {"button", read_button},
    {"order", read_order},
    {"request_welcome", read_welcome},
    {"reaction", read_reaction, true},
    {"edit", read_edit, true},
    {"revoke", read_revoke, true},
    {"system", read_system, true},
};

/* What Meta itself does not pass on may be no message but a change of one. */
static bool is_quiet (const char *type, const json_t *message)
{
    static const char *const changes[] = {"edit", "keep_in_chat", "pin", "poll_update", "reaction", "revoke", NULL};
    const char *hidden = whatsapp_text (json_object_get (message, "unsupported"), "type");
    if (hidden != NULL && g_strv_contains (changes, hidden)) return true;
    for (size_t i = 0; type != NULL && i < G_N_ELEMENTS (types); i++)
        if (g_str_equal (type, types[i].type)) return types[i].quiet;
    return false;
}

static const char *explanation (const json_t *message)
{
    const json_t *error = json_array_get (json_object_get (message, "errors"), 0);
    const char *details = whatsapp_text (json_object_get (error, "error_data"), "details");
    return details == NULL ? whatsapp_text (error, "title") : details;
}

/* Members that every message may have, and that are read elsewhere. */
static const char *const common[] = {"from",     "from_user_id", "from_parent_user_id",
                                     "to",       "to_user_id",   "to_parent_user_id",
                                     "id",       "timestamp",    "context",
                                     "referral", "group_id",     NULL};

/* All that the message holds, but what has its own place. */
static json_t *read_unknown (json_t *message)
{
    json_t *content = event_of ("unsupported"), *data = json_copy (message);
    for (const char *const *name = common; *name != NULL; name++) json_object_del (data, *name);
    put_text (content, "text", explanation (message));
    json_object_set_new (content, "data", data);
    return content;
}

/* Errors beside a message that is there, and what Meta says since this was written. */
static void add_others (json_t *message, const char *type, json_t *content)
{
    const char *name;
    json_t *value;
    json_object_foreach (message, name, value)
    {
        if (!g_strv_contains (common, name) && !g_str_equal (name, "type") && !g_str_equal (name, type))
            whatsapp_put_extra (content, name, value);
    }
}

static json_t *read_by_type (json_t *message, struct incoming *incoming)
{
    const char *type = whatsapp_text (message, "type");
    json_t *content = NULL;
    for (size_t i = 0; type != NULL && i < G_N_ELEMENTS (types); i++)
        if (g_str_equal (type, types[i].type)) content = types[i].read (message, json_object_get (message, type), incoming);
    if (content == NULL) return read_unknown (message);
    add_others (message, type, content);
    return content;
}

/* ---- beside it ---- */

static void read_context (const json_t *context, json_t *content)
{
    static const char *const forwards[] = {"forwarded", "frequently_forwarded"};
    for (size_t i = 0; i < G_N_ELEMENTS (forwards); i++)
        if (json_is_true (json_object_get (context, forwards[i]))) json_object_set_new (content, "forwarded", json_true ());
    whatsapp_put_extra (content, "frequently_forwarded", json_object_get (context, "frequently_forwarded"));
    whatsapp_put_extra (content, "referred_product", json_object_get (context, "referred_product"));
}

json_t *whatsapp_read_content (json_t *message, struct incoming *incoming)
{
    const json_t *context = json_object_get (message, "context");
    const char *type = whatsapp_text (message, "type");
    incoming->in_reply_to = g_strdup (whatsapp_id (context, "id"));
    incoming->quiet = is_quiet (type, message);
    json_t *content = read_by_type (message, incoming);
    read_context (context, content);
    put (content, "referral", json_object_get (message, "referral"));
    put_text (content, "group_id", whatsapp_text (message, "group_id"));
    return content;
}
