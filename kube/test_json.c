#include "kube/json.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

/* ---- syntax errors, one test a row (K-022, K-027, J-041) -------------------------------------- */

static const struct bad_row {
    const char *name, *text, *want;
} bad_rows[] = {
    { "J-041 empty", "", "unexpected end of JSON input" },
    { "J-041 cut object", "{\"a\":1", "unexpected end of JSON input" },
    { "J-041 cut string", "\"a", "unexpected end of JSON input" },
    { "J-041 cut word", "tru", "unexpected end of JSON input" },
    { "J-041 cut number", "-", "unexpected end of JSON input" },
    { "J-041 word", "xyz", "invalid character 'x' looking for beginning of value" },
    { "J-041 null misspelt", "no", "invalid character 'o' in literal null (expecting 'u')" },
    { "J-041 true misspelt", "trie", "invalid character 'i' in literal true (expecting 'u')" },
    { "J-041 single quotes", "{'a':1}", "invalid character '\\'' looking for beginning of object key string" },
    { "J-041 trailing comma", "{\"a\":1,}", "invalid character '}' looking for beginning of object key string" },
    { "J-041 trailing comma in list", "[1,]", "invalid character ']' looking for beginning of value" },
    { "J-041 no colon", "{\"a\" 1}", "invalid character '1' after object key" },
    { "J-041 no comma", "{\"a\":1 \"b\"}", "invalid character '\"' after object key:value pair" },
    { "J-041 no comma in list", "[1 2]", "invalid character '2' after array element" },
    { "J-041 leading zero", "{\"a\":01}", "invalid character '1' after object key:value pair" },
    { "J-041 NaN", "NaN", "invalid character 'N' looking for beginning of value" },
    { "J-041 dot", "1.x", "invalid character 'x' after decimal point in numeric literal" },
    { "J-041 exponent", "1ex", "invalid character 'x' in exponent of numeric literal" },
    { "J-041 minus", "-x", "invalid character 'x' in numeric literal" },
    { "J-041 escape", "\"\\q\"", "invalid character 'q' in string escape code" },
    { "J-041 hex", "\"\\u12g4\"", "invalid character 'g' in \\u hexadecimal character escape" },
    { "J-041 newline in string", "\"a\nb\"", "invalid character '\\n' in string literal" },
    { "J-041 control in string", "\"a\x01\"", "invalid character '\\x01' in string literal" },
    { "K-027 two values", "{} {}", "invalid character '{' after top-level value" },
    { "K-027 byte order mark", "\xef\xbb\xbf{}", "invalid character '\xc3\xaf' looking for beginning of value" },
    { "K-027 high byte", "{}\xff", "invalid character '\xc3\xbf' after top-level value" },
    { "K-027 C1 control", "\x80", "invalid character '\\u0080' looking for beginning of value" },
};

static void check_bad(void **state)
{
    const struct bad_row *row = *state;
    cleanup_arena struct arena *a = arena_new();
    struct err e = ERR_IN(a);
    struct err scan = ERR_IN(a);

    assert_null(json_parse(row->text, strlen(row->text), 0, NULL, &e));
    assert_string_equal(err_message(&e), row->want);
    if (!strstr(row->want, "top-level")) {
        assert_int_equal(json_scan(row->text, strlen(row->text), &scan), 0);
        assert_string_equal(err_message(&scan), row->want);
    }
}

/* ---- values that print as Go prints them ------------------------------------------------------ */

static const struct print_row {
    const char *name, *text, *want;
} print_rows[] = {
    { "plain", " { \"a\" : [ 1 , true , null , \"x\" ] } ", "{\"a\":[1,true,null,\"x\"]}" },
    { "insertion order", "{\"b\":1,\"a\":2}", "{\"b\":1,\"a\":2}" },
    { "K-024 int64 exact", "9007199254740993", "9007199254740993" },
    { "K-024 int64 least", "-9223372036854775808", "-9223372036854775808" },
    { "K-023 above int64", "9223372036854775808", "9223372036854776000" },
    { "K-023 far above", "123456789012345678901234567890", "1.2345678901234568e+29" },
    { "K-023 minus zero", "-0", "0" },
    { "K-023 real minus zero", "-0.0", "-0" },
    { "K-023 fraction", "0.1", "0.1" },
    { "K-023 exponent", "1e3", "1000" },
    { "K-023 1.50", "1.50", "1.5" },
    { "K-023 small", "0.000001", "0.000001" },
    { "K-023 smaller", "0.0000001", "1e-7" },
    { "K-023 1e20", "1e20", "100000000000000000000" },
    { "K-023 1e21", "1e21", "1e+21" },
    { "K-023 1e100", "1.5E100", "1.5e+100" },
    { "K-023 least double", "5e-324", "5e-324" },
    { "K-023 greatest double", "1.7976931348623157e308", "1.7976931348623157e+308" },
    { "K-023 seventeen digits", "0.30000000000000004", "0.30000000000000004" },
    { "A-077 HTML", "\"<a>&</a>\"", "\"\\u003ca\\u003e\\u0026\\u003c/a\\u003e\"" },
    { "A-077 line separators", "\"\xe2\x80\xa8\\u2029\"", "\"\\u2028\\u2029\"" },
    { "A-077 controls", "\"\\u0000\\u0007\\b\\f\\n\\r\\t\\u001f\\u007f\"",
      "\"\\u0000\\u0007\\b\\f\\n\\r\\t\\u001f\x7f\"" },
    { "A-077 quotes", "\"\\\"\\\\\\/\"", "\"\\\"\\\\/\"" },
    { "K-026 invalid bytes", "\"x\xff\xfey\"", "\"x\xef\xbf\xbd\xef\xbf\xbdy\"" },
    { "K-026 cut sequence", "\"\xe2\x82\"", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
    { "K-026 surrogate bytes", "\"\xed\xa0\x80\"", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
    { "K-026 lone high", "\"\\ud800\"", "\"\xef\xbf\xbd\"" },
    { "K-026 lone low", "\"\\udc00x\"", "\"\xef\xbf\xbdx\"" },
    { "K-026 high then other", "\"\\ud800\\u0041\"", "\"\xef\xbf\xbd" "A\"" },
    { "K-026 pair", "\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\"" },
    { "K-026 invalid key", "{\"k\xff\":1}", "{\"k\xef\xbf\xbd\":1}" },
    { "K-026 NUL in key", "{\"a\\u0000b\":1,\"a\":2}", "{\"a\\u0000b\":1,\"a\":2}" },
    { "K-021 last wins", "{\"a\":1,\"b\":2,\"a\":{\"c\":3}}", "{\"a\":{\"c\":3},\"b\":2}" },
    { "empty containers", "[{},[],\"\"]", "[{},[],\"\"]" },
};

static void check_print(void **state)
{
    const struct print_row *row = *state;
    json_auto_t *v = json_parse(row->text, strlen(row->text), 0, NULL, NULL), *again = NULL;
    cleanup_free char *text = NULL;

    assert_non_null(v);
    text = json_text(v, 0);
    assert_string_equal(text, row->want);
    if (!strstr(row->name, "K-023")) {
        again = json_parse_str(text);
        assert_true(json_same(v, again));
        assert_int_equal(json_hash(1, v), json_hash(1, again));
    }
}

static void sorted_and_indented(void **state)
{
    json_auto_t *v = json_parse_str("{\"b\":{\"z\":[],\"y\":[1,{}]},\"B\":\"<\",\"a\":1}");
    cleanup_free char *sorted = json_text(v, JSON_WRITE_SORTED | JSON_WRITE_PLAIN);
    cleanup_free char *indented = json_text(v, JSON_WRITE_INDENT);

    assert_string_equal(sorted, "{\"B\":\"<\",\"a\":1,\"b\":{\"y\":[1,{}],\"z\":[]}}");
    assert_string_equal(indented, "{\n  \"b\": {\n    \"z\": [],\n    \"y\": [\n      1,\n      {}\n    ]\n  },\n"
                                  "  \"B\": \"\\u003c\",\n  \"a\": 1\n}");
}

/* K-021 */
static void duplicates_are_named_by_their_path(void **state)
{
    static const char text[] = "{\"a\":[{\"x\":1},{\"x\":1,\"x\":2}],\"b\":{\"c\":1,\"c\":2,\"c\":3},\"b\":{\"d\":1}}";
    cleanup_arena struct arena *a = arena_new();
    struct json_notes notes = JSON_NOTES_IN(a);
    json_auto_t *v = json_parse(text, strlen(text), 0, &notes, NULL), *merged = NULL;
    cleanup_free char *printed = json_text(v, 0), *union_text = NULL;

    assert_int_equal(notes.n_duplicates, 3);
    assert_string_equal(notes.duplicates[0], "a[1].x");
    assert_string_equal(notes.duplicates[1], "b.c");
    assert_string_equal(notes.duplicates[2], "b");
    assert_int_equal(notes.depth, 3);
    assert_string_equal(printed, "{\"a\":[{\"x\":1},{\"x\":2}],\"b\":{\"d\":1}}");

    merged = json_parse(text, strlen(text), JSON_PARSE_MERGE_DUPLICATES, &notes, NULL);
    union_text = json_text(merged, 0);
    assert_string_equal(union_text, "{\"a\":[{\"x\":1},{\"x\":2}],\"b\":{\"c\":3,\"d\":1}}");
}

static void at_most_a_hundred_duplicates(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    cleanup_buf struct buf b = BUF_INIT;
    struct json_notes notes = JSON_NOTES_IN(a);
    json_auto_t *v = NULL;

    buf_add_char(&b, '{');
    for (int i = 0; i < 400; i++)
        buf_printf(&b, "%s\"k%d\":1", i ? "," : "", i % 200);
    buf_add_char(&b, '}');
    v = json_parse(b.data, b.len, 0, &notes, NULL);
    assert_non_null(v);
    assert_int_equal(notes.n_duplicates, 100);
}

/* K-023: what typed decoding has to say about a number needs its letters. */
static void number_texts_are_kept(void **state)
{
    static const char text[] = "{\"a\":1.0,\"b\":1e3,\"c\":9223372036854775808,\"d\":1.5,\"e\":1e400}";
    cleanup_arena struct arena *a = arena_new();
    struct json_notes notes = JSON_NOTES_IN(a);
    json_auto_t *v = json_parse(text, strlen(text), 0, &notes, NULL);

    assert_string_equal(json_notes_number(&notes, json_object_get(v, "a")), "1.0");
    assert_string_equal(json_notes_number(&notes, json_object_get(v, "b")), "1e3");
    assert_string_equal(json_notes_number(&notes, json_object_get(v, "c")), "9223372036854775808");
    assert_null(json_notes_number(&notes, json_object_get(v, "d")));
    assert_string_equal(notes.overflow, "1e400");
}

static void a_prefix_tells_where_it_ended(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    struct json_notes notes = JSON_NOTES_IN(a);
    json_auto_t *v = json_parse(" {} tail", 8, JSON_PARSE_PREFIX, &notes, NULL);

    assert_non_null(v);
    assert_int_equal(notes.consumed, 3);
    assert_int_equal(json_scan(" [1,{\"a\":2}] x", 14, NULL), 12);
}

/* ---- depth (K-022): everything on a stack of 64 KiB ------------------------------------------- */

static void *deep_trees(void *arg)
{
    const char **failed = arg;
    cleanup_arena struct arena *a = arena_new();
    cleanup_buf struct buf b = BUF_INIT;
    struct json_notes notes = JSON_NOTES_IN(a);
    struct err e = ERR_IN(a);
    json_auto_t *v = NULL, *copy = NULL, *holder = json_object(), *list = json_array();
    cleanup_free char *text = NULL, *value = NULL;

    for (int i = 0; i < JSON_PARSE_DEPTH_MAX / 2; i++)
        buf_add_str(&b, "[{\"a\":");
    buf_add_char(&b, '1');
    for (int i = 0; i < JSON_PARSE_DEPTH_MAX / 2; i++)
        buf_add_str(&b, "}]");
    v = json_parse(b.data, b.len, 0, &notes, NULL);
    if (!v || notes.depth != JSON_PARSE_DEPTH_MAX || json_depth(v) != JSON_PARSE_DEPTH_MAX)
        *failed = "10,000 levels parse";
    copy = json_deep_copy(v);
    if (!json_equal(v, copy) || json_hash(1, v) != json_hash(1, copy))
        *failed = "a deep copy is equal";
    text = json_text(copy, JSON_WRITE_SORTED);
    if (!streq(text, b.data))
        *failed = "deep trees print";
    value = json_dumps(json_true(), JSON_ENCODE_ANY);
    go_write_value(&b, v);

    /* every way to let go of one */
    json_object_set(holder, "a", copy);
    json_decref(copy);
    copy = NULL;
    json_object_set_new(holder, "a", json_true());
    json_object_set_new_nocheck(holder, "a", json_clone(v));
    json_object_del(holder, "a");
    json_object_setn_new_nocheck(holder, "a", 1, json_clone(v));
    json_object_clear(holder);
    json_array_append_new(list, json_clone(v));
    json_array_set_new(list, 0, json_clone(v));
    json_array_remove(list, 0);
    json_array_append_new(list, json_clone(v));
    json_array_clear(list);

    b.len = 0;
    for (int i = 0; i <= JSON_PARSE_DEPTH_MAX; i++)
        buf_add_char(&b, '[');
    if (json_parse(b.data, b.len, 0, NULL, &e) || !streq(err_message(&e), "invalid character '[' exceeded max depth"))
        *failed = "10,001 levels are refused";
    return NULL;
}

static void deep_trees_need_no_stack(void **state)
{
    const char *failed = NULL;
    pthread_attr_t attr;
    pthread_t thread;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 128 * 1024);
    assert_int_equal(pthread_create(&thread, &attr, deep_trees, &failed), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attr);
    assert_null(failed);
}

/* ---- trees ------------------------------------------------------------------------------------ */

static void equality_ignores_order_and_keeps_types_apart(void **state)
{
    json_auto_t *a = json_parse_str("{\"a\":1,\"b\":[{\"c\":null}]}");
    json_auto_t *b = json_parse_str("{\"b\":[{\"c\":null}],\"a\":1}");
    json_auto_t *c = json_parse_str("{\"b\":[{\"c\":null}],\"a\":1.0}");
    json_auto_t *d = json_parse_str("{\"b\":[{\"c\":0}],\"a\":1}");

    assert_true(json_same(a, b));
    assert_int_equal(json_hash(0, a), json_hash(0, b));
    assert_false(json_same(a, c));
    assert_false(json_same(a, d));
    assert_int_not_equal(json_hash(0, a), json_hash(0, d));
    assert_true(json_same(NULL, NULL));
    assert_false(json_same(a, NULL));
}

static void with_and_without_leave_the_old_tree_alone(void **state)
{
    json_auto_t *old = json_parse_str("{\"m\":{\"n\":\"x\"},\"s\":{\"c\":[{\"v\":1},2]}}");
    cleanup_free char *before = json_text(old, 0), *after = NULL, *text = NULL, *gone_text = NULL;
    json_auto_t *new = json_with(old, "s.c[0].v", json_integer(7));
    json_auto_t *made = json_with(old, "s.d.e", json_true());
    json_auto_t *gone = json_without(old, "m.n"), *same = json_without(old, "m.nope");

    after = json_text(old, 0);
    assert_string_equal(before, after);
    text = json_text(new, 0);
    assert_string_equal(text, "{\"m\":{\"n\":\"x\"},\"s\":{\"c\":[{\"v\":7},2]}}");
    assert_ptr_equal(json_object_get(old, "m"), json_object_get(new, "m"));
    assert_true(json_is_true(json_path(made, "s.d.e")));
    gone_text = json_text(gone, 0);
    assert_string_equal(gone_text, "{\"m\":{},\"s\":{\"c\":[{\"v\":1},2]}}");
    assert_ptr_equal(same, old);
    assert_int_equal(json_integer_value(json_path(new, "s.c[1]")), 2);
    assert_null(json_path(new, "s.c[9].x"));
    assert_null(json_path(NULL, "a.b"));
}

static void owning_copies_only_what_is_shared(void **state)
{
    json_auto_t *old = json_parse_str("{\"m\":{\"l\":{\"a\":\"b\"}},\"s\":{\"x\":1}}");
    json_t *mine = json_incref(old);
    cleanup_free char *before = json_text(old, 0), *after = NULL;
    json_t *labels;

    json_own(&mine);
    assert_ptr_not_equal(mine, old);
    labels = json_own_object(json_own_object(mine, "m"), "l");
    json_object_set_new(labels, "a", json_string("c"));
    assert_ptr_equal(json_own_object(json_own_object(mine, "m"), "l"), labels);
    assert_ptr_equal(json_object_get(mine, "s"), json_object_get(old, "s"));
    after = json_text(old, 0);
    assert_string_equal(before, after);
    assert_string_equal(json_string_value(json_path(mine, "m.l.a")), "c");
    json_decref(mine);
}

static void go_values_print_as_percent_v(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    json_auto_t *v = json_parse_str("{\"b\":[1,\"x y\",null],\"a\":{},\"c\":1e21,\"d\":0.00001,\"e\":1e-7,\"f\":true,"
                                    "\"g\":1234567.5,\"h\":123456.5}");

    assert_string_equal(go_value(a, v), "map[a:map[] b:[1 x y <nil>] c:1e+21 d:1e-05 e:1e-07 f:true "
                        "g:1.2345675e+06 h:123456.5]");
    assert_string_equal(go_value(a, NULL), "<nil>");
}

/* Promise 1 over random trees. */
static json_t *random_tree(uint64_t *seed, int depth)
{
    uint64_t r = *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    char key[16];
    json_t *v;

    r >>= 33;
    if (depth == 0 || r % 7 < 4) {
        switch (r % 5) {
        case 0: return json_integer((json_int_t)(*seed >> (r % 60)));
        case 1: return json_real((double)(int64_t)*seed / (double)(1 + r % 1000));
        case 2: return json_stringn_nocheck((const char *)seed, 2);
        case 3: return json_null();
        default: return json_boolean(r & 32);
        }
    }
    v = r & 64 ? json_object() : json_array();
    for (uint64_t i = 0; i < r % 9; i++) {
        snprintf(key, sizeof(key), "k%d", (int)(r >> i) & 15);
        if (json_is_object(v))
            json_object_set_new(v, key, random_tree(seed, depth - 1));
        else
            json_array_append_new(v, random_tree(seed, depth - 1));
    }
    return v;
}

static void printed_trees_read_back_equal(void **state)
{
    uint64_t seed = 42;

    for (int i = 0; i < 500; i++) {
        json_auto_t *v = random_tree(&seed, 5), *again = NULL, *third = NULL;
        cleanup_free char *text = json_text(v, i % 8), *text2 = NULL;

        again = json_parse_str(text);
        assert_non_null(again);
        text2 = json_text(again, i % 8);
        third = json_parse_str(text2);
        assert_true(json_same(again, third));
        assert_int_equal(json_hash(9, again), json_hash(9, third));
    }
}

int main(void)
{
    static const struct CMUnitTest plain[] = {
        cmocka_unit_test(sorted_and_indented),
        cmocka_unit_test(duplicates_are_named_by_their_path),
        cmocka_unit_test(at_most_a_hundred_duplicates),
        cmocka_unit_test(number_texts_are_kept),
        cmocka_unit_test(a_prefix_tells_where_it_ended),
        cmocka_unit_test(deep_trees_need_no_stack),
        cmocka_unit_test(equality_ignores_order_and_keeps_types_apart),
        cmocka_unit_test(with_and_without_leave_the_old_tree_alone),
        cmocka_unit_test(owning_copies_only_what_is_shared),
        cmocka_unit_test(go_values_print_as_percent_v),
        cmocka_unit_test(printed_trees_read_back_equal),
    };
    struct CMUnitTest tests[ARRAY_SIZE(bad_rows) + ARRAY_SIZE(print_rows) + ARRAY_SIZE(plain)];
    size_t n = 0;

    json_object_seed(1);
    for (size_t i = 0; i < ARRAY_SIZE(bad_rows); i++)
        tests[n++] = (struct CMUnitTest){ .name = bad_rows[i].name, .test_func = check_bad,
                                          .initial_state = (void *)&bad_rows[i] };
    for (size_t i = 0; i < ARRAY_SIZE(print_rows); i++)
        tests[n++] = (struct CMUnitTest){ .name = print_rows[i].name, .test_func = check_print,
                                          .initial_state = (void *)&print_rows[i] };
    memcpy(tests + n, plain, sizeof(plain));
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
