/* How long the ground floor takes for what everybody does all the time. Not a test: `bench_world` prints. */
#include <stdio.h>

#include "world/disk.h"
#include "world/loop.h"
#include "world/world.h"

static void row(const char *what, uint64_t n, duration took)
{
    printf("%-44s %9.1f ns  %12.0f /s\n", what, (double)took / (double)n, (double)n * 1e9 / (double)took);
}

static void run(struct world *w)
{
    while (world_step(w, INSTANT_NEVER))
        ;
}

static struct world *fifo(struct world_pool *pool)
{
    struct world_options o = { .mode = WORLD_SIM, .replay_then_default = true, .pool = pool };

    return world_new(&o);
}

static void yields(struct co *co, void *arg)
{
    for (uint64_t n = *(uint64_t *)arg; n > 0; n--)
        co_yield(co);
}

static void sleeps(struct co *co, void *arg)
{
    for (uint64_t n = *(uint64_t *)arg; n > 0; n--)
        co_sleep(co, DURATION_MS(1));
}

static void ends(struct co *co, void *arg)
{
}

/* Two switches a step: in and out. Of two tasks one is chosen each time, so a choice is in it. */
static void bench_switch(struct world_pool *pool)
{
    static const struct {
        const char *what;
        co_fn *fn;
        int tasks;
    } rows[] = {
        { "step of the only task (two switches)", yields, 1 },
        { "step of one of two tasks (and a choice)", yields, 2 },
        { "step of one of 1,000 tasks", yields, 1000 },
        { "sleep and wake, the only task", sleeps, 1 },
        { "sleep and wake, one of 1,000 tasks", sleeps, 1000 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct world *w = fifo(pool);
        struct proc *p = proc_new(w, "p");
        uint64_t n = 1000000 / (uint64_t)rows[i].tasks;
        for (int t = 0; t < rows[i].tasks; t++)
            co_spawn(p, "t", rows[i].fn, &n);
        duration start = loop_monotonic();
        run(w);
        row(rows[i].what, world_steps(w), loop_monotonic() - start);
        proc_free(p);
        world_free(w);
    }
}

static void bench_spawn(struct world_pool *pool)
{
    enum { N = 200000 };
    struct world *w = fifo(pool);
    struct proc *p = proc_new(w, "p");
    duration start = loop_monotonic();

    for (int i = 0; i < N; i++) {
        co_spawn(p, "t", ends, NULL);
        world_step(w, INSTANT_NEVER);
    }
    row("spawn a task, run it, bury it", N, loop_monotonic() - start);
    proc_free(p);
    world_free(w);
}

static void bench_worlds(struct world_pool *pool, int tasks, const char *what)
{
    enum { N = 5000 };
    uint64_t naps = 3;
    duration start = loop_monotonic();

    for (int i = 0; i < N; i++) {
        struct world *w = fifo(pool);
        struct proc *p = proc_new(w, "p");
        for (int t = 0; t < tasks; t++)
            co_spawn(p, "t", sleeps, &naps);
        run(w);
        proc_free(p);
        world_free(w);
    }
    row(what, N, loop_monotonic() - start);
}

static void bench_small(struct world_pool *pool)
{
    enum { N = 200000, FEW = 20000 };
    struct world *w = fifo(pool);
    struct disk *d = disk_sim_new(w);
    duration start = loop_monotonic();

    for (int i = 0; i < N; i++)
        world_trace(w, "bench", "claim bound claim=%s sandbox=%d", "default/c1", i);
    row("a line of trace", N, loop_monotonic() - start);
    start = loop_monotonic();
    for (int i = 0; i < N; i++)
        choose(w, CHOICE_PICK, 7, "bench");
    row("a choice", N, loop_monotonic() - start);
    start = loop_monotonic();
    for (int i = 0; i < FEW; i++) {
        int h = disk_open(NULL, d, "f", DISK_WRITE | DISK_CREATE | DISK_TRUNC, NULL);
        disk_write(NULL, d, h, 0, "hello", 5, NULL);
        disk_sync(NULL, d, h, NULL);
        disk_close(d, h);
    }
    row("open, write, sync, close on the simulated disk", FEW, loop_monotonic() - start);
    disk_free(d);
    world_free(w);
}

int main(void)
{
    struct world_pool *pool = world_pool_new();

    bench_switch(pool);
    bench_spawn(pool);
    bench_worlds(NULL, 0, "make and free an empty world");
    bench_worlds(NULL, 10, "a world of ten tasks, its own stacks");
    bench_worlds(pool, 10, "a world of ten tasks, stacks from a pool");
    bench_small(pool);
    world_pool_free(pool);
    return 0;
}
