/* world_priv.h — what the files of this folder share. */
#pragma once

#include <signal.h>

#include "world/buf.h"
#include "world/loop.h"
#include "world/world.h"

enum co_state { CO_READY, CO_RUNNING, CO_WAITING, CO_DONE };

struct co {
    struct proc *proc;
    char *name;
    co_fn *fn;
    void *arg;
    void *sp;                          /* where it was left */
    struct stack *stack;
    enum co_state state;
    struct arena *arena;
    uint64_t input_hash;
    struct co *ready_prev, *ready_next;          /* the run queue, in the order of becoming ready */
    struct co *proc_prev, *proc_next;
    struct waitq *waiting_in;
    struct co *wait_prev, *wait_next;
    struct timer timer;
    int wake_reason;                   /* what the wait returns: 0 or -ERR_TIMEOUT */
    void *tsan_fiber;
};

struct stack {
    struct stack *next;                /* in the pool */
    char *base;                        /* lowest usable byte, above the guard page */
    size_t size, guard;
    unsigned valgrind_id;
};

struct world_pool {
    struct stack *stacks;
    size_t n_stacks;
    DYN(struct arena *) arenas;
};

struct proc {
    struct world *world;
    char *name;
    bool dead, killing;
    struct co *cos;                    /* the youngest first */
    size_t n_cos;
    struct proc *kill_next;            /* kills that wait for the scheduler */
    bool kill_queued;
    struct proc *next, *prev;          /* in the world */
};

struct prng {
    uint64_t s[4];
};
void prng_seed(struct prng *p, uint64_t seed);
uint64_t prng_next(struct prng *p);

struct world {
    struct world_options options;
    struct prng chance, identity;
    DYN(struct choice) choices;
    DYN(struct timer *) timers;        /* a heap by (when, seq) */
    DYN(struct timer *) due;           /* scratch of nth_due() */
    size_t n_due;                      /* simulated: timers at or before now */
    uint64_t timer_seq;
    struct co *ready_head, *ready_tail;
    size_t n_ready;
    struct co *running;
    void *scheduler_sp;
    struct proc *kill_queue;
    bool killing;
    struct proc *procs, *last_proc;    /* in the order of proc_new() */
    struct instant now;                /* simulated, or the virtual clock of a real world */
    duration wall_offset;              /* real: wall clock - monotonic clock at the start */
    bool stop;
    size_t external;                   /* open calls to the outside */
    struct loop *loop;
    struct buf trace, line;            /* all that is kept; the one being made */
    uint64_t trace_hash, steps;
    struct world_pool *pool, *own_pool;
    /* The sanitizers' picture of the scheduler's own stack. */
    const void *scheduler_stack;
    size_t scheduler_stack_size;
    void *tsan_scheduler;
};

/* task.c */
void co_run(struct world *w, struct co *co);     /* resumes it until it suspends or returns */
void co_make_ready(struct co *co);
void proc_finish_kills(struct world *w);

/* pool.c */
struct stack *stack_new(size_t size);           /* ends the process where there is no memory for it */
void stack_free(struct stack *s);
struct stack *pool_stack(struct world_pool *p);
void pool_give_stack(struct world_pool *p, struct stack *s);
struct arena *pool_arena(struct world_pool *p);
void pool_give_arena(struct world_pool *p, struct arena *a);

/* timer.c */
struct timer *timers_first(const struct world *w);
bool timer_earlier(const struct timer *a, const struct timer *b);
void timer_fire(struct world *w, struct timer *t);

/* loop.c */
struct loop *loop_new(void);
struct loop *loop_free(struct loop *l);
/* Runs the prepare hooks; how long the loop may sleep on their account, in ms (negative: for ever). What
 * they woke must be looked at before loop_wait(). */
int loop_run_prepares(struct loop *l);
/* Waits for descriptors and loop timers at most `max` (negative: for ever), then runs their callbacks. */
void loop_wait(struct loop *l, duration max);
struct instant loop_wall_clock(void);
uint64_t loop_random(void);                      /* not 0 */
