/* gotime.h — RFC 3339 as Go's time.Parse reads it, with its sentences when it does not.
 *
 * For what comes in metadata and kinds (K-028): any year from 0 to 9999, unlike the world's clock.
 */
#pragma once

#include "world/arena.h"

struct gotime {
    int64_t s;                         /* since 1970-01-01T00:00:00Z; may be far below zero */
    int32_t ns;
};

#define GOTIME_ZERO ((struct gotime){ .s = INT64_C(-62135596800) })       /* 0001-01-01T00:00:00Z */
bool gotime_is_zero(struct gotime t);

/* NULL, or Go's sentence in `arena`. micro: exactly six digits of a second, as MicroTime wants them. */
const char *gotime_parse(struct arena *arena, const char *text, size_t len, bool micro, struct gotime *ret);

#define GOTIME_TEXT_MAX 48
void gotime_format(struct gotime t, bool micro, char ret[GOTIME_TEXT_MAX]);   /* UTC */
