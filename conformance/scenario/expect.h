/* expect.h — is it so? Expectations of the language, evaluated on a history. */
#pragma once

#include "conformance/scenario/history.h"
#include "conformance/scenario/match.h"

/* What was wanted and what was there instead: of the first thing that did not fit. */
struct finding {
    bool holds;
    const char *wanted, *found;        /* in the arena given; "" where it holds */
};

/* Of the objects as they are now. */
struct finding expect_now(const struct expect *e, const struct history *h, const struct variables *v,
                          struct arena *a);
/* Of any version since the last mark (`seen`), or of no version (`never`). */
struct finding expect_seen(const struct expect *e, const struct history *h, const struct variables *v,
                           struct arena *a);
struct finding expect_never(const struct expect *e, const struct history *h, const struct variables *v,
                            struct arena *a);
struct finding expect_calls(const struct calls *c, const struct history *h, const struct variables *v,
                            struct arena *a);
struct finding expect_order(const struct order *o, const struct history *h, const struct variables *v,
                            struct arena *a);
