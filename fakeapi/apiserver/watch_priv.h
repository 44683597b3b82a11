/* watch_priv.h — a watch from inside, for watch.c and for those that wait on a webhook (watch_convert.c). */
#pragma once

#include "fakeapi/apiserver/server.h"

enum frame_type { FRAME_ADDED, FRAME_MODIFIED, FRAME_DELETED, FRAME_BOOKMARK, FRAME_ERROR };

struct rendering {
    const struct kind *kind;
    enum frame_type type;
    enum media media;
    struct blob *blob;
};

/* What a webhook made of the event's object for a version; `leaving`: of what left a selection. */
struct converted {
    const struct kind *kind;
    bool leaving;
    json_t *tree;
};

struct watch_event {
    unsigned refs;
    uint64_t revision;
    enum store_event_type type;
    struct value *value, *previous;
    json_t *leaving;                   /* `previous` with the event's revision; made when asked for */
    DYN(struct rendering) renderings;
    DYN(struct converted) converted;
};

struct frame {
    enum frame_type type;
    struct watch_event *event;         /* NULL: `object` alone */
    json_t *object;
    bool waits;                        /* for a webhook to convert it: nothing behind it is sent either */
};

struct watch {
    struct api_stream stream;
    struct apiserver *s;
    const struct kind *kind;
    struct filter *filter;             /* NULL: everything */
    char *prefix;
    struct encoding out;
    char *include_object;              /* Tables: as the request said */
    struct store_watch *subscription;
    struct frame *queue;               /* a ring */
    size_t head, n, cap;
    struct timer end, bookmark;
    struct instant ends_at;
    bool bookmarks, over, sent_columns, held;
    uint64_t seen;                     /* revision up to which nothing is outstanding */
    struct watch *next, **link;
};

static inline struct frame *watch_frame(struct watch *w, size_t i)
{
    return &w->queue[(w->head + i) % w->cap];
}
static inline bool frame_leaving(const struct frame *f)
{
    return f->type == FRAME_DELETED && f->event->type != STORE_DELETE;
}
/* The object of the frame as it is stored; borrowed. */
json_t *frame_tree(struct frame *f);
void watch_event_unref(struct watch_event *e);   /* NULL is fine */
/* An error for the client instead of the frames from the first that waits on, and the end. */
void watch_fail(struct watch *w, const struct apierr *err);

/* ---- watch_convert.c ------------------------------------------------------------------------------ */

/* Sees to it that a frame whose object a webhook must convert is; it may wait from here on. */
void watch_convert(struct watch *w, struct frame *f);
/* What was made of it; NULL: nothing. Borrowed. */
json_t *watch_converted(const struct watch *w, const struct frame *f);
void watch_converted_release(struct watch_event *e);
void watch_convert_gone(struct watch *w);        /* it is no longer among the open ones */
