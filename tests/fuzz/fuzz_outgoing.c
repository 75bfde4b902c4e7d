/* SPDX-License-Identifier: Apache-2.0
 *
 * The body of a POST that wants something said, of any bytes: refused at a place of it, or read into a message within its limits.
 */
#include "flow/outgoing.h"

#include "model/address.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static const char *const kinds[] = {"text", "media", NULL};
static const struct carries carries = {.kinds = kinds};

static void check_read (const struct outgoing *o, enum outgoing_form form)
{
    g_assert (o->text ? *o->text && o->text_place && g_utf8_validate (o->text, -1, NULL) : o->files->len > 0 || o->content);
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

/* What is stored of it is JSON, and what is sent of it is a text. */
static void check_content (const struct outgoing *o)
{
    g_assert (!o->content || (o->adapted && o->text && *o->text && g_utf8_validate (o->text, -1, NULL)));
    g_autoptr (GPtrArray) none = g_ptr_array_new ();
    g_autofree char *content = outgoing_content (o, none);
    json_auto_t *again = json_loads (content, 0, NULL);
    g_assert (json_is_object (again) && !o->content == !json_object_get (again, "original"));
}

static void read_as (json_t *body, enum outgoing_form form)
{
    struct outgoing o;
    struct refusal refusal;
    bool good = outgoing_read (body, form, 0, &o, &refusal);
    if (good) {
        check_read (&o, form);
        good = outgoing_adapt (&o, &carries, &refusal);
    }
    if (good)
        check_content (&o);
    else
        g_assert (refusal.status == 422 && refusal.detail && refusal.place && (!*refusal.place || *refusal.place == '/') &&
                  g_utf8_validate (refusal.place, -1, NULL));
    outgoing_clear (&o);
    refusal_clear (&refusal);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    json_auto_t *body = json_parse_text ((const char *) data, size, NULL);
    if (!body) return 0;
    read_as (body, OUTGOING_REPLY);
    read_as (body, OUTGOING_FIRST);
    return 0;
}
