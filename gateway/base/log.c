/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/clock.h"
#include "base/json.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Longer sentences are cut, so that a line stays one write and readable. */
#define MESSAGE_MOST 4000

static int threshold = LOG_INFO;

void log_set_level (enum log_level level)
{
    g_atomic_int_set (&threshold, (int) level);
}

/* One write, so that lines of several threads do not mix. Nobody can be told when standard error is gone. */
static void write_line (const GString *line)
{
    for (size_t done = 0; done < line->len;) {
        ssize_t n = write (STDERR_FILENO, line->str + done, line->len - done);
        if (n < 0 && errno != EINTR) return;
        done += n > 0 ? (size_t) n : 0;
    }
}

void log_write (enum log_level level, const char *event, const char *format, ...)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};
    if ((int) level < g_atomic_int_get (&threshold)) return;
    int saved_errno = errno;
    va_list arguments;
    va_start (arguments, format);
    g_autofree char *raw = g_strdup_vprintf (format, arguments);
    va_end (arguments);
    g_autofree char *message = g_utf8_make_valid (raw, (gssize) strnlen (raw, MESSAGE_MOST));

    char at[CLOCK_TEXT_SIZE];
    clock_format (clock_now (), at);
    g_autoptr (GString) line = g_string_sized_new (256);
    g_string_append_printf (line, "{\"ts\":\"%s\",\"level\":\"%s\",\"event\":", at, names[level]);
    json_quote (line, event);
    g_string_append (line, ",\"msg\":");
    json_quote (line, message);
    g_string_append (line, "}\n");
    write_line (line);
    errno = saved_errno;
}
