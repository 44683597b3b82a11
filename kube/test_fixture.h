/* test_fixture.h — a JSON file of answers that a real server gave, for a test. Behind cmocka.h. */
#pragma once

#include <stdio.h>

#include "kube/json.h"

static inline json_t *fixture_load(const char *path)
{
    cleanup_buf struct buf b = BUF_INIT;
    char chunk[4096];
    size_t n;
    FILE *f = fopen(path, "re");

    assert_non_null(f);
    while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
        buf_add(&b, chunk, n);
    fclose(f);
    json_t *v = json_parse(b.data, b.len, 0, NULL, NULL);
    assert_non_null(v);
    return v;
}
