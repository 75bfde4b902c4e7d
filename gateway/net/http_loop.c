/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_loop.h"

#include <errno.h>
#include <glib.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define EVENTS 64
#define NEVER INT64_MAX

struct http_loop {
    CURLM *multi;
    int epoll, waker;
    int64_t due; /* monotonic µs, when curl's next timer ends */
};

static int watch (CURL *easy, curl_socket_t fd, int what, void *data, void *watched)
{
    (void) easy;
    struct http_loop *loop = data;
    struct epoll_event event = {.data.fd = fd};
    if (what == CURL_POLL_REMOVE) return epoll_ctl (loop->epoll, EPOLL_CTL_DEL, fd, &event), 0;
    if (what & CURL_POLL_IN) event.events |= EPOLLIN;
    if (what & CURL_POLL_OUT) event.events |= EPOLLOUT;
    int fault = epoll_ctl (loop->epoll, watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
    g_assert (fault == 0);
    if (!watched) curl_multi_assign (loop->multi, fd, loop);
    return 0;
}

static int set_timer (CURLM *multi, long milliseconds, void *data)
{
    (void) multi;
    struct http_loop *loop = data;
    loop->due = milliseconds < 0 ? NEVER : g_get_monotonic_time () + milliseconds * G_TIME_SPAN_MILLISECOND;
    return 0;
}

struct http_loop *http_loop_new (CURLM *multi)
{
    struct http_loop *loop = g_new0 (struct http_loop, 1);
    loop->multi = multi;
    loop->due = NEVER;
    loop->epoll = epoll_create1 (EPOLL_CLOEXEC);
    loop->waker = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = loop->waker};
    g_assert (loop->epoll >= 0 && loop->waker >= 0 && epoll_ctl (loop->epoll, EPOLL_CTL_ADD, loop->waker, &event) == 0);
    curl_multi_setopt (multi, CURLMOPT_SOCKETFUNCTION, watch);
    curl_multi_setopt (multi, CURLMOPT_SOCKETDATA, loop);
    curl_multi_setopt (multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt (multi, CURLMOPT_TIMERDATA, loop);
    return loop;
}

void http_loop_free (struct http_loop *loop)
{
    if (!loop) return;
    close (loop->epoll);
    close (loop->waker);
    g_free (loop);
}

/* Milliseconds, rounded up. */
static int time_left (const struct http_loop *loop)
{
    if (loop->due == NEVER) return -1;
    int64_t left = (loop->due - g_get_monotonic_time () + G_TIME_SPAN_MILLISECOND - 1) / G_TIME_SPAN_MILLISECOND;
    return (int) CLAMP (left, 0, G_MAXINT32);
}

static void act (struct http_loop *loop, curl_socket_t fd)
{
    int running;
    CURLMcode code = curl_multi_socket_action (loop->multi, fd, 0, &running);
    g_assert (code == CURLM_OK);
}

void http_loop_turn (struct http_loop *loop)
{
    struct epoll_event events[EVENTS];
    int n = epoll_wait (loop->epoll, events, EVENTS, time_left (loop));
    g_assert (n >= 0 || errno == EINTR);
    for (int i = 0; i < n; i++) {
        uint64_t wakes;
        if (events[i].data.fd != loop->waker)
            act (loop, events[i].data.fd);
        else if (read (loop->waker, &wakes, sizeof wakes) < 0)
            g_assert (errno == EAGAIN);
    }
    if (loop->due > g_get_monotonic_time ()) return;
    loop->due = NEVER;
    act (loop, CURL_SOCKET_TIMEOUT);
}

void http_loop_wake (struct http_loop *loop)
{
    uint64_t one = 1;
    ssize_t n = write (loop->waker, &one, sizeof one);
    g_assert (n == sizeof one || errno == EAGAIN);
}
