/* yaml_priv.h — what a plain scalar means in YAML 1.1 as go-yaml reads it. */
#pragma once

#include "kube/json.h"

/* The value of a plain scalar with `tag` ("" or a core tag); a new reference. NULL: `*error` says why.
 * `*kind`: the tag it resolved to, "!!str" for a string. */
json_t *yaml_resolve(const char *tag, const char *text, size_t len, const char **kind);
bool yaml_is_base60(const char *text);
