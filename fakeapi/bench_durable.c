/* Durable creates, beside etcd's own puts on the same disk, in one run.
 *
 * usage: bench_durable DORMOUSE FOLDER [ETCD]
 * One connection each, one request under way, one create and one put in turn: a disk's mood changes within the
 * second, and only what shares it compares. etcd is spoken to over gRPC, its own protocol; a put carries as many
 * bytes as our object has. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fakeapi/bench_client.h"
#include "net/grpc/grpc.h"
#include "world/loop.h"
#include "world/world.h"

#define CREATES 3000
#define VALUE 280                      /* bytes of a stored ConfigMap */
#define CONFIGMAPS "/api/v1/namespaces/default/configmaps"

struct bench {
    struct server server;
    int fd;
    pid_t etcd;                        /* 0: none */
    struct grpc_client *client;
    struct world *world;
};

static unsigned short free_port(void)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(in);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&in, len) < 0 || getsockname(fd, (struct sockaddr *)&in, &len) < 0)
        fail("a free port");
    close(fd);
    return ntohs(in.sin_port);
}

static void etcd_start(struct bench *b, const char *program, const char *folder)
{
    cleanup_free char *data = xasprintf("%s/etcd", folder), *log = xasprintf("%s/etcd.log", folder);
    cleanup_free char *url = xasprintf("http://127.0.0.1:%d", free_port());
    cleanup_free char *peer = xasprintf("http://127.0.0.1:%d", free_port());
    cleanup_free char *cluster = xasprintf("default=%s", peer);
    cleanup_free char *endpoint = xasprintf("tcp%s", strchr(url, ':'));
    struct grpc_client_options o = { .endpoint = endpoint };

    b->etcd = fork();
    if (b->etcd == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (!freopen(log, "w", stderr) || !freopen(log, "a", stdout))
            _exit(127);
        execlp(program, "etcd", "--data-dir", data, "--listen-client-urls", url, "--advertise-client-urls", url,
               "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", cluster,
               (char *)NULL);
        _exit(127);
    }
    b->client = grpc_client_new(b->world, &o, NULL);
    if (!b->client)
        fail(endpoint);
}

static void add_field(struct buf *b, char number, const char *data, size_t len)
{
    buf_add_char(b, (char)(number << 3 | 2));
    if (len >= 128)
        buf_add_char(b, (char)((len & 127) | 128));
    buf_add_char(b, (char)(len < 128 ? len : len >> 7));
    buf_add(b, data, len);
}

/* PutRequest{key, value}. */
static bool put(struct co *co, struct bench *b, const char *key)
{
    static const char value[VALUE] = "{";
    cleanup_arena struct arena *a = arena_new();
    cleanup_buf struct buf message = BUF_INIT;
    struct grpc_reply r;

    add_field(&message, 1, key, strlen(key));
    add_field(&message, 2, value, VALUE);
    return grpc_call(co, b->client, "/etcdserverpb.KV/Put", message.data, message.len, DURATION_S(5), a, &r) == GRPC_OK;
}

static void wait_for_etcd(struct co *co, struct bench *b)
{
    for (int i = 0; i < 200; i++) {
        if (put(co, b, "/ready"))
            return;
        co_sleep(co, DURATION_MS(50));
    }
    fprintf(stderr, "bench: etcd does not answer\n");
    exit(3);
}

static duration time_put(struct co *co, struct bench *b, int i)
{
    cleanup_free char *key = xasprintf("/registry/configmaps/default/object-%04d", i);
    duration start = loop_monotonic();

    if (!put(co, b, key)) {
        fprintf(stderr, "bench: etcd refused a put\n");
        exit(3);
    }
    return loop_monotonic() - start;
}

static duration time_create(struct bench *b, struct buf *reply, int i)
{
    cleanup_free char *name = xasprintf("object-%04d", i), *body = configmap(name);
    duration start = loop_monotonic();

    call(b->fd, reply, "POST", CONFIGMAPS, body, 201);
    return loop_monotonic() - start;
}

static void measure(struct co *co, void *arg)
{
    struct bench *b = arg;
    cleanup_buf struct buf reply = BUF_INIT;
    duration ours = 0, theirs = 0;

    if (b->etcd)
        wait_for_etcd(co, b);
    for (int i = 0; i < CREATES; i++) {
        ours += time_create(b, &reply, i);
        if (b->etcd)
            theirs += time_put(co, b, i);
    }
    row("3,000 durable creates, one connection", CREATES / ((double)ours / 1e9), "/s", "", true);
    if (b->etcd) {
        row("   etcd's own puts between them, same disk", CREATES / ((double)theirs / 1e9), "/s", "", true);
        row("   ours to those", (double)theirs / (double)ours, "", ">= 1", theirs >= ours);
    }
    world_stop(b->world);
}

int main(int argc, char **argv)
{
    struct bench b = { .world = world_new(&(struct world_options){ .mode = WORLD_REAL }) };
    struct proc *proc = proc_new(b.world, "bench");

    if (argc < 3) {
        fprintf(stderr, "usage: bench_durable DORMOUSE FOLDER [ETCD]\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    cleanup_free char *data = xasprintf("%s/data", argv[2]);
    b.server = server_start(argv[1], data);
    b.fd = dial(&b.server);
    if (argc > 3)
        etcd_start(&b, argv[3], argv[2]);
    co_spawn(proc, "measure", measure, &b);
    world_run(b.world);
    grpc_client_free(b.client);
    if (b.etcd) {
        kill(b.etcd, SIGKILL);
        waitpid(b.etcd, NULL, 0);
    }
    close(b.fd);
    server_stop(&b.server);
    proc_kill(proc);
    proc_free(proc);
    world_free(b.world);
    return 0;
}
