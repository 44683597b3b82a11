#include "conformance/cli/cli.h"

#include <stdio.h>

#include "conformance/cli/commands.h"
#include "conformance/scenario/shape.h"
#include "controller/controller.h"
#include "drivers/directory/directory.h"
#include "drivers/remote/remote.h"
#include "fakeapi/apiserver/hook.h"
#include "fakeapi/apiserver/release.h"
#include "fakeapi/http/serve.h"

const char serve_help[] =
    "usage: dormouse serve [OPTION...]\n"
    "\n"
    "A Kubernetes API server, ready in milliseconds. It prints one line, \"listening on URL\",\n"
    "when it is ready, and runs until SIGTERM or SIGINT.\n"
    "\n"
    "  --listen ADDR:PORT      where; 127.0.0.1:0 by default: any free port. Also unix:PATH\n"
    "  --kubeconfig-out FILE   write a kubeconfig for it\n"
    "  --data FILE             keep everything there over restarts and crashes (in memory)\n"
    "  --tls                   HTTPS, with an authority made at the start; the kubeconfig trusts it and carries\n"
    "                          an administrator's certificate. --tls-host NAME: one more name of the server's\n"
    "  --tls-cert-file FILE, --tls-private-key-file FILE, --cert-dir DIR, --client-ca-file FILE\n"
    "                          as kube-apiserver's: certificates of one's own\n"
    "  --authorization MODE    AlwaysAllow, or RBAC: by roles and bindings (AlwaysAllow)\n"
    "  --anonymous-auth BOOL   false: who does not say who he is is refused (true)\n"
    "  --token-auth-file FILE, --service-account-key-file FILE, --service-account-signing-key-file FILE,\n"
    "  --service-account-issuer URL, --api-audience NAME   as kube-apiserver's\n"
    "  --cluster-loops LIST    all, none, or some of scheduler,kubelet,gc,namespace,volume,roles (none)\n"
    "  --nodes N, --event-ttl DURATION   nodes of the kubelet loop (1); how long Events live, 0s: for ever (1h)\n"
    "  --controllers WHICH     all: run the controller in the same process; or none (none)\n"
    "  --driver NAME=ENDPOINT  a snapshot driver of the controller, unix:///PATH or tcp://HOST:PORT; may be\n"
    "                          repeated. " DIRECTORY_DRIVER_NAME " is always there, in memory\n"
    "  --crds WHAT             kinds to start with: agent-sandbox (with --controllers by default), a file, or a\n"
    "                          folder of CustomResourceDefinitions; may be repeated\n"
    "  --webhook-service NS/NAME[:PORT]=HOST:PORT   where a webhook's service stands (at its endpoints)\n"
    "  --max-requests-inflight N, --max-mutating-requests-inflight N   beyond them 429 (0: no limit)\n"
    "  --release 1.N           the Kubernetes it says it is, from 1.24 on: version, WatchList, aggregated discovery,\n"
    "                          field validation (1.34)\n"
    "  --time MODE             real, or virtual: the clock stands still (real)\n"
    "  --exit-with-parent      stop when the process that started it ends\n";

/* The controller beside the server, and the drivers it may call: those named on the command line, and the
 * reference driver on a disk of its own in memory. */
struct serving {
    struct text_list named;            /* "NAME=ENDPOINT" */
    struct text_list crds;             /* names and paths; the paths alone once take_crds() ran */
    struct arena *arena;
    struct proc *proc;
    struct controllers *controllers;
    struct disk *disk;
    struct transport *transport;
    DYN(struct driver_entry) drivers;
};

static void add_directory_driver(struct serving *v, struct world *w, struct cluster *c)
{
    v->disk = disk_sim_new(w);
    struct directory_driver_options o = { .world = w, .disk = v->disk,
                                          .guests = c ? cluster_guest_host(c) : NULL };
    *dyn_push(&v->drivers) = (struct driver_entry){ DIRECTORY_DRIVER_NAME, directory_driver_new(&o) };
}

static int add_named_driver(struct serving *v, struct world *w, const char *text, struct err *e)
{
    const char *equals = strchr(text, '=');
    struct remote_driver_options o = { .endpoint = equals ? equals + 1 : "" };
    struct snapshot_driver *d;

    if (!equals || equals == text)
        return err_set(e, ERR_INVALID, "--driver wants NAME=ENDPOINT, not \"%s\"", text);
    d = remote_driver_new(w, &o, e);
    if (!d)
        return err_wrap(e, -ERR_INVALID, "--driver %s", text);
    *dyn_push(&v->drivers) = (struct driver_entry){ arena_strndup(v->arena, text, (size_t)(equals - text)), d };
    return 0;
}

static int start_controllers(void *arg, struct world *w, struct apiserver *s, struct cluster *c,
                             struct err *e)
{
    struct serving *v = arg;
    struct controller_options o = { .name = "", .identity = "", .lease_namespace = "",
                                    .cluster_domain = "", .freeze_driver = "" };
    int r = 0;

    add_directory_driver(v, w, c);
    for (size_t i = 0; r == 0 && i < v->named.list.n; i++)
        r = add_named_driver(v, w, v->named.list.v[i], e);
    if (r < 0)
        return r;
    o.drivers = v->drivers.v;
    o.n_drivers = v->drivers.n;
    v->proc = proc_new(w, "controller");
    v->transport = apiserver_transport(s);
    v->controllers = controller_start(w, v->proc, v->transport, &o);
    return 0;
}

static void stop_controllers(void *arg)
{
    struct serving *v = arg;

    if (v->proc) {
        proc_kill(v->proc);
        v->controllers = controller_free(v->controllers);
        v->transport = transport_free(v->transport);
        v->proc = proc_free(v->proc);
    }
    for (size_t i = 0; i < v->drivers.n; i++)
        driver_free(v->drivers.v[i].driver);
    dyn_release(&v->drivers);
    v->disk = disk_free(v->disk);
}

/* A name that is known is no path. */
static void take_crds(struct serving *v, struct serve_options *o)
{
    size_t n = 0;

    for (size_t i = 0; i < v->crds.list.n; i++) {
        const char *what = v->crds.list.v[i];
        if (!*what || streq(what, "agent-sandbox"))
            o->crds = what;
        else
            v->crds.list.v[n++] = what;
    }
    o->crd_paths = v->crds.list.v;
    o->n_crd_paths = n;
}

static int refuse(const char *what, const char *text)
{
    fprintf(stderr, "dormouse serve: %s: %s\n", what, text);
    return EXIT_USAGE;
}

/* "NS/NAME[:PORT]=HOST:PORT"; a URL's scheme before the host does not matter. */
static int parse_services(struct arena *a, const struct text_list *list, struct serve_options *o, struct err *e)
{
    struct hook_service *v = arena_alloc(a, (list->list.n + 1) * sizeof(*v));

    for (size_t i = 0; i < list->list.n; i++) {
        const char *text = list->list.v[i], *slash = strchr(text, '/'), *equals = strchr(text, '=');
        uint64_t port = 0;
        if (!slash || !equals || equals < slash || slash == text || !strchr(equals, ':'))
            return err_set(e, ERR_INVALID, "NS/NAME[:PORT]=HOST:PORT is wanted, not \"%s\"", text);
        const char *colon = memchr(slash, ':', (size_t)(equals - slash));
        const char *end = colon ? colon : equals;
        if (colon && (!parse_u64(arena_strndup(a, colon + 1, (size_t)(equals - colon - 1)), &port) || port > 65535))
            return err_set(e, ERR_INVALID, "\"%s\" has no port of a service", text);
        const char *dial = str_starts(equals + 1, "https://") ? equals + 1 + strlen("https://") : equals + 1;
        v[i] = (struct hook_service){ .namespace = arena_strndup(a, text, (size_t)(slash - text)),
                                      .name = arena_strndup(a, slash + 1, (size_t)(end - slash - 1)), .port = (int)port,
                                      .dial = arena_strndup(a, dial, strcspn(dial, "/")) };
    }
    o->hook_services = v;
    o->n_hook_services = list->list.n;
    return 0;
}

int serve_run(int argc, char **argv)
{
    const char *loops = "none", *mode = "real", *controllers = "none", *event_ttl = "1h";
    cleanup_arena struct arena *arena = arena_new();
    struct serving serving = { .arena = arena };
    struct serve_options o = { .arg = &serving };
    struct text_list hosts = { 0 }, services = { 0 }, key_files = { 0 }, audiences = { 0 };
    const char *authorization = "AlwaysAllow", *anonymous = "true";
    uint64_t nodes = 1, inflight = 0, mutating_inflight = 0;
    const struct option_row rows[] = {
        { "--listen", OPTION_TEXT, &o.listen },
        { "--kubeconfig-out", OPTION_TEXT, &o.kubeconfig_out },
        { "--data", OPTION_TEXT, &o.data },
        { "--tls", OPTION_FLAG, &o.tls.on },
        { "--tls-host", OPTION_LIST, &hosts },
        { "--tls-cert-file", OPTION_TEXT, &o.tls.cert_file },
        { "--tls-private-key-file", OPTION_TEXT, &o.tls.key_file },
        { "--client-ca-file", OPTION_TEXT, &o.tls.client_ca_file },
        { "--cert-dir", OPTION_TEXT, &o.tls.cert_dir },
        { "--authorization", OPTION_TEXT, &authorization },
        { "--anonymous-auth", OPTION_TEXT, &anonymous },
        { "--token-auth-file", OPTION_TEXT, &o.auth.token_auth_file },
        { "--service-account-issuer", OPTION_TEXT, &o.auth.service_account_issuer },
        { "--service-account-signing-key-file", OPTION_TEXT, &o.auth.service_account_signing_key_file },
        { "--service-account-key-file", OPTION_LIST, &key_files },
        { "--api-audience", OPTION_LIST, &audiences },
        { "--event-ttl", OPTION_TEXT, &event_ttl },
        { "--cluster-loops", OPTION_TEXT, &loops },
        { "--nodes", OPTION_NUMBER, &nodes },
        { "--controllers", OPTION_TEXT, &controllers },
        { "--driver", OPTION_LIST, &serving.named },
        { "--crds", OPTION_LIST, &serving.crds },
        { "--webhook-service", OPTION_LIST, &services },
        { "--max-requests-inflight", OPTION_NUMBER, &inflight },
        { "--max-mutating-requests-inflight", OPTION_NUMBER, &mutating_inflight },
        { "--release", OPTION_TEXT, &o.release },
        { "--time", OPTION_TEXT, &mode },
        { "--exit-with-parent", OPTION_FLAG, &o.exit_with_parent },
    };
    struct err e = ERR_IN(arena);
    int n, r = options_parse("serve", argc, argv, rows, ARRAY_SIZE(rows), &n);

    if (r != 0)
        return options_status(r);
    if (n > 0)
        return refuse("there are no operands", argv[1]);
    if (cluster_loops_parse(loops, &o.cluster_loops, &e) < 0)
        return refuse("--cluster-loops", err_message(&e));
    if (!duration_parse(event_ttl, &o.event_ttl))
        return refuse("--event-ttl: 90s, 5m, 1h; not", event_ttl);
    if (nodes < 1 || nodes > 5000)
        return refuse("--nodes", "from 1 to 5000");
    if (!release_find(o.release))
        return refuse("--release: from 1.24 to 1.34, not", o.release);
    if (!streq(mode, "real") && !streq(mode, "virtual"))
        return refuse("--time: real or virtual, not", mode);
    take_crds(&serving, &o);
    if (!streq(controllers, "all") && !streq(controllers, "none"))
        return refuse("--controllers: all or none, not", controllers);
    if (serving.named.list.n && !streq(controllers, "all"))
        return refuse("--driver", "a driver needs --controllers=all, which would call it");
    if (!o.tls.on && (hosts.list.n || o.tls.cert_file || o.tls.key_file || o.tls.client_ca_file || o.tls.cert_dir))
        return refuse("certificates are for --tls", "");
    if (!streq(authorization, "AlwaysAllow") && !streq(authorization, "RBAC"))
        return refuse("--authorization: AlwaysAllow or RBAC, not", authorization);
    if (!streq(anonymous, "true") && !streq(anonymous, "false"))
        return refuse("--anonymous-auth: true or false, not", anonymous);
    o.auth.rbac = streq(authorization, "RBAC");
    o.auth.no_anonymous = streq(anonymous, "false");
    if (o.auth.rbac && streq(loops, "all"))
        o.cluster_loops |= CLUSTER_ROLES;
    o.auth.service_account_key_files = (struct text_files){ key_files.list.v, key_files.list.n };
    o.auth.api_audiences = (struct text_files){ audiences.list.v, audiences.list.n };
    o.tls.hosts = hosts.list.v;
    o.tls.n_hosts = hosts.list.n;
    if (parse_services(arena, &services, &o, &e) < 0)
        return refuse("--webhook-service", err_message(&e));
    if (inflight > UINT32_MAX || mutating_inflight > UINT32_MAX)
        return refuse("requests in flight", "that is no limit");
    o.max_inflight = (unsigned)inflight;
    o.max_mutating_inflight = (unsigned)mutating_inflight;
    o.nodes = (unsigned)nodes;
    o.virtual_time = streq(mode, "virtual");
    if (streq(controllers, "all")) {
        o.start = start_controllers;
        o.stop = stop_controllers;
        if (!o.crds)
            o.crds = "agent-sandbox";
    }
    r = serve_process(&o);
    dyn_release(&serving.named.list);
    dyn_release(&serving.crds.list);
    dyn_release(&hosts.list);
    dyn_release(&services.list);
    dyn_release(&key_files.list);
    dyn_release(&audiences.list);
    return r;
}
