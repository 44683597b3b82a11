#include "world/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "world/world_priv.h"

struct process {
    pid_t pid;
    int out;
    bool ended;
    int status;
    struct buf pending;
};

static int64_t now_ms(void)
{
    return loop_monotonic() / DURATION_MS(1);
}

/* Between fork and exec: only what is safe there. */
static void become(const char *const *argv, int out, pid_t parent)
{
    int null = open("/dev/null", O_RDONLY);
    sigset_t none;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    dup2(null, 0);
    dup2(out, 1);
    execv(argv[0], (char *const *)argv);
    _exit(127);
}

struct process *process_start(const char *const *argv, struct err *e)
{
    struct process *p;
    pid_t pid, parent = getpid();
    int ends[2];

    if (access(argv[0], X_OK) < 0 || pipe2(ends, O_CLOEXEC) < 0) {
        err_set_errno(e, errno, "%s", argv[0]);
        return NULL;
    }
    pid = fork();
    if (pid < 0) {
        err_set_errno(e, errno, "fork");
        close(ends[0]);
        close(ends[1]);
        return NULL;
    }
    if (pid == 0)
        become(argv, ends[1], parent);
    close(ends[1]);
    p = xcalloc(1, sizeof(*p));
    p->pid = pid;
    p->out = ends[0];
    return p;
}

static bool take_line(struct process *p, struct buf *ret)
{
    char *end = p->pending.len ? memchr(p->pending.data, '\n', p->pending.len) : NULL;
    size_t len;

    if (!end)
        return false;
    len = (size_t)(end - p->pending.data);
    buf_add(ret, p->pending.data, len);
    p->pending.len -= len + 1;
    memmove(p->pending.data, end + 1, p->pending.len);
    return true;
}

int process_read_line(struct process *p, duration bound, struct buf *ret, struct err *e)
{
    int64_t until = now_ms() + bound / DURATION_MS(1), left;
    struct pollfd fd = { .fd = p->out, .events = POLLIN };
    char block[4096];
    ssize_t n;

    while (!take_line(p, ret)) {
        left = until - now_ms();
        if (left <= 0)
            return err_set(e, ERR_TIMEOUT, "no line of output in time");
        if (p->pending.len > 65536)
            return err_set(e, ERR_TOO_LARGE, "a line of output is too long");
        if (poll(&fd, 1, (int)left) <= 0)
            continue;
        n = read(p->out, block, sizeof(block));
        if (n == 0 || (n < 0 && errno != EINTR))
            return err_set(e, ERR_UNAVAILABLE, "it ended without a line of output");
        if (n > 0)
            buf_add(&p->pending, block, (size_t)n);
    }
    return 0;
}

bool process_running(struct process *p)
{
    if (!p->ended && waitpid(p->pid, &p->status, WNOHANG) == p->pid)
        p->ended = true;
    return !p->ended;
}

void process_kill(struct process *p)
{
    if (!process_running(p))
        return;
    kill(p->pid, SIGKILL);
    while (waitpid(p->pid, &p->status, 0) < 0 && errno == EINTR)
        ;
    p->ended = true;
}

int process_stop(struct process *p, duration bound)
{
    int64_t until = now_ms() + bound / DURATION_MS(1);

    if (process_running(p))
        kill(p->pid, SIGTERM);
    while (process_running(p) && now_ms() < until)
        poll(NULL, 0, 5);
    process_kill(p);
    return p->status;
}

struct process *process_free(struct process *p)
{
    if (!p)
        return NULL;
    process_kill(p);
    close(p->out);
    buf_release(&p->pending);
    free(p);
    return NULL;
}

char *process_self(void)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

    return xstrndup(path, n > 0 ? (size_t)n : 0);
}

char *process_cache_dir(void)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    struct buf b = BUF_INIT;

    if (cache && *cache == '/')
        buf_add_str(&b, cache);
    else if (home && *home == '/')
        buf_printf(&b, "%s/.cache", home);
    else
        return NULL;
    return buf_steal(&b);
}

char *process_find(const char *name)
{
    const char *path = getenv("PATH"), *end;

    for (; path && *path; path = *end ? end + 1 : end) {
        struct buf b = BUF_INIT;
        end = strchrnul(path, ':');
        buf_add(&b, path, (size_t)(end - path));
        buf_printf(&b, "%s%s", end > path ? "/" : "./", name);
        if (access(b.data, X_OK) == 0)
            return buf_steal(&b);
        buf_release(&b);
    }
    return NULL;
}

uint64_t process_entropy(void)
{
    return loop_random();
}

char *process_temp_dir(struct err *e)
{
    char path[] = "/tmp/dormouse-XXXXXX";

    if (!mkdtemp(path)) {
        err_set_errno(e, errno, "/tmp");
        return NULL;
    }
    return xstrdup(path);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    return remove(path);
}

void process_remove_dir(const char *path)
{
    if (str_starts(path, "/tmp/dormouse-"))
        nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
