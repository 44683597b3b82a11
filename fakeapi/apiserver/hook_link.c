#include "fakeapi/apiserver/hook_link.h"

struct served {
    char *place;
    hook_fn *fn;
    void *arg;
};

struct hook_link {
    struct hook_caller base;
    struct world *world;
    struct hook_link_options options;
    DYN(struct served) served;
};

static const struct served *find(const struct hook_link *l, const struct hook_request *q)
{
    for (size_t i = 0; i < l->served.n; i++) {
        const char *place = l->served.v[i].place;
        size_t len = strlen(place);
        if (q->dial ? streq(q->dial, place) : strncmp(q->url, place, len) == 0 && strchr("/?:", q->url[len]))
            return &l->served.v[i];
    }
    return NULL;
}

static int refused(const struct hook_request *q, struct arena *a, struct err *e)
{
    const char *host = strstr(q->url, "://");

    host = host ? host + 3 : q->url;
    return err_set(e, ERR_UNAVAILABLE, "dial tcp %s: connect: connection refused",
                   q->dial ? q->dial : arena_strndup(a, host, strcspn(host, "/?")));
}

/* ---- faults --------------------------------------------------------------------------------------- */

static bool fault(struct hook_link *l, const char *where)
{
    return l->options.fault_den && choose_fault(l->world, l->options.fault_num, l->options.fault_den, where);
}

/* Nobody answers: the caller waits for as long as he will. */
static int silence(struct co *co, struct instant deadline, struct err *e)
{
    if (co_sleep_until(co, deadline) < 0)
        return err_set(e, ERR_CANCELLED, "context canceled");
    return err_set(e, ERR_TIMEOUT, "context deadline exceeded");
}

static int travel(struct co *co, struct hook_link *l)
{
    static const duration delays[] = { 0, DURATION_MS(1), DURATION_MS(100), DURATION_S(2) };
    duration d = l->options.fault_den ? delays[choose(l->world, CHOICE_DELAY, ARRAY_SIZE(delays), "webhook delay")] : 0;

    return d ? co_sleep(co, d) : 0;
}

/* What a broken peer or a proxy in between makes of a reply. */
static int lie(struct hook_link *l, struct arena *a, struct hook_reply *ret, struct err *e)
{
    switch (choose(l->world, CHOICE_PICK, 4, "webhook lie")) {
    case 0:
        ret->status = 502;
        ret->content_type = "text/html";
        ret->body = "<html>bad gateway</html>";
        break;
    case 1:
        ret->body = arena_strndup(a, ret->body, ret->len / 2);
        break;
    case 2:
        ret->body = "";
        break;
    default:
        ret->began = true;
        return err_set(e, ERR_PROTOCOL, "unexpected EOF");
    }
    ret->len = strlen(ret->body);
    return 0;
}

/* ---- the call ------------------------------------------------------------------------------------- */

static int link_call(struct co *co, struct hook_caller *base, const struct hook_request *q, struct arena *a,
                     struct hook_reply *ret, struct err *e)
{
    struct hook_link *l = container_of(base, struct hook_link, base);
    struct instant deadline = instant_add(world_now(l->world), q->timeout);
    const struct served *s = find(l, q);

    *ret = (struct hook_reply){ .body = "" };
    if (!s)
        return refused(q, a, e);
    if (fault(l, "webhook request"))
        return silence(co, deadline, e);
    int r = travel(co, l);
    if (r == 0)
        r = s->fn(co, s->arg, q, a, ret, e);
    if (r == 0)
        r = travel(co, l);
    if (r == -ERR_CANCELLED)
        return err_set(e, ERR_CANCELLED, "context canceled");
    if (fault(l, "webhook reply"))
        return silence(co, deadline, e);
    if (instant_before(deadline, world_now(l->world)))
        return err_set(e, ERR_TIMEOUT, "context deadline exceeded");
    return r == 0 && fault(l, "webhook lie") ? lie(l, a, ret, e) : r;
}

static void link_free(struct hook_caller *base)
{
    struct hook_link *l = container_of(base, struct hook_link, base);

    for (size_t i = 0; i < l->served.n; i++)
        free(l->served.v[i].place);
    dyn_release(&l->served);
    free(l);
}

static const struct hook_caller_ops link_ops = { "link", link_call, link_free };

struct hook_caller *hook_link_new(struct world *w, const struct hook_link_options *o)
{
    struct hook_link *l = xcalloc(1, sizeof(*l));

    l->base.ops = &link_ops;
    l->world = w;
    l->options = *o;
    return &l->base;
}

void hook_link_serve(struct hook_caller *link, const char *place, hook_fn *fn, void *arg)
{
    struct hook_link *l = container_of(link, struct hook_link, base);

    *dyn_push(&l->served) = (struct served){ xstrdup(place), fn, arg };
}
