/* gates.h — fields of the API whose features are off in 1.34: they are read, owned, and forgotten (B-171). */
#pragma once

#include "fakeapi/apiserver/kinds.h"

/* Drops them from an object that is about to be checked and stored. */
void gates_drop(const struct kind *k, json_t *obj);
