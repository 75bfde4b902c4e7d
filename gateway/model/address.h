/* SPDX-License-Identifier: Apache-2.0
 *
 * Addresses: how a person or a channel is reached, one canonical URI each, so that equal means the same person:
 *
 *     tel:+15550001111        E.164: 8 to 15 digits, the first not 0
 *     short:US:51515          a short code, 3 to 8 digits, of a country; ZZ where the country is not known
 *     alnum:ACME              a sender of letters and digits; nobody can answer it. A space is %20
 *     whatsapp:15550001111    a WhatsApp number      whatsapp:US.1234   a business-scoped id, no number
 *     whatsapp:group:Y2Fw=    a WhatsApp group: its id, of base64url characters and =
 *     mailto:ana@x.org        chat:…
 *
 * Every function takes text of any bytes and any length. Results are at most ADDRESS_MAX bytes and ASCII, but for mailto:, which may be UTF-8.
 */
#pragma once
#include <glib.h>
#include <stddef.h>

#define ADDRESS_MAX 256

#define ADDRESS_FAULT (address_fault_quark ())
GQuark address_fault_quark (void);

/* A telephone number as people and providers write it (+, 00 or bare digits; spaces, hyphens, dots, brackets, any script's digits) as tel:.
 * NULL: no such number. */
char *address_tel (const char *text, size_t length);

/* The sender or receiver of a message as a telephone provider names it: as address_tel, or a bare short code of up to 8 digits, or an
 * alphanumeric sender, or one of those WhatsApp forms that begin with "whatsapp:". country: ISO 3166 alpha-2 that short codes belong to,
 * need not be NUL-terminated; anything else counts as unknown. NULL: none of these. */
char *address_phone (const char *text, size_t length, const char *country, size_t country_length);

/* The canonical form of an address that a client of the API gives. NULL: error (ADDRESS_FAULT, 0) says what
 * is wrong, without the address. */
char *address_check (const char *address, GError **error);
