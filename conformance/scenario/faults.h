/* faults.h — which requests and calls go wrong, and how: the scenario's faults and the crash loop. */
#pragma once

#include "conformance/scenario/history.h"

struct faults;

/* The controller `actor` dies now and is to start again after `restart`. Called on one of its tasks. */
typedef void faults_crash_fn(void *arg, const char *actor, duration restart);

struct faults *faults_new(struct history *h, faults_crash_fn *crash, void *arg);
struct faults *faults_free(struct faults *f);                   /* NULL is fine; returns NULL */
void faults_add(struct faults *f, const struct fault *fault, json_t *matches);   /* steals matches */
void faults_heal(struct faults *f);
/* The first fault that had to strike and did not; NULL: none. */
const struct fault *faults_missed(const struct faults *f);

/* The systematic loop: the controller dies at its n-th effect (a write or a driver call, from 1; 0:
 * never), before or after it takes effect. Writes of Leases and Events are no effects. */
void faults_crash_at(struct faults *f, uint64_t n, bool after);
bool faults_crash_reached(const struct faults *f);
uint64_t faults_effects(const struct faults *f);

/* What a link is about to pass on. */
struct subject {
    enum rpc_word rpc;                           /* RPC_WORD_ANY: an API request */
    enum verb_word verb;
    const char *actor, *kind, *name, *subresource;
    const json_t *body;
};
struct verdict {
    int action;                                  /* enum fault_action; -1: nothing happens */
    const struct fault *fault;                   /* NULL with the crash loop */
};
struct verdict faults_judge(struct faults *f, const struct subject *s);
/* Carries a crash out. The caller returns -ERR_CANCELLED after it. */
void faults_crash(struct faults *f, const struct subject *s, const struct verdict *v);
