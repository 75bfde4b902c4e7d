/* SPDX-License-Identifier: Apache-2.0
 *
 * The inside of struct params, for store/params.c and store/db.c alone: all values lie one after the other in bytes; offsets, because bytes may move as it grows.
 */
#pragma once
#include "store/db.h"

/* PostgreSQL counts microseconds since 2000-01-01. */
#define EPOCH_SHIFT INT64_C (946684800000000)

struct params {
    unsigned n, capacity;
    uint32_t *oids;
    size_t *offsets;
    int *lengths;
    bool *null;
    const char **values; /* filled when sent */
    int *formats;        /* all binary */
    GByteArray *bytes;
    uint32_t n_elements; /* of the array being built */
};
