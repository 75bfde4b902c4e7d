/* SPDX-License-Identifier: Apache-2.0
 *
 * What an adapter makes of a provider's request: incoming messages, receipts and notices. All text is valid UTF-8 without NUL (model/text.h).
 */
#pragma once
#include "model/opt_out.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* A file that the provider holds for us; fetched later. */
struct remote_file {
    char *url;
    char *mime;   /* NULL: not said */
    char *name;   /* NULL: not said */
    char *sha256; /* of its bytes, 64 lower-case hex digits, as the provider says; NULL: not said */
};

/* One message from a customer. Owns its strings. */
struct incoming {
    char *external_id;    /* the provider's id; what makes it one message however often it comes */
    char *from;           /* address of the customer, a URI: tel:+15550001111 */
    char *to;             /* ours */
    char *name;           /* what the provider says the customer is called; NULL: nothing */
    char *text;           /* plain-text rendering, may be "" */
    char *content;        /* JSON object with "kind" (model/content.h) */
    GPtrArray *files;     /* of struct remote_file; NULL: none */
    int64_t at;           /* the provider's time, microseconds since 1970; 0: not said */
    GPtrArray *aliases;   /* of char *: more addresses (URIs) of the same person, on this channel; NULL: none */
    char *in_reply_to;    /* the provider's id of the message that it answers, reacts to or changes; NULL: none */
    char *route;          /* which channel it belongs to (struct routing); NULL: the one that it came to */
    int64_t channel_id;   /* filled by flow from route; 0: the one that it came to */
    int64_t window_until; /* until then the customer may be answered freely, microseconds since 1970; 0: it says nothing of that */
    bool echo;            /* said by the business itself, on a device of the provider's: from is still the customer, to still ours */
    bool quiet;           /* opens no ticket: kept only where there is an unclosed one; what it says of addresses is heeded in any case */
    /* What the message as a whole asks for, by the provider's word or by ours. */
    enum opt_out_word opt_out;
};

struct incoming *incoming_new (void);
void incoming_free (struct incoming *incoming);
struct remote_file *remote_file_new (const char *url, const char *mime, const char *name);
void remote_file_free (struct remote_file *file);

/* Rises only: a later receipt never lowers a message's status. Names: status_name. */
enum status { STATUS_QUEUED, STATUS_UNCERTAIN, STATUS_SENT, STATUS_FAILED, STATUS_DELIVERED, STATUS_READ };
const char *status_name (enum status status);

/* What a provider says later of a message that we sent. Owns its strings. */
struct receipt {
    char *external_id;
    enum status status;
    char *code;      /* the provider's own, NULL: none */
    char *detail;    /* the provider's words, NULL: none */
    int64_t at;      /* 0: not said */
    char *reference; /* the id of our message, where the callback's URL carries it; NULL: none */
    int part;        /* which part of that message */
    bool opted_out;  /* it failed because the customer wants nothing more */
    /* STATUS_FAILED: ours, static, as code and title of a verdict ("window_closed", what to do); NULL: nothing better than "not_delivered". */
    const char *reason, *title;
    char *data;  /* more that the provider says, as a JSON object (prices); NULL: nothing */
    char *route; /* as in struct incoming */
    int64_t channel_id;
};

struct receipt *receipt_new (const char *external_id, enum status status);
void receipt_free (struct receipt *receipt);

/* What a provider says of the channel itself: its number, its templates, its account. Becomes an event of the account. Owns its strings. */
struct notice {
    char *external_id;  /* what makes it one, however often it comes: a hash of it, where the provider names none */
    const char *topic;  /* static: "template", "quality", "account", "preferences" … */
    const char *title;  /* one sentence for people, static, lower case */
    char *data;         /* the provider's words, a JSON object */
    const char *health; /* static: "down": nothing can be sent from now on, "up": that is over; NULL: neither */
    const char *remedy; /* health "down": what to do, static */
    int64_t at;         /* 0: not said */
    char *route;        /* as in struct incoming */
    char *owner;        /* the provider's account that it speaks of: it is told of each channel of that (struct routing); NULL: of one */
    int64_t channel_id;
};

struct notice *notice_new (const char *external_id, const char *topic, const char *title);
void notice_free (struct notice *notice);
struct notice *notice_copy (const struct notice *notice);

/* What makes a provider's id of a message unique within its channel; receipts find their message by it. */
void message_hash_id (const char *external_id, uint8_t hash[16]);
/* The same of a notice; no message's is equal to it. */
void notice_hash_id (const char *external_id, uint8_t hash[16]);
