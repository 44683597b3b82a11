/* hook_link.h — webhooks of a simulated world: they are functions, and the way to them is a link on which delay, loss
 * and lies are choices.
 *
 * Each call chooses how long it is under way, whether the request or the reply is lost (the caller then waits until
 * its timeout), and whether the reply arrives as it was sent. Without faults a call takes no time.
 */
#pragma once

#include "fakeapi/apiserver/hook.h"

/* Answers one call: 0 with `ret` filled, or negative with `e` in Go's words. Whatever it allocates is the arena's. */
typedef int hook_fn(struct co *co, void *arg, const struct hook_request *q, struct arena *a, struct hook_reply *ret,
                    struct err *e);

/* Chances are fault_num in fault_den at each of three places; 0 in 0: none. */
struct hook_link_options {
    uint32_t fault_num, fault_den;
};

/* For apiserver_options.hook_caller, which frees it. */
struct hook_caller *hook_link_new(struct world *w, const struct hook_link_options *o);
/* Who answers where: "https://hook.example.com" answers all URLs below it, "127.0.0.1:8443" what is dialled so. */
void hook_link_serve(struct hook_caller *link, const char *place, hook_fn *fn, void *arg);
