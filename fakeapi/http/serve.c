#include "fakeapi/http/serve.h"

#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "fakeapi/control/control.h"
#include "fakeapi/http/definitions.h"
#include "fakeapi/http/front.h"
#include "fakeapi/http/hook_https.h"
#include "fakeapi/http/kubeconfig.h"
#include "fakeapi/store/commitlog_sqlite.h"
#include "world/loop.h"

enum { SERVE_OK = 0, SERVE_USAGE = 2, SERVE_MACHINE = 3 };

#define COMPACT_EVERY DURATION_S(300)
#define STOP_GRACE DURATION_S(2)
#define STOP_LOOK DURATION_MS(1)       /* how often a stopping server looks whether all is answered */

struct serve {
    const struct serve_options *options;
    struct world *world;
    struct apiserver *apiserver;
    struct cluster *cluster;
    struct control *control;
    struct front *front;
    struct material material;
    struct loop_prepare *durable;
    struct loop_timer *stop_look;
    pid_t parent;
    duration stopping;                 /* for so long already; negative: not */
    bool started;
};

/* ---- stopping --------------------------------------------------------------------------------------- */

static void look_whether_done(void *arg)
{
    struct serve *s = arg;

    s->stop_look = loop_timer_free(s->stop_look);
    s->stopping += STOP_LOOK;
    if (front_busy(s->front) == 0 || s->stopping >= STOP_GRACE) {
        world_stop(s->world);
        return;
    }
    s->stop_look = loop_timer_new(world_loop(s->world), STOP_LOOK, look_whether_done, s);
}

static void on_signal(void *arg, int signo)
{
    struct serve *s = arg;

    if (s->stopping >= 0) {
        world_stop(s->world);
        return;
    }
    s->stopping = 0;
    front_stop(s->front);
    s->stop_look = loop_timer_new(world_loop(s->world), STOP_LOOK, look_whether_done, s);
}

static void on_parent_end(void *arg, int status)
{
    (void)status;
    on_signal(arg, SIGTERM);
}

/* The process, not the thread that started us: a program in Go has many, which come and go. */
static int watch_parent(struct serve *s, struct err *e)
{
    int r = loop_on_child(world_loop(s->world), s->parent, on_parent_end, s, e);

    if (getppid() == s->parent)
        return r;
    on_parent_end(s, 0);               /* it ended before we asked */
    return 0;
}

/* ---- serving ---------------------------------------------------------------------------------------- */

static int handle(struct co *co, void *arg, const struct api_request *q, struct api_reply *ret)
{
    struct serve *s = arg;

    return control_handle(co, s->control, q, ret);
}

static void trace_line(void *arg, const char *line, size_t len)
{
    struct serve *s = arg;

    if (s->control)
        control_trace_line(s->control, line, len);
}

/* Everything that was written in this turn is safe before anybody hears of it. Where that fails nobody may
 * hear of it: what is on the disk is not known any more, and the next start will find out. */
static void make_durable(void *arg)
{
    struct serve *s = arg;
    cleanup_arena struct arena *arena = arena_new();
    struct err e = ERR_IN(arena);

    if (apiserver_sync(s->apiserver, &e) == 0)
        return;
    fprintf(stderr, "dormouse serve: %s: %s\n", s->options->data, err_message(&e));
    _exit(SERVE_MACHINE);
}

/* For those who are not behind HTTP: the controller and the cluster loops. */
static int make_durable_each_turn(void *arg)
{
    make_durable(arg);
    return -1;
}

/* Ten thousand watches are ten thousand descriptors. */
static void raise_file_limit(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

static int start_front(struct serve *s, struct err *e)
{
    const struct serve_options *o = s->options;
    struct front_options fo = { .listen = o->listen ? o->listen : "127.0.0.1:0", .handle = handle, .arg = s,
                                .before_turn = make_durable, .clock_may_stand = o->virtual_time };

    fo.cert_pem = s->material.server.cert_pem;
    fo.key_pem = s->material.server.key_pem;
    fo.client_ca_pem = s->material.client_ca_pem;
    s->front = front_new(s->world, &fo, e);
    if (!s->front)
        return -(int)e->code;
    if (front_is_unix(s->front) && o->kubeconfig_out)
        return err_set(e, ERR_INVALID, "a kubeconfig cannot name a unix socket: listen on HOST:PORT");
    return 0;
}

static int start(struct serve *s, struct err *e)
{
    const struct serve_options *o = s->options;
    struct apiserver_options ao = { .release = o->release, .crds = o->crds ? o->crds : "",
                                    .group_commit = true, .compact_every = COMPACT_EVERY,
                                    .max_inflight = o->max_inflight,
                                    .max_mutating_inflight = o->max_mutating_inflight,
                                    .event_ttl = o->event_ttl, .hook_services = o->hook_services,
                                    .n_hook_services = o->n_hook_services };
    struct cluster_options co = { .loops = o->cluster_loops, .nodes = o->nodes };
    int r = material_make(s->world, &o->tls, &o->auth, o->listen, &s->material, e);

    if (r < 0)
        return r;
    ao.auth = s->material.auth;
    if (o->data)
        ao.log = commitlog_sqlite_new(&(struct commitlog_sqlite_options){ .path = o->data }, e);
    if (ao.log || !o->data) {
        ao.hook_caller = hook_https_new(s->world);
        s->apiserver = apiserver_new(s->world, &ao, e);
    }
    if (!s->apiserver)
        return o->data ? err_wrap(e, -(int)e->code, "%s", o->data) : -(int)e->code;
    s->durable = loop_prepare_add(world_loop(s->world), make_durable_each_turn, s);
    for (size_t i = 0; i < o->n_crd_paths; i++)
        if ((r = definitions_load(s->world, s->apiserver, o->crd_paths[i], e)) < 0)
            return err_wrap(e, -ERR_INVALID, "--crds");
    s->control = control_new(s->world, s->apiserver, o->virtual_time);
    r = start_front(s, e);
    if (r < 0)
        return r;
    if (o->cluster_loops)
        s->cluster = cluster_start(s->world, apiserver_transport(s->apiserver), &co);
    if (o->start) {
        r = o->start(o->arg, s->world, s->apiserver, s->cluster, e);
        s->started = r >= 0;
    }
    return r;
}

static int announce(struct serve *s, struct err *e)
{
    struct kubeconfig k = { .server = front_url(s->front), .ca_pem = s->material.ca_pem,
                            .cert_pem = s->material.admin.cert_pem, .key_pem = s->material.admin.key_pem,
                            .token = s->material.admin_token };
    int r = 0;

    if (s->options->kubeconfig_out)
        r = kubeconfig_write(&k, s->options->kubeconfig_out, e);
    if (r < 0)
        return r;
    r = loop_on_signal(world_loop(s->world), SIGTERM, on_signal, s, e);
    if (r >= 0)
        r = loop_on_signal(world_loop(s->world), SIGINT, on_signal, s, e);
    if (r >= 0 && s->options->exit_with_parent)
        r = watch_parent(s, e);
    if (r < 0)
        return r;
    if (printf("listening on %s\n", front_url(s->front)) < 0 || fflush(stdout) != 0)
        return err_set(e, ERR_IO, "stdout cannot be written");
    return 0;
}

static void tear_down(struct serve *s)
{
    loop_timer_free(s->stop_look);
    loop_prepare_remove(s->durable);
    if (s->apiserver)
        make_durable(s);               /* the last replies may still leave */
    if (s->started && s->options->stop)
        s->options->stop(s->options->arg);
    front_free(s->front);
    cluster_free(s->cluster);
    control_free(s->control);
    apiserver_free(s->apiserver);
    material_release(&s->material);
    world_free(s->world);
}

int serve_process(const struct serve_options *o)
{
    cleanup_arena struct arena *arena = arena_new();
    struct serve s = { .options = o, .stopping = -1, .parent = getppid() };
    struct world_options wo = { .mode = WORLD_REAL, .virtual_time = o->virtual_time, .trace_sink = trace_line,
                                .trace_arg = &s };
    struct err e = ERR_IN(arena);
    int r;

    raise_file_limit();
    s.world = world_new(&wo);
    r = start(&s, &e);
    if (r >= 0)
        r = announce(&s, &e);
    if (r >= 0)
        world_run(s.world);
    tear_down(&s);
    if (r >= 0)
        return SERVE_OK;
    fprintf(stderr, "dormouse serve: %s\n", err_message(&e));
    return r == -ERR_INVALID || r == -ERR_PROTOCOL ? SERVE_USAGE : SERVE_MACHINE;
}
