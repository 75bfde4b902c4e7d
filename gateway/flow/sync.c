/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sync.h"

#include "model/adapter.h"
#include "model/address.h"

#include <string.h>

#define SYNC "select kind, account, channel, account_id, channel_id from sync_config ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11)"

char *sync_address (const struct channel *channel)
{
    if (channel->adapter->own_address) return channel->adapter->own_address (channel);
    for (size_t i = 0; i < channel->adapter->n_settings; i++) {
        const char *from = g_str_equal (channel->adapter->settings[i].name, "from") ? values_text (channel->values, (unsigned) i) : NULL;
        if (from) return address_phone (from, strlen (from), NULL, 0);
    }
    return NULL;
}

static void put_address (params *p, const struct channel *channel)
{
    g_autofree char *address = sync_address (channel);
    array_text (p, address);
}

#define ACCOUNTS(type, add) \
    params_array (p, type); \
    for (guint i = 0; i < config->accounts->len; i++) { \
        const struct account *account = config->accounts->pdata[i]; \
        add; \
    } \
    params_array_end (p)
#define CHANNELS(type, add) \
    ACCOUNTS ( \
        type, for (guint k = 0; k < account->channels->len; k++) { \
            const struct channel *channel = account->channels->pdata[k]; \
            add; \
        })
/* What a channel carries, as numbers. */
#define NUMBERS(type, add) CHANNELS (type, const struct carries *carries = channel->adapter->carries (channel); add)

static void put_config (params *p, const struct config *config)
{
    params_text (p, config->path);
    ACCOUNTS ("text", array_text (p, account->slug));
    ACCOUNTS ("text", array_text (p, account->name));
    ACCOUNTS ("text", array_text (p, account->opt_out_scope));
    CHANNELS ("text", array_text (p, channel->account));
    CHANNELS ("text", array_text (p, channel->slug));
    CHANNELS ("text", array_text (p, channel->adapter->name));
    CHANNELS ("text", put_address (p, channel));
    NUMBERS ("int8", array_int64 (p, carries->window));
    NUMBERS ("int8", array_int64 (p, carries->pair_pace));
    NUMBERS ("int4", array_int32 (p, carries->pair_burst));
}

static void take_ids (struct config *config, const char *slug, const char *channel_slug, int64_t account_id, int64_t channel_id)
{
    for (guint i = 0; i < config->accounts->len; i++) {
        struct account *account = config->accounts->pdata[i];
        if (!g_str_equal (account->slug, slug)) continue;
        account->account_id = account_id;
        for (guint k = 0; channel_slug && k < account->channels->len; k++) {
            struct channel *channel = account->channels->pdata[k];
            if (!g_str_equal (channel->slug, channel_slug)) continue;
            channel->account_id = account_id;
            channel->channel_id = channel_id;
        }
    }
}

bool sync_config (struct db *db, struct config *config, GError **error)
{
    g_autoptr (params) p = params_new (11);
    put_config (p, config);
    g_autoptr (db_result) rows = db_call (db, SYNC, p, error);
    if (!rows) return false;
    for (int i = 0; i < db_rows (rows); i++) {
        bool is_channel = g_str_equal (db_text (rows, i, 0), "channel");
        take_ids (config, db_text (rows, i, 1), is_channel ? db_text (rows, i, 2) : NULL, db_int64 (rows, i, 3),
                  is_channel ? db_int64 (rows, i, 4) : 0);
    }
    return true;
}
