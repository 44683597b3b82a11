/* LimitRanges: what may be said of the amounts of a kind. What they then do to pods and claims: ../admission/limits.c. */
#include "fakeapi/apiserver/builtin/resource_names.h"
#include "fakeapi/apiserver/builtin/rules.h"

#include "kube/quantity.h"

enum part { MAX, MIN, DEFAULT, DEFAULT_REQUEST, RATIO, PARTS };
static const char *const part_names[PARTS] = { "max", "min", "default", "defaultRequest", "maxLimitRequestRatio" };
static const char *const said[PARTS] = { "max", "min", "default", "default request", "ratio" };

struct item {
    const json_t *limit;
    const struct fpath *at;
    const char *type;
};

static void limit_type(struct fielderrs *e, const struct item *it)
{
    static const char *const standard[] = { "Container", "PersistentVolumeClaim", "Pod", NULL };
    size_t before = e->n;

    rule_name(e, FP_CHILD(it->at, "type"), NAME_QUALIFIED, it->type);
    if (e->n == before && !strchr(it->type, '/') && !among(standard, it->type))
        fielderr_invalid_str(e, FP_CHILD(it->at, "type"), it->type, "must be a standard limit type or fully qualified");
}

static void resource_names(struct fielderrs *e, const struct item *it, enum part part)
{
    bool of_containers = streq(it->type, "Pod") || streq(it->type, "Container");
    const char *name;
    json_t *v;

    json_object_foreach(json_object_get(it->limit, part_names[part]), name, v) {
        const struct fpath *at = FP_KEY(FP_CHILD(it->at, part_names[part]), name);
        if (of_containers)
            rule_container_resource_name(e, at, name);
        else
            rule_resource_name(e, at, name);
    }
}

static bool amount_of(struct fielderrs *e, const struct item *it, enum part part, const char *name, struct quantity *ret)
{
    const json_t *v = json_object_get(json_object_get(it->limit, part_names[part]), name);

    if (streq(it->type, "Pod") && (part == DEFAULT || part == DEFAULT_REQUEST))
        return false;
    return v && quantity_parse_json(e->arena, v, ret, NULL) == 0;
}

/* `low` may not be above `high`: said of `told`, where the amount `shown` stands. */
static const struct order_row {
    enum part low, high, told, shown;
} order_rows[] = {
    { MIN, MAX, MIN, MIN },
    { MIN, DEFAULT_REQUEST, DEFAULT_REQUEST, DEFAULT_REQUEST },
    { DEFAULT_REQUEST, MAX, DEFAULT_REQUEST, DEFAULT_REQUEST },
    { DEFAULT_REQUEST, DEFAULT, DEFAULT_REQUEST, DEFAULT_REQUEST },
    { MIN, DEFAULT, DEFAULT, MIN },
    { DEFAULT, MAX, DEFAULT, MAX },
};

static void ratio(struct fielderrs *e, const struct item *it, const char *name, const struct quantity *q, const bool *has)
{
    const struct fpath *at = FP_KEY(FP_CHILD(it->at, part_names[RATIO]), name);
    struct quantity one = quantity_from_int(e->arena, 1, QUANTITY_DECIMAL_SI);
    const char *text = quantity_text(e->arena, &q[RATIO]);
    const int64_t precise = INT64_MAX / 1000;

    if (!has[RATIO])
        return;
    if (quantity_compare(&q[RATIO], &one) < 0)
        fielderr_invalid_str(e, at, text, "ratio %s is less than 1", text);
    if (!has[MIN] || !has[MAX])
        return;
    int scale = quantity_scaled(&q[RATIO], 0) < precise && quantity_scaled(&q[MIN], 0) < precise &&
                quantity_scaled(&q[MAX], 0) < precise ? -3 : 0;
    double most = (double)quantity_scaled(&q[MAX], scale) / (double)quantity_scaled(&q[MIN], scale);
    double asked = (double)quantity_scaled(&q[RATIO], scale) / (scale ? 1000 : 1);
    if (asked > most)
        fielderr_invalid_str(e, at, text, "ratio %s is greater than max/min = %f", text, most);
}

static void amounts_of(struct fielderrs *e, const struct item *it, const char *name)
{
    struct quantity q[PARTS] = { 0 };
    bool has[PARTS];

    for (unsigned p = 0; p < PARTS; p++)
        has[p] = amount_of(e, it, p, name, &q[p]);
    for (size_t i = 0; i < ARRAY_SIZE(order_rows); i++) {
        const struct order_row *row = &order_rows[i];
        if (!has[row->low] || !has[row->high] || quantity_compare(&q[row->low], &q[row->high]) <= 0)
            continue;
        const char *low = quantity_text(e->arena, &q[row->low]), *high = quantity_text(e->arena, &q[row->high]);
        fielderr_invalid_str(e, FP_KEY(FP_CHILD(it->at, part_names[row->told]), name),
                             quantity_text(e->arena, &q[row->shown]), "%s value %s is greater than %s value %s",
                             said[row->low], low,
                             row->high == DEFAULT && row->low == DEFAULT_REQUEST ? "default limit" : said[row->high], high);
    }
    ratio(e, it, name, q, has);
    if (!resource_overcommits(name) && has[DEFAULT] && has[DEFAULT_REQUEST] &&
        quantity_compare(&q[DEFAULT], &q[DEFAULT_REQUEST]) != 0) {
        const char *request = quantity_text(e->arena, &q[DEFAULT_REQUEST]);
        fielderr_invalid_str(e, FP_KEY(FP_CHILD(it->at, "defaultRequest"), name), request,
                             "default value %s must equal to defaultRequest value %s in %s",
                             quantity_text(e->arena, &q[DEFAULT]), request, name);
    }
}

static void limit_item(struct fielderrs *e, const struct item *it)
{
    static const char forbidden[] = "may not be specified when `type` is 'Pod'";
    bool pod = streq(it->type, "Pod"), claim = streq(it->type, "PersistentVolumeClaim");
    json_auto_t *names = json_object();
    const char *name;
    json_t *v;

    resource_names(e, it, MAX);
    resource_names(e, it, MIN);
    for (unsigned p = DEFAULT; p <= DEFAULT_REQUEST; p++) {
        if (!pod)
            resource_names(e, it, p);
        else if (json_object_size(json_object_get(it->limit, part_names[p])))
            fielderr_forbidden(e, FP_CHILD(it->at, part_names[p]), forbidden);
    }
    if (claim && !json_path(it->limit, "min.storage") && !json_path(it->limit, "max.storage"))
        fielderr_required(e, FP_CHILD(it->at, "limits"),
                          "either minimum or maximum storage value is required, but neither was provided");
    resource_names(e, it, RATIO);
    for (unsigned p = 0; p < PARTS; p++)
        json_object_foreach(json_object_get(it->limit, part_names[p]), name, v)
            json_object_set(names, name, v);
    json_object_foreach(names, name, v)
        amounts_of(e, it, name);
}

static void validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    const json_t *limits = json_path(obj, "spec.limits");
    const struct fpath *path = FP_CHILD(RULE_AT("spec"), "limits");
    json_t *limit;
    size_t i;

    json_array_foreach((json_t *)limits, i, limit) {
        struct item it = { limit, FP_INDEX(path, i), text(limit, "type") };
        limit_type(e, &it);
        for (size_t n = 0; n < i; n++)
            if (streq(text(json_array_get(limits, n), "type"), it.type)) {
                fielderr_duplicate_str(e, FP_CHILD(it.at, "type"), it.type);
                break;
            }
        limit_item(e, &it);
    }
}

/* Without a name it is given one that nobody has. */
static int prepare_create(struct call *c, json_t *obj)
{
    char uid[37];

    if (*obj_name(obj))
        return 0;
    world_uuid(c->s->world, uid);
    obj_set_name(obj, uid);
    return 0;
}

const struct kind_ops limitrange_ops = { .prepare_create = prepare_create, .validate = validate };
