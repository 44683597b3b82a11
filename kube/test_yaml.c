#include "kube/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static const struct row {
    const char *name, *text, *want;              /* JSON, or the sentence after '!' */
} rows[] = {
    { "K-034 maps and lists", "a:\n  b: [1, x]\n  c:\n  - d: e\n    f: g\n", "{\"a\":{\"b\":[1,\"x\"],\"c\":[{\"d\":\"e\",\"f\":\"g\"}]}}" },
    { "K-034 booleans", "[yes, No, on, OFF, y, n, True, FALSE]", "[true,false,true,false,true,false,true,false]" },
    { "K-034 nulls", "[~, null, Null, '', \"\", ]", "[null,null,null,\"\",\"\"]" },
    { "K-034 empty value", "a:\nb: 1\n", "{\"a\":null,\"b\":1}" },
    { "K-034 octal and friends", "[017, 0o17, 0x10, 0b11, 1_000, +5, -0x10, 08]", "[15,15,16,3,1000,5,-16,8]" },
    { "K-034 floats", "[3.0, 1e1, 1.5, .5, 1., 1e3x]", "[3,10,1.5,0.5,1,\"1e3x\"]" },
    { "K-034 big integers", "[9223372036854775807, 18446744073709551615, -9223372036854775808]", "[9223372036854775807,18446744073709552000,-9223372036854775808]" },
    { "K-034 timestamps are strings", "[2024-01-02, 2024-01-02T03:04:05Z, 1:30]", "[\"2024-01-02\",\"2024-01-02T03:04:05Z\",\"1:30\"]" },
    { "K-034 quoted is a string", "['1', \"true\", !!str 5, ! 7]", "[\"1\",\"true\",\"5\",\"7\"]" },
    { "K-034 blocks", "a: |\n  two\n  lines\nb: >\n  fold\n  ed\n", "{\"a\":\"two\\nlines\\n\",\"b\":\"fold ed\\n\"}" },
    { "K-034 keys become strings", "1: one\ntrue: t\n1.5: f\non: o\n", "{\"1\":\"one\",\"true\":\"o\",\"1.5\":\"f\"}" },
    { "K-034 n is a key named false", "n: 3\n", "{\"false\":3}" },
    { "K-034 anchors", "a: &l {x: q}\nb: *l\n", "{\"a\":{\"x\":\"q\"},\"b\":{\"x\":\"q\"}}" },
    { "K-034 merge keys", "a: &a {x: 1, z: 2}\nb:\n  <<: *a\n  z: 3\n", "{\"a\":{\"x\":1,\"z\":2},\"b\":{\"x\":1,\"z\":3}}" },
    { "K-034 merge lists", "- &a {x: 1}\n- &b {x: 2, z: 2}\n- <<: [*a, *b]\n", "[{\"x\":1},{\"x\":2,\"z\":2},{\"x\":1,\"z\":2}]" },
    { "K-026 a NUL in a key", "\"a\\0b\": 1\na: 2\n", "{\"a\\u0000b\":1,\"a\":2}" },
    { "K-034 merge of what is no map", "<<: 1\n", "!yaml: map merge requires map or sequence of maps as the value" },
    { "K-034 only the first document", "a: 1\n---\nb: [\n", "{\"a\":1}" },
    { "K-034 a leading marker", "---\na: 1\n", "{\"a\":1}" },
    { "K-034 nothing", "", "null" },
    { "K-034 a comment", "# nothing\n", "null" },
    { "K-034 JSON is YAML", "{\"a\":[1,{\"b\":null}]}", "{\"a\":[1,{\"b\":null}]}" },
    { "K-034 binary", "a: !!binary aGk=\n", "{\"a\":\"hi\"}" },
    { "K-034 byte order mark", "\xef\xbb\xbf" "a: 1\n", "{\"a\":1}" },
    { "J-041 two colons", "a: b: c\n", "!yaml: mapping values are not allowed in this context" },
    { "J-041 open list", "key: [1, 2\n", "!yaml: line 1: did not find expected ',' or ']'" },
    { "J-041 tab", "\tx: 1\n", "!yaml: found character that cannot start any token" },
    { "J-041 unknown anchor", "x: *nope\n", "!yaml: unknown anchor 'nope' referenced" },
    { "J-041 indentation", "apiVersion: v1\nkind: ConfigMap\n  name: x\n", "!yaml: line 3: mapping values are not allowed in this context" },
    { "J-041 version", "%YAML 9.9\n---\na: 1\n", "!yaml: found incompatible YAML document" },
    { "J-041 bad base64", "a: !!binary \"***\"\n", "!yaml: !!binary value contains invalid base64 data" },
    { "K-026 invalid UTF-8", "a: \"\xff\xfe\"\n", "!yaml: invalid leading UTF-8 octet" },
    { "K-026 control character", "a: \"\x01\"\n", "!yaml: control characters are not allowed" },
    { "K-009 cycle", "a: &a [*a]\n", "!yaml: anchor 'a' value contains itself" },
    { "tag that does not fit", "a: !!int x\n", "!yaml: cannot decode !!str `x` as a !!int" },
    { "no number in JSON", "a: .inf\n", "!json: unsupported value: +Inf" },
    { "no number at all", "a: .nan\n", "!json: unsupported value: NaN" },
};

static void check_row(void **state)
{
    const struct row *row = *state;
    cleanup_arena struct arena *a = arena_new();
    struct err e = ERR_IN(a);
    json_auto_t *v = yaml_parse(row->text, strlen(row->text), NULL, &e), *again = NULL;
    cleanup_free char *text = NULL;
    cleanup_buf struct buf printed = BUF_INIT;

    if (!v) {
        assert_string_equal(err_message(&e), row->want + 1);
        return;
    }
    text = json_text(v, 0);
    assert_string_equal(text, row->want);
    yaml_write(&printed, v);
    again = yaml_parse(printed.data, printed.len, NULL, &e);
    assert_true(json_same(v, again) || strstr(row->name, "big integers"));
}

/* K-009: as the server counts it. */
static void alias_bombs_are_refused(void **state)
{
    static const char bomb[] =
        "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
        "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n"
        "g: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f]\nh: [*g,*g,*g,*g,*g,*g,*g,*g,*g]\n";
    cleanup_arena struct arena *a = arena_new();
    struct err e = ERR_IN(a);

    assert_null(yaml_parse(bomb, strlen(bomb), NULL, &e));
    assert_string_equal(err_message(&e), "yaml: document contains excessive aliasing");
}

static void depth_is_bounded(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    cleanup_buf struct buf b = BUF_INIT;
    struct err e = ERR_IN(a);

    for (int i = 0; i < 100000; i++)
        buf_add_char(&b, '[');
    assert_null(yaml_parse(b.data, b.len, NULL, &e));
    assert_string_equal(err_message(&e), "yaml: exceeded max depth of 256");
}

static void deep_trees_print_as_one_line(void **state)
{
    json_auto_t *v = json_integer(1), *again = NULL;
    cleanup_buf struct buf b = BUF_INIT;

    for (int i = 0; i < 5000; i++) {
        json_t *list = json_array();

        json_array_append_new(list, v);
        v = list;
    }
    yaml_write(&b, v);
    again = json_parse(b.data, b.len, 0, NULL, NULL);
    assert_true(json_same(v, again));
}

/* K-034: what strict decoding has to say. */
static void duplicates_are_noted_with_their_line(void **state)
{
    static const char text[] = "a: 1\nb:\n  on: 1\n  true: 2\na: 2\n";
    cleanup_arena struct arena *a = arena_new();
    struct yaml_notes notes = YAML_NOTES_IN(a);
    json_auto_t *v = yaml_parse(text, strlen(text), &notes, NULL);
    cleanup_free char *printed = json_text(v, 0);

    assert_string_equal(printed, "{\"a\":2,\"b\":{\"true\":2}}");
    assert_int_equal(notes.n_duplicates, 2);
    assert_string_equal(notes.duplicates[0], "line 4: key true already set in map");
    assert_string_equal(notes.duplicates[1], "line 5: key \"a\" already set in map");
}

static void errors_have_their_place(void **state)
{
    static const char text[] = "a: 1\nb: [1\nc: 2\n";
    cleanup_arena struct arena *a = arena_new();
    struct yaml_notes notes = YAML_NOTES_IN(a);
    struct err e = ERR_IN(a);

    assert_null(yaml_parse(text, strlen(text), &notes, &e));
    assert_int_equal(notes.error_line, 3);
    assert_int_equal(notes.error_column, 2);
}

static void manifests_hold_several_documents(void **state)
{
    static const char text[] = "# first\n---\na: 1\n---\n---\nb: &x 2\nc: *x\n...\n", bad[] = "a: 1\n---\nb: [\n";
    json_auto_t *all = yaml_parse_all(text, strlen(text), NULL, NULL);
    cleanup_free char *printed = json_text(all, 0);

    assert_string_equal(printed, "[{\"a\":1},{\"b\":2,\"c\":2}]");
    assert_null(yaml_parse_all(bad, strlen(bad), NULL, NULL));
}

/* what `Accept: application/yaml` printed for these values. */
static void yaml_is_laid_out_as_the_server_does(void **state)
{
    static const char json[] =
        "{\"data\":{\"n\":\"123\",\"f\":\"1.5\",\"b\":\"true\",\"y\":\"yes\",\"nul\":\"null\",\"e\":\"\","
        "\"nl\":\"a\\nb\\n\",\"nl2\":\"a\\nb\",\"sp\":\" lead\",\"co\":\"a: b\",\"ha\":\"# c\",\"q\":\"\\\"\","
        "\"sq\":\"it's\",\"tab\":\"a\\tb\",\"oct\":\"0644\",\"hex\":\"0x1f\",\"date\":\"2024-01-02\",\"tilde\":\"~\","
        "\"star\":\"*x\",\"amp\":\"&x\",\"excl\":\"!x\",\"at\":\"@x\",\"dash\":\"- x\",\"us\":\"1_000\","
        "\"exp\":\"1e3\",\"eq\":\"=\",\"uni\":\"\xc3\xa9\xe2\x98\x83\",\"long\":\"word word word word word word word "
        "word word word word word word word word word word word word word \"},\"apiVersion\":\"v1\",\"list\":[{\"b\":1,"
        "\"a\":[]},[1,2.5,true,null]],\"k10\":1,\"k9\":1,\".\":{}}";
    static const char want[] =
        ".: {}\napiVersion: v1\ndata:\n  amp: '&x'\n  at: '@x'\n  b: \"true\"\n  co: 'a: b'\n  dash: '- x'\n"
        "  date: \"2024-01-02\"\n  e: \"\"\n  eq: =\n  excl: '!x'\n  exp: \"1e3\"\n  f: \"1.5\"\n  ha: '# c'\n"
        "  hex: \"0x1f\"\n  long: 'word word word word word word word word word word word word word word word\n"
        "    word word word word word '\n  \"n\": \"123\"\n  nl: |\n    a\n    b\n  nl2: |-\n    a\n    b\n"
        "  nul: \"null\"\n  oct: \"0644\"\n  q: '\"'\n  sp: ' lead'\n  sq: it's\n  star: '*x'\n  tab: \"a\\tb\"\n"
        "  tilde: \"~\"\n  uni: \xc3\xa9\xe2\x98\x83\n  us: \"1_000\"\n  \"y\": \"yes\"\nk9: 1\nk10: 1\nlist:\n- a: []\n"
        "  b: 1\n- - 1\n  - 2.5\n  - true\n  - null\n";
    json_auto_t *v = json_parse_str(json);
    cleanup_buf struct buf b = BUF_INIT;

    yaml_write(&b, v);
    assert_string_equal(b.data, want);
}

int main(void)
{
    static const struct CMUnitTest plain[] = {
        cmocka_unit_test(alias_bombs_are_refused),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(deep_trees_print_as_one_line),
        cmocka_unit_test(duplicates_are_noted_with_their_line),
        cmocka_unit_test(errors_have_their_place),
        cmocka_unit_test(manifests_hold_several_documents),
        cmocka_unit_test(yaml_is_laid_out_as_the_server_does),
    };
    struct CMUnitTest tests[ARRAY_SIZE(rows) + ARRAY_SIZE(plain)];

    json_object_seed(1);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        tests[i] = (struct CMUnitTest){ .name = rows[i].name, .test_func = check_row,
                                        .initial_state = (void *)&rows[i] };
    memcpy(tests + ARRAY_SIZE(rows), plain, sizeof(plain));
    return cmocka_run_group_tests_name("yaml", tests, NULL, NULL);
}
