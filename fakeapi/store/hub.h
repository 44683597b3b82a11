/* hub.h — who watches which prefix.
 *
 * Watches of one prefix stand together; prefixes are sorted, and each knows the longest other one that
 * it starts with. The prefixes of a key are therefore found in a few steps, however many watches there
 * are, and all told in the order in which they subscribed.
 */
#pragma once

#include "fakeapi/store/store.h"

struct hub {
    DYN(struct hub_group *) groups;    /* by prefix */
    uint64_t seq;
    bool telling, swept;               /* swept: something was unsubscribed meanwhile */
};

void hub_release(struct hub *h);       /* nobody may watch any more */
struct store_watch *hub_add(struct hub *h, const char *prefix, store_watch_fn *fn, void *arg);
void hub_remove(struct store_watch *w);
void hub_tell(struct hub *h, const struct store_event *e);
