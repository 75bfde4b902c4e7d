/* SPDX-License-Identifier: Apache-2.0
 *
 * A settings table makes the parser, the checks, the errors and the documentation of one mapping of the configuration file.
 * The owner of a table numbers its rows with an enum and reads values by that number:
 *
 *     enum { FROM, AUTH_TOKEN };
 *     static const struct setting settings[] = {
 *         [FROM]       = {"from", SETTING_STRING, NULL, SETTING_REQUIRED, "the number that customers write to, as +15550001111"},
 *         [AUTH_TOKEN] = {"auth_token", SETTING_STRING, NULL, SETTING_REQUIRED | SETTING_SECRET | SETTING_MANY, "…"},
 *     };
 *     const char *from = values_text (channel->values, FROM);
 *
 * struct values is immutable once parsed and may be read from any thread.
 */
#pragma once
#include "base/auto.h"
#include "base/fault.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum setting_type {
    SETTING_STRING,
    SETTING_INTEGER,  /* decimal, ≥ 0 */
    SETTING_BOOLEAN,  /* true | false */
    SETTING_DURATION, /* 250ms, 10s, 5m, 2h, 7d; read in microseconds */
    SETTING_SIZE,     /* 64kB, 1MB, or bytes; read in bytes */
    SETTING_RATE,     /* 10/s, 5/m, 100/h; read in thousandths per second, rounded down */
    SETTING_URL,      /* http or https, with a host, no user information */
    SETTING_LISTEN,   /* host:port; port 0 takes a free one */
};

enum setting_flag {
    SETTING_REQUIRED = 1 << 0,
    SETTING_SECRET =
        1 << 1, /* never printed; in a file it must come from ${NAME} or ${file:…}, or be given literally at the owner's risk */
    SETTING_MANY = 1 << 2, /* one value or a list of values */
};

struct setting {
    const char *name;
    enum setting_type type;
    const char *fallback; /* as it would stand in the file; NULL: none */
    unsigned flags;
    const char *help;
    const char *choices; /* "retry or hold": no other text is taken; NULL: any that its type allows */
};

/* A whole table. */
struct settings {
    const struct setting *rows;
    size_t n;
};

struct yaml_node;
struct values;

/* Reads the rows of table from mapping (of base/yaml.h; NULL or nothing: all fallbacks) and leaves other keys to settings_refuse_unknown.
 * ${NAME} and ${file:/path} in values are expanded (base/expand.h). place names the mapping in messages: "channel \"sms\""; what is required and missing is
 * reported at line and column. Never NULL; rows with a fault hold their fallback. */
struct values *values_parse (const struct yaml_node *mapping, const char *place, unsigned line, unsigned column, struct settings table,
                             GPtrArray *faults);

/* The same from name, value, name, value …, NULL, without expansion; for tests. NULL where a value is refused or required and missing; a
 * name again adds to a SETTING_MANY row. */
struct values *values_of (struct settings table, const char *const *pairs);

/* A fault for every key of mapping that is in none of the tables, with the nearest name as its hint. */
void settings_refuse_unknown (const struct yaml_node *mapping, const char *place, const struct settings *tables, size_t n_tables,
                              GPtrArray *faults);

/* "did you mean \"…\"?" with the nearest of names (NULL-terminated); NULL: none is near. */
char *settings_suggest (const char *word, const char *const *names);

/* As people say it: "a duration, as 250ms, 10s, 5m, 2h or 7d". */
const char *setting_type_name (enum setting_type type);
/* What a value of this row must be: one of its choices, or a value of its type. */
const char *setting_form (const struct setting *setting);

struct values *values_ref (struct values *values);
void values_unref (struct values *values);
AUTO_FREE (values, values_unref)

/* row is the setting's index in its table. Borrowed from values; NULL where the file gives none and there is no fallback. */
const char *values_text (const struct values *values, unsigned row);

/* All values of a SETTING_MANY row, NULL-terminated, never NULL itself. */
const char *const *values_texts (const struct values *values, unsigned row);

/* Number in the unit of the type (see enum setting_type); 0 where there is none. */
int64_t values_number (const struct values *values, unsigned row);
bool values_flag (const struct values *values, unsigned row);
