/* The YAML reader: what it refuses, where it says so, and what plain scalars become. */
#include "conformance/scenario/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "kube/json.h"

static const struct row {
    const char *name, *text;
    const char *want;                  /* JSON, or the first diag "line:col: message" */
    size_t len;                        /* 0: strlen(text) */
} rows[] = {
    { "a map keeps its types", "a: 1\nb: two\nc: [true, null, -3, 2.5]\nd: {e: \"yes\"}\n",
      "{\"a\":1,\"b\":\"two\",\"c\":[true,null,-3,2.5],\"d\":{\"e\":\"yes\"}}" },
    { "text that starts like a number is text", "a: 10s\nb: 1.2.3\nc: 2025-01-01\nd: 1e\n",
      "{\"a\":\"10s\",\"b\":\"1.2.3\",\"c\":\"2025-01-01\",\"d\":\"1e\"}" },
    { "block scalars", "a: |\n  one\n  two\nb: >\n  three\n  four\n",
      "{\"a\":\"one\\ntwo\\n\",\"b\":\"three four\\n\"}" },
    { "a missing value is null", "a:\nb: 1\n", "{\"a\":null,\"b\":1}" },
    { "an alias stands for what it names", "a: &x {k: v}\nb: *x\n", "{\"a\":{\"k\":\"v\"},\"b\":{\"k\":\"v\"}}" },
    { "yes is ambiguous", "a: yes\n", "1:4: yes means different things to different YAML readers: quote it" },
    { "off is ambiguous", "a: [off]\n",
      "1:5: off means different things to different YAML readers: quote it" },
    { "octal is ambiguous", "a: 014\n", "1:4: 014 means different things to different YAML readers: quote it" },
    { "underscores are ambiguous", "a: 1_000\n",
      "1:4: 1_000 means different things to different YAML readers: quote it" },
    { "hexadecimal is ambiguous", "a: 0x1F\n",
      "1:4: 0x1F means different things to different YAML readers: quote it" },
    { "sexagesimal is ambiguous", "a: 12:30\n",
      "1:4: 12:30 means different things to different YAML readers: quote it" },
    { "tilde is ambiguous", "a: ~\n", "1:4: ~ means different things to different YAML readers: quote it" },
    { "duplicate key", "a: 1\nb: 2\na: 3\n", "3:1: duplicate key a: it stands already in line 1" },
    { "merge key", "a: &x {k: v}\nb:\n  <<: *x\n", "3:3: merge keys are not supported: write the fields out" },
    { "tag", "a: !!str 5\n", "1:10: tags are not supported: quote the value to make it a string" },
    { "second document", "a: 1\n---\nb: 2\n", "2:1: a second document: one file holds one" },
    { "unknown alias", "a: *x\n", "1:5: there is no anchor &x before this alias" },
    { "alias cycle", "a: &x [*x]\n", "1:9: this alias contains itself" },
    { "a list as key", "? [a]\n: b\n", "1:3: a key must be a string" },
    { "huge integer", "a: 99999999999999999999\n", "1:4: this integer does not fit 64 bits" },
    { "empty file", "", "0:0: the file is empty" },
    { "only a comment", "# nothing\n", "0:0: the file is empty" },
    { "NUL byte", "a: b\0c\n", "1:5: a NUL byte", 7 },
    { "invalid UTF-8", "a: \xff\n", "1:4: this byte is not UTF-8" },
    { "overlong UTF-8", "a: \xc0\xaf\n", "1:4: this byte is not UTF-8" },
    { "a surrogate in UTF-8", "a: \xed\xa0\x80\n", "1:4: this byte is not UTF-8" },
};

static void check_row(void **state)
{
    const struct row *row = *state;
    cleanup_arena struct arena *a = arena_new();
    cleanup_diags struct diags d = DIAGS_IN(a);
    struct ynode *n = ynode_parse(a, "f.yaml", row->text, row->len ? row->len : strlen(row->text), &d);

    if (n) {
        json_auto_t *j = ynode_json(n);
        cleanup_free char *got = json_text(j, JSON_WRITE_PLAIN);
        assert_int_equal(d.list.n, 0);
        assert_string_equal(got, row->want);
    } else {
        cleanup_free char *got = xasprintf("%d:%d: %s", d.list.v[0].line, d.list.v[0].col,
                                           d.list.v[0].message);
        assert_true(d.list.n > 0);
        assert_string_equal(got, row->want);
    }
}

/* What libfyaml words itself: only that it is refused, and in which line. */
static const struct syntax_row {
    const char *text;
    int line;
} syntax_rows[] = {
    { "a:\n  - 1\n - 2\n", 3 }, { "a:\n\tb: 1\n", 2 }, { "a: \"b\n", 1 }, { "a: {b: 1\nc: 2\n", 2 },
    { "a: b: c\n", 1 },         { "a: \"\\q\"\n", 1 }, { "a: [1, 2\n", 2 },
};

static void syntax_errors_have_their_line(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(syntax_rows); i++) {
        cleanup_arena struct arena *a = arena_new();
        cleanup_diags struct diags d = DIAGS_IN(a);

        assert_null(ynode_parse(a, "f", syntax_rows[i].text, strlen(syntax_rows[i].text), &d));
        assert_true(d.list.n > 0);
        assert_true(d.list.v[0].line >= syntax_rows[i].line - 1 && d.list.v[0].line <= syntax_rows[i].line + 1);
    }
}

static void refuses(const char *text, const char *message)
{
    cleanup_arena struct arena *a = arena_new();
    cleanup_diags struct diags d = DIAGS_IN(a);

    assert_null(ynode_parse(a, "f", text, strlen(text), &d));
    assert_true(d.list.n > 0);
    if (!strstr(d.list.v[0].message, message))
        fail_msg("%s", d.list.v[0].message);
}

static void bombs_are_defused(void **state)
{
    cleanup_buf struct buf deep = BUF_INIT, wide = BUF_INIT, big = BUF_INIT, bomb = BUF_INIT;

    for (int i = 0; i < 5000; i++)
        buf_add_str(&deep, "- ");
    refuses(deep.data, "");
    buf_add_str(&wide, "a: [");
    for (int i = 0; i < 20000; i++)
        buf_add_str(&wide, "1,");
    buf_add_str(&wide, "1]\n");
    refuses(wide.data, "more nodes");
    for (int i = 0; i < 1100; i++)
        for (int k = 0; k < 128; k++)
            buf_add_str(&big, "# filler");
    refuses(big.data, "larger than");
    buf_add_str(&bomb, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 9; i++) {
        buf_printf(&bomb, "a%d: &a%d [", i, i);
        for (int k = 0; k < 10; k++)
            buf_printf(&bomb, "%s*a%d", k ? ", " : "", i - 1);
        buf_add_str(&bomb, "]\n");
    }
    refuses(bomb.data, "more nodes");
}

static void carets_point_at_the_place(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    cleanup_diags struct diags d = DIAGS_IN(a);
    cleanup_buf struct buf out = BUF_INIT;
    const char *text = "a: 1\nb:\n  c: yes\n";

    assert_null(ynode_parse(a, "x.yaml", text, strlen(text), &d));
    diags_print(&d, text, &out);
    assert_string_equal(out.data, "x.yaml:3:6: yes means different things to different YAML readers: "
                                  "quote it\n    c: yes\n       ^\n");
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_SIZE(rows) + 3];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        tests[n++] = (struct CMUnitTest){ .name = rows[i].name, .test_func = check_row,
                                          .initial_state = (void *)&rows[i] };
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(syntax_errors_have_their_line);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(bombs_are_defused);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(carets_point_at_the_place);
    return cmocka_run_group_tests_name("yaml", tests, NULL, NULL);
}
