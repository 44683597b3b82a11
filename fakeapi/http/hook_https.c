#include "fakeapi/http/hook_https.h"

#include "net/http_client.h"

struct hook_https {
    struct hook_caller base;
    struct http_client *client;
};

static int https_call(struct co *co, struct hook_caller *base, const struct hook_request *q, struct arena *a,
                      struct hook_reply *ret, struct err *e)
{
    static const struct http_header headers[] = {
        { "Accept", "application/json, */*" }, { "Content-Type", "application/json" },
        { "User-Agent", "kube-apiserver-admission" }
    };
    struct hook_https *h = container_of(base, struct hook_https, base);
    struct http_request request = { .method = "POST", .url = q->url, .dial = q->dial, .ca_pem = q->ca_pem,
                                    .headers = headers, .n_headers = ARRAY_SIZE(headers), .body = q->body,
                                    .body_len = q->len, .timeout = q->timeout };
    struct http_response response;
    int r = http_call(co, h->client, &request, a, &response, e);

    *ret = (struct hook_reply){ .status = response.status, .body = response.body, .len = response.len,
                                .content_type = http_response_header(&response, "Content-Type"),
                                .began = response.began };
    return r;
}

static void https_free(struct hook_caller *base)
{
    struct hook_https *h = container_of(base, struct hook_https, base);

    http_client_free(h->client);
    free(h);
}

static const struct hook_caller_ops https_ops = { "https", https_call, https_free };

struct hook_caller *hook_https_new(struct world *w)
{
    struct hook_https *h = xcalloc(1, sizeof(*h));

    h->base.ops = &https_ops;
    h->client = http_client_new(w);
    return &h->base;
}
