/* SPDX-License-Identifier: Apache-2.0
 *
 * Gives receipts to their messages. The intake only stores them, so that a flood of receipts costs it little; this thread matches them in
 * batches of its own (schema/functions/receipts.sql).
 */
#pragma once
#include "model/config.h"

struct receipts;

/* changed: something was committed. */
struct receipts *receipts_start (const struct config *config, void (*changed) (void *data), void *data, GError **error);
/* Some may have come. Any thread. */
void receipts_wake (struct receipts *receipts);
void receipts_stop (struct receipts *receipts);
void receipts_free (struct receipts *receipts);
