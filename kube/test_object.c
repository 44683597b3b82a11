#include "kube/object.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char pod_text[] =
    "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\",\"namespace\":\"ns\",\"uid\":\"u1\","
    "\"resourceVersion\":\"7\",\"generation\":3,\"labels\":{\"app.kubernetes.io/name\":\"x\"},"
    "\"ownerReferences\":[{\"apiVersion\":\"v1\",\"kind\":\"A\",\"name\":\"a\",\"uid\":\"ua\"},"
    "{\"apiVersion\":\"v1\",\"kind\":\"B\",\"name\":\"b\",\"uid\":\"ub\",\"controller\":true}],"
    "\"finalizers\":[\"f/1\",\"f/2\"]},\"spec\":{\"nodeName\":\"n\",\"hostNetwork\":true,\"priority\":5},"
    "\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\",\"reason\":\"R\",\"message\":\"\","
    "\"lastTransitionTime\":\"2025-01-01T00:00:00Z\"}]}}";

static void readers_accept_what_is_not_there(void **state)
{
    json_auto_t *pod = json_parse_str(pod_text), *odd = json_parse_str("{\"metadata\":[],\"kind\":3}");

    assert_string_equal(obj_name(pod), "p");
    assert_string_equal(obj_namespace(pod), "ns");
    assert_string_equal(obj_resource_version(pod), "7");
    assert_int_equal(obj_generation(pod), 3);
    assert_string_equal(obj_label(pod, "app.kubernetes.io/name"), "x");
    assert_null(obj_label(pod, "other"));
    assert_false(obj_is_deleting(pod));
    assert_string_equal(obj_str(pod, "spec.nodeName"), "n");
    assert_int_equal(obj_int(pod, "spec.priority", 9), 5);
    assert_int_equal(obj_int(pod, "spec.nope", 9), 9);
    assert_true(obj_bool(pod, "spec.hostNetwork", false));
    assert_int_equal(obj_count(pod, "metadata.finalizers"), 2);
    assert_string_equal(obj_name(odd), "");
    assert_string_equal(obj_kind(odd), "");
    assert_string_equal(obj_name(NULL), "");
    assert_null(obj_annotation(NULL, "a"));
}

static void owners_are_found_by_uid(void **state)
{
    json_auto_t *pod = json_parse_str(pod_text);
    json_auto_t *b = json_parse_str("{\"apiVersion\":\"v1\",\"kind\":\"B\",\"metadata\":{\"name\":\"b\",\"uid\":\"ub\"}}");
    json_auto_t *c = json_parse_str("{\"apiVersion\":\"v1\",\"kind\":\"C\",\"metadata\":{\"name\":\"c\",\"uid\":\"uc\"}}");

    assert_true(obj_controlled_by(pod, b));
    assert_false(obj_controlled_by(pod, c));
    assert_false(obj_set_owner(pod, c, true));
    assert_true(obj_set_owner(pod, c, false));
    assert_true(obj_set_owner(pod, b, true));
    assert_int_equal(json_array_size(obj_owner_references(pod)), 3);
    assert_string_equal(json_string_value(json_object_get(obj_owner_ref(pod, "uc"), "name")), "c");
}

static void writers_leave_shared_parts_alone(void **state)
{
    json_auto_t *stored = json_parse_str(pod_text);
    cleanup_free char *before = json_text(stored, 0), *after = NULL;
    json_t *mine = json_incref(stored);

    json_own(&mine);
    obj_set_label(mine, "a", "b");
    obj_set_label(mine, "app.kubernetes.io/name", NULL);
    obj_set_annotation(mine, "n", "");
    assert_true(obj_add_finalizer(mine, "f/3"));
    assert_false(obj_add_finalizer(mine, "f/3"));
    assert_true(obj_remove_finalizer(mine, "f/1"));
    assert_false(obj_remove_finalizer(mine, "f/1"));
    obj_set(mine, "status.phase", json_string("Running"));
    obj_set(mine, "spec.nodeName", NULL);
    obj_set(mine, "a.b.c", NULL);
    after = json_text(stored, 0);
    assert_string_equal(before, after);
    assert_string_equal(obj_label(mine, "a"), "b");
    assert_null(obj_label(mine, "app.kubernetes.io/name"));
    assert_string_equal(obj_annotation(mine, "n"), "");
    assert_string_equal(obj_str(mine, "status.phase"), "Running");
    assert_string_equal(obj_str(mine, "spec.nodeName"), "");
    assert_null(json_object_get(mine, "a"));
    assert_int_equal(obj_count(mine, "metadata.finalizers"), 2);
    json_decref(mine);
}

static void empty_maps_and_lists_disappear(void **state)
{
    json_auto_t *o = obj_new("v1", "ConfigMap", "", "x");
    cleanup_free char *text = NULL;

    obj_set_label(o, "a", "b");
    obj_set_label(o, "a", NULL);
    obj_add_finalizer(o, "f");
    obj_remove_finalizer(o, "f");
    text = json_text(o, 0);
    assert_string_equal(text, "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"x\"}}");
}

/* lastTransitionTime moves when, and only when, the status does. */
static void transition_time_follows_the_status(void **state)
{
    json_auto_t *pod = json_parse_str(pod_text);
    json_t *list = json_own_array(json_own_object(pod, "status"), "conditions");
    struct instant now = instant_add(SIM_EPOCH, DURATION_S(60));
    struct condition ready = { "Ready", "True", "R", "", 0 };

    assert_false(conditions_set(list, &ready, now));
    ready.message = "all is well";
    assert_true(conditions_set(list, &ready, now));
    assert_string_equal(obj_str(pod, "status.conditions[0].lastTransitionTime"), "2025-01-01T00:00:00Z");
    ready.status = "False";
    assert_true(conditions_set(list, &ready, now));
    assert_string_equal(obj_str(pod, "status.conditions[0].lastTransitionTime"), "2025-01-01T00:01:00Z");
    assert_false(obj_condition_true(pod, "Ready"));
    assert_true(conditions_set(list, &(struct condition){ "New", "True", "N", "", 4 }, now));
    assert_int_equal(obj_int(pod, "status.conditions[1].observedGeneration", 0), 4);
    assert_true(conditions_remove(list, "Ready"));
    assert_false(conditions_remove(list, "Ready"));
    assert_string_equal(obj_condition_status(pod, "Ready"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_accept_what_is_not_there),
        cmocka_unit_test(owners_are_found_by_uid),
        cmocka_unit_test(writers_leave_shared_parts_alone),
        cmocka_unit_test(empty_maps_and_lists_disappear),
        cmocka_unit_test(transition_time_follows_the_status),
    };

    json_object_seed(1);
    return cmocka_run_group_tests_name("object", tests, NULL, NULL);
}
