/* A Pod's life through the loops, in a simulated world, under many schedules (H-001, H-020, H-025, H-036,
 * H-071, H-073, H-074, H-090, H-100). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "fakeapi/apiserver/apiserver.h"
#include "fakeapi/cluster/cluster.h"
#include "kube/client.h"
#include "kube/json.h"
#include "kube/object.h"

static const struct resource pods = { "", "v1", "Pod", "pods", true },
                             config_maps = { "", "v1", "ConfigMap", "configmaps", true },
                             secrets = { "", "v1", "Secret", "secrets", true },
                             namespaces = { "", "v1", "Namespace", "namespaces", false },
                             claims = { "", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", true };

struct fixture {
    struct world *w;
    struct apiserver *server;
    struct transport *transport;
    struct cluster *cluster;
    struct proc *user;
    struct client *client;
    char phases[256];                  /* what a watcher of Pods saw */
    const char *failure;
};

static struct fixture *fixture_new(uint64_t seed, unsigned loops)
{
    struct world_options o = { .mode = WORLD_SIM, .seed = seed };
    struct apiserver_options ao = { .crds = "", .bare = true };
    struct cluster_options co = { .loops = loops, .nodes = 2 };
    struct fixture *f = xcalloc(1, sizeof(*f));

    f->w = world_new(&o);
    f->server = apiserver_new(f->w, &ao, NULL);
    f->transport = apiserver_transport(f->server);
    f->cluster = cluster_start(f->w, f->transport, &co);
    f->user = proc_new(f->w, "user");
    f->client = client_new(f->user, f->transport, "user");
    return f;
}

static void fixture_free(struct fixture *f)
{
    proc_kill(f->user);
    client_free(f->client);
    proc_free(f->user);
    cluster_free(f->cluster);
    transport_free(f->transport);
    apiserver_free(f->server);
    world_free(f->w);
    free(f);
}

static void run(struct fixture *f, duration d)
{
    struct instant end = instant_add(world_now(f->w), d);

    while (world_step(f->w, end))
        ;
}

static bool want(struct fixture *f, bool good, const char *what)
{
    if (!good && !f->failure)
        f->failure = what;
    return good;
}

static int create(struct co *co, struct fixture *f, const struct resource *rs, const char *text, json_t **ret)
{
    json_auto_t *obj = json_parse_str(text);
    struct apierr err = APIERR_IN(co_arena(co));
    int r = client_create(co, f->client, rs, obj, ret, &err);

    if (r < 0)
        world_trace(f->w, "user", "create: %s", err.message);
    return r;
}

static json_t *get(struct co *co, struct fixture *f, const struct resource *rs, const char *name)
{
    struct objref ref = { rs, rs->namespaced ? "default" : NULL, name };
    json_t *obj = NULL;

    client_get(co, f->client, &ref, &obj, NULL);
    return obj;
}

static const char *text_at(const json_t *v, const char *path)
{
    const char *s = json_string_value(json_path(v, path));

    return s ? s : "";
}

#define POD(name, more) \
    "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"" name "\",\"namespace\":\"default\"}," \
    "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"example.com/c:1\"" more "}]}}"

/* ---- the life of a Pod ---------------------------------------------------------------------------- */

/* Writes one letter for each step that a client sees: bound, running, told to go, over, gone. */
static void watch_pods(struct co *co, void *arg)
{
    struct fixture *f = arg;
    struct list_options o = { 0 };
    struct api_stream *s = NULL;
    struct api_frame frame;

    if (client_watch(co, f->client, &pods, "default", &o, false, &s, NULL) < 0)
        return;
    while (api_stream_next(co, s, INSTANT_NEVER, &frame) > 0) {
        const json_t *obj = frame.object;
        bool ready = false;
        size_t i;
        json_t *c;
        json_array_foreach(json_path(obj, "status.conditions"), i, c)
            ready |= streq(text_at(c, "type"), "Ready") && streq(text_at(c, "status"), "True");
        const char *step = streq(frame.type, "DELETED") ? "x"
                           : streq(text_at(obj, "status.phase"), "Failed") ? "f"
                           : obj_is_deleting(obj) ? "d"
                           : ready ? "R"
                           : *text_at(obj, "spec.nodeName") ? "b" : "p";
        size_t len = strlen(f->phases);
        if (len < sizeof(f->phases) - 1 && (!len || f->phases[len - 1] != *step))
            strcat(f->phases, step);
        json_decref(frame.object);
    }
    api_stream_free(s);
}

static void pod_life(struct co *co, void *arg)
{
    struct fixture *f = arg;
    struct objref ref = { &pods, "default", "a" };
    struct delete_options o = DELETE_DEFAULT;

    co_sleep(co, DURATION_S(1));
    want(f, create(co, f, &pods, POD("a", ""), NULL) == 0, "the Pod is created");
    co_sleep(co, DURATION_S(5));
    json_auto_t *pod = get(co, f, &pods, "a");
    want(f, streq(text_at(pod, "status.phase"), "Running"), "it runs after five seconds");
    want(f, *text_at(pod, "status.podIP"), "it has an address");
    want(f, cluster_guest_steps(f->cluster, "default", "a") > 1000, "its program moves");
    want(f, client_delete(co, f->client, &ref, &o, NULL) == 0, "it is told to go");
    co_sleep(co, DURATION_S(5));
    json_auto_t *gone = get(co, f, &pods, "a");
    want(f, !gone, "it is gone");
    want(f, cluster_guest_steps(f->cluster, "default", "a") == -1, "so are its containers");
}

static void a_pod_lives_and_goes(void **state)
{
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct fixture *f = fixture_new(seed, CLUSTER_SCHEDULER | CLUSTER_KUBELET);
        co_spawn(f->user, "watch", watch_pods, f);
        co_spawn(f->user, "life", pod_life, f);
        run(f, DURATION_S(30));
        if (f->failure)
            fail_msg("seed %d: %s; seen %s", (int)seed, f->failure, f->phases);
        assert_string_equal(f->phases, "pbRdfx");
        fixture_free(f);
    }
}

static void two_programs(struct co *co, void *arg)
{
    struct fixture *f = arg;

    create(co, f, &pods, "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"job\",\"namespace\":\"default\"},"
                         "\"spec\":{\"restartPolicy\":\"Never\",\"containers\":[{\"name\":\"c\",\"image\":\"i\","
                         "\"command\":[\"exit\",\"3\"]}]}}", NULL);
    create(co, f, &pods, POD("nap", ",\"command\":[\"sleep\",\"3\"]"), NULL);
    create(co, f, &pods, POD("none", ",\"imagePullPolicy\":\"Always\"") , NULL);
    create(co, f, &pods, "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"lost\",\"namespace\":\"default\"},"
                         "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"example.com/c:missing\"}]}}", NULL);
    co_sleep(co, DURATION_S(30));
    json_auto_t *job = get(co, f, &pods, "job"), *nap = get(co, f, &pods, "nap"), *lost = get(co, f, &pods, "lost");
    want(f, streq(text_at(job, "status.phase"), "Failed"), "exit 3 without restart fails");
    want(f, json_integer_value(json_path(job, "status.containerStatuses[0].state.terminated.exitCode")) == 3,
         "the exit code is told");
    want(f, json_integer_value(json_path(nap, "status.containerStatuses[0].restartCount")) > 0, "a nap is repeated");
    want(f, streq(text_at(lost, "status.containerStatuses[0].state.waiting.reason"), "ImagePullBackOff"),
         "an image that is not there backs off");
}

static void programs_end_as_they_say(void **state)
{
    struct fixture *f = fixture_new(3, CLUSTER_SCHEDULER | CLUSTER_KUBELET);

    co_spawn(f->user, "user", two_programs, f);
    run(f, DURATION_S(60));
    if (f->failure)
        fail_msg("%s", f->failure);
    fixture_free(f);
}

/* ---- owners --------------------------------------------------------------------------------------- */

static const char *owned(struct co *co, const char *name, const json_t *owner, bool blocks)
{
    return co_printf(co, "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"%s\",\"namespace\":"
                     "\"default\",\"ownerReferences\":[{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"name\":\"%s\","
                     "\"uid\":\"%s\",\"blockOwnerDeletion\":%s}]}}", name, obj_name(owner), obj_uid(owner),
                     blocks ? "true" : "false");
}

static void owner_goes(struct co *co, void *arg)
{
    static const struct {
        const char *policy;
        bool child_stays;
    } rows[] = { { "Background", false }, { "Foreground", false }, { "Orphan", true } };
    struct fixture *f = arg;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const char *name = co_printf(co, "owner-%zu", i), *child = co_printf(co, "child-%zu", i);
        json_auto_t *owner = NULL;
        create(co, f, &config_maps, co_printf(co, "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":"
                                              "\"%s\",\"namespace\":\"default\"}}", name), &owner);
        create(co, f, &config_maps, owned(co, child, owner, true), NULL);
        co_sleep(co, DURATION_S(2));
        struct objref ref = { &config_maps, "default", name };
        struct delete_options o = { .propagation = rows[i].policy, .grace_s = -1 };
        client_delete(co, f->client, &ref, &o, NULL);
        co_sleep(co, DURATION_S(5));
        json_auto_t *left = get(co, f, &config_maps, child), *self = get(co, f, &config_maps, name);
        want(f, !self, co_printf(co, "%s: the owner is gone", rows[i].policy));
        want(f, !!left == rows[i].child_stays, rows[i].policy);
        want(f, !left || !json_array_size(json_path(left, "metadata.ownerReferences")), "an orphan has no owner");
    }
    json_auto_t *nobody = json_parse_str("{\"metadata\":{\"name\":\"nobody\",\"uid\":\"6b1f7a5e-0000-4000-8000-000000000000\"}}");
    create(co, f, &config_maps, owned(co, "lone", nobody, false), NULL);
    co_sleep(co, DURATION_S(5));
    json_auto_t *lone = get(co, f, &config_maps, "lone");
    want(f, !lone, "who is owned by nobody that exists goes");
}

static void owners_take_what_they_own(void **state)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct fixture *f = fixture_new(seed, CLUSTER_GC);
        co_spawn(f->user, "user", owner_goes, f);
        run(f, DURATION_S(120));
        if (f->failure)
            fail_msg("seed %d: %s", (int)seed, f->failure);
        fixture_free(f);
    }
}

/* ---- namespaces, volumes --------------------------------------------------------------------------- */

/* B-156 H-090 H-091: what stays is told, whatever stays besides is deleted, and with the last finalizer all is gone. */
static void a_namespace_says_what_it_waits_for(struct co *co, struct fixture *f)
{
    struct objref ref = { &namespaces, NULL, "held" }, map = { &config_maps, "held", "x" };
    struct delete_options o = DELETE_DEFAULT;
    json_auto_t *loose = json_pack("{s:{s:n}}", "metadata", "finalizers");

    create(co, f, &namespaces, "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"held\"}}", NULL);
    create(co, f, &config_maps, "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"x\",\"namespace\":"
                                "\"held\",\"finalizers\":[\"x.io/f\"]}}", NULL);
    create(co, f, &secrets, "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"y\",\"namespace\":\"held\"}}",
           NULL);
    client_delete(co, f->client, &ref, &o, NULL);
    co_sleep(co, DURATION_S(5));
    json_auto_t *waiting = get(co, f, &namespaces, "held");
    const json_t *content = obj_condition(waiting, "NamespaceContentRemaining");
    const json_t *finalizers = obj_condition(waiting, "NamespaceFinalizersRemaining");
    want(f, streq(text_at(content, "message"), "Some resources are remaining: configmaps. has 1 resource instances"),
         text_at(content, "message"));
    want(f, streq(text_at(finalizers, "message"), "Some content in the namespace has finalizers remaining: x.io/f in 1 "
                  "resource instances"), text_at(finalizers, "message"));
    want(f, streq(text_at(obj_condition(waiting, "NamespaceDeletionContentFailure"), "reason"), "ContentDeleted"),
         "nothing failed");
    client_patch(co, f->client, &map, NULL, PATCH_MERGE, loose, NULL, NULL);
    co_sleep(co, DURATION_S(5));
    json_auto_t *left = get(co, f, &namespaces, "held");
    want(f, !left, "the namespace is gone with the last finalizer");
}

static void namespace_goes(struct co *co, void *arg)
{
    struct fixture *f = arg;
    struct objref ref = { &namespaces, NULL, "n" };
    struct delete_options o = DELETE_DEFAULT;

    create(co, f, &namespaces, "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"n\"}}", NULL);
    create(co, f, &config_maps, "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"x\",\"namespace\":"
                                "\"n\"}}", NULL);
    client_delete(co, f->client, &ref, &o, NULL);
    co_sleep(co, DURATION_S(20));
    json_auto_t *left = get(co, f, &namespaces, "n");
    want(f, !left, "the namespace is gone");
    a_namespace_says_what_it_waits_for(co, f);

    create(co, f, &claims, "{\"apiVersion\":\"v1\",\"kind\":\"PersistentVolumeClaim\",\"metadata\":{\"name\":\"c\","
                           "\"namespace\":\"default\"},\"spec\":{\"accessModes\":[\"ReadWriteOnce\"],\"resources\":{"
                           "\"requests\":{\"storage\":\"1Gi\"}}}}", NULL);
    co_sleep(co, DURATION_S(5));
    json_auto_t *claim = get(co, f, &claims, "c");
    want(f, streq(text_at(claim, "status.phase"), "Bound"), "the claim is bound");
}

static void namespaces_empty_and_claims_bind(void **state)
{
    struct fixture *f = fixture_new(5, CLUSTER_NAMESPACE | CLUSTER_VOLUME);

    co_spawn(f->user, "user", namespace_goes, f);
    run(f, DURATION_S(60));
    if (f->failure)
        fail_msg("%s", f->failure);
    fixture_free(f);
}

static void loop_names(void **state)
{
    cleanup_arena struct arena *a = arena_new();
    struct err e = ERR_IN(a);
    unsigned loops = 0;

    assert_int_equal(cluster_loops_parse("all", &loops, &e), 0);
    assert_int_equal(loops, CLUSTER_ALL);
    assert_int_equal(cluster_loops_parse("gc,kubelet", &loops, &e), 0);
    assert_int_equal(loops, CLUSTER_GC | CLUSTER_KUBELET);
    assert_int_equal(cluster_loops_parse("gc,nonsense", &loops, &e), -ERR_INVALID);
    assert_non_null(strstr(e.message, "\"nonsense\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pod_lives_and_goes),
        cmocka_unit_test(programs_end_as_they_say),
        cmocka_unit_test(owners_take_what_they_own),
        cmocka_unit_test(namespaces_empty_and_claims_bind),
        cmocka_unit_test(loop_names),
    };

    json_object_seed(1);
    return cmocka_run_group_tests_name("cluster", tests, NULL, NULL);
}
