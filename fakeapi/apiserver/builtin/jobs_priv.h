/* jobs_priv.h — schedules, as the standard parser of cron lines in Go judges them. */
#pragma once

#include "world/arena.h"

/* NULL where the line is well-formed, else why not; in the arena. */
const char *cron_problem(struct arena *a, const char *line);
