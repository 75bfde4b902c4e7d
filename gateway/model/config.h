/* SPDX-License-Identifier: Apache-2.0
 *
 * The configuration file, read whole and checked whole. Immutable and counted: a reload publishes a new one, whoever still works with
 * the old one holds a reference. Nothing is connected to here.
 */
#pragma once
#include "base/auto.h"
#include "base/fault.h"
#include "base/settings.h"
#include "model/channel.h"

/* Rows of the table of `listen:` … ; read with values_text (config->listen, LISTEN_HTTP). `limits:` are those that depend on the machine and its
 * load; what a format, a protocol or the API's contract bounds has a named constant where it is used. */
enum { LISTEN_HTTP, LISTEN_PUBLIC_URL, LISTEN_OPS, LISTEN_TRUSTED_PROXIES, LISTEN_N };
enum { DATABASE_URL, DATABASE_CONNECTIONS, DATABASE_N };
enum { STORAGE_DIRECTORY, STORAGE_N };
enum {
    LIMITS_HOOK_BODY,               /* 1MB: a provider's request */
    LIMITS_API_BODY,                /* 256kB: an API request */
    LIMITS_UPLOAD_BODY,             /* 16MB: a file that is uploaded */
    LIMITS_REQUEST_TIME,            /* 10s: a request must have come whole */
    LIMITS_IDLE_TIME,               /* 60s: a kept-alive connection without a request */
    LIMITS_CONNECTIONS,             /* 4000 */
    LIMITS_CONNECTIONS_PER_ADDRESS, /* 0: none */
    LIMITS_INTAKE_QUEUE,            /* 4096 requests waiting for the database */
    LIMITS_INTAKE_WAIT,             /* 2s: older ones are answered 503 */
    LIMITS_BATCH_ITEMS,             /* 128 messages and receipts */
    LIMITS_BATCH_BYTES,             /* 1MB */
    LIMITS_API_QUEUE,               /* 256 API requests waiting for a connection */
    LIMITS_STREAMS,                 /* 2000 event streams at once */
    LIMITS_STREAM_BUFFER,           /* 256kB: who has more to read is written no more */
    LIMITS_CALLS,                   /* 500 calls to providers at once */
    LIMITS_CALLS_PER_HOST,          /* 50 */
    LIMITS_CHANNEL_LEASE,           /* 9s: what a gateway that died still holds of its channels */
    LIMITS_FETCHES,                 /* 8 files of incoming messages at once */
    LIMITS_FETCH_GIVE_UP,           /* 24h: a file that could not be fetched by then has failed */
    LIMITS_JOURNAL_INLINE,          /* 64kB: larger request bodies go to storage.directory */
    LIMITS_N
};
enum {
    RETENTION_JOURNAL,      /* 30d */
    RETENTION_EVENTS,       /* 30d; attempts and matched receipts, too */
    RETENTION_PROVIDER_IDS, /* 7d: what is deduplicated */
    RETENTION_RECEIPTS,     /* 7d: those that found no message */
    RETENTION_IDEMPOTENCY,  /* 1d */
    RETENTION_UPLOADS,      /* 1d: those that are in no message */
    RETENTION_N
};

struct account {
    const char *slug, *name, *opt_out_scope; /* owned by the config */
    GPtrArray *channels;                     /* of struct channel */
    int64_t account_id;                      /* 0 before it is synchronised */
};

struct config {
    char *path; /* absolute; names this file in the database */
    struct values *listen, *database, *storage, *limits, *retention;
    GPtrArray *accounts;                     /* of struct account */
    unsigned database_line, database_column; /* of database.url, whose form only the store can judge */
    /* private: */
    GHashTable *by_slug;
    int n_refs;
    GStringChunk *strings;
};

/* Rows of an account's and of a webhook's mapping. */
enum { ACCOUNT_NAME, ACCOUNT_OPT_OUT_SCOPE, ACCOUNT_N };
enum { WEBHOOK_URL, WEBHOOK_SECRET, WEBHOOK_EVENTS, WEBHOOK_N };

/* Reads and checks path. Faults are appended to faults (base/fault.h; in file order, at most FAULTS_MOST). NULL if there is any fault. */
struct config *config_load (const char *path, GPtrArray *faults);

/* The same for text that is at hand; path only names it. */
struct config *config_parse (const char *path, const char *text, size_t length, GPtrArray *faults);

/* What a reload leaves as it is: fresh, which nobody uses yet, goes on with running's listen, database, storage and limits, because those
 * are taken at the start only. Adds the names of settings that differ to changed (of char *): "limits.api_body". */
void config_keep (struct config *fresh, const struct config *running, GPtrArray *changed);

struct config *config_ref (struct config *config);
void config_unref (struct config *config);
AUTO_FREE (config, config_unref)

/* account and channel need not be NUL-terminated. NULL: not in this file. */
const struct channel *config_channel (const struct config *config, const char *account, size_t account_length, const char *channel,
                                      size_t channel_length);

/* Every table of the file but the adapters' own: where it stands ("listen", "accounts.ACCOUNT.channels.CHANNEL" …) and what it is for. */
struct config_table {
    const char *place, *help;
    struct settings settings;
};
const struct config_table *config_tables (size_t *n);

/* Prints every table (name, type, default, help) as the commented reference that docs/configuration.md holds. */
void config_document (GString *out);
