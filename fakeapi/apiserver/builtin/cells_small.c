#include "fakeapi/apiserver/builtin/cells_priv.h"

#include <ctype.h>
#include <inttypes.h>

/* Cells of kinds with a few columns of their own (G.4). */

void cells_name_age(struct row *r)
{
    say_name(r);
    say_age(r);
}

/* ---- how many there shall be ------------------------------------------------------------------------ */

void cells_replication_controller(struct row *r)
{
    say_name(r);
    say_number(r, "spec.replicas");
    say_number(r, "status.replicas");
    say_number(r, "status.readyReplicas");
    say_age(r);
    cells_containers(r, "spec.template.spec");
    say(r, cells_labels(r->a, json_path(r->obj, "spec.selector")));
}

static const char *or_unknown(const char *s)
{
    return *s ? s : "<unknown>";
}

/* A utilization in percent, or `absent`. */
static const char *percent_at(struct arena *a, const json_t *v, const char *path, const char *absent)
{
    const json_t *n = json_path(v, path);

    return json_is_integer(n) ? arena_printf(a, "%" PRId64 "%%", (int64_t)json_integer_value(n)) : absent;
}

/* Where a metric's numbers stand in its spec and in its status. */
static const struct metric_row {
    const char *type, *member;
    bool named, averaged;              /* "cpu: 1/2"; always by its average */
} metric_rows[] = {
    { "External", "external", false, false }, { "Pods", "pods", false, true }, { "Object", "object", false, false },
    { "Resource", "resource", true, false }, { "ContainerResource", "containerResource", true, false },
};

static const char *metric(struct arena *a, const struct metric_row *row, const json_t *spec, const json_t *status)
{
    const json_t *of = json_object_get(spec, row->member), *now = json_object_get(status, row->member);
    const char *average = text_at(of, "target.averageValue");
    const char *current = text_at(now, *average || row->averaged ? "current.averageValue" : "current.value");

    if (row->named && !*average)
        return arena_printf(a, "%s: %s/%s", text_at(of, "name"),
                            percent_at(a, now, "current.averageUtilization", "<unknown>"),
                            percent_at(a, of, "target.averageUtilization", "<auto>"));
    if (row->named)
        return arena_printf(a, "%s: %s/%s", text_at(of, "name"), or_unknown(current), average);
    if (row->averaged)
        return arena_printf(a, "%s/%s", or_unknown(current), *average ? average : "0");
    if (*average)
        return arena_printf(a, "%s/%s (avg)", or_unknown(current), average);
    return arena_printf(a, "%s/%s", or_unknown(current), text_at(of, "target.value"));
}

/* The first two of them. */
static const char *metrics(struct row *r)
{
    const json_t *specs = json_path(r->obj, "spec.metrics"), *now = json_path(r->obj, "status.currentMetrics");
    cleanup_buf struct buf b = BUF_INIT;
    size_t n = json_array_size(specs);

    for (size_t i = 0; i < n && i < 2; i++) {
        const json_t *spec = json_array_get(specs, i);
        const char *text = "<unknown type>";
        for (size_t k = 0; k < ARRAY_SIZE(metric_rows); k++)
            if (streq(metric_rows[k].type, text_at(spec, "type")))
                text = metric(r->a, &metric_rows[k], spec, json_array_get(now, i));
        buf_printf(&b, "%s%s", i ? ", " : "", text);
    }
    if (n > 2)
        buf_printf(&b, " + %zu more...", n - 2);
    return n ? arena_strdup(r->a, b.data) : "<none>";
}

/* autoscaling/v1 knows one metric, beside annotations. */
static const char *old_metrics(struct row *r)
{
    if (!json_path(r->obj, "spec.targetCPUUtilizationPercentage"))
        return "<none>";
    return arena_printf(r->a, "cpu: %s/%s", percent_at(r->a, r->obj, "status.currentCPUUtilizationPercentage", "<unknown>"),
                        percent_at(r->a, r->obj, "spec.targetCPUUtilizationPercentage", "<auto>"));
}

void cells_autoscaler(struct row *r)
{
    const json_t *least = json_path(r->obj, "spec.minReplicas");

    say_name(r);
    say(r, arena_printf(r->a, "%s/%s", text_at(r->obj, "spec.scaleTargetRef.kind"),
                        text_at(r->obj, "spec.scaleTargetRef.name")));
    say(r, streq(obj_api_version(r->obj), "autoscaling/v1") ? old_metrics(r) : metrics(r));
    say(r, least ? arena_printf(r->a, "%" PRId64, (int64_t)json_integer_value(least)) : "<unset>");
    say_number(r, "spec.maxReplicas");
    say_number(r, "status.currentReplicas");
    say_age(r);
}

/* ---- how much, and how urgent ----------------------------------------------------------------------- */

static int by_name(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

void cells_quota(struct row *r)
{
    json_t *hard = json_path(r->obj, "status.hard"), *v;
    const json_t *used = json_path(r->obj, "status.used");
    const char **names = arena_alloc(r->a, (json_object_size(hard) + 1) * sizeof(*names)), *key;
    cleanup_buf struct buf requests = BUF_INIT, limits = BUF_INIT;
    size_t n = 0;

    json_object_foreach(hard, key, v)
        names[n++] = key;
    qsort(names, n, sizeof(*names), by_name);
    for (size_t i = 0; i < n; i++) {
        struct buf *b = str_starts(names[i], "limits.") ? &limits : &requests;
        const char *taken = json_string_value(json_object_get(used, names[i]));
        buf_printf(b, "%s%s: %s/%s", b->len ? ", " : "", names[i], taken ? taken : "0",
                   json_string_value(json_object_get(hard, names[i])));
    }
    say_name(r);
    say(r, requests.len ? requests.data : "");
    say(r, limits.len ? limits.data : "");
    say_age(r);
}

void cells_priority_class(struct row *r)
{
    say_name(r);
    say_number(r, "value");
    json_array_append_new(r->cells, json_boolean(json_is_true(json_object_get(r->obj, "globalDefault"))));
    say_age(r);
    say_text(r, "preemptionPolicy");
}

/* ---- networks --------------------------------------------------------------------------------------- */

void cells_ingress_class(struct row *r)
{
    const json_t *p = json_path(r->obj, "spec.parameters");
    const char *group = text_at(p, "apiGroup");

    say_name(r);
    say_text(r, "spec.controller");
    say(r, p ? arena_printf(r->a, "%s%s%s/%s", text_at(p, "kind"), json_object_get(p, "apiGroup") ? "." : "", group,
                            text_at(p, "name"))
             : "<none>");
    say_age(r);
}

void cells_ip_address(struct row *r)
{
    const json_t *p = json_path(r->obj, "spec.parentRef");
    const char *group = text_at(p, "group"), *namespace = text_at(p, "namespace");

    say_name(r);
    if (p) {
        char *what = arena_printf(r->a, "%s%s%s", text_at(p, "resource"), *group ? "." : "", group);
        for (char *c = what; *c; c++)
            *c = (char)tolower((unsigned char)*c);
        say(r, arena_printf(r->a, "%s%s%s/%s", what, *namespace ? "/" : "", namespace, text_at(p, "name")));
    } else {
        say(r, "<none>");
    }
    say_age(r);
}

void cells_network_policy(struct row *r)
{
    say_name(r);
    say(r, cells_selector(r->a, json_path(r->obj, "spec.podSelector")));
    say_age(r);
}

void cells_service_cidr(struct row *r)
{
    cleanup_buf struct buf b = BUF_INIT;
    size_t i;
    json_t *cidr;

    json_array_foreach(json_path(r->obj, "spec.cidrs"), i, cidr)
        buf_printf(&b, "%s%s", i ? "," : "", json_string_value(cidr));
    say_name(r);
    say(r, b.len ? b.data : "");
    say_age(r);
}

/* ---- classes, policies, devices --------------------------------------------------------------------- */

void cells_attributes_class(struct row *r)
{
    say_name(r);
    say_text(r, "driverName");
    say_age(r);
}

void cells_admission_policy(struct row *r)
{
    const json_t *kind = json_path(r->obj, "spec.paramKind");

    say_name(r);
    say_count(r, (int64_t)json_array_size(json_path(r->obj, "spec.validations")));
    say(r, kind ? arena_printf(r->a, "%s/%s", text_at(kind, "apiVersion"), text_at(kind, "kind")) : "<unset>");
    say_age(r);
}

void cells_resource_claim(struct row *r)
{
    bool gone = *text_at(r->obj, "metadata.deletionTimestamp"), has = json_path(r->obj, "status.allocation");
    bool reserved = json_array_size(json_path(r->obj, "status.reservedFor"));

    say_name(r);
    say(r, arena_printf(r->a, "%s%s%s", gone ? has ? "deleted," : "deleted" : "", has ? "allocated" : gone ? "" : "pending",
                        has && reserved ? ",reserved" : ""));
    say_age(r);
}

void cells_resource_slice(struct row *r)
{
    say_name(r);
    say_text(r, "spec.nodeName");
    say_text(r, "spec.driver");
    say_text(r, "spec.pool.name");
    say_age(r);
}
