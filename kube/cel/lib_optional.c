/* Optional values, and what two-variable loops need. */
#include "kube/cel/cel_priv.h"

static struct cel_value of(struct cel_run *run, const struct cel_value *args, size_t n)
{
    return cel_optional_of(run->arena, args[0]);
}

static struct cel_value of_non_zero(struct cel_run *run, const struct cel_value *args, size_t n)
{
    return cel_value_is_zero(run, args[0]) ? cel_optional_none() : cel_optional_of(run->arena, args[0]);
}

static struct cel_value none(struct cel_run *run, const struct cel_value *args, size_t n)
{
    return cel_optional_none();
}

static struct cel_value value(struct cel_run *run, const struct cel_value *args, size_t n)
{
    return args[0].optional ? *args[0].optional : cel_error(run, "optional.none() dereference");
}

static struct cel_value has_value(struct cel_run *run, const struct cel_value *args, size_t n)
{
    return cel_bool(args[0].optional);
}

static struct cel_value first(struct cel_run *run, const struct cel_value *args, size_t n)
{
    const struct cel_list *l = args[0].list;

    return l->n ? cel_optional_of(run->arena, cel_list_get(run, l, 0)) : cel_optional_none();
}

static struct cel_value last(struct cel_run *run, const struct cel_value *args, size_t n)
{
    const struct cel_list *l = args[0].list;

    return l->n ? cel_optional_of(run->arena, cel_list_get(run, l, l->n - 1)) : cel_optional_none();
}

static struct cel_value unwrap(struct cel_run *run, const struct cel_value *args, size_t n)
{
    const struct cel_list *l = args[0].list;
    struct { ARENA_LIST(struct cel_value); } made = { 0 };

    for (size_t i = 0; i < l->n; i++) {
        struct cel_value v = cel_list_get(run, l, i);
        if (!cel_work(run, 1))
            return cel_overrun(run);
        if (v.kind != CEL_OPTIONAL)
            return cel_error(run, "value %s is not optional", cel_value_text(run, v));
        if (v.optional)
            *arena_push(run->arena, &made) = *v.optional;
    }
    return cel_list_of(run->arena, made.v, made.n);
}

/* Steps of their own (plan.c). */
static struct cel_value planned(struct cel_run *run, const struct cel_value *args, size_t n)
{
    return cel_no_such_overload(run);
}

static const struct cel_overload rows[] = {
    { "optional.of", "optional_of", "(V) optional_type(V)", of },
    { "optional.ofNonZeroValue", "optional_ofNonZeroValue", "(V) optional_type(V)", of_non_zero },
    { "optional.none", "optional_none", "() optional_type(V)", none },
    { "value", "optional_value", "optional_type(V).() V", value },
    { "hasValue", "optional_hasValue", "optional_type(V).() bool", has_value },
    { "or", "optional_or_optional", "optional_type(V).(optional_type(V)) optional_type(V)", planned },
    { "orValue", "optional_orValue_value", "optional_type(V).(V) V", planned },
    { "_?._", "select_optional_field", "(dyn, string) optional_type(V)", planned },
    { "_[?_]", "list_optindex_optional_int", "(list(V), int) optional_type(V)", planned },
    { "_[?_]", "optional_list_optindex_optional_int", "(optional_type(list(V)), int) optional_type(V)", planned },
    { "_[?_]", "map_optindex_optional_value", "(map(K, V), K) optional_type(V)", planned },
    { "_[?_]", "optional_map_optindex_optional_value", "(optional_type(map(K, V)), K) optional_type(V)", planned },
    { "_[_]", "optional_list_index_int", "(optional_type(list(V)), int) optional_type(V)", planned },
    { "_[_]", "optional_map_index_value", "(optional_type(map(K, V)), K) optional_type(V)", planned },
    { "last", "list_last", "list(V).() optional_type(V)", last },
    { "first", "list_first", "list(V).() optional_type(V)", first },
    { "optional.unwrap", "optional_unwrap", "(list(optional_type(V))) list(V)", unwrap },
    { "unwrapOpt", "optional_unwrapOpt", "list(optional_type(V)).() list(V)", unwrap },
};
const struct overloads lib_optional = { rows, ARRAY_SIZE(rows), false };

/* ---- two variables ----------------------------------------------------------------------------- */

static struct cel_value insert(struct cel_run *run, const struct cel_value *args, size_t n)
{
    return cel_map_insert(run, args[0].map, args[1], args[2]);
}

static struct cel_value insert_all(struct cel_run *run, const struct cel_value *args, size_t n)
{
    struct cel_value made = args[0], key, v;
    void *pos = NULL;

    while (cel_map_next(run, args[1].map, &pos, &key, &v)) {
        made = cel_map_insert(run, made.map, key, v);
        if (cel_is_error(made))
            return made;
    }
    return made;
}

static const struct cel_overload two_variable_rows[] = {
    { "cel.@mapInsert", "@mapInsert_map_key_value", "(map(K, V), K, V) map(K, V)", insert },
    { "cel.@mapInsert", "@mapInsert_map_map", "(map(K, V), map(K, V)) map(K, V)", insert_all },
};
const struct overloads lib_two_variables = { two_variable_rows, ARRAY_SIZE(two_variable_rows), false };
