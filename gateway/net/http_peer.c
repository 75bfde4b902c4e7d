/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_private.h"

#include <string.h>
#include <sys/socket.h>

/* So much of what is still coming is dropped before the close: bytes left unread would turn it into a reset, which may overtake the answer. */
#define LEFT_OVER_MAX 262144

bool http_peer_enter (struct http_peer *peer, enum http_phase phase, int64_t time)
{
    atomic_store (&peer->deadline, g_get_monotonic_time () + time);
    int before = atomic_load (&peer->phase);
    while (before != HTTP_OVER && !atomic_compare_exchange_weak (&peer->phase, &before, phase))
        ;
    return before != HTTP_OVER;
}

void http_peer_refuse (const struct http_peer *peer, unsigned status, bool with_body)
{
    const char *title = MHD_get_reason_phrase_for (status);
    g_autofree char *body = g_strdup_printf ("{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%u}", title, status);
    g_autofree char *text = g_strdup_printf (
        "HTTP/1.1 %u %s\r\nConnection: close\r\n%sX-Content-Type-Options: nosniff\r\nContent-Type: application/problem+json\r\n"
        "Content-Length: %zu\r\n\r\n%s",
        status, title, status == 405 ? "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n" : "", strlen (body),
        with_body ? body : "");
    /* nothing was sent for this request, so that little fits; if not, the close says enough */
    ssize_t sent = send (peer->fd, text, strlen (text), MSG_DONTWAIT | MSG_NOSIGNAL), n;
    (void) sent;
    shutdown (peer->fd, SHUT_WR);
    for (size_t dropped = 0; dropped < LEFT_OVER_MAX && (n = recv (peer->fd, NULL, 65536, MSG_DONTWAIT | MSG_TRUNC)) > 0;)
        dropped += (size_t) n;
    shutdown (peer->fd, SHUT_RDWR);
}
