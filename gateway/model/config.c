/* SPDX-License-Identifier: Apache-2.0 */
#include "model/config.h"

#include "base/json.h"
#include "base/yaml.h"
#include "model/adapter.h"
#include "model/config_tables.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLUG_MOST 64
#define DAY INT64_C (86400000000)

/* Keys of mappings that hold more than settings. */
static const struct setting root_keys[] = {
    {"listen", SETTING_STRING, NULL, 0, ""}, {"database", SETTING_STRING, NULL, 0, ""},  {"storage", SETTING_STRING, NULL, 0, ""},
    {"limits", SETTING_STRING, NULL, 0, ""}, {"retention", SETTING_STRING, NULL, 0, ""}, {"accounts", SETTING_STRING, NULL, 0, ""},
};
static const struct setting account_keys[] = {{"channels", SETTING_STRING, NULL, 0, ""}, {"webhooks", SETTING_STRING, NULL, 0, ""}};
static const struct setting adapter_key[] = {
    {"adapter", SETTING_STRING, NULL, SETTING_REQUIRED, "the name of the code that speaks the provider's language"}};

/* What the file is read with. */
struct reading {
    struct config *config;
    GPtrArray *faults;
};

static struct settings table (unsigned number)
{
    return config_tables (NULL)[number].settings;
}

static void channel_free (void *data)
{
    struct channel *channel = data;
    values_unref (channel->values);
    values_unref (channel->common);
    g_free (channel);
}

static void account_free (void *data)
{
    struct account *account = data;
    g_ptr_array_unref (account->channels);
    g_free (account);
}

static struct config *config_new (const char *path)
{
    struct config *config = g_new0 (struct config, 1);
    config->n_refs = 1;
    config->path = g_canonicalize_filename (path, NULL);
    config->accounts = g_ptr_array_new_with_free_func (account_free);
    config->by_slug = g_hash_table_new (g_str_hash, g_str_equal);
    config->strings = g_string_chunk_new (4096);
    return config;
}

struct config *config_ref (struct config *config)
{
    g_atomic_int_inc (&config->n_refs);
    return config;
}

void config_unref (struct config *config)
{
    if (!config || !g_atomic_int_dec_and_test (&config->n_refs)) return;
    values_unref (config->listen);
    values_unref (config->database);
    values_unref (config->storage);
    values_unref (config->limits);
    values_unref (config->retention);
    g_hash_table_unref (config->by_slug);
    g_ptr_array_unref (config->accounts);
    g_string_chunk_free (config->strings);
    g_free (config->path);
    g_free (config);
}

/* Is node a mapping, or nothing at all? */
static bool is_mapping (struct reading *reading, const struct yaml_node *node, const char *place)
{
    if (!node || node->kind == YAML_NOTHING || node->kind == YAML_MAPPING) return true;
    fault_add (reading->faults, node->line, node->column, NULL, "%s must be a mapping of keys to values, not %s", place,
               yaml_kind_name (node->kind));
    return false;
}

static const struct yaml_node *key_node (const struct yaml_node *mapping, const char *name)
{
    for (unsigned i = 0; mapping && mapping->kind == YAML_MAPPING && i < mapping->keys->len; i++)
        if (strcmp (((const struct yaml_node *) mapping->keys->pdata[i])->text, name) == 0) return mapping->keys->pdata[i];
    return NULL;
}

static struct values *read_section (struct reading *reading, const struct yaml_node *root, unsigned number)
{
    const char *name = config_tables (NULL)[number].place;
    const struct yaml_node *key = key_node (root, name), *node = yaml_get (root, name);
    struct settings settings = table (number);
    if (!is_mapping (reading, node, name)) return NULL;
    settings_refuse_unknown (node, name, &settings, 1, reading->faults);
    return values_parse (node, name, key ? key->line : 1, key ? key->column : 1, settings, reading->faults);
}

/* A fault at the value of a row that is well formed but cannot be. */
static void refuse_row (struct reading *reading, const struct yaml_node *section, const char *name, char *message)
{
    const struct yaml_node *node = yaml_get (section, name);
    if (node) fault_add (reading->faults, node->line, node->column, NULL, "%s %s", name, message);
    g_free (message);
}

static void check_range (struct reading *reading, const struct yaml_node *section, const struct values *values, const struct setting *row,
                         unsigned number, int64_t least, int64_t most, const char *said)
{
    if (!values || !values_text (values, number)) return;
    int64_t value = values_number (values, number);
    if (value < least || value > most) refuse_row (reading, section, row[number].name, g_strdup_printf ("must be %s", said));
}

struct range {
    unsigned row;
    int64_t least, most;
    const char *said;
};

static void check_ranges (struct reading *reading, const struct yaml_node *root, unsigned number, const struct values *values,
                          const struct range *ranges, size_t n)
{
    const struct yaml_node *section = yaml_get (root, config_tables (NULL)[number].place);
    for (size_t i = 0; i < n; i++)
        check_range (reading, section, values, table (number).rows, ranges[i].row, ranges[i].least, ranges[i].most, ranges[i].said);
}

/* Beyond these the program would not work at all, or its memory would have no bound. */
static void check_limits (struct reading *reading, const struct yaml_node *root)
{
    static const struct range limits[] = {
        {LIMITS_HOOK_BODY, 1024, 64 << 20, "from 1kB to 64MB"},
        {LIMITS_API_BODY, 1024, JSON_BYTES_MOST, "from 1kB to 16MB"},
        {LIMITS_UPLOAD_BODY, 1024, 64 << 20, "from 1kB to 64MB"},
        {LIMITS_REQUEST_TIME, 100000, 600000000, "from 100ms to 10m"},
        {LIMITS_IDLE_TIME, 100000, 3600000000, "from 100ms to 1h"},
        {LIMITS_CONNECTIONS, 8, 1000000, "from 8 to 1000000"},
        {LIMITS_CONNECTIONS_PER_ADDRESS, 0, 1000000, "at most 1000000"},
        {LIMITS_INTAKE_QUEUE, 1, 1000000, "from 1 to 1000000"},
        {LIMITS_INTAKE_WAIT, 1000, 60000000, "from 1ms to 1m"},
        {LIMITS_BATCH_ITEMS, 1, 4096, "from 1 to 4096"},
        {LIMITS_BATCH_BYTES, 1024, 64 << 20, "from 1kB to 64MB"},
        {LIMITS_API_QUEUE, 1, 1000000, "from 1 to 1000000"},
        {LIMITS_STREAMS, 0, 1000000, "at most 1000000"},
        {LIMITS_STREAM_BUFFER, 4096, 64 << 20, "from 4kB to 64MB"},
        {LIMITS_CALLS, 1, 10000, "from 1 to 10000"},
        {LIMITS_CALLS_PER_HOST, 1, 10000, "from 1 to 10000"},
        {LIMITS_CHANNEL_LEASE, 500000, 300000000, "from 500ms to 5m"},
        {LIMITS_FETCHES, 1, 1000, "from 1 to 1000"},
        {LIMITS_FETCH_GIVE_UP, 1000000, INT64_C (86400000000) * 30, "from 1s to 30d"},
        {LIMITS_JOURNAL_INLINE, 0, 16 << 20, "at most 16MB"},
    };
    G_STATIC_ASSERT (G_N_ELEMENTS (limits) == LIMITS_N);
    check_ranges (reading, root, TABLE_LIMITS, reading->config->limits, limits, LIMITS_N);
    static const struct range retention[] = {
        {RETENTION_JOURNAL, DAY, 36500 * DAY, "from 1d to 36500d"},      {RETENTION_EVENTS, DAY, 36500 * DAY, "from 1d to 36500d"},
        {RETENTION_PROVIDER_IDS, DAY, 36500 * DAY, "from 1d to 36500d"}, {RETENTION_RECEIPTS, DAY, 36500 * DAY, "from 1d to 36500d"},
        {RETENTION_IDEMPOTENCY, DAY / 24, 365 * DAY, "from 1h to 365d"}, {RETENTION_UPLOADS, DAY / 24, 365 * DAY, "from 1h to 365d"},
    };
    G_STATIC_ASSERT (G_N_ELEMENTS (retention) == RETENTION_N);
    check_ranges (reading, root, TABLE_RETENTION, reading->config->retention, retention, RETENTION_N);
    check_range (reading, yaml_get (root, "database"), reading->config->database, table (TABLE_DATABASE).rows, DATABASE_CONNECTIONS, 1,
                 1000, "from 1 to 1000");
}

/* An address, or an address and the number of its leading bits. */
static bool good_network (const char *text)
{
    const char *slash = strchr (text, '/');
    g_autofree char *address = slash ? g_strndup (text, (size_t) (slash - text)) : g_strdup (text);
    uint8_t bytes[16];
    unsigned most = inet_pton (AF_INET, address, bytes) == 1 ? 32 : inet_pton (AF_INET6, address, bytes) == 1 ? 128 : 0;
    guint64 bits = 0;
    return most && (!slash || g_ascii_string_to_unsigned (slash + 1, 10, 0, most, &bits, NULL));
}

static void check_listen (struct reading *reading, const struct yaml_node *root)
{
    const struct values *listen = reading->config->listen;
    if (!listen) return;
    const struct yaml_node *section = yaml_get (root, "listen");
    const char *url = values_text (listen, LISTEN_PUBLIC_URL);
    if (url && strchr (url, '?')) refuse_row (reading, section, "public_url", g_strdup ("cannot have a query"));
    for (const char *const *proxy = values_texts (listen, LISTEN_TRUSTED_PROXIES); *proxy; proxy++)
        if (!good_network (*proxy)) {
            refuse_row (reading, section, "trusted_proxies", g_strdup ("must be addresses or networks, as 127.0.0.1 or 10.0.0.0/8"));
            return;
        }
}

/* By what URLs providers know the channels; public_url without the slashes at its end. */
static void set_urls (struct config *config)
{
    const char *given = values_text (config->listen, LISTEN_PUBLIC_URL);
    size_t length = strlen (given);
    while (given[length - 1] == '/') length--;
    const char *url = g_string_chunk_insert_len (config->strings, given, (gssize) length);
    for (guint i = 0; i < config->accounts->len; i++) {
        const struct account *account = config->accounts->pdata[i];
        for (guint k = 0; k < account->channels->len; k++) {
            struct channel *channel = account->channels->pdata[k];
            g_autofree char *callback = g_strdup_printf ("%s/hooks/%s/%s", url, channel->account, channel->slug);
            channel->public_url = url;
            channel->callback_url = g_string_chunk_insert (config->strings, callback);
        }
    }
}

static bool good_slug (struct reading *reading, const struct yaml_node *key, const char *noun)
{
    size_t length = strlen (key->text);
    if (length && length <= SLUG_MOST && strspn (key->text, "abcdefghijklmnopqrstuvwxyz0123456789-") == length) return true;
    g_autofree char *quoted = fault_quote (key->text);
    fault_add (reading->faults, key->line, key->column, g_strdup ("use 1 to 64 lower-case letters, digits and hyphens"),
               "%s cannot be the name of %s", quoted, noun);
    return false;
}

static const struct adapter *read_adapter (struct reading *reading, const struct yaml_node *node, const struct yaml_node *key,
                                           const char *place)
{
    unsigned before = reading->faults->len;
    struct values *values = values_parse (node, place, key->line, key->column, (struct settings){adapter_key, 1}, reading->faults);
    g_autofree char *name = g_strdup (values_text (values, 0));
    values_unref (values);
    const struct adapter *adapter = name ? adapter_find (name) : NULL;
    if (adapter || reading->faults->len != before || !name) return adapter;

    g_autoptr (GPtrArray) names = g_ptr_array_new ();
    for (const struct adapter *const *each = adapters; *each; each++) g_ptr_array_add (names, (void *) (uintptr_t) (*each)->name);
    g_ptr_array_add (names, NULL);
    char *hint = settings_suggest (name, (const char *const *) names->pdata);
    if (!hint) {
        g_autofree char *all = g_strjoinv (", ", (char **) names->pdata);
        hint = g_strdup_printf ("there are: %s", all);
    }
    g_autofree char *quoted = fault_quote (name);
    const struct yaml_node *at = yaml_get (node, "adapter");
    fault_add (reading->faults, at->line, at->column, hint, "unknown adapter %s", quoted);
    return NULL;
}

/* Only where the rows are right by themselves: else they hold fallbacks. */
static void check_adapter (struct reading *reading, const struct channel *channel, const struct yaml_node *key, const char *place)
{
    const char *hint = NULL, *wrong = channel->adapter->check ? channel->adapter->check (channel->values, &hint) : NULL;
    if (wrong) fault_add (reading->faults, key->line, key->column, g_strdup (hint), "%s %s", place, wrong);
}

static void read_channel (struct reading *reading, struct account *account, const struct yaml_node *key, const struct yaml_node *node)
{
    struct config *config = reading->config;
    g_autofree char *quoted = fault_quote (key->text);
    g_autofree char *place = g_strdup_printf ("channel %s", quoted);
    if (!good_slug (reading, key, "a channel") || !is_mapping (reading, node, place)) return;
    const struct adapter *adapter = read_adapter (reading, node, key, place);
    struct settings own = {adapter ? adapter->settings : NULL, adapter ? adapter->n_settings : 0};
    struct settings tables[] = {own, table (TABLE_CHANNEL), {adapter_key, 1}};
    /* Which keys a channel may have is not known without its adapter. */
    if (adapter) settings_refuse_unknown (node, place, tables, G_N_ELEMENTS (tables), reading->faults);

    struct channel *channel = g_new0 (struct channel, 1);
    channel->account = account->slug;
    channel->slug = g_string_chunk_insert (config->strings, key->text);
    channel->adapter = adapter;
    unsigned before = reading->faults->len;
    channel->values = values_parse (node, place, key->line, key->column, own, reading->faults);
    if (adapter && reading->faults->len == before) check_adapter (reading, channel, key, place);
    channel->common = values_parse (node, place, key->line, key->column, table (TABLE_CHANNEL), reading->faults);
    check_range (reading, node, channel->common, table (TABLE_CHANNEL).rows, CHANNEL_CONCURRENCY, 1, 1000, "from 1 to 1000");
    check_range (reading, node, channel->common, table (TABLE_CHANNEL).rows, CHANNEL_PROBE_EVERY, G_TIME_SPAN_SECOND, 7 * G_TIME_SPAN_DAY,
                 "from 1s to 7d");
    g_autofree char *path = g_strdup_printf ("%s/%s", account->slug, key->text);
    g_ptr_array_add (account->channels, channel);
    g_hash_table_insert (config->by_slug, g_string_chunk_insert (config->strings, path), channel);
}

static bool good_event (const char *text)
{
    size_t first = strspn (text, "abcdefghijklmnopqrstuvwxyz_");
    if (strcmp (text, "*") == 0) return true;
    if (!first || text[first] != '.') return false;
    const char *rest = text + first + 1;
    return strcmp (rest, "*") == 0 || (*rest && strspn (rest, "abcdefghijklmnopqrstuvwxyz_") == strlen (rest));
}

static void read_webhook (struct reading *reading, const struct yaml_node *key, const struct yaml_node *node)
{
    g_autofree char *quoted = fault_quote (key->text);
    g_autofree char *place = g_strdup_printf ("webhook %s", quoted);
    struct settings settings = table (TABLE_WEBHOOK);
    if (!good_slug (reading, key, "a webhook") || !is_mapping (reading, node, place)) return;
    settings_refuse_unknown (node, place, &settings, 1, reading->faults);
    struct values *values = values_parse (node, place, key->line, key->column, settings, reading->faults);
    for (const char *const *event = values_texts (values, WEBHOOK_EVENTS); *event; event++)
        if (!good_event (*event)) {
            refuse_row (reading, node, "events", g_strdup ("must be event types, as message.received, message.* or *"));
            break;
        }
    values_unref (values);
}

static void read_account (struct reading *reading, const struct yaml_node *key, const struct yaml_node *node)
{
    struct config *config = reading->config;
    g_autofree char *quoted = fault_quote (key->text);
    g_autofree char *place = g_strdup_printf ("account %s", quoted);
    if (!good_slug (reading, key, "an account") || !is_mapping (reading, node, place)) return;
    struct settings tables[] = {table (TABLE_ACCOUNT), {account_keys, G_N_ELEMENTS (account_keys)}};
    settings_refuse_unknown (node, place, tables, G_N_ELEMENTS (tables), reading->faults);
    struct values *values = values_parse (node, place, key->line, key->column, tables[0], reading->faults);
    const char *name = values_text (values, ACCOUNT_NAME);

    struct account *account = g_new0 (struct account, 1);
    account->slug = g_string_chunk_insert (config->strings, key->text);
    account->name = g_string_chunk_insert (config->strings, name ? name : "");
    account->opt_out_scope = g_string_chunk_insert (config->strings, values_text (values, ACCOUNT_OPT_OUT_SCOPE));
    account->channels = g_ptr_array_new_with_free_func (channel_free);
    g_ptr_array_add (config->accounts, account);
    values_unref (values);

    const struct yaml_node *channels = yaml_get (node, "channels"), *webhooks = yaml_get (node, "webhooks");
    if (is_mapping (reading, channels, "channels") && channels && channels->keys)
        for (unsigned i = 0; i < channels->keys->len && !faults_full (reading->faults); i++)
            read_channel (reading, account, channels->keys->pdata[i], channels->values->pdata[i]);
    if (is_mapping (reading, webhooks, "webhooks") && webhooks && webhooks->keys)
        for (unsigned i = 0; i < webhooks->keys->len && !faults_full (reading->faults); i++)
            read_webhook (reading, webhooks->keys->pdata[i], webhooks->values->pdata[i]);
}

static void read_accounts (struct reading *reading, const struct yaml_node *root)
{
    const struct yaml_node *accounts = yaml_get (root, "accounts");
    if (is_mapping (reading, accounts, "accounts") && accounts && accounts->keys)
        for (unsigned i = 0; i < accounts->keys->len && !faults_full (reading->faults); i++)
            read_account (reading, accounts->keys->pdata[i], accounts->values->pdata[i]);
}

static void read_root (struct reading *reading, const struct yaml_node *root)
{
    struct config *config = reading->config;
    struct settings keys = {root_keys, G_N_ELEMENTS (root_keys)};
    if (!is_mapping (reading, root, "the file")) return;
    settings_refuse_unknown (root, "the file", &keys, 1, reading->faults);
    config->listen = read_section (reading, root, TABLE_LISTEN);
    config->database = read_section (reading, root, TABLE_DATABASE);
    config->storage = read_section (reading, root, TABLE_STORAGE);
    config->limits = read_section (reading, root, TABLE_LIMITS);
    config->retention = read_section (reading, root, TABLE_RETENTION);
    const struct yaml_node *url = yaml_get (yaml_get (root, "database"), "url");
    if (url) config->database_line = url->line, config->database_column = url->column;
    check_listen (reading, root);
    check_limits (reading, root);
    read_accounts (reading, root);
}

struct config *config_parse (const char *path, const char *text, size_t length, GPtrArray *faults)
{
    g_autoptr (GPtrArray) found = faults_new ();
    struct reading reading = {config_new (path), found};
    struct yaml_document *document = yaml_parse (text, length, found);
    if (document) read_root (&reading, document->root);
    yaml_document_free (document);
    if (!found->len) {
        set_urls (reading.config);
        return reading.config;
    }
    config_unref (reading.config);
    faults_sort (found);
    g_ptr_array_extend_and_steal (faults, g_steal_pointer (&found));
    return NULL;
}

/* At most one byte more than is taken, so that a huge file is refused without being read. NULL: errno says why. */
static char *read_whole (const char *path, size_t *length)
{
    int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) return NULL;
    g_autofree char *text = g_malloc (YAML_BYTES_MOST + 1);
    ssize_t n;
    *length = 0;
    while ((n = read (fd, text + *length, YAML_BYTES_MOST + 1 - *length)) > 0) *length += (size_t) n;
    int code = errno;
    close (fd);
    errno = code;
    return n < 0 ? NULL : g_steal_pointer (&text);
}

struct config *config_load (const char *path, GPtrArray *faults)
{
    size_t length;
    g_autofree char *text = read_whole (path, &length);
    if (text) return config_parse (path, text, length, faults);
    fault_add (faults, 1, 1, NULL, "could not read the file: %s", g_strerror (errno));
    return NULL;
}

const struct channel *config_channel (const struct config *config, const char *account, size_t account_length, const char *channel,
                                      size_t channel_length)
{
    char key[2 * SLUG_MOST + 2];
    if (account_length > SLUG_MOST || channel_length > SLUG_MOST) return NULL;
    memcpy (key, account, account_length);
    key[account_length] = '/';
    memcpy (key + account_length + 1, channel, channel_length);
    key[account_length + 1 + channel_length] = 0;
    return g_hash_table_lookup (config->by_slug, key);
}

static void keep_section (struct values **fresh, struct values *running, unsigned number, GPtrArray *changed)
{
    struct settings settings = table (number);
    for (unsigned row = 0; row < settings.n; row++)
        if (!g_strv_equal (values_texts (*fresh, row), values_texts (running, row)))
            g_ptr_array_add (changed, g_strdup_printf ("%s.%s", config_tables (NULL)[number].place, settings.rows[row].name));
    values_unref (*fresh);
    *fresh = values_ref (running);
}

void config_keep (struct config *fresh, const struct config *running, GPtrArray *changed)
{
    keep_section (&fresh->listen, running->listen, TABLE_LISTEN, changed);
    keep_section (&fresh->database, running->database, TABLE_DATABASE, changed);
    keep_section (&fresh->storage, running->storage, TABLE_STORAGE, changed);
    keep_section (&fresh->limits, running->limits, TABLE_LIMITS, changed);
    set_urls (fresh);
}
