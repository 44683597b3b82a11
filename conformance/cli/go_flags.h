/* go_flags.h — command lines as Kubernetes' own programs read theirs: `--name=value`, `--name value`, and
 * `--name` alone for what is true or false.
 */
#pragma once

#include "conformance/cli/cli.h"
#include "world/err.h"

struct go_flag {
    const char *name;                  /* "secure-port" */
    enum { GO_TEXT, GO_BOOL, GO_LIST } type;
    void *value;                       /* const char **, bool *, struct text_list *; the last one given wins */
};

/* Flags that are taken and do nothing: names with a space before and after each. `flags` may stand alone,
 * `values` need a value. */
struct go_flags_idle {
    const char *values, *flags;
};

struct go_flags {
    const struct go_flag *rows;
    size_t n_rows;
    struct go_flags_idle quiet;        /* nothing that anybody would miss */
    struct go_flags_idle noted;        /* named in *ret_noted */
    bool any;                          /* take every other flag, too */
};

/* 0, or -ERR_INVALID with the words of those programs. `ret_noted` gets names of idle flags. */
int go_flags_parse(const struct go_flags *f, int argc, char **argv, struct text_list *ret_noted, struct err *e);
/* One flag a line, as `--help` shows them. */
void go_flags_print(const struct go_flags *f);
