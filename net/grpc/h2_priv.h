/* h2_priv.h — an HTTP/2 connection on the loop: what server and client share. Private to net/grpc.
 *
 * Nothing here suspends, and nghttp2's callbacks only note things and wake tasks: a connection is
 * never ended or freed from inside them, but by its owner after h2_pump() or h2_flush() said so.
 */
#pragma once

#include <nghttp2/nghttp2.h>

#include "world/buf.h"
#include "world/loop.h"
#include "world/world.h"

enum h2_state {
    H2_ALIVE,
    H2_CLOSED,                         /* the peer closed or reset the connection */
    H2_BROKEN,                         /* the peer broke the protocol */
    H2_FINISHED,                       /* GOAWAY was said and all streams are done */
};

struct h2_conn {
    int fd;
    struct loop_watch *watch;
    nghttp2_session *session;
    struct buf out;                    /* made by nghttp2, not yet taken by the socket */
    size_t out_at;
    char first[64];                    /* how the peer began: to quote, where it is not HTTP/2 */
    size_t n_first;
};

/* Takes `fd`. The session is made by the caller afterwards. */
void h2_init(struct h2_conn *c, struct loop *loop, int fd, uint32_t events, loop_fd_fn *fn, void *arg);
void h2_release(struct h2_conn *c);             /* closes everything; zeroed is fine */

/* Reads what there is and writes what can be written. */
enum h2_state h2_pump(struct h2_conn *c, uint32_t events);
enum h2_state h2_flush(struct h2_conn *c);

/* Were the first bytes those of an HTTP/2 server (a SETTINGS frame)? Unknown yet counts as yes. */
bool h2_began_well(const struct h2_conn *c);
/* The first bytes for a message: printable ones as they are, quoted. In `a`. */
const char *h2_first_bytes(const struct h2_conn *c, struct arena *a);

#define H2_NV(name, value, value_len) \
    ((nghttp2_nv){ (uint8_t *)(name), (uint8_t *)(value), strlen(name), (value_len), NGHTTP2_NV_FLAG_NONE })
