/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/item_route.h"

#define NO_CHANNEL "an item is of a number that is no channel here"

static bool share_a_value (const struct channel *a, const struct channel *b, unsigned row)
{
    const char *const *of_b = values_texts (b->values, row);
    for (const char *const *value = values_texts (a->values, row); *value; value++)
        if (g_strv_contains (of_b, *value)) return true;
    return false;
}

static const struct account *find_account (const struct config *config, int64_t account_id)
{
    for (guint i = 0; i < config->accounts->len; i++) {
        const struct account *account = config->accounts->pdata[i];
        if (account->account_id == account_id) return account;
    }
    return NULL;
}

/* The id of the channel that an item of a request to called belongs to; 0: there is none. */
static int64_t find_route (const struct config *config, const struct channel *called, const char *route)
{
    const struct routing *routing = called->adapter->routing;
    if (!route || g_strcmp0 (values_text (called->values, routing->route), route) == 0) return called->channel_id;
    const struct account *account = find_account (config, called->account_id);
    for (guint i = 0; account && i < account->channels->len; i++) {
        const struct channel *channel = account->channels->pdata[i];
        if (channel->adapter == called->adapter && channel->channel_id &&
            g_strcmp0 (values_text (channel->values, routing->route), route) == 0 && share_a_value (channel, called, routing->secret))
            return channel->channel_id;
    }
    return 0;
}

/* Gives the items of one list their channels, and leaves out those that have none; how many. */
#define ROUTE(list, entry) \
    for (guint i = 0; list && i < list->len;) { \
        struct entry *item = list->pdata[i]; \
        item->channel_id = find_route (config, called, item->route); \
        if (item->channel_id) { \
            i++; \
            continue; \
        } \
        g_ptr_array_remove_index (list, i); \
        left_out++; \
    }

void item_route (const struct config *config, const struct channel *called, struct received *received)
{
    unsigned left_out = 0;
    if (!called->adapter->routing) return;
    ROUTE (received->messages, incoming);
    ROUTE (received->receipts, receipt);
    ROUTE (received->notices, notice);
    if (!left_out) return;
    char *reason = g_strconcat (received->reason ? received->reason : "", received->reason ? "; " : "", NO_CHANNEL, NULL);
    g_free (received->reason);
    received->reason = reason;
}
