#include "net/http_deadline.h"

#include <sys/socket.h>

#define SLACK DURATION_MS(100)          /* an end may come so much later: it saves walks over all that owe */

struct http_deadlines {
    struct loop *loop;
    struct loop_timer *timer;
    struct http_debt *first;
    duration fires;                    /* when the timer does */
};

static void on_timer(void *arg);

static void arm(struct http_deadlines *d, duration at, duration now)
{
    if (at < now + SLACK)
        at = now + SLACK;
    if (d->timer && d->fires <= at)
        return;
    loop_timer_free(d->timer);
    d->timer = loop_timer_new(d->loop, at - now, on_timer, d);
    d->fires = at;
}

/* The shutdown is all: whoever owns the connection hears of its end from the socket. */
static void on_timer(void *arg)
{
    struct http_deadlines *d = arg;
    duration now = loop_monotonic(), next = INT64_MAX;

    d->timer = loop_timer_free(d->timer);
    for (struct http_debt *debt = d->first, *after; debt; debt = after) {
        after = debt->next;
        if (debt->due > now) {
            next = debt->due < next ? debt->due : next;
            continue;
        }
        shutdown(debt->fd, SHUT_RDWR);
        http_paid(d, debt);
    }
    if (d->first)
        arm(d, next, now);
}

void http_owe(struct http_deadlines *d, struct http_debt *debt, duration within)
{
    duration now = loop_monotonic();

    debt->due = now + within;
    if (!debt->owed) {
        debt->owed = true;
        debt->prev = NULL;
        debt->next = d->first;
        if (d->first)
            d->first->prev = debt;
        d->first = debt;
    }
    arm(d, debt->due, now);
}

void http_paid(struct http_deadlines *d, struct http_debt *debt)
{
    if (!debt->owed)
        return;
    debt->owed = false;
    if (debt->prev)
        debt->prev->next = debt->next;
    else
        d->first = debt->next;
    if (debt->next)
        debt->next->prev = debt->prev;
}

struct http_deadlines *http_deadlines_new(struct loop *l)
{
    struct http_deadlines *d = xcalloc(1, sizeof(*d));

    d->loop = l;
    return d;
}

struct http_deadlines *http_deadlines_free(struct http_deadlines *d)
{
    if (!d)
        return NULL;
    loop_timer_free(d->timer);
    free(d);
    return NULL;
}
