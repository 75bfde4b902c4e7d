/* SPDX-License-Identifier: Apache-2.0
 *
 * Files at Meta (developers.facebook.com/docs/whatsapp/cloud-api/reference/media): ours are uploaded, once for all messages while their id
 * lives; those of customers are fetched (fetch.c).
 */
#include "whatsapp.h"

#include <string.h>

/* Meta keeps an upload for 30 days. */
enum { UPLOAD_DAYS = 29 };

const char *whatsapp_media_id (const struct outgoing_file *file, const json_t *ids)
{
    const json_t *noted = file->sha256 == NULL ? NULL : json_object_get (ids, file->sha256);
    const char *id = noted == NULL ? file->known : json_string_value (noted);
    return whatsapp_is_id (id) ? id : NULL;
}

bool whatsapp_media_waits (const struct outgoing_file *file, const json_t *ids)
{
    return file->bytes != NULL && file->sha256 != NULL && whatsapp_media_id (file, ids) == NULL;
}

/* ---- multipart/form-data (RFC 7578) ---- */

/* Text that does not occur in the file. */
static char *boundary_for (const struct outgoing_file *file)
{
    gsize length;
    const void *bytes = g_bytes_get_data (file->bytes, &length);
    GString *boundary = g_string_new ("switchboard-");
    g_string_append_len (boundary, file->sha256, (gssize) MIN (strlen (file->sha256), (size_t) 32));
    while (memmem (bytes, length, boundary->str, boundary->len) != NULL) g_string_append_c (boundary, '-');
    return g_string_free (boundary, FALSE);
}

/* The type alone, without what cannot stand in a header; Meta takes no unknown ones, but says so itself. */
static char *type_of (const struct outgoing_file *file)
{
    size_t length = file->mime == NULL ? 0 : strcspn (file->mime, "; ");
    for (size_t i = 0; i < length; i++)
        if (!g_ascii_isalnum (file->mime[i]) && strchr ("/.+-_", file->mime[i]) == NULL) length = 0;
    return length == 0 ? g_strdup ("application/octet-stream") : g_strndup (file->mime, length);
}

/* Quotes and line ends escaped as browsers do (HTML, "multipart/form-data encoding algorithm"). */
static void add_name (GString *body, const char *name)
{
    for (; *name != '\0'; name++)
        if (*name == '"' || (guchar) *name < ' ' || *name == 0x7f)
            g_string_append_printf (body, "%%%02X", (guchar) *name);
        else
            g_string_append_c (body, *name);
}

static void add_field (GString *body, const char *boundary, const char *name, const char *value)
{
    g_string_append_printf (body, "--%s\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n", boundary, name, value);
}

static GBytes *form_of (const struct outgoing_file *file, const char *boundary)
{
    gsize length;
    const char *bytes = g_bytes_get_data (file->bytes, &length);
    g_autofree char *type = type_of (file);
    GString *body = g_string_sized_new (length + 1024);
    add_field (body, boundary, "messaging_product", "whatsapp");
    add_field (body, boundary, "type", type);
    g_string_append_printf (body, "--%s\r\nContent-Disposition: form-data; name=\"file\"; filename=\"", boundary);
    add_name (body, file->name == NULL || file->name[0] == '\0' ? "file" : file->name);
    g_string_append_printf (body, "\"\r\nContent-Type: %s\r\n\r\n", type);
    g_string_append_len (body, bytes, (gssize) length);
    g_string_append_printf (body, "\r\n--%s--\r\n", boundary);
    return g_string_free_to_bytes (body);
}

/* ---- uploads ---- */

void whatsapp_upload_compose (const struct channel *channel, const struct outgoing_file *file, struct call_request *call)
{
    g_autofree char *boundary = boundary_for (file);
    call->method = "POST";
    call->url = whatsapp_number_url (channel, "/media");
    whatsapp_sign_in (channel, call);
    g_ptr_array_add (call->headers, g_strdup ("Content-Type")); /* content_type is for those that are always the same */
    g_ptr_array_add (call->headers, g_strconcat ("multipart/form-data; boundary=", boundary, NULL));
    call->body = form_of (file, boundary);
    call->answer_most = ANSWER_MOST;
}

static void learn (const struct outgoing_file *file, const char *id, int64_t now, struct verdict *verdict)
{
    g_autofree char *key = channel_note_file (file);
    verdict->learned = g_ptr_array_new_with_free_func ((GDestroyNotify) channel_note_free);
    g_ptr_array_add (verdict->learned, channel_note_new (key, id, now + UPLOAD_DAYS * G_TIME_SPAN_DAY));
}

/* What Meta does not accept of an upload is the file. */
static void judge_refusal (struct verdict *verdict)
{
    if (verdict->kind != VERDICT_REFUSED) return;
    verdict->code = "bad_media";
    verdict->title = "WhatsApp does not accept a file of the message";
}

void whatsapp_upload_judge (const struct channel *channel, const struct task *task, const struct outgoing_file *file,
                            const struct call_answer *answer, int64_t now, json_t *ids, struct verdict *verdict)
{
    json_auto_t *said = judge_object (answer);
    const char *id = json_text (said, "id");
    if (answer->status / 100 == 2 && whatsapp_is_id (id) && json_object_get (said, "error") == NULL) {
        verdict->kind = VERDICT_NEXT;
        json_object_set_new (ids, file->sha256, json_string (id));
        learn (file, id, now, verdict);
    } else {
        whatsapp_judge_fault (channel, task, false, answer, said, verdict);
        judge_refusal (verdict);
    }
}
