#include "kube/managers.h"

#include "kube/json.h"

enum { UPDATERS_MAX = 10 };

/* ---- who ----------------------------------------------------------------------------------------- */

static const char *identity(struct arena *a, const struct field_manager *m)
{
    cleanup_buf struct buf b = BUF_INIT;
    const char *const parts[][2] = {
        { "manager", m->name }, { "operation", m->operation }, { "apiVersion", m->applied ? "" : m->api_version },
        { "subresource", m->subresource },
    };

    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        if (!*parts[i][1])
            continue;
        buf_printf(&b, "%c\"%s\":", b.len ? ',' : '{', parts[i][0]);
        json_write_string(&b, parts[i][1], strlen(parts[i][1]), 0);
    }
    buf_add_char(&b, '}');
    return arena_strdup(a, b.data);
}

struct field_manager field_manager_new(struct arena *a, const char *name, bool applied, const char *api_version,
                           const char *subresource)
{
    struct field_manager m = { .name = *name ? name : "unknown", .operation = applied ? "Apply" : "Update",
                         .api_version = api_version, .subresource = subresource, .time = "", .applied = applied };

    m.id = identity(a, &m);
    return m;
}

struct field_manager *managers_find(struct managers *m, const char *id)
{
    for (size_t i = 0; i < m->n; i++)
        if (streq(m->v[i].id, id))
            return &m->v[i];
    return NULL;
}

struct field_manager *managers_add(struct managers *m, struct field_manager one)
{
    if (m->n == m->cap) {
        size_t cap = m->cap ? m->cap * 2 : 4;
        struct field_manager *v = arena_alloc(m->arena, cap * sizeof(*v));
        if (m->n)
            memcpy(v, m->v, m->n * sizeof(*v));
        m->v = v;
        m->cap = cap;
    }
    m->v[m->n] = one;
    return &m->v[m->n++];
}

static void remove_at(struct managers *m, size_t at)
{
    memmove(&m->v[at], &m->v[at + 1], (m->n - at - 1) * sizeof(*m->v));
    m->n--;
}

void managers_remove(struct managers *m, const char *id)
{
    for (size_t i = m->n; i-- > 0;)
        if (streq(m->v[i].id, id))
            remove_at(m, i);
}

void managers_drop_empty(struct managers *m)
{
    for (size_t i = m->n; i-- > 0;)
        if (fset_empty(m->v[i].fields))
            remove_at(m, i);
}

/* ---- entries ------------------------------------------------------------------------------------- */

static const char *text_of(const json_t *entry, const char *key)
{
    const char *s = json_string_value(json_object_get(entry, key));

    return s ? s : "";
}

static bool read_entry(struct managers *m, const json_t *entry)
{
    struct field_manager one = { .name = text_of(entry, "manager"), .operation = text_of(entry, "operation"),
                           .api_version = text_of(entry, "apiVersion"), .time = text_of(entry, "time"),
                           .subresource = text_of(entry, "subresource") };

    one.applied = streq(one.operation, "Apply");
    if ((!one.applied && !streq(one.operation, "Update")) || !*one.api_version ||
        !streq(text_of(entry, "fieldsType"), "FieldsV1") ||
        fset_from_json(m->arena, json_object_get(entry, "fieldsV1"), &one.fields, NULL) < 0)
        return false;
    one.id = identity(m->arena, &one);
    struct field_manager *same = managers_find(m, one.id);
    if (same)
        *same = one;
    else
        managers_add(m, one);
    return true;
}

bool managers_read(struct managers *m, const json_t *entries)
{
    size_t i;
    json_t *entry;

    m->n = 0;
    json_array_foreach(entries, i, entry)
        if (!read_entry(m, entry)) {
            m->n = 0;
            return false;
        }
    return true;
}

/* By operation, time, name, version, subresource (E-114). */
static int written_order(const void *x, const void *y)
{
    const struct field_manager *a = x, *b = y;
    const char *const left[] = { a->operation, a->time, a->name, a->api_version, a->subresource };
    const char *const right[] = { b->operation, b->time, b->name, b->api_version, b->subresource };

    for (size_t i = 0; i < ARRAY_SIZE(left); i++) {
        int order = strcmp(left[i], right[i]);
        if (order)
            return order;
    }
    return 0;
}

static json_t *entry_of(const struct field_manager *one)
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

json_t *managers_write(struct managers *m)
{
    json_t *list;

    if (m->n == 0)
        return NULL;
    qsort(m->v, m->n, sizeof(*m->v), written_order);
    list = json_array();
    for (size_t i = 0; i < m->n; i++)
        json_array_append_new(list, entry_of(&m->v[i]));
    return list;
}

json_t *managers_put(struct managers *m, const json_t *obj)
{
    json_t *list = managers_write(m);

    return list ? json_with(obj, "metadata.managedFields", list) : json_without(obj, "metadata.managedFields");
}

/* ---- too many ------------------------------------------------------------------------------------- */

static int oldest_first(const void *x, const void *y)
{
    const struct field_manager *a = x, *b = y;
    int order = strcmp(a->time, b->time);

    return order ? order : strcmp(a->id, b->id);
}

/* The bucket of a version: what there is, or what `first` becomes. */
static struct field_manager *bucket_of(struct managers *m, const struct field_manager *one, const char *first)
{
    struct field_manager bucket = field_manager_new(m->arena, "ancient-changes", false, one->api_version, "");
    struct field_manager *there = managers_find(m, bucket.id);

    if (there)
        return there;
    bucket.fields = managers_find(m, first)->fields;
    managers_remove(m, first);
    return managers_add(m, bucket);
}

void managers_cap(struct managers *m)
{
    struct field_manager *old = arena_alloc(m->arena, (m->n + 1) * sizeof(*old));
    size_t n = 0, left;

    for (size_t i = 0; i < m->n; i++)
        if (!m->v[i].applied)
            old[n++] = m->v[i];
    if (n <= UPDATERS_MAX)
        return;
    qsort(old, n, sizeof(*old), oldest_first);
    left = n;
    for (size_t i = 0; i < n && left > UPDATERS_MAX; i++) {
        size_t first = 0;
        while (!streq(old[first].api_version, old[i].api_version))
            first++;
        if (first == i)
            continue;
        struct field_manager *bucket = bucket_of(m, &old[i], old[first].id);
        bucket->fields = fset_union(m->arena, old[i].fields, bucket->fields);
        bucket->time = old[i].time;
        managers_remove(m, old[i].id);
        left--;
    }
}
