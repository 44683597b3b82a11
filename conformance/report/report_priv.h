/* report_priv.h — what the printed forms share. */
#pragma once

#include <jansson.h>

#include "world/buf.h"

const char *report_field(const json_t *o, const char *key);     /* "" where there is none */
int64_t report_count(const json_t *o, const char *key);
void report_escape(struct buf *b, const char *s);               /* for XML and HTML */

extern const char report_css[];                  /* page.css, embedded */
