/* crd_columns.h — the columns that a CustomResourceDefinition names, and their cells (F-160 to F-162). */
#pragma once

#include "fakeapi/apiserver/kinds.h"
#include "world/clock.h"

/* Name, then additionalPrinterColumns, or Age where there are none. In `a`. */
const struct column *crd_columns(const struct kind *k, struct arena *a, size_t *ret_n);
json_t *crd_cells(const struct kind *k, const json_t *obj, struct instant now, struct arena *a);
