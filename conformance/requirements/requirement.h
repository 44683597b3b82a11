/* requirement.h — the catalogue of what must hold: an id, how binding it is, a sentence, its source.
 *
 * The catalogue is conformance/requirements/ (YAML), embedded when the program is built. Scenarios and
 * checks name ids; an id that is not here is an error, so that no report can cite a phantom.
 */
#pragma once

#include "world/base.h"

enum requirement_level { REQUIREMENT_MUST, REQUIREMENT_SHOULD, REQUIREMENT_MAY };

struct requirement {
    const char *id;                    /* "SUS-072" */
    enum requirement_level level;
    const char *source;
    const char *text;
};

extern const struct requirement requirement_table[];            /* sorted by id */
extern const size_t requirement_count;

const struct requirement *requirement_find(const char *id);     /* NULL: there is no such id */
const char *requirement_level_text(enum requirement_level level);
