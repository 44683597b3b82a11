/* guests.h — the containers of the make-believe kubelet; see kube/guest.h for who else may look. */
#pragma once

#include "kube/guest.h"
#include "world/world.h"

struct guests;

struct guests *guests_new(struct world *w);
struct guests *guests_free(struct guests *g);                   /* NULL is fine; returns NULL */
struct guest_host *guests_host(struct guests *g);

/* A Pod whose containers start now; `restored_from` names an image on offer ("" or NULL: starts fresh).
 * False where the image is not on offer. */
bool guests_start(struct guests *g, const char *namespace, const char *pod, const char *uid,
                  const char *restored_from);
void guests_stop(struct guests *g, const char *uid);            /* known still, but not running */
void guests_remove(struct guests *g, const char *uid);
enum guest_state guests_state(const struct guests *g, const char *uid);

const char *guests_read(const struct guests *g, const char *namespace, const char *pod, const char *cell);
int guests_write(struct guests *g, const char *namespace, const char *pod, const char *cell,
                 const char *value);
int64_t guests_steps(const struct guests *g, const char *namespace, const char *pod);
