/* json_priv.h — setting a member known to be new, without looking for an old one. */
#pragma once

#include "kube/json.h"

int __real_json_object_setn_new_nocheck(json_t *o, const char *key, size_t len, json_t *value);

/* The key is not in `o` yet (or what it holds is no container): steals `value`. */
static inline void json_object_add_new(json_t *o, const char *key, size_t len, json_t *value)
{
    __real_json_object_setn_new_nocheck(o, key, len, value);
}
