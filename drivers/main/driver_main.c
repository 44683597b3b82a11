#include "drivers/main/driver_main.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drivers/directory/directory.h"
#include "drivers/remote/remote.h"
#include "drivers/villains/villains.h"
#include "world/loop.h"

#define DRAIN_BOUND DURATION_S(10)

enum { EXIT_STOPPED = 0, EXIT_OPTIONS = 2, EXIT_MACHINE = 3 };

struct driver_main {
    const struct driver_main_options *o;
    struct world *world;
    struct proc *proc;
    struct disk *disk;
    struct snapshot_driver *directory; /* what recovers; inside `driver` if that is a villain */
    struct snapshot_driver *driver;
    struct driver_server *server;
    struct waitq asked;                /* to stop */
    size_t signals;
    int code;
};

static int complain(int code, const char *fmt, ...) PRINTF(2, 3);
static int complain(int code, const char *fmt, ...)
{
    va_list args;

    fputs("dormouse driver: ", stderr);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
    return code;
}

/* ---- before the world ------------------------------------------------------------------------ */

static int check_options(const struct driver_main_options *o)
{
    cleanup_arena struct arena *a = arena_new();
    struct err e = ERR_IN(a);

    if (!o->kind || !streq(o->kind, "directory"))
        return complain(EXIT_OPTIONS, "there is no driver \"%s\"; there is: directory",
                        o->kind ? o->kind : "");
    if (str_empty(o->root))
        return complain(EXIT_OPTIONS, "--root DIR is missing: where the artifacts are kept");
    if (str_empty(o->listen))
        return complain(EXIT_OPTIONS, "--listen is missing: unix:///path or tcp://127.0.0.1:PORT");
    if (grpc_endpoint_check(o->listen, &e) < 0)
        return complain(EXIT_OPTIONS, "--listen: %s", err_message(&e));
    if (o->villain && !villain_find(o->villain))
        return complain(EXIT_OPTIONS, "--villain: nobody is called \"%s\"", o->villain);
    return 0;
}

/* The root is this process's alone: the lock's descriptor, or -1 and the complaint was made. */
static int take_root(const char *root)
{
    cleanup_free char *path = xasprintf("%s/.lock", root);
    int fd;

    if (mkdir(root, 0700) < 0 && errno != EEXIST) {
        complain(EXIT_MACHINE, "%s: %s", root, strerror(errno));
        return -1;
    }
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        complain(EXIT_MACHINE, "%s: %s", path, strerror(errno));
        return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        complain(EXIT_MACHINE, "%s: another driver works on this directory", root);
        close(fd);
        return -1;
    }
    return fd;
}

/* ---- the process ----------------------------------------------------------------------------- */

static void on_signal(void *arg, int signo)
{
    struct driver_main *m = arg;

    if (++m->signals > 1)
        world_stop(m->world);
    waitq_wake_all(&m->asked);
}

static void to_stderr(void *arg, const char *line, size_t len)
{
    fwrite(line, 1, len, stderr);
    if (len == 0 || line[len - 1] != '\n')
        fputc('\n', stderr);
}

/* Recovers, serves, waits to be asked, drains. */
static void serve(struct co *co, void *arg)
{
    struct driver_main *m = arg;
    struct err e = ERR_IN(co_arena(co));

    if (directory_driver_recover(co, m->directory, &e) < 0) {
        m->code = complain(EXIT_MACHINE, "%s: %s", m->o->root, err_message(&e));
        world_stop(m->world);
        return;
    }
    m->server = driver_serve(m->proc, m->driver, m->o->listen, &e);
    if (!m->server) {
        m->code = complain(EXIT_MACHINE, "%s", err_message(&e));
        world_stop(m->world);
        return;
    }
    printf("listening on %s\n", driver_server_endpoint(m->server));
    fflush(stdout);
    while (!m->signals)
        if (waitq_wait(co, &m->asked) < 0)
            return;
    driver_server_stop(m->server);
    driver_server_drain(co, m->server, instant_add(world_now(m->world), DRAIN_BOUND));
    world_stop(m->world);
}

static int start(struct driver_main *m, struct err *e)
{
    struct directory_driver_options o = { .world = m->world, .name = m->o->name, .buckets = m->o->buckets,
                                          .n_buckets = m->o->n_buckets };
    struct loop *loop = world_loop(m->world);

    if (loop_on_signal(loop, SIGTERM, on_signal, m, e) < 0 || loop_on_signal(loop, SIGINT, on_signal, m, e) < 0)
        return -ERR_IO;
    m->disk = disk_posix_new(m->o->root, e);
    if (!m->disk)
        return -ERR_IO;
    o.disk = m->disk;
    m->directory = m->driver = directory_driver_new(&o);
    if (m->o->villain)
        m->driver = villain_new(m->o->villain, m->directory, m->world);
    co_spawn(m->proc, "serve", serve, m);
    return 0;
}

int driver_main_run(const struct driver_main_options *o)
{
    struct world_options wo = { .mode = WORLD_REAL, .trace_sink = o->verbose ? to_stderr : NULL };
    cleanup_arena struct arena *a = arena_new();
    struct err e = ERR_IN(a);
    struct driver_main m = { .o = o };
    int code = check_options(o), lock;

    if (code)
        return code;
    lock = take_root(o->root);
    if (lock < 0)
        return EXIT_MACHINE;
    m.world = world_new(&wo);
    m.proc = proc_new(m.world, "driver");
    if (start(&m, &e) < 0)
        m.code = complain(EXIT_MACHINE, "%s", err_message(&e));
    else
        world_run(m.world);
    proc_kill(m.proc);
    driver_server_free(m.server);
    driver_free(m.driver);
    disk_free(m.disk);
    proc_free(m.proc);
    world_free(m.world);
    close(lock);
    return m.code;
}
