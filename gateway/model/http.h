/* SPDX-License-Identifier: Apache-2.0
 *
 * An HTTP request and response as adapters and the API see them: whole, in memory, independent of the server library.
 * Values may hold any byte but NUL; the body may hold any byte.
 */
#pragma once
#include "base/auto.h"

#include <glib.h>
#include <stdbool.h>

struct http_header {
    const char *name, *value;
};

/* Borrowed by whoever is called with it. */
struct http_request {
    const char *method; /* "POST" */
    const char *target; /* raw, as on the wire: "/hooks/acme/sms?x=1" */
    const char *path;   /* target up to '?', still percent-encoded */
    const char *query;  /* after '?', still percent-encoded; "" where there is none */
    const struct http_header *headers;
    size_t n_headers;
    GBytes *body;       /* never NULL */
    const char *secret; /* of /hooks/{account}/{channel}/{secret}, the end of path, still percent-encoded; NULL where there is none */
};

/* The first header of that name, case folded; NULL where there is none. */
const char *http_request_header (const struct http_request *request, const char *name);
/* The only header of that name; NULL where there is none or more than one: for what must not be said twice, as a signature. */
const char *http_request_sole_header (const struct http_request *request, const char *name);

/* The media type that a Content-Type names, "image/png": without its parameters, in lower case, to be freed. NULL: it names none. */
char *http_media_type (const char *content_type);

/* The request as it would stand on the wire, for the journal. Authorization, Cookie and the secret of the URL, with its slash, are left out. */
GBytes *http_request_format (const struct http_request *request);

/* The inverse. wire must outlive the result. NULL: not a request that http_request_format wrote. Free with http_request_free. */
struct http_request *http_request_parse (GBytes *wire);
void http_request_free (struct http_request *request);
AUTO_FREE (http_request, http_request_free)

struct http_response {
    unsigned status;
    const char *content_type; /* static; NULL: no body */
    GBytes *body;             /* owned; NULL: empty */
    GPtrArray *headers;       /* owned; NULL, or name, value, name, value … */
};

/* body is taken; it may be NULL. content_type is static. */
struct http_response *http_response_new (unsigned status, const char *content_type, GBytes *body);
/* name and value are copied. */
void http_response_add (struct http_response *response, const char *name, const char *value);
void http_response_free (struct http_response *response);
AUTO_FREE (http_response, http_response_free)
