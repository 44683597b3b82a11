#include "kube/kcel/libs.h"
#include "kube/semver.h"

/* semver() and its kin. */

struct semver_value {
    struct cel_opaque base;
    struct semver version;
};

const struct cel_type kcel_type_semver = { .kind = CEL_TYPE_OPAQUE, .name = "kubernetes.Semver" };

static struct cel_value same_version(struct cel_run *run, const struct cel_opaque *a, const struct cel_opaque *b)
{
    return cel_bool(semver_compare(&container_of(a, struct semver_value, base)->version,
                                   &container_of(b, struct semver_value, base)->version) == 0);
}

static const struct cel_opaque_ops ops = { .type = &kcel_type_semver, .equal = same_version };

static const struct semver *version_of(struct cel_value v)
{
    const struct cel_opaque *o = kcel_opaque_of(v, &ops);

    return o ? &container_of(o, struct semver_value, base)->version : NULL;
}

static struct cel_value to_semver(struct cel_run *run, const struct cel_value *args, size_t n)
{
    struct semver_value *v = arena_alloc(cel_arena(run), sizeof(*v));

    if (args[0].kind != CEL_STRING || (n > 1 && args[1].kind != CEL_BOOL))
        return cel_no_such_overload(run);
    const char *why = semver_parse(cel_arena(run), args[0].s, args[0].len, n > 1 && args[1].b, &v->version);
    v->base.ops = &ops;
    return why ? cel_error(run, "%s", why) : cel_opaque(&v->base);
}

static struct cel_value is_semver(struct cel_run *run, const struct cel_value *args, size_t n)
{
    if (args[0].kind != CEL_STRING || (n > 1 && args[1].kind != CEL_BOOL))
        return cel_no_such_overload(run);
    return cel_bool(!cel_is_error(to_semver(run, args, n)));
}

static struct cel_value greater(struct cel_run *run, const struct cel_value *args, size_t n)
{
    const struct semver *a = version_of(args[0]), *b = version_of(args[1]);

    return a && b ? cel_bool(semver_compare(a, b) > 0) : cel_no_such_overload(run);
}

static struct cel_value less(struct cel_run *run, const struct cel_value *args, size_t n)
{
    const struct semver *a = version_of(args[0]), *b = version_of(args[1]);

    return a && b ? cel_bool(semver_compare(a, b) < 0) : cel_no_such_overload(run);
}

static struct cel_value compare(struct cel_run *run, const struct cel_value *args, size_t n)
{
    const struct semver *a = version_of(args[0]), *b = version_of(args[1]);

    return a && b ? cel_int(semver_compare(a, b)) : cel_no_such_overload(run);
}

static struct cel_value major(struct cel_run *run, const struct cel_value *args, size_t n)
{
    const struct semver *v = version_of(args[0]);

    return v ? cel_int((int64_t)v->major) : cel_no_such_overload(run);
}

static struct cel_value minor(struct cel_run *run, const struct cel_value *args, size_t n)
{
    const struct semver *v = version_of(args[0]);

    return v ? cel_int((int64_t)v->minor) : cel_no_such_overload(run);
}

static struct cel_value patch(struct cel_run *run, const struct cel_value *args, size_t n)
{
    const struct semver *v = version_of(args[0]);

    return v ? cel_int((int64_t)v->patch) : cel_no_such_overload(run);
}

#define V "kubernetes.Semver"
static const struct cel_overload rows[] = {
    { .function = "semver", .id = "string_to_semver", .signature = "(string) " V, .fn = to_semver },
    { .function = "semver", .id = "string_bool_to_semver", .signature = "(string, bool) " V, .fn = to_semver },
    { .function = "isSemver", .id = "is_semver_string", .signature = "(string) bool", .fn = is_semver },
    { .function = "isSemver", .id = "is_semver_string_bool", .signature = "(string, bool) bool", .fn = is_semver },
    { .function = "isGreaterThan", .id = "semver_is_greater_than", .signature = V ".(" V ") bool", .fn = greater },
    { .function = "isLessThan", .id = "semver_is_less_than", .signature = V ".(" V ") bool", .fn = less },
    { .function = "compareTo", .id = "semver_compare_to", .signature = V ".(" V ") int", .fn = compare },
    { .function = "major", .id = "semver_major", .signature = V ".() int", .fn = major },
    { .function = "minor", .id = "semver_minor", .signature = V ".() int", .fn = minor },
    { .function = "patch", .id = "semver_patch", .signature = V ".() int", .fn = patch },
};

const struct kcel_lib kcel_semvers = { rows, ARRAY_SIZE(rows) };
