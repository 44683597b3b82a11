#include "fakeapi/control/control_priv.h"

static void trace_line_release(struct trace_line *l)
{
    free(l->who);
    free(l->what);
    *l = (struct trace_line){ 0 };
}

void lab_trace_add(struct lab_trace *t, struct instant at, const char *who, size_t who_len, const char *what,
               size_t what_len)
{
    struct trace_line *l = &t->lines[t->next++ % TRACE_LINES];

    trace_line_release(l);
    l->at = at;
    l->who = xstrndup(who, who_len < TRACE_TEXT_MAX ? who_len : TRACE_TEXT_MAX);
    l->what = xstrndup(what, what_len < TRACE_TEXT_MAX ? what_len : TRACE_TEXT_MAX);
}

void lab_trace_request(struct control *c, const struct api_request *q, int status)
{
    const char *agent = api_request_header(q, "user-agent");
    char what[TRACE_TEXT_MAX];
    int n = snprintf(what, sizeof(what), "%d %s %s%s%s", status, q->method, q->path, q->query ? "?" : "",
                     q->query ? q->query : "");

    if (!agent)
        agent = "";
    lab_trace_add(&c->trace, world_now(c->world), agent, strcspn(agent, " "), what,
              (size_t)n < sizeof(what) ? (size_t)n : sizeof(what) - 1);
}

/* "WHEN who     > what happened\n" */
void control_trace_line(struct control *c, const char *line, size_t len)
{
    const char *arrow = memmem(line, len, " > ", 3), *end, *who;

    if (!arrow)
        return;
    len -= (size_t)(arrow + 3 - line) + (line[len - 1] == '\n');
    for (end = arrow; end > line && end[-1] == ' '; end--)
        ;
    for (who = end; who > line && who[-1] != ' '; who--)
        ;
    lab_trace_add(&c->trace, world_now(c->world), who, (size_t)(end - who), arrow + 3, len);
}

json_t *lab_trace_show(struct ask *a)
{
    const struct lab_trace *t = &a->control->trace;
    const char *query = a->q->query ? a->q->query : "";
    uint64_t after = 0, first = t->next > TRACE_LINES ? t->next - TRACE_LINES : 1;
    json_t *items;

    if (*query && (strncmp(query, "after=", 6) != 0 || !parse_u64(query + 6, &after)))
        return ask_refuse(a, APIERR_BAD_REQUEST, "the query may be after=NUMBER, not %s", query);
    items = json_array();
    for (uint64_t n = after >= first ? after + 1 : first; n < t->next; n++) {
        const struct trace_line *l = &t->lines[n % TRACE_LINES];
        json_array_append_new(items, json_pack("{s:I, s:o, s:s, s:s}", "n", (json_int_t)n, "at", json_instant(l->at),
                                               "who", l->who, "what", l->what));
    }
    return json_pack("{s:o, s:I}", "items", items, "last", (json_int_t)(t->next - 1));
}

void lab_trace_release(struct lab_trace *t)
{
    for (size_t i = 0; i < TRACE_LINES; i++)
        trace_line_release(&t->lines[i]);
}
