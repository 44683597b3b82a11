#include "conformance/check/driver_check_priv.h"

/* ---- what several checks ask ----------------------------------------------------------------- */

static bool same_answer(const struct checkpoint_response *a, const struct checkpoint_response *b)
{
    return streq(a->snapshot_uid, b->snapshot_uid) && a->size_bytes == b->size_bytes &&
           kvmap_equal(&a->driver_metadata, &b->driver_metadata);
}

/* A fresh Sandbox with one artifact, or the check fails. */
static void store_one(struct check *c, struct made_up *ret_m, const char **ret_id,
                      struct checkpoint_response *ret)
{
    enum rpc_code code;

    *ret_m = check_made_up(c);
    *ret_id = check_new_id(c);
    code = check_checkpoint(c, ret_m, *ret_id, NULL, ret);
    EXPECT(c, code == RPC_OK, "a first Checkpoint answers %s", check_code(code));
    EXPECT(c, *ret->snapshot_uid, "a first Checkpoint answers OK without a snapshot_uid");
}

/* How many artifacts List shows; 0 and a failed check where it cannot tell. */
static size_t listed(struct check *c, const struct made_up *m)
{
    struct snapshot_list_response list = { 0 };
    enum rpc_code code = check_list(c, m, &list);

    if (code != RPC_OK)
        check_fail(c, "List answers %s", check_code(code));
    return list.n;
}

/* The artifact is gone: Restore does not know it, and neither does List. */
static void expect_gone(struct check *c, const struct made_up *m, const struct checkpoint_response *r,
                        const char *after)
{
    enum rpc_code code = check_restore(c, m, r, NULL);

    EXPECT(c, code == RPC_NOT_FOUND, "after %s, Restore answers %s; wanted NOT_FOUND", after,
           check_code(code));
    if (!check_can(c, DRIVER_LIST))
        return;
    EXPECT(c, listed(c, m) == 0, "after %s, List still shows something", after);
}

static void expect_usable(struct check *c, const struct made_up *m, const struct checkpoint_response *r,
                          const char *after)
{
    enum rpc_code code = check_restore(c, m, r, NULL);

    EXPECT(c, code == RPC_OK, "after %s, Restore answers %s; wanted OK", after, check_code(code));
}

static void clean_up(struct check *c, const struct made_up *m, const char *snapshot_uid)
{
    enum rpc_code code;

    if (c->failed)
        return;
    code = check_delete(c, m, snapshot_uid, "");
    EXPECT(c, code == RPC_OK, "Delete of what this check made answers %s", check_code(code));
}

/* ---- identity -------------------------------------------------------------------------------- */

static void info_names_the_driver(struct check *c)
{
    struct driver_info info = { 0 };
    enum rpc_code code = check_info(c, &info);

    if (code == RPC_UNIMPLEMENTED)
        return;                                   /* DRV-005: a KEP-minimal driver */
    EXPECT(c, code == RPC_OK, "GetDriverInfo answers %s", check_code(code));
    EXPECT(c, *info.name, "GetDriverInfo answers an empty name");
}

static void info_is_stable(struct check *c)
{
    struct driver_info a = { 0 }, b = { 0 };
    enum rpc_code first = check_info(c, &a), second = check_info(c, &b);

    EXPECT(c, first == second, "GetDriverInfo answers %s, then %s", check_code(first), check_code(second));
    if (first != RPC_OK)
        return;
    EXPECT(c, streq(a.name, b.name) && a.capabilities == b.capabilities,
           "GetDriverInfo tells two stories: %s with capabilities %u, then %s with %u", a.name,
           a.capabilities, b.name, b.capabilities);
}

/* ---- Checkpoint ------------------------------------------------------------------------------ */

static void checkpoint_returns_a_uid(struct check *c)
{
    struct made_up m = check_made_up(c);
    struct checkpoint_response r = { 0 };
    enum rpc_code code = check_checkpoint(c, &m, check_new_id(c), NULL, &r);

    EXPECT(c, code == RPC_OK, "Checkpoint answers %s", check_code(code));
    EXPECT(c, *r.snapshot_uid, "Checkpoint answers OK with an empty snapshot_uid");
    EXPECT(c, r.size_bytes >= 0, "Checkpoint answers size_bytes %lld", (long long)r.size_bytes);
    clean_up(c, &m, r.snapshot_uid);
}

static void metadata_is_bounded(struct check *c)
{
    struct made_up m;
    struct checkpoint_response r = { 0 };
    const char *id;
    size_t bytes = 0;

    store_one(c, &m, &id, &r);
    for (size_t i = 0; !c->failed && i < r.driver_metadata.n; i++)
        bytes += strlen(r.driver_metadata.v[i].key) + strlen(r.driver_metadata.v[i].value);
    EXPECT(c, r.driver_metadata.n <= 64, "driver_metadata has %zu entries; 64 are allowed",
           r.driver_metadata.n);
    EXPECT(c, bytes <= 16384, "driver_metadata has %zu bytes; 16384 are allowed", bytes);
    clean_up(c, &m, r.snapshot_uid);
}

static void uids_are_unique(struct check *c)
{
    struct made_up m[5];
    const char *uids[5];

    for (size_t i = 0; i < ARRAY_SIZE(uids); i++) {
        struct checkpoint_response r = { 0 };
        const char *id;
        store_one(c, &m[i], &id, &r);
        if (c->failed)
            return;
        uids[i] = arena_strdup(c->arena, r.snapshot_uid);
        for (size_t k = 0; k < i; k++)
            EXPECT(c, !streq(uids[i], uids[k]), "two Sandboxes got the same snapshot_uid %s", uids[i]);
    }
    for (size_t i = 0; i < ARRAY_SIZE(uids); i++)
        clean_up(c, &m[i], uids[i]);
}

static void same_id_same_answer(struct check *c)
{
    struct made_up m;
    struct checkpoint_response first = { 0 }, again = { 0 };
    const char *id;
    enum rpc_code code;

    store_one(c, &m, &id, &first);
    if (c->failed)
        return;
    code = check_checkpoint(c, &m, id, NULL, &again);
    EXPECT(c, code == RPC_OK, "the same Checkpoint again answers %s", check_code(code));
    EXPECT(c, same_answer(&first, &again),
           "the same Checkpoint again answers snapshot_uid %s, size %lld; the first answered %s, %lld",
           again.snapshot_uid, (long long)again.size_bytes, first.snapshot_uid, (long long)first.size_bytes);
    clean_up(c, &m, first.snapshot_uid);
}

static void same_id_one_artifact(struct check *c)
{
    struct made_up m;
    struct checkpoint_response r = { 0 };
    const char *id;
    size_t n;

    store_one(c, &m, &id, &r);
    for (int i = 0; i < 3 && !c->failed; i++)
        check_checkpoint(c, &m, id, NULL, &r);
    n = c->failed ? 0 : listed(c, &m);
    EXPECT(c, n == 1, "after four Checkpoints under one id List shows %zu artifacts; wanted 1", n);
    clean_up(c, &m, r.snapshot_uid);
}

static void refused_reuse(struct check *c, const struct made_up *other, const char *const *parameters,
                          const char *what, const struct made_up *m, const char *id,
                          const struct checkpoint_response *first)
{
    enum rpc_code code = check_checkpoint(c, other, id, parameters, NULL);

    EXPECT(c, code == RPC_ALREADY_EXISTS, "Checkpoint under a known id with %s answers %s; wanted ALREADY_EXISTS",
           what, check_code(code));
    expect_usable(c, m, first, "the refused Checkpoint");
    if (check_can(c, DRIVER_LIST) && !c->failed)
        EXPECT(c, listed(c, m) == 1, "the refused Checkpoint left an artifact");
    clean_up(c, m, first->snapshot_uid);
}

static void other_pod_same_id(struct check *c)
{
    struct made_up m, other;
    struct checkpoint_response first = { 0 };
    const char *id;

    store_one(c, &m, &id, &first);
    if (c->failed)
        return;
    other = m;
    other.pod_uid = check_made_up(c).pod_uid;
    refused_reuse(c, &other, NULL, "another pod_uid", &m, id, &first);
}

static void other_sandbox_same_id(struct check *c)
{
    struct made_up m, other;
    struct checkpoint_response first = { 0 };
    const char *id;

    store_one(c, &m, &id, &first);
    if (c->failed)
        return;
    other = m;
    other.sandbox_uid = check_made_up(c).sandbox_uid;
    refused_reuse(c, &other, NULL, "another sandbox_uid", &m, id, &first);
}

static void other_parameters_same_id(struct check *c)
{
    static const char *const parameters[] = { "agents.x-k8s.io/conformance", "other", NULL };
    struct made_up m;
    struct checkpoint_response first = { 0 };
    const char *id;

    store_one(c, &m, &id, &first);
    if (c->failed)
        return;
    refused_reuse(c, &m, parameters, "other parameters", &m, id, &first);
}

static void reserved_parameters_are_ignored(struct check *c)
{
    static const char *const parameters[] = { "agents.x-k8s.io/conformance", "anything", NULL };
    struct made_up m = check_made_up(c);
    struct checkpoint_response r = { 0 };
    enum rpc_code code = check_checkpoint(c, &m, check_new_id(c), parameters, &r);

    EXPECT(c, code == RPC_OK, "Checkpoint with a parameter of the controller's prefix answers %s; wanted OK",
           check_code(code));
    clean_up(c, &m, r.snapshot_uid);
}

/* A refused Checkpoint leaves nothing under its id: the same id works afterwards. */
static void refused_leaves_nothing(struct check *c, const char *const *parameters)
{
    struct made_up m = check_made_up(c);
    struct checkpoint_response r = { 0 };
    const char *id = check_new_id(c);
    enum rpc_code code = check_checkpoint(c, &m, id, parameters, &r);

    EXPECT(c, code == RPC_INVALID_ARGUMENT || code == RPC_PERMISSION_DENIED,
           "Checkpoint with parameters %s=%s answers %s; wanted INVALID_ARGUMENT or PERMISSION_DENIED",
           parameters[0], parameters[1], check_code(code));
    if (check_can(c, DRIVER_LIST))
        EXPECT(c, listed(c, &m) == 0, "the refused Checkpoint left an artifact");
    code = check_checkpoint(c, &m, id, NULL, &r);
    EXPECT(c, code == RPC_OK, "the same id with good parameters afterwards answers %s; wanted OK",
           check_code(code));
    clean_up(c, &m, r.snapshot_uid);
}

static void unknown_parameters_are_refused(struct check *c)
{
    static const char *const parameters[] = { "conformance-no-such-parameter", "1", NULL };
    struct made_up m = check_made_up(c);
    enum rpc_code code = check_checkpoint(c, &m, check_new_id(c), parameters, NULL);

    EXPECT(c, code == RPC_INVALID_ARGUMENT, "Checkpoint with an unknown parameter answers %s; wanted "
           "INVALID_ARGUMENT", check_code(code));
}

static void refused_checkpoint_leaves_nothing(struct check *c)
{
    static const char *const parameters[] = { "conformance-no-such-parameter", "1", NULL };

    refused_leaves_nothing(c, parameters);
}

static void unusable_target_is_refused(struct check *c)
{
    static const char *const parameters[] = { "bucket", "No Such Bucket!", NULL };

    refused_leaves_nothing(c, parameters);
}

static void cancelled_checkpoint_converges(struct check *c)
{
    struct made_up m = check_made_up(c);
    struct checkpoint_response r = { 0 };
    const char *id = check_new_id(c);
    union rpc_request q = { .checkpoint = {
        .sandbox_name = m.sandbox, .sandbox_namespace = m.namespace, .pod_name = m.pod,
        .checkpoint_id = id, .sandbox_uid = m.sandbox_uid, .pod_uid = m.pod_uid, .node_name = m.node } };
    enum rpc_code code = check_call(c, RPC_WORD_CHECKPOINT, &q, DURATION_US(200), NULL);

    EXPECT(c, code == RPC_OK || code == RPC_DEADLINE_EXCEEDED || code == RPC_CANCELLED,
           "Checkpoint with a deadline of 200us answers %s", check_code(code));
    code = check_checkpoint(c, &m, id, NULL, &r);
    for (int i = 0; i < 10 && code == RPC_ABORTED && co_sleep(c->co, DURATION_S(1)) == 0; i++)
        code = check_checkpoint(c, &m, id, NULL, &r);
    EXPECT(c, code == RPC_OK, "the same Checkpoint after a cancelled one answers %s; wanted OK",
           check_code(code));
    code = check_delete(c, &m, "", id);
    EXPECT(c, code == RPC_OK, "Delete by checkpoint_id answers %s", check_code(code));
    expect_gone(c, &m, &r, "a cancelled Checkpoint was repeated and deleted");
}

/* ---- concurrency ----------------------------------------------------------------------------- */

struct racer {
    struct check c;
    struct check_result result;                   /* its exchanges join the check's */
    struct made_up m;
    const char *id;
    struct checkpoint_response reply;
    enum rpc_code code;
    bool done;
};

static void racer_main(struct co *co, void *arg)
{
    struct racer *r = arg;

    r->c.co = co;
    r->code = check_checkpoint(&r->c, &r->m, r->id, NULL, &r->reply);
    r->done = true;
}

static void race(struct check *c, struct racer *racers, size_t n)
{
    bool running = true;

    for (size_t i = 0; i < n; i++) {
        racers[i].c = *c;
        racers[i].c.result = &racers[i].result;
        racers[i].result = (struct check_result){ .check = c->result->check, .message = "" };
        co_spawn(co_proc(c->co), "racer", racer_main, &racers[i]);
    }
    while (running) {
        running = false;
        for (size_t i = 0; i < n; i++)
            running |= !racers[i].done;
        if (running)
            co_sleep(c->co, DURATION_MS(1));
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < racers[i].result.exchanges.n; k++)
            *dyn_push(&c->result->exchanges) = racers[i].result.exchanges.v[k];
        dyn_release(&racers[i].result.exchanges);
    }
}

static void concurrent_same_id(struct check *c)
{
    struct racer racers[4] = { 0 };
    struct made_up m = check_made_up(c);
    const struct checkpoint_response *winner = NULL;
    const char *id = check_new_id(c);

    for (size_t i = 0; i < ARRAY_SIZE(racers); i++) {
        racers[i].m = m;
        racers[i].id = id;
    }
    race(c, racers, ARRAY_SIZE(racers));
    for (size_t i = 0; i < ARRAY_SIZE(racers); i++) {
        EXPECT(c, racers[i].code == RPC_OK || racers[i].code == RPC_ABORTED,
               "one of four Checkpoints at once under one id answers %s; wanted OK or ABORTED",
               check_code(racers[i].code));
        if (racers[i].code != RPC_OK)
            continue;
        EXPECT(c, !winner || same_answer(winner, &racers[i].reply),
               "Checkpoints at once under one id answer different artifacts: %s and %s",
               winner->snapshot_uid, racers[i].reply.snapshot_uid);
        winner = &racers[i].reply;
    }
    EXPECT(c, winner, "of four Checkpoints at once under one id none answers OK");
    if (check_can(c, DRIVER_LIST))
        EXPECT(c, listed(c, &m) == 1, "four Checkpoints at once under one id left more than one artifact");
    clean_up(c, &m, winner->snapshot_uid);
}

static void concurrent_sandboxes(struct check *c)
{
    struct racer racers[8] = { 0 };

    for (size_t i = 0; i < ARRAY_SIZE(racers); i++) {
        racers[i].m = check_made_up(c);
        racers[i].id = check_new_id(c);
    }
    race(c, racers, ARRAY_SIZE(racers));
    for (size_t i = 0; i < ARRAY_SIZE(racers); i++) {
        EXPECT(c, racers[i].code == RPC_OK, "one of eight Checkpoints of different Sandboxes answers %s",
               check_code(racers[i].code));
        for (size_t k = 0; k < i; k++)
            EXPECT(c, !streq(racers[i].reply.snapshot_uid, racers[k].reply.snapshot_uid),
                   "two Sandboxes got the same snapshot_uid %s", racers[i].reply.snapshot_uid);
    }
    for (size_t i = 0; i < ARRAY_SIZE(racers); i++)
        clean_up(c, &racers[i].m, racers[i].reply.snapshot_uid);
}

/* ---- durability ------------------------------------------------------------------------------ */

static void survives_a_restart(struct check *c)
{
    struct made_up m;
    struct checkpoint_response r = { 0 };
    const char *id;

    store_one(c, &m, &id, &r);
    EXPECT(c, check_restart(c), "the driver did not come back after it was killed");
    expect_usable(c, &m, &r, "the driver was killed and started again");
    clean_up(c, &m, r.snapshot_uid);
}

static void same_id_after_a_restart(struct check *c)
{
    struct made_up m;
    struct checkpoint_response first = { 0 }, again = { 0 };
    const char *id;
    enum rpc_code code;

    store_one(c, &m, &id, &first);
    EXPECT(c, check_restart(c), "the driver did not come back after it was killed");
    code = check_checkpoint(c, &m, id, NULL, &again);
    EXPECT(c, code == RPC_OK, "after a restart, the same Checkpoint answers %s", check_code(code));
    EXPECT(c, same_answer(&first, &again), "after a restart, the same Checkpoint answers %s; before, %s",
           again.snapshot_uid, first.snapshot_uid);
    clean_up(c, &m, first.snapshot_uid);
}

static void deleted_stays_deleted_after_a_restart(struct check *c)
{
    struct made_up m;
    struct checkpoint_response r = { 0 };
    const char *id;

    store_one(c, &m, &id, &r);
    clean_up(c, &m, r.snapshot_uid);
    EXPECT(c, check_restart(c), "the driver did not come back after it was killed");
    expect_gone(c, &m, &r, "Delete and a restart");
}

/* ---- Restore --------------------------------------------------------------------------------- */

static bool legal_key(const char *key)
{
    static const char *const forms[] = { "annotation/", "env/", "nodeSelector/", "volume/", "mount/" };
    const char *rest;

    for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
        if (!str_starts(key, forms[i]))
            continue;
        rest = key + strlen(forms[i]);
        if (streq(forms[i], "env/") || streq(forms[i], "mount/"))
            rest = strchr(rest, '/') && strchr(rest, '/') > rest ? strchr(rest, '/') + 1 : "";
        return *rest != '\0';
    }
    return false;
}

static void restore_prepares(struct check *c)
{
    struct made_up m;
    struct checkpoint_response r = { 0 };
    struct restore_response back = { 0 };
    const char *id;
    enum rpc_code code;

    store_one(c, &m, &id, &r);
    if (c->failed)
        return;
    code = check_restore(c, &m, &r, &back);
    EXPECT(c, code == RPC_OK, "Restore of an artifact just made answers %s", check_code(code));
    for (size_t i = 0; i < back.restore_metadata.n; i++)
        EXPECT(c, legal_key(back.restore_metadata.v[i].key), "restore_metadata has the key %s, which is of no "
               "published form", back.restore_metadata.v[i].key);
    clean_up(c, &m, r.snapshot_uid);
}

static void restore_again(struct check *c)
{
    struct made_up m;
    struct checkpoint_response r = { 0 };
    struct restore_response first = { 0 }, again = { 0 };
    const char *id;
    enum rpc_code code;

    store_one(c, &m, &id, &r);
    if (c->failed)
        return;
    code = check_restore(c, &m, &r, &first);
    EXPECT(c, code == RPC_OK, "Restore answers %s", check_code(code));
    code = check_restore(c, &m, &r, &again);
    EXPECT(c, code == RPC_OK, "the same Restore again answers %s", check_code(code));
    EXPECT(c, kvmap_equal(&first.restore_metadata, &again.restore_metadata),
           "the same Restore again answers other metadata");
    if (check_can(c, DRIVER_LIST))
        EXPECT(c, listed(c, &m) == 1, "two Restores changed what List shows");
    clean_up(c, &m, r.snapshot_uid);
}

static void restored_is_deletable(struct check *c)
{
    struct made_up m;
    struct checkpoint_response r = { 0 };
    const char *id;

    store_one(c, &m, &id, &r);
    if (c->failed)
        return;
    expect_usable(c, &m, &r, "Checkpoint");
    clean_up(c, &m, r.snapshot_uid);
    if (!c->failed)
        expect_gone(c, &m, &r, "Restore and Delete");
}

static void restore_of_unknown(struct check *c)
{
    struct made_up m = check_made_up(c);
    struct checkpoint_response r = { .snapshot_uid = arena_printf(c->arena, "no-such-%s", check_new_id(c)) };
    enum rpc_code code = check_restore(c, &m, &r, NULL);

    EXPECT(c, code == RPC_NOT_FOUND, "Restore of an unknown snapshot answers %s; wanted NOT_FOUND",
           check_code(code));
}

static void restore_of_deleted(struct check *c)
{
    struct made_up m;
    struct checkpoint_response r = { 0 };
    const char *id;

    store_one(c, &m, &id, &r);
    clean_up(c, &m, r.snapshot_uid);
    if (!c->failed)
        expect_gone(c, &m, &r, "Delete");
}

static void restore_by_a_stranger(struct check *c)
{
    struct made_up m, stranger;
    struct checkpoint_response r = { 0 };
    const char *id;
    enum rpc_code code;

    store_one(c, &m, &id, &r);
    if (c->failed)
        return;
    stranger = check_made_up(c);
    code = check_restore(c, &stranger, &r, NULL);
    EXPECT(c, code == RPC_PERMISSION_DENIED,
           "Restore for a Sandbox that did not make the artifact answers %s; wanted PERMISSION_DENIED",
           check_code(code));
    clean_up(c, &m, r.snapshot_uid);
}

/* ---- Delete ---------------------------------------------------------------------------------- */

static void delete_of_unknown(struct check *c)
{
    struct made_up m = check_made_up(c);
    enum rpc_code code = check_delete(c, &m, arena_printf(c->arena, "no-such-%s", check_new_id(c)), "");

    EXPECT(c, code == RPC_OK, "Delete of an unknown snapshot_uid answers %s; wanted OK", check_code(code));
    code = check_delete(c, &m, "", check_new_id(c));
    EXPECT(c, code == RPC_OK, "Delete of an unknown checkpoint_id answers %s; wanted OK", check_code(code));
}

static void delete_again(struct check *c)
{
    struct made_up m;
    struct checkpoint_response r = { 0 };
    const char *id;

    store_one(c, &m, &id, &r);
    clean_up(c, &m, r.snapshot_uid);
    clean_up(c, &m, r.snapshot_uid);
    if (!c->failed)
        expect_gone(c, &m, &r, "two Deletes");
}

static void delete_of_nothing(struct check *c)
{
    struct made_up m;
    struct checkpoint_response r = { 0 };
    const char *id;
    enum rpc_code code;

    store_one(c, &m, &id, &r);
    if (c->failed)
        return;
    code = check_delete(c, &m, "", "");
    EXPECT(c, code == RPC_INVALID_ARGUMENT, "Delete with neither key answers %s; wanted INVALID_ARGUMENT",
           check_code(code));
    expect_usable(c, &m, &r, "a Delete that named nothing");
    clean_up(c, &m, r.snapshot_uid);
}

static void delete_by_checkpoint_id(struct check *c)
{
    struct made_up m;
    struct checkpoint_response r = { 0 };
    const char *id;
    enum rpc_code code;

    store_one(c, &m, &id, &r);
    if (c->failed)
        return;
    code = check_delete(c, &m, "", id);
    EXPECT(c, code == RPC_OK, "Delete by checkpoint_id answers %s", check_code(code));
    expect_gone(c, &m, &r, "Delete by checkpoint_id");
}

static void late_checkpoint_leaves_nothing(struct check *c)
{
    struct made_up m = check_made_up(c);
    struct checkpoint_response r = { .snapshot_uid = "" };
    const char *id = check_new_id(c);
    enum rpc_code code = check_delete(c, &m, "", id);

    EXPECT(c, code == RPC_OK, "Delete of an unknown checkpoint_id answers %s", check_code(code));
    code = check_checkpoint(c, &m, id, NULL, &r);
    EXPECT(c, code != RPC_OK, "a Checkpoint whose id was deleted before answers OK and leaves %s",
           r.snapshot_uid);
    if (check_can(c, DRIVER_LIST))
        EXPECT(c, listed(c, &m) == 0, "a Checkpoint whose id was deleted before left an artifact");
}

static void delete_frees_the_artifact(struct check *c)
{
    struct made_up m;
    struct checkpoint_response r = { 0 };
    const char *id;
    size_t before;

    store_one(c, &m, &id, &r);
    before = c->failed ? 0 : listed(c, &m);
    EXPECT(c, before == 1, "List shows %zu artifacts of a Sandbox that has one", before);
    clean_up(c, &m, r.snapshot_uid);
    EXPECT(c, listed(c, &m) == 0, "List shows an artifact after its Delete");
}

static void delete_with_the_least(struct check *c)
{
    struct made_up m, nobody;
    struct checkpoint_response r = { 0 };
    const char *id;
    enum rpc_code code;

    store_one(c, &m, &id, &r);
    if (c->failed)
        return;
    nobody = (struct made_up){ .sandbox_uid = "" };
    code = check_delete(c, &nobody, r.snapshot_uid, "");
    EXPECT(c, code == RPC_OK, "Delete with nothing but the snapshot_uid answers %s", check_code(code));
    expect_gone(c, &m, &r, "Delete with nothing but the snapshot_uid");
}

/* ---- keeping things apart -------------------------------------------------------------------- */

static void incarnations_are_apart(struct check *c)
{
    struct made_up m, again;
    struct checkpoint_response first = { 0 }, second = { 0 };
    const char *id;
    enum rpc_code code;

    store_one(c, &m, &id, &first);
    if (c->failed)
        return;
    again = check_made_up(c);
    again.sandbox = m.sandbox;
    again.pod = m.pod;
    code = check_checkpoint(c, &again, check_new_id(c), NULL, &second);
    EXPECT(c, code == RPC_OK, "Checkpoint of a Sandbox born again under the same name answers %s",
           check_code(code));
    EXPECT(c, !streq(first.snapshot_uid, second.snapshot_uid),
           "two Sandboxes of one name share the artifact %s", first.snapshot_uid);
    clean_up(c, &again, second.snapshot_uid);
    if (!c->failed)
        expect_usable(c, &m, &first, "the namesake's artifact was deleted");
    clean_up(c, &m, first.snapshot_uid);
}

static void attempts_are_apart(struct check *c)
{
    struct made_up m;
    struct checkpoint_response first = { 0 }, second = { 0 };
    const char *id, *id2;
    enum rpc_code code;

    store_one(c, &m, &id, &first);
    if (c->failed)
        return;
    id2 = check_new_id(c);
    code = check_checkpoint(c, &m, id2, NULL, &second);
    EXPECT(c, code == RPC_OK, "a second attempt for one Sandbox answers %s", check_code(code));
    EXPECT(c, !streq(first.snapshot_uid, second.snapshot_uid), "two attempts share the artifact %s",
           first.snapshot_uid);
    code = check_delete(c, &m, "", id);
    EXPECT(c, code == RPC_OK, "Delete by checkpoint_id answers %s", check_code(code));
    expect_usable(c, &m, &second, "another attempt's artifact was deleted");
    clean_up(c, &m, second.snapshot_uid);
}

static void hostile_names_are_harmless(struct check *c)
{
    static const char *const names[] = { "../../outside", "a/b", ".", "a\nb", "$(id)", "x;y" };
    struct made_up m, good;
    struct checkpoint_response r = { 0 }, mine = { 0 };
    const char *id;
    enum rpc_code code;

    store_one(c, &good, &id, &mine);
    for (size_t i = 0; i < ARRAY_SIZE(names) && !c->failed; i++) {
        m = check_made_up(c);
        m.sandbox = m.pod = names[i];
        code = check_checkpoint(c, &m, names[i], NULL, &r);
        EXPECT(c, code == RPC_OK || code == RPC_INVALID_ARGUMENT || code == RPC_ALREADY_EXISTS,
               "Checkpoint of a Sandbox named %s answers %s; wanted OK or INVALID_ARGUMENT", names[i],
               check_code(code));
        if (code == RPC_OK)
            check_delete(c, &m, r.snapshot_uid, names[i]);
    }
    expect_usable(c, &good, &mine, "hostile names");
    clean_up(c, &good, mine.snapshot_uid);
}

/* ---- Freeze ---------------------------------------------------------------------------------- */

static void freeze_repeats(struct check *c)
{
    struct made_up m = check_made_up(c);
    enum rpc_code code;

    for (int i = 0; i < 4; i++) {
        code = check_freeze(c, &m, i < 2);
        EXPECT(c, code == RPC_OK, "%s number %d answers %s", i < 2 ? "Freeze" : "Unfreeze", i % 2 + 1,
               check_code(code));
    }
}

static void unfreeze_of_nothing(struct check *c)
{
    struct made_up m = check_made_up(c);
    enum rpc_code code = check_freeze(c, &m, false);

    EXPECT(c, code == RPC_OK || code == RPC_NOT_FOUND,
           "Unfreeze of a Pod that was never frozen answers %s; wanted OK or NOT_FOUND", check_code(code));
}

/* ---- the table ------------------------------------------------------------------------------- */

#define MUST REQUIREMENT_MUST
#define SHOULD REQUIREMENT_SHOULD
#define IDEM DRIVER_IDEMPOTENT_CHECKPOINT

const struct driver_check driver_check_table[] = {
    { "info-names-the-driver", "GetDriverInfo answers with a name, or is not implemented at all",
      "DRV-001 DRV-004 DRV-005", MUST, "core", 0, false, info_names_the_driver },
    { "info-is-stable", "GetDriverInfo says the same twice", "DRV-004", MUST, "core", 0, false,
      info_is_stable },
    { "checkpoint-returns-a-uid", "A Checkpoint returns a uid and a size", "DRV-011", MUST, "core", 0, false,
      checkpoint_returns_a_uid },
    { "metadata-is-bounded", "driver_metadata stays within 64 entries and 16 KiB", "SUS-083", MUST, "core",
      0, false, metadata_is_bounded },
    { "uids-are-unique", "Five Sandboxes get five uids", "DRV-011", MUST, "core", 0, false,
      uids_are_unique },
    { "same-id-same-answer", "The same Checkpoint again gets the same answer", "DRV-012", MUST,
      "Idempotency", IDEM, false, same_id_same_answer },
    { "same-id-one-artifact", "Four Checkpoints under one id leave one artifact", "DRV-012", MUST,
      "Idempotency", IDEM | DRIVER_LIST, false, same_id_one_artifact },
    { "other-pod-same-id", "A known id with another Pod is refused", "DRV-013", MUST, "Idempotency", IDEM,
      false, other_pod_same_id },
    { "other-sandbox-same-id", "A known id with another Sandbox is refused", "DRV-013", MUST,
      "Idempotency", IDEM, false, other_sandbox_same_id },
    { "other-parameters-same-id", "A known id with other parameters is refused", "DRV-013", MUST,
      "Idempotency", IDEM, false, other_parameters_same_id },
    { "reserved-parameters-are-ignored", "Parameters under the controller's prefix do no harm", "DRV-006",
      MUST, "core", 0, false, reserved_parameters_are_ignored },
    { "unknown-parameters-are-refused", "A parameter nobody knows is refused", "DRV-006", MUST, "core", 0,
      false, unknown_parameters_are_refused },
    { "refused-checkpoint-leaves-nothing", "A refused Checkpoint leaves nothing under its id", "DRV-015",
      MUST, "core", 0, false, refused_checkpoint_leaves_nothing },
    { "unusable-target-is-refused", "A target that cannot be used is refused with a definite code",
      "DRV-017 DRV-063", MUST, "core", 0, false, unusable_target_is_refused },
    { "cancelled-checkpoint-converges", "A cancelled Checkpoint is repeated and deleted by its id",
      "DRV-019 DRV-042", MUST, "Idempotency", IDEM, false, cancelled_checkpoint_converges },
    { "concurrent-same-id", "Checkpoints at once under one id agree, or wait their turn",
      "DRV-008 DRV-012", MUST, "Idempotency", IDEM, false, concurrent_same_id },
    { "concurrent-sandboxes", "Checkpoints of eight Sandboxes at once all succeed", "DRV-008", MUST, "core",
      0, false, concurrent_sandboxes },
    { "survives-a-restart", "An acknowledged artifact survives the driver's death", "DRV-010", MUST,
      "Durability", 0, true, survives_a_restart },
    { "same-id-after-a-restart", "An id is remembered across the driver's death", "DRV-012", MUST,
      "Durability", IDEM, true, same_id_after_a_restart },
    { "deleted-stays-deleted", "What was deleted does not come back with the driver", "DRV-044", MUST,
      "Durability", 0, true, deleted_stays_deleted_after_a_restart },
    { "restore-prepares", "Restore answers with metadata of the published forms", "DRV-030 DRV-033", MUST,
      "core", 0, false, restore_prepares },
    { "restore-again", "The same Restore again is answered alike", "DRV-031 DRV-034", MUST, "core", 0,
      false, restore_again },
    { "restored-is-deletable", "A restored artifact can be deleted", "DRV-034", MUST, "core", 0, false,
      restored_is_deletable },
    { "restore-of-unknown", "Restore of an unknown snapshot answers NOT_FOUND", "DRV-032", MUST, "core", 0,
      false, restore_of_unknown },
    { "restore-of-deleted", "Restore of a deleted snapshot answers NOT_FOUND", "DRV-032 DRV-044", MUST,
      "core", 0, false, restore_of_deleted },
    { "restore-by-a-stranger", "Restore for another Sandbox is denied", "DRV-035", MUST, "core", 0, false,
      restore_by_a_stranger },
    { "delete-of-unknown", "Delete of something unknown answers OK", "DRV-040", MUST, "core", 0, false,
      delete_of_unknown },
    { "delete-again", "Delete twice answers OK twice", "DRV-041", MUST, "core", 0, false, delete_again },
    { "delete-of-nothing", "Delete with neither key removes nothing", "DRV-043", MUST, "core", 0, false,
      delete_of_nothing },
    { "delete-by-checkpoint-id", "Delete by checkpoint id removes what was made under it", "DRV-042", MUST,
      "Idempotency", IDEM, false, delete_by_checkpoint_id },
    { "late-checkpoint-leaves-nothing", "A Checkpoint that comes after its id's Delete leaves nothing",
      "DRV-042", MUST, "Idempotency", IDEM, false, late_checkpoint_leaves_nothing },
    { "delete-frees-the-artifact", "List agrees that a deleted artifact is gone", "DRV-044", MUST, "List",
      DRIVER_LIST, false, delete_frees_the_artifact },
    { "delete-with-the-least", "Delete works with nothing but the snapshot's uid", "DRV-045", SHOULD, "core",
      0, false, delete_with_the_least },
    { "incarnations-are-apart", "Sandboxes of one name do not share artifacts", "DRV-018", MUST, "core", 0,
      false, incarnations_are_apart },
    { "attempts-are-apart", "Attempts of one Sandbox do not share artifacts", "DRV-018 DRV-042", MUST,
      "Idempotency", IDEM, false, attempts_are_apart },
    { "hostile-names-are-harmless", "Names with slashes, dots and shell characters do no harm",
      "DRV-018", MUST, "core", 0, false, hostile_names_are_harmless },
    { "freeze-repeats", "Freeze and Unfreeze may be repeated", "DRV-041", MUST, "Freeze", DRIVER_FREEZE,
      false, freeze_repeats },
    { "unfreeze-of-nothing", "Unfreeze of what is not frozen does no harm", "DRV-051", MUST, "Freeze",
      DRIVER_FREEZE, false, unfreeze_of_nothing },
};
const size_t driver_check_count = ARRAY_SIZE(driver_check_table);
