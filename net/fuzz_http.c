/* A client that sends any bytes. Nothing crashes or hangs, what reaches the handler is a request that Go's server would
 * let through, and the server goes on to answer a good one. */
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/http_refuse.h"
#include "net/http_server.h"
#include "world/loop.h"

#define BODY_MAX 64
#define TURNS 2000                     /* of a millisecond each, for the good one */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bench {
    struct world *world;
    struct http_server *server;
    struct sockaddr_un un;
};

static int pull(void *arg, struct blob **ret)
{
    return -1;
}

static void handle(void *arg, struct http_exchange *x)
{
    struct http_head head = { .method = http_method(x), .target = http_target(x), .version = "HTTP/1.0" };
    const struct http_header *headers = http_headers(x, &head.n_headers);
    size_t len;

    head.headers = headers;
    assert(!http_refuse(&head).text);
    http_body(x, &len);
    assert(len <= BODY_MAX + 1);
    if (streq(head.method, "WATCH"))
        http_stream(x, 200, NULL, 0, pull, NULL);
    else if (streq(head.method, "DROP"))
        http_drop(x);
    else
        http_reply(x, 200, NULL, 0, blob_new("fine", 4));
}

static int dial(const struct bench *b)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (connect(fd, (const struct sockaddr *)&b->un, sizeof(b->un)) < 0)
        abort();
    return fd;
}

static void stop(void *arg)
{
    world_stop(arg);
}

static void run_for(struct bench *b, duration d)
{
    struct loop_timer *t = loop_timer_new(world_loop(b->world), d, stop, b->world);

    world_run(b->world);
    loop_timer_free(t);
}

/* What came so far is read and forgotten; true: the end was among it. */
static bool fine_came(int fd)
{
    char data[4096];
    ssize_t n = recv(fd, data, sizeof(data) - 1, MSG_DONTWAIT);

    data[n > 0 ? n : 0] = '\0';
    return strstr(data, "\r\n\r\nfine") != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char good[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    struct bench b = { .un.sun_family = AF_UNIX };
    char dir[] = "/tmp/dormouse-fuzz-XXXXXX", listen_on[64];
    bool answered = false;

    if (!mkdtemp(dir))
        abort();
    snprintf(b.un.sun_path, sizeof(b.un.sun_path), "%s/s", dir);
    snprintf(listen_on, sizeof(listen_on), "unix:%s/s", dir);
    b.world = world_new(&(struct world_options){ .mode = WORLD_REAL, .seed = 1 });
    b.server = http_server_new(b.world, &(struct http_server_options){ .listen = listen_on, .body_limit = BODY_MAX,
                                                                       .handle = handle }, NULL);
    assert(b.server);
    int bad = dial(&b), other = dial(&b);
    if (send(bad, data, size, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
        shutdown(bad, SHUT_WR);
    run_for(&b, DURATION_MS(1));
    if (send(other, good, sizeof(good) - 1, MSG_NOSIGNAL) < 0)
        abort();
    for (int i = 0; i < TURNS && !answered; i++) {
        run_for(&b, DURATION_MS(1));
        fine_came(bad);
        answered = fine_came(other);
    }
    assert(answered);
    close(bad);
    close(other);
    http_server_free(b.server);
    world_free(b.world);
    rmdir(dir);
    return 0;
}
