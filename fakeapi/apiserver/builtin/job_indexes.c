#include "fakeapi/apiserver/builtin/jobs_priv.h"

#include <inttypes.h>

#include "fakeapi/apiserver/builtin/rules.h"

/* Lists of a Job's indexes: "1,3-5", in rising order (B-178). */

struct interval { int64_t first, last; };

static const char *index_read(struct arena *a, const char *s, int64_t below, int64_t *index)
{
    uint64_t n;

    if (!parse_u64(s + (*s == '+'), &n) || n > INT64_MAX)
        return arena_printf(a, "cannot convert string to integer for index: \"%s\"", s);
    *index = (int64_t)n;
    return *index >= below ? arena_printf(a, "too large index: \"%s\"", s) : NULL;
}

static const char *falls(struct arena *a, int64_t previous, int64_t current)
{
    return current > previous ? NULL
                              : arena_printf(a, "non-increasing order, previous: %" PRId64 ", current: %" PRId64,
                                             previous, current);
}

static const char *interval_read(struct arena *a, char *s, int64_t below, struct interval *out)
{
    char *end = strchr(s, '-');
    const char *why;

    if (end && strchr(end + 1, '-'))
        return arena_printf(a, "the fragment \"%s\" violates the requirement that an index interval can have at most two parts "
                            "separated by '-'", s);
    if (end)
        *end++ = '\0';
    if ((why = index_read(a, s, below, &out->first)))
        return why;
    if (!end) {
        out->last = out->first;
        return NULL;
    }
    why = index_read(a, end, below, &out->last);
    return why ? why : falls(a, out->first, out->last);
}

const char *job_indexes(struct arena *a, const char *text, int64_t total, int64_t *count)
{
    char *rest = arena_strdup(a, text), *part;
    struct interval in;
    const char *why;
    int64_t last = -1, sum = 0;

    *count = 0;
    while (*text && (part = strsep(&rest, ","))) {
        if ((why = interval_read(a, part, total, &in)) || (why = falls(a, last, in.first)))
            return why;
        last = in.last;
        sum += in.last - in.first + 1;
    }
    *count = sum;
    return NULL;
}

/* The next interval of `rest` that can be read; what cannot is job_indexes' to report. */
static bool next_interval(struct arena *a, char **rest, int64_t total, struct interval *out)
{
    char *part;

    while ((part = strsep(rest, ",")))
        if (!interval_read(a, part, total, out))
            return true;
    return false;
}

bool job_indexes_meet(struct arena *a, const char *one, const char *other, int64_t total, int64_t *where)
{
    char *rest[] = { arena_strdup(a, one), arena_strdup(a, other) };
    struct interval x, y;
    bool more = next_interval(a, &rest[0], total, &x) && next_interval(a, &rest[1], total, &y);

    while (more) {
        *where = x.first > y.first ? x.first : y.first;
        if (x.first <= y.last && y.first <= x.last)
            return true;
        more = x.first <= y.first ? next_interval(a, &rest[0], total, &x) : next_interval(a, &rest[1], total, &y);
    }
    return false;
}
