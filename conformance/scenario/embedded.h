/* embedded.h — the suite's own scenarios (fixtures/scenarios), as they were when the program was built. */
#pragma once

struct embedded_scenario {
    const char *path, *text;
};
extern const struct embedded_scenario embedded_scenarios[];     /* by path; ends with a NULL path */
