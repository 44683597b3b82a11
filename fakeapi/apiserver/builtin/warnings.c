#include "fakeapi/apiserver/builtin/warnings.h"

/* What the kinds warn of, and when: at create, or when an update changed what counts. */

#define SPEC RULE_AT("spec")

static bool at_status(const struct call *c)
{
    return rule_is_status(c->route.sub);
}

/* A name that is no DNS label makes odd names of pods and hosts. */
static void name_of_pods(struct call *c, const json_t *obj, const char *used)
{
    cleanup_buf struct buf all = BUF_INIT;
    struct name_problems p;

    if (name_check_str(NAME_DNS1123_LABEL, obj_name(obj), &p))
        return;
    for (size_t i = 0; i < p.n; i++)
        buf_printf(&all, "%s%s", i ? " " : "", p.v[i]);
    call_warn(c, "metadata.name: this is used in %s, which can result in surprising behavior; a DNS label is "
              "recommended: [%s]", used, all.data);
}

static bool same_generation(const json_t *obj, const json_t *old)
{
    return old && obj_generation(obj) == obj_generation(old);
}

static const char pods_and_hosts[] = "Pod names and hostnames";

void pod_warn(struct call *c, const json_t *obj, const json_t *old)
{
    if (old)
        return;
    name_of_pods(c, obj, "the Pod's hostname");
    warn_of_pod(c, obj, NULL);
}

void workload_warn(struct call *c, const json_t *obj, const json_t *old)
{
    if (at_status(c))
        return;
    if (!old)
        name_of_pods(c, obj, pods_and_hosts);
    /* A ReplicationController warns of what was. */
    const json_t *seen = old && streq(obj_kind(obj), "ReplicationController") ? old : obj;
    if (!same_generation(obj, old))
        warn_of_pod(c, json_path(seen, "spec.template"), FP_CHILD(SPEC, "template"));
}

void daemonset_warn(struct call *c, const json_t *obj, const json_t *old)
{
    if (!at_status(c) && (!old || !json_same(json_path(obj, "spec.template"), json_path(old, "spec.template"))))
        warn_of_pod(c, json_path(obj, "spec.template"), FP_CHILD(SPEC, "template"));
}

void podtemplate_warn(struct call *c, const json_t *obj, const json_t *old)
{
    if (!same_generation(obj, old))
        warn_of_pod(c, json_object_get(obj, "template"), RULE_AT("template"));
}

void statefulset_warn(struct call *c, const json_t *obj, const json_t *old)
{
    size_t i;
    json_t *claim;

    if (at_status(c))
        return;
    if (!same_generation(obj, old))
        warn_of_pod(c, json_path(obj, "spec.template"), FP_CHILD(SPEC, "template"));
    json_array_foreach(json_path(obj, "spec.volumeClaimTemplates"), i, claim) {
        const struct fpath *at = FP_INDEX(FP_CHILD(SPEC, "volumeClaimTemplates"), i);
        warn_of_claim(c, json_object_get(claim, "spec"), old ? FP_CHILD(at, "Spec") : at);
    }
    if (obj_int(obj, "spec.revisionHistoryLimit", 0) < 0)
        call_warn(c, "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is "
                  "recommended");
}

static void job_spec(struct call *c, const json_t *spec, const struct fpath *path)
{
    if (streq(text(spec, "completionMode"), "Indexed") && obj_int(spec, "completions", 0) > 100000 &&
        obj_int(spec, "parallelism", 0) > 10000)
        call_warn(c, "%s: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, "
                  "Kubernetes might not be able to track completedIndexes when a big number of indexes fail",
                  fpath_text(c->arena, path));
    warn_of_pod(c, json_object_get(spec, "template"), FP_CHILD(path, "template"));
}

void job_warn(struct call *c, const json_t *obj, const json_t *old)
{
    if (at_status(c))
        return;
    if (!old)
        name_of_pods(c, obj, pods_and_hosts);
    if (!same_generation(obj, old))
        job_spec(c, json_object_get(obj, "spec"), SPEC);
}

void cronjob_warn(struct call *c, const json_t *obj, const json_t *old)
{
    if (at_status(c))
        return;
    if (!old)
        name_of_pods(c, obj, pods_and_hosts);
    if (!same_generation(obj, old))
        job_spec(c, json_path(obj, "spec.jobTemplate.spec"), FP_CHILD(FP_CHILD(SPEC, "jobTemplate"), "spec"));
    if (old && strstr(obj_str(obj, "spec.schedule"), "TZ"))
        call_warn(c, "cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see "
                  "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details");
}

void service_warn(struct call *c, const json_t *obj, const json_t *old)
{
    const json_t *spec = json_object_get(obj, "spec");
    bool external = streq(text(spec, "type"), "ExternalName"), outside = json_array_size(member(spec, "externalIPs"));
    size_t i;
    json_t *v;

    (void)old;
    if (at_status(c))
        return;
    if (obj_annotation(obj, "service.kubernetes.io/topology-aware-hints"))
        call_warn(c, "annotation service.kubernetes.io/topology-aware-hints is deprecated, please use "
                  "service.kubernetes.io/topology-mode instead");
    if (streq(text(spec, "type"), "ClusterIP") && streq(text(spec, "clusterIP"), "None")) {
        if (*text(spec, "loadBalancerIP"))
            call_warn(c, "spec.loadBalancerIP is ignored for headless services");
        if (outside)
            call_warn(c, "spec.externalIPs is ignored for headless services");
        if (!streq(text(spec, "sessionAffinity"), "None"))
            call_warn(c, "spec.SessionAffinity is ignored for headless services");
    }
    json_array_foreach(member(spec, "clusterIPs"), i, v)
        if (!streq(json_string_value(v), "None"))
            warn_of_address(c, json_string_value(v), FP_INDEX(FP_CHILD(SPEC, "clusterIPs"), i));
    json_array_foreach(member(spec, "externalIPs"), i, v)
        warn_of_address(c, json_string_value(v), FP_INDEX(FP_CHILD(SPEC, "externalIPs"), i));
    warn_of_address(c, text(spec, "loadBalancerIP"), FP_CHILD(SPEC, "loadBalancerIP"));
    json_array_foreach(member(spec, "loadBalancerSourceRanges"), i, v)
        warn_of_cidr(c, json_string_value(v), FP_INDEX(FP_CHILD(SPEC, "loadBalancerSourceRanges"), i));
    if (external && outside)
        call_warn(c, "spec.externalIPs is ignored when spec.type is \"ExternalName\"");
    if (!external && *text(spec, "externalName"))
        call_warn(c, "spec.externalName is ignored when spec.type is not \"ExternalName\"");
}

void volume_warn(struct call *c, const json_t *obj, const json_t *old)
{
    static const char *const notes[][2] = {
        { "volume.beta.kubernetes.io/storage-class", "deprecated since v1.8; use \"storageClassName\" attribute instead" },
        { "volume.beta.kubernetes.io/mount-options", "deprecated since v1.31; use \"mountOptions\" attribute instead" },
    };
    static const char *const rows[][3] = {
        { "cephfs", "cephfs", "deprecated in v1.28, non-functional in v1.31+" },
        { "photonPersistentDisk", "photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+" },
        { "scaleIO", "scaleIO", "deprecated in v1.16, non-functional in v1.22+" },
        { "storageos", "storageOS", "deprecated in v1.22, non-functional in v1.25+" },
        { "glusterfs", "glusterfs", "deprecated in v1.25, non-functional in v1.26+" },
        { "rbd", "rbd", "deprecated in v1.28, non-functional in v1.31+" },
    };
    const json_t *spec = json_object_get(obj, "spec"), *terms = json_path(spec, "nodeAffinity.required.nodeSelectorTerms");
    size_t i;
    json_t *x;

    (void)old;
    if (at_status(c))
        return;
    for (i = 0; i < ARRAY_SIZE(notes); i++)
        if (obj_annotation(obj, notes[i][0]))
            call_warn(c, "metadata.annotations[%s]: %s", notes[i][0], notes[i][1]);
    if (streq(text(spec, "persistentVolumeReclaimPolicy"), "Recycle"))
        call_warn(c, "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended "
                  "approach is to use dynamic provisioning.");
    json_array_foreach(terms, i, x)
        warn_of_node_term(c, x, false, FP_INDEX(FP_CHILD(FP_CHILD(FP_CHILD(SPEC, "nodeAffinity"), "required"),
                                                         "nodeSelectorTerms"), i));
    for (i = 0; i < ARRAY_SIZE(rows); i++)
        if (member(spec, rows[i][0]))
            call_warn(c, "spec.%s: %s", rows[i][1], rows[i][2]);
}

void ingress_warn(struct call *c, const json_t *obj, const json_t *old)
{
    if (!old && obj_annotation(obj, "kubernetes.io/ingress.class") && !json_path(obj, "spec.ingressClassName"))
        call_warn(c, "annotation \"kubernetes.io/ingress.class\" is deprecated, please use 'spec.ingressClassName' instead");
}

void storageclass_warn(struct call *c, const json_t *obj, const json_t *old)
{
    size_t i, k;
    json_t *t, *x;

    (void)old;
    json_array_foreach(json_object_get(obj, "allowedTopologies"), i, t)
        json_array_foreach(json_object_get(t, "matchLabelExpressions"), k, x) {
            const char *why = warn_old_label(text(x, "key"));
            if (why)
                call_warn(c, "allowedTopologies[%zu].matchLabelExpressions[%zu].key: %s", i, k, why);
        }
}
