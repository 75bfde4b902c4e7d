/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/endpoint_private.h"

#include <string.h>

#define KEY_MOST 255 /* characters */

#define REPLAY "select status, body, true from replay ($1, $2, $3)"

/* A string of RFC 8941 §3.3.3, or the same without quotes; to be freed. NULL: neither. */
static char *read_key (const char *header)
{
    size_t length = strlen (header);
    for (const char *c = header; *c; c++)
        if (*c < 0x20 || *c > 0x7e) return NULL;
    if (*header != '"') return length && length <= KEY_MOST ? g_strdup (header) : NULL;
    g_autoptr (GString) key = g_string_new (NULL);
    const char *c = header + 1;
    for (; *c && *c != '"'; c++) {
        if (*c == '\\' && c[1] != '"' && c[1] != '\\') return NULL;
        if (*c == '\\') c++;
        g_string_append_c (key, *c);
    }
    return *c == '"' && !c[1] && key->len && key->len <= KEY_MOST ? g_strdup (key->str) : NULL;
}

static void add (GChecksum *sum, const void *data, size_t size)
{
    g_checksum_update (sum, data ? data : (const void *) "", (gssize) size);
}

static void end (GChecksum *sum, uint8_t digest[32])
{
    gsize size = 32;
    g_checksum_get_digest (sum, digest, &size);
    g_checksum_free (sum);
}

/* Which POST it is: of whom, whereto, by which key. */
static void hash_key (const struct call *call, const char *key, uint8_t digest[32])
{
    GChecksum *sum = g_checksum_new (G_CHECKSUM_SHA256);
    add (sum, call->key_hash, sizeof call->key_hash);
    add (sum, call->route->template, strlen (call->route->template) + 1);
    add (sum, call->id.bytes, sizeof call->id.bytes);
    add (sum, key, strlen (key));
    end (sum, digest);
}

/* What it says: query and body. */
static void hash_body (const struct call *call, uint8_t digest[32])
{
    gsize size;
    const void *data = g_bytes_get_data (call->request->body, &size);
    GChecksum *sum = g_checksum_new (G_CHECKSUM_SHA256);
    add (sum, call->request->query, strlen (call->request->query) + 1);
    add (sum, data, size);
    end (sum, digest);
}

void endpoint_put_once (params *p, const struct call *call)
{
    if (call->once) {
        params_bytes (p, call->once_key, sizeof call->once_key);
        params_bytes (p, call->once_body, sizeof call->once_body);
    } else {
        params_null (p, "bytea");
        params_null (p, "bytea");
    }
}

static void reply (struct call *call, db_result *r)
{
    struct http_response *response =
        endpoint_json ((unsigned) db_int64 (r, 0, 0), g_string_new_len (db_text (r, 0, 1), (gssize) db_length (r, 0, 1)));
    if (db_int64 (r, 0, 2)) http_response_add (response, "Idempotent-Replayed", "true");
    call_reply (call, response);
}

/* Before anything of the request is judged: what it was answered stays, whatever has become of the channel or the clock since. */
bool endpoint_once (struct call *call)
{
    const char *header = http_request_header (call->request, "Idempotency-Key");
    if (!header) return true;
    /* of two, one reader would take the first and another both */
    const char *sole = http_request_sole_header (call->request, "Idempotency-Key");
    g_autofree char *key = sole ? read_key (sole) : NULL;
    if (!key) {
        call_problem (call, 422, "an Idempotency-Key is given once and has 1 to 255 printable characters, bare or as a quoted string",
                      "Idempotency-Key");
        return false;
    }
    call->once = true;
    hash_key (call, key, call->once_key);
    hash_body (call, call->once_body);
    g_autoptr (GError) error = NULL;
    g_autoptr (params) p = params_new (3);
    params_int64 (p, call->account_id);
    endpoint_put_once (p, call);
    g_autoptr (db_result) r = db_call (call->db, REPLAY, p, &error);
    if (r && !db_rows (r)) return true;
    if (r)
        reply (call, r);
    else
        call_database_problem (call, error);
    return false;
}

void endpoint_once_reply (struct call *call, db_result *r, const GError *error)
{
    if (!r) {
        call_database_problem (call, error);
        return;
    }
    call_committed (call);
    reply (call, r);
}
