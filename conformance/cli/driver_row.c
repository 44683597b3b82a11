#include "conformance/cli/certify.h"

#include "kube/json.h"

static json_t *split_words(const char *words)
{
    json_t *list = json_array();

    for (; *words; words += strspn(words, " ")) {
        size_t len = strcspn(words, " ");
        json_array_append_new(list, json_stringn(words, len));
        words += len;
    }
    return list;
}

/* A long value is cut: the report is for reading. */
static void add_value(struct buf *b, const json_t *value)
{
    cleanup_free char *text = json_text(value, JSON_WRITE_PLAIN);

    if (strlen(text) > 600)
        buf_printf(b, "%.600s...", text);
    else
        buf_add_str(b, text);
}

static json_t *exchange_lines(const struct check_result *r)
{
    json_t *list = json_array();

    for (size_t i = 0; i < r->exchanges.n; i++) {
        const struct exchange *x = &r->exchanges.v[i];
        cleanup_buf struct buf b = BUF_INIT;
        buf_printf(&b, "%s ", rpc_word_text(x->method));
        add_value(&b, x->request);
        json_array_append_new(list, json_string(b.data));
        buf_reset(&b);
        buf_printf(&b, "  -> %s %s", rpc_code_text(x->code), x->message);
        if (x->reply)
            add_value(&b, x->reply);
        json_array_append_new(list, json_string(b.data));
    }
    return list;
}

json_t *driver_row(const struct check_result *r, uint64_t seed, const char *endpoint)
{
    const struct driver_check *k = r->check;
    cleanup_free char *rerun =
        endpoint ? xasprintf("dormouse certify --driver %s --seed %llu --only %s", endpoint,
                             (unsigned long long)seed, k->name)
                 : xasprintf("dormouse certify --seed %llu --only %s", (unsigned long long)seed, k->name);
    bool bad = r->verdict == CHECK_FAIL || r->verdict == CHECK_NON_STRICT;
    json_t *row = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:s, s:s}", "id", k->name, "title",
                            k->title, "subject", "driver", "feature", k->feature, "support",
                            streq(k->feature, "core") ? "core" : "extended", "requirements",
                            split_words(k->requirements), "level", requirement_level_text(k->level),
                            "verdict", check_verdict_text(r->verdict), "message", r->message);

    if (bad) {
        json_object_set_new(row, "expected", json_string(k->title));
        json_object_set_new(row, "actual", json_string(r->message));
    }
    json_object_set_new(row, "timeline", exchange_lines(r));
    json_object_set_new(row, "rerun", json_string(rerun));
    return row;
}
