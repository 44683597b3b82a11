#include "fakeapi/apiserver/builtin/rules.h"

/* ControllerRevisions: their data is bytes to the server, and the same only where every byte is. What is stored
 * has, beside the tree, the bytes that were sent where they are not those that the tree prints as. */

static const char sent_bytes[] = "dataAsSent";   /* in the store only */

/* The value of the last member `name` of the object that `text` (sound JSON) is; false: none. */
static bool find_member(const char *text, size_t len, const char *name, const char **ret, size_t *ret_len)
{
    const char *at = memchr(text, '{', len), *end = text + len;
    bool found = false;

    for (at = at ? at + 1 : end; at < end; at++) {           /* over the comma */
        size_t key = json_scan(at, (size_t)(end - at), NULL);
        const char *colon = at + key, *quote = memchr(at, '"', key);
        if (!key || !quote)
            break;
        colon += strspn(colon, " \t\r\n");
        const char *value = colon + 1 + strspn(colon + 1, " \t\r\n");
        size_t n = json_scan(value, (size_t)(end - value), NULL), quoted = strlen(name);
        if (!n)
            break;
        if ((size_t)(at + key - quote) == quoted + 2 && memcmp(quote + 1, name, quoted) == 0) {
            found = true;
            *ret = value;
            *ret_len = n;
        }
        at = value + n;
        at += strspn(at, " \t\r\n");
    }
    return found;
}

/* What is stored of the name that this request is about; NULL: nothing. */
static const char *stored_bytes(struct call *c, const struct kind *k, const json_t *obj)
{
    struct record rec;

    if (store_get(c->s->store, call_store_key(c, k, obj_namespace(obj), obj_name(obj)), 0, &rec) < 0)
        return NULL;
    const json_t *tree = value_tree(rec.value), *bytes = json_object_get(tree, sent_bytes);
    return bytes ? arena_strdup(c->arena, json_string_value(bytes))
                 : json_arena_text(c->arena, json_object_get(tree, "data"), 0);
}

static bool patched_by_tree(struct call *c)
{
    const char *type = api_request_header(c->q, "content-type");

    return type && !strstr(type, "/merge-patch") && !strstr(type, "/json-patch");
}

/* The bytes of the data in what this request makes: a body's own, or those that Go prints of what it read. */
static const char *data_bytes(struct call *c, const struct kind *k, const json_t *obj)
{
    const json_t *data = json_object_get(obj, "data");
    enum media media = MEDIA_JSON;
    const char *text;
    size_t len;

    if (k != c->route.kind || c->q->object)
        return json_arena_text(c->arena, data, 0);
    switch (c->route.verb) {
    case VERB_CREATE: case VERB_UPDATE:
        if (negotiate_body(c, &media) == 0 && media == MEDIA_JSON && c->q->body &&
            find_member(c->q->body, c->q->body_len, "data", &text, &len))
            return arena_strndup(c->arena, text, len);
        return json_arena_text(c->arena, data, media == MEDIA_YAML ? JSON_WRITE_SORTED : 0);
    case VERB_PATCH:
        return json_arena_text(c->arena, data, patched_by_tree(c) ? JSON_WRITE_SORTED : 0);
    default:
        return stored_bytes(c, k, obj);
    }
}

static void validate(struct call *c, const struct kind *k, const json_t *obj, struct fielderrs *e)
{
    const json_t *data = member(obj, "data");

    rule_not_negative(e, obj, NULL, "revision");
    if (!data)
        fielderr_required(e, RULE_AT("data"), "data is mandatory");
    else if (!json_is_object(data))
        fielderr_required(e, RULE_AT("data"), "data must be a valid JSON object");
}

static void validate_update(struct call *c, const struct kind *k, const struct subresource *sub, const json_t *obj,
                            const json_t *old, struct fielderrs *e)
{
    const char *was = stored_bytes(c, k, obj), *now = data_bytes(c, k, obj);

    rule_not_negative(e, obj, NULL, "revision");
    if (was && streq(was, now))
        return;
    json_auto_t *shown = json_parse_str(now);    /* in the order of these bytes */
    fielderr_invalid(e, RULE_AT("data"), rule_shown(shown), "field is immutable");
}

static int from_storage(struct call *c, const struct kind *k, const json_t *stored, json_t **ret)
{
    *ret = json_without(stored, sent_bytes);
    return 0;
}

static int to_storage(struct call *c, const struct kind *k, const json_t *obj, json_t **ret)
{
    const char *bytes = data_bytes(c, k, obj);

    *ret = json_incref((json_t *)obj);
    if (bytes && !streq(bytes, json_arena_text(c->arena, json_object_get(obj, "data"), 0)))
        json_object_set_new(json_own(ret), sent_bytes, json_string(bytes));
    return 0;
}

const struct kind_ops revision_ops = { .validate = validate, .validate_update = validate_update,
                                       .from_storage = from_storage, .to_storage = to_storage };
