/* leader.h — one leader among replicas, by a Lease (SBX-130 to SBX-132).
 *
 * The holder renews every two seconds; another takes over once the lease has not changed for its whole
 * duration, by its own clock. A holder that could not renew for ten seconds gives up: it calls
 * lost(), long before anybody else may begin. An orderly stop releases the lease, a crash does not.
 */
#pragma once

#include "kube/client.h"

struct leader;

struct leader_options {
    const char *namespace, *identity;            /* copied */
    void (*lost)(void *arg);
    void *arg;
};

#define LEADER_LEASE_NAME "a3317529.agent-sandbox.x-k8s.io"

struct leader *leader_new(struct proc *p, struct client *c, const struct leader_options *o);
struct leader *leader_free(struct leader *l);   /* NULL is fine; returns NULL */
void leader_start(struct leader *l);
int leader_wait(struct co *co, struct leader *l);               /* until it holds; 0 or -ERR_CANCELLED */
bool leader_holds(const struct leader *l);
int leader_release(struct co *co, struct leader *l);            /* an orderly stop; the task ends too */
