/* SPDX-License-Identifier: Apache-2.0
 *
 * What a client of the API wants said: the JSON of a POST, read strictly and held against what the channel carries. Pure: no database, no
 * clock. Its ways to fail end in a struct refusal, which is the problem that the client is answered.
 *
 *     struct outgoing o; struct refusal refusal;
 *     if (!outgoing_read (body, OUTGOING_REPLY, now, &o, &refusal)) … refusal …
 *     … its files are looked up …
 *     if (!o.note && (!outgoing_reaches (&o, carries, to, &refusal) || !outgoing_adapt (&o, carries, "twilio", files, &refusal))) … refusal …
 *     outgoing_clear (&o);
 */
#pragma once
#include "base/ids.h"
#include "base/json.h"
#include "model/adapter.h"
#include "model/transcode.h"

#define OUTGOING_REFERENCE_MOST 255        /* characters */
#define OUTGOING_METADATA_MOST (16 * 1024) /* bytes, as compact JSON */
#define OUTGOING_NOTE_MOST (64 * 1024)     /* bytes; 200 of them are still a page */
#define OUTGOING_CONTENT_MOST (64 * 1024)  /* bytes, as compact JSON; likewise */
#define OUTGOING_FILES_MOST 100            /* of a note too, which no channel limits */
#define OUTGOING_EXPIRY_MOST (30 * G_TIME_SPAN_DAY)

enum outgoing_form {
    OUTGOING_REPLY, /* to a ticket; may be a note */
    OUTGOING_FIRST, /* names channel and to */
};

/* Owns its strings. */
struct outgoing {
    char *channel, *to; /* OUTGOING_FIRST: slug, canonical address; else NULL */
    bool note, bulk;
    char *text;             /* what goes in plain text; NULL: files alone */
    const char *text_place; /* static: the JSON pointer of text */
    json_t *content;        /* as it was given, text and files alone too; NULL: a note */
    bool strict;            /* content must go as it is */
    char *instead;          /* what is sent where it cannot; NULL: what the model makes of it */
    struct transcoded sent; /* what goes: outgoing_adapt */
    GArray *files;          /* of struct id */
    char *reference;        /* NULL: none */
    char *metadata;         /* JSON; NULL: none */
    int64_t expires_at;     /* µs; 0: never */
    int64_t seen;           /* -1: not said */
    bool is_reply;          /* in_reply_to is set */
    struct id in_reply_to;
    char *quoted; /* what that message says, from whoever looks it up; NULL: nothing */
};

/* A problem: status 409 or 422. Owns its strings; place may be NULL. */
struct refusal {
    unsigned status;
    char *detail, *place;
};

/* now: µs since 1970. Either way o is to be cleared; on false refusal is, too. */
bool outgoing_read (json_t *body, enum outgoing_form form, int64_t now, struct outgoing *o, struct refusal *refusal);

/* Why nothing can be sent on a channel, whatever it is; NULL: it can. channel NULL: it is not served here. */
const char *outgoing_closed (const struct channel *channel, bool disabled);

/* Whether the channel can write to this address. */
bool outgoing_reaches (const struct outgoing *o, const struct carries *carries, const char *to, struct refusal *refusal);

/* Makes of o's content what the channel carries, and holds text and files against its limits. adapter: the channel's; files (of struct
 * outgoing_file): o's, in its order. */
bool outgoing_adapt (struct outgoing *o, const struct carries *carries, const char *adapter, const GPtrArray *files,
                     struct refusal *refusal);

/* The content that a message of a template must have, or says of itself, once the template is known. components: the provider's JSON array. */
bool outgoing_fill (struct outgoing *o, const char *components, struct refusal *refusal);

/* How it was put, {"native":true,"steps":[…]}, a new string. */
char *outgoing_rendering (const struct outgoing *o);

/* The message's content (model/content.h), a new string. */
char *outgoing_content (const struct outgoing *o, const GPtrArray *files);

void outgoing_clear (struct outgoing *o);
void refusal_clear (struct refusal *refusal);
