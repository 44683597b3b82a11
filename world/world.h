/* world.h — all that a program may know of time, chance and concurrency.
 *
 * A world is simulated or real. Simulated: one thread, a virtual clock that jumps to the next timer
 * when nothing else can run, and a scheduler whose every decision is a call of choose(). Real: the
 * same tasks on one epoll loop, with the machine's clock. Code above this floor cannot tell which.
 *
 * Nothing else in the house reads a clock, the environment or a random source (a test greps for it).
 *
 * Rules of use
 *  - A function that takes `struct co *` may suspend the calling task; what was read before the call
 *    may be stale after it. A function without it never suspends. There is no hidden current task.
 *  - Every suspending call returns -ERR_CANCELLED once the task's process is dead, at once and for
 *    ever: the task unwinds, its cleanups run, and it returns. Never drop a suspended stack.
 *  - Same seed, same choices, same bytes. Two worlds share nothing but constants.
 *
 * Promises
 *  (1) A run is a function of (program, options.seed, options.replay): trace, choices and final state.
 *  (2) Timers due at one instant fire in the order they were set, unless choose() says otherwise.
 *  (3) After proc_kill(p) returns or takes effect, no task of p runs again, and all cleanups ran.
 *  (4) Virtual time stands still while a call to the outside (a real socket) is open.
 */
#pragma once

#include "world/arena.h"
#include "world/clock.h"
#include "world/err.h"

struct world;
struct world_pool;
struct proc;
struct co;
struct loop;

/* ---- making a world -------------------------------------------------------------------------- */

enum world_mode { WORLD_SIM, WORLD_REAL };

/* What a choice is about: strategies treat them differently, and a report counts them by kind. */
enum choice_kind {
    CHOICE_RUN,                       /* which runnable task or due timer goes next */
    CHOICE_FAULT,                     /* does a fault happen here, and which; 0 = none */
    CHOICE_DELAY,                     /* how long; 0 = the least */
    CHOICE_PICK,                      /* anything else with equally good answers */
    CHOICE_KINDS
};

struct world_options {
    enum world_mode mode;
    uint64_t seed;                    /* 0 in a real world: drawn from the machine */
    /* Simulated only: the first n_replay choices are taken from here, the rest from the seed (or,
     * with replay_then_default, are 0: the plain FIFO schedule). Borrowed until world_free. */
    const uint32_t *replay;
    size_t n_replay;
    bool replay_then_default;
    /* Where trace lines also go as they are made (stderr of `serve`, say); may be NULL. */
    void (*trace_sink)(void *arg, const char *line, size_t len);
    void *trace_arg;
    bool trace_keep;                  /* keep the lines for world_trace_text(); a simulation wants it */
    bool virtual_time;                /* real only: now() stands still but for world_advance() */
    struct world_pool *pool;          /* borrowed; NULL: the world has its own */
    /* Simulated only, and asked after the replay: the chooser answers instead of the seed. A number
     * beyond n counts modulo n. It may look at world_candidate(); it must not change the world. */
    uint32_t (*chooser)(void *arg, const struct world *w, enum choice_kind kind, uint32_t n,
                        const char *what);
    void *chooser_arg;
};

/* Stacks and scratch memory for worlds that come and go by the thousand: what one gives back the next
 * one takes. Nothing of a run is in it. It must outlive its worlds. */
struct world_pool *world_pool_new(void);
struct world_pool *world_pool_free(struct world_pool *p);       /* NULL is fine; returns NULL */

struct world *world_new(const struct world_options *o);
struct world *world_free(struct world *w);      /* every process must be dead; returns NULL */

bool world_is_sim(const struct world *w);
uint64_t world_seed(const struct world *w);
struct instant world_now(const struct world *w);

/* ---- chance ---------------------------------------------------------------------------------- */

/* A number in [0, n), recorded. n = 1 is not a choice and is not recorded. In the real world always
 * 0, except CHOICE_PICK, which is random there too. `what` names the site in traces; a literal. */
uint32_t choose(struct world *w, enum choice_kind kind, uint32_t n, const char *what);

/* Probability num/den of a fault at this site, as a choice of two. */
bool choose_fault(struct world *w, uint32_t num, uint32_t den, const char *what);

struct choice {
    uint32_t taken, n;
    enum choice_kind kind;
    const char *what;
};
const struct choice *world_choices(const struct world *w, size_t *ret_n);

/* Who would run if a CHOICE_RUN took `i`: a task, or NULL for a timer. Meaningful inside a chooser. The
 * order is fixed: runnable tasks as they became ready, then due timers by (when, order of setting), so
 * that 0, 0, 0... is the plain FIFO schedule. */
const struct co *world_candidate(const struct world *w, uint32_t i);

/* Identity is not chance: uids, name suffixes, tokens. A stream of its own, derived from the seed,
 * so that making one more name does not move a single choice. */
uint64_t world_identity(struct world *w);
void world_uuid(struct world *w, char ret[37]);                 /* version 4 form */

/* ---- processes and tasks --------------------------------------------------------------------- */

/* A process is what crashes together: a controller replica, a driver, the API server. */
struct proc *proc_new(struct world *w, const char *name);
const char *proc_name(const struct proc *p);
struct world *proc_world(const struct proc *p);
bool proc_dead(const struct proc *p);
size_t proc_tasks(const struct proc *p);        /* live ones */

/* A crash, or an orderly stop: every task of it is resumed with -ERR_CANCELLED until it has returned,
 * the youngest first. Called from inside any task (of `p` itself, say), it takes effect when that task
 * next suspends or returns. Idempotent. */
void proc_kill(struct proc *p);
struct proc *proc_free(struct proc *p);         /* must have no task left; NULL is fine; returns NULL */

typedef void co_fn(struct co *co, void *arg);

/* Starts a task: it becomes runnable, it does not run before this returns. `name` is copied. In a dead
 * process it runs cancelled, in the next step. */
struct co *co_spawn(struct proc *p, const char *name, co_fn *fn, void *arg);

struct world *co_world(const struct co *co);
struct proc *co_proc(const struct co *co);
const char *co_name(const struct co *co);
struct arena *co_arena(struct co *co);          /* the current pass's; see co_pass_begin */
char *co_printf(struct co *co, const char *fmt, ...) PRINTF(2, 3);     /* in the pass's arena */
bool co_cancelled(const struct co *co);
struct instant co_now(struct co *co);           /* the time, mixed into the input hash */

/* Each task mixes what it was told (replies, cache reads, times, choices) into a hash: it stands for
 * the task's stack in a state's fingerprint. A pass starts with an empty arena and a fresh hash. */
void co_pass_begin(struct co *co);
void co_input(struct co *co, const void *data, size_t len);
uint64_t co_input_hash(const struct co *co);

/* 0 or -ERR_CANCELLED. */
int co_yield(struct co *co);                    /* runnable again at once, behind the others */
int co_sleep(struct co *co, duration d);
int co_sleep_until(struct co *co, struct instant t);

/* A place to wait. Embed it; init by zeroing or WAITQ_INIT. Waiters wake in the order they came. */
struct waitq {
    struct co *head, *tail;
};
#define WAITQ_INIT { 0 }
/* 0 woken, -ERR_TIMEOUT, -ERR_CANCELLED. Re-check the condition in a loop: waking is a hint. */
int waitq_wait(struct co *co, struct waitq *q);
int waitq_wait_until(struct co *co, struct waitq *q, struct instant deadline);
void waitq_wake_one(struct waitq *q);
void waitq_wake_all(struct waitq *q);

/* ---- timers ---------------------------------------------------------------------------------- */

/* Embedded; zeroed before first use. The callback runs on the scheduler's stack and must not suspend
 * or call proc_kill; waking a task is what it is for. */
struct timer {
    struct world *world;
    struct instant when;
    uint64_t seq;
    size_t slot;                      /* heap position + 1; 0 = not set */
    void (*fire)(void *arg);
    void *arg;
};
void timer_set(struct world *w, struct timer *t, struct instant when, void (*fire)(void *), void *arg);
void timer_cancel(struct timer *t);             /* not set is fine */

/* ---- running --------------------------------------------------------------------------------- */

/* One scheduling step: run one runnable task or fire one due timer (a choice among them). Without
 * any, a simulated world advances the clock to the next timer at or before `limit` and fires it; while
 * an external call is open it waits on the loop instead. False: nothing left to do up to `limit`. */
bool world_step(struct world *w, struct instant limit);

bool world_runnable(const struct world *w);     /* a task is runnable or a timer is due now */
struct instant world_next_timer(const struct world *w);         /* INSTANT_NEVER without one */

/* Real world (also used by `serve`): steps and epoll_wait until world_stop(). */
void world_run(struct world *w);
void world_stop(struct world *w);

/* The epoll loop. In a simulated world it exists for calls to real sockets only. */
struct loop *world_loop(struct world *w);
/* Brackets a wait for a real socket (promise 4). The caller guards it with loop_timer (real time). */
void world_external_begin(struct world *w);
void world_external_end(struct world *w);

/* Virtual time under a test's control in a real world (`serve --time=virtual`): now() stands still
 * except for this. Meaningless otherwise. */
void world_advance(struct world *w, duration d);

/* ---- trace ----------------------------------------------------------------------------------- */

/* One line: "[ 61.000] who        > what happened". Written for a reader; golden tests compare it. */
void world_trace(struct world *w, const char *who, const char *fmt, ...) PRINTF(3, 4);
const char *world_trace_text(struct world *w, size_t *ret_len);  /* all kept lines, borrowed */
uint64_t world_trace_hash(const struct world *w);

/* What the tasks and timers will do next depends on this and on what the tasks share: which tasks
 * there are, where and in which order they wait or run, what each was told since its pass began, and
 * how long each timer has to go. Two worlds of one program that reach equal states by different ways
 * have equal fingerprints. */
uint64_t world_fingerprint(const struct world *w);
uint64_t world_steps(const struct world *w);    /* scheduling steps taken */
