/* libs.h — the libraries, each a table of overloads. Private to this folder. */
#pragma once

#include "kube/kcel/kcel.h"

struct kcel_lib {
    const struct cel_overload *v;
    size_t n;
};

extern const struct cel_type kcel_type_url, kcel_type_ip, kcel_type_cidr, kcel_type_quantity, kcel_type_format,
    kcel_type_semver, kcel_type_path_check, kcel_type_group_check, kcel_type_decision;

extern const struct kcel_lib kcel_lists, kcel_regex, kcel_urls, kcel_ips, kcel_quantities, kcel_formats, kcel_semvers,
    kcel_authorizers;

bool kcel_actual_cost(const char *function, const char *overload, const struct cel_value *args, size_t n,
                      struct cel_value result, uint64_t *ret);
uint64_t kcel_format_regex_size(struct cel_value format);      /* of a NamedFormat */

/* An argument as the opaque value of our type, NULL where it is something else (a dyn at run time). */
const struct cel_opaque *kcel_opaque_of(struct cel_value v, const struct cel_opaque_ops *ops);
