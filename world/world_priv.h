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
};

struct stack {
    struct stack *next;                /* in the pool */
    char *base;                        /* lowest usable byte, above the guard page */
    size_t size;
    unsigned valgrind_id;
};

struct proc {
    struct world *world;
    char *name;
    bool dead, killing;
    struct co *cos;
    size_t n_cos;
    struct proc *kill_next;            /* kills that wait for the scheduler */
    bool kill_queued;
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
    uint64_t timer_seq;
    struct co *ready_head, *ready_tail;
    size_t n_ready;
    struct co *running;
    void *scheduler_sp;
    struct proc *kill_queue;
    size_t n_procs;
    struct instant now;                /* simulated, or the virtual clock of a real world */
    duration advanced;
    bool stop;
    size_t external;                   /* open calls to the outside */
    struct loop *loop;
    struct buf trace;
    uint64_t trace_hash, steps;
    struct stack *stack_pool;
    struct arena *arena_pool[16];
    size_t n_arena_pool;
    /* The sanitizers' picture of the scheduler's own stack. */
    const void *scheduler_stack;
    size_t scheduler_stack_size;
    void *fake_stack;
};

/* task.c */
void co_run(struct world *w, struct co *co);     /* resumes it until it suspends or returns */
void co_make_ready(struct co *co);
void stacks_free(struct world *w);
void proc_finish_kills(struct world *w);

/* timer.c */
struct timer *timers_first(const struct world *w);
void timer_fire(struct world *w, struct timer *t);

/* loop.c */
struct loop *loop_new(void);
struct loop *loop_free(struct loop *l);
/* Waits for descriptors and loop timers at most `max` (negative: for ever), then runs their callbacks. */
void loop_wait(struct loop *l, duration max);
duration loop_monotonic(void);
struct instant loop_wall_clock(void);
uint64_t loop_random(void);                      /* not 0 */
