/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether the program's threads still go round. A thread that loops has a pulse, and says when it waits: for work, or for the database (store/db.c
 * says so for everyone); that may take as long as it likes. Anything else that takes longer than PULSE_LIMIT is a hang. /livez asks.
 *
 *     pulse_start ("feed");
 *     for (;;) { pulse_wait (); … g_cond_wait … pulse_work (); … }
 */
#pragma once
#include <glib.h>
#include <stdint.h>

/* Between two waits lie a file's fsync and some computing: milliseconds, on a very bad disk seconds. */
#define PULSE_LIMIT (30 * G_TIME_SPAN_SECOND)

/* This thread has a pulse from now until it ends, and works. name is a static text. */
void pulse_start (const char *name);

/* This thread waits; it goes on working. Nothing where it has no pulse. */
void pulse_wait (void);
void pulse_work (void);

/* The name of a thread that has not waited for PULSE_LIMIT before now (monotonic µs); NULL: all go round. Any thread; never blocks for long. */
const char *pulse_hung (int64_t now);
