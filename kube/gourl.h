/* gourl.h — URLs as Go's net/url reads and prints them.
 *
 * Promises
 *  (1) What is refused is refused with Go's sentence, `parse "x": ...` included.
 *  (2) Time and memory are linear in the text.
 */
#pragma once

#include "world/arena.h"

struct url_text {
    const char *s;                     /* NUL-terminated, but may hold NULs */
    size_t len;
};

struct gourl {
    struct url_text scheme, opaque, host, path, raw_path, query, fragment, raw_fragment;
    struct url_text user, password;
    bool has_user, has_password, force_query, omit_host;
};

/* An absolute URI or an absolute path, without a fragment. NULL when all is well, else why not, in `a`. */
const char *gourl_parse_request(struct arena *a, const char *s, size_t len, struct gourl *ret);
/* Any URL, a fragment too. */
const char *gourl_parse(struct arena *a, const char *s, size_t len, struct gourl *ret);

struct url_text gourl_text(struct arena *a, const struct gourl *u);
struct url_text gourl_escaped_path(struct arena *a, const struct gourl *u);
/* The host without its port, brackets off; the port alone. */
struct url_text gourl_hostname(struct arena *a, const struct gourl *u);
struct url_text gourl_port(struct arena *a, const struct gourl *u);

/* The parameters in the order of the query, unescaped; those that cannot be are left out. */
struct url_parameter {
    struct url_text key, value;
};
size_t gourl_query(struct arena *a, const struct gourl *u, struct url_parameter **ret);
