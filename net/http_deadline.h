/* http_deadline.h — connections that owe bytes, and until when.
 *
 * libmicrohttpd ends a connection that is silent; one that sends a byte now and then it lets be for ever. Here the
 * whole of a head or a body has a time: who has not paid when it is due loses the connection, without a word.
 */
#pragma once

#include "world/loop.h"

struct http_deadlines;

struct http_debt {                     /* one connection's, part of it; zero: it owes nothing */
    struct http_debt *prev, *next;
    duration due;
    int fd;
    bool owed;
};

struct http_deadlines *http_deadlines_new(struct loop *l);
struct http_deadlines *http_deadlines_free(struct http_deadlines *d);     /* NULL is fine */

void http_owe(struct http_deadlines *d, struct http_debt *debt, duration within);      /* also what it owed before */
void http_paid(struct http_deadlines *d, struct http_debt *debt);        /* nothing owed is fine */
