/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/commands.h"
#include "flow/gateway.h"
#include "store/schema.h"

#include <glib.h>
#include <stdio.h>
#include <unistd.h>

static const char usage[] =
    "usage: switchboard [--config FILE] COMMAND\n"
    "\n"
    "  serve                                     run the gateway until SIGTERM; SIGHUP reads the configuration again\n"
    "  check                                     tell every fault of the configuration; connects to nothing\n"
    "  migrate                                   bring the database to this version's schema; serve does so, too\n"
    "  key create --account A --name N [--scopes S,…]   make an API key and print it, this once\n"
    "  key list [--account A]                    list keys: when they were made, their ids and last four letters, what they may do\n"
    "  key revoke KEY                            end a key, by its id; gateways refuse it within 5 s\n"
    "  trace MESSAGE                             tell a message's life from the journal on\n"
    "  quarantine [--account A]                  list what could not be understood\n"
    "  channel list [--account A]                list channels: how they fare, what waits to be sent\n"
    "  channel show CHANNEL                      tell what is known of a channel, and the URL to register with its provider\n"
    "  channel pause CHANNEL                     send nothing until it is resumed, within 3 s; what comes in is taken\n"
    "  channel resume CHANNEL\n"
    "  channel probe CHANNEL                     ask the provider whether credentials and registered URL are right; connects to no "
    "database\n"
    "  channel backfill CHANNEL --since TIME     fetch what came in since TIME (RFC 3339) and was missed; a gateway may run meanwhile\n"
    "  --version\n"
    "\n"
    "The commands after migrate want a migrated database; key list, trace, quarantine, channel list and channel show only read. A is an\n"
    "account of FILE, which need not have been served yet. A key without --scopes may do everything in its account. CHANNEL is a channel "
    "of FILE;\n"
    "where several accounts have one of that name, it wants --account A, or is A/CHANNEL.\n"
    "\n"
    "FILE is $SWITCHBOARD_CONFIG, ./switchboard.yaml or /etc/switchboard/switchboard.yaml unless --config names it.\n";

static char *config_file, *account, *name, *scopes, *since;
static gboolean version, help;

static const GOptionEntry options[] = {
    {"config", 'c', 0, G_OPTION_ARG_FILENAME, &config_file, "the configuration", "FILE"},
    {"account", 0, 0, G_OPTION_ARG_STRING, &account, "an account's name in the configuration", "A"},
    {"name", 0, 0, G_OPTION_ARG_STRING, &name, "what the key is for", "N"},
    {"scopes", 0, 0, G_OPTION_ARG_STRING, &scopes, "what the key may do; without it, everything in its account", "S,…"},
    {"since", 0, 0, G_OPTION_ARG_STRING, &since, "from when on", "TIME"},
    {"version", 0, 0, G_OPTION_ARG_NONE, &version, "tell the version", NULL},
    {"help", 'h', 0, G_OPTION_ARG_NONE, &help, "tell the commands", NULL},
    G_OPTION_ENTRY_NULL,
};

static const char *config_path (void)
{
    const char *environment = g_getenv ("SWITCHBOARD_CONFIG");
    if (config_file) return config_file;
    if (environment && *environment) return environment;
    return access ("switchboard.yaml", F_OK) == 0 ? "switchboard.yaml" : "/etc/switchboard/switchboard.yaml";
}

static int wrong_usage (void)
{
    fputs (usage, stderr);
    return 2;
}

static int wants (const char *command, const char *what)
{
    fprintf (stderr, "switchboard: %s wants %s (switchboard --help tells all)\n", command, what);
    return 2;
}

static int unknown_command (int n_words, char **words)
{
    g_autofree char *line = n_words > 0 ? g_strjoinv (" ", words) : NULL;
    if (line) fprintf (stderr, "switchboard: there is no command \"%s\"\n", line);
    return wrong_usage ();
}

/* One of the verbs that are about one channel. */
static int run_channel (const char *verb, const char *channel)
{
    g_autofree char *command = g_strconcat ("channel ", verb, NULL);
    if (!channel) return wants (command, "a channel, as acme/support-sms");
    if (g_str_equal (verb, "show")) return command_channel_show (config_path (), account, channel);
    if (g_str_equal (verb, "pause")) return command_channel_pause (config_path (), account, channel, true);
    if (g_str_equal (verb, "resume")) return command_channel_pause (config_path (), account, channel, false);
    if (g_str_equal (verb, "probe")) return command_channel_probe (config_path (), account, channel);
    if (!since) return wants (command, "--since TIME, as 2026-11-24T10:00:00Z");
    return command_channel_backfill (config_path (), account, channel, since);
}

static int run (int n_words, char **words)
{
    static const char *const channel_verbs[] = {"show", "pause", "resume", "probe", "backfill", NULL};
    const char *command = n_words > 0 ? words[0] : "", *verb = n_words > 1 ? words[1] : "";
    if (g_str_equal (command, "serve") && n_words == 1) return gateway_serve (config_path ());
    if (g_str_equal (command, "check") && n_words == 1) return command_check (config_path ());
    if (g_str_equal (command, "migrate") && n_words == 1) return command_migrate (config_path ());
    if (g_str_equal (command, "key") && n_words == 2 && g_str_equal (verb, "create"))
        return account && name ? command_key_create (config_path (), account, name, scopes) : wants ("key create", "--account and --name");
    if (g_str_equal (command, "key") && n_words == 2 && g_str_equal (verb, "list")) return command_key_list (config_path (), account);
    if (g_str_equal (command, "key") && n_words <= 3 && g_str_equal (verb, "revoke"))
        return n_words == 3 ? command_key_revoke (config_path (), words[2]) : wants ("key revoke", "a key's id, as key list tells it");
    if (g_str_equal (command, "trace") && n_words <= 2)
        return n_words == 2 ? command_trace (config_path (), verb) : wants (command, "a message's id");
    if (g_str_equal (command, "quarantine") && n_words == 1) return command_quarantine (config_path (), account);
    if (g_str_equal (command, "channel") && n_words == 2 && g_str_equal (verb, "list"))
        return command_channel_list (config_path (), account);
    if (g_str_equal (command, "channel") && n_words <= 3 && g_strv_contains (channel_verbs, verb))
        return run_channel (verb, n_words == 3 ? words[2] : NULL);
    return unknown_command (n_words, words);
}

int main (int argc, char **argv)
{
    g_autoptr (GOptionContext) context = g_option_context_new (NULL);
    g_autoptr (GError) error = NULL;
    g_option_context_add_main_entries (context, options, NULL);
    g_option_context_set_help_enabled (context, FALSE);
    if (!g_option_context_parse (context, &argc, &argv, &error)) {
        fprintf (stderr, "switchboard: %s\n", error->message);
        return wrong_usage ();
    }
    if (help) {
        fputs (usage, stdout);
        return 0;
    }
    if (version) {
        printf ("switchboard %s\n", switchboard_version);
        return 0;
    }
    return run (argc - 1, argv + 1);
}
