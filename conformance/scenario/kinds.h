/* kinds.h — the kinds that a scenario may name, by their kind alone. */
#pragma once

#include "kube/gvk.h"

const struct resource *kind_find(const char *kind);             /* NULL: no scenario knows it */
const struct resource *kind_at(size_t i);                       /* NULL past the last */
