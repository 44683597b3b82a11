/* process.h — other programs as processes of ours, and the little a program must know of its machine.
 *
 * A child dies with us (PR_SET_PDEATHSIG): nothing is left running behind a run that was killed. Its
 * standard output is a pipe to us, standard error is ours, standard input is empty.
 *
 * These calls block, all of them bounded in real time: they belong to the edges of a run, where
 * something is started or ended, not into tasks that others wait for.
 */
#pragma once

#include "world/buf.h"
#include "world/clock.h"
#include "world/err.h"

struct process;

/* argv ends with NULL; argv[0] is a path. NULL with `e` where it could not be started. */
struct process *process_start(const char *const *argv, struct err *e);
/* The next line of its output, without the newline. -ERR_TIMEOUT, or -ERR_UNAVAILABLE at its end. */
int process_read_line(struct process *p, duration bound, struct buf *ret, struct err *e);
/* True while it has not ended. */
bool process_running(struct process *p);
/* SIGTERM, SIGKILL after `bound`. The exit status as waitpid gives it. */
int process_stop(struct process *p, duration bound);
void process_kill(struct process *p);            /* SIGKILL, and it is gone when this returns */
struct process *process_free(struct process *p); /* kills it if it runs; NULL is fine; returns NULL */

char *process_self(void);                        /* the path of this program; the caller's to free */
char *process_cache_dir(void);                   /* where this user keeps what can be made again; NULL: nowhere */
char *process_find(const char *name);            /* the program of that name in PATH; NULL: none */
uint64_t process_entropy(void);                  /* true chance, for a run's default seed */

/* A fresh private directory under /tmp, and its end with all that is in it. */
char *process_temp_dir(struct err *e);           /* the caller's to free; NULL on error */
void process_remove_dir(const char *path);
