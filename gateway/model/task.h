/* SPDX-License-Identifier: Apache-2.0
 *
 * Work for an adapter's sending side: a task is what is to be done, a call is one HTTP request of it, an answer is what came back, a verdict
 * is what the adapter makes of that. flow repeats compose, perform, judge until the verdict is not VERDICT_NEXT:
 *
 *     struct call_request c = {0}; struct verdict v = {0};
 *     while (adapter->compose (channel, &task, notes, now, &c)) {      // pure
 *         … perform c, which gives answer …
 *         adapter->judge (channel, &task, notes, &answer, now, &v);           // pure
 *         if (v.kind != VERDICT_NEXT) break;
 *     }
 */
#pragma once
#include "model/adapter.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum task_kind {
    TASK_SEND,      /* a part of an outgoing message */
    TASK_FETCH,     /* a file that the provider holds */
    TASK_PROBE,     /* are the credentials good, and is the provider told where to call us? */
    TASK_BACKFILL,  /* what came in while nobody listened: one page of it a round */
    TASK_TEMPLATES, /* which templates there are: one page of them a round */
    TASK_SIGNAL,    /* the customer sees that the message `reply_to` was read, or that somebody types */
};

/* A file of an outgoing message. Owns its strings. */
struct outgoing_file {
    char *mime;
    char *name; /* NULL: none */
    char *url;  /* where the provider may fetch it, signed and for a limited time */
    int64_t size;
    char *sha256;  /* 64 lower-case hex digits; NULL: not known */
    char *known;   /* what the channel learned of it: the value of the note channel_note_file (file); NULL: nothing */
    GBytes *bytes; /* where the adapter uploads; NULL: they cannot be read, or it does not */
};

void outgoing_file_free (struct outgoing_file *file);

/* What a channel learned and will know until it expires, for other tasks too: a file's id at the provider. Owns its strings. */
struct channel_note {
    char *key, *value;
    int64_t expires; /* microseconds since 1970 */
};

struct channel_note *channel_note_new (const char *key, const char *value, int64_t expires);
void channel_note_free (struct channel_note *note);
/* The key of what is known of a file: "file " and its SHA-256; a new string. NULL: that is not known. */
char *channel_note_file (const struct outgoing_file *file);

enum signal_kind { SIGNAL_READ, SIGNAL_TYPING };

/* A template as the provider describes it. Owns its strings. */
struct provider_template {
    char *external_id; /* NULL: none */
    char *name, *lang, *status, *category;
    char *components; /* a JSON array, as the provider writes it */
};

struct provider_template *provider_template_new (void);
void provider_template_free (struct provider_template *template);

/* Owns its strings. */
struct task {
    enum task_kind kind;
    /* TASK_SEND */
    char *to;         /* URI */
    char *text;       /* plain-text rendering; "" where there is none */
    char *content;    /* JSON object with "kind" (model/content.h) */
    GPtrArray *files; /* of struct outgoing_file; NULL: none */
    char *reference;  /* the message's id; the receipt URL carries it, so that a receipt finds its message even if the answer was lost */
    int part;         /* which part, from 0 */
    char *reply_to;   /* the provider's id of the message that it answers or reacts to; also TASK_SIGNAL. NULL: none */
    /* TASK_FETCH */
    char *url;
    char *sha256; /* what its bytes should be, 64 lower-case hex digits; NULL: not said */
    /* TASK_SIGNAL */
    enum signal_kind signal;
    /* TASK_BACKFILL */
    int64_t since, until; /* microseconds since 1970 */
};

void task_clear (struct task *task);

/* One HTTP request to a provider. Owns its strings; call_request_clear. */
struct call_request {
    const char *method; /* static */
    char *url;
    char *user, *password;    /* HTTP Basic; NULL: none */
    GPtrArray *headers;       /* name, value, name, value …; NULL: none */
    const char *content_type; /* static */
    GBytes *body;             /* NULL: none */
    bool visible;             /* the customer may notice it: a lost answer is UNCERTAIN, else it is simply tried again */
    size_t answer_most;       /* bytes of answer that are read; the rest is cut */
};

void call_request_clear (struct call_request *call);

/* What came back. headers: name, value, …; body is never NULL. cut: the answer was longer than answer_most. */
struct call_answer {
    unsigned status;
    const char *content_type; /* "" where there is none */
    const char *location;     /* of a redirect; NULL: none */
    GBytes *body;
    bool cut;
    int64_t retry_after; /* microseconds from now, as the provider asks, at most an hour; -1: it does not */
};

enum verdict_kind {
    VERDICT_NEXT,         /* another round of this task: notes say what was learned */
    VERDICT_SENT,         /* SEND: the provider has it; else it is done */
    VERDICT_RETRY,        /* later; its scope says what waits */
    VERDICT_REFUSED,      /* never: code and title say why */
    VERDICT_OPTED_OUT,    /* never, and nothing more to this person */
    VERDICT_CHANNEL_DOWN, /* nothing goes on this channel until somebody mends it: title says what, remedy how */
    VERDICT_DEGRADED,     /* PROBE: it works, but something is to be mended */
    VERDICT_UNCERTAIN,    /* it may or may not have happened */
};

/* What a verdict speaks of. */
enum verdict_scope {
    SCOPE_MESSAGE,
    SCOPE_PAIR,
    SCOPE_CHANNEL,  /* it asks for patience: nothing more on this channel for a while */
    SCOPE_PROVIDER, /* it does not answer, or not as it should: a few of these in a row take the channel down */
};

/* Owns its strings but the static ones. */
struct verdict {
    enum verdict_kind kind;
    enum verdict_scope scope; /* VERDICT_RETRY, VERDICT_UNCERTAIN */
    int64_t after;            /* VERDICT_RETRY: microseconds that the provider asks for; -1: as flow thinks best */
    char *external_id;        /* VERDICT_SENT */
    const char *code;         /* ours, static: "too_long", "no_answer" …; NULL where nothing is wrong */
    const char *title;        /* one sentence for people, static, lower case */
    const char *remedy;       /* VERDICT_CHANNEL_DOWN, VERDICT_DEGRADED: what to do, static */
    char *provider_code;      /* NULL: none */
    char *detail;             /* the provider's words, valid UTF-8 without NUL, at most 500 bytes; NULL: none */
    char *notes; /* what was learned: VERDICT_NEXT for the next round, else for the next attempt; NULL: what was known still is */
    struct received received; /* BACKFILL: items of this page; each of raws is what one of them was made from */
    GPtrArray *raws;          /* of GBytes; as many as received.messages; NULL: none */
    GPtrArray *learned;       /* of struct channel_note; NULL: none */
    GPtrArray *templates;     /* TEMPLATES: of struct provider_template, of this page; NULL: none */
};

void verdict_clear (struct verdict *verdict);
