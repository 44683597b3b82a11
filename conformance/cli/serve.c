#include "conformance/cli/cli.h"

#include <stdio.h>

#include "conformance/cli/commands.h"
#include "controller/controller.h"
#include "fakeapi/http/serve.h"

const char serve_help[] =
    "usage: dormouse serve [OPTION...]\n"
    "\n"
    "A Kubernetes API server in memory, ready in milliseconds. It prints one line, \"listening on URL\",\n"
    "when it is ready, and runs until SIGTERM or SIGINT.\n"
    "\n"
    "  --listen ADDR:PORT      where; 127.0.0.1:0 by default: any free port. Also unix:PATH\n"
    "  --kubeconfig-out FILE   write a kubeconfig for it\n"
    "  --cluster-loops LIST    all, none, or some of scheduler,kubelet,gc,namespace,volume (none)\n"
    "  --nodes N               make-believe nodes of the kubelet loop (1)\n"
    "  --controllers           run the controller in the same process\n"
    "  --crds NAME             kinds to start with: agent-sandbox (with --controllers by default)\n"
    "  --time MODE             real, or virtual: the clock stands still (real)\n"
    "  --exit-with-parent      stop when the process that started it ends\n";

struct serving {
    struct proc *proc;
    struct controllers *controllers;
};

static int start_controllers(void *arg, struct world *w, struct apiserver *s, struct cluster *c,
                             struct err *e)
{
    struct serving *v = arg;
    struct controller_options o = { .name = "", .identity = "", .lease_namespace = "",
                                    .cluster_domain = "", .freeze_driver = "" };

    v->proc = proc_new(w, "controller");
    v->controllers = controller_start(w, v->proc, apiserver_transport(s), &o);
    return 0;
}

static void stop_controllers(void *arg)
{
    struct serving *v = arg;

    proc_kill(v->proc);
    v->controllers = controller_free(v->controllers);
    proc_free(v->proc);
}

static int refuse(const char *what, const char *text)
{
    fprintf(stderr, "dormouse serve: %s: %s\n", what, text);
    return EXIT_USAGE;
}

int serve_run(int argc, char **argv)
{
    const char *loops = "none", *mode = "real";
    struct serving serving = { 0 };
    struct serve_options o = { .arg = &serving };
    bool controllers = false;
    uint64_t nodes = 1;
    const struct option_row rows[] = {
        { "--listen", OPTION_TEXT, &o.listen },
        { "--kubeconfig-out", OPTION_TEXT, &o.kubeconfig_out },
        { "--cluster-loops", OPTION_TEXT, &loops },
        { "--nodes", OPTION_NUMBER, &nodes },
        { "--controllers", OPTION_FLAG, &controllers },
        { "--crds", OPTION_TEXT, &o.crds },
        { "--time", OPTION_TEXT, &mode },
        { "--exit-with-parent", OPTION_FLAG, &o.exit_with_parent },
    };
    cleanup_arena struct arena *arena = arena_new();
    struct err e = ERR_IN(arena);
    int n, r = options_parse("serve", argc, argv, rows, ARRAY_SIZE(rows), &n);

    if (r != 0)
        return options_status(r);
    if (n > 0)
        return refuse("there are no operands", argv[1]);
    if (cluster_loops_parse(loops, &o.cluster_loops, &e) < 0)
        return refuse("--cluster-loops", err_message(&e));
    if (nodes < 1 || nodes > 5000)
        return refuse("--nodes", "from 1 to 5000");
    if (!streq(mode, "real") && !streq(mode, "virtual"))
        return refuse("--time: real or virtual, not", mode);
    if (o.crds && !streq(o.crds, "agent-sandbox") && *o.crds)
        return refuse("--crds: agent-sandbox is what there is, not", o.crds);
    o.nodes = (unsigned)nodes;
    o.virtual_time = streq(mode, "virtual");
    if (controllers) {
        o.start = start_controllers;
        o.stop = stop_controllers;
        if (!o.crds)
            o.crds = "agent-sandbox";
    }
    return serve_process(&o);
}
