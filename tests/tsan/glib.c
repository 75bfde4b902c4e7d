/* SPDX-License-Identifier: Apache-2.0
 *
 * Debian's GLib is not built with ThreadSanitizer, and its locks are futexes, so TSan does not see that they order anything and reports
 * races that are none. These stand in front of GLib's own functions in the programs of MODE=tsan and tell it: who lets go of something
 * releases it, who gets hold of it acquires it. GLib does the work as ever.
 */
#include <dlfcn.h>
#include <glib.h>
#include <sanitizer/tsan_interface.h>

/* The next g_… of that name: GLib's own. */
#define REAL(name) \
    static __typeof__ (&(name)) real; \
    if (__atomic_load_n (&real, __ATOMIC_RELAXED) == NULL) { \
        void *found = dlsym (RTLD_NEXT, #name); \
        g_assert (found != NULL); \
        __atomic_store (&real, (__typeof__ (&(name)) *) (void *) &found, __ATOMIC_RELAXED); \
    }

#define LOCK(name, type) \
    void (name) (type * lock) \
    { \
        REAL (name) \
        real (lock); \
        __tsan_acquire (lock); \
    }
#define TRY(name, type) \
    gboolean (name) (type * lock) \
    { \
        REAL (name) \
        gboolean got = real (lock); \
        if (got) __tsan_acquire (lock); \
        return got; \
    }
#define UNLOCK(name, type) \
    void (name) (type * lock) \
    { \
        REAL (name) \
        __tsan_release (lock); \
        real (lock); \
    }

LOCK (g_mutex_lock, GMutex)
TRY (g_mutex_trylock, GMutex)
UNLOCK (g_mutex_unlock, GMutex)
LOCK (g_rec_mutex_lock, GRecMutex)
TRY (g_rec_mutex_trylock, GRecMutex)
UNLOCK (g_rec_mutex_unlock, GRecMutex)
LOCK (g_rw_lock_reader_lock, GRWLock)
UNLOCK (g_rw_lock_reader_unlock, GRWLock)
LOCK (g_rw_lock_writer_lock, GRWLock)
UNLOCK (g_rw_lock_writer_unlock, GRWLock)

void (g_cond_wait) (GCond *cond, GMutex *mutex)
{
    REAL (g_cond_wait)
    __tsan_release (mutex);
    real (cond, mutex);
    __tsan_acquire (mutex);
}

gboolean (g_cond_wait_until) (GCond *cond, GMutex *mutex, gint64 end_time)
{
    REAL (g_cond_wait_until)
    __tsan_release (mutex);
    gboolean signalled = real (cond, mutex, end_time);
    __tsan_acquire (mutex);
    return signalled;
}

void (g_async_queue_push) (GAsyncQueue *queue, gpointer data)
{
    REAL (g_async_queue_push)
    __tsan_release (queue);
    real (queue, data);
}

#define POP(name) \
    gpointer (name) (GAsyncQueue * queue) \
    { \
        REAL (name) \
        gpointer data = real (queue); \
        __tsan_acquire (queue); \
        return data; \
    }
POP (g_async_queue_pop)
POP (g_async_queue_try_pop)

gpointer (g_async_queue_timeout_pop) (GAsyncQueue *queue, guint64 timeout)
{
    REAL (g_async_queue_timeout_pop)
    gpointer data = real (queue, timeout);
    __tsan_acquire (queue);
    return data;
}

/* The last to let go frees: it has to have seen what all others did before. */
#define UNREF(name, type) \
    void (name) (type * object) \
    { \
        REAL (name) \
        if (object != NULL) { \
            __tsan_release (object); \
            __tsan_acquire (object); \
        } \
        real (object); \
    }
UNREF (g_bytes_unref, GBytes)
UNREF (g_ptr_array_unref, GPtrArray)
UNREF (g_hash_table_unref, GHashTable)
UNREF (g_date_time_unref, GDateTime)

gboolean (g_atomic_ref_count_dec) (gatomicrefcount *count)
{
    REAL (g_atomic_ref_count_dec)
    __tsan_release (count);
    __tsan_acquire (count);
    return real (count);
}

/* A pool's work is handed over with its data; what a pool calls lives as long as the program. */
struct pool_call {
    GFunc function;
    gpointer data;
};

static void pool_run (gpointer item, gpointer data)
{
    const struct pool_call *call = data;
    __tsan_acquire (item);
    call->function (item, call->data);
}

GThreadPool *(g_thread_pool_new) (GFunc function, gpointer data, gint max_threads, gboolean exclusive, GError **error)
{
    REAL (g_thread_pool_new)
    struct pool_call *call = g_new (struct pool_call, 1);
    *call = (struct pool_call){function, data};
    return real (pool_run, call, max_threads, exclusive, error);
}

gboolean (g_thread_pool_push) (GThreadPool *pool, gpointer data, GError **error)
{
    REAL (g_thread_pool_push)
    __tsan_release (data);
    return real (pool, data, error);
}
