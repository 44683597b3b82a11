/* A peer that sends any bytes: at our server (first byte 's') or at our client ('c'). Nothing crashes or
 * hangs, a call ends with a code, and the server goes on to answer a good call. */
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/grpc/frame.h"
#include "world/loop.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bench {
    char dir[32], endpoint[64];
    struct sockaddr_un un;
    struct world *world;
    struct proc *proc;
    struct grpc_server *server;
    struct grpc_client *client;
    struct grpc_method method;
    enum grpc_code code;
    const uint8_t *data;
    size_t size;
    int raw_fd;
    struct loop_watch *raw_watch;
    bool ended;
};

static enum grpc_code echo(struct co *co, void *arg, const struct grpc_request *q, struct buf *reply,
                           const char **ret_message)
{
    buf_add(reply, q->data, q->len);
    return GRPC_OK;
}

static void one_call(struct co *co, void *arg)
{
    struct bench *b = arg;
    struct grpc_reply r;

    b->code = grpc_call(co, b->client, "/t.T/Echo", "hello", 5, DURATION_S(2), co_arena(co), &r);
    assert(r.message);
    assert(r.code != GRPC_OK || r.len <= GRPC_MESSAGE_MAX);
    b->ended = true;
    world_stop(b->world);
}

static void call(struct bench *b)
{
    b->client = grpc_client_new(b->world, &(struct grpc_client_options){ .endpoint = b->endpoint }, NULL);
    b->ended = false;
    co_spawn(b->proc, "call", one_call, b);
    world_run(b->world);
    assert(b->ended);
    b->client = grpc_client_free(b->client);
}

/* ---- at our server --------------------------------------------------------------------------- */

static void at_server(struct bench *b)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    b->method = (struct grpc_method){ "/t.T/Echo", echo, NULL };
    b->server = grpc_server_new(&(struct grpc_server_options){ .proc = b->proc, .endpoint = b->endpoint,
                                                               .methods = &b->method, .n_methods = 1,
                                                               .who = "server" }, NULL);
    assert(b->server);
    if (connect(fd, (struct sockaddr *)&b->un, sizeof(b->un)) == 0 &&
        send(fd, b->data, b->size, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
        shutdown(fd, SHUT_WR);
    call(b);                           /* both connections are served meanwhile */
    assert(b->code == GRPC_OK);
    close(fd);
    call(b);
    assert(b->code == GRPC_OK);
    proc_kill(b->proc);
    grpc_server_free(b->server);
}

/* ---- at our client --------------------------------------------------------------------------- */

static void on_raw(void *arg, uint32_t events)
{
    struct bench *b = arg;
    int fd = accept4(b->raw_fd, NULL, NULL, SOCK_CLOEXEC);

    if (send(fd, b->data, b->size, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
        shutdown(fd, SHUT_WR);
    close(fd);
}

static void at_client(struct bench *b)
{
    b->raw_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(b->raw_fd, (struct sockaddr *)&b->un, sizeof(b->un)) < 0 || listen(b->raw_fd, 5) < 0)
        abort();
    b->raw_watch = loop_watch_new(world_loop(b->world), b->raw_fd, EPOLLIN, on_raw, b);
    call(b);
    loop_watch_free(b->raw_watch);
    close(b->raw_fd);
    unlink(b->un.sun_path);
    proc_kill(b->proc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bench b = { .un.sun_family = AF_UNIX };

    if (size < 1)
        return 0;
    b.data = data + 1;
    b.size = size - 1;
    strcpy(b.dir, "/tmp/dormouse-fuzz-XXXXXX");
    if (!mkdtemp(b.dir))
        abort();
    snprintf(b.un.sun_path, sizeof(b.un.sun_path), "%s/s", b.dir);
    snprintf(b.endpoint, sizeof(b.endpoint), "unix://%s/s", b.dir);
    b.world = world_new(&(struct world_options){ .mode = WORLD_REAL, .seed = 1 });
    b.proc = proc_new(b.world, "fuzz");
    if (data[0] == 'c')
        at_client(&b);
    else
        at_server(&b);
    proc_free(b.proc);
    world_free(b.world);
    rmdir(b.dir);
    return 0;
}
