#include "fakeapi/store/commitlog.h"

int commitlog_append(struct commitlog *l, const struct commit *c, struct err *e)
{
    int r;

    assert(c->revision == l->appended + 1);      /* promise 1 */
    if (l->failed)
        return err_set(e, ERR_IO, "the log has failed before");
    r = l->ops->append(l, c, e);
    if (r < 0)
        return r;
    l->appended = c->revision;
    if (l->ops->instant)
        l->synced = l->appended;
    return 0;
}

int commitlog_sync(struct commitlog *l, struct err *e)
{
    int r;

    if (l->failed)
        return err_set(e, ERR_IO, "the log has failed before");
    if (l->synced == l->appended)
        return 0;
    r = l->ops->sync(l, e);
    if (r < 0) {
        l->failed = true;              /* promise 3 */
        return r;
    }
    l->synced = l->appended;
    return 0;
}

int commitlog_compact(struct commitlog *l, uint64_t revision, struct err *e)
{
    if (l->failed)
        return err_set(e, ERR_IO, "the log has failed before");
    return l->ops->compact(l, revision, e);
}

struct loading {
    commit_fn *each;
    void *arg;
    uint64_t last;
};

static bool load_counted(void *arg, const struct commit *c)
{
    struct loading *l = arg;

    l->last = c->revision;
    return l->each(l->arg, c);
}

int commitlog_load(struct commitlog *l, uint64_t *ret_compacted, commit_fn *each, void *arg,
                   struct err *e)
{
    struct loading counted = { .each = each, .arg = arg, .last = 1 };
    int r = l->ops->load(l, ret_compacted, load_counted, &counted, e);

    if (r < 0)
        return r;
    l->appended = l->synced = counted.last;
    l->failed = false;
    return 0;
}

struct commitlog *commitlog_free(struct commitlog *l)
{
    if (l)
        l->ops->free(l);
    return NULL;
}

/* ---- none ----------------------------------------------------------------------------------------- */

static int none_append(struct commitlog *l, const struct commit *c, struct err *e)
{
    return 0;
}

static int none_sync(struct commitlog *l, struct err *e)
{
    return 0;
}

static int none_compact(struct commitlog *l, uint64_t revision, struct err *e)
{
    return 0;
}

static int none_load(struct commitlog *l, uint64_t *ret_compacted, commit_fn *each, void *arg,
                     struct err *e)
{
    *ret_compacted = 0;
    return 0;
}

static void none_free(struct commitlog *l)
{
    free(l);
}

static const struct commitlog_ops none_ops = {
    .name = "none", .instant = true, .append = none_append, .sync = none_sync,
    .compact = none_compact, .load = none_load, .free = none_free
};

struct commitlog *commitlog_none_new(void)
{
    struct commitlog *l = xcalloc(1, sizeof(*l));

    *l = (struct commitlog){ .ops = &none_ops, .appended = 1, .synced = 1 };
    return l;
}

/* ---- memory --------------------------------------------------------------------------------------- */

struct commitlog_memory {
    struct commitlog base;
    DYN(struct commit) rows;           /* own their keys and values */
    uint64_t compacted, compacted_synced;
};

static struct commitlog_memory *memory_of(struct commitlog *l)
{
    return container_of(l, struct commitlog_memory, base);
}

static int memory_append(struct commitlog *l, const struct commit *c, struct err *e)
{
    struct commit *row = dyn_push(&memory_of(l)->rows);

    *row = *c;
    row->key = xstrdup(c->key);
    value_ref(row->value);
    return 0;
}

static void row_release(struct commit *row)
{
    free((char *)row->key);
    value_unref(row->value);
}

/* What a store compacted here needs no more: all that a later row up to the floor overwrote, and
 * deletions below it. */
static void memory_drop(struct commitlog_memory *m)
{
    size_t kept = 0;

    for (size_t i = 0; i < m->rows.n; i++) {
        struct commit *row = &m->rows.v[i];
        bool gone = row->revision < m->compacted && row->type == STORE_DELETE;
        for (size_t j = i + 1; !gone && j < m->rows.n && m->rows.v[j].revision <= m->compacted; j++)
            gone = streq(m->rows.v[j].key, row->key);
        if (gone)
            row_release(row);
        else
            m->rows.v[kept++] = *row;
    }
    m->rows.n = kept;
}

static int memory_sync(struct commitlog *l, struct err *e)
{
    struct commitlog_memory *m = memory_of(l);

    if (m->compacted_synced != m->compacted) {
        m->compacted_synced = m->compacted;
        memory_drop(m);
    }
    return 0;
}

static int memory_compact(struct commitlog *l, uint64_t revision, struct err *e)
{
    memory_of(l)->compacted = revision;
    return 0;
}

static int memory_load(struct commitlog *l, uint64_t *ret_compacted, commit_fn *each, void *arg,
                       struct err *e)
{
    struct commitlog_memory *m = memory_of(l);

    *ret_compacted = m->compacted_synced = m->compacted;
    memory_drop(m);
    for (size_t i = 0; i < m->rows.n; i++) {
        if (!each(arg, &m->rows.v[i]))
            break;
    }
    return 0;
}

static void memory_free(struct commitlog *l)
{
    struct commitlog_memory *m = memory_of(l);

    for (size_t i = 0; i < m->rows.n; i++)
        row_release(&m->rows.v[i]);
    dyn_release(&m->rows);
    free(m);
}

static const struct commitlog_ops memory_ops = {
    .name = "memory", .append = memory_append, .sync = memory_sync, .compact = memory_compact,
    .load = memory_load, .free = memory_free
};

struct commitlog *commitlog_memory_new(void)
{
    struct commitlog_memory *m = xcalloc(1, sizeof(*m));

    m->base = (struct commitlog){ .ops = &memory_ops, .appended = 1, .synced = 1 };
    return &m->base;
}

void commitlog_memory_cut(struct commitlog *l)
{
    struct commitlog_memory *m = memory_of(l);

    assert(l->ops == &memory_ops);
    while (m->rows.n > 0 && m->rows.v[m->rows.n - 1].revision > l->synced)
        row_release(&m->rows.v[--m->rows.n]);
    m->compacted = m->compacted_synced;
    l->appended = l->synced;
    l->failed = false;
}

/* ---- faulty --------------------------------------------------------------------------------------- */

struct commitlog_faulty {
    struct commitlog base;
    struct commitlog *inner;
    uint64_t calls, nth;
    enum err_code code;
    bool stays;
};

static struct commitlog_faulty *faulty_of(struct commitlog *l)
{
    return container_of(l, struct commitlog_faulty, base);
}

static bool faulty_now(struct commitlog_faulty *f)
{
    f->calls++;
    return f->calls == f->nth || (f->stays && f->calls > f->nth);
}

static int faulty_append(struct commitlog *l, const struct commit *c, struct err *e)
{
    struct commitlog_faulty *f = faulty_of(l);

    if (faulty_now(f))
        return err_set(e, f->code, "append %llu: made to fail", (unsigned long long)c->revision);
    return commitlog_append(f->inner, c, e);
}

static int faulty_sync(struct commitlog *l, struct err *e)
{
    struct commitlog_faulty *f = faulty_of(l);

    if (faulty_now(f))
        return err_set(e, f->code, "sync: made to fail");
    return commitlog_sync(f->inner, e);
}

static int faulty_compact(struct commitlog *l, uint64_t revision, struct err *e)
{
    struct commitlog_faulty *f = faulty_of(l);

    if (faulty_now(f))
        return err_set(e, f->code, "compact: made to fail");
    return commitlog_compact(f->inner, revision, e);
}

static int faulty_load(struct commitlog *l, uint64_t *ret_compacted, commit_fn *each, void *arg,
                       struct err *e)
{
    return commitlog_load(faulty_of(l)->inner, ret_compacted, each, arg, e);
}

static void faulty_free(struct commitlog *l)
{
    commitlog_free(faulty_of(l)->inner);
    free(faulty_of(l));
}

static const struct commitlog_ops faulty_ops = {
    .name = "faulty", .append = faulty_append, .sync = faulty_sync, .compact = faulty_compact,
    .load = faulty_load, .free = faulty_free
};

struct commitlog *commitlog_faulty_new(struct commitlog *inner, uint64_t nth, enum err_code code,
                                       bool stays)
{
    struct commitlog_faulty *f = xcalloc(1, sizeof(*f));

    f->base = (struct commitlog){ .ops = &faulty_ops, .appended = inner->appended,
                                  .synced = inner->synced };
    f->inner = inner;
    f->nth = nth;
    f->code = code;
    f->stays = stays;
    return &f->base;
}

/* ---- traced --------------------------------------------------------------------------------------- */

struct commitlog_traced {
    struct commitlog base;
    struct commitlog *inner;
    void (*line)(void *arg, const char *text);
    void *arg;
};

static struct commitlog_traced *traced_of(struct commitlog *l)
{
    return container_of(l, struct commitlog_traced, base);
}

PRINTF(3, 4)
static int traced_line(struct commitlog_traced *t, int r, const char *fmt, ...)
{
    cleanup_buf struct buf b = BUF_INIT;
    cleanup_free char *text = NULL;
    va_list args;

    va_start(args, fmt);
    text = xvasprintf(fmt, args);
    va_end(args);
    buf_add_str(&b, text);
    if (r < 0)
        buf_printf(&b, ": %s", err_code_text(r));
    t->line(t->arg, b.data);
    return r;
}

static int traced_append(struct commitlog *l, const struct commit *c, struct err *e)
{
    static const char *const types[] = { "CREATE", "UPDATE", "DELETE" };
    struct commitlog_traced *t = traced_of(l);

    return traced_line(t, commitlog_append(t->inner, c, e), "append %llu %s %s version %llu",
                       (unsigned long long)c->revision, types[c->type], c->key,
                       (unsigned long long)c->version);
}

static int traced_sync(struct commitlog *l, struct err *e)
{
    struct commitlog_traced *t = traced_of(l);

    return traced_line(t, commitlog_sync(t->inner, e), "sync %llu", (unsigned long long)l->appended);
}

static int traced_compact(struct commitlog *l, uint64_t revision, struct err *e)
{
    struct commitlog_traced *t = traced_of(l);

    return traced_line(t, commitlog_compact(t->inner, revision, e), "compact %llu",
                       (unsigned long long)revision);
}

static int traced_load(struct commitlog *l, uint64_t *ret_compacted, commit_fn *each, void *arg,
                       struct err *e)
{
    struct commitlog_traced *t = traced_of(l);

    return traced_line(t, commitlog_load(t->inner, ret_compacted, each, arg, e), "load");
}

static void traced_free(struct commitlog *l)
{
    commitlog_free(traced_of(l)->inner);
    free(traced_of(l));
}

static const struct commitlog_ops traced_ops = {
    .name = "traced", .append = traced_append, .sync = traced_sync, .compact = traced_compact,
    .load = traced_load, .free = traced_free
};

struct commitlog *commitlog_traced_new(struct commitlog *inner, void (*line)(void *arg, const char *text),
                                       void *arg)
{
    struct commitlog_traced *t = xcalloc(1, sizeof(*t));

    t->base = (struct commitlog){ .ops = &traced_ops, .appended = inner->appended,
                                  .synced = inner->synced };
    t->inner = inner;
    t->line = line;
    t->arg = arg;
    return &t->base;
}
