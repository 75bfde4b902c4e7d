/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/endpoint_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/signature.h"
#include "flow/media_url.h"
#include "store/files.h"

#include <string.h>

/* Of attachments that are served under their own; more are served as bytes. */
#define TYPES_MOST 256
#define NAME_MOST 255 /* characters */

#define ATTACHMENT "select status, mime, name, sha256, size from api_attachment ($1, $2)"
#define UPLOAD "select status, body, replayed from post_attachment ($1, $2, $3, $4, $5, $6, $7, $8, $9)"

/* A name that a browser may save as: no folders, no control bytes, no quotes. */
static char *safe_name (const char *name)
{
    char *safe = g_strdup (name && *name ? name : "attachment");
    for (char *c = safe; *c; c++)
        if (g_ascii_iscntrl (*c) || strchr ("\"\\/;", *c) || *c & 0x80) *c = '_';
    return safe;
}

/* What it is called, if that is a media type and not one too many: responses keep static texts only. */
static const char *safe_type (const char *type)
{
    static GMutex lock;
    static unsigned n_types;
    static GHashTable *types;
    static const char other[] = "application/octet-stream";
    g_autofree char *plain = http_media_type (type);
    if (!plain) return other;
    g_mutex_lock (&lock);
    if (!types) types = g_hash_table_new (g_str_hash, g_str_equal);
    const char *known = g_hash_table_lookup (types, plain);
    if (!known && n_types < TYPES_MOST) {
        known = g_intern_string (plain);
        g_hash_table_add (types, (gpointer) (uintptr_t) known);
        n_types++;
    }
    g_mutex_unlock (&lock);
    return known ? known : other;
}

/* Saved, never shown: whatever it is, no browser runs it as ours. */
static void reply_file (struct call *call, db_result *r)
{
    g_autoptr (GError) error = NULL;
    GBytes *bytes = files_get (values_text (call->config->storage, STORAGE_DIRECTORY), db_text (r, 0, 3), &error);
    if (!bytes) {
        log_error ("attachment.missing", "could not read a stored attachment: %s", error->message);
        call_problem (call, 500, NULL, NULL);
        return;
    }
    g_autofree char *name = safe_name (db_null (r, 0, 2) ? NULL : db_text (r, 0, 2));
    g_autofree char *disposition = g_strdup_printf ("attachment; filename=\"%s\"", name);
    struct http_response *response = http_response_new (200, safe_type (db_null (r, 0, 1) ? NULL : db_text (r, 0, 1)), bytes);
    http_response_add (response, "Content-Disposition", disposition);
    http_response_add (response, "Content-Security-Policy", "default-src 'none'; sandbox");
    call_reply (call, response);
}

static db_result *find_file (struct call *call, int64_t account_id, const struct id *id, GError **error)
{
    g_autoptr (params) p = params_new (2);
    params_int64 (p, account_id);
    params_uuid (p, id);
    return db_call (call->db, ATTACHMENT, p, error);
}

void endpoint_attachment (struct call *call)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (db_result) r = find_file (call, call->account_id, &call->id, &error);
    if (!r)
        call_database_problem (call, error);
    else if (g_str_equal (db_text (r, 0, 0), "failed"))
        call_problem (call, 404, "the attachment could not be fetched", NULL);
    else if (!g_str_equal (db_text (r, 0, 0), "stored"))
        call_problem (call, 404, "the attachment has not been fetched", NULL);
    else
        reply_file (call, r);
}

/* Whoever guesses learns nothing: what is forged, expired and gone is answered alike. */
void endpoint_media (struct call *call)
{
    int64_t account_id;
    struct id id;
    if (!media_url_check (call->media_secret, call->request->path + strlen (MEDIA_URL_PATH), clock_now (), &account_id, &id)) {
        call_problem (call, 404, NULL, NULL);
        return;
    }
    g_autoptr (GError) error = NULL;
    g_autoptr (db_result) r = find_file (call, account_id, &id, &error);
    if (r && g_str_equal (db_text (r, 0, 0), "stored"))
        reply_file (call, r);
    else if (r || g_str_equal (db_sqlstate (call->db), "SB404"))
        call_problem (call, 404, NULL, NULL);
    else
        call_database_problem (call, error);
}

/* Without its parameters, in lower case, to be freed; NULL: answered. */
static char *read_type (struct call *call)
{
    char *type = http_media_type (http_request_header (call->request, "Content-Type"));
    if (type) return type;
    call_problem (call, 415, "Content-Type is the media type of the file", NULL);
    return NULL;
}

/* False: answered. */
static bool read_name (struct call *call, const char **name)
{
    *name = endpoint_parameter (call, "name");
    if (!*name || (**name && g_utf8_strlen (*name, -1) <= NAME_MOST)) return true;
    g_autofree char *detail = g_strdup_printf ("a name has 1 to %d characters", NAME_MOST);
    call_problem (call, 422, detail, "name");
    return false;
}

static db_result *store_upload (struct call *call, const char *type, const char *name, GError **error)
{
    gsize size;
    const void *data = g_bytes_get_data (call->request->body, &size);
    uint8_t hash[32];
    signature_sha256 (data, size, hash);
    int64_t now = clock_now ();
    struct id id = id_new (now);
    g_autoptr (params) p = params_new (9);
    params_int64 (p, call->account_id);
    endpoint_put_once (p, call);
    params_uuid (p, &id);
    params_text (p, type);
    params_text (p, name);
    params_int64 (p, (int64_t) size);
    params_bytes (p, hash, sizeof hash);
    params_time (p, now);
    return db_call (call->db, UPLOAD, p, error);
}

/* The bytes are on disk before the database knows of them. */
void endpoint_upload (struct call *call)
{
    const char *name;
    g_autofree char *type = read_type (call);
    if (!type || !read_name (call, &name)) return;
    if (!g_bytes_get_size (call->request->body)) {
        call_problem (call, 422, "a file has at least one byte", "");
        return;
    }
    g_autoptr (GError) error = NULL;
    g_autofree char *file = files_put (values_text (call->config->storage, STORAGE_DIRECTORY), call->request->body, &error);
    if (!file) {
        log_error ("attachment.failed", "could not store an upload: %s", error->message);
        call_problem (call, 503, "the file could not be stored", NULL);
        return;
    }
    g_autoptr (db_result) r = store_upload (call, type, name, &error);
    endpoint_once_reply (call, r, error);
}
