/* http_client_priv.h — one transfer of the client, for the files that make it and those that word its failures. */
#pragma once

#include <sys/socket.h>

#include "net/curl_lib.h"
#include "net/http_client.h"

struct transfer {
    struct http_client *client;
    struct transfer *prev, *next;
    CURL *easy;
    struct curl_slist *headers, *connect_to;
    char text[CURL_ERROR_SIZE];        /* what libcurl says of a failure */
    struct sockaddr_storage dialled;   /* the first address that was tried */
    bool has_dialled;
    size_t body_limit;
    struct loop_timer *bound;
    struct waitq wake;
    /* What came. */
    DYN(struct http_header) got;       /* each name and value is ours */
    struct buf body;
    bool headers_done, done, out_of_time, too_long;
    CURLcode result;
    /* A reader's: no end, and no more than it takes. */
    bool streaming, paused;
    void (*notify)(void *arg);
    void *notify_arg;
};

/* The failure of a transfer that is done, as Go words it. Returns the negative code. */
int transfer_failure(struct transfer *t, const struct curl_lib *lib, struct err *e);
