/* test_rules.h — for tests: rules of kinds as rows. A row is one object that is sent; a row with a patch changes it by
 * that, and the answer to the patch counts. */
#pragma once

#include "fakeapi/apiserver/test_lab.h"

#define MERGE "application/merge-patch+json"

struct rule {
    const char *path, *spec;           /* members of the object beside its name */
    const char *endpoint, *patch;      /* "" or "/status"; NULL: the answer to the POST counts */
    int status;
    const char *want;
};

static inline void play_rules(void **state, const struct rule *rules, size_t n)
{
    char body[4000], path[300], name[20];

    for (size_t i = 0; i < n; i++) {
        const struct rule *r = &rules[i];
        bool patched = r->patch != NULL;
        snprintf(name, sizeof name, "r%zu", i);
        snprintf(body, sizeof body, "{\"metadata\":{\"name\":\"%s\"},%s}", name, r->spec);
        snprintf(path, sizeof path, "%s/%s%s", r->path, name, r->endpoint ? r->endpoint : "");
        struct step steps[] = {
            { "POST", r->path, NULL, NULL, body, patched ? 201 : r->status, patched ? NULL : r->want },
            { "PATCH", path, NULL, MERGE, r->patch, r->status, r->want },
        };
        play(*state, steps, patched ? 2 : 1);
    }
}

#define NS "/api/v1/namespaces/default/"
#define POD(members) NS "pods", "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]," members "}", NULL, NULL, 422
#define CONTAINER(members) NS "pods", "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"," members "}]}", NULL, NULL, 422

#define IN_LAB(test) cmocka_unit_test_setup_teardown(test, lab_up, lab_down)
