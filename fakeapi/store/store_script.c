/* A store at the end of a pipe: one operation a line on stdin, one result a line on stdout, so that
 * etcd_oracle.py can do the same to a real etcd. Keys and values hold no spaces; "-" is the empty text.
 *
 *   put KEY VALUE EXPECT      EXPECT: a mod revision, 0 = must not exist, any
 *   delete KEY EXPECT
 *   get KEY AT                AT: a revision, 0 = now
 *   range PREFIX AFTER AT LIMIT
 *   compact REVISION
 *   replay PREFIX FROM */
#include <inttypes.h>
#include <stdio.h>

#include "fakeapi/store/store.h"

static const char *error_word(int r)
{
    switch (-r) {
    case ERR_EXISTS:
    case ERR_NOT_FOUND:
        return "lost";
    case ERR_UNAVAILABLE:
        return "future";
    case ERR_INVALID:
        return "compacted";
    default:
        return err_code_text(r);
    }
}

static void print_record(const struct record *r)
{
    printf("%s %s %" PRIu64 " %" PRIu64 " %" PRIu64, r->key, json_string_value(value_tree(r->value)),
           r->create_revision, r->mod_revision, r->version);
}

static uint64_t expectation(const char *text)
{
    return streq(text, "any") ? STORE_ANY : strtoull(text, NULL, 10);
}

static void run_put(struct store *s, char **word)
{
    struct record rec;
    int r = store_put(s, word[1], value_from_tree(json_string(word[2])), expectation(word[3]), &rec);

    if (r < 0)
        printf("lost %" PRIu64, store_revision(s));
    else
        print_record(&rec);
}

static void run_delete(struct store *s, char **word)
{
    int r = store_delete(s, word[1], expectation(word[2]), NULL, NULL);

    printf("%s %" PRIu64, r < 0 ? "lost" : "deleted", store_revision(s));
}

static void run_get(struct store *s, char **word)
{
    struct record rec;
    int r = store_get(s, word[1], strtoull(word[2], NULL, 10), &rec);

    if (r < 0)
        fputs(r == -ERR_NOT_FOUND ? "none" : error_word(r), stdout);
    else
        print_record(&rec);
}

static bool print_in_range(void *arg, const struct record *r)
{
    print_record(r);
    putchar(';');
    return true;
}

static void run_range(struct store *s, char **word)
{
    const char *prefix = streq(word[1], "-") ? "" : word[1], *after = streq(word[2], "-") ? NULL : word[2];
    size_t remaining = 0;
    int r = store_range(s, prefix, after, strtoull(word[3], NULL, 10), strtoull(word[4], NULL, 10),
                        print_in_range, NULL, &remaining);

    if (r < 0)
        fputs(error_word(r), stdout);
    else
        printf("%zu", remaining);
}

static bool print_event(void *arg, const struct store_event *e)
{
    const uint64_t *known = arg;       /* values before a revision are certain from here on */

    printf("%s %" PRIu64 " %s %s", e->type == STORE_DELETE ? "DELETE" : "PUT", e->revision, e->key,
           e->type == STORE_DELETE ? "-" : json_string_value(value_tree(e->value)));
    if (e->revision > *known)
        printf(" %s", e->previous ? json_string_value(value_tree(e->previous)) : "-");
    putchar(';');
    return true;
}

static void run_replay(struct store *s, char **word)
{
    const char *prefix = streq(word[1], "-") ? "" : word[1];
    uint64_t known = store_compacted(s);
    int r = store_replay(s, prefix, strtoull(word[2], NULL, 10), print_event, &known);

    if (r < 0)
        fputs(error_word(r), stdout);
}

static void run_compact(struct store *s, char **word)
{
    fputs(store_compact(s, strtoull(word[1], NULL, 10)) < 0 ? "refused" : "ok", stdout);
}

static const struct {
    const char *name;
    size_t words;
    void (*run)(struct store *s, char **word);
} operations[] = {
    { "put", 4, run_put }, { "delete", 3, run_delete }, { "get", 3, run_get }, { "range", 5, run_range },
    { "compact", 2, run_compact }, { "replay", 3, run_replay },
};

static bool run_line(struct store *s, char *line)
{
    char *word[8], *save = NULL;
    size_t n = 0;

    for (char *w = strtok_r(line, " \n", &save); w && n < 8; w = strtok_r(NULL, " \n", &save))
        word[n++] = w;
    for (size_t i = 0; n > 0 && i < ARRAY_SIZE(operations); i++) {
        if (!streq(word[0], operations[i].name) || n != operations[i].words)
            continue;
        operations[i].run(s, word);
        putchar('\n');
        return true;
    }
    return false;
}

int main(void)
{
    struct store *s = store_new();
    char line[1024];
    bool fine = true;

    json_object_seed(1);
    while (fine && fgets(line, sizeof(line), stdin)) {
        fine = run_line(s, line);
        fflush(stdout);
    }
    store_free(s);
    if (!fine)
        fputs("store_script: not an operation\n", stderr);
    return fine ? 0 : 2;
}
