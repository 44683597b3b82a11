/* jobs_priv.h — what the files of jobs share. */
#pragma once

#include <jansson.h>

#include "kube/fielderr.h"
#include "world/arena.h"

/* cron.c: schedules, as the standard parser of cron lines in Go judges them. NULL where the line is well-formed,
 * else why not; in the arena. */
const char *cron_problem(struct arena *a, const char *line);

/* jobs.c: why "1,3-5" is no list of indexes below `total`; NULL: it is. */
const char *indexes_problem(struct arena *a, const char *text, int64_t total);

/* job_status.c */
void job_validate_status(struct fielderrs *e, const json_t *obj, const json_t *old);
/* zones.c: whether that is the name of a time zone. */
bool zone_known(const char *name);
