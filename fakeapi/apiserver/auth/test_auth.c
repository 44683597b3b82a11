/* Who is let in and what he may, in a simulated world with RBAC on. */
#include <setjmp.h>
#include <stdio.h>
#include <cmocka.h>

#include "fakeapi/apiserver/apiserver.h"
#include "kube/json.h"
#include "kube/object.h"
#include "net/tls.h"

#define RBAC "/apis/rbac.authorization.k8s.io/v1"
#define ACCOUNTS "/api/v1/namespaces/default/serviceaccounts"
#define TOKEN_REVIEWS "/apis/authentication.k8s.io/v1/tokenreviews"
#define WHOAMI "/apis/authentication.k8s.io/v1/selfsubjectreviews"

struct lab {
    struct world *w;
    struct apiserver *s;
    struct proc *p;
    struct arena *a;
    struct auth_options auth;
};

/* One request, and what came back. */
struct ask {
    struct lab *lab;
    const char *method, *path, *body;
    const char *token;                 /* NULL: none */
    const char *as;                    /* Impersonate-User; NULL: nobody */
    const struct api_user *user;
    const struct tls_peer *peer;
    bool in_process, done;
    int status;
    json_t *answer;                    /* of the last one; the asker's to release */
};

static void run_ask(struct co *co, void *arg)
{
    struct ask *k = arg;
    struct api_header headers[2];
    const char *query = strchr(k->path, '?');
    const char *path = arena_strndup(k->lab->a, k->path, strcspn(k->path, "?"));
    struct api_request q = { .method = k->method, .path = path, .query = query ? query + 1 : NULL,
                             .body = k->body, .body_len = k->body ? strlen(k->body) : 0, .headers = headers,
                             .user = k->user, .peer = k->peer,
                             .remote = !k->in_process };
    cleanup_reply struct api_reply reply;

    if (k->token)
        headers[q.n_headers++] = (struct api_header){ "Authorization", arena_printf(k->lab->a, "Bearer %s", k->token) };
    if (k->as)
        headers[q.n_headers++] = (struct api_header){ "Impersonate-User", k->as };
    if (apiserver_handle(co, k->lab->s, &q, true, &reply) == 0) {
        k->status = reply.status;
        k->answer = json_incref(reply.object);
    }
    k->done = true;
}

static int ask(struct ask *k)
{
    struct lab *lab = k->lab;
    struct instant limit = instant_add(world_now(lab->w), DURATION_S(10));

    json_decref(STEAL(k->answer));
    k->done = false;
    k->status = 0;
    co_spawn(lab->p, "ask", run_ask, k);
    while (!k->done && world_step(lab->w, limit))
        ;
    assert_true(k->done);
    return k->status;
}

static void lab_start(struct lab *lab, uint64_t seed, const struct auth_options *o)
{
    struct err e;

    lab->a = arena_new();
    e = ERR_IN(lab->a);
    lab->w = world_new(&(struct world_options){ .mode = WORLD_SIM, .seed = seed });
    lab->s = apiserver_new(lab->w, &(struct apiserver_options){ .bare = true, .auth = *o }, &e);
    if (!lab->s)
        print_error("%s\n", err_message(&e));
    assert_non_null(lab->s);
    lab->p = proc_new(lab->w, "client");
}

static void lab_stop(struct lab *lab)
{
    proc_kill(lab->p);
    while (world_step(lab->w, world_now(lab->w)))
        ;
    proc_free(lab->p);
    apiserver_free(lab->s);
    world_free(lab->w);
    arena_free(lab->a);
}

static int lab_up(void **state)
{
    struct lab *lab = xcalloc(1, sizeof(*lab));

    lab_start(lab, 1, &(struct auth_options){ .rbac = true, .tokens = "t1,joe,7,\"devs,ops\"\n"
                                                                      "t2,root,1,system:masters" });
    *state = lab;
    return 0;
}

static int lab_down(void **state)
{
    lab_stop(*state);
    free(*state);
    return 0;
}

/* As the administrator; what comes back must be a success. */
static json_t *must(struct lab *lab, const char *method, const char *path, const char *body)
{
    struct ask k = { .lab = lab, .method = method, .path = path, .body = body, .in_process = true };
    int status = ask(&k);

    if (status < 200 || status > 299)
        fail_msg("%s %s: %d %s", method, path, status, obj_str(k.answer, "message"));
    return k.answer;
}

static void make(struct lab *lab, const char *path, const char *body)
{
    json_decref(must(lab, "POST", path, body));
}

/* ---- rules ----------------------------------------------------------------------------------------------- */

/* Joe, of the group devs, has one rule; does it let him do this? */
static const struct row {
    const char *name, *rule, *method, *path;
    bool allowed;
} rows[] = {
#define PODS "/api/v1/namespaces/default/pods"
    { "a verb that is named", "{'verbs':['list'],'apiGroups':[''],'resources':['pods']}", "GET", PODS, true },
    { "another verb", "{'verbs':['get'],'apiGroups':[''],'resources':['pods']}", "GET", PODS, false },
    { "a watch is no list", "{'verbs':['list'],'apiGroups':[''],'resources':['pods']}", "GET",
      "/api/v1/watch/namespaces/default/pods", false },
    { "any verb", "{'verbs':['*'],'apiGroups':[''],'resources':['pods']}", "GET", PODS, true },
    { "another group", "{'verbs':['*'],'apiGroups':['apps'],'resources':['pods']}", "GET", PODS, false },
    { "any group", "{'verbs':['*'],'apiGroups':['*'],'resources':['pods']}", "GET", PODS, true },
    { "another resource", "{'verbs':['*'],'apiGroups':[''],'resources':['podtemplates']}", "GET", PODS, false },
    { "any resource", "{'verbs':['*'],'apiGroups':[''],'resources':['*']}", "GET", PODS "/a/log", true },
    { "a subresource is not its resource", "{'verbs':['*'],'apiGroups':[''],'resources':['pods']}", "GET",
      PODS "/a/log", false },
    { "a subresource that is named", "{'verbs':['get'],'apiGroups':[''],'resources':['pods/log']}", "GET",
      PODS "/a/log", true },
    { "a subresource of anything", "{'verbs':['get'],'apiGroups':[''],'resources':['*/log']}", "GET",
      PODS "/a/log", true },
    { "another subresource of anything", "{'verbs':['get'],'apiGroups':[''],'resources':['*/status']}", "GET",
      PODS "/a/log", false },
    { "all subresources cannot be named", "{'verbs':['get'],'apiGroups':[''],'resources':['pods/*']}", "GET",
      PODS "/a/log", false },
    { "a name that is named", "{'verbs':['get'],'apiGroups':[''],'resources':['pods'],'resourceNames':['a','b']}",
      "GET", PODS "/b", true },
    { "another name", "{'verbs':['get'],'apiGroups':[''],'resources':['pods'],'resourceNames':['a','b']}", "GET",
      PODS "/c", false },
    { "names keep from listing", "{'verbs':['list'],'apiGroups':[''],'resources':['pods'],'resourceNames':['a']}",
      "GET", PODS, false },
    { "names keep from creating", "{'verbs':['create'],'apiGroups':[''],'resources':['pods'],'resourceNames':['a']}",
      "POST", PODS, false },
    { "a list of one name", "{'verbs':['list'],'apiGroups':[''],'resources':['pods'],'resourceNames':['a']}", "GET",
      PODS "?fieldSelector=metadata.name%3Da", true },
    { "deleting all is a verb of its own", "{'verbs':['delete'],'apiGroups':[''],'resources':['pods']}", "DELETE", PODS,
      false },
    { "deleting all", "{'verbs':['deletecollection'],'apiGroups':[''],'resources':['pods']}", "DELETE", PODS, true },
    { "a namespace is in itself", "{'verbs':['get'],'apiGroups':[''],'resources':['namespaces']}", "GET",
      "/api/v1/namespaces/default", true },
    { "a namespace's status", "{'verbs':['get'],'apiGroups':[''],'resources':['namespaces']}", "GET",
      "/api/v1/namespaces/default/status", false },
    { "what is not served is asked for, too", "{'verbs':['get'],'apiGroups':['x'],'resources':['y']}", "GET",
      "/apis/x/v1/namespaces/default/y/z", true },
    { "a path", "{'verbs':['get'],'nonResourceURLs':['/metrics']}", "GET", "/metrics", true },
    { "a longer path", "{'verbs':['get'],'nonResourceURLs':['/metrics']}", "GET", "/metrics/x", false },
    { "paths that start so", "{'verbs':['get'],'nonResourceURLs':['/metrics*']}", "GET", "/metrics/x", true },
    { "a path's verb is its method", "{'verbs':['get'],'nonResourceURLs':['*']}", "POST", "/metrics", false },
    { "a path is no resource", "{'verbs':['get'],'nonResourceURLs':['*']}", "GET", PODS "/a", false },
};

static const char *json_of(struct arena *a, const char *quoted)
{
    char *text = arena_strdup(a, quoted);

    for (char *p = text; *p; p++)
        if (*p == '\'')
            *p = '"';
    return text;
}

static void give(struct lab *lab, const char *rule)
{
    const char *text = json_of(lab->a, rule);

    make(lab, RBAC "/clusterroles", arena_printf(lab->a, "{\"metadata\":{\"name\":\"r\"},\"rules\":[%s]}", text));
    make(lab, RBAC "/clusterrolebindings", json_of(lab->a, "{'metadata':{'name':'b'},'roleRef':{'apiGroup':"
         "'rbac.authorization.k8s.io','kind':'ClusterRole','name':'r'},'subjects':[{'kind':'Group','name':'devs'}]}"));
}

static struct lab *row_lab(void)
{
    struct lab *lab = xcalloc(1, sizeof(*lab));

    lab_start(lab, 1, &(struct auth_options){ .rbac = true, .tokens = "t1,joe,7,\"devs,ops\"" });
    return lab;
}

static void check_row(void **state)      /* A-020 A-137 A-143 */
{
    const struct row *row = *state;
    struct lab *lab = row_lab();
    struct ask k = { .lab = lab, .method = row->method, .path = row->path, .token = "t1" };

    give(lab, row->rule);
    assert_int_equal(ask(&k) != 403, row->allowed);
    json_decref(k.answer);
    lab_stop(lab);
    free(lab);
}

/* ---- bindings -------------------------------------------------------------------------------------------- */

#define BIND(kind, name, subject) "{'metadata':{'name':'b'},'roleRef':{'apiGroup':'rbac.authorization.k8s.io','kind':" \
    "'" kind "','name':'" name "'},'subjects':[" subject "]}"

static void a_binding_in_a_namespace_holds_there_alone(void **state)      /* */
{
    struct lab *lab = *state;
    struct ask k = { .lab = lab, .method = "GET", .path = PODS, .token = "t1" };

    assert_int_equal(ask(&k), 403);
    make(lab, RBAC "/clusterroles", json_of(lab->a, "{'metadata':{'name':'r'},'rules':[{'verbs':['list'],'apiGroups':"
                                                    "[''],'resources':['pods']}]}"));
    make(lab, RBAC "/namespaces/default/rolebindings", json_of(lab->a, BIND("ClusterRole", "r",
                                                                              "{'kind':'User','name':'joe'}")));
    assert_int_equal(ask(&k), 200);
    k.path = "/api/v1/namespaces/kube-system/pods";
    assert_int_equal(ask(&k), 403);
    k.path = "/api/v1/pods";
    assert_int_equal(ask(&k), 403);
    json_decref(must(lab, "DELETE", RBAC "/namespaces/default/rolebindings/b", NULL));
    k.path = PODS;
    assert_int_equal(ask(&k), 403);                 /* promise 1: at once */
    json_decref(k.answer);
}

static void a_role_that_is_not_there_is_named(void **state)      /* A-136 J-066 */
{
    struct lab *lab = *state;
    struct ask k = { .lab = lab, .method = "GET", .path = PODS "/p", .token = "t1" };

    make(lab, RBAC "/namespaces/default/rolebindings", json_of(lab->a, BIND("Role", "none",
                                                                              "{'kind':'Group','name':'ops'}")));
    assert_int_equal(ask(&k), 403);
    assert_string_equal(obj_str(k.answer, "message"), "pods \"p\" is forbidden: User \"joe\" cannot get resource "
        "\"pods\" in API group \"\" in the namespace \"default\": RBAC: "
        "role.rbac.authorization.k8s.io \"none\" not found");
    assert_string_equal(obj_str(k.answer, "details.name"), "p");
    json_decref(k.answer);
}

static void the_policy_of_a_fresh_server_is_there(void **state)      /* */
{
    struct lab *lab = *state;
    json_t *roles = must(lab, "GET", RBAC "/clusterroles", NULL);
    json_t *bindings = must(lab, "GET", RBAC "/clusterrolebindings", NULL);
    struct api_user scheduler = { .name = "system:kube-scheduler" };
    struct ask k = { .lab = lab, .method = "GET", .path = "/api/v1/nodes", .user = &scheduler };

    assert_int_equal(json_array_size(json_object_get(roles, "items")), 68);
    assert_int_equal(json_array_size(json_object_get(bindings, "items")), 49);
    assert_int_equal(ask(&k), 200);
    k.method = "DELETE";
    assert_int_equal(ask(&k), 403);
    json_decref(k.answer);
    json_decref(roles);
    json_decref(bindings);
}

/* ---- escalation ------------------------------------------------------------------------------------------ */

#define JOE "user \"joe\" (groups=[\"devs\" \"ops\" \"system:authenticated\"]) is attempting to grant RBAC " \
    "permissions not currently held:\n"

static void nobody_gives_away_what_he_has_not_got(void **state)
{
    struct lab *lab = *state;
    struct ask k = { .lab = lab, .method = "POST", .path = RBAC "/namespaces/default/roles", .token = "t1" };

    give(lab, "{'verbs':['get','create','patch'],'apiGroups':['rbac.authorization.k8s.io'],'resources':['roles',"
              "'rolebindings','clusterroles']},{'verbs':['get','list'],'apiGroups':['','apps'],'resources':['pods',"
              "'*/status']},{'verbs':['get'],'apiGroups':[''],'resources':['secrets'],'resourceNames':['a']}");
    k.body = json_of(lab->a, "{'metadata':{'name':'x'},'rules':[{'verbs':['get','list'],'apiGroups':[''],'resources':"
                             "['pods','services/status']},{'verbs':['get'],'apiGroups':[''],'resources':['secrets'],"
                             "'resourceNames':['a']}]}");
    assert_int_equal(ask(&k), 201);
    k.body = json_of(lab->a, "{'metadata':{'name':'y'},'rules':[{'verbs':['get','watch','delete'],'apiGroups':['',"
                             "'batch'],'resources':['pods']},{'verbs':['get'],'apiGroups':[''],'resources':['secrets'],"
                             "'resourceNames':['a','b']}]}");
    assert_int_equal(ask(&k), 403);
    assert_string_equal(obj_str(k.answer, "message"), "roles.rbac.authorization.k8s.io \"y\" is forbidden: " JOE
        "{APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"watch\" \"delete\"]}\n"
        "{APIGroups:[\"\"], Resources:[\"secrets\"], ResourceNames:[\"b\"], Verbs:[\"get\"]}\n"
        "{APIGroups:[\"batch\"], Resources:[\"pods\"], Verbs:[\"get\" \"watch\" \"delete\"]}");
    k.path = RBAC "/namespaces/default/rolebindings";
    k.body = json_of(lab->a, BIND("ClusterRole", "cluster-admin", "{'kind':'User','name':'joe'}"));
    assert_int_equal(ask(&k), 403);
    assert_string_equal(obj_str(k.answer, "message"), "rolebindings.rbac.authorization.k8s.io \"b\" is forbidden: " JOE
        "{APIGroups:[\"*\"], Resources:[\"*\"], Verbs:[\"*\"]}\n{NonResourceURLs:[\"*\"], Verbs:[\"*\"]}");
    k.path = RBAC "/clusterroles";
    k.body = json_of(lab->a, "{'metadata':{'name':'z'},'aggregationRule':{'clusterRoleSelectors':[{}]}}");
    assert_int_equal(ask(&k), 403);
    assert_non_null(strstr(obj_str(k.answer, "message"),
                           "must have cluster-admin privileges to use the aggregationRule"));
    json_decref(k.answer);
}

static void to_bind_and_to_escalate_are_verbs(void **state)
{
    struct lab *lab = *state;
    struct ask k = { .lab = lab, .method = "POST", .path = RBAC "/namespaces/default/roles", .token = "t1" };

    give(lab, "{'verbs':['create','escalate'],'apiGroups':['rbac.authorization.k8s.io'],'resources':['roles']},"
              "{'verbs':['create'],'apiGroups':['rbac.authorization.k8s.io'],'resources':['rolebindings']},"
              "{'verbs':['bind'],'apiGroups':['rbac.authorization.k8s.io'],'resources':['clusterroles'],"
              "'resourceNames':['view']}");
    k.body = json_of(lab->a, "{'metadata':{'name':'x'},'rules':[{'verbs':['*'],'apiGroups':['*'],'resources':['*']}]}");
    assert_int_equal(ask(&k), 201);
    k.path = RBAC "/namespaces/default/rolebindings";
    k.body = json_of(lab->a, BIND("ClusterRole", "edit", "{'kind':'User','name':'joe'}"));
    assert_int_equal(ask(&k), 201);                 /* it has no rules before it is aggregated */
    k.body = json_of(lab->a, BIND("ClusterRole", "system:node", "{'kind':'User','name':'joe'}"));
    assert_int_equal(ask(&k), 403);
    k.body = json_of(lab->a, BIND("Role", "x", "{'kind':'User','name':'joe'}"));
    assert_int_equal(ask(&k), 403);
    json_decref(k.answer);
}

static void a_rule_of_millions_of_parts_is_refused(void **state)
{
    struct lab *lab = *state;
    struct buf b = BUF_INIT;
    struct ask k = { .lab = lab, .method = "POST", .path = RBAC "/namespaces/default/roles", .token = "t1" };

    give(lab, "{'verbs':['create'],'apiGroups':['rbac.authorization.k8s.io'],'resources':['roles']}");
    buf_add_str(&b, "{\"metadata\":{\"name\":\"x\"},\"rules\":[{\"verbs\":[\"v\"");
    for (int i = 0; i < 3000; i++)
        buf_printf(&b, ",\"v%d\"", i);
    buf_add_str(&b, "],\"apiGroups\":[\"g\"");
    for (int i = 0; i < 3000; i++)
        buf_printf(&b, ",\"g%d\"", i);
    buf_add_str(&b, "],\"resources\":[\"r\"]}]}");
    k.body = b.data;
    assert_int_equal(ask(&k), 403);
    json_decref(k.answer);
    buf_release(&b);
}

/* ---- who asks -------------------------------------------------------------------------------------------- */

static void check_user(struct ask *k, const char *name, const char *groups)
{
    cleanup_buf struct buf b = BUF_INIT;
    json_t *list, *g;
    size_t i;

    k->method = "POST";
    k->path = WHOAMI;
    k->body = "{}";
    assert_int_equal(ask(k), 201);
    list = json_path(k->answer, "status.userInfo.groups");
    json_array_foreach (list, i, g)
        buf_printf(&b, "%s ", json_string_value(g));
    assert_string_equal(obj_str(k->answer, "status.userInfo.username"), name);
    assert_string_equal(b.data ? b.data : "", groups);
}

static void a_certificate_says_who_holds_it(void **state)      /* A-133 A-134 */
{
    struct lab *lab = *state;
    const char *const organizations[] = { "devs", "ops" };
    struct tls_peer peer = { .trusted = true, .name = "ann", .organizations = organizations, .n_organizations = 2,
                             .uid = "9", .fingerprint = "abcd" };
    struct ask k = { .lab = lab, .peer = &peer };

    check_user(&k, "ann", "devs ops system:authenticated ");
    assert_string_equal(obj_str(k.answer, "status.userInfo.uid"), "9");
    assert_string_equal(json_string_value(json_array_get(json_object_get(json_path(k.answer, "status.userInfo.extra"),
                        "authentication.kubernetes.io/credential-id"), 0)), "X509SHA256=abcd");
    k.token = "t2";
    check_user(&k, "ann", "devs ops system:authenticated ");     /* the certificate counts first */
    peer.trusted = false;
    check_user(&k, "root", "system:masters system:authenticated ");      /* and where it does not, the token */
    k.token = NULL;
    assert_int_equal(ask(&k), 401);
    peer.trusted = peer.uid_is_odd = true;
    assert_int_equal(ask(&k), 401);
    json_decref(k.answer);
}

static void a_token_must_be_known(void **state)      /* A-133 A-134 J-066 */
{
    struct ask k = { .lab = *state, .token = "t1" };

    check_user(&k, "joe", "devs ops system:authenticated ");
    k.token = "t3";
    assert_int_equal(ask(&k), 401);
    assert_string_equal(obj_str(k.answer, "reason"), "Unauthorized");
    k.token = "";
    k.method = "GET";
    k.path = "/version";
    k.body = NULL;
    assert_int_equal(ask(&k), 200);                 /* no token at all: anonymous */
    k.path = PODS;
    assert_int_equal(ask(&k), 403);
    assert_non_null(strstr(obj_str(k.answer, "message"), "User \"system:anonymous\" cannot list"));
    k.in_process = true;
    assert_int_equal(ask(&k), 200);                 /* promise 2 */
    json_decref(k.answer);
}

static void to_speak_for_others_is_a_right(void **state)      /* */
{
    struct lab *lab = *state;
    struct ask k = { .lab = lab, .token = "t2", .as = "ann" };

    check_user(&k, "ann", "system:authenticated ");
    k.as = "system:serviceaccount:a:b";
    check_user(&k, "system:serviceaccount:a:b", "system:serviceaccounts system:serviceaccounts:a "
                                                "system:authenticated ");
    k.as = "system:anonymous";
    assert_int_equal(ask(&k), 403);                 /* who may not even ask who he is */
    k.token = "t1";
    k.as = "ann";
    assert_int_equal(ask(&k), 403);
    assert_string_equal(obj_str(k.answer, "message"), "users \"ann\" is forbidden: User \"joe\" cannot impersonate "
                                                      "resource \"users\" in API group \"\" at the cluster scope");
    give(lab, "{'verbs':['impersonate'],'apiGroups':[''],'resources':['users'],'resourceNames':['ann']}");
    check_user(&k, "ann", "system:authenticated ");
    k.as = "bob";
    assert_int_equal(ask(&k), 403);
    json_decref(k.answer);
}

/* ---- tokens of service accounts -------------------------------------------------------------------------- */

static const char *token_for(struct lab *lab, const char *account, const char *spec)
{
    const char *path = arena_printf(lab->a, ACCOUNTS "/%s/token", account);
    json_auto_t *answer = must(lab, "POST", path, arena_printf(lab->a, "{\"spec\":%s}", json_of(lab->a, spec)));

    return arena_strdup(lab->a, obj_str(answer, "status.token"));
}

/* The error that a review of the token ends with; "" for none. */
static const char *review(struct lab *lab, const char *token, const char *audiences)
{
    const char *body = arena_printf(lab->a, "{\"spec\":{\"token\":\"%s\",\"audiences\":%s}}", token,
                                    json_of(lab->a, audiences));
    json_auto_t *answer = must(lab, "POST", TOKEN_REVIEWS, body);
    const char *why = obj_str(answer, "status.error");

    assert_int_equal(obj_bool(answer, "status.authenticated", false), !*why);
    return arena_strdup(lab->a, why);
}

static void the_same_world_makes_the_same_token(void **state)      /* promise 3 */
{
    const char *tokens[3];
    struct lab labs[3] = { 0 };

    for (size_t i = 0; i < 3; i++) {
        lab_start(&labs[i], i == 2 ? 2 : 1, &(struct auth_options){ .issuer = "https://me" });
        make(&labs[i], ACCOUNTS, "{\"metadata\":{\"name\":\"s\"}}");
        tokens[i] = token_for(&labs[i], "s", "{}");
    }
    assert_string_equal(tokens[0], tokens[1]);
    assert_string_not_equal(tokens[0], tokens[2]);
    assert_string_equal(review(&labs[1], tokens[0], "[]"), "");
    assert_string_equal(review(&labs[2], tokens[0], "[]"), "[invalid bearer token, invalid signature, no keys found]");
    for (size_t i = 0; i < 3; i++)
        lab_stop(&labs[i]);
}

static void a_token_ends(void **state)      /* A-134 A-139 A-140 */
{
    struct lab *lab = *state;
    const char *token, *late = "[invalid bearer token, service account token has expired]";
    struct ask k = { .lab = lab };

    make(lab, ACCOUNTS, "{\"metadata\":{\"name\":\"s\"}}");
    token = token_for(lab, "s", "{'expirationSeconds':600}");
    k.token = token;
    check_user(&k, "system:serviceaccount:default:s", "system:serviceaccounts system:serviceaccounts:default "
                                                      "system:authenticated ");
    world_advance(lab->w, DURATION_S(655));
    assert_string_equal(review(lab, token, "[]"), "");           /* clocks may differ by a minute */
    world_advance(lab->w, DURATION_S(10));
    assert_string_equal(review(lab, token, "[]"), late);
    assert_int_equal(ask(&k), 401);
    json_decref(k.answer);
}

static void a_token_ends_with_what_it_is_bound_to(void **state)      /* */
{
    struct lab *lab = *state;
    const char *gone = "[invalid bearer token, service account token has been invalidated]";
    const char *to_secret, *to_pod, *plain;
    struct ask k = { .lab = lab, .method = "POST", .path = ACCOUNTS "/other/token", .in_process = true };

    make(lab, ACCOUNTS, "{\"metadata\":{\"name\":\"s\"}}");
    make(lab, ACCOUNTS, "{\"metadata\":{\"name\":\"other\"}}");
    make(lab, "/api/v1/namespaces/default/secrets", "{\"metadata\":{\"name\":\"x\"}}");
    make(lab, PODS, "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"serviceAccountName\":\"s\",\"nodeName\":\"n\","
                    "\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}");
    plain = token_for(lab, "s", "{}");
    to_secret = token_for(lab, "s", "{'boundObjectRef':{'kind':'Secret','apiVersion':'v1','name':'x'}}");
    to_pod = token_for(lab, "s", "{'boundObjectRef':{'kind':'Pod','apiVersion':'v1','name':'p'}}");
    k.body = json_of(lab->a, "{'spec':{'boundObjectRef':{'kind':'Pod','apiVersion':'v1','name':'p'}}}");
    assert_int_equal(ask(&k), 400);
    assert_non_null(strstr(obj_str(k.answer, "message"), "cannot bind token for serviceaccount \"other\" to pod"));
    assert_string_equal(review(lab, to_secret, "[]"), "");
    json_decref(must(lab, "DELETE", "/api/v1/namespaces/default/secrets/x", NULL));
    assert_string_equal(review(lab, to_secret, "[]"), gone);
    k.token = to_pod;
    k.in_process = false;
    check_user(&k, "system:serviceaccount:default:s", "system:serviceaccounts system:serviceaccounts:default "
                                                      "system:authenticated ");
    json_t *extra = json_path(k.answer, "status.userInfo.extra");
    assert_int_equal(json_object_size(extra), 4);   /* which token, which pod, its uid, its node */
    json_decref(must(lab, "DELETE", PODS "/p", NULL));
    assert_string_equal(review(lab, plain, "[]"), "");
    json_decref(must(lab, "DELETE", ACCOUNTS "/s", NULL));
    assert_string_equal(review(lab, plain, "[]"), "[invalid bearer token, serviceaccounts \"s\" not found]");
    json_decref(k.answer);
}

static void audiences_are_kept_apart(void **state)      /* */
{
    struct lab *lab = *state;
    const char *ours, *theirs;
    struct ask k = { .lab = lab, .method = "GET", .path = "/version" };

    make(lab, ACCOUNTS, "{\"metadata\":{\"name\":\"s\"}}");
    ours = token_for(lab, "s", "{}");
    theirs = token_for(lab, "s", "{'audiences':['a','b']}");
    assert_string_equal(review(lab, theirs, "['b','c']"), "");
    assert_string_equal(review(lab, ours, "['b']"), "[invalid bearer token, token audiences "
                        "[\"https://kubernetes.default.svc\"] is invalid for the target audiences [\"b\"]]");
    assert_string_equal(review(lab, "t1", "['b']"), "invalid bearer token");
    k.token = theirs;
    assert_int_equal(ask(&k), 401);
    k.token = ours;
    assert_int_equal(ask(&k), 200);
    json_decref(k.answer);
}

static void everybody_may_do_everything_where_nothing_was_said(void **state)      /* */
{
    struct lab lab = { 0 };
    struct ask k = { .lab = &lab };

    lab_start(&lab, 1, &(struct auth_options){ 0 });
    check_user(&k, "admin", "system:masters system:authenticated ");
    k.token = "nonsense";
    assert_int_equal(ask(&k), 401);
    json_decref(k.answer);
    lab_stop(&lab);
    lab_start(&lab, 1, &(struct auth_options){ .no_anonymous = true });
    k = (struct ask){ .lab = &lab, .method = "GET", .path = "/version" };
    assert_int_equal(ask(&k), 401);
    k.in_process = true;
    assert_int_equal(ask(&k), 200);
    json_decref(k.answer);
    lab_stop(&lab);
}

#define IN_LAB(f) cmocka_unit_test_setup_teardown(f, lab_up, lab_down)

int main(void)
{
    const struct CMUnitTest others[] = {
        IN_LAB(a_binding_in_a_namespace_holds_there_alone), IN_LAB(a_role_that_is_not_there_is_named),
        IN_LAB(the_policy_of_a_fresh_server_is_there), IN_LAB(nobody_gives_away_what_he_has_not_got),
        IN_LAB(to_bind_and_to_escalate_are_verbs), IN_LAB(a_rule_of_millions_of_parts_is_refused),
        IN_LAB(a_certificate_says_who_holds_it), IN_LAB(a_token_must_be_known),
        IN_LAB(to_speak_for_others_is_a_right), cmocka_unit_test(the_same_world_makes_the_same_token),
        IN_LAB(a_token_ends), IN_LAB(a_token_ends_with_what_it_is_bound_to), IN_LAB(audiences_are_kept_apart),
        cmocka_unit_test(everybody_may_do_everything_where_nothing_was_said),
    };
    struct CMUnitTest tests[ARRAY_SIZE(rows) + ARRAY_SIZE(others)];

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        tests[i] = (struct CMUnitTest){ .name = rows[i].name, .test_func = check_row,
                                        .initial_state = (void *)&rows[i] };
    memcpy(tests + ARRAY_SIZE(rows), others, sizeof(others));
    return cmocka_run_group_tests_name("auth", tests, NULL, NULL);
}
