/* SPDX-License-Identifier: Apache-2.0
 *
 * Which addresses a stranger's URL must not lead us to: loopback, link-local (where clouds keep their credentials), private, reserved and
 * multicast networks, and IPv6 networks that only wrap an IPv4 address. An address that is no IP address is private, too.
 */
#pragma once
#include <stdbool.h>
#include <sys/socket.h>

/* address is as large as its family says. */
bool http_address_is_private (const struct sockaddr *address);
/* The same of "127.0.0.1" or "::1". */
bool http_address_text_is_private (const char *text);
