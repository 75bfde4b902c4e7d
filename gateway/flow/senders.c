/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/senders.h"

#include "model/adapter.h"

/* A channel is ours for the lease by the database's clock; we stop a fifth of it earlier by our own. It is renewed three times in that time;
 * what another gateway has is asked for ten times, so that it moves soon after that one has died. */
#define MARGIN(lease) ((lease) / 5)
#define RENEW(lease) ((lease) *3 / 10)
#define ASK(lease) ((lease) / 10)

#define OWN "select account_id, channel_id, paused, health from own_channels ($1, $2, $3, $4 * interval '1 microsecond')"
#define RECOVER "select recover_channels ($1, $2, $3)"

struct senders *senders_new (const struct id *gateway_id, int64_t lease)
{
    struct senders *senders = g_new0 (struct senders, 1);
    senders->by_channel = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, g_free);
    senders->gateway_id = *gateway_id;
    senders->lease = lease;
    return senders;
}

void senders_free (struct senders *senders)
{
    if (!senders) return;
    g_hash_table_unref (senders->by_channel);
    g_free (senders);
}

struct sender *senders_find (const struct senders *senders, int64_t channel_id)
{
    return g_hash_table_lookup (senders->by_channel, &channel_id);
}

static struct sender *find_or_add (struct senders *senders, int64_t account_id, int64_t channel_id)
{
    struct sender *sender = senders_find (senders, channel_id);
    if (sender) return sender;
    sender = g_new0 (struct sender, 1);
    sender->account_id = account_id;
    sender->channel_id = channel_id;
    g_hash_table_insert (senders->by_channel, &sender->channel_id, sender);
    return sender;
}

void senders_follow (struct senders *senders, const struct config *config)
{
    GHashTableIter iter;
    void *value;
    g_hash_table_iter_init (&iter, senders->by_channel);
    while (g_hash_table_iter_next (&iter, NULL, &value)) sender_configure (value, NULL);
    for (guint i = 0; i < config->accounts->len; i++) {
        const struct account *account = config->accounts->pdata[i];
        for (guint k = 0; k < account->channels->len; k++) {
            const struct channel *channel = account->channels->pdata[k];
            if (channel->adapter->compose) sender_configure (find_or_add (senders, channel->account_id, channel->channel_id), channel);
        }
    }
    senders->next_renewal = 0;
}

/* ---- leases ---- */

static void put (const struct senders *senders, params *p, bool (*wanted) (const struct sender *sender))
{
    GHashTableIter iter;
    void *value;
    for (int column = 0; column < 2; column++) {
        params_array (p, "int8");
        g_hash_table_iter_init (&iter, senders->by_channel);
        while (g_hash_table_iter_next (&iter, NULL, &value)) {
            const struct sender *sender = value;
            if (wanted (sender)) array_int64 (p, column ? sender->channel_id : sender->account_id);
        }
        params_array_end (p);
    }
}

static bool is_configured (const struct sender *sender)
{
    return sender->channel != NULL;
}

static bool is_ours (const struct sender *sender)
{
    return sender->channel && sender->ours;
}

static bool is_new (const struct sender *sender)
{
    return sender->ours && sender->own_until == 0;
}

void senders_put (const struct senders *senders, params *p, bool ours_only)
{
    put (senders, p, ours_only ? is_ours : is_configured);
}

/* Channels that have just become ours may have been another gateway's, which ended in the middle of its calls. */
static bool recover (struct senders *senders, struct db *db, int64_t own_until, GError **error)
{
    g_autoptr (params) p = params_new (3);
    params_uuid (p, &senders->gateway_id);
    put (senders, p, is_new);
    g_autoptr (db_result) r = db_call (db, RECOVER, p, error);
    GHashTableIter iter;
    void *value;
    g_hash_table_iter_init (&iter, senders->by_channel);
    while (r && g_hash_table_iter_next (&iter, NULL, &value)) {
        struct sender *sender = value;
        if (sender->ours) sender->own_until = own_until;
    }
    return r != NULL;
}

/* The channels of r are ours; a set of their ids. */
static GHashTable *take (struct senders *senders, const db_result *r, int64_t monotonic)
{
    GHashTable *ours = g_hash_table_new (g_int64_hash, g_int64_equal);
    for (int row = 0; row < db_rows (r); row++) {
        struct sender *sender = find_or_add (senders, db_int64 (r, row, 0), db_int64 (r, row, 1));
        sender->ours = true;
        sender->paused = db_int64 (r, row, 2) != 0;
        bool down = g_str_equal (db_text (r, row, 3), "down");
        if (sender->own_until)
            sender_told (sender, down, monotonic);
        else
            sender_take (sender, down, monotonic);
        g_hash_table_add (ours, &sender->channel_id);
    }
    return ours;
}

/* True: all that are configured are ours. */
static bool leave_others (struct senders *senders, GHashTable *ours)
{
    GHashTableIter iter;
    void *value;
    bool all = true;
    g_hash_table_iter_init (&iter, senders->by_channel);
    while (g_hash_table_iter_next (&iter, NULL, &value)) {
        struct sender *sender = value;
        if (g_hash_table_contains (ours, &sender->channel_id)) continue;
        sender->ours = false;
        sender->own_until = 0;
        if (sender->channel) all = false;
    }
    return all;
}

bool senders_renew (struct senders *senders, struct db *db, GError **error)
{
    int64_t began = g_get_monotonic_time ();
    if (began < senders->next_renewal) return true;
    g_autoptr (params) p = params_new (4);
    params_uuid (p, &senders->gateway_id);
    put (senders, p, is_configured);
    params_int64 (p, senders->lease);
    g_autoptr (db_result) r = db_call (db, OWN, p, error);
    if (!r) return false;
    g_autoptr (GHashTable) ours = take (senders, r, began);
    bool all = leave_others (senders, ours);
    senders->next_renewal = began + (all ? RENEW (senders->lease) : ASK (senders->lease));
    return recover (senders, db, began + senders->lease - MARGIN (senders->lease), error);
}

/* ---- what the dispatcher asks of all ---- */

void room_free (struct room *room)
{
    if (!room) return;
    g_free (room->accounts);
    g_free (room->channels);
    g_free (room->counts);
    g_free (room);
}

struct room *senders_room (struct senders *senders, int64_t monotonic)
{
    g_autoptr (struct_room) room = g_new0 (struct room, 1);
    guint most = g_hash_table_size (senders->by_channel) + 1;
    *room = (struct room){.accounts = g_new (int64_t, most), .channels = g_new (int64_t, most), .counts = g_new (int, most)};
    GHashTableIter iter;
    void *value;
    g_hash_table_iter_init (&iter, senders->by_channel);
    while (g_hash_table_iter_next (&iter, NULL, &value)) {
        struct sender *sender = value;
        sender->wanted = sender->dry ? 0 : MAX (0, MIN (sender_room (sender, monotonic), DELIVERY_BATCH));
        if (!sender->wanted) continue;
        room->accounts[room->n] = sender->account_id;
        room->channels[room->n] = sender->channel_id;
        room->counts[room->n++] = sender->wanted;
        room->longest = MAX (room->longest, values_number (sender->channel->common, CHANNEL_TIMEOUT));
    }
    return room->n ? g_steal_pointer (&room) : NULL;
}

void senders_note_dry (struct senders *senders)
{
    GHashTableIter iter;
    void *value;
    g_hash_table_iter_init (&iter, senders->by_channel);
    while (g_hash_table_iter_next (&iter, NULL, &value)) {
        struct sender *sender = value;
        if (sender->wanted > 0) sender->dry = true;
    }
}

void senders_look_again (struct senders *senders)
{
    GHashTableIter iter;
    void *value;
    g_hash_table_iter_init (&iter, senders->by_channel);
    while (g_hash_table_iter_next (&iter, NULL, &value)) ((struct sender *) value)->dry = false;
}

int64_t senders_next (const struct senders *senders, int64_t now, int64_t most)
{
    int64_t next = most;
    GHashTableIter iter;
    void *value;
    g_hash_table_iter_init (&iter, senders->by_channel);
    while (g_hash_table_iter_next (&iter, NULL, &value)) {
        const struct sender *sender = value;
        if (sender->channel && sender->ours && !sender->down && sender->pace.rate) {
            int64_t room = pace_next (&sender->pace, now);
            if (room > now) next = MIN (next, room);
        }
        if (sender_probe_due (sender, next)) next = MAX (now, sender->probe_at);
    }
    return next;
}
