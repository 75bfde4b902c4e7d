/* SPDX-License-Identifier: Apache-2.0
 *
 * One call of the HTTP client: how curl is told of it, what curl may do with it, and what is made of its end. For http_client.c alone, and but for
 * http_transfer_new all on the client's thread.
 *
 *     new ──> waits for its turn ──> begin ──> curl performs it ──> end (done is called)
 *      └────────────┴──> end: it never began
 */
#pragma once
#include "base/auto.h"
#include "net/http_client.h"

#include <curl/curl.h>

struct http_transfer {
    GList link; /* of the queue that it is in */
    struct http_host *host;
    struct call_request call;
    struct http_client_limits limits;
    void (*done) (const struct call_outcome *outcome, void *data);
    void *data;

    CURL *easy;              /* while curl has it */
    int64_t asked_at, began; /* monotonic */
    struct curl_slist *headers;
    size_t asked; /* bytes of the body that curl has */
    GByteArray *body;
    size_t head_size;
    bool headed;           /* the answer's head came to its end */
    bool uploading;        /* curl came for the body */
    bool cut;              /* the answer was longer than wanted */
    bool refused, tried;   /* some address was private; some other was not */
    bool ended_unanswered; /* curl was about to send it once more */
    bool late;             /* it waited for longer than it may */
};

/* Takes the contents of call. */
struct http_transfer *http_transfer_new (struct call_request *call, const struct http_client_limits *limits,
                                         void (*done) (const struct call_outcome *outcome, void *data), void *data);
void http_transfer_free (struct http_transfer *transfer);
AUTO_FREE (http_transfer, http_transfer_free)

/* "example.org:443", by which connections are counted; NULL where the call is not to be made at all, and *words says why. */
char *http_transfer_host (const struct http_transfer *transfer, const char **words);
/* Tells easy, which is as new, all of it. */
void http_transfer_begin (struct http_transfer *transfer, CURL *easy, const char *user_agent);
/* Tells done of the end that curl came to. */
void http_transfer_end (struct http_transfer *transfer, CURLcode code, const char *host);
/* Tells done of an end that was not curl's. host: NULL where there is none. */
void http_transfer_break (struct http_transfer *transfer, const char *words, const char *host);
