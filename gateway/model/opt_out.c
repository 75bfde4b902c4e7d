/* SPDX-License-Identifier: Apache-2.0 */
#include "model/opt_out.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

/* No word with all that may stand around it is longer. */
enum { TEXT_MOST = 256, WORD_MOST = 40 };

/* Words as fold writes them: lower case, no accents, one space for whatever stands between. */
static const struct {
    enum opt_out_word meaning;
    const char *words;
} lists[] = {
    /* en */
    {OPT_OUT_STOP, "|stop|stopall|stop all|unsubscribe|cancel|end|quit|revoke|optout|opt out|remove|td|"},
    {OPT_OUT_STOP, "|please stop|stop please|please unsubscribe|unsubscribe me|please unsubscribe me|opt me out|remove me|"},
    {OPT_OUT_START, "|start|unstop|optin|opt in|resubscribe|"},
    {OPT_OUT_YES, "|yes|"},
    {OPT_OUT_HELP, "|help|info|"},
    /* fr */
    {OPT_OUT_STOP, "|arret|arreter|desabonner|desabonnement|"},
    {OPT_OUT_START, "|reprendre|reabonner|"},
    {OPT_OUT_HELP, "|aide|"},
    /* es */
    {OPT_OUT_STOP, "|alto|parar|baja|dar de baja|darme de baja|"},
    {OPT_OUT_START, "|iniciar|reanudar|"},
    {OPT_OUT_HELP, "|ayuda|"},
    /* pt, beside those of es */
    {OPT_OUT_STOP, "|pare|sair|descadastrar|"},
    {OPT_OUT_START, "|voltar|"},
    {OPT_OUT_HELP, "|ajuda|"},
    /* de */
    {OPT_OUT_STOP, "|stopp|abmelden|abmeldung|abbestellen|"},
    {OPT_OUT_START, "|anmelden|"},
    {OPT_OUT_HELP, "|hilfe|"},
    /* it */
    {OPT_OUT_STOP, "|ferma|fermare|disiscrivi|disiscrivimi|"},
    {OPT_OUT_START, "|riprendi|"},
    {OPT_OUT_HELP, "|aiuto|"},
    /* nl */
    {OPT_OUT_STOP, "|stoppen|afmelden|uitschrijven|"},
    {OPT_OUT_START, "|aanmelden|"},
    {OPT_OUT_HELP, "|hulp|"},
};

/* Text between bars, as lists have it. False: it is no word. */
static bool fold (const char *text, char word[WORD_MOST + 1])
{
    g_autofree char *plain = g_utf8_normalize (text, -1, G_NORMALIZE_ALL);
    if (plain == NULL) return false;
    g_autofree char *folded = g_utf8_casefold (plain, -1);
    size_t n = 0;
    bool gap = false;
    word[n++] = '|';
    for (const char *at = folded; *at != '\0'; at = g_utf8_next_char (at)) {
        gunichar c = g_utf8_get_char (at);
        if (g_unichar_ismark (c) || g_unichar_type (c) == G_UNICODE_FORMAT) continue; /* accents, joiners, marks of direction */
        if (!g_unichar_isalnum (c)) {
            gap = n > 1;
            continue;
        }
        if (n + strlen (" 123456|") > WORD_MOST) return false;
        if (gap) word[n++] = ' ';
        n += (size_t) g_unichar_to_utf8 (c, word + n);
        gap = false;
    }
    memcpy (word + n, "|", sizeof "|");
    return n > 1;
}

enum opt_out_word opt_out_word (const char *text)
{
    char word[WORD_MOST + 1];
    if (strlen (text) > TEXT_MOST || !fold (text, word)) return OPT_OUT_NONE;
    for (size_t i = 0; i < G_N_ELEMENTS (lists); i++)
        if (strstr (lists[i].words, word) != NULL) return lists[i].meaning;
    return OPT_OUT_NONE;
}

const char *opt_out_name (enum opt_out_word word)
{
    static const char *const names[] = {
        [OPT_OUT_NONE] = NULL, [OPT_OUT_STOP] = "STOP", [OPT_OUT_START] = "START", [OPT_OUT_YES] = "YES", [OPT_OUT_HELP] = "HELP",
    };
    g_assert (word < G_N_ELEMENTS (names));
    return names[word];
}
