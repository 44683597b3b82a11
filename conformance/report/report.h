/* report.h — what a run found, as people and programs read it: JSON, JUnit, TAP and one HTML page.
 *
 * The report is one JSON object, a ConformanceReport; the other forms are printed from it and from
 * nothing else. It holds no wall-clock time and no machine's name: the same run gives the same bytes.
 *
 * A check is added as an object:
 *   id, title, subject ("driver" or "controller"), feature, support ("core", "extended"),
 *   requirements [ids], level (MUST, SHOULD, MAY), verdict (pass, fail, non-strict, unsupported, skipped,
 *   error), message, where ("file:line:col"), expected, actual, timeline [lines], rerun, runs.
 *
 * Verdict of a profile (all checks of one subject): Failed when a check failed or none was executed;
 * Partial when one was skipped that the implementation had not declared unsupported; else Certified.
 */
#pragma once

#include <jansson.h>

#include "world/err.h"

struct report;

struct report_options {
    const char *mode;                  /* "certify", "run" */
    uint64_t seed;
    const char *judged;                /* the subject whose verdict is the report's; NULL: the worst */
};

struct report *report_new(const struct report_options *o);
struct report *report_free(struct report *r);    /* NULL is fine; returns NULL */
/* Whom it is about, once that is known. Any may be NULL; capabilities is a list of strings, borrowed. */
void report_describe(struct report *r, const char *implementation, const char *version, const char *endpoint,
                     json_t *capabilities);
void report_add(struct report *r, json_t *check);               /* steals */
/* Something that kept the run from being what was asked: told on top, and the verdict is Failed. */
void report_trouble(struct report *r, const char *fmt, ...) PRINTF(2, 3);

/* The finished object, borrowed; further checks may not be added. */
const json_t *report_json(struct report *r);
const char *report_verdict(struct report *r);    /* "Certified", "Partial", "Failed" */
const char *report_subject_verdict(struct report *r, const char *subject);      /* "" : not looked at */

char *report_text(struct report *r);             /* report.json; the caller's to free */
char *report_junit(struct report *r);
char *report_tap(struct report *r);
char *report_html(struct report *r);

/* report.json, junit.xml, report.tap and index.html in `dir`, made where it is missing. */
int report_write(struct report *r, const char *dir, struct err *e);
int report_write_file(const char *path, const char *text, struct err *e);

/* Reading an object of the report. */
const char *report_field(const json_t *o, const char *key);     /* "" where there is none */
int64_t report_count(const json_t *o, const char *key);
