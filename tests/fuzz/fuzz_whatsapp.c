/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests from the wire, or failing that bodies, into the adapter: as a stranger's, and as a journal entry that is trusted.
 */
#include "base/ids.h"
#include "base/json.h"
#include "model/adapter.h"
#include "model/address.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

#define NOW INT64_C (1700000000000000)
#define END_OF_TIME INT64_C (253402300800000000)

static const struct channel *channel_of (void)
{
    static struct channel channel = {.account = "acme", .slug = "main", .public_url = "https://gw.example.com"};
    static const char *const pairs[] = {
        "phone_number_id", "10650001", "access_token",    "EAAG1", "app_secret",   "new-secret", "verify_token",
        "verify-me",       "waba_id",  "102290129340398", "from",  "+15550001111", NULL};
    if (channel.adapter == NULL) {
        channel.adapter = adapter_find ("whatsapp");
        channel.values = values_of ((struct settings){channel.adapter->settings, channel.adapter->n_settings}, pairs);
    }
    return &channel;
}

static void assert_text (const char *text)
{
    g_assert (text == NULL || g_utf8_validate (text, -1, NULL));
}

static void assert_address (const char *address)
{
    g_autofree char *canonical = address_check (address, NULL);
    g_assert_cmpstr (canonical, ==, address);
}

static void assert_json (const char *json)
{
    if (json == NULL) return;
    json_auto_t *value = json_parse_text (json, strlen (json), NULL);
    g_assert (json_is_object (value));
}

static void assert_message (const struct incoming *message)
{
    g_assert (message->external_id != NULL && message->from != NULL && message->to != NULL && message->text != NULL);
    assert_address (message->from);
    assert_address (message->to);
    for (guint i = 0; message->aliases != NULL && i < message->aliases->len; i++) {
        assert_address (g_ptr_array_index (message->aliases, i));
        g_assert_cmpstr (g_ptr_array_index (message->aliases, i), !=, message->from);
    }
    assert_text (message->external_id);
    assert_text (message->name);
    assert_text (message->text);
    assert_text (message->in_reply_to);
    assert_text (message->route);
    json_auto_t *content = json_parse_text (message->content, strlen (message->content), NULL);
    g_assert (json_is_string (json_object_get (content, "kind")));
    g_assert (message->at >= 0 && message->at < END_OF_TIME);
    g_assert (message->window_until >= 0 && message->window_until <= NOW + G_TIME_SPAN_DAY);
    g_assert (!(message->quiet || message->echo) || message->window_until == 0);
    for (guint i = 0; message->files != NULL && i < message->files->len; i++) {
        const struct remote_file *file = g_ptr_array_index (message->files, i);
        g_assert (g_str_has_prefix (file->url, "whatsapp-media:"));
        assert_text (file->mime);
        assert_text (file->name);
        g_assert (file->sha256 == NULL || (strlen (file->sha256) == 64 && strspn (file->sha256, "0123456789abcdef") == 64));
    }
}

static void assert_receipt (const struct receipt *receipt)
{
    struct id id;
    g_assert (receipt->external_id != NULL);
    assert_text (receipt->external_id);
    assert_text (receipt->code);
    assert_text (receipt->detail);
    assert_text (receipt->route);
    assert_json (receipt->data);
    g_assert (receipt->at >= 0 && receipt->at < END_OF_TIME);
    g_assert (receipt->reference == NULL || (id_parse (receipt->reference, &id) && receipt->part >= 0 && receipt->part <= 99));
    g_assert (!receipt->opted_out || receipt->status == STATUS_FAILED);
}

static void assert_notice (const struct notice *notice)
{
    g_assert (notice->external_id != NULL && notice->topic != NULL && notice->title != NULL);
    g_assert ((notice->remedy != NULL) == (g_strcmp0 (notice->health, "down") == 0));
    assert_text (notice->route);
    assert_json (notice->data);
    g_assert (notice->at >= 0 && notice->at < END_OF_TIME);
}

static void try_request (const struct http_request *request, bool trusted)
{
    struct received received;
    channel_of ()->adapter->receive (channel_of (), request, trusted, NOW, &received);
    g_assert ((received.reply == NULL) == (received.kind == RECEIVED_STRANGER));
    g_assert (received.kind != RECEIVED_UNREADABLE || received.reason != NULL);
    guint n_messages = received.messages == NULL ? 0 : received.messages->len,
          n_receipts = received.receipts == NULL ? 0 : received.receipts->len,
          n_notices = received.notices == NULL ? 0 : received.notices->len;
    g_assert (n_messages + n_receipts + n_notices == 0 || received.kind == RECEIVED_ITEMS);
    for (guint i = 0; i < n_messages; i++) assert_message (g_ptr_array_index (received.messages, i));
    for (guint i = 0; i < n_receipts; i++) assert_receipt (g_ptr_array_index (received.receipts, i));
    for (guint i = 0; i < n_notices; i++) assert_notice (g_ptr_array_index (received.notices, i));
    received_clear (&received);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    g_autoptr (GBytes) bytes = g_bytes_new (data, size);
    g_autoptr (struct_http_request) request = http_request_parse (bytes);
    struct http_request of_body = {"POST", "/hooks/acme/main", "/hooks/acme/main", "", NULL, 0, bytes, NULL};
    try_request (request == NULL ? &of_body : request, false);
    try_request (request == NULL ? &of_body : request, true);
    return 0;
}
