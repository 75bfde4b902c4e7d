/* SPDX-License-Identifier: Apache-2.0 */
#include "model/adapter.h"

#include <string.h>

void received_clear (struct received *received)
{
    http_response_free (received->reply);
    g_free (received->reason);
    if (received->messages != NULL) g_ptr_array_unref (received->messages);
    if (received->receipts != NULL) g_ptr_array_unref (received->receipts);
    if (received->notices != NULL) g_ptr_array_unref (received->notices);
    *received = (struct received){RECEIVED_STRANGER};
}

bool adapter_takes_type (const char *const *types, const char *mime)
{
    for (; types != NULL && mime != NULL && *types != NULL; types++) {
        size_t length = strlen (*types);
        if (g_ascii_strncasecmp (mime, *types, length) != 0) continue;
        if ((*types)[length - 1] == '/' || mime[length] == '\0' || strchr ("; ", mime[length]) != NULL) return true;
    }
    return types == NULL;
}

const struct carries_file *adapter_file_kind (const struct carries *carries, const char *kind)
{
    for (const struct carries_file *row = carries->file_kinds; kind != NULL && row != NULL && row->kind != NULL; row++)
        if (g_str_equal (row->kind, kind)) return row;
    return NULL;
}

const struct adapter *adapter_find (const char *name)
{
    for (const struct adapter *const *adapter = adapters; *adapter != NULL; adapter++)
        if (g_str_equal ((*adapter)->name, name)) return *adapter;
    return NULL;
}
