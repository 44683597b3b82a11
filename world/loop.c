/* The epoll loop, and the only place that reads the machine's clocks and its random source. */
#include "world/loop.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "world/world_priv.h"

struct loop_watch {
    struct loop *loop;
    int fd;
    uint32_t events;
    loop_fd_fn *fn;
    void *arg;
    bool freed;
    struct loop_watch *grave_next;
};

struct loop_prepare {
    struct loop *loop;
    loop_prepare_fn *fn;
    void *arg;
    bool removed;                      /* inside a round: swept after it */
    struct loop_prepare *next;
};

struct loop_timer {
    struct loop *loop;
    duration when;                     /* monotonic */
    void (*fn)(void *);
    void *arg;
    struct loop_timer *next;           /* ordered by when */
};

struct loop_signal {
    int fd, signo;
    void (*fn)(void *, int);
    void *arg;
    struct loop_watch *watch;
    struct loop_signal *next;
};

struct loop_child {
    struct loop *loop;
    int fd, pid;
    void (*fn)(void *, int);
    void *arg;
    struct loop_watch *watch;
    struct loop_child *next;
};

struct loop {
    int epfd;
    struct loop_prepare *prepares;
    struct loop_timer *timers;
    struct loop_watch *grave;          /* freed inside a round: their events may still be in hand */
    bool in_round, in_prepares, lively;
    struct loop_signal *signals;
    struct loop_child *children;
};

duration loop_monotonic(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (duration)t.tv_sec * 1000000000 + t.tv_nsec;
}

struct instant loop_wall_clock(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (struct instant){ (int64_t)t.tv_sec * 1000000000 + t.tv_nsec };
}

uint64_t loop_random(void)
{
    uint64_t n;

    if (getrandom(&n, sizeof(n), 0) != (ssize_t)sizeof(n)) {
        perror("dormouse: getrandom");
        abort();
    }
    return n ? n : 1;
}

struct loop *loop_new(void)
{
    struct loop *l = xcalloc(1, sizeof(*l));

    l->epfd = epoll_create1(EPOLL_CLOEXEC);
    if (l->epfd < 0) {
        perror("dormouse: epoll_create1");
        abort();
    }
    return l;
}

static void bury(struct loop *l)
{
    while (l->grave) {
        struct loop_watch *w = l->grave;
        l->grave = w->grave_next;
        free(w);
    }
}

struct loop *loop_free(struct loop *l)
{
    if (!l)
        return NULL;
    while (l->signals) {
        struct loop_signal *s = l->signals;
        l->signals = s->next;
        loop_watch_free(s->watch);
        close(s->fd);
        free(s);
    }
    while (l->children) {
        struct loop_child *c = l->children;
        l->children = c->next;
        loop_watch_free(c->watch);
        close(c->fd);
        free(c);
    }
    while (l->prepares)
        loop_prepare_remove(l->prepares);
    while (l->timers)
        loop_timer_free(l->timers);
    bury(l);
    close(l->epfd);
    free(l);
    return NULL;
}

struct loop_watch *loop_watch_new(struct loop *l, int fd, uint32_t events, loop_fd_fn *fn, void *arg)
{
    struct loop_watch *w = xcalloc(1, sizeof(*w));
    struct epoll_event e = { .events = events, .data.ptr = w };

    *w = (struct loop_watch){ .loop = l, .fd = fd, .events = events, .fn = fn, .arg = arg };
    if (epoll_ctl(l->epfd, EPOLL_CTL_ADD, fd, &e) < 0) {
        perror("dormouse: epoll_ctl");
        abort();
    }
    return w;
}

void loop_watch_set(struct loop_watch *w, uint32_t events)
{
    struct epoll_event e = { .events = events, .data.ptr = w };

    if (w->events == events)
        return;
    w->events = events;
    epoll_ctl(w->loop->epfd, EPOLL_CTL_MOD, w->fd, &e);
}

struct loop_watch *loop_watch_free(struct loop_watch *w)
{
    if (!w)
        return NULL;
    epoll_ctl(w->loop->epfd, EPOLL_CTL_DEL, w->fd, NULL);
    w->freed = true;
    if (w->loop->in_round) {
        w->grave_next = w->loop->grave;
        w->loop->grave = w;
    } else {
        free(w);
    }
    return NULL;
}

struct loop_prepare *loop_prepare_add(struct loop *l, loop_prepare_fn *fn, void *arg)
{
    struct loop_prepare *p = xcalloc(1, sizeof(*p)), **at = &l->prepares;

    *p = (struct loop_prepare){ .loop = l, .fn = fn, .arg = arg };
    while (*at)
        at = &(*at)->next;
    *at = p;
    return p;
}

void loop_prepare_remove(struct loop_prepare *p)
{
    if (!p)
        return;
    p->removed = true;
    if (p->loop->in_prepares)
        return;
    for (struct loop_prepare **at = &p->loop->prepares; *at; at = &(*at)->next) {
        if (*at == p) {
            *at = p->next;
            break;
        }
    }
    free(p);
}

struct loop_timer *loop_timer_new(struct loop *l, duration after, void (*fn)(void *), void *arg)
{
    struct loop_timer *t = xcalloc(1, sizeof(*t)), **at = &l->timers;

    *t = (struct loop_timer){ .loop = l, .when = loop_monotonic() + after, .fn = fn, .arg = arg };
    while (*at && (*at)->when <= t->when)
        at = &(*at)->next;
    t->next = *at;
    *at = t;
    return t;
}

struct loop_timer *loop_timer_free(struct loop_timer *t)
{
    if (!t)
        return NULL;
    for (struct loop_timer **at = &t->loop->timers; *at; at = &(*at)->next) {
        if (*at == t) {
            *at = t->next;
            break;
        }
    }
    free(t);
    return NULL;
}

/* A timer stays the caller's after it fired: its callback usually frees it. One that it sets anew waits
 * for the next round. */
static void fire_timers(struct loop *l)
{
    duration now = loop_monotonic();

    while (l->timers && l->timers->when <= now) {
        struct loop_timer *t = l->timers;
        l->timers = t->next;
        t->next = NULL;
        t->fn(t->arg);
    }
}

int loop_run_prepares(struct loop *l)
{
    int ms = -1;

    l->in_prepares = true;
    for (struct loop_prepare *p = l->prepares; p; p = p->next) {
        int own = p->removed ? -1 : p->fn(p->arg);
        if (own >= 0 && (ms < 0 || own < ms))
            ms = own;
    }
    l->in_prepares = false;
    for (struct loop_prepare *p = l->prepares, *next; p; p = next) {
        next = p->next;
        if (p->removed)
            loop_prepare_remove(p);
    }
    return ms;
}

static int64_t in_ms(duration d)
{
    return d / 1000000 + (d % 1000000 > 0);
}

static int wait_ms(struct loop *l, duration max)
{
    int64_t ms = max < 0 ? -1 : in_ms(max);

    if (l->timers) {
        duration left = l->timers->when - loop_monotonic();
        int64_t own = left > 0 ? in_ms(left) : 0;
        if (ms < 0 || own < ms)
            ms = own;
    }
    return ms > 60000 ? 60000 : (int)ms;
}

/* Waking a machine that has gone to sleep between two requests of one client costs more than the requests do. So
 * after a short wait the next one begins awake, for a moment, giving way to whoever else has work. */
#define AWAKE ((duration)100000)       /* ns */

static int wait_for_events(struct loop *l, struct epoll_event *events, int max, int ms)
{
    duration start;
    int n = epoll_wait(l->epfd, events, max, 0);

    if (n != 0 || ms == 0)
        return n;
    start = loop_monotonic();
    while (l->lively && n == 0 && loop_monotonic() - start < AWAKE) {
        sched_yield();
        n = epoll_wait(l->epfd, events, max, 0);
    }
    if (n == 0)
        n = epoll_wait(l->epfd, events, max, ms);
    l->lively = loop_monotonic() - start < 4 * AWAKE;
    return n;
}

void loop_wait(struct loop *l, duration max)
{
    struct epoll_event events[64];
    int n = wait_for_events(l, events, (int)ARRAY_SIZE(events), wait_ms(l, max));

    l->in_round = true;
    for (int i = 0; i < n; i++) {
        struct loop_watch *w = events[i].data.ptr;
        if (!w->freed)
            w->fn(w->arg, events[i].events);
    }
    l->in_round = false;
    bury(l);
    fire_timers(l);
}

static void on_signal(void *arg, uint32_t events)
{
    struct loop_signal *s = arg;
    struct signalfd_siginfo info;

    while (read(s->fd, &info, sizeof(info)) == sizeof(info))
        s->fn(s->arg, s->signo);
}

int loop_on_signal(struct loop *l, int signo, void (*fn)(void *arg, int signo), void *arg, struct err *e)
{
    struct loop_signal *s;
    sigset_t set;
    int fd;

    sigemptyset(&set);
    if (sigaddset(&set, signo) < 0 || sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return err_set_errno(e, errno, "block signal %d", signo);
    fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0)
        return err_set_errno(e, errno, "signalfd");
    s = xcalloc(1, sizeof(*s));
    *s = (struct loop_signal){ .fd = fd, .signo = signo, .fn = fn, .arg = arg, .next = l->signals };
    s->watch = loop_watch_new(l, fd, EPOLLIN, on_signal, s);
    l->signals = s;
    return 0;
}

/* Out of the list, its descriptor closed; the record is the caller's to free. */
static void child_unlink(struct loop_child *c)
{
    struct loop_child **at = &c->loop->children;

    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    loop_watch_free(c->watch);
    close(c->fd);
}

static void on_child(void *arg, uint32_t events)
{
    struct loop_child *c = arg;
    int status = 0;

    pid_t ended = waitpid(c->pid, &status, WNOHANG);
    if (ended == 0)
        return;
    if (ended < 0)
        status = -1;                              /* somebody else has reaped it */
    child_unlink(c);
    c->fn(c->arg, status);
    free(c);
}

void loop_forget_child(struct loop *l, int pid)
{
    for (struct loop_child *c = l->children; c; c = c->next) {
        if (c->pid == pid) {
            child_unlink(c);
            free(c);
            return;
        }
    }
}

int loop_on_child(struct loop *l, int pid, void (*fn)(void *arg, int status), void *arg, struct err *e)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct loop_child *c;

    if (fd < 0)
        return err_set_errno(e, errno, "watch process %d", pid);
    c = xcalloc(1, sizeof(*c));
    *c = (struct loop_child){ .loop = l, .fd = fd, .pid = pid, .fn = fn, .arg = arg, .next = l->children };
    c->watch = loop_watch_new(l, fd, EPOLLIN, on_child, c);
    l->children = c;
    return 0;
}
