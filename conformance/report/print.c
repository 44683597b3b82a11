/* JUnit and TAP, printed from the report's JSON. */
#include "conformance/report/report.h"
#include "conformance/report/report_priv.h"

const char *report_field(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    return s ? s : "";
}

int64_t report_count(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

/* XML 1.0 has no place for most control characters: they become U+FFFD. */
void report_escape(struct buf *b, const char *s)
{
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '<')
            buf_add_str(b, "&lt;");
        else if (c == '>')
            buf_add_str(b, "&gt;");
        else if (c == '&')
            buf_add_str(b, "&amp;");
        else if (c == '"')
            buf_add_str(b, "&quot;");
        else if (c < 0x20 && c != '\n' && c != '\t')
            buf_add_str(b, "\xef\xbf\xbd");
        else
            buf_add_char(b, (char)c);
    }
}

static void add_details(struct buf *b, const json_t *check)
{
    static const char *const fields[] = { "message", "where", "expected", "actual", "rerun" };
    const json_t *line;
    size_t i;

    for (i = 0; i < ARRAY_SIZE(fields); i++)
        if (*report_field(check, fields[i])) {
            buf_printf(b, "%s: ", fields[i]);
            report_escape(b, report_field(check, fields[i]));
            buf_add_char(b, '\n');
        }
    json_array_foreach (json_object_get(check, "timeline"), i, line) {
        report_escape(b, json_string_value(line));
        buf_add_char(b, '\n');
    }
}

static void add_outcome(struct buf *b, const char *element, const json_t *check)
{
    buf_printf(b, "      <%s message=\"", element);
    report_escape(b, report_field(check, "message"));
    if (streq(element, "skipped")) {
        buf_add_str(b, "\"/>\n");
        return;
    }
    buf_printf(b, "\" type=\"%s\">", report_field(check, "verdict"));
    add_details(b, check);
    buf_printf(b, "</%s>\n", element);
}

static void add_case(struct buf *b, const json_t *check)
{
    const char *verdict = report_field(check, "verdict");

    buf_add_str(b, "    <testcase classname=\"");
    report_escape(b, report_field(check, "subject"));
    buf_add_char(b, '.');
    report_escape(b, report_field(check, "feature"));
    buf_add_str(b, "\" name=\"");
    report_escape(b, report_field(check, "id"));
    buf_add_str(b, "\">\n");
    if (streq(verdict, "fail"))
        add_outcome(b, "failure", check);
    else if (streq(verdict, "error"))
        add_outcome(b, "error", check);
    else if (streq(verdict, "unsupported") || streq(verdict, "skipped"))
        add_outcome(b, "skipped", check);
    else if (streq(verdict, "non-strict")) {
        buf_add_str(b, "      <system-out>");
        add_details(b, check);
        buf_add_str(b, "</system-out>\n");
    }
    buf_add_str(b, "    </testcase>\n");
}

static void add_suite(struct buf *b, const json_t *report, const json_t *profile)
{
    const json_t *counts = json_object_get(profile, "counts"), *check;
    const char *subject = report_field(profile, "subject");
    int64_t skipped = report_count(counts, "unsupported") + report_count(counts, "skipped");
    size_t i;

    buf_printf(b, "  <testsuite name=\"%s\" tests=\"%lld\" failures=\"%lld\" errors=\"%lld\" skipped=\"%lld\">\n",
               subject, (long long)(report_count(counts, "executed") + skipped),
               (long long)report_count(counts, "fail"), (long long)report_count(counts, "error"),
               (long long)skipped);
    buf_printf(b, "    <properties>\n      <property name=\"suite.version\" value=\"%s\"/>\n"
               "      <property name=\"seed\" value=\"%lld\"/>\n"
               "      <property name=\"verdict\" value=\"%s\"/>\n    </properties>\n",
               report_field(json_object_get(report, "suite"), "version"),
               (long long)report_count(report, "seed"), report_field(profile, "verdict"));
    json_array_foreach (json_object_get(report, "checks"), i, check)
        if (streq(report_field(check, "subject"), subject))
            add_case(b, check);
    buf_add_str(b, "  </testsuite>\n");
}

char *report_junit(struct report *r)
{
    const json_t *report = report_json(r), *totals = json_object_get(report, "totals"), *profile;
    struct buf b = BUF_INIT;
    size_t i;

    buf_printf(&b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
               "<testsuites name=\"dormouse\" tests=\"%zu\" failures=\"%lld\" errors=\"%lld\">\n",
               json_array_size(json_object_get(report, "checks")),
               (long long)report_count(totals, "fail"), (long long)report_count(totals, "error"));
    json_array_foreach (json_object_get(report, "profiles"), i, profile)
        add_suite(&b, report, profile);
    buf_add_str(&b, "</testsuites>\n");
    return buf_steal(&b);
}

/* ---- TAP ------------------------------------------------------------------------------------- */

static void add_one_line(struct buf *b, const char *s)
{
    for (; *s; s++)
        buf_add_char(b, *s == '\n' || *s == '#' ? ' ' : *s);
}

char *report_tap(struct report *r)
{
    const json_t *report = report_json(r), *check;
    struct buf b = BUF_INIT;
    size_t i;

    buf_printf(&b, "TAP version 13\n1..%zu\n", json_array_size(json_object_get(report, "checks")));
    json_array_foreach (json_object_get(report, "checks"), i, check) {
        const char *verdict = report_field(check, "verdict");
        bool bad = streq(verdict, "fail") || streq(verdict, "error");
        buf_printf(&b, "%sok %zu - %s: ", bad ? "not " : "", i + 1, report_field(check, "subject"));
        add_one_line(&b, report_field(check, "id"));
        if (streq(verdict, "unsupported") || streq(verdict, "skipped"))
            buf_add_str(&b, " # SKIP ");
        if (!streq(verdict, "pass")) {
            if (bad || streq(verdict, "non-strict"))
                buf_add_str(&b, "\n# ");
            add_one_line(&b, report_field(check, "message"));
        }
        buf_add_char(&b, '\n');
    }
    return buf_steal(&b);
}
