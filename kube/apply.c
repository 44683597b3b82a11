#include "kube/apply.h"

#include "kube/decode.h"
#include "kube/json.h"
#include "kube/managers.h"
#include "kube/object.h"
#include "kube/typed.h"

/* What nobody owns: the server's own bookkeeping (E-112). */
static const char *const stripped[][2] = {
    { "f:apiVersion" }, { "f:kind" }, { "f:metadata" }, { "f:metadata", "f:clusterName" },
    { "f:metadata", "f:creationTimestamp" }, { "f:metadata", "f:generation" }, { "f:metadata", "f:managedFields" },
    { "f:metadata", "f:name" }, { "f:metadata", "f:namespace" }, { "f:metadata", "f:resourceVersion" },
    { "f:metadata", "f:selfLink" }, { "f:metadata", "f:uid" },
};

static const char last_applied[] = "kubectl.kubernetes.io/last-applied-configuration";

static struct fset *set_from_text(struct arena *a, const char *text)
{
    json_auto_t *v = text ? json_parse_str(text) : NULL;
    struct fset *s = NULL;

    if (!v || fset_from_json(a, v, &s, NULL) < 0)
        return fset_new(a);
    return s;
}

static struct fset *without_stripped(struct arena *a, const struct fset *s)
{
    struct fset *nobodys = fset_new(a);

    for (size_t i = 0; i < ARRAY_SIZE(stripped); i++)
        fset_insert(nobodys, stripped[i], stripped[i][1] ? 2 : 1);
    return fset_difference(a, s, nobodys);
}

/* ---- versions ------------------------------------------------------------------------------------ */

/* An object in one of its versions, and how it merges there. */
struct versioned {
    const char *version;
    json_t *obj;                       /* a reference; NULL: there is no such version */
    struct ftype t;
};

static struct versioned in_version(const struct apply_write *w, const json_t *obj, const char *version)
{
    const struct schema *schema = w->schema;
    bool itself = streq(version, w->api_version) && streq(version, obj_api_version(obj));
    json_t *out = w->convert && !itself ? w->convert(w->convert_arg, obj, version, &schema) : json_incref((json_t *)obj);

    return (struct versioned){ version, out, ftype_root(schema) };
}

/* What a write changes, as each version sees it; worked out when first asked for. */
struct changes {
    const struct apply_write *w;
    const json_t *live, *next;
    struct change {
        const char *version;
        bool known;
        struct typed_comparison c;
    } *v;
    size_t n;
};

static struct typed_comparison compare_without_reset(const struct apply_write *w, struct ftype t, const json_t *live,
                                                     const json_t *next)
{
    struct typed_comparison c = typed_compare(w->arena, t, live, next);
    struct fset *reset = set_from_text(w->arena, w->reset_fields);

    c.added = fset_subtract(w->arena, c.added, reset);
    c.modified = fset_subtract(w->arena, c.modified, reset);
    c.removed = fset_subtract(w->arena, c.removed, reset);
    return c;
}

/* `most`: how many versions there can be. */
static struct changes changes_of(const struct apply_write *w, const json_t *live, const json_t *next, size_t most)
{
    return (struct changes){ w, live, next, arena_alloc(w->arena, (most + 1) * sizeof(struct change)), 0 };
}

/* NULL where there is no such version. */
static const struct typed_comparison *changes_in(struct changes *s, const char *version)
{
    struct change *one;

    for (size_t i = 0; i < s->n; i++)
        if (streq(s->v[i].version, version))
            return s->v[i].known ? &s->v[i].c : NULL;
    one = &s->v[s->n++];
    *one = (struct change){ .version = version };
    struct versioned live = in_version(s->w, s->live, version), next = in_version(s->w, s->next, version);
    one->known = live.obj && next.obj;
    if (one->known)
        one->c = compare_without_reset(s->w, live.t, live.obj, next.obj);
    json_decref(live.obj);
    json_decref(next.obj);
    return one->known ? &one->c : NULL;
}

/* ---- whose fields a write touches ------------------------------------------------------------------ */

/* A manager and what of its own is changed. */
struct conflict {
    const struct field_manager *who;
    struct fset *fields;
};

struct conflicts {
    struct conflict *v;
    size_t n;
};

/* The others' fields that change; who wrote in a version that is no more is forgotten. */
static struct conflicts find_conflicts(struct managers *m, const char *self, struct changes *s)
{
    struct conflicts out = { arena_alloc(m->arena, (m->n + 1) * sizeof(struct conflict)), 0 };

    for (size_t i = m->n; i-- > 0;)
        if (!streq(m->v[i].id, self) && !changes_in(s, m->v[i].api_version))
            managers_remove(m, m->v[i].id);
    for (size_t i = 0; i < m->n; i++) {
        if (streq(m->v[i].id, self))
            continue;
        const struct typed_comparison *c = changes_in(s, m->v[i].api_version);
        struct fset *both = fset_intersection(m->arena, m->v[i].fields, fset_union(m->arena, c->modified, c->added));
        if (!fset_empty(both))
            out.v[out.n++] = (struct conflict){ &m->v[i], both };
    }
    return out;
}

/* The others lose what this write changed or took away. */
static void take_from_others(struct managers *m, const char *self, struct changes *s)
{
    for (size_t i = 0; i < m->n; i++) {
        const struct typed_comparison *c = changes_in(s, m->v[i].api_version);
        if (streq(m->v[i].id, self) || !c)
            continue;
        struct fset *gone = fset_union(m->arena, fset_union(m->arena, c->modified, c->added), c->removed);
        m->v[i].fields = fset_difference(m->arena, m->v[i].fields, gone);
    }
    managers_drop_empty(m);
}

/* ---- updates ------------------------------------------------------------------------------------- */

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
    if (!*w->subresource && managers_read(m, sent) && m->n)
        return;
    managers_read(m, json_path(live, "metadata.managedFields"));
}

/* What `live` becoming `next` means for its managers; both without managedFields. */
static void note_update(const struct apply_write *w, struct managers *m, const char *name, const json_t *live,
                        const json_t *next)
{
    struct field_manager self = field_manager_new(w->arena, name, false, w->api_version, w->subresource), *mine;
    struct changes s = changes_of(w, live, next, m->n + 1);
    const struct typed_comparison *c = changes_in(&s, w->api_version);

    if (!c)
        return;
    find_conflicts(m, "", &s);                    /* who is forgotten */
    take_from_others(m, "", &s);
    self.fields = without_stripped(w->arena, fset_union(w->arena, c->modified, c->added));
    self.time = w->now;
    mine = managers_find(m, self.id);
    if (fset_empty(self.fields))
        return;
    if (mine)
        self.fields = fset_union(w->arena, self.fields, mine->fields);
    managers_remove(m, self.id);
    managers_add(m, self);
    managers_cap(m);
}

json_t *apply_update(const struct apply_write *w, const json_t *live, const json_t *next)
{
    struct managers m = { .arena = w->arena };
    json_auto_t *bare_live = json_without(live, "metadata.managedFields");
    json_auto_t *bare_next = json_without(next, "metadata.managedFields");

    managers_for_update(w, &m, live, next);
    /* Of an object that nobody was recorded for at first, nobody is later, but by an apply (E-117). */
    if (m.n || !*obj_uid(live))
        note_update(w, &m, w->manager, bare_live, bare_next);
    return managers_put(&m, bare_next);
}

/* ---- conflicts ------------------------------------------------------------------------------------ */

/* `"m" with subresource "status" using apps/v1`; of an applier the version is not said. */
static const char *described(struct arena *a, const struct field_manager *one)
{
    struct buf b = BUF_INIT;
    const char *text;

    buf_printf(&b, "\"%s\"", one->name);
    if (*one->subresource)
        buf_printf(&b, " with subresource \"%s\"", one->subresource);
    if (!one->applied)
        buf_printf(&b, " using %s", one->api_version);
    text = arena_strdup(a, b.data);
    buf_release(&b);
    return text;
}

static int conflict_order(const void *x, const void *y)
{
    const struct conflict *a = x, *b = y;

    return strcmp(a->who->id, b->who->id);
}

struct telling {
    struct buf text;
    struct apierr *err;
    const char *who;
    size_t n;
};

static void count_path(void *arg, const char *path)
{
    (void)path;
    ++*(size_t *)arg;
}

static void tell_only(void *arg, const char *path)
{
    struct telling *t = arg;

    buf_printf(&t->text, "Apply failed with 1 conflict: conflict with %s: %s", t->who, path);
}

static void tell_path(void *arg, const char *path)
{
    struct telling *t = arg;

    buf_printf(&t->text, "\n- %s", path);
}

static void tell_cause(void *arg, const char *path)
{
    struct telling *t = arg;

    apierr_cause(t->err, "FieldManagerConflict", path, "conflict with %s", t->who);
}

static int conflict_error(struct arena *a, struct conflicts *l, struct apierr *err)
{
    struct telling t = { .text = BUF_INIT, .err = err };
    int r;

    qsort(l->v, l->n, sizeof(*l->v), conflict_order);
    for (size_t i = 0; i < l->n; i++)
        fset_each(l->v[i].fields, count_path, &t.n);
    if (t.n > 1)
        buf_printf(&t.text, "Apply failed with %zu conflicts: ", t.n);
    for (size_t i = 0; i < l->n; i++) {
        t.who = described(a, l->v[i].who);
        if (t.n > 1)
            buf_printf(&t.text, "%sconflicts with %s:", i ? "\n" : "", t.who);
        fset_each(l->v[i].fields, t.n > 1 ? tell_path : tell_only, &t);
    }
    r = apierr_set(err, APIERR_CONFLICT, "%s", t.text.data);
    buf_release(&t.text);
    if (!err)
        return r;
    err->has_details = true;
    for (size_t i = 0; i < l->n; i++) {
        t.who = described(a, l->v[i].who);
        fset_each(l->v[i].fields, tell_cause, &t);
    }
    return r;
}

/* ---- what is no longer said ------------------------------------------------------------------------- */

/* Back in: what is owned in this version by anybody, this apply included. Both objects come out in it. */
static void add_back_owned(const struct apply_write *w, json_t **merged, json_t **pruned, const char *version,
                           const struct fset *owned)
{
    struct arena *a = w->arena;
    struct versioned m = in_version(w, *merged, version), p = in_version(w, *pruned, version);

    if (m.obj && p.obj) {
        struct fset *all = typed_with_parents(a, m.t, typed_fields(a, m.t, m.obj));
        struct fset *kept = fset_union(a, typed_with_parents(a, m.t, typed_fields(a, m.t, p.obj)),
                                       typed_with_parents(a, m.t, owned));
        json_decref(p.obj);
        json_decref(*merged);
        json_decref(*pruned);
        *pruned = typed_without(m.t, m.obj, fset_difference(a, all, kept));
        *merged = m.obj;
        return;
    }
    json_decref(m.obj);
    json_decref(p.obj);
}

static struct fset *owned_in(struct managers *m, const char *version)
{
    struct fset *owned = fset_new(m->arena);

    for (size_t i = 0; i < m->n; i++)
        if (streq(m->v[i].api_version, version))
            owned = fset_union(m->arena, owned, m->v[i].fields);
    return owned;
}

static bool seen_before(const struct managers *m, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (streq(m->v[k].api_version, m->v[i].api_version))
            return true;
    return false;
}

/* Back in: what was never owned through the last apply, but fell with its parent. */
static json_t *add_back_dangling(const struct apply_write *w, const struct versioned *merged, const json_t *pruned,
                                 const struct fset *last_named)
{
    struct arena *a = w->arena;
    struct versioned p = in_version(w, pruned, merged->version);

    if (!p.obj)
        return json_incref(merged->obj);
    struct fset *kept = typed_with_parents(a, p.t, typed_fields(a, p.t, p.obj));
    struct fset *all = typed_with_parents(a, p.t, typed_fields(a, p.t, merged->obj));
    json_decref(p.obj);
    return typed_without(merged->t, merged->obj, fset_intersection(a, fset_difference(a, all, kept), last_named));
}

/* Takes out what this manager applied last time and does not say any more, unless somebody else owns it or
 * it holds up something that stays (E-137). A new reference. */
static json_t *prune(const struct apply_write *w, struct managers *m, const json_t *merged, const struct field_manager *last)
{
    if (!last || fset_empty(last->fields))
        return json_incref((json_t *)merged);
    struct versioned whole = in_version(w, merged, last->api_version);
    if (!whole.obj)
        return json_incref((json_t *)merged);
    struct fset *last_named = typed_with_parents(w->arena, whole.t, last->fields);
    json_t *from = json_incref(whole.obj), *pruned = typed_without(whole.t, whole.obj, last_named);

    add_back_owned(w, &from, &pruned, last->api_version, owned_in(m, last->api_version));
    for (size_t i = 0; i < m->n; i++)
        if (!streq(m->v[i].api_version, last->api_version) && !seen_before(m, i))
            add_back_owned(w, &from, &pruned, m->v[i].api_version, owned_in(m, m->v[i].api_version));
    json_t *kept = add_back_dangling(w, &whole, pruned, last_named);
    struct versioned out = in_version(w, kept, w->api_version);
    json_decref(from);
    json_decref(pruned);
    json_decref(kept);
    json_decref(whole.obj);
    return out.obj ? out.obj : json_incref((json_t *)merged);
}

/* ---- apply ------------------------------------------------------------------------------------------ */

/* managedFields cannot be said in an apply, not even none of them. */
static bool says_managers(const json_t *config)
{
    const json_t *list = json_path(config, "metadata.managedFields"), *entry;
    size_t i;

    json_array_foreach(list, i, entry)
        if (!json_is_object(entry))
            return false;
    return json_is_array(list);
}

static int check_config(const struct apply_write *w, const json_t *config, struct apierr *err)
{
    const char *slash = strchr(w->api_version, '/'), *wrong;

    if (says_managers(config))
        return apierr_set(err, APIERR_BAD_REQUEST, "metadata.managedFields must be nil");
    wrong = typed_check(w->arena, ftype_root(w->schema), config);
    if (!wrong)
        return 0;
    return apierr_set(err, APIERR_UNKNOWN, "failed to create typed patch object (%s/%s; %s%s, Kind=%s): %s",
                      obj_namespace(config), obj_name(config), slash ? "" : "/", w->api_version, obj_kind(config), wrong);
}

/* What an apply starts from and what it makes. */
struct applying {
    const struct apply_write *w;
    const json_t *live, *config;       /* without managedFields */
    struct managers m;
    json_t *next;                      /* NULL: as it was */
};

/* An object without managers: what it already holds belongs to a time before (E-117). */
static void add_before_first_apply(struct applying *p)
{
    json_auto_t *empty = apply_empty_object(p->w->schema, p->w->api_version, obj_kind(p->live));

    if (!p->m.n)
        note_update(p->w, &p->m, "before-first-apply", empty, p->live);
}

static struct managers copy_of(const struct managers *m)
{
    struct managers copy = *m;

    copy.v = m->n ? arena_memdup(m->arena, m->v, m->n * sizeof(*m->v)) : NULL;
    copy.cap = m->n;
    return copy;
}

/* The merge itself. The conflicts, which are an error unless it is forced; p->next and p->m are what comes out. */
static struct conflicts merge(struct applying *p, struct managers *m, bool force)
{
    const struct apply_write *w = p->w;
    struct ftype t = ftype_root(w->schema);
    struct field_manager self = field_manager_new(w->arena, w->manager, true, w->api_version, w->subresource), *mine;
    const struct field_manager *last = NULL;
    json_auto_t *merged = typed_merge(t, p->live, p->config), *next = NULL;

    self.fields = fset_subtract(w->arena, typed_fields(w->arena, t, p->config), set_from_text(w->arena, w->reset_fields));
    mine = managers_find(m, self.id);
    if (mine) {
        last = arena_memdup(w->arena, mine, sizeof(*mine));
        self.time = mine->time;
        *mine = self;
    } else {
        managers_add(m, self);
    }
    next = prune(w, m, merged, last);
    struct changes s = changes_of(w, p->live, next, m->n + 1);
    struct conflicts found = find_conflicts(m, self.id, &s);
    if (found.n && !force)
        return found;
    take_from_others(m, self.id, &s);
    mine = managers_find(m, self.id);
    if (mine && !typed_equal(p->live, next)) {
        mine->time = w->now;
        p->next = STEAL(next);
    }
    if (mine)
        mine->fields = without_stripped(w->arena, mine->fields);
    managers_drop_empty(m);
    p->m = *m;
    return (struct conflicts){ 0 };
}

/* What kubectl applied from its own side before, and nobody changed since: it may take that over (E-126). */
static struct fset *kubectl_owned(struct applying *p)
{
    const struct apply_write *w = p->w;
    struct ftype t = ftype_root(w->schema);
    const char *text = obj_annotation(p->live, last_applied);
    json_auto_t *said = str_empty(text) ? NULL : json_parse(text, strlen(text), 0, NULL, NULL);

    if (!json_is_object(said) || !streq(obj_api_version(said), w->api_version) || typed_check(w->arena, t, said))
        return fset_new(w->arena);
    struct typed_comparison c = typed_compare(w->arena, t, said, p->live);
    struct fset *changed = fset_union(w->arena, fset_union(w->arena, c.modified, c.added), c.removed);
    return fset_difference(w->arena, typed_fields(w->arena, t, said), changed);
}

static struct conflicts without_owned(struct arena *a, struct conflicts all, const struct fset *owned)
{
    struct conflicts left = { all.v, 0 };

    for (size_t i = 0; i < all.n; i++) {
        struct fset *fields = fset_difference(a, all.v[i].fields, owned);
        if (!fset_empty(fields))
            left.v[left.n++] = (struct conflict){ all.v[i].who, fields };
    }
    return left;
}

/* kubectl's annotation follows what it applies, where there is one. */
static json_t *with_last_applied(const struct applying *p, json_t *obj)
{
    static const char *const keys[] = { "metadata", "annotations", last_applied };

    if (!streq(p->w->manager, "kubectl") || str_empty(obj_annotation(obj, last_applied)))
        return obj;
    json_t *config = json_clone(p->config);
    json_object_del(json_path(config, "metadata.annotations"), last_applied);
    cleanup_buf struct buf text = BUF_INIT;
    json_write(&text, config, JSON_WRITE_SORTED);
    buf_add_char(&text, '\n');
    json_t *out = json_with_keys(obj, keys, ARRAY_SIZE(keys), json_string(text.data));
    json_decref(config);
    json_decref(obj);
    return out;
}

int apply_merge(const struct apply_write *w, const json_t *live, bool is_new, const json_t *config,
                bool force, json_t **ret, struct apierr *err)
{
    json_auto_t *bare = json_without(live, "metadata.managedFields");
    struct applying p = { .w = w, .live = bare, .config = config, .m = { .arena = w->arena } };
    struct managers m;
    int r = check_config(w, config, err);

    if (r < 0)
        return r;
    managers_read(&p.m, json_path(live, "metadata.managedFields"));
    add_before_first_apply(&p);
    m = copy_of(&p.m);
    struct conflicts found = merge(&p, &m, force);
    if (found.n && streq(w->manager, "kubectl")) {
        found = without_owned(w->arena, found, kubectl_owned(&p));
        if (!found.n) {
            m = copy_of(&p.m);
            found = merge(&p, &m, true);
        }
    }
    if (found.n)
        return conflict_error(w->arena, &found, err);
    json_t *next = with_last_applied(&p, p.next ? p.next : json_incref(bare));
    *ret = managers_put(&p.m, next);
    json_decref(next);
    if (!is_new && json_same(*ret, live)) {
        json_decref(*ret);
        *ret = NULL;
    }
    return 0;
}

/* ---- Scale ------------------------------------------------------------------------------------------ */

static const struct scale_path *path_in(const struct scale_path *paths, const char *version)
{
    for (; paths->api_version; paths++)
        if (streq(paths->api_version, version))
            return paths;
    return NULL;
}

static bool has_path(const struct field_manager *m, const struct scale_path *p)
{
    return p->n && fset_has(m->fields, p->path, p->n);
}

static struct fset *set_of(struct arena *a, const char *const *path, size_t n)
{
    struct fset *s = fset_new(a);

    fset_insert(s, path, n);
    return s;
}

static const char *const scale_replicas[] = { "f:spec", "f:replicas" };
#define SCALE_VERSION "autoscaling/v1"

json_t *apply_scale_shown(struct arena *a, const json_t *entries, const struct scale_path *paths)
{
    struct managers m = { .arena = a }, out = { .arena = a };

    managers_read(&m, entries);
    for (size_t i = 0; i < m.n; i++) {
        const struct scale_path *p = path_in(paths, m.v[i].api_version);
        struct field_manager one = m.v[i];
        if (!p || !has_path(&one, p))
            continue;
        one.fields = set_of(a, scale_replicas, ARRAY_SIZE(scale_replicas));
        one.api_version = SCALE_VERSION;
        managers_add(&out, one);
    }
    return managers_write(&out);
}

/* What becomes of an owner of the object when these own its Scale. */
static void keep_or_steal(struct managers *out, struct field_manager one, const struct scale_path *p,
                          struct managers *scale)
{
    if (!has_path(&one, p)) {
        managers_add(out, one);
    } else if (managers_find(scale, one.id)) {
        managers_add(out, one);
        managers_remove(scale, one.id);
    } else {
        one.fields = fset_difference(out->arena, one.fields, set_of(out->arena, p->path, p->n));
        if (!fset_empty(one.fields))
            managers_add(out, one);
    }
}

json_t *apply_scale_taken(struct arena *a, const json_t *entries, const json_t *scale_entries, const char *api_version,
                          const struct scale_path *paths)
{
    struct managers m = { .arena = a }, scale = { .arena = a }, out = { .arena = a };
    const struct scale_path *own = path_in(paths, api_version);

    managers_read(&m, entries);
    managers_read(&scale, scale_entries);
    for (size_t i = 0; i < m.n; i++) {
        const struct scale_path *p = path_in(paths, m.v[i].api_version);
        if (p)
            keep_or_steal(&out, m.v[i], p, &scale);
    }
    for (size_t i = 0; own && i < scale.n; i++) {
        struct field_manager one = scale.v[i];
        const struct field_manager *was = managers_find(&m, one.id);
        if (!fset_has(one.fields, scale_replicas, ARRAY_SIZE(scale_replicas)))
            continue;
        one.fields = set_of(a, own->path, own->n);
        one.api_version = api_version;
        one.time = was ? was->time : "";           /* the real server loses it too */
        managers_add(&out, one);
    }
    return managers_write(&out);
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
/* How many bytes the character at `s` has; *ret_prints tells whether Go takes it for one that can be seen. */
static size_t character(const char *s, bool *ret_prints)
{
    unsigned char c = (unsigned char)s[0];
    size_t len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

    for (size_t i = 1; i < len; i++)
        if ((s[i] & 0xc0) != 0x80)
            len = i;
    /* Controls, and the spaces that are not the plain one. */
    *ret_prints = c >= 0x20 && c != 0x7f && !(c == 0xc2 && len == 2 && (unsigned char)s[1] <= 0xa0);
    return len;
}

const char *apply_manager_name(struct arena *a, const char *field_manager, const char *user_agent)
{
    size_t len = strcspn(user_agent ? user_agent : "", "/"), n = 0, step;
    char *out = arena_alloc(a, len + 1);

    if (!str_empty(field_manager))
        return field_manager;
    for (size_t i = 0; i < len; i += step) {
        bool prints;
        step = character(user_agent + i, &prints);
        if (prints && n + step > 128)
            break;
        if (prints)
            memcpy(out + n, user_agent + i, step);
        n += prints ? step : 0;
    }
    return n ? arena_strndup(a, out, n) : "unknown";
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
