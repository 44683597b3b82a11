/* test_lab.h — for tests: a server in a simulated world, and a script that is played against it. */
#pragma once

#include "fakeapi/apiserver/apiserver.h"

#include <setjmp.h>
#include <stdio.h>

#include <cmocka.h>

#include "kube/json.h"

struct lab {
    struct world *w;
    struct apiserver *s;
    struct proc *p;
};

struct step {
    const char *method, *path, *query, *type, *body;
    int status;                        /* what must come back */
    const char *want;                  /* a piece of the body or a header; NULL: any */
    const char *accept;                /* NULL: anything */
};

struct script {
    struct lab *lab;
    const struct step *steps;
    size_t n;
    bool done;
    char failure[2000];
};

static inline bool reply_says(const struct api_reply *reply, const char *want)
{
    if (!want || (reply->body && strstr(reply->body->data, want)))
        return true;
    for (size_t i = 0; i < reply->n_headers; i++)
        if (strstr(reply->headers[i].value, want))
            return true;
    return false;
}

static inline void call_step(struct co *co, struct script *sc, const struct step *st)
{
    struct api_header headers[2];
    size_t n = 0;
    struct api_request q = { .method = st->method, .path = st->path, .query = st->query, .body = st->body,
                             .body_len = st->body ? strlen(st->body) : 0, .headers = headers };
    cleanup_reply struct api_reply reply;

    if (st->type)
        headers[n++] = (struct api_header){ "Content-Type", st->type };
    if (st->accept)
        headers[n++] = (struct api_header){ "Accept", st->accept };
    q.n_headers = n;
    int r = apiserver_handle(co, sc->lab->s, &q, false, &reply);
    const char *body = reply.body ? reply.body->data : "";

    if (r == 0 && reply.status == st->status && reply_says(&reply, st->want))
        return;
    if (!*sc->failure)
        snprintf(sc->failure, sizeof(sc->failure), "%s %s: %d %s", st->method, st->path, reply.status, body);
}

static inline void run_script(struct co *co, void *arg)
{
    struct script *sc = arg;

    for (size_t i = 0; i < sc->n; i++) {
        if (streq(sc->steps[i].method, "SLEEP"))
            co_sleep(co, DURATION_S(3));
        else
            call_step(co, sc, &sc->steps[i]);
    }
    sc->done = true;
}

static inline int lab_of_release(void **state, const char *release)
{
    struct lab *lab = xcalloc(1, sizeof(*lab));
    cleanup_arena struct arena *a = arena_new();
    struct err e = ERR_IN(a);

    lab->w = world_new(&(struct world_options){ .mode = WORLD_SIM, .seed = 1 });
    lab->s = apiserver_new(lab->w, &(struct apiserver_options){ .crds = "", .release = release }, &e);
    if (!lab->s)
        print_error("%s\n", err_message(&e));
    assert_non_null(lab->s);
    lab->p = proc_new(lab->w, "client");
    *state = lab;
    return 0;
}

static inline int lab_up(void **state)
{
    return lab_of_release(state, NULL);
}

static inline int lab_down(void **state)
{
    struct lab *lab = *state;

    proc_kill(lab->p);
    while (world_step(lab->w, world_now(lab->w)))
        ;
    proc_free(lab->p);
    apiserver_free(lab->s);
    world_free(lab->w);
    free(lab);
    return 0;
}

static inline void play(struct lab *lab, const struct step *steps, size_t n)
{
    struct script sc = { .lab = lab, .steps = steps, .n = n };
    struct instant limit = instant_add(world_now(lab->w), DURATION_S(100));

    co_spawn(lab->p, "script", run_script, &sc);
    while (!sc.done && world_step(lab->w, limit))
        ;
    assert_true(sc.done);
    assert_string_equal(sc.failure, "");
}

/* Steps written where they are played. */
#define PLAY_STEPS(state, ...) \
    do { \
        const struct step steps_[] = { __VA_ARGS__ }; \
        play(*(state), steps_, ARRAY_SIZE(steps_)); \
    } while (0)

/* bigs.x.io, which hold anything. */
#define DEFINE_BIG \
    { "POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", NULL, NULL, \
      "{\"metadata\":{\"name\":\"bigs.x.io\"},\"spec\":{\"group\":\"x.io\",\"scope\":\"Namespaced\",\"names\":{\"plural\":" \
      "\"bigs\",\"kind\":\"Big\"},\"versions\":[{\"name\":\"v1\",\"served\":true,\"storage\":true,\"schema\":{" \
      "\"openAPIV3Schema\":{\"type\":\"object\",\"x-kubernetes-preserve-unknown-fields\":true}}}]}}", 201, NULL }, \
    { .method = "SLEEP" }
