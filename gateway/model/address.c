/* SPDX-License-Identifier: Apache-2.0 */
#include "model/address.h"

#include <stdbool.h>
#include <string.h>

G_DEFINE_QUARK (address - fault - quark, address_fault)

enum { TEL_MIN = 8, TEL_MAX = 15, SHORT_MIN = 3, SHORT_MAX = 8, ALNUM_MAX = 11 };
enum { GROUP_ID_MAX = 128 };
#define GROUP "group:"
enum { DIGITS_MAX = TEL_MAX + 2 /* 00 */ };

/* What people put between the digits: brackets, hyphens, spaces of every kind, and marks of writing direction that come along by pasting. */
static bool is_filler (gunichar c)
{
    return c < 0x80 ? strchr (" \t-.()/", (int) c) != NULL && c != 0
                    : g_unichar_isspace (c) || (c >= 0x2010 && c <= 0x2015) || c == 0x2212 || (c >= 0x200b && c <= 0x200f) ||
                          (c >= 0x202a && c <= 0x202e) || (c >= 0x2060 && c <= 0x2069) || c == 0xfeff;
}

/* The digits of text in ASCII. *plus: it began with '+'. False: there is something else in it, or too many digits. */
static bool read_digits (const char *text, size_t length, char digits[DIGITS_MAX + 1], bool *plus)
{
    if (length > ADDRESS_MAX || !g_utf8_validate_len (text, length, NULL)) return false;
    size_t n = 0;
    *plus = false;
    for (const char *at = text; at < text + length; at = g_utf8_next_char (at)) {
        gunichar c = g_utf8_get_char (at);
        if ((c == '+' || c == 0xff0b) && n == 0 && !*plus)
            *plus = true;
        else if (g_unichar_isdigit (c) && n < DIGITS_MAX)
            digits[n++] = (char) ('0' + g_unichar_digit_value (c));
        else if (!is_filler (c))
            return false;
    }
    digits[n] = '\0';
    return true;
}

/* The digits of an E.164 number without '+', within digits. NULL: no such number. */
static const char *e164 (const char *digits, bool plus)
{
    if (!plus && digits[0] == '0' && digits[1] == '0') digits += 2;
    size_t n = strlen (digits);
    return n >= TEL_MIN && n <= TEL_MAX && digits[0] != '0' ? digits : NULL;
}

char *address_tel (const char *text, size_t length)
{
    char digits[DIGITS_MAX + 1];
    bool plus;
    const char *number = read_digits (text, length, digits, &plus) ? e164 (digits, plus) : NULL;
    return number == NULL ? NULL : g_strconcat ("tel:+", number, NULL);
}

static bool is_country (const char *country, size_t length)
{
    return length == 2 && g_ascii_isalpha (country[0]) && g_ascii_isalpha (country[1]);
}

static char *short_code (const char *digits, const char *country, size_t country_length)
{
    bool known = is_country (country, country_length);
    return g_strdup_printf ("short:%c%c:%s", known ? g_ascii_toupper (country[0]) : 'Z', known ? g_ascii_toupper (country[1]) : 'Z',
                            digits);
}

/* Bandwidth's published set (dev.bandwidth.com); at least one letter. */
static char *alphanumeric (const char *text, size_t length)
{
    char address[sizeof ("alnum:") + 3 * ALNUM_MAX];
    bool letter = false;
    while (length > 0 && text[0] == ' ') text++, length--;
    while (length > 0 && text[length - 1] == ' ') length--;
    if (length > ALNUM_MAX) return NULL;
    char *out = g_stpcpy (address, "alnum:");
    for (size_t i = 0; i < length; i++) {
        letter |= g_ascii_isalpha (text[i]);
        if (text[i] == ' ')
            out = g_stpcpy (out, "%20");
        else if (g_ascii_isalnum (text[i]) || (text[i] != '\0' && strchr ("_+&-", text[i]) != NULL))
            *out++ = text[i];
        else
            return NULL;
    }
    *out = '\0';
    return letter ? g_strdup (address) : NULL;
}

/* What follows "whatsapp:": a number, or a business-scoped id: a country, a dot, and letters, digits and a few marks. */
static char *whatsapp (const char *text, size_t length)
{
    char digits[DIGITS_MAX + 1];
    bool plus;
    const char *number = read_digits (text, length, digits, &plus) ? e164 (digits, plus) : NULL;
    if (number != NULL) return g_strconcat ("whatsapp:", number, NULL);
    if (length < 4 || length > ADDRESS_MAX - strlen ("whatsapp:") || !is_country (text, 2) || text[2] != '.') return NULL;
    for (size_t i = 3; i < length; i++)
        if (!g_ascii_isalnum (text[i]) && (text[i] == '\0' || strchr ("._-", text[i]) == NULL)) return NULL;
    return g_strdup_printf ("whatsapp:%c%c%.*s", g_ascii_toupper (text[0]), g_ascii_toupper (text[1]), (int) length - 2, text + 2);
}

/* What follows "whatsapp:group:": Meta's id of a group, in base64. It is nobody's number, so only who knows that writes it. */
static char *whatsapp_group (const char *id)
{
    size_t length = strlen (id), n = 0;
    while (g_ascii_isalnum (id[n]) || (id[n] != '\0' && strchr ("_-=", id[n]) != NULL)) n++;
    return n == length && n > 0 && n <= GROUP_ID_MAX ? g_strconcat ("whatsapp:" GROUP, id, NULL) : NULL;
}

static bool has_prefix (const char *text, size_t length, const char *prefix)
{
    return length >= strlen (prefix) && g_ascii_strncasecmp (text, prefix, strlen (prefix)) == 0;
}

char *address_phone (const char *text, size_t length, const char *country, size_t country_length)
{
    if (has_prefix (text, length, "whatsapp:")) return whatsapp (text + strlen ("whatsapp:"), length - strlen ("whatsapp:"));
    char digits[DIGITS_MAX + 1];
    bool plus;
    if (!read_digits (text, length, digits, &plus)) return alphanumeric (text, length);
    size_t n = strlen (digits);
    if (!plus && n >= SHORT_MIN && n <= SHORT_MAX) return short_code (digits, country, country_length);
    const char *number = e164 (digits, plus);
    return number == NULL ? NULL : g_strconcat ("tel:+", number, NULL);
}

static bool is_digits (const char *text, size_t min, size_t max)
{
    size_t n = strspn (text, "0123456789");
    return text[n] == '\0' && n >= min && n <= max;
}

/* One '@' with something on both sides, nothing that breaks a header. The domain is folded, the local part is the receiver's business. */
static char *check_mailto (const char *address)
{
    const char *at = strrchr (address, '@');
    if (at == NULL || at == address || at[1] == '\0' || at[1] == '.' || !g_utf8_validate (address, -1, NULL)) return NULL;
    for (const char *c = address; *c != '\0'; c = g_utf8_next_char (c))
        if (g_unichar_iscntrl (g_utf8_get_char (c)) || g_unichar_isspace (g_utf8_get_char (c)) || strchr ("<>,;\"", *c) != NULL)
            return NULL;
    if (memchr (address, '@', (size_t) (at - address)) != NULL) return NULL;
    g_autofree char *domain = g_ascii_strdown (at, -1);
    return g_strdup_printf ("mailto:%.*s%s", (int) (at - address), address, domain);
}

static char *check_short (const char *rest)
{
    return strlen (rest) > 3 && is_country (rest, 2) && rest[2] == ':' && is_digits (rest + 3, SHORT_MIN, SHORT_MAX)
               ? short_code (rest + 3, rest, 2)
               : NULL;
}

static char *check_alnum (const char *rest)
{
    g_autofree char *plain = g_uri_unescape_string (rest, NULL);
    return plain == NULL ? NULL : alphanumeric (plain, strlen (plain));
}

static char *check_chat (const char *rest)
{
    for (const char *c = rest; *c != '\0'; c++)
        if (!g_ascii_isalnum (*c) && strchr ("._~:-", *c) == NULL) return NULL;
    return rest[0] == '\0' ? NULL : g_strconcat ("chat:", rest, NULL);
}

static char *check_tel (const char *rest)
{
    return address_tel (rest, strlen (rest));
}

static char *check_whatsapp (const char *rest)
{
    if (has_prefix (rest, strlen (rest), GROUP)) return whatsapp_group (rest + strlen (GROUP));
    return whatsapp (rest, strlen (rest));
}

char *address_check (const char *address, GError **error)
{
    static const struct {
        const char *prefix;
        char *(*check) (const char *rest);
        const char *example;
    } kinds[] = {
        {"tel:", check_tel, "tel:+15550001111"},
        {"short:", check_short, "short:US:12345"},
        {"alnum:", check_alnum, "alnum:Acme"},
        {"whatsapp:", check_whatsapp, "whatsapp:+15550001111"},
        {"mailto:", check_mailto, "mailto:ana@example.com"},
        {"chat:", check_chat, "chat:7f3a"},
    };
    if (strlen (address) > ADDRESS_MAX) {
        g_set_error (error, ADDRESS_FAULT, 0, "the address is longer than %d bytes", ADDRESS_MAX);
        return NULL;
    }
    for (size_t i = 0; i < G_N_ELEMENTS (kinds); i++) {
        if (!has_prefix (address, strlen (address), kinds[i].prefix)) continue;
        char *canonical = kinds[i].check (address + strlen (kinds[i].prefix));
        if (canonical != NULL && strlen (canonical) > ADDRESS_MAX) g_clear_pointer (&canonical, g_free);
        if (canonical == NULL)
            g_set_error (error, ADDRESS_FAULT, 0, "the address is no valid %s address, as %s", kinds[i].prefix, kinds[i].example);
        return canonical;
    }
    g_set_error_literal (error, ADDRESS_FAULT, 0, "the address begins with none of tel:, short:, alnum:, whatsapp:, mailto:, chat:");
    return NULL;
}
