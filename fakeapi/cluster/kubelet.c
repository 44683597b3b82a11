/* The kubelet of every make-believe node (H-020 to H-027): a Pod bound to a node runs, ends as its
 * command says, and goes when it is told to. The order that clients see is the real one: bound, then
 * ContainerCreating, then Running with an address, Ready not before; on the way out terminated, then gone. */
#include <stdio.h>

#include "fakeapi/cluster/loop.h"
#include "kube/json.h"
#include "kube/object.h"

/* What the kubelet knows of one Pod besides its status. */
struct pod_life {
    char *uid, *key;                   /* key: "namespace/name" */
    struct instant starts, started, stops;
    bool running, stopping;
    unsigned restarts, pulls, address;
};

struct kubelet {
    struct informer *pods;
    DYN(struct pod_life *) lives;
    unsigned addresses;
};

static const char *text_at(const json_t *v, const char *path)
{
    const char *s = json_string_value(json_path(v, path));

    return s ? s : "";
}

static struct pod_life *life_of(struct kubelet *k, const char *uid)
{
    for (size_t i = 0; i < k->lives.n; i++)
        if (streq(k->lives.v[i]->uid, uid))
            return k->lives.v[i];
    return NULL;
}

static struct pod_life *life_new(struct kubelet *k, const char *uid, const struct objkey *key)
{
    struct pod_life *life = xcalloc(1, sizeof(*life));

    *life = (struct pod_life){ .uid = xstrdup(uid), .key = xasprintf("%s/%s", key->namespace, key->name),
                               .address = ++k->addresses };
    *dyn_push(&k->lives) = life;
    return life;
}

static void life_free(struct pod_life *life)
{
    free(life->uid);
    free(life->key);
    free(life);
}

static void life_forget(struct cluster_loop_state *l, struct pod_life *life)
{
    struct kubelet *k = l->state;

    guests_remove(l->cluster->guests, life->uid);
    for (size_t i = 0; i < k->lives.n; i++) {
        if (k->lives.v[i] == life) {
            memmove(&k->lives.v[i], &k->lives.v[i + 1], (k->lives.n - i - 1) * sizeof(*k->lives.v));
            k->lives.n--;
            break;
        }
    }
    life_free(life);
}

/* ---- what a container does --------------------------------------------------------------------- */

struct program {
    duration runs;                     /* -1: until stopped */
    int64_t exit_code;
};

static const char *word(const json_t *container, size_t n)
{
    const json_t *command = json_object_get(container, "command"), *args = json_object_get(container, "args");
    size_t commands = json_array_size(command);
    const char *s = json_string_value(n < commands ? json_array_get(command, n)
                                                   : json_array_get(args, n - commands));

    return s ? s : "";
}

/* The first container says it for the Pod. */
static struct program program_of(const json_t *pod)
{
    const json_t *c = json_array_get(json_path(pod, "spec.containers"), 0);
    int64_t n = 0;

    if (streq(word(c, 0), "sleep") && parse_i64(word(c, 1), &n) && n >= 0 && n < 1000000000)
        return (struct program){ DURATION_S(n), 0 };
    if (streq(word(c, 0), "exit") && parse_i64(word(c, 1), &n))
        return (struct program){ 0, n & 0xff };
    return (struct program){ -1, 0 };
}

static bool image_missing(const json_t *pod, const char **ret_image)
{
    size_t i;
    json_t *c;

    json_array_foreach(json_path(pod, "spec.containers"), i, c) {
        *ret_image = text_at(c, "image");
        if (str_ends(*ret_image, ":missing"))
            return true;
    }
    return false;
}

/* ---- status ------------------------------------------------------------------------------------ */

enum container_phase { WAITING, RUNNING, TERMINATED };

struct container_view {
    enum container_phase phase;
    const char *waiting_reason, *waiting_message;
    int64_t exit_code;
    struct instant started;
};

static json_t *container_state(struct co *co, const struct container_view *v, const char *id)
{
    char started[TIME_TEXT_MAX];

    time_format(v->started, started);
    switch (v->phase) {
    case WAITING:
        return json_pack("{s:{s:s, s:s*}}", "waiting", "reason", v->waiting_reason, "message",
                         v->waiting_message);
    case RUNNING:
        return json_pack("{s:{s:s}}", "running", "startedAt", started);
    case TERMINATED:
        break;
    }
    return json_pack("{s:{s:I, s:s, s:s, s:s, s:s}}", "terminated", "exitCode", (json_int_t)v->exit_code,
                     "reason", v->exit_code ? "Error" : "Completed", "startedAt", started, "finishedAt",
                     cluster_loop_now_text(co), "containerID", id);
}

static const char *container_id(struct co *co, const struct pod_life *life, size_t index)
{
    uint64_t a = hash64_str(HASH64_INIT + index, life->uid), b = hash64(a, &life->restarts, sizeof(unsigned));

    return co_printf(co, "containerd://%016lx%016lx%016lx%016lx", a, b, a ^ b, a + b);
}

static json_t *container_statuses(struct co *co, const struct pod_life *life, const json_t *pod,
                                  const struct container_view *v)
{
    json_t *list = json_array(), *c;
    size_t i;

    json_array_foreach(json_path(pod, "spec.containers"), i, c) {
        const char *id = v->phase == WAITING ? "" : container_id(co, life, i), *image = text_at(c, "image");
        json_t *s = json_pack("{s:s, s:o, s:b, s:b, s:i, s:s, s:s}", "name", text_at(c, "name"), "state",
                              container_state(co, v, id), "ready", v->phase == RUNNING, "started",
                              v->phase == RUNNING, "restartCount", (int)life->restarts, "image", image,
                              "imageID", v->phase == WAITING ? "" : image);
        if (*id)
            json_object_set_new(s, "containerID", json_string(id));
        json_array_append_new(list, s);
    }
    return list;
}

static const char *unready_message(struct co *co, const json_t *pod)
{
    cleanup_buf struct buf b = BUF_INIT;
    size_t i;
    json_t *c;

    json_array_foreach(json_path(pod, "spec.containers"), i, c)
        buf_printf(&b, "%s%s", i ? " " : "", text_at(c, "name"));
    return co_printf(co, "containers with unready status: [%s]", b.data ? b.data : "");
}

/* The whole status of a Pod in one of its phases, as a strategic merge patch. */
static json_t *pod_status(struct co *co, const struct pod_life *life, const json_t *pod, const char *phase,
                          const struct container_view *v)
{
    bool ready = v->phase == RUNNING, over = streq(phase, "Succeeded");
    const char *why = ready ? NULL : over ? "PodCompleted" : streq(phase, "Failed") ? "PodFailed"
                                                                                     : "ContainersNotReady";
    const char *message = ready || over || streq(phase, "Failed") ? NULL : unready_message(co, pod);
    const char *status = ready ? "True" : "False";
    json_t *conditions = json_array(), *s;

    json_array_append_new(conditions, cluster_loop_condition(co, pod, "PodReadyToStartContainers",
                                                     ready ? "True" : "False", NULL, NULL));
    json_array_append_new(conditions, cluster_loop_condition(co, pod, "Initialized", "True", NULL, NULL));
    json_array_append_new(conditions, cluster_loop_condition(co, pod, "Ready", status, why, message));
    json_array_append_new(conditions, cluster_loop_condition(co, pod, "ContainersReady", status, why, message));
    json_array_append_new(conditions, cluster_loop_condition(co, pod, "PodScheduled", "True", NULL, NULL));
    s = json_pack("{s:s, s:o, s:s, s:[{s:s}], s:o}", "phase", phase, "conditions", conditions, "hostIP",
                  "10.0.0.1", "hostIPs", "ip", "10.0.0.1", "containerStatuses",
                  container_statuses(co, life, pod, v));
    if (!*text_at(pod, "status.startTime"))
        json_object_set_new(s, "startTime", json_string(cluster_loop_now_text(co)));
    if (v->phase != WAITING) {
        const char *ip = co_printf(co, "10.244.%u.%u", life->address >> 8 & 0xff, life->address & 0xff);
        json_object_set_new(s, "podIP", json_string(ip));
        json_object_set_new(s, "podIPs", json_pack("[{s:s}]", "ip", ip));
    }
    return json_pack("{s:{s:s}, s:o}", "metadata", "uid", life->uid, "status", s);
}

static int write_status(struct co *co, struct cluster_loop_state *l, const json_t *pod,
                        const struct pod_life *life, const char *phase, const struct container_view *v,
                        struct apierr *err)
{
    struct objref ref = { &cluster_pods, obj_namespace(pod), obj_name(pod) };
    json_auto_t *patch = pod_status(co, life, pod, phase, v);
    int r = client_patch(co, l->client, &ref, "status", PATCH_STRATEGIC, patch, NULL, err);

    return apierr_is(r, APIERR_NOT_FOUND) ? 0 : r;
}

/* ---- the life of a Pod ------------------------------------------------------------------------- */

static bool terminal(const json_t *pod)
{
    return streq(text_at(pod, "status.phase"), "Succeeded") || streq(text_at(pod, "status.phase"), "Failed");
}

static int pod_prepare(struct co *co, struct cluster_loop_state *l, const json_t *pod, struct pod_life *life,
                       struct apierr *err)
{
    struct container_view v = { .phase = WAITING, .waiting_reason = "ContainerCreating" };
    struct objkey key = { obj_namespace(pod), obj_name(pod) };
    int r = write_status(co, l, pod, life, "Pending", &v, err);

    if (r < 0)
        return r;
    life->starts = instant_add(co_now(co), l->cluster->options.start_delay);
    workq_add_at(l->queue, &key, life->starts);
    return 0;
}

/* First the error itself, then the back-off; tried again ever more rarely, up to 5 minutes (H-024). */
static int pod_pull_failed(struct co *co, struct cluster_loop_state *l, const json_t *pod,
                           struct pod_life *life, const char *image, struct apierr *err)
{
    struct container_view v = { .phase = WAITING, .waiting_reason = "ErrImagePull" };
    struct objkey key = { obj_namespace(pod), obj_name(pod) };
    duration wait = DURATION_S(10) << (life->pulls < 5 ? life->pulls : 5);

    v.waiting_message = co_printf(co, "rpc error: code = NotFound desc = failed to pull and unpack image "
                                  "\"%s\": not found", image);
    if (life->pulls > 0) {
        v.waiting_reason = "ImagePullBackOff";
        v.waiting_message = co_printf(co, "Back-off pulling image \"%s\"", image);
    }
    life->pulls++;
    life->starts = instant_add(co_now(co), wait < DURATION_MIN(5) ? wait : DURATION_MIN(5));
    workq_add_at(l->queue, &key, life->starts);
    return write_status(co, l, pod, life, "Pending", &v, err);
}

static int pod_start(struct co *co, struct cluster_loop_state *l, const json_t *pod, struct pod_life *life,
                     struct apierr *err)
{
    const json_t *annotations = json_path(pod, "metadata.annotations");
    const char *from = json_string_value(json_object_get(annotations, "agents.x-k8s.io/restored-from-snapshot"));
    struct objkey key = { obj_namespace(pod), obj_name(pod) };
    struct program program = program_of(pod);

    /* A driver that keeps its images elsewhere offers none here: the Pod starts, and remembers nothing. */
    if (!guests_start(l->cluster->guests, key.namespace, key.name, life->uid, from))
        guests_start(l->cluster->guests, key.namespace, key.name, life->uid, NULL);
    life->running = true;
    life->started = co_now(co);
    if (program.runs >= 0)
        workq_add_at(l->queue, &key, instant_add(life->started, program.runs));
    struct container_view v = { .phase = RUNNING, .started = life->started };
    return write_status(co, l, pod, life, "Running", &v, err);
}

/* The program came to its end: the Pod does too, or its container starts once more (H-022, H-023). */
static int pod_exit(struct co *co, struct cluster_loop_state *l, const json_t *pod, struct pod_life *life,
                    struct apierr *err)
{
    const char *policy = text_at(pod, "spec.restartPolicy");
    struct container_view v = { .phase = TERMINATED, .exit_code = program_of(pod).exit_code,
                                .started = life->started };
    struct objkey key = { obj_namespace(pod), obj_name(pod) };
    int r;

    guests_stop(l->cluster->guests, life->uid);
    life->running = false;
    if (streq(policy, "Never") || (streq(policy, "OnFailure") && v.exit_code == 0))
        return write_status(co, l, pod, life, v.exit_code ? "Failed" : "Succeeded", &v, err);

    v = (struct container_view){ .phase = WAITING, .waiting_reason = "CrashLoopBackOff",
                                 .waiting_message = co_printf(co, "back-off 10s restarting failed container=%s "
                                                              "pod=%s_%s(%s)",
                                                              text_at(pod, "spec.containers[0].name"), key.name,
                                                              key.namespace, life->uid) };
    life->restarts++;
    r = write_status(co, l, pod, life, "Running", &v, err);
    life->starts = instant_add(co_now(co), DURATION_S(10));
    workq_add_at(l->queue, &key, life->starts);
    return r;
}

static int pod_gone(struct co *co, struct cluster_loop_state *l, const json_t *pod, struct apierr *err)
{
    struct objref ref = { &cluster_pods, obj_namespace(pod), obj_name(pod) };
    struct delete_options o = { .uid = obj_uid(pod), .grace_s = 0 };
    int r = client_delete(co, l->client, &ref, &o, err);

    return apierr_is(r, APIERR_NOT_FOUND) || apierr_is(r, APIERR_CONFLICT) ? 0 : r;
}

/* Told to go: the containers stop within the grace period, the end is written, then the object goes
 * (H-025, H-026). */
static int pod_stop(struct co *co, struct cluster_loop_state *l, const json_t *pod, struct pod_life *life,
                    struct apierr *err)
{
    struct objkey key = { obj_namespace(pod), obj_name(pod) };
    duration grace = DURATION_S(json_integer_value(json_path(pod, "metadata.deletionGracePeriodSeconds")));
    int r;

    if (!life->stopping) {
        duration delay = l->cluster->options.stop_delay < grace ? l->cluster->options.stop_delay : grace;
        life->stopping = true;
        life->stops = instant_add(co_now(co), delay);
        workq_add_at(l->queue, &key, life->stops);
        return 0;
    }
    if (instant_before(co_now(co), life->stops)) {
        workq_add_at(l->queue, &key, life->stops);               /* an earlier reminder took its place */
        return 0;
    }
    if (life->running) {
        struct container_view v = { .phase = TERMINATED, .exit_code = 143, .started = life->started };
        guests_stop(l->cluster->guests, life->uid);
        life->running = false;
        r = write_status(co, l, pod, life, "Failed", &v, err);
        if (r < 0) {
            life->running = true;
            return r;
        }
    }
    return pod_gone(co, l, pod, err);
}

static int sync_pod(struct co *co, struct cluster_loop_state *l, const struct objkey *key, struct apierr *err)
{
    struct kubelet *k = l->state;
    json_auto_t *pod = informer_get(co, k->pods, key->namespace, key->name);
    const char *image;
    struct pod_life *life;

    if (!pod || !*text_at(pod, "spec.nodeName"))
        return 0;
    life = life_of(k, obj_uid(pod));
    if (!life) {
        life = life_new(k, obj_uid(pod), key);
        if (!obj_is_deleting(pod) && !terminal(pod))
            return pod_prepare(co, l, pod, life, err);
    }
    if (obj_is_deleting(pod))
        return pod_stop(co, l, pod, life, err);
    if (terminal(pod))
        return 0;
    if (!life->running) {
        if (instant_before(co_now(co), life->starts)) {
            workq_add_at(l->queue, key, life->starts);
            return 0;
        }
        return image_missing(pod, &image) ? pod_pull_failed(co, l, pod, life, image, err)
                                          : pod_start(co, l, pod, life, err);
    }
    struct program program = program_of(pod);
    if (program.runs >= 0 && !instant_before(co_now(co), instant_add(life->started, program.runs)))
        return pod_exit(co, l, pod, life, err);
    return 0;
}

/* A Pod object that is gone takes its containers with it (a forced deletion gives no warning). */
static void pod_event(struct cluster_loop_state *l, enum informer_event type, const json_t *old,
                      const json_t *obj)
{
    struct pod_life *life = life_of(l->state, obj_uid(type == INFORMER_MODIFIED && old ? old : obj));

    if (life && (type == INFORMER_DELETED || (old && !streq(obj_uid(old), obj_uid(obj)))))
        life_forget(l, life);
    if (type != INFORMER_DELETED)
        cluster_loop_enqueue(l, obj);
}

/* ---- nodes ------------------------------------------------------------------------------------- */

static json_t *node_object(struct co *co, unsigned n)
{
    const char *name = co_printf(co, "node-%u", n), *now = cluster_loop_now_text(co);

    return json_pack("{s:s, s:s, s:{s:s, s:{s:s, s:s, s:s}}, s:{s:{s:s, s:s, s:s}, s:{s:s, s:s, s:s}, "
                     "s:[{s:s, s:s, s:s, s:s, s:s, s:s}], s:[{s:s, s:s}]}}",
                     "apiVersion", "v1", "kind", "Node", "metadata", "name", name, "labels",
                     "kubernetes.io/arch", "amd64", "kubernetes.io/hostname", name, "kubernetes.io/os", "linux",
                     "status", "capacity", "cpu", "8", "memory", "32Gi", "pods", "110", "allocatable", "cpu",
                     "8", "memory", "32Gi", "pods", "110", "conditions", "type", "Ready", "status", "True",
                     "reason", "KubeletReady", "message", "kubelet is posting ready status",
                     "lastHeartbeatTime", now, "lastTransitionTime", now, "addresses", "type", "InternalIP",
                     "address", "10.0.0.1");
}

/* A new node is tainted until somebody finds it ready: here that is at once. */
static int node_ready(struct co *co, struct cluster_loop_state *l, const json_t *node, struct apierr *err)
{
    struct objref ref = { &cluster_nodes, "", obj_name(node) };
    json_auto_t *patch = json_pack("{s:{s:n}}", "spec", "taints");

    return client_patch(co, l->client, &ref, NULL, PATCH_MERGE, patch, NULL, err);
}

static void register_nodes(struct co *co, void *arg)
{
    struct cluster_loop_state *l = arg;

    for (unsigned n = 1; n <= l->cluster->options.nodes; n++) {
        struct apierr err = APIERR_IN(co_arena(co));
        json_auto_t *node = node_object(co, n);
        int r = client_create(co, l->client, &cluster_nodes, node, NULL, &err);
        if (r == 0)
            r = node_ready(co, l, node, &err);
        if (r < 0 && !apierr_is(r, APIERR_ALREADY_EXISTS) && r != -ERR_CANCELLED)
            world_trace(co_world(co), l->name, "node-%u: %s", n, err.message);
    }
}

static void kubelet_free(void *state)
{
    struct kubelet *k = state;

    for (size_t i = 0; i < k->lives.n; i++)
        life_free(k->lives.v[i]);
    dyn_release(&k->lives);
    free(k);
}

void kubelet_start(struct cluster *c)
{
    struct kubelet *k = xcalloc(1, sizeof(*k));
    struct cluster_loop_state *l = cluster_loop_new(c, "kubelet", "kubelet", sync_pod, k, kubelet_free);

    k->pods = cluster_loop_watch(l, &cluster_pods, pod_event);
    co_spawn(l->proc, "register-nodes", register_nodes, l);
    cluster_loop_start(l);
}
