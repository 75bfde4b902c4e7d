/* SPDX-License-Identifier: Apache-2.0 */
#include "model/adapter.h"

extern const struct adapter twilio_adapter, whatsapp_adapter;

const struct adapter *const adapters[] = {&twilio_adapter, &whatsapp_adapter, NULL};
