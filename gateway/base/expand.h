/* SPDX-License-Identifier: Apache-2.0
 *
 * What a value of the configuration file refers to: ${NAME} is a variable of the environment, ${file:/absolute/path} the content of a file, so that
 * secrets need not stand in the file itself.
 *
 *     g_autofree char *token = expand_text ("${TWILIO_TOKEN}", &error);
 */
#pragma once
#include <glib.h>

/* text with its references replaced, to be freed; of a file the last line end is left out. Variables and files must be UTF-8, a file at most 64 kB.
 * The error (G_FILE_ERROR) names the variable or the path, never a value. */
char *expand_text (const char *text, GError **error);
