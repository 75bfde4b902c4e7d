/* SPDX-License-Identifier: Apache-2.0
 *
 * What a customer's message says, from the fields of its webhook to the content of ours. WhatsApp's have more of them than an SMS: a button or a
 * row of a list that was chosen, a place, where the person came from (twilio.com/docs/messaging/guides/webhook-request).
 */
#include "model/content.h"
#include "twilio.h"

#include <math.h>
#include <string.h>

/* A field's name and what we call it. */
struct name {
    const char *theirs, *ours;
};

/* What has no place in our model, and a reader may want; the journal has the rest. */
static const struct name extras[] = {
    {"FrequentlyForwarded", "FrequentlyForwarded"},
    {"OriginalRepliedMessageSender", "OriginalRepliedMessageSender"},
};

/* The advertisement that brought the customer, by WhatsApp's own names. */
static const struct name referral[] = {
    {"ReferralSourceUrl", "source_url"}, {"ReferralSourceId", "source_id"}, {"ReferralSourceType", "source_type"},
    {"ReferralHeadline", "headline"},    {"ReferralBody", "body"},          {"ReferralMediaContentType", "media_type"},
    {"ReferralMediaUrl", "media_url"},   {"ReferralCtwaClid", "ctwa_clid"},
};

/* An object of those fields that there are; nothing where there is none. */
static void add_fields (GString *content, const char *object, const struct name *names, size_t n, const struct form *form)
{
    bool open = false;
    for (size_t i = 0; i < n; i++) {
        g_autofree char *value = twilio_text (form, names[i].theirs);
        if (value == NULL) continue;
        if (!open) content_open (content, object);
        open = true;
        content_string (content, names[i].ours, value);
    }
    if (open) content_close (content);
}

static bool is_true (const struct form *form, const char *name)
{
    g_autofree char *value = twilio_text (form, name);
    return value != NULL && g_ascii_strcasecmp (value, "true") == 0;
}

/* A number of degrees, at most `most` either way. */
static bool find_degrees (const struct form *form, const char *name, double most, double *degrees)
{
    g_autofree char *value = twilio_text (form, name);
    if (value == NULL) return false;
    char *end;
    *degrees = g_ascii_strtod (value, &end);
    return end != value && *end == '\0' && isfinite (*degrees) && fabs (*degrees) <= most;
}

static void add_degrees (GString *content, const char *name, double degrees)
{
    char number[G_ASCII_DTOSTR_BUF_SIZE];
    content_json (content, name, g_ascii_formatd (number, sizeof number, "%.10g", degrees));
}

/* False: the message is no place. */
static bool read_location (struct incoming *incoming, GString **content, const struct form *form)
{
    double lat, lon;
    if (!find_degrees (form, "Latitude", 90, &lat) || !find_degrees (form, "Longitude", 180, &lon)) return false;
    g_autofree char *name = twilio_text (form, "Label"), *address = twilio_text (form, "Address");
    *content = content_new ("location");
    add_degrees (*content, "lat", lat);
    add_degrees (*content, "lon", lon);
    if (name != NULL) content_string (*content, "name", name);
    if (address != NULL) content_string (*content, "address", address);
    char north[G_ASCII_DTOSTR_BUF_SIZE], east[G_ASCII_DTOSTR_BUF_SIZE];
    const char *words[] = {name, address, g_ascii_formatd (north, sizeof north, "%.10g", lat),
                           g_ascii_formatd (east, sizeof east, "%.10g", lon)};
    GString *text = g_string_new (NULL);
    for (size_t i = 0; i < G_N_ELEMENTS (words); i++)
        if (words[i] != NULL) g_string_append_printf (text, "%s%s", text->len == 0 ? "" : ", ", words[i]);
    incoming->text = g_string_free (text, FALSE);
    return true;
}

/* A button that was pressed, a row that was chosen. Its title is the message's text where that has none. */
static bool add_selected (GString *content, const char *source, const struct form *form, const char *title_name, const char *id_name)
{
    g_autofree char *title = twilio_text (form, title_name), *id = twilio_text (form, id_name);
    if (title == NULL && id == NULL) return false;
    content_open (content, "selected");
    content_string (content, "id", id != NULL ? id : title);
    content_string (content, "title", title != NULL ? title : id);
    content_string (content, "source", source);
    content_close (content);
    return true;
}

static void read_words (struct incoming *incoming, GString **content, const struct form *form)
{
    static const char *const titles[] = {"Body", "ButtonText", "ListTitle"};
    const struct form_field *body = NULL;
    g_autofree char *text = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS (titles) && (body == NULL || body->value_length == 0); i++) body = form_find (form, titles[i]);
    *content = content_new (incoming->files == NULL ? "text" : "media");
    content_text (*content, body == NULL ? "" : body->value, body == NULL ? 0 : body->value_length, &text);
    if (incoming->files != NULL) content_media (*content, incoming->files);
    if (!add_selected (*content, "button", form, "ButtonText", "ButtonPayload"))
        add_selected (*content, "list", form, "ListTitle", "ListId");
    incoming->text = incoming->files == NULL ? g_steal_pointer (&text) : content_media_plain (text, incoming->files);
}

static enum opt_out_word opt_out_of (const char *said, const char *text)
{
    static const enum opt_out_word words[] = {OPT_OUT_STOP, OPT_OUT_START, OPT_OUT_HELP};
    for (size_t i = 0; said != NULL && i < G_N_ELEMENTS (words); i++)
        if (g_ascii_strcasecmp (said, opt_out_name (words[i])) == 0) return words[i];
    return opt_out_word (text);
}

/* The words alone, without the kinds of files that may stand for them. */
static enum opt_out_word find_opt_out (const char *said, const struct form *form)
{
    g_autofree char *text = twilio_text (form, "Body");
    return opt_out_of (said, text == NULL ? "" : text);
}

void twilio_read_content (struct incoming *incoming, const struct form *form)
{
    g_autofree char *opt_out = twilio_text (form, "OptOutType");
    GString *content;
    if (incoming->files != NULL || !read_location (incoming, &content, form)) read_words (incoming, &content, form);
    if (opt_out != NULL) content_string (content, "opt_out", opt_out);
    if (is_true (form, "Forwarded") || is_true (form, "FrequentlyForwarded")) content_json (content, "forwarded", "true");
    add_fields (content, "referral", referral, G_N_ELEMENTS (referral), form);
    add_fields (content, "extra", extras, G_N_ELEMENTS (extras), form);
    incoming->content = content_end (content);
    incoming->opt_out = find_opt_out (opt_out, form);
}
