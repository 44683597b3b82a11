#include "fakeapi/apiserver/server.h"

#include "kube/patch_merge.h"

#include <strings.h>

/* PATCH: which kind of patch, and what it makes of the object (section E). */

typedef int apply_fn(struct call *c, const json_t *old, const char *text, size_t len, struct patch_notes *notes,
                     json_t **ret);

static bool wants_notes(const struct call *c)
{
    return c->opt.field_validation != VALIDATION_IGNORE;
}

static int apply_json(struct call *c, const json_t *old, const char *text, size_t len, struct patch_notes *notes,
                      json_t **ret)
{
    return json_patch_apply(c->arena, old, text, len, wants_notes(c), notes, ret, &c->err);
}

static int apply_merge(struct call *c, const json_t *old, const char *text, size_t len, struct patch_notes *notes,
                       json_t **ret)
{
    return merge_patch_apply(c->arena, old, text, len, wants_notes(c), notes, ret, &c->err);
}

static const struct patch_row {
    const char *type;
    apply_fn *apply;
    bool builtin_only;
} patch_rows[] = {
    { "application/json-patch+json", apply_json, false },
    { "application/merge-patch+json", apply_merge, false },
};

static int unsupported_type(struct call *c)
{
    return apierr_set(&c->err, APIERR_UNSUPPORTED_MEDIA_TYPE,
        "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, "
        "application/merge-patch+json, %sapplication/apply-patch+yaml",
        kind_custom(c->route.kind) ? "" : "application/strategic-merge-patch+json, ");
}

static const struct patch_row *find_row(struct call *c)
{
    const char *type = api_request_header(c->q, "content-type");
    size_t len = type ? strcspn(type, "; \t") : 0;

    for (size_t i = 0; i < ARRAY_SIZE(patch_rows); i++) {
        const struct patch_row *row = &patch_rows[i];
        if (strlen(row->type) == len && strncasecmp(row->type, type, len) == 0 &&
            !(row->builtin_only && kind_custom(c->route.kind)))
            return row;
    }
    return NULL;
}

struct patch {
    const struct patch_row *row;
    const char *text;
    size_t len;
};

/* A patch that a neighbour sends as a tree has its bytes made here: how numbers are spelt matters. */
static int read_patch(struct call *c, struct patch *p)
{
    int r = check_body_size(c);

    if (r < 0)
        return r;
    if (c->q->object) {
        p->text = json_arena_text(c->arena, c->q->object, 0);
        p->len = strlen(p->text);
    } else {
        p->text = c->q->body ? c->q->body : "";
        p->len = c->q->body_len;
    }
    return 0;
}

static int mutate(struct call *c, const json_t *old, void *arg, json_t **ret)
{
    const struct patch *p = arg;
    struct patch_notes notes = { 0 };
    json_t *obj = NULL;
    int r = p->row->apply(c, old, p->text, p->len, &notes, &obj);

    if (r < 0)
        return r;
    return decode_patched(c, c->route.kind, obj, &notes, ret);
}

int handle_patch(struct call *c)
{
    const struct kind *k = c->route.kind;
    struct patch p = { .row = find_row(c) };
    struct value *v = NULL;
    bool created;
    int r;

    if (!p.row)
        return unsupported_type(c);
    if ((r = check_url_name(c, c->route.name)) < 0 || (r = options_patch(c, false)) < 0 || (r = read_patch(c, &p)) < 0)
        return r;
    if (k->deprecation)
        call_warn(c, "%s", k->deprecation);
    struct change ch = { .kind = k, .sub = c->route.sub, .namespace = c->route.namespace, .name = c->route.name,
                         .mutate = mutate, .arg = &p };
    r = change_object(c, &ch, &v, &created);
    if (r < 0)
        return r;
    r = reply_value(c, created ? 201 : 200, v);
    value_unref(v);
    return r;
}
