#include <math.h>

#include "kube/kcel/libs.h"
#include "kube/quantity.h"

/* Quantities. What is said of them as integers and floats hangs on how the real server holds one: as an int64 with a
 * power of ten where that will do, as a big decimal else. Both are kept in step here. */

struct quantity_value {
    struct cel_opaque base;
    struct quantity q;
    bool small;                        /* value * 10^scale */
    int64_t value;
    int scale;
};

const struct cel_type kcel_type_quantity = { .kind = CEL_TYPE_OPAQUE, .name = "kubernetes.Quantity" };

static struct cel_value same_quantity(struct cel_run *run, const struct cel_opaque *a, const struct cel_opaque *b)
{
    const struct quantity_value *x = container_of(a, struct quantity_value, base);
    const struct quantity_value *y = container_of(b, struct quantity_value, base);

    return cel_bool(quantity_compare(&x->q, &y->q) == 0);
}

static const struct cel_opaque_ops ops = { .type = &kcel_type_quantity, .equal = same_quantity };

static const struct quantity_value *quantity_of(struct cel_value v)
{
    const struct cel_opaque *o = kcel_opaque_of(v, &ops);

    return o ? container_of(o, struct quantity_value, base) : NULL;
}

/* ---- how it is held -------------------------------------------------------------------------------------- */

static int suffix_exponent(char c)
{
    static const struct {
        char c;
        int exponent;
    } rows[] = { { 'n', -9 }, { 'u', -6 }, { 'm', -3 }, { 'k', 3 }, { 'M', 6 }, { 'G', 9 }, { 'T', 12 }, { 'P', 15 },
                 { 'E', 18 } };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (rows[i].c == c)
            return rows[i].exponent;
    return 0;
}

static int binary_exponent(char c)
{
    static const char letters[] = "KMGTPE";
    const char *at = c ? strchr(letters, c) : NULL;

    return at ? 10 * (int)(at - letters + 1) : 0;
}

struct parts {
    bool negative;
    const char *num, *denom, *suffix;
    size_t n_num, n_denom, n_suffix;
};

/* Of what is known to be a quantity. */
static struct parts split(const char *s, size_t len)
{
    struct parts p = { 0 };
    const char *end = s + len;

    if (s < end && (*s == '+' || *s == '-'))
        p.negative = *s++ == '-';
    while (s < end && *s == '0')
        s++;
    for (p.num = s; s < end && *s >= '0' && *s <= '9'; s++)
        p.n_num++;
    if (s < end && *s == '.')
        for (p.denom = ++s; s < end && *s >= '0' && *s <= '9'; s++)
            p.n_denom++;
    p.suffix = s;
    p.n_suffix = (size_t)(end - s);
    return p;
}

/* The digits before and after the point as one number, times 2^binary; false: too much for the quick way. */
static bool small_value(const struct parts *p, int binary, int64_t *ret)
{
    uint64_t v = 0;

    for (size_t i = 0; i < p->n_num + p->n_denom; i++) {
        unsigned d = (unsigned)((i < p->n_num ? p->num[i] : p->denom[i - p->n_num]) - '0');
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, d, &v))
            return false;
    }
    if (v > INT64_MAX || __builtin_mul_overflow((int64_t)v, (int64_t)1 << binary, ret))
        return false;
    *ret = p->negative ? -*ret : *ret;
    return true;
}

static void hold(struct quantity_value *v, const char *s, size_t len)
{
    struct parts p = split(s, len);
    bool is_binary = p.n_suffix == 2 && p.suffix[1] == 'i';
    int n_num = p.n_num ? (int)p.n_num : 1, exponent = 0, binary = 0;

    if (is_binary)
        binary = binary_exponent(p.suffix[0]);
    else if (p.n_suffix > 1)
        exponent = (int)strtol(p.suffix + 1, NULL, 10);
    else if (p.n_suffix)
        exponent = suffix_exponent(p.suffix[0]);
    int room = is_binary ? (p.n_denom ? -1 : 15 - n_num - (int)((float)binary * 3 / 10) - 1)
                         : 18 - n_num - (int)p.n_denom;
    v->scale = exponent - (int)p.n_denom;
    v->small = room >= 0 && v->scale >= -9 && small_value(&p, binary, &v->value);
}

/* v * 10^scale, where it fits. */
static bool scaled(int64_t v, int scale, int64_t *ret)
{
    for (; scale > 0; scale--)
        if (v && __builtin_mul_overflow(v, 10, &v))
            return false;
    *ret = v;
    return true;
}

/* a + b as two small ones; false: the sum is held the other way. */
static bool add_small(const struct quantity_value *a, const struct quantity_value *b, struct quantity_value *ret)
{
    int64_t x = a->value, y = b->value;
    int scale = a->scale < b->scale ? a->scale : b->scale;

    if (!a->small || !b->small)
        return false;
    if (!y || !x) {
        ret->value = y ? y : x;
        ret->scale = y ? b->scale : a->scale;
        return true;
    }
    ret->scale = scale;
    return scaled(x, a->scale - scale, &x) && scaled(y, b->scale - scale, &y) && !__builtin_add_overflow(x, y, &ret->value);
}

/* ---- the functions --------------------------------------------------------------------------------------- */

static struct quantity_value *quantity_new(struct arena *a)
{
    struct quantity_value *v = arena_alloc(a, sizeof(*v));

    v->base.ops = &ops;
    return v;
}

static struct cel_value to_quantity(struct cel_run *run, const struct cel_value *args, size_t n)
{
    struct arena *a = cel_arena(run);
    struct quantity_value *v = quantity_new(a);
    struct err e = ERR_IN(a);

    if (args[0].kind != CEL_STRING)
        return cel_no_such_overload(run);
    const char *text = arena_strndup(a, args[0].s, args[0].len);
    if (memchr(args[0].s, 0, args[0].len))
        text = "?";                    /* a NUL is as wrong as a question mark */
    if (quantity_parse(a, text, &v->q, &e) < 0)
        return cel_error(run, "%s", err_message(&e));
    hold(v, text, strlen(text));
    return cel_opaque(&v->base);
}

static struct cel_value is_quantity(struct cel_run *run, const struct cel_value *args, size_t n)
{
    if (args[0].kind != CEL_STRING)
        return cel_no_such_overload(run);
    return cel_bool(!cel_is_error(to_quantity(run, args, n)));
}

static struct cel_value sign(struct cel_run *run, const struct cel_value *args, size_t n)
{
    const struct quantity_value *v = quantity_of(args[0]);

    return v ? cel_int(quantity_is_zero(&v->q) ? 0 : v->q.negative ? -1 : 1) : cel_no_such_overload(run);
}

static bool as_integer(const struct quantity_value *v, int64_t *ret)
{
    return v->small && v->scale >= 0 && scaled(v->value, v->scale, ret);
}

static struct cel_value is_integer(struct cel_run *run, const struct cel_value *args, size_t n)
{
    const struct quantity_value *v = quantity_of(args[0]);
    int64_t i;

    return v ? cel_bool(as_integer(v, &i)) : cel_no_such_overload(run);
}

static struct cel_value integer(struct cel_run *run, const struct cel_value *args, size_t n)
{
    const struct quantity_value *v = quantity_of(args[0]);
    int64_t i;

    if (!v)
        return cel_no_such_overload(run);
    return as_integer(v, &i) ? cel_int(i) : cel_error(run, "cannot convert value to integer");
}

static struct cel_value approximate(struct cel_run *run, const struct cel_value *args, size_t n)
{
    const struct quantity_value *v = quantity_of(args[0]);

    if (!v)
        return cel_no_such_overload(run);
    if (v->small)
        return cel_double(v->scale ? (double)v->value * pow(10, v->scale) : (double)v->value);
    double d = 0;
    for (size_t i = 0; i < v->q.n; i++)
        d = d * 10 + v->q.digits[i];
    d *= pow(10, (double)v->q.exponent);
    return cel_double(v->q.negative ? -d : d);
}

static struct cel_value greater(struct cel_run *run, const struct cel_value *args, size_t n)
{
    const struct quantity_value *a = quantity_of(args[0]), *b = quantity_of(args[1]);

    return a && b ? cel_bool(quantity_compare(&a->q, &b->q) > 0) : cel_no_such_overload(run);
}

static struct cel_value less(struct cel_run *run, const struct cel_value *args, size_t n)
{
    const struct quantity_value *a = quantity_of(args[0]), *b = quantity_of(args[1]);

    return a && b ? cel_bool(quantity_compare(&a->q, &b->q) < 0) : cel_no_such_overload(run);
}

static struct cel_value compare(struct cel_run *run, const struct cel_value *args, size_t n)
{
    const struct quantity_value *a = quantity_of(args[0]), *b = quantity_of(args[1]);

    return a && b ? cel_int(quantity_compare(&a->q, &b->q)) : cel_no_such_overload(run);
}

static struct cel_value combine(struct cel_run *run, const struct cel_value *args, bool minus)
{
    struct arena *a = cel_arena(run);
    const struct quantity_value *x = quantity_of(args[0]), *y = quantity_of(args[1]);
    struct quantity_value *sum = quantity_new(a), other;

    if (!x)
        return cel_no_such_overload(run);
    if (y) {
        other = *y;
    } else if (args[1].kind == CEL_INT) {
        other = (struct quantity_value){ .q = quantity_from_int(a, args[1].i, QUANTITY_DECIMAL_EXPONENT), .small = true,
                                         .value = args[1].i };
    } else {
        return cel_no_such_overload(run);
    }
    sum->q = minus ? quantity_sub(a, &x->q, &other.q) : quantity_add(a, &x->q, &other.q);
    if (minus && __builtin_sub_overflow((int64_t)0, other.value, &other.value))
        other.small = false;
    sum->small = add_small(x, &other, sum);
    return cel_opaque(&sum->base);
}

static struct cel_value add(struct cel_run *run, const struct cel_value *args, size_t n)
{
    return combine(run, args, false);
}

static struct cel_value sub(struct cel_run *run, const struct cel_value *args, size_t n)
{
    return combine(run, args, true);
}

#define Q "kubernetes.Quantity"
static const struct cel_overload rows[] = {
    { .function = "quantity", .id = "string_to_quantity", .signature = "(string) " Q, .fn = to_quantity },
    { .function = "isQuantity", .id = "is_quantity_string", .signature = "(string) bool", .fn = is_quantity },
    { .function = "sign", .id = "quantity_sign", .signature = "(" Q ") int", .fn = sign },
    { .function = "isGreaterThan", .id = "quantity_is_greater_than", .signature = Q ".(" Q ") bool", .fn = greater },
    { .function = "isLessThan", .id = "quantity_is_less_than", .signature = Q ".(" Q ") bool", .fn = less },
    { .function = "compareTo", .id = "quantity_compare_to", .signature = Q ".(" Q ") int", .fn = compare },
    { .function = "asApproximateFloat", .id = "quantity_get_float", .signature = Q ".() double", .fn = approximate },
    { .function = "asInteger", .id = "quantity_get_int", .signature = Q ".() int", .fn = integer },
    { .function = "isInteger", .id = "quantity_is_integer", .signature = Q ".() bool", .fn = is_integer },
    { .function = "add", .id = "quantity_add", .signature = Q ".(" Q ") " Q, .fn = add },
    { .function = "add", .id = "quantity_add_int", .signature = Q ".(int) " Q, .fn = add },
    { .function = "sub", .id = "quantity_sub", .signature = Q ".(" Q ") " Q, .fn = sub },
    { .function = "sub", .id = "quantity_sub_int", .signature = Q ".(int) " Q, .fn = sub },
};

const struct kcel_lib kcel_quantities = { rows, ARRAY_SIZE(rows) };
