/* The server under load, from outside: starts `dormouse serve`, measures, prints a table.
 *
 * usage: bench_server DORMOUSE
 * One client process on raw sockets, so that on two cores the server has one of them to itself. Absolute
 * figures are the machine's as much as ours: the bare HTTP library under the same client, measured in the
 * same run, is the yardstick beside them. */
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fakeapi/bench_client.h"
#include "world/loop.h"

#define GETS 30000
#define OBJECTS 6000
#define CREATES 3000
#define WATCHERS 1000
#define CROWD 10000
#define CONFIGMAPS "/api/v1/namespaces/default/configmaps"

static long private_kib(pid_t pid)
{
    char path[64], line[256];
    long sum = 0, n;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
    f = fopen(path, "re");
    if (!f)
        fail(path);
    while (fgets(line, sizeof(line), f)) {
        if (sscanf(line, "Private_Clean: %ld", &n) == 1 || sscanf(line, "Private_Dirty: %ld", &n) == 1)
            sum += n;
    }
    fclose(f);
    return sum;
}

/* ---- the table --------------------------------------------------------------------------------------- */

static int compare_durations(const void *a, const void *b)
{
    const duration *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

/* ---- the yardstick: the library alone, answering as many bytes from memory --------------------------- */

static char yardstick_body[512];

static enum MHD_Result yardstick_answer(void *arg, struct MHD_Connection *mhd, const char *url,
                                        const char *method, const char *version, const char *data,
                                        size_t *len, void **slot)
{
    struct MHD_Response *r;
    enum MHD_Result result;

    if (!*slot) {
        *slot = yardstick_body;
        return MHD_YES;
    }
    *slot = NULL;
    r = MHD_create_response_from_buffer(sizeof(yardstick_body), yardstick_body, MHD_RESPMEM_PERSISTENT);
    result = MHD_queue_response(mhd, 200, r);
    MHD_destroy_response(r);
    return result;
}

static struct server yardstick_start(void)
{
    struct server s = { .out = -1 };
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(in);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (bind(fd, (struct sockaddr *)&in, len) < 0 || listen(fd, 64) < 0)
        fail("listen");
    getsockname(fd, (struct sockaddr *)&in, &len);
    s.port = ntohs(in.sin_port);
    memset(yardstick_body, 'x', sizeof(yardstick_body));
    s.pid = fork();
    if (s.pid > 0) {
        close(fd);
        return s;
    }
    struct MHD_Daemon *d = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, yardstick_answer, NULL,
                                            MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_END);
    struct epoll_event e = { .events = EPOLLIN };
    int ep = epoll_create1(EPOLL_CLOEXEC);

    epoll_ctl(ep, EPOLL_CTL_ADD, MHD_get_daemon_info(d, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd, &e);
    for (;;) {
        epoll_wait(ep, &e, 1, 100);
        MHD_run(d);
    }
}

static double ms(duration d)
{
    return (double)d / 1e6;
}

/* ---- measurements ------------------------------------------------------------------------------------ */

static void bench_start(const char *program)
{
    duration took[15];
    cleanup_buf struct buf b = BUF_INIT;

    for (size_t i = 0; i < ARRAY_SIZE(took); i++) {
        duration start = loop_monotonic();
        struct server s = server_start(program, NULL);
        int fd = dial(&s);
        call(fd, &b, "GET", "/readyz", NULL, 200);
        took[i] = loop_monotonic() - start;
        close(fd);
        server_stop(&s);
    }
    qsort(took, ARRAY_SIZE(took), sizeof(took[0]), compare_durations);
    row("exec to the first 200, median of 15", ms(took[7]), "ms", "<= 10", took[7] <= DURATION_MS(10));
}

/* Every reply must have `needle` in it: a fast wrong answer is no answer. */
static double get_rate(const struct server *s, const char *target, const char *needle)
{
    cleanup_buf struct buf b = BUF_INIT;
    int fd = dial(s);
    duration start = loop_monotonic();

    for (int i = 0; i < GETS; i++) {
        call(fd, &b, "GET", target, NULL, 200);
        if (!strstr(b.data, needle)) {
            fprintf(stderr, "bench_server: %s: no %s in the reply\n", target, needle);
            exit(1);
        }
    }
    close(fd);
    return GETS / ((double)(loop_monotonic() - start) / 1e9);
}

static void bench_gets(const struct server *s)
{
    cleanup_buf struct buf b = BUF_INIT;
    cleanup_free char *body = configmap("one");
    struct server bare = yardstick_start();
    double ours, theirs;
    int fd = dial(s);

    call(fd, &b, "POST", CONFIGMAPS, body, 201);
    close(fd);
    theirs = get_rate(&bare, "/", "xxxx");
    ours = get_rate(s, CONFIGMAPS "/one", "\"name\":\"one\"");
    row("GET by name, one connection", ours, "/s", "", true);
    row("   libmicrohttpd alone, same client and run", theirs, "/s", "", true);
    row("   ours to that", ours / theirs, "", "", true);
    kill(bare.pid, SIGKILL);
    waitpid(bare.pid, NULL, 0);
}

/* Sixteen connections, each with one request under way. */
static void bench_parallel_gets(const struct server *s)
{
    static const char request[] = "GET " CONFIGMAPS "/one HTTP/1.1\r\nHost: x\r\n\r\n";
    struct epoll_event events[16];
    struct buf bufs[16] = { 0 };
    int fds[16], ep = epoll_create1(EPOLL_CLOEXEC), done = 0, status;
    duration start = loop_monotonic();
    char data[65536];
    double rate;

    for (uint32_t i = 0; i < 16; i++) {
        fds[i] = dial(s);
        epoll_ctl(ep, EPOLL_CTL_ADD, fds[i], &(struct epoll_event){ .events = EPOLLIN, .data.u32 = i });
        if (write(fds[i], request, sizeof(request) - 1) < 0)
            fail("write");
    }
    while (done < GETS) {
        int n = epoll_wait(ep, events, 16, -1);
        for (int k = 0; k < n; k++) {
            uint32_t i = events[k].data.u32;
            ssize_t len = read(fds[i], data, sizeof(data));
            if (len <= 0)
                fail("read");
            buf_add(&bufs[i], data, (size_t)len);
            if (!reply_is_whole(&bufs[i], &status))
                continue;
            if (status != 200 || !strstr(bufs[i].data, "\"name\":\"one\""))
                fail("a wrong reply");
            buf_reset(&bufs[i]);
            done++;
            if (write(fds[i], request, sizeof(request) - 1) < 0)
                fail("write");
        }
    }
    rate = GETS / ((double)(loop_monotonic() - start) / 1e9);
    row("GET by name, 16 connections, one server core", rate, "/s", ">= 25000", rate >= 25000);
    for (int i = 0; i < 16; i++) {
        close(fds[i]);
        buf_release(&bufs[i]);
    }
    close(ep);
}

static void bench_creates(const struct server *s)
{
    cleanup_buf struct buf b = BUF_INIT;
    int fd = dial(s);
    duration start = loop_monotonic(), took;
    double rate;

    for (int i = 0; i < OBJECTS; i++) {
        cleanup_free char *name = xasprintf("object-%05d", i), *body = configmap(name);
        call(fd, &b, "POST", CONFIGMAPS, body, 201);
        if (i + 1 == CREATES) {
            took = loop_monotonic() - start;
            rate = CREATES / ((double)took / 1e9);
            row("3,000 creates, one connection", rate, "/s", ">= 10000", rate >= 10000);
        }
    }
    close(fd);
}

static void bench_list(const struct server *s)
{
    cleanup_buf struct buf b = BUF_INIT;
    duration took[21];
    int fd = dial(s);

    for (size_t i = 0; i < ARRAY_SIZE(took); i++) {
        duration start = loop_monotonic();
        call(fd, &b, "GET", CONFIGMAPS, NULL, 200);
        took[i] = loop_monotonic() - start;
        if (!strstr(b.data, "\"object-05999\""))
            fail("a list without its last object");
    }
    qsort(took, ARRAY_SIZE(took), sizeof(took[0]), compare_durations);
    row("LIST of 6,000 objects, median of 21", ms(took[10]), "ms", "<= 8", took[10] <= DURATION_MS(8));
    row("   its size", (double)b.len / 1e6, "MB", "", true);
    close(fd);
}

/* Opens `n` watches of a namespace where nothing is; returns an epoll of them. */
static int open_watches(const struct server *s, int *fds, size_t n)
{
    char data[4096];
    int ep = epoll_create1(EPOLL_CLOEXEC);

    for (size_t i = 0; i < n; i++) {
        fds[i] = dial(s);
        send_request(fds[i], "GET", "/api/v1/namespaces/crowd/configmaps?watch=1", NULL);
    }
    for (size_t i = 0; i < n; i++) {
        if (read(fds[i], data, sizeof(data)) <= 0)
            fail("read");
        fcntl(fds[i], F_SETFL, O_NONBLOCK);
        epoll_ctl(ep, EPOLL_CTL_ADD, fds[i],
                  &(struct epoll_event){ .events = EPOLLIN | EPOLLET, .data.u32 = (uint32_t)i });
    }
    return ep;
}

/* One event to all of them: when each had it, sorted. */
static void fan_out(const struct server *s, int ep, const int *fds, size_t n, const char *name,
                    duration *ret)
{
    cleanup_free char *body = configmap(name);
    cleanup_free bool *had = xcalloc(n, sizeof(*had));
    static struct epoll_event events[256];
    char data[8192];
    int fd = dial(s);
    duration start = loop_monotonic();
    size_t done = 0;

    send_request(fd, "POST", "/api/v1/namespaces/crowd/configmaps", body);
    while (done < n) {
        int got = epoll_wait(ep, events, ARRAY_SIZE(events), 5000);
        if (got <= 0)
            fail("watchers that hear nothing");
        for (int k = 0; k < got; k++) {
            uint32_t i = events[k].data.u32;
            while (read(fds[i], data, sizeof(data)) > 0)
                ;
            if (!had[i])
                ret[done++] = loop_monotonic() - start;
            had[i] = true;
        }
    }
    qsort(ret, n, sizeof(*ret), compare_durations);
    close(fd);
}

static void bench_watchers(const struct server *s, size_t n, bool judged)
{
    cleanup_free int *fds = xcalloc(n, sizeof(*fds));
    cleanup_free duration *took = xcalloc(n, sizeof(*took));
    cleanup_buf struct buf b = BUF_INIT;
    long before = private_kib(s->pid);
    duration start, best = INT64_MAX, last = 0;
    int ep = open_watches(s, fds, n), fd = dial(s);

    for (int round = 0; round < 5; round++) {
        cleanup_free char *name = xasprintf("event-%zu-%d", n, round);
        fan_out(s, ep, fds, n, name, took);
        if (took[n / 2] < best) {
            best = took[n / 2];
            last = took[n - 1];
        }
    }
    printf("%zu watchers\n", n);
    row("   one event, median watcher (best of 5)", ms(best), "ms", judged ? "<= 7" : "",
        best <= DURATION_MS(7));
    row("   one event, last watcher", ms(last), "ms", "", true);
    row("   memory of the server per watcher", (double)(private_kib(s->pid) - before) / (double)n, "KiB",
        "", true);
    start = loop_monotonic();
    for (int i = 0; i < 1000; i++)
        call(fd, &b, "GET", CONFIGMAPS "/one", NULL, 200);
    row("   GET beside them, one connection", 1000 / ((double)(loop_monotonic() - start) / 1e9), "/s", "",
        true);
    for (size_t i = 0; i < n; i++)
        close(fds[i]);
    close(fd);
    close(ep);
}

int main(int argc, char **argv)
{
    struct rlimit files;
    cleanup_buf struct buf b = BUF_INIT;
    struct server s;
    long idle;
    int fd;

    if (argc != 2) {
        fprintf(stderr, "usage: bench_server DORMOUSE\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    bench_start(argv[1]);
    s = server_start(argv[1], NULL);
    usleep(200000);
    idle = private_kib(s.pid);
    row("idle private memory", (double)idle / 1024, "MiB", "<= 8", idle <= 8 * 1024);
    bench_gets(&s);
    bench_parallel_gets(&s);
    bench_creates(&s);
    bench_list(&s);
    fd = dial(&s);
    call(fd, &b, "POST", "/api/v1/namespaces",
         "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"crowd\"}}", 201);
    close(fd);
    bench_watchers(&s, WATCHERS, true);
    if (files.rlim_cur > CROWD + 100)
        bench_watchers(&s, CROWD, false);
    sleep(2);                          /* it has thousands of closed connections to notice */
    row("private memory after all watchers left", (double)private_kib(s.pid) / 1024, "MiB", "", true);
    server_stop(&s);
    return 0;
}
