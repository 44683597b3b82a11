#include <inttypes.h>
#include <stdio.h>

#include "world/world_priv.h"

/* One event, one line, whatever somebody put into a name. */
static void add_printable(struct buf *line, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c >= ' ' && c != 0x7f)
            buf_add_char(line, *text);
        else
            buf_printf(line, "\\x%02x", c);
    }
}

void world_trace(struct world *w, const char *who, const char *fmt, ...)
{
    cleanup_buf struct buf line = BUF_INIT;
    int64_t ms = (world_now(w).ns - SIM_EPOCH.ns) / 1000000;
    va_list args;

    if (w->options.mode == WORLD_SIM) {
        buf_printf(&line, "[%7" PRId64 ".%03d] %-12s > ", ms / 1000, (int)(ms % 1000), who);
    } else {
        char now[TIME_TEXT_MAX];
        time_format(world_now(w), now);
        buf_printf(&line, "%s %-12s > ", now, who);
    }
    va_start(args, fmt);
    cleanup_free char *text = xvasprintf(fmt, args);
    va_end(args);
    add_printable(&line, text);
    buf_add_char(&line, '\n');
    w->trace_hash = hash64(w->trace_hash, line.data, line.len);
    if (w->options.trace_keep)
        buf_add(&w->trace, line.data, line.len);
    if (w->options.trace_sink)
        w->options.trace_sink(w->options.trace_arg, line.data, line.len);
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
