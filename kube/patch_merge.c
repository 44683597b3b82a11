#include "kube/patch_merge.h"

#include "kube/json_priv.h"

static bool is_container(const json_t *v)
{
    return json_is_object(v) || json_is_array(v);
}

/* ---- pruning ---------------------------------------------------------------------------------- */

struct level {
    const json_t *from;
    json_t *to;
    void *iter;
    size_t i;
};

typedef DYN(struct level) levels_t;

static json_t *empty_like(const json_t *v)
{
    return json_is_object(v) ? json_object() : json_array();
}

static void push_level(levels_t *stack, const json_t *from, json_t *to)
{
    *dyn_push(stack) = (struct level){
        from, to, json_is_object(from) ? json_object_iter((json_t *)from) : NULL, 0
    };
}

/* The next child that stays, put into the copy; false at the end. */
static bool prune_next(struct level *top, const json_t **ret_from, json_t **ret_to)
{
    const json_t *child;
    json_t *copy;

    if (json_is_array(top->from)) {
        child = json_array_get(top->from, top->i++);
        if (!child)
            return false;
        copy = is_container(child) ? empty_like(child) : json_incref((json_t *)child);
        json_array_append_new(top->to, copy);
    } else {
        while (top->iter && json_is_null(json_object_iter_value(top->iter)))
            top->iter = json_object_iter_next((json_t *)top->from, top->iter);
        if (!top->iter)
            return false;
        child = json_object_iter_value(top->iter);
        copy = is_container(child) ? empty_like(child) : json_incref((json_t *)child);
        json_object_add_new(top->to, json_object_iter_key(top->iter),
                            json_object_iter_key_len(top->iter), copy);
        top->iter = json_object_iter_next((json_t *)top->from, top->iter);
    }
    *ret_from = child;
    *ret_to = copy;
    return true;
}

/* A copy without members that are null. */
static json_t *pruned(const json_t *v)
{
    levels_t stack = { 0 };
    json_t *root, *to;
    const json_t *from;

    if (!is_container(v))
        return json_incref((json_t *)v);
    root = empty_like(v);
    push_level(&stack, v, root);
    while (stack.n) {
        if (!prune_next(&stack.v[stack.n - 1], &from, &to))
            stack.n--;
        else if (is_container(from))
            push_level(&stack, from, to);
    }
    dyn_release(&stack);
    return root;
}

/* ---- merging ---------------------------------------------------------------------------------- */

/* json_own_member for keys of any bytes. */
static json_t *own_member(json_t *owner, const char *key, size_t len)
{
    json_t *child = json_object_getn(owner, key, len);

    if (child->refcount > 1) {
        child = json_copy(child);
        json_object_setn_new_nocheck(owner, key, len, child);
    }
    return child;
}

static void remove_member(json_t *o, const char *key, size_t len)
{
    if (!json_object_getn(o, key, len))
        return;
    json_object_setn_new_nocheck(o, key, len, json_null());      /* the old value goes our way */
    json_object_deln(o, key, len);
}

/* Merges one member into `o`; the pair to go down into, if both are objects. */
static json_t *merge_member(json_t *o, const char *key, size_t len, const json_t *value)
{
    const json_t *old = json_object_getn(o, key, len);

    if (json_is_null(value))
        remove_member(o, key, len);
    else if (!json_is_object(old))
        json_object_setn_new_nocheck(o, key, len, pruned(value));
    else if (!json_is_object(value))
        json_object_setn_new_nocheck(o, key, len, json_incref((json_t *)value));
    else
        return own_member(o, key, len);
    return NULL;
}

json_t *merge_patch_merge(const json_t *doc, const json_t *patch)
{
    json_t *root = json_copy((json_t *)doc);
    levels_t stack = { 0 };

    push_level(&stack, patch, root);
    while (stack.n) {
        struct level *top = &stack.v[stack.n - 1];
        const json_t *value;
        json_t *down;

        if (!top->iter) {
            stack.n--;
            continue;
        }
        value = json_object_iter_value(top->iter);
        down = merge_member(top->to, json_object_iter_key(top->iter),
                            json_object_iter_key_len(top->iter), value);
        top->iter = json_object_iter_next((json_t *)top->from, top->iter);
        if (down)
            push_level(&stack, value, down);
    }
    dyn_release(&stack);
    return root;
}

/* ---- from bytes ------------------------------------------------------------------------------- */

static int check_types(const json_t *patch, const struct patch_notes *notes, bool validate,
                       struct apierr *err)
{
    if (validate && !json_is_object(patch) && !json_is_null(patch))
        return apierr_set(err, APIERR_BAD_REQUEST,
                          "error decoding patch: json: cannot unmarshal %s into Go value of type "
                          "map[string]interface {}", go_json_type(patch));
    if (validate && notes->json.overflow)
        return apierr_set(err, APIERR_BAD_REQUEST,
                          "error decoding patch: json: cannot unmarshal number %s into Go value of type "
                          "float64", notes->json.overflow);
    if (!is_container(patch))
        return apierr_set(err, APIERR_BAD_REQUEST, "Invalid JSON Patch");
    return 0;
}

static void keep_duplicates(struct arena *arena, struct patch_notes *notes)
{
    notes->n_strict = notes->json.n_duplicates;
    notes->strict = arena_alloc(arena, notes->n_strict * sizeof(*notes->strict) + 1);
    for (size_t i = 0; i < notes->n_strict; i++)
        notes->strict[i] = arena_printf(arena, "duplicate field \"%s\"", notes->json.duplicates[i]);
}

int merge_patch_apply(struct arena *arena, const json_t *doc, const char *text, size_t len,
                      bool validate, struct patch_notes *ret_notes, json_t **ret, struct apierr *err)
{
    struct patch_notes notes = { .json = JSON_NOTES_IN(arena) };
    struct err e = ERR_IN(arena);
    json_auto_t *patch = json_parse(text, len, 0, &notes.json, &e);
    int r;

    if (!patch && validate)
        return apierr_set(err, APIERR_BAD_REQUEST, "error decoding patch: %s", err_message(&e));
    if (!patch)
        return apierr_set(err, APIERR_BAD_REQUEST, "Invalid JSON Patch");
    r = check_types(patch, &notes, validate, err);
    if (r < 0)
        return r;
    if (validate)
        keep_duplicates(arena, &notes);
    *ret = json_is_object(patch) ? merge_patch_merge(doc, patch) : pruned(patch);
    patch_sort_own(*ret);
    if (ret_notes)
        *ret_notes = notes;
    return 0;
}

/* ---- diff ------------------------------------------------------------------------------------- */

struct diff_level {
    const json_t *from, *to;
    json_t *patch;
    void *iter;
};

typedef DYN(struct diff_level) diff_levels_t;

/* Members that are gone become null. */
static void push_diff(diff_levels_t *stack, const json_t *from, const json_t *to, json_t *patch)
{
    for (void *it = json_object_iter((json_t *)from); it; it = json_object_iter_next((json_t *)from, it))
        if (!json_object_getn(to, json_object_iter_key(it), json_object_iter_key_len(it)))
            json_object_add_new(patch, json_object_iter_key(it), json_object_iter_key_len(it),
                                json_null());
    *dyn_push(stack) = (struct diff_level){ from, to, patch, json_object_iter((json_t *)to) };
}

json_t *merge_patch_diff(const json_t *from, const json_t *to)
{
    json_t *root = json_object();
    diff_levels_t stack = { 0 };

    push_diff(&stack, from, to, root);
    while (stack.n) {
        struct diff_level *top = &stack.v[stack.n - 1];
        const json_t *old, *value;
        const char *key;
        size_t len;
        json_t *down;

        if (!top->iter) {
            stack.n--;
            continue;
        }
        key = json_object_iter_key(top->iter);
        len = json_object_iter_key_len(top->iter);
        value = json_object_iter_value(top->iter);
        old = json_object_getn(top->from, key, len);
        top->iter = json_object_iter_next((json_t *)top->to, top->iter);
        if (old && json_same(old, value))
            continue;
        down = json_is_object(old) && json_is_object(value) ? json_object()
                                                            : json_incref((json_t *)value);
        json_object_setn_new_nocheck(top->patch, key, len, down);
        if (json_is_object(old) && json_is_object(value))
            push_diff(&stack, old, value, down);
    }
    dyn_release(&stack);
    return root;
}
