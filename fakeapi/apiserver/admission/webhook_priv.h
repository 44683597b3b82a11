/* webhook_priv.h — one webhook among those configured, and what it is asked. */
#pragma once

#include "fakeapi/apiserver/admission/admission.h"

struct webhook {
    const char *config;                /* name of the configuration */
    const char *name;
    const char *uid;                   /* "config/name/0": told apart from all others */
    const json_t *spec;                /* its entry; kept by the list */
};

/* All of one kind of configuration, by name of the configuration, then by place in it. */
struct webhooks {
    struct webhook *v;
    size_t n;
    json_t *configs;                   /* what the entries point into */
};
void webhooks_read(struct call *c, const char *plural, struct webhooks *ret);
void webhooks_release(struct webhooks *w);
#define cleanup_webhooks __attribute__((cleanup(webhooks_release)))

/* As what a webhook is told of the request: the resource as it was asked for, or an equivalent one. */
struct invocation {
    const struct kind *kind;           /* of the resource */
    const struct kind *body;           /* of the objects */
};

/* The object as the webhooks so far have left it, in the version that the last one wanted. */
struct versioned {
    const struct kind *at;             /* NULL: nobody asked yet */
    json_t *object, *old;              /* NULL where the request has none */
    bool dirty;
};
void versioned_release(struct versioned *v);
#define cleanup_versioned __attribute__((cleanup(versioned_release)))
int versioned_convert(struct call *c, const struct admission *a, const struct kind *to, struct versioned *v);

/* 1: it is to be called, as `ret` says; 0: not; negative with c->err. */
int webhook_matches(struct call *c, const struct admission *a, const struct webhook *w, struct versioned *v,
                    struct invocation *ret);

/* ---- one question and its answer (webhook_review.c) ------------------------------------------------ */

struct verdict {
    bool allowed;
    const json_t *status;              /* of a refusal; NULL: none. Like all of it, part of `answer` */
    const json_t *warnings;
    const char *patch;                 /* decoded; "" none */
    size_t patch_len;
    const char *patch_type;
    json_t *answer;
};

/* How asking ended. */
enum asked {
    ASKED_ANSWERED,                    /* `ret` says what */
    ASKED_FAILED,                      /* no valid answer: ret_why; the failure policy decides */
    ASKED_REFUSED,                     /* it was not asked: c->err says why (dry run) */
    ASKED_CANCELLED
};
enum asked webhook_ask(struct call *c, const struct admission *a, const struct webhook *w, const struct invocation *inv,
                       const struct versioned *v, bool mutating, struct verdict *ret, const char **ret_why);

/* The refusal as the answer to the request. */
int webhook_denied(struct call *c, const struct webhook *w, const json_t *status);
int webhook_failed(struct call *c, const struct webhook *w, const char *why);
bool webhook_ignores_failure(const struct webhook *w);
/* Past hook_deadline(): c->err says so. */
int out_of_time(struct call *c);
