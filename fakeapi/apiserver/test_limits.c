/* What a server takes and what it does not: sizes, times, how many at once. What is wanted is what a kube-apiserver
 * 1.34.2 answered. */
#include "fakeapi/apiserver/test_lab.h"

#include "fakeapi/apiserver/hook.h"
#include "kube/object.h"

#define CM "/api/v1/namespaces/default/configmaps"
#define BIG "/apis/x.io/v1/namespaces/default/bigs"
#define MERGE "application/merge-patch+json"

/* The text with its '#' made `n` times `c`. */
static char *filled(const char *text, char c, size_t n)
{
    const char *at = strchr(text, '#');
    struct buf b = BUF_INIT;

    buf_add(&b, text, (size_t)(at - text));
    for (size_t i = 0; i < n; i++)
        buf_add_char(&b, c);
    buf_add_str(&b, at + 1);
    return b.data;
}

/* ---- sizes --------------------------------------------------------------------------------------- */

/* K-002, J-087 */
static void what_the_store_cannot_take(void **state)
{
    cleanup_free char *over = filled("{\"apiVersion\":\"x.io/v1\",\"kind\":\"Big\",\"metadata\":{\"name\":\"a\"},\"d\":\"#\"}", 'x',
                                     1572864),
        *far = filled("{\"apiVersion\":\"x.io/v1\",\"kind\":\"Big\",\"metadata\":{\"name\":\"a\"},\"d\":\"#\"}", 'x', 2200000),
        *under = filled("{\"apiVersion\":\"x.io/v1\",\"kind\":\"Big\",\"metadata\":{\"name\":\"a\"},\"d\":\"#\"}", 'x', 1500000),
        *more = filled("{\"e\":\"#\"}", 'x', 300000);

    PLAY_STEPS(state, DEFINE_BIG,
         { "POST", BIG, NULL, NULL, over, 500, "\"message\":\"etcdserver: request is too large\",\"code\":500" },
         { "POST", BIG, NULL, NULL, far, 500, "rpc error: code = ResourceExhausted desc = trying to send message larger than max ("
           "2200" },
         { "GET", BIG "/a", NULL, NULL, NULL, 404, NULL },
         { "POST", BIG, NULL, NULL, under, 201, "\"managedFields\"" },
         { "PATCH", BIG "/a", NULL, MERGE, more, 500, "etcdserver: request is too large" },
         { "PATCH", BIG "/a", NULL, MERGE, "{\"e\":\"small\"}", 200, NULL });
}

/* Too large by its bookkeeping alone: then it goes without (K-002). */
static void managed_fields_give_way(void **state)
{
    cleanup_buf struct buf b = BUF_INIT;
    struct lab *lab = *state;
    struct api_reply reply;

    PLAY_STEPS(state, DEFINE_BIG);
    buf_add_str(&b, "{\"apiVersion\":\"x.io/v1\",\"kind\":\"Big\",\"metadata\":{\"name\":\"a\"}");
    for (int i = 0; i < 36000; i++)
        buf_printf(&b, ",\"f%06d\":\"xxxxxxxxxxxxxxxxxxxx\"", i);
    buf_add_char(&b, '}');
    struct api_request q = { .method = "POST", .path = BIG, .body = b.data, .body_len = b.len };
    apiserver_handle(NULL, lab->s, &q, true, &reply);
    assert_int_equal(reply.status, 201);
    assert_null(json_path(reply.object, "metadata.managedFields"));
    assert_string_equal(obj_str(reply.object, "f035999"), "xxxxxxxxxxxxxxxxxxxx");
    api_reply_release(&reply);
}

/* K-003, K-071: each just fits, and one more does not. */
static void lengths(void **state)
{
    static const struct {
        const char *path, *body;
        size_t max;
        const char *wrong;
    } rows[] = {
        { CM, "{\"metadata\":{\"name\":\"a\",\"annotations\":{\"a\":\"#\"}}}", 262143,
          "metadata.annotations: Too long: may not be more than 262144 bytes" },
        { CM, "{\"metadata\":{\"name\":\"a\",\"labels\":{\"a\":\"#\"}}}", 63, "must be no more than 63 characters" },
        { CM, "{\"metadata\":{\"name\":\"a\",\"labels\":{\"#\":\"a\"}}}", 63, "name part must be no more than 63 characters" },
        { CM, "{\"metadata\":{\"name\":\"a\",\"labels\":{\"#/a\":\"a\"}}}", 253,
          "prefix part must be no more than 253 characters" },
        { CM, "{\"metadata\":{\"name\":\"#\"}}", 253, "must be no more than 253 characters" },
        { CM, "{\"metadata\":{\"name\":\"a\"},\"data\":{\"a\":\"#\"}}", 1048576, "[]: Too long: may not be more than 1048576 bytes" },
        { "/api/v1/namespaces", "{\"metadata\":{\"name\":\"#\"}}", 63, "must be no more than 63 characters" },
        { "/apis/events.k8s.io/v1/namespaces/default/events", "{\"metadata\":{\"name\":\"e\"},\"eventTime\":"
          "\"2026-01-01T00:00:00.000000Z\",\"reason\":\"r\",\"action\":\"a\",\"type\":\"Normal\",\"reportingController\":\"x.y/z\","
          "\"reportingInstance\":\"i\",\"regarding\":{\"namespace\":\"default\",\"kind\":\"Pod\",\"name\":\"p\"},\"note\":\"#\"}", 1024,
          "can have at most 1024 characters" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        cleanup_free char *fits = filled(rows[i].body, 'x', rows[i].max), *over = filled(rows[i].body, 'x', rows[i].max + 1);
        PLAY_STEPS(state, { "POST", rows[i].path, "dryRun=All", NULL, fits, 201, NULL },
             { "POST", rows[i].path, "dryRun=All", NULL, over, 422, rows[i].wrong });
    }
}

/* K-004: any page, however large; a number that is none is refused. */
static void pages(void **state)
{
    PLAY_STEPS(state, { "POST", CM, NULL, NULL, "{\"metadata\":{\"name\":\"only\"}}", 201, NULL },
         { "GET", CM, "limit=9223372036854775807", NULL, NULL, 200, "only" },
         { "GET", CM, "limit=-1", NULL, NULL, 200, "only" },
         { "GET", CM, "limit=9223372036854775808", NULL, NULL, 400,
           "strconv.ParseInt: parsing \\\"9223372036854775808\\\": value out of range" });
}

/* ---- time ---------------------------------------------------------------------------------------- */

static duration took(struct lab *lab, const struct step *step)
{
    struct instant start = world_now(lab->w);

    play(lab, step, 1);
    return instant_sub(world_now(lab->w), start);
}

/* K-006: what a client allows is kept, with a filter's bare words. */
static void the_client_s_own_limit(void **state)
{
    static const struct step
        impatient = { "GET", CM, "resourceVersion=99999999&timeout=1s", NULL, NULL, 504, "{\"metadata\":{},\"status\":\"Failure\","
                      "\"message\":\"Timeout: request did not complete within the allotted timeout\",\"reason\":\"Timeout\","
                      "\"details\":{},\"code\":504}\n" },
        plain = { "GET", CM, "resourceVersion=99999999&timeout=1s", NULL, NULL, 504, "text/plain; charset=utf-8" },
        patient = { "GET", CM "/a", "resourceVersion=99999999&timeout=5s", NULL, NULL, 504,
                    "Timeout: Too large resource version: 99999999, current: " },
        odd = { "GET", CM, "timeout=soon", NULL, NULL, 400,
                "invalid timeout specified in the request URL - time: invalid duration \\\"soon\\\"" };

    assert_int_equal(took(*state, &impatient), DURATION_S(1));
    assert_int_equal(took(*state, &plain), DURATION_S(1));
    assert_int_equal(took(*state, &patient), DURATION_S(3));
    assert_int_equal(took(*state, &odd), 0);
}

/* A watch of one by its path is none, and what is connected to somewhere else has no limit. */
static void whose_limit_is_read(void **state)
{
    static const char odd[] = "invalid timeout specified in the request URL";
    static const struct step steps[] = {
        { "GET", CM "/a", "watch=1&timeout=x", NULL, NULL, 400, odd },
        { "DELETE", CM "/a", "watch=1&timeout=x", NULL, NULL, 400, odd },
        { "GET", "/api", "watch=1&timeout=x", NULL, NULL, 400, odd },
        { "GET", CM, "watch=1&timeout=x&resourceVersion=y", NULL, NULL, 500, "resourceVersion: Invalid value" },
        { "GET", "/api/v1/namespaces/default/pods/p/log", "timeout=x", NULL, NULL, 404, "pods \\\"p\\\" not found" },
        { "GET", "/api/v1/namespaces/default/services/p/proxy", "timeout=x", NULL, NULL, 404, NULL },
    };
    play(*state, steps, ARRAY_SIZE(steps));
}

struct watcher {
    struct lab *lab;
    const char *query;
    duration lasted;
    bool done;
};

static void watch_until_it_ends(struct co *co, void *arg)
{
    struct watcher *w = arg;
    struct api_request q = { .method = "GET", .path = CM, .query = w->query };
    struct instant start = world_now(w->lab->w), never = instant_add(start, DURATION_S(7200));
    cleanup_reply struct api_reply reply;
    struct api_frame f;

    apiserver_handle(co, w->lab->s, &q, false, &reply);
    while (reply.stream && api_stream_next(co, reply.stream, never, &f) == 1)
        json_decref(f.object);
    w->lasted = instant_sub(world_now(w->lab->w), start);
    w->done = true;
}

static duration lasts(struct lab *lab, const char *query)
{
    struct watcher w = { .lab = lab, .query = query };

    co_spawn(lab->p, "watch", watch_until_it_ends, &w);
    while (!w.done && world_step(lab->w, instant_add(world_now(lab->w), DURATION_S(7300))))
        ;
    return w.lasted;
}

/* K-006: a watch ends when it shall, and by itself where nobody says when. */
static void no_watch_lasts_for_ever(void **state)
{
    static const char *const unsaid[] = { "watch=1", "watch=1&timeoutSeconds=0", "watch=1&timeoutSeconds=-5" };

    assert_int_equal(lasts(*state, "watch=1&timeoutSeconds=1"), DURATION_S(1));
    for (size_t i = 0; i < ARRAY_SIZE(unsaid); i++) {
        duration d = lasts(*state, unsaid[i]);
        assert_true(d >= DURATION_S(1800) && d <= DURATION_S(3600));
    }
}

/* ---- how many at once ---------------------------------------------------------------------------- */

/* A webhook that takes five seconds for every ConfigMap. */
static int think(struct co *co, struct hook_caller *h, const struct hook_request *q, struct arena *a,
                 struct hook_reply *ret, struct err *e)
{
    int r = co_sleep(co, DURATION_S(5));

    return r < 0 ? r : err_set(e, ERR_UNAVAILABLE, "nothing");
}

static void keep(struct hook_caller *h)
{
}

static const struct hook_caller_ops thinking = { "thinking", think, keep };

static struct lab crowded_lab(bool rbac, unsigned reads, unsigned writes)
{
    static struct hook_caller hook = { &thinking };
    struct lab lab = { .w = world_new(&(struct world_options){ .mode = WORLD_SIM, .seed = 1 }) };

    lab.s = apiserver_new(lab.w, &(struct apiserver_options){ .crds = "", .hook_caller = &hook, .auth = { .rbac = rbac },
                                                              .max_inflight = reads, .max_mutating_inflight = writes }, NULL);
    lab.p = proc_new(lab.w, "client");
    return lab;
}

static void crowded_lab_release(struct lab *lab)
{
    proc_kill(lab->p);
    while (world_step(lab->w, world_now(lab->w)))
        ;
    proc_free(lab->p);
    apiserver_free(lab->s);
    world_free(lab->w);
}

struct visit {
    struct lab *lab;
    const char *method, *path, *query, *body;
    const char *group;                 /* NULL: somebody unknown over the network; "": the same process */
    int want, status;                  /* 0: no answer yet */
    bool told;                         /* when to come again, in plain words */
};

static void visit(struct co *co, void *arg)
{
    struct visit *v = arg;
    struct api_user user = { .name = "u", .groups = &v->group, .n_groups = 1 };
    struct api_request q = { .method = v->method, .path = v->path, .query = v->query, .body = v->body,
                             .body_len = v->body ? strlen(v->body) : 0, .remote = !v->group || *v->group,
                             .user = v->group && *v->group ? &user : NULL };
    cleanup_reply struct api_reply reply;

    apiserver_handle(co, v->lab->s, &q, false, &reply);
    v->status = reply.status;
    for (size_t i = 0; i < reply.n_headers; i++)
        v->told = v->told || (streq(reply.headers[i].name, "Retry-After") && streq(reply.headers[i].value, "1") &&
                              streq(reply.body->data, "Too many requests, please try again later.\n"));
}

static void start_visits(struct lab *lab, struct visit *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        v[i].lab = lab;
        co_spawn(lab->p, "visit", visit, &v[i]);
        while (world_step(lab->w, world_now(lab->w)))
            ;
        assert_int_equal(v[i].status, v[i].want);
        assert_int_equal(v[i].told, v[i].want == 429);
    }
}

#define WAITING "resourceVersion=99999999"
#define MAKE "{\"metadata\":{\"generateName\":\"a\"}}"

/* K-007: those that read and those that write are counted apart; what lasts is not counted. Too many is said before
 * anybody asks whether it is allowed. */
static void beyond_the_limit_is_too_many(void **state)
{
    struct lab lab = crowded_lab(true, 2, 1);
    static const struct step hook = { "POST", "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations", NULL, NULL,
        "{\"metadata\":{\"name\":\"slow\"},\"webhooks\":[{\"name\":\"a.b.c\",\"sideEffects\":\"None\",\"admissionReviewVersions\":"
        "[\"v1\"],\"failurePolicy\":\"Ignore\",\"clientConfig\":{\"url\":\"https://x\"},\"rules\":[{\"apiGroups\":[\"\"],"
        "\"apiVersions\":[\"v1\"],\"operations\":[\"CREATE\"],\"resources\":[\"configmaps\"]}]}]}", 201, NULL };
    struct visit v[] = {
        { .method = "GET", .path = CM, .query = "watch=1", .group = "", .want = 200 },
        { .method = "GET", .path = CM, .query = WAITING, .group = "" },
        { .method = "GET", .path = CM "/a", .query = WAITING, .group = "" },
        { .method = "GET", .path = CM, .want = 429 }, { .method = "GET", .path = "/version", .want = 429 },
        { .method = "GET", .path = CM, .group = "devs", .want = 429 },
        { .method = "GET", .path = CM, .group = "system:masters", .want = 200 },
        { .method = "GET", .path = CM, .group = "", .want = 200 },
        { .method = "POST", .path = CM, .body = MAKE, .group = "" },
        { .method = "POST", .path = CM, .body = MAKE, .group = "devs", .want = 429 },
        { .method = "GET", .path = CM, .query = "watch=1", .group = "devs", .want = 403 },
    }, later[] = { { .method = "GET", .path = CM, .group = "devs", .want = 403 },
                   { .method = "POST", .path = CM, .body = MAKE, .group = "devs", .want = 403 } };

    play(&lab, &hook, 1);
    start_visits(&lab, v, ARRAY_SIZE(v));
    while (world_step(lab.w, instant_add(world_now(lab.w), DURATION_S(10))) && (!v[1].status || !v[8].status))
        ;
    assert_int_equal(v[1].status, 504);
    assert_int_equal(v[8].status, 201);
    start_visits(&lab, later, ARRAY_SIZE(later));          /* their places are free again */
    crowded_lab_release(&lab);
}

/* Where nobody says who he is everybody could be an administrator: a limit is a limit all the same. */
static void limits_without_authorization(void **state)
{
    struct lab lab = crowded_lab(false, 1, 0);
    struct visit v[] = { { .method = "GET", .path = CM, .query = WAITING }, { .method = "GET", .path = CM, .want = 429 },
                         { .method = "POST", .path = CM, .body = MAKE, .want = 201 } };

    start_visits(&lab, v, ARRAY_SIZE(v));
    crowded_lab_release(&lab);
}

static void without_limits_all_are_served(void **state)
{
    struct lab lab = crowded_lab(false, 0, 0);
    struct visit v[50];

    for (size_t i = 0; i < ARRAY_SIZE(v); i++)
        v[i] = (struct visit){ .method = "GET", .path = CM, .query = i < 49 ? WAITING : NULL, .want = i < 49 ? 0 : 200 };
    start_visits(&lab, v, ARRAY_SIZE(v));
    crowded_lab_release(&lab);
}

#define checked(f) cmocka_unit_test_setup_teardown(f, lab_up, lab_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        checked(what_the_store_cannot_take), checked(managed_fields_give_way), checked(lengths), checked(pages),
        checked(the_client_s_own_limit), checked(whose_limit_is_read), checked(no_watch_lasts_for_ever),
        cmocka_unit_test(beyond_the_limit_is_too_many), cmocka_unit_test(limits_without_authorization),
        cmocka_unit_test(without_limits_all_are_served),
    };

    json_object_seed(1);
    return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
