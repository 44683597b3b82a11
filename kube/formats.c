#include "kube/formats.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "kube/base64.h"
#include "kube/gotime.h"

/* ---- small scanners ------------------------------------------------------------------------------- */

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool hex(char c)
{
    return digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Each of `pattern`: 9 a digit, x a hex digit, else the character itself. */
static bool looks_like(const char *s, size_t len, const char *pattern)
{
    if (len != strlen(pattern))
        return false;
    for (size_t i = 0; i < len; i++)
        if (pattern[i] == '9' ? !digit(s[i]) : pattern[i] == 'x' ? !hex(s[i]) : s[i] != pattern[i])
            return false;
    return true;
}

static bool copy_text(char *to, size_t size, const char *s, size_t len)
{
    if (len >= size || memchr(s, 0, len))
        return false;
    memcpy(to, s, len);
    to[len] = 0;
    return true;
}

/* Without '-' and ' ': digits only. Returns how many, 0 when there is anything else or too many. */
static size_t plain_digits(const char *s, size_t len, char ret[32])
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        if (s[i] == '-' || s[i] == ' ')
            continue;
        if (n == 31 || (!digit(s[i]) && !(s[i] == 'X' && i == len - 1)))
            return 0;
        ret[n++] = s[i];
    }
    return n;
}

/* ---- addresses -------------------------------------------------------------------------------------- */

/* Zeros in front are let be, as Kubernetes' own parser does. */
static bool is_ipv4(const char *s, size_t len)
{
    size_t i = 0, groups = 0;

    for (; i < len && groups < 4; groups++) {
        unsigned v = 0;
        size_t from = i;
        for (; i < len && digit(s[i]) && v < 256; i++)
            v = v * 10 + (unsigned)(s[i] - '0');
        if (i == from || v > 255 || (groups < 3 ? i == len || s[i++] != '.' : i != len))
            return false;
    }
    return groups == 4;
}

static bool is_ipv6(const char *s, size_t len)
{
    char text[64];
    struct in6_addr a;

    return copy_text(text, sizeof(text), s, len) && inet_pton(AF_INET6, text, &a) == 1;
}

static bool is_cidr(const char *s, size_t len)
{
    const char *slash = memchr(s, '/', len);
    size_t n = slash ? (size_t)(slash - s) : 0, bits = 0;

    if (!slash || len - n < 2 || len - n > 4 || (len - n > 2 && slash[1] == '0'))
        return false;
    for (size_t i = n + 1; i < len; i++) {
        if (!digit(s[i]))
            return false;
        bits = bits * 10 + (size_t)(s[i] - '0');
    }
    return (is_ipv4(s, n) && bits <= 32) || (is_ipv6(s, n) && bits <= 128);
}

static bool is_mac(const char *s, size_t len)
{
    static const size_t octets[] = { 6, 8, 20 };
    char separator = len > 2 ? s[2] : 0;

    if (len == 14 || len == 19 || len == 49) {            /* "0000.5e00.5301" */
        for (size_t i = 0; i < len; i++)
            if (i % 5 == 4 ? s[i] != '.' : !hex(s[i]))
                return false;
        return true;
    }
    for (size_t k = 0; k < ARRAY_SIZE(octets); k++) {
        if (len != octets[k] * 3 - 1 || (separator != ':' && separator != '-'))
            continue;
        for (size_t i = 0; i < len; i++)
            if (i % 3 == 2 ? s[i] != separator : !hex(s[i]))
                return false;
        return true;
    }
    return false;
}

static bool is_hostname(const char *s, size_t len)
{
    size_t label = 0;

    if (len == 0 || len > 255)
        return false;
    for (size_t i = 0; i <= len; i++) {
        if (i == len || s[i] == '.') {
            if (label == 0 || label > 63 || s[i - 1] == '-')
                return false;
            label = 0;
        } else if (letter(s[i]) || digit(s[i]) || (s[i] == '-' && label > 0) || (unsigned char)s[i] >= 0x80) {
            label++;
        } else {
            return false;
        }
    }
    const char *dot = memrchr(s, '.', len);
    /* The last of several labels is a word of letters: "a.b-c" is no host. */
    if (!dot)
        return true;
    for (const char *p = dot + 1; p < s + len; p++)
        if (*p == '-' || digit(*p))
            return false;
    return true;
}

static bool is_email(const char *s, size_t len)
{
    const char *at = memrchr(s, '@', len);

    if (!at || at == s || at == s + len - 1)
        return false;
    for (const char *p = s; p < at; p++)
        if (!(letter(*p) || digit(*p) || strchr(".!#$%&'*+/=?^_`{|}~-", *p)) || !*p)
            return false;
    return s[0] != '.' && at[-1] != '.' && is_hostname(at + 1, (size_t)(s + len - at - 1));
}

/* As url.ParseRequestURI: an absolute URI or an absolute path. */
static bool is_uri(const char *s, size_t len)
{
    size_t i = 0;

    for (size_t k = 0; k < len; k++) {
        if ((unsigned char)s[k] < 0x20 || s[k] == 0x7f)
            return false;
        if (s[k] == '%' && !(k + 2 < len && hex(s[k + 1]) && hex(s[k + 2])))
            return false;
    }
    if (len && s[0] == '/')
        return true;
    while (i < len && (letter(s[i]) || (i && (digit(s[i]) || strchr("+-.", s[i])))))
        i++;
    if (!i || i >= len || s[i] != ':')
        return false;
    if (i + 2 < len && s[i + 1] == '/' && s[i + 2] == '/')
        for (i += 3; i < len && !strchr("/?#", s[i]); i++)
            if (s[i] == ' ' || s[i] == '"' || s[i] == '<' || s[i] == '>')
                return false;
    return true;
}

/* ---- numbers of things --------------------------------------------------------------------------------- */

static bool uuid_of(const char *s, size_t len, char version)
{
    bool dashes = looks_like(s, len, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
    size_t at = dashes ? 14 : 12, variant = dashes ? 19 : 16;

    if (!dashes && !looks_like(s, len, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"))
        return false;
    if (!version)
        return true;
    return s[at] == version && (version == '3' || strchr("89abAB", s[variant]));
}

static bool is_uuid(const char *s, size_t len)
{
    return uuid_of(s, len, 0);
}

static bool is_uuid3(const char *s, size_t len)
{
    return uuid_of(s, len, '3');
}

static bool is_uuid4(const char *s, size_t len)
{
    return uuid_of(s, len, '4');
}

static bool is_uuid5(const char *s, size_t len)
{
    return uuid_of(s, len, '5');
}

static bool is_isbn10(const char *s, size_t len)
{
    char d[32];
    int sum = 0;

    if (plain_digits(s, len, d) != 10)
        return false;
    for (int i = 0; i < 10; i++)
        sum += (i + 1) * (d[i] == 'X' ? 10 : d[i] - '0');
    return sum % 11 == 0;
}

static bool is_isbn13(const char *s, size_t len)
{
    char d[32];
    int sum = 0;

    if (plain_digits(s, len, d) != 13 || d[12] == 'X')
        return false;
    for (int i = 0; i < 13; i++)
        sum += (i % 2 ? 3 : 1) * (d[i] - '0');
    return sum % 10 == 0;
}

static bool is_isbn(const char *s, size_t len)
{
    return is_isbn10(s, len) || is_isbn13(s, len);
}

static bool is_creditcard(const char *s, size_t len)
{
    char d[32];
    size_t n = plain_digits(s, len, d);
    int sum = 0;

    if (n < 13 || n > 19 || d[n - 1] == 'X')
        return false;
    for (size_t i = 0; i < n; i++) {
        int v = d[n - 1 - i] - '0';
        v = i % 2 ? 2 * v : v;
        sum += v > 9 ? v - 9 : v;
    }
    return sum % 10 == 0;
}

static bool is_ssn(const char *s, size_t len)
{
    return looks_like(s, len, "999-99-9999") || looks_like(s, len, "999 99 9999") || looks_like(s, len, "999999999");
}

static bool is_bsonobjectid(const char *s, size_t len)
{
    return looks_like(s, len, "xxxxxxxxxxxxxxxxxxxxxxxx");
}

static bool is_hexcolor(const char *s, size_t len)
{
    if (len && s[0] == '#')
        s++, len--;
    return looks_like(s, len, "xxx") || looks_like(s, len, "xxxxxx");
}

static bool is_rgbcolor(const char *s, size_t len)
{
    char text[64];
    unsigned r, g, b;
    int end = 0;

    return copy_text(text, sizeof(text), s, len)
           && sscanf(text, "rgb( %3u , %3u , %3u )%n", &r, &g, &b, &end) == 3 && (size_t)end == len && r < 256
           && g < 256 && b < 256;
}

/* ---- the rest --------------------------------------------------------------------------------------------- */

static bool is_byte(const char *s, size_t len)
{
    return len > 0 && base64_decode(NULL, s, len) >= 0;
}

static bool is_password(const char *s, size_t len)
{
    return true;
}

static bool is_date(const char *s, size_t len)
{
    cleanup_arena struct arena *a = arena_new();
    char text[32];
    struct gotime t;

    if (!looks_like(s, len, "9999-99-99"))
        return false;
    snprintf(text, sizeof(text), "%.10sT00:00:00Z", s);
    return gotime_parse(a, text, strlen(text), false, &t) == NULL;
}

/* RFC 3339, with a space, in either case, or without the seconds' zone being "Z". */
static bool is_date_time(const char *s, size_t len)
{
    cleanup_arena struct arena *a = arena_new();
    char text[64];
    struct gotime t;

    if (len < 20 || !copy_text(text, sizeof(text), s, len))
        return false;
    if (text[10] == 't')
        text[10] = 'T';
    if (text[len - 1] == 'z')
        text[len - 1] = 'Z';
    return gotime_parse(a, text, len, false, &t) == NULL;
}

/* time.ParseDuration, or "3 days". */
static bool is_duration(const char *s, size_t len)
{
    static const char *const units[] = { "ns", "us", "\xc2\xb5s", "\xce\xbcs", "ms", "s", "m", "h", "d", "w" };
    size_t i = 0, n = 0;

    if (i < len && (s[i] == '-' || s[i] == '+'))
        i++;
    if (len - i == 1 && s[i] == '0')
        return true;
    while (i < len) {
        size_t from = i, points = 0, best = 0;
        for (; i < len && (digit(s[i]) || s[i] == '.'); i++)
            points += s[i] == '.';
        if (i - from == points || points > 1)
            return false;
        while (i < len && s[i] == ' ')
            i++;
        for (size_t u = 0; u < ARRAY_SIZE(units); u++) {
            size_t l = strlen(units[u]);
            if (l > best && len - i >= l && strncmp(s + i, units[u], l) == 0)
                best = l;
        }
        if (!best)
            return false;
        i += best;
        n++;
    }
    return n > 0;
}

/* "date-time" is "datetime": strfmt looks names up without their dashes. */
static bool same_but_for_dashes(const char *plain, const char *name)
{
    for (; *name; name++)
        if (*name != '-' && *name != *plain++)
            return false;
    return !*plain;
}

format_fn *format_find(const char *name)
{
    static const struct {
        const char *name;
        format_fn *check;
    } formats[] = {
        { "bsonobjectid", is_bsonobjectid }, { "uri", is_uri }, { "email", is_email }, { "hostname", is_hostname },
        { "ipv4", is_ipv4 }, { "ipv6", is_ipv6 }, { "cidr", is_cidr }, { "mac", is_mac }, { "uuid", is_uuid },
        { "uuid3", is_uuid3 }, { "uuid4", is_uuid4 }, { "uuid5", is_uuid5 }, { "isbn", is_isbn },
        { "isbn10", is_isbn10 }, { "isbn13", is_isbn13 }, { "creditcard", is_creditcard }, { "ssn", is_ssn },
        { "hexcolor", is_hexcolor }, { "rgbcolor", is_rgbcolor }, { "byte", is_byte }, { "password", is_password },
        { "date", is_date }, { "duration", is_duration }, { "datetime", is_date_time },
    };

    for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
        if (same_but_for_dashes(formats[i].name, name))
            return formats[i].check;
    return NULL;
}
