/* `dormouse run` and `dormouse replay`: scenario files, in simulation. */
#include "conformance/cli/certify.h"

#include <stdio.h>

#include "conformance/cli/cli.h"
#include "conformance/cli/commands.h"
#include "conformance/cli/files.h"
#include "conformance/scenario/bend.h"

const char run_help[] =
    "usage: dormouse run [OPTION...] PATH...\n"
    "\n"
    "Runs scenario files (and every *.yaml below directories) in simulation: one make-believe cluster per\n"
    "run, no socket, no wall clock. The same seed gives the same bytes.\n"
    "\n"
    "  --seed N             of identities and schedules; default 1\n"
    "  --trace FILE         what happened in the plain run of each scenario, line by line\n"
    "  --json FILE          the report\n"
    "  --report DIR         report.json, junit.xml, report.tap and index.html\n"
    "  --villain NAME       the drivers break a rule on purpose\n"
    "  --client-villain NAME the controller's requests break a rule on purpose\n"
    "  --client-villains    lists those\n"
    "  --store WHICH        memory, or sqlite: the one of `serve --data` (memory)\n"
    "  --quiet              no line per scenario\n"
    "\n"
    "Exit codes: 0 all held, 1 a scenario failed, 2 the command line or a file is wrong, 3 the machine\n"
    "let us down.\n";

const char replay_help[] =
    "usage: dormouse replay [--seed N] [--schedule HOW] FILE\n"
    "\n"
    "Runs one schedule of a scenario again and prints what happens, step by step: the command a failure\n"
    "prints.\n"
    "\n"
    "  --seed N         as in the failed run; default 1\n"
    "  --schedule HOW   plain (default), seed, crash-before:N or crash-after:N\n"
    "  --villain NAME, --client-villain NAME    as in `dormouse run`\n";

struct session {
    uint64_t seed;
    const char *trace, *json, *dir, *villain, *client_villain, *schedule, *store;
    bool quiet;
    struct progress progress;
    struct report *report;
    struct buf trace_text;
};

static int check_options(const char *command, const struct session *s)
{
    if (!streq(s->store, "memory") && !streq(s->store, "sqlite")) {
        fprintf(stderr, "dormouse %s: --store: memory or sqlite, not %s\n", command, s->store);
        return EXIT_USAGE;
    }
    if (s->client_villain && !bend_find(s->client_villain)) {
        fprintf(stderr, "dormouse %s: no client villain %s\n", command, s->client_villain);
        return EXIT_USAGE;
    }
    return EXIT_HELD;
}

static void run_file(struct session *s, const struct scenario_file *f)
{
    struct explore_options o = { .seed = s->seed, .trace_plain = s->trace != NULL, .villain = s->villain,
                                 .client_villain = s->client_villain,
                                 .durable = streq(s->store, "sqlite") };
    struct exploration e;
    json_t *row;

    explore_scenario(f->scenario, &o, &e);
    row = scenario_row(f, &e);
    progress_check(&s->progress, row);
    if (s->trace)
        buf_printf(&s->trace_text, "== %s\n%s", f->scenario->name, e.result.trace ? e.result.trace : "");
    if (e.result.machine)
        report_trouble(s->report, "%s: %s", f->path, e.result.message);
    report_add(s->report, row);
    run_result_release(&e.result);
}

static int write_outputs(struct session *s)
{
    cleanup_arena struct arena *a = arena_new();
    cleanup_free char *json = s->json ? report_text(s->report) : NULL;
    struct err e = ERR_IN(a);
    int r = 0;

    if (s->trace)
        r = report_write_file(s->trace, s->trace_text.data ? s->trace_text.data : "", &e);
    if (r == 0 && s->json)
        r = report_write_file(s->json, json, &e);
    if (r == 0 && s->dir)
        r = report_write(s->report, s->dir, &e);
    if (r < 0)
        fprintf(stderr, "dormouse run: %s\n", err_message(&e));
    return r < 0 ? EXIT_MACHINE : EXIT_HELD;
}

static int run_all(struct session *s, const struct scenario_set *set)
{
    struct report_options ro = { .mode = "run", .seed = s->seed };
    int r;

    s->report = report_new(&ro);
    s->progress = progress_new(s->quiet);
    for (size_t i = 0; i < set->files.n; i++)
        run_file(s, set->files.v[i]);
    progress_summary(&s->progress, s->report);
    r = write_outputs(s);
    if (r == EXIT_HELD && streq(report_verdict(s->report), "Failed"))
        r = json_array_size(json_object_get(report_json(s->report), "troubles")) ? EXIT_MACHINE : EXIT_FAILED;
    report_free(s->report);
    buf_release(&s->trace_text);
    return r;
}

static int list_client_villains(void)
{
    const struct bend *b;

    for (size_t i = 0; (b = bend_at(i)); i++)
        printf("%-24s %s\n", b->name, b->sentence);
    return EXIT_HELD;
}

int run_run(int argc, char **argv)
{
    struct session s = { .seed = 1, .store = "memory" };
    bool list = false;
    const struct option_row rows[] = {
        { "--seed", OPTION_NUMBER, &s.seed },          { "--trace", OPTION_TEXT, &s.trace },
        { "--json", OPTION_TEXT, &s.json },            { "--report", OPTION_TEXT, &s.dir },
        { "--villain", OPTION_TEXT, &s.villain },      { "--client-villain", OPTION_TEXT, &s.client_villain },
        { "--store", OPTION_TEXT, &s.store },          { "--client-villains", OPTION_FLAG, &list },
        { "--quiet", OPTION_FLAG, &s.quiet },
    };
    struct scenario_set set = { 0 };
    int n, r;

    r = options_parse("run", argc, argv, rows, ARRAY_SIZE(rows), &n);
    if (r)
        return options_status(r);
    if (list)
        return list_client_villains();
    if (n == 0) {
        fputs("dormouse run: which scenario files? see `dormouse run --help`\n", stderr);
        return EXIT_USAGE;
    }
    r = check_options("run", &s);
    if (r)
        return r;
    scenario_set_read(&set, argv + 1, n);
    r = set.wrong ? EXIT_USAGE : run_all(&s, &set);
    scenario_set_release(&set);
    return r;
}

static int replay_file(struct session *s, const struct scenario_file *f)
{
    struct run_options o = { .schedule = { .seed = s->seed }, .trace = true, .villain = s->villain,
                             .client_villain = s->client_villain };
    struct run_result r;
    int code;

    if (!schedule_parse(s->schedule, &o.schedule)) {
        fprintf(stderr, "dormouse replay: %s is no schedule\n", s->schedule);
        return EXIT_USAGE;
    }
    run_scenario(f->scenario, &o, &r);
    fputs(r.trace ? r.trace : "", stdout);
    if (r.held)
        printf("\n%s holds: %llu scheduling steps, %llu effects\n", f->scenario->name,
               (unsigned long long)r.steps, (unsigned long long)r.effects);
    else
        printf("\n%s:%d:%d: %s\n", f->path, r.at.line, r.at.col, r.message);
    code = r.held ? EXIT_HELD : r.machine ? EXIT_MACHINE : EXIT_FAILED;
    run_result_release(&r);
    return code;
}

int replay_run(int argc, char **argv)
{
    struct session s = { .seed = 1, .schedule = "plain", .store = "memory" };
    const struct option_row rows[] = {
        { "--seed", OPTION_NUMBER, &s.seed },     { "--schedule", OPTION_TEXT, &s.schedule },
        { "--villain", OPTION_TEXT, &s.villain }, { "--client-villain", OPTION_TEXT, &s.client_villain },
    };
    struct scenario_set set = { 0 };
    int n, r;

    r = options_parse("replay", argc, argv, rows, ARRAY_SIZE(rows), &n);
    if (r)
        return options_status(r);
    if (n != 1) {
        fputs("dormouse replay: one scenario file; see `dormouse replay --help`\n", stderr);
        return EXIT_USAGE;
    }
    r = check_options("replay", &s);
    if (r)
        return r;
    scenario_set_read(&set, argv + 1, 1);
    if (set.wrong || set.files.n != 1) {
        fputs(set.wrong ? "" : "dormouse replay: one scenario at a time\n", stderr);
        r = EXIT_USAGE;
    } else {
        r = replay_file(&s, set.files.v[0]);
    }
    scenario_set_release(&set);
    return r;
}
