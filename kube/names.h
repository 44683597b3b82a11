/* names.h — what may be a name, a label, a key: the rules of k8s.io/apimachinery with their sentences
 * (B-020 to B-025, B-035, B-036).
 *
 * A rule looks at bytes, not at C strings: a NUL in a name must not end it. The problems found are
 * static strings, in the order in which apimachinery reports them; each is a field error of its own, or
 * they are joined with "; " (selectors).
 */
#pragma once

#include <jansson.h>

#include "world/base.h"

enum name_rule {
    NAME_DNS1123_SUBDOMAIN,            /* most objects; at most 253 */
    NAME_DNS1123_LABEL,                /* namespaces, containers, volumes; at most 63 */
    NAME_DNS1035_LABEL,                /* services */
    NAME_QUALIFIED,                    /* label and annotation keys, finalizers: [prefix/]name */
    NAME_LABEL_VALUE,
    NAME_PATH_SEGMENT,                 /* roles and whatever else has no stricter rule */
    NAME_WILDCARD_SUBDOMAIN,           /* ingress hosts: "*.example.com" */
    NAME_CONFIG_MAP_KEY,
    NAME_ENV_VAR,                      /* relaxed: printable ASCII but '=' */
    NAME_ENV_VAR_STRICT,
    NAME_C_IDENTIFIER,
    NAME_PORT,                         /* named ports: at most 15, a letter, no "--" */
    NAME_HTTP_HEADER,
    NAME_PERCENT,                      /* "25%" */
    NAME_RULES_,
    /* Or-ed: a generateName, whose trailing '-' will be followed by letters. */
    NAME_IS_PREFIX = 0x100
};

struct name_problems {
    const char *v[5];
    size_t n;
};

/* True when `s` keeps the rule; `ret` may be NULL. */
bool name_check(unsigned rule, const char *s, size_t len, struct name_problems *ret);
bool name_check_str(unsigned rule, const char *s, struct name_problems *ret);
bool name_check_json(unsigned rule, const json_t *s, struct name_problems *ret);   /* no string: "" */

/* "a; b" of all problems, the caller's to free. */
char *name_problems_join(const struct name_problems *p);

#define ANNOTATIONS_SIZE_MAX 262144
size_t annotations_size(const json_t *annotations);              /* keys and values, in bytes (B-037) */
