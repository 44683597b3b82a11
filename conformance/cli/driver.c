#include "conformance/cli/cli.h"

#include <stdio.h>

#include "conformance/cli/commands.h"
#include "drivers/main/driver_main.h"
#include "drivers/villains/villains.h"

const char driver_help[] =
    "usage: dormouse driver directory --root DIR --listen ENDPOINT [OPTION...]\n"
    "\n"
    "Serves a reference driver on a socket until SIGTERM. Once calls are answered it prints\n"
    "\"listening on ENDPOINT\".\n"
    "\n"
    "  directory           artifacts are files under a directory, all or nothing\n"
    "\n"
    "  --root DIR          where they are kept; made if it is missing\n"
    "  --listen ENDPOINT   unix:///path, or tcp://127.0.0.1:PORT (0: a free one)\n"
    "  --name NAME         what GetDriverInfo answers (default: directory.dormouse.dev)\n"
    "  --bucket NAME       a bucket that may be used; repeatable; none given: any\n"
    "  --villain NAME      break a rule on purpose; `--villain list` names them\n"
    "  --verbose           a line on stderr for each call\n";

static int list_villains(void)
{
    size_t n;
    const struct villain_row *rows = villain_rows(&n);

    for (size_t i = 0; i < n; i++)
        printf("%-22s %-30s %s\n", rows[i].name, rows[i].breaks, rows[i].sentence);
    return EXIT_HELD;
}

int driver_run(int argc, char **argv)
{
    struct driver_main_options o = { 0 };
    struct text_list buckets = { 0 };
    const struct option_row rows[] = {
        { "--root", OPTION_TEXT, &o.root },       { "--listen", OPTION_TEXT, &o.listen },
        { "--name", OPTION_TEXT, &o.name },       { "--villain", OPTION_TEXT, &o.villain },
        { "--bucket", OPTION_LIST, &buckets },    { "--verbose", OPTION_FLAG, &o.verbose },
    };
    int n, r = options_parse("driver", argc, argv, rows, ARRAY_SIZE(rows), &n);

    if (r == 0 && o.villain && streq(o.villain, "list")) {
        r = list_villains();
    } else if (r == 0) {
        o.kind = n == 1 ? argv[1] : "";
        o.buckets = buckets.list.v;
        o.n_buckets = buckets.list.n;
        r = driver_main_run(&o);
    } else {
        r = options_status(r);
    }
    dyn_release(&buckets.list);
    return r;
}
