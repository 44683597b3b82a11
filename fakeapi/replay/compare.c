#include "fakeapi/replay/replay.h"

#include <regex.h>
#include <stdio.h>

/* What may differ: paths that a regular expression knows, in every step or in one. */
struct ignored {
    regex_t path;
    bool all_paths, one_step;
    size_t step;
};

struct comparison {
    DYN(struct ignored) ignore;
    size_t step, found;
    replay_diff_fn *differs;
    void *arg;
};

/* A pattern is the expression, or an object of it and the step it is meant for. */
static void ignore(struct comparison *c, const json_t *pattern)
{
    const json_t *step = json_object_get(pattern, "step");
    const json_t *path = json_is_string(pattern) ? pattern : json_object_get(pattern, "path");
    struct ignored one = { .one_step = step, .step = (size_t)json_integer_value(step) };

    one.all_paths = !json_string_length(path);
    if (one.all_paths || regcomp(&one.path, json_string_value(path), REG_EXTENDED | REG_NOSUB) == 0)
        *dyn_push(&c->ignore) = one;
}

static bool ignored(const struct comparison *c, const char *path)
{
    for (size_t i = 0; i < c->ignore.n; i++) {
        const struct ignored *one = &c->ignore.v[i];
        if ((!one->one_step || one->step == c->step) &&
            (one->all_paths || regexec(&one->path, path, 0, NULL, 0) == 0))
            return true;
    }
    return false;
}

static void compare(struct comparison *c, const json_t *want, const json_t *got, const char *at);

static void compare_objects(struct comparison *c, const json_t *want, const json_t *got, const char *at)
{
    const char *k;
    json_t *x;

    json_object_foreach((json_t *)want, k, x) {
        cleanup_free char *path = xasprintf("%s/%s", at, k);
        compare(c, x, json_object_get(got, k), path);
    }
    json_object_foreach((json_t *)got, k, x) {
        cleanup_free char *path = xasprintf("%s/%s", at, k);
        if (!json_object_get(want, k))
            compare(c, NULL, x, path);
    }
}

static void compare(struct comparison *c, const json_t *want, const json_t *got, const char *at)
{
    if (want && got && json_typeof(want) == json_typeof(got)) {
        if (json_is_object(want)) {
            compare_objects(c, want, got, at);
            return;
        }
        if (json_is_array(want)) {
            size_t n = json_array_size(want), m = json_array_size(got);
            for (size_t i = 0; i < n || i < m; i++) {
                cleanup_free char *path = xasprintf("%s/%zu", at, i);
                compare(c, json_array_get(want, i), json_array_get(got, i), path);
            }
            return;
        }
        if (json_equal(want, got))
            return;
    }
    if (ignored(c, *at ? at : "/"))
        return;
    c->found++;
    if (c->differs)
        c->differs(c->arg, c->step, *at ? at : "/", want, got);
}

size_t replay_compare(const json_t *c, const json_t *got, replay_diff_fn *differs, void *arg)
{
    struct comparison cmp = { .differs = differs, .arg = arg };
    const json_t *answers = json_object_get(c, "answers");
    size_t i;
    json_t *x;

    json_array_foreach(json_object_get(c, "ignore"), i, x)
        ignore(&cmp, x);
    json_array_foreach((json_t *)answers, cmp.step, x)
        compare(&cmp, x, json_array_get(got, cmp.step), "");
    for (i = 0; i < cmp.ignore.n; i++)
        if (!cmp.ignore.v[i].all_paths)
            regfree(&cmp.ignore.v[i].path);
    dyn_release(&cmp.ignore);
    return cmp.found;
}
