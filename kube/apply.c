#include "kube/apply.h"

#include "kube/decode.h"

#include <stdio.h>

#include "kube/json.h"
#include "kube/typed.h"

/* What nobody owns: the server's own bookkeeping (E-112). */
static const char stripped[] =
    "{\"f:apiVersion\":{},\"f:kind\":{},\"f:metadata\":{\".\":{},\"f:clusterName\":{},\"f:creationTimestamp\":{},"
    "\"f:generation\":{},\"f:managedFields\":{},\"f:name\":{},\"f:namespace\":{},\"f:resourceVersion\":{},"
    "\"f:selfLink\":{},\"f:uid\":{}}}";

enum { UPDATERS_MAX = 10 };

struct manager {
    const char *name, *operation, *api_version, *subresource, *time;
    struct fset *fields;
    bool applied;
};

/* The managers of an object, in no particular order until they are written. */
struct managers {
    struct arena *arena;
    struct manager *v;
    size_t n, cap;
};

static struct manager *managers_add(struct managers *m, struct manager one)
{
    if (m->n == m->cap) {
        size_t cap = m->cap ? m->cap * 2 : 4;
        struct manager *v = arena_alloc(m->arena, cap * sizeof(*v));
        if (m->n)
            memcpy(v, m->v, m->n * sizeof(*v));
        m->v = v;
        m->cap = cap;
    }
    m->v[m->n] = one;
    return &m->v[m->n++];
}

static void managers_remove(struct managers *m, size_t at)
{
    memmove(&m->v[at], &m->v[at + 1], (m->n - at - 1) * sizeof(*m->v));
    m->n--;
}

static void drop_empty(struct managers *m)
{
    for (size_t i = m->n; i-- > 0;)
        if (fset_empty(m->v[i].fields))
            managers_remove(m, i);
}

/* One entry per (manager, operation, version, subresource); for an applier the version does not count. */
static bool same_identity(const struct manager *a, const struct manager *b)
{
    return a->applied == b->applied && streq(a->name, b->name) && streq(a->subresource, b->subresource)
           && (a->applied || streq(a->api_version, b->api_version));
}

static struct manager *managers_find(struct managers *m, const struct manager *who)
{
    for (size_t i = 0; i < m->n; i++)
        if (same_identity(&m->v[i], who))
            return &m->v[i];
    return NULL;
}

/* ---- managedFields to managers and back --------------------------------------------------------- */

static const char *text_of(const json_t *entry, const char *key)
{
    const char *s = json_string_value(json_object_get(entry, key));

    return s ? s : "";
}

static bool read_entry(struct managers *m, const json_t *entry)
{
    const char *operation = text_of(entry, "operation");
    struct manager one = { .name = text_of(entry, "manager"), .operation = operation,
                           .api_version = text_of(entry, "apiVersion"),
                           .subresource = text_of(entry, "subresource"), .time = text_of(entry, "time"),
                           .applied = streq(operation, "Apply") };
    const char *type = text_of(entry, "fieldsType");

    if ((!one.applied && !streq(operation, "Update")) || !*one.api_version || (*type && !streq(type, "FieldsV1"))
        || fset_from_json(m->arena, json_object_get(entry, "fieldsV1"), &one.fields, NULL) < 0)
        return false;
    struct manager *same = managers_find(m, &one);
    if (same)
        *same = one;
    else
        managers_add(m, one);
    return true;
}

static bool read_managers(struct managers *m, const json_t *obj)
{
    size_t i;
    json_t *entry;

    m->n = 0;
    json_array_foreach(json_path(obj, "metadata.managedFields"), i, entry)
        if (!read_entry(m, entry)) {
            m->n = 0;
            return false;
        }
    return true;
}

/* By operation, time, name, version, subresource (E-114). */
static int written_order(const void *x, const void *y)
{
    const struct manager *a = x, *b = y;
    const char *const left[] = { a->operation, a->time, a->name, a->api_version, a->subresource };
    const char *const right[] = { b->operation, b->time, b->name, b->api_version, b->subresource };

    for (size_t i = 0; i < ARRAY_SIZE(left); i++) {
        int order = strcmp(left[i], right[i]);
        if (order)
            return order;
    }
    return 0;
}

static json_t *entry_of(const struct manager *one)
{
    json_t *e = json_object();

    if (*one->name)
        json_object_set_new(e, "manager", json_string(one->name));
    json_object_set_new(e, "operation", json_string(one->operation));
    json_object_set_new(e, "apiVersion", json_string(one->api_version));
    if (*one->time)
        json_object_set_new(e, "time", json_string(one->time));
    json_object_set_new(e, "fieldsType", json_string("FieldsV1"));
    json_object_set_new(e, "fieldsV1", fset_to_json(one->fields));
    if (*one->subresource)
        json_object_set_new(e, "subresource", json_string(one->subresource));
    return e;
}

static json_t *with_managers(const json_t *obj, struct managers *m)
{
    json_t *list;

    if (m->n == 0)
        return json_without(obj, "metadata.managedFields");
    qsort(m->v, m->n, sizeof(*m->v), written_order);
    list = json_array();
    for (size_t i = 0; i < m->n; i++)
        json_array_append_new(list, entry_of(&m->v[i]));
    return json_with(obj, "metadata.managedFields", list);
}

/* ---- the update of an object's managers -------------------------------------------------------- */

static struct fset *fixed_set(struct arena *a, const char *text)
{
    json_auto_t *v = text ? json_parse_str(text) : NULL;
    struct fset *s = NULL;

    if (!v || fset_from_json(a, v, &s, NULL) < 0)
        return fset_new(a);
    return s;
}

static void strip_all(struct managers *m)
{
    struct fset *gone = fixed_set(m->arena, stripped);

    for (size_t i = 0; i < m->n; i++)
        m->v[i].fields = fset_difference(m->arena, m->v[i].fields, gone);
    drop_empty(m);
}

static struct typed_comparison compare_without_reset(const struct apply_write *w, const json_t *live,
                                                     const json_t *next)
{
    struct typed_comparison c = typed_compare(w->arena, ftype_root(w->schema), live, next);
    struct fset *reset = fixed_set(w->arena, w->reset_fields);

    c.added = fset_subtract(w->arena, c.added, reset);
    c.modified = fset_subtract(w->arena, c.modified, reset);
    c.removed = fset_subtract(w->arena, c.removed, reset);
    return c;
}

/* The others lose what this write changed or took away. `except` keeps its own. */
static void take_from_others(struct managers *m, const struct manager *except, const struct typed_comparison *c)
{
    struct fset *changed = fset_union(m->arena, c->modified, c->added);

    for (size_t i = 0; i < m->n; i++) {
        if (except && same_identity(&m->v[i], except))
            continue;
        m->v[i].fields = fset_difference(m->arena, m->v[i].fields, changed);
        m->v[i].fields = fset_difference(m->arena, m->v[i].fields, c->removed);
    }
}

/* Whom the request meant: managedFields sent by hand count unless they are nonsense; [] and [{}] mean
 * "start anew"; a subresource's are ignored (E-118). */
static void managers_for_update(const struct apply_write *w, struct managers *m, const json_t *live,
                                const json_t *next)
{
    const json_t *sent = json_path(next, "metadata.managedFields");

    if (!*w->subresource && json_is_array(sent)
        && (!json_array_size(sent)
            || (json_array_size(sent) == 1 && !json_object_size(json_array_get(sent, 0)))))
        return;
    if (!*w->subresource && read_managers(m, next) && m->n)
        return;
    read_managers(m, live);
}

static int oldest_first(const void *x, const void *y)
{
    const struct manager *a = *(struct manager *const *)x, *b = *(struct manager *const *)y;
    int order = strcmp(a->time, b->time);

    if (!order)
        order = strcmp(a->name, b->name);
    if (!order)
        order = strcmp(a->api_version, b->api_version);
    return order ? order : strcmp(a->subresource, b->subresource);
}

/* More than ten updaters: the oldest of a version are poured together (E-116). */
static void cap_updaters(struct managers *m)
{
    struct manager **old = arena_alloc(m->arena, (m->n + 1) * sizeof(*old));
    size_t n = 0, left;

    for (size_t i = 0; i < m->n; i++)
        if (!m->v[i].applied)
            old[n++] = &m->v[i];
    if (n <= UPDATERS_MAX)
        return;
    qsort(old, n, sizeof(*old), oldest_first);
    left = n;
    for (size_t i = 0; i < n && left > UPDATERS_MAX; i++) {
        struct manager *bucket = NULL;
        for (size_t k = 0; k < i && !bucket; k++)
            if (old[k]->fields && streq(old[k]->api_version, old[i]->api_version))
                bucket = old[k];
        if (!bucket)
            continue;
        bucket->name = "ancient-changes";
        bucket->subresource = "";
        bucket->fields = fset_union(m->arena, bucket->fields, old[i]->fields);
        bucket->time = old[i]->time;
        old[i]->fields = NULL;
        left--;
    }
    drop_empty(m);
}

static struct manager self_of(const struct apply_write *w, bool applied)
{
    return (struct manager){ .name = w->manager, .operation = applied ? "Apply" : "Update",
                             .api_version = w->api_version, .subresource = w->subresource, .time = w->now,
                             .applied = applied };
}

json_t *apply_update(const struct apply_write *w, const json_t *live, const json_t *next)
{
    struct managers m = { .arena = w->arena };
    struct manager self = self_of(w, false), *mine;
    json_auto_t *bare_live = json_without(live, "metadata.managedFields");
    json_auto_t *bare_next = json_without(next, "metadata.managedFields");
    struct typed_comparison c;

    managers_for_update(w, &m, live, next);
    c = compare_without_reset(w, bare_live, bare_next);
    take_from_others(&m, NULL, &c);
    self.fields = fset_union(w->arena, c.modified, c.added);
    self.fields = fset_difference(w->arena, self.fields, fixed_set(w->arena, stripped));
    mine = managers_find(&m, &self);
    if (mine && !fset_empty(self.fields)) {
        mine->fields = fset_union(w->arena, self.fields, mine->fields);
        mine->time = w->now;
    } else if (!mine && !fset_empty(self.fields)) {
        managers_add(&m, self);
    }
    strip_all(&m);
    cap_updaters(&m);
    return with_managers(bare_next, &m);
}

/* ---- apply ------------------------------------------------------------------------------------- */

struct conflict_list {
    struct arena *arena;
    struct conflict {
        const char *who, *path;
    } *v;
    size_t n, cap;
    const char *who;
};

static void note_conflict(void *arg, const char *path)
{
    struct conflict_list *l = arg;

    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 8;
        struct conflict *v = arena_alloc(l->arena, cap * sizeof(*v));
        if (l->n)
            memcpy(v, l->v, l->n * sizeof(*v));
        l->v = v;
        l->cap = cap;
    }
    l->v[l->n++] = (struct conflict){ l->who, arena_strdup(l->arena, path) };
}

/* `"m" using apps/v1 at 2024-01-02T03:04:05Z`; an applier is named alone. */
static const char *described(struct arena *a, const struct manager *one)
{
    struct buf b = BUF_INIT;
    const char *text;

    buf_printf(&b, "\"%s\"", one->name);
    if (*one->subresource)
        buf_printf(&b, " with subresource \"%s\"", one->subresource);
    if (!one->applied) {
        buf_printf(&b, " using %s", one->api_version);
        if (*one->time)
            buf_printf(&b, " at %s", one->time);
    }
    text = arena_strdup(a, b.data);
    buf_release(&b);
    return text;
}

static int conflict_order(const void *x, const void *y)
{
    const struct conflict *a = x, *b = y;
    int order = strcmp(a->who, b->who);

    return order ? order : strcmp(a->path, b->path);
}

static int conflict_error(struct conflict_list *l, struct apierr *err)
{
    struct buf b = BUF_INIT;
    int r;

    qsort(l->v, l->n, sizeof(*l->v), conflict_order);
    buf_printf(&b, "Apply failed with %zu conflict%s: ", l->n, l->n == 1 ? "" : "s");
    for (size_t i = 0; i < l->n;) {
        size_t k = i;
        while (k < l->n && streq(l->v[k].who, l->v[i].who))
            k++;
        buf_printf(&b, "%sconflict%s with %s:", i ? "\n" : "", k - i == 1 ? "" : "s", l->v[i].who);
        if (k - i == 1)
            buf_printf(&b, " %s", l->v[i].path);
        else
            for (size_t n = i; n < k; n++)
                buf_printf(&b, "\n- %s", l->v[n].path);
        i = k;
    }
    r = apierr_set(err, APIERR_CONFLICT, "%s", b.data);
    buf_release(&b);
    if (err)
        err->has_details = true;
    for (size_t i = 0; i < l->n; i++)
        apierr_cause(err, "FieldManagerConflict", l->v[i].path, "conflict with %s", l->v[i].who);
    return r;
}

/* What other managers own of what this apply changes. */
static void find_conflicts(struct managers *m, const struct manager *self, const struct typed_comparison *c,
                           struct conflict_list *l)
{
    struct fset *changed = fset_union(m->arena, c->modified, c->added);

    for (size_t i = 0; i < m->n; i++) {
        if (same_identity(&m->v[i], self))
            continue;
        l->who = described(m->arena, &m->v[i]);
        fset_each(fset_intersection(m->arena, m->v[i].fields, changed), note_conflict, l);
    }
}

/* Takes out what this manager applied last time and does not say any more, unless somebody else owns it or
 * it holds up something that stays (E-137). */
static json_t *prune(const struct apply_write *w, struct managers *m, const json_t *merged,
                     const struct fset *last)
{
    struct arena *a = w->arena;
    struct ftype t = ftype_root(w->schema);
    struct fset *all, *kept, *owned = fset_new(a), *gone, *last_named;
    json_t *first, *second, *third;

    if (fset_empty(last))
        return json_incref((json_t *)merged);
    last_named = typed_with_parents(a, t, last);
    first = typed_without(t, merged, last_named);
    for (size_t i = 0; i < m->n; i++)
        owned = fset_union(a, owned, m->v[i].fields);

    /* Back in: what is owned by anybody, this apply included. */
    all = typed_with_parents(a, t, typed_fields(a, t, merged));
    kept = fset_union(a, typed_with_parents(a, t, typed_fields(a, t, first)), typed_with_parents(a, t, owned));
    second = typed_without(t, merged, fset_difference(a, all, kept));
    json_decref(first);

    /* Back in: what was never owned through the last apply, but fell with its parent. */
    kept = typed_with_parents(a, t, typed_fields(a, t, second));
    gone = fset_intersection(a, fset_difference(a, all, kept), last_named);
    third = typed_without(t, merged, gone);
    json_decref(second);
    return third;
}

/* Null members that pruning left behind, the emptied parents, go; what the config says to be empty is. */
static json_t *without_nulls(const json_t *v, const json_t *before, const json_t *config)
{
    const char *key;
    json_t *x, *out;

    if (!json_is_object(v) || v == before)
        return json_incref((json_t *)v);
    out = json_object();
    json_object_foreach((json_t *)v, key, x) {
        const json_t *was = json_object_get(before, key), *said = json_object_get(config, key);
        if (!json_is_null(x) || !was || json_is_null(was))
            json_object_set_new_nocheck(out, key, without_nulls(x, was, said));
        else if (said && !json_is_null(said))
            json_object_set_nocheck(out, key, (json_t *)said);
    }
    return out;
}

static int check_config(const struct apply_write *w, const json_t *config, struct apierr *err)
{
    const char *wrong = typed_check(w->arena, ftype_root(w->schema), config);
    const char *version = w->api_version, *slash = strchr(version, '/');
    const char *namespace = text_of(json_object_get(config, "metadata"), "namespace");

    if (json_array_size(json_path(config, "metadata.managedFields")))
        return apierr_set(err, APIERR_BAD_REQUEST, "metadata.managedFields must be nil");
    if (!wrong)
        return 0;
    return apierr_set(err, APIERR_UNKNOWN,
                      "failed to create typed patch object (%s/%s; %s%s, Kind=%s): %s",
                      namespace, text_of(json_object_get(config, "metadata"), "name"),
                      slash ? "" : "/", version, text_of(config, "kind"), wrong);
}

/* The object had no managers: what it already holds belongs to a time before (E-117). */
static void add_before_first_apply(const struct apply_write *w, struct managers *m, const json_t *live)
{
    json_auto_t *empty = apply_empty_object(w->schema, w->api_version, text_of(live, "kind"));
    struct typed_comparison c = typed_compare(w->arena, ftype_root(w->schema), empty, live);
    struct manager before = { .name = "before-first-apply", .operation = "Update",
                              .api_version = w->api_version, .subresource = "", .time = w->now };

    before.fields = fset_difference(w->arena, fset_union(w->arena, c.added, c.modified),
                                    fixed_set(w->arena, stripped));
    if (!fset_empty(before.fields))
        managers_add(m, before);
}

int apply_merge(const struct apply_write *w, const json_t *live, bool is_new, const json_t *config,
                bool force, json_t **ret, struct apierr *err)
{
    struct ftype t = ftype_root(w->schema);
    struct managers m = { .arena = w->arena };
    struct manager self = self_of(w, true), *mine;
    struct conflict_list conflicts = { .arena = w->arena };
    struct fset *last = NULL;
    json_auto_t *bare = json_without(live, "metadata.managedFields"), *merged = NULL, *pruned = NULL,
                *next = NULL;
    struct typed_comparison c;
    int r = check_config(w, config, err);

    if (r < 0)
        return r;
    read_managers(&m, live);
    if (!m.n && !is_new)
        add_before_first_apply(w, &m, bare);
    merged = typed_merge(t, bare, config);
    self.fields = fset_subtract(w->arena, typed_fields(w->arena, t, config),
                                fixed_set(w->arena, w->reset_fields));
    self.fields = fset_difference(w->arena, self.fields, fixed_set(w->arena, stripped));
    mine = managers_find(&m, &self);
    if (mine) {
        last = mine->fields;
        self.time = fset_equal(last, self.fields) ? mine->time : w->now;
        *mine = self;
    } else {
        managers_add(&m, self);
    }
    pruned = prune(w, &m, merged, last);
    next = without_nulls(pruned, merged, config);
    c = compare_without_reset(w, bare, next);
    find_conflicts(&m, &self, &c, &conflicts);
    if (conflicts.n && !force)
        return conflict_error(&conflicts, err);
    take_from_others(&m, &self, &c);
    mine = managers_find(&m, &self);
    if (mine && !(fset_empty(c.added) && fset_empty(c.modified) && fset_empty(c.removed)))
        mine->time = w->now;
    strip_all(&m);
    *ret = with_managers(next, &m);
    if (!is_new && json_same(*ret, live)) {
        json_decref(*ret);
        *ret = NULL;
    }
    return 0;
}

/* ---- odds and ends ------------------------------------------------------------------------------ */

json_t *apply_empty_object(const struct schema *s, const char *api_version, const char *kind)
{
    json_t *out = s && s->name ? decode_zero(s) : json_object();

    json_object_set_new(out, "apiVersion", json_string(api_version));
    json_object_set_new(out, "kind", json_string(kind));
    if (!json_object_get(out, "metadata"))
        json_object_set_new(out, "metadata", json_object());
    return out;
}

const char *apply_manager_name(struct arena *a, const char *field_manager, const char *user_agent)
{
    size_t len;

    if (!str_empty(field_manager))
        return field_manager;
    if (str_empty(user_agent))
        return "unknown";
    len = strcspn(user_agent, "/");
    return arena_strndup(a, user_agent, len > 128 ? 128 : len);
}

static json_t *without_times(const json_t *obj)
{
    json_t *list = json_path(obj, "metadata.managedFields"), *out = json_array(), *entry;
    size_t i;

    json_array_foreach(list, i, entry)
        json_array_append_new(out, json_without(entry, "time"));
    return json_with(obj, "metadata.managedFields", out);
}

bool apply_same_but_times(const json_t *a, const json_t *b)
{
    if (json_same(a, b))
        return true;
    json_auto_t *x = without_times(a), *y = without_times(b);
    return json_same(x, y);
}
