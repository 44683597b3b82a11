#include "conformance/scenario/rpc.h"

enum rpc_field_type { TEXT, NUMBER, FLAGS, MAP };

struct rpc_field {
    const char *name;
    enum rpc_field_type type;
    size_t offset;
};

#define F(type_, name_, kind) { #name_, kind, offsetof(struct type_, name_) }
static const struct rpc_field
    checkpoint_request_fields[] = {
        F(checkpoint_request, sandbox_name, TEXT), F(checkpoint_request, sandbox_namespace, TEXT),
        F(checkpoint_request, pod_name, TEXT), F(checkpoint_request, parameters, MAP),
        F(checkpoint_request, checkpoint_id, TEXT), F(checkpoint_request, sandbox_uid, TEXT),
        F(checkpoint_request, pod_uid, TEXT), F(checkpoint_request, node_name, TEXT), { 0 },
    },
    restore_request_fields[] = {
        F(restore_request, sandbox_name, TEXT), F(restore_request, sandbox_namespace, TEXT),
        F(restore_request, snapshot_uid, TEXT), F(restore_request, parameters, MAP),
        F(restore_request, driver_metadata, MAP), F(restore_request, sandbox_uid, TEXT),
        F(restore_request, pod_name, TEXT), { 0 },
    },
    delete_request_fields[] = {
        F(snapshot_delete_request, snapshot_uid, TEXT), F(snapshot_delete_request, parameters, MAP),
        F(snapshot_delete_request, checkpoint_id, TEXT), F(snapshot_delete_request, driver_metadata, MAP),
        F(snapshot_delete_request, sandbox_uid, TEXT), { 0 },
    },
    freeze_request_fields[] = {
        F(freeze_request, sandbox_name, TEXT), F(freeze_request, sandbox_namespace, TEXT),
        F(freeze_request, pod_name, TEXT), F(freeze_request, parameters, MAP),
        F(freeze_request, sandbox_uid, TEXT), F(freeze_request, pod_uid, TEXT),
        F(freeze_request, node_name, TEXT), { 0 },
    },
    list_request_fields[] = {
        F(snapshot_list_request, sandbox_uid, TEXT), F(snapshot_list_request, parameters, MAP), { 0 },
    },
    info_response_fields[] = {
        F(driver_info, name, TEXT), F(driver_info, version, TEXT), F(driver_info, capabilities, FLAGS),
        { 0 },
    },
    checkpoint_response_fields[] = {
        F(checkpoint_response, snapshot_uid, TEXT), F(checkpoint_response, size_bytes, NUMBER),
        F(checkpoint_response, driver_metadata, MAP),
        F(checkpoint_response, creation_time_unix_ms, NUMBER), { 0 },
    },
    restore_response_fields[] = { F(restore_response, restore_metadata, MAP), { 0 } },
    list_entry_fields[] = {
        F(snapshot_list_entry, snapshot_uid, TEXT), F(snapshot_list_entry, checkpoint_id, TEXT),
        F(snapshot_list_entry, size_bytes, NUMBER), F(snapshot_list_entry, creation_time_unix_ms, NUMBER),
        { 0 },
    },
    no_fields[] = { { 0 } };
#undef F

static const struct rpc_method {
    const struct rpc_field *request, *response;
} methods[] = {
    [RPC_WORD_ANY] = { no_fields, no_fields },
    [RPC_WORD_INFO] = { no_fields, info_response_fields },
    [RPC_WORD_CHECKPOINT] = { checkpoint_request_fields, checkpoint_response_fields },
    [RPC_WORD_RESTORE] = { restore_request_fields, restore_response_fields },
    [RPC_WORD_DELETE] = { delete_request_fields, no_fields },
    [RPC_WORD_FREEZE] = { freeze_request_fields, no_fields },
    [RPC_WORD_UNFREEZE] = { freeze_request_fields, no_fields },
    [RPC_WORD_LIST] = { list_request_fields, no_fields },
};

const char *rpc_word_text(enum rpc_word m)
{
    return scenario_rpc_words[m];
}

/* ---- struct to JSON and back ----------------------------------------------------------------- */

static json_t *text_json(const char *s)
{
    json_t *j = json_string(s ? s : "");

    return j ? j : json_string("(not UTF-8)");
}

static json_t *map_json(const struct kvmap *m)
{
    json_t *j = json_object();

    for (size_t i = 0; i < m->n; i++)
        json_object_set_new(j, m->v[i].key, text_json(m->v[i].value));
    return j;
}

static json_t *fields_json(const struct rpc_field *f, const void *base)
{
    json_t *j = json_object();

    for (; f->name; f++) {
        const void *at = (const char *)base + f->offset;
        json_t *value = f->type == TEXT     ? text_json(*(const char *const *)at)
                        : f->type == NUMBER ? json_integer(*(const int64_t *)at)
                        : f->type == FLAGS  ? json_integer(*(const unsigned *)at)
                                            : map_json(at);
        json_object_set_new(j, f->name, value);
    }
    return j;
}

static int compare_kv(const void *a, const void *b)
{
    return strcmp(((const struct kv *)a)->key, ((const struct kv *)b)->key);
}

static struct kvmap map_from(struct arena *a, const json_t *j)
{
    struct kv *v = arena_alloc(a, (json_object_size(j) + 1) * sizeof(*v));
    struct kvmap m = { .v = v };
    const char *key;
    json_t *value;

    json_object_foreach ((json_t *)j, key, value)
        v[m.n++] = (struct kv){ arena_strdup(a, key), arena_strdup(a, json_string_value(value)) };
    qsort(v, m.n, sizeof(*v), compare_kv);
    return m;
}

static void fields_from(struct arena *a, const struct rpc_field *f, const json_t *j, void *base)
{
    for (; f->name; f++) {
        void *at = (char *)base + f->offset;
        const json_t *value = json_object_get(j, f->name);
        const char *text = json_string_value(value);

        if (f->type == TEXT)
            *(const char **)at = arena_strdup(a, text ? text : "");
        else if (f->type == NUMBER)
            *(int64_t *)at = json_integer_value(value);
        else if (f->type == FLAGS)
            *(unsigned *)at = (unsigned)json_integer_value(value);
        else
            *(struct kvmap *)at = map_from(a, value);
    }
}

json_t *rpc_request_json(enum rpc_word m, const void *request)
{
    return fields_json(methods[m].request, request);
}

json_t *rpc_response_json(enum rpc_word m, const void *response)
{
    const struct snapshot_list_response *list = response;
    json_t *j = fields_json(methods[m].response, response), *entries;

    if (m == RPC_WORD_LIST) {
        entries = json_array();
        for (size_t i = 0; i < list->n; i++)
            json_array_append_new(entries, fields_json(list_entry_fields, &list->v[i]));
        json_object_set_new(j, "snapshots", entries);
    }
    return j;
}

void rpc_request_from(struct arena *a, enum rpc_word m, const json_t *j, void *ret)
{
    fields_from(a, methods[m].request, j, ret);
}

void rpc_response_from(struct arena *a, enum rpc_word m, const json_t *j, void *ret)
{
    const json_t *entries = json_object_get(j, "snapshots");
    struct snapshot_list_entry *v;

    fields_from(a, methods[m].response, j, ret);
    if (m == RPC_WORD_LIST) {
        v = arena_alloc(a, (json_array_size(entries) + 1) * sizeof(*v));
        for (size_t i = 0; i < json_array_size(entries); i++)
            fields_from(a, list_entry_fields, json_array_get(entries, i), &v[i]);
        *(struct snapshot_list_response *)ret =
            (struct snapshot_list_response){ .v = v, .n = json_array_size(entries) };
    }
}

const char *rpc_request_sandbox(enum rpc_word m, const json_t *request)
{
    const char *name = json_string_value(json_object_get(request, "sandbox_name"));

    return name ? name : "";
}

/* ---- the call -------------------------------------------------------------------------------- */

enum rpc_code rpc_dispatch(struct co *co, struct snapshot_driver *d, enum rpc_word m,
                           const union rpc_request *q, struct instant deadline, struct arena *a,
                           union rpc_response *ret, struct rpc_status *st)
{
    switch (m) {
    case RPC_WORD_INFO:
        return driver_get_info(co, d, deadline, a, &ret->info, st);
    case RPC_WORD_CHECKPOINT:
        return driver_checkpoint(co, d, &q->checkpoint, deadline, a, &ret->checkpoint, st);
    case RPC_WORD_RESTORE:
        return driver_restore(co, d, &q->restore, deadline, a, &ret->restore, st);
    case RPC_WORD_DELETE:
        return driver_delete(co, d, &q->remove, deadline, a, st);
    case RPC_WORD_FREEZE:
        return driver_freeze(co, d, &q->freeze, deadline, a, st);
    case RPC_WORD_UNFREEZE:
        return driver_unfreeze(co, d, &q->freeze, deadline, a, st);
    case RPC_WORD_LIST:
        return driver_list(co, d, &q->list, deadline, a, &ret->list, st);
    case RPC_WORD_ANY:
        break;
    }
    return rpc_fail(a, st, RPC_UNIMPLEMENTED, "no such method");
}
