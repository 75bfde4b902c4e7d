/* SPDX-License-Identifier: Apache-2.0
 *
 * `test_config --write` writes docs/configuration.md anew.
 */
#include "model/adapter.h"
#include "model/config.h"

#include <glib/gstdio.h>
#include <string.h>

#define CORPUS "tests/corpus/config"
#define REFERENCE "docs/configuration.md"
#define HEAD "listen: {public_url: \"https://gw.example.com/\"}\ndatabase: {url: \"postgresql:///x\"}\n"

static char *read_file (const char *path)
{
    g_autoptr (GError) error = NULL;
    char *text = NULL;
    g_file_get_contents (path, &text, NULL, &error);
    g_assert_no_error (error);
    return text;
}

static char *describe (const struct fault *fault)
{
    return g_strdup_printf ("%u:%u %s%s%s%s", fault->line, fault->column, fault->message, fault->hint ? " (" : "",
                            fault->hint ? fault->hint : "", fault->hint ? ")" : "");
}

/* The parsed file; on faults the test ends with them. */
static struct config *load (const char *path)
{
    g_autoptr (GPtrArray) faults = faults_new ();
    struct config *config = config_load (path, faults);
    for (unsigned i = 0; i < faults->len; i++) {
        g_autofree char *fault = describe (faults->pdata[i]);
        g_test_message ("%s:%s", path, fault);
    }
    g_assert_cmpuint (faults->len, ==, 0);
    g_assert_nonnull (config);
    return config;
}

static const struct channel *find (const struct config *config, const char *account, const char *channel)
{
    return config_channel (config, account, strlen (account), channel, strlen (channel));
}

static void test_contract (void)
{
    g_setenv ("TWILIO_TOKEN", "hunter2", TRUE);
    g_setenv ("CRM_SECRET", "s", TRUE);
    struct config *config = load (CORPUS "/contract.yaml");
    g_assert_true (g_path_is_absolute (config->path));
    g_assert_cmpstr (values_text (config->listen, LISTEN_HTTP), ==, "127.0.0.1:8080");
    g_assert_cmpint (values_number (config->database, DATABASE_CONNECTIONS), ==, 8);
    g_assert_cmpint (values_number (config->limits, LIMITS_BATCH_ITEMS), ==, 128);
    g_assert_cmpint (values_number (config->retention, RETENTION_PROVIDER_IDS), ==, 7 * G_TIME_SPAN_DAY);
    g_assert_cmpuint (config->accounts->len, ==, 1);
    const struct account *acme = config->accounts->pdata[0];
    g_assert_cmpstr (acme->name, ==, "Acme Ltd");

    const struct channel *sms = find (config, "acme", "support-sms");
    g_assert_nonnull (sms);
    g_assert_cmpstr (sms->callback_url, ==, "https://gw.example.com/hooks/acme/support-sms");
    g_assert_cmpstr (sms->public_url, ==, "https://gw.example.com");
    g_assert_cmpstr (sms->adapter->name, ==, "twilio");
    g_assert_cmpint (values_number (sms->common, CHANNEL_RATE), ==, 10000);
    g_assert_false (values_flag (sms->common, CHANNEL_ALLOW_PRIVATE));
    unsigned token = 0;
    while (strcmp (sms->adapter->settings[token].name, "auth_token") != 0) token++;
    g_assert_cmpstr (values_text (sms->values, token), ==, "hunter2");

    g_assert_null (find (config, "acme", "support-sm"));
    g_assert_null (find (config, "acm", "support-sms"));
    g_assert_null (find (config, "acme/support-sms", ""));
    g_assert_null (find (config, "", ""));
    g_assert_true (config_channel (config, "acmeX", 4, "support-sms/x", 11) == sms);
    g_autofree char *endless = g_strnfill (100000, 'a');
    g_assert_null (find (config, endless, endless));

    struct config *second = config_ref (config);
    config_unref (config);
    g_assert_nonnull (find (second, "acme", "support-sms"));
    config_unref (second);
    config_unref (NULL);
}

/* Every file says in its head which faults it has: "# expect LINE:COLUMN message (hint", as far as that is certain. */
static void check_faults (const char *path)
{
    g_autofree char *text = read_file (path);
    g_autoptr (GPtrArray) faults = faults_new ();
    g_assert_null (config_load (path, faults));
    g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
    unsigned n = 0;
    for (; lines[n] && g_str_has_prefix (lines[n], "# expect "); n++) {
        g_autofree char *fault = n < faults->len ? describe (faults->pdata[n]) : g_strdup ("nothing");
        if (!g_str_has_prefix (fault, lines[n] + strlen ("# expect ")))
            g_error ("%s: expected %s, found %s", path, lines[n] + strlen ("# expect "), fault);
    }
    g_assert_cmpuint (n, >, 0);
    g_assert_cmpuint (faults->len, ==, n);
}

static void test_faults (void)
{
    g_unsetenv ("SB_TEST_UNSET");
    g_autoptr (GDir) directory = g_dir_open (CORPUS, 0, NULL);
    g_assert_nonnull (directory);
    unsigned n = 0;
    for (const char *name; (name = g_dir_read_name (directory));) {
        if (!g_str_has_prefix (name, "bad-")) continue;
        g_autofree char *path = g_build_filename (CORPUS, name, NULL);
        check_faults (path);
        n++;
    }
    g_assert_cmpuint (n, >=, 20);
}

static void test_secrets (void)
{
    g_setenv ("SB_TEST_SECRET", "hunter2\xc3\xa9", TRUE);
    static const char text[] =
        "listen: {public_url: \"https://u:${SB_TEST_SECRET}@x\", http: \"${SB_TEST_SECRET}\", trusted_proxies: \"${SB_TEST_SECRET}\"}\n"
        "database: {url: x, connections: \"${SB_TEST_SECRET}\"}\n"
        "limits: {hook_body: \"${SB_TEST_SECRET}\", request_time: hunter2}\n"
        "accounts: {a: {name: x, webhooks: {w: {url: hunter2, secret: {hunter2: x}, events: hunter2}}}}\n";
    g_autoptr (GPtrArray) faults = faults_new ();
    g_assert_null (config_parse ("x", text, strlen (text), faults));
    g_assert_cmpuint (faults->len, ==, 9);
    for (unsigned i = 0; i < faults->len; i++) {
        g_autofree char *fault = describe (faults->pdata[i]);
        g_assert_null (strstr (fault, "hunter2"));
    }
}

static void expect_single (const char *text, size_t length, const char *message)
{
    g_autoptr (GPtrArray) faults = faults_new ();
    gint64 start = g_get_monotonic_time ();
    g_assert_null (config_parse ("x", text, length, faults));
    g_assert_cmpint (g_get_monotonic_time () - start, <, 10 * G_TIME_SPAN_SECOND);
    g_assert_cmpuint (faults->len, >=, 1);
    g_assert_nonnull (strstr (((const struct fault *) faults->pdata[0])->message, message));
}

static void test_huge (void)
{
    g_autofree char *path = g_build_filename (g_get_tmp_dir (), "sb-config-XXXXXX", NULL);
    int fd = g_mkstemp (path);
    g_assert_cmpint (fd, >=, 0);
    g_close (fd, NULL);
    g_autofree char *text = g_strnfill (10 << 20, '[');
    g_assert_true (g_file_set_contents (path, text, 10 << 20, NULL));
    g_autoptr (GPtrArray) faults = faults_new ();
    gint64 start = g_get_monotonic_time ();
    g_assert_null (config_load (path, faults));
    g_assert_cmpint (g_get_monotonic_time () - start, <, G_TIME_SPAN_SECOND);
    g_unlink (path);
    g_assert_cmpuint (faults->len, ==, 1);
    g_assert_cmpstr (((const struct fault *) faults->pdata[0])->message, ==, "the file is larger than 1 MB");
    expect_single (text, 1 << 20, "nested too deeply");

    /* One long value, many times. */
    g_autoptr (GString) long_value = g_string_new ("a: &a ");
    for (int i = 0; i < 700000; i++) g_string_append_c (long_value, 'x');
    g_string_append (long_value, "\nb: [");
    for (int i = 0; i < 80000; i++) g_string_append (long_value, "*a,");
    g_string_append (long_value, "x]\n");
    expect_single (long_value->str, long_value->len, "unfold");

    g_autoptr (GString) many_keys = g_string_new (HEAD);
    for (int i = 0; many_keys->len < 1000000; i++) g_string_append_printf (many_keys, "lissten%d: 1\n", i);
    expect_single (many_keys->str, many_keys->len, "unknown key \"lissten0\" in the file");

    faults = (g_ptr_array_unref (faults), faults_new ());
    g_assert_null (config_parse ("x", many_keys->str, many_keys->len, faults));
    g_assert_cmpuint (faults->len, ==, FAULTS_MOST);
}

/* How many faults text has after HEAD; *first: what the first says, to be freed. */
static unsigned count_faults (const char *text, char **first)
{
    g_autofree char *whole = g_strconcat (HEAD, text, NULL);
    g_autoptr (GPtrArray) faults = faults_new ();
    config_unref (config_parse ("x", whole, strlen (whole), faults));
    g_free (*first);
    *first = faults->len ? describe (faults->pdata[0]) : NULL;
    return faults->len;
}

static void expect_value (const char *section, const char *name, const char *value, bool good)
{
    g_autofree char *text = g_strdup_printf ("%s: {%s: %s}\n", section, name, value), *fault = NULL;
    unsigned n = count_faults (text, &fault);
    if (n != !good || (!good && !strstr (fault, name)))
        g_error ("%s.%s: %s is %s: %s", section, name, value, good ? "refused" : "taken", fault ? fault : "no fault");
}

static void test_ranges (void)
{
    static const struct {
        const char *name, *below, *least, *most, *above; /* below NULL: nothing is */
    } ranges[] = {
        {"hook_body", "1023", "1kB", "64MB", "67108865"},
        {"api_body", "1023", "1kB", "16MB", "16777217"},
        {"upload_body", "1023", "1kB", "64MB", "67108865"},
        {"request_time", "99ms", "100ms", "10m", "600001ms"},
        {"idle_time", "99ms", "100ms", "1h", "3600001ms"},
        {"connections", "7", "8", "1000000", "1000001"},
        {"connections_per_address", NULL, "0", "1000000", "1000001"},
        {"intake_queue", "0", "1", "1000000", "1000001"},
        {"intake_wait", "0ms", "1ms", "1m", "60001ms"},
        {"batch_items", "0", "1", "4096", "4097"},
        {"batch_bytes", "1023", "1kB", "64MB", "67108865"},
        {"api_queue", "0", "1", "1000000", "1000001"},
        {"streams", NULL, "0", "1000000", "1000001"},
        {"stream_buffer", "4095", "4kB", "64MB", "67108865"},
        {"calls", "0", "1", "10000", "10001"},
        {"calls_per_host", "0", "1", "10000", "10001"},
        {"channel_lease", "499ms", "500ms", "5m", "300001ms"},
        {"fetches", "0", "1", "1000", "1001"},
        {"fetch_give_up", "999ms", "1s", "30d", "2592001s"},
        {"journal_inline", NULL, "0", "16MB", "16777217"},
    };
    G_STATIC_ASSERT (G_N_ELEMENTS (ranges) == LIMITS_N);
    for (size_t i = 0; i < G_N_ELEMENTS (ranges); i++) {
        if (ranges[i].below) expect_value ("limits", ranges[i].name, ranges[i].below, false);
        expect_value ("limits", ranges[i].name, ranges[i].least, true);
        expect_value ("limits", ranges[i].name, ranges[i].most, true);
        expect_value ("limits", ranges[i].name, ranges[i].above, false);
    }
    static const struct {
        const char *name, *below, *least, *most, *above;
    } kept[] = {
        {"journal", "23h", "1d", "36500d", "36501d"},      {"events", "23h", "1d", "36500d", "36501d"},
        {"provider_ids", "23h", "1d", "36500d", "36501d"}, {"receipts", "23h", "1d", "36500d", "36501d"},
        {"idempotency", "59m", "1h", "365d", "366d"},      {"uploads", "59m", "1h", "365d", "366d"},
    };
    G_STATIC_ASSERT (G_N_ELEMENTS (kept) == RETENTION_N);
    for (size_t i = 0; i < G_N_ELEMENTS (kept); i++) {
        expect_value ("retention", kept[i].name, kept[i].below, false);
        expect_value ("retention", kept[i].name, kept[i].least, true);
        expect_value ("retention", kept[i].name, kept[i].most, true);
        expect_value ("retention", kept[i].name, kept[i].above, false);
    }
}

static struct config *parse (const char *text)
{
    g_autoptr (GPtrArray) faults = faults_new ();
    struct config *config = config_parse ("x", text, strlen (text), faults);
    g_assert_nonnull (config);
    return config;
}

/* What stands in the file is told by name, never by value. */
static void test_keep (void)
{
    static const char accounts[] =
        "accounts: {a: {name: x, channels: {sms: {adapter: twilio, account_sid: AC1, auth_token: t, from: x}}}}\n";
    g_autofree char *before = g_strconcat (HEAD, accounts, NULL);
    g_autofree char *after =
        g_strconcat ("listen: {public_url: \"https://other.example.com\"}\ndatabase: {url: secret}\nstorage: {directory: d}\n"
                     "limits: {api_body: 1MB, calls: 500}\nretention: {events: 2d}\n",
                     accounts, NULL);
    struct config *running = parse (before), *fresh = parse (after);
    g_autoptr (GPtrArray) changed = g_ptr_array_new_with_free_func (g_free);
    config_keep (fresh, running, changed);
    g_ptr_array_add (changed, NULL);
    g_autofree char *names = g_strjoinv (" ", (char **) changed->pdata);
    g_assert_cmpstr (names, ==, "listen.public_url database.url storage.directory limits.api_body");
    config_unref (running);
    g_assert_cmpstr (values_text (fresh->database, DATABASE_URL), ==, "postgresql:///x");
    g_assert_cmpstr (values_text (fresh->storage, STORAGE_DIRECTORY), ==, "var/media");
    g_assert_cmpint (values_number (fresh->limits, LIMITS_API_BODY), ==, 256 * 1024);
    g_assert_cmpstr (find (fresh, "a", "sms")->callback_url, ==, "https://gw.example.com/hooks/a/sms");
    g_assert_cmpint (values_number (fresh->retention, RETENTION_EVENTS), ==, 2 * G_TIME_SPAN_DAY);
    config_unref (fresh);
}

static void test_names (void)
{
    static const char *const places[] = {
        "accounts: {%s: {name: x}}\n",
        "accounts: {a: {name: x, channels: {%s: {adapter: twilio, account_sid: AC1, auth_token: t, from: \"+15550001111\"}}}}\n",
        "accounts: {a: {name: x, webhooks: {%s: {url: \"https://x\", secret: s}}}}\n",
    };
    g_autofree char *most = g_strnfill (64, 'a'), *over = g_strnfill (65, 'a'), *fault = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS (places); i++) {
        g_auto (GStrv) parts = g_strsplit (places[i], "%s", 2);
        g_autofree char *good = g_strconcat (parts[0], most, parts[1], NULL), *bad = g_strconcat (parts[0], over, parts[1], NULL);
        g_assert_cmpuint (count_faults (good, &fault), ==, 0);
        g_assert_cmpuint (count_faults (bad, &fault), ==, 1);
        g_assert_nonnull (strstr (fault, "use 1 to 64"));
        g_assert_nonnull (strstr (fault, "a…\"")); /* the name is cut, and says so */
    }
}

static void test_lists (void)
{
    g_autofree char *fault = NULL;
    for (unsigned n = 64; n <= 65; n++) {
        g_autoptr (GString) text =
            g_string_new ("accounts: {a: {name: x, channels: {sms: {adapter: twilio, account_sid: AC1, from: x, auth_token: [t");
        for (unsigned i = 1; i < n; i++) g_string_append (text, ", t");
        g_string_append (text, "]}}}}\n");
        g_assert_cmpuint (count_faults (text->str, &fault), ==, n - 64);
    }
    g_assert_nonnull (strstr (fault, "auth_token has more than 64 values"));
}

static void test_unreadable (void)
{
    static const char *const paths[] = {"/nonexistent/switchboard.yaml", "/"};
    for (size_t i = 0; i < G_N_ELEMENTS (paths); i++) {
        g_autoptr (GPtrArray) faults = faults_new ();
        g_assert_null (config_load (paths[i], faults));
        g_assert_cmpuint (faults->len, ==, 1);
        g_assert_true (g_str_has_prefix (((const struct fault *) faults->pdata[0])->message, "could not read the file: "));
    }
}

static void test_copyable (void)
{
    g_setenv ("TWILIO_TOKEN", "x", TRUE);
    config_unref (load ("config/switchboard.yaml"));
    static const char *const names[] = {"TWILIO_API_URL", "http://127.0.0.1:1",
                                        "SB_HTTP",        "127.0.0.1:0",
                                        "SB_OPS",         "127.0.0.1:0",
                                        "SB_PUBLIC_URL",  "http://127.0.0.1:1",
                                        "SB_DATABASE",    "x",
                                        "SB_STORAGE",     "x",
                                        "WA_TOKEN",       "x",
                                        "WA_SECRET",      "x",
                                        "WA_VERIFY",      "x",
                                        "WA_API_URL",     "http://127.0.0.1:1"};
    for (size_t i = 0; i < G_N_ELEMENTS (names); i += 2) g_setenv (names[i], names[i + 1], TRUE);
    struct config *demo = load ("config/demo.yaml");
    const struct channel *sms = find (demo, "acme", "support-sms");
    g_assert_nonnull (sms);
    g_assert_true (values_flag (sms->common, CHANNEL_ALLOW_PRIVATE));
    g_assert_nonnull (find (demo, "acme", "support-wa"));
    config_unref (demo);
}

/* What is commented out in the example must be right as well: without its "# ", and with its comments, it is the same file with more in it. */
static void test_comments (void)
{
    g_setenv ("TWILIO_TOKEN", "x", TRUE);
    static const char *const secrets[] = {"CRM_SECRET", "WA_TOKEN", "WA_SECRET", "WA_VERIFY"};
    for (size_t i = 0; i < G_N_ELEMENTS (secrets); i++) g_setenv (secrets[i], "x", TRUE);
    g_autofree char *text = read_file ("config/switchboard.yaml");
    g_autoptr (GRegex) setting = g_regex_new ("^( *)# ([ a-z_]+:( |$))", G_REGEX_MULTILINE, 0, NULL);
    g_autofree char *opened = g_regex_replace (setting, text, -1, 0, "\\1\\2", 0, NULL);
    g_assert_cmpstr (opened, !=, text);
    g_autoptr (GPtrArray) faults = faults_new ();
    struct config *config = config_parse ("x", opened, strlen (opened), faults);
    for (unsigned i = 0; i < faults->len; i++) {
        g_autofree char *fault = describe (faults->pdata[i]);
        g_test_message ("%s", fault);
    }
    g_assert_nonnull (config);
    config_unref (config);
}

static void expect_mentioned (const char *text, const char *place, struct settings settings)
{
    for (size_t i = 0; i < settings.n; i++) {
        g_autofree char *pattern = g_strdup_printf ("(?m)^[ #]*%s: .", settings.rows[i].name);
        if (!g_regex_match_simple (pattern, text, 0, 0))
            g_error ("config/switchboard.yaml does not mention %s of %s", settings.rows[i].name, place);
        g_assert_true (settings.rows[i].help && *settings.rows[i].help);
    }
}

static void test_example (void)
{
    g_autofree char *text = read_file ("config/switchboard.yaml");
    size_t n;
    const struct config_table *tables = config_tables (&n);
    for (size_t i = 0; i < n; i++) expect_mentioned (text, tables[i].place, tables[i].settings);
    for (const struct adapter *const *adapter = adapters; *adapter; adapter++)
        expect_mentioned (text, (*adapter)->name, (struct settings){(*adapter)->settings, (*adapter)->n_settings});
}

static void test_reference (void)
{
    g_autoptr (GString) reference = g_string_new (NULL);
    config_document (reference);
    g_autofree char *written = read_file (REFERENCE);
    if (strcmp (written, reference->str) != 0) g_error (REFERENCE " is not what the tables say: run this test with --write");
}

static int write_reference (void)
{
    g_autoptr (GString) reference = g_string_new (NULL);
    config_document (reference);
    return g_file_set_contents (REFERENCE, reference->str, -1, NULL) ? 0 : 1;
}

int main (int argc, char **argv)
{
    if (argc == 2 && strcmp (argv[1], "--write") == 0) return write_reference ();
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/config/a file written by the contract is read", test_contract);
    g_test_add_func ("/config/every fault is told with its place and a hint", test_faults);
    g_test_add_func ("/config/no fault tells a secret", test_secrets);
    g_test_add_func ("/config/huge files and aliases that unfold are refused at once", test_huge);
    g_test_add_func ("/config/every limit and every retention has its least and its most", test_ranges);
    g_test_add_func ("/config/what is taken at the start only stays as it was, and is told by name", test_keep);
    g_test_add_func ("/config/a name has at most 64 characters", test_names);
    g_test_add_func ("/config/a list has at most 64 values", test_lists);
    g_test_add_func ("/config/a file that cannot be read is a fault", test_unreadable);
    g_test_add_func ("/config/the example and the demo are good files", test_copyable);
    g_test_add_func ("/config/what the example comments out is good as well", test_comments);
    g_test_add_func ("/config/the example mentions every setting", test_example);
    g_test_add_func ("/config/the reference is what the tables say", test_reference);
    return g_test_run ();
}
