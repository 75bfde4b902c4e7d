/* SPDX-License-Identifier: Apache-2.0
 *
 * Problem details (RFC 9457): what every error of the API looks like.
 */
#pragma once
#include "model/http.h"

/* detail and place may be NULL; place is a JSON pointer ("/status") or the name of a query parameter ("limit"). request_id may be NULL. */
struct http_response *problem_new (unsigned status, const char *detail, const char *place, const char *request_id);

/* The same with members of its own (RFC 9457 §3.2): a JSON object that has at least one, as compact text from its brace on. */
struct http_response *problem_more (unsigned status, const char *detail, const char *request_id, const char *members);
