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

/* What an item calls a channel is its setting of that row, or its own address. */
static bool is_called (const struct channel *channel, unsigned row, const char *value)
{
    if (g_strcmp0 (values_text (channel->values, row), value) == 0) return true;
    g_autofree char *own = channel->adapter->own_address ? channel->adapter->own_address (channel) : NULL;
    return g_strcmp0 (own, value) == 0;
}

/* The next of the channels that an item of a request to called belongs to; from: where to begin among the account's. NULL: there is none. */
static const struct channel *find_channel (const struct config *config, const struct channel *called, unsigned row, const char *value,
                                           guint *from)
{
    const struct account *account = find_account (config, called->account_id);
    while (account && *from < account->channels->len) {
        const struct channel *channel = account->channels->pdata[(*from)++];
        if (channel->adapter == called->adapter && channel->channel_id && is_called (channel, row, value) &&
            share_a_value (channel, called, called->adapter->routing->secret))
            return channel;
    }
    return NULL;
}

static int64_t find_route (const struct config *config, const struct channel *called, const char *route)
{
    unsigned row = called->adapter->routing->route;
    guint from = 0;
    if (!route || is_called (called, row, route)) return called->channel_id;
    const struct channel *channel = find_channel (config, called, row, route, &from);
    return channel ? channel->channel_id : 0;
}

/* A notice of an account at the provider, once for each channel of that. */
static void tell_all (const struct config *config, const struct channel *called, struct notice *notice, GPtrArray *notices)
{
    guint from = 0;
    const struct channel *channel;
    while ((channel = find_channel (config, called, called->adapter->routing->owner, notice->owner, &from))) {
        struct notice *told = notice_copy (notice);
        told->channel_id = channel->channel_id;
        g_ptr_array_add (notices, told);
    }
}

/* Those of accounts are told apart from those of one channel, which stay in their order; how many were told nobody. */
static unsigned route_owners (const struct config *config, const struct channel *called, GPtrArray *notices)
{
    unsigned left_out = 0;
    g_autoptr (GPtrArray) told = g_ptr_array_new ();
    for (guint i = 0; notices && i < notices->len;) {
        struct notice *notice = notices->pdata[i];
        if (!notice->owner) {
            i++;
            continue;
        }
        guint before = told->len;
        tell_all (config, called, notice, told);
        left_out += told->len == before;
        g_ptr_array_remove_index (notices, i);
    }
    for (guint i = 0; i < told->len; i++) g_ptr_array_add (notices, told->pdata[i]);
    return left_out;
}

/* Gives the items of one list their channels, and leaves out those that have none; how many. */
#define ROUTE(list, entry) \
    for (guint i = 0; list && i < list->len;) { \
        struct entry *item = list->pdata[i]; \
        if (!item->channel_id) item->channel_id = find_route (config, called, item->route); \
        if (item->channel_id) { \
            i++; \
            continue; \
        } \
        g_ptr_array_remove_index (list, i); \
        left_out++; \
    }

void item_route (const struct config *config, const struct channel *called, struct received *received)
{
    if (!called->adapter->routing) return;
    unsigned left_out = route_owners (config, called, received->notices);
    ROUTE (received->messages, incoming);
    ROUTE (received->receipts, receipt);
    ROUTE (received->notices, notice);
    if (!left_out) return;
    char *reason = g_strconcat (received->reason ? received->reason : "", received->reason ? "; " : "", NO_CHANNEL, NULL);
    g_free (received->reason);
    received->reason = reason;
}
