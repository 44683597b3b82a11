#include "kube/keyed_list.h"

struct keyed_row {
    uint64_t hash;
    size_t at;
};

/* The keys of an element, as a number. */
static uint64_t hash_keys(const json_t *keys, const json_t *item)
{
    uint64_t hash = 0;
    size_t k;
    json_t *key;

    json_array_foreach ((json_t *)keys, k, key) {
        const json_t *part = json_object_get(item, json_string_value(key));
        hash = hash * 31 + (part ? json_hash(1, part) : 0);
    }
    return hash;
}

static bool same_keys(const json_t *keys, const json_t *a, const json_t *b)
{
    size_t k;
    json_t *key;

    json_array_foreach ((json_t *)keys, k, key)
        if (!json_same(json_object_get(a, json_string_value(key)), json_object_get(b, json_string_value(key))))
            return false;
    return true;
}

static int by_row(const void *a, const void *b)
{
    const struct keyed_row *x = a, *y = b;

    return x->hash != y->hash ? (x->hash < y->hash ? -1 : 1) : (x->at > y->at) - (x->at < y->at);
}

static void make_rows(struct arena *a, struct keyed_list *k, size_t n)
{
    k->rows = arena_alloc(a, (n + 1) * sizeof(*k->rows));
    for (size_t i = 0; i < n; i++)
        k->rows[i] = (struct keyed_row){ hash_keys(k->keys, json_array_get(k->list, i)), i };
    qsort(k->rows, n, sizeof(*k->rows), by_row);
}

const json_t *keyed_list_find(struct arena *a, struct keyed_list *k, const json_t *item)
{
    size_t n = json_array_size(k->list), low = 0, high = n;
    uint64_t hash = hash_keys(k->keys, item);

    if (!k->rows)
        make_rows(a, k, n);
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (k->rows[mid].hash < hash)
            low = mid + 1;
        else
            high = mid;
    }
    for (; low < n && k->rows[low].hash == hash; low++) {
        const json_t *was = json_array_get(k->list, k->rows[low].at);
        if (same_keys(k->keys, was, item))
            return was;
    }
    return NULL;
}
