#include <ctype.h>

#include "kube/cel/cel_priv.h"

void *cel_arena_grow(struct arena *a, void *v, size_t n, size_t *cap, size_t size)
{
    void *grown;

    if (n < *cap)
        return v;
    *cap = *cap * 2 + 4;
    grown = arena_alloc(a, *cap * size);
    if (n)
        memcpy(grown, v, n * size);
    return grown;
}

/* ---- tables ----------------------------------------------------------------------------------- */

/* Names to things, by hash; the things stay where they are. */
struct names {
    void **v;                                    /* each starts with its name; a power of two, half empty */
    size_t n, cap;
};

static size_t slot(const struct names *t, const char *name)
{
    size_t i = hash64_str(HASH64_INIT, name) & (t->cap - 1);

    while (t->v[i] && !streq(*(const char **)t->v[i], name))
        i = (i + 1) & (t->cap - 1);
    return i;
}

static void *names_find(const struct names *t, const char *name)
{
    return t->cap ? t->v[slot(t, name)] : NULL;
}

/* Replaces what had the name. */
static void names_put(struct arena *a, struct names *t, void *thing)
{
    size_t i;

    if (t->n * 2 >= t->cap) {
        struct names grown = { .cap = t->cap ? t->cap * 2 : 16, .n = t->n };
        grown.v = arena_alloc(a, grown.cap * sizeof(void *));
        for (i = 0; i < t->cap; i++)
            if (t->v[i])
                grown.v[slot(&grown, *(const char **)t->v[i])] = t->v[i];
        *t = grown;
    }
    i = slot(t, *(const char **)thing);
    t->n += !t->v[i];
    t->v[i] = thing;
}

struct named_type {
    const char *name;
    const struct cel_type *type;
    bool public;
};

struct cel_env {
    const struct cel_env *parent;
    struct arena *arena;
    unsigned libraries;
    const char *container;
    cel_actual_hook *actual;
    struct names functions, variables, types;
};

/* ---- signatures ------------------------------------------------------------------------------- */

struct reader {
    struct cel_env *env;
    const char *p;
    bool generic;
};

static const struct { const char *name; const struct cel_type *type; } plain_types[] = {
    { "bool", &cel_type_bool }, { "int", &cel_type_int }, { "uint", &cel_type_uint }, { "double", &cel_type_double },
    { "string", &cel_type_string }, { "bytes", &cel_type_bytes }, { "null_type", &cel_type_null },
    { "dyn", &cel_type_dyn }, { "timestamp", &cel_type_timestamp }, { "duration", &cel_type_duration },
    { "type", &cel_type_type }, { "list", &cel_type_list_dyn }, { "map", &cel_type_map_dyn },
};

static void skip_spaces(struct reader *r)
{
    while (*r->p == ' ')
        r->p++;
}

static bool take(struct reader *r, char c)
{
    skip_spaces(r);
    if (*r->p != c)
        return false;
    r->p++;
    return true;
}

static const struct cel_type *read_type(struct reader *r);

static const struct cel_type *read_generic(struct reader *r, const char *name)
{
    const struct cel_type *params[2] = { 0 };
    struct arena *a = r->env->arena;
    size_t n = 0;

    do
        params[n++] = read_type(r);
    while (n < 2 && take(r, ','));
    if (!take(r, ')'))
        assert(!"a signature lacks a parenthesis");
    if (streq(name, "list"))
        return cel_type_list(a, params[0]);
    if (streq(name, "map"))
        return cel_type_map(a, params[0], params[1]);
    if (streq(name, "optional_type"))
        return cel_type_optional(a, params[0]);
    assert(streq(name, "type"));
    return cel_type_of(a, params[0]);
}

/* A dot belongs to the name unless a parenthesis follows: "net.IP.(string) bool". */
static const struct cel_type *read_type(struct reader *r)
{
    const char *start, *name;
    const struct cel_type *t;

    skip_spaces(r);
    for (start = r->p; isalnum((unsigned char)*r->p) || *r->p == '_' || (*r->p == '.' && r->p[1] != '(');)
        r->p++;
    name = arena_strndup(r->env->arena, start, (size_t)(r->p - start));
    if (*r->p == '(')
        return r->p++, read_generic(r, name);
    if (strlen(name) == 1 && isupper((unsigned char)*name)) {
        r->generic = true;
        return cel_type_param(r->env->arena, name);
    }
    t = cel_env_find_type(r->env, name);
    assert(t);                                    /* a signature names a type that was not added */
    return t;
}

static struct cel_signature *read_signature(struct cel_env *env, const struct cel_overload *row)
{
    struct cel_signature *s = arena_alloc(env->arena, sizeof(*s));
    struct reader r = { .env = env, .p = row->signature };
    struct { ARENA_LIST(const struct cel_type *); } args = { 0 };

    s->row = row;
    if (*r.p != '(') {
        s->member = true;
        *arena_push(env->arena, &args) = read_type(&r);
        if (!take(&r, '.'))
            assert(!"a signature of a member lacks its dot");
    }
    if (!take(&r, '('))
        assert(!"a signature lacks its arguments");
    if (!take(&r, ')')) {
        do {
            const struct cel_type *t = read_type(&r);
            *arena_push(env->arena, &args) = t;
        } while (take(&r, ','));
        if (!take(&r, ')'))
            assert(!"a signature lacks the end of its arguments");
    }
    s->result = read_type(&r);
    assert(!*r.p);
    s->args = args.v;
    s->n = args.n;
    s->generic = r.generic;
    return s;
}

const struct cel_type *cel_env_type(struct cel_env *env, const char *text)
{
    struct reader r = { .env = env, .p = text };
    const struct cel_type *t = read_type(&r);

    assert(!*r.p);
    return t;
}

/* ---- building --------------------------------------------------------------------------------- */

struct cel_env *cel_env_child(const struct cel_env *parent)
{
    struct cel_env *env = xcalloc(1, sizeof(*env));

    env->parent = parent;
    env->arena = arena_new();
    env->container = parent ? parent->container : "";
    env->libraries = parent ? parent->libraries : 0;
    env->actual = parent ? parent->actual : NULL;
    return env;
}

static void add_overload(struct cel_env *env, const struct cel_overload *row, bool unguarded);

static void add_library(struct cel_env *env, const struct overloads *library)
{
    for (size_t i = 0; i < library->n; i++)
        add_overload(env, &library->v[i], library->unguarded);
}

struct cel_env *cel_env_new(unsigned libraries)
{
    static const struct { unsigned flag; const struct overloads *rows; } all[] = {
        { 0, &std_operators },
        { 0, &std_functions },
        { 0, &std_conversions },
        { 0, &std_time },
        { CEL_LIB_OPTIONAL, &lib_optional },
        { CEL_LIB_STRINGS | CEL_LIB_STRINGS_3, &lib_strings },
        { CEL_LIB_STRINGS_3, &lib_strings_3 },
        { CEL_LIB_SETS, &lib_sets },
        { CEL_LIB_TWO_VARIABLES, &lib_two_variables },
    };
    struct cel_env *env = cel_env_child(NULL);

    env->libraries = libraries;
    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        if (!all[i].flag || (libraries & all[i].flag))
            add_library(env, all[i].rows);
    return env;
}

struct cel_env *cel_env_free(struct cel_env *env)
{
    if (env) {
        arena_free(env->arena);
        free(env);
    }
    return NULL;
}

struct arena *cel_env_arena(struct cel_env *env)
{
    return env->arena;
}

static void add_overload(struct cel_env *env, const struct cel_overload *row, bool unguarded)
{
    const struct function *known = cel_env_function(env, row->function);
    struct function *f = arena_alloc(env->arena, sizeof(*f));
    struct cel_signature *s = read_signature(env, row);

    f->name = row->function;
    f->n = (known ? known->n : 0) + 1;
    f->v = arena_alloc(env->arena, f->n * sizeof(*f->v));
    if (known)
        memcpy(f->v, known->v, known->n * sizeof(*f->v));
    s->unguarded = unguarded;
    f->v[f->n - 1] = s;
    names_put(env->arena, &env->functions, f);
}

void cel_env_add_functions(struct cel_env *env, const struct cel_overload *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        add_overload(env, &v[i], false);
}

void cel_env_add_type(struct cel_env *env, const struct cel_type *type, bool public)
{
    struct named_type *t = arena_alloc(env->arena, sizeof(*t));

    *t = (struct named_type){ .name = type->name, .type = type, .public = public };
    names_put(env->arena, &env->types, t);
}

static struct variable *add_variable(struct cel_env *env, const char *name, const struct cel_type *type)
{
    struct variable *v = arena_alloc(env->arena, sizeof(*v));

    *v = (struct variable){ .name = arena_strdup(env->arena, name), .type = type };
    names_put(env->arena, &env->variables, v);
    return v;
}

void cel_env_add_variable(struct cel_env *env, const char *name, const struct cel_type *type)
{
    add_variable(env, name, type);
}

void cel_env_add_constant(struct cel_env *env, const char *name, const struct cel_type *type, struct cel_value value)
{
    add_variable(env, name, type)->constant = arena_memdup(env->arena, &value, sizeof(value));
}

void cel_env_set_container(struct cel_env *env, const char *name)
{
    env->container = arena_strdup(env->arena, name);
}

void cel_env_set_actual_costs(struct cel_env *env, cel_actual_hook *hook)
{
    env->actual = hook;
}

/* ---- asking ----------------------------------------------------------------------------------- */

const struct function *cel_env_function(const struct cel_env *env, const char *name)
{
    for (; env; env = env->parent) {
        const struct function *f = names_find(&env->functions, name);
        if (f)
            return f;
    }
    return NULL;
}

/* Names of types are variables, too: `type(x) == int`. */
const struct variable *cel_env_variable(const struct cel_env *env, const char *name)
{
    for (; env; env = env->parent) {
        const struct variable *v = names_find(&env->variables, name);
        if (v)
            return v;
    }
    return NULL;
}

static const struct cel_type *find_type(const struct cel_env *env, const char *name, bool only_public)
{
    for (; env; env = env->parent) {
        const struct named_type *t = names_find(&env->types, name);
        if (t)
            return only_public && !t->public ? NULL : t->type;
    }
    for (size_t i = 0; i < ARRAY_SIZE(plain_types); i++)
        if (streq(plain_types[i].name, name))
            return plain_types[i].type;
    return NULL;
}

const struct cel_type *cel_env_find_type(const struct cel_env *env, const char *name)
{
    return find_type(env, name, false);
}

const struct cel_type *cel_env_type_named(const struct cel_env *env, const char *name)
{
    static const struct cel_type *const dyn[] = { &cel_type_dyn };
    static const struct cel_type optional = { .kind = CEL_TYPE_OPAQUE, .name = "optional_type", .n_params = 1,
                                              .params = dyn };
    const struct cel_type *t;

    if (cel_message_named(name, &t))
        return t;
    if (streq(name, "optional_type") && (cel_env_libraries(env) & CEL_LIB_OPTIONAL))
        return &optional;
    t = find_type(env, name, true);
    return t == &cel_type_dyn ? NULL : t;         /* said in signatures only */
}

unsigned cel_env_libraries(const struct cel_env *env)
{
    return env->libraries;
}

const char *cel_env_container(const struct cel_env *env)
{
    return env->container;
}

cel_actual_hook *cel_env_actual_costs(const struct cel_env *env)
{
    return env->actual;
}

const char *cel_env_candidate(const struct cel_env *env, struct arena *a, const char *name, size_t i)
{
    size_t len = strlen(env->container);

    if (*name == '.')
        return i ? NULL : name + 1;
    for (; i && len; i--)
        while (len && env->container[--len] != '.')
            continue;
    if (i)
        return NULL;
    if (len)
        return arena_printf(a, "%.*s.%s", (int)len, env->container, name);
    return name;
}
