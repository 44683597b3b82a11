/* What a Sandbox makes: Pod, volume claims and Service as pure functions of the Sandbox. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "controller/sandbox/children.h"
#include "controller/sandbox/target.h"
#include "controller/snapshot/claim.h"

static json_t *parse(const char *text)
{
    json_t *v = json_parse_str(text);

    assert_non_null(v);
    return v;
}

static void same(const json_t *got, const char *want)
{
    json_auto_t *w = parse(want);
    cleanup_free char *a = json_text(got, JSON_WRITE_SORTED), *b = json_text(w, JSON_WRITE_SORTED);

    assert_string_equal(a, b);
}

#define SANDBOX(meta, spec)                                                                            \
    "{\"apiVersion\":\"agents.x-k8s.io/v1beta1\",\"kind\":\"Sandbox\",\"metadata\":{\"name\":\"s\","    \
    "\"namespace\":\"ns\",\"uid\":\"u1\"" meta "},\"spec\":{" spec "}}"
#define BARE "\"podTemplate\":{\"spec\":{\"containers\":[{\"name\":\"a\"}]}}"

static void pod_is_named_owned_and_labelled(void **state)          /* SBX-010, SBX-013 */
{
    json_auto_t *s = parse(SANDBOX("", BARE)), *pod = pod_build(s);

    same(pod, "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"s\",\"namespace\":\"ns\","
              "\"labels\":{\"agents.x-k8s.io/sandbox-name-hash\":\"f60c4582\"},"
              "\"ownerReferences\":[{\"apiVersion\":\"agents.x-k8s.io/v1beta1\",\"kind\":\"Sandbox\","
              "\"name\":\"s\",\"uid\":\"u1\",\"controller\":true,\"blockOwnerDeletion\":true}]},"
              "\"spec\":{\"containers\":[{\"name\":\"a\"}]}}");
}

static void metadata_is_filtered_and_listed(void **state)          /* SBX-014 to SBX-016, SBX-019 */
{
    json_auto_t *s = parse(SANDBOX(
        ",\"labels\":{\"x\":\"1\",\"agents.x-k8s.io/claim-uid\":\"c\"}",
        "\"podTemplate\":{\"metadata\":{\"labels\":{\"b\":\"2\",\"a\":\"1\","
        "\"agents.x-k8s.io/sandbox-name-hash\":\"evil\",\"extensions.agents.x-k8s.io/y\":\"z\"},"
        "\"annotations\":{\"k\":\"v\",\"opentelemetry.io/trace-context\":\"{}\","
        "\"agents.x-k8s.io/pod-name\":\"victim\"}},\"spec\":{\"containers\":[]}}"));
    json_auto_t *pod = pod_build(s);

    same(obj_labels(pod), "{\"a\":\"1\",\"b\":\"2\",\"agents.x-k8s.io/sandbox-name-hash\":\"f60c4582\"}");
    same(obj_annotations(pod), "{\"k\":\"v\",\"agents.x-k8s.io/propagated-labels\":\"a,b\","
                               "\"agents.x-k8s.io/propagated-annotations\":\"k\"}");
}

static void identity_labels_follow_the_owner(void **state)         /* SBX-017, SBX-018 */
{
    json_auto_t *s = parse(SANDBOX(
        ",\"labels\":{\"agents.x-k8s.io/created-by\":\"somebody\",\"agents.x-k8s.io/warm-pool-sandbox\":\"h\","
        "\"agents.x-k8s.io/sandbox-template-ref-hash\":\"t\"},\"ownerReferences\":[{\"apiVersion\":"
        "\"extensions.agents.x-k8s.io/v1beta1\",\"kind\":\"SandboxWarmPool\",\"name\":\"p\",\"uid\":\"o\","
        "\"controller\":true}]", BARE));
    json_auto_t *pod = pod_build(s), *patch = NULL;

    assert_string_equal(obj_label(pod, "agents.x-k8s.io/created-by"), "unknown");
    assert_string_equal(obj_label(pod, "agents.x-k8s.io/warm-pool-sandbox"), "h");
    assert_string_equal(obj_label(pod, "agents.x-k8s.io/sandbox-template-ref-hash"), "t");
    obj_set_meta(s, "ownerReferences", NULL);
    obj_set_label(s, "agents.x-k8s.io/created-by", NULL);
    patch = pod_metadata_patch(s, pod);
    same(patch, "{\"metadata\":{\"labels\":{\"agents.x-k8s.io/created-by\":null,"
                "\"agents.x-k8s.io/sandbox-template-ref-hash\":null,"
                "\"agents.x-k8s.io/warm-pool-sandbox\":null}}}");
}

static void volumes_of_claims_replace_and_follow(void **state)     /* SBX-012 */
{
    json_auto_t *s = parse(SANDBOX("",
        "\"volumeClaimTemplates\":[{\"metadata\":{\"name\":\"data\"}},{\"metadata\":{\"name\":\"logs\"}}],"
        "\"podTemplate\":{\"spec\":{\"containers\":[],\"volumes\":[{\"name\":\"data\",\"emptyDir\":{}},"
        "{\"name\":\"tmp\",\"emptyDir\":{}}]}}"));
    json_auto_t *pod = pod_build(s);

    same(json_path(pod, "spec.volumes"),
         "[{\"name\":\"tmp\",\"emptyDir\":{}},"
         "{\"name\":\"data\",\"persistentVolumeClaim\":{\"claimName\":\"data-s\"}},"
         "{\"name\":\"logs\",\"persistentVolumeClaim\":{\"claimName\":\"logs-s\"}}]");
}

static void drift_is_one_small_patch(void **state)                 /* SBX-095 to SBX-098 */
{
    json_auto_t *s = parse(SANDBOX("",
        "\"podTemplate\":{\"metadata\":{\"labels\":{\"a\":\"1\",\"b\":\"2\"}},\"spec\":{\"containers\":[]}}"));
    json_auto_t *pod = pod_build(s), *none = pod_metadata_patch(s, pod), *patch = NULL;

    assert_null(none);
    obj_set_label(pod, "mine", "kept");
    obj_set_label(pod, "gone", "x");
    obj_set_label(pod, "agents.x-k8s.io/sandbox-name-hash", "drifted");
    obj_set_label(pod, "agents.x-k8s.io/old", "reserved");
    obj_set_annotation(pod, "agents.x-k8s.io/propagated-labels",
                       "a,agents.x-k8s.io/old,agents.x-k8s.io/sandbox-name-hash,b,gone");
    obj_set_label(pod, "b", "3");
    patch = pod_metadata_patch(s, pod);
    same(patch, "{\"metadata\":{\"labels\":{\"agents.x-k8s.io/sandbox-name-hash\":\"f60c4582\","
                "\"agents.x-k8s.io/old\":null,\"b\":\"2\",\"gone\":null},"
                "\"annotations\":{\"agents.x-k8s.io/propagated-labels\":\"a,b\"}}}");
}

static void ownership_is_by_uid(void **state)                      /* SBX-040 to SBX-043 */
{
    json_auto_t *s = parse(SANDBOX("", BARE)), *pod = pod_build(s), *patch = NULL;

    assert_int_equal(ownership_of(pod, s), OWNERSHIP_OURS);
    obj_set_meta_str(s, "uid", "u2");
    assert_int_equal(ownership_of(pod, s), OWNERSHIP_FOREIGN);
    obj_set_meta(pod, "ownerReferences", NULL);
    obj_set_meta_str(pod, "uid", "pu");
    obj_set_meta_str(pod, "resourceVersion", "7");
    assert_int_equal(ownership_of(pod, s), OWNERSHIP_NOBODY);
    assert_true(is_adoptable(pod, s));                             /* by the tracking label */
    patch = pod_adoption_patch(s, pod);
    assert_string_equal(obj_str(patch, "metadata.resourceVersion"), "7");
    assert_string_equal(obj_str(json_array_get(json_path(patch, "metadata.ownerReferences"), 0), "uid"), "u2");
    obj_set_label(pod, "agents.x-k8s.io/sandbox-name-hash", "other");
    assert_false(is_adoptable(pod, s));
    obj_set_label(pod, "agents.x-k8s.io/adoptable", "true");
    assert_true(is_adoptable(pod, s));
}

static void claims_carry_owner_and_label(void **state)             /* SBX-055 */
{
    struct arena *a = arena_new();
    json_auto_t *s = parse(SANDBOX("", BARE));
    json_auto_t *t = parse("{\"metadata\":{\"name\":\"data\",\"labels\":{\"l\":\"1\"},\"annotations\":"
                           "{\"n\":\"2\"}},\"spec\":{\"accessModes\":[\"ReadWriteOnce\"]}}");
    json_auto_t *pvc = pvc_build(a, s, t);

    assert_string_equal(obj_name(pvc), "data-s");
    assert_string_equal(obj_label(pvc, "l"), "1");
    assert_string_equal(obj_label(pvc, "agents.x-k8s.io/sandbox-name-hash"), "f60c4582");
    assert_string_equal(obj_annotation(pvc, "n"), "2");
    assert_true(obj_controlled_by(pvc, s));
    same(json_object_get(pvc, "spec"), "{\"accessModes\":[\"ReadWriteOnce\"]}");
    arena_free(a);
}

static void service_ports_are_derived(void **state)                /* SBX-060 to SBX-062 */
{
    json_auto_t *s = parse(SANDBOX("", "\"podTemplate\":{\"spec\":{\"containers\":[{\"name\":\"a\",\"ports\":["
        "{\"containerPort\":90},{\"containerPort\":80,\"name\":\"web\"},{\"containerPort\":0},"
        "{\"containerPort\":80,\"name\":\"late\"},{\"containerPort\":80,\"protocol\":\"UDP\",\"name\":\"web\"},"
        "{\"containerPort\":95,\"name\":\"p-90-tcp\"}]}],"
        "\"initContainers\":[{\"name\":\"i\",\"ports\":[{\"containerPort\":1}]},"
        "{\"name\":\"side\",\"restartPolicy\":\"Always\",\"ports\":[{\"containerPort\":70}]}]}}"));
    json_auto_t *service = service_build(s);

    same(json_path(service, "spec.ports"),
         "[{\"name\":\"p-70-tcp\",\"protocol\":\"TCP\",\"port\":70,\"targetPort\":70},"
         "{\"name\":\"web\",\"protocol\":\"TCP\",\"port\":80,\"targetPort\":80},"
         "{\"name\":\"p-80-udp\",\"protocol\":\"UDP\",\"port\":80,\"targetPort\":80},"
         "{\"name\":\"p-90-tcp-2\",\"protocol\":\"TCP\",\"port\":90,\"targetPort\":90},"
         "{\"name\":\"p-90-tcp\",\"protocol\":\"TCP\",\"port\":95,\"targetPort\":95}]");
    assert_string_equal(obj_str(service, "spec.clusterIP"), "None");
}

static void service_drift_keeps_what_is_not_ours(void **state)     /* SBX-063, SBX-067 */
{
    json_auto_t *s = parse(SANDBOX("", BARE)), *service = service_build(s);
    json_auto_t *none = service_patch(s, service, true), *patch = NULL, *quiet = NULL;

    assert_null(none);
    obj_set(service, "spec.selector", json_pack("{s:s}", "app", "x"));
    obj_set(service, "spec.ports", json_pack("[{s:i}]", "port", 9));
    obj_set_label(service, "other", "kept");
    patch = service_patch(s, service, true);
    same(patch, "{\"spec\":{\"ports\":null,\"selector\":{\"agents.x-k8s.io/sandbox-name-hash\":\"f60c4582\","
                "\"app\":null}}}");
    quiet = service_patch(s, service, false);
    assert_null(json_path(quiet, "spec.ports"));
}

/* ---- restore_metadata (DRV-033, SUS-102, SUS-116) ---- */

#define TWO "\"podTemplate\":{\"spec\":{\"containers\":[{\"name\":\"a\",\"env\":[{\"name\":\"X\",\"value\":\"0\"}]}," \
            "{\"name\":\"b\"}]}}"

static bool inject(const char *key, const char *value, json_t **ret_pod)
{
    json_auto_t *s = parse(SANDBOX("", TWO));
    struct arena *arena = arena_new();
    struct kv kv = { key, value };
    struct kvmap m = { &kv, 1 };
    const char *why = NULL;
    bool ok;

    *ret_pod = pod_build(s);
    ok = pod_inject(*ret_pod, &m, arena, &why);
    assert_true(ok || why);
    arena_free(arena);
    return ok;
}

static const struct injected {
    const char *key, *value, *path, *want;       /* path NULL: refused */
} injected[] = {
    { "annotation/example.com/x", "1", "metadata.annotations", "{\"example.com/x\":\"1\"}" },
    { "nodeSelector/example.com/node", "n1", "spec.nodeSelector", "{\"example.com/node\":\"n1\"}" },
    { "env/*/X", "1", "spec.containers",
      "[{\"name\":\"a\",\"env\":[{\"name\":\"X\",\"value\":\"1\"}]},"
      "{\"name\":\"b\",\"env\":[{\"name\":\"X\",\"value\":\"1\"}]}]" },
    { "env/b/Y", "1", "spec.containers",
      "[{\"name\":\"a\",\"env\":[{\"name\":\"X\",\"value\":\"0\"}]},"
      "{\"name\":\"b\",\"env\":[{\"name\":\"Y\",\"value\":\"1\"}]}]" },
    { "volume/state", "{\"emptyDir\":{}}", "spec.volumes", "[{\"emptyDir\":{},\"name\":\"state\"}]" },
    { "mount/b/state", "/state", "spec.containers",
      "[{\"name\":\"a\",\"env\":[{\"name\":\"X\",\"value\":\"0\"}]},"
      "{\"name\":\"b\",\"volumeMounts\":[{\"name\":\"state\",\"mountPath\":\"/state\"}]}]" },
    { "command/a", "sh", NULL, NULL },
    { "", "", NULL, NULL },
    { "annotation/", "x", NULL, NULL },
    { "env/c/X", "1", NULL, NULL },
    { "env/X", "1", NULL, NULL },
    { "env/a/", "1", NULL, NULL },
    { "volume/v", "not json", NULL, NULL },
    { "volume/v", "[]", NULL, NULL },
    { "mount/a/v", "", NULL, NULL },
    { "mount/*/v", "/x", NULL, NULL },
};

static void restore_metadata_is_a_closed_set(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(injected); i++) {
        json_auto_t *pod = NULL;
        bool ok = inject(injected[i].key, injected[i].value, &pod);
        assert_int_equal(ok, injected[i].path != NULL);
        if (ok)
            same(json_path(pod, injected[i].path), injected[i].want);
    }
}

/* ---- claims and classes ---- */

static const struct bind_row {
    const char *name, *claim, *classes, *status, *reason, *class_name;
} bind_rows[] = {
    { "SNP-031 a named class", "{\"spec\":{\"snapshotClassName\":\"a\"}}", "[{\"metadata\":{\"name\":\"a\"}}]",
      "True", "Bound", "a" },
    { "SNP-032 a missing one", "{\"spec\":{\"snapshotClassName\":\"b\"}}", "[{\"metadata\":{\"name\":\"a\"}}]",
      "False", "Failed", "" },
    { "SNP-034 no default", "{\"spec\":{}}", "[{\"metadata\":{\"name\":\"a\"}}]", "Unknown", "Pending", "" },
    { "SNP-022 exactly true", "{\"spec\":{}}", "[{\"metadata\":{\"name\":\"a\",\"annotations\":{"
      "\"snapshotclass.agents.x-k8s.io/is-default-class\":\"True\"}}}]", "Unknown", "Pending", "" },
    { "SNP-033 the default", "{\"spec\":{\"snapshotClassName\":\"\"}}", "[{\"metadata\":{\"name\":\"a\",\"annotations\":{"
      "\"snapshotclass.agents.x-k8s.io/is-default-class\":\"true\"}}}]", "True", "Bound", "a" },
    { "SNP-035 stays bound", "{\"spec\":{},\"status\":{\"snapshotClassName\":\"b\"}}",
      "[{\"metadata\":{\"name\":\"a\",\"annotations\":{\"snapshotclass.agents.x-k8s.io/is-default-class\":"
      "\"true\"}}},{\"metadata\":{\"name\":\"b\"}}]", "True", "Bound", "b" },
    { "SNP-036 its class went: the default again", "{\"spec\":{},\"status\":{\"snapshotClassName\":\"c\"}}",
      "[{\"metadata\":{\"name\":\"a\",\"annotations\":{\"snapshotclass.agents.x-k8s.io/is-default-class\":"
      "\"true\"}}}]", "True", "Bound", "a" },
    { "SNP-037 parameters differ", "{\"spec\":{\"snapshotClassName\":\"a\",\"parameters\":{\"k\":\"1\"}}}",
      "[{\"metadata\":{\"name\":\"a\"},\"parameters\":{\"k\":\"2\"}}]", "False", "Failed", "" },
    { "SNP-037 parameters agree", "{\"spec\":{\"snapshotClassName\":\"a\",\"parameters\":{\"k\":\"1\"}}}",
      "[{\"metadata\":{\"name\":\"a\"},\"parameters\":{\"k\":\"1\",\"j\":\"2\"}}]", "True", "Bound", "a" },
};

static void check_binding(void **state)
{
    const struct bind_row *row = *state;
    json_auto_t *claim = parse(row->claim), *classes = parse(row->classes);
    struct binding b = claim_bind(claim, classes);

    assert_string_equal(b.status, row->status);
    assert_string_equal(b.reason, row->reason);
    assert_string_equal(b.class_name, row->class_name);
}

static void the_newest_default_wins(void **state)                  /* SNP-023 */
{
    #define CLASS(name, time) "{\"metadata\":{\"name\":\"" name "\",\"creationTimestamp\":\"" time "\"," \
        "\"annotations\":{\"snapshotclass.agents.x-k8s.io/is-default-class\":\"true\"}}}"
    json_auto_t *v = parse("[" CLASS("b", "2025-01-01T00:00:00Z") "," CLASS("z", "2025-01-02T00:00:00Z") ","
                           CLASS("c", "2025-01-02T00:00:00Z") "]");

    assert_string_equal(obj_name(default_class(v)), "c");
}

static void stamped_names_fit(void **state)                        /* SNP-052, SNP-063 */
{
    struct arena *a = arena_new();
    json_auto_t *s = parse(SANDBOX("", BARE));
    char template[254];
    const char *one = stamped_claim_name(a, s, "t"), *two;

    obj_set_meta_str(s, "uid", "u2");
    two = stamped_claim_name(a, s, "t");
    assert_true(str_starts(one, "s-t-") && strlen(one) == 12);
    assert_string_not_equal(one, two);
    memset(template, '-', 253);
    template[253] = 0;
    template[0] = 'x';
    two = stamped_claim_name(a, s, template);
    assert_true(str_starts(two, "s-x-") && strlen(two) == 12);
    arena_free(a);
}

static void provider_spec_is_flattened(void **state)               /* SNP-006, H-05 */
{
    json_auto_t *p = parse("{\"spec\":{\"providerType\":\"d\",\"s3\":{\"bucket\":\"b\",\"region\":\"r\"}}}");
    json_auto_t *q = parse("{\"spec\":{\"providerType\":\"d\",\"gcs\":{\"bucket\":\"g\"}}}");
    json_auto_t *a = provider_parameters(p), *b = provider_parameters(q);

    same(a, "{\"s3.bucket\":\"b\",\"s3.region\":\"r\"}");
    same(b, "{\"gcs.bucket\":\"g\"}");
}

int main(void)
{
    static const struct CMUnitTest fixed[] = {
        cmocka_unit_test(pod_is_named_owned_and_labelled),
        cmocka_unit_test(metadata_is_filtered_and_listed),
        cmocka_unit_test(identity_labels_follow_the_owner),
        cmocka_unit_test(volumes_of_claims_replace_and_follow),
        cmocka_unit_test(drift_is_one_small_patch),
        cmocka_unit_test(ownership_is_by_uid),
        cmocka_unit_test(claims_carry_owner_and_label),
        cmocka_unit_test(service_ports_are_derived),
        cmocka_unit_test(service_drift_keeps_what_is_not_ours),
        cmocka_unit_test(restore_metadata_is_a_closed_set),
        cmocka_unit_test(the_newest_default_wins),
        cmocka_unit_test(stamped_names_fit),
        cmocka_unit_test(provider_spec_is_flattened),
    };
    struct CMUnitTest tests[ARRAY_SIZE(fixed) + ARRAY_SIZE(bind_rows)];

    memcpy(tests, fixed, sizeof(fixed));
    for (size_t i = 0; i < ARRAY_SIZE(bind_rows); i++)
        tests[ARRAY_SIZE(fixed) + i] = (struct CMUnitTest){ .name = bind_rows[i].name,
            .test_func = check_binding, .initial_state = (void *)&bind_rows[i] };
    return cmocka_run_group_tests_name("children", tests, NULL, NULL);
}
