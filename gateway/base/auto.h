/* SPDX-License-Identifier: Apache-2.0
 *
 * g_autoptr for our own structs, which are not typedef'd: AUTO_FREE (config, config_unref) in a header, then
 *
 *     g_autoptr (struct_config) config = config_load (…);
 */
#pragma once
#include <glib.h>

#define AUTO_FREE(name, function) \
    typedef struct name struct_##name; \
    G_DEFINE_AUTOPTR_CLEANUP_FUNC (struct_##name, function)
