#include "conformance/scenario/faults.h"

#include "conformance/scenario/match.h"
#include "conformance/scenario/rpc.h"

struct armed {
    const struct fault *fault;
    json_t *matches;
    int64_t seen, struck;
    bool healed;
};

struct faults {
    struct history *history;
    faults_crash_fn *crash;
    void *arg;
    DYN(struct armed) list;
    uint64_t effects, crash_at;
    bool crash_after, crash_reached;
};

struct faults *faults_new(struct history *h, faults_crash_fn *crash, void *arg)
{
    struct faults *f = xcalloc(1, sizeof(*f));

    f->history = h;
    f->crash = crash;
    f->arg = arg;
    return f;
}

struct faults *faults_free(struct faults *f)
{
    if (!f)
        return NULL;
    for (size_t i = 0; i < f->list.n; i++)
        json_decref(f->list.v[i].matches);
    dyn_release(&f->list);
    free(f);
    return NULL;
}

void faults_add(struct faults *f, const struct fault *fault, json_t *matches)
{
    *dyn_push(&f->list) = (struct armed){ .fault = fault, .matches = matches };
}

void faults_heal(struct faults *f)
{
    for (size_t i = 0; i < f->list.n; i++)
        f->list.v[i].healed = true;
}

const struct fault *faults_missed(const struct faults *f)
{
    for (size_t i = 0; i < f->list.n; i++)
        if (f->list.v[i].struck == 0 && !f->list.v[i].fault->may_miss)
            return f->list.v[i].fault;
    return NULL;
}

void faults_crash_at(struct faults *f, uint64_t n, bool after)
{
    f->crash_at = n;
    f->crash_after = after;
}

bool faults_crash_reached(const struct faults *f)
{
    return f->crash_reached;
}

uint64_t faults_effects(const struct faults *f)
{
    return f->effects;
}

static bool is_effect(const struct subject *s)
{
    if (s->rpc != RPC_WORD_ANY)
        return s->rpc != RPC_WORD_INFO && s->rpc != RPC_WORD_LIST;
    return s->verb <= VERB_DELETE && !streq(s->kind, "Lease") && !streq(s->kind, "Event");
}

static bool concerns(const struct armed *a, const struct subject *s)
{
    const struct fault *f = a->fault;

    if (a->healed)
        return false;
    if (f->rpc) {
        if (s->rpc == RPC_WORD_ANY || (f->rpc != (int)s->rpc))
            return false;
    } else if (s->rpc != RPC_WORD_ANY || !(f->verbs & 1u << s->verb)) {
        return false;
    }
    return (!f->kind || streq(f->kind, s->kind)) && (!f->name || streq(f->name, s->name)) &&
           (!f->subresource || streq(f->subresource, s->subresource)) &&
           (!a->matches || match_contains(a->matches, s->body));
}

static bool strikes(struct armed *a)
{
    const struct fault *f = a->fault;
    int64_t first = f->nth ? f->nth : 1, times = f->times ? f->times : 1;

    a->seen++;
    if (a->seen < first || (!f->until_healed && a->seen >= first + times))
        return false;
    a->struck++;
    return true;
}

static const char *const action_texts[] = {
    [FAULT_CRASH_BEFORE] = "the controller crashes before", [FAULT_CRASH_AFTER] = "the controller crashes after",
    [FAULT_LOSE_REQUEST] = "lost on its way:", [FAULT_LOSE_REPLY] = "its reply is lost:",
    [FAULT_ANSWER] = "answered without effect:", [FAULT_ANSWER_AFTER] = "answered otherwise:",
    [FAULT_DELAY] = "its reply is delayed:", [FAULT_LATE] = "travels long:",
    [FAULT_ALTER] = "its reply is altered:",
};

static void note(struct faults *f, const struct subject *s, int action, const struct fault *fault)
{
    static const char *const verbs[] = { "create", "update", "patch", "delete", "get", "list", "watch" };
    const char *code = fault && fault->code ? fault->code : "";

    if (s->rpc != RPC_WORD_ANY)
        history_note(f->history, HAPPENED_FAULT, "%s %s of %s %s", action_texts[action],
                     rpc_word_text(s->rpc), s->name, code);
    else
        history_note(f->history, HAPPENED_FAULT, "%s %s %s %s%s%s %s", action_texts[action],
                     verbs[s->verb], s->kind, s->name, *s->subresource ? "/" : "", s->subresource, code);
}

struct verdict faults_judge(struct faults *f, const struct subject *s)
{
    if (is_effect(s) && ++f->effects == f->crash_at && !f->crash_reached) {
        int action = f->crash_after ? FAULT_CRASH_AFTER : FAULT_CRASH_BEFORE;
        f->crash_reached = true;
        note(f, s, action, NULL);
        return (struct verdict){ .action = action };
    }
    for (size_t i = 0; i < f->list.n; i++)
        if (concerns(&f->list.v[i], s) && strikes(&f->list.v[i])) {
            note(f, s, f->list.v[i].fault->action, f->list.v[i].fault);
            return (struct verdict){ f->list.v[i].fault->action, f->list.v[i].fault };
        }
    return (struct verdict){ .action = -1 };
}

void faults_crash(struct faults *f, const struct subject *s, const struct verdict *v)
{
    duration restart = v->fault && v->fault->restart ? v->fault->restart : DURATION_S(1);

    f->crash(f->arg, s->actor, restart);
}
