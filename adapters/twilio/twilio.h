/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this adapter share; nobody else includes it.
 *
 *     twilio.c    the settings, the table of the adapter, and who composes and judges which task
 *     verify.c    signatures                receive.c   webhooks: messages and receipts
 *     send.c      messages                  fault.c     what a refusal means
 *     content.c   what a message says       fetch.c     files of messages
 *     probe.c     is the channel set up well?
 *     backfill.c  messages that were missed
 *     signal.c    somebody types (WhatsApp)
 */
#pragma once
#include "base/json.h"
#include "model/adapter.h"
#include "model/form.h"
#include "model/judge.h"

/* Rows of its settings. */
enum { ACCOUNT_SID, AUTH_TOKEN, FROM, MESSAGING_SERVICE_SID };

enum { FIELDS_MAX = 1000, MEDIA_MAX = 10 };
/* Bytes: WhatsApp's 4,096 characters at their longest, and an SMS has 1,600. Longer ones would make pages of messages without measure. */
enum { FIELD_MOST = 4096 * 4 };
enum { ANSWER_MOST = 64 * 1024, URL_MOST = 4096 };
/* Twilio's 5 MB of a message, text and files together, in the smaller of the two ways to count them, less its text. */
enum { PART_BYTES_MOST = 5 * 1000 * 1000 - 10 * 1000 };
/* One file a message, of 16 MB (the smaller megabytes, again). */
enum { WHATSAPP_FILE_MOST = 16 * 1000 * 1000 };
/* Characters of text that WhatsApp shows beside a file. */
enum { WHATSAPP_CAPTION_MOST = 1024 };

/* ---- twilio.c ---- */

/* base (where api_url gives no other) and path behind it; a new string. */
char *twilio_url (const struct channel *channel, const char *usual_base, const char *path);
#define TWILIO_API "https://api.twilio.com"
/* The same of a path below our account: "/Messages.json". */
char *twilio_account_url (const struct channel *channel, const char *path);
/* A GET that no customer can notice; url is taken. */
void twilio_get (struct call_request *call, char *url, size_t answer_most);
/* Basic, with the token that is valid now. */
void twilio_sign_in (const struct channel *channel, struct call_request *call);
/* from as Twilio writes it; NULL: the channel has none. A new string. */
char *twilio_own_phone (const struct channel *channel);
/* An address as Twilio writes it: +15550001111, 51515, whatsapp:+15550001111. NULL: it is no telephone's. A new string. */
char *twilio_phone (const char *address);

/* Whether the channel's number is one of WhatsApp's. */
bool twilio_is_whatsapp (const struct channel *channel);

/* Notes of tasks that follow where answers lead: how many have been followed, and where to next. */
char *twilio_notes (unsigned n, const char *where);
/* Gives back where, borrowed; NULL: those are no such notes. */
const char *twilio_notes_read (const char *notes, unsigned *n);

/* ---- verify.c ---- */

/* A request that is being read: its fields are those of the body (POST) or of the query (GET). */
struct reading {
    const struct channel *channel;
    const struct http_request *request;
    struct form form;
    bool parsed; /* false: too many fields */
};

bool twilio_is_get (const struct http_request *request);
bool twilio_is_form (const struct http_request *request);

enum proof { NO_PROOF, PROOF_OF_URL, PROOF_OF_ALL };
/* How much of the request is the provider's beyond doubt. */
enum proof twilio_verify (const struct reading *reading);

/* ---- receive.c ---- */

void twilio_receive (const struct channel *channel, const struct http_request *request, bool trusted, int64_t now,
                     struct received *received);
/* What the fields of a message webhook make. at: when it was sent, as far as is known; 0: it is not. NULL: no message; *reason says why. */
struct incoming *twilio_read_message (const struct channel *channel, const struct form *form, int64_t at, const char **reason);
/* A field as text of our own; NULL where it is missing or empty. */
char *twilio_text (const struct form *form, const char *name);
/* Twilio's ids are letters and digits; whatever else they may become, they stay short and printable. */
bool twilio_is_sid (const char *text, size_t length);

/* ---- content.c ---- */

/* Writes content, text and opt_out of a message whose files are read. */
void twilio_read_content (struct incoming *incoming, const struct form *form);

/* ---- fault.c ---- */

/* The verdict of an answer that is no success. said: its object, or NULL. */
void twilio_judge_fault (const struct channel *channel, const struct task *task, const struct call_answer *answer, const json_t *said,
                         int64_t now, struct verdict *verdict);
/* The verdict of an error code, with the words of a member of said. False: the code is not known; then only those words were kept. */
bool twilio_judge_code (const struct channel *channel, const struct task *task, const struct call_answer *answer, const json_t *said,
                        const char *code_member, const char *words_member, int64_t now, struct verdict *verdict);

/* What an error code means for a message that failed afterwards: ours, static; both NULL where nothing better is known than that it failed. */
void twilio_explain (const char *code, const char **reason, const char **title);

/* ---- the tasks ---- */

int twilio_send_count_parts (const struct channel *channel, const struct task *task);
bool twilio_send_compose (const struct channel *channel, const struct task *task, struct call_request *call);
void twilio_send_judge (const struct channel *channel, const struct task *task, const struct call_answer *answer, int64_t now,
                        struct verdict *verdict);

bool twilio_fetch_compose (const struct channel *channel, const struct task *task, const char *notes, struct call_request *call);
void twilio_fetch_judge (const struct channel *channel, const struct task *task, const char *notes, const struct call_answer *answer,
                         struct verdict *verdict);

bool twilio_probe_compose (const struct channel *channel, const char *notes, struct call_request *call);
void twilio_probe_judge (const struct channel *channel, const struct task *task, const char *notes, const struct call_answer *answer,
                         int64_t now, struct verdict *verdict);

bool twilio_backfill_compose (const struct channel *channel, const struct task *task, const char *notes, struct call_request *call);
void twilio_backfill_judge (const struct channel *channel, const struct task *task, const char *notes, const struct call_answer *answer,
                            int64_t now, struct verdict *verdict);

bool twilio_signal_compose (const struct channel *channel, const struct task *task, struct call_request *call);
void twilio_signal_judge (const struct channel *channel, const struct task *task, const struct call_answer *answer, int64_t now,
                          struct verdict *verdict);
