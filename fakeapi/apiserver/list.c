#include "fakeapi/apiserver/server.h"

#include <strings.h>

#include "kube/nul.h"

#include "fakeapi/apiserver/base64.h"
#include "kube/patch_json.h"

/* GET of a collection: what is read (C.2), in pages on one snapshot (C.3), sent as the stored bytes one
 * after the other. */

struct list {
    struct call *c;
    const struct kind *k;
    const struct filter *filter;
    const char *prefix;                /* of the keys that are read */
    uint64_t revision;                 /* what the list says it is */
    uint64_t at;                       /* what is read; 0: now */
    const char *after;                 /* key to start after; NULL: from the first */
    bool inclusive;                    /* with that key itself */
    size_t limit, taken;
    const char *last_key;              /* of what was taken last */
    bool single;                       /* one object by its name is no page of a list */
    bool paged;                        /* read in pages, whether a limit was asked for or not */
    bool more;
    bool exact;                        /* of the snapshot of an earlier page */
    DYN(struct value *) items;
};

/* ---- continue tokens ---------------------------------------------------------------------------- */

static const char *make_token(struct list *l, uint64_t revision, const char *last_key)
{
    struct call *c = l->c;
    json_auto_t *t = json_object();
    /* Named from the slash that ends the prefix on, and followed by a NUL: the smallest key behind it. Events, of which
     * no cache is kept, are read by a prefix with its slash. */
    const char *slash = l->k->flags & KIND_NO_GC ? "" : "/";
    char *start = arena_printf(c->arena, "%s%s", slash, last_key + strlen(l->prefix));

    json_object_set_new(t, "v", json_string("meta.k8s.io/v1"));
    json_object_set_new(t, "rv", json_integer((json_int_t)revision));
    json_object_set_new(t, "start", json_stringn(start, strlen(start) + 1));
    cleanup_buf struct buf b = BUF_INIT;
    json_write(&b, t, 0);
    return base64url_encode(c->arena, b.data, b.len);
}

static int bad_token(struct call *c, const char *fmt, ...) PRINTF(2, 3);
static int bad_token(struct call *c, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    const char *text = arena_vprintf(c->arena, fmt, args);
    va_end(args);
    return apierr_set(&c->err, APIERR_BAD_REQUEST, "invalid continue token: continue key is not valid: %s", text);
}

/* A start must stay below the prefix whatever it says (K-051): as Go's path.Clean leaves it, NULs and all. */
static bool start_is_clean(const char *start, size_t len)
{
    if (len && *start == '/')
        start++, len--;
    if (!len)
        return true;
    for (;;) {
        const char *slash = memchr(start, '/', len);
        size_t n = slash ? (size_t)(slash - start) : len;
        if (n == 0 || (n == 1 && *start == '.') || (n == 2 && start[0] == '.' && start[1] == '.'))
            return false;
        if (!slash)
            return true;
        start = slash + 1;
        len -= n + 1;
    }
}

/* The members that count, by the names Go takes for theirs: in either case, the last one wins, null is none. */
static json_t *token_members(const json_t *t)
{
    static const char *const names[] = { "v", "rv", "start" };
    json_t *members = json_object(), *v;
    const char *key;

    json_object_foreach ((json_t *)t, key, v)
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
            if (strcasecmp(key, names[i]) == 0 && !json_is_null(v))
                json_object_set(members, names[i], v);
    return members;
}

static int token_member(struct call *c, const json_t *t, const char *key, json_type type, const char *go)
{
    const json_t *v = json_object_get(t, key);

    if (!v || json_typeof(v) == type)
        return 0;
    return bad_token(c, "json: cannot unmarshal %s into Go struct field continueToken.%s of type %s", go_json_type(v),
                     key, go);
}

static int check_token(struct call *c, const json_t *t)
{
    int r;

    if ((r = token_member(c, t, "v", JSON_STRING, "string")) < 0 ||
        (r = token_member(c, t, "rv", JSON_INTEGER, "int64")) < 0 ||
        (r = token_member(c, t, "start", JSON_STRING, "string")) < 0)
        return r;
    if (!streq(obj_str(t, "v"), "meta.k8s.io/v1"))
        return bad_token(c, "server does not recognize this encoded version %s", obj_str(t, "v"));
    if (obj_int(t, "rv", 0) == 0)
        return bad_token(c, "incorrect encoded start resourceVersion (version meta.k8s.io/v1)");
    const json_t *start = json_object_get(t, "start");
    if (!json_string_length(start))
        return bad_token(c, "encoded start key empty (version meta.k8s.io/v1)");
    if (!start_is_clean(json_string_value(start), json_string_length(start)))
        return bad_token(c, "%s", nul_hide(c->arena, json_string_value(start), json_string_length(start)));
    return 0;
}

static int read_token(struct list *l, const char *text)
{
    struct call *c = l->c;
    size_t len;
    char *raw = base64url_decode(c->arena, text, &len);
    struct err e = ERR_IN(c->arena);
    int r;

    if (!raw)
        return bad_token(c, "illegal base64 data at input byte %zu", len);
    json_auto_t *sent = json_parse(raw, len, 0, NULL, &e), *t = NULL;
    if (!sent)
        return bad_token(c, "%s", err_message(&e));
    if (!json_is_object(sent) && !json_is_null(sent))
        return bad_token(c, "json: cannot unmarshal %s into Go value of type storage.continueToken", go_json_type(sent));
    t = token_members(sent);
    if ((r = check_token(c, t)) < 0)
        return r;
    const json_t *start = json_object_get(t, "start");
    const char *name = json_string_value(start);
    l->after = arena_printf(c->arena, "%s%s", l->prefix, *name == '/' ? name + 1 : name);
    /* The first key that a token means is its start; the usual ones end in a NUL that no key has. */
    l->inclusive = strlen(name) == json_string_length(start);
    int64_t rv = obj_int(t, "rv", 0);
    if (rv > 0) {
        l->at = l->revision = (uint64_t)rv;
        l->exact = true;
    }
    return 0;
}

/* ---- which state -------------------------------------------------------------------------------- */

static int expired(struct list *l)
{
    struct call *c = l->c;

    if (!*c->opt.cont)
        return apierr_set(&c->err, APIERR_EXPIRED, "The resourceVersion for the provided list is too old.");
    c->status_continue = make_token(l, (uint64_t)-1, l->after);
    return apierr_set(&c->err, APIERR_EXPIRED,
        "The provided continue parameter is too old to display a consistent list result. You can start a new list "
        "without the continue parameter, or use the continue token in this response to retrieve the remainder of the "
        "results. Continuing with the provided token results in an inconsistent list - objects that were created, "
        "modified, or deleted between the time the first chunk was returned and now may show up in the list.");
}

static int choose_state(struct list *l)
{
    struct call *c = l->c;
    const struct options *o = &c->opt;
    uint64_t asked;
    int r;

    if (*o->cont) {
        /* The token is read first; a revision beside it may be anything that is not "0", and is then one too many. */
        if ((r = read_token(l, o->cont)) < 0)
            return r;
        if (*o->resource_version && !streq(o->resource_version, "0"))
            return apierr_set(&c->err, APIERR_BAD_REQUEST,
                              "specifying resource version is not allowed when using continue");
        if (l->at > store_revision(c->s->store) && (r = wait_for_revision(c, l->at)) < 0)
            return r;
    } else if ((r = parse_revision(c, o->resource_version, REVISION_LIST, &asked)) < 0) {
        return r;
    } else if (asked > 0) {
        if (asked > store_revision(c->s->store) && (r = wait_for_revision(c, asked)) < 0)
            return r;
        /* Exactly that one when it says so, or, as of old, when it wants pages (C-026). */
        if (streq(o->match, "Exact") || (!*o->match && l->paged && !l->single)) {
            l->at = l->revision = asked;
            l->exact = true;
        }
    } else if (streq(o->resource_version, "0")) {
        l->limit = 0;                  /* from the cache: in one piece (C-024) */
    }
    if (!l->revision)
        l->revision = store_revision(c->s->store);
    if (l->exact && l->at < store_compacted(c->s->store))
        return expired(l);
    return 0;
}

/* ---- reading ------------------------------------------------------------------------------------ */

static bool take(void *arg, const struct record *rec)
{
    struct list *l = arg;

    if (l->limit && l->taken == l->limit && !l->single) {
        l->more = true;
        return false;
    }
    if (l->filter && !filter_match(l->filter, l->k, value_tree(rec->value)))
        return true;
    *dyn_push(&l->items) = value_ref(rec->value);
    l->taken++;
    if (l->limit)
        l->last_key = arena_strdup(l->c->arena, rec->key);
    return true;
}

static bool count_one(void *arg, const struct record *rec)
{
    (void)rec;
    ++*(size_t *)arg;
    return true;
}

static int read_items(struct list *l)
{
    struct store *st = l->c->s->store;
    struct record first;

    if (l->inclusive && store_get(st, l->after, l->at, &first) == 0)
        take(l, &first);
    int r = store_range(st, l->prefix, l->after, l->at, 0, take, l, NULL);

    if (r == -ERR_INVALID)
        return expired(l);
    return r < 0 ? apierr_set(&l->c->err, APIERR_INTERNAL_ERROR, "store: %s", err_code_text(r)) : 0;
}

static json_t *list_meta(struct list *l)
{
    struct call *c = l->c;
    json_t *meta = json_object();

    json_object_set_new(meta, "resourceVersion",
                        json_string(arena_printf(c->arena, "%llu", (unsigned long long)l->revision)));
    if (l->more) {
        json_object_set_new(meta, "continue", json_string(make_token(l, l->revision, l->last_key)));
        if (!l->filter) {
            size_t remaining = 0;
            store_range(c->s->store, l->prefix, l->last_key, l->at, 0, count_one, &remaining, NULL);
            json_object_set_new(meta, "remainingItemCount", json_integer((json_int_t)remaining));
        }
    } else if (kind_custom(l->k)) {
        json_object_set_new(meta, "continue", json_string(""));
    }
    return meta;
}

/* ---- sending ------------------------------------------------------------------------------------ */

/* Items of typed lists do not say again what they are (B-067). */
static void add_item(struct buf *b, const struct kind *k, const char *intro, size_t intro_len, struct value *v)
{
    struct blob *bytes = value_bytes(v);

    if (!kind_custom(k) && bytes->len > intro_len && memcmp(bytes->data, intro, intro_len) == 0) {
        buf_add_char(b, '{');
        buf_add(b, bytes->data + intro_len, bytes->len - intro_len);
        return;
    }
    if (kind_custom(k)) {
        buf_add(b, bytes->data, bytes->len);
        return;
    }
    json_auto_t *bare = json_copy(value_tree(v));
    json_object_del(bare, "kind");
    json_object_del(bare, "apiVersion");
    json_write(b, bare, 0);
}

static int send_bytes(struct list *l)
{
    struct call *c = l->c;
    char version[API_VERSION_MAX];
    const struct kind *k = l->k;
    cleanup_buf struct buf b = BUF_INIT;
    json_auto_t *meta = list_meta(l);
    size_t total = 512;

    kind_api_version(k, version);
    for (size_t i = 0; i < l->items.n; i++)
        total += value_bytes(l->items.v[i])->len + 1;
    buf_reserve(&b, total);
    const char *intro = arena_printf(c->arena, "{\"kind\":\"%s\",\"apiVersion\":\"%s\",", k->res.kind, version);
    size_t intro_len = strlen(intro);
    buf_printf(&b, "{\"kind\":\"%s\",\"apiVersion\":\"%s\",\"metadata\":", k->list_kind, version);
    json_write(&b, meta, 0);
    buf_add_str(&b, ",\"items\":[");
    for (size_t i = 0; i < l->items.n; i++) {
        if (i)
            buf_add_char(&b, ',');
        add_item(&b, k, intro, intro_len, l->items.v[i]);
    }
    buf_add_str(&b, "]}\n");
    return reply_blob(c, 200, media_type(MEDIA_JSON, false), blob_from_buf(&b));
}

static json_t *list_tree(const char *kind, const char *version, json_t *meta, json_t *items)
{
    json_t *list = json_object();

    json_object_set_new(list, "kind", json_string(kind));
    json_object_set_new(list, "apiVersion", json_string(version));
    json_object_set_new(list, "metadata", meta);
    json_object_set_new(list, "items", items);
    return list;
}

static json_t *bare_item(const json_t *obj)
{
    json_t *bare = json_copy((json_t *)obj);

    json_object_del(bare, "kind");
    json_object_del(bare, "apiVersion");
    return bare;
}

static int send_trees(struct list *l)
{
    struct call *c = l->c;
    const struct kind *k = l->k;
    char version[API_VERSION_MAX];
    json_auto_t *items = json_array();
    int r;

    if ((r = convert_all_from_store(c, k, l->items.v, l->items.n, items)) < 0)
        return r;
    json_t *meta = list_meta(l);
    if (c->out.view == VIEW_TABLE) {
        json_t *table = NULL;
        DYN(json_t *) v = { 0 };
        for (size_t i = 0; i < json_array_size(items); i++)
            *dyn_push(&v) = json_array_get(items, i);
        r = table_of(c, k, v.v, v.n, meta, true, &table);
        dyn_release(&v);
        json_decref(meta);
        return r < 0 ? r : reply_tree(c, 200, table);
    }
    if (c->out.view == VIEW_PARTIAL_LIST) {
        if (!l->more)
            json_object_del(meta, "continue");
        json_t *partial = json_array();
        for (size_t i = 0; i < json_array_size(items); i++)
            json_array_append_new(partial, partial_of(k, json_array_get(items, i), c->out.view_version));
        if (!json_array_size(partial)) {
            json_decref(partial);
            partial = json_null();
        }
        return reply_tree(c, 200, list_tree("PartialObjectMetadataList",
                          arena_printf(c->arena, "meta.k8s.io/%s", c->out.view_version), meta, partial));
    }
    kind_api_version(k, version);
    if (!kind_custom(k) && !c->want_tree) {
        json_t *bare = json_array();
        for (size_t i = 0; i < json_array_size(items); i++)
            json_array_append_new(bare, bare_item(json_array_get(items, i)));
        return reply_tree(c, 200, list_tree(k->list_kind, version, meta, bare));
    }
    return reply_tree(c, 200, list_tree(k->list_kind, version, meta, STEAL(items)));
}

static bool can_send_bytes(const struct list *l)
{
    const struct call *c = l->c;

    if (c->want_tree || c->out.media != MEDIA_JSON || c->out.view != VIEW_PLAIN || c->out.pretty)
        return false;
    for (size_t i = 0; i < l->items.n; i++)
        if (!convert_is_identity(l->k, l->items.v[i]))
            return false;
    return true;
}

/* ---- the whole of it ---------------------------------------------------------------------------- */

const char *list_prefix(struct call *c, const struct kind *k, const char *namespace)
{
    if (k->res.namespaced && *namespace)
        return arena_printf(c->arena, "%s%s/", k->store_prefix, namespace);
    return k->store_prefix;
}

/* Whether a selector names the one key that there is to read. */
static bool asks_for_one(const struct list *l)
{
    bool placed = !l->k->res.namespaced || *l->c->route.namespace || filter_namespace(l->filter);

    return placed && filter_name(l->filter);
}

static int choose_filter(struct list *l)
{
    struct filter *f;
    int r = filter_parse(l->c, l->k, l->c->opt.label_selector, l->c->opt.field_selector, &f);

    if (r == 0)
        l->filter = f;
    return r;
}

/* Reads what the options ask for; the values are the caller's references. */
static int gather(struct list *l)
{
    struct call *c = l->c;
    int r;

    l->prefix = list_prefix(c, l->k, c->route.namespace);
    l->limit = c->opt.limit > 0 ? (size_t)c->opt.limit : 0;
    l->paged = l->limit || (l->paged && !c->opt.limit);
    l->single = asks_for_one(l);
    if ((r = choose_state(l)) < 0)
        return r;
    return read_items(l);
}

static void list_release(struct list *l)
{
    for (size_t i = 0; i < l->items.n; i++)
        value_unref(l->items.v[i]);
    dyn_release(&l->items);
}

int handle_list(struct call *c)
{
    struct list l = { .c = c, .k = c->route.kind };

    int r = choose_filter(&l);
    if (r == 0)
        r = gather(&l);
    if (r == 0)
        r = negotiate_check_view(c, l.k, true);
    if (r == 0)
        r = can_send_bytes(&l) ? send_bytes(&l) : send_trees(&l);
    list_release(&l);
    return r;
}

/* DELETE of a collection: the items as listed, each deleted on its own; one that is gone meanwhile is
 * no error (B-065). Only what is deleted is shown, and may not be acceptable. */
int handle_deletecollection(struct call *c)
{
    struct list l = { .c = c, .k = c->route.kind, .paged = true };
    struct delete_request d;
    int r = choose_filter(&l);

    c->opt.watch = false;
    if (r == 0)
        r = delete_options(c, &d);
    if (r == 0)
        delete_warn(c, l.k, &d);
    if (r == 0)
        r = gather(&l);
    for (size_t i = 0; r == 0 && i < l.items.n; i++) {
        const json_t *obj = value_tree(l.items.v[i]);
        struct value *last = NULL;
        bool gone;
        r = delete_object(c, l.k, obj_namespace(obj), obj_name(obj), &d, &last, &gone);
        value_unref(last);
        if (r == -APIERR_NOT_FOUND)
            r = 0;
    }
    if (r == 0)
        r = negotiate_check_view(c, l.k, true);
    if (r == 0)
        r = can_send_bytes(&l) ? send_bytes(&l) : send_trees(&l);
    list_release(&l);
    return r;
}
