/* Webhooks in a simulated world: who is asked, what is believed, and what happens meanwhile (I-001 to I-034, F-062 to
 * F-067). */
#include "fakeapi/apiserver/apiserver.h"

#include <setjmp.h>
#include <stdio.h>

#include <cmocka.h>

#include "fakeapi/apiserver/hook_link.h"
#include "kube/base64.h"
#include "kube/json.h"
#include "kube/object.h"

/* ---- a server, and a webhook beside it ---------------------------------------------------------------- */

struct lab {
    struct world *w;
    struct apiserver *s;
    struct proc *p;
    const char *villain;               /* what the webhook does: see answer() */
    size_t asked;
    json_t *last;                      /* the request of the review that came last */
    struct transport *transport;
    bool meddled;
};

struct reply {
    int status;
    json_t *body;
    const char *text;
};

static struct reply send(struct co *co, struct lab *lab, struct arena *a, const char *method, const char *path,
                         const char *body)
{
    char *copy = arena_strdup(a, path), *query = strchr(copy, '?');
    bool patch = streq(method, "PATCH");
    struct api_header type = { "Content-Type", patch ? "application/merge-patch+json" : "application/json" };
    struct api_request q = { .method = method, .path = copy, .query = query ? query + 1 : NULL, .headers = &type,
                             .n_headers = 1, .body = body, .body_len = body ? strlen(body) : 0 };
    struct api_reply r;
    struct reply out = { 0 };

    if (query)
        *query = '\0';
    apiserver_handle(co, lab->s, &q, false, &r);
    out.status = r.status;
    out.text = arena_strdup(a, r.body ? r.body->data : "");
    out.body = json_parse_str(out.text);
    api_reply_release(&r);
    return out;
}

/* ---- what webhooks answer ------------------------------------------------------------------------------ */

static void reply_tree(struct arena *a, struct hook_reply *ret, json_t *tree)
{
    *ret = (struct hook_reply){ .status = 200, .content_type = "application/json",
                                .body = json_arena_text(a, tree, 0) };
    ret->len = strlen(ret->body);
    json_decref(tree);
}

static json_t *patch_of(const char *ops)
{
    cleanup_buf struct buf b = BUF_INIT;

    base64_encode(&b, ops, strlen(ops));
    return json_stringn(b.data, b.len);
}

/* Another client, while the webhook thinks. */
static void meddle(struct co *co, struct lab *lab, struct arena *a, const char *method, const char *path, const char *body)
{
    const char *villain = lab->villain;

    if (lab->meddled)
        return;
    lab->meddled = true;
    lab->villain = "allow";
    json_decref(send(co, lab, a, method, path, body).body);
    lab->villain = villain;
}

#define MAPS "/api/v1/namespaces/default/configmaps"

static int answer(struct co *co, void *arg, const struct hook_request *q, struct arena *a, struct hook_reply *ret,
                  struct err *e)
{
    struct lab *lab = arg;
    json_auto_t *review = json_parse(q->body, q->len, 0, NULL, NULL);
    const char *v = lab->villain, *uid = obj_str(review, "request.uid");
    json_t *response = json_pack("{s:s, s:b}", "uid", uid, "allowed", 1);

    lab->asked++;
    json_decref(lab->last);
    lab->last = json_incref(json_object_get(review, "request"));
    if (streq(v, "deny"))
        json_object_set_new(response, "allowed", json_false());
    else if (streq(v, "other uid"))
        json_object_set_new(response, "uid", json_string("x"));
    else if (streq(v, "managed fields"))
        json_object_set_new(response, "patch", patch_of("[{\"op\":\"add\",\"path\":\"/metadata/managedFields\",\"value\":"
                            "[{\"manager\":\"m\",\"operation\":\"Nope\"}]}]"));
    else if (streq(v, "count"))
        json_object_set_new(response, "patch", patch_of("[{\"op\":\"add\",\"path\":\"/data/seen\",\"value\":\"yes\"}]"));
    else if (streq(v, "silent") && co_sleep(co, DURATION_S(100)) < 0)
        return -ERR_CANCELLED;
    else if (streq(v, "meddle patch"))
        meddle(co, lab, a, "PATCH", MAPS "/x", "{\"data\":{\"other\":\"1\"}}");
    else if (streq(v, "meddle create"))
        meddle(co, lab, a, "POST", MAPS, "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"x\"}}");
    else if (streq(v, "meddle delete"))
        meddle(co, lab, a, "DELETE", MAPS "/x", NULL);
    if (json_object_get(response, "patch"))
        json_object_set_new(response, "patchType", json_string("JSONPatch"));
    reply_tree(a, ret, json_pack("{s:O, s:O, s:o}", "apiVersion", json_object_get(review, "apiVersion"), "kind",
                                 json_object_get(review, "kind"), "response", response));
    if (streq(v, "garbage"))
        ret->body = "no json: {", ret->len = 10;
    return 0;
}

/* ---- the laboratory ------------------------------------------------------------------------------------ */

static struct lab *lab_new(uint64_t seed, const struct hook_link_options *o)
{
    struct lab *lab = xcalloc(1, sizeof(*lab));
    struct hook_caller *link;

    lab->w = world_new(&(struct world_options){ .mode = WORLD_SIM, .seed = seed, .trace_keep = true });
    link = hook_link_new(lab->w, o);
    lab->s = apiserver_new(lab->w, &(struct apiserver_options){ .crds = "", .hook_caller = link }, NULL);
    assert_non_null(lab->s);
    hook_link_serve(link, "https://hook.example.com", answer, lab);
    lab->p = proc_new(lab->w, "client");
    lab->villain = "allow";
    return lab;
}

static void lab_free(struct lab *lab)
{
    proc_kill(lab->p);
    while (world_step(lab->w, world_now(lab->w)))
        ;
    proc_free(lab->p);
    apiserver_free(lab->s);
    world_free(lab->w);
    json_decref(lab->last);
    free(lab);
}

struct job {
    struct lab *lab;
    void (*fn)(struct co *co, struct job *j);
    struct arena *arena;
    const char *failure;
    const void *arg;
    bool done;
};

/* On a task's stack nothing is asserted: the first thing that is not so is remembered. */
static bool expect(struct job *j, bool holds, const char *what, const struct reply *r)
{
    if (!holds && !j->failure)
        j->failure = arena_printf(j->arena, "%s: %d %s", what, r ? r->status : 0, r ? r->text : "");
    return holds;
}

static void run_job(struct co *co, void *arg)
{
    struct job *j = arg;

    j->fn(co, j);
    j->done = true;
}

static void run(struct lab *lab, void (*fn)(struct co *co, struct job *j), const void *arg)
{
    struct job j = { .lab = lab, .fn = fn, .arena = arena_new(), .arg = arg };
    struct instant limit = instant_add(world_now(lab->w), DURATION_MIN(60));

    co_spawn(lab->p, "job", run_job, &j);
    while (!j.done && world_step(lab->w, limit))
        ;
    char *failure = j.failure ? xstrdup(j.failure) : NULL;
    arena_free(j.arena);
    if (failure)
        print_error("%s\n", failure);
    assert_null(failure);
    assert_true(j.done);
}

static void configure(struct co *co, struct job *j, const char *kind, const char *more)
{
    const char *path = streq(kind, "Mutating") ? "mutating" : "validating";
    struct reply r = send(co, j->lab, j->arena, "POST",
        arena_printf(j->arena, "/apis/admissionregistration.k8s.io/v1/%swebhookconfigurations", path),
        arena_printf(j->arena, "{\"apiVersion\":\"admissionregistration.k8s.io/v1\",\"kind\":\"%sWebhookConfiguration\","
            "\"metadata\":{\"name\":\"w\"},\"webhooks\":[{\"name\":\"a.b.example\",\"clientConfig\":{\"url\":"
            "\"https://hook.example.com/x\"},\"rules\":[{\"operations\":[\"*\"],\"apiGroups\":[\"\"],\"apiVersions\":"
            "[\"*\"],\"resources\":[\"configmaps\"]}],\"sideEffects\":\"None\",\"admissionReviewVersions\":[\"v1\"]%s}]}",
            kind, more));

    expect(j, r.status == 201, "configuration", &r);
    json_decref(r.body);
}

static struct reply map(struct co *co, struct job *j, const char *method, const char *path, const char *data)
{
    return send(co, j->lab, j->arena, method, path,
                data ? arena_printf(j->arena, "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"x\"},"
                                    "\"data\":%s}", data) : NULL);
}

/* ---- villains ------------------------------------------------------------------------------------------ */

static const struct row {
    const char *name, *kind, *more, *query;
    int status;
    const char *says;
} rows[] = {
    { "allow", "Validating", "", "", 201, "\"data\":{\"a\":\"b\"}" },
    { "deny", "Validating", "", "", 400, "admission webhook \\\"a.b.example\\\" denied the request without explanation" },
    { "deny", "Mutating", "", "?dryRun=All", 400, "denied the request" },
    { "other uid", "Validating", "", "", 500, "failed calling webhook \\\"a.b.example\\\": received invalid webhook "
      "response: expected response.uid=" },
    { "other uid", "Mutating", ",\"failurePolicy\":\"Ignore\"", "", 201, "\"data\":{\"a\":\"b\"}" },
    { "count", "Validating", "", "", 500, "validating webhook may not return response.patch" },
    { "count", "Mutating", "", "", 201, "\"seen\":\"yes\"" },
    { "managed fields", "Mutating", "", "", 201, "\"operation\":\"Update\"" },
    { "garbage", "Validating", "", "", 500, "failed to call webhook: couldn't get version/kind; json parse error: " },
    { "silent", "Validating", "", "", 500, "Post \\\"https://hook.example.com/x?timeout=10s\\\": context deadline "
      "exceeded" },
    { "silent", "Validating", ",\"timeoutSeconds\":2,\"failurePolicy\":\"Ignore\"", "", 201, "" },
    { "silent", "Mutating", "", "?timeout=3s", 504, "Timeout: request did not complete within the allotted timeout" },
};

static void meet(struct co *co, struct job *j)
{
    const struct row *row = j->arg;

    configure(co, j, row->kind, row->more);
    j->lab->villain = row->name;
    struct reply r = map(co, j, "POST", arena_printf(j->arena, MAPS "%s", row->query), "{\"a\":\"b\"}");
    expect(j, r.status == row->status && strstr(r.text, row->says), row->name, &r);
    expect(j, j->lab->asked == 1, "asked once", &r);
    json_decref(r.body);
    r = map(co, j, "GET", MAPS "/x", NULL);
    expect(j, r.status == (row->status == 201 ? 200 : 404), "a refusal stores nothing", &r);
    json_decref(r.body);
}

static void a_villain(void **state)
{
    struct lab *lab = lab_new(1, &(struct hook_link_options){ 0 });
    const struct row *row = *state;
    struct instant before = world_now(lab->w);

    run(lab, meet, row);
    if (!streq(row->name, "silent"))
        assert_int_equal(world_now(lab->w).ns, before.ns);
    lab_free(lab);
}

/* ---- who is told what ----------------------------------------------------------------------------------- */

static void told(struct co *co, struct job *j)
{
    configure(co, j, "Validating", "");
    struct reply r = map(co, j, "POST", MAPS, "{}");
    json_decref(r.body);
    r = map(co, j, "DELETE", MAPS "/x", NULL);
    const json_t *q = j->lab->last;
    expect(j, r.status == 200 && j->lab->asked == 2, "create and delete are asked about", &r);
    expect(j, streq(obj_str(q, "operation"), "DELETE") && json_is_null(json_object_get(q, "object")) &&
           streq(obj_str(q, "oldObject.metadata.name"), "x") && streq(obj_str(q, "options.kind"), "DeleteOptions"),
           json_arena_text(j->arena, q, 0), NULL);
    json_decref(r.body);
    j->lab->villain = "deny";
    r = send(co, j->lab, j->arena, "DELETE", "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/w", NULL);
    expect(j, r.status == 200 && j->lab->asked == 2, "configurations are out of their reach (I-003)", &r);
    json_decref(r.body);
    r = map(co, j, "POST", MAPS, "{}");
    expect(j, r.status == 201 && j->lab->asked == 2, "a change counts at once (I-029)", &r);
    json_decref(r.body);
}

static void a_webhook_is_told_of_deletions_and_not_of_itself(void **state)
{
    struct lab *lab = lab_new(1, &(struct hook_link_options){ 0 });

    run(lab, told, NULL);
    lab_free(lab);
}

/* ---- what happens meanwhile ------------------------------------------------------------------------------ */

static void overtaken_patch(struct co *co, struct job *j)
{
    json_decref(map(co, j, "POST", MAPS, "{\"a\":\"b\"}").body);
    configure(co, j, "Mutating", "");
    j->lab->villain = "meddle patch";
    struct reply r = send(co, j->lab, j->arena, "PATCH", MAPS "/x", "{\"data\":{\"mine\":\"1\"}}");
    expect(j, r.status == 200 && streq(obj_str(r.body, "data.mine"), "1") && streq(obj_str(r.body, "data.other"), "1"),
           "both changes are there", &r);
    expect(j, j->lab->asked == 3, "and it was asked about each state", &r);
    json_decref(r.body);
}

static void overtaken_put(struct co *co, struct job *j)
{
    struct reply r = map(co, j, "POST", MAPS, "{\"a\":\"b\"}");
    const char *version = arena_strdup(j->arena, obj_resource_version(r.body));
    json_decref(r.body);
    configure(co, j, "Validating", "");
    j->lab->villain = "meddle patch";
    r = send(co, j->lab, j->arena, "PUT", MAPS "/x",
             arena_printf(j->arena, "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"x\","
                          "\"resourceVersion\":\"%s\"}}", version));
    expect(j, r.status == 409 && strstr(r.text, "the object has been modified"), "a named state is gone", &r);
    json_decref(r.body);
}

static void overtaken_create(struct co *co, struct job *j)
{
    configure(co, j, "Validating", "");
    j->lab->villain = "meddle create";
    struct reply r = map(co, j, "POST", MAPS, "{}");
    expect(j, r.status == 409 && strstr(r.text, "already exists"), "the name was taken meanwhile", &r);
    json_decref(r.body);
}

static void overtaken_delete(struct co *co, struct job *j)
{
    json_decref(map(co, j, "POST", MAPS, "{}").body);
    configure(co, j, "Validating", "");
    j->lab->villain = "meddle delete";
    struct reply r = send(co, j->lab, j->arena, "PATCH", MAPS "/x", "{\"data\":{\"mine\":\"1\"}}");
    expect(j, r.status == 404, "what was to change is gone", &r);
    json_decref(r.body);
}

static void who_is_overtaken_begins_anew(void **state)
{
    static void (*const jobs[])(struct co *, struct job *) = { overtaken_patch, overtaken_put, overtaken_create,
                                                               overtaken_delete };

    for (size_t i = 0; i < ARRAY_SIZE(jobs); i++) {
        struct lab *lab = lab_new(1, &(struct hook_link_options){ 0 });
        run(lab, jobs[i], NULL);
        lab_free(lab);
    }
}

/* ---- faults on the way ------------------------------------------------------------------------------------ */

static void ten_creates(struct co *co, struct job *j)
{
    configure(co, j, "Validating", ",\"timeoutSeconds\":5");
    for (int i = 0; i < 10; i++) {
        const char *path = arena_printf(j->arena, MAPS "/m%d", i);
        struct reply r = send(co, j->lab, j->arena, "POST", MAPS,
            arena_printf(j->arena, "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"m%d\"}}", i));
        bool made = r.status == 201;
        expect(j, made || (r.status == 500 && strstr(r.text, "failed calling webhook")), "stored, or said why not", &r);
        json_decref(r.body);
        r = send(co, j->lab, j->arena, "GET", path, NULL);
        expect(j, r.status == (made ? 200 : 404), "stored when it was said so", &r);
        json_decref(r.body);
    }
}

static void faults_lose_no_write_and_invent_none(void **state)
{
    uint64_t hashes[2];
    size_t choices = 0;

    for (uint64_t seed = 1; seed <= 10; seed++) {
        for (size_t twice = 0; twice < 2; twice++) {
            struct lab *lab = lab_new(seed, &(struct hook_link_options){ 1, 4 });
            run(lab, ten_creates, NULL);
            hashes[twice] = world_fingerprint(lab->w) ^ world_trace_hash(lab->w) ^ (uint64_t)world_now(lab->w).ns;
            world_choices(lab->w, &choices);
            lab_free(lab);
        }
        assert_int_equal(hashes[0], hashes[1]);         /* same seed, same run */
    }
    assert_true(choices > 20);
}

/* ---- conversion ------------------------------------------------------------------------------------------- */

static int convert(struct co *co, void *arg, const struct hook_request *q, struct arena *a, struct hook_reply *ret,
                   struct err *e)
{
    struct lab *lab = arg;
    json_auto_t *review = json_parse(q->body, q->len, 0, NULL, NULL);
    const char *desired = obj_str(review, "request.desiredAPIVersion");
    json_t *out = json_array(), *o;
    size_t i;

    lab->asked++;
    if (co_sleep(co, DURATION_MS(10)) < 0) {
        json_decref(out);
        return -ERR_CANCELLED;
    }
    if (streq(lab->villain, "silent")) {
        json_decref(out);
        return err_set(e, ERR_TIMEOUT, "context deadline exceeded");
    }
    json_array_foreach (json_path(review, "request.objects"), i, o) {
        json_t *c = json_with(o, "apiVersion", json_string(desired)), *spec = json_object();
        bool two = strstr(desired, "/v2") != NULL;
        json_object_set(spec, two ? "width" : "size", json_path(o, two ? "spec.size" : "spec.width"));
        json_object_set_new(c, "spec", spec);
        if (streq(lab->villain, "rename"))
            obj_set_name(json_own(&c), "other");
        json_array_append_new(out, c);
    }
    reply_tree(a, ret, json_pack("{s:O, s:O, s:{s:O, s:o, s:{s:s}}}", "apiVersion", json_object_get(review, "apiVersion"),
                                 "kind", json_object_get(review, "kind"), "response", "uid",
                                 json_path(review, "request.uid"), "convertedObjects", out, "result", "status", "Success"));
    return 0;
}

static const char definition[] =
    "{\"apiVersion\":\"apiextensions.k8s.io/v1\",\"kind\":\"CustomResourceDefinition\",\"metadata\":{\"name\":\"ws.g.io\"},"
    "\"spec\":{\"group\":\"g.io\",\"names\":{\"plural\":\"ws\",\"kind\":\"W\"},\"scope\":\"Namespaced\",\"conversion\":{"
    "\"strategy\":\"Webhook\",\"webhook\":{\"conversionReviewVersions\":[\"v1\"],\"clientConfig\":{\"url\":"
    "\"https://convert.example.com/c\"}}},\"versions\":["
    "{\"name\":\"v1\",\"served\":true,\"storage\":true,\"schema\":{\"openAPIV3Schema\":{\"type\":\"object\",\"properties\":"
    "{\"spec\":{\"type\":\"object\",\"properties\":{\"size\":{\"type\":\"integer\"}}}}}}},"
    "{\"name\":\"v2\",\"served\":true,\"storage\":false,\"schema\":{\"openAPIV3Schema\":{\"type\":\"object\",\"properties\":"
    "{\"spec\":{\"type\":\"object\",\"properties\":{\"width\":{\"type\":\"integer\"}}}}}}}]}}";

#define V1 "/apis/g.io/v1/namespaces/default/ws"
#define V2 "/apis/g.io/v2/namespaces/default/ws"

static struct reply w(struct co *co, struct job *j, const char *path, const char *version, int i)
{
    return send(co, j->lab, j->arena, "POST", path,
                arena_printf(j->arena, "{\"apiVersion\":\"g.io/%s\",\"kind\":\"W\",\"metadata\":{\"name\":\"w%d\"},"
                             "\"spec\":{\"%s\":%d}}", version, i, streq(version, "v2") ? "width" : "size", i));
}

/* The next frame: what the watch says of it. */
static const char *frame(struct co *co, struct job *j, struct api_stream *s)
{
    struct api_frame f = { 0 };
    int r = api_stream_next(co, s, instant_add(world_now(j->lab->w), DURATION_S(60)), &f);

    if (r != 1)
        return r == -ERR_UNAVAILABLE ? "the end" : "nothing";
    const char *text = arena_printf(j->arena, "%s %s %s %lld", f.type, obj_api_version(f.object), obj_name(f.object),
                                    (long long)obj_int(f.object, "spec.width", -1));
    json_decref(f.object);
    return text;
}

static void watch_converted(struct co *co, struct job *j)
{
    struct api_reply watch;
    struct api_request q = { .method = "GET", .path = V2, .query = "watch=1" };
    static const char *const want[] = { "ADDED g.io/v2 w1 1", "ADDED g.io/v2 w2 2", "ADDED g.io/v2 w3 3",
                                        "DELETED g.io/v2 w1 1" };

    json_decref(send(co, j->lab, j->arena, "POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition).body);
    co_sleep(co, DURATION_S(1));
    struct reply r = w(co, j, V1, "v1", 1);
    expect(j, r.status == 201, "v1", &r);
    json_decref(r.body);
    r = w(co, j, V2, "v2", 2);
    expect(j, r.status == 201 && obj_int(r.body, "spec.width", 0) == 2, "v2", &r);
    json_decref(r.body);
    r = send(co, j->lab, j->arena, "GET", V1 "/w2", NULL);
    expect(j, obj_int(r.body, "spec.size", 0) == 2, "stored as v1", &r);
    json_decref(r.body);
    size_t before = j->lab->asked;
    r = send(co, j->lab, j->arena, "GET", V2, NULL);
    expect(j, r.status == 200 && j->lab->asked == before + 1, "a list asks once (F-064)", &r);
    json_decref(r.body);
    apiserver_handle(co, j->lab->s, &q, true, &watch);
    json_decref(w(co, j, V1, "v1", 3).body);
    json_decref(send(co, j->lab, j->arena, "DELETE", V1 "/w1", NULL).body);
    for (size_t i = 0; watch.stream && i < ARRAY_SIZE(want); i++) {
        const char *got = frame(co, j, watch.stream);
        expect(j, streq(got, want[i]), arena_printf(j->arena, "wanted %s, got %s", want[i], got), NULL);
    }
    j->lab->villain = "rename";
    json_decref(w(co, j, V1, "v1", 4).body);
    const char *got = frame(co, j, watch.stream);
    expect(j, str_starts(got, "ERROR"), got, NULL);
    got = frame(co, j, watch.stream);
    expect(j, streq(got, "the end"), got, NULL);
    api_reply_release(&watch);
    r = send(co, j->lab, j->arena, "GET", V2 "/w3", NULL);
    expect(j, r.status == 500 && strstr(r.text, "must have the same name: w3 != other"), "a lie is no answer (F-065)", &r);
    json_decref(r.body);
    j->lab->villain = "silent";
    r = send(co, j->lab, j->arena, "DELETE", V2 "/w3", NULL);
    expect(j, r.status == 500 && strstr(r.text, "Client.Timeout exceeded while awaiting headers"), "nobody converts", &r);
    json_decref(r.body);
}

static void a_converter_is_asked_for_lists_and_watches(void **state)
{
    struct lab *lab = xcalloc(1, sizeof(*lab));
    struct hook_caller *link;

    lab->w = world_new(&(struct world_options){ .mode = WORLD_SIM, .seed = 1 });
    link = hook_link_new(lab->w, &(struct hook_link_options){ 0 });
    lab->s = apiserver_new(lab->w, &(struct apiserver_options){ .crds = "", .hook_caller = link }, NULL);
    hook_link_serve(link, "https://convert.example.com", convert, lab);
    lab->p = proc_new(lab->w, "client");
    lab->villain = "";
    run(lab, watch_converted, NULL);
    lab_free(lab);
}

int main(void)
{
    static const struct CMUnitTest others[] = {
        cmocka_unit_test(a_webhook_is_told_of_deletions_and_not_of_itself), cmocka_unit_test(who_is_overtaken_begins_anew),
        cmocka_unit_test(faults_lose_no_write_and_invent_none),
        cmocka_unit_test(a_converter_is_asked_for_lists_and_watches),
    };
    struct CMUnitTest tests[ARRAY_SIZE(rows) + ARRAY_SIZE(others)];
    char names[ARRAY_SIZE(rows)][64];

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        snprintf(names[i], sizeof(names[i]), "%s: %s%s%s", rows[i].name, rows[i].kind, rows[i].more, rows[i].query);
        tests[i] = (struct CMUnitTest){ .name = names[i], .test_func = a_villain, .initial_state = (void *)&rows[i] };
    }
    memcpy(tests + ARRAY_SIZE(rows), others, sizeof(others));
    return cmocka_run_group_tests_name("webhooks", tests, NULL, NULL);
}
