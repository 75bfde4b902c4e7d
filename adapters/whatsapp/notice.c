/* SPDX-License-Identifier: Apache-2.0
 *
 * WhatsApp, receiving: what is said of numbers, templates and accounts, by the change's field
 * (developers.facebook.com/docs/whatsapp/cloud-api/webhooks/reference).
 */
#include "base/signature.h"
#include "whatsapp.h"

#include <string.h>

#define UP "up"
#define DOWN "down"

/* What an event of a field says beyond the field itself. */
struct meaning {
    const char *event;
    const char *title;
    const char *health, *remedy; /* as in struct notice */
};

static const struct meaning template_events[] = {
    {"APPROVED", "a template was approved", NULL, NULL},
    {"REINSTATED", "a template may be sent again", NULL, NULL},
    {"REJECTED", "a template was rejected", NULL, NULL},
    {"FLAGGED", "a template will be disabled unless its quality rises", NULL, NULL},
    {"PAUSED", "a template is paused because of its quality", NULL, NULL},
    {"DISABLED", "a template was disabled", NULL, NULL},
    {"PENDING_DELETION", "a template is being deleted", NULL, NULL},
    {NULL, NULL, NULL, NULL},
};

static const struct meaning account_events[] = {
    {"ACCOUNT_DELETED", "the WhatsApp account was deleted", DOWN, "set up a new account and number at Meta"},
    {"ACCOUNT_OFFBOARDED", "the number was taken out of the Cloud API", DOWN, "connect the number again in the WhatsApp Business app"},
    {"ACCOUNT_RECONNECTED", "the number is connected again", UP, NULL},
    {"ACCOUNT_RESTRICTION", "the WhatsApp account is restricted", NULL, NULL},
    {"ACCOUNT_VIOLATION", "Meta says that the account breaks its rules", NULL, NULL},
    {"DISABLED_UPDATE", "the WhatsApp account's ban changed", NULL, NULL},
    {NULL, NULL, NULL, NULL},
};

#define APPEAL "read in Meta's business support home what is wrong, and ask there for a review"

static const struct meaning bans[] = {
    {"DISABLE", "the WhatsApp account is banned", DOWN, APPEAL},
    {"SCHEDULE_FOR_DISABLE", "the WhatsApp account will be banned", NULL, NULL},
    {"REINSTATE", "the WhatsApp account is no longer banned", UP, NULL},
    {NULL, NULL, NULL, NULL},
};

/* Only a ban on answers stops the channel: who may not write first may still be written to. */
static const struct meaning restrictions[] = {
    {"RESTRICTED_CUSTOMER_INITIATED_MESSAGING", "the WhatsApp account may not even answer customers", DOWN, APPEAL},
    {"RESTRICTED_BIZ_INITIATED_MESSAGING", "the WhatsApp account may not write to customers first", NULL, NULL},
    {"RESTRICTED_ADD_PHONE_NUMBER_ACTION", "the WhatsApp account may not add numbers", NULL, NULL},
    {NULL, NULL, NULL, NULL},
};

static const struct field {
    const char *field, *topic, *title;
    const struct meaning *events;
    bool bulk; /* whole histories: the journal has them */
} fields[] = {
    {"account_alerts", "account", "Meta has an alert about the account", NULL, false},
    {"account_review_update", "account", "the review of the account has a result", NULL, false},
    {"account_update", "account", "the account changed", account_events, false},
    {"automatic_events", "activity", "Meta saw an event of a customer", NULL, false},
    {"business_capability_update", "account", "what the account may send changed", NULL, false},
    {"business_status_update", "account", "the state of the business changed", NULL, false},
    {"business_username_updates", "number", "the user name of the business changed", NULL, false},
    {"calls", "call", "there is a call", NULL, false},
    {"flows", "flow", "a flow changed", NULL, false},
    {"group_lifecycle_update", "group", "a group was made or deleted", NULL, false},
    {"group_participants_update", "group", "who is in a group changed", NULL, false},
    {"group_settings_update", "group", "the settings of a group changed", NULL, false},
    {"group_status_update", "group", "the state of a group changed", NULL, false},
    {"history", "history", "the phone's app gave its history", NULL, true},
    {"message_template_components_update", "template", "the text of a template changed", NULL, false},
    {"message_template_quality_update", "template", "the quality of a template changed", NULL, false},
    {"message_template_status_update", "template", "the state of a template changed", template_events, false},
    {"messages", "activity", "a customer did something that is no message", NULL, false},
    {"partner_solutions", "account", "a solution with a partner changed", NULL, false},
    {"payment_configuration_update", "payment", "how payments are set up changed", NULL, false},
    {"phone_number_name_update", "number", "the display name of the number has a verdict", NULL, false},
    {"phone_number_quality_update", "quality", "the quality or throughput of the number changed", NULL, false},
    {"security", "security", "a security setting of the number changed", NULL, false},
    {"smb_app_state_sync", "history", "the phone's app gave its contacts", NULL, true},
    {"template_category_update", "template", "the category of a template changed", NULL, false},
    {"tracking_events", "activity", "Meta saw an event of a customer", NULL, false},
    {"user_preferences", "preferences", "a customer chose whether to get marketing messages", NULL, false},
};

static const struct field *find_field (const char *name)
{
    static const struct field unknown = {NULL, "other", "WhatsApp says something that is not known here", NULL, false};
    for (size_t i = 0; i < G_N_ELEMENTS (fields); i++)
        if (g_str_equal (name, fields[i].field)) return &fields[i];
    return &unknown;
}

/* NULL: meanings is, or has no such event. */
static const struct meaning *find_meaning (const struct meaning *meanings, const char *event)
{
    for (; meanings != NULL && event != NULL && meanings->event != NULL; meanings++)
        if (g_str_equal (meanings->event, event)) return meanings;
    return NULL;
}

/* Of several restrictions the one that stops the channel counts. */
static const struct meaning *worst_restriction (const json_t *value)
{
    const struct meaning *worst = NULL;
    size_t i;
    json_t *said;
    json_array_foreach (json_object_get (value, "restriction_info"), i, said)
    {
        const struct meaning *meaning = find_meaning (restrictions, whatsapp_text (said, "restriction_type"));
        if (meaning != NULL && (worst == NULL || meaning->health != NULL)) worst = meaning;
    }
    return worst;
}

static const struct meaning *meaning_of (const struct field *field, const json_t *value)
{
    const char *event = whatsapp_text (value, "event");
    const struct meaning *exact = NULL;
    if (field->events == account_events && g_strcmp0 (event, "DISABLED_UPDATE") == 0)
        exact = find_meaning (bans, whatsapp_text (json_object_get (value, "ban_info"), "waba_ban_state"));
    if (field->events == account_events && g_strcmp0 (event, "ACCOUNT_RESTRICTION") == 0) exact = worst_restriction (value);
    return exact == NULL ? find_meaning (field->events, event) : exact;
}

/* Meta gives changes no ids: one is what it says, of whom, and when. */
static char *hash_of (const struct change *change, const char *data)
{
    char hash[SIGNATURE_TEXT_SIZE];
    const char *account = whatsapp_text (change->entry, "id");
    g_autofree char *text = g_strdup_printf ("%s %s %" G_GINT64_FORMAT " %s", change->field, account == NULL ? "" : account,
                                             whatsapp_time (change->entry, "time"), data);
    signature_sha256_hex (text, strlen (text), hash);
    return g_strdup (hash);
}

/* data is taken. The caller may say more of it. */
static struct notice *add_notice (const struct change *change, const char *topic, const char *title, char *data)
{
    struct received *received = change->reading->received;
    g_autofree char *id = hash_of (change, data);
    struct notice *notice = notice_new (id, topic, title);
    notice->at = whatsapp_time (change->entry, "time");
    notice->route = g_strdup (change->route);
    notice->owner = g_strdup (change->owner);
    notice->data = data;
    if (strlen (data) > NOTICE_DATA_MOST) g_clear_pointer (&notice->data, g_free);
    if (received->notices == NULL) received->notices = g_ptr_array_new_with_free_func ((GDestroyNotify) notice_free);
    g_ptr_array_add (received->notices, notice);
    return notice;
}

/* What is not known here says itself what it is. */
static char *data_of (const struct change *change, const struct field *field)
{
    if (field->field != NULL) return json_write (change->value);
    json_auto_t *data = json_object ();
    json_object_set_new (data, "field", json_string (change->field));
    json_object_set (data, "value", change->value);
    return json_write (data);
}

void whatsapp_read_notice (const struct change *change)
{
    const struct field *field = find_field (change->field);
    const struct meaning *meaning = meaning_of (field, change->value);
    struct notice *notice = add_notice (change, field->topic, meaning == NULL ? field->title : meaning->title, data_of (change, field));
    if (field->bulk) g_clear_pointer (&notice->data, g_free);
    /* an account that is none of this channel's, for all that is known, stops nothing here */
    if (meaning == NULL || !change->ours) return;
    notice->health = meaning->health;
    notice->remedy = meaning->remedy;
}

static void read_error (const struct change *change, const json_t *error)
{
    const json_t *code = json_object_get (error, "code");
    const char *remedy = json_is_integer (code) ? whatsapp_remedy (json_integer_value (code)) : NULL;
    struct notice *notice = add_notice (change, "error", "WhatsApp reports an error", json_write (error));
    if (remedy == NULL || !change->ours) return;
    notice->health = DOWN;
    notice->remedy = remedy;
}

void whatsapp_read_errors (const struct change *change)
{
    size_t i;
    json_t *error;
    json_array_foreach (json_object_get (change->value, "errors"), i, error)
    {
        if (!whatsapp_count (change->reading)) return;
        if (json_is_object (error))
            read_error (change, error);
        else
            whatsapp_missed (change->reading, "an error is no object");
    }
}
