#include "conformance/cli/files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#define DEPTH_MAX 8

static bool read_whole(const char *path, struct buf *ret)
{
    FILE *f = fopen(path, "re");
    char block[65536];
    size_t n;
    bool fine;

    if (!f)
        return false;
    while (ret->len <= YAML_FILE_MAX && (n = fread(block, 1, sizeof(block), f)) > 0)
        buf_add(ret, block, n);
    fine = !ferror(f);
    if (!fine)
        errno = EIO;
    fclose(f);
    return fine;
}

static void add_file(struct scenario_set *s, const char *path)
{
    cleanup_buf struct buf text = BUF_INIT, out = BUF_INIT;
    struct scenario_file *f;

    if (!read_whole(path, &text)) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        s->wrong = true;
        return;
    }
    f = scenario_parse(path, text.data ? text.data : "", text.len);
    for (size_t i = 0; f->scenario && i < s->files.n; i++)
        if (s->files.v[i]->scenario && streq(s->files.v[i]->scenario->name, f->scenario->name)) {
            diag_add(&f->diags, f->path, f->scenario->at.line, f->scenario->at.col,
                     "the name %s belongs to %s already", f->scenario->name, s->files.v[i]->path);
            f->scenario = NULL;
        }
    diags_print(&f->diags, f->text, &out);
    if (out.len > 0)
        fputs(out.data, stderr);
    s->wrong |= f->diags.list.n > 0;
    *dyn_push(&s->files) = f;
}

static int wanted(const struct dirent *d)
{
    return d->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void add_path(struct scenario_set *s, const char *path, int depth)
{
    struct dirent **names;
    struct stat st;
    int n;

    if (stat(path, &st) < 0) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        s->wrong = true;
        return;
    }
    if (!S_ISDIR(st.st_mode)) {
        if (depth == 0 || str_ends(path, ".yaml"))
            add_file(s, path);
        return;
    }
    n = depth < DEPTH_MAX ? scandir(path, &names, wanted, by_bytes) : -1;
    if (n < 0) {
        fprintf(stderr, "%s: %s\n", path, depth < DEPTH_MAX ? strerror(errno) : "nested too deeply");
        s->wrong = true;
        return;
    }
    for (int i = 0; i < n; i++) {
        cleanup_free char *child =
            xasprintf("%s%s%s", path, str_ends(path, "/") ? "" : "/", names[i]->d_name);
        add_path(s, child, depth + 1);
        free(names[i]);
    }
    free(names);
}

void scenario_set_read(struct scenario_set *s, char **paths, int n)
{
    for (int i = 0; i < n; i++)
        add_path(s, paths[i], 0);
    if (!s->wrong && s->files.n == 0) {
        fputs("dormouse: no scenario files there\n", stderr);
        s->wrong = true;
    }
}

void scenario_set_release(struct scenario_set *s)
{
    for (size_t i = 0; i < s->files.n; i++)
        scenario_file_free(s->files.v[i]);
    dyn_release(&s->files);
}
