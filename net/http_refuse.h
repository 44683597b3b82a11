/* http_refuse.h — what Go's server refuses in a request that libmicrohttpd lets through.
 *
 * Names of headers that are no tokens, control characters, hosts that are missing or several, lengths that contradict
 * each other, codings of a body that nobody speaks: taken, they would mean one thing to us and another to a proxy
 * before us. The words are those of Go's net/http, in its order of checks.
 */
#pragma once

#include "net/http.h"
#include "world/base.h"

struct http_head {
    const char *method, *target, *version;
    const struct http_header *headers;
    size_t n_headers;
    bool torn;                         /* more bytes stood between method and version than the target has */
};

/* What is said before the connection ends; a text of NULL: nothing is wrong. */
struct http_refusal {
    int status;
    const char *text;
};

struct http_refusal http_refuse(const struct http_head *h);
