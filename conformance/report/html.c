/* The HTML page: nothing to load, nothing to run, readable on a phone, in the dark and on paper. */
#include "conformance/report/report.h"
#include "conformance/report/report_priv.h"

static void add(struct buf *b, const char *open, const char *text, const char *close)
{
    buf_add_str(b, open);
    report_escape(b, text);
    buf_add_str(b, close);
}

static void add_badge(struct buf *b, const char *verdict)
{
    buf_printf(b, "<span class=\"badge %s\">%s</span>", verdict, verdict);
}

static void add_head(struct buf *b, const json_t *report)
{
    const json_t *implementation = json_object_get(report, "implementation"), *line;
    size_t i;

    buf_add_str(b, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
                   "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                   "<title>Dormouse conformance report</title>\n<style>\n");
    buf_add_str(b, report_css);
    buf_add_str(b, "</style></head>\n<body><main>\n<p>");
    add_badge(b, report_field(report, "verdict"));
    buf_add_str(b, "</p>\n<h1>Conformance report");
    if (*report_field(implementation, "name"))
        add(b, ": ", report_field(implementation, "name"), "");
    buf_add_str(b, "</h1>\n<p class=\"soft\">");
    add(b, "", report_field(json_object_get(report, "spec"), "name"), "; ");
    add(b, "", report_field(json_object_get(report, "spec"), "revision"), "</p>\n");
    buf_printf(b, "<p class=\"soft small\">dormouse %s, seed %lld",
               report_field(json_object_get(report, "suite"), "version"),
               (long long)report_count(report, "seed"));
    if (*report_field(implementation, "version"))
        add(b, ", driver version ", report_field(implementation, "version"), "");
    if (*report_field(implementation, "endpoint"))
        add(b, ", at <code>", report_field(implementation, "endpoint"), "</code>");
    buf_add_str(b, "</p>\n");
    json_array_foreach (json_object_get(report, "troubles"), i, line)
        add(b, "<p class=\"trouble\">", json_string_value(line), "</p>\n");
}

static void add_number(struct buf *b, const json_t *counts, const char *key, const char *label)
{
    if (report_count(counts, key) > 0)
        buf_printf(b, "<span><b>%lld</b>%s</span>", (long long)report_count(counts, key), label);
}

static void add_profile(struct buf *b, const json_t *profile)
{
    const json_t *counts = json_object_get(profile, "counts"), *feature;
    size_t i;

    buf_printf(b, "<section class=\"card\"><header><h3>%s</h3>",
               streq(report_field(profile, "subject"), "driver") ? "The driver" : "The controller");
    add_badge(b, report_field(profile, "verdict"));
    buf_add_str(b, "</header><div class=\"numbers\">");
    add_number(b, counts, "pass", "passed");
    add_number(b, counts, "fail", "failed");
    add_number(b, counts, "non-strict", "non-strict");
    add_number(b, counts, "error", "not carried out");
    add_number(b, counts, "skipped", "skipped");
    add_number(b, counts, "unsupported", "unsupported");
    buf_add_str(b, "</div><table><tr><th>Feature</th><th>Support</th><th class=\"right\">Passed</th>"
                   "<th></th></tr>");
    json_array_foreach (json_object_get(profile, "features"), i, feature) {
        const json_t *c = json_object_get(feature, "counts");
        add(b, "<tr><td>", report_field(feature, "name"), "</td>");
        add(b, "<td class=\"soft\">", report_field(feature, "support"), "</td>");
        buf_printf(b, "<td class=\"right\">%lld of %lld</td><td class=\"right\">",
                   (long long)report_count(c, "pass"), (long long)report_count(c, "executed"));
        add_badge(b, report_field(feature, "verdict"));
        buf_add_str(b, "</td></tr>");
    }
    buf_add_str(b, "</table></section>\n");
}

static void add_term(struct buf *b, const char *name, const json_t *check, const char *key, bool code)
{
    if (!*report_field(check, key))
        return;
    buf_printf(b, "<dt>%s</dt><dd>%s", name, code ? "<code>" : "");
    report_escape(b, report_field(check, key));
    buf_add_str(b, code ? "</code></dd>" : "</dd>");
}

static void add_check_ids(struct buf *b, const json_t *check)
{
    const json_t *id;
    size_t i;

    buf_add_str(b, "<dt>Requirements</dt><dd>");
    json_array_foreach (json_object_get(check, "requirements"), i, id)
        buf_printf(b, "%s<a href=\"#%s-%s\">%s</a>", i ? ", " : "", report_field(check, "subject"),
                   json_string_value(id), json_string_value(id));
    buf_add_str(b, "</dd>");
}

static void add_check(struct buf *b, const json_t *check, bool open)
{
    const json_t *line;
    size_t i;

    buf_printf(b, "<details%s id=\"check-", open ? " open" : "");
    report_escape(b, report_field(check, "id"));
    buf_add_str(b, "\"><summary>");
    add_badge(b, report_field(check, "verdict"));
    add(b, "<span class=\"grow\"><code>", report_field(check, "id"), "</code> ");
    add(b, "", report_field(check, "title"), "</span>");
    buf_printf(b, "<span class=\"soft small\">%s</span></summary><dl>", report_field(check, "level"));
    add_check_ids(b, check);
    add_term(b, "What happened", check, "message", false);
    add_term(b, "Where", check, "where", true);
    add_term(b, "Expected", check, "expected", true);
    add_term(b, "Actual", check, "actual", true);
    add_term(b, "Run it again", check, "rerun", true);
    buf_add_str(b, "</dl>");
    if (json_array_size(json_object_get(check, "timeline")) > 0) {
        buf_add_str(b, "<pre>");
        json_array_foreach (json_object_get(check, "timeline"), i, line)
            add(b, "", json_string_value(line), "\n");
        buf_add_str(b, "</pre>");
    }
    buf_add_str(b, "</details>\n");
}

static bool is_bad(const json_t *check)
{
    const char *v = report_field(check, "verdict");

    return streq(v, "fail") || streq(v, "error") || streq(v, "non-strict");
}

static void add_failures(struct buf *b, const json_t *checks)
{
    const json_t *check;
    bool any = false;
    size_t i;

    json_array_foreach (checks, i, check) {
        if (!is_bad(check))
            continue;
        if (!any)
            buf_add_str(b, "<h2>What did not hold</h2>\n");
        any = true;
        add_check(b, check, streq(report_field(check, "verdict"), "fail"));
    }
}

static void add_requirement(struct buf *b, const json_t *row)
{
    const json_t *id;
    size_t i;

    buf_printf(b, "<tr id=\"%s-%s\"><td class=\"id\">%s</td><td>", report_field(row, "subject"),
               report_field(row, "id"), report_field(row, "id"));
    add_badge(b, report_field(row, "verdict"));
    add(b, "</td><td>", report_field(row, "text"), "<br><span class=\"soft small\">");
    json_array_foreach (json_object_get(row, "checks"), i, id) {
        add(b, i ? ", <a href=\"#check-" : "<a href=\"#check-", json_string_value(id), "\">");
        add(b, "", json_string_value(id), "</a>");
    }
    buf_printf(b, "</span></td><td>%s</td>", report_field(row, "level"));
    add(b, "<td class=\"soft small source\">", report_field(row, "source"), "</td></tr>\n");
}

static void add_requirements(struct buf *b, const json_t *rows, const char *subject)
{
    const json_t *row;
    bool any = false;
    size_t i;

    json_array_foreach (rows, i, row) {
        if (!streq(report_field(row, "subject"), subject))
            continue;
        if (!any)
            buf_printf(b, "<h2>Requirements on the %s</h2>\n<div class=\"panel\"><table><tr><th>Id</th>"
                       "<th>Verdict</th><th>What must hold</th><th>Level</th>"
                       "<th class=\"source\">Source</th></tr>\n", subject);
        any = true;
        add_requirement(b, row);
    }
    if (any)
        buf_add_str(b, "</table></div>\n");
}

char *report_html(struct report *r)
{
    const json_t *report = report_json(r), *row;
    struct buf b = BUF_INIT;
    size_t i;

    add_head(&b, report);
    buf_add_str(&b, "<div class=\"cards\">\n");
    json_array_foreach (json_object_get(report, "profiles"), i, row)
        add_profile(&b, row);
    buf_add_str(&b, "</div>\n");
    add_failures(&b, json_object_get(report, "checks"));
    add_requirements(&b, json_object_get(report, "requirements"), "driver");
    add_requirements(&b, json_object_get(report, "requirements"), "controller");
    buf_add_str(&b, "<h2>Checks</h2>\n");
    json_array_foreach (json_object_get(report, "checks"), i, row)
        if (!is_bad(row))
            add_check(&b, row, false);
    buf_add_str(&b, "</main></body></html>\n");
    return buf_steal(&b);
}
