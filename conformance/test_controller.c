/* The controller over a make-believe cluster: API server, a node, garbage collector, and a driver whose
 * answers the test chooses. Then the same cycle with a crash at every request. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "controller/controller.h"
#include "controller/kinds.h"
#include "fakeapi/apiserver/apiserver.h"
#include "fakeapi/cluster/cluster.h"
#include "kube/client.h"
#include "kube/object.h"

/* ---- a driver that does as it is told --------------------------------------------------------- */

struct artifact {
    char uid[64], id[64], sandbox_uid[64];
};

struct driver {
    struct snapshot_driver base;
    struct lab *lab;
    struct proc *proc;
    DYN(struct artifact) artifacts;
    DYN(char *) tombstones;
    enum rpc_code next_checkpoint, next_restore, next_delete;      /* answered once, without effect */
    bool keep_failing, empty_uid, refuse_metadata;
    const char *restore_key, *restore_value;
    duration takes;
    unsigned serial;
    unsigned checkpoints, restores, deletes, freezes, unfreezes, out, most_out;
    char last_parameters[256];         /* of the last Checkpoint or Restore */
};

/* One controller process. */
struct replica {
    struct proc *proc;
    struct controllers *controllers;
};

struct lab {
    struct world *world;
    struct apiserver *server;
    struct cluster *cluster;
    struct proc *user;
    struct client *client;
    struct transport link;             /* what the controller speaks through */
    struct transport *direct;
    struct replica control;
    struct replica rivals[2];          /* of the story about the lease */
    struct driver driver;
    struct driver_entry entry;
    struct instant until;
    char story[8192];                  /* what the controller asked for, in order */
    unsigned requests, crash_at;       /* kill the controller at this request (1 ...); 0: never */
    bool crash_after, crashed;
    const char *fail_path;             /* requests whose "METHOD path" holds this ... */
    int fail_times;                    /* ... are answered 500 so many times */
    bool unready;                      /* the node starts Pods that do not become Ready */
    uint64_t seed;
    duration lag;
};

static void tell(struct lab *l, const char *fmt, ...) PRINTF(2, 3);
static void tell(struct lab *l, const char *fmt, ...)
{
    size_t at = strlen(l->story);
    va_list args;

    va_start(args, fmt);
    vsnprintf(l->story + at, sizeof(l->story) - at, fmt, args);
    va_end(args);
}

/* The n-th thing that leaves the controller: does it die here? */
static bool dies_here(struct lab *l, bool after)
{
    if (!l->crash_at || l->requests != l->crash_at || l->crash_after != after || l->crashed)
        return false;
    l->crashed = true;
    proc_kill(l->control.proc);
    return true;
}

static struct driver *driver_of(struct snapshot_driver *d)
{
    return container_of(d, struct driver, base);
}

static enum rpc_code drv_info(struct co *co, struct snapshot_driver *d, struct instant deadline,
                              struct arena *a, struct driver_info *ret, struct rpc_status *st)
{
    *ret = (struct driver_info){ "test.driver", "1", DRIVER_CHECKPOINT_RESTORE |
                                 DRIVER_IDEMPOTENT_CHECKPOINT | DRIVER_FREEZE };
    return rpc_ok(st);
}

/* Time passes inside the call; in the middle the controller may die. */
static int drv_enter(struct co *co, struct driver *d, unsigned *count, const char *what, const char *id)
{
    struct lab *l = d->lab;

    l->requests++;
    tell(l, "%s %s\n", what, id);
    if (dies_here(l, false))
        return -ERR_CANCELLED;
    (*count)++;
    d->out++;
    d->most_out = d->out > d->most_out ? d->out : d->most_out;
    return 0;
}

static int drv_leave(struct co *co, struct driver *d)
{
    d->out--;
    if (dies_here(d->lab, true))
        return -ERR_CANCELLED;
    return co_cancelled(co) ? -ERR_CANCELLED : 0;
}

static struct artifact *artifact_by_id(struct driver *d, const char *id)
{
    for (size_t i = 0; i < d->artifacts.n; i++)
        if (streq(d->artifacts.v[i].id, id))
            return &d->artifacts.v[i];
    return NULL;
}

static void keep_parameters(struct driver *d, const struct kvmap *m)
{
    d->last_parameters[0] = 0;
    for (size_t i = 0; i < m->n; i++)
        snprintf(d->last_parameters + strlen(d->last_parameters),
                 sizeof(d->last_parameters) - strlen(d->last_parameters), "%s=%s ", m->v[i].key,
                 m->v[i].value);
}

static enum rpc_code drv_checkpoint(struct co *co, struct snapshot_driver *base,
                                    const struct checkpoint_request *q, struct instant deadline,
                                    struct arena *a, struct checkpoint_response *ret, struct rpc_status *st)
{
    struct driver *d = driver_of(base);
    struct artifact *made;
    enum rpc_code code = d->next_checkpoint;

    if (drv_enter(co, d, &d->checkpoints, "Checkpoint", "") < 0)
        return rpc_fail(a, st, RPC_CANCELLED, "cancelled");
    if (!d->keep_failing)
        d->next_checkpoint = RPC_OK;
    if (d->takes && instant_sub(deadline, world_now(d->lab->world)) < d->takes) {
        co_sleep_until(co, deadline);
        code = RPC_DEADLINE_EXCEEDED;
    } else if (d->takes) {
        co_sleep(co, d->takes);
    }
    made = artifact_by_id(d, q->checkpoint_id);
    if (!made && (code == RPC_OK || code == RPC_DEADLINE_EXCEEDED)) {
        made = dyn_push(&d->artifacts);
        snprintf(made->uid, sizeof(made->uid), "snap-%u", ++d->serial);
        snprintf(made->id, sizeof(made->id), "%s", q->checkpoint_id);
        snprintf(made->sandbox_uid, sizeof(made->sandbox_uid), "%s", q->sandbox_uid);
    }
    if (drv_leave(co, d) < 0)
        return rpc_fail(a, st, RPC_CANCELLED, "cancelled");
    if (code != RPC_OK)
        return rpc_fail(a, st, code, "as told");
    keep_parameters(d, &q->parameters);
    *ret = (struct checkpoint_response){ .snapshot_uid = d->empty_uid ? "" : arena_strdup(a, made->uid),
                                         .size_bytes = 5 };
    return rpc_ok(st);
}

static enum rpc_code drv_restore(struct co *co, struct snapshot_driver *base, const struct restore_request *q,
                                 struct instant deadline, struct arena *a, struct restore_response *ret,
                                 struct rpc_status *st)
{
    struct driver *d = driver_of(base);
    enum rpc_code code = d->next_restore;
    struct kv *kv = arena_alloc(a, sizeof(*kv));

    if (drv_enter(co, d, &d->restores, "Restore", q->snapshot_uid) < 0)
        return rpc_fail(a, st, RPC_CANCELLED, "cancelled");
    if (!d->keep_failing)
        d->next_restore = RPC_OK;
    if (d->takes)
        co_sleep(co, d->takes);
    if (drv_leave(co, d) < 0)
        return rpc_fail(a, st, RPC_CANCELLED, "cancelled");
    if (code != RPC_OK)
        return rpc_fail(a, st, code, "as told");
    keep_parameters(d, &q->parameters);
    *kv = (struct kv){ d->restore_key ? d->restore_key : "annotation/test.driver/restored",
                       d->restore_value ? d->restore_value : "yes" };
    ret->restore_metadata = (struct kvmap){ kv, 1 };
    return rpc_ok(st);
}

static enum rpc_code drv_delete(struct co *co, struct snapshot_driver *base,
                                const struct snapshot_delete_request *q, struct instant deadline,
                                struct arena *a, struct rpc_status *st)
{
    struct driver *d = driver_of(base);
    enum rpc_code code = d->next_delete;

    if (drv_enter(co, d, &d->deletes, "Delete", *q->snapshot_uid ? q->snapshot_uid : "id") < 0)
        return rpc_fail(a, st, RPC_CANCELLED, "cancelled");
    if (!d->keep_failing)
        d->next_delete = RPC_OK;
    for (size_t i = 0; code == RPC_OK && i < d->artifacts.n;) {
        struct artifact *x = &d->artifacts.v[i];
        if (streq(x->uid, q->snapshot_uid) || (*q->checkpoint_id && streq(x->id, q->checkpoint_id)))
            d->artifacts.v[i] = d->artifacts.v[--d->artifacts.n];
        else
            i++;
    }
    if (drv_leave(co, d) < 0)
        return rpc_fail(a, st, RPC_CANCELLED, "cancelled");
    return code == RPC_OK ? rpc_ok(st) : rpc_fail(a, st, code, "as told");
}

static enum rpc_code drv_freeze(struct co *co, struct snapshot_driver *base, const struct freeze_request *q,
                                struct instant deadline, struct arena *a, struct rpc_status *st)
{
    struct driver *d = driver_of(base);

    if (drv_enter(co, d, &d->freezes, "Freeze", q->pod_name) < 0 || drv_leave(co, d) < 0)
        return rpc_fail(a, st, RPC_CANCELLED, "cancelled");
    return rpc_ok(st);
}

static enum rpc_code drv_unfreeze(struct co *co, struct snapshot_driver *base, const struct freeze_request *q,
                                  struct instant deadline, struct arena *a, struct rpc_status *st)
{
    struct driver *d = driver_of(base);

    if (drv_enter(co, d, &d->unfreezes, "Unfreeze", q->pod_name) < 0 || drv_leave(co, d) < 0)
        return rpc_fail(a, st, RPC_CANCELLED, "cancelled");
    return rpc_ok(st);
}

static const struct snapshot_driver_ops driver_ops = {
    .name = "told", .get_info = drv_info, .checkpoint = drv_checkpoint, .restore = drv_restore,
    .remove = drv_delete, .freeze = drv_freeze, .unfreeze = drv_unfreeze,
};

/* ---- the link between controller and server --------------------------------------------------- */

static bool is_write(const struct api_request *q)
{
    return !streq(q->method, "GET") && !strstr(q->path, "/events") && !strstr(q->path, "/leases");
}

static json_t *server_error(void)
{
    return json_pack("{s:s, s:s, s:{}, s:s, s:s, s:s, s:i}", "kind", "Status", "apiVersion", "v1", "metadata",
                     "status", "Failure", "message", "told to fail", "reason", "InternalError", "code", 500);
}

static int link_call(struct co *co, struct transport *t, const struct api_request *q, struct api_reply *ret)
{
    struct lab *l = container_of(t, struct lab, link);
    cleanup_free char *what = xasprintf("%s %s", q->method, q->path);
    const char *short_path = strrchr(q->path, '/') ? strrchr(q->path, '/') + 1 : q->path;
    int r;

    if (l->fail_times && strstr(what, l->fail_path)) {
        l->fail_times--;
        *ret = (struct api_reply){ .status = 500, .object = server_error(), .arena = arena_new() };
        return co_yield(co);
    }
    if (!is_write(q))
        return transport_call(co, l->direct, q, ret);
    l->requests++;
    tell(l, "%s %s\n", q->method, strstr(q->path, "/namespaces/default/") ? strstr(q->path, "/namespaces/default/") +
         strlen("/namespaces/default/") : short_path);
    if (dies_here(l, false))
        return -ERR_CANCELLED;
    r = transport_call(co, l->direct, q, ret);
    if (r == 0 && dies_here(l, true)) {
        api_reply_release(ret);
        return -ERR_CANCELLED;
    }
    return r;
}

static const struct transport_ops link_ops = { .name = "test link", .call = link_call };

/* ---- a node of a few lines: every Pod runs at once, and goes when it is told to ------------------ */

static void node_sync(struct co *co, struct lab *l, const json_t *pod)
{
    struct objref ref = { &kind_pod, obj_namespace(pod), obj_name(pod) };
    struct apierr err = APIERR_IN(co_arena(co));
    struct delete_options now = { .grace_s = 0, .uid = obj_uid(pod) };
    json_auto_t *binding = json_pack("{s:s, s:s, s:{s:s}, s:{s:s, s:s}}", "apiVersion", "v1", "kind", "Binding",
        "metadata", "name", obj_name(pod), "target", "kind", "Node", "name", "node-1");
    json_auto_t *status = json_pack("{s:{s:s, s:s, s:[{s:s}], s:[{s:s, s:s}, {s:s, s:s}]}}", "status",
        "phase", "Running", "podIP", "10.0.0.1", "podIPs", "ip", "10.0.0.1", "conditions",
        "type", "PodScheduled", "status", "True", "type", "Ready", "status", l->unready ? "False" : "True");

    if (obj_is_deleting(pod)) {
        client_delete(co, l->client, &ref, &now, &err);
    } else if (!streq(obj_str(pod, "status.phase"), "Running")) {
        if (!*obj_str(pod, "spec.nodeName"))
            client_post(co, l->client, &ref, "binding", binding, NULL, &err);
        client_patch(co, l->client, &ref, "status", PATCH_MERGE, status, NULL, &err);
    }
}

static void node_run(struct co *co, void *arg)
{
    struct lab *l = arg;

    while (co_sleep(co, DURATION_MS(400)) == 0) {
        struct apierr err;
        json_auto_t *list = NULL;
        const json_t *pod;
        size_t i;
        co_pass_begin(co);
        err = APIERR_IN(co_arena(co));
        if (client_list(co, l->client, &kind_pod, NULL, NULL, &list, &err) == 0)
            json_array_foreach (json_object_get(list, "items"), i, pod)
                node_sync(co, l, pod);
    }
}

/* ---- the laboratory --------------------------------------------------------------------------- */

static void lab_run(struct lab *l, duration d)
{
    l->until = instant_add(l->until, d);
    while (world_step(l->world, l->until))
        ;
}

static void replica_start(struct lab *l, struct replica *r, const char *name, struct transport *link,
                          const struct controller_options *o)
{
    r->proc = proc_new(l->world, name);
    r->controllers = controller_start(l->world, r->proc, link, o);
}

/* None was started: nothing to end. */
static void replica_end(struct lab *l, struct replica *r)
{
    if (!r->proc)
        return;
    proc_kill(r->proc);
    while (proc_tasks(r->proc) && world_step(l->world, l->until))
        ;
    r->controllers = controller_free(r->controllers);
    r->proc = proc_free(r->proc);
}

static void start_controller(struct lab *l)
{
    struct controller_options o = { .drivers = &l->entry, .n_drivers = 1, .sandbox_workers = 3, .lag = l->lag };

    replica_start(l, &l->control, "controller", &l->link, &o);
}

static void stop_controller(struct lab *l)
{
    replica_end(l, &l->control);
    l->driver.out = 0;
}

static void restart_controller(struct lab *l)
{
    stop_controller(l);
    start_controller(l);
}

static void lab_up(struct lab *l)
{
    struct world_options wo = { .mode = WORLD_SIM, .seed = l->seed, .replay_then_default = l->seed == 0,
                                .trace_keep = true };
    struct apiserver_options so = { .crds = "agent-sandbox", .bare = true };
    struct cluster_options co = { .loops = CLUSTER_GC | CLUSTER_VOLUME };
    struct err e = { 0 };

    l->world = world_new(&wo);
    l->until = world_now(l->world);
    l->server = apiserver_new(l->world, &so, &e);
    assert_non_null(l->server);
    l->direct = apiserver_transport(l->server);
    l->link.ops = &link_ops;
    l->user = proc_new(l->world, "user");
    l->client = client_new(l->user, l->direct, "user");
    l->cluster = cluster_start(l->world, l->direct, &co);
    co_spawn(l->user, "node", node_run, l);
    l->driver.base.ops = &driver_ops;
    l->driver.lab = l;
    l->entry = (struct driver_entry){ "test.driver", &l->driver.base };
    start_controller(l);
    lab_run(l, DURATION_S(5));
}

static void lab_down(struct lab *l)
{
    stop_controller(l);
    for (size_t i = 0; i < ARRAY_SIZE(l->rivals); i++)
        replica_end(l, &l->rivals[i]);
    proc_kill(l->user);
    while (proc_tasks(l->user) && world_step(l->world, INSTANT_NEVER))
        ;
    client_free(l->client);
    proc_free(l->user);
    cluster_free(l->cluster);
    transport_free(l->direct);
    apiserver_free(l->server);
    dyn_release(&l->driver.artifacts);
    world_free(l->world);
}

/* ---- the user ----------------------------------------------------------------------------------- */

struct ask {
    struct lab *l;
    const char *verb;
    const struct resource *rs;
    const char *name, *body, *sub;
    json_t *reply;
    int r;
    char message[256];
    bool done;
};

static void ask_task(struct co *co, void *arg)
{
    struct ask *a = arg;
    struct apierr err = APIERR_IN(co_arena(co));
    struct objref ref = { a->rs, a->rs->namespaced ? "default" : NULL, a->name };
    json_auto_t *body = a->body ? json_parse_str(a->body) : NULL;

    if (streq(a->verb, "get"))
        a->r = client_get(co, a->l->client, &ref, &a->reply, &err);
    else if (streq(a->verb, "create"))
        a->r = client_create(co, a->l->client, a->rs, body, &a->reply, &err);
    else if (streq(a->verb, "patch"))
        a->r = client_patch(co, a->l->client, &ref, a->sub, PATCH_MERGE, body, &a->reply, &err);
    else if (streq(a->verb, "list"))
        a->r = client_list(co, a->l->client, a->rs, ref.namespace, NULL, &a->reply, &err);
    else
        a->r = client_delete(co, a->l->client, &ref, NULL, &err);
    if (a->r < 0 && err.message)
        snprintf(a->message, sizeof(a->message), "%s", err.message);
    a->done = true;
}

static json_t *ask(struct lab *l, const char *verb, const struct resource *rs, const char *name,
                   const char *body)
{
    struct ask a = { .l = l, .verb = verb, .rs = rs, .name = name, .body = body };

    co_spawn(l->user, "ask", ask_task, &a);
    while (!a.done && world_step(l->world, INSTANT_NEVER))
        ;
    assert_true(a.done);
    if (a.r < 0 && !apierr_is(a.r, APIERR_NOT_FOUND))
        fail_msg("%s %s %s: %s", verb, rs->plural, name ? name : "", a.message);
    return a.reply;
}

static void create(struct lab *l, const struct resource *rs, const char *body)
{
    json_decref(ask(l, "create", rs, NULL, body));
}

static void patch(struct lab *l, const struct resource *rs, const char *name, const char *body)
{
    json_decref(ask(l, "patch", rs, name, body));
}

static void delete(struct lab *l, const struct resource *rs, const char *name)
{
    json_decref(ask(l, "delete", rs, name, NULL));
}

static void expect_none(struct lab *l, const struct resource *rs, const char *name)
{
    json_auto_t *found = ask(l, "get", rs, name, NULL);

    assert_null(found);
}

static void expect_count(struct lab *l, const struct resource *rs, size_t n)
{
    json_auto_t *all = ask(l, "list", rs, NULL, NULL);

    assert_int_equal(obj_count(all, "items"), n);
}

static const char *condition(struct lab *l, json_t *o, const char *type, char ret[128])
{
    const json_t *c = obj_condition(o, type);

    snprintf(ret, 128, "%s/%s", obj_str(c, "status"), obj_str(c, "reason"));
    return ret;
}

static void expect_state(struct lab *l, const char *suspended, const char *ready)
{
    json_auto_t *s = ask(l, "get", &kind_sandbox, "s", NULL);
    char text[128];

    assert_string_equal(condition(l, s, "Suspended", text), suspended);
    assert_string_equal(condition(l, s, "Ready", text), ready);
}

static json_t *sandbox(struct lab *l)
{
    return ask(l, "get", &kind_sandbox, "s", NULL);
}

static json_t *pod(struct lab *l)
{
    return ask(l, "get", &kind_pod, "s", NULL);
}

#define MAKE_NAMED(name, spec)                                                                          \
    "{\"apiVersion\":\"agents.x-k8s.io/v1beta1\",\"kind\":\"Sandbox\",\"metadata\":{\"name\":\"" name "\"," \
    "\"namespace\":\"default\"},\"spec\":{\"podTemplate\":{\"spec\":{\"containers\":[{\"name\":\"a\","   \
    "\"image\":\"i\"}]}}" spec "}}"
#define MAKE(spec) MAKE_NAMED("s", spec)
#define HIBERNATE ",\"suspensionStrategy\":{\"type\":\"Hibernate\",\"hibernate\":{}}"
#define SLEEP "{\"spec\":{\"operatingMode\":\"Suspended\"}}"
#define WAKE "{\"spec\":{\"operatingMode\":\"Running\"}}"
#define READY "True/DependenciesReady"
#define NOT_SUSPENDED "False/NotSuspended"
#define ASLEEP "True/PodTerminated"
#define SUSPENDED "False/SandboxSuspended"

static void create_class(struct lab *l)
{
    create(l, &kind_snapshot_class,
           "{\"apiVersion\":\"agents.x-k8s.io/v1beta1\",\"kind\":\"SnapshotClass\",\"metadata\":{\"name\":\"c\","
           "\"annotations\":{\"snapshotclass.agents.x-k8s.io/is-default-class\":\"true\"}},"
           "\"provisioner\":\"test.driver\",\"parameters\":{\"k\":\"v\"}}");
}

/* `metadata`: what it has beside name and namespace, or "". */
static void create_pod(struct lab *l, const char *name, const char *metadata)
{
    cleanup_free char *body = xasprintf("{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"%s\","
        "\"namespace\":\"default\"%s%s},\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"i\"}]}}",
        name, *metadata ? "," : "", metadata);

    create(l, &kind_pod, body);
}

static void create_pod_of(struct lab *l, const json_t *owner, const char *name)
{
    cleanup_free char *metadata = xasprintf("\"ownerReferences\":[{\"apiVersion\":\"agents.x-k8s.io/v1beta1\","
        "\"kind\":\"Sandbox\",\"name\":\"%s\",\"uid\":\"%s\",\"controller\":true}]", obj_name(owner), obj_uid(owner));

    create_pod(l, name, metadata);
}

/* ---- what most stories are made of: one Sandbox, "s" --------------------------------------------- */

/* The user changes it, and time passes. */
static void change(struct lab *l, const char *body, duration time)
{
    patch(l, &kind_sandbox, "s", body);
    lab_run(l, time);
}

static void sandbox_comes_up(struct lab *l, const char *body)
{
    create(l, &kind_sandbox, body);
    lab_run(l, DURATION_S(30));
    expect_state(l, NOT_SUSPENDED, READY);
}

/* One whose sleep is a snapshot in the default class. */
static void hibernatable_sandbox_comes_up(struct lab *l)
{
    create_class(l);
    sandbox_comes_up(l, MAKE(HIBERNATE));
}

static void sandbox_falls_asleep(struct lab *l)
{
    change(l, SLEEP, DURATION_S(60));
    expect_state(l, ASLEEP, SUSPENDED);
}

static void sandbox_wakes_up(struct lab *l)
{
    change(l, WAKE, DURATION_S(60));
    expect_state(l, NOT_SUSPENDED, READY);
}

/* Whether `first` stands in the story before `then`, both once at least. */
static void in_order(struct lab *l, const char *first, const char *then)
{
    const char *a = strstr(l->story, first), *b = strstr(l->story, then);

    if (!a || !b || a > b)
        fail_msg("\"%s\" does not come before \"%s\" in\n%s", first, then, l->story);
}

static unsigned times(struct lab *l, const char *what)
{
    unsigned n = 0;

    for (const char *p = l->story; (p = strstr(p, what)) != NULL; p++)
        n++;
    return n;
}

/* ---- the stories: each has a laboratory of its own ------------------------------------------------ */

static int story_begins(void **state)
{
    struct lab *l = xcalloc(1, sizeof(*l));

    lab_up(l);
    *state = l;
    return 0;
}

static int story_ends(void **state)
{
    lab_down(*state);
    free(*state);
    return 0;
}

static void a_sandbox_comes_up(void **state)     /* SBX-010 SBX-020 SBX-060 SBX-075 SBX-080 SUS-007 */
{
    struct lab *l = *state;
    json_auto_t *s = NULL, *p = NULL, *service = NULL;

    sandbox_comes_up(l, MAKE(",\"service\":true"));
    s = sandbox(l);
    p = pod(l);
    service = ask(l, "get", &kind_service, "s", NULL);
    assert_true(obj_controlled_by(p, s));
    assert_non_null(service);
    assert_string_equal(obj_annotation(s, "agents.x-k8s.io/pod-name"), "s");
    assert_string_equal(obj_str(s, "status.serviceFQDN"), "s.default.svc.cluster.local");
    assert_string_equal(obj_str(s, "status.selector"), "agents.x-k8s.io/sandbox-name-hash=f60c4582");
    assert_int_equal(obj_count(s, "status.podIPs"), 1);
    assert_true(*obj_str(s, "status.nodeName"));
    assert_int_equal(times(l, "POST pods"), 1);
    l->story[0] = 0;
    restart_controller(l);                        /* SBX-133: a converged object and a fresh process */
    lab_run(l, DURATION_S(600));
    assert_string_equal(l->story, "");
}

static void stop_and_start(void **state)         /* SUS-013 SUS-014 SUS-016 SUS-025 SUS-036 */
{
    struct lab *l = *state;
    json_auto_t *s = NULL;

    sandbox_comes_up(l, MAKE(""));
    l->story[0] = 0;
    sandbox_falls_asleep(l);
    assert_int_equal(times(l, "DELETE pods/s"), 1);
    s = sandbox(l);
    assert_null(obj_annotation(s, "agents.x-k8s.io/pod-name"));
    assert_true(*obj_str(s, "status.selector"));
    assert_int_equal(obj_count(s, "status.podIPs"), 0);
    assert_int_equal(obj_count(s, "metadata.finalizers"), 0);
    sandbox_wakes_up(l);
    assert_int_equal(l->driver.checkpoints + l->driver.restores + l->driver.deletes, 0);
}

static void hibernate_and_restore(void **state)  /* SUS-060 to 073, SUS-100 to 102, SUS-106, SUS-155, SNP-070 */
{
    struct lab *l = *state;
    json_auto_t *s = NULL, *p = NULL, *awake = NULL;

    hibernatable_sandbox_comes_up(l);
    l->story[0] = 0;
    sandbox_falls_asleep(l);
    s = sandbox(l);
    assert_string_equal(obj_str(s, "status.snapshot.snapshotUID"), "snap-1");
    assert_string_equal(obj_str(s, "status.snapshot.snapshotClassName"), "c");
    assert_string_equal(obj_str(s, "status.snapshot.driverName"), "test.driver");
    assert_string_equal(obj_str(s, "status.snapshot.parameters.k"), "v");
    assert_true(obj_has_finalizer(s, "agents.x-k8s.io/snapshot-cleanup"));
    assert_null(json_path(s, "status.pendingCheckpoint"));
    assert_string_equal(l->driver.last_parameters, "k=v ");
    /* finalizer, intent, RPC, record, delete */
    assert_non_null(strstr(l->story, "PATCH sandboxes/s\nPUT sandboxes/s/status\nCheckpoint \n"
                                     "PUT sandboxes/s/status\nDELETE pods/s\n"));
    sandbox_wakes_up(l);
    p = pod(l);
    assert_string_equal(obj_annotation(p, "agents.x-k8s.io/restored-from-snapshot"), "snap-1");
    assert_string_equal(obj_annotation(p, "test.driver/restored"), "yes");
    awake = sandbox(l);
    assert_null(json_path(awake, "status.snapshot"));
    assert_null(json_path(awake, "status.snapshotsPendingDeletion"));
    assert_false(obj_has_finalizer(awake, "agents.x-k8s.io/snapshot-cleanup"));
    assert_int_equal(l->driver.artifacts.n, 0);
    assert_int_equal(l->driver.checkpoints, 1);
    assert_int_equal(l->driver.restores, 1);
    assert_int_equal(l->driver.deletes, 1);
    in_order(l, "Restore snap-1", "POST pods");
    in_order(l, "POST pods", "Delete snap-1");
}

static void no_target_no_call(void **state)      /* SUS-060 M8, SNP-034 */
{
    struct lab *l = *state;

    sandbox_comes_up(l, MAKE(HIBERNATE));
    change(l, SLEEP, DURATION_S(600));
    expect_state(l, "False/SnapshotTargetNotReady", SUSPENDED);
    assert_int_equal(l->driver.checkpoints, 0);
    create_class(l);
    lab_run(l, DURATION_S(60));
    expect_state(l, ASLEEP, SUSPENDED);
    assert_int_equal(l->driver.checkpoints, 1);
}

static void a_failed_checkpoint_keeps_the_pod(void **state)        /* SUS-074 SUS-075 SUS-076 AS-RACE-41 */
{
    struct lab *l = *state;
    unsigned before;

    hibernatable_sandbox_comes_up(l);
    l->driver.next_checkpoint = RPC_UNAVAILABLE;
    l->driver.keep_failing = true;
    change(l, SLEEP, DURATION_MIN(60));
    expect_state(l, "False/CheckpointFailed", SUSPENDED);
    assert_int_equal(times(l, "DELETE pods/s"), 0);
    assert_in_range(l->driver.checkpoints, 18, 24);                /* 1 s doubling to 5 min */
    l->driver.next_checkpoint = RPC_INVALID_ARGUMENT;
    lab_run(l, DURATION_MIN(6));
    before = l->driver.checkpoints;
    lab_run(l, DURATION_MIN(50));
    assert_in_range(l->driver.checkpoints - before, 9, 11);        /* terminal: every 5 min */
    l->driver.keep_failing = false;
    l->driver.next_checkpoint = RPC_OK;
    lab_run(l, DURATION_MIN(6));
    expect_state(l, ASLEEP, SUSPENDED);
    assert_int_equal(l->driver.artifacts.n, 1);
}

static void a_slow_checkpoint_holds_up_nobody(void **state)        /* SUS-082, SUS-081, SUS-077 */
{
    struct lab *l = *state;
    json_auto_t *other = NULL;
    char text[128];

    hibernatable_sandbox_comes_up(l);
    l->driver.takes = DURATION_MIN(7);            /* past the deadline: done all the same */
    change(l, SLEEP, DURATION_S(10));
    expect_state(l, "False/Checkpointing", SUSPENDED);
    create(l, &kind_sandbox, MAKE_NAMED("t", ""));
    lab_run(l, DURATION_S(30));
    other = ask(l, "get", &kind_sandbox, "t", NULL);
    assert_string_equal(condition(l, other, "Ready", text), READY);
    lab_run(l, DURATION_MIN(6));
    l->driver.takes = 0;
    lab_run(l, DURATION_MIN(6));
    expect_state(l, ASLEEP, SUSPENDED);
    assert_int_equal(l->driver.artifacts.n, 1);   /* the same id: one artifact */
    assert_int_equal(l->driver.most_out, 1);
}

static void running_again_under_the_rpc(void **state)              /* SUS-078 SUS-079 AS-RACE-46 */
{
    struct lab *l = *state;

    hibernatable_sandbox_comes_up(l);
    l->driver.takes = DURATION_S(60);
    change(l, SLEEP, DURATION_S(10));
    change(l, WAKE, DURATION_S(10));
    expect_state(l, NOT_SUSPENDED, "False/DependenciesNotReady");
    l->driver.takes = 0;
    lab_run(l, DURATION_MIN(5));
    expect_state(l, NOT_SUSPENDED, READY);
    in_order(l, "Checkpoint", "DELETE pods/s");
    in_order(l, "DELETE pods/s", "Restore snap-1");
    assert_int_equal(l->driver.artifacts.n, 0);
}

static void running_again_after_a_refusal(void **state)            /* SUS-078 */
{
    struct lab *l = *state;
    json_auto_t *before = NULL, *after = NULL, *s = NULL;

    hibernatable_sandbox_comes_up(l);
    before = pod(l);
    l->driver.next_checkpoint = RPC_UNAVAILABLE;
    l->driver.keep_failing = true;
    change(l, SLEEP, DURATION_S(10));
    change(l, WAKE, DURATION_MIN(10));
    expect_state(l, NOT_SUSPENDED, "False/DependenciesNotReady");  /* unknown: not settled */
    assert_int_equal(l->driver.deletes, 0);
    l->driver.next_checkpoint = RPC_FAILED_PRECONDITION;
    lab_run(l, DURATION_MIN(10));
    expect_state(l, NOT_SUSPENDED, READY);
    after = pod(l);
    assert_string_equal(obj_uid(after), obj_uid(before));
    s = sandbox(l);
    assert_null(json_path(s, "status.pendingCheckpoint"));
}

static void a_changed_template_is_not_restored(void **state)       /* SUS-110 SUS-105 SUS-111 */
{
    struct lab *l = *state;
    json_auto_t *p = NULL;

    hibernatable_sandbox_comes_up(l);
    sandbox_falls_asleep(l);
    patch(l, &kind_sandbox, "s",
          "{\"spec\":{\"podTemplate\":{\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"j\"}]}}}}");
    change(l, WAKE, DURATION_S(60));
    expect_state(l, NOT_SUSPENDED, "False/RestoreFailed");
    assert_int_equal(l->driver.restores, 0);
    change(l, "{\"metadata\":{\"annotations\":{\"agents.x-k8s.io/discard-snapshot\":\"other\"}}}", DURATION_S(60));
    expect_state(l, NOT_SUSPENDED, "False/RestoreFailed");
    change(l, "{\"metadata\":{\"annotations\":{\"agents.x-k8s.io/discard-snapshot\":\"snap-1\"}}}", DURATION_S(60));
    expect_state(l, NOT_SUSPENDED, READY);
    p = pod(l);
    assert_null(obj_annotation(p, "agents.x-k8s.io/restored-from-snapshot"));
    assert_int_equal(l->driver.restores, 0);
    assert_int_equal(l->driver.artifacts.n, 0);
}

static void restore_failures_never_boot_cold(void **state)         /* SUS-103 SUS-104 SUS-116 */
{
    struct lab *l = *state;

    hibernatable_sandbox_comes_up(l);
    sandbox_falls_asleep(l);
    l->driver.next_restore = RPC_DATA_LOSS;
    l->driver.keep_failing = true;
    l->story[0] = 0;
    change(l, WAKE, DURATION_MIN(12));
    expect_state(l, NOT_SUSPENDED, "False/RestoreFailed");
    assert_int_equal(times(l, "POST pods"), 0);
    assert_in_range(l->driver.restores, 3, 4);
    l->driver.next_restore = RPC_OK;
    l->driver.restore_key = "entrypoint/a";
    lab_run(l, DURATION_MIN(12));
    expect_state(l, NOT_SUSPENDED, "False/RestoreFailed");
    assert_int_equal(times(l, "POST pods"), 0);
    l->driver.restore_key = NULL;
    lab_run(l, DURATION_MIN(6));
    expect_state(l, NOT_SUSPENDED, READY);
}

static void an_answer_without_a_snapshot(void **state)             /* SUS-083 AS-RACE-59 */
{
    struct lab *l = *state;

    hibernatable_sandbox_comes_up(l);
    l->driver.empty_uid = true;
    change(l, SLEEP, DURATION_MIN(4));
    expect_state(l, "False/CheckpointFailed", SUSPENDED);
    assert_int_equal(l->driver.checkpoints, 1);
    assert_int_equal(l->driver.artifacts.n, 0);   /* deleted by its id */
    assert_int_equal(times(l, "DELETE pods/s"), 0);
    l->driver.empty_uid = false;
    lab_run(l, DURATION_MIN(6));
    expect_state(l, ASLEEP, SUSPENDED);
    assert_int_equal(l->driver.artifacts.n, 1);
}

static void deletion_leaves_nothing(void **state)                  /* SUS-151 to 154, AS-RACE-52 */
{
    struct lab *l = *state;
    json_auto_t *s = NULL;

    hibernatable_sandbox_comes_up(l);
    sandbox_falls_asleep(l);
    l->driver.next_delete = RPC_UNAVAILABLE;
    l->driver.keep_failing = true;
    delete(l, &kind_sandbox, "s");
    lab_run(l, DURATION_MIN(10));
    s = sandbox(l);
    assert_non_null(s);                           /* still owed */
    assert_int_equal(json_array_size(json_path(s, "status.snapshotsPendingDeletion")), 1);
    l->driver.next_delete = RPC_OK;
    lab_run(l, DURATION_MIN(6));
    expect_none(l, &kind_sandbox, "s");
    assert_int_equal(l->driver.artifacts.n, 0);
}

static void deletion_under_the_rpc(void **state)                   /* SUS-154 */
{
    struct lab *l = *state;

    hibernatable_sandbox_comes_up(l);
    l->driver.takes = DURATION_MIN(2);
    change(l, SLEEP, DURATION_S(10));
    delete(l, &kind_sandbox, "s");
    lab_run(l, DURATION_S(60));
    expect_none(l, &kind_pod, "s");               /* it did not wait for the driver */
    lab_run(l, DURATION_MIN(5));
    expect_none(l, &kind_sandbox, "s");
    assert_int_equal(l->driver.artifacts.n, 0);
}

static void stop_instead_of_hibernate(void **state)                /* SUS-039 */
{
    struct lab *l = *state;
    json_auto_t *s = NULL;

    hibernatable_sandbox_comes_up(l);
    l->driver.takes = DURATION_MIN(2);
    change(l, SLEEP, DURATION_S(10));
    change(l, "{\"spec\":{\"suspensionStrategy\":{\"type\":\"Stop\"}}}", DURATION_S(60));
    expect_state(l, ASLEEP, SUSPENDED);
    lab_run(l, DURATION_MIN(5));
    s = sandbox(l);
    assert_null(json_path(s, "status.snapshot"));
    assert_null(json_path(s, "status.pendingCheckpoint"));
    assert_int_equal(l->driver.artifacts.n, 0);
}

static void freeze_and_thaw(void **state)                          /* SUS-130 to 133, SUS-138 */
{
    struct lab *l = *state;
    json_auto_t *before = NULL, *after = NULL, *s = NULL;

    sandbox_comes_up(l, MAKE(",\"suspensionStrategy\":{\"type\":\"Freeze\"}"));
    before = pod(l);
    change(l, SLEEP, DURATION_S(30));
    expect_state(l, "True/PodFrozen", SUSPENDED);
    assert_int_equal(l->driver.freezes, 1);
    s = sandbox(l);
    assert_int_equal(obj_count(s, "status.podIPs"), 1);
    lab_run(l, DURATION_MIN(10));
    assert_int_equal(l->driver.freezes, 1);
    change(l, WAKE, DURATION_S(30));
    expect_state(l, NOT_SUSPENDED, READY);
    after = pod(l);
    assert_string_equal(obj_uid(after), obj_uid(before));
    assert_null(obj_annotation(after, "agents.x-k8s.io/freeze-intent"));
    assert_int_equal(l->driver.unfreezes, 1);
    assert_int_equal(l->driver.restores, 0);
}

static void expiry_keeps_or_deletes(void **state)                  /* SBX-110 to 117, SUS-156 */
{
    struct lab *l = *state;
    json_auto_t *s = NULL;

    create(l, &kind_sandbox, MAKE(",\"service\":true,\"shutdownTime\":\"2025-01-01T00:05:00Z\""));
    lab_run(l, DURATION_MIN(4));
    expect_state(l, NOT_SUSPENDED, READY);
    lab_run(l, DURATION_MIN(4));
    expect_state(l, NOT_SUSPENDED, "False/SandboxExpired");
    s = sandbox(l);
    expect_none(l, &kind_pod, "s");
    assert_string_equal(obj_str(s, "status.service"), "");
    assert_string_equal(obj_str(s, "status.selector"), "");
    l->story[0] = 0;
    restart_controller(l);
    lab_run(l, DURATION_MIN(10));
    assert_string_equal(l->story, "");            /* SBX-117 */
    change(l, "{\"spec\":{\"shutdownTime\":null}}", DURATION_S(60));
    expect_state(l, NOT_SUSPENDED, READY);        /* SBX-119 */
    change(l, "{\"spec\":{\"shutdownTime\":\"2025-01-01T00:05:00Z\",\"shutdownPolicy\":\"Delete\"}}", DURATION_S(60));
    expect_none(l, &kind_sandbox, "s");
}

static void a_strangers_pod_is_left_alone(void **state)            /* SBX-041 SBX-042 SUS-003 AS-RACE-15 */
{
    struct lab *l = *state;
    json_auto_t *p = NULL, *s = NULL;

    create_pod(l, "s", "");
    create(l, &kind_sandbox, MAKE(""));
    lab_run(l, DURATION_S(60));
    expect_state(l, NOT_SUSPENDED, "False/ReconcilerError");
    change(l, SLEEP, DURATION_S(60));
    expect_state(l, "False/PodNotOwned", SUSPENDED);
    s = sandbox(l);
    assert_int_equal(obj_count(s, "status.podIPs"), 0);
    p = pod(l);
    assert_non_null(p);
    assert_null(obj_controller_ref(p));
    assert_null(strstr(l->story, "DELETE"));
}

static void a_failed_lookup_is_unknown(void **state)               /* SUS-004 SUS-026 AS-RACE-16 */
{
    struct lab *l = *state;

    l->fail_path = "GET /api/v1/namespaces/default/pods";
    create(l, &kind_sandbox, MAKE(",\"operatingMode\":\"Suspended\""));
    l->fail_times = 1000000;
    lab_run(l, DURATION_S(20));
    expect_state(l, "Unknown/PodStateUnknown", "False/ReconcilerError");
    l->fail_times = 0;
    lab_run(l, DURATION_S(60));
    expect_state(l, ASLEEP, SUSPENDED);           /* SUS-015 */
    assert_int_equal(times(l, "POST pods"), 0);
}

static void volume_claims_come_first(void **state)                 /* SBX-046 SBX-055 SBX-056 SBX-057 */
{
    struct lab *l = *state;
    json_auto_t *pvc = NULL, *kept = NULL;

    create(l, &kind_pvc, "{\"apiVersion\":\"v1\",\"kind\":\"PersistentVolumeClaim\",\"metadata\":{\"name\":"
                         "\"data-s\",\"namespace\":\"default\"},\"spec\":{\"accessModes\":[\"ReadWriteOnce\"],"
                         "\"resources\":{\"requests\":{\"storage\":\"1Gi\"}}}}");
    create(l, &kind_sandbox, MAKE(",\"volumeClaimTemplates\":[{\"metadata\":{\"name\":\"data\"},\"spec\":{"
                                  "\"accessModes\":[\"ReadWriteOnce\"],\"resources\":{\"requests\":{\"storage\":"
                                  "\"1Gi\"}}}}]"));
    lab_run(l, DURATION_S(60));
    expect_state(l, NOT_SUSPENDED, "False/ReconcilerError");
    expect_none(l, &kind_pod, "s");
    delete(l, &kind_pvc, "data-s");
    lab_run(l, DURATION_MIN(20));
    pvc = ask(l, "get", &kind_pvc, "data-s", NULL);
    assert_non_null(obj_controller_ref(pvc));
    sandbox_falls_asleep(l);
    kept = ask(l, "get", &kind_pvc, "data-s", NULL);
    assert_string_equal(obj_uid(kept), obj_uid(pvc));
}

static void the_record_is_enough(void **state)   /* SUS-101 SUS-115 AS-RACE-49 SNP-060 */
{
    struct lab *l = *state;
    json_auto_t *s = NULL;

    hibernatable_sandbox_comes_up(l);
    sandbox_falls_asleep(l);
    s = sandbox(l);
    delete(l, &kind_snapshot_claim, obj_str(s, "status.snapshot.snapshotClaimName"));
    delete(l, &kind_snapshot_class, "c");
    lab_run(l, DURATION_S(60));
    sandbox_wakes_up(l);
    assert_string_equal(l->driver.last_parameters, "k=v ");
    assert_int_equal(l->driver.restores, 1);
    assert_int_equal(l->driver.artifacts.n, 0);
}

static void a_shell_lost_before_it_was_ready(void **state)         /* SUS-107 SUS-108 SUS-109 */
{
    struct lab *l = *state;
    json_auto_t *p = NULL;

    hibernatable_sandbox_comes_up(l);
    sandbox_falls_asleep(l);
    l->unready = true;
    change(l, WAKE, DURATION_MIN(10));
    expect_state(l, NOT_SUSPENDED, "False/DependenciesNotReady");
    assert_int_equal(l->driver.restores, 1);
    assert_int_equal(l->driver.artifacts.n, 1);
    l->unready = false;
    delete(l, &kind_pod, "s");
    lab_run(l, DURATION_S(60));
    assert_int_equal(l->driver.restores, 2);
    expect_state(l, NOT_SUSPENDED, READY);
    assert_int_equal(l->driver.artifacts.n, 0);
    delete(l, &kind_pod, "s");                    /* lost after it was Ready: cold boot */
    lab_run(l, DURATION_S(60));
    assert_int_equal(l->driver.restores, 2);
    p = pod(l);
    assert_null(obj_annotation(p, "agents.x-k8s.io/restored-from-snapshot"));
    expect_state(l, NOT_SUSPENDED, READY);
}

static void two_pods_are_one_too_many(void **state)                /* SBX-033 to 036, SBX-120, SUS-022 */
{
    struct lab *l = *state;
    json_auto_t *s = NULL;

    sandbox_comes_up(l, MAKE(""));
    s = sandbox(l);
    create_pod_of(l, s, "other");
    lab_run(l, DURATION_S(30));
    expect_state(l, NOT_SUSPENDED, "False/MultiplePods");
    l->story[0] = 0;
    change(l, SLEEP, DURATION_MIN(30));
    expect_state(l, "Unknown/PodStateUnknown", "False/MultiplePods");
    assert_string_equal(l->story, "PUT sandboxes/s/status\n");
    expect_count(l, &kind_pod, 2);
    change(l, "{\"spec\":{\"shutdownTime\":\"2025-01-01T00:00:00Z\"}}", DURATION_S(60));
    expect_count(l, &kind_pod, 0);
    expect_state(l, ASLEEP, "False/SandboxExpired");
}

static void a_stale_cache_deceives_nobody(void **state)            /* SUS-026 SUS-085 AS-RACE-02 AS-RACE-16 */
{
    struct lab *l = *state;

    create_class(l);
    controller_hold(l->control.controllers, "pods", true);
    create(l, &kind_sandbox, MAKE(HIBERNATE));
    lab_run(l, DURATION_S(30));
    assert_int_equal(times(l, "POST pods"), 1);
    change(l, SLEEP, DURATION_S(60));             /* the cache shows no Pod at all */
    expect_none(l, &kind_pod, "s");
    expect_state(l, "False/PodTerminating", SUSPENDED);            /* nobody has told it yet */
    assert_int_equal(l->driver.artifacts.n, 1);
    controller_hold(l->control.controllers, "pods", false);
    lab_run(l, DURATION_S(60));
    expect_state(l, ASLEEP, SUSPENDED);
    assert_int_equal(times(l, "DELETE pods/s"), 1);
    controller_hold(l->control.controllers, "sandboxes", true);
    change(l, WAKE, DURATION_S(60));
    assert_int_equal(l->driver.restores, 0);      /* it has not heard of it yet */
    controller_hold(l->control.controllers, "sandboxes", false);
    lab_run(l, DURATION_S(60));
    expect_state(l, NOT_SUSPENDED, READY);
    assert_int_equal(l->driver.checkpoints, 1);
    assert_int_equal(l->driver.restores, 1);
}

struct stopping {
    struct controllers *c;
    bool done;
};

static void stop_task(struct co *co, void *arg)
{
    struct stopping *s = arg;

    controller_stop(co, s->c);
    s->done = true;
}

static void stop_orderly(struct lab *l, struct controllers *c)
{
    struct stopping s = { c, false };

    co_spawn(l->user, "stop", stop_task, &s);
    lab_run(l, DURATION_S(1));
    assert_true(s.done);
}

/* Its name is what the lease says of its holder. */
static void rival_starts(struct lab *l, struct replica *r, const char *name)
{
    static const struct controller_options o = { .leader_elect = true, .lease_namespace = "default", .sandbox_workers = 1 };

    replica_start(l, r, name, l->direct, &o);
}

static void one_leader_at_a_time(void **state)   /* SBX-130 to 132 */
{
    struct lab *l = *state;
    struct replica *a = &l->rivals[0], *b = &l->rivals[1];

    stop_controller(l);
    rival_starts(l, a, "a");
    lab_run(l, DURATION_S(3));
    rival_starts(l, b, "b");
    lab_run(l, DURATION_S(60));
    assert_true(controller_ready(a->controllers));
    assert_false(controller_ready(b->controllers));
    proc_kill(a->proc);                           /* a crash: the lease runs out */
    lab_run(l, DURATION_S(10));
    assert_false(controller_ready(b->controllers));
    lab_run(l, DURATION_S(20));
    assert_true(controller_ready(b->controllers));
    sandbox_comes_up(l, MAKE(""));
    replica_end(l, a);
    rival_starts(l, a, "again");
    lab_run(l, DURATION_S(30));
    assert_false(controller_ready(a->controllers));
    stop_orderly(l, b->controllers);              /* the lease is given back: one retry period */
    lab_run(l, DURATION_S(3));
    assert_true(controller_holds_lease(a->controllers));
    assert_false(controller_holds_lease(b->controllers));
    proc_kill(b->proc);
    patch(l, &kind_lease, "a3317529.agent-sandbox.x-k8s.io",
          "{\"spec\":{\"holderIdentity\":\"thief\",\"leaseDurationSeconds\":3600}}");
    lab_run(l, DURATION_S(30));
    assert_true(proc_dead(a->proc));              /* lost it: nothing of it may go on */
}

static void the_service_is_kept_in_order(void **state)             /* SBX-060 to 067, SBX-048 */
{
    struct lab *l = *state;
    json_auto_t *v = NULL, *s = NULL, *theirs = NULL;

    sandbox_comes_up(l, MAKE(",\"service\":true"));
    patch(l, &kind_service, "s",
          "{\"metadata\":{\"labels\":{\"agents.x-k8s.io/sandbox-name-hash\":\"x\",\"mine\":\"1\"}},"
          "\"spec\":{\"selector\":{\"app\":\"y\"}}}");
    lab_run(l, DURATION_S(30));
    v = ask(l, "get", &kind_service, "s", NULL);
    assert_string_equal(obj_label(v, "agents.x-k8s.io/sandbox-name-hash"), "f60c4582");
    assert_string_equal(obj_label(v, "mine"), "1");
    assert_int_equal(obj_count(v, "spec.selector"), 1);
    change(l, "{\"spec\":{\"service\":false}}", DURATION_S(30));
    expect_none(l, &kind_service, "s");
    s = sandbox(l);
    assert_string_equal(obj_str(s, "status.serviceFQDN"), "");
    create(l, &kind_service, "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"s\","
                             "\"namespace\":\"default\"},\"spec\":{\"clusterIP\":\"None\",\"selector\":{\"a\":\"b\"}}}");
    lab_run(l, DURATION_S(30));
    expect_state(l, NOT_SUSPENDED, READY);        /* somebody else's is not in the way of "no" */
    change(l, "{\"spec\":{\"service\":true}}", DURATION_S(30));
    expect_state(l, NOT_SUSPENDED, "False/ReconcilerError");
    theirs = ask(l, "get", &kind_service, "s", NULL);
    assert_string_equal(obj_str(theirs, "spec.selector.a"), "b");
    patch(l, &kind_service, "s", "{\"metadata\":{\"labels\":{\"agents.x-k8s.io/adoptable\":\"true\"}}}");
    lab_run(l, DURATION_MIN(5));
    expect_state(l, NOT_SUSPENDED, READY);        /* SBX-045 */
}

static void pods_are_adopted_and_followed(void **state)            /* SBX-023 SBX-031 SBX-032 SBX-043 SBX-134 */
{
    struct lab *l = *state;
    json_auto_t *p = NULL, *s = NULL, *other = NULL;

    create_pod(l, "s", "\"labels\":{\"agents.x-k8s.io/adoptable\":\"true\"}");
    sandbox_comes_up(l, MAKE(""));
    p = pod(l);
    s = sandbox(l);
    assert_true(obj_controlled_by(p, s));
    assert_string_equal(obj_label(p, "agents.x-k8s.io/sandbox-name-hash"), "f60c4582");
    assert_int_equal(times(l, "POST pods"), 0);
    sandbox_falls_asleep(l);
    stop_controller(l);
    create_pod_of(l, s, "warm");                  /* a Pod of ours under another name */
    patch(l, &kind_sandbox, "s", WAKE);
    start_controller(l);
    lab_run(l, DURATION_S(30));
    expect_state(l, NOT_SUSPENDED, READY);
    assert_int_equal(times(l, "POST pods"), 0);
    json_decref(STEAL(s));
    s = sandbox(l);
    assert_string_equal(obj_annotation(s, "agents.x-k8s.io/pod-name"), "warm");
    delete(l, &kind_pod, "warm");                 /* AS-RACE-03, AS-RACE-04 */
    lab_run(l, DURATION_S(30));
    expect_state(l, NOT_SUSPENDED, READY);
    other = pod(l);
    assert_non_null(other);
    assert_int_equal(times(l, "POST pods"), 1);
}

static void metadata_reaches_the_living_pod(void **state)          /* SBX-025 SBX-095 SBX-098 */
{
    struct lab *l = *state;
    json_auto_t *before = NULL, *after = NULL, *last = NULL;

    sandbox_comes_up(l, MAKE(""));
    before = pod(l);
    l->story[0] = 0;
    change(l, "{\"spec\":{\"podTemplate\":{\"metadata\":{\"labels\":{\"x\":\"1\",\"y\":\"2\"}},\"spec\":"
              "{\"containers\":[{\"name\":\"a\",\"image\":\"other\"}]}}}}", DURATION_S(30));
    after = pod(l);
    assert_string_equal(obj_uid(after), obj_uid(before));
    assert_string_equal(obj_label(after, "x"), "1");
    assert_string_equal(obj_annotation(after, "agents.x-k8s.io/propagated-labels"), "x,y");
    assert_int_equal(times(l, "PATCH pods/s"), 1);
    change(l, "{\"spec\":{\"podTemplate\":{\"metadata\":{\"labels\":{\"y\":null}}}}}", DURATION_S(30));
    last = pod(l);
    assert_null(obj_label(last, "y"));
    assert_string_equal(obj_label(last, "x"), "1");
    assert_int_equal(times(l, "PATCH pods/s"), 2);
}

static void shared_and_stamped_claims(void **state)                /* SNP-031 SNP-042 SNP-051 to 062, SNP-061 */
{
    struct lab *l = *state;
    json_auto_t *claims = NULL, *claim = NULL, *s = NULL;

    create_class(l);
    create(l, &kind_snapshot_claim_template,
           "{\"apiVersion\":\"agents.x-k8s.io/v1beta1\",\"kind\":\"SnapshotClaimTemplate\",\"metadata\":{\"name\":"
           "\"t\",\"namespace\":\"default\"},\"spec\":{\"metadata\":{\"labels\":{\"l\":\"1\"}},\"spec\":"
           "{\"snapshotClassName\":\"c\",\"parameters\":{\"p\":\"q\"}}}}");
    sandbox_comes_up(l, MAKE(",\"suspensionStrategy\":{\"type\":\"Hibernate\",\"hibernate\":{"
                             "\"snapshotClaimTemplateName\":\"t\"}}"));
    claims = ask(l, "list", &kind_snapshot_claim, NULL, NULL);     /* stamped while it runs */
    assert_int_equal(json_array_size(json_object_get(claims, "items")), 1);
    claim = json_incref(json_array_get(json_object_get(claims, "items"), 0));
    s = sandbox(l);
    assert_true(str_starts(obj_name(claim), "s-t-"));
    assert_true(obj_controlled_by(claim, s));
    assert_string_equal(obj_label(claim, "l"), "1");
    assert_string_equal(obj_annotation(claim, "agents.x-k8s.io/snapshot-claim-template"), "t");
    assert_string_equal(obj_condition_status(claim, "Bound"), "True");
    delete(l, &kind_snapshot_claim, obj_name(claim));
    lab_run(l, DURATION_S(30));                   /* SNP-060 */
    sandbox_falls_asleep(l);
    assert_string_equal(l->driver.last_parameters, "k=v p=q ");
    delete(l, &kind_sandbox, "s");
    lab_run(l, DURATION_MIN(2));
    expect_count(l, &kind_snapshot_claim, 0);
    assert_int_equal(l->driver.artifacts.n, 0);
}

/* ---- a crash at every request (SUS-170 to SUS-184) ---------------------------------------------- */

/* One whole life: up, asleep, awake, asleep, deleted; the controller dies once and comes back. */
static unsigned cycle(uint64_t seed, duration lag, unsigned crash_at, bool after, const char *strategy)
{
    struct lab l = { .seed = seed, .lag = lag, .crash_at = crash_at, .crash_after = after };
    static const char *const modes[] = { "", SLEEP, WAKE, SLEEP };
    cleanup_free char *body = xasprintf(MAKE("%s"), strategy);
    bool hibernates = strstr(strategy, "Hibernate") != NULL, freezes = strstr(strategy, "Freeze") != NULL;

    lab_up(&l);
    create_class(&l);
    create(&l, &kind_sandbox, body);
    for (size_t i = 0; i <= ARRAY_SIZE(modes); i++) {
        if (i == ARRAY_SIZE(modes))
            delete(&l, &kind_sandbox, "s");
        else if (*modes[i])
            patch(&l, &kind_sandbox, "s", modes[i]);
        lab_run(&l, DURATION_S(60));
        if (l.crashed && proc_dead(l.control.proc))
            restart_controller(&l);
        lab_run(&l, DURATION_S(120));
        if (i == ARRAY_SIZE(modes))
            break;
        if (i % 2)
            expect_state(&l, freezes ? "True/PodFrozen" : ASLEEP, SUSPENDED);
        else
            expect_state(&l, NOT_SUSPENDED, READY);
        assert_int_equal(l.driver.artifacts.n, hibernates && i % 2 ? 1 : 0);
    }
    expect_none(&l, &kind_sandbox, "s");
    assert_int_equal(l.driver.artifacts.n, 0);
    assert_true(l.driver.most_out <= 1);
    lab_down(&l);
    return l.requests;
}

#define STOP_STRATEGY ""
#define FREEZE_STRATEGY ",\"suspensionStrategy\":{\"type\":\"Freeze\"}"

static void crash_everywhere(const char *strategy)
{
    unsigned n = cycle(0, 0, 0, false, strategy);

    assert_true(n > 8);
    for (unsigned at = 1; at <= n; at++) {
        cycle(0, 0, at, false, strategy);
        cycle(0, 0, at, true, strategy);
    }
}

static void crash_anywhere_in_hibernate(void **state)
{
    crash_everywhere(HIBERNATE);
}

static void crash_anywhere_in_stop(void **state)
{
    crash_everywhere(STOP_STRATEGY);
}

static void crash_anywhere_in_freeze(void **state)                 /* SUS-182 SUS-183 */
{
    crash_everywhere(FREEZE_STRATEGY);
}

static void any_schedule_with_late_caches(void **state)            /* SUS-018 SUS-085 AS-RACE-42 */
{
    for (uint64_t seed = 1; seed <= 12; seed++)
        cycle(seed, DURATION_MS(500), seed % 3 ? (unsigned)(seed * 2) : 0, seed % 2, HIBERNATE);
}

#define STORY(f) cmocka_unit_test_setup_teardown(f, story_begins, story_ends)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(a_sandbox_comes_up),
        STORY(stop_and_start),
        STORY(hibernate_and_restore),
        STORY(no_target_no_call),
        STORY(a_failed_checkpoint_keeps_the_pod),
        STORY(a_slow_checkpoint_holds_up_nobody),
        STORY(running_again_under_the_rpc),
        STORY(running_again_after_a_refusal),
        STORY(a_changed_template_is_not_restored),
        STORY(restore_failures_never_boot_cold),
        STORY(an_answer_without_a_snapshot),
        STORY(deletion_leaves_nothing),
        STORY(deletion_under_the_rpc),
        STORY(stop_instead_of_hibernate),
        STORY(freeze_and_thaw),
        STORY(expiry_keeps_or_deletes),
        STORY(a_strangers_pod_is_left_alone),
        STORY(a_failed_lookup_is_unknown),
        STORY(volume_claims_come_first),
        STORY(the_service_is_kept_in_order),
        STORY(pods_are_adopted_and_followed),
        STORY(metadata_reaches_the_living_pod),
        STORY(shared_and_stamped_claims),
        STORY(the_record_is_enough),
        STORY(a_shell_lost_before_it_was_ready),
        STORY(two_pods_are_one_too_many),
        STORY(a_stale_cache_deceives_nobody),
        STORY(one_leader_at_a_time),
        cmocka_unit_test(crash_anywhere_in_stop),
        cmocka_unit_test(crash_anywhere_in_hibernate),
        cmocka_unit_test(crash_anywhere_in_freeze),
        cmocka_unit_test(any_schedule_with_late_caches),
    };

    return cmocka_run_group_tests_name("controller", tests, NULL, NULL);
}
