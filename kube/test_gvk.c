#include "kube/gvk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct resource pods = { "", "v1", "Pod", "pods", true };
static const struct resource nodes = { "", "v1", "Node", "nodes", false };
static const struct resource roles = { "rbac.authorization.k8s.io", "v1", "Role", "roles", true };

static void paths_name_what_is_asked_for(void **state)
{
    cleanup_arena struct arena *a = arena_new();

    assert_string_equal(resource_path(a, &pods, "ns", "x", "status"),
                        "/api/v1/namespaces/ns/pods/x/status");
    assert_string_equal(resource_path(a, &pods, NULL, NULL, NULL), "/api/v1/pods");
    assert_string_equal(resource_path(a, &nodes, "ignored", "n", ""), "/api/v1/nodes/n");
    assert_string_equal(resource_path(a, &roles, "ns", "system:a", NULL),
                        "/apis/rbac.authorization.k8s.io/v1/namespaces/ns/roles/system:a");
}

/* K-050: a name never makes another path. */
static void names_are_encoded(void **state)
{
    cleanup_arena struct arena *a = arena_new();

    assert_string_equal(resource_path(a, &pods, "n s", "a/b%?#", NULL),
                        "/api/v1/namespaces/n%20s/pods/a%2Fb%25%3F%23");
}

static void api_versions_split_and_join(void **state)
{
    char group[256], version[64], text[API_VERSION_MAX];

    assert_true(api_version_split("v1", group, version));
    assert_string_equal(group, "");
    assert_string_equal(version, "v1");
    assert_true(api_version_split("apps/v1", group, version));
    assert_string_equal(group, "apps");
    assert_false(api_version_split("a/b/c", group, version));
    assert_string_equal(resource_api_version(&roles, text), "rbac.authorization.k8s.io/v1");
    assert_string_equal(resource_api_version(&pods, text), "v1");
}

static void group_resources_as_errors_spell_them(void **state)
{
    cleanup_arena struct arena *a = arena_new();

    assert_string_equal(group_resource(a, "", "pods"), "pods");
    assert_string_equal(group_resource(a, "apps", "deployments"), "deployments.apps");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_name_what_is_asked_for),
        cmocka_unit_test(names_are_encoded),
        cmocka_unit_test(api_versions_split_and_join),
        cmocka_unit_test(group_resources_as_errors_spell_them),
    };

    return cmocka_run_group_tests_name("gvk", tests, NULL, NULL);
}
