/* The reference driver, rule by rule. Each test names the requirement it holds it to. */
#include "drivers/directory/test_bench.h"

#define CODE(b, call, want_code)                                                            \
    do {                                                                                    \
        enum rpc_code got_ = (call);                                                        \
        note(b, got_ == (want_code), "line %d: %s is %s, want %s", __LINE__, #call,         \
             rpc_code_text((int)got_), rpc_code_text(want_code));                           \
    } while (0)
#define TRUE(b, cond) note(b, cond, "line %d: %s", __LINE__, #cond)

#define STORY(name)                                                      \
    static void name##_story(struct co *co, struct bench *b, struct arena *a); \
    static void name(void **state)                                       \
    {                                                                    \
        struct bench *b = bench_new(1);                                  \
        run(b, name##_story);                                            \
        bench_free(b);                                                   \
    }                                                                    \
    static void name##_story(struct co *co, struct bench *b, struct arena *a)

STORY(drv_004_drv_005_it_says_who_it_is)
{
    struct driver_info info;
    struct rpc_status st;

    CODE(b, driver_get_info(co, b->driver, soon(co), a, &info, &st), RPC_OK);
    TRUE(b, streq(info.name, DIRECTORY_DRIVER_NAME));
    TRUE(b, info.capabilities == (DRIVER_CHECKPOINT_RESTORE | DRIVER_IDEMPOTENT_CHECKPOINT | DRIVER_FREEZE |
                                  DRIVER_LIST));
}

STORY(drv_010_drv_011_drv_014_a_checkpoint_is_kept_and_the_pod_is_still)
{
    struct checkpoint_request q = want(a, 'a', "c1");
    struct checkpoint_response r;

    CODE(b, checkpoint(co, b, a, &q, &r), RPC_OK);
    TRUE(b, *r.snapshot_uid && r.size_bytes > 0 && r.creation_time_unix_ms > 0);
    TRUE(b, b->pods[0].state == GUEST_FROZEN);
    TRUE(b, b->pods[1].state == GUEST_RUNNING);
    TRUE(b, files_with(co, b, a, NULL) == 1 && files_with(co, b, a, "sandbox-uid-a~c1") == 1);  /* DRV-018 */
    CODE(b, restore(co, b, a, r.snapshot_uid, "sandbox-uid-a"), RPC_OK);
    TRUE(b, streq(offered(b, r.snapshot_uid), "memory of pod-uid-a: 11"));
}

STORY(drv_012_the_same_id_is_the_same_artifact)
{
    struct checkpoint_request q = want(a, 'a', "c1");
    struct checkpoint_response r, again;

    CODE(b, checkpoint(co, b, a, &q, &r), RPC_OK);
    b->pods[0].state = GUEST_ABSENT;   /* even if the Pod is gone */
    CODE(b, checkpoint(co, b, a, &q, &again), RPC_OK);
    TRUE(b, streq(r.snapshot_uid, again.snapshot_uid) && r.size_bytes == again.size_bytes);
    TRUE(b, kvmap_equal(&r.driver_metadata, &again.driver_metadata));
    TRUE(b, files_with(co, b, a, NULL) == 1);
}

STORY(drv_013_the_same_id_for_something_else_is_refused)
{
    static const struct kv other[] = { { "prefix", "x" } };
    struct checkpoint_request q = want(a, 'a', "c1"), parameters = q, pod = q, sandbox = q;
    struct checkpoint_response r;

    parameters.parameters = (struct kvmap){ other, 1 };
    pod.pod_uid = "pod-uid-b";
    sandbox.sandbox_uid = "sandbox-uid-b";
    CODE(b, checkpoint(co, b, a, &q, &r), RPC_OK);
    CODE(b, checkpoint(co, b, a, &parameters, &r), RPC_ALREADY_EXISTS);
    CODE(b, checkpoint(co, b, a, &pod, &r), RPC_ALREADY_EXISTS);
    CODE(b, checkpoint(co, b, a, &sandbox, &r), RPC_ALREADY_EXISTS);
    TRUE(b, files_with(co, b, a, NULL) == 1);
    TRUE(b, b->pods[1].state == GUEST_RUNNING);
}

STORY(drv_015_a_failed_checkpoint_leaves_the_pod_as_it_was)
{
    struct checkpoint_request q = want(a, 'a', "c1"), frozen = want(a, 'f', "c2");
    struct checkpoint_response r;
    size_t n = 1, failed = 0;

    for (;; n++) {                     /* the first write fails, then the second ... */
        disk_fail_after(b->disk, n, n % 2 ? ERR_FULL : ERR_IO);
        enum rpc_code code = checkpoint(co, b, a, &q, &r);
        if (code == RPC_OK)
            break;
        failed++;
        disk_fail_after(b->disk, 0, ERR_NONE);
        TRUE(b, b->pods[0].state == GUEST_RUNNING);
        TRUE(b, !listed(co, b, a, "c1"));
        if (n > 4)                     /* past the driver's own opening, where nothing is to be undone */
            TRUE(b, code == (n % 2 ? RPC_RESOURCE_EXHAUSTED : RPC_ABORTED));
        TRUE(b, code == RPC_UNAVAILABLE || files_with(co, b, a, NULL) == 0);
    }
    disk_fail_after(b->disk, 0, ERR_NONE);
    TRUE(b, failed > 8);
    TRUE(b, b->pods[0].state == GUEST_FROZEN && files_with(co, b, a, NULL) == 1);
    disk_fail_after(b->disk, 2, ERR_FULL);
    CODE(b, checkpoint(co, b, a, &frozen, &r), RPC_RESOURCE_EXHAUSTED);
    TRUE(b, b->pods[2].state == GUEST_FROZEN);   /* as before: it was frozen */
}

STORY(drv_016_only_the_pod_that_was_meant)
{
    struct checkpoint_request absent = want(a, 'a', "c1"), other = want(a, 'a', "c2"),
                              dead = want(a, 'a', "c3");
    struct checkpoint_response r;

    absent.pod_name = "nobody";
    other.pod_uid = "an-earlier-uid";
    dead.pod_name = "pod-dead";
    dead.pod_uid = "pod-uid-dead";
    CODE(b, checkpoint(co, b, a, &absent, &r), RPC_NOT_FOUND);
    CODE(b, checkpoint(co, b, a, &other, &r), RPC_FAILED_PRECONDITION);
    CODE(b, checkpoint(co, b, a, &dead, &r), RPC_FAILED_PRECONDITION);
    TRUE(b, files_with(co, b, a, NULL) == 0);
    TRUE(b, b->pods[0].state == GUEST_RUNNING);
}

STORY(drv_006_drv_017_parameters_are_checked)
{
    static const struct kv unknown[] = { { "buckett", "b" } }, reserved[] = { { "agents.x-k8s.io/new", "x" } },
                           empty[] = { { "bucket", "" } }, odd[] = { { "s3.bucket", "No Such Bucket" } },
                           good[] = { { "bucket", "snapshots" } };
    const struct {
        const struct kv *kv;
        enum rpc_code code;
    } rows[] = { { unknown, RPC_INVALID_ARGUMENT }, { empty, RPC_INVALID_ARGUMENT },
                 { odd, RPC_INVALID_ARGUMENT },     { good, RPC_OK },
                 { reserved, RPC_OK } };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct checkpoint_request q = want(a, 'a', arena_printf(a, "c%zu", i));
        struct checkpoint_response r;
        q.parameters = (struct kvmap){ rows[i].kv, 1 };
        CODE(b, checkpoint(co, b, a, &q, &r), rows[i].code);
        TRUE(b, listed(co, b, a, q.checkpoint_id) == (rows[i].code == RPC_OK));
    }
}

static void only_known_buckets_story(struct co *co, struct bench *b, struct arena *a)
{
    static const struct kv mine[] = { { "bucket", "mine" } }, yours[] = { { "bucket", "yours" } };
    struct checkpoint_request q = want(a, 'a', "c1");
    struct checkpoint_response r;

    q.parameters = (struct kvmap){ yours, 1 };
    CODE(b, checkpoint(co, b, a, &q, &r), RPC_PERMISSION_DENIED);
    q.parameters = (struct kvmap){ mine, 1 };
    CODE(b, checkpoint(co, b, a, &q, &r), RPC_OK);
}

static void drv_017_only_known_buckets(void **state)
{
    static const char *const buckets[] = { "mine" };
    struct bench *b = bench_new(1);

    driver_down(b);
    b->buckets = buckets;
    b->n_buckets = 1;
    driver_up(b);
    run(b, only_known_buckets_story);
    bench_free(b);
}

STORY(what_must_be_there_is_asked_for)
{
    static const size_t fields[] = {
        offsetof(struct checkpoint_request, checkpoint_id), offsetof(struct checkpoint_request, sandbox_uid),
        offsetof(struct checkpoint_request, sandbox_name), offsetof(struct checkpoint_request, pod_name),
        offsetof(struct checkpoint_request, pod_uid), offsetof(struct checkpoint_request, sandbox_namespace),
    };
    struct checkpoint_response r;
    char *endless = arena_alloc(a, 300);

    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        struct checkpoint_request q = want(a, 'a', "c1");
        *(const char **)((char *)&q + fields[i]) = "";
        CODE(b, checkpoint(co, b, a, &q, &r), RPC_INVALID_ARGUMENT);
    }
    memset(endless, 'x', 299);
    struct checkpoint_request q = want(a, 'a', endless);
    CODE(b, checkpoint(co, b, a, &q, &r), RPC_INVALID_ARGUMENT);
    q = want(a, 'a', "\xff\xfe");
    CODE(b, checkpoint(co, b, a, &q, &r), RPC_INVALID_ARGUMENT);
    CODE(b, restore(co, b, a, "", "sandbox-uid-a"), RPC_INVALID_ARGUMENT);
    TRUE(b, files_with(co, b, a, NULL) == 0);
}

STORY(drv_018_hostile_ids_stay_file_names)
{
    static const char *const ids[] = { "../../etc/passwd", "a/b", "~", ".", "..", "a~b", "ü", "%41", "+x" };
    struct checkpoint_response r[ARRAY_SIZE(ids)];

    for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
        struct checkpoint_request q = want(a, 'a', ids[i]);
        CODE(b, checkpoint(co, b, a, &q, &r[i]), RPC_OK);
        for (size_t k = 0; k < i; k++)
            TRUE(b, !streq(r[i].snapshot_uid, r[k].snapshot_uid));
    }
    TRUE(b, files_with(co, b, a, NULL) == ARRAY_SIZE(ids));
    for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
        CODE(b, delete(co, b, a, "", ids[i], "sandbox-uid-a"), RPC_OK);
    TRUE(b, files_with(co, b, a, NULL) == 0);
}

STORY(drv_031_drv_034_restore_again_and_again)
{
    struct checkpoint_request q = want(a, 'a', "c1");
    struct checkpoint_response r;

    CODE(b, checkpoint(co, b, a, &q, &r), RPC_OK);
    for (int i = 0; i < 3; i++)
        CODE(b, restore(co, b, a, r.snapshot_uid, "sandbox-uid-a"), RPC_OK);
    TRUE(b, b->n_offers == 1 && files_with(co, b, a, NULL) == 1);
    CODE(b, delete(co, b, a, r.snapshot_uid, "", "sandbox-uid-a"), RPC_OK);
    TRUE(b, b->n_offers == 0);
    CODE(b, restore(co, b, a, r.snapshot_uid, "sandbox-uid-a"), RPC_NOT_FOUND);
}

STORY(drv_032_drv_035_restore_refuses)
{
    struct checkpoint_request q = want(a, 'a', "c1");
    struct checkpoint_response r;

    CODE(b, checkpoint(co, b, a, &q, &r), RPC_OK);
    CODE(b, restore(co, b, a, "no-such-uid", "sandbox-uid-a"), RPC_NOT_FOUND);
    CODE(b, restore(co, b, a, r.snapshot_uid, "sandbox-uid-b"), RPC_PERMISSION_DENIED);
    TRUE(b, b->n_offers == 0);
}

STORY(drv_033_restore_metadata_has_a_key_of_the_five_forms)
{
    struct checkpoint_request q = want(a, 'a', "c1");
    struct checkpoint_response r;
    struct restore_request rq = { "s", "ns", NULL, "sandbox-uid-a", "p", { 0 }, { 0 } };
    struct restore_response first, second;
    struct rpc_status st;

    CODE(b, checkpoint(co, b, a, &q, &r), RPC_OK);
    rq.snapshot_uid = r.snapshot_uid;
    CODE(b, driver_restore(co, b->driver, &rq, soon(co), a, &first, &st), RPC_OK);
    CODE(b, driver_restore(co, b->driver, &rq, soon(co), a, &second, &st), RPC_OK);
    for (size_t i = 0; i < first.restore_metadata.n; i++)
        TRUE(b, str_starts(first.restore_metadata.v[i].key, "annotation/"));
    TRUE(b, kvmap_equal(&first.restore_metadata, &second.restore_metadata));   /* DRV-031 */
}

STORY(drv_032_every_damaged_byte_is_data_loss)
{
    struct checkpoint_request q = want(a, 'a', "c1");
    struct checkpoint_response r;
    const char *const *names;
    cleanup_buf struct buf file = BUF_INIT;
    size_t n;
    int h;

    CODE(b, checkpoint(co, b, a, &q, &r), RPC_OK);
    directory_driver_files(co, b->driver, a, &names, &n, NULL);
    disk_read_file(co, b->disk, names[0], 1 << 20, &file, NULL);
    h = disk_open(co, b->disk, names[0], DISK_READ | DISK_WRITE, NULL);
    for (size_t i = 0; i < file.len; i++) {
        char flipped = (char)(file.data[i] ^ (1 << i % 8));
        disk_write(co, b->disk, h, i, &flipped, 1, NULL);
        CODE(b, restore(co, b, a, r.snapshot_uid, "sandbox-uid-a"), RPC_DATA_LOSS);
        disk_write(co, b->disk, h, i, &file.data[i], 1, NULL);
    }
    CODE(b, restore(co, b, a, r.snapshot_uid, "sandbox-uid-a"), RPC_OK);
    disk_write(co, b->disk, h, file.len, "x", 1, NULL);
    CODE(b, restore(co, b, a, r.snapshot_uid, "sandbox-uid-a"), RPC_DATA_LOSS);
    disk_close(b->disk, h);
    h = disk_open(co, b->disk, names[0], DISK_WRITE | DISK_TRUNC, NULL);
    disk_close(b->disk, h);
    CODE(b, restore(co, b, a, r.snapshot_uid, "sandbox-uid-a"), RPC_DATA_LOSS);
    CODE(b, delete(co, b, a, r.snapshot_uid, "", ""), RPC_OK);
    TRUE(b, files_with(co, b, a, NULL) == 0);
}

STORY(drv_040_drv_041_deleting_nothing_is_fine)
{
    CODE(b, delete(co, b, a, "no-such-uid", "", ""), RPC_OK);
    CODE(b, delete(co, b, a, "", "no-such-id", "sandbox-uid-a"), RPC_OK);
    CODE(b, delete(co, b, a, "", "no-such-id", "sandbox-uid-a"), RPC_OK);
}

STORY(drv_042_a_late_checkpoint_of_a_deleted_id_leaves_nothing)
{
    struct checkpoint_request q = want(a, 'a', "c1"), other = want(a, 'b', "c1"), any = want(a, 'b', "c9");
    struct checkpoint_response r;

    CODE(b, delete(co, b, a, "", "c1", "sandbox-uid-a"), RPC_OK);
    CODE(b, checkpoint(co, b, a, &q, &r), RPC_FAILED_PRECONDITION);
    TRUE(b, b->pods[0].state == GUEST_RUNNING && files_with(co, b, a, NULL) == 0);
    CODE(b, checkpoint(co, b, a, &other, &r), RPC_OK);       /* another Sandbox's id is not meant */
    CODE(b, delete(co, b, a, "", "c9", ""), RPC_OK);
    CODE(b, checkpoint(co, b, a, &any, &r), RPC_FAILED_PRECONDITION);
    co_sleep(co, TOMBSTONE_LIFE + DURATION_S(1));
    CODE(b, checkpoint(co, b, a, &any, &r), RPC_OK);
}

STORY(drv_043_no_key_deletes_nothing)
{
    struct checkpoint_request q = want(a, 'a', "c1");
    struct checkpoint_response r;

    CODE(b, checkpoint(co, b, a, &q, &r), RPC_OK);
    CODE(b, delete(co, b, a, "", "", ""), RPC_INVALID_ARGUMENT);
    CODE(b, delete(co, b, a, "", "", "sandbox-uid-a"), RPC_INVALID_ARGUMENT);
    TRUE(b, listed(co, b, a, "c1"));
}

STORY(drv_044_deleted_is_gone_from_list_and_disk)
{
    struct checkpoint_request one = want(a, 'a', "c1"), two = want(a, 'b', "c2");
    struct checkpoint_response r1, r2;

    CODE(b, checkpoint(co, b, a, &one, &r1), RPC_OK);
    CODE(b, checkpoint(co, b, a, &two, &r2), RPC_OK);
    CODE(b, delete(co, b, a, r1.snapshot_uid, "", ""), RPC_OK);
    TRUE(b, !listed(co, b, a, "c1") && listed(co, b, a, "c2"));
    TRUE(b, files_with(co, b, a, "c1") == 0 && files_with(co, b, a, "c2") == 1);
    CODE(b, delete(co, b, a, "", "c2", "sandbox-uid-b"), RPC_OK);
    TRUE(b, files_with(co, b, a, NULL) == 0);
    TRUE(b, b->pods[0].state == GUEST_RUNNING && b->pods[1].state == GUEST_RUNNING);
}

STORY(another_sandboxs_artifact_is_not_deleted)
{
    struct checkpoint_request q = want(a, 'a', "c1");
    struct checkpoint_response r;

    CODE(b, checkpoint(co, b, a, &q, &r), RPC_OK);
    CODE(b, delete(co, b, a, r.snapshot_uid, "", "sandbox-uid-b"), RPC_PERMISSION_DENIED);
    CODE(b, delete(co, b, a, "", "c1", "sandbox-uid-b"), RPC_PERMISSION_DENIED);
    CODE(b, restore(co, b, a, r.snapshot_uid, "sandbox-uid-a"), RPC_OK);
}

STORY(drv_050_drv_051_drv_041_freeze_and_unfreeze)
{
    struct freeze_request q = { "sandbox-a", "ns", "pod-a", "sandbox-uid-a", "pod-uid-a", "", { 0 } },
                          gone = q, other = q;
    struct rpc_status st;

    gone.pod_name = "nobody";
    gone.pod_uid = "nobody";
    other.pod_uid = "an-earlier-uid";
    for (int i = 0; i < 2; i++) {
        CODE(b, driver_freeze(co, b->driver, &q, soon(co), a, &st), RPC_OK);
        TRUE(b, b->pods[0].state == GUEST_FROZEN && b->pods[0].memory == 11);
    }
    for (int i = 0; i < 2; i++) {
        CODE(b, driver_unfreeze(co, b->driver, &q, soon(co), a, &st), RPC_OK);
        TRUE(b, b->pods[0].state == GUEST_RUNNING);
    }
    CODE(b, driver_freeze(co, b->driver, &gone, soon(co), a, &st), RPC_NOT_FOUND);
    CODE(b, driver_freeze(co, b->driver, &other, soon(co), a, &st), RPC_FAILED_PRECONDITION);
    CODE(b, driver_unfreeze(co, b->driver, &gone, soon(co), a, &st), RPC_OK);
    TRUE(b, b->pods[0].state == GUEST_RUNNING);
}

STORY(drv_014_unfreeze_does_not_wake_what_was_checkpointed)
{
    struct checkpoint_request q = want(a, 'a', "c1");
    struct freeze_request f = { "sandbox-a", "ns", "pod-a", "sandbox-uid-a", "pod-uid-a", "", { 0 } };
    struct checkpoint_response r;
    struct rpc_status st;

    CODE(b, checkpoint(co, b, a, &q, &r), RPC_OK);
    CODE(b, driver_unfreeze(co, b->driver, &f, soon(co), a, &st), RPC_FAILED_PRECONDITION);
    TRUE(b, b->pods[0].state == GUEST_FROZEN);
    b->pods[0].state = GUEST_ABSENT;
    CODE(b, driver_unfreeze(co, b->driver, &f, soon(co), a, &st), RPC_OK);
}

STORY(a_deadline_that_has_passed_does_nothing)
{
    struct checkpoint_request q = want(a, 'a', "c1");
    struct checkpoint_response r;
    struct rpc_status st;

    CODE(b, driver_checkpoint(co, b->driver, &q, world_now(b->world), a, &r, &st), RPC_DEADLINE_EXCEEDED);
    TRUE(b, files_with(co, b, a, NULL) == 0 && b->pods[0].state == GUEST_RUNNING);
}

/* ---- many at once: DRV-008 ------------------------------------------------------------------- */

struct caller {
    struct bench *b;
    char pod;
    const char *id;
    bool delete;
    enum rpc_code code;
    char uid[64];
    bool done;
};

static void call(struct co *co, void *arg)
{
    struct caller *c = arg;
    cleanup_arena struct arena *a = arena_new();
    struct checkpoint_request q = want(a, c->pod, c->id);
    struct checkpoint_response r = { .snapshot_uid = "" };

    if (c->delete)
        c->code = delete(co, c->b, a, "", c->id, q.sandbox_uid);
    else
        c->code = checkpoint(co, c->b, a, &q, &r);
    snprintf(c->uid, sizeof(c->uid), "%s", c->code == RPC_OK ? r.snapshot_uid : "");
    c->done = true;
}

static void count_files_story(struct co *co, struct bench *b, struct arena *a)
{
    TRUE(b, files_with(co, b, a, NULL) == b->want_files);
}

static void drv_008_one_id_from_many_callers_is_one_artifact(void **state)
{
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct bench *b = bench_new(seed);
        struct caller c[6];
        for (size_t i = 0; i < 6; i++) {
            c[i] = (struct caller){ .b = b, .pod = i < 4 ? 'a' : 'b', .id = i < 4 ? "c1" : "c2" };
            co_spawn(b->proc, "caller", call, &c[i]);
        }
        while (world_step(b->world, INSTANT_NEVER))
            ;
        for (size_t i = 0; i < 6; i++) {
            assert_true(c[i].done);
            assert_int_equal(c[i].code, RPC_OK);
            assert_string_equal(c[i].uid, c[i < 4 ? 0 : 4].uid);
        }
        assert_string_not_equal(c[0].uid, c[4].uid);
        b->want_files = 2;
        run(b, count_files_story);
        bench_free(b);
    }
}

static void drv_042_delete_beside_checkpoint_leaves_nothing(void **state)
{
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct bench *b = bench_new(seed);
        struct caller c[4];
        for (size_t i = 0; i < 4; i++) {
            c[i] = (struct caller){ .b = b, .pod = 'a', .id = "c1", .delete = i == seed % 4 };
            co_spawn(b->proc, "caller", call, &c[i]);
        }
        while (world_step(b->world, INSTANT_NEVER))
            ;
        for (size_t i = 0; i < 4; i++) {
            if (c[i].delete)
                assert_int_equal(c[i].code, RPC_OK);
            else
                assert_true(c[i].code == RPC_OK || c[i].code == RPC_FAILED_PRECONDITION);
        }
        assert_int_equal(b->pods[0].state, GUEST_RUNNING);
        b->want_files = 0;
        run(b, count_files_story);
        bench_free(b);
    }
}

/* ---- blind ----------------------------------------------------------------------------------- */

static void blind_story(struct co *co, struct bench *b, struct arena *a)
{
    struct checkpoint_request q = want(a, 'x', "c1");
    struct freeze_request f = { "s", "ns", "p", "su", "pu", "", { 0 } };
    struct checkpoint_response r;
    struct driver_info info;
    struct rpc_status st;
    int h;

    CODE(b, driver_get_info(co, b->driver, soon(co), a, &info, &st), RPC_OK);
    TRUE(b, !(info.capabilities & DRIVER_FREEZE));
    CODE(b, driver_freeze(co, b->driver, &f, soon(co), a, &st), RPC_UNIMPLEMENTED);
    CODE(b, checkpoint(co, b, a, &q, &r), RPC_OK);
    CODE(b, restore(co, b, a, r.snapshot_uid, "sandbox-uid-x"), RPC_OK);
    /* With a directory "pods" it knows which there are. */
    TRUE(b, disk_mkdir(co, b->disk, "pods", NULL) == 0);
    q = want(a, 'x', "c2");
    CODE(b, checkpoint(co, b, a, &q, &r), RPC_NOT_FOUND);
    h = disk_open(co, b->disk, "pods/ns~pod-x", DISK_WRITE | DISK_CREATE, NULL);
    disk_write(co, b->disk, h, 0, "pod-uid-x Running\n", 18, NULL);
    CODE(b, checkpoint(co, b, a, &q, &r), RPC_OK);
    q = want(a, 'x', "c3");
    q.pod_uid = "an-earlier-uid";
    CODE(b, checkpoint(co, b, a, &q, &r), RPC_FAILED_PRECONDITION);
    disk_write(co, b->disk, h, 0, "pod-uid-x Failed \n", 18, NULL);
    q = want(a, 'x', "c4");
    CODE(b, checkpoint(co, b, a, &q, &r), RPC_FAILED_PRECONDITION);
    disk_close(b->disk, h);
}

static void blind_it_takes_the_requests_word(void **state)
{
    struct bench *b = bench_new(1);

    driver_down(b);
    b->blind = true;
    driver_up(b);
    run(b, blind_story);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drv_004_drv_005_it_says_who_it_is),
        cmocka_unit_test(drv_010_drv_011_drv_014_a_checkpoint_is_kept_and_the_pod_is_still),
        cmocka_unit_test(drv_012_the_same_id_is_the_same_artifact),
        cmocka_unit_test(drv_013_the_same_id_for_something_else_is_refused),
        cmocka_unit_test(drv_015_a_failed_checkpoint_leaves_the_pod_as_it_was),
        cmocka_unit_test(drv_016_only_the_pod_that_was_meant),
        cmocka_unit_test(drv_006_drv_017_parameters_are_checked),
        cmocka_unit_test(drv_017_only_known_buckets),
        cmocka_unit_test(what_must_be_there_is_asked_for),
        cmocka_unit_test(drv_018_hostile_ids_stay_file_names),
        cmocka_unit_test(drv_031_drv_034_restore_again_and_again),
        cmocka_unit_test(drv_032_drv_035_restore_refuses),
        cmocka_unit_test(drv_033_restore_metadata_has_a_key_of_the_five_forms),
        cmocka_unit_test(drv_032_every_damaged_byte_is_data_loss),
        cmocka_unit_test(drv_040_drv_041_deleting_nothing_is_fine),
        cmocka_unit_test(drv_042_a_late_checkpoint_of_a_deleted_id_leaves_nothing),
        cmocka_unit_test(drv_043_no_key_deletes_nothing),
        cmocka_unit_test(drv_044_deleted_is_gone_from_list_and_disk),
        cmocka_unit_test(another_sandboxs_artifact_is_not_deleted),
        cmocka_unit_test(drv_050_drv_051_drv_041_freeze_and_unfreeze),
        cmocka_unit_test(drv_014_unfreeze_does_not_wake_what_was_checkpointed),
        cmocka_unit_test(a_deadline_that_has_passed_does_nothing),
        cmocka_unit_test(drv_008_one_id_from_many_callers_is_one_artifact),
        cmocka_unit_test(drv_042_delete_beside_checkpoint_leaves_nothing),
        cmocka_unit_test(blind_it_takes_the_requests_word),
    };

    return cmocka_run_group_tests_name("directory", tests, NULL, NULL);
}
