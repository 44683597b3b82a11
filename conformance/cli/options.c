#include "conformance/cli/cli.h"

#include <stdio.h>

static const struct option_row *find_row(const struct option_row *rows, size_t n, const char *name,
                                         size_t len)
{
    for (size_t i = 0; i < n; i++)
        if (strlen(rows[i].name) == len && memcmp(rows[i].name, name, len) == 0)
            return &rows[i];
    return NULL;
}

static int usage(const char *command, const char *what, const char *arg)
{
    fprintf(stderr, "dormouse %s: %s %s; see `dormouse %s --help`\n", command, what, arg, command);
    return EXIT_USAGE;
}

static int set_value(const char *command, const struct option_row *row, const char *value)
{
    switch (row->type) {
    case OPTION_FLAG:
        *(bool *)row->value = true;
        break;
    case OPTION_TEXT:
        *(const char **)row->value = value;
        break;
    case OPTION_NUMBER:
        if (!parse_u64(value, row->value))
            return usage(command, "not a number:", value);
        break;
    case OPTION_LIST:
        *dyn_push(&((struct text_list *)row->value)->list) = value;
        break;
    }
    return 0;
}

int options_parse(const char *command, int argc, char **argv, const struct option_row *rows, size_t n_rows,
                  int *ret_n)
{
    int n = 0, r;
    bool only_operands = false;

    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i], *equals = strchr(arg, '=');
        const struct option_row *row;

        if (only_operands || arg[0] != '-' || streq(arg, "-")) {
            argv[++n] = argv[i];
            continue;
        }
        if (streq(arg, "--")) {
            only_operands = true;
            continue;
        }
        if (streq(arg, "--help") || streq(arg, "-h")) {
            fputs(command_find(command)->help, stdout);
            return -1;
        }
        row = find_row(rows, n_rows, arg, equals ? (size_t)(equals - arg) : strlen(arg));
        if (!row)
            return usage(command, "unknown option", arg);
        if (row->type == OPTION_FLAG && equals)
            return usage(command, "this option takes no value:", arg);
        if (row->type != OPTION_FLAG && !equals && i + 1 == argc)
            return usage(command, "this option needs a value:", arg);
        r = set_value(command, row,
                      row->type == OPTION_FLAG ? NULL : equals ? equals + 1 : argv[++i]);
        if (r)
            return r;
    }
    *ret_n = n;
    return 0;
}
