/* SPDX-License-Identifier: Apache-2.0 */
#include "model/http.h"

#include <string.h>

#define VERSION " HTTP/1.1"

/* RFC 6838 §4.2 */
#define TYPE_MOST 127
#define TYPE_CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789!#$&^_.+-"

const char *http_request_header (const struct http_request *request, const char *name)
{
    for (size_t i = 0; i < request->n_headers; i++)
        if (g_ascii_strcasecmp (request->headers[i].name, name) == 0) return request->headers[i].value;
    return NULL;
}

const char *http_request_sole_header (const struct http_request *request, const char *name)
{
    const char *value = NULL;
    for (size_t i = 0; i < request->n_headers; i++) {
        if (g_ascii_strcasecmp (request->headers[i].name, name) != 0) continue;
        if (value != NULL) return NULL;
        value = request->headers[i].value;
    }
    return value;
}

static bool is_media_type (const char *type)
{
    const char *slash = strchr (type, '/');
    return slash && strlen (type) <= TYPE_MOST && strspn (type, TYPE_CHARACTERS "/") == strlen (type) && slash > type && slash[1] &&
           !strchr (slash + 1, '/');
}

char *http_media_type (const char *content_type)
{
    if (!content_type) return NULL;
    g_autofree char *whole = g_strndup (content_type, strcspn (content_type, ";"));
    char *type = g_ascii_strdown (g_strstrip (whole), -1);
    if (is_media_type (type)) return type;
    g_free (type);
    return NULL;
}

static bool is_journaled (const struct http_header *header)
{
    return g_ascii_strcasecmp (header->name, "Authorization") != 0 && g_ascii_strcasecmp (header->name, "Cookie") != 0;
}

static char *append (char *out, const char *text)
{
    return mempcpy (out, text, strlen (text));
}

GBytes *http_request_format (const struct http_request *request)
{
    gsize body_length;
    const char *body = g_bytes_get_data (request->body, &body_length);
    const char *query = request->target + strcspn (request->target, "?");
    const char *end = request->secret == NULL ? query : query - strlen (request->secret) - 1;
    size_t length =
        strlen (request->method) + 1 + (size_t) (end - request->target) + strlen (query) + strlen (VERSION "\r\n\r\n") + body_length;
    for (size_t i = 0; i < request->n_headers; i++)
        if (is_journaled (&request->headers[i]))
            length += strlen (request->headers[i].name) + strlen (request->headers[i].value) + strlen (": \r\n");
    char *wire = g_malloc (length), *out = wire;
    out = append (out, request->method);
    out = append (out, " ");
    out = mempcpy (out, request->target, (size_t) (end - request->target));
    out = append (out, query);
    out = append (out, VERSION "\r\n");
    for (size_t i = 0; i < request->n_headers; i++) {
        if (!is_journaled (&request->headers[i])) continue;
        out = append (out, request->headers[i].name);
        out = append (out, ": ");
        out = append (out, request->headers[i].value);
        out = append (out, "\r\n");
    }
    out = append (out, "\r\n");
    if (body_length > 0) memcpy (out, body, body_length);
    g_assert ((size_t) (out - wire) + body_length == length);
    return g_bytes_new_take (wire, length);
}

/* Where the line at `at` ends; a header's line goes on over line breaks that whitespace follows (RFC 9112 §5.2). NULL: it does not end. */
static const char *line_end (const char *at, const char *end, bool folds)
{
    for (const char *from = at;;) {
        const char *found = memmem (from, (size_t) (end - from), "\r\n", 2);
        if (found == NULL) return NULL;
        if (!folds || found + 2 == end || (found[2] != ' ' && found[2] != '\t')) return found;
        from = found + 2;
    }
}

/* Counts the header lines at `at`; *body is what follows them. False: they are no headers. */
static bool scan_headers (const char *at, const char *end, size_t *n_headers, const char **body)
{
    for (*n_headers = 0;; (*n_headers)++) {
        /* the empty line is looked for first: a body may begin with whitespace and is no continuation of it */
        if (end - at >= 2 && at[0] == '\r' && at[1] == '\n') {
            *body = at + 2;
            return true;
        }
        const char *stop = line_end (at, end, true);
        if (stop == NULL || memmem (at, (size_t) (stop - at), ": ", 2) == NULL) return false;
        at = stop + 2;
    }
}

/* One block: the request, its headers, the head with NULs in place of separators, and the path. */
struct http_request *http_request_parse (GBytes *wire)
{
    gsize length;
    const char *bytes = g_bytes_get_data (wire, &length), *end, *body;
    if (bytes == NULL) return NULL;
    end = bytes + length;
    const char *line = line_end (bytes, end, false);
    size_t n_headers, line_length;
    if (line == NULL || !scan_headers (line + 2, end, &n_headers, &body)) return NULL;
    line_length = (size_t) (line - bytes);
    const char *space = memchr (bytes, ' ', line_length);
    size_t head_length = (size_t) (body - bytes);
    if (line_length < strlen (VERSION) || memcmp (line - strlen (VERSION), VERSION, strlen (VERSION)) != 0 || space == NULL ||
        space >= line - strlen (VERSION) || memchr (bytes, '\0', head_length) != NULL)
        return NULL;

    size_t offset = sizeof (struct http_request) + n_headers * sizeof (struct http_header);
    struct http_request *request = g_malloc (offset + head_length + line_length + 1);
    struct http_header *headers = (struct http_header *) (request + 1);
    char *head = (char *) request + offset, *path = head + head_length;
    memcpy (head, bytes, head_length);
    head[space - bytes] = '\0';
    head[line_length - strlen (VERSION)] = '\0';
    request->method = head;
    request->target = head + (space - bytes) + 1;
    size_t path_length = strcspn (request->target, "?");
    memcpy (path, request->target, path_length);
    path[path_length] = '\0';
    request->path = path;
    request->query = request->target + path_length + (request->target[path_length] == '?');
    request->headers = headers;
    request->n_headers = n_headers;
    request->secret = NULL;
    char *at = head + line_length + 2;
    for (size_t i = 0; i < n_headers; i++) {
        char *stop = head + (line_end (bytes + (at - head), end, true) - bytes);
        char *separator = strstr (at, ": ");
        *separator = *stop = '\0';
        headers[i] = (struct http_header){at, separator + 2};
        at = stop + 2;
    }
    request->body = g_bytes_new_from_bytes (wire, head_length, length - head_length);
    return request;
}

void http_request_free (struct http_request *request)
{
    if (request == NULL) return;
    g_bytes_unref (request->body);
    g_free (request);
}

struct http_response *http_response_new (unsigned status, const char *content_type, GBytes *body)
{
    struct http_response *response = g_new (struct http_response, 1);
    *response = (struct http_response){status, content_type, body, NULL};
    return response;
}

void http_response_add (struct http_response *response, const char *name, const char *value)
{
    if (response->headers == NULL) response->headers = g_ptr_array_new_with_free_func (g_free);
    g_ptr_array_add (response->headers, g_strdup (name));
    g_ptr_array_add (response->headers, g_strdup (value));
}

void http_response_free (struct http_response *response)
{
    if (response == NULL) return;
    if (response->body != NULL) g_bytes_unref (response->body);
    if (response->headers != NULL) g_ptr_array_unref (response->headers);
    g_free (response);
}
