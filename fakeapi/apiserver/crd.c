#include "fakeapi/apiserver/crd.h"

#include "fakeapi/apiserver/builtin/builtin.h"
#include "kube/crd_check.h"
#include "kube/hook_check.h"

/* The register of definitions, and the work that a real server's controllers do on them: accept names,
 * establish, and clean up behind a definition that is deleted (F.1, F.7). */

#define CLEANUP "customresourcecleanup.apiextensions.k8s.io"

struct crds {
    struct apiserver *s;
    struct store_watch *watch;
    DYN(struct crd *) served;
    struct waitq wake;
    bool work;                         /* a definition changed since the task looked */
};

static const struct kind *crd_kind(struct apiserver *s)
{
    return kinds_find(s->kinds, "apiextensions.k8s.io", "v1", "customresourcedefinitions");
}

/* ---- the register ------------------------------------------------------------------------------- */

static struct crd *find_served(struct crds *cs, const char *name, size_t *ret_at)
{
    for (size_t i = 0; i < cs->served.n; i++) {
        if (streq(cs->served.v[i]->name, name)) {
            *ret_at = i;
            return cs->served.v[i];
        }
    }
    return NULL;
}

static int by_group_and_plural(const void *a, const void *b)
{
    const struct kind *x = *(const struct kind *const *)a, *y = *(const struct kind *const *)b;
    int r = strcmp(x->res.group, y->res.group);

    if (!r)
        r = compare_versions(x->res.version, y->res.version);
    return r ? r : strcmp(x->res.plural, y->res.plural);
}

static void publish(struct crds *cs)
{
    DYN(const struct kind *) all = { 0 };

    for (size_t i = 0; i < cs->served.n; i++)
        for (size_t j = 0; j < cs->served.v[i]->n_kinds; j++)
            *dyn_push(&all) = &cs->served.v[i]->kinds[j];
    if (all.n)
        qsort(all.v, all.n, sizeof(*all.v), by_group_and_plural);
    kinds_set_custom(cs->s->kinds, all.v, all.n);
    dyn_release(&all);
}

static void withdraw(struct crds *cs, size_t at, bool end_watches)
{
    struct crd *d = cs->served.v[at];

    memmove(&cs->served.v[at], &cs->served.v[at + 1], (cs->served.n - at - 1) * sizeof(d));
    cs->served.n--;
    publish(cs);
    if (end_watches && d->n_kinds)
        watches_end(cs->s, d->kinds[0].store_prefix);
    crd_unref(d);
}

/* Conditions may change without anything being served differently. */
static bool same_service(const struct crd *d, const json_t *object)
{
    return json_same(json_object_get(d->object, "spec"), json_object_get(object, "spec")) &&
           json_same(json_path(d->object, "status.acceptedNames"), json_path(object, "status.acceptedNames"));
}

static void register_object(struct crds *cs, const json_t *object)
{
    size_t at;
    struct crd *d = find_served(cs, obj_name(object), &at);
    bool established = obj_condition_true(object, "Established");

    bool same = d && established && same_service(d, object);
    if (same && d->terminating == obj_condition_true(object, "Terminating"))
        return;
    /* Watches go on while instances are removed: they see them go. */
    if (d)
        withdraw(cs, at, !same);
    if (!established)
        return;
    *dyn_push(&cs->served) = crd_new(object);
    publish(cs);
}

static void on_definition(void *arg, const struct store_event *e)
{
    struct crds *cs = arg;
    size_t at;

    if (e->type != STORE_DELETE)
        register_object(cs, value_tree(e->value));
    else if (find_served(cs, obj_name(value_tree(e->value)), &at))
        withdraw(cs, at, true);
    cs->work = true;
    waitq_wake_all(&cs->wake);
}

/* ---- writing a status --------------------------------------------------------------------------- */

static int mutate_status(struct call *c, const json_t *old, void *arg, json_t **ret)
{
    (void)c;
    *ret = json_with(old, "status", json_incref(arg));
    return 0;
}

static int mutate_finalizer(struct call *c, const json_t *old, void *arg, json_t **ret)
{
    json_t *obj = json_incref((json_t *)old);

    (void)c, (void)arg;
    obj_remove_finalizer(json_own(&obj), CLEANUP);
    *ret = obj;
    return 0;
}

static void change(struct crds *cs, struct co *co, const char *name, const char *sub, mutate_fn *fn, void *arg)
{
    struct call c;
    const struct kind *k = crd_kind(cs->s);
    cleanup_arena struct arena *a = arena_new();
    struct value *v = NULL;
    bool created;

    call_init(&c, cs->s, a);
    c.co = co;
    c.internal = true;
    c.user_agent = arena_printf(a, "kube-apiserver/%s", cs->s->release->git_version);
    c.route.kind = k;
    c.route.sub = sub ? kind_sub(k, sub) : NULL;
    struct change ch = { .kind = k, .sub = c.route.sub, .namespace = "", .name = name, .mutate = fn, .arg = arg };
    if (change_object(&c, &ch, &v, &created) < 0)
        world_trace(cs->s->world, "apiserver", "CustomResourceDefinition %s: %s", name, c.err.message);
    value_unref(v);
    call_release(&c);
}

/* As Go prints it: conditions with their members in their order, the newest state of each. */
static void set_condition(struct crds *cs, json_t *status, const char *type, const char *value, const char *reason,
                          const char *message)
{
    json_t *conditions = json_own_array(status, "conditions");
    char now[TIME_TEXT_MAX];
    size_t i;
    json_t *have;

    time_format(world_now(cs->s->world), now);
    json_t *next = json_pack("{s:s, s:s, s:s, s:s, s:s}", "type", type, "status", value, "lastTransitionTime", now,
                             "reason", reason, "message", message);
    json_array_foreach (conditions, i, have) {
        if (!streq(obj_str(have, "type"), type))
            continue;
        if (streq(obj_str(have, "status"), value))
            json_object_set(next, "lastTransitionTime", json_object_get(have, "lastTransitionTime"));
        json_array_set_new(conditions, i, next);
        return;
    }
    json_array_append_new(conditions, next);
}

static bool condition_is(const json_t *object, const char *type, const char *status, const char *reason)
{
    const json_t *c = obj_condition(object, type);

    return c && streq(obj_str(c, "status"), status) && streq(obj_str(c, "reason"), reason);
}

/* ---- names -------------------------------------------------------------------------------------- */

struct conflict {
    const char *reason, *message;
};

static bool in_list(const json_t *list, const char *s)
{
    size_t i;
    json_t *v;

    json_array_foreach (list, i, v)
        if (json_is_string(v) && streq(json_string_value(v), s))
            return true;
    return false;
}

/* Plural, singular and short names share one space within a group; kinds and list kinds another. */
static bool resource_taken(const json_t *names, const char *s)
{
    return streq(obj_str(names, "plural"), s) || streq(obj_str(names, "singular"), s) ||
           in_list(json_object_get(names, "shortNames"), s);
}

static bool kind_taken(const json_t *names, const char *s)
{
    return streq(obj_str(names, "kind"), s) || streq(obj_str(names, "listKind"), s);
}

static bool taken(const json_t *others, bool kind, const char *s)
{
    size_t i;
    json_t *names;

    json_array_foreach (others, i, names)
        if ((kind ? kind_taken : resource_taken)(names, s))
            return true;
    return false;
}

static const char *in_use(struct arena *a, const char *name)
{
    return arena_printf(a, "\"%s\" is already in use", name);
}

/* Which of several names others have; NULL for none. Those that are ours already are not looked at. */
static const char *list_in_use(struct arena *a, const json_t *wanted, const json_t *ours, const json_t *others)
{
    const char *all = NULL;
    size_t i, n = 0;
    json_t *s;

    json_array_foreach (wanted, i, s) {
        if (!json_is_string(s) || in_list(ours, json_string_value(s)) || !taken(others, false, json_string_value(s)))
            continue;
        all = n++ ? arena_printf(a, "%s, %s", all, in_use(a, json_string_value(s))) : in_use(a, json_string_value(s));
    }
    return n > 1 ? arena_printf(a, "[%s]", all) : all;
}

/* The names to have: those wanted, but for such as are another's, whose place what was accepted before keeps. The
 * last conflict is told of. A new reference. */
static json_t *settle_names(struct arena *a, const json_t *wanted, const json_t *ours, const json_t *others,
                            struct conflict *ret)
{
    static const struct { const char *member, *reason; bool kind; } rules[] = {
        { "plural", "PluralConflict", false }, { "singular", "SingularConflict", false },
        { "shortNames", "ShortNamesConflict", false }, { "kind", "KindConflict", true },
        { "listKind", "ListKindConflict", true }, { "categories", NULL, false }
    };
    json_t *out = json_object();

    for (size_t r = 0; r < ARRAY_SIZE(rules); r++) {
        json_t *want = json_object_get(wanted, rules[r].member), *have = json_object_get(ours, rules[r].member);
        const char *text = json_string_value(want), *why = NULL;
        if (rules[r].reason && json_is_array(want))
            why = list_in_use(a, want, have, others);
        else if (text && !json_same(want, have) && taken(others, rules[r].kind, text))
            why = in_use(a, text);
        if (why)
            *ret = (struct conflict){ rules[r].reason, why };
        if (why ? have : want)
            json_object_set(out, rules[r].member, why ? have : want);
    }
    return out;
}

struct collect {
    const json_t *self;
    json_t *names;                     /* accepted by others of the group */
    json_t *all;                       /* every definition */
};

static bool collect_one(void *arg, const struct record *rec)
{
    struct collect *col = arg;

    json_array_append(col->all, value_tree(rec->value));
    return true;
}

static json_t *all_definitions(struct crds *cs)
{
    struct collect col = { .all = json_array() };

    store_range(cs->s->store, crd_kind(cs->s)->store_prefix, NULL, 0, 0, collect_one, &col, NULL);
    return col.all;
}

static json_t *names_of_others(const json_t *all, const json_t *self)
{
    json_t *out = json_array();
    size_t i;
    json_t *o;

    json_array_foreach (all, i, o)
        if (!streq(obj_name(o), obj_name(self)) && streq(obj_str(o, "spec.group"), obj_str(self, "spec.group")) &&
            json_path(o, "status.acceptedNames"))
            json_array_append(out, json_path(o, "status.acceptedNames"));
    return out;
}

/* ---- one definition's next step ----------------------------------------------------------------- */

/* True when something was written: the change itself brings us back. */
/* Not established for want of a CA bundle that can be read, and still without one. */
static bool waits_for_ca(const json_t *object)
{
    cleanup_arena struct arena *a = arena_new();

    return condition_is(object, "Established", "False", "InvalidCABundle") &&
           hook_ca_problem(a, json_path(object, "spec.conversion.webhook.clientConfig.caBundle"));
}

static bool accept_names(struct crds *cs, struct co *co, const json_t *object, const json_t *all)
{
    json_auto_t *others = names_of_others(all, object), *status = json_clone(json_object_get(object, "status"));
    const json_t *wanted = json_path(object, "spec.names");
    cleanup_arena struct arena *a = arena_new();
    struct conflict conflict = { 0 };

    if (!status)
        status = json_object();
    json_object_set_new(status, "acceptedNames",
                        settle_names(a, wanted, json_object_get(status, "acceptedNames"), others, &conflict));
    if (conflict.reason) {
        set_condition(cs, status, "NamesAccepted", "False", conflict.reason, conflict.message);
        if (!obj_condition_true(object, "Established"))
            set_condition(cs, status, "Established", "False", "NotAccepted", "not all names are accepted");
    } else {
        set_condition(cs, status, "NamesAccepted", "True", "NoConflicts", "no conflicts found");
        if (!obj_condition_true(object, "Established") && !waits_for_ca(object))
            set_condition(cs, status, "Established", "False", "Installing",
                          "the initial names have been accepted");
    }
    if (json_same(status, json_object_get(object, "status")))
        return false;
    change(cs, co, obj_name(object), "status", mutate_status, status);
    return true;
}

static bool establish(struct crds *cs, struct co *co, const json_t *object)
{
    cleanup_arena struct arena *a = arena_new();
    bool trusted = !hook_ca_problem(a, json_path(object, "spec.conversion.webhook.clientConfig.caBundle"));

    if (!condition_is(object, "NamesAccepted", "True", "NoConflicts") || obj_condition_true(object, "Established") ||
        waits_for_ca(object))
        return false;
    json_auto_t *status = json_clone(json_object_get(object, "status"));
    if (trusted)
        set_condition(cs, status, "Established", "True", "InitialNamesAccepted", "the initial names have been accepted");
    else
        set_condition(cs, status, "Established", "False", "InvalidCABundle", "The conversion webhook CABundle is invalid");
    change(cs, co, obj_name(object), "status", mutate_status, status);
    return true;
}

struct instances {
    json_t *keys;                      /* [[namespace, name], ...] */
};

static bool note_instance(void *arg, const struct record *rec)
{
    struct instances *in = arg;
    const json_t *o = value_tree(rec->value);

    json_array_append_new(in->keys, json_pack("[s, s]", obj_namespace(o), obj_name(o)));
    return true;
}

static void delete_instances(struct crds *cs, struct co *co, const struct kind *k, size_t *ret_left)
{
    struct instances in = { json_array() };
    size_t i;
    json_t *key;

    store_range(cs->s->store, k->store_prefix, NULL, 0, 0, note_instance, &in, NULL);
    json_array_foreach (in.keys, i, key) {
        cleanup_arena struct arena *a = arena_new();
        struct delete_request d = { .orphan = -1 };
        struct value *last = NULL;
        struct call c;
        bool gone;
        call_init(&c, cs->s, a);
        c.co = co;
        c.internal = true;
        c.route.kind = k;
        delete_object(&c, k, json_string_value(json_array_get(key, 0)), json_string_value(json_array_get(key, 1)), &d,
                      &last, &gone);
        value_unref(last);
        call_release(&c);
    }
    json_decref(in.keys);
    *ret_left = store_count(cs->s->store, k->store_prefix);
}

/* A definition that goes: its instances first, then its finalizer (F-165). */
static bool clean_up(struct crds *cs, struct co *co, const json_t *object)
{
    json_auto_t *status = json_clone(json_object_get(object, "status"));
    const char *name = obj_name(object);
    size_t at, left = 0;
    struct crd *d = find_served(cs, name, &at);

    if (!obj_has_finalizer(object, CLEANUP))
        return false;
    if (d && d->n_kinds) {
        if (!condition_is(object, "Terminating", "True", "InstanceDeletionInProgress")) {
            set_condition(cs, status, "Terminating", "True", "InstanceDeletionInProgress",
                          "CustomResource deletion is in progress");
            change(cs, co, name, "status", mutate_status, status);
            return true;
        }
        crd_ref(d);
        delete_instances(cs, co, &d->kinds[0], &left);
        crd_unref(d);
        if (left)
            return false;              /* held by finalizers: each change of theirs brings us back */
    }
    /* The last word on its condition goes with the finalizer: nobody sees it. */
    change(cs, co, name, NULL, mutate_finalizer, NULL);
    return true;
}

static bool step(struct crds *cs, struct co *co, const json_t *object, const json_t *all)
{
    if (obj_is_deleting(object))
        return clean_up(cs, co, object);
    return accept_names(cs, co, object, all) || establish(cs, co, object);
}

static bool deleting_any(const json_t *all)
{
    size_t i;
    json_t *o;

    json_array_foreach (all, i, o)
        if (obj_is_deleting(o))
            return true;
    return false;
}

static void controller(struct co *co, void *arg)
{
    struct crds *cs = arg;

    for (;;) {
        bool waiting = false;
        while (cs->work) {
            cs->work = false;
            json_auto_t *all = all_definitions(cs);
            size_t i;
            json_t *o;
            json_array_foreach (all, i, o)
                if (step(cs, co, o, all))
                    break;             /* the others may depend on it: look again */
            waiting = deleting_any(all);
            if (!cs->work && co_yield(co) < 0)
                return;
        }
        /* Instances that finalizers hold are asked for again now and then. */
        int r = waiting ? waitq_wait_until(co, &cs->wake, instant_add(world_now(cs->s->world), DURATION_MS(500)))
                        : waitq_wait(co, &cs->wake);
        if (r == -ERR_CANCELLED)
            return;
        if (r == -ERR_TIMEOUT)
            cs->work = true;
    }
}

/* ---- the kind CustomResourceDefinition ---------------------------------------------------------- */

static void lower(char *s)
{
    for (; *s; s++)
        if (*s >= 'A' && *s <= 'Z')
            *s |= 0x20;
}

static json_t *storage_names(const json_t *obj)
{
    json_t *out = json_array();
    size_t i;
    json_t *v;

    json_array_foreach (json_path(obj, "spec.versions"), i, v)
        if (obj_bool(v, "storage", false) && !json_array_size(out))
            json_array_append_new(out, json_string(obj_str(v, "name")));
    return out;
}

static void crd_defaults(struct call *c, json_t *obj)
{
    const char *kind = obj_str(obj, "spec.names.kind");

    if (*kind && !*obj_str(obj, "spec.names.singular")) {
        char *singular = arena_strdup(c->arena, kind);
        lower(singular);
        obj_set(obj, "spec.names.singular", json_string(singular));
    }
    if (*kind && !*obj_str(obj, "spec.names.listKind"))
        obj_set(obj, "spec.names.listKind", json_string(arena_printf(c->arena, "%sList", kind)));
    if (!json_path(obj, "spec.conversion"))
        obj_set(obj, "spec.conversion", json_pack("{s:s}", "strategy", "None"));
    if (json_path(obj, "spec.conversion.webhook.clientConfig.service") &&
        !json_path(obj, "spec.conversion.webhook.clientConfig.service.port"))
        obj_set(obj, "spec.conversion.webhook.clientConfig.service.port", json_integer(443));
    if (!obj_count(obj, "status.storedVersions"))
        obj_set(obj, "status.storedVersions", storage_names(obj));
}

static int crd_prepare_create(struct call *c, json_t *obj)
{
    json_t *status = json_object(), *names = json_object();

    (void)c;
    json_object_set_new(status, "conditions", json_null());
    json_object_set_new(names, "plural", json_string(""));
    json_object_set_new(names, "kind", json_string(""));
    json_object_set_new(status, "acceptedNames", names);
    json_object_set_new(status, "storedVersions", storage_names(obj));
    obj_set(obj, "status", status);
    return 0;
}

/* A version that becomes the stored one is remembered among the stored ones. */
static void add_stored_version(json_t *obj)
{
    json_auto_t *names = storage_names(obj);
    const char *name = json_string_value(json_array_get(names, 0));
    const json_t *have = json_path(obj, "status.storedVersions");

    if (!name || in_list(have, name))
        return;
    json_t *next = have ? json_copy((json_t *)have) : json_array();
    json_array_append_new(next, json_string(name));
    obj_set(obj, "status.storedVersions", next);
}

static int crd_prepare_update(struct call *c, const struct subresource *sub, json_t *obj, const json_t *old)
{
    (void)c;
    if (sub) {
        json_object_set(obj, "spec", json_object_get(old, "spec"));
        return 0;
    }
    json_object_set(obj, "status", json_object_get(old, "status"));
    add_stored_version(obj);
    return 0;
}

static int crd_remove(struct call *c, const struct kind *k, json_t *obj, const struct delete_request *d, bool *ret_done)
{
    (void)d;
    if (obj_is_deleting(obj)) {
        *ret_done = obj_count(obj, "metadata.finalizers") > 0;
        return 0;
    }
    (void)k;
    char now[TIME_TEXT_MAX];
    time_format(c->now, now);
    obj_set_meta_str(obj, "deletionTimestamp", now);
    obj_add_finalizer(obj, CLEANUP);
    json_t *status = json_own_object(obj, "status");
    set_condition(c->s->crds, status, "Terminating", "True", "InstanceDeletionPending",
                  "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon");
    *ret_done = true;
    return 0;
}

/* What the server brings itself compiles: there is a test. */
static void crd_validate_create(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *errs)
{
    (void)k;
    crd_check(obj, NULL, c->internal ? NULL : server_cel(c->s), errs);
}

static void crd_validate_change(struct call *c, const struct kind *k, const struct subresource *sub, const json_t *obj,
                                const json_t *old, struct fielderrs *errs)
{
    (void)k;
    if (sub)
        crd_check_status(obj, errs);
    else
        crd_check(obj, old, c->internal ? NULL : server_cel(c->s), errs);
}

static void crd_warn(struct call *c, const json_t *obj, const json_t *old)
{
    size_t n;
    const char *const *formats = crd_unknown_formats(c->arena, obj, &n);

    (void)old;
    for (size_t i = 0; i < n; i++) {
        cleanup_buf struct buf quoted = BUF_INIT;
        go_quote(&quoted, formats[i], strlen(formats[i]));
        call_warn(c, "unrecognized format %s", quoted.data);
    }
}

const struct kind_ops crd_ops = {
    .validate = crd_validate_create,
    .validate_update = crd_validate_change,
    .warn = crd_warn,
    .defaults = crd_defaults,
    .prepare_create = crd_prepare_create,
    .prepare_update = crd_prepare_update,
    .remove = crd_remove,
};

/* ---- life --------------------------------------------------------------------------------------- */

/* Of a store that was served before. */
static bool register_kept(void *arg, const struct record *rec)
{
    struct crds *cs = arg;

    register_object(cs, value_tree(rec->value));
    cs->work = true;
    return true;
}

struct crds *crds_new(struct apiserver *s)
{
    struct crds *cs = xcalloc(1, sizeof(*cs));

    cs->s = s;
    cs->watch = store_watch_new(s->store, crd_kind(s)->store_prefix, on_definition, cs);
    store_range(s->store, crd_kind(s)->store_prefix, NULL, 0, 0, register_kept, cs, NULL);
    co_spawn(s->proc, "crds", controller, cs);
    return cs;
}

struct crds *crds_free(struct crds *cs)
{
    store_watch_free(cs->watch);
    kinds_set_custom(cs->s->kinds, NULL, 0);
    for (size_t i = 0; i < cs->served.n; i++)
        crd_unref(cs->served.v[i]);
    dyn_release(&cs->served);
    free(cs);
    return NULL;
}
