#include "kube/patch_json.h"

#include <stdio.h>

#include "kube/json_priv.h"

/* How many strict findings are told; how many nodes all `test` operations together may look at. */
enum { FINDINGS_MAX = 100, COMPARE_MAX = 10000000 };

/* ---- shared by the patches -------------------------------------------------------------------- */

int patch_rejected(struct apierr *err)
{
    int r = apierr_set(err, APIERR_INVALID,
                       "the server rejected our request due to an error in our request");

    if (err)
        err->has_details = true;
    return r;
}

const char *go_json_type(const json_t *v)
{
    switch (v ? json_typeof(v) : JSON_NULL) {
    case JSON_OBJECT: return "object";
    case JSON_ARRAY: return "array";
    case JSON_STRING: return "string";
    case JSON_INTEGER: case JSON_REAL: return "number";
    case JSON_TRUE: case JSON_FALSE: return "bool";
    default: return "null";
    }
}

struct member {
    const char *key;
    size_t len;
    json_t *value;
};

static int compare_members(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    int order = memcmp(x->key, y->key, x->len < y->len ? x->len : y->len);

    return order ? order : (x->len > y->len) - (x->len < y->len);
}

static void sort_members(json_t *o)
{
    size_t n = json_object_size(o), i = 0;
    cleanup_free struct member *v = xmalloc((n + 1) * sizeof(*v));
    bool sorted = true;

    for (void *it = json_object_iter(o); it; it = json_object_iter_next(o, it), i++) {
        v[i] = (struct member){ json_object_iter_key(it), json_object_iter_key_len(it),
                                json_object_iter_value(it) };
        sorted = sorted && (!i || compare_members(&v[i - 1], &v[i]) < 0);
    }
    if (sorted)
        return;
    qsort(v, n, sizeof(*v), compare_members);
    for (i = 0; i < n; i++) {
        v[i].key = xmemdup(v[i].key, v[i].len + 1);
        json_incref(v[i].value);
    }
    json_object_clear(o);
    for (i = 0; i < n; i++) {
        json_object_add_new(o, v[i].key, v[i].len, v[i].value);
        free((char *)v[i].key);
    }
}

void patch_sort_own(json_t *root)
{
    DYN(json_t *) stack = { 0 };

    *dyn_push(&stack) = root;
    while (stack.n) {
        json_t *v = stack.v[--stack.n], *child;
        size_t i;

        if (v->refcount != 1)
            continue;
        if (json_is_object(v))
            sort_members(v);
        for (void *it = json_object_iter(v); it; it = json_object_iter_next(v, it))
            *dyn_push(&stack) = json_object_iter_value(it);
        json_array_foreach(v, i, child)
            *dyn_push(&stack) = child;
    }
    dyn_release(&stack);
}

/* ---- spellings -------------------------------------------------------------------------------- */

/* How the patch spelled its scalars, found by node: a table of open addresses. */
struct spellings {
    const struct json_spelling **slots;
    size_t mask;
};

static size_t slot_of(const struct spellings *s, const json_t *node)
{
    uint64_t h = (uint64_t)(uintptr_t)node * UINT64_C(0x9e3779b97f4a7c15);
    size_t i = (size_t)(h >> 20) & s->mask;

    while (s->slots[i] && s->slots[i]->node != node)
        i = (i + 1) & s->mask;
    return i;
}

static void spellings_init(struct spellings *s, const struct json_notes *notes)
{
    size_t size = 16;

    while (size < 2 * notes->n_spellings)
        size *= 2;
    s->mask = size - 1;
    s->slots = xcalloc(size, sizeof(*s->slots));
    for (size_t i = 0; i < notes->n_spellings; i++)
        s->slots[slot_of(s, notes->spellings[i].node)] = &notes->spellings[i];
}

static const char *spelling_of(const struct spellings *s, const json_t *node, struct buf *b)
{
    const struct json_spelling *found = s->slots[slot_of(s, node)];

    if (found)
        return found->text;
    buf_reset(b);
    json_write(b, node, 0);
    return b->data;
}

static bool is_container(const json_t *v)
{
    return json_is_object(v) || json_is_array(v);
}

static bool is_spelled(const struct spellings *s, const json_t *v)
{
    return s->slots[slot_of(s, v)];
}

static bool same_scalar(const struct spellings *s, const json_t *a, const json_t *b)
{
    cleanup_buf struct buf x = BUF_INIT, y = BUF_INIT;

    if (json_is_null(a) || json_is_null(b))
        return json_is_null(a) && json_is_null(b);
    if (json_typeof(a) == json_typeof(b) && !json_is_real(a) && !is_spelled(s, a) && !is_spelled(s, b))
        return json_same(a, b);
    return streq(spelling_of(s, a, &x), spelling_of(s, b, &y));
}

struct pair {
    const json_t *a, *b;
};

typedef DYN(struct pair) pairs_t;

/* Same type and size; the children are left for later. */
static bool same_container(pairs_t *later, const json_t *a, const json_t *b)
{
    size_t i;
    const json_t *child;

    if (!a || !b || json_typeof(a) != json_typeof(b))
        return false;
    if (json_array_size(a) != json_array_size(b) || json_object_size(a) != json_object_size(b))
        return false;
    json_array_foreach(a, i, child)
        *dyn_push(later) = (struct pair){ child, json_array_get(b, i) };
    for (void *it = json_object_iter((json_t *)a); it; it = json_object_iter_next((json_t *)a, it))
        *dyn_push(later) = (struct pair){ json_object_iter_value(it),
                                          json_object_getn(b, json_object_iter_key(it),
                                                           json_object_iter_key_len(it)) };
    return true;
}

/* `*left`: how many nodes may still be looked at; what cannot be told within them is not the same. */
static bool same_value(const struct spellings *s, const json_t *a, const json_t *b, size_t *left)
{
    pairs_t later = { 0 };
    bool same = true;

    *dyn_push(&later) = (struct pair){ a, b };
    while (same && later.n) {
        struct pair p = later.v[--later.n];

        if (!p.b || !*left || !--*left)
            same = false;
        else if (is_container(p.a) || is_container(p.b))
            same = same_container(&later, p.a, p.b);
        else
            same = same_scalar(s, p.a, p.b);
    }
    dyn_release(&later);
    return same;
}

/* ---- paths ------------------------------------------------------------------------------------ */

/* One step of a path, unescaped into `ret` (as long as the path at most). */
static size_t decode_step(const char *s, size_t len, char *ret)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        if (s[i] == '~' && i + 1 < len && (s[i + 1] == '0' || s[i + 1] == '1'))
            ret[n++] = s[++i] == '0' ? '~' : '/';
        else
            ret[n++] = s[i];
    }
    ret[n] = 0;
    return n;
}

/* As strconv.Atoi: a sign, digits, no overflow. */
static bool parse_index(const char *s, size_t len, int64_t *ret)
{
    bool negative = len && *s == '-';
    int64_t v = 0;
    size_t i = len && (*s == '-' || *s == '+');

    if (i == len)
        return false;
    for (; i < len; i++) {
        if (s[i] < '0' || s[i] > '9' || v > (INT64_MAX - 9) / 10)
            return false;
        v = v * 10 + (s[i] - '0');
    }
    *ret = negative ? -v : v;
    return true;
}

/* The index that `key` names in an array of `size`, negative ones from the end. */
static bool array_index(const char *key, size_t len, size_t size, size_t *ret)
{
    int64_t i;

    if (!parse_index(key, len, &i))
        return false;
    if (i < 0)
        i += (int64_t)size;
    if (i < 0 || i >= (int64_t)size)
        return false;
    *ret = (size_t)i;
    return true;
}

struct place {
    json_t *container;                           /* ours to edit */
    char *key;
    size_t len;
};

/* A member or element, borrowed; NULL where there is none. `ok` false: no such index. */
static json_t *place_get(const struct place *p, bool *ok)
{
    size_t i;

    *ok = true;
    if (json_is_object(p->container))
        return json_object_getn(p->container, p->key, p->len);
    *ok = array_index(p->key, p->len, json_array_size(p->container), &i);
    return *ok ? json_array_get(p->container, i) : NULL;
}

/* The same, made ours when it is a container. */
static json_t *place_own(const struct place *p)
{
    bool ok;
    json_t *v = place_get(p, &ok);
    size_t i;

    if (!is_container(v) || v->refcount == 1)
        return v;
    v = json_copy(v);
    if (json_is_object(p->container)) {
        json_object_setn_new_nocheck(p->container, p->key, p->len, v);
    } else {
        array_index(p->key, p->len, json_array_size(p->container), &i);
        json_array_set_new(p->container, i, v);
    }
    return v;
}

/* Walks down to the container that holds the last step, owning it all; false where the way ends. What is
 * before the first '/' does not count. */
static bool find_place(struct arena *arena, json_t *root, const char *path, size_t len,
                       struct place *ret)
{
    const char *end = path + len, *at = memchr(path, '/', len);

    ret->container = root;
    ret->key = arena_alloc(arena, len + 1);
    if (!at)
        return false;
    for (at++;; ) {
        const char *slash = memchr(at, '/', (size_t)(end - at));

        ret->len = decode_step(at, (size_t)((slash ? slash : end) - at), ret->key);
        if (!slash)
            return true;
        ret->container = place_own(ret);
        if (!is_container(ret->container))
            return false;
        at = slash + 1;
    }
}

static bool place_add(const struct place *p, json_t *value)
{
    size_t i, size = json_array_size(p->container);

    if (json_is_object(p->container)) {
        json_object_setn_new_nocheck(p->container, p->key, p->len, json_incref(value));
        return true;
    }
    if (p->len == 1 && *p->key == '-')
        i = size;
    else if (!array_index(p->key, p->len, size + 1, &i))
        return false;
    json_array_insert(p->container, i, value);
    return true;
}

static bool place_replace(const struct place *p, json_t *value)
{
    size_t i;

    if (json_is_object(p->container))
        return place_add(p, value);
    if (!array_index(p->key, p->len, json_array_size(p->container), &i))
        return false;
    json_array_set(p->container, i, value);
    return true;
}

static bool place_remove(const struct place *p)
{
    size_t i;

    if (json_is_array(p->container))
        return array_index(p->key, p->len, json_array_size(p->container), &i) &&
               json_array_remove(p->container, i) == 0;
    if (!json_object_getn(p->container, p->key, p->len))
        return false;
    if (strlen(p->key) == p->len)
        return json_object_del(p->container, p->key) == 0;
    json_object_setn_new_nocheck(p->container, p->key, p->len, json_null());
    return json_object_deln(p->container, p->key, p->len) == 0;
}

/* ---- operations ------------------------------------------------------------------------------- */

struct patcher {
    struct arena *arena;
    json_t *root;                                /* ours */
    json_t *null;
    struct spellings spellings;
    size_t copied, compares_left;
};

/* A string member of an operation; false where it is absent, null or something else. */
static bool op_text(const json_t *op, const char *key, const char **ret, size_t *len)
{
    const json_t *v = json_object_get(op, key);

    *ret = json_string_value(v);
    *len = json_string_length(v);
    return *ret;
}

static bool op_place(struct patcher *p, const json_t *op, const char *key, struct place *ret)
{
    const char *path;
    size_t len;

    return op_text(op, key, &path, &len) && find_place(p->arena, p->root, path, len, ret);
}

static json_t *op_value(struct patcher *p, const json_t *op)
{
    json_t *v = json_object_get(op, "value");

    return v ? v : p->null;
}

static bool whole_document(const json_t *op)
{
    const char *path;
    size_t len;

    return op_text(op, "path", &path, &len) && !len;
}

static bool run_add(struct patcher *p, const json_t *op)
{
    struct place place;

    return op_place(p, op, "path", &place) && place_add(&place, op_value(p, op));
}

static bool run_remove(struct patcher *p, const json_t *op)
{
    struct place place;

    return op_place(p, op, "path", &place) && place_remove(&place);
}

static bool run_replace(struct patcher *p, const json_t *op)
{
    struct place place;

    if (whole_document(op)) {
        json_t *v = op_value(p, op);

        if (is_container(v)) {                   /* anything else is accepted and does nothing */
            json_decref(p->root);
            p->root = json_copy(v);
        }
        return true;
    }
    return op_place(p, op, "path", &place) && place_replace(&place, op_value(p, op));
}

static bool run_move(struct patcher *p, const json_t *op)
{
    struct place from, to;
    json_auto_t *value = NULL;
    bool ok;

    if (!op_place(p, op, "from", &from))
        return false;
    value = json_incref(place_get(&from, &ok));
    return value && place_remove(&from) && op_place(p, op, "path", &to) && place_add(&to, value);
}

static bool run_copy(struct patcher *p, const json_t *op)
{
    struct place from, to;
    json_auto_t *value = NULL;
    cleanup_buf struct buf size = BUF_INIT;
    bool ok;

    if (!op_place(p, op, "from", &from))
        return false;
    value = json_incref(place_get(&from, &ok));
    if (!ok || !op_place(p, op, "path", &to))
        return false;
    if (value) {
        json_write(&size, value, 0);
        p->copied += size.len;
    }
    return p->copied <= JSON_PATCH_COPY_MAX && place_add(&to, value ? value : p->null);
}

static bool run_test(struct patcher *p, const json_t *op)
{
    const json_t *want = json_object_get(op, "value"), *value;
    struct place place;
    bool ok;

    if (whole_document(op))
        return want && same_value(&p->spellings, p->root, want, &p->compares_left);
    if (!want || !op_place(p, op, "path", &place))
        return false;
    value = place_get(&place, &ok);
    if (!ok)
        return false;
    return value ? same_value(&p->spellings, value, want, &p->compares_left) : json_is_null(want);
}

static bool run_operation(struct patcher *p, const json_t *op)
{
    static const struct {
        const char *name;
        bool (*run)(struct patcher *, const json_t *);
    } ops[] = {
        { "add", run_add },   { "remove", run_remove }, { "replace", run_replace },
        { "move", run_move }, { "copy", run_copy },     { "test", run_test },
    };
    const char *name = json_string_value(json_object_get(op, "op"));

    for (size_t i = 0; name && i < ARRAY_SIZE(ops); i++)
        if (streq(ops[i].name, name))
            return ops[i].run(p, op);
    return false;
}

/* ---- why one did not apply ---------------------------------------------------------------------- */

static const struct why_row {
    const char *op, *path_missing, *no_place;    /* what follows where the path is absent, or leads nowhere */
} why_rows[] = {
    { "add", "", "doc is missing path: \"%s\"" },
    { "remove", "", "doc is missing path: \"%s\"" },
    { "replace", "operation missing path field: ", "doc is missing path: %s" },
    { "test", "operation missing path field: ", "is missing path: %s" },
    { "move", "operation missing path field: ", "doc is missing destination path: %s" },
    { "copy", "", "doc is missing destination path: %s" },
};

static const char *index_problem(struct arena *a, const struct place *p, bool add)
{
    json_int_t i;
    char *end;

    i = strtoll(p->key, &end, 10);
    if (!p->len || *end)
        return arena_printf(a, "%s%s%sstrconv.Atoi: parsing \"%s\": invalid syntax", add ? "value was not a proper array "
                            "index: '" : "", add ? p->key : "", add ? "': " : "", p->key);
    return arena_printf(a, "Unable to access invalid index: %lld: invalid index referenced", (long long)i);
}

/* An operation that has a place to be at. */
static const char *why_at(struct arena *a, const char *op, const char *path, const struct place *p)
{
    bool ok;

    place_get(p, &ok);
    if (streq(op, "replace"))
        return arena_printf(a, "replace operation does not apply: doc is missing key: %s: missing value", path);
    if (streq(op, "test") && ok)
        return arena_printf(a, "testing value %s failed: test failed", path);
    if (streq(op, "remove") && json_is_object(p->container))
        return arena_printf(a, "error in remove for path: '%s': Unable to remove nonexistent key: %s: missing value", path,
                            p->key);
    if (streq(op, "copy"))
        return arena_printf(a, "error while adding value during copy: %s", index_problem(a, p, true));
    return arena_printf(a, "error in %s for path: '%s': %s", op, path, index_problem(a, p, streq(op, "add")));
}

static const char *why_from(struct patcher *p, const json_t *op, const char *name)
{
    struct place place;
    const char *from;
    size_t len;
    bool ok;

    if (!op_text(op, "from", &from, &len))
        return arena_printf(p->arena, "%s operation failed to decode from: operation, missing from field: missing value",
                            name);
    if (!find_place(p->arena, p->root, from, len, &place))
        return arena_printf(p->arena, "%s operation does not apply: doc is missing from path: %s: missing value", name,
                            from);
    if (!place_get(&place, &ok) && json_is_object(place.container) && streq(name, "move"))
        return arena_printf(p->arena, "error in move for path: '%s': Unable to remove nonexistent key: %s: missing value",
                            place.key, place.key);
    return ok ? NULL : arena_printf(p->arena, "error in %s for %s: '%s': %s", name, streq(name, "move") ? "path" : "from",
                                    streq(name, "move") ? place.key : from, index_problem(p->arena, &place, false));
}

static const char *why_not(struct patcher *p, const json_t *op)
{
    const char *name = json_string_value(json_object_get(op, "op")), *path, *why = NULL;
    const struct why_row *row = NULL;
    struct place place;
    size_t len;

    for (size_t i = 0; name && i < ARRAY_SIZE(why_rows); i++)
        if (streq(why_rows[i].op, name))
            row = &why_rows[i];
    if (!row)
        return arena_printf(p->arena, "Unexpected kind: %s", name ? name : "unknown");
    if ((streq(name, "move") || streq(name, "copy")) && (why = why_from(p, op, name)))
        return why;
    if (!op_text(op, "path", &path, &len))
        return arena_printf(p->arena, "%s operation failed to decode path: %smissing value", name, row->path_missing);
    if (whole_document(op) && streq(name, "test"))
        return "testing value  failed: test failed";
    if (find_place(p->arena, p->root, path, len, &place))
        return why_at(p->arena, name, path, &place);
    cleanup_buf struct buf b = BUF_INIT;
    buf_printf(&b, "%s operation does not apply: ", name);
    const char *before = row->no_place, *mark = strstr(before, "%s");
    buf_add(&b, before, (size_t)(mark - before));
    buf_printf(&b, "%s%s: missing value", path, mark + 2);
    return arena_strdup(p->arena, b.data);
}

/* ---- decoding --------------------------------------------------------------------------------- */

static const char *const op_fields[] = { "op", "path", "from", "value" };

static int bad_type(struct apierr *err, bool validate, const json_t *v, const char *typed,
                    const char *untyped)
{
    return apierr_set(err, APIERR_BAD_REQUEST, "%sjson: cannot unmarshal %s into Go %s",
                      validate ? "error decoding patch: " : "", go_json_type(v),
                      validate ? typed : untyped);
}

/* The first type that is not as it should be, as Go's decoder says it. */
static int check_operation(const json_t *op, bool validate, struct apierr *err)
{
    if (json_is_null(op))
        return 0;
    if (!json_is_object(op))
        return bad_type(err, validate, op, "value of type handlers.jsonPatchOp",
                        "value of type jsonpatch.Operation");
    for (size_t i = 0; validate && i < 3; i++) {
        const json_t *v = json_object_get(op, op_fields[i]);
        char field[64];

        snprintf(field, sizeof(field), "struct field jsonPatchOp.%s of type string", op_fields[i]);
        if (v && !json_is_string(v) && !json_is_null(v))
            return bad_type(err, true, v, field, "");
    }
    return 0;
}

static int check_types(const json_t *patch, bool validate, struct apierr *err)
{
    const json_t *op;
    size_t i;
    int r;

    if (json_is_null(patch))
        return 0;
    if (!json_is_array(patch))
        return bad_type(err, validate, patch, "value of type []handlers.jsonPatchOp",
                        "value of type jsonpatch.Patch");
    json_array_foreach(patch, i, op) {
        r = check_operation(op, validate, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static bool known_field(const char *key)
{
    for (size_t i = 0; i < ARRAY_SIZE(op_fields); i++)
        if (streq(op_fields[i], key))
            return true;
    return false;
}

/* Duplicate and unknown members, operation by operation. */
static void find_strict(struct arena *arena, const json_t *patch, struct patch_notes *notes)
{
    DYN(const char *) found = { 0 };
    size_t dup = 0, i;
    const json_t *op;

    json_array_foreach(patch, i, op) {
        char prefix[32];

        snprintf(prefix, sizeof(prefix), "[%zu].", i);
        for (; dup < notes->json.n_duplicates && found.n < FINDINGS_MAX &&
               str_starts(notes->json.duplicates[dup], prefix); dup++)
            *dyn_push(&found) = arena_printf(arena, "json patch duplicate field \"%s\"",
                                             notes->json.duplicates[dup]);
        for (void *it = json_object_iter((json_t *)op); it;
             it = json_object_iter_next((json_t *)op, it))
            if (!known_field(json_object_iter_key(it)) && found.n < FINDINGS_MAX)
                *dyn_push(&found) = arena_printf(arena, "json patch unknown field \"%s%s\"", prefix,
                                                 json_object_iter_key(it));
    }
    notes->strict = arena_memdup(arena, found.v, found.n * sizeof(*found.v));
    notes->n_strict = found.n;
    dyn_release(&found);
}

static int decode(struct arena *arena, const char *text, size_t len, bool validate,
                  struct patch_notes *notes, json_t **ret, struct apierr *err)
{
    struct err e = ERR_IN(arena);
    json_auto_t *patch = NULL;
    int r;

    *notes = (struct patch_notes){ .json = JSON_NOTES_IN(arena) };
    patch = json_parse(text, len, JSON_PARSE_SPELLINGS, &notes->json, &e);
    if (!patch)
        return apierr_set(err, APIERR_BAD_REQUEST, "%s%s", validate ? "error decoding patch: " : "",
                          err_message(&e));
    r = check_types(patch, validate, err);
    if (r < 0)
        return r;
    if (validate && notes->json.overflow)
        return apierr_set(err, APIERR_BAD_REQUEST,
                          "error decoding patch: json: cannot unmarshal number %s into Go struct field "
                          "jsonPatchOp.value of type float64", notes->json.overflow);
    if (json_array_size(patch) > JSON_PATCH_OPS_MAX)
        return apierr_set(err, APIERR_REQUEST_ENTITY_TOO_LARGE,
                          "Request entity too large: The allowed maximum operations in a JSON patch is "
                          "%d, got %zu", JSON_PATCH_OPS_MAX, json_array_size(patch));
    if (validate)
        find_strict(arena, patch, notes);
    *ret = STEAL(patch);
    return 0;
}

int json_patch_apply(struct arena *arena, const json_t *doc, const char *text, size_t len,
                     bool validate, struct patch_notes *ret_notes, json_t **ret, struct apierr *err)
{
    struct patch_notes notes;
    json_auto_t *patch = NULL;
    struct patcher p = { .arena = arena, .compares_left = COMPARE_MAX };
    const json_t *op;
    const json_t *failed = NULL;
    size_t i;
    int r = decode(arena, text, len, validate, &notes, &patch, err);

    if (r < 0)
        return r;
    p.root = json_copy((json_t *)doc);
    p.null = json_null();
    spellings_init(&p.spellings, &notes.json);
    json_array_foreach(patch, i, op)
        if (!failed && !run_operation(&p, op))
            failed = op;
    free(p.spellings.slots);
    if (failed)
        notes.why = why_not(&p, failed);
    if (ret_notes)
        *ret_notes = notes;
    if (failed) {
        json_decref(p.root);
        return patch_rejected(err);
    }
    patch_sort_own(p.root);
    *ret = p.root;
    return 0;
}
