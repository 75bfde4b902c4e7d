/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "base/log.h"

#include <string.h>
#include <unistd.h>

/* What log_write puts on standard error, by turning that into a file for a while. */
static int saved;
static FILE *capture;

static void start_capture (void)
{
    capture = tmpfile ();
    g_assert_nonnull (capture);
    saved = dup (STDERR_FILENO);
    g_assert_cmpint (dup2 (fileno (capture), STDERR_FILENO), ==, STDERR_FILENO);
}

static char *end_capture (void)
{
    dup2 (saved, STDERR_FILENO);
    close (saved);
    GString *text = g_string_new (NULL);
    rewind (capture);
    for (int c; (c = fgetc (capture)) != EOF;) g_string_append_c (text, (char) c);
    fclose (capture);
    return g_string_free (text, FALSE);
}

static void test_line (void)
{
    start_capture ();
    log_error ("intake.lost", "a \"word\", a \\, a line end\nforged, \x1b[31m and \x7f%c after %d", 0xff, 3);
    g_autofree char *text = end_capture ();
    char *end = strchr (text, '\n');
    g_assert_nonnull (end);
    g_assert_cmpstr (end, ==, "\n");
    json_auto_t *line = json_parse_text (text, strlen (text), NULL);
    g_assert_nonnull (line);
    g_assert_cmpuint (json_object_size (line), ==, 4);
    g_assert_cmpstr (json_string_value (json_object_get (line, "level")), ==, "error");
    g_assert_cmpstr (json_string_value (json_object_get (line, "event")), ==, "intake.lost");
    g_assert_cmpstr (json_string_value (json_object_get (line, "msg")), ==,
                     "a \"word\", a \\, a line end\nforged, \x1b[31m and \x7f\xef\xbf\xbd after 3");
    const char *at = json_string_value (json_object_get (line, "ts"));
    g_assert_true (g_regex_match_simple ("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6}Z$", at, 0, 0));
    for (const char *c = text; c < end; c++) g_assert_cmpint ((unsigned char) *c, >=, 0x20);
}

static void test_level (void)
{
    start_capture ();
    log_debug ("a", "not shown");
    log_set_level (LOG_WARNING);
    log_info ("b", "not shown");
    log_warning ("c", "shown");
    log_set_level (LOG_DEBUG);
    log_debug ("d", "shown");
    log_set_level (LOG_INFO);
    g_autofree char *text = end_capture ();
    g_assert_null (strstr (text, "not shown"));
    g_assert_nonnull (strstr (text, "\"event\":\"c\""));
    g_assert_nonnull (strstr (text, "\"event\":\"d\""));
}

#define THREADS 4
#define EACH 500

static void *write_lines (void *data)
{
    g_autofree char *filler = g_strnfill (300, (char) GPOINTER_TO_INT (data));
    for (int i = 0; i < EACH; i++) log_info ("thread", "%s", filler);
    return NULL;
}

static void test_threads (void)
{
    start_capture ();
    GThread *threads[THREADS];
    for (int i = 0; i < THREADS; i++) threads[i] = g_thread_new ("log", write_lines, GINT_TO_POINTER ('a' + i));
    for (int i = 0; i < THREADS; i++) g_thread_join (threads[i]);
    g_autofree char *text = end_capture ();
    g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
    g_assert_cmpuint (g_strv_length (lines), ==, THREADS * EACH + 1);
    for (int i = 0; i < THREADS * EACH; i++) {
        json_auto_t *line = json_parse_text (lines[i], strlen (lines[i]), NULL);
        const char *message = json_string_value (json_object_get (line, "msg"));
        g_assert_cmpuint (strlen (message), ==, 300);
        g_assert_cmpuint (strspn (message, (char[]){message[0], 0}), ==, 300);
    }
}

static void test_long (void)
{
    g_autofree char *filler = g_strnfill (100000, 'x');
    start_capture ();
    log_info ("long", "%s", filler);
    g_autofree char *text = end_capture ();
    g_assert_cmpuint (strlen (text), <, 5000);
    g_assert_true (g_str_has_suffix (text, "\"}\n"));
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/log/a happening is one JSON line that no text can forge", test_line);
    g_test_add_func ("/log/what is below the level is not shown", test_level);
    g_test_add_func ("/log/lines of several threads do not mix", test_threads);
    g_test_add_func ("/log/a line has a limit", test_long);
    return g_test_run ();
}
