/* SPDX-License-Identifier: Apache-2.0 */
#include "model/origin.h"

#include <string.h>

bool origin_is_plain (GUri *uri)
{
    const char *host = g_uri_get_host (uri);
    if (g_uri_get_userinfo (uri) || !host || !*host) return false;
    for (; *host; host++)
        if (!g_ascii_isalnum (*host) && !strchr (".-:", *host)) return false;
    return true;
}

bool origin_is_same (GUri *a, GUri *b)
{
    return g_str_equal (g_uri_get_scheme (a), g_uri_get_scheme (b)) && g_uri_get_port (a) == g_uri_get_port (b) &&
           g_ascii_strcasecmp (g_uri_get_host (a), g_uri_get_host (b)) == 0;
}

bool origin_is_below (GUri *uri, const char *domain)
{
    g_autofree char *host = g_ascii_strdown (g_uri_get_host (uri), -1);
    return g_str_equal (g_uri_get_scheme (uri), "https") && g_uri_get_port (uri) == 443 && g_str_has_suffix (host, domain);
}
