/* cli.h — the `dormouse` command: its table of subcommands and what they share.
 *
 * Exit codes (design.md section 9): 0 all held, 1 a check failed, 2 the command line or a file is
 * wrong, 3 the machine let us down.
 */
#pragma once

#include "world/base.h"

enum exit_code { EXIT_HELD = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_MACHINE = 3 };

/* argv[0] is the subcommand's name. */
struct command {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
    const char *help;                  /* the whole of `dormouse NAME --help` */
};
const struct command *command_at(size_t i);      /* NULL past the last */
const struct command *command_find(const char *name);

/* Options of one command. Values land where they point; a flag takes none. */
struct option_row {
    const char *name;                  /* "--seed" */
    enum { OPTION_FLAG, OPTION_TEXT, OPTION_NUMBER, OPTION_LIST } type;
    void *value;                       /* bool *, const char **, uint64_t *, struct text_list * */
};
struct text_list {
    DYN(const char *) list;
};

/* Consumes options, leaves the operands in argv[1..*ret_n]. 0, or EXIT_USAGE after a message on stderr.
 * "--help" prints the command's help and returns -1: the caller returns EXIT_HELD. */
int options_parse(const char *command, int argc, char **argv, const struct option_row *rows, size_t n_rows,
                  int *ret_n);
#define options_status(r) ((r) < 0 ? EXIT_HELD : (r))
