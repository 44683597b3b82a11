/* run.h — plays a scenario once, or as often as it asks to be explored. */
#pragma once

#include "conformance/scenario/lab.h"

enum schedule_kind { SCHEDULE_PLAIN, SCHEDULE_SEED, SCHEDULE_CRASH_BEFORE, SCHEDULE_CRASH_AFTER };

/* One way to run a scenario: as text "plain", "seed", "crash-before:7", "crash-after:7". */
struct schedule {
    enum schedule_kind kind;
    uint64_t seed, n;                  /* n: which effect */
};
bool schedule_parse(const char *text, struct schedule *ret);    /* the seed is left alone */
const char *schedule_text(struct arena *a, const struct schedule *s);

struct run_options {
    struct schedule schedule;
    bool trace;
    const char *villain, *client_villain;        /* NULL: none */
    bool durable;                      /* lab_options.durable */
};

struct run_result {
    struct arena *arena;
    bool held, reached;                /* reached: the crash loop's point was come to */
    const char *message;               /* why not: "" where it held */
    const char *expected, *actual, *invariant;
    const char *requirements;          /* of a broken invariant; "" */
    struct at at;                      /* the step; 0:0 where none is to blame */
    bool machine;                      /* the laboratory failed, not the scenario */
    char *trace;                       /* with options.trace; the caller's with the result */
    uint64_t trace_hash, steps, effects, choices;
};
void run_result_release(struct run_result *r);

/* Never fails: what goes wrong is in the result. */
void run_scenario(const struct scenario *s, const struct run_options *o, struct run_result *ret);

/* All the runs it asks for; stops at the first that does not hold and runs that again with its trace. */
struct exploration {
    size_t runs;
    struct schedule failing;           /* of the last result, where it does not hold */
    struct run_result result;          /* the first failure, or the plain run */
    uint64_t steps;
};
struct explore_options {
    uint64_t seed;
    bool trace_plain;                  /* keep the plain run's trace */
    const char *villain, *client_villain;
    bool durable;
};
void explore_scenario(const struct scenario *s, const struct explore_options *o, struct exploration *ret);
