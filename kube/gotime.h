/* gotime.h — times and durations as Go's package of time reads them, with its sentences when it does not.
 *
 * Times are those of metadata and kinds (K-028): RFC 3339, any year from 0 to 9999, unlike the world's clock.
 * Durations are those of ?timeout= (A-096), of a schedule's "@every" (B-176), of CEL and of our own options.
 */
#pragma once

#include "world/arena.h"
#include "world/clock.h"

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

/* "1h30m", "-1.5s", "0": numbers with units, one after the other. NULL, or Go's sentence in `arena`. */
const char *goduration_parse(struct arena *arena, const char *text, size_t len, duration *ret);

/* In quotes, every byte beyond ASCII and below a blank as \xff. */
const char *gotime_quote(struct arena *arena, const char *s, size_t len);
