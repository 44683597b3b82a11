#include "conformance/cli/entry.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conformance/cli/cli.h"
#include "world/err.h"
#include "world/process.h"

const char envtest_assets_help[] =
    "usage: dormouse envtest-assets [--dir DIR]\n"
    "\n"
    "Makes a folder with the programs that controller-runtime's envtest starts, prints its path, and ends:\n"
    "\n"
    "  KUBEBUILDER_ASSETS=$(dormouse envtest-assets) go test ./...\n"
    "\n"
    "kube-apiserver is this program; etcd is this program, answering that it is well and keeping nothing: all\n"
    "state is in the memory of kube-apiserver. kubectl is the one in PATH.\n"
    "\n"
    "  --dir DIR               the folder; a place in the user's cache by default\n";

static const struct entry {
    const char *name;
    entry_fn *run;
} entries[] = {
    { "kube-apiserver", entry_apiserver },
    { "etcd", entry_etcd },
    { "kubectl", entry_kubectl },
};

entry_fn *entry_of(const char *argv0)
{
    const char *slash = strrchr(argv0, '/'), *name = slash ? slash + 1 : argv0;

    for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
        if (streq(entries[i].name, name))
            return entries[i].run;
    return NULL;
}

int entry_kubectl(int argc, char **argv)
{
    (void)argc, (void)argv;
    fprintf(stderr, "kubectl: there was none in PATH when `dormouse envtest-assets` made this folder; install one "
            "and run it again\n");
    return EXIT_FAILED;
}

/* ---- the folder ---------------------------------------------------------------------------------- */

/* One folder for each place where this program lies: builds side by side do not take each other's. */
static char *default_dir(const char *self)
{
    cleanup_free char *cache = process_cache_dir();
    uint32_t hash = 2166136261u;                 /* FNV-1a */

    for (const char *p = self; *p; p++)
        hash = (hash ^ (unsigned char)*p) * 16777619u;
    return cache ? xasprintf("%s/dormouse/envtest-%08x", cache, hash) : NULL;
}

static int make_dirs(const char *path, struct err *e)
{
    cleanup_free char *part = xstrdup(path);

    for (char *slash = part + 1;; slash++) {
        slash = strchrnul(slash, '/');
        char end = *slash;
        *slash = '\0';
        if (mkdir(part, 0777) < 0 && errno != EEXIST)
            return err_set_errno(e, errno, "%s", part);
        if (!end)
            return 0;
        *slash = end;
    }
}

/* A link is put in place whole: a test that starts at the same time finds the old one or the new one. */
static int put_link(const char *dir, const char *name, const char *target, struct err *e)
{
    cleanup_free char *path = xasprintf("%s/%s", dir, name), *fresh = xasprintf("%s.%d", path, (int)getpid());
    char now[4096];
    ssize_t n = readlink(path, now, sizeof(now) - 1);

    if (n > 0 && (size_t)n == strlen(target) && memcmp(now, target, (size_t)n) == 0)
        return 0;
    unlink(fresh);
    if (symlink(target, fresh) < 0)
        return err_set_errno(e, errno, "%s", fresh);
    if (rename(fresh, path) < 0) {
        int r = err_set_errno(e, errno, "%s", path);
        unlink(fresh);
        return r;
    }
    return 0;
}

static int make_assets(const char *dir, const char *self, struct err *e)
{
    cleanup_free char *kubectl = process_find("kubectl"), *whole = NULL;
    int r = make_dirs(dir, e);

    if (kubectl)
        whole = realpath(kubectl, NULL);
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(entries); i++) {
        bool theirs = entries[i].run == entry_kubectl && whole;
        r = put_link(dir, entries[i].name, theirs ? whole : self, e);
    }
    return r;
}

int envtest_assets_run(int argc, char **argv)
{
    const char *given = NULL;
    const struct option_row rows[] = { { "--dir", OPTION_TEXT, &given } };
    cleanup_arena struct arena *arena = arena_new();
    cleanup_free char *self = process_self(), *dir = NULL, *whole = NULL;
    struct err e = ERR_IN(arena);
    int n, r = options_parse("envtest-assets", argc, argv, rows, ARRAY_SIZE(rows), &n);

    if (r != 0)
        return options_status(r);
    dir = given ? xstrdup(given) : default_dir(self);
    if (n > 0 || !dir || !*dir) {
        fprintf(stderr, "dormouse envtest-assets: %s\n", n > 0 ? "there are no operands" :
                dir ? "--dir: no folder has no name" : "neither HOME nor XDG_CACHE_HOME is set; name a folder with --dir");
        return EXIT_USAGE;
    }
    r = make_assets(dir, self, &e);
    whole = r == 0 ? realpath(dir, NULL) : NULL; /* go test changes folders */
    if (r < 0 || !whole) {
        fprintf(stderr, "dormouse envtest-assets: %s\n", r < 0 ? err_message(&e) : dir);
        return EXIT_MACHINE;
    }
    puts(whole);
    return EXIT_HELD;
}
