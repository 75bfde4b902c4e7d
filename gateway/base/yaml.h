/* SPDX-License-Identifier: Apache-2.0
 *
 * YAML as a tree of nodes that know where they stand. The one home of libyaml. What a configuration never needs is refused: several
 * documents, tags, keys that are no words, a key given twice, tabs as indentation, text over 1 MB, depth over 32, and aliases that
 * would unfold into more than the file could hold by itself. Aliased nodes are shared, so the tree is read-only.
 *
 *     struct yaml_document *document = yaml_parse (text, length, faults);
 *     const struct yaml_node *listen = document ? yaml_get (document->root, "listen") : NULL;
 */
#pragma once
#include "base/fault.h"

#include <stddef.h>

#define YAML_BYTES_MOST (1024 * 1024)

enum yaml_kind {
    YAML_NOTHING, /* an empty value, ~ or null */
    YAML_TEXT,    /* any other scalar */
    YAML_LIST,
    YAML_MAPPING,
};

struct yaml_node {
    enum yaml_kind kind;
    unsigned line, column; /* from 1 */
    char *text;            /* YAML_TEXT: valid UTF-8 without NUL; YAML_NOTHING: "" */
    GPtrArray *keys;       /* YAML_MAPPING: of YAML_TEXT nodes, each once */
    GPtrArray *values;     /* YAML_MAPPING and YAML_LIST: of nodes */
    size_t weight;         /* what it unfolds to */
};

struct yaml_document {
    const struct yaml_node *root; /* YAML_NOTHING for an empty file */
    GPtrArray *nodes;             /* owns every node */
};

/* Appends to faults. NULL: the text is no YAML that we take; otherwise the tree is usable even where there are faults. */
struct yaml_document *yaml_parse (const char *text, size_t length, GPtrArray *faults);
void yaml_document_free (struct yaml_document *document);

/* NULL: mapping has no such key, is NULL or no mapping. */
const struct yaml_node *yaml_get (const struct yaml_node *mapping, const char *key);

/* "a list" … for messages. */
const char *yaml_kind_name (enum yaml_kind kind);
