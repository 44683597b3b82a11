/* Any schema and any object, {"schema": ..., "object": ..., "old": ...}: checking, pruning, defaulting, validating and
 * running rules end, edit nothing, and doing it again changes nothing. */
#include "kube/crd_check.h"
#include "kube/crd_schema.h"
#include "kube/crd_validate.h"
#include "kube/kcel/kcel.h"
#include "kube/kcel/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup_arena struct arena *a = arena_new();
    struct fielderrs errs = FIELDERRS_IN(a), once = FIELDERRS_IN(a), twice = FIELDERRS_IN(a);
    struct decode_notes notes = DECODE_NOTES_IN(a, NULL);
    json_auto_t *in = json_parse((const char *)data, size, 0, NULL, NULL), *copy = NULL;
    const json_t *schema = json_object_get(in, "schema"), *old = json_object_get(in, "old");
    json_t *obj = json_object_get(in, "object");

    if (!json_is_object(schema) || !json_is_object(obj) || json_depth(in) > 150)
        return 0;
    copy = json_clone(in);
    struct cel_env *cel = kcel_env_new();
    crd_check_schema(schema, FP_CHILD(NULL, "schema"), &(struct crd_check_options){ .cel = cel }, &errs);
    const struct schema *s = crd_schema_parse(a, schema);
    json_incref(obj);
    crd_prune(s, &obj, &notes);
    crd_default(s, &obj);
    json_auto_t *next = json_incref(obj);
    crd_prune(s, &next, NULL);
    struct crd_validator *v = crd_validator_new(schema);
    crd_validate(v, NULL, obj, old, &once);
    crd_validate(v, NULL, obj, old, &twice);
    assert(once.n == twice.n);
    crd_validator_free(v);
    struct kcel_rules *rules = kcel_rules_new(cel, schema, true);
    struct kcel_rules_run run = { .obj = obj, .old = old, .ratchet = old != NULL, .budget = KCEL_BUDGET, .errs = &once,
                                  .warnings = &twice };
    kcel_rules_check(rules, &run);
    kcel_rules_free(rules);
    cel_env_free(cel);
    json_decref(obj);
    assert(json_same(in, copy));
    return 0;
}
