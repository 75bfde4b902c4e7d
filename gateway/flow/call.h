/* SPDX-License-Identifier: Apache-2.0
 *
 * One API request on its way through a worker, and the ways to answer it. Every handler answers exactly once.
 */
#pragma once
#include "flow/feed.h"
#include "flow/intake.h"
#include "flow/route.h"
#include "flow/signals.h"
#include "model/config.h"
#include "net/http_server.h"
#include "store/db.h"

struct call {
    struct http_exchange *exchange;
    const struct http_request *request;
    const struct route *route;
    struct id id;      /* of the path */
    GHashTable *query; /* owned */
    uint8_t key_hash[32];
    int64_t account_id;
    struct id key_id;
    char *request_id;      /* owned */
    int64_t began;         /* monotonic */
    struct db *db;         /* the worker's */
    struct config *config; /* owned reference */
    GBytes *media_secret;  /* the API's */
    bool once;             /* Idempotency-Key was given: */
    uint8_t once_key[32], once_body[32];
    struct intake *intake;
    struct feed *feed;
    struct signals *signals;
    struct api *api;
    void (*go_on) (struct call *call); /* what is left to do; NULL: everything */
    struct call *next;
};

void call_free (struct call *call);

/* Answers and frees call. */
void call_reply (struct call *call, struct http_response *response);
void call_problem (struct call *call, unsigned status, const char *detail, const char *place);
/* By the SQLSTATE of call->db's last error: SBnnn is a problem of status nnn, a lost connection 503. */
void call_database_problem (struct call *call, const GError *error);

/* Tells whoever waits for it that something of this account was committed. */
void call_committed (const struct call *call);

/* Gives call to a worker once more, who does go_on with a connection; from any thread, never refused: it was admitted when it came. */
void call_resume (struct call *call, void (*go_on) (struct call *call));

/* Does the whole work of the matched route; answers. Worker thread. */
void endpoint_handle (struct call *call);
