/* Reflector, cache and client against a server of a few lines: promises 1 to 5 of informer.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "kube/informer.h"
#include "kube/object.h"

static const struct resource widgets = { "example.com", "v1", "Widget", "widgets", true };

/* ---- the server: one kind, a log of events, watches that read the log ------------------------- */

struct event {
    const char *type;
    json_t *object;
    int64_t version;
};

struct server {
    struct transport base;
    struct world *world;
    json_t *objects;                   /* "ns/name" -> object */
    DYN(struct event) log;
    DYN(struct watch *) watches;
    int64_t version, compacted;
    int fail_lists;                    /* answer so many lists with 500 */
    unsigned lists, n_watches;
    char last_query[256];
    bool refuse;                       /* answer everything with 403 */
};

struct watch {
    struct api_stream base;
    struct server *server;
    size_t at;
    bool over;
};

static int watch_poll(struct api_stream *s, struct api_frame *ret)
{
    struct watch *w = container_of(s, struct watch, base);

    if (w->at < w->server->log.n) {
        struct event *e = &w->server->log.v[w->at++];
        *ret = (struct api_frame){ e->type, json_incref(e->object) };
        return 1;
    }
    return w->over ? -ERR_UNAVAILABLE : 0;
}

static void watch_free(struct api_stream *s)
{
    struct watch *w = container_of(s, struct watch, base);
    struct server *v = w->server;

    for (size_t i = 0; i < v->watches.n; i++)
        if (v->watches.v[i] == w)
            v->watches.v[i] = v->watches.v[--v->watches.n];
    free(w);
}

static const struct api_stream_ops watch_ops = { .poll = watch_poll, .free = watch_free };

static void server_log(struct server *v, const char *type, json_t *object)
{
    *dyn_push(&v->log) = (struct event){ type, object, v->version };
    for (size_t i = 0; i < v->watches.n; i++)
        api_stream_signal(&v->watches.v[i]->base);
}

static void server_put(struct server *v, const char *ns, const char *name, const char *color)
{
    char key[64], version[24];
    json_t *o = obj_new("example.com/v1", "Widget", ns, name);
    bool there;

    snprintf(key, sizeof(key), "%s/%s", ns, name);
    snprintf(version, sizeof(version), "%lld", (long long)++v->version);
    obj_set_meta_str(o, "resourceVersion", version);
    obj_set_meta_str(o, "uid", key);
    obj_set(o, "spec.color", json_string(color));
    there = json_object_get(v->objects, key) != NULL;
    json_object_set(v->objects, key, o);
    server_log(v, there ? "MODIFIED" : "ADDED", o);
}

static void server_delete(struct server *v, const char *ns, const char *name)
{
    char key[64], version[24];
    json_t *o;

    snprintf(key, sizeof(key), "%s/%s", ns, name);
    snprintf(version, sizeof(version), "%lld", (long long)++v->version);
    o = json_clone(json_object_get(v->objects, key));
    obj_set_meta_str(o, "resourceVersion", version);
    json_object_del(v->objects, key);
    server_log(v, "DELETED", o);
}

static void server_bookmark(struct server *v)
{
    char version[24];
    json_t *o = json_pack("{s:s, s:s, s:{}}", "kind", "Widget", "apiVersion", "example.com/v1", "metadata");

    snprintf(version, sizeof(version), "%lld", (long long)++v->version);
    obj_set_meta_str(o, "resourceVersion", version);
    server_log(v, "BOOKMARK", o);
}

static void server_close_watches(struct server *v)
{
    for (size_t i = 0; i < v->watches.n; i++) {
        v->watches.v[i]->over = true;
        api_stream_signal(&v->watches.v[i]->base);
    }
}

static json_t *status_object(int code, const char *reason)
{
    return json_pack("{s:s, s:s, s:{}, s:s, s:s, s:s, s:i}", "kind", "Status", "apiVersion", "v1",
                     "metadata", "status", "Failure", "message", "so it is", "reason", reason, "code", code);
}

static int64_t query_version(const char *query)
{
    const char *at = query ? strstr(query, "resourceVersion=") : NULL;

    return at ? strtoll(at + strlen("resourceVersion="), NULL, 10) : 0;
}

static struct api_stream *server_watch(struct server *v, const char *query)
{
    struct watch *w = xcalloc(1, sizeof(*w));

    w->base.ops = &watch_ops;
    w->server = v;
    while (w->at < v->log.n && v->log.v[w->at].version <= query_version(query))
        w->at++;
    *dyn_push(&v->watches) = w;
    v->n_watches++;
    return &w->base;
}

static int64_t query_number(const char *query, const char *name)
{
    const char *at = query ? strstr(query, name) : NULL;

    return at ? strtoll(at + strlen(name), NULL, 10) : 0;
}

/* With a limit in pages; the token is how many came before. */
static json_t *server_list(struct server *v, const char *query)
{
    char version[24], token[24] = "";
    json_t *items = json_array(), *o;
    int64_t limit = query_number(query, "limit="), from = query_number(query, "continue="), n = 0;
    const char *key;

    snprintf(version, sizeof(version), "%lld", (long long)v->version);
    json_object_foreach (v->objects, key, o) {
        if (n >= from && (!limit || n < from + limit))
            json_array_append(items, o);
        n++;
    }
    if (limit && n > from + limit)
        snprintf(token, sizeof(token), "%lld", (long long)(from + limit));
    return json_pack("{s:s, s:{s:s, s:s}, s:o}", "kind", "WidgetList", "metadata", "resourceVersion", version,
                     "continue", token, "items", items);
}

static int server_call(struct co *co, struct transport *t, const struct api_request *q,
                       struct api_reply *ret)
{
    struct server *v = container_of(t, struct server, base);
    bool watch = q->query && strstr(q->query, "watch=true");
    int r = co_sleep(co, DURATION_MS(1));

    if (r < 0)
        return r;
    *ret = (struct api_reply){ .status = 200, .arena = arena_new() };
    snprintf(v->last_query, sizeof(v->last_query), "%s %s?%s", q->method, q->path, q->query ? q->query : "");
    if (v->refuse || (!watch && v->fail_lists > 0)) {
        v->fail_lists--;
        ret->status = v->refuse ? 403 : 500;
        ret->object = status_object(ret->status, v->refuse ? "Forbidden" : "InternalError");
    } else if (watch && query_version(q->query) < v->compacted) {
        ret->status = 410;
        ret->object = status_object(410, "Expired");
    } else if (watch) {
        ret->stream = server_watch(v, q->query);
    } else {
        v->lists++;
        ret->object = server_list(v, q->query);
    }
    return 0;
}

static const struct transport_ops server_ops = { .name = "few lines", .call = server_call };

/* ---- the bench -------------------------------------------------------------------------------- */

struct bench {
    struct server server;
    struct world *world;
    struct proc *proc;
    struct client *client;
    struct informer *informer;
    char heard[1024];
    int stale;                         /* an event older than one heard before */
    int64_t newest;
};

static void heard(void *arg, enum informer_event type, const json_t *old, const json_t *obj)
{
    struct bench *t = arg;
    size_t at = strlen(t->heard);
    int64_t version = strtoll(obj_resource_version(obj), NULL, 10);

    if (version < t->newest && old != obj)
        t->stale++;
    t->newest = version > t->newest ? version : t->newest;
    snprintf(t->heard + at, sizeof(t->heard) - at, "%c%s ",
             old == obj && type == INFORMER_MODIFIED ? '=' : "+~-"[type], obj_name(obj));
}

static void by_color(const json_t *obj, struct index_sink *sink)
{
    index_emit(sink, obj_str(obj, "spec.color"));
}

static void setup(struct bench *t, uint64_t seed, const struct informer_options *o)
{
    struct world_options wo = { .mode = WORLD_SIM, .seed = seed };

    *t = (struct bench){ 0 };
    t->world = world_new(&wo);
    t->proc = proc_new(t->world, "p");
    t->server.base.ops = &server_ops;
    t->server.world = t->world;
    t->server.objects = json_object();
    t->client = client_new(t->proc, &t->server.base, "tester");
    t->informer = informer_new(t->proc, t->client, &widgets, o);
    informer_add_handler(t->informer, heard, t);
    informer_add_index(t->informer, "color", by_color);
}

static void run(struct bench *t, duration d)
{
    struct instant limit = instant_add(world_now(t->world), d);

    while (world_step(t->world, limit))
        ;
}

static void teardown(struct bench *t)
{
    proc_kill(t->proc);
    while (proc_tasks(t->proc) && world_step(t->world, INSTANT_NEVER))
        ;
    proc_free(t->proc);
    informer_free(t->informer);
    client_free(t->client);
    for (size_t i = 0; i < t->server.log.n; i++)
        json_decref(t->server.log.v[i].object);
    dyn_release(&t->server.log);
    dyn_release(&t->server.watches);
    json_decref(t->server.objects);
    world_free(t->world);
}

static const char *color_of(struct bench *t, const char *name)
{
    json_auto_t *o = informer_get(NULL, t->informer, "ns", name);

    return o ? obj_str(o, "spec.color") : "gone";   /* the cache still holds it */
}

static void lists_then_watches(void **state)
{
    struct bench t;

    setup(&t, 1, NULL);
    server_put(&t.server, "ns", "b", "red");
    server_put(&t.server, "ns", "a", "red");
    informer_start(t.informer);
    assert_false(informer_synced(t.informer));
    run(&t, DURATION_S(1));
    assert_true(informer_synced(t.informer));
    assert_string_equal(t.heard, "+b +a ");
    server_put(&t.server, "ns", "a", "blue");
    server_delete(&t.server, "ns", "b");
    run(&t, DURATION_S(1));
    assert_string_equal(t.heard, "+b +a ~a -b ");
    assert_string_equal(color_of(&t, "a"), "blue");
    assert_string_equal(color_of(&t, "b"), "gone");
    assert_int_equal(t.server.lists, 1);
    assert_non_null(strstr(t.server.last_query, "watch=true&allowWatchBookmarks=true&resourceVersion=2"));
    teardown(&t);
}

static void listing_is_sorted_and_indexed(void **state)
{
    struct bench t;
    json_auto_t *all = NULL, *red = NULL, *blue = NULL;

    setup(&t, 1, NULL);
    informer_start(t.informer);
    run(&t, DURATION_S(1));
    server_put(&t.server, "z", "c", "red");
    server_put(&t.server, "ns", "d", "red");
    server_put(&t.server, "ns", "a", "red");
    server_put(&t.server, "ns", "d", "blue");
    server_put(&t.server, "ns", "x", "blue");
    server_delete(&t.server, "ns", "x");
    run(&t, DURATION_S(1));
    all = informer_list(NULL, t.informer, NULL);
    assert_int_equal(json_array_size(all), 3);
    assert_string_equal(obj_name(json_array_get(all, 0)), "a");
    assert_string_equal(obj_name(json_array_get(all, 1)), "d");
    assert_string_equal(obj_name(json_array_get(all, 2)), "c");
    red = informer_by_index(NULL, t.informer, "color", "red");
    blue = informer_by_index(NULL, t.informer, "color", "blue");
    assert_int_equal(json_array_size(red), 2);
    assert_int_equal(json_array_size(blue), 1);
    assert_string_equal(obj_name(json_array_get(blue, 0)), "d");
    teardown(&t);
}

static void long_lists_come_in_pages(void **state)
{
    struct bench t;
    struct informer_options o = { .page = 2 };

    setup(&t, 1, &o);
    for (int i = 0; i < 5; i++) {
        char name[2] = { (char)('a' + i), 0 };
        server_put(&t.server, "ns", name, "red");
    }
    informer_start(t.informer);
    run(&t, DURATION_S(1));
    assert_string_equal(t.heard, "+a +b +c +d +e ");
    assert_int_equal(t.server.lists, 3);
    teardown(&t);
}

static void a_closed_watch_goes_on_where_it_stopped(void **state)
{
    struct bench t;

    setup(&t, 1, NULL);
    informer_start(t.informer);
    run(&t, DURATION_S(1));
    server_put(&t.server, "ns", "a", "red");
    server_bookmark(&t.server);
    run(&t, DURATION_S(1));
    assert_string_equal(informer_version(t.informer), "2");
    server_close_watches(&t.server);
    server_put(&t.server, "ns", "b", "red");
    run(&t, DURATION_S(60));
    assert_string_equal(t.heard, "+a +b ");
    assert_int_equal(t.server.lists, 1);
    assert_true(t.server.n_watches >= 2);
    teardown(&t);
}

static void expired_begins_with_a_list(void **state)
{
    struct bench t;

    setup(&t, 1, NULL);
    server_put(&t.server, "ns", "a", "red");
    server_put(&t.server, "ns", "b", "red");
    informer_start(t.informer);
    run(&t, DURATION_S(1));
    informer_hold(t.informer, true);
    server_delete(&t.server, "ns", "b");
    server_put(&t.server, "ns", "c", "red");
    for (size_t i = 0; i < t.server.watches.n; i++)
        t.server.watches.v[i]->at = t.server.log.n;      /* these events are lost */
    t.server.compacted = t.server.version + 1;
    server_close_watches(&t.server);
    run(&t, DURATION_S(60));
    assert_string_equal(t.heard, "+a +b ");
    t.server.compacted = 0;
    informer_hold(t.informer, false);
    run(&t, DURATION_S(60));
    assert_string_equal(t.heard, "+a +b -b +c ");
    assert_true(t.server.lists >= 2);
    assert_null(strstr(t.server.last_query, "resourceVersion=0"));
    teardown(&t);
}

static void failures_back_off(void **state)
{
    struct bench t;

    setup(&t, 1, NULL);
    t.server.fail_lists = 3;
    server_put(&t.server, "ns", "a", "red");
    informer_start(t.informer);
    run(&t, DURATION_MS(500));
    assert_false(informer_synced(t.informer));
    assert_int_equal(t.server.fail_lists, 1);     /* at once, once more at once, then a wait */
    run(&t, DURATION_S(5));
    assert_true(informer_synced(t.informer));
    teardown(&t);
}

static void held_events_are_late_but_complete(void **state)
{
    struct bench t;

    setup(&t, 1, NULL);
    informer_start(t.informer);
    run(&t, DURATION_S(1));
    informer_hold(t.informer, true);
    server_put(&t.server, "ns", "a", "red");
    server_put(&t.server, "ns", "a", "blue");
    run(&t, DURATION_S(60));
    assert_string_equal(t.heard, "");
    informer_hold(t.informer, false);
    run(&t, DURATION_S(1));
    assert_string_equal(t.heard, "+a ~a ");
    teardown(&t);
}

static void resync_tells_all_again(void **state)
{
    struct bench t;
    struct informer_options o = { .resync = DURATION_S(10) };

    setup(&t, 1, &o);
    server_put(&t.server, "ns", "a", "red");
    informer_start(t.informer);
    run(&t, DURATION_S(25));
    assert_string_equal(t.heard, "+a =a =a ");
    teardown(&t);
}

static void never_back_in_time(void **state)
{
    struct informer_options o = { .lag = DURATION_MS(20) };

    for (uint64_t seed = 0; seed < 30; seed++) {
        struct bench t;
        setup(&t, seed, &o);
        informer_start(t.informer);
        for (int i = 0; i < 40; i++) {
            char name[2] = { (char)('a' + i % 3), 0 }, color[8];
            snprintf(color, sizeof(color), "%d", i);
            server_put(&t.server, "ns", name, color);
            if (i % 7 == 0)
                server_close_watches(&t.server);
            run(&t, DURATION_MS(5));
        }
        run(&t, DURATION_S(120));
        assert_int_equal(t.stale, 0);
        assert_string_equal(color_of(&t, "a"), "39");
        teardown(&t);
    }
}

struct errors {
    struct bench *bench;
    int refused, dead;
    char message[64];
};

static void ask(struct co *co, void *arg)
{
    struct errors *e = arg;
    struct apierr err = APIERR_IN(co_arena(co));
    struct objref ref = { &widgets, "ns", "a" };

    e->refused = client_get(co, e->bench->client, &ref, NULL, &err);
    snprintf(e->message, sizeof(e->message), "%s", err.message);
    co_sleep(co, DURATION_S(10));
    e->dead = client_get(co, e->bench->client, &ref, NULL, &err);
}

static void refusals_are_errors_and_the_dead_reach_nobody(void **state)
{
    struct bench t;
    struct errors e = { .bench = &t };
    struct proc *other;

    setup(&t, 1, NULL);
    other = proc_new(t.world, "other");
    t.server.refuse = true;
    co_spawn(other, "ask", ask, &e);
    run(&t, DURATION_S(1));
    assert_true(apierr_is(e.refused, APIERR_FORBIDDEN));
    assert_string_equal(e.message, "so it is");
    assert_string_equal(t.server.last_query, "GET /apis/example.com/v1/namespaces/ns/widgets/a?");
    t.server.last_query[0] = 0;
    proc_kill(t.proc);                            /* the client's owner, not the asking task's */
    run(&t, DURATION_S(60));
    assert_int_equal(e.dead, -ERR_CANCELLED);
    assert_string_equal(t.server.last_query, "");
    proc_kill(other);
    proc_free(other);
    teardown(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_then_watches),
        cmocka_unit_test(listing_is_sorted_and_indexed),
        cmocka_unit_test(long_lists_come_in_pages),
        cmocka_unit_test(a_closed_watch_goes_on_where_it_stopped),
        cmocka_unit_test(expired_begins_with_a_list),
        cmocka_unit_test(failures_back_off),
        cmocka_unit_test(held_events_are_late_but_complete),
        cmocka_unit_test(resync_tells_all_again),
        cmocka_unit_test(never_back_in_time),
        cmocka_unit_test(refusals_are_errors_and_the_dead_reach_nobody),
    };

    return cmocka_run_group_tests_name("informer", tests, NULL, NULL);
}
