/* link.h — what lies between one controller replica and the API server, and what goes wrong there.
 *
 * A transport that tells the history what it saw and asks the faults what becomes of it. Watches of a
 * kind can be held back: the controller's cache then stays as old as it is.
 */
#pragma once

#include "conformance/scenario/faults.h"
#include "kube/transport.h"

/* How long a lost request keeps its sender waiting. */
#define LINK_TIMEOUT DURATION_S(10)

struct link;

/* Borrows everything. `actor` is the replica's name; `bend` names one of bend.h, or NULL. */
struct link *link_new(struct history *h, struct faults *f, struct transport *inner, const char *actor,
                      const char *bend);
struct link *link_free(struct link *l);          /* its streams must be gone; NULL is fine */
struct transport *link_transport(struct link *l);
void link_hold(struct link *l, const char *kind, bool held);
