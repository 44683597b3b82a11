/* report_priv.h — what the printed forms share. */
#pragma once

#include <jansson.h>

#include "conformance/report/report.h"
#include "world/buf.h"

void report_escape(struct buf *b, const char *s);               /* for XML and HTML */

extern const char report_css[];                  /* page.css, embedded */
