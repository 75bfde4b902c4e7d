/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/endpoint_private.h"

#define TEMPLATES "select body from api_templates ($1, $2)"

void endpoint_templates (struct call *call)
{
    g_autofree char *slug = route_slug (call->route, call->request->path);
    g_autoptr (GError) error = NULL;
    g_autoptr (params) p = params_new (2);
    params_int64 (p, call->account_id);
    params_text (p, slug);
    g_autoptr (db_result) r = db_call (call->db, TEMPLATES, p, &error);
    endpoint_object (call, r, error, false);
}
