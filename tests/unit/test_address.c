/* SPDX-License-Identifier: Apache-2.0 */
#include "model/address.h"

#include <string.h>

struct example {
    const char *given, *expected;
};

static void telephone_numbers (void)
{
    static const struct example examples[] = {
        {"+15550001111", "tel:+15550001111"},
        {"15550001111", "tel:+15550001111"},
        {"0015550001111", "tel:+15550001111"},
        {" +1 (555) 000-1111 ", "tel:+15550001111"},
        {"+1.555.000.1111", "tel:+15550001111"},
        {"+49/151/12345678", "tel:+4915112345678"},
        {"+49\u00a0151\u202f12345678", "tel:+4915112345678"},
        {"\uff0b\uff14\uff19151\u2010\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668", "tel:+4915112345678"},
        {"\u202a+15550001111\u202c", "tel:+15550001111"},
        {"+12345678", "tel:+12345678"},
        {"+123456789012345", "tel:+123456789012345"},
        {"00123456789012345", "tel:+123456789012345"},
        {"+1234567", NULL},
        {"+1234567890123456", NULL},
        {"+0123456789", NULL},
        {"0151123456", NULL},
        {"000151123456", NULL},
        {"", NULL},
        {"+", NULL},
        {"++15550001111", NULL},
        {"1+5550001111", NULL},
        {"+1555000111x", NULL},
        {"tel:+15550001111", NULL},
        {"+1555000\n1111", NULL},
        {"+1555\xff", NULL},
        {"+0015550001111", NULL},
        {"+12345678901234567890123456789", NULL},
        {"\u00b2\u00b3\u00b2\u00b3\u00b2\u00b3\u00b2\u00b3\u00b2", NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS (examples); i++) {
        g_autofree char *address = address_tel (examples[i].given, strlen (examples[i].given));
        g_assert_cmpstr (address, ==, examples[i].expected);
    }
}

static void what_providers_name (void)
{
    static const struct {
        const char *given, *country, *expected;
    } examples[] = {
        {"+15550001111", "US", "tel:+15550001111"},
        {"51515", "US", "short:US:51515"},
        {"51515", "ca", "short:CA:51515"},
        {"51515", "", "short:ZZ:51515"},
        {"51515", NULL, "short:ZZ:51515"},
        {"51515", "USA", "short:ZZ:51515"},
        {"51515", "U\"", "short:ZZ:51515"},
        {"51 515", "US", "short:US:51515"},
        {"123", "US", "short:US:123"},
        {"12345678", "IN", "short:IN:12345678"},
        {"12", "US", NULL},
        {"123456789", "US", "tel:+123456789"},
        {"+51515", "US", NULL},
        {"0123", "FR", "short:FR:0123"},
        {"ACME", "US", "alnum:ACME"},
        {" ACME Shop ", "US", "alnum:ACME%20Shop"},
        {"A_b+c&d-1", "US", "alnum:A_b+c&d-1"},
        {"ABCDEFGHIJK", "US", "alnum:ABCDEFGHIJK"},
        {"ABCDEFGHIJKL", "US", NULL},
        {"ACM\u00c9", "US", NULL},
        {"A:B", "US", NULL},
        {"A%B", "US", NULL},
        {"_", "US", NULL},
        {"   ", "US", NULL},
        {"", "US", NULL},
        {"whatsapp:+15550001111", "US", "whatsapp:15550001111"},
        {"WhatsApp:15550001111", "US", "whatsapp:15550001111"},
        {"whatsapp:US.1234", "US", "whatsapp:US.1234"},
        {"whatsapp:us.aB-9_x.y", "US", "whatsapp:US.aB-9_x.y"},
        {"whatsapp:US.", "US", NULL},
        {"whatsapp:U1.1", "US", NULL},
        {"whatsapp:US.a b", "US", NULL},
        {"whatsapp:", "US", NULL},
        {"whatsapp:12345", "US", NULL},
        {"whatsapp:whatsapp:+15550001111", "US", NULL},
        {"client:ana", "US", NULL},
        {"rcs:acme", "US", NULL},
        {"whatsapp:group:Y2FwaV9ncm91cDox", "US", NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS (examples); i++) {
        g_autofree char *address = address_phone (examples[i].given, strlen (examples[i].given), examples[i].country,
                                                  examples[i].country == NULL ? 0 : strlen (examples[i].country));
        g_assert_cmpstr (address, ==, examples[i].expected);
    }
}

static void bytes_that_no_address_has (void)
{
    g_assert_null (address_phone ("US\0", 3, NULL, 0));
    g_assert_null (address_phone ("+15550001111\0", 13, NULL, 0));
    g_assert_null (address_phone ("whatsapp:US.1\0", 14, NULL, 0));
    g_assert_null (address_tel ("+1555\0"
                                "0001111",
                                13));
    g_autofree char *giant = g_strnfill (1000000, '1'), *id = g_strconcat ("whatsapp:US.", giant, NULL);
    g_autofree char *most = g_strdup_printf ("whatsapp:US.%.*s", ADDRESS_MAX - 12, giant), *over = g_strconcat (most, "1", NULL);
    g_assert_null (address_phone (giant, strlen (giant), NULL, 0));
    g_assert_null (address_phone (id, strlen (id), NULL, 0));
    g_assert_null (address_phone (over, strlen (over), NULL, 0));
    g_autofree char *address = address_phone (most, strlen (most), NULL, 0);
    g_assert_cmpstr (address, ==, most);
    g_assert_cmpuint (strlen (address), ==, ADDRESS_MAX);
}

static void what_the_api_takes (void)
{
    static const struct example examples[] = {
        {"tel:+15550001111", "tel:+15550001111"},
        {"TEL:+1 555 000-1111", "tel:+15550001111"},
        {"tel:51515", NULL},
        {"tel:", NULL},
        {"short:us:51515", "short:US:51515"},
        {"short:51515", NULL},
        {"short:US:", NULL},
        {"short:US:12", NULL},
        {"short:US:123456789", NULL},
        {"alnum:ACME", "alnum:ACME"},
        {"alnum:ACME%20Shop", "alnum:ACME%20Shop"},
        {"alnum:ACME Shop", "alnum:ACME%20Shop"},
        {"alnum:1234", NULL},
        {"alnum:%00", NULL},
        {"whatsapp:+15550001111", "whatsapp:15550001111"},
        {"whatsapp:US.1234", "whatsapp:US.1234"},
        {"whatsapp:group:Y2FwaV9ncm91cDox", "whatsapp:group:Y2FwaV9ncm91cDox"},
        {"WhatsApp:Group:Aa_-9==", "whatsapp:group:Aa_-9=="},
        {"whatsapp:group:", NULL},
        {"whatsapp:group:a b", NULL},
        {"whatsapp:group:a/b", NULL},
        {"whatsapp:group:a+b", NULL},
        {"whatsapp:group:Jos\u00e9", NULL},
        {"whatsapp:groups:a", NULL},
        {"mailto:Ana@X.Org", "mailto:Ana@x.org"},
        {"mailto:ana", NULL},
        {"mailto:@x.org", NULL},
        {"mailto:ana@", NULL},
        {"mailto:a@b@c", NULL},
        {"mailto:a b@c", NULL},
        {"mailto:a\r\nBcc: x@c", NULL},
        {"mailto:<a@c>", NULL},
        {"mailto:a\xff@c", NULL},
        {"chat:0198-ab.c", "chat:0198-ab.c"},
        {"chat:", NULL},
        {"chat:a/b", NULL},
        {"", NULL},
        {"+15550001111", NULL},
        {"sip:ana@x.org", NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS (examples); i++) {
        g_autoptr (GError) error = NULL;
        g_autofree char *address = address_check (examples[i].given, &error);
        g_assert_cmpstr (address, ==, examples[i].expected);
        g_assert_true ((address == NULL) == (error != NULL));
        /* what is canonical stays as it is */
        g_autofree char *again = address == NULL ? NULL : address_check (address, NULL);
        g_assert_cmpstr (again, ==, address);
    }
}

static void no_address_is_too_long (void)
{
    g_autoptr (GError) error = NULL;
    g_autofree char *name = g_strnfill (ADDRESS_MAX, 'a'), *address = g_strconcat ("mailto:", name, "@x.org", NULL);
    g_assert_null (address_check (address, &error));
    g_assert_error (error, ADDRESS_FAULT, 0);
    g_assert_null (strstr (error->message, "aaa"));
    for (size_t length = 128; length <= 129; length++) {
        g_autofree char *id = g_strnfill (length, 'a'), *group = g_strconcat ("whatsapp:group:", id, NULL);
        g_autofree char *checked = address_check (group, NULL);
        g_assert_cmpstr (checked, ==, length == 128 ? group : NULL);
    }
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/address/telephone numbers however they are written", telephone_numbers);
    g_test_add_func ("/address/senders as providers name them", what_providers_name);
    g_test_add_func ("/address/NUL and giant values are no address", bytes_that_no_address_has);
    g_test_add_func ("/address/what clients of the API may give", what_the_api_takes);
    g_test_add_func ("/address/no address is longer than its limit", no_address_is_too_long);
    return g_test_run ();
}
