#include "conformance/cli/certify.h"

#include "kube/json.h"

#define TIMELINE_MAX 120

/* The end of a trace, line by line: what led to the failure. */
static json_t *timeline(const char *trace)
{
    json_t *list = json_array();
    size_t lines = 0, skip;

    for (const char *p = trace; p && *p; p++)
        lines += *p == '\n';
    skip = lines > TIMELINE_MAX ? lines - TIMELINE_MAX : 0;
    for (const char *p = trace; p && *p; p += strcspn(p, "\n"), p += *p == '\n') {
        size_t len = strcspn(p, "\n");
        if (skip > 0)
            skip--;
        else
            json_array_append_new(list, json_stringn(p, len < 400 ? len : 400));
    }
    return list;
}

static enum requirement_level strictest(const struct strings *ids)
{
    enum requirement_level level = REQUIREMENT_MAY;

    for (size_t i = 0; i < ids->n; i++) {
        const struct requirement *q = requirement_find(ids->v[i]);
        if (q && q->level < level)
            level = q->level;
    }
    return level;
}

/* What the scenario proves, and what the broken invariant stands for. */
static json_t *cited(const struct scenario *s, const char *more)
{
    json_t *list = json_array();

    for (size_t i = 0; i < s->requirements.n; i++)
        json_array_append_new(list, json_string(s->requirements.v[i]));
    for (; *more; more += strspn(more, " ")) {
        size_t len = strcspn(more, " ");
        bool there = false;
        for (size_t i = 0; i < s->requirements.n; i++)
            there |= strlen(s->requirements.v[i]) == len && strncmp(s->requirements.v[i], more, len) == 0;
        if (!there)
            json_array_append_new(list, json_stringn(more, len));
        more += len;
    }
    return list;
}

json_t *scenario_row(const struct scenario_file *f, const struct exploration *e)
{
    const struct scenario *s = f->scenario;
    const struct run_result *r = &e->result;
    cleanup_arena struct arena *a = arena_new();
    enum requirement_level level = strictest(&s->requirements);
    const char *verdict = r->held ? "pass" : r->machine ? "error" : level == REQUIREMENT_MUST ? "fail"
                                                                                              : "non-strict";
    json_t *row = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:s, s:s}", "id", s->name, "title",
                            s->title, "subject", "controller", "feature",
                            scenario_feature_words[s->feature], "support",
                            s->support ? "extended" : "core", "requirements", cited(s, r->requirements),
                            "level", requirement_level_text(level), "verdict", verdict, "message",
                            r->message);

    json_object_set_new(row, "runs", json_integer((json_int_t)e->runs));
    if (!r->held) {
        const char *schedule = schedule_text(a, &e->failing);
        json_object_set_new(row, "where", json_string(arena_printf(a, "%s:%d:%d", f->path, r->at.line,
                                                                   r->at.col)));
        json_object_set_new(row, "expected", json_string(r->expected));
        json_object_set_new(row, "actual", json_string(r->actual));
        json_object_set_new(row, "timeline", timeline(r->trace));
        json_object_set_new(row, "rerun",
                            json_string(arena_printf(a, "dormouse replay --seed %llu --schedule %s %s",
                                                     (unsigned long long)e->failing.seed, schedule,
                                                     f->path)));
    }
    return row;
}
