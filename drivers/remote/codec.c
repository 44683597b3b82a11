#include "drivers/remote/codec.h"

#include "drivers/snapshot.pb-c.h"

/* ---- the tables ------------------------------------------------------------------------------ */

enum field_kind {
    TEXT,                              /* const char *, never NULL */
    INT64,
    MAP,                               /* struct kvmap */
    CAPABILITIES,                      /* unsigned, or-ed; repeated enum on the wire */
    ENTRIES,                           /* struct snapshot_list_response */
};

struct field {
    uint32_t number;
    enum field_kind kind;
    size_t at;
};

struct codec_shape {
    const ProtobufCMessageDescriptor *descriptor;
    size_t size;                       /* of our struct; 0: it has none */
    const struct field *fields;
    size_t n;
};

#define F(number, kind, type, member) { number, kind, offsetof(struct type, member) }

static const struct field
    info_fields[] = {
        F(1, TEXT, driver_info, name),
        F(2, TEXT, driver_info, version),
        F(3, CAPABILITIES, driver_info, capabilities),
    },
    checkpoint_fields[] = {
        F(1, TEXT, checkpoint_request, sandbox_name),
        F(2, TEXT, checkpoint_request, sandbox_namespace),
        F(3, TEXT, checkpoint_request, pod_name),
        F(4, MAP, checkpoint_request, parameters),
        F(5, TEXT, checkpoint_request, checkpoint_id),
        F(6, TEXT, checkpoint_request, sandbox_uid),
        F(7, TEXT, checkpoint_request, pod_uid),
        F(8, TEXT, checkpoint_request, node_name),
    },
    checkpointed_fields[] = {
        F(1, TEXT, checkpoint_response, snapshot_uid),
        F(2, INT64, checkpoint_response, size_bytes),
        F(3, MAP, checkpoint_response, driver_metadata),
        F(4, INT64, checkpoint_response, creation_time_unix_ms),
    },
    restore_fields[] = {
        F(1, TEXT, restore_request, sandbox_name),
        F(2, TEXT, restore_request, sandbox_namespace),
        F(3, TEXT, restore_request, snapshot_uid),
        F(4, MAP, restore_request, parameters),
        F(5, MAP, restore_request, driver_metadata),
        F(6, TEXT, restore_request, sandbox_uid),
        F(7, TEXT, restore_request, pod_name),
    },
    restored_fields[] = {
        F(1, MAP, restore_response, restore_metadata),
    },
    delete_fields[] = {
        F(1, TEXT, snapshot_delete_request, snapshot_uid),
        F(2, MAP, snapshot_delete_request, parameters),
        F(3, TEXT, snapshot_delete_request, checkpoint_id),
        F(4, MAP, snapshot_delete_request, driver_metadata),
        F(5, TEXT, snapshot_delete_request, sandbox_uid),
    },
    freeze_fields[] = {
        F(1, TEXT, freeze_request, sandbox_name),
        F(2, TEXT, freeze_request, sandbox_namespace),
        F(3, TEXT, freeze_request, pod_name),
        F(4, MAP, freeze_request, parameters),
        F(6, TEXT, freeze_request, sandbox_uid),
        F(7, TEXT, freeze_request, pod_uid),
        F(8, TEXT, freeze_request, node_name),
    },
    list_fields[] = {
        F(1, TEXT, snapshot_list_request, sandbox_uid),
        F(2, MAP, snapshot_list_request, parameters),
    },
    listed_fields[] = {
        { 1, ENTRIES, 0 },
    },
    entry_fields[] = {
        F(1, TEXT, snapshot_list_entry, snapshot_uid),
        F(2, TEXT, snapshot_list_entry, checkpoint_id),
        F(3, INT64, snapshot_list_entry, size_bytes),
        F(4, INT64, snapshot_list_entry, creation_time_unix_ms),
    };

#define DESCRIPTOR(name) &agents__x_k8s__io__v1beta1__##name##__descriptor
#define SHAPE(name, type, table) { DESCRIPTOR(name), sizeof(struct type), table, ARRAY_SIZE(table) }
#define EMPTY(name) { DESCRIPTOR(name), 0, NULL, 0 }

static const struct codec_shape
    info_q = EMPTY(get_driver_info_request),
    info_r = SHAPE(get_driver_info_response, driver_info, info_fields),
    checkpoint_q = SHAPE(checkpoint_request, checkpoint_request, checkpoint_fields),
    checkpoint_r = SHAPE(checkpoint_response, checkpoint_response, checkpointed_fields),
    restore_q = SHAPE(restore_request, restore_request, restore_fields),
    restore_r = SHAPE(restore_response, restore_response, restored_fields),
    delete_q = SHAPE(delete_request, snapshot_delete_request, delete_fields),
    delete_r = EMPTY(delete_response),
    freeze_q = SHAPE(freeze_request, freeze_request, freeze_fields),
    freeze_r = EMPTY(freeze_response),
    unfreeze_q = SHAPE(unfreeze_request, freeze_request, freeze_fields),
    unfreeze_r = EMPTY(unfreeze_response),
    list_q = SHAPE(list_request, snapshot_list_request, list_fields),
    list_r = SHAPE(list_response, snapshot_list_response, listed_fields),
    entry_shape = SHAPE(snapshot_entry, snapshot_list_entry, entry_fields);

static const struct codec_method methods[] = {
    [DRIVER_GET_INFO] = { "GetDriverInfo", DURATION_S(5), &info_q, &info_r },
    [DRIVER_CHECKPOINT] = { "Checkpoint", DURATION_MIN(5), &checkpoint_q, &checkpoint_r },
    [DRIVER_RESTORE] = { "Restore", DURATION_MIN(5), &restore_q, &restore_r },
    [DRIVER_DELETE] = { "Delete", DURATION_MIN(1), &delete_q, &delete_r },
    [DRIVER_FREEZE_POD] = { "Freeze", DURATION_S(10), &freeze_q, &freeze_r },
    [DRIVER_UNFREEZE_POD] = { "Unfreeze", DURATION_S(10), &unfreeze_q, &unfreeze_r },
    [DRIVER_LIST_SNAPSHOTS] = { "List", DURATION_MIN(1), &list_q, &list_r },
};
static_assert(ARRAY_SIZE(methods) == DRIVER_METHODS, "one row for each method");

const struct codec_method *codec_method(enum driver_method m)
{
    return &methods[m];
}

const char *driver_method_name(enum driver_method m)
{
    return methods[m].name;
}

duration driver_method_deadline(enum driver_method m)
{
    return methods[m].deadline;
}

/* ---- writing --------------------------------------------------------------------------------- */

/* A member of protobuf-c's struct, by its descriptor. */
#define MEMBER(type, message, offset) (*(type *)((char *)(message) + (offset)))

static ProtobufCMessage *new_message(const ProtobufCMessageDescriptor *d, struct arena *a)
{
    ProtobufCMessage *m = arena_alloc(a, d->sizeof_message);

    protobuf_c_message_init(d, m);
    return m;
}

static void set_repeated(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f, size_t n, void *values)
{
    MEMBER(size_t, m, f->quantifier_offset) = n;
    MEMBER(void *, m, f->offset) = values;
}

static void put_map(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f, const struct kvmap *map,
                    struct arena *a)
{
    const ProtobufCMessageDescriptor *d = f->descriptor;
    const ProtobufCFieldDescriptor *key = protobuf_c_message_descriptor_get_field(d, 1),
                                   *value = protobuf_c_message_descriptor_get_field(d, 2);
    ProtobufCMessage **v = arena_alloc(a, map->n * sizeof(*v));

    for (size_t i = 0; i < map->n; i++) {
        v[i] = new_message(d, a);
        MEMBER(const char *, v[i], key->offset) = map->v[i].key;
        MEMBER(const char *, v[i], value->offset) = map->v[i].value;
    }
    set_repeated(m, f, map->n, v);
}

static void put_capabilities(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f, unsigned bits,
                             struct arena *a)
{
    int *v = arena_alloc(a, 32 * sizeof(*v));
    size_t n = 0;

    for (int i = 0; i < 32; i++)
        if (bits & 1u << i)
            v[n++] = i + 1;            /* the wire numbers them from 1 */
    set_repeated(m, f, n, v);
}

static ProtobufCMessage *to_message(const struct codec_shape *shape, const void *ours, struct arena *a);

static void put_entries(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f,
                        const struct snapshot_list_response *list, struct arena *a)
{
    ProtobufCMessage **v = arena_alloc(a, list->n * sizeof(*v));

    for (size_t i = 0; i < list->n; i++)
        v[i] = to_message(&entry_shape, &list->v[i], a);
    set_repeated(m, f, list->n, v);
}

static ProtobufCMessage *to_message(const struct codec_shape *shape, const void *ours, struct arena *a)
{
    ProtobufCMessage *m = new_message(shape->descriptor, a);

    for (size_t i = 0; i < shape->n; i++) {
        const struct field *field = &shape->fields[i];
        const ProtobufCFieldDescriptor *f =
            protobuf_c_message_descriptor_get_field(shape->descriptor, field->number);
        const void *from = (const char *)ours + field->at;
        switch (field->kind) {
        case TEXT:
            MEMBER(const char *, m, f->offset) = *(const char *const *)from;
            break;
        case INT64:
            MEMBER(int64_t, m, f->offset) = *(const int64_t *)from;
            break;
        case MAP:
            put_map(m, f, from, a);
            break;
        case CAPABILITIES:
            put_capabilities(m, f, *(const unsigned *)from, a);
            break;
        case ENTRIES:
            put_entries(m, f, from, a);
            break;
        }
    }
    return m;
}

void codec_encode(const struct codec_shape *shape, const void *ours, struct buf *out)
{
    cleanup_arena struct arena *a = arena_new();
    ProtobufCMessage *m = to_message(shape, ours, a);
    size_t len = protobuf_c_message_get_packed_size(m);

    buf_reserve(out, len);
    out->len += protobuf_c_message_pack(m, (uint8_t *)out->data + out->len);
}

/* ---- checking the bytes ---------------------------------------------------------------------- */

static bool read_varint(const uint8_t **p, const uint8_t *end, uint64_t *ret)
{
    *ret = 0;
    for (int shift = 0; shift < 64 && *p < end; shift += 7) {
        uint8_t byte = *(*p)++;
        *ret |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return true;
    }
    return false;
}

/* Shortest-form UTF-8 without surrogates, and no NUL: what a C text can hold. */
static bool is_text(const uint8_t *p, size_t len)
{
    const uint8_t *end = p + len;

    while (p < end) {
        uint32_t c = *p++, least;
        int more = c < 0x80 ? 0 : c >= 0xc2 && c < 0xe0 ? 1 : c >= 0xe0 && c < 0xf0 ? 2
                                            : c >= 0xf0 && c < 0xf5 ? 3 : -1;
        if (c == 0 || more < 0 || end - p < more)
            return false;
        least = more == 2 ? 0x800 : more == 3 ? 0x10000 : 0;
        if (more)
            c &= 0x3fu >> more;
        for (int i = 0; i < more; i++, p++) {
            if ((*p & 0xc0) != 0x80)
                return false;
            c = c << 6 | (*p & 0x3f);
        }
        if (c < least || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff)
            return false;
    }
    return true;
}

static const char *check(const ProtobufCMessageDescriptor *d, const uint8_t *p, size_t len, struct arena *a);

static const char *check_bytes(const ProtobufCFieldDescriptor *f, const uint8_t *p, size_t len,
                               struct arena *a)
{
    if (!f)
        return NULL;                   /* an unknown field may hold anything */
    if (f->type == PROTOBUF_C_TYPE_MESSAGE)
        return check(f->descriptor, p, len, a);
    if (f->type == PROTOBUF_C_TYPE_STRING && !is_text(p, len))
        return arena_printf(a, "its %s is not UTF-8 text, or holds a NUL", f->name);
    return NULL;
}

/* NULL, or what is wrong. As deep as the messages are: two. */
static const char *check(const ProtobufCMessageDescriptor *d, const uint8_t *p, size_t len, struct arena *a)
{
    static const char broken[] = "its bytes are not a protobuf message";
    const uint8_t *end = p + len;

    while (p < end) {
        uint64_t tag, n;
        const char *why;
        if (!read_varint(&p, end, &tag) || tag >> 3 == 0 || tag >> 3 > UINT32_MAX >> 3)
            return broken;
        switch (tag & 7) {
        case 0:
            if (!read_varint(&p, end, &n))
                return broken;
            continue;
        case 1:
            n = 8;
            break;
        case 2:
            if (!read_varint(&p, end, &n))
                return broken;
            break;
        case 5:
            n = 4;
            break;
        default:
            return broken;
        }
        if (n > (uint64_t)(end - p))
            return broken;
        if ((tag & 7) == 2) {
            why = check_bytes(protobuf_c_message_descriptor_get_field(d, (unsigned)(tag >> 3)), p,
                              (size_t)n, a);
            if (why)
                return why;
        }
        p += n;
    }
    return NULL;
}

/* ---- reading --------------------------------------------------------------------------------- */

struct bounded {
    struct arena *arena;
    size_t left;
};

static void *bounded_alloc(void *arg, size_t size)
{
    struct bounded *b = arg;

    if (size > b->left)
        return NULL;
    b->left -= size;
    return arena_alloc(b->arena, size);
}

static void bounded_free(void *arg, void *p)
{
}

struct ranked {
    struct kv kv;
    size_t rank;                       /* where it stood: the last of equal keys counts */
};

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    int c = strcmp(x->kv.key, y->kv.key);

    return c ? c : (x->rank > y->rank) - (x->rank < y->rank);
}

static struct kvmap get_map(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f, struct arena *a)
{
    const ProtobufCMessageDescriptor *d = f->descriptor;
    const ProtobufCFieldDescriptor *key = protobuf_c_message_descriptor_get_field(d, 1),
                                   *value = protobuf_c_message_descriptor_get_field(d, 2);
    size_t n = MEMBER(size_t, m, f->quantifier_offset), kept = 0;
    ProtobufCMessage **entries = MEMBER(ProtobufCMessage **, m, f->offset);
    struct ranked *sorted = arena_alloc(a, (n + 1) * sizeof(*sorted));
    struct kv *v = arena_alloc(a, (n + 1) * sizeof(*v));

    for (size_t i = 0; i < n; i++)
        sorted[i] = (struct ranked){ { MEMBER(const char *, entries[i], key->offset),
                                       MEMBER(const char *, entries[i], value->offset) }, i };
    qsort(sorted, n, sizeof(*sorted), compare_ranked);
    for (size_t i = 0; i < n; i++)
        if (i + 1 == n || !streq(sorted[i].kv.key, sorted[i + 1].kv.key))
            v[kept++] = sorted[i].kv;
    return (struct kvmap){ v, kept };
}

static unsigned get_capabilities(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
    size_t n = MEMBER(size_t, m, f->quantifier_offset);
    const int *v = MEMBER(const int *, m, f->offset);
    unsigned bits = 0;

    for (size_t i = 0; i < n; i++)
        if (v[i] >= 1 && v[i] <= 32)   /* one that we do not know yet does no harm */
            bits |= 1u << (v[i] - 1);
    return bits;
}

static void from_message(const struct codec_shape *shape, const ProtobufCMessage *m, struct arena *a,
                         void *ours);

static struct snapshot_list_response get_entries(const ProtobufCMessage *m,
                                                 const ProtobufCFieldDescriptor *f, struct arena *a)
{
    size_t n = MEMBER(size_t, m, f->quantifier_offset);
    ProtobufCMessage **entries = MEMBER(ProtobufCMessage **, m, f->offset);
    struct snapshot_list_entry *v = arena_alloc(a, (n + 1) * sizeof(*v));

    for (size_t i = 0; i < n; i++)
        from_message(&entry_shape, entries[i], a, &v[i]);
    return (struct snapshot_list_response){ v, n };
}

static void from_message(const struct codec_shape *shape, const ProtobufCMessage *m, struct arena *a,
                         void *ours)
{
    for (size_t i = 0; i < shape->n; i++) {
        const struct field *field = &shape->fields[i];
        const ProtobufCFieldDescriptor *f =
            protobuf_c_message_descriptor_get_field(shape->descriptor, field->number);
        void *to = (char *)ours + field->at;
        switch (field->kind) {
        case TEXT:
            *(const char **)to = MEMBER(const char *, m, f->offset);
            break;
        case INT64:
            *(int64_t *)to = MEMBER(int64_t, m, f->offset);
            break;
        case MAP:
            *(struct kvmap *)to = get_map(m, f, a);
            break;
        case CAPABILITIES:
            *(unsigned *)to = get_capabilities(m, f);
            break;
        case ENTRIES:
            *(struct snapshot_list_response *)to = get_entries(m, f, a);
            break;
        }
    }
}

bool codec_decode(const struct codec_shape *shape, const void *data, size_t len, struct arena *a,
                  void *ours, const char **ret_why)
{
    struct bounded bounded = { a, CODEC_MEMORY_MAX };
    ProtobufCAllocator allocator = { bounded_alloc, bounded_free, &bounded };
    ProtobufCMessage *m;

    *ret_why = check(shape->descriptor, data, len, a);
    if (*ret_why)
        return false;
    m = protobuf_c_message_unpack(shape->descriptor, &allocator, len, data);
    if (!m) {
        *ret_why = "its bytes are not such a message";
        return false;
    }
    if (shape->size)
        memset(ours, 0, shape->size);
    from_message(shape, m, a, ours);
    return true;
}
