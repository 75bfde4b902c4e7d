/* SPDX-License-Identifier: Apache-2.0
 *
 * Asks the database all the time whether it is there, on a thread and a connection of its own, so that /readyz knows without asking and an idle
 * gateway notices too.
 */
#pragma once
#include <glib.h>
#include <stdbool.h>

struct ping;

/* Connects; fails if the database cannot be reached now. */
struct ping *ping_start (const char *database_url, GError **error);
void ping_stop (struct ping *ping);

/* Has the database answered what it was asked within the last two seconds? Any thread, never blocks. */
bool ping_answered (struct ping *ping);
