#include "conformance/scenario/scenario.h"

#include "conformance/check/invariant.h"
#include "conformance/scenario/kinds.h"
#include "kube/snapshot_driver.h"

/* ---- words ----------------------------------------------------------------------------------- */

const char *const scenario_rpc_words[] = { "any", "GetDriverInfo", "Checkpoint", "Restore", "Delete",
                                           "Freeze", "Unfreeze", "List", NULL };
static const char *const verb_words[] = { "create", "update", "patch", "delete", "get", "list", "watch",
                                          NULL };
static const char *const action_words[] = { "crashBefore", "crashAfter", "loseRequest", "loseReply",
                                            "answer", "answerAfter", "delay", "late", "alter",
                                            NULL };
static const char *const alter_words[] = { "emptyUid", "hugeMetadata", "unknownRestoreKey", NULL };
static const char *const crash_words[] = { "controller", "driver", NULL };
static const char *const loop_words[] = { "scheduler", "kubelet", "gc", "namespace", "volume", NULL };
static const char *const support_words[] = { "core", "extended", NULL };
const char *const scenario_feature_words[] = { "Stop", "Hibernate", "Classes", "Claims", "Templates",
                                               "Providers", "Freeze", NULL };

/* ---- the language ---------------------------------------------------------------------------- */

#define REQUIRED FIELD_REQUIRED
#define ONE FIELD_ONE_OF
#define AT(member) offsetof(STRUCT, member)
#define SHAPE(var, text, help)                                        \
    static const struct shape var##_shape = { .name = text, .doc = help, \
                                      .size = sizeof(STRUCT),         \
                                      .fields = var##_fields,         \
                                      .n_fields = ARRAY_SIZE(var##_fields) }

#define STRUCT struct expect
static const struct field expect_fields[] = {
    { "kind", FIELD_STRING, REQUIRED, AT(kind), NULL, NULL, "the kind of object looked for" },
    { "name", FIELD_STRING, 0, AT(name), NULL, NULL, "its name; without it every object of the kind" },
    { "namespace", FIELD_STRING, 0, AT(namespace), NULL, NULL, "default: default" },
    { "labels", FIELD_STRING, 0, AT(labels), NULL, NULL, "key=value, all of a comma list" },
    { "ownedBy", FIELD_STRING, 0, AT(owned_by), NULL, NULL, "Kind/name of the controlling owner" },
    { "matches", FIELD_OBJECT, 0, AT(matches), NULL, NULL, "what each object found contains" },
    { "oneOf", FIELD_OBJECTS, 0, AT(one_of), NULL, NULL, "each object found contains one of these" },
    { "excludes", FIELD_OBJECT, 0, AT(excludes), NULL, NULL, "what no object found contains" },
    { "conditions", FIELD_STRING_MAP, 0, AT(conditions), NULL, NULL,
      "by type: Status, Status/Reason, Status/Reason|Reason, or absent" },
    { "empty", FIELD_STRINGS, 0, AT(empty), NULL, NULL, "dotted paths that hold nothing" },
    { "filled", FIELD_STRINGS, 0, AT(filled), NULL, NULL, "dotted paths that hold something" },
    { "gone", FIELD_BOOL, 0, AT(gone), NULL, NULL, "no such object exists" },
    { "count", FIELD_COUNT, 0, AT(count), NULL, NULL, "exactly so many objects" },
    { "within", FIELD_DURATION, 0, AT(within), NULL, NULL, "at the latest after; default 5m" },
    { "for", FIELD_DURATION, 0, AT(hold), NULL, NULL, "and it stays so for" },
};
SHAPE(expect, "Expectation", "What must be found among the objects of the API server.");
#undef STRUCT

#define STRUCT struct calls
static const struct field calls_fields[] = {
    { "rpc", FIELD_WORD, REQUIRED, AT(rpc), NULL, scenario_rpc_words, "which driver call" },
    { "sandbox", FIELD_STRING, 0, AT(sandbox), NULL, NULL, "for this Sandbox only" },
    { "answered", FIELD_STRING, 0, AT(answered), NULL, NULL, "only those answered with this code" },
    { "since", FIELD_STRING, 0, AT(since), NULL, NULL, "only those after this mark" },
    { "where", FIELD_OBJECT, 0, AT(where), NULL, NULL, "only those whose request contains this" },
    { "none", FIELD_BOOL, 0, AT(none), NULL, NULL, "there is no such call" },
    { "count", FIELD_COUNT, 0, AT(count), NULL, NULL, "exactly so many" },
    { "atLeast", FIELD_COUNT, 0, AT(at_least), NULL, NULL, "so many or more" },
    { "atMost", FIELD_COUNT, 0, AT(at_most), NULL, NULL, "so many or fewer" },
    { "same", FIELD_STRINGS, 0, AT(same), NULL, NULL, "request fields equal in all of them" },
    { "distinct", FIELD_STRINGS, 0, AT(distinct), NULL, NULL, "request fields different in all of them" },
    { "within", FIELD_DURATION, 0, AT(within), NULL, NULL, "at the latest after; default now" },
};
SHAPE(calls, "Calls", "What the driver was asked.");
#undef STRUCT

#define STRUCT struct event_match
static const struct field event_fields[] = {
    { "call", FIELD_WORD, ONE, AT(call), NULL, scenario_rpc_words, "a driver call was sent" },
    { "answer", FIELD_WORD, ONE, AT(answer), NULL, scenario_rpc_words, "a driver call was answered" },
    { "written", FIELD_STRING, ONE, AT(written), NULL, NULL, "an object of this kind was stored" },
    { "askedDelete", FIELD_STRING, ONE, AT(asked_delete), NULL, NULL,
      "an object of this kind was told to go" },
    { "deleted", FIELD_STRING, ONE, AT(deleted), NULL, NULL, "an object of this kind was gone" },
    { "code", FIELD_STRING, 0, AT(answered), NULL, NULL, "the answer's code" },
    { "name", FIELD_STRING, 0, AT(name), NULL, NULL, "the object's name; of a call, its Sandbox" },
    { "matches", FIELD_OBJECT, 0, AT(matches), NULL, NULL, "what the object or the request contains" },
};
SHAPE(event, "Happening", "Something that happened.");
#undef STRUCT

#define STRUCT struct order
static const struct field order_fields[] = {
    { "since", FIELD_STRING, 0, AT(since), NULL, NULL, "only what happened after this mark" },
    { "first", FIELD_SHAPES, REQUIRED, AT(first), &event_shape, NULL,
      "the first of each happened, in this order" },
};
SHAPE(order, "Order", "Which came first.");
#undef STRUCT

#define STRUCT struct fault
static const struct field fault_fields[] = {
    { "rpc", FIELD_WORD, 0, AT(rpc), NULL, scenario_rpc_words, "strikes this driver call" },
    { "verbs", FIELD_WORDS, 0, AT(verbs), NULL, verb_words, "strikes these API requests" },
    { "kind", FIELD_STRING, 0, AT(kind), NULL, NULL, "for this kind" },
    { "name", FIELD_STRING, 0, AT(name), NULL, NULL, "for this object; of a call, its Sandbox" },
    { "subresource", FIELD_STRING, 0, AT(subresource), NULL, NULL, "for this subresource" },
    { "matches", FIELD_OBJECT, 0, AT(matches), NULL, NULL, "whose body contains this" },
    { "nth", FIELD_COUNT, 0, AT(nth), NULL, NULL, "from the nth such request on; default 1" },
    { "times", FIELD_COUNT, 0, AT(times), NULL, NULL, "so many times; default 1" },
    { "untilHealed", FIELD_BOOL, 0, AT(until_healed), NULL, NULL, "every time until a heal step" },
    { "do", FIELD_WORD, REQUIRED, AT(action), NULL, action_words, "what happens" },
    { "code", FIELD_STRING, 0, AT(code), NULL, NULL,
      "of answer, answerAfter: a Status reason or a gRPC code" },
    { "alter", FIELD_WORD, 0, AT(alter), NULL, alter_words, "of alter: how the driver's reply changes" },
    { "delay", FIELD_DURATION, 0, AT(delay), NULL, NULL, "of delay and late: how long" },
    { "restart", FIELD_DURATION, 0, AT(restart), NULL, NULL, "of a crash: down for; default 1s" },
    { "mayMiss", FIELD_BOOL, 0, AT(may_miss), NULL, NULL, "it need not strike" },
};
SHAPE(fault, "Fault", "Something between the controller and the API server or a driver goes wrong.");
#undef STRUCT

#define STRUCT struct step_patch
static const struct field patch_fields[] = {
    { "kind", FIELD_STRING, REQUIRED, AT(kind), NULL, NULL, "of the object" },
    { "name", FIELD_STRING, REQUIRED, AT(name), NULL, NULL, "of the object" },
    { "namespace", FIELD_STRING, 0, AT(namespace), NULL, NULL, "default: default" },
    { "subresource", FIELD_STRING, 0, AT(subresource), NULL, NULL, "status, say" },
    { "merge", FIELD_OBJECT, ONE, AT(merge), NULL, NULL, "a merge patch" },
    { "json", FIELD_JSON, ONE, AT(json), NULL, NULL, "a JSON patch" },
};
SHAPE(patch, "Patch", "A change of an object.");
#undef STRUCT

#define STRUCT struct step_delete
static const struct field delete_fields[] = {
    { "kind", FIELD_STRING, REQUIRED, AT(kind), NULL, NULL, "of the object" },
    { "name", FIELD_STRING, REQUIRED, AT(name), NULL, NULL, "of the object" },
    { "namespace", FIELD_STRING, 0, AT(namespace), NULL, NULL, "default: default" },
    { "propagation", FIELD_STRING, 0, AT(propagation), NULL, NULL, "Background, Foreground or Orphan" },
    { "now", FIELD_BOOL, 0, AT(now), NULL, NULL, "without a grace period" },
};
SHAPE(delete, "Delete", "The end of an object.");
#undef STRUCT

#define STRUCT struct refused
static const struct field refused_fields[] = {
    { "code", FIELD_COUNT, REQUIRED, AT(code), NULL, NULL, "HTTP status" },
    { "reason", FIELD_STRING, 0, AT(reason), NULL, NULL, "reason of the Status" },
    { "field", FIELD_STRING, 0, AT(field), NULL, NULL, "field of one of its causes" },
    { "message", FIELD_STRING, 0, AT(message), NULL, NULL, "a part of its message" },
};
SHAPE(refused, "Refusal", "The request of this step must be refused so.");
#undef STRUCT

#define STRUCT struct step_crash
static const struct field crash_fields[] = {
    { "what", FIELD_WORD, REQUIRED, AT(what), NULL, crash_words, "who dies" },
    { "restart", FIELD_DURATION, 0, AT(restart), NULL, NULL, "and is back after; default 1s" },
    { "stayDown", FIELD_BOOL, 0, AT(stay_down), NULL, NULL, "until a startController step" },
};
SHAPE(crash, "Crash", "A process ends without a word.");
#undef STRUCT

#define STRUCT struct artifacts
static const struct field artifacts_fields[] = {
    { "none", FIELD_BOOL, 0, AT(none), NULL, NULL, "the drivers hold nothing" },
    { "count", FIELD_COUNT, 0, AT(count), NULL, NULL, "the drivers hold so many" },
    { "within", FIELD_DURATION, 0, AT(within), NULL, NULL, "at the latest after; default 5m" },
};
SHAPE(artifacts, "Artifacts", "What the drivers keep.");
#undef STRUCT

#define STRUCT struct guest_step
static const struct field guest_fields[] = {
    { "pod", FIELD_STRING, REQUIRED, AT(pod), NULL, NULL, "whose container" },
    { "namespace", FIELD_STRING, 0, AT(namespace), NULL, NULL, "default: default" },
    { "write", FIELD_STRING_MAP, 0, AT(write), NULL, NULL, "cells of its memory set" },
    { "holds", FIELD_STRING_MAP, 0, AT(holds), NULL, NULL, "cells of its memory read; - is an unset one" },
    { "standsStill", FIELD_BOOL, 0, AT(stands_still), NULL, NULL, "it executes nothing for 10s" },
    { "runs", FIELD_BOOL, 0, AT(runs), NULL, NULL, "it executes something within 10s" },
    { "within", FIELD_DURATION, 0, AT(within), NULL, NULL, "holds: at the latest after; default now" },
};
SHAPE(guest, "Guest", "The make-believe container of a Pod.");
#undef STRUCT

#define STRUCT struct quiet
static const struct field quiet_fields[] = {
    { "for", FIELD_DURATION, 0, AT(span), NULL, NULL, "no write and no call for so long; default 30s" },
    { "within", FIELD_DURATION, 0, AT(within), NULL, NULL, "at the latest after; default 15m" },
};
SHAPE(quiet, "Quiet", "The world comes to rest.");
#undef STRUCT

#define STRUCT struct capture
static const struct field capture_fields[] = {
    { "kind", FIELD_STRING, REQUIRED, AT(kind), NULL, NULL, "of the object" },
    { "name", FIELD_STRING, REQUIRED, AT(name), NULL, NULL, "of the object" },
    { "namespace", FIELD_STRING, 0, AT(namespace), NULL, NULL, "default: default" },
    { "values", FIELD_STRING_MAP, REQUIRED, AT(values), NULL, NULL, "variable: dotted path" },
};
SHAPE(capture, "Capture", "Remembers parts of an object for ${variable}.");
#undef STRUCT

#define STRUCT struct step
static const struct field step_fields[] = {
    { "note", FIELD_STRING, 0, AT(note), NULL, NULL, "said in reports" },
    { "create", FIELD_OBJECT, ONE, AT(create), NULL, NULL, "an object to create" },
    { "apply", FIELD_OBJECT, ONE, AT(apply), NULL, NULL, "an object to create, or merge into the old" },
    { "patch", FIELD_SHAPE, ONE, AT(patch), &patch_shape, NULL, "a change" },
    { "delete", FIELD_SHAPE, ONE, AT(remove), &delete_shape, NULL, "an object to delete" },
    { "suspend", FIELD_STRING, ONE, AT(suspend), NULL, NULL, "the Sandbox to set to Suspended" },
    { "resume", FIELD_STRING, ONE, AT(resume), NULL, NULL, "the Sandbox to set to Running" },
    { "advance", FIELD_DURATION, ONE, AT(advance), NULL, NULL, "virtual time passes" },
    { "expect", FIELD_SHAPE, ONE, AT(expect), &expect_shape, NULL, "it comes to be so" },
    { "seen", FIELD_SHAPE, ONE, AT(seen), &expect_shape, NULL,
      "some version of an object, since the start or the last mark, was so" },
    { "never", FIELD_SHAPE, ONE, AT(never), &expect_shape, NULL,
      "no version of any object, since the start or the last mark, was so" },
    { "calls", FIELD_SHAPE, ONE, AT(calls), &calls_shape, NULL, "driver calls made" },
    { "order", FIELD_SHAPE, ONE, AT(order), &order_shape, NULL, "which came first" },
    { "artifacts", FIELD_SHAPE, ONE, AT(artifacts), &artifacts_shape, NULL, "what the drivers keep" },
    { "guest", FIELD_SHAPE, ONE, AT(guest), &guest_shape, NULL, "the container of a Pod" },
    { "quiet", FIELD_SHAPE, ONE, AT(quiet), &quiet_shape, NULL, "the world comes to rest" },
    { "capture", FIELD_SHAPE, ONE, AT(capture), &capture_shape, NULL, "remember parts of an object" },
    { "mark", FIELD_STRING, ONE, AT(mark), NULL, NULL, "names this moment, for since, seen and never" },
    { "crash", FIELD_SHAPE, ONE, AT(crash), &crash_shape, NULL, "a process ends" },
    { "startController", FIELD_BOOL, ONE, AT(start_controller), NULL, NULL,
      "the controller that stayed down starts" },
    { "fault", FIELD_SHAPE, ONE, AT(fault), &fault_shape, NULL, "something will go wrong" },
    { "heal", FIELD_BOOL, ONE, AT(heal), NULL, NULL, "all faults end" },
    { "hold", FIELD_STRING, ONE, AT(hold), NULL, NULL, "watches of this kind deliver nothing more" },
    { "release", FIELD_STRING, ONE, AT(release), NULL, NULL, "watches of this kind go on" },
    { "refused", FIELD_SHAPE, 0, AT(refused), &refused_shape, NULL,
      "beside create, apply, patch and delete: it must be refused" },
};
SHAPE(step, "Step", "One thing done or demanded.");
#undef STRUCT

#define STRUCT struct given_driver
static const struct field driver_fields[] = {
    { "name", FIELD_STRING, REQUIRED, AT(name), NULL, NULL, "the name it is registered under" },
    { "villain", FIELD_STRING, 0, AT(villain), NULL, NULL, "breaks a rule on purpose" },
};
SHAPE(driver, "Driver", "A reference driver beside the make-believe kubelet.");
#undef STRUCT

#define STRUCT struct given
static const struct field given_fields[] = {
    { "clusterLoops", FIELD_WORDS, 0, AT(loops), NULL, loop_words, "what runs; default all" },
    { "drivers", FIELD_SHAPES, 0, AT(drivers), &driver_shape, NULL,
      "default one, directory.dormouse.dev" },
    { "noDriver", FIELD_BOOL, 0, AT(no_driver), NULL, NULL, "no driver is registered" },
    { "replicas", FIELD_COUNT, 0, AT(replicas), NULL, NULL, "of the controller; default 1" },
    { "rpcDeadline", FIELD_DURATION, 0, AT(rpc_deadline), NULL, NULL,
      "the controller's deadline for Checkpoint and Restore; default its own" },
    { "objects", FIELD_OBJECTS, 0, AT(objects), NULL, NULL, "created before the first step" },
};
SHAPE(given, "Given", "The world at the start.");
#undef STRUCT

#define STRUCT struct explore
static const struct field explore_fields[] = {
    { "schedules", FIELD_COUNT, 0, AT(schedules), NULL, NULL, "seeds beside the plain schedule" },
    { "crashAtEveryEffect", FIELD_BOOL, 0, AT(crash_at_every_effect), NULL, NULL,
      "once for each write and call: the controller dies before it, and after it" },
};
SHAPE(explore, "Explore", "How often, and under which schedules.");
#undef STRUCT

#define STRUCT struct waiver
static const struct field waiver_fields[] = {
    { "invariant", FIELD_STRING, REQUIRED, AT(invariant), NULL, NULL, "which" },
    { "because", FIELD_STRING, REQUIRED, AT(because), NULL, NULL, "why it does not apply here" },
};
SHAPE(waiver, "Waiver", "An invariant that this scenario breaks on purpose.");
#undef STRUCT

#define STRUCT struct scenario
static const struct field scenario_fields[] = {
    { "apiVersion", FIELD_STRING, REQUIRED, AT(api_version), NULL, NULL, SCENARIO_API_VERSION },
    { "kind", FIELD_STRING, REQUIRED, AT(kind), NULL, NULL, "Scenario" },
    { "name", FIELD_STRING, REQUIRED, AT(name), NULL, NULL, "lower case, digits and dashes" },
    { "title", FIELD_STRING, REQUIRED, AT(title), NULL, NULL, "one sentence" },
    { "requirements", FIELD_STRINGS, REQUIRED, AT(requirements), NULL, NULL, "the ids it proves" },
    { "feature", FIELD_WORD, REQUIRED, AT(feature), NULL, scenario_feature_words, "whom it concerns" },
    { "support", FIELD_WORD, 0, AT(support), NULL, support_words, "core (default) or extended" },
    { "given", FIELD_SHAPE, 0, AT(given), &given_shape, NULL, "the world at the start" },
    { "steps", FIELD_SHAPES, REQUIRED, AT(steps), &step_shape, NULL, "what happens, in order" },
    { "waive", FIELD_SHAPES, 0, AT(waive), &waiver_shape, NULL, "invariants that do not apply" },
    { "explore", FIELD_SHAPE, 0, AT(explore), &explore_shape, NULL, "how often, under which schedules" },
};
SHAPE(scenario, "Scenario", "A scenario of Dormouse's conformance suite.");
#undef STRUCT

json_t *scenario_schema(void)
{
    return shape_schema(&scenario_shape, "https://dormouse.invalid/scenario.schema.json", "Scenario");
}

/* ---- what the tables cannot say -------------------------------------------------------------- */

struct lint {
    struct scenario_file *file;
    DYN(const char *) marks;
    DYN(const char *) variables;
};

static void complain(struct lint *l, struct at at, const char *fmt, ...) PRINTF(3, 4);
static void complain(struct lint *l, struct at at, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    diag_add(&l->file->diags, l->file->path, at.line, at.col, "%s",
             arena_vprintf(l->file->arena, fmt, args));
    va_end(args);
}

static void check_kind(struct lint *l, struct at at, const char *kind)
{
    if (kind && !kind_find(kind))
        complain(l, at, "unknown kind %s", kind);
}

static void check_code(struct lint *l, struct at at, const char *code)
{
    for (int c = RPC_OK; code && c <= RPC_UNAUTHENTICATED; c++)
        if (streq(rpc_code_text(c), code))
            return;
    if (code)
        complain(l, at, "%s is no gRPC code", code);
}

static bool known(const char *const *v, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (streq(v[i], name))
            return true;
    return false;
}

static void check_since(struct lint *l, struct at at, const char *since)
{
    if (since && !known(l->marks.v, l->marks.n, since))
        complain(l, at, "no mark %s before this step", since);
}

/* ${name} in every string of the tree, whose depth the YAML reader bounded. */
static void check_variables(struct lint *l, struct at at, const json_t *j)
{
    const char *key, *s, *end;
    json_t *value;
    size_t i;

    if (json_is_object(j)) {
        json_object_foreach ((json_t *)j, key, value)
            check_variables(l, at, value);
    } else if (json_is_array(j)) {
        json_array_foreach (j, i, value)
            check_variables(l, at, value);
    }
    for (s = json_string_value(j); s && (s = strstr(s, "${")); s = end) {
        end = strchr(s, '}');
        if (!end) {
            complain(l, at, "${ without }");
            return;
        }
        if (!known(l->variables.v, l->variables.n,
                   arena_strndup(l->file->arena, s + 2, (size_t)(end - s - 2))))
            complain(l, at, "no capture before this step took %.*s", (int)(end - s + 1), s);
    }
}

static void check_object(struct lint *l, struct at at, const json_t *object)
{
    const json_t *metadata = json_object_get(object, "metadata");
    const char *kind = json_string_value(json_object_get(object, "kind"));
    const struct resource *rs;
    char api_version[API_VERSION_MAX];

    if (!object)
        return;
    if (!kind || !(rs = kind_find(kind))) {
        complain(l, at, "unknown kind %s", kind ? kind : "(none)");
        return;
    }
    resource_api_version(rs, api_version);
    if (!json_is_string(json_object_get(object, "apiVersion")) ||
        !streq(json_string_value(json_object_get(object, "apiVersion")), api_version))
        complain(l, at, "apiVersion of a %s is %s", kind, api_version);
    if (!json_is_string(json_object_get(metadata, "name")))
        complain(l, at, "the object lacks metadata.name");
    check_variables(l, at, object);
}

static void check_expect(struct lint *l, const struct expect *e, const char *step)
{
    if (!e)
        return;
    check_kind(l, e->at, e->kind);
    check_variables(l, e->at, e->matches);
    check_variables(l, e->at, e->excludes);
    for (size_t i = 0; i < e->one_of.n; i++)
        check_variables(l, e->one_of.v[i].at, e->one_of.v[i].json);
    for (size_t i = 0; i < e->conditions.n; i++)
        if (!streq(e->conditions.v[i].value, "absent") && !str_starts(e->conditions.v[i].value, "True") &&
            !str_starts(e->conditions.v[i].value, "False") &&
            !str_starts(e->conditions.v[i].value, "Unknown"))
            complain(l, e->conditions.v[i].at, "a condition is True, False, Unknown or absent");
    if (e->gone && (e->count > 0))
        complain(l, e->at, "gone and count exclude each other");
    if (e->owned_by && !strchr(e->owned_by, '/'))
        complain(l, e->at, "ownedBy is Kind/name");
    if (!streq(step, "expect") && (e->gone || e->count || e->within || e->hold))
        complain(l, e->at, "%s looks back: gone, count, within and for make no sense in it", step);
}

static void check_calls(struct lint *l, const struct calls *c)
{
    if (!c)
        return;
    check_since(l, c->at, c->since);
    check_code(l, c->at, c->answered);
    check_variables(l, c->at, c->where);
    if (c->none && (c->count || c->at_least || c->at_most))
        complain(l, c->at, "none excludes count, atLeast and atMost");
    if (!c->none && !c->count && !c->at_least && !c->at_most && !c->same.n && !c->distinct.n)
        complain(l, c->at, "this demands nothing: say none, count, atLeast, atMost, same or distinct");
}

static void check_order(struct lint *l, const struct order *o)
{
    if (!o)
        return;
    check_since(l, o->at, o->since);
    if (o->first.n < 2)
        complain(l, o->at, "an order needs at least two happenings");
    for (size_t i = 0; i < o->first.n; i++) {
        const struct event_match *m = o->first.v[i];
        check_kind(l, m->at, m->written);
        check_kind(l, m->at, m->deleted);
        check_kind(l, m->at, m->asked_delete);
        check_code(l, m->at, m->answered);
        check_variables(l, m->at, m->matches);
    }
}

static bool is_api_reason(const char *text)
{
    for (int r = APIERR_FIRST_ + 1; r < APIERR_LIMIT_; r++)
        if (streq(apierr_reason_text(-r), text))
            return true;
    return false;
}

static void check_fault(struct lint *l, const struct fault *f)
{
    bool answers;

    if (!f)
        return;
    answers = f->action == FAULT_ANSWER || f->action == FAULT_ANSWER_AFTER;
    if (!f->rpc == !f->verbs)
        complain(l, f->at, "a fault strikes either an rpc or verbs");
    if (f->rpc && (f->kind || f->subresource))
        complain(l, f->at, "kind and subresource belong to API faults");
    if (answers && !f->code)
        complain(l, f->at, "answer needs a code");
    if (f->code && f->rpc)
        check_code(l, f->at, f->code);
    if (f->code && f->verbs && !is_api_reason(f->code))
        complain(l, f->at, "%s is no reason of a Status", f->code);
    if (f->code && !answers)
        complain(l, f->at, "code belongs to answer and answerAfter");
    if ((f->action == FAULT_DELAY || f->action == FAULT_LATE) != (f->delay > 0))
        complain(l, f->at, "delay and late need a length, and nothing else does");
    if (f->action == FAULT_ALTER && !f->rpc)
        complain(l, f->at, "only a driver's reply can be altered");
    check_kind(l, f->at, f->kind);
    check_variables(l, f->at, f->matches);
}

static void check_step(struct lint *l, const struct step *s)
{
    if (s->refused && !s->create && !s->apply && !s->patch && !s->remove)
        complain(l, s->refused->at, "refused belongs to create, apply, patch and delete");
    check_object(l, s->at, s->create);
    check_object(l, s->at, s->apply);
    check_kind(l, s->at, s->patch ? s->patch->kind : NULL);
    if (s->patch) {
        check_variables(l, s->patch->at, s->patch->merge);
        check_variables(l, s->patch->at, s->patch->json);
    }
    check_kind(l, s->at, s->remove ? s->remove->kind : NULL);
    check_kind(l, s->at, s->hold);
    check_kind(l, s->at, s->release);
    check_expect(l, s->expect, "expect");
    check_expect(l, s->seen, "seen");
    check_expect(l, s->never, "never");
    check_calls(l, s->calls);
    check_order(l, s->order);
    check_fault(l, s->fault);
    if (s->artifacts && !s->artifacts->none == !s->artifacts->count)
        complain(l, s->artifacts->at, "say either none or a count");
    if (s->capture) {
        check_kind(l, s->capture->at, s->capture->kind);
        for (size_t i = 0; i < s->capture->values.n; i++)
            *dyn_push(&l->variables) = s->capture->values.v[i].key;
    }
    if (s->mark)
        *dyn_push(&l->marks) = s->mark;
}

static void check_scenario(struct lint *l, const struct scenario *s)
{
    if (s->api_version && !streq(s->api_version, SCENARIO_API_VERSION))
        complain(l, s->at, "apiVersion must be " SCENARIO_API_VERSION);
    if (s->kind && !streq(s->kind, "Scenario"))
        complain(l, s->at, "kind must be Scenario");
    if (s->name && (!*s->name || strspn(s->name, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(s->name)))
        complain(l, s->at, "name may hold lower case letters, digits and dashes");
    if (s->requirements.n == 0)
        complain(l, s->at, "a scenario proves at least one requirement");
    for (size_t i = 0; i < s->requirements.n; i++)
        if (!requirement_find(s->requirements.v[i]))
            complain(l, s->requirements.at[i], "unknown requirement %s", s->requirements.v[i]);
    if (s->steps.n > SCENARIO_MAX_STEPS)
        complain(l, s->at, "more than %d steps", SCENARIO_MAX_STEPS);
    for (size_t i = 0; s->given && i < s->given->objects.n; i++)
        check_object(l, s->given->objects.v[i].at, s->given->objects.v[i].json);
    for (size_t i = 0; i < s->steps.n; i++)
        check_step(l, s->steps.v[i]);
    for (size_t i = 0; i < s->waive.n; i++) {
        const struct waiver *w = s->waive.v[i];
        if (!invariant_find(w->invariant))
            complain(l, w->at, "unknown invariant %s", w->invariant);
    }
}

/* ---- the file -------------------------------------------------------------------------------- */

struct scenario_file *scenario_parse(const char *path, const char *text, size_t len)
{
    struct scenario_file *f = xcalloc(1, sizeof(*f));
    struct lint l = { .file = f };
    struct ynode *root;
    struct scenario *s = NULL;

    f->arena = arena_new();
    f->path = xstrdup(path);
    f->text = xstrndup(text, len);
    f->diags = DIAGS_IN(f->arena);
    f->parse = (struct shape_parse){ .arena = f->arena, .file = f->path, .diags = &f->diags };
    root = ynode_parse(f->arena, f->path, f->text, len, &f->diags);
    if (root)
        s = shape_parse(&f->parse, &scenario_shape, root);
    if (s && f->diags.list.n == 0)
        check_scenario(&l, s);
    dyn_release(&l.marks);
    dyn_release(&l.variables);
    f->scenario = f->diags.list.n == 0 ? s : NULL;
    return f;
}

struct scenario_file *scenario_file_free(struct scenario_file *f)
{
    if (!f)
        return NULL;
    shape_release(&f->parse);
    diags_release(&f->diags);
    arena_free(f->arena);
    free(f->path);
    free(f->text);
    free(f);
    return NULL;
}
