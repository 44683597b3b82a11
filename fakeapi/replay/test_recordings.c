/* Every recorded exchange with a real kube-apiserver, played against ours, one world a case.
 *
 *   test_recordings [--differs FILE] [--strict] [--only PREFIX] [-v] FILE.jsonl...
 *
 * FILE of --differs lists the ids that still differ, one a line ('#' starts a comment). All others must be
 * equal; with --strict those on the list must differ, so that the list can only shrink. Prints TAP, one
 * line a case.
 */
#include <stdio.h>

#include "fakeapi/replay/replay.h"
#include "kube/json.h"

struct run {
    const json_t *c;
    json_t *got;
    char *ns;
    struct apiserver *server;
};

static void play_task(struct co *co, void *arg)
{
    struct run *run = arg;

    run->got = replay_play(co, run->server, run->c, run->ns);
}

/* One case in a world of its own; the normalised answers. */
static json_t *play_alone(const json_t *c)
{
    struct world_options o = { .mode = WORLD_SIM, .seed = 1, .replay_then_default = true };
    struct world *w = world_new(&o);
    struct apiserver_options ao = { .crds = "" };
    struct proc *client = proc_new(w, "client");
    struct run run = { .c = c, .server = apiserver_new(w, &ao, NULL) };
    json_t *out;

    run.ns = xasprintf("%s0abcd", json_string_value(json_object_get(c, "ns")));
    co_spawn(client, "play", play_task, &run);
    while (!run.got && world_step(w, instant_add(SIM_EPOCH, DURATION_MIN(120))))
        ;
    proc_kill(client);
    apiserver_free(run.server);
    proc_free(client);
    world_free(w);
    if (!run.got)
        run.got = json_array();
    out = replay_normalise(run.got, run.ns);
    json_decref(run.got);
    free(run.ns);
    return out;
}

struct report {
    struct buf text;
    bool verbose;
    size_t shown;
    const json_t *c;
    size_t last_step, steps;           /* steps that differ */
    bool any;
};

static char *shown(const json_t *v)
{
    return v ? json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT) : xstrdup("<absent>");
}

/* Both from a little before where they part. */
static void add_values(struct buf *b, const json_t *want, const json_t *got)
{
    cleanup_free char *x = shown(want), *y = shown(got);
    size_t same = 0;

    while (x[same] && x[same] == y[same])
        same++;
    same = same > 80 ? same - 80 : 0;
    const char *dots = same ? "..." : "";
    buf_printf(b, "#         want %s%.400s\n#         got  %s%.400s\n", dots, x + same, dots, y + same);
}

static void differs(void *arg, size_t step, const char *path, const json_t *want, const json_t *got)
{
    struct report *r = arg;
    const json_t *s = json_array_get(json_object_get(r->c, "steps"), step);

    if (!r->any || r->last_step != step) {
        r->steps++;
        r->shown = 0;
        const char *method = json_string_value(json_object_get(s, "method"));
        const char *at = json_string_value(json_object_get(s, "path"));
        buf_printf(&r->text, "#   step %zu %s %s\n", step, method ? method : "", at ? at : "");
    }
    r->any = true;
    r->last_step = step;
    if (r->shown++ >= 3 && !r->verbose)
        return;
    buf_printf(&r->text, "#      %s\n", path);
    add_values(&r->text, want, got);
}

struct suite {
    json_t *ledger;                    /* id -> true */
    const char *only;
    bool verbose, strict;
    size_t n, cases, cases_equal, steps, steps_equal;
    int failed;
};

static void judge(struct suite *s, const json_t *c)
{
    const char *id = json_string_value(json_object_get(c, "id"));
    struct report r = { .c = c, .verbose = s->verbose };
    json_auto_t *got = play_alone(c);
    bool equal = replay_compare(c, got, differs, &r) == 0, known = json_object_get(s->ledger, id);
    size_t steps = json_array_size(json_object_get(c, "steps"));

    s->cases++;
    s->cases_equal += equal;
    s->steps += steps;
    s->steps_equal += steps - r.steps;
    if (!equal && (!known || s->verbose))
        fputs(r.text.data, stdout);
    if (equal && known)
        printf(s->strict ? "not ok %zu - %s is equal now: take it off the list of what differs\n"
                         : "ok %zu - %s\n", ++s->n, id);
    else if (!known)
        printf("%sok %zu - %s\n", equal ? "" : "not ", ++s->n, id);
    if (!equal && !known)
        s->failed = 1;
    if (equal && known && s->strict)
        s->failed = 1;
    buf_release(&r.text);
}

static int play_file(struct suite *s, const char *path)
{
    FILE *f = fopen(path, "r");
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;

    if (!f) {
        fprintf(stderr, "%s: cannot be read\n", path);
        return 2;
    }
    while ((len = getline(&line, &cap, f)) > 0) {
        json_auto_t *c = json_parse(line, (size_t)len, 0, NULL, NULL);
        const char *id = json_string_value(json_object_get(c, "id"));
        if (!id) {
            fprintf(stderr, "%s: a line is no case\n", path);
            break;
        }
        if (!s->only || str_starts(id, s->only))
            judge(s, c);
    }
    free(line);
    fclose(f);
    return 0;
}

static int read_ledger(struct suite *s, const char *path)
{
    FILE *f = fopen(path, "r");
    char line[512];

    if (!f) {
        fprintf(stderr, "%s: cannot be read\n", path);
        return 2;
    }
    while (fgets(line, sizeof(line), f)) {
        line[strcspn(line, " \t\r\n#")] = '\0';
        if (*line)
            json_object_set_new(s->ledger, line, json_true());
    }
    fclose(f);
    return 0;
}

int main(int argc, char **argv)
{
    struct suite s = { .ledger = json_object() };
    int r = 0;

    json_object_seed(1);
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 1; i < argc && r == 0; i++) {
        if (streq(argv[i], "-v"))
            s.verbose = true;
        else if (streq(argv[i], "--strict"))
            s.strict = true;
        else if (streq(argv[i], "--only") && i + 1 < argc)
            s.only = argv[++i];
        else if (streq(argv[i], "--differs") && i + 1 < argc)
            r = read_ledger(&s, argv[++i]);
        else
            r = play_file(&s, argv[i]);
    }
    printf("%sok %zu - the list of what differs holds\n", s.failed ? "not " : "", s.n + 1);
    printf("1..%zu\n", s.n + 1);
    printf("# %zu of %zu cases equal, %zu of %zu exchanges equal\n", s.cases_equal, s.cases, s.steps_equal,
           s.steps);
    json_decref(s.ledger);
    return r ? r : s.failed;
}
