/* What hostile or careless clients send, in process: paths, queries, tokens, odd texts and numbers. What is wanted is
 * what a kube-apiserver 1.34.2 answered. */
#include "fakeapi/apiserver/test_lab.h"

#include "kube/base64.h"
#include "kube/object.h"

#define CM "/api/v1/namespaces/default/configmaps"
#define BIG "/apis/x.io/v1/namespaces/default/bigs"
#define MERGE "application/merge-patch+json"

/* ---- paths and queries --------------------------------------------------------------------------- */

/* K-050, K-052: no path leads anywhere but where it says. */
static void paths(void **state)
{
    PLAY_STEPS(state, { "POST", CM, NULL, NULL, "{\"metadata\":{\"name\":\"a\"}}", 201, NULL },
         { "GET", "//api/v1/namespaces/default", NULL, NULL, NULL, 404, "404 page not found\n" },
         { "GET", "/apis//apps/v1/deployments", NULL, NULL, NULL, 404, "404 page not found\n" },
         { "GET", "/api//v1/namespaces", NULL, NULL, NULL, 404, "the server could not find the requested resource" },
         { "GET", "/api/v1//namespaces", NULL, NULL, NULL, 404, "the server could not find the requested resource" },
         { "GET", "/api/v1/./namespaces", NULL, NULL, NULL, 404, "the server could not find the requested resource" },
         { "GET", "/api/v1/namespaces/../namespaces/default", NULL, NULL, NULL, 404, "could not find the requested resource" },
         { "GET", "/api/v1/namespaces//configmaps", NULL, NULL, NULL, 200, "\"name\":\"a\"" },
         { "GET", "/api/v1/namespaces//configmaps/a", NULL, NULL, NULL, 400, "Namespace parameter required." },
         { "DELETE", "/api/v1/namespaces//configmaps/a", NULL, NULL, NULL, 400, "Namespace parameter required." },
         { "DELETE", "/api/v1/namespaces//configmaps", NULL, NULL, NULL, 400, "Namespace parameter required." },
         { "POST", "/api/v1/namespaces//configmaps", NULL, NULL, "{\"metadata\":{\"name\":\"z\",\"namespace\":\"default\"}}", 422,
           "ConfigMap \\\"z\\\" is invalid: metadata.namespace: Required value" },
         { "GET", "/api/v1/namespaces/../configmaps/a", NULL, NULL, NULL, 500, "invalid key: \\\"/configmaps/../a\\\"" },
         { "PUT", "/api/v1/namespaces/../configmaps/a", NULL, NULL, "{\"metadata\":{\"name\":\"a\",\"namespace\":\"..\"}}", 500,
           "invalid key: \\\"/configmaps/../a\\\"" },
         { "PATCH", "/api/v1/namespaces/./configmaps/a", NULL, MERGE, "{}", 500, "invalid key: \\\"/configmaps/./a\\\"" },
         { "DELETE", "/api/v1/namespaces/%2e%2e/configmaps/a", NULL, NULL, NULL, 500, "invalid key: \\\"/configmaps/../a\\\"" },
         { "POST", "/api/v1/namespaces/../configmaps", NULL, NULL, "{\"metadata\":{\"name\":\"a\"}}", 500,
           "Internal error occurred: invalid resource name \\\"..\\\": [may not be '..']" },
         { "DELETE", CM "/..", NULL, NULL, NULL, 400, "Name parameter invalid: \\\"..\\\": may not be '..'" },
         /* what is sent is read before the key of what it is for is made; a GET sends nothing */
         { "DELETE", CM "/..", "dryRun=x", NULL, NULL, 422, "dryRun: Unsupported value" },
         { "DELETE", CM "/..", NULL, NULL, "{bad", 500, "couldn't get version/kind" },
         { "PATCH", CM "/..", "dryRun=x", MERGE, "{}", 422, "dryRun: Unsupported value" },
         { "PATCH", CM "/..", NULL, MERGE, "{}", 400, "Name parameter invalid: \\\"..\\\": may not be '..'" },
         { "GET", CM "/..", "resourceVersion=x", NULL, NULL, 400, "Name parameter invalid" },
         { "GET", CM "/%2e%2e", NULL, NULL, NULL, 400, "Name parameter invalid: \\\"..\\\": may not be '..'" },
         { "GET", CM "/a%2fb", NULL, NULL, NULL, 404, "the server could not find the requested resource" },
         { "GET", CM "/a%25b", NULL, NULL, NULL, 400, "may not contain '%'" },
         { "GET", CM "/a", NULL, NULL, NULL, 200, NULL }, { "GET", CM "/", NULL, NULL, NULL, 200, "\"name\":\"a\"" },
         { "GET", CM "/a/", NULL, NULL, NULL, 200, NULL }, { "GET", "/apis/apps/v1/", NULL, NULL, NULL, 200, "deployments" },
         { "GET", "/healthz/", NULL, NULL, NULL, 404, "404 page not found\n" });
}

/* K-053: the first of several counts, what nobody knows does not. */
static void queries(void **state)
{
    PLAY_STEPS(state, { "POST", CM, "watch=true", NULL, "{\"metadata\":{\"name\":\"a\"}}", 201, "\"name\":\"a\"" },
         { "POST", CM, NULL, NULL, "{\"metadata\":{\"name\":\"b\"}}", 201, NULL },
         { "POST", CM, NULL, NULL, "{\"metadata\":{\"name\":\"c\"}}", 201, NULL },
         { "GET", CM, "limit=1&limit=2", NULL, NULL, 200, "\"remainingItemCount\":2" },
         { "GET", CM "/a", "foo=bar&=&&x&a;b=c&y=%zz", NULL, NULL, 200, "\"name\":\"a\"" },
         { "DELETE", CM "/a", "watch=true", NULL, NULL, 200, "\"status\":\"Success\"" },
         { "DELETE", CM "/b", "dryRun=All&dryRun=All", NULL, NULL, 200, NULL },
         { "DELETE", CM "/b", "dryRun=Some", NULL, NULL, 422, "dryRun: Unsupported value: [\\\"Some\\\"]" },
         { "GET", CM "/b", NULL, NULL, NULL, 200, NULL });
}

/* ---- tokens -------------------------------------------------------------------------------------- */

/* "continue=" and the token that a server would make of it. */
static char *token(const char *text)
{
    cleanup_buf struct buf b = BUF_INIT;

    base64_encode(&b, text, strlen(text));
    b.data[strcspn(b.data, "=")] = '\0';
    for (char *p = b.data; *p; p++)
        *p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
    return xasprintf("limit=9&continue=%s", b.data);
}

/* K-051: a token says where to go on, and never in another place. */
static void tokens_do_not_escape(void **state)
{
#define AT(start) "{\"v\":\"meta.k8s.io/v1\",\"rv\":-1,\"start\":\"" start "\"}"
    static const struct {
        const char *text;
        int status;
        const char *want;
    } rows[] = {
        { AT("../../secrets/default/a"), 400, "continue key is not valid: ../../secrets/default/a" },
        { AT("a/../../../secrets"), 400, "continue key is not valid: a/../../../secrets" },
        { AT("/registry/secrets/"), 400, "continue key is not valid: /registry/secrets/" },
        { AT(""), 400, "encoded start key empty (version meta.k8s.io/v1)" },
        { "{\"v\":\"x\",\"rv\":1,\"start\":\"a\"}", 400, "server does not recognize this encoded version x" },
        { "{\"v\":\"meta.k8s.io/v1\",\"rv\":0,\"start\":\"a\"}", 400, "incorrect encoded start resourceVersion" },
        { "{\"v\":\"meta.k8s.io/v1\",\"rv\":99999999,\"start\":\"a\"}", 504, "Too large resource version: 99999999" },
        { "{\"v\":", 400, "unexpected end of JSON input" },
        { AT("/only\\u0000/.."), 400, "continue key is not valid: /only\\u0000/.." },
        { "{\"V\":\"meta.k8s.io/v1\",\"Rv\":-1,\"START\":\"a\",\"start\":null}", 200, "\"name\":\"only\"" },
        { AT("z"), 200, "\"kind\":\"ConfigMapList\"" }, { AT("/"), 200, "\"items\":[{\"metadata\":{\"name\":\"only\"" },
    };
#undef AT

    PLAY_STEPS(state, { "POST", CM, NULL, NULL, "{\"metadata\":{\"name\":\"only\"}}", 201, NULL },
         { "POST", "/api/v1/namespaces/default/secrets", NULL, NULL, "{\"metadata\":{\"name\":\"a\"}}", 201, NULL },
         { "GET", CM, "continue=!!!", NULL, NULL, 400, "illegal base64 data at input byte 0" },
         { "GET", CM, "resourceVersion=1&continue=AAAA", NULL, NULL, 400,
           "invalid continue token: continue key is not valid: " });
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        cleanup_free char *query = token(rows[i].text);
        PLAY_STEPS(state, { "GET", CM, query, NULL, NULL, rows[i].status, rows[i].want });
    }
}

/* ---- texts --------------------------------------------------------------------------------------- */

/* K-054: what a client says comes back quoted, and never as a header of its own. */
static void warnings_are_quoted(void **state)
{
#define UNKNOWN(key, want) { "POST", CM, "dryRun=All", NULL, "{\"metadata\":{\"name\":\"a\"}," key ":1}", 201, want }
    PLAY_STEPS(state, UNKNOWN("\"a\\\"b\\\\c\"", "299 - \"unknown field \\\"a\\\\\\\"b\\\\\\\\c\\\"\""),
         UNKNOWN("\"a\\u0001b\"", "299 - \"unknown field \\\"a\\\\x01b\\\"\""),
         UNKNOWN("\"a\\r\\nX: y\"", "299 - \"unknown field \\\"a\\\\r\\\\nX: y\\\"\""),
         UNKNOWN("\"a\\u0000b\"", "299 - \"unknown field \\\"a\\\\x00b\\\"\""),
         UNKNOWN("\"metadata\\u0000b\"", "299 - \"unknown field \\\"metadata\\\\x00b\\\"\""),
         UNKNOWN("\"a\xffz\"", "299 - \"unknown field \\\"a\xef\xbf\xbdz\\\"\""));
#undef UNKNOWN
}

static void check_no_warning(struct lab *lab, const char *body, const char *want)
{
    struct api_request q = { .method = "POST", .path = "/apis/x.io/v1/namespaces/default/smalls", .query = "dryRun=All",
                             .body = body, .body_len = strlen(body) };
    struct api_reply reply;
    size_t n = 0;

    apiserver_handle(NULL, lab->s, &q, false, &reply);
    if (reply.status != 201)
        fail_msg("%s", reply.body->data);
    for (size_t i = 0; i < reply.n_headers; i++)
        if (streq(reply.headers[i].name, "Warning") && ++n)
            assert_string_equal(reply.headers[i].value, want);
    assert_int_equal(n, 1);
    api_reply_release(&reply);
}

/* K-054: a custom resource's are not quoted by what finds them: with a control character they are not said. */
static void warnings_that_cannot_be_quoted_are_dropped(void **state)
{
#define SMALL(key) "{\"apiVersion\":\"x.io/v1\",\"kind\":\"Small\",\"metadata\":{\"name\":\"a\"}," key ":1,\"fine\":2}"
    PLAY_STEPS(state, { "POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", NULL, NULL,
                  "{\"metadata\":{\"name\":\"smalls.x.io\"},\"spec\":{\"group\":\"x.io\",\"scope\":\"Namespaced\",\"names\":{"
                  "\"plural\":\"smalls\",\"kind\":\"Small\"},\"versions\":[{\"name\":\"v1\",\"served\":true,\"storage\":true,"
                  "\"schema\":{\"openAPIV3Schema\":{\"type\":\"object\",\"properties\":{\"spec\":{\"type\":\"object\"}}}}}]}}", 201,
                  NULL }, { .method = "SLEEP" });
    check_no_warning(*state, SMALL("\"a\\u0001b\""), "299 - \"unknown field \\\"fine\\\"\"");
    check_no_warning(*state, SMALL("\"a\\r\\nX: y\""), "299 - \"unknown field \\\"fine\\\"\"");
    check_no_warning(*state, SMALL("\"spec\\u0000b\""), "299 - \"unknown field \\\"fine\\\"\"");
#undef SMALL
}

/* K-026, K-033: bytes are neither normalised nor cut at a NUL, and labels are ASCII. */
static void odd_letters(void **state)
{
#define META(what) "{\"metadata\":{\"name\":\"a\"," what "}}"
    PLAY_STEPS(state, { "POST", CM, "dryRun=All", NULL, META("\"labels\":{\"\xc3\xbc\":\"a\"}"), 422,
                  "metadata.labels: Invalid value: \\\"\xc3\xbc\\\": name part must consist of alphanumeric characters" },
         { "POST", CM, "dryRun=All", NULL, META("\"labels\":{\"a\":\"\xc3\xbc\"}"), 422, "a valid label must be an empty string or" },
         { "POST", CM, "dryRun=All", NULL, META("\"labels\":{\"a\\u0000b\":\"c\"}"), 422,
           "metadata.labels: Invalid value: \\\"a\\\\x00b\\\": name part must consist of" },
         { "POST", CM, "dryRun=All", "application/yaml", "metadata: {name: a, labels: {\"a\\0b\": c}}", 422, "\\\"a\\\\x00b\\\"" },
         { "POST", CM, "dryRun=All", NULL, META("\"annotations\":{\"a\\u0000b\":\"c\"}"), 422,
           "metadata.annotations: Invalid value: \\\"a\\\\x00b\\\": name part must consist of" },
         { "POST", CM, "dryRun=All", NULL, "{\"metadata\":{\"name\":\"a\"},\"data\":{\"a\\u0000b\":\"c\"}}", 422,
           "data[a\\u0000b]: Invalid value: \\\"a\\\\x00b\\\": a valid config key must consist of" },
         { "POST", CM, "dryRun=All", NULL, META("\"annotations\":{\"a\":\"b\\u0000c\xff\"}"), 201, "\"a\":\"b\\u0000c\xef\xbf\xbd\"" },
         { "POST", CM, "dryRun=All", NULL, META("\"annotations\":{\"a\":\"\xc3\xbc u\xcc\x88\"}"), 201,
           "\"a\":\"\xc3\xbc u\xcc\x88\"" },
         { "POST", "/api/v1/namespaces/default/pods", "dryRun=All", NULL, "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"containers\":[{"
           "\"name\":\"c\",\"image\":\"i\",\"resources\":{\"limits\":{\"a/b/c\":\"1\"}}}]}}", 422,
           "spec.containers[0].resources.limits[a/b/c]: Invalid value: \\\"a/b/c\\\"" });
#undef META
}

/* K-056, K-070: the value that is wrong is shown, as JSON, whatever it is. */
static void wrong_values_are_shown(void **state)
{
    PLAY_STEPS(state, { "POST", "/api/v1/namespaces/default/services", "dryRun=All", NULL, "{\"metadata\":{\"name\":\"s\"},\"spec\":{"
                  "\"type\":\"hunter2\",\"ports\":[{\"port\":99999}]}}", 422, "spec.type: Unsupported value: \\\"hunter2\\\"" },
         { "POST", "/api/v1/namespaces/default/services", "dryRun=All", NULL, "{\"metadata\":{\"name\":\"s\"},\"spec\":{\"ports\":"
           "[{\"port\":99999}]}}", 422, "spec.ports[0].port: Invalid value: 99999: must be between 1 and 65535, inclusive" },
         { "POST", CM, "dryRun=Some", NULL, "{}", 422, "dryRun: Unsupported value: [\\\"Some\\\"]: supported values: \\\"All\\\"" });
}

/* ---- odd requests -------------------------------------------------------------------------------- */

static void check_accept(struct lab *lab, const char *method, const char *path, const char *accept, int status,
                         const char *want)
{
    struct api_header header = { "Accept", accept };
    struct api_request q = { .method = method, .path = path, .headers = &header, .n_headers = 1 };
    struct api_reply reply;

    apiserver_handle(NULL, lab->s, &q, false, &reply);
    if (reply.status != status || !reply_says(&reply, want))
        fail_msg("%s %s %s: %d %s", method, path, accept, reply.status, reply.body ? reply.body->data : "");
    api_reply_release(&reply);
}

/* A router knows types by name, and refuses before a handler looks. */
static void what_a_router_offers(void **state)
{
#define REFUSED "406: Not Acceptable\\n\\nAvailable representations: application/json"
    check_accept(*state, "GET", "/version", "text/html", 406, REFUSED "\"");
    check_accept(*state, "GET", "/version", "application/*", 406, REFUSED "\"");
    check_accept(*state, "GET", "/version", "application/js", 406, REFUSED "\"");
    check_accept(*state, "GET", "/version", "application/yaml", 406, "Available representations: application/json");
    check_accept(*state, "GET", "/version", "text/html, application/json;as=Table;v=v9;g=x", 200, "{\n  \"major\": \"1\"");
    check_accept(*state, "GET", "/version", "*/*;q=0", 200, "gitVersion");
    check_accept(*state, "GET", "/api", "application/*", 406, REFUSED ", application/yaml, application/vnd.kubernetes.protobuf");
    check_accept(*state, "GET", "/apis/apps/v1", "text/html", 406, REFUSED ", application/yaml");
    check_accept(*state, "GET", "/apis/apps/v1", "text/html, application/yaml;q=0.1", 200, "kind: APIResourceList");
#undef REFUSED
}

/* a parameter is a name and a value, and one semicolon may be left over. */
static void types_of_bodies(void **state)
{
#define BODY "{\"metadata\":{\"name\":\"a\"}}"
    PLAY_STEPS(state, { "POST", CM, "dryRun=All", "application/json;", BODY, 201, NULL },
         { "POST", CM, "dryRun=All", "Application/JSON ; a=b", BODY, 201, NULL },
         { "POST", CM, "dryRun=All", "application/json;;", BODY, 415, "the body of the request was in an unknown format" },
         { "POST", CM, "dryRun=All", "application/json;a", BODY, 415, NULL },
         { "PATCH", CM "/a", NULL, "*/*", "{}", 415, "\"415: Unsupported Media Type\"" },
         { "POST", CM, "dryRun=All", "application/yaml", "metadata: {name: yes}\ndata: {a: 1}\n", 400,
           "cannot unmarshal number into Go struct field ConfigMap.data of type string" });
#undef BODY
}

/* B-064, J-011, J-012: what a query says of an object counts where no body does. */
static void deletions(void **state)
{
    PLAY_STEPS(state, { "POST", CM, NULL, NULL, "{\"metadata\":{\"name\":\"a\"}}", 201, NULL },
         { "DELETE", CM "/a", "uid=abc", NULL, NULL, 409, "the UID in the precondition (abc) does not match the UID in record" },
         { "DELETE", CM "/a", "resourceVersion=1", NULL, NULL, 409, "the ResourceVersion in the precondition (1) does not match" },
         { "DELETE", CM, "resourceVersion=0", NULL, NULL, 409, "the ResourceVersion in the precondition (0) does not match" },
         { "DELETE", CM "/a", NULL, NULL, "{\"kind\":\"Pod\"}", 500,
           "no kind \\\"Pod\\\" is registered for version \\\"meta.k8s.io/v1\\\"" },
         { "DELETE", CM "/a", NULL, NULL, "{\"kind\":\"Status\",\"apiVersion\":\"v2\"}", 500,
           "converting (v1.Status) to (v1.DeleteOptions): unknown conversion" },
         { "DELETE", CM "/a", "uid=abc", NULL, "{\"dryRun\":[\"All\"]}", 200, NULL },
         { "GET", CM "/a", NULL, NULL, NULL, 200, NULL });
}

/* C-037, C-073: a watch without a revision is one for what is there first. */
static void watches_with_a_token(void **state)
{
#define MATCH "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden "
    PLAY_STEPS(state, { "GET", CM, "watch=1&continue=x", NULL, NULL, 422, "is invalid: " MATCH "when continue is provided\"" },
         { "GET", CM, "watch=1&continue=x&resourceVersion=0", NULL, NULL, 422, "is invalid: " MATCH "when continue is provided\"" },
         { "GET", CM, "watch=1&continue=x&sendInitialEvents=true", NULL, NULL, 422,
           "is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to "
           "NotOlderThan\"" },
         { "GET", CM, "watch=1&resourceVersionMatch=Exact", NULL, NULL, 422, "[" MATCH "for watch unless sendInitialEvents is "
           "provided, resourceVersionMatch: Unsupported value: \\\"Exact\\\": supported values: \\\"NotOlderThan\\\"]" });
#undef MATCH
}

/* What a client has no say in, and what it may say where nothing is stored. */
static void metadata_that_is_not_the_client_s(void **state)
{
    PLAY_STEPS(state, { "POST", CM, NULL, NULL, "{\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"7\"}}", 500,
                  "resourceVersion should not be set on objects to be created" },
         { "POST", CM, "dryRun=All", NULL, "{\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"7\"}}", 201,
           "\"resourceVersion\":\"7\"" },
         { "POST", CM, NULL, NULL, "{\"metadata\":{\"name\":\"a\",\"generation\":-1}}", 422,
           "metadata.generation: Invalid value: -1: must be greater than or equal to 0" },
         { "GET", CM "/a", NULL, NULL, NULL, 404, NULL });
}

/* what serves custom resources goes by the path, hardly by the method. */
static void odd_methods(void **state)
{
    PLAY_STEPS(state, DEFINE_BIG, { "POST", BIG, NULL, NULL, "{\"apiVersion\":\"x.io/v1\",\"kind\":\"Big\",\"metadata\":{\"name\":\"a\"}}",
                              201, NULL },
         { "POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", "dryRun=All", NULL,
           "{\"metadata\":{\"name\":\"qs.x.io\"},\"spec\":{\"group\":\"x.io\",\"scope\":\"Namespaced\",\"names\":{\"plural\":\"qs\","
           "\"kind\":\"Q\"},\"versions\":[{\"name\":\"v1\",\"served\":true,\"storage\":true,\"schema\":{\"openAPIV3Schema\":{"
           "\"type\":\"object\",\"definitions\":{}}}}]}}", 201, NULL },
         { "HEAD", BIG "/a", NULL, NULL, NULL, 200, NULL }, { "HEAD", BIG "/b", NULL, NULL, NULL, 404, NULL },
         { "HEAD", "/apis/x.io/v1/bigs", NULL, NULL, NULL, 200, NULL },
         { "PROPFIND", "/apis/x.io/v1", NULL, NULL, NULL, 200, "bigs" },
         { "PROPFIND", "/apis/apps/v1", NULL, NULL, NULL, 405, NULL },
         { "HEAD", CM, NULL, NULL, NULL, 405, NULL },
         { "GET", "/api/v1/namespaces/default/pods/nope/portforward", "ports=80&ports=x", NULL, NULL, 400,
           "cannot convert to []int32: strconv.ParseUint: parsing \\\"x\\\": invalid syntax" },
         { "DELETE", "/metrics", NULL, NULL, NULL, 200, "metrics reset\n" });
}

/* K-023: what was merged as a map had its numbers made floats or integers before anybody asked what they should be. */
static void numbers_of_strategic_patches(void **state)
{
#define STRATEGIC "application/strategic-merge-patch+json"
#define POD "/api/v1/namespaces/default/pods/p"
    PLAY_STEPS(state, { "POST", "/api/v1/namespaces/default/pods", NULL, NULL,
                  "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}", 201, NULL },
         { "PATCH", POD, "dryRun=All", STRATEGIC, "{\"spec\":{\"activeDeadlineSeconds\":1e3}}", 200,
           "\"activeDeadlineSeconds\":1000" },
         { "PATCH", POD, "dryRun=All", STRATEGIC, "{\"spec\":{\"activeDeadlineSeconds\":1.5}}", 422, "cannot convert float64 to int64" },
         { "PATCH", POD, "dryRun=All", STRATEGIC, "{\"spec\":{\"activeDeadlineSeconds\":9223372036854775808}}", 422,
           "spec.activeDeadlineSeconds: Invalid value: -9223372036854775808: must be between 1 and 2147483647, inclusive" },
         { "PATCH", POD, "dryRun=All", MERGE, "{\"spec\":{\"activeDeadlineSeconds\":1e400}}", 400, NULL });
#undef STRATEGIC
#undef POD
}

/* B.6: what reads the Scale of a custom resource has one sentence for all that it cannot read. */
static void a_scale_that_cannot_be_read(void **state)
{
#define SCALE "/apis/x.io/v1/namespaces/default/ss/a/scale"
#define AT_A_LOSS "no kind is registered for the type v1.Scale in scheme \\\"pkg/runtime/scheme.go:110\\\""
    PLAY_STEPS(state, { "POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", NULL, NULL,
                  "{\"metadata\":{\"name\":\"ss.x.io\"},\"spec\":{\"group\":\"x.io\",\"scope\":\"Namespaced\",\"names\":{"
                  "\"plural\":\"ss\",\"kind\":\"S\"},\"versions\":[{\"name\":\"v1\",\"served\":true,\"storage\":true,"
                  "\"subresources\":{\"scale\":{\"specReplicasPath\":\".spec.n\",\"statusReplicasPath\":\".status.n\"}},\"schema\":{"
                  "\"openAPIV3Schema\":{\"type\":\"object\",\"x-kubernetes-preserve-unknown-fields\":true}}}]}}", 201, NULL },
         { .method = "SLEEP" },
         { "POST", "/apis/x.io/v1/namespaces/default/ss", NULL, NULL,
           "{\"apiVersion\":\"x.io/v1\",\"kind\":\"S\",\"metadata\":{\"name\":\"a\"},\"spec\":{\"n\":1}}", 201, NULL },
         { "PUT", SCALE, NULL, NULL, "", 400, AT_A_LOSS }, { "PUT", SCALE, NULL, NULL, "[]", 400, AT_A_LOSS },
         { "PUT", SCALE, NULL, NULL, "{\"spec\":{\"replicas\":\"x\"}}", 400, AT_A_LOSS },
         { "GET", SCALE, NULL, NULL, NULL, 200, "\"spec\":{\"replicas\":1}" },
         /* and what says no apiVersion loses who owns the replicas, for good */
         { "PUT", SCALE, "fieldManager=m", NULL, "{\"apiVersion\":\"autoscaling/v1\",\"metadata\":{\"name\":\"a\"},\"spec\":{"
           "\"replicas\":2}}", 200, NULL },
         { "GET", "/apis/x.io/v1/namespaces/default/ss/a", NULL, NULL, NULL, 200, "\"managedFields\":[{\"manager\":\"m\"" },
         { "PUT", SCALE, "fieldManager=m", NULL, "{\"kind\":\"Scale\",\"metadata\":{\"name\":\"a\"},\"spec\":{\"replicas\":3}}", 200, NULL },
         { "PATCH", SCALE, "fieldManager=m", MERGE, "{\"spec\":{\"replicas\":4}}", 200, NULL },
         { "GET", "/apis/x.io/v1/namespaces/default/ss/a", NULL, NULL, NULL, 200, "\"managedFields\":[{\"manager\":\"unknown\"" },
         { "PATCH", SCALE, "fieldManager=m", "application/apply-patch+yaml", "{\"apiVersion\":\"autoscaling/v1\",\"kind\":\"Scale\","
           "\"spec\":{\"replicas\":5}}", 500, "failed to create manager for existing fields: failed to convert live object (/; " });
#undef SCALE
#undef AT_A_LOSS
}

/* ---- reach --------------------------------------------------------------------------------------- */

/* K-055: a name in a path is the name of an object; nobody is connected to because a client says so. */
static void nobody_is_reached_by_name(void **state)
{
    PLAY_STEPS(state, { "GET", "/api/v1/namespaces/default/pods/127.0.0.1:22/proxy/", NULL, NULL, NULL, 404,
                  "pods \\\"127.0.0.1\\\" not found" },
         { "GET", "/api/v1/namespaces/default/services/https:10.0.0.1:443/proxy/x", NULL, NULL, NULL, 404,
           "services \\\"10.0.0.1\\\" not found" },
         { "GET", "/api/v1/nodes/169.254.169.254:80/proxy/latest", NULL, NULL, NULL, 404, "nodes \\\"169.254.169.254\\\" not found" },
         { "POST", "/api/v1/nodes", NULL, NULL, "{\"metadata\":{\"name\":\"n\"},\"status\":{\"addresses\":[{\"type\":\"InternalIP\","
           "\"address\":\"127.0.0.1\"}]}}", 201, NULL },
         { "GET", "/api/v1/nodes/n/proxy/", NULL, NULL, NULL, 500, "no preferred addresses found" });
}

/* ---- what releases no longer serve ----------------------------------------------------------------- */

/* K-074, K-075, K-077 */
static void what_became_of_old_versions(void **state)
{
    static const char *const gone[] = {
        "/apis/apiextensions.k8s.io/v1beta1/customresourcedefinitions", "/apis/rbac.authorization.k8s.io/v1beta1/roles",
        "/apis/admissionregistration.k8s.io/v1beta1/validatingwebhookconfigurations", "/apis/batch/v1beta1/cronjobs",
        "/apis/policy/v1beta1/poddisruptionbudgets", "/apis/networking.k8s.io/v1beta1/ingresses",
    };

    for (size_t i = 0; i < ARRAY_SIZE(gone); i++)
        PLAY_STEPS(state, { "GET", gone[i], NULL, NULL, NULL, 404, "the server could not find the requested resource" });
    PLAY_STEPS(state, { "GET", "/apis/extensions/v1beta1/ingresses", NULL, NULL, NULL, 404, "404 page not found\n" },
         { "POST", CM, NULL, NULL, "{\"metadata\":{\"name\":\"a\"},\"data\":{\"b\":\"c\"}}", 201, "\"managedFields\":[{" },
         { "POST", CM, NULL, NULL, "{\"metadata\":{\"generateName\":\"\",\"name\":\"a\"}}", 409, "AlreadyExists" });
}

/* K-075: the column that kubectl shows for Jobs. */
static void jobs_have_a_status_column(void **state)
{
    struct lab *lab = *state;
    struct api_header accept = { "Accept", "application/json;as=Table;v=v1;g=meta.k8s.io" };
    struct api_request q = { .method = "GET", .path = "/apis/batch/v1/namespaces/default/jobs", .headers = &accept,
                             .n_headers = 1 };
    struct api_reply reply;

    apiserver_handle(NULL, lab->s, &q, true, &reply);
    assert_string_equal(obj_str(reply.object, "kind"), "Table");
    assert_string_equal(obj_str(json_array_get(json_object_get(reply.object, "columnDefinitions"), 1), "name"), "Status");
    api_reply_release(&reply);
}

#define checked(f) cmocka_unit_test_setup_teardown(f, lab_up, lab_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        checked(paths), checked(queries), checked(tokens_do_not_escape), checked(warnings_are_quoted),
        checked(warnings_that_cannot_be_quoted_are_dropped), checked(odd_letters), checked(wrong_values_are_shown),
        checked(what_a_router_offers), checked(types_of_bodies), checked(deletions), checked(watches_with_a_token),
        checked(metadata_that_is_not_the_client_s), checked(odd_methods), checked(numbers_of_strategic_patches),
        checked(a_scale_that_cannot_be_read), checked(nobody_is_reached_by_name),
        checked(what_became_of_old_versions), checked(jobs_have_a_status_column),
    };

    json_object_seed(1);
    return cmocka_run_group_tests_name("hostile", tests, NULL, NULL);
}
