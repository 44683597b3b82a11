#include "kube/names.h"

#include "world/buf.h"

/* ---- the languages, as predicates over bytes -------------------------------------------------- */

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return is_lower(c) || (c >= 'A' && c <= 'Z');
}

static bool is_alnum(char c)
{
    return is_letter(c) || is_digit(c);
}

/* [a-z0-9]([-a-z0-9]*[a-z0-9])? */
static bool dns_label(const char *s, size_t len)
{
    if (!len || s[0] == '-' || s[len - 1] == '-')
        return false;
    for (size_t i = 0; i < len; i++)
        if (!is_lower(s[i]) && !is_digit(s[i]) && s[i] != '-')
            return false;
    return true;
}

static bool dns_subdomain(const char *s, size_t len)
{
    size_t start = 0;

    for (size_t i = 0; i <= len; i++) {
        if (i < len && s[i] != '.')
            continue;
        if (!dns_label(s + start, i - start))
            return false;
        start = i + 1;
    }
    return true;
}

static bool dns1035_label(const char *s, size_t len)
{
    return dns_label(s, len) && is_lower(s[0]);
}

static bool wildcard_subdomain(const char *s, size_t len)
{
    return len > 2 && s[0] == '*' && s[1] == '.' && dns_subdomain(s + 2, len - 2);
}

/* ([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9] */
static bool name_part(const char *s, size_t len)
{
    if (!len || !is_alnum(s[0]) || !is_alnum(s[len - 1]))
        return false;
    for (size_t i = 0; i < len; i++)
        if (!is_alnum(s[i]) && s[i] != '-' && s[i] != '_' && s[i] != '.')
            return false;
    return true;
}

static bool label_value(const char *s, size_t len)
{
    return !len || name_part(s, len);
}

/* One or more of the characters that `also` adds to letters and digits. */
static bool alnum_or(const char *s, size_t len, const char *also)
{
    for (size_t i = 0; i < len; i++)
        if (!is_alnum(s[i]) && (!s[i] || !strchr(also, s[i])))
            return false;
    return len;
}

static bool config_key(const char *s, size_t len)
{
    return alnum_or(s, len, "-._");
}

static bool env_var_strict(const char *s, size_t len)
{
    return alnum_or(s, len, "-._") && !is_digit(s[0]);
}

static bool c_identifier(const char *s, size_t len)
{
    return alnum_or(s, len, "_") && !is_digit(s[0]);
}

static bool http_header(const char *s, size_t len)
{
    return alnum_or(s, len, "-");
}

static bool percent(const char *s, size_t len)
{
    if (len < 2 || s[len - 1] != '%')
        return false;
    for (size_t i = 0; i + 1 < len; i++)
        if (!is_digit(s[i]))
            return false;
    return true;
}

/* ---- the rules -------------------------------------------------------------------------------- */

#define SUBDOMAIN_TEXT                                                                            \
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "  \
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used " \
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
#define NAME_PART_TEXT                                                                            \
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "   \
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "        \
    "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"

static const struct rule {
    size_t max;                        /* 0: no limit of its own */
    const char *too_long;
    bool (*holds)(const char *s, size_t len);
    const char *otherwise;
} rules[NAME_RULES_] = {
    [NAME_DNS1123_SUBDOMAIN] = { 253, "must be no more than 253 characters", dns_subdomain,
                                 SUBDOMAIN_TEXT },
    [NAME_DNS1123_LABEL] = { 63, "must be no more than 63 characters", dns_label,
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
        "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex "
        "used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')" },
    [NAME_DNS1035_LABEL] = { 63, "must be no more than 63 characters", dns1035_label,
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
        "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or "
        "'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')" },
    [NAME_LABEL_VALUE] = { 63, "must be no more than 63 characters", label_value,
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
        "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or "
        "'my_value',  or '12345', regex used for validation is "
        "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')" },
    [NAME_WILDCARD_SUBDOMAIN] = { 253, "must be no more than 253 characters", wildcard_subdomain,
        "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, "
        "which must consist of lower case alphanumeric characters, '-' or '.' and end with an "
        "alphanumeric character (e.g. '*.example.com', regex used for validation is "
        "'\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')" },
    [NAME_CONFIG_MAP_KEY] = { 253, "must be no more than 253 characters", config_key,
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. "
        "'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is "
        "'[-._a-zA-Z0-9]+')" },
    [NAME_ENV_VAR_STRICT] = { 0, NULL, env_var_strict,
        "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', "
        "or '.', and must not start with a digit (e.g. 'my.env-name',  or 'MY_ENV.NAME',  or "
        "'MyEnvName1', regex used for validation is '[-._a-zA-Z][-._a-zA-Z0-9]*')" },
    [NAME_C_IDENTIFIER] = { 0, NULL, c_identifier,
        "a valid C identifier must start with alphabetic character or '_', followed by a string of "
        "alphanumeric characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used "
        "for validation is '[A-Za-z_][A-Za-z0-9_]*')" },
    [NAME_HTTP_HEADER] = { 0, NULL, http_header,
        "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', "
        "regex used for validation is '[-A-Za-z0-9]+')" },
    [NAME_PERCENT] = { 0, NULL, percent,
        "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or "
        "'93%', regex used for validation is '[0-9]+%')" },
};

static void add(struct name_problems *p, const char *text)
{
    assert(p->n < ARRAY_SIZE(p->v));
    p->v[p->n++] = text;
}

static void check_rule(enum name_rule rule, const char *s, size_t len, struct name_problems *p)
{
    const struct rule *r = &rules[rule];

    if (r->max && len > r->max)
        add(p, r->too_long);
    if (r->holds(s, len))
        return;
    if (rule == NAME_DNS1123_LABEL && dns_subdomain(s, len))
        add(p, "must not contain dots");
    else
        add(p, r->otherwise);
}

static void check_qualified(const char *s, size_t len, struct name_problems *p)
{
    const char *slash = memchr(s, '/', len);
    size_t prefix_len = slash ? (size_t)(slash - s) : 0;
    const char *name = slash ? slash + 1 : s;
    size_t name_len = slash ? len - prefix_len - 1 : len;

    if (memchr(name, '/', name_len)) {
        add(p, "a qualified name " NAME_PART_TEXT
               " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')");
        return;
    }
    if (slash && !prefix_len) {
        add(p, "prefix part must be non-empty");
    } else if (slash) {
        if (prefix_len > 253)
            add(p, "prefix part must be no more than 253 characters");
        if (!dns_subdomain(s, prefix_len))
            add(p, "prefix part " SUBDOMAIN_TEXT);
    }
    if (!name_len)
        add(p, "name part must be non-empty");
    else if (name_len > 63)
        add(p, "name part must be no more than 63 characters");
    if (!name_part(name, name_len))
        add(p, "name part " NAME_PART_TEXT);
}

static bool is(const char *s, size_t len, const char *text)
{
    return len == strlen(text) && memcmp(s, text, len) == 0;
}

static void check_path_segment(const char *s, size_t len, bool prefix, struct name_problems *p)
{
    if (!prefix && is(s, len, "."))
        add(p, "may not be '.'");
    else if (!prefix && is(s, len, ".."))
        add(p, "may not be '..'");
    if (memchr(s, '/', len))
        add(p, "may not contain '/'");
    if (memchr(s, '%', len))
        add(p, "may not contain '%'");
}

static void check_dots(const char *s, size_t len, struct name_problems *p)
{
    if (is(s, len, "."))
        add(p, "must not be '.'");
    else if (is(s, len, ".."))
        add(p, "must not be '..'");
    else if (len > 2 && s[0] == '.' && s[1] == '.')
        add(p, "must not start with '..'");
}

static void check_env_var(const char *s, size_t len, struct name_problems *p)
{
    if (!len)
        add(p, "environment variable name must be non-empty");
    for (size_t i = 0; i < len; i++)
        if (s[i] < 0x20 || s[i] > 0x7e || s[i] == '=') {
            add(p, "a valid environment variable name must consist only of printable ASCII characters "
                   "other than '='");
            return;
        }
}

static void check_port(const char *s, size_t len, struct name_problems *p)
{
    bool charset = len, letter = false, twice = false;

    for (size_t i = 0; i < len; i++) {
        charset = charset && (is_lower(s[i]) || is_digit(s[i]) || s[i] == '-');
        letter = letter || is_lower(s[i]);
        twice = twice || (i && s[i] == '-' && s[i - 1] == '-');
    }
    if (len > 15)
        add(p, "must be no more than 15 characters");
    if (!charset)
        add(p, "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
    if (!letter)
        add(p, "must contain at least one letter (a-z)");
    if (twice)
        add(p, "must not contain consecutive hyphens");
    if (len && (s[0] == '-' || s[len - 1] == '-'))
        add(p, "must not begin or end with a hyphen");
}

/* A prefix ending in '-' is judged as if a letter stood where that dash and what precedes it meet. */
static char *mask_dash(const char *s, size_t *len)
{
    char *masked = xmemdup(s, *len);

    masked[--*len - 1] = 'a';
    return masked;
}

bool name_check(unsigned rule, const char *s, size_t len, struct name_problems *ret)
{
    enum name_rule which = rule & ~(unsigned)NAME_IS_PREFIX;
    struct name_problems p = { 0 };
    cleanup_free char *masked = NULL;

    if (rule & NAME_IS_PREFIX && which != NAME_PATH_SEGMENT && len > 1 && s[len - 1] == '-')
        s = masked = mask_dash(s, &len);
    switch (which) {
    case NAME_QUALIFIED: check_qualified(s, len, &p); break;
    case NAME_PATH_SEGMENT: check_path_segment(s, len, rule & NAME_IS_PREFIX, &p); break;
    case NAME_ENV_VAR: check_env_var(s, len, &p); break;
    case NAME_PORT: check_port(s, len, &p); break;
    default: check_rule(which, s, len, &p); break;
    }
    if (which == NAME_CONFIG_MAP_KEY || which == NAME_ENV_VAR_STRICT)
        check_dots(s, len, &p);
    if (ret)
        *ret = p;
    return !p.n;
}

bool name_check_str(unsigned rule, const char *s, struct name_problems *ret)
{
    return name_check(rule, s, strlen(s), ret);
}

bool name_check_json(unsigned rule, const json_t *s, struct name_problems *ret)
{
    const char *text = json_string_value(s);

    return name_check(rule, text ? text : "", json_string_length(s), ret);
}

char *name_problems_join(const struct name_problems *p)
{
    struct buf b = BUF_INIT;

    for (size_t i = 0; i < p->n; i++) {
        if (i)
            buf_add_str(&b, "; ");
        buf_add_str(&b, p->v[i]);
    }
    return buf_steal(&b);
}

size_t annotations_size(const json_t *annotations)
{
    size_t size = 0;

    for (void *it = json_object_iter((json_t *)annotations); it;
         it = json_object_iter_next((json_t *)annotations, it))
        size += json_object_iter_key_len(it) + json_string_length(json_object_iter_value(it));
    return size;
}
