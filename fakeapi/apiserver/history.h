/* history.h — what clients were told, against what happened: the guarantees of watches and lists, checked.
 *
 * The truth is the store's own log. A watch's record is judged by what the log says it had to be told:
 *   ordered, unique, reliable   its events are the log's, each once, in order, none left out
 *   atomic                      each shows the object as it was at that revision, and the right type for the selector
 *   bookmarkable                a bookmark never runs ahead of an event, and revisions never go back
 *   resumable                   what follows a revision does, on another connection too, or 410
 * A list's pages are one state: the one at their revision. For tests.
 */
#pragma once

#include "fakeapi/store/store.h"

struct happened {
    uint64_t revision;
    enum store_event_type type;
    char *namespace, *name;
    json_t *object, *previous;         /* previous NULL: it was not there */
};

struct history {
    struct store *store;
    struct store_watch *watch;
    char *prefix;
    DYN(struct happened) log;
};

/* Watches what is below the store prefix of a namespaced kind, and what is there already. */
struct history *history_new(struct store *s, const char *prefix);
struct history *history_free(struct history *h); /* NULL is fine; returns NULL */

/* Which objects: "" everything; a label that must have a value. */
struct selection {
    const char *namespace, *label, *value;
};

struct told {
    const char *type;
    uint64_t revision;
    json_t *object;                    /* owned by the record */
    bool initial_end;
};

struct watch_record {
    struct selection of;
    uint64_t from;                     /* the revision it resumed from; 0: the present, its objects first */
    bool bookmarks;
    uint64_t low, high;                /* the store's revision before it was opened and after */
    uint64_t floor;                    /* the store's compaction floor before it was opened */
    bool complete;                     /* it was read until there was nothing left to tell */
    DYN(struct told) frames;
};

struct list_record {
    struct selection of;
    uint64_t asked;                    /* 0: none */
    bool exact;
    uint64_t low, high;
    DYN(uint64_t) revisions;           /* of each page */
    DYN(int64_t) remaining;            /* behind each page; -1: not said */
    DYN(size_t) page_ends;
    DYN(json_t *) items;
};

/* What is wrong with it, in the caller's hands to free, or NULL. */
char *history_check_watch(const struct history *h, const struct watch_record *w);
char *history_check_list(const struct history *h, const struct list_record *l);
char *history_check_write(const struct history *h, uint64_t revision, const json_t *object);

void watch_record_release(struct watch_record *w);
void list_record_release(struct list_record *l);
