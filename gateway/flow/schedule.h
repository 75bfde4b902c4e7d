/* SPDX-License-Identifier: Apache-2.0
 *
 * What has to be done from time to time: partitions made ahead and dropped after their retention, what is older than its retention removed. One thread.
 */
#pragma once
#include "model/config.h"

struct schedule;

/* current (data) gives a reference to the configuration of the moment. */
struct schedule *schedule_start (struct config *(*current) (void *data), void *data);
void schedule_stop (struct schedule *schedule);

/* How many transactions ago the oldest snapshot was taken that holds vacuum back; seen once a minute. Any thread. */
int64_t schedule_oldest_snapshot (const struct schedule *schedule);
