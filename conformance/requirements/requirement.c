#include "conformance/requirements/requirement.h"

static int compare_id(const void *id, const void *row)
{
    return strcmp(id, ((const struct requirement *)row)->id);
}

const struct requirement *requirement_find(const char *id)
{
    return bsearch(id, requirement_table, requirement_count, sizeof(requirement_table[0]), compare_id);
}

const char *requirement_level_text(enum requirement_level level)
{
    static const char *const texts[] = {
        [REQUIREMENT_MUST] = "MUST",
        [REQUIREMENT_SHOULD] = "SHOULD",
        [REQUIREMENT_MAY] = "MAY",
    };
    return texts[level];
}
