/* bend.h — clients that break one rule each on their way to the API server: villains for the scenarios.
 *
 * A bent client changes a controller's request before it is sent. The suite has to notice from what
 * follows, as it would with a controller written that way.
 */
#pragma once

#include "conformance/scenario/faults.h"

struct bend {
    const char *name, *sentence;
    /* The body to send instead, a new reference, or NULL: as it is. */
    json_t *(*body)(const struct subject *s);
    bool twice;                        /* sends writes a second time */
};
const struct bend *bend_find(const char *name);  /* NULL: nobody of that name */
const struct bend *bend_at(size_t i);            /* NULL past the last */
