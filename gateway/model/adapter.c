/* SPDX-License-Identifier: Apache-2.0 */
#include "model/adapter.h"

void received_clear (struct received *received)
{
    http_response_free (received->reply);
    g_free (received->reason);
    if (received->messages != NULL) g_ptr_array_unref (received->messages);
    if (received->receipts != NULL) g_ptr_array_unref (received->receipts);
    if (received->notices != NULL) g_ptr_array_unref (received->notices);
    *received = (struct received){RECEIVED_STRANGER};
}

const struct adapter *adapter_find (const char *name)
{
    for (const struct adapter *const *adapter = adapters; *adapter != NULL; adapter++)
        if (g_str_equal ((*adapter)->name, name)) return *adapter;
    return NULL;
}
