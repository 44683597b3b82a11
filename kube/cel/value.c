#include "kube/cel/value.h"

#include <math.h>
#include <stdio.h>

#include "kube/cel/cel_priv.h"
#include "kube/json.h"
#include "kube/regex.h"
#include "world/deep.h"

/* ---- runs ------------------------------------------------------------------------------------- */

struct regex_entry {
    struct regex_entry *next;
    const char *pattern;
    size_t len;
    struct regex *regex;
};

struct arena *cel_arena(struct cel_run *run)
{
    return run->arena;
}

struct cel_run *cel_run_new(struct arena *a)
{
    struct cel_run *run = xcalloc(1, sizeof(*run));

    *run = (struct cel_run){ .arena = a, .work = WORK_MAX };
    return run;
}

void cel_run_release(struct cel_run *run)
{
    for (struct regex_entry *e = run->regexes; e; e = e->next)
        regex_free(e->regex);
    run->regexes = NULL;
}

struct cel_run *cel_run_free(struct cel_run *run)
{
    if (run) {
        cel_run_release(run);
        free(run);
    }
    return NULL;
}

const struct regex *cel_regex(struct cel_run *run, const char *pattern, size_t len, const char **ret_wrong)
{
    struct regex_entry *e;
    struct regex *regex;

    for (e = run->regexes; e; e = e->next)
        if (e->len == len && memcmp(e->pattern, pattern, len) == 0)
            return e->regex;
    regex = regex_new(run->arena, pattern, len, ret_wrong);
    if (!regex)
        return NULL;
    e = arena_alloc(run->arena, sizeof(*e));
    *e = (struct regex_entry){ run->regexes, pattern, len, regex };
    run->regexes = e;
    return regex;
}

struct cel_value cel_error(struct cel_run *run, const char *fmt, ...)
{
    va_list args;
    const char *text;

    va_start(args, fmt);
    text = arena_vprintf(run->arena, fmt, args);
    va_end(args);
    return (struct cel_value){ .kind = CEL_ERROR, .error = text };
}

struct cel_value cel_no_such_overload(struct cel_run *run)
{
    return (struct cel_value){ .kind = CEL_ERROR, .error = "no such overload" };
}

bool cel_work(struct cel_run *run, size_t steps)
{
    if (run->work <= steps) {
        run->work = 0;
        run->ended = true;
        return false;
    }
    run->work -= steps;
    return true;
}

struct cel_value cel_overrun(struct cel_run *run)
{
    run->ended = true;
    return (struct cel_value){ .kind = CEL_ERROR, .error = "operation cancelled: actual cost limit exceeded" };
}

/* A traversal of 64 levels fits every stack; from there on it goes on a deep one, to the depth of the deepest JSON. */
enum { DEPTH_DIRECT = 64, DEPTH_MAX = 12000 };

bool cel_run_deeper(struct cel_run *run, void (*fn)(void *), void *arg)
{
    if (run->depth >= DEPTH_MAX)
        return false;
    run->depth++;
    if (run->depth == DEPTH_DIRECT)
        deep_call((size_t)64 << 20, fn, arg);
    else
        fn(arg);
    run->depth--;
    return true;
}

/* ---- types and sizes -------------------------------------------------------------------------- */

const struct cel_type *cel_value_type(struct cel_value v)
{
    static const struct cel_type *const dyn[] = { &cel_type_dyn };
    static const struct cel_type optional = { .kind = CEL_TYPE_OPAQUE, .name = "optional_type", .n_params = 1,
                                              .params = dyn };

    switch (v.kind) {
    case CEL_ERROR: return &cel_type_error;
    case CEL_NULL: return &cel_type_null;
    case CEL_BOOL: return &cel_type_bool;
    case CEL_INT: return &cel_type_int;
    case CEL_UINT: return &cel_type_uint;
    case CEL_DOUBLE: return &cel_type_double;
    case CEL_STRING: return &cel_type_string;
    case CEL_BYTES: return &cel_type_bytes;
    case CEL_TIMESTAMP: return &cel_type_timestamp;
    case CEL_DURATION: return &cel_type_duration;
    case CEL_LIST: return &cel_type_list_dyn;
    case CEL_MAP: return &cel_type_map_dyn;
    case CEL_OBJECT: return cel_value_json_of(v) ? &cel_type_map_dyn : v.map->type;         /* data are maps */
    case CEL_TYPE: return &cel_type_type;
    case CEL_OPTIONAL: return &optional;
    case CEL_OPAQUE: return v.opaque->ops->type;
    }
    return &cel_type_error;
}

uint64_t cel_size(struct cel_value v)
{
    switch (v.kind) {
    case CEL_STRING: return rune_count(v.s, v.len);
    case CEL_BYTES: return v.len;
    case CEL_LIST: return v.list->n;
    case CEL_MAP:
    case CEL_OBJECT: return v.map->n;
    case CEL_OPTIONAL: return v.optional ? cel_size(*v.optional) : 1;
    case CEL_OPAQUE: return v.opaque->ops->size ? v.opaque->ops->size(v.opaque) : 1;
    default: return 1;
    }
}

bool cel_value_is_zero(struct cel_run *run, struct cel_value v)
{
    switch (v.kind) {
    case CEL_NULL: return true;
    case CEL_BOOL: return !v.b;
    case CEL_INT:
    case CEL_DURATION: return v.i == 0;
    case CEL_UINT: return v.u == 0;
    case CEL_DOUBLE: return v.d == 0;
    case CEL_STRING:
    case CEL_BYTES: return v.len == 0;
    case CEL_TIMESTAMP: return v.time.s == INT64_C(-62135596800) && !v.time.ns;
    case CEL_LIST: return v.list->n == 0;
    case CEL_MAP: return v.map->n == 0;
    default: return false;
    }
}

/* Elements and entries are not looked at: an overload is chosen by what a value is. */
bool cel_value_fits(struct cel_value v, const struct cel_type *t)
{
    switch (t->kind) {
    case CEL_TYPE_DYN:
    case CEL_TYPE_PARAM: return true;
    case CEL_TYPE_WRAPPER: return v.kind == CEL_NULL || cel_value_fits(v, t->params[0]);
    case CEL_TYPE_MAP: return v.kind == CEL_MAP || v.kind == CEL_OBJECT;
    case CEL_TYPE_OBJECT:
    case CEL_TYPE_OPAQUE: return streq(cel_type_name(cel_value_type(v)), t->name);
    default: return cel_value_type(v)->kind == t->kind;
    }
}

/* ---- order ------------------------------------------------------------------------------------ */

static int sign(bool less, bool greater)
{
    return less ? -1 : greater ? 1 : 0;
}

static int compare_double_int(double d, int64_t i)
{
    if (d < -0x1p63)
        return -1;
    if (d > 0x1p63)
        return 1;
    return sign(d < (double)i, d > (double)i);
}

static int compare_double_uint(double d, uint64_t u)
{
    if (d < 0)
        return -1;
    if (d > 0x1p64)
        return 1;
    return sign(d < (double)u, d > (double)u);
}

static int compare_int_uint(int64_t i, uint64_t u)
{
    if (i < 0 || u > INT64_MAX)
        return -1;
    return sign((uint64_t)i < u, (uint64_t)i > u);
}

static bool is_number(struct cel_value v)
{
    return v.kind == CEL_INT || v.kind == CEL_UINT || v.kind == CEL_DOUBLE;
}

static bool is_nan(struct cel_value v)
{
    return v.kind == CEL_DOUBLE && isnan(v.d);
}

static int compare_numbers(struct cel_value a, struct cel_value b)
{
    if (a.kind == b.kind)
        return a.kind == CEL_INT    ? sign(a.i < b.i, a.i > b.i)
               : a.kind == CEL_UINT ? sign(a.u < b.u, a.u > b.u)
                                    : sign(a.d < b.d, a.d > b.d);
    if (a.kind == CEL_DOUBLE)
        return b.kind == CEL_INT ? compare_double_int(a.d, b.i) : compare_double_uint(a.d, b.u);
    if (b.kind == CEL_DOUBLE)
        return -compare_numbers(b, a);
    return a.kind == CEL_INT ? compare_int_uint(a.i, b.u) : -compare_int_uint(b.i, a.u);
}

static int compare_bytes(struct cel_value a, struct cel_value b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int order = n ? memcmp(a.s, b.s, n) : 0;

    return order ? sign(order < 0, order > 0) : sign(a.len < b.len, a.len > b.len);
}

static int compare_times(struct cel_value a, struct cel_value b)
{
    if (a.time.s != b.time.s)
        return a.time.s < b.time.s ? -1 : 1;
    return sign(a.time.ns < b.time.ns, a.time.ns > b.time.ns);
}

bool cel_compare(struct cel_value a, struct cel_value b, int *ret)
{
    if (is_number(a) && is_number(b)) {
        if (is_nan(a) || is_nan(b))
            return false;
        *ret = compare_numbers(a, b);
        return true;
    }
    if (a.kind != b.kind)
        return false;
    switch (a.kind) {
    case CEL_BOOL: *ret = (int)a.b - (int)b.b; return true;
    case CEL_STRING:
    case CEL_BYTES: *ret = compare_bytes(a, b); return true;
    case CEL_TIMESTAMP: *ret = compare_times(a, b); return true;
    case CEL_DURATION: *ret = sign(a.i < b.i, a.i > b.i); return true;
    default: return false;
    }
}

/* ---- equality --------------------------------------------------------------------------------- */

static bool is_map(struct cel_value v)
{
    return v.kind == CEL_MAP || v.kind == CEL_OBJECT;
}

/* It is compared with its like only, and says so. */
static bool is_strict(struct cel_value v)
{
    return is_map(v) ? v.map->ops->strict : v.kind == CEL_LIST && v.list->ops->strict;
}

static bool is_false(struct cel_value v)
{
    return v.kind == CEL_BOOL && !v.b;
}

static struct cel_value equal_lists(struct cel_run *run, const struct cel_list *a, const struct cel_list *b)
{
    if (a->ops->equal)
        return a->ops->equal(run, a, b);
    if (a->n != b->n)
        return cel_bool(false);
    for (size_t i = 0; i < a->n; i++) {
        struct cel_value eq = cel_equal(run, cel_list_get(run, a, i), cel_list_get(run, b, i));
        if (is_false(eq) || run->ended)
            return eq;
    }
    return cel_bool(true);
}

static struct cel_value equal_maps(struct cel_run *run, const struct cel_map *a, const struct cel_map *b)
{
    struct cel_value key, value, other;
    void *pos = NULL;

    if (a->ops->equal)
        return a->ops->equal(run, a, b);
    if (a->n != b->n)
        return cel_bool(false);
    while (cel_map_next(run, a, &pos, &key, &value)) {
        struct cel_value eq;
        if (!cel_map_find(run, b, key, &other))
            return cel_bool(false);
        eq = cel_equal(run, value, other);
        if (is_false(eq) || run->ended)
            return eq;
    }
    return cel_bool(true);
}

static struct cel_value equal_opaque(struct cel_run *run, const struct cel_opaque *a, const struct cel_opaque *b)
{
    if (a->ops != b->ops || !a->ops->equal)
        return cel_bool(a == b);
    return a->ops->equal(run, a, b);
}

struct pair {
    struct cel_run *run;
    struct cel_value a, b, result;
};

/* Of the same kind, and made of others. */
static void equal_inside(void *arg)
{
    struct pair *p = arg;

    switch (p->a.kind) {
    case CEL_LIST: p->result = equal_lists(p->run, p->a.list, p->b.list); break;
    case CEL_MAP:
    case CEL_OBJECT: p->result = equal_maps(p->run, p->a.map, p->b.map); break;
    case CEL_OPTIONAL: p->result = cel_equal(p->run, *p->a.optional, *p->b.optional); break;
    default: p->result = equal_opaque(p->run, p->a.opaque, p->b.opaque);
    }
}

struct cel_value cel_equal(struct cel_run *run, struct cel_value a, struct cel_value b)
{
    struct pair p = { run, a, b, cel_bool(false) };
    int order;

    if (!cel_work(run, 1 + (a.kind == CEL_STRING ? a.len / 64 : 0)))
        return cel_overrun(run);
    if (cel_is_error(a))
        return a;
    if (cel_compare(a, b, &order))
        return cel_bool(order == 0);
    if (is_map(a) && is_map(b))
        return cel_run_deeper(run, equal_inside, &p) ? p.result : cel_overrun(run);
    if (a.kind != b.kind)
        return b.kind != CEL_NULL && is_strict(a) ? cel_no_such_overload(run) : cel_bool(false);
    switch (a.kind) {
    case CEL_NULL: return cel_bool(true);
    case CEL_TYPE: return cel_bool(streq(cel_type_name(a.type), cel_type_name(b.type)));
    case CEL_OPTIONAL:
        if (!a.optional || !b.optional)
            return cel_bool(!a.optional && !b.optional);
        break;
    case CEL_LIST:
    case CEL_OPAQUE:
        break;
    default: return cel_bool(false);              /* NaN */
    }
    return cel_run_deeper(run, equal_inside, &p) ? p.result : cel_overrun(run);
}

/* ---- lists ------------------------------------------------------------------------------------ */

/* Elements that several lists see a beginning of: who sees them all may add behind, where they live as long as it
 * (those of a constant outlive every evaluation). */
struct elements {
    struct cel_value *v;
    size_t n, cap;
    struct arena *arena;
};

struct array_list {
    struct cel_list base;
    struct elements *elements;
};

/* Two lists, one after the other, when copying would cost too much. */
struct joined_list {
    struct cel_list base;
    const struct cel_list *left, *right;
};

static struct cel_value array_get(struct cel_run *run, const struct cel_list *l, size_t i)
{
    return ((const struct array_list *)l)->elements->v[i];
}

static struct cel_value joined_get(struct cel_run *run, const struct cel_list *l, size_t i);

static const struct cel_list_ops array_ops = { .get = array_get }, joined_ops = { .get = joined_get };

static struct cel_value joined_get(struct cel_run *run, const struct cel_list *l, size_t i)
{
    while (l->ops == &joined_ops) {
        const struct joined_list *j = (const struct joined_list *)l;
        if (!cel_work(run, 1))
            return cel_overrun(run);
        if (i < j->left->n) {
            l = j->left;
        } else {
            i -= j->left->n;
            l = j->right;
        }
    }
    return l->ops->get(run, l, i);
}

static struct cel_value array_value(struct arena *a, struct elements *elements, size_t n)
{
    struct array_list *l = arena_alloc(a, sizeof(*l));

    *l = (struct array_list){ { &array_ops, n }, elements };
    return (struct cel_value){ .kind = CEL_LIST, .list = &l->base };
}

struct cel_value cel_list_of(struct arena *a, const struct cel_value *v, size_t n)
{
    struct elements *e = arena_alloc(a, sizeof(*e));

    *e = (struct elements){ .n = n, .cap = n, .arena = a };
    if (n)
        e->v = arena_memdup(a, v, n * sizeof(*v));
    return array_value(a, e, n);
}

static void add_elements(struct cel_run *run, struct elements *e, const struct cel_list *from)
{
    for (size_t i = 0; i < from->n; i++) {
        struct cel_value v = cel_list_get(run, from, i);
        *arena_push(run->arena, e) = v;
    }
}

static bool can_grow(const struct cel_run *run, const struct cel_list *l)
{
    const struct elements *e = l->ops == &array_ops ? ((const struct array_list *)l)->elements : NULL;

    return e && e->n == l->n && e->arena == run->arena;
}

static struct cel_value joined(struct cel_run *run, const struct cel_list *left, const struct cel_list *right)
{
    struct joined_list *j = arena_alloc(run->arena, sizeof(*j));

    if (left->n > SIZE_MAX - right->n)
        return cel_overrun(run);
    *j = (struct joined_list){ { &joined_ops, left->n + right->n }, left, right };
    return (struct cel_value){ .kind = CEL_LIST, .list = &j->base };
}

/* Loops add one element at a time: that is cheap. Long lists are not copied: x + x + x may be long. */
enum { COPY_MAX = 64 };

struct cel_value cel_list_concat(struct cel_run *run, const struct cel_list *a, const struct cel_list *b)
{
    struct elements *e;

    if (a->ops->add)
        return a->ops->add(run, a, b);
    if (!b->n)
        return (struct cel_value){ .kind = CEL_LIST, .list = a };
    if (!a->n)
        return (struct cel_value){ .kind = CEL_LIST, .list = b };
    if (b->n > COPY_MAX)
        return joined(run, a, b);
    if (can_grow(run, a)) {
        e = ((const struct array_list *)a)->elements;
        add_elements(run, e, b);
        return array_value(run->arena, e, e->n);
    }
    if (a->n <= COPY_MAX) {
        e = arena_alloc(run->arena, sizeof(*e));
        e->arena = run->arena;
        add_elements(run, e, a);
        add_elements(run, e, b);
        return array_value(run->arena, e, e->n);
    }
    if (a->ops == &joined_ops) {
        const struct joined_list *j = (const struct joined_list *)a;
        if (can_grow(run, j->right)) {
            struct cel_value right = cel_list_concat(run, j->right, b);
            return joined(run, j->left, right.list);
        }
    }
    return joined(run, a, b);
}

/* ---- maps ------------------------------------------------------------------------------------- */

/* Entries that several maps see a beginning of, like elements; keys and values in turn. */
struct entries {
    struct cel_value *v;
    struct arena *arena;
    size_t n, cap;                               /* of values: twice the entries */
    uint32_t *slots;                             /* entry + 1, by hash of the key; 0: free. Made for 8 and more */
    size_t n_slots;
};

struct array_map {
    struct cel_map base;
    struct entries *entries;
};

static uint64_t key_hash(struct cel_value k)
{
    switch (k.kind) {
    case CEL_STRING:
    case CEL_BYTES: return hash64(HASH64_INIT, k.s, k.len);
    case CEL_BOOL: return k.b;
    case CEL_INT: return (uint64_t)k.i * UINT64_C(0x9e3779b97f4a7c15);
    case CEL_UINT: return k.u * UINT64_C(0x9e3779b97f4a7c15);
    case CEL_DOUBLE:                              /* whole ones as the integers they equal */
        if (k.d >= -0x1p63 && k.d < 0x1p63 && k.d == floor(k.d))
            return (uint64_t)(int64_t)k.d * UINT64_C(0x9e3779b97f4a7c15);
        if (k.d >= 0x1p63 && k.d < 0x1p64)
            return (uint64_t)k.d * UINT64_C(0x9e3779b97f4a7c15);
        return 1;
    default: return 2;
    }
}

static bool same_key(struct cel_value a, struct cel_value b)
{
    int order;

    return cel_compare(a, b, &order) ? order == 0 : a.kind == CEL_NULL && b.kind == CEL_NULL;
}

static size_t find_slot(const struct entries *e, struct cel_value key)
{
    size_t i = (size_t)(key_hash(key) >> 17) & (e->n_slots - 1);

    while (e->slots[i] && !same_key(e->v[2 * (e->slots[i] - 1)], key))
        i = (i + 1) & (e->n_slots - 1);
    return i;
}

static void hash_entries(struct arena *a, struct entries *e)
{
    size_t n = e->n / 2;

    if (n < 8 || n * 2 <= e->n_slots)
        return;
    for (e->n_slots = 32; e->n_slots < n * 4;)
        e->n_slots *= 2;
    e->slots = arena_alloc(a, e->n_slots * sizeof(*e->slots));
    for (size_t i = 0; i < n; i++) {
        size_t slot = find_slot(e, e->v[2 * i]);
        if (!e->slots[slot])                      /* of equal keys the first is found */
            e->slots[slot] = (uint32_t)i + 1;
    }
}

/* The entry of a key among the first n, or n. */
static size_t find_entry(const struct entries *e, size_t n, struct cel_value key)
{
    if (e->n_slots) {
        uint32_t found = e->slots[find_slot(e, key)];
        return found && found - 1 < n ? found - 1 : n;
    }
    for (size_t i = 0; i < n; i++)
        if (same_key(e->v[2 * i], key))
            return i;
    return n;
}

static bool array_map_find(struct cel_run *run, const struct cel_map *m, struct cel_value key, struct cel_value *ret)
{
    const struct entries *e = ((const struct array_map *)m)->entries;
    size_t i = find_entry(e, m->n, key);

    if (i == m->n)
        return false;
    *ret = e->v[2 * i + 1];
    return true;
}

static bool array_map_next(struct cel_run *run, const struct cel_map *m, void **pos, struct cel_value *ret_key,
                           struct cel_value *ret_value)
{
    const struct entries *e = ((const struct array_map *)m)->entries;
    size_t i = (size_t)(uintptr_t)*pos;

    if (i >= m->n)
        return false;
    *ret_key = e->v[2 * i];
    *ret_value = e->v[2 * i + 1];
    *pos = (void *)(uintptr_t)(i + 1);
    return true;
}

static const struct cel_map_ops array_map_ops = { .find = array_map_find, .next = array_map_next };

static struct cel_value map_value(struct arena *a, struct entries *e, size_t n, const struct cel_type *type)
{
    struct array_map *m = arena_alloc(a, sizeof(*m));

    *m = (struct array_map){ { &array_map_ops, n, type }, e };
    return (struct cel_value){ .kind = type ? CEL_OBJECT : CEL_MAP, .map = &m->base };
}

struct cel_value cel_object_of(struct arena *a, const struct cel_type *type, const struct cel_value *v, size_t n_fields)
{
    struct entries *e = arena_alloc(a, sizeof(*e));

    *e = (struct entries){ .n = 2 * n_fields, .cap = 2 * n_fields, .arena = a };
    if (n_fields)
        e->v = arena_memdup(a, v, 2 * n_fields * sizeof(*v));
    hash_entries(a, e);
    return map_value(a, e, n_fields, type);
}

struct cel_value cel_map_of(struct arena *a, const struct cel_value *v, size_t n_entries)
{
    return cel_object_of(a, NULL, v, n_entries);
}

struct cel_value cel_map_insert(struct cel_run *run, const struct cel_map *m, struct cel_value key, struct cel_value v)
{
    struct cel_value k, old;
    struct entries *e;
    void *pos = NULL;

    if (cel_map_find(run, m, key, &old))
        return cel_error(run, "insert failed: key %s already exists", cel_value_text(run, key));
    e = m->ops == &array_map_ops ? ((const struct array_map *)m)->entries : NULL;
    if (!e || e->n != 2 * m->n || e->arena != run->arena) {
        e = arena_alloc(run->arena, sizeof(*e));
        e->arena = run->arena;
        while (cel_map_next(run, m, &pos, &k, &old)) {
            if (!cel_work(run, 1))
                return cel_overrun(run);
            *arena_push(run->arena, e) = k;
            *arena_push(run->arena, e) = old;
        }
    }
    *arena_push(run->arena, e) = key;
    *arena_push(run->arena, e) = v;
    hash_entries(run->arena, e);
    if (e->n_slots)
        e->slots[find_slot(e, key)] = (uint32_t)(e->n / 2);
    return map_value(run->arena, e, e->n / 2, NULL);
}

bool cel_map_find(struct cel_run *run, const struct cel_map *m, struct cel_value key, struct cel_value *ret)
{
    return m->ops->find(run, m, key, ret);
}

/* ---- optionals -------------------------------------------------------------------------------- */

struct cel_value cel_optional_of(struct arena *a, struct cel_value v)
{
    return (struct cel_value){ .kind = CEL_OPTIONAL, .optional = arena_memdup(a, &v, sizeof(v)) };
}

struct cel_value cel_optional_none(void)
{
    return (struct cel_value){ .kind = CEL_OPTIONAL };
}
