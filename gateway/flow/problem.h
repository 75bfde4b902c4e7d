/* SPDX-License-Identifier: Apache-2.0
 *
 * Problem details (RFC 9457): what every error of the API looks like.
 */
#pragma once
#include "model/http.h"

/* detail and place may be NULL; place is a JSON pointer ("/status") or the name of a query parameter ("limit"). request_id may be NULL. */
struct http_response *problem_new (unsigned status, const char *detail, const char *place, const char *request_id);
