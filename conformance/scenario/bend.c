#include "conformance/scenario/bend.h"

#include "kube/json.h"

static bool is_status_of_sandbox(const struct subject *s)
{
    return streq(s->kind, "Sandbox") && streq(s->subresource, "status");
}

static json_t *without_preconditions(const struct subject *s)
{
    return s->verb == VERB_DELETE ? json_without(s->body, "preconditions") : NULL;
}

static json_t *without_intent(const struct subject *s)
{
    return is_status_of_sandbox(s) && path_get(s->body, "status.pendingCheckpoint")
               ? json_without(s->body, "status.pendingCheckpoint")
               : NULL;
}

static json_t *without_snapshot(const struct subject *s)
{
    return is_status_of_sandbox(s) && json_is_object(path_get(s->body, "status.snapshot"))
               ? json_without(s->body, "status.snapshot")
               : NULL;
}

static json_t *without_queue(const struct subject *s)
{
    return is_status_of_sandbox(s) &&
                   json_array_size(path_get(s->body, "status.snapshotsPendingDeletion")) > 0
               ? json_without(s->body, "status.snapshotsPendingDeletion")
               : NULL;
}

static json_t *without_finalizer(const struct subject *s)
{
    return streq(s->kind, "Sandbox") && !*s->subresource && path_get(s->body, "metadata.finalizers")
               ? json_without(s->body, "metadata.finalizers")
               : NULL;
}

static json_t *without_restore_mark(const struct subject *s)
{
    static const char *const path[] = { "metadata", "annotations",
                                        "agents.x-k8s.io/restored-from-snapshot" };
    json_t *copy;

    if (!streq(s->kind, "Pod") || s->verb != VERB_CREATE)
        return NULL;
    copy = json_clone(s->body);
    json_object_del(json_object_get(json_object_get(copy, path[0]), path[1]), path[2]);
    return copy;
}

/* Conditions stamped anew on every write, as a controller does that does not look at what was there. */
static json_t *restamped(const struct subject *s)
{
    json_t *copy, *condition;
    cleanup_free char *stamp = NULL;
    size_t i;

    if (!is_status_of_sandbox(s) || !path_get(s->body, "status.conditions"))
        return NULL;
    copy = json_clone(s->body);
    stamp = xasprintf("2024-01-01T00:00:%02uZ", (unsigned)(json_hash(HASH64_INIT, s->body) % 60));
    json_array_foreach ((json_t *)path_get(copy, "status.conditions"), i, condition)
        json_object_set_new(condition, "lastTransitionTime", json_string(stamp));
    return copy;
}

static json_t *always_ready(const struct subject *s)
{
    json_t *copy, *condition;
    size_t i;

    if (!is_status_of_sandbox(s) || !path_get(s->body, "status.conditions"))
        return NULL;
    copy = json_clone(s->body);
    json_array_foreach ((json_t *)path_get(copy, "status.conditions"), i, condition)
        if (streq(path_string(condition, "reason"), "SandboxSuspended"))
            json_object_set_new(condition, "status", json_string("True"));
    return copy;
}

static const struct bend bends[] = {
    { "deletes-blindly", "deletes by name, without a UID precondition", without_preconditions },
    { "forgets-the-intent", "never stores what it is about to ask the driver", without_intent },
    { "forgets-the-snapshot", "never records what the driver answered", without_snapshot },
    { "forgets-the-queue", "never queues an artifact for deletion", without_queue },
    { "skips-the-finalizer", "never stores the finalizer", without_finalizer },
    { "hides-the-restore", "does not mark the restored Pod", without_restore_mark },
    { "restamps-conditions", "writes every condition with another transition time", restamped },
    { "always-ready", "calls a Sandbox ready that is asked to sleep", always_ready },
    { "writes-twice", "sends every status write twice", NULL, true },
};

const struct bend *bend_at(size_t i)
{
    return i < ARRAY_SIZE(bends) ? &bends[i] : NULL;
}

const struct bend *bend_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(bends); i++)
        if (streq(bends[i].name, name))
            return &bends[i];
    return NULL;
}
