/* certify.h — the two halves of a certification, each of which adds to one report. */
#pragma once

#include "conformance/check/driver_check.h"
#include "conformance/report/report.h"
#include "conformance/scenario/run.h"

/* How progress is shown: colours and one line per check; nothing with `quiet`. */
struct progress {
    bool colour, quiet;
};
struct progress progress_new(bool quiet);
void progress_check(const struct progress *p, const json_t *check);
void progress_summary(const struct progress *p, struct report *r);

/* A report's row for one driver check. A new reference. */
json_t *driver_row(const struct check_result *r, uint64_t seed, const char *endpoint);

/* The same for a scenario's runs. */
json_t *scenario_row(const struct scenario_file *f, const struct exploration *e);
