#include "controller/runtime/registry.h"

#include <stdio.h>

#define INFO_DEADLINE DURATION_S(5)
#define ASK_AGAIN_MIN DURATION_S(1)    /* doubling to ... */
#define ASK_AGAIN_MAX DURATION_MIN(1)

struct slot {
    struct registry *registry;
    char *name;
    struct snapshot_driver *driver;
    bool usable;
    unsigned capabilities;
    const char *why;                   /* while it is not usable */
};

struct listener {
    registry_changed_fn *fn;
    void *arg;
};

struct registry {
    struct proc *proc;
    struct slot *slots;
    size_t n;
    DYN(struct listener) listeners;
    uint64_t generation;
};

struct registry *registry_new(struct proc *p, const struct driver_entry *drivers, size_t n)
{
    struct registry *r = xcalloc(1, sizeof(*r));

    r->proc = p;
    r->n = n;
    r->slots = xcalloc(n + 1, sizeof(*r->slots));
    for (size_t i = 0; i < n; i++)
        r->slots[i] = (struct slot){ .registry = r, .name = xstrdup(drivers[i].name),
                                     .driver = drivers[i].driver, .why = "has not answered yet" };
    return r;
}

struct registry *registry_free(struct registry *r)
{
    if (!r)
        return NULL;
    for (size_t i = 0; i < r->n; i++)
        free(r->slots[i].name);
    free(r->slots);
    dyn_release(&r->listeners);
    free(r);
    return NULL;
}

void registry_listen(struct registry *r, registry_changed_fn *fn, void *arg)
{
    *dyn_push(&r->listeners) = (struct listener){ fn, arg };
}

static void slot_set(struct slot *s, bool usable, unsigned capabilities, const char *why)
{
    struct registry *r = s->registry;

    if (s->usable == usable && s->capabilities == capabilities) {
        s->why = why;
        return;
    }
    s->usable = usable;
    s->capabilities = capabilities;
    s->why = why;
    r->generation++;
    world_trace(proc_world(r->proc), "controller", "driver %s %s%s", s->name,
                usable ? "is usable" : "is not usable: ", usable ? "" : why);
    for (size_t i = 0; i < r->listeners.n; i++)
        r->listeners.v[i].fn(r->listeners.v[i].arg);
}

static void slot_ask(struct co *co, struct slot *s)
{
    struct instant deadline = instant_add(co_now(co), INFO_DEADLINE);
    struct driver_info info = { 0 };
    struct rpc_status st = { 0 };
    enum rpc_code code = driver_get_info(co, s->driver, deadline, co_arena(co), &info, &st);

    if (co_cancelled(co))
        return;
    if (code == RPC_UNIMPLEMENTED)
        slot_set(s, true, DRIVER_CHECKPOINT_RESTORE, NULL);
    else if (code != RPC_OK)
        slot_set(s, false, 0, "GetDriverInfo fails");
    else if (!info.name || !streq(info.name, s->name))
        slot_set(s, false, 0, "it calls itself by another name");
    else
        slot_set(s, true, info.capabilities, NULL);
}

static void slot_run(struct co *co, void *arg)
{
    struct slot *s = arg;
    duration wait = ASK_AGAIN_MIN;

    for (;;) {
        co_pass_begin(co);
        slot_ask(co, s);
        if (s->usable || co_sleep(co, wait) < 0)
            return;
        wait = wait * 2 < ASK_AGAIN_MAX ? wait * 2 : ASK_AGAIN_MAX;
    }
}

void registry_start(struct registry *r)
{
    for (size_t i = 0; i < r->n; i++) {
        char name[128];
        snprintf(name, sizeof(name), "driver %s", r->slots[i].name);
        co_spawn(r->proc, name, slot_run, &r->slots[i]);
    }
}

struct snapshot_driver *registry_find(const struct registry *r, const char *name,
                                      unsigned *ret_capabilities, const char **ret_why)
{
    const char *why = "no driver of that name is registered";

    for (size_t i = 0; i < r->n; i++) {
        const struct slot *s = &r->slots[i];
        if (!streq(s->name, name))
            continue;
        if (s->usable) {
            if (ret_capabilities)
                *ret_capabilities = s->capabilities;
            return s->driver;
        }
        why = s->why;
    }
    if (ret_why)
        *ret_why = why;
    return NULL;
}

struct snapshot_driver *registry_find_freezer(const struct registry *r, const char *preferred,
                                              const char **ret_name)
{
    const struct slot *found = NULL;
    size_t able = 0;

    for (size_t i = 0; i < r->n; i++) {
        const struct slot *s = &r->slots[i];
        if (!s->usable || !(s->capabilities & DRIVER_FREEZE))
            continue;
        if (!str_empty(preferred) && !streq(preferred, s->name))
            continue;
        found = s;
        able++;
    }
    if (able != 1)
        return NULL;
    *ret_name = found->name;
    return found->driver;
}

uint64_t registry_generation(const struct registry *r)
{
    return r->generation;
}
