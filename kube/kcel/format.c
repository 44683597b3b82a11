#include "kube/formats.h"
#include "kube/gourl.h"
#include "kube/kcel/libs.h"
#include "kube/names.h"

/* Named formats: format.dns1123Label().validate(s) yields what is wrong, or nothing. */

struct format {
    struct cel_opaque base;
    const char *name;                  /* as expressions call it */
    int name_rule;                     /* of names.h; -1: not a name */
    const char *checked_as;            /* of formats.h */
    const char *wrong;                 /* NULL: a URI, which says itself */
    uint64_t regex_size;
};

const struct cel_type kcel_type_format = { .kind = CEL_TYPE_OPAQUE, .name = "kubernetes.NamedFormat" };

static struct cel_value same_format(struct cel_run *run, const struct cel_opaque *a, const struct cel_opaque *b)
{
    return cel_bool(a == b);
}

static const struct cel_opaque_ops ops = { .type = &kcel_type_format, .equal = same_format };

#define NAME(n, rule, size) { { &ops }, n, (int)(rule), NULL, NULL, size }
#define TEXT(n, as, wrong, size) { { &ops }, n, -1, as, wrong, size }
static const struct format formats[] = {
    NAME("dns1123Label", NAME_DNS1123_LABEL, 30),
    NAME("dns1123Subdomain", NAME_DNS1123_SUBDOMAIN, 60),
    NAME("dns1035Label", NAME_DNS1035_LABEL, 30),
    NAME("qualifiedName", NAME_QUALIFIED, 60),
    NAME("dns1123LabelPrefix", NAME_DNS1123_LABEL | NAME_IS_PREFIX, 30),
    NAME("dns1123SubdomainPrefix", NAME_DNS1123_SUBDOMAIN | NAME_IS_PREFIX, 60),
    NAME("dns1035LabelPrefix", NAME_DNS1035_LABEL | NAME_IS_PREFIX, 30),
    NAME("labelValue", NAME_LABEL_VALUE, 40),
    TEXT("uri", "uri", NULL, 1103),
    TEXT("uuid", "uuid", "does not match the UUID format", 70),
    TEXT("byte", "byte", "invalid base64", 84),
    TEXT("date", "date", "invalid date", 71),
    TEXT("datetime", "date-time", "invalid datetime", 71),
};

static const struct format *format_of(struct cel_value v)
{
    const struct cel_opaque *o = kcel_opaque_of(v, &ops);

    return o ? container_of(o, const struct format, base) : NULL;
}

uint64_t kcel_format_regex_size(struct cel_value v)
{
    const struct format *f = format_of(v);

    return f ? f->regex_size : UINT64_MAX;
}

static const struct format *find_format(const char *name, size_t len)
{
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
        if (strlen(formats[i].name) == len && memcmp(formats[i].name, name, len) == 0)
            return &formats[i];
    return NULL;
}

static struct cel_value named(struct cel_run *run, const struct cel_value *args, size_t n)
{
    if (args[0].kind != CEL_STRING)
        return cel_no_such_overload(run);
    const struct format *f = find_format(args[0].s, args[0].len);
    return f ? cel_optional_of(cel_arena(run), cel_opaque(&f->base)) : cel_optional_none();
}

static struct cel_value validate(struct cel_run *run, const struct cel_value *args, size_t n)
{
    const struct format *f = format_of(args[0]);
    struct arena *a = cel_arena(run);
    struct name_problems problems = { 0 };
    struct cel_value wrong[5];
    struct gourl url;

    if (!f || args[1].kind != CEL_STRING)
        return cel_no_such_overload(run);
    if (f->name_rule >= 0) {
        name_check((unsigned)f->name_rule, args[1].s, args[1].len, &problems);
    } else if (f->wrong) {
        if (!format_find(f->checked_as)(args[1].s, args[1].len))
            problems.v[problems.n++] = f->wrong;
    } else {
        const char *why = gourl_parse_request(a, args[1].s, args[1].len, &url);
        if (why)
            problems.v[problems.n++] = why;
    }
    for (size_t i = 0; i < problems.n; i++)
        wrong[i] = cel_str(problems.v[i]);
    return problems.n ? cel_optional_of(a, cel_list_of(a, wrong, problems.n)) : cel_optional_none();
}

#define CONSTANT(i)                                                                                \
    static struct cel_value constant_##i(struct cel_run *run, const struct cel_value *args, size_t n) \
    {                                                                                               \
        return cel_opaque(&formats[i].base);                                                        \
    }
CONSTANT(0) CONSTANT(1) CONSTANT(2) CONSTANT(3) CONSTANT(4) CONSTANT(5) CONSTANT(6) CONSTANT(7) CONSTANT(8)
CONSTANT(9) CONSTANT(10) CONSTANT(11) CONSTANT(12)

#define F "kubernetes.NamedFormat"
#define NAMED(name, i) { .function = "format." name, .id = "format." name, .signature = "() " F, .fn = constant_##i }
static const struct cel_overload rows[] = {
    { .function = "validate", .id = "format-validate", .signature = F ".(string) optional_type(list(string))",
      .fn = validate },
    { .function = "format.named", .id = "format-named", .signature = "(string) optional_type(" F ")", .fn = named },
    NAMED("dns1123Label", 0), NAMED("dns1123Subdomain", 1), NAMED("dns1035Label", 2), NAMED("qualifiedName", 3),
    NAMED("dns1123LabelPrefix", 4), NAMED("dns1123SubdomainPrefix", 5), NAMED("dns1035LabelPrefix", 6),
    NAMED("labelValue", 7), NAMED("uri", 8), NAMED("uuid", 9), NAMED("byte", 10), NAMED("date", 11),
    NAMED("datetime", 12),
};

const struct kcel_lib kcel_formats = { rows, ARRAY_SIZE(rows) };
