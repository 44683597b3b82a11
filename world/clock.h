/* clock.h — instants and durations on the world's clock. */
#pragma once

#include "world/base.h"

/* Nanoseconds since 1970-01-01T00:00:00Z on the world's clock. A struct, so that adding two of
 * them does not compile. */
struct instant {
    int64_t ns;
};

typedef int64_t duration; /* ns, may be negative */

#define DURATION_NS(n) ((duration)(n))
#define DURATION_US(n) ((duration)(n) * 1000)
#define DURATION_MS(n) ((duration)(n) * 1000000)
#define DURATION_S(n) ((duration)(n) * 1000000000)
#define DURATION_MIN(n) DURATION_S((n) * 60)

#define INSTANT_NEVER ((struct instant){ INT64_MAX })

/* A simulated world starts here: 2025-01-01T00:00:00Z. */
#define SIM_EPOCH ((struct instant){ INT64_C(1735689600) * 1000000000 })

struct instant instant_add(struct instant t, duration d);      /* saturates */
duration instant_sub(struct instant a, struct instant b);      /* a - b, saturates */
static inline bool instant_before(struct instant a, struct instant b)
{
    return a.ns < b.ns;
}

/* RFC 3339 in UTC. Seconds ("2025-01-01T00:00:00Z"), or with six digits as MicroTime has them. */
#define TIME_TEXT_MAX 32
void time_format(struct instant t, char ret[TIME_TEXT_MAX]);
void time_format_micro(struct instant t, char ret[TIME_TEXT_MAX]);
/* Any RFC 3339 offset; strict. An instant holds 1677 to 2262: a time outside is valid and becomes the
 * nearest end (INSTANT_NEVER for the year 9999). */
bool time_parse(const char *text, struct instant *ret);
