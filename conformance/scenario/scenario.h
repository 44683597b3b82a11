/* scenario.h — the language: what is given, what happens, what must be seen, which requirements it proves.
 *
 * A scenario names no wall-clock time and no implementation: objects, steps on the virtual clock, faults
 * by what they strike, and expectations on objects, driver calls and their order. The tables in
 * scenario.c are the language; fixtures/scenario.schema.json is printed from them and a test compares.
 *
 * Rules
 *  - An unknown field, kind, requirement id, invariant or word is an error with file, line and column.
 *  - An expectation that matched no object fails; a fault that never struck fails the scenario.
 *  - `${name}` inside a string stands for what an earlier `capture` took.
 */
#pragma once

#include "conformance/requirements/requirement.h"
#include "conformance/scenario/shape.h"

#define SCENARIO_API_VERSION "conformance.dormouse/v1"
#define SCENARIO_MAX_STEPS 500

/* How many of something: `count: 2`, or a range. -1: not said. */
struct expect {
    struct at at;
    const char *kind, *name, *namespace, *labels;
    const char *owned_by;              /* "Sandbox/s": controlled by that object */
    json_t *matches;                   /* a subset that each object found contains */
    struct objects one_of;             /* at least one of these subsets */
    json_t *excludes;                  /* a subset that none may contain */
    struct string_map conditions;      /* type: "False/SandboxSuspended", "True", "absent", "True/A|B" */
    struct strings empty;              /* dotted paths that are absent, null, "", [] or {} */
    struct strings filled;             /* dotted paths that are none of these */
    bool gone;                         /* no such object */
    int64_t count;                     /* exactly so many objects fit; 0 = not said (use gone) */
    duration within;                   /* at the latest; default 5m */
    duration hold;                     /* and then for so long */
};

extern const char *const scenario_rpc_words[];     /* by enum rpc_word */
enum rpc_word { RPC_WORD_ANY, RPC_WORD_INFO, RPC_WORD_CHECKPOINT, RPC_WORD_RESTORE, RPC_WORD_DELETE,
                RPC_WORD_FREEZE, RPC_WORD_UNFREEZE, RPC_WORD_LIST };

/* What the suite saw the controller ask of its drivers, from the scenario's start or a `mark`. */
struct calls {
    struct at at;
    int rpc;                           /* enum rpc_word */
    const char *sandbox, *answered, *since;
    json_t *where;                     /* a subset of the request */
    bool none;
    int64_t count, at_least, at_most;  /* 0: not said */
    struct strings same, distinct;     /* request fields equal over all calls, or pairwise different */
    duration within;
};

/* One kind of thing that happened; the first such thing since the mark counts. */
struct event_match {
    struct at at;
    int call, answer;                  /* enum rpc_word: a call sent, an answer received */
    const char *answered;              /* code of the answer: "OK" */
    const char *written, *deleted, *asked_delete;     /* a kind: stored, gone, or told to go */
    const char *name;
    json_t *matches;                   /* the object as written */
};
struct order {
    struct at at;
    const char *since;
    struct shapes first;               /* event_match: the first of each in this order */
};

enum verb_word { VERB_CREATE, VERB_UPDATE, VERB_PATCH, VERB_DELETE, VERB_GET, VERB_LIST, VERB_WATCH };

enum fault_action {
    FAULT_CRASH_BEFORE,                /* the controller dies, the request never leaves */
    FAULT_CRASH_AFTER,                 /* it takes effect, the controller dies before the reply */
    FAULT_LOSE_REQUEST,                /* no effect; the caller sees a time-out */
    FAULT_LOSE_REPLY,                  /* effect; the caller sees a time-out */
    FAULT_ANSWER,                      /* no effect; the answer is `code` */
    FAULT_ANSWER_AFTER,                /* effect, but the answer is `code` */
    FAULT_DELAY,                       /* effect now, the reply `delay` later */
    FAULT_LATE,                        /* effect and reply `delay` later: the request travels long */
    FAULT_ALTER                        /* effect; the reply is changed as `alter` says (driver calls) */
};
enum fault_alter { ALTER_EMPTY_UID, ALTER_HUGE_METADATA, ALTER_UNKNOWN_KEY };

struct fault {
    struct at at;
    int rpc;                           /* enum rpc_word, 0 with an API fault */
    unsigned verbs;                    /* bit set of enum verb_word */
    const char *kind, *name, *subresource;
    json_t *matches;                   /* a subset of the request's body */
    int64_t nth, times;                /* from the nth match on (1), so many (1) */
    bool until_healed;
    int action;                        /* enum fault_action */
    const char *code;                  /* "Conflict", "InternalError"; "UNAVAILABLE", "DATA_LOSS" */
    int alter;
    duration delay;
    duration restart;                  /* a crashed controller starts again after so long; default 1s */
    bool may_miss;                     /* it need not strike */
};

struct step_patch {
    struct at at;
    const char *kind, *name, *namespace, *subresource;
    json_t *merge, *json;
};
struct step_delete {
    struct at at;
    const char *kind, *name, *namespace, *propagation;
    bool now;                          /* grace period 0 */
};
struct refused {
    struct at at;
    int64_t code;
    const char *reason, *field, *message;     /* message: a part of it */
};
struct step_crash {
    struct at at;
    int what;                          /* enum crash_what */
    duration restart;                  /* default 1s */
    bool stay_down;
};
enum crash_what { CRASH_CONTROLLER, CRASH_DRIVER };
struct artifacts {
    struct at at;
    bool none;
    int64_t count;
    duration within;
};
struct guest_step {
    struct at at;
    const char *pod, *namespace;
    struct string_map write, holds;
    bool stands_still;                 /* its program counter does not move for 10 s */
    bool runs;
    duration within;
};
struct quiet {
    struct at at;
    duration span, within;             /* nothing is written or called for `span` (30s) */
};
struct capture {
    struct at at;
    const char *kind, *name, *namespace;
    struct string_map values;          /* variable: dotted path */
};

struct step {
    struct at at;
    const char *note;
    json_t *create, *apply;
    struct step_patch *patch;
    struct step_delete *remove;
    struct refused *refused;
    const char *suspend, *resume, *mark, *hold, *release;
    duration advance;
    struct expect *expect, *seen, *never;
    struct calls *calls;
    struct order *order;
    struct step_crash *crash;
    bool start_controller;
    struct fault *fault;
    bool heal;
    struct artifacts *artifacts;
    struct guest_step *guest;
    struct quiet *quiet;
    struct capture *capture;
};

struct given_driver {
    struct at at;
    const char *name;                  /* its registered name; default directory.dormouse.dev */
    const char *villain;
};
struct given {
    struct at at;
    unsigned loops;                    /* bit set over loop words; 0: all */
    struct shapes drivers;             /* given_driver; none given: one of the default name */
    bool no_driver;
    int64_t replicas;
    duration rpc_deadline;
    struct objects objects;
};
struct explore {
    struct at at;
    int64_t schedules;                 /* so many seeds beside the plain schedule */
    bool crash_at_every_effect;
};
struct waiver {
    struct at at;
    const char *invariant, *because;
};

enum scenario_feature { FEATURE_STOP, FEATURE_HIBERNATE, FEATURE_CLASSES, FEATURE_CLAIMS,
                        FEATURE_TEMPLATES, FEATURE_PROVIDERS, FEATURE_FREEZE };
extern const char *const scenario_feature_words[];

struct scenario {
    struct at at;
    const char *api_version, *kind;
    const char *name, *title;
    struct strings requirements;
    int feature;                       /* enum scenario_feature */
    int support;                       /* 0 core, 1 extended */
    struct given *given;
    struct shapes steps;               /* struct step */
    struct shapes waive;               /* struct waiver */
    struct explore *explore;
};

/* A scenario file: what was read, and the scenario itself where it was right. */
struct scenario_file {
    struct arena *arena;
    char *path;
    char *text;
    struct diags diags;
    struct scenario *scenario;         /* NULL when there are diags */
    struct shape_parse parse;
};

/* Never NULL; look at ->diags. `path` is how messages name it. */
struct scenario_file *scenario_parse(const char *path, const char *text, size_t len);
struct scenario_file *scenario_file_free(struct scenario_file *f);      /* NULL is fine; returns NULL */

json_t *scenario_schema(void);                   /* a new reference */
