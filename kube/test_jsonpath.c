/* JSONPath of printer columns (F-160 to F-162): what each path finds, against what kubectl's library finds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kube/json.h"
#include "kube/jsonpath.h"

static const char doc[] =
    "{\"a\":{\"b\":1,\"x.y\":\"dot\"},\"l\":[{\"n\":1,\"t\":\"p\"},{\"n\":2,\"t\":\"q\",\"r\":true},{\"t\":\"(]\"}],"
    "\"s\":\"hi\",\"none\":null,\"f\":1.5,\"deep\":{\"k\":1,\"m\":{\"k\":2},\"l\":[{\"k\":3}]}}";

static const struct row {
    const char *path, *found;          /* NULL: the path cannot be followed */
} rows[] = {
    { ".a.b", "[1]" }, { "$.a.b", "[1]" }, { ".a.x\\.y", "[\"dot\"]" }, { ".a['x\\.y']", "[\"dot\"]" },
    { ".a.nothing.more", "[]" }, { ".s.b", "[]" }, { ".none.b", "[]" }, { ".", "[]" }, { "", NULL },
    { ".l[0].n", "[1]" }, { ".l[-1].t", "[\"(]\"]" }, { ".l[*].t", "[\"p\",\"q\",\"(]\"]" }, { ".l[0:2].n", "[1,2]" },
    { ".l[::2].t", "[\"p\",\"(]\"]" }, { ".l[0,1].t", "[\"p\",\"q\"]" }, { ".l[3]", NULL }, { ".a[0]", NULL },
    { ".l[1:1].n", "[]" }, { ".l[x]", NULL }, { ".l[0", NULL }, { ".none[0]", "[]" },
    { ".l[?(@.t==\"q\")].n", "[2]" }, { ".l[?(@.t=='q')].n", "[2]" }, { ".l[?(@.t=='(]')].t", "[\"(]\"]" },
    { ".l[?(@.n>1)].t", "[\"q\"]" }, { ".l[?(@.n<=1)].t", "[\"p\"]" }, { ".l[?(@.n!=1)].t", "[\"q\"]" },
    { ".l[?(@.r)].t", "[\"q\"]" }, { ".l[?(@.r==true)].t", "[\"q\"]" }, { ".l[?(@.n=='1')].t", NULL },
    { ".l[?(@.r>true)].t", NULL }, { ".a[?(@.b)]", NULL }, { ".l[?(@.n==1.5)]", NULL }, { ".l[?(@.n==1", NULL },
    { ".a.*", "[1,\"dot\"]" }, { ".deep..k", "[1,2,3]" }, { ".deep...k", NULL }, { ".s.*", "[104,105]" },
    { "word", NULL }, { ".a#b", "[]" }, { "#", NULL },
};

static void finds_what_the_path_names(void **state)
{
    json_auto_t *obj = json_loads(doc, 0, NULL);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        json_auto_t *found = jsonpath_find(obj, rows[i].path);
        cleanup_free char *text = found ? json_dumps(found, JSON_COMPACT) : NULL;
        const char *want = streq(rows[i].path, "") ? NULL : rows[i].found;
        if (streq(rows[i].path, "")) {
            assert_int_equal(json_array_size(found), 1);
            continue;
        }
        if (want ? !text || !streq(text, want) : text != NULL)
            fail_msg("%s finds %s, not %s", rows[i].path, text ? text : "an error", want ? want : "an error");
    }
}

/* A hostile path over a deep and wide object ends, without recursion (K-001). */
static void ends_whatever_it_is_given(void **state)
{
    json_auto_t *wide = json_object(), *list = json_array();
    json_t *deep = json_object();

    (void)state;
    for (int i = 0; i < 400; i++)
        json_array_append_new(list, json_array());
    for (size_t i = 0; i < 400; i++)
        for (int k = 0; k < 400; k++)
            json_array_append_new(json_array_get(list, i), json_integer(k));
    json_object_set(wide, "l", list);
    assert_null(jsonpath_find(wide, ".l[*][*]"));
    for (int i = 0; i < 1500; i++) {
        json_t *outer = json_object();
        json_object_set_new(outer, "k", deep);
        deep = outer;
    }
    json_auto_t *found = jsonpath_find(deep, "..k");
    assert_int_equal(json_array_size(found), 1500);
    json_decref(deep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_the_path_names), cmocka_unit_test(ends_whatever_it_is_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
