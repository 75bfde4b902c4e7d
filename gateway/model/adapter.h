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
    char *reason;                /* owned; RECEIVED_UNREADABLE only: one sentence, lower case, without customers' words */
    GPtrArray *messages;         /* of struct incoming, owned; NULL: none */
    GPtrArray *receipts;         /* of struct receipt, owned; NULL: none */
};

void received_clear (struct received *received);

struct task;
struct call_request;
struct call_answer;
struct verdict;

/* What a channel of this adapter can carry; a limit of 0 says that there is none of that. */
struct carries {
    const char *const *kinds;   /* content kinds that go out as they are (model/content.h), NULL-terminated; others are put in words */
    const char *const *schemes; /* of the addresses that can be written to (model/address.h), NULL-terminated: "tel", "mailto" … */
    size_t text_most;           /* characters of text */
    size_t file_most;           /* bytes of one file */
    size_t files_most;          /* files of one message, whatever number of parts they make */
    const char *const *types;   /* of files, NULL-terminated: "image/", "image/jpeg" …; NULL: any */
    bool segments;              /* text is counted in SMS segments (model/sms.h); the channel's rate counts them */
    bool opt_out_words;         /* STOP, START and HELP are looked for in what comes in (model/opt_out.h) */
    bool answers_words;         /* the provider itself answers them, so we must not */
};

struct adapter {
    const char *name; /* what `adapter:` says in the configuration */
    const struct setting *settings;
    size_t n_settings;
    struct carries carries;

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

/* Every adapter of this build, NULL-terminated (adapters/all.c). */
extern const struct adapter *const adapters[];

/* NULL: no adapter of that name. */
const struct adapter *adapter_find (const char *name);
