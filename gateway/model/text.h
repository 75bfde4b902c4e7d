/* SPDX-License-Identifier: Apache-2.0
 *
 * Text from outside becomes valid UTF-8 without NUL, the only text that the model, JSON and PostgreSQL know. Whoever repairs keeps the
 * original bytes beside it (content: "repaired": true, "raw": base64), so that nothing is lost.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/* *text: a new string. True: the bytes were valid and *text is a copy. False: each NUL, each byte that belongs to no character and each lone
 * surrogate became U+FFFD; surrogate pairs that were encoded by halves (CESU-8, Unicode TR 26) became their character. */
bool text_repair (const char *bytes, size_t length, char **text);

/* How many characters text has. text is valid UTF-8. */
size_t text_length (const char *text);

/* text in at most most characters, a new string: where it has more, the last one is "…" and what is cut is whole, a letter with all its accents,
 * an emoji with all that it is joined of (after Unicode's UAX 29; extended grapheme clusters). text is valid UTF-8. */
char *text_cut (const char *text, size_t most);
