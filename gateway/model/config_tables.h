/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables of the configuration file by number, for model/config.c.
 */
#pragma once
#include "model/config.h"

enum { TABLE_LISTEN, TABLE_DATABASE, TABLE_STORAGE, TABLE_LIMITS, TABLE_RETENTION, TABLE_ACCOUNT, TABLE_CHANNEL, TABLE_WEBHOOK, TABLE_N };
