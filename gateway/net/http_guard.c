/* SPDX-License-Identifier: Apache-2.0
 *
 * What libmicrohttpd 0.9.75 lets through and a proxy may read otherwise: two lengths, a length beside chunks, names with blanks, NUL,
 * folded lines (it adds the second line to the *name*), a line that begins with NUL (it ends the head there). RFC 9112 §2.2, §5, §6.
 */
#include "net/http_private.h"

#include <string.h>

static bool is_token (const char *text)
{
    if (!*text) return false;
    for (; *text; text++)
        if (!g_ascii_isalnum (*text) && !strchr ("!#$%&'*+-.^_`|~", *text)) return false;
    return true;
}

static bool has_control (const char *text)
{
    for (; *text; text++)
        if ((unsigned char) *text < 0x20 ? *text != '\t' : *text == 0x7f) return true;
    return false;
}

/* A zero byte may be in the query, where a form holds what a customer wrote; no path has one. */
static bool is_target (const struct http_request *request)
{
    const char *target = request->target;
    if (*target != '/' && *request->path != '/' && !(strcmp (target, "*") == 0 && strcmp (request->method, "OPTIONS") == 0)) return false;
    for (const char *at = target; *at; at++)
        if ((unsigned char) *at <= 0x20 || *at == 0x7f || *at == '#') return false;
    const char *zero = strstr (target, "%00"), *query = strchr (target, '?');
    return !zero || (query && query < zero);
}

/*
 * libmicrohttpd has put a NUL over each CR and LF and after each name:
 *
 *     HTTP/1.1␀␀Host␀ example.org␀␀Accept␀ text/html␀␀␀␀
 *     ↑         ↑     ↑          ↑ ↑                    ↑
 *     version   name  value      end of value           end of the head
 *
 * Any other gap was a NUL, a lone LF or a folded line.
 */
static bool is_seamless (const struct http_request *request, const struct http_guard_wire *wire)
{
    const char *at = wire->version;
    if (at - wire->target_end != 1 || wire->target - wire->start != (ptrdiff_t) strlen (request->method) + 1) return false;
    for (size_t i = 0; i < request->n_headers; i++) {
        at += strlen (at) + 2;
        if (request->headers[i].name != at || at[-1] != '\0') return false;
        at = request->headers[i].value;
    }
    at += strlen (at);
    return wire->start + wire->size - at == 4 && memcmp (at, "\0\0\0", 4) == 0;
}

static bool is_method (const char *method)
{
    static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    for (size_t i = 0; i < G_N_ELEMENTS (methods); i++)
        if (strcmp (method, methods[i]) == 0) return true;
    return false;
}

struct framing {
    unsigned lengths, codings, hosts;
    const char *length, *coding;
};

static struct framing find_framing (const struct http_request *request)
{
    struct framing found = {0};
    for (size_t i = 0; i < request->n_headers; i++) {
        const struct http_header *header = &request->headers[i];
        if (g_ascii_strcasecmp (header->name, "Content-Length") == 0) {
            found.lengths++;
            found.length = header->value;
        } else if (g_ascii_strcasecmp (header->name, "Transfer-Encoding") == 0) {
            found.codings++;
            found.coding = header->value;
        } else if (g_ascii_strcasecmp (header->name, "Host") == 0) {
            found.hosts++;
        }
    }
    return found;
}

/* That a length is a number, libmicrohttpd has seen to. */
static unsigned check_framing (const struct framing *found, bool old, struct http_guard_body *body)
{
    if (found->hosts > 1 || (found->hosts == 0 && !old)) return 400;
    if (found->lengths > 1 || (found->lengths == 1 && found->codings > 0) || (found->codings > 0 && old)) return 400;
    if (found->codings > 1) return 400;
    if (found->codings == 1 && g_ascii_strcasecmp (found->coding, "chunked") != 0) return 501;
    body->chunked = found->codings == 1;
    body->length = found->lengths == 1 ? g_ascii_strtoull (found->length, NULL, 10) : 0;
    return 0;
}

unsigned http_guard_check (const struct http_request *request, const struct http_guard_wire *wire, struct http_guard_body *body)
{
    if (!is_seamless (request, wire)) return 400;
    for (size_t i = 0; i < request->n_headers; i++)
        if (!is_token (request->headers[i].name) || has_control (request->headers[i].value)) return 400;
    if (!is_target (request) || !is_token (request->method)) return 400;
    struct framing found = find_framing (request);
    unsigned status = check_framing (&found, strcmp (wire->version, "HTTP/1.0") == 0, body);
    if (status != 0) return status;
    if (wire->size + request->n_headers * HTTP_HEADER_NOTE > HTTP_HEAD_MAX) return 431;
    return is_method (request->method) ? 0 : 405;
}
