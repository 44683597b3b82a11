#include "fakeapi/http/definitions.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kube/object.h"
#include "kube/yaml.h"

#define DEFINITIONS "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
#define FILE_MAX (16 * 1024 * 1024)

struct load {
    struct world *world;
    struct apiserver *apiserver;
    struct arena *arena;
    const char *path;
    size_t found;
    int result;
    bool done;
    struct err *err;
};

/* ---- files ---------------------------------------------------------------------------------------- */

static int read_file(const char *path, struct buf *ret, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), r = 0;
    char part[65536];
    ssize_t n = 0;

    if (fd < 0)
        return err_set_errno(e, errno, "%s", path);
    while (r == 0 && (n = read(fd, part, sizeof(part))) > 0) {
        buf_add(ret, part, (size_t)n);
        if (ret->len > FILE_MAX)
            r = err_set(e, ERR_TOO_LARGE, "%s: more than 16 MiB", path);
    }
    if (n < 0)
        r = err_set_errno(e, errno, "%s", path);
    close(fd);
    return r;
}

static bool has_ending(const char *name)
{
    static const char *const endings[] = { ".yaml", ".yml", ".json" };
    size_t len = strlen(name);

    for (size_t i = 0; i < ARRAY_SIZE(endings); i++)
        if (len > strlen(endings[i]) && streq(name + len - strlen(endings[i]), endings[i]))
            return true;
    return false;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

typedef DYN(const char *) paths;

/* `path` itself, or what lies in it, sorted. */
static int list_files(struct load *l, paths *ret)
{
    struct stat st;
    struct dirent *d;
    DIR *dir;

    if (stat(l->path, &st) < 0)
        return err_set_errno(l->err, errno, "%s", l->path);
    if (!S_ISDIR(st.st_mode)) {
        *dyn_push(ret) = l->path;
        return 0;
    }
    dir = opendir(l->path);
    if (!dir)
        return err_set_errno(l->err, errno, "%s", l->path);
    while ((d = readdir(dir)))
        if (has_ending(d->d_name))
            *dyn_push(ret) = arena_printf(l->arena, "%s/%s", l->path, d->d_name);
    closedir(dir);
    if (ret->n)
        qsort(ret->v, ret->n, sizeof(*ret->v), by_name);
    return 0;
}

/* ---- documents ------------------------------------------------------------------------------------ */

static int ask(struct co *co, struct load *l, const char *method, const char *path, const json_t *object,
               struct api_reply *ret)
{
    static const struct api_header headers[] = { { "Content-Type", "application/json" },
                                                 { "User-Agent", "dormouse" } };
    static const char *const groups[] = { "system:masters" };
    static const struct api_user user = { .name = "system:apiserver", .uid = "", .groups = groups, .n_groups = 1 };
    struct api_request q = { .method = method, .path = path, .headers = headers, .n_headers = ARRAY_SIZE(headers),
                             .query = "fieldValidation=Strict", .object = object, .user = &user };

    if (streq(method, "GET"))
        q.query = NULL;
    return apiserver_handle(co, l->apiserver, &q, true, ret);
}

/* Creates it, or replaces what is there. */
static int write_definition(struct co *co, struct load *l, const json_t *object, struct api_reply *ret)
{
    const char *path = arena_printf(l->arena, DEFINITIONS "/%s", obj_name(object));
    cleanup_reply struct api_reply there = { 0 };
    int r = ask(co, l, "POST", DEFINITIONS, object, ret);

    if (r < 0 || ret->status != 409)
        return r;
    r = ask(co, l, "GET", path, NULL, &there);
    if (r < 0 || there.status != 200)
        return r;
    json_auto_t *fresh = json_with(object, "metadata.resourceVersion",
                                   json_incref(json_path(there.object, "metadata.resourceVersion")));
    api_reply_release(ret);
    return ask(co, l, "PUT", path, fresh, ret);
}

static int load_document(struct co *co, struct load *l, const char *file, size_t line, const char *text, size_t len)
{
    struct yaml_notes notes = YAML_NOTES_IN(l->arena);
    struct err bad = ERR_IN(l->arena);
    cleanup_reply struct api_reply reply = { 0 };
    json_auto_t *object = yaml_parse(text, len, &notes, &bad);
    int r;

    if (!object)
        return err_set(l->err, ERR_INVALID, "%s:%zu: %s", file, line + (notes.error_line ? notes.error_line - 1 : 0),
                       err_message(&bad));
    if (!streq(obj_str(object, "kind"), "CustomResourceDefinition"))
        return 0;
    if (notes.n_duplicates)
        return err_set(l->err, ERR_INVALID, "%s:%zu: %s", file, line, notes.duplicates[0]);
    l->found++;
    r = write_definition(co, l, object, &reply);
    if (r == 0 && reply.status != 201 && reply.status != 200)
        r = err_set(l->err, ERR_INVALID, "%s:%zu: %s", file, line, obj_str(reply.object, "message"));
    return r;
}

/* Documents are cut here and not by the parser, so that each has its line. */
static int load_file(struct co *co, struct load *l, const char *file)
{
    cleanup_buf struct buf b = BUF_INIT;
    int r = read_file(file, &b, l->err);
    size_t start = 0, first = 1, line = 1;

    for (size_t at = 0; r == 0 && at < b.len; line++) {
        const char *text = b.data + at, *end = memchr(text, '\n', b.len - at);
        size_t len = end ? (size_t)(end - text) : b.len - at;
        bool cut = len >= 3 && memcmp(text, "---", 3) == 0 && (len == 3 || strchr(" \t\r", text[3]));
        if (cut && at > start) {
            r = load_document(co, l, file, first, b.data + start, at - start);
            start = at;
            first = line;
        }
        at += len + 1;
    }
    return r < 0 || start >= b.len ? r : load_document(co, l, file, first, b.data + start, b.len - start);
}

static void load_all(struct co *co, void *arg)
{
    struct load *l = arg;
    paths files = { 0 };
    int r = list_files(l, &files);

    for (size_t i = 0; r == 0 && i < files.n; i++)
        r = load_file(co, l, files.v[i]);
    if (r == 0 && l->found == 0)
        r = err_set(l->err, ERR_INVALID, "%s: holds no CustomResourceDefinition", l->path);
    dyn_release(&files);
    l->result = r;
    l->done = true;
}

int definitions_load(struct world *w, struct apiserver *s, const char *path, struct err *e)
{
    cleanup_arena struct arena *arena = arena_new();
    struct load l = { .world = w, .apiserver = s, .arena = arena, .path = path, .err = e };
    struct proc *p = proc_new(w, "definitions");

    co_spawn(p, "load", load_all, &l);
    while (world_runnable(w))          /* the server's own work on them, too: they are served when this ends */
        world_step(w, world_now(w));
    if (!l.done) {
        proc_kill(p);
        l.result = err_set(e, ERR_INTERNAL, "%s: the definitions wait for something", path);
    }
    proc_free(p);
    return l.result;
}
