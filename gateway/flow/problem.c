/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/problem.h"

#include "base/json.h"

#include <string.h>

static const char *title_of (unsigned status)
{
    static const struct {
        unsigned status;
        const char *title;
    } titles[] = {
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {409, "Conflict"},
        {412, "Precondition Failed"},
        {415, "Unsupported Media Type"},
        {422, "Unprocessable Content"},
        {428, "Precondition Required"},
        {500, "Internal Server Error"},
        {503, "Service Unavailable"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS (titles); i++)
        if (titles[i].status == status) return titles[i].title;
    return "Error";
}

static GString *describe (unsigned status, const char *detail, const char *place, const char *request_id)
{
    json_auto_t *body = json_pack ("{ss ss si}", "type", "about:blank", "title", title_of (status), "status", (int) status);
    if (detail) json_object_set_new (body, "detail", json_string (detail));
    if (place)
        json_object_set_new (body, "errors", json_pack ("[{ss ss}]", "pointer", place, "detail", detail ? detail : title_of (status)));
    if (request_id) json_object_set_new (body, "request_id", json_string (request_id));
    char *text = json_dumps (body, JSON_COMPACT);
    GString *out = g_string_new (text);
    free (text);
    return out;
}

struct http_response *problem_new (unsigned status, const char *detail, const char *place, const char *request_id)
{
    return http_response_new (status, "application/problem+json", g_string_free_to_bytes (describe (status, detail, place, request_id)));
}

struct http_response *problem_more (unsigned status, const char *detail, const char *request_id, const char *members)
{
    GString *body = describe (status, detail, NULL, request_id);
    body->str[body->len - 1] = ','; /* both are objects with members: the end of one is the start of the other */
    g_string_append (body, members + 1);
    return http_response_new (status, "application/problem+json", g_string_free_to_bytes (body));
}
