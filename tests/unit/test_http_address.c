/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_address.h"

#include <arpa/inet.h>
#include <glib.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

/* The text and the address that it stands for are judged alike. */
static void expect (const char *text, bool private)
{
    struct sockaddr_storage address = {0};
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    if (inet_pton (AF_INET, text, &in.sin_addr) == 1)
        memcpy (&address, &in, sizeof in);
    else if (inet_pton (AF_INET6, text, &in6.sin6_addr) == 1)
        memcpy (&address, &in6, sizeof in6);
    else
        g_error ("%s is no address", text);
    if (http_address_text_is_private (text) != private) g_error ("%s is%s private", text, private ? "" : " not");
    g_assert_true (http_address_is_private ((const struct sockaddr *) &address) == private);
}

/* The first and the last of each network, and its neighbours on both sides where the world can reach them. */
static void test_private (void)
{
    static const char *const texts[] = {"0.0.0.0",
                                        "0.255.255.255",
                                        "10.0.0.0",
                                        "10.255.255.255",
                                        "100.64.0.0",
                                        "100.127.255.255",
                                        "127.0.0.1",
                                        "127.255.255.255",
                                        "169.254.0.0",
                                        "169.254.169.254",
                                        "172.16.0.0",
                                        "172.31.255.255",
                                        "192.0.0.1",
                                        "192.0.2.1",
                                        "192.88.99.1",
                                        "192.168.0.0",
                                        "192.168.255.255",
                                        "198.18.0.0",
                                        "198.19.255.255",
                                        "198.51.100.1",
                                        "203.0.113.1",
                                        "224.0.0.0",
                                        "239.255.255.255",
                                        "240.0.0.0",
                                        "255.255.255.255",
                                        "::",
                                        "::1",
                                        "::7f00:1",
                                        "::ffff:127.0.0.1",
                                        "::ffff:7f00:1",
                                        "::ffff:10.1.2.3",
                                        "::ffff:169.254.169.254",
                                        "64:ff9b::a00:1",
                                        "64:ff9b:1::1",
                                        "100::1",
                                        "2001::1",
                                        "2001:1ff::1",
                                        "2001:db8::1",
                                        "2002:7f00:1::",
                                        "3fff::1",
                                        "3fff:fff::1",
                                        "5f00::1",
                                        "fc00::1",
                                        "fdff::1",
                                        "fe80::1",
                                        "febf::1",
                                        "fec0::1",
                                        "feff::1",
                                        "ff00::",
                                        "ff02::1",
                                        "ffff::1"};
    for (size_t i = 0; i < G_N_ELEMENTS (texts); i++) expect (texts[i], true);
}

static void test_public (void)
{
    static const char *const texts[] = {
        "1.0.0.0",         "9.255.255.255",  "11.0.0.0",       "100.63.255.255", "100.128.0.0",   "126.255.255.255", "128.0.0.0",
        "169.253.255.255", "169.255.0.0",    "172.15.255.255", "172.32.0.0",     "192.0.1.0",     "192.0.3.0",       "192.88.98.255",
        "192.167.255.255", "192.169.0.0",    "198.17.255.255", "198.20.0.0",     "198.51.99.255", "203.0.114.0",     "223.255.255.255",
        "8.8.8.8",         "::ffff:8.8.8.8", "64:ff9b:2::1",   "2001:200::1",    "2001:db7::1",   "2001:db9::1",     "2003::1",
        "2606:4700::1111", "3fff:1000::1",   "3ffe::1",        "5eff::1",        "fbff::1"};
    for (size_t i = 0; i < G_N_ELEMENTS (texts); i++) expect (texts[i], false);
}

static void test_no_address (void)
{
    static const char *const texts[] = {"", "localhost", "8.8.8", "8.8.8.8 ", "fe80::1%eth0", "/run/socket"};
    for (size_t i = 0; i < G_N_ELEMENTS (texts); i++) g_assert_true (http_address_text_is_private (texts[i]));
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    g_assert_true (http_address_is_private ((const struct sockaddr *) &local));
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/http_address/private", test_private);
    g_test_add_func ("/http_address/public", test_public);
    g_test_add_func ("/http_address/no-address", test_no_address);
    return g_test_run ();
}
