#include "fakeapi/apiserver/auth/auth.h"

/* What filters do around a request: how many there may be at once, and how long the client gives one. */

/* ---- how many ------------------------------------------------------------------------------------ */

static bool is_long(const struct access *a)
{
    static const char *const subresources[] = { "attach", "exec", "log", "portforward", "proxy" };

    if (streq(a->verb, "watch") || streq(a->verb, "proxy"))
        return true;
    for (size_t i = 0; i < ARRAY_SIZE(subresources); i++)
        if (streq(a->subresource, subresources[i]))
            return true;
    return false;
}

static bool is_mutating(const struct access *a)
{
    return !streq(a->verb, "get") && !streq(a->verb, "list") && !streq(a->verb, "watch");
}

/* A client in the same process is the real server's loopback, which always gets an answer; so do administrators, where
 * not everybody is one. */
static bool is_privileged(const struct call *c)
{
    return !c->q->remote || (c->s->auth->rbac && user_in_group(c->user, "system:masters"));
}

bool call_is_long(struct call *c)
{
    struct access access;

    access_of_call(c, &access);
    return is_long(&access);
}

int inflight_enter(struct call *c)
{
    struct access access;

    if (!c->s->inflight[false].limit && !c->s->inflight[true].limit)
        return 0;
    access_of_call(c, &access);
    if (is_long(&access))
        return 0;
    struct inflight *in = &c->s->inflight[is_mutating(&access)];
    if (in->limit && in->n >= in->limit) {
        if (is_privileged(c))
            return 0;
        call_header(c, "Retry-After", "1");
        return reply_text(c, 429, "text/plain; charset=utf-8", "Too many requests, please try again later.\n");
    }
    in->n++;
    c->inflight = in;
    return 0;
}

void inflight_leave(struct call *c)
{
    if (c->inflight)
        c->inflight->n--;
    c->inflight = NULL;
}

/* ---- how long ------------------------------------------------------------------------------------ */

#define ALLOTTED "Timeout: request did not complete within the allotted timeout"

int client_out_of_time(struct call *c)
{
    c->out_of_time = true;
    return apierr_set(&c->err, APIERR_TIMEOUT, ALLOTTED);
}

void reply_out_of_time(struct call *c)
{
    static const char status[] = "{\"metadata\":{},\"status\":\"Failure\",\"message\":\"" ALLOTTED
                                 "\",\"reason\":\"Timeout\",\"details\":{},\"code\":504}\n";

    reply_blob(c, 504, "text/plain; charset=utf-8", blob_new(status, sizeof(status) - 1));
}
