#include "net/grpc/h2_priv.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_SIZE 16384
#define READS_PER_TURN 64              /* 1 MiB, then others get their turn */
#define OUT_ENOUGH ((size_t)256 << 10) /* nghttp2 makes no more bytes while so many wait */

void h2_init(struct h2_conn *c, struct loop *loop, int fd, uint32_t events, loop_fd_fn *fn, void *arg)
{
    c->fd = fd;
    c->watch = loop_watch_new(loop, fd, events, fn, arg);
}

void h2_release(struct h2_conn *c)
{
    if (!c->watch)
        return;
    c->watch = loop_watch_free(c->watch);
    nghttp2_session_del(c->session);
    c->session = NULL;
    close(c->fd);
    c->fd = -1;
    buf_release(&c->out);
    c->out_at = 0;
}

/* ---- writing --------------------------------------------------------------------------------- */

static bool fill(struct h2_conn *c)
{
    while (c->out.len - c->out_at < OUT_ENOUGH) {
        const uint8_t *data;
        ssize_t n = nghttp2_session_mem_send(c->session, &data);
        if (n < 0)
            return false;
        if (n == 0)
            break;
        buf_add(&c->out, data, (size_t)n);
    }
    return true;
}

static enum h2_state write_out(struct h2_conn *c, bool *ret_blocked)
{
    *ret_blocked = false;
    while (c->out_at < c->out.len) {
        ssize_t n = send(c->fd, c->out.data + c->out_at, c->out.len - c->out_at, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN) {
            *ret_blocked = true;
            return H2_ALIVE;
        }
        if (n < 0)
            return H2_CLOSED;
        c->out_at += (size_t)n;
    }
    buf_reset(&c->out);
    c->out_at = 0;
    return H2_ALIVE;
}

enum h2_state h2_flush(struct h2_conn *c)
{
    bool blocked = false;

    while (!blocked) {
        enum h2_state s;
        if (!fill(c))
            return H2_BROKEN;
        if (c->out_at == c->out.len)
            break;
        s = write_out(c, &blocked);
        if (s != H2_ALIVE)
            return s;
    }
    loop_watch_set(c->watch, EPOLLIN | (blocked ? (uint32_t)EPOLLOUT : 0));
    if (!blocked && !nghttp2_session_want_read(c->session) && !nghttp2_session_want_write(c->session))
        return H2_FINISHED;
    return H2_ALIVE;
}

/* ---- reading --------------------------------------------------------------------------------- */

static void note_first(struct h2_conn *c, const char *data, size_t len)
{
    size_t n = sizeof(c->first) - c->n_first;

    if (n > len)
        n = len;
    memcpy(c->first + c->n_first, data, n);
    c->n_first += n;
}

static enum h2_state read_in(struct h2_conn *c)
{
    char data[READ_SIZE];

    for (int i = 0; i < READS_PER_TURN; i++) {
        ssize_t n = recv(c->fd, data, sizeof(data), 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return H2_ALIVE;
        if (n <= 0)
            return H2_CLOSED;
        note_first(c, data, (size_t)n);
        if (nghttp2_session_mem_recv(c->session, (uint8_t *)data, (size_t)n) < 0)
            return H2_BROKEN;
        if ((size_t)n < sizeof(data))
            return H2_ALIVE;
    }
    return H2_ALIVE;
}

enum h2_state h2_pump(struct h2_conn *c, uint32_t events)
{
    enum h2_state in = H2_ALIVE, out;

    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLRDHUP))
        in = read_in(c);
    out = h2_flush(c);                 /* also the GOAWAY that says what was wrong */
    return in != H2_ALIVE ? in : out;
}

/* ---- how the peer began ---------------------------------------------------------------------- */

#define FRAME_HEADER 9
#define FRAME_SETTINGS 4

bool h2_began_well(const struct h2_conn *c)
{
    const unsigned char *p = (const unsigned char *)c->first;

    if (c->n_first < FRAME_HEADER)
        return true;
    return p[3] == FRAME_SETTINGS && (p[0] << 16 | p[1] << 8 | p[2]) <= 16384 &&
           (p[5] | p[6] | p[7] | p[8]) == 0;
}

const char *h2_first_bytes(const struct h2_conn *c, struct arena *a)
{
    char text[sizeof(c->first) + 1];
    size_t n = c->n_first < 24 ? c->n_first : 24;

    for (size_t i = 0; i < n; i++)
        text[i] = c->first[i] >= 0x20 && c->first[i] <= 0x7e && c->first[i] != '"' ? c->first[i] : '.';
    text[n] = '\0';
    return arena_printf(a, "\"%s\"", text);
}
