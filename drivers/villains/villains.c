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

/* ---- honest by default ----------------------------------------------------------------------- */

static enum rpc_code pass_info(struct co *co, struct snapshot_driver *d, struct instant deadline,
                               struct arena *a, struct driver_info *ret, struct rpc_status *st)
{
    return driver_get_info(co, of(d)->inner, deadline, a, ret, st);
}

static enum rpc_code pass_checkpoint(struct co *co, struct snapshot_driver *d,
                                     const struct checkpoint_request *q, struct instant deadline,
                                     struct arena *a, struct checkpoint_response *ret, struct rpc_status *st)
{
    return driver_checkpoint(co, of(d)->inner, q, deadline, a, ret, st);
}

static enum rpc_code pass_restore(struct co *co, struct snapshot_driver *d, const struct restore_request *q,
                                  struct instant deadline, struct arena *a, struct restore_response *ret,
                                  struct rpc_status *st)
{
    return driver_restore(co, of(d)->inner, q, deadline, a, ret, st);
}

static enum rpc_code pass_remove(struct co *co, struct snapshot_driver *d,
                                 const struct snapshot_delete_request *q, struct instant deadline,
                                 struct arena *a, struct rpc_status *st)
{
    return driver_delete(co, of(d)->inner, q, deadline, a, st);
}

static enum rpc_code pass_freeze(struct co *co, struct snapshot_driver *d, const struct freeze_request *q,
                                 struct instant deadline, struct arena *a, struct rpc_status *st)
{
    return driver_freeze(co, of(d)->inner, q, deadline, a, st);
}

static enum rpc_code pass_unfreeze(struct co *co, struct snapshot_driver *d, const struct freeze_request *q,
                                   struct instant deadline, struct arena *a, struct rpc_status *st)
{
    return driver_unfreeze(co, of(d)->inner, q, deadline, a, st);
}

static enum rpc_code pass_list(struct co *co, struct snapshot_driver *d,
                               const struct snapshot_list_request *q, struct instant deadline,
                               struct arena *a, struct snapshot_list_response *ret, struct rpc_status *st)
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

static enum rpc_code nothing_checkpoint(struct co *co, struct snapshot_driver *d,
                                        const struct checkpoint_request *q, struct instant deadline,
                                        struct arena *a, struct checkpoint_response *ret,
                                        struct rpc_status *st)
{
    *ret = (struct checkpoint_response){ .snapshot_uid = "snapshot", .size_bytes = 1 };
    return rpc_ok(st);
}

static enum rpc_code nothing_restore(struct co *co, struct snapshot_driver *d, const struct restore_request *q,
                                     struct instant deadline, struct arena *a, struct restore_response *ret,
                                     struct rpc_status *st)
{
    return rpc_ok(st);
}

static enum rpc_code nothing_remove(struct co *co, struct snapshot_driver *d,
                                    const struct snapshot_delete_request *q, struct instant deadline,
                                    struct arena *a, struct rpc_status *st)
{
    return rpc_ok(st);
}

static enum rpc_code nothing_freeze(struct co *co, struct snapshot_driver *d, const struct freeze_request *q,
                                    struct instant deadline, struct arena *a, struct rpc_status *st)
{
    return rpc_ok(st);
}

static enum rpc_code nothing_list(struct co *co, struct snapshot_driver *d,
                                  const struct snapshot_list_request *q, struct instant deadline,
                                  struct arena *a, struct snapshot_list_response *ret, struct rpc_status *st)
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

static enum rpc_code fresh_checkpoint(struct co *co, struct snapshot_driver *d,
                                      const struct checkpoint_request *q, struct instant deadline,
                                      struct arena *a, struct checkpoint_response *ret,
                                      struct rpc_status *st)
{
    return checkpoint_as(co, of(d), q, arena_printf(a, "%s#%zu", q->checkpoint_id, of(d)->counter++),
                         deadline, a, ret, st);
}

static enum rpc_code forgetful_checkpoint(struct co *co, struct snapshot_driver *d,
                                          const struct checkpoint_request *q, struct instant deadline,
                                          struct arena *a, struct checkpoint_response *ret,
                                          struct rpc_status *st)
{
    return checkpoint_as(co, of(d), q,
                         arena_printf(a, "%s#%x", q->checkpoint_id, (unsigned)of(d)->nonce), deadline, a,
                         ret, st);
}

static enum rpc_code racy_checkpoint(struct co *co, struct snapshot_driver *d,
                                     const struct checkpoint_request *q, struct instant deadline,
                                     struct arena *a, struct checkpoint_response *ret, struct rpc_status *st)
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
static enum rpc_code undead_checkpoint(struct co *co, struct snapshot_driver *d,
                                       const struct checkpoint_request *q, struct instant deadline,
                                       struct arena *a, struct checkpoint_response *ret,
                                       struct rpc_status *st)
{
    enum rpc_code code = driver_checkpoint(co, of(d)->inner, q, deadline, a, ret, st);

    if (code != RPC_FAILED_PRECONDITION)
        return code;
    return checkpoint_as(co, of(d), q, arena_printf(a, "%s#%zu", q->checkpoint_id, of(d)->counter++),
                         deadline, a, ret, st);
}

/* The first artifact of an id is the answer to whoever asks under it. */
static enum rpc_code careless_checkpoint(struct co *co, struct snapshot_driver *d,
                                         const struct checkpoint_request *q, struct instant deadline,
                                         struct arena *a, struct checkpoint_response *ret,
                                         struct rpc_status *st)
{
    const struct record *r = recall_id(of(d), q->checkpoint_id);
    enum rpc_code code = driver_checkpoint(co, of(d)->inner, q, deadline, a, ret, st);

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

static enum rpc_code volatile_checkpoint(struct co *co, struct snapshot_driver *d,
                                         const struct checkpoint_request *q, struct instant deadline,
                                         struct arena *a, struct checkpoint_response *ret,
                                         struct rpc_status *st)
{
    wake_empty(co, of(d), deadline, a);
    return driver_checkpoint(co, of(d)->inner, q, deadline, a, ret, st);
}

static enum rpc_code volatile_restore(struct co *co, struct snapshot_driver *d,
                                      const struct restore_request *q, struct instant deadline,
                                      struct arena *a, struct restore_response *ret, struct rpc_status *st)
{
    wake_empty(co, of(d), deadline, a);
    return driver_restore(co, of(d)->inner, q, deadline, a, ret, st);
}

/* The key in its store is the Sandbox's name: a second artifact replaces the first. */
static enum rpc_code by_name_checkpoint(struct co *co, struct snapshot_driver *d,
                                        const struct checkpoint_request *q, struct instant deadline,
                                        struct arena *a, struct checkpoint_response *ret,
                                        struct rpc_status *st)
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

static enum rpc_code same_uid_checkpoint(struct co *co, struct snapshot_driver *d,
                                         const struct checkpoint_request *q, struct instant deadline,
                                         struct arena *a, struct checkpoint_response *ret,
                                         struct rpc_status *st)
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

static enum rpc_code same_uid_restore(struct co *co, struct snapshot_driver *d,
                                      const struct restore_request *q, struct instant deadline,
                                      struct arena *a, struct restore_response *ret, struct rpc_status *st)
{
    struct restore_request renamed = *q;

    renamed.snapshot_uid = latest(of(d), q->sandbox_uid);
    return driver_restore(co, of(d)->inner, &renamed, deadline, a, ret, st);
}

static enum rpc_code same_uid_remove(struct co *co, struct snapshot_driver *d,
                                     const struct snapshot_delete_request *q, struct instant deadline,
                                     struct arena *a, struct rpc_status *st)
{
    struct snapshot_delete_request renamed = *q;

    if (*q->snapshot_uid)
        renamed.snapshot_uid = latest(of(d), q->sandbox_uid);
    return driver_delete(co, of(d)->inner, &renamed, deadline, a, st);
}

static enum rpc_code empty_uid_checkpoint(struct co *co, struct snapshot_driver *d,
                                          const struct checkpoint_request *q, struct instant deadline,
                                          struct arena *a, struct checkpoint_response *ret,
                                          struct rpc_status *st)
{
    enum rpc_code code = driver_checkpoint(co, of(d)->inner, q, deadline, a, ret, st);

    ret->snapshot_uid = "";
    return code;
}

static enum rpc_code wordy_checkpoint(struct co *co, struct snapshot_driver *d,
                                      const struct checkpoint_request *q, struct instant deadline,
                                      struct arena *a, struct checkpoint_response *ret,
                                      struct rpc_status *st)
{
    enum rpc_code code = driver_checkpoint(co, of(d)->inner, q, deadline, a, ret, st);
    struct kv *v = arena_alloc(a, 65 * sizeof(*v));

    for (size_t i = 0; i < 65; i++)
        v[i] = (struct kv){ arena_printf(a, "key-%03zu", i), "value" };
    ret->driver_metadata = (struct kvmap){ v, 65 };
    return code;
}

/* ---- parameters ------------------------------------------------------------------------------ */

static enum rpc_code lax_checkpoint(struct co *co, struct snapshot_driver *d,
                                    const struct checkpoint_request *q, struct instant deadline,
                                    struct arena *a, struct checkpoint_response *ret, struct rpc_status *st)
{
    struct checkpoint_request plain = *q;
    enum rpc_code code = driver_checkpoint(co, of(d)->inner, q, deadline, a, ret, st);

    if (code != RPC_INVALID_ARGUMENT)
        return code;
    plain.parameters = (struct kvmap){ 0 };
    return driver_checkpoint(co, of(d)->inner, &plain, deadline, a, ret, st);
}

static enum rpc_code strict_checkpoint(struct co *co, struct snapshot_driver *d,
                                       const struct checkpoint_request *q, struct instant deadline,
                                       struct arena *a, struct checkpoint_response *ret,
                                       struct rpc_status *st)
{
    for (size_t i = 0; i < q->parameters.n; i++)
        if (str_starts(q->parameters.v[i].key, "agents.x-k8s.io/"))
            return rpc_fail(a, st, RPC_INVALID_ARGUMENT, "unknown parameter %s", q->parameters.v[i].key);
    return driver_checkpoint(co, of(d)->inner, q, deadline, a, ret, st);
}

static enum rpc_code vague_checkpoint(struct co *co, struct snapshot_driver *d,
                                      const struct checkpoint_request *q, struct instant deadline,
                                      struct arena *a, struct checkpoint_response *ret,
                                      struct rpc_status *st)
{
    enum rpc_code code = driver_checkpoint(co, of(d)->inner, q, deadline, a, ret, st);

    if (code == RPC_INVALID_ARGUMENT || code == RPC_PERMISSION_DENIED)
        return rpc_fail(a, st, RPC_INTERNAL, "something went wrong");
    return code;
}

/* What it refuses it has already written. */
static enum rpc_code partial_checkpoint(struct co *co, struct snapshot_driver *d,
                                        const struct checkpoint_request *q, struct instant deadline,
                                        struct arena *a, struct checkpoint_response *ret,
                                        struct rpc_status *st)
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

static enum rpc_code open_restore(struct co *co, struct snapshot_driver *d, const struct restore_request *q,
                                  struct instant deadline, struct arena *a, struct restore_response *ret,
                                  struct rpc_status *st)
{
    static const struct kv allow[] = { { "allow-cross-restore", "true" } };
    struct restore_request open = *q;

    open.parameters = (struct kvmap){ allow, 1 };
    return driver_restore(co, of(d)->inner, &open, deadline, a, ret, st);
}

static enum rpc_code consuming_restore(struct co *co, struct snapshot_driver *d,
                                       const struct restore_request *q, struct instant deadline,
                                       struct arena *a, struct restore_response *ret, struct rpc_status *st)
{
    enum rpc_code code = driver_restore(co, of(d)->inner, q, deadline, a, ret, st);

    if (code == RPC_OK)
        destroy(co, of(d), q->snapshot_uid, deadline, a);
    return code;
}

/* A shell without its state, and nobody is told. */
static enum rpc_code cold_restore(struct co *co, struct snapshot_driver *d, const struct restore_request *q,
                                  struct instant deadline, struct arena *a, struct restore_response *ret,
                                  struct rpc_status *st)
{
    enum rpc_code code = driver_restore(co, of(d)->inner, q, deadline, a, ret, st);

    return code == RPC_NOT_FOUND ? rpc_ok(st) : code;
}

static enum rpc_code odd_restore(struct co *co, struct snapshot_driver *d, const struct restore_request *q,
                                 struct instant deadline, struct arena *a, struct restore_response *ret,
                                 struct rpc_status *st)
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

static enum rpc_code pedantic_remove(struct co *co, struct snapshot_driver *d,
                                     const struct snapshot_delete_request *q, struct instant deadline,
                                     struct arena *a, struct rpc_status *st)
{
    if ((*q->snapshot_uid || *q->checkpoint_id) && !exists(co, of(d), q, deadline, a))
        return rpc_fail(a, st, RPC_NOT_FOUND, "there is no such snapshot");
    return driver_delete(co, of(d)->inner, q, deadline, a, st);
}

static enum rpc_code eager_remove(struct co *co, struct snapshot_driver *d,
                                  const struct snapshot_delete_request *q, struct instant deadline,
                                  struct arena *a, struct rpc_status *st)
{
    if (*q->snapshot_uid || *q->checkpoint_id)
        return driver_delete(co, of(d)->inner, q, deadline, a, st);
    destroy_all(co, of(d), deadline, a);
    return rpc_ok(st);
}

/* It knows snapshot_uids only: what was made under an id stays. */
static enum rpc_code uid_only_remove(struct co *co, struct snapshot_driver *d,
                                     const struct snapshot_delete_request *q, struct instant deadline,
                                     struct arena *a, struct rpc_status *st)
{
    if (!*q->snapshot_uid && *q->checkpoint_id)
        return rpc_ok(st);
    return driver_delete(co, of(d)->inner, q, deadline, a, st);
}

/* Deletes are noted in memory, and forgotten with it. */
static enum rpc_code hiding_remove(struct co *co, struct snapshot_driver *d,
                                   const struct snapshot_delete_request *q, struct instant deadline,
                                   struct arena *a, struct rpc_status *st)
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

static enum rpc_code hiding_restore(struct co *co, struct snapshot_driver *d, const struct restore_request *q,
                                    struct instant deadline, struct arena *a, struct restore_response *ret,
                                    struct rpc_status *st)
{
    if (recall_uid(of(d), q->snapshot_uid))
        return rpc_fail(a, st, RPC_NOT_FOUND, "there is no snapshot %s", q->snapshot_uid);
    return driver_restore(co, of(d)->inner, q, deadline, a, ret, st);
}

static enum rpc_code hiding_list(struct co *co, struct snapshot_driver *d,
                                 const struct snapshot_list_request *q, struct instant deadline,
                                 struct arena *a, struct snapshot_list_response *ret, struct rpc_status *st)
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

static enum rpc_code sweeping_remove(struct co *co, struct snapshot_driver *d,
                                     const struct snapshot_delete_request *q, struct instant deadline,
                                     struct arena *a, struct rpc_status *st)
{
    enum rpc_code code = driver_delete(co, of(d)->inner, q, deadline, a, st);

    if (code == RPC_OK)
        destroy_all(co, of(d), deadline, a);
    return code;
}

/* ---- GetDriverInfo --------------------------------------------------------------------------- */

static enum rpc_code fickle_info(struct co *co, struct snapshot_driver *d, struct instant deadline,
                                 struct arena *a, struct driver_info *ret, struct rpc_status *st)
{
    enum rpc_code code = driver_get_info(co, of(d)->inner, deadline, a, ret, st);

    ret->name = arena_printf(a, "%s-%zu", ret->name, of(d)->counter++);
    return code;
}

/* ---- the gallery ----------------------------------------------------------------------------- */

#define OPS(info_, checkpoint_, restore_, remove_, freeze_, unfreeze_, list_)                            \
    { .name = "villain", .get_info = info_, .checkpoint = checkpoint_, .restore = restore_,              \
      .remove = remove_, .freeze = freeze_, .unfreeze = unfreeze_, .list = list_, .free = villain_free }
#define CHECKPOINT(fn) OPS(pass_info, fn, pass_restore, pass_remove, pass_freeze, pass_unfreeze, pass_list)
#define RESTORE(fn) OPS(pass_info, pass_checkpoint, fn, pass_remove, pass_freeze, pass_unfreeze, pass_list)
#define REMOVE(fn) OPS(pass_info, pass_checkpoint, pass_restore, fn, pass_freeze, pass_unfreeze, pass_list)

static const struct villain_row rows[] = {
    { "stores-nothing", "DRV-010 DRV-011 DRV-013 DRV-032 DRV-035 DRV-006 DRV-043",
      "answers OK to everything and stores nothing",
      OPS(pass_info, nothing_checkpoint, nothing_restore, nothing_remove, nothing_freeze,
          nothing_freeze, nothing_list) },
    { "new-artifact-on-retry", "DRV-012",
      "makes another artifact when a Checkpoint is repeated",
      CHECKPOINT(fresh_checkpoint) },
    { "forgets-ids", "DRV-012",
      "does not know its checkpoint_ids any more after a restart",
      CHECKPOINT(forgetful_checkpoint) },
    { "races-itself", "DRV-008",
      "makes two artifacts when one Checkpoint comes twice at once",
      CHECKPOINT(racy_checkpoint) },
    { "takes-deleted-ids", "DRV-042",
      "ignores tombstones: a late Checkpoint of a deleted id is stored",
      CHECKPOINT(undead_checkpoint) },
    { "shares-ids", "DRV-013",
      "answers with the first artifact of an id, whoever asks under it",
      CHECKPOINT(careless_checkpoint) },
    { "loses-artifacts", "DRV-010",
      "keeps artifacts in memory: a restart loses them",
      OPS(pass_info, volatile_checkpoint, volatile_restore, pass_remove, pass_freeze,
          pass_unfreeze, pass_list) },
    { "keys-by-name", "DRV-018",
      "keeps one artifact for each Sandbox name: the next replaces it",
      CHECKPOINT(by_name_checkpoint) },
    { "one-uid", "DRV-011",
      "gives every snapshot the same uid",
      OPS(pass_info, same_uid_checkpoint, same_uid_restore, same_uid_remove, pass_freeze,
          pass_unfreeze, pass_list) },
    { "empty-uid", "DRV-011",
      "answers Checkpoint with an empty snapshot_uid",
      CHECKPOINT(empty_uid_checkpoint) },
    { "wordy", "SUS-083",
      "hands out 65 entries of driver_metadata",
      CHECKPOINT(wordy_checkpoint) },
    { "takes-typos", "DRV-006 DRV-017",
      "takes parameters that nobody knows, and unusable targets",
      CHECKPOINT(lax_checkpoint) },
    { "refuses-reserved", "DRV-006",
      "refuses parameters under the controller's own prefix",
      CHECKPOINT(strict_checkpoint) },
    { "vague", "DRV-017 DRV-063",
      "answers INTERNAL where the caller's parameters are wrong",
      CHECKPOINT(vague_checkpoint) },
    { "leaves-partials", "DRV-015",
      "leaves an artifact behind when it refuses a Checkpoint",
      CHECKPOINT(partial_checkpoint) },
    { "restores-for-anyone", "DRV-035",
      "restores a snapshot for a Sandbox that did not make it",
      RESTORE(open_restore) },
    { "restores-once", "DRV-034",
      "removes an artifact when it has been restored",
      RESTORE(consuming_restore) },
    { "cold-boots", "DRV-032",
      "answers OK to the Restore of a snapshot that it does not have",
      RESTORE(cold_restore) },
    { "odd-metadata", "DRV-033",
      "answers Restore with a key of no known form",
      RESTORE(odd_restore) },
    { "fails-unknown-deletes", "DRV-040 DRV-041",
      "answers NOT_FOUND to the Delete of what is not there",
      REMOVE(pedantic_remove) },
    { "deletes-nothing", "DRV-044",
      "answers OK to Delete and removes nothing",
      REMOVE(nothing_remove) },
    { "deletes-by-no-key", "DRV-043",
      "removes everything when Delete names nothing",
      REMOVE(eager_remove) },
    { "keeps-what-ids-name", "DRV-042",
      "ignores checkpoint_id in Delete",
      REMOVE(uid_only_remove) },
    { "undeletes", "DRV-044",
      "remembers deletions in memory: a restart brings the artifacts back",
      OPS(pass_info, pass_checkpoint, hiding_restore, hiding_remove, pass_freeze, pass_unfreeze,
          hiding_list) },
    { "deletes-others", "DRV-018",
      "removes every other artifact together with the one it was asked for",
      REMOVE(sweeping_remove) },
    { "fickle-name", "DRV-004",
      "has another name each time it is asked",
      OPS(fickle_info, pass_checkpoint, pass_restore, pass_remove, pass_freeze, pass_unfreeze,
          pass_list) },
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

struct snapshot_driver *villain_new(const char *name, struct snapshot_driver *inner, struct world *w)
{
    const struct villain_row *row = villain_find(name);
    struct villain *v;

    if (!row)
        return driver_free(inner);
    v = xcalloc(1, sizeof(*v));
    v->base.ops = &row->ops;
    v->inner = inner;
    v->world = w;
    v->nonce = world_identity(w);
    return &v->base;
}
