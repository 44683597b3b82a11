/* Input: requests as one would write them down,
 *
 *     METHOD PATH?QUERY
 *     Name: value
 *
 *     the body
 *     ---
 *
 * one after the other, to a server of their own. Each gets a reply with a status; what says it is JSON can be read;
 * a refusal changed nothing (promise 3 of fakeapi); what is stored can be listed to the end. */
#include "fakeapi/apiserver/apiserver.h"

#include "kube/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { REQUESTS_MAX = 12, HEADERS_MAX = 8 };

struct story {
    struct apiserver *server;
    struct api_header headers[HEADERS_MAX];
};

/* Cuts `*text` behind the next `end`; NULL when nothing is left. */
static char *cut(char **text, const char *end)
{
    char *start = *text, *at = start ? strstr(start, end) : NULL;

    *text = at ? at + strlen(end) : NULL;
    if (at)
        *at = '\0';
    return start;
}

static void read_headers(struct story *st, char *text, struct api_request *q)
{
    q->headers = st->headers;
    for (char *line; q->n_headers < HEADERS_MAX && (line = cut(&text, "\n"));) {
        const char *name = cut(&line, ": ");
        if (*name && line)
            st->headers[q->n_headers++] = (struct api_header){ name, line };
    }
}

/* False where it is no request that a front would pass on. */
static bool read_request(struct story *st, char *text, struct api_request *q)
{
    char *head = cut(&text, "\n\n"), *line = cut(&head, "\n");

    q->method = cut(&line, " ");
    q->path = line ? cut(&line, "?") : NULL;
    q->query = line;
    if (!q->path || *q->path != '/')
        return false;
    read_headers(st, head, q);
    q->body = text;
    q->body_len = text ? strlen(text) : 0;
    return true;
}

static void check_json(const struct api_reply *reply)
{
    const char *type = api_reply_header(reply, "content-type");
    struct err e = ERR_IN(reply->arena);

    if (!reply->body || !type || strncmp(type, "application/json", 16) != 0)
        return;
    json_auto_t *tree = json_parse(reply->body->data, reply->body->len, 0, NULL, &e);
    assert(tree);
}

static void ask(struct story *st, const struct api_request *q)
{
    struct store *store = apiserver_store(st->server);
    uint64_t before = store_revision(store);
    cleanup_reply struct api_reply reply;

    int r = apiserver_handle(NULL, st->server, q, false, &reply);
    assert(r == 0);
    assert(reply.status >= 100 && reply.status < 600);
    if (reply.status >= 400)
        assert(store_revision(store) == before);
    check_json(&reply);
    if (reply.stream)
        for (struct blob *b; api_stream_poll_bytes(reply.stream, &b) > 0;)
            blob_unref(b);
}

static void list_all(struct story *st)
{
    static const char *const lists[] = { "/api/v1/configmaps", "/api/v1/pods", "/apis/apps/v1/deployments",
                                         "/apis/apiextensions.k8s.io/v1/customresourcedefinitions" };
    struct api_header accept = { "Accept", "application/json;as=Table;v=v1;g=meta.k8s.io" };

    for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
        for (size_t table = 0; table < 2; table++)
            ask(st, &(struct api_request){ .method = "GET", .path = lists[i], .headers = &accept, .n_headers = table });
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup_free char *text = xstrndup((const char *)data, size);
    cleanup_arena struct arena *a = arena_new();
    struct err e = ERR_IN(a);
    struct world *w = world_new(&(struct world_options){ .mode = WORLD_SIM, .seed = 1 });
    struct story st = { .server = apiserver_new(w, &(struct apiserver_options){ .crds = "", .bare = true }, &e) };
    char *rest = text;

    assert(st.server);
    for (int n = 0; n < REQUESTS_MAX && rest; n++) {
        struct api_request q = { .method = NULL };
        if (read_request(&st, cut(&rest, "\n---\n"), &q))
            ask(&st, &q);
        for (int i = 0; i < 100 && world_step(w, world_now(w)); i++)
            ;
    }
    list_all(&st);
    apiserver_free(st.server);
    world_free(w);
    return 0;
}
