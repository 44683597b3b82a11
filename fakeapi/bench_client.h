/* bench_client.h — what the benchmarks share: a server as a child, a client on raw blocking sockets, a table. */
#pragma once

#include "world/buf.h"

#include <sys/types.h>

struct server {
    pid_t pid;
    int out;
    uint16_t port;
};

_Noreturn void fail(const char *what);            /* with errno; exit 3 */

/* `dormouse serve`, on the file `data` or (NULL) in memory; returns once it is ready. */
struct server server_start(const char *program, const char *data);
void server_stop(struct server *s);

int dial(const struct server *s);
void send_request(int fd, const char *method, const char *target, const char *body);
bool reply_is_whole(const struct buf *b, int *ret_status);       /* one with a length; false: more is to come */
int read_reply(int fd, struct buf *b);           /* the status */
/* One exchange; another status than `want` ends the benchmark. */
void call(int fd, struct buf *b, const char *method, const char *target, const char *body, int want);
char *configmap(const char *name);               /* a small object, the caller's to free */

/* One line of the table; `goal` "" where there is none. */
void row(const char *what, double value, const char *unit, const char *goal, bool met);
