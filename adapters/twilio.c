/* SPDX-License-Identifier: Apache-2.0
 *
 * Twilio, receiving: SMS, MMS and WhatsApp messages, and status callbacks (twilio.com/docs/messaging/guides/webhook-request, …/usage/
 * security). A request comes as a form by POST or as a query by GET, and is signed by HMAC-SHA1 with the account's auth token.
 */
#include "base/signature.h"
#include "model/adapter.h"
#include "model/address.h"
#include "model/content.h"
#include "model/form.h"
#include "model/text.h"

#include <stdlib.h>
#include <string.h>

enum { FIELDS_MAX = 1000, MEDIA_MAX = 10, SID_MAX = 128, SIGNATURE_LENGTH = 28 /* 20 bytes in base64 */ };

enum { ACCOUNT_SID, AUTH_TOKEN, FROM, MESSAGING_SERVICE_SID };
static const struct setting settings[] = {
    [ACCOUNT_SID] = {"account_sid", SETTING_STRING, NULL, SETTING_REQUIRED,
                     "the account's SID, as AC0123…; requests of other accounts are quarantined"},
    [AUTH_TOKEN] = {"auth_token", SETTING_STRING, NULL, SETTING_REQUIRED | SETTING_SECRET | SETTING_MANY,
                    "the account's auth token, which signs what Twilio sends; while it is being changed: a list, the new one first"},
    [FROM] = {"from", SETTING_STRING, NULL, 0,
              "the number that customers write to, as +15550001111, a short code, or whatsapp:+15550001111; needed unless "
              "messaging_service_sid is given"},
    [MESSAGING_SERVICE_SID] = {"messaging_service_sid", SETTING_STRING, NULL, 0,
                               "the messaging service that chooses the number, as MG0123…"},
};

static const char *check (const struct values *values, const char **hint)
{
    if (values_text (values, FROM) != NULL || values_text (values, MESSAGING_SERVICE_SID) != NULL) return NULL;
    *hint = "from: the number that customers write to; messaging_service_sid: the service that chooses it";
    return "has neither from nor messaging_service_sid";
}

/* A request that is being read: its fields are those of the body (POST) or of the query (GET). */
struct reading {
    const struct channel *channel;
    const struct http_request *request;
    struct form form;
    bool parsed; /* false: too many fields */
};

/* ---- the signature ---- */

static int compare_bytes (const char *a, size_t a_length, const char *b, size_t b_length)
{
    int order = memcmp (a, b, MIN (a_length, b_length));
    return order != 0 ? order : (a_length > b_length) - (a_length < b_length);
}

static int compare_fields (const void *a, const void *b)
{
    const struct form_field *one = *(const struct form_field *const *) a, *other = *(const struct form_field *const *) b;
    int order = compare_bytes (one->name, one->name_length, other->name, other->name_length);
    return order != 0 ? order : compare_bytes (one->value, one->value_length, other->value, other->value_length);
}

/* The public URL in the pieces that are signed: [start, +host_length) is scheme and host, then perhaps a port, then the rest. */
struct url {
    const char *base;   /* public_url */
    size_t host_length; /* up to the port */
    size_t port_length; /* with its colon; 0: none */
    size_t base_length;
    const char *standard_port;
};

/* Behind a proxy only the configured public URL says what the provider called, never Host. */
static struct url url_of (const struct channel *channel)
{
    const char *base = channel->callback_url;
    size_t length = strlen (base), hook = strlen ("/hooks/") + strlen (channel->account) + 1 + strlen (channel->slug);
    struct url url = {base, 0, 0, length > hook ? length - hook : 0, g_str_has_prefix (base, "https:") ? ":443" : ":80"};
    const char *host = strstr (base, "://"), *end = base + url.base_length;
    host = host == NULL || host + 3 > end ? base : host + 3;
    const char *path = memchr (host, '/', (size_t) (end - host));
    const char *host_end = path == NULL ? end : path, *port = host_end;
    while (port > host && g_ascii_isdigit (port[-1])) port--;
    bool has_port = port > host && port < host_end && port[-1] == ':';
    url.port_length = has_port ? (size_t) (host_end - port) + 1 : 0;
    url.host_length = (size_t) (host_end - base) - url.port_length;
    return url;
}

static void add_text (GHmac *hmac, const char *text, size_t length)
{
    if (length > 0) g_hmac_update (hmac, (const guchar *) text, (gssize) length);
}

/* One way to write what was signed. */
struct candidate {
    const struct url *url;
    bool with_port;
    const char *target; /* path and query */
    const struct form_field *const *fields;
    size_t n_fields;
};

static bool candidate_matches (const struct candidate *candidate, const char *token, const char *signature)
{
    const struct url *url = candidate->url;
    GHmac *hmac = signature_start (G_CHECKSUM_SHA1, token);
    size_t after_port = url->host_length + url->port_length;
    add_text (hmac, url->base, url->host_length);
    if (candidate->with_port && url->port_length > 0)
        add_text (hmac, url->base + url->host_length, url->port_length);
    else if (candidate->with_port)
        add_text (hmac, url->standard_port, strlen (url->standard_port));
    add_text (hmac, url->base + after_port, url->base_length - after_port);
    add_text (hmac, candidate->target, strlen (candidate->target));
    for (size_t i = 0; i < candidate->n_fields; i++) {
        if (i > 0 && compare_fields (&candidate->fields[i - 1], &candidate->fields[i]) == 0)
            continue; /* Twilio's libraries count equal values of one name once */
        add_text (hmac, candidate->fields[i]->name, candidate->fields[i]->name_length);
        add_text (hmac, candidate->fields[i]->value, candidate->fields[i]->value_length);
    }
    char text[SIGNATURE_TEXT_SIZE];
    signature_base64 (hmac, text);
    return signature_equal (text, signature);
}

/* The target with its query as older signers wrote it: parsed and written again. NULL: that is the same. */
static char *legacy_target (const struct http_request *request)
{
    struct form form;
    if (request->query[0] == '\0' || !form_parse (request->query, strlen (request->query), FIELDS_MAX, &form)) return NULL;
    GString *target = g_string_new (request->path);
    g_string_append_c (target, '?');
    form_format (&form, target);
    form_clear (&form);
    char *text = g_string_free (target, FALSE);
    if (g_str_equal (text, request->target)) g_clear_pointer (&text, g_free);
    return text;
}

/* The configured form with the current token first: that is what nearly every request is signed with. */
static bool any_matches (const struct reading *reading, const struct form *form, const char *signature)
{
    const struct form_field *fields[FIELDS_MAX];
    size_t n_fields = form == NULL ? 0 : form->n_fields;
    for (size_t i = 0; i < n_fields; i++) fields[i] = &form->fields[i];
    qsort (fields, n_fields, sizeof (const struct form_field *), compare_fields);

    const struct url url = url_of (reading->channel);
    const char *const *tokens = values_texts (reading->channel->values, AUTH_TOKEN);
    g_autofree char *legacy = NULL;
    for (unsigned way = 0; way < 4; way++) {
        struct candidate candidate = {&url, (url.port_length > 0) != (way % 2 == 1), reading->request->target, fields, n_fields};
        if (way == 2 && (legacy = legacy_target (reading->request)) == NULL) return false;
        if (way >= 2) candidate.target = legacy;
        for (const char *const *token = tokens; *token != NULL; token++)
            if (candidate_matches (&candidate, *token, signature)) return true;
    }
    return false;
}

static bool is_form (const struct http_request *request)
{
    static const char form[] = "application/x-www-form-urlencoded";
    const char *type = http_request_header (request, "Content-Type");
    if (type == NULL) return g_bytes_get_size (request->body) == 0;
    size_t length = strcspn (type, "; \t");
    return length == strlen (form) && g_ascii_strncasecmp (type, form, length) == 0;
}

static bool is_get (const struct http_request *request)
{
    return g_str_equal (request->method, "GET");
}

/* What bodySHA256= in the query says; NULL: nothing. The URL and thereby the hash are signed, the parameters are not. */
static const char *claimed_hash (const struct http_request *request)
{
    static const char name[] = "bodySHA256=";
    for (const char *at = request->query; at != NULL; at = strchr (at, '&')) {
        at += *at == '&';
        if (g_str_has_prefix (at, name)) return at + strlen (name);
    }
    return NULL;
}

static bool body_has_hash (const struct http_request *request, const char *claimed)
{
    char expected[SIGNATURE_TEXT_SIZE];
    gsize length;
    const char *body = g_bytes_get_data (request->body, &length);
    signature_sha256_hex (body, length, expected);
    g_autofree char *given = g_ascii_strdown (claimed, (gssize) strcspn (claimed, "&"));
    return signature_equal (expected, given);
}

enum proof { NO_PROOF, PROOF_OF_URL, PROOF_OF_ALL };

/* How much of the request is the provider's beyond doubt. */
static enum proof prove (const struct reading *reading)
{
    const struct http_request *request = reading->request;
    const char *signature = http_request_sole_header (request, "X-Twilio-Signature");
    if (signature == NULL || strlen (signature) != SIGNATURE_LENGTH) return NO_PROOF;
    if (is_get (request)) return any_matches (reading, NULL, signature) ? PROOF_OF_ALL : NO_PROOF;
    if (is_form (request) && reading->parsed && any_matches (reading, &reading->form, signature)) return PROOF_OF_ALL;
    const char *claimed = claimed_hash (request);
    if ((claimed == NULL && is_form (request)) || !any_matches (reading, NULL, signature)) return NO_PROOF;
    if (claimed == NULL) return PROOF_OF_URL;
    return body_has_hash (request, claimed) ? PROOF_OF_ALL : NO_PROOF;
}

/* ---- what it says ---- */

/* A field as text of our own; NULL where it is missing or empty. */
static char *text_of (const struct form *form, const char *name)
{
    const struct form_field *field = form_find (form, name);
    char *text;
    if (field == NULL || field->value_length == 0) return NULL;
    text_repair (field->value, field->value_length, &text);
    return text;
}

/* Twilio's ids are letters and digits; whatever else they may become, they stay short and printable. */
static bool is_sid (const struct form_field *field)
{
    if (field == NULL || field->value_length == 0 || field->value_length > SID_MAX) return false;
    for (size_t i = 0; i < field->value_length; i++)
        if (!g_ascii_isgraph (field->value[i])) return false;
    return true;
}

static const char *message_sid (const struct form *form)
{
    static const char *const names[] = {"MessageSid", "SmsSid", "SmsMessageSid"};
    for (size_t i = 0; i < G_N_ELEMENTS (names); i++) {
        const struct form_field *field = form_find (form, names[i]);
        if (is_sid (field)) return field->value;
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

static char *own_address (const struct reading *reading)
{
    char *address = address_of (&reading->form, "To", "ToCountry");
    const char *from = values_text (reading->channel->values, FROM);
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
        char *url = text_of (form, url_name);
        if (url == NULL) continue;
        struct remote_file *file = remote_file_new (NULL, NULL, NULL);
        file->url = url;
        file->mime = text_of (form, mime_name);
        if (files == NULL) files = g_ptr_array_new_with_free_func ((GDestroyNotify) remote_file_free);
        g_ptr_array_add (files, file);
    }
    return files;
}

/* Beside text and files, what a reader of the message may want; the journal has the rest. */
static bool is_extra (const struct form_field *field)
{
    static const char *const names[] = {
        "Address",
        "ButtonPayload",
        "ButtonText",
        "ExternalUserId",
        "Forwarded",
        "FrequentlyForwarded",
        "Label",
        "Latitude",
        "Longitude",
        "OriginalRepliedMessageSender",
        "OriginalRepliedMessageSid",
    };
    for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
        if (field->name_length == strlen (names[i]) && memcmp (field->name, names[i], field->name_length) == 0) return true;
    return false;
}

static void add_extras (GString *content, const struct form *form)
{
    bool open = false;
    for (size_t i = 0; i < form->n_fields; i++) {
        const struct form_field *field = &form->fields[i];
        /* the first of a name counts, as everywhere: JSON objects have each name once */
        if (field->value_length == 0 || !is_extra (field) || form_find (form, field->name) != field) continue;
        if (!open) content_open (content, "extra");
        open = true;
        g_autofree char *value = NULL;
        text_repair (field->value, field->value_length, &value);
        content_string (content, field->name, value);
    }
    if (open) content_close (content);
}

static void write_content (struct incoming *incoming, const struct form *form)
{
    const struct form_field *body = form_find (form, "Body");
    g_autofree char *text = NULL, *opt_out = text_of (form, "OptOutType");
    GString *content = content_new (incoming->files == NULL ? "text" : "media");
    content_text (content, body == NULL ? "" : body->value, body == NULL ? 0 : body->value_length, &text);
    if (incoming->files != NULL) content_media (content, incoming->files);
    if (opt_out != NULL) content_string (content, "opt_out", opt_out);
    add_extras (content, form);
    incoming->content = content_end (content);
    incoming->text = incoming->files == NULL ? g_steal_pointer (&text) : content_media_plain (text, incoming->files);
}

/* NULL, or why the request is no message; then nothing was added. */
static const char *read_message (const struct reading *reading, struct received *received)
{
    g_autofree char *from = address_of (&reading->form, "From", "FromCountry"), *to = own_address (reading);
    if (from == NULL) return "the request has no From, or one that is no address";
    if (to == NULL) return "the request has no To, or one that is no address";
    struct incoming *incoming = incoming_new ();
    incoming->external_id = g_strdup (message_sid (&reading->form));
    incoming->from = g_steal_pointer (&from);
    incoming->to = g_steal_pointer (&to);
    incoming->name = text_of (&reading->form, "ProfileName");
    incoming->files = files_of (&reading->form);
    write_content (incoming, &reading->form);
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

static const char *read_receipt (const struct reading *reading, const struct form_field *said, struct received *received)
{
    enum status status;
    if (!find_status (said, &status)) return "the request has a message status that is not known";
    struct receipt *receipt = receipt_new (message_sid (&reading->form), status);
    receipt->code = text_of (&reading->form, "ErrorCode");
    receipt->detail = text_of (&reading->form, "ErrorMessage");
    if (receipt->detail == NULL && status == STATUS_FAILED && receipt->code == NULL)
        text_repair (said->value, said->value_length, &receipt->detail); /* "canceled" says why where nothing else does */
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

static const char *read_items (const struct reading *reading, struct received *received)
{
    const struct form *form = &reading->form;
    if (!is_get (reading->request) && !is_form (reading->request)) return "the body is no form";
    if (!reading->parsed) return "the request has too many fields";
    const struct form_field *account = form_find (form, "AccountSid");
    const char *expected = values_text (reading->channel->values, ACCOUNT_SID);
    if (account != NULL && compare_bytes (account->value, account->value_length, expected, strlen (expected)) != 0)
        return "the request is of another account than account_sid";
    if (message_sid (form) == NULL) return "the request has no MessageSid, or one that is no id";
    const struct form_field *status = receipt_status (form);
    return status != NULL ? read_receipt (reading, status, received) : read_message (reading, received);
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

static void judge (const struct reading *reading, bool trusted, struct received *received)
{
    enum proof proof = trusted ? PROOF_OF_ALL : prove (reading);
    if (proof == NO_PROOF) return;
    /* the URL was signed, so the sender is known; but nothing vouches for a body that is neither a form nor hashed in the URL */
    if (proof == PROOF_OF_URL) {
        refuse (received, 415, "The body must be application/x-www-form-urlencoded.\n");
        return;
    }
    const char *reason = read_items (reading, received);
    received->kind = reason == NULL ? RECEIVED_ITEMS : RECEIVED_UNREADABLE;
    received->reason = g_strdup (reason);
    received->reply = thanks ();
}

static void receive (const struct channel *channel, const struct http_request *request, bool trusted, int64_t now,
                     struct received *received)
{
    (void) now;
    *received = (struct received){RECEIVED_STRANGER, NULL, NULL, NULL, NULL};
    if (request->secret != NULL) return;
    if (!is_get (request) && !g_str_equal (request->method, "POST")) {
        refuse (received, 405, "The method must be GET or POST.\n");
        http_response_add (received->reply, "Allow", "GET, POST");
        return;
    }
    struct reading reading = {channel, request, {NULL, 0, NULL}, false};
    gsize length = strlen (request->query);
    const char *bytes = request->query;
    if (!is_get (request)) bytes = is_form (request) ? g_bytes_get_data (request->body, &length) : NULL;
    reading.parsed = form_parse (bytes, bytes == NULL ? 0 : length, FIELDS_MAX, &reading.form);
    judge (&reading, trusted, received);
    form_clear (&reading.form);
}

const struct adapter twilio_adapter = {
    .name = "twilio",
    .settings = settings,
    .n_settings = G_N_ELEMENTS (settings),
    .check = check,
    .receive = receive,
};
