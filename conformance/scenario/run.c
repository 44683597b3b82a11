#include "conformance/scenario/run.h"

#include "conformance/scenario/expect.h"
#include "conformance/scenario/kinds.h"
#include "conformance/scenario/rpc.h"
#include "fakeapi/cluster/cluster.h"
#include "kube/json.h"

#define WITHIN_DEFAULT DURATION_MIN(5)
#define QUIET_SPAN DURATION_S(30)
#define QUIET_WITHIN DURATION_MIN(30)
#define READY_WITHIN DURATION_MIN(2)
#define STEPS_MAX 300000                         /* of the scheduler: nothing hangs */
#define SPIN_MAX 20000
#define VIRTUAL_MAX DURATION_MIN(60 * 72)

struct player {
    const struct scenario *scenario;
    struct lab *lab;
    struct run_result *result;
    struct variables variables;
    struct at step_at;
    bool down;                                   /* the controller was told to stay down */
    bool failed, done;
};

/* ---- schedules ------------------------------------------------------------------------------- */

bool schedule_parse(const char *text, struct schedule *ret)
{
    static const struct { const char *word; enum schedule_kind kind; } words[] = {
        { "crash-before:", SCHEDULE_CRASH_BEFORE }, { "crash-after:", SCHEDULE_CRASH_AFTER },
    };

    if (streq(text, "plain") || streq(text, "seed")) {
        ret->kind = streq(text, "plain") ? SCHEDULE_PLAIN : SCHEDULE_SEED;
        return true;
    }
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (str_starts(text, words[i].word)) {
            ret->kind = words[i].kind;
            return parse_u64(text + strlen(words[i].word), &ret->n) && ret->n > 0;
        }
    return false;
}

const char *schedule_text(struct arena *a, const struct schedule *s)
{
    switch (s->kind) {
    case SCHEDULE_PLAIN:
        return "plain";
    case SCHEDULE_SEED:
        return "seed";
    case SCHEDULE_CRASH_BEFORE:
        return arena_printf(a, "crash-before:%llu", (unsigned long long)s->n);
    case SCHEDULE_CRASH_AFTER:
        return arena_printf(a, "crash-after:%llu", (unsigned long long)s->n);
    }
    return "plain";
}

/* ---- failing --------------------------------------------------------------------------------- */

static void fail(struct player *p, const char *expected, const char *actual, const char *fmt, ...)
    PRINTF(4, 5);
static void fail(struct player *p, const char *expected, const char *actual, const char *fmt, ...)
{
    struct run_result *r = p->result;
    va_list args;

    if (p->failed)
        return;
    p->failed = true;
    va_start(args, fmt);
    r->message = arena_vprintf(r->arena, fmt, args);
    va_end(args);
    r->expected = arena_strdup(r->arena, expected);
    r->actual = arena_strdup(r->arena, actual);
    r->at = p->step_at;
}

static void fail_finding(struct player *p, const struct finding *f, const char *what)
{
    fail(p, f->wanted, f->found, "%s: wanted %s; found %s", what, f->wanted, f->found);
}

/* ---- waiting --------------------------------------------------------------------------------- */

typedef struct finding ask_fn(struct player *p, const void *about, struct arena *a);

/* Until it holds, and then holds for `hold`; asked again at every happening. */
static void wait_for(struct co *co, struct player *p, ask_fn *ask, const void *about, duration within,
                     duration hold, const char *what)
{
    struct world *w = co_world(co);
    struct instant until = instant_add(world_now(w), within), held_until = { 0 };
    bool holding = false;

    while (!p->failed) {
        cleanup_arena struct arena *a = arena_new();
        struct finding f = ask(p, about, a);
        struct instant now = world_now(w);
        if (f.holds && !holding) {
            holding = true;
            held_until = instant_add(now, hold);
        }
        if (f.holds && !instant_before(now, held_until))
            return;
        if (!f.holds && (holding || !instant_before(now, until))) {
            fail_finding(p, &f, holding ? "it did not stay so" : what);
            return;
        }
        if (waitq_wait_until(co, history_changed(lab_history(p->lab)), holding ? held_until : until) ==
            -ERR_CANCELLED)
            p->failed = true;
    }
}

static struct finding ask_expect(struct player *p, const void *about, struct arena *a)
{
    return expect_now(about, lab_history(p->lab), &p->variables, a);
}

static struct finding ask_calls(struct player *p, const void *about, struct arena *a)
{
    return expect_calls(about, lab_history(p->lab), &p->variables, a);
}

static void wait_quiet(struct co *co, struct player *p, duration span, duration within)
{
    struct history *h = lab_history(p->lab);
    struct world *w = co_world(co);
    struct instant until = instant_add(world_now(w), within), since = world_now(w), last;

    while (!p->failed) {
        last = history_last_activity(h);
        if (instant_before(last, since))
            last = since;
        if (!instant_before(world_now(w), instant_add(last, span)))
            return;
        if (!instant_before(world_now(w), until)) {
            fail(p, "nothing more is written or called", "something still is",
                 "the world does not come to rest");
            return;
        }
        if (co_sleep_until(co, instant_add(last, span)) < 0)
            p->failed = true;
    }
}

/* ---- steps that ask the API server ----------------------------------------------------------- */

static const char *namespace_of(const struct resource *rs, const char *namespace)
{
    return rs->namespaced ? (namespace ? namespace : "default") : "";
}

static bool has_cause(const struct apierr *err, const char *field)
{
    for (size_t i = 0; i < err->n_causes; i++)
        if (err->causes[i].field && streq(err->causes[i].field, field))
            return true;
    return false;
}

static void judge_refusal(struct player *p, const struct refused *want, int r, const struct apierr *err)
{
    const char *got = r >= 0 ? "it was accepted" : arena_printf(p->result->arena, "%d %s: %s",
                                                               apierr_code(err), apierr_reason_text(r),
                                                               err->message ? err->message : "");
    const char *expected;

    if (!want) {
        if (r < 0)
            fail(p, "the request is accepted", got, "refused: %s", got);
        return;
    }
    expected = arena_printf(p->result->arena, "a refusal with %lld%s%s", (long long)want->code,
                            want->reason ? " " : "", want->reason ? want->reason : "");
    if (r >= 0 || apierr_code(err) != want->code ||
        (want->reason && !streq(apierr_reason_text(r), want->reason)) ||
        (want->field && !has_cause(err, want->field)) ||
        (want->message && (!err->message || !strstr(err->message, want->message))))
        fail(p, expected, got, "wanted %s; found: %s", expected, got);
}

/* Fills in the namespace the language leaves out. */
static json_t *complete(struct player *p, const json_t *object, const struct resource **ret_rs)
{
    json_t *copy = variables_expand(&p->variables, object);
    json_t *metadata = json_object_get(copy, "metadata");

    *ret_rs = kind_find(path_string(copy, "kind"));
    if ((*ret_rs)->namespaced && !json_object_get(metadata, "namespace"))
        json_object_set_new(metadata, "namespace", json_string("default"));
    return copy;
}

static void do_create(struct co *co, struct player *p, const json_t *object, const struct refused *refused)
{
    const struct resource *rs;
    json_auto_t *copy = complete(p, object, &rs);
    struct apierr err = APIERR_IN(co_arena(co));
    int r = client_create(co, lab_client(p->lab), rs, copy, NULL, &err);

    judge_refusal(p, refused, r, &err);
}

static void do_apply(struct co *co, struct player *p, const json_t *object, const struct refused *refused)
{
    const struct resource *rs;
    json_auto_t *copy = complete(p, object, &rs);
    struct objref ref = { rs, path_string(copy, "metadata.namespace"), path_string(copy, "metadata.name") };
    struct apierr err = APIERR_IN(co_arena(co));
    int r = client_create(co, lab_client(p->lab), rs, copy, NULL, &err);

    if (apierr_is(r, APIERR_ALREADY_EXISTS))
        r = client_patch(co, lab_client(p->lab), &ref, NULL, PATCH_MERGE, copy, NULL, &err);
    judge_refusal(p, refused, r, &err);
}

static void do_patch(struct co *co, struct player *p, const struct step_patch *s,
                     const struct refused *refused)
{
    const struct resource *rs = kind_find(s->kind);
    json_auto_t *body = variables_expand(&p->variables, s->merge ? s->merge : s->json);
    struct objref ref = { rs, namespace_of(rs, s->namespace), variables_expand_text(&p->variables, s->name) };
    struct apierr err = APIERR_IN(co_arena(co));
    int r = client_patch(co, lab_client(p->lab), &ref, s->subresource, s->merge ? PATCH_MERGE : PATCH_JSON,
                         body, NULL, &err);

    judge_refusal(p, refused, r, &err);
}

static void do_mode(struct co *co, struct player *p, const char *sandbox, const char *mode)
{
    json_auto_t *body = json_pack("{s:{s:s}}", "spec", "operatingMode", mode);
    struct objref ref = { kind_find("Sandbox"), "default", sandbox };
    struct apierr err = APIERR_IN(co_arena(co));
    int r = client_patch(co, lab_client(p->lab), &ref, NULL, PATCH_MERGE, body, NULL, &err);

    judge_refusal(p, NULL, r, &err);
}

static void do_delete(struct co *co, struct player *p, const struct step_delete *s,
                      const struct refused *refused)
{
    const struct resource *rs = kind_find(s->kind);
    struct objref ref = { rs, namespace_of(rs, s->namespace), variables_expand_text(&p->variables, s->name) };
    struct delete_options o = DELETE_DEFAULT;
    struct apierr err = APIERR_IN(co_arena(co));
    int r;

    o.propagation = s->propagation;
    if (s->now)
        o.grace_s = 0;
    r = client_delete(co, lab_client(p->lab), &ref, &o, &err);
    judge_refusal(p, refused, r, &err);
}

/* ---- steps that look ------------------------------------------------------------------------- */

static void do_capture(struct player *p, const struct capture *c)
{
    const struct resource *rs = kind_find(c->kind);
    const json_t *object = history_object(lab_history(p->lab), c->kind, namespace_of(rs, c->namespace),
                                          c->name);

    if (!object) {
        fail(p, c->kind, "there is none", "nothing to capture: %s %s does not exist", c->kind, c->name);
        return;
    }
    for (size_t i = 0; i < c->values.n; i++) {
        const json_t *j = path_get(object, c->values.v[i].value);
        cleanup_free char *text = j && !json_is_string(j) ? json_text(j, JSON_WRITE_PLAIN) : NULL;
        if (!j)
            fail(p, c->values.v[i].value, "nothing", "nothing to capture at %s of %s %s",
                 c->values.v[i].value, c->kind, c->name);
        else
            variables_set(&p->variables, c->values.v[i].key, text ? text : json_string_value(j));
    }
}

static void do_artifacts(struct co *co, struct player *p, const struct artifacts *s)
{
    struct world *w = co_world(co);
    struct instant until = instant_add(world_now(w), s->within ? s->within : WITHIN_DEFAULT);
    const char *const *names;
    size_t n;

    while (!p->failed) {
        cleanup_arena struct arena *a = arena_new();
        if (lab_artifacts(co, p->lab, a, &names, &n) < 0) {
            p->failed = true;
            return;
        }
        if (n == (s->none ? 0 : (size_t)s->count))
            return;
        if (!instant_before(world_now(w), until)) {
            fail(p, arena_printf(a, "%lld artifacts", s->none ? 0LL : (long long)s->count),
                 arena_printf(a, "%zu%s%s", n, n ? ", the first is " : "", n ? names[0] : ""),
                 "the drivers hold %zu artifacts; wanted %lld", n, s->none ? 0LL : (long long)s->count);
            return;
        }
        if (co_sleep(co, DURATION_MS(100)) < 0)   /* a driver's files change without anybody being told */
            p->failed = true;
    }
}

static void check_cells(struct co *co, struct player *p, const struct guest_step *g, const char *namespace)
{
    struct cluster *cluster = lab_cluster(p->lab);
    struct instant until = instant_add(co_now(co), g->within);

    for (size_t i = 0; i < g->holds.n && !p->failed; i++) {
        const struct string_pair *c = &g->holds.v[i];
        const char *got = cluster_guest_read(cluster, namespace, g->pod, c->key);
        const char *shown = got ? got : "-";
        if (streq(shown, c->value))
            continue;
        if (!instant_before(co_now(co), until))
            fail(p, c->value, shown, "cell %s of Pod %s holds %s; wanted %s", c->key, g->pod, shown,
                 c->value);
        else if (co_sleep(co, DURATION_MS(100)) == 0)
            i--;
        else
            p->failed = true;
    }
}

static void do_guest(struct co *co, struct player *p, const struct guest_step *g)
{
    struct cluster *cluster = lab_cluster(p->lab);
    const char *namespace = g->namespace ? g->namespace : "default";
    int64_t before, after;

    for (size_t i = 0; i < g->write.n; i++)
        if (cluster_guest_write(cluster, namespace, g->pod, g->write.v[i].key, g->write.v[i].value) < 0)
            fail(p, "a running container", "none", "Pod %s has no container to write to", g->pod);
    check_cells(co, p, g, namespace);
    if (p->failed || (!g->stands_still && !g->runs))
        return;
    before = cluster_guest_steps(cluster, namespace, g->pod);
    if (co_sleep(co, DURATION_S(10)) < 0)
        return;
    after = cluster_guest_steps(cluster, namespace, g->pod);
    if (before < 0)
        fail(p, "a container", "none", "Pod %s has no container", g->pod);
    else if (g->stands_still && after != before)
        fail(p, "it stands still", "it runs", "the container of Pod %s runs", g->pod);
    else if (g->runs && after == before)
        fail(p, "it runs", "it stands still", "the container of Pod %s stands still", g->pod);
}

/* ---- one step -------------------------------------------------------------------------------- */

static void do_fault(struct player *p, const struct fault *f)
{
    faults_add(lab_faults(p->lab), f, variables_expand(&p->variables, f->matches));
}

static void do_crash(struct player *p, const struct step_crash *c)
{
    duration restart = c->stay_down ? -1 : c->restart ? c->restart : DURATION_S(1);

    if (c->what == CRASH_DRIVER) {
        lab_crash_drivers(p->lab, restart);
        return;
    }
    lab_crash_controllers(p->lab, restart);
    p->down |= c->stay_down;
}

static void look_back(struct player *p, const struct step *s)
{
    struct history *h = lab_history(p->lab);
    cleanup_arena struct arena *a = arena_new();
    struct finding f = s->seen    ? expect_seen(s->seen, h, &p->variables, a)
                       : s->never ? expect_never(s->never, h, &p->variables, a)
                                  : expect_order(s->order, h, &p->variables, a);

    if (!f.holds)
        fail_finding(p, &f, s->seen ? "seen" : s->never ? "never" : "order");
}

static void act(struct co *co, struct player *p, const struct step *s)
{
    if (s->create)
        do_create(co, p, s->create, s->refused);
    else if (s->apply)
        do_apply(co, p, s->apply, s->refused);
    else if (s->patch)
        do_patch(co, p, s->patch, s->refused);
    else if (s->remove)
        do_delete(co, p, s->remove, s->refused);
    else if (s->suspend)
        do_mode(co, p, s->suspend, "Suspended");
    else if (s->resume)
        do_mode(co, p, s->resume, "Running");
    else if (s->advance)
        co_sleep(co, s->advance);
    else if (s->crash)
        do_crash(p, s->crash);
    else if (s->start_controller) {
        p->down = false;
        lab_start_controllers(p->lab);
    } else if (s->fault)
        do_fault(p, s->fault);
    else if (s->heal)
        faults_heal(lab_faults(p->lab));
    else if (s->hold || s->release)
        lab_hold(p->lab, s->hold ? s->hold : s->release, s->hold != NULL);
    else if (s->mark)
        history_note(lab_history(p->lab), HAPPENED_MARK, "%s", s->mark);
}

static void look(struct co *co, struct player *p, const struct step *s)
{
    if (s->expect)
        wait_for(co, p, ask_expect, s->expect, s->expect->within ? s->expect->within : WITHIN_DEFAULT,
                 s->expect->hold, "expect");
    else if (s->calls)
        wait_for(co, p, ask_calls, s->calls, s->calls->within, 0, "calls");
    else if (s->seen || s->never || s->order)
        look_back(p, s);
    else if (s->artifacts)
        do_artifacts(co, p, s->artifacts);
    else if (s->guest)
        do_guest(co, p, s->guest);
    else if (s->quiet)
        wait_quiet(co, p, s->quiet->span ? s->quiet->span : QUIET_SPAN,
                   s->quiet->within ? s->quiet->within : QUIET_WITHIN);
    else if (s->capture)
        do_capture(p, s->capture);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void wait_ready(struct co *co, struct player *p)
{
    struct instant until = instant_add(co_now(co), READY_WITHIN);

    while (!lab_controllers_ready(p->lab)) {
        if (!instant_before(co_now(co), until)) {
            fail(p, "the controller is ready", "it is not", "the controller does not become ready");
            return;
        }
        if (co_sleep(co, DURATION_MS(100)) < 0)
            p->failed = true;
        if (p->failed)
            return;
    }
}

/* The driver's file "artifacts/SANDBOX~ID~UID" holds snapshot UID; anything else is its own name. */
static const char *snapshot_of_file(const char *file)
{
    const char *tilde = strrchr(file, '~');

    return str_starts(file, "artifacts/") && tilde ? tilde + 1 : file;
}

static void come_to_rest(struct co *co, struct player *p)
{
    cleanup_arena struct arena *a = arena_new();
    const char *const *names;
    const char **uids;
    size_t n = 0;

    p->step_at = (struct at){ 0, 0 };
    faults_heal(lab_faults(p->lab));
    if (p->down)
        return;                                   /* nobody is there to settle what is owed */
    wait_quiet(co, p, QUIET_SPAN, QUIET_WITHIN);
    if (p->failed || lab_artifacts(co, p->lab, a, &names, &n) < 0)
        return;
    uids = arena_alloc(a, (n + 1) * sizeof(*uids));
    for (size_t i = 0; i < n; i++)
        uids[i] = snapshot_of_file(names[i]);
    monitor_at_rest(lab_monitor(p->lab), uids, n);
}

static const char *step_name(const struct step *s)
{
    return s->note ? s->note : "";
}

static void play(struct co *co, void *arg)
{
    struct player *p = arg;
    const struct scenario *s = p->scenario;
    const struct fault *missed;

    lab_start_controllers(p->lab);
    wait_ready(co, p);
    for (size_t i = 0; s->given && i < s->given->objects.n && !p->failed; i++) {
        p->step_at = s->given->objects.v[i].at;
        do_create(co, p, s->given->objects.v[i].json, NULL);
    }
    for (size_t i = 0; i < s->steps.n && !p->failed; i++) {
        const struct step *step = s->steps.v[i];
        co_pass_begin(co);
        p->step_at = step->at;
        history_note(lab_history(p->lab), HAPPENED_STEP, "line %d %s", step->at.line, step_name(step));
        act(co, p, step);
        if (!p->failed)
            look(co, p, step);
    }
    missed = p->failed ? NULL : faults_missed(lab_faults(p->lab));
    if (missed) {
        p->step_at = missed->at;
        fail(p, "this fault strikes", "it never did", "this fault never struck: the scenario proves nothing");
    }
    if (!p->failed)
        come_to_rest(co, p);
    p->done = true;
}

/* ---- the trace ------------------------------------------------------------------------------- */

static void trace_happening(void *arg, const struct happening *h)
{
    static const char *const verbs[] = { "create", "update", "patch", "delete", "get", "list", "watch" };
    struct world *w = arg;
    const char *actor = *h->actor ? h->actor : "cluster";

    switch (h->type) {
    case HAPPENED_WRITE:
        world_trace(w, "store", "%s %s %s%s%s (by %s)", h->previous ? "update" : "create", h->kind,
                    h->namespace, *h->namespace ? "/" : "", h->name, actor);
        break;
    case HAPPENED_GONE:
        world_trace(w, "store", "gone %s %s%s%s (by %s)", h->kind, h->namespace, *h->namespace ? "/" : "",
                    h->name, actor);
        break;
    case HAPPENED_REQUEST:
        world_trace(w, actor, "%s %s%s%s %s -> %d", verbs[h->verb], h->kind, *h->subresource ? "/" : "",
                    h->subresource, h->name, h->status);
        break;
    case HAPPENED_CALL:
        world_trace(w, actor, "call %s %s", rpc_word_text(h->rpc), h->name);
        break;
    case HAPPENED_ANSWER:
        world_trace(w, "driver", "%s %s -> %s %s", rpc_word_text(h->rpc), h->name,
                    h->answered ? rpc_code_text(h->code) : "(nobody waits)", h->text);
        break;
    case HAPPENED_FAULT:
        world_trace(w, "fault", "%s", h->text);
        break;
    case HAPPENED_CRASH:
        world_trace(w, "crash", "%s", h->text);
        break;
    case HAPPENED_START:
        world_trace(w, "start", "%s", h->text);
        break;
    case HAPPENED_STEP:
        world_trace(w, "scenario", "%s", h->text);
        break;
    case HAPPENED_MARK:
        world_trace(w, "scenario", "mark %s", h->text);
        break;
    }
}

/* ---- one run --------------------------------------------------------------------------------- */

static void take_violation(struct player *p, struct monitor *m)
{
    const struct violation *v = monitor_violation(m);
    struct run_result *r = p->result;

    if (!v)
        return;
    p->failed = true;
    r->message = arena_printf(r->arena, "%s: %s", v->invariant->name, v->message);
    r->expected = v->invariant->text;
    r->actual = arena_strdup(r->arena, v->message);
    r->invariant = v->invariant->name;
    r->requirements = v->invariant->requirements;
    r->at = p->step_at;
}

static void run_to_the_end(struct player *p)
{
    struct world *w = lab_world(p->lab);
    struct instant now = world_now(w), limit = instant_add(now, VIRTUAL_MAX);
    uint64_t since = world_steps(w);

    while (!p->done && !monitor_violation(lab_monitor(p->lab))) {
        if (world_now(w).ns != now.ns) {
            now = world_now(w);
            since = world_steps(w);
        }
        if (world_steps(w) - since > SPIN_MAX) {
            fail(p, "time passes", "it does not", "the world spins: %d scheduling steps at one instant",
                 SPIN_MAX);
            break;
        }
        if (!lab_step(p->lab)) {
            fail(p, "something can happen", "nothing can", "the world stands still before the scenario's end");
            break;
        }
        if (world_steps(w) > STEPS_MAX || instant_before(limit, world_now(w))) {
            fail(p, "an end", "none", "the run does not end: %llu scheduling steps",
                 (unsigned long long)world_steps(w));
            break;
        }
    }
    take_violation(p, lab_monitor(p->lab));
}

static void take_trace(struct player *p)
{
    struct world *w = lab_world(p->lab);
    size_t len;
    const char *text = world_trace_text(w, &len);

    p->result->trace = xstrndup(text ? text : "", text ? len : 0);
}

void run_scenario(const struct scenario *s, const struct run_options *o, struct run_result *ret)
{
    struct lab_options lo = { .seed = o->schedule.seed, .plain = o->schedule.kind != SCHEDULE_SEED,
                              .trace = o->trace, .villain = o->villain,
                              .client_villain = o->client_villain, .durable = o->durable,
                              .crash_after = o->schedule.kind == SCHEDULE_CRASH_AFTER };
    struct player p = { .scenario = s, .result = ret };
    struct err e;
    size_t n;

    if (o->schedule.kind >= SCHEDULE_CRASH_BEFORE)
        lo.crash_at = o->schedule.n;
    *ret = (struct run_result){ .arena = arena_new(), .message = "", .expected = "", .actual = "",
                                .invariant = "", .requirements = "" };
    e = ERR_IN(ret->arena);
    p.lab = lab_new(s, &lo, &e);
    if (!p.lab) {
        ret->message = err_message(&e);
        ret->machine = true;
        return;
    }
    p.variables.arena = ret->arena;
    history_listen(lab_history(p.lab), trace_happening, lab_world(p.lab));
    for (size_t i = 0; i < s->waive.n; i++)
        monitor_waive(lab_monitor(p.lab), ((const struct waiver *)s->waive.v[i])->invariant);
    co_spawn(lab_user(p.lab), "scenario", play, &p);
    run_to_the_end(&p);
    ret->held = !p.failed;
    ret->reached = faults_crash_reached(lab_faults(p.lab));
    ret->effects = faults_effects(lab_faults(p.lab));
    ret->steps = world_steps(lab_world(p.lab));
    ret->trace_hash = world_trace_hash(lab_world(p.lab));
    world_choices(lab_world(p.lab), &n);
    ret->choices = n;
    if (o->trace)
        take_trace(&p);
    lab_free(p.lab);
    variables_release(&p.variables);
}

void run_result_release(struct run_result *r)
{
    arena_free(r->arena);
    free(r->trace);
    *r = (struct run_result){ 0 };
}

/* ---- exploration ----------------------------------------------------------------------------- */

struct search {
    const struct scenario *scenario;
    const struct explore_options *options;
    struct exploration *out;
};

/* Runs once; a run that does not hold becomes the exploration's result, with its trace. False: stop. */
static bool try_schedule(struct search *s, struct schedule schedule, bool *ret_reached)
{
    struct run_options o = { .schedule = schedule, .villain = s->options->villain,
                             .client_villain = s->options->client_villain,
                             .durable = s->options->durable };
    struct run_result r;
    bool first = s->out->runs == 0;

    o.trace = first && s->options->trace_plain;
    run_scenario(s->scenario, &o, &r);
    s->out->runs++;
    s->out->steps += r.steps;
    if (ret_reached)
        *ret_reached = r.reached;
    if (r.held) {
        if (first)
            s->out->result = r;
        else
            run_result_release(&r);
        return true;
    }
    if (!o.trace && !r.machine) {
        run_result_release(&r);
        o.trace = true;
        run_scenario(s->scenario, &o, &r);
    }
    if (!first)
        run_result_release(&s->out->result);
    s->out->result = r;
    s->out->failing = schedule;
    return false;
}

static bool crash_loop(struct search *s, enum schedule_kind kind)
{
    bool reached = true;

    for (uint64_t n = 1; reached; n++)
        if (!try_schedule(s, (struct schedule){ kind, s->options->seed, n }, &reached))
            return false;
    return true;
}

void explore_scenario(const struct scenario *s, const struct explore_options *o, struct exploration *ret)
{
    const struct explore *e = s->explore;
    struct search search = { s, o, ret };

    *ret = (struct exploration){ 0 };
    if (!try_schedule(&search, (struct schedule){ SCHEDULE_PLAIN, o->seed, 0 }, NULL) || !e)
        return;
    for (int64_t i = 0; i < e->schedules; i++)
        if (!try_schedule(&search, (struct schedule){ SCHEDULE_SEED, o->seed + (uint64_t)i, 0 }, NULL))
            return;
    if (e->crash_at_every_effect && crash_loop(&search, SCHEDULE_CRASH_BEFORE))
        crash_loop(&search, SCHEDULE_CRASH_AFTER);
}
