/* SPDX-License-Identifier: Apache-2.0 */
#include "base/expand.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_BYTES_MOST 65536

static char *read_file (const char *path, GError **error)
{
    /* Not blocking: a pipe that nobody writes to would hold the program up. */
    int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat status;
    if (fd < 0 || fstat (fd, &status) < 0) {
        int code = errno;
        g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (code), "could not read file %s: %s", path, g_strerror (code));
        if (fd >= 0) close (fd);
        return NULL;
    }
    char content[FILE_BYTES_MOST + 1];
    size_t length = 0;
    ssize_t n = -1;
    while (S_ISREG (status.st_mode) && length <= FILE_BYTES_MOST && (n = read (fd, content + length, FILE_BYTES_MOST + 1 - length)) > 0)
        length += (size_t) n;
    close (fd);
    if (n < 0 || length > FILE_BYTES_MOST) {
        g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "could not read file %s: it is %s", path,
                     n < 0 ? "no regular file" : "larger than 64 kB");
        return NULL;
    }
    if (length && content[length - 1] == '\n') length--;
    if (length && content[length - 1] == '\r') length--;
    if (g_utf8_validate_len (content, length, NULL)) return g_strndup (content, length);
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "could not read file %s: it is no UTF-8 text", path);
    return NULL;
}

static char *read_variable (const char *name, GError **error)
{
    bool good = *name && !g_ascii_isdigit (*name);
    for (const char *c = name; *c; c++) good = good && (g_ascii_isalnum (*c) || *c == '_');
    /* A bad name may be a secret that was written where a name belongs. */
    if (!good) {
        g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "what stands in ${…} is no name of an environment variable");
        return NULL;
    }
    const char *value = g_getenv (name);
    if (!value)
        g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_NOENT, "environment variable %s is not set", name);
    else if (!g_utf8_validate (value, -1, NULL)) {
        g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "environment variable %s is no UTF-8 text", name);
        value = NULL;
    }
    return g_strdup (value);
}

static char *read_reference (const char *reference, GError **error)
{
    if (!g_str_has_prefix (reference, "file:")) return read_variable (reference, error);
    const char *path = reference + strlen ("file:");
    if (*path == '/') return read_file (path, error);
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "${file:…} wants an absolute path");
    return NULL;
}

char *expand_text (const char *text, GError **error)
{
    g_autoptr (GString) expanded = g_string_new (NULL);
    const char *start;
    while ((start = strstr (text, "${"))) {
        const char *end = strchr (start, '}');
        if (!end) {
            g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "${ has no closing brace");
            return NULL;
        }
        g_autofree char *reference = g_strndup (start + 2, (size_t) (end - start) - 2);
        g_autofree char *value = read_reference (reference, error);
        if (!value) return NULL;
        g_string_append_len (expanded, text, start - text);
        g_string_append (expanded, value);
        text = end + 1;
    }
    g_string_append (expanded, text);
    return g_string_free (g_steal_pointer (&expanded), FALSE);
}
