#include "conformance/cli/certify.h"

#include <stdio.h>
#include <unistd.h>


struct progress progress_new(bool quiet)
{
    return (struct progress){ .colour = isatty(1), .quiet = quiet };
}

static const char *paint(const struct progress *p, const char *verdict)
{
    if (!p->colour)
        return "";
    if (streq(verdict, "pass") || streq(verdict, "Certified"))
        return "\033[32m";
    if (streq(verdict, "fail") || streq(verdict, "error") || streq(verdict, "Failed"))
        return "\033[31m";
    return "\033[33m";
}

void progress_check(const struct progress *p, const json_t *check)
{
    const char *verdict = report_field(check, "verdict"), *message = report_field(check, "message");

    if (p->quiet || streq(verdict, "error"))
        return;                                   /* what kept it from being carried out is said once */
    printf("  %s%-11s%s %-36s %s\n", paint(p, verdict), verdict, p->colour ? "\033[0m" : "",
           report_field(check, "id"), report_field(check, "title"));
    if (*message && !streq(verdict, "pass"))
        printf("              %s\n", message);
    if (*report_field(check, "rerun") && (streq(verdict, "fail") || streq(verdict, "non-strict")))
        printf("              again: %s\n", report_field(check, "rerun"));
    fflush(stdout);
}

static void print_requirements(const struct progress *p, const json_t *rows)
{
    const char *subject = "";
    const json_t *row;
    size_t i;

    json_array_foreach (rows, i, row) {
        const char *verdict = report_field(row, "verdict"), *text = report_field(row, "text");
        if (streq(verdict, "error"))
            continue;
        if (!streq(subject, report_field(row, "subject"))) {
            subject = report_field(row, "subject");
            printf("\nRequirements on the %s\n", subject);
        }
        printf("  %s%-11s%s %-8s %-6s %.100s%s\n", paint(p, verdict), verdict, p->colour ? "\033[0m" : "",
               report_field(row, "id"), report_field(row, "level"), text, strlen(text) > 100 ? "..." : "");
    }
}

static void print_profile(const struct progress *p, const json_t *profile)
{
    static const struct { const char *key, *text; } parts[] = {
        { "pass", "passed" }, { "fail", "failed" }, { "non-strict", "non-strict" },
        { "error", "not carried out" }, { "skipped", "skipped" }, { "unsupported", "unsupported" },
    };
    const json_t *counts = json_object_get(profile, "counts");
    const char *verdict = report_field(profile, "verdict");
    bool first = true;

    printf("%-11s %s%s%s: ", report_field(profile, "subject"), paint(p, verdict), verdict,
           p->colour ? "\033[0m" : "");
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        int64_t n = report_count(counts, parts[i].key);
        if (n > 0)
            printf("%s%lld %s", first ? "" : ", ", (long long)n, parts[i].text);
        first &= n == 0;
    }
    putchar('\n');
}

void progress_summary(const struct progress *p, struct report *r)
{
    const json_t *report = report_json(r), *row;
    size_t i;

    print_requirements(p, json_object_get(report, "requirements"));
    putchar('\n');
    json_array_foreach (json_object_get(report, "troubles"), i, row)
        printf("%s%s%s\n", paint(p, "fail"), json_string_value(row), p->colour ? "\033[0m" : "");
    json_array_foreach (json_object_get(report, "profiles"), i, row)
        print_profile(p, row);
    printf("%-11s %s%s%s\n", "verdict", paint(p, report_verdict(r)), report_verdict(r),
           p->colour ? "\033[0m" : "");
    fflush(stdout);
}
