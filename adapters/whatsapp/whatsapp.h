/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this adapter share; nobody else includes it.
 *
 *     whatsapp.c  the settings, the table of the adapter, limits, and who composes and judges which task
 *     verify.c    signatures and the verification GET      receive.c   webhooks: the envelope, routes, statuses
 *     inbound.c   messages of customers: who, when         content.c   messages of customers: what
 *     notice.c    what is said of numbers, templates and accounts
 *     fields.c    members of what is received              call.c      where the API is, and how it is called
 *     send.c      messages: their rounds                   outbound.c  what a message is in Meta's JSON
 *     interactive.c  choices and cards there               outbound_template.c  templates there
 *     media.c     uploads                                  fetch.c     files that customers sent
 *     fault.c     what an error code means                 signal.c    read and typing
 *     probe.c     is the channel set up well?              templates.c which templates there are
 */
#pragma once
#include "base/json.h"
#include "model/adapter.h"
#include "model/judge.h"

/* Rows of its settings. */
enum { PHONE_NUMBER_ID, ACCESS_TOKEN, APP_SECRET, VERIFY_TOKEN, WABA_ID, FROM, VERSION, KEY_HEADER, MEDIA_HOST };

enum { ANSWER_MOST = 64 * 1024, ID_MOST = 256 };

/* ---- call.c ---- */

/* api_url (or Meta's), the version (none where the API is another's that needs none), and path behind them: "/106…/messages"; a new string. */
char *whatsapp_url (const struct channel *channel, const char *path);
/* A path below our number: "/messages"; where api_url is another's, as 360dialog's, without the number. */
char *whatsapp_number_url (const struct channel *channel, const char *path);
/* Adds the header that says who we are: Authorization: Bearer, or key_header with the token alone. */
void whatsapp_sign_in (const struct channel *channel, struct call_request *call);
/* A GET that no customer can notice; url is taken. */
void whatsapp_get (const struct channel *channel, char *url, size_t answer_most, struct call_request *call);
/* The call that posts a message, or a signal; whether the customer notices it is for the caller to say. */
void whatsapp_post (const struct channel *channel, const json_t *message, struct call_request *call);

/* ---- fields.c ---- */

/* Messages, statuses, errors and changes of one request: Meta sends at most 1,000. */
enum { ITEMS_MOST = 10000 };
/* Bytes. Customers may write 65,536 characters; what is longer would make pages of messages without measure. */
enum { CONTENT_MOST = 4 * 65536, PERSON_NAME_MOST = 1024, GIVEN_ID_MOST = 512 };
enum { NOTICE_DATA_MOST = 64 * 1024, RECEIPT_DATA_MOST = 8 * 1024, CHALLENGE_MOST = 1024 };
/* Bytes of what Meta says of a failure, asked or not. */
enum { DETAIL_MOST = 500 };

/* A request that is being read. */
struct reading {
    const struct channel *channel;
    int64_t now;
    struct received *received;
    size_t n_items;     /* that were met, understood or not */
    const char *reason; /* static: why something was not understood, the first time; NULL: all was */
};

/* One of its changes. */
struct change {
    struct reading *reading;
    const json_t *entry;
    json_t *value;
    const char *field;
    const char *route; /* as in struct incoming */
    const char *owner; /* as in struct notice */
    const char *own;   /* our address; NULL: nothing says it */
    bool ours;         /* it is about this channel or the one that route names, and not just about any of the same app */
};

/* All this takes objects that are NULL, or none. Texts are borrowed; an empty one counts as missing. */
const char *whatsapp_text (const json_t *object, const char *name);
/* A text that may be an id: short, and of printable ASCII. */
const char *whatsapp_id (const json_t *object, const char *name);
/* Microseconds since 1970 of a time in seconds or milliseconds, as a string or a number. 0: it is none. */
int64_t whatsapp_time (const json_t *object, const char *name);
/* At most so many bytes of text, cut at a character's end; a new string, NULL for NULL. */
char *whatsapp_cut (const char *text, size_t most);
/* The address of a number or a business-scoped id, as Meta writes them; a new string. NULL: id is NULL, or neither. */
char *whatsapp_address (const char *id);
/* Adds the address that an id gives, unless it is there. id NULL, or none: nothing. */
void whatsapp_add_address (GPtrArray *addresses, const char *id);
/* 64 hex digits of a SHA-256 that is in base64 or hex; a new string. NULL: it is neither. */
char *whatsapp_sha256 (const char *text);
/* Counts an item. False: there are more than may be, and no more is read. */
bool whatsapp_count (struct reading *reading);
/* Says that something was not understood. reason is static; NULL: it was. */
void whatsapp_missed (struct reading *reading, const char *reason);

/* ---- receive.c, verify.c ---- */

void whatsapp_receive (const struct channel *channel, const struct http_request *request, bool trusted, int64_t now,
                       struct received *received);
/* The answer to a verification GET: 200 with the challenge, or a stranger. */
void whatsapp_verify_url (const struct channel *channel, const struct http_request *request, struct received *received);
/* Whether X-Hub-Signature-256 is made with one of the channel's app secrets over the raw body. */
bool whatsapp_verify (const struct channel *channel, const struct http_request *request);

/* ---- inbound.c, content.c ---- */

/* The messages of a change: of customers, or of the business's own phone. */
void whatsapp_read_messages (const struct change *change);
void whatsapp_read_echoes (const struct change *change);
/* New business-scoped ids of people, who keep their history. */
void whatsapp_read_new_ids (const struct change *change);
/* What a message says: fills content, files, in_reply_to, quiet and opt_out, and adds to aliases whom it names as the same person. Never NULL:
 * what is not known becomes an event with all that it holds. */
json_t *whatsapp_read_content (json_t *message, struct incoming *incoming);
/* Adds to the "extra" of a content; nothing where value is NULL or null. value is borrowed. */
void whatsapp_put_extra (json_t *content, const char *name, json_t *value);

/* ---- notice.c ---- */

/* What a change says of numbers, templates and accounts. */
void whatsapp_read_notice (const struct change *change);
/* value.errors, of the number as a whole. */
void whatsapp_read_errors (const struct change *change);

/* ---- fault.c ---- */

/* Whether text may be an id of Meta's, of a message or of a file: not empty, short, and without what needs an escape in JSON. */
bool whatsapp_is_id (const char *text);
/* error.code of an answer's object; -1: it has none. */
int64_t whatsapp_error_code (const json_t *said);
/* What its error says in words; "" where it says nothing. Borrowed. */
const char *whatsapp_error_words (const json_t *said);
/* The verdict of an answer that is no success. said: its object, or NULL. visible: as of the call. */
void whatsapp_judge_fault (const struct channel *channel, const struct task *task, bool visible, const struct call_answer *answer,
                           const json_t *said, struct verdict *verdict);
/* What an error code means for a message that failed afterwards: ours, static; both NULL where nothing better is known than that it failed. */
void whatsapp_explain (int64_t code, const char **reason, const char **title);

/* What an error code means for the whole channel. remedy NULL: nothing. Static. */
const char *whatsapp_remedy (int64_t code);

/* ---- outbound.c ---- */

/* How many of Meta's messages a message makes. */
int whatsapp_outbound_count (const struct channel *channel, const struct task *task);
/* The part of a message that task->part says, as Meta takes it; ids: as media.c says. files gets (borrowed) those that stand in it. NULL:
 * there is no such part, or nobody that it can go to. */
json_t *whatsapp_outbound (const struct channel *channel, const struct task *task, const json_t *ids, GPtrArray *files);

/* A message that is being put in Meta's JSON. What is written is a new object, without envelope: {"type": "image", "image": {…}}. */
struct outbound {
    const struct channel *channel;
    const struct task *task;
    json_t *content;
    const json_t *ids; /* as media.c says */
    GPtrArray *used;   /* the files that stand in the part; NULL: nobody asks */
};

const struct carries *whatsapp_outbound_limits (const struct outbound *o);
/* The content's "text"; "" where it has none. */
const char *whatsapp_outbound_text (const struct outbound *o);
/* How many files the message has. */
guint whatsapp_outbound_files (const struct outbound *o);
/* The file at i as it goes; caption (taken) may be NULL. */
json_t *whatsapp_outbound_file (const struct outbound *o, guint i, json_t *caption);
/* Whether the file at i may stand above buttons, or in a template. */
bool whatsapp_outbound_can_be_header (const struct outbound *o, guint i);

/* ---- interactive.c, outbound_template.c ---- */

json_t *whatsapp_write_template (const struct outbound *o);
json_t *whatsapp_write_choice (const struct outbound *o);
/* Whether the message's one file stands above the choice's buttons. */
bool whatsapp_choice_has_header (const struct outbound *o);
json_t *whatsapp_write_cards (const struct outbound *o);
/* The file that heads a card; false: none of the message's. */
bool whatsapp_file_of_card (const struct outbound *o, const json_t *card, guint *file);

/* ---- media.c ----
 *
 * ids: what a message's notes say of its files, {"<sha256>": "<media id>", …}; null: the id that the channel knew is gone. */

/* Under which id Meta has a file; NULL: it is to be uploaded, or goes by its link. */
const char *whatsapp_media_id (const struct outgoing_file *file, const json_t *ids);
/* Whether it must be uploaded first. */
bool whatsapp_media_waits (const struct outgoing_file *file, const json_t *ids);
void whatsapp_upload_compose (const struct channel *channel, const struct outgoing_file *file, struct call_request *call);
/* VERDICT_NEXT: ids has the file's, and verdict->learned, too. */
void whatsapp_upload_judge (const struct channel *channel, const struct task *task, const struct outgoing_file *file,
                            const struct call_answer *answer, int64_t now, json_t *ids, struct verdict *verdict);

/* ---- the tasks: send.c, fetch.c, signal.c, probe.c, templates.c ---- */

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
void whatsapp_probe_judge (const struct channel *channel, const struct task *task, const struct call_answer *answer,
                           struct verdict *verdict);
bool whatsapp_templates_compose (const struct channel *channel, const char *notes, struct call_request *call);
void whatsapp_templates_judge (const struct channel *channel, const struct task *task, const char *notes, const struct call_answer *answer,
                               struct verdict *verdict);
