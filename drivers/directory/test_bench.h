/* test_bench.h — a driver on a simulated disk beside a few make-believe Pods, for the tests here.
 *
 * Stories run on a task of the driver's process; what they find wrong is noted and asserted by the test's
 * body afterwards.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "drivers/directory/directory.h"

struct pod {
    const char *name, *uid;            /* in namespace "ns" */
    enum guest_state state;
    int memory;
};

struct bench {
    struct guest_host host;
    struct world *world;
    struct disk *disk;
    struct proc *proc;
    struct snapshot_driver *driver;
    bool blind;
    const char *const *buckets;
    size_t n_buckets;
    struct pod pods[4];
    size_t n_pods;
    struct {
        char uid[64], image[64];
    } offers[16];
    size_t n_offers, want_files;
    void (*story)(struct co *co, struct bench *b, struct arena *a);
    void *arg;                         /* the test's own */
    bool told;                         /* the story came to its end */
    char wrong[512];                   /* the first thing that was */
};

static inline struct pod *pod_by_uid(struct bench *b, const char *uid)
{
    for (size_t i = 0; i < b->n_pods; i++)
        if (streq(b->pods[i].uid, uid))
            return &b->pods[i];
    return NULL;
}

static enum guest_state bench_lookup(struct guest_host *h, const char *namespace, const char *pod,
                                     char ret_uid[64])
{
    struct bench *b = container_of(h, struct bench, host);

    ret_uid[0] = '\0';
    for (size_t i = 0; i < b->n_pods; i++) {
        if (!streq(b->pods[i].name, pod) || !streq(namespace, "ns") || b->pods[i].state == GUEST_ABSENT)
            continue;
        snprintf(ret_uid, 64, "%s", b->pods[i].uid);
        return b->pods[i].state;
    }
    return GUEST_ABSENT;
}

static int bench_freeze(struct guest_host *h, const char *pod_uid, bool frozen)
{
    struct pod *p = pod_by_uid(container_of(h, struct bench, host), pod_uid);

    if (!p || p->state == GUEST_ABSENT)
        return -ERR_NOT_FOUND;
    if (p->state != GUEST_NOT_RUNNING)
        p->state = frozen ? GUEST_FROZEN : GUEST_RUNNING;
    return 0;
}

static int bench_capture(struct guest_host *h, const char *pod_uid, struct buf *ret)
{
    struct pod *p = pod_by_uid(container_of(h, struct bench, host), pod_uid);

    if (!p || p->state != GUEST_FROZEN)
        return -ERR_INVALID;
    buf_printf(ret, "memory of %s: %d", p->uid, p->memory);
    return 0;
}

static void bench_offer(struct guest_host *h, const char *snapshot_uid, const void *image, size_t len)
{
    struct bench *b = container_of(h, struct bench, host);
    size_t i = 0;

    while (i < b->n_offers && !streq(b->offers[i].uid, snapshot_uid))
        i++;
    if (i == ARRAY_SIZE(b->offers))
        return;
    if (i == b->n_offers)
        b->n_offers++;
    snprintf(b->offers[i].uid, sizeof(b->offers[i].uid), "%s", snapshot_uid);
    snprintf(b->offers[i].image, sizeof(b->offers[i].image), "%.*s", (int)len, (const char *)image);
}

static void bench_withdraw(struct guest_host *h, const char *snapshot_uid)
{
    struct bench *b = container_of(h, struct bench, host);

    for (size_t i = 0; i < b->n_offers; i++)
        if (streq(b->offers[i].uid, snapshot_uid))
            b->offers[i] = b->offers[--b->n_offers];
}

static const struct guest_host_ops bench_host_ops = {
    bench_lookup, bench_freeze, bench_capture, bench_offer, bench_withdraw
};

static inline const char *offered(const struct bench *b, const char *uid)
{
    for (size_t i = 0; i < b->n_offers; i++)
        if (streq(b->offers[i].uid, uid))
            return b->offers[i].image;
    return "nothing";
}

static inline void driver_up(struct bench *b)
{
    b->proc = proc_new(b->world, "driver");
    b->driver = directory_driver_new(&(struct directory_driver_options){
        .world = b->world, .disk = b->disk, .guests = b->blind ? NULL : &b->host, .buckets = b->buckets,
        .n_buckets = b->n_buckets });
}

static inline void driver_down(struct bench *b)
{
    proc_kill(b->proc);
    b->driver = driver_free(b->driver);
    b->proc = proc_free(b->proc);
}

static inline struct bench *bench_new(uint64_t seed)
{
    struct bench *b = calloc(1, sizeof(*b));

    b->host.ops = &bench_host_ops;
    b->world = world_new(&(struct world_options){ .mode = WORLD_SIM, .seed = seed });
    b->disk = disk_sim_new(b->world);
    b->n_pods = 4;
    b->pods[0] = (struct pod){ "pod-a", "pod-uid-a", GUEST_RUNNING, 11 };
    b->pods[1] = (struct pod){ "pod-b", "pod-uid-b", GUEST_RUNNING, 22 };
    b->pods[2] = (struct pod){ "pod-f", "pod-uid-f", GUEST_FROZEN, 33 };
    b->pods[3] = (struct pod){ "pod-dead", "pod-uid-dead", GUEST_NOT_RUNNING, 44 };
    driver_up(b);
    return b;
}

static inline void bench_free(struct bench *b)
{
    driver_down(b);
    disk_free(b->disk);
    world_free(b->world);
    free(b);
}

static void bench_run_story(struct co *co, void *arg)
{
    struct bench *b = arg;
    cleanup_arena struct arena *a = arena_new();

    b->story(co, b, a);
    b->told = !co_cancelled(co);
}

/* At most `steps` scheduling steps of it; true: it came to its end. */
static inline bool run_steps(struct bench *b, void (*story)(struct co *, struct bench *, struct arena *),
                             size_t steps)
{
    b->story = story;
    b->told = false;
    co_spawn(b->proc, "story", bench_run_story, b);
    while (steps-- && world_step(b->world, INSTANT_NEVER))
        ;
    return b->told;
}

static inline void run(struct bench *b, void (*story)(struct co *, struct bench *, struct arena *))
{
    bool ended = run_steps(b, story, 1000000);

    if (*b->wrong)
        fail_msg("%s", b->wrong);
    assert_true(ended);
}

static inline void note(struct bench *b, bool ok, const char *fmt, ...) PRINTF(3, 4);
static inline void note(struct bench *b, bool ok, const char *fmt, ...)
{
    va_list args;

    if (ok || *b->wrong)
        return;
    va_start(args, fmt);
    vsnprintf(b->wrong, sizeof(b->wrong), fmt, args);
    va_end(args);
}

/* ---- calls, short ---------------------------------------------------------------------------- */

static inline struct instant soon(struct co *co)
{
    return instant_add(world_now(co_world(co)), DURATION_MIN(5));
}

/* `pod`: 'a', 'b', 'f'...: Pod pod-a with uid pod-uid-a of the Sandbox sandbox-a. */
static inline struct checkpoint_request want(struct arena *a, char pod, const char *id)
{
    return (struct checkpoint_request){
        .sandbox_name = arena_printf(a, "sandbox-%c", pod), .sandbox_namespace = "ns",
        .pod_name = arena_printf(a, "pod-%c", pod), .pod_uid = arena_printf(a, "pod-uid-%c", pod),
        .sandbox_uid = arena_printf(a, "sandbox-uid-%c", pod), .checkpoint_id = id, .node_name = "",
    };
}

static inline enum rpc_code checkpoint(struct co *co, struct bench *b, struct arena *a,
                                       const struct checkpoint_request *q, struct checkpoint_response *r)
{
    struct rpc_status st;

    return driver_checkpoint(co, b->driver, q, soon(co), a, r, &st);
}

static inline enum rpc_code restore(struct co *co, struct bench *b, struct arena *a, const char *uid,
                                    const char *sandbox_uid)
{
    struct restore_request q = { .sandbox_name = "s", .sandbox_namespace = "ns", .snapshot_uid = uid,
                                 .sandbox_uid = sandbox_uid, .pod_name = "p" };
    struct restore_response r;
    struct rpc_status st;

    return driver_restore(co, b->driver, &q, soon(co), a, &r, &st);
}

static inline enum rpc_code delete(struct co *co, struct bench *b, struct arena *a, const char *uid,
                                   const char *id, const char *sandbox_uid)
{
    struct snapshot_delete_request q = { .snapshot_uid = uid, .checkpoint_id = id,
                                         .sandbox_uid = sandbox_uid };
    struct rpc_status st;

    return driver_delete(co, b->driver, &q, soon(co), a, &st);
}

/* Files that hold something of `part` (an id, a uid), or all where it is NULL. */
static inline size_t files_with(struct co *co, struct bench *b, struct arena *a, const char *part)
{
    const char *const *names;
    size_t n, count = 0;

    if (directory_driver_files(co, b->driver, a, &names, &n, NULL) < 0)
        return SIZE_MAX;
    for (size_t i = 0; i < n; i++)
        count += !part || strstr(names[i], part);
    return count;
}

static inline bool listed(struct co *co, struct bench *b, struct arena *a, const char *id)
{
    struct snapshot_list_request q = { .sandbox_uid = "" };
    struct snapshot_list_response r = { 0 };
    struct rpc_status st;

    driver_list(co, b->driver, &q, soon(co), a, &r, &st);
    for (size_t i = 0; i < r.n; i++)
        if (streq(r.v[i].checkpoint_id, id))
            return true;
    return false;
}
