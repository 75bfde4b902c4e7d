/* SPDX-License-Identifier: Apache-2.0
 *
 * The contract between the gateway and an adapter, the code that speaks one provider's language. An adapter is one const struct with
 * one symbol, named in adapters/all.c. It is pure: no I/O, no clock, no globals, no logging; now and everything else it needs are arguments. So it
 * can be tested by files, fuzzed as it is and replayed after a fix. It MAY be called from several threads at once.
 *
 * receive MUST verify the signature over the raw bytes, in constant time, before it reads anything else of the request, unless
 * request is trusted (a journal entry that was verified when it came). What a provider signs nothing with proves itself by request->secret; an
 * adapter whose provider signs MUST take a request that has one for a stranger. It fills *received:
 *   RECEIVED_STRANGER    not authentic: nothing is stored, the gateway answers 403 as for an unknown channel
 *   RECEIVED_UNREADABLE  authentic, but not understood: reason says why (no customer words); journaled, quarantined, answered with reply
 *   RECEIVED_ITEMS       understood: items (zero or more), answered with reply after COMMIT
 *   RECEIVED_REFUSED     the method or form is not this adapter's: answered with reply at once (405, 415), nothing stored
 */
#pragma once
#include "base/settings.h"
#include "model/channel.h"
#include "model/http.h"
#include "model/message.h"

enum received_kind { RECEIVED_STRANGER, RECEIVED_UNREADABLE, RECEIVED_ITEMS, RECEIVED_REFUSED };

struct received {
    enum received_kind kind;
    struct http_response *reply; /* owned; NULL for RECEIVED_STRANGER */
    /* Owned: one sentence, lower case, without customers' words. RECEIVED_UNREADABLE: why. RECEIVED_ITEMS: why part of the request was not
     * understood, which is quarantined beside what was; NULL: all was. */
    char *reason;
    GPtrArray *messages; /* of struct incoming, owned; NULL: none */
    GPtrArray *receipts; /* of struct receipt, owned; NULL: none */
    GPtrArray *notices;  /* of struct notice, owned; NULL: none */
};

void received_clear (struct received *received);

/* An item may name the channel that it belongs to: one of the same account and adapter, whose setting `route` has that value or whose own address
 * it is, and whose settings `secret` share one with the channel that the request came to. What a notice says of an account at the provider
 * belongs to all those whose setting `owner` names that. Rows of the adapter's settings. */
struct routing {
    unsigned route, secret, owner;
};

struct task;
struct call_request;
struct call_answer;
struct verdict;

/* What a channel carries of a choice. Titles, texts and labels: characters; ids: bytes. 0: there is none of that. */
struct carries_choice {
    size_t text_most; /* of the question, as buttons */
    size_t footer_most;
    size_t buttons_most, button_title_most, button_id_most;
    size_t rows_most, row_title_most, row_description_most, row_id_most; /* as a list */
    size_t list_text_most;                                               /* of the question, as a list */
    size_t sections_most, section_title_most;
    size_t label_most;                 /* of the button that opens a list, or leads to a URL */
    bool url, location, contact, flow; /* one option of that type, alone, goes as it is */
    bool header;                       /* one file before the question, with buttons */
};

/* What it carries of cards, beyond a single one that goes as text, media or choice. */
struct carries_cards {
    size_t least, most;
    size_t text_most;
    size_t title_most; /* of the one option of a card */
};

/* One kind of file. kind: "image", "audio", "voice", "video", "document" or "sticker". */
struct carries_file {
    const char *kind;
    const char *const *types; /* NULL-terminated, as in struct carries */
    size_t most;              /* bytes */
    bool caption;             /* text goes with it */
};

/* What a channel can carry; a limit of 0 says that there is none of that. */
struct carries {
    const char *const *kinds;   /* content kinds that go out as they are (model/content.h), NULL-terminated; others are put in words */
    const char *const *schemes; /* of the addresses that can be written to (model/address.h), NULL-terminated: "tel", "mailto" … */
    size_t text_most;           /* characters of text */
    size_t text_longest;        /* of one that the adapter cuts into several messages; 0: it cuts none */
    size_t file_most;           /* bytes of one file */
    size_t files_most;          /* files of one message, whatever number of parts they make */
    const char *const *types;   /* of files, NULL-terminated: "image/", "image/jpeg" …; NULL: any */
    const struct carries_file *file_kinds; /* kind NULL ends them: each with its own limit, beside file_most; NULL: files are files */
    size_t caption_most;                   /* characters of text beside a file; more goes as a message of its own. 0: text_most */
    struct carries_choice choice;
    struct carries_cards cards;
    bool reply_to;      /* which message is answered goes with it, else as a quoted line */
    int64_t window;     /* microseconds after the customer's last word in which free text may be sent; 0: always */
    int64_t pair_pace;  /* microseconds between two messages to one person; 0: none */
    int pair_burst;     /* so many may go at once, and are paid for by waiting afterwards */
    int64_t file_life;  /* microseconds for which the provider holds what came in; 0: as limits.fetch_give_up says */
    bool uploads;       /* files are given to the provider by us (struct outgoing_file's bytes), not fetched by it */
    bool templates;     /* there is a list of templates (TASK_TEMPLATES) */
    bool segments;      /* text is counted in SMS segments (model/sms.h); the channel's rate counts them */
    bool opt_out_words; /* STOP, START and HELP are looked for in what comes in (model/opt_out.h) */
    bool answers_words; /* the provider itself answers them, so we must not */
};

struct adapter {
    const char *name; /* what `adapter:` says in the configuration */
    const struct setting *settings;
    size_t n_settings;
    const struct routing *routing; /* NULL: its items name no channel */

    /* What a channel carries; static. */
    const struct carries *(*carries) (const struct channel *channel);
    /* The channel's own address, to be freed; NULL: it has none. The slot MAY be NULL: then it is the number or sender that the setting `from`
     * names. */
    char *(*own_address) (const struct channel *channel);

    /* What the table cannot say of values, the channel's own settings, each of them already right by itself. NULL: nothing is wrong. Else
     * what is, as it follows the channel's name in a fault ("has neither from nor …"); *hint says how to mend it. Both static, without
     * any value. The slot MAY be NULL. */
    const char *(*check) (const struct values *values, const char **hint);

    void (*receive) (const struct channel *channel, const struct http_request *request, bool trusted, int64_t now,
                     struct received *received);

    /* How many parts a message makes (at least 1); which files go into which part is compose's own affair, and always the same. */
    int (*count_parts) (const struct channel *channel, const struct task *task);
    /* Writes the next call of a task (model/task.h). notes: what the verdict before said, NULL in the first round. False: there
     * is no such call, for the message has no such part or the address (a person's, a file's) is none that may be called. */
    bool (*compose) (const struct channel *channel, const struct task *task, const char *notes, int64_t now, struct call_request *call);
    /* What an answer means. It is the provider's, or anybody's between us: HTML, half a JSON object, nothing. */
    void (*judge) (const struct channel *channel, const struct task *task, const char *notes, const struct call_answer *answer, int64_t now,
                   struct verdict *verdict);
};

/* Whether a file's type is one of those that struct carries names; what it has after a semicolon says nothing of it here. types NULL: any. */
bool adapter_takes_type (const char *const *types, const char *mime);
/* What a channel carries as that kind of file. NULL: nothing, or no kind was named. */
const struct carries_file *adapter_file_kind (const struct carries *carries, const char *kind);

/* Every adapter of this build, NULL-terminated (adapters/all.c). */
extern const struct adapter *const adapters[];

/* NULL: no adapter of that name. */
const struct adapter *adapter_find (const char *name);
