#include <inttypes.h>
#include <stdio.h>

#include "world/world_priv.h"

/* One event, one line, whatever somebody put into a name. */
static void make_printable(struct buf *line, size_t from)
{
    cleanup_free char *text = NULL;

    for (size_t i = from; i < line->len; i++) {
        unsigned char c = (unsigned char)line->data[i];
        if (c >= ' ' && c != 0x7f)
            continue;
        text = xmemdup(line->data + i, line->len - i + 1);
        line->len = i;
        break;
    }
    for (const char *at = text; at && *at; at++) {
        unsigned char c = (unsigned char)*at;
        if (c >= ' ' && c != 0x7f)
            buf_add_char(line, *at);
        else
            buf_printf(line, "\\x%02x", c);
    }
}

static void add_stamp(const struct world *w, struct buf *line, const char *who)
{
    struct instant t = world_now(w);
    int64_t ms = (t.ns - SIM_EPOCH.ns) / 1000000;
    char now[TIME_TEXT_MAX];

    if (w->options.mode == WORLD_SIM) {
        buf_printf(line, "[%7" PRId64 ".%03d] %-12s > ", ms / 1000, (int)(ms % 1000), who);
    } else {
        time_format(t, now);
        buf_printf(line, "%s %-12s > ", now, who);
    }
}

void world_trace(struct world *w, const char *who, const char *fmt, ...)
{
    struct buf *line = &w->line;
    va_list args;
    size_t start;

    buf_reset(line);
    add_stamp(w, line, who);
    start = line->len;
    va_start(args, fmt);
    buf_vprintf(line, fmt, args);
    va_end(args);
    make_printable(line, start);
    buf_add_char(line, '\n');
    w->trace_hash = hash64(w->trace_hash, line->data, line->len);
    if (w->options.trace_keep)
        buf_add(&w->trace, line->data, line->len);
    if (w->options.trace_sink)
        w->options.trace_sink(w->options.trace_arg, line->data, line->len);
}

const char *world_trace_text(struct world *w, size_t *ret_len)
{
    buf_reserve(&w->trace, 0);
    *ret_len = w->trace.len;
    return w->trace.data;
}

uint64_t world_trace_hash(const struct world *w)
{
    return w->trace_hash;
}
