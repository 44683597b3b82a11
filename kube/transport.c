#include "kube/transport.h"

#include <strings.h>

static const char *find_header(const struct api_header *v, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcasecmp(v[i].name, name) == 0)
            return v[i].value;
    return NULL;
}

const char *api_request_header(const struct api_request *q, const char *name)
{
    return find_header(q->headers, q->n_headers, name);
}

const char *api_reply_header(const struct api_reply *r, const char *name)
{
    return find_header(r->headers, r->n_headers, name);
}

int api_stream_poll(struct api_stream *s, struct api_frame *ret)
{
    return s->ops->poll(s, ret);
}

int api_stream_poll_bytes(struct api_stream *s, struct blob **ret)
{
    return s->ops->poll_bytes(s, ret);
}

int api_stream_next(struct co *co, struct api_stream *s, struct instant deadline, struct api_frame *ret)
{
    for (;;) {
        int r = s->ops->poll(s, ret);

        if (r)
            return r;
        r = waitq_wait_until(co, &s->ready, deadline);
        if (r < 0)
            return r;
    }
}

void api_stream_signal(struct api_stream *s)
{
    waitq_wake_all(&s->ready);
    if (s->notify)
        s->notify(s->notify_arg);
}

struct api_stream *api_stream_free(struct api_stream *s)
{
    if (s)
        s->ops->free(s);
    return NULL;
}

void api_reply_release(struct api_reply *r)
{
    json_decref(r->object);
    blob_unref(r->body);
    api_stream_free(r->stream);
    arena_free(r->arena);
    *r = (struct api_reply){ 0 };
}

int transport_call(struct co *co, struct transport *t, const struct api_request *q, struct api_reply *ret)
{
    *ret = (struct api_reply){ 0 };
    return t->ops->call(co, t, q, ret);
}

struct transport *transport_free(struct transport *t)
{
    if (t)
        t->ops->free(t);
    return NULL;
}
