#include "fakeapi/replay/replay.h"

#include <regex.h>
#include <stdio.h>

struct comparison {
    const json_t *ignore;
    size_t step, found;
    replay_diff_fn *differs;
    void *arg;
};

static bool pattern_matches(const char *pattern, const char *path)
{
    regex_t re;
    bool hit;

    if (!*pattern)
        return true;
    if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB) != 0)
        return false;
    hit = regexec(&re, path, 0, NULL, 0) == 0;
    regfree(&re);
    return hit;
}

/* A pattern is a regular expression on the path, or that with the step it is meant for. */
static bool ignored(const struct comparison *c, const char *path)
{
    size_t i;
    json_t *p;

    json_array_foreach(c->ignore, i, p) {
        json_t *step = json_object_get(p, "step");
        if (json_is_string(p) ? pattern_matches(json_string_value(p), path)
                              : (size_t)json_integer_value(step) == c->step
                                    && pattern_matches(json_string_value(json_object_get(p, "path")), path))
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
    struct comparison cmp = { .ignore = json_object_get(c, "ignore"), .differs = differs, .arg = arg };
    const json_t *answers = json_object_get(c, "answers");

    for (size_t i = 0; i < json_array_size(answers); i++) {
        cmp.step = i;
        compare(&cmp, json_array_get(answers, i), json_array_get(got, i), "");
    }
    return cmp.found;
}
