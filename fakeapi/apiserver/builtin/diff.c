#include "fakeapi/apiserver/builtin/rules.h"

#include "kube/json.h"

/* The unified difference of two JSON texts as the server's difference library tells it: the longest common runs
 * of lines, found from the whole inwards, lines that come too often in a long text never starting one. */

enum { CONTEXT = 3, LONG_TEXT = 200, LINES_MAX = 20000 };

struct lines {
    DYN(const char *) at;              /* each without its newline */
    DYN(int) class;                    /* the number of its text among those of the second; -1: not there */
};

/* Where lines of one text stand in the second. */
struct places {
    const int *at;
    int n;
};

struct matcher {
    struct arena *arena;
    struct lines a, b;
    struct places *places;             /* by class; none where it is popular */
};

struct match {
    int a, b, size;
};

struct op {
    char tag;                          /* equal, replace, delete, insert: their first letters */
    int a1, a2, b1, b2;
};

struct ops {
    DYN(struct op) v;
};

static void split(struct lines *l, char *text)
{
    for (char *end; text; text = end) {
        *dyn_push(&l->at) = text;
        end = strchr(text, '\n');
        if (end)
            *end++ = '\0';
    }
}

/* ---- which line is which ---------------------------------------------------------------------------- */

struct seen_line {
    const char *text;
    int at;
};

static int by_text(const void *x, const void *y)
{
    const struct seen_line *a = x, *b = y;
    int order = strcmp(a->text, b->text);

    return order ? order : a->at - b->at;
}

/* Numbers the texts of the second and says where each stands. */
static void classify(struct matcher *m)
{
    int n = (int)m->b.at.n, most = n >= LONG_TEXT ? n / 100 + 1 : n;
    struct seen_line *seen = arena_alloc(m->arena, ((size_t)n + 1) * sizeof(*seen));
    const char **texts = arena_alloc(m->arena, ((size_t)n + 1) * sizeof(*texts));
    int *at = arena_alloc(m->arena, ((size_t)n + 1) * sizeof(*at)), classes = 0;

    m->places = arena_alloc(m->arena, ((size_t)n + 1) * sizeof(*m->places));
    for (int i = 0; i < n; i++) {
        seen[i] = (struct seen_line){ m->b.at.v[i], i };
        *dyn_push(&m->b.class) = -1;
    }
    qsort(seen, (size_t)n, sizeof(*seen), by_text);
    for (int i = 0; i < n; i++) {
        if (!i || !streq(seen[i].text, seen[i - 1].text)) {
            texts[classes] = seen[i].text;
            m->places[classes++] = (struct places){ &at[i], 0 };
        }
        at[i] = seen[i].at;
        m->places[classes - 1].n++;
        m->b.class.v[seen[i].at] = classes - 1;
    }
    for (size_t i = 0; i < m->a.at.n; i++) {
        int low = 0, high = classes;
        while (low < high) {
            int mid = (low + high) / 2;
            if (strcmp(texts[mid], m->a.at.v[i]) < 0)
                low = mid + 1;
            else
                high = mid;
        }
        *dyn_push(&m->a.class) = low < classes && streq(texts[low], m->a.at.v[i]) ? low : -1;
    }
    for (int i = 0; i < classes; i++)
        if (m->places[i].n > most)
            m->places[i].n = 0;
}

/* ---- what is common ---------------------------------------------------------------------------------- */

/* A stretch of both texts. */
struct stretch {
    int a1, a2, b1, b2;
};

/* Ends of runs: how long a run ends at each line of the second; good for one line of the first only. */
struct run_ends {
    int *len, *stamp;
};

static struct run_ends run_ends_new(struct arena *a, size_t n)
{
    struct run_ends r = { arena_alloc(a, (n + 1) * sizeof(int)), arena_alloc(a, (n + 1) * sizeof(int)) };

    memset(r.stamp, -1, (n + 1) * sizeof(int));
    return r;
}

static struct match longest(struct matcher *m, struct stretch s)
{
    struct match best = { s.a1, s.b1, 0 };
    struct run_ends ends[2] = { run_ends_new(m->arena, m->b.at.n), run_ends_new(m->arena, m->b.at.n) };
    const int *x = m->a.class.v, *y = m->b.class.v;

    for (int i = s.a1; i < s.a2; i++) {
        struct run_ends *was = &ends[i & 1], *now = &ends[~i & 1];
        const struct places none = { NULL, 0 }, *p = x[i] < 0 ? &none : &m->places[x[i]];
        for (int k = 0; k < p->n && p->at[k] < s.b2; k++) {
            int j = p->at[k];
            if (j < s.b1)
                continue;
            int run = (j > 0 && was->stamp[j - 1] == i - 1 ? was->len[j - 1] : 0) + 1;
            now->len[j] = run;
            now->stamp[j] = i;
            if (run > best.size)
                best = (struct match){ i - run + 1, j - run + 1, run };
        }
    }
    while (best.a > s.a1 && best.b > s.b1 && x[best.a - 1] == y[best.b - 1])
        best = (struct match){ best.a - 1, best.b - 1, best.size + 1 };
    while (best.a + best.size < s.a2 && best.b + best.size < s.b2 && x[best.a + best.size] == y[best.b + best.size])
        best.size++;
    return best;
}

static int by_place(const void *x, const void *y)
{
    return ((const struct match *)x)->a - ((const struct match *)y)->a;
}

struct matches {
    DYN(struct match) v;
};

/* All common runs, in order, ended by an empty one. */
static void find_matches(struct matcher *m, struct matches *ret)
{
    DYN(struct stretch) todo = { 0 };

    *dyn_push(&todo) = (struct stretch){ 0, (int)m->a.at.n, 0, (int)m->b.at.n };
    while (todo.n) {
        struct stretch s = todo.v[--todo.n];
        struct match x = longest(m, s);
        if (!x.size)
            continue;
        *dyn_push(&ret->v) = x;
        if (s.a1 < x.a && s.b1 < x.b)
            *dyn_push(&todo) = (struct stretch){ s.a1, x.a, s.b1, x.b };
        if (x.a + x.size < s.a2 && x.b + x.size < s.b2)
            *dyn_push(&todo) = (struct stretch){ x.a + x.size, s.a2, x.b + x.size, s.b2 };
    }
    dyn_release(&todo);
    if (ret->v.n)
        qsort(ret->v.v, ret->v.n, sizeof(*ret->v.v), by_place);
    *dyn_push(&ret->v) = (struct match){ (int)m->a.at.n, (int)m->b.at.n, 0 };
}

/* ---- what is to be done ------------------------------------------------------------------------------- */

static void add_op(struct ops *ops, char tag, int a1, int a2, int b1, int b2)
{
    struct op *last = ops->v.n ? &ops->v.v[ops->v.n - 1] : NULL;

    if (last && last->tag == tag && tag == 'e') {
        last->a2 = a2;
        last->b2 = b2;
    } else {
        *dyn_push(&ops->v) = (struct op){ tag, a1, a2, b1, b2 };
    }
}

static void find_ops(const struct matches *found, struct ops *ret)
{
    int i = 0, j = 0;

    for (size_t k = 0; k < found->v.n; k++) {
        struct match x = found->v.v[k];
        if (i < x.a || j < x.b)
            add_op(ret, i < x.a && j < x.b ? 'r' : i < x.a ? 'd' : 'i', i, x.a, j, x.b);
        i = x.a + x.size;
        j = x.b + x.size;
        if (x.size)
            add_op(ret, 'e', x.a, i, x.b, j);
    }
}

static void print_range(struct buf *b, char sign, int start, int end)
{
    if (end - start == 1)
        buf_printf(b, "%c%d", sign, start + 1);
    else
        buf_printf(b, "%c%d,%d", sign, end == start ? start : start + 1, end - start);
}

static void print_group(struct buf *b, const struct matcher *m, const struct op *v, size_t n)
{
    buf_add_str(b, "@@ ");
    print_range(b, '-', v[0].a1, v[n - 1].a2);
    buf_add_char(b, ' ');
    print_range(b, '+', v[0].b1, v[n - 1].b2);
    buf_add_str(b, " @@\n");
    for (size_t i = 0; i < n; i++) {
        for (int k = v[i].a1; k < v[i].a2; k++)
            buf_printf(b, "%c%s\n", v[i].tag == 'e' ? ' ' : '-', m->a.at.v[k]);
        for (int k = v[i].b1; v[i].tag != 'e' && k < v[i].b2; k++)
            buf_printf(b, "+%s\n", m->b.at.v[k]);
    }
}

/* Groups of changes with what is around them; a long stretch without one parts them. */
static void print_ops(struct buf *b, const struct matcher *m, struct ops *ops)
{
    struct op *v = ops->v.v;
    size_t n = ops->v.n, first = 0;

    if (!n || (n == 1 && v[0].tag == 'e'))
        return;
    if (v[0].tag == 'e' && v[0].a2 - v[0].a1 > CONTEXT) {
        v[0].a1 = v[0].a2 - CONTEXT;
        v[0].b1 = v[0].b2 - CONTEXT;
    }
    if (v[n - 1].tag == 'e' && v[n - 1].a2 - v[n - 1].a1 > CONTEXT) {
        v[n - 1].a2 = v[n - 1].a1 + CONTEXT;
        v[n - 1].b2 = v[n - 1].b1 + CONTEXT;
    }
    for (size_t i = 1; i + 1 < n; i++) {
        if (v[i].tag != 'e' || v[i].a2 - v[i].a1 <= 2 * CONTEXT)
            continue;
        struct op whole = v[i];
        v[i].a2 = whole.a1 + CONTEXT;
        v[i].b2 = whole.b1 + CONTEXT;
        print_group(b, m, &v[first], i + 1 - first);
        v[i] = whole;
        v[i].a1 = whole.a2 - CONTEXT;
        v[i].b1 = whole.b2 - CONTEXT;
        first = i;
    }
    print_group(b, m, &v[first], n - first);
}

/* Too long to be looked through: what is between the common head and tail. */
static void match_ends(const struct matcher *m, struct matches *ret)
{
    int n = (int)m->a.at.n, k = (int)m->b.at.n, head = 0, tail = 0;

    while (head < n && head < k && streq(m->a.at.v[head], m->b.at.v[head]))
        head++;
    while (tail < n - head && tail < k - head && streq(m->a.at.v[n - 1 - tail], m->b.at.v[k - 1 - tail]))
        tail++;
    *dyn_push(&ret->v) = (struct match){ 0, 0, head };
    *dyn_push(&ret->v) = (struct match){ n - tail, k - tail, tail };
}

const char *rule_diff(struct arena *arena, const json_t *before, const json_t *after)
{
    cleanup_arena struct arena *own = arena_new();
    cleanup_free char *x = json_dumps(before, JSON_INDENT(1)), *y = json_dumps(after, JSON_INDENT(1));
    struct matcher m = { .arena = own };
    struct matches found = { 0 };
    struct ops ops = { 0 };
    cleanup_buf struct buf out = BUF_INIT;

    split(&m.a, x);
    split(&m.b, y);
    if (m.a.at.n > LINES_MAX || m.b.at.n > LINES_MAX) {
        match_ends(&m, &found);
    } else {
        classify(&m);
        find_matches(&m, &found);
    }
    find_ops(&found, &ops);
    buf_add_str(&out, "");
    print_ops(&out, &m, &ops);
    dyn_release(&m.a.at);
    dyn_release(&m.a.class);
    dyn_release(&m.b.at);
    dyn_release(&m.b.class);
    dyn_release(&found.v);
    dyn_release(&ops.v);
    return arena_strdup(arena, out.data);
}
