/* SPDX-License-Identifier: Apache-2.0
 *
 * WhatsApp, receiving: who wrote a message, and when. A person has a number, a business-scoped id, or both, and any of them may be left out
 * (developers.facebook.com/docs/whatsapp/business-scoped-user-ids); a user name is shown and is no address.
 */
#include "base/signature.h"
#include "model/address.h"
#include "model/content.h"
#include "whatsapp.h"

#include <string.h>

/* ---- people ---- */

/* Contacts by wa_id and user_id, which cannot be taken for each other, for they stand beside the messages in any order. */
static GHashTable *index_contacts (const json_t *contacts)
{
    static const char *const names[] = {"wa_id", "user_id"};
    GHashTable *index = g_hash_table_new (g_str_hash, g_str_equal);
    size_t i;
    json_t *contact;
    json_array_foreach (contacts, i, contact)
    {
        for (size_t j = 0; j < G_N_ELEMENTS (names); j++) {
            const char *id = whatsapp_text (contact, names[j]);
            if (id != NULL && !g_hash_table_contains (index, id)) g_hash_table_insert (index, (gpointer) (guintptr) id, contact);
        }
    }
    return index;
}

/* The messages of a change that are being read. */
struct batch {
    const struct change *change;
    const json_t *messages, *contacts;
    GHashTable *index;
    const char *who, *who_id; /* the members of a message that name the customer */
    bool echo;
};

/* NULL: none is known. */
static json_t *contact_of (const struct batch *batch, const json_t *message)
{
    const char *ids[] = {whatsapp_text (message, batch->who), whatsapp_text (message, batch->who_id)};
    json_t *contact = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS (ids) && contact == NULL; i++)
        if (ids[i] != NULL) contact = g_hash_table_lookup (batch->index, ids[i]);
    /* where a message says nothing at all of its sender, the only contact is it */
    bool alone = ids[0] == NULL && ids[1] == NULL && json_array_size (batch->messages) == 1 && json_array_size (batch->contacts) == 1;
    return contact == NULL && alone ? json_array_get (batch->contacts, 0) : contact;
}

static bool is_number (const char *address)
{
    return g_ascii_isdigit (address[strlen ("whatsapp:")]);
}

/* Everything that reaches the person, each once; a number first, for that is what is known longest. */
static GPtrArray *addresses_of (const char *const *ids, size_t n)
{
    GPtrArray *addresses = g_ptr_array_new_with_free_func (g_free);
    for (size_t i = 0; i < n; i++) whatsapp_add_address (addresses, ids[i]);
    for (guint i = 1; i < addresses->len; i++)
        if (!is_number (addresses->pdata[0]) && is_number (addresses->pdata[i])) {
            gpointer number = addresses->pdata[i];
            addresses->pdata[i] = addresses->pdata[0];
            addresses->pdata[0] = number;
        }
    return addresses;
}

static GPtrArray *sender_of (const struct batch *batch, const json_t *message, const json_t *contact)
{
    const char *const ids[] = {whatsapp_text (contact, "wa_id"), whatsapp_text (message, batch->who), whatsapp_text (contact, "user_id"),
                               whatsapp_text (message, batch->who_id)};
    return addresses_of (ids, G_N_ELEMENTS (ids));
}

/* The first of what was gathered in aliases becomes the address. False: there is none. */
static bool settle_addresses (struct incoming *incoming)
{
    if (incoming->aliases->len == 0) return false;
    incoming->from = g_ptr_array_steal_index (incoming->aliases, 0);
    if (incoming->aliases->len == 0) g_clear_pointer (&incoming->aliases, g_ptr_array_unref);
    return true;
}

/* ---- groups ---- */

/* The group is whom one answers; who of it wrote stands beside the words. False: the group's id is none. */
static bool settle_group (const struct batch *batch, const json_t *message, const json_t *contact, const char *group,
                          struct incoming *incoming, json_t *content)
{
    g_autofree char *address = g_strconcat ("whatsapp:group:", group, NULL);
    g_clear_pointer (&incoming->aliases, g_ptr_array_unref);
    incoming->from = address_check (address, NULL);
    incoming->opt_out = OPT_OUT_NONE; /* one of them does not speak for all */
    whatsapp_put_extra (content, batch->who, json_object_get (message, batch->who));
    whatsapp_put_extra (content, batch->who_id, json_object_get (message, batch->who_id));
    whatsapp_put_extra (content, "name", json_object_get (json_object_get (contact, "profile"), "name"));
    return incoming->from != NULL;
}

/* ---- messages ---- */

/* A name longer than anybody's is cut. NULL: there is none. */
static char *name_of (const json_t *contact)
{
    return whatsapp_cut (whatsapp_text (json_object_get (contact, "profile"), "name"), PERSON_NAME_MOST);
}

/* Shown, and no addresses. */
static void add_names (const json_t *contact, json_t *content)
{
    const char *username = whatsapp_text (json_object_get (contact, "profile"), "username");
    if (username != NULL) {
        json_auto_t *bare = json_string (username + (username[0] == '@'));
        whatsapp_put_extra (content, "username", bare);
    }
    if (whatsapp_text (contact, "parent_user_id") != NULL)
        whatsapp_put_extra (content, "parent_user_id", json_object_get (contact, "parent_user_id"));
}

/* Meta's rule: a customer's word opens the window for a day. */
static int64_t window_after (int64_t at, int64_t now)
{
    return (at == 0 || at > now ? now : at) + G_TIME_SPAN_DAY;
}

static void settle_content (struct incoming *incoming, const json_t *content)
{
    incoming->content = json_write (content);
    incoming->text = content_plain (content);
}

/* NULL, or why it is no message that can be kept. */
static const char *read_sender (const struct batch *batch, json_t *message, struct incoming *incoming)
{
    json_t *contact = contact_of (batch, message);
    const char *group = whatsapp_text (message, "group_id");
    incoming->aliases = sender_of (batch, message, contact);
    json_auto_t *content = whatsapp_read_content (message, incoming);
    add_names (contact, content);
    if (group != NULL && !settle_group (batch, message, contact, group, incoming, content)) return "a message has a group_id that is no id";
    if (group == NULL && !settle_addresses (incoming)) return "a message says nothing of whom it is from";
    if (group == NULL) incoming->name = name_of (contact);
    settle_content (incoming, content);
    return strlen (incoming->content) > CONTENT_MOST ? "a message is longer than any that is shown" : NULL;
}

static void add_message (struct received *received, struct incoming *incoming)
{
    if (received->messages == NULL) received->messages = g_ptr_array_new_with_free_func ((GDestroyNotify) incoming_free);
    g_ptr_array_add (received->messages, incoming);
}

static const char *read_message (const struct batch *batch, json_t *message)
{
    struct reading *reading = batch->change->reading;
    const char *id = whatsapp_id (message, "id");
    if (id == NULL) return "a message has no id, or one that is no id";
    if (batch->change->own == NULL) return "a change does not say to which number it came, nor does the channel's from";
    struct incoming *incoming = incoming_new ();
    const char *reason = read_sender (batch, message, incoming);
    if (reason != NULL) {
        incoming_free (incoming);
        return reason;
    }
    incoming->external_id = g_strdup (id);
    incoming->to = g_strdup (batch->change->own);
    incoming->at = whatsapp_time (message, "timestamp");
    incoming->route = g_strdup (batch->change->route);
    incoming->echo = batch->echo;
    if (batch->echo)
        incoming->opt_out = OPT_OUT_NONE;
    else if (!incoming->quiet)
        incoming->window_until = window_after (incoming->at, reading->now);
    add_message (reading->received, incoming);
    return NULL;
}

static void read_batch (struct batch *batch)
{
    size_t i;
    json_t *message;
    batch->contacts = json_object_get (batch->change->value, "contacts");
    batch->index = index_contacts (batch->contacts);
    json_array_foreach (batch->messages, i, message)
    {
        if (!whatsapp_count (batch->change->reading)) break;
        whatsapp_missed (batch->change->reading, read_message (batch, message));
    }
    g_hash_table_unref (batch->index);
}

void whatsapp_read_messages (const struct change *change)
{
    struct batch batch = {
        .change = change, .messages = json_object_get (change->value, "messages"), .who = "from", .who_id = "from_user_id"};
    if (json_array_size (batch.messages) > 0) read_batch (&batch);
}

void whatsapp_read_echoes (const struct change *change)
{
    struct batch batch = {
        .change = change, .messages = json_object_get (change->value, "message_echoes"), .who = "to", .who_id = "to_user_id", .echo = true};
    if (json_array_size (batch.messages) > 0) read_batch (&batch);
}

/* ---- new business-scoped ids ---- */

/* Meta gives such a change no id: what makes it one is what it says. */
static char *hash_of (const json_t *said)
{
    char hash[SIGNATURE_TEXT_SIZE];
    g_autofree char *text = json_write (said);
    signature_sha256_hex (text, strlen (text), hash);
    return g_strconcat ("user_id_update:", hash, NULL);
}

static const char *read_new_id (const struct change *change, json_t *said)
{
    const json_t *ids = json_object_get (said, "user_id");
    const char *const names[] = {whatsapp_text (said, "wa_id"), whatsapp_text (ids, "previous"), whatsapp_text (ids, "current")};
    if (change->own == NULL) return "a change does not say to which number it came, nor does the channel's from";
    struct incoming *incoming = incoming_new ();
    incoming->aliases = addresses_of (names, G_N_ELEMENTS (names));
    if (!settle_addresses (incoming)) {
        incoming_free (incoming);
        return "a new user id is that of nobody";
    }
    json_auto_t *content = json_pack ("{ss ss sO}", "kind", "event", "type", "identity_changed", "data", said);
    const char *detail = whatsapp_text (said, "detail");
    if (detail != NULL) json_object_set_new (content, "text", json_string (detail));
    settle_content (incoming, content);
    incoming->external_id = hash_of (said);
    incoming->to = g_strdup (change->own);
    incoming->at = whatsapp_time (said, "timestamp");
    incoming->route = g_strdup (change->route);
    incoming->quiet = true;
    add_message (change->reading->received, incoming);
    return NULL;
}

void whatsapp_read_new_ids (const struct change *change)
{
    size_t i;
    json_t *said;
    json_array_foreach (json_object_get (change->value, "user_id_update"), i, said)
    {
        if (!whatsapp_count (change->reading)) return;
        whatsapp_missed (change->reading, read_new_id (change, said));
    }
}
