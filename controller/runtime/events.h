/* events.h — Events on the objects that a controller works on, aggregated as kubelets and controllers do.
 *
 * Recording never suspends and never fails: events are queued, and a task of their own writes them. An
 * event that repeats (same object, type, reason and message) raises the count of the first one. What
 * cannot be written is dropped: events are told, not promised.
 */
#pragma once

#include "kube/client.h"

struct events;

#define EVENT_NORMAL "Normal"
#define EVENT_WARNING "Warning"

struct events *events_new(struct proc *p, struct client *c, const char *component);
struct events *events_free(struct events *e);   /* NULL is fine; returns NULL */
void events_start(struct events *e);

/* `involved` is any object with kind, name and uid; read during the call only. */
void event_record(struct events *e, const json_t *involved, const char *type, const char *reason,
                  const char *fmt, ...) PRINTF(5, 6);
