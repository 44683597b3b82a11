#include "drivers/villains/villains.h"

#include <stdio.h>

/* What a villain remembers of a Checkpoint, or of a Delete. */
struct record {
    char *id;                          /* checkpoint_id as the caller wrote it */
    char *uid, *sandbox_uid, *place;   /* place: "namespace/name" */
    bool deleted;
};

struct villain {
    struct snapshot_driver base;
    struct snapshot_driver *inner;
    struct world *world;
    struct guest_host *guests;         /* NULL: blind */
    DYN(struct record) records;
    DYN(char *) running;               /* ids of Checkpoints under way */
    uint64_t nonce;                    /* of this incarnation */
    size_t counter;
    bool woken;                        /* has had its first call */
};

static struct villain *of(struct snapshot_driver *d)
{
    return container_of(d, struct villain, base);
}

/* The calls of the seam, as every villain writes them. */
#define CALL_BY(fn, ...) static enum rpc_code fn(struct co *co, struct snapshot_driver *d, __VA_ARGS__)
#define LATER struct instant deadline, struct arena *a
#define INFO_BY(fn) CALL_BY(fn, LATER, struct driver_info *ret, struct rpc_status *st)
#define CHECKPOINT_BY(fn) \
    CALL_BY(fn, const struct checkpoint_request *q, LATER, struct checkpoint_response *ret, \
            struct rpc_status *st)
#define RESTORE_BY(fn) \
    CALL_BY(fn, const struct restore_request *q, LATER, struct restore_response *ret, \
            struct rpc_status *st)
#define REMOVE_BY(fn) \
    CALL_BY(fn, const struct snapshot_delete_request *q, LATER, struct rpc_status *st)
#define FREEZE_BY(fn) CALL_BY(fn, const struct freeze_request *q, LATER, struct rpc_status *st)
#define LIST_BY(fn) \
    CALL_BY(fn, const struct snapshot_list_request *q, LATER, struct snapshot_list_response *ret, \
            struct rpc_status *st)

/* ---- honest by default ----------------------------------------------------------------------- */

INFO_BY(pass_info)
{
    return driver_get_info(co, of(d)->inner, deadline, a, ret, st);
}

CHECKPOINT_BY(pass_checkpoint)
{
    return driver_checkpoint(co, of(d)->inner, q, deadline, a, ret, st);
}

RESTORE_BY(pass_restore)
{
    return driver_restore(co, of(d)->inner, q, deadline, a, ret, st);
}

REMOVE_BY(pass_remove)
{
    return driver_delete(co, of(d)->inner, q, deadline, a, st);
}

FREEZE_BY(pass_freeze)
{
    return driver_freeze(co, of(d)->inner, q, deadline, a, st);
}

FREEZE_BY(pass_unfreeze)
{
    return driver_unfreeze(co, of(d)->inner, q, deadline, a, st);
}

LIST_BY(pass_list)
{
    return driver_list(co, of(d)->inner, q, deadline, a, ret, st);
}

static void villain_free(struct snapshot_driver *d)
{
    struct villain *v = of(d);

    for (size_t i = 0; i < v->records.n; i++) {
        free(v->records.v[i].id);
        free(v->records.v[i].uid);
        free(v->records.v[i].sandbox_uid);
        free(v->records.v[i].place);
    }
    dyn_release(&v->records);
    dyn_release(&v->running);
    driver_free(v->inner);
    free(v);
}

/* ---- memories -------------------------------------------------------------------------------- */

static struct record *remember(struct villain *v, const struct checkpoint_request *q, const char *uid)
{
    struct record *r = dyn_push(&v->records);

    *r = (struct record){ .id = xstrdup(q->checkpoint_id), .uid = xstrdup(uid),
                          .sandbox_uid = xstrdup(q->sandbox_uid),
                          .place = xasprintf("%s/%s", q->sandbox_namespace, q->sandbox_name) };
    return r;
}

static struct record *recall_id(struct villain *v, const char *id)
{
    for (size_t i = 0; i < v->records.n; i++)
        if (streq(v->records.v[i].id, id))
            return &v->records.v[i];
    return NULL;
}

static struct record *recall_uid(struct villain *v, const char *uid)
{
    for (size_t i = 0; i < v->records.n; i++)
        if (streq(v->records.v[i].uid, uid))
            return &v->records.v[i];
    return NULL;
}

/* Removes without asking whose it is. */
static void destroy(struct co *co, struct villain *v, const char *uid, struct instant deadline, struct arena *a)
{
    struct snapshot_delete_request q = { .snapshot_uid = uid, .checkpoint_id = "", .sandbox_uid = "" };
    struct rpc_status st;

    driver_delete(co, v->inner, &q, deadline, a, &st);
}

static void destroy_all(struct co *co, struct villain *v, struct instant deadline, struct arena *a)
{
    struct snapshot_list_request q = { .sandbox_uid = "" };
    struct snapshot_list_response all = { 0 };
    struct rpc_status st;

    if (driver_list(co, v->inner, &q, deadline, a, &all, &st) != RPC_OK)
        return;
    for (size_t i = 0; i < all.n; i++)
        destroy(co, v, all.v[i].snapshot_uid, deadline, a);
}

/* ---- stores-nothing -------------------------------------------------------------------------- */

CHECKPOINT_BY(nothing_checkpoint)
{
    *ret = (struct checkpoint_response){ .snapshot_uid = "snapshot", .size_bytes = 1 };
    return rpc_ok(st);
}

RESTORE_BY(nothing_restore)
{
    return rpc_ok(st);
}

REMOVE_BY(nothing_remove)
{
    return rpc_ok(st);
}

FREEZE_BY(nothing_freeze)
{
    return rpc_ok(st);
}

LIST_BY(nothing_list)
{
    return rpc_ok(st);
}

/* ---- ids that are not kept: each of these renames the id on its way -------------------------- */

static enum rpc_code checkpoint_as(struct co *co, struct villain *v, const struct checkpoint_request *q,
                                   const char *id, struct instant deadline, struct arena *a,
                                   struct checkpoint_response *ret, struct rpc_status *st)
{
    struct checkpoint_request renamed = *q;

    renamed.checkpoint_id = id;
    return driver_checkpoint(co, v->inner, &renamed, deadline, a, ret, st);
}

CHECKPOINT_BY(fresh_checkpoint)
{
    return checkpoint_as(co, of(d), q, arena_printf(a, "%s#%zu", q->checkpoint_id, of(d)->counter++),
                         deadline, a, ret, st);
}

CHECKPOINT_BY(forgetful_checkpoint)
{
    return checkpoint_as(co, of(d), q,
                         arena_printf(a, "%s#%x", q->checkpoint_id, (unsigned)of(d)->nonce), deadline, a,
                         ret, st);
}

CHECKPOINT_BY(racy_checkpoint)
{
    struct villain *v = of(d);
    const char *id = q->checkpoint_id;

    for (size_t i = 0; i < v->running.n; i++)
        if (streq(v->running.v[i], q->checkpoint_id))
            id = arena_printf(a, "%s#%zu", q->checkpoint_id, v->counter++);
    *dyn_push(&v->running) = (char *)q->checkpoint_id;
    co_yield(co);                      /* long enough for the others to come in */
    co_yield(co);
    checkpoint_as(co, v, q, id, deadline, a, ret, st);
    for (size_t i = 0; i < v->running.n; i++) {
        if (v->running.v[i] != q->checkpoint_id)
            continue;
        v->running.v[i] = v->running.v[--v->running.n];
        break;
    }
    return st->code;
}

/* Any id that was deleted is as good as new. */
CHECKPOINT_BY(undead_checkpoint)
{
    enum rpc_code code = driver_checkpoint(co, of(d)->inner, q, deadline, a, ret, st);

    if (code != RPC_FAILED_PRECONDITION)
        return code;
    return checkpoint_as(co, of(d), q, arena_printf(a, "%s#%zu", q->checkpoint_id, of(d)->counter++),
                         deadline, a, ret, st);
}

/* The first artifact of an id is the answer to whoever asks under it. */
CHECKPOINT_BY(careless_checkpoint)
{
    enum rpc_code code = driver_checkpoint(co, of(d)->inner, q, deadline, a, ret, st);
    const struct record *r = recall_id(of(d), q->checkpoint_id);

    if (code == RPC_OK && !r)
        remember(of(d), q, ret->snapshot_uid);
    if (code != RPC_ALREADY_EXISTS || !r)
        return code;
    *ret = (struct checkpoint_response){ .snapshot_uid = arena_strdup(a, r->uid), .size_bytes = 1 };
    return rpc_ok(st);
}

/* ---- artifacts that do not last, or cannot be told apart ------------------------------------- */

/* Its memory ends with its process: what a former one kept is thrown away at the first call. */
static void wake_empty(struct co *co, struct villain *v, struct instant deadline, struct arena *a)
{
    if (v->woken)
        return;
    v->woken = true;
    destroy_all(co, v, deadline, a);
}

CHECKPOINT_BY(volatile_checkpoint)
{
    wake_empty(co, of(d), deadline, a);
    return driver_checkpoint(co, of(d)->inner, q, deadline, a, ret, st);
}

RESTORE_BY(volatile_restore)
{
    wake_empty(co, of(d), deadline, a);
    return driver_restore(co, of(d)->inner, q, deadline, a, ret, st);
}

/* The key in its store is the Sandbox's name: a second artifact replaces the first. */
CHECKPOINT_BY(by_name_checkpoint)
{
    struct villain *v = of(d);
    const char *place = arena_printf(a, "%s/%s", q->sandbox_namespace, q->sandbox_name);
    enum rpc_code code = driver_checkpoint(co, v->inner, q, deadline, a, ret, st);
    size_t n = v->records.n;

    if (code != RPC_OK || recall_uid(v, ret->snapshot_uid))
        return code;
    remember(v, q, ret->snapshot_uid);
    for (size_t i = 0; i < n; i++) {
        struct record *r = &v->records.v[i];
        if (!streq(r->place, place) || r->deleted)
            continue;
        r->deleted = true;
        destroy(co, v, arena_strdup(a, r->uid), deadline, a);
    }
    return code;
}

CHECKPOINT_BY(same_uid_checkpoint)
{
    enum rpc_code code = driver_checkpoint(co, of(d)->inner, q, deadline, a, ret, st);

    if (code == RPC_OK && !recall_uid(of(d), ret->snapshot_uid))
        remember(of(d), q, ret->snapshot_uid);
    ret->snapshot_uid = "snapshot-1";
    return code;
}

/* "snapshot-1" is the latest one of the Sandbox that asks. */
static const char *latest(struct villain *v, const char *sandbox_uid)
{
    for (size_t i = v->records.n; i-- > 0;)
        if (!*sandbox_uid || streq(v->records.v[i].sandbox_uid, sandbox_uid))
            return v->records.v[i].uid;
    return "nothing";
}

RESTORE_BY(same_uid_restore)
{
    struct restore_request renamed = *q;

    renamed.snapshot_uid = latest(of(d), q->sandbox_uid);
    return driver_restore(co, of(d)->inner, &renamed, deadline, a, ret, st);
}

REMOVE_BY(same_uid_remove)
{
    struct snapshot_delete_request renamed = *q;

    if (*q->snapshot_uid)
        renamed.snapshot_uid = latest(of(d), q->sandbox_uid);
    return driver_delete(co, of(d)->inner, &renamed, deadline, a, st);
}

CHECKPOINT_BY(empty_uid_checkpoint)
{
    enum rpc_code code = driver_checkpoint(co, of(d)->inner, q, deadline, a, ret, st);

    ret->snapshot_uid = "";
    return code;
}

CHECKPOINT_BY(wordy_checkpoint)
{
    enum rpc_code code = driver_checkpoint(co, of(d)->inner, q, deadline, a, ret, st);
    struct kv *v = arena_alloc(a, 65 * sizeof(*v));

    for (size_t i = 0; i < 65; i++)
        v[i] = (struct kv){ arena_printf(a, "key-%03zu", i), "value" };
    ret->driver_metadata = (struct kvmap){ v, 65 };
    return code;
}

/* ---- parameters ------------------------------------------------------------------------------ */

CHECKPOINT_BY(lax_checkpoint)
{
    struct checkpoint_request plain = *q;
    enum rpc_code code = driver_checkpoint(co, of(d)->inner, q, deadline, a, ret, st);

    if (code != RPC_INVALID_ARGUMENT)
        return code;
    plain.parameters = (struct kvmap){ 0 };
    return driver_checkpoint(co, of(d)->inner, &plain, deadline, a, ret, st);
}

CHECKPOINT_BY(strict_checkpoint)
{
    for (size_t i = 0; i < q->parameters.n; i++)
        if (str_starts(q->parameters.v[i].key, "agents.x-k8s.io/"))
            return rpc_fail(a, st, RPC_INVALID_ARGUMENT, "unknown parameter %s", q->parameters.v[i].key);
    return driver_checkpoint(co, of(d)->inner, q, deadline, a, ret, st);
}

CHECKPOINT_BY(vague_checkpoint)
{
    enum rpc_code code = driver_checkpoint(co, of(d)->inner, q, deadline, a, ret, st);

    if (code == RPC_INVALID_ARGUMENT || code == RPC_PERMISSION_DENIED)
        return rpc_fail(a, st, RPC_INTERNAL, "something went wrong");
    return code;
}

/* What it refuses it has already written. */
CHECKPOINT_BY(partial_checkpoint)
{
    struct checkpoint_request plain = *q;
    struct rpc_status ignored;
    enum rpc_code code = driver_checkpoint(co, of(d)->inner, q, deadline, a, ret, st);

    if (code != RPC_INVALID_ARGUMENT || !*q->checkpoint_id)
        return code;
    plain.parameters = (struct kvmap){ 0 };
    plain.checkpoint_id = arena_printf(a, "%s#partial", q->checkpoint_id);
    driver_checkpoint(co, of(d)->inner, &plain, deadline, a, ret, &ignored);
    return code;
}

/* ---- Restore --------------------------------------------------------------------------------- */

RESTORE_BY(open_restore)
{
    static const struct kv allow[] = { { "allow-cross-restore", "true" } };
    struct restore_request open = *q;

    open.parameters = (struct kvmap){ allow, 1 };
    return driver_restore(co, of(d)->inner, &open, deadline, a, ret, st);
}

RESTORE_BY(consuming_restore)
{
    enum rpc_code code = driver_restore(co, of(d)->inner, q, deadline, a, ret, st);

    if (code == RPC_OK)
        destroy(co, of(d), q->snapshot_uid, deadline, a);
    return code;
}

/* A shell without its state, and nobody is told. */
RESTORE_BY(cold_restore)
{
    enum rpc_code code = driver_restore(co, of(d)->inner, q, deadline, a, ret, st);

    return code == RPC_NOT_FOUND ? rpc_ok(st) : code;
}

RESTORE_BY(odd_restore)
{
    static const struct kv odd[] = { { "command", "/bin/restore --now" } };
    enum rpc_code code = driver_restore(co, of(d)->inner, q, deadline, a, ret, st);

    ret->restore_metadata = (struct kvmap){ odd, 1 };
    return code;
}

/* ---- Delete ---------------------------------------------------------------------------------- */

static bool exists(struct co *co, struct villain *v, const struct snapshot_delete_request *q,
                   struct instant deadline, struct arena *a)
{
    struct snapshot_list_request lq = { .sandbox_uid = "" };
    struct snapshot_list_response all = { 0 };
    struct rpc_status st;

    if (driver_list(co, v->inner, &lq, deadline, a, &all, &st) != RPC_OK)
        return true;
    for (size_t i = 0; i < all.n; i++)
        if (streq(all.v[i].snapshot_uid, q->snapshot_uid) ||
            (*q->checkpoint_id && streq(all.v[i].checkpoint_id, q->checkpoint_id)))
            return true;
    return false;
}

REMOVE_BY(pedantic_remove)
{
    if ((*q->snapshot_uid || *q->checkpoint_id) && !exists(co, of(d), q, deadline, a))
        return rpc_fail(a, st, RPC_NOT_FOUND, "there is no such snapshot");
    return driver_delete(co, of(d)->inner, q, deadline, a, st);
}

REMOVE_BY(eager_remove)
{
    if (*q->snapshot_uid || *q->checkpoint_id)
        return driver_delete(co, of(d)->inner, q, deadline, a, st);
    destroy_all(co, of(d), deadline, a);
    return rpc_ok(st);
}

/* It knows snapshot_uids only: what was made under an id stays. */
REMOVE_BY(uid_only_remove)
{
    if (!*q->snapshot_uid && *q->checkpoint_id)
        return rpc_ok(st);
    return driver_delete(co, of(d)->inner, q, deadline, a, st);
}

/* Deletes are noted in memory, and forgotten with it. */
REMOVE_BY(hiding_remove)
{
    struct villain *v = of(d);
    struct checkpoint_request noted = { .checkpoint_id = q->checkpoint_id, .sandbox_uid = q->sandbox_uid,
                                        .sandbox_namespace = "", .sandbox_name = "" };

    if (!*q->snapshot_uid)
        return driver_delete(co, v->inner, q, deadline, a, st);
    if (!recall_uid(v, q->snapshot_uid))
        remember(v, &noted, q->snapshot_uid);
    return rpc_ok(st);
}

RESTORE_BY(hiding_restore)
{
    if (recall_uid(of(d), q->snapshot_uid))
        return rpc_fail(a, st, RPC_NOT_FOUND, "there is no snapshot %s", q->snapshot_uid);
    return driver_restore(co, of(d)->inner, q, deadline, a, ret, st);
}

LIST_BY(hiding_list)
{
    enum rpc_code code = driver_list(co, of(d)->inner, q, deadline, a, ret, st);
    struct snapshot_list_entry *kept = arena_alloc(a, (ret->n + 1) * sizeof(*kept));
    size_t n = 0;

    for (size_t i = 0; code == RPC_OK && i < ret->n; i++)
        if (!recall_uid(of(d), ret->v[i].snapshot_uid))
            kept[n++] = ret->v[i];
    *ret = (struct snapshot_list_response){ kept, n };
    return code;
}

REMOVE_BY(sweeping_remove)
{
    enum rpc_code code = driver_delete(co, of(d)->inner, q, deadline, a, st);

    if (code == RPC_OK)
        destroy_all(co, of(d), deadline, a);
    return code;
}

/* ---- Pods ------------------------------------------------------------------------------------ */

static void set_frozen(struct villain *v, const char *pod_uid, bool frozen)
{
    if (v->guests)
        v->guests->ops->freeze(v->guests, pod_uid, frozen);
}

CHECKPOINT_BY(running_checkpoint)
{
    enum rpc_code code = driver_checkpoint(co, of(d)->inner, q, deadline, a, ret, st);

    if (code == RPC_OK)
        set_frozen(of(d), q->pod_uid, false);
    return code;
}

/* The first attempt under each id fails, and its Pod stays as the attempt left it. */
CHECKPOINT_BY(stuck_checkpoint)
{
    if (!of(d)->guests || recall_id(of(d), q->checkpoint_id))
        return driver_checkpoint(co, of(d)->inner, q, deadline, a, ret, st);
    remember(of(d), q, "");
    set_frozen(of(d), q->pod_uid, true);
    return rpc_fail(a, st, RPC_RESOURCE_EXHAUSTED, "no space left");
}

/* Whoever has the Pod's name now will do. */
CHECKPOINT_BY(any_pod_checkpoint)
{
    struct villain *v = of(d);
    struct checkpoint_request other = *q;
    char uid[64] = "";

    if (v->guests &&
        v->guests->ops->lookup(v->guests, q->sandbox_namespace, q->pod_name, uid) != GUEST_ABSENT)
        other.pod_uid = uid;
    return driver_checkpoint(co, v->inner, &other, deadline, a, ret, st);
}

RESTORE_BY(blank_restore)
{
    static const char blank[] = "{\"memory\":{},\"steps\":0}";
    struct guest_host *guests = of(d)->guests;
    enum rpc_code code = driver_restore(co, of(d)->inner, q, deadline, a, ret, st);

    if (code == RPC_OK && guests)
        guests->ops->offer(guests, q->snapshot_uid, blank, strlen(blank));
    return code;
}

/* ---- GetDriverInfo --------------------------------------------------------------------------- */

INFO_BY(fickle_info)
{
    enum rpc_code code = driver_get_info(co, of(d)->inner, deadline, a, ret, st);

    ret->name = arena_printf(a, "%s-%zu", ret->name, of(d)->counter++);
    return code;
}

/* ---- the gallery ----------------------------------------------------------------------------- */

#define OPS(info_, checkpoint_, restore_, remove_, freeze_, unfreeze_, list_) \
    { .name = "villain", .get_info = info_, .checkpoint = checkpoint_, .restore = restore_, \
      .remove = remove_, .freeze = freeze_, .unfreeze = unfreeze_, .list = list_, \
      .free = villain_free }
#define CHECKPOINT(fn) \
    OPS(pass_info, fn, pass_restore, pass_remove, pass_freeze, pass_unfreeze, pass_list)
#define RESTORE(fn) \
    OPS(pass_info, pass_checkpoint, fn, pass_remove, pass_freeze, pass_unfreeze, pass_list)
#define REMOVE(fn) \
    OPS(pass_info, pass_checkpoint, pass_restore, fn, pass_freeze, pass_unfreeze, pass_list)

static const struct villain_row rows[] = {
    { "stores-nothing", "DRV-010 DRV-011 DRV-013 DRV-032 DRV-035 DRV-006 DRV-043",
      "answers OK to everything and stores nothing",
      false, OPS(pass_info, nothing_checkpoint, nothing_restore, nothing_remove, nothing_freeze,
          nothing_freeze, nothing_list) },
    { "new-artifact-on-retry", "DRV-012",
      "makes another artifact when a Checkpoint is repeated",
      false, CHECKPOINT(fresh_checkpoint) },
    { "forgets-ids", "DRV-012",
      "does not know its checkpoint_ids any more after a restart",
      false, CHECKPOINT(forgetful_checkpoint) },
    { "races-itself", "DRV-008",
      "makes two artifacts when one Checkpoint comes twice at once",
      false, CHECKPOINT(racy_checkpoint) },
    { "takes-deleted-ids", "DRV-042",
      "ignores tombstones: a late Checkpoint of a deleted id is stored",
      false, CHECKPOINT(undead_checkpoint) },
    { "shares-ids", "DRV-013",
      "answers with the first artifact of an id, whoever asks under it",
      false, CHECKPOINT(careless_checkpoint) },
    { "loses-artifacts", "DRV-010",
      "keeps artifacts in memory: a restart loses them",
      false, OPS(pass_info, volatile_checkpoint, volatile_restore, pass_remove, pass_freeze,
          pass_unfreeze, pass_list) },
    { "keys-by-name", "DRV-018",
      "keeps one artifact for each Sandbox name: the next replaces it",
      false, CHECKPOINT(by_name_checkpoint) },
    { "one-uid", "DRV-011",
      "gives every snapshot the same uid",
      false, OPS(pass_info, same_uid_checkpoint, same_uid_restore, same_uid_remove, pass_freeze,
          pass_unfreeze, pass_list) },
    { "empty-uid", "DRV-011",
      "answers Checkpoint with an empty snapshot_uid",
      false, CHECKPOINT(empty_uid_checkpoint) },
    { "wordy", "SUS-083",
      "hands out 65 entries of driver_metadata",
      false, CHECKPOINT(wordy_checkpoint) },
    { "takes-typos", "DRV-006 DRV-017",
      "takes parameters that nobody knows, and unusable targets",
      false, CHECKPOINT(lax_checkpoint) },
    { "refuses-reserved", "DRV-006",
      "refuses parameters under the controller's own prefix",
      false, CHECKPOINT(strict_checkpoint) },
    { "vague", "DRV-017 DRV-063",
      "answers INTERNAL where the caller's parameters are wrong",
      false, CHECKPOINT(vague_checkpoint) },
    { "leaves-partials", "DRV-015",
      "leaves an artifact behind when it refuses a Checkpoint",
      false, CHECKPOINT(partial_checkpoint) },
    { "restores-for-anyone", "DRV-035",
      "restores a snapshot for a Sandbox that did not make it",
      false, RESTORE(open_restore) },
    { "restores-once", "DRV-034",
      "removes an artifact when it has been restored",
      false, RESTORE(consuming_restore) },
    { "cold-boots", "DRV-032",
      "answers OK to the Restore of a snapshot that it does not have",
      false, RESTORE(cold_restore) },
    { "odd-metadata", "DRV-033",
      "answers Restore with a key of no known form",
      false, RESTORE(odd_restore) },
    { "fails-unknown-deletes", "DRV-040 DRV-041",
      "answers NOT_FOUND to the Delete of what is not there",
      false, REMOVE(pedantic_remove) },
    { "deletes-nothing", "DRV-044",
      "answers OK to Delete and removes nothing",
      false, REMOVE(nothing_remove) },
    { "deletes-by-no-key", "DRV-043",
      "removes everything when Delete names nothing",
      false, REMOVE(eager_remove) },
    { "keeps-what-ids-name", "DRV-042",
      "ignores checkpoint_id in Delete",
      false, REMOVE(uid_only_remove) },
    { "undeletes", "DRV-044",
      "remembers deletions in memory: a restart brings the artifacts back",
      false, OPS(pass_info, pass_checkpoint, hiding_restore, hiding_remove, pass_freeze, pass_unfreeze,
          hiding_list) },
    { "deletes-others", "DRV-018",
      "removes every other artifact together with the one it was asked for",
      false, REMOVE(sweeping_remove) },
    { "fickle-name", "DRV-004",
      "has another name each time it is asked",
      false, OPS(fickle_info, pass_checkpoint, pass_restore, pass_remove, pass_freeze, pass_unfreeze,
          pass_list) },
    { "lets-run-on", "DRV-014", "lets the workload run on after a Checkpoint", true,
      CHECKPOINT(running_checkpoint) },
    { "leaves-frozen", "DRV-015", "leaves the workload frozen when a Checkpoint fails", true,
      CHECKPOINT(stuck_checkpoint) },
    { "takes-any-pod", "DRV-016", "checkpoints whatever Pod has the name now", true,
      CHECKPOINT(any_pod_checkpoint) },
    { "restores-blank", "DRV-010 DRV-032", "restores an empty memory", true, RESTORE(blank_restore) },
    { "freezes-nothing", "DRV-050", "answers OK to Freeze and freezes nothing", true,
      OPS(pass_info, pass_checkpoint, pass_restore, pass_remove, nothing_freeze, pass_unfreeze, pass_list) },
    { "never-thaws", "DRV-041 DRV-051", "answers OK to Unfreeze and lets nothing go", true,
      OPS(pass_info, pass_checkpoint, pass_restore, pass_remove, pass_freeze, nothing_freeze, pass_list) },
};

const struct villain_row *villain_rows(size_t *ret_n)
{
    *ret_n = ARRAY_SIZE(rows);
    return rows;
}

const struct villain_row *villain_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (streq(rows[i].name, name))
            return &rows[i];
    return NULL;
}

struct snapshot_driver *villain_new_beside(const char *name, struct snapshot_driver *inner, struct world *w,
                                           struct guest_host *guests)
{
    const struct villain_row *row = villain_find(name);
    struct villain *v;

    if (!row)
        return driver_free(inner);
    v = xcalloc(1, sizeof(*v));
    v->base.ops = &row->ops;
    v->inner = inner;
    v->world = w;
    v->guests = guests;
    v->nonce = world_identity(w);
    return &v->base;
}

struct snapshot_driver *villain_new(const char *name, struct snapshot_driver *inner, struct world *w)
{
    return villain_new_beside(name, inner, w, NULL);
}
