#include "fakeapi/http/etcd.h"

#include <signal.h>

#include "net/http_server.h"
#include "world/loop.h"

static const struct answer {
    const char *path, *type, *body;
} answers[] = {
    { "/health", "application/json", "{\"health\":\"true\",\"reason\":\"\"}" },
    { "/version", "application/json", "{\"etcdserver\":\"" ETCD_VERSION "\",\"etcdcluster\":\"3.6.0\",\"storage\":\"3.6.0\"}" },
    { "/livez", "text/plain; charset=utf-8", "ok\n" },
    { "/readyz", "text/plain; charset=utf-8", "ok\n" },
};

static void answer(void *arg, struct http_exchange *x)
{
    size_t len = strcspn(http_target(x), "?");

    (void)arg;
    for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
        const struct answer *a = &answers[i];
        if (strlen(a->path) == len && memcmp(a->path, http_target(x), len) == 0) {
            struct http_header type = { "Content-Type", a->type };
            http_reply(x, 200, &type, 1, blob_new(a->body, strlen(a->body)));
            return;
        }
    }
    http_reply(x, 404, &(struct http_header){ "Content-Type", "text/plain; charset=utf-8" }, 1,
               blob_new("404 page not found\n", 19));
}

static void stop(void *arg, int signo)
{
    (void)signo;
    world_stop(arg);
}

static int listen_all(struct world *w, const char *urls, struct arena *arena, struct http_server **ret, size_t *ret_n,
                      size_t max, struct err *e)
{
    for (const char *at = urls, *end; *at; at = *end ? end + 1 : end) {
        end = strchrnul(at, ',');
        const char *url = arena_strndup(arena, at, (size_t)(end - at));
        if (strncmp(url, "http://", 7) != 0)
            return err_set(e, ERR_INVALID, "--listen-client-urls: http://HOST:PORT is what there is, not %s", url);
        if (*ret_n == max)
            return err_set(e, ERR_INVALID, "--listen-client-urls: %zu at most", max);
        struct http_server_options o = { .listen = url + 7, .handle = answer };
        ret[*ret_n] = http_server_new(w, &o, e);
        if (!ret[*ret_n])
            return -(int)e->code;
        ++*ret_n;
    }
    return *ret_n ? 0 : err_set(e, ERR_INVALID, "--listen-client-urls names no address");
}

int etcd_process(const char *client_urls, struct err *e)
{
    cleanup_arena struct arena *arena = arena_new();
    struct world *w = world_new(&(struct world_options){ .mode = WORLD_REAL });
    struct http_server *servers[8];
    size_t n = 0;
    int r = listen_all(w, client_urls, arena, servers, &n, ARRAY_SIZE(servers), e);

    if (r == 0)
        r = loop_on_signal(world_loop(w), SIGTERM, stop, w, e);
    if (r == 0)
        r = loop_on_signal(world_loop(w), SIGINT, stop, w, e);
    if (r == 0)
        world_run(w);
    while (n > 0)
        http_server_free(servers[--n]);
    world_free(w);
    return r;
}
