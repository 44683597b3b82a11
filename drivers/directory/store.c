#include "drivers/directory/store_priv.h"

#include <stdio.h>

#include "drivers/directory/directory.h"
#include "kube/json.h"

#define NAME_PART_MAX 110              /* three parts and two '~' stay below 255 with a 36-byte uid */
#define MAGIC "dormouse-artifact/1"
#define PREFIX_MAX 128
#define TOMBSTONES_BEFORE_SWEEP 1024

static const char *const dirs[] = { "artifacts", "intents", "tombstones" };

struct tombstone {
    char *sandbox_uid, *checkpoint_id;
    struct instant at;
};

struct artifacts {
    struct world *world;
    struct disk *disk;
    enum { CLOSED, OPENING, OPEN } state;
    struct waitq opened, buried;
    bool burying;
    DYN(struct artifact *) artifacts;
    DYN(struct tombstone) tombstones;
    DYN(struct blocked) blocked;
};

/* ---- names ----------------------------------------------------------------------------------- */

static bool plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

static void add_part(struct buf *b, const char *text)
{
    for (; *text; text++) {
        if (plain(*text))
            buf_add_char(b, *text);
        else
            buf_printf(b, "%%%02X", (unsigned char)*text);
    }
}

static size_t part_len(const char *text)
{
    size_t n = 0;

    for (; *text; text++)
        n += plain(*text) ? 1 : 3;
    return n;
}

bool artifacts_id_ok(const char *id)
{
    return *id && strlen(id) <= ID_MAX && part_len(id) <= NAME_PART_MAX;
}

/* DIR/[mark]SANDBOX~ID[~UID] */
static char *file_path(const char *dir, const char *mark, const char *sandbox_uid, const char *checkpoint_id,
                       const char *snapshot_uid)
{
    struct buf b = BUF_INIT;

    buf_printf(&b, "%s/%s", dir, mark);
    add_part(&b, sandbox_uid);
    buf_add_char(&b, '~');
    add_part(&b, checkpoint_id);
    if (snapshot_uid) {
        buf_add_char(&b, '~');
        add_part(&b, snapshot_uid);
    }
    return buf_steal(&b);
}

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static char *part_text(const char *part, size_t len)
{
    struct buf b = BUF_INIT;

    for (size_t i = 0; i < len; i++) {
        if (part[i] == '%' && len - i > 2 && hex(part[i + 1]) >= 0 && hex(part[i + 2]) >= 0) {
            buf_add_char(&b, (char)(hex(part[i + 1]) << 4 | hex(part[i + 2])));
            i += 2;
        } else {
            buf_add_char(&b, part[i]);
        }
    }
    return b.data ? buf_steal(&b) : xstrdup("");
}

/* Up to `n` parts of a file name; those that are not there are NULL. False: it has another number. */
static bool name_parts(const char *name, char **parts, size_t n)
{
    size_t i = 0;

    memset(parts, 0, n * sizeof(*parts));
    for (;; i++) {
        const char *end = strchrnul(name, '~');
        if (i < n)
            parts[i] = part_text(name, (size_t)(end - name));
        if (!*end)
            break;
        name = end + 1;
    }
    return i + 1 == n;
}

static void free_parts(char **parts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(parts[i]);
}

/* ---- small steps on the disk ----------------------------------------------------------------- */

static int write_durably(struct co *co, struct disk *disk, const char *path, const struct buf *content,
                         struct err *e)
{
    int handle = disk_open(co, disk, path, DISK_WRITE | DISK_CREATE | DISK_TRUNC, e), r;

    if (handle < 0)
        return handle;
    r = disk_write(co, disk, handle, 0, content->data, content->len, e);
    if (r >= 0)
        r = disk_sync(co, disk, handle, e);
    disk_close(disk, handle);
    return r < 0 ? r : 0;
}

static int remove_if_there(struct co *co, struct disk *disk, const char *path, struct err *e)
{
    int r = disk_unlink(co, disk, path, e);

    return r == -ERR_NOT_FOUND ? 0 : r;
}

/* ---- what is in memory ----------------------------------------------------------------------- */

static void artifact_free(struct artifact *art)
{
    free(art->sandbox_uid);
    free(art->checkpoint_id);
    free(art->snapshot_uid);
    free(art->file);
    free(art->pod_uid);
    free(art->metadata_checksum);
    arena_free(art->arena);
    free(art);
}

static struct artifact *artifact_new(const char *file)
{
    struct artifact *art = xcalloc(1, sizeof(*art));
    char *parts[3];

    name_parts(file, parts, 3);
    art->sandbox_uid = parts[0];
    art->checkpoint_id = parts[1];
    art->snapshot_uid = parts[2];
    art->file = xstrdup(file);
    art->pod_uid = xstrdup("");
    art->metadata_checksum = xstrdup("");
    art->arena = arena_new();
    return art;
}

static void artifact_add(struct artifacts *s, struct artifact *art)
{
    size_t at = s->artifacts.n;

    *dyn_push(&s->artifacts) = art;
    for (; at > 0 && strcmp(s->artifacts.v[at - 1]->file, art->file) > 0; at--)
        s->artifacts.v[at] = s->artifacts.v[at - 1];
    s->artifacts.v[at] = art;
}

static void artifact_drop(struct artifacts *s, struct artifact *art)
{
    size_t i = 0;

    while (s->artifacts.v[i] != art)
        i++;
    memmove(&s->artifacts.v[i], &s->artifacts.v[i + 1], (s->artifacts.n - i - 1) * sizeof(*s->artifacts.v));
    s->artifacts.n--;
    artifact_free(art);
}

struct artifact **artifacts_all(struct artifacts *s, size_t *ret_n)
{
    *ret_n = s->artifacts.n;
    return s->artifacts.v;
}

struct artifact *artifacts_by_id(struct artifacts *s, const char *checkpoint_id)
{
    for (size_t i = 0; i < s->artifacts.n; i++)
        if (streq(s->artifacts.v[i]->checkpoint_id, checkpoint_id))
            return s->artifacts.v[i];
    return NULL;
}

struct artifact *artifacts_by_uid(struct artifacts *s, const char *snapshot_uid)
{
    for (size_t i = 0; i < s->artifacts.n; i++)
        if (streq(s->artifacts.v[i]->snapshot_uid, snapshot_uid))
            return s->artifacts.v[i];
    return NULL;
}

bool artifacts_pod_is_source(struct artifacts *s, const char *pod_uid)
{
    for (size_t i = 0; i < s->artifacts.n; i++)
        if (!s->artifacts.v[i]->dying && streq(s->artifacts.v[i]->pod_uid, pod_uid))
            return true;
    return false;
}

static size_t blocked_index(const struct artifacts *s, const char *checkpoint_id)
{
    size_t i = 0;

    while (i < s->blocked.n && !streq(s->blocked.v[i].checkpoint_id, checkpoint_id))
        i++;
    return i;
}

const struct blocked *artifacts_blocked(struct artifacts *s, const char *checkpoint_id)
{
    size_t at = blocked_index(s, checkpoint_id);

    return at < s->blocked.n ? &s->blocked.v[at] : NULL;
}

static void blocked_free(struct blocked *b)
{
    free(b->sandbox_uid);
    free(b->checkpoint_id);
    free(b->pod_uid);
}

/* ---- an artifact's file ---------------------------------------------------------------------- */

static void header_write(struct buf *b, const struct checkpoint_request *q, int64_t created, size_t len)
{
    json_auto_t *parameters = json_object(), *header = NULL;

    for (size_t i = 0; i < q->parameters.n; i++)
        json_object_set_new(parameters, q->parameters.v[i].key, json_string(q->parameters.v[i].value));
    header = json_pack("{s:s,s:s,s:s,s:s,s:s,s:O,s:I,s:I}", "sandboxName", q->sandbox_name,
                       "sandboxNamespace", q->sandbox_namespace, "podName", q->pod_name, "podUID", q->pod_uid,
                       "nodeName", q->node_name, "parameters", parameters, "creationTimeUnixMs",
                       (json_int_t)created, "sizeBytes", (json_int_t)len);
    json_write(b, header, JSON_WRITE_SORTED);
    buf_add_char(b, '\n');
}

static void artifact_write(struct buf *b, const struct checkpoint_request *q, int64_t created,
                           const void *image, size_t len)
{
    cleanup_buf struct buf header = BUF_INIT;
    uint64_t sum;

    header_write(&header, q, created, len);
    sum = hash64(hash64(HASH64_INIT, header.data, header.len), image, len);
    buf_printf(b, MAGIC " %016llx %zu %zu\n", (unsigned long long)sum, header.len, len);
    buf_add(b, header.data, header.len);
    buf_add(b, image, len);
}

/* Where header and image stand in the file's bytes; false: they are not what was written. */
static bool artifact_check(const struct buf *b, size_t *ret_header, size_t *ret_header_len, size_t *ret_len,
                           char ret_sum[17])
{
    char line[PREFIX_MAX + 1], again[PREFIX_MAX];
    unsigned long long sum;
    size_t n = b->len < PREFIX_MAX ? b->len : PREFIX_MAX, header_len, len;
    char *end;

    memcpy(line, b->data ? b->data : "", n);
    line[n] = '\0';
    end = strchr(line, '\n');
    if (!end)
        return false;
    end[1] = '\0';
    if (sscanf(line, MAGIC " %16llx %zu %zu", &sum, &header_len, &len) != 3)
        return false;
    snprintf(again, sizeof(again), MAGIC " %016llx %zu %zu\n", sum, header_len, len);
    n = strlen(again);
    if (!streq(again, line) || header_len > b->len - n || len != b->len - n - header_len)
        return false;
    if (hash64(HASH64_INIT, b->data + n, header_len + len) != sum)
        return false;
    *ret_header = n;
    *ret_header_len = header_len;
    *ret_len = len;
    snprintf(ret_sum, 17, "%016llx", sum);
    return true;
}

static int compare_kv(const void *a, const void *b)
{
    return strcmp(((const struct kv *)a)->key, ((const struct kv *)b)->key);
}

/* Fills `art` from its file's bytes; sets `corrupt` instead where they are not what was written. */
static void artifact_load(struct artifact *art, const struct buf *b)
{
    size_t at, header_len, len, n = 0;
    char sum[17];
    json_auto_t *header = NULL;
    json_t *parameters, *value;
    const char *key;
    struct kv *v;

    art->corrupt = !artifact_check(b, &at, &header_len, &len, sum);
    if (!art->corrupt)
        header = json_parse(b->data + at, header_len, 0, NULL, NULL);
    parameters = json_object_get(header, "parameters");
    if (!json_is_object(parameters)) {
        art->corrupt = true;
        return;
    }
    v = arena_alloc(art->arena, (json_object_size(parameters) + 1) * sizeof(*v));
    json_object_foreach(parameters, key, value)
        v[n++] = (struct kv){ arena_strdup(art->arena, key),
                              arena_strdup(art->arena, json_string_value(value) ? json_string_value(value)
                                                                                 : "") };
    qsort(v, n, sizeof(*v), compare_kv);
    art->parameters = (struct kvmap){ v, n };
    free(art->pod_uid);
    free(art->metadata_checksum);
    value = json_object_get(header, "podUID");
    art->pod_uid = xstrdup(json_string_value(value) ? json_string_value(value) : "");
    art->metadata_checksum = xstrdup(sum);
    art->creation_time_unix_ms = json_integer_value(json_object_get(header, "creationTimeUnixMs"));
    art->size_bytes = (int64_t)len;
}

int artifacts_read(struct co *co, struct artifacts *s, const struct artifact *art, struct buf *ret, struct err *e)
{
    cleanup_buf struct buf b = BUF_INIT;
    cleanup_free char *path = xasprintf("artifacts/%s", art->file);
    size_t at, header_len, len;
    char sum[17];
    int r = disk_read_file(co, s->disk, path, IMAGE_MAX, &b, e);

    if (r == -ERR_NOT_FOUND || r == -ERR_TOO_LARGE)
        return err_set(e, ERR_PROTOCOL, "the artifact's file is missing or too large");
    if (r < 0)
        return r;
    if (!artifact_check(&b, &at, &header_len, &len, sum))
        return err_set(e, ERR_PROTOCOL, "the artifact is not what was written (checksum)");
    buf_add(ret, b.data + at + header_len, len);
    return 0;
}

/* ---- an attempt ------------------------------------------------------------------------------ */

int artifacts_begin(struct co *co, struct artifacts *s, const char *sandbox_uid, const char *checkpoint_id,
                const char *pod_uid, bool was_running, struct err *e)
{
    cleanup_free char *path = file_path("intents", "", sandbox_uid, checkpoint_id, NULL);
    cleanup_buf struct buf b = BUF_INIT;
    json_auto_t *intent = json_pack("{s:s,s:b}", "podUID", pod_uid, "wasRunning", was_running);
    int r;

    json_write(&b, intent, JSON_WRITE_SORTED);
    r = write_durably(co, s->disk, path, &b, e);
    return r < 0 ? r : disk_sync_dir(co, s->disk, "intents", e);
}

static int intent_remove(struct co *co, struct artifacts *s, const char *sandbox_uid, const char *checkpoint_id,
                         struct err *e)
{
    cleanup_free char *path = file_path("intents", "", sandbox_uid, checkpoint_id, NULL);
    int r = remove_if_there(co, s->disk, path, e);

    return r < 0 ? r : disk_sync_dir(co, s->disk, "intents", e);
}

int artifacts_commit(struct co *co, struct artifacts *s, const struct checkpoint_request *q,
                 const char *snapshot_uid, const void *image, size_t len, struct artifact **ret,
                 struct err *e)
{
    cleanup_free char *partial = file_path("artifacts", "+", q->sandbox_uid, q->checkpoint_id, snapshot_uid);
    cleanup_free char *final = file_path("artifacts", "", q->sandbox_uid, q->checkpoint_id, snapshot_uid);
    cleanup_buf struct buf b = BUF_INIT;
    struct artifact *art;
    int r;

    artifact_write(&b, q, world_now(s->world).ns / 1000000, image, len);
    r = write_durably(co, s->disk, partial, &b, e);
    if (r >= 0)
        r = disk_rename(co, s->disk, partial, final, e);
    if (r >= 0)
        r = disk_sync_dir(co, s->disk, "artifacts", e);
    if (r >= 0)
        r = intent_remove(co, s, q->sandbox_uid, q->checkpoint_id, e);
    if (r < 0)
        return r;
    art = artifact_new(final + strlen("artifacts/"));
    artifact_load(art, &b);
    artifact_add(s, art);
    *ret = art;
    return 0;
}

/* Every file of the key in artifacts/, whole or partial; durable. */
static int remove_artifacts_of(struct co *co, struct artifacts *s, const char *sandbox_uid,
                               const char *checkpoint_id, struct err *e)
{
    cleanup_arena struct arena *a = arena_new();
    cleanup_free char *key = file_path("artifacts", "", sandbox_uid, checkpoint_id, "");
    const char *stem = key + strlen("artifacts/");
    const char *const *names;
    size_t n;
    int r = disk_list(co, s->disk, "artifacts", a, &names, &n, e);

    for (size_t i = 0; i < n && r >= 0; i++)
        if (str_starts(names[i] + (names[i][0] == '+'), stem))
            r = remove_if_there(co, s->disk, arena_printf(a, "artifacts/%s", names[i]), e);
    return r < 0 ? r : disk_sync_dir(co, s->disk, "artifacts", e);
}

int artifacts_abort(struct co *co, struct artifacts *s, const char *sandbox_uid, const char *checkpoint_id,
                const char *pod_uid, bool was_running, struct err *e)
{
    int r = remove_artifacts_of(co, s, sandbox_uid, checkpoint_id, e);
    size_t at;

    if (r >= 0)
        r = intent_remove(co, s, sandbox_uid, checkpoint_id, e);
    at = blocked_index(s, checkpoint_id);
    if (r < 0 && at == s->blocked.n)
        *dyn_push(&s->blocked) = (struct blocked){ xstrdup(sandbox_uid), xstrdup(checkpoint_id),
                                                   xstrdup(pod_uid), was_running };
    if (r >= 0 && at < s->blocked.n) {
        blocked_free(&s->blocked.v[at]);
        s->blocked.v[at] = s->blocked.v[--s->blocked.n];
    }
    return r;
}

/* ---- tombstones ------------------------------------------------------------------------------ */

static bool tombstone_old(const struct artifacts *s, const struct tombstone *t)
{
    return instant_sub(world_now(s->world), t->at) > TOMBSTONE_LIFE;
}

bool artifacts_tombstoned(struct artifacts *s, const char *sandbox_uid, const char *checkpoint_id)
{
    for (size_t i = 0; i < s->tombstones.n; i++) {
        const struct tombstone *t = &s->tombstones.v[i];
        if (streq(t->checkpoint_id, checkpoint_id) &&
            (!*t->sandbox_uid || streq(t->sandbox_uid, sandbox_uid)) && !tombstone_old(s, t))
            return true;
    }
    return false;
}

static void tombstone_add(struct artifacts *s, const char *sandbox_uid, const char *checkpoint_id,
                          struct instant at)
{
    for (size_t i = 0; i < s->tombstones.n; i++) {
        struct tombstone *t = &s->tombstones.v[i];
        if (streq(t->checkpoint_id, checkpoint_id) && streq(t->sandbox_uid, sandbox_uid)) {
            t->at = at;
            return;
        }
    }
    *dyn_push(&s->tombstones) = (struct tombstone){ xstrdup(sandbox_uid), xstrdup(checkpoint_id), at };
}

static void tombstone_drop(struct artifacts *s, size_t i)
{
    free(s->tombstones.v[i].sandbox_uid);
    free(s->tombstones.v[i].checkpoint_id);
    s->tombstones.v[i] = s->tombstones.v[--s->tombstones.n];
}

/* Forgets the old ones. One that a crash brings back is old still. */
static int sweep(struct co *co, struct artifacts *s, struct err *e)
{
    for (size_t i = 0; i < s->tombstones.n;) {
        struct tombstone *t = &s->tombstones.v[i];
        cleanup_free char *path = NULL;
        int r;
        if (!tombstone_old(s, t)) {
            i++;
            continue;
        }
        path = file_path("tombstones", "", t->sandbox_uid, t->checkpoint_id, NULL);
        tombstone_drop(s, i);
        r = remove_if_there(co, s->disk, path, e);
        if (r < 0)
            return r;
    }
    return 0;
}

static int bury(struct co *co, struct artifacts *s, const char *sandbox_uid, const char *checkpoint_id,
                struct err *e)
{
    cleanup_free char *path = file_path("tombstones", "", sandbox_uid, checkpoint_id, NULL);
    cleanup_buf struct buf b = BUF_INIT;
    struct instant now = world_now(s->world);
    int r = 0;

    if (s->tombstones.n >= TOMBSTONES_BEFORE_SWEEP)
        r = sweep(co, s, e);
    buf_printf(&b, "%lld\n", (long long)(now.ns / 1000000));
    if (r >= 0)
        r = write_durably(co, s->disk, path, &b, e);
    if (r >= 0)
        r = disk_sync_dir(co, s->disk, "tombstones", e);
    if (r >= 0)
        tombstone_add(s, sandbox_uid, checkpoint_id, now);
    return r;
}

/* One at a time: a sweep must not take what another call has just written. */
int artifacts_bury(struct co *co, struct artifacts *s, const char *sandbox_uid, const char *checkpoint_id,
               struct err *e)
{
    int r;

    while (s->burying)
        if (waitq_wait(co, &s->buried) < 0)
            return err_set(e, ERR_CANCELLED, "cancelled");
    s->burying = true;
    r = bury(co, s, sandbox_uid, checkpoint_id, e);
    s->burying = false;
    waitq_wake_one(&s->buried);
    return r;
}

int artifacts_remove(struct co *co, struct artifacts *s, struct artifact *art, struct err *e)
{
    cleanup_free char *path = xasprintf("artifacts/%s", art->file);
    int r = remove_if_there(co, s->disk, path, e);

    art->dying = true;
    if (r >= 0)
        r = disk_sync_dir(co, s->disk, "artifacts", e);
    if (r >= 0)
        artifact_drop(s, art);
    return r;
}

/* ---- opening --------------------------------------------------------------------------------- */

static int make_dirs(struct co *co, struct artifacts *s, struct err *e)
{
    for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
        int r = disk_mkdir(co, s->disk, dirs[i], e);
        if (r < 0 && r != -ERR_EXISTS)
            return r;
    }
    return disk_sync_dir(co, s->disk, "", e);
}

static int load_tombstones(struct co *co, struct artifacts *s, struct arena *a, struct err *e)
{
    const char *const *names;
    size_t n;
    int r = disk_list(co, s->disk, "tombstones", a, &names, &n, e);

    for (size_t i = 0; i < n && r >= 0; i++) {
        cleanup_buf struct buf b = BUF_INIT;
        char *parts[2];
        struct instant at = world_now(s->world);
        int64_t ms;
        r = disk_read_file(co, s->disk, arena_printf(a, "tombstones/%s", names[i]), 64, &b, e);
        if (r == -ERR_CANCELLED)
            break;
        /* One that was torn counts from now: it may have been answered OK. */
        if (r >= 0 && b.len > 1 && b.data[b.len - 1] == '\n') {
            b.data[b.len - 1] = '\0';
            if (parse_i64(b.data, &ms) && ms <= at.ns / 1000000 && ms >= 0)
                at.ns = ms * 1000000;
        }
        if (name_parts(names[i], parts, 2))
            tombstone_add(s, parts[0], parts[1], at);
        free_parts(parts, 2);
        r = 0;
    }
    return r < 0 ? r : sweep(co, s, e);
}

/* An intent: its attempt was never answered OK. */
static int undo(struct co *co, struct artifacts *s, const char *name, struct arena *a, artifacts_thaw_fn *thaw,
                void *arg, struct err *e)
{
    cleanup_buf struct buf b = BUF_INIT;
    json_auto_t *intent = NULL;
    char *parts[2];
    int r = disk_read_file(co, s->disk, arena_printf(a, "intents/%s", name), 4096, &b, e);

    if (r == -ERR_CANCELLED)
        return r;
    if (!name_parts(name, parts, 2)) {
        free_parts(parts, 2);
        return remove_if_there(co, s->disk, arena_printf(a, "intents/%s", name), e);
    }
    r = remove_artifacts_of(co, s, parts[0], parts[1], e);
    /* A torn intent was not durable yet: nothing had been frozen for it. */
    if (r >= 0)
        intent = json_parse(b.data ? b.data : "", b.len, 0, NULL, NULL);
    if (r >= 0 && json_is_true(json_object_get(intent, "wasRunning")) &&
        json_is_string(json_object_get(intent, "podUID")))
        thaw(arg, json_string_value(json_object_get(intent, "podUID")));
    if (r >= 0)
        r = intent_remove(co, s, parts[0], parts[1], e);
    free_parts(parts, 2);
    return r;
}

static int load_artifact(struct co *co, struct artifacts *s, const char *name, struct arena *a, struct err *e)
{
    const char *path = arena_printf(a, "artifacts/%s", name);
    cleanup_buf struct buf b = BUF_INIT;
    struct artifact *art;
    char *parts[3];
    bool ours = name_parts(name, parts, 3);
    int r;

    free_parts(parts, 3);
    if (!ours)
        return 0;                      /* somebody else's file: neither used nor touched */
    art = artifact_new(name);
    if (name[0] == '+' || artifacts_tombstoned(s, art->sandbox_uid, art->checkpoint_id)) {
        artifact_free(art);
        return remove_if_there(co, s->disk, path, e);
    }
    r = disk_read_file(co, s->disk, path, IMAGE_MAX, &b, e);
    if (r == -ERR_CANCELLED) {
        artifact_free(art);
        return r;
    }
    artifact_load(art, &b);
    artifact_add(s, art);
    return 0;
}

static int load_artifacts(struct co *co, struct artifacts *s, struct arena *a, struct err *e)
{
    const char *const *names;
    size_t n;
    int r = disk_list(co, s->disk, "artifacts", a, &names, &n, e);

    for (size_t i = 0; i < n && r >= 0; i++)
        r = load_artifact(co, s, names[i], a, e);
    return r < 0 ? r : disk_sync_dir(co, s->disk, "artifacts", e);
}

static void forget(struct artifacts *s)
{
    for (size_t i = 0; i < s->artifacts.n; i++)
        artifact_free(s->artifacts.v[i]);
    s->artifacts.n = 0;
    while (s->tombstones.n)
        tombstone_drop(s, 0);
}

static int open_now(struct co *co, struct artifacts *s, artifacts_thaw_fn *thaw, void *arg, struct err *e)
{
    cleanup_arena struct arena *a = arena_new();
    const char *const *names;
    size_t n;
    int r = make_dirs(co, s, e);

    forget(s);
    if (r >= 0)
        r = load_tombstones(co, s, a, e);
    if (r >= 0)
        r = disk_list(co, s->disk, "intents", a, &names, &n, e);
    for (size_t i = 0; r >= 0 && i < n; i++)
        r = undo(co, s, names[i], a, thaw, arg, e);
    if (r >= 0)
        r = load_artifacts(co, s, a, e);
    return r;
}

int artifacts_open(struct co *co, struct artifacts *s, artifacts_thaw_fn *thaw, void *arg, struct err *e)
{
    int r;

    while (s->state == OPENING) {
        r = waitq_wait(co, &s->opened);
        if (r < 0)
            return err_set(e, ERR_CANCELLED, "cancelled");
    }
    if (s->state == OPEN)
        return 0;
    s->state = OPENING;
    r = open_now(co, s, thaw, arg, e);
    s->state = r < 0 ? CLOSED : OPEN;
    waitq_wake_all(&s->opened);
    return r < 0 ? err_wrap(e, r, "open the driver's directory") : 0;
}

/* ---- the store ------------------------------------------------------------------------------- */

struct artifacts *artifacts_new(struct world *w, struct disk *disk)
{
    struct artifacts *s = xcalloc(1, sizeof(*s));

    s->world = w;
    s->disk = disk;
    return s;
}

struct artifacts *artifacts_free(struct artifacts *s)
{
    if (!s)
        return NULL;
    forget(s);
    for (size_t i = 0; i < s->blocked.n; i++)
        blocked_free(&s->blocked.v[i]);
    dyn_release(&s->artifacts);
    dyn_release(&s->tombstones);
    dyn_release(&s->blocked);
    free(s);
    return NULL;
}

int artifacts_files(struct co *co, struct artifacts *s, struct arena *arena, const char *const **ret_names,
                size_t *ret_n, struct err *e)
{
    DYN(const char *) all = { 0 };
    const char **v;

    for (size_t d = 0; d < 2; d++) {   /* artifacts and intents: tombstones hold nothing of a snapshot */
        const char *const *names;
        size_t n;
        int r = disk_list(co, s->disk, dirs[d], arena, &names, &n, e);
        if (r == -ERR_NOT_FOUND)
            continue;
        if (r < 0) {
            dyn_release(&all);
            return r;
        }
        for (size_t i = 0; i < n; i++)
            *dyn_push(&all) = arena_printf(arena, "%s/%s", dirs[d], names[i]);
    }
    v = arena_alloc(arena, (all.n + 1) * sizeof(*v));
    if (all.n)
        memcpy(v, all.v, all.n * sizeof(*v));
    *ret_names = v;
    *ret_n = all.n;
    dyn_release(&all);
    return 0;
}
