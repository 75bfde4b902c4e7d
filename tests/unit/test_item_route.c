/* SPDX-License-Identifier: Apache-2.0
 *
 * One URL of a provider's may serve several numbers: each item goes to its own channel, and none to somebody else's.
 */
#include "flow/item_route.h"

#include <string.h>

#define NOBODYS "an item is of a number that is no channel here"
#define CHANNEL(slug, number, secrets) \
    "      " slug ": {adapter: whatsapp, phone_number_id: '" number "', access_token: t, app_secret: " secrets \
    ", verify_token: v, waba_id: w, from: '+1555000000" number "'}\n"

static const char text[] =
    "listen: {http: '127.0.0.1:0', public_url: 'http://127.0.0.1', ops: '127.0.0.1:0'}\n"
    "database: {url: 'postgresql:///x'}\n"
    "storage: {directory: /tmp}\n"
    "accounts:\n"
    "  acme:\n"
    "    name: Acme\n"
    "    channels:\n" CHANNEL ("one", "1", "[new, old]") CHANNEL ("two", "2", "old") CHANNEL ("alien", "3", "other") CHANNEL (
        "fresh", "4",
        "old") "      sms: {adapter: twilio, account_sid: AC00000000000000000000000000000000, auth_token: old, from: '+15550001111'}\n"
               "  globex:\n"
               "    name: Globex\n"
               "    channels:\n" CHANNEL ("five", "5", "old");

/* As synchronised: channels have the ids 1, 2 … in the order of the file; "fresh" has none yet. */
static struct config *config_new (void)
{
    g_autoptr (GPtrArray) faults = g_ptr_array_new_with_free_func ((GDestroyNotify) fault_free);
    struct config *config = config_parse ("test.yaml", text, sizeof text - 1, faults);
    g_assert_nonnull (config);
    int64_t last = 0;
    for (guint i = 0; i < config->accounts->len; i++) {
        struct account *account = config->accounts->pdata[i];
        account->account_id = i + 1;
        for (guint k = 0; k < account->channels->len; k++) {
            struct channel *channel = account->channels->pdata[k];
            channel->account_id = account->account_id;
            channel->channel_id = g_str_equal (channel->slug, "fresh") ? 0 : ++last;
        }
    }
    return config;
}

static const struct channel *channel_of (const struct config *config, const char *slug)
{
    const struct channel *channel = config_channel (config, "acme", 4, slug, strlen (slug));
    g_assert_nonnull (channel);
    return channel;
}

/* One message a route; NULL ends them, "" is one without. */
static struct received received_new (const char *const *routes)
{
    struct received received = {RECEIVED_ITEMS};
    received.messages = g_ptr_array_new_with_free_func ((GDestroyNotify) incoming_free);
    for (; *routes; routes++) {
        struct incoming *incoming = incoming_new ();
        if (**routes) incoming->route = g_strdup (*routes);
        g_ptr_array_add (received.messages, incoming);
    }
    return received;
}

/* The channels of what is left: "1 2". */
static char *routed (const struct received *received)
{
    GString *ids = g_string_new (NULL);
    for (guint i = 0; i < received->messages->len; i++)
        g_string_append_printf (ids, "%s%" G_GINT64_FORMAT, i ? " " : "",
                                ((const struct incoming *) received->messages->pdata[i])->channel_id);
    return g_string_free (ids, FALSE);
}

static void check (const char *called, const char *const *routes, const char *channels, const char *reason)
{
    g_autoptr (struct_config) config = config_new ();
    struct received received = received_new (routes);
    item_route (config, channel_of (config, called), &received);
    g_autofree char *ids = routed (&received);
    g_assert_cmpstr (ids, ==, channels);
    g_assert_cmpstr (received.reason, ==, reason);
    received_clear (&received);
}

static void test_each_item_goes_to_its_channel (void)
{
    check ("one", (const char *const[]){"2", "", "1", "2", NULL}, "2 1 1 2", NULL);
    check ("two", (const char *const[]){"2", "1", NULL}, "2 1", NULL);
}

static void test_a_number_is_as_good_as_its_id (void)
{
    check ("one", (const char *const[]){"whatsapp:15550000002", "whatsapp:15550000001", "whatsapp:15550000009", NULL}, "2 1", NOBODYS);
    check ("one", (const char *const[]){"whatsapp:15550000003", NULL}, "", NOBODYS);
}

static void test_what_is_of_no_channel_is_left_out (void)
{
    check ("one", (const char *const[]){"9", "1", "9", "2", NULL}, "1 2", NOBODYS);
    check ("one", (const char *const[]){"9", NULL}, "", NOBODYS);
}

static void test_another_secret_is_another_app (void)
{
    check ("one", (const char *const[]){"3", NULL}, "", NOBODYS);
}

static void test_another_account_is_not_ours (void)
{
    check ("one", (const char *const[]){"5", NULL}, "", NOBODYS);
}

static void test_a_channel_that_is_not_there_yet_takes_nothing (void)
{
    check ("one", (const char *const[]){"4", NULL}, "", NOBODYS);
}

static void test_an_adapter_without_routes_keeps_everything (void)
{
    check ("sms", (const char *const[]){"2", "", NULL}, "0 0", NULL);
}

static void test_receipts_and_notices_have_channels_too (void)
{
    g_autoptr (struct_config) config = config_new ();
    struct received received = {RECEIVED_ITEMS, .reason = g_strdup ("a change has no value")};
    received.receipts = g_ptr_array_new_with_free_func ((GDestroyNotify) receipt_free);
    received.notices = g_ptr_array_new_with_free_func ((GDestroyNotify) notice_free);
    struct receipt *receipt = receipt_new ("a", STATUS_READ);
    receipt->route = g_strdup ("2");
    g_ptr_array_add (received.receipts, receipt);
    struct notice *notice = notice_new ("b", "quality", "it is well"), *nobodys = notice_new ("c", "quality", "it is well");
    notice->route = g_strdup ("2");
    nobodys->route = g_strdup ("9");
    g_ptr_array_add (received.notices, nobodys);
    g_ptr_array_add (received.notices, notice);
    item_route (config, channel_of (config, "one"), &received);
    g_assert_cmpint (receipt->channel_id, ==, 2);
    g_assert_cmpuint (received.notices->len, ==, 1);
    g_assert_cmpint (notice->channel_id, ==, 2);
    g_assert_cmpstr (received.reason, ==, "a change has no value; " NOBODYS);
    received_clear (&received);
}

static void test_what_is_said_of_a_provider_account_is_told_of_each_of_its_channels (void)
{
    g_autoptr (struct_config) config = config_new ();
    struct received received = {RECEIVED_ITEMS};
    received.notices = g_ptr_array_new_with_free_func ((GDestroyNotify) notice_free);
    struct notice *ours = notice_new ("a", "account", "it is banned"), *nobodys = notice_new ("b", "account", "it is banned");
    ours->owner = g_strdup ("w");
    nobodys->owner = g_strdup ("x");
    g_ptr_array_add (received.notices, nobodys);
    g_ptr_array_add (received.notices, ours);
    g_ptr_array_add (received.notices, notice_new ("c", "quality", "it is well"));
    item_route (config, channel_of (config, "two"), &received);
    GString *told = g_string_new (NULL);
    for (guint i = 0; i < received.notices->len; i++) {
        const struct notice *notice = received.notices->pdata[i];
        g_string_append_printf (told, "%s%" G_GINT64_FORMAT " ", notice->external_id, notice->channel_id);
    }
    g_assert_cmpstr (told->str, ==, "c2 a1 a2 ");
    g_assert_cmpstr (received.reason, ==, NOBODYS);
    g_string_free (told, TRUE);
    received_clear (&received);
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/item_route/each item goes to its channel", test_each_item_goes_to_its_channel);
    g_test_add_func ("/item_route/a number is as good as its id", test_a_number_is_as_good_as_its_id);
    g_test_add_func ("/item_route/what is of no channel is left out", test_what_is_of_no_channel_is_left_out);
    g_test_add_func ("/item_route/another secret is another app", test_another_secret_is_another_app);
    g_test_add_func ("/item_route/another account is not ours", test_another_account_is_not_ours);
    g_test_add_func ("/item_route/a channel that is not there yet takes nothing", test_a_channel_that_is_not_there_yet_takes_nothing);
    g_test_add_func ("/item_route/an adapter without routes keeps everything", test_an_adapter_without_routes_keeps_everything);
    g_test_add_func ("/item_route/receipts and notices have channels, too", test_receipts_and_notices_have_channels_too);
    g_test_add_func ("/item_route/what is said of a provider's account is told of each of its channels",
                     test_what_is_said_of_a_provider_account_is_told_of_each_of_its_channels);
    return g_test_run ();
}
