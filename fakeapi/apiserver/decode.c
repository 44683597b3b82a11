#include "fakeapi/apiserver/crd.h"

#include "kube/crd_schema.h"
#include "kube/decode.h"
#include "kube/patch_json.h"
#include "kube/proto.h"
#include "kube/types.h"
#include "kube/unstructured.h"
#include "kube/yaml.h"

/* Bodies: from bytes to an object of the kind that was asked for. */

#define BODY_MAX 3145728

/* ---- bytes -------------------------------------------------------------------------------------- */

/* What was sent, in thirty bytes: as text where it looks like JSON, else in hex. */
static const char *summary(struct call *c)
{
    const char *body = c->q->body;
    size_t len = c->q->body_len, shown = len > 30 ? 30 : len;
    const char *more = len > 30 ? " ..." : "";

    if (!len)
        return "<empty>";
    if (body[0] == '{')
        return arena_printf(c->arena, "%.*s%s", (int)shown, body, more);
    char *hex = arena_alloc(c->arena, 2 * shown + 1);
    for (size_t i = 0; i < shown; i++) {
        hex[2 * i] = "0123456789abcdef"[(unsigned char)body[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[body[i] & 15];
    }
    return arena_printf(c->arena, "%s%s", hex, more);
}

static int unrecognized(struct call *c, const char *kind, const char *fmt, ...) PRINTF(3, 4);
static int unrecognized(struct call *c, const char *kind, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    const char *why = arena_vprintf(c->arena, fmt, args);
    va_end(args);
    if (streq(kind, "DeleteOptions"))            /* the server reads options without a handler's care */
        return apierr_set(&c->err, APIERR_UNKNOWN, "%s", why);
    return apierr_set(&c->err, APIERR_BAD_REQUEST, "the object provided is unrecognized (must be of type %s): %s (%s)",
                      kind, why, summary(c));
}

static const char *go_type(const json_t *v)
{
    switch (json_typeof(v)) {
    case JSON_STRING: return "string";
    case JSON_INTEGER: case JSON_REAL: return "number";
    case JSON_TRUE: case JSON_FALSE: return "bool";
    case JSON_ARRAY: return "array";
    case JSON_OBJECT: return "object";
    default: return "null";
    }
}

#define META_STRUCT "struct { APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; " \
                    "Kind string \"json:\\\"kind,omitempty\\\"\" }"

int check_body_size(struct call *c)
{
    if (c->q->body_len <= BODY_MAX)
        return 0;
    return apierr_set(&c->err, APIERR_REQUEST_ENTITY_TOO_LARGE, "Request entity too large: limit is %d", BODY_MAX);
}

#define NO_META "couldn't get version/kind; json parse error: "

/* What a body says it is: upper and lower case are one to Go here, though nowhere else, and the last that is said counts.
 * NULL where all of it is text, else why not. */
static const char *take_meta(struct arena *a, json_t **tree)
{
    static const char *const keys[] = { "kind", "apiVersion" };
    json_t *last[] = { NULL, NULL }, *v;
    const char *name;

    if (!json_is_object(*tree))
        return arena_printf(a, NO_META "json: cannot unmarshal %s into Go value of type " META_STRUCT, go_type(*tree));
    json_object_foreach (*tree, name, v)
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
            if (strcasecmp(name, keys[i]) != 0)
                continue;
            if (!json_is_string(v) && !json_is_null(v))
                return arena_printf(a, NO_META "json: cannot unmarshal %s into Go struct field .%s of type string",
                                    go_type(v), keys[i]);
            if (json_is_string(v))
                last[i] = v;
        }
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (last[i] && last[i] != json_object_get(*tree, keys[i])) {
            json_t *said = json_incref(last[i]);
            json_own(tree);
            json_object_set_new(*tree, keys[i], said);
        }
    return NULL;
}

/* Repeated keys of a YAML body: strict problems as YAML words them. */
static void note_yaml(struct call *c, const struct yaml_notes *yaml)
{
    c->yaml_duplicates = yaml->duplicates;
    c->n_yaml_duplicates = yaml->n_duplicates;
}

/* A repeated member of a struct is decoded onto the former, one of a map replaces it. */
static unsigned parse_flags(const struct call *c)
{
    return c->route.kind && kind_custom(c->route.kind) ? 0 : JSON_PARSE_MERGE_DUPLICATES;
}

static json_t *parse_text(struct call *c, enum media media, const char *text, size_t len, struct json_notes *notes,
                          struct err *e)
{
    struct yaml_notes yaml = YAML_NOTES_IN(c->arena);

    if (media != MEDIA_YAML)
        return json_parse(text, len, parse_flags(c), notes, e);
    /* Made into JSON, and read as that: members are in order then, and numbers spelt as a server spells them. */
    json_auto_t *tree = yaml_parse(text, len, &yaml, e);
    cleanup_buf struct buf b = BUF_INIT;
    if (!tree)
        return NULL;
    note_yaml(c, &yaml);
    json_write(&b, tree, JSON_WRITE_SORTED);
    return json_parse(b.data, b.len, parse_flags(c), notes, e);
}

/* A tree whose kind and apiVersion, where present, are strings. null is an empty object. */
static int parse_body(struct call *c, const char *kind, enum media media, const char *text, size_t len,
                      struct json_notes *notes, json_t **ret)
{
    struct err e = ERR_IN(c->arena);
    json_auto_t *tree = parse_text(c, media, text, len, notes, &e);

    if (!tree && media == MEDIA_YAML)
        return unrecognized(c, kind, "%s", err_message(&e));
    if (!tree)
        return unrecognized(c, kind, NO_META "%s", err_message(&e));
    if (json_is_null(tree)) {
        json_decref(tree);
        tree = json_object();
    }
    const char *why = take_meta(c->arena, &tree);
    if (why)
        return unrecognized(c, kind, "%s", why);
    c->untyped = !*obj_str(tree, "apiVersion");
    *ret = STEAL(tree);
    return 0;
}

/* A protobuf body says what it is beside its message; what it does not say is what was asked for. */
static int parse_proto(struct call *c, const char *kind, json_t **ret)
{
    const struct kind *k = c->route.kind;
    struct apierr why = APIERR_IN(c->arena);
    struct proto_envelope e;
    char group[256], version[64];
    const struct schema *s;

    if (proto_open(c->arena, c->q->body ? c->q->body : "", c->q->body_len, &e, &why) < 0)
        return unrecognized(c, kind, "%s", why.message);
    if (!*e.kind)
        e.kind = kind;
    s = api_version_split(e.api_version, group, version) ? types_find(group, version, e.kind) : NULL;
    if (!*e.api_version)
        s = k && streq(kind, k->res.kind) ? kind_schema(k) : types_find("", "v1", kind);
    if (!s) {                                    /* check_type has the words for it */
        *ret = json_pack("{s:s, s:s}", "kind", e.kind, "apiVersion", e.api_version);
        return 0;
    }
    if (proto_decode(s, &e, ret, &why) == 0)
        return 0;
    if (streq(kind, "DeleteOptions"))
        return unrecognized(c, kind, "%s", why.message);
    return apierr_set(&c->err, APIERR_BAD_REQUEST, "%s in version \"%s\" cannot be handled as a %s: %s", e.kind,
                      *version ? version : "v1", kind, why.message);
}

static int read_body(struct call *c, const char *kind, struct json_notes *notes, json_t **ret)
{
    enum media media;
    int r;

    if ((r = check_body_size(c)) < 0 || (r = negotiate_body(c, &media)) < 0)
        return r;
    if (c->q->object) {
        *ret = json_clone(c->q->object);
        return 0;
    }
    if (media == MEDIA_PROTOBUF)
        return parse_proto(c, kind, ret);
    return parse_body(c, kind, media, c->q->body ? c->q->body : "", c->q->body_len, notes, ret);
}

/* ---- what it says it is ------------------------------------------------------------------------- */

/* Versions that are not served any more, of which the server still knows the kinds. */
static bool kind_of_old(const char *version, const char *kind)
{
    static const char *const rows[][2] = {
        { "apps/v1beta1", " Deployment StatefulSet ControllerRevision Scale " },
        { "apps/v1beta2", " Deployment StatefulSet DaemonSet ReplicaSet ControllerRevision Scale " },
        { "extensions/v1beta1", " Deployment DaemonSet ReplicaSet Ingress NetworkPolicy Scale " },
        { "batch/v1beta1", " CronJob " },
        { "policy/v1beta1", " PodDisruptionBudget Eviction " },
        { "networking.k8s.io/v1beta1", " Ingress IngressClass IPAddress ServiceCIDR " },
        { "rbac.authorization.k8s.io/v1beta1", " Role RoleBinding ClusterRole ClusterRoleBinding " },
        { "rbac.authorization.k8s.io/v1alpha1", " Role RoleBinding ClusterRole ClusterRoleBinding " },
        { "storage.k8s.io/v1beta1", " StorageClass VolumeAttachment CSIDriver CSINode CSIStorageCapacity " },
        { "autoscaling/v2beta1", " HorizontalPodAutoscaler " }, { "autoscaling/v2beta2", " HorizontalPodAutoscaler " },
        { "events.k8s.io/v1beta1", " Event " }, { "discovery.k8s.io/v1beta1", " EndpointSlice " },
        { "node.k8s.io/v1beta1", " RuntimeClass " }, { "node.k8s.io/v1alpha1", " RuntimeClass " },
        { "scheduling.k8s.io/v1beta1", " PriorityClass " }, { "scheduling.k8s.io/v1alpha1", " PriorityClass " },
        { "coordination.k8s.io/v1beta1", " Lease " },
        { "admissionregistration.k8s.io/v1beta1", " MutatingWebhookConfiguration ValidatingWebhookConfiguration "
                                                  "ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding " },
        { "certificates.k8s.io/v1beta1", " CertificateSigningRequest " },
    };
    cleanup_free char *word = xasprintf(" %s ", kind);

    for (size_t i = 0; *kind && i < ARRAY_SIZE(rows); i++)
        if (streq(rows[i][0], version))
            return strstr(rows[i][1], word);
    return false;
}

/* Whether the server has heard of such a thing: a kind, its list, or the body of a subresource. */
static bool kind_known(const char *version, const char *kind)
{
    static const char *const everywhere[] = { "DeleteOptions", "CreateOptions", "UpdateOptions", "PatchOptions",
                                              "GetOptions", "ListOptions", "WatchEvent", "Status" };
    size_t n;
    const struct kind *kinds = builtin_kinds(&n);
    char own[API_VERSION_MAX];
    bool version_known = false;

    if (kind_of_old(version, kind))
        return true;
    for (size_t i = 0; i < n; i++) {
        bool here = streq(kind_api_version(&kinds[i], own), version);
        version_known |= here;
        if (here && (streq(kinds[i].res.kind, kind) || streq(kinds[i].list_kind, kind)))
            return true;
        for (size_t k = 0; k < kinds[i].n_subs; k++) {
            const struct subresource *sub = &kinds[i].subs[k];
            if (!streq(sub->kind, kind) || !*kind)
                continue;
            snprintf(own, sizeof(own), "%s%s%s", sub->group, *sub->group ? "/" : "", *sub->version ? sub->version : "v1");
            if (streq(own, version))
                return true;
        }
    }
    for (size_t i = 0; version_known && i < ARRAY_SIZE(everywhere); i++)
        if (streq(everywhere[i], kind))
            return true;
    return false;
}

/* What is of another kind is read as that kind before it is found to be of no use here: why it cannot even be that. */
static const char *no_such_object(struct arena *a, const char *version, const char *kind, const json_t *tree)
{
    struct decode_notes notes = DECODE_NOTES_IN(a, NULL);
    struct apierr why = APIERR_IN(a);
    char group[256], v[64];
    const struct schema *s = api_version_split(version, group, v) ? types_find(group, v, kind) : NULL;
    json_t *read = NULL;
    int r = s ? decode(s, tree, &notes, &read, &why) : 0;

    json_decref(read);
    return r < 0 ? why.message : NULL;
}

static bool is_group_version(const char *version)
{
    const char *slash = strchr(version, '/');

    return !slash || !strchr(slash + 1, '/');
}

/* Why something that says it is this cannot become an object of kind k: is it a version, is it known, is it
 * convertible. NULL: it can. */
static const char *no_such_type(struct arena *a, const struct kind *k, const char *version, const char *kind,
                                const json_t *tree)
{
    const char *slash = strchr(version, '/'), *short_version = slash ? slash + 1 : version;
    const char *group = *kind_internal_group(k) ? kind_internal_group(k) : "core";     /* Go names its package */

    if (!is_group_version(version))
        return arena_printf(a, "unexpected GroupVersion string: %s", version);
    if (!kind_known(version, kind))
        return arena_printf(a, "no kind \"%s\" is registered for version \"%s\" in scheme \"pkg/runtime/scheme.go:110\"",
                            kind, version);
    if (!streq(kind, k->res.kind)) {
        const char *why = no_such_object(a, version, kind, tree);
        if (why)
            return why;
        return arena_printf(a, "converting (%s.%s) to (%.*s.%s): unknown conversion", short_version, kind,
                            (int)strcspn(group, "."), group, k->res.kind);
    }
    return NULL;
}

/* The Scale of a custom resource is read by what knows nothing else. */
static bool scale_of_custom(const struct call *c, const struct kind *k)
{
    const struct subresource *sub = c->route.sub;

    return sub && sub->view && sub->view->body == k && kind_custom(c->route.kind);
}

/* The version of before, in which evictions were first asked for. */
static bool older_eviction(const struct kind *k, const char *version, const char *kind)
{
    return streq(k->res.kind, "Eviction") && streq(kind, "Eviction") && streq(version, "policy/v1beta1");
}

/* In the order of the real decoder: is it a type of ours, is it the right one. */
static int check_builtin_type(struct call *c, const struct kind *k, const json_t *obj, const char *version,
                              const char *kind, const char *want)
{
    const char *slash = strchr(version, '/'), *why = no_such_type(c->arena, k, version, kind, obj);

    if (why && slash && strchr(slash + 1, '/'))
        return unrecognized(c, k->res.kind, "%s", why);
    if (why)
        return apierr_set(&c->err, APIERR_BAD_REQUEST, "%s in version \"%s\" cannot be handled as a %s: %s", kind,
                          slash ? slash + 1 : version, k->res.kind, why);
    if (!streq(version, want))
        return apierr_set(&c->err, APIERR_BAD_REQUEST,
                          "the API version in the data (%s) does not match the expected API version (%s)", version, want);
    return 0;
}

static int check_type(struct call *c, const struct kind *k, json_t *obj)
{
    char want[API_VERSION_MAX];
    const char *version = obj_api_version(obj), *kind = obj_kind(obj);
    int r;

    kind_api_version(k, want);
    if (!*version && !kind_custom(k))
        version = want;
    if (!*kind && !kind_custom(k))
        kind = k->res.kind;
    if (scale_of_custom(c, k) && !(streq(version, want) && streq(kind, k->res.kind)))
        return apierr_set(&c->err, APIERR_BAD_REQUEST, "no kind is registered for the type v1.Scale in scheme "
                          "\"pkg/runtime/scheme.go:110\"");
    if (older_eviction(k, version, kind))
        version = want;
    if (!*kind)
        return unrecognized(c, k->res.kind, "Object 'Kind' is missing in '%s'", c->q->body ? c->q->body : "");
    if (!kind_custom(k) && (r = check_builtin_type(c, k, obj, version, kind, want)) < 0)
        return r;
    const char *slash = strchr(version, '/');
    if (slash && strchr(slash + 1, '/'))
        return unrecognized(c, k->res.kind, "unexpected GroupVersion string: %s", version);
    if (!streq(version, want))
        return apierr_set(&c->err, APIERR_BAD_REQUEST,
                          "the API version in the data (%s) does not match the expected API version (%s)", version, want);
    json_object_set_new(obj, "kind", json_string(kind));
    json_object_set_new(obj, "apiVersion", json_string(version));
    return 0;
}

/* kind and apiVersion first: lists send what follows them as it is stored. */
static json_t *reordered(const struct kind *k, const json_t *obj)
{
    static const char *const typed[] = { "kind", "apiVersion", "metadata", NULL };
    static const char *const custom[] = { "apiVersion", "kind", "metadata", NULL };
    const char *const *first = kind_custom(k) ? custom : typed;
    json_t *out = json_object(), *v;
    const char *key;

    for (size_t i = 0; first[i]; i++)
        if ((v = json_object_get(obj, first[i])))
            json_object_set(out, first[i], v);
    json_object_foreach ((json_t *)obj, key, v)
        if (!json_object_get(out, key))
            json_object_set(out, key, v);
    return out;
}

/* ---- strictness --------------------------------------------------------------------------------- */

/* Unknown and repeated members: refused, warned of, or passed over, as fieldValidation says (B-082). Those that the
 * parser of YAML found come first, once, and are one problem together. */
static int report(struct call *c, const struct kind *k, const char *const *problems, size_t n)
{
    cleanup_buf struct buf all = BUF_INIT;
    size_t n_yaml = c->n_yaml_duplicates;

    c->n_yaml_duplicates = 0;
    if (!(n + n_yaml) || c->opt.field_validation == VALIDATION_IGNORE)
        return 0;
    if (c->opt.field_validation == VALIDATION_WARN) {
        for (size_t i = 0; i < n_yaml; i++)
            call_warn(c, "%s", c->yaml_duplicates[i]);
        for (size_t i = 0; i < n; i++)
            call_warn(c, "%s", problems[i]);
        return 0;
    }
    for (size_t i = 0; i < n_yaml; i++)
        buf_printf(&all, "%s\n  %s", i ? "" : "yaml: unmarshal errors:", c->yaml_duplicates[i]);
    for (size_t i = 0; i < n; i++)
        buf_printf(&all, "%s%s", i + n_yaml ? ", " : "", problems[i]);
    return apierr_set(&c->err, APIERR_BAD_REQUEST,
                      "%s in version \"%s\" cannot be handled as a %s: strict decoding error: %s", k->res.kind,
                      k->res.version, k->res.kind, all.data);
}

/* Remembers the tree as Go holds it until it is stored, where that is more than what is printed of it. */
static void remember_sent(struct call *c, const struct kind *k, const json_t *tree, const struct json_notes *parsed,
                          const struct decode_notes *first)
{
    struct decode_notes notes = DECODE_NOTES_IN(c->arena, parsed);
    json_t *sent;

    c->sent = NULL;
    if (k != c->route.kind || !(first->kept || first->dropped))
        return;
    notes.as_sent = notes.every_empty = true;
    notes.merged = first->merged;
    if (decode(kind_schema(k), tree, &notes, &sent, &c->err) == 0)
        c->sent = call_keep(c, sent);
}

bool decode_regain_empties(const struct call *c, const struct kind *k, json_t **obj)
{
    json_t *was = *obj;

    if (!c->sent || k != c->route.kind)
        return false;
    *obj = decode_with_empties(kind_schema(k), was, c->sent);
    json_decref(was);
    return *obj != was;
}

/* By its type, as Go's decoder does it. */
static int decode_typed(struct call *c, const struct kind *k, struct json_notes *parsed, json_t **obj)
{
    struct decode_notes notes = DECODE_NOTES_IN(c->arena, parsed);
    struct apierr why = APIERR_IN(c->arena);
    json_t *typed = NULL;

    notes.as_sent = true;
    if (decode(kind_schema(k), *obj, &notes, &typed, &why) < 0)
        return apierr_set(&c->err, APIERR_BAD_REQUEST, "%s in version \"%s\" cannot be handled as a %s: %s", k->res.kind,
                          k->res.version, k->res.kind, why.message);
    remember_sent(c, k, *obj, parsed, &notes);
    json_decref(*obj);
    *obj = typed;
    c->unsettled = c->unsettled || notes.kept;
    return report(c, k, notes.strict, notes.n_strict);
}

/* By the schema of the version it says it is; of a version that nobody knows nothing is known. What says it is
 * of another kind is left alone. */
static void prune_custom(const struct kind *k, json_t **obj, struct decode_notes *notes)
{
    static const struct schema nothing = { .type = SCHEMA_OBJECT };
    const struct schema *s = &nothing;
    char group[256], version[64];

    if (!api_version_split(obj_api_version(*obj), group, version) || !streq(group, k->res.group) ||
        !streq(obj_kind(*obj), k->res.kind))
        return;
    for (size_t i = 0; k->crd && i < k->crd->n_kinds; i++)
        if (streq(k->crd->kinds[i].res.version, version))
            s = kind_schema(&k->crd->kinds[i]);
    if (s)
        crd_prune(s, obj, notes);
}

/* By the schema of its definition: metadata as a type, the rest pruned (F.4). */
static int coerce_custom(const struct kind *k, json_t **obj, struct decode_notes *notes, struct apierr *why)
{
    for (size_t i = 0; notes->parsed && i < notes->parsed->n_duplicates; i++)
        decode_note_strict(notes, arena_printf(notes->arena, "duplicate field \"%s\"", notes->parsed->duplicates[i]));
    int r = crd_coerce_metadata(obj, notes, why);
    if (r < 0)
        return r;
    if (kind_schema(k)) {
        r = crd_coerce_embedded(kind_schema(k), obj, notes, why);
        prune_custom(k, obj, notes);
    }
    return r;
}

static int decode_custom(struct call *c, const struct kind *k, struct json_notes *parsed, json_t **obj)
{
    struct decode_notes notes = DECODE_NOTES_IN(c->arena, parsed);
    struct apierr why = APIERR_IN(c->arena);

    if (coerce_custom(k, obj, &notes, &why) < 0)
        return apierr_set(&c->err, APIERR_BAD_REQUEST, "%s in version \"%s\" cannot be handled as a %s: %s", k->res.kind,
                          k->res.version, k->res.kind, why.message);
    return report(c, k, notes.strict, notes.n_strict);
}

/* What reads the Scale of a custom resource says so wherever it is at a loss. */
static int at_a_loss(struct call *c, const struct kind *k, int r)
{
    if (r != -APIERR_BAD_REQUEST || !scale_of_custom(c, k))
        return r;
    return apierr_set(&c->err, APIERR_BAD_REQUEST,
                      "no kind is registered for the type v1.Scale in scheme \"pkg/runtime/scheme.go:110\"");
}

/* ---- the doors ---------------------------------------------------------------------------------- */

int decode_object(struct call *c, const struct kind *k, json_t **ret)
{
    struct json_notes notes = JSON_NOTES_IN(c->arena);
    json_auto_t *obj = NULL;
    int r;

    if ((r = read_body(c, k->res.kind, &notes, &obj)) < 0)
        return at_a_loss(c, k, r);
    bool custom = kind_custom(k) || !kind_schema(k);
    /* A custom resource is read, with its warnings, before it is asked whether it is the right one. */
    if ((!custom || !*obj_kind(obj)) && (r = check_type(c, k, obj)) < 0)
        return r;
    if (kind_custom(k) && notes.overflow)
        return apierr_set(&c->err, APIERR_BAD_REQUEST, "%s in version \"%s\" cannot be handled as a %s: json: cannot "
                          "unmarshal number %s into Go value of type float64", k->res.kind, k->res.version, k->res.kind,
                          notes.overflow);
    if (custom) {
        if ((r = decode_custom(c, k, &notes, &obj)) == 0)
            r = check_type(c, k, json_own(&obj));
        *ret = r < 0 ? NULL : reordered(k, obj);
        return r;
    }
    r = decode_typed(c, k, &notes, &obj);
    *ret = r < 0 ? NULL : STEAL(obj);
    return at_a_loss(c, k, r);
}

/* What a refusal of a patched object shows: the object, or the patch where it was merged as a map. */
struct patched {
    const struct kind *kind;
    const json_t *tree, *patch;
};

/* The 422 of a patch whose result is no object of the kind (B-085, J-035). Maps are shown as Go prints them. */
static int patch_invalid(struct call *c, const struct patched *p, const char *why)
{
    struct fielderrs errs = FIELDERRS_IN(c->arena);
    unsigned flags = kind_custom(p->kind) ? JSON_WRITE_SORTED : 0;

    fielderr_invalid_str(&errs, FP_CHILD(NULL, "patch"),
                         p->patch ? go_value(c->arena, p->patch) : json_arena_text(c->arena, p->tree, flags),
                         "%s", why);
    return fielderrs_status(&errs, &c->err, "", "", "");
}

static int report_patched(struct call *c, const struct patched *p, const struct decode_notes *notes)
{
    if (c->opt.field_validation == VALIDATION_STRICT && notes->n_strict)
        return patch_invalid(c, p, decode_strict_error(notes));
    for (size_t i = 0; c->opt.field_validation == VALIDATION_WARN && i < notes->n_strict; i++)
        call_warn(c, "%s", notes->strict[i]);
    return 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Without a version it is of the server's own, none of whose members has such a name. */
static void nothing_known(json_t **tree, struct decode_notes *notes)
{
    const char **names = arena_alloc(notes->arena, (json_object_size(*tree) + 1) * sizeof(*names)), *key;
    size_t n = 0;
    json_t *unused;

    json_object_foreach (*tree, key, unused)
        if (!streq(key, "kind") && !streq(key, "apiVersion"))
            names[n++] = arena_strdup(notes->arena, key);
    qsort(names, n, sizeof(*names), by_text);
    for (size_t i = 0; i < n; i++)
        decode_note_strict(notes, arena_printf(notes->arena, "unknown field \"%s\"", names[i]));
    json_decref(*tree);
    *tree = json_object();
}

/* Whether what a patch of bytes made says it is what it was; it is then made to say so. */
static const char *not_itself(const struct kind *k, json_t **tree, struct decode_notes *notes)
{
    struct arena *a = notes->arena;
    const char *kind, *version, *why;
    char want[API_VERSION_MAX];

    if (json_is_null(*tree)) {
        json_decref(*tree);
        *tree = json_object();
    }
    if ((why = take_meta(a, tree)))
        return why;
    kind = *obj_kind(*tree) ? obj_kind(*tree) : k->res.kind;
    version = obj_api_version(*tree);
    if (*version && (why = no_such_type(a, k, version, kind, *tree)))
        return why;
    if (!*version && !streq(kind, k->res.kind))
        return arena_printf(a, "no kind \"%s\" is registered for the internal version of group \"%s\" in scheme "
                            "\"pkg/runtime/scheme.go:110\"", kind, kind_internal_group(k));
    if (!*version)
        nothing_known(tree, notes);
    json_own(tree);
    json_object_set_new(*tree, "kind", json_string(k->res.kind));
    json_object_set_new(*tree, "apiVersion", json_string(kind_api_version(k, want)));
    return NULL;
}

/* What a patch of maps made is taken for what it was, whatever it says. */
static const char *misfit(const struct kind *k, json_t **tree, struct arena *a)
{
    const char *why = unstructured_error(a, *tree, kind_schema(k));
    char want[API_VERSION_MAX];

    if (why)
        return why;
    json_own(tree);
    json_object_set_new(*tree, "kind", json_string(k->res.kind));
    json_object_set_new(*tree, "apiVersion", json_string(kind_api_version(k, want)));
    return NULL;
}

/* The tree as an object of the kind, or why it is none. Steals the tree. */
static int patched_object(struct call *c, const struct patched *p, json_t *tree, struct decode_notes *notes,
                          json_t **ret)
{
    const struct kind *k = p->kind;
    struct apierr why = APIERR_IN(c->arena);
    json_auto_t *own = tree;
    const char *no;

    if (kind_custom(k) || !kind_schema(k)) {
        notes->parsed = NULL;
        if ((no = take_meta(c->arena, &own)))
            return patch_invalid(c, p, no);
        if (!*obj_kind(own))
            return patch_invalid(c, p, arena_printf(c->arena, "Object 'Kind' is missing in '%s'",
                                                    json_arena_text(c->arena, own, JSON_WRITE_SORTED)));
        if (json_is_null(json_object_get(own, "apiVersion")))
            return patch_invalid(c, p, ".apiVersion accessor error: <nil> is of the type <nil>, expected string");
        if (coerce_custom(k, &own, notes, &why) < 0)
            return patch_invalid(c, p, why.message);
        *ret = reordered(k, own);
        return 0;
    }
    no = p->patch ? misfit(k, &own, c->arena) : not_itself(k, &own, notes);
    if (no)
        return patch_invalid(c, p, no);
    notes->as_sent = true;
    int r = decode(kind_schema(k), own, notes, ret, &why);
    c->unsettled = c->unsettled || notes->kept;
    if (r == 0)
        remember_sent(c, k, own, notes->parsed, notes);
    return r < 0 ? patch_invalid(c, p, why.message) : 0;
}

int decode_patched(struct call *c, const struct kind *k, json_t *tree, const struct patch_notes *patch,
                   const json_t *printed, json_t **ret)
{
    struct json_notes spelt = patch ? patch->json : JSON_NOTES_IN(c->arena);
    struct decode_notes notes = DECODE_NOTES_IN(c->arena, patch ? &spelt : NULL);
    json_auto_t *shown = json_incref(tree);
    const struct patched patched = { k, shown, printed };
    int r;

    *ret = NULL;
    notes.merged = printed != NULL;
    spelt.n_duplicates = 0;                      /* those of the patch are among its own findings */
    for (size_t i = 0; patch && i < patch->n_strict; i++)
        decode_note_strict(&notes, patch->strict[i]);
    r = patched_object(c, &patched, tree, &notes, ret);
    if (r >= 0)
        r = report_patched(c, &patched, &notes);
    if (r < 0) {
        json_decref(*ret);
        *ret = NULL;
    }
    return r;
}

int decode_body(struct call *c, const char *kind_text, json_t **ret)
{
    struct json_notes notes = JSON_NOTES_IN(c->arena);

    return read_body(c, kind_text, &notes, ret);
}

int decode_config(struct call *c, const char *text, size_t len, json_t **ret)
{
    struct err e = ERR_IN(c->arena);
    struct yaml_notes notes = YAML_NOTES_IN(c->arena);

    *ret = yaml_parse(text, len, &notes, &e);
    if (!*ret)
        return apierr_set(&c->err, APIERR_BAD_REQUEST, "error decoding YAML: error converting YAML to JSON: %s",
                          err_message(&e));
    if (json_is_null(*ret)) {
        json_decref(*ret);
        *ret = json_object();
    }
    if (json_is_object(*ret))
        return 0;
    int r = apierr_set(&c->err, APIERR_BAD_REQUEST, "error decoding YAML: error unmarshaling JSON: while decoding JSON: "
                       "json: cannot unmarshal %s into Go value of type map[string]interface {}", go_type(*ret));
    json_decref(STEAL(*ret));
    return r;
}

int decode_applied(struct call *c, const struct kind *k, const json_t *config, json_t *tree, json_t **ret)
{
    struct decode_notes notes = DECODE_NOTES_IN(c->arena, NULL);
    char version[API_VERSION_MAX];
    const char *why;
    int r;

    json_auto_t *own = tree;
    if (kind_custom(k) || !kind_schema(k)) {
        struct apierr e = APIERR_IN(c->arena);
        if (kind_custom(k) && crd_coerce_metadata(&own, &notes, &e) < 0)
            return apierr_set(&c->err, APIERR_UNKNOWN, "%s", e.message);
        *ret = reordered(k, own);                 /* nulls of what was pruned stay: validation sees them */
        return 0;
    }
    kind_api_version(k, version);
    why = unstructured_error(c->arena, own, kind_schema(k));
    if (!why) {
        struct apierr e = APIERR_IN(c->arena);
        notes.merged = true;
        r = decode(kind_schema(k), own, &notes, ret, &e);
        remember_sent(c, k, own, NULL, &notes);
        if (r >= 0)
            return r;
        why = e.message;
    }
    const char *core = strchr(version, '/') ? "" : "/";
    return apierr_set(&c->err, APIERR_UNKNOWN, "failed to convert new object (%s/%s; %s%s, Kind=%s) to proper version: "
                      "unable to convert unstructured object to %s%s, Kind=%s: %s", obj_namespace(config), obj_name(config),
                      core, version, k->res.kind, core, version, k->res.kind, why);
}

int decode_default(struct call *c, const struct kind *k, json_t **obj)
{
    (void)c;
    if (!kind_schema(k))
        return 0;
    if (kind_custom(k)) {
        crd_default(kind_schema(k), obj);
        return 0;
    }
    json_t *next = types_default(kind_schema(k), *obj);
    json_decref(*obj);
    *obj = next;
    return 0;
}

int decode_finish(struct call *c, const struct kind *k, json_t **obj)
{
    struct decode_notes notes = DECODE_NOTES_IN(c->arena, NULL);
    json_t *next = NULL;

    if (!kind_schema(k) || kind_custom(k))
        return 0;
    int r = decode(kind_schema(k), *obj, &notes, &next, &c->err);
    if (r < 0)
        return r;
    json_decref(*obj);
    *obj = next;
    return 0;
}

/* What every version of every group knows beside its own kinds. */
static bool is_shared_kind(const char *kind)
{
    static const char *const known[] = { "CreateOptions", "GetOptions", "ListOptions", "PatchOptions", "Status",
                                         "UpdateOptions" };

    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        if (streq(kind, known[i]))
            return true;
    return false;
}

int decode_delete_options(struct call *c, json_t **ret)
{
    *ret = NULL;
    if (!c->q->object && !c->q->body_len)
        return 0;
    json_auto_t *body = NULL;
    int r = decode_body(c, "DeleteOptions", &body);
    if (r < 0)
        return r;
    const char *kind = obj_kind(body), *version = obj_api_version(body);
    if (!is_group_version(version))
        return apierr_set(&c->err, APIERR_UNKNOWN, "unexpected GroupVersion string: %s", version);
    if (is_shared_kind(kind))
        return apierr_set(&c->err, APIERR_UNKNOWN, "converting (v1.%s) to (v1.DeleteOptions): unknown conversion", kind);
    if (*kind && !streq(kind, "DeleteOptions"))
        return apierr_set(&c->err, APIERR_UNKNOWN, "no kind \"%s\" is registered for version \"%s\" in scheme "
                          "\"pkg/runtime/scheme.go:110\"", kind, *version ? version : "meta.k8s.io/v1");
    struct decode_notes notes = DECODE_NOTES_IN(c->arena, NULL);
    struct apierr why = APIERR_IN(c->arena);
    if (decode(types_find("", "v1", "DeleteOptions"), body, &notes, ret, &why) < 0)
        return apierr_set(&c->err, APIERR_UNKNOWN, "%s", why.message);
    return 0;
}
