#include "kube/apierr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kube/json.h"

static void assert_status(const struct apierr *err, const char *want)
{
    json_auto_t *status = apierr_status(err);
    cleanup_free char *text = json_text(status, 0);

    assert_string_equal(text, want);
}

/* J-001, J-002 */
static void not_found_names_resource_and_group(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    struct apierr err = APIERR_IN(a);
    int r = apierr_not_found(&err, "agents.x-k8s.io", "sandboxes", "x");

    assert_int_equal(r, -APIERR_NOT_FOUND);
    assert_status(&err, "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\","
                        "\"message\":\"sandboxes.agents.x-k8s.io \\\"x\\\" not found\",\"reason\":\"NotFound\","
                        "\"details\":{\"name\":\"x\",\"group\":\"agents.x-k8s.io\",\"kind\":\"sandboxes\"},"
                        "\"code\":404}");
    apierr_not_found(&err, "", "pods", "x");
    assert_string_equal(err.message, "pods \"x\" not found");
}

/* J-009 */
static void conflict_is_worded_as_the_store_words_it(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    struct apierr err = APIERR_IN(a);
    int r = apierr_conflict(&err, "", "pods", "x", "the object has been modified; please apply your "
                                                   "changes to the latest version and try again");

    assert_int_equal(r, -APIERR_CONFLICT);
    assert_int_equal(apierr_code(&err), 409);
    assert_string_equal(err.message,
                        "Operation cannot be fulfilled on pods \"x\": the object has been modified; "
                        "please apply your changes to the latest version and try again");
}

/* J-018: causes in the order found, details with them; and J-121: a client reads the same back. */
static void causes_survive_the_wire(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    struct apierr err = APIERR_IN(a), back = APIERR_IN(a);
    json_auto_t *status = NULL;

    apierr_set(&err, APIERR_INVALID, "Pod \"x\" is invalid");
    err.name = "x";
    err.kind = "Pod";
    for (int i = 0; i < 5; i++)
        apierr_cause(&err, "FieldValueRequired", "spec.containers", "Required value %d", i);
    err.retry_after_s = 3;
    status = apierr_status(&err);
    assert_int_equal(apierr_from_status(&back, status), -APIERR_INVALID);
    assert_int_equal(back.n_causes, 5);
    assert_string_equal(back.causes[4].message, "Required value 4");
    assert_string_equal(back.causes[0].field, "spec.containers");
    assert_string_equal(back.kind, "Pod");
    assert_int_equal(back.retry_after_s, 3);
    assert_int_equal(apierr_code(&back), 422);
}

/* J-121: reason first, then the code; J-120: no reason and 500. */
static void reason_is_read_before_the_code(void **state)
{
    static const struct {
        const char *status;
        int want;
    } rows[] = {
        { "{\"reason\":\"AlreadyExists\",\"code\":409}", -APIERR_ALREADY_EXISTS },
        { "{\"code\":409}", -APIERR_CONFLICT },
        { "{\"code\":404}", -APIERR_NOT_FOUND },
        { "{\"reason\":\"Novel\",\"code\":404}", -APIERR_NOT_FOUND },
        { "{\"code\":500,\"message\":\"m\"}", -APIERR_UNKNOWN },
        { "{\"reason\":\"InternalError\",\"code\":500}", -APIERR_INTERNAL_ERROR },
        { "{\"reason\":\"Expired\",\"code\":410}", -APIERR_EXPIRED },
        { "[]", -APIERR_UNKNOWN },
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        json_auto_t *status = json_parse_str(rows[i].status);

        assert_int_equal(apierr_from_status(NULL, status), rows[i].want);
    }
}

static void wrap_keeps_the_reason(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    struct apierr err = APIERR_IN(a);
    int r = apierr_set(&err, APIERR_GONE, "left");

    assert_int_equal(apierr_wrap(&err, r, "get %s", "x"), -APIERR_GONE);
    assert_string_equal(err.message, "get x: left");
    assert_true(apierr_is(r, APIERR_GONE));
    assert_string_equal(apierr_reason_text(r), "Gone");
}

static void world_errors_become_api_errors(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    struct apierr err = APIERR_IN(a);
    struct err e = ERR_IN(a);
    int r = err_set(&e, ERR_UNAVAILABLE, "no peer");

    assert_int_equal(apierr_from(&err, r, &e), -APIERR_SERVICE_UNAVAILABLE);
    assert_string_equal(err.message, "no peer");
    assert_int_equal(apierr_from(&err, -ERR_CANCELLED, &e), -ERR_CANCELLED);
    assert_int_equal(apierr_from(NULL, -ERR_IO, NULL), -APIERR_INTERNAL_ERROR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(not_found_names_resource_and_group),
        cmocka_unit_test(conflict_is_worded_as_the_store_words_it),
        cmocka_unit_test(causes_survive_the_wire),
        cmocka_unit_test(reason_is_read_before_the_code),
        cmocka_unit_test(wrap_keeps_the_reason),
        cmocka_unit_test(world_errors_become_api_errors),
    };

    json_object_seed(1);
    return cmocka_run_group_tests_name("apierr", tests, NULL, NULL);
}
