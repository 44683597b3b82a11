#include <stdio.h>

#include "conformance/cli/entry.h"
#include "conformance/cli/go_flags.h"
#include "fakeapi/http/serve.h"

/* The flags of kube-apiserver 1.34 that mean nothing to a server that is one process, keeps everything in
 * memory and never runs for long... */
static const struct go_flags_idle quiet = {
    .values = " advertise-address delete-collection-workers etcd-cafile etcd-certfile etcd-compaction-interval "
              "etcd-count-metric-poll-period etcd-db-metric-poll-interval etcd-healthcheck-timeout etcd-keyfile "
              "etcd-prefix etcd-readycheck-timeout etcd-servers etcd-servers-overrides "
              "lease-reuse-duration-seconds storage-backend storage-media-type watch-cache-sizes "
              "http2-max-streams-per-connection max-mutating-requests-inflight max-requests-inflight "
              "goaway-chance livez-grace-period shutdown-delay-duration "
              "shutdown-watch-termination-grace-period storage-initialization-timeout endpoint-reconciler-type "
              "external-hostname v vmodule log-flush-frequency log-json-info-buffer-size "
              "log-text-info-buffer-size logging-format peer-advertise-ip peer-advertise-port peer-ca-file "
              "kubelet-timeout kubernetes-service-node-port max-connection-bytes-per-sec "
              "coordinated-leadership-lease-duration coordinated-leadership-renew-deadline "
              "coordinated-leadership-retry-period allow-metric-labels allow-metric-labels-manifest "
              "disabled-metrics disable-admission-plugins service-cluster-ip-range "
              "show-hidden-metrics-for-version debug-socket-path ",
    .flags = " allow-privileged shutdown-send-retry-after enable-garbage-collector watch-cache disable-http2-serving "
             "permit-address-sharing permit-port-sharing contention-profiling profiling "
             "enable-priority-and-fairness log-json-split-stream log-text-split-stream "
             "aggregator-reject-forwarding-redirect enable-aggregator-routing enable-logs-handler ",
};
/* ... and those whose effect somebody may wait for in vain. */
static const struct go_flags_idle noted = {
    .values = " cors-allowed-origins emulated-version feature-gates min-request-timeout request-timeout "
              "strict-transport-security-directives encryption-provider-config tls-cipher-suites tls-min-version "
              "tls-sni-cert-key audit-log-batch-buffer-size audit-log-batch-max-size audit-log-batch-max-wait "
              "audit-log-batch-throttle-burst audit-log-batch-throttle-qps audit-log-format audit-log-maxage "
              "audit-log-maxbackup audit-log-maxsize audit-log-mode audit-log-path "
              "audit-log-truncate-max-batch-size audit-log-truncate-max-event-size audit-log-version "
              "audit-policy-file audit-webhook-batch-buffer-size audit-webhook-batch-max-size "
              "audit-webhook-batch-max-wait audit-webhook-batch-throttle-burst "
              "audit-webhook-batch-throttle-qps audit-webhook-config-file audit-webhook-initial-backoff "
              "audit-webhook-mode audit-webhook-truncate-max-batch-size audit-webhook-truncate-max-event-size "
              "audit-webhook-version authentication-config authentication-token-webhook-cache-ttl "
              "authentication-token-webhook-config-file authentication-token-webhook-version oidc-ca-file "
              "oidc-client-id oidc-groups-claim oidc-groups-prefix oidc-issuer-url oidc-required-claim "
              "oidc-signing-algs oidc-username-claim oidc-username-prefix requestheader-allowed-names "
              "requestheader-client-ca-file requestheader-extra-headers-prefix requestheader-group-headers "
              "requestheader-uid-headers requestheader-username-headers service-account-max-token-expiration "
              "service-account-jwks-uri "
              "authorization-config authorization-policy-file authorization-webhook-cache-authorized-ttl "
              "authorization-webhook-cache-unauthorized-ttl authorization-webhook-config-file "
              "authorization-webhook-version runtime-config egress-selector-config-file admission-control "
              "admission-control-config-file default-not-ready-toleration-seconds "
              "default-unreachable-toleration-seconds enable-admission-plugins tracing-config-file event-ttl "
              "kubelet-certificate-authority kubelet-client-certificate kubelet-client-key "
              "kubelet-preferred-address-types proxy-client-cert-file proxy-client-key-file "
              "service-account-signing-endpoint service-node-port-range ",
    .flags = " emulation-forward-compatible runtime-config-emulation-forward-compatible "
             "encryption-provider-config-automatic-reload audit-log-batch-throttle-enable audit-log-compress "
             "audit-log-truncate-enabled audit-webhook-batch-throttle-enable audit-webhook-truncate-enabled "
             "enable-bootstrap-token-auth service-account-extend-token-expiration service-account-lookup ",
};

/* What a command line of kube-apiserver says to us. */
struct asked {
    const char *bind_address, *secure_port, *authorization_modes, *audiences;
    struct text_list key_files, issuers;
    bool anonymous, help, version;
    struct serve_tls tls;
    struct serve_auth auth;
};

static void note(const struct text_list *flags)
{
    if (flags->list.n == 0)
        return;
    fputs("dormouse kube-apiserver: without effect here:", stderr);
    for (size_t i = 0; i < flags->list.n; i++)
        fprintf(stderr, " %s", flags->list.v[i]);
    fputc('\n', stderr);
}

/* The parts of "a,b,c", in the arena. */
static struct text_files split(struct arena *arena, const char *text)
{
    const char **v = arena_alloc(arena, (strlen(text) + 1) * sizeof(*v));
    size_t n = 0;

    for (const char *at = text, *end; *at; at = *end ? end + 1 : end) {
        end = strchrnul(at, ',');
        v[n++] = arena_strndup(arena, at, (size_t)(end - at));
    }
    return (struct text_files){ v, n };
}

/* Several modes ask one after the other; those that only ever allow a few more than RBAC are as good as not there. */
static int read_modes(const struct asked *a, struct arena *arena, bool *ret_rbac, struct err *e)
{
    static const char *const known[] = { "RBAC", "Node", "AlwaysAllow", "Webhook", "ABAC" };
    struct text_files modes = split(arena, a->authorization_modes);
    bool all = false;

    *ret_rbac = false;
    for (size_t i = 0; i < modes.n; i++) {
        size_t k = 0;
        while (k < ARRAY_SIZE(known) && !streq(known[k], modes.v[i]))
            k++;
        if (k == ARRAY_SIZE(known))
            return err_set(e, ERR_INVALID, "authorization-mode \"%s\" is not a valid mode", modes.v[i]);
        *ret_rbac |= streq(modes.v[i], "RBAC");
        all |= streq(modes.v[i], "AlwaysAllow");
    }
    *ret_rbac &= !all;
    return 0;
}

static int serve(const struct asked *a, struct arena *arena, struct err *e)
{
    const char *host = a->bind_address;
    uint64_t port;
    struct serve_options o = { .tls = a->tls, .auth = a->auth, .event_ttl = DURATION_MIN(60) };
    int r = read_modes(a, arena, &o.auth.rbac, e);

    if (r < 0)
        return r;
    if (a->issuers.list.n)
        o.auth.service_account_issuer = a->issuers.list.v[0];
    o.auth.service_account_key_files = (struct text_files){ a->key_files.list.v, a->key_files.list.n };
    o.auth.api_audiences = split(arena, a->audiences);
    o.auth.no_anonymous = !a->anonymous;

    if (!parse_u64(a->secure_port, &port) || port < 1 || port > 65535)
        return err_set(e, ERR_INVALID, "--secure-port %s must be between 1 and 65535, inclusive. It cannot be turned "
                       "off with 0", a->secure_port);
    o.listen = arena_printf(arena, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, a->secure_port);
    o.tls.on = true;
    return serve_process(&o);
}

int entry_apiserver(int argc, char **argv)
{
    struct asked a = { .bind_address = "0.0.0.0", .secure_port = "6443", .authorization_modes = "AlwaysAllow",
                       .audiences = "", .anonymous = true };
    const struct go_flag rows[] = {
        { "bind-address", GO_TEXT, &a.bind_address },
        { "secure-port", GO_TEXT, &a.secure_port },
        { "cert-dir", GO_TEXT, &a.tls.cert_dir },
        { "tls-cert-file", GO_TEXT, &a.tls.cert_file },
        { "tls-private-key-file", GO_TEXT, &a.tls.key_file },
        { "client-ca-file", GO_TEXT, &a.tls.client_ca_file },
        { "authorization-mode", GO_TEXT, &a.authorization_modes },
        { "anonymous-auth", GO_BOOL, &a.anonymous },
        { "token-auth-file", GO_TEXT, &a.auth.token_auth_file },
        { "api-audiences", GO_TEXT, &a.audiences },
        { "service-account-issuer", GO_LIST, &a.issuers },
        { "service-account-key-file", GO_LIST, &a.key_files },
        { "service-account-signing-key-file", GO_TEXT, &a.auth.service_account_signing_key_file },
        { "help", GO_BOOL, &a.help },
        { "version", GO_BOOL, &a.version },
    };
    const struct go_flags flags = { rows, ARRAY_SIZE(rows), quiet, noted, false };
    cleanup_arena struct arena *arena = arena_new();
    struct text_list idle = { { 0 } };
    struct err e = ERR_IN(arena);
    int r = go_flags_parse(&flags, argc, argv, &idle, &e);

    if (r == 0 && a.help) {
        puts("Dormouse as kube-apiserver; `dormouse help serve` says more.\n\nFlags:\n");
        go_flags_print(&flags);
    } else if (r == 0 && a.version) {
        puts("Kubernetes v1.34.2");
    } else if (r == 0) {
        note(&idle);
        r = serve(&a, arena, &e);
    }
    dyn_release(&idle.list);
    dyn_release(&a.key_files.list);
    dyn_release(&a.issuers.list);
    if (r >= 0)
        return r;
    fprintf(stderr, "Error: %s\n", err_message(&e));
    return EXIT_FAILED;
}
