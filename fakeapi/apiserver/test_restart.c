/* durable.c and event_ttl.c: who waits for the log, what a full disk is called, when history and Events go, and what a
 * restart brings back. */
#include <setjmp.h>
#include <stdio.h>
#include <cmocka.h>

#include "fakeapi/apiserver/apiserver.h"
#include "kube/json.h"
#include "kube/object.h"

#define MAPS "/api/v1/namespaces/default/configmaps"
#define EVENTS "/api/v1/namespaces/default/events"

struct lab {
    struct world *world;
    struct proc *proc;
    struct apiserver *server;
    struct commitlog *log;             /* borrowed by the server */
};

/* One request of a task of its own. */
struct asked {
    struct lab *lab;
    const char *method, *path, *query;
    json_t *body;                      /* owned */
    struct api_reply reply;
    int result;
    bool done;
};

static void ask(struct co *co, void *arg)
{
    struct asked *a = arg;
    struct api_header type = { "Content-Type", "application/json" };
    struct api_request q = { .method = a->method, .path = a->path, .query = a->query, .object = a->body,
                             .headers = &type, .n_headers = a->body ? 1 : 0 };

    a->result = transport_call(co, apiserver_transport(a->lab->server), &q, &a->reply);
    a->done = true;
}

static void run_until_quiet(struct lab *lab)
{
    while (world_step(lab->world, world_now(lab->world)))
        ;
}

static void start(struct asked *a, struct lab *lab, const char *method, const char *path, json_t *body)
{
    *a = (struct asked){ .lab = lab, .method = method, .path = path, .body = body };
    co_spawn(lab->proc, "asked", ask, a);
    run_until_quiet(lab);
}

static void forget(struct asked *a)
{
    json_decref(a->body);
    api_reply_release(&a->reply);
}

/* The status. */
static int call(struct lab *lab, const char *method, const char *path, json_t *body)
{
    struct asked a;

    start(&a, lab, method, path, body);
    assert_true(a.done && a.result == 0);
    int status = a.reply.status;
    forget(&a);
    return status;
}

static json_t *configmap(const char *name)
{
    return json_pack("{s:s, s:s, s:{s:s}}", "apiVersion", "v1", "kind", "ConfigMap", "metadata", "name", name);
}

static void server_up(struct lab *lab, struct commitlog *log, bool group)
{
    struct apiserver_options o = { .crds = "", .bare = true, .log = log, .group_commit = group,
                                   .compact_every = DURATION_S(300), .event_ttl = DURATION_MIN(60) };
    struct err e = { 0 };

    lab->log = log;
    lab->server = apiserver_new(lab->world, &o, &e);
    assert_non_null(lab->server);
}

static void lab_up(struct lab *lab, struct commitlog *log, bool group)
{
    *lab = (struct lab){ .world = world_new(&(struct world_options){ .mode = WORLD_SIM, .seed = 1 }) };
    lab->proc = proc_new(lab->world, "clients");
    server_up(lab, log, group);
}

static void lab_down(struct lab *lab)
{
    proc_kill(lab->proc);
    run_until_quiet(lab);
    proc_free(lab->proc);
    apiserver_free(lab->server);
    world_free(lab->world);
}

static void nothing_is_told_before_it_is_safe(void **state)
{
    struct api_frame frame;
    struct asked watch, write, read;
    struct lab lab;

    lab_up(&lab, commitlog_memory_new(), true);
    start(&watch, &lab, "GET", MAPS, NULL);
    forget(&watch);
    watch = (struct asked){ .lab = &lab, .method = "GET", .path = MAPS, .query = "watch=1&resourceVersion=0" };
    co_spawn(lab.proc, "watch", ask, &watch);
    run_until_quiet(&lab);
    assert_non_null(watch.reply.stream);
    start(&write, &lab, "POST", MAPS, configmap("a"));
    start(&read, &lab, "GET", MAPS "/a", NULL);
    assert_false(write.done);
    assert_false(read.done);           /* it would tell of what may be gone again */
    assert_int_equal(api_stream_poll(watch.reply.stream, &frame), 0);
    assert_int_equal(apiserver_sync(lab.server, NULL), 0);
    run_until_quiet(&lab);
    assert_true(write.done && write.reply.status == 201);
    assert_true(read.done && read.reply.status == 200);
    assert_int_equal(api_stream_poll(watch.reply.stream, &frame), 1);
    assert_string_equal(frame.type, "ADDED");
    json_decref(frame.object);
    forget(&watch);
    forget(&write);
    forget(&read);
    lab_down(&lab);
}

static void each_request_is_safe_by_itself_where_nobody_gathers(void **state)
{
    struct lab lab;

    lab_up(&lab, commitlog_memory_new(), false);
    assert_int_equal(call(&lab, "POST", MAPS, configmap("a")), 201);
    assert_int_equal(store_committed(apiserver_store(lab.server)), store_revision(apiserver_store(lab.server)));
    lab_down(&lab);
}

/* A log that is full from some call on: every write after the server has started. */
struct full_log {
    struct commitlog base;
    struct commitlog *inner;
    bool full;
};

static struct full_log *full_of(struct commitlog *l)
{
    return container_of(l, struct full_log, base);
}

static int full_append(struct commitlog *l, const struct commit *c, struct err *e)
{
    if (full_of(l)->full)
        return err_set(e, ERR_FULL, "full");
    return commitlog_append(full_of(l)->inner, c, e);
}

static int full_sync(struct commitlog *l, struct err *e)
{
    return commitlog_sync(full_of(l)->inner, e);
}

static int full_compact(struct commitlog *l, uint64_t revision, struct err *e)
{
    return commitlog_compact(full_of(l)->inner, revision, e);
}

static int full_load(struct commitlog *l, uint64_t *ret_compacted, commit_fn *each, void *arg, struct err *e)
{
    return commitlog_load(full_of(l)->inner, ret_compacted, each, arg, e);
}

static void full_free(struct commitlog *l)
{
    commitlog_free(full_of(l)->inner);
}

static const struct commitlog_ops full_ops = { .name = "full", .append = full_append, .sync = full_sync,
                                               .compact = full_compact, .load = full_load, .free = full_free };

static void check_refused(struct lab *lab, const char *method, const char *path, json_t *body)
{
    struct asked a;

    start(&a, lab, method, path, body);
    assert_true(a.done);
    assert_int_equal(a.reply.status, 500);
    assert_string_equal(obj_str(a.reply.object, "message"), "etcdserver: mvcc: database space exceeded");
    assert_null(json_object_get(a.reply.object, "reason"));
    forget(&a);
}

static void a_full_disk_is_said_as_etcd_says_it(void **state)
{
    struct full_log log = { .base = { .ops = &full_ops, .appended = 1, .synced = 1 } };
    struct lab lab;

    log.inner = commitlog_memory_new();
    lab_up(&lab, &log.base, false);
    assert_int_equal(call(&lab, "POST", MAPS, configmap("a")), 201);
    uint64_t before = store_revision(apiserver_store(lab.server));
    log.full = true;
    check_refused(&lab, "POST", MAPS, configmap("b"));
    check_refused(&lab, "PUT", MAPS "/a", json_pack("{s:s, s:s, s:{s:s}, s:{s:s}}", "apiVersion", "v1", "kind",
                                                    "ConfigMap", "metadata", "name", "a", "data", "k", "v"));
    check_refused(&lab, "DELETE", MAPS "/a", NULL);
    assert_int_equal(call(&lab, "GET", MAPS "/a", NULL), 200);
    assert_int_equal(store_revision(apiserver_store(lab.server)), before);
    log.full = false;
    assert_int_equal(call(&lab, "DELETE", MAPS "/a", NULL), 200);
    lab_down(&lab);
}

/* C-006: every five minutes what is older than five minutes goes; nothing younger does. */
static void history_goes_after_a_while(void **state)
{
    struct lab lab;
    struct store *s;
    uint64_t first;

    lab_up(&lab, commitlog_none_new(), false);
    s = apiserver_store(lab.server);
    first = store_compacted(s);
    for (int i = 0; i < 3000; i++) {
        cleanup_free char *name = xasprintf("m%d", i);
        assert_int_equal(call(&lab, "POST", MAPS, configmap(name)), 201);
    }
    while (world_step(lab.world, instant_add(SIM_EPOCH, DURATION_S(590))))
        ;
    assert_int_equal(store_compacted(s), first);
    while (world_step(lab.world, instant_add(SIM_EPOCH, DURATION_S(610))))
        ;
    assert_int_equal(store_compacted(s), store_revision(s));
    lab_down(&lab);
}

static json_t *event(const char *name, const char *message)
{
    return json_pack("{s:s, s:s, s:{s:s, s:s}, s:{s:s}, s:s}", "apiVersion", "v1", "kind", "Event", "metadata", "name", name,
                     "namespace", "default", "involvedObject", "namespace", "default", "message", message);
}

static void nothing(void *arg)
{
    (void)arg;
}

/* The clock stands then, though nothing else happens at that moment. */
static void run_until(struct lab *lab, duration since_start)
{
    struct timer moment = { 0 };

    timer_set(lab->world, &moment, instant_add(SIM_EPOCH, since_start), nothing, NULL);
    while (world_step(lab->world, instant_add(SIM_EPOCH, since_start)))
        ;
}

/* B-192 C-111: an hour after its last write an Event is deleted, and watchers see it at the revision of its end. */
static void events_live_an_hour(void **state)
{
    struct asked watch;
    struct api_frame frame;
    struct lab lab;

    lab_up(&lab, commitlog_none_new(), false);
    assert_int_equal(call(&lab, "POST", EVENTS, event("once", "seen")), 201);
    assert_int_equal(call(&lab, "POST", EVENTS, event("again", "seen")), 201);
    watch = (struct asked){ .lab = &lab, .method = "GET", .path = EVENTS,
                            .query = "watch=1&timeoutSeconds=9000&fieldSelector=metadata.name%3Donce" };
    co_spawn(lab.proc, "watch", ask, &watch);
    run_until(&lab, DURATION_MIN(30));
    assert_int_equal(call(&lab, "PUT", EVENTS "/again", event("again", "seen again")), 200);
    run_until(&lab, DURATION_MIN(60) - 1);
    assert_int_equal(call(&lab, "GET", EVENTS "/once", NULL), 200);
    assert_int_equal(api_stream_poll(watch.reply.stream, &frame), 1);
    json_decref(frame.object);
    run_until(&lab, DURATION_MIN(60) + DURATION_S(1));
    assert_int_equal(call(&lab, "GET", EVENTS "/once", NULL), 404);
    assert_int_equal(api_stream_poll(watch.reply.stream, &frame), 1);
    assert_string_equal(frame.type, "DELETED");
    assert_int_equal(atoi(obj_resource_version(frame.object)), store_revision(apiserver_store(lab.server)));
    json_decref(frame.object);
    forget(&watch);
    run_until(&lab, DURATION_MIN(90) - 1);
    assert_int_equal(call(&lab, "GET", EVENTS "/again", NULL), 200);
    run_until(&lab, DURATION_MIN(90) + DURATION_S(1));
    assert_int_equal(call(&lab, "GET", EVENTS "/again", NULL), 404);
    lab_down(&lab);
}

/* B-192: as with etcd's leases, an hour begins anew where the server does. */
static void a_restart_gives_events_another_hour(void **state)
{
    struct commitlog *log = commitlog_memory_new();
    struct lab lab;

    lab_up(&lab, log, false);
    assert_int_equal(call(&lab, "POST", EVENTS, event("kept", "seen")), 201);
    run_until(&lab, DURATION_MIN(50));
    assert_ptr_equal(apiserver_stop(lab.server), log);
    server_up(&lab, log, false);
    run_until(&lab, DURATION_MIN(110) - 1);
    assert_int_equal(call(&lab, "GET", EVENTS "/kept", NULL), 200);
    run_until(&lab, DURATION_MIN(110) + DURATION_S(1));
    assert_int_equal(call(&lab, "GET", EVENTS "/kept", NULL), 404);
    lab_down(&lab);
}

/* C-008: the machine loses power; what comes up again is the same, and goes on from there. */
static void a_restart_goes_on(void **state)
{
    struct commitlog *log = commitlog_memory_new();
    json_auto_t *before = NULL, *after = NULL;
    uint64_t revision, floor;
    struct asked a;
    struct lab lab;

    lab_up(&lab, log, false);
    assert_int_equal(call(&lab, "POST", MAPS, configmap("a")), 201);
    start(&a, &lab, "GET", "/api/v1/namespaces", NULL);
    before = json_incref(a.reply.object);
    forget(&a);
    revision = store_revision(apiserver_store(lab.server));
    floor = store_compacted(apiserver_store(lab.server));
    assert_ptr_equal(apiserver_stop(lab.server), log);
    commitlog_memory_cut(log);
    server_up(&lab, log, false);
    assert_int_equal(store_revision(apiserver_store(lab.server)), revision);
    assert_int_equal(store_compacted(apiserver_store(lab.server)), floor);
    start(&a, &lab, "GET", "/api/v1/namespaces", NULL);
    after = json_incref(a.reply.object);
    forget(&a);
    assert_true(json_same(before, after));
    assert_int_equal(call(&lab, "POST", MAPS, configmap("a")), 409);
    assert_int_equal(call(&lab, "POST", MAPS, configmap("b")), 201);
    assert_int_equal(store_revision(apiserver_store(lab.server)), revision + 1);
    lab_down(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_told_before_it_is_safe),
        cmocka_unit_test(each_request_is_safe_by_itself_where_nobody_gathers),
        cmocka_unit_test(a_full_disk_is_said_as_etcd_says_it),
        cmocka_unit_test(history_goes_after_a_while),
        cmocka_unit_test(events_live_an_hour),
        cmocka_unit_test(a_restart_gives_events_another_hour),
        cmocka_unit_test(a_restart_goes_on),
    };

    json_object_seed(1);
    return cmocka_run_group_tests_name("restart", tests, NULL, NULL);
}
