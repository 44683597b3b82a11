#include "fakeapi/apiserver/release.h"

#include "world/base.h"

static const struct release releases[] = {
    /* release minor before  version     watch  aggregated  field
     *                                   list   discovery   validation */
    { "1.34", "34", "33", "v1.34.2",     true,  true,       true },
    { "1.33", "33", "32", "v1.33.6",     false, true,       true },
    { "1.32", "32", "31", "v1.32.10",    true,  true,       true },
    { "1.31", "31", "30", "v1.31.14",    false, true,       true },
    { "1.30", "30", "29", "v1.30.14",    false, true,       true },
    { "1.29", "29", "28", "v1.29.15",    false, false,      true },
    { "1.28", "28", "27", "v1.28.15",    false, false,      true },
    { "1.27", "27", "26", "v1.27.16",    false, false,      true },
    { "1.26", "26", "25", "v1.26.15",    false, false,      true },
    { "1.25", "25", "24", "v1.25.16",    false, false,      true },
    { "1.24", "24", "23", "v1.24.17",    false, false,      false },
};

const struct release *release_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(releases); i++)
        if (!name || streq(releases[i].name, name))
            return &releases[i];
    return NULL;
}

const char *release_names(void)
{
    return "1.24 to 1.34";
}
