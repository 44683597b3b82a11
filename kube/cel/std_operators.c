/* The operators. One function serves all overloads of an operator and looks at what it got: a program whose types
 * were not known in advance may hand it anything. */
#include <math.h>

#include "kube/cel/cel_priv.h"

/* ---- what cannot be ---------------------------------------------------------------------------- */

/* The left side knows no such operator. What has methods is asked for one, and says so in other words. */
static struct cel_value no_operator(struct cel_run *run, struct cel_value left, const char *name)
{
    if (left.kind == CEL_STRING || left.kind == CEL_TIMESTAMP || left.kind == CEL_DURATION)
        return cel_no_such_overload(run);
    return cel_error(run, "no such overload: %s", name);
}

static struct cel_value overflow(struct cel_run *run, const char *what)
{
    return cel_error(run, "%s overflow", what);
}

/* ---- arithmetic ------------------------------------------------------------------------------- */

static struct cel_value add_int(struct cel_run *run, int64_t a, int64_t b)
{
    int64_t sum;

    return __builtin_add_overflow(a, b, &sum) ? overflow(run, "integer") : cel_int(sum);
}

static struct cel_value subtract_int(struct cel_run *run, int64_t a, int64_t b)
{
    int64_t difference;

    return __builtin_sub_overflow(a, b, &difference) ? overflow(run, "integer") : cel_int(difference);
}

static struct cel_value as_duration(struct cel_run *run, struct cel_value v)
{
    return cel_is_error(v) ? overflow(run, "integer") : cel_duration(v.i);
}

/* The years 1 to 9999. */
#define TIME_MIN INT64_C(-62135596800)
#define TIME_MAX INT64_C(253402300799)

static struct cel_value add_time(struct cel_run *run, struct cel_value t, int64_t ns)
{
    int64_t s = t.time.s + ns / 1000000000, rest = t.time.ns + ns % 1000000000;

    if (rest < 0) {
        rest += 1000000000;
        s--;
    } else if (rest >= 1000000000) {
        rest -= 1000000000;
        s++;
    }
    if (s < TIME_MIN || s > TIME_MAX)
        return overflow(run, "timestamp");
    t.time.s = s;
    t.time.ns = (int32_t)rest;
    return t;
}

static struct cel_value time_between(struct cel_run *run, struct cel_value a, struct cel_value b)
{
    int64_t ns;

    if (__builtin_mul_overflow(a.time.s - b.time.s, INT64_C(1000000000), &ns) ||
        __builtin_add_overflow(ns, (int64_t)a.time.ns - b.time.ns, &ns))
        return overflow(run, "integer");
    return cel_duration(ns);
}

static struct cel_value joined(struct cel_run *run, struct cel_value a, struct cel_value b)
{
    char *s = arena_alloc(run->arena, a.len + b.len + 1);

    if (a.len)
        memcpy(s, a.s, a.len);
    if (b.len)
        memcpy(s + a.len, b.s, b.len);
    a.s = s;
    a.len += b.len;
    return a;
}

static struct cel_value add(struct cel_run *run, const struct cel_value *args, size_t n)
{
    struct cel_value a = args[0], b = args[1];
    uint64_t sum;

    switch (a.kind) {
    case CEL_INT: case CEL_UINT: case CEL_DOUBLE: case CEL_STRING: case CEL_BYTES: case CEL_LIST: case CEL_DURATION:
    case CEL_TIMESTAMP:
        break;
    default:
        return no_operator(run, a, "_+_");
    }
    if (a.kind == CEL_TIMESTAMP && b.kind == CEL_DURATION)
        return add_time(run, a, b.i);
    if (a.kind == CEL_DURATION && b.kind == CEL_TIMESTAMP)
        return add_time(run, b, a.i);
    if (a.kind != b.kind || a.kind == CEL_TIMESTAMP)
        return cel_no_such_overload(run);
    switch (a.kind) {
    case CEL_INT: return add_int(run, a.i, b.i);
    case CEL_UINT: return __builtin_add_overflow(a.u, b.u, &sum) ? overflow(run, "unsigned integer") : cel_uint(sum);
    case CEL_DOUBLE: return cel_double(a.d + b.d);
    case CEL_DURATION: return as_duration(run, add_int(run, a.i, b.i));
    case CEL_LIST: return cel_list_concat(run, a.list, b.list);
    default: return joined(run, a, b);
    }
}

static struct cel_value subtract(struct cel_run *run, const struct cel_value *args, size_t n)
{
    struct cel_value a = args[0], b = args[1];

    if (a.kind == CEL_TIMESTAMP && b.kind == CEL_DURATION)
        return b.i == INT64_MIN ? overflow(run, "integer") : add_time(run, a, -b.i);
    switch (a.kind) {
    case CEL_INT: case CEL_UINT: case CEL_DOUBLE: case CEL_DURATION: case CEL_TIMESTAMP:
        break;
    default:
        return no_operator(run, a, "_-_");
    }
    if (a.kind != b.kind)
        return cel_no_such_overload(run);
    switch (a.kind) {
    case CEL_INT: return subtract_int(run, a.i, b.i);
    case CEL_UINT: return b.u > a.u ? overflow(run, "unsigned integer") : cel_uint(a.u - b.u);
    case CEL_DOUBLE: return cel_double(a.d - b.d);
    case CEL_DURATION: return as_duration(run, subtract_int(run, a.i, b.i));
    default: return time_between(run, a, b);
    }
}

static struct cel_value multiply(struct cel_run *run, const struct cel_value *args, size_t n)
{
    struct cel_value a = args[0], b = args[1];
    int64_t i;
    uint64_t u;

    if (a.kind != CEL_INT && a.kind != CEL_UINT && a.kind != CEL_DOUBLE)
        return no_operator(run, a, "_*_");
    if (a.kind != b.kind)
        return cel_no_such_overload(run);
    if (a.kind == CEL_INT)
        return __builtin_mul_overflow(a.i, b.i, &i) ? overflow(run, "integer") : cel_int(i);
    if (a.kind == CEL_UINT)
        return __builtin_mul_overflow(a.u, b.u, &u) ? overflow(run, "unsigned integer") : cel_uint(u);
    return cel_double(a.d * b.d);
}

static struct cel_value divide(struct cel_run *run, const struct cel_value *args, size_t n)
{
    struct cel_value a = args[0], b = args[1];

    if (a.kind != CEL_INT && a.kind != CEL_UINT && a.kind != CEL_DOUBLE)
        return no_operator(run, a, "_/_");
    if (a.kind != b.kind)
        return cel_no_such_overload(run);
    if (a.kind == CEL_DOUBLE)
        return cel_double(a.d / b.d);
    if (b.u == 0)
        return cel_error(run, "division by zero");
    if (a.kind == CEL_UINT)
        return cel_uint(a.u / b.u);
    return a.i == INT64_MIN && b.i == -1 ? overflow(run, "integer") : cel_int(a.i / b.i);
}

static struct cel_value modulo(struct cel_run *run, const struct cel_value *args, size_t n)
{
    struct cel_value a = args[0], b = args[1];

    if (a.kind != CEL_INT && a.kind != CEL_UINT)
        return no_operator(run, a, "_%_");
    if (a.kind != b.kind)
        return cel_no_such_overload(run);
    if (b.u == 0)
        return cel_error(run, "modulus by zero");
    if (a.kind == CEL_UINT)
        return cel_uint(a.u % b.u);
    return a.i == INT64_MIN && b.i == -1 ? overflow(run, "integer") : cel_int(a.i % b.i);
}

static struct cel_value negate(struct cel_run *run, const struct cel_value *args, size_t n)
{
    switch (args[0].kind) {
    case CEL_INT: return args[0].i == INT64_MIN ? overflow(run, "integer") : cel_int(-args[0].i);
    case CEL_DOUBLE: return cel_double(-args[0].d);
    case CEL_DURATION: return args[0].i == INT64_MIN ? overflow(run, "integer") : cel_duration(-args[0].i);
    case CEL_BOOL: return cel_no_such_overload(run);
    default: return no_operator(run, args[0], "-_");
    }
}

static struct cel_value not(struct cel_run *run, const struct cel_value *args, size_t n)
{
    return args[0].kind == CEL_BOOL ? cel_bool(!args[0].b) : cel_no_such_overload(run);
}

/* ---- order ------------------------------------------------------------------------------------ */

static struct cel_value compare(struct cel_run *run, const struct cel_value *args, const char *name, int *ret)
{
    struct cel_value a = args[0], b = args[1];

    switch (a.kind) {
    case CEL_BOOL: case CEL_INT: case CEL_UINT: case CEL_DOUBLE: case CEL_STRING: case CEL_BYTES: case CEL_TIMESTAMP:
    case CEL_DURATION:
        break;
    default:
        return no_operator(run, a, name);
    }
    if (cel_compare(a, b, ret))
        return cel_bool(true);
    if ((a.kind == CEL_DOUBLE && isnan(a.d)) || (b.kind == CEL_DOUBLE && isnan(b.d)))
        return cel_error(run, "NaN values cannot be ordered");
    return cel_no_such_overload(run);
}

#define ORDER(function, name, holds)                                                                         \
    static struct cel_value function(struct cel_run *run, const struct cel_value *args, size_t n)            \
    {                                                                                                        \
        int order = 0;                                                                                       \
        struct cel_value known = compare(run, args, name, &order);                                           \
                                                                                                             \
        return cel_is_error(known) ? known : cel_bool(holds);                                                \
    }
ORDER(less, "_<_", order < 0)
ORDER(less_equals, "_<=_", order <= 0)
ORDER(greater, "_>_", order > 0)
ORDER(greater_equals, "_>=_", order >= 0)

/* ---- in --------------------------------------------------------------------------------------- */

static struct cel_value in(struct cel_run *run, const struct cel_value *args, size_t n)
{
    struct cel_value found;

    if (args[1].kind == CEL_MAP || args[1].kind == CEL_OBJECT)
        return !cel_map_find(run, args[1].map, args[0], &found) ? cel_bool(false)
               : cel_is_error(found)                            ? found
                                                                : cel_bool(true);
    if (args[1].kind != CEL_LIST)
        return cel_no_such_overload(run);
    for (size_t i = 0; i < args[1].list->n; i++) {
        struct cel_value eq = cel_equal(run, args[0], cel_list_get(run, args[1].list, i));
        if (cel_is_true(eq) || run->ended)
            return eq;
    }
    return cel_bool(false);
}

/* Planned as steps of their own (plan.c): these rows only give them types. */
static struct cel_value planned(struct cel_run *run, const struct cel_value *args, size_t n)
{
    return cel_no_such_overload(run);
}

/* ---- the rows --------------------------------------------------------------------------------- */

#define COMPARISONS(name, id, fn)                                        \
    { name, id "_bool", "(bool, bool) bool", fn },           \
    { name, id "_int64", "(int, int) bool", fn },            \
    { name, id "_int64_double", "(int, double) bool", fn },  \
    { name, id "_int64_uint64", "(int, uint) bool", fn },    \
    { name, id "_uint64", "(uint, uint) bool", fn },         \
    { name, id "_uint64_double", "(uint, double) bool", fn },\
    { name, id "_uint64_int64", "(uint, int) bool", fn },    \
    { name, id "_double", "(double, double) bool", fn },     \
    { name, id "_double_int64", "(double, int) bool", fn },  \
    { name, id "_double_uint64", "(double, uint) bool", fn },\
    { name, id "_string", "(string, string) bool", fn },     \
    { name, id "_bytes", "(bytes, bytes) bool", fn },        \
    { name, id "_timestamp", "(timestamp, timestamp) bool", fn }, \
    { name, id "_duration", "(duration, duration) bool", fn }

static const struct cel_overload rows[] = {
    { "_?_:_", "conditional", "(bool, A, A) A", planned },
    { "_&&_", "logical_and", "(bool, bool) bool", planned },
    { "_||_", "logical_or", "(bool, bool) bool", planned },
    { "!_", "logical_not", "(bool) bool", not },
    { "@not_strictly_false", "not_strictly_false", "(bool) bool", planned },
    { "_==_", "equals", "(A, A) bool", planned },
    { "_!=_", "not_equals", "(A, A) bool", planned },
    { "_+_", "add_bytes", "(bytes, bytes) bytes", add },
    { "_+_", "add_double", "(double, double) double", add },
    { "_+_", "add_duration_duration", "(duration, duration) duration", add },
    { "_+_", "add_duration_timestamp", "(duration, timestamp) timestamp", add },
    { "_+_", "add_timestamp_duration", "(timestamp, duration) timestamp", add },
    { "_+_", "add_int64", "(int, int) int", add },
    { "_+_", "add_list", "(list(A), list(A)) list(A)", add },
    { "_+_", "add_string", "(string, string) string", add },
    { "_+_", "add_uint64", "(uint, uint) uint", add },
    { "_/_", "divide_double", "(double, double) double", divide },
    { "_/_", "divide_int64", "(int, int) int", divide },
    { "_/_", "divide_uint64", "(uint, uint) uint", divide },
    { "_%_", "modulo_int64", "(int, int) int", modulo },
    { "_%_", "modulo_uint64", "(uint, uint) uint", modulo },
    { "_*_", "multiply_double", "(double, double) double", multiply },
    { "_*_", "multiply_int64", "(int, int) int", multiply },
    { "_*_", "multiply_uint64", "(uint, uint) uint", multiply },
    { "-_", "negate_double", "(double) double", negate },
    { "-_", "negate_int64", "(int) int", negate },
    { "_-_", "subtract_double", "(double, double) double", subtract },
    { "_-_", "subtract_duration_duration", "(duration, duration) duration", subtract },
    { "_-_", "subtract_int64", "(int, int) int", subtract },
    { "_-_", "subtract_timestamp_duration", "(timestamp, duration) timestamp", subtract },
    { "_-_", "subtract_timestamp_timestamp", "(timestamp, timestamp) duration", subtract },
    { "_-_", "subtract_uint64", "(uint, uint) uint", subtract },
    COMPARISONS("_<_", "less", less),
    COMPARISONS("_<=_", "less_equals", less_equals),
    COMPARISONS("_>_", "greater", greater),
    COMPARISONS("_>=_", "greater_equals", greater_equals),
    { "_[_]", "index_list", "(list(A), int) A", planned },
    { "_[_]", "index_map", "(map(A, B), A) B", planned },
    { "@in", "in_list", "(A, list(A)) bool", in },
    { "@in", "in_map", "(A, map(A, B)) bool", in },
};
const struct overloads std_operators = { rows, ARRAY_SIZE(rows), true };
