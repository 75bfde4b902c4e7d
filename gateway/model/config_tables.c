/* SPDX-License-Identifier: Apache-2.0 */
#include "model/config_tables.h"

#include "model/adapter.h"

static const struct setting listen_settings[] = {
    [LISTEN_HTTP] = {"http", SETTING_LISTEN, "127.0.0.1:8080", 0,
                     "where providers, agents and programs reach the gateway; port 0 takes a free one"},
    [LISTEN_PUBLIC_URL] = {"public_url", SETTING_URL, NULL, SETTING_REQUIRED,
                           "how providers reach that address from outside; callback URLs and their signatures are made from it"},
    [LISTEN_OPS] = {"ops", SETTING_LISTEN, "127.0.0.1:8081", 0, "where /metrics is answered; keep it private"},
    [LISTEN_TRUSTED_PROXIES] = {"trusted_proxies", SETTING_STRING, NULL, SETTING_MANY,
                                "not used yet: addresses or networks (10.0.0.0/8) of the proxies in front"},
};

static const struct setting database_settings[] = {
    [DATABASE_URL] = {"url", SETTING_STRING, NULL, SETTING_REQUIRED | SETTING_SECRET,
                      "PostgreSQL, as postgresql:///switchboard or key=value pairs of libpq"},
    [DATABASE_CONNECTIONS] = {"connections", SETTING_INTEGER, "8", 0, "connections kept for the API"},
};

static const struct setting storage_settings[] = {
    [STORAGE_DIRECTORY] = {"directory", SETTING_STRING, "var/media", 0,
                           "where attachments and large request bodies are kept; relative to the working directory"},
};

static const struct setting limits_settings[] = {
    [LIMITS_HOOK_BODY] = {"hook_body", SETTING_SIZE, "4MB", 0, "largest body of a provider's request; larger ones are answered 413"},
    [LIMITS_API_BODY] = {"api_body", SETTING_SIZE, "256kB", 0, "largest body of an API request"},
    [LIMITS_UPLOAD_BODY] = {"upload_body", SETTING_SIZE, "16MB", 0, "largest file that is uploaded for a message"},
    [LIMITS_REQUEST_TIME] = {"request_time", SETTING_DURATION, "10s", 0, "a request must have come whole by then; else 408"},
    [LIMITS_IDLE_TIME] = {"idle_time", SETTING_DURATION, "60s", 0, "a connection without a request is closed then"},
    [LIMITS_CONNECTIONS] = {"connections", SETTING_INTEGER, "4000", 0, "HTTP connections at once"},
    [LIMITS_CONNECTIONS_PER_ADDRESS] = {"connections_per_address", SETTING_INTEGER, "0", 0,
                                        "of these from one address; 0: as many as there are"},
    [LIMITS_INTAKE_QUEUE] = {"intake_queue", SETTING_INTEGER, "4096", 0,
                             "providers' requests waiting for the database; more are answered 503"},
    [LIMITS_INTAKE_WAIT] = {"intake_wait", SETTING_DURATION, "2s", 0, "how long they may wait before they are answered 503"},
    [LIMITS_BATCH_ITEMS] = {"batch_items", SETTING_INTEGER, "128", 0,
                            "most messages and receipts stored in one transaction; a request with more has one to itself"},
    [LIMITS_BATCH_BYTES] = {"batch_bytes", SETTING_SIZE, "1MB", 0, "most bytes of requests stored in one transaction"},
    [LIMITS_API_QUEUE] = {"api_queue", SETTING_INTEGER, "256", 0, "API requests waiting for a connection to the database"},
    [LIMITS_STREAMS] = {"streams", SETTING_INTEGER, "2000", 0, "event streams at once"},
    [LIMITS_STREAM_BUFFER] =
        {"stream_buffer", SETTING_SIZE, "256kB", 0,
         "while a reader of events has more than this to read, no more is written to it; one that reads nothing for a minute is cut off"},
    [LIMITS_CALLS] = {"calls", SETTING_INTEGER, "500", 0, "calls to providers at once"},
    [LIMITS_CALLS_PER_HOST] = {"calls_per_host", SETTING_INTEGER, "50", 0, "of these to one host"},
    [LIMITS_CHANNEL_LEASE] = {"channel_lease", SETTING_DURATION, "9s", 0,
                              "how long the channels of a gateway that died wait before another one sends on them"},
    [LIMITS_FETCHES] = {"fetches", SETTING_INTEGER, "8", 0, "files of incoming messages fetched at once; of one channel half as many"},
    [LIMITS_FETCH_GIVE_UP] = {"fetch_give_up", SETTING_DURATION, "24h", 0,
                              "a file of an incoming message that could not be fetched by then has failed"},
    [LIMITS_JOURNAL_INLINE] = {"journal_inline", SETTING_SIZE, "64kB", 0,
                               "larger request bodies go to storage.directory instead of the database"},
};

static const struct setting retention_settings[] = {
    [RETENTION_JOURNAL] = {"journal", SETTING_DURATION, "30d", 0, "how long requests are kept as they came"},
    [RETENTION_EVENTS] = {"events", SETTING_DURATION, "30d", 0,
                          "how long events can be read again; attempts and receipts of messages are kept as long"},
    [RETENTION_PROVIDER_IDS] = {"provider_ids", SETTING_DURATION, "7d", 0,
                                "how long a redelivery is known as one, and receipts find their message by the provider's id"},
    [RETENTION_RECEIPTS] = {"receipts", SETTING_DURATION, "7d", 0, "how long a receipt waits for its message"},
    [RETENTION_IDEMPOTENCY] = {"idempotency", SETTING_DURATION, "1d", 0, "how long the answer to an Idempotency-Key is known"},
    [RETENTION_UPLOADS] = {"uploads", SETTING_DURATION, "1d", 0, "how long an uploaded file waits for its message"},
};

static const struct setting account_settings[] = {
    [ACCOUNT_NAME] = {"name", SETTING_STRING, NULL, SETTING_REQUIRED, "what the business is called"},
    [ACCOUNT_OPT_OUT_SCOPE] = {"opt_out_scope", SETTING_STRING, "pair", 0,
                               "how far a customer's STOP goes: on the channel it came by (pair), or on every channel of the account",
                               "pair or account"},
};

static const struct setting channel_settings[] = {
    [CHANNEL_RATE] = {"rate", SETTING_RATE, NULL, 0, "how fast the channel may send"},
    [CHANNEL_CONCURRENCY] = {"concurrency", SETTING_INTEGER, "20", 0, "how many calls to the provider at once"},
    [CHANNEL_ALLOW_PRIVATE] = {"allow_private", SETTING_BOOLEAN, "false", 0, "whether the provider may be called at a private address"},
    [CHANNEL_API_URL] = {"api_url", SETTING_URL, NULL, 0, "the provider's API, where it is not the usual one (a region, a test)"},
    [CHANNEL_ON_UNCERTAIN] = {"on_uncertain", SETTING_STRING, "retry", 0,
                              "what becomes of a message that may or may not have been sent: retry sends it again, hold waits for a hand",
                              "retry or hold"},
    [CHANNEL_UNCERTAIN_WAIT] = {"uncertain_wait", SETTING_DURATION, "30s", 0,
                                "before it is sent again: so long a receipt may still settle it"},
    [CHANNEL_GIVE_UP_AFTER] = {"give_up_after", SETTING_DURATION, "4h", 0, "a message that could not be sent by then has failed"},
    [CHANNEL_TIMEOUT] = {"timeout", SETTING_DURATION, "30s", 0, "how long the provider may take to answer a call"},
    [CHANNEL_PROBE_EVERY] = {"probe_every", SETTING_DURATION, "15m", 0,
                             "how often the provider is asked whether the credentials are good and our URL is registered"},
};

static const struct setting webhook_settings[] = {
    [WEBHOOK_URL] = {"url", SETTING_URL, NULL, SETTING_REQUIRED, "not used yet: where the business is told of events"},
    [WEBHOOK_SECRET] = {"secret", SETTING_STRING, NULL, SETTING_REQUIRED | SETTING_SECRET | SETTING_MANY,
                        "signs what is sent; new and old while it is changed"},
    [WEBHOOK_EVENTS] = {"events", SETTING_STRING, "*", SETTING_MANY, "event types, as message.received, message.* or *"},
};

static const struct config_table tables[TABLE_N] = {
    [TABLE_LISTEN] = {"listen", "Where the gateway is reached.", {listen_settings, LISTEN_N}},
    [TABLE_DATABASE] = {"database", "The PostgreSQL database that holds everything.", {database_settings, DATABASE_N}},
    [TABLE_STORAGE] = {"storage", "Files.", {storage_settings, STORAGE_N}},
    [TABLE_LIMITS] = {"limits",
                      "What depends on the machine and its load. The defaults suit most; a full queue is answered 503 at once.",
                      {limits_settings, LIMITS_N}},
    [TABLE_RETENTION] = {"retention", "How long things are kept that only the gateway itself needs.", {retention_settings, RETENTION_N}},
    [TABLE_ACCOUNT] = {"accounts.ACCOUNT",
                       "A business. `channels` and `webhooks` hold its channels and webhooks by name.",
                       {account_settings, ACCOUNT_N}},
    [TABLE_CHANNEL] = {"accounts.ACCOUNT.channels.CHANNEL",
                       "A way that customers write. `adapter` says which code speaks the provider's language; the adapter's own settings "
                       "stand beside these.",
                       {channel_settings, CHANNEL_N}},
    [TABLE_WEBHOOK] = {"accounts.ACCOUNT.webhooks.WEBHOOK",
                       "An endpoint of the business that is to be told of events. Checked, and not used yet: nothing is sent to it.",
                       {webhook_settings, WEBHOOK_N}},
};

const struct config_table *config_tables (size_t *n)
{
    if (n) *n = TABLE_N;
    return tables;
}

static void document_settings (GString *out, struct settings settings)
{
    g_string_append (out, "| setting | value | default | meaning |\n|---|---|---|---|\n");
    for (size_t i = 0; i < settings.n; i++) {
        const struct setting *setting = &settings.rows[i];
        bool required = setting->flags & SETTING_REQUIRED;
        g_string_append_printf (out, "| `%s` | %s%s%s | ", setting->name, setting_form (setting),
                                setting->flags & SETTING_MANY ? ", or a list of them" : "",
                                setting->flags & SETTING_SECRET ? "; secret" : "");
        if (setting->fallback)
            g_string_append_printf (out, "`%s`", setting->fallback);
        else
            g_string_append (out, required ? "required" : "none");
        g_string_append_printf (out, " | %s |\n", setting->help);
    }
    g_string_append_c (out, '\n');
}

void config_document (GString *out)
{
    g_string_append (
        out,
        "# The configuration file\n\n"
        "One YAML file describes everything. `switchboard check` prints every fault with its line, column and a hint, and connects to "
        "nothing.\n"
        "The file is found by `--config FILE`, else `$SWITCHBOARD_CONFIG`, `./switchboard.yaml`, `/etc/switchboard/switchboard.yaml`.\n"
        "On SIGHUP it is read again; a file with a fault changes nothing. `accounts` (channels and webhooks with them) and `retention` "
        "change at\n"
        "once; `listen`, `database`, `storage` and `limits` are taken at the start only, and the log names those that were changed.\n"
        "[config/switchboard.yaml](../config/switchboard.yaml) holds every setting, ready to copy.\n\n"
        "- `${NAME}` in a value is the environment variable, `${file:/run/secrets/x}` the content of the file without its last line end.\n"
        "  Inside braces YAML wants quotes: `{auth_token: \"${TWILIO_TOKEN}\"}`. Several may stand in one value.\n"
        "- Names of accounts, channels and webhooks are 1 to 64 lower-case letters, digits and hyphens; a channel is found at\n"
        "  `/hooks/ACCOUNT/CHANNEL`.\n"
        "- Sizes count in 1024: 1kB is 1024 bytes.\n"
        "- Unknown keys, keys given twice, values of the wrong form, and variables and files that cannot be read are faults, and so are "
        "tabs\n"
        "  as indentation and a file over 1 MB.\n\n");
    for (size_t i = 0; i < TABLE_N; i++) {
        g_string_append_printf (out, "## %s\n\n%s\n\n", tables[i].place, tables[i].help);
        document_settings (out, tables[i].settings);
        for (const struct adapter *const *adapter = adapters; i == TABLE_CHANNEL && *adapter; adapter++) {
            g_string_append_printf (out, "### adapter: %s\n\n", (*adapter)->name);
            document_settings (out, (struct settings){(*adapter)->settings, (*adapter)->n_settings});
        }
    }
    g_string_truncate (out, out->len - 1);
}
