/* What is wrong, where, and how it is shown. */
#include "kube/cel/cel_priv.h"

/* A line longer than this is not shown. */
enum { SNIPPET_MAX = 16384, ISSUES_MAX = 100 };

static size_t utf8_len(const char *s, const char *end)
{
    const char *p = s + 1;

    while (p < end && ((unsigned char)*p & 0xc0) == 0x80)
        p++;
    return (size_t)(p - s);
}

/* Line (from 1) and column (from 0) of a code point. */
static void locate(const struct cel_source *src, size_t offset, size_t *ret_line, size_t *ret_column)
{
    const char *end = src->text + src->len;

    *ret_line = 1;
    *ret_column = 0;
    for (const char *p = src->text; offset && p < end; offset--) {
        if (*p == '\n') {
            ++*ret_line;
            *ret_column = 0;
        } else {
            ++*ret_column;
        }
        p += utf8_len(p, end);
    }
    *ret_column += offset;                        /* past the end */
}

void cel_issue_add(struct cel_issues *issues, const struct cel_source *src, size_t offset, const char *fmt, ...)
{
    struct cel_issue issue = { 0 };
    va_list args;

    issues->total++;
    if (issues->n == ISSUES_MAX)
        return;
    if (issues->n == issues->cap) {
        struct cel_issue *grown = arena_alloc(issues->arena, (issues->cap * 2 + 4) * sizeof(*grown));
        if (issues->n)
            memcpy(grown, issues->v, issues->n * sizeof(*grown));
        issues->v = grown;
        issues->cap = issues->cap * 2 + 4;
    }
    if (offset != NO_OFFSET)
        locate(src, offset, &issue.line, &issue.column);
    va_start(args, fmt);
    issue.message = arena_vprintf(issues->arena, fmt, args);
    va_end(args);
    issues->v[issues->n++] = issue;
}

static void write_snippet(struct buf *b, const char *line, const char *end, size_t column)
{
    const char *p = line;

    buf_add_str(b, "\n | ");
    for (; p < end; p++)
        buf_add_char(b, *p == '\t' ? ' ' : *p);
    buf_add_str(b, "\n | ");
    for (p = line; column && p < end; column--) {
        size_t n = utf8_len(p, end);
        buf_add_str(b, n > 1 ? "\uff0e" : ".");
        p += n;
    }
    buf_add_str(b, p < end && utf8_len(p, end) > 1 ? "\uff3e" : "^");
}

static void write_issue(struct buf *b, const struct cel_issue *issue, const char *text, size_t len)
{
    const char *line = text, *end = text + len, *stop;

    if (!issue->line) {
        buf_printf(b, "ERROR: <input>:-1:0: %s", issue->message);
        return;
    }
    buf_printf(b, "ERROR: <input>:%zu:%zu: %s", issue->line, issue->column + 1, issue->message);
    for (size_t i = 1; i < issue->line; i++) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        if (!newline)
            return;
        line = newline + 1;
    }
    stop = memchr(line, '\n', (size_t)(end - line));
    if (!stop)
        stop = end;
    if (stop - line <= SNIPPET_MAX)
        write_snippet(b, line, stop, issue->column);
}

/* Those without a place come first (line 0 here, -1 there). */
static bool before(const struct cel_issue *a, const struct cel_issue *b)
{
    return a->line < b->line || (a->line == b->line && a->column < b->column);
}

static void sort(struct cel_issue *v, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct cel_issue issue = v[i];
        size_t to = i;
        for (; to && before(&issue, &v[to - 1]); to--)
            v[to] = v[to - 1];
        v[to] = issue;
    }
}

const char *cel_issues_text(const struct cel_issues *issues, const char *text, size_t len)
{
    cleanup_buf struct buf b = BUF_INIT;
    struct cel_issue *sorted = arena_memdup(issues->arena, issues->v, issues->n * sizeof(*sorted));

    sort(sorted, issues->n);
    for (size_t i = 0; i < issues->n; i++) {
        if (i)
            buf_add_char(&b, '\n');
        write_issue(&b, &sorted[i], text, len);
    }
    if (issues->total > issues->n)
        buf_printf(&b, "\n%zu more errors were truncated", issues->total - issues->n);
    return b.len ? arena_strndup(issues->arena, b.data, b.len) : "";
}
