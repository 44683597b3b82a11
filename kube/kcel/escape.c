#include "kube/kcel/kcel.h"
#include "world/buf.h"

bool kcel_is_reserved(const char *name)
{
    static const char *const words[] = { "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for",
                                         "function", "if", "import", "let", "loop", "package", "namespace", "return",
                                         "var", "void", "while" };

    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (streq(words[i], name))
            return true;
    return false;
}

static bool plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

const char *kcel_escape(struct arena *a, const char *name)
{
    cleanup_buf struct buf b = BUF_INIT;

    if (!*name || (*name >= '0' && *name <= '9'))
        return NULL;
    if (kcel_is_reserved(name))
        return arena_printf(a, "__%s__", name);
    for (const char *p = name; *p; p++) {
        if (p[0] == '_' && p[1] == '_') {
            buf_add_str(&b, "__underscores__");
            p++;
        } else if (*p == '.') {
            buf_add_str(&b, "__dot__");
        } else if (*p == '-') {
            buf_add_str(&b, "__dash__");
        } else if (*p == '/') {
            buf_add_str(&b, "__slash__");
        } else if (plain(*p)) {
            buf_add_char(&b, *p);
        } else {
            return NULL;
        }
    }
    return arena_strndup(a, b.data, b.len);
}
