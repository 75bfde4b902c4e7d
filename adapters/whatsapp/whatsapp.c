/* SPDX-License-Identifier: Apache-2.0
 *
 * WhatsApp: Meta's Cloud API, and those who speak it for others, as 360dialog (developers.facebook.com/docs/whatsapp/cloud-api).
 */
#include "whatsapp.h"

static const struct setting settings[] = {
    [PHONE_NUMBER_ID] = {"phone_number_id", SETTING_STRING, NULL, SETTING_REQUIRED,
                         "the number's id at Meta, as 106540352242922 (not the number itself)"},
    [ACCESS_TOKEN] = {"access_token", SETTING_STRING, NULL, SETTING_REQUIRED | SETTING_SECRET,
                      "a system user's token, which may send for the number; at 360dialog its API key"},
    [APP_SECRET] =
        {"app_secret", SETTING_STRING, NULL, SETTING_REQUIRED | SETTING_SECRET | SETTING_MANY,
         "the app's secret, which signs webhooks; while it is being changed: a list, the new one first; at 360dialog, which does not sign, "
         "any long text"},
    [VERIFY_TOKEN] =
        {"verify_token", SETTING_STRING, NULL, SETTING_REQUIRED | SETTING_SECRET,
         "any text of yours; Meta shows it when the webhook's URL is set. At 360dialog it is the end of that URL: letters and digits, "
         "long and secret"},
    [WABA_ID] = {"waba_id", SETTING_STRING, NULL, 0,
                 "the WhatsApp Business Account's id; needed to list templates, and for webhooks that name no number"},
    [FROM] = {"from", SETTING_STRING, NULL, 0, "the number that customers write to, as +15550001111"},
    [VERSION] = {"version", SETTING_STRING, "v25.0", 0, "of Meta's API; left out of URLs where key_header is given"},
    [KEY_HEADER] = {"key_header", SETTING_STRING, NULL, 0,
                    "the header that takes access_token where it is not Authorization: Bearer, as D360-API-KEY; then URLs name neither "
                    "version nor number"},
    [MEDIA_HOST] = {"media_host", SETTING_URL, NULL, 0,
                    "takes the place of https://lookaside.fbsbx.com in the URLs of files, as https://waba-v2.360dialog.io"},
};

/* ---- what a message may carry (…/cloud-api/reference/messages and …/media) ---- */

enum { KB = 1024, MB = 1024 * 1024 };

static const char *const kinds[] = {"text", "media", "location", "contacts", "choice", "cards", "template", "reaction", NULL};
static const char *const schemes[] = {"whatsapp", NULL};
static const char *const images[] = {"image/jpeg", "image/png", NULL};
static const char *const sounds[] = {"audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg", NULL};
static const char *const voices[] = {"audio/ogg", NULL};
static const char *const films[] = {"video/mp4", "video/3gpp", NULL};
static const char *const stickers[] = {"image/webp", NULL};
static const struct carries_file files[] = {
    {"image", images, 5 * MB, true},
    {"voice", voices, 16 * MB, false},
    {"audio", sounds, 16 * MB, false},
    {"video", films, 16 * MB, true},
    {"sticker", stickers, 500 * KB, false},
    {"document", NULL, 100 * MB, true},
    {0},
};

static const struct carries *carries (const struct channel *channel)
{
    static const struct carries whatsapp = {
        .kinds = kinds,
        .schemes = schemes,
        .text_most = 4096,
        .text_longest = 16384,
        .caption_most = 1024,
        .file_most = 100 * MB,
        .files_most = 30,
        .file_kinds = files,
        .opt_out_words = true,
        .choice = {.text_most = 1024,
                   .footer_most = 60,
                   .buttons_most = 3,
                   .button_title_most = 20,
                   .button_id_most = 256,
                   .rows_most = 10,
                   .row_title_most = 24,
                   .row_description_most = 72,
                   .row_id_most = 200,
                   .list_text_most = 4096,
                   .sections_most = 10,
                   .section_title_most = 24,
                   .label_most = 20,
                   .url = true,
                   .location = true,
                   .contact = true,
                   .flow = true,
                   .header = true},
        .cards = {.least = 2, .most = 10, .text_most = 160, .title_most = 20},
        .reply_to = true,
        .window = G_TIME_SPAN_DAY,
        .pair_pace = 6 * G_TIME_SPAN_SECOND,
        .pair_burst = 45,
        .file_life = 7 * G_TIME_SPAN_DAY,
        .uploads = true,
        .templates = true,
    };
    (void) channel;
    return &whatsapp;
}

/* ---- the table ---- */

static char *own_address (const struct channel *channel)
{
    return whatsapp_address (values_text (channel->values, FROM));
}

static bool compose (const struct channel *channel, const struct task *task, const char *notes, int64_t now, struct call_request *call)
{
    (void) now;
    switch (task->kind) {
    case TASK_SEND: return whatsapp_send_compose (channel, task, notes, call);
    case TASK_FETCH: return whatsapp_fetch_compose (channel, task, notes, call);
    case TASK_PROBE: return whatsapp_probe_compose (channel, notes, call);
    case TASK_TEMPLATES: return whatsapp_templates_compose (channel, notes, call);
    case TASK_SIGNAL: return whatsapp_signal_compose (channel, task, call);
    case TASK_BACKFILL: return false; /* Meta keeps no list of what came in; it comes again for seven days */
    }
    g_assert_not_reached ();
}

static void judge (const struct channel *channel, const struct task *task, const char *notes, const struct call_answer *answer, int64_t now,
                   struct verdict *verdict)
{
    *verdict = (struct verdict){.after = -1};
    switch (task->kind) {
    case TASK_SEND: whatsapp_send_judge (channel, task, notes, answer, now, verdict); break;
    case TASK_FETCH: whatsapp_fetch_judge (channel, task, notes, answer, verdict); break;
    case TASK_PROBE: whatsapp_probe_judge (channel, task, answer, verdict); break;
    case TASK_TEMPLATES: whatsapp_templates_judge (channel, task, notes, answer, verdict); break;
    case TASK_SIGNAL: whatsapp_signal_judge (channel, task, answer, verdict); break;
    case TASK_BACKFILL: g_assert_not_reached ();
    }
}

static const struct routing routing = {.route = PHONE_NUMBER_ID, .secret = APP_SECRET, .owner = WABA_ID};

const struct adapter whatsapp_adapter = {
    .name = "whatsapp",
    .settings = settings,
    .n_settings = G_N_ELEMENTS (settings),
    .routing = &routing,
    .carries = carries,
    .own_address = own_address,
    .receive = whatsapp_receive,
    .count_parts = whatsapp_send_count_parts,
    .compose = compose,
    .judge = judge,
};
