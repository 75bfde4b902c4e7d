/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pulse.h"

#include <stdatomic.h>

struct pulse {
    const char *name;
    atomic_int_fast64_t since; /* when its work began, monotonic; 0: it waits */
};

static GMutex lock;
static GPtrArray *pulses; /* under lock, of struct pulse; their threads free them */

static void end (void *data)
{
    g_mutex_lock (&lock);
    g_ptr_array_remove_fast (pulses, data);
    g_mutex_unlock (&lock);
    g_free (data);
}

static GPrivate own = G_PRIVATE_INIT (end);

void pulse_start (const char *name)
{
    struct pulse *pulse = g_new0 (struct pulse, 1);
    pulse->name = name;
    pulse->since = g_get_monotonic_time ();
    g_mutex_lock (&lock);
    if (!pulses) pulses = g_ptr_array_new ();
    g_ptr_array_add (pulses, pulse);
    g_mutex_unlock (&lock);
    g_private_set (&own, pulse);
}

void pulse_wait (void)
{
    struct pulse *pulse = g_private_get (&own);
    if (pulse) pulse->since = 0;
}

void pulse_work (void)
{
    struct pulse *pulse = g_private_get (&own);
    if (pulse) pulse->since = g_get_monotonic_time ();
}

const char *pulse_hung (int64_t now)
{
    const char *name = NULL;
    g_mutex_lock (&lock);
    for (guint i = 0; !name && pulses && i < pulses->len; i++) {
        struct pulse *pulse = pulses->pdata[i];
        int64_t since = pulse->since;
        if (since && now - since >= PULSE_LIMIT) name = pulse->name;
    }
    g_mutex_unlock (&lock);
    return name;
}
