/* SPDX-License-Identifier: Apache-2.0
 *
 * Twilio: SMS, MMS and WhatsApp (twilio.com/docs/messaging).
 */
#include "twilio.h"

#include "model/address.h"

#include <string.h>

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

/* What Twilio accepts as media (twilio.com/docs/messaging/guides/accepted-mime-types). */
static const char *const types[] = {"image/",   "audio/",        "video/",        "text/vcard",     "text/x-vcard",    "text/csv",
                                    "text/rtf", "text/richtext", "text/calendar", "text/directory", "application/pdf", "application/vcard",
                                    NULL};

static const char *const kinds[] = {"text", "media", NULL};
static const char *const schemes[] = {"tel", "short", NULL};
static const char *const service_schemes[] = {"tel", "short", "whatsapp", NULL};

/* The same of WhatsApp (twilio.com/docs/whatsapp/guidance-whatsapp-media-messages). */
static const char *const whatsapp_types[] = {"image/jpeg", "image/png", "audio/", "video/mp4", "video/3gpp", "text/", "application/", NULL};
static const char *const whatsapp_kinds[] = {"text", "media", "template", NULL};
static const char *const whatsapp_schemes[] = {"whatsapp", NULL};

char *twilio_url (const struct channel *channel, const char *usual_base, const char *path)
{
    const char *base = values_text (channel->common, CHANNEL_API_URL);
    if (base == NULL) base = usual_base;
    size_t length = strlen (base);
    while (length > 0 && base[length - 1] == '/') length--;
    return g_strdup_printf ("%.*s%s", (int) length, base, path);
}

char *twilio_account_url (const struct channel *channel, const char *path)
{
    g_autofree char *sid = g_uri_escape_string (values_text (channel->values, ACCOUNT_SID), NULL, FALSE);
    g_autofree char *whole = g_strconcat ("/2010-04-01/Accounts/", sid, path, NULL);
    return twilio_url (channel, TWILIO_API, whole);
}

void twilio_sign_in (const struct channel *channel, struct call_request *call)
{
    call->user = g_strdup (values_text (channel->values, ACCOUNT_SID));
    call->password = g_strdup (values_texts (channel->values, AUTH_TOKEN)[0]);
}

void twilio_get (struct call_request *call, char *url, size_t answer_most)
{
    call->method = "GET";
    call->url = url;
    call->answer_most = answer_most;
}

char *twilio_phone (const char *address)
{
    if (g_str_has_prefix (address, "tel:")) return g_strdup (address + strlen ("tel:"));
    if (g_str_has_prefix (address, "alnum:")) return g_uri_unescape_string (address + strlen ("alnum:"), NULL);
    if (g_str_has_prefix (address, "short:")) {
        const char *code = strrchr (address, ':');
        return g_strdup (code + 1);
    }
    if (!g_str_has_prefix (address, "whatsapp:")) return NULL;
    const char *id = address + strlen ("whatsapp:");
    return g_strconcat ("whatsapp:", g_ascii_isdigit (id[0]) ? "+" : "", id, NULL);
}

char *twilio_own_phone (const struct channel *channel)
{
    const char *from = values_text (channel->values, FROM);
    if (from == NULL) return NULL;
    g_autofree char *address = address_phone (from, strlen (from), NULL, 0);
    return address == NULL ? g_strdup (from) : twilio_phone (address);
}

bool twilio_is_whatsapp (const struct channel *channel)
{
    const char *from = values_text (channel->values, FROM);
    return from != NULL && g_ascii_strncasecmp (from, "whatsapp:", strlen ("whatsapp:")) == 0;
}

char *twilio_notes (unsigned n, const char *where)
{
    return g_strdup_printf ("%u %s", n, where);
}

const char *twilio_notes_read (const char *notes, unsigned *n)
{
    char *end;
    guint64 number = g_ascii_strtoull (notes, &end, 10);
    if (end == notes || *end != ' ' || number > G_MAXINT) return NULL;
    *n = (unsigned) number;
    return end + 1;
}

static bool compose (const struct channel *channel, const struct task *task, const char *notes, int64_t now, struct call_request *call)
{
    (void) now;
    switch (task->kind) {
    case TASK_SEND: return twilio_send_compose (channel, task, call);
    case TASK_FETCH: return twilio_fetch_compose (channel, task, notes, call);
    case TASK_PROBE: return twilio_probe_compose (channel, notes, call);
    case TASK_BACKFILL: return twilio_backfill_compose (channel, task, notes, call);
    case TASK_SIGNAL: return twilio_signal_compose (channel, task, call);
    case TASK_TEMPLATES: return false; /* a template is named by its SID, and there is no need to know more of it */
    }
    g_assert_not_reached ();
}

static void judge (const struct channel *channel, const struct task *task, const char *notes, const struct call_answer *answer, int64_t now,
                   struct verdict *verdict)
{
    memset (verdict, 0, sizeof *verdict);
    verdict->after = -1;
    switch (task->kind) {
    case TASK_SEND: twilio_send_judge (channel, task, answer, now, verdict); break;
    case TASK_FETCH: twilio_fetch_judge (channel, task, notes, answer, verdict); break;
    case TASK_PROBE: twilio_probe_judge (channel, task, notes, answer, now, verdict); break;
    case TASK_BACKFILL: twilio_backfill_judge (channel, task, notes, answer, now, verdict); break;
    case TASK_SIGNAL: twilio_signal_judge (channel, task, answer, now, verdict); break;
    case TASK_TEMPLATES: g_assert_not_reached ();
    }
}

#define SMS \
    .kinds = kinds, .text_most = 1600, .file_most = PART_BYTES_MOST, .files_most = 30, .types = types, .segments = true, \
    .opt_out_words = true, .answers_words = true

static const struct carries sms = {SMS, .schemes = schemes};

/* A messaging service may send by either; what it has of WhatsApp goes to whatsapp: addresses. */
static const struct carries service = {SMS, .schemes = service_schemes};

/* Buttons, lists and the like are templates of Twilio's own, which are named by their SID. */
static const struct carries whatsapp = {
    .kinds = whatsapp_kinds,
    .schemes = whatsapp_schemes,
    .text_most = 1600,
    .caption_most = WHATSAPP_CAPTION_MOST,
    .file_most = WHATSAPP_FILE_MOST,
    .files_most = 30,
    .types = whatsapp_types,
    .window = G_TIME_SPAN_DAY,
    .opt_out_words = true,
};

static const struct carries *carries (const struct channel *channel)
{
    if (twilio_is_whatsapp (channel)) return &whatsapp;
    return values_text (channel->values, FROM) == NULL ? &service : &sms;
}

const struct adapter twilio_adapter = {
    .name = "twilio",
    .settings = settings,
    .n_settings = G_N_ELEMENTS (settings),
    .check = check,
    .carries = carries,
    .receive = twilio_receive,
    .count_parts = twilio_send_count_parts,
    .compose = compose,
    .judge = judge,
};
