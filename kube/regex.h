/* regex.h — regular expressions in Go's syntax, matched in time linear in the text (RE2 behind it). */
#pragma once

#include "world/arena.h"

struct regex;

/* NULL with *ret_wrong, Go's sentence ("error parsing regexp: missing closing ): `(`") in `arena`. */
struct regex *regex_new(struct arena *arena, const char *pattern, size_t len, const char **ret_wrong);
struct regex *regex_free(struct regex *r);       /* NULL is fine; returns NULL */

bool regex_match(const struct regex *r, const char *text, size_t len);           /* anywhere in the text */
/* The first match at or after `from`, as [*ret_start, *ret_end); what stands before `from` counts for \b and ^. */
bool regex_find(const struct regex *r, const char *text, size_t len, size_t from, size_t *ret_start, size_t *ret_end);
