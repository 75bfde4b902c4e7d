/* SPDX-License-Identifier: Apache-2.0
 *
 * Which templates there are: the list of the WhatsApp Business Account, one page a round
 * (developers.facebook.com/docs/graph-api/reference/whats-app-business-account/message_templates). Of what an answer says about the next page
 * only the cursor is taken, never its URL. Notes: the pages so far and the cursor, "3 QVFIUk…".
 */
#include "whatsapp.h"

#include <string.h>

/* An account has at most 6,000 templates. */
enum { PAGE = 50, PAGES_MOST = 200, CURSOR_MOST = 1024, FIELD_MOST = 512, COMPONENTS_MOST = 64 * 1024, LIST_MOST = 1024 * 1024 };

static const char *read_notes (const char *notes, guint64 *pages)
{
    char *end = NULL;
    *pages = notes == NULL ? 0 : g_ascii_strtoull (notes, &end, 10);
    return end != NULL && *end == ' ' && end[1] != '\0' ? end + 1 : NULL;
}

bool whatsapp_templates_compose (const struct channel *channel, const char *notes, struct call_request *call)
{
    const char *account = values_text (channel->values, WABA_ID);
    guint64 pages;
    const char *cursor = read_notes (notes, &pages);
    if (account == NULL || pages >= PAGES_MOST || (notes != NULL && cursor == NULL)) return false;
    g_autofree char *id = g_uri_escape_string (account, NULL, FALSE);
    g_autofree char *after = cursor == NULL ? NULL : g_uri_escape_string (cursor, NULL, FALSE);
    g_autofree char *path =
        g_strdup_printf ("/%s/message_templates?limit=%d%s%s", id, PAGE, after == NULL ? "" : "&after=", after == NULL ? "" : after);
    whatsapp_get (channel, whatsapp_url (channel, path), LIST_MOST, call);
    return true;
}

/* ---- judge ---- */

static char *short_member (const json_t *object, const char *name)
{
    const char *text = json_text (object, name);
    return text == NULL || strlen (text) > FIELD_MOST ? NULL : g_strdup (text);
}

/* NULL: not one that could be sent, or shown. */
static struct provider_template *read_template (const json_t *said)
{
    json_t *components = json_object_get (said, "components");
    struct provider_template *template = provider_template_new ();
    template->external_id = short_member (said, "id");
    template->name = short_member (said, "name");
    template->lang = short_member (said, "language");
    template->status = short_member (said, "status");
    template->category = short_member (said, "category");
    template->components = json_is_array (components) ? json_write (components) : g_strdup ("[]");
    if (template->name != NULL && template->lang != NULL && template->status != NULL && strlen (template->components) <= COMPONENTS_MOST)
        return template;
    provider_template_free (template);
    return NULL;
}

/* Whether another page follows. */
static bool has_next (const json_t *paging)
{
    return json_is_string (json_object_get (paging, "next"));
}

static void judge_page (const json_t *said, json_t *data, const char *notes, struct verdict *verdict)
{
    json_t *paging = json_object_get (said, "paging"), *one;
    const char *after = json_text (json_object_get (paging, "cursors"), "after");
    guint64 pages;
    size_t i;
    read_notes (notes, &pages);
    verdict->templates = g_ptr_array_new_with_free_func ((GDestroyNotify) provider_template_free);
    json_array_foreach (data, i, one)
    {
        struct provider_template *template = read_template (one);
        if (template != NULL) g_ptr_array_add (verdict->templates, template);
    }
    bool more = has_next (paging) && after != NULL && after[0] != '\0' && strlen (after) <= CURSOR_MOST && pages + 1 < PAGES_MOST;
    verdict->kind = more ? VERDICT_NEXT : VERDICT_SENT;
    if (more) verdict->notes = g_strdup_printf ("%" G_GUINT64_FORMAT " %s", pages + 1, after);
}

void whatsapp_templates_judge (const struct channel *channel, const struct task *task, const char *notes, const struct call_answer *answer,
                               struct verdict *verdict)
{
    json_auto_t *said = judge_object (answer);
    json_t *data = json_object_get (said, "data");
    if (answer->status / 100 == 2 && json_is_array (data))
        judge_page (said, data, notes, verdict);
    else
        whatsapp_judge_fault (channel, task, false, answer, said, verdict);
}
