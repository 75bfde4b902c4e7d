/* SPDX-License-Identifier: Apache-2.0 */
#include "store/files.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

static bool fail (GError **error, const char *what, const char *path)
{
    int code = errno;
    g_set_error (error, G_FILE_ERROR, (gint) g_file_error_from_errno (code), "could not %s %s: %s", what, path, g_strerror (code));
    return false;
}

static bool is_name (const char *name)
{
    return strlen (name) == 64 && strspn (name, "0123456789abcdef") == 64;
}

static bool sync_folder (const char *path, GError **error)
{
    int fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync (fd) < 0) {
        if (fd >= 0) close (fd);
        return fail (error, "sync", path);
    }
    close (fd);
    return true;
}

bool files_prepare (const char *directory, GError **error)
{
    if (g_mkdir_with_parents (directory, 0750) < 0) return fail (error, "make the folder", directory);
    if (access (directory, R_OK | W_OK | X_OK) < 0) return fail (error, "write to", directory);
    return true;
}

/* Renamed into place when whole and synced: a reader never meets half a file. */
static bool write_whole (const char *path, GBytes *bytes, GError **error)
{
    gsize size;
    const char *data = g_bytes_get_data (bytes, &size);
    if (!g_file_set_contents_full (path, data ? data : "", (gssize) size, G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE,
                                   0640, error))
        return false;
    g_autofree char *folder = g_path_get_dirname (path);
    return sync_folder (folder, error);
}

char *files_put (const char *directory, GBytes *bytes, GError **error)
{
    g_autofree char *name = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, bytes);
    char prefix[3] = {name[0], name[1], '\0'};
    g_autofree char *folder = g_build_filename (directory, prefix, NULL);
    g_autofree char *path = g_build_filename (folder, name, NULL);
    if (g_file_test (path, G_FILE_TEST_EXISTS)) return g_steal_pointer (&name);
    if (g_mkdir (folder, 0750) < 0 && errno != EEXIST) {
        fail (error, "make the folder", folder);
        return NULL;
    }
    if (!sync_folder (directory, error) || !write_whole (path, bytes, error)) return NULL;
    return g_steal_pointer (&name);
}

/* NULL: refused. */
static char *path_of (const char *directory, const char *name, GError **error)
{
    if (!is_name (name)) {
        g_set_error_literal (error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "not the name of a stored file");
        return NULL;
    }
    char prefix[3] = {name[0], name[1], '\0'};
    return g_build_filename (directory, prefix, name, NULL);
}

GBytes *files_get (const char *directory, const char *name, GError **error)
{
    g_autofree char *path = path_of (directory, name, error);
    char *data;
    gsize size;
    if (!path || !g_file_get_contents (path, &data, &size, error)) return NULL;
    return g_bytes_new_take (data, size);
}

GBytes *files_map (const char *directory, const char *name, GError **error)
{
    g_autofree char *path = path_of (directory, name, error);
    GMappedFile *file = path ? g_mapped_file_new (path, FALSE, error) : NULL;
    if (!file) return NULL;
    GBytes *bytes = g_mapped_file_get_bytes (file);
    g_mapped_file_unref (file);
    return bytes;
}
