#include "conformance/scenario/match.h"

#include "kube/json.h"

static bool list_contains(const json_t *pattern, const json_t *list)
{
    const json_t *want, *have;
    size_t i, k;

    json_array_foreach (pattern, i, want) {
        bool found = false;
        json_array_foreach (list, k, have)
            if (match_contains(want, have)) {
                found = true;
                break;
            }
        if (!found)
            return false;
    }
    return true;
}

bool match_contains(const json_t *pattern, const json_t *value)
{
    const char *key;
    json_t *want;

    if (!pattern || json_is_null(pattern))
        return !pattern || !value || json_is_null(value);
    if (json_is_object(pattern)) {
        if (!json_is_object(value))
            return false;
        json_object_foreach ((json_t *)pattern, key, want)
            if (!match_contains(want, json_object_get(value, key)))
                return false;
        return true;
    }
    if (json_is_array(pattern))
        return json_is_array(value) && list_contains(pattern, value);
    return json_same(pattern, value);
}

static const char *short_text(struct arena *a, const json_t *j)
{
    const char *text = j ? json_arena_text(a, j, JSON_WRITE_PLAIN) : "nothing";

    return strlen(text) <= 400 ? text : arena_printf(a, "%.400s...", text);
}

/* Patterns come from scenario files: at most 64 levels. */
static const char *mismatch_at(struct arena *a, const char *path, const json_t *pattern, const json_t *value)
{
    const char *key, *found;
    json_t *want;

    if (match_contains(pattern, value))
        return NULL;
    if (json_is_object(pattern) && json_is_object(value)) {
        json_object_foreach ((json_t *)pattern, key, want) {
            found = mismatch_at(a, arena_printf(a, "%s%s%s", path, *path ? "." : "", key), want,
                                json_object_get(value, key));
            if (found)
                return found;
        }
    }
    return arena_printf(a, "%s: wanted %s, found %s", *path ? path : "the object", short_text(a, pattern),
                        short_text(a, value));
}

const char *match_mismatch(struct arena *a, const json_t *pattern, const json_t *value)
{
    return mismatch_at(a, "", pattern, value);
}

/* ---- variables ------------------------------------------------------------------------------- */

void variables_set(struct variables *v, const char *name, const char *value)
{
    for (size_t i = 0; i < v->list.n; i++)
        if (streq(v->list.v[i].name, name)) {
            v->list.v[i].value = arena_strdup(v->arena, value);
            return;
        }
    *dyn_push(&v->list) =
        (struct variable){ arena_strdup(v->arena, name), arena_strdup(v->arena, value) };
}

void variables_release(struct variables *v)
{
    dyn_release(&v->list);
}

static const char *lookup(const struct variables *v, const char *name, size_t len)
{
    for (size_t i = 0; i < v->list.n; i++)
        if (strlen(v->list.v[i].name) == len && memcmp(v->list.v[i].name, name, len) == 0)
            return v->list.v[i].value;
    return NULL;
}

const char *variables_expand_text(const struct variables *v, const char *text)
{
    const char *out = "", *open, *end, *value;

    while ((open = strstr(text, "${")) && (end = strchr(open, '}'))) {
        value = lookup(v, open + 2, (size_t)(end - open - 2));
        out = arena_printf(v->arena, "%s%.*s%s", out, (int)(open - text), text, value ? value : "");
        text = end + 1;
    }
    return *out ? arena_printf(v->arena, "%s%s", out, text) : text;
}

json_t *variables_expand(const struct variables *v, const json_t *j)
{
    json_t *copy, *member;
    const char *key;
    size_t i;

    if (!j)
        return NULL;
    if (json_is_string(j))
        return json_string(variables_expand_text(v, json_string_value(j)));
    if (json_is_object(j)) {
        copy = json_object();
        json_object_foreach ((json_t *)j, key, member)
            json_object_set_new(copy, key, variables_expand(v, member));
        return copy;
    }
    if (json_is_array(j)) {
        copy = json_array();
        json_array_foreach (j, i, member)
            json_array_append_new(copy, variables_expand(v, member));
        return copy;
    }
    return json_incref((json_t *)j);
}
