/* SPDX-License-Identifier: Apache-2.0
 *
 * IANA's special-purpose registries (RFC 6890 and what came later), all but the few that the world can reach.
 */
#include "net/http_address.h"

#include <arpa/inet.h>
#include <glib.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

struct network4 {
    uint8_t bytes[4];
    unsigned bits;
};

static const struct network4 networks4[] = {
    {{0}, 8},             /* this network; the kernel takes 0.0.0.0 for loopback */
    {{10}, 8},            /* private */
    {{100, 64}, 10},      /* carriers' shared */
    {{127}, 8},           /* loopback */
    {{169, 254}, 16},     /* link-local */
    {{172, 16}, 12},      /* private */
    {{192, 0, 0}, 24},    /* protocol assignments */
    {{192, 0, 2}, 24},    /* documentation */
    {{192, 88, 99}, 24},  /* 6to4 relays */
    {{192, 168}, 16},     /* private */
    {{198, 18}, 15},      /* benchmarks */
    {{198, 51, 100}, 24}, /* documentation */
    {{203, 0, 113}, 24},  /* documentation */
    {{224}, 4},           /* multicast */
    {{240}, 4},           /* reserved, and broadcast */
};

struct network6 {
    uint8_t bytes[16];
    unsigned bits;
};

static const struct network6 networks6[] = {
    {{0}, 96},                                  /* unspecified, loopback, IPv4-compatible */
    {{0x00, 0x64, 0xff, 0x9b}, 96},             /* NAT64 */
    {{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48}, /* local NAT64 */
    {{0x01, 0x00}, 64},                         /* discard */
    {{0x20, 0x01, 0x00}, 23},                   /* protocol assignments, Teredo among them */
    {{0x20, 0x01, 0x0d, 0xb8}, 32},             /* documentation */
    {{0x20, 0x02}, 16},                         /* 6to4 */
    {{0x3f, 0xff, 0x00}, 20},                   /* documentation */
    {{0x5f, 0x00}, 16},                         /* segment routing */
    {{0xfc}, 7},                                /* unique local */
    {{0xfe, 0x80}, 10},                         /* link-local */
    {{0xfe, 0xc0}, 10},                         /* site-local, of old */
    {{0xff}, 8},                                /* multicast */
};

static bool is_within (const uint8_t *address, const uint8_t *network, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    if (memcmp (address, network, whole) != 0) return false;
    return rest == 0 || (address[whole] ^ network[whole]) >> (8 - rest) == 0;
}

static bool is_private4 (const uint8_t *address)
{
    for (size_t i = 0; i < G_N_ELEMENTS (networks4); i++)
        if (is_within (address, networks4[i].bytes, networks4[i].bits)) return true;
    return false;
}

static bool is_private6 (const struct in6_addr *address)
{
    if (IN6_IS_ADDR_V4MAPPED (address)) return is_private4 (address->s6_addr + 12);
    for (size_t i = 0; i < G_N_ELEMENTS (networks6); i++)
        if (is_within (address->s6_addr, networks6[i].bytes, networks6[i].bits)) return true;
    return false;
}

bool http_address_is_private (const struct sockaddr *address)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    switch (address->sa_family) {
    case AF_INET: memcpy (&in, address, sizeof in); return is_private4 ((const uint8_t *) &in.sin_addr);
    case AF_INET6: memcpy (&in6, address, sizeof in6); return is_private6 (&in6.sin6_addr);
    default: return true;
    }
}

bool http_address_text_is_private (const char *text)
{
    struct in_addr in;
    struct in6_addr in6;
    if (inet_pton (AF_INET, text, &in) == 1) return is_private4 ((const uint8_t *) &in);
    if (inet_pton (AF_INET6, text, &in6) == 1) return is_private6 (&in6);
    return true;
}
