#include "kube/json.h"

#include <stdio.h>

#include "kube/json_priv.h"

/* ---- freeing and overwriting without recursion ------------------------------------------------ */

/* The linker sends every call of json_delete in our objects here (--wrap). Before a container goes, a
 * reference to each container in it is taken, so that libjansson's own delete never descends; those
 * children wait on a list for their turn. */
void __real_json_delete(json_t *v);
void __wrap_json_delete(json_t *v);
int __wrap_json_object_setn_new_nocheck(json_t *o, const char *key, size_t len, json_t *value);
int __wrap_json_object_set_new_nocheck(json_t *o, const char *key, json_t *value);
int __real_json_object_set_new(json_t *o, const char *key, json_t *value);
int __wrap_json_object_set_new(json_t *o, const char *key, json_t *value);
int __real_json_object_del(json_t *o, const char *key);
int __wrap_json_object_del(json_t *o, const char *key);
int __real_json_object_clear(json_t *o);
int __wrap_json_object_clear(json_t *o);
int __wrap_json_object_update(json_t *o, json_t *other);
int __real_json_array_set_new(json_t *a, size_t i, json_t *value);
int __wrap_json_array_set_new(json_t *a, size_t i, json_t *value);
int __real_json_array_remove(json_t *a, size_t i);
int __wrap_json_array_remove(json_t *a, size_t i);
int __real_json_array_clear(json_t *a);
int __wrap_json_array_clear(json_t *a);
json_t *__wrap_json_deep_copy(const json_t *v);
int __wrap_json_equal(const json_t *a, const json_t *b);

static bool is_container(const json_t *v)
{
    return json_is_object(v) || json_is_array(v);
}

enum { WAITING_INLINE = 64 };

struct waiting {
    json_t *small[WAITING_INLINE], **v;
    size_t n, cap;
};

static void waiting_push(struct waiting *w, json_t *v)
{
    if (w->n == w->cap) {
        json_t **grown = xmalloc(2 * w->cap * sizeof(*grown));

        memcpy(grown, w->v, w->n * sizeof(*grown));
        if (w->v != w->small)
            free(w->v);
        w->v = grown;
        w->cap *= 2;
    }
    w->v[w->n++] = v;
}

/* Takes a reference to every container directly in `v`. */
static void hold_children(struct waiting *w, json_t *v)
{
    if (json_is_array(v)) {
        for (size_t i = 0; i < json_array_size(v); i++)
            if (is_container(json_array_get(v, i)))
                waiting_push(w, json_incref(json_array_get(v, i)));
        return;
    }
    for (void *it = json_object_iter(v); it; it = json_object_iter_next(v, it))
        if (is_container(json_object_iter_value(it)))
            waiting_push(w, json_incref(json_object_iter_value(it)));
}

/* Drops the references held; what dies thereby hands its own children to the list first. */
static void waiting_drop(struct waiting *w)
{
    while (w->n) {
        json_t *v = w->v[--w->n];

        if (v->refcount == 1)
            hold_children(w, v);
        if (v->refcount == (size_t)-1 || JSON_INTERNAL_DECREF(v) > 0)
            continue;
        __real_json_delete(v);
    }
    if (w->v != w->small)
        free(w->v);
}

void __wrap_json_delete(json_t *v)
{
    struct waiting w = { .cap = WAITING_INLINE };

    w.v = w.small;
    if (is_container(v))
        hold_children(&w, v);
    __real_json_delete(v);
    waiting_drop(&w);
}

/* Each of these lets go of an old value: a reference held across the call makes our json_decref the
 * one that frees it. */
int __wrap_json_object_setn_new_nocheck(json_t *o, const char *key, size_t len, json_t *value)
{
    json_t *old = json_object_getn(o, key, len);
    json_t *held = is_container(old) ? json_incref(old) : NULL;
    int r = __real_json_object_setn_new_nocheck(o, key, len, value);

    json_decref(held);
    return r;
}

int __wrap_json_object_set_new_nocheck(json_t *o, const char *key, json_t *value)
{
    return __wrap_json_object_setn_new_nocheck(o, key, strlen(key), value);
}

int __wrap_json_object_set_new(json_t *o, const char *key, json_t *value)
{
    json_t *old = key ? json_object_get(o, key) : NULL;
    json_t *held = is_container(old) ? json_incref(old) : NULL;
    int r = __real_json_object_set_new(o, key, value);

    json_decref(held);
    return r;
}

int __wrap_json_object_del(json_t *o, const char *key)
{
    json_t *old = key ? json_object_get(o, key) : NULL;
    json_t *held = is_container(old) ? json_incref(old) : NULL;
    int r = __real_json_object_del(o, key);

    json_decref(held);
    return r;
}

int __wrap_json_object_clear(json_t *o)
{
    struct waiting w = { .cap = WAITING_INLINE };
    int r;

    w.v = w.small;
    if (json_is_object(o))
        hold_children(&w, o);
    r = __real_json_object_clear(o);
    waiting_drop(&w);
    return r;
}

int __wrap_json_object_update(json_t *o, json_t *other)
{
    if (!json_is_object(o) || !json_is_object(other))
        return -1;
    if (o == other)
        return 0;
    for (void *it = json_object_iter(other); it; it = json_object_iter_next(other, it))
        json_object_setn_new_nocheck(o, json_object_iter_key(it), json_object_iter_key_len(it),
                                     json_incref(json_object_iter_value(it)));
    return 0;
}

int __wrap_json_array_set_new(json_t *a, size_t i, json_t *value)
{
    json_t *old = json_array_get(a, i);
    json_t *held = is_container(old) ? json_incref(old) : NULL;
    int r = __real_json_array_set_new(a, i, value);

    json_decref(held);
    return r;
}

int __wrap_json_array_remove(json_t *a, size_t i)
{
    json_t *old = json_array_get(a, i);
    json_t *held = is_container(old) ? json_incref(old) : NULL;
    int r = __real_json_array_remove(a, i);

    json_decref(held);
    return r;
}

int __wrap_json_array_clear(json_t *a)
{
    struct waiting w = { .cap = WAITING_INLINE };
    int r;

    w.v = w.small;
    if (json_is_array(a))
        hold_children(&w, a);
    r = __real_json_array_clear(a);
    waiting_drop(&w);
    return r;
}

/* ---- walking ---------------------------------------------------------------------------------- */

/* A place in a container: the members or elements not yet visited. */
struct walk {
    const json_t *v;
    void *iter;
    size_t i;
};

static struct walk walk_begin(const json_t *v)
{
    return (struct walk){ v, json_is_object(v) ? json_object_iter((json_t *)v) : NULL, 0 };
}

/* The next child or NULL; its key in `*key` (NULL in an array). */
static json_t *walk_next(struct walk *w, const char **key, size_t *len)
{
    json_t *child;

    *key = NULL;
    *len = 0;
    if (json_is_array(w->v))
        return json_array_get(w->v, w->i++);
    if (!w->iter)
        return NULL;
    *key = json_object_iter_key(w->iter);
    *len = json_object_iter_key_len(w->iter);
    child = json_object_iter_value(w->iter);
    w->iter = json_object_iter_next((json_t *)w->v, w->iter);
    return child;
}

static json_t *copy_scalar(const json_t *v)
{
    switch (json_typeof(v)) {
    case JSON_STRING: return json_stringn_nocheck(json_string_value(v), json_string_length(v));
    case JSON_INTEGER: return json_integer(json_integer_value(v));
    case JSON_REAL: return json_real(json_real_value(v));
    default: return json_incref((json_t *)v);    /* true, false, null are constants */
    }
}

static json_t *copy_begin(const json_t *v)
{
    return json_is_object(v) ? json_object() : json_is_array(v) ? json_array() : copy_scalar(v);
}

json_t *json_clone(const json_t *v)
{
    struct level {
        struct walk walk;
        json_t *copy;
    };
    DYN(struct level) stack = { 0 };
    json_t *root = v ? copy_begin(v) : NULL;
    const char *key;
    size_t len;

    if (is_container(v))
        *dyn_push(&stack) = (struct level){ walk_begin(v), root };
    while (stack.n) {
        struct level *top = &stack.v[stack.n - 1];
        json_t *child = walk_next(&top->walk, &key, &len), *copy;

        if (!child) {
            stack.n--;
            continue;
        }
        copy = copy_begin(child);
        if (key)
            json_object_add_new(top->copy, key, len, copy);
        else
            json_array_append_new(top->copy, copy);
        if (is_container(child))
            *dyn_push(&stack) = (struct level){ walk_begin(child), copy };
    }
    dyn_release(&stack);
    return root;
}

json_t *__wrap_json_deep_copy(const json_t *v)
{
    return json_clone(v);
}

/* Equal without looking into containers, but for their sizes. */
static bool same_outside(const json_t *a, const json_t *b)
{
    if (a == b)
        return true;
    if (!a || !b || json_typeof(a) != json_typeof(b))
        return false;
    switch (json_typeof(a)) {
    case JSON_OBJECT: return json_object_size(a) == json_object_size(b);
    case JSON_ARRAY: return json_array_size(a) == json_array_size(b);
    case JSON_STRING:
        return json_string_length(a) == json_string_length(b) &&
               memcmp(json_string_value(a), json_string_value(b), json_string_length(a)) == 0;
    case JSON_INTEGER: return json_integer_value(a) == json_integer_value(b);
    case JSON_REAL: return json_real_value(a) == json_real_value(b);
    default: return true;
    }
}

bool json_same(const json_t *a, const json_t *b)
{
    struct level {
        struct walk walk;
        const json_t *other;
    };
    DYN(struct level) stack = { 0 };
    bool same = same_outside(a, b);
    const char *key;
    size_t len;

    if (same && a != b && is_container(a))
        *dyn_push(&stack) = (struct level){ walk_begin(a), b };
    while (same && stack.n) {
        struct level *top = &stack.v[stack.n - 1];
        const json_t *child = walk_next(&top->walk, &key, &len), *other;

        if (!child) {
            stack.n--;
            continue;
        }
        other = key ? json_object_getn(top->other, key, len)
                    : json_array_get(top->other, top->walk.i - 1);
        same = same_outside(child, other);
        if (same && child != other && is_container(child))
            *dyn_push(&stack) = (struct level){ walk_begin(child), other };
    }
    dyn_release(&stack);
    return same;
}

int __wrap_json_equal(const json_t *a, const json_t *b)
{
    return a && b && json_same(a, b);
}

static uint64_t mix(uint64_t h)
{
    h ^= h >> 33;
    h *= UINT64_C(0xff51afd7ed558ccd);
    h ^= h >> 33;
    h *= UINT64_C(0xc4ceb9fe1a85ec53);
    return h ^ h >> 33;
}

static uint64_t hash_scalar(uint64_t h, const json_t *v)
{
    json_int_t i;
    double d;

    h = mix(h + 1 + (uint64_t)(v ? json_typeof(v) : JSON_NULL));
    switch (v ? json_typeof(v) : JSON_NULL) {
    case JSON_STRING: return hash64(h, json_string_value(v), json_string_length(v));
    case JSON_INTEGER:
        i = json_integer_value(v);
        return hash64(h, &i, sizeof(i));
    case JSON_REAL:
        d = json_real_value(v) == 0 ? 0 : json_real_value(v);    /* -0 equals 0 */
        return hash64(h, &d, sizeof(d));
    default: return h;
    }
}

/* Members are summed, so that their order does not matter; elements are chained. */
uint64_t json_hash(uint64_t hash, const json_t *v)
{
    struct level {
        struct walk walk;
        uint64_t sum, key;
    };
    DYN(struct level) stack = { 0 };
    uint64_t h = hash_scalar(0, v);
    const char *key;
    size_t len;

    if (is_container(v))
        *dyn_push(&stack) = (struct level){ walk_begin(v), h, 0 };
    while (stack.n) {
        struct level *top = &stack.v[stack.n - 1];
        const json_t *child = walk_next(&top->walk, &key, &len);

        if (child) {
            uint64_t key_hash = key ? hash64(HASH64_INIT, key, len) : top->walk.i;

            h = hash_scalar(0, child);
            if (is_container(child)) {
                *dyn_push(&stack) = (struct level){ walk_begin(child), h, key_hash };
                continue;
            }
            top->sum += mix(key_hash ^ mix(h));
            continue;
        }
        h = mix(top->sum);
        len = top->key;
        if (--stack.n)
            stack.v[stack.n - 1].sum += mix(len ^ mix(h));
    }
    dyn_release(&stack);
    return mix(hash ^ h);
}

size_t json_depth(const json_t *v)
{
    DYN(struct walk) stack = { 0 };
    size_t depth = 0, len;
    const char *key;

    if (is_container(v))
        *dyn_push(&stack) = walk_begin(v);
    while (stack.n) {
        const json_t *child = walk_next(&stack.v[stack.n - 1], &key, &len);

        if (stack.n > depth)
            depth = stack.n;
        if (!child)
            stack.n--;
        else if (is_container(child))
            *dyn_push(&stack) = walk_begin(child);
    }
    dyn_release(&stack);
    return depth;
}

/* ---- paths ------------------------------------------------------------------------------------ */

/* The next step of a dotted path: a key of `*len` bytes (`*index` -1) or an index. Moves `*path` on;
 * false at the end. */
static bool path_step(const char **path, const char **key, size_t *len, long *index)
{
    const char *p = *path;

    if (*p == '.')
        p++;
    if (!*p)
        return false;
    *index = -1;
    if (*p == '[') {
        *index = strtol(p + 1, (char **)path, 10);
        if (**path == ']')
            (*path)++;
        return true;
    }
    *key = p;
    *len = strcspn(p, ".[");
    *path = p + *len;
    return true;
}

json_t *json_path(const json_t *v, const char *path)
{
    const char *key = NULL;
    size_t len = 0;
    long index;

    while (v && path_step(&path, &key, &len, &index))
        v = index >= 0 ? json_array_get(v, (size_t)index) : json_object_getn(v, key, len);
    return (json_t *)v;
}

/* Shallow, whatever it is; a new object where it is none. */
static json_t *copy_object(const json_t *v)
{
    return json_is_object(v) ? json_copy((json_t *)v) : json_object();
}

json_t *json_with(const json_t *v, const char *path, json_t *value)
{
    json_t *root = NULL, *at = NULL;
    const char *key = path, *next;
    size_t len, next_len;
    long index, next_index;

    if (!path_step(&path, &key, &len, &index))
        return value;
    root = at = index >= 0 ? json_copy((json_t *)v) : copy_object(v);
    while (path_step(&path, &next, &next_len, &next_index)) {
        const json_t *child = index >= 0 ? json_array_get(at, (size_t)index)
                                         : json_object_getn(at, key, len);
        json_t *copy = next_index >= 0 && json_is_array(child) ? json_copy((json_t *)child)
                                                               : copy_object(child);

        if (index >= 0)
            json_array_set_new(at, (size_t)index, copy);
        else
            json_object_setn_new_nocheck(at, key, len, copy);
        at = copy;
        key = next;
        len = next_len;
        index = next_index;
    }
    if (index >= 0)
        json_array_set_new(at, (size_t)index, value);
    else
        json_object_setn_new_nocheck(at, key, len, value);
    return root;
}

json_t *json_with_keys(const json_t *v, const char *const *keys, size_t n, json_t *value)
{
    json_t *root, *at;

    if (!n)
        return value;
    root = at = copy_object(v);
    for (size_t i = 0; i + 1 < n; i++) {
        json_t *copy = copy_object(json_object_get(at, keys[i]));

        json_object_set_new_nocheck(at, keys[i], copy);
        at = copy;
    }
    json_object_set_new_nocheck(at, keys[n - 1], value);
    return root;
}

json_t *json_without(const json_t *v, const char *path)
{
    const char *dot = strrchr(path, '.');
    cleanup_free char *parent = xstrndup(path, dot ? (size_t)(dot - path) : 0);
    const char *key = dot ? dot + 1 : path;
    const json_t *owner = dot ? json_path(v, parent) : v;
    json_t *copy;

    if (!json_object_get(owner, key))
        return json_incref((json_t *)v);
    copy = json_copy((json_t *)owner);
    json_object_del(copy, key);
    return dot ? json_with(v, parent, copy) : copy;
}

/* ---- copy on write ---------------------------------------------------------------------------- */

json_t *json_own(json_t **slot)
{
    json_t *old = *slot;

    if (is_container(old) && old->refcount > 1) {
        *slot = json_copy(old);
        json_decref(old);
    }
    return *slot;
}

json_t *json_own_member(json_t *owner, const char *key)
{
    json_t *child = json_object_get(owner, key);

    assert(owner->refcount == 1);                /* going down from a tree that is not ours */
    if (is_container(child) && child->refcount > 1) {
        child = json_copy(child);
        json_object_set_new_nocheck(owner, key, child);
    }
    return child;
}

json_t *json_own_object(json_t *owner, const char *key)
{
    json_t *child = json_own_member(owner, key);

    if (!json_is_object(child)) {
        child = json_object();
        json_object_set_new_nocheck(owner, key, child);
    }
    return child;
}

json_t *json_own_array(json_t *owner, const char *key)
{
    json_t *child = json_own_member(owner, key);

    if (!json_is_array(child)) {
        child = json_array();
        json_object_set_new_nocheck(owner, key, child);
    }
    return child;
}

json_t *json_own_element(json_t *owner, size_t index)
{
    json_t *child = json_array_get(owner, index);

    assert(owner->refcount == 1);
    if (is_container(child) && child->refcount > 1) {
        child = json_copy(child);
        json_array_set_new(owner, index, child);
    }
    return child;
}

/* ---- Go's %v ---------------------------------------------------------------------------------- */

static void write_go_real(struct buf *b, double d)
{
    char text[JSON_NUMBER_MAX];

    go_write_float(text, d, 64);
    buf_add_str(b, text);
}

static void write_go_scalar(struct buf *b, const json_t *v)
{
    switch (v ? json_typeof(v) : JSON_NULL) {
    case JSON_STRING: buf_add(b, json_string_value(v), json_string_length(v)); break;
    case JSON_INTEGER: buf_printf(b, "%" JSON_INTEGER_FORMAT, json_integer_value(v)); break;
    case JSON_REAL: write_go_real(b, json_real_value(v)); break;
    case JSON_TRUE: buf_add_str(b, "true"); break;
    case JSON_FALSE: buf_add_str(b, "false"); break;
    default: buf_add_str(b, "<nil>"); break;
    }
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

struct go_level {
    const json_t *v;
    const char **keys;                           /* sorted; objects only */
    size_t i, n;
};

static struct go_level go_open(struct buf *b, const json_t *v)
{
    struct go_level level = { .v = v, .n = json_is_object(v) ? json_object_size(v)
                                                             : json_array_size(v) };
    size_t i = 0;

    buf_add_str(b, json_is_object(v) ? "map[" : "[");
    if (!json_is_object(v) || !level.n)
        return level;
    level.keys = xmalloc(level.n * sizeof(*level.keys));
    for (void *it = json_object_iter((json_t *)v); it; it = json_object_iter_next((json_t *)v, it))
        level.keys[i++] = json_object_iter_key(it);
    qsort(level.keys, level.n, sizeof(*level.keys), compare_keys);
    return level;
}

/* As "%s" has it: what is no text shows its type. */
static void write_go_text(struct buf *b, const json_t *v)
{
    switch (v ? json_typeof(v) : JSON_NULL) {
    case JSON_STRING: write_go_scalar(b, v); return;
    case JSON_NULL: buf_add_str(b, "%!s(<nil>)"); return;
    case JSON_INTEGER: buf_add_str(b, "%!s(int64="); break;
    case JSON_REAL: buf_add_str(b, "%!s(float64="); break;
    default: buf_add_str(b, "%!s(bool="); break;
    }
    write_go_scalar(b, v);
    buf_add_char(b, ')');
}

static void write_go(struct buf *b, const json_t *v, void (*scalar)(struct buf *b, const json_t *v))
{
    DYN(struct go_level) stack = { 0 };

    for (;;) {
        if (is_container(v))
            *dyn_push(&stack) = go_open(b, v);
        else
            scalar(b, v);
        while (stack.n && stack.v[stack.n - 1].i == stack.v[stack.n - 1].n) {
            buf_add_char(b, ']');
            free(stack.v[--stack.n].keys);
        }
        if (!stack.n)
            break;

        struct go_level *top = &stack.v[stack.n - 1];

        if (top->i)
            buf_add_char(b, ' ');
        if (top->keys) {
            buf_printf(b, "%s:", top->keys[top->i]);
            v = json_object_get(top->v, top->keys[top->i++]);
        } else {
            v = json_array_get(top->v, top->i++);
        }
    }
    dyn_release(&stack);
}

void go_write_value(struct buf *b, const json_t *v)
{
    write_go(b, v, write_go_scalar);
}

void go_write_text(struct buf *b, const json_t *v)
{
    write_go(b, v, write_go_text);
}

const char *go_value(struct arena *a, const json_t *v)
{
    cleanup_buf struct buf b = BUF_INIT;

    go_write_value(&b, v);
    return arena_strndup(a, b.data ? b.data : "", b.len);
}
