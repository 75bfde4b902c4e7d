/* SPDX-License-Identifier: Apache-2.0 */
#include "model/opt_out.h"

#include <glib.h>
#include <string.h>

static void assert_all (const char *const *texts, size_t n, enum opt_out_word expected)
{
    for (size_t i = 0; i < n; i++) {
        enum opt_out_word got = opt_out_word (texts[i]);
        if (got != expected) g_test_fail_printf ("\"%s\" is %s", texts[i], opt_out_name (got) == NULL ? "nothing" : opt_out_name (got));
    }
}

static void stops (void)
{
    static const char *const texts[] = {
        "stop",
        "STOP",
        "Stop",
        " Stop. ",
        "STOP!!!",
        "\tstop\r\n",
        "“STOP”",
        "'stop'",
        "\"Stop.\"",
        "stop 🛑",
        "🛑 STOP",
        "Stop ❤️!",
        "ＳＴＯＰ",
        "stop\xe2\x80\x8b",
        "\xe2\x80\x8fstop",
        "\xef\xbb\xbfstop",
        "STOP\xc2\xa0",
        "stopall",
        "Stop all",
        "stop   all",
        "STOP-ALL",
        "stop\nall",
        "please stop",
        "Please, stop!",
        "Stop please",
        "unsubscribe",
        "Cancel",
        "END",
        "quit",
        "Quit.",
        "revoke",
        "optout",
        "opt out",
        "OPT-OUT",
        "Opt–out",
        "remove",
        "TD",
        "ARRET",
        "arrêt",
        "ARRÊT",
        "arre\xcc\x82t",
        "désabonner",
        "ALTO",
        "alto!",
        "¡ALTO!",
        "Parar",
        "BAJA",
        "dar de baja",
        "SAIR",
        "Stopp",
        "Abmelden",
        "FERMA",
        "stoppen",
        "afmelden",
    };
    assert_all (texts, G_N_ELEMENTS (texts), OPT_OUT_STOP);
}

static void starts (void)
{
    static const char *const texts[] = {"START", "start!", "unstop", "un\xe2\x80\x8bstop", "opt in", "Opt-In"};
    assert_all (texts, G_N_ELEMENTS (texts), OPT_OUT_START);
    static const char *const answers[] = {"yes", "YES", "Yes!", "yes 👍"};
    assert_all (answers, G_N_ELEMENTS (answers), OPT_OUT_YES);
    static const char *const questions[] = {"HELP", "help?", "Info", "AIDE", "ayuda", "Hilfe!", "ajuda", "aiuto"};
    assert_all (questions, G_N_ELEMENTS (questions), OPT_OUT_HELP);
}

static void others (void)
{
    static const char *const texts[] = {
        "",
        " ",
        "!!!",
        "🛑",
        "please stop by tomorrow",
        "stop by",
        "don't stop",
        "do not stop",
        "non stop",
        "nonstop",
        "stops",
        "stopped",
        "s t o p",
        "stop2",
        "stop 2",
        "bus stop",
        "the end",
        "weekend",
        "end of story",
        "cancel my order",
        "cancel it",
        "can I quit?",
        "stop stop",
        "help me",
        "info please",
        "yes please",
        "yes, stop",
        "no",
        "yesterday",
        "started",
        "start over",
        "restart",
        "I want to unsubscribe",
        "стоп и так далее",
        "sto\xd1\x80" /* a Cyrillic er */,
    };
    assert_all (texts, G_N_ELEMENTS (texts), OPT_OUT_NONE);
    g_autofree char *long_one = g_strnfill (300, '!'), *many = g_strnfill (33, 's');
    memcpy (long_one, "stop", 4);
    const char *const long_ones[] = {long_one, many, "\xff", "stop\xff"};
    assert_all (long_ones, G_N_ELEMENTS (long_ones), OPT_OUT_NONE);
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/opt_out/a message that is the word, however it is written", stops);
    g_test_add_func ("/opt_out/the way back, and the question", starts);
    g_test_add_func ("/opt_out/a message that merely holds the word is none", others);
    return g_test_run ();
}
