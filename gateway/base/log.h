/* SPDX-License-Identifier: Apache-2.0
 *
 * One JSON line per happening on standard error: ts, level, event, msg. Only flow/ and main.c log; lower floors return a GError.
 * Customers' words, numbers, addresses and secrets are never passed here. Safe from any thread.
 *
 *     log_info ("intake.reconnected", "connected to the database again after %d tries", n);
 */
#pragma once
#include <glib.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

void log_set_level (enum log_level level);

/* event: a stable dotted name that operators search for; format: one sentence, lower case, no full stop. Control bytes are escaped. */
void log_write (enum log_level level, const char *event, const char *format, ...) G_GNUC_PRINTF (3, 4);

#define log_debug(...) log_write (LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_write (LOG_INFO, __VA_ARGS__)
#define log_warning(...) log_write (LOG_WARNING, __VA_ARGS__)
#define log_error(...) log_write (LOG_ERROR, __VA_ARGS__)
