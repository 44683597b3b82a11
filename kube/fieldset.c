#include "kube/fieldset.h"

#include "kube/fieldpath.h"
#include "kube/json.h"

struct fset *fset_new(struct arena *a)
{
    struct fset *s = arena_alloc(a, sizeof(*s));

    s->arena = a;
    return s;
}

bool fset_empty(const struct fset *s)
{
    return !s || s->n == 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Where two spellings of values part inside a number, its size decides; else the text does. */
static int value_order(const char *a, const char *b)
{
    size_t i = 0, start;

    while (a[i] && a[i] == b[i])
        i++;
    for (start = i; start > 2 && is_digit(a[start - 1]); start--)
        ;
    bool number = is_digit(a[start]) && is_digit(b[start]) && a[start - 1] == ':';
    double x = number ? strtod(a + start, NULL) : 0, y = number ? strtod(b + start, NULL) : 0;
    return x != y ? (x < y ? -1 : 1) : strcmp(a, b);
}

/* Fields before keys before values before positions; then by what they say. */
static int element_order(const char *a, const char *b)
{
    static const char ranks[] = "fkvi";

    if (a[0] != b[0])
        return strchr(ranks, a[0]) < strchr(ranks, b[0]) ? -1 : 1;
    return a[0] == 'f' ? strcmp(a, b) : value_order(a, b);
}

/* Where `element` stands or would stand. */
static size_t position(const struct fset *s, const char *element, bool *ret_found)
{
    size_t low = 0, high = s->n;

    /* Walkers come in order more often than not. */
    if (s->n && element_order(s->v[s->n - 1].element, element) < 0)
        low = s->n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (element_order(s->v[mid].element, element) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    *ret_found = low < s->n && streq(s->v[low].element, element);
    return low;
}

/* Opens a gap at `at`. */
static struct fset_node *open_at(struct fset *s, size_t at)
{
    if (s->n == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 4;
        struct fset_node *v = arena_alloc(s->arena, cap * sizeof(*v));
        if (s->n)
            memcpy(v, s->v, s->n * sizeof(*v));
        s->v = v;
        s->cap = cap;
    }
    memmove(&s->v[at + 1], &s->v[at], (s->n - at) * sizeof(*s->v));
    s->n++;
    s->v[at] = (struct fset_node){ 0 };
    return &s->v[at];
}

static struct fset_node *append(struct fset *s, const char *element, bool member, struct fset *below)
{
    struct fset_node *node = open_at(s, s->n);

    *node = (struct fset_node){ element, member, fset_empty(below) ? NULL : below };
    return node;
}

void fset_insert(struct fset *s, const char *const *path, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool found;
        size_t at = position(s, path[i], &found);
        struct fset_node *node = found ? &s->v[at] : open_at(s, at);
        if (!found)
            node->element = arena_strdup(s->arena, path[i]);
        if (i + 1 == n)
            node->member = true;
        else if (!node->below)
            node->below = fset_new(s->arena);
        s = node->below;
    }
}

const struct fset_node *fset_find(const struct fset *s, const char *element)
{
    bool found;
    size_t at;

    if (!s)
        return NULL;
    at = position(s, element, &found);
    return found ? &s->v[at] : NULL;
}

bool fset_has(const struct fset *s, const char *const *path, size_t n)
{
    const struct fset_node *node = NULL;

    for (size_t i = 0; i < n; i++) {
        node = fset_find(i ? node->below : s, path[i]);
        if (!node)
            return false;
    }
    return node && node->member;
}

bool fset_equal(const struct fset *a, const struct fset *b)
{
    if (fset_empty(a) || fset_empty(b))
        return fset_empty(a) && fset_empty(b);
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (!streq(a->v[i].element, b->v[i].element) || a->v[i].member != b->v[i].member
            || !fset_equal(a->v[i].below, b->v[i].below))
            return false;
    return true;
}

/* ---- two sets side by side --------------------------------------------------------------------- */

/* What becomes of a node that is in x (`a`), in y (`b`), or in both; the other is NULL. */
typedef void merge_fn(struct fset *out, const struct fset_node *a, const struct fset_node *b);

static struct fset *merge(struct arena *arena, const struct fset *x, const struct fset *y, merge_fn *fn)
{
    struct fset *out = fset_new(arena);
    size_t i = 0, k = 0, n = x ? x->n : 0, m = y ? y->n : 0;

    while (i < n || k < m) {
        int order = i == n ? 1 : k == m ? -1 : element_order(x->v[i].element, y->v[k].element);
        fn(out, order <= 0 ? &x->v[i] : NULL, order >= 0 ? &y->v[k] : NULL);
        i += order <= 0;
        k += order >= 0;
    }
    return out;
}

static void keep(struct fset *out, const char *element, bool member, struct fset *below)
{
    if (member || !fset_empty(below))
        append(out, element, member, below);
}

static void union_node(struct fset *out, const struct fset_node *a, const struct fset_node *b)
{
    if (a && b)
        keep(out, a->element, a->member || b->member,
             a->below && b->below ? fset_union(out->arena, a->below, b->below) : a->below ? a->below : b->below);
    else
        keep(out, (a ? a : b)->element, (a ? a : b)->member, (a ? a : b)->below);
}

struct fset *fset_union(struct arena *a, const struct fset *x, const struct fset *y)
{
    return merge(a, x, y, union_node);
}

static void intersection_node(struct fset *out, const struct fset_node *a, const struct fset_node *b)
{
    if (a && b)
        keep(out, a->element, a->member && b->member,
             a->below && b->below ? fset_intersection(out->arena, a->below, b->below) : NULL);
}

struct fset *fset_intersection(struct arena *a, const struct fset *x, const struct fset *y)
{
    return merge(a, x, y, intersection_node);
}

static void difference_node(struct fset *out, const struct fset_node *a, const struct fset_node *b)
{
    if (a && b)
        keep(out, a->element, a->member && !b->member,
             a->below && b->below ? fset_difference(out->arena, a->below, b->below) : a->below);
    else if (a)
        keep(out, a->element, a->member, a->below);
}

struct fset *fset_difference(struct arena *a, const struct fset *x, const struct fset *y)
{
    return merge(a, x, y, difference_node);
}

static void subtract_node(struct fset *out, const struct fset_node *a, const struct fset_node *b)
{
    if (a && b && b->member)
        return;
    if (a && b)
        keep(out, a->element, a->member,
             a->below && b->below ? fset_subtract(out->arena, a->below, b->below) : a->below);
    else if (a)
        keep(out, a->element, a->member, a->below);
}

struct fset *fset_subtract(struct arena *a, const struct fset *x, const struct fset *y)
{
    return merge(a, x, y, subtract_node);
}

/* ---- fieldsV1 ---------------------------------------------------------------------------------- */

json_t *fset_to_json(const struct fset *s)
{
    json_t *out = json_object();

    for (size_t i = 0; s && i < s->n; i++) {
        json_t *below = s->v[i].below ? fset_to_json(s->v[i].below) : json_object();
        if (s->v[i].below && s->v[i].member) {
            json_t *with_self = json_pack("{s:{}}", ".");
            json_object_update(with_self, below);
            json_decref(below);
            below = with_self;
        }
        json_object_set_new_nocheck(out, s->v[i].element, below);
    }
    return out;
}

enum { DEPTH_MAX = 500 };

static int read_below(struct fset *s, const json_t *fields, unsigned depth, struct err *e)
{
    const char *key;
    json_t *below;

    if (!json_is_object(fields) || depth > DEPTH_MAX)
        return err_set(e, ERR_INVALID, "fieldsV1 must be objects all the way down");
    json_object_foreach((json_t *)fields, key, below) {
        bool found;
        if (streq(key, "."))
            continue;
        if (!fieldpath_valid(key))
            return err_set(e, ERR_INVALID, "\"%s\" is no path element", key);
        size_t at = position(s, key, &found);
        struct fset_node *node = found ? &s->v[at] : open_at(s, at);
        node->element = arena_strdup(s->arena, key);
        node->member = !json_object_size(below) || json_object_get(below, ".");
        node->below = fset_new(s->arena);
        int r = read_below(node->below, below, depth + 1, e);
        if (r < 0)
            return r;
        if (fset_empty(node->below))
            node->below = NULL;
    }
    return 0;
}

int fset_from_json(struct arena *a, const json_t *fields, struct fset **ret, struct err *e)
{
    struct fset *s = fset_new(a);
    int r = !fields || json_is_null(fields) ? 0 : read_below(s, fields, 0, e);

    if (r == 0)
        *ret = s;
    return r;
}

/* The members of a level come before what lies below any of them. */
static void each_below(const struct fset *s, struct buf *path, fset_path_fn *each, void *arg)
{
    size_t len = path->len;

    for (size_t i = 0; s && i < s->n; i++) {
        if (!s->v[i].member)
            continue;
        fieldpath_print(path, s->v[i].element);
        each(arg, path->data);
        path->len = len;
        path->data[len] = '\0';
    }
    for (size_t i = 0; s && i < s->n; i++) {
        if (!s->v[i].below)
            continue;
        fieldpath_print(path, s->v[i].element);
        each_below(s->v[i].below, path, each, arg);
        path->len = len;
        path->data[len] = '\0';
    }
}

void fset_each(const struct fset *s, fset_path_fn *each, void *arg)
{
    cleanup_buf struct buf path = BUF_INIT;

    buf_add_str(&path, "");
    each_below(s, &path, each, arg);
}
