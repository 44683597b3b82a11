#include "fakeapi/apiserver/server.h"

/* ---- resource versions -------------------------------------------------------------------------- */

/* A revision ahead of the store: the real server waits three seconds for it (C-022). */
int wait_for_revision(struct call *c, uint64_t revision)
{
    struct store *st = c->s->store;
    struct instant until = instant_add(world_now(c->s->world), DURATION_S(3));
    duration asked;
    bool impatient = !c->opt.watch && options_timeout_given(c, &asked) &&
                     instant_before(instant_add(c->now, asked), until);

    if (impatient)
        until = instant_add(c->now, asked);

    while (store_revision(st) < revision && instant_before(world_now(c->s->world), until)) {
        int r = co_sleep(c->co, DURATION_MS(50));
        if (r < 0)
            return r;
    }
    uint64_t now = store_revision(st);
    if (now >= revision)
        return 0;
    if (impatient)
        return client_out_of_time(c);
    int r = apierr_set(&c->err, APIERR_TIMEOUT, "Timeout: Too large resource version: %llu, current: %llu",
                       (unsigned long long)revision, (unsigned long long)now);
    apierr_cause(&c->err, "ResourceVersionTooLarge", NULL, "Too large resource version");
    c->err.retry_after_s = 1;
    return r;
}

int parse_revision(struct call *c, const char *text, enum revision_words words, uint64_t *ret)
{
    cleanup_buf struct buf q = BUF_INIT;

    *ret = 0;
    if (!*text || parse_u64(text, ret))
        return 0;
    const char *why = "value out of range";
    for (const char *p = text; *p; p++)
        if (*p < '0' || *p > '9')
            why = "invalid syntax";
    go_quote(&q, text, strlen(text));
    if (words == REVISION_RAW)
        return apierr_set(&c->err, APIERR_UNKNOWN, "strconv.ParseUint: parsing %s: %s", q.data, why);
    const char *message = arena_printf(c->arena,
        "resourceVersion: Invalid value: %s: strconv.ParseUint: parsing %s: %s", q.data, q.data, why);
    if (words == REVISION_LIST)
        return apierr_set(&c->err, APIERR_BAD_REQUEST, "invalid resource version: %s", message);
    return apierr_set(&c->err, APIERR_UNKNOWN, "%s", message);
}

/* ---- one object --------------------------------------------------------------------------------- */

/* Whatever a path says: no key leads out of its place (K-050). */
int check_key(struct call *c, const char *key, const char *namespace)
{
    if (!streq(namespace, ".") && !streq(namespace, ".."))
        return 0;
    return apierr_set(&c->err, APIERR_UNKNOWN, "invalid key: \"%s\"", key + strlen("/registry"));
}

int get_record(struct call *c, const struct kind *k, const char *namespace, const char *name, struct record *rec)
{
    const char *key = call_store_key(c, k, namespace, name);
    int r = check_key(c, key, namespace);

    if (r < 0)
        return r;
    if (store_get(c->s->store, key, 0, rec) < 0)
        return apierr_not_found(&c->err, k->res.group, k->res.plural, name);
    return 0;
}

/* ".", "..", '/' and '%' are no names (B-020). */
int check_url_name(struct call *c, const char *name)
{
    const char *why = NULL;

    if (streq(name, ".") || streq(name, ".."))
        why = arena_printf(c->arena, "may not be '%s'", name);
    else if (strchr(name, '/'))
        why = "may not contain '/'";
    else if (strchr(name, '%'))
        why = "may not contain '%'";
    if (!why)
        return 0;
    cleanup_buf struct buf q = BUF_INIT;
    go_quote(&q, name, strlen(name));
    return apierr_set(&c->err, APIERR_BAD_REQUEST, "Name parameter invalid: %s: %s", q.data, why);
}

int handle_get(struct call *c)
{
    const struct kind *k = c->route.kind;
    const char *asked = query_get(&c->query, "resourceVersion");
    /* Events, which no garbage collector looks after, are what no cache is kept of either. */
    enum revision_words words = k->flags & KIND_NO_GC ? REVISION_LIST : REVISION_GET;
    struct record rec;
    uint64_t revision;
    int r;

    if (query_bool(&c->query, "export"))
        return apierr_set(&c->err, APIERR_BAD_REQUEST,
                          "the export parameter, deprecated since v1.14, is no longer supported");
    if ((r = check_url_name(c, c->route.name)) < 0 ||
        (r = parse_revision(c, asked ? asked : "", words, &revision)) < 0)
        return r;
    if (revision > store_revision(c->s->store) && (r = wait_for_revision(c, revision)) < 0)
        return r;
    r = get_record(c, k, c->route.namespace, c->route.name, &rec);
    if (r < 0)
        return r;
    return reply_value(c, 200, rec.value);
}
