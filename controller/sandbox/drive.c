#include "controller/sandbox/drive.h"

#define RETRY_BASE DURATION_S(1)
#define RETRY_MAX DURATION_MIN(5)

void drive_init(struct drive *d, struct proc *p, struct workq *queue, const struct objkey *key)
{
    *d = (struct drive){ .proc = p, .queue = queue, .key = key, .arena = arena_new() };
}

void drive_release(struct drive *d)
{
    assert(!d->running);
    free(d->id);
    free(d->failure);
    d->id = d->failure = NULL;
    d->arena = arena_free(d->arena);
}

bool drive_is_about(const struct drive *d, enum drive_kind kind, const char *id)
{
    return d->kind == kind && d->id && streq(d->id, id);
}

bool drive_failed(const struct drive *d, enum drive_kind kind, const char *id)
{
    return drive_is_about(d, kind, id) && d->failures > 0;
}

static void drive_forget(struct drive *d)
{
    d->answered = false;
    d->failures = 0;
    free(d->failure);
    d->failure = NULL;
    d->terminal = d->uncertain = false;
}

static void drive_turn_to(struct drive *d, enum drive_kind kind, const char *id)
{
    if (drive_is_about(d, kind, id))
        return;
    drive_forget(d);
    d->kind = kind;
    free(d->id);
    d->id = xstrdup(id);
}

enum drive_state drive_state(struct drive *d, enum drive_kind kind, const char *id, int64_t generation,
                             uint64_t stamp, struct instant now)
{
    if (d->running)
        return DRIVE_BUSY;
    drive_turn_to(d, kind, id);
    if (d->answered)
        return DRIVE_ANSWERED;
    if (!d->failures || !instant_before(now, d->retry_at))
        return DRIVE_MAY_CALL;
    if (d->terminal && (d->generation != generation || d->stamp != stamp))
        return DRIVE_MAY_CALL;
    return DRIVE_WAITING;
}

struct arena *drive_prepare(struct drive *d)
{
    assert(!d->running && !d->answered);
    arena_reset(d->arena);
    memset(&d->request, 0, sizeof(d->request));
    return d->arena;
}

static enum rpc_code drive_call(struct co *co, struct drive *d, struct instant deadline,
                                struct rpc_status *st)
{
    switch (d->kind) {
    case DRIVE_CHECKPOINT:
        return driver_checkpoint(co, d->driver, &d->request.checkpoint, deadline, d->arena,
                                 &d->checkpointed, st);
    case DRIVE_RESTORE:
        return driver_restore(co, d->driver, &d->request.restore, deadline, d->arena, &d->restored, st);
    case DRIVE_REMOVE:
        return driver_delete(co, d->driver, &d->request.remove, deadline, d->arena, st);
    case DRIVE_FREEZE_POD:
        return driver_freeze(co, d->driver, &d->request.freeze, deadline, d->arena, st);
    case DRIVE_UNFREEZE_POD:
        return driver_unfreeze(co, d->driver, &d->request.freeze, deadline, d->arena, st);
    case DRIVE_NOTHING:
        break;
    }
    return rpc_fail(d->arena, st, RPC_INTERNAL, "nothing to call");
}

static duration drive_deadline(enum drive_kind kind)
{
    static const duration deadlines[] = {                     /* DRV-007 */
        [DRIVE_CHECKPOINT] = DURATION_MIN(5), [DRIVE_RESTORE] = DURATION_MIN(5),
        [DRIVE_REMOVE] = DURATION_MIN(1), [DRIVE_FREEZE_POD] = DURATION_S(10),
        [DRIVE_UNFREEZE_POD] = DURATION_S(10),
    };

    return deadlines[kind];
}

static void drive_run(struct co *co, void *arg)
{
    struct drive *d = arg;
    struct rpc_status st = { 0 };
    enum rpc_code code;

    code = drive_call(co, d, instant_add(co_now(co), drive_deadline(d->kind)), &st);
    d->running = false;
    if (co_cancelled(co))
        return;
    d->answered = true;
    d->code = code;
    d->message = st.message ? st.message : rpc_code_text(code);
    if (rpc_outcome(code) == RPC_OUTCOME_UNKNOWN)
        d->uncertain = true;
    workq_add(d->queue, d->key);
}

void drive_start(struct drive *d, struct snapshot_driver *driver)
{
    static const char *const names[] = {
        [DRIVE_CHECKPOINT] = "checkpoint", [DRIVE_RESTORE] = "restore", [DRIVE_REMOVE] = "remove",
        [DRIVE_FREEZE_POD] = "freeze", [DRIVE_UNFREEZE_POD] = "unfreeze",
    };

    assert(!d->running && !d->answered);
    d->driver = driver;
    d->running = true;
    d->checkpointed = (struct checkpoint_response){ 0 };
    d->restored = (struct restore_response){ 0 };
    co_spawn(d->proc, names[d->kind], drive_run, d);
}

void drive_settle(struct drive *d)
{
    assert(!d->running);
    drive_forget(d);
}

void drive_fail(struct drive *d, const char *message, bool terminal, int64_t generation, uint64_t stamp,
                struct instant now)
{
    duration wait = RETRY_BASE;

    assert(!d->running);
    for (unsigned i = 0; i < d->failures && wait < RETRY_MAX; i++)
        wait *= 2;
    if (terminal || wait > RETRY_MAX)
        wait = RETRY_MAX;
    free(d->failure);
    d->failure = xstrdup(message);
    d->answered = false;
    d->failures++;
    d->terminal = terminal;
    d->generation = generation;
    d->stamp = stamp;
    d->retry_at = instant_add(now, wait);
}

/* ---- string maps ----------------------------------------------------------------------------- */

static int compare_kv(const void *a, const void *b)
{
    const struct kv *x = a, *y = b;

    return strcmp(x->key, y->key);
}

struct kvmap kvmap_from_json(struct arena *arena, const json_t *object)
{
    size_t n = 0;
    struct kv *v = arena_alloc(arena, (json_object_size(object) + 1) * sizeof(*v));
    const char *key;
    json_t *value;

    json_object_foreach ((json_t *)object, key, value)
        if (json_is_string(value))
            v[n++] = (struct kv){ arena_strdup(arena, key), arena_strdup(arena, json_string_value(value)) };
    qsort(v, n, sizeof(*v), compare_kv);
    return (struct kvmap){ v, n };
}

json_t *kvmap_to_json(const struct kvmap *m)
{
    json_t *out = json_object();

    for (size_t i = 0; i < m->n; i++)
        json_object_set_new(out, m->v[i].key, json_string(m->v[i].value));
    return out;
}
