#include "conformance/scenario/expect.h"

#include "conformance/scenario/kinds.h"
#include "conformance/scenario/rpc.h"
#include "kube/json.h"

static struct finding fits(void)
{
    return (struct finding){ .holds = true, .wanted = "", .found = "" };
}

static struct finding differs(const char *wanted, const char *found)
{
    return (struct finding){ .wanted = wanted, .found = found };
}

/* ---- which objects --------------------------------------------------------------------------- */

static bool has_labels(const json_t *object, const char *labels)
{
    const json_t *have = path_get(object, "metadata.labels");
    cleanup_free char *copy = xstrdup(labels);
    char *rest = copy, *one;

    while ((one = strsep(&rest, ","))) {
        char *equals = strchr(one, '=');
        const char *value;
        if (equals)
            *equals = '\0';
        value = json_string_value(json_object_get(have, one));
        if (!value || (equals && !streq(value, equals + 1)))
            return false;
    }
    return true;
}

static bool is_owned(const json_t *object, const char *owner)
{
    const json_t *o;
    size_t i, kind = strcspn(owner, "/");

    json_array_foreach (path_get(object, "metadata.ownerReferences"), i, o)
        if (json_is_true(json_object_get(o, "controller")) &&
            strlen(path_string(o, "kind")) == kind && strncmp(path_string(o, "kind"), owner, kind) == 0 &&
            streq(path_string(o, "name"), owner + kind + 1))
            return true;
    return false;
}

static bool concerns(const struct expect *e, const struct variables *v, const json_t *object)
{
    const struct resource *rs = kind_find(e->kind);
    const char *namespace = rs->namespaced ? (e->namespace ? e->namespace : "default") : "";

    return (!e->name || streq(variables_expand_text(v, e->name), path_string(object, "metadata.name"))) &&
           streq(namespace, path_string(object, "metadata.namespace")) &&
           (!e->labels || has_labels(object, e->labels)) &&
           (!e->owned_by || is_owned(object, e->owned_by));
}

static const char *what(const struct expect *e, struct arena *a)
{
    return arena_printf(a, "%s%s%s%s%s", e->kind, e->name ? " " : "", e->name ? e->name : "",
                        e->owned_by ? " of " : "", e->owned_by ? e->owned_by : "");
}

/* ---- what they contain ----------------------------------------------------------------------- */

static bool is_nothing(const json_t *j)
{
    return !j || json_is_null(j) || (json_is_string(j) && json_string_length(j) == 0) ||
           (json_is_array(j) && json_array_size(j) == 0) || (json_is_object(j) && json_object_size(j) == 0);
}

static const char *text_of(const json_t *j, struct arena *a)
{
    return j ? json_arena_text(a, j, JSON_WRITE_PLAIN) : "nothing";
}

/* "False/A|B" against status and reason. */
static bool condition_fits(const char *want, const char *status, const char *reason)
{
    size_t len = strcspn(want, "/");
    cleanup_free char *reasons = NULL;
    char *rest, *one;

    if (strlen(status) != len || strncmp(status, want, len) != 0)
        return false;
    if (want[len] == '\0')
        return true;
    rest = reasons = xstrdup(want + len + 1);
    while ((one = strsep(&rest, "|")))
        if (streq(one, reason))
            return true;
    return false;
}

static struct finding check_conditions(const struct expect *e, const json_t *object, struct arena *a)
{
    for (size_t i = 0; i < e->conditions.n; i++) {
        const struct string_pair *c = &e->conditions.v[i];
        const char *reason = "", *status = condition_status(object, c->key, &reason);
        bool holds = streq(c->value, "absent") ? !status : status && condition_fits(c->value, status, reason);
        if (!holds)
            return differs(arena_printf(a, "condition %s %s", c->key, c->value),
                           status ? arena_printf(a, "%s/%s", status, reason) : "absent");
    }
    return fits();
}

static struct finding check_paths(const struct expect *e, const json_t *object, struct arena *a)
{
    for (size_t i = 0; i < e->empty.n; i++)
        if (!is_nothing(path_get(object, e->empty.v[i])))
            return differs(arena_printf(a, "%s empty", e->empty.v[i]),
                           text_of(path_get(object, e->empty.v[i]), a));
    for (size_t i = 0; i < e->filled.n; i++)
        if (is_nothing(path_get(object, e->filled.v[i])))
            return differs(arena_printf(a, "%s filled", e->filled.v[i]), "nothing");
    return fits();
}

static struct finding check_patterns(const struct expect *e, const struct variables *v, const json_t *object,
                                     struct arena *a)
{
    json_auto_t *matches = variables_expand(v, e->matches), *excludes = variables_expand(v, e->excludes);
    const char *wrong = matches ? match_mismatch(a, matches, object) : NULL;
    bool any = e->one_of.n == 0;

    if (wrong)
        return differs(text_of(matches, a), wrong);
    if (excludes && match_contains(excludes, object))
        return differs(arena_printf(a, "not %s", text_of(excludes, a)), "just that");
    for (size_t i = 0; i < e->one_of.n && !any; i++) {
        json_auto_t *one = variables_expand(v, e->one_of.v[i].json);
        any = match_contains(one, object);
    }
    return any ? fits() : differs("one of the listed outcomes", text_of(path_get(object, "status"), a));
}

static struct finding check_object(const struct expect *e, const struct variables *v, const json_t *object,
                                   struct arena *a)
{
    struct finding f = check_patterns(e, v, object, a);

    if (f.holds)
        f = check_conditions(e, object, a);
    if (f.holds)
        f = check_paths(e, object, a);
    if (!f.holds)
        f.found = arena_printf(a, "%s %s: %s", e->kind, path_string(object, "metadata.name"), f.found);
    return f;
}

/* ---- now ------------------------------------------------------------------------------------- */

struct scan {
    const struct expect *e;
    const struct variables *v;
    struct arena *arena;
    size_t concerned, fitting;
    struct finding first_bad;
};

static bool scan_object(void *arg, const json_t *object)
{
    struct scan *s = arg;
    struct finding f;

    if (!concerns(s->e, s->v, object))
        return true;
    s->concerned++;
    f = check_object(s->e, s->v, object, s->arena);
    s->fitting += f.holds;
    if (!f.holds && s->first_bad.holds)
        s->first_bad = f;
    return true;
}

struct finding expect_now(const struct expect *e, const struct history *h, const struct variables *v,
                          struct arena *a)
{
    struct scan s = { .e = e, .v = v, .arena = a, .first_bad = fits() };

    history_each_object(h, e->kind, scan_object, &s);
    if (e->gone)
        return s.fitting == 0 ? fits()
                              : differs(arena_printf(a, "no %s", what(e, a)),
                                        arena_printf(a, "%zu of them", s.fitting));
    if (e->count > 0)
        return s.fitting == (size_t)e->count
                   ? fits()
                   : differs(arena_printf(a, "%lld times %s", (long long)e->count, what(e, a)),
                             arena_printf(a, "%zu that fit of %zu%s%s", s.fitting, s.concerned,
                                          s.first_bad.holds ? "" : "; ", s.first_bad.found));
    if (s.concerned == 0)
        return differs(what(e, a), "there is none");
    return s.first_bad;
}

/* ---- looking back ---------------------------------------------------------------------------- */

/* Walks the versions since the last mark; what was there at the mark counts too. */
static void scan_versions(struct scan *s, const struct history *h, struct finding *ret_fit)
{
    *ret_fit = differs("", "");
    for (size_t i = history_mark(h, NULL); i < history_count(h); i++) {
        const struct happening *w = history_at(h, i);
        struct finding f;
        if (w->type != HAPPENED_WRITE || !streq(w->kind, s->e->kind) || !concerns(s->e, s->v, w->object))
            continue;
        s->concerned++;
        f = check_object(s->e, s->v, w->object, s->arena);
        s->fitting += f.holds;
        if (f.holds && !ret_fit->holds)
            *ret_fit = (struct finding){ true, "", arena_printf(s->arena, "%s %s, written at happening %zu",
                                                                w->kind, w->name, w->index) };
        if (!f.holds && s->first_bad.holds)
            s->first_bad = f;
    }
}

struct finding expect_seen(const struct expect *e, const struct history *h, const struct variables *v,
                           struct arena *a)
{
    struct scan s = { .e = e, .v = v, .arena = a, .first_bad = fits() };
    struct finding fit;

    scan_versions(&s, h, &fit);
    if (fit.holds)
        return fits();
    return s.concerned == 0 ? differs(what(e, a), "no version of it was ever written")
                            : differs(arena_printf(a, "once, %s", s.first_bad.wanted), s.first_bad.found);
}

struct finding expect_never(const struct expect *e, const struct history *h, const struct variables *v,
                            struct arena *a)
{
    struct scan s = { .e = e, .v = v, .arena = a, .first_bad = fits() };
    bool about_content = e->matches || e->excludes || e->one_of.n || e->conditions.n || e->empty.n ||
                         e->filled.n;
    struct finding fit;

    scan_versions(&s, h, &fit);
    if (fit.holds)
        return differs(arena_printf(a, "never such a %s", what(e, a)), fit.found);
    if (about_content && s.concerned == 0)
        return differs(what(e, a), "no version of it was written: this proves nothing");
    return fits();
}

/* ---- calls ----------------------------------------------------------------------------------- */

static const struct happening *answer_of(const struct history *h, const struct happening *call)
{
    for (size_t i = call->index + 1; i < history_count(h); i++)
        if (history_at(h, i)->type == HAPPENED_ANSWER && history_at(h, i)->call == call)
            return history_at(h, i);
    return NULL;
}

static bool call_fits(const struct calls *c, const struct history *h, const struct happening *call,
                      const json_t *where)
{
    const struct happening *answer;

    if (call->type != HAPPENED_CALL || (c->rpc != RPC_WORD_ANY && c->rpc != (int)call->rpc))
        return false;
    if (c->rpc == RPC_WORD_ANY && call->rpc == RPC_WORD_INFO)
        return false;                             /* who are you: asked at any time */
    if (c->sandbox && !streq(c->sandbox, call->name))
        return false;
    if (where && !match_contains(where, call->request))
        return false;
    if (!c->answered)
        return true;
    answer = answer_of(h, call);
    return answer && answer->answered && streq(rpc_code_text(answer->code), c->answered);
}

static struct finding check_fields(const struct strings *fields, bool same, const struct happening *const *v,
                                   size_t n, struct arena *a)
{
    for (size_t f = 0; f < fields->n; f++)
        for (size_t i = 1; i < n; i++)
            for (size_t k = same ? i - 1 : 0; k < i; k++) {
                const json_t *one = json_object_get(v[i]->request, fields->v[f]);
                const json_t *other = json_object_get(v[k]->request, fields->v[f]);
                if (json_same(one, other) != same)
                    return differs(arena_printf(a, "%s %s in all calls", fields->v[f],
                                                same ? "the same" : "another"),
                                   arena_printf(a, "%s and %s", text_of(other, a), text_of(one, a)));
            }
    return fits();
}

struct finding expect_calls(const struct calls *c, const struct history *h, const struct variables *v,
                            struct arena *a)
{
    json_auto_t *where = variables_expand(v, c->where);
    const struct happening **found = arena_alloc(a, (history_count(h) + 1) * sizeof(*found));
    const char *name = scenario_rpc_words[c->rpc];
    struct finding f;
    size_t n = 0;

    for (size_t i = c->since ? history_mark(h, c->since) : 0; i < history_count(h); i++)
        if (call_fits(c, h, history_at(h, i), where))
            found[n++] = history_at(h, i);
    if (c->none && n > 0)
        return differs(arena_printf(a, "no call of %s", name), arena_printf(a, "%zu", n));
    if (c->count && n != (size_t)c->count)
        return differs(arena_printf(a, "%lld calls of %s", (long long)c->count, name),
                       arena_printf(a, "%zu", n));
    if (c->at_least && n < (size_t)c->at_least)
        return differs(arena_printf(a, "at least %lld calls of %s", (long long)c->at_least, name),
                       arena_printf(a, "%zu", n));
    if (c->at_most && n > (size_t)c->at_most)
        return differs(arena_printf(a, "at most %lld calls of %s", (long long)c->at_most, name),
                       arena_printf(a, "%zu", n));
    if ((c->same.n || c->distinct.n) && n == 0)
        return differs(arena_printf(a, "calls of %s", name), "none: this proves nothing");
    f = check_fields(&c->same, true, found, n, a);
    return f.holds ? check_fields(&c->distinct, false, found, n, a) : f;
}

/* ---- order ----------------------------------------------------------------------------------- */

static bool is_told_to_go(const struct happening *e)
{
    if (e->type == HAPPENED_WRITE)
        return e->previous && *path_string(e->object, "metadata.deletionTimestamp") &&
               !*path_string(e->previous, "metadata.deletionTimestamp");
    return e->type == HAPPENED_GONE && !*path_string(e->previous, "metadata.deletionTimestamp");
}

static bool event_fits(const struct event_match *m, const struct happening *e, const json_t *matches)
{
    bool right;

    if (m->call || m->answer)
        right = e->type == (m->call ? HAPPENED_CALL : HAPPENED_ANSWER) &&
                (int)e->rpc == (m->call ? m->call : m->answer) &&
                (!m->answered || (e->answered && streq(rpc_code_text(e->code), m->answered)));
    else if (m->written)
        right = e->type == HAPPENED_WRITE && streq(e->kind, m->written);
    else if (m->deleted)
        right = e->type == HAPPENED_GONE && streq(e->kind, m->deleted);
    else
        right = streq(e->kind, m->asked_delete) && is_told_to_go(e);
    if (!right || (m->name && !streq(m->name, e->name)))
        return false;
    return !matches || match_contains(matches, e->request  ? e->request
                                               : e->object ? e->object
                                                           : e->previous);
}

static const char *describe(const struct event_match *m, struct arena *a)
{
    const char *object = m->written ? m->written : m->deleted ? m->deleted : m->asked_delete;

    if (m->call || m->answer)
        return arena_printf(a, "%s %s", m->call ? "call of" : "answer to",
                            scenario_rpc_words[m->call ? m->call : m->answer]);
    return arena_printf(a, "%s %s%s%s",
                        m->written ? "write of" : m->deleted ? "end of" : "deletion asked of", object,
                        m->name ? " " : "", m->name ? m->name : "");
}

struct finding expect_order(const struct order *o, const struct history *h, const struct variables *v,
                            struct arena *a)
{
    size_t start = o->since ? history_mark(h, o->since) : 0, previous = start;

    for (size_t i = 0; i < o->first.n; i++) {
        const struct event_match *m = o->first.v[i];
        json_auto_t *matches = variables_expand(v, m->matches);
        size_t at = start;
        while (at < history_count(h) && !event_fits(m, history_at(h, at), matches))
            at++;
        if (at == history_count(h))
            return differs(describe(m, a), "it never happened");
        if (i > 0 && at < previous)
            return differs(arena_printf(a, "%s before %s", describe(o->first.v[i - 1], a), describe(m, a)),
                           arena_printf(a, "happening %zu, then happening %zu", at, previous));
        previous = at;
    }
    return fits();
}
