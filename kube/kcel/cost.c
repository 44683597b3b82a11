#include <math.h>

#include "kube/cel/ast.h"
#include "kube/kcel/libs.h"

/* What calls cost: by the function's name, as the real server has it. Functions that are not here cost what CEL says.
 *
 * Static estimates decide which rules may be written; a change of one is a change of what is accepted. */

enum price {
    PRICE_NONE,
    PRICE_ONE,                         /* an accessor */
    PRICE_CHECK,                       /* asking the authorizer */
    PRICE_SELECTOR,                    /* reading a selector */
    PRICE_ELEMENTS,                    /* looking at each element of a list (or a string) */
    PRICE_READ,                        /* reading a string, the result as long: url() */
    PRICE_TEXT,                        /* a member of a string, the result as long */
    PRICE_REPLACE,
    PRICE_SPLIT,
    PRICE_JOIN,
    PRICE_FIND,
    PRICE_PARSE,                       /* reading a string into something small */
    PRICE_IP,
    PRICE_PARSE_TWICE,
    PRICE_CONTAINS_IP,
    PRICE_CONTAINS_CIDR,
    PRICE_FORMAT
};

static enum price price_of(const char *function)
{
    static const struct {
        const char *function;
        enum price price;
    } rows[] = {
        { "check", PRICE_CHECK },
        { "serviceAccount", PRICE_ONE }, { "path", PRICE_ONE }, { "group", PRICE_ONE }, { "resource", PRICE_ONE },
        { "subresource", PRICE_ONE }, { "namespace", PRICE_ONE }, { "name", PRICE_ONE }, { "allowed", PRICE_ONE },
        { "reason", PRICE_ONE }, { "error", PRICE_ONE }, { "errored", PRICE_ONE },
        { "fieldSelector", PRICE_SELECTOR }, { "labelSelector", PRICE_SELECTOR },
        { "isSorted", PRICE_ELEMENTS }, { "sum", PRICE_ELEMENTS }, { "max", PRICE_ELEMENTS }, { "min", PRICE_ELEMENTS },
        { "indexOf", PRICE_ELEMENTS }, { "lastIndexOf", PRICE_ELEMENTS },
        { "url", PRICE_READ },
        { "lowerAscii", PRICE_TEXT }, { "upperAscii", PRICE_TEXT }, { "substring", PRICE_TEXT }, { "trim", PRICE_TEXT },
        { "replace", PRICE_REPLACE }, { "split", PRICE_SPLIT }, { "join", PRICE_JOIN },
        { "find", PRICE_FIND }, { "findAll", PRICE_FIND },
        { "cidr", PRICE_PARSE }, { "isIP", PRICE_PARSE }, { "isCIDR", PRICE_PARSE }, { "ip", PRICE_IP },
        { "ip.isCanonical", PRICE_PARSE_TWICE },
        { "masked", PRICE_ONE }, { "prefixLength", PRICE_ONE }, { "family", PRICE_ONE }, { "isUnspecified", PRICE_ONE },
        { "isLoopback", PRICE_ONE }, { "isLinkLocalMulticast", PRICE_ONE }, { "isLinkLocalUnicast", PRICE_ONE },
        { "isGlobalUnicast", PRICE_ONE },
        { "containsIP", PRICE_CONTAINS_IP }, { "containsCIDR", PRICE_CONTAINS_CIDR },
        { "quantity", PRICE_PARSE }, { "isQuantity", PRICE_PARSE }, { "semver", PRICE_PARSE }, { "isSemver", PRICE_PARSE },
        { "validate", PRICE_FORMAT }, { "format.named", PRICE_ONE },
        { "sign", PRICE_ONE }, { "asInteger", PRICE_ONE }, { "isInteger", PRICE_ONE }, { "asApproximateFloat", PRICE_ONE },
        { "isGreaterThan", PRICE_ONE }, { "isLessThan", PRICE_ONE }, { "compareTo", PRICE_ONE }, { "add", PRICE_ONE },
        { "sub", PRICE_ONE }, { "major", PRICE_ONE }, { "minor", PRICE_ONE }, { "patch", PRICE_ONE },
        { "getScheme", PRICE_ONE }, { "getHostname", PRICE_ONE }, { "getHost", PRICE_ONE }, { "getPort", PRICE_ONE },
        { "getEscapedPath", PRICE_ONE }, { "getQuery", PRICE_ONE },
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (streq(rows[i].function, function))
            return rows[i].price;
    return PRICE_NONE;
}

enum { CHECK_COST = 350000, NAME_REGEX_MAX = 128, FORMAT_NAME_MAX = 64 };

/* A list and a struct for each requirement; the shortest that repeats is two characters. */
static struct cel_range selector_cost(struct cel_range length)
{
    struct cel_range read = cel_range_factor(length, CEL_STRING_COST_FACTOR);
    struct cel_range requirements = cel_range_factor(cel_range_factor(length, 0.5), 10 + 40);

    return cel_range_add(cel_range_add(cel_range_fixed(10), read), requirements);
}

/* ---- before: estimates ---------------------------------------------------------------------------------------- */

/* What the elements of a list are, as far as one can say; *ret_path is room for one more step. */
static bool element_of(const struct cel_node *list, const char **room, struct cel_node *ret)
{
    if (!list->type || !list->type->n_params)
        return false;
    *ret = (struct cel_node){ .type = list->type->params[0] };
    if (list->n_path) {
        memcpy(room, list->path, list->n_path * sizeof(*room));
        room[list->n_path] = "@items";
        ret->path = room;
        ret->n_path = list->n_path + 1;
    }
    return true;
}

enum { PATH_MAX_STEPS = 512 };

static struct cel_range element_size(const struct cel_estimator *e, const struct cel_node *list, bool *ret_known,
                                     const struct cel_type **ret_type)
{
    const char *room[PATH_MAX_STEPS];
    struct cel_node element;

    *ret_known = list->n_path < PATH_MAX_STEPS && element_of(list, room, &element);
    if (!*ret_known)
        return CEL_RANGE_UNKNOWN;
    *ret_type = element.type;
    return cel_node_size(e, &element);
}

static struct cel_range elements_cost(const struct cel_estimator *e, const struct cel_node *target)
{
    struct cel_range each = cel_range_fixed(1), size = cel_node_size(e, target);
    const struct cel_type *type;
    bool is_list;
    struct cel_range of_element = element_size(e, target, &is_list, &type);

    if (!is_list)
        return cel_range_factor(size, CEL_STRING_COST_FACTOR);
    if (type->kind == CEL_TYPE_STRING || type->kind == CEL_TYPE_BYTES)
        each = cel_range_add(each, cel_range_factor(of_element, CEL_STRING_COST_FACTOR));
    return cel_range_multiply(size, each);
}

static uint64_t divided(uint64_t a, uint64_t b)
{
    double d = ceil((double)a / (double)b);

    return d >= 18446744073709551615.0 ? UINT64_MAX : (uint64_t)d;
}

static uint64_t one_more(uint64_t n)
{
    return n < UINT64_MAX ? n + 1 : n;
}

/* How long a text may be after a replacement: the shortest parts by the longest, and the other way round. */
static struct cel_range replaced_size(struct cel_range text, struct cel_range from, struct cel_range to)
{
    struct cel_range count = { 0, 0 }, kept = { 0, 0 };

    if (from.min == 0) {
        count.max = one_more(text.max);
        kept.max = text.max;
    } else if (to.max <= from.min) {
        kept.max = text.max;
    } else {
        count.max = divided(text.max, from.min);
    }
    if (from.max == 0) {
        count.min = one_more(text.min);
        kept.min = text.min;
    } else if (from.max <= to.min) {
        kept.min = text.min;
    } else {
        count.min = divided(text.min, from.max);
    }
    return cel_range_add(cel_range_multiply(count, to), kept);
}

static struct cel_range joined_size(const struct cel_estimator *e, const struct cel_call *call)
{
    struct cel_range size = { 0, 0 }, list = cel_node_size(e, call->target);
    const struct cel_type *type;
    bool known;
    struct cel_range each = element_size(e, call->target, &known, &type);

    if (known)
        size = cel_range_multiply(list, each);
    if (call->n_args) {
        struct cel_range between = { list.min ? list.min - 1 : 0, list.max ? list.max - 1 : 0 };
        size = cel_range_add(size, cel_range_multiply(cel_node_size(e, &call->args[0]), between));
    }
    return size;
}

static struct cel_range split_size(struct cel_range text, const struct cel_call *call)
{
    struct cel_range size = { 0, text.max };
    const struct cel_expr *limit = call->n_args > 1 ? call->args[1].expr : NULL;

    if (limit && limit->kind == CEL_EXPR_LITERAL && limit->literal.kind == CEL_INT)
        size.max = (uint64_t)limit->literal.i;
    return size;
}

static struct cel_range contains_cost(const struct cel_estimator *e, const struct cel_call *call, bool is_cidr)
{
    struct cel_range bytes = { 4, 16 }, cost = cel_range_factor(cel_range_add(bytes, bytes), CEL_STRING_COST_FACTOR);

    if (is_cidr)
        cost = cel_range_add(cel_range_add(cost, cel_range_factor(bytes, CEL_STRING_COST_FACTOR)), cel_range_fixed(1));
    if (streq(call->overload, is_cidr ? "cidr_contains_cidr_string" : "cidr_contains_ip_string"))
        cost = cel_range_add(cost, cel_range_factor(cel_node_size(e, &call->args[0]), CEL_STRING_COST_FACTOR));
    return cost;
}

static bool is_named(const struct cel_type *t, const char *name)
{
    return t && t->kind == CEL_TYPE_OPAQUE && streq(t->name, name);
}

/* Comparing what is small. */
static bool equality_cost(const struct cel_call *call, struct cel_call_estimate *ret)
{
    const struct cel_type *t = call->n_args == 2 ? call->args[0].type : NULL;

    if (!t || t->kind != CEL_TYPE_OPAQUE || !cel_type_same(t, call->args[1].type))
        return false;
    if (is_named(t, "kubernetes.NamedFormat")) {
        ret->cost = cel_range_factor((struct cel_range){ 1, FORMAT_NAME_MAX }, CEL_STRING_COST_FACTOR);
        return true;
    }
    if (is_named(t, "kubernetes.URL")) {
        struct cel_range size = cel_range_fixed(1);
        if (call->args[1].size)
            size = *call->args[1].size;
        ret->cost = cel_range_factor((struct cel_range){ 1, size.max }, CEL_STRING_COST_FACTOR);
        return true;
    }
    if (!str_starts(t->name, "kubernetes.") && !str_starts(t->name, "net."))
        return false;
    ret->cost = cel_range_fixed(1);
    return true;
}

static void with_size(struct cel_call_estimate *ret, struct cel_range size)
{
    ret->has_size = true;
    ret->size = size;
}

/* Members of strings and lists. */
static bool member_cost(const struct cel_estimator *e, const struct cel_call *call, enum price price,
                        struct cel_call_estimate *ret)
{
    struct cel_range size = cel_node_size(e, call->target);

    switch (price) {
    case PRICE_ELEMENTS:
        ret->cost = elements_cost(e, call->target);
        return true;
    case PRICE_TEXT:
        ret->cost = cel_range_factor(size, CEL_STRING_COST_FACTOR);
        with_size(ret, size);
        return true;
    case PRICE_REPLACE:
        if (call->n_args < 2)
            return false;
        ret->cost = cel_range_factor(size, 2 * CEL_STRING_COST_FACTOR);
        with_size(ret, replaced_size(size, cel_node_size(e, &call->args[0]), cel_node_size(e, &call->args[1])));
        return true;
    case PRICE_SPLIT:
        ret->cost = cel_range_factor(size, 2 * CEL_STRING_COST_FACTOR);
        with_size(ret, split_size(size, call));
        return true;
    case PRICE_JOIN:
        with_size(ret, joined_size(e, call));
        ret->cost = cel_range_factor(ret->size, CEL_STRING_COST_FACTOR);
        return true;
    case PRICE_FIND:
        if (!call->n_args)
            return false;
        ret->cost = cel_range_multiply(
            cel_range_factor(cel_range_add(size, cel_range_fixed(1)), CEL_STRING_COST_FACTOR),
            cel_range_factor(cel_node_size(e, &call->args[0]), CEL_REGEX_COST_FACTOR));
        with_size(ret, (struct cel_range){ 0, size.max });
        return true;
    default:
        return false;
    }
}

/* What depends on the first argument alone. */
static bool argument_cost(const struct cel_estimator *e, const struct cel_call *call, enum price price,
                          struct cel_call_estimate *ret)
{
    struct cel_range size = cel_node_size(e, &call->args[0]);

    switch (price) {
    case PRICE_SELECTOR:
        ret->cost = selector_cost(size);
        return call->n_args == 1;
    case PRICE_READ:
        ret->cost = cel_range_factor(size, CEL_STRING_COST_FACTOR);
        with_size(ret, size);
        return call->n_args == 1;
    case PRICE_PARSE:
    case PRICE_IP:
        ret->cost = cel_range_factor(size, CEL_STRING_COST_FACTOR);
        return true;
    case PRICE_PARSE_TWICE:
        ret->cost = cel_range_factor(size, 2 * CEL_STRING_COST_FACTOR);
        return true;
    case PRICE_CONTAINS_IP:
    case PRICE_CONTAINS_CIDR:
        ret->cost = contains_cost(e, call, price == PRICE_CONTAINS_CIDR);
        return true;
    case PRICE_FORMAT:
        ret->cost = cel_range_factor(cel_range_factor(size, CEL_STRING_COST_FACTOR), NAME_REGEX_MAX * CEL_REGEX_COST_FACTOR);
        return true;
    default:
        return false;
    }
}

static bool priced(const struct cel_estimator *e, const struct cel_call *call, struct cel_call_estimate *ret)
{
    enum price price = price_of(call->function);

    if (streq(call->function, "_==_"))
        return equality_cost(call, ret);
    if (price == PRICE_NONE)
        return false;
    if (price == PRICE_ONE || price == PRICE_CHECK || (price == PRICE_IP && streq(call->overload, "cidr_ip"))) {
        ret->cost = cel_range_fixed(price == PRICE_CHECK ? CHECK_COST : 1);
        return true;
    }
    if (call->target && member_cost(e, call, price, ret))
        return true;
    return call->n_args && argument_cost(e, call, price, ret);
}

static bool estimate_call(void *arg, const struct cel_call *call, struct cel_call_estimate *ret)
{
    struct kcel_estimator *e = arg;
    struct cel_call_estimate found = { 0 };

    if (!priced(&e->base, call, &found))
        return false;
    *ret = found;
    return true;
}

/* Down the path from the variable; what the schema bounds has an extent. */
static bool estimate_size(void *arg, const struct cel_node *node, struct cel_range *ret)
{
    const struct kcel_estimator *e = arg;
    const struct cel_type *t = e->root;

    for (size_t i = 1; t && i < node->n_path; i++) {
        const char *step = node->path[i];
        struct cel_field field;
        if (streq(step, "@items") || streq(step, "@values"))
            t = t->n_params ? t->params[t->n_params - 1] : NULL;
        else if (streq(step, "@keys"))
            t = t->n_params == 2 ? t->params[0] : NULL;
        else if (kcel_is_reserved(step))
            t = NULL;                             /* the estimate knows such members by their escaped name only */
        else
            t = t->kind == CEL_TYPE_OBJECT && cel_type_find_field(t, step, strlen(step), &field) ? field.type : NULL;
    }
    if (!t || !node->n_path)
        return false;
    const struct kcel_extent *extent = t->user;
    *ret = (struct cel_range){ 0, extent ? (uint64_t)extent->max_elements : 0 };
    return true;
}

void kcel_estimator_init(struct kcel_estimator *e, const struct cel_type *root)
{
    *e = (struct kcel_estimator){ .base = { .arg = e, .size = root ? estimate_size : NULL, .call = estimate_call },
                                  .root = root };
}

/* ---- after: what it did cost ------------------------------------------------------------------------------------ */

static uint64_t rounded(double d)
{
    d = ceil(d);
    return d >= 18446744073709551615.0 ? UINT64_MAX : (uint64_t)d;
}

/* One a scalar, a tenth of a string's length. Lists and maps of lists are not entered further than their elements. */
static uint64_t traversal_cost(const struct cel_value *v)
{
    switch (v->kind) {
    case CEL_STRING:
    case CEL_BYTES: return (uint64_t)((double)v->len * CEL_STRING_COST_FACTOR);
    default: return 1;
    }
}

static uint64_t list_cost(struct cel_value list)
{
    uint64_t cost = 0;

    if (list.kind != CEL_LIST)
        return traversal_cost(&list);
    cleanup_arena struct arena *a = arena_new();
    struct cel_run *run = cel_run_new(a);
    for (size_t i = 0; i < list.list->n; i++) {
        struct cel_value v = cel_list_get(run, list.list, i);
        cost += v.kind == CEL_LIST || v.kind == CEL_MAP || v.kind == CEL_OBJECT ? cel_size(v) : traversal_cost(&v);
    }
    cel_run_free(run);
    return cost;
}

static uint64_t contains_actual(const char *overload, const struct cel_value *args, bool is_cidr)
{
    double bytes = (double)cel_size(args[0]);
    uint64_t cost = rounded(2 * bytes * CEL_STRING_COST_FACTOR);

    if (is_cidr)
        cost += rounded(bytes * CEL_STRING_COST_FACTOR) + 1;
    if (streq(overload, is_cidr ? "cidr_contains_cidr_string" : "cidr_contains_ip_string"))
        cost += rounded((double)cel_size(args[1]) * CEL_STRING_COST_FACTOR);
    return cost;
}

static uint64_t regex_cost(struct cel_value text, double pattern)
{
    return rounded((1.0 + (double)cel_size(text)) * CEL_STRING_COST_FACTOR) * rounded(pattern * CEL_REGEX_COST_FACTOR);
}

static bool of_small_things(const struct cel_value *args, size_t n)
{
    return n == 2 && args[0].kind == CEL_OPAQUE &&
           (str_starts(args[0].opaque->ops->type->name, "kubernetes.") ||
            str_starts(args[0].opaque->ops->type->name, "net."));
}

bool kcel_actual_cost(const char *function, const char *overload, const struct cel_value *args, size_t n,
                      struct cel_value result, uint64_t *ret)
{
    enum price price = price_of(function);
    double size = n ? (double)cel_size(args[0]) : 0;

    if (streq(function, "_==_")) {
        *ret = 1;
        return of_small_things(args, n);
    }
    switch (price) {
    case PRICE_NONE: return false;
    case PRICE_ONE: *ret = 1; return true;
    case PRICE_CHECK: *ret = CHECK_COST; return true;
    case PRICE_SELECTOR:
        *ret = n > 1 ? selector_cost(cel_range_fixed(cel_size(args[1]))).max : 0;
        return n > 1;
    case PRICE_ELEMENTS: *ret = n ? list_cost(args[0]) : 0; return true;
    case PRICE_IP:
        if (streq(overload, "cidr_ip")) {
            *ret = 1;
            return true;
        }
        /* fall through */
    case PRICE_READ:
    case PRICE_TEXT:
    case PRICE_PARSE: *ret = rounded(size * CEL_STRING_COST_FACTOR); return n > 0;
    case PRICE_REPLACE:
    case PRICE_SPLIT:
    case PRICE_PARSE_TWICE: *ret = rounded(size * 2 * CEL_STRING_COST_FACTOR); return n > 0;
    case PRICE_JOIN: *ret = rounded((double)cel_size(result) * 2 * CEL_STRING_COST_FACTOR); return n > 0;
    case PRICE_FIND: *ret = n > 1 ? regex_cost(args[0], (double)cel_size(args[1])) : 0; return n > 1;
    case PRICE_CONTAINS_IP:
    case PRICE_CONTAINS_CIDR:
        *ret = n > 1 ? contains_actual(overload, args, price == PRICE_CONTAINS_CIDR) : 0;
        return n > 1;
    case PRICE_FORMAT: *ret = n > 1 ? regex_cost(args[1], (double)kcel_format_regex_size(args[0])) : 0; return n > 1;
    }
    return false;
}
