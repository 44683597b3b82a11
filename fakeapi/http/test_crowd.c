/* 10,000 open watches on one server, some of whose clients never read: others are served meanwhile, one event reaches all
 * that listen, and what they cost is given back when they leave (K-006; front.h, promises 2 and 3).
 *
 *     test_crowd DORMOUSE      prints TAP */
#include "fakeapi/bench_client.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "world/loop.h"

#define CROWD 10000
#define DEAF 20                        /* of them */
#define SPARE 200                      /* descriptors beside them */
#define MAPS "/api/v1/namespaces/default/configmaps"
#define PATIENCE DURATION_S(10)        /* a bound, no goal: what is judged is that it comes */
#define KIB_EACH 200
#define KIB_LEFT (96 * 1024)            /* what malloc keeps for the next crowd, and eight large objects */

static unsigned n_done, n_failed;

static void ok(bool held, const char *what)
{
    printf("%sok %u - %s\n", held ? "" : "not ", ++n_done, what);
    fflush(stdout);
    n_failed += !held;
}

static bool enough_files(void)
{
    struct rlimit files;

    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur >= CROWD + SPARE;
}

static long resident_kib(pid_t pid)
{
    cleanup_free char *path = xasprintf("/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "r");
    char line[256];
    long kib = 0;

    while (f && fgets(line, sizeof(line), f))
        if (str_starts(line, "VmRSS:"))
            kib = atol(line + 6);
    if (f)
        fclose(f);
    return kib;
}

static size_t open_files(pid_t pid)
{
    cleanup_free char *path = xasprintf("/proc/%d/fd", (int)pid);
    DIR *d = opendir(path);
    size_t n = 0;

    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n;
}

/* ---- the crowd ------------------------------------------------------------------------------------- */

struct crowd {
    struct server server;
    int fds[CROWD], ep, other;         /* other: a connection of somebody else's */
    duration slowest;                  /* of his requests */
};

static void ask(struct crowd *c)
{
    cleanup_buf struct buf b = BUF_INIT;
    duration start = loop_monotonic(), took;

    call(c->other, &b, "GET", "/api/v1/namespaces/default", NULL, 200);
    took = loop_monotonic() - start;
    c->slowest = took > c->slowest ? took : c->slowest;
}

static void open_watches(struct crowd *c)
{
    for (size_t i = 0; i < CROWD; i++) {
        c->fds[i] = dial(&c->server);
        send_request(c->fds[i], "GET", MAPS "?watch=1", NULL);
        if (i % 100 == 0)
            ask(c);
    }
}

/* Reads what there is; counts who has read `what` for the first time. The deaf are the last DEAF of them. */
static size_t hear(struct crowd *c, const char *what, bool *heard)
{
    static struct epoll_event events[256];
    static char data[65536];
    duration until = loop_monotonic() + PATIENCE;
    size_t n = 0;

    while (n < CROWD - DEAF && loop_monotonic() < until) {
        int got = epoll_wait(c->ep, events, ARRAY_SIZE(events), 100);
        for (int k = 0; k < got; k++) {
            uint32_t i = events[k].data.u32;
            ssize_t len = read(c->fds[i], data, sizeof(data) - 1);
            data[len > 0 ? len : 0] = '\0';
            if (!heard[i] && strstr(data, what)) {
                heard[i] = true;
                n++;
            }
        }
    }
    return n;
}

static void listen_to_all(struct crowd *c)
{
    c->ep = epoll_create1(EPOLL_CLOEXEC);
    for (size_t i = 0; i < CROWD - DEAF; i++) {
        fcntl(c->fds[i], F_SETFL, O_NONBLOCK);
        epoll_ctl(c->ep, EPOLL_CTL_ADD, c->fds[i], &(struct epoll_event){ .events = EPOLLIN, .data.u32 = (uint32_t)i });
    }
}

/* ---- what must hold -------------------------------------------------------------------------------- */

static void the_crowd_comes(struct crowd *c)
{
    cleanup_free bool *heard = xcalloc(CROWD, sizeof(*heard));
    long before = resident_kib(c->server.pid);

    open_watches(c);
    listen_to_all(c);
    ok(hear(c, "\r\n\r\n", heard) == CROWD - DEAF, "10,000 watches begin");
    ok(c->slowest < DURATION_S(1), "nobody else waits meanwhile");
    ok(resident_kib(c->server.pid) - before < (long)CROWD * KIB_EACH, "each costs its connection");
}

static void an_event_reaches_all(struct crowd *c)
{
    cleanup_free bool *heard = xcalloc(CROWD, sizeof(*heard));
    cleanup_free char *body = configmap("for-all");
    cleanup_buf struct buf b = BUF_INIT;

    call(c->other, &b, "POST", MAPS, body, 201);
    c->slowest = 0;
    ask(c);
    ok(hear(c, "\"name\":\"for-all\"", heard) == CROWD - DEAF, "an event reaches all who listen");
    ok(c->slowest < DURATION_S(1), "who asks meanwhile is answered");
}

/* More than the sockets of the deaf hold. */
static void the_deaf_stall_nobody(struct crowd *c)
{
    cleanup_buf struct buf b = BUF_INIT, body = BUF_INIT;
    duration start = loop_monotonic();

    for (size_t i = 0; i < CROWD - DEAF; i++)
        close(c->fds[i]);
    close(c->ep);
    buf_printf(&body, "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"generateName\":\"flood-\"},"
                      "\"data\":{\"k\":\"");
    for (int i = 0; i < 900000; i++)
        buf_add_char(&body, 'x');
    buf_add_str(&body, "\"}}");
    for (int i = 0; i < 8; i++)
        call(c->other, &b, "POST", MAPS, body.data, 201);
    ask(c);
    ok(loop_monotonic() - start < PATIENCE, "who does not read stalls nobody");
}

static void what_they_cost_is_given_back(struct crowd *c, size_t files, long kib)
{
    duration until = loop_monotonic() + PATIENCE;

    for (size_t i = CROWD - DEAF; i < CROWD; i++)
        close(c->fds[i]);
    while (open_files(c->server.pid) > files && loop_monotonic() < until)
        ask(c);
    ok(open_files(c->server.pid) == files, "all connections are closed again");
    ok(resident_kib(c->server.pid) - kib <= KIB_LEFT, "what they cost is given back");
}

int main(int argc, char **argv)
{
    static struct crowd c;
    size_t files;
    long kib;

    if (argc != 2) {
        fprintf(stderr, "usage: test_crowd DORMOUSE\n");
        return 2;
    }
    if (!enough_files()) {
        printf("1..0 # SKIP the hard limit of open files is below %d\n", CROWD + SPARE);
        return 0;
    }
    printf("1..8\n");
    c.server = server_start(argv[1], NULL);
    c.other = dial(&c.server);
    ask(&c);
    files = open_files(c.server.pid);
    kib = resident_kib(c.server.pid);
    the_crowd_comes(&c);
    an_event_reaches_all(&c);
    the_deaf_stall_nobody(&c);
    what_they_cost_is_given_back(&c, files, kib);
    server_stop(&c.server);
    return n_failed > 0;
}
