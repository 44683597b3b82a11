#include "fakeapi/store/store.h"

#include "fakeapi/store/commitlog.h"
#include "fakeapi/store/hub.h"
#include "fakeapi/store/keys.h"
#include "kube/json.h"

#define FIRST_REVISION 1               /* etcd's: of a store nobody has written to */

/* One revision. Both values are references. */
struct logrec {
    struct entry *entry;
    struct value *value, *previous;    /* previous: what watchers saw before; NULL for a create */
    enum store_event_type type;
};

struct mark {
    uint64_t revision, compacted;
};

struct store {
    struct keys keys;
    DYN(struct logrec) log;            /* log.v[i] is revision log_base + i */
    uint64_t log_base;
    uint64_t revision, compacted;
    uint64_t freed;                    /* history really dropped up to here; lags while marks stand */
    DYN(struct mark) marks;
    struct hub hub;
    struct entry *dirty;
    uint64_t mix;                      /* sum of the shares of all entries but the dirty ones' changes */
    struct commitlog *commits;
    struct waitq committed;
    void (*unsynced)(void *arg);
    void *unsynced_arg;
    unsigned reading;                  /* callbacks on the way: writing is forbidden */
};

/* ---- life ------------------------------------------------------------------------------------------ */

static struct store *store_on(struct commitlog *log)
{
    struct store *s = xcalloc(1, sizeof(*s));

    keys_init(&s->keys);
    s->revision = FIRST_REVISION;
    s->log_base = FIRST_REVISION + 1;
    s->commits = log;
    return s;
}

struct store *store_new(void)
{
    return store_on(commitlog_none_new());
}

static void logrec_release(struct logrec *r)
{
    value_unref(r->value);
    value_unref(r->previous);
}

struct commitlog *store_close(struct store *s)
{
    struct commitlog *log = s->commits;

    for (size_t i = 0; i < s->log.n; i++)
        logrec_release(&s->log.v[i]);
    dyn_release(&s->log);
    dyn_release(&s->marks);
    hub_release(&s->hub);
    keys_release(&s->keys);
    free(s);
    return log;
}

struct store *store_free(struct store *s)
{
    if (s)
        commitlog_free(store_close(s));
    return NULL;
}

uint64_t store_revision(const struct store *s)
{
    return s->revision;
}

uint64_t store_compacted(const struct store *s)
{
    return s->compacted;
}

/* ---- fingerprint ----------------------------------------------------------------------------------- */

static void dirty_add(struct store *s, struct entry *e)
{
    if (e->dirty)
        return;
    e->dirty = true;
    e->dirty_prev = NULL;
    e->dirty_next = s->dirty;
    if (s->dirty)
        s->dirty->dirty_prev = e;
    s->dirty = e;
}

static void dirty_remove(struct store *s, struct entry *e)
{
    if (!e->dirty)
        return;
    e->dirty = false;
    if (e->dirty_prev)
        e->dirty_prev->dirty_next = e->dirty_next;
    else
        s->dirty = e->dirty_next;
    if (e->dirty_next)
        e->dirty_next->dirty_prev = e->dirty_prev;
}

static uint64_t entry_mix(const struct entry *e)
{
    const struct revision *r = &e->revs.v[e->revs.n - 1];
    uint64_t h = hash64(HASH64_INIT, e->key, strlen(e->key) + 1);

    if (!r->value)
        return 0;
    if (r->value->hash == 0)
        r->value->hash = json_hash(HASH64_INIT, value_tree(r->value));
    h = hash64(h, &r->value->hash, sizeof(r->value->hash));
    h = hash64(h, &r->mod, sizeof(r->mod));
    h = hash64(h, &r->create, sizeof(r->create));
    return hash64(h, &r->version, sizeof(r->version));
}

uint64_t store_fingerprint(struct store *s)
{
    uint64_t h;

    while (s->dirty) {
        struct entry *e = s->dirty;
        dirty_remove(s, e);
        s->mix -= e->mix;
        e->mix = entry_mix(e);
        s->mix += e->mix;
    }
    h = hash64(HASH64_INIT, &s->mix, sizeof(s->mix));
    h = hash64(h, &s->revision, sizeof(s->revision));
    return hash64(h, &s->compacted, sizeof(s->compacted));
}

/* ---- entries --------------------------------------------------------------------------------------- */

static const struct revision *entry_last(const struct entry *e)
{
    return &e->revs.v[e->revs.n - 1];
}

/* How many of its revisions are <= at. */
static size_t revisions_upto(const struct entry *e, uint64_t at)
{
    size_t lo = 0, hi = e->revs.n;

    if (e->revs.v[hi - 1].mod <= at)
        return hi;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (e->revs.v[mid].mod <= at)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* The revision that was there at `at`, or NULL where the key was not. */
static const struct revision *entry_at(const struct entry *e, uint64_t at)
{
    size_t n = revisions_upto(e, at);

    return n > 0 && e->revs.v[n - 1].value ? &e->revs.v[n - 1] : NULL;
}

static void record_fill(struct record *ret, const struct entry *e, const struct revision *r)
{
    *ret = (struct record){ .key = e->key, .value = r->value, .create_revision = r->create,
                            .mod_revision = r->mod, .version = r->version };
}

static void entry_changed(struct store *s, struct entry *e)
{
    keys_set_live(&s->keys, e, entry_last(e)->value != NULL);
    dirty_add(s, e);
}

static void entry_drop(struct store *s, struct entry *e)
{
    keys_set_live(&s->keys, e, false);
    keys_remove(&s->keys, e);
    dirty_remove(s, e);
    s->mix -= e->mix;
    entry_free(e);
}

/* ---- reading --------------------------------------------------------------------------------------- */

/* 0 becomes the present. */
static int check_revision(const struct store *s, uint64_t *at)
{
    if (*at == 0)
        *at = s->revision;
    if (*at > s->revision)
        return -ERR_UNAVAILABLE;
    return *at < s->compacted ? -ERR_INVALID : 0;
}

int store_get(struct store *s, const char *key, uint64_t at, struct record *ret)
{
    const struct revision *r;
    const struct entry *e;
    int err = check_revision(s, &at);

    if (err < 0)
        return err;
    e = keys_find(&s->keys, key);
    r = e ? entry_at(e, at) : NULL;
    if (!r)
        return -ERR_NOT_FOUND;
    record_fill(ret, e, r);
    return 0;
}

static size_t live_between(const struct store *s, struct bound from, const char *prefix)
{
    size_t start = keys_live_before(&s->keys, from);
    size_t end = keys_live_before(&s->keys, (struct bound){ prefix, BOUND_PAST });

    return end > start ? end - start : 0;
}

static struct bound range_start(const char *prefix, const char *after)
{
    if (after && strcmp(after, prefix) >= 0)
        return (struct bound){ after, BOUND_AFTER };
    return (struct bound){ prefix, BOUND_AT };
}

static size_t count_rest(struct cursor c, const char *prefix, size_t len, uint64_t at)
{
    size_t n = 0;

    for (struct entry *e; (e = cursor_next(&c)) && strncmp(e->key, prefix, len) == 0;)
        n += entry_at(e, at) != NULL;
    return n;
}

int store_range(struct store *s, const char *prefix, const char *after, uint64_t at, size_t limit,
                record_fn *each, void *arg, size_t *ret_remaining)
{
    size_t len = strlen(prefix), n = 0, remaining = 0;
    struct bound start = range_start(prefix, after);
    struct cursor c;
    int err = check_revision(s, &at);

    if (err < 0)
        return err;
    s->reading++;
    keys_seek(&s->keys, start, &c);
    for (struct entry *e; (e = cursor_next(&c)) && strncmp(e->key, prefix, len) == 0;) {
        const struct revision *r = entry_at(e, at);
        struct record rec;
        if (!r)
            continue;
        record_fill(&rec, e, r);
        n++;
        if (!each(arg, &rec) || n == limit)
            break;
    }
    if (ret_remaining && at == s->revision)
        remaining = live_between(s, start, prefix) - n;
    else if (ret_remaining)
        remaining = count_rest(c, prefix, len, at);
    s->reading--;
    if (ret_remaining)
        *ret_remaining = remaining;
    return 0;
}

size_t store_count(struct store *s, const char *prefix)
{
    return live_between(s, (struct bound){ prefix, BOUND_AT }, prefix);
}

/* ---- writing --------------------------------------------------------------------------------------- */

static void event_fill(struct store_event *ret, uint64_t revision, const struct logrec *r)
{
    *ret = (struct store_event){ .revision = revision, .type = r->type, .key = r->entry->key,
                                 .value = r->value, .previous = r->previous };
}

/* The next revision takes effect: `r` has the references, of which it keeps `value` for the key (NULL: a
 * deletion) and `seen` for the log. */
static void apply(struct store *s, struct entry *e, enum store_event_type type,
                  const struct revision *next, struct value *seen)
{
    struct logrec *rec = dyn_push(&s->log);

    *rec = (struct logrec){ .entry = e, .value = seen, .type = type };
    if (type != STORE_CREATE)
        rec->previous = value_ref(entry_last(e)->value);
    *dyn_push(&e->revs) = *next;
    s->revision = next->mod;
    entry_changed(s, e);
}

static void tell(struct store *s)
{
    struct store_event e;

    if (s->hub.groups.n == 0)
        return;
    event_fill(&e, s->revision, &s->log.v[s->log.n - 1]);
    s->reading++;
    hub_tell(&s->hub, &e);
    s->reading--;
}

static int append_commit(struct store *s, const struct commit *c)
{
    bool clean = s->commits->synced == s->commits->appended;
    int r = commitlog_append(s->commits, c, NULL);

    if (r == 0 && clean && s->commits->synced != s->commits->appended && s->unsynced)
        s->unsynced(s->unsynced_arg);
    return r;
}

/* 0 where the key's last revision is as expected. */
static int check_expected(const struct revision *last, uint64_t expect)
{
    if (expect == STORE_ANY)
        return 0;
    if (expect == 0)
        return last ? -ERR_EXISTS : 0;
    if (!last)
        return -ERR_NOT_FOUND;
    return last->mod == expect ? 0 : -ERR_INVALID;
}

int store_put(struct store *s, const char *key, struct value *v, uint64_t expect, struct record *ret)
{
    struct entry *e = keys_find(&s->keys, key);
    const struct revision *last = e && entry_last(e)->value ? entry_last(e) : NULL;
    enum store_event_type type = last ? STORE_UPDATE : STORE_CREATE;
    struct revision next = { .mod = s->revision + 1, .value = v };
    int r = check_expected(last, expect);

    assert(v && s->reading == 0);
    next.create = last ? last->create : next.mod;
    next.version = last ? last->version + 1 : 1;
    if (r == 0)
        r = append_commit(s, &(struct commit){ .revision = next.mod, .type = type, .key = key,
                                               .value = v, .create_revision = next.create,
                                               .version = next.version,
                                               .previous = last ? last->mod : 0 });
    if (r < 0) {
        value_unref(v);
        return r;
    }
    if (!e) {
        e = entry_new(key);
        keys_insert(&s->keys, e);
    }
    apply(s, e, type, &next, value_ref(v));
    if (ret)
        record_fill(ret, e, entry_last(e));
    tell(s);
    return 0;
}

int store_delete(struct store *s, const char *key, uint64_t expect, struct value *last,
                 uint64_t *ret_revision)
{
    struct entry *e = keys_find(&s->keys, key);
    struct revision next = { .mod = s->revision + 1 };
    int r = 0;

    assert(s->reading == 0);
    if (!e || !entry_last(e)->value)
        r = -ERR_NOT_FOUND;
    else if (expect != STORE_ANY && entry_last(e)->mod != expect)
        r = -ERR_INVALID;
    else if (!last)
        last = value_ref(entry_last(e)->value);
    if (r == 0)
        r = append_commit(s, &(struct commit){ .revision = next.mod, .type = STORE_DELETE, .key = key,
                                               .value = last, .previous = entry_last(e)->mod });
    if (r < 0) {
        value_unref(last);
        return r;
    }
    apply(s, e, STORE_DELETE, &next, last);
    if (ret_revision)
        *ret_revision = next.mod;
    tell(s);
    return 0;
}

/* ---- watching -------------------------------------------------------------------------------------- */

struct store_watch *store_watch_new(struct store *s, const char *prefix, store_watch_fn *fn, void *arg)
{
    return hub_add(&s->hub, prefix, fn, arg);
}

struct store_watch *store_watch_free(struct store_watch *w)
{
    if (w)
        hub_remove(w);
    return NULL;
}

int store_replay(struct store *s, const char *prefix, uint64_t from, store_event_fn *each, void *arg)
{
    size_t len = strlen(prefix);

    if (from > s->revision)
        return -ERR_UNAVAILABLE;
    if (from + 1 < s->compacted || from + 1 < s->log_base)
        return -ERR_INVALID;
    s->reading++;
    for (uint64_t rev = from + 1; rev <= s->revision; rev++) {
        const struct logrec *r = &s->log.v[rev - s->log_base];
        struct store_event e;
        if (strncmp(r->entry->key, prefix, len) != 0)
            continue;
        event_fill(&e, rev, r);
        if (!each(arg, &e))
            break;
    }
    s->reading--;
    return 0;
}

/* ---- compaction ------------------------------------------------------------------------------------ */

/* Of one key, what nobody can see any more: all below its last revision <= floor, and that one too when
 * it is a deletion below the floor. */
static void entry_compact(struct store *s, struct entry *e, uint64_t floor)
{
    size_t drop = revisions_upto(e, floor) - 1;

    if (!e->revs.v[drop].value && e->revs.v[drop].mod < floor)
        drop++;
    for (size_t i = 0; i < drop; i++)
        value_unref(e->revs.v[i].value);
    e->revs.n -= drop;
    memmove(e->revs.v, e->revs.v + drop, e->revs.n * sizeof(*e->revs.v));
    if (e->revs.n == 0)
        entry_drop(s, e);
}

/* Each key once, when its last revision <= floor comes by; the log keeps the floor's own record. */
static void free_history(struct store *s)
{
    uint64_t floor = s->compacted;
    size_t keep;

    if (s->freed >= floor || floor < s->log_base)
        return;
    for (uint64_t rev = s->log_base; rev <= floor; rev++) {
        struct logrec *r = &s->log.v[rev - s->log_base];
        size_t n = revisions_upto(r->entry, floor);
        if (r->entry->revs.v[n - 1].mod == rev)
            entry_compact(s, r->entry, floor);
    }
    keep = floor - s->log_base;
    for (size_t i = 0; i < keep; i++)
        logrec_release(&s->log.v[i]);
    s->log.n -= keep;
    memmove(s->log.v, s->log.v + keep, s->log.n * sizeof(*s->log.v));
    s->log_base = floor;
    s->freed = floor;
}

int store_compact(struct store *s, uint64_t revision)
{
    int r;

    assert(s->reading == 0);
    if (revision <= s->compacted || revision > s->revision)
        return -ERR_INVALID;
    r = commitlog_compact(s->commits, revision, NULL);
    if (r < 0)
        return r;
    s->compacted = revision;
    if (s->marks.n == 0)
        free_history(s);
    return 0;
}

/* ---- undo ------------------------------------------------------------------------------------------ */

uint64_t store_mark(struct store *s)
{
    assert(s->commits->ops->instant);  /* a durable log does not forget */
    *dyn_push(&s->marks) = (struct mark){ .revision = s->revision, .compacted = s->compacted };
    return s->marks.n;
}

void store_undo(struct store *s, uint64_t mark)
{
    const struct mark *m = &s->marks.v[mark - 1];

    assert(mark > 0 && mark <= s->marks.n && s->reading == 0);
    while (s->revision > m->revision) {
        struct logrec *r = &s->log.v[--s->log.n];
        struct entry *e = r->entry;
        value_unref(e->revs.v[--e->revs.n].value);
        if (e->revs.n == 0)
            entry_drop(s, e);
        else
            entry_changed(s, e);
        logrec_release(r);
        s->revision--;
    }
    s->compacted = m->compacted;
    s->commits->appended = s->commits->synced = s->revision;
    s->marks.n = mark;
}

void store_forget(struct store *s, uint64_t mark)
{
    assert(mark > 0 && mark <= s->marks.n);
    s->marks.n = mark - 1;
    if (s->marks.n == 0)
        free_history(s);
}

/* ---- the commit log -------------------------------------------------------------------------------- */

struct loading {
    struct store *store;
    uint64_t last;
    struct err *ret_err;
    int r;
};

static int load_refuse(struct loading *l, const struct commit *c, const char *why)
{
    l->r = err_set(l->ret_err, ERR_PROTOCOL, "revision %llu of %s: %s", (unsigned long long)c->revision,
                   c->key, why);
    return l->r;
}

static int load_check(struct loading *l, const struct commit *c)
{
    if (c->revision <= l->last)
        return load_refuse(l, c, "out of order");
    if (c->revision > l->store->compacted && c->revision != l->last + 1)
        return load_refuse(l, c, "revisions before it are missing");
    if (!c->value)
        return load_refuse(l, c, "no value");
    if (c->type != STORE_DELETE && (c->create_revision > c->revision || c->version == 0))
        return load_refuse(l, c, "contradicts itself");
    if (!c->value->tree && json_scan(c->value->bytes->data, c->value->bytes->len, NULL) == 0)
        return load_refuse(l, c, "the value is not JSON");
    return 0;
}

/* Records at or above the floor are history; what lies below is only the state that it starts from. */
static bool load_one(void *arg, const struct commit *c)
{
    struct loading *l = arg;
    struct store *s = l->store;
    struct revision next = { .mod = c->revision, .create = c->create_revision, .version = c->version };
    struct entry *e = keys_find(&s->keys, c->key);
    bool exists = e && entry_last(e)->value;
    bool history = c->revision >= s->compacted;

    if (load_check(l, c) < 0)
        return false;
    if (c->revision > s->compacted
        && ((c->type == STORE_CREATE) == exists || c->previous != (exists ? entry_last(e)->mod : 0)))
        return load_refuse(l, c, "contradicts the revision before"), false;
    if (c->type != STORE_DELETE)
        next.value = value_ref(c->value);
    if (!e) {
        e = entry_new(c->key);
        keys_insert(&s->keys, e);
    }
    if (history) {
        *dyn_push(&s->log) = (struct logrec){ .entry = e, .type = c->type, .value = value_ref(c->value),
            .previous = exists ? value_ref(entry_last(e)->value) : NULL };
    }
    *dyn_push(&e->revs) = next;
    s->revision = l->last = c->revision;
    entry_changed(s, e);
    return true;
}

struct store *store_open(struct commitlog *log, struct err *e)
{
    struct store *s = store_on(log);
    struct loading l = { .store = s, .last = FIRST_REVISION, .ret_err = e };
    int r = commitlog_load(log, &s->compacted, load_one, &l, e);

    if (r == 0)
        r = l.r;
    if (r == 0 && s->revision < s->compacted)
        r = err_set(e, ERR_PROTOCOL, "revision %llu, where it was compacted, is missing",
                    (unsigned long long)s->compacted);
    if (r < 0)
        return store_free(s);
    s->log_base = s->revision + 1 - s->log.n;
    s->freed = s->compacted;
    return s;
}

uint64_t store_committed(const struct store *s)
{
    return s->commits->synced;
}

int store_sync(struct store *s, struct err *e)
{
    int r;

    if (s->commits->synced == s->commits->appended && !s->commits->failed)
        return 0;
    r = commitlog_sync(s->commits, e);
    waitq_wake_all(&s->committed);
    return r;
}

int store_wait_committed(struct co *co, struct store *s, uint64_t revision)
{
    while (s->commits->synced < revision) {
        if (s->commits->failed)
            return -ERR_IO;
        int r = waitq_wait(co, &s->committed);
        if (r < 0)
            return r;
    }
    return 0;
}

void store_on_unsynced(struct store *s, void (*fn)(void *arg), void *arg)
{
    s->unsynced = fn;
    s->unsynced_arg = arg;
}
