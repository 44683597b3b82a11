#include "kube/patch_strategic.h"

#include "kube/json_priv.h"

/* Deeper than any built-in type but the schemas in a CustomResourceDefinition; bounds the recursion. */
enum { DEPTH_MAX = 100 };

#define DELETE_FROM "$deleteFromPrimitiveList"
#define SET_ORDER "$setElementOrder"
#define RETAIN_KEYS "$retainKeys"
#define DIRECTIVE "$patch"

/* ---- sentences -------------------------------------------------------------------------------- */

static int fail(struct apierr *err, const char *fmt, ...) PRINTF(2, 3);
static int fail(struct apierr *err, const char *fmt, ...)
{
    va_list args;
    const char *text = "";

    if (err && err->arena) {
        va_start(args, fmt);
        text = arena_vprintf(err->arena, fmt, args);
        va_end(args);
    }
    return apierr_set(err, APIERR_UNKNOWN, "%s", text);
}

static int fail_format(struct apierr *err, const char *what)
{
    return apierr_set(err, APIERR_BAD_REQUEST, "invalid patch format of %s", what);
}

static const char *value_text(struct apierr *err, const json_t *v)
{
    return err && err->arena ? go_value(err->arena, v) : "";
}

/* reflect.TypeOf of an untyped value. */
static const char *go_type(const json_t *v)
{
    switch (v ? json_typeof(v) : JSON_NULL) {
    case JSON_OBJECT: return "map[string]interface {}";
    case JSON_ARRAY: return "[]interface {}";
    case JSON_STRING: return "string";
    case JSON_INTEGER: return "int64";
    case JSON_REAL: return "float64";
    case JSON_TRUE: case JSON_FALSE: return "bool";
    default: return "%!s(<nil>)";
    }
}

static bool same_type(const json_t *a, const json_t *b)
{
    return streq(go_type(a), go_type(b));
}

static int fail_type(struct apierr *err, const char *expected, const json_t *v)
{
    return fail(err, "expected a %s, but received a %s", expected, go_type(v));
}

static int fail_key(struct apierr *err, const json_t *map, const char *key)
{
    return fail(err, "map: %s does not contain declared merge key: %s", value_text(err, map), key);
}

static int fail_directive(struct apierr *err, const json_t *directive, const json_t *map)
{
    cleanup_buf struct buf b = BUF_INIT;

    go_write_text(&b, directive);
    return fail(err, "unknown patch type: %s in map: %s", b.data ? b.data : "", value_text(err, map));
}

/* ---- what the schema says --------------------------------------------------------------------- */

static const char *type_name(const struct schema *s)
{
    const char *dot = s->go_type ? strrchr(s->go_type, '.') : NULL;

    return dot ? dot + 1 : s->go_type ? s->go_type : "";
}

static int find_field(const struct schema *s, const char *name, const struct schema_field **ret,
                      struct apierr *err)
{
    if (!s || s->type != SCHEMA_OBJECT || (!s->n_fields && s->additional))
        return fail(err, "merging an object in json but data type is not struct, instead is: %s",
                    s && s->additional ? "map" : "interface");
    for (size_t i = 0; i < s->n_fields; i++)
        if (streq(s->fields[i].name, name)) {
            *ret = &s->fields[i];
            return 0;
        }
    return fail(err, "unable to find api field in struct %s for the json field \"%s\"", type_name(s), name);
}

/* ---- places in a list ------------------------------------------------------------------------- */

/* Where in a list an element stands: by merge key for maps, by itself for scalars; first one wins. */
struct places {
    json_t *by_text;
    const char *key;                             /* NULL: scalars */
    size_t bad;                                  /* the first element that is no map; SIZE_MAX: none */
};

static void write_key(struct buf *b, const json_t *v)
{
    buf_reset(b);
    buf_printf(b, "%d:", v ? (int)json_typeof(v) : (int)JSON_NULL);
    json_write(b, v, 0);
}

/* What an element is known by; NULL for a map without the key. */
static const json_t *known_by(const struct places *p, const json_t *element)
{
    return p->key ? json_object_get(element, p->key) : element;
}

static void places_add(struct places *p, const json_t *element, size_t i)
{
    cleanup_buf struct buf b = BUF_INIT;
    const json_t *v = known_by(p, element);

    if (p->key && !json_is_object(element) && p->bad == SIZE_MAX)
        p->bad = i;
    if (!v)
        return;
    write_key(&b, v);
    if (!json_object_getn(p->by_text, b.data, b.len))
        json_object_add_new(p->by_text, b.data, b.len, json_integer((json_int_t)i));
}

static struct places places_of(const json_t *list, const char *key)
{
    struct places p = { json_object(), key, SIZE_MAX };
    const json_t *v;
    size_t i;

    json_array_foreach(list, i, v)
        places_add(&p, v, i);
    return p;
}

static void places_release(struct places *p)
{
    json_decref(p->by_text);
}
#define cleanup_places __attribute__((cleanup(places_release)))

/* SIZE_MAX where it is not. */
static size_t place_of(const struct places *p, const json_t *element)
{
    cleanup_buf struct buf b = BUF_INIT;
    const json_t *v = known_by(p, element), *found;

    if (!v)
        return SIZE_MAX;
    write_key(&b, v);
    found = json_object_getn(p->by_text, b.data, b.len);
    return found ? (size_t)json_integer_value(found) : SIZE_MAX;
}

/* As place_of, but a search that comes across an element that is no map fails. */
static int search(const struct places *p, const json_t *element, size_t *ret, struct apierr *err)
{
    *ret = place_of(p, element);
    if (p->bad != SIZE_MAX && p->bad < *ret)
        return fail(err, "value for key %zu is not a map", p->bad);
    return 0;
}

/* ---- order ------------------------------------------------------------------------------------ */

struct ranked {
    json_t *v;
    size_t rank, at;
};

typedef DYN(struct ranked) ranked_t;

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

static int check_keys(const json_t *list, const char *key, struct apierr *err)
{
    const json_t *v;
    size_t i;

    json_array_foreach(list, i, v) {
        if (!json_is_object(v))
            return fail_type(err, "map[string]interface {}", v);
        if (!json_object_get(v, key))
            return fail_key(err, v, key);
    }
    return 0;
}

static bool is_delete(const json_t *element)
{
    const char *directive = json_string_value(json_object_get(element, DIRECTIVE));

    return directive && streq(directive, "delete");
}

/* Sorts by the place in `order`; deletions go to the end. An element that `order` does not know moves
 * before what precedes it, as upstream's comparison has it (in lists of 20 at most). */
static void sort_ranked(ranked_t *list, const struct places *order)
{
    bool known = true;
    size_t n = 0;
    ranked_t deleted = { 0 };

    for (size_t i = 0; i < list->n; i++) {
        struct ranked r = { list->v[i].v, place_of(order, list->v[i].v), i };

        if (order->key && is_delete(r.v)) {
            *dyn_push(&deleted) = r;
            continue;
        }
        known = known && r.rank != SIZE_MAX;
        list->v[n++] = r;
    }
    if (known || n > 20) {
        if (n)
            qsort(list->v, n, sizeof(*list->v), compare_ranked);
    } else {
        for (size_t i = 1; i < n; i++)
            for (size_t j = i; j; j--) {
                struct ranked a = list->v[j], b = list->v[j - 1];

                if (a.rank != SIZE_MAX && b.rank != SIZE_MAX && a.rank >= b.rank)
                    break;
                list->v[j] = b;
                list->v[j - 1] = a;
            }
    }
    for (size_t i = 0; i < deleted.n; i++)
        list->v[n++] = deleted.v[i];
    dyn_release(&deleted);
}

/* Weaves the two lists: one of `server` goes first only where the live order has it before. */
static json_t *weave(const ranked_t *server, const ranked_t *patch, const struct places *live)
{
    json_t *all = json_array();
    size_t i = 0, j = 0;

    while (i < server->n || j < patch->n) {
        size_t li = i < server->n ? place_of(live, server->v[i].v) : SIZE_MAX;
        size_t ri = j < patch->n ? place_of(live, patch->v[j].v) : SIZE_MAX;
        bool first = j >= patch->n || (i < server->n && li != SIZE_MAX && ri != SIZE_MAX && li < ri);

        json_array_append(all, first ? server->v[i++].v : patch->v[j++].v);
    }
    return all;
}

/* Those of `merged` that `wanted` names, in its order, woven into the others, in theirs. `key` NULL:
 * scalars. `are_maps` is what the elements of the lists were found to be. */
static int order_list(const json_t *merged, const json_t *wanted, const json_t *live, const char *key,
                      bool are_maps, json_t **ret, struct apierr *err)
{
    cleanup_places struct places in_wanted = places_of(wanted, key), in_live = places_of(live, key);
    ranked_t patch = { 0 }, server = { 0 };
    json_t *v;
    size_t i, place = SIZE_MAX;
    int r = 0;

    json_array_foreach(merged, i, v) {
        if (key && !json_is_object(v))
            r = fail_type(err, "map[string]interface {}", v);
        else if (key && !json_object_get(v, key))
            r = fail_key(err, v, key);
        else
            r = search(&in_wanted, v, &place, err);
        if (r < 0)
            break;
        *dyn_push(place == SIZE_MAX ? &server : &patch) = (struct ranked){ .v = v };
    }
    if (r == 0 && are_maps && key)
        r = check_keys(wanted, key, err);
    if (r == 0 && are_maps && key)
        r = check_keys(live, key, err);
    if (r == 0) {
        sort_ranked(&patch, &in_wanted);
        sort_ranked(&server, &in_live);
        *ret = weave(&server, &patch, &in_live);
    }
    dyn_release(&patch);
    dyn_release(&server);
    return r;
}

/* ---- lists ------------------------------------------------------------------------------------ */

static int merge_map(json_t **slot, json_t *patch, const struct schema *s, int depth, struct apierr *err);

/* The type of all elements of both lists; they must agree. */
static int element_type(const json_t *a, const json_t *b, const json_t **ret, struct apierr *err)
{
    const json_t *lists[] = { a, b }, *first = NULL, *v;
    size_t i;

    for (size_t k = 0; k < 2; k++)
        json_array_foreach(lists[k], i, v) {
            if (!first && json_is_array(v))
                return patch_rejected(err);      /* lists of lists */
            if (first && !same_type(first, v))
                return fail(err, "list element types are not identical: [%s %s]",
                            value_text(err, a), value_text(err, b));
            first = v;
        }
    if (!first)
        return fail(err, "no elements in any of the given slices");
    *ret = first;
    return 0;
}

/* Each value once, in the order of its first place. */
static json_t *distinct(const json_t *a, const json_t *b)
{
    cleanup_places struct places seen = places_of(NULL, NULL);
    const json_t *lists[] = { a, b };
    json_t *all = json_array(), *v;
    size_t i;

    for (size_t k = 0; k < 2; k++)
        json_array_foreach(lists[k], i, v)
            if (place_of(&seen, v) == SIZE_MAX) {
                places_add(&seen, v, i);
                json_array_append(all, v);
            }
    return all;
}

static json_t *without(const json_t *list, const json_t *unwanted)
{
    cleanup_places struct places gone = places_of(unwanted, NULL);
    json_t *rest = json_array(), *v;
    size_t i;

    json_array_foreach(list, i, v)
        if (place_of(&gone, v) == SIZE_MAX)
            json_array_append(rest, v);
    return rest;
}

/* Splits a patch list into plain elements and deletions; `*replace` when it says so. */
static int split_directives(const json_t *patch, const char *key, json_t *plain, json_t *deleted,
                            bool *replace, struct apierr *err)
{
    json_t *v, *directive;
    const char *text;
    size_t i;

    json_array_foreach(patch, i, v) {
        directive = json_object_get(v, DIRECTIVE);
        text = json_string_value(directive);
        if (!directive)
            json_array_append(plain, v);
        else if (text && streq(text, "delete") && !json_object_get(v, key))
            return fail_key(err, v, key);
        else if (text && streq(text, "delete"))
            json_array_append(deleted, v);
        else if (text && streq(text, "replace"))
            *replace = true;
        else if (text && streq(text, "merge"))
            return fail(err, "merging lists cannot yet be specified in the patch");
        else
            return fail_directive(err, directive, v);
    }
    return 0;
}

static json_t *without_deleted(const json_t *list, const json_t *deleted, const char *key)
{
    cleanup_places struct places gone = places_of(deleted, key);
    json_t *rest = json_array(), *v;
    size_t i;

    json_array_foreach(list, i, v)
        if (place_of(&gone, v) == SIZE_MAX)
            json_array_append(rest, v);
    return rest;
}

/* Merges each patch element into the one of its key, or appends it. `list` is ours. */
static int merge_elements(json_t *list, const json_t *patch, const char *key, const struct schema *items,
                          int depth, struct apierr *err)
{
    cleanup_places struct places places = places_of(list, key);
    json_t *v;
    size_t i, place;

    json_array_foreach(patch, i, v) {
        json_t *element;
        int r;

        if (!json_object_get(v, key))
            return fail_key(err, v, key);
        r = search(&places, v, &place, err);
        if (r < 0)
            return r;
        if (place == SIZE_MAX) {
            places_add(&places, v, json_array_size(list));
            json_array_append(list, v);
            continue;
        }
        element = json_incref(json_array_get(list, place));
        r = merge_map(&element, v, items, depth + 1, err);
        json_array_set_new(list, place, element);
        if (r < 0)
            return r;
    }
    return 0;
}

static int merge_maps_list(const json_t *original, const json_t *patch, const struct schema *items,
                           const char *key, int depth, json_t **ret, struct apierr *err)
{
    json_auto_t *plain = json_array(), *deleted = json_array(), *live = NULL, *merged = NULL,
                *empty = json_array();
    bool replace = false;
    int r = split_directives(patch, key, plain, deleted, &replace, err);

    if (r < 0)
        return r;
    live = replace ? json_incref(plain) : without_deleted(original, deleted, key);
    merged = json_copy(live);
    if (!replace)
        r = merge_elements(merged, plain, key, items, depth, err);
    if (r < 0)
        return r;
    return order_list(merged, replace ? empty : plain, live, key, true, ret, err);
}

static int merge_scalars_list(const json_t *original, const json_t *patch, bool delete_list,
                              json_t **ret, struct apierr *err)
{
    json_auto_t *merged = NULL;

    if (delete_list) {
        *ret = without(original, patch);
        return 0;
    }
    merged = distinct(original, patch);
    return order_list(merged, patch, original, NULL, false, ret, err);
}

static int merge_list(const json_t *original, const json_t *patch, const struct schema_field *f,
                      bool delete_list, int depth, json_t **ret, struct apierr *err)
{
    const json_t *type;
    int r;

    if (!(f->patch_strategy & PATCH_STRATEGY_MERGE)) {
        *ret = json_incref((json_t *)patch);
        return 0;
    }
    if (!json_array_size(original) && !json_array_size(patch)) {
        *ret = json_incref((json_t *)original);
        return 0;
    }
    r = element_type(original, patch, &type, err);
    if (r < 0)
        return r;
    if (!json_is_object(type))
        return merge_scalars_list(original, patch, delete_list, ret, err);
    if (str_empty(f->patch_merge_key))
        return fail(err, "cannot merge lists without merge key for struct");
    return merge_maps_list(original, patch, f->schema ? f->schema->items : NULL, f->patch_merge_key, depth,
                           ret, err);
}

/* ---- taking what is new ----------------------------------------------------------------------- */

struct level {
    const json_t *from;
    json_t *to;
    void *iter;
    size_t i;
};

typedef DYN(struct level) levels_t;

/* A map that carries $patch cannot stand for itself. */
static bool is_directive(const json_t *v)
{
    const json_t *directive = json_object_get(v, DIRECTIVE);

    return directive && !json_is_null(directive);
}

static json_t *empty_like(const json_t *v)
{
    return json_is_object(v) ? json_object() : json_is_array(v) ? json_array()
                                                                : json_incref((json_t *)v);
}

static void push_level(levels_t *stack, const json_t *from, json_t *to)
{
    *dyn_push(stack) = (struct level){
        from, to, json_is_object(from) ? json_object_iter((json_t *)from) : NULL, 0
    };
}

/* The next child into the copy, unless it is left out; false at the end. */
static bool take_next(levels_t *stack)
{
    struct level *top = &stack->v[stack->n - 1];
    bool in_object = json_is_object(top->from);
    const json_t *child = in_object ? json_object_iter_value(top->iter)
                                    : json_array_get(top->from, top->i++);
    json_t *copy;

    if (!child)
        return false;
    copy = is_directive(child) || (in_object && json_is_null(child)) ? NULL : empty_like(child);
    if (copy && in_object)
        json_object_add_new(top->to, json_object_iter_key(top->iter),
                            json_object_iter_key_len(top->iter), copy);
    else if (copy)
        json_array_append_new(top->to, copy);
    if (in_object)
        top->iter = json_object_iter_next((json_t *)top->from, top->iter);
    if (copy && (json_is_object(child) || json_is_array(child)))
        push_level(stack, child, copy);
    return true;
}

/* A value that had no counterpart: without null members and directives. NULL: it was a directive. */
static json_t *taken(const json_t *v)
{
    levels_t stack = { 0 };
    json_t *root;

    if (is_directive(v))
        return NULL;
    root = empty_like(v);
    if (json_is_object(v) || json_is_array(v))
        push_level(&stack, v, root);
    while (stack.n)
        if (!take_next(&stack))
            stack.n--;
    dyn_release(&stack);
    return root;
}

/* ---- maps ------------------------------------------------------------------------------------- */

static int map_directive(json_t **slot, json_t *patch, const json_t *directive, struct apierr *err)
{
    const char *text = json_string_value(directive);

    if (!text || (!streq(text, "replace") && !streq(text, "delete")))
        return fail_directive(err, directive, patch);
    json_decref(*slot);
    if (streq(text, "delete")) {
        *slot = json_object();
        return 0;
    }
    json_object_del(patch, DIRECTIVE);
    *slot = json_incref(patch);
    return 0;
}

static int retain_keys(json_t *original, json_t *patch, struct apierr *err)
{
    json_auto_t *keys = json_incref(json_object_get(patch, RETAIN_KEYS));
    cleanup_places struct places kept = places_of(keys, NULL);
    json_t *value;
    const char *key;
    void *next;

    if (!keys)
        return 0;
    json_object_del(patch, RETAIN_KEYS);
    if (!json_is_array(keys))
        return fail_format(err, "retainKeys");
    json_object_foreach(patch, key, value) {
        json_auto_t *name = json_string_nocheck(key);

        if (!json_is_null(value) && !str_starts(key, DELETE_FROM) && !str_starts(key, SET_ORDER) &&
            place_of(&kept, name) == SIZE_MAX)
            return fail_format(err, "retainKeys");
    }
    json_object_foreach_safe(original, next, key, value) {
        json_auto_t *name = json_string_nocheck(key);

        if (place_of(&kept, name) == SIZE_MAX)
            json_object_del(original, key);
    }
    return 0;
}

/* The field's name after "prefix/". */
static int directive_field(const char *key, const char *prefix, const char *what, const char **ret,
                           struct apierr *err)
{
    const char *slash = strchr(key, '/');

    if (!slash || (size_t)(slash - key) != strlen(prefix))
        return fail_format(err, what);
    *ret = slash + 1;
    return 0;
}

/* The patch list must name nothing, and in no other order, but what the wanted order has. */
static int check_order(const json_t *patch, const json_t *wanted, const char *key, struct apierr *err)
{
    size_t i = 0, j = 0, n = json_array_size(patch), m = json_array_size(wanted);

    if (!n || !m)
        return 0;
    for (; i < n; i++) {
        const json_t *v = json_array_get(patch, i), *other, *a, *b;

        if (key && !json_is_object(v))
            return fail_type(err, "map[string]interface {}", v);
        if (json_object_get(v, DIRECTIVE))
            continue;
        for (;; j++) {
            other = json_array_get(wanted, j);
            if (!other)
                return fail(err, "The order in patch list:\n%s\n doesn't match %s list:\n%s\n",
                            value_text(err, patch), SET_ORDER, value_text(err, wanted));
            if (key && !json_is_object(other))
                return fail_type(err, "map[string]interface {}", other);
            a = key ? json_object_get(v, key) : v;
            b = key ? json_object_get(other, key) : other;
            if (!a || !b)
                return fail_key(err, a ? other : v, key);
            if (json_same(a, b))
                break;
        }
        j++;
    }
    return 0;
}

static int set_order_list(json_t *original, json_t *patch, const char *name, const json_t *wanted,
                          const struct schema_field *f, int depth, struct apierr *err)
{
    json_t *live = json_object_get(original, name), *list = json_object_get(patch, name);
    const char *key = str_empty(f->patch_merge_key) ? NULL : f->patch_merge_key;
    json_auto_t *merged = NULL, *ordered = NULL;
    const json_t *type;
    int r;

    if (live && !json_is_array(live))
        return fail_type(err, "[]interface {}", live);
    if (list && !json_is_array(list))
        return fail_type(err, "[]interface {}", list);
    r = check_order(list, wanted, key, err);
    if (r < 0 || (!live && !list))
        return r;
    if (live && list)
        r = merge_list(live, list, f, false, depth, &merged, err);
    else
        merged = live ? json_incref(live) : taken(list);
    if (r == 0)
        r = element_type(live, list, &type, err);
    if (r == 0)
        r = order_list(merged, wanted, live, key, json_is_object(type), &ordered, err);
    if (r < 0)
        return r;
    json_object_set_new_nocheck(original, name, STEAL(ordered));
    json_object_del(patch, name);
    return 0;
}

/* The keys of a map that is about to change; free with free(). */
static char **keys_of(const json_t *map, size_t *n)
{
    char **keys = xmalloc((json_object_size(map) + 1) * sizeof(*keys));
    const char *key;
    json_t *value;

    *n = 0;
    json_object_foreach((json_t *)map, key, value)
        keys[(*n)++] = xstrdup(key);
    return keys;
}

static void keys_free(char **keys, size_t n)
{
    while (n)
        free(keys[--n]);
    free(keys);
}

static int set_one_order(json_t *original, json_t *patch, const char *key, const struct schema *s,
                         int depth, struct apierr *err)
{
    json_auto_t *wanted = json_incref(json_object_get(patch, key));
    const struct schema_field *f;
    const char *name = NULL;
    int r;

    json_object_del(patch, key);
    if (!json_is_array(wanted))
        return fail_type(err, "[]interface {}", wanted);
    r = directive_field(key, SET_ORDER, "setElementOrder list", &name, err);
    if (r == 0)
        r = find_field(s, name, &f, err);
    return r < 0 ? r : set_order_list(original, patch, name, wanted, f, depth, err);
}

/* Puts a value that has no counterpart to merge with. */
static void take(json_t *original, json_t *patch, const char *key, json_t *value)
{
    json_t *copy = taken(value);

    if (copy) {
        json_object_set_new_nocheck(original, key, copy);
        json_object_set_nocheck(patch, key, copy);
    } else {
        json_object_del(original, key);
    }
}

static int merge_member(json_t *original, json_t *patch, const char *patch_key, const struct schema *s,
                        int depth, struct apierr *err)
{
    json_t *value = json_object_get(patch, patch_key), *old, *merged = NULL;
    bool delete_list = str_starts(patch_key, DELETE_FROM);
    const struct schema_field *f;
    const char *key = patch_key;
    int r = delete_list ? directive_field(patch_key, DELETE_FROM, "primitive list", &key, err) : 0;

    if (r < 0)
        return r;
    old = json_object_get(original, key);
    if (json_is_null(value)) {
        json_object_del(original, key);
        return 0;
    }
    if (!old || !same_type(old, value) || (!json_is_object(old) && !json_is_array(old))) {
        if (!delete_list || (old && same_type(old, value)))
            take(original, patch, key, value);
        return 0;
    }
    r = find_field(s, key, &f, err);
    if (r < 0)
        return r;
    if (json_is_array(old)) {
        r = merge_list(old, value, f, delete_list, depth, &merged, err);
    } else if (f->patch_strategy & PATCH_STRATEGY_REPLACE) {
        merged = json_incref(value);
    } else {
        merged = json_incref(old);
        r = merge_map(&merged, value, f->schema, depth + 1, err);
    }
    if (r == 0)
        json_object_set_new_nocheck(original, key, merged);
    else
        json_decref(merged);
    return r;
}

/* Merges `patch` into the map in `slot`; takes the directives out of `patch`. */
static int merge_map(json_t **slot, json_t *patch, const struct schema *s, int depth, struct apierr *err)
{
    const json_t *directive = json_object_get(patch, DIRECTIVE);
    char **keys;
    size_t n;
    int r;

    if (depth > DEPTH_MAX)
        return patch_rejected(err);
    if (directive)
        return map_directive(slot, patch, directive, err);
    json_own(slot);
    r = retain_keys(*slot, patch, err);
    if (r < 0)
        return r;
    keys = keys_of(patch, &n);
    for (size_t i = 0; i < n && r == 0; i++)
        if (str_starts(keys[i], SET_ORDER))
            r = set_one_order(*slot, patch, keys[i], s, depth, err);
    for (size_t i = 0; i < n && r == 0; i++)
        if (json_object_get(patch, keys[i]))
            r = merge_member(*slot, patch, keys[i], s, depth, err);
    keys_free(keys, n);
    return r;
}

/* ---- from bytes ------------------------------------------------------------------------------- */

static int merge_root(const json_t *doc, const struct schema *s, json_t *patch, json_t **ret,
                      struct apierr *err)
{
    json_t *root = json_incref((json_t *)doc);
    int r = merge_map(&root, patch, s, 0, err);

    if (r < 0)
        json_decref(root);
    else
        *ret = root;
    return r;
}

int strategic_patch_merge(const json_t *doc, const struct schema *s, const json_t *patch, json_t **ret,
                          struct apierr *err)
{
    json_auto_t *own = json_clone(patch);

    return merge_root(doc, s, own, ret, err);
}

static void keep_duplicates(struct arena *arena, struct patch_notes *notes)
{
    notes->n_strict = notes->json.n_duplicates;
    notes->strict = arena_alloc(arena, notes->n_strict * sizeof(*notes->strict) + 1);
    for (size_t i = 0; i < notes->n_strict; i++)
        notes->strict[i] = arena_printf(arena, "duplicate field \"%s\"", notes->json.duplicates[i]);
}

int strategic_patch_apply(struct arena *arena, const json_t *doc, const struct schema *s,
                          const char *text, size_t len, bool validate, struct patch_notes *ret_notes,
                          json_t **ret, json_t **ret_patch, struct apierr *err)
{
    struct patch_notes notes = { .json = JSON_NOTES_IN(arena) };
    struct err e = ERR_IN(arena);
    json_auto_t *patch = json_parse(text, len, 0, &notes.json, &e);

    if (!patch)
        return apierr_set(err, APIERR_BAD_REQUEST, "%s", err_message(&e));
    if (json_is_null(patch)) {                   /* decodes into no map: nothing to do */
        json_decref(patch);
        patch = json_object();
    }
    if (!json_is_object(patch))
        return apierr_set(err, APIERR_BAD_REQUEST,
                          "json: cannot unmarshal %s into Go value of type map[string]interface {}",
                          go_json_type(patch));
    if (notes.json.overflow)
        return apierr_set(err, APIERR_BAD_REQUEST,
                          "json: cannot unmarshal number %s into Go value of type float64",
                          notes.json.overflow);
    if (validate)
        keep_duplicates(arena, &notes);
    if (ret_notes)
        *ret_notes = notes;
    if (ret_patch)
        *ret_patch = json_incref(patch);
    return merge_root(doc, s, patch, ret, err);
}
