/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this adapter share; nobody else includes it.
 *
 *     whatsapp.c  the settings, the table of the adapter, limits, and who composes and judges which task
 *     verify.c    signatures and the verification GET      receive.c   webhooks: the envelope, routes, statuses
 *     inbound.c   messages of customers                    notice.c    what is said of numbers, templates and accounts
 *     send.c      messages                                 media.c     uploads, and files that customers sent
 *     fault.c     what an error code means                 signal.c    read and typing
 *     probe.c     is the channel set up well?              templates.c which templates there are
 */
#pragma once
#include "base/json.h"
#include "model/adapter.h"
#include "model/task.h"

/* Rows of its settings. */
enum { PHONE_NUMBER_ID, ACCESS_TOKEN, APP_SECRET, VERIFY_TOKEN, WABA_ID, FROM, VERSION, KEY_HEADER, MEDIA_HOST };

enum { ANSWER_MOST = 64 * 1024, TEMPLATES_MOST = 1024 * 1024 };

/* ---- whatsapp.c ---- */

/* api_url (or Meta's), the version (none where the API is another's that needs none), and path behind them: "/106…/messages"; a new string. */
char *whatsapp_url (const struct channel *channel, const char *path);
/* A path below our number: "/messages"; where api_url is another's, as 360dialog's, without the number. */
char *whatsapp_number_url (const struct channel *channel, const char *path);
/* Adds the header that says who we are: Authorization: Bearer, or key_header with the token alone. */
void whatsapp_sign_in (const struct channel *channel, struct call_request *call);

/* ---- receive.c and what it reads with ---- */

void whatsapp_receive (const struct channel *channel, const struct http_request *request, bool trusted, int64_t now,
                       struct received *received);
/* The answer to a verification GET: 200 with the challenge, or a stranger. */
void whatsapp_verify_url (const struct channel *channel, const struct http_request *request, struct received *received);
/* Whether X-Hub-Signature-256 is made with one of the channel's app secrets over the raw body. */
bool whatsapp_verify (const struct channel *channel, const struct http_request *request);

/* ---- fault.c ---- */

/* The JSON object of an answer; NULL: it is none, or was cut. */
json_t *whatsapp_object (const struct call_answer *answer);
/* The verdict of an answer that is no success. */
void whatsapp_judge_fault (const struct channel *channel, const struct task *task, const char *notes, const struct call_answer *answer,
                           const json_t *said, struct verdict *verdict);
/* What an error code means for a message that failed afterwards: ours, static; both NULL where nothing better is known than that it failed. */
void whatsapp_explain (int64_t code, const char **reason, const char **title);

/* What an error code means for the whole channel. remedy NULL: nothing. Static. */
const char *whatsapp_remedy (int64_t code);

/* ---- the tasks: send.c, media.c, signal.c, probe.c, templates.c ---- */

int whatsapp_send_count_parts (const struct channel *channel, const struct task *task);
bool whatsapp_send_compose (const struct channel *channel, const struct task *task, const char *notes, struct call_request *call);
void whatsapp_send_judge (const struct channel *channel, const struct task *task, const char *notes, const struct call_answer *answer,
                          int64_t now, struct verdict *verdict);
bool whatsapp_fetch_compose (const struct channel *channel, const struct task *task, const char *notes, struct call_request *call);
void whatsapp_fetch_judge (const struct channel *channel, const struct task *task, const char *notes, const struct call_answer *answer,
                           struct verdict *verdict);
bool whatsapp_signal_compose (const struct channel *channel, const struct task *task, struct call_request *call);
void whatsapp_signal_judge (const struct channel *channel, const struct task *task, const struct call_answer *answer,
                            struct verdict *verdict);
bool whatsapp_probe_compose (const struct channel *channel, const char *notes, struct call_request *call);
void whatsapp_probe_judge (const struct channel *channel, const struct task *task, const char *notes, const struct call_answer *answer,
                           struct verdict *verdict);
bool whatsapp_templates_compose (const struct channel *channel, const struct task *task, const char *notes, struct call_request *call);
void whatsapp_templates_judge (const struct channel *channel, const struct task *task, const char *notes, const struct call_answer *answer,
                               struct verdict *verdict);
