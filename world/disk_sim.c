/* The simulated disk. What is there now and what a crash would leave are two things: a file has its
 * content now, its durable content, and the changes between; a directory likewise, name by name. */
#include <stdio.h>

#include "world/disk_priv.h"

struct change {                        /* of a file: a write, or a truncation to nothing */
    bool truncate;
    uint64_t offset;
    char *data;
    size_t len;
};

struct inode {
    unsigned refs;
    bool is_dir;
    struct buf now, durable;           /* files */
    DYN(struct change) changes;
    DYN(struct entry) entries, durable_entries;  /* directories */
    DYN(struct naming) namings;
};

struct entry {
    char *name;
    struct inode *inode;
};

/* One atomic change of a directory: `gone` disappears, `name` becomes `inode`; either may be NULL. */
struct naming {
    char *gone, *name;
    struct inode *inode;
};

struct open_file {
    struct inode *inode;
    int flags;
    bool open;
};

struct sim_disk {
    struct disk base;
    struct inode *root;
    DYN(struct open_file) files;
    size_t first_live;                 /* handles below died in a crash */
};

/* ---- inodes ------------------------------------------------------------------------------------ */

static struct inode *inode_new(bool is_dir)
{
    struct inode *i = xcalloc(1, sizeof(*i));

    i->refs = 1;
    i->is_dir = is_dir;
    return i;
}

static struct inode *inode_ref(struct inode *i)
{
    if (i)
        i->refs++;
    return i;
}

static void changes_clear(struct inode *i)
{
    for (size_t n = 0; n < i->changes.n; n++)
        free(i->changes.v[n].data);
    i->changes.n = 0;
}

static void inode_unref(struct inode *i);

static void namings_clear(struct inode *i)
{
    for (size_t n = 0; n < i->namings.n; n++) {
        free(i->namings.v[n].gone);
        free(i->namings.v[n].name);
        inode_unref(i->namings.v[n].inode);
    }
    i->namings.n = 0;
}

static void inode_unref(struct inode *i)
{
    if (!i || --i->refs)
        return;
    changes_clear(i);
    namings_clear(i);
    for (size_t n = 0; n < i->entries.n; n++) {
        free(i->entries.v[n].name);
        inode_unref(i->entries.v[n].inode);
    }
    for (size_t n = 0; n < i->durable_entries.n; n++) {
        free(i->durable_entries.v[n].name);
        inode_unref(i->durable_entries.v[n].inode);
    }
    dyn_release(&i->changes);
    dyn_release(&i->namings);
    dyn_release(&i->entries);
    dyn_release(&i->durable_entries);
    buf_release(&i->now);
    buf_release(&i->durable);
    free(i);
}

/* A directory's present (durable: its durable) entries, through one small set of functions. */
struct names {
    struct entry **v;
    size_t *n, *cap;
};

static struct names names_of(struct inode *dir, bool durable)
{
    return durable ? (struct names){ &dir->durable_entries.v, &dir->durable_entries.n, &dir->durable_entries.cap }
                   : (struct names){ &dir->entries.v, &dir->entries.n, &dir->entries.cap };
}

static void name_remove(struct names s, const char *name)
{
    for (size_t i = 0; i < *s.n; i++) {
        if (!streq((*s.v)[i].name, name))
            continue;
        free((*s.v)[i].name);
        inode_unref((*s.v)[i].inode);
        (*s.v)[i] = (*s.v)[--*s.n];
        return;
    }
}

static void name_set(struct names s, const char *name, struct inode *inode)
{
    name_remove(s, name);
    dyn_grow_((void **)s.v, *s.n, s.cap, sizeof(**s.v));
    (*s.v)[(*s.n)++] = (struct entry){ xstrdup(name), inode_ref(inode) };
}

static void naming_apply(struct names s, const struct naming *n)
{
    if (n->gone)
        name_remove(s, n->gone);
    if (n->name)
        name_set(s, n->name, n->inode);
}

static void rename_entry(struct inode *dir, const char *gone, const char *name, struct inode *inode)
{
    struct naming *n = dyn_push(&dir->namings);

    *n = (struct naming){ gone ? xstrdup(gone) : NULL, name ? xstrdup(name) : NULL, inode_ref(inode) };
    naming_apply(names_of(dir, false), n);
}

static struct inode *lookup(struct inode *dir, const char *name, size_t len)
{
    for (size_t i = 0; dir->is_dir && i < dir->entries.n; i++)
        if (strlen(dir->entries.v[i].name) == len && memcmp(dir->entries.v[i].name, name, len) == 0)
            return dir->entries.v[i].inode;
    return NULL;
}

static struct sim_disk *sim_of(struct disk *d)
{
    return container_of(d, struct sim_disk, base);
}

static struct inode *walk(struct disk *d, const char *path)
{
    struct inode *at = sim_of(d)->root;

    while (at && *path) {
        const char *end = strchrnul(path, '/');
        at = lookup(at, path, (size_t)(end - path));
        path = *end ? end + 1 : end;
    }
    return at;
}

/* The directory that holds the last part of `path`, and that part. */
static struct inode *parent_of(struct disk *d, const char *path, const char **ret_name)
{
    const char *slash = strrchr(path, '/');
    cleanup_free char *dir = slash ? xstrndup(path, (size_t)(slash - path)) : xstrdup("");
    struct inode *i = *path ? walk(d, dir) : NULL;

    *ret_name = slash ? slash + 1 : path;
    return i && i->is_dir ? i : NULL;
}

/* ---- the calls --------------------------------------------------------------------------------- */

static int not_found(struct err *e, const char *path)
{
    return err_set(e, ERR_NOT_FOUND, "%s: not found", path);
}

static void file_change(struct inode *i, const struct change *c, struct buf *content)
{
    if (c->truncate) {
        buf_reset(content);
        return;
    }
    if (c->offset + c->len > content->len) {
        size_t old = content->len, need = c->offset + c->len;
        buf_reserve(content, need - old);
        memset(content->data + old, 0, need - old + 1);
        content->len = need;
    }
    memcpy(content->data + c->offset, c->data, c->len);
}

static void file_do(struct inode *i, struct change c)
{
    *dyn_push(&i->changes) = c;
    file_change(i, &c, &i->now);
}

static int sim_open(struct disk *d, const char *path, int flags, struct err *e)
{
    const char *name;
    struct inode *dir = parent_of(d, path, &name), *i = dir ? lookup(dir, name, strlen(name)) : NULL;

    if (!dir || (!i && !(flags & DISK_CREATE)))
        return not_found(e, path);
    if (i && (flags & DISK_EXCL))
        return err_set(e, ERR_EXISTS, "%s: already exists", path);
    if (i && i->is_dir)
        return err_set(e, ERR_INVALID, "%s: is a directory", path);
    if (!i) {
        i = inode_new(false);
        rename_entry(dir, NULL, name, i);
        inode_unref(i);
    } else if (flags & DISK_TRUNC) {
        file_do(i, (struct change){ .truncate = true });
    }
    *dyn_push(&sim_of(d)->files) = (struct open_file){ inode_ref(i), flags, true };
    return (int)sim_of(d)->files.n - 1;
}

static struct open_file *file_of(struct disk *d, int handle)
{
    struct sim_disk *s = sim_of(d);

    if (handle < 0 || (size_t)handle < s->first_live || (size_t)handle >= s->files.n
        || !s->files.v[handle].open)
        return NULL;
    return &s->files.v[handle];
}

static void sim_close(struct disk *d, int handle)
{
    struct open_file *f = file_of(d, handle);

    if (!f)
        return;
    inode_unref(f->inode);
    f->open = false;
}

static int bad_handle(struct err *e)
{
    return err_set(e, ERR_INVALID, "the file is not open");
}

static int sim_write(struct disk *d, int handle, uint64_t offset, const void *data, size_t len, struct err *e)
{
    struct open_file *f = file_of(d, handle);

    if (!f || !(f->flags & DISK_WRITE))
        return bad_handle(e);
    if (len == 0)
        return 0;
    if (offset > UINT32_MAX || len > UINT32_MAX)
        return err_set(e, ERR_FULL, "no space left");
    file_do(f->inode, (struct change){ .offset = offset, .data = xmemdup(data, len), .len = len });
    return 0;
}

static int64_t sim_read(struct disk *d, int handle, uint64_t offset, void *data, size_t len, struct err *e)
{
    struct open_file *f = file_of(d, handle);

    if (!f)
        return bad_handle(e);
    if (offset >= f->inode->now.len)
        return 0;
    if (len > f->inode->now.len - offset)
        len = f->inode->now.len - offset;
    memcpy(data, f->inode->now.data + offset, len);
    return (int64_t)len;
}

static void make_durable(struct inode *i)
{
    buf_reset(&i->durable);
    buf_add(&i->durable, i->now.data, i->now.len);
    changes_clear(i);
}

static int sim_sync(struct disk *d, int handle, struct err *e)
{
    struct open_file *f = file_of(d, handle);

    if (!f)
        return bad_handle(e);
    make_durable(f->inode);
    return 0;
}

static int sim_sync_dir(struct disk *d, const char *path, struct err *e)
{
    struct inode *dir = walk(d, path);

    if (!dir || !dir->is_dir)
        return not_found(e, path);
    for (size_t i = 0; i < dir->namings.n; i++)
        naming_apply(names_of(dir, true), &dir->namings.v[i]);
    namings_clear(dir);
    return 0;
}

static int sim_mkdir(struct disk *d, const char *path, struct err *e)
{
    const char *name;
    struct inode *dir = parent_of(d, path, &name), *i;

    if (!dir)
        return not_found(e, path);
    if (lookup(dir, name, strlen(name)))
        return err_set(e, ERR_EXISTS, "%s: already exists", path);
    i = inode_new(true);
    rename_entry(dir, NULL, name, i);
    inode_unref(i);
    return 0;
}

static int sim_rename(struct disk *d, const char *from, const char *to, struct err *e)
{
    const char *old, *new;
    struct inode *source = parent_of(d, from, &old), *target = parent_of(d, to, &new);
    struct inode *i = source ? lookup(source, old, strlen(old)) : NULL;

    if (!i || !target)
        return not_found(e, i ? to : from);
    if (source == target) {
        rename_entry(source, streq(old, new) ? NULL : old, new, i);
        return 0;
    }
    /* Between two directories a crash may leave both names, never none. */
    rename_entry(target, NULL, new, i);
    rename_entry(source, old, NULL, NULL);
    return 0;
}

static int remove_entry(struct disk *d, const char *path, bool dir_wanted, struct err *e)
{
    const char *name;
    struct inode *dir = parent_of(d, path, &name), *i = dir ? lookup(dir, name, strlen(name)) : NULL;

    if (!i)
        return not_found(e, path);
    if (i->is_dir != dir_wanted)
        return err_set(e, ERR_INVALID, "%s: %s", path, dir_wanted ? "not a directory" : "is a directory");
    if (i->is_dir && i->entries.n)
        return err_set(e, ERR_EXISTS, "%s: not empty", path);
    rename_entry(dir, name, NULL, NULL);
    return 0;
}

static int sim_unlink(struct disk *d, const char *path, struct err *e)
{
    return remove_entry(d, path, false, e);
}

static int sim_rmdir(struct disk *d, const char *path, struct err *e)
{
    return remove_entry(d, path, true, e);
}

static int sim_list(struct disk *d, const char *path, struct arena *arena, const char *const **ret_names,
                    size_t *ret_n, struct err *e)
{
    struct inode *dir = walk(d, path);
    const char **names;

    if (!dir || !dir->is_dir)
        return not_found(e, path);
    names = arena_alloc(arena, dir->entries.n * sizeof(*names));
    for (size_t i = 0; i < dir->entries.n; i++)
        names[i] = arena_strdup(arena, dir->entries.v[i].name);
    disk_sort_names(names, dir->entries.n);
    *ret_names = names;
    *ret_n = dir->entries.n;
    return 0;
}

static void sim_free(struct disk *d)
{
    struct sim_disk *s = sim_of(d);

    for (size_t i = 0; i < s->files.n; i++)
        if (s->files.v[i].open)
            inode_unref(s->files.v[i].inode);
    dyn_release(&s->files);
    inode_unref(s->root);
    free(s);
}

/* ---- the crash --------------------------------------------------------------------------------- */

static void file_crash(struct world *w, struct inode *i)
{
    buf_reset(&i->now);
    buf_add(&i->now, i->durable.data, i->durable.len);
    for (size_t n = 0; n < i->changes.n; n++) {
        struct change c = i->changes.v[n];
        uint32_t fate = choose(w, CHOICE_FAULT, c.truncate || c.len < 2 ? 2 : 3, "disk crash: write");
        if (fate == 1)
            continue;                             /* lost */
        if (fate == 2)
            c.len = 1 + choose(w, CHOICE_PICK, (uint32_t)c.len - 1, "disk crash: torn at");
        file_change(i, &c, &i->now);
    }
    make_durable(i);
}

static void entries_copy(struct inode *dir)
{
    while (dir->entries.n)
        name_remove(names_of(dir, false), dir->entries.v[0].name);
    for (size_t i = 0; i < dir->durable_entries.n; i++)
        name_set(names_of(dir, false), dir->durable_entries.v[i].name, dir->durable_entries.v[i].inode);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static void dir_crash(struct world *w, struct inode *dir)
{
    for (size_t n = 0; n < dir->namings.n; n++)
        if (choose(w, CHOICE_FAULT, 2, "disk crash: name") == 0)
            naming_apply(names_of(dir, true), &dir->namings.v[n]);
    namings_clear(dir);
    entries_copy(dir);
    if (dir->entries.n)
        qsort(dir->entries.v, dir->entries.n, sizeof(*dir->entries.v), by_name);
    for (size_t i = 0; i < dir->entries.n; i++) {
        struct inode *child = dir->entries.v[i].inode;
        if (child->is_dir)
            dir_crash(w, child);
        else if (child->changes.n)
            file_crash(w, child);
    }
}

void disk_crash(struct disk *d)
{
    struct sim_disk *s = sim_of(d);

    assert(d->world);
    for (size_t i = s->first_live; i < s->files.n; i++)
        sim_close(d, (int)i);
    s->first_live = s->files.n;
    d->fail_after = 0;
    dir_crash(d->world, s->root);
}

static uint64_t inode_hash(uint64_t h, struct inode *i)
{
    if (!i->is_dir)
        return hash64(hash64(h, "f", 1), i->now.data, i->now.len);
    if (i->entries.n)
        qsort(i->entries.v, i->entries.n, sizeof(*i->entries.v), by_name);
    for (size_t n = 0; n < i->entries.n; n++) {
        h = hash64(h, i->entries.v[n].name, strlen(i->entries.v[n].name) + 1);
        h = inode_hash(h, i->entries.v[n].inode);
    }
    return hash64(h, "d", 1);
}

uint64_t disk_fingerprint(const struct disk *d)
{
    return inode_hash(HASH64_INIT, sim_of((struct disk *)d)->root);
}

static const struct disk_ops sim_ops = {
    .open = sim_open, .close = sim_close, .write = sim_write, .read = sim_read, .sync = sim_sync,
    .sync_dir = sim_sync_dir, .mkdir = sim_mkdir, .rename = sim_rename, .unlink = sim_unlink,
    .rmdir = sim_rmdir, .list = sim_list, .free = sim_free,
};

struct disk *disk_sim_new(struct world *w)
{
    struct sim_disk *s = xcalloc(1, sizeof(*s));

    s->base.ops = &sim_ops;
    s->base.world = w;
    s->root = inode_new(true);
    return &s->base;
}
