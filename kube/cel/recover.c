/* How a text that does not fit is read on, and what is said of it: ANTLR's ways, because its messages are cel-go's.
 *
 * A rule knows what may come next, asks before a choice (sync), skips one token too many or supplies one too few, and
 * when it fails, leaves out everything up to what any rule around it waits for. What a rule's callers wait for stands
 * on a stack of sets (follows).
 */
#include "kube/cel/grammar_priv.h"

enum {
    RECOVERIES_MAX = 30,
    LOOKAHEAD_MAX = 256                          /* tokens left out in one recovery */
};

void __attribute__((noreturn)) cel_give_up(struct parser *p, const char *message)
{
    if (message)
        cel_issue_add(p->issues, &p->src, NO_OFFSET, "%s", message);
    longjmp(p->grammar->give_up, 1);
}

/* ---- messages --------------------------------------------------------------------------------- */

static const char *quoted(struct parser *p, const char *s, size_t len)
{
    cleanup_buf struct buf b = BUF_INIT;

    buf_add_char(&b, '\'');
    for (size_t i = 0; i < len; i++) {
        if (s[i] == '\t' || s[i] == '\n' || s[i] == '\r') {
            buf_add_char(&b, '\\');
            buf_add_char(&b, s[i] == '\t' ? 't' : s[i] == '\n' ? 'n' : 'r');
        } else {
            buf_add_char(&b, s[i]);
        }
    }
    buf_add_char(&b, '\'');
    return arena_strndup(p->arena, b.data, b.len);
}

static const char *shown(struct parser *p, const struct token *t)
{
    return t->kind == TOKEN_EOF ? "'<EOF>'" : quoted(p, t->s, t->len);
}

static const char *listed(struct parser *p, uint64_t set)
{
    cleanup_buf struct buf b = BUF_INIT;
    bool many = (set & (set - 1)) != 0;

    for (int kind = TOKEN_EOF; kind < TOKEN_EPSILON; kind++)
        if (in(set, (enum token_kind)kind)) {
            buf_add_str(&b, b.len ? ", " : many ? "{" : "");
            buf_add_str(&b, cel_token_name((enum token_kind)kind));
        }
    if (many)
        buf_add_char(&b, '}');
    return arena_strndup(p->arena, b.data, b.len);
}

static void syntax_error(struct parser *p, size_t token, const char *message)
{
    cel_issue_add(p->issues, &p->src, p->tokens[token].offset, "Syntax error: %s", message);
}

/* What may come here: the rule's own set, and where it may end, what its callers wait for. */
static uint64_t expected(const struct parser *p, uint64_t set)
{
    const struct grammar_state *g = p->grammar;

    for (size_t i = g->follows.n; i && in(set, TOKEN_EPSILON); i--)
        set = (set & ~MAY_END) | g->follows.v[i - 1];
    return in(set, TOKEN_EPSILON) ? (set & ~MAY_END) | SET(EOF) : set;
}

static uint64_t recovery_set(const struct parser *p)
{
    uint64_t set = 0;

    for (size_t i = 0; i < p->grammar->follows.n; i++)
        set |= p->grammar->follows.v[i];
    return set & ~MAY_END;
}

static void report_unwanted(struct parser *p, uint64_t set)
{
    if (p->grammar->recovering)
        return;
    p->grammar->recovering = true;
    syntax_error(p, p->at, arena_printf(p->arena, "extraneous input %s expecting %s", shown(p, ahead(p, 1)),
                                        listed(p, expected(p, set))));
}

void cel_matched(struct parser *p)
{
    p->grammar->recovering = false;
    p->grammar->n_error_states = 0;
    p->grammar->error_at = SIZE_MAX;
}

/* ---- failing and recovering ------------------------------------------------------------------- */

static void fail(struct parser *p, uint64_t set)
{
    struct grammar_state *g = p->grammar;

    g->failure = MISMATCH;
    g->failure_token = p->at;
    g->failure_expected = expected(p, set);
}

/* No alternative fits the tokens from here to the n-th. */
void cel_fail_alternative(struct parser *p, size_t n)
{
    p->grammar->failure = NO_ALTERNATIVE;
    p->grammar->failure_start = p->at;
    p->grammar->failure_token = (size_t)(ahead(p, n) - p->tokens);
}

/* A keyword where a field is named has a message of its own. */
static const char *no_alternative(struct parser *p, const struct token *from, const struct token *to)
{
    cleanup_buf struct buf text = BUF_INIT;

    if (from->kind == TOKEN_DOT && to == from + 1 && !*to->hidden &&
        (to->kind == TOKEN_TRUE || to->kind == TOKEN_FALSE || to->kind == TOKEN_NULL))
        return arena_printf(p->arena, "mismatched input %s expecting IDENTIFIER", quoted(p, to->s, to->len));
    if (from->kind == TOKEN_EOF)
        return "no viable alternative at input '<EOF>'";
    for (const struct token *t = from; t <= to; t++) {
        if (t > from)
            buf_add_str(&text, t->hidden);
        buf_add(&text, t->s, t->len);
    }
    return arena_printf(p->arena, "no viable alternative at input %s", quoted(p, text.data, text.len));
}

static void report(struct parser *p)
{
    struct grammar_state *g = p->grammar;
    const struct token *t = &p->tokens[g->failure_token];

    if (g->recovering)
        return;
    g->recovering = true;
    if (g->failure == NO_ALTERNATIVE)
        syntax_error(p, g->failure_token, no_alternative(p, &p->tokens[g->failure_start], t));
    else
        syntax_error(p, g->failure_token, arena_printf(p->arena, "mismatched input %s expecting %s", shown(p, t),
                                                       listed(p, g->failure_expected)));
}

static void count_recovery(struct parser *p)
{
    if (p->grammar->recoveries++ < RECOVERIES_MAX)
        return;
    syntax_error(p, p->at, arena_printf(p->arena, "error recovery attempt limit exceeded: %d", RECOVERIES_MAX));
    cel_give_up(p, NULL);
}

static bool state_failed_before(const struct grammar_state *g)
{
    for (size_t i = 0; i < g->n_error_states; i++)
        if (g->error_states[i] == g->state)
            return true;
    return false;
}

static void skip_to(struct parser *p, uint64_t set)
{
    size_t skipped = 0;

    while (next(p) != TOKEN_EOF && !next_in(p, set)) {
        if (skipped++ == LOOKAHEAD_MAX)
            cel_give_up(p, arena_printf(p->arena, "error recovery token lookahead limit exceeded: %d", LOOKAHEAD_MAX));
        consume(p);
    }
}

/* The rule ends here, whole or not; its caller goes on with what it waits for. */
void cel_recover(struct parser *p)
{
    struct grammar_state *g = p->grammar;

    if (!cel_failed(p))
        return;
    report(p);
    count_recovery(p);
    if (g->error_at == p->at && state_failed_before(g))
        consume(p);                               /* or it would fail here for ever */
    g->error_at = p->at;
    if (g->n_error_states < STATES_MAX)
        g->error_states[g->n_error_states++] = g->state;
    skip_to(p, recovery_set(p));
    g->failure = NO_FAILURE;
}

/* The token after the next fits: this one is too many. */
static bool drop_one(struct parser *p, uint64_t set)
{
    if (!in(expected(p, set), ahead(p, 2)->kind))
        return false;
    report_unwanted(p, set);
    consume(p);
    cel_matched(p);
    return true;
}

/* `set`: what may stand here. False: the rule has failed. */
bool cel_sync(struct parser *p, uint64_t set, int state)
{
    struct grammar_state *g = p->grammar;

    g->state = state;
    if (g->recovering || in(set, TOKEN_EPSILON) || next_in(p, set) || drop_one(p, set))
        return true;
    fail(p, set);
    return false;
}

/* Before the next round of a loop that must go on: what does not fit is left out. */
void cel_sync_loop(struct parser *p, uint64_t set, int state)
{
    struct grammar_state *g = p->grammar;

    g->state = state;
    if (g->recovering || next_in(p, set))
        return;
    report_unwanted(p, set);
    skip_to(p, expected(p, set) | recovery_set(p));
}

/* Takes a token of this kind; `after`: what may come after it. False: the rule has failed. */
bool cel_match(struct parser *p, enum token_kind kind, uint64_t after, int state)
{
    struct grammar_state *g = p->grammar;

    g->state = state;
    if (next(p) == kind) {
        cel_matched(p);
        consume(p);
        return true;
    }
    count_recovery(p);
    if (drop_one(p, UINT64_C(1) << kind)) {
        consume(p);
        return true;
    }
    if (in(expected(p, after), next(p))) {
        if (!g->recovering) {
            g->recovering = true;
            syntax_error(p, p->at, arena_printf(p->arena, "missing %s at %s", cel_token_name(kind), shown(p, ahead(p, 1))));
        }
        return true;
    }
    fail(p, UINT64_C(1) << kind);
    return false;
}

/* ---- depth ------------------------------------------------------------------------------------ */

void cel_deeper(struct parser *p, enum rule r)
{
    if (++p->grammar->depth[r] > CEL_DEPTH_MAX)
        cel_give_up(p, arena_printf(p->arena, "expression recursion limit exceeded: %d", CEL_DEPTH_MAX));
}

/* An operator or a member over what stands below it. cel-go walks the tree of the text once more and says then what
 * is too much for it. */
void cel_rise(struct parser *p, size_t below)
{
    if (below >= CEL_DEPTH_MAX)
        cel_give_up(p, "max recursion depth exceeded");
    p->grammar->height = below + 1;
}
