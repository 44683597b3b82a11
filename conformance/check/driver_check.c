#include "conformance/check/driver_check_priv.h"

struct driver_checks {
    const struct driver_checks_options *options;
    struct snapshot_driver *driver;
    struct arena *arena;
    struct proc *proc;
    struct driver_info info;
    bool info_known;
    const char *unreachable;
    DYN(struct check_result *) results;
};

const char *check_verdict_text(enum check_verdict v)
{
    static const char *const texts[CHECK_VERDICTS] = {
        [CHECK_PASS] = "pass",
        [CHECK_FAIL] = "fail",
        [CHECK_NON_STRICT] = "non-strict",
        [CHECK_UNSUPPORTED] = "unsupported",
        [CHECK_ERROR] = "error",
    };
    return texts[v];
}

const struct driver_check *driver_check_at(size_t i)
{
    return i < driver_check_count ? &driver_check_table[i] : NULL;
}

const char *check_code(enum rpc_code code)
{
    return rpc_code_text(code);
}

void check_fail(struct check *c, const char *fmt, ...)
{
    va_list args;

    if (c->failed)
        return;
    va_start(args, fmt);
    c->result->message = arena_vprintf(c->all->arena, fmt, args);
    va_end(args);
    c->failed = true;
}

/* ---- calls ----------------------------------------------------------------------------------- */

enum rpc_code check_call(struct check *c, enum rpc_word method, const union rpc_request *q, duration deadline,
                         union rpc_response *ret)
{
    union rpc_response reply = { 0 };
    struct rpc_status st = { .message = "" };
    struct exchange *x;
    enum rpc_code code;

    if (co_cancelled(c->co) || !c->all->driver)
        return RPC_UNAVAILABLE;
    code = rpc_dispatch(c->co, c->all->driver, method, q,
                        instant_add(world_now(co_world(c->co)), deadline), c->all->arena, &reply, &st);
    x = dyn_push(&c->result->exchanges);
    *x = (struct exchange){ .method = method, .request = rpc_request_json(method, q), .code = code,
                            .message = arena_strdup(c->all->arena, st.message ? st.message : "") };
    if (code == RPC_OK) {
        x->reply = rpc_response_json(method, &reply);
        if (ret)
            *ret = reply;
    }
    return code;
}

static duration call_bound(const struct check *c)
{
    return c->all->options->call_bound ? c->all->options->call_bound : DURATION_S(30);
}

static int compare_kv(const void *a, const void *b)
{
    return strcmp(((const struct kv *)a)->key, ((const struct kv *)b)->key);
}

struct kvmap check_parameters(struct check *c, const char *const *parameters)
{
    struct kv *v = arena_alloc(c->arena, 16 * sizeof(*v));
    size_t n = 0;

    for (; parameters && parameters[0] && n < 16; parameters += 2)
        v[n++] = (struct kv){ parameters[0], parameters[1] };
    qsort(v, n, sizeof(*v), compare_kv);
    return (struct kvmap){ v, n };
}

struct made_up check_made_up(struct check *c)
{
    struct world *w = co_world(c->co);
    char uid[37], pod_uid[37];
    uint64_t n = world_identity(w);

    world_uuid(w, uid);
    world_uuid(w, pod_uid);
    return (struct made_up){
        .sandbox = arena_printf(c->arena, "made-up-%08x", (unsigned)n),
        .namespace = "conformance",
        .sandbox_uid = arena_strdup(c->arena, uid),
        .pod = arena_printf(c->arena, "made-up-%08x", (unsigned)n),
        .pod_uid = arena_strdup(c->arena, pod_uid),
        .node = "node-1",
    };
}

const char *check_new_id(struct check *c)
{
    char id[37];

    world_uuid(co_world(c->co), id);
    return arena_strdup(c->arena, id);
}

enum rpc_code check_info(struct check *c, struct driver_info *ret)
{
    union rpc_request q = { 0 };
    union rpc_response reply;
    enum rpc_code code = check_call(c, RPC_WORD_INFO, &q, call_bound(c), &reply);

    if (code == RPC_OK && ret)
        *ret = reply.info;
    return code;
}

enum rpc_code check_checkpoint(struct check *c, const struct made_up *m, const char *id,
                               const char *const *parameters, struct checkpoint_response *ret)
{
    union rpc_request q = { .checkpoint = {
        .sandbox_name = m->sandbox, .sandbox_namespace = m->namespace, .pod_name = m->pod,
        .checkpoint_id = id, .sandbox_uid = m->sandbox_uid, .pod_uid = m->pod_uid, .node_name = m->node,
        .parameters = check_parameters(c, parameters) } };
    union rpc_response reply;
    enum rpc_code code = check_call(c, RPC_WORD_CHECKPOINT, &q, call_bound(c), &reply);

    if (code == RPC_OK && ret)
        *ret = reply.checkpoint;
    return code;
}

enum rpc_code check_restore(struct check *c, const struct made_up *m, const struct checkpoint_response *of,
                            struct restore_response *ret)
{
    union rpc_request q = { .restore = {
        .sandbox_name = m->sandbox, .sandbox_namespace = m->namespace, .snapshot_uid = of->snapshot_uid,
        .sandbox_uid = m->sandbox_uid, .pod_name = m->pod, .driver_metadata = of->driver_metadata } };
    union rpc_response reply;
    enum rpc_code code = check_call(c, RPC_WORD_RESTORE, &q, call_bound(c), &reply);

    if (code == RPC_OK && ret)
        *ret = reply.restore;
    return code;
}

enum rpc_code check_delete(struct check *c, const struct made_up *m, const char *snapshot_uid,
                           const char *checkpoint_id)
{
    union rpc_request q = { .remove = { .snapshot_uid = snapshot_uid, .checkpoint_id = checkpoint_id,
                                        .sandbox_uid = m->sandbox_uid } };

    return check_call(c, RPC_WORD_DELETE, &q, call_bound(c), NULL);
}

enum rpc_code check_list(struct check *c, const struct made_up *m, struct snapshot_list_response *ret)
{
    union rpc_request q = { .list = { .sandbox_uid = m->sandbox_uid } };
    union rpc_response reply;
    enum rpc_code code = check_call(c, RPC_WORD_LIST, &q, call_bound(c), &reply);

    if (code == RPC_OK && ret)
        *ret = reply.list;
    return code;
}

enum rpc_code check_freeze(struct check *c, const struct made_up *m, bool freeze)
{
    union rpc_request q = { .freeze = {
        .sandbox_name = m->sandbox, .sandbox_namespace = m->namespace, .pod_name = m->pod,
        .sandbox_uid = m->sandbox_uid, .pod_uid = m->pod_uid, .node_name = m->node } };

    return check_call(c, freeze ? RPC_WORD_FREEZE : RPC_WORD_UNFREEZE, &q, call_bound(c), NULL);
}

bool check_restart(struct check *c)
{
    const struct driver_checks_options *o = c->all->options;

    c->all->driver = o->restart ? o->restart(c->co, o->arg) : NULL;
    return c->all->driver != NULL;
}

bool check_can(const struct check *c, enum driver_capability capability)
{
    return c->all->info.capabilities & capability;
}

/* ---- running them ---------------------------------------------------------------------------- */

struct run {
    struct driver_checks *all;
    struct check_result *result;                  /* NULL: the first question, who are you */
    bool done;
};

static bool is_absence(enum rpc_code code)
{
    return code == RPC_UNAVAILABLE || code == RPC_DEADLINE_EXCEEDED;
}

/* Who are you? A driver that does not answer at all is not asked anything else. */
static void ask_info(struct check *c)
{
    struct driver_checks *all = c->all;
    enum rpc_code code = check_info(c, &all->info);
    const struct exchange *x = c->result->exchanges.n ? &c->result->exchanges.v[0] : NULL;

    if (code == RPC_UNIMPLEMENTED)
        all->info = (struct driver_info){ "", "", DRIVER_CHECKPOINT_RESTORE };
    else if (code != RPC_OK)
        all->unreachable = arena_printf(all->arena, "GetDriverInfo: %s: %s", check_code(code),
                                        x ? x->message : "no driver");
}

static void judge(struct check *c)
{
    const struct driver_check *k = c->result->check;
    const struct exchange *last = c->result->exchanges.n
                                      ? &c->result->exchanges.v[c->result->exchanges.n - 1]
                                      : NULL;

    if (!c->failed) {
        c->result->verdict = CHECK_PASS;
        return;
    }
    c->result->verdict = k->level == REQUIREMENT_MUST ? CHECK_FAIL : CHECK_NON_STRICT;
    if (last && is_absence(last->code) && check_info(c, NULL) != RPC_OK &&
        c->result->exchanges.v[c->result->exchanges.n - 1].code != RPC_UNIMPLEMENTED) {
        c->all->unreachable = arena_printf(c->all->arena, "the driver went away during %s: %s", k->name,
                                           last->message);
    }
}

static void check_main(struct co *co, void *arg)
{
    struct run *r = arg;
    struct check c = { .co = co, .arena = arena_new(), .all = r->all, .result = r->result };

    if (r->result->check) {
        r->result->check->run(&c);
        judge(&c);
    } else {
        ask_info(&c);
    }
    arena_free(c.arena);
    r->done = true;
}

static void run_one(struct driver_checks *all, struct check_result *result)
{
    struct run r = { .all = all, .result = result };

    co_spawn(all->proc, result->check ? result->check->name : "info", check_main, &r);
    while (!r.done && world_step(all->options->world, INSTANT_NEVER))
        ;
    assert(r.done);
}

static bool cannot_try(struct driver_checks *all, struct check_result *r)
{
    const struct driver_check *k = r->check;

    if (*all->unreachable) {
        r->verdict = CHECK_ERROR;
        r->message = all->unreachable;
        return true;
    }
    if ((k->needs & all->info.capabilities) != k->needs) {
        r->verdict = CHECK_UNSUPPORTED;
        r->message = "the driver does not declare this capability";
        return true;
    }
    if (k->needs_restart && !all->options->restart) {
        r->verdict = CHECK_UNSUPPORTED;
        r->message = "the suite did not start this driver and cannot restart it";
        return true;
    }
    return false;
}

static struct check_result *new_result(const struct driver_check *k)
{
    struct check_result *r = xcalloc(1, sizeof(*r));

    r->check = k;
    r->message = "";
    return r;
}

static void free_result(struct check_result *r)
{
    for (size_t i = 0; i < r->exchanges.n; i++) {
        json_decref(r->exchanges.v[i].request);
        json_decref(r->exchanges.v[i].reply);
    }
    dyn_release(&r->exchanges);
    free(r);
}

struct driver_checks *driver_checks_run(const struct driver_checks_options *o)
{
    struct driver_checks *all = xcalloc(1, sizeof(*all));
    struct check_result *first = new_result(NULL);

    *all = (struct driver_checks){ .options = o, .driver = o->driver, .arena = arena_new(),
                                   .proc = proc_new(o->world, "checks"), .unreachable = "" };
    all->info = (struct driver_info){ "", "", 0 };
    run_one(all, first);
    free_result(first);
    for (size_t i = 0; i < driver_check_count; i++) {
        struct check_result *r;
        if (o->only && !streq(o->only, driver_check_table[i].name))
            continue;
        r = new_result(&driver_check_table[i]);
        *dyn_push(&all->results) = r;
        if (!cannot_try(all, r))
            run_one(all, r);
        if (o->done)
            o->done(o->arg, r);
    }
    proc_kill(all->proc);
    while (proc_tasks(all->proc) > 0 && world_step(o->world, INSTANT_NEVER))
        ;
    all->proc = proc_free(all->proc);
    return all;
}

struct driver_checks *driver_checks_free(struct driver_checks *d)
{
    if (!d)
        return NULL;
    for (size_t i = 0; i < d->results.n; i++)
        free_result(d->results.v[i]);
    dyn_release(&d->results);
    arena_free(d->arena);
    free(d);
    return NULL;
}

const struct check_result *driver_checks_at(const struct driver_checks *d, size_t i)
{
    return i < d->results.n ? d->results.v[i] : NULL;
}

const struct driver_info *driver_checks_info(const struct driver_checks *d)
{
    return &d->info;
}

const char *driver_checks_unreachable(const struct driver_checks *d)
{
    return d->unreachable;
}
