/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of an adapter's receiving side by files: FOLDER/NAME.http is a request as it comes on the wire, FOLDER/NAME.json what the adapter makes
 * of it, with the members that are set. Every request is also replayed as a trusted one, and must then give the same.
 */
#pragma once
#include "base/json.h"
#include "model/adapter.h"

/* The instant that adapters are told: 2023-11-14T22:13:20Z. */
#define GOLDEN_NOW INT64_C (1700000000000000)

struct golden {
    const char *folder, *path; /* path: of the tests, "/twilio/files/" */
    struct channel channel;
    guint least; /* files that there must be */
    /* Told of each request that was understood or quarantined: that nobody else can have sent it. */
    void (*assert_forgeries_fail) (const struct channel *channel, const struct http_request *request);
};

/* A channel "acme/main" of an adapter. values are to be unref'd. */
struct channel golden_channel (const char *adapter, const char *public_url, const char *const *pairs);

/* What receive makes of a request, as JSON. */
json_t *golden_receive (const struct channel *channel, const struct http_request *request, bool trusted);

/* Whether what golden_receive gave is "stranger", "unreadable", "items" or "refused". */
bool golden_is (const json_t *shown, const char *kind);

/* A test of each file of the folder. golden lives until the tests have run. */
void golden_add_files (const struct golden *golden);
