#include "conformance/cli/cli.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>

#include "conformance/cli/entry.h"

/* Objects keep the order in which members were set, so the seed moves no byte of any output; a constant
 * one keeps memory and speed the same from run to run. */
#define JSON_SEED 1

static int run_help(int argc, char **argv)
{
    const struct command *c;

    if (argc > 1) {
        c = command_find(argv[1]);
        if (!c) {
            fprintf(stderr, "dormouse: unknown command %s; `dormouse help` lists them\n", argv[1]);
            return EXIT_USAGE;
        }
        fputs(c->help, stdout);
        return EXIT_HELD;
    }
    puts("dormouse - certifies that AI-agent sandboxes survive being put to sleep\n");
    puts("usage: dormouse COMMAND [OPTION...] [OPERAND...]\n");
    for (size_t i = 0; (c = command_at(i)); i++)
        printf("  %-14s %s\n", c->name, c->summary);
    puts("  help           this, or `dormouse help COMMAND`");
    puts("  version        the version of this program\n");
    puts("Exit codes: 0 all held, 1 a check failed, 2 the command line or a file is wrong,");
    puts("3 the machine let us down.");
    return EXIT_HELD;
}

int main(int argc, char **argv)
{
    const struct command *c;
    entry_fn *entry = argc > 0 ? entry_of(argv[0]) : NULL;

    /* Whoever talks to a server must not know the seed, or could send names that all fall together. */
    json_object_seed(entry || (argc > 1 && streq(argv[1], "serve")) ? 0 : JSON_SEED);
    signal(SIGPIPE, SIG_IGN);
    if (entry)
        return entry(argc, argv);
    if (argc < 2) {
        run_help(1, argv);
        return EXIT_USAGE;
    }
    if (streq(argv[1], "help") || streq(argv[1], "--help") || streq(argv[1], "-h"))
        return run_help(argc - 1, argv + 1);
    if (streq(argv[1], "version") || streq(argv[1], "--version")) {
        puts("dormouse " DORMOUSE_VERSION);
        return EXIT_HELD;
    }
    c = command_find(argv[1]);
    if (!c) {
        fprintf(stderr, "dormouse: unknown command %s; `dormouse help` lists them\n", argv[1]);
        return EXIT_USAGE;
    }
    return c->run(argc - 1, argv + 1);
}
