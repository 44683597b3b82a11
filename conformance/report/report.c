#include "conformance/report/report.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "conformance/requirements/requirement.h"
#include "kube/json.h"

#define API_VERSION "conformance.dormouse/v1"

struct report {
    json_t *root, *checks, *troubles;
    char *judged;
    bool finished;
};

static const char *const verdict_words[] = { "pass", "fail", "non-strict", "unsupported", "skipped",
                                             "error" };
static const char *const subjects[] = { "driver", "controller" };

static const char *text_of(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    return s ? s : "";
}

struct report *report_new(const struct report_options *o)
{
    struct report *r = xcalloc(1, sizeof(*r));

    r->checks = json_array();
    r->troubles = json_array();
    r->judged = o->judged ? xstrdup(o->judged) : NULL;
    r->root = json_pack("{s:s, s:s, s:{s:s, s:s}, s:{s:s, s:s, s:s}}", "apiVersion", API_VERSION, "kind",
                        "ConformanceReport", "suite", "name", "dormouse", "version", DORMOUSE_VERSION,
                        "spec", "name", "agent-sandbox suspend, resume and snapshots", "revision",
                        "agents.x-k8s.io/v1beta1, KEP-0119 and KEP-0694", "clarifications", "H-01 to H-59");
    json_object_set_new(r->root, "implementation", json_object());
    json_object_set_new(r->root, "mode", json_string(o->mode));
    json_object_set_new(r->root, "seed", json_integer((json_int_t)o->seed));
    return r;
}

struct report *report_free(struct report *r)
{
    if (!r)
        return NULL;
    json_decref(r->root);
    json_decref(r->checks);
    json_decref(r->troubles);
    free(r->judged);
    free(r);
    return NULL;
}

void report_describe(struct report *r, const char *implementation, const char *version, const char *endpoint,
                     json_t *capabilities)
{
    json_object_set_new(r->root, "implementation",
                        json_pack("{s:s*, s:s*, s:s*, s:O*}", "name", implementation, "version", version,
                                  "endpoint", endpoint, "capabilities", capabilities));
}

void report_add(struct report *r, json_t *check)
{
    assert(!r->finished);
    json_array_append_new(r->checks, check);
}

void report_trouble(struct report *r, const char *fmt, ...)
{
    cleanup_free char *text = NULL;
    va_list args;

    va_start(args, fmt);
    text = xvasprintf(fmt, args);
    va_end(args);
    json_array_append_new(r->troubles, json_string(text));
}

/* ---- adding up ------------------------------------------------------------------------------- */

struct tally {
    size_t n[ARRAY_SIZE(verdict_words)];
};
enum { PASS, FAIL, NON_STRICT, UNSUPPORTED, SKIPPED, ERROR };

static void count(struct tally *t, const json_t *check)
{
    for (size_t i = 0; i < ARRAY_SIZE(verdict_words); i++)
        t->n[i] += streq(text_of(check, "verdict"), verdict_words[i]);
}

static size_t executed(const struct tally *t)
{
    return t->n[PASS] + t->n[FAIL] + t->n[NON_STRICT] + t->n[ERROR];
}

static const char *verdict(const struct tally *t)
{
    if (t->n[FAIL] + t->n[ERROR] > 0 || executed(t) == 0)
        return "Failed";
    return t->n[SKIPPED] > 0 ? "Partial" : "Certified";
}

static json_t *tally_json(const struct tally *t)
{
    json_t *j = json_pack("{s:I}", "executed", (json_int_t)executed(t));

    for (size_t i = 0; i < ARRAY_SIZE(verdict_words); i++)
        json_object_set_new(j, verdict_words[i], json_integer((json_int_t)t->n[i]));
    return j;
}

/* One row per feature, in the order of their first check. */
static json_t *features_json(const json_t *checks, const char *subject)
{
    json_t *list = json_array(), *seen = json_object();
    const json_t *check, *other;
    size_t i, k;

    json_array_foreach (checks, i, check) {
        const char *feature = text_of(check, "feature");
        struct tally t = { 0 };
        if (!streq(text_of(check, "subject"), subject) || json_object_get(seen, feature))
            continue;
        json_object_set_new(seen, feature, json_true());
        json_array_foreach (checks, k, other)
            if (streq(text_of(other, "subject"), subject) && streq(text_of(other, "feature"), feature))
                count(&t, other);
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:s, s:o}", "name", feature, "support", text_of(check, "support"),
                            "verdict", executed(&t) ? verdict(&t) : "Unsupported", "counts", tally_json(&t)));
    }
    json_decref(seen);
    return list;
}

static json_t *profile_json(const json_t *checks, const char *subject)
{
    const json_t *check;
    struct tally t = { 0 };
    bool any = false;
    size_t i;

    json_array_foreach (checks, i, check)
        if (streq(text_of(check, "subject"), subject)) {
            any = true;
            count(&t, check);
        }
    if (!any)
        return NULL;
    return json_pack("{s:s, s:s, s:o, s:o}", "subject", subject, "verdict", verdict(&t), "counts",
                     tally_json(&t), "features", features_json(checks, subject));
}

/* fail beats error beats non-strict beats skipped beats unsupported beats pass. */
static const char *worse(const char *a, const char *b)
{
    static const char *const order[] = { "fail", "error", "non-strict", "skipped", "pass", "unsupported" };

    for (size_t i = 0; i < ARRAY_SIZE(order); i++)
        if (streq(order[i], a) || streq(order[i], b))
            return order[i];
    return b;
}

static void cite(json_t *rows, const char *id, const json_t *check)
{
    const struct requirement *q = requirement_find(id);
    json_t *row = json_object_get(rows, id);

    if (!q)
        return;
    if (!row) {
        row = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:[]}", "id", q->id, "subject",
                        text_of(check, "subject"), "level", requirement_level_text(q->level), "text",
                        q->text, "source", q->source, "verdict", "unsupported", "checks");
        json_object_set_new(rows, id, row);
    }
    json_object_set_new(row, "verdict",
                        json_string(worse(text_of(row, "verdict"), text_of(check, "verdict"))));
    json_array_append_new(json_object_get(row, "checks"), json_string(text_of(check, "id")));
}

/* Every requirement that some check of the subject cites, in the order of ids. What a scenario shows of
 * the reference driver says nothing about the driver judged: the two are never mixed. */
static void add_requirements(json_t *list, const json_t *checks, const char *subject)
{
    json_auto_t *rows = json_object();
    const json_t *check, *id;
    json_t *row;
    size_t i, k;

    json_array_foreach (checks, i, check)
        if (streq(text_of(check, "subject"), subject))
            json_array_foreach (json_object_get(check, "requirements"), k, id)
                cite(rows, json_string_value(id), check);
    for (i = 0; i < requirement_count; i++) {
        row = json_object_get(rows, requirement_table[i].id);
        if (row)
            json_array_append(list, row);
    }
}

static json_t *requirements_json(const json_t *checks)
{
    json_t *list = json_array();

    for (size_t i = 0; i < ARRAY_SIZE(subjects); i++)
        add_requirements(list, checks, subjects[i]);
    return list;
}

static const char *final_verdict(const struct report *r, const json_t *profiles, size_t ran)
{
    const char *worst = "Certified";
    const json_t *p;
    size_t i;

    if (json_array_size(r->troubles) > 0 || ran == 0)
        return "Failed";
    json_array_foreach (profiles, i, p) {
        if (r->judged && !streq(text_of(p, "subject"), r->judged))
            continue;
        if (streq(text_of(p, "verdict"), "Failed"))
            return "Failed";
        if (streq(text_of(p, "verdict"), "Partial"))
            worst = "Partial";
    }
    return worst;
}

const json_t *report_json(struct report *r)
{
    json_t *profiles, *p;
    const json_t *check;
    struct tally all = { 0 };
    size_t i;

    if (r->finished)
        return r->root;
    r->finished = true;
    profiles = json_array();
    for (i = 0; i < ARRAY_SIZE(subjects); i++) {
        p = profile_json(r->checks, subjects[i]);
        if (p)
            json_array_append_new(profiles, p);
    }
    json_array_foreach (r->checks, i, check)
        count(&all, check);
    json_object_set_new(r->root, "verdict", json_string(final_verdict(r, profiles, executed(&all))));
    json_object_set(r->root, "troubles", r->troubles);
    json_object_set_new(r->root, "profiles", profiles);
    json_object_set_new(r->root, "totals", tally_json(&all));
    json_object_set_new(r->root, "requirements", requirements_json(r->checks));
    json_object_set(r->root, "checks", r->checks);
    return r->root;
}

const char *report_verdict(struct report *r)
{
    return text_of(report_json(r), "verdict");
}

const char *report_subject_verdict(struct report *r, const char *subject)
{
    const json_t *p;
    size_t i;

    json_array_foreach (json_object_get(report_json(r), "profiles"), i, p)
        if (streq(text_of(p, "subject"), subject))
            return text_of(p, "verdict");
    return "";
}

char *report_text(struct report *r)
{
    struct buf b = BUF_INIT;

    json_write(&b, report_json(r), JSON_WRITE_INDENT | JSON_WRITE_PLAIN);
    buf_add_char(&b, '\n');
    return buf_steal(&b);
}

/* ---- files ----------------------------------------------------------------------------------- */

int report_write_file(const char *path, const char *text, struct err *e)
{
    FILE *f = fopen(path, "we");
    bool fine;

    if (!f)
        return err_set_errno(e, errno, "%s", path);
    fine = fputs(text, f) >= 0;
    fine = fclose(f) == 0 && fine;
    return fine ? 0 : err_set_errno(e, errno, "%s", path);
}

static int make_dirs(const char *dir, struct err *e)
{
    cleanup_free char *path = xstrdup(dir);

    for (char *p = path + 1;; p++) {
        char was = *p;
        if (was != '/' && was != '\0')
            continue;
        *p = '\0';
        if (mkdir(path, 0777) < 0 && errno != EEXIST)
            return err_set_errno(e, errno, "%s", path);
        *p = was;
        if (was == '\0')
            return 0;
    }
}

int report_write(struct report *r, const char *dir, struct err *e)
{
    static const struct form {
        const char *name;
        char *(*print)(struct report *);
    } forms[] = { { "report.json", report_text }, { "junit.xml", report_junit }, { "report.tap", report_tap },
                  { "index.html", report_html } };
    int rc = make_dirs(dir, e);

    for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(forms); i++) {
        cleanup_free char *path = xasprintf("%s/%s", dir, forms[i].name);
        cleanup_free char *text = forms[i].print(r);
        rc = report_write_file(path, text, e);
    }
    return rc;
}
