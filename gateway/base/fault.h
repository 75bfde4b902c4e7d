/* SPDX-License-Identifier: Apache-2.0
 *
 * What is wrong with a file that a person wrote: where, what, and how to mend it. Faults are collected in a GPtrArray, so that one look at the
 * file mends them all. Values of the file never stand in a message: they may be secrets; keys do, cut and with control bytes replaced.
 */
#pragma once
#include <glib.h>
#include <stdbool.h>

/* More are not collected: a file with that many is not the file that was meant. */
#define FAULTS_MOST 100

/* line and column count from 1, in characters. hint may be NULL. */
struct fault {
    unsigned line, column;
    char *message, *hint;
};

/* An array that owns its faults. */
GPtrArray *faults_new (void);
void fault_free (struct fault *fault);

/* hint is taken; NULL: none. */
void fault_add (GPtrArray *faults, unsigned line, unsigned column, char *hint, const char *format, ...) G_GNUC_PRINTF (5, 6);
bool faults_full (const GPtrArray *faults);

/* In the order of the file. */
void faults_sort (GPtrArray *faults);

/* A key of the file as it may stand in a message: at most 64 characters, no control bytes. */
char *fault_quote (const char *word);
