#include "kube/crd_schema.h"
#include "kube/fielderr.h"
#include "kube/types.h"

/* Objects inside objects: where a schema says x-kubernetes-embedded-resource, metadata is a type too. */

enum { DEPTH_MAX = 200 };

struct coercion {
    struct decode_notes *notes;
    struct fielderrs errs;
};

/* metadata as Go decodes it; what was unknown in it is noted under its path. NULL: it is no metadata. */
static json_t *coerce_meta(struct coercion *c, const struct fpath *path, const json_t *meta)
{
    struct decode_notes inner = DECODE_NOTES_IN(c->notes->arena, NULL);
    struct apierr why = APIERR_IN(c->notes->arena);
    json_t *typed = NULL;

    if (decode(types_object_meta(), meta, &inner, &typed, &why) < 0) {
        fielderr_invalid(&c->errs, path, meta, "%s", why.message);
        return NULL;
    }
    for (size_t i = 0; i < inner.n_strict; i++) {
        const char *text = inner.strict[i], *quote = strchr(text, '"');
        if (quote)
            decode_note_strict(c->notes, arena_printf(c->notes->arena, "%.*s\"%s.%s", (int)(quote - text), text,
                                                      fpath_text(c->notes->arena, path), quote + 1));
    }
    return typed;
}

static void check_text(struct coercion *c, const struct fpath *path, const json_t *obj, const char *key)
{
    const json_t *v = json_object_get(obj, key);

    if (v && !json_is_string(v))
        fielderr_invalid(&c->errs, FP_CHILD(path, key), v, "must be a string");
}

/* A new reference: `in` itself where nothing had to change. */
static json_t *coerce(struct coercion *c, const struct schema *s, const struct fpath *path, json_t *in, bool root,
                      unsigned depth);

static void put(json_t **out, json_t *in, const char *key, json_t *value)
{
    if (value != json_object_get(in, key)) {
        if (*out == in) {
            json_decref(*out);
            *out = json_copy(in);
        }
        json_object_set(*out, key, value);
    }
    json_decref(value);
}

static json_t *coerce_object(struct coercion *c, const struct schema *s, const struct fpath *path, json_t *in, bool root,
                             unsigned depth)
{
    bool embedded = s->embedded_resource && !root;
    json_t *out = json_incref(in), *v;
    const char *key;

    if (embedded) {
        check_text(c, path, in, "apiVersion");
        check_text(c, path, in, "kind");
    }
    json_object_foreach (in, key, v) {
        const struct schema *below = schema_member(s, key);
        if (embedded && streq(key, "metadata")) {
            json_t *meta = json_is_null(v) ? json_incref(v) : coerce_meta(c, FP_CHILD(path, key), v);
            if (meta)
                put(&out, in, key, meta);
        } else if (below && !(root && streq(key, "metadata"))) {
            put(&out, in, key, coerce(c, below, schema_field(s, key) ? FP_CHILD(path, key) : FP_KEY(path, key), v, false,
                                      depth + 1));
        }
    }
    return out;
}

static json_t *coerce(struct coercion *c, const struct schema *s, const struct fpath *path, json_t *in, bool root,
                      unsigned depth)
{
    if (depth > DEPTH_MAX)
        return json_incref(in);
    if (json_is_object(in))
        return coerce_object(c, s, path, in, root, depth);
    if (!json_is_array(in) || !s->items)
        return json_incref(in);
    json_t *out = json_incref(in);
    for (size_t i = 0; i < json_array_size(in); i++) {
        json_t *v = coerce(c, s->items, FP_INDEX(path, i), json_array_get(in, i), false, depth + 1);
        if (v != json_array_get(in, i) && out == in) {
            json_decref(out);
            out = json_copy(in);
        }
        if (v != json_array_get(in, i))
            json_array_set(out, i, v);
        json_decref(v);
    }
    return out;
}

int crd_coerce_embedded(const struct schema *s, json_t **obj, struct decode_notes *notes, struct apierr *err)
{
    struct coercion c = { notes, FIELDERRS_IN(notes->arena) };
    json_t *out = coerce(&c, s, NULL, *obj, true, 0);

    if (c.errs.n) {                    /* the first is all that is said */
        json_decref(out);
        return apierr_set(err, APIERR_BAD_REQUEST, "%s: %s", c.errs.v[0].field, c.errs.v[0].message);
    }
    json_decref(*obj);
    *obj = out;
    return 0;
}
