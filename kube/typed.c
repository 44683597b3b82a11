#include "kube/typed.h"

#include "kube/fielderr.h"
#include "kube/json.h"

/* Below this values are leaves: nobody merges so deep, and stacks end. */
enum { DEPTH_MAX = 200 };

struct walk {
    struct arena *arena;
    const char *path[DEPTH_MAX + 1];
    size_t depth;
};

static bool present(const json_t *v)
{
    return v && !json_is_null(v);
}

static size_t size_of(const json_t *v)
{
    return json_is_object(v) ? json_object_size(v) : json_is_array(v) ? json_array_size(v) : 0;
}

bool typed_equal(const json_t *a, const json_t *b)
{
    const char *key;
    json_t *x;
    size_t i;

    if (!present(a) || !present(b))
        return !present(a) && !present(b);
    if (json_is_number(a) && json_is_number(b))
        return json_number_value(a) == json_number_value(b);
    if (json_typeof(a) != json_typeof(b) || size_of(a) != size_of(b))
        return false;
    if (json_is_object(a)) {
        json_object_foreach((json_t *)a, key, x)
            if (!json_object_get(b, key) || !typed_equal(x, json_object_get(b, key)))
                return false;
        return true;
    }
    if (json_is_array(a)) {
        json_array_foreach(a, i, x)
            if (!typed_equal(x, json_array_get(b, i)))
                return false;
        return true;
    }
    return json_equal(a, b);
}

/* The element of the i-th item; an item without its keys goes by its position. */
static const char *element_at(struct arena *a, struct ftype t, const json_t *list, size_t i)
{
    const char *element = fieldpath_item(a, t, json_array_get(list, i));

    return element ? element : arena_printf(a, "i:%zu", i);
}

static enum fkind kind_at(const struct walk *w, struct ftype t, const json_t *v)
{
    return w->depth >= DEPTH_MAX ? F_LEAF : ftype_kind(t, v);
}

/* ---- fields ------------------------------------------------------------------------------------ */

static void note_path(struct walk *w, struct fset *s)
{
    fset_insert(s, w->path, w->depth);
}

/* The items of a list by their elements. One that comes twice is a leaf, whatever is in it. */
struct items {
    const char **element;
    const json_t **item;
    size_t *order;                     /* indexes, those of equal elements together and in their order */
    size_t n;
};

static int by_element(const void *a, const void *b, void *arg)
{
    const struct items *s = arg;
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    int c = strcmp(s->element[x], s->element[y]);

    return c ? c : x < y ? -1 : x > y;
}

static struct items items_of(struct arena *a, struct ftype t, const json_t *list)
{
    size_t n = json_array_size(list);
    struct items out = { arena_alloc(a, n * sizeof(char *)), arena_alloc(a, n * sizeof(json_t *)),
                         arena_alloc(a, n * sizeof(size_t)), n };

    for (size_t i = 0; i < n; i++) {
        out.element[i] = element_at(a, t, list, i);
        out.item[i] = json_array_get(list, i);
        out.order[i] = i;
    }
    qsort_r(out.order, n, sizeof(size_t), by_element, &out);
    return out;
}

/* Where those with that element begin in the order; s->n where there is none. */
static size_t items_with(const struct items *s, const char *element)
{
    size_t low = 0, high = s->n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (strcmp(s->element[s->order[mid]], element) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low < s->n && streq(s->element[s->order[low]], element) ? low : s->n;
}

/* Whether the place behind `at` in the order has the same element. */
static bool item_again(const struct items *s, size_t at)
{
    return at + 1 < s->n && streq(s->element[s->order[at]], s->element[s->order[at + 1]]);
}

static const json_t *item_find(const struct items *s, const char *element)
{
    size_t at = items_with(s, element);

    return at < s->n ? s->item[s->order[at]] : NULL;
}

static void fields_of(struct walk *w, struct ftype t, const json_t *v, struct fset *s);

static void fields_of_map(struct walk *w, struct ftype t, const json_t *v, struct fset *s)
{
    const char *key;
    json_t *x;

    json_object_foreach((json_t *)v, key, x) {
        bool declared;
        struct ftype m = ftype_member(t, key, &declared);
        w->path[w->depth++] = fieldpath_field(w->arena, key);
        fields_of(w, m, x, s);
        if (!present(x) || (json_is_object(x) && !json_object_size(x)) || !declared)
            note_path(w, s);
        w->depth--;
    }
}

static void fields_of(struct walk *w, struct ftype t, const json_t *v, struct fset *s)
{
    switch (present(v) ? kind_at(w, t, v) : F_LEAF) {
    case F_LEAF:
        note_path(w, s);
        return;
    case F_MAP:
        fields_of_map(w, t, v, s);
        return;
    case F_LIST:
        break;
    }
    struct items list = items_of(w->arena, t, v);
    for (size_t i = 0; i < list.n; i++) {
        w->path[w->depth++] = list.element[i];
        if (!item_again(&list, items_with(&list, list.element[i])))
            fields_of(w, ftype_item(t), list.item[i], s);
        note_path(w, s);
        w->depth--;
    }
}

struct fset *typed_fields(struct arena *a, struct ftype t, const json_t *v)
{
    struct walk w = { .arena = a };
    struct fset *s = fset_new(a);

    fields_of(&w, t, v, s);
    return s;
}

/* ---- comparison -------------------------------------------------------------------------------- */

static void compare(struct walk *w, struct ftype t, const json_t *x, const json_t *y,
                    struct typed_comparison *c);

static void compare_leaf(struct walk *w, const json_t *x, const json_t *y, struct typed_comparison *c)
{
    if (!x)
        note_path(w, c->added);
    else if (!y)
        note_path(w, c->removed);
    else if (!typed_equal(x, y))
        note_path(w, c->modified);
}

static void compare_member(struct walk *w, struct ftype t, const char *key, const json_t *x, const json_t *y,
                           struct typed_comparison *c)
{
    bool declared;
    struct ftype m = ftype_member(t, key, &declared);

    /* The same shared tree on both sides: nothing changed in there. */
    if (x == y)
        return;
    w->path[w->depth++] = fieldpath_field(w->arena, key);
    compare(w, m, x, y, c);
    w->depth--;
}

static void compare_maps(struct walk *w, struct ftype t, const json_t *x, const json_t *y,
                         struct typed_comparison *c)
{
    const char *key;
    json_t *v;

    json_object_foreach((json_t *)x, key, v)
        compare_member(w, t, key, v, json_object_get(y, key), c);
    json_object_foreach((json_t *)y, key, v)
        if (!json_object_get(x, key))
            compare_member(w, t, key, NULL, v, c);
}

static void compare_items(struct walk *w, struct ftype t, const struct items *left, const struct items *right,
                          const char *element, struct typed_comparison *c)
{
    size_t l = items_with(left, element), r = items_with(right, element);
    bool before = l < left->n, now = r < right->n;
    bool twice_before = before && item_again(left, l), twice_now = now && item_again(right, r);

    if (twice_before && twice_now) {
        for (; typed_equal(left->item[left->order[l]], right->item[right->order[r]]); l++, r++)
            if (!item_again(left, l) && !item_again(right, r))
                return;
            else if (!item_again(left, l) || !item_again(right, r))
                break;
        note_path(w, c->modified);
        return;
    }
    if (twice_before)
        note_path(w, c->removed);
    if (twice_now)
        note_path(w, c->added);
    const json_t *x = before && !twice_before ? left->item[left->order[l]] : NULL,
                 *y = now && !twice_now ? right->item[right->order[r]] : NULL;
    if (x || y)
        compare(w, ftype_item(t), x, y, c);
}

static void compare_lists(struct walk *w, struct ftype t, const json_t *x, const json_t *y,
                          struct typed_comparison *c)
{
    struct items left = items_of(w->arena, t, x), right = items_of(w->arena, t, y);
    const struct items *both[] = { &left, &right };

    for (size_t side = 0; side < 2; side++)
        for (size_t i = 0; i < both[side]->n; i++) {
            const char *element = both[side]->element[i];
            if (both[side]->order[items_with(both[side], element)] != i || (side == 1 && item_find(&left, element)))
                continue;
            w->path[w->depth++] = element;
            compare_items(w, t, &left, &right, element, c);
            w->depth--;
        }
}

/* Both as of one kind: the one that is not has nothing in it. */
static void compare_as(struct walk *w, enum fkind kind, struct ftype t, const json_t *x, const json_t *y,
                       struct typed_comparison *c)
{
    const json_t *in_x = x && kind_at(w, t, x) == kind ? x : NULL, *in_y = y && kind_at(w, t, y) == kind ? y : NULL;

    /* Two empty ones are a leaf: that keeps null and empty apart. */
    if (kind == F_LEAF || (!size_of(in_x) && !size_of(in_y))) {
        compare_leaf(w, x, y, c);
        return;
    }
    if (kind == F_MAP)
        compare_maps(w, t, in_x, in_y, c);
    else
        compare_lists(w, t, in_x, in_y, c);
    if (!x)
        note_path(w, c->added);
    else if (!y)
        note_path(w, c->removed);
}

static void compare(struct walk *w, struct ftype t, const json_t *x, const json_t *y,
                    struct typed_comparison *c)
{
    enum fkind kx = x ? kind_at(w, t, x) : F_LEAF, ky = y ? kind_at(w, t, y) : F_LEAF;
    bool left = x && !json_is_null(x), right = y && !json_is_null(y);

    if (left && right && kx != ky) {             /* what was in the one is gone, what is in the other is new */
        compare_as(w, kx, t, x, y, c);
        compare_as(w, ky, t, x, y, c);
        return;
    }
    compare_as(w, left ? kx : ky, t, x, y, c);
}

struct typed_comparison typed_compare(struct arena *a, struct ftype t, const json_t *before,
                                      const json_t *after)
{
    struct walk w = { .arena = a };
    struct typed_comparison c = { fset_new(a), fset_new(a), fset_new(a) };

    compare(&w, t, before, after, &c);
    return c;
}

/* ---- merging ----------------------------------------------------------------------------------- */

static json_t *merge(struct arena *a, struct ftype t, const json_t *under, const json_t *over,
                     unsigned depth);

static json_t *merge_maps(struct arena *a, struct ftype t, const json_t *under, const json_t *over,
                          unsigned depth)
{
    json_t *out = json_object(), *v;
    const char *key;
    bool declared;

    json_object_foreach((json_t *)under, key, v)
        json_object_set_new_nocheck(out, key, merge(a, ftype_member(t, key, &declared), v,
                                                    json_object_get(over, key), depth + 1));
    json_object_foreach((json_t *)over, key, v)
        if (!json_object_get(under, key))
            json_object_set_new_nocheck(out, key, merge(a, ftype_member(t, key, &declared), NULL, v,
                                                        depth + 1));
    return out;
}

static bool among(const char *const *elements, size_t n, const char *element)
{
    for (size_t i = 0; i < n; i++)
        if (streq(elements[i], element))
            return true;
    return false;
}

/* Elements of `under` keep their places, elements of `over` their order among themselves: two orders
 * woven into one, the shared ones being the seams. */
static json_t *merge_lists(struct arena *a, struct ftype t, const json_t *under, const json_t *over,
                           unsigned depth)
{
    struct items l = items_of(a, t, under), r = items_of(a, t, over);
    const char **shared = arena_alloc(a, r.n * sizeof(*shared)), **done = arena_alloc(a, r.n * sizeof(*done));
    size_t n_shared = 0, next = 0, n_done = 0, i = 0, k = 0;
    json_t *out = json_array();

    for (size_t x = 0; x < r.n; x++)
        if (item_find(&l, r.element[x]))
            shared[n_shared++] = r.element[x];
    while (i < l.n || k < r.n) {
        if (i < l.n && k < r.n && streq(l.element[i], r.element[k])) {
            done[n_done++] = r.element[k];
            json_array_append_new(out, merge(a, ftype_item(t), l.item[i++], r.item[k++], depth + 1));
            next++;
            continue;
        }
        if (i < l.n && k < r.n && item_find(&r, l.element[i]) && next < n_shared
            && !streq(shared[next], l.element[i])) {
            i++;                                  /* shared, but its turn comes elsewhere */
            continue;
        }
        if (i < l.n && !item_find(&r, l.element[i])) {
            json_array_append_new(out, merge(a, ftype_item(t), l.item[i++], NULL, depth + 1));
            continue;
        }
        if (i < l.n && among(done, n_done, l.element[i]))
            i++;
        if (k < r.n) {
            const char *element = r.element[k];
            done[n_done++] = element;
            json_array_append_new(out, merge(a, ftype_item(t), item_find(&l, element), r.item[k++], depth + 1));
            if (next < n_shared && streq(shared[next], element))
                next++;
        }
    }
    return out;
}

static json_t *merge(struct arena *a, struct ftype t, const json_t *under, const json_t *over,
                     unsigned depth)
{
    enum fkind kind;

    if (!over || !under)
        return json_incref((json_t *)(over ? over : under));
    if (json_is_null(over) && ftype_kind(t, under) != F_LEAF && size_of(under))
        return json_incref((json_t *)under);      /* nothing said about what is in it */
    kind = ftype_kind(t, over);
    if (kind == F_LEAF || !present(over) || !present(under) || kind != ftype_kind(t, under) || !size_of(over)
        || depth >= DEPTH_MAX) {
        /* An empty map or list over a full one changes nothing in it. */
        bool nothing = present(over) && kind != F_LEAF && !size_of(over) && size_of(under)
                       && kind == ftype_kind(t, under);
        return json_incref((json_t *)(nothing ? under : over));
    }
    return kind == F_MAP ? merge_maps(a, t, under, over, depth) : merge_lists(a, t, under, over, depth);
}

json_t *typed_merge(struct ftype t, const json_t *under, const json_t *over)
{
    cleanup_arena struct arena *a = arena_new();

    return merge(a, t, under, over, 0);
}

/* ---- taking away ------------------------------------------------------------------------------- */

static json_t *without(struct arena *a, struct ftype t, const json_t *v, const struct fset *gone);

static json_t *map_without(struct arena *a, struct ftype t, const json_t *v, const struct fset *gone)
{
    json_t *out = json_object(), *x;
    const char *key;

    json_object_foreach((json_t *)v, key, x) {
        const struct fset_node *node = fset_find(gone, fieldpath_field(a, key));
        bool declared;
        if (node && node->member)
            continue;
        json_object_set_new_nocheck(out, key, node ? without(a, ftype_member(t, key, &declared), x, node->below)
                                                   : json_incref(x));
    }
    return out;
}

static json_t *list_without(struct arena *a, struct ftype t, const json_t *v, const struct fset *gone)
{
    json_t *out = json_array();

    for (size_t i = 0; i < json_array_size(v); i++) {
        json_t *item = json_array_get(v, i);
        const struct fset_node *node = fset_find(gone, element_at(a, t, v, i));
        if (node && node->member)
            continue;
        json_array_append_new(out, node ? without(a, ftype_item(t), item, node->below) : json_incref(item));
    }
    return out;
}

static json_t *without(struct arena *a, struct ftype t, const json_t *v, const struct fset *gone)
{
    json_t *out;

    if (fset_empty(gone) || !present(v) || ftype_kind(t, v) == F_LEAF)
        return json_incref((json_t *)v);
    out = ftype_kind(t, v) == F_MAP ? map_without(a, t, v, gone) : list_without(a, t, v, gone);
    if (size_of(out))
        return out;
    json_decref(out);
    return json_null();
}

json_t *typed_without(struct ftype t, const json_t *v, const struct fset *gone)
{
    cleanup_arena struct arena *a = arena_new();

    return without(a, t, v, gone);
}

struct fset *typed_with_parents(struct arena *a, struct ftype t, const struct fset *s)
{
    struct fset *out = fset_new(a);

    if (fset_empty(s))
        return out;
    out->v = arena_memdup(a, s->v, s->n * sizeof(*s->v));
    out->n = out->cap = s->n;
    for (size_t i = 0; i < out->n; i++) {
        struct fset_node *node = &out->v[i];
        bool declared = false, is_field = node->element[0] == 'f';
        struct ftype below = is_field ? ftype_member(t, node->element + 2, &declared) : ftype_item(t);
        if (!node->below)
            continue;
        node->member |= declared;
        node->below = typed_with_parents(a, below, node->below);
    }
    return out;
}

/* ---- checking ---------------------------------------------------------------------------------- */

struct check {
    struct walk walk;
    struct buf errors;
    size_t n;
    bool duplicates;                   /* are let be */
};

static void complain(struct check *c, const char *fmt, ...) PRINTF(2, 3);
static void complain(struct check *c, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    cleanup_free char *text = xvasprintf(fmt, args);
    va_end(args);
    if (c->n++)
        buf_add_str(&c->errors, "\n  ");
    for (size_t i = 0; i < c->walk.depth; i++)
        fieldpath_print(&c->errors, c->walk.path[i]);
    buf_printf(&c->errors, "%s%s", c->walk.depth ? ": " : "", text);
}

static int by_key(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void write_sharp(struct buf *b, const json_t *v, unsigned depth);

static void write_sharp_map(struct buf *b, const json_t *v, unsigned depth)
{
    const char **keys = xmalloc((json_object_size(v) + 1) * sizeof(*keys)), *key;
    size_t n = 0;
    json_t *unused;

    json_object_foreach((json_t *)v, key, unused)
        keys[n++] = key;
    qsort(keys, n, sizeof(*keys), by_key);
    buf_add_str(b, "map[string]interface {}{");
    for (size_t i = 0; i < n; i++) {
        buf_add_str(b, i ? ", " : "");
        go_quote(b, keys[i], strlen(keys[i]));
        buf_add_char(b, ':');
        write_sharp(b, json_object_get(v, keys[i]), depth + 1);
    }
    buf_add_char(b, '}');
    free(keys);
}

/* Go's %#v of an untyped value, whose numbers are all floats. */
static void write_sharp(struct buf *b, const json_t *v, unsigned depth)
{
    char number[JSON_NUMBER_MAX];

    if (depth > DEPTH_MAX)
        return;
    if (json_is_object(v)) {
        write_sharp_map(b, v, depth);
    } else if (json_is_array(v)) {
        buf_add_str(b, "[]interface {}{");
        for (size_t i = 0; i < json_array_size(v); i++) {
            buf_add_str(b, i ? ", " : "");
            write_sharp(b, json_array_get(v, i), depth + 1);
        }
        buf_add_char(b, '}');
    } else if (json_is_string(v)) {
        go_quote(b, json_string_value(v), json_string_length(v));
    } else if (json_is_integer(v)) {
        buf_printf(b, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
    } else if (json_is_real(v)) {
        go_write_float(number, json_real_value(v), 64);
        buf_add_str(b, number);
    } else {
        buf_add_str(b, json_is_null(v) ? "interface {}(nil)" : json_is_true(v) ? "true" : "false");
    }
}

/* What Go's typed values print of something of the wrong kind: %#v, %v or %T of it. */
static const char *sharp(struct arena *a, const json_t *v)
{
    cleanup_buf struct buf b = BUF_INIT;

    buf_add_str(&b, "&value.valueUnstructured{Value:");
    write_sharp(&b, v, 0);
    buf_add_char(&b, '}');
    return arena_strndup(a, b.data, b.len);
}

static const char *plain(struct arena *a, const json_t *v)
{
    return arena_printf(a, "&{%s}", go_value(a, v));
}

static const char *type_of(const json_t *v)
{
    return json_is_string(v) ? "string" : json_is_boolean(v) ? "bool" : json_is_object(v) ? "map[string]interface {}"
                                                                                       : "[]interface {}";
}

static void check(struct check *c, struct ftype t, const json_t *v);

/* Members behind one that is not declared are not looked at. */
static void check_map(struct check *c, struct ftype t, const json_t *v)
{
    const char *key;
    json_t *x;

    json_object_foreach((json_t *)v, key, x) {
        bool declared;
        struct ftype m = ftype_member(t, key, &declared);
        bool unknown = !declared && t.schema && !t.schema->additional && !t.schema->preserve_unknown
                       && t.schema->type == SCHEMA_OBJECT && t.schema->n_fields;
        c->walk.path[c->walk.depth++] = fieldpath_field(c->walk.arena, key);
        if (unknown)
            complain(c, "field not declared in schema");
        else
            check(c, m, x);
        c->walk.depth--;
        if (unknown)
            return;
    }
}

/* Why this item has no place in a list with keys or a set; NULL: it has one. */
static const char *no_element(struct arena *a, struct ftype t, const json_t *item)
{
    cleanup_buf struct buf keys = BUF_INIT;

    if (t.list == LIST_SET)
        return json_is_object(item)  ? "associative list without keys has an element that's a map type"
               : json_is_array(item) ? "not supported: associative list with lists as elements"
               : json_is_null(item)  ? "associative list without keys has an element that's an explicit null"
                                     : NULL;
    if (json_is_null(item))
        return "associative list with keys may not have a null element";
    if (!json_is_object(item))
        return "associative list with keys may not have non-map elements";
    if (fieldpath_item(a, t, item))
        return NULL;
    for (const char *const *key = t.keys; key && *key; key++)
        buf_printf(&keys, "%s\"%s\"", keys.len ? " " : "", *key);
    return arena_printf(a, "associative list with keys has an element that omits all key fields [%s] (and doesn't have "
                        "default values for any key fields)", keys.data);
}

static void check_list(struct check *c, struct ftype t, const json_t *v)
{
    struct arena *a = c->walk.arena;
    const char **seen = arena_alloc(a, json_array_size(v) * sizeof(*seen));
    bool keyed = t.list == LIST_SET || t.list == LIST_MAP;

    for (size_t i = 0; i < json_array_size(v); i++) {
        json_t *item = json_array_get(v, i);
        const char *why = keyed ? no_element(a, t, item) : NULL;
        if (why) {
            complain(c, "element %zu: %s", i, why);
            return;                               /* Go looks no further in this list */
        }
        seen[i] = keyed ? fieldpath_item(a, t, item) : arena_printf(a, "i:%zu", i);
        if (keyed && !c->duplicates && among(seen, i, seen[i])) {
            cleanup_buf struct buf text = BUF_INIT;
            fieldpath_print(&text, seen[i]);
            complain(c, "duplicate entries for key %s", text.data);
        }
        c->walk.path[c->walk.depth++] = seen[i];
        check(c, ftype_item(t), item);
        c->walk.depth--;
    }
}

static void check_scalar(struct check *c, struct ftype t, const json_t *v)
{
    switch (t.schema->type) {
    case SCHEMA_STRING:
        if (!json_is_string(v))
            complain(c, "expected string, got %s", sharp(c->walk.arena, v));
        return;
    case SCHEMA_INTEGER:
    case SCHEMA_NUMBER:
        if (!json_is_number(v))
            complain(c, "expected numeric (int or float), got %s", type_of(v));
        return;
    case SCHEMA_BOOLEAN:
        if (!json_is_boolean(v))
            complain(c, "expected boolean, got %s", plain(c->walk.arena, v));
        return;
    default:
        return;
    }
}

static void check(struct check *c, struct ftype t, const json_t *v)
{
    const struct schema *s = t.schema;

    if (!s || !present(v) || c->walk.depth >= DEPTH_MAX || s->form != FORM_PLAIN)
        return;
    if (s->type == SCHEMA_OBJECT) {
        if (json_is_object(v))
            check_map(c, t, v);
        else
            complain(c, "expected map, got %s", plain(c->walk.arena, v));
    } else if (s->type == SCHEMA_ARRAY) {
        if (json_is_array(v))
            check_list(c, t, v);
        else
            complain(c, "expected list, got %s", plain(c->walk.arena, v));
    } else {
        check_scalar(c, t, v);
    }
}

const char *typed_check(struct arena *a, struct ftype t, const json_t *v)
{
    struct check c = { .walk = { .arena = a } };
    const char *text;

    check(&c, t, v);
    if (c.n > 1)
        text = arena_printf(a, "errors:\n  %s", c.errors.data);
    else
        text = c.n ? arena_strdup(a, c.errors.data) : NULL;
    buf_release(&c.errors);
    return text;
}

bool typed_fits(struct arena *a, struct ftype t, const json_t *v)
{
    struct check c = { .walk = { .arena = a }, .duplicates = true };

    check(&c, t, v);
    buf_release(&c.errors);
    return !c.n;
}
