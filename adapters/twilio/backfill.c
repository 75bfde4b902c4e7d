/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages that came in while nobody listened: Twilio tries a webhook twice and then only its list of messages has them (twilio.com/docs/
 * messaging/api/message-resource#read-multiple-message-resources). A page is a round; notes: twilio_notes, the pages so far and the path of
 * the next. Each message becomes the fields that its webhook would have had, and is read as that is (receive.c); one that is known already
 * is recognised by its SID.
 */
#include "twilio.h"

#include <stdio.h>
#include <string.h>

enum { PAGES_MOST = 1000, PAGE_MOST = 4 * 1024 * 1024 };

#define SECONDS_MOST INT64_C (253402300799) /* the end of the year 9999 */

/* ---- compose ---- */

static char *day_of (int64_t at)
{
    g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (CLAMP (at / G_USEC_PER_SEC, 0, SECONDS_MOST));
    return g_date_time_format (time, "%Y-%m-%d");
}

/* Whole days. Whether the last one belongs to it Twilio says in several ways, so a day more is asked for; add_message looks at the time. */
static char *first_page (const struct channel *channel, const struct task *task)
{
    g_autofree char *first = day_of (task->since), *last = day_of (task->until + G_TIME_SPAN_DAY), *phone = twilio_own_phone (channel);
    GString *path = g_string_new ("/Messages.json?");
    /* a service has numbers that we do not know: then all of the account's are looked through */
    if (phone != NULL && values_text (channel->values, MESSAGING_SERVICE_SID) == NULL) {
        g_string_append (path, "To=");
        g_string_append_uri_escaped (path, phone, NULL, FALSE);
        g_string_append_c (path, '&');
    }
    g_string_append_printf (path, "DateSent%%3E=%s&DateSent%%3C=%s&PageSize=100", first, last);
    char *url = twilio_account_url (channel, path->str);
    g_string_free (path, TRUE);
    return url;
}

bool twilio_backfill_compose (const struct channel *channel, const struct task *task, const char *notes, struct call_request *call)
{
    unsigned n;
    const char *path = notes == NULL ? NULL : twilio_notes_read (notes, &n);
    if (notes != NULL && path == NULL) return false;
    twilio_get (call, path == NULL ? first_page (channel, task) : twilio_url (channel, TWILIO_API, path), PAGE_MOST);
    twilio_sign_in (channel, call);
    return true;
}

/* ---- one message ---- */

/* "Thu, 24 Aug 2023 05:01:45 +0000" (RFC 5322 §3.3) in microseconds; 0: it is no such time. */
static int64_t time_of (const char *text)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char name[4], sign;
    int day, year, hour, minute, second, zone_hours, zone_minutes;
    if (text == NULL || sscanf (text, "%*3s, %2d %3s %4d %2d:%2d:%2d %c%2d%2d", &day, name, &year, &hour, &minute, &second, &sign,
                                &zone_hours, &zone_minutes) != 9)
        return 0;
    const char *month = strlen (name) == 3 ? strstr (months, name) : NULL;
    if (month == NULL || (month - months) % 3 != 0) return 0;
    g_autoptr (GDateTime) at = g_date_time_new_utc (year, (int) (month - months) / 3 + 1, day, hour, minute, second);
    if (at == NULL) return 0;
    int64_t offset = (zone_hours * 60 + zone_minutes) * INT64_C (60) * (sign == '-' ? -1 : 1);
    return (g_date_time_to_unix (at) - offset) * G_USEC_PER_SEC;
}

/* The fields of a webhook, made from a message of the list. Names are static, values the message's or owned. */
struct fields {
    struct form_field all[4 + MEDIA_MAX];
    char media_names[MEDIA_MAX][sizeof "MediaUrl0"];
    char *media_urls[MEDIA_MAX];
    size_t n;
};

static void add (struct fields *fields, const char *name, const char *value)
{
    if (value != NULL) fields->all[fields->n++] = (struct form_field){name, strlen (name), value, strlen (value)};
}

static void fill (struct fields *fields, const struct channel *channel, const json_t *message)
{
    const char *sid = json_text (message, "sid"), *count = json_text (message, "num_media");
    fields->n = 0;
    add (fields, "MessageSid", sid);
    add (fields, "From", json_text (message, "from"));
    add (fields, "To", json_text (message, "to"));
    add (fields, "Body", json_text (message, "body"));
    guint64 n_media = count == NULL ? 0 : g_ascii_strtoull (count, NULL, 10);
    for (guint i = 0; i < MEDIA_MAX; i++) {
        fields->media_urls[i] = NULL;
        if (i >= n_media) continue;
        g_autofree char *escaped = g_uri_escape_string (sid, NULL, FALSE),
                        *path = g_strdup_printf ("/Messages/%s/Media.json#%u", escaped, i);
        g_snprintf (fields->media_names[i], sizeof fields->media_names[i], "MediaUrl%c", '0' + (int) i);
        fields->media_urls[i] = twilio_account_url (channel, path); /* the list of them: fetch.c */
        add (fields, fields->media_names[i], fields->media_urls[i]);
    }
}

static struct incoming *read_one (const struct channel *channel, const json_t *message, int64_t at)
{
    struct fields fields;
    const char *reason;
    fill (&fields, channel, message);
    struct incoming *incoming = twilio_read_message (channel, &(struct form){fields.all, fields.n, NULL}, at, &reason);
    for (size_t i = 0; i < MEDIA_MAX; i++) g_free (fields.media_urls[i]);
    return incoming;
}

/* ---- a page ---- */

static bool is_ours (const struct channel *channel, const json_t *message)
{
    const char *sid = json_text (message, "sid"), *service = values_text (channel->values, MESSAGING_SERVICE_SID);
    if (sid == NULL || !twilio_is_sid (sid, strlen (sid)) || g_strcmp0 (json_text (message, "direction"), "inbound") != 0) return false;
    if (service != NULL && g_strcmp0 (json_text (message, "messaging_service_sid"), service) == 0) return true;
    g_autofree char *phone = twilio_own_phone (channel);
    return phone != NULL && g_strcmp0 (json_text (message, "to"), phone) == 0;
}

static void add_message (const struct channel *channel, const struct task *task, const json_t *message, struct verdict *verdict)
{
    if (!is_ours (channel, message)) return;
    const char *sent = json_text (message, "date_sent");
    int64_t at = time_of (sent != NULL ? sent : json_text (message, "date_created"));
    if (at != 0 && (at < task->since || at >= task->until)) return;
    struct incoming *incoming = read_one (channel, message, at);
    if (incoming == NULL) return;
    incoming->at = at;
    char *raw = json_dumps (message, JSON_COMPACT);
    g_ptr_array_add (verdict->received.messages, incoming);
    g_ptr_array_add (verdict->raws, g_bytes_new_with_free_func (raw, strlen (raw), free, raw));
}

/* A path of the API, and no more. */
static bool is_path (const char *path)
{
    if (!g_str_has_prefix (path, "/2010-04-01/Accounts/") || strlen (path) > URL_MOST) return false;
    for (const char *c = path; *c != '\0'; c++)
        if (!g_ascii_isgraph (*c) || *c == '#' || *c == '\\') return false;
    return true;
}

static void follow (const json_t *said, const char *notes, struct verdict *verdict)
{
    unsigned n = 0;
    const char *next = json_text (said, "next_page_uri");
    if (notes != NULL) (void) twilio_notes_read (notes, &n);
    if (next == NULL) {
        verdict->kind = VERDICT_SENT;
    } else if (is_path (next) && n < PAGES_MOST) {
        verdict->kind = VERDICT_NEXT;
        verdict->notes = twilio_notes (n + 1, next);
    } else {
        verdict->kind = VERDICT_REFUSED;
        verdict->code = "bad_page";
        verdict->title = "the provider's list of messages does not end, or leads elsewhere";
    }
}

void twilio_backfill_judge (const struct channel *channel, const struct task *task, const char *notes, const struct call_answer *answer,
                            int64_t now, struct verdict *verdict)
{
    json_auto_t *said = judge_object (answer);
    json_t *messages = json_object_get (said, "messages"), *message;
    if (answer->status / 100 != 2) {
        twilio_judge_fault (channel, task, answer, said, now, verdict);
        return;
    }
    if (!json_is_array (messages)) {
        verdict->kind = VERDICT_RETRY;
        verdict->code = "unclear_answer";
        verdict->title = "the provider's answer is no list of messages";
        verdict->after = answer->retry_after;
        return;
    }
    size_t i;
    verdict->received.kind = RECEIVED_ITEMS;
    verdict->received.messages = g_ptr_array_new_with_free_func ((GDestroyNotify) incoming_free);
    verdict->raws = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
    json_array_foreach (messages, i, message) add_message (channel, task, message, verdict);
    follow (said, notes, verdict);
}
