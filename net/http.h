/* http.h — what both ends of HTTP speak of. */
#pragma once

struct http_header {
    const char *name, *value;          /* names compare without case */
};
