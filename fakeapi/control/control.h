/* control.h — what only the owner of a laboratory may do, over HTTP: the paths under /dormouse/v1/.
 *
 * It stands between the socket and the API server: every request comes through here, is bent by the faults that
 * were asked for, leaves a line in the trace, and is answered by the API server, or here where it is about the
 * laboratory itself. docs/control-api.md is the manual for users.
 *
 * Promises
 *  (1) Without a fault in force a request is passed on untouched.
 *  (2) Whoever may not ask the API server for a path /dormouse/v1/... gets its refusal, here too.
 *  (3) Advancing a virtual clock stops at every timer on the way and lets what it wakes run first: what lives
 *      in this process sees each moment in order (unless a jump was asked for).
 *  (4) Restoring a snapshot is a series of ordinary writes: watches see each, revisions only grow, and what is
 *      as it was is not written. Objects keep their uid.
 *  (5) Memory is bounded: so many lines of trace, faults and snapshots, and no more.
 */
#pragma once

#include "fakeapi/apiserver/apiserver.h"

struct control;

/* Borrows both; free it before them. `virtual_time`: the world's clock is ours to move. */
struct control *control_new(struct world *w, struct apiserver *s, bool virtual_time);
struct control *control_free(struct control *c); /* NULL is fine; returns NULL */

/* As apiserver_handle() with bytes wanted. Status 0 in the reply: close without an answer. */
int control_handle(struct co *co, struct control *c, const struct api_request *q, struct api_reply *ret);

/* A line of the world's trace ("[ 61.000] who > what"): for world_options.trace_sink. */
void control_trace_line(struct control *c, const char *line, size_t len);
