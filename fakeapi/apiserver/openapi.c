#include "fakeapi/apiserver/openapi.h"

#include <ctype.h>

#include "fakeapi/apiserver/crd.h"
#include "fakeapi/apiserver/server.h"
#include "fakeapi/apiserver/sha2.h"
#include "kube/types.h"

/* One document in the making. v3 has components and content types, v2 definitions and consumes. */
struct doc {
    struct call *c;
    bool v3;
    json_t *definitions, *paths;
    /* Named types still to be written: their definitions follow those that mention them. */
    DYN(const struct schema *) wanted;
};

#define META "io.k8s.apimachinery.pkg.apis.meta.v1."

static json_t *ref_to(struct doc *d, const char *name)
{
    return json_pack("{s:o}", "$ref", json_sprintf("#/%s/%s", d->v3 ? "components/schemas" : "definitions", name));
}

/* ---- schemas -------------------------------------------------------------------------------------- */

static json_t *schema_json(struct doc *d, const struct schema *s);

static json_t *int_or_string(struct doc *d)
{
    if (d->v3)
        return json_pack("{s:[{s:s}, {s:s}], s:s}", "oneOf", "type", "integer", "type", "string", "format",
                         "int-or-string");
    return json_pack("{s:s, s:s}", "type", "string", "format", "int-or-string");
}

/* JSON forms of their own: a plain type for readers. NULL: nothing special. */
static json_t *form_json(struct doc *d, const struct schema *s)
{
    switch (s->form) {
    case FORM_TIME:
    case FORM_MICROTIME:
        return json_pack("{s:s, s:s}", "type", "string", "format", "date-time");
    case FORM_DURATION:
        return json_pack("{s:s}", "type", "string");
    case FORM_QUANTITY:
        return d->v3 ? json_pack("{s:[{s:s}, {s:s}]}", "oneOf", "type", "string", "type", "number")
                     : json_pack("{s:s}", "type", "string");
    case FORM_BYTES:
        return json_pack("{s:s, s:s}", "type", "string", "format", "byte");
    case FORM_INT_OR_STRING:
        return int_or_string(d);
    case FORM_RAW_EXTENSION:
    case FORM_FIELDS_V1:
        return json_pack("{s:s}", "type", "object");
    case FORM_JSON:
    case FORM_SCHEMA_OR_BOOL:
    case FORM_SCHEMA_OR_ARRAY:
    case FORM_SCHEMA_OR_STRINGS:
        return json_object();
    case FORM_STRING_LIST:
        return json_pack("{s:s, s:{s:s}}", "type", "array", "items", "type", "string");
    case FORM_PLAIN:
        break;
    }
    return NULL;
}

static const char *type_word(enum schema_type t)
{
    switch (t) {
    case SCHEMA_OBJECT: return "object";
    case SCHEMA_ARRAY: return "array";
    case SCHEMA_STRING: return "string";
    case SCHEMA_INTEGER: return "integer";
    case SCHEMA_NUMBER: return "number";
    case SCHEMA_BOOLEAN: return "boolean";
    default: return NULL;
    }
}

static void want(struct doc *d, const struct schema *s)
{
    if (json_object_get(d->definitions, s->name))
        return;
    json_object_set_new(d->definitions, s->name, json_null());
    *dyn_push(&d->wanted) = s;
}

/* A type where it is used: a reference where it has a name. */
static json_t *use_json(struct doc *d, const struct schema *s)
{
    if (!s)
        return json_object();
    if (s->name) {
        want(d, s);
        return ref_to(d, s->name);
    }
    return schema_json(d, s);
}

static json_t *strings(const char *const *v)
{
    json_t *list = json_array();

    for (; v && *v; v++)
        json_array_append_new(list, json_string(*v));
    return list;
}

/* How lists merge is a fact of the field. */
static void add_list_facts(json_t *o, const struct schema_field *f)
{
    static const char *const words[] = { [LIST_ATOMIC] = "atomic", [LIST_SET] = "set", [LIST_MAP] = "map" };

    if (f->list_type != LIST_UNSET)
        json_object_set_new(o, "x-kubernetes-list-type", json_string(words[f->list_type]));
    if (f->list_keys)
        json_object_set_new(o, "x-kubernetes-list-map-keys", strings(f->list_keys));
    if (f->map_atomic)
        json_object_set_new(o, "x-kubernetes-map-type", json_string("atomic"));
    if (f->patch_merge_key)
        json_object_set_new(o, "x-kubernetes-patch-merge-key", json_string(f->patch_merge_key));
    if (f->patch_strategy) {
        bool retain = f->patch_strategy & PATCH_STRATEGY_RETAIN_KEYS;
        const char *base = f->patch_strategy & PATCH_STRATEGY_MERGE ? "merge"
                           : f->patch_strategy & PATCH_STRATEGY_REPLACE ? "replace" : "";
        json_object_set_new(o, "x-kubernetes-patch-strategy",
                            json_sprintf("%s%s%s", base, *base && retain ? "," : "", retain ? "retainKeys" : ""));
    }
}

static json_t *field_json(struct doc *d, const struct schema_field *f)
{
    json_t *o = use_json(d, f->schema), *fallback = f->default_json ? json_parse_str(f->default_json) : NULL;

    if (json_object_get(o, "$ref") && d->v3) {
        json_t *wrapped = json_pack("{s:[o]}", "allOf", o);
        if (!f->pointer && f->schema->type == SCHEMA_OBJECT && f->schema->form == FORM_PLAIN)
            json_object_set_new(wrapped, "default", json_object());
        o = wrapped;
    }
    if (!json_object_get(o, "$ref")) {
        json_object_set_new(o, "description", json_string(""));
        add_list_facts(o, f);
        if (fallback)
            json_object_set(o, "default", fallback);
    }
    json_decref(fallback);
    return o;
}

static json_t *schema_json(struct doc *d, const struct schema *s)
{
    json_t *o = form_json(d, s), *properties;
    const char *type = type_word(s->type);

    if (o)
        return o;
    if (s->type == SCHEMA_INT_OR_STRING)
        return int_or_string(d);
    o = json_object();
    if (type)
        json_object_set_new(o, "type", json_string(type));
    if (s->format)
        json_object_set_new(o, "format", json_string(s->format));
    if (s->items)
        json_object_set_new(o, "items", use_json(d, s->items));
    if (s->additional)
        json_object_set_new(o, "additionalProperties", use_json(d, s->additional));
    if (!s->n_fields)
        return o;
    properties = json_object();
    json_t *required = json_array();
    for (size_t i = 0; i < s->n_fields; i++) {
        json_object_set_new(properties, s->fields[i].name, field_json(d, &s->fields[i]));
        if (s->fields[i].required)
            json_array_append_new(required, json_string(s->fields[i].name));
    }
    json_object_set_new(o, "properties", properties);
    if (json_array_size(required))
        json_object_set_new(o, "required", required);
    else
        json_decref(required);
    return o;
}

static json_t *gvk_json(const struct resource *rs)
{
    return json_pack("{s:s, s:s, s:s}", "group", rs->group, "kind", rs->kind, "version", rs->version);
}

static void define_named(struct doc *d)
{
    for (size_t i = 0; i < d->wanted.n; i++) {
        const struct schema *s = d->wanted.v[i];
        json_t *o = schema_json(d, s);
        json_object_set_new(o, "description", json_sprintf("%s.", s->go_name ? s->go_name : s->name));
        json_object_set_new(d->definitions, s->name, o);
    }
}

static void want_named(struct doc *d, const char *name)
{
    const struct schema *s = types_by_name(name);

    if (s)
        want(d, s);
    else if (streq(name, META "Patch"))          /* a name for any object: no type is behind it */
        json_object_set_new(d->definitions, name,
                            json_pack("{s:s, s:s}", "description", "Patch is provided to give a concrete name and type to "
                                      "the Kubernetes PATCH request body.", "type", "object"));
}

/* ---- custom resources ------------------------------------------------------------------------------ */

/* "io.example.stable.v1.Widget": the group backwards. */
static const char *custom_name(struct doc *d, const struct kind *k)
{
    const char *group = k->res.group, *end = group + strlen(group);
    cleanup_buf struct buf b = BUF_INIT;

    while (end > group) {
        const char *dot = end;
        while (dot > group && dot[-1] != '.')
            dot--;
        buf_add(&b, dot, (size_t)(end - dot));
        buf_add_char(&b, '.');
        end = dot > group ? dot - 1 : dot;
    }
    buf_printf(&b, "%s.%s", k->res.version, k->res.kind);
    return arena_strdup(d->c->arena, b.data);
}

/* OpenAPI v2 cannot say everything: what it cannot is dropped. */
static json_t *v2_loosened(const json_t *in)
{
    static const char *const dropped[] = { "allOf", "oneOf", "anyOf", "not", "nullable" };
    static const char *const opaque[] = { "type", "items", "properties", "additionalProperties", "required" };
    json_t *out = json_copy((json_t *)in), *v;
    bool blank = json_is_true(json_object_get(in, "nullable"))
                 || json_is_true(json_object_get(in, "x-kubernetes-preserve-unknown-fields"));
    const char *key;

    for (size_t i = 0; i < ARRAY_SIZE(dropped); i++)
        json_object_del(out, dropped[i]);
    for (size_t i = 0; blank && i < ARRAY_SIZE(opaque); i++)
        json_object_del(out, opaque[i]);
    if (json_is_true(json_object_get(in, "x-kubernetes-int-or-string"))) {
        json_object_set_new(out, "type", json_string("string"));
        json_object_set_new(out, "format", json_string("int-or-string"));
    }
    static const char *const one[] = { "items", "additionalProperties" };
    for (size_t i = 0; i < ARRAY_SIZE(one); i++)
        if (json_is_object(json_object_get(out, one[i])))
            json_object_set_new(out, one[i], v2_loosened(json_object_get(out, one[i])));
    if (json_object_get(out, "properties")) {
        json_t *properties = json_object();
        json_object_foreach(json_object_get(out, "properties"), key, v)
            json_object_set_new(properties, key, v2_loosened(v));
        json_object_set_new(out, "properties", properties);
    }
    return out;
}

static const json_t *custom_schema(const struct kind *k)
{
    size_t at = (size_t)(k - k->crd->kinds);

    return json_path(k->crd->version_specs[at], "schema.openAPIV3Schema");
}

static void define_custom(struct doc *d, const struct kind *k)
{
    const json_t *schema = custom_schema(k);
    const char *name = custom_name(d, k), *list = arena_printf(d->c->arena, "%sList", name);
    json_t *o = !schema ? json_object() : d->v3 ? json_copy((json_t *)schema) : v2_loosened(schema);
    json_t *properties = json_copy(json_object_get(o, "properties"));

    if (!properties)
        properties = json_object();
    json_object_set_new(properties, "apiVersion", json_pack("{s:s, s:s}", "description", "", "type", "string"));
    json_object_set_new(properties, "kind", json_pack("{s:s, s:s}", "description", "", "type", "string"));
    want_named(d, META "ObjectMeta");
    want_named(d, META "ListMeta");
    json_object_set_new(properties, "metadata", ref_to(d, META "ObjectMeta"));
    json_object_set_new(o, "type", json_string("object"));
    json_object_set_new(o, "properties", properties);
    json_object_set_new(o, "x-kubernetes-group-version-kind", json_pack("[o]", gvk_json(&k->res)));
    json_object_set_new(d->definitions, name, o);
    struct resource list_kind = k->res;
    list_kind.kind = k->list_kind;
    json_object_set_new(d->definitions, list,
                        json_pack("{s:s, s:[s], s:{s:{s:s}, s:{s:s}, s:{s:s, s:o}, s:o}, s:[o]}", "type", "object",
                                  "required", "items", "properties", "apiVersion", "type", "string", "kind", "type",
                                  "string", "items", "type", "array", "items", ref_to(d, name), "metadata",
                                  ref_to(d, META "ListMeta"), "x-kubernetes-group-version-kind", gvk_json(&list_kind)));
}

/* ---- paths ------------------------------------------------------------------------------------------ */

/* "apps" -> "Apps", "rbac.authorization.k8s.io" -> "RbacAuthorization", "" -> "Core". */
static const char *camel_group(struct arena *a, const char *group)
{
    cleanup_buf struct buf b = BUF_INIT;
    size_t len = strlen(group);

    if (!len)
        return "Core";
    if (str_ends(group, ".k8s.io"))
        len -= strlen(".k8s.io");
    bool upper = true;
    for (size_t i = 0; i < len; i++) {
        if (group[i] == '.' || group[i] == '-') {
            upper = true;
            continue;
        }
        buf_add_char(&b, upper ? (char)toupper((unsigned char)group[i]) : group[i]);
        upper = false;
    }
    return arena_strdup(a, b.data);
}

static const char *capital(struct arena *a, const char *s)
{
    char *out = arena_strdup(a, s);

    out[0] = (char)toupper((unsigned char)out[0]);
    return out;
}

static json_t *query_parameter(struct doc *d, const char *name, const char *type)
{
    if (d->v3)
        return json_pack("{s:s, s:s, s:s, s:{s:s, s:b}}", "name", name, "in", "query", "description", "", "schema",
                         "type", type, "uniqueItems", 1);
    return json_pack("{s:b, s:s, s:s, s:s, s:s}", "uniqueItems", 1, "type", type, "description", "", "name", name, "in",
                     "query");
}

static const char *const patch_types[] = { "application/json-patch+json", "application/merge-patch+json",
                                           "application/strategic-merge-patch+json", "application/apply-patch+yaml",
                                           NULL };
static const char *const patch_types_custom[] = { "application/json-patch+json", "application/merge-patch+json",
                                                  "application/apply-patch+yaml", NULL };

static const struct verb_row {
    unsigned verb;
    const char *method, *action, *word;
    bool item, writes;                 /* on one object; has a body */
} verb_rows[] = {
    { VERB_LIST, "get", "list", "list", false, false },
    { VERB_CREATE, "post", "post", "create", false, true },
    { VERB_DELETECOLLECTION, "delete", "deletecollection", "deleteCollection", false, false },
    { VERB_GET, "get", "get", "read", true, false },
    { VERB_UPDATE, "put", "put", "replace", true, true },
    { VERB_PATCH, "patch", "patch", "patch", true, true },
    { VERB_DELETE, "delete", "delete", "delete", true, false },
};

static json_t *parameters_of(struct doc *d, const struct verb_row *v)
{
    json_t *list = json_array();

    if (!v->writes)
        return list;
    json_array_append_new(list, query_parameter(d, "dryRun", "string"));
    json_array_append_new(list, query_parameter(d, "fieldManager", "string"));
    if (d->c->s->release->field_validation)
        json_array_append_new(list, query_parameter(d, "fieldValidation", "string"));
    if (streq(v->action, "patch"))
        json_array_append_new(list, query_parameter(d, "force", "boolean"));
    return list;
}

static void add_body(struct doc *d, const struct kind *k, const struct verb_row *v, const char *type_name, json_t *op)
{
    bool patch = streq(v->action, "patch");
    const char *const *types = kind_custom(k) ? patch_types_custom : patch_types;
    json_t *schema = ref_to(d, patch ? META "Patch" : type_name), *content;

    if (patch)
        want_named(d, META "Patch");
    if (!d->v3) {
        json_object_set_new(op, "consumes", patch ? strings(types) : json_pack("[s]", "*/*"));
        json_array_append_new(json_object_get(op, "parameters"),
                              json_pack("{s:s, s:s, s:b, s:o}", "name", "body", "in", "body", "required", 1, "schema",
                                        schema));
        return;
    }
    content = json_object();
    for (; patch && *types; types++)
        json_object_set_new(content, *types, json_pack("{s:O}", "schema", schema));
    if (!patch)
        json_object_set_new(content, "*/*", json_pack("{s:O}", "schema", schema));
    json_decref(schema);
    json_object_set_new(op, "requestBody", json_pack("{s:o, s:b}", "content", content, "required", 1));
}

static json_t *operation(struct doc *d, const struct kind *k, const struct verb_row *v, const char *type_name,
                         const char *suffix)
{
    struct arena *a = d->c->arena;
    json_t *op = json_pack("{s:s, s:o, s:o, s:{s:{s:s}}, s:s, s:o}", "description", "", "operationId",
                           json_sprintf("%s%s%s%s%s%s", v->word, camel_group(a, k->res.group),
                                        capital(a, k->res.version), k->res.namespaced ? "Namespaced" : "", k->res.kind,
                                        suffix),
                           "parameters", parameters_of(d, v), "responses", "200", "description", "OK",
                           "x-kubernetes-action", v->action, "x-kubernetes-group-version-kind", gvk_json(&k->res));

    if (v->writes)
        add_body(d, k, v, type_name, op);
    return op;
}

static const char *base_path(struct doc *d, const struct kind *k)
{
    const char *ns = k->res.namespaced ? "/namespaces/{namespace}" : "";

    if (!*k->res.group)
        return arena_printf(d->c->arena, "/api/%s%s/%s", k->res.version, ns, k->res.plural);
    return arena_printf(d->c->arena, "/apis/%s/%s%s/%s", k->res.group, k->res.version, ns, k->res.plural);
}

static json_t *path_item(struct doc *d, const struct kind *k, unsigned verbs, bool item, const char *type_name,
                         const char *suffix)
{
    json_t *o = json_object();

    for (size_t i = 0; i < ARRAY_SIZE(verb_rows); i++)
        if ((verbs & verb_rows[i].verb) && verb_rows[i].item == item)
            json_object_set_new(o, verb_rows[i].method, operation(d, k, &verb_rows[i], type_name, suffix));
    return o;
}

static void set_path(struct doc *d, const char *path, json_t *item)
{
    if (json_object_size(item))
        json_object_set_new(d->paths, path, item);
    else
        json_decref(item);
}

static void add_paths(struct doc *d, const struct kind *k, const char *type_name)
{
    const char *base = base_path(d, k), *one = arena_printf(d->c->arena, "%s/{name}", base);

    set_path(d, base, path_item(d, k, k->verbs, false, type_name, ""));
    set_path(d, one, path_item(d, k, k->verbs, true, type_name, ""));
    for (size_t i = 0; i < k->n_subs; i++) {
        const struct subresource *s = &k->subs[i];
        if (s->kind && *s->kind)
            continue;
        set_path(d, arena_printf(d->c->arena, "%s/%s", one, s->name),
                 path_item(d, k, s->verbs, true, type_name, capital(d->c->arena, s->name)));
    }
}

/* ---- documents -------------------------------------------------------------------------------------- */

static void add_kind(struct doc *d, const struct kind *k)
{
    const struct schema *s;

    if (kind_custom(k)) {
        define_custom(d, k);
        add_paths(d, k, custom_name(d, k));
        return;
    }
    s = types_find(k->res.group, k->res.version, k->res.kind);
    if (!s || !s->name)
        return;
    want(d, s);
    add_paths(d, k, s->name);
}

/* The definition of a kind says so; done last, when all definitions stand. */
static void mark_kinds(struct doc *d)
{
    for (size_t i = 0; i < types_n_rows; i++) {
        const struct type_row *row = &types_rows[i];
        json_t *o = row->schema->name ? json_object_get(d->definitions, row->schema->name) : NULL;
        if (!json_is_object(o))
            continue;
        struct resource rs = { row->group, row->version, row->kind, "", false };
        json_t *list = json_object_get(o, "x-kubernetes-group-version-kind");
        if (!list)
            json_object_set_new(o, "x-kubernetes-group-version-kind", list = json_array());
        json_array_append_new(list, gvk_json(&rs));
    }
}

/* group NULL: everything served. */
static json_t *document(struct call *c, bool v3, const char *group, const char *version)
{
    struct doc d = { .c = c, .v3 = v3, .definitions = json_object(), .paths = json_object() };
    static const char *const always[] = { META "DeleteOptions", META "Status", META "APIResourceList",
                                          META "WatchEvent", META "Patch" };
    size_t n;
    const struct kind *const *all = kinds_all(c->s->kinds, &n);

    for (size_t i = 0; i < n; i++)
        if (!group || (streq(all[i]->res.group, group) && streq(all[i]->res.version, version)))
            add_kind(&d, all[i]);
    for (size_t i = 0; i < ARRAY_SIZE(always); i++)
        want_named(&d, always[i]);
    define_named(&d);
    mark_kinds(&d);
    dyn_release(&d.wanted);
    json_t *info = json_pack("{s:s, s:s}", "title", "Kubernetes", "version", c->s->release->git_version);
    if (v3)
        return json_pack("{s:s, s:o, s:o, s:{s:o}}", "openapi", "3.0.0", "info", info, "paths", d.paths, "components",
                         "schemas", d.definitions);
    return json_pack("{s:s, s:o, s:o, s:o}", "swagger", "2.0", "info", info, "paths", d.paths, "definitions",
                     d.definitions);
}

/* What tells two states of a document apart: what is served, not its bytes. */
static const char *document_hash(struct call *c, const char *name, bool custom)
{
    unsigned char digest[64];
    cleanup_buf struct buf b = BUF_INIT;
    uint64_t generation = custom ? kinds_generation(c->s->kinds) : 0;

    buf_printf(&b, "%s %llu", name, (unsigned long long)generation);
    sha512(b.data, b.len, digest);
    buf_reset(&b);
    for (size_t i = 0; i < sizeof(digest); i++)
        buf_printf(&b, "%02X", digest[i]);
    return arena_strdup(c->arena, b.data);
}

static const char *group_version_path(struct arena *a, const char *group, const char *version)
{
    return *group ? arena_printf(a, "apis/%s/%s", group, version) : arena_printf(a, "api/%s", version);
}

static int index_v3(struct call *c)
{
    json_t *paths = json_object(), *doc;
    size_t n;
    const struct kind *const *all = kinds_all(c->s->kinds, &n);

    for (size_t i = 0; i < n; i++) {
        const char *at = group_version_path(c->arena, all[i]->res.group, all[i]->res.version);
        if (!json_object_get(paths, at))
            json_object_set_new(paths, at,
                                json_pack("{s:o}", "serverRelativeURL",
                                          json_sprintf("/openapi/v3/%s?hash=%s", at,
                                                       document_hash(c, at, kind_custom(all[i])))));
    }
    doc = json_pack("{s:o}", "paths", paths);
    struct blob *body = json_blob(doc, 0);
    json_decref(doc);
    call_header(c, "Etag", arena_printf(c->arena, "\"%s\"", document_hash(c, "index", true)));
    return reply_blob(c, 200, "text/plain; charset=utf-8", body);
}

/* JSON is what we have; whoever accepts only something else is told so with an empty 406. */
static bool accepts_json(struct call *c)
{
    const char *accept = api_request_header(c->q, "accept");

    return str_empty(accept) || strstr(accept, "application/json") || strstr(accept, "*/*")
           || strstr(accept, "application/*");
}

static int empty_reply(struct call *c, int status)
{
    return reply_blob(c, status, NULL, blob_new("", 0));
}

static int document_reply(struct call *c, json_t *doc, const char *hash)
{
    struct blob *body = json_blob(doc, 0);

    json_decref(doc);
    call_header(c, "Etag", arena_printf(c->arena, "\"%s\"", hash));
    call_header(c, "Vary", "Accept");
    return reply_blob(c, 200, "application/json", body);
}

static int document_v3(struct call *c, const char *rest)
{
    char *at = arena_strdup(c->arena, rest), *group = at, *version;
    size_t n, hit = 0;
    const struct kind *const *all = kinds_all(c->s->kinds, &n);
    bool core = str_starts(at, "api/");

    group = core ? at + strlen("api") : str_starts(at, "apis/") ? at + strlen("apis/") : NULL;
    version = group ? strchr(group, '/') : NULL;
    if (!version || strchr(version + 1, '/'))
        return empty_reply(c, 404);
    *version++ = '\0';
    for (hit = 0; hit < n; hit++)
        if (streq(all[hit]->res.group, group) && streq(all[hit]->res.version, version))
            break;
    if (hit == n)
        return empty_reply(c, 404);
    if (!accepts_json(c))
        return empty_reply(c, 406);
    const char *hash = document_hash(c, rest, kind_custom(all[hit])), *asked = query_get(&c->query, "hash");
    if (asked && !streq(asked, hash)) {
        call_header(c, "Location", arena_printf(c->arena, "/openapi/v3/%s?hash=%s", rest, hash));
        return empty_reply(c, 301);
    }
    if (asked)
        call_header(c, "Cache-Control", "public, immutable");
    return document_reply(c, document(c, true, group, version), hash);
}

#define V2_PROTOBUF "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"

static int document_v2(struct call *c)
{
    const char *accept = api_request_header(c->q, "accept");
    const char *hash = document_hash(c, "v2", true);

    if (!str_empty(accept) && (strstr(accept, "spec.v2@v1.0+protobuf") || strstr(accept, "spec.v2.v1.0+protobuf"))) {
        json_t *doc = document(c, false, NULL, NULL);
        struct blob *body = openapi_v2_protobuf(doc);
        json_decref(doc);
        call_header(c, "Etag", arena_printf(c->arena, "\"%s\"", hash));
        call_header(c, "Vary", "Accept");
        return reply_blob(c, 200, V2_PROTOBUF, body);
    }
    return accepts_json(c) ? document_reply(c, document(c, false, NULL, NULL), hash) : empty_reply(c, 406);
}

int openapi_handle(struct call *c, const char *path)
{
    if (streq(path, "/openapi/v2"))
        return document_v2(c);
    if (streq(path, "/openapi/v3"))
        return index_v3(c);
    if (str_starts(path, "/openapi/v3/"))
        return document_v3(c, path + strlen("/openapi/v3/"));
    return reply_text(c, 404, "text/plain; charset=utf-8", "404 page not found\n");
}
