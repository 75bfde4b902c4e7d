/* SPDX-License-Identifier: Apache-2.0 */
#include "whatsapp.h"

void whatsapp_receive (const struct channel *channel, const struct http_request *request, bool trusted, int64_t now,
                       struct received *received)
{
    (void) channel, (void) request, (void) trusted, (void) now;
    *received = (struct received){RECEIVED_STRANGER};
}
