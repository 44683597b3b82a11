/* Who owns what: E-110 to E-142 on a small schema, and the laws of apply on random histories. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "kube/apply.h"
#include "kube/json.h"
#include "kube/typed.h"

/* ---- a small kind: a Deployment's bones ---------------------------------------------------------- */

static const struct schema text = { .type = SCHEMA_STRING }, number = { .type = SCHEMA_INTEGER },
                           texts = { .type = SCHEMA_OBJECT, .additional = &text },
                           text_list = { .type = SCHEMA_ARRAY, .items = &text },
                           open_map = { .type = SCHEMA_ANY, .nullable = true };
static const char *const port_keys[] = { "port", "protocol", NULL }, *const name_key[] = { "name", NULL };
static const struct schema_field port_fields[] = {
    { .name = "port", .schema = &number },
    { .name = "protocol", .schema = &text, .default_json = "\"TCP\"", .omitempty = true },
    { .name = "note", .schema = &text, .omitempty = true },
};
static const struct schema port = { .type = SCHEMA_OBJECT, .fields = port_fields, .n_fields = 3 };
static const struct schema ports = { .type = SCHEMA_ARRAY, .items = &port };
static const struct schema_field container_fields[] = {
    { .name = "name", .schema = &text },
    { .name = "image", .schema = &text, .omitempty = true },
    { .name = "args", .schema = &text_list, .omitempty = true },
    { .name = "ports", .schema = &ports, .omitempty = true, .list_type = LIST_MAP, .list_keys = port_keys },
};
static const struct schema container = { .type = SCHEMA_OBJECT, .fields = container_fields, .n_fields = 4 };
static const struct schema containers = { .type = SCHEMA_ARRAY, .items = &container };
static const struct schema_field spec_fields[] = {
    { .name = "replicas", .schema = &number, .omitempty = true, .pointer = true },
    { .name = "containers", .schema = &containers, .list_type = LIST_MAP, .list_keys = name_key },
    { .name = "finalizers", .schema = &text_list, .omitempty = true, .list_type = LIST_SET },
    { .name = "selector", .schema = &texts, .omitempty = true, .map_atomic = true },
    { .name = "open", .schema = &open_map, .omitempty = true },
};
static const struct schema spec = { .type = SCHEMA_OBJECT, .fields = spec_fields, .n_fields = 5 };
static const struct schema_field meta_fields[] = {
    { .name = "name", .schema = &text, .omitempty = true },
    { .name = "labels", .schema = &texts, .omitempty = true },
};
static const struct schema meta = { .type = SCHEMA_OBJECT, .fields = meta_fields, .n_fields = 2 };
static const struct schema_field root_fields[] = {
    { .name = "kind", .schema = &text, .omitempty = true },
    { .name = "apiVersion", .schema = &text, .omitempty = true },
    { .name = "metadata", .schema = &meta, .omitempty = true },
    { .name = "spec", .schema = &spec, .omitempty = true },
};
static const struct schema root = { .type = SCHEMA_OBJECT, .name = "test.Thing", .fields = root_fields,
                                    .n_fields = 4 };

static struct apply_write write_by(struct arena *a, const char *manager, const char *now)
{
    return (struct apply_write){ .arena = a, .schema = &root, .manager = manager, .api_version = "v1",
                                 .subresource = "", .now = now };
}

static json_t *thing(const char *rest)
{
    cleanup_free char *s = xasprintf("{\"apiVersion\":\"v1\",\"kind\":\"Thing\",\"metadata\":{\"name\":\"x\"}%s%s}",
                                     *rest ? "," : "", rest);
    json_t *v = json_parse_str(s);

    assert_non_null(v);
    return v;
}

static void assert_json(const json_t *got, const char *want)
{
    json_auto_t *w = json_parse_str(want);
    cleanup_free char *a = json_text(got, JSON_WRITE_SORTED), *b = json_text(w, JSON_WRITE_SORTED);

    assert_string_equal(a, b);
}

static const json_t *owned_by(const json_t *obj, const char *manager)
{
    size_t i;
    json_t *e;

    json_array_foreach(json_path(obj, "metadata.managedFields"), i, e)
        if (streq(json_string_value(json_object_get(e, "manager")), manager))
            return json_object_get(e, "fieldsV1");
    return NULL;
}

/* ---- sets ---------------------------------------------------------------------------------------- */

static void sets_read_what_they_write(void **state)
{
    static const char text_form[] = "{\"f:a\":{\".\":{},\"f:b\":{}},\"k:{\\\"name\\\":\\\"x\\\"}\":{\".\":{},\"f:i\":{}},"
                                    "\"v:\\\"s\\\"\":{}}";
    cleanup_arena struct arena *a = arena_new();
    json_auto_t *in = json_parse_str(text_form), *out = NULL;
    struct fset *s = NULL;

    assert_int_equal(fset_from_json(a, in, &s, NULL), 0);
    out = fset_to_json(s);
    assert_json(out, text_form);
    assert_true(fset_equal(fset_union(a, s, s), s));
    assert_true(fset_equal(fset_intersection(a, s, s), s));
    assert_true(fset_empty(fset_difference(a, s, s)));
}

static void bad_sets_are_refused(void **state)
{
    static const char *const bad[] = { "[]", "{\"x\":{}}", "{\"f:a\":1}", "{\"k:name\":{}}", "{\"i:x\":{}}" };
    cleanup_arena struct arena *a = arena_new();

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        json_auto_t *v = json_parse_str(bad[i]);
        struct fset *s;
        assert_int_equal(fset_from_json(a, v, &s, NULL), -ERR_INVALID);
    }
}

/* ---- E-110 to E-115: updates ---------------------------------------------------------------------- */

static void a_create_owns_what_it_says(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    struct apply_write w = write_by(a, "kubectl", "2025-01-01T00:00:00Z");
    json_auto_t *empty = apply_empty_object(&root, "v1", "Thing");
    json_auto_t *next = thing("\"spec\":{\"replicas\":1,\"containers\":[{\"name\":\"c\",\"image\":\"i\","
                              "\"ports\":[{\"port\":80}]}],\"selector\":{\"a\":\"b\"}}");
    json_auto_t *got = apply_update(&w, empty, next);

    assert_json(json_path(got, "metadata.managedFields"),
                "[{\"manager\":\"kubectl\",\"operation\":\"Update\",\"apiVersion\":\"v1\","
                "\"time\":\"2025-01-01T00:00:00Z\",\"fieldsType\":\"FieldsV1\",\"fieldsV1\":{\"f:spec\":{"
                "\"f:replicas\":{},\"f:selector\":{},\"f:containers\":{\"k:{\\\"name\\\":\\\"c\\\"}\":{\".\":{},"
                "\"f:name\":{},\"f:image\":{},\"f:ports\":{\".\":{},\"k:{\\\"port\\\":80,\\\"protocol\\\":\\\"TCP\\\"}\":{"
                "\".\":{},\"f:port\":{}}}}}}}}]");
}

static void an_update_takes_only_what_it_changed(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    struct apply_write one = write_by(a, "one", "2025-01-01T00:00:00Z"), two = write_by(a, "two",
                                                                                        "2025-01-01T00:00:09Z");
    json_auto_t *empty = apply_empty_object(&root, "v1", "Thing");
    json_auto_t *first = thing("\"spec\":{\"replicas\":1,\"finalizers\":[\"x\",\"y\"]}");
    json_auto_t *live = apply_update(&one, empty, first);
    json_auto_t *next = json_with(live, "spec.replicas", json_integer(2));
    json_auto_t *got = apply_update(&two, live, next);
    json_auto_t *same = apply_update(&two, got, got);

    assert_json(owned_by(got, "two"), "{\"f:spec\":{\"f:replicas\":{}}}");
    assert_json(owned_by(got, "one"), "{\"f:spec\":{\"f:finalizers\":{\".\":{},\"v:\\\"x\\\"\":{},\"v:\\\"y\\\"\":{}}}}");
    assert_true(json_same(got, same));            /* a write that changes nothing takes nothing */
}

static void managed_fields_can_be_reset(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    struct apply_write one = write_by(a, "one", "t");
    json_auto_t *empty = apply_empty_object(&root, "v1", "Thing"), *first = thing("\"spec\":{\"replicas\":1}");
    json_auto_t *live = apply_update(&one, empty, first);
    json_auto_t *cleared = json_with(live, "metadata.managedFields", json_pack("[{}]"));
    json_auto_t *got = apply_update(&one, live, cleared);

    assert_null(json_path(got, "metadata.managedFields"));
}

static void more_than_ten_updaters_are_poured_together(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    json_t *live = apply_empty_object(&root, "v1", "Thing");

    for (int i = 0; i < 14; i++) {
        cleanup_free char *name = xasprintf("m%02d", i), *time = xasprintf("2025-01-01T00:00:%02dZ", i);
        cleanup_free char *label = xasprintf("l%02d", i);
        const char *const keys[] = { "metadata", "labels", label };
        struct apply_write w = write_by(a, name, time);
        json_auto_t *next = json_with_keys(live, keys, 3, json_string("v"));
        json_t *got = apply_update(&w, live, next);
        json_decref(live);
        live = got;
    }
    assert_int_equal(json_array_size(json_path(live, "metadata.managedFields")), 10);
    assert_int_equal(json_object_size(json_object_get(json_object_get(owned_by(live, "ancient-changes"), "f:metadata"),
                                                      "f:labels")), 6);       /* five labels and "." */
    json_decref(live);
}

/* ---- E-130 to E-142: apply ------------------------------------------------------------------------ */

/* What pruning emptied is null, which a typed object does not keep. */
static void drop_nulls(json_t *v)
{
    const char *key;
    void *next;
    json_t *x;
    size_t i;

    json_object_foreach_safe(v, next, key, x) {
        drop_nulls(x);
        if (json_is_null(x))
            json_object_del(v, key);
    }
    json_array_foreach(v, i, x)
        drop_nulls(x);
}

static json_t *applied(struct arena *a, const char *manager, const json_t *live, const char *config, bool force,
                       int want, struct apierr *err)
{
    struct apply_write w = write_by(a, manager, "2025-01-01T00:00:00Z");
    json_auto_t *c = thing(config), *empty = live ? NULL : apply_empty_object(&root, "v1", "Thing");
    json_t *ret = NULL;
    int r = apply_merge(&w, live ? live : empty, !live, c, force, &ret, err);

    assert_int_equal(r, want);
    if (json_object_get(ret, "spec")) {
        json_t *own = json_clone(ret);
        json_decref(ret);
        ret = own;
        drop_nulls(json_object_get(ret, "spec"));
        if (!json_is_object(json_object_get(ret, "spec")))
            json_object_set_new(ret, "spec", json_object());
    }
    return ret;
}

static void conflicts_name_manager_and_field(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    struct apierr err = APIERR_IN(a);
    json_auto_t *live = applied(a, "a", NULL, "\"spec\":{\"replicas\":1}", false, 0, &err);

    applied(a, "b", live, "\"spec\":{\"replicas\":2}", false, -APIERR_CONFLICT, &err);
    assert_string_equal(err.message, "Apply failed with 1 conflict: conflict with \"a\": .spec.replicas");
    assert_int_equal(err.n_causes, 1);
    assert_string_equal(err.causes[0].field, ".spec.replicas");

    json_auto_t *forced = applied(a, "b", live, "\"spec\":{\"replicas\":2}", true, 0, &err);
    assert_int_equal(json_integer_value(json_path(forced, "spec.replicas")), 2);
    assert_null(owned_by(forced, "a"));
    json_auto_t *shared = applied(a, "b", live, "\"spec\":{\"replicas\":1}", false, 0, &err);
    assert_non_null(owned_by(shared, "a"));
    assert_non_null(owned_by(shared, "b"));
}

/* E-113: where anything may stand, a map that becomes a list has lost what was in it. */
static void what_became_of_another_kind_is_lost(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    struct apierr err = APIERR_IN(a);
    struct apply_write two = write_by(a, "two", "2025-01-01T00:00:09Z");
    json_auto_t *live = applied(a, "one", NULL, "\"spec\":{\"open\":{\"s\":{\"z\":1},\"t\":2}}", false, 0, &err);
    json_auto_t *next = json_with(live, "spec.open.s", json_parse_str("[1]"));
    json_auto_t *got = apply_update(&two, live, next);

    assert_json(owned_by(got, "two"), "{\"f:spec\":{\"f:open\":{\"f:s\":{}}}}");
    assert_json(owned_by(got, "one"), "{\"f:spec\":{\"f:open\":{\"f:t\":{}}}}");
}

static void what_is_no_longer_applied_goes(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    struct apierr err = APIERR_IN(a);
    json_auto_t *one = applied(a, "a", NULL, "\"spec\":{\"replicas\":1,\"finalizers\":[\"x\",\"y\"],\"containers\":["
                               "{\"name\":\"c\",\"image\":\"i\"},{\"name\":\"d\"}]}", false, 0, &err);
    json_auto_t *two = applied(a, "b", one, "\"spec\":{\"containers\":[{\"name\":\"d\"}]}", false, 0, &err);
    json_auto_t *three = applied(a, "a", two, "\"spec\":{\"finalizers\":[\"y\"],\"containers\":["
                                 "{\"name\":\"c\"}]}", false, 0, &err);

    assert_json(json_object_get(three, "spec"), "{\"finalizers\":[\"y\"],\"containers\":[{\"name\":\"c\"},"
                                                "{\"name\":\"d\"}]}");
}

static void applying_twice_changes_nothing(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    struct apierr err = APIERR_IN(a);
    static const char config[] = "\"spec\":{\"replicas\":1,\"containers\":[{\"name\":\"c\",\"args\":[\"x\"]}]}";
    json_auto_t *one = applied(a, "a", NULL, config, false, 0, &err);

    assert_null(applied(a, "a", one, config, false, 0, &err));
}

static void an_object_without_owners_had_some_before(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    struct apierr err = APIERR_IN(a);
    json_auto_t *live = thing("\"spec\":{\"replicas\":3}");
    json_auto_t *got = applied(a, "a", live, "\"metadata\":{\"name\":\"x\",\"labels\":{\"l\":\"v\"}}", false, 0, &err);

    assert_json(owned_by(got, "before-first-apply"), "{\"f:spec\":{\"f:replicas\":{}}}");
    assert_json(owned_by(got, "a"), "{\"f:metadata\":{\"f:labels\":{\"f:l\":{}}}}");
}

static void configs_that_do_not_fit_are_refused(void **state)
{
    static const struct {
        const char *config, *want;
    } rows[] = {
        { "\"spec\":{\"nonsense\":1}", ".spec.nonsense: field not declared in schema" },
        { "\"spec\":{\"nonsense\":1,\"more\":2,\"replicas\":\"x\"}", "Kind=Thing): .spec.nonsense: field not declared in schema" },
        { "\"spec\":{\"containers\":[{\"name\":2147483648}]}", "got &value.valueUnstructured{Value:2147483648}" },
        { "\"spec\":{\"replicas\":\"x\"}", ".spec.replicas: expected numeric (int or float), got string" },
        { "\"spec\":{\"containers\":[{\"image\":\"x\"}]}",
          ".spec.containers: element 0: associative list with keys has an element that omits all key fields "
          "[\"name\"] (and doesn't have default values for any key fields)" },
        { "\"spec\":{\"selector\":{\"a\":[1,true,{\"b\":null}]}}",
          ".spec.selector.a: expected string, got &value.valueUnstructured{Value:[]interface {}{1, true, "
          "map[string]interface {}{\"b\":interface {}(nil)}}}" },
        { "\"spec\":{\"containers\":{\"a\":[\"x\"]}}", ".spec.containers: expected list, got &{map[a:[x]]}" },
        { "\"spec\":{\"finalizers\":[null]}",
          ".spec.finalizers: element 0: associative list without keys has an element that's an explicit null" },
        { "\"spec\":{\"containers\":[{\"name\":\"c\",\"ports\":[{\"port\":80},{\"port\":80}]}]}",
          ".spec.containers[name=\"c\"].ports: duplicate entries for key [port=80,protocol=\"TCP\"]" },
    };
    cleanup_arena struct arena *a = arena_new();

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct apierr err = APIERR_IN(a);
        applied(a, "a", NULL, rows[i].config, false, -APIERR_UNKNOWN, &err);
        const char *at = strstr(err.message, rows[i].want);
        if (!at)
            fail_msg("%s: %s", rows[i].config, err.message);
    }
}

/* ---- laws on random histories ---------------------------------------------------------------------- */

static uint32_t dice(uint64_t *s, uint32_t n)
{
    *s = *s * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*s >> 33) % n;
}

/* A random config over few names, so that managers meet. `only`: a suffix that keeps two apart. It says no
 * empty list: what Go makes of one depends on how it was emptied. */
static char *random_config(uint64_t *s, const char *only)
{
    cleanup_buf struct buf b = BUF_INIT, items = BUF_INIT;
    const char *comma = "";

    buf_add_str(&b, "\"spec\":{");
    if (!*only && dice(s, 2)) {
        buf_printf(&b, "\"replicas\":%u", dice(s, 3));
        comma = ",";
    }
    for (int i = 0; i < 3; i++)
        if (dice(s, 2))
            buf_printf(&items, "%s\"f%d%s\"", items.len ? "," : "", i, only);
    if (items.len) {
        buf_printf(&b, "%s\"finalizers\":[%s]", comma, items.data);
        comma = ",";
    }
    buf_reset(&items);
    for (int i = 0; i < 3; i++) {
        if (!dice(s, 2))
            continue;
        buf_printf(&items, "%s{\"name\":\"c%d%s\"", items.len ? "," : "", i, only);
        if (dice(s, 2))
            buf_printf(&items, ",\"image\":\"i%u\"", dice(s, 3));
        if (dice(s, 2))
            buf_printf(&items, ",\"ports\":[{\"port\":%u}]", dice(s, 3));
        buf_add_char(&items, '}');
    }
    if (items.len)
        buf_printf(&b, "%s\"containers\":[%s]", comma, items.data);
    buf_add_char(&b, '}');
    return buf_steal(&b);
}

static void replace(json_t **live, json_t *next)
{
    if (!next)
        return;
    json_decref(*live);
    *live = next;
}

/* Applying twice changes nothing; what a manager owns is what it last applied; an apply says no less than
 * its config. */
static void laws_of_apply(void **state)
{
    static const char *const managers[] = { "a", "b", "c" };

    for (uint64_t seed = 1; seed <= 300; seed++) {
        cleanup_arena struct arena *a = arena_new();
        uint64_t s = seed;
        json_t *live = thing("");
        for (int step = 0; step < 8; step++) {
            struct apierr err = APIERR_IN(a);
            const char *who = managers[dice(&s, 3)];
            cleanup_free char *config = random_config(&s, "");
            json_auto_t *said = thing(config);
            replace(&live, applied(a, who, live, config, true, 0, &err));
            json_auto_t *again = applied(a, who, live, config, true, 0, &err);
            assert_true(!again || json_same(again, live));

            struct fset *owns = NULL, *fields = typed_fields(a, ftype_root(&root), said);
            assert_int_equal(fset_from_json(a, owned_by(live, who), &owns, NULL), 0);
            struct fset *all = typed_fields(a, ftype_root(&root), live);
            assert_true(fset_empty(fset_difference(a, owns, fields)));
            const char *const spec_path[] = { "f:spec" };
            if (fset_find(owns, spec_path[0]))
                assert_true(fset_empty(fset_difference(a, owns, fset_union(a, all, fields))));
        }
        json_decref(live);
    }
}

/* Two appliers with nothing in common may come in either order. */
static void disjoint_appliers_commute(void **state)
{
    for (uint64_t seed = 1; seed <= 300; seed++) {
        cleanup_arena struct arena *a = arena_new();
        struct apierr err = APIERR_IN(a);
        uint64_t s = seed;
        cleanup_free char *x = random_config(&s, "x"), *y = random_config(&s, "y");
        json_t *xy = thing(""), *yx = thing("");
        replace(&xy, applied(a, "x", xy, x, false, 0, &err));
        replace(&xy, applied(a, "y", xy, y, false, 0, &err));
        replace(&yx, applied(a, "y", yx, y, false, 0, &err));
        replace(&yx, applied(a, "x", yx, x, false, 0, &err));
        struct typed_comparison c = typed_compare(a, ftype_root(&root), json_object_get(xy, "spec"),
                                                  json_object_get(yx, "spec"));
        json_auto_t *one = json_pack("{s:O}", "spec", json_object_get(xy, "spec"));
        json_auto_t *two = json_pack("{s:O}", "spec", json_object_get(yx, "spec"));
        c = typed_compare(a, ftype_root(&root), one, two);
        assert_true(fset_empty(c.added) && fset_empty(c.removed) && fset_empty(c.modified));
        json_decref(xy);
        json_decref(yx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_read_what_they_write),
        cmocka_unit_test(bad_sets_are_refused),
        cmocka_unit_test(a_create_owns_what_it_says),
        cmocka_unit_test(an_update_takes_only_what_it_changed),
        cmocka_unit_test(what_became_of_another_kind_is_lost),
        cmocka_unit_test(managed_fields_can_be_reset),
        cmocka_unit_test(more_than_ten_updaters_are_poured_together),
        cmocka_unit_test(conflicts_name_manager_and_field),
        cmocka_unit_test(what_is_no_longer_applied_goes),
        cmocka_unit_test(applying_twice_changes_nothing),
        cmocka_unit_test(an_object_without_owners_had_some_before),
        cmocka_unit_test(configs_that_do_not_fit_are_refused),
        cmocka_unit_test(laws_of_apply),
        cmocka_unit_test(disjoint_appliers_commute),
    };

    json_object_seed(1);
    return cmocka_run_group_tests_name("apply", tests, NULL, NULL);
}
