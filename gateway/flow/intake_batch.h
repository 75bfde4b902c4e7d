/* SPDX-License-Identifier: Apache-2.0
 *
 * A chain of intake jobs as the arrays of the SQL function intake(). One thread.
 */
#pragma once
#include "flow/intake.h"
#include "store/db.h"

struct batch;

struct batch *batch_new (void);
void batch_free (struct batch *batch);

/* One call, one transaction. Jobs with a reason are quarantined with it, beside what was understood of them. The same jobs may be given again. */
bool batch_store (struct batch *batch, struct db *db, const struct intake_job *jobs, GError **error);
