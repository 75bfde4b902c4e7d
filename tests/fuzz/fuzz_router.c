/* SPDX-License-Identifier: Apache-2.0
 *
 * The line of an API request, of any bytes: "METHOD path?query".
 */
#include "flow/route.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void check_query (const struct route *route, const char *query)
{
    g_autofree char *wrong = NULL;
    g_autoptr (GHashTable) values = route_query (route, query, &wrong);
    g_assert (!values == !!wrong);
    if (!values) {
        g_assert (g_utf8_validate (wrong, -1, NULL));
        return;
    }
    GHashTableIter iter;
    gpointer name, value;
    g_hash_table_iter_init (&iter, values);
    while (g_hash_table_iter_next (&iter, &name, &value))
        g_assert (g_strv_contains (route->parameters, name) && g_utf8_validate (value, -1, NULL));
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    g_autofree char *line = g_strndup ((const char *) data, size);
    char *path = strchr (line, ' ');
    if (!path) return 0;
    *path++ = '\0';
    char *query = strchr (path, '?');
    if (query) *query++ = '\0';
    const struct route *route = NULL;
    struct id id;
    g_autofree char *allow = NULL;
    enum route_result found = route_find (line, path, &route, &id, &allow);
    g_assert ((found == ROUTE_FOUND) == (route != NULL));
    g_assert ((found == ROUTE_OTHER_METHOD) == (allow != NULL));
    if (route) check_query (route, query ? query : "");
    if (route && strstr (route->template, "{slug}")) {
        g_autofree char *slug = route_slug (route, path);
        g_assert (*slug && strstr (path, slug));
    }
    return 0;
}
