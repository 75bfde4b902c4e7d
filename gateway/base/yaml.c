/* SPDX-License-Identifier: Apache-2.0 */
#include "base/yaml.h"

#include <stdbool.h>
#include <string.h>
#include <yaml.h>

#define DEPTH_MOST 32
/* Nodes plus a sixteenth of their bytes, after aliases are unfolded: about what the largest file holds without any. */
#define WEIGHT_MOST 200000

struct reader {
    yaml_parser_t parser;
    struct yaml_document *document;
    GHashTable *anchors; /* name -> node that is whole */
    GPtrArray *faults;
    size_t weight;
    unsigned depth;
    const char *text;
};

static void free_node (void *data)
{
    struct yaml_node *node = data;
    g_free (node->text);
    if (node->keys) g_ptr_array_unref (node->keys);
    if (node->values) g_ptr_array_unref (node->values);
    g_free (node);
}

void yaml_document_free (struct yaml_document *document)
{
    if (!document) return;
    g_ptr_array_unref (document->nodes);
    g_free (document);
}

const char *yaml_kind_name (enum yaml_kind kind)
{
    static const char *const names[] = {"nothing", "one value", "a list", "a mapping"};
    return names[kind];
}

const struct yaml_node *yaml_get (const struct yaml_node *mapping, const char *key)
{
    if (!mapping || mapping->kind != YAML_MAPPING) return NULL;
    for (unsigned i = 0; i < mapping->keys->len; i++) {
        const struct yaml_node *node = mapping->keys->pdata[i];
        if (strcmp (node->text, key) == 0) return mapping->values->pdata[i];
    }
    return NULL;
}

static void refuse (struct reader *reader, yaml_mark_t mark, const char *message, const char *hint)
{
    fault_add (reader->faults, (unsigned) mark.line + 1, (unsigned) mark.column + 1, g_strdup (hint), "%s", message);
}

static yaml_mark_t mark_of (const char *text, const char *at)
{
    yaml_mark_t mark = {0};
    for (const char *c = text; c < at; c++)
        if (*c == '\n') mark.line++, text = c + 1;
    mark.column = (size_t) g_utf8_strlen (text, at - text);
    return mark;
}

/* The commonest slip is a reference without quotes inside braces, where YAML takes its brace for a mapping. */
static const char *syntax_hint (const struct reader *reader, size_t line)
{
    const char *start = reader->text;
    for (; line && start; line--) {
        start = strchr (start, '\n');
        start = start ? start + 1 : NULL;
    }
    const char *end = start ? strchr (start, '\n') : NULL;
    size_t length = start ? (end ? (size_t) (end - start) : strlen (start)) : 0;
    return length && g_strstr_len (start, (gssize) length, "${") ? "inside braces YAML wants quotes: \"${NAME}\"" : NULL;
}

static bool next_event (struct reader *reader, yaml_event_t *event)
{
    if (yaml_parser_parse (&reader->parser, event)) return true;
    const yaml_parser_t *parser = &reader->parser;
    bool early = parser->error == YAML_READER_ERROR; /* before there are marks */
    yaml_mark_t mark = early ? mark_of (reader->text, reader->text + parser->problem_offset) : parser->problem_mark;
    g_autofree char *message = g_strdup_printf ("cannot read this as YAML: %s", parser->problem ? parser->problem : "no more is known");
    refuse (reader, mark, message, syntax_hint (reader, mark.line));
    return false;
}

/* False: the tree has unfolded to more than we take. */
static bool weigh (struct reader *reader, yaml_mark_t mark, size_t weight)
{
    reader->weight += weight;
    if (reader->weight <= WEIGHT_MOST) return true;
    refuse (reader, mark, "the file is too large, or its aliases unfold to too much", "write the repeated parts out, or split the file");
    return false;
}

static struct yaml_node *new_node (struct reader *reader, const yaml_event_t *event, enum yaml_kind kind)
{
    struct yaml_node *node = g_new0 (struct yaml_node, 1);
    node->kind = kind;
    node->line = (unsigned) event->start_mark.line + 1;
    node->column = (unsigned) event->start_mark.column + 1;
    node->weight = 1;
    if (kind == YAML_LIST || kind == YAML_MAPPING) node->values = g_ptr_array_new ();
    if (kind == YAML_MAPPING) node->keys = g_ptr_array_new ();
    g_ptr_array_add (reader->document->nodes, node);
    return node;
}

static bool says_nothing (const yaml_event_t *event)
{
    const char *text = (const char *) event->data.scalar.value;
    return event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && (!*text || strcmp (text, "~") == 0 || strcmp (text, "null") == 0);
}

static struct yaml_node *read_scalar (struct reader *reader, const yaml_event_t *event)
{
    const char *text = (const char *) event->data.scalar.value;
    size_t length = event->data.scalar.length;
    if (strlen (text) != length) {
        refuse (reader, event->start_mark, "a value cannot hold a NUL byte", NULL);
        return NULL;
    }
    struct yaml_node *node = new_node (reader, event, says_nothing (event) ? YAML_NOTHING : YAML_TEXT);
    node->text = g_strdup (node->kind == YAML_TEXT ? text : "");
    node->weight += length / 16;
    return weigh (reader, event->start_mark, node->weight) ? node : NULL;
}

static struct yaml_node *read_node (struct reader *reader, yaml_event_t *event);

/* The next node, or *end at the end of a list or mapping. False: a fault was added. */
static struct yaml_node *read_next (struct reader *reader, yaml_event_type_t end_type, bool *end)
{
    yaml_event_t event;
    if (!next_event (reader, &event)) return NULL;
    *end = event.type == end_type;
    struct yaml_node *node = *end ? NULL : read_node (reader, &event);
    yaml_event_delete (&event);
    return node;
}

static bool read_items (struct reader *reader, struct yaml_node *list)
{
    for (;;) {
        bool end = false;
        struct yaml_node *item = read_next (reader, YAML_SEQUENCE_END_EVENT, &end);
        if (!item) return end;
        g_ptr_array_add (list->values, item);
        list->weight += item->weight;
    }
}

static bool good_key (struct reader *reader, struct yaml_node *key, GHashTable *seen)
{
    if (key->kind != YAML_TEXT) {
        fault_add (reader->faults, key->line, key->column, NULL, "a key must be a word, not %s", yaml_kind_name (key->kind));
        return false;
    }
    const struct yaml_node *first = g_hash_table_lookup (seen, key->text);
    if (!first) {
        g_hash_table_insert (seen, key->text, key);
        return true;
    }
    g_autofree char *quoted = fault_quote (key->text);
    fault_add (reader->faults, key->line, key->column, g_strdup_printf ("it stands first in line %u; give each its own name", first->line),
               "%s is given twice", quoted);
    return false;
}

static bool read_entries (struct reader *reader, struct yaml_node *mapping)
{
    g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
    for (;;) {
        bool end = false;
        struct yaml_node *key = read_next (reader, YAML_MAPPING_END_EVENT, &end);
        if (!key) return end;
        struct yaml_node *value = read_next (reader, YAML_NO_EVENT, &end);
        if (!value) return false;
        mapping->weight += key->weight + value->weight;
        if (!good_key (reader, key, seen)) continue;
        g_ptr_array_add (mapping->keys, key);
        g_ptr_array_add (mapping->values, value);
    }
}

static struct yaml_node *read_collection (struct reader *reader, const yaml_event_t *event)
{
    if (reader->depth == DEPTH_MOST) {
        refuse (reader, event->start_mark, "this is nested too deeply", NULL);
        return NULL;
    }
    if (!weigh (reader, event->start_mark, 1)) return NULL;
    bool list = event->type == YAML_SEQUENCE_START_EVENT;
    struct yaml_node *node = new_node (reader, event, list ? YAML_LIST : YAML_MAPPING);
    reader->depth++;
    bool good = list ? read_items (reader, node) : read_entries (reader, node);
    reader->depth--;
    return good ? node : NULL;
}

/* An anchor is known only once its node is whole, so no node can hold itself. */
static struct yaml_node *read_alias (struct reader *reader, const yaml_event_t *event)
{
    struct yaml_node *node = g_hash_table_lookup (reader->anchors, event->data.alias.anchor);
    if (!node) {
        refuse (reader, event->start_mark, "there is no anchor of this name above", NULL);
        return NULL;
    }
    return weigh (reader, event->start_mark, node->weight) ? node : NULL;
}

static struct yaml_node *read_node (struct reader *reader, yaml_event_t *event)
{
    const yaml_char_t *anchor, *tag;
    switch (event->type) {
    case YAML_ALIAS_EVENT: return read_alias (reader, event);
    case YAML_SCALAR_EVENT: anchor = event->data.scalar.anchor, tag = event->data.scalar.tag; break;
    case YAML_SEQUENCE_START_EVENT: anchor = event->data.sequence_start.anchor, tag = event->data.sequence_start.tag; break;
    case YAML_MAPPING_START_EVENT: anchor = event->data.mapping_start.anchor, tag = event->data.mapping_start.tag; break;
    default: refuse (reader, event->start_mark, "cannot read this as YAML: a value is missing", NULL); return NULL;
    }
    if (tag) {
        refuse (reader, event->start_mark, "tags (!…) are not taken here", "put the value in quotes if it begins with !");
        return NULL;
    }
    struct yaml_node *node = event->type == YAML_SCALAR_EVENT ? read_scalar (reader, event) : read_collection (reader, event);
    if (node && anchor) g_hash_table_insert (reader->anchors, g_strdup ((const char *) anchor), node);
    return node;
}

/* Stream start, one document, stream end. */
static bool read_stream (struct reader *reader)
{
    for (bool done = false; !done;) {
        yaml_event_t event;
        if (!next_event (reader, &event)) return false;
        bool good = true;
        switch (event.type) {
        case YAML_STREAM_START_EVENT:
        case YAML_DOCUMENT_END_EVENT: break;
        case YAML_STREAM_END_EVENT: done = true; break;
        case YAML_DOCUMENT_START_EVENT:
            good = !reader->document->root;
            if (!good) refuse (reader, event.start_mark, "a second document begins here", "one file holds one document: leave the --- out");
            break;
        default: good = (reader->document->root = read_node (reader, &event)) != NULL;
        }
        yaml_event_delete (&event);
        if (!good) return false;
    }
    if (!reader->document->root) {
        yaml_event_t empty = {0};
        struct yaml_node *root = new_node (reader, &empty, YAML_NOTHING);
        root->text = g_strdup ("");
        reader->document->root = root;
    }
    return true;
}

static bool is_text (const char *text, size_t length, GPtrArray *faults)
{
    const char *end;
    if (g_utf8_validate_len (text, length, &end)) return true;
    yaml_mark_t mark = mark_of (text, end);
    fault_add (faults, (unsigned) mark.line + 1, (unsigned) mark.column + 1, g_strdup ("save the file as UTF-8"), "this is no UTF-8 text");
    return false;
}

/* libyaml speaks of "a character that cannot start any token", which helps nobody. */
static bool no_tabs (const char *text, size_t length, GPtrArray *faults)
{
    unsigned line = 1, column = 1;
    bool indenting = true, good = true;
    for (size_t i = 0; i < length && !faults_full (faults); i++, column++) {
        if (text[i] == '\n')
            line++, column = 0, indenting = true;
        else if (text[i] == '\t' && indenting) {
            fault_add (faults, line, column, g_strdup ("indent with spaces"), "a tab cannot be used to indent");
            indenting = good = false;
        } else if (text[i] != ' ')
            indenting = false;
    }
    return good;
}

struct yaml_document *yaml_parse (const char *text, size_t length, GPtrArray *faults)
{
    if (length > YAML_BYTES_MOST) {
        fault_add (faults, 1, 1, NULL, "the file is larger than 1 MB");
        return NULL;
    }
    if (length >= 3 && memcmp (text, "\xef\xbb\xbf", 3) == 0) text += 3, length -= 3;
    if (!is_text (text, length, faults) || !no_tabs (text, length, faults)) return NULL;

    g_autofree char *terminated = g_strndup (text, length);
    struct reader reader = {.faults = faults, .text = terminated};
    reader.anchors = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    reader.document = g_new0 (struct yaml_document, 1);
    reader.document->nodes = g_ptr_array_new_with_free_func (free_node);
    bool ready = yaml_parser_initialize (&reader.parser);
    g_assert (ready);
    yaml_parser_set_encoding (&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string (&reader.parser, (const unsigned char *) terminated, length);
    bool good = read_stream (&reader);
    yaml_parser_delete (&reader.parser);
    g_hash_table_unref (reader.anchors);
    if (good) return reader.document;
    yaml_document_free (reader.document);
    return NULL;
}
