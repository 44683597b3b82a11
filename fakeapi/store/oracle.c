#include "fakeapi/store/oracle.h"

#include "fakeapi/store/commitlog_sqlite.h"
#include "kube/json.h"

#define WATCHES 6

static const char *const keys[] = { "/a", "/a/", "/a/b", "/a/b/c", "/a/c", "/a0", "/b", "/b/x", "/b/y",
                                    "/b/z", "/z", "0", "\x7f", "/a/\xc3\xa9" };
static const char *const prefixes[] = { "", "/", "/a", "/a/", "/a/b", "/b/", "/b/x", "/nothing/", "/z" };

struct watcher {
    struct oracle *o;
    struct store_watch *watch;
    const char *prefix;
    uint64_t order;
};

struct oracle {
    enum oracle_log kind;
    struct store *store;
    struct commitlog *inner;           /* borrowed: what a power cut hits; NULL for `none` */
    struct model model;
    uint64_t marks[64], mark_compacted[64], mark_print[64];
    size_t n_marks;
    uint64_t synced, compacted_synced;
    bool log_failed;
    struct watcher watchers[WATCHES];
    uint64_t order;
    DYN(size_t) told;                  /* which watchers the last write told, in order */
    struct model_event last_told;
    bool told_wrong;
    size_t lines;                      /* of the traced log */
    char *why;
};

PRINTF(2, 3)
static bool wrong(struct oracle *o, const char *fmt, ...)
{
    va_list args;

    if (!o->why) {
        va_start(args, fmt);
        o->why = xvasprintf(fmt, args);
        va_end(args);
    }
    return false;
}

#define EXPECT(o, what, got, want)                                                            \
    do {                                                                                      \
        long long got_ = (long long)(got), want_ = (long long)(want);                         \
        if (got_ != want_)                                                                    \
            return (void)wrong(o, "%s: %lld instead of %lld", what, got_, want_);             \
    } while (0)

static uint64_t mix(uint64_t z)
{
    z += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Every other value comes as bytes. */
static struct value *make_value(int64_t n)
{
    json_t *tree = json_pack("{s:I}", "v", (json_int_t)n);
    struct value *v;

    if (n % 2)
        return value_from_tree(tree);
    v = value_from_bytes(json_blob(tree, 0));
    json_decref(tree);
    return v;
}

static int64_t number_of(struct value *v)
{
    return json_integer_value(json_object_get(value_tree(v), "v"));
}

/* ---- watches ---- */

static void on_event(void *arg, const struct store_event *e)
{
    struct watcher *w = arg;
    struct oracle *o = w->o;
    const struct model_event *m = &o->last_told;

    *dyn_push(&o->told) = (size_t)(w - o->watchers);
    if (e->revision != m->revision || e->type != m->type || !streq(e->key, m->key)
        || number_of(e->value) != m->value || (e->type == STORE_CREATE) != !e->previous)
        o->told_wrong = true;
}

/* After a write that took effect: the watchers of a prefix of its key were told, oldest first. */
static void check_told(struct oracle *o, const char *key)
{
    size_t at = 0;

    for (uint64_t order = 0; order <= o->order; order++) {
        for (size_t i = 0; i < WATCHES; i++) {
            struct watcher *w = &o->watchers[i];
            if (!w->watch || w->order != order || !str_starts(key, w->prefix))
                continue;
            if (at >= o->told.n || o->told.v[at] != i)
                return (void)wrong(o, "watcher %zu of \"%s\" was not told in its turn", i, w->prefix);
            at++;
        }
    }
    EXPECT(o, "watchers told", o->told.n, at);
    if (o->told_wrong)
        wrong(o, "an event differs from the write");
}

static void unwatch_all(struct oracle *o)
{
    for (size_t i = 0; i < WATCHES; i++)
        o->watchers[i].watch = store_watch_free(o->watchers[i].watch);
}

/* ---- operations ---- */

static uint64_t expected_revision(struct oracle *o, const char *key, uint32_t how)
{
    const struct model_event *e = model_at(&o->model, key, UINT64_MAX);

    switch (how % 4) {
    case 0: return STORE_ANY;
    case 1: return e ? e->revision : 0;
    case 2: return 0;
    default: return how / 4 % (model_revision(&o->model) + 2);
    }
}

static bool refused(struct oracle *o, int r)
{
    return o->kind == LOG_FAULTY && (r == -ERR_FULL || r == -ERR_IO);
}

static void op_write(struct oracle *o, const struct op *op)
{
    const char *key = keys[op->a % ARRAY_SIZE(keys)];
    uint64_t expect = expected_revision(o, key, op->b), deleted = 0;
    int64_t last = op->kind == OP_DELETE && op->d % 2 ? -1 : (int64_t)(op->c % 1000);
    struct record rec = { 0 };
    size_t before = o->model.log.n;
    int want, got;

    o->told.n = 0;
    o->told_wrong = false;
    if (op->kind == OP_PUT)
        want = model_put(&o->model, key, last, expect);
    else
        want = model_delete(&o->model, key, expect, last);
    if (want == 0)
        o->last_told = o->model.log.v[before];
    if (op->kind == OP_PUT)
        got = store_put(o->store, key, make_value(last), expect, &rec);
    else
        got = store_delete(o->store, key, expect, last < 0 ? NULL : make_value(last), &deleted);
    if (want == 0 && refused(o, got)) {
        model_truncate(&o->model, before + 1);
        EXPECT(o, "watchers told of a refused write", o->told.n, 0);
        return;
    }
    EXPECT(o, "result of the write", got, want);
    if (want < 0)
        EXPECT(o, "watchers told of a failed write", o->told.n, 0);
    else
        check_told(o, key);
    if (want == 0 && op->kind == OP_PUT) {
        EXPECT(o, "version", rec.version, o->last_told.version);
        EXPECT(o, "create revision", rec.create_revision, o->last_told.create);
        EXPECT(o, "mod revision", rec.mod_revision, o->last_told.revision);
    }
    if (want == 0 && op->kind == OP_DELETE)
        EXPECT(o, "revision of the deletion", deleted, o->last_told.revision);
}

static void check_record(struct oracle *o, const struct record *r, const struct model_event *e)
{
    if (!e)
        return (void)wrong(o, "a record of \"%s\" that is not there", r->key);
    EXPECT(o, "value", number_of(r->value), e->value);
    EXPECT(o, "mod revision read", r->mod_revision, e->revision);
    EXPECT(o, "create revision read", r->create_revision, e->create);
    EXPECT(o, "version read", r->version, e->version);
}

/* 0 for the present, or anything from the beginning to one past the end. */
static uint64_t some_revision(struct oracle *o, uint32_t n)
{
    return n % 3 == 0 ? 0 : n / 3 % (model_revision(&o->model) + 2);
}

static void op_get(struct oracle *o, const struct op *op)
{
    const char *key = keys[op->a % ARRAY_SIZE(keys)];
    uint64_t at = some_revision(o, op->b), model_at_revision = at;
    const struct model_event *e;
    struct record rec = { 0 };
    int want = model_check(&o->model, &model_at_revision);

    e = model_at(&o->model, key, model_at_revision);
    if (want == 0 && !e)
        want = -ERR_NOT_FOUND;
    EXPECT(o, "result of the read", store_get(o->store, key, at, &rec), want);
    if (want == 0)
        check_record(o, &rec, e);
}

struct ranging {
    struct oracle *o;
    const char *keys[ARRAY_SIZE(keys)];          /* what is to come */
    size_t n, at;
    uint64_t revision;
};

static bool on_record(void *arg, const struct record *r)
{
    struct ranging *g = arg;

    if (g->at >= g->n || !streq(r->key, g->keys[g->at]))
        return wrong(g->o, "range gives \"%s\" instead of \"%s\"", r->key,
                     g->at < g->n ? g->keys[g->at] : "the end");
    check_record(g->o, r, model_at(&g->o->model, r->key, g->revision));
    g->at++;
    return true;
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void op_range(struct oracle *o, const struct op *op)
{
    const char *prefix = prefixes[op->a % ARRAY_SIZE(prefixes)];
    const char *after = op->c % 2 ? NULL : keys[op->c / 2 % ARRAY_SIZE(keys)];
    uint64_t at = some_revision(o, op->b), resolved = at;
    size_t limit = op->d % 5, remaining = 77;
    int want = model_check(&o->model, &resolved), got;
    struct ranging g = { .o = o, .revision = resolved };

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (str_starts(keys[i], prefix) && (!after || strcmp(keys[i], after) > 0)
            && model_at(&o->model, keys[i], resolved))
            g.keys[g.n++] = keys[i];
    }
    qsort(g.keys, g.n, sizeof(g.keys[0]), compare_text);
    got = store_range(o->store, prefix, after, at, limit, on_record, &g, &remaining);
    EXPECT(o, "result of the range", got, want);
    if (want < 0)
        return;
    EXPECT(o, "records in the range", g.at, limit && limit < g.n ? limit : g.n);
    EXPECT(o, "remaining", remaining, g.n - g.at);
}

static void op_count(struct oracle *o, const struct op *op)
{
    const char *prefix = prefixes[op->a % ARRAY_SIZE(prefixes)];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        n += str_starts(keys[i], prefix) && model_at(&o->model, keys[i], UINT64_MAX);
    EXPECT(o, "count", store_count(o->store, prefix), n);
}

struct replaying {
    struct oracle *o;
    const char *prefix;
    uint64_t at;
};

/* The next event under the prefix after g->at, or NULL. */
static const struct model_event *replay_next(struct replaying *g)
{
    while (g->at < model_revision(&g->o->model)) {
        const struct model_event *e = &g->o->model.log.v[++g->at - 2];
        if (str_starts(e->key, g->prefix))
            return e;
    }
    return NULL;
}

static bool on_replay(void *arg, const struct store_event *e)
{
    struct replaying *g = arg;
    const struct model_event *want = replay_next(g), *old;

    if (!want || want->revision != e->revision || want->type != e->type || !streq(want->key, e->key)
        || number_of(e->value) != want->value)
        return wrong(g->o, "replay gives %llu instead of %llu", (unsigned long long)e->revision,
                     want ? (unsigned long long)want->revision : 0);
    old = model_at(&g->o->model, e->key, e->revision - 1);
    if (e->revision > g->o->model.compacted && (!old != !e->previous
        || (old && number_of(e->previous) != old->value)))
        return wrong(g->o, "replay of %llu gives another value before", (unsigned long long)e->revision);
    return true;
}

static void op_replay(struct oracle *o, const struct op *op)
{
    uint64_t from = op->b % (model_revision(&o->model) + 2);
    struct replaying g = { .o = o, .prefix = prefixes[op->a % ARRAY_SIZE(prefixes)], .at = from };
    int want = 0;

    if (from > model_revision(&o->model))
        want = -ERR_UNAVAILABLE;
    else if (from + 1 < o->model.compacted || from == 0)
        want = -ERR_INVALID;           /* revision 1 is the empty store, not an event */
    EXPECT(o, "result of the replay", store_replay(o->store, g.prefix, from, on_replay, &g), want);
    if (want == 0 && replay_next(&g))
        wrong(o, "replay ends before %llu", (unsigned long long)g.at);
}

static void op_compact(struct oracle *o, const struct op *op)
{
    uint64_t revision = op->a % (model_revision(&o->model) + 2), before = o->model.compacted;
    int want = model_compact(&o->model, revision);
    int got = store_compact(o->store, revision);

    if (want == 0 && refused(o, got))
        o->model.compacted = before;
    else
        EXPECT(o, "result of the compaction", got, want);
}

static void op_watch(struct oracle *o, const struct op *op)
{
    struct watcher *w = &o->watchers[op->a % WATCHES];

    if (op->kind == OP_UNWATCH || w->watch)
        w->watch = store_watch_free(w->watch);
    if (op->kind == OP_UNWATCH)
        return;
    *w = (struct watcher){ .o = o, .prefix = prefixes[op->b % ARRAY_SIZE(prefixes)],
                           .order = ++o->order };
    w->watch = store_watch_new(o->store, w->prefix, on_event, w);
}

static void op_mark(struct oracle *o, const struct op *op)
{
    size_t i;

    if (op->kind == OP_MARK && o->n_marks < ARRAY_SIZE(o->marks)) {
        o->marks[o->n_marks] = model_revision(&o->model);
        o->mark_compacted[o->n_marks] = o->model.compacted;
        o->mark_print[o->n_marks] = store_fingerprint(o->store);
        EXPECT(o, "mark", store_mark(o->store), ++o->n_marks);
    }
    if (op->kind == OP_MARK || o->n_marks == 0)
        return;
    i = op->a % o->n_marks;
    if (op->kind == OP_FORGET) {
        store_forget(o->store, i + 1);
        o->n_marks = i;
        return;
    }
    unwatch_all(o);
    store_undo(o->store, i + 1);
    model_truncate(&o->model, o->marks[i]);
    o->model.compacted = o->mark_compacted[i];
    o->n_marks = i + 1;
    if (store_fingerprint(o->store) != o->mark_print[i])
        wrong(o, "another fingerprint after the undo");
}

/* ---- the log ---- */

static void count_line(void *arg, const char *text)
{
    (*(size_t *)arg)++;
}

static struct commitlog *make_log(struct oracle *o, uint64_t seed)
{
    if (o->kind == LOG_NONE)
        return commitlog_none_new();
    if (o->kind == LOG_SQLITE)
        return o->inner = commitlog_sqlite_new(&(struct commitlog_sqlite_options){ .path = ":memory:" }, NULL);
    o->inner = commitlog_memory_new();
    if (o->kind == LOG_TRACED)
        return commitlog_traced_new(o->inner, count_line, &o->lines);
    if (o->kind == LOG_FAULTY)
        return commitlog_faulty_new(o->inner, 1 + mix(seed) % 60, mix(seed + 1) % 2 ? ERR_FULL : ERR_IO,
                                    mix(seed + 2) % 2);
    return o->inner;
}

static void op_sync(struct oracle *o)
{
    int r = store_sync(o->store, NULL);

    if (refused(o, r))
        return;
    EXPECT(o, "result of the sync", r, 0);
    EXPECT(o, "committed", store_committed(o->store), model_revision(&o->model));
    o->synced = model_revision(&o->model);
}

/* A new store on the same log. After a cut, what was not synced may be gone, and nothing else. */
static void op_restart(struct oracle *o, bool cut)
{
    struct commitlog *log;
    struct err e = { 0 };
    uint64_t committed = store_committed(o->store);

    if (o->kind == LOG_NONE)
        return;
    unwatch_all(o);
    if (o->model.compacted > committed)
        cut = false;                   /* a floor above what is safe says nothing about what is left */
    log = store_close(o->store);
    if (cut && o->kind == LOG_SQLITE)
        commitlog_sqlite_cut(o->inner);
    else if (cut)
        commitlog_memory_cut(o->inner);
    o->store = store_open(log, &e);
    if (!o->store)
        return (void)wrong(o, "the log does not load: %s", err_message(&e));
    if (cut) {
        model_truncate(&o->model, committed);
        o->model.compacted = store_compacted(o->store);
        if (o->model.compacted > committed)
            wrong(o, "compacted above what is safe");
    }
    EXPECT(o, "revision after the restart", store_revision(o->store), model_revision(&o->model));
    EXPECT(o, "floor after the restart", store_compacted(o->store), o->model.compacted);
    o->log_failed = false;
}

static void op_fingerprint(struct oracle *o)
{
    uint64_t one = store_fingerprint(o->store), two;

    two = store_fingerprint(o->store);
    if (one != two)
        wrong(o, "two fingerprints of one state");
}

static void op_run(struct oracle *o, const struct op *op)
{
    switch (op->kind) {
    case OP_PUT:
    case OP_DELETE:
        op_write(o, op);
        break;
    case OP_GET: op_get(o, op); break;
    case OP_RANGE: op_range(o, op); break;
    case OP_COUNT: op_count(o, op); break;
    case OP_REPLAY: op_replay(o, op); break;
    case OP_COMPACT: op_compact(o, op); break;
    case OP_WATCH:
    case OP_UNWATCH:
        op_watch(o, op);
        break;
    case OP_FINGERPRINT: op_fingerprint(o); break;
    case OP_MARK:
    case OP_UNDO:
    case OP_FORGET:
        if (o->kind == LOG_NONE)
            op_mark(o, op);
        break;
    case OP_SYNC: op_sync(o); break;
    case OP_RESTART: op_restart(o, false); break;
    case OP_CUT: op_restart(o, true); break;
    case OP_KINDS: break;
    }
    if (o->store && store_revision(o->store) != model_revision(&o->model))
        wrong(o, "revision %llu instead of %llu", (unsigned long long)store_revision(o->store),
              (unsigned long long)model_revision(&o->model));
}

char *oracle_run(enum oracle_log log, uint64_t seed, const struct op *ops, size_t n, size_t *ret_at)
{
    struct oracle o = { .kind = log };
    struct err e = { 0 };
    size_t i;

    o.store = store_open(make_log(&o, seed), &e);
    for (i = 0; i < n && !o.why; i++)
        op_run(&o, &ops[i]);
    if (ret_at)
        *ret_at = i - 1;
    if (o.store) {
        unwatch_all(&o);
        store_free(o.store);
    }
    dyn_release(&o.model.log);
    dyn_release(&o.told);
    return o.why;
}

/* ---- making and shrinking lists ---- */

/* Per thousand, for a store without and with a log. */
static const struct {
    const char *name;
    unsigned weight[2];
} kinds[OP_KINDS] = {
    [OP_PUT] = { "put", { 330, 330 } }, [OP_DELETE] = { "delete", { 120, 120 } },
    [OP_GET] = { "get", { 130, 130 } }, [OP_RANGE] = { "range", { 120, 120 } },
    [OP_COUNT] = { "count", { 40, 40 } }, [OP_REPLAY] = { "replay", { 60, 60 } },
    [OP_COMPACT] = { "compact", { 30, 30 } }, [OP_WATCH] = { "watch", { 50, 50 } },
    [OP_UNWATCH] = { "unwatch", { 20, 20 } }, [OP_FINGERPRINT] = { "fingerprint", { 20, 20 } },
    [OP_MARK] = { "mark", { 30, 0 } }, [OP_UNDO] = { "undo", { 40, 0 } },
    [OP_FORGET] = { "forget", { 10, 0 } }, [OP_SYNC] = { "sync", { 0, 50 } },
    [OP_RESTART] = { "restart", { 0, 15 } }, [OP_CUT] = { "power cut", { 0, 15 } }
};

struct op *oracle_ops(enum oracle_log log, uint64_t seed, size_t n)
{
    struct op *ops = xcalloc(n, sizeof(*ops));
    uint64_t state = mix(seed);

    for (size_t i = 0; i < n; i++) {
        unsigned pick = (state = mix(state)) % 1000;
        while (pick >= kinds[ops[i].kind].weight[log != LOG_NONE])
            pick -= kinds[ops[i].kind++].weight[log != LOG_NONE];
        ops[i].a = (uint32_t)(state = mix(state));
        ops[i].b = (uint32_t)(state = mix(state));
        ops[i].c = (uint32_t)(state = mix(state));
        ops[i].d = (uint32_t)(state = mix(state));
    }
    return ops;
}

static bool fails_without(enum oracle_log log, uint64_t seed, struct op *ops, size_t n, size_t at,
                          size_t len)
{
    cleanup_free struct op *less = xcalloc(n, sizeof(*less));
    char *why;

    memcpy(less, ops, at * sizeof(*ops));
    memcpy(less + at, ops + at + len, (n - at - len) * sizeof(*ops));
    why = oracle_run(log, seed, less, n - len, NULL);
    if (why)
        memcpy(ops, less, (n - len) * sizeof(*ops));
    free(why);
    return why != NULL;
}

size_t oracle_shrink(enum oracle_log log, uint64_t seed, struct op *ops, size_t n)
{
    for (size_t len = n / 2; len > 0; len /= 2) {
        for (size_t at = 0; at + len <= n;) {
            if (n > len && fails_without(log, seed, ops, n, at, len))
                n -= len;
            else
                at += len;
        }
    }
    return n;
}

void oracle_describe(struct buf *b, const struct op *op)
{
    buf_printf(b, "%s key %s prefix \"%s\" a %u b %u c %u d %u", kinds[op->kind].name,
               keys[op->a % ARRAY_SIZE(keys)], prefixes[op->a % ARRAY_SIZE(prefixes)], op->a, op->b,
               op->c, op->d);
}
