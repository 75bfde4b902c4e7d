/* SPDX-License-Identifier: Apache-2.0
 *
 * WhatsApp, receiving: a webhook's envelope holds entries (an account each) with changes, which name the number that they are about
 * (developers.facebook.com/docs/whatsapp/cloud-api/webhooks/components). One request may be about many numbers. Statuses are read here.
 */
#include "base/ids.h"
#include "base/signature.h"
#include "model/address.h"
#include "whatsapp.h"

#include <string.h>

/* ---- statuses ---- */

/* False: one that says nothing of whether a message arrived ("deleted", "warning", or new since). */
static bool find_status (const char *name, enum status *status)
{
    static const struct {
        const char *name;
        enum status status;
    } names[] = {
        {"sent", STATUS_SENT}, {"delivered", STATUS_DELIVERED}, {"read", STATUS_READ}, {"played", STATUS_READ}, {"failed", STATUS_FAILED},
    };
    for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
        if (g_ascii_strcasecmp (name, names[i].name) == 0) {
            *status = names[i].status;
            return true;
        }
    return false;
}

/* What send.c gave as biz_opaque_callback_data: the id of a message, and which part of it. */
static void read_reference (const char *given, struct receipt *receipt)
{
    const char *slash = given == NULL ? NULL : strchr (given, '/');
    size_t digits = slash == NULL ? 0 : strspn (slash + 1, "0123456789");
    if (digits < 1 || digits > 2 || slash[1 + digits] != '\0') return;
    g_autofree char *message = g_strndup (given, (gsize) (slash - given));
    struct id id;
    if (!id_parse (message, &id)) return;
    receipt->reference = g_malloc (ID_TEXT_SIZE);
    id_format (&id, receipt->reference);
    receipt->part = (int) g_ascii_strtoull (slash + 1, NULL, 10);
}

static void read_fault (const json_t *error, struct receipt *receipt)
{
    enum { OPTED_OUT = 131050 };
    const json_t *code = json_object_get (error, "code");
    const char *title = whatsapp_text (error, "title"), *details = whatsapp_text (json_object_get (error, "error_data"), "details");
    if (title == NULL) title = whatsapp_text (error, "message");
    if (json_is_integer (code)) {
        receipt->code = g_strdup_printf ("%" JSON_INTEGER_FORMAT, json_integer_value (code));
        receipt->opted_out = json_integer_value (code) == OPTED_OUT;
        whatsapp_explain (json_integer_value (code), &receipt->reason, &receipt->title);
    }
    if (title != NULL && details != NULL && !g_str_equal (title, details)) {
        g_autofree char *both = g_strdup_printf ("%s: %s", title, details);
        receipt->detail = whatsapp_cut (both, DETAIL_MOST);
    } else {
        receipt->detail = whatsapp_cut (title == NULL ? details : title, DETAIL_MOST);
    }
}

/* Prices, and whose receipt it is where a group has many. NULL: nothing, or more than is kept beside a receipt. */
static char *read_data (const json_t *said)
{
    static const char *const names[] = {"pricing", "conversation", "recipient_participant_id", "recipient_participant_user_id"};
    json_auto_t *data = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS (names); i++) {
        json_t *value = json_object_get (said, names[i]);
        if (value == NULL || json_is_null (value)) continue;
        if (data == NULL) data = json_object ();
        json_object_set (data, names[i], value);
    }
    char *text = data == NULL ? NULL : json_write (data);
    if (text != NULL && strlen (text) > RECEIPT_DATA_MOST) g_clear_pointer (&text, g_free);
    return text;
}

/* NULL, or why it is no receipt. */
static const char *read_status (const struct change *change, const json_t *said)
{
    const char *id = whatsapp_id (said, "id"), *name = whatsapp_text (said, "status");
    enum status status;
    if (id == NULL || name == NULL) return "a status has no id or no status, or one that is no id";
    if (!find_status (name, &status)) return NULL;
    struct receipt *receipt = receipt_new (id, status);
    receipt->at = whatsapp_time (said, "timestamp");
    read_reference (whatsapp_text (said, "biz_opaque_callback_data"), receipt);
    if (status == STATUS_FAILED) read_fault (json_array_get (json_object_get (said, "errors"), 0), receipt);
    receipt->data = read_data (said);
    receipt->route = g_strdup (change->route);
    struct received *received = change->reading->received;
    if (received->receipts == NULL) received->receipts = g_ptr_array_new_with_free_func ((GDestroyNotify) receipt_free);
    g_ptr_array_add (received->receipts, receipt);
    return NULL;
}

static void read_statuses (const struct change *change)
{
    size_t i;
    json_t *said;
    json_array_foreach (json_object_get (change->value, "statuses"), i, said)
    {
        if (!whatsapp_count (change->reading)) return;
        whatsapp_missed (change->reading, read_status (change, said));
    }
}

/* ---- the envelope ---- */

/* Fields name our number in several places, or nowhere. */
static const char *shown_number (const struct change *change)
{
    const char *number = whatsapp_text (json_object_get (change->value, "metadata"), "display_phone_number");
    if (number == NULL) number = whatsapp_text (change->value, "display_phone_number");
    return number == NULL ? whatsapp_text (change->value, "phone_number") : number;
}

static bool is_same_number (const char *a, const char *b)
{
    g_autofree char *one = address_tel (a, strlen (a)), *other = address_tel (b, strlen (b));
    return one != NULL && g_strcmp0 (one, other) == 0;
}

/* Whom a change is about: a number by its id, else by itself, else an account. NULL, or why that cannot be said. */
static const char *find_route (struct change *change)
{
    const struct values *values = change->reading->channel->values;
    const json_t *metadata = json_object_get (change->value, "metadata");
    const char *number_id = whatsapp_id (metadata, "phone_number_id");
    const char *number = shown_number (change), *from = values_text (values, FROM);
    const char *account = whatsapp_text (change->entry, "id"), *waba_id = values_text (values, WABA_ID);
    change->ours = true;
    if (number_id != NULL) {
        if (!g_str_equal (number_id, values_text (values, PHONE_NUMBER_ID))) change->route = number_id;
        return NULL;
    }
    if (whatsapp_text (metadata, "phone_number_id") != NULL) return "a change has a phone_number_id that is no id";
    if (number != NULL && from != NULL) {
        if (!is_same_number (number, from)) change->route = change->own;
        return change->own == NULL ? "a change names a number that is none" : NULL;
    }
    if (account != NULL && waba_id != NULL)
        change->owner = account;
    else
        change->ours = false;
    return NULL;
}

/* What else a customer did, and what is not as it should be. */
static void read_rest (const struct change *change)
{
    static const char *const names[] = {"messages", "statuses", "errors"};
    bool any = false;
    for (size_t i = 0; i < G_N_ELEMENTS (names); i++) {
        const json_t *items = json_object_get (change->value, names[i]);
        any |= items != NULL;
        if (items != NULL && !json_is_array (items)) whatsapp_missed (change->reading, "messages, statuses or errors are no list");
    }
    if (!any) whatsapp_read_notice (change);
}

static void read_change (struct change *change)
{
    static const struct {
        const char *field;
        void (*read[4]) (const struct change *change);
    } fields[] = {
        {"messages", {whatsapp_read_messages, read_statuses, whatsapp_read_errors, read_rest}},
        {"smb_message_echoes", {whatsapp_read_echoes}},
        {"user_id_update", {whatsapp_read_new_ids}},
    };
    g_autofree char *shown = whatsapp_address (shown_number (change)), *from = NULL;
    change->own = shown;
    const char *reason = find_route (change);
    whatsapp_missed (change->reading, reason);
    if (reason != NULL) return;
    if (shown == NULL && change->route == NULL)
        change->own = from = whatsapp_address (values_text (change->reading->channel->values, FROM));
    for (size_t i = 0; i < G_N_ELEMENTS (fields); i++) {
        if (!g_str_equal (change->field, fields[i].field)) continue;
        for (size_t j = 0; j < G_N_ELEMENTS (fields[i].read) && fields[i].read[j] != NULL; j++) fields[i].read[j](change);
        return;
    }
    whatsapp_read_notice (change);
}

static void read_entry (struct reading *reading, const json_t *entry)
{
    const json_t *changes = json_object_get (entry, "changes");
    size_t i;
    json_t *said;
    if (json_array_size (changes) == 0) whatsapp_missed (reading, "an entry has no changes");
    json_array_foreach (changes, i, said)
    {
        if (!whatsapp_count (reading)) return;
        struct change change = {
            .reading = reading, .entry = entry, .value = json_object_get (said, "value"), .field = whatsapp_text (said, "field")};
        if (change.field == NULL || !json_is_object (change.value))
            whatsapp_missed (reading, "a change has no field or no value");
        else
            read_change (&change);
    }
}

static void read_body (struct reading *reading, const json_t *body)
{
    const char *object = whatsapp_text (body, "object");
    const json_t *entries = json_object_get (body, "entry");
    size_t i;
    json_t *entry;
    if (!json_is_object (body))
        whatsapp_missed (reading, "the body is no JSON object");
    else if (object != NULL && !g_str_equal (object, "whatsapp_business_account"))
        whatsapp_missed (reading, "the request is about another product than WhatsApp");
    else if (json_array_size (entries) == 0)
        whatsapp_missed (reading, "the request has no entry");
    else
        json_array_foreach (entries, i, entry) read_entry (reading, entry);
}

static void drop_items (struct received *received)
{
    g_clear_pointer (&received->messages, g_ptr_array_unref);
    g_clear_pointer (&received->receipts, g_ptr_array_unref);
    g_clear_pointer (&received->notices, g_ptr_array_unref);
}

static void read_request (struct reading *reading, const struct http_request *request)
{
    struct received *received = reading->received;
    gsize length;
    const char *bytes = g_bytes_get_data (request->body, &length);
    g_autoptr (GError) error = NULL;
    json_auto_t *body = json_parse_text (bytes, length, &error);
    received->reply = http_response_new (200, NULL, NULL);
    received->kind = RECEIVED_UNREADABLE;
    if (body == NULL) {
        received->reason = g_strdup (error->message);
        return;
    }
    read_body (reading, body);
    if (reading->n_items > ITEMS_MOST) {
        drop_items (received);
        received->reason = g_strdup_printf ("the request has more than %d items", ITEMS_MOST);
        return;
    }
    bool empty = received->messages == NULL && received->receipts == NULL && received->notices == NULL;
    received->reason = g_strdup (reading->reason);
    if (!empty || reading->reason == NULL) received->kind = RECEIVED_ITEMS;
}

static void refuse_method (struct received *received)
{
    static const char words[] = "The method must be GET or POST.\n";
    received->kind = RECEIVED_REFUSED;
    received->reply = http_response_new (405, "text/plain", g_bytes_new_static (words, strlen (words)));
    http_response_add (received->reply, "Allow", "GET, POST");
}

void whatsapp_receive (const struct channel *channel, const struct http_request *request, bool trusted, int64_t now,
                       struct received *received)
{
    *received = (struct received){RECEIVED_STRANGER};
    if (request->secret != NULL && !whatsapp_verify (channel, request)) return;
    struct reading reading = {.channel = channel, .now = now, .received = received};
    if (g_str_equal (request->method, "GET"))
        whatsapp_verify_url (channel, request, received);
    else if (!g_str_equal (request->method, "POST"))
        refuse_method (received);
    else if (trusted || whatsapp_verify (channel, request))
        read_request (&reading, request);
}
