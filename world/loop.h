/* loop.h — the one epoll loop under real sockets, signals and real time.
 *
 * Callbacks run on the scheduler's stack, between tasks: they do not suspend; they wake tasks, set
 * timers, or feed bytes to a protocol. A watch may be freed from inside its own callback.
 *
 * A loop that had to wait only a moment for its last event waits awake for a tenth of a millisecond before it sleeps.
 */
#pragma once

#include "world/err.h"
#include "world/clock.h"

struct loop;
struct loop_watch;

typedef void loop_fd_fn(void *arg, uint32_t events);            /* EPOLLIN, EPOLLOUT, EPOLLHUP... */

struct loop_watch *loop_watch_new(struct loop *l, int fd, uint32_t events, loop_fd_fn *fn, void *arg);
void loop_watch_set(struct loop_watch *w, uint32_t events);
struct loop_watch *loop_watch_free(struct loop_watch *w);       /* does not close fd; NULL is fine */

/* Runs before every epoll_wait. Returns how long the loop may sleep on its account: 0 not at all,
 * -1 for ever, else milliseconds. libmicrohttpd needs it: a resumed connection wakes no fd. */
typedef int loop_prepare_fn(void *arg);
struct loop_prepare *loop_prepare_add(struct loop *l, loop_prepare_fn *fn, void *arg);
void loop_prepare_remove(struct loop_prepare *p);               /* NULL is fine */

/* Real time, whatever the world's clock says: the guard around a wait for somebody else's process. */
/* It fires once; the handle stays the caller's to free, before or after. */
struct loop_timer *loop_timer_new(struct loop *l, duration after, void (*fn)(void *), void *arg);
struct loop_timer *loop_timer_free(struct loop_timer *t);       /* NULL is fine */

/* Delivers a signal as a callback (blocked and read by signalfd). */
int loop_on_signal(struct loop *l, int signo, void (*fn)(void *arg, int signo), void *arg, struct err *e);

/* A child process's end, by pidfd: `status` as waitpid gives it, or -1 where somebody else reaped it. */
int loop_on_child(struct loop *l, int pid, void (*fn)(void *arg, int status), void *arg, struct err *e);
/* No callback after this, whoever waits for the child then. Not watched is fine. */
void loop_forget_child(struct loop *l, int pid);

/* The machine's own clock, whatever a world's says: for benchmarks. Decisions ask their world. */
duration loop_monotonic(void);
