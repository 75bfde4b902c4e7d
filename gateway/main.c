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
    "  trace MESSAGE                             tell a message's life from the journal on\n"
    "  quarantine [--account A]                  list what could not be understood\n"
    "  --version\n"
    "\n"
    "The last three want a migrated database; trace and quarantine only read. A is an account of FILE, which need not have been served\n"
    "yet. A key without --scopes may do everything in its account.\n"
    "\n"
    "FILE is $SWITCHBOARD_CONFIG, ./switchboard.yaml or /etc/switchboard/switchboard.yaml unless --config names it.\n";

static char *config_file, *account, *name, *scopes;
static gboolean version, help;

static const GOptionEntry options[] = {
    {"config", 'c', 0, G_OPTION_ARG_FILENAME, &config_file, "the configuration", "FILE"},
    {"account", 0, 0, G_OPTION_ARG_STRING, &account, "an account's name in the configuration", "A"},
    {"name", 0, 0, G_OPTION_ARG_STRING, &name, "what the key is for", "N"},
    {"scopes", 0, 0, G_OPTION_ARG_STRING, &scopes, "what the key may do; without it, everything in its account", "S,…"},
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

static int run (int n_words, char **words)
{
    const char *command = n_words > 0 ? words[0] : "";
    if (g_str_equal (command, "serve") && n_words == 1) return gateway_serve (config_path ());
    if (g_str_equal (command, "check") && n_words == 1) return command_check (config_path ());
    if (g_str_equal (command, "migrate") && n_words == 1) return command_migrate (config_path ());
    if (g_str_equal (command, "key") && n_words == 2 && g_str_equal (words[1], "create") && account && name)
        return command_key_create (config_path (), account, name, scopes);
    if (g_str_equal (command, "trace") && n_words == 2) return command_trace (config_path (), words[1]);
    if (g_str_equal (command, "quarantine") && n_words == 1) return command_quarantine (config_path (), account);
    return wrong_usage ();
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
