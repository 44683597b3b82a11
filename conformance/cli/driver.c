/* `dormouse driver`: a reference driver on a socket. */
#include "drivers/main/driver_main.h"

#include <stdio.h>

#include "conformance/cli/cli.h"
#include "conformance/cli/commands.h"
#include "drivers/villains/villains.h"

const char driver_help[] =
    "usage: dormouse driver directory --root DIR --listen ENDPOINT [OPTION...]\n"
    "\n"
    "Serves a reference snapshot driver until SIGTERM. Artifacts are files below DIR, written so that a\n"
    "crash leaves either all of one or nothing. Prints one line when it serves.\n"
    "\n"
    "  --root DIR           the driver's own directory, made where it is missing\n"
    "  --listen ENDPOINT    unix:///run/my.sock or tcp://127.0.0.1:7000\n"
    "  --name NAME          what GetDriverInfo answers; default directory.dormouse.dev\n"
    "  --bucket NAME        a usable bucket; may be repeated; default: any well-formed name\n"
    "  --villain NAME       breaks a rule on purpose\n"
    "  --villains           lists the villains\n";

static int list_villains(void)
{
    size_t n;
    const struct villain_row *rows = villain_rows(&n);

    for (size_t i = 0; i < n; i++)
        printf("%-28s %-24s %s\n", rows[i].name, rows[i].breaks, rows[i].sentence);
    return EXIT_HELD;
}

int driver_run(int argc, char **argv)
{
    struct driver_main_options o = { 0 };
    struct text_list buckets = { 0 };
    bool villains = false;
    const struct option_row rows[] = {
        { "--root", OPTION_TEXT, &o.root },       { "--listen", OPTION_TEXT, &o.listen },
        { "--name", OPTION_TEXT, &o.name },       { "--bucket", OPTION_LIST, &buckets },
        { "--villain", OPTION_TEXT, &o.villain }, { "--villains", OPTION_FLAG, &villains },
    };
    int n, r;

    r = options_parse("driver", argc, argv, rows, ARRAY_SIZE(rows), &n);
    if (r) {
        dyn_release(&buckets.list);
        return options_status(r);
    }
    if (villains)
        return list_villains();
    if (n != 1 || !o.root || !o.listen) {
        fputs("dormouse driver: which driver, --root and --listen? see `dormouse driver --help`\n", stderr);
        r = EXIT_USAGE;
    } else {
        o.kind = argv[1];
        o.buckets = buckets.list.v;
        o.n_buckets = buckets.list.n;
        r = driver_main_run(&o);
    }
    dyn_release(&buckets.list);
    return r;
}
