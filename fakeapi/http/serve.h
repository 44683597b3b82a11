/* serve.h — `dormouse serve`: an API server as a process of its own.
 *
 * Makes a real world, an API server in memory or on a file, the cluster loops asked for, and HTTP before them; runs
 * until SIGTERM or SIGINT. Once requests are served it writes the kubeconfig, then the one line
 * "listening on URL" on stdout. A first signal ends watches and lets requests finish (2 s at most), a
 * second one ends at once. Messages go to stderr.
 */
#pragma once

#include "fakeapi/apiserver/apiserver.h"
#include "fakeapi/cluster/cluster.h"
#include "fakeapi/http/material.h"

struct serve_options {
    const char *listen;                /* NULL: "127.0.0.1:0" */
    const char *kubeconfig_out;        /* NULL: none */
    const char *data;                  /* the file that keeps everything; NULL: memory alone */
    struct serve_tls tls;              /* off: plain HTTP */
    struct serve_auth auth;
    const char *release;               /* apiserver_options.release; NULL: the newest */
    const char *crds;                  /* apiserver_options.crds; NULL: "" */
    const char *const *crd_paths;      /* files and folders of further definitions */
    size_t n_crd_paths;
    unsigned cluster_loops;            /* enum cluster_loop, or-ed; 0: none */
    duration event_ttl;                /* apiserver_options.event_ttl */
    unsigned nodes;                    /* of the cluster loops; 0 = 1 */
    const struct hook_service *hook_services;        /* where services of webhooks stand */
    size_t n_hook_services;
    unsigned max_inflight, max_mutating_inflight;    /* apiserver_options' */
    bool virtual_time;                 /* the clock stands still: world_advance() */
    bool exit_with_parent;             /* SIGTERM when the process that started this one ends */
    /* What else lives in this process (the controller): started when all stands and before the line is
     * printed, stopped first. Returns 0 or negative with `e`. NULL: nobody. */
    int (*start)(void *arg, struct world *w, struct apiserver *s, struct cluster *c, struct err *e);
    void (*stop)(void *arg);
    void *arg;
};

/* The exit code of design.md section 9: 0 stopped as asked, 2 an option is wrong, 3 the machine let us
 * down. */
int serve_process(const struct serve_options *o);
