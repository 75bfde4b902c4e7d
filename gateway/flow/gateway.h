/* SPDX-License-Identifier: Apache-2.0
 *
 * The running program: its parts started in order, its signals, its end.
 */
#pragma once

/* Serves path until SIGTERM or SIGINT. Prints one line on standard output when ready. Returns the exit status. */
int gateway_serve (const char *path);
