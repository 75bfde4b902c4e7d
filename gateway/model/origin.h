/* SPDX-License-Identifier: Apache-2.0
 *
 * Whom a URL leads to: what an adapter looks at before it calls an address that a provider named, and before it says there who we are. Pure.
 */
#pragma once
#include <glib.h>
#include <stdbool.h>

/* How such URLs are read. */
#define ORIGIN_FLAGS (G_URI_FLAGS_ENCODED | G_URI_FLAGS_SCHEME_NORMALIZE)

/* Whether its host is one that two readers of URLs cannot understand differently, and nobody is named before it. */
bool origin_is_plain (GUri *uri);
bool origin_is_same (GUri *a, GUri *b);
/* HTTPS at its own port, of a host below domain: ".example.org". */
bool origin_is_below (GUri *uri, const char *domain);
