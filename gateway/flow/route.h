/* SPDX-License-Identifier: Apache-2.0
 *
 * The API's table of routes, and the reading of a request's line: pure, so that it can be fuzzed as it is.
 */
#pragma once
#include "base/ids.h"

#include <glib.h>
#include <stdbool.h>

enum endpoint {
    GET_TICKETS,
    GET_TICKET,
    PATCH_TICKET,
    GET_TICKET_MESSAGES,
    POST_TICKET_MESSAGE,
    POST_SIGNAL,
    GET_MESSAGES,
    POST_MESSAGE,
    GET_MESSAGE,
    POST_CANCEL,
    POST_SETTLE,
    GET_CONTACT,
    PATCH_CONTACT,
    GET_OPT_OUTS,
    POST_OPT_OUT,
    DELETE_OPT_OUT,
    GET_CHANNELS,
    GET_TEMPLATES,
    POST_ATTACHMENT,
    GET_ATTACHMENT,
    GET_MEDIA,
    GET_QUARANTINE,
    POST_REPROCESS,
    GET_EVENTS,
    GET_OPENAPI,
};

struct route {
    enum endpoint endpoint;
    const char *method, *template; /* {id} stands for one id, {slug} for a channel's name, {token} for the rest, whatever that is */
    const char *scope;             /* NULL: no key needed */
    const char *const *parameters; /* query parameters that it takes, NULL-terminated */
};

enum route_result { ROUTE_FOUND, ROUTE_UNKNOWN, ROUTE_OTHER_METHOD };

/* path: raw, without query. *id is set where the template has one; a malformed id makes the path unknown. ROUTE_OTHER_METHOD: *allow (to be freed)
 * lists the methods. HEAD counts as GET. */
enum route_result route_find (const char *method, const char *path, const struct route **route, struct id *id, char **allow);

/* What stands at {slug} in a path that the route was found by; a new string. */
char *route_slug (const struct route *route, const char *path);

/* Query parameters, decoded, name → value. NULL: *wrong names (to be freed) a parameter that the route does not take, that stands twice or is not UTF-8. */
GHashTable *route_query (const struct route *route, const char *query, char **wrong);
