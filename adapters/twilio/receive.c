/* SPDX-License-Identifier: Apache-2.0
 *
 * Twilio, receiving: SMS, MMS and WhatsApp messages, and status callbacks (twilio.com/docs/messaging/guides/webhook-request). A request
 * comes as a form by POST or as a query by GET.
 */
#include "base/ids.h"
#include "model/address.h"
#include "model/text.h"
#include "twilio.h"

#include <string.h>

enum { SID_MAX = 128 };

char *twilio_text (const struct form *form, const char *name)
{
    const struct form_field *field = form_find (form, name);
    char *text;
    if (field == NULL || field->value_length == 0) return NULL;
    text_repair (field->value, field->value_length, &text);
    return text;
}

bool twilio_is_sid (const char *text, size_t length)
{
    if (length == 0 || length > SID_MAX) return false;
    for (size_t i = 0; i < length; i++)
        if (!g_ascii_isgraph (text[i])) return false;
    return true;
}

static const char *message_sid (const struct form *form)
{
    static const char *const names[] = {"MessageSid", "SmsSid", "SmsMessageSid"};
    for (size_t i = 0; i < G_N_ELEMENTS (names); i++) {
        const struct form_field *field = form_find (form, names[i]);
        if (field != NULL && twilio_is_sid (field->value, field->value_length)) return field->value;
    }
    return NULL;
}

static char *address_of (const struct form *form, const char *name, const char *country_name)
{
    const struct form_field *field = form_find (form, name), *country = form_find (form, country_name);
    if (field == NULL) return NULL;
    return address_phone (field->value, field->value_length, country == NULL ? NULL : country->value,
                          country == NULL ? 0 : country->value_length);
}

static char *own_address (const struct channel *channel, const struct form *form)
{
    char *address = address_of (form, "To", "ToCountry");
    const char *from = values_text (channel->values, FROM);
    if (address == NULL && from != NULL) address = address_phone (from, strlen (from), NULL, 0);
    return address;
}

/* The files that are there, whatever NumMedia counts. NULL: none. */
static GPtrArray *files_of (const struct form *form)
{
    char url_name[] = "MediaUrl0", mime_name[] = "MediaContentType0";
    GPtrArray *files = NULL;
    for (int i = 0; i < MEDIA_MAX; i++) {
        url_name[sizeof url_name - 2] = mime_name[sizeof mime_name - 2] = (char) ('0' + i);
        char *url = twilio_text (form, url_name);
        if (url == NULL) continue;
        struct remote_file *file = remote_file_new (NULL, NULL, NULL);
        file->url = url;
        file->mime = twilio_text (form, mime_name);
        if (files == NULL) files = g_ptr_array_new_with_free_func ((GDestroyNotify) remote_file_free);
        g_ptr_array_add (files, file);
    }
    return files;
}

/* "whatsapp:15550001111" or "whatsapp:US.1234" of an id without that scheme; NULL: the field has no such id. */
static char *whatsapp_address (const struct form *form, const char *name)
{
    g_autofree char *id = twilio_text (form, name);
    if (id == NULL) return NULL;
    g_autofree char *whole = g_str_has_prefix (id, "whatsapp:") ? g_strdup (id) : g_strconcat ("whatsapp:", id, NULL);
    return address_phone (whole, strlen (whole), NULL, 0);
}

/* One more of the person's addresses; it is taken. */
static void add_alias (struct incoming *incoming, char *address)
{
    if (g_str_equal (incoming->from, address) ||
        (incoming->aliases != NULL && g_ptr_array_find_with_equal_func (incoming->aliases, address, g_str_equal, NULL))) {
        g_free (address);
        return;
    }
    if (incoming->aliases == NULL) incoming->aliases = g_ptr_array_new_with_free_func (g_free);
    g_ptr_array_add (incoming->aliases, address);
}

static bool is_number (const char *address)
{
    return address != NULL && g_ascii_isdigit (address[strlen ("whatsapp:")]);
}

/* On WhatsApp a person has a number and a business-scoped id, and shows one of them or both: the number is the better address. */
static void read_identity (struct incoming *incoming, const struct form *form)
{
    g_autofree char *number = whatsapp_address (form, "WaId");
    char *scoped = whatsapp_address (form, "ExternalUserId");
    if (is_number (number) && !is_number (incoming->from)) {
        char *other = incoming->from;
        incoming->from = g_steal_pointer (&number);
        add_alias (incoming, other);
    }
    if (scoped != NULL) add_alias (incoming, scoped);
}

static void read_whatsapp (struct incoming *incoming, const struct form *form, int64_t at)
{
    g_autofree char *replied = twilio_text (form, "OriginalRepliedMessageSid");
    read_identity (incoming, form);
    if (replied != NULL && twilio_is_sid (replied, strlen (replied))) incoming->in_reply_to = g_steal_pointer (&replied);
    if (at != 0) incoming->window_until = at + G_TIME_SPAN_DAY;
}

struct incoming *twilio_read_message (const struct channel *channel, const struct form *form, int64_t at, const char **reason)
{
    g_autofree char *from = address_of (form, "From", "FromCountry"), *to = own_address (channel, form);
    *reason = from == NULL ? "the request has no From, or one that is no address"
              : to == NULL ? "the request has no To, or one that is no address"
                           : NULL;
    if (*reason != NULL) return NULL;
    struct incoming *incoming = incoming_new ();
    incoming->external_id = g_strdup (message_sid (form));
    incoming->from = g_steal_pointer (&from);
    incoming->to = g_steal_pointer (&to);
    incoming->name = twilio_text (form, "ProfileName");
    incoming->files = files_of (form);
    twilio_read_content (incoming, form);
    if (g_str_has_prefix (incoming->from, "whatsapp:")) read_whatsapp (incoming, form, at);
    return incoming;
}

/* NULL, or why the request is no message; then nothing was added. */
static const char *read_message (const struct reading *reading, int64_t now, struct received *received)
{
    const char *reason;
    struct incoming *incoming = twilio_read_message (reading->channel, &reading->form, now, &reason);
    if (incoming == NULL) return reason;
    received->messages = g_ptr_array_new_full (1, (GDestroyNotify) incoming_free);
    g_ptr_array_add (received->messages, incoming);
    return NULL;
}

static bool find_status (const struct form_field *field, enum status *status)
{
    static const struct {
        const char *name;
        enum status status;
    } names[] = {
        {"accepted", STATUS_QUEUED}, {"scheduled", STATUS_QUEUED},    {"queued", STATUS_QUEUED}, {"sending", STATUS_SENT},
        {"sent", STATUS_SENT},       {"delivered", STATUS_DELIVERED}, {"read", STATUS_READ},     {"undelivered", STATUS_FAILED},
        {"failed", STATUS_FAILED},   {"canceled", STATUS_FAILED},
    };
    for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
        if (field->value_length == strlen (names[i].name) && g_ascii_strncasecmp (field->value, names[i].name, field->value_length) == 0) {
            *status = names[i].status;
            return true;
        }
    return false;
}

/* The callback URL that we gave names message and part in its query (send.c). */
static void read_reference (const struct http_request *request, struct receipt *receipt)
{
    struct form query;
    struct id id;
    if (!form_parse (request->query, strlen (request->query), FIELDS_MAX, &query)) return;
    const struct form_field *message = form_find (&query, "message"), *part = form_find (&query, "part");
    size_t digits = part == NULL ? 0 : strspn (part->value, "0123456789");
    if (message != NULL && id_parse (message->value, &id) && digits >= 1 && digits <= 2 && digits == part->value_length) {
        receipt->reference = g_malloc (ID_TEXT_SIZE);
        id_format (&id, receipt->reference);
        receipt->part = (int) g_ascii_strtoull (part->value, NULL, 10);
    }
    form_clear (&query);
}

static const char *read_receipt (const struct reading *reading, const struct form_field *said, struct received *received)
{
    enum status status;
    if (!find_status (said, &status)) return "the request has a message status that is not known";
    struct receipt *receipt = receipt_new (message_sid (&reading->form), status);
    receipt->code = twilio_text (&reading->form, "ErrorCode");
    receipt->detail = twilio_text (&reading->form, "ErrorMessage");
    if (receipt->detail == NULL && status == STATUS_FAILED && receipt->code == NULL)
        text_repair (said->value, said->value_length, &receipt->detail); /* "canceled" says why where nothing else does */
    if (status == STATUS_FAILED) twilio_explain (receipt->code, &receipt->reason, &receipt->title);
    receipt->opted_out = status == STATUS_FAILED && g_strcmp0 (receipt->code, "21610") == 0;
    read_reference (reading->request, receipt);
    received->receipts = g_ptr_array_new_full (1, (GDestroyNotify) receipt_free);
    g_ptr_array_add (received->receipts, receipt);
    return NULL;
}

/* The status of a message of ours; NULL: the request is a customer's message. */
static const struct form_field *receipt_status (const struct form *form)
{
    const struct form_field *field = form_find (form, "MessageStatus");
    if (field == NULL || field->value_length == 0) field = form_find (form, "SmsStatus");
    if (field == NULL || field->value_length == 0 || g_str_equal (field->value, "received") || g_str_equal (field->value, "receiving"))
        return NULL;
    return field;
}

static bool is_too_long (const struct form *form)
{
    for (size_t i = 0; i < form->n_fields; i++)
        if (form->fields[i].value_length > FIELD_MOST) return true;
    return false;
}

static const char *read_items (const struct reading *reading, int64_t now, struct received *received)
{
    const struct form *form = &reading->form;
    if (!twilio_is_get (reading->request) && !twilio_is_form (reading->request)) return "the body is no form";
    if (!reading->parsed) return "the request has too many fields";
    if (is_too_long (form)) return "the request has a field that is longer than any of Twilio's";
    const struct form_field *account = form_find (form, "AccountSid");
    const char *expected = values_text (reading->channel->values, ACCOUNT_SID);
    if (account != NULL && (account->value_length != strlen (expected) || memcmp (account->value, expected, account->value_length) != 0))
        return "the request is of another account than account_sid";
    if (message_sid (form) == NULL) return "the request has no MessageSid, or one that is no id";
    const struct form_field *status = receipt_status (form);
    return status != NULL ? read_receipt (reading, status, received) : read_message (reading, now, received);
}

/* An empty answer in Twilio's own language: a text/plain body would be sent to the customer. */
static struct http_response *thanks (void)
{
    static const char twiml[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response/>";
    return http_response_new (200, "text/xml", g_bytes_new_static (twiml, strlen (twiml)));
}

static void refuse (struct received *received, unsigned status, const char *words)
{
    received->kind = RECEIVED_REFUSED;
    received->reply = http_response_new (status, "text/plain", g_bytes_new_static (words, strlen (words)));
}

static void read_request (const struct reading *reading, bool trusted, int64_t now, struct received *received)
{
    enum proof proof = trusted ? PROOF_OF_ALL : twilio_verify (reading);
    if (proof == NO_PROOF) return;
    /* the URL was signed, so the sender is known; but nothing vouches for a body that is neither a form nor hashed in the URL */
    if (proof == PROOF_OF_URL) {
        refuse (received, 415, "The body must be application/x-www-form-urlencoded.\n");
        return;
    }
    const char *reason = read_items (reading, now, received);
    received->kind = reason == NULL ? RECEIVED_ITEMS : RECEIVED_UNREADABLE;
    received->reason = g_strdup (reason);
    received->reply = thanks ();
}

void twilio_receive (const struct channel *channel, const struct http_request *request, bool trusted, int64_t now,
                     struct received *received)
{
    *received = (struct received){RECEIVED_STRANGER};
    if (request->secret != NULL) return;
    if (!twilio_is_get (request) && !g_str_equal (request->method, "POST")) {
        refuse (received, 405, "The method must be GET or POST.\n");
        http_response_add (received->reply, "Allow", "GET, POST");
        return;
    }
    struct reading reading = {channel, request, {NULL, 0, NULL}, false};
    gsize length = strlen (request->query);
    const char *bytes = request->query;
    if (!twilio_is_get (request)) bytes = twilio_is_form (request) ? g_bytes_get_data (request->body, &length) : NULL;
    reading.parsed = form_parse (bytes, bytes == NULL ? 0 : length, FIELDS_MAX, &reading.form);
    read_request (&reading, trusted, now, received);
    form_clear (&reading.form);
}
