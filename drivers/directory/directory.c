#include "drivers/directory/directory.h"

#include <stdio.h>

#include "drivers/directory/params_priv.h"
#include "drivers/directory/store_priv.h"

/* A key that a call holds: a checkpoint_id, or a Pod. Others wait for it (DRV-008). */
struct lock {
    char *key;
    struct waitq waiting;
    size_t users;                      /* who holds it and who waits */
    bool held;
    struct lock *next;
};

struct directory_driver {
    struct snapshot_driver base;
    struct directory_driver_options o;
    char *name;
    struct artifacts *store;
    struct lock *locks;
};

static struct directory_driver *of(struct snapshot_driver *d)
{
    return container_of(d, struct directory_driver, base);
}

/* ---- locks ----------------------------------------------------------------------------------- */

static struct lock *lock_find(struct directory_driver *dd, const char *key)
{
    struct lock *l;

    for (l = dd->locks; l; l = l->next)
        if (streq(l->key, key))
            return l;
    l = xcalloc(1, sizeof(*l));
    l->key = xstrdup(key);
    l->next = dd->locks;
    dd->locks = l;
    return l;
}

static void lock_drop_user(struct directory_driver *dd, struct lock *l)
{
    struct lock **at = &dd->locks;

    if (--l->users)
        return;
    while (*at != l)
        at = &(*at)->next;
    *at = l->next;
    free(l->key);
    free(l);
}

/* The lock, or NULL with `st` set: the deadline passed while another call held it. */
static struct lock *lock_take(struct co *co, struct directory_driver *dd, const char *kind, const char *key,
                              struct instant deadline, struct arena *a, struct rpc_status *st)
{
    struct lock *l = lock_find(dd, arena_printf(a, "%s %s", kind, key));

    l->users++;
    while (l->held) {
        int r = waitq_wait_until(co, &l->waiting, deadline);
        if (r == 0)
            continue;
        lock_drop_user(dd, l);
        if (r == -ERR_CANCELLED)
            rpc_fail(a, st, RPC_CANCELLED, "cancelled");
        else
            rpc_fail(a, st, RPC_ABORTED, "another call for this %s is under way", kind);
        return NULL;
    }
    l->held = true;
    return l;
}

static void lock_give(struct directory_driver *dd, struct lock *l)
{
    if (!l)
        return;
    l->held = false;
    waitq_wake_one(&l->waiting);
    lock_drop_user(dd, l);
}

/* ---- beginnings that all calls share --------------------------------------------------------- */

static void thaw(void *arg, const char *pod_uid)
{
    struct directory_driver *dd = arg;

    if (dd->o.guests)
        dd->o.guests->ops->freeze(dd->o.guests, pod_uid, false);
}

/* What an error of the disk means to a caller. `undone`: nothing of the call is left. */
static enum rpc_code disk_trouble(struct arena *a, struct rpc_status *st, int r, const struct err *e,
                                  bool undone)
{
    enum rpc_code code = r == -ERR_CANCELLED ? RPC_CANCELLED
                         : !undone ? RPC_INTERNAL
                         : r == -ERR_FULL ? RPC_RESOURCE_EXHAUSTED : RPC_ABORTED;

    return rpc_fail(a, st, code, "%s%s", err_message(e),
                    code == RPC_INTERNAL ? " (and it could not be undone: the outcome is unknown)" : "");
}

static enum rpc_code begin(struct co *co, struct directory_driver *dd, const struct kvmap *parameters,
                           struct instant deadline, struct arena *a, struct rpc_status *st)
{
    struct err e = ERR_IN(a);
    int r;

    if (params_check(parameters, a, st) != RPC_OK)
        return st->code;
    if (!instant_before(world_now(dd->o.world), deadline))
        return rpc_fail(a, st, RPC_DEADLINE_EXCEEDED, "the deadline passed before the call began");
    r = artifacts_open(co, dd->store, thaw, dd, &e);
    if (r == -ERR_CANCELLED)
        return rpc_fail(a, st, RPC_CANCELLED, "cancelled");
    if (r < 0)
        return rpc_fail(a, st, RPC_UNAVAILABLE, "%s", err_message(&e));
    return rpc_ok(st);
}

/* A field that must be there: RPC_OK or INVALID_ARGUMENT. Ids become part of a file's name. */
static enum rpc_code need(struct arena *a, struct rpc_status *st, const char *field, const char *value,
                          bool is_id)
{
    if (!*value)
        return rpc_fail(a, st, RPC_INVALID_ARGUMENT, "%s is required", field);
    if (!params_text_ok(value))
        return rpc_fail(a, st, RPC_INVALID_ARGUMENT, "%s is not UTF-8 text, or too long", field);
    if (is_id && !artifacts_id_ok(value))
        return rpc_fail(a, st, RPC_INVALID_ARGUMENT, "%s is longer than a file's name can hold", field);
    return rpc_ok(st);
}

/* ---- Pods ------------------------------------------------------------------------------------ */

/* Blind, with a directory "pods" on the disk: pods/NAMESPACE~NAME holds "UID STATE". */
static enum guest_state blind_lookup(struct co *co, struct directory_driver *dd, const char *namespace,
                                     const char *pod, const char *pod_uid, char ret_uid[64], struct arena *a)
{
    cleanup_buf struct buf b = BUF_INIT;
    const char *const *names;
    size_t n;
    char state[16] = "";

    if (disk_list(co, dd->o.disk, "pods", a, &names, &n, NULL) < 0) {
        snprintf(ret_uid, 64, "%s", pod_uid);
        return GUEST_RUNNING;          /* the request's word for it */
    }
    if (strchr(namespace, '/') || strchr(pod, '/') ||
        disk_read_file(co, dd->o.disk, arena_printf(a, "pods/%s~%s", namespace, pod), 256, &b, NULL) < 0)
        return GUEST_ABSENT;
    sscanf(b.data ? b.data : "", "%63s %15s", ret_uid, state);
    return streq(state, "Running") ? GUEST_RUNNING : streq(state, "Frozen") ? GUEST_FROZEN
                                                                          : GUEST_NOT_RUNNING;
}

/* The state of the Pod that the request means; ABSENT where another has its name now. */
static enum guest_state look_up(struct co *co, struct directory_driver *dd, const char *namespace,
                                const char *pod, const char *pod_uid, bool *ret_other, struct arena *a)
{
    char uid[64] = "";
    enum guest_state state = dd->o.guests
                                 ? dd->o.guests->ops->lookup(dd->o.guests, namespace, pod, uid)
                                 : blind_lookup(co, dd, namespace, pod, pod_uid, uid, a);

    *ret_other = state != GUEST_ABSENT && strncmp(uid, pod_uid, sizeof(uid) - 1) != 0;
    return state;
}

/* DRV-016: RPC_OK where the Pod can be frozen or captured. */
static enum rpc_code need_pod(struct co *co, struct directory_driver *dd, const char *namespace,
                              const char *pod, const char *pod_uid, bool *ret_was_running, struct arena *a,
                              struct rpc_status *st)
{
    bool other;
    enum guest_state state = look_up(co, dd, namespace, pod, pod_uid, &other, a);

    *ret_was_running = state == GUEST_RUNNING;
    if (state == GUEST_ABSENT)
        return rpc_fail(a, st, RPC_NOT_FOUND, "there is no Pod %s/%s", namespace, pod);
    if (other)
        return rpc_fail(a, st, RPC_FAILED_PRECONDITION, "Pod %s/%s is not the one with uid %s", namespace, pod,
                        pod_uid);
    if (state == GUEST_NOT_RUNNING)
        return rpc_fail(a, st, RPC_FAILED_PRECONDITION, "Pod %s/%s is not running", namespace, pod);
    return rpc_ok(st);
}

/* ---- Checkpoint ------------------------------------------------------------------------------ */

static void describe(const struct artifact *art, struct arena *a, struct checkpoint_response *ret)
{
    struct kv *v = arena_alloc(a, 2 * sizeof(*v));

    v[0] = (struct kv){ "checksum", arena_strdup(a, art->metadata_checksum) };
    v[1] = (struct kv){ "format", "directory/1" };
    *ret = (struct checkpoint_response){ .snapshot_uid = arena_strdup(a, art->snapshot_uid),
                                         .size_bytes = art->size_bytes,
                                         .creation_time_unix_ms = art->creation_time_unix_ms,
                                         .driver_metadata = { v, 2 } };
}

/* The id has been answered OK before (DRV-012, DRV-013). */
static enum rpc_code answer_again(const struct artifact *art, const struct checkpoint_request *q,
                                  struct arena *a, struct checkpoint_response *ret, struct rpc_status *st)
{
    const char *differs = !streq(art->sandbox_uid, q->sandbox_uid) ? "sandbox_uid"
                          : art->corrupt ? NULL
                          : !streq(art->pod_uid, q->pod_uid) ? "pod_uid"
                          : !kvmap_equal(&art->parameters, &q->parameters) ? "parameters" : NULL;

    if (differs)
        return rpc_fail(a, st, RPC_ALREADY_EXISTS, "checkpoint_id %s has been used with other %s",
                        q->checkpoint_id, differs);
    if (art->dying)
        return rpc_fail(a, st, RPC_ABORTED, "checkpoint_id %s is being deleted", q->checkpoint_id);
    if (art->corrupt)
        return rpc_fail(a, st, RPC_DATA_LOSS, "the artifact of checkpoint_id %s is damaged",
                        q->checkpoint_id);
    describe(art, a, ret);
    return rpc_ok(st);
}

/* The Pod as bytes: stopped and captured, or (blind) what the request says of it. */
static enum rpc_code capture(struct directory_driver *dd, const struct checkpoint_request *q,
                             struct buf *image, struct arena *a, struct rpc_status *st)
{
    struct guest_host *h = dd->o.guests;

    if (!h) {
        buf_printf(image, "{\"blind\":true,\"podUID\":\"%s\"}\n", q->pod_uid);
        return rpc_ok(st);
    }
    if (h->ops->freeze(h, q->pod_uid, true) < 0)
        return rpc_fail(a, st, RPC_NOT_FOUND, "Pod %s/%s went away", q->sandbox_namespace, q->pod_name);
    if (h->ops->capture(h, q->pod_uid, image) < 0)
        return rpc_fail(a, st, RPC_FAILED_PRECONDITION, "Pod %s/%s cannot be captured",
                        q->sandbox_namespace, q->pod_name);
    return rpc_ok(st);
}

/* DRV-015: runs again as before, and nothing is left. A dead process does nothing any more. */
static enum rpc_code take_back(struct co *co, struct directory_driver *dd,
                               const struct checkpoint_request *q, bool was_running, int r,
                               const struct err *why, struct arena *a, struct rpc_status *st)
{
    struct err e = ERR_IN(a);
    int undone;

    if (co_cancelled(co))
        return rpc_fail(a, st, RPC_CANCELLED, "cancelled");
    undone = artifacts_abort(co, dd->store, q->sandbox_uid, q->checkpoint_id, q->pod_uid, was_running, &e);
    if (undone >= 0 && was_running)
        thaw(dd, q->pod_uid);
    if (r < 0)
        return disk_trouble(a, st, r, why, undone >= 0);
    return undone < 0 ? disk_trouble(a, st, undone, &e, false) : st->code;
}

/* An attempt of this id failed before and could not be undone then. */
static int settle(struct co *co, struct directory_driver *dd, const char *checkpoint_id, struct arena *a,
                  struct err *e)
{
    const struct blocked *b = artifacts_blocked(dd->store, checkpoint_id);
    const char *pod_uid = b ? arena_strdup(a, b->pod_uid) : NULL;
    bool was_running = b && b->was_running;
    int r = b ? artifacts_abort(co, dd->store, arena_strdup(a, b->sandbox_uid), checkpoint_id, pod_uid,
                            was_running, e)
              : 0;

    if (r >= 0 && was_running)
        thaw(dd, pod_uid);
    return r;
}

static enum rpc_code attempt(struct co *co, struct directory_driver *dd, const struct checkpoint_request *q,
                             bool was_running, struct arena *a, struct checkpoint_response *ret,
                             struct rpc_status *st)
{
    cleanup_buf struct buf image = BUF_INIT;
    struct artifact *art = NULL;
    struct err e = ERR_IN(a);
    char uuid[37];
    int r = artifacts_begin(co, dd->store, q->sandbox_uid, q->checkpoint_id, q->pod_uid, was_running, &e);

    if (r < 0)                         /* nothing is frozen yet, but its intent may say so later */
        return take_back(co, dd, q, was_running, r, &e, a, st);
    if (capture(dd, q, &image, a, st) != RPC_OK)
        return take_back(co, dd, q, was_running, 0, &e, a, st);
    world_uuid(dd->o.world, uuid);
    r = artifacts_commit(co, dd->store, q, uuid, image.data, image.len, &art, &e);
    if (r < 0)
        return take_back(co, dd, q, was_running, r, &e, a, st);
    describe(art, a, ret);
    return rpc_ok(st);
}

static enum rpc_code checkpoint_locked(struct co *co, struct directory_driver *dd,
                                       const struct checkpoint_request *q, struct arena *a,
                                       struct checkpoint_response *ret, struct rpc_status *st)
{
    const struct artifact *art = artifacts_by_id(dd->store, q->checkpoint_id);
    struct err e = ERR_IN(a);
    bool was_running;
    int r;

    if (art)
        return answer_again(art, q, a, ret, st);
    if (artifacts_tombstoned(dd->store, q->sandbox_uid, q->checkpoint_id))
        return rpc_fail(a, st, RPC_FAILED_PRECONDITION, "checkpoint_id %s has been deleted",
                        q->checkpoint_id);
    r = settle(co, dd, q->checkpoint_id, a, &e);
    if (r < 0)
        return disk_trouble(a, st, r, &e, false);
    if (need_pod(co, dd, q->sandbox_namespace, q->pod_name, q->pod_uid, &was_running, a, st) != RPC_OK)
        return st->code;
    return attempt(co, dd, q, was_running, a, ret, st);
}

static enum rpc_code directory_checkpoint(struct co *co, struct snapshot_driver *d,
                                          const struct checkpoint_request *q, struct instant deadline,
                                          struct arena *a, struct checkpoint_response *ret,
                                          struct rpc_status *st)
{
    struct directory_driver *dd = of(d);
    struct lock *id, *pod = NULL;

    if (need(a, st, "checkpoint_id", q->checkpoint_id, true) != RPC_OK ||
        need(a, st, "sandbox_uid", q->sandbox_uid, true) != RPC_OK ||
        need(a, st, "sandbox_name", q->sandbox_name, false) != RPC_OK ||
        need(a, st, "sandbox_namespace", q->sandbox_namespace, false) != RPC_OK ||
        need(a, st, "pod_name", q->pod_name, false) != RPC_OK ||
        need(a, st, "pod_uid", q->pod_uid, true) != RPC_OK ||
        begin(co, dd, &q->parameters, deadline, a, st) != RPC_OK ||
        params_check_target(&q->parameters, dd->o.buckets, dd->o.n_buckets, a, st) != RPC_OK)
        return st->code;
    id = lock_take(co, dd, "checkpoint_id", q->checkpoint_id, deadline, a, st);
    if (id)
        pod = lock_take(co, dd, "Pod", q->pod_uid, deadline, a, st);
    if (pod)
        checkpoint_locked(co, dd, q, a, ret, st);
    lock_give(dd, pod);
    lock_give(dd, id);
    return st->code;
}

/* ---- Restore --------------------------------------------------------------------------------- */

static enum rpc_code restore_locked(struct co *co, struct directory_driver *dd, const struct artifact *art,
                                    struct arena *a, struct restore_response *ret, struct rpc_status *st)
{
    cleanup_buf struct buf image = BUF_INIT;
    const char *uid = arena_strdup(a, art->snapshot_uid);
    struct kv *v = arena_alloc(a, sizeof(*v));
    struct err e = ERR_IN(a);
    int r = artifacts_read(co, dd->store, art, &image, &e);

    if (r == -ERR_PROTOCOL)
        return rpc_fail(a, st, RPC_DATA_LOSS, "snapshot %s: %s", uid, err_message(&e));
    if (r < 0)
        return disk_trouble(a, st, r, &e, true);
    if (dd->o.guests)
        dd->o.guests->ops->offer(dd->o.guests, uid, image.data, image.len);
    v[0] = (struct kv){ "annotation/" DIRECTORY_DRIVER_NAME "/snapshot-uid", uid };
    ret->restore_metadata = (struct kvmap){ v, 1 };
    return rpc_ok(st);
}

static bool cross_restore_allowed(const struct kvmap *parameters)
{
    const char *value = kvmap_get(parameters, CROSS_RESTORE);

    return value && streq(value, "true");
}

static struct artifact *live(struct directory_driver *dd, const char *snapshot_uid)
{
    struct artifact *art = artifacts_by_uid(dd->store, snapshot_uid);

    return art && !art->dying ? art : NULL;
}

static enum rpc_code directory_restore(struct co *co, struct snapshot_driver *d,
                                       const struct restore_request *q, struct instant deadline,
                                       struct arena *a, struct restore_response *ret, struct rpc_status *st)
{
    struct directory_driver *dd = of(d);
    const struct artifact *art;
    struct lock *id = NULL;

    if (need(a, st, "snapshot_uid", q->snapshot_uid, false) != RPC_OK ||
        need(a, st, "sandbox_uid", q->sandbox_uid, false) != RPC_OK ||
        begin(co, dd, &q->parameters, deadline, a, st) != RPC_OK)
        return st->code;
    art = live(dd, q->snapshot_uid);
    if (art) {
        id = lock_take(co, dd, "checkpoint_id", art->checkpoint_id, deadline, a, st);
        if (!id)
            return st->code;
        art = live(dd, q->snapshot_uid);         /* a Delete may have been before us */
    }
    if (!art)
        rpc_fail(a, st, RPC_NOT_FOUND, "there is no snapshot %s", q->snapshot_uid);
    else if (!streq(art->sandbox_uid, q->sandbox_uid) && !cross_restore_allowed(&q->parameters))
        rpc_fail(a, st, RPC_PERMISSION_DENIED, "snapshot %s is another Sandbox's", q->snapshot_uid);
    else
        restore_locked(co, dd, art, a, ret, st);
    lock_give(dd, id);
    return st->code;
}

/* ---- Delete ---------------------------------------------------------------------------------- */

/* Removes what there is under the id, now and later; the id's lock is held. */
static enum rpc_code delete_locked(struct co *co, struct directory_driver *dd, const char *checkpoint_id,
                                   const char *sandbox_uid, struct arena *a, struct rpc_status *st)
{
    struct artifact *art = artifacts_by_id(dd->store, checkpoint_id);
    const char *uid, *pod_uid;
    struct err e = ERR_IN(a);
    int r;

    if (art && *sandbox_uid && !streq(art->sandbox_uid, sandbox_uid))
        return rpc_fail(a, st, RPC_PERMISSION_DENIED, "checkpoint_id %s is another Sandbox's", checkpoint_id);
    r = artifacts_bury(co, dd->store, *sandbox_uid || !art ? sandbox_uid : art->sandbox_uid, checkpoint_id, &e);
    if (r >= 0)
        r = settle(co, dd, checkpoint_id, a, &e);
    if (r >= 0 && art) {
        uid = arena_strdup(a, art->snapshot_uid);
        pod_uid = arena_strdup(a, art->pod_uid);
        r = artifacts_remove(co, dd->store, art, &e);
        if (r >= 0 && dd->o.guests)
            dd->o.guests->ops->withdraw(dd->o.guests, uid);
        /* Its source has no other memory of itself now than the one it has: let it live. */
        if (r >= 0 && !artifacts_pod_is_source(dd->store, pod_uid))
            thaw(dd, pod_uid);
    }
    return r < 0 ? disk_trouble(a, st, r, &e, false) : rpc_ok(st);
}

static enum rpc_code delete_id(struct co *co, struct directory_driver *dd, const char *checkpoint_id,
                               const char *sandbox_uid, struct instant deadline, struct arena *a,
                               struct rpc_status *st)
{
    struct lock *id = lock_take(co, dd, "checkpoint_id", checkpoint_id, deadline, a, st);

    if (id)
        delete_locked(co, dd, checkpoint_id, sandbox_uid, a, st);
    lock_give(dd, id);
    return st->code;
}

static enum rpc_code directory_remove(struct co *co, struct snapshot_driver *d,
                                      const struct snapshot_delete_request *q, struct instant deadline,
                                      struct arena *a, struct rpc_status *st)
{
    struct directory_driver *dd = of(d);
    const struct artifact *art;
    const char *own_id = NULL;

    if (!*q->snapshot_uid && !*q->checkpoint_id)
        return rpc_fail(a, st, RPC_INVALID_ARGUMENT, "snapshot_uid or checkpoint_id is required");
    if ((*q->checkpoint_id && need(a, st, "checkpoint_id", q->checkpoint_id, true) != RPC_OK) ||
        (*q->sandbox_uid && need(a, st, "sandbox_uid", q->sandbox_uid, true) != RPC_OK) ||
        begin(co, dd, &q->parameters, deadline, a, st) != RPC_OK)
        return st->code;
    art = artifacts_by_uid(dd->store, q->snapshot_uid);
    if (art && *q->sandbox_uid && !streq(art->sandbox_uid, q->sandbox_uid))
        return rpc_fail(a, st, RPC_PERMISSION_DENIED, "snapshot %s is another Sandbox's", q->snapshot_uid);
    if (art)
        own_id = arena_strdup(a, art->checkpoint_id);
    rpc_ok(st);
    if (own_id)
        delete_id(co, dd, own_id, q->sandbox_uid, deadline, a, st);
    if (st->code == RPC_OK && *q->checkpoint_id && !(own_id && streq(own_id, q->checkpoint_id)))
        delete_id(co, dd, q->checkpoint_id, q->sandbox_uid, deadline, a, st);
    return st->code;
}

/* ---- Freeze, Unfreeze ------------------------------------------------------------------------ */

static enum rpc_code freeze_begin(struct co *co, struct directory_driver *dd, const struct freeze_request *q,
                                  struct instant deadline, struct arena *a, struct rpc_status *st)
{
    if (!dd->o.guests)
        return rpc_fail(a, st, RPC_UNIMPLEMENTED, "this driver does not see Pods: it cannot freeze them");
    if (need(a, st, "sandbox_namespace", q->sandbox_namespace, false) != RPC_OK ||
        need(a, st, "pod_name", q->pod_name, false) != RPC_OK ||
        need(a, st, "pod_uid", q->pod_uid, true) != RPC_OK)
        return st->code;
    return begin(co, dd, &q->parameters, deadline, a, st);
}

static enum rpc_code directory_freeze(struct co *co, struct snapshot_driver *d, const struct freeze_request *q,
                                      struct instant deadline, struct arena *a, struct rpc_status *st)
{
    struct directory_driver *dd = of(d);
    struct lock *pod;
    bool was_running;

    if (freeze_begin(co, dd, q, deadline, a, st) != RPC_OK)
        return st->code;
    pod = lock_take(co, dd, "Pod", q->pod_uid, deadline, a, st);
    if (pod &&
        need_pod(co, dd, q->sandbox_namespace, q->pod_name, q->pod_uid, &was_running, a, st) == RPC_OK &&
        dd->o.guests->ops->freeze(dd->o.guests, q->pod_uid, true) < 0)
        rpc_fail(a, st, RPC_NOT_FOUND, "Pod %s/%s went away", q->sandbox_namespace, q->pod_name);
    lock_give(dd, pod);
    return st->code;
}

static enum rpc_code directory_unfreeze(struct co *co, struct snapshot_driver *d,
                                        const struct freeze_request *q, struct instant deadline,
                                        struct arena *a, struct rpc_status *st)
{
    struct directory_driver *dd = of(d);
    struct lock *pod;
    bool other;

    if (freeze_begin(co, dd, q, deadline, a, st) != RPC_OK)
        return st->code;
    pod = lock_take(co, dd, "Pod", q->pod_uid, deadline, a, st);
    if (!pod)
        return st->code;
    if (artifacts_pod_is_source(dd->store, q->pod_uid) &&
        look_up(co, dd, q->sandbox_namespace, q->pod_name, q->pod_uid, &other, a) != GUEST_ABSENT && !other)
        rpc_fail(a, st, RPC_FAILED_PRECONDITION, "Pod %s/%s was checkpointed: it stays quiesced (DRV-014)",
                 q->sandbox_namespace, q->pod_name);
    else
        thaw(dd, q->pod_uid);          /* gone or not frozen is fine (DRV-051) */
    lock_give(dd, pod);
    return st->code;
}

/* ---- GetDriverInfo, List --------------------------------------------------------------------- */

static enum rpc_code directory_info(struct co *co, struct snapshot_driver *d, struct instant deadline,
                                    struct arena *a, struct driver_info *ret, struct rpc_status *st)
{
    struct directory_driver *dd = of(d);

    *ret = (struct driver_info){ arena_strdup(a, dd->name), DORMOUSE_VERSION,
                                 DRIVER_CHECKPOINT_RESTORE | DRIVER_IDEMPOTENT_CHECKPOINT | DRIVER_LIST |
                                     (dd->o.guests ? DRIVER_FREEZE : 0) };
    return rpc_ok(st);
}

static enum rpc_code directory_list(struct co *co, struct snapshot_driver *d,
                                    const struct snapshot_list_request *q, struct instant deadline,
                                    struct arena *a, struct snapshot_list_response *ret,
                                    struct rpc_status *st)
{
    struct directory_driver *dd = of(d);
    struct snapshot_list_entry *v;
    struct artifact **all;
    size_t n, kept = 0;

    if (begin(co, dd, &q->parameters, deadline, a, st) != RPC_OK)
        return st->code;
    all = artifacts_all(dd->store, &n);
    v = arena_alloc(a, (n + 1) * sizeof(*v));
    for (size_t i = 0; i < n; i++) {
        const struct artifact *art = all[i];
        if (art->dying || (*q->sandbox_uid && !streq(art->sandbox_uid, q->sandbox_uid)))
            continue;
        v[kept++] = (struct snapshot_list_entry){ arena_strdup(a, art->snapshot_uid),
                                                  arena_strdup(a, art->checkpoint_id), art->size_bytes,
                                                  art->creation_time_unix_ms };
    }
    *ret = (struct snapshot_list_response){ v, kept };
    return rpc_ok(st);
}

/* ---- the driver ------------------------------------------------------------------------------ */

static void directory_free(struct snapshot_driver *d)
{
    struct directory_driver *dd = of(d);

    assert(!dd->locks);                /* no call is under way */
    artifacts_free(dd->store);
    free(dd->name);
    free(dd);
}

static const struct snapshot_driver_ops directory_ops = {
    .name = "directory",
    .get_info = directory_info,
    .checkpoint = directory_checkpoint,
    .restore = directory_restore,
    .remove = directory_remove,
    .freeze = directory_freeze,
    .unfreeze = directory_unfreeze,
    .list = directory_list,
    .free = directory_free,
};

struct snapshot_driver *directory_driver_new(const struct directory_driver_options *o)
{
    struct directory_driver *dd = xcalloc(1, sizeof(*dd));

    dd->base.ops = &directory_ops;
    dd->o = *o;
    dd->name = xstrdup(o->name ? o->name : DIRECTORY_DRIVER_NAME);
    dd->store = artifacts_new(o->world, o->disk);
    return &dd->base;
}

int directory_driver_recover(struct co *co, struct snapshot_driver *d, struct err *e)
{
    assert(d->ops == &directory_ops);
    return artifacts_open(co, of(d)->store, thaw, of(d), e);
}

int directory_driver_files(struct co *co, struct snapshot_driver *d, struct arena *arena,
                           const char *const **ret_names, size_t *ret_n, struct err *e)
{
    assert(d->ops == &directory_ops);
    return artifacts_files(co, of(d)->store, arena, ret_names, ret_n, e);
}
