/* SPDX-License-Identifier: Apache-2.0
 *
 * The words by which people end and begin again what a business sends them (CTIA; FCC, 47 CFR 64.1200(a)(10); Twilio's and others' default
 * words), in several languages. The whole message must be such a word: "STOP!!!" and "Please stop" are, "please stop by tomorrow" is not and
 * is for a human to read.
 */
#pragma once

enum opt_out_word {
    OPT_OUT_NONE,
    OPT_OUT_STOP,
    OPT_OUT_START,
    OPT_OUT_YES, /* as START where there is an opt-out, else just an answer */
    OPT_OUT_HELP,
};

/* What text says as a whole. Case, accents, width, spaces, punctuation, quotes and emoji around and between words do not matter. text is valid
 * UTF-8. */
enum opt_out_word opt_out_word (const char *text);

/* "STOP", "START", "YES" or "HELP"; NULL: OPT_OUT_NONE. */
const char *opt_out_name (enum opt_out_word word);
