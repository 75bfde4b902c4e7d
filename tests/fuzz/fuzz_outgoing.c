/* SPDX-License-Identifier: Apache-2.0
 *
 * The body of a POST that wants something said, of any bytes: refused at a place of it, or read into a message within its limits.
 */
#include "flow/outgoing.h"

#include "model/address.h"
#include "model/task.h"
#include "model/template.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static const char *const plain_kinds[] = {"text", "media", NULL};
static const char *const all_kinds[] = {"text", "media", "location", "contacts", "choice", "cards", "template", "reaction", NULL};
static const char *const images[] = {"image/png", NULL};
static const struct carries_file file_kinds[] = {{"image", images, 10, true}, {"document", NULL, 100, false}, {0}};
static const struct carries plain = {.kinds = plain_kinds, .text_most = 1600, .file_most = 50, .files_most = OUTGOING_FILES_MOST};
static const struct carries rich = {.kinds = all_kinds,
                                    .text_most = 200,
                                    .text_longest = 4096,
                                    .caption_most = 100,
                                    .file_most = 100,
                                    .files_most = OUTGOING_FILES_MOST,
                                    .file_kinds = file_kinds,
                                    .choice = {.text_most = 100,
                                               .footer_most = 20,
                                               .buttons_most = 3,
                                               .button_title_most = 5,
                                               .button_id_most = 10,
                                               .rows_most = 4,
                                               .row_title_most = 6,
                                               .row_description_most = 7,
                                               .row_id_most = 12,
                                               .list_text_most = 200,
                                               .sections_most = 2,
                                               .section_title_most = 6,
                                               .label_most = 4,
                                               .url = true,
                                               .location = true,
                                               .contact = true,
                                               .flow = true,
                                               .header = true},
                                    .cards = {.least = 2, .most = 3, .text_most = 20, .title_most = 6}};

static void check_read (const struct outgoing *o, enum outgoing_form form)
{
    g_assert (o->note ? *o->text != '\0' : o->content != NULL);
    g_assert (!o->text || (*o->text && o->text_place && g_utf8_validate (o->text, -1, NULL)));
    g_assert (o->files->len <= OUTGOING_FILES_MOST);
    g_assert (!o->reference || g_utf8_strlen (o->reference, -1) <= OUTGOING_REFERENCE_MOST);
    g_assert (!o->metadata || strlen (o->metadata) <= OUTGOING_METADATA_MOST);
    g_assert (o->expires_at >= 0 && o->expires_at <= OUTGOING_EXPIRY_MOST);
    g_assert (o->seen >= -1);
    g_assert (!o->note || (!o->bulk && !o->expires_at));
    g_assert ((form == OUTGOING_FIRST) == (o->to != NULL) && (form == OUTGOING_FIRST) == (o->channel != NULL));
    if (!o->to) return;
    g_autofree char *again = address_check (o->to, NULL);
    g_assert_cmpstr (again, ==, o->to);
}

/* Sizes and types of files come from what the client chose, their ids. */
static GPtrArray *files_of (const struct outgoing *o)
{
    GPtrArray *files = g_ptr_array_new_with_free_func ((GDestroyNotify) outgoing_file_free);
    for (guint i = 0; i < o->files->len; i++) {
        const struct id *id = &g_array_index (o->files, struct id, i);
        struct outgoing_file *file = g_new0 (struct outgoing_file, 1);
        file->mime = g_strdup (id->bytes[15] % 2 ? "image/png" : "audio/ogg");
        file->size = id->bytes[14] % 128;
        g_ptr_array_add (files, file);
    }
    return files;
}

/* As the channel wants it: buttons and rows within its limits. */
static void check_choice (const json_t *content, const struct carries_choice *limits)
{
    const char *style = json_string_value (json_object_get (content, "style"));
    bool list = strcmp (style, "list") == 0;
    const json_t *options = json_object_get (content, "options");
    g_assert (list || strcmp (style, "buttons") == 0);
    g_assert (json_array_size (options) <= (list ? limits->rows_most : limits->buttons_most));
    g_assert ((size_t) g_utf8_strlen (json_string_value (json_object_get (content, "text")), -1) <=
              (list ? limits->list_text_most : limits->text_most));
    size_t i;
    json_t *option;
    json_array_foreach (options, i, option)
    {
        const char *type = json_string_value (json_object_get (option, "type"));
        bool shown = strcmp (type, "location") && strcmp (type, "contact");
        g_assert (json_is_string (json_object_get (option, "id")));
        g_assert (!shown || (size_t) g_utf8_strlen (json_string_value (json_object_get (option, "title")), -1) <=
                                (list ? limits->row_title_most : limits->button_title_most));
    }
}

/* What is stored of it is JSON, of a kind that the channel carries; where anything was changed it says so. */
static void check_content (const struct outgoing *o, const struct carries *carries, const GPtrArray *files)
{
    g_autofree char *content = outgoing_content (o, files), *rendering = outgoing_rendering (o);
    json_auto_t *again = json_loads (content, 0, NULL), *said = json_loads (rendering, 0, NULL);
    const char *kind = json_string_value (json_object_get (again, "kind"));
    json_t *native = json_object_get (json_object_get (again, "native"), "some");
    g_assert (json_is_object (again) && json_is_object (said) && (json_is_object (native) || g_strv_contains (carries->kinds, kind)));
    g_assert (json_array_size (json_object_get (again, "media")) == files->len);
    g_assert (!o->text || g_utf8_validate (o->text, -1, NULL));
    g_assert (o->sent.native || json_array_size (json_object_get (said, "steps")));
    g_assert (!o->sent.answers || json_array_size (o->sent.answers));
    if (strcmp (kind, "choice") == 0 && !json_is_object (native)) check_choice (again, &carries->choice);
}

static void check_refusal (const struct refusal *refusal)
{
    g_assert (refusal->status == 422 && refusal->detail && refusal->place && (!*refusal->place || *refusal->place == '/') &&
              g_utf8_validate (refusal->place, -1, NULL));
}

static void read_as (json_t *body, enum outgoing_form form, const struct carries *carries)
{
    struct outgoing o;
    struct refusal refusal;
    bool good = outgoing_read (body, form, 0, &o, &refusal);
    g_autoptr (GPtrArray) files = good ? files_of (&o) : NULL;
    if (good) check_read (&o, form);
    if (good && !o.note && (good = outgoing_adapt (&o, carries, "some", files, &refusal))) check_content (&o, carries, files);
    if (!good) check_refusal (&refusal);
    outgoing_clear (&o);
    refusal_clear (&refusal);
}

/* What came in, and what providers say of templates, may be anything. */
static void read_anything (json_t *body)
{
    json_t *content = json_object_get (body, "content");
    g_autofree char *words = content_plain (content), *filled = template_plain (json_object_get (body, "components"), content);
    struct content_fault fault = {0};
    json_auto_t *answers = content_answers (content);
    g_assert (json_is_array (answers) && g_utf8_validate (words, -1, NULL) && (!filled || g_utf8_validate (filled, -1, NULL)));
    bool good = template_check (json_object_get (body, "components"), content, 0, &fault);
    g_assert (good == !fault.place && good == !fault.wrong && (good || g_utf8_validate (fault.place, -1, NULL)));
    content_fault_clear (&fault);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    json_auto_t *body = json_parse_text ((const char *) data, size, NULL);
    if (!body) return 0;
    read_anything (body);
    read_as (body, OUTGOING_REPLY, &plain);
    read_as (body, OUTGOING_REPLY, &rich);
    read_as (body, OUTGOING_FIRST, &rich);
    return 0;
}
