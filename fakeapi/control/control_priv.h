/* control_priv.h — one request to the laboratory, and its parts. Private to this folder. */
#pragma once

#include "fakeapi/control/control.h"
#include "kube/json.h"

struct ask {
    struct co *co;
    struct control *control;
    const struct api_request *q;
    struct arena *arena;               /* the reply's own */
    const char *rest;                  /* of the path, behind the part that chose the handler: "" or "/..." */
    json_t *body;                      /* an object; empty where there was no body */
    struct apierr err;
    int status;                        /* of the answer: 200 unless set */
};

/* Returns what to answer (new reference), or NULL with a->err. */
typedef json_t *ask_fn(struct ask *a);

/* `keys`: what the body may have, ended by NULL. False with a->err where it has something else. */
bool ask_body(struct ask *a, const char *const *keys);
/* NULL where absent; false with a->err where it is no string. */
bool ask_text(struct ask *a, const char *key, const char **ret);
bool ask_count(struct ask *a, const char *key, uint64_t max, uint64_t *ret);
bool ask_duration(struct ask *a, const char *key, duration *ret);
json_t *ask_refuse(struct ask *a, enum apierr_reason reason, const char *fmt, ...) PRINTF(3, 4);
json_t *ask_no_such(struct ask *a);    /* a path that does not exist */
/* The one name that a->rest is: "/NAME"; NULL where it is none. */
const char *ask_name(struct ask *a);
json_t *json_instant(struct instant t);

/* ---- the clock (clock.c) ------------------------------------------------------------------------- */

struct lab_clock {
    bool virtual;
    struct loop_timer *tick;           /* while it runs */
    duration ticked;                   /* the machine's clock at the last one */
    uint64_t rate;
};
json_t *lab_clock_show(struct ask *a);
json_t *lab_clock_set(struct ask *a);
json_t *lab_clock_advance(struct ask *a);
void lab_clock_release(struct lab_clock *c);

/* ---- the trace (trace.c) ------------------------------------------------------------------------- */

#define TRACE_LINES 1000
#define TRACE_TEXT_MAX 400

struct trace_line {
    struct instant at;
    char *who, *what;
};
struct lab_trace {
    struct trace_line lines[TRACE_LINES];        /* line n lies at n % TRACE_LINES */
    uint64_t next;                     /* the number of the next one; they start at 1 */
};
void lab_trace_add(struct lab_trace *t, struct instant at, const char *who, size_t who_len, const char *what,
               size_t what_len);
void lab_trace_request(struct control *c, const struct api_request *q, int status);
json_t *lab_trace_show(struct ask *a);
void lab_trace_release(struct lab_trace *t);

/* ---- faults (faults.c) --------------------------------------------------------------------------- */

struct fault;
struct lab_faults {
    DYN(struct fault *) list;          /* in the order in which they were asked for */
    uint64_t last_id;
};
json_t *lab_faults_show(struct ask *a);
json_t *lab_faults_add(struct ask *a);
json_t *lab_faults_delete(struct ask *a);
/* The request as the faults in force let it pass. */
int lab_faults_pass(struct co *co, struct control *c, const struct api_request *q, struct api_reply *ret);
void lab_faults_release(struct lab_faults *f);

/* ---- snapshots (snapshot.c) ---------------------------------------------------------------------- */

struct snapshot;
struct lab_snapshots {
    DYN(struct snapshot *) list;
};
json_t *lab_snapshots_list(struct ask *a);
json_t *lab_snapshot_take(struct ask *a);            /* or restores: /NAME/restore */
json_t *lab_snapshot_show(struct ask *a);
json_t *lab_snapshot_put(struct ask *a);
json_t *lab_snapshot_delete(struct ask *a);
void lab_snapshots_release(struct lab_snapshots *s);

/* ---- all of it ----------------------------------------------------------------------------------- */

struct control {
    struct world *world;
    struct apiserver *apiserver;
    struct lab_clock clock;
    struct lab_trace trace;
    struct lab_faults faults;
    struct lab_snapshots snapshots;
    size_t requests;                   /* to Kubernetes' own paths, under way */
};
