#include "kube/snapshot_driver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kube/transport.h"

/* DRV-063 */
static void codes_say_what_is_known_of_the_outcome(void **state)
{
    static const struct {
        enum rpc_code code;
        const char *text;
        enum rpc_outcome outcome;
    } rows[] = {
        { RPC_OK, "OK", RPC_DONE },
        { RPC_INVALID_ARGUMENT, "INVALID_ARGUMENT", RPC_TERMINAL },
        { RPC_ALREADY_EXISTS, "ALREADY_EXISTS", RPC_TERMINAL },
        { RPC_PERMISSION_DENIED, "PERMISSION_DENIED", RPC_TERMINAL },
        { RPC_UNAUTHENTICATED, "UNAUTHENTICATED", RPC_TERMINAL },
        { RPC_FAILED_PRECONDITION, "FAILED_PRECONDITION", RPC_TERMINAL },
        { RPC_OUT_OF_RANGE, "OUT_OF_RANGE", RPC_TERMINAL },
        { RPC_UNIMPLEMENTED, "UNIMPLEMENTED", RPC_TERMINAL },
        { RPC_DATA_LOSS, "DATA_LOSS", RPC_TERMINAL },
        { RPC_NOT_FOUND, "NOT_FOUND", RPC_TERMINAL },
        { RPC_ABORTED, "ABORTED", RPC_RETRYABLE },
        { RPC_RESOURCE_EXHAUSTED, "RESOURCE_EXHAUSTED", RPC_RETRYABLE },
        { RPC_UNAVAILABLE, "UNAVAILABLE", RPC_OUTCOME_UNKNOWN },
        { RPC_DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", RPC_OUTCOME_UNKNOWN },
        { RPC_CANCELLED, "CANCELLED", RPC_OUTCOME_UNKNOWN },
        { RPC_UNKNOWN, "UNKNOWN", RPC_OUTCOME_UNKNOWN },
        { RPC_INTERNAL, "INTERNAL", RPC_OUTCOME_UNKNOWN },
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_string_equal(rpc_code_text((int)rows[i].code), rows[i].text);
        assert_int_equal(rpc_outcome(rows[i].code), rows[i].outcome);
    }
    assert_string_equal(rpc_code_text(42), "UNKNOWN");
    assert_int_equal(rpc_outcome((enum rpc_code)42), RPC_OUTCOME_UNKNOWN);
}

static void maps_are_looked_up_and_compared(void **state)
{
    static const struct kv v[] = { { "a", "1" }, { "b", "" } }, w[] = { { "a", "1" }, { "b", "2" } };
    const struct kvmap m = { v, 2 }, n = { w, 2 }, none = { NULL, 0 };

    assert_string_equal(kvmap_get(&m, "b"), "");
    assert_null(kvmap_get(&m, "c"));
    assert_true(kvmap_equal(&m, &m));
    assert_false(kvmap_equal(&m, &n));
    assert_false(kvmap_equal(&m, &none));
    assert_true(kvmap_equal(&none, &none));
}

static enum rpc_code quiet_remove(struct co *co, struct snapshot_driver *d, const struct snapshot_delete_request *q,
                                  struct instant deadline, struct arena *a, struct rpc_status *st)
{
    st->code = RPC_OK;                           /* and says nothing */
    return RPC_OK;
}

/* DRV-005: what a driver does not implement answers so; and there is always a message. */
static void missing_methods_are_unimplemented(void **state)
{
    static const struct snapshot_driver_ops ops = { .name = "quiet", .remove = quiet_remove };
    cleanup_arena struct arena *a = arena_new();
    struct snapshot_driver d = { &ops };
    struct driver_info info = { .name = "left" };
    struct rpc_status st;

    assert_int_equal(driver_get_info(NULL, &d, INSTANT_NEVER, a, &info, &st), RPC_UNIMPLEMENTED);
    assert_int_equal(st.code, RPC_UNIMPLEMENTED);
    assert_string_equal(st.message, "method GetDriverInfo not implemented");
    assert_null(info.name);
    assert_int_equal(driver_delete(NULL, &d, &(struct snapshot_delete_request){ 0 }, INSTANT_NEVER, a, &st), RPC_OK);
    assert_string_equal(st.message, "");
    assert_null(driver_free(NULL));
}

static int echo_call(struct co *co, struct transport *t, const struct api_request *q, struct api_reply *ret)
{
    ret->arena = arena_new();
    ret->status = 200;
    ret->headers = arena_memdup(ret->arena, q->headers, q->n_headers * sizeof(*q->headers));
    ret->n_headers = q->n_headers;
    ret->body = blob_new(q->body, q->body_len);
    return 0;
}

static void replies_carry_their_headers_and_are_released(void **state)
{
    static const struct transport_ops ops = { .name = "echo", .call = echo_call };
    const struct api_header headers[] = { { "Content-Type", "a" }, { "content-type", "b" } };
    const struct api_request q = { .method = "GET", .path = "/", .headers = headers, .n_headers = 2,
                                   .body = "hi", .body_len = 2 };
    struct transport t = { &ops };
    cleanup_reply struct api_reply reply = { 0 };

    assert_string_equal(api_request_header(&q, "CONTENT-TYPE"), "a");
    assert_null(api_request_header(&q, "Accept"));
    assert_int_equal(transport_call(NULL, &t, &q, &reply), 0);
    assert_string_equal(api_reply_header(&reply, "content-type"), "a");
    assert_string_equal(reply.body->data, "hi");
}

struct counting {
    struct api_stream base;
    int left, freed;
};

static int counting_poll(struct api_stream *s, struct api_frame *ret)
{
    struct counting *c = container_of(s, struct counting, base);

    if (!c->left)
        return -ERR_UNAVAILABLE;
    *ret = (struct api_frame){ "ADDED", json_integer(c->left--) };
    return 1;
}

static void counting_free(struct api_stream *s)
{
    container_of(s, struct counting, base)->freed++;
}

static void note(void *arg)
{
    ++*(int *)arg;
}

static void streams_end_and_tell_who_is_no_task(void **state)
{
    static const struct api_stream_ops ops = { .poll = counting_poll, .free = counting_free };
    int told = 0;
    struct counting c = { .base = { .ops = &ops, .notify = note, .notify_arg = &told }, .left = 1 };
    struct api_frame frame;

    api_stream_signal(&c.base);
    assert_int_equal(told, 1);
    assert_int_equal(api_stream_next(NULL, &c.base, INSTANT_NEVER, &frame), 1);
    assert_string_equal(frame.type, "ADDED");
    json_decref(frame.object);
    assert_int_equal(api_stream_poll(&c.base, &frame), -ERR_UNAVAILABLE);
    assert_null(api_stream_free(&c.base));
    assert_int_equal(c.freed, 1);
    assert_null(api_stream_free(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_say_what_is_known_of_the_outcome),
        cmocka_unit_test(maps_are_looked_up_and_compared),
        cmocka_unit_test(missing_methods_are_unimplemented),
        cmocka_unit_test(replies_carry_their_headers_and_are_released),
        cmocka_unit_test(streams_end_and_tell_who_is_no_task),
    };

    json_object_seed(1);
    return cmocka_run_group_tests_name("seams", tests, NULL, NULL);
}
