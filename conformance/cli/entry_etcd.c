#include <stdio.h>

#include "conformance/cli/entry.h"
#include "conformance/cli/go_flags.h"
#include "fakeapi/http/etcd.h"

int entry_etcd(int argc, char **argv)
{
    const char *clients = "http://127.0.0.1:2379";
    bool help = false, version = false;
    const struct go_flag rows[] = {
        { "listen-client-urls", GO_TEXT, &clients },
        { "help", GO_BOOL, &help },
        { "h", GO_BOOL, &help },
        { "version", GO_BOOL, &version },
    };
    const struct go_flags flags = {
        rows, ARRAY_SIZE(rows), .any = true,
        .quiet = { .values = " data-dir listen-peer-urls advertise-client-urls initial-advertise-peer-urls "
                             "initial-cluster name ",
                   .flags = " unsafe-no-fsync " },
    };
    cleanup_arena struct arena *arena = arena_new();
    struct text_list idle = { { 0 } };
    struct err e = ERR_IN(arena);
    int r = go_flags_parse(&flags, argc, argv, &idle, &e);

    if (r == 0 && help) {
        puts("Dormouse as etcd: it answers that it is well, and keeps nothing.\n\nFlags:\n");
        go_flags_print(&flags);
        return EXIT_HELD;
    }
    if (r == 0 && version) {
        puts("etcd Version: " ETCD_VERSION);
        return EXIT_HELD;
    }
    if (r == 0)
        r = etcd_process(clients, &e);
    if (r == 0)
        return EXIT_HELD;
    fprintf(stderr, "dormouse etcd: %s\n", err_message(&e));
    return r == -ERR_INVALID ? EXIT_USAGE : EXIT_MACHINE;
}
