/* A data file with any of its bytes changed, and its write-ahead log too, is refused with a word or opens with all
 * that it says; never a crash, never a hang. The input is a list of edits: which file, where (three bytes), what. */
#include "fakeapi/store/commitlog_sqlite.h"
#include "fakeapi/store/crash_vfs.h"
#include "kube/json.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define EDIT 5
#define EDITS_MAX 64

static const char *const files[] = { "data", "data-wal" };

static struct store *open_on(struct crash_vfs *disk, struct err *e)
{
    struct commitlog *log = commitlog_sqlite_new(&(struct commitlog_sqlite_options){
        .path = "data", .vfs = crash_vfs_name(disk), .fold_after = 8 }, e);

    return log ? store_open(log, e) : NULL;
}

/* Some keys, some history, a compaction; the process died. */
static struct crash_vfs *good_disk(void)
{
    struct crash_vfs *disk = crash_vfs_new(), *left;
    struct store *s = open_on(disk, NULL);
    char key[16];

    for (int i = 0; i < 24; i++) {
        snprintf(key, sizeof(key), "/k/%d", i % 7);
        store_put(s, key, value_from_tree(json_pack("{s:i, s:s}", "n", i, "text", "some of it")), STORE_ANY, NULL);
        if (i % 5 == 0)
            store_delete(s, key, STORE_ANY, NULL, NULL);
        if (i == 12)
            store_compact(s, 8);
        if (i % 3 == 0)
            store_sync(s, NULL);
    }
    left = crash_vfs_after(disk, crash_vfs_steps(disk), CRASH_NONE, 1);
    store_free(s);
    crash_vfs_free(disk);
    return left;
}

static void edit(struct crash_vfs *disk, const uint8_t *e)
{
    size_t len, at = (size_t)e[1] << 16 | (size_t)e[2] << 8 | e[3];
    char *content = crash_vfs_content(disk, files[e[0] % 2], &len);

    if (content && e[0] < 0xf0)
        content[at % len] = (char)e[4];
    else if (content)
        crash_vfs_put(disk, files[e[0] % 2], content, at % len);  /* cut short */
}

static bool read_value(void *arg, const struct record *r)
{
    assert(value_tree(r->value));
    ++*(size_t *)arg;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup_arena struct arena *a = arena_new();
    struct err e = ERR_IN(a);
    struct crash_vfs *disk;
    struct store *s;
    size_t n = 0;

    json_object_seed(1);
    disk = good_disk();
    for (size_t i = 0; i < EDITS_MAX && (i + 1) * EDIT <= size; i++)
        edit(disk, data + i * EDIT);
    s = open_on(disk, &e);
    assert(s || (*err_message(&e) && e.code));
    if (s) {
        assert(store_range(s, "", NULL, 0, 0, read_value, &n, NULL) == 0);
        assert(n == store_count(s, ""));
        store_free(s);
    }
    crash_vfs_free(disk);
    return 0;
}
