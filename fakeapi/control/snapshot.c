#include "fakeapi/control/control_priv.h"

#define SNAPSHOTS_MAX 100
#define DEFINITIONS "/apiextensions.k8s.io/customresourcedefinitions/"

/* What the store held at one moment. Values are shared with it, so this costs a reference each. */
struct entry {
    char *key;
    struct value *value;
    uint64_t mod_revision;             /* of the record that holds it; 0: none does */
};
struct snapshot {
    char *name;
    uint64_t revision;
    struct instant at;
    DYN(struct entry) entries;         /* by key */
};

static struct snapshot *snapshot_free(struct snapshot *s)
{
    if (!s)
        return NULL;
    for (size_t i = 0; i < s->entries.n; i++) {
        free(s->entries.v[i].key);
        value_unref(s->entries.v[i].value);
    }
    dyn_release(&s->entries);
    free(s->name);
    free(s);
    return NULL;
}

static bool keep_record(void *arg, const struct record *r)
{
    struct snapshot *s = arg;

    *dyn_push(&s->entries) = (struct entry){ xstrdup(r->key), value_ref(r->value), r->mod_revision };
    return true;
}

static struct snapshot *snapshot_new(struct control *c, const char *name)
{
    struct snapshot *s = xcalloc(1, sizeof(*s));

    s->name = xstrdup(name);
    s->at = world_now(c->world);
    s->revision = store_revision(apiserver_store(c->apiserver));
    return s;
}

/* ---- those that are held -------------------------------------------------------------------------- */

static struct snapshot **find(struct control *c, const char *name)
{
    for (size_t i = 0; name && i < c->snapshots.list.n; i++)
        if (streq(c->snapshots.list.v[i]->name, name))
            return &c->snapshots.list.v[i];
    return NULL;
}

static json_t *describe(const struct snapshot *s)
{
    return json_pack("{s:s, s:o, s:I, s:I}", "name", s->name, "at", json_instant(s->at), "revision",
                     (json_int_t)s->revision, "objects", (json_int_t)s->entries.n);
}

/* Steals `s`; one of the same name makes way. */
static json_t *hold(struct ask *a, struct snapshot *s)
{
    struct snapshot **old = find(a->control, s->name);

    if (!old && a->control->snapshots.list.n >= SNAPSHOTS_MAX) {
        snapshot_free(s);
        return ask_refuse(a, APIERR_BAD_REQUEST, "there are %d snapshots already: delete some", SNAPSHOTS_MAX);
    }
    if (!old)
        old = dyn_push(&a->control->snapshots.list);
    else
        snapshot_free(*old);
    *old = s;
    a->status = 201;
    return describe(s);
}

json_t *lab_snapshots_list(struct ask *a)
{
    json_t *items = json_array();

    for (size_t i = 0; i < a->control->snapshots.list.n; i++)
        json_array_append_new(items, describe(a->control->snapshots.list.v[i]));
    return json_pack("{s:o}", "items", items);
}

json_t *lab_snapshot_show(struct ask *a)
{
    struct snapshot **s = find(a->control, ask_name(a));
    json_t *objects, *all;

    if (!s)
        return ask_no_such(a);
    objects = json_object();
    for (size_t i = 0; i < (*s)->entries.n; i++)
        json_object_set(objects, (*s)->entries.v[i].key, value_tree((*s)->entries.v[i].value));
    all = describe(*s);
    json_object_set_new(all, "objects", objects);
    return all;
}

json_t *lab_snapshot_delete(struct ask *a)
{
    struct snapshot **s = find(a->control, ask_name(a));

    if (!s)
        return ask_no_such(a);
    size_t i = (size_t)(s - a->control->snapshots.list.v);
    snapshot_free(*s);
    memmove(s, s + 1, (--a->control->snapshots.list.n - i) * sizeof(struct snapshot *));
    return lab_snapshots_list(a);
}

/* ---- from elsewhere ------------------------------------------------------------------------------- */

static int by_key(const void *x, const void *y)
{
    return strcmp(((const struct entry *)x)->key, ((const struct entry *)y)->key);
}

/* An upload is what GET gave, whatever else beside the objects it says. */
json_t *lab_snapshot_put(struct ask *a)
{
    const char *name = ask_name(a), *key;
    json_t *objects = json_object_get(a->body, "objects"), *object;
    struct snapshot *s;

    if (!name)
        return ask_no_such(a);
    if (!json_is_object(objects) || json_object_size(objects) == 0)
        return ask_refuse(a, APIERR_BAD_REQUEST, "objects must be a JSON object: by key, as GET shows them");
    json_object_foreach(objects, key, object) {
        if (key[0] != '/' || !json_is_object(json_object_get(object, "metadata")))
            return ask_refuse(a, APIERR_BAD_REQUEST, "objects: \"%s\" holds no object", key);
    }
    s = snapshot_new(a->control, name);
    json_object_foreach(objects, key, object)
        *dyn_push(&s->entries) = (struct entry){ xstrdup(key), value_from_tree(json_incref(object)), 0 };
    qsort(s->entries.v, s->entries.n, sizeof(struct entry), by_key);
    return hold(a, s);
}

/* ---- restoring ------------------------------------------------------------------------------------ */

/* Every object knows its revision. */
static struct value *at_next_revision(struct store *s, json_t *tree)
{
    char text[24];

    snprintf(text, sizeof(text), "%llu", (unsigned long long)store_revision(s) + 1);
    return value_from_tree(json_with(tree, "metadata.resourceVersion", json_string(text)));
}

static bool is_definition(const char *key)
{
    return strncmp(key, DEFINITIONS, strlen(DEFINITIONS)) == 0;
}

/* Writes the entries that are not as they were: definitions, or all others. */
static int put_entries(struct store *store, struct snapshot *s, bool definitions, uint64_t *writes)
{
    for (size_t i = 0; i < s->entries.n; i++) {
        struct entry *e = &s->entries.v[i];
        struct record now;
        if (is_definition(e->key) != definitions)
            continue;
        if (store_get(store, e->key, 0, &now) == 0 &&
            (e->mod_revision ? now.mod_revision == e->mod_revision
                             : json_same(value_tree(now.value), value_tree(e->value))))
            continue;
        int r = store_put(store, e->key, at_next_revision(store, value_tree(e->value)), STORE_ANY, &now);
        if (r < 0)
            return r;
        e->mod_revision = now.mod_revision;      /* the next time it is as it was */
        ++*writes;
    }
    return 0;
}

/* Deletes what `now` has and `s` has not; both are sorted by key. */
static int delete_others(struct store *store, const struct snapshot *s, const struct snapshot *now, bool definitions,
                         uint64_t *writes)
{
    for (size_t i = 0, j = 0; i < now->entries.n; i++) {
        const struct entry *e = &now->entries.v[i];
        while (j < s->entries.n && strcmp(s->entries.v[j].key, e->key) < 0)
            j++;
        if ((j < s->entries.n && streq(s->entries.v[j].key, e->key)) || is_definition(e->key) != definitions)
            continue;
        int r = store_delete(store, e->key, STORE_ANY, at_next_revision(store, value_tree(e->value)), NULL);
        if (r < 0)
            return r;
        ++*writes;
    }
    return 0;
}

/* Objects of a custom kind exist only while its definition does. */
static json_t *restore(struct ask *a, struct snapshot *s)
{
    struct store *store = apiserver_store(a->control->apiserver);
    struct snapshot *now = snapshot_new(a->control, "");
    uint64_t writes = 0;
    int r;

    store_range(store, "/", NULL, 0, 0, keep_record, now, NULL);
    r = put_entries(store, s, true, &writes);
    if (r == 0)
        r = put_entries(store, s, false, &writes);
    if (r == 0)
        r = delete_others(store, s, now, false, &writes);
    if (r == 0)
        r = delete_others(store, s, now, true, &writes);
    snapshot_free(now);
    if (r < 0)
        return ask_refuse(a, APIERR_INTERNAL_ERROR, "the store: %s, after %llu writes", err_code_text(r),
                          (unsigned long long)writes);
    return json_pack("{s:s, s:I, s:I}", "name", s->name, "revision", (json_int_t)store_revision(store), "writes",
                     (json_int_t)writes);
}

json_t *lab_snapshot_take(struct ask *a)
{
    static const char *const keys[] = { NULL };
    const char *end = strstr(a->rest, "/restore");
    bool back = end && streq(end, "/restore");
    struct snapshot **held, *s;

    if (!ask_body(a, keys))
        return NULL;
    if (back)
        a->rest = arena_strndup(a->arena, a->rest, (size_t)(end - a->rest));
    held = find(a->control, ask_name(a));
    if (!ask_name(a) || (back && !held))
        return ask_no_such(a);
    if (back)
        return restore(a, *held);
    s = snapshot_new(a->control, ask_name(a));
    store_range(apiserver_store(a->control->apiserver), "/", NULL, 0, 0, keep_record, s, NULL);
    return hold(a, s);
}

void lab_snapshots_release(struct lab_snapshots *l)
{
    for (size_t i = 0; i < l->list.n; i++)
        snapshot_free(l->list.v[i]);
    dyn_release(&l->list);
}
