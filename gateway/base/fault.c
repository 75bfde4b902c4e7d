/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fault.h"

#define QUOTE_MOST 64

void fault_free (struct fault *fault)
{
    if (!fault) return;
    g_free (fault->message);
    g_free (fault->hint);
    g_free (fault);
}

static void free_item (void *fault)
{
    fault_free (fault);
}

GPtrArray *faults_new (void)
{
    return g_ptr_array_new_with_free_func (free_item);
}

bool faults_full (const GPtrArray *faults)
{
    return faults->len >= FAULTS_MOST;
}

void fault_add (GPtrArray *faults, unsigned line, unsigned column, char *hint, const char *format, ...)
{
    if (faults_full (faults)) {
        g_free (hint);
        return;
    }
    struct fault *fault = g_new0 (struct fault, 1);
    va_list arguments;
    va_start (arguments, format);
    fault->message = g_strdup_vprintf (format, arguments);
    va_end (arguments);
    fault->line = line;
    fault->column = column;
    fault->hint = hint;
    g_ptr_array_add (faults, fault);
}

static int compare (const void *a, const void *b)
{
    const struct fault *first = *(const struct fault *const *) a, *second = *(const struct fault *const *) b;
    if (first->line != second->line) return first->line < second->line ? -1 : 1;
    return first->column < second->column ? -1 : first->column > second->column;
}

void faults_sort (GPtrArray *faults)
{
    g_ptr_array_sort (faults, compare);
}

char *fault_quote (const char *word)
{
    GString *quoted = g_string_new ("\"");
    const char *c = word;
    for (int n = 0; *c && n < QUOTE_MOST; c = g_utf8_next_char (c), n++)
        g_string_append_unichar (quoted, g_unichar_isprint (g_utf8_get_char (c)) ? g_utf8_get_char (c) : 0xfffd);
    g_string_append (quoted, *c ? "…\"" : "\"");
    return g_string_free (quoted, FALSE);
}
