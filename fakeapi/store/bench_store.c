/* How fast the store is by itself: `meson test --benchmark`, or run it. */
#include <stdio.h>

#include "fakeapi/store/store.h"
#include "world/loop.h"

#define KEYS 100000
#define LIST 6000

static void line(const char *what, size_t n, duration took)
{
    printf("%-42s %12.0f/s  %8.3f ms\n", what, (double)n / ((double)took / 1e9), (double)took / 1e6);
}

static bool count(void *arg, const struct record *r)
{
    ++*(size_t *)arg;
    return true;
}

static void ignore_event(void *arg, const struct store_event *e)
{
    ++*(size_t *)arg;
}

static void key_of(char key[64], size_t i)
{
    snprintf(key, 64, "/registry/pods/namespace-%zu/pod-%zu", i % 50, i * 7919 % KEYS);
}

int main(void)
{
    static const char body[] = "{\"apiVersion\":\"v1\",\"kind\":\"Pod\"}";
    struct store *s = store_new();
    struct record r;
    char key[64];
    size_t n = 0;
    duration start = loop_monotonic();
    uint64_t mark;

    for (size_t i = 0; i < KEYS; i++) {
        key_of(key, i);
        store_put(s, key, value_from_bytes(blob_new(body, sizeof(body) - 1)), 0, NULL);
    }
    line("create", KEYS, loop_monotonic() - start);
    start = loop_monotonic();
    for (size_t i = 0; i < KEYS; i++) {
        key_of(key, i);
        store_put(s, key, value_from_bytes(blob_new(body, sizeof(body) - 1)), STORE_ANY, NULL);
    }
    line("update", KEYS, loop_monotonic() - start);
    start = loop_monotonic();
    for (size_t i = 0; i < 10 * KEYS; i++) {
        key_of(key, i % 10000);
        n += store_get(s, key, 0, &r) == 0;
    }
    line("get (10,000 keys in turn)", n, loop_monotonic() - start);
    start = loop_monotonic();
    for (size_t i = 0; i < 100; i++)
        store_range(s, "/registry/pods/", NULL, 0, LIST, count, &n, NULL);
    line("list records (pages of 6,000)", 100 * LIST, loop_monotonic() - start);
    start = loop_monotonic();
    for (size_t i = 0; i < 100000; i++)
        n += store_count(s, "/registry/pods/namespace-7/");
    line("count", 100000, loop_monotonic() - start);
    mark = store_mark(s);
    start = loop_monotonic();
    for (size_t round = 0; round < 500; round++) {
        for (size_t i = 0; i < 200; i++) {
            key_of(key, i);
            store_put(s, key, value_from_bytes(blob_new(body, sizeof(body) - 1)), STORE_ANY, NULL);
        }
        store_undo(s, mark);
    }
    line("200 puts and an undo", 500, loop_monotonic() - start);
    store_forget(s, mark);
    start = loop_monotonic();
    for (size_t i = 0; i < 10000; i++) {
        snprintf(key, sizeof(key), "/registry/pods/namespace-%zu/", i % 5000);
        store_watch_new(s, key, ignore_event, &n);
    }
    line("watch", 10000, loop_monotonic() - start);
    start = loop_monotonic();
    for (size_t i = 0; i < KEYS; i++) {
        key_of(key, i);
        store_put(s, key, value_from_bytes(blob_new(body, sizeof(body) - 1)), STORE_ANY, NULL);
    }
    line("update with 10,000 watches, 2 of them told", KEYS, loop_monotonic() - start);
    start = loop_monotonic();
    store_compact(s, store_revision(s));
    line("compact 200,000 revisions", 1, loop_monotonic() - start);
    return n == 0;
}
