/* replay.h — plays recorded exchanges with a real kube-apiserver against ours, and compares.
 *
 * A case is a list of steps and the answers that a real server gave, already normalised: what differs
 * from run to run (uids, revisions, times, generated names) stands there as <uid 1>, <rv 2> and so on.
 * We play the steps through the request function in a simulated world, where sleeping costs nothing,
 * normalise what came back by the same rules, and say where it differs.
 */
#pragma once

#include <jansson.h>

#include "fakeapi/apiserver/apiserver.h"

/* The answers of one case, as {"status","headers","body"} and so on; a new array. Suspends. */
json_t *replay_play(struct co *co, struct apiserver *server, const json_t *c, const char *ns);

/* Rewrites what legitimately differs between two runs; a new array. */
json_t *replay_normalise(const json_t *answers, const char *ns);

/* Calls differs() for each place where want and got differ and that no pattern of the case ignores. The
 * number of such places. */
typedef void replay_diff_fn(void *arg, size_t step, const char *path, const json_t *want,
                            const json_t *got);
size_t replay_compare(const json_t *c, const json_t *got, replay_diff_fn *differs, void *arg);
