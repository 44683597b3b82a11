#include "conformance/cli/cli.h"
#include "conformance/cli/commands.h"
#include "conformance/cli/files.h"

#include <stdio.h>

#include "kube/json.h"

const char lint_help[] =
    "usage: dormouse lint [--schema] [PATH...]\n"
    "\n"
    "Reads scenario files (and every *.yaml below directories) and says what is wrong with them, with\n"
    "file, line and column. Runs nothing.\n"
    "\n"
    "  --schema    print the JSON schema of the scenario language instead\n";

static void print_schema(void)
{
    json_auto_t *schema = scenario_schema();
    cleanup_buf struct buf b = BUF_INIT;

    json_write(&b, schema, JSON_WRITE_INDENT | JSON_WRITE_PLAIN);
    puts(b.data);
}

int lint_run(int argc, char **argv)
{
    bool schema = false;
    const struct option_row rows[] = { { "--schema", OPTION_FLAG, &schema } };
    struct scenario_set set = { 0 };
    int n, r;

    r = options_parse("lint", argc, argv, rows, ARRAY_SIZE(rows), &n);
    if (r)
        return options_status(r);
    if (schema) {
        print_schema();
        return EXIT_HELD;
    }
    scenario_set_read(&set, argv + 1, n);
    if (!set.wrong)
        printf("%zu scenarios are well-formed\n", set.files.n);
    r = set.wrong ? EXIT_USAGE : EXIT_HELD;
    scenario_set_release(&set);
    return r;
}
