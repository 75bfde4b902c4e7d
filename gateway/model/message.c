/* SPDX-License-Identifier: Apache-2.0 */
#include "model/message.h"

#include "base/signature.h"

#include <string.h>

struct incoming *incoming_new (void)
{
    return g_new0 (struct incoming, 1);
}

void incoming_free (struct incoming *incoming)
{
    if (incoming == NULL) return;
    g_free (incoming->external_id);
    g_free (incoming->from);
    g_free (incoming->to);
    g_free (incoming->name);
    g_free (incoming->text);
    g_free (incoming->content);
    if (incoming->files != NULL) g_ptr_array_unref (incoming->files);
    if (incoming->aliases != NULL) g_ptr_array_unref (incoming->aliases);
    g_free (incoming->in_reply_to);
    g_free (incoming->route);
    g_free (incoming);
}

struct remote_file *remote_file_new (const char *url, const char *mime, const char *name)
{
    struct remote_file *file = g_new (struct remote_file, 1);
    *file = (struct remote_file){g_strdup (url), g_strdup (mime), g_strdup (name), NULL};
    return file;
}

void remote_file_free (struct remote_file *file)
{
    if (file == NULL) return;
    g_free (file->url);
    g_free (file->mime);
    g_free (file->name);
    g_free (file->sha256);
    g_free (file);
}

const char *status_name (enum status status)
{
    static const char *const names[] = {
        [STATUS_QUEUED] = "queued", [STATUS_UNCERTAIN] = "uncertain", [STATUS_SENT] = "sent",
        [STATUS_FAILED] = "failed", [STATUS_DELIVERED] = "delivered", [STATUS_READ] = "read",
    };
    g_assert (status < G_N_ELEMENTS (names));
    return names[status];
}

/* One letter for each kind of thing that a provider gives ids to. */
static void hash_id (const char *kind, const char *external_id, uint8_t hash[16])
{
    uint8_t whole[32];
    g_autofree char *text = g_strconcat (kind, " ", external_id, NULL);
    signature_sha256 (text, strlen (text), whole);
    memcpy (hash, whole, 16);
}

void message_hash_id (const char *external_id, uint8_t hash[16])
{
    hash_id ("m", external_id, hash);
}

void notice_hash_id (const char *external_id, uint8_t hash[16])
{
    hash_id ("n", external_id, hash);
}

struct receipt *receipt_new (const char *external_id, enum status status)
{
    struct receipt *receipt = g_new0 (struct receipt, 1);
    receipt->external_id = g_strdup (external_id);
    receipt->status = status;
    return receipt;
}

void receipt_free (struct receipt *receipt)
{
    if (receipt == NULL) return;
    g_free (receipt->external_id);
    g_free (receipt->code);
    g_free (receipt->detail);
    g_free (receipt->reference);
    g_free (receipt->data);
    g_free (receipt->route);
    g_free (receipt);
}

struct notice *notice_new (const char *external_id, const char *topic, const char *title)
{
    struct notice *notice = g_new0 (struct notice, 1);
    notice->external_id = g_strdup (external_id);
    notice->topic = topic;
    notice->title = title;
    return notice;
}

struct notice *notice_copy (const struct notice *notice)
{
    struct notice *copy = g_new (struct notice, 1);
    *copy = *notice;
    copy->external_id = g_strdup (notice->external_id);
    copy->data = g_strdup (notice->data);
    copy->route = g_strdup (notice->route);
    copy->owner = g_strdup (notice->owner);
    return copy;
}

void notice_free (struct notice *notice)
{
    if (notice == NULL) return;
    g_free (notice->external_id);
    g_free (notice->data);
    g_free (notice->route);
    g_free (notice->owner);
    g_free (notice);
}
