#include "kube/kcel/libs.h"

/* isSorted, sum, min, max, indexOf, lastIndexOf. */

static struct cel_value is_sorted(struct cel_run *run, const struct cel_value *args, size_t n)
{
    struct cel_value before = CEL_NULL_VALUE;
    int order;

    if (args[0].kind != CEL_LIST)
        return cel_no_such_overload(run);
    for (size_t i = 0; i < args[0].list->n; i++) {
        struct cel_value v = cel_list_get(run, args[0].list, i);
        if (cel_is_error(v))
            return v;
        if (!cel_work(run, 1))
            return cel_overrun(run);
        if (i && !cel_compare(before, v, &order))
            return cel_no_such_overload(run);
        if (i && order > 0)
            return cel_bool(false);
        before = v;
    }
    return cel_bool(true);
}

static struct cel_value add(struct cel_run *run, struct cel_value sum, struct cel_value v)
{
    if (sum.kind != v.kind)
        return cel_no_such_overload(run);
    switch (v.kind) {
    case CEL_INT:
        return __builtin_add_overflow(sum.i, v.i, &sum.i) ? cel_error(run, "integer overflow") : sum;
    case CEL_UINT:
        return __builtin_add_overflow(sum.u, v.u, &sum.u) ? cel_error(run, "unsigned integer overflow") : sum;
    case CEL_DURATION:
        return __builtin_add_overflow(sum.i, v.i, &sum.i) ? cel_error(run, "duration overflow") : sum;
    case CEL_DOUBLE:
        sum.d += v.d;
        return sum;
    default:
        return cel_no_such_overload(run);
    }
}

static struct cel_value sum_from(struct cel_run *run, const struct cel_value *args, struct cel_value sum)
{
    if (args[0].kind != CEL_LIST)
        return cel_no_such_overload(run);
    for (size_t i = 0; i < args[0].list->n && !cel_is_error(sum); i++) {
        struct cel_value v = cel_list_get(run, args[0].list, i);
        if (cel_is_error(v))
            return v;
        if (!cel_work(run, 1))
            return cel_overrun(run);
        sum = add(run, sum, v);
    }
    return sum;
}

static struct cel_value sum_int(struct cel_run *run, const struct cel_value *args, size_t n)
{
    return sum_from(run, args, cel_int(0));
}

static struct cel_value sum_uint(struct cel_run *run, const struct cel_value *args, size_t n)
{
    return sum_from(run, args, cel_uint(0));
}

static struct cel_value sum_double(struct cel_run *run, const struct cel_value *args, size_t n)
{
    return sum_from(run, args, cel_double(0));
}

static struct cel_value sum_duration(struct cel_run *run, const struct cel_value *args, size_t n)
{
    return sum_from(run, args, cel_duration(0));
}

/* `sign`: what a comparison with the best so far must yield to be better: 1 for a minimum. */
static struct cel_value best(struct cel_run *run, const struct cel_value *args, const char *name, int sign)
{
    struct cel_value found = CEL_NULL_VALUE;
    int order;

    if (args[0].kind != CEL_LIST)
        return cel_no_such_overload(run);
    for (size_t i = 0; i < args[0].list->n; i++) {
        struct cel_value v = cel_list_get(run, args[0].list, i);
        if (cel_is_error(v))
            return v;
        if (!cel_work(run, 1))
            return cel_overrun(run);
        if (i && !cel_compare(found, v, &order))
            return cel_no_such_overload(run);
        if (!i || order == sign)
            found = v;
    }
    return args[0].list->n ? found : cel_error(run, "%s called on empty list", name);
}

static struct cel_value list_min(struct cel_run *run, const struct cel_value *args, size_t n)
{
    return best(run, args, "min", 1);
}

static struct cel_value list_max(struct cel_run *run, const struct cel_value *args, size_t n)
{
    return best(run, args, "max", -1);
}

static struct cel_value find_index(struct cel_run *run, const struct cel_value *args, bool last)
{
    if (args[0].kind != CEL_LIST)
        return cel_no_such_overload(run);
    size_t n = args[0].list->n;
    for (size_t k = 0; k < n; k++) {
        size_t i = last ? n - 1 - k : k;
        if (!cel_work(run, 1))
            return cel_overrun(run);
        if (cel_is_true(cel_equal(run, cel_list_get(run, args[0].list, i), args[1])))
            return cel_int((int64_t)i);
    }
    return cel_int(-1);
}

static struct cel_value index_of(struct cel_run *run, const struct cel_value *args, size_t n)
{
    return find_index(run, args, false);
}

static struct cel_value last_index_of(struct cel_run *run, const struct cel_value *args, size_t n)
{
    return find_index(run, args, true);
}

#define SORTED(t)                                                                                          \
    { .function = "isSorted", .id = "list_" #t "_is_sorted_bool", .signature = "list(" #t ").() bool", .fn = is_sorted }
#define SUM(t) { .function = "sum", .id = "list_" #t "_sum_" #t, .signature = "list(" #t ").() " #t, .fn = sum_##t }
#define MAX(t) { .function = "max", .id = "list_" #t "_max_" #t, .signature = "list(" #t ").() " #t, .fn = list_max }
#define MIN(t) { .function = "min", .id = "list_" #t "_min_" #t, .signature = "list(" #t ").() " #t, .fn = list_min }
#define COMPARABLE(M) M(int), M(uint), M(double), M(bool), M(duration), M(timestamp), M(string), M(bytes)

static const struct cel_overload rows[] = {
    COMPARABLE(SORTED),
    SUM(int), SUM(uint), SUM(double), SUM(duration),
    COMPARABLE(MAX),
    COMPARABLE(MIN),
    { .function = "indexOf", .id = "list_a_index_of_int", .signature = "list(A).(A) int", .fn = index_of },
    { .function = "lastIndexOf", .id = "list_a_last_index_of_int", .signature = "list(A).(A) int", .fn = last_index_of },
};

const struct kcel_lib kcel_lists = { rows, ARRAY_SIZE(rows) };
