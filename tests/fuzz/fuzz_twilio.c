/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests from the wire, or failing that bodies, into the adapter: as a stranger's, and as a journal entry that is trusted.
 */
#include "base/ids.h"
#include "base/json.h"
#include "model/adapter.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static const struct channel *channel_of (void)
{
    static struct channel channel = {.account = "acme", .slug = "sms", .public_url = "https://gw.example.com"};
    static const char *const pairs[] = {"account_sid", "AC1",  "auth_token",   "new-token", "auth_token",
                                        "old-token",   "from", "+15550009999", NULL};
    if (channel.adapter == NULL) {
        channel.adapter = adapter_find ("twilio");
        channel.values = values_of ((struct settings){channel.adapter->settings, channel.adapter->n_settings}, pairs);
    }
    return &channel;
}

static void assert_text (const char *text)
{
    g_assert (text == NULL || g_utf8_validate (text, -1, NULL));
}

static void assert_message (const struct incoming *message)
{
    g_assert (message->external_id != NULL && message->from != NULL && message->to != NULL && message->text != NULL);
    assert_text (message->external_id);
    assert_text (message->name);
    assert_text (message->text);
    json_auto_t *content = json_parse_text (message->content, strlen (message->content), NULL);
    g_assert (json_is_string (json_object_get (content, "kind")));
    for (guint i = 0; message->files != NULL && i < message->files->len; i++) {
        const struct remote_file *file = g_ptr_array_index (message->files, i);
        assert_text (file->url);
        assert_text (file->mime);
    }
}

static void assert_receipt (const struct receipt *receipt)
{
    struct id id;
    assert_text (receipt->external_id);
    assert_text (receipt->code);
    assert_text (receipt->detail);
    g_assert (receipt->external_id != NULL);
    g_assert (receipt->reference == NULL || (id_parse (receipt->reference, &id) && receipt->part >= 0 && receipt->part <= 99));
    g_assert (!receipt->opted_out || receipt->status == STATUS_FAILED);
}

static void try_request (const struct http_request *request, bool trusted)
{
    struct received received;
    channel_of ()->adapter->receive (channel_of (), request, trusted, 0, &received);
    g_assert ((received.reply == NULL) == (received.kind == RECEIVED_STRANGER));
    g_assert ((received.reason == NULL) == (received.kind != RECEIVED_UNREADABLE));
    guint n_messages = received.messages == NULL ? 0 : received.messages->len,
          n_receipts = received.receipts == NULL ? 0 : received.receipts->len;
    g_assert ((n_messages + n_receipts > 0) == (received.kind == RECEIVED_ITEMS));
    for (guint i = 0; i < n_messages; i++) assert_message (g_ptr_array_index (received.messages, i));
    for (guint i = 0; i < n_receipts; i++) assert_receipt (g_ptr_array_index (received.receipts, i));
    received_clear (&received);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    static const struct http_header headers[] = {{"Content-Type", "application/x-www-form-urlencoded"}};
    g_autoptr (GBytes) bytes = g_bytes_new (data, size);
    g_autoptr (struct_http_request) request = http_request_parse (bytes);
    struct http_request of_body = {"POST", "/hooks/acme/sms", "/hooks/acme/sms", "", headers, 1, bytes, NULL};
    try_request (request == NULL ? &of_body : request, false);
    try_request (request == NULL ? &of_body : request, true);
    if (request == NULL) return 0;
    /* what was parsed is written as it was, but for what the journal leaves out */
    g_autoptr (GBytes) wire = http_request_format (request);
    g_autoptr (struct_http_request) again = http_request_parse (wire);
    g_assert_nonnull (again);
    g_assert_cmpstr (again->target, ==, request->target);
    g_assert (g_bytes_equal (again->body, request->body));
    return 0;
}
