/* The simulated disk. What is there now and what a crash would leave are two things: a file has its
 * content now, its durable content, and the changes between; a directory likewise, name by name.
 *
 * The changes of one file, and the names of one directory, survive a crash independently of each other:
 * no order is promised where none was asked for. Moving a name to another directory is two namings; a
 * crash may leave both names of a file, never none, and only one of a directory. */
#include <stdio.h>

#include "world/disk_priv.h"

enum {
    FILE_MAX = 64 * 1024 * 1024,
    /* As a kernel writes back in time: of more than these, the older become durable. */
    CHANGES_MAX = 512,
    NAMINGS_MAX = 512,
};

struct change {                        /* of a file: a write, or a truncation to nothing */
    bool truncate;
    uint64_t offset;
    char *data;
    size_t len;
};

struct entry {
    char *name;
    struct inode *inode;
};

/* One atomic change of a directory: `gone` disappears, `name` becomes `inode`; either may be NULL.
 * `moved`: `inode` went from `gone` to another directory, whose naming it is to have it. */
struct naming {
    char *gone, *name;
    struct inode *inode;
    bool moved;
    enum { OPEN, KEPT, LOST } fate;    /* in a crash */
};

typedef DYN(struct entry) entries_t;

struct inode {
    unsigned refs;
    bool is_dir;
    struct buf now, durable;           /* files */
    DYN(struct change) changes;
    entries_t entries, durable_entries;          /* directories */
    DYN(struct naming) namings;
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

static struct sim_disk *sim_of(struct disk *d)
{
    return container_of(d, struct sim_disk, base);
}

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

static void inode_unref(struct inode *i);

static void entries_clear(entries_t *s)
{
    for (size_t n = 0; n < s->n; n++) {
        free(s->v[n].name);
        inode_unref(s->v[n].inode);
    }
    s->n = 0;
}

static void naming_release(struct naming *n)
{
    free(n->gone);
    free(n->name);
    inode_unref(n->inode);
}

static void namings_clear(struct inode *i)
{
    for (size_t n = 0; n < i->namings.n; n++)
        naming_release(&i->namings.v[n]);
    i->namings.n = 0;
}

/* The first n are history. */
static void changes_forget(struct inode *i, size_t n)
{
    for (size_t c = 0; c < n; c++)
        free(i->changes.v[c].data);
    i->changes.n -= n;
    if (i->changes.n)
        memmove(i->changes.v, i->changes.v + n, i->changes.n * sizeof(*i->changes.v));
}

static void inode_unref(struct inode *i)
{
    if (!i || --i->refs)
        return;
    changes_forget(i, i->changes.n);
    namings_clear(i);
    entries_clear(&i->entries);
    entries_clear(&i->durable_entries);
    dyn_release(&i->changes);
    dyn_release(&i->namings);
    dyn_release(&i->entries);
    dyn_release(&i->durable_entries);
    buf_release(&i->now);
    buf_release(&i->durable);
    free(i);
}

/* ---- names ------------------------------------------------------------------------------------- */

static struct entry *entry_find(entries_t *s, const char *name, size_t len)
{
    for (size_t i = 0; i < s->n; i++)
        if (strncmp(s->v[i].name, name, len) == 0 && !s->v[i].name[len])
            return &s->v[i];
    return NULL;
}

static void entry_remove(entries_t *s, struct entry *e)
{
    if (!e)
        return;
    free(e->name);
    inode_unref(e->inode);
    *e = s->v[--s->n];
}

static void entry_set(entries_t *s, const char *name, struct inode *inode)
{
    struct inode *i = inode_ref(inode);           /* it may be the one that goes */

    entry_remove(s, entry_find(s, name, strlen(name)));
    *dyn_push(s) = (struct entry){ xstrdup(name), i };
}

static void naming_apply(entries_t *s, const struct naming *n)
{
    struct entry *gone = n->gone ? entry_find(s, n->gone, strlen(n->gone)) : NULL;

    if (gone && (!n->moved || gone->inode == n->inode))
        entry_remove(s, gone);
    if (!n->name)
        return;
    /* A rename leaves no other name here, also where an earlier rename was lost. */
    for (size_t i = s->n; n->gone && i > 0; i--)
        if (s->v[i - 1].inode == n->inode)
            entry_remove(s, &s->v[i - 1]);
    entry_set(s, n->name, n->inode);
}

static void entries_copy(entries_t *to, const entries_t *from)
{
    entries_clear(to);
    for (size_t i = 0; i < from->n; i++)
        *dyn_push(to) = (struct entry){ xstrdup(from->v[i].name), inode_ref(from->v[i].inode) };
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static void entries_sort(entries_t *s)
{
    if (s->n)
        qsort(s->v, s->n, sizeof(*s->v), by_name);
}

/* All names of the disk become durable, as when a journal is written out. */
static void names_flush(struct inode *dir)
{
    entries_copy(&dir->durable_entries, &dir->entries);
    namings_clear(dir);
    for (size_t i = 0; i < dir->entries.n; i++)
        if (dir->entries.v[i].inode->is_dir)
            names_flush(dir->entries.v[i].inode);
}

static void rename_entry(struct disk *d, struct inode *dir, struct naming change)
{
    struct naming *n = dyn_push(&dir->namings);

    *n = change;
    n->gone = change.gone ? xstrdup(change.gone) : NULL;
    n->name = change.name ? xstrdup(change.name) : NULL;
    inode_ref(n->inode);
    naming_apply(&dir->entries, n);
    if (dir->namings.n > NAMINGS_MAX)
        names_flush(sim_of(d)->root);
}

/* ---- paths ------------------------------------------------------------------------------------- */

static int not_found(struct err *e, const char *path)
{
    return err_set(e, ERR_NOT_FOUND, "%s: not found", path);
}

static int not_a_directory(struct err *e, const char *path)
{
    return err_set(e, ERR_INVALID, "%s: not a directory", path);
}

/* What the first `len` bytes of `path` name. */
static int walk(struct disk *d, const char *path, size_t len, struct inode **ret, struct err *e)
{
    struct inode *at = sim_of(d)->root;

    for (size_t i = 0; i < len;) {
        size_t part = strcspn(path + i, "/");
        struct entry *entry = entry_find(&at->entries, path + i, part);
        if (!at->is_dir)
            return not_a_directory(e, path);
        if (!entry)
            return not_found(e, path);
        at = entry->inode;
        i += part + 1;
    }
    *ret = at;
    return 0;
}

static int walk_dir(struct disk *d, const char *path, size_t len, struct inode **ret, struct err *e)
{
    int r = walk(d, path, len, ret, e);

    return r < 0 || (*ret)->is_dir ? r : not_a_directory(e, path);
}

/* The directory that holds the last part of `path`, that part, and what it names now (NULL: nothing). */
struct place {
    struct inode *dir, *inode;
    const char *name;
};

static int find(struct disk *d, const char *path, struct place *ret, struct err *e)
{
    const char *slash = strrchr(path, '/');
    struct entry *entry;
    int r = walk_dir(d, path, slash ? (size_t)(slash - path) : 0, &ret->dir, e);

    if (r < 0)
        return r;
    ret->name = slash ? slash + 1 : path;
    entry = entry_find(&ret->dir->entries, ret->name, strlen(ret->name));
    ret->inode = entry ? entry->inode : NULL;
    return 0;
}

/* ---- files ------------------------------------------------------------------------------------- */

static void file_change(const struct change *c, struct buf *content)
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
    file_change(&c, &i->now);
    if (i->changes.n <= CHANGES_MAX)
        return;
    for (size_t n = 0; n < CHANGES_MAX / 2; n++)
        file_change(&i->changes.v[n], &i->durable);
    changes_forget(i, CHANGES_MAX / 2);
}

static void make_durable(struct inode *i)
{
    buf_reset(&i->durable);
    buf_add(&i->durable, i->now.data, i->now.len);
    changes_forget(i, i->changes.n);
}

static int new_handle(struct sim_disk *s, struct inode *i, int flags)
{
    size_t h = s->first_live;

    while (h < s->files.n && s->files.v[h].open)
        h++;
    if (h == s->files.n)
        dyn_push(&s->files);
    s->files.v[h] = (struct open_file){ inode_ref(i), flags, true };
    return (int)h;
}

static int sim_open(struct disk *d, const char *path, int flags, struct err *e)
{
    struct place p;
    int r = find(d, path, &p, e);

    if (r < 0)
        return r;
    if (!p.inode && !(flags & DISK_CREATE))
        return not_found(e, path);
    if (p.inode && (flags & DISK_EXCL))
        return err_set(e, ERR_EXISTS, "%s: already exists", path);
    if (p.inode && p.inode->is_dir)
        return err_set(e, ERR_INVALID, "%s: is a directory", path);
    if (!p.inode) {
        p.inode = inode_new(false);
        rename_entry(d, p.dir, (struct naming){ .name = (char *)p.name, .inode = p.inode });
        inode_unref(p.inode);
    } else if (flags & DISK_TRUNC) {
        file_do(p.inode, (struct change){ .truncate = true });
    }
    return new_handle(sim_of(d), p.inode, flags);
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
    return err_set(e, ERR_INVALID, "the file is not open for this");
}

static int sim_write(struct disk *d, int handle, uint64_t offset, const void *data, size_t len, struct err *e)
{
    struct open_file *f = file_of(d, handle);

    if (!f || !(f->flags & DISK_WRITE))
        return bad_handle(e);
    if (len == 0)
        return 0;
    if (offset > FILE_MAX || len > FILE_MAX - offset)
        return err_set(e, ERR_FULL, "no space left");
    file_do(f->inode, (struct change){ .offset = offset, .data = xmemdup(data, len), .len = len });
    return 0;
}

static int64_t sim_read(struct disk *d, int handle, uint64_t offset, void *data, size_t len, struct err *e)
{
    struct open_file *f = file_of(d, handle);

    if (!f || !(f->flags & DISK_READ))
        return bad_handle(e);
    if (offset >= f->inode->now.len)
        return 0;
    if (len > f->inode->now.len - offset)
        len = f->inode->now.len - offset;
    memcpy(data, f->inode->now.data + offset, len);
    return (int64_t)len;
}

static int sim_sync(struct disk *d, int handle, struct err *e)
{
    struct open_file *f = file_of(d, handle);

    if (!f)
        return bad_handle(e);
    make_durable(f->inode);
    return 0;
}

/* ---- directories ------------------------------------------------------------------------------- */

static int sim_sync_dir(struct disk *d, const char *path, struct err *e)
{
    struct inode *dir;
    int r = walk_dir(d, path, strlen(path), &dir, e);
    bool moved = false;

    if (r < 0)
        return r;
    for (size_t i = 0; i < dir->namings.n; i++)
        moved |= dir->namings.v[i].moved;
    if (moved) {                                  /* what left this directory is durable where it went */
        names_flush(sim_of(d)->root);
        return 0;
    }
    for (size_t i = 0; i < dir->namings.n; i++)
        naming_apply(&dir->durable_entries, &dir->namings.v[i]);
    namings_clear(dir);
    return 0;
}

static int sim_mkdir(struct disk *d, const char *path, struct err *e)
{
    struct place p;
    struct inode *i;
    int r = find(d, path, &p, e);

    if (r < 0)
        return r;
    if (p.inode)
        return err_set(e, ERR_EXISTS, "%s: already exists", path);
    i = inode_new(true);
    rename_entry(d, p.dir, (struct naming){ .name = (char *)p.name, .inode = i });
    inode_unref(i);
    return 0;
}

/* May `from` take the place of `to`? */
static int check_rename(const struct place *from, const struct place *to, const char *from_path,
                        const char *to_path, struct err *e)
{
    size_t len = strlen(from_path), to_len = strlen(to_path);

    if (!from->inode)
        return not_found(e, from_path);
    if (from->inode->is_dir && str_starts(to_path, from_path) && to_path[len] == '/')
        return err_set(e, ERR_INVALID, "%s: cannot move into itself", from_path);
    if (str_starts(from_path, to_path) && from_path[to_len] == '/')
        return err_set(e, ERR_EXISTS, "%s: not empty", to_path);
    if (!to->inode || to->inode == from->inode)
        return 0;
    if (from->inode->is_dir && !to->inode->is_dir)
        return not_a_directory(e, to_path);
    if (!from->inode->is_dir && to->inode->is_dir)
        return err_set(e, ERR_INVALID, "%s: is a directory", to_path);
    if (to->inode->is_dir && to->inode->entries.n)
        return err_set(e, ERR_EXISTS, "%s: not empty", to_path);
    return 0;
}

static int sim_rename(struct disk *d, const char *from_path, const char *to_path, struct err *e)
{
    struct place from, to;
    int r = find(d, from_path, &from, e);

    if (r >= 0)
        r = find(d, to_path, &to, e);
    if (r >= 0)
        r = check_rename(&from, &to, from_path, to_path, e);
    if (r < 0 || from.inode == to.inode)
        return r;
    if (from.dir == to.dir) {
        rename_entry(d, from.dir, (struct naming){ .gone = (char *)from.name, .name = (char *)to.name,
                                                   .inode = from.inode });
        return 0;
    }
    rename_entry(d, to.dir, (struct naming){ .name = (char *)to.name, .inode = from.inode });
    rename_entry(d, from.dir, (struct naming){ .gone = (char *)from.name, .inode = from.inode, .moved = true });
    /* A directory in two places, one of them below itself: no disk keeps that. */
    if (from.inode->is_dir)
        names_flush(sim_of(d)->root);
    return 0;
}

static int remove_entry(struct disk *d, const char *path, bool dir_wanted, struct err *e)
{
    struct place p;
    int r = find(d, path, &p, e);

    if (r < 0)
        return r;
    if (!p.inode)
        return not_found(e, path);
    if (p.inode->is_dir != dir_wanted)
        return err_set(e, ERR_INVALID, "%s: %s", path, dir_wanted ? "not a directory" : "is a directory");
    if (p.inode->is_dir && p.inode->entries.n)
        return err_set(e, ERR_EXISTS, "%s: not empty", path);
    rename_entry(d, p.dir, (struct naming){ .gone = (char *)p.name });
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
    struct inode *dir;
    const char **names;
    int r = walk_dir(d, path, strlen(path), &dir, e);

    if (r < 0)
        return r;
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
        file_change(&c, &i->now);
    }
    make_durable(i);
}

/* A name that moved away, and is not durably gone, cannot have been given to another since. */
static bool blocked(const struct inode *dir, size_t at)
{
    const struct naming *n = &dir->namings.v[at];

    for (size_t i = 0; i < at; i++) {
        const struct naming *before = &dir->namings.v[i];
        if (before->moved && before->fate != KEPT
            && ((n->gone && streq(n->gone, before->gone)) || (n->name && streq(n->name, before->gone))))
            return true;
    }
    return false;
}

static bool durable_elsewhere(const struct inode *dir, const struct inode *not_in, const struct inode *inode)
{
    for (size_t i = 0; i < dir->durable_entries.n; i++) {
        const struct inode *child = dir->durable_entries.v[i].inode;
        if (child == inode ? dir != not_in : child->is_dir && durable_elsewhere(child, not_in, inode))
            return true;
    }
    return false;
}

static void decide(struct world *w, struct inode *dir, struct naming *n)
{
    n->fate = choose(w, CHOICE_FAULT, 2, "disk crash: name") == 0 ? KEPT : LOST;
    if (n->fate == KEPT)
        naming_apply(&dir->durable_entries, n);
}

/* In the first pass what hangs on a move is left open: only when all other names are decided is it known
 * whether what moved away is somewhere else. */
static void names_crash(struct sim_disk *s, struct inode *dir, bool last_pass)
{
    for (size_t i = 0; i < dir->namings.n; i++) {
        struct naming *n = &dir->namings.v[i];
        bool stays = n->moved ? !last_pass || !durable_elsewhere(s->root, dir, n->inode) : blocked(dir, i);
        if (n->fate != OPEN)
            continue;
        if (!stays)
            decide(s->base.world, dir, n);
        else if (last_pass)
            n->fate = LOST;
    }
    entries_sort(&dir->durable_entries);
    for (size_t i = 0; i < dir->durable_entries.n; i++)
        if (dir->durable_entries.v[i].inode->is_dir)
            names_crash(s, dir->durable_entries.v[i].inode, last_pass);
}

/* What is durable is what there is. */
static void settle(struct world *w, struct inode *dir)
{
    entries_copy(&dir->entries, &dir->durable_entries);
    namings_clear(dir);
    for (size_t i = 0; i < dir->entries.n; i++) {
        struct inode *child = dir->entries.v[i].inode;
        if (child->is_dir)
            settle(w, child);
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
    names_crash(s, s->root, false);
    names_crash(s, s->root, true);
    settle(d->world, s->root);
}

/* ---- the fingerprint --------------------------------------------------------------------------- */

static uint64_t hash_number(uint64_t h, uint64_t n)
{
    return hash64(h, &n, sizeof(n));
}

static uint64_t hash_text(uint64_t h, const char *text)
{
    return text ? hash64(h, text, strlen(text) + 1) : hash64(h, "\1", 1);
}

static uint64_t file_hash(uint64_t h, const struct inode *i)
{
    h = hash64(hash_number(h, i->now.len), i->now.data, i->now.len);
    h = hash64(hash_number(h, i->durable.len), i->durable.data, i->durable.len);
    for (size_t n = 0; n < i->changes.n; n++) {
        const struct change *c = &i->changes.v[n];
        h = hash_number(hash_number(hash_number(h, c->truncate), c->offset), c->len);
        h = hash64(h, c->data, c->len);
    }
    return h;
}

/* The names as they are (durable: as they are durable), below this directory. */
static uint64_t dir_hash(uint64_t h, struct inode *dir, bool durable)
{
    entries_t *s = durable ? &dir->durable_entries : &dir->entries;

    entries_sort(s);
    for (size_t i = 0; i < s->n; i++) {
        struct inode *child = s->v[i].inode;
        h = hash_text(hash_number(h, child->is_dir), s->v[i].name);
        h = child->is_dir ? dir_hash(h, child, durable) : file_hash(h, child);
    }
    for (size_t i = 0; durable && i < dir->namings.n; i++) {
        const struct naming *n = &dir->namings.v[i];
        h = hash_text(hash_text(hash_number(h, n->moved), n->gone), n->name);
    }
    return hash_number(h, s->n);
}

uint64_t disk_fingerprint(const struct disk *d)
{
    struct inode *root = sim_of((struct disk *)d)->root;

    return dir_hash(dir_hash(HASH64_INIT, root, false), root, true);
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
