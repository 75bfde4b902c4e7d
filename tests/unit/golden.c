/* SPDX-License-Identifier: Apache-2.0 */
#include "golden.h"

#include <string.h>

struct channel golden_channel (const char *adapter, const char *public_url, const char *const *pairs)
{
    const struct adapter *found = adapter_find (adapter);
    struct channel channel = {
        .account = "acme",
        .slug = "main",
        .adapter = found,
        .values = values_of ((struct settings){found->settings, found->n_settings}, pairs),
        .public_url = public_url,
    };
    g_assert_nonnull (channel.values);
    return channel;
}

/* ---- what receive made of a request, as JSON ---- */

static void set_text (json_t *object, const char *name, const char *text)
{
    if (text != NULL) g_assert_cmpint (json_object_set_new (object, name, json_string (text)), ==, 0);
}

static void set_number (json_t *object, const char *name, int64_t number)
{
    if (number != 0) json_object_set_new (object, name, json_integer (number));
}

static void set_flag (json_t *object, const char *name, bool flag)
{
    if (flag) json_object_set_new (object, name, json_true ());
}

static void set_json (json_t *object, const char *name, const char *json)
{
    if (json == NULL) return;
    g_autoptr (GError) error = NULL;
    json_object_set_new (object, name, json_parse_text (json, strlen (json), &error));
    g_assert_no_error (error);
}

static json_t *show_text (gconstpointer text)
{
    return json_string (text);
}

static json_t *show_file (gconstpointer data)
{
    const struct remote_file *file = data;
    json_t *object = json_object ();
    set_text (object, "url", file->url);
    set_text (object, "mime", file->mime);
    set_text (object, "name", file->name);
    set_text (object, "sha256", file->sha256);
    return object;
}

/* list: NULL: there is nothing to show */
static void set_list (json_t *object, const char *name, const GPtrArray *list, json_t *(*show_one) (gconstpointer data))
{
    if (list == NULL) return;
    json_t *shown = json_array ();
    for (guint i = 0; i < list->len; i++) json_array_append_new (shown, show_one (g_ptr_array_index (list, i)));
    json_object_set_new (object, name, shown);
}

static json_t *show_message (gconstpointer data)
{
    const struct incoming *incoming = data;
    json_t *object = json_object ();
    set_text (object, "external_id", incoming->external_id);
    set_text (object, "from", incoming->from);
    set_list (object, "aliases", incoming->aliases, show_text);
    set_text (object, "to", incoming->to);
    set_text (object, "name", incoming->name);
    set_text (object, "text", incoming->text);
    set_json (object, "content", incoming->content);
    set_list (object, "files", incoming->files, show_file);
    set_number (object, "at", incoming->at);
    set_text (object, "in_reply_to", incoming->in_reply_to);
    set_text (object, "route", incoming->route);
    set_number (object, "window_until", incoming->window_until);
    set_flag (object, "echo", incoming->echo);
    set_flag (object, "quiet", incoming->quiet);
    set_text (object, "opt_out", opt_out_name (incoming->opt_out));
    return object;
}

static json_t *show_receipt (gconstpointer data)
{
    const struct receipt *receipt = data;
    json_t *object = json_object ();
    set_text (object, "external_id", receipt->external_id);
    set_text (object, "status", status_name (receipt->status));
    set_text (object, "code", receipt->code);
    set_text (object, "detail", receipt->detail);
    set_text (object, "reason", receipt->reason);
    g_assert_true ((receipt->reason == NULL) == (receipt->title == NULL)); /* titles are free to be worded better */
    set_number (object, "at", receipt->at);
    set_text (object, "reference", receipt->reference);
    if (receipt->reference != NULL) json_object_set_new (object, "part", json_integer (receipt->part));
    set_flag (object, "opted_out", receipt->opted_out);
    set_json (object, "data", receipt->data);
    set_text (object, "route", receipt->route);
    return object;
}

static json_t *show_notice (gconstpointer data)
{
    const struct notice *notice = data;
    json_t *object = json_object ();
    set_text (object, "external_id", notice->external_id);
    set_text (object, "topic", notice->topic);
    set_text (object, "title", notice->title);
    set_json (object, "data", notice->data);
    set_text (object, "health", notice->health);
    set_text (object, "remedy", notice->remedy);
    set_number (object, "at", notice->at);
    set_text (object, "route", notice->route);
    set_text (object, "owner", notice->owner);
    return object;
}

static json_t *show_reply (const struct http_response *reply)
{
    json_t *object = json_object ();
    json_object_set_new (object, "status", json_integer (reply->status));
    set_text (object, "content_type", reply->content_type);
    if (reply->body != NULL) {
        gsize length;
        const char *body = g_bytes_get_data (reply->body, &length);
        json_object_set_new (object, "body", json_stringn (body, length));
    }
    set_list (object, "headers", reply->headers, show_text);
    return object;
}

static json_t *show (const struct received *received)
{
    static const char *const kinds[] = {"stranger", "unreadable", "items", "refused"};
    json_t *object = json_object ();
    set_text (object, "kind", kinds[received->kind]);
    set_text (object, "reason", received->reason);
    if (received->reply != NULL) json_object_set_new (object, "reply", show_reply (received->reply));
    set_list (object, "messages", received->messages, show_message);
    set_list (object, "receipts", received->receipts, show_receipt);
    set_list (object, "notices", received->notices, show_notice);
    return object;
}

json_t *golden_receive (const struct channel *channel, const struct http_request *request, bool trusted)
{
    struct received received;
    channel->adapter->receive (channel, request, trusted, GOLDEN_NOW, &received);
    json_t *shown = show (&received);
    received_clear (&received);
    return shown;
}

bool golden_is (const json_t *shown, const char *kind)
{
    return g_str_equal (json_string_value (json_object_get (shown, "kind")), kind);
}

/* ---- the files ---- */

static void assert_same (const char *name, json_t *got, json_t *expected)
{
    if (json_equal (got, expected)) return;
    char *left = json_dumps (got, JSON_INDENT (2) | JSON_SORT_KEYS), *right = json_dumps (expected, JSON_INDENT (2) | JSON_SORT_KEYS);
    g_test_message ("%s: got %s\nexpected %s", name, left, right);
    g_test_fail_printf ("%s: the result is another than the file says", name);
    free (left);
    free (right);
}

struct one_file {
    const struct golden *golden;
    char *name;
};

static void free_file (gpointer data)
{
    struct one_file *file = data;
    g_free (file->name);
    g_free (file);
}

static GBytes *read_file (const struct one_file *file, const char *extension)
{
    g_autofree char *path = g_strdup_printf ("%s/%s%s", file->golden->folder, file->name, extension);
    char *bytes;
    gsize length;
    g_assert_true (g_file_get_contents (path, &bytes, &length, NULL));
    return g_bytes_new_take (bytes, length);
}

static json_t *read_expected (const struct one_file *file)
{
    g_autoptr (GBytes) bytes = read_file (file, ".json");
    g_autoptr (GError) error = NULL;
    gsize length;
    const char *text = g_bytes_get_data (bytes, &length);
    json_t *expected = json_parse_text (text, length, &error);
    g_assert_no_error (error);
    return expected;
}

static void test_file (gconstpointer data)
{
    const struct one_file *file = data;
    const struct channel *channel = &file->golden->channel;
    g_autoptr (GBytes) wire = read_file (file, ".http");
    g_autoptr (struct_http_request) request = http_request_parse (wire);
    g_assert_nonnull (request);
    json_auto_t *expected = read_expected (file);

    json_auto_t *got = golden_receive (channel, request, false);
    assert_same (file->name, got, expected);
    g_autoptr (GBytes) again = http_request_format (request);
    g_assert_true (g_bytes_equal (wire, again));
    if (!golden_is (expected, "items") && !golden_is (expected, "unreadable")) return;
    /* replayed from the journal it gives the same */
    json_auto_t *replayed = golden_receive (channel, request, true);
    assert_same (file->name, replayed, expected);
    file->golden->assert_forgeries_fail (channel, request);
}

static int compare_names (gconstpointer a, gconstpointer b)
{
    return strcmp (*(const char *const *) a, *(const char *const *) b);
}

void golden_add_files (const struct golden *golden)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
    GDir *folder = g_dir_open (golden->folder, 0, &error);
    g_assert_no_error (error);
    for (const char *name; (name = g_dir_read_name (folder)) != NULL;)
        if (g_str_has_suffix (name, ".http")) g_ptr_array_add (names, g_strndup (name, strlen (name) - strlen (".http")));
    g_dir_close (folder);
    g_assert_cmpuint (names->len, >=, golden->least);
    g_ptr_array_sort (names, compare_names);
    for (guint i = 0; i < names->len; i++) {
        struct one_file *file = g_new (struct one_file, 1);
        *file = (struct one_file){golden, g_strdup (g_ptr_array_index (names, i))};
        g_autofree char *path = g_strconcat (golden->path, file->name, NULL);
        g_test_add_data_func_full (path, file, test_file, free_file);
    }
}
