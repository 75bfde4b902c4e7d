/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading the configuration file, for serving and for the commands alike.
 */
#pragma once
#include "model/config.h"

/* Reads and checks the file; each fault is told as "path:line:column: message (hint)". NULL: there was one. */
struct config *setup_read (const char *path, void (*tell) (const char *text));
