/* jobs_priv.h — what the files of jobs share. */
#pragma once

#include <jansson.h>

#include "kube/fielderr.h"
#include "world/arena.h"

/* cron.c: schedules, as the standard parser of cron lines in Go judges them. NULL where the line is well-formed,
 * else why not; in the arena. */
const char *cron_problem(struct arena *a, const char *line);

/* job_indexes.c: how many indexes "1,3-5" lists. NULL, or why it is no list of indexes below `total`, in the arena,
 * and `count` is 0. */
const char *job_indexes(struct arena *a, const char *text, int64_t total, int64_t *count);
/* Whether two lists share an index, and the first that they do. */
bool job_indexes_meet(struct arena *a, const char *one, const char *other, int64_t total, int64_t *where);

/* job_status.c */
void job_validate_status(struct fielderrs *e, const json_t *obj, const json_t *old);

/* zones.c: whether that is the name of a time zone. */
bool zone_known(const char *name);
