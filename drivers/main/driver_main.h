/* driver_main.h — `dormouse driver`: a reference driver as a process of its own, on a socket.
 *
 * Makes a real world, serves until SIGTERM or SIGINT, lets calls under way finish (10 s at most, or until
 * the second signal), and
 * returns the exit code of design.md section 9: 0 stopped as asked, 2 the options are wrong, 3 the
 * machine let us down (the socket, the directory, another driver on the same directory). Messages go to
 * stderr; one line "listening on ENDPOINT" goes to stdout once calls are served.
 */
#pragma once

#include "world/base.h"

struct driver_main_options {
    const char *kind;                  /* "directory" */
    const char *root;                  /* its directory, made if it is missing; mode 0700 */
    const char *listen;                /* "unix:///path" or "tcp://127.0.0.1:PORT" */
    const char *name;                  /* NULL: the kind's own */
    const char *villain;               /* NULL: honest; else drivers/villains by name */
    const char *const *buckets;        /* see directory.h */
    size_t n_buckets;
    bool verbose;                      /* one line for each call on stderr */
};

int driver_main_run(const struct driver_main_options *o);
