/* fuzz_main.c — what stands in for libFuzzer in an ordinary build: feeds a fuzz target each file of the
 * folders and files named on the command line, in order of name. So meson runs every corpus as a test.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

#include "world/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool feed_file(const char *path)
{
    cleanup_buf struct buf b = BUF_INIT;
    FILE *f = fopen(path, "re");
    char chunk[4096];
    uint8_t *exact;
    size_t n;

    if (!f) {
        fprintf(stderr, "%s: cannot read\n", path);
        return false;
    }
    while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
        buf_add(&b, chunk, n);
    fclose(f);
    exact = xmalloc(b.len ? b.len : 1);          /* no byte behind the end, for the sanitizers to see */
    if (b.len)
        memcpy(exact, b.data, b.len);
    LLVMFuzzerTestOneInput(exact, b.len);
    free(exact);
    return true;
}

static size_t feed_folder(const char *path)
{
    struct dirent **entries;
    int n = scandir(path, &entries, NULL, alphasort);
    size_t fed = 0;

    for (int i = 0; i < n; i++) {
        cleanup_free char *file = xasprintf("%s/%s", path, entries[i]->d_name);

        if (entries[i]->d_name[0] != '.')
            fed += feed_file(file);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    return fed;
}

int main(int argc, char **argv)
{
    size_t fed = 0;

    for (int i = 1; i < argc; i++) {
        struct stat st;

        fed += stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode) ? feed_folder(argv[i]) : feed_file(argv[i]);
    }
    printf("%zu inputs held\n", fed);
    return fed ? 0 : 1;                          /* a corpus that is not there proves nothing */
}
