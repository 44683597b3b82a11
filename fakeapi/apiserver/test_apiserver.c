#include "fakeapi/apiserver/apiserver.h"

#include <setjmp.h>
#include <stdio.h>

#include <cmocka.h>

#include "fakeapi/apiserver/builtin/cells.h"
#include "fakeapi/apiserver/test_lab.h"
#include "kube/json.h"
#include "kube/object.h"

/* The way through: what one sends, and what comes back, in a simulated world. */

static int lab_up_1_29(void **state)
{
    return lab_of_release(state, "1.29");
}

#define CM "/api/v1/namespaces/default/configmaps"

static void configmap_life(void **state)         /* B-001 B-050 B-051 B-059 C-001 G-006 */
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

static void custom_resources(void **state)       /* F-001 F-003 F-082 F-084 F-165 A-013 G-024 */
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

#define KNIVES "/apis/y.io/v1/namespaces/default/knives"
#define KNIFE_CRD "{\"metadata\":{\"name\":\"knives.y.io\"},\"spec\":{\"group\":\"y.io\",\"scope\":\"Namespaced\"," \
    "\"names\":{\"plural\":\"knives\",\"kind\":\"Knife\"},\"versions\":[{\"name\":\"v1\",\"served\":true,\"storage\":true," \
    "\"schema\":{\"openAPIV3Schema\":{\"type\":\"object\",\"x-kubernetes-preserve-unknown-fields\":true}}}]}}"

static void numbers_stay_what_they_are(void **state)         /* F-086 */
{
    static const struct step steps[] = {
        { "POST", CRDS, NULL, NULL, KNIFE_CRD, 201, NULL },
        { "SLEEP", "", NULL, NULL, NULL, 0, NULL },
        { "POST", KNIVES, NULL, NULL, "{\"apiVersion\":\"y.io/v1\",\"kind\":\"Knife\",\"metadata\":{\"name\":\"a\"},"
          "\"v\":[1,1.0,1.5,9007199254740993,1e21,0.1,9223372036854775807]}", 201,
          "\"v\":[1,1,1.5,9007199254740993,1e+21,0.1,9223372036854775807]" },
    };
    play(*state, steps, ARRAY_SIZE(steps));
}

static void a_definition_is_published(void **state)          /* A-038 F-009 */
{
    static const struct step steps[] = {
        { "GET", "/openapi/v3/apis/x.io/v1", NULL, NULL, NULL, 404, NULL },
        { "POST", CRDS, NULL, NULL, WIDGET_CRD, 201, NULL },
        { "SLEEP", "", NULL, NULL, NULL, 0, NULL },
        { "GET", "/openapi/v3/apis/x.io/v1", NULL, NULL, NULL, 200, "\"io.x.v1.WidgetList\":{" },
        { "GET", "/openapi/v2", NULL, NULL, NULL, 200, "\"io.x.v1.WidgetList\":{" },
        { "GET", "/apis/apiextensions.k8s.io/v1beta1/customresourcedefinitions", NULL, NULL, NULL, 404, "could not find the requested resource" },
    };
    play(*state, steps, ARRAY_SIZE(steps));
}

#define EVENTS "/api/v1/namespaces/default/events"
#define NEW_EVENTS "/apis/events.k8s.io/v1/namespaces/default/events"
#define STRATEGIC "application/strategic-merge-patch+json"

/* What recorders of events send: more of the same, counted up (E-069 G-010). */
static void events_are_counted_up(void **state)
{
    static const struct step steps[] = {
        { "POST", EVENTS, NULL, NULL, "{\"metadata\":{\"name\":\"e\"},\"involvedObject\":{\"kind\":\"Pod\",\"name\":\"p\","
          "\"namespace\":\"default\"},\"reason\":\"R\",\"message\":\"m\",\"count\":1,\"type\":\"Normal\"}", 201, "\"count\":1" },
        { "PATCH", EVENTS "/e", NULL, STRATEGIC, "{\"count\":2,\"lastTimestamp\":\"2030-01-01T00:00:00Z\",\"message\":\"n\"}", 200,
          "\"message\":\"n\",\"source\":{},\"firstTimestamp\":null,\"lastTimestamp\":\"2030-01-01T00:00:00Z\",\"count\":2" },
        { "POST", NEW_EVENTS, NULL, NULL, "{\"metadata\":{\"name\":\"f\"},\"eventTime\":\"2030-01-01T00:00:00.000000Z\","
          "\"regarding\":{\"kind\":\"Pod\",\"name\":\"p\",\"namespace\":\"default\"},\"reason\":\"R\",\"action\":\"A\","
          "\"type\":\"Normal\",\"reportingController\":\"x.io/c\",\"reportingInstance\":\"i\"}", 201, NULL },
        { "PATCH", NEW_EVENTS "/f", NULL, STRATEGIC,
          "{\"series\":{\"count\":3,\"lastObservedTime\":\"2030-01-01T00:00:01.000000Z\"}}", 200,
          "\"series\":{\"count\":3,\"lastObservedTime\":\"2030-01-01T00:00:01.000000Z\"}" },
    };
    play(*state, steps, ARRAY_SIZE(steps));
}

/* The move from client-side to server-side apply: one patch that replaces managedFields under the version that was
 * read; who was overtaken gets a conflict and reads again (E-028 E-143). */
static void managed_fields_move_under_their_version(void **state)
{
    static const struct step steps[] = {
        { "POST", CM, "fieldManager=kubectl-client-side-apply", NULL, "{\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":\"v\"}}", 201,
          "\"manager\":\"kubectl-client-side-apply\"" },
        { "PATCH", CM "/a", NULL, "application/json-patch+json", "[{\"op\":\"replace\",\"path\":\"/metadata/managedFields\",\"value\":"
          "[{\"manager\":\"kubectl\",\"operation\":\"Apply\",\"apiVersion\":\"v1\",\"time\":\"2030-01-01T00:00:00Z\",\"fieldsType\":"
          "\"FieldsV1\",\"fieldsV1\":{\"f:data\":{\"f:k\":{}}}}]},{\"op\":\"replace\",\"path\":\"/metadata/resourceVersion\","
          "\"value\":\"1\"}]", 409, "the object has been modified" },
        { "PATCH", CM "/a", NULL, "application/json-patch+json", "[{\"op\":\"replace\",\"path\":\"/metadata/managedFields\",\"value\":"
          "[{\"manager\":\"kubectl\",\"operation\":\"Apply\",\"apiVersion\":\"v1\",\"time\":\"2030-01-01T00:00:00Z\",\"fieldsType\":"
          "\"FieldsV1\",\"fieldsV1\":{\"f:data\":{\"f:k\":{}}}}]}]", 200, "\"manager\":\"kubectl\",\"operation\":\"Apply\"" },
        { "PATCH", CM "/a", "fieldManager=kubectl", "application/apply-patch+yaml",
          "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"a\"},\"data\":{\"l\":\"w\"}}", 200, "\"data\":{\"l\":\"w\"}" },
    };
    play(*state, steps, ARRAY_SIZE(steps));
}

#define PODS "/api/v1/namespaces/default/pods"
#define DEPLOYMENTS "/apis/apps/v1/namespaces/default/deployments"

/* What a strategic patch takes for the same entry: a mount by its path (E-076); and which lists it replaces (E-084 G-002). */
static void lists_of_pods_are_merged_by_their_keys(void **state)
{
    static const struct step steps[] = {
        { "POST", DEPLOYMENTS, NULL, NULL, "{\"metadata\":{\"name\":\"d\"},\"spec\":{\"selector\":{\"matchLabels\":{\"a\":\"b\"}},\"template\":"
          "{\"metadata\":{\"labels\":{\"a\":\"b\"}},\"spec\":{\"volumes\":[{\"name\":\"v\",\"emptyDir\":{}}],\"containers\":[{\"name\":\"c\","
          "\"image\":\"i\",\"volumeMounts\":[{\"name\":\"v\",\"mountPath\":\"/a\"},{\"name\":\"v\",\"mountPath\":\"/b\"}]}]}}}}", 201, NULL },
        { "PATCH", DEPLOYMENTS "/d", NULL, STRATEGIC, "{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"c\",\"volumeMounts\":"
          "[{\"mountPath\":\"/b\",\"readOnly\":true},{\"mountPath\":\"/c\",\"name\":\"v\"}]}]}}}}", 200,
          "\"volumeMounts\":[{\"name\":\"v\",\"mountPath\":\"/a\"},{\"name\":\"v\",\"readOnly\":true,\"mountPath\":\"/b\"},"
          "{\"name\":\"v\",\"mountPath\":\"/c\"}]" },
        { "POST", PODS, NULL, NULL, "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"},"
          "{\"name\":\"d\",\"image\":\"i\"}]}}", 201, NULL },
        { "PATCH", PODS "/p/status", NULL, STRATEGIC, "{\"status\":{\"containerStatuses\":[{\"name\":\"c\",\"ready\":true},"
          "{\"name\":\"d\",\"ready\":true}]}}", 200, NULL },
        { "PATCH", PODS "/p/status", NULL, STRATEGIC, "{\"status\":{\"containerStatuses\":[{\"name\":\"d\",\"ready\":false}]}}", 200,
          "\"containerStatuses\":[{\"name\":\"d\",\"state\":{},\"lastState\":{},\"ready\":false,\"restartCount\":0,\"image\":\"\",\"imageID\":\"\"}]" },
    };
    play(*state, steps, ARRAY_SIZE(steps));
}

static void ages_are_told_as_people_tell_them(void **state)              /* F-163 */
{
    static const struct row {
        int64_t seconds;
        const char *want;
    } rows[] = {
        { -2, "<invalid>" }, { -1, "0s" }, { 0, "0s" }, { 119, "119s" }, { 120, "2m" }, { 125, "2m5s" }, { 599, "9m59s" },
        { 600, "10m" }, { 10799, "179m" }, { 10800, "3h" }, { 11460, "3h11m" }, { 28799, "7h59m" }, { 28800, "8h" },
        { 172799, "47h" }, { 172800, "2d" }, { 176400, "2d1h" }, { 691199, "7d23h" }, { 691200, "8d" }, { 63071999, "729d" },
        { 63072000, "2y" }, { 66000000, "2y33d" }, { 252287999, "7y364d" }, { 252288000, "8y" }, { 300000000, "9y" },
    };
    cleanup_arena struct arena *a = arena_new();
    struct instant now = { 2000000000 * DURATION_S(1) };
    char text[TIME_TEXT_MAX];

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        time_format(instant_add(now, -DURATION_S(rows[i].seconds)), text);
        assert_string_equal(human_since(a, text, now), rows[i].want);
    }
}

static void formats_not_served_are_passed_over(void **state)             /* */
{
    static const struct row {
        const char *accept;
        int status;
    } rows[] = { { "application/cbor, application/json", 200 }, { "application/cbor", 406 } };
    struct lab *lab = *state;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct api_header accept = { "Accept", rows[i].accept };
        struct api_request q = { .method = "GET", .path = CM, .headers = &accept, .n_headers = 1 };
        cleanup_reply struct api_reply reply;
        apiserver_handle(NULL, lab->s, &q, false, &reply);
        assert_int_equal(reply.status, rows[i].status);
    }
}

/* ---- names that are taken ------------------------------------------------------------------------ */

enum { ATTEMPTS = 8 };

static int ask(struct lab *lab, const char *query, const char *member, const char *name, char *ret_body, size_t size)
{
    char body[200];
    struct api_request q = { .method = "POST", .path = CM, .query = query, .body = body };
    cleanup_reply struct api_reply reply;

    q.body_len = (size_t)snprintf(body, sizeof(body), "{\"metadata\":{\"%s\":\"%s\"}}", member, name);
    apiserver_handle(NULL, lab->s, &q, false, &reply);
    snprintf(ret_body, size, "%s", reply.body->data);
    return reply.status;
}

/* Worlds of one seed make one sequence of names: what the n-th world generated, the next has already. */
static void generated_names_run_out(void **state)            /* B-029 J-008 */
{
    char taken[ATTEMPTS][64], body[2000];

    for (int known = 0; known <= ATTEMPTS; known++) {
        void *lab;
        lab_up(&lab);
        for (int i = 0; i < ATTEMPTS; i++) {
            char filler[16];
            snprintf(filler, sizeof(filler), "filler-%d", i);
            assert_int_equal(ask(lab, NULL, "name", i < known ? taken[i] : filler, body, sizeof(body)), 201);
        }
        int status = ask(lab, NULL, "generateName", "g-", body, sizeof(body));
        lab_down(&lab);
        assert_int_equal(status, known < ATTEMPTS ? 201 : 409);
        if (known < ATTEMPTS)
            assert_int_equal(sscanf(strstr(body, "\"name\":\""), "\"name\":\"%63[^\"]", taken[known]), 1);
    }
    assert_non_null(strstr(body, "already exists, the server was not able to generate a unique name for the object"));
    assert_non_null(strstr(body, "\"retryAfterSeconds\":1"));
}

/* ---- what is gone -------------------------------------------------------------------------------- */

/* A snapshot that was compacted is gone for lists and pages alike; a page says how to go on (C-029 C-039 C-040 C-055
 * J-078 J-079). */
static void compacted_snapshots_are_expired(void **state)
{
    struct lab *lab = *state;
    char body[4000], query[600], token[400];
    uint64_t old = store_revision(apiserver_store(lab->s));

    for (int i = 0; i < 3; i++) {
        snprintf(query, sizeof(query), "m-%d", i);
        assert_int_equal(ask(lab, NULL, "name", query, body, sizeof(body)), 201);
    }
    struct api_request q = { .method = "GET", .path = CM, .query = "limit=1" };
    cleanup_reply struct api_reply first;
    apiserver_handle(NULL, lab->s, &q, true, &first);
    snprintf(token, sizeof(token), "%s", obj_str(obj_metadata(first.object), "continue"));
    assert_true(*token);
    ask(lab, NULL, "name", "later", body, sizeof(body));
    store_compact(apiserver_store(lab->s), store_revision(apiserver_store(lab->s)));

    const struct step steps[] = {
        { "GET", CM, query, NULL, NULL, 410, "The provided continue parameter is too old to display a consistent list result" },
        { "GET", CM, "resourceVersion=5&continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6LTEsInN0YXJ0IjoiYVx1MDAwMCJ9",
          NULL, NULL, 400, "specifying resource version is not allowed when using continue" },
        { "GET", CM, "resourceVersionMatch=Exact&resourceVersion=1", NULL, NULL, 410, "\"reason\":\"Expired\"" },
    };
    snprintf(query, sizeof(query), "limit=1&continue=%s", token);
    play(lab, steps, ARRAY_SIZE(steps));
    assert_true(old < store_compacted(apiserver_store(lab->s)));
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

/* A bookmark a minute, and one two seconds before the end; never ahead of an event (C-076). */
static void bookmark_task(struct co *co, void *arg)
{
    struct watching *wt = arg;
    struct script sc = { .lab = wt->lab };
    const struct step change = { "POST", CM, NULL, NULL, "{\"metadata\":{\"name\":\"b\"}}", 201, NULL };
    char query[120];
    struct api_request q = { .method = "GET", .path = CM, .query = query };
    cleanup_reply struct api_reply reply;
    int64_t before = world_now(wt->lab->w).ns;

    snprintf(query, sizeof(query), "watch=1&allowWatchBookmarks=true&timeoutSeconds=90&resourceVersion=%llu",
             (unsigned long long)store_revision(apiserver_store(wt->lab->s)));
    apiserver_handle(co, wt->lab->s, &q, false, &reply);
    co_sleep(co, DURATION_S(59));
    call_step(co, &sc, &change);
    while (co_sleep(co, DURATION_S(1)) == 0 && !wt->done) {
        size_t at = strlen(wt->seen);
        note_frames(wt, reply.stream);
        if (wt->seen[at])
            snprintf(wt->seen + strlen(wt->seen), 20, "at %lld\n",
                     (long long)(world_now(wt->lab->w).ns - before) / 1000000000);
        wt->done = world_now(wt->lab->w).ns - before > DURATION_S(95);
    }
    strcat(wt->seen, sc.failure);
}

static void bookmarks_come_by_the_minute_and_before_the_end(void **state)
{
    struct lab *lab = *state;
    struct watching wt = { .lab = lab };

    co_spawn(lab->p, "bookmarks", bookmark_task, &wt);
    while (!wt.done && world_step(lab->w, instant_add(world_now(lab->w), DURATION_S(100))))
        ;
    assert_string_equal(wt.seen, "ADDED b\nBOOKMARK \nat 60\nBOOKMARK \nat 88\n");
}

/* An older release refuses what it did not know, and does not speak of it (K-072 K-073 K-076 K-078). */
/* What a namespace enforces is refused to a pod, and only warned of at what makes pods. */
static void pod_security(void **state)           /* I-002 */
{
#define HOSTED "\"spec\":{\"hostNetwork\":true,\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}"
    static const struct step steps[] = {
        { "POST", "/api/v1/namespaces", NULL, NULL,
          "{\"metadata\":{\"name\":\"n\",\"labels\":{\"pod-security.kubernetes.io/enforce\":\"none\"}}}", 422,
          "must be one of privileged, baseline, restricted" },
        { "POST", "/api/v1/namespaces", NULL, NULL,
          "{\"metadata\":{\"name\":\"n\",\"labels\":{\"pod-security.kubernetes.io/enforce\":\"baseline\"}}}", 201, NULL },
        { "POST", "/api/v1/namespaces/n/pods", NULL, NULL, "{\"metadata\":{\"name\":\"p\"}," HOSTED "}", 403,
          "violates PodSecurity \\\"baseline:latest\\\": host namespaces (hostNetwork=true)" },
        { "POST", "/api/v1/namespaces/n/podtemplates", NULL, NULL,
          "{\"metadata\":{\"name\":\"t\"},\"template\":{" HOSTED "}}", 201, NULL },
    };

    play(*state, steps, ARRAY_SIZE(steps));
}

static void an_older_release(void **state)
{
    static const struct step steps[] = {
        { "GET", "/version", NULL, NULL, NULL, 200, "\"gitVersion\": \"v1.29.15\"" },
        { "GET", CM, "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan", NULL, NULL, 422,
          "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled" },
        { "GET", "/openapi/v3/api/v1", NULL, NULL, NULL, 200, "fieldValidation" },
    };
    struct lab *lab = *state;
    struct api_header accept = { "Accept", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
                                           "application/json" };
    struct api_request q = { .method = "GET", .path = "/apis", .headers = &accept, .n_headers = 1 };
    cleanup_reply struct api_reply reply;

    play(lab, steps, ARRAY_SIZE(steps));
    apiserver_handle(NULL, lab->s, &q, false, &reply);
    assert_non_null(strstr(reply.body->data, "\"kind\":\"APIGroupList\""));
    assert_null(apiserver_new(lab->w, &(struct apiserver_options){ .crds = "", .release = "2.0" }, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(configmap_life, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(routes, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(namespaces, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(finalizers, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(custom_resources, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(numbers_stay_what_they_are, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(a_definition_is_published, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(events_are_counted_up, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(managed_fields_move_under_their_version, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(lists_of_pods_are_merged_by_their_keys, lab_up, lab_down),
        cmocka_unit_test(ages_are_told_as_people_tell_them),
        cmocka_unit_test_setup_teardown(formats_not_served_are_passed_over, lab_up, lab_down),
        cmocka_unit_test(generated_names_run_out),
        cmocka_unit_test_setup_teardown(compacted_snapshots_are_expired, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(pod_security, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(an_older_release, lab_up_1_29, lab_down),
        cmocka_unit_test_setup_teardown(watch_with_selector, lab_up, lab_down),
        cmocka_unit_test_setup_teardown(bookmarks_come_by_the_minute_and_before_the_end, lab_up, lab_down),
    };
    return cmocka_run_group_tests_name("apiserver", tests, NULL, NULL);
}
