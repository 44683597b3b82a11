#include "conformance/scenario/driver_link.h"

#include "conformance/scenario/rpc.h"
#include "kube/json.h"

struct front {                                   /* what one controller holds */
    struct snapshot_driver base;
    struct driver_link *link;
    const char *actor;
    struct front *next;
};

struct driver_link {
    struct history *history;
    struct faults *faults;
    const char *name;
    struct snapshot_driver *driver;
    struct proc *proc;
    struct front *fronts;
};

/* A call on the driver's side. The caller and the task hold it together; the last one frees it. */
struct errand {
    unsigned refs;
    struct arena *arena;
    struct snapshot_driver *driver;
    enum rpc_word method;
    union rpc_request request;
    union rpc_response response;
    struct instant deadline;
    struct rpc_status status;
    bool done;
    struct waitq finished;
};

static void errand_unref(struct errand *e)
{
    if (--e->refs > 0)
        return;
    arena_free(e->arena);
    free(e);
}

static void errand_run(struct co *co, void *arg)
{
    struct errand *e = arg;

    if (!co_cancelled(co))
        rpc_dispatch(co, e->driver, e->method, &e->request, e->deadline, e->arena, &e->response,
                     &e->status);
    if (co_cancelled(co))
        rpc_fail(e->arena, &e->status, RPC_UNAVAILABLE, "the driver went away");
    e->done = true;
    waitq_wake_all(&e->finished);
    errand_unref(e);
}

/* Sends the driver to work and waits. -ERR_CANCELLED where the caller died meanwhile. */
static int run_errand(struct co *co, struct driver_link *l, enum rpc_word m, const json_t *request,
                      struct instant deadline, struct errand **ret)
{
    struct errand *e = xcalloc(1, sizeof(*e));
    int r = 0;

    *e = (struct errand){ .refs = 2, .arena = arena_new(), .driver = l->driver, .method = m,
                          .deadline = deadline };
    rpc_request_from(e->arena, m, request, &e->request);
    *ret = e;
    if (!l->driver || proc_dead(l->proc)) {
        rpc_fail(e->arena, &e->status, RPC_UNAVAILABLE, "connection refused");
        e->refs = 1;
        return 0;
    }
    co_spawn(l->proc, rpc_word_text(m), errand_run, e);
    while (!e->done && r == 0)
        r = waitq_wait_until(co, &e->finished, deadline);
    if (r == -ERR_TIMEOUT && !e->done) {
        errand_unref(e);                          /* the driver may still finish it */
        *ret = e = xcalloc(1, sizeof(*e));
        *e = (struct errand){ .refs = 1, .arena = arena_new(), .method = m };
        rpc_fail(e->arena, &e->status, RPC_DEADLINE_EXCEEDED, "deadline exceeded");
        return 0;
    }
    return r == -ERR_CANCELLED ? r : 0;
}

/* ---- recording ------------------------------------------------------------------------------- */

static struct happening *record_call(struct front *f, enum rpc_word m, json_t *request,
                                     struct instant deadline)
{
    struct history *h = f->link->history;
    struct happening *e = history_add(h, HAPPENED_CALL, f->actor);

    e->rpc = m;
    e->driver = f->link->name;
    e->request = json_incref(request);
    e->name = arena_strdup(history_arena(h), rpc_request_sandbox(m, request));
    e->uid = arena_strdup(history_arena(h), path_string(request, "sandbox_uid"));
    e->deadline = deadline;
    history_tell(h, e);
    return e;
}

static void record_answer(struct front *f, const struct happening *call, bool answered, enum rpc_code code,
                          const char *message, json_t *reply)
{
    struct history *h = f->link->history;
    struct happening *e = history_add(h, HAPPENED_ANSWER, f->actor);

    e->rpc = call->rpc;
    e->driver = call->driver;
    e->name = call->name;
    e->uid = call->uid;
    e->request = json_incref(call->request);
    e->reply = json_incref(reply);
    e->code = code;
    e->text = arena_strdup(history_arena(h), message);
    e->answered = answered;
    e->call = call;
    history_tell(h, e);
}

/* ---- one call -------------------------------------------------------------------------------- */

static json_t *alter(enum fault_alter how, const json_t *reply)
{
    json_auto_t *metadata = json_object();

    switch (how) {
    case ALTER_EMPTY_UID:
        return json_with(reply, "snapshot_uid", json_string(""));
    case ALTER_HUGE_METADATA:
        for (int i = 0; i < 65; i++) {
            cleanup_free char *key = xasprintf("key-%02d", i);
            json_object_set_new(metadata, key, json_string("x"));
        }
        return json_with(reply, "driver_metadata", json_incref(metadata));
    case ALTER_UNKNOWN_KEY:
        json_object_set_new(metadata, "initContainer/sneak", json_string("{}"));
        return json_with(reply, "restore_metadata", json_incref(metadata));
    }
    return json_incref((json_t *)reply);
}

static enum rpc_code code_of(const char *text)
{
    for (int c = RPC_OK; c <= RPC_UNAUTHENTICATED; c++)
        if (streq(rpc_code_text(c), text))
            return (enum rpc_code)c;
    return RPC_UNKNOWN;
}

/* What the caller is told: filled by the driver, then bent by the fault. */
struct outcome {
    enum rpc_code code;
    const char *message;
    json_t *reply;
};

static int consult_driver(struct co *co, struct front *f, enum rpc_word m, const json_t *request,
                          struct instant deadline, struct arena *a, struct outcome *ret)
{
    struct errand *e;
    int r = run_errand(co, f->link, m, request, deadline, &e);

    if (r == 0) {
        ret->code = e->status.code;
        ret->message = arena_strdup(a, e->status.message ? e->status.message : "");
        ret->reply = ret->code == RPC_OK ? rpc_response_json(m, &e->response) : json_object();
    }
    errand_unref(e);
    return r;
}

static int suffer(struct co *co, struct front *f, const struct subject *s, const struct verdict *v,
                  struct instant deadline, struct outcome *o)
{
    json_t *bent;
    int r;

    switch (v->action) {
    case FAULT_CRASH_BEFORE:
    case FAULT_CRASH_AFTER:
        faults_crash(f->link->faults, s, v);
        return -ERR_CANCELLED;
    case FAULT_LOSE_REQUEST:
    case FAULT_LOSE_REPLY:
        r = co_sleep_until(co, deadline);
        o->code = RPC_DEADLINE_EXCEEDED;
        o->message = "deadline exceeded";
        return r;
    case FAULT_DELAY:
        r = co_sleep(co, v->fault->delay);
        if (r == 0 && instant_before(deadline, world_now(co_world(co)))) {
            o->code = RPC_DEADLINE_EXCEEDED;
            o->message = "deadline exceeded";
        }
        return r;
    case FAULT_LATE:
        return 0;
    case FAULT_ALTER:
        bent = alter((enum fault_alter)v->fault->alter, o->reply);
        json_decref(o->reply);
        o->reply = bent;
        return 0;
    default:
        o->code = code_of(v->fault->code);
        o->message = "the suite answers so";
        return 0;
    }
}

static bool takes_effect(int action)
{
    return action != FAULT_CRASH_BEFORE && action != FAULT_LOSE_REQUEST && action != FAULT_ANSWER;
}

static enum rpc_code front_call(struct co *co, struct snapshot_driver *d, enum rpc_word m, const void *q,
                                struct instant deadline, struct arena *a, void *ret, struct rpc_status *st)
{
    struct front *f = container_of(d, struct front, base);
    json_auto_t *request = q ? rpc_request_json(m, q) : json_object();
    struct happening *call = record_call(f, m, request, deadline);
    struct subject s = { .rpc = m, .actor = f->actor, .kind = "", .name = call->name, .subresource = "",
                         .body = request };
    struct verdict v = faults_judge(f->link->faults, &s);
    struct outcome o = { .code = RPC_UNKNOWN, .message = "" };
    int r = 0;

    if (v.action == FAULT_LATE)
        r = co_sleep(co, v.fault->delay);
    if (r == 0 && (v.action < 0 || takes_effect(v.action)))
        r = consult_driver(co, f, m, request, deadline, a, &o);
    if (r == 0 && v.action >= 0)
        r = suffer(co, f, &s, &v, deadline, &o);
    if (!o.reply)
        o.reply = json_object();
    record_answer(f, call, r == 0, o.code, o.message, o.reply);
    if (r == 0 && o.code == RPC_OK && ret)
        rpc_response_from(a, m, o.reply, ret);
    json_decref(o.reply);
    if (r < 0)
        return rpc_fail(a, st, RPC_CANCELLED, "the caller is gone");
    return o.code == RPC_OK ? rpc_ok(st) : rpc_fail(a, st, o.code, "%s", o.message);
}

static enum rpc_code front_info(struct co *co, struct snapshot_driver *d, struct instant deadline,
                                struct arena *a, struct driver_info *ret, struct rpc_status *st)
{
    return front_call(co, d, RPC_WORD_INFO, NULL, deadline, a, ret, st);
}

static enum rpc_code front_checkpoint(struct co *co, struct snapshot_driver *d,
                                      const struct checkpoint_request *q, struct instant deadline,
                                      struct arena *a, struct checkpoint_response *ret,
                                      struct rpc_status *st)
{
    return front_call(co, d, RPC_WORD_CHECKPOINT, q, deadline, a, ret, st);
}

static enum rpc_code front_restore(struct co *co, struct snapshot_driver *d, const struct restore_request *q,
                                   struct instant deadline, struct arena *a, struct restore_response *ret,
                                   struct rpc_status *st)
{
    return front_call(co, d, RPC_WORD_RESTORE, q, deadline, a, ret, st);
}

static enum rpc_code front_delete(struct co *co, struct snapshot_driver *d,
                                  const struct snapshot_delete_request *q, struct instant deadline,
                                  struct arena *a, struct rpc_status *st)
{
    return front_call(co, d, RPC_WORD_DELETE, q, deadline, a, NULL, st);
}

static enum rpc_code front_freeze(struct co *co, struct snapshot_driver *d, const struct freeze_request *q,
                                  struct instant deadline, struct arena *a, struct rpc_status *st)
{
    return front_call(co, d, RPC_WORD_FREEZE, q, deadline, a, NULL, st);
}

static enum rpc_code front_unfreeze(struct co *co, struct snapshot_driver *d, const struct freeze_request *q,
                                    struct instant deadline, struct arena *a, struct rpc_status *st)
{
    return front_call(co, d, RPC_WORD_UNFREEZE, q, deadline, a, NULL, st);
}

static enum rpc_code front_list(struct co *co, struct snapshot_driver *d,
                                const struct snapshot_list_request *q, struct instant deadline,
                                struct arena *a, struct snapshot_list_response *ret, struct rpc_status *st)
{
    return front_call(co, d, RPC_WORD_LIST, q, deadline, a, ret, st);
}

static void front_free(struct snapshot_driver *d)
{
    /* The link frees its fronts: a controller that thinks it owns one does no harm. */
}

static const struct snapshot_driver_ops front_ops = {
    .name = "link", .get_info = front_info, .checkpoint = front_checkpoint, .restore = front_restore,
    .remove = front_delete, .freeze = front_freeze, .unfreeze = front_unfreeze, .list = front_list,
    .free = front_free,
};

/* ---- the link -------------------------------------------------------------------------------- */

struct driver_link *driver_link_new(struct history *h, struct faults *f, const char *name)
{
    struct driver_link *l = xcalloc(1, sizeof(*l));

    *l = (struct driver_link){ .history = h, .faults = f, .name = name };
    return l;
}

struct driver_link *driver_link_free(struct driver_link *l)
{
    struct front *next;

    if (!l)
        return NULL;
    for (struct front *f = l->fronts; f; f = next) {
        next = f->next;
        free(f);
    }
    free(l);
    return NULL;
}

void driver_link_set(struct driver_link *l, struct snapshot_driver *driver, struct proc *proc)
{
    l->driver = driver;
    l->proc = proc;
}

struct snapshot_driver *driver_link_for(struct driver_link *l, const char *actor)
{
    struct front *f = xcalloc(1, sizeof(*f));

    *f = (struct front){ .base.ops = &front_ops, .link = l, .actor = actor, .next = l->fronts };
    l->fronts = f;
    return &f->base;
}

const char *driver_link_name(const struct driver_link *l)
{
    return l->name;
}
