/* entry.h — the names under which envtest starts this program: kube-apiserver, etcd and kubectl.
 *
 * `dormouse envtest-assets` makes a folder of links with these names; what a program was started as decides
 * what it is. See docs/go.md.
 */
#pragma once

typedef int entry_fn(int argc, char **argv);

/* What argv[0] asks for; NULL: the program itself. */
entry_fn *entry_of(const char *argv0);

int entry_apiserver(int argc, char **argv);      /* `dormouse serve` with kube-apiserver's flags */
int entry_etcd(int argc, char **argv);           /* answers that it is well, keeps nothing */
int entry_kubectl(int argc, char **argv);        /* says that there is none */

int envtest_assets_run(int argc, char **argv);
extern const char envtest_assets_help[];
