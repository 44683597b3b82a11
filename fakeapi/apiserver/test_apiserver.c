#include "fakeapi/apiserver/apiserver.h"

#include <setjmp.h>
#include <stdio.h>

#include <cmocka.h>

#include "kube/json.h"
#include "kube/object.h"

/* The way through: what one sends, and what comes back, in a simulated world. */

struct lab {
    struct world *w;
    struct apiserver *s;
    struct proc *p;
};

struct step {
    const char *method, *path, *query, *type, *body;
    int status;                        /* what must come back */
    const char *want;                  /* a piece of the body; NULL: any */
};

struct script {
    struct lab *lab;
    const struct step *steps;
    size_t n;
    bool done;
    char failure[2000];
};

static void call_step(struct co *co, struct script *sc, const struct step *st)
{
    struct api_header type = { "Content-Type", st->type };
    struct api_request q = { .method = st->method, .path = st->path, .query = st->query, .body = st->body,
                             .body_len = st->body ? strlen(st->body) : 0, .headers = &type,
                             .n_headers = st->type ? 1 : 0 };
    cleanup_reply struct api_reply reply;
    int r = apiserver_handle(co, sc->lab->s, &q, false, &reply);
    const char *body = reply.body ? reply.body->data : "";

    if (r == 0 && reply.status == st->status && (!st->want || strstr(body, st->want)))
        return;
    if (!*sc->failure)
        snprintf(sc->failure, sizeof(sc->failure), "%s %s: %d %s", st->method, st->path, reply.status, body);
}

static void run_script(struct co *co, void *arg)
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

static int lab_up(void **state)
{
    struct lab *lab = xcalloc(1, sizeof(*lab));
    cleanup_arena struct arena *a = arena_new();
    struct err e = ERR_IN(a);

    lab->w = world_new(&(struct world_options){ .mode = WORLD_SIM, .seed = 1 });
    lab->s = apiserver_new(lab->w, &(struct apiserver_options){ .crds = "" }, &e);
    if (!lab->s)
        print_error("%s\n", err_message(&e));
    assert_non_null(lab->s);
    lab->p = proc_new(lab->w, "client");
    *state = lab;
    return 0;
}

static int lab_down(void **state)
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

static void play(struct lab *lab, const struct step *steps, size_t n)
{
    struct script sc = { .lab = lab, .steps = steps, .n = n };
    struct instant limit = instant_add(world_now(lab->w), DURATION_S(100));

    co_spawn(lab->p, "script", run_script, &sc);
    while (!sc.done && world_step(lab->w, limit))
        ;
    assert_true(sc.done);
    assert_string_equal(sc.failure, "");
}

#define CM "/api/v1/namespaces/default/configmaps"

static void configmap_life(void **state)         /* B-001 B-050 B-051 B-059 C-001 */
{
    static const struct step steps[] = {
        { "POST", CM, NULL, NULL, "{\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":\"v\"}}", 201, "\"namespace\":\"default\"" },
        { "POST", CM, NULL, NULL, "{\"metadata\":{\"name\":\"a\"}}", 409, "configmaps \\\"a\\\" already exists" },
        { "GET", CM "/a", NULL, NULL, NULL, 200, "\"data\":{\"k\":\"v\"}" },
        { "PUT", CM "/a", NULL, NULL, "{\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":\"w\"}}", 200, "\"k\":\"w\"" },
        { "PUT", CM "/a", NULL, NULL, "{\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"1\"}}", 409, "the object has been modified" },
        { "PATCH", CM "/a", NULL, "application/merge-patch+json", "{\"data\":{\"x\":\"y\"}}", 200, "\"x\":\"y\"" },
        { "GET", CM, NULL, NULL, NULL, 200, "\"items\":[{\"metadata\":{\"name\":\"a\"" },
        { "DELETE", CM "/a", NULL, NULL, NULL, 200, "\"status\":\"Success\"" },
        { "GET", CM "/a", NULL, NULL, NULL, 404, "configmaps \\\"a\\\" not found" },
    };
    play(*state, steps, ARRAY_SIZE(steps));
}

static void routes(void **state)                 /* A-016 A-017 A-019 J-003 J-075 */
{
    static const struct step steps[] = {
        { "GET", "/foo", NULL, NULL, NULL, 404, "404 page not found\n" },
        { "GET", "/api/v1/namespaces/default/things", NULL, NULL, NULL, 404, "could not find the requested resource" },
        { "PUT", CM, NULL, NULL, "{}", 405, "does not allow this method" },
        { "HEAD", CM, NULL, NULL, NULL, 405, NULL },
        { "GET", CM "/..", NULL, NULL, NULL, 400, "may not be '..'" },
        { "GET", CM "/a%25b", NULL, NULL, NULL, 400, "may not contain '%'" },
        { "GET", CM "/a%zz", NULL, NULL, NULL, 400, "400 Bad Request" },
        { "GET", "/api/v1/namespaces/default/", NULL, NULL, NULL, 200, "\"kind\":\"Namespace\"" },
        { "GET", "/api/v1/namespaces//configmaps", NULL, NULL, NULL, 200, "ConfigMapList" },
        { "GET", "/readyz", NULL, NULL, NULL, 200, "ok" },
        { "GET", "/version", NULL, NULL, NULL, 200, "v1.34.2" },
        { "GET", "/apis/batch/v1", NULL, NULL, NULL, 200, "sd5LIXh4Fjs=" },
    };
    play(*state, steps, ARRAY_SIZE(steps));
}

static void namespaces(void **state)             /* B-150 to B-155 */
{
    static const struct step steps[] = {
        { "POST", "/api/v1/namespaces/none/configmaps", NULL, NULL, "{\"metadata\":{\"name\":\"a\"}}", 404, "namespaces \\\"none\\\" not found" },
        { "DELETE", "/api/v1/namespaces/default", NULL, NULL, NULL, 403, "this namespace may not be deleted" },
        { "POST", "/api/v1/namespaces", NULL, NULL, "{\"metadata\":{\"name\":\"n\"}}", 201, "\"kubernetes.io/metadata.name\":\"n\"" },
        { "DELETE", "/api/v1/namespaces/n", NULL, NULL, NULL, 200, "\"phase\":\"Terminating\"" },
        { "POST", "/api/v1/namespaces/n/configmaps", NULL, NULL, "{\"metadata\":{\"name\":\"a\"}}", 403, "because it is being terminated" },
        { "PUT", "/api/v1/namespaces/n/finalize", NULL, NULL, "{\"metadata\":{\"name\":\"n\"},\"spec\":{\"finalizers\":[]}}", 200, NULL },
        { "GET", "/api/v1/namespaces/n", NULL, NULL, NULL, 404, NULL },
    };
    play(*state, steps, ARRAY_SIZE(steps));
}

static void finalizers(void **state)             /* B-043 B-136 B-137 */
{
    static const struct step steps[] = {
        { "POST", CM, NULL, NULL, "{\"metadata\":{\"name\":\"a\",\"finalizers\":[\"x.io/f\"]}}", 201, NULL },
        { "DELETE", CM "/a", NULL, NULL, NULL, 200, "\"deletionGracePeriodSeconds\":0" },
        { "GET", CM "/a", NULL, NULL, NULL, 200, "deletionTimestamp" },
        { "PATCH", CM "/a", NULL, "application/merge-patch+json", "{\"metadata\":{\"finalizers\":[\"x.io/g\"]}}", 422, "no new finalizers can be added" },
        { "PATCH", CM "/a", NULL, "application/merge-patch+json", "{\"metadata\":{\"finalizers\":null}}", 200, NULL },
        { "GET", CM "/a", NULL, NULL, NULL, 404, NULL },
        { "POST", CM, NULL, NULL, "{\"metadata\":{\"name\":\"b\"}}", 201, NULL },
        { "DELETE", CM "/b", "propagationPolicy=Foreground", NULL, NULL, 200, "foregroundDeletion" },
    };
    play(*state, steps, ARRAY_SIZE(steps));
}

/* ---- custom resources --------------------------------------------------------------------------- */

#define CRDS "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
#define WIDGET_CRD "{\"metadata\":{\"name\":\"widgets.x.io\"},\"spec\":{\"group\":\"x.io\",\"scope\":\"Namespaced\"," \
    "\"names\":{\"plural\":\"widgets\",\"kind\":\"Widget\"},\"versions\":[{\"name\":\"v1\",\"served\":true,\"storage\":true," \
    "\"schema\":{\"openAPIV3Schema\":{\"type\":\"object\",\"properties\":{\"spec\":{\"type\":\"object\",\"properties\":" \
    "{\"d\":{\"type\":\"string\",\"default\":\"x\"},\"n\":{\"type\":\"integer\"}}}}}}}]}}"
#define WIDGETS "/apis/x.io/v1/namespaces/default/widgets"

static void custom_resources(void **state)       /* F-001 F-003 F-082 F-084 F-165 A-013 */
{
    static const struct step steps[] = {
        { "POST", CRDS, NULL, NULL, WIDGET_CRD, 201, "\"acceptedNames\":{\"plural\":\"\"" },
        { "SLEEP", "", NULL, NULL, NULL, 0, NULL },
        { "GET", CRDS "/widgets.x.io", NULL, NULL, NULL, 200, "InitialNamesAccepted" },
        { "GET", "/apis/x.io/v1", NULL, NULL, NULL, 200, "\"name\":\"widgets\"" },
        { "POST", WIDGETS, NULL, NULL, "{\"apiVersion\":\"x.io/v1\",\"kind\":\"Widget\",\"metadata\":{\"name\":\"a\"},"
          "\"spec\":{\"n\":1,\"zz\":2}}", 201, "\"spec\":{\"n\":1,\"d\":\"x\"}" },
        { "DELETE", CRDS "/widgets.x.io", NULL, NULL, NULL, 200, "InstanceDeletionPending" },
        { "SLEEP", "", NULL, NULL, NULL, 0, NULL },
        { "GET", CRDS "/widgets.x.io", NULL, NULL, NULL, 404, NULL },
        { "GET", WIDGETS "/a", NULL, NULL, NULL, 404, "404 page not found" },
    };
    play(*state, steps, ARRAY_SIZE(steps));
}

/* ---- watching ----------------------------------------------------------------------------------- */

struct watching {
    struct lab *lab;
    char seen[4000];
    bool done;
};

static void note_frames(struct watching *wt, struct api_stream *s)
{
    struct blob *b;
    size_t at = strlen(wt->seen);

    while (api_stream_poll_bytes(s, &b) > 0) {
        json_auto_t *e = json_parse(b->data, b->len - 1, 0, NULL, NULL);
        at += (size_t)snprintf(wt->seen + at, sizeof(wt->seen) - at, "%s %s\n", obj_str(e, "type"),
                               obj_name(json_object_get(e, "object")));
        blob_unref(b);
    }
}

static void watch_task(struct co *co, void *arg)
{
    static const struct step steps[] = {
        { "POST", CM, NULL, NULL, "{\"metadata\":{\"name\":\"b\",\"labels\":{\"x\":\"y\"}}}", 201, NULL },
        { "POST", CM, NULL, NULL, "{\"metadata\":{\"name\":\"c\"}}", 201, NULL },
        { "PATCH", CM "/b", NULL, "application/merge-patch+json", "{\"metadata\":{\"labels\":{\"x\":null}}}", 200, NULL },
        { "PATCH", CM "/c", NULL, "application/merge-patch+json", "{\"metadata\":{\"labels\":{\"x\":\"z\"}}}", 200, NULL },
        { "PATCH", CM "/c", NULL, "application/merge-patch+json", "{\"data\":{\"k\":\"v\"}}", 200, NULL },
        { "DELETE", CM "/c", NULL, NULL, NULL, 200, NULL },
    };
    struct watching *wt = arg;
    struct script sc = { .lab = wt->lab };
    struct api_request q = { .method = "GET", .path = CM, .query = "watch=1&labelSelector=x&timeoutSeconds=5" };
    cleanup_reply struct api_reply reply;

    apiserver_handle(co, wt->lab->s, &q, false, &reply);
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
        call_step(co, &sc, &steps[i]);
    note_frames(wt, reply.stream);
    co_sleep(co, DURATION_S(6));
    struct api_frame f;
    if (api_stream_poll(reply.stream, &f) == -ERR_UNAVAILABLE)
        strcat(wt->seen, "end\n");
    strcat(wt->seen, sc.failure);
    wt->done = true;
}

static void watch_with_selector(void **state)    /* C-070 C-077 C-078 C-080 */
{
    struct lab *lab = *state;
    struct watching wt = { .lab = lab };

    co_spawn(lab->p, "watch", watch_task, &wt);
    while (!wt.done && world_step(lab->w, instant_add(world_now(lab->w), DURATION_S(100))))
        ;
    assert_string_equal(wt.seen, "ADDED b\nDELETED b\nADDED c\nMODIFIED c\nDELETED c\nend\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(configmap_life, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(routes, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(namespaces, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(finalizers, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(custom_resources, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(watch_with_selector, lab_up, lab_down),
    };
    return cmocka_run_group_tests_name("apiserver", tests, NULL, NULL);
}
