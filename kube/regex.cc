extern "C" {
#include "kube/regex.h"
}

#include <re2/re2.h>

struct regex {
    re2::RE2 *re;
};

/* What Go calls an error that RE2 knows too. */
static const char *go_name(re2::RE2::ErrorCode code)
{
    switch (code) {
    case re2::RE2::ErrorBadEscape: return "invalid escape sequence";
    case re2::RE2::ErrorBadCharClass: return "invalid character class";
    case re2::RE2::ErrorBadCharRange: return "invalid character class range";
    case re2::RE2::ErrorMissingBracket: return "missing closing ]";
    case re2::RE2::ErrorMissingParen: return "missing closing )";
    case re2::RE2::ErrorUnexpectedParen: return "unexpected )";
    case re2::RE2::ErrorTrailingBackslash: return "trailing backslash at end of expression";
    case re2::RE2::ErrorRepeatArgument: return "missing argument to repetition operator";
    case re2::RE2::ErrorRepeatSize: return "invalid repeat count";
    case re2::RE2::ErrorRepeatOp: return "invalid nested repetition operator";
    case re2::RE2::ErrorBadPerlOp: return "invalid or unsupported Perl syntax";
    case re2::RE2::ErrorBadUTF8: return "invalid UTF-8";
    case re2::RE2::ErrorBadNamedCapture: return "invalid named capture";
    case re2::RE2::ErrorPatternTooLarge: return "expression too large";
    default: return "regexp/syntax: internal error";
    }
}

/* Go names the whole expression where only its end is missing or too much. */
static bool names_all(re2::RE2::ErrorCode code)
{
    return code == re2::RE2::ErrorMissingParen || code == re2::RE2::ErrorUnexpectedParen ||
           code == re2::RE2::ErrorPatternTooLarge;
}

/* The length of a name and its '>'; 0 where it is no name. */
static size_t capture_name(const std::string &pattern, size_t at)
{
    size_t end = at;

    while (end < pattern.size() && (isalnum((unsigned char)pattern[end]) || pattern[end] == '_'))
        end++;
    return end > at && end < pattern.size() && pattern[end] == '>' ? end + 1 - at : 0;
}

/* Go knows "(?<name>" beside "(?P<name>", RE2 not everywhere. False: what follows "(?<" is no name. */
static bool spell_captures(std::string *pattern, std::string *ret_wrong)
{
    bool in_class = false;

    for (size_t i = 0; i < pattern->size(); i++) {
        char c = (*pattern)[i];
        if (c == '\\')
            i++;
        else if (c == '[' || c == ']')
            in_class = c == '[';
        if (in_class || pattern->compare(i, 3, "(?<") != 0)
            continue;
        if (!capture_name(*pattern, i + 3)) {
            size_t close = pattern->find('>', i);
            *ret_wrong = pattern->substr(i, close == std::string::npos ? close : close + 1 - i);
            return false;
        }
        pattern->insert(i + 2, "P");
    }
    return true;
}

struct regex *regex_new(struct arena *arena, const char *pattern, size_t len, const char **ret_wrong)
{
    std::string spelt(pattern, len), wrong;
    re2::RE2::Options options;

    options.set_log_errors(false);
    if (!spell_captures(&spelt, &wrong)) {
        *ret_wrong = arena_printf(arena, "error parsing regexp: invalid named capture: `%s`", wrong.c_str());
        return NULL;
    }
    re2::RE2 *re = new re2::RE2(spelt, options);
    if (re->ok()) {
        struct regex *r = (struct regex *)xcalloc(1, sizeof(*r));
        r->re = re;
        return r;
    }
    std::string arg = names_all(re->error_code()) ? std::string(pattern, len) : re->error_arg();
    const char *tail = re->error_code() == re2::RE2::ErrorTrailingBackslash ? "" : arg.c_str();
    *ret_wrong = arena_printf(arena, "error parsing regexp: %s: `%s`", go_name(re->error_code()), tail);
    delete re;
    return NULL;
}

struct regex *regex_free(struct regex *r)
{
    if (r) {
        delete r->re;
        free(r);
    }
    return NULL;
}

bool regex_match(const struct regex *r, const char *text, size_t len)
{
    return re2::RE2::PartialMatch(re2::StringPiece(text, len), *r->re);
}

bool regex_find(const struct regex *r, const char *text, size_t len, size_t from, size_t *ret_start, size_t *ret_end)
{
    re2::StringPiece found;

    if (!r->re->Match(re2::StringPiece(text, len), from, len, re2::RE2::UNANCHORED, &found, 1))
        return false;
    *ret_start = (size_t)(found.data() - text);
    *ret_end = *ret_start + found.size();
    return true;
}
