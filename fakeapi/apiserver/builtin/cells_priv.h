/* cells_priv.h — a row in the making, for the files that make cells. Private to them. */
#pragma once

#include "fakeapi/apiserver/builtin/cells.h"
#include "kube/json.h"
#include "kube/object.h"

struct row {
    json_t *cells;
    const json_t *obj;
    struct instant now;
    struct arena *a;
};

static inline const char *text_at(const json_t *v, const char *path)
{
    const char *s = json_string_value(json_path(v, path));

    return s ? s : "";
}

static inline void say(struct row *r, const char *s)
{
    json_array_append_new(r->cells, json_string(s));
}

static inline void say_or(struct row *r, const char *s, const char *otherwise)
{
    say(r, *s ? s : otherwise);
}

static inline void say_text(struct row *r, const char *path)
{
    say(r, text_at(r->obj, path));
}

static inline void say_count(struct row *r, int64_t n)
{
    json_array_append_new(r->cells, json_integer(n));
}

static inline void say_number(struct row *r, const char *path)
{
    say_count(r, json_integer_value(json_path(r->obj, path)));
}

static inline void say_name(struct row *r)
{
    say(r, obj_name(r->obj));
}

static inline void say_age(struct row *r)
{
    say(r, human_since(r->a, text_at(r->obj, "metadata.creationTimestamp"), r->now));
}

/* "<none>" where there is nothing to say. */
const char *cells_selector(struct arena *a, const json_t *selector);
const char *cells_labels(struct arena *a, const json_t *map);    /* "a=b,c=d", by key */
void cells_containers(struct row *r, const char *spec);          /* names, images */

/* Kinds with a few columns of their own (cells_small.c). */
void cells_replication_controller(struct row *r);
void cells_autoscaler(struct row *r);
void cells_quota(struct row *r);
void cells_priority_class(struct row *r);
void cells_ingress_class(struct row *r);
void cells_ip_address(struct row *r);
void cells_network_policy(struct row *r);
void cells_service_cidr(struct row *r);
void cells_attributes_class(struct row *r);
void cells_admission_policy(struct row *r);
void cells_resource_claim(struct row *r);
void cells_resource_slice(struct row *r);
void cells_name_age(struct row *r);
