/* Protobuf both ways, M-015. The sentences and bytes are those of a real server and client. */
#include "kube/proto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kube/decode.h"
#include "kube/gvk.h"
#include "kube/types.h"

#define SEALED(head, raw) "k8s\0" head raw "\x1a\0\"\0"
#define CM(len, raw) SEALED("\n\x0f\n\x02v1\x12\tConfigMap\x12" len, raw)
#define META(name) "\n\x11\n\x01" name "\x12\0\x1a\0\"\0*\0" "2\0" "8\0B\0"
#define WRONG_PREFIX "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]"
#define NEGATIVE "proto: negative length found during unmarshaling"
#define FF8 "\xff\xff\xff\xff\xff\xff\xff\xff"

static const struct row {
    const char *name, *body;
    size_t len;
    const char *json, *error;          /* one of them */
    bool same;                         /* printing it again gives the same bytes */
} rows[] = {
#define ROW(name, body, json, error, same) { name, body, sizeof(body) - 1, json, error, same }
    ROW("A-064 M-015 a ConfigMap", CM("\x1b", META("a") "\x12\x06\n\x01k\x12\x01v"),
        "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":\"v\"}}", NULL, true),
    ROW("A-065 zero and absent pointers differ", CM("\x15", META("a") "\x20\0"),
        "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\"},\"immutable\":false}", NULL, false),
    ROW("A-066 Lease: MicroTime",
        SEALED("\n\x1f\n\x16" "coordination.k8s.io/v1\x12\x05Lease\x12\x1f", META("a") "\x12\x0a\"\x08\x08\x80\xc2\xaf\xf0\x05\x10\0"),
        "{\"kind\":\"Lease\",\"apiVersion\":\"coordination.k8s.io/v1\",\"metadata\":{\"name\":\"a\"},\"spec\":{\"renewTime\":"
        "\"2020-01-01T00:00:00.000000Z\"}}", NULL, true),
    ROW("A-066 Service: IntOrString in an embedded list",
        SEALED("\n\r\n\x02v1\x12\x07Service\x12N", META("a") "\x12" "5\n\x15\n\x04http\x12\0\x18P\"\x07\x08\0\x10\x90?\x1a\0(\0"
               "\x12\x08\n\x03" "app\x12\x01" "a\x1a\x04None\"\0:\0B\0R\0Z\0`\0h\0\x1a\x02\n\0"),
        "{\"kind\":\"Service\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\"},\"spec\":{\"ports\":[{\"name\":\"http\","
        "\"port\":80,\"targetPort\":8080}],\"selector\":{\"app\":\"a\"},\"clusterIP\":\"None\"},\"status\":{\"loadBalancer\":{}}}",
        NULL, true),
    ROW("A-064 DeleteOptions", SEALED("\n\x1f\n\x0emeta.k8s.io/v1\x12\rDeleteOptions\x12\x02", "\x08\x05"),
        "{\"kind\":\"DeleteOptions\",\"apiVersion\":\"meta.k8s.io/v1\",\"gracePeriodSeconds\":5}", NULL, true),
    ROW("A-068 unknown fields are skipped", CM("\x2a", META("a") "\xa2" "8\x01x\xa8" "8\x07\xb5" "8abcd\xb9" "8abcdefgh"),
        "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\"}}", NULL, false),
    ROW("a message sent in two halves merges", CM("\x0a", "\n\x03\n\x01" "a\n\x03\x1a\x01n"),
        "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\",\"namespace\":\"n\"}}", NULL, false),
    ROW("A-065 an empty value of a map need not be sent", CM("\x1d", META("a") "\x12\x03\n\x01k\x1a\x03\n\x01" "b"),
        "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":\"\"},"
        "\"binaryData\":{\"b\":\"\"}}", NULL, false),
    ROW("A-064 no prefix", "junk", NULL, WRONG_PREFIX, false),
    ROW("A-064 a prefix alone", "k8s\0", NULL, "empty body", false),
    ROW("A-064 nothing", "", NULL, "empty data", false),
    ROW("A-064 cut in the envelope", "k8s\0\n", NULL, "unexpected EOF", false),
    ROW("A-064 cut in the message", CM("\x06", "\n\x11\n\x01" "a\x12"), NULL, "unexpected EOF", false),
    ROW("J-042 wrong wire type", CM("\x02", "\x08\x05"), NULL, "proto: wrong wireType = 0 for field ObjectMeta", false),
    ROW("J-042 wrong wire type below", CM("\x04", "\n\x02\x08\x05"), NULL, "proto: wrong wireType = 0 for field Name", false),
    ROW("J-042 wrong wire type of a map", CM("\x07", "\n\x03\n\x01" "a\x10\x05"), NULL,
        "proto: wrong wireType = 0 for field Data", false),
    ROW("J-042 wire type 7", CM("\x01", "\x0f"), NULL, "proto: wrong wireType = 7 for field ObjectMeta", false),
    ROW("J-042 tag zero", CM("\x02", "\x02\0"), NULL, "proto: ConfigMap: illegal tag 0 (wire type 2)", false),
    ROW("J-042 end of no group", CM("\x01", "\x0c"), NULL, "proto: ConfigMap: wiretype end group for non-group", false),
    ROW("K-050 endless varint", CM("\x0b", FF8 "\xff\xff\xff"), NULL, "proto: integer overflow", false),
    ROW("K-050 a length below zero", CM("\x0b", "\n" FF8 "\xff\x01"), NULL, NEGATIVE, false),
    ROW("K-050 a length near the end of numbers", CM("\x0a", "\n" FF8 "\x7f"), NULL, NEGATIVE, false),
    ROW("K-050 a length beyond the body", CM("\x06", "\n\xff\xff\xff\xff\x0f"), NULL, "unexpected EOF", false),
};

/* The tree, or NULL with `err`. */
static json_t *read_body(struct arena *a, const void *body, size_t len, struct proto_envelope *e, struct apierr *err)
{
    char group[256], version[64];
    json_t *out = NULL;

    if (proto_open(a, body, len, e, err) < 0 || !api_version_split(e->api_version, group, version))
        return NULL;
    const struct schema *s = types_find(group, version, e->kind);
    return s && proto_decode(s, e, &out, err) == 0 ? out : NULL;
}

static void seal(struct buf *b, const struct proto_envelope *e, const json_t *v)
{
    char group[256], version[64];

    api_version_split(e->api_version, group, version);
    proto_seal(b, types_find(group, version, e->kind), e->api_version, e->kind, v);
}

static void check_row(void **state)
{
    const struct row *row = *state;
    cleanup_arena struct arena *a = arena_new();
    struct apierr err = { .arena = a, .message = "" };
    struct proto_envelope e;
    json_auto_t *v = read_body(a, row->body, row->len, &e, &err);

    assert_string_equal(row->error ? err.message : "", row->error ? row->error : "");
    if (row->error)
        return;
    assert_non_null(v);
    cleanup_free char *text = json_text(v, 0);
    assert_string_equal(text, row->json);
    cleanup_buf struct buf b = BUF_INIT;
    seal(&b, &e, v);
    if (row->same) {
        assert_int_equal(b.len, row->len);
        assert_memory_equal(b.data, row->body, b.len);
    }
    json_auto_t *again = read_body(a, b.data, b.len, &e, &err);
    assert_true(json_same(v, again));
}

/* every kind, empty: all that Go always writes reads back as nothing. */
static void every_kind_survives_the_trip(void **state)
{
    for (size_t i = 0; i < types_n_rows; i++) {
        cleanup_arena struct arena *a = arena_new();
        cleanup_buf struct buf b = BUF_INIT;
        struct proto_envelope e;
        char version[API_VERSION_MAX];
        struct resource rs = { .group = types_rows[i].group, .version = types_rows[i].version };
        json_auto_t *zero = decode_zero(types_rows[i].schema);

        resource_api_version(&rs, version);
        proto_seal(&b, types_rows[i].schema, version, types_rows[i].kind, zero);
        json_auto_t *back = read_body(a, b.data, b.len, &e, NULL);
        assert_non_null(back);
        json_object_del(back, "kind");
        json_object_del(back, "apiVersion");
        assert_true(json_same(back, zero) || !schema_field(types_rows[i].schema, "metadata"));
    }
}

/* each form, through JSON and back. */
static void forms_survive_the_trip(void **state)
{
    static const char *const texts[] = {
        "{\"kind\":\"Secret\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\",\"managedFields\":[{\"time\":"
        "\"2024-01-01T00:00:00Z\",\"fieldsV1\":{\"f:data\":{}}}]},\"data\":{\"a\":\"\",\"b\":\"/w==\"}}",
        "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{},\"spec\":{\"volumes\":[{\"name\":\"v\",\"emptyDir\":{\"sizeLimit\":"
        "\"1Gi\"}}],\"containers\":[{\"name\":\"c\",\"resources\":{\"limits\":{\"cpu\":\"1500m\"}},\"readinessProbe\":{\"exec\":"
        "{\"command\":[\"x\",\"\"]},\"periodSeconds\":3}}],\"securityContext\":{\"runAsUser\":0,\"supplementalGroups\":[5,-1]}},"
        "\"status\":{}}",
        "{\"kind\":\"SubjectAccessReview\",\"apiVersion\":\"authorization.k8s.io/v1\",\"metadata\":{},\"spec\":{\"extra\":"
        "{\"a\":[\"b\",\"c\"]}},\"status\":{\"allowed\":false}}",
        "{\"kind\":\"ControllerRevision\",\"apiVersion\":\"apps/v1\",\"metadata\":{},\"data\":{\"b\":[1,null],\"a\":\"\xc3\xa9\"},"
        "\"revision\":-5}",
        "{\"kind\":\"MutatingWebhookConfiguration\",\"apiVersion\":\"admissionregistration.k8s.io/v1\",\"metadata\":{},"
        "\"webhooks\":[{\"name\":\"w\",\"clientConfig\":{\"caBundle\":\"aGk=\"},\"rules\":[{\"operations\":[\"*\"],\"apiGroups\":"
        "[\"g\"],\"resources\":[\"r\"]}],\"sideEffects\":null,\"admissionReviewVersions\":[\"v1\"]}]}",
        "{\"kind\":\"CustomResourceDefinition\",\"apiVersion\":\"apiextensions.k8s.io/v1\",\"metadata\":{},\"spec\":{\"group\":"
        "\"g\",\"names\":{\"plural\":\"p\",\"kind\":\"K\"},\"scope\":\"Cluster\",\"versions\":[{\"name\":\"v1\",\"served\":true,"
        "\"storage\":true,\"schema\":{\"openAPIV3Schema\":{\"type\":\"object\",\"default\":{\"a\":1},\"minimum\":0.5,\"enum\":"
        "[\"a\",1],\"items\":{\"type\":\"string\"},\"properties\":{\"x\":{\"additionalProperties\":false},\"y\":"
        "{\"additionalProperties\":{\"type\":\"integer\"}}}}},\"subresources\":{\"status\":{}}}]},\"status\":{\"conditions\":null,"
        "\"acceptedNames\":{\"plural\":\"\",\"kind\":\"\"},\"storedVersions\":[\"v1\"]}}",
    };

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        cleanup_arena struct arena *a = arena_new();
        cleanup_buf struct buf b = BUF_INIT;
        json_auto_t *v = json_parse_str(texts[i]);
        struct proto_envelope e = { .api_version = json_string_value(json_object_get(v, "apiVersion")),
                                    .kind = json_string_value(json_object_get(v, "kind")) };
        seal(&b, &e, v);
        json_auto_t *back = read_body(a, b.data, b.len, &e, NULL);
        cleanup_free char *text = back ? json_text(back, 0) : NULL;
        assert_string_equal(text, texts[i]);
    }
}

static void watch_frame(void **state)
{
    cleanup_buf struct buf b = BUF_INIT;

    proto_watch_frame(&b, "ADDED", "body", 4);
    assert_int_equal(b.len, 4 + 15);
    assert_memory_equal(b.data, "\0\0\0\x0f\n\x05" "ADDED\x12\x06\n\x04" "body", b.len);
}

/* Promise 2: bodies with bytes changed, dropped or repeated are refused or read, and what is read prints again. */
static void hostile_bytes(void **state)
{
    uint64_t random = 42;

    for (int round = 0; round < 20000; round++) {
        cleanup_arena struct arena *a = arena_new();
        const struct row *row = &rows[(size_t)round % 4];
        cleanup_buf struct buf body = BUF_INIT, b = BUF_INIT;
        struct proto_envelope e;

        buf_add(&body, row->body, row->len);
        for (int edits = 0; edits < 1 + round % 3; edits++) {
            random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            body.data[4 + (random >> 33) % (body.len - 4)] = (char)(random >> 56);
        }
        json_auto_t *v = read_body(a, body.data, body.len - (size_t)(round % 5 == 0), &e, NULL);
        if (v)
            seal(&b, &e, v);
    }
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_SIZE(rows) + 4] = {
        cmocka_unit_test(every_kind_survives_the_trip),
        cmocka_unit_test(forms_survive_the_trip),
        cmocka_unit_test(watch_frame),
        cmocka_unit_test(hostile_bytes),
    };

    json_object_seed(1);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        tests[i + 4] = (struct CMUnitTest){ .name = rows[i].name, .test_func = check_row,
                                            .initial_state = (void *)&rows[i] };
    return cmocka_run_group_tests_name("proto", tests, NULL, NULL);
}
