/* A driver behind a real socket, in one real world. Promises of remote.h; DRV-001, DRV-002, DRV-007. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <unistd.h>

#include "drivers/remote/paths_priv.h"
#include "drivers/remote/remote.h"

/* A driver that notes what reached it and answers something simple. */
struct noting {
    struct snapshot_driver base;
    char seen[256];
    duration deadline;
    size_t calls;
};

static struct noting *of(struct snapshot_driver *d)
{
    return container_of(d, struct noting, base);
}

static void note(struct co *co, struct snapshot_driver *d, const char *what, struct instant deadline)
{
    snprintf(of(d)->seen, sizeof(of(d)->seen), "%s", what);
    of(d)->deadline = instant_sub(deadline, world_now(co_world(co)));
    of(d)->calls++;
}

static enum rpc_code noting_info(struct co *co, struct snapshot_driver *d, struct instant deadline,
                                 struct arena *a, struct driver_info *ret, struct rpc_status *st)
{
    note(co, d, "info", deadline);
    *ret = (struct driver_info){ "noting", "7", DRIVER_CHECKPOINT_RESTORE | DRIVER_LIST };
    return rpc_ok(st);
}

static enum rpc_code noting_checkpoint(struct co *co, struct snapshot_driver *d,
                                       const struct checkpoint_request *q, struct instant deadline,
                                       struct arena *a, struct checkpoint_response *ret,
                                       struct rpc_status *st)
{
    note(co, d, q->checkpoint_id, deadline);
    *ret = (struct checkpoint_response){ arena_printf(a, "uid-of-%s", q->checkpoint_id), 42, 1000,
                                         q->parameters };
    return rpc_ok(st);
}

static enum rpc_code noting_restore(struct co *co, struct snapshot_driver *d, const struct restore_request *q,
                                    struct instant deadline, struct arena *a, struct restore_response *ret,
                                    struct rpc_status *st)
{
    note(co, d, q->snapshot_uid, deadline);
    return rpc_fail(a, st, RPC_DATA_LOSS, "artifact %s: checksum: 100%% wrong", q->snapshot_uid);
}

static enum rpc_code noting_remove(struct co *co, struct snapshot_driver *d,
                                   const struct snapshot_delete_request *q, struct instant deadline,
                                   struct arena *a, struct rpc_status *st)
{
    note(co, d, arena_printf(a, "%s/%s", q->snapshot_uid, q->checkpoint_id), deadline);
    return rpc_ok(st);
}

static enum rpc_code noting_list(struct co *co, struct snapshot_driver *d,
                                 const struct snapshot_list_request *q, struct instant deadline,
                                 struct arena *a, struct snapshot_list_response *ret, struct rpc_status *st)
{
    struct snapshot_list_entry *v = arena_alloc(a, 2 * sizeof(*v));

    note(co, d, "list", deadline);
    v[0] = (struct snapshot_list_entry){ "u1", "c1", 1, 2 };
    v[1] = (struct snapshot_list_entry){ "u2", "c2", 3, 4 };
    *ret = (struct snapshot_list_response){ v, 2 };
    return rpc_ok(st);
}

static void noting_free(struct snapshot_driver *d)
{
}

static const struct snapshot_driver_ops noting_ops = {
    .name = "noting", .get_info = noting_info, .checkpoint = noting_checkpoint, .restore = noting_restore,
    .remove = noting_remove, .list = noting_list, .free = noting_free,
};

/* ---- the bench ------------------------------------------------------------------------------- */

struct bench {
    char dir[32], endpoint[64];
    struct world *world;
    struct proc *proc, *client;
    struct noting driver;
    struct driver_server *server;
    struct snapshot_driver *remote;
    size_t exchanges;
    struct driver_exchange last;
    char last_message[128];
    char reply[256];
    size_t reply_len;
    bool replay;
    void (*story)(struct co *co, struct bench *b, struct arena *a);
    /* what the story saw */
    enum rpc_code code;
    char text[256];
    struct driver_info info;
    struct checkpoint_response checkpoint;
};

static void on_exchange(void *arg, const struct driver_exchange *x)
{
    struct bench *b = arg;

    b->exchanges++;
    b->last = *x;
    snprintf(b->last_message, sizeof(b->last_message), "%s", x->message ? x->message : "");
    if (x->reply_len && x->reply_len < sizeof(b->reply))
        memcpy(b->reply, x->reply, x->reply_len);
    b->reply_len = x->reply_len;
}

static bool replay(void *arg, const struct driver_exchange *request, struct arena *a,
                   struct driver_exchange *ret)
{
    struct bench *b = arg;

    if (!b->replay)
        return false;
    *ret = *request;
    ret->reply = b->reply;
    ret->reply_len = b->reply_len;
    ret->message = "";
    return true;
}

static struct bench *bench(void)
{
    struct bench *b = calloc(1, sizeof(*b));
    cleanup_arena struct arena *a = arena_new();
    struct err e = ERR_IN(a);

    strcpy(b->dir, "/tmp/dormouse-remote-XXXXXX");
    assert_non_null(mkdtemp(b->dir));
    snprintf(b->endpoint, sizeof(b->endpoint), "unix://%s/s.sock", b->dir);
    b->world = world_new(&(struct world_options){ .mode = WORLD_REAL, .trace_keep = true });
    b->proc = proc_new(b->world, "driver");
    b->client = proc_new(b->world, "client");
    b->driver.base.ops = &noting_ops;
    b->server = driver_serve(b->proc, &b->driver.base, b->endpoint, &e);
    b->remote = remote_driver_new(b->world, &(struct remote_driver_options){ .endpoint = b->endpoint,
                                  .on_exchange = on_exchange, .replay = replay, .arg = b }, &e);
    assert_non_null(b->server);
    assert_non_null(b->remote);
    return b;
}

static void bench_free(struct bench *b)
{
    cleanup_free char *path = xasprintf("%s/s.sock", b->dir);

    proc_kill(b->client);
    proc_kill(b->proc);
    driver_free(b->remote);
    driver_server_free(b->server);
    proc_free(b->client);
    proc_free(b->proc);
    world_free(b->world);
    unlink(path);
    rmdir(b->dir);
    free(b);
}

static void run_story(struct co *co, void *arg)
{
    struct bench *b = arg;
    cleanup_arena struct arena *a = arena_new();

    b->story(co, b, a);
    world_stop(b->world);
}

static void run(struct bench *b, void (*story)(struct co *, struct bench *, struct arena *))
{
    b->story = story;
    co_spawn(b->client, "story", run_story, b);
    world_run(b->world);
}

static struct instant in(struct co *co, duration d)
{
    return instant_add(world_now(co_world(co)), d);
}

static const struct kv some[] = { { "bucket", "b" } };
static const struct checkpoint_request request = {
    "s", "ns", "p", "c-1", "su", "pu", "", { some, 1 }
};

/* ---- the tests ------------------------------------------------------------------------------- */

static void tell_info(struct co *co, struct bench *b, struct arena *a)
{
    struct rpc_status st;

    b->code = driver_get_info(co, b->remote, in(co, DURATION_S(5)), a, &b->info, &st);
    snprintf(b->text, sizeof(b->text), "%s %s", b->info.name, b->info.version);
}

static void drv_001_drv_002_a_driver_answers_over_a_unix_socket(void **state)
{
    struct bench *b = bench();

    run(b, tell_info);
    assert_int_equal(b->code, RPC_OK);
    assert_string_equal(b->text, "noting 7");
    assert_int_equal(b->info.capabilities, DRIVER_CHECKPOINT_RESTORE | DRIVER_LIST);
    bench_free(b);
}

static void tell_checkpoint(struct co *co, struct bench *b, struct arena *a)
{
    struct rpc_status st;

    b->code = driver_checkpoint(co, b->remote, &request, in(co, DURATION_MIN(5)), a, &b->checkpoint, &st);
    snprintf(b->text, sizeof(b->text), "%s %d %s", b->checkpoint.snapshot_uid,
             (int)b->checkpoint.size_bytes, kvmap_get(&b->checkpoint.driver_metadata, "bucket"));
}

static void drv_007_the_deadline_reaches_the_driver(void **state)
{
    struct bench *b = bench();

    run(b, tell_checkpoint);
    assert_int_equal(b->code, RPC_OK);
    assert_string_equal(b->text, "uid-of-c-1 42 b");
    assert_string_equal(b->driver.seen, "c-1");
    assert_true(b->driver.deadline > DURATION_MIN(4) && b->driver.deadline <= DURATION_MIN(5));
    bench_free(b);
}

static void tell_restore(struct co *co, struct bench *b, struct arena *a)
{
    struct restore_request q = { "s", "ns", "u-9", "su", "p", { 0 }, { 0 } };
    struct restore_response r;
    struct rpc_status st;

    b->code = driver_restore(co, b->remote, &q, in(co, DURATION_S(5)), a, &r, &st);
    snprintf(b->text, sizeof(b->text), "%s", st.message);
}

static void drv_063_codes_and_messages_come_through(void **state)
{
    struct bench *b = bench();

    run(b, tell_restore);
    assert_int_equal(b->code, RPC_DATA_LOSS);
    assert_string_equal(b->text, "artifact u-9: checksum: 100% wrong");
    assert_int_equal(remote_driver_last_cause(b->remote), GRPC_PEER);
    bench_free(b);
}

static void tell_freeze(struct co *co, struct bench *b, struct arena *a)
{
    struct freeze_request q = { "s", "ns", "p", "su", "pu", "", { 0 } };
    struct rpc_status st;

    b->code = driver_freeze(co, b->remote, &q, in(co, DURATION_S(5)), a, &st);
}

static void what_a_driver_does_not_have_is_unimplemented(void **state)
{
    struct bench *b = bench();

    run(b, tell_freeze);
    assert_int_equal(b->code, RPC_UNIMPLEMENTED);
    assert_int_equal(b->exchanges, 1);
    bench_free(b);
}

static void tell_list(struct co *co, struct bench *b, struct arena *a)
{
    struct snapshot_list_request q = { "", { 0 } };
    struct snapshot_list_response r;
    struct rpc_status st;

    b->code = driver_list(co, b->remote, &q, in(co, DURATION_S(5)), a, &r, &st);
    if (b->code == RPC_OK)
        snprintf(b->text, sizeof(b->text), "%zu %s %s", r.n, r.v[0].snapshot_uid, r.v[1].checkpoint_id);
}

static void list_comes_through(void **state)
{
    struct bench *b = bench();

    run(b, tell_list);
    assert_string_equal(b->text, "2 u1 c2");
    bench_free(b);
}

static void a_recorded_reply_needs_no_socket(void **state)
{
    struct bench *b = bench();

    run(b, tell_checkpoint);
    assert_int_equal(b->exchanges, 1);
    assert_int_equal(b->last.method, DRIVER_CHECKPOINT);
    assert_int_equal(b->last.code, RPC_OK);
    assert_int_equal(b->driver.calls, 1);
    b->replay = true;
    b->text[0] = '\0';
    run(b, tell_checkpoint);
    assert_string_equal(b->text, "uid-of-c-1 42 b");
    assert_int_equal(b->driver.calls, 1);
    bench_free(b);
}

static void a_reply_that_is_not_one_is_internal(void **state)
{
    struct bench *b = bench();

    b->replay = true;
    memcpy(b->reply, "\x0a\x7fshort", 7);
    b->reply_len = 7;
    run(b, tell_checkpoint);
    assert_int_equal(b->code, RPC_INTERNAL);
    assert_int_equal(remote_driver_last_cause(b->remote), GRPC_GARBAGE);
    bench_free(b);
}

/* ---- the two spellings ----------------------------------------------------------------------- */

struct spelled {
    size_t legal, literal;
};

static enum grpc_code count_literal(struct co *co, void *arg, const struct grpc_request *q,
                                    struct buf *reply, const char **ret_message)
{
    struct spelled *s = arg;

    s->literal++;
    buf_add(reply, "\x0a\3old", 5);    /* name: "old" */
    return GRPC_OK;
}

static void drv_001_the_literal_path_is_tried_and_remembered(void **state)
{
    struct bench *b = bench();
    struct spelled counts = { 0 };
    struct grpc_method only = { LITERAL_SERVICE "GetDriverInfo", count_literal, &counts };
    struct grpc_server *old;

    b->server = driver_server_free(b->server);
    old = grpc_server_new(&(struct grpc_server_options){ .proc = b->proc, .endpoint = b->endpoint,
                                                         .methods = &only, .n_methods = 1, .who = "old" },
                          NULL);
    assert_non_null(old);
    run(b, tell_info);
    assert_int_equal(b->code, RPC_OK);
    assert_string_equal(b->text, "old ");
    run(b, tell_info);
    assert_int_equal(counts.literal, 2);
    assert_int_equal(b->exchanges, 2);
    run(b, tell_checkpoint);           /* neither spelling has it */
    assert_int_equal(b->code, RPC_UNIMPLEMENTED);
    proc_kill(b->proc);
    grpc_server_free(old);
    bench_free(b);
}

static void call_literal(struct co *co, struct bench *b, struct arena *a)
{
    struct grpc_client *c = grpc_client_new(b->world, &(struct grpc_client_options){ .endpoint = b->endpoint },
                                            NULL);
    struct grpc_reply r;

    b->code = (enum rpc_code)grpc_call(co, c, LITERAL_SERVICE "GetDriverInfo", "", 0, DURATION_S(5), a, &r);
    grpc_client_free(c);
}

static void drv_001_both_spellings_are_served(void **state)
{
    struct bench *b = bench();

    run(b, call_literal);
    assert_int_equal(b->code, RPC_OK);
    assert_string_equal(b->driver.seen, "info");
    bench_free(b);
}

static void send_noise(struct co *co, struct bench *b, struct arena *a)
{
    struct grpc_client *c = grpc_client_new(b->world, &(struct grpc_client_options){ .endpoint = b->endpoint },
                                            NULL);
    struct grpc_reply r;

    b->code = (enum rpc_code)grpc_call(co, c, LEGAL_SERVICE "Checkpoint", "\x0a\3a\0b", 5, DURATION_S(5), a,
                                       &r);
    snprintf(b->text, sizeof(b->text), "%s", r.message);
    grpc_client_free(c);
}

static void a_request_that_is_not_one_never_reaches_the_driver(void **state)
{
    struct bench *b = bench();

    run(b, send_noise);
    assert_int_equal(b->code, RPC_INVALID_ARGUMENT);
    assert_non_null(strstr(b->text, "sandbox_name"));
    assert_int_equal(b->driver.calls, 0);
    bench_free(b);
}

static void drv_002_tcp_on_loopback(void **state)
{
    struct bench *b = bench();
    cleanup_arena struct arena *a = arena_new();
    struct err e = ERR_IN(a);

    driver_server_free(b->server);
    driver_free(b->remote);
    b->server = driver_serve(b->proc, &b->driver.base, "tcp://127.0.0.1:0", &e);
    assert_non_null(b->server);
    b->remote = remote_driver_new(b->world, &(struct remote_driver_options){
                                  .endpoint = driver_server_endpoint(b->server) }, &e);
    run(b, tell_info);
    assert_string_equal(b->text, "noting 7");
    assert_null(driver_serve(b->proc, &b->driver.base, "tcp://0.0.0.0:0", &e));
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drv_001_drv_002_a_driver_answers_over_a_unix_socket),
        cmocka_unit_test(drv_007_the_deadline_reaches_the_driver),
        cmocka_unit_test(drv_063_codes_and_messages_come_through),
        cmocka_unit_test(what_a_driver_does_not_have_is_unimplemented),
        cmocka_unit_test(list_comes_through),
        cmocka_unit_test(a_recorded_reply_needs_no_socket),
        cmocka_unit_test(a_reply_that_is_not_one_is_internal),
        cmocka_unit_test(drv_001_the_literal_path_is_tried_and_remembered),
        cmocka_unit_test(drv_001_both_spellings_are_served),
        cmocka_unit_test(a_request_that_is_not_one_never_reaches_the_driver),
        cmocka_unit_test(drv_002_tcp_on_loopback),
    };

    return cmocka_run_group_tests_name("remote", tests, NULL, NULL);
}
