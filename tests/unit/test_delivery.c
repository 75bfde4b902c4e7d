/* SPDX-License-Identifier: Apache-2.0
 *
 * The files of a message on its way out: a URL for whoever fetches them, bytes for whoever is given them.
 */
#include "flow/delivery.h"
#include "store/files.h"

#include <glib/gstdio.h>
#include <string.h>

#define ID "01900000-0000-7000-8000-0000000000ab"
#define NO_FILE "0000000000000000000000000000000000000000000000000000000000000000"

struct fixture {
    char *directory, *sha256;
    GBytes *secret;
};

static void set_up (struct fixture *f, const void *unused)
{
    (void) unused;
    g_autoptr (GBytes) bytes = g_bytes_new_static ("a picture", 9);
    g_autoptr (GError) error = NULL;
    f->directory = g_dir_make_tmp ("sb-delivery-XXXXXX", &error);
    g_assert_no_error (error);
    f->sha256 = files_put (f->directory, bytes, &error);
    g_assert_no_error (error);
    f->secret = g_bytes_new_static ("01234567890123456789012345678901", 32);
}

static void tear_down (struct fixture *f, const void *unused)
{
    (void) unused;
    g_autofree char *folder = g_strdup_printf ("%s/%.2s", f->directory, f->sha256), *path = g_build_filename (folder, f->sha256, NULL);
    g_assert_cmpint (g_unlink (path), ==, 0);
    g_assert_cmpint (g_rmdir (folder), ==, 0);
    g_assert_cmpint (g_rmdir (f->directory), ==, 0);
    g_free (f->directory);
    g_free (f->sha256);
    g_bytes_unref (f->secret);
}

/* The one file of a message; known NULL: the channel does not know it. */
static struct delivery *deliver (const struct fixture *f, const char *sha256, const char *known, const char *directory)
{
    struct delivery *delivery = g_new0 (struct delivery, 1);
    g_autofree char *quoted = known ? g_strdup_printf ("\"%s\"", known) : g_strdup ("null");
    delivery->files = g_strdup_printf (
        "[{\"id\":\"" ID "\",\"mime\":\"image/png\",\"name\":null,\"size\":9,\"sha256\":\"%s\",\"known\":%s}]", sha256, quoted);
    delivery_add_files (delivery, f->secret, "https://gw.example", directory);
    g_assert_cmpuint (delivery->task.files->len, ==, 1);
    return delivery;
}

static const struct outgoing_file *file_of (const struct delivery *delivery)
{
    return delivery->task.files->pdata[0];
}

static void test_uploaded (struct fixture *f, const void *unused)
{
    (void) unused;
    struct delivery *delivery = deliver (f, f->sha256, NULL, f->directory);
    const struct outgoing_file *file = file_of (delivery);
    gsize size;
    const char *bytes = g_bytes_get_data (file->bytes, &size);
    g_assert_cmpmem (bytes, size, "a picture", 9);
    g_assert_cmpstr (file->sha256, ==, f->sha256);
    g_assert_cmpstr (file->mime, ==, "image/png");
    g_assert_null (file->known);
    g_assert_true (g_str_has_prefix (file->url, "https://gw.example/media/"));
    delivery_free (delivery);
}

static void test_known (struct fixture *f, const void *unused)
{
    (void) unused;
    struct delivery *delivery = deliver (f, f->sha256, "1037", f->directory);
    g_assert_cmpstr (file_of (delivery)->known, ==, "1037");
    g_assert_null (file_of (delivery)->bytes);
    delivery_free (delivery);
}

static void test_fetched (struct fixture *f, const void *unused)
{
    (void) unused;
    struct delivery *delivery = deliver (f, f->sha256, NULL, NULL);
    g_assert_null (file_of (delivery)->bytes);
    delivery_free (delivery);
}

static void test_gone (struct fixture *f, const void *unused)
{
    (void) unused;
    static const char *const names[] = {NO_FILE, "../../etc/passwd"};
    for (size_t i = 0; i < G_N_ELEMENTS (names); i++) {
        struct delivery *delivery = deliver (f, names[i], NULL, f->directory);
        g_assert_null (file_of (delivery)->bytes);
        delivery_free (delivery);
    }
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
#define ADD(path, test) g_test_add (path, struct fixture, NULL, set_up, test, tear_down)
    ADD ("/delivery/a file that the provider is given has its bytes", test_uploaded);
    ADD ("/delivery/one that it knows already has none", test_known);
    ADD ("/delivery/nor has one that it fetches itself", test_fetched);
    ADD ("/delivery/nor one that is not there", test_gone);
    return g_test_run ();
}
