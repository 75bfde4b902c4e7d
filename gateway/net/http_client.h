/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls to providers and endpoints: one thread with curl's multi interface, many calls at once. It decides nothing; it tells what happened
 * on the wire and, above all, whether the other side may have seen the request.
 *
 *     struct http_client *client = http_client_start (&options, &error);
 *     http_client_call (client, &call, &limits, done, data);        // from any thread; call's contents are taken
 *     …
 *     http_client_stop (client);                                    // ends what is under way: those are CALL_UNKNOWN or CALL_NOT_SENT
 *     http_client_free (client);
 *
 * Only what can start is handed to curl: a call waits here, in turn with those to other hosts, until connections are free, and that time counts
 * towards no limit but `wait`: what has waited for longer when its turn comes is not begun. How many may wait is the caller's to bound.
 *
 * Guards, as tried with libcurl 7.88: http and https only; no redirect is followed; no proxy of the environment; addresses are checked as
 * resolved, just before connect, so that DNS cannot rebind; a request is never sent twice silently (a request body is given by a read
 * function whose seek function fails: CURLE_SEND_FAIL_REWIND is CALL_UNKNOWN); answers are cut at a limit; slow ones end; a slow lookup of a
 * name holds up nobody else.
 */
#pragma once
#include "model/task.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct http_client;

struct http_client_options {
    unsigned connections;          /* at once, of all hosts */
    unsigned connections_per_host; /* at once */
    const char *user_agent;
};

struct http_client_limits {
    bool allow_private; /* whether loopback, link-local and private networks may be called */
    int64_t connect;    /* microseconds to be connected */
    int64_t whole;      /* microseconds for all of it */
    int64_t wait;       /* microseconds before it begins, after which nobody counts on it any more; 0: as long as it takes */
};

enum call_result {
    CALL_ANSWERED, /* answer is there, perhaps cut */
    CALL_NOT_SENT, /* nothing of the request reached the other side: no address, refused, no TLS, forbidden address */
    CALL_UNKNOWN,  /* it was sent, at least in part, and no whole answer came */
};

/* Borrowed by done. */
struct call_outcome {
    enum call_result result;
    struct call_answer answer; /* CALL_ANSWERED */
    const char *words;         /* why not, in curl's words, without secrets; "" where it was answered */
    bool forbidden;            /* CALL_NOT_SENT: the address is private */
    bool late;                 /* CALL_NOT_SENT: its turn came too late */
    int64_t took;              /* microseconds */
};

/* Keeps what done was told beyond its end; words, content type and location become strings of *kept. */
void call_outcome_keep (const struct call_outcome *outcome, struct call_outcome *kept);
/* Of one that was kept, or is all zero. */
void call_outcome_clear (struct call_outcome *kept);

/* Fails where libcurl is not the one that this was written for: with OpenSSL, and looking names up beside the thread. */
struct http_client *http_client_start (const struct http_client_options *options, GError **error);
/* done is called once, on the client's thread, and must not block; it may call again. Any thread. */
void http_client_call (struct http_client *client, struct call_request *call, const struct http_client_limits *limits,
                       void (*done) (const struct call_outcome *outcome, void *data), void *data);
/* Ends what waits and what is under way, answering each; no done is called once this has returned, and nobody may call any more. What is
 * called while this runs is CALL_NOT_SENT. Not from done. */
void http_client_stop (struct http_client *client);
/* Stops it, where that was not done. */
void http_client_free (struct http_client *client);

struct http_client_counts {
    unsigned waiting, under_way;
};
/* Any thread. A call that done is being told of is counted no more. */
void http_client_look (const struct http_client *client, struct http_client_counts *counts);
