/* SPDX-License-Identifier: Apache-2.0
 *
 * Lets curl act on those connections that have something to say, by epoll: curl_multi_poll asks every one of them each time, so that a
 * few hundred calls to a host that hangs made every other call five times as dear. For http_client.c alone, and but for http_loop_wake all on
 * one thread.
 */
#pragma once
#include <curl/curl.h>

struct http_loop;

/* multi is borrowed, and to be cleaned up before the loop is freed. */
struct http_loop *http_loop_new (CURLM *multi);
void http_loop_free (struct http_loop *loop);
/* Waits until there is something for curl to do, or somebody wakes, and lets curl do it. */
void http_loop_turn (struct http_loop *loop);
/* Any thread. */
void http_loop_wake (struct http_loop *loop);
