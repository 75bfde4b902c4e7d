/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the endpoints share with each other and with nobody else: reading a request's parts, writing its answer, and the one
 * function of each route. A function that answers gives call away; those that read say false once they have answered that something is wrong.
 */
#pragma once
#include "base/json.h"
#include "flow/call.h"

/* NULL: not given. */
const char *endpoint_parameter (const struct call *call, const char *name);
/* A whole decimal number within [least, most]. */
bool endpoint_number (const char *text, int64_t least, int64_t most, int64_t *value);
/* False: answered. */
bool endpoint_limit (struct call *call, int64_t *limit);
/* The same for a list of longer pages; *limit is set before, to what holds where none is given. */
bool endpoint_limit_most (struct call *call, int64_t most, int64_t *limit);
/* *after: the row key inside the cursor, to be freed, in whatever form the client wrote it; NULL: from the start. False: answered. */
bool endpoint_cursor (struct call *call, const char *filter, char **after);
/* The body as a JSON object with no members but names, which NULL leaves to the caller. NULL: answered. */
json_t *endpoint_body (struct call *call, const char *const *names);
/* The version that If-Match names, of what is called so; -1: whatever it is (*). False: answered. */
bool endpoint_if_match (struct call *call, const char *what, int64_t *version);
/* The parameter for it; null: whatever it is. */
void endpoint_put_version (params *p, int64_t version);
/* A channel of the key's account that this gateway serves; NULL: none. */
const struct channel *endpoint_channel (const struct call *call, const char *slug);

/* body is taken. */
struct http_response *endpoint_json (unsigned status, GString *body);
/* Answers a page of: data, next, at. */
void endpoint_page (struct call *call, db_result *r, const GError *error, const char *filter);
/* Answers one object; with a version it has an ETag, and an If-None-Match that names it is answered 304. */
void endpoint_object (struct call *call, db_result *r, const GError *error, bool versioned);

/* Reads Idempotency-Key; where the same POST was answered before, answers it so again. False: answered. */
bool endpoint_once (struct call *call);
/* The two parameters that every function of a POST takes for that. */
void endpoint_put_once (params *p, const struct call *call);
/* Answers a row of status, body, replayed, and tells whoever waits that something was committed. */
void endpoint_once_reply (struct call *call, db_result *r, const GError *error);

/* endpoint_tickets.c */
void endpoint_tickets (struct call *call);
void endpoint_patch_ticket (struct call *call);
void endpoint_ticket_messages (struct call *call);
void endpoint_channels (struct call *call);
/* endpoint_templates.c */
void endpoint_templates (struct call *call);
/* endpoint_signals.c */
void endpoint_signal (struct call *call);
/* endpoint_send.c */
void endpoint_reply (struct call *call);
void endpoint_send (struct call *call);
/* endpoint_outgoing.c */
void endpoint_outgoing (struct call *call);
void endpoint_cancel (struct call *call);
void endpoint_settle (struct call *call);
/* endpoint_contacts.c */
void endpoint_patch_contact (struct call *call);
void endpoint_opt_outs (struct call *call);
void endpoint_opt_out (struct call *call);
void endpoint_opt_in (struct call *call);
/* endpoint_files.c */
void endpoint_attachment (struct call *call);
void endpoint_upload (struct call *call);
void endpoint_media (struct call *call);
/* endpoint_quarantine.c */
void endpoint_quarantine (struct call *call);
void endpoint_reprocess (struct call *call);
/* endpoint_events.c */
void endpoint_events (struct call *call);
