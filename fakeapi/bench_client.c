#include "fakeapi/bench_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

void fail(const char *what)
{
    fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
    exit(3);
}

/* ---- the server ------------------------------------------------------------------------------------ */

struct server server_start(const char *program, const char *data)
{
    struct server s = { 0 };
    char line[256] = "";
    size_t len = 0;
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) < 0)
        fail("pipe");
    s.pid = fork();
    if (s.pid == 0) {
        dup2(fds[1], 1);
        execl(program, "dormouse", "serve", "--exit-with-parent", data ? "--data" : NULL, data, (char *)NULL);
        _exit(127);
    }
    close(fds[1]);
    s.out = fds[0];
    while (len < sizeof(line) - 1 && !memchr(line, '\n', len)) {
        ssize_t n = read(s.out, line + len, sizeof(line) - 1 - len);
        if (n <= 0)
            fail("the server did not start");
        len += (size_t)n;
    }
    s.port = (uint16_t)atoi(strrchr(line, ':') + 1);
    return s;
}

void server_stop(struct server *s)
{
    kill(s->pid, SIGTERM);
    waitpid(s->pid, NULL, 0);
    close(s->out);
}

int dial(const struct server *s)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                              .sin_port = htons(s->port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (struct sockaddr *)&in, sizeof(in)) < 0)
        fail("connect");
    return fd;
}

void send_request(int fd, const char *method, const char *target, const char *body)
{
    cleanup_buf struct buf b = BUF_INIT;

    buf_printf(&b, "%s %s HTTP/1.1\r\nHost: x\r\n", method, target);
    if (body)
        buf_printf(&b, "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", strlen(body),
                   body);
    else
        buf_add_str(&b, "\r\n");
    if (write(fd, b.data, b.len) != (ssize_t)b.len)
        fail("write");
}

/* A whole reply with a length; false: more is to come. */
bool reply_is_whole(const struct buf *b, int *ret_status)
{
    const char *body = b->data ? strstr(b->data, "\r\n\r\n") : NULL, *length;

    if (!body)
        return false;
    length = strcasestr(b->data, "\r\nContent-Length: ");
    if (!length || length > body)
        return false;
    *ret_status = atoi(b->data + strlen("HTTP/1.1 "));
    return (size_t)(b->data + b->len - (body + 4)) >= strtoul(length + 18, NULL, 10);
}

int read_reply(int fd, struct buf *b)
{
    static char data[1 << 20];
    int status;

    buf_reset(b);
    for (;;) {
        ssize_t n = read(fd, data, sizeof(data));
        if (n <= 0)
            fail("read");
        buf_add(b, data, (size_t)n);
        if (reply_is_whole(b, &status))
            return status;
    }
}

void call(int fd, struct buf *b, const char *method, const char *target, const char *body, int want)
{
    int status;

    send_request(fd, method, target, body);
    status = read_reply(fd, b);
    if (status == want)
        return;
    fprintf(stderr, "bench: %s %s: %d\n%.500s\n", method, target, status, b->data);
    exit(1);
}

char *configmap(const char *name)
{
    return xasprintf("{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"%s\"},"
                     "\"data\":{\"key\":\"value\"}}", name);
}

void row(const char *what, double value, const char *unit, const char *goal, bool met)
{
    printf("%-46s %12.*f %-4s  %-14s %s\n", what, value < 100 ? 2 : 0, value, unit, goal,
           !*goal ? "" : met ? "met" : "MISSED");
    fflush(stdout);
}
