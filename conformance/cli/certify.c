/* `dormouse certify`: the driver at a socket (or our own, started here), then the controller. */
#include "conformance/cli/certify.h"

#include <signal.h>
#include <stdio.h>

#include "conformance/cli/cli.h"
#include "conformance/cli/commands.h"
#include "conformance/scenario/embedded.h"
#include "drivers/remote/remote.h"
#include "world/process.h"

const char certify_help[] =
    "usage: dormouse certify [OPTION...]\n"
    "\n"
    "Judges a snapshot driver by the checks that it alone decides, then the controller by the scenarios,\n"
    "and writes the report. Without --driver, starts the reference directory driver as a process of its\n"
    "own on a unix socket and judges that.\n"
    "\n"
    "  --driver ENDPOINT   unix:///run/my.sock or tcp://127.0.0.1:7000; its checks alone make the verdict\n"
    "  --report DIR        report.json, junit.xml, report.tap and index.html; default: dormouse-report\n"
    "  --only NAME         this check or scenario alone\n"
    "  --seed N            of every identity and schedule; default: a fresh one\n"
    "  --villain NAME      the reference driver breaks a rule on purpose\n"
    "  --driver-only       leave the controller out\n"
    "  --quiet             no line per check\n"
    "\n"
    "Exit codes: 0 all held, 1 a check failed, 2 the command line or the endpoint is wrong, 3 the machine\n"
    "let us down.\n";

/* No real call waits longer than this, whatever its deadline on the virtual clock. */
#define REAL_BOUND DURATION_S(5)
#define START_BOUND DURATION_S(20)

struct certify {
    const char *endpoint, *report_dir, *only, *villain;
    uint64_t seed;
    bool quiet, driver_only;
    struct progress progress;
    struct report *report;
    struct world *world;
    struct snapshot_driver *driver;
    /* The driver we started. */
    struct process *process;
    char *dir, *self, *own_endpoint;
};

/* ---- our own driver -------------------------------------------------------------------------- */

static int start_own_driver(struct certify *c, struct err *e)
{
    cleanup_free char *root = xasprintf("%s/artifacts", c->dir);
    cleanup_buf struct buf line = BUF_INIT;
    const char *argv[12] = { c->self, "driver", "directory", "--root", root, "--listen",
                             c->own_endpoint };
    int r;

    if (c->villain) {
        argv[7] = "--villain";
        argv[8] = c->villain;
    }
    c->process = process_start(argv, e);
    if (!c->process)
        return -(int)e->code;
    r = process_read_line(c->process, START_BOUND, &line, e);
    if (r < 0)
        return err_wrap(e, r, "the directory driver did not start");
    return 0;
}

static struct snapshot_driver *connect_driver(struct certify *c, struct err *e)
{
    struct remote_driver_options o = { .endpoint = c->endpoint, .real_bound = REAL_BOUND };

    return remote_driver_new(c->world, &o, e);
}

static struct snapshot_driver *restart_driver(struct co *co, void *arg)
{
    struct certify *c = arg;
    cleanup_arena struct arena *a = arena_new();
    struct err e = ERR_IN(a);

    process_kill(c->process);
    c->process = process_free(c->process);
    if (start_own_driver(c, &e) < 0) {
        fprintf(stderr, "dormouse certify: %s\n", err_message(&e));
        return NULL;
    }
    remote_driver_disconnect(c->driver);
    return c->driver;
}

/* ---- the driver's half ----------------------------------------------------------------------- */

static void check_done(void *arg, const struct check_result *r)
{
    struct certify *c = arg;
    json_t *row = driver_row(r, c->seed, c->process ? NULL : c->endpoint);

    progress_check(&c->progress, row);
    report_add(c->report, row);
}

/* Whose fault it is that a driver cannot be asked: the command line's, the machine's or its own. */
static int cause_exit(enum grpc_cause cause)
{
    switch (cause) {
    case GRPC_ABSENT:
        return EXIT_USAGE;
    case GRPC_REFUSED:
        return EXIT_MACHINE;
    default:
        return EXIT_FAILED;
    }
}

static json_t *capabilities_json(unsigned capabilities)
{
    static const char *const names[] = { "CHECKPOINT_RESTORE", "IDEMPOTENT_CHECKPOINT", "FREEZE", "LIST" };
    json_t *list = json_array();

    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (capabilities & 1u << i)
            json_array_append_new(list, json_string(names[i]));
    return list;
}

static int judge_driver(struct certify *c)
{
    struct driver_checks_options o = { .world = c->world, .driver = c->driver, .done = check_done,
                                       .restart = c->process ? restart_driver : NULL, .arg = c,
                                       .only = c->only };
    struct driver_checks *all;
    const struct driver_info *info;
    json_auto_t *capabilities = NULL;
    int r = EXIT_HELD;

    if (!c->quiet)
        printf("Driver at %s\n", c->process ? "a socket of this run" : c->endpoint);
    all = driver_checks_run(&o);
    info = driver_checks_info(all);
    capabilities = capabilities_json(info->capabilities);
    report_describe(c->report, *info->name ? info->name : NULL, *info->version ? info->version : NULL,
                    c->process ? NULL : c->endpoint, capabilities);
    if (*driver_checks_unreachable(all)) {
        enum grpc_cause cause = remote_driver_last_cause(c->driver);
        report_trouble(c->report, "The driver at %s is %s. %s", c->endpoint, grpc_cause_text(cause),
                       driver_checks_unreachable(all));
        fprintf(stderr, "dormouse certify: driver at %s: %s\n", c->endpoint, driver_checks_unreachable(all));
        r = cause_exit(cause);
    }
    driver_checks_free(all);
    return r;
}

static int with_world(struct certify *c)
{
    struct world_options wo = { .mode = WORLD_SIM, .seed = c->seed };
    cleanup_arena struct arena *a = arena_new();
    struct err e = ERR_IN(a);
    int r;

    c->world = world_new(&wo);
    c->driver = connect_driver(c, &e);
    if (c->driver) {
        r = judge_driver(c);
        driver_free(c->driver);
    } else {
        report_trouble(c->report, "%s", err_message(&e));
        fprintf(stderr, "dormouse certify: %s\n", err_message(&e));
        r = EXIT_USAGE;
    }
    while (world_step(c->world, world_now(c->world)))
        ;
    world_free(c->world);
    return r;
}

static int driver_half(struct certify *c)
{
    cleanup_arena struct arena *a = arena_new();
    struct err e = ERR_IN(a);
    int r;

    if (c->endpoint)
        return with_world(c);
    c->self = process_self();
    c->dir = process_temp_dir(&e);
    if (c->dir) {
        c->own_endpoint = xasprintf("unix://%s/driver.sock", c->dir);
        c->endpoint = c->own_endpoint;
    }
    if (c->dir && start_own_driver(c, &e) == 0) {
        r = with_world(c);
    } else {
        report_trouble(c->report, "%s", err_message(&e));
        fprintf(stderr, "dormouse certify: %s\n", err_message(&e));
        r = EXIT_MACHINE;
    }
    c->process = process_free(c->process);
    if (c->dir)
        process_remove_dir(c->dir);
    free(c->dir);
    free(c->self);
    free(c->own_endpoint);
    return r;
}

/* ---- the controller's half ------------------------------------------------------------------- */

static void judge_scenario(struct certify *c, const struct embedded_scenario *s)
{
    struct scenario_file *f = scenario_parse(s->path, s->text, strlen(s->text));
    struct explore_options o = { .seed = c->seed };
    struct exploration e;
    json_t *row;

    assert(f->scenario);               /* our own, and a test reads them all */
    if (!c->only || streq(c->only, f->scenario->name)) {
        explore_scenario(f->scenario, &o, &e);
        row = scenario_row(f, &e);
        progress_check(&c->progress, row);
        report_add(c->report, row);
        run_result_release(&e.result);
    }
    scenario_file_free(f);
}

static void controller_half(struct certify *c)
{
    if (!c->quiet)
        printf("\nController, with the directory driver in simulation\n");
    for (const struct embedded_scenario *s = embedded_scenarios; s->path; s++)
        judge_scenario(c, s);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int finish(struct certify *c, int r)
{
    cleanup_arena struct arena *a = arena_new();
    struct err e = ERR_IN(a);

    progress_summary(&c->progress, c->report);
    if (report_write(c->report, c->report_dir, &e) < 0) {
        fprintf(stderr, "dormouse certify: %s\n", err_message(&e));
        return EXIT_MACHINE;
    }
    printf("reports     %s/index.html, report.json, junit.xml, report.tap\n", c->report_dir);
    if (r == EXIT_HELD && streq(report_verdict(c->report), "Failed"))
        r = EXIT_FAILED;
    return r;
}

static bool is_known_check(const char *name)
{
    const struct driver_check *k;

    for (const struct embedded_scenario *s = embedded_scenarios; s->path; s++) {
        const char *base = strrchr(s->path, '/') + 1;
        if (strlen(base) == strlen(name) + 5 && str_starts(base, name))
            return true;
    }

    for (size_t i = 0; (k = driver_check_at(i)); i++)
        if (streq(k->name, name))
            return true;
    return false;
}

int certify_run(int argc, char **argv)
{
    struct certify c = { .report_dir = "dormouse-report" };
    const char *seed = NULL;
    const struct option_row rows[] = {
        { "--driver", OPTION_TEXT, &c.endpoint },   { "--report", OPTION_TEXT, &c.report_dir },
        { "--only", OPTION_TEXT, &c.only },         { "--seed", OPTION_TEXT, &seed },
        { "--villain", OPTION_TEXT, &c.villain },   { "--quiet", OPTION_FLAG, &c.quiet },
        { "--driver-only", OPTION_FLAG, &c.driver_only },
    };
    struct report_options ro = { .mode = "certify" };
    int n, r;

    r = options_parse("certify", argc, argv, rows, ARRAY_SIZE(rows), &n);
    if (r)
        return options_status(r);
    if (n > 0 || (seed && !parse_u64(seed, &c.seed)) || (c.villain && c.endpoint) ||
        (c.only && !is_known_check(c.only))) {
        fprintf(stderr, "dormouse certify: %s; see `dormouse certify --help`\n",
                n > 0         ? "this command takes no operands"
                : c.villain && c.endpoint ? "--villain is for the driver this command starts"
                : c.only && !is_known_check(c.only) ? "--only names no check"
                              : "--seed is a number");
        return EXIT_USAGE;
    }
    if (!seed)
        c.seed = process_entropy() >> 16;         /* short enough to type again */
    ro.seed = c.seed;
    ro.judged = c.endpoint ? "driver" : NULL;
    c.progress = progress_new(c.quiet);
    c.report = report_new(&ro);
    r = driver_half(&c);
    if (!c.driver_only && r != EXIT_USAGE)        /* a wrong endpoint is said at once */
        controller_half(&c);
    r = finish(&c, r);
    report_free(c.report);
    return r;
}
