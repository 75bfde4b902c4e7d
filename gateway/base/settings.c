/* SPDX-License-Identifier: Apache-2.0 */
#include "base/settings.h"

#include "base/expand.h"
#include "base/yaml.h"

#include <arpa/inet.h>
#include <string.h>

#define LIST_MOST 64
#define WORD_MOST 64 /* longer words are not worth a suggestion */

struct value {
    char **texts; /* NULL: none */
    int64_t number;
};

struct values {
    int n_refs;
    struct settings table;
    struct value rows[];
};

static struct values *values_new (struct settings table)
{
    struct values *values = g_malloc0 (sizeof *values + table.n * sizeof *values->rows);
    values->n_refs = 1;
    values->table = table;
    return values;
}

struct values *values_ref (struct values *values)
{
    g_atomic_int_inc (&values->n_refs);
    return values;
}

void values_unref (struct values *values)
{
    if (!values || !g_atomic_int_dec_and_test (&values->n_refs)) return;
    for (size_t i = 0; i < values->table.n; i++) g_strfreev (values->rows[i].texts);
    g_free (values);
}

static const struct value *get (const struct values *values, unsigned row)
{
    g_assert (row < values->table.n);
    return &values->rows[row];
}

const char *values_text (const struct values *values, unsigned row)
{
    const struct value *value = get (values, row);
    return value->texts ? value->texts[0] : NULL;
}

const char *const *values_texts (const struct values *values, unsigned row)
{
    static const char *const none[] = {NULL};
    const struct value *value = get (values, row);
    return value->texts ? (const char *const *) value->texts : none;
}

int64_t values_number (const struct values *values, unsigned row)
{
    return get (values, row)->number;
}

bool values_flag (const struct values *values, unsigned row)
{
    return get (values, row)->number != 0;
}

const char *setting_type_name (enum setting_type type)
{
    static const char *const names[] = {
        [SETTING_STRING] = "a text",
        [SETTING_INTEGER] = "a whole number",
        [SETTING_BOOLEAN] = "true or false",
        [SETTING_DURATION] = "a duration, as 250ms, 10s, 5m, 2h or 7d",
        [SETTING_SIZE] = "a size, as 64kB, 1MB or a number of bytes",
        [SETTING_RATE] = "a rate, as 10/s, 5/m or 100/h",
        [SETTING_URL] = "an http or https URL with a host and without user, password or fragment",
        [SETTING_LISTEN] = "an address to listen on, as 127.0.0.1:8080 or [::1]:8080",
    };
    return names[type];
}

const char *setting_form (const struct setting *setting)
{
    return setting->choices ? setting->choices : setting_type_name (setting->type);
}

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit durations[] = {
    {"ms", 1000}, {"s", 1000000}, {"m", 60000000}, {"h", INT64_C (3600000000)}, {"d", INT64_C (86400000000)}, {NULL, 0}};
static const struct unit sizes[] = {{"", 1}, {"B", 1}, {"kB", 1024}, {"MB", 1048576}, {"GB", 1073741824}, {NULL, 0}};
static const struct unit plain[] = {{"", 1}, {NULL, 0}};
static const struct unit rates[] = {{"/s", 3600}, {"/m", 60}, {"/h", 1}, {NULL, 0}};

/* Digits and one of units, nothing else. */
static bool parse_units (const char *text, const struct unit *units, int64_t *number)
{
    int64_t n = 0;
    const char *c = text;
    for (; g_ascii_isdigit (*c); c++)
        if (__builtin_mul_overflow (n, 10, &n) || __builtin_add_overflow (n, *c - '0', &n)) return false;
    if (c == text) return false;
    for (; units->name; units++)
        if (strcmp (c, units->name) == 0) return !__builtin_mul_overflow (n, units->factor, number);
    return false;
}

/* Per hour first, so that slow rates keep their digits. Slower than a thousandth per second would read as none at all. */
static bool parse_rate (const char *text, int64_t *number)
{
    int64_t per_hour;
    if (!parse_units (text, rates, &per_hour) || per_hour > INT64_MAX / 1000) return false;
    *number = per_hour * 1000 / 3600;
    return *number > 0;
}

static bool parse_boolean (const char *text, int64_t *number)
{
    *number = strcmp (text, "true") == 0;
    return *number || strcmp (text, "false") == 0;
}

static bool good_url (const char *text)
{
    /* GLib lets blanks and line ends pass. */
    for (const char *c = text; *c; c++)
        if (!g_ascii_isgraph (*c) || strchr ("\"<>\\^`{|}", *c)) return false;
    g_autoptr (GUri) uri = g_uri_parse (text, G_URI_FLAGS_NONE, NULL);
    if (!uri) return false;
    const char *scheme = g_uri_get_scheme (uri), *host = g_uri_get_host (uri);
    bool http = strcmp (scheme, "http") == 0 || strcmp (scheme, "https") == 0;
    return http && host && *host && !g_uri_get_userinfo (uri) && !g_uri_get_fragment (uri) && g_uri_get_port (uri) != 0;
}

static bool good_host (const char *host, bool bracketed)
{
    if (bracketed) {
        struct in6_addr address;
        return inet_pton (AF_INET6, host, &address) == 1;
    }
    return *host && strspn (host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") == strlen (host);
}

static bool good_listen (const char *text)
{
    const char *colon = strrchr (text, ':');
    int64_t port;
    if (!colon || !parse_units (colon + 1, plain, &port) || port > 65535) return false;
    bool bracketed = text[0] == '[' && colon - text > 2 && colon[-1] == ']';
    g_autofree char *host = bracketed ? g_strndup (text + 1, (size_t) (colon - text) - 2) : g_strndup (text, (size_t) (colon - text));
    return good_host (host, bracketed);
}

static bool parse_value (enum setting_type type, const char *text, int64_t *number)
{
    *number = 0;
    switch (type) {
    case SETTING_STRING: return true;
    case SETTING_INTEGER: return parse_units (text, plain, number);
    case SETTING_BOOLEAN: return parse_boolean (text, number);
    case SETTING_DURATION: return parse_units (text, durations, number);
    case SETTING_SIZE: return parse_units (text, sizes, number);
    case SETTING_RATE: return parse_rate (text, number);
    case SETTING_URL: return good_url (text);
    case SETTING_LISTEN: return good_listen (text);
    }
    g_assert_not_reached ();
}

static bool is_choice (const struct setting *setting, const char *text)
{
    if (!setting->choices) return true;
    g_auto (GStrv) choices = g_strsplit (setting->choices, " or ", -1);
    return g_strv_contains ((const char *const *) choices, text);
}

/* text is taken. The first text of a row makes its number. */
static bool value_add (struct value *value, const struct setting *setting, char *text)
{
    int64_t number;
    if (!parse_value (setting->type, text, &number) || !is_choice (setting, text)) {
        g_free (text);
        return false;
    }
    guint n = value->texts ? g_strv_length (value->texts) : 0;
    if (n == 0) value->number = number;
    value->texts = g_renew (char *, value->texts, n + 2);
    value->texts[n] = text;
    value->texts[n + 1] = NULL;
    return true;
}

static void value_fall_back (struct value *value, const struct setting *setting)
{
    if (value->texts || !setting->fallback) return;
    bool good = value_add (value, setting, g_strdup (setting->fallback));
    g_assert (good);
}

/* Letters to add, drop, change or swap with their neighbour. */
static unsigned distance (const char *a, const char *b)
{
    unsigned rows[3][WORD_MOST + 1];
    unsigned *before = rows[0], *last = rows[1], *now = rows[2];
    size_t length = strlen (b);
    for (unsigned j = 0; j <= length; j++) last[j] = before[j] = j;
    for (unsigned i = 1; i <= strlen (a); i++) {
        now[0] = i;
        for (unsigned j = 1; j <= length; j++) {
            unsigned change = last[j - 1] + (a[i - 1] != b[j - 1]);
            now[j] = MIN (change, MIN (last[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) now[j] = MIN (now[j], before[j - 2] + 1);
        }
        unsigned *spare = before;
        before = last, last = now, now = spare;
    }
    return last[length];
}

char *settings_suggest (const char *word, const char *const *names)
{
    if (strlen (word) > WORD_MOST) return NULL;
    const char *nearest = NULL;
    unsigned least = (unsigned) MAX (strlen (word) / 3, 1) + 1;
    for (; *names; names++) {
        unsigned d = strlen (*names) > WORD_MOST ? least : distance (word, *names);
        if (d < least) least = d, nearest = *names;
    }
    return nearest ? g_strdup_printf ("did you mean \"%s\"?", nearest) : NULL;
}

static void add_text (struct value *value, const struct setting *setting, const struct yaml_node *node, GPtrArray *faults)
{
    if (node->kind != YAML_TEXT) {
        bool list = (setting->flags & SETTING_MANY) && node->kind == YAML_NOTHING;
        fault_add (faults, node->line, node->column, node->kind == YAML_NOTHING ? g_strdup ("give it a value or leave it out") : NULL,
                   "%s must be %s, not %s", setting->name, list ? "a value" : setting_form (setting), yaml_kind_name (node->kind));
        return;
    }
    g_autoptr (GError) error = NULL;
    char *text = expand_text (node->text, &error);
    if (error) {
        fault_add (faults, node->line, node->column, NULL, "%s: %s", setting->name, error->message);
    } else if (!*text) {
        fault_add (faults, node->line, node->column, g_strdup ("give it a value or leave it out"), "%s is empty", setting->name);
        g_free (text);
    } else if (!value_add (value, setting, text)) {
        fault_add (faults, node->line, node->column, NULL, "%s must be %s", setting->name, setting_form (setting));
    }
}

static void add_list (struct value *value, const struct setting *setting, const struct yaml_node *node, GPtrArray *faults)
{
    if (node->values->len > LIST_MOST) {
        fault_add (faults, node->line, node->column, NULL, "%s has more than %d values", setting->name, LIST_MOST);
        return;
    }
    if (!node->values->len && (setting->flags & SETTING_REQUIRED))
        fault_add (faults, node->line, node->column, g_strdup (setting->help), "%s needs at least one value", setting->name);
    for (unsigned i = 0; i < node->values->len; i++) add_text (value, setting, node->values->pdata[i], faults);
}

struct values *values_parse (const struct yaml_node *mapping, const char *place, unsigned line, unsigned column, struct settings table,
                             GPtrArray *faults)
{
    struct values *values = values_new (table);
    for (size_t i = 0; i < table.n; i++) {
        const struct setting *setting = &table.rows[i];
        const struct yaml_node *node = yaml_get (mapping, setting->name);
        if (!node && (setting->flags & SETTING_REQUIRED))
            fault_add (faults, line, column, g_strdup_printf ("%s: %s", setting->name, setting->help), "%s has no %s", place,
                       setting->name);
        else if (node && node->kind == YAML_LIST && (setting->flags & SETTING_MANY))
            add_list (&values->rows[i], setting, node, faults);
        else if (node)
            add_text (&values->rows[i], setting, node, faults);
        value_fall_back (&values->rows[i], setting);
    }
    return values;
}

static size_t row_named (struct settings table, const char *name)
{
    size_t i = 0;
    while (i < table.n && strcmp (table.rows[i].name, name) != 0) i++;
    return i;
}

struct values *values_of (struct settings table, const char *const *pairs)
{
    struct values *values = values_new (table);
    bool good = true;
    for (; *pairs; pairs += 2) {
        size_t row = row_named (table, pairs[0]);
        good = good && row < table.n && value_add (&values->rows[row], &table.rows[row], g_strdup (pairs[1]));
    }
    for (size_t i = 0; i < table.n; i++) {
        value_fall_back (&values->rows[i], &table.rows[i]);
        good = good && (values->rows[i].texts || !(table.rows[i].flags & SETTING_REQUIRED));
    }
    if (good) return values;
    values_unref (values);
    return NULL;
}

void settings_refuse_unknown (const struct yaml_node *mapping, const char *place, const struct settings *tables, size_t n_tables,
                              GPtrArray *faults)
{
    if (!mapping || mapping->kind != YAML_MAPPING) return;
    g_autoptr (GPtrArray) names = g_ptr_array_new ();
    for (size_t i = 0; i < n_tables; i++)
        for (size_t j = 0; j < tables[i].n; j++) g_ptr_array_add (names, (void *) (uintptr_t) tables[i].rows[j].name);
    g_ptr_array_add (names, NULL);
    for (unsigned i = 0; i < mapping->keys->len && !faults_full (faults); i++) {
        const struct yaml_node *key = mapping->keys->pdata[i];
        const char *const *all = (const char *const *) names->pdata;
        if (g_strv_contains (all, key->text)) continue;
        g_autofree char *quoted = fault_quote (key->text);
        fault_add (faults, key->line, key->column, settings_suggest (key->text, all), "unknown key %s in %s", quoted, place);
    }
}
