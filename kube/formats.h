/* formats.h — the string formats that a schema may ask for (F-122), as strfmt checks them. */
#pragma once

#include "world/base.h"

typedef bool format_fn(const char *s, size_t len);

/* The check behind a name, dashes aside; NULL: a format that nobody enforces. */
format_fn *format_find(const char *name);
